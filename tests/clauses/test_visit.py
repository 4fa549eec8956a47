"""拜访 · V: what each clause does in each of its modes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from zhike import clock

from .door import Door, Refused
from .moments import moment, shown
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def visited(door: Door, tier: str = "platinum", **more: Any) -> tuple[Any, Any]:
    customer = door.customer(tier, met=True)
    return customer, door.record(customer, "visit", moment("15:00"), moment("16:00"), **more)


@pytest.mark.clause("V1", "GUARD")
def test_v1_guard(door: Door) -> None:
    customer = door.customer(met=True)
    with pytest.raises(Refused, match="V1") as refused:
        door.record(customer, "visit", moment("15:00"), moment("16:00"), customer_asked=False)
    assert refused.value.problem["verdicts"][0]["needs"] == "surprise_reason"
    door.record(customer, "visit", moment("15:00"), moment("16:00"), surprise_reason="客户住院，顺路探望")
    (finding,) = door.findings(customer)
    assert (finding.clause, finding.kind, finding.reason) == ("V1", "exception", "客户住院，顺路探望")
    agreed = {"at": moment("15:00"), "place": "客户公司"}
    door.record(customer, "visit", moment("15:00"), moment("16:00"), appointment=agreed)
    assert len(door.findings(customer)) == 1


@pytest.mark.clause("V2", "OWE")
def test_v2_owe(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    (arrival,) = door.owed(customer, clause="V2")
    assert (arrival.kind, shown(arrival.target), arrival.lapses) == ("arrival", "2026-03-02 14:45", True)
    door.step("arrival", visit, moment("14:46"))
    (arrival,) = door.owed(customer, clause="V2")
    assert (arrival.state, arrival.evidence["arrival"]) == ("done", "as_prescribed")


@pytest.mark.clause("V3", "GUARD")
def test_v3_guard(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    for verb, more in (("cancellation", {}), ("move", {"to": moment("2026-03-03 15:00")})):
        with pytest.raises(Refused, match="V3"):
            door.step(verb, visit, moment("11:00"), why="临时有事", **more)
    assert door.step("cancellation", visit, moment("11:00"), whose="customer", why="客户出差").state == "cancelled"


@pytest.mark.clause("V3", "OWE")
def test_v3_owe(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    door.step("cancellation", visit, moment("11:00"), whose="rm", why="临时开会")
    (apology,) = door.owed(customer, clause="V3")
    assert (apology.kind, apology.state) == ("apology", "open")
    with pytest.raises(Refused, match="V3"):
        door.done(apology, moment("11:05"), channel="call", apologised=False)
    with pytest.raises(Refused, match="V3"):
        door.done(apology, moment("11:05"), channel="", apologised=True)
    assert door.done(apology, moment("11:05"), channel="call", apologised=True).state == "done"


@pytest.mark.clause("V4", "BRIEF")
def test_v4_brief(door: Door) -> None:
    visit = door.appointment(door.customer(met=True), moment("15:00"), now=moment("09:00"))
    card = door.page(f"contacts/{visit.pk}/prepare/", moment("14:00"))
    assert "不多打扰" in card
    assert "45 分钟" in card


@pytest.mark.clause("V4", "RECORD")
def test_v4_record(door: Door) -> None:
    _, contact = visited(door)
    assert contact.minutes == 60


@pytest.mark.clause("V5", "OWE")
@pytest.mark.parametrize(
    ("tier", "channels"),
    [
        ("regular", {"sms"}),
        ("gold", {"sms"}),
        ("platinum", {"sms"}),
        ("diamond", {"sms", "call"}),
        ("private", {"sms", "call"}),
    ],
)
def test_v5_owe(door: Door, tier: str, channels: set[str]) -> None:
    customer, _ = visited(door, tier)
    (thanks,) = door.owed(customer, clause="V5")
    assert (set(thanks.channels), thanks.force, shown(thanks.due)) == (channels, "must", "2026-03-02 22:00")
    with pytest.raises(Refused, match="V5"):
        door.waived(thanks, moment("17:00"), "忙")
    assert door.done(thanks, moment("17:10"), channel="sms").state == "done", "before the evening is accepted"


@pytest.mark.clause("V5", "OWE")
def test_v5_owe_after_a_first_meeting(door: Door) -> None:
    """A call alone does not do, whatever the tier."""
    customer = door.customer("private")
    door.record(customer, "visit", moment("15:00"), moment("16:00"))
    (thanks,) = door.owed(customer, clause="V5")
    assert (thanks.channels, thanks.detail["text"]) == (["sms"], "first")
    call = door.record(customer, "call", moment("19:00"), moment("19:02"), purpose="introduction", form=FORMS["none"])
    assert call.state == "closed"
    (thanks,) = door.owed(customer, clause="V5")
    assert thanks.state == "open"


@pytest.mark.clause("V6", "GUARD")
def test_v6_guard(door: Door) -> None:
    _, contact = visited(door)
    with pytest.raises(Refused, match="V6"):
        door.step("write-up", contact, moment("16:10"), result="inclined")


@pytest.mark.clause("V6", "OWE")
def test_v6_owe(door: Door) -> None:
    customer, contact = visited(door)
    (owed,) = door.owed(customer, clause="V6")
    assert (owed.kind, owed.state, shown(owed.due)) == ("write_up", "open", "2026-03-03 00:00")
    door.step("write-up", contact, moment("16:10"), **FORMS["none"])
    assert [each.state for each in door.owed(customer, clause="V6")] == ["done"]


@pytest.mark.clause("V6", "RECORD")
def test_v6_record(door: Door) -> None:
    customer, contact = visited(door)
    door.step("write-up", contact, moment("16:10"), **FORMS["none"], learned={"hobbies": "钓鱼"})
    customer.refresh_from_db()
    assert customer.profile["hobbies"]["contact"] == int(contact.pk)


@pytest.mark.clause("V7", "OWE")
def test_v7_owe(door: Door) -> None:
    """One a demand; "still in process" closes the answer, not the demand."""
    customer, contact = visited(door, form={**FORMS["demand"], "demands": ["换卡", "查额度"]})
    one, other = door.owed(customer, clause="V7")
    assert (one.kind, one.detail["words"], shown(one.due)) == ("answer", "换卡", "2026-03-04 00:00")
    with pytest.raises(Refused, match="V7"):
        door.done(one, moment("2026-03-03 10:00"), channel="call", words="")
    assert door.done(one, moment("2026-03-03 10:00"), channel="call", words="还在办", demand="open").state == "done"
    door.done(other, moment("2026-03-03 10:05"), channel="call", words="额度五十万", demand="met")
    told = door.send("get", f"contacts/{contact.pk}", None, moment("2026-03-03 11:00"))
    assert [each["state"] for each in told["demands"]] == ["open", "met"]


@pytest.mark.clause("V7", "OWE")
def test_v7_a_demand_in_process_stands_until_it_is_settled(door: Door) -> None:
    """Answered as still in process it stays on the customer's page and the card of the next contact; settled there or by the API."""
    customer, contact = visited(door, form={**FORMS["demand"], "demands": ["换卡", "查额度"]})
    path = f"customers/{customer.pk}/"
    one = f"demands/{contact.demands[0]['id']}/closure"
    told = {"state": "met", "words": "已换新卡"}
    with pytest.raises(Refused, match="V7"):
        door.post(one, told, moment("16:30"))
    assert "办理中" not in door.page(path, moment("16:30")), "the answers are still owed, and said as such"
    for answer in door.owed(customer, clause="V7"):
        door.done(answer, moment("17:00"), channel="call", words="还在办")
    planned = door.planned(customer, now=moment("17:05"), planned_for=moment("2026-03-09 10:00"))
    for page in (path, f"contacts/{planned.pk}/prepare/"):
        assert "3月2日提出，办理中" in door.page(page, moment("2026-03-04 09:00"))
    wednesday = moment("2026-03-04 10:00")
    with pytest.raises(Refused, match="words"):
        door.post(one, {"state": "met", "words": ""}, wednesday)
    assert door.post(one, told, wednesday).state == "met"
    with pytest.raises(Refused, match="V7"):
        door.post(one, told, wednesday)
    with clock.at(wednesday):
        said = {"state": "refused", "words": "额度不够"}
        door.cast.client("rm", wednesday).post(f"/{path}demands/{contact.demands[1]['id']}/", said)
    demands = door.send("get", f"contacts/{contact.pk}", None, wednesday)["demands"]
    assert [each["state"] for each in demands] == ["met", "refused"]
    assert "办理中" not in door.page(path, wednesday)


