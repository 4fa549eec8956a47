"""Work plans (W1): a proposal from what is known, fixed, added to, put in order, commented on; and a day of the team for its meetings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of, one, verb
from zhike.api.needs import WhoOut, who
from zhike.api.problems import say
from zhike.api.shapes import Day, Id, IdOut, In, Line, Named, Out, Text
from zhike.api.versions import held, stamp
from zhike.conduct import guard
from zhike.conduct.words import Words
from zhike.people.permissions import policy
from zhike.work import meetings, plans
from zhike.work.models import Plan
from zhike.work.models.plan import Period
from zhike.work.plan_lines import Reckoned, Standing, reckoned, stand
from zhike.work.plans import Own
from zhike.work.proposals import Proposed, propose

router = Router()

Of = Literal["day", "week", "month"]
About = Annotated[str, Field(min_length=1, max_length=300)]


class ProposedOut(Out):
    """``about``: what it is called when the plan is fixed; ``because``: why it is proposed; ``carried``: how often it has moved on."""

    about: str
    because: Literal["moved_on", "late", "due", "appointment", "birthday", "maturity", "before", "soon", "need"]
    what: str
    at: datetime | None
    customer: WhoOut | None
    clause: str
    carried: int


class ProposalOut(Out):
    """``items``: the plan, if nothing is changed; ``offered``: what may be taken up beside."""

    period: Of
    first_day: date
    last_day: date
    items: list[ProposedOut]
    offered: list[ProposedOut]


class PlanLineOut(Out):
    """``stands``: as of now, or of the end of the period; ``off``: why nothing is to be done any more; ``late``: after its own time."""

    about: str
    what: str
    at: datetime | None
    customer: WhoOut | None
    obligation: IdOut | None
    stands: Literal["open", "done", "moved_on", "missed", "off"]
    off: str
    late: bool
    ended: datetime | None
    carried: int
    added_at: datetime | None


class KeptOut(Out):
    """The plan against what was done; ``carried`` had moved on from an earlier plan."""

    planned: int
    done: int
    open: int
    moved_on: int
    missed: int
    off: int
    carried: int


class PlanCommentOut(Out):
    by: Named
    at: datetime
    words: str


class PlanRow(Out):
    id: IdOut
    staff: Named
    period: Of
    first_day: date
    last_day: date
    fixed_at: datetime
    kept: KeptOut


class PlanOut(PlanRow):
    lines: list[PlanLineOut]
    comments: list[PlanCommentOut]


class PlansOut(Out):
    items: list[PlanRow]
    next: str | None


class PlanFilters(Page):
    """``of``: one's own, those of others, or none given: all in sight; ``since`` and ``until``: first days of the periods."""

    of: Literal["mine", "team"] | None = None
    period: Of | None = None
    staff: Id | None = None
    since: Day | None = None
    until: Day | None = None


class ProposalFilters(In):
    """Of which period; ``day`` lies in it, today unless given."""

    period: Of = "day"
    day: Day | None = None


class OwnIn(In):
    """A line of one's own, with a customer of one's own book where it has one."""

    words: Line
    customer: Id | None = None


class PlanIn(In):
    """``chosen``: what stands on it, in its order, by what the proposal calls it; left out: as it is proposed."""

    period: Of = "day"
    day: Day | None = None
    chosen: Annotated[list[About], Field(max_length=700)] | None = None
    own: Annotated[list[OwnIn], Field(max_length=plans.OWN)] = []


class PlanLineIn(In):
    """A line of one's own, or what is proposed or offered now, by its ``about``."""

    own: OwnIn | None = None
    about: About | None = None


class OrderIn(In):
    """These lines first, in this order."""

    abouts: Annotated[list[About], Field(min_length=1, max_length=700)]


class CalledOffIn(In):
    about: About
    why: Line


class PlanCommentIn(In):
    words: Annotated[Text, Field(max_length=plans.SAID)]


class SeatOut(Out):
    """One RM of the team. ``before``: their last plan before the day; ``beyond``: what was done and not planned; ``late``: now."""

    staff: Named
    away: bool
    plan: IdOut | None
    fixed_at: datetime | None
    kept: KeptOut
    lines: list[PlanLineOut]
    before: KeptOut | None
    appointments: int
    birthdays: list[WhoOut]
    maturing: int
    beyond: int
    late: int
    comments: list[PlanCommentOut]


class MeetingOut(Out):
    day: date
    unit: Named | None
    kept: KeptOut
    seats: list[SeatOut]


