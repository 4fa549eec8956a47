"""Contacts listed, looked at, planned, begun; or recorded afterwards in one POST."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from ninja import Query, Router

from zhike.api.contacts.contact import (
    ContactOut,
    ContactsOut,
    Kind,
    Minutes,
    Outcome,
    Purpose,
    State,
    answered,
    contacts,
    row,
)
from zhike.api.contacts.course import AppointmentIn, SeenIn
from zhike.api.contacts.write_up import WriteUpIn
from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, one, verb
from zhike.api.problems import field_invalid
from zhike.api.shapes import Id, In, Line, Moment, Text
from zhike.contacts import afterwards, course
from zhike.contacts.models import Contact
from zhike.customers.models import Customer
from zhike.people.permissions import policy

router = Router()


class ContactIn(In):
    """A new contact. Without ``started_at`` it is a plan, agreed where ``appointment`` says so; with it, under way; with
    ``ended_at`` too it is recorded afterwards: a call then says its ``outcome``, a visit its ``appointment``,
    ``customer_asked`` or ``surprise_reason``; ``early_reason`` lets a call begin before the promised minute (C5); ``write_up`` closes it in the same request. What happened is not refused for
    what it was: the answer's ``findings`` say what is kept with it, beside one's own ``explanation``. ``held_by``: who held it, the caller unless said otherwise.
    """

    kind: Kind
    customer: Id
    purpose: Purpose = ""
    purpose_words: Text = ""
    incoming: bool = False
    planned_for: Moment | None = None
    planned_minutes: Minutes | None = None
    place: Line = ""
    appointment: AppointmentIn | None = None
    customer_asked: bool = False
    surprise_reason: Text = ""
    early_reason: Text = ""
    arrived_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    seen: SeenIn | None = None
    outcome: Outcome | None = None
    call_back_at: Moment | None = None
    no_time_agreed: bool = False
    note: Text = ""
    explanation: Text = ""
    fulfils: Id | None = None
    held_by: Id | None = None
    write_up: WriteUpIn | None = None


class Filters(Page):
    customer: Id | None = None
    rm: Id | None = None
    kind: Kind | None = None
    state: State | None = None


@router.get("contacts", response=ContactsOut)
@policy("contacts.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Contacts in the reader's scope, the newest first."""
    found = contacts(request)
    for name in ("customer", "rm", "kind", "state"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, int):
        found = found.filter(id__lt=after[0])
    some, more = page(found.order_by("-id")[: asked.limit + 1], asked.limit, lambda each: (each.pk,))
    return {"items": [row(each) for each in some], "next": more}


@router.post("contacts", response={201: ContactOut})
@policy("contacts.change")
def create(request: Desk, body: ContactIn) -> Any:
    """A contact plan, an appointment, a contact that starts now, or one recorded afterwards."""
    customer = one(Customer.objects.visible_to(request.actor), body.customer)
    if body.ended_at:
        contact = _recorded(request, customer, body)
    else:
        contact = _begun(request, customer, body)
    contact = one(contacts(request), contact.pk)
    answer = answered(contact, 201)
    answer["Location"] = f"/api/v1/contacts/{contact.pk}"
    return answer


def _recorded(request: Desk, customer: Customer, body: ContactIn) -> Contact:
    if body.started_at is None:
        raise field_invalid("started_at", _("A contact recorded afterwards says when it started and when it ended."))
    agreed = body.appointment
    told = afterwards.Account(
        kind=body.kind,
        started_at=body.started_at,
        ended_at=body.ended_at,  # type: ignore[arg-type]  # asked before
        purpose=body.purpose,
        purpose_words=body.purpose_words,
        place=body.place,
        incoming=body.incoming,
        appointment=afterwards.Agreed(agreed.at, agreed.place, agreed.told_customer, agreed.invited_by_rm)
        if agreed
        else None,
        customer_asked=body.customer_asked or bool(agreed and agreed.customer_asked),
        surprise_reason=body.surprise_reason,
        arrived_at=body.arrived_at,
        outcome=body.outcome or "",
        call_back_at=body.call_back_at,
        no_time_agreed=body.no_time_agreed,
        note=body.note,
        explanation=body.explanation or body.early_reason,
        fulfils=int(body.fulfils) if body.fulfils else None,
        held_by=one(afterwards.may_have_held(request.actor), body.held_by).pk if body.held_by else None,
        seen=body.seen.model_dump(exclude_unset=True) if body.seen else {},
    )
    form = body.write_up.form() if body.write_up else None
    return afterwards.record(customer, told, form=form, **verb(request))


def _begun(request: Desk, customer: Customer, body: ContactIn) -> Contact:
    """A plan; agreed, if it says with whom what was agreed; under way, if it says since when."""
    _not_yet(body)
    if body.started_at is None:
        course.lies_ahead("planned_for", body.planned_for, request.now)
        course.lies_ahead("appointment.at", body.appointment.at if body.appointment else None, request.now)
    acting = verb(request)
    contact = course.plan(
        customer,
        body.kind,
        actor=request.actor,
        now=request.now,
        planned_for=body.planned_for,
        purpose=body.purpose,
        purpose_words=body.purpose_words,
        place=body.place,
        planned_minutes=body.planned_minutes,
        incoming=body.incoming,
    )
    if body.appointment:
        course.agree(contact, **body.appointment.model_dump(), **acting)
    if body.customer_asked:
        contact.customer_asked = True
    if body.started_at:
        reasons: dict[str, Any] = {"surprise_reason": body.surprise_reason, "early_reason": body.early_reason}
        course.start(contact, at=body.started_at, **reasons, **acting)
    else:
        contact.save()
    return contact


def _not_yet(body: ContactIn) -> None:
    """What only a contact that is over can say is refused before, not dropped."""
    for name in (
        "seen",
        "outcome",
        "call_back_at",
        "note",
        "explanation",
        "fulfils",
        "held_by",
        "write_up",
        "arrived_at",
    ):
        if getattr(body, name):
            raise field_invalid(name, _("This belongs to a contact that is over. Give `ended_at`, or leave it out."))


@router.get("contacts/{id}", response=ContactOut)
@policy("contacts.view")
def get(request: Desk, id: Id) -> Any:
    """One contact with its needs, demands and what is owed because of it."""
    return answered(one(contacts(request), id))
