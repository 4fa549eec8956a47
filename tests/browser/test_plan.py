"""工作计划 · On the phone: owed in the morning, two taps fix the plan that proposes itself, what was planned is done from Today; the leader
says a word at the evening meeting, and it is read."""

from __future__ import annotations

from datetime import date, datetime

from playwright.sync_api import expect

from .conftest import MONDAY, PHONE, Arranged, Saw, Site, chip


def test_from_the_morning_to_the_evening(site: Site, saw: Saw) -> None:
    from zhike.people.models import Setting

    with site.owner():
        Setting.objects.create(
            name="plan_periods", value=["day"], from_day=date(2026, 1, 1), at=datetime.now(MONDAY.tzinfo)
        )
    customer = site.customer("沈静仪")
    Arranged(site).plan("reception", MONDAY.replace(hour=17), customer, agreed=True)
    Arranged(site).sweep()
    hers = site.person("rm", size=PHONE)
    hers.locator(".row", has_text="定日计划").get_by_role("link", name="定计划").click()
    chip(hers, "W1", saw)
    expect(hers.locator(".plan-line", has_text="沈静仪").first).to_be_visible()
    assert hers.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    hers.get_by_label("自己加的事项").first.fill("整理客户档案")
    hers.get_by_role("button", name="就按这个定").click()
    expect(hers.get_by_text("已定，共")).to_be_visible()
    expect(hers.locator(".plan-line", has_text="整理客户档案").locator(".state")).to_have_text("未办")
    assert hers.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    hers.goto(site.address)
    expect(hers.locator(".row", has_text="定日计划")).to_have_count(0)
    hers.locator(".row", has_text="整理客户档案").get_by_role("button", name="办完了").click()
    expect(hers.locator(".row", has_text="整理客户档案")).to_have_count(0)

    desk = site.person("leader")
    desk.goto(f"{site.address}/work/plans/morning/")
    expect(desk.get_by_text("17:00")).to_be_visible()
    desk.get_by_role("link", name="夕会").click()
    seat = desk.locator(".seat", has_text="林晓")
    expect(seat.locator(".plan-line", has_text="沈静仪").first).to_be_visible()
    seat.get_by_text("已办和不必再办的").click()
    expect(seat.locator(".plan-line--done", has_text="整理客户档案")).to_be_visible()
    seat.get_by_placeholder("写一句批注").fill("先约沈女士")
    seat.get_by_role("button", name="批注").click()
    expect(desk.locator(".seat", has_text="林晓").get_by_text("先约沈女士")).to_be_visible()

    hers.goto(site.address)
    hers.locator(".row", has_text="批注计划：先约沈女士").get_by_role("link", name="查看").click()
    hers.get_by_role("button", name="看过了").click()
    expect(hers.get_by_role("button", name="看过了")).to_have_count(0)
    hers.goto(site.address)
    expect(hers.locator(".row", has_text="批注计划")).to_have_count(0)
