"""W5 through time: the rhythm after a stop, after a rise in tier, after the setting has changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from zhike.conduct import facts as engine
from zhike.conduct.bank import Bank
from zhike.conduct.setting import plain
from zhike.obligations import ledger
from zhike.obligations.models import Fact

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


@pytest.mark.parametrize("together", [True, False])
def test_a_call_that_does_not_count_leaves_it_to_the_next_one(door: Door, together: bool) -> None:
    """Busy at two, reached at half past three for four minutes: told at once, the first had kept the second from doing it."""
    customer = last_called(door, "private", "2026-03-02")
    door.sweep(moment("2026-03-14 01:00"))
    calls = [
        engine.Fact(
            "call_ended", moment(f"2026-03-14 {at}"), moment(f"2026-03-14 {at}"), door.cast.rm.pk, customer.pk, f"contact:{n}",
            {"first": False, "outcome": outcome, "purpose": "care", "incoming": False, "seconds": seconds,
             "started": moment(f"2026-03-14 {at}").isoformat(), "call_back": None},
        )
        for n, (at, outcome, seconds) in enumerate([("14:00", "busy", 30), ("15:30", "reached", 240)])
    ]  # fmt: skip
    now = moment("2026-03-14 15:40")
    with door.cast.acting("rm", now) as actor:
        for facts in [calls] if together else [[call] for call in calls]:
            ledger.tell(facts, actor=actor, now=now, bank=Bank())
    assert due(door, customer) == [("done", "2026-03-17 00:00")]


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


def test_a_contact_that_was_let_go_is_not_told_again_each_night(door: Door) -> None:
    customer = last_called(door, "private", "2026-03-02")
    door.sweep(moment("2026-03-14 01:00"))
    (owed,) = door.owed(customer, kind="rhythm")
    door.waived(owed, moment("2026-03-14 10:00"), "客户出国，月底回来")
    for day in ("2026-03-15", "2026-03-16"):
        door.sweep(moment(f"{day} 01:00"))
    with door.owner():
        assert Fact.objects.filter(customer_id=customer.pk, kind="contact_overdue").count() == 1


# ── meetings: "meeting at least every", a column of its own ──


def meetings(door: Door, customer: Any) -> list[tuple[str, str]]:
    return [(each.state, shown(each.due)) for each in door.owed(customer, kind="meet")]


def met(door: Door, customer: Any, day: str, kind: str = "reception") -> Any:
    start, end = moment(f"{day} 10:00"), moment(f"{day} 10:30")
    return door.record(customer, kind, start, end, form=FORMS["none"])


def called(door: Door, customer: Any, day: str) -> None:
    start, end = moment(f"{day} 10:00"), moment(f"{day} 10:06")
    door.record(customer, "call", start, end, purpose="care", form=FORMS["none"])


def test_a_meeting_is_owed_that_only_a_meeting_does(door: Door) -> None:
    """Private banking: a meeting every 90 days, told with 18 left. Met on 1 December: due on 1 March, told on 11 February; the
    calls of every week in between keep the contact rhythm and change nothing of it.
    """
    customer = door.customer("private", met=True, called=True)
    met(door, customer, "2025-12-01")
    for day in ("2025-12-14", "2026-01-04", "2026-02-08"):
        called(door, customer, day)
    door.sweep(moment("2026-02-10 01:00"))
    assert meetings(door, customer) == []
    door.sweep(moment("2026-02-11 01:00"))
    door.sweep(moment("2026-02-11 02:00"))
    assert meetings(door, customer) == [("open", "2026-03-02 00:00")], "the end of the first of March"
    (owed,) = door.owed(customer, kind="meet")
    assert (owed.clause, owed.force, owed.origin, owed.channels) == ("W5", "should", "bank", ["meeting"])
    assert owed.what == "按节奏该见面了"
    assert owed.why == "已 72 天没有见面，私人银行"
    called(door, customer, "2026-02-20")
    assert meetings(door, customer) == [("open", "2026-03-02 00:00")]
    met(door, customer, "2026-02-25", "visit")
    assert meetings(door, customer) == [("done", "2026-03-02 00:00")]
    # 90 days from 25 February are 26 May; 18 days before that it is told.
    door.sweep(moment("2026-05-07 01:00"))
    assert len(meetings(door, customer)) == 1
    door.sweep(moment("2026-05-08 01:00"))
    assert meetings(door, customer)[1:] == [("open", "2026-05-27 00:00")]


def test_a_meeting_that_never_was_makes_it_owed_again(door: Door) -> None:
    customer = door.customer("private", met=True, called=True)
    met(door, customer, "2025-12-01")
    mistaken = met(door, customer, "2026-02-01")
    door.sweep(moment("2026-02-11 01:00"))
    assert meetings(door, customer) == []
    door.struck(mistaken, moment("2026-02-11 09:00"))
    door.sweep(moment("2026-02-12 01:00"))
    assert meetings(door, customer) == [("open", "2026-03-02 00:00")]


def test_tiers_without_a_number_of_days_owe_no_meeting(door: Door) -> None:
    """Gold: a contact every 180 days, meetings never by rhythm."""
    customer = door.customer("gold", met=True, called=True)
    met(door, customer, "2025-12-01")
    door.sweep(moment("2028-12-01 01:00"))
    assert meetings(door, customer) == []
    assert len(due(door, customer)) == 1


def test_who_was_never_met_here_is_spread_from_the_first_day(door: Door) -> None:
    """Platinum: a meeting a year. The book came on 1 December 2025; nobody is late, and not all on one day."""
    customer = door.customer("platinum", met=True, called=True)
    expected = date(2025, 12, 1) + timedelta(days=1 + customer.pk % 365)
    door.sweep(moment(f"{expected - timedelta(days=74)} 01:00"))
    assert meetings(door, customer) == [], "a fifth of 365 days is 73"
    door.sweep(moment(f"{expected - timedelta(days=73)} 01:00"))
    assert meetings(door, customer) == [("open", shown(moment(f"{expected} 24:00")))]


@pytest.mark.parametrize("stop", ["complaint", "do_not_disturb", "closed", "deceased"])
def test_a_stop_stops_meetings_too(door: Door, stop: str) -> None:
    customer = door.customer("private", met=True, called=True)
    met(door, customer, "2025-12-01")
    door.sweep(moment("2026-02-11 01:00"))
    door.stopped(customer, stop, moment("2026-02-12 09:00"))
    assert [state for state, _ in meetings(door, customer)] == ["cannot"]


# ── the list of a book says what W5 owes ──


def over(door: Door, customer: Any, day: str) -> bool:
    """Whether the book's list "over the rhythm" has the customer on that day; the whole book paints the row as much."""
    now = moment(f"{day} 09:00")
    listed = customer.name in door.page("customers/?silent=rhythm", now)
    row = door.page("customers/", now, raw=True).partition(customer.name)[2].partition("</tr>")[0]
    assert ('class="num soon"' in row) is listed
    return listed


