"""Phoning, clause by clause: what each outcome asks for, and what then stands on Today."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from zhike.contacts.models import Contact
from zhike.obligations.models import Obligation

from .conftest import MONDAY, PHONE, Saw, Site, chip, row, tap


def dial(site: Site, customer: Any, saw: Saw, purpose: str = "care") -> Page:
    """From the customer's page into a call with its purpose stated."""
    page = site.person()
    page.goto(f"{site.address}/customers/{customer.pk}/")
    page.locator("a[href$='/new/call/']").first.click()
    page.wait_for_url("**/new/call/")
    chip(page, "C1", saw)
    expect(page.get_by_role("complementary", name="手边")).to_contain_text("称谓")
    tap(page, "how", "now")
    tap(page, "purpose", purpose)
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    chip(page, "C2", saw)
    return page


def hang_up(page: Page, outcome: str) -> None:
    tap(page, "outcome", outcome)
    page.locator("[data-submit]").click()


def call_of(site: Site, customer: Any) -> Contact:
    with site.owner():
        return Contact.objects.filter(customer=customer, kind="call").latest("pk")


def owed(site: Site, customer: Any) -> dict[str, Obligation]:
    with site.owner():
        return {each.clause: each for each in Obligation.objects.filter(customer=customer, state="open")}


def test_a_call_without_a_purpose_asks_for_it(shared: Site, saw: Saw) -> None:
    page = shared.person()
    page.goto(f"{shared.address}/customers/{shared.customer('丁一凡').pk}/new/call/")
    page.locator("[data-submit]").click()
    expect(page.locator(".field-error")).to_be_visible()
    chip(page, "C1", saw)


def test_reached_invited_and_accepted(shared: Site, saw: Saw) -> None:
    """C7: an accepted invitation becomes a planned reception invited by the RM."""
    customer = shared.customer("孟庆华")
    page = dial(shared, customer, saw)
    hang_up(page, "reached")
    page.wait_for_url("**/write-up/")
    chip(page, "C6", saw)
    chip(page, "C7", saw)
    tap(page, "result", "inclined")
    tap(page, "need", "none")
    tap(page, "invitation", "accepted")
    tap(page, "next", "rhythm")
    page.locator("[data-submit]").click()
    expect(page.locator(".note--late, .field-error").first).to_be_visible()
    tap(page, "next", "1w")
    tap(page, "next_kind", "reception")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    with shared.owner():
        invited = Contact.objects.get(customer=customer, kind="reception")
    assert (invited.state, invited.invited_by_rm) in {("planned", True), ("agreed", True)}


def test_absent_call_again_when_it_suits(shared: Site, saw: Saw) -> None:
    customer = shared.customer("段誉")
    page = dial(shared, customer, saw)
    tap(page, "outcome", "absent")
    chip(page, "C3", saw)
    chip(page, "C5", saw)
    page.locator("#again").fill("16:10")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    expect(row(page, customer)).to_contain_text("16:10")
    assert owed(shared, customer)["C5"].target == datetime(2026, 3, 2, 16, 10, tzinfo=MONDAY.tzinfo)


def test_busy_no_time_agreed(shared: Site, saw: Saw) -> None:
    customer = shared.customer("阮小七")
    page = dial(shared, customer, saw)
    tap(page, "outcome", "busy")
    chip(page, "C4", saw)
    page.locator("[data-submit]").click()
    expect(page.locator(".note--late")).to_be_visible()
    page.locator("[name=no_time]").check()
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    assert set(owed(shared, customer)) == {"C4"}
    expect(row(page, customer)).to_be_visible()


def test_nobody_answered_try_again(shared: Site, saw: Saw) -> None:
    """Another outcome than absent: no agreed minute, no punctuality."""
    customer = shared.customer("花荣")
    page = dial(shared, customer, saw)
    hang_up(page, "no_answer")
    expect(page).to_have_title("今日 · 知客")
    expect(row(page, customer).get_by_role("button", name="打电话")).to_be_visible()
    chip(page, "C3", saw)
    (again,) = owed(shared, customer).values()
    assert (again.kind, again.target) == ("call_again", None)


