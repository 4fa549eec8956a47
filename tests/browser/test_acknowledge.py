"""阅知 · The code read on the phone and acknowledged in one tap; the leader sees it counted."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from playwright.sync_api import expect

from .conftest import MONDAY, PHONE, Arranged, Saw, Site, chip


def test_read_on_the_phone_and_counted_at_the_desk(shared: Site, saw: Saw) -> None:
    from zhike.people.models import Setting

    with shared.owner():
        Setting.objects.create(
            name="acknowledge_roles", value=["rm", "leader"], from_day=date(2026, 1, 1), at=datetime.now(MONDAY.tzinfo)
        )
    Arranged(shared).sweep()
    hers = shared.person("rm", size=PHONE)
    hers.locator(".row", has_text="阅读行为规范").get_by_role("link", name="去阅读").click()
    chip(hers, "W6", saw)
    expect(hers.get_by_text("请通读全文")).to_be_visible()
    assert hers.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    hers.get_by_role("button", name="已读并遵守").click()
    expect(hers.get_by_text("已留存：已读并遵守")).to_be_visible()
    expect(hers.get_by_role("button", name="已读并遵守")).to_have_count(0)
    hers.goto(shared.address)
    expect(hers.locator(".row", has_text="阅读行为规范")).to_have_count(0)

    desk = shared.person("leader")
    desk.goto(f"{shared.address}/code/")
    desk.get_by_role("link", name="规范阅知情况").click()
    expect(desk.get_by_text("已阅知 1 / 3 人").first).to_be_visible()
    desk.get_by_role("link", name="未阅知").click()
    expect(desk.get_by_role("row", name="陈彤")).to_be_visible()
    expect(desk.get_by_role("row", name="林晓")).to_have_count(0)
    desk.set_viewport_size(PHONE)
    assert desk.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_cards_lie_folded_on_the_preparation_card(shared: Site) -> None:
    customer = shared.customer("韦明", met=False)
    contact = Arranged(shared).plan("reception", MONDAY + timedelta(minutes=40), customer)
    hers = shared.person("rm", size=PHONE)
    hers.goto(f"{shared.address}/contacts/{contact.pk}/prepare/")
    expect(hers.get_by_text("在座位上道别")).to_be_hidden()
    hers.get_by_text("礼仪卡", exact=True).click()
    expect(hers.get_by_text("在座位上道别")).to_be_visible()
    assert hers.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    hers.get_by_role("link", name="首次见面", exact=True).click()
    expect(hers.get_by_role("heading", level=1)).to_have_text("首次见面")
