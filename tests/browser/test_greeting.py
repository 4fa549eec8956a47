"""S3 in the browser: a festival's greeting for all platinum customers, scheduled from Today; other words from the leader's hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from .conftest import PHONE, SHANGHAI, Hand, Saw, Site, chip
from .test_effort import Effort, effort

# Dragon Boat is on 19 June 2026; its greetings are arranged by 5 June.
LAST_DAY = datetime(2026, 6, 5, 14, 0, tzinfo=SHANGHAI)
assert effort


@pytest.fixture
def site(site: Site) -> Site:
    """Three platinum customers and one of gold, all reachable and agreed; the festival is owed."""
    from zhike.conduct.bank import Bank
    from zhike.customers.models import Consent, Customer
    from zhike.obligations.sweep import sweep
    from zhike.people.actor import acting

    made = [
        site.customer(name, tier)
        for name, tier in (("顾明", "platinum"), ("苏婉", "platinum"), ("陆远", "platinum"), ("周静", "gold"))
    ]
    with acting(site.cast.rm.pk, site.now) as actor:
        for customer in Customer.objects.filter(pk__in=[each.pk for each in made]):
            Consent.objects.record(
                customer,
                "greeting",
                "sms",
                given=True,
                evidence="柜面签署",
                source="contact",
                actor=actor,
                now=site.now,
            )
    with site.worker():
        sweep(LAST_DAY.date(), now=LAST_DAY - timedelta(hours=6), bank=Bank())
    return site.at(LAST_DAY)


@pytest.mark.clause("S3", "OWE")
def test_all_platinum_customers_are_greeted_in_a_few_clicks_from_today(site: Site, effort: Effort, saw: Saw) -> None:
    page = site.person()
    hand = Hand(page)
    hand.click(page.locator(".row", has_text="端午节").get_by_role("link", name="安排"))
    chip(page, "S3", saw)
    expect(page.locator("#plan")).to_contain_text("请先选等级")
    expect(page.locator("#plan button")).to_have_count(0)
    hand.click(page.locator(".tap", has_text="白金"))
    button = page.get_by_role("button", name="安排 3 人 · 白金 · 6月19日 09:00")
    expect(button).to_be_visible()
    expect(page.locator("#plan")).to_contain_text("【总行】")
    hand.click(button)
    expect(page.locator(".toast")).to_contain_text("已安排 3 条问候")
    expect(page.locator("main")).to_contain_text("已安排 3")
    effort("greeting", hand.count)
    page.get_by_role("button", name="撤回 3 条").click()
    expect(page.locator(".toast")).to_contain_text("已撤回 3 条问候")


def test_other_words_and_leaving_out_on_the_phone(site: Site) -> None:
    page = site.person(size=PHONE)
    page.goto(f"{site.address}/messages/greetings/dragon_boat:2026/")
    page.locator(".wording", has_text="节日通用问候").click()
    page.locator(".tap", has_text="金卡").click()
    expect(page.locator("#plan blockquote")).to_contain_text("节日快乐")
    page.get_by_text("这些客户不发").click()
    page.locator("#f-reason").fill("当面问候")
    page.get_by_role("button", name="不发 1 人").click()
    expect(page.locator("main")).to_contain_text("不发 1")


def test_a_text_says_while_it_is_typed_what_it_may_not(site: Site) -> None:
    page = site.person("marketing")
    page.goto(f"{site.address}/messages/templates/new/")
    page.locator("[name=kind]").select_option("service")
    page.locator("[name=text]").fill("{称谓}，这款产品保本保息！{本人}")
    expect(page.locator("#look .note--late")).to_contain_text("保本")
    page.locator("[name=reason]").fill("通知")
    page.get_by_role("button", name="提交审批").click()
    expect(page.locator("main [role=alert]").first).to_contain_text("保本")
    expect(page.locator("[name=text]")).to_have_value("{称谓}，这款产品保本保息！{本人}")
