"""A promise from one line on a phone to its answer (W11)."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import MONDAY, PHONE, Saw, Site, chip


def test_one_line_on_a_phone_is_confirmed_owed_and_answered(shared: Site, saw: Saw) -> None:
    customer = shared.customer("王守信")
    page = shared.person("rm", size=PHONE)
    page.keyboard.press("p")
    page.keyboard.type("答应王总今天下午五点前回复利率")
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/promises/new/")
    chip(page, "W11", saw)
    expect(page.get_by_label("做什么")).to_have_value("回复利率")
    expect(page.get_by_role("radio", name=re.compile("王守信"))).to_be_checked()
    expect(page.get_by_role("radio", name="3月2日 周一 17:00 前")).to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name=re.compile("已答应，记下")).click()
    expect(page.get_by_text("已记下：回复利率")).to_be_visible()
    promise = page.locator(".row", has_text="兑现承诺：回复利率")
    expect(promise.get_by_text("王守信")).to_be_visible()

    promise.get_by_role("link", name="答复").click()
    page.wait_for_url("**/obligations/*/")
    page.get_by_role("button", name=re.compile("办完了")).first.click()
    expect(page.get_by_text("请写明答复了什么")).to_be_visible()
    page.get_by_label("答复了什么").fill("三年期 1.9%")
    page.locator("[name=channel][value=call]").check()
    page.get_by_role("button", name=re.compile("办完了")).first.click()
    expect(page.locator(".row", has_text="回复利率")).to_have_count(0)

    page.goto(f"{shared.address}/work/promises/?customer={customer.pk}")
    chip(page, "W11", saw)
    kept = page.locator(".row", has_text="回复利率")
    expect(kept.get_by_text("三年期 1.9%")).to_be_visible()
    expect(kept.get_by_text("守诺")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert shared.now == MONDAY
