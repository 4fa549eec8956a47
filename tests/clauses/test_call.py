"""电话 · C: what each clause does in each of its modes."""

from __future__ import annotations

from typing import Any

import pytest

from .door import Door, Refused
from .moments import moment, shown
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def called(door: Door, outcome: str = "reached", *, first: bool = False, **more: Any) -> tuple[Any, Any]:
    customer = door.customer("gold", met=True, called=not first)
    more.setdefault("purpose", "introduction" if first else "care")
    return customer, door.record(customer, "call", moment("10:00"), moment("10:06"), outcome=outcome, **more)


def sheet(door: Door, purpose: str, *, first: bool = False) -> str:
    customer = door.customer("gold", met=True, called=not first)
    plan = door.planned(customer, now=moment("09:00"), kind="call", purpose=purpose)
    return door.page(f"contacts/{plan.pk}/prepare/", moment("09:30"))


@pytest.mark.clause("C1", "BRIEF")
def test_c1_brief(door: Door) -> None:
    card = sheet(door, "need")
    for said in ("目的与要点备好", "基本情况、资产、称谓已看", "真老师"):
        assert said in card


@pytest.mark.clause("C1", "GUARD")
def test_c1_guard(door: Door) -> None:
    plan = door.planned(door.customer(called=True), now=moment("09:00"), kind="call")
    with pytest.raises(Refused, match="C1"):
        door.step("start", plan, moment("10:00"))
    plan = door.planned(door.customer(called=True), now=moment("09:00"), kind="call", purpose="care")
    assert door.step("start", plan, moment("10:00")).state == "under_way"


@pytest.mark.clause("C2", "BRIEF")
def test_c2_brief(door: Door) -> None:
    card = sheet(door, "care")
    assert "真老师，您好，我是" in card, "addressed first, then introduced"
    assert "林晓" in card
    assert card != sheet(door, "birthday"), "a script for each purpose"


@pytest.mark.clause("C3", "OWE")
def test_c3_owe(door: Door) -> None:
    with pytest.raises(Refused, match="C3"):
        called(door, "absent")
    customer, _ = called(door, "absent", call_back_at=moment("15:00"))
    (promised,) = door.owed(customer)
    assert (promised.kind, shown(promised.target)) == ("call_back", "2026-03-02 15:00")
    customer, _ = called(door, "absent", no_time_agreed=True)
    (again,) = door.owed(customer)
    assert (again.clause, again.kind, again.target) == ("C3", "call_again", None)
    customer, _ = called(door, "no_answer")
    (again,) = door.owed(customer)
    assert (again.clause, again.kind, again.target) == ("C3", "call_again", None), "no agreed time, no punctuality"


@pytest.mark.clause("C4", "OWE")
def test_c4_owe(door: Door) -> None:
    with pytest.raises(Refused, match="C4"):
        called(door, "busy")
    customer, _ = called(door, "busy", no_time_agreed=True)
    (again,) = door.owed(customer)
    assert (again.clause, again.kind, again.target) == ("C4", "call_again", None)
    customer, _ = called(door, "busy", call_back_at=moment("15:00"))
    (promised,) = door.owed(customer)
    assert (promised.kind, shown(promised.opens), shown(promised.due)) == (
        "call_back", "2026-03-02 14:55", "2026-03-02 15:05",
    )  # fmt: skip


@pytest.mark.clause("C5", "OWE")
def test_c5_owe(door: Door) -> None:
    customer, _ = called(door, "busy", call_back_at=moment("15:00"))
    (promised,) = door.owed(customer, clause="C5")
    assert promised.force == "must"
    with pytest.raises(Refused, match="C5"):
        door.waived(promised, moment("15:30"), "忘了")
    with pytest.raises(Refused, match="C5"):
        door.done(promised, moment("15:00"), channel="call")
    fulfils = {"purpose": "call_back", "fulfils": promised.pk}
    door.record(customer, "call", moment("15:02"), moment("15:04"), form=FORMS["none"], **fulfils)
    (promised,) = door.owed(customer, clause="C5")
    assert (promised.state, promised.evidence["minutes"], promised.evidence["kept"]) == ("done", 2, "kept")


