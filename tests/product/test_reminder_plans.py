"""Reminders at 100,000 rows: what rings, what is sent and what a page shows is found by an index."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from tests.cast import Cast
from tests.product.api import NOW
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.customers.models import Acquaintance
from zhike.notices import courier, inbox, ringing
from zhike.obligations.models import Obligation

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
LARGE = (
    "obligations_obligation",
    "obligations_alarm",
    "obligations_reminder",
    "notices_notice",
    "notices_delivery",
)
COLUMNS = """fact_id, clause, clause_from, kind, force, origin, customer_id, subject, tier, what, why, detail, due_counts, lapses,
    channels, state, evidence, created_at"""
# 500 people owe 200 each. Half the notices are the page's own, one in a thousand of the rest waits to be sent; a few hundred alarms are due.
MANY = f"""
INSERT INTO people_staff (id, password, number, name, title, email, phone, language, theme, single_keys, is_active, must_change_password)
SELECT 100000 + n, '!', 'M' || n, 'M' || n, '', '', '', 'zh-hans', '', true, true, false FROM generate_series(1, 500) n;
ALTER TABLE obligations_obligation DISABLE TRIGGER USER;
INSERT INTO obligations_obligation ({COLUMNS}, owner_id, key, opens, due, target)
SELECT {COLUMNS}, 100001 + n %% 500, 'many:' || n, opens, due + n * interval '1 minute',
       target + n * interval '1 minute'
FROM obligations_obligation, generate_series(1, 100000) n WHERE id = %(owed)s;
INSERT INTO obligations_alarm (obligation_id, rings_at, since, step, turn, aside)
SELECT id, target, created_at, 'before:0', 0, '' FROM obligations_obligation WHERE key LIKE 'many:%%';
INSERT INTO obligations_reminder (obligation_id, staff_id, step, at, turn, rung_at)
SELECT id, owner_id, 'before:15', created_at, 0, created_at FROM obligations_obligation WHERE key LIKE 'many:%%';
INSERT INTO notices_notice (staff_id, channel, key, at, try_at, state, attempts, error, done_at, read_at)
SELECT staff_id, (ARRAY['page', 'wecom'])[1 + n %% 2], gen_random_uuid(), at, at, CASE WHEN n %% 2000 < 2 THEN 'waiting' ELSE 'sent' END,
       0, '', at, CASE WHEN n %% 2000 > 1 THEN at END
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM obligations_reminder) r;
INSERT INTO notices_delivery (reminder_id, channel, notice_id, at, outcome, reason, done_at)
SELECT r.id, n.channel, n.id, r.at, CASE n.state WHEN 'waiting' THEN 'waiting' ELSE 'delivered' END, '', r.at
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM obligations_reminder) r
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM notices_notice) n USING (n);
"""


@pytest.fixture
def many(cast: Cast, owner: Role) -> None:
    customer = cast.customers["rm"][0]
    with owner():
        Acquaintance.objects.create(customer=customer, rm=cast.rm, called_source="import", met_source="import")
    with cast.acting("rm", NOW) as actor:
        call = course.plan(customer, "call", actor=actor, now=NOW, purpose="care")
        course.start(call, actor=actor, now=NOW, bank=Bank())
        course.put_through(call, "busy", actor=actor, now=NOW, bank=Bank(), call_back_at=NOW + timedelta(hours=1))
    owed = Obligation.objects.get(kind="call_back").pk
    with owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in MANY.strip().split(";\n"):
            cursor.execute(statement % {"owed": owed})
        for table in LARGE:
            cursor.execute(f"ANALYZE {table}")


def plan(sql: str, parameters: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_rings_sends_and_shows_by_an_index(many: None, cast: Cast, worker: Role) -> None:
    later = NOW + timedelta(hours=2)
    ids = list(range(1, 30))
    with worker():
        plans = {
            "due": plan(ringing.DUE, [later, ringing.SLICE]),
            "about": plan(ringing.ABOUT, [ids]),
            "again": plan(ringing.AGAIN, {"last": 50_000, "most": 1000, "now": NOW, "ahead": NOW, "owners": None}),
            "claim": plan(courier.CLAIM, [uuid4(), later, ["mail", "wecom"], [32, 32], later, later, later]),
            "claimed": plan(courier.CLAIMED, [ids]),
            "overtaken": plan(courier.OVERTAKEN, [later, ids, later]),
            "sent": plan(courier.SENT, [later, uuid4(), ids]),
        }
    with cast.acting("rm", later):
        plans["inbox"] = plan(inbox.INBOX, {"staff": 100_001, "owners": [100_001], "now": later})
        plans["shown"] = plan(inbox.SHOWN, {"staff": 100_001, "ids": ids, "now": later})
    for name, found in plans.items():
        assert not [table for table in LARGE if f"Seq Scan on {table}" in found], f"{name}\n{found}"
