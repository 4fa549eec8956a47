"""The write-up, the import and the nightly sweep."""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench import data, databases, load
from bench.run import Figure, Trial, both, in_turns, sign_in
from zhike import processes

AT_MOST = 1_500  # write-ups a second that a machine may do: so many contacts are prepared
IMPORTED = 200_000
IMPORT_LIMIT = 60.0


# ── write-up ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Waiting:
    """A visit that has just ended and waits for its write-up."""

    contact: int
    customer: int
    rm: int
    tier: str
    obligation: int


# Visits that ended an hour ago with what the ledger owes for them, in the order of customers, book by book.
PREPARE = f"""
WITH held AS (
    INSERT INTO contacts_contact (kind, state, customer_id, rm_id, held_by_id, purpose, planned_for, started_at, ended_at, first, tier,
        outcome, result, result_words, no_need, by_id, created_at, version, {data.EMPTY_COLUMNS})
    SELECT 'visit', 'ended', c.id, c.rm_id, c.rm_id, 'care', %(at)s, %(at)s, %(at)s::timestamptz + interval '45 minutes', false, c.tier,
        '', '', '', false, c.rm_id, %(at)s, 4, '', '客户公司', false, false, true, false, false, '', '{{}}', '[]', 'tapped', '',
        '', '', '', ''
    FROM customers_customer c ORDER BY c.id %% {data.BOOK}, c.id LIMIT %(many)s
    RETURNING id, customer_id, rm_id, tier, ended_at
), told AS (
    INSERT INTO obligations_fact (kind, at, known_at, grade, by_id, staff_id, customer_id, subject, data, void)
    SELECT 'visit_ended', ended_at, ended_at, 'tapped', rm_id, rm_id, customer_id, 'contact:' || id, '{{"first": false}}', false
    FROM held RETURNING id, subject
), owed AS (
    INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier,
        what, why, detail, opens, due, due_counts, lapses, channels, state, evidence, created_at, key)
    SELECT told.id, due ->> 'clause', (due ->> 'clause_from')::date, 'write_up', due ->> 'force', due ->> 'origin', held.rm_id,
        held.customer_id, told.subject, held.tier, due -> 'what', due -> 'why', due -> 'detail', held.ended_at,
        (due ->> 'due')::timestamptz, false, false, '{{}}', 'open', '{{}}', held.ended_at,
        due ->> 'clause' || '/write_up/' || told.subject
    FROM held JOIN told ON told.subject = 'contact:' || held.id, (SELECT %(due)s::jsonb AS due) d
    RETURNING id, subject
)
SELECT held.id, customer_id, rm_id, tier, owed.id FROM held JOIN owed ON owed.subject = 'contact:' || held.id
ORDER BY customer_id %% {data.BOOK}, customer_id
"""

BODY: dict[str, Any] = {
    "result": "considering",
    "result_words": "对三年期大额存单有兴趣，需与家人商量，约好两周后再谈",
    "needs": [{"kind": "maturity", "words": "到期资金想转较稳妥的产品"}],
    "next": {
        "kind": "call",
        "at": (data.NOW + timedelta(days=14)).isoformat(),
        "purpose": "need",
        "words": "答复存单的选择",
    },
}


def write_up(trial: Trial) -> Iterator[Figure]:
    """A visit written up with its result, a need and the next contact, against its one statement fed ready documents."""
    many = round(AT_MOST * (trial.seconds * trial.rounds + 2))
    with (
        databases.spent(trial.server, trial.bank, "spent") as full,
        databases.spent(trial.server, trial.bank, "bare_spent") as bare_one,
    ):
        waiting = prepare(trial, full, many)
        if waiting != prepare(trial, bare_one, many):
            raise databases.NotBuilt("The two databases differ.")
        cookies = sign_in(trial, full, sorted({each.rm for each in waiting}))
        tokens = {"X-CSRFToken": "b" * 32}
        body = json.dumps(BODY, ensure_ascii=False).encode()
        here = [
            load.request(
                "POST",
                f"/api/v1/contacts/{each.contact}/write-up",
                {"Cookie": f"zhike_session={cookies[each.rm]}; csrftoken={'b' * 32}", **tokens},
                body,
            )
            for each in waiting
        ]
        there = [load.request("POST", f"/write-up/{each.contact}", None, document(each)) for each in waiting]
        with both(trial, full, bare_one) as (ours, bare):
            compared = in_turns(trial, (ours, here), (bare, there), once=True)
        yield compared.figure("writeup", f"result, a need, the next contact; {trial.said}; {len(waiting):,} prepared")


