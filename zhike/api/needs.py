"""Needs: what customers want, over the whole book."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Query, Router

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, locked, one
from zhike.api.shapes import Id, IdOut, In, Out, Text
from zhike.customers.models import Need
from zhike.people.permissions import policy

router = Router()

NeedKind = Literal[
    "maturity",
    "deposit",
    "wealth",
    "pension",
    "education",
    "loan",
    "exchange",
    "insurance",
    "payment",
    "service",
    "other",
]
NeedState = Literal["open", "met", "declined", "lapsed"]


class WhoOut(Out):
    """A customer as rows show one."""

    id: IdOut
    name: str
    honorific: str
    tier: str


class NeedOut(Out):
    """``contact``: the one that it was heard in, if it was heard in one."""

    id: IdOut
    customer: WhoOut
    kind: NeedKind
    words: str
    state: NeedState
    opened_at: datetime
    contact: IdOut | None
    closed_at: datetime | None
    closed_why: str


class NeedsOut(Out):
    items: list[NeedOut]
    next: str | None


class NeedIn(In):
    """What the customer spoke of."""

    kind: NeedKind
    words: Text = ""


class ClosureIn(In):
    """How it ended."""

    state: Literal["met", "declined", "lapsed"]
    why: Text = ""


class Filters(Page):
    state: NeedState | None = None
    kind: NeedKind | None = None
    customer: Id | None = None


def who(customer: Any) -> dict[str, Any]:
    """A customer as rows show one."""
    return {"id": customer.pk, "name": customer.name, "honorific": customer.honorific, "tier": customer.tier}


def shown(need: Need) -> dict[str, Any]:
    plain = {name: getattr(need, name) for name in NeedOut.model_fields if name != "customer"}
    return {**plain, "customer": who(need.customer)}


def needs(request: Desk) -> Any:
    return Need.objects.filter(customer__keeper__among=request.actor.sees).select_related("customer")


@router.get("needs", response=NeedsOut)
@policy("customers.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Needs in the reader's scope, the newest first."""
    found = needs(request)
    for name in ("state", "kind", "customer"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, int):
        found = found.filter(id__lt=after[0])
    some, more = page(found.order_by("-id")[: asked.limit + 1], asked.limit, lambda each: (each.pk,))
    return {"items": [shown(each) for each in some], "next": more}


@router.get("needs/{id}", response=NeedOut)
@policy("customers.view")
def get(request: Desk, id: Id) -> Any:
    """One need."""
    return shown(one(needs(request), id))


@router.post("needs/{id}/closure", response=NeedOut)
@policy("customers.change")
def close(request: Desk, id: Id, body: ClosureIn) -> Any:
    """The need is met, declined or lapsed."""
    need = locked(needs(request), id)
    need.close(body.state, body.why, request.now)
    return shown(need)
