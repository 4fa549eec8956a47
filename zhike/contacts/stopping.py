"""Contact with a customer stops (CLAUSES, Stops): beyond what is owed, a death calls off what lies ahead as well."""

from __future__ import annotations

from datetime import date, datetime

from zhike.conduct.bank import Bank
from zhike.customers.models import Customer
from zhike.obligations import stops
from zhike.people.actor import Actor

from . import course
from .models import Contact, State


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