def prepare(trial: Trial, database: str, many: int) -> list[Waiting]:
    """Contacts that wait for their write-up, one a customer as far as there are customers; the same in both databases."""
    at = data.NOW - timedelta(hours=2)
    ended = [("visit_ended", at + timedelta(minutes=45), "contact:0", {"first": False})]
    due = next(due for due in data.asked(ended, "gold")["dues"] if due["kind"] == "write_up")
    found: list[Waiting] = []
    with databases.superuser(trial.server, database) as connection:
        while len(found) < many:
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")
                left = {"at": at, "many": many - len(found), "due": json.dumps(due)}
                found += [Waiting(*row) for row in connection.execute(PREPARE, left).fetchall()]
        connection.execute("VACUUM (ANALYZE) contacts_contact, obligations_fact, obligations_obligation")
    return found


def document(each: Waiting) -> bytes:
    """What ours makes of the form before it writes: the statement's one parameter."""
    from zhike.conduct.bank import Bank
    from zhike.conduct.facts import Case, Owed, Person
    from zhike.contacts import write_up as written
    from zhike.contacts.models import Contact
    from zhike.people.actor import Actor

    ended = data.NOW - timedelta(hours=1, minutes=15)
    contact = Contact(
        id=each.contact,
        kind="visit",
        state="ended",
        customer_id=each.customer,
        rm_id=each.rm,
        held_by_id=each.rm,
        ended_at=ended,
        tier=each.tier,
    )
    owed = Owed(each.obligation, "write_up", "V6", each.rm, each.customer, contact.subject, ended, None, None, (), {})
    actor = Actor(each.rm, "", frozenset({"rm"}), (each.rm,), (each.rm,))
    next_one = written.NextContact(**{**BODY["next"], "at": data.NOW + timedelta(days=14)})
    needs = [written.NeedHeard(**need) for need in BODY["needs"]]
    form = written.WriteUp(BODY["result"], BODY["result_words"], needs, next=next_one)
    case = Case(Person(each.customer, each.tier), (owed,))
    made = written.document(contact, form, case, state="closed", actor=actor, now=data.NOW, bank=Bank())
    return json.dumps(made).encode()


# ── import and sweep ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ran:
    """A command that ran to its end: seconds, the most memory that it held, and what it printed.

    ``ours`` and ``theirs`` are seconds of processor time, of the command and of PostgreSQL: what a busy machine leaves true.
    """

    seconds: float
    peak: int
    printed: str
    ours: float
    theirs: float


def command(trial: Trial, database: str, *arguments: str) -> Ran:
    """Runs ``zhike`` on a database, as somebody at the shell does."""
    environment = databases.environment(trial.server, database)
    before, begun = databases.spent_by_postgres(trial.server, database), time.perf_counter()
    out = trial.folder / "printed"
    with out.open("w") as file:
        child = subprocess.Popen(processes.own(*arguments), env=environment, stdout=file, cwd=trial.folder)
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise databases.NotBuilt(f"zhike {' '.join(arguments)} ended with {child.returncode}.")
    seconds = time.perf_counter() - begun
    theirs = databases.spent_by_postgres(trial.server, database) - before
    return Ran(seconds, used.ru_maxrss * 1024, out.read_text(), used.ru_utime + used.ru_stime, theirs)


