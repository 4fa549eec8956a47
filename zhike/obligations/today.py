"""Today (今日): what one person owes now, as PostgreSQL makes it: one query, one JSON value, no model in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

# How far ahead the timeline looks; what lies beyond is counted, not shown.
AHEAD = timedelta(days=7)


def today(owner: int, *, now: datetime) -> str:
    """The open obligations of ``owner`` that are late, due now or due within a week, by deadline, as a JSON text.

    ``{"rows": [{id, clause, kind, force, origin, what, why, opens, due, target, channels, detail, subject, tier,
    still, customer: {id, name, honorific, tier, reading} | null}], "late": n, "beyond": n, "done": n}``. ``still``: why what
    was done for it left it open; ``late`` counts all that is late, ``beyond`` what lies ahead and is not among the rows.
    What has no deadline (R4) is on the customer's page and the preparation card, not here.
    """
    with connection.cursor() as cursor:
        cursor.execute(TODAY, {"owner": owner, "now": now, "until": now + AHEAD})
        row = cursor.fetchone()
    return str(row[0]) if row else '{"rows": []}'


# At most 150 late rows, those first that became late last, and 150 ahead: however much is late, it takes no room from what is
# due within minutes. Written so that PostgreSQL plans it once and keeps the plan: fixed limits, a range with both its ends.
TODAY = """
WITH late AS MATERIALIZED (
    SELECT o.id, o.clause, o.kind, o.force, o.origin, o.what, o.why, o.opens, o.due, o.target, o.channels, o.detail,
           o.subject, o.tier, o.customer_id, CASE WHEN o.evidence ? 'still' THEN o.evidence END AS still
    FROM obligations_obligation o
    WHERE o.owner_id = %(owner)s AND o.state = 'open' AND o.due < %(now)s
    ORDER BY o.due DESC, o.id DESC LIMIT 150
), ahead AS MATERIALIZED (
    SELECT o.id, o.clause, o.kind, o.force, o.origin, o.what, o.why, o.opens, o.due, o.target, o.channels, o.detail,
           o.subject, o.tier, o.customer_id, CASE WHEN o.evidence ? 'still' THEN o.evidence END AS still
    FROM obligations_obligation o
    WHERE o.owner_id = %(owner)s AND o.state = 'open' AND o.due >= %(now)s AND o.due < %(until)s
    ORDER BY o.due, o.id LIMIT 150
), due AS (SELECT * FROM late UNION ALL SELECT * FROM ahead)
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
    'late', (SELECT count(*) FROM obligations_obligation o
             WHERE o.owner_id = %(owner)s AND o.state = 'open' AND o.due < %(now)s),
    'beyond', (SELECT count(*) FROM obligations_obligation o
               WHERE o.owner_id = %(owner)s AND o.state = 'open' AND o.due >= %(now)s) - (SELECT count(*) FROM ahead),
    'done', (SELECT count(*) FROM obligations_obligation o
             WHERE o.owner_id = %(owner)s AND o.state = 'done' AND o.settled_at > %(now)s - interval '24 hours'
               AND o.settled_at <= %(now)s)
)::text
"""
