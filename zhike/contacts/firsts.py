"""First meetings and first calls reckoned anew, when the history they were settled by is corrected (CLAUSES, Definitions)."""

from __future__ import annotations

from datetime import UTC, datetime

from zhike.conduct.bank import Bank
from zhike.customers.models import Acquaintance

from .models import Contact, Kind, Outcome, State

EVER = datetime.min.replace(tzinfo=UTC)
TOLD = ("import", "attested")


def changed(customer: int, bank: Bank) -> list[Contact]:
    """The contacts that are, or are not, the first any more, in the order they began; ``first`` is set and not yet saved."""
    known = Acquaintance.objects.filter(customer_id=customer)
    before = [(each.rm_id, True, each.first_met_at or EVER) for each in known if each.met_source in TOLD]
    before += [(each.rm_id, False, each.first_called_at or EVER) for each in known if each.called_source in TOLD]
    stand = Contact.objects.filter(
        customer_id=customer, state__in=[State.ENDED, State.CLOSED], started_at__isnull=False
    )
    found = []
    for contact in stand.select_related("customer").order_by("started_at", "id"):
        assert contact.started_at is not None
        first = _first(contact, contact.started_at, before, bank)
        if first != contact.first:
            contact.first = first
            found.append(contact)
        if connected(contact):
            before.append((contact.held_by_id, contact.is_meeting, contact.started_at))
    return found


def connected(contact: Contact) -> bool:
    """They met, or talked: only that makes a first one."""
    return contact.kind != Kind.CALL or Outcome(contact.outcome).connected


def _first(contact: Contact, began: datetime, before: list[tuple[int, bool, datetime]], bank: Bank) -> bool:
    """Of what came before count the meetings, or the calls, with whoever held this one, or with the bank by the setting."""
    by_bank = bank.at(began).acquaintance == "bank"
    if contact.stood_in and not by_bank:
        return False
    return not any(
        meeting == contact.is_meeting and at <= began and (by_bank or holder == contact.held_by_id)
        for holder, meeting, at in before
    )
