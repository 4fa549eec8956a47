"""Which way messages to customers went, as S1 and S2 ask: counted by day and by whose they are, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.measure import Tally, Texted, texts_tallied
from zhike.people.actor import Actor


@dataclass(frozen=True, slots=True)
class Gone:
    """Messages of one day that went alike: whose, which day, how many. ``finding`` where one was found against S1: then it is one."""

    holder: int
    day: date
    text: Texted
    finding: int | None = None


def tallied(actor: Actor, since: datetime, until: datetime, *, bank: Bank) -> list[Tally]:
    """What one has sent oneself since a moment and before another, by S1 and S2."""
    return texts_tallied(each.text for each in gone(actor, [actor.id], since, until, bank=bank))


def gone(actor: Actor, holders: Sequence[int], since: datetime, until: datetime, *, bank: Bank) -> list[Gone]:
    """What these have sent from a moment on and before another, by days of the bank's zone; to customers that the actor oversees, whoever
    looks after them by now.

    What a gateway took counts, also where its fate is unknown; so does what was recorded as sent by the bank's other platform. A
    message from one's own phone counts by how it was recorded, and by the finding where it was none of the three thanks.
    """
    with connection.cursor() as cursor:
        books = sorted({*actor.oversees, actor.id})
        cursor.execute(
            GONE, {"holders": list(holders), "books": books, "since": since, "until": until, "zone": str(bank.zone)}
        )
        rows = cursor.fetchall()
    return [
        Gone(holder, day, Texted(own_phone, thanks, finding is not None, times), finding)
        for holder, day, own_phone, thanks, finding, times in rows
    ]


# Messages are found by their customers, whose index it is: one by who sent them would be written at every sending.
GONE = """
WITH seen AS MATERIALIZED (SELECT c.id FROM customers_customer c WHERE c.keeper = ANY (%(books)s::bigint[])),
sent AS (
    SELECT m.staff_id AS holder, m.sent_at AS at, false AS own_phone, m.kind = 'thanks' AS thanks, NULL::bigint AS finding
    FROM seen JOIN sms_message m ON m.customer_id = seen.id
    WHERE m.state IN ('submitted', 'delivered', 'undelivered', 'unknown')
    UNION ALL
    SELECT f.staff_id, f.at, f.data->>'through' = 'own_phone', f.data->>'purpose' = 'thanks', NULL
    FROM seen JOIN obligations_fact f ON f.customer_id = seen.id
    WHERE f.kind = 'message_sent' AND NOT f.void AND f.data->>'channel' = 'sms' AND NOT f.data ? 'message'
      AND NOT EXISTS (SELECT FROM obligations_obligation o JOIN obligations_finding g ON g.subject = 'obligation:' || o.id
                      WHERE o.settling_id = f.id AND g.customer_id = f.customer_id AND g.verdict = 'own_phone' AND NOT g.void)
    UNION ALL
    SELECT g.staff_id, g.at, true, false, g.id FROM obligations_finding g
    WHERE g.staff_id = ANY (%(holders)s) AND g.verdict = 'own_phone' AND NOT g.void
)
SELECT holder, (at AT TIME ZONE %(zone)s)::date AS day, own_phone, thanks, finding, count(*)::int
FROM sent WHERE holder = ANY (%(holders)s) AND at >= %(since)s AND at < %(until)s
GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 3, 4, 5
"""
