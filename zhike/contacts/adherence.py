"""How the clauses that owe nothing by themselves were kept: tallied over the contacts that took place, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.measure import Talk, Tally, tallies

from .models import Outcome


@dataclass(frozen=True, slots=True)
class Held:
    """A contact that took place: which, who held it, since when, and how it was conducted."""

    contact: int
    holder: int
    began: datetime
    talk: Talk


def tallied(holder: int, since: datetime, *, bank: Bank) -> list[Tally]:
    """The contacts that one has held since a moment, clause by clause. One query, whatever their number."""
    talks = [each.talk for each in held([holder], since, None, bank=bank)]
    return tallies(talks, visit_length=bank.visit_length, call_length=bank.call_length)


def held(holders: Sequence[int], since: datetime, until: datetime | None, *, bank: Bank) -> list[Held]:
    """The contacts that these have held from a moment on and before another, in their order; of those that one may see."""
    with connection.cursor() as cursor:
        cursor.execute(TALKS, {"holders": list(holders), "since": since, "until": until})
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [Held(row.pop("id"), row.pop("held_by_id"), row["started_at"], _talk(row, bank)) for row in rows]


def _talk(row: dict[str, Any], bank: Bank) -> Talk:
    tier, invited = row.pop("tier"), row.pop("invited_by_rm")
    owed = row["kind"] == "reception" and invited and bool(tier) and bank.at_least(tier, "diamond")
    connected = row["kind"] != "call" or (row["outcome"] in set(Outcome) and Outcome(row["outcome"]).connected)
    several = {name: frozenset(row[name]) for name in ("ticks", "found")}
    return Talk(**{**row, **several}, met_outside_owed=owed, reached=connected)


TALKS = """
SELECT c.id, c.held_by_id, c.kind, coalesce(c.first, false) AS first, c.incoming, c.tier, c.invited_by_rm, c.met_where, c.seen_off,
       coalesce(c.card_handed, false) AS card_handed, c.prepared_at, c.started_at,
       floor(extract(epoch FROM c.ended_at - c.started_at) / 60)::int AS minutes, c.planned_minutes, c.purpose, c.outcome,
       c.invitation, c.customer_asked OR (c.told_customer AND c.planned_for IS NOT NULL AND c.place <> '') AS agreed,
       c.no_need OR EXISTS (SELECT FROM customers_need n WHERE n.contact = c.id) AS need_said,
       jsonb_array_length(c.notes) > 0 AS noted, coalesce(array_length(f.fields, 1), 0) AS learned,
       c.state = 'closed' AS closed, ARRAY(SELECT jsonb_object_keys(c.ticks)) AS ticks,
       ARRAY(SELECT g.clause FROM obligations_finding g
             WHERE g.customer_id = c.customer_id AND g.subject = 'contact:' || c.id AND NOT g.void) AS found
FROM contacts_contact c
LEFT JOIN LATERAL (SELECT array_agg(f.id) AS fields FROM obligations_fact f
                   WHERE f.subject = 'contact:' || c.id AND f.kind = 'field_learned' AND NOT f.void) f ON true
WHERE c.held_by_id = ANY (%(holders)s) AND c.started_at >= %(since)s
  AND (%(until)s::timestamptz IS NULL OR c.started_at < %(until)s) AND c.state IN ('ended', 'closed')
ORDER BY c.started_at, c.id
"""
