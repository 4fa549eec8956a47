"""送达 · On the phone: entered, owed on Today, signed for in the frame; the signature lies in the customer's file."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import PHONE, Saw, Site, chip


def test_signed_for_at_the_door(site: Site, saw: Saw) -> None:
    customer = site.customer("沈静仪")
    page = site.person("rm", size=PHONE)
    page.goto(f"{site.address}/work/deliveries/new/?customer={customer.pk}")
    expect(page.get_by_label("客户", exact=True)).to_have_value("沈静仪")
    page.get_by_label("送什么").fill("3 月结息凭证")
    page.get_by_label("日期").fill("2026-03-03")
    page.get_by_role("button", name="登记").click()
    expect(page.get_by_text("已登记，按期应送达")).to_be_visible()
    page.goto(site.address)
    page.locator(".row", has_text="送达 沈静仪：3 月结息凭证").get_by_role("link", name="送达").click()
    chip(page, "W8", saw)
    frame = page.locator("canvas")
    page.get_by_label("签收人姓名").fill("沈静仪")
    page.get_by_role("button", name="已送达").click()
    expect(page.get_by_text("请让签收人在框内签名")).to_be_visible()
    expect(page.get_by_label("签收人姓名")).to_have_value("沈静仪")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box
    assert box["width"] > 250
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    for x, y in ((80, 120), (140, 50), (200, 130)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=5)
    page.mouse.up()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="已送达").click()
    expect(page.get_by_text("沈静仪 签收")).to_be_visible()
    page.get_by_role("link", name="签收单").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("签收单 · 3 月结息凭证 · 沈静仪")
    expect(page.locator("a[href$='.png']").first).to_be_visible()
