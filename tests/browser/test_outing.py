"""外出 · An outing over two people's browsers: the RM on the phone, the leader at the desk."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from .conftest import MONDAY, PHONE, Arranged, Saw, Site, chip

LONG = "内蒙古鄂尔多斯市准格尔旗薛家湾镇恒远达新能源重型装备制造与现代物流股份有限责任公司"


def test_reported_seen_answered_checked_in_helped_and_back(site: Site, saw: Saw) -> None:
    customer = site.customer("沈静仪")
    Arranged(site).plan("visit", MONDAY + timedelta(minutes=60), customer, agreed=True)
    hers = site.person("rm", size=PHONE)
    # Two taps from Today; the agreed visit stands ready.
    hers.get_by_role("link", name="外出", exact=True).click()
    chip(hers, "W7", saw)
    expect(hers.get_by_label("沈静仪")).to_be_checked()
    hers.get_by_label("客户或地点").first.fill(LONG)
    hers.get_by_label("事由").first.fill("办理变更")
    hers.get_by_label("出发时间").fill("14:00")
    hers.get_by_label("返回时间").fill("17:00")
    hers.get_by_role("button", name="报备").click()
    expect(hers.get_by_text("已报备，主管马上看到")).to_be_visible()
    expect(hers.get_by_text("起外出")).to_be_visible()

    desk = site.person("leader")
    desk.goto(f"{site.address}/team/")
    desk.get_by_role("link", name=re.compile("外出 1 人")).click()
    place = desk.locator(".whereabouts", has_text="林晓")
    expect(place).to_contain_text("沈静仪")
    place.get_by_role("link", name="答复").click()
    desk.get_by_label("给 林晓 的一句话").fill("请带小陈一起去")
    desk.get_by_role("button", name="答复", exact=True).click()
    expect(desk.get_by_text("在今日看得到")).to_be_visible()

    # The open page takes the line over by itself; Today has it too.
    hers.evaluate("dispatchEvent(new Event('zhike:refresh'))")
    expect(hers.get_by_text("请带小陈一起去")).to_be_visible()
    here = hers.url
    hers.goto(site.address)
    expect(hers.locator(".row", has_text="请带小陈一起去")).to_be_visible()
    hers.goto(here)
    hers.locator(".stop", has_text="沈静仪").get_by_role("button", name="到这里了").click()
    expect(hers.locator(".stop", has_text="沈静仪").get_by_text("14:0")).to_be_visible()
    hers.get_by_label("需要什么支援").fill("合同少一页")
    hers.get_by_role("button", name="向主管求助").click()
    expect(hers.get_by_text("已求助：吴敏")).to_be_visible()

    desk.goto(site.address)
    owed = desk.locator(".row", has_text="林晓求助：合同少一页")
    owed.get_by_role("link", name="答复").click()
    desk.get_by_label("答复内容").fill("小陈马上送来")
    desk.locator("[id^=help-]").get_by_role("button", name="答复").click()
    expect(desk.get_by_text("马上看得到")).to_be_visible()
    hers.evaluate("dispatchEvent(new Event('zhike:refresh'))")
    expect(hers.get_by_text("小陈马上送来")).to_be_visible()

    hers.get_by_role("button", name="返回签到").click()
    expect(hers.get_by_text("请逐处简要汇报")).to_be_visible()
    for name, result in (("沈静仪", "done"), (LONG, "put_off")):
        stop = hers.locator(".stop", has_text=name)
        stop.locator(f"[name=result][value={result}]").check()
        stop.locator("[name=words]").fill("说清楚了")
        stop.get_by_role("button", name="汇报").click()
        expect(hers.get_by_text("已汇报").first).to_be_visible()
    expect(hers.get_by_text("这次外出全部完成")).to_be_visible()
    desk.goto(f"{site.address}/work/outings/board/")
    expect(desk.locator("section", has_text="今天已返回").locator(".whereabouts", has_text="林晓")).to_be_visible()
    for page in (hers, desk):
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
