"""The calendar that one's own phones read (RFC 5545): appointments, promised minutes, arrivals, birthdays.

What is written leaves the bank's walls: by default only when and what, `15:00 回电 · 打开知客`; the form of address, or name and
place, where the bank has set so. Every entry keeps its UID for as long as the address lives, and tells nobody which row it is.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, Literal

import icalendar
from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import FIRST_YEAR, LAST_YEAR, Birthday, Workdays
from zhike.conduct.clause import OBLIGATIONS
from zhike.conduct.remind import Hours, Remembered, moments
from zhike.conduct.reminding import said
from zhike.conduct.words import Words
from zhike.customers.names import honorific
from zhike.people.actor import Actor
from zhike.people.models import Leave
from zhike.people.workdays import ahead

from .vtimezone import vtimezone

BACK, AHEAD = timedelta(days=30), timedelta(days=400)
# So long a phone is told that something was called off or done; one that is switched on again after that reads the whole anew.
TOLD = timedelta(days=14)
# A lunar birthday lies elsewhere each year: five of them are told.
LUNAR_AHEAD = timedelta(days=5 * 366)
REFRESH, MINUTE = timedelta(minutes=15), timedelta(minutes=1)
KINDS = {
    "reception": Words("接待", "reception"),
    "visit": Words("拜访", "visit"),
    "call": Words("电话", "phone call"),
}
BIRTHDAY = Words("生日", "birthday")
NAME = Words("知客", "Zhike")

Status = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]


@dataclass(frozen=True)
class Alarm:
    """So long before (below zero: after) the entry begins, and what it is."""

    before: timedelta
    words: Words


@dataclass(frozen=True)
class Entry:
    """One entry of a calendar; whole days for a birthday. ``number`` rises with each change, ``changed`` is the last."""

    uid: str
    begins: datetime | date
    ends: datetime | date
    words: Words
    status: Status
    number: int
    changed: datetime
    place: str = ""
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True)
class Calendar:
    """One person's calendar as it stands on a day."""

    entries: tuple[Entry, ...]
    first: date
    last: date
    bank: Bank
    language: str
    link: str = ""

    @property
    def tag(self) -> str:
        """Another one as soon as anything in it is; without writing it down."""
        told = (self.entries, self.first, self.bank.zone.key, self.language, self.link)
        return sha256(repr(told).encode()).hexdigest()

    def text(self) -> bytes:
        """As phones read it."""
        calendar = icalendar.Calendar()
        calendar.add("prodid", "-//Zhike//Calendar//ZH")
        calendar.add("version", "2.0")
        for name in ("name", "x-wr-calname"):
            calendar.add(name, NAME.say(self.language))
        calendar.add("x-wr-timezone", self.bank.zone.key)
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", icalendar.vDuration(REFRESH))
        calendar.add_component(vtimezone(self.bank.zone, self.first, self.last))
        for entry in self.entries:
            calendar.add_component(self._event(entry))
        text: bytes = calendar.to_ical()
        return text

    def _event(self, entry: Entry) -> icalendar.Event:
        event = icalendar.Event()
        event.add("uid", entry.uid)
        event.add("dtstamp", entry.changed)
        event.add("last-modified", entry.changed)
        event.add("sequence", entry.number)
        event.add("dtstart", self._when(entry.begins))
        event.add("dtend", self._when(entry.ends))
        event.add("summary", entry.words.say(self.language))
        event.add("status", entry.status)
        event.add("class", "PRIVATE")
        busy = entry.status != "CANCELLED" and isinstance(entry.begins, datetime)
        event.add("transp", "OPAQUE" if busy else "TRANSPARENT")
        if entry.place:
            event.add("location", entry.place)
        if self.link:
            event.add("url", self.link)
        for alarm in entry.alarms:
            event.add_component(self._alarm(alarm))
        return event

    def _alarm(self, alarm: Alarm) -> icalendar.Alarm:
        made = icalendar.Alarm()
        made.add("action", "DISPLAY")
        made.add("trigger", -alarm.before)
        made.add("description", alarm.words.say(self.language))
        return made

    def _when(self, at: datetime | date) -> datetime | date:
        return at.astimezone(self.bank.zone) if isinstance(at, datetime) else at


