"""A working list: narrowed, taken back with the browser, ticked, and planned as calls; at the desk and on the phone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import DESK, MONDAY, PHONE, Site, tap


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_list_is_narrowed_ticked_and_called(site: Site, size: dict[str, int]) -> None:
    from zhike.contacts.models import Contact
    from zhike.customers.models import Customer, Need

    chosen = [site.customer(name) for name in ("贺兰山", "祁连山", "天目山")]
    with site.owner():
        Customer.objects.exclude(pk__in=[each.pk for each in chosen]).update(last_contact_at=MONDAY)
        Customer.objects.filter(pk__in=[each.pk for each in chosen]).update(last_contact_at=MONDAY - timedelta(days=70))
        Need.objects.create(customer=chosen[1], kind="loan", words="房贷提前还款", opened_at=MONDAY)
    page = site.person(size=size)
    page.goto(f"{site.address}/customers/")
    names = page.locator("tbody .who-cell b")
    everybody = names.count()
    assert everybody > 3

    page.locator(".filter", has_text="60 天").click()
    expect(names).to_have_text(["贺兰山", "祁连山", "天目山"])
    page.locator(".filter", has_text="有未了需求").click()
    expect(names).to_have_text(["祁连山"])
    expect(page.locator("tbody")).to_contain_text("房贷提前还款")
    page.go_back()
    expect(names).to_have_count(3)
    page.locator(".filter", has_text="缺手机号").click()
    page.locator(".loosen a", has_text="缺手机号").click()
    expect(names).to_have_count(3)

    bar = page.locator(".pick-bar")
    expect(bar).to_be_hidden()
    page.locator("[data-pick-all]").check()
    expect(bar.locator("[data-picked]")).to_have_text("3")
    page.locator(".pick input").first.uncheck()
    expect(bar.locator("[data-picked]")).to_have_text("2")
    bar.locator("button").click()
    expect(page.locator("[name=purpose][value=care]")).to_be_checked()
    tap(page, "step", "2026-03-04")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/schedule/**")
    wednesday = page.locator("#d2026-03-04")
    expect(wednesday).to_contain_text("祁连山")
    expect(wednesday).to_contain_text("09:40")
    with site.owner():
        planned: Any = Contact.objects.filter(state="planned", purpose="care").order_by("planned_for")
        assert [each.customer_id for each in planned] == [chosen[1].pk, chosen[2].pk]
