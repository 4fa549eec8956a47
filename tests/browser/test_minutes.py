"""Agreed call-backs by their minutes (C5): made at the minute and measured as kept; missed, with the leader's notice beside it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import DESK, MONDAY, PHONE, Saw, Site, chip, row, tap
from .test_narrow import fits

MINUTE = MONDAY + timedelta(minutes=10)


def busy(site: Site, page: Page, customer: Any) -> None:
    """The customer is busy and asks to be rung at ten past two."""
    page.goto(f"{site.address}/customers/{customer.pk}/new/call/")
    tap(page, "how", "now")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    tap(page, "outcome", "busy")
    page.locator("#again").fill("14:10")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")


def count(page: Page, fate: str) -> Any:
    """The figure beside a word in the table of what became of them."""
    return page.locator("section[aria-labelledby=fates] tr", has_text=fate).locator("td").first


def test_made_at_the_minute_is_measured_as_kept(site: Site, saw: Saw) -> None:
    customer = site.customer("顾大嫂")
    page = site.person()
    busy(site, page, customer)
    page.goto(f"{site.address}/me/call-backs/")
    expect(count(page, "未到时")).to_have_text("1")
    site.at(MINUTE)
    page.goto(site.address)
    row(page, customer).get_by_role("button", name="回电").click()
    page.wait_for_url(re.compile(r"/talk/"))
    tap(page, "outcome", "reached")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/write-up/")
    page.goto(f"{site.address}/me/")
    page.get_by_role("link", name="守约回电").click()
    expect(page).to_have_title("守约回电 · 知客")
    chip(page, "C5", saw)
    expect(count(page, "守约")).to_have_text("1")
    # the one bar stands in the band, right of the promised minute, and leads to what is behind it
    box = {name: page.locator(f".chart--minutes .{name}").bounding_box() for name in ("pillar", "band", "mark")}
    assert box["pillar"]["height"] > 100
    assert box["band"]["x"] < box["mark"]["x"] <= box["pillar"]["x"] < box["band"]["x"] + box["band"]["width"]
    page.locator(".chart--minutes .pillar").click()
    expect(row(page, customer)).to_contain_text("林晓 · 守约 +0 分")
    row(page, customer).get_by_role("link", name="打开").click()
    expect(page.locator("main")).to_contain_text("约好 14:10 回电")
    chip(page, "C5", saw)


def test_a_missed_one_stands_with_the_leaders_notice(site: Site, saw: Saw) -> None:
    from zhike.contacts.escalation import escalate
    from zhike.people.bank import settings

    customer = site.customer("孙新")
    busy(site, site.person(), customer)
    site.at(MINUTE + timedelta(minutes=31))
    with site.worker():
        escalate(site.now, settings().now(site.now))
    page = site.person("leader")
    page.goto(f"{site.address}/team/")
    page.get_by_role("link", name="守约回电").click()
    expect(page).to_have_title("守约回电 · 知客")
    chip(page, "C5", saw)
    never = page.locator("section[aria-labelledby=fates] tr", has_text="从未打")
    expect(never).to_contain_text("其中已告知主管 1 通")
    expect(page.locator("section[aria-labelledby=people] tbody tr")).to_have_count(1)
    never.get_by_role("link").click()
    behind = row(page, customer)
    expect(behind).to_contain_text("林晓 · 从未打")
    expect(behind).to_contain_text("14:41 已告知吴敏")
    page.get_by_role("link", name="林晓").first.click()
    expect(page.locator(".bar-title")).to_contain_text("林晓")
    page.get_by_role("link", name="本周").click()
    expect(count(page, "从未打")).to_have_text("1")
    page.get_by_label("自", exact=True).fill("2026-02-01")
    page.get_by_label("至（含）").fill("2026-02-28")
    page.get_by_role("button", name="显示").click()
    expect(page.locator("main")).to_contain_text("这段时间没有约定的回电")
    expect(page.locator(".bar-title")).to_contain_text("林晓")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_picture_fits_and_its_marks_do_not_cover_each_other(
    shared: Site, size: dict[str, int], language: str
) -> None:
    from zhike.obligations.models import Fact, Obligation

    customer = shared.customer("乐和", who="mate")
    with shared.owner():
        fact = Fact.objects.create(
            kind="call_back_promised", at=MONDAY, known_at=MONDAY, staff=shared.cast.mate, customer=customer
        )
        for minutes in (-300, -60, -45, -20, -12, *range(-10, 11), 12, 20, 45, 4000, None):
            Obligation.objects.create(
                fact=fact, clause="C5", clause_from=MONDAY.date(), kind="call_back", force="must", owner=shared.cast.mate,
                customer=customer, what={"zh": "回电", "en": "Call back"}, why={"zh": "", "en": ""}, target=MINUTE - timedelta(days=1),
                opens=MONDAY, due=MINUTE - timedelta(days=1, minutes=-5), due_counts=True, created_at=MONDAY,
                state="open" if minutes is None else "done", settled_at=None if minutes is None else MONDAY,
                evidence={} if minutes is None else {"minutes": minutes, "kept": "kept" if abs(minutes) <= 5 else "late", "grade": "tapped"},
                key=f"{size['width']}/{language}/{minutes}",
            )  # fmt: skip
    page = shared.person("mate", size=size, language=language)
    page.goto(f"{shared.address}/me/call-backs/?from=2026-03-01&to=2026-03-01")
    expect(page.locator(".chart--minutes .pillar").first).to_be_visible()
    assert fits(page)
    words = page.locator(".chart--minutes g > text:visible")
    boxes = list(words.evaluate_all("each => each.map(e => e.getBoundingClientRect().toJSON())"))
    assert len(boxes) >= 9
    for n, one in enumerate(boxes):
        assert 0 <= one["left"] <= one["right"] <= size["width"]
        for other in boxes[n + 1 :]:
            beside = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert beside or one["bottom"] <= other["top"] + 3 or other["bottom"] <= one["top"] + 3, (one, other)
