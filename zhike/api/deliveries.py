"""Deliveries (W8): entered, handed on and accepted, come back, received with a signature, a photo or a typed name."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpResponse
from ninja import Query, Router
from pydantic import Field

from zhike.api import versions
from zhike.api.cursors import Page, last_first
from zhike.api.desk import Desk, verb
from zhike.api.shapes import Id, IdOut, In, Line, Moment, Named, Out, Text, named
from zhike.people.permissions import policy
from zhike.work import deliveries
from zhike.work.models import Delivery

router = Router()

DeliveryState = Literal["to_carry", "offered", "delivered", "called_off"]
MOST = 2_000_000  # letters of base64


class HandlingOut(Out):
    """``taken``: from then on it was in their hand. ``due``: the new date of what came back."""

    kind: Literal["taken", "refused", "nobody"]
    by: Named
    at: datetime
    words: str
    due: datetime | None


class DeliveryOut(Out):
    """``recipient``: the customer's name as it was entered. ``receipt``: the document that shows it."""

    id: IdOut
    customer: IdOut
    recipient: str
    place: str
    what: str
    due: datetime
    by: Named
    made_at: datetime
    holder: Named
    offered_to: Named | None
    state: DeliveryState
    late: bool
    how: str
    received_by: str
    receipt: IdOut | None
    closed_at: datetime | None
    why: str
    handlings: list[HandlingOut]
    version: int


class DeliveriesOut(Out):
    items: list[DeliveryOut]
    next: str | None


class DeliveryIn(In):
    """To a customer of one's own book."""

    customer: Id
    what: Line
    due: Moment
    place: Line = ""


class HandOnIn(In):
    """``to``: a colleague who serves customers in a unit of one's own."""

    to: Id


class ComeBackIn(In):
    """``due``: by when it is tried again."""

    kind: Literal["refused", "nobody"]
    words: Text
    due: Moment


class ReceiptIn(In):
    """``picture``: of the signature or the photo, PNG, JPEG or HEIC in base64. ``confirmed``: with a typed name alone, that it was handed
    over in person."""

    received_by: Line
    how: Literal["signed", "photo", "typed"]
    picture: Annotated[str, Field(max_length=MOST)] = ""
    confirmed: bool = False


class DeliveryCallOffIn(In):
    why: Text


class DeliveryFilters(Page):
    """``late``: past their date and not delivered. ``since`` and ``until`` bound the date."""

    customer: Id | None = None
    holder: Id | None = None
    state: DeliveryState | None = None
    late: bool = False
    since: Moment | None = None
    until: Moment | None = None


def rows(request: Desk) -> Any:
    found = Delivery.objects.visible_to(request.actor).select_related("holder", "offered_to", "by")
    return found.prefetch_related("handlings__by")


def shown(each: Delivery, now: datetime) -> dict[str, Any]:
    plain = (
        "recipient",
        "place",
        "what",
        "due",
        "made_at",
        "state",
        "how",
        "received_by",
        "closed_at",
        "why",
        "version",
    )
    return {
        **{name: getattr(each, name) for name in plain},
        "id": each.pk,
        "customer": each.customer_id,
        "by": named(each.by),
        "holder": named(each.holder),
        "offered_to": named(each.offered_to),
        "late": each.is_late(now),
        "receipt": each.receipt_id,
        "handlings": [
            {"kind": one.kind, "by": named(one.by), "at": one.at, "words": one.words, "due": one.due}
            for one in sorted(each.handlings.all(), key=lambda one: (one.at, one.pk))
        ],
    }  # fmt: skip


def held(request: Desk, id: str) -> Delivery:
    """The delivery that a verb acts on, as the program read it."""
    found: Delivery = versions.held(request, Delivery.objects, id)
    return found


def told(request: Desk, id: int | str, response: HttpResponse) -> dict[str, Any]:
    found = rows(request).filter(pk=int(id)).first()
    if found is None:
        raise Http404
    versions.stamp(response, found)
    return shown(found, request.now)