class MeetingFilters(In):
    day: Day | None = None
    unit: Id | None = None


def _kept(kept: Reckoned) -> dict[str, int]:
    names = ("planned", "done", "open", "moved_on", "missed", "off", "carried")
    return {name: getattr(kept, name) for name in names}


def _what(row: Standing | Proposed) -> str:
    if row.obligation is not None:
        return say(Words(**row.obligation.what))
    if row.appointment is not None:
        about = row.appointment.words or (
            say(guard.PURPOSES[row.appointment.purpose]) if row.appointment.purpose in guard.PURPOSES else ""
        )
        return " · ".join(part for part in (row.appointment.kind, about, row.appointment.place) if part)
    if isinstance(row, Proposed) and row.words is not None:
        return say(row.words)
    day = row.falls_on if isinstance(row, Proposed) else row.line.falls_on
    return f"birthday {day}" if day else ""


def _line(row: Standing) -> dict[str, Any]:
    return {
        "about": row.line.about, "what": _what(row), "at": row.at, "customer": who(row.customer) if row.customer else None,
        "obligation": row.obligation.pk if row.obligation else None, "stands": row.stands, "off": row.off, "late": row.late,
        "ended": row.ended, "carried": row.line.carried, "added_at": row.line.added_at,
    }  # fmt: skip


def _proposed(row: Proposed) -> dict[str, Any]:
    return {
        "about": row.about, "because": row.because, "what": _what(row), "at": row.at,
        "customer": who(row.customer) if row.customer else None, "clause": row.obligation.clause if row.obligation else "",
        "carried": row.carried,
    }  # fmt: skip


def _comment(row: Any) -> dict[str, Any]:
    return {"by": {"id": row.by_id, "name": row.by.name}, "at": row.at, "words": row.words}


def _row(plan: Plan, lines: list[Standing]) -> dict[str, Any]:
    return {
        "id": plan.pk, "staff": {"id": plan.staff_id, "name": plan.staff.name}, "period": plan.period, "first_day": plan.first_day,
        "last_day": plan.last_day, "fixed_at": plan.fixed_at, "kept": _kept(reckoned(lines)),
    }  # fmt: skip


def _whole(request: Desk, response: HttpResponse, plan: Plan) -> dict[str, Any]:
    stamp(response, plan)
    lines = stand([plan], actor=request.actor, now=request.now, bank=bank_of(request))[plan.pk]
    comments = plan.comments.select_related("by").order_by("at", "pk")
    return {
        **_row(plan, lines),
        "lines": [_line(row) for row in lines],
        "comments": [_comment(row) for row in comments],
    }


def _plans(request: Desk) -> Any:
    return Plan.objects.visible_to(request.actor).select_related("staff")


def _held(request: Desk, id: str) -> Plan:
    found: Plan = held(request, Plan.objects, id)
    return found


def _day(request: Desk, day: date | None) -> date:
    return day or request.now.astimezone(bank_of(request).zone).date()


@router.get("work-plans", response=PlansOut)
@policy("plans.view")
def list_(request: Desk, asked: Query[PlanFilters]) -> Any:
    """Plans in sight, the last period first."""
    found = _plans(request)
    if asked.of:
        own = {"staff": request.actor.id}
        found = found.filter(**own) if asked.of == "mine" else found.exclude(**own)
    for name, value in (("period", asked.period), ("staff", asked.staff), ("first_day__gte", asked.since), ("first_day__lte", asked.until)):  # fmt: skip
        if value:
            found = found.filter(**{name: value})
    if after := position(asked.cursor, date.fromisoformat, int):
        day, id = after
        found = found.filter(first_day__lte=day).exclude(first_day=day, pk__gte=id)
    rows = list(found.order_by("-first_day", "-pk")[: asked.limit + 1])
    some, more = page(rows, asked.limit, lambda each: (each.first_day.isoformat(), each.pk))
    lines = stand(some, actor=request.actor, now=request.now, bank=bank_of(request))
    return {"items": [_row(each, lines[each.pk]) for each in some], "next": more}


@router.get("work-plans/proposal", response=ProposalOut)
@policy("plans.change")
def proposal(request: Desk, asked: Query[ProposalFilters]) -> Any:
    """One's own plan of a period, as it proposes itself; nothing is kept."""
    found = propose(Period(asked.period), _day(request, asked.day), **verb(request))
    return {
        "period": found.period, "first_day": found.first_day, "last_day": found.last_day,
        "items": [_proposed(row) for row in found.lines], "offered": [_proposed(row) for row in found.offered],
    }  # fmt: skip


