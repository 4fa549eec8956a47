"""A tap that fills a field: with script the field has the last word, without it the tap says the value itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from zhike.contacts.models import Contact

from .conftest import MONDAY, SHANGHAI, Site, tap


@pytest.fixture
def bare(shared: Site) -> Page:
    """A browser without script, in which the RM is signed in."""
    from tests.cast import signed_in

    context = shared.chromium.new_context(java_script_enabled=False, locale="zh-CN", timezone_id="Asia/Shanghai")
    context.set_default_timeout(15_000)
    shared.contexts.append(context)
    key = signed_in(shared.cast.staff["rm"], shared.now)
    context.add_cookies([{"name": "zhike_session", "value": key, "url": shared.address}])
    return shared.page(context)


def planned(site: Site, customer: Any) -> datetime:
    with site.owner():
        contact = Contact.objects.filter(customer=customer).latest("pk")
    assert contact.planned_for
    return contact.planned_for.astimezone(SHANGHAI)


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"label:visible:has([name={name}][value='{value}'])").first.click()


def test_without_script_a_tapped_day_is_the_day(shared: Site, bare: Page) -> None:
    customer = shared.customer("向晚晴")
    bare.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    choose(bare, "how", "plan")
    choose(bare, "step", "2026-03-04")
    choose(bare, "purpose", "care")
    bare.locator("[name=time]").fill("10:30")
    bare.locator("[data-submit]").click()
    bare.wait_for_url(f"**/customers/{customer.pk}/")
    assert planned(shared, customer) == datetime(2026, 3, 4, 10, 30, tzinfo=SHANGHAI)

    bare.goto(f"{shared.address}/customers/round/?customer={shared.customer('向晓光').pk}")
    choose(bare, "step", "2026-03-16")
    choose(bare, "purpose", "care")
    bare.locator("[data-submit]").click()
    bare.wait_for_url("**from=2026-03-16**")


def test_without_script_a_tapped_hour_leads_on(shared: Site, bare: Page) -> None:
    customer = shared.customer("向明月")
    bare.goto(f"{shared.address}/schedule/new/?day=2026-03-05")
    choose(bare, "at", "14:30")
    bare.locator("form#new [name=q]").fill("向明月")
    bare.locator("form#new button").click()
    bare.wait_for_url(f"**/customers/{customer.pk}/new/visit/**")
    expect(bare.locator("[name=time]")).to_have_value("14:30")
    expect(bare.locator("[name=day]")).to_have_value("2026-03-05")


def test_without_script_a_tapped_time_is_promised(shared: Site, bare: Page) -> None:
    customer = shared.customer("向南风")
    bare.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    choose(bare, "how", "now")
    choose(bare, "purpose", "care")
    bare.locator("[data-submit]").click()
    bare.wait_for_url("**/talk/")
    choose(bare, "outcome", "busy")
    bare.locator("[data-submit]").click()
    expect(bare.locator("main")).to_contain_text("请问清何时方便回电")
    choose(bare, "outcome", "busy")
    tomorrow = (MONDAY + timedelta(days=1)).date()
    choose(bare, "again", f"{tomorrow} 10:00")
    bare.locator("[data-submit]").click()
    bare.wait_for_url(f"{shared.address}/")
    with shared.owner():
        call = Contact.objects.filter(customer=customer).latest("pk")
    assert call.call_back_at == datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)


def test_with_script_what_is_typed_over_a_tap_counts(shared: Site) -> None:
    customer = shared.customer("向阳生")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "how", "plan")
    tap(page, "step", "2026-03-04")
    expect(page.locator("#day")).to_have_value("2026-03-04")
    page.locator("#day").fill("2026-03-06")
    page.locator("[name=time]").fill("11:20")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    page.wait_for_url(f"**/customers/{customer.pk}/")
    assert planned(shared, customer) == datetime(2026, 3, 6, 11, 20, tzinfo=SHANGHAI)
