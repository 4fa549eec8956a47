"""S4 in the browser: marketing writes, compliance approves, the RM forwards with a line of their own, a customer opts out on the handset, the
leader sees who is behind. And the same in a few taps from Today, on the phone, by keyboard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import MONDAY, PHONE, SHANGHAI, Hand, Saw, Site, chip, tap
from .test_effort import Effort, effort

TEXT = "{称谓}，月月盈本周发售，期限一个月。理财非存款，产品有风险，投资须谨慎。客服 95500。{机构} {本人}"
LINE = "上回您问的短期产品来了"
DEADLINE = datetime(2026, 3, 2, 18, 0, tzinfo=SHANGHAI)  # today
assert effort


@pytest.fixture(autouse=True)
def _leaves_from_here() -> Iterator[None]:
    """The demonstration's gateway, which the web server and the worker both find in their environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZHIKE_SMS_URL", "demo:")
        yield


@pytest.fixture
def people(site: Site) -> dict[str, Any]:
    return who_agreed(site)


def who_agreed(site: Site) -> dict[str, Any]:
    """Of the RM's, four who agreed: three may get what is of risk R2, one may not; of the team-mate's, one."""
    return {name: agreed(site, name, tier, grade, who) for name, tier, grade, who in (
        ("顾明", "platinum", "C3", "rm"), ("苏婉", "platinum", "C2", "rm"), ("周静", "gold", "C5", "rm"), ("陆远", "gold", "C1", "rm"),
        ("方晴", "gold", "C3", "mate"),
    )}  # fmt: skip


def agreed(site: Site, name: str, tier: str, grade: str, who: str) -> Any:
    from zhike.customers.models import Consent
    from zhike.people.actor import acting

    customer = site.customer(name, tier, who=who, risk_grade=grade, risk_grade_until="2026-12-31")
    with acting(site.cast.staff[who].pk, site.now) as actor:
        Consent.objects.record(
            customer, "marketing", "sms", given=True, evidence="柜面签署", source="contact", actor=actor, now=site.now
        )
    return customer


@pytest.fixture
def campaign(site: Site, people: dict[str, Any]) -> Any:
    return running(site, "月月盈春季发售")


BEGAN = MONDAY - timedelta(hours=3)


def asked_for(site: Site, title: str) -> Any:
    from zhike.conduct.bank import Bank
    from zhike.people.actor import acting
    from zhike.sms.campaigns import asking

    draft = asking.Draft(
        title,
        "月月盈一号",
        site.cast.units["century"].pk,
        ["gold", "platinum"],
        ["person"],
        DEADLINE,
        text=TEXT,
        risk="R2",
    )
    with acting(site.cast.marketing.pk, BEGAN) as actor:
        return asking.ask(draft, "新品发售", actor=actor, now=BEGAN, bank=Bank())


def running(site: Site, title: str) -> Any:
    """It runs since this morning, and all in scope owe it."""
    from zhike.conduct.bank import Bank
    from zhike.people import approvals
    from zhike.people.actor import acting
    from zhike.sms.campaigns import following
    from zhike.sms.models import Campaign

    asked = asked_for(site, title)
    with acting(site.cast.compliance.pk, BEGAN) as actor:
        approvals.approve(actor, asked.pk, asked.digest, BEGAN)
    with site.worker():
        made = Campaign.objects.get(approval=asked)
        following.follow(made, BEGAN, Bank())
    return made


def todays(page: Page) -> Locator:
    return page.locator(".row", has_text="月月盈")


