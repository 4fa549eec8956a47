"""A write-up loses nothing: not on reload, not without a connection, not when the session has ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from tests.cast import PASSWORD, signed_in
from zhike.contacts.models import Contact

from .conftest import MONDAY, Arranged, Saw, Site, chip, tap

WORDS = "想给女儿存一笔教育金，等年终奖到账"


def writing(site: Site, name: str) -> tuple[Page, Any]:
    """A write-up on the phone, half done."""
    contact = Arranged(site).contact("visit", site.customer(name), at=MONDAY - timedelta(minutes=20))
    page = site.person()
    page.goto(f"{site.address}/contacts/{contact.pk}/write-up/")
    return page, contact


def write(page: Page) -> None:
    tap(page, "result", "inclined")
    tap(page, "need", "deposit")
    page.locator("#n-deposit").fill("三年期")
    page.locator("[name=demand]").first.fill("换一张卡")
    page.locator("[data-add=one-demand]").click()
    page.locator("[name=demand]").nth(1).fill("查额度")
    page.locator("[name=words]").fill(WORDS)


def stands(page: Page) -> None:
    expect(page.locator("[name=words]")).to_have_value(WORDS)
    expect(page.locator("[name=result][value=inclined]")).to_be_checked()
    expect(page.locator("#n-deposit")).to_have_value("三年期")
    expect(page.locator("[name=demand]")).to_have_count(2)
    expect(page.locator("[name=demand]").nth(1)).to_have_value("查额度")


def told(page: Page, look: str) -> None:
    expect(page.locator("[data-draft-state]")).to_have_class(re.compile(f"state--{look}"))


def finish(site: Site, page: Page, contact: Any, saw: Saw) -> None:
    tap(page, "next", "2w")
    chip(page, "V6", saw)
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    with site.owner():
        closed = Contact.objects.get(pk=contact.pk)
        assert (closed.state, closed.result_words) == ("closed", WORDS)
        assert [each.words for each in closed.demands.order_by("number")] == ["换一张卡", "查额度"]
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('zhike:draft:')).length") == 0


def test_a_reload_loses_nothing(shared: Site, saw: Saw) -> None:
    page, contact = writing(shared, "祖冲之")
    write(page)
    page.reload()
    stands(page)
    finish(shared, page, contact, saw)


def test_a_lost_connection_loses_nothing(shared: Site, saw: Saw) -> None:
    page, contact = writing(shared, "张衡")
    page.context.set_offline(True)
    write(page)
    told(page, "soon")
    page.locator("[data-submit]").click()
    expect(page.locator(".toast", has_text="没有提交上")).to_be_visible()
    shared.complaints.clear()  # the browser says that it is offline; so does the page
    with page.expect_response(lambda answer: answer.url.endswith("/draft/") and answer.ok):
        page.context.set_offline(False)
    told(page, "on")
    page.evaluate("localStorage.clear()")  # another device: only the server knows
    page.reload()
    stands(page)
    finish(shared, page, contact, saw)
    shared.complaints.clear()


def test_an_expired_session_loses_nothing(shared: Site, saw: Saw) -> None:
    page, contact = writing(shared, "蔡伦")
    page.context.clear_cookies(name="zhike_session")
    write(page)
    told(page, "soon")
    page.locator(".toast a").click()
    page.get_by_label("工号").fill(shared.cast.rm.number)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/write-up/")
    stands(page)
    finish(shared, page, contact, saw)


def sign_in_again(page: Page) -> None:
    page.wait_for_url(re.compile("/sign-in/"))
    page.locator("[name=login]").fill("1001")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")


def test_any_form_survives_a_reload_and_an_ended_session(shared: Site) -> None:
    """A call's outcome and note: signed out in the middle, signed in again, one stands on the call with every word."""
    customer = shared.customer("沈括", mobile="13700001111")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    tap(page, "outcome", "busy")
    page.locator("#again").fill("16:40")
    page.locator("#note").fill(WORDS)
    page.reload()
    expect(page.locator("#note")).to_have_value(WORDS)
    page.context.clear_cookies()
    page.locator("[data-submit]").click()
    sign_in_again(page)
    page.wait_for_url("**/talk/")
    expect(page.locator("[name=outcome][value=busy]")).to_be_checked()
    expect(page.locator("#again")).to_have_value("16:40")
    expect(page.locator("#note")).to_have_value(WORDS)
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    assert page.evaluate("Object.keys(sessionStorage).filter(name => name.startsWith('zhike:')).length") == 0


