"""One after the other, where a number is counted before it grows: two at the same moment would each count without the other."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

# What somebody says twice in it, word for word, was said once: a button was pressed twice.
MOMENT = timedelta(minutes=1)


def take_turn(counted: str, whose: int | str) -> None:
    """Waits until nobody else who counts the same is between counting and the end of their transaction.

    Count in a statement of its own afterwards: only that sees what the one before has written.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{counted} {whose}"])
