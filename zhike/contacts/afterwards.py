"""A contact recorded when it is over (CLAUSES, "Contacts as they happen"): the same course, told in one go.

    record(customer, Account(kind="call", started_at=…, ended_at=…, outcome="busy", …), actor=actor, now=now, bank=bank)

What happened, happened: a guard still asks for what the telling lacks (a purpose, an outcome, why a visit was unannounced),
and never refuses it for what it was. That a first call sold, or that one sold late at night, is kept beside it as a finding.
Every time is graded "entered later" unless it has just happened; one that lies ahead is refused, for nobody can know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from zhike.conduct.bank import Bank
from zhike.conduct.guard import Verdict
from zhike.customers.models import Customer
from zhike.people.actor import Actor
from zhike.people.models import Staff

from . import correction, course, write_up
from .course import DoesNotFit
from .models.contact import Contact, Kind, Outcome, State

LONGEST = timedelta(days=1)


@dataclass(frozen=True)
class Agreed:
    """What had been agreed with the customer before (V1): when, where, and who asked."""

    at: datetime
    place: str
    told_customer: bool = True
    invited_by_rm: bool = False


@dataclass(frozen=True)
class Account:
    """What happened. ``appointment`` or ``customer_asked`` or ``surprise_reason`` for a visit; ``outcome`` for a call.

    ``seen``: where met and seen off, card handed, invited by the RM. ``fulfils``: the obligation that a call was made for.
    ``explanation``: what the RM wants kept beside a finding. ``held_by``: who held it, the actor unless said.
    """

    kind: str
    started_at: datetime
    ended_at: datetime
    purpose: str = ""
    purpose_words: str = ""
    place: str = ""
    incoming: bool = False
    appointment: Agreed | None = None
    customer_asked: bool = False
    surprise_reason: str = ""
    arrived_at: datetime | None = None
    outcome: str = ""
    call_back_at: datetime | None = None
    no_time_agreed: bool = False
    note: str = ""
    explanation: str = ""
    fulfils: int | None = None
    held_by: int | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)


def may_have_held(actor: Actor) -> QuerySet[Staff]:
    """Whom the actor may name as who held a contact: those for whom the actor may write, the actor among them."""
    return Staff.objects.filter(pk__in=actor.writes)


def foreseen(customer: Customer, told: Account, *, actor: Actor, bank: Bank) -> list[Verdict]:
    """The findings that recording this call would keep, so that nobody is surprised by them; nothing is written."""
    if told.kind != Kind.CALL:
        return []
    contact = Contact(
        kind=told.kind,
        customer=customer,
        rm_id=customer.rm_id or actor.id,
        held_by_id=told.held_by or actor.id,
        purpose=told.purpose,
        incoming=told.incoming,
        outcome=told.outcome,
        afterwards=True,
    )
    verdicts = course.start_verdicts(contact, told.started_at, "", bank)
    return [verdict for verdict in verdicts if verdict.effect == "warn"]


def record(
    customer: Customer,
    told: Account,
    *,
    actor: Actor,
    now: datetime,
    bank: Bank,
    form: write_up.WriteUp | None = None,
) -> Contact:
    """The contact, ended, and closed where its write-up comes along or its outcome closes it.

    Raises DoesNotFit for times that cannot be, Blocked for what a guard asks, as the single steps do.
    """
    _fits_kind(told, form)
    if told.ended_at - told.started_at > LONGEST:
        raise DoesNotFit(
            "started_at",
            "一次联系不会超过一天，请核对开始和结束时间。",
            "No contact lasts longer than a day. Check when it started and when it ended.",
        )
    contact = course.plan(
        customer,
        told.kind,
        actor=actor,
        now=now,
        purpose=told.purpose,
        purpose_words=told.purpose_words,
        place=told.place,
        planned_for=None,
        incoming=told.incoming,
        afterwards=True,
    )
    contact.held_by_id = told.held_by or actor.id
    _before(contact, told, actor=actor, now=now, bank=bank)
    contact.outcome = told.outcome
    course.start(
        contact,
        actor=actor,
        now=now,
        bank=bank,
        at=told.started_at,
        surprise_reason=told.surprise_reason,
        explanation=told.explanation,
    )
    if told.kind == Kind.CALL:
        course.put_through(
            contact,
            told.outcome,
            actor=actor,
            now=now,
            bank=bank,
            at=told.ended_at,
            call_back_at=told.call_back_at,
            no_time_agreed=told.no_time_agreed,
            note=told.note,
            fulfils=told.fulfils,
        )
    else:
        course.end(contact, actor=actor, now=now, bank=bank, at=told.ended_at, **told.seen)
    correction.first_anew(customer.pk, told.explanation, actor=actor, now=now, bank=bank, but=contact)
    if form is not None and contact.state == State.ENDED:
        write_up.close(contact, form, actor=actor, now=now, bank=bank)
    return contact


def _before(contact: Contact, told: Account, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """What came before the talk: the appointment, the customer's "please come", the arrival at the door."""
    if told.appointment:
        agreed = told.appointment
        course.agree(
            contact,
            at=agreed.at,
            place=agreed.place,
            actor=actor,
            now=now,
            bank=bank,
            told_customer=agreed.told_customer,
            customer_asked=told.customer_asked,
            invited_by_rm=agreed.invited_by_rm,
        )
    contact.customer_asked = told.customer_asked
    if told.arrived_at:
        course.arrive(contact, actor=actor, now=now, bank=bank, at=told.arrived_at)


def _fits_kind(told: Account, form: write_up.WriteUp | None) -> None:
    """Raises DoesNotFit for what the kind of contact, or a call that did not connect, has no place for."""
    if told.kind != Kind.CALL and (told.outcome or told.call_back_at):
        raise DoesNotFit(
            "outcome", "只有电话有通话结果和回电时间。", "Only a call has an outcome and a time to call back."
        )
    if told.kind != Kind.VISIT and (told.arrived_at or told.surprise_reason):
        raise DoesNotFit(
            "arrived_at",
            "只有拜访有到门口时间和未预约原因。",
            "Only a visit has an arrival and a reason for coming unannounced.",
        )
    if form and told.kind == Kind.CALL and told.outcome in set(Outcome) and not Outcome(told.outcome).connected:
        raise DoesNotFit(
            "write_up",
            "没有接通的电话由结果结束，没有联系记录；想留一句话，请写在备注里。",
            "A call that did not connect is closed by its outcome and has no write-up; put a word in the note.",
        )
