"""Two browsers do one obligation at once: it is done once, and the other is told how it stands."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import expect

from zhike.obligations.models import Fact, Obligation

from .conftest import MONDAY, Arranged, Saw, Site, chip, row, tap

SEND = "document.querySelector('form[action$=\"/done/\"]').requestSubmit()"


def test_two_browsers_do_it_once(shared: Site, saw: Saw) -> None:
    customer = shared.customer("李时珍")
    Arranged(shared).contact("reception", customer, at=MONDAY - timedelta(minutes=30))
    windows = [shared.person(), shared.person()]
    for page in windows:
        row(page, customer, "致谢").locator(".row-do a").click()
        page.wait_for_url("**/obligations/*/")
        chip(page, "R12", saw)
        tap(page, "channel", "sms")
    with shared.owner():
        before = Fact.objects.count()
    for page in windows:
        page.evaluate(SEND)
    for page in windows:
        expect(page.locator(".toast, .note--soon").first).to_be_visible()
    with shared.owner():
        assert Fact.objects.count() == before + 1
        assert Obligation.objects.get(customer=customer, kind="thanks").state == "done"
    for page in windows:
        page.goto(shared.address)
        expect(row(page, customer, "致谢")).to_have_count(0)


def test_a_stale_page_says_how_it_stands(shared: Site, saw: Saw) -> None:
    customer = shared.customer("孙思邈")
    Arranged(shared).contact("reception", customer, at=MONDAY - timedelta(minutes=30))
    early, late = shared.person(), shared.person()
    for page in (early, late):
        row(page, customer, "致谢").locator(".row-do a").click()
        page.wait_for_url("**/obligations/*/")
        tap(page, "channel", "sms")
    early.locator("[data-submit]").click()
    expect(early).to_have_title("今日 · 知客")
    late.locator("[data-submit]").click()
    expect(late.locator(".note--soon")).to_be_visible()
    expect(late.get_by_role("button", name="办完了")).to_have_count(0)
