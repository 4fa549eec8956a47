"""When an obligation wants to be remembered: its reminders, by the bank's table of kinds, inside the owner's working hours.

Pure: the same window, settings, hours and workdays give the same moments. A worker rings them (:mod:`zhike.notices`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.reminding import Reminding

_DAY = timedelta(days=1)
# Duties of one kind are told this far apart where their day leaves room.
APART = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody works: the bank's hours, or their own."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True)
class Remembered:
    """What of an obligation decides about its reminders. `id` only spreads; `made_at`: since when it is owed here."""

    id: int
    kind: str
    made_at: datetime
    opens: datetime
    due: datetime
    due_counts: bool = False
    target: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One reminder: its name, which stays ("before:15", "closing"), and when. `quiet`: it lies outside working hours, and what
    it reminds of does not, so it is kept and not sent."""

    step: str
    at: datetime
    quiet: bool = False


def moments(owed: Remembered, bank: Bank, hours: Hours, workdays: Workdays) -> tuple[Moment, ...]:
    """All reminders of an obligation, earliest first."""
    row = bank.reminding(owed.kind)
    if row is None:
        return ()
    day = _Day(owed, bank, hours, workdays)
    return tuple(sorted(day.moments(row), key=lambda moment: (moment.at, moment.step)))


@dataclass(frozen=True)
class _Day:
    """An obligation among the hours of those who work."""

    owed: Remembered
    bank: Bank
    hours: Hours
    workdays: Workdays

    def moments(self, row: Reminding) -> Iterator[Moment]:
        if row.at_once:
            yield Moment("once", self._at_once())
        anchor = self.owed.target or self.owed.due
        away = not self._works(anchor)  # the promise itself lies outside working hours: then so may its reminders
        for minutes in row.before:
            at = anchor - timedelta(minutes=minutes)
            yield Moment(f"before:{minutes}", at, quiet=not (away or self._works(at)))
        if self.owed.kind == "arrival":
            at = self.owed.due - timedelta(minutes=self.bank.leave_reminder)
            yield Moment("leave", at, quiet=not (away or self._works(at)))
        if row.morning and (morning := self._morning(row.spread)):
            yield Moment("morning", morning)
        if row.closing and (closing := self._closing()):
            yield Moment("closing", closing)

    def _at_once(self) -> datetime:
        """As soon as it is owed; where nobody works then, when work begins, unless that is too late."""
        begun = max(self.owed.opens, self.owed.made_at)
        if self._works(begun):
            return begun
        day = self._local(begun).date()
        for ahead in range(15):
            begins = self._clock(day + ahead * _DAY, self.hours.begin)
            if begins >= begun and self.workdays.may_work(day + ahead * _DAY):
                return begins if begins < self.owed.due else begun
        return begun

    def _morning(self, spread: bool) -> datetime | None:
        """When work begins on its last day, or on the last working day before it that it still has."""
        for day in self._days():
            at = self._clock(day, self.hours.begin)
            if spread:
                room = max(1, (self._clock(day, self.hours.end) - at - timedelta(hours=1)) // APART)
                at += self.owed.id % room * APART
            if self.owed.opens <= at < self.owed.due:
                return at
        return None

    def _closing(self) -> datetime | None:
        """Before work ends on its last day; owed only after work, then in the evening, while it is not too late for that."""
        lead = timedelta(minutes=self.bank.reminder_closing)
        for day in self._days():
            at = min(self._clock(day, self.hours.end), self.owed.due) - lead
            if self.owed.opens < at:
                return at
        evening = min(self._clock(self._last_day, self.bank.reminder_latest), self.owed.due) - lead
        later = self.owed.opens + lead
        return next((at for at in (evening, later) if self.owed.opens < at < self.owed.due), None)

    @property
    def _last_day(self) -> date:
        """The day of the deadline; the end of a day, 24:00, is still that day's."""
        due = self.owed.due if self.owed.due_counts else self.owed.due - timedelta(microseconds=1)
        return self._local(due).date()

    def _days(self) -> Iterator[date]:
        """The working days of its window, the last one first; at most two weeks of them."""
        first, day = self._local(self.owed.opens).date(), self._last_day
        for back in range(min((day - first).days, 14) + 1):
            if self.workdays.may_work(day - back * _DAY):
                yield day - back * _DAY

    def _works(self, at: datetime) -> bool:
        local = self._local(at)
        return self.workdays.may_work(local.date()) and self.hours.begin <= local.time() <= self.hours.end

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.bank.zone)

    def _clock(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.bank.zone).astimezone(UTC)
