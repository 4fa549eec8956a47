"""The calendar on one's own phone, from the bank that opens it to the phone that is lost."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.cast import PASSWORD
from zhike.people.models import Setting

from .conftest import DESK, PHONE, Site
from .test_axe import LOOK, TAGS, axe
from .test_reminders import promise


def opened(site: Site) -> None:
    """Two administrators open it from today on."""
    page = site.person("administrator")
    page.goto(f"{site.address}/settings/calendar_feed/")
    expect(page.locator("main")).to_contain_text("待本行合规核定")
    page.locator("[name=value][value=yes]").check()
    page.locator("[name=from_day]").fill("2026-03-02")
    page.locator("[name=reason]").fill("合规部已核定")
    page.locator("main form button").last.click()
    second = site.person("second_administrator")
    second.goto(f"{site.address}/approvals/")
    second.locator("article", has_text="合规部已核定").locator("button[value=approve]").click()
    second.goto(f"{site.address}/settings/calendar_feed/")
    expect(second.locator("main")).to_contain_text("管原")


def made(page: Page) -> str:
    """A new address, from the page of reminders on, copied by its button."""
    page.locator("#calendar a[href$='/calendar/new/']").click()
    if page.locator("[name=password]").count():
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button").last.click()
    page.wait_for_url("**/calendar/new/")
    page.locator("main form button").last.click()
    expect(page.locator(".qr img")).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy]").click()
    expect(page.locator("[data-copy]")).to_contain_text("已复制")
    address: str = page.evaluate("navigator.clipboard.readText()")
    page.locator(".form-foot a").click()
    page.wait_for_url("**/reminders/")
    return address


def read(address: str) -> tuple[int, str]:
    """What a phone gets, which is no browser and has no session."""
    try:
        with urllib.request.urlopen(address) as answer:
            assert answer.headers["Set-Cookie"] is None
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_a_phone_reads_it_until_it_is_lost(site: Site) -> None:
    customer = site.customer("梁雪梅")
    promise(site, customer)
    page = site.person()
    page.goto(f"{site.address}/reminders/")
    expect(page.locator("#calendar")).to_have_count(0)
    opened(site)
    page.reload()
    address = made(page)
    assert address.startswith(f"{site.address}/calendar/")
    status, text = read(address)
    assert status == 200
    assert "SUMMARY:15:00 回电 · 打开知客\r\n" in text
    assert "梁" not in text
    page.reload()
    expect(page.locator("#calendar")).to_contain_text("最近读取")
    page.locator("#calendar form button").click()
    expect(page.locator("#toasts")).to_contain_text("已撤销")
    assert read(address)[0] == 404
    again = made(page)
    assert read(address)[0] == 404
    assert read(again)[0] == 200


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [(DESK, "light", "zh-hans"), (DESK, "dark", "en"), (PHONE, "light", "en"), (PHONE, "dark", "zh-hans")],
    ids=["desk", "desk-dark-en", "phone-en", "phone-dark"],
)
def test_it_fits_where_it_is_seen(shared: Site, size: dict[str, int], scheme: str, language: str) -> None:
    with shared.owner():
        Setting.objects.get_or_create(
            name="calendar_feed", from_day=date(2026, 1, 1), defaults={"value": True, "at": shared.now}
        )
    page = shared.person(size=size, scheme=scheme, language=language)
    # axe measures with styles of its own, which the page's policy refuses: no fault of the page's
    page.remove_listener("console", shared.heard)
    folder = os.environ.get("ZHIKE_SHOTS")

    def look(name: str) -> None:
        page.evaluate(axe())
        assert page.evaluate(LOOK, TAGS) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        if folder:
            path = Path(folder) / f"{name}-{size['width']}-{scheme}-{language}.png"
            page.screenshot(path=path, full_page=True)

    page.goto(f"{shared.address}/reminders/")
    look("none")
    page.locator("#calendar a[href$='/calendar/new/']").click()
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main form button").last.click()
    page.wait_for_url("**/calendar/new/")
    look("new")
    page.locator("main form button").last.click()
    expect(page.locator(".qr img")).to_be_visible()
    look("made")
    page.locator(".form-foot a").click()
    page.wait_for_url("**/reminders/")
    look("held")
