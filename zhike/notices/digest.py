"""What a team digest says (团队汇总): counts by clause, of a unit and all that hangs below it. No customer, no person, no order of merit.

A group is read by many, outside Zhike and for ever: what is in it must be no more than a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from zhike.conduct.clause import load
from zhike.conduct.words import Words

from .channels.webhook import OPEN, Message

NOTHING = Words("今天、明天没有应办", "Nothing is owed today or tomorrow")
TEST = Words("这是一条测试", "This is a test")


@dataclass(frozen=True)
class Tally:
    """One clause's counts. ``late``: open past the deadline, or lapsed since midnight; ``today``: open and due by the end of today."""

    clause: str
    done: int
    late: int
    today: int
    tomorrow: int


def tally(unit: int, now: datetime, zone: ZoneInfo) -> list[Tally]:
    """What those who serve customers in the unit's tree today did and owe, clause by clause in the code's order."""
    today = now.astimezone(zone).date()
    begins, ends, after = (_midnight(today + timedelta(days=n), zone) for n in (0, 1, 2))
    with connection.cursor() as cursor:
        cursor.execute(TALLY, {"unit": unit, "day": today, "now": now, "begins": begins, "ends": ends, "after": after})
        found = {row[0]: Tally(*row) for row in cursor.fetchall()}
    order = {id: place for place, id in enumerate(load())}
    return sorted(found.values(), key=lambda line: (order.get(line.clause, len(order)), line.clause))


def said(unit: str, found: Sequence[Tally], now: datetime, zone: ZoneInfo, language: str, link: str) -> Message:
    """The message. The title holds 知客 (Zhike) always: a robot that wants a keyword is given that one."""
    local = now.astimezone(zone)
    late = sum(line.late for line in found)
    lines = [Words(f"逾期 {late} 项", f"Late: {late}") if late else Words("今天没有逾期", "Nothing is late today")]
    lines.append(_counts(Words("合计", "All"), found) if found else NOTHING)
    lines += [_counts(_name(line.clause), [line]) for line in found]
    title = Words(
        f"知客团队汇总 · {unit} · {local.month}月{local.day}日 {local:%H:%M}",
        f"Zhike team digest · {unit} · {local:%Y-%m-%d %H:%M}",
    )
    return Message(title.say(language), tuple(line.say(language) for line in lines), link, OPEN.say(language))


def trial(unit: str, at: time, language: str, link: str) -> Message:
    """What a test says."""
    title = Words(f"知客团队汇总 · {unit}", f"Zhike team digest · {unit}")
    told = Words(f"每个工作日 {at:%H:%M} 在此汇总。", f"The digest comes here each working day at {at:%H:%M}.")
    return Message(title.say(language), (TEST.say(language), told.say(language)), link, OPEN.say(language))


def _name(clause: str) -> Words:
    """By its id and title; by its id alone where this release has no such clause any more."""
    known = load().get(clause)
    return Words(f"{clause} {known.title.zh}", f"{clause} {known.title.en}") if known else Words(clause, clause)


def _counts(name: Words, found: Sequence[Tally]) -> Words:
    """Each figure by its word; what is none is not said."""
    figures = [
        (sum(getattr(line, field) for line in found), words)
        for field, words in (
            ("done", Words("今天办结", "done today")),
            ("late", Words("逾期", "late")),
            ("today", Words("今天还有", "left for today")),
            ("tomorrow", Words("明天到期", "due tomorrow")),
        )
    ]
    zh = "，".join(f"{words.zh} {n}" for n, words in figures if n)
    en = ", ".join(f"{n} {words.en}" for n, words in figures if n)
    return Words(f"{name.zh}：{zh}", f"{name.en}: {en}")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone)


# A deadline of 24:00 belongs to the day that it ends; a minute that a clock names, to its own (due_counts).
TALLY = """
WITH team AS MATERIALIZED (
    SELECT DISTINCT p.staff_id FROM people_post p JOIN people_unit u ON u.id = p.unit_id
    WHERE starts_with(u.path, (SELECT path FROM people_unit WHERE id = %(unit)s)) AND p.role IN ('rm', 'leader')
      AND p.from_day <= %(day)s AND (p.to_day IS NULL OR p.to_day > %(day)s)
), owed AS (
    SELECT o.clause, o.state, o.settled_at, CASE WHEN o.due_counts THEN o.due ELSE o.due - interval '1 microsecond' END AS last
    FROM obligations_obligation o JOIN team t ON t.staff_id = o.owner_id
    WHERE o.state = 'open' AND o.due < %(after)s + interval '1 microsecond'
       OR o.state IN ('done', 'missed') AND o.settled_at >= %(begins)s AND o.settled_at <= %(now)s
), counted AS (
    SELECT clause, count(*) FILTER (WHERE state = 'done') AS done,
           count(*) FILTER (WHERE state = 'missed' OR state = 'open' AND last < %(now)s) AS late,
           count(*) FILTER (WHERE state = 'open' AND last >= %(now)s AND last < %(ends)s) AS today,
           count(*) FILTER (WHERE state = 'open' AND last >= %(ends)s AND last < %(after)s) AS tomorrow
    FROM owed GROUP BY clause
)
SELECT * FROM counted WHERE done + late + today + tomorrow > 0"""
