"""The customer's page: what is missing is said with its clause, filled in, and gone from what is missing."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from .conftest import DESK, MONDAY, PHONE, Saw, Site, chip, tap


def test_what_is_missing_is_filled_in(shared: Site, saw: Saw) -> None:
    customer = shared.customer("宋应星", mobile="", email="")
    page = shared.person(size=PHONE)
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    missing = page.locator(".table--missing")
    chip(page, "R4", saw)
    chip(page, "R5", saw)
    before = missing.count()
    page.get_by_role("link", name="补上").first.click()
    page.wait_for_url(re.compile("/learned/"))
    page.locator("[name=mobile]").fill("13712345678")
    page.locator("[name=email]").fill("song@example.com")
    page.locator("[name=birthday]").fill("农历三月初八")
    page.locator("[name=hobbies]").fill("围棋")
    tap(page, "children", "none")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/customers/*/")
    expect(missing).to_have_count(before - 5)
    expect(page.locator("#profile")).to_contain_text("围棋")
    expect(page.locator("#profile")).not_to_contain_text("13712345678")


def test_showing_a_number_is_an_act(shared: Site) -> None:
    customer = shared.customer("沈万三", mobile="13898765432")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    expect(page.locator("main")).not_to_contain_text("13898765432")
    page.locator("form.reveal").first.get_by_role("button").click()
    expect(page.locator("#profile")).to_contain_text(re.compile(r"138\s?9876\s?5432"))
    page.goto(f"{shared.address}/me/")
    expect(page.locator("#trail")).to_contain_text("手机")


def test_a_birthday_that_cannot_be_is_refused_where_it_stands(shared: Site) -> None:
    customer = shared.customer("黄道婆")
    page = shared.person(size=DESK)
    page.goto(f"{shared.address}/customers/{customer.pk}/learned/")
    page.locator("[name=birthday]").fill("2月31日")
    page.locator("[name=hobbies]").fill("纺织")
    page.locator("[data-submit]").click()
    expect(page.locator("[name=birthday]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name=hobbies]")).to_have_value("纺织")


def test_a_spouse_is_found_noted_on_both_pages_and_removed(shared: Site) -> None:
    wife, husband = shared.customer("祝英台"), shared.customer("梁山伯", "gold")
    page = shared.person(size=PHONE)
    page.goto(f"{shared.address}/customers/{wife.pk}/")
    page.locator("#family").get_by_role("link", name="添加或删除").click()
    page.get_by_role("combobox", name="本行客户").press_sequentially("lsb")
    hit = page.locator("#relation-hits [role=option]", has_text="梁山伯")
    expect(hit).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"other={husband.pk}"))
    tap(page, "kind", "spouse")
    page.locator("[name=household]").check()
    page.locator("[data-submit]").click()
    page.wait_for_url(re.compile(f"/customers/{wife.pk}/"))
    expect(page.locator("#family")).to_contain_text("梁山伯")
    page.goto(f"{shared.address}/customers/{husband.pk}/")
    expect(page.locator("#family")).to_contain_text("配偶")
    expect(page.locator("#family")).to_contain_text("祝英台")
    page.goto(f"{shared.address}/customers/{husband.pk}/relations/")
    page.get_by_role("button", name="删除 祝英台").click()
    expect(page.locator("main")).not_to_contain_text("配偶祝英台")
    page.get_by_role("button", name="移出家庭").click()
    page.goto(f"{shared.address}/customers/{husband.pk}/")
    expect(page.locator("#family")).not_to_contain_text("祝英台")


def test_a_parent_who_is_no_customer_is_noted_by_name(shared: Site) -> None:
    customer = shared.customer("花木兰")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/relations/")
    tap(page, "kind", "parent")
    page.locator("[data-submit]").click()
    expect(page.locator(".note--late")).to_contain_text("姓名")
    page.locator("[name=name]").fill("花弧")
    page.locator("[data-submit]").click()
    page.wait_for_url(re.compile(f"/customers/{customer.pk}/"))
    expect(page.locator("#family")).to_contain_text("花弧")


def test_contact_stops_when_one_has_seen_what_follows(shared: Site) -> None:
    from .conftest import Arranged

    customer = shared.customer("诸葛亮")
    arranged = Arranged(shared)
    arranged.contact("reception", customer)
    arranged.plan("visit", MONDAY + timedelta(days=2), customer, agreed=True)
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    page.get_by_role("link", name="停止联系").click()
    page.get_by_role("link", name="客户已经去世", exact=True).click()
    expect(page.locator("main")).to_contain_text("一律停止")
    expect(page.locator("main")).to_contain_text("致谢")
    expect(page.locator("main")).to_contain_text("滨江壹号")
    page.locator("[data-submit]").click()
    expect(page.locator(".note--late")).to_contain_text("依据")
    page.locator("[name=evidence]").fill("家属来电，见死亡证明")
    page.locator("[data-submit]").click()
    page.wait_for_url(f"{shared.address}/customers/{customer.pk}/")
    expect(page.locator(".note--late")).to_contain_text("客户已经去世")
    expect(page.locator(".note--late")).to_contain_text("见死亡证明 · 林晓")
    expect(page.get_by_role("link", name="打电话")).to_have_count(0)
    with shared.owner():
        from zhike.obligations.models import Obligation

        assert {o.kind for o in Obligation.objects.filter(customer=customer, state="open")} == {"write_up"}
    page.get_by_role("link", name="查看或撤销").click()
    page.locator("[name=reason]").fill("同名，记错了人")
    page.get_by_role("button", name="是误记").click()
    page.wait_for_url(f"{shared.address}/customers/{customer.pk}/")
    expect(page.locator(".note--late")).to_have_count(0)
    expect(page.locator("#promises")).to_contain_text("致谢")
