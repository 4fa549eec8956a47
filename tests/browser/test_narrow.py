"""Names that no line can hold, and screens that a branch's old display or 125 % makes small: nothing overlaps or runs out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from .conftest import MONDAY, PHONE, Arranged, Site, row, tap

LONG = (
    "内蒙古鄂尔多斯市准格尔旗薛家湾镇恒远达新能源重型装备制造与现代物流股份有限责任公司",
    "Wilhelmina Alexandra Montgomery-Featherstonehaugh van Oranje",
    "阿卜杜热西提·买买提明·伊力哈木江·吐尔逊",
)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("name", LONG)
def test_a_long_name_is_broken_and_covers_nothing(shared: Site, name: str) -> None:
    customer = shared.customer(name)
    Arranged(shared).contact("reception", customer, at=MONDAY - timedelta(minutes=30))
    page = shared.person()
    line = row(page, customer, "致谢")
    who, what = line.locator(".row-who b").bounding_box(), line.locator(".row-what").bounding_box()
    assert who
    assert what
    assert who["x"] + who["width"] <= what["x"]
    page = shared.person(size=PHONE)
    assert fits(page)
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    assert fits(page)
    page.goto(f"{shared.address}/customers/")
    assert fits(page)


@pytest.mark.parametrize("width", [800, 1024, 1160])
def test_the_near_minute_keeps_its_words_on_a_small_desk(shared: Site, width: int) -> None:
    """At 1024 px (1280 at 125 %) the ruler took the room, and the name stood one character a line."""
    customer = shared.customer(f"宋慈{width}")
    page = shared.person(size={"width": width, "height": 800})
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    tap(page, "outcome", "busy")
    page.locator("#again").fill("14:05")
    page.locator("[data-submit]").click()
    near = page.locator(".row--now", has_text=customer.name)
    expect(near).to_be_visible()
    box = near.locator(".row-who").bounding_box()
    assert box
    assert box["width"] >= 160
    assert fits(page)


def test_every_place_is_led_to_at_200_percent(shared: Site) -> None:
    """A desk at 200 % is as wide as a large phone: the administrator's places were not on its rail."""
    page = shared.person("administrator", size={"width": 640, "height": 450})
    for place in ("units", "settings", "approvals"):
        link = page.locator(f".rail a[href='/{place}/']")
        expect(link).to_be_in_viewport(ratio=1)
        link.click()
        page.wait_for_url(f"**/{place}/")
        assert fits(page)


def test_at_400_percent_nothing_stays_in_the_way(shared: Site) -> None:
    """1280 × 1024 at 400 %: what stood fast above and below left a strip of 140 px to read in."""
    page = shared.person(size={"width": 320, "height": 256})
    page.goto(f"{shared.address}/code/")
    expect(page.locator(".rail")).not_to_be_in_viewport()
    page.mouse.wheel(0, 400)
    page.wait_for_function("scrollY > 100")
    expect(page.locator(".bar")).not_to_be_in_viewport()
    assert fits(page)
