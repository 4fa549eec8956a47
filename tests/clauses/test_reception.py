"""接待 · R: what each clause does in each of its modes, through the API and the pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from zhike import clock
from zhike.obligations.models import Fact as Kept

from .door import Door, Refused
from .moments import moment, shown
from .test_truth_table import FORMS, NEXT

pytestmark = pytest.mark.django_db


def received(door: Door, **more: Any) -> tuple[Any, Any]:
    """A platinum customer's reception, from 14:00 to 14:27, not written up yet."""
    customer = door.customer(met=True)
    return customer, door.record(customer, "reception", moment("14:00"), moment("14:27"), **more)


@pytest.mark.clause("R1", "BRIEF")
def test_r1_brief(door: Door) -> None:
    customer = door.customer(met=True)
    plan = door.planned(customer, now=moment("09:00"), kind="reception", planned_for=moment("14:00"))
    card = door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"))
    for said in ("真老师", "白金", "资料备齐", "称谓", "名片在身", "茶水备好"):
        assert said in card


@pytest.mark.clause("R1", "RECORD")
def test_r1_record(door: Door) -> None:
    plan = door.planned(door.customer(), now=moment("09:00"), kind="reception")
    door.step("preparation", plan, moment("13:50"), ticks=["tea"])
    told = door.step("preparation", plan, moment("13:52"), ticks=["tea", "cards"])
    assert shown(told.prepared_at) == "2026-03-02 13:50", "the first tap counts"
    assert {name: at[:16] for name, at in told.ticks.items()} == {
        "tea": "2026-03-02T05:50",
        "cards": "2026-03-02T05:52",
    }


@pytest.mark.clause("R2", "BRIEF")
def test_r2_brief(door: Door) -> None:
    def card(tier: str, invited: bool) -> str:
        customer = door.customer(tier, met=True)
        plan = door.appointment(
            customer, moment("14:00"), now=moment("09:00"), kind="reception", place="支行", invited_by_rm=invited
        )
        return door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"))

    assert "到门外迎接（自己邀约的客户）" in card("diamond", True)
    assert "到门外迎接（自己邀约的客户）" in card("private", True)
    assert "门外" not in card("diamond", False), "a walk-in owes no going out"
    assert "重要程度" in card("platinum", True), "the choice is shown"
    assert "门外" not in card("gold", True)


@pytest.mark.clause("R2", "RECORD")
def test_r2_record(door: Door) -> None:
    customer = door.customer("diamond", met=True)
    plan = door.appointment(
        customer, moment("14:00"), now=moment("09:00"), kind="reception", place="支行", invited_by_rm=True
    )
    door.step("start", plan, moment("14:00"))
    told = door.step("end", plan, moment("14:30"), met_where="outside_door")
    assert (told.invited_by_rm, told.met_where) == (True, "outside_door")


@pytest.mark.clause("R3", "BRIEF")
def test_r3_brief(door: Door) -> None:
    first, later = door.customer(), door.customer(met=True)
    said = []
    for customer in (first, later):
        plan = door.planned(customer, now=moment("09:00"), kind="reception")
        said.append(door.page(f"contacts/{plan.pk}/prepare/", moment("13:50")))
    assert "双手递名片" in said[0]
    assert "45°" in said[0]
    assert "双手递名片" not in said[1], "switched by the history"
    assert "先让座" in said[1]


@pytest.mark.clause("R3", "RECORD")
def test_r3_record(door: Door) -> None:
    plan = door.planned(door.customer(), now=moment("09:00"), kind="reception")
    door.step("start", plan, moment("14:00"))
    assert door.step("end", plan, moment("14:30"), card_handed=True).card_handed is True


@pytest.mark.clause("R4", "RECORD")
def test_r4_record(door: Door) -> None:
    customer = door.customer("gold", met=True, known="email")
    form = {**FORMS["none"], "learned": {"mobile": "13800138000"}}
    contact = door.record(customer, "reception", moment("14:00"), moment("14:27"), form=form)
    customer.refresh_from_db()
    kept = customer.profile["mobile"]
    assert (kept["src"], kept["on"], kept["contact"]) == ("contact", "2026-03-02", int(contact.pk))
    assert "13800138000" not in str(customer.profile), "sealed"
    assert "138****8000" in door.page(f"customers/{customer.pk}/", moment("15:00")).replace(" ", "")


