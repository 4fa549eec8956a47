"""W5 through time: the rhythm after a stop, after a rise in tier, after the setting has changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from zhike.conduct.bank import Bank
from zhike.conduct.setting import plain

from .door import Door
from .moments import moment, shown
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def last_called(door: Door, tier: str, day: str) -> Any:
    """A customer with whom one last talked on that day."""
    customer = door.customer(tier, met=True, called=True)
    door.record(
        customer, "call", moment(f"{day} 10:00"), moment(f"{day} 10:06"), purpose="care", form=FORMS["none"]
    )  # fmt: skip
    return customer


def due(door: Door, customer: Any) -> list[tuple[str, str]]:
    return [(each.state, shown(each.due)) for each in door.owed(customer, kind="rhythm")]


@pytest.mark.parametrize("stop", ["complaint", "do_not_disturb", "closed"])
def test_the_rhythm_comes_back_when_a_stop_is_over(door: Door, stop: str) -> None:
    customer = last_called(door, "private", "2026-03-02")
    door.sweep(moment("2026-03-14 01:00"))
    assert due(door, customer) == [("open", "2026-03-17 00:00")], "fourteen days after the second"
    door.stopped(customer, stop, moment("2026-03-14 09:00"))
    door.sweep(moment("2026-03-19 01:00"))
    assert due(door, customer) == [("cannot", "2026-03-17 00:00")]
    door.resumed(customer, stop, moment("2026-03-20 09:00"), mistake=False)
    door.sweep(moment("2026-03-31 01:00"))
    assert len(due(door, customer)) == 1, "not yet: fourteen days from the twentieth are the third of April"
    for day in ("2026-04-01", "2026-04-02"):
        door.sweep(moment(f"{day} 01:00"))
        assert due(door, customer)[1:] == [("open", "2026-04-04 00:00")]


def test_a_rise_in_tier_makes_nobody_late_on_its_day(door: Door) -> None:
    """Gold allows 180 days; private banking, from 16 February on, wants 14, and the last contact was on 1 January."""
    customer = last_called(door, "gold", "2026-01-01")
    with door.owner():
        type(customer).objects.filter(pk=customer.pk).update(tier="private", tier_since=date(2026, 2, 16))
    expected = date(2026, 2, 16) + timedelta(days=1 + customer.pk % 14)
    for n in range(15):
        on = date(2026, 2, 16) + timedelta(days=n)
        door.sweep(moment(f"{on} 01:00"))
        told = due(door, customer)
        assert bool(told) is (on >= expected - timedelta(days=2)), "a fifth of the period before, as ever"
    assert told == [("open", shown(moment(f"{expected} 24:00")))]


def test_a_tightened_setting_makes_nobody_late_on_its_day(door: Door) -> None:
    customer = last_called(door, "gold", "2026-01-05")
    rows = plain(Bank().rhythm)
    assert isinstance(rows, list)
    tightened = [{**row, "contact_days": 30} if row["tier"] == "gold" else row for row in rows]
    door.setting("rhythm", tightened, date(2026, 3, 1))
    begins = date(2026, 3, 1)
    expected = begins + timedelta(days=1 + customer.pk % 30)
    told = max(expected - timedelta(days=6), begins)  # a fifth of the period before; never before the setting counts
    door.sweep(moment(f"{told - timedelta(days=1)} 01:00"))
    assert due(door, customer) == []
    door.sweep(moment(f"{told} 01:00"))
    assert due(door, customer) == [("open", shown(moment(f"{expected} 24:00")))]
