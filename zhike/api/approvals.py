"""Approvals: what needs a second person, asked for, seen and decided."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Query, Router

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, one
from zhike.api.problems import say
from zhike.api.shapes import Id, IdOut, In, Line, Named, Out, Text, named
from zhike.people import approvals
from zhike.people.models import Approval
from zhike.people.permissions import policy

router = Router()

Decision = Literal["open", "approved", "refused", "withdrawn"]


class LineOut(Out):
    """One line of what is asked for, as the decider reads it."""

    name: str
    value: str


class ApprovalOut(Out):
    """``digest`` is over what stands in ``lines``; who approves sends it back. ``expired``: it waited too long."""

    id: IdOut
    kind: str
    title: str
    subject: str
    lines: list[LineOut]
    digest: str
    unit: Named | None
    asked_by: Named
    asked_at: datetime
    reason: str
    decision: Decision
    expired: bool
    decided_by: Named | None
    decided_at: datetime | None
    note: str


class ApprovalsOut(Out):
    items: list[ApprovalOut]
    next: str | None


class ApproveIn(In):
    """The digest of what was seen."""

    digest: Line
    note: Text = ""


class DecisionIn(In):
    """What the other side reads of it."""

    note: Text = ""


class Filters(Page):
    """``waiting``: only what the reader may decide now."""

    waiting: bool = False
    decision: Decision | None = None
    kind: Line | None = None


def requests(request: Desk) -> Any:
    return Approval.objects.visible_to(request.actor).select_related("asked_by", "decided_by", "unit")


def shown(approval: Approval, now: datetime, lines: list[approvals.Line] | None = None) -> dict[str, Any]:
    kind = approvals.KINDS.get(approval.kind)
    lines = approvals.worded([approval])[approval.pk] if lines is None else lines
    plain = ("kind", "subject", "digest", "asked_at", "reason", "decision", "decided_at", "note")
    return {
        **{name: getattr(approval, name) for name in plain},
        "id": approval.pk,
        "title": say(kind.title) if kind else approval.kind,
        "lines": [{"name": str(name), "value": str(value)} for name, value in lines],
        "unit": named(approval.unit),
        "asked_by": named(approval.asked_by),
        "decided_by": named(approval.decided_by),
        "expired": approvals.expired(approval, now),
    }


@router.get("approvals", response=ApprovalsOut)
@policy("approvals.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """One's own requests and those in one's scope, the newest first."""
    found = requests(request)
    if asked.waiting:
        found = found.filter(pk__in=approvals.waiting_for(request.actor, request.now).order_by().values("pk"))
    for name in ("decision", "kind"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, int):
        found = found.filter(id__lt=after[0])
    some, more = page(found.order_by("-id")[: asked.limit + 1], asked.limit, lambda each: (each.pk,))
    lines = approvals.worded(some)
    return {"items": [shown(each, request.now, lines[each.pk]) for each in some], "next": more}


@router.get("approvals/{id}", response=ApprovalOut)
@policy("approvals.view")
def get(request: Desk, id: Id) -> Any:
    """One request."""
    return shown(one(requests(request), id), request.now)


@router.post("approvals/{id}/approval", response=ApprovalOut)
@policy("approvals.view")
def approve(request: Desk, id: Id, body: ApproveIn) -> Any:
    """Decides for it and carries it out."""
    seen = one(requests(request), id)
    approvals.approve(request.actor, seen.pk, body.digest, request.now, body.note)
    return shown(one(requests(request), id), request.now)


@router.post("approvals/{id}/refusal", response=ApprovalOut)
@policy("approvals.view")
def refuse(request: Desk, id: Id, body: DecisionIn) -> Any:
    """Decides against it; the one who asked reads why."""
    seen = one(requests(request), id)
    approvals.refuse(request.actor, seen.pk, request.now, body.note)
    return shown(one(requests(request), id), request.now)


@router.post("approvals/{id}/withdrawal", response=ApprovalOut)
@policy("approvals.view")
def withdraw(request: Desk, id: Id, body: DecisionIn | None = None) -> Any:
    """Takes back what one has asked for."""
    seen = one(requests(request), id)
    approvals.withdraw(request.actor, seen.pk, request.now, body.note if body else "")
    return shown(one(requests(request), id), request.now)
