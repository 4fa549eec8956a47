"""Adherence: how the code was kept, clause by clause, over what the reader may see. Counts before rates; no ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from django.utils.translation import gettext as _
from ninja import Query, Router

from zhike.api.desk import Desk, bank_of, one
from zhike.api.problems import field_invalid, say
from zhike.api.shapes import Day, Id, In, Line, Named, Out
from zhike.conduct import clause, measure
from zhike.conduct.satisfied import SCALE
from zhike.obligations.adherence import fell_due, measured
from zhike.obligations.call_backs import Whose, called_back
from zhike.obligations.unseen import left_open
from zhike.people.models import Post, Staff, Unit
from zhike.people.permissions import policy
from zhike.people.posts import stations
from zhike.sms.satisfaction import ratings
from zhike.work.rates import rates

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
    zone, today = bank_of(request).zone, _today(request)
    since, until = _period(asked, today)
    found = fell_due(request.actor, request.actor.oversees, _midnight(since, zone), _midnight(until, zone))
    if asked.staff:
        found = found.filter(owner=int(asked.staff))
    if asked.unit:
        found = found.filter(owner__in=_staff_of(request, asked.unit, today))
    if asked.clause:
        found = found.filter(clause=asked.clause)
    measures = measure.adherence((each.kept for each in measured(found)), request.now)
    return {"since": since, "until": until, "items": [_shown(each) for each in measures]}


class CallBacksAsked(In):
    """From and until which promised day (the latter not included; without them this month so far), whose, put together by whom."""

    since: Day | None = None
    until: Day | None = None
    staff: Id | None = None
    unit: Id | None = None
    by: Literal["staff", "unit"] | None = None


class BinOut(Out):
    """Deviations from one minute to another, negative for early; null: without end. Before the promised minute a bin holds its
    first edge, after it its last.
    """

    after: int | None
    upto: int | None
    early: int
    kept: int
    late: int


class CallBacksOut(Out):
    """``never``: still open past its window; ``told``: of those, how many a leader has notice of. ``open``: its minute is still
    to come. ``by_customer``: of the kept ones, those where the customer rang first. Withdrawn and waived ones, and those that
    cannot be made, are not counted. ``grades``: for each fate, how the times are known. ``tolerances``: minutes either way → how
    many were promised with it.
    """

    staff: Named | None = None
    unit: Named | None = None
    owed: int
    early: int
    kept: int
    late: int
    never: int
    open: int
    told: int
    by_customer: int
    grades: dict[str, dict[str, int]]
    tolerances: dict[str, int]
    bins: list[BinOut]


class CallBacksListOut(Out):
    """All of them together; with ``by`` each staff member's or unit's too, in the order of units and staff numbers."""

    since: date
    until: date
    whole: CallBacksOut
    items: list[CallBacksOut]


@router.get("adherence/call-backs", response=CallBacksListOut)
@policy("adherence.view")
def call_backs(request: Desk, asked: Query[CallBacksAsked]) -> Any:
    """C5: how far off their promised minute the agreed call-backs of the period were made."""
    zone, today = bank_of(request).zone, _today(request)
    since, until = _period(asked, today)
    owners = [keeper for keeper in request.actor.oversees if not asked.staff or keeper == int(asked.staff)]
    unit = one(Unit.objects.all(), asked.unit).pk if asked.unit else None
    begin, end = _midnight(since, zone), _midnight(until, zone)
    rows = called_back(owners, begin, end, now=request.now, day=today, below=unit)
    groups: dict[tuple[int, str], list[Whose]] = {}
    for row in rows if asked.by else ():
        whose = (row.staff, row.name) if asked.by == "staff" else (row.unit or 0, row.unit_name)
        groups.setdefault(whose, []).append(row)
    items = [
        {**_made(group), asked.by: {"id": id, "name": name} if id else None} for (id, name), group in groups.items()
    ]
    return {"since": since, "until": until, "whole": _made(rows), "items": items}


class SatisfactionAsked(In):
    """Contacts that ended, and assignments that were due, from and until which day (the latter not included; without them this month so far);
    whose; put together by whom.
    """

    since: Day | None = None
    until: Day | None = None
    unit: Id | None = None
    by: Literal["staff", "unit"] | None = None


class SatisfactionOut(Out):
    """``mean``: of customers' ratings from 1 to 5; ``answered``, ``ratings`` (how many gave which) and it are null below the bank's least
    number, and where they could be reckoned from the rest. ``leader_mean``: of leaders' ratings of assignments, null below five. ``late``: open
    past its time as of now; ``unseen``: of that, what nobody was reminded of.
    """

    staff: Named | None = None
    unit: Named | None = None
    asked: int
    answered: int | None
    mean: float | None
    ratings: dict[str, int] | None
    leader_mean: float | None
    late: int
    unseen: int


class SatisfactionListOut(Out):
    """All of them together; with ``by`` each staff member's or unit's too, in the order of units and staff numbers."""

    since: date
    until: date
    least: int
    whole: SatisfactionOut
    items: list[SatisfactionOut]


@router.get("adherence/satisfaction", response=SatisfactionListOut)
@policy("adherence.view")
def satisfaction(request: Desk, asked: Query[SatisfactionAsked]) -> Any:
    """W9: how content customers are, asked by SMS, and leaders, on acceptance; and what stays open."""
    bank, today = bank_of(request), _today(request)
    since, until = _period(asked, today)
    begin, end = _midnight(since, bank.zone), _midnight(until, bank.zone)
    owners = [keeper for keeper in request.actor.oversees if keeper > 0]
    serve = stations(owners, today)
    path = one(Unit.objects.all(), asked.unit).path if asked.unit else ""
    by_leader, _all = rates(request.actor, begin, end, now=request.now)
    every = measure.content(
        owners, ratings(request.actor, owners, begin, end), {id: errands.ratings for id, _name, errands in by_leader},
        left_open(owners, request.now), bank.satisfaction_least,
    )  # fmt: skip
    found = {id: part for id, part in every.items() if not path or (id in serve and serve[id].path.startswith(path))}
    least = bank.satisfaction_least
    whole = measure.together(found.values(), least)
    told = measure.Shown.of(every, {id: unit.way for id, unit in serve.items()}, least)
    shown = told.below.get(int(asked.unit), (False, False)) if asked.unit else told.whole
    items = _by(asked.by, found, serve, told, least) if asked.by else []
    return {"since": since, "until": until, "least": least, "whole": _content(whole, shown=shown), "items": items}


def _by(
    by: Literal["staff", "unit"], found: Mapping[int, measure.Content], serve: Mapping[int, Unit], told: measure.Shown, least: int
) -> list[dict[str, Any]]:  # fmt: skip
    """Of a person nothing that their unit's figure would give away, of a unit nothing that the whole's would."""
    units: dict[int, list[int]] = {}
    for id in found:
        units.setdefault(serve[id].pk if id in serve else 0, []).append(id)
    whole = {unit: measure.together((found[id] for id in ids), least) for unit, ids in units.items()}
    names = {unit.pk: unit for unit in serve.values()}
    order = sorted(units, key=lambda unit: names[unit].code if unit else "~")
    if by == "unit":
        return [
            {**_content(whole[unit], shown=told.itself[unit]), "unit": {"id": unit, "name": names[unit].name} if unit else None}
            for unit in order
        ]  # fmt: skip
    people = {row.pk: row for row in Staff.objects.filter(pk__in=found)}
    items = []
    for unit in order:
        seen = measure.Sayable.of({id: found[id] for id in units[unit]}, least).within(told.itself[unit])
        for id in sorted(units[unit], key=lambda each: people[each].number):
            items.append({**_content(found[id], shown=seen.both(id)), "staff": {"id": id, "name": people[id].name}})
    return items


def _content(part: measure.Content, *, shown: tuple[bool, bool]) -> dict[str, Any]:
    customers = part.customers
    told = shown[0] and not customers.few
    return {
        "asked": customers.asked,
        "answered": customers.answered if told else None,
        "mean": customers.mean if told else None,
        "ratings": {str(value): many for value, many in zip(SCALE, customers.ratings, strict=True)} if told else None,
        "leader_mean": part.leader_mean if shown[1] else None, "late": part.late, "unseen": part.unseen,
    }  # fmt: skip


def _made(rows: Sequence[Whose]) -> dict[str, Any]:
    found = measure.call_backs(row.made for row in rows)
    bins = [
        {**dict(zip(("after", "upto"), measure.edges(n), strict=True)), **{fate: bin[fate] for fate in MADE}}
        for n, bin in enumerate(found.bins)
        if bin
    ]
    return {
        **found.fates, "owed": found.owed, "told": found.told, "by_customer": found.by_customer, "bins": bins,
        "grades": found.grades, "tolerances": {str(minutes): n for minutes, n in found.tolerances.items()},
    }  # fmt: skip


MADE = ("early", "kept", "late")


def _today(request: Desk) -> date:
    return request.now.astimezone(bank_of(request).zone).date()


def _period(asked: Asked | CallBacksAsked | SatisfactionAsked, today: date) -> tuple[date, date]:
    """From which day until before which."""
    since, until = asked.since or today.replace(day=1), asked.until or today + timedelta(days=1)
    if not since < until <= since + LONGEST:
        raise field_invalid("until", _("The period ends after it begins, and is no longer than a year."))
    return since, until


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
