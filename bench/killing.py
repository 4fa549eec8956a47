"""Reminders, proven by killing: workers, web server and PostgreSQL die by kill -9 at random moments, round after round.

    python -m bench.killing [--rounds 200] [--seed N]

In each round promises fall due within seconds, one is let go and a visit is moved through the API, and one process is killed.
Afterwards the tables, the receiving end's journal and what the API had acknowledged are held against each other. An embedded server
of its own in a temporary folder, with fsync on; two workers and a web server as they run in earnest, started anew as a
supervisor does it. The clock stands on a Monday morning, so that no reminder waits for working hours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench import data, databases
from bench.peer import ADDRESS, Peer, receiving
from zhike import embedded, processes

START = datetime(2026, 3, 2, 10, 0, tzinfo=data.ZONE)
BANK = data.Bank(4 * data.BOOK)  # four RMs under one leader
RMS = tuple(range(1, BANK.rms + 1))
LEADER = BANK.rms + 1
FEW = 8  # customers an RM
BEFORE = {"call_back": (15, 2, 0), "arrival": (25,)}  # minutes before the promised minute, by C5 and V2
VICTIMS = ("worker", "worker", "web", "web child", "postgres", "backend")
LIMIT = 300.0  # seconds until what is waited for must have come
ON_ITS_WAY = timedelta(seconds=12)  # what was on its way when it was settled may arrive within the channel's patience

QUIET = timedelta(seconds=2)  # nothing rings for so long when all is held against each other


class TooLate(Exception):
    """Something has not come within its limit."""


@dataclass
class Owed:
    """One obligation of the rounds. ``minute``: the promised one. ``ended``: when its end was acknowledged."""

    id: int
    kind: str
    owner: int
    made: datetime
    minute: datetime
    ended: datetime | None = None

    def due(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """The reminders that must have rung by ``now``."""
        for minutes in BEFORE[self.kind]:
            at = self.minute - timedelta(minutes=minutes)
            if self.made <= at <= now:
                yield f"before:{10 if self.kind == 'arrival' else minutes}", at


@dataclass
class Told:
    """What came of it. ``complaints`` is empty where all holds."""

    rounds: int
    seed: int
    complaints: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    owed: int = 0
    reminders: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    copies: int = 0
    cut: int = 0
    refused: int = 0
    unconfirmed: int = 0
    seconds: float = 0.0
    late: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        late = sorted(self.late) or [0.0]
        return (
            f"{self.rounds} rounds in {self.seconds:.0f} s, seed {self.seed}; killed: "
            + ", ".join(f"{name} {number}" for name, number in sorted(self.killed.items()))
            + f"; {self.owed} owed, {self.reminders} reminders rang; lines: "
            + ", ".join(f"{name} {number}" for name, number in sorted(self.outcomes.items()))
            + f"; the receiving end took {self.taken}, dropped {self.copies} copies, cut {self.cut}, refused {self.refused}; "
            f"{self.unconfirmed} taken and then no longer needed; late by p50 {late[len(late) // 2]:.1f} s, max {late[-1]:.1f} s"
        )


def kill(rounds: int, seed: int, say: Callable[[str], object] = print) -> Told:
    """All rounds, and what came of them. Raises TooLate."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zhike-killing-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with embedded.running(Path(folder) / "home", tell=lambda text: None) as server, ExitStack() as stack:
            scene = stack.enter_context(playing(server, random.Random(seed)))
            told = Told(rounds, seed)
            for number in range(rounds):
                one(scene, told)
                say(f"round {number + 1}: {scene.last}")
            scene.settle_down()
            scene.keeper.stop(signal.SIGKILL)  # nothing rings while all is held against each other
            check(scene, told)
    told.seconds = time.monotonic() - begun
    return told


