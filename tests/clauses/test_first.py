"""First meeting and first call follow the history, also when it is corrected or told out of order."""

from __future__ import annotations

from typing import Any

import pytest

from .door import Door
from .moments import moment
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def firsts(door: Door, customer: Any, now: str = "2026-03-20 20:00") -> list[bool]:
    """Of the contacts that stand, in the order they began."""
    told = door.send("get", f"contacts?customer={customer.pk}&limit=50", None, moment(now))
    stand = [each for each in told["items"] if each["state"] in {"ended", "closed"}]
    return [each["first"] for each in sorted(stand, key=lambda each: each["started_at"])]


def texts(door: Door, customer: Any) -> list[str]:
    """Which thanks are still owed, in the order of their contacts."""
    owed = [each for each in door.owed(customer, kind="thanks") if each.state == "open"]
    return [each.detail["text"] for each in sorted(owed, key=lambda each: each.opens)]


def test_the_first_meeting_is_reckoned_anew(door: Door) -> None:
    customer = door.customer()
    days = {
        day: door.record(customer, "reception", moment(f"{day} 10:00"), moment(f"{day} 10:30"), form=FORMS["none"])
        for day in ("2026-03-10", "2026-03-11")
    }
    assert (firsts(door, customer), texts(door, customer)) == ([True, False], ["first", "later"])
    known = moment("2026-03-12 09:00")
    start, end = moment("2026-03-09 10:00"), moment("2026-03-09 10:30")
    ninth = door.record(customer, "visit", start, end, known=known, form=FORMS["none"])
    assert (firsts(door, customer), texts(door, customer)) == ([True, False, False], ["first", "later", "later"])
    door.struck(ninth, moment("2026-03-12 10:00"))
    assert (firsts(door, customer), texts(door, customer)) == ([True, False], ["first", "later"])
    door.struck(days["2026-03-10"], moment("2026-03-12 10:05"))
    assert (firsts(door, customer), texts(door, customer)) == ([True], ["first"])


@pytest.mark.parametrize("turned", [False, True])
def test_starts_are_compared_with_starts(door: Door, turned: bool) -> None:
    """One ended on the minute at which the next began; they are told afterwards, in either order."""
    customer, known = door.customer(), moment("14:00")
    spans = [("10:00", "11:00"), ("11:00", "11:30")]
    for start, end in reversed(spans) if turned else spans:
        door.record(customer, "reception", moment(start), moment(end), known=known)
    assert (firsts(door, customer), texts(door, customer)) == ([True, False], ["first", "later"])


def test_an_amended_time_makes_another_one_the_first(door: Door) -> None:
    customer = door.customer()
    one = door.record(customer, "reception", moment("09:00"), moment("09:30"), form=FORMS["none"])
    door.record(customer, "reception", moment("10:00"), moment("10:30"), form=FORMS["none"])
    changes = {"started_at": moment("11:00"), "ended_at": moment("11:20")}
    door.amended(one, moment("14:00"), **changes)
    assert (firsts(door, customer), texts(door, customer)) == ([True, False], ["first", "later"])


def test_the_first_call_is_reckoned_anew(door: Door) -> None:
    """Struck, the first call leaves the second as the first one ever: it sold, which is found, and C10 is owed after it."""
    customer = door.customer(met=True)
    first = door.record(customer, "call", moment("09:00"), moment("09:03"), purpose="introduction", form=FORMS["none"])
    door.record(customer, "call", moment("10:00"), moment("10:05"), purpose="need", form=FORMS["none"])
    assert firsts(door, customer) == [True, False]
    assert door.findings(customer) == []
    door.struck(first, moment("11:00"))
    assert firsts(door, customer) == [True]
    assert texts(door, customer) == ["first_call"]
    assert [each.clause for each in door.findings(customer) if not each.void] == ["C9"]


def test_an_outcome_amended_to_reached_comes_before_the_later_call(door: Door) -> None:
    customer = door.customer(met=True)
    busy = door.record(
        customer, "call", moment("09:00"), moment("09:01"), purpose="introduction", outcome="no_answer"
    )  # fmt: skip
    door.record(customer, "call", moment("10:00"), moment("10:05"), purpose="introduction", form=FORMS["none"])
    assert texts(door, customer) == ["first_call"]
    door.amended(busy, moment("11:00"), outcome="reached")
    assert firsts(door, customer) == [True, False]
    assert texts(door, customer) == ["first_call"]
