"""MEASURE of what is owed: for each clause a handful of contacts, told through the API, and adherence as the leader reads it.

The figures are worked out beside the contacts, by CLAUSES alone. The contacts are of Monday, 2 March 2026, as a rule; the day's end,
24:00, is the next day. A rate divides what was kept in time by what is settled or past its time. Each test asks after its own clause, so
that a clause whose rule is gone owes nothing, and its figures are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest

from zhike.conduct.bank import Bank
from zhike.conduct.setting import plain
from zhike.customers.models import Customer
from zhike.people.bank import settings
from zhike.sms import greetings

from .door import Door
from .moments import moment
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db
WEDNESDAY = moment("2026-03-04 09:00")
FRIDAY = moment("2026-03-06 09:00")
FIGURES = ("owed", "in_time", "late", "early", "open", "overdue", "missed", "waived", "cannot")


def measured(door: Door, clause: str, now: datetime = WEDNESDAY, origin: str = "code") -> tuple[Mapping[str, int], Any]:
    """The figures that are not nought, and the rate."""
    told = door.send("get", f"adherence?since=2026-03-01&until=2026-03-07&clause={clause}", None, now, "leader")
    (one,) = [each for each in told["items"] if (each["clause"], each["origin"]) == (clause, origin)]
    return {name: one[name] for name in FIGURES if one[name]}, one["rate"] and round(one["rate"], 3)


def reception(door: Door, customer: Any, day: str = "2026-03-02", **more: Any) -> Any:
    return door.record(customer, "reception", moment(f"{day} 14:00"), moment(f"{day} 14:27"), **more)


def visit(door: Door, customer: Any, day: str = "2026-03-02", **more: Any) -> Any:
    return door.record(customer, "visit", moment(f"{day} 15:00"), moment(f"{day} 16:00"), **more)


def call(door: Door, customer: Any, at: str = "2026-03-02 10:00", outcome: str = "reached", **more: Any) -> Any:
    start = moment(at)
    more.setdefault("purpose", "care")
    return door.record(customer, "call", start, start.replace(minute=start.minute + 6), outcome=outcome, **more)


def do(door: Door, customer: Any, clause: str, at: str, **how: Any) -> None:
    """The one obligation of the clause towards this customer is done at that time."""
    (owed,) = [each for each in door.owed(customer, clause=clause) if each.state == "open"]
    assert door.done(owed, moment(at), **how).state == "done"


def dies(door: Door, customer: Any, at: str) -> None:
    door.stopped(customer, "deceased", moment(at))


@pytest.mark.clause("R12", "MEASURE")
def test_r12_measure(door: Door) -> None:
    """Thanks by SMS till the end of the day, platinum and above: 1 of the 3 that count."""
    in_time, late, never, unreachable, let_go, mistaken = (
        door.customer(met=True, known="email" if n == 3 else "mobile email") for n in range(6)
    )
    contacts = [reception(door, each) for each in (in_time, late, never, unreachable, let_go, mistaken)]
    reception(door, door.customer("gold", met=True))  # below platinum nothing is owed
    do(door, in_time, "R12", "2026-03-02 15:00", channel="sms")
    do(door, late, "R12", "2026-03-02 24:00", channel="sms")
    (owed,) = door.owed(let_go, clause="R12")
    door.waived(owed, moment("2026-03-02 16:00"), "当面谢过")
    door.struck(contacts[5], moment("2026-03-02 17:00"))
    figures = {"owed": 5, "in_time": 1, "late": 1, "overdue": 1, "waived": 1, "cannot": 1}
    assert measured(door, "R12") == (figures, 0.333)


def written_up(door: Door, clause: str, happen: Any) -> None:
    """A write-up till the end of the day: written at once, at midnight, never; struck; of this very morning and still in time."""
    at_once, midnight, never, mistaken, today = (door.customer(met=True, called=True) for _ in range(5))
    happen(door, at_once, form=FORMS["none"])
    door.step("write-up", happen(door, midnight), moment("2026-03-02 24:00"), **FORMS["none"])
    happen(door, never)
    door.struck(happen(door, mistaken), moment("2026-03-02 18:00"))
    happen(door, today, "2026-03-04 08:00" if happen is call else "2026-03-04")
    now = moment("2026-03-04 17:00")
    assert measured(door, clause, now) == ({"owed": 4, "in_time": 1, "late": 1, "overdue": 1, "open": 1}, 0.333)


@pytest.mark.clause("R13", "MEASURE")
def test_r13_measure(door: Door) -> None:
    written_up(door, "R13", reception)


@pytest.mark.clause("V6", "MEASURE")
def test_v6_measure(door: Door) -> None:
    written_up(door, "V6", visit)


@pytest.mark.clause("C6", "MEASURE")
def test_c6_measure(door: Door) -> None:
    call(door, door.customer(met=True, called=True), outcome="no_answer")  # nothing was said: nothing to write up
    written_up(door, "C6", call)


@pytest.mark.clause("V3", "MEASURE")
def test_v3_measure(door: Door) -> None:
    """Told and apologised on the day on which it was called off for one's own reason; the customer's own owes nothing."""
    in_time, late, never, dead, theirs, moved = (door.customer(met=True) for _ in range(6))
    for customer in (in_time, late, never, dead, theirs, moved):
        agreed = door.appointment(customer, moment("2026-03-05 15:00"), now=moment("2026-03-02 09:00"))
        whose = "customer" if customer is theirs else "rm"
        if customer is moved:
            door.step("move", agreed, moment("2026-03-02 11:00"), whose="rm", why="开会", to=moment("2026-03-06 15:00"))
        else:
            door.step("cancellation", agreed, moment("2026-03-02 11:00"), whose=whose, why="临时有事")
    for customer, at in ((in_time, "2026-03-02 11:05"), (moved, "2026-03-02 23:59"), (late, "2026-03-02 24:00")):
        do(door, customer, "V3", at, channel="call", apologised=True)
    dies(door, dead, "2026-03-02 12:00")
    assert measured(door, "V3") == ({"owed": 5, "in_time": 2, "late": 1, "overdue": 1, "cannot": 1}, 0.5)


@pytest.mark.clause("V5", "MEASURE")
def test_v5_measure(door: Door) -> None:
    """Till 22:00 of the evening, which still counts: two in time, one a minute late; a call alone after a first meeting is none."""
    in_time, late, unreachable, mistaken = (
        door.customer(met=True, called=True, known="email" if n == 2 else "mobile email") for n in range(4)
    )
    by_call, first = door.customer("diamond", met=True, called=True), door.customer("diamond", called=True)
    visits = {each: visit(door, each) for each in (in_time, late, unreachable, mistaken, by_call, first)}
    do(door, in_time, "V5", "2026-03-02 22:00", channel="sms")
    do(door, late, "V5", "2026-03-02 22:01", channel="sms")
    for each in (by_call, first):
        call(door, each, "2026-03-02 20:00", purpose="thanks")
    door.struck(visits[mistaken], moment("2026-03-02 18:00"))
    assert measured(door, "V5") == ({"owed": 5, "in_time": 2, "late": 1, "overdue": 1, "cannot": 1}, 0.5)


@pytest.mark.clause("V7", "MEASURE")
def test_v7_measure(door: Door) -> None:
    """Answered by the end of the next day, "still in process" too; what was asked for yesterday has till tonight."""
    in_time, in_process, late, never, dead, yesterday = (door.customer(met=True) for _ in range(6))
    for customer in (in_time, in_process, late, never, dead):
        visit(door, customer, form=FORMS["demand"])
    visit(door, yesterday, "2026-03-03", form=FORMS["demand"])
    reception(door, door.customer(met=True), form=FORMS["demand"])  # V7 is a clause of visits
    do(door, in_time, "V7", "2026-03-03 23:59", channel="call", words="周三可取", demand="met")
    do(door, in_process, "V7", "2026-03-03 10:00", channel="call", words="还在办", demand="open")
    do(door, late, "V7", "2026-03-03 24:00", channel="call", words="周三可取", demand="met")
    dies(door, dead, "2026-03-03 09:00")
    figures = {"owed": 6, "in_time": 2, "late": 1, "open": 1, "overdue": 1, "cannot": 1}
    assert measured(door, "V7") == (figures, 0.5)


def called_again(door: Door, clause: str, outcome: str) -> None:
    """No time was agreed: again by the end of the day after."""
    in_time, late, never, dead, mistaken = (door.customer(met=True, called=True) for _ in range(5))
    calls = [call(door, each, outcome=outcome, no_time_agreed=True) for each in (in_time, late, never, dead, mistaken)]
    call(door, in_time, "2026-03-03 23:50", form=FORMS["none"])
    call(door, late, "2026-03-03 24:00", form=FORMS["none"])
    dies(door, dead, "2026-03-02 12:00")
    door.amended(calls[4], moment("2026-03-02 12:00"), outcome="reached")  # they had talked after all
    assert measured(door, clause) == ({"owed": 4, "in_time": 1, "late": 1, "overdue": 1, "cannot": 1}, 0.333)


@pytest.mark.clause("C3", "MEASURE")
def test_c3_measure(door: Door) -> None:
    """An absent customer; that nobody answered is the bank's own rule, and never mixed with the code's."""
    again, never = (door.customer(met=True, called=True) for _ in range(2))
    for each in (again, never):
        call(door, each, outcome="no_answer")
    call(door, again, "2026-03-03 10:00", form=FORMS["none"])
    called_again(door, "C3", "absent")
    assert measured(door, "C3", origin="bank") == ({"owed": 2, "in_time": 1, "overdue": 1}, 0.5)


@pytest.mark.clause("C4", "MEASURE")
def test_c4_measure(door: Door) -> None:
    called_again(door, "C4", "busy")


@pytest.mark.clause("C10", "MEASURE")
def test_c10_measure(door: Door) -> None:
    """After a first call an SMS of the same day, whatever the tier."""
    in_time, late, never, unreachable, declined = (
        door.customer("regular", met=True, known="email" if n == 3 else "mobile email") for n in range(5)
    )
    calls = [call(door, each, purpose="introduction") for each in (in_time, late, never, unreachable, declined)]
    call(door, door.customer("regular", met=True, called=True))  # no first call
    do(door, in_time, "C10", "2026-03-02 23:59", channel="sms", introduces=True)
    do(door, late, "C10", "2026-03-02 24:00", channel="sms", introduces=True)
    door.amended(calls[4], moment("2026-03-02 12:00"), outcome="not_interested")  # C8: owed no thanks
    assert measured(door, "C10") == ({"owed": 4, "in_time": 1, "late": 1, "overdue": 1, "cannot": 1}, 0.333)


@pytest.mark.clause("W11", "MEASURE")
def test_w11_measure(door: Door) -> None:
    """Two working days from Monday end with Wednesday; an agreed hour still counts itself."""
    proposed, agreed = {"words": "问清费率"}, {"words": "寄报告", "due": moment("2026-03-03 12:00")}
    in_time, late, never, dead, mistaken, punctual, unpunctual = (door.customer(met=True) for _ in range(7))
    contacts = {
        each: reception(
            door, each, form={**FORMS["none"], "promises": [agreed if each in (punctual, unpunctual) else proposed]}
        )
        for each in (in_time, late, never, dead, mistaken, punctual, unpunctual)
    }
    for customer, at in (
        (in_time, "2026-03-04 23:59"), (late, "2026-03-04 24:00"),
        (punctual, "2026-03-03 12:00"), (unpunctual, "2026-03-03 12:01"),
    ):  # fmt: skip
        do(door, customer, "W11", at, channel="call", words="费率千分之一")
    dies(door, dead, "2026-03-03 09:00")
    door.struck(contacts[mistaken], moment("2026-03-02 17:00"))
    figures = {"owed": 6, "in_time": 2, "late": 2, "overdue": 1, "cannot": 1}
    assert measured(door, "W11", FRIDAY) == (figures, 0.4)


@pytest.mark.clause("R5", "MEASURE")
def test_r5_measure(door: Door) -> None:
    """A birthday on 3 March: called on the day, never, stopped by a complaint; one of today has till tonight. The bank's own rule."""
    born = {"birth_calendar": "solar", "birth_month": 3, "birth_day": 3}
    greeted, never, stopped = (door.customer(met=True, called=True, **born) for _ in range(3))
    door.customer(met=True, called=True, **{**born, "birth_day": 4})
    for day in (3, 4):
        door.sweep(moment(f"2026-03-0{day} 01:00"))
        if day == 3:
            call(door, greeted, "2026-03-03 10:00", purpose="birthday")
            door.stopped(stopped, "complaint", moment("2026-03-03 09:00"))
    assert [each.state for each in door.owed(never, clause="R5")] == ["missed"]
    figures = {"owed": 4, "in_time": 1, "open": 1, "missed": 1, "cannot": 1}
    assert measured(door, "R5", origin="bank") == (figures, 0.5)