def calendar(actor: Actor, secret: str, now: datetime, bank: Bank, *, language: str, link: str = "") -> Calendar:
    """The actor's own, and on the days of a leave that of whom the actor stands in for; a fixed number of statements."""
    today = now.astimezone(bank.zone).date()
    first, last = today - BACK, today + AHEAD
    days = {actor.id: (first, last)} | _covered(actor, today)
    writer = _Writer(secret, bank, ahead(first))
    begins, ends = (
        [datetime.combine(day, time(0), bank.zone) for day in each] for each in zip(*days.values(), strict=True)
    )
    span = {"whose": list(days), "begins": begins, "ends": ends, "told": now - TOLD}
    entries = [writer.contact(row) for row in _rows(CONTACTS, span)]
    entries += [writer.obligation(row) for row in _rows(OBLIGED, span)]
    if bank.birthday_greeting:
        days[actor.id] = (first, today + LUNAR_AHEAD)
        for row in _rows(BORN, span):
            from_day, to_day = days[row["keeper"]]
            entries += writer.birthdays(row, from_day, to_day if row["calendar"] == "lunar" else min(to_day, last))
    return Calendar(tuple(entries), first, last, bank, language, link)


def _covered(actor: Actor, today: date) -> dict[int, tuple[date, date]]:
    """Whom the actor stands in for today, from the first day away until the first one back."""
    if not actor.covers:
        return {}
    leaves = Leave.objects.accepted().filter(staff__among=actor.covers, stand_in=actor.id)
    standing = leaves.filter(from_day__lte=today, to_day__gt=today)
    return {id: (first, back) for id, first, back in standing.values_list("staff_id", "from_day", "to_day")}


@dataclass(frozen=True)
class _Writer:
    """Makes entries out of rows, by the bank's settings; ``secret`` makes the UIDs of one address its own."""

    secret: str
    bank: Bank
    workdays: Workdays

    def contact(self, row: dict[str, Any]) -> Entry:
        begins, state = row["planned_for"], row["state"]
        usual = self.bank.call_length if row["kind"] == "call" else self.bank.visit_length
        over = state in {"cancelled", "struck"}
        return Entry(
            uid=self._uid(f"contact/{row['id']}"),
            begins=begins,
            ends=begins + timedelta(minutes=row["planned_minutes"] or usual),
            words=self._words(begins, KINDS[row["kind"]], row),
            status="CANCELLED" if over else "TENTATIVE" if state == "planned" else "CONFIRMED",
            number=row["number"],
            changed=row["changed"],
            place=row["place"] if self.bank.calendar_detail == "name" else "",
        )

    def obligation(self, row: dict[str, Any]) -> Entry:
        """A call-back is its minute, as long as the tolerance; an arrival is its whole window, and says the minute that is meant."""
        kind, minute = row["kind"], row["target"] or row["opens"]
        begins = row["opens"] if kind == "arrival" else minute
        words = self._words(minute, OBLIGATIONS[kind], row)
        still = row["state"] == "open"
        return Entry(
            uid=self._uid(f"{kind}/{row['subject'] or row['id']}"),
            begins=begins,
            ends=max(row["due"], begins + MINUTE),
            words=words,
            status="CONFIRMED" if still else "CANCELLED",
            number=row["number"],
            changed=row["changed"],
            alarms=tuple(self._alarms(row, begins, words)) if still else (),
        )

    def _alarms(self, row: dict[str, Any], begins: datetime, words: Words) -> Iterator[Alarm]:
        """The engine's own moments, but those that lie outside working hours while the thing itself does not."""
        hours = Hours(row["works_from"] or self.bank.work_from, row["works_to"] or self.bank.work_to)
        owed = Remembered(
            row["id"], row["kind"], row["created_at"], row["opens"], row["due"], row["due_counts"], row["target"]
        )
        for moment in moments(owed, self.bank, hours, self.workdays):
            if not moment.quiet:
                step = said(moment.step)
                told = Words(f"{step.zh}：{words.zh}", f"{step.en}: {words.en}")
                yield Alarm(begins - moment.at, told)

    def birthdays(self, row: dict[str, Any], first: date, last: date) -> Iterator[Entry]:
        """One entry a year."""
        born = Birthday(row["calendar"], row["month"], row["day"], None, row["leap"])
        # A lunar year ends within the solar year after it.
        for year in range(max(FIRST_YEAR, first.year - 1), min(LAST_YEAR, last.year) + 1):
            on = born.in_year(year, self.bank.birthday_policy)
            if first <= on < last:
                yield Entry(
                    uid=self._uid(f"birthday/{row['id']}/{year}"),
                    begins=on,
                    ends=on + timedelta(days=1),
                    words=self._words(None, BIRTHDAY, row),
                    status="CONFIRMED",
                    number=row["number"],
                    changed=row["changed"],
                )

    def _words(self, minute: datetime | None, what: Words, row: dict[str, Any]) -> Words:
        clock = f"{minute.astimezone(self.bank.zone):%H:%M} " if minute else ""
        whom = self._whom(row)
        return Words(f"{clock}{what.zh}{whom} · 打开知客", f"{clock}{what.en}{whom} · open Zhike")

    def _whom(self, row: dict[str, Any]) -> str:
        match self.bank.calendar_detail:
            case "kind":
                return ""
            case "address":
                # Whoever has no form of address has none here: a name is more than the bank lets out.
                called = row["honorific"] or (row["who"] == "person" and honorific(row["name"], row["gender"])) or ""
            case "name":
                called = row["name"]
        return f" {called}" if called else ""

    def _uid(self, name: str) -> str:
        return f"{hmac.new(self.secret.encode(), name.encode(), sha256).hexdigest()[:32]}@zhike"


