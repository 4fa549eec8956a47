"""A contact as the API shows it, with what was heard at it and what is owed because of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpResponse
from pydantic import Field

from zhike.api.desk import Desk
from zhike.api.needs import WhoOut, who
from zhike.api.shapes import IdOut, Named, Out
from zhike.api.versions import match, stamp
from zhike.contacts.models import Contact
from zhike.contacts.whole import whole

Kind = Literal["reception", "visit", "call"]
State = Literal["planned", "agreed", "under_way", "ended", "closed", "cancelled", "struck"]
Purpose = Literal[
    "",
    "introduction",
    "call_back",
    "maturity",
    "need",
    "invitation",
    "care",
    "birthday",
    "thanks",
    "answer",
    "service",
    "business",
    "other",
]
Outcome = Literal["reached", "absent", "busy", "no_answer", "wrong_number", "not_interested"]
Result = Literal["", "agreed", "inclined", "considering", "business_done", "no_business", "unhappy"]
Place = Literal["", "outside_door", "hall", "wealth_room", "branch_door", "car_park", "seat"]
Minutes = Annotated[int, Field(ge=1, le=1440)]


class NoteOut(Out):
    at: datetime
    words: str


class ContactRow(Out):
    id: IdOut
    kind: Kind
    state: State
    customer: WhoOut
    rm: Named
    held_by: Named
    follows: IdOut | None
    purpose: str
    purpose_words: str
    planned_for: datetime | None
    planned_minutes: int | None
    place: str
    invited_by_rm: bool
    customer_asked: bool
    told_customer: bool
    incoming: bool
    afterwards: bool
    surprise_reason: str
    prepared_at: datetime | None
    ticks: dict[str, datetime]
    notes: list[NoteOut]
    arrived_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    minutes: int | None
    grade: str
    first: bool | None
    tier: str
    outcome: str
    call_back_at: datetime | None
    met_where: str
    seen_off: str
    card_handed: bool | None
    invitation: str
    result: str
    result_words: str
    no_need: bool
    closed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_for: str
    cancelled_why: str
    created_at: datetime
    version: int


class HeardOut(Out):
    """A need heard at the contact."""

    id: IdOut
    kind: str
    words: str
    state: str


class DemandOut(Out):
    """V7: what the customer demanded at the contact."""

    id: IdOut
    number: int
    words: str
    state: str
    closed_at: datetime | None


class OwedOut(Out):
    """What is or was owed because of the contact."""

    id: IdOut
    clause: str
    kind: str
    state: str
    subject: str
    channels: list[str]
    opens: datetime
    due: datetime | None
    target: datetime | None


class BothOut(Out):
    zh: str
    en: str


class FindingOut(Out):
    """What a contact went past: ``breach`` of a must, or a reasoned ``exception``; ``verdict`` is its stable name."""

    clause: str
    kind: Literal["breach", "exception"]
    verdict: str
    what: BothOut
    reason: str
    at: datetime


class ContactOut(ContactRow):
    needs: list[HeardOut]
    demands: list[DemandOut]
    findings: list[FindingOut]
    obligations: list[OwedOut]


class ContactsOut(Out):
    items: list[ContactRow]
    next: str | None


PLAIN = tuple(name for name in ContactRow.model_fields if name not in {"customer", "rm", "held_by", "follows"})


def row(contact: Contact) -> dict[str, Any]:
    """A contact as lists show it."""
    return {
        **{name: getattr(contact, name) for name in PLAIN},
        "customer": who(contact.customer),
        "rm": {"id": contact.rm_id, "name": contact.rm.name},
        "held_by": {"id": contact.held_by_id, "name": contact.held_by.name},
        "follows": contact.follows_id,
    }


def answered(contact: Contact, status: int = 200) -> HttpResponse:
    """The contact with what was heard at it and what is owed because of it; one statement."""
    answer = HttpResponse(whole(contact.pk), status=status, content_type="application/json; charset=utf-8")
    stamp(answer, contact)
    return answer


def contacts(request: Desk) -> Any:
    return Contact.objects.visible_to(request.actor).select_related("customer", "rm", "held_by")


def taken(request: Desk, id: str) -> Contact:
    """The contact that a verb acts on, held; If-Match counts where it is sent."""
    contact = Contact.objects.held(int(id), request.actor)
    if contact is None:
        raise Http404
    match(request, contact)
    return contact