@pytest.mark.clause("W5", "MEASURE")
def test_w5_measure(door: Door) -> None:
    """Private banking, last called on 16 February: due by the end of 2 March. A call too short to count keeps nothing."""
    rows: Any = plain(Bank().rhythm)
    door.setting("rhythm", [{**row, "meeting_days": None} for row in rows], date(2025, 12, 1))
    in_time, late, never, short, stopped = (door.customer("private", met=True, called=True) for _ in range(5))
    for customer in (in_time, late, never, short, stopped):
        call(door, customer, "2026-02-16 10:00", form=FORMS["none"])
    with door.owner():  # whoever never was contacted comes due by the number that the customer happens to have
        ours = [customer.pk for customer in (in_time, late, never, short, stopped)]
        Customer.objects.exclude(pk__in=ours).update(do_not_disturb=True)
    door.sweep(moment("2026-02-28 01:00"))
    call(door, in_time, "2026-03-02 10:00", form=FORMS["none"])
    call(door, late, "2026-03-03 10:00", form=FORMS["none"])
    start = moment("2026-03-02 10:00")
    door.record(short, "call", start, start.replace(second=30), purpose="care", form=FORMS["none"])
    door.stopped(stopped, "complaint", moment("2026-03-01 09:00"))
    assert measured(door, "W5", origin="bank") == (
        {"owed": 5, "in_time": 1, "late": 1, "overdue": 2, "cannot": 1},
        0.25,
    )


