"""Today (今日): what one person owes now, as PostgreSQL makes it: one query, one JSON value, no model in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

# How far ahead the timeline looks; what lies beyond is counted, not shown.
AHEAD = timedelta(days=7)


def today(owner: int, *, now: datetime) -> str:
    """The open obligations of ``owner`` that are late, due now or due within a week, by deadline, as a JSON text.

    ``{"rows": [{id, clause, kind, force, origin, what, why, opens, due, target, channels, detail, subject, tier,
    still, customer: {id, name, honorific, tier, reading} | null}], "beyond": n, "done": n}``; ``still``: why what was done for
    it left it open. What has no deadline (R4) is on
    the customer's page and the preparation card, not here.
    """
    with connection.cursor() as cursor:
        cursor.execute(TODAY, {"owner": owner, "now": now, "until": now + AHEAD})
        row = cursor.fetchone()
    return str(row[0]) if row else '{"rows": []}'


# At most 200 rows. Written so that PostgreSQL plans it once and keeps the plan: a fixed limit, a range with both its ends.
TODAY = """
WITH due AS MATERIALIZED (
    SELECT o.id, o.clause, o.kind, o.force, o.origin, o.what, o.why, o.opens, o.due, o.target, o.channels, o.detail,
           o.subject, o.tier, o.customer_id, CASE WHEN o.evidence ? 'still' THEN o.evidence END AS still
    FROM obligations_obligation o
    WHERE o.owner_id = %(owner)s AND o.state = 'open' AND o.due < %(until)s
    ORDER BY o.due, o.id LIMIT 200
)
SELECT json_build_object(
    'rows', coalesce((
        SELECT json_agg(json_build_object(
            'id', d.id::text, 'clause', d.clause, 'kind', d.kind, 'force', d.force, 'origin', d.origin, 'what', d.what,
            'why', d.why, 'opens', d.opens, 'due', d.due, 'target', d.target, 'channels', d.channels, 'detail', d.detail,
            'subject', d.subject, 'tier', d.tier, 'still', d.still,
            'customer', CASE WHEN c.id IS NOT NULL THEN json_build_object(
                'id', c.id::text, 'name', c.name, 'honorific', c.honorific, 'tier', c.tier) END
        ) ORDER BY d.due, d.id)
        FROM due d LEFT JOIN customers_customer c ON c.id = d.customer_id), '[]'::json),
    'beyond', (SELECT count(*) FROM obligations_obligation o
               WHERE o.owner_id = %(owner)s AND o.state = 'open' AND o.due >= %(until)s),
    'done', (SELECT count(*) FROM obligations_obligation o
             WHERE o.owner_id = %(owner)s AND o.state = 'done' AND o.settled_at > %(now)s - interval '24 hours'
               AND o.settled_at <= %(now)s)
)::text
"""
