"""A worker's rounds: what is due rings, what waits is sent, several times a second. The tables are the truth; a round may come late.

A round that fails is done again: the database may be away for a while, and comes back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from django.db import Error, InterfaceError, OperationalError, connection

from zhike.people import bank

from .courier import Courier
from .grounds import Grounds, grounds
from .ringing import CLOCKS_APART, SLICE, look_again, ring

PAUSE = 0.2  # seconds between two looks at an idle bank
BEATS = timedelta(seconds=5)
AWAY = 1.0  # seconds until a database that is away is asked again

log = logging.getLogger("zhike.notices")


def go(courier: Courier, clock: Callable[[], datetime], stopped: Event) -> None:
    """Until it is stopped. At its beginning, when the clock was set back, and when what alarms are reckoned by has changed, they are
    looked at anew."""
    begun = before = clock()
    beaten: datetime | None = None
    known: Grounds | None = None
    while not stopped.is_set():
        try:
            now = clock()
            if now < before - CLOCKS_APART:
                beaten = known = None
            if beaten is None or now - beaten >= BEATS:
                known = reckon_anew(known, now)
                courier.beat(now, begun)
                beaten = now
            before = now
            more = one(courier, clock)
            pause = 0.0 if more or courier.busy else PAUSE
        except Error as error:
            away = isinstance(error, (OperationalError, InterfaceError))
            log.warning("A round of reminders failed and is done again: %s", error, exc_info=not away)
            connection.close()
            pause = AWAY
        stopped.wait(pause)
    end(courier, clock)


def reckon_anew(known: Grounds | None, now: datetime) -> Grounds:
    """Has alarms looked at anew that were set by what holds no more. Returns what holds now."""
    found = grounds(now)
    if found != known:
        look_again(now, found.unlike(known))
    return found


def one(courier: Courier, clock: Callable[[], datetime]) -> bool:
    """One round: what is due rings, what there is room for is handed over, what was handed over is confirmed. Whether more is due:
    however much that is, nothing that waits to be sent waits for all of it."""
    settings = bank.settings()
    more = ring(clock(), settings.now(clock())) == SLICE
    now = clock()
    courier.take(now, settings.now(now))
    _confirm(courier, clock, 0.0 if more else PAUSE)
    return more


def end(courier: Courier, clock: Callable[[], datetime]) -> None:
    """What was not begun is given back, what is under way is confirmed as it ends: the next worker sends neither late nor twice."""
    try:
        courier.close()
        while courier.busy:
            _confirm(courier, clock, PAUSE)
    except Error:
        log.warning("What was sent last could not be confirmed; another worker sends it again.", exc_info=True)
    finally:
        connection.close()


def _confirm(courier: Courier, clock: Callable[[], datetime], timeout: float) -> None:
    if handed := courier.handed(timeout):
        now = clock()
        courier.confirm(handed, now, bank.settings().now(now))
