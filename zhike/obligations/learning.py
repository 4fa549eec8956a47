"""What was learned of a customer outside of a write-up (R4, R5, R14): kept, and what was to be found out is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.customers.models import Customer
from zhike.people.actor import Actor

from . import ledger


def learned(known: Mapping[int, set[str]], now: datetime, bank: Bank) -> None:
    """What a file told of customers (customer → fields) was to be found out of some of them: it is, told by nobody."""
    with connection.cursor() as cursor:
        cursor.execute(AWAITED, [now.astimezone(bank.zone).date(), list(known)])
        rows = cursor.fetchall()
    cases = []
    for customer, staff, awaited, case in rows:
        for field in sorted(known[customer] & set(awaited)):
            fact = Fact(
                "field_learned", now, now, staff, customer, f"customer:{customer}", {"field": field}, "observed"
            )
            cases.append((fact, ledger.case_from(case)))
    if cases:
        ledger.tell_many(cases, now=now, bank=bank)


# What is to be found out of these customers; thanks that could not be sent wait for the mobile.
AWAITED = f"""
SELECT c.id, coalesce(c.rm_id, o.owner), o.fields, {ledger.CASE_VALUE}
FROM (SELECT customer_id, min(owner_id) AS owner,
             array_agg(DISTINCT CASE kind WHEN 'find_out' THEN detail ->> 'field' ELSE 'mobile' END) AS fields
      FROM obligations_obligation
      WHERE customer_id = ANY (%s) AND (kind = 'find_out' AND state = 'open' OR kind = 'thanks' AND state = 'cannot')
      GROUP BY customer_id) o
JOIN customers_customer c ON c.id = o.customer_id ORDER BY c.id"""


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
