"""The team (团队): what those whom one leads have late or were let off, clause by clause; one query, one JSON value."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from zhike.people.actor import Actor

EACH, ROWS = 10, 50  # of each clause at first; of one clause on a page; let go
LET_GO_WITHIN = timedelta(days=7)


def team(actor: Actor, *, now: datetime, clause: str = "", after: int | None = None) -> str:
    """What others in the actor's scope have late, and what was waived in the last week, as a JSON text.

    ``{"tally": {clause: how many late}, "late": [rows], "waived": [rows]}``; a row is one of Today's with ``owner`` (a name),
    ``settled_at`` and ``evidence``. In the order of clause and deadline: never of persons. Of each clause the first
    ``EACH`` rows; with ``clause`` of that one alone ``ROWS``, those after the obligation ``after``.
    """
    others = [keeper for keeper in actor.oversees if keeper != actor.id]
    with connection.cursor() as cursor:
        cursor.execute(TEAM, {
            "others": others, "now": now, "since": now - LET_GO_WITHIN, "rows": ROWS if clause else EACH,
            "let_go": ROWS, "clause": clause, "after": after,
        })  # fmt: skip
        row = cursor.fetchone()
    return str(row[0]) if row else '{"tally": {}, "late": [], "waived": []}'


ROW = """json_build_object('id', o.id::text, 'clause', o.clause, 'kind', o.kind, 'what', o.what, 'why', o.why,
    'opens', o.opens, 'due', o.due, 'target', o.target, 'channels', o.channels, 'detail', o.detail, 'subject', o.subject,
    'owner', s.name, 'settled_at', o.settled_at, 'evidence', o.evidence,
    'customer', CASE WHEN c.id IS NOT NULL THEN json_build_object(
        'id', c.id::text, 'name', c.name, 'honorific', c.honorific, 'tier', c.tier) END)"""
TEAM = f"""
WITH open AS MATERIALIZED (
    SELECT id, clause, due FROM obligations_obligation
    WHERE owner_id = ANY (%(others)s) AND state = 'open' AND due < %(now)s
), place AS MATERIALIZED (
    SELECT id, row_number() OVER (PARTITION BY clause ORDER BY due, id) AS at FROM open
    WHERE %(clause)s IN ('', clause)
        AND (%(after)s::bigint IS NULL OR (due, id) > (SELECT due, id FROM obligations_obligation WHERE id = %(after)s))
), late AS MATERIALIZED (
    SELECT o.* FROM place JOIN obligations_obligation o USING (id) WHERE place.at <= %(rows)s
), waived AS MATERIALIZED (
    SELECT * FROM obligations_obligation o
    WHERE o.owner_id = ANY (%(others)s) AND o.state = 'waived' AND o.settled_at >= %(since)s
    ORDER BY o.settled_at DESC LIMIT %(let_go)s
)
SELECT json_build_object(
    'tally', coalesce((SELECT json_object_agg(clause, n) FROM (SELECT clause, count(*) n FROM open GROUP BY clause) t), '{{}}'::json),
    'late', coalesce((SELECT json_agg({ROW} ORDER BY o.clause, o.due, o.id) FROM late o
        JOIN people_staff s ON s.id = o.owner_id LEFT JOIN customers_customer c ON c.id = o.customer_id), '[]'::json),
    'waived', coalesce((SELECT json_agg({ROW} ORDER BY o.settled_at DESC) FROM waived o
        JOIN people_staff s ON s.id = o.owner_id LEFT JOIN customers_customer c ON c.id = o.customer_id), '[]'::json)
)::text
"""
