"""Visiting: agreed, a surprise with its reason, on time at the door, moved and called off, and how long it took."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from zhike.contacts.models import Contact
from zhike.obligations.models import Finding, Obligation

from .conftest import MONDAY, Arranged, Saw, Site, chip, row, tap


def test_agreed_with_when_and_where(shared: Site, saw: Saw) -> None:
    customer = shared.customer("沈括")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/visit/")
    tap(page, "how", "agree")
    chip(page, "V4", saw)
    page.locator("[name=time]").fill("16:30")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    expect(page.locator(".field-error")).to_contain_text("地点")
    chip(page, "V1", saw)
    page.locator("[name=place]").fill("客户公司")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/prepare/")
    for clause in ("V1", "V4", "V5"):
        chip(page, clause, saw)
    page.goto(shared.address)
    expect(row(page, customer)).to_contain_text("16:15")
    chip(page, "V2", saw)


def test_a_surprise_asks_its_reason_and_keeps_it(shared: Site, saw: Saw) -> None:
    customer = shared.customer("苏颂")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/visit/")
    tap(page, "how", "now")
    page.locator("[data-submit]").click()
    expect(page.locator(".field-error").first).to_be_visible()
    chip(page, "V1", saw)
    page.locator("[name=surprise_reason]").fill("客户住院，顺路探望")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    with shared.owner():
        finding = Finding.objects.get(customer=customer)
    assert (finding.clause, finding.reason) == ("V1", "客户住院，顺路探望")


def test_at_the_door_then_all_the_way_to_its_answer(shared: Site, saw: Saw) -> None:
    """V2 by a tap, V4 its length, V6 the write-up, V7 the demand, V5 the thanks."""
    customer = shared.customer("毕昇", "platinum")
    visit = Arranged(shared).plan("visit", MONDAY + timedelta(minutes=16), customer, agreed=True)
    page = shared.person()
    arrival = row(page, customer)
    expect(arrival.locator(".ruler")).to_be_visible()
    chip(page, "V2", saw)
    arrival.get_by_role("button", name="到门口了").click()
    expect(page.locator(".toast")).to_contain_text("到门口")
    page.goto(f"{shared.address}/contacts/{visit.pk}/prepare/")
    chip(page, "V4", saw)
    page.locator("form[action$='/start/'] button").click()
    page.wait_for_url("**/talk/")
    page.locator("[data-save] [data-submit]").click()
    page.wait_for_url("**/write-up/")
    chip(page, "V6", saw)
    chip(page, "R14", saw)
    tap(page, "result", "inclined")
    tap(page, "need", "none")
    page.locator("[name=demand]").first.fill("信用卡额度能不能提")
    chip(page, "V7", saw)
    tap(page, "next", "rhythm")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    row(page, customer, "致谢").locator(".row-do a").click()
    chip(page, "V5", saw)
    tap(page, "channel", "sms")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    row(page, customer, "信用卡额度").locator(".row-do a").click()
    chip(page, "V7", saw)
    page.locator("[name=words]").fill("已报审批，周五前有结果")
    tap(page, "channel", "call")
    tap(page, "demand", "open")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    expect(row(page, customer)).to_have_count(0)
    with shared.owner():
        visit = Contact.objects.get(customer=customer)
        states = {each.clause: each.state for each in Obligation.objects.filter(customer=customer)}
    assert states == {"V2": "done", "V5": "done", "V6": "done", "V7": "done"}
    assert visit.minutes is not None
    page.goto(f"{shared.address}/contacts/{visit.pk}/record/")
    expect(page.get_by_text("分钟" if visit.minutes else "滨江壹号").first).to_be_visible()


def test_called_off_for_the_rms_own_reason_wants_an_apology(shared: Site, saw: Saw) -> None:
    customer = shared.customer("郭守敬")
    visit = Arranged(shared).plan("visit", MONDAY + timedelta(hours=3), customer, agreed=True)
    page = shared.person()
    page.goto(f"{shared.address}/contacts/{visit.pk}/move/")
    tap(page, "what", "cancel")
    page.locator("[data-submit]").click()
    expect(page.locator(".note--late")).to_be_visible()
    chip(page, "V3", saw)
    tap(page, "whose", "rm")
    page.locator("[name=why]").fill("行里临时开会")
    tap(page, "told", "")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    chip(page, "V3", saw)
    row(page, customer).locator(".row-do a").click()
    tap(page, "channel", "call")
    page.locator("[name=apologised]").check()
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    expect(row(page, customer)).to_have_count(0)


def test_moved_for_the_customers_reason_owes_nothing(shared: Site, saw: Saw) -> None:
    customer = shared.customer("徐霞客")
    visit = Arranged(shared).plan("visit", MONDAY + timedelta(hours=3), customer, agreed=True)
    page = shared.person()
    page.goto(f"{shared.address}/contacts/{visit.pk}/prepare/")
    page.locator("a[href$='/move/']").click()
    tap(page, "what", "move")
    page.locator("#day").fill("2026-03-05")
    page.locator("[name=time]").fill("10:00")
    tap(page, "whose", "customer")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    expect(row(page, customer)).to_have_count(0)
    page.goto(f"{shared.address}/schedule/")
    expect(page.locator("main")).to_contain_text(re.compile("徐霞客"))
    with shared.owner():
        assert not Obligation.objects.filter(customer=customer, kind="apology").exists()