@router.get("work-plans/meeting", response=MeetingOut)
@policy("team.view")
def meeting(request: Desk, asked: Query[MeetingFilters]) -> Any:
    """A day of a unit's RMs: what the morning and the evening meeting are held by."""
    unit = int(asked.unit) if asked.unit else None
    found = meetings.meeting(request.actor, _day(request, asked.day), unit=unit, now=request.now, bank=bank_of(request))
    return {
        "day": found.day,
        "unit": {"id": found.unit.pk, "name": found.unit.name} if found.unit else None,
        "kept": _kept(found.kept),
        "seats": [
            {
                "staff": {"id": seat.staff.pk, "name": seat.staff.name}, "away": seat.away,
                "plan": seat.plan.pk if seat.plan else None, "fixed_at": seat.plan.fixed_at if seat.plan else None,
                "kept": _kept(seat.kept), "lines": [_line(row) for row in seat.lines],
                "before": _kept(seat.before_kept) if seat.before else None, "appointments": len(seat.appointments),
                "birthdays": [who(each) for each in seat.birthdays], "maturing": len(seat.maturing), "beyond": seat.beyond,
                "late": seat.late, "comments": [_comment(row) for row in seat.comments],
            }
            for seat in found.seats
        ],
    }  # fmt: skip


@router.post("work-plans", response={201: PlanOut})
@policy("plans.change")
def fix(request: Desk, response: HttpResponse, body: PlanIn) -> Any:
    """Fixes one's own plan of a period; what has moved on stays on it."""
    own = [Own(each.words, int(each.customer) if each.customer else None) for each in body.own]
    made = plans.fix(Period(body.period), _day(request, body.day), body.chosen, own, **verb(request))
    return _whole(request, response, one(_plans(request), made.pk))


@router.get("work-plans/{id}", response=PlanOut)
@policy("plans.view")
def get(request: Desk, response: HttpResponse, id: Id) -> Any:
    """One plan with its lines, how they stand, and what was said of it."""
    return _whole(request, response, one(_plans(request), id))


@router.post("work-plans/{id}/lines", response=PlanOut)
@policy("plans.change")
def add(request: Desk, response: HttpResponse, id: Id, body: PlanLineIn) -> Any:
    """One more line."""
    own = body.own
    what = Own(own.words, int(own.customer) if own.customer else None) if own else body.about or Own("")
    return _whole(request, response, plans.add(_held(request, id), what, **verb(request)))


@router.post("work-plans/{id}/order", response=PlanOut)
@policy("plans.change")
def order(request: Desk, response: HttpResponse, id: Id, body: OrderIn) -> Any:
    """Puts lines first, in this order."""
    return _whole(request, response, plans.order(_held(request, id), body.abouts, **verb(request)))


@router.post("work-plans/{id}/cancellation", response=PlanOut)
@policy("plans.change")
def call_off(request: Desk, response: HttpResponse, id: Id, body: CalledOffIn) -> Any:
    """A line that the plan itself added is not wanted any more."""
    return _whole(request, response, plans.call_off(_held(request, id), body.about, body.why, **verb(request)))


@router.post("work-plans/{id}/comments", response={201: PlanOut})
@policy("plans.comment")
def comment(request: Desk, response: HttpResponse, id: Id, body: PlanCommentIn) -> Any:
    """The leader's word on it: whoever made it reads it on Today."""
    return _said(request, response, id, body)


@router.post("work-plans/{id}/answer", response={201: PlanOut})
@policy("plans.change")
def answer(request: Desk, response: HttpResponse, id: Id, body: PlanCommentIn) -> Any:
    """What whose plan it is answers; it has read what was said."""
    return _said(request, response, id, body)


def _said(request: Desk, response: HttpResponse, id: str, body: PlanCommentIn) -> dict[str, Any]:
    plan = _held(request, id)
    plans.comment(plan, body.words, **verb(request))
    return _whole(request, response, plan)


@router.post("work-plans/{id}/reading", response=PlanOut)
@policy("plans.change")
def read(request: Desk, response: HttpResponse, id: Id) -> Any:
    """Whose plan it is has read what was said of it."""
    plan = _held(request, id)
    plans.read(plan, **verb(request))
    return _whole(request, response, plan)
