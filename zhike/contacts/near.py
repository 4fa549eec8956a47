"""Whom one is likely to look for before a letter is typed: today's customers, then those last talked with. One statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.people.actor import Actor

# How many of each are shown, and how many rows are looked at to find as many different customers.
TODAY, LATELY = 6, 5
ROWS = 30


@dataclass(frozen=True)
class Near:
    """A customer, and what brings them here: an obligation's words in both languages, or nothing but the ``kind`` of a contact;
    ``kind`` is the obligation's or the contact's.
    """

    id: int
    name: str
    honorific: str
    person: str
    tier: str
    at: datetime
    what: dict[str, str] | None
    kind: str


def near(actor: Actor, now: datetime, bank: Bank) -> tuple[list[Near], list[Near]]:
    """The actor's own, and those of whom the actor covers: of today what comes next before what is late; then whom the actor
    last talked with. Nobody twice.
    """
    local = now.astimezone(bank.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    asked: dict[str, Any] = {
        "me": actor.id,
        "whose": [actor.id, *actor.covers],
        "now": now,
        "midnight": midnight,
        "until": midnight + timedelta(days=1),
        "rows": ROWS,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEAR, asked)
        rows = cursor.fetchall()
    ahead = sorted((row for row in rows if row[0] and row[6] >= now), key=lambda row: row[6])
    late = sorted((row for row in rows if row[0] and row[6] < now), key=lambda row: row[6], reverse=True)
    lately = sorted((row for row in rows if not row[0]), key=lambda row: row[6], reverse=True)
    today = _once([*ahead, *late], set(), TODAY)
    return today, _once(lately, {each.id for each in today}, LATELY)


def _once(rows: Iterable[tuple[Any, ...]], known: set[int], most: int) -> list[Near]:
    found: dict[int, Near] = {}
    for _today, *row in rows:
        if row[0] not in known and len(found) < most:
            found.setdefault(row[0], Near(*row))
    return list(found.values())


NEAR = """
WITH found AS MATERIALIZED (
    (SELECT true AS today, o.customer_id, coalesce(o.target, o.due) AS at, o.what, o.kind FROM obligations_obligation o
     WHERE o.owner_id = ANY (%(whose)s::bigint[]) AND o.state = 'open' AND o.due >= %(now)s AND o.due <= %(until)s
     ORDER BY o.due, o.id LIMIT %(rows)s)
    UNION ALL
    (SELECT true, o.customer_id, o.due, o.what, o.kind FROM obligations_obligation o
     WHERE o.owner_id = ANY (%(whose)s::bigint[]) AND o.state = 'open' AND o.due < %(now)s ORDER BY o.due DESC, o.id LIMIT %(rows)s)
    UNION ALL
    (SELECT true, t.customer_id, t.planned_for, NULL, t.kind FROM contacts_contact t
     WHERE t.rm_id = ANY (%(whose)s::bigint[]) AND t.state IN ('planned', 'agreed') AND t.planned_for >= %(midnight)s AND t.planned_for < %(until)s
     ORDER BY t.planned_for, t.id LIMIT %(rows)s)
    UNION ALL
    (SELECT false, t.customer_id, t.started_at, NULL, t.kind FROM contacts_contact t
     WHERE t.rm_id = %(me)s AND t.started_at <= %(now)s AND t.state <> 'struck'
     ORDER BY t.started_at DESC, t.id LIMIT %(rows)s)
)
SELECT f.today, c.id, c.name, c.honorific, c.kind, c.tier, f.at, f.what::json, f.kind
FROM found f JOIN customers_customer c ON c.id = f.customer_id
"""
