"""One staff member's day beside the ledger: who comes, what is under way, what is done, whose birthday it is. One statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import FIRST_YEAR, LAST_YEAR, Birthday, to_lunar
from zhike.people.actor import Actor

ROWS = 200
BIRTHDAYS_AHEAD = 3


@dataclass(frozen=True)
class Agenda:
    """``contacts``: what is planned or agreed until ``until`` (midnight), under way, or was held today; ``settled``: what
    was done today; ``birthdays``: whose, on which day; ``leaves``: the actor's own, whom the actor covers, and who asks the
    actor to stand in. Rows are dictionaries with moments as aware datetimes.
    """

    contacts: list[dict[str, Any]]
    settled: list[dict[str, Any]]
    birthdays: list[dict[str, Any]]
    leaves: list[dict[str, Any]]
    until: datetime


def told(actor: Actor, now: datetime, bank: Bank) -> str:
    """The actor's own day, and what is ahead for those whom the actor covers, whatever else the actor may see, as one JSON text."""
    asked = {"me": actor.id, "whose": [actor.id, *actor.covers], **on(now, bank.zone)}
    with connection.cursor() as cursor:
        cursor.execute(AGENDA, asked)
        return str(cursor.fetchone()[0])


def on(now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What the statement wants to know of the day that it is in this zone."""
    midnight = _midnight(now, zone)
    births = _births(midnight.date())
    return {
        "midnight": midnight,
        "today": midnight.date(),
        "tomorrow": midnight + timedelta(days=1),
        "calendars": [calendar for calendar, _month, _day in births],
        "months": [month for _calendar, month, _day in births],
        "days": [day for _calendar, _month, day in births],
    }


def agenda(text: str, now: datetime, bank: Bank) -> Agenda:
    """What :func:`told` told at this moment, in Python's own kinds."""
    value = json.loads(text)
    midnight = _midnight(now, bank.zone)
    return Agenda(
        contacts=[_moments(row, "planned_for", "started_at", "ended_at", "arrived_at") for row in value["contacts"]],
        settled=[_moments(row, "at", "due") for row in value["settled"]],
        birthdays=list(_celebrated(value["birthdays"], _days(midnight.date()), bank)),
        leaves=value["leaves"],
        until=midnight + timedelta(days=1),
    )


def _midnight(now: datetime, zone: ZoneInfo) -> datetime:
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(first: date) -> list[date]:
    return [first + timedelta(days=ahead) for ahead in range(BIRTHDAYS_AHEAD)]


def _moments(row: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        if row[name]:
            row[name] = datetime.fromisoformat(row[name])
    return row


@lru_cache(maxsize=8)
def _births(first: date) -> list[tuple[str, int, int]]:
    """Birth dates that may be celebrated on these days: the day itself, and what a short month or a common year moves."""
    births = set()
    for day in _days(first):
        births |= {("solar", day.month, day.day), ("solar", 2, 29)}
        lunar = to_lunar(day)
        births |= {("lunar", lunar.month, lunar.day), ("lunar", lunar.month, 30)}
        if lunar.day == 1:
            births.add(("lunar", lunar.month - 1 or 12, 30))
    return sorted(births)


def _celebrated(rows: list[dict[str, Any]], days: list[date], bank: Bank) -> Iterator[dict[str, Any]]:
    policy = bank.birthday_policy
    for row in rows:
        born = Birthday(row["calendar"], row["month"], row["day"], row["year"], row["leap"])
        for day in days:
            years = [year for year in (day.year - 1, day.year) if FIRST_YEAR <= year <= LAST_YEAR]
            # A lunar birthday is turned in its lunar year, which the first weeks of a solar one still belong to.
            turned = next((year for year in years if born.in_year(year, policy) == day), None)
            if turned is not None:
                yield {**row, "on": day, "born": born, "age": turned - born.year if born.year else None}


CUSTOMER = "c.id AS customer, c.name, c.honorific, c.tier"
# The colleague whose it is, where the actor covers one: theirs are shown beside one's own.
FOR = """CASE WHEN t.rm_id <> %(me)s AND t.rm_id = ANY (%(whose)s::bigint[])
             THEN (SELECT s.name FROM people_staff s WHERE s.id = t.rm_id) ELSE '' END AS on_behalf"""

AGENDA = f"""
SELECT json_build_object(
  'contacts', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT t.id, t.kind, t.state, t.purpose, t.purpose_words, t.planned_for, t.planned_minutes, t.place, t.started_at,
             t.ended_at, t.arrived_at, t.prepared_at IS NOT NULL AS prepared, t.outcome, {FOR}, {CUSTOMER}
      FROM contacts_contact t JOIN customers_customer c ON c.id = t.customer_id
      WHERE (t.rm_id = ANY (%(whose)s::bigint[]) AND t.state IN ('planned', 'agreed') AND t.planned_for < %(tomorrow)s
             OR t.held_by_id = %(me)s AND t.started_at >= %(midnight)s AND t.started_at < %(tomorrow)s)
      UNION ALL
      SELECT t.id, t.kind, t.state, t.purpose, t.purpose_words, t.planned_for, t.planned_minutes, t.place, t.started_at,
             t.ended_at, t.arrived_at, t.prepared_at IS NOT NULL, t.outcome, {FOR}, {CUSTOMER}
      FROM contacts_contact t JOIN customers_customer c ON c.id = t.customer_id
      WHERE t.held_by_id = %(me)s AND t.started_at < %(midnight)s AND t.started_at >= %(midnight)s - interval '3 days'
        AND t.state = 'under_way'
      ORDER BY planned_for, started_at, id LIMIT {ROWS}) r),
  'settled', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT o.settled_at AS at, o.due, o.state FROM obligations_obligation o
      WHERE o.owner_id = ANY (%(whose)s::bigint[]) AND o.settled_at >= %(midnight)s AND o.settled_at < %(tomorrow)s
        AND o.state = 'done' AND (o.owner_id = %(me)s OR o.settled_by_id = %(me)s)
      ORDER BY o.settled_at, o.id LIMIT {ROWS}) r),
  'birthdays', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT {CUSTOMER}, c.birth_calendar AS calendar, c.birth_month AS month, c.birth_day AS day, c.birth_year AS year,
             c.birth_leap AS leap
      FROM customers_customer c
      JOIN unnest(%(calendars)s::text[], %(months)s::int[], %(days)s::int[]) AS b (k, m, d)
        ON (c.birth_calendar, c.birth_month, c.birth_day) = (b.k, b.m, b.d)
      WHERE c.keeper = ANY (%(whose)s::bigint[]) AND c.deceased_on IS NULL AND c.closed_on IS NULL
      ORDER BY c.sort_key, c.id LIMIT 30) r),
  'leaves', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT CASE WHEN l.staff_id = %(me)s THEN 'own' WHEN l.answer = 'asked' THEN 'asked' ELSE 'covers' END AS is,
             s.name, l.from_day, l.to_day - 1 AS last_day
      FROM people_leave l JOIN people_staff s ON s.id = CASE WHEN l.staff_id = %(me)s THEN l.stand_in_id ELSE l.staff_id END
      WHERE %(today)s < l.to_day AND l.ended_at IS NULL AND (l.staff_id = %(me)s OR l.stand_in_id = %(me)s)
        AND (l.answer = 'accepted' AND l.from_day <= %(today)s OR l.answer = 'asked' AND l.stand_in_id = %(me)s)
      ORDER BY l.from_day, l.id LIMIT 20) r)
)::text
"""
