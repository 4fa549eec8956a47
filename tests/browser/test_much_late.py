"""However much is late, Today stays calm: ten rows, then a line a clause, opened where it stands."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from .conftest import MONDAY, PHONE, Arranged, Site


def late_ones(site: Site, names: str) -> None:
    """Two late rows each: thanks and a write-up."""
    for number, name in enumerate(names):
        customer = site.customer(f"林{name}")
        at = MONDAY - timedelta(days=3, minutes=number)
        Arranged(site).contact("reception", customer, at=at, known=at)


def shown(page: Page) -> int:
    return page.locator("#late .row:visible").count()


def test_late_folds_by_clause_after_the_tenth_and_opens_by_the_keyboard(site: Site) -> None:
    late_ones(site, "一二三四五")
    page = site.person()
    assert shown(page) == 10
    expect(page.locator(".line-fold")).to_have_count(0)
    late_ones(site, "六七八")
    page.reload()
    assert shown(page) == 10
    folds = page.locator(".line-fold-head")
    counts = [int(each.inner_text()) for each in folds.locator("small").all()]
    assert sum(counts) == 6
    assert len(counts) < 6
    expect(page.locator("#late-head")).to_contain_text("16")
    for _ in range(11):
        page.keyboard.press("j")
    expect(folds.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(folds.first.locator("xpath=..")).to_have_attribute("open", "")
    assert shown(page) == 10 + counts[0]
    page.keyboard.press("j")
    inside = page.locator(".line-fold").first.locator(".row").first
    expect(inside).to_be_focused()
    late_ones(site, "九")
    page.evaluate("dispatchEvent(new CustomEvent('zhike:refresh'))")
    expect(page.locator("#late-head")).to_contain_text("18")
    expect(inside).to_be_focused()
    expect(folds.first.locator("xpath=..")).to_have_attribute("open", "")
    ids = page.locator(".row").evaluate_all("rows => rows.map(row => row.id)")
    assert len(ids) == len(set(ids)) == 18
    page.evaluate("document.activeElement.blur()")
    late_ones(site, "十")
    page.evaluate("dispatchEvent(new CustomEvent('zhike:refresh'))")
    expect(page.locator("#late-head")).to_contain_text("20")
    expect(folds.first.locator("xpath=..")).to_have_attribute("open", "")
    assert page.locator(".row").count() == 20


def test_a_tap_opens_a_clause_on_the_phone(site: Site) -> None:
    late_ones(site, "一二三四五六")
    page = site.person(size=PHONE)
    folds = page.locator(".line-fold")
    folds.first.locator(".line-fold-head").click()
    assert shown(page) == 10 + int(folds.first.locator(".line-fold-head small").inner_text())
    box = folds.first.locator(".line-fold-head").bounding_box()
    assert box
    assert box["height"] >= 44