@pytest.mark.parametrize("kind", ["answer", "promise"])
def test_what_was_not_asked_yet_was_not_answered(door: Door, kind: str) -> None:
    form = {**FORMS["none"], "demands": ["换卡"], "promises": [{"words": "寄报告"}]}
    customer, _ = visited(door, form=form, known=moment("16:05"))
    (owed,) = [each for each in door.owed(customer) if each.kind == kind]
    how = {"channel": "call", "words": "办好了"}
    with pytest.raises(Refused, match="早于应办开始"):
        door.post(f"obligations/{owed.pk}/completion", {**how, "at": moment("14:00")}, moment("2026-03-05 10:00"))
    assert (
        door.post(f"obligations/{owed.pk}/completion", {**how, "at": moment("16:00")}, moment("16:30")).state == "done"
    )


def test_v2_today_says_when_to_leave(door: Door) -> None:
    """A visit at 15:00: an hour before by default, as long before as the bank has set; with nothing set it is not said."""
    customer = door.customer(met=True)
    door.appointment(customer, moment("15:00"), now=moment("09:00"))
    assert "14:00 出发" in door.page("", moment("10:00"))
    door.setting("leave_reminder", 40, date(2026, 3, 1))
    assert "14:20 出发" in door.page("", moment("10:00"))
    door.setting("leave_reminder", 0, date(2026, 3, 2))
    assert "出发" not in door.page("", moment("10:00"))


