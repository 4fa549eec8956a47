"""Cover as people meet it: asked on a page, accepted by a tap, done on behalf, gone at midnight under an open page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import expect

from .conftest import MONDAY, PHONE, SHANGHAI, Arranged, Site, row

TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=SHANGHAI)


def test_asked_accepted_done_on_behalf_and_over_at_midnight(site: Site) -> None:
    made = Arranged(site)
    customer = site.customer("沈静")
    made.contact(
        "call", customer, at=MONDAY - timedelta(minutes=30), minutes=1, purpose="care", outcome="busy",
        call_back_at=TUESDAY + timedelta(minutes=3),
    )  # fmt: skip
    hers = site.person("rm")
    hers.goto(f"{site.address}/me/")
    hers.get_by_role("link", name="休假与代班").click()
    hers.get_by_label("休假首日").fill("2026-03-04")
    hers.get_by_label("返岗日").fill("2026-03-03")
    hers.get_by_label("代班人", exact=True).select_option(label="陈彤 1002")
    hers.get_by_label("给代班人的交代").fill("沈女士九点要回电")
    hers.get_by_role("button", name="提出").click()
    expect(hers.get_by_text("返岗日须晚于开始日")).to_be_visible()
    expect(hers.get_by_label("给代班人的交代")).to_have_value("沈女士九点要回电")
    hers.get_by_label("休假首日").fill("2026-03-03")
    hers.get_by_label("返岗日").fill("2026-03-04")
    hers.get_by_role("button", name="提出").click()
    expect(hers.get_by_text("陈彤 同意后生效")).to_be_visible()
    expect(hers.get_by_text("等待答复")).to_be_visible()

    theirs = site.person("mate", size=PHONE)
    expect(theirs.get_by_text("林晓 请您代班：3月3日。")).to_be_visible()
    expect(theirs.locator(".row", has_text="沈静")).to_have_count(0)
    theirs.get_by_role("link", name="答复").click()
    expect(theirs.get_by_text("沈女士九点要回电")).to_be_visible()
    theirs.get_by_role("button", name="同意代班").click()
    expect(theirs.get_by_text("您将代 林晓 办理")).to_be_visible()

    site.at(TUESDAY)
    theirs = site.person("mate")
    expect(theirs.get_by_text("您正代 林晓 办理，至3月3日")).to_be_visible()
    theirs_row = row(theirs, customer, "回电")
    expect(theirs_row.get_by_text("代 林晓")).to_be_visible()
    hers = site.person("rm")
    expect(hers.get_by_text("您在休假，至3月3日；陈彤 代您办理")).to_be_visible()
    expect(row(hers, customer, "回电")).to_be_visible()
    theirs_row.get_by_role("button", name="回电").click()
    theirs.wait_for_url("**/talk/**")
    call = _call(site, customer)
    assert (call.rm_id, call.held_by_id) == (site.cast.rm.pk, site.cast.mate.pk)
    expect(theirs.get_by_text("受您的客户经理林晓委托").or_(theirs.get_by_text("林晓")).first).to_be_visible()

    site.at(TUESDAY.replace(hour=23, minute=58))
    late = site.person("mate")
    late.goto(f"{site.address}/customers/{customer.pk}/")
    expect(late.get_by_text("代 林晓")).to_be_visible()
    site.at(TUESDAY.replace(hour=0, minute=0) + timedelta(days=1))
    late.remove_listener("console", site.heard)  # the browser complains of the 404 that is wanted here
    late.reload()
    expect(late.get_by_text("不在您的范围内").or_(late.get_by_text("可能不归您管")).first).to_be_visible()
    late.goto(site.address)
    expect(late.get_by_text("代 林晓")).to_have_count(0)


def _call(site: Site, customer: Any) -> Any:
    from zhike.contacts.models import Contact

    with site.owner():
        return Contact.objects.filter(customer=customer, state="under_way").get()
