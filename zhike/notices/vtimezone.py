"""A zone as calendars carry it along (RFC 5545, VTIMEZONE), for the days that one reaches.

Each change of the clock is a part of its own, which every reader understands: the library's own way, further ones as RDATE, is read
by some as if summer never came, and begins summer an hour late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


def vtimezone(zone: ZoneInfo, first: date, last: date) -> icalendar.Timezone:
    """The zone from its offset on the first day on, with each change up to the last."""
    told = icalendar.Timezone()
    told.add("tzid", zone.key)
    begins = datetime.combine(first - _DAY, time(0), UTC)  # wherever the zone lies, its first day is whole
    told.add_component(_part(zone, begins, begins))
    for change in _changes(zone, begins, datetime.combine(last, time(0), UTC)):
        told.add_component(_part(zone, change - _MINUTE, change))
    return told


def _part(zone: ZoneInfo, before: datetime, at: datetime) -> icalendar.TimezoneStandard | icalendar.TimezoneDaylight:
    """What the clocks show from ``at`` on; the moment itself is said as they showed it until then."""
    old, new = before.astimezone(zone), at.astimezone(zone)
    part = icalendar.TimezoneDaylight() if new.dst() else icalendar.TimezoneStandard()
    part.add("tzname", new.tzname())
    part.add("tzoffsetfrom", old.utcoffset())
    part.add("tzoffsetto", new.utcoffset())
    part.add("dtstart", (at + (old.utcoffset() or timedelta())).replace(tzinfo=None))
    return part


def _changes(zone: ZoneInfo, at: datetime, last: datetime) -> Iterator[datetime]:
    """The moments at which the clocks change."""
    while at < last:
        if _offset(zone, at) != _offset(zone, at + _DAY):
            yield _change(zone, at, at + _DAY)
        at += _DAY


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first minute of the new offset between two moments that have different ones."""
    old = _offset(zone, low)
    while high - low > _MINUTE:
        middle = low + (high - low) // 2 // _MINUTE * _MINUTE
        low, high = (middle, high) if _offset(zone, middle) == old else (low, middle)
    return high


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
