"""Named windows: from when and until when something is to be done, computed in the bank's zone, given in UTC.

What counts as in time: from `opens` on, and until `due`. A due time that a clock names (22:00, 12:00, five minutes
after a promise) still counts itself; the end of a day, 24:00, is the next midnight and no longer does: 00:00 is the
day after.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays, YearNotPublished

Arrival = Literal["too_early", "as_prescribed", "short_wait", "late"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """`opens` and `due` in UTC. `target`: the moment meant, where there is one."""

    opens: datetime
    due: datetime
    target: datetime | None = None
    due_counts: bool = False

    def is_early(self, at: datetime) -> bool:
        return at < self.opens

    def is_late(self, at: datetime) -> bool:
        """Whether something done at `at`, or still open then, is late."""
        return at > self.due if self.due_counts else at >= self.due

    def holds(self, at: datetime) -> bool:
        return not self.is_early(at) and not self.is_late(at)


def end_of_day(at: datetime, bank: Bank) -> Window:
    """From `at` to the end of its day."""
    return Window(_utc(at), _end(_local(at, bank).date(), bank))


def before_today_ends(at: datetime, bank: Bank) -> Window:
    """The whole day in which `at` lies."""
    return on_day(_local(at, bank).date(), bank)


def on_day(day: date, bank: Bank) -> Window:
    """The whole of a day: a birthday, a festival."""
    return Window(_clock(day, time(0), bank), _end(day, bank))


def write_up(ended: datetime, bank: Bank) -> Window:
    """R13, V6, C6: from the end of the talk to the end of that day, or `writeup_days` later."""
    return _days_after(ended, bank.writeup_days, bank)


def try_again(called: datetime, bank: Bank) -> Window:
    """C3, nobody answered: until the end of the day `try_again_days` on; no agreed time."""
    return _days_after(called, bank.try_again_days, bank)


def same_day_at_once(at: datetime, bank: Bank) -> Window:
    """C10: at once, on the same day at the latest."""
    return Window(_utc(at), _end(_local(at, bank).date(), bank), target=_utc(at))


def reception_thanks(farewell: datetime, bank: Bank) -> Window:
    """R12: after the farewell, the same day; when that was later than `reception_late_from`, until noon of the next."""
    local = _local(farewell, bank)
    if _wall(local) > bank.reception_late_from:
        return Window(_utc(farewell), _clock(local.date() + _DAY, bank.reception_late_due, bank), due_counts=True)
    return Window(_utc(farewell), _end(local.date(), bank))


def visit_evening(ended: datetime, bank: Bank) -> Window:
    """V5: the evening of the day on which the visit ended, which for an end after midnight is the day that has begun.

    Thanks sent between the end and the evening are in time too, unless `visit_thanks_before_evening` is off.
    After an end later than `visit_late_from` the evening lasts till midnight.
    """
    local = _local(ended, bank)
    opens = _utc(ended)
    if not bank.visit_thanks_before_evening:
        opens = max(opens, _clock(local.date(), bank.visit_evening_from, bank))
    if _wall(local) > bank.visit_late_from:
        return Window(opens, _end(local.date(), bank))
    return Window(opens, _clock(local.date(), bank.visit_evening_to, bank), due_counts=True)


def next_day_end(at: datetime, bank: Bank, workdays: Workdays) -> Window:
    """V7: until the end of the calendar day after, or of the next working day where the bank has set so.

    Where the next working day is not known because its year is not published, the calendar day after holds, which is
    what the code itself says: what is owed by then stays so when the year is entered.
    """
    day = _local(at, bank).date()
    due = day + _DAY
    if bank.next_day == "workday":
        with suppress(YearNotPublished):
            due = workdays.next_workday(day)
    return Window(_utc(at), _end(due, bank))


def promised_answer(at: datetime, bank: Bank, workdays: Workdays) -> Window:
    """W11, no date agreed: to the end of the `promise_workdays`-th working day after; calendar days where unknown."""
    return _workdays_after(at, bank.promise_workdays, bank, workdays)


def next_workdays(at: datetime, bank: Bank, workdays: Workdays) -> Window:
    """W2: what was assigned is taken on, what was handed in is looked at, to the end of the `assignment_workdays`-th working day after."""
    return _workdays_after(at, bank.assignment_workdays, bank, workdays)


def _workdays_after(at: datetime, many: int, bank: Bank, workdays: Workdays) -> Window:
    day = start = _local(at, bank).date()
    try:
        for _ in range(many):
            day = workdays.next_workday(day)
    except YearNotPublished:
        return Window(_utc(at), _end(start + many * _DAY, bank))
    return Window(_utc(at), _end(day, bank))


def note_answer(at: datetime, bank: Bank, workdays: Workdays) -> Window:
    """W12: to the end of the `note_answer_workdays`-th working day after; calendar days where unknown."""
    day = start = _local(at, bank).date()
    try:
        for _ in range(bank.note_answer_workdays):
            day = workdays.next_workday(day)
    except YearNotPublished:
        return Window(_utc(at), _end(start + bank.note_answer_workdays * _DAY, bank))
    return Window(_utc(at), _end(day, bank))


def acknowledgement(at: datetime, bank: Bank) -> Window:
    """W6: to the end of the `acknowledge_days`-th day, the day itself the first."""
    return _days_after(at, bank.acknowledge_days - 1, bank)


def start_of_period(at: datetime, bank: Bank) -> Window:
    """W1: a plan stands at the start of its period: by `plan_due_at` of the day on which it is asked for."""
    day = _local(at, bank).date()
    return Window(_clock(day, time(0), bank), _clock(day, bank.plan_due_at, bank), due_counts=True)


def arrival(target: datetime, bank: Bank) -> Window:
    """V2: at the door in time for a visit agreed for `target`. Its `target` is the moment the code names, T-15."""
    agreed = _utc(target)
    return Window(
        agreed - timedelta(minutes=bank.arrival_earliest),
        agreed,
        target=agreed - timedelta(minutes=bank.arrival_target),
        due_counts=True,
    )


def arrival_grade(arrived: datetime, agreed: datetime, opens: datetime, prescribed_to: int) -> Arrival:
    """V2: how an arrival for a visit agreed for `agreed` is measured, by the limits with which it was owed: its window's `opens`, and
    how many minutes before it is still as prescribed. A limit itself is still as prescribed.
    """
    if arrived < opens:
        return "too_early"
    if agreed - arrived >= timedelta(minutes=prescribed_to):
        return "as_prescribed"
    return "short_wait" if arrived <= agreed else "late"


def promise(target: datetime, bank: Bank) -> Window:
    """C5: the agreed moment, give or take the tolerance."""
    agreed, tolerance = _utc(target), timedelta(minutes=bank.callback_tolerance)
    return Window(agreed - tolerance, agreed + tolerance, target=agreed, due_counts=True)


def by_then(target: datetime, bank: Bank) -> Window:
    """W11, W5: until the moment itself; a rule that uses it opens when the fact happens."""
    return Window(_utc(target), _utc(target), due_counts=True)


def before_then(target: datetime, bank: Bank) -> Window:
    """S3: till the end of a day, said as the midnight after it, which is too late itself."""
    return Window(_utc(target), _utc(target))


BY_NAME: dict[str, Callable[[datetime, Bank], Window]] = {
    window.__name__: window
    for window in (
        end_of_day,
        before_today_ends,
        write_up,
        try_again,
        same_day_at_once,
        reception_thanks,
        visit_evening,
        arrival,
        promise,
        by_then,
        before_then,
        acknowledgement,
        start_of_period,
    )
}
BY_NAME_AND_WORKDAYS: dict[str, Callable[[datetime, Bank, Workdays], Window]] = {
    window.__name__: window for window in (next_day_end, promised_answer, next_workdays, note_answer)
}
NAMES = frozenset(BY_NAME) | frozenset(BY_NAME_AND_WORKDAYS)
"""What a clause may name as its window."""


def named(name: str, at: datetime, bank: Bank, workdays: Workdays) -> Window:
    """The window that a clause names. Raises KeyError for a name outside NAMES."""
    if name in BY_NAME_AND_WORKDAYS:
        return BY_NAME_AND_WORKDAYS[name](at, bank, workdays)
    return BY_NAME[name](at, bank)


def _days_after(at: datetime, days: int, bank: Bank) -> Window:
    return Window(_utc(at), _end(_local(at, bank).date() + days * _DAY, bank))


def _local(at: datetime, bank: Bank) -> datetime:
    return _utc(at).astimezone(bank.zone)


def _wall(local: datetime) -> time:
    """The time of day to the minute: 21:00:59 is not later than 21:00, as nobody who reads 21:00 would say so."""
    return local.time().replace(second=0, microsecond=0)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone: {at.isoformat()}")
    return at.astimezone(UTC)


def _clock(day: date, at: time, bank: Bank) -> datetime:
    return datetime.combine(day, at, bank.zone).astimezone(UTC)


def _end(day: date, bank: Bank) -> datetime:
    return _clock(day + _DAY, time(0), bank)
