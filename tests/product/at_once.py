"""Several at the same moment: connections of their own, real commits.

While the test holds the table into which they write, whoever does not take turns has counted and stands before writing; whoever does
waits for the first. Then the table is let go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection

from tests.conftest import Database, stepping_into
from zhike import clock

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone
owner = stepping_into("zhike_owner")
# Whoever waits for a row waits for the transaction that holds it, and that lock names no database.
WAITING = "SELECT count(DISTINCT pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND datname = current_database()"


@contextmanager
def held(database: Database, table: str) -> Iterator[Callable[[int], None]]:
    """Nobody writes into the table while this goes on; what it gives waits until so many stand before it."""
    with psycopg.connect(database.url("zhike_owner")) as holding, psycopg.connect(database.url("zhike_owner"), autocommit=True) as looking:  # fmt: skip
        holding.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")

        def until(many: int) -> None:
            deadline = time.monotonic() + 60
            while looking.execute(WAITING).fetchone() != (many,):
                assert time.monotonic() < deadline, "they did not come"
                time.sleep(0.02)

        yield until


def at_once(database: Database, table: str, acts: list[Callable[[], Any]], *, in_turn: bool = False) -> list[Any]:
    """What each got, all of them having begun before any could end; ``in_turn``: each once those before it stand and wait."""

    def alone(act: Callable[[], Any]) -> Any:
        try:
            with clock.at(NOW):
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        with held(database, table) as until:
            answers = []
            for act in acts:
                answers.append(pool.submit(alone, act))
                if in_turn:
                    until(len(answers))
            until(len(acts))
        return [answer.result() for answer in answers]
