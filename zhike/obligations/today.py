"""Today (今日): what one person owes now, and what those owe whom they cover, as PostgreSQL makes it: one query, one JSON value,
no model in between.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from zhike.people.actor import Actor

# How far ahead the timeline looks; what lies beyond is counted, not shown.
AHEAD = timedelta(days=7)
# What wants its time, a festival's greetings and the code to be read, stands there from the day on which it is owed, and that is so far ahead.
WELL_AHEAD = timedelta(days=16)


def today(actor: Actor, *, now: datetime) -> str:
    """The open obligations of the actor, and of those whom the actor covers, that are late, due now or due within a week, by
    deadline, as a JSON text; a festival's greetings and the code to be read as soon as they are owed.

    ``{"rows": [{id, clause, kind, force, origin, what, why, opens, due, target, channels, detail, subject, tier,
    still, on_behalf: {id, name} | null, customer: {id, name, honorific, tier, reading} | null}], "late": n, "beyond": n,
    "done": n}``. ``still``: why what was done for it left it open; ``on_behalf``: the colleague who owes it; ``late`` counts
    all that is late, ``beyond`` what lies ahead and is not among the rows; ``done`` what the actor has done for somebody as
    well. What has no deadline (R4) is on the customer's page and the preparation card, not here.
    """
    asked: dict[str, Any] = {"owner": actor.id, "covers": list(actor.covers), **moments(now)}
    with connection.cursor() as cursor:
        cursor.execute(TODAY, asked)
        row = cursor.fetchone()
    return str(row[0]) if row else '{"rows": []}'


def moments(now: datetime) -> dict[str, datetime]:
    """Those that the statement asks for."""
    return {"now": now, "until": now + AHEAD, "well": now + WELL_AHEAD}


ROW = """o.id, o.clause, o.kind, o.force, o.origin, o.what, o.why, o.opens, o.due, o.target, o.channels, o.detail,
        o.subject, o.tier, o.customer_id, o.owner_id, CASE WHEN o.evidence ? 'still' THEN o.evidence END AS still"""
# At most 150 late rows of an owner, those first that became late last, and 150 ahead: however much is late, it takes no room from
# what is due within minutes. Owner by owner, so that each is looked up in the order of its index; written so that PostgreSQL
# plans it once and keeps the plan: fixed limits, a range with both its ends, and whose it is behind a sub-select: how many they are
# would otherwise be weighed, and planned for, each time.
TODAY = f"""
WITH whose AS MATERIALIZED (SELECT unnest((SELECT %(owner)s::bigint || %(covers)s::bigint[])) AS id
), late AS MATERIALIZED (
    SELECT o.* FROM whose w CROSS JOIN LATERAL (
        SELECT {ROW} FROM obligations_obligation o
        WHERE o.owner_id = w.id AND o.state = 'open' AND o.due < %(now)s
        ORDER BY o.due DESC, o.id DESC LIMIT 150) o
), ahead AS MATERIALIZED (
    SELECT o.* FROM whose w CROSS JOIN LATERAL (
        SELECT {ROW} FROM obligations_obligation o
        WHERE o.owner_id = w.id AND o.state = 'open' AND o.due >= %(now)s AND o.due < %(until)s
        ORDER BY o.due, o.id LIMIT 150) o
), arranged AS MATERIALIZED (
    SELECT o.* FROM whose w CROSS JOIN LATERAL (
        SELECT {ROW} FROM obligations_obligation o
        WHERE o.owner_id = w.id AND o.state = 'open' AND o.due >= %(until)s AND o.due < %(well)s AND o.kind IN ('greetings', 'acknowledge')
        ORDER BY o.due, o.id LIMIT 20) o
), due AS (SELECT * FROM late UNION ALL SELECT * FROM ahead UNION ALL SELECT * FROM arranged)
SELECT json_build_object(
    'rows', coalesce((
        SELECT json_agg(json_build_object(
            'id', d.id::text, 'clause', d.clause, 'kind', d.kind, 'force', d.force, 'origin', d.origin, 'what', d.what,
            'why', d.why, 'opens', d.opens, 'due', d.due, 'target', d.target, 'channels', d.channels, 'detail', d.detail,
            'subject', d.subject, 'tier', d.tier, 'still', d.still,
            'on_behalf', CASE WHEN d.owner_id <> %(owner)s THEN (
                SELECT json_build_object('id', s.id::text, 'name', s.name) FROM people_staff s WHERE s.id = d.owner_id) END,
            'customer', CASE WHEN c.id IS NOT NULL THEN json_build_object(
                'id', c.id::text, 'name', c.name, 'honorific', c.honorific, 'tier', c.tier) END
        ) ORDER BY d.due, d.id)
        FROM due d LEFT JOIN customers_customer c ON c.id = d.customer_id), '[]'::json),
    'late', (SELECT count(*) FROM whose w JOIN obligations_obligation o ON o.owner_id = w.id
             WHERE o.state = 'open' AND o.due < %(now)s),
    'beyond', (SELECT count(*) FROM whose w JOIN obligations_obligation o ON o.owner_id = w.id
               WHERE o.state = 'open' AND o.due >= %(now)s) - (SELECT count(*) FROM ahead) - (SELECT count(*) FROM arranged),
    'done', (SELECT count(*) FROM whose w JOIN obligations_obligation o ON o.owner_id = w.id
             WHERE o.state = 'done' AND o.settled_at > %(now)s - interval '24 hours' AND o.settled_at <= %(now)s
               AND (o.owner_id = %(owner)s OR o.settled_by_id = %(owner)s))
)::text
"""  # noqa: S608 our own texts alone