@pytest.mark.clause("R4", "OWE")
def test_r4_owe(door: Door) -> None:
    customer = door.customer("gold", met=True, known="email")
    door.record(customer, "reception", moment("14:00"), moment("14:27"))
    (gap,) = door.owed(customer, clause="R4")
    assert (gap.kind, gap.state, gap.due, gap.detail) == ("find_out", "open", None, {"field": "mobile"})
    told = door.send("get", "obligations?due=today", None, moment("15:00"))
    assert all(row["clause"] != "R4" for row in told["rows"]), "never a row of Today"


@pytest.mark.clause("R5", "RECORD")
def test_r5_record(door: Door) -> None:
    customer = door.customer("gold", met=True, birth_calendar="lunar", birth_month=6, birth_day=30, birth_leap=True)
    page = door.page(f"customers/{customer.pk}/", moment("15:00"))
    assert "闰六月三十" in page.replace(" ", "")
    form = {**FORMS["none"], "learned": {"hobbies": "钓鱼"}}
    door.record(customer, "reception", moment("14:00"), moment("14:27"), form=form)
    assert "钓鱼" in door.page(f"customers/{customer.pk}/", moment("15:00"))


@pytest.mark.clause("R5", "OWE")
def test_r5_owe(door: Door) -> None:
    customer = door.customer("gold", birth_calendar="lunar", birth_month=1, birth_day=15)
    door.sweep(moment("2026-03-03 06:00"))  # the Lantern Festival of 2026
    (greeting,) = door.owed(customer, clause="R5")
    assert (greeting.kind, greeting.origin, shown(greeting.due)) == ("birthday", "bank", "2026-03-04 00:00")


@pytest.mark.clause("R6", "BRIEF")
def test_r6_brief(door: Door) -> None:
    plan = door.planned(door.customer(met=True), now=moment("13:00"), kind="reception")
    assert "听完再说" in door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"))
    door.step("start", plan, moment("14:00"))
    assert "听完再说" in door.page(f"contacts/{plan.pk}/talk/", moment("14:05"))


@pytest.mark.clause("R6", "RECORD")
def test_r6_record(door: Door) -> None:
    customer = door.customer(met=True)
    plan = door.planned(customer, now=moment("13:00"), kind="reception")
    door.step("start", plan, moment("14:00"))
    door.step("notes", plan, moment("14:05"), words="想换大额存单")
    door.step("end", plan, moment("14:27"))
    assert "想换大额存单" in door.page(f"contacts/{plan.pk}/write-up/", moment("14:28")), "found again"
    form = {**FORMS["none"], "no_need": False, "needs": [{"kind": "deposit", "words": "大额存单"}], "next": NEXT}
    door.step("write-up", plan, moment("14:30"), **{**form, "by_rhythm": False})
    assert "大额存单" in door.page(f"customers/{customer.pk}/", moment("15:00"))


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        pytest.param("R8", "手机静音", marks=pytest.mark.clause("R8", "BRIEF")),
        pytest.param("R9", "先征得同意", marks=pytest.mark.clause("R9", "BRIEF")),
        pytest.param("R10", "开门", marks=pytest.mark.clause("R10", "BRIEF")),
    ],
)
def test_r8_r9_r10_brief(door: Door, clause: str, said: str) -> None:
    """Shown on the card, attested by a tap, never an obligation."""
    customer = door.customer(met=True)
    plan = door.planned(customer, now=moment("13:00"), kind="reception")
    card = door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"))
    assert said in card
    assert clause in card
    door.step("start", plan, moment("14:00"))
    assert "按礼仪完成" in door.page(f"contacts/{plan.pk}/talk/", moment("14:05"))
    told = door.step("preparation", plan, moment("14:20"), ticks=["manners"])
    assert "manners" in told.ticks
    assert told.prepared_at is None, "manners are no preparation"
    door.step("end", plan, moment("14:27"))
    assert not [each for each in door.owed(customer) if each.clause == clause]


@pytest.mark.clause("R11", "BRIEF")
def test_r11_brief(door: Door) -> None:
    def card(tier: str) -> str:
        plan = door.planned(door.customer(tier, met=True), now=moment("13:00"), kind="reception")
        return door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"))

    assert "财富中心门口" in card("platinum")
    assert "停车场" not in card("platinum")
    for tier in ("diamond", "private"):
        assert "停车场" in card(tier)
        assert "财富中心门口" not in card(tier)
    assert "握手" in card("regular"), "every tier"
    assert "送至" not in card("gold")


