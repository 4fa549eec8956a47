"""Times as the tables write them: Shanghai's clock, with 24:00 for the midnight that ends a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)


def moment(text: str, day: date = MONDAY) -> datetime:
    """`2026-03-02 21:00`, or `21:00` of ``day``; 24:00 is the midnight that ends it."""
    *named, clock = text.split()
    if named:
        day = date.fromisoformat(named[0])
    hour, minute = map(int, clock.split(":"))
    midnight = datetime.combine(day, time(0), SHANGHAI)
    return (midnight.replace(hour=hour, minute=minute) if hour < 24 else midnight + timedelta(days=1)).astimezone(UTC)


def shown(at: datetime | None) -> str:
    """The other way round, for what a failure says."""
    return "none" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
