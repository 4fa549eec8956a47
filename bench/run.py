"""How it is measured: servers side by side, load in turns, ratios. What is measured: reading.py and writing.py."""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

from psycopg.conninfo import conninfo_to_dict

from bench import data, databases, load
from zhike import embedded, processes

TUNING = ("shared_buffers=1GB", "max_wal_size=8GB")


@dataclass(frozen=True)
class Figure:
    """One line of the result. ``ratio``: ours to bare, more is better; ``limit``: what ``value`` must keep to, if anything."""

    name: str
    value: float
    unit: str
    limit: float | None
    ratio: float | None
    conditions: str


@dataclass(frozen=True)
class Trial:
    """How long and how often, on what."""

    server: embedded.Server
    bank: data.Bank
    seconds: float
    rounds: int
    folder: Path

    @property
    def said(self) -> str:
        tool = "wrk" if load.has_wrk() else "python"
        return (
            f"{self.bank.customers:,} customers, {cores()} cores shared by servers, database and load ({tool}), "
            f"{load.CLIENTS} clients, {self.rounds} × {self.seconds:g} s in turns"
        )


def cores() -> int:
    return len(os.sched_getaffinity(0))


def prepare_django(server: embedded.Server, bank: data.Bank) -> None:
    """Our own code in this process, on the full database, in the role that sees all."""
    os.environ.update(databases.environment(server, bank.name()), ZHIKE_ROLE="worker")
    import django

    django.setup()


# ── servers ─────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def serving(command: list[str], environment: dict[str, str], port: int) -> Iterator[str]:
    """A server for as long as the block runs; yields its address."""
    child = subprocess.Popen(command, env=environment, cwd=data.ROOT)
    try:
        for _ in range(600):
            if child.poll() is not None:
                raise databases.NotBuilt(f"A server ended with {child.returncode}.")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise databases.NotBuilt("A server has not answered within a minute.")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        try:
            child.wait(processes.GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def both(trial: Trial, ours: str, bare: str) -> Iterator[tuple[str, str]]:
    """Ours and the bare one, on these databases, as they are served in earnest."""
    with ExitStack() as stack:
        addresses = []
        for name, is_ours in ((ours, True), (bare, False)):
            port = free_port()
            command = [sys.executable, "-m", "bench.bare", str(port), str(cores())]
            if is_ours:
                command = processes.own("web", "--port", str(port), "--processes", str(cores()))
            environment = databases.environment(trial.server, name) | {"ZHIKE_ROLE": "app"}
            addresses.append(stack.enter_context(serving(command, environment, port)))
        yield addresses[0], addresses[1]


def sign_in(trial: Trial, database: str, staff: Sequence[int]) -> dict[int, str]:
    """A session for each of them; the cookies by staff id."""
    from zhike import clock
    from zhike.people.session import SessionStore, hashed

    cookies, rows = {}, []
    for each in staff:
        store = SessionStore(None, clock.now())
        key = store._get_new_session_key()  # type: ignore[attr-defined]
        content = store.encode(
            {"_auth_user_id": str(each), "_auth_user_backend": "allauth.account.auth_backends.AuthenticationBackend"}
        )
        cookies[each] = key
        rows.append((hashed(key), content, each, clock.now(), clock.now() + timedelta(minutes=20), "wrk"))
    with databases.superuser(trial.server, database) as connection, connection.transaction():
        connection.execute("DELETE FROM people_session")
        data.copy(connection, "people_session (key, data, staff_id, begun_at, seen_at, agent)", rows)
    return cookies


def get(address: str, path: str, headers: dict[str, str] | None = None) -> bytes:
    """One answer; raises HTTPError for what is no answer."""
    with urlopen(Request(address + path, headers=headers or {})) as response:
        body: bytes = response.read()
    return body


# ── in turns ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Compared:
    """Rates of ours and of bare, a pair a round."""

    ours: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: what the machine does to both in one round falls out."""
        return statistics.median(a / b for a, b in zip(self.ours, self.bare, strict=True))

    def figure(self, name: str, said: str) -> Figure:
        median = statistics.median(self.ours)
        return Figure(
            name,
            round(median, 1),
            "1/s",
            None,
            round(self.ratio, 3),
            f"{said}; bare {statistics.median(self.bare):.0f}/s",
        )


def in_turns(
    trial: Trial, ours: tuple[str, Sequence[bytes]], bare: tuple[str, Sequence[bytes]], *, once: bool = False
) -> Compared:
    """A-B-A-B. ``once``: no request may be sent twice."""
    sides = []
    for number, (address, requests) in enumerate((ours, bare)):
        sides.append((address, load.keep(trial.folder / f"requests-{number}", requests), len(requests)))
    rates: tuple[list[float], list[float]] = ([], [])
    sent = [0, 0]
    for turn in range(-1, trial.rounds):  # the first one warms up
        for side, (address, path, there) in enumerate(sides):
            seconds = trial.seconds if turn >= 0 else min(2.0, trial.seconds)
            measured = load.put(address, path, sent[side], seconds)
            sent[side] += measured.requests + 8 * load.CLIENTS
            if measured.errors:
                raise databases.NotBuilt(f"{measured.errors} of {measured.requests} requests to {address} failed.")
            if once and sent[side] > there:
                raise databases.NotBuilt(
                    f"{there:,} prepared requests are too few for this machine; take shorter rounds."
                )
            if turn >= 0:
                rates[side].append(measured.rate)
    return Compared(*rates)


def same(a: bytes, b: bytes, what: str) -> None:
    if a != b and json.loads(a) != json.loads(b):
        raise databases.NotBuilt(f"{what}: ours and bare answer differently.")


# ── the database alone ──────────────────────────────────────────────────────────────────────────────────────────


def cookie(value: str, forms: str = "") -> dict[str, str]:
    return {"Cookie": f"zhike_session={value}" + (f"; csrftoken={forms}" if forms else "")}


def pgbench(trial: Trial, sql: str, values: Mapping[str, str]) -> str:
    """What the database alone does with the statement on the bare twin: eight connections, prepared.

    ``values`` are SQL or pgbench's own variables: ``owner`` and ``customer`` are drawn anew for each.
    """
    script = trial.folder / "statement.sql"
    busy = trial.bank.busy
    one_line = " ".join((re.sub(r"--.*", "", sql) % values).split())
    script.write_text(f"\\set owner random(1, {busy})\n\\set customer random(1, {busy * data.BOOK})\n{one_line};\n")
    where = conninfo_to_dict(trial.server.url("zhike_app", trial.bank.name("bare")))
    names = {"PGPASSWORD": "password", "PGHOST": "host", "PGUSER": "user"}
    try:
        done = subprocess.run(
            [str(trial.server.programs / "pgbench"), "-n", "-M", "prepared", "-c", str(load.CLIENTS), "-j", "1",
             "-T", str(max(1, round(trial.seconds))), "-f", str(script), str(where["dbname"])],
            env={**os.environ, **{name: str(where[key]) for name, key in names.items()}},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return "not measured, for the embedded database brings no pgbench"
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    return f"{float(found[1]):.0f}/s by pgbench" if found else f"not measured: pgbench says {done.stderr.strip()[:200]}"
