"""Contact with a customer stops (CLAUSES, Stops): beyond what is owed, a death calls off what lies ahead as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db.models import QuerySet

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.customers.feeds.take import Stopped
from zhike.customers.models import Customer
from zhike.obligations import ledger, stops
from zhike.obligations.models import Fact
from zhike.people.actor import Actor

from . import course
from .models import Contact, State
from .states import follow

# Why a contact was called off that nobody here called off; kept with it in both languages.
DIED = Words("核心系统数据下发：客户已经去世", "The core system's file says that the customer has died")
BOTH = f"{DIED.zh} / {DIED.en}"


def ahead(customer: Customer, why: str) -> list[Contact]:
    """What is planned or agreed and would be called off."""
    if why != "deceased":
        return []
    return list(customer.contacts.filter(state__in=[State.PLANNED, State.AGREED]).order_by("planned_for", "id"))


def stop(customer: Customer, why: str, *, on: date, evidence: str, actor: Actor, now: datetime, bank: Bank) -> None:
    """Raises Refused as :func:`zhike.obligations.stops.stop` does."""
    stops.stop(customer, why, on=on, evidence=evidence, actor=actor, now=now, bank=bank)
    for contact in ahead(customer, why):
        course.call_off(contact, whose="customer", why=evidence, actor=actor, now=now, bank=bank)


def stop_fed(stopped: Sequence[Stopped], now: datetime, bank: Bank) -> None:
    """The core system's file says that customers have died: what lies ahead is called off, as if somebody here had said so."""
    died = [each.customer for each in stopped if each.column == stops.COLUMNS["deceased"]]
    rows = Contact.objects.filter(customer_id__in=died, state__in=[State.PLANNED, State.AGREED])
    for contact in rows.select_for_update().order_by("id"):
        course.call_off(contact, whose="customer", why=BOTH, actor=None, now=now, bank=bank)


def called_off_by(why: str, customer: Customer, at: datetime) -> list[Contact]:
    """What a stop that became known ``at`` had called off."""
    if why != "deceased":
        return []
    return list(customer.contacts.filter(state=State.CANCELLED, cancelled_at=at).order_by("planned_for", "id"))


def bring_back(customer: Customer, why: str, known_at: datetime, actor: Actor, now: datetime, bank: Bank) -> None:
    """The stop was a mistake: what it had called off and still lies ahead is planned or agreed as before, with its arrival."""
    for contact in called_off_by(why, customer, known_at):
        _back(contact, actor, now, bank)


def lift_fed(lifted: Sequence[Stopped], now: datetime, bank: Bank) -> None:
    """The core system's corrected file no longer says that a customer has died: what its mistake had called off comes back."""
    alive = [each.customer for each in lifted if each.column == stops.COLUMNS["deceased"]]
    rows = Contact.objects.filter(customer_id__in=alive, state=State.CANCELLED, cancelled_why=BOTH)
    for contact in rows.select_for_update().order_by("id"):
        _back(contact, None, now, bank)


def _back(contact: Contact, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """A contact called off by mistake stands as before, unless its hour is over."""
    if contact.planned_for is not None and contact.planned_for <= now:
        return
    agreed = contact.told_customer or contact.customer_asked or contact.invited_by_rm
    called_off = contact.cancelled_at or now
    contact.state = follow("back to the appointment" if agreed else "back to the plan", contact)
    contact.cancelled_at, contact.cancelled_for, contact.cancelled_why = None, "", ""
    contact.version += 1
    contact.save()
    told = Fact.objects.filter(
        customer_id=contact.customer_id, subject=contact.subject, kind="visit_called_off", void=False
    )
    for fact in told.filter(at=called_off) if called_off else ():
        ledger.correct(fact, by=None, actor=actor, now=now, bank=bank)


def called_off_by_file(rm: int, start: datetime, end: datetime) -> QuerySet[Contact]:
    """What an RM had planned for the time between, and the core system's file has called off: nobody here did, so it is told."""
    died = Contact.objects.filter(customer__keeper=rm, customer__deceased_on__isnull=False, state=State.CANCELLED)
    return died.filter(rm_id=rm, cancelled_why=BOTH, planned_for__gte=start, planned_for__lt=end)


def reason_of(contact: Contact) -> Words:
    """Why a contact was called off: somebody's own words, or those kept in both languages."""
    return DIED if contact.cancelled_why == BOTH else Words(contact.cancelled_why, contact.cancelled_why)
