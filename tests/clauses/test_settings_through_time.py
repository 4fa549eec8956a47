"""A setting is changed from a day on: what was owed before that day keeps the old value, whenever it becomes known."""

from __future__ import annotations

from datetime import date

import pytest

from .door import Door
from .moments import moment, shown
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db
CHANGE = date(2026, 3, 2)


def test_what_is_recorded_afterwards_is_owed_by_the_settings_of_its_day(door: Door) -> None:
    """Thursday, 26 February: two working days on are Friday and Saturday, which makes up for the Spring Festival."""
    door.setting("promise_workdays", 3, CHANGE)
    customer = door.customer(met=True)
    form = {**FORMS["none"], "promises": [{"words": "问清费率", "to": "customer"}]}
    start, end = moment("2026-02-26 10:00"), moment("2026-02-26 10:30")
    door.record(customer, "reception", start, end, known=moment("2026-03-03 09:00"), form=form)
    (promise,) = door.owed(customer, clause="W11")
    assert shown(promise.due) == "2026-03-01 00:00", "the end of 28 February"


def test_an_amendment_is_reckoned_by_the_settings_of_its_day(door: Door) -> None:
    door.setting("reception_late_due", "10:00", CHANGE)
    customer = door.customer(met=True)
    start, end = moment("2026-02-27 21:05"), moment("2026-02-27 21:30")
    contact = door.record(customer, "reception", start, end, form=FORMS["none"])
    door.amended(contact, moment("2026-03-03 09:00"), ended_at=moment("2026-02-27 21:40"))
    (thanks,) = door.owed(customer, clause="R12")
    assert shown(thanks.due) == "2026-02-28 12:00"


@pytest.mark.parametrize(("change", "kept"), [(1, "kept"), (60, "late")])
def test_a_promise_keeps_the_tolerance_it_was_given_with(door: Door, change: int, kept: str) -> None:
    """Promised on 1 March with five minutes either way; four minutes late is kept, six is not, whatever came since."""
    door.setting("callback_tolerance", change, CHANGE)
    customer = door.customer(met=True, called=True)
    promised = moment("2026-03-03 15:00")
    start, end = moment("2026-03-01 10:00"), moment("2026-03-01 10:01")
    door.record(customer, "call", start, end, purpose="care", outcome="busy", call_back_at=promised)
    made = moment("2026-03-03 15:04" if kept == "kept" else "2026-03-03 15:06")
    door.record(customer, "call", made, made, purpose="call_back", form=FORMS["none"])
    (call_back,) = door.owed(customer, clause="C5")
    assert (call_back.state, call_back.evidence["kept"]) == ("done", kept)


def test_per_bank_or_per_rm_is_asked_of_the_day_of_the_meeting(door: Door) -> None:
    """A colleague had met the customer; until 1 March that did not count, from the second on it does."""
    door.setting("acquaintance", "bank", CHANGE)
    customer = door.customer(rm="mate", met=True)
    with door.owner():
        type(customer).objects.filter(pk=customer.pk).update(rm=door.cast.rm)
    known = moment("2026-03-03 09:00")
    before = door.record(
        customer, "reception", moment("2026-02-27 10:00"), moment("2026-02-27 10:30"), known=known
    )  # fmt: skip
    assert before.first is True


def test_a_visit_keeps_the_limits_with_which_it_was_agreed(door: Door) -> None:
    """Agreed on 1 March: too early before T-25, as prescribed to T-10. Since the day after it is T-40 and T-5."""
    door.setting("arrival_earliest", 40, CHANGE)
    door.setting("arrival_prescribed_to", 5, CHANGE)
    for arrived, grade in (("14:30", "too_early"), ("14:35", "as_prescribed"), ("14:52", "short_wait")):
        customer = door.customer(met=True)
        visit = door.appointment(customer, moment("15:00"), now=moment("2026-03-01 09:00"))
        door.step("arrival", visit, moment(arrived))
        (arrival,) = door.owed(customer, clause="V2")
        assert arrival.evidence["arrival"] == grade
