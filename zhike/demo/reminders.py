"""The reminders of the days behind: what is open still was remembered in its time, told on a page, and read."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.notices.ringing import ring

# What rang a moment ago nobody has read yet.
JUST_NOW = timedelta(minutes=20)


def remember(now: datetime, rules: Bank) -> None:
    """Rings alarm by alarm in the order of time, as a worker has done all along; from ``now`` on one does."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT min(rings_at) FROM obligations_alarm WHERE aside = '' AND rings_at <= %s", [now])
            (moment,) = cursor.fetchone()
            if moment is None:
                break
            ring(moment, rules)
        cursor.execute(READ, {"until": now - JUST_NOW})


READ = """
WITH shown AS (
    UPDATE notices_notice SET state = 'sent', done_at = at + interval '1 second', read_at = at + interval '5 minutes'
    WHERE channel = 'page' AND state = 'waiting' AND at < %(until)s RETURNING id
)
UPDATE notices_delivery d SET outcome = 'delivered', done_at = d.at + interval '1 second'
FROM shown WHERE d.notice_id = shown.id AND d.outcome = 'waiting'"""