def one(scene: Scene, told: Told) -> None:
    """One round: some fall due, one is let go, a visit is moved, and somebody dies."""
    dice = scene.dice
    for _number in range(dice.randint(2, 4)):
        scene.promise(timedelta(seconds=dice.uniform(0.2, 1.5), minutes=dice.choice((0, 0, 2, 15))))
    let_go = scene.promise(timedelta(seconds=dice.uniform(0.5, 2.5)))
    visit = scene.agree(timedelta(seconds=dice.uniform(0.5, 3)))
    victim = dice.choice(VICTIMS)
    killing = threading.Timer(dice.uniform(0, 1.5), scene.kill, [victim])
    killing.start()
    scene.let_go(let_go)
    scene.move(visit, timedelta(seconds=dice.uniform(0.5, 2)))
    killing.join()
    told.killed[victim] += 1


# ── who plays ───────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def playing(server: embedded.Server, dice: random.Random) -> Iterator[Scene]:
    """The bank, the receiving end and the processes, for as long as the block runs."""
    databases.migrate(server, embedded.DATABASE)
    since = time.time()

    def now() -> datetime:
        return START + timedelta(seconds=time.time() - since)

    tokens = seat(server, now())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with receiving(now, random.Random(dice.random())) as peer:
        environment = {
            **os.environ, **embedded.environment(server), "ZHIKE_MODE": os.environ.get("ZHIKE_MODE", "demo"),
            "ZHIKE_CLOCK": START.isoformat(), "ZHIKE_CLOCK_SINCE": repr(since), "ZHIKE_LANG": "en", "ZHIKE_ADDRESS": ADDRESS,
            "ZHIKE_WECOM_URL": peer.url, "ZHIKE_PARENT": str(os.getpid()), "ZHIKE_ALLOWED_HOSTS": "127.0.0.1",
        }  # fmt: skip
        environment.pop("ZHIKE_ROLE", None)
        keeper = Keeper(server, environment, port)
        try:
            yield Scene(server, dice, now, port, tokens, keeper, peer)
        finally:
            keeper.stop()


def seat(server: embedded.Server, now: datetime) -> dict[int, str]:
    """Four RMs who chose WeCom beside the page, their leader, eight customers each; the tokens of all by staff."""
    with databases.superuser(server, embedded.DATABASE) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        data.people(connection, BANK)
        connection.execute(CUSTOMERS, {"few": FEW, "rms": BANK.rms, "unit": 2 + BANK.branches, "now": now})
        connection.execute(
            'INSERT INTO notices_choice (staff_id, channel, "on", address)'
            " SELECT id, 'wecom', true, '' FROM people_staff WHERE id <= %s",
            [LEADER],
        )
        tokens = {staff: f"zk_{staff}_{'x' * 30}" for staff in (*RMS, LEADER)}
        for staff, token in tokens.items():
            connection.execute(
                "INSERT INTO people_token (staff_id, hash, label, created_at, expires_at)"
                " VALUES (%s, encode(sha256(%s), 'hex'), 'killing', %s, %s)",
                [staff, token.encode(), now, now + timedelta(days=30)],
            )
        for table in ("people_unit", "people_staff", "customers_customer"):
            connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)")
        connection.execute("SELECT trail_month(%s)", [START.date()])
    return tokens


CUSTOMERS = """
INSERT INTO customers_customer (id, core_number, kind, name, honorific, gender, tier, tier_since, assets, assets_day, rm_id,
    unit_id, birth_calendar, birth_leap, do_not_disturb, complaint_open, met_before, called_before, last_contact_at, profile,
    grams, pinyin, sort_key, version, created_at, changed_at)
SELECT n, 'C' || n, 'person', '客户' || n, '', '', 'gold', '2025-07-01', 10000, '2026-03-01', 1 + (n - 1) / %(few)s,
       %(unit)s, '', false, false, false, 'yes', 'yes', %(now)s::timestamptz - interval '1 day', '{}', '{}', '{}', n::text, 1,
       %(now)s, %(now)s
FROM generate_series(1, %(few)s * %(rms)s) n;
INSERT INTO customers_book (customer_id, rm_id, from_day, reason, at)
SELECT id, rm_id, '2025-07-01', '', created_at FROM customers_customer;
INSERT INTO customers_acquaintance (customer_id, rm_id, first_met_at, met_source, first_called_at, called_source,
    last_contact_at, meetings, calls)
SELECT id, rm_id, created_at - interval '90 days', 'contact', created_at - interval '90 days', 'contact', created_at - interval '1 day',
       1, 1 FROM customers_customer;
"""


