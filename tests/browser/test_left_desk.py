"""A desk left with Today open is signed out like any other; whoever works there is not."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from .conftest import MONDAY, Site


def polled(site: Site, page: Page, minutes: int) -> None:
    """The bank's clock goes on, and the page asks how things stand."""
    site.at(MONDAY + timedelta(minutes=minutes))
    with page.expect_response(lambda answer: answer.url == f"{site.address}/"):
        page.clock.run_for(31_000)
    site.complaints.clear()  # it may have asked while the server started anew


def test_a_desk_left_with_today_open_is_signed_out(site: Site) -> None:
    page = site.person()
    page.clock.install()
    page.goto(site.address)
    for minutes in (10, 14):
        polled(site, page, minutes)
    expect(page).to_have_title("今日 · 知客")
    polled(site, page, 16)
    page.wait_for_url(re.compile("/sign-in/"))
    expect(page.locator("body")).not_to_contain_text("今日")


def test_who_moves_through_today_stays_signed_in(site: Site) -> None:
    page = site.person()
    page.clock.install()
    page.goto(site.address)
    polled(site, page, 10)
    page.keyboard.press("j")
    for minutes in (14, 28):
        polled(site, page, minutes)
    expect(page).to_have_title("今日 · 知客")
