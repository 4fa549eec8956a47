"""A working list: narrowed, taken back with the browser, ticked, and planned as calls; at the desk and on the phone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import DESK, MONDAY, PHONE, Saw, Site, chip, tap


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


def test_a_band_leads_to_whom_it_is_and_the_nearest_to_a_call(site: Site, saw: Saw) -> None:
    """The leader looks at the picture and opens a band; the RM sees who is near a higher tier, and plans the call."""
    from zhike.customers.models import Customer, Rating

    rose, near = site.customer("贺兰山"), site.customer("祁连山")
    with site.owner():
        Customer.objects.filter(pk=rose.pk).update(tier="platinum")
        Customer.objects.filter(pk=near.pk).update(tier="gold", assets=185_000, assets_day=MONDAY.date())
        for month, tier in ((date(2026, 1, 1), "gold"), (date(2026, 2, 1), "gold"), (date(2026, 3, 1), "platinum")):
            Rating.objects.create(customer=rose, month=month, tier=tier, assets=190_000)
    leader = site.person("leader")
    leader.goto(f"{site.address}/customers/structure/")
    leader.locator(".only-wide .reach").last.click()
    expect(leader.locator("#who")).to_contain_text("贺兰山")
    leader.locator("#who .chosen").click()
    expect(leader.locator("#who")).to_have_count(0)

    page = site.person(size=PHONE)
    page.goto(f"{site.address}/customers/structure/")
    chip(page, "W5", saw)
    line = page.locator("#near tr", has_text="祁连山")
    expect(line).to_contain_text("还差 15,000.00 元")
    expect(line).to_contain_text("3月31日")
    line.get_by_role("link", name="计划电话").click()
    expect(page.locator("[name=purpose][value=care]")).to_be_checked()