@pytest.mark.clause("C5", "OWE")
def test_c5_owe_is_not_kept_by_a_call_about_something_else_before_its_time(door: Door) -> None:
    customer, _ = called(door, "busy", call_back_at=moment("15:00"))
    door.record(customer, "call", moment("11:00"), moment("11:02"), outcome="no_answer", purpose="care")
    (promised,) = door.owed(customer, clause="C5")
    assert promised.state == "open"


@pytest.mark.clause("C6", "OWE")
def test_c6_owe(door: Door) -> None:
    """Plan and needs; result and fields learned are offered, not asked."""
    customer, call = called(door)
    (owed,) = door.owed(customer, clause="C6")
    assert (owed.kind, owed.force, shown(owed.due)) == ("write_up", "must", "2026-03-03 00:00")
    with pytest.raises(Refused, match="C6"):
        door.step("write-up", call, moment("10:10"), result="inclined")
    assert door.step("write-up", call, moment("10:10"), no_need=True, by_rhythm=True).state == "closed"


@pytest.mark.clause("C7", "BRIEF")
def test_c7_brief(door: Door) -> None:
    assert "产品不细讲" in sheet(door, "need")
    plan = door.planned(door.customer("gold", called=True), now=moment("09:00"), kind="call", purpose="care")
    door.step("start", plan, moment("10:00"))
    assert "data-running" in door.page(f"contacts/{plan.pk}/talk/", moment("10:03"), raw=True), "running time on screen"


@pytest.mark.clause("C7", "RECORD")
def test_c7_record(door: Door) -> None:
    """Warned, never blocked, however long; an accepted invitation becomes a planned reception invited by the RM."""
    customer, call = called(door)
    form = {**FORMS["none"], "by_rhythm": False, "invitation": "accepted"}
    told = door.step(
        "write-up", call, moment("10:10"), **form,
        next={"kind": "reception", "at": moment("2026-03-05 10:00"), "purpose": "invitation"},
    )  # fmt: skip
    assert told.invitation == "accepted"
    planned = door.send("get", f"contacts?customer={customer.pk}&kind=reception", None, moment("11:00"))
    assert [(each["state"], each["invited_by_rm"]) for each in planned["items"]] in (
        [("planned", True)],
        [("agreed", True)],
    )


@pytest.mark.clause("C8", "RECORD")
def test_c8_record(door: Door) -> None:
    customer, call = called(door, "not_interested")
    with pytest.raises(Refused, match="C8"):
        door.step("write-up", call, moment("10:10"), by_rhythm=True)
    door.step("write-up", call, moment("10:10"), no_need=True, by_rhythm=True)
    assert {each.kind for each in door.owed(customer)} == {"write_up"}, "no thanks, no call-back"
    customer.refresh_from_db()
    assert not customer.do_not_disturb, "no opt-out"


@pytest.mark.clause("C9", "GUARD")
def test_c9_guard(door: Door) -> None:
    customer = door.customer("diamond", met=True)
    for purpose in ("need", "maturity", "care", "invitation"):
        plan = door.planned(customer, now=moment("09:00"), kind="call", purpose=purpose)
        with pytest.raises(Refused, match="C9"):
            door.step("start", plan, moment("10:00"))
    plan = door.planned(customer, now=moment("09:00"), kind="call", purpose="introduction")
    assert door.step("start", plan, moment("10:00")).state == "under_way"


def test_what_a_call_went_past_follows_its_correction(door: Door) -> None:
    """A finding goes with the time that it was found on, and with a call that never was."""
    customer = door.customer("gold", met=True, called=True)
    later = moment("2026-03-03 09:00")
    call = door.record(
        customer, "call", moment("20:10"), moment("20:14"), purpose="need", known=later, form=FORMS["none"],
        explanation="客户要求晚上打",
    )  # fmt: skip
    (finding,) = call.findings
    assert (finding["clause"], finding["kind"], finding["reason"]) == ("S5", "breach", "客户要求晚上打")
    assert "20:10" in finding["what"]["zh"]
    amended = door.amended(call, later, started_at=moment("19:50"), ended_at=moment("19:54"))
    assert amended.findings == []
    again = door.amended(call, later, started_at=moment("20:30"), ended_at=moment("20:34"))
    assert "20:30" in again.findings[0]["what"]["zh"]
    assert door.struck(call, later).findings == []


