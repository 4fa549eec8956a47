"""Adherence: how the code was kept, clause by clause, over what the reader may see. Counts before rates; no ranking."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from ninja import Query, Router

from zhike.api.desk import Desk, bank_of, one
from zhike.api.problems import field_invalid, say
from zhike.api.shapes import Day, Id, In, Line, Out
from zhike.conduct import clause, measure
from zhike.obligations.models import Obligation
from zhike.people.models import Post, Unit
from zhike.people.permissions import policy

router = Router()

LONGEST = timedelta(days=366)


class Asked(In):
    """From and until which day (the latter not included; without them this month so far), whose, which clause."""

    since: Day | None = None
    until: Day | None = None
    staff: Id | None = None
    unit: Id | None = None
    clause: Line | None = None


class MeasureOut(Out):
    """``counted``: settled or past its time, what a rate divides by; ``grades``: how the times of the kept ones are known;
    ``spread``: what the clause counts beside (arrivals, call-backs).
    """

    clause: str
    title: str
    force: str
    origin: str
    owed: int
    in_time: int
    late: int
    early: int
    open: int
    overdue: int
    missed: int
    waived: int
    cannot: int
    counted: int
    rate: float | None
    grades: dict[str, int]
    spread: dict[str, int]


class AdherenceOut(Out):
    since: date
    until: date
    items: list[MeasureOut]


@router.get("adherence", response=AdherenceOut)
@policy("adherence.view")
def list_(request: Desk, asked: Query[Asked]) -> Any:
    """What was owed in the period and what became of it, by clause and by whose rule it is."""
    zone = bank_of(request).zone
    today = request.now.astimezone(zone).date()
    since, until = asked.since or today.replace(day=1), asked.until or today + timedelta(days=1)
    if not since < until <= since + LONGEST:
        raise field_invalid("until", _("The period ends after it begins, and is no longer than a year."))
    # What is due at the end of a day is due at the midnight after it.
    owed = Obligation.objects.visible_to(request.actor).filter(owner__among=request.actor.sees)
    found = owed.annotate(when=Coalesce("due", "created_at"))
    found = found.filter(when__gt=_midnight(since, zone), when__lte=_midnight(until, zone))
    if asked.staff:
        found = found.filter(owner=int(asked.staff))
    if asked.unit:
        found = found.filter(owner__in=_staff_of(request, asked.unit, today))
    if asked.clause:
        found = found.filter(clause=asked.clause)
    rows = found.values_list("clause", "origin", "force", "state", F("due"), "settled_at", "evidence", "due_counts")
    measures = measure.adherence((measure.Kept(*row) for row in rows.iterator(2000)), request.now)
    return {"since": since, "until": until, "items": [_shown(each) for each in measures]}


def _midnight(day: date, zone: Any) -> datetime:
    return datetime.combine(day, time(0), zone)


def _staff_of(request: Desk, unit: str, day: date) -> Any:
    """Who serves in a unit or below it today."""
    path = one(Unit.objects.all(), unit).path
    serving = Post.objects.filter(unit__path__startswith=path, from_day__lte=day)
    return serving.exclude(to_day__lte=day).values("staff")


def _shown(each: measure.Measure) -> dict[str, Any]:
    law = clause.load()[each.clause]
    plain = {name: getattr(each, name) for name in MeasureOut.model_fields if name not in {"title", "force"}}
    return {**plain, "title": say(law.title), "force": law.force}