@pytest.mark.clause("S4", "OWE")
def test_from_marketing_to_the_customer_and_back(site: Site, people: dict[str, Any], saw: Saw) -> None:
    with site.working():
        marketing = site.person("marketing")
        marketing.get_by_role("link", name="营销转发").click()
        expect(marketing.locator("main")).to_contain_text("没有进行中的活动")
        marketing.get_by_role("link", name="新建活动").click()
        marketing.locator("#f-title").fill("月月盈春季发售")
        marketing.locator("#f-product").fill("月月盈一号")
        marketing.locator("#f-text").fill(TEXT.replace("本周", "保本保息，本周"))
        expect(marketing.locator("#look .note--late")).to_contain_text("保本")
        marketing.locator("#f-text").fill(TEXT)
        expect(marketing.locator("#look blockquote")).to_contain_text("王女士，月月盈本周发售")
        marketing.locator("#f-risk").select_option("R2")
        marketing.locator("#f-unit").select_option(str(site.cast.units["century"].pk))
        tap(marketing, "tier", "platinum")
        tap(marketing, "tier", "gold")
        expect(marketing.locator("#look")).to_contain_text("待转发 少于 5")
        expect(marketing.locator("#look")).to_contain_text("超过风险承受能力 少于 5")
        marketing.locator("#f-day").fill("2026-03-02")
        marketing.locator("#f-reason").fill("新品发售")
        marketing.get_by_role("button", name="提交审批").click()
        expect(marketing.locator(".toast")).to_contain_text("已提交")
        expect(marketing.locator("main")).to_contain_text("月月盈春季发售")

        page = site.person()
        expect(todays(page)).to_have_count(0)
        compliance = site.person("compliance")
        compliance.goto(f"{site.address}/approvals/")
        expect(compliance.locator("main")).to_contain_text("R2 中低风险")
        compliance.get_by_role("button", name="同意", exact=True).click()
        expect(compliance.locator(".toast")).to_contain_text("已同意")

        expect(todays(page)).to_have_count(1, timeout=60_000)
        todays(page).get_by_role("link", name="转发").click()
        chip(page, "S4", saw)
        expect(page.locator("#plan button")).to_have_count(0)
        page.locator(".tap", has_text="全部 3").click()
        expect(page.get_by_role("button", name="转发给 3 位客户 · 全部待转发")).to_be_visible()
        page.locator("#f-line").press_sequentially(f"保本，{LINE}")
        expect(page.locator("#plan .note--late")).to_contain_text("保本")
        expect(page.locator("#plan button")).to_have_count(0)
        page.locator("#f-line").fill(LINE)
        expect(page.locator("#plan blockquote")).to_contain_text(f"{LINE}，")
        page.get_by_role("button", name="转发给 3 位客户").click()
        expect(page.locator(".toast")).to_contain_text("已转发给 3 位客户")

        handset = site.person()
        handset.goto(f"{site.address}/handset/{people['顾明'].pk}/")
        taken_over(handset, f"{LINE}，")
        taken_over(handset, "拒收请回复R")
        handset.locator("#text").fill("R")
        handset.locator("#text").press("Enter")
        page.goto(f"{site.address}/messages/{people['顾明'].pk}/")
        taken_over(page, "全行即时生效")

    leader = site.person("leader")
    leader.goto(f"{site.address}/messages/campaigns/")
    expect(leader.locator("main")).to_contain_text("2 位客户经理：待转发 1、按时 1")
    leader.get_by_role("link", name="月月盈春季发售").click()
    rows = leader.locator("#board tbody tr")
    expect(rows.nth(0)).to_contain_text(re.compile("陈彤.*待转发", re.S))
    expect(rows.nth(1)).to_contain_text(re.compile("林晓.*按时", re.S))


def taken_over(page: Page, words: str) -> None:
    """The page takes over by itself what becomes of a message."""
    expect(page.locator("[data-thread]")).to_contain_text(words, timeout=30_000)


@pytest.mark.clause("S4", "OWE")
def test_to_all_who_may_get_it_in_a_few_clicks_from_today(site: Site, campaign: Any, effort: Effort) -> None:
    page = site.person()
    hand = Hand(page)
    hand.click(todays(page).get_by_role("link", name="转发"))
    hand.click(page.locator(".tap", has_text="全部 3"))
    hand.click(page.get_by_role("button", name="转发给 3 位客户"))
    expect(page.locator(".toast")).to_contain_text("已转发给 3 位客户")
    effort("forward", hand.count)
    page.goto(site.address)
    expect(todays(page)).to_have_count(0)