def test_wrong_number_have_it_checked(shared: Site, saw: Saw) -> None:
    customer = shared.customer("柴进")
    page = dial(shared, customer, saw)
    hang_up(page, "wrong_number")
    expect(page).to_have_title("今日 · 知客")
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    chip(page, "R4", saw)
    assert [each.kind for each in owed(shared, customer).values()] == ["find_out"]


def test_not_interested_record_what_is_needed(shared: Site, saw: Saw) -> None:
    """C8: asked for; "none stated" is an answer; nothing else is owed."""
    customer = shared.customer("朱仝")
    page = dial(shared, customer, saw)
    hang_up(page, "not_interested")
    page.wait_for_url("**/write-up/")
    tap(page, "next", "rhythm")
    page.locator("[data-submit]").click()
    expect(page.locator(".note--late, .field-error").first).to_be_visible()
    chip(page, "C8", saw)
    tap(page, "need", "none")
    page.locator("[data-submit]").click()
    expect(page).to_have_title("今日 · 知客")
    assert owed(shared, customer) == {}


def test_the_first_call_introduces_and_shows_no_product(shared: Site, saw: Saw) -> None:
    customer = shared.customer("史进", called=False)
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    chip(page, "C9", saw)
    purposes = page.locator("[name=purpose]:enabled").evaluate_all("inputs => inputs.map(input => input.value)")
    assert purposes == ["introduction"]
    tap(page, "how", "now")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    chip(page, "C9", saw)
    expect(page.get_by_text("持有与到期")).to_have_count(0)
    expect(page.locator(".script")).to_contain_text(re.compile("林晓"))
    hang_up(page, "reached")
    page.wait_for_url("**/write-up/")
    page.goto(shared.address)
    row(page, customer, "致谢").locator(".row-do a").click()
    chip(page, "C10", saw)
    expect(page.locator("#text")).to_contain_text("林晓")
    tap(page, "channel", "sms")
    tap(page, "through", "own_phone")
    page.locator("[name=introduces]").check()
    chip(page, "S2", saw)
    page.keyboard.press("Control+Enter")
    expect(page).to_have_title("今日 · 知客")
    assert set(owed(shared, customer)) == {"C6"}


def test_a_call_back_is_made_on_the_minute(shared: Site, saw: Saw) -> None:
    from .conftest import Arranged

    customer = shared.customer("解珍", "diamond")
    Arranged(shared).contact(
        "call", customer, at=MONDAY - timedelta(minutes=30), minutes=1, purpose="care", outcome="busy",
        call_back_at=MONDAY + timedelta(minutes=2),
    )  # fmt: skip
    page = shared.person()
    promised = row(page, customer)
    expect(promised).to_have_class(re.compile("row--now"))
    chip(page, "C5", saw)
    promised.get_by_role("button", name="回电").click()
    page.wait_for_url(re.compile(r"/talk/"))
    hang_up(page, "reached")
    page.wait_for_url("**/write-up/")
    assert call_of(shared, customer).purpose == "call_back"
    with shared.owner():
        kept = Obligation.objects.get(customer=customer, clause="C5")
    assert kept.state == "done"


def test_a_call_told_afterwards_is_recorded_as_it_was(shared: Site, saw: Saw) -> None:
    """What it went past is said before it is saved, in one calm sentence, and stands on its record."""
    customer = shared.customer("杨志", called=False)
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "how", "afterwards")
    page.locator("#day").fill("2026-03-01")
    page.locator("[name=time]").fill("20:30")
    page.locator("[name=purpose][value=maturity]").check()
    page.locator("[data-submit]").click()
    told = page.locator(".note--soon")
    expect(told).to_contain_text("首次通话的目的是“到期承接”")
    chip(page, "C9", saw)
    with shared.owner():
        assert not Contact.objects.filter(customer=customer).exists(), "it is said before anything is written"
    page.locator("[name=explanation]").fill("客户自己问起存单")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/write-up/")
    call = call_of(shared, customer)
    assert (call.purpose, call.afterwards, call.first) == ("maturity", True, True)
    tap(page, "need", "none")
    tap(page, "next", "rhythm")
    page.locator("[data-submit]").click()
    page.wait_for_url(f"{shared.address}/")
    page.goto(f"{shared.address}/contacts/{call.pk}/record/")
    expect(page.locator("main")).to_contain_text("违规")
    expect(page.locator("main")).to_contain_text("客户自己问起存单")
    chip(page, "C9", saw)


