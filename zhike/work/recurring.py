"""What is assigned every week or month: the day's sweep makes the next turn, once."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case
from zhike.obligations import ledger

from .assignments import given
from .models.assignment import Assignment, Every

NOTHING = Case(None)


def sweep(day: date, now: datetime, bank: Bank) -> tuple[int, int]:
    """Gives what is due anew: on the day on which a turn is due the next one is given. Returns how many became owed; none lapse."""
    ends = datetime.combine(day + timedelta(days=1), datetime.min.time(), bank.zone)
    rows = Assignment.objects.exclude(every=Every.ONCE).filter(
        followed_by=None, due__lt=ends, staff__is_active=True, by__is_active=True
    )
    made = []
    for row in rows.order_by("due", "pk").select_for_update(of=("self",), no_key=True):
        following = Assignment(
            together=row.together, by_id=row.by_id, staff_id=row.staff_id, what=row.what, counts_as_done=row.counts_as_done,
            due=next_due(row, now, bank), every=row.every, on_day=row.on_day, follows=row, given_at=now,
        )  # fmt: skip
        following.save()
        made.append((given(following, now), NOTHING))
    return (ledger.tell_many(made, now=now, bank=bank) if made else 0), 0


def next_due(row: Assignment, now: datetime, bank: Bank) -> datetime:
    """The same hour a week later, or on its day of the next month, the last where there is none; the first that lies ahead."""
    due = row.due
    while True:
        due = _step(due, row, bank)
        if due > now:
            return due


def _step(due: datetime, row: Assignment, bank: Bank) -> datetime:
    here = due.astimezone(bank.zone)
    on_day = row.on_day or 0
    if row.every == Every.WEEK:  # sent back with another date, it comes again on its own day
        days = (on_day - here.weekday() - 1) % 7 + 1
        return datetime.combine(here.date() + timedelta(days=days), here.time(), bank.zone)
    first = (here.replace(day=1) + timedelta(days=32)).date().replace(day=1)
    last = monthrange(first.year, first.month)[1]
    return datetime.combine(first.replace(day=min(on_day, last)), here.time(), bank.zone)
