"""Leaves: who is away, who stands in; asked, answered, called off, ended early."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import Http404
from ninja import Query, Router

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of, one, verb
from zhike.api.shapes import Day, Id, IdOut, In, Named, Out, Text
from zhike.people import leave
from zhike.people.models import Leave
from zhike.people.permissions import policy

router = Router()

Answer = Literal["asked", "accepted", "declined", "cancelled"]


class LeaveOut(Out):
    """``to_day`` is the first day back. ``covers``: whether the stand-in may act for ``staff`` today."""

    id: IdOut
    staff: Named
    from_day: date
    to_day: date
    stand_in: Named
    note: str
    asked_by: Named
    asked_at: datetime
    answer: Answer
    answered_at: datetime | None
    why: str
    ended_at: datetime | None
    covers: bool


class LeavesOut(Out):
    items: list[LeaveOut]
    next: str | None


class LeaveIn(In):
    """``staff``: for whom; oneself unless said, or somebody whom one leads. ``to_day`` is the first day back."""

    staff: Id | None = None
    from_day: Day
    to_day: Day
    stand_in: Id
    note: Text = ""


class StandInIn(In):
    """Who is asked now."""

    stand_in: Id


class WhyIn(In):
    """What the other side reads of it."""

    why: Text = ""


class Filters(Page):
    """``of``: one's own, those one is asked to stand in for, or none given: all that one may see."""

    of: Literal["mine", "to_me"] | None = None
    answer: Answer | None = None
    staff: Id | None = None


def leaves(request: Desk) -> Any:
    return Leave.objects.visible_to(request.actor).select_related("staff", "stand_in", "asked_by")


def shown(found: Leave, today: date) -> dict[str, Any]:
    plain = ("from_day", "to_day", "note", "asked_at", "answer", "answered_at", "why", "ended_at")
    return {
        **{name: getattr(found, name) for name in plain},
        "id": found.pk,
        **{who: {"id": each.pk, "name": each.name} for who, each in _persons(found)},
        "covers": found.answer == "accepted" and found.ended_at is None and found.from_day <= today < found.to_day,
    }


def _persons(found: Leave) -> list[tuple[str, Any]]:
    return [("staff", found.staff), ("stand_in", found.stand_in), ("asked_by", found.asked_by)]


def held(request: Desk, id: str) -> Leave:
    """The leave that a verb acts on."""
    found = leave.held(int(id), request.actor)
    if found is None:
        raise Http404
    return found


def answered(request: Desk, found: Leave) -> dict[str, Any]:
    today = request.now.astimezone(bank_of(request).zone).date()
    return shown(one(leaves(request), found.pk), today)


@router.get("leaves", response=LeavesOut)
@policy("leave.ask")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """One's own leaves, those one is asked to stand in for, those of whom one leads; the last to begin first."""
    found = leaves(request)
    if asked.of == "mine":
        found = found.filter(staff=request.actor.id)
    if asked.of == "to_me":
        found = found.filter(stand_in=request.actor.id)
    for name in ("answer", "staff"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, date.fromisoformat, int):
        day, id = after
        found = found.filter(from_day__lte=day).exclude(from_day=day, pk__gte=id)
    some, more = page(
        found.order_by("-from_day", "-pk")[: asked.limit + 1],
        asked.limit,
        lambda each: (each.from_day.isoformat(), each.pk),
    )
    today = request.now.astimezone(bank_of(request).zone).date()
    return {"items": [shown(each, today) for each in some], "next": more}


@router.post("leaves", response={201: LeaveOut})
@policy("leave.ask")
def ask(request: Desk, body: LeaveIn) -> Any:
    """Asks a colleague to stand in while one, or somebody whom one leads, is away. It counts once the colleague accepts."""
    asked = leave.ask(
        int(body.staff) if body.staff else request.actor.id, body.from_day, body.to_day, int(body.stand_in),
        note=body.note, **verb(request),
    )  # fmt: skip
    return answered(request, asked)


@router.get("leaves/{id}", response=LeaveOut)
@policy("leave.ask")
def get(request: Desk, id: Id) -> Any:
    """One leave."""
    return answered(request, one(leaves(request), id))


@router.post("leaves/{id}/stand-in", response=LeaveOut)
@policy("leave.ask")
def ask_another(request: Desk, id: Id, body: StandInIn) -> Any:
    """Asks another colleague; whoever was asked or had accepted is free of it at once."""
    return answered(request, leave.ask_another(held(request, id), int(body.stand_in), **verb(request)))


@router.post("leaves/{id}/acceptance", response=LeaveOut)
@policy("leave.ask")
def accept(request: Desk, id: Id) -> Any:
    """Says yes: from the first day on one sees and does what the colleague's customers need."""
    return answered(request, leave.accept(held(request, id), **verb(request)))


@router.post("leaves/{id}/refusal", response=LeaveOut)
@policy("leave.ask")
def decline(request: Desk, id: Id, body: WhyIn) -> Any:
    """Says no, and why."""
    return answered(request, leave.decline(held(request, id), body.why, **verb(request)))


@router.post("leaves/{id}/cancellation", response=LeaveOut)
@policy("leave.ask")
def cancel(request: Desk, id: Id, body: WhyIn | None = None) -> Any:
    """Calls it off before it has begun."""
    why = body.why if body else ""
    return answered(request, leave.cancel(held(request, id), why=why, **verb(request)))


@router.post("leaves/{id}/end", response=LeaveOut)
@policy("leave.ask")
def end(request: Desk, id: Id) -> Any:
    """Back early: the stand-in's right is gone with the next request."""
    return answered(request, leave.end(held(request, id), **verb(request)))
