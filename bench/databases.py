"""The databases that are measured: a full one for each size, kept between runs; its bare twin; and clones to be used up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench import data
from zhike import embedded, processes


class NotBuilt(Exception):
    """The database could not be made; the message says what went wrong."""


@contextmanager
def superuser(server: embedded.Server, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
    """For making databases and filling them with triggers set aside. Parameters are put in by the client."""
    url = server.url(embedded.SUPERUSER, database)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        yield connection


def build(server: embedded.Server, bank: data.Bank) -> None:
    """Makes the full database and its bare twin, unless they are there and as they would be made today."""
    mark = data.fingerprint()
    if is_marked(server, bank.name(), mark) and is_marked(server, bank.name("bare"), mark):
        return
    say(f"building {bank.customers:,} customers")
    with superuser(server) as connection:
        for name in (bank.name("bare"), bank.name()):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {bank.name()} OWNER zhike_owner TEMPLATE template0")
    migrate(server, bank.name())
    with superuser(server, bank.name()) as connection:
        data.fill(connection, bank)
    clone(server, bank.name(), bank.name("bare"))
    strip(server, bank.name("bare"))
    with superuser(server) as connection:
        for name in (bank.name(), bank.name("bare")):
            connection.execute(f"COMMENT ON DATABASE {name} IS '{mark}'")


def is_marked(server: embedded.Server, name: str, mark: str) -> bool:
    with superuser(server) as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    return row is not None and row[0] == mark


def migrate(server: embedded.Server, name: str) -> None:
    done = subprocess.run(
        processes.own("migrate", "--quiet"), env=environment(server, name), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotBuilt(done.stderr.strip())


def environment(server: embedded.Server, name: str) -> dict[str, str]:
    """What a process needs to run on a database of ours, on the measured morning."""
    return {
        **os.environ, **embedded.environment(server, name), "ZHIKE_MODE": "demo", "ZHIKE_PARENT": str(os.getpid()),
        "DJANGO_SETTINGS_MODULE": "zhike.settings",
    }  # fmt: skip


def clone(server: embedded.Server, template: str, name: str) -> None:
    with superuser(server) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [template],
        )
        connection.execute(f"CREATE DATABASE {name} OWNER zhike_owner TEMPLATE {template} STRATEGY file_copy")


def strip(server: embedded.Server, name: str) -> None:
    """Takes row-level security and the trail's triggers away."""
    with superuser(server, name) as connection:
        for (table,) in connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND relrowsecurity"
        ).fetchall():
            connection.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
        for trigger, table in connection.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname IN ('trail', 'trail_added') AND NOT tgisinternal"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger} ON {table}")


@contextmanager
def spent(server: embedded.Server, bank: data.Bank, kind: str) -> Iterator[str]:
    """A clone of the full database (or, kind beginning with ``bare``, of its twin) that what is measured may change."""
    template = bank.name("bare") if kind.startswith("bare") else bank.name()
    name = bank.name(kind)
    clone(server, template, name)
    try:
        yield name
    finally:
        with superuser(server) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


# How long backends may take to end once nobody is connected to them.
ENDING = 30


def spent_by_postgres(server: embedded.Server, database: str) -> float:
    """Seconds of processor time that all backends took which have ended: the postmaster's children.

    It counts a child when it has reaped it, so those of ``database`` are waited for, of which whoever was connected has ended.
    Raises NotBuilt where some go on.
    """
    with superuser(server) as connection:
        asking = connection.info.backend_pid
        postmaster = int(_stat(asking)[1])
    deadline = time.monotonic() + ENDING
    while left := _ending(postmaster, asking, database):
        if time.monotonic() > deadline:
            raise NotBuilt(f"PostgreSQL's processes {left} on {database} have not ended after {ENDING} s.")
        time.sleep(0.01)
    user, system = _stat(postmaster)[13:15]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _stat(process: int) -> list[str]:
    """What the kernel says of a process, from its state on."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _ending(postmaster: int, asking: int, database: str) -> list[int]:
    """The postmaster's children that are about to end: those that name the database, and those that have given their title up."""
    found = []
    for child in map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()):
        try:
            title = Path(f"/proc/{child}/cmdline").read_text()
        except FileNotFoundError:
            continue
        serves = f" {database} " in title and "autovacuum" not in title
        if child == asking or serves or "parallel worker" in title or not title:
            found.append(child)
    return found


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
