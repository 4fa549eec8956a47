"""The preparation card (R1): what one must know before the guest is here, on one screen and on one page of paper."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from zhike.contacts.write_up import NeedHeard, NextContact, PromiseMade, WriteUp

from .conftest import LONG_BEFORE, MONDAY, PHONE, Arranged, Site

SCREEN = {"width": 1280, "height": 800}
SAID = "年后厂里要换两台机床，问过设备贷款；答应来行坐坐，把材料一起带来，也看看三年期的存单和外汇牌价怎么样。"


def well_known(site: Site) -> Any:
    """A diamond customer of whom much is known: four contacts, three needs, a promise, holdings; and what is missing."""
    from zhike.customers.models import Holding

    customer = site.customer("单雄信", "diamond", email="", hobbies="马拉松、岩茶", employer="宏远精工", position="总经理",
                             birthday="农历三月初八", taboos="不提前合伙人", risk_grade="C4")  # fmt: skip
    made = Arranged(site)
    for days in (40, 30, 20):
        made.contact(
            "visit",
            customer,
            at=MONDAY - timedelta(days=days),
            form=WriteUp("no_business", f"谈了第{days}次", no_need=True, by_rhythm=True),
        )
    made.contact(
        "reception", customer, at=MONDAY - timedelta(days=4),
        form=WriteUp(
            "inclined", SAID, next=NextContact("call", MONDAY + timedelta(days=9), words="问机床定了没有"),
            needs=[NeedHeard("loan", "设备贷款，两台机床"), NeedHeard("deposit", "三年期存单"), NeedHeard("exchange", "给孩子换些欧元")],
            promises=[PromiseMade("带一份设备贷款的材料清单")],
        ),
    )  # fmt: skip
    with site.worker():
        for n in range(6):
            Holding.objects.create(
                customer=customer, core_number=f"W{n}", product=f"安享 36{n} 天", amount=Decimal(200000 + n), as_of=LONG_BEFORE.date(),
                matures_on=(MONDAY + timedelta(days=9 * n + 5)).date(),
            )  # fmt: skip
    return customer


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_it_is_one_screen_and_one_page(shared: Site, language: str) -> None:
    customer = well_known(shared)
    contact = Arranged(shared).plan("reception", MONDAY + timedelta(hours=2), customer, agreed=True)
    page = shared.person(size=SCREEN, language=language)
    page.goto(f"{shared.address}/contacts/{contact.pk}/prepare/")
    brief = page.locator(".brief")
    expect(brief.locator(".last > li")).to_have_count(3)
    for line in brief.locator(".last > li").all():
        box = line.bounding_box()
        assert box
        assert box["height"] < 32, "one line each"
    expect(brief.locator(".last .heard")).to_have_count(0)
    expect(brief.locator(".wanted .heard")).to_have_count(3)
    expect(brief.get_by_text("给孩子换些欧元")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollHeight") <= SCREEN["height"]
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_need_of_the_past_stays_with_the_contact_that_heard_it(shared: Site) -> None:
    """What nobody asks for any more stands in its line, as a chip; what is open stands below, once."""
    from zhike.customers.models import Need

    customer = well_known(shared)
    with shared.owner():
        Need.objects.filter(customer=customer, kind="exchange").update(
            state="met", closed_at=MONDAY - timedelta(days=1)
        )
    contact = Arranged(shared).plan("reception", MONDAY + timedelta(hours=2), customer, agreed=True)
    page = shared.person(size=SCREEN)
    page.goto(f"{shared.address}/contacts/{contact.pk}/prepare/")
    expect(page.locator(".last .heard")).to_have_text(["给孩子换些欧元"])
    expect(page.locator(".wanted .heard")).to_have_count(2)