def test_v2_the_place_agreed_anew_is_where_one_is_to_be(door: Door) -> None:
    """The same hour elsewhere: agreed again, or moved."""
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    door.step("appointment", visit, moment("09:30"), at=moment("15:00"), place="工厂")
    (arrival,) = door.owed(customer, clause="V2")
    assert (arrival.state, arrival.detail["place"]) == ("open", "工厂")
    door.step("move", visit, moment("09:40"), to=moment("15:00"), place="茶馆", whose="customer")
    (arrival,) = door.owed(customer, clause="V2")
    assert (arrival.state, arrival.detail["place"]) == ("open", "茶馆")


def test_v2_a_second_tap_leaves_the_first(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    door.step("arrival", visit, moment("14:46"))
    visit = door.step("arrival", visit, moment("15:05"))
    assert datetime.fromisoformat(visit.arrived_at) == moment("14:46")


def test_v7_a_demand_that_was_forgotten_is_added_to_the_closed_write_up(door: Door) -> None:
    """By the API with a promise, and from the page: each owed from the visit's end on, however late it is added."""
    customer, visit = visited(door, form={**FORMS["demand"], "demands": ["换卡"]})
    tuesday, path = moment("2026-03-03 09:00"), f"contacts/{visit.pk}"
    body = {"reason": "漏记", "demands": ["查额度"], "promises": [{"words": "寄报告"}]}
    door.post(f"{path}/amendments", body, tuesday, if_match="*")
    with clock.at(tuesday):
        page = door.cast.client("rm", tuesday)
        form = {
            "result": visit.result,
            "result_words": visit.result_words,
            "demand": "开证明",
            "promise": "",
            "promise_day": "",
        }
        page.post(f"/{path}/record/", {**form, "reason": ""})
        assert len(door.owed(customer, clause="V7")) == 2, "nothing without a reason"
        page.post(f"/{path}/record/", {**form, "reason": "又漏一件"})
    answers = door.owed(customer, clause="V7")
    assert [each.detail["words"] for each in answers] == ["换卡", "查额度", "开证明"]
    assert {shown(each.due) for each in answers} == {"2026-03-04 00:00"}
    (promise,) = door.owed(customer, clause="W11")
    assert shown(promise.due) == "2026-03-05 00:00"
    kept = door.send("get", f"{path}/amendments", None, tuesday)["items"]
    assert [each["after"].get("demands") for each in kept] == ["开证明", "查额度"]
    assert "补记" in door.page(f"{path}/record/", tuesday, raw=True)
    past = {"words": "寄报告", "due": moment("2026-03-01 09:00")}
    with pytest.raises(Refused, match="W11"):
        door.post(f"{path}/amendments", {"reason": "漏记", "promises": [past]}, tuesday, if_match="*")
