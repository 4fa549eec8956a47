"""Who owes a plan (W1): each RM in service, at the start of each period for which the bank asks for plans; ``zhike day``, once.

Who is on leave owes none, and the week's or the month's on the day on which they are back. A plan of a period that is over cannot be
made any more: it is missed, unless whoever owed it was away from the day on which it was due to the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.db.models import F, Q

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.obligations import ledger
from zhike.obligations.models import Obligation, State
from zhike.people.leave import away
from zhike.people.models import Post
from zhike.people.workdays import workdays

from .models.plan import Period, Plan, subject

NOTHING = Case(None)


def sweep(day: date, now: datetime, bank: Bank) -> tuple[int, int]:
    """Makes the plans of a workday owed; returns how many became owed, and how many are missed. Runs as the worker."""
    missed = _over(day, now, bank)
    if day != now.astimezone(bank.zone).date() or not workdays().may_work(day):
        return 0, missed
    return owe(day, now, bank), missed


def owe(day: date, now: datetime, bank: Bank) -> int:
    """Makes owed what is not yet: of who is there that day. Returns how many became owed."""
    staff = serving(day)
    staff -= away(staff, day)
    facts = list(_due(staff, day, now, bank))
    if not facts:
        return 0
    owed = ledger.tell_many([(fact, NOTHING) for fact in facts], now=now, bank=bank)
    _fixed_before({fact.subject for fact in facts}, now, bank)
    return owed


def serving(day: date) -> set[int]:
    """Who is an RM in service on a day."""
    posts = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), role="rm", from_day__lte=day)
    return set(posts.filter(staff__is_active=True).values_list("staff", flat=True))


def _due(staff: set[int], day: date, now: datetime, bank: Bank) -> Iterator[Fact]:
    """Of those who owe it not yet."""
    periods = [Period(name) for name in bank.plan_periods]
    subjects = [subject(each, each.first(day), id) for each in periods for id in sorted(staff)]
    told = set(
        Obligation.objects.filter(kind="work_plan", subject__in=subjects)
        .exclude(state=State.WITHDRAWN)
        .values_list("subject", flat=True)
    )
    midnight = datetime.combine(day, time(0), bank.zone)
    for period in periods:
        first, last = period.first(day), period.last(day)
        data = {"period": period.value, "first_day": first.isoformat(), "last_day": last.isoformat()}
        for id in sorted(staff):
            if (about := subject(period, first, id)) not in told:
                yield Fact("plan_due", midnight, now, id, None, about, data, "observed")


def _fixed_before(subjects: set[str], now: datetime, bank: Bank) -> None:
    """A plan that was made the evening before is in time: what becomes owed is done."""
    rows = Obligation.objects.filter(kind="work_plan", state=State.OPEN, subject__in=subjects)
    owed = {row.subject: row for row in rows}
    plans = Plan.objects.filter(staff__in=[row.owner_id for row in rows], fixed_at__lte=now)
    cases = [
        (Fact("plan_fixed", plan.fixed_at, now, plan.staff_id, None, plan.subject), Case(None, (ledger.as_seen(owed[plan.subject]),)))
        for plan in plans
        if plan.subject in owed
    ]  # fmt: skip
    if cases:
        ledger.tell_many(cases, now=now, bank=bank)


def _over(day: date, now: datetime, bank: Bank) -> int:
    """Plans of periods that ended before the day were never made: they are missed. Who fell ill after the sweep of the day, and was away on
    each workday of it, owed none after all.
    """
    over = Obligation.objects.filter(
        kind="work_plan", state=State.OPEN, due__lt=now, detail__last_day__lt=day.isoformat()
    )
    rows = [
        (id, owner, due.astimezone(bank.zone).date(), date.fromisoformat(last))
        for id, owner, due, last in over.values_list("pk", "owner", "due", "detail__last_day")
        if due is not None
    ]
    gone, begins = set(rows), min((row[2] for row in rows), default=day)
    for each in filter(workdays().may_work, (begins + timedelta(days=n) for n in range((day - begins).days))):
        if asked := {row for row in gone if row[2] <= each <= row[3]}:
            absent = away({row[1] for row in asked}, each)
            gone -= {row for row in asked if row[1] not in absent}
    Obligation.objects.filter(pk__in=[row[0] for row in gone]).update(
        state=State.WITHDRAWN, settled_at=F("due"), evidence={"why": "on_leave"}
    )
    return over.update(state=State.MISSED, settled_at=F("due"), evidence={"why": "lapsed"})
