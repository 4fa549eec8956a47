"""Reminders: how late those come that fall due together, in a bank in which many more are pending."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bench import data, databases
from bench.peer import ADDRESS, Peer, receiving
from bench.run import Figure, Trial, cores
from zhike import clock, processes

PENDING, DUE = 100_000, 2_000
WORKERS = 2
LIMIT = 1.0  # seconds late, for all but one of a hundred
AHEAD = timedelta(seconds=25)  # promised so long before it is due
PATIENCE = 600.0


def reminders(trial: Trial) -> Iterator[Figure]:
    """2,000 call-backs that fall due within one minute, then 2,000 within one second, while 100,000 others are pending."""
    with databases.spent(trial.server, trial.bank, "spent") as name, receiving(clock.now) as peer:
        prepare(trial, name)
        with working(trial, name, peer):
            until(trial, name, "SELECT count(*) = 0 FROM obligations_alarm WHERE step = ''")
            for within in (timedelta(minutes=1), timedelta(0)):
                yield figure(trial, name, peer, within)


def prepare(trial: Trial, name: str) -> None:
    """Every RM chose WeCom; 100,000 call-backs are promised for the weeks to come; the day is swept, as at ten it is."""
    now = clock.now()
    with databases.superuser(trial.server, name) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            'INSERT INTO notices_choice (staff_id, channel, "on", address)'
            " SELECT n, 'wecom', true, '' FROM generate_series(1, %s) n",
            [trial.bank.rms],
        )
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, queueing_lock) VALUES ('default', 'sweep_day',"
            " jsonb_build_object('day', %s::text), 'succeeded', 'sweep ' || %s::text)",
            [data.TODAY.isoformat(), data.TODAY.isoformat()],
        )
        promise(connection, trial, "pending", PENDING, now, timedelta(hours=2), timedelta(days=20))
        connection.execute(
            "INSERT INTO obligations_alarm (obligation_id, rings_at, since, step, turn, aside)"
            " SELECT id, created_at, created_at, '', 0, '' FROM obligations_obligation WHERE key LIKE 'pending:%%'"
        )
    with databases.superuser(trial.server, name) as connection:
        connection.execute("ANALYZE")


def promise(
    connection: psycopg.Connection[Any],
    trial: Trial,
    which: str,
    number: int,
    now: datetime,
    ahead: timedelta,
    within: timedelta,
) -> None:
    """So many call-backs, RM by RM, promised for moments spread evenly over a time that begins so far ahead."""
    promised = {"target": now.isoformat(), "outcome": "busy", "words": "开会中，约好再打"}
    document = data.asked([("call_back_promised", now, "contact:0/back", promised)], "gold")
    (due,) = [due for due in document["dues"] if due["kind"] == "call_back"]
    connection.execute(
        PROMISED,
        {"due": json.dumps(due), "which": which, "number": number, "rms": trial.bank.rms, "book": data.BOOK,
         "begins": now + ahead, "step": within / number, "now": now},
    )  # fmt: skip


PROMISED = """
WITH fact AS (
    INSERT INTO obligations_fact (kind, at, known_at, grade, by_id, staff_id, customer_id, subject, data, void)
    VALUES ('call_back_promised', %(now)s, %(now)s, 'tapped', 1, 1, 1, 'contact:0/back', '{}', false) RETURNING id
)
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what,
    why, detail, opens, due, due_counts, target, lapses, channels, state, evidence, created_at, key)
SELECT fact.id, d.clause, d.clause_from, d.kind, d.force, d.origin, 1 + n %% %(rms)s, 1 + n %% %(rms)s * %(book)s, d.subject, d.tier,
       d.what, d.why, d.detail, at + (d.opens - d.target), at + (d.due - d.target), d.due_counts, at, d.lapses, d.channels, 'open',
       '{}', %(now)s, %(which)s || ':' || n
