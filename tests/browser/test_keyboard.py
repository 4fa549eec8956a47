"""Without a mouse, and in English: the list walked, its reason opened, a row done, the keys looked up."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from .conftest import MONDAY, PHONE, Arranged, Saw, Site, chip, tap

CHINESE = re.compile("[\u4e00-\u9fff]")


def test_a_row_done_by_keys_alone(shared: Site, saw: Saw) -> None:
    customer = shared.customer("范蠡", called=True)
    Arranged(shared).contact("call", customer, at=MONDAY - timedelta(minutes=10), minutes=3, purpose="care")
    page = shared.person()
    page.keyboard.press("?")
    keys = page.locator("#keys")
    expect(keys).to_be_visible()
    expect(keys.locator("dt")).not_to_have_count(0)
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("j")
    expect(page.locator(".row").first).to_be_focused()
    page.keyboard.press("e")
    expect(page.locator(".row .proof").first).to_be_visible()
    chip(page, "C6", saw)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url("**/write-up/")
    page.keyboard.press("3")
    expect(page.locator("[name=result]").nth(2)).to_be_checked()
    choose(page, "[name=need][value=none]", "Space")
    choose(page, "[name=next][value=rhythm]", "Space")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    page.keyboard.press("g")
    page.keyboard.press("k")
    page.wait_for_url("**/customers/")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/messages/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_title("今日 · 知客")


def test_a_refused_form_opens_where_its_fault_stands(shared: Site) -> None:
    """It opened at its top, where on the phone nothing seemed to have happened."""
    customer = shared.customer("文种")
    page = shared.person(size=PHONE)
    page.goto(f"{shared.address}/customers/{customer.pk}/new/visit/")
    page.locator("[name=time]").first.fill("16:00")
    tap(page, "purpose", "care")
    page.keyboard.press("Control+Enter")
    where = page.locator("[name=place]")
    expect(where).to_be_focused()
    expect(where).to_be_in_viewport()
    expect(where).to_have_attribute("aria-invalid", "true")
    fault = page.locator(f"#{where.get_attribute('aria-describedby')}")
    expect(fault).to_be_in_viewport(ratio=1)
    expect(fault).not_to_be_empty()


def choose(page: Page, target: str, key: str) -> None:
    """Tab until the choice has the focus, then press: whatever a mouse reaches, Tab reaches."""
    for _ in range(80):
        if page.evaluate("target => document.activeElement.matches(target)", target):
            return page.keyboard.press(key)
        # within a group of choices the arrows walk, as everywhere
        name = target.partition("]")[0] + "]"
        inside = page.evaluate("name => document.activeElement.matches(name + '[type=radio]')", name)
        page.keyboard.press("ArrowDown" if inside else "Tab")
    raise AssertionError(f"the keyboard does not reach {target}")


def test_single_letters_can_be_switched_off(shared: Site) -> None:
    page = shared.person("mate")
    page.goto(f"{shared.address}/me/")
    page.locator("[name=single_keys][value=no]").check()
    page.locator("form[action$='/wishes/'] button[data-submit]").click()
    page.goto(shared.address)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()


def test_english_throughout(shared: Site) -> None:
    """No Chinese is left but names: of people, units and places."""
    made = Arranged(shared)
    customer = shared.customer("Ann Lee", who="stranger")
    made.contact("visit", customer, at=MONDAY - timedelta(minutes=30))
    page = shared.person("stranger", language="en")
    expect(page).to_have_title("Today · Zhike")
    visit = page.locator("a[href$='/write-up/']").first.get_attribute("href")
    thanks = page.locator("a[href*='/obligations/'].button").first.get_attribute("href")
    pages = [
        "/",
        f"/customers/{customer.pk}/",
        visit,
        thanks,
        f"/customers/{customer.pk}/new/call/",
        "/schedule/",
        "/messages/",
        "/messages/look/",
        f"/messages/{customer.pk}/",
        f"/handset/{customer.pk}/",
        "/code/",
        "/code/C5/",
        "/me/",
    ]
    left = {}
    for each in pages:
        page.goto(f"{shared.address}{each}")
        lines = page.locator("body").inner_text().splitlines()
        foreign = [line for line in lines if CHINESE.search(line) and not NAMES.search(line)]
        if foreign:
            left[each] = foreign
    assert not left, left


NAMES = re.compile("赵磊|欧阳思远|单雪梅|苏州恒丰|陆家嘴支行|世纪大道支行|张江分行|滨江壹号|中文|支行|总行")