@pytest.mark.clause("S3", "MEASURE")
def test_s3_measure(door: Door) -> None:
    """Dragon Boat, 19 June 2026, is arranged by the end of 5 June, owed from 22 May: one RM at a minute to midnight, one at midnight.

    To leave every tier out, with the reason, is to have arranged it.
    """
    door.setting("greeting_needs_consent", False)
    for rm in ("rm", "mate"):
        door.customer("gold", rm=rm)
    with door.worker():
        greetings.tell_coming(date(2026, 5, 22), now=moment("2026-05-22 01:00"), bank=settings().at(date(2026, 5, 22)))
    rows: Any = plain(Bank().tiers)
    for who, at in (("rm", "2026-06-05 23:59"), ("mate", "2026-06-06 00:00")):
        body = {"tiers": [row["key"] for row in rows], "reason": "没有同意问候的"}
        door.send("post", "greetings/dragon_boat:2026/exclusions", body, moment(at), who)
    told = door.send(
        "get", "adherence?since=2026-06-01&until=2026-06-10&clause=S3", None, moment("2026-06-08 09:00"), "leader"
    )
    (one,) = told["items"]
    assert ({name: one[name] for name in FIGURES if one[name]}, one["rate"]) == (
        {"owed": 2, "in_time": 1, "late": 1},
        0.5,
    )
