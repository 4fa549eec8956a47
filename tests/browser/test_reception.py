"""One path through everything: a platinum customer received, written up, thanked; seen on Today, done, taken back."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import expect

from .conftest import DESK, MONDAY, PHONE, Arranged, Saw, Site, chip, tap


def test_received_written_up_thanked(site: Site, saw: Saw) -> None:
    page = site.person()
    expect(page.locator(".empty")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("zwm")
    page.keyboard.press("Enter")
    expect(page).to_have_title("张伟明 · 知客")
    page.get_by_role("link", name="接待").click()
    chip(page, "R1", saw)
    tap(page, "how", "now")
    page.get_by_role("button", name="继续").click()
    for clause in ("R2", "R3", "R6", "R9", "R10", "R11"):
        chip(page, clause, saw)
    page.get_by_label("记一句").or_(page.locator("[name=words]")).first.fill("四月有 30 万到账，想存三年")
    page.keyboard.press("Enter")
    expect(page.get_by_text("四月有 30 万到账")).to_be_visible()
    site.at(MONDAY + timedelta(minutes=12))
    page.reload()
    page.locator("form[action$='/end/'] button").last.click()

    page.goto(site.address)
    rows = page.locator(".row")
    expect(rows).to_have_count(2)
    chip(page, "R12", saw)
    chip(page, "R13", saw)
    page.get_by_role("link", name="补记录").or_(page.get_by_role("link", name="写记录")).first.click()
    chip(page, "R14", saw)
    jotted = page.get_by_text("四月有 30 万到账").locator("visible=true")
    for size in (PHONE, DESK):  # once on each: above the form on the phone, beside it at the desk
        page.set_viewport_size(size)  # type: ignore[arg-type]
        expect(jotted).to_have_count(1)
    tap(page, "result", "inclined")
    tap(page, "need", "deposit")
    page.locator("#n-deposit").fill("三年期 30 万")
    tap(page, "next", "2w")
    page.locator("[name=learn_hobbies]").fill("二胡")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")

    expect(rows).to_have_count(1)
    page.get_by_role("link", name="去致谢").click()
    expect(page.get_by_text("专属").first).to_be_visible()
    chip(page, "S2", saw)
    expect(page.locator("[name=introduces]")).not_to_be_checked()
    page.locator("[name=introduces]").check()
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    expect(page.locator(".empty")).to_be_visible()
    page.get_by_role("button", name="撤回").click()
    expect(rows).to_have_count(1)


def test_the_same_on_a_phone(site: Site) -> None:
    page = site.person(size=PHONE)
    page.goto(f"{site.address}/customers/{site.cast.customers['rm'][0].pk}/new/reception/")
    tap(page, "how", "now")
    page.get_by_role("button", name="继续").click()
    page.locator("form[action$='/end/'] button").last.click()
    page.goto(site.address)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    expect(page.locator(".row")).to_have_count(2)


def test_a_refused_write_up_is_no_breach_of_the_pages_own_policy(shared: Site) -> None:
    """A field that was stretched by hand carries a style, which htmx would copy to its successor and the policy refuse."""
    customer = shared.customer("柳如是")
    contact = Arranged(shared).contact("reception", customer, at=MONDAY - timedelta(minutes=10))
    page = shared.person()
    page.goto(f"{shared.address}/contacts/{contact.pk}/write-up/")
    page.evaluate("""() => { for (const field of document.querySelectorAll("#write-up input[id]")) {
        field.style.inlineSize = "90%"; field.style.inlineSize = ""; } }""")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".field-error").first).to_be_visible()
