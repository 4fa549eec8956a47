"""Outings (W7): reported beforehand, answered by the leader, checked in stop by stop, put off, signed back in, reported on; help asked for
and answered."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal

from django.http import Http404, HttpResponse
from ninja import Query, Router
from pydantic import Field

from zhike.api import versions
from zhike.api.cursors import Page, last_first
from zhike.api.desk import Desk, bank_of, verb
from zhike.api.shapes import Day, Id, IdOut, In, Line, Moment, Named, Out, Text, named
from zhike.people.permissions import policy
from zhike.work import board as boards
from zhike.work import outings
from zhike.work.models import Help, Outing, Stop
from zhike.work.outings import Going

router = Router()

OutingState = Literal["reported", "out", "back", "closed", "cancelled"]
StopResult = Literal["done", "partly", "not_met", "put_off"]


class OutingStopOut(Out):
    """``visit``: the contact that it is for. ``result`` is empty while nobody has reported on it."""

    id: IdOut
    number: int
    customer: Named | None
    place: str
    purpose: str
    planned_for: datetime | None
    visit: IdOut | None
    reached_at: datetime | None
    result: str
    words: str
    told_at: datetime | None


class HelpOut(Out):
    """``due``: by when ``leader`` owes the answer."""

    id: IdOut
    words: str
    leader: Named
    asked_at: datetime
    due: datetime
    answer: str
    answered_by: Named | None
    answered_at: datetime | None


class OutingOut(Out):
    """``returns_at``: the return that was said last. ``overdue``: not signed back in by then. ``answer``: the leader's line."""

    id: IdOut
    staff: Named
    state: OutingState
    reported_at: datetime
    departs_at: datetime
    returns_at: datetime
    extended_at: datetime | None
    left_at: datetime | None
    back_at: datetime | None
    closed_at: datetime | None
    cancelled_at: datetime | None
    overdue: bool
    note: str
    why: str
    answer: str
    not_today: bool
    answered_by: Named | None
    answered_at: datetime | None
    stops: list[OutingStopOut]
    helps: list[HelpOut]
    version: int


class OutingsOut(Out):
    items: list[OutingOut]
    next: str | None


class BoardOfOutingsOut(Out):
    items: list[OutingOut]


class OutingProposedOut(Out):
    """A visit that is agreed for the day and in no outing yet."""

    customer: Named | None
    place: str
    purpose: str
    planned_for: datetime | None
    visit: IdOut | None


class OutingProposalOut(Out):
    items: list[OutingProposedOut]


class OutingStopIn(In):
    """A ``customer`` of one's own book, or a ``place``, or both. ``visit``: the agreed visit that it is for."""

    customer: Id | None = None
    place: Line = ""
    purpose: Line
    planned_for: Moment | None = None
    visit: Id | None = None

    @property
    def going(self) -> Going:
        return Going(
            int(self.customer) if self.customer else None, self.place, self.purpose, self.planned_for,
            int(self.visit) if self.visit else None,
        )  # fmt: skip


class OutingIn(In):
    """Whose ``departs_at`` has come is out at once."""

    stops: Annotated[list[OutingStopIn], Field(min_length=1, max_length=20)]
    departs_at: Moment
    returns_at: Moment
    note: Text = ""


class CheckInIn(In):
    stop: Id


class OutingReportIn(In):
    stop: Id
    result: StopResult
    words: Text = ""


class OutingReturnIn(In):
    """``at``: when one was back, where it is said later; now unless given."""

    at: Moment | None = None


class OutingExtensionIn(In):
    returns_at: Moment


class OutingAnswerIn(In):
    """``not_today``: the leader would rather nobody went."""

    words: Line = ""
    not_today: bool = False


class HelpIn(In):
    words: Text


class OutingCallOffIn(In):
    why: Text = ""


class OutingFilters(Page):
    """``since`` and ``until`` bound the departure. ``overdue``: only those not signed back in by the return that was said last."""

    staff: Id | None = None
    state: OutingState | None = None
    overdue: bool = False
    since: Moment | None = None
    until: Moment | None = None


class ProposalOf(In):
    """``day``: today unless given."""

    day: Day | None = None


def rows(request: Desk) -> Any:
    return boards.whole(Outing.objects.visible_to(request.actor))


def shown(each: Outing, now: datetime) -> dict[str, Any]:
    plain = (
        "state", "reported_at", "departs_at", "returns_at", "extended_at", "left_at", "back_at", "closed_at", "cancelled_at",
        "note", "why", "answer", "not_today", "answered_at", "version",
    )  # fmt: skip
    return {
        **{name: getattr(each, name) for name in plain},
        "id": each.pk,
        "staff": named(each.staff),
        "overdue": each.is_overdue(now),
        "answered_by": named(each.answered_by),
        "stops": [_stop(stop) for stop in each.stops.all()],
        "helps": [_help(asked) for asked in each.helps.all()],
    }


def _stop(stop: Stop) -> dict[str, Any]:
    plain = ("number", "place", "purpose", "planned_for", "reached_at", "result", "words", "told_at")
    visit = stop.visit.removeprefix("contact:")
    return {
        **{name: getattr(stop, name) for name in plain},
        "id": stop.pk,
        "customer": named(stop.customer),
        "visit": visit or None,
    }


def _help(asked: Help) -> dict[str, Any]:
    plain = ("words", "asked_at", "due", "answer", "answered_at")
    return {
        **{name: getattr(asked, name) for name in plain},
        "id": asked.pk,
        "leader": named(asked.leader),
        "answered_by": named(asked.answered_by),
    }


def held(request: Desk, id: str) -> Outing:
    """The outing that a verb acts on, as the program read it."""
    found: Outing = versions.held(request, Outing.objects, id)
    return found