@router.get("deliveries", response=DeliveriesOut)
@policy("deliveries.view")
def list_(request: Desk, asked: Query[DeliveryFilters]) -> Any:
    """In one's own hand, in those of whom one oversees, and to customers in scope; the one entered last first."""
    found = rows(request)
    for name in ("customer", "holder", "state"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if asked.late:
        found = found.filter(state__in=["to_carry", "offered"], due__lt=request.now)
    if asked.since:
        found = found.filter(due__gte=asked.since)
    if asked.until:
        found = found.filter(due__lt=asked.until)
    return last_first(found, asked, lambda each: shown(each, request.now))


@router.post("deliveries", response={201: DeliveryOut})
@policy("deliveries.change")
def create(request: Desk, body: DeliveryIn, response: HttpResponse) -> Any:
    """Something is to be carried to a customer; it is owed by its date."""
    made = deliveries.enter(int(body.customer), body.what, body.due, place=body.place, **verb(request))
    return told(request, made.pk, response)


@router.get("deliveries/{id}", response=DeliveryOut)
@policy("deliveries.view")
def get(request: Desk, id: Id, response: HttpResponse) -> Any:
    """One delivery, with whose hands it went through."""
    return told(request, id, response)


@router.post("deliveries/{id}/offer", response=DeliveryOut)
@policy("deliveries.change")
def hand_on(request: Desk, id: Id, body: HandOnIn, response: HttpResponse) -> Any:
    """Hands it on to a colleague, who accepts it."""
    deliveries.hand_on(held(request, id), int(body.to), **verb(request))
    return told(request, id, response)


@router.post("deliveries/{id}/acceptance", response=DeliveryOut)
@policy("deliveries.change")
def accept(request: Desk, id: Id, response: HttpResponse) -> Any:
    """The colleague has it in hand, and owes it."""
    deliveries.accept(held(request, id), **verb(request))
    return told(request, id, response)


@router.post("deliveries/{id}/taking-back", response=DeliveryOut)
@policy("deliveries.change")
def take(request: Desk, id: Id, response: HttpResponse) -> Any:
    """An offer is taken back by whoever made it; a paper in another's hand, by the customer's RM."""
    found = held(request, id)
    if deliveries.in_hand(found, request.actor):
        deliveries.keep(found, **verb(request))
    else:
        deliveries.take(found, **verb(request))
    return told(request, id, response)


@router.post("deliveries/{id}/return", response=DeliveryOut)
@policy("deliveries.change")
def come_back(request: Desk, id: Id, body: ComeBackIn, response: HttpResponse) -> Any:
    """Refused, or nobody met: still owed, by the new date."""
    deliveries.come_back(held(request, id), body.kind, body.words, body.due, **verb(request))
    return told(request, id, response)


@router.post("deliveries/{id}/receipt", response=DeliveryOut)
@policy("deliveries.change")
def receive(request: Desk, id: Id, body: ReceiptIn, response: HttpResponse) -> Any:
    """Received; the picture becomes a document of the customer."""
    try:
        picture = base64.b64decode(body.picture, validate=True)
    except (binascii.Error, ValueError):
        raise deliveries.Unfit("picture", "请用 base64 编码图片。", "Encode the picture in base64.") from None
    found = held(request, id)
    deliveries.deliver(
        found, body.received_by, how=body.how, picture=picture, confirmed=body.confirmed, **verb(request)
    )
    return told(request, id, response)


@router.post("deliveries/{id}/cancellation", response=DeliveryOut)
@policy("deliveries.change")
def call_off(request: Desk, id: Id, body: DeliveryCallOffIn, response: HttpResponse) -> Any:
    """It need not be delivered any more."""
    deliveries.call_off(held(request, id), body.why, **verb(request))
    return told(request, id, response)