@pytest.mark.clause("C9", "BRIEF")
def test_c9_brief(door: Door) -> None:
    card = sheet(door, "introduction", first=True)
    assert "我是您的专属客户经理" in card
    assert "不谈" in card


@pytest.mark.clause("C10", "OWE")
def test_c10_owe(door: Door) -> None:
    customer, _ = called(door, first=True)
    (thanks,) = door.owed(customer, clause="C10")
    assert (thanks.kind, thanks.channels, shown(thanks.opens), shown(thanks.due)) == (
        "thanks", ["sms"], "2026-03-02 10:06", "2026-03-03 00:00",
    )  # fmt: skip
    assert door.done(thanks, moment("10:08"), channel="sms", introduces=True).state == "done"
    customer, _ = called(door)
    assert door.owed(customer, clause="C10") == []


@pytest.mark.clause("C5", "OWE")
def test_c5_a_missed_one_goes_to_the_leader(door: Door) -> None:
    """30 minutes after, if it is still open and the RM is not with another customer; once; made, it is looked into no more."""
    customer, _ = called(door, "busy", call_back_at=moment("15:00"))
    other = door.planned(door.customer(met=True), now=moment("14:30"), kind="reception")
    door.step("start", other, moment("14:40"))
    door.tick(moment("15:29"))
    door.tick(moment("15:31"))
    assert door.owed(customer, kind="look_into", who="leader") == [], "the RM is with another customer"
    door.step("end", other, moment("15:40"))
    door.tick(moment("15:41"))
    door.tick(moment("15:42"))
    (told,) = door.owed(customer, kind="look_into", who="leader")
    assert (told.clause, told.origin, told.state, told.owner["name"]) == ("C5", "bank", "open", "吴敏")
    today = door.send("get", "obligations?due=today", None, moment("15:43"), "leader")
    assert "过问：林晓约定的回电" in [row["what"]["zh"] for row in today["rows"]]
    with pytest.raises(Refused, match="C5"):
        door.done(told, moment("15:45"), who="leader", words="")
    (promised,) = door.owed(customer, kind="call_back")
    fulfils = {"purpose": "call_back", "fulfils": promised.pk}
    door.record(customer, "call", moment("15:50"), moment("15:52"), form=FORMS["none"], **fulfils)
    assert [each.state for each in door.owed(customer, kind="look_into", who="leader")] == ["done"]


@pytest.mark.clause("C5", "OWE")
def test_c5_the_leader_looks_into_it(door: Door) -> None:
    customer, _ = called(door, "busy", call_back_at=moment("15:00"))
    door.tick(moment("15:29"))
    assert door.owed(customer, kind="look_into", who="leader") == []
    door.tick(moment("15:30"))
    (told,) = door.owed(customer, kind="look_into", who="leader")
    page = door.page(f"obligations/{told.pk}/", moment("15:31"), "leader")
    assert "过问情况" in page
    assert door.done(told, moment("15:33"), who="leader", words="林晓在外开会，马上回电").state == "done"
    assert [each.state for each in door.owed(customer, kind="call_back")] == ["open"], "the call is still to be made"


@pytest.mark.clause("C5", "OWE")
def test_c5_nobody_is_told_of_one_that_was_made(door: Door) -> None:
    customer, _ = called(door, "busy", call_back_at=moment("15:00"))
    (promised,) = door.owed(customer, kind="call_back")
    door.record(customer, "call", moment("15:02"), moment("15:03"), purpose="call_back", fulfils=promised.pk)
    door.tick(moment("15:40"))
    assert door.owed(customer, kind="look_into", who="leader") == []
