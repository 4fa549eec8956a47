"""Who is not back goes to the leader (W7, the bank's rule): some minutes after the return that was said last. The tick of each minute
asks; whoever was told is not told again, and what was told is done once they are back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people import leaders

# What nobody signed back in for so long stands, late, in the ledger; it is no matter of minutes any more.
FORGOTTEN = timedelta(days=2)


def escalate(now: datetime, bank: Bank) -> int:
    """Tells the leaders; returns how many were told. Runs as the worker, which sees every row."""
    with transaction.atomic():
        cases = [*_missing(now, bank), *_found(now)]
        if cases:
            ledger.tell_many(cases, now=now, bank=bank)
        return sum(fact.kind == "outing_overdue" for fact, _case in cases)


def _missing(now: datetime, bank: Bank) -> list[tuple[Fact, Case]]:
    rows = _rows(
        MISSING,
        {
            "day": now.astimezone(bank.zone).date(),
            "until": now - timedelta(minutes=bank.outing_leader_after),
            "since": now - FORGOTTEN,
        },
    )
    return [
        (
            Fact(
                "outing_overdue", now, now, row["leader"], None, f"outing:{row['id']}/leader:{row['leader']}",
                {"target": row["returns_at"].isoformat(), "words": row["name"]}, "observed",
            ),
            Case(None),
        )
        for row in rows
    ]  # fmt: skip


def _found(now: datetime) -> list[tuple[Fact, Case]]:
    """Of those that a leader was told of: who is back meanwhile, or has said until when."""
    rows = _rows(FOUND, {"now": now})
    owed = Obligation.objects.in_bulk([row["owed"] for row in rows])
    return [
        (
            Fact(row["kind"], now, now, row["owner_id"], None, row["subject"], grade="observed"),
            Case(None, (ledger.as_seen(owed[row["owed"]]),)),
        )
        for row in rows
    ]


def _rows(sql: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


MISSING = f"""
SELECT o.id, o.returns_at, s.name, leader.staff_id AS leader
FROM work_outing o JOIN people_staff s ON s.id = o.staff_id
CROSS JOIN LATERAL ({leaders.nearest("o.staff_id", "%(day)s", "1")}) leader
WHERE o.state IN ('reported', 'out') AND o.returns_at <= %(until)s AND o.returns_at > %(since)s
  AND NOT EXISTS (SELECT FROM obligations_obligation told WHERE told.subject = 'outing:' || o.id || '/leader:' || leader.staff_id
                  AND told.kind = 'look_into' AND told.state <> 'withdrawn')
ORDER BY o.returns_at, o.id
LIMIT 500
"""
FOUND = """
SELECT told.id AS owed, told.owner_id, told.subject,
       CASE o.state WHEN 'cancelled' THEN 'outing_called_off' WHEN 'reported' THEN 'outing_extended' WHEN 'out' THEN 'outing_extended'
                    ELSE 'outing_returned' END AS kind
FROM obligations_obligation told
JOIN work_outing o ON told.subject = 'outing:' || o.id || '/leader:' || told.owner_id
WHERE told.kind = 'look_into' AND told.state = 'open' AND told.clause = 'W7'
  AND (o.state NOT IN ('reported', 'out') OR o.returns_at > %(now)s)
ORDER BY told.id
LIMIT 500
"""