@pytest.mark.clause("R11", "RECORD")
def test_r11_record(door: Door) -> None:
    plan = door.planned(door.customer("diamond", met=True), now=moment("13:00"), kind="reception")
    door.step("start", plan, moment("14:00"))
    assert door.step("end", plan, moment("14:27"), seen_off="car_park").seen_off == "car_park"


@pytest.mark.clause("R12", "OWE")
def test_r12_owe(door: Door) -> None:
    """After the farewell alone, by SMS alone, introducing the RM after a first meeting, within the day."""
    customer = door.customer("diamond")
    plan = door.planned(customer, now=moment("13:00"), kind="reception")
    door.step("start", plan, moment("14:00"))
    assert door.owed(customer, clause="R12") == [], "only after the farewell"
    door.step("end", plan, moment("14:27"))
    (thanks,) = door.owed(customer, clause="R12")
    assert (thanks.kind, thanks.channels, thanks.detail["text"]) == ("thanks", ["sms"], "first")
    assert shown(thanks.due) == "2026-03-03 00:00"
    with pytest.raises(Refused, match="R12"):
        door.done(thanks, moment("15:00"), channel="call", introduces=True)
    with pytest.raises(Refused, match="R12"):
        door.done(thanks, moment("15:00"), channel="sms", introduces=False)
    assert door.done(thanks, moment("15:00"), channel="sms", introduces=True).state == "done"


@pytest.mark.clause("R13", "GUARD")
@pytest.mark.parametrize(
    ("missing", "name"),
    [("result", "no_result"), ("no_need", "no_needs"), ("by_rhythm", "no_plan")],
)
def test_r13_guard(door: Door, missing: str, name: str) -> None:
    _, contact = received(door)
    form = {key: value for key, value in FORMS["none"].items() if key != missing}
    with pytest.raises(Refused, match="R13") as refused:
        door.step("write-up", contact, moment("14:30"), **form)
    assert [each["name"] for each in refused.value.problem["verdicts"]] == [name]
    assert door.step("write-up", contact, moment("14:31"), **FORMS["none"]).state == "closed"


@pytest.mark.clause("R13", "GUARD")
def test_r13_guard_a_need_wants_a_next_contact(door: Door) -> None:
    _, contact = received(door)
    form = {key: value for key, value in FORMS["need"].items() if key != "next"}
    with pytest.raises(Refused, match="R13"):
        door.step("write-up", contact, moment("14:30"), **form, by_rhythm=True)
    door.step("write-up", contact, moment("14:31"), **FORMS["need"])
    later = door.send("get", f"contacts?customer={contact.customer['id']}&state=planned", None, moment("15:00"))
    assert [each["kind"] for each in later["items"]] == ["call"], "the next contact is drafted"


@pytest.mark.clause("R13", "OWE")
def test_r13_owe(door: Door) -> None:
    customer, contact = received(door)
    (owed,) = door.owed(customer, clause="R13")
    assert (owed.kind, owed.state, shown(owed.opens), shown(owed.due)) == (
        "write_up", "open", "2026-03-02 14:27", "2026-03-03 00:00",
    )  # fmt: skip
    door.step("write-up", contact, moment("14:31"), **FORMS["none"])
    assert [each.state for each in door.owed(customer, clause="R13")] == ["done"]


@pytest.mark.clause("R14", "RECORD")
def test_r14_record(door: Door) -> None:
    """What was learned stands in the customer's table with its source and day."""
    customer, contact = received(door)
    door.step("write-up", contact, moment("14:31"), **FORMS["none"], learned={"occupation": "教师"})
    customer.refresh_from_db()
    kept = customer.profile["occupation"]
    assert (kept["v"], kept["src"], kept["on"]) == ("教师", "contact", date(2026, 3, 2).isoformat())


def test_a_birthday_is_once_a_year(door: Door) -> None:
    """Born in a leap sixth month: 2025 has one; the ordinary month of that year is left alone."""
    customer = door.customer("gold", birth_calendar="lunar", birth_month=6, birth_day=10, birth_leap=True)
    days = [date(2025, 6, 20) + timedelta(days=n) for n in range(60)]
    for day in days:
        door.sweep(moment(f"{day} 06:00"))
    greeted = door.owed(customer, clause="R5")
    assert [shown(each.opens) for each in greeted] == ["2025-08-03 00:00"]


