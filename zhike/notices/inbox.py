"""The page's own channel (页面提醒): what one person has been reminded of and not put away, and when it rings next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection


def inbox(staff: int, *, covers: Sequence[int], now: datetime) -> tuple[str, datetime | None]:
    """As a JSON text: ``{"rows": […], "plain": […]}``; and when to ask again, None: nothing rings.

    ``rows``: obligations still open, each once with its latest reminder, what could not be delivered and then the most urgent first, as Today has them
    (:func:`zhike.obligations.today.today`), with ``notices``, ``step``, ``at``. ``plain``: tests. To ask again: when it rings next for them
    or for whom they cover, or
    in two seconds where a worker has yet to look.
    """
    with connection.cursor() as cursor:
        cursor.execute(INBOX, {"staff": staff, "owners": [staff, *covers], "now": now})
        row = cursor.fetchone()
    return str(row[0]), row[1]


def shown(staff: int, notices: Sequence[int], *, now: datetime) -> None:
    """A page of theirs has shown these: delivered, once."""
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, {"staff": staff, "ids": list(notices), "now": now})


def put_away(staff: int, notices: Sequence[int], *, now: datetime) -> None:
    """They have read these; what is owed stays owed, on Today."""
    shown(staff, notices, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notices_notice SET read_at = %s WHERE staff_id = %s AND id = ANY (%s) AND channel = 'page' AND read_at IS NULL",
            [now, staff, list(notices)],
        )


INBOX = """
WITH mine AS MATERIALIZED (
    SELECT n.id AS notice, n.state, r.id, r.step, r.at, r.rung_at, r.obligation_id
    FROM notices_notice n JOIN notices_delivery d ON d.notice_id = n.id JOIN obligations_reminder r ON r.id = d.reminder_id
    WHERE n.staff_id = %(staff)s AND n.channel = 'page' AND n.read_at IS NULL AND n.state IN ('waiting', 'sent')
      AND d.outcome IN ('waiting', 'delivered')
), latest AS (
    SELECT DISTINCT ON (m.obligation_id) m.step, m.at, m.rung_at, m.obligation_id, a.notices, a.fresh
    FROM mine m JOIN (SELECT obligation_id, json_agg(notice) AS notices, bool_or(state = 'waiting') AS fresh
                      FROM mine GROUP BY obligation_id) a USING (obligation_id)
    ORDER BY m.obligation_id, m.at DESC, m.id DESC
)
SELECT json_build_object(
    'rows', coalesce((
        SELECT json_agg(json_build_object(
            'id', o.id::text, 'clause', o.clause, 'kind', o.kind, 'force', o.force, 'origin', o.origin, 'what', o.what,
            'why', o.why, 'opens', o.opens, 'due', o.due, 'target', o.target, 'channels', o.channels, 'detail', o.detail,
            'subject', o.subject, 'tier', o.tier, 'owner', s.name, 'mine', o.owner_id = %(staff)s,
            'notices', l.notices, 'fresh', l.fresh, 'step', l.step, 'at', l.at, 'rung_at', l.rung_at,
            'customer', CASE WHEN c.id IS NOT NULL THEN json_build_object(
                'id', c.id::text, 'name', c.name, 'honorific', c.honorific, 'tier', c.tier) END
        ) ORDER BY l.step <> 'undelivered', coalesce(o.target, o.due), o.id)
        FROM latest l JOIN obligations_obligation o ON o.id = l.obligation_id JOIN people_staff s ON s.id = o.owner_id
        LEFT JOIN customers_customer c ON c.id = o.customer_id
        WHERE o.state = 'open'), '[]'::json),
    'plain', coalesce((SELECT json_agg(json_build_object('notices', json_build_array(notice), 'fresh', state = 'waiting',
                                                         'step', step, 'at', at) ORDER BY at)
                       FROM mine WHERE obligation_id IS NULL), '[]'::json)
)::text, (SELECT min(CASE WHEN a.rings_at > %(now)s THEN a.rings_at ELSE %(now)s + interval '2 seconds' END)
             FROM obligations_alarm a JOIN obligations_obligation o ON o.id = a.obligation_id
             WHERE o.owner_id = ANY (%(owners)s) AND o.state = 'open' AND a.rings_at IS NOT NULL AND a.aside = '')"""

SHOWN = """
WITH seen AS (
    UPDATE notices_notice SET state = 'sent', done_at = %(now)s
    WHERE staff_id = %(staff)s AND id = ANY (%(ids)s) AND channel = 'page' AND state = 'waiting' RETURNING id
)
UPDATE notices_delivery d SET outcome = 'delivered', done_at = %(now)s FROM seen
WHERE d.notice_id = seen.id AND d.outcome = 'waiting'"""
