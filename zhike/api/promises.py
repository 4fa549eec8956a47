"""Promises (W11): what somebody gave their word on and what became of it; a line understood, confirmed or refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import Http404
from ninja import Query, Router

from zhike.api.cursors import Page, moment, page, position
from zhike.api.desk import Desk, locked, one, verb
from zhike.api.needs import WhoOut, who
from zhike.api.obligations import NEVER, FactOut, ObligationOut, ObligationRow, fact, shown, whole
from zhike.api.shapes import Id, In, Line, Moment, Named, Out, Text
from zhike.customers.models import Customer
from zhike.obligations import promises
from zhike.people.permissions import policy

router = Router()

To = Literal["customer", "leader", "department"]


class PromiseOut(ObligationRow):
    """``fate``: open; late; kept in time; broken: answered after its time, or let go; cannot be kept any more. ``source``: given in a
    talk with a customer, by a customer's SMS, with an assignment, in a talk with a prospect, or typed in one line.
    """

    fate: promises.Fate
    source: promises.Source


class PromisesOut(Out):
    items: list[PromiseOut]
    next: str | None


class PromiseFilters(Page):
    """``of``: one's own, those of the team, or none given: all in sight."""

    of: Literal["mine", "team"] | None = None
    fate: promises.Fate | None = None
    to: To | None = None
    source: promises.Source | None = None
    staff: Id | None = None
    customer: Id | None = None


class LineIn(In):
    """What was promised, as one says it: 答应王总周五前回复利率, "promised Mr Wang the rate by Friday 5pm"."""

    text: Line


class ReadingOut(Out):
    """How the line may be understood; nothing is owed by it. ``dues``: by when, the likeliest first, none in the past; ``passed``: the
    date that was said is over; ``customers``: whom of one's own book it may name; ``default_due`` holds where no date is given.
    """

    words: str
    to: To
    name: str
    dues: list[datetime]
    passed: bool
    customers: list[WhoOut]
    default_due: datetime


class ConfirmedIn(In):
    """What is promised, confirmed: to whom, and by when; without ``due`` the bank's default holds. To a customer it names one."""

    words: Text
    to: To = "customer"
    customer: Id | None = None
    due: Moment | None = None
    text: Line = ""


class NotPromisedIn(In):
    """A request that was refused, and why where that is told."""

    words: Text
    to: To = "customer"
    customer: Id | None = None
    reason: Text = ""


class RefusalOut(FactOut):
    staff: Named
    customer: WhoOut | None


def _promises(request: Desk) -> Any:
    return promises.of(request.actor, request.now).select_related("customer", "owner")


@router.get("promises", response=PromisesOut)
@policy("promises.view")
def list_(request: Desk, asked: Query[PromiseFilters]) -> Any:
    """Promises in sight, the last due first; what was handed in and waits for the leader has no deadline, and comes before."""
    found = _promises(request).annotate(when=Coalesce("due", NEVER))
    if asked.of == "mine":
        found = found.filter(owner=request.actor.id)
    if asked.of == "team":
        found = found.filter(owner__among=request.actor.oversees).exclude(owner=request.actor.id)
    for name, column in {
        "fate": "fate",
        "to": "detail__to",
        "source": "source",
        "staff": "owner",
        "customer": "customer",
    }.items():
        if value := getattr(asked, name):
            found = found.filter(**{column: value})
    if after := position(asked.cursor, moment, int):
        due, id = after
        found = found.filter(Q(when__lt=due) | Q(when=due, pk__lt=id))
    rows = list(found.order_by("-when", "-pk")[: asked.limit + 1])
    some, more = page(rows, asked.limit, lambda each: (each.when, each.pk))
    return {
        "items": [{**shown(each, request.now), "fate": each.fate, "source": each.source} for each in some],
        "next": more,
    }


@router.post("promises/reading", response=ReadingOut)
@policy("promises.change")
def read(request: Desk, body: LineIn) -> Any:
    """Understands a line, in Chinese or English. Confirm it with a promise: until then nothing is owed."""
    found = promises.understood(body.text, **verb(request))
    reading = found.reading
    return {
        **{name: getattr(reading, name) for name in ("words", "to", "name", "passed")},
        "dues": list(reading.dues),
        "customers": [who(each) for each in found.customers],
        "default_due": found.by_default,
    }


@router.post("promises", response={201: ObligationOut})
@policy("promises.change")
def make(request: Desk, body: ConfirmedIn) -> Any:
    """Promises it: owed from now on, closed only with the answer given."""
    made = promises.make(
        body.words,
        key=uuid4(),
        to=body.to,
        customer=_customer(request, body.customer),
        due=body.due,
        typed=body.text,
        **verb(request),
    )
    return whole(made, request.now)


@router.post("promises/refusals", response={201: RefusalOut})
@policy("promises.change")
def refuse(request: Desk, body: NotPromisedIn) -> Any:
    """Keeps that something was asked for and not promised: nothing is owed."""
    customer = _customer(request, body.customer)
    told = promises.refuse(body.words, body.reason, key=uuid4(), to=body.to, customer=customer, **verb(request))
    return {
        **fact(told),
        "staff": {"id": told.staff_id, "name": told.staff.name},
        "customer": customer and who(customer),
    }


@router.get("promises/{id}", response=ObligationOut)
@policy("promises.view")
def get(request: Desk, id: Id) -> Any:
    """One promise: what caused it and how it was answered. Answer it with obligations/{id}/completion."""
    return whole(one(_promises(request).select_related("fact", "settling"), id), request.now)


@router.post("promises/{id}/taking-back", response=ObligationOut)
@policy("promises.change")
def take_back(request: Desk, id: Id) -> Any:
    """It was noted by mistake: by whoever noted it, for ten minutes."""
    found = locked(_promises(request).select_related("fact"), id)
    return whole(promises.take_back(found, **verb(request)), request.now)


def _customer(request: Desk, id: str | None) -> Customer | None:
    if id is None:
        return None
    found = Customer.objects.seen(int(id), request.actor)
    if found is None:
        raise Http404
    return found
