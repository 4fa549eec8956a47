"""How contacts kept the clauses that owe nothing: one query, and the numbers of a week worked out by hand."""

from __future__ import annotations

import pytest
from django.test.utils import CaptureQueriesContext

from tests.cast import seat
from tests.clauses.door import Door
from tests.clauses.moments import moment
from tests.clauses.test_truth_table import FORMS
from zhike.conduct.bank import Bank

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(db, owner, worker) -> Door:
    with owner():
        cast = seat()
    return Door(cast, owner, worker)


def week(door: Door) -> None:
    """A reception that was prepared; a diamond guest met in the hall; a surprise visit; a long call, a first call."""
    plan = door.planned(door.customer(), now=moment("09:00"), kind="reception")
    door.step("preparation", plan, moment("09:50"))
    door.step("start", plan, moment("10:00"))
    door.step("preparation", plan, moment("10:20"), ticks=["manners", "silent"])
    door.step("end", plan, moment("10:30"), card_handed=True, seen_off="wealth_room")
    door.step("write-up", plan, moment("10:35"), **FORMS["none"], learned={"hobbies": "钓鱼"})
    guest = door.customer("diamond", met=True)
    invited = door.appointment(
        guest, moment("11:00"), now=moment("09:00"), kind="reception", place="支行", invited_by_rm=True
    )
    door.step("start", invited, moment("11:00"))
    door.step("end", invited, moment("11:30"), met_where="hall")
    door.record(door.customer(met=True), "visit", moment("15:00"), moment("16:00"), surprise_reason="顺路")
    door.record(door.customer(called=True), "call", moment("16:30"), moment("16:45"), purpose="care")
    door.record(door.customer(), "call", moment("17:00"), moment("17:02"), purpose="introduction")
    door.record(
        door.customer(called=True), "call", moment("17:10"), moment("17:11"), purpose="care", outcome="no_answer"
    )
    # a first call about a need, told afterwards: found against C9
    door.record(door.customer(), "call", moment("17:20"), moment("17:22"), purpose="need")
    # two calls that sell, one of them before the hour at which they may
    for at in ("08:30", "09:30"):
        door.record(door.customer(called=True), "call", moment(at), moment(at), purpose="need", known=moment("17:30"))


# Of the one visit no finding says that it was made without an outing: the cast's bank does not ask (W7).
EXPECTED = {
    "R1": (2, 1), "R2": (1, 0), "R3": (1, 1), "R6": (2, 1), "R8": (2, 1), "R9": (2, 1), "R10": (2, 1), "R11": (2, 1),
    "R14": (1, 1), "V1": (1, 0), "V4": (1, 0), "C1": (6, 6), "C2": (5, 0), "C7": (5, 4), "C9": (2, 1),
    "S5": (3, 2), "W7": (1, 1),
}  # fmt: skip


def test_a_weeks_contacts_are_tallied_in_one_query(door: Door) -> None:
    from django.db import connection

    from zhike.contacts.adherence import tallied

    week(door)
    with door.cast.acting("rm", moment("18:00")) as actor, CaptureQueriesContext(connection) as asked:
        found = {each.clause: each for each in tallied(actor.id, moment("00:00"), bank=Bank())}
    assert len(asked) == 1
    assert {id: (each.of, each.kept) for id, each in found.items()} == EXPECTED
    assert found["V4"].minutes == (60,)


def test_a_clauses_page_shows_how_one_kept_it(door: Door) -> None:
    week(door)
    page = door.page("code/C7/", moment("18:00"), raw=True)
    assert "5 次中做到 4 次" in page
    assert "依本人点按确认" in door.page("code/R8/", moment("18:00"))
    offered = door.page("code/R11/", moment("18:00"), raw=True)
    assert "次中做到" not in offered, "what may be done is never a miss"
