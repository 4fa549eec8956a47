"""A worker's rounds: what is due rings, what waits is sent, several times a second. The tables are the truth; a round may come late.

A round that fails is done again: the database may be away for a while, and comes back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from django.db import DatabaseError, connection

from zhike.people import bank

from .courier import Courier
from .ringing import CLOCKS_APART, SLICE, look_again, ring

PAUSE = 0.2  # seconds between two looks at an idle bank
BEATS = timedelta(seconds=5)
AWAY = 1.0  # seconds until a database that is away is asked again

log = logging.getLogger("zhike.notices")


def go(courier: Courier, clock: Callable[[], datetime], stopped: Event) -> None:
    """Until it is stopped. At its beginning, and when the clock was set back, every alarm is looked at anew."""
    begun = before = clock()
    beaten: datetime | None = None
    while not stopped.is_set():
        try:
            now = clock()
            if beaten is None or now < before - CLOCKS_APART:
                look_again(now)
                beaten = None
            if beaten is None or now - beaten >= BEATS:
                courier.beat(now, begun)
                beaten = now
            before = now
            one(courier, clock)
            pause = 0.0 if courier.busy else PAUSE
        except DatabaseError:
            log.warning("A round of reminders failed and is done again.", exc_info=True)
            connection.close()
            pause = AWAY
        stopped.wait(pause)
    courier.close()


def one(courier: Courier, clock: Callable[[], datetime]) -> None:
    """One round: all that is due rings, what there is room for is handed over, what was handed over is confirmed."""
    settings = bank.settings()
    while ring(clock(), settings.now(clock())) == SLICE:
        pass
    now = clock()
    courier.take(now, settings.now(now))
    if handed := courier.handed(PAUSE):
        courier.confirm(handed, clock(), settings.now(now))
