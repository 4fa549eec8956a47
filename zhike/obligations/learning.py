"""What was learned of a customer outside of a write-up (R4, R5, R14): kept, and what was to be found out is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.customers.models import Customer
from zhike.people.actor import Actor

from . import ledger


def learn(
    customer: Customer,
    values: Mapping[str, str],
    *,
    source: str,
    actor: Actor,
    now: datetime,
    bank: Bank,
    contact: int | None = None,
) -> list[str]:
    """Keeps several fields and tells the ledger. Returns warnings; raises Unaccepted for what cannot be kept."""
    warnings = customer.learn_all(values, source=source, actor=actor, now=now, contact=contact)
    owner = customer.rm_id or actor.id
    about = f"customer:{customer.pk}"
    facts = [
        Fact("field_learned", now, now, owner, customer.pk, about, {"field": name})
        for name, value in values.items()
        if value.strip()
    ]
    if facts:
        ledger.tell(facts, actor=actor, now=now, bank=bank)
    return warnings
