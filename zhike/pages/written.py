"""What was written and reads the same for a while: kept that long, by all that it was written from.

Whoever gets to it has read the very same rows just now, so it shows nobody what they may not see.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Written = TypeVar("Written")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HOURS = timedelta(hours=3, minutes=1)  # from where on minutes are not said


class Kept(Generic[Written]):
    """The ``most`` last used of a process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._all: OrderedDict[Hashable, tuple[datetime, datetime, Written]] = OrderedDict()

    def get(self, of: Hashable, now: datetime) -> Written | None:
        since, until, written = self._all.get(of, (now, now, None))
        if written is None or not since <= now < until:
            return None
        self._all.move_to_end(of)
        return written

    def put(self, of: Hashable, since: datetime, until: datetime, written: Written) -> None:
        self._all[of] = since, until, written
        self._all.move_to_end(of)
        if len(self._all) > self.most:
            self._all.popitem(last=False)


def until(now: datetime, moments: Iterable[datetime]) -> datetime:
    """Till when a page about these moments reads as it does now: what it says of time changes as whole minutes pass, the
    day's own and those before and after each moment; three hours off, as whole hours do (``jinja.span``). ``now`` itself where one
    of them is just passing.
    """
    return now + min(_next(moment - now) for moment in (*moments, now.replace(second=0, microsecond=0)))


def _next(ahead: timedelta) -> timedelta:
    if abs(ahead) < HOURS:
        return ahead % MINUTE
    # What is to come counts started minutes: "4 h" are left until a minute less than four hours are.
    return min(ahead % HOUR, (ahead + MINUTE) % HOUR)
