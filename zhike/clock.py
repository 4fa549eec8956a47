"""The one clock of the edges. Everything further in takes `now` as an argument."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_held: ContextVar[datetime | None] = ContextVar("moment", default=None)
_origin: tuple[datetime, float] | None = None


class ClockRefused(ValueError):
    """`ZHIKE_CLOCK` cannot be followed; the message says what to do."""


def now() -> datetime:
    """This moment, aware, in UTC; in a demonstration with `ZHIKE_CLOCK` the moment of that clock."""
    held = _held.get()
    if held is not None:
        return held
    setting = os.environ.get("ZHIKE_CLOCK")
    if not setting:
        return datetime.now(UTC)
    start, since = origin(setting)
    return start + timedelta(seconds=time.time() - since)


def origin(setting: str) -> tuple[datetime, float]:
    """Where the demonstration's clock starts, and at which second of the real one.

    Every process of one `zhike demo` must show the same time, so the first one says when it started
    (`ZHIKE_CLOCK_SINCE`) and its children inherit that. Raises ClockRefused outside a demonstration.
    """
    global _origin
    if _origin is None or _origin[0] != parse(setting):
        if os.environ.get("ZHIKE_MODE") not in {"demo", "test"}:
            raise ClockRefused("ZHIKE_CLOCK sets the clock for demonstrations only; unset it, or set ZHIKE_MODE=demo.")
        since = float(os.environ.setdefault("ZHIKE_CLOCK_SINCE", repr(time.time())))
        _origin = (parse(setting), since)
    return _origin


def parse(setting: str) -> datetime:
    """Read `2026-02-16T17:55:00+08:00`. Raises ClockRefused where it is no date or names no offset."""
    moment: datetime | None = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(setting)
    if moment is None or moment.tzinfo is None:
        raise ClockRefused(f"ZHIKE_CLOCK is {setting!r}; it must look like 2026-02-16T17:55:00+08:00.")
    return moment.astimezone(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """For tests: the clock stands at this moment inside the block."""
    token = _held.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _held.reset(token)
