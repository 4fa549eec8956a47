"""What the benchmarks measure with."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from bench import databases
from tests.conftest import Database


def busy(connection: psycopg.Connection) -> None:
    connection.execute("SELECT count(*) FROM generate_series(1, 3000000)")


def test_what_a_backend_took_is_counted_as_soon_as_it_has_ended(database: Database) -> None:
    for _round in range(5):
        before = databases.spent_by_postgres(database.server, database.name)
        with psycopg.connect(database.url("zhike_owner")) as connection:
            begun = time.perf_counter()
            busy(connection)
            took = time.perf_counter() - begun
        counted = databases.spent_by_postgres(database.server, database.name) - before
        assert counted > took / 10, "nothing of it was counted"


def test_a_backend_that_goes_on_is_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = psycopg.connect(database.url("zhike_owner"))
    threading.Timer(0.3, connection.close).start()
    databases.spent_by_postgres(database.server, database.name)
    assert connection.closed
    monkeypatch.setattr(databases, "ENDING", 0.1)
    with psycopg.connect(database.url("zhike_owner")), pytest.raises(databases.NotBuilt, match=database.name):
        databases.spent_by_postgres(database.server, database.name)
