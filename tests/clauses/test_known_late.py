"""What was done in its time counts, although it becomes known when its time is over; and what was recorded wrongly is reckoned anew."""

from __future__ import annotations

from typing import Any

import pytest

from zhike.obligations.sweep import greet
from zhike.people.bank import settings

from .door import Door, Refused
from .moments import MONDAY, moment, shown
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db

TEN = moment("10:00")
BORN = {"birth_calendar": "solar", "birth_month": 3, "birth_day": 2}


def agreed_for_ten(door: Door) -> tuple[Any, Any]:
    """A visit on Monday at ten, agreed the day before."""
    customer = door.customer(met=True)
    return customer, door.appointment(customer, TEN, now=moment("2026-03-01 09:00"))


def test_an_arrival_told_the_next_morning_was_one(door: Door) -> None:
    """Missed at midnight; entered on Tuesday that one was at the door at 9:45 on Monday, and so it is measured."""
    customer, visit = agreed_for_ten(door)
    tuesday = moment("2026-03-03 09:00")
    door.sweep(moment("2026-03-03 00:10"))
    assert [each.state for each in door.owed(customer, clause="V2")] == ["missed"]
    door.step("arrival", visit, tuesday, at=moment("09:45"))
    (arrival,) = door.owed(customer, clause="V2")
    assert (arrival.state, arrival.evidence["arrival"], arrival.evidence["grade"]) == (
        "done",
        "as_prescribed",
        "entered",
    )


def test_an_arrival_of_the_next_day_is_none(door: Door) -> None:
    customer, visit = agreed_for_ten(door)
    door.sweep(moment("2026-03-03 00:10"))
    door.step("arrival", visit, moment("2026-03-03 00:20"))
    assert [each.state for each in door.owed(customer, clause="V2")] == ["missed"]


@pytest.mark.parametrize(("called", "state"), [("23:58", "done"), ("24:00", "missed")])
def test_a_birthday_call_told_the_next_morning_was_one(door: Door, called: str, state: str) -> None:
    customer = door.customer(met=True, called=True, **BORN)
    door.sweep(moment("06:00"))
    door.sweep(moment("2026-03-03 00:10"))
    assert [each.state for each in door.owed(customer, clause="R5")] == ["missed"]
    at, known = moment(called), moment("2026-03-03 09:00")
    door.record(customer, "call", at, at, known=known, purpose="birthday", form=FORMS["none"])
    assert [each.state for each in door.owed(customer, clause="R5")] == [state]


def test_a_birthday_message_of_the_day_is_recorded_the_next_morning(door: Door) -> None:
    """From the greeting itself, which has lapsed: with the time of yesterday, and not with today's."""
    customer = door.customer("gold", met=True, called=True, **BORN)
    door.setting("greeting_needs_consent", False)
    door.sweep(moment("06:00"))
    door.sweep(moment("2026-03-03 00:10"))
    (greeting,) = door.owed(customer, clause="R5")
    morning, how = moment("2026-03-03 09:00"), {"channel": "sms", "through": "bank_sms"}
    with pytest.raises(Refused, match="这一天已经过去"):
        door.done(greeting, morning, **how)
    assert 'name="day"' in door.page(f"obligations/{greeting.pk}/", morning, raw=True)
    done = door.post(f"obligations/{greeting.pk}/completion", {**how, "at": moment("20:00")}, morning)
    assert (done.state, done.evidence["grade"], shown(done.settled_at)) == ("done", "entered", "2026-03-02 20:00")


def test_an_appointment_that_never_was_is_not_missed(door: Door) -> None:
    customer, visit = agreed_for_ten(door)
    door.sweep(moment("2026-03-03 00:10"))
    door.struck(visit, moment("2026-03-03 09:00"), reason="记错了客户")
    assert door.owed(customer, clause="V2") == []


def learned_birthday(door: Door, customer: Any, birthday: str, at: str) -> list[str]:
    """It is learned, and the tick of the next minute looks at it; what then is owed as a greeting."""
    door.send("patch", f"customers/{customer.pk}", {"fields": {"birthday": birthday}}, moment(at), if_match="*")
    with door.worker():
        greet(MONDAY, now=moment(at), bank=settings().at(MONDAY))
    return [each.state for each in door.owed(customer, clause="R5")]


def test_a_birthday_that_was_wrong_is_not_greeted(door: Door) -> None:
    customer = door.customer(met=True, called=True, known="", **BORN)
    door.sweep(moment("06:00"))
    assert learned_birthday(door, customer, "1970-05-05", "09:00") == []
    assert learned_birthday(door, customer, "1970-03-02", "09:30") == ["open"]
    assert learned_birthday(door, customer, "农历五月初五", "09:40") == []