def test_a_busy_call_told_afterwards_keeps_its_promised_minute(shared: Site) -> None:
    customer = shared.customer("索超")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "how", "afterwards")
    page.locator("[name=time]").fill("13:30")
    page.locator("[name=purpose][value=care]").check()
    tap(page, "outcome", "busy")
    page.locator("[data-submit]").click()
    expect(page.locator(".field-error")).to_contain_text("回电")
    page.locator("[name=again_time]").fill("16:20")
    page.locator("[data-submit]").click()
    page.wait_for_url(f"**/customers/{customer.pk}/")
    assert owed(shared, customer)["C5"].target == datetime(2026, 3, 2, 16, 20, tzinfo=MONDAY.tzinfo)


def test_the_number_stands_where_one_dials(shared: Site, saw: Saw) -> None:
    """Starting the call shows it, which is kept; a second one is masked until it is asked for; and somebody without a number
    leads to where it is filled in."""
    page = dial(shared, shared.customer("辛弃疾", mobile="13898761234", phone2="13311112222"), saw)
    number = page.locator(".oncall-number")
    expect(number.locator("a[href='tel:13898761234']")).to_be_visible()
    expect(number).to_contain_text("2222")
    expect(number).not_to_contain_text("1111")
    page.reload()
    expect(number.locator("a[href='tel:13898761234']")).to_be_visible()
    number.get_by_role("button", name="显示").click()
    expect(number.locator("a[href='tel:13311112222']")).to_be_visible()
    unknown = dial(shared, shared.customer("陆务观", mobile=""), saw)
    expect(unknown.locator(".oncall-number a[href*='/learned/']")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, {"width": 320, "height": 640}, {"width": 800, "height": 900}])
def test_the_first_sentence_comes_first_and_the_outcomes_are_at_hand(shared: Site, size: dict[str, int]) -> None:
    """On the phone one dials and speaks: the script is above the outcomes, which stand at the foot of the screen meanwhile."""
    customer = shared.customer(f"陆游{size['width']}")
    page = shared.person(size=size)
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    script, outcomes = page.locator(".script").bounding_box(), page.locator(".outcomes").bounding_box()
    first = page.locator(".script > li").first.bounding_box()
    assert script
    assert outcomes
    assert first
    assert script["y"] < outcomes["y"]
    assert first["y"] + first["height"] <= outcomes["y"]
    foot = page.locator(".rail").bounding_box()
    assert foot
    assert outcomes["y"] + outcomes["height"] <= (foot["y"] if size["width"] < 768 else size["height"])
    assert page.evaluate("scrollY") == 0
    names = page.locator(".outcome > span")
    assert [box.evaluate("box => box.scrollWidth <= box.clientWidth") for box in names.all()] == [True] * 6


@pytest.mark.parametrize(("language", "said"), [("zh-hans", "3月3日 周二"), ("en", "Tue 3 Mar")])
def test_a_chosen_day_stands_beside_its_field_in_words(shared: Site, language: str, said: str) -> None:
    """Chromium draws a date field in its own language, not the page's; the words say which day it is, after a reload too."""
    page = shared.person("mate", language=language)
    page.goto(f"{shared.address}/customers/{shared.customer('关汉卿', who='mate').pk}/new/visit/")
    words = page.locator(".pair .day-words").first
    page.locator("#day").fill("2026-03-03")
    expect(words).to_have_text(said)
    page.locator("#day").fill("2027-03-03")
    expect(words).to_contain_text("2027")
    page.locator("[data-fill*=day], [data-fill-day]").first.evaluate("tap => tap.click()")
    expect(words).not_to_contain_text("2027")
    page.locator("#day").fill("2026-03-03")
    page.locator("#day").focus()
    page.keyboard.press("ArrowUp")
    expect(words).not_to_have_text(said)
    chosen = words.inner_text()
    page.reload()
    expect(words).to_have_text(chosen)
    page.locator("#day").fill("")
    expect(words).to_be_hidden()
    page.evaluate("sessionStorage.clear()")
    shared.person("mate", language="zh-hans")