class Keeper:
    """Starts two workers and a web server, and starts anew whichever died; PostgreSQL as well."""

    def __init__(self, server: embedded.Server, environment: dict[str, str], port: int) -> None:
        self.server = server
        self.environment = environment
        self.commands = {
            "worker 1": (["worker"], "worker"),
            "worker 2": (["worker"], "worker"),
            "web": (["web", "--port", str(port)], "app"),
        }
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.log = (server.home / "said").open("ab")
        self.stopped = threading.Event()
        self.by: int = signal.SIGTERM
        self.thread = threading.Thread(target=self.go, daemon=True)  # a child ends with the thread that started it
        self.thread.start()

    def go(self) -> None:
        while not self.stopped.is_set():
            self.server.revive()
            for name in self.commands:
                child = self.children.get(name)
                if child is None or child.poll() is not None:
                    self.start(name)
            self.stopped.wait(0.1)
        for child in self.children.values():
            child.send_signal(self.by)
        deadline = time.monotonic() + processes.GRACE
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.log.close()

    def start(self, name: str) -> None:
        arguments, role = self.commands[name]
        self.children[name] = subprocess.Popen(
            processes.own(*arguments),
            env=self.environment | {"ZHIKE_ROLE": role},
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
        )

    def stop(self, by: int = signal.SIGTERM) -> None:
        """Ends all of them, once."""
        if not self.stopped.is_set():
            self.by = by
            self.stopped.set()
        self.thread.join()


