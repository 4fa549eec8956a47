"""The books of reminders (提醒台账): what fell due, and what became of it; a day and channel a line, and it must add up.

    due = delivered + suppressed (why) + failed (why) + waiting

What fell due is counted from the reminders themselves and from alarms that nobody has looked at yet, the rest from the lines of
what was sent: two tables, so that a line that is missing shows. The page is every reminder's channel, so its lines are all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from zhike.conduct.words import Words

from .channels import PAGE

# A year and the same month of the year before, to compare with.
KEPT = timedelta(days=400)
# How late what was delivered came: up to these seconds, and beyond.
SLOTS = (1, 5, 60, 300, 1800)
REASONS = {
    "hours": Words("不在上班时间", "outside working hours"),
    "leave": Words("本人休假，代班人已收到", "on leave, the stand-in was told"),
    "settled": Words("发出前已办结", "done before it was sent"),
    "lapsed": Words("无人看到，时限已过", "nobody saw it before its time was over"),
    "moved": Words("发出前已改期或换人", "moved before it was sent"),
}


@dataclass
class Line:
    """One channel on one day. ``late`` counts what was delivered by :data:`SLOTS`, the last beyond them all."""

    day: date
    channel: str
    delivered: int = 0
    waiting: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    late: list[int] = field(default_factory=lambda: [0] * (len(SLOTS) + 1))

    @property
    def due(self) -> int:
        return self.delivered + self.waiting + self.suppressed.total() + self.failed.total()


@dataclass(frozen=True)
class Books:
    """Some days' lines, newest first. ``due``: reminders by day, counted by themselves; ``unrung``: due, and no worker has looked yet;
    ``aside``: set aside, with reasons."""

    lines: tuple[Line, ...]
    due: dict[date, int]
    unrung: int
    aside: int
    reasons: tuple[str, ...]

    @property
    def short(self) -> dict[date, int]:
        """Days on which reminders have no line on the page: nothing may be lost between two tables."""
        pages = {line.day: line.due for line in self.lines if line.channel == PAGE}
        days = {day: number - pages.get(day, 0) for day, number in self.due.items()}
        return {day: missing for day, missing in days.items() if missing}

    @property
    def add_up(self) -> bool:
        return not self.short

    def slots(self) -> dict[str, list[int]]:
        """How late what was delivered came, by channel over all days."""
        sums: dict[str, list[int]] = {}
        for line in self.lines:
            total = sums.setdefault(line.channel, [0] * len(line.late))
            sums[line.channel] = [a + b for a, b in zip(total, line.late, strict=True)]
        return sums


def books(last: date, days: int, *, whole: bool, now: datetime, zone: ZoneInfo) -> Books:
    """The reader's own, or ``whole``: as far as their roles reach. Three statements, whatever the number of reminders."""
    begins, ends = _span(last, days, zone)
    return _books(
        _run("SELECT * FROM notices_books(%s, %s, %s, %s)", [whole, begins, ends, zone.key]),
        _run("SELECT * FROM notices_days(%s, %s, %s, %s)", [whole, begins, ends, zone.key]),
        _run("SELECT * FROM notices_left(%s, %s)", [whole, now])[0],
    )


def of_the_bank(last: date, days: int, *, now: datetime, zone: ZoneInfo) -> Books:
    """The whole bank's, for commands and figures; as the worker."""
    begins, ends = _span(last, days, zone)
    return _books(
        _run("SELECT * FROM notices_lines(NULL, %s, %s, %s)", [begins, ends, zone.key]),
        _run("SELECT * FROM notices_rung(NULL, %s, %s, %s)", [begins, ends, zone.key]),
        _run("SELECT * FROM notices_unrung(NULL, %s)", [now])[0],
    )


def forget(now: datetime) -> None:
    """What is older than :data:`KEPT` goes; each night, as the worker."""
    with connection.cursor() as cursor:
        for statement in OLD:
            cursor.execute(statement, {"until": now - KEPT})


def _span(last: date, days: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    ends = datetime.combine(last + timedelta(days=1), time(0), zone)
    return datetime.combine(last - timedelta(days=days - 1), time(0), zone), ends


def _books(rows: Iterable[tuple[Any, ...]], rung: Iterable[tuple[Any, ...]], left: tuple[Any, ...]) -> Books:
    lines: dict[tuple[date, str], Line] = {}
    for day, channel, outcome, reason, slot, number in rows:
        line = lines.setdefault((day, channel), Line(day, channel))
        match outcome:
            case "delivered":
                line.delivered += number
                line.late[slot] += number
            case "waiting":
                line.waiting += number
            case "suppressed":
                line.suppressed[reason] += number
            case _:
                line.failed[reason] += number
    order = sorted(lines.values(), key=lambda line: (-line.day.toordinal(), line.channel != PAGE, line.channel))
    waiting, unlooked, aside, reasons = left
    return Books(tuple(order), dict(rung), waiting + unlooked, aside, tuple(reasons or ()))


def _run(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


# One after the other: what still points to a row keeps it.
OLD = (
    "DELETE FROM notices_delivery WHERE at < %(until)s",
    "DELETE FROM notices_notice n WHERE n.at < %(until)s AND NOT EXISTS (SELECT FROM notices_delivery d WHERE d.notice_id = n.id)",
    "DELETE FROM obligations_reminder WHERE at < %(until)s",
)
