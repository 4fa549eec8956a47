"""The day of one RM, from the sign-in to an empty list: rows of every kind, each done from where it stands."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cast import PASSWORD

from .conftest import DESK, LONG_BEFORE, MONDAY, PHONE, Arranged, Saw, Site, chip, tap

ROWS_AT_MOST = 60
OWED = {"C5", "C6", "C10", "R5", "R12", "V2", "V5", "V7", "W5", "W11"}


@pytest.fixture(scope="module")
def arranged(bank: Site) -> None:
    """Two RMs with the same day before them, at a bank where a call of any length counts as contact and no meeting is owed by
    the rhythm (W5): one that is due is arranged, and done on another day.
    """
    from zhike.conduct.bank import Bank
    from zhike.conduct.setting import plain
    from zhike.people.models import Setting

    rows: Any = plain(Bank().rhythm)
    calls = [{**row, "meeting_days": None} for row in rows]
    with bank.owner():
        Setting.objects.create(
            name="rhythm", value=calls, from_day=LONG_BEFORE.date(), at=LONG_BEFORE + timedelta(seconds=1)
        )
        Setting.objects.create(name="rhythm_call_seconds", value=0, from_day=LONG_BEFORE.date(), at=LONG_BEFORE)
    for who in ("rm", "mate"):
        morning(bank, who)
    Arranged(bank).sweep()


def morning(site: Site, who: str) -> None:
    from zhike.contacts.write_up import PromiseMade, WriteUp

    made, nothing = Arranged(site), {"result": "no_business", "no_need": True, "by_rhythm": True}
    saturday = MONDAY - timedelta(days=2)
    asked = site.customer("钱雨桐", "gold", who=who)
    made.contact("visit", asked, at=saturday, form=WriteUp(**nothing, demands=["换一张卡"]))
    promised = site.customer("孙立群", "gold", who=who)
    made.contact(
        "call", promised, at=MONDAY - timedelta(hours=4), purpose="care",
        form=WriteUp(**nothing, promises=[PromiseMade("寄一份季度报告", due=MONDAY + timedelta(hours=3))]),
    )  # fmt: skip
    made.contact("call", site.customer("周子涵", who=who), at=MONDAY - timedelta(minutes=15), minutes=3, purpose="care")
    made.contact(
        "call", site.customer("吴佩芳", "diamond", who=who), at=MONDAY - timedelta(minutes=40), minutes=1, purpose="care",
        outcome="busy", call_back_at=MONDAY + timedelta(minutes=3),
    )  # fmt: skip
    new = site.customer("郑好", "gold", who=who, called=False)
    made.contact("call", new, at=MONDAY - timedelta(hours=1), minutes=2, form=WriteUp(**nothing))
    made.plan("reception", MONDAY + timedelta(minutes=20), site.customer("冯远征", who=who), agreed=True)
    made.plan("visit", MONDAY + timedelta(minutes=16), site.customer("褚天舒", "diamond", who=who), agreed=True)
    site.customer("卫兰", who=who, birthday="1972-03-02")
    silent = site.customer("蒋一诺", "diamond", who=who)
    with site.owner():
        type(silent).objects.filter(pk=silent.pk).update(
            created_at=MONDAY - timedelta(days=60), last_contact_at=MONDAY - timedelta(days=29)
        )


@pytest.mark.parametrize(("who", "size"), [("rm", DESK), ("mate", PHONE)], ids=["desk", "phone"])
def test_until_the_list_is_empty(shared: Site, arranged: None, saw: Saw, who: str, size: dict[str, int]) -> None:
    page = sign_in(shared, who, size)
    done: set[str] = set()
    for _ in range(ROWS_AT_MOST):
        expect(page.locator(".row, .empty").first).to_be_visible()
        rows = page.locator(".row:has(.row-do .button)")
        if not rows.count():
            break
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
        first = rows.first
        clause = first.locator("summary.clause").inner_text().split()[0]
        chip(page, clause, saw)
        do(page, first, clause, saw)
        done.add(clause)
        page.goto(shared.address)
    expect(page.get_by_text("今天的都办完了")).to_be_visible()
    assert done >= OWED, f"never came: {OWED - done}"


def sign_in(site: Site, who: str, size: dict[str, int]) -> Page:
    page = site.page(site.context(size))
    page.goto(site.address)
    page.get_by_label("工号").fill(site.cast.staff[who].number)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page).to_have_title("今日 · 知客")
    return page


def do(page: Page, row: Locator, clause: str, saw: Saw) -> None:
    """What the row's one button leads to."""
    if clause == "C5":
        expect(row.locator(".ruler")).to_be_visible()
    if clause == "V2":
        with page.expect_response(lambda answer: answer.url.endswith("/arrive/")):
            row.locator(".row-do .button").click()
    else:
        row.locator(".row-do .button").click()
        page.wait_for_url(re.compile(r"/(obligations|contacts)/\d+/"))
        carry_out(page, clause, saw)


def carry_out(page: Page, clause: str, saw: Saw) -> None:
    """From the page that the button opened until Today is back."""
    if "/obligations/" in page.url:
        settle(page, clause, saw)
        return
    if "/prepare/" in page.url:
        prepare(page, saw)
    if "/talk/" in page.url:
        talk(page, saw)
    write_up(page, saw)


def settle(page: Page, clause: str, saw: Saw) -> None:
    """Done by recording how it was done."""
    chip(page, clause, saw)
    words = page.locator("[name=words]")
    if words.count():
        words.fill("已经答复：下周三可取")
    if page.locator("[name=channel][value=sms]").count():
        tap(page, "channel", "sms")
        if page.locator("[name=through]").count():
            chip(page, "S1", saw)
    else:
        page.locator("[name=channel]").first.check()
    if page.locator("[name=introduces]").count():
        page.locator("[name=introduces]").check()
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")


def prepare(page: Page, saw: Saw) -> None:
    visit = page.get_by_role("heading", level=1).inner_text() == "准备拜访"
    for clause in ("V4", "V5") if visit else ("R1", "R2", "R8", "R11"):
        chip(page, clause, saw)
    page.get_by_role("button", name="准备好了").click()
    expect(page.locator("#ready [role=status]")).to_be_visible()
    page.locator("form[action$='/start/'] button").click()
    page.wait_for_url("**/talk/")


def talk(page: Page, saw: Saw) -> None:
    if page.locator("#outcome").count():
        chip(page, "C2", saw)
        tap(page, "outcome", "reached")
    else:
        page.locator("[name=words]").fill("孩子明年高考")
        page.keyboard.press("Enter")
        expect(page.locator("#notes").get_by_text("孩子明年高考")).to_be_visible()
    page.locator("[data-save] [data-submit]").click()
    page.wait_for_url("**/write-up/")


def write_up(page: Page, saw: Saw) -> None:
    chip(
        page, next(clause for clause in ("C6", "V6", "R13") if page.locator("h2 .clause", has_text=clause).count()), saw
    )
    tap(page, "result", "no_business")
    tap(page, "need", "none")
    tap(page, "next", "rhythm")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