@dataclass
class Scene:
    """Everything that plays, what is owed, and what was acknowledged."""

    server: embedded.Server
    dice: random.Random
    now: Callable[[], datetime]
    port: int
    tokens: dict[int, str]
    keeper: Keeper
    peer: Peer
    owed: list[Owed] = field(default_factory=list)
    waived: list[int] = field(default_factory=list)
    visits: dict[str, datetime] = field(default_factory=dict)  # by contact: when they are agreed for, as acknowledged
    last: str = ""
    number: int = 0

    # ── what happens ──

    def promise(self, away: timedelta) -> Owed:
        """A call-back is owed from now on, written by the ledger's own statement as the owner of the tables."""
        from zhike.obligations.ledger import LEDGER

        self.number += 1
        rm, made = self.dice.choice(RMS), self.now()
        target = made + away
        promised = {"target": target.isoformat(), "outcome": "busy", "words": "开会中，约好再打"}
        subject = f"contact:{10_000 + self.number}/back"
        document = data.asked([("call_back_promised", made, subject, promised)], "gold")
        customer = (rm - 1) * FEW + 1 + self.dice.randrange(FEW)
        for fact in document["facts"]:
            fact |= {"by_id": rm, "staff_id": rm, "customer_id": customer}
        for due in document["dues"]:
            due |= {"owner_id": rm, "customer_id": customer}
        (key,) = [due["key"] for due in document["dues"] if due["kind"] == "call_back"]
        written = f"WITH doc AS (SELECT %s::jsonb AS d), {LEDGER} SELECT count(*) FROM owed"

        def write() -> int | None:
            with psycopg.connect(self.server.url("zhike_owner"), connect_timeout=5) as connection:
                connection.execute(written, [json.dumps(document)])
                connection.commit()
                row = connection.execute("SELECT id FROM obligations_obligation WHERE key = %s", [key]).fetchone()
                return row[0] if row else None

        owed = Owed(self.insist(write), "call_back", rm, made, target)
        self.owed.append(owed)
        return owed

    def agree(self, away: timedelta) -> tuple[str, Owed]:
        """A visit is agreed through the API, whose reminder comes in so much time."""
        rm = self.dice.choice(RMS)
        at = self.now() + timedelta(minutes=25) + away
        customer = (rm - 1) * FEW + 1 + self.dice.randrange(FEW)
        body = {"kind": "visit", "customer": str(customer), "purpose": "care", "appointment": {"at": at.isoformat(), "place": "客户公司"}}  # fmt: skip
        asked = self.now()
        contact = str(self.post(rm, "contacts", body)["id"])
        self.visits[contact] = at
        return contact, self.arrival(contact, rm, at, asked)

    def arrival(self, contact: str, rm: int, at: datetime, asked: datetime) -> Owed:
        """What the agreed visit owes."""
        sql = "SELECT id, created_at FROM obligations_obligation WHERE subject = %s AND kind = 'arrival' AND due = %s"
        found = self.insist(lambda: self.rows(sql, [f"contact:{contact}", at]))
        owed = Owed(found[0]["id"], "arrival", rm, found[0]["created_at"], at)
        self.owed.append(owed)
        return owed

    def move(self, visit: tuple[str, Owed], away: timedelta) -> None:
        """The visit is moved through the API: the old reminder is not wanted any more, a new one is."""
        contact, before = visit
        asked = self.now()
        at = asked + timedelta(minutes=25) + away
        self.post(before.owner, f"contacts/{contact}/move", {"to": at.isoformat(), "whose": "customer", "why": "改期"})
        before.ended = self.now()
        self.visits[contact] = at
        self.arrival(contact, before.owner, at, asked)

    def let_go(self, owed: Owed) -> None:
        """Its owner's leader waives it through the API."""
        self.post(LEADER, f"obligations/{owed.id}/waiver", {"reason": "客户已自行来行"})
        owed.ended = self.now()
        self.waived.append(owed.id)

    def kill(self, victim: str) -> None:
        """kill -9; of what is not there just now, nothing."""
        match victim:
            case "postgres":
                pid = self.server._recorded()
            case "backend":
                pid = next(iter(_children(self.server._recorded())[6:]), None)
            case "web child":
                pid = next(iter(_children(self.keeper.children["web"].pid)), None)
            case "web":
                pid = self.keeper.children["web"].pid
            case _:
                pid = self.keeper.children[self.dice.choice(("worker 1", "worker 2"))].pid
        self.last = f"{victim} {pid}"
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # ── ways in ──

    def post(self, staff: int, path: str, body: dict[str, Any]) -> Any:
        """What the API acknowledged; asked again under the same key until it does."""
        self.number += 1
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.tokens[staff]}", "Content-Type": "application/json",
             "Idempotency-Key": f"killing-{self.number}"},
        )  # fmt: skip

        def ask() -> Any:
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error
                return None

        return self.insist(ask)

    def insist(self, attempt: Callable[[], Any]) -> Any:
        """Until it comes back with something; whatever it needs may just have been killed. Raises TooLate."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            with suppress(OSError, psycopg.OperationalError, ValueError):
                found = attempt()
                if found is not None:
                    return found
            time.sleep(0.05)
        raise TooLate(f"nothing within {LIMIT:g} s; the processes said: {self.said()}")

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
        """As the superuser, who sees all."""
        with psycopg.connect(
            self.server.url(embedded.SUPERUSER), row_factory=dict_row, connect_timeout=5
        ) as connection:
            return connection.execute(sql, parameters).fetchall()

    def said(self) -> str:
        return (self.server.home / "said").read_text(errors="replace")[-3000:]

    # ── the end ──

    def settle_down(self) -> None:
        """Until nothing waits: nobody dies any more, the receiving end takes everything, and each RM's page is open."""
        self.peer.dice = None
        pages = [self.page(rm) for rm in (*RMS, LEADER)]

        def quiet() -> bool | None:
            for page in pages:
                page()
            (left,) = self.rows(WAITING, {"soon": self.now() + QUIET})
            self.left = left
            return None if any(left.values()) else True

        try:
            self.insist(quiet)
        except TooLate as late:
            raise TooLate(f"still waiting: {self.left}; {late}") from None

    def page(self, staff: int) -> Callable[[], None]:
        """An open page of theirs: asks what is to be shown, shows it and says so."""
        from zhike.people.session import SessionStore, hashed

        store = SessionStore(None, self.now())
        key = store._get_new_session_key()  # type: ignore[attr-defined]
        backend = "allauth.account.auth_backends.AuthenticationBackend"
        content = store.encode({"_auth_user_id": str(staff), "_auth_user_backend": backend})
        session = [hashed(key), content, staff, self.now(), self.now()]
        made = "INSERT INTO people_session (key, data, staff_id, begun_at, seen_at, agent) VALUES (%s, %s, %s, %s, %s, 'killing') RETURNING key"
        self.insist(lambda: self.rows(made, session))
        forms = "f" * 32
        headers = {"Cookie": f"zhike_session={key}; csrftoken={forms}", "X-CSRFToken": forms, "X-Poll": "1"}
        base = f"http://127.0.0.1:{self.port}/notices/"

        def show() -> None:
            with urllib.request.urlopen(urllib.request.Request(base, headers=headers), timeout=20) as answer:
                page = answer.read().decode()
            seen = [id for found in re.findall(r'data-notice="([\d ]+)"', page) for id in found.split()]
            if seen:
                body = "&".join(f"notice={id}" for id in seen).encode()
                urllib.request.urlopen(urllib.request.Request(f"{base}away/", body, headers), timeout=20).close()

        return show