def _rows(sql: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description or ()]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))


CALLED = "c.name, c.honorific, c.gender, c.kind AS who"

# Whose days, and which of them: one's own, and those on which one stands in.
WHOSE = "whose AS (SELECT * FROM unnest(%(whose)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) w (id, begins, ends))"

# What lies ahead, what was held, and what was called off lately: by whose it is, each by its own index.
CONTACTS = f"""
WITH {WHOSE}, mine AS (
    SELECT t.*, w.begins, w.ends FROM whose w JOIN contacts_contact t ON t.rm_id = w.id
    WHERE t.state IN ('planned', 'agreed')
    UNION ALL
    SELECT t.*, w.begins, w.ends FROM whose w JOIN contacts_contact t ON t.held_by_id = w.id
    WHERE t.started_at >= w.begins AND t.state IN ('under_way', 'ended', 'closed')
    UNION ALL
    SELECT t.*, w.begins, w.ends FROM whose w JOIN notices_revision r ON r.staff_id = w.id JOIN contacts_contact t ON t.id = r.contact_id
    WHERE r.at >= %(told)s AND t.state IN ('cancelled', 'struck')
)
SELECT t.id, t.kind, t.state, t.planned_for, t.planned_minutes, t.place, coalesce(r.number, 0) AS number,
       coalesce(r.at, t.created_at) AS changed, {CALLED}
FROM mine t JOIN customers_customer c ON c.id = t.customer_id LEFT JOIN notices_revision r ON r.contact_id = t.id
WHERE t.planned_for >= t.begins AND t.planned_for < t.ends AND NOT t.afterwards
ORDER BY t.planned_for, t.id"""

# A promise that is corrected and a visit that is moved owe anew, under the same name: to a phone it is one entry that has moved.
OBLIGED = f"""
WITH {WHOSE}, mine AS (
    SELECT o.*, w.begins, w.ends FROM whose w JOIN obligations_obligation o ON o.owner_id = w.id
    WHERE o.state = 'open' AND o.kind IN ('call_back', 'arrival')
    UNION ALL
    SELECT o.*, w.begins, w.ends
    FROM whose w JOIN notices_revision r ON r.staff_id = w.id JOIN obligations_obligation o ON o.id = r.obligation_id
    WHERE r.at >= %(told)s AND o.state <> 'open' AND o.kind IN ('call_back', 'arrival')
), latest AS (
    SELECT DISTINCT ON (o.kind, coalesce(nullif(o.subject, ''), o.id::text)) o.* FROM mine o
    ORDER BY o.kind, coalesce(nullif(o.subject, ''), o.id::text), o.state <> 'open', o.id DESC
)
SELECT o.id, o.kind, o.subject, o.state, o.created_at, o.opens, o.due, o.due_counts, o.target, all_of_it.number, all_of_it.changed,
       s.works_from, s.works_to, {CALLED}
FROM latest o JOIN people_staff s ON s.id = o.owner_id JOIN customers_customer c ON c.id = o.customer_id
CROSS JOIN LATERAL (
    SELECT count(*) - 1 + coalesce(sum(r.number), 0) AS number, max(greatest(p.created_at, r.at)) AS changed
    FROM obligations_obligation p LEFT JOIN notices_revision r ON r.obligation_id = p.id
    WHERE p.id = o.id OR o.subject <> '' AND p.subject = o.subject AND p.kind = o.kind
) all_of_it
WHERE coalesce(o.target, o.opens) >= o.begins AND coalesce(o.target, o.opens) < o.ends AND o.due IS NOT NULL
ORDER BY o.due, o.id"""

# Only those whom one may greet.
BORN = f"""
SELECT c.id, c.keeper, c.birth_calendar AS calendar, c.birth_month AS month, c.birth_day AS day, c.birth_leap AS leap,
       c.version AS number, c.changed_at AS changed, {CALLED}
FROM customers_customer c
WHERE c.keeper = ANY (%(whose)s) AND c.birth_calendar <> '' AND c.birth_month IS NOT NULL AND c.birth_day IS NOT NULL
  AND c.deceased_on IS NULL AND c.closed_on IS NULL AND NOT c.do_not_disturb AND NOT c.complaint_open
ORDER BY c.id"""