def late(door: Door, customer: Any, day: str) -> bool:
    """Whether a contact by rhythm is owed and past its day then, after the sweeps of the days before."""
    now = moment(f"{day} 09:00")
    return any(each.state == "open" and each.due <= now for each in door.owed(customer, kind="rhythm", now=now))


def agree(door: Door, customer: Any, first_over: date) -> None:
    """The book and what is owed say the same, on the last day in time and on the first one past it."""
    for n in range(-3, 2):
        day = first_over + timedelta(days=n)
        door.sweep(moment(f"{day} 01:00"))
        expected = day >= first_over
        assert over(door, customer, str(day)) is expected, f"the book, {day}"
        assert late(door, customer, str(day)) is expected, f"what is owed, {day}"


def test_the_book_and_what_is_owed_agree_in_the_plain_case(door: Door) -> None:
    """Private banking, last talked with on 2 March: fourteen days on is the 16th, and the 17th is past it."""
    agree(door, last_called(door, "private", "2026-03-02"), date(2026, 3, 17))


def test_they_agree_on_who_was_never_contacted_here(door: Door) -> None:
    """Came on 1 December; the first contact is spread over ninety days by the number."""
    customer = door.customer("platinum", met=True, called=True)
    agree(door, customer, date(2025, 12, 1) + timedelta(days=1 + customer.pk % 90 + 1))