def _children(pid: int | None) -> list[int]:
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


WAITING = """
SELECT (SELECT count(*) FROM obligations_alarm WHERE aside = '' AND rings_at <= %(soon)s) AS alarms,
       (SELECT count(*) FROM notices_notice WHERE state = 'waiting') AS notices,
       (SELECT count(*) FROM notices_delivery WHERE outcome = 'waiting') AS lines"""


# ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────────


def check(scene: Scene, told: Told) -> None:
    """Holds everything against everything; what does not agree is a complaint."""
    now = scene.now()
    rang: dict[int, list[dict[str, Any]]] = {}
    for row in scene.rows("SELECT id, obligation_id, staff_id, step, at, rung_at FROM obligations_reminder"):
        rang.setdefault(row["obligation_id"], []).append(row)
    _reminders(scene, told, rang, now)
    _lines(scene, told)
    _acknowledged(scene, told)
    _books(scene, told, now)
    told.complaints += [f"two transactions waited for each other for ever: {each}" for each in deadlocks(scene.server)]
    told.owed = len(scene.owed)
    told.reminders = sum(map(len, rang.values()))
    told.taken, told.copies = len(scene.peer.journal), scene.peer.copies
    told.cut, told.refused = scene.peer.cut, scene.peer.refused


def deadlocks(server: embedded.Server) -> list[str]:
    """What PostgreSQL says of each: who waited for whom, doing what."""
    said = server.log.read_text(errors="replace").split("deadlock detected")[1:]
    return [each.strip()[:3_000] for each in said]


def _reminders(scene: Scene, told: Told, rang: dict[int, list[dict[str, Any]]], now: datetime) -> None:
    """Every one that was due rang once, at its own moment; what was ended rang no more."""
    for owed in scene.owed:
        found = Counter((row["step"], row["at"]) for row in rang.get(owed.id, ()))
        acknowledged = owed.ended or now
        # What was due before its end was asked for, and not rung yet, was rightly overtaken by it.
        wanted = set(owed.due(now)) if owed.ended is None else set()
        if missing := wanted - set(found):
            told.complaints.append(f"{owed} never rang {missing}")
        if extra := set(found) - set(owed.due(acknowledged)):
            told.complaints.append(f"{owed} rang {extra}")
        if any(number > 1 for number in found.values()):
            told.complaints.append(f"{owed} rang twice: {found}")
        if late := [row for row in rang.get(owed.id, ()) if owed.ended and row["rung_at"] > acknowledged]:
            told.complaints.append(f"{owed} rang after its end: {late}")