def test_single_ones_left_out_and_withdrawn_on_the_phone(site: Site, campaign: Any) -> None:
    page = site.person(size=PHONE)
    page.goto(f"{site.address}/messages/campaigns/")
    page.get_by_role("link", name="转发月月盈春季发售").click()
    page.locator("summary", has_text="逐个选客户").click()
    page.locator(".check", has_text="苏婉").click()
    expect(page.get_by_role("button", name="转发给 1 位客户 · 苏婉")).to_be_visible()
    page.locator(".check", has_text="周静").click()
    page.get_by_role("button", name="转发给 2 位客户 · 苏婉、周静").click()
    expect(page.locator("main")).to_contain_text("已转发 2，待转发 1")
    page.get_by_role("button", name="撤回 2 条").click()
    expect(page.locator(".toast")).to_contain_text("已撤回 2 条")
    page.locator(".tap", has_text="金卡 1").click()
    page.locator("summary", has_text="这些客户不转发").click()
    page.get_by_role("button", name="不发 1 人 · 金卡").click()
    expect(page.locator("main [role=alert]")).to_contain_text("请写明为什么不转发")
    expect(page.locator(".tap", has_text="金卡 1").locator("input")).to_be_checked()
    page.locator("#f-reason").fill("刚买过同类产品")
    page.get_by_role("button", name="不发 1 人 · 金卡").click()
    expect(page.locator("main")).to_contain_text("不转发 1")


def test_all_and_some_exclude_each_other_and_enter_does_not_forward(site: Site, campaign: Any) -> None:
    page = site.person()
    page.goto(f"{site.address}/messages/campaigns/{campaign.key}/")
    page.locator(".tap", has_text="白金 2").click()
    expect(page.get_by_role("button", name="转发给 2 位客户 · 白金")).to_be_visible()
    page.locator(".tap", has_text="全部 3").click()
    expect(page.get_by_role("button", name="转发给 3 位客户 · 全部待转发")).to_be_visible()
    page.locator(".tap", has_text="金卡 1").click()
    expect(page.get_by_role("button", name="转发给 1 位客户 · 金卡")).to_be_visible()
    page.locator("#f-line").fill(LINE)
    page.locator("#f-line").press("Enter")
    expect(page.locator("#plan blockquote")).to_contain_text(LINE)
    expect(page.locator(".toast")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="转发给 1 位客户 · 金卡")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("已转发给 1 位客户")


def test_what_was_filled_in_comes_back_after_a_reload(site: Site) -> None:
    page = site.person("marketing")
    page.goto(f"{site.address}/messages/campaigns/new/")
    page.locator("#f-title").press_sequentially("月月盈")
    page.locator("#f-text").press_sequentially("月月盈本周发售")
    page.reload()
    expect(page.locator("#f-title")).to_have_value("月月盈")
    expect(page.locator("#f-text")).to_have_value("月月盈本周发售")


def test_marketing_stops_it_and_the_rm_reads_why(site: Site, campaign: Any) -> None:
    marketing = site.person("marketing")
    marketing.goto(f"{site.address}/messages/campaigns/{campaign.key}/")
    marketing.locator("summary", has_text="停止这个活动").click()
    marketing.locator("#f-reason").fill("额度售罄")
    marketing.get_by_role("button", name="停止这个活动").click()
    expect(marketing.locator(".toast")).to_contain_text("已停止")
    page = site.person()
    page.goto(f"{site.address}/messages/campaigns/{campaign.key}/")
    expect(page.locator("main")).to_contain_text("额度售罄")
    expect(page.locator("#plan")).to_have_count(0)
