"""An assignment over two people's browsers (W2, W11): given, taken on, handed in, sent back, handed in again, accepted."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import DESK, PHONE, Saw, Site, chip


def narrow(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_from_the_leader_to_the_phone_and_back(shared: Site, saw: Saw) -> None:
    theirs = shared.person("leader", size=DESK)
    theirs.goto(f"{shared.address}/work/assignments/")
    chip(theirs, "W2", saw)
    theirs.get_by_role("link", name="新交办").first.click()
    theirs.get_by_label("交办什么").fill("走访到期客户")
    theirs.get_by_role("button", name=re.compile("交办")).click()
    expect(theirs.get_by_text("请写明怎样算办完。")).to_be_visible()
    expect(theirs.get_by_label("交办什么")).to_have_value("走访到期客户")
    theirs.get_by_label("怎样算办完").fill("名单和每户一句纪要")
    theirs.get_by_role("checkbox", name="林晓 1001").check()
    theirs.get_by_label("日期", exact=True).or_(theirs.locator("[name=day]")).first.fill("2026-03-06")
    theirs.get_by_role("button", name=re.compile("交办")).click()
    expect(theirs.get_by_text("已交办给 林晓")).to_be_visible()

    hers = shared.person("rm", size=PHONE)
    hers.locator(".row", has_text="接受或反问：走访到期客户").get_by_role("link", name="接受").click()
    expect(hers.get_by_text("名单和每户一句纪要")).to_be_visible()
    narrow(hers)
    hers.get_by_role("button", name="接受交办").click()
    hers.get_by_label("办了什么、结果如何").fill("12 户走访完")
    hers.get_by_role("button", name="交出").click()
    expect(hers.get_by_text("领导看之前不计期限")).to_be_visible()
    narrow(hers)

    theirs.goto(shared.address)
    theirs.locator(".row", has_text="看交来的：林晓").get_by_role("link", name="去看").click()
    theirs.locator("summary", has_text="退回").click()
    theirs.get_by_label("还缺什么").fill("缺金额")
    theirs.locator("[name=day]").fill("2026-03-09")
    theirs.get_by_role("button", name="退回").click()
    expect(theirs.get_by_text("已退回，并定了新期限")).to_be_visible()

    hers.goto(f"{shared.address}/work/assignments/?whose=mine")
    narrow(hers)
    back = hers.locator(".row", has_text="走访到期客户")
    expect(back.get_by_text("退回")).to_be_visible()
    back.get_by_role("link", name="打开").click()
    expect(hers.get_by_text("缺金额").first).to_be_visible()
    hers.get_by_label("办了什么、结果如何").fill("补了金额，合计 860 万")
    hers.get_by_role("button", name="交出").click()

    theirs.goto(shared.address)
    theirs.locator(".row", has_text="看交来的：林晓").get_by_role("link", name="去看").click()
    expect(theirs.get_by_text("补了金额，合计 860 万").first).to_be_visible()
    theirs.locator("[name=rating][value='5']").check()
    theirs.get_by_role("button", name="认可").click()
    expect(theirs.get_by_text("已认可，这项办完")).to_be_visible()

    hers.goto(f"{shared.address}/work/promises/")
    kept = hers.locator(".row", has_text="交办：走访到期客户")
    expect(kept.get_by_text("守诺")).to_be_visible()
    expect(kept.get_by_text("补了金额，合计 860 万")).to_be_visible()
