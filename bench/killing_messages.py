"""Messages, proven by killing: our sender dies at each point of a message's way, the gateway dies, answers are swallowed, receipts come
early, twice, never; the gateway's own journal is held against our tables.

    python -m bench.killing_messages [--rounds 200] [--seed N]

What must hold: no segment was taken twice without a person's word; whatever the gateway took is known, or said to be unknown; nothing is
said to be sent that it did not take; no message is left without an end that explains itself. The gateway is the npm package smpp
(tests/npm/smsc.mjs), whose journal is on disk before it answers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench import data, databases
from bench.dying import POINTS
from bench.smsc import Smsc
from zhike import embedded

START = datetime(2026, 3, 2, 10, 0, tzinfo=data.ZONE)
BANK = data.Bank(4 * data.BOOK)
FEW = 40  # customers in all
LIMIT = 120.0  # seconds until what is waited for must have come
BEHAVIOURS: tuple[dict[str, object], ...] = (
    {}, {}, {"receipts": "before"}, {"receipts": "twice"}, {"receipts": "never"}, {"swallow": 2},
    {"statuses": [0x58, 0, 0x58, 0]}, {"hangup": 2},
)  # fmt: skip
ANSWERING = {"receipts": "after", "swallow": 0, "statuses": [], "hangup": 0}


class TooLate(Exception):
    """Something has not come within its limit."""


@dataclass
class Told:
    """What came of it. ``complaints`` is empty where all holds."""

    rounds: int
    seed: int
    complaints: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    throttled: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds in {self.seconds:.0f} s, seed {self.seed}; killed: "
            + ", ".join(f"{name} {number}" for name, number in sorted(self.killed.items()))
            + f"; the gateway took {self.taken} segments and throttled {self.throttled}; messages: "
            + ", ".join(f"{name} {number}" for name, number in sorted(self.states.items()))
        )


def kill(rounds: int, seed: int, say: Callable[[str], object] = print) -> Told:
    """All rounds, and what came of them. Raises TooLate."""
    begun = time.monotonic()
    told = Told(rounds, seed)
    with tempfile.TemporaryDirectory(prefix="zhike-killing-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with embedded.running(Path(folder) / "home", tell=lambda text: None) as server:
            scene = Scene(server, random.Random(seed), Path(folder))
            try:
                for number in range(rounds):
                    said = scene.one(told)
                    say(f"round {number + 1}: {said}")
                scene.settle_down()
                scene.check(told)
            finally:
                scene.stop()
    told.seconds = time.monotonic() - begun
    return told


class Scene:
    """The bank, the worker that dies, and the gateway."""

    def __init__(self, server: embedded.Server, dice: random.Random, folder: Path) -> None:
        databases.migrate(server, embedded.DATABASE)
        self.server, self.dice, self.folder = server, dice, folder
        self.death = folder / "death"
        self.log = (folder / "said").open("ab")
        self.sent = 0
        self.environment = {
            **os.environ, **embedded.environment(server), "ZHIKE_MODE": os.environ.get("ZHIKE_MODE", "demo"), "ZHIKE_ROLE": "worker",
            "ZHIKE_CLOCK": START.isoformat(), "ZHIKE_CLOCK_SINCE": repr(time.time()), "ZHIKE_LANG": "en",
            "ZHIKE_PARENT": str(os.getpid()),
        }  # fmt: skip
        self.seat()
        self.smsc = Smsc(folder / "journal.jsonl")
        self.environment["ZHIKE_SMS_URL"] = self.smsc.address("&window=8")
        self.worker = self.start()

    def seat(self) -> None:
        """People, and customers with mobile numbers; the words that all messages have."""
        from zhike.customers.vault import place
        from zhike.customers.vault import vault as opened

        vault = opened()
        with databases.superuser(self.server, embedded.DATABASE) as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            data.people(connection, BANK)
            for n in range(1, FEW + 1):
                number = f"138{n:08}"
                connection.execute(
                    CUSTOMER,
                    [n, f"C{n}", f"客户{n}", 2 + BANK.branches, json.dumps({"mobile": {"v": vault.seal(number, place("mobile", n))}}),
                     vault.index("mobile", number), str(n), START, START],
                )  # fmt: skip
            connection.execute("SELECT trail_month(%s)", [START.date()])

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.dying", str(self.death)], env=self.environment, start_new_session=True,
            stdout=self.log, stderr=self.log, cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip

    def one(self, told: Told) -> str:
        """One round: some messages are queued, the gateway behaves in some way, and somebody dies."""
        behaviour = self.dice.choice(BEHAVIOURS)
        self.smsc.set(**{**ANSWERING, **behaviour})
        victim = self.dice.choice((*POINTS, "gateway", "at random"))
        if victim in POINTS:
            self.death.write_text(victim, "utf-8")
        self.queue(self.dice.randint(2, 6))
        match victim:
            case "gateway":
                self.until(lambda: self.left() < 2)
                self.revive()
            case "at random":
                time.sleep(self.dice.uniform(0, 0.5))
                self.worker.send_signal(signal.SIGKILL)
            case _ if not self.until(lambda: self.worker.poll() is not None, 20):
                self.death.unlink(missing_ok=True)  # its point was not come by: no answer, nothing left to send
                self.worker.send_signal(signal.SIGKILL)
        told.killed[victim] += 1
        if victim != "gateway":
            self.worker.wait()
            self.worker = self.start()
        return f"{victim}, {behaviour or 'as usual'}"

    def queue(self, count: int) -> None:
        """Messages of one and of two segments, each with a number of its own in its text."""
        from zhike.customers.vault import vault as opened

        vault = opened()
        with psycopg.connect(self.server.url("zhike_owner")) as connection:
            for _ in range(count):
                self.sent += 1
                key = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
                text = f"编号{self.sent}号，" + "谢谢您今天来行。" * self.dice.choice((1, 1, 12))
                connection.execute(
                    MESSAGE,
                    [
                        key,
                        self.dice.randint(1, FEW),
                        vault.seal(text, f"sms_message:text:{key}"),
                        self.now(),
                        self.now(),
                    ],
                )

    def now(self) -> datetime:
        return START + timedelta(seconds=time.time() - float(self.environment["ZHIKE_CLOCK_SINCE"]))

    def revive(self) -> None:
        """The gateway dies, and comes back at the same port with the same journal."""
        port, taken = self.smsc.port, len(self.smsc.received("submit_sm"))
        self.smsc.stop()
        self.smsc = Smsc(self.folder / "journal.jsonl", port=port, first=taken + 1)

    def left(self) -> int:
        (row,) = self.rows("SELECT count(*) AS n FROM sms_message WHERE state IN ('queued', 'waiting', 'submitting')")
        return int(row["n"])

    def until(self, holds: Callable[[], bool], limit: float = LIMIT) -> bool:
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if holds():
                return True
            time.sleep(0.02)
        return False

    def settle_down(self) -> None:
        """Until nothing is under way: nobody dies any more, the gateway answers everything."""
        self.death.unlink(missing_ok=True)
        self.smsc.set(**ANSWERING)
        if not self.until(lambda: self.left() == 0):
            raise TooLate(
                f"{self.left()} messages have no end; the worker said: {(self.folder / 'said').read_text()[-3000:]}"
            )

    def rows(self, sql: str, parameters: Any = ()) -> list[dict[str, Any]]:
        with psycopg.connect(self.server.url(embedded.SUPERUSER), row_factory=dict_row) as connection:
            return connection.execute(sql, parameters).fetchall()

    def stop(self) -> None:
        self.worker.kill()
        self.worker.wait()
        self.smsc.stop()
        self.log.close()

    def check(self, told: Told) -> None:
        """The gateway's journal against our tables."""
        submitted = self.smsc.received("submit_sm")
        took = Counter((entry["to"], entry["udh"], entry["text"]) for entry in submitted if not entry["status"])
        told.taken, told.throttled = sum(took.values()), sum(1 for entry in submitted if entry["status"])
        told.complaints += [f"taken {number} times: {entry}" for entry, number in took.items() if number > 1]
        heard = {
            f"编号{n}号"
            for n in range(1, self.sent + 1)
            if any(f"编号{n}号" in _text(text, udh) for _to, udh, text in took)
        }
        messages = self.rows("SELECT id, key, state, why, parts FROM sms_message ORDER BY id")
        told.states.update(row["state"] for row in messages)
        told.complaints += [
            f"{row['state']} without a word: {row}"
            for row in messages
            if row["state"] == "unknown" and not row["why"].get("zh")
        ]
        for number, row in enumerate(messages, 1):
            known = f"编号{number}号" in heard
            if row["state"] in {"submitted", "delivered"} and not known:
                told.complaints.append(f"said to be sent, and the gateway never took it: {row}")
            if known and row["state"] not in {"submitted", "delivered", "unknown"}:
                told.complaints.append(f"the gateway took it, and it is {row}")


def _text(text: str, udh: str) -> str:
    """What a part says, from the journal's octets."""
    return text if not text or ord(max(text)) > 255 else text.encode("latin-1").decode("utf-16-be", "replace")


CUSTOMER = """
INSERT INTO customers_customer (id, core_number, kind, name, honorific, gender, tier, tier_since, assets, assets_day, rm_id,
    unit_id, birth_calendar, birth_leap, do_not_disturb, complaint_open, met_before, called_before, profile, mobile_index,
    grams, pinyin, sort_key, version, created_at, changed_at)
VALUES (%s, %s, 'person', %s, '', '', 'gold', '2025-07-01', 10000, '2026-03-01', 1, %s, '', false, false, false, 'yes', 'yes', %s, %s,
    '{}', '{}', %s, 1, %s, %s)"""
MESSAGE = """
INSERT INTO sms_message (key, customer_id, staff_id, by_id, kind, introduces, sealed, lane, through, state, why, not_before, parts, attempt,
    created_at, occasion)
VALUES (%s, %s, 1, 1, 'service', false, %s, 0, 'platform', 'queued', '{}', %s, 0, 1, %s, '')"""


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
