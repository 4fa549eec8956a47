"""A message has a customer: no foreign key asks it of each row, the statement is asked on either side, also of two at once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.errors import ForeignKeyViolation

from tests.cast import a_customer, seat
from tests.conftest import Database
from tests.product.api import NOW

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
MESSAGE = """
INSERT INTO sms_message (key, customer_id, staff_id, by_id, kind, introduces, sealed, lane, through, state, why, not_before, parts, attempt,
    created_at, occasion)
VALUES (%s, %s, 1, 1, 'service', false, '', 0, 'platform', 'queued', '{}', %s, 0, 1, %s, '')"""


@pytest.fixture
def stranger(database: Database) -> int:
    """A customer about whom nothing is recorded."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        cast = seat()
        return int(a_customer("顾明", cast.rm, cast.units["century"]).pk)


def add(to: int) -> Callable[[psycopg.Connection[Any]], object]:
    return lambda worker: worker.execute(MESSAGE, [str(uuid.uuid4()), to, NOW, NOW])


def remove(customer: int) -> Callable[[psycopg.Connection[Any]], object]:
    return lambda worker: worker.execute("DELETE FROM customers_customer WHERE id = %s", [customer])


def test_a_message_to_nobody_is_refused(database: Database, stranger: int) -> None:
    with psycopg.connect(database.url("zhike_worker")) as worker, pytest.raises(ForeignKeyViolation):
        add(stranger + 1)(worker)


def test_who_has_messages_is_not_removed_and_who_has_none_is(database: Database, stranger: int) -> None:
    with psycopg.connect(database.url("zhike_worker"), autocommit=True) as worker:
        add(stranger)(worker)
        with pytest.raises(ForeignKeyViolation):
            remove(stranger)(worker)
        worker.execute("DELETE FROM sms_message")
        remove(stranger)(worker)


@pytest.mark.parametrize(("first", "second"), [(add, remove), (remove, add)])
def test_of_two_at_once_the_second_waits_and_finds_what_the_first_did(
    database: Database, stranger: int, first: Any, second: Any
) -> None:
    failed: list[BaseException] = []

    def follow() -> None:
        with psycopg.connect(database.url("zhike_worker"), autocommit=True) as other:
            try:
                second(stranger)(other)
            except ForeignKeyViolation as error:
                failed.append(error)

    follower = Thread(target=follow)
    with psycopg.connect(database.url("zhike_worker")) as worker:
        first(stranger)(worker)
        follower.start()
        with psycopg.connect(database.url("zhike_worker"), autocommit=True) as looking:
            deadline = time.monotonic() + 30
            while looking.execute(WAITING).fetchone() == (0,) and time.monotonic() < deadline:
                time.sleep(0.01)
        assert follower.is_alive(), "it waits for the first"
        worker.commit()
    follower.join()
    assert failed, "both succeeded: a message has no customer"
