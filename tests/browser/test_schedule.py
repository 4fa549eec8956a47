"""From a day of the schedule to an appointment: the hour by a tap, the customer by the search box, the form filled in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from .conftest import DESK, MONDAY, PHONE, Arranged, Hand, Site


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_an_appointment_begins_at_its_day(site: Site, size: dict[str, int]) -> None:
    customer = site.customer("晏几道")
    met = site.customer("柳三变")
    Arranged(site).contact("reception", met, at=MONDAY - timedelta(hours=1))
    Arranged(site).plan("visit", MONDAY + timedelta(days=2, hours=1), met)
    page = site.person(size=size)
    page.goto(f"{site.address}/schedule/")
    page.locator("#d2026-03-04 .line-new").click()
    expect(page.locator("#taken")).to_contain_text("15:00 柳三变")
    # before a letter is typed: whom one knows from today
    expect(page.locator("#new-hits .hit").first).to_contain_text("柳三变")
    page.locator("[name=at][value='10:00']").check()
    page.locator("#new [name=q]").focus()
    page.keyboard.type("晏几道")
    expect(page.locator("#new-hits .hit")).to_have_text([re.compile("晏几道")])
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/customers/{customer.pk}/new/visit/**")
    expect(page.locator("#day")).to_have_value("2026-03-04")
    expect(page.locator("[name=time]")).to_have_value("10:00")
    expect(page.locator("[name=how][value=agree]")).to_be_checked()


def test_the_search_box_offers_todays_customers_to_the_keyboard(site: Site) -> None:
    met = site.customer("柳三变")
    Arranged(site).contact("reception", met, at=MONDAY - timedelta(hours=1))
    page = site.person()
    page.goto(f"{site.address}/customers/")
    hand = Hand(page)
    hand.press("/")
    option = page.locator("#hits [role=option]")
    expect(option).to_have_count(1)
    expect(option).to_have_attribute("aria-selected", "false")
    hand.press("Enter")  # of nothing nobody is opened
    expect(page).to_have_url(f"{site.address}/customers/")
    hand.press("ArrowDown")
    hand.press("Enter")
    page.wait_for_url(f"**/customers/{met.pk}/")


def test_past_days_of_the_week_are_folded_and_open(site: Site) -> None:
    met = site.customer("柳三变")
    Arranged(site).contact("reception", met, at=MONDAY - timedelta(hours=1))
    site.at(MONDAY + timedelta(days=2))
    page = site.person()
    page.goto(f"{site.address}/schedule/")
    row = page.locator(".row", has_text="柳三变").first
    expect(row).to_be_hidden()
    page.keyboard.press("j")
    expect(page.locator(".line-past .row:focus")).to_have_count(0)
    page.locator(".line-past > summary").click()
    expect(row).to_be_visible()


def test_an_appointment_is_found_without_the_list(site: Site) -> None:
    """Where no script runs, as where Enter is quicker than the list, the words go to the server."""
    customer = site.customer("晏几道")
    signed_in = site.person().context.storage_state()
    context = site.chromium.new_context(java_script_enabled=False, storage_state=signed_in)
    site.contexts.append(context)
    page = site.page(context)
    page.goto(f"{site.address}/schedule/new/?day=2026-03-04")
    page.locator("#new [name=q]").fill("晏几道")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/customers/{customer.pk}/new/visit/**")