def stop_of(found: Outing, id: str) -> Stop:
    stop = Stop.objects.filter(outing=found, pk=int(id)).first()
    if stop is None:
        raise Http404
    stop.outing = found
    return stop


def told(request: Desk, id: int | str, response: HttpResponse) -> dict[str, Any]:
    found = rows(request).filter(pk=int(id)).first()
    if found is None:
        raise Http404
    versions.stamp(response, found)
    return shown(found, request.now)


@router.get("outings", response=OutingsOut)
@policy("outings.view")
def list_(request: Desk, asked: Query[OutingFilters]) -> Any:
    """One's own and those of whom one oversees; the one told last first."""
    found = rows(request)
    for name in ("staff", "state"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if asked.overdue:
        found = found.filter(state__in=["reported", "out"], returns_at__lt=request.now)
    if asked.since:
        found = found.filter(departs_at__gte=asked.since)
    if asked.until:
        found = found.filter(departs_at__lt=asked.until)
    return last_first(found, asked, lambda each: shown(each, request.now))


@router.post("outings", response={201: OutingOut})
@policy("outings.change")
def create(request: Desk, body: OutingIn, response: HttpResponse) -> Any:
    """Says beforehand where one goes, for what and until when; the leader sees it at once."""
    made = outings.report(
        [stop.going for stop in body.stops], departs_at=body.departs_at, returns_at=body.returns_at, note=body.note,
        **verb(request),
    )  # fmt: skip
    return told(request, made.pk, response)


@router.get("outings/proposal", response=OutingProposalOut)
@policy("outings.change")
def proposal(request: Desk, asked: Query[ProposalOf]) -> Any:
    """The visits agreed for a day, as stops."""
    zone = bank_of(request).zone
    first = datetime.combine(asked.day or request.now.astimezone(zone).date(), time(0), zone)
    found = outings.proposed(request.actor, first, first + timedelta(days=1))
    return {
        "items": [
            {"customer": {"id": each.customer, "name": each.name} if each.customer else None, "place": each.place,
             "purpose": each.purpose, "planned_for": each.at, "visit": each.visit}
            for each in found
        ]
    }  # fmt: skip


@router.get("outings/board", response=BoardOfOutingsOut)
@policy("team.view")
def board(request: Desk) -> Any:
    """Who is where today, of whom one oversees; the first return first."""
    midnight = request.now.astimezone(bank_of(request).zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found = boards.board(request.actor, midnight, midnight + timedelta(days=1))
    return {"items": [shown(each, request.now) for each in found]}


@router.get("outings/{id}", response=OutingOut)
@policy("outings.view")
def get(request: Desk, id: Id, response: HttpResponse) -> Any:
    """One outing."""
    return told(request, id, response)


@router.post("outings/{id}/departure", response=OutingOut)
@policy("outings.change")
def leave(request: Desk, id: Id, response: HttpResponse) -> Any:
    """Off, now."""
    outings.leave(held(request, id), **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/stops", response={201: OutingOut})
@policy("outings.change")
def add_stop(request: Desk, id: Id, body: OutingStopIn, response: HttpResponse) -> Any:
    """One more place, before leaving or on the way."""
    outings.add_stop(held(request, id), body.going, **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/check-in", response=OutingOut)
@policy("outings.change")
def check_in(request: Desk, id: Id, body: CheckInIn, response: HttpResponse) -> Any:
    """At a stop, now; of an agreed visit it is the arrival at its door (V2)."""
    outings.check_in(stop_of(held(request, id), body.stop), **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/extension", response=OutingOut)
@policy("outings.change")
def extend(request: Desk, id: Id, body: OutingExtensionIn, response: HttpResponse) -> Any:
    """Another return."""
    outings.extend(held(request, id), body.returns_at, **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/answer", response=OutingOut)
@policy("outings.answer")
def answer(request: Desk, id: Id, body: OutingAnswerIn, response: HttpResponse) -> Any:
    """The leader's line."""
    outings.answer(held(request, id), body.words, not_today=body.not_today, **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/help", response={201: OutingOut})
@policy("outings.change")
def ask_help(request: Desk, id: Id, body: HelpIn, response: HttpResponse) -> Any:
    """Asks the leader for help, who owes an answer."""
    outings.ask_help(held(request, id), body.words, **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/help/{help}/answer", response=OutingOut)
@policy("outings.answer")
def answer_help(request: Desk, id: Id, help: Id, body: HelpIn, response: HttpResponse) -> Any:
    """What the leader answers to it."""
    outing = held(request, id)
    asked = Help.objects.filter(outing=outing, pk=int(help)).first()
    if asked is None:
        raise Http404
    asked.outing = outing
    outings.answer_help(asked, body.words, **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/return", response=OutingOut)
@policy("outings.change")
def come_back(request: Desk, id: Id, body: OutingReturnIn, response: HttpResponse) -> Any:
    """Signs back in; for whoever cannot, their leader does."""
    outings.come_back(held(request, id), at=body.at, **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/report", response=OutingOut)
@policy("outings.change")
def report(request: Desk, id: Id, body: OutingReportIn, response: HttpResponse) -> Any:
    """What came of a stop; with the last one, once one is back, the outing is reported on."""
    outings.report_on(stop_of(held(request, id), body.stop), body.result, body.words, **verb(request))
    return told(request, id, response)


@router.post("outings/{id}/cancellation", response=OutingOut)
@policy("outings.change")
def call_off(request: Desk, id: Id, body: OutingCallOffIn, response: HttpResponse) -> Any:
    """It will not be; before leaving."""
    outings.call_off(held(request, id), body.why, **verb(request))
    return told(request, id, response)
