"""W3, W5 and W12 in the browser: a prospect of the pool is claimed on the phone, called, and becomes a customer with all that was noted;
a note is passed on, answered, and the answer comes back."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import PHONE, Saw, Site, chip, tap


def test_claimed_on_the_phone_called_and_won(shared: Site, saw: Saw) -> None:
    """The leader enters somebody from a fair into the pool; the RM claims, notes a call and a meeting, and has a customer."""
    leader = shared.person("leader")
    leader.goto(f"{shared.address}/market/prospects/new/")
    chip(leader, "W3", saw)
    leader.get_by_label("姓名").fill("顾晨曦")
    leader.get_by_label("手机").fill("13900007777")
    tap(leader, "source", "fair")
    leader.get_by_label("具体场合").fill("春季住房展")
    leader.locator("[data-submit]").click()
    leader.wait_for_url("**/market/prospects/*/")
    expect(leader.get_by_text("无，在公海")).to_be_visible()

    rm = shared.person("rm", size=PHONE)
    rm.goto(f"{shared.address}/market/prospects/?view=pool")
    rm.get_by_role("button", name="认领 顾晨曦").click()
    rm.wait_for_url("**/market/prospects/*/")
    expect(rm.get_by_text("顾晨曦 归您了")).to_be_visible()
    expect(rm.get_by_text("说明有事可直接找您")).to_be_visible()
    chip(rm, "W5", saw)
    tap(rm, "how", "call")
    rm.get_by_label("用一句话").first.fill("介绍了自己，约好下周来行")
    rm.get_by_label("下一步", exact=True).first.fill("来行面谈")
    rm.locator("#contact-step-on").fill("2026-03-09")
    rm.get_by_role("button", name="记下").click()
    expect(rm.get_by_text("介绍了自己，约好下周来行")).to_be_visible()
    expect(rm.get_by_text("说明有事可直接找您")).to_have_count(0)
    width = rm.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} px wide on a phone of 390"
    rm.get_by_role("button", name="转为客户").click()
    rm.wait_for_url("**/customers/*/")
    expect(rm.get_by_text("成为客户之前")).to_be_visible()
    expect(rm.get_by_text("介绍了自己，约好下周来行")).to_be_visible()
    expect(rm.get_by_text("顾晨曦：来行面谈")).to_be_visible()


def test_a_note_is_answered_and_the_answer_comes_back(shared: Site, saw: Saw) -> None:
    """The RM notes a rate in one line on the phone and passes it on; the leader answers from Today; the RM reads it from Today."""
    rm = shared.person("rm", size=PHONE)
    rm.goto(f"{shared.address}/market/notes/")
    chip(rm, "W3", saw)
    tap(rm, "kind", "rate")
    rm.locator("#f-text").fill("对面银行三年期上浮到 2.35%")
    rm.get_by_role("button", name="记下").click()
    rm.get_by_role("link", name="对面银行三年期上浮到 2.35%").click()
    rm.wait_for_url("**/market/notes/*/")
    rm.locator("#f-to").select_option(label="世纪大道支行 · 吴敏")
    rm.get_by_label("请对方做什么").fill("请定是否跟进")
    rm.get_by_role("button", name="报送").click()
    expect(rm.get_by_text("已报送 吴敏")).to_be_visible()
    assert rm.evaluate("document.documentElement.scrollWidth") <= 390

    leader = shared.person("leader")
    leader.goto(f"{shared.address}/market/notes/")
    chip(leader, "W12", saw)
    leader.get_by_role("link", name="答复：对面银行三年期上浮到 2.35%").click()
    expect(leader.get_by_text("请定是否跟进")).to_be_visible()
    tap(leader, "answer", "used")
    leader.locator("#f-answer_words").fill("已报分行调价")
    leader.locator("#answer [data-submit]").click()
    expect(leader.get_by_text("已答复，林晓 会看到")).to_be_visible()

    rm.goto(shared.address)
    back = rm.locator(".row", has_text="吴敏答复了")
    back.get_by_role("link", name="看看").or_(back.locator("a.button")).first.click()
    expect(rm.get_by_text("已报分行调价")).to_be_visible()
    rm.get_by_role("button", name="已看答复").click()
    rm.goto(shared.address)
    expect(rm.locator(".row", has_text="吴敏答复了")).to_have_count(0)
