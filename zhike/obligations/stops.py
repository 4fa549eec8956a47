"""Stops (CLAUSES, Definitions): a death stops everything at once; a closed account, do-not-disturb and an open complaint stop
greetings, campaigns and rhythm. What was owed then cannot be done, and says so."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.owe import STOPPED_BY
from zhike.customers.models import Customer
from zhike.people.actor import Actor

from . import ledger

# The customer's column behind each stop.
COLUMNS = {
    "deceased": "deceased_on",
    "closed": "closed_on",
    "do_not_disturb": "do_not_disturb",
    "complaint": "complaint_open",
}


def stop(customer: Customer, why: str, *, on: date, actor: Actor, now: datetime, bank: Bank) -> None:
    """Contact with the customer stops from now on, because of ``why`` (a name of :data:`COLUMNS`)."""
    column = COLUMNS[why]
    setattr(customer, column, on if column.endswith("_on") else True)
    customer.version += 1
    customer.changed_at = now
    customer.save(update_fields=[column, "version", "changed_at"])
    owner = customer.rm_id or actor.id
    fact = Fact("customer_stopped", now, now, owner, customer.pk, f"customer:{customer.pk}/stop:{why}", {"stop": why})
    ledger.tell([fact], actor=actor, now=now, bank=bank)


def resume(customer: Customer, why: str, *, now: datetime) -> None:
    """The stop was entered by mistake or is over. What could not be done stays as it is; from now on it is owed again."""
    column = COLUMNS[why]
    setattr(customer, column, None if column.endswith("_on") else False)
    customer.version += 1
    customer.changed_at = now
    customer.save(update_fields=[column, "version", "changed_at"])


def enforce(now: datetime) -> int:
    """What the core system's files stopped (a feed says deceased or closed) is stopped in the ledger too; nightly."""
    stopped = 0
    with connection.cursor() as cursor:
        for why, column in COLUMNS.items():
            set_ = f"c.{column} IS NOT NULL" if column.endswith("_on") else f"c.{column}"
            cursor.execute(
                f"""UPDATE obligations_obligation o
                    SET state = 'cannot', evidence = jsonb_build_object('why', %s::text, 'at', %s::timestamptz)
                    FROM customers_customer c
                    WHERE o.customer_id = c.id AND {set_} AND o.state = 'open' AND o.kind = ANY (%s)""",
                [why, now, sorted(STOPPED_BY[why])],
            )
            stopped += cursor.rowcount
    return stopped


def hand_over(customer: Customer, before: int | None, after: int, actor: Actor | None, now: datetime) -> None:
    """Open obligations towards a customer go along to the new RM; a write-up stays with whoever was there."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE obligations_obligation SET owner_id = %s
               WHERE customer_id = %s AND state IN ('open', 'cannot') AND kind <> 'write_up'
                 AND (owner_id = %s OR %s::bigint IS NULL)""",
            [after, customer.pk, before, before],
        )