def _lines(scene: Scene, told: Told) -> None:
    """One line a reminder and channel; the journal and what is delivered by WeCom are the same, key for key."""
    chosen = {staff: {"page", "wecom"} for staff in (*RMS, LEADER)}
    for row in scene.rows(
        "SELECT r.id, r.staff_id, array_agg(d.channel) AS channels, array_agg(d.outcome) AS outcomes, r.step"
        " FROM obligations_reminder r LEFT JOIN notices_delivery d ON d.reminder_id = r.id GROUP BY r.id"
    ):
        expected = {"page"} if row["step"] == "undelivered" else chosen[row["staff_id"]]
        if sorted(map(str, row["channels"])) != sorted(expected):
            told.complaints.append(f"reminder {row['id']} has the lines {row['channels']}")
    delivered: dict[str, list[dict[str, Any]]] = {}
    others: dict[str, list[dict[str, Any]]] = {}
    ended = {owed.id: owed.ended for owed in scene.owed if owed.ended}
    for row in scene.rows(
        "SELECT n.key, n.channel, n.state, n.attempts, d.outcome, d.reason, d.at, d.done_at, r.obligation_id"
        " FROM notices_delivery d JOIN obligations_reminder r ON r.id = d.reminder_id LEFT JOIN notices_notice n ON n.id = d.notice_id"
    ):
        told.outcomes[f"{row['channel']} {row['outcome']} {row['reason']}".strip()] += 1
        if row["channel"] != "wecom":
            continue
        (delivered if row["outcome"] == "delivered" else others).setdefault(str(row["key"]), []).append(row)
        if row["outcome"] == "delivered":
            told.late.append((row["done_at"] - row["at"]).total_seconds())
        taken = scene.peer.journal.get(str(row["key"]))
        end = ended.get(row["obligation_id"])
        if taken and end and taken.at > end + ON_ITS_WAY:
            told.complaints.append(f"{row} was sent at {taken.at}, after its end at {end}")
    for key in set(delivered) - set(scene.peer.journal):
        told.complaints.append(f"{delivered[key]} is said to be delivered, and nobody took it")
    for key in set(scene.peer.journal) - set(delivered):
        # Taken by the receiving end, not confirmed here when its courier died, and meanwhile no longer needed.
        if key not in others or any(row["outcome"] != "suppressed" or not row["attempts"] for row in others[key]):
            told.complaints.append(f"the receiving end took {key}, which is {others.get(key, 'nobody')}")
        told.unconfirmed += 1


def _acknowledged(scene: Scene, told: Told) -> None:
    """Nothing that the API acknowledged is lost."""
    waived = {row["id"] for row in scene.rows("SELECT id FROM obligations_obligation WHERE state = 'waived'")}
    if lost := set(scene.waived) - waived:
        told.complaints.append(f"acknowledged and not let go: {lost}")
    agreed = {str(row["id"]): row["planned_for"] for row in scene.rows("SELECT id, planned_for FROM contacts_contact")}
    for contact, at in scene.visits.items():
        if agreed.get(contact) != at:
            told.complaints.append(f"visit {contact} was moved to {at} and is at {agreed.get(contact)}")
    there = {row["id"] for row in scene.rows("SELECT id FROM obligations_obligation")}
    if lost := {owed.id for owed in scene.owed} - there:
        told.complaints.append(f"acknowledged and gone: {lost}")


def _books(scene: Scene, told: Told, now: datetime) -> None:
    """The product's own books add up, and nothing waits or is set aside in them."""
    from zhike.notices import books

    with serving_django(scene.server):
        kept = books.of_the_bank(now.date(), 2, now=now, zone=data.ZONE)
    if not kept.add_up or kept.unrung or kept.aside or any(line.waiting for line in kept.lines):
        told.complaints.append(f"the books do not add up: {kept}")
    lines = Counter({line.channel: line.due for line in kept.lines})
    outcomes: Counter[str] = Counter()
    for name, number in told.outcomes.items():
        outcomes[name.split()[0]] += number
    if lines != outcomes:
        told.complaints.append(f"the books have {lines}, the tables {outcomes}")


@contextmanager
def serving_django(server: embedded.Server, database: str = embedded.DATABASE) -> Iterator[None]:
    """Django's connection in this process goes to this database, as the worker."""
    from django.db import connections

    from zhike import settings

    connection = connections["default"]
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(settings.database(server.url("zhike_worker", database)))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    os.environ.update(ZHIKE_MODE="demo", ZHIKE_ROLE="worker", DJANGO_SETTINGS_MODULE="zhike.settings")
    os.environ.setdefault("ZHIKE_DATABASE_URL", "postgresql:///unused")  # each process here is told its own
    import django

    django.setup()
    print(f"seed {options.seed}", flush=True)
    told = kill(options.rounds, options.seed, say=lambda text: print(text, flush=True))
    print(told, *told.complaints, sep="\n")
    sys.exit(bool(told.complaints))
