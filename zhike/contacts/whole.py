"""One contact with what was heard at it and what is owed because of it, as PostgreSQL makes it: one query, one JSON value."""

from __future__ import annotations

from django.db import connection


def whole(contact: int) -> str:
    """The contact as the API answers it (``ContactOut``). Raises LookupError for one whom the actor may not see."""
    with connection.cursor() as cursor:
        cursor.execute(WHOLE, {"contact": contact})
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"contact {contact}")
    return str(row[0])


# What hangs on it is found by way of the customer, whose rows have the indexes.
WHOLE = """
SELECT json_build_object(
    'id', t.id::text, 'kind', t.kind, 'state', t.state,
    'customer', json_build_object('id', c.id::text, 'name', c.name, 'honorific', c.honorific, 'tier', c.tier),
    'rm', json_build_object('id', s.id::text, 'name', s.name),
    'held_by', json_build_object('id', h.id::text, 'name', h.name), 'follows', t.follows_id::text,
    'purpose', t.purpose, 'purpose_words', t.purpose_words, 'planned_for', t.planned_for,
    'planned_minutes', t.planned_minutes, 'place', t.place, 'invited_by_rm', t.invited_by_rm,
    'customer_asked', t.customer_asked, 'told_customer', t.told_customer, 'incoming', t.incoming,
    'afterwards', t.afterwards, 'surprise_reason', t.surprise_reason, 'prepared_at', t.prepared_at, 'ticks', t.ticks,
    'notes', t.notes, 'arrived_at', t.arrived_at, 'started_at', t.started_at, 'ended_at', t.ended_at,
    'minutes', floor(extract(epoch FROM t.ended_at - t.started_at) / 60)::int, 'grade', t.grade, 'first', t.first,
    'tier', t.tier, 'outcome', t.outcome, 'call_back_at', t.call_back_at, 'met_where', t.met_where, 'seen_off', t.seen_off,
    'card_handed', t.card_handed, 'invitation', t.invitation, 'result', t.result, 'result_words', t.result_words,
    'no_need', t.no_need, 'closed_at', t.closed_at, 'cancelled_at', t.cancelled_at, 'cancelled_for', t.cancelled_for,
    'cancelled_why', t.cancelled_why, 'created_at', t.created_at, 'version', t.version,
    'needs', (SELECT coalesce(json_agg(json_build_object('id', n.id::text, 'kind', n.kind, 'words', n.words, 'state', n.state)
                                       ORDER BY n.id), '[]')
              FROM customers_need n WHERE n.customer_id = t.customer_id AND n.contact = t.id),
    'demands', (SELECT coalesce(json_agg(json_build_object('id', d.id::text, 'number', d.number, 'words', d.words,
                                         'state', d.state, 'closed_at', d.closed_at) ORDER BY d.number), '[]')
                FROM contacts_demand d WHERE d.contact_id = t.id),
    'findings', (SELECT coalesce(json_agg(json_build_object('clause', f.clause, 'kind', f.kind, 'verdict', f.verdict,
                                          'what', f.what, 'reason', f.reason, 'at', f.at) ORDER BY f.id), '[]')
                 FROM obligations_finding f
                 WHERE f.customer_id = t.customer_id AND f.subject = 'contact:' || t.id AND NOT f.void),
    'obligations', (SELECT coalesce(json_agg(json_build_object('id', o.id::text, 'clause', o.clause, 'kind', o.kind,
                                             'state', o.state, 'subject', o.subject, 'channels', o.channels,
                                             'opens', o.opens, 'due', o.due, 'target', o.target) ORDER BY o.id), '[]')
                    FROM obligations_obligation o
                    WHERE o.customer_id = t.customer_id
                      AND (o.subject = 'contact:' || t.id OR starts_with(o.subject, 'contact:' || t.id || '/')))
)::text
FROM contacts_contact t JOIN customers_customer c ON c.id = t.customer_id JOIN people_staff s ON s.id = t.rm_id
JOIN people_staff h ON h.id = t.held_by_id
WHERE t.id = %(contact)s
"""