def test_dialling_again_while_the_call_runs_is_the_same_call(shared: Site, saw: Saw) -> None:
    """Back on Today in the middle of a call-back, its row is the running one, once, and leads into the call that runs."""
    customer = shared.customer("岳鹏举")
    page = dial(shared, customer, saw)
    tap(page, "outcome", "busy")
    page.locator("#again").fill("14:05")
    page.locator("[data-submit]").click()
    page.goto(shared.address)
    row(page, customer).get_by_role("button", name="回电").click()
    page.wait_for_url("**/talk/?for=*")
    page.goto(shared.address)
    running = row(page, customer)
    expect(running).to_have_count(1)
    expect(running).to_have_class(re.compile("row--now"))
    expect(running).to_contain_text("进行中")
    expect(running.locator("[data-countdown]")).to_have_count(0)
    running.get_by_role("link", name="继续").click()
    page.wait_for_url("**/talk/?for=*")
    with shared.owner():
        assert Contact.objects.filter(customer=customer, kind="call", state="under_way").count() == 1


def test_an_impatient_second_click_is_not_a_second_call(shared: Site) -> None:
    """The button pressed again before anything is seen to happen: the form is on its way and is not sent twice."""
    page = shared.person()
    page.goto(f"{shared.address}/customers/{shared.customer('文天祥').pk}/new/call/")
    tap(page, "purpose", "care")
    stopped = page.evaluate("""() => {
        const stopped = [], button = document.querySelector("[data-submit]");
        addEventListener("submit", (event) => { stopped.push(event.defaultPrevented); event.preventDefault(); });
        button.click();
        button.click();
        return stopped;
    }""")
    assert stopped == [False, True]


def test_what_must_lie_ready_stands_beside_an_unplanned_call(shared: Site, saw: Saw) -> None:
    """C1: form of address, last contact, open needs and promises, before one dials; a first call is told of no need."""
    from zhike.contacts.write_up import NeedHeard, PromiseMade, WriteUp

    from .conftest import Arranged

    customer = shared.customer("扈三娘", honorific="扈女士", taboos="不提旧事")
    Arranged(shared).contact(
        "reception", customer, at=MONDAY - timedelta(days=1), known=MONDAY - timedelta(days=1),
        form=WriteUp("inclined", "想换按揭", needs=[NeedHeard("loan", "换按揭")], by_rhythm=False, next=next_call(),
                     promises=[PromiseMade("查清利率", due=MONDAY + timedelta(days=1))]),
    )  # fmt: skip
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    ready = page.get_by_role("complementary", name="手边")
    for words in ("扈女士", "接待", "换按揭", "查清利率", "不提旧事"):
        expect(ready).to_contain_text(words)
    chip(page, "C1", saw)
    stranger = shared.customer("顾大嫂", called=False)
    Arranged(shared).contact(
        "reception", stranger, at=MONDAY - timedelta(days=1), known=MONDAY - timedelta(days=1),
        form=WriteUp("inclined", "", needs=[NeedHeard("loan", "换按揭")], next=next_call()),
    )  # fmt: skip
    page.goto(f"{shared.address}/customers/{stranger.pk}/new/call/")
    expect(ready).to_contain_text("称谓")
    expect(ready).not_to_contain_text("换按揭")


def next_call() -> Any:
    from zhike.contacts.write_up import NextContact

    return NextContact("call", MONDAY + timedelta(days=3))


def test_a_tap_by_mistake_is_taken_back(shared: Site) -> None:
    customer = shared.customer("孙二娘")
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "how", "now")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    hang_up(page, "no_answer")
    page.locator(".toast").get_by_role("button", name="撤回").click()
    page.wait_for_url("**/talk/")
    assert call_of(shared, customer).state == "under_way"
    page.get_by_role("button", name="误点开始，撤回").click()
    page.wait_for_url(f"**/customers/{customer.pk}/")
    assert call_of(shared, customer).state == "struck"
    assert owed(shared, customer) == {}


def test_a_write_up_just_saved_leads_to_its_amendment(shared: Site, saw: Saw) -> None:
    customer = shared.customer("张青")
    page = dial(shared, customer, saw)
    hang_up(page, "reached")
    page.wait_for_url("**/write-up/")
    tap(page, "need", "none")
    tap(page, "next", "rhythm")
    page.locator("[data-submit]").click()
    page.locator(".toast").get_by_role("link", name="更正").click()
    page.wait_for_url("**/record/?amend=1")
    expect(page.locator("[name=reason]")).to_be_visible()