def test_they_agree_after_a_rise_in_tier(door: Door) -> None:
    customer = last_called(door, "gold", "2026-01-01")
    with door.owner():
        type(customer).objects.filter(pk=customer.pk).update(tier="private", tier_since=date(2026, 2, 16))
    agree(door, customer, date(2026, 2, 16) + timedelta(days=1 + customer.pk % 14 + 1))


def test_they_agree_after_a_tightened_setting(door: Door) -> None:
    customer = last_called(door, "gold", "2026-01-05")
    rows: Any = plain(Bank().rhythm)
    tightened = [{**row, "contact_days": 30} if row["tier"] == "gold" else row for row in rows]
    door.setting("rhythm", tightened, date(2026, 3, 10))
    agree(door, customer, date(2026, 3, 10) + timedelta(days=1 + customer.pk % 30 + 1))


def test_they_agree_after_a_stop(door: Door) -> None:
    """A complaint ended on 20 March: fourteen days on is 3 April."""
    customer = last_called(door, "private", "2026-03-02")
    door.stopped(customer, "complaint", moment("2026-03-14 09:00"))
    door.resumed(customer, "complaint", moment("2026-03-20 09:00"), mistake=False)
    agree(door, customer, date(2026, 4, 4))


def test_a_contact_from_before_the_last_one_does_not_do_what_is_due(door: Door) -> None:
    """Met on 12 February, due two weeks on; a call of the first of February that is recorded afterwards leaves it due."""
    customer = door.customer("private", met=True, called=True)
    last = moment("2026-02-12 10:00")
    door.record(customer, "reception", last, last, form=FORMS["none"])
    door.sweep(moment("2026-03-02 06:00"))

    def due() -> list[str]:
        return [each.state for each in door.owed(customer, clause="W5")]

    assert due() == ["open"]
    known = moment("2026-03-02 09:00")
    for day, state in (("2026-02-01", "open"), ("2026-02-13", "done")):
        start, end = moment(f"{day} 10:00"), moment(f"{day} 10:30")
        door.record(customer, "call", start, end, known=known, purpose="care", form=FORMS["none"])
        assert due() == [state]


@pytest.mark.clause("W5", "OWE")
@pytest.mark.parametrize("purpose", ["thanks", "birthday"])
def test_a_message_resets_nothing(door: Door, purpose: str) -> None:
    """Private banking, last talked with on 2 March: due on the 16th, whatever is written on the 10th and on the 15th. A call does it."""
    customer = last_called(door, "private", "2026-03-02")
    for day in ("2026-03-10", "2026-03-15"):
        at = moment(f"{day} 10:00")
        data = {
            "purpose": purpose,
            "channel": "sms",
            "through": "platform",
            "introduces": False,
            "words": "",
            "contact": None,
        }
        fact = engine.Fact("message_sent", at, at, door.cast.rm.pk, customer.pk, f"message:{day}", data)
        with door.cast.acting("rm", at) as actor:
            ledger.tell([fact], actor=actor, now=at, bank=Bank())
        door.sweep(moment(f"{day} 23:00"))
    assert due(door, customer) == [("open", "2026-03-17 00:00")]
    assert over(door, customer, "2026-03-17"), "the book says so too"
    called(door, customer, "2026-03-17")
    assert due(door, customer) == [("done", "2026-03-17 00:00")]


@pytest.mark.clause("W5", "OWE")
def test_at_go_live_a_book_is_spread_over_the_period(door: Door) -> None:
    """Thirty diamonds, a contact every thirty days, came on 1 December and were never contacted here: one a day, from the second to the
    thirty-first, and nobody is late on the first.
    """
    book = [door.customer("diamond", met=True, called=True) for _ in range(30)]
    with door.owner():
        type(book[0]).objects.exclude(pk__in=[each.pk for each in book]).update(do_not_disturb=True)
    for day in range(1, 32):
        door.sweep(moment(f"2025-12-{day:02} 01:00"))
    days = sorted(at for customer in book for _state, at in due(door, customer))
    assert days == [shown(moment(f"2025-12-{day:02} 24:00")) for day in range(2, 32)]
