"""Effort: clicks and keys other than the words themselves, from Today until the result is saved or the page asked for is open.

`/` and Enter count. What the journeys count stands in docs/effort.md; ZHIKE_WRITE=1 writes it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import ROOT
from zhike.contacts.models import Contact
from zhike.customers.models import Customer

from .conftest import MONDAY, Arranged, Hand, Site, row

PAPER = ROOT / "docs/effort.md"
# what is done; at most; what Odoo 19 asked of an expert
TASKS: dict[str, tuple[str, int, int | str]] = {
    "name": ("Find a customer by name", 2, 4),
    "initials": ("Find a customer by pinyin initials", 2, 4),
    "tail": ("Find a customer by the tail of the phone number", 2, 4),
    "busy": ("Call made, customer busy, call-back promised for 15:30 with a note", 5, 15),
    "visit": ("Visit written up: result, two needs, next contact in two weeks", 7, 27),
    "due": ("See all that is due and late at once", 0, 2),
    "done": ("One due item done with its result, and the next contact scheduled", 3, 13),
    "thanks": ("Thanks by SMS to the customer just met", 2, 7),
    "learned": ("Birthday (lunar), hobby and a child recorded", 6, 10),
    "greeting": ("Holiday greeting for all platinum customers scheduled", 5, 21),
    "forward": ("Campaign forwarded to every customer who may get it", 4, "–"),
}
HEAD = """# Effort

Clicks and keys other than the words themselves, from Today until the result is saved or the page asked for is open; `/` and
Enter count. Counted by `tests/browser/test_effort.py` in a real browser, which fails when a figure here is no longer true
(`ZHIKE_WRITE=1` writes it anew). A call is counted with its dialling: starting it shows the number, and the tap on the number is one
of the clicks; who dials by hand on another phone spends one less here. Odoo 19: what an expert needed there, measured; –: not measured.

| What | Zhike | At most | Odoo 19 |
|---|--:|--:|--:|
"""
Effort = Callable[[str, int], None]


def told() -> dict[str, int]:
    """What the paper says, by what is done."""
    text = PAPER.read_text("utf-8") if PAPER.exists() else ""
    return {what: int(count) for what, count in re.findall(r"^\| ([^|]+) \| (\d+) \|", text, re.M)}


@pytest.fixture
def effort() -> Effort:
    """`effort("busy", hand.count)`: within its limit, and what the paper says."""

    def spent(task: str, count: int) -> None:
        what, limit, _ = TASKS[task]
        assert count <= limit, f"{what}: {count}, at most {limit}"
        if os.environ.get("ZHIKE_WRITE"):
            write({**told(), what: count})
        assert told().get(what) == count, f"docs/effort.md is not current; ZHIKE_WRITE=1 pytest {__file__} writes it"

    return spent


def write(counts: dict[str, int]) -> None:
    lines = [
        f"| {what} | {counts[what]} | {limit} | {odoo} |" for what, limit, odoo in TASKS.values() if what in counts
    ]
    PAPER.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


def test_the_paper_tells_every_task() -> None:
    assert list(told()) == [what for what, _, _ in TASKS.values()]


def opened_by(site: Site, words: str) -> int:
    page = site.person()
    hand = Hand(page)
    hand.press("/")
    hand.words(words)
    expect(page.locator("[role=option], .hits a").first).to_be_visible()
    hand.press("Enter")
    expect(page).to_have_title("张伟明 · 知客")
    return hand.count


@pytest.mark.parametrize(("task", "words"), [("name", "伟明"), ("initials", "zwm"), ("tail", "8000")])
def test_find(shared: Site, effort: Effort, task: str, words: str) -> None:
    effort(task, opened_by(shared, words))


def to_row(page: Page, hand: Hand, customer: Any, words: str) -> None:
    """A click on the row's one button."""
    hand.click(row(page, customer, words).locator(".row-do .button"))
    page.wait_for_url(re.compile(r"/(contacts|obligations)/\d+/"))


