"""Thanks by SMS: from the farewell to the customer's handset, and the customer's answer back to the RM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from .conftest import LONG_BEFORE, MONDAY, PHONE, Arranged, Hand, Saw, Site, chip, row


@pytest.fixture(autouse=True)
def _leaves_from_here() -> Iterator[None]:
    """The demonstration's gateway, which the web server and the worker both find in their environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZHIKE_SMS_URL", "demo:")
        yield


def reloaded(page: Page, words: str) -> None:
    """The page takes over by itself what becomes of a message."""
    expect(page.locator("[data-thread]")).to_contain_text(words, timeout=30_000)


def test_thanks_arrive_and_the_customers_question_is_answered(site: Site, saw: Saw) -> None:
    customer = site.customer("梁雪梅", met=False)
    Arranged(site).contact("reception", customer, at=MONDAY - timedelta(minutes=3))
    with site.working():
        page = site.person()
        hand = Hand(page)
        chip(page, "R12", saw)
        hand.click(row(page, customer, "致谢").locator(".row-do .button"))
        expect(page.locator("#body")).to_have_value(re.compile("您的专属理财经理"))
        expect(page.locator(".compose")).to_contain_text("首次见面，已选“首次见面”")
        hand.click(".compose [data-submit]")
        expect(page.locator(".toast")).to_contain_text("发给")
        assert hand.count == 2
        reloaded(page, "已送达")
        handset = site.person()
        handset.goto(f"{site.address}/handset/{customer.pk}/")
        expect(handset.locator(".handset")).to_contain_text("演示")
        reloaded(handset, "您的专属理财经理")
        reloaded(handset, "【总行】")
        handset.locator("#text").fill("四月的利率是多少？")
        handset.locator("#text").press("Enter")
        reloaded(handset, "四月的利率是多少？")
        reloaded(page, "四月的利率是多少？")
        page.goto(site.address)
        expect(row(page, customer, "致谢")).to_have_count(0)
        chip(page, "W11", saw)
        row(page, customer, "答复短信").locator(".row-do .button").click()
        page.locator("#body").fill("四月起一年期为1.10%，三年期为1.25%。")
        page.keyboard.press("Control+Enter")
        reloaded(page, "已答复")
        reloaded(handset, "三年期为1.25%")
        page.goto(site.address)
        expect(row(page, customer, "答复短信")).to_have_count(0)


def test_td_stops_marketing_and_a_sentence_asks_the_rm(site: Site) -> None:
    first, second = site.customer("周桂兰"), site.customer("沈静仪")
    page, handset = site.person(), site.person(size=PHONE)
    with site.working():
        for customer, words in ((first, "TD"), (second, "以后不想收广告，退订吧，谢谢")):
            handset.goto(f"{site.address}/handset/{customer.pk}/")
            handset.locator("#text").fill(words)
            handset.locator("#text").press("Enter")
        page.goto(f"{site.address}/messages/{first.pk}/")
        reloaded(page, "全行即时生效")
        page.reload()
        expect(page.locator(".aside").first).to_contain_text("已退订")
        page.goto(f"{site.address}/messages/{second.pk}/")
        reloaded(page, "须由您判断")
        page.get_by_role("button", name="是退订", exact=True).click()
        expect(page.locator("[data-thread]")).to_contain_text("全行即时生效")
        page.get_by_role("button", name="无需答复").click()
        expect(page.locator("[data-thread]")).to_contain_text("无需答复")
        expect(page.locator("[data-thread]").get_by_role("link", name="去答复")).to_have_count(0)


def test_what_is_typed_is_counted_looked_at_and_never_lost(site: Site, saw: Saw) -> None:
    customer = site.customer("何国栋")
    page = site.person()
    page.goto(f"{site.address}/messages/{customer.pk}/?kind=service")
    body, look = page.locator("#body"), page.locator("#look")
    body.press_sequentially("您问的产品保本保息，稳赚不赔。")
    expect(look).to_contain_text("19 字 · 1 条")
    expect(look.locator(".state--late").first).to_be_visible()
    chip(page, "S5", saw)
    page.get_by_role("link", name="预约确认", exact=True).click()
    expect(body).to_have_value(re.compile("恭候您"))
    expect(look.locator(".state--late")).to_have_count(0)
    body.fill("您预约的贵宾室已为您留好。")
    expect(look).to_contain_text("用语、同意、时段都可以")


def test_a_draft_comes_back_after_a_reload(site: Site) -> None:
    customer = site.customer("单宏伟")
    page = site.person()
    page.goto(f"{site.address}/messages/{customer.pk}/?kind=service")
    page.locator("#body").press_sequentially("存折换卡可以留老号码。")
    page.reload()
    expect(page.locator("#body")).to_have_value("存折换卡可以留老号码。")
    expect(page.locator("#look")).to_contain_text("15 字 · 1 条")


def test_a_customer_says_with_one_digit_how_content_they_are(site: Site, saw: Saw) -> None:
    """W9: asked by SMS the day after, answered on the handset; a bad digit stands in the thread, on the RM's Today and the leader's."""
    from zhike.people.models import Setting

    customer = site.customer("梁雪梅")
    with site.owner():
        Setting.objects.create(
            name="satisfaction_after", value=["reception"], from_day=date(2026, 1, 1), at=LONG_BEFORE
        )
    arranged = Arranged(site)
    arranged.contact("reception", customer, at=MONDAY - timedelta(days=1))
    arranged.sweep()
    page, handset, leader = site.person(), site.person(size=PHONE), site.person("leader")
    with site.working():
        handset.goto(f"{site.address}/handset/{customer.pk}/")
        reloaded(handset, "您对昨天林晓的服务满意吗？请直接回复一个数字")
        handset.locator("#text").fill("２")
        handset.locator("#text").press("Enter")
        page.goto(f"{site.address}/messages/{customer.pk}/")
        reloaded(page, "满意度 2 分")
        chip(page, "W9", saw)
        expect(page.get_by_role("button", name="撤回")).to_have_count(0)
        page.get_by_role("link", name="去答复", exact=True).click()
        page.locator("#body").fill("很抱歉昨天让您久等，下次来行我先为您预约。")
        page.keyboard.press("Control+Enter")
        reloaded(page, "已答复")
        reloaded(handset, "下次来行我先为您预约")
        leader.goto(site.address)
        row(leader, customer, "过问：客户对林晓的满意度只给 2 分").locator(".row-do .button").click()
        leader.get_by_label("过问情况").fill("排队久了，已请大堂分流。")
        leader.keyboard.press("Control+Enter")
        leader.goto(f"{site.address}/team/")
        leader.get_by_role("link", name="满意度").click()
        chip(leader, "W9", saw)
        expect(leader.locator("main")).to_contain_text("评分不足 10 份")
        expect(leader.get_by_role("row", name=re.compile("林晓 1 少于 10"))).to_be_visible()
