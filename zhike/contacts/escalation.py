"""A missed call-back goes to the leader (C5, the bank's rule): some minutes after, if it is still open and the RM is not with
another customer. The tick of each minute asks; whoever was told is not told again.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.obligations import ledger
from zhike.people import leaders

# What nobody looked into in this time is no matter of minutes any more; it stands, late, in the ledger.
FORGOTTEN = timedelta(days=2)
# A talk that began longer ago was left under way, and nobody is in it: it kept the leader from ever being told.
LONGEST_TALK = timedelta(hours=4)


def escalate(now: datetime, bank: Bank) -> int:
    """Tells the leaders; returns how many obligations to look into it became. Runs as the worker, which sees every row."""
    with transaction.atomic():
        cases = []
        for row in _missed(now, bank):
            fact = Fact(
                kind="call_back_missed",
                at=now,
                known_at=now,
                staff=row["leader"],
                customer=row["customer"],
                subject=f"{row['subject']}/leader:{row['leader']}",
                data={"target": row["target"].isoformat(), "words": row["rm"]},
                grade="observed",
            )
            cases.append((fact, ledger.case_from(row["found"])))
        return ledger.tell_many(cases, now=now, bank=bank) if cases else 0


def _missed(now: datetime, bank: Bank) -> list[dict[str, Any]]:
    day: date = now.astimezone(bank.zone).date()
    with connection.cursor() as cursor:
        cursor.execute(
            MISSED,
            {
                "day": day,
                "until": now - timedelta(minutes=bank.callback_leader_after),
                "since": now - FORGOTTEN,
                "talks": now - LONGEST_TALK,
                "leaders": 2 if bank.callback_leaders_leader else 1,
            },
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


MISSED = f"""
SELECT o.customer_id AS customer, o.subject, o.target, rm.name AS rm, leader.staff_id AS leader,
       {ledger.CASE_VALUE.replace("%s", "%(day)s")} AS found
FROM obligations_obligation o
JOIN customers_customer c ON c.id = o.customer_id
JOIN people_staff rm ON rm.id = o.owner_id
CROSS JOIN LATERAL ({leaders.nearest("o.owner_id", "%(day)s", "%(leaders)s")}) leader
WHERE o.kind = 'call_back' AND o.state = 'open' AND o.target <= %(until)s AND o.target > %(since)s
  AND NOT EXISTS (SELECT FROM obligations_obligation told WHERE told.customer_id = o.customer_id
                  AND told.kind = 'look_into' AND told.subject = o.subject || '/leader:' || leader.staff_id
                  AND told.state <> 'withdrawn')
  AND NOT EXISTS (SELECT FROM contacts_contact busy WHERE busy.held_by_id = o.owner_id AND busy.state = 'under_way'
                  AND busy.started_at > %(talks)s AND busy.customer_id <> o.customer_id)
ORDER BY o.target, o.id
LIMIT 500
"""