FROM fact, generate_series(0, %(number)s - 1) n
CROSS JOIN LATERAL (SELECT %(begins)s::timestamptz + n * %(step)s::interval AS at) moment
CROSS JOIN jsonb_to_record(%(due)s::jsonb) AS d (clause text, clause_from date, kind text, force text, origin text, subject text,
    tier text, what jsonb, why jsonb, detail jsonb, opens timestamptz, due timestamptz, due_counts boolean, target timestamptz,
    lapses boolean, channels text[])
"""


@contextmanager
def working(trial: Trial, name: str, peer: Peer) -> Iterator[None]:
    """Two workers, as they run in earnest."""
    more = {"ZHIKE_ROLE": "worker", "ZHIKE_WECOM_URL": peer.url, "ZHIKE_ADDRESS": ADDRESS}
    environment = databases.environment(trial.server, name) | more
    workers = [subprocess.Popen(processes.own("worker"), env=environment) for _number in range(WORKERS)]
    try:
        yield
        if any(worker.poll() is not None for worker in workers):
            raise databases.NotBuilt("A worker has ended.")
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(2 * processes.GRACE)


def until(trial: Trial, name: str, asked: str) -> None:
    """Until the tables say so. Raises NotBuilt."""
    deadline = time.monotonic() + PATIENCE
    with databases.superuser(trial.server, name) as connection:
        while not connection.execute(asked).fetchone()[0]:  # type: ignore[index]
            if time.monotonic() > deadline:
                raise databases.NotBuilt(f"Not within {PATIENCE:g} s: {asked}")
            time.sleep(1)


def figure(trial: Trial, name: str, peer: Peer, within: timedelta) -> Figure:
    """2,000 of them, held against the receiving end's journal."""
    which = f"within {within.seconds}"
    before = peer.copies
    with databases.superuser(trial.server, name) as connection, connection.transaction():
        promise(connection, trial, which, DUE, clock.now(), AHEAD, within)
    lines = LINES.format(which=which)
    until(trial, name, f"SELECT count(*) FILTER (WHERE outcome = 'delivered') = {DUE} FROM ({lines}) each")
    with databases.superuser(trial.server, name) as connection:
        found = connection.execute(lines).fetchall()
    came = Came(
        [(peer.journal[str(key)].at - at).total_seconds() for _id, key, at, _rung, _outcome in found],
        [(rung - at).total_seconds() for _id, _key, at, rung, _outcome in found],
    )
    if len(found) != DUE or len({row[0] for row in found}) != DUE or peer.copies != before:
        raise databases.NotBuilt(f"Of {DUE} reminders {len(found)} lines, {peer.copies - before} copies.")
    said = (
        f"seconds late at the receiving end, p99 of {DUE:,} call-backs of {trial.bank.rms:,} RMs that fall due "
        f"{'in the same second' if not within else 'within one minute'} while {PENDING:,} others are pending; "
        f"{len({row[1] for row in found}):,} messages; p50 {statistics.median(came.sent):.2f}, max {max(came.sent):.2f}; on the page "
        f"p50 {statistics.median(came.shown):.2f}, p99 {p99(came.shown):.2f}, max {max(came.shown):.2f}; none lost, none doubled; "
        f"{WORKERS} workers, {cores()} cores shared with database and receiving end"
    )
    name = "reminders, one second" if not within else "reminders"
    return Figure(name, round(p99(came.sent), 2), "s at p99", LIMIT, None, said)


@dataclass(frozen=True)
class Came:
    """How late each was, in seconds: at the receiving end, and where a page would show it."""

    sent: list[float]
    shown: list[float]


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[-1]


LINES = """
SELECT r.id, n.key, d.at, r.rung_at, d.outcome FROM obligations_obligation o
JOIN obligations_reminder r ON r.obligation_id = o.id JOIN notices_delivery d ON d.reminder_id = r.id AND d.channel = 'wecom'
JOIN notices_notice n ON n.id = d.notice_id WHERE o.key LIKE '{which}:%'"""