def test_thanks_to_the_customer_just_met(site: Site, effort: Effort, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text that suits lies ready; the bank's gateway is one's own machine here."""
    from zhike.sms.models import Message

    monkeypatch.setenv("ZHIKE_SMS_URL", "demo:")
    site.at(MONDAY)
    customer = site.customer("陆逊")
    Arranged(site).contact("reception", customer, at=MONDAY - timedelta(minutes=2))
    page = site.person()
    hand = Hand(page)
    hand.click(row(page, customer, "致谢").locator(".row-do .button"))
    hand.click(".compose [data-submit]")
    expect(page.locator(".toast")).to_contain_text("发给")
    effort("thanks", hand.count)
    with site.owner():
        assert Message.objects.get(customer=customer).state == "queued"


def test_a_call_customer_busy_call_back_promised_with_a_note(shared: Site, effort: Effort) -> None:
    customer = shared.customer("甘宁", mobile="13912345678")
    Arranged(shared).plan("call", MONDAY + timedelta(minutes=5), customer, purpose="care")
    page = shared.person()
    hand = Hand(page)
    to_row(page, hand, customer, "关怀")
    # Nothing here dials: Chromium, looking for what does, would now and then drop the form that is sent next.
    page.evaluate("addEventListener('click', (e) => e.target.closest('[href^=\"tel:\"]') && e.preventDefault())")
    hand.click(page.locator(".oncall-number a[href='tel:13912345678']"))
    hand.press("3")
    expect(page.locator("#again")).to_be_focused()
    hand.words("15:30")
    hand.click("#note")
    hand.words("在开会，三点半后方便")
    hand.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    effort("busy", hand.count)
    with shared.owner():
        call = Contact.objects.get(customer=customer, outcome="busy")
    assert call.call_back_at == MONDAY + timedelta(minutes=90)
    assert call.result_words == "在开会，三点半后方便"


def test_a_visit_written_up_with_result_two_needs_and_the_next_contact(shared: Site, effort: Effort) -> None:
    customer = shared.customer("鲁肃")
    Arranged(shared).contact("visit", customer, at=MONDAY - timedelta(minutes=10))
    page = shared.person()
    hand = Hand(page)
    to_row(page, hand, customer, "写拜访记录")
    hand.click("[name=result][value=inclined]")
    hand.click("[name=need][value=deposit]")
    expect(page.locator("#n-deposit")).to_be_focused()
    hand.words("三年期 30 万")
    hand.click("[name=need][value=pension]")
    hand.words("每月能领多少")
    hand.click("[name=next][value='2w']")
    hand.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    effort("visit", hand.count)
    with shared.owner():
        following = Contact.objects.get(customer=customer, state="planned")
        needs = {need.kind: need.words for need in customer.needs.all()}
        assert not Contact.objects.filter(customer=customer, state="agreed").exists(), "nothing is agreed by itself"
    assert needs == {"deposit": "三年期 30 万", "pension": "每月能领多少"}
    assert following.planned_for.date() == (MONDAY + timedelta(days=14)).date()


def test_all_that_is_due_and_late_at_once(shared: Site, effort: Effort) -> None:
    made, (person, lady, _company) = Arranged(shared), shared.cast.customers["mate"]
    made.contact("reception", person, at=MONDAY - timedelta(days=2))
    made.contact("visit", lady, at=MONDAY - timedelta(minutes=30))
    page = shared.person("mate")
    hand = Hand(page)
    expect(page.locator(".row--late")).to_have_count(2)
    expect(page.locator(".row")).to_have_count(4)
    effort("due", hand.count)


def test_one_due_item_done_with_its_result_and_the_next_scheduled(shared: Site, effort: Effort) -> None:
    customer = shared.customer("周瑜")
    Arranged(shared).contact("reception", customer, at=MONDAY - timedelta(minutes=30))
    page = shared.person()
    hand = Hand(page)
    to_row(page, hand, customer, "致谢")
    hand.click("[name=next][value='2w']")
    hand.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    effort("done", hand.count)
    with shared.owner():
        following = Contact.objects.get(customer=customer, state="planned")
    assert following.planned_for.date() == (MONDAY + timedelta(days=14)).date()


def test_birthday_hobby_and_a_child_recorded(shared: Site, effort: Effort) -> None:
    customer = shared.customer("诸葛瑾")
    page = shared.person()
    hand = Hand(page)
    hand.press("/")
    hand.words("zgj")
    expect(page.locator("[role=option], .hits a").first).to_be_visible()
    hand.press("Enter")
    expect(page).to_have_title("诸葛瑾 · 知客")
    hand.click(page.get_by_role("link", name="补上").first)
    page.wait_for_url("**/learned/**")
    if page.evaluate("document.activeElement.name") != "birthday":
        hand.click("[name=birthday]")
    hand.words("农历三月初八")
    hand.click("[name=hobbies]")
    hand.words("二胡")
    hand.click("[name=children][value='yes']")
    hand.press("Control+Enter")
    page.wait_for_url("**/customers/*/")
    effort("learned", hand.count)
    with shared.owner():
        customer = Customer.objects.get(pk=customer.pk)
    assert (customer.birth_calendar, customer.birth_month, customer.birth_day) == ("lunar", 3, 8)
    assert customer.knows("hobbies")
    assert customer.knows("children")