def test_early_known_by_one_tap_is_no_first_meeting(door: Door) -> None:
    """早已认识: day one left it open; attested, the thanks no longer introduce."""
    customer = door.customer()
    door.send("post", f"customers/{customer.pk}/acquaintance", {"met": True}, moment("09:00"))
    door.record(customer, "reception", moment("14:00"), moment("14:27"))
    (thanks,) = door.owed(customer, clause="R12")
    assert thanks.detail["text"] == "later"
    called = door.record(customer, "call", moment("15:00"), moment("15:02"), purpose="introduction")
    assert called.first is True, "calls are a history of their own"


@pytest.mark.parametrize("page", [False, True])
def test_known_before_said_after_the_first_meeting_corrects_what_is_still_owed(door: Door, page: bool) -> None:
    """R12: open thanks that were to introduce are owed as later ones; the fact that said first stays, marked void."""
    customer = door.customer()
    door.record(customer, "reception", moment("14:00"), moment("14:27"))
    (thanks,) = door.owed(customer, clause="R12")
    assert thanks.detail["text"] == "first"
    if page:
        browser = door.cast.client("rm", moment("14:30"))
        with clock.at(moment("14:30")):
            assert 'value="met"' in browser.get(f"/customers/{customer.pk}/").content.decode()
            assert browser.post(f"/customers/{customer.pk}/known/", {"what": "met"}).status_code == 303
            assert 'value="met"' not in browser.get(f"/customers/{customer.pk}/").content.decode()
    else:
        door.send("post", f"customers/{customer.pk}/acquaintance", {"met": True}, moment("14:30"))
    owed = {each.state: each.detail["text"] for each in door.owed(customer, clause="R12")}
    assert owed.get("open", owed.get("cannot")) == "later"
    with door.worker():
        facts = Kept.objects.filter(customer_id=customer.pk, kind="reception_ended").order_by("id")
        assert [(fact.void, fact.data["first"]) for fact in facts] == [(True, True), (False, False)]
        assert facts[1].corrects_id == facts[0].pk


def test_what_was_found_out_in_the_talk_is_not_asked_again(door: Door) -> None:
    customer = door.customer("gold", met=True, known="")
    form = {**FORMS["none"], "learned": {"mobile": "13800138000"}}
    door.record(customer, "reception", moment("14:00"), moment("14:27"), form=form)
    assert {each.detail["field"]: each.state for each in door.owed(customer, clause="R4")} == {
        "mobile": "done", "email": "open",
    }  # fmt: skip
    body = {"fields": {"email": "zhen@example.com"}}
    door.send("patch", f"customers/{customer.pk}", body, moment("15:00"), if_match="*")
    assert {each.state for each in door.owed(customer, clause="R4")} == {"done"}


def test_thanks_that_could_not_be_sent_can_once_the_mobile_is_known(door: Door) -> None:
    """Cannot be done says what stands in the way; found out within the day, the thanks are owed again."""
    customer = door.customer(met=True, known="email")
    door.record(customer, "reception", moment("14:00"), moment("14:27"))
    (thanks,) = door.owed(customer, clause="R12")
    assert (thanks.state, thanks.evidence) == ("cannot", {"why": "no_mobile"})
    (gap,) = door.owed(customer, clause="R4")
    door.done(gap, moment("15:00"), value="13800138000")
    (thanks,) = door.owed(customer, clause="R12")
    assert thanks.state == "open"
    assert door.done(thanks, moment("15:05"), channel="sms").state == "done"


def test_r12_thanks_cannot_be_sent_again_when_the_mobile_was_a_mistake(door: Door) -> None:
    customer = door.customer("platinum", met=True, known="email")
    door.record(customer, "reception", moment("10:00"), moment("10:30"))

    def thanks() -> tuple[str, object]:
        (owed,) = door.owed(customer, clause="R12")
        return owed.state, owed.evidence.get("why")

    (find_out,) = door.owed(customer, clause="R4")
    assert thanks() == ("cannot", "no_mobile")
    door.done(find_out, moment("11:00"), value="13800138000")
    assert thanks() == ("open", None)
    door.post(f"obligations/{find_out.pk}/undo", {}, moment("11:03"))
    assert thanks() == ("cannot", "no_mobile")
