"""C5 on the page: a promised minute is told on whatever page one is, without reload, and the call is made at the minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from zhike.obligations.models import Obligation

from .conftest import DESK, MONDAY, PHONE, Saw, Site, chip

THREE = MONDAY + timedelta(hours=1)


def promise(site: Site, customer: Any, at: datetime = THREE) -> Obligation:
    """At 14:00 the customer was busy, and wants to be called at an exact minute."""
    from zhike.conduct.bank import Bank
    from zhike.contacts import course
    from zhike.people.actor import acting

    with acting(customer.rm_id, MONDAY) as actor:
        call = course.plan(customer, "call", actor=actor, now=MONDAY, purpose="care")
        course.start(call, actor=actor, now=MONDAY, bank=Bank())
        course.put_through(call, "busy", actor=actor, now=MONDAY, bank=Bank(), call_back_at=at)
    with site.owner():
        return Obligation.objects.get(kind="call_back", customer=customer)


def talking(site: Site) -> int:
    """A call begun by mistake, its page open."""
    from zhike.conduct.bank import Bank
    from zhike.contacts import course
    from zhike.people.actor import acting

    customer = site.customer("高文静")
    with acting(customer.rm_id, MONDAY) as actor:
        call = course.plan(customer, "call", actor=actor, now=MONDAY, purpose="care")
        course.start(call, actor=actor, now=MONDAY, bank=Bank())
    return int(call.pk)


def test_the_promised_minute_is_told_on_another_page_and_kept(site: Site, saw: Saw) -> None:
    customer = site.customer("梁雪梅")
    owed = promise(site, customer)
    site.at(THREE - timedelta(minutes=2, seconds=4))
    page = site.person()
    page.goto(f"{site.address}/customers/")
    reminders = page.get_by_role("region", name="提醒")
    expect(reminders).to_have_count(0)
    with site.working():
        expect(reminders).to_contain_text("梁雪梅", timeout=60_000)
        expect(reminders).to_contain_text("15:00")
        expect(page.locator("[data-rail-count]")).to_contain_text("1 项提醒")
        reminders.get_by_role("button", name="回电").click()
        page.wait_for_url("**/talk/**")
        chip(page, "C5", saw)
        page.locator("[name=outcome][value=reached]").check()
        page.locator("[data-submit]").click()
        page.wait_for_url("**/write-up/")
        expect(reminders).to_have_count(0)
    with site.owner():
        owed.refresh_from_db()
    assert (owed.state, owed.evidence["kept"]) == ("done", "kept")


def test_a_missed_one_reaches_the_leader(site: Site, saw: Saw) -> None:
    """The same promise, nobody calls: half an hour after, the leader is told on the leader's own page."""
    customer = site.customer("沈静仪")
    owed = promise(site, customer)
    site.at(THREE + timedelta(minutes=31))
    page = site.person("leader", size=PHONE)
    page.goto(f"{site.address}/me/")
    with site.working():
        reminders = page.get_by_role("region", name="提醒")
        expect(reminders).to_contain_text("沈静仪", timeout=90_000)
        reminders.get_by_role("link").nth(1).click()
    chip(page, "C5", saw)
    with site.owner():
        owed.refresh_from_db()
    assert owed.state == "open"


def test_what_was_read_is_put_away_and_what_is_owed_stays(site: Site) -> None:
    customer = site.customer("高文静")
    promise(site, customer)
    site.at(THREE - timedelta(minutes=1))
    page = site.person()
    page.goto(f"{site.address}/me/")
    with site.working():
        reminders = page.get_by_role("region", name="提醒")
        expect(reminders).to_contain_text("迟到", timeout=60_000)
        reminders.get_by_role("button", name="知道了").click()
        expect(reminders).to_have_count(0)
    page.goto(site.address)
    expect(page.locator(".row", has_text="高文静").first).to_be_visible()


def test_what_comes_while_the_focus_stands_among_reminders_is_told_and_the_focus_stays(site: Site) -> None:
    promise(site, site.customer("高文静"))
    promise(site, site.customer("沈静仪"), THREE + timedelta(minutes=11))
    site.at(THREE - timedelta(minutes=4, seconds=30))  # the second is told of in half a minute
    page = site.person()
    with site.working():
        page.goto(f"{site.address}/me/")
        reminders = page.get_by_role("region", name="提醒")
        expect(reminders).to_contain_text("高文静", timeout=60_000)
        expect(reminders).not_to_contain_text("沈静仪")
        reminders.get_by_role("link", name="回电").first.focus()
        expect(reminders).to_contain_text("沈静仪", timeout=60_000)
        focused = page.evaluate("document.activeElement.closest('[data-notice]').innerText")
    assert "高文静" in focused


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_without_a_worker_every_page_says_so(site: Site, language: str) -> None:
    with site.owner():
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("UPDATE notices_heartbeat SET seen_at = %s", [MONDAY - timedelta(minutes=2)])
    for who in ("rm", "leader", "auditor", "administrator"):
        page = site.person(who, language=language)
        for address in ("/", "/me/", "/code/"):
            page.goto(site.address + address)
            expect(page.locator("[data-silent]")).to_contain_text("13:58")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("address", ["/customers/", "/schedule/", "talk"])
def test_what_one_is_about_to_press_stays_in_its_place(site: Site, size: dict[str, int], address: str) -> None:
    """The banner came and pushed the page down from under the cursor, or lay over it: it is shown in the bar's place, and moves down later."""
    promise(site, site.customer("梁雪梅"))
    promise(site, site.customer("沈静仪"))
    if address == "talk":
        address = f"/contacts/{talking(site)}/talk/"
    site.at(THREE)
    page = site.person(size=size)
    page.goto(f"{site.address}{address}")
    button = page.locator("main a:visible, main button:visible").filter(visible=True).last
    button.focus()
    before = button.bounding_box()
    reminders = page.get_by_role("region", name="提醒")
    expect(reminders).to_have_count(0)
    with site.working():
        expect(reminders.get_by_text("回电", exact=True).first).to_be_visible(timeout=60_000)
        expect(reminders).to_contain_text("梁雪梅", timeout=60_000)
        expect(reminders).to_contain_text("沈静仪", timeout=60_000)
        after = button.bounding_box()
        strip, bar = reminders.bounding_box(), page.locator(".bar").bounding_box()
        assert before
        assert after
        assert strip
        assert bar
        assert abs(after["y"] - before["y"]) < 1, "scrolling is in whole pixels"
        assert strip["y"] >= bar["y"]
        assert strip["y"] + strip["height"] <= bar["y"] + bar["height"]
        page.locator(".bar :is(input, a, button)").filter(visible=True).last.focus()  # it makes way
        assert (reminders.bounding_box() or strip)["y"] >= bar["height"]