def sweep(trial: Trial) -> Iterator[Figure]:
    """Night after night on N customers, in turns with the same command on the twin without policies and trail."""
    with (
        databases.spent(trial.server, trial.bank, "spent") as full,
        databases.spent(trial.server, trial.bank, "bare_spent") as bare,
    ):
        ours: list[Ran] = []
        theirs: list[Ran] = []
        for night in range(trial.rounds):
            on = (data.TODAY + timedelta(days=night)).isoformat()
            ours.append(command(trial, full, "day", "--on", on, "--json"))
            theirs.append(command(trial, bare, "day", "--on", on, "--json"))
    seconds = statistics.median(each.seconds for each in ours)
    ratio = statistics.median(b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True))
    found = json.loads(ours[-1].printed)
    said = (
        f"zhike day on {trial.bank.customers:,} customers, {trial.rounds} nights one after the other, the last one adding "
        f"{found['birthdays']} birthdays and {found['rhythm']} contacts due; the first night {ours[0].seconds:.1f} s; "
        f"peak {max(each.peak for each in ours) >> 20} MB; bare {statistics.median(each.seconds for each in theirs):.2f} s"
    )
    yield Figure("sweep", round(seconds, 2), "s", None, round(ratio, 3), said)


def import_(trial: Trial) -> Iterator[Figure]:
    """A bank's file of 200,000 rows, as XLSX and as CSV, through the command, on a bank of N customers each time."""
    for kind, write in (("xlsx", write_xlsx), ("csv", write_csv)):
        file = trial.folder / f"customers.{kind}"
        write(file, trial.bank, IMPORTED, kind)
        with databases.spent(trial.server, trial.bank, "spent") as full:
            ours = command(trial, full, "import", "customers", str(file))
            loaded = _loaded(trial, full, kind)
        with databases.spent(trial.server, trial.bank, "bare_spent") as bare:
            theirs = command(trial, bare, "import", "customers", str(file))
        said = (
            f"{kind}, {IMPORTED:,} rows, {loaded:,} loaded, into {trial.bank.customers:,} customers; processor time "
            f"{ours.ours:.1f} s here and {ours.theirs:.1f} s in PostgreSQL (bare {theirs.ours:.1f} and {theirs.theirs:.1f} s); "
            f"peak {ours.peak >> 20} MB; bare {theirs.seconds:.1f} s"
        )
        yield Figure("import", round(ours.seconds, 1), "s", IMPORT_LIMIT, round(theirs.seconds / ours.seconds, 3), said)


def _loaded(trial: Trial, database: str, kind: str) -> int:
    with psycopg.connect(trial.server.url("zhike_worker", database)) as connection:
        row = connection.execute(
            "SELECT count(*) FROM customers_customer WHERE core_number LIKE %s", [f"N{kind[0].upper()}%"]
        ).fetchone()
    return int(row[0]) if row else 0


HEADINGS = (
    "客户号",
    "姓名",
    "性别",
    "等级",
    "手机号码",
    "生日",
    "历法",
    "客户经理工号",
    "管户日期",
    "是否见过面",
    "爱好",
    "月日均资产",
)


def rows_to_import(bank: data.Bank, many: int, kind: str) -> Iterator[tuple[str, ...]]:
    people = [name for each, name in data.names() if each == "person"]
    for n in range(1, many + 1):
        yield (
            f"N{kind[0].upper()}{n:08d}", people[n * 7907 % len(people)], "男" if n % 2 else "女",
            ("普通", "金卡", "白金", "钻石")[n % 4], f"15{(n * 7_919_777 + ord(kind[0]) * 31_337) % 1_000_000_000:09d}",
            f"{1950 + n % 50}-{1 + n % 12:02d}-{1 + n % 28:02d}", "公历", f"B{1 + n % bank.rms}", "2026-06-01", "是", "钓鱼",
            str(10_000 + n * 37 % 900_000),
        )  # fmt: skip


def write_csv(path: Path, bank: data.Bank, many: int, kind: str) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(rows_to_import(bank, many, kind))


def write_xlsx(path: Path, bank: data.Bank, many: int, kind: str) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("客户")
        sheet.write_row(0, 0, HEADINGS)
        for number, row in enumerate(rows_to_import(bank, many, kind), 1):
            sheet.write_row(number, 0, row)