def test_a_form_left_on_purpose_does_not_come_back(shared: Site) -> None:
    customer = shared.customer("郭守敬")
    page = shared.person()
    address = f"{shared.address}/customers/{customer.pk}/learned/"
    page.goto(address)
    page.locator("[name=hobbies]").fill("观星")
    page.goto(shared.address)
    page.goto(address)
    expect(page.locator("[name=hobbies]")).to_have_value("观星")
    page.get_by_role("link", name="不改了").click()
    page.goto(address)
    expect(page.locator("[name=hobbies]")).to_have_value("")


STORES = """JSON.stringify([localStorage, sessionStorage].flatMap(
    store => Object.entries(store).filter(([name]) => name.startsWith("zhike:"))))"""


def cut_off(site: Site, page: Page) -> None:
    """Writes while the session has ended: the words are on the device and nowhere else."""
    page.context.clear_cookies(name="zhike_session")
    write(page)
    told(page, "soon")


def signed_in_as(site: Site, page: Page, who: str) -> None:
    """Another sign-in at the same desk."""
    key = signed_in(site.cast.staff[who], site.now)
    page.context.add_cookies([{"name": "zhike_session", "value": key, "url": site.address}])


def test_what_lies_on_the_device_cannot_be_read(shared: Site) -> None:
    page, contact = writing(shared, "张仲景")
    cut_off(shared, page)
    page.wait_for_function("Object.keys(localStorage).length === 1")
    lies = page.evaluate(STORES)
    assert f"zhike:draft:{shared.cast.rm.pk}:{contact.pk}" in lies
    assert "sealed" in lies
    for words in (WORDS, "三年期", "换一张卡", "inclined", "deposit"):
        assert words not in lies
    assert "draft-keys" not in page.request.get(f"{shared.address}/sign-in/").text()


def test_another_person_at_the_same_desk_finds_nothing(shared: Site) -> None:
    """The leader opens the same write-up in the same browser; the RM's words are not shown, and not there any more."""
    page, contact = writing(shared, "皇甫谧")
    cut_off(shared, page)
    signed_in_as(shared, page, "leader")
    page.goto(f"{shared.address}/contacts/{contact.pk}/write-up/")
    expect(page.locator("[name=words]")).to_have_value("")
    expect(page.locator("[data-draft-state]")).not_to_contain_text("草稿")
    assert page.evaluate(STORES) == "[]"
    signed_in_as(shared, page, "rm")
    page.reload()
    expect(page.locator("[name=words]")).to_have_value("")


def test_who_signs_out_leaves_nothing_on_the_device(shared: Site) -> None:
    page, _contact = writing(shared, "葛洪")
    page.route("**/draft/", lambda route: route.abort())  # the server gets nothing of it
    write(page)
    told(page, "soon")
    shared.complaints.clear()
    page.goto(f"{shared.address}/sign-out/")
    assert page.evaluate("Object.keys(localStorage).length") == 1
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/sign-in/**")
    assert page.evaluate(STORES) == "[]"
    shared.complaints.clear()


def test_what_is_typed_while_a_draft_is_on_its_way_stays_kept(shared: Site) -> None:
    """The server confirms the words before these; the device keeps what came after, until that is confirmed too."""
    page, _contact = writing(shared, "陶弘景")
    late: list[Any] = []
    page.route("**/draft/", lambda route: late.append(route))
    page.locator("[name=words]").fill("一")
    page.wait_for_timeout(1000)
    page.locator("[name=words]").fill("一二")
    late[0].continue_()
    page.wait_for_timeout(300)
    assert page.evaluate("Object.keys(localStorage).length") == 1
    page.unroute("**/draft/")
    late[1].continue_() if len(late) > 1 else None
    told(page, "on")


def test_without_https_nothing_is_laid_down_and_it_is_said(shared: Site) -> None:
    """A browser seals nothing at a plain http address that is not its own machine: only the server keeps the draft."""
    contact = Arranged(shared).contact("visit", shared.customer("孙思邈"), at=MONDAY - timedelta(minutes=20))
    page = shared.context().new_page()  # not listened to: a browser has its own remarks about such an address
    address = shared.address.replace("127.0.0.1", "testserver")
    key = signed_in(shared.cast.rm, shared.now)
    page.context.add_cookies([{"name": "zhike_session", "value": key, "url": address}])
    page.goto(f"{address}/contacts/{contact.pk}/write-up/")
    assert page.evaluate("isSecureContext") is False
    with page.expect_response(lambda answer: answer.url.endswith("/draft/") and answer.ok):
        write(page)
    told(page, "on")
    page.reload()
    stands(page)
    page.context.set_offline(True)
    page.locator("[name=words]").fill("后来的话")
    expect(page.locator("[data-draft-state]")).to_contain_text("尚未保存")
    expect(page.locator("[data-draft-state] use")).to_have_attribute("href", re.compile("#i-alert$"))
    assert page.evaluate(STORES) == "[]"
    page.context.set_offline(False)
    told(page, "on")
