"""Amended times are the times of all that follows from them: arrival, answers, promises, a call-back and what the leader is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from zhike import clock

from .door import Door, Refused
from .moments import moment, shown
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def begun_late(door: Door, **checked_in: Any) -> tuple[Any, Any]:
    """A visit agreed for ten that is said to have begun at 10:20, closed; with or without a check-in before."""
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("10:00"), now=moment("2026-03-01 09:00"))
    if checked_in:
        door.step("arrival", visit, moment("10:15"), **checked_in)
    door.step("start", visit, moment("11:00"), at=moment("10:20"))
    door.step("end", visit, moment("11:00"), at=moment("10:50"))
    return customer, door.step("write-up", visit, moment("11:05"), **FORMS["none"])


def graded(door: Door, customer: Any) -> str:
    (arrival,) = door.owed(customer, clause="V2")
    return str(arrival.evidence["arrival"])


def test_whoever_did_not_check_in_arrived_when_the_corrected_start_says(door: Door) -> None:
    customer, visit = begun_late(door)
    assert graded(door, customer) == "late"
    amended = door.amended(visit, moment("11:10"), started_at=moment("09:50"))
    assert datetime.fromisoformat(amended.arrived_at) == moment("09:50")
    assert graded(door, customer) == "as_prescribed"


def test_a_check_in_stays_and_is_amended_by_itself(door: Door) -> None:
    customer, visit = begun_late(door, at=moment("10:15"))
    visit = door.amended(visit, moment("11:10"), started_at=moment("10:18"))
    assert graded(door, customer) == "late"
    with pytest.raises(Refused, match="V2"):
        door.amended(visit, moment("11:11"), arrived_at=moment("10:19"))
    door.amended(visit, moment("11:12"), arrived_at=moment("09:55"))
    assert graded(door, customer) == "short_wait"


def test_only_a_visit_has_an_arrival_to_amend(door: Door) -> None:
    customer = door.customer(met=True)
    reception = door.record(customer, "reception", moment("10:00"), moment("10:30"), form=FORMS["none"])
    with pytest.raises(Refused, match="422"):
        door.amended(reception, moment("11:00"), arrived_at=moment("09:50"))


def test_what_was_said_at_a_visit_is_dated_by_its_corrected_end(door: Door) -> None:
    """Recorded as of Monday, it was on Sunday: the answer is due by Monday's end, the promise by Tuesday's, two workdays on."""
    customer = door.customer(met=True)
    form = {**FORMS["none"], "demands": ["换卡", "查额度"], "promises": [{"words": "寄报告"}]}
    visit = door.record(customer, "visit", moment("15:00"), moment("16:00"), known=moment("17:00"), form=form)
    answered, waiting = door.owed(customer, clause="V7")
    (promise,) = door.owed(customer, clause="W11")
    assert (shown(waiting.due), shown(promise.due)) == ("2026-03-04 00:00", "2026-03-05 00:00")
    door.done(answered, moment("17:10"), channel="call", words="已换", demand="met")
    sunday = {"started_at": moment("2026-03-01 15:00"), "ended_at": moment("2026-03-01 16:00")}
    door.amended(visit, moment("18:00"), **sunday)
    answered, waiting = sorted(door.owed(customer, clause="V7"), key=lambda each: each.subject)
    (promise,) = door.owed(customer, clause="W11")
    assert (answered.state, shown(answered.due)) == ("done", "2026-03-04 00:00"), "what is done stays"
    assert (waiting.state, shown(waiting.due)) == ("open", "2026-03-03 00:00")
    assert (promise.state, shown(promise.due)) == ("open", "2026-03-04 00:00")


def busy(door: Door) -> tuple[Any, Any]:
    """Busy at ten, promised for eleven, not made: the leader was told."""
    customer = door.customer(met=True, called=True)
    call = door.record(
        customer, "call", moment("10:00"), moment("10:01"), purpose="care", outcome="busy", call_back_at=moment("11:00")
    )
    door.tick(moment("11:31"))
    return customer, call


def told(door: Door, customer: Any) -> list[str]:
    return [each.state for each in door.owed(customer, who="leader") if each.kind == "look_into"]


def test_a_leader_looks_into_no_minute_that_was_never_promised(door: Door) -> None:
    customer, call = busy(door)
    assert told(door, customer) == ["open"]
    door.amended(call, moment("11:40"), call_back_at=moment("16:00"))
    assert told(door, customer) == []
    door.tick(moment("16:31"))
    assert told(door, customer) == ["open"], "that of the corrected minute"


def test_a_call_from_before_the_promise_leaves_it_and_the_leader_waiting(door: Door) -> None:
    customer, _call = busy(door)
    nine = moment("09:00")
    door.record(customer, "call", nine, moment("09:02"), known=moment("11:40"), purpose="care", form=FORMS["none"])
    assert told(door, customer) == ["open"]
    door.record(customer, "call", moment("11:45"), moment("11:47"), purpose="call_back", form=FORMS["none"])
    assert told(door, customer) == ["done"]


def test_the_page_amends_the_times_as_the_api_does(door: Door) -> None:
    """It shows what stands; the corrected arrival is graded anew, what cannot be read or does not fit is said at its field."""
    customer, visit = begun_late(door, at=moment("10:15"))
    browser, address = door.cast.client("rm", moment("11:10")), f"/contacts/{visit.pk}/record/"
    stood = {"arrived_at": "2026-03-02T10:15", "started_at": "2026-03-02T10:20", "ended_at": "2026-03-02T10:50"}
    with clock.at(moment("11:10")):
        page = browser.get(address).content.decode()
        assert all(f'name="{name}" type="datetime-local" value="{value}"' in page for name, value in stood.items())
        for wrong, field in (({"arrived_at": "soon"}, "arrived_at"), ({"ended_at": "2026-03-02T10:19"}, "ended_at")):
            refused = browser.post(address, {**stood, **wrong, "reason": "记错了"})
            assert (refused.status_code, f'id="f-{field}-error"' in refused.content.decode()) == (422, True)
        assert browser.post(address, {**stood, "arrived_at": "2026-03-02T09:55", "reason": "记错了"}).status_code == 303
    assert graded(door, customer) == "short_wait"
    amended = door.page(f"contacts/{visit.pk}/record/", moment("11:11"))
    assert "到门口了：2026-03-02 10:15 → 2026-03-02 09:55" in amended
    assert "开始：2026" not in amended
