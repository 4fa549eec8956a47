"""What the calendar owes and what time lets lapse: ``zhike day``, also nightly. Running it twice adds nothing.

The sweep acts for nobody and sees every row, so it runs as the worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import celebrated
from zhike.conduct.facts import Case, Fact
from zhike.customers.models import Book

from . import ledger
from .stops import enforce

SLICE = 500
# One sweep at a time, whoever runs it.
LOCK = 0x5A48_494B


@dataclass(frozen=True)
class Swept:
    """How many obligations a sweep added, by what brought them; how many lapsed or were stopped, and who changed hands."""

    birthdays: int
    rhythm: int
    missed: int
    stopped: int
    handed_over: int


def sweep(day: date, *, now: datetime, bank: Bank) -> Swept:
    """Adds what ``day`` owes: birthday greetings (R5), contacts due by rhythm (W5); marks what lapsed as missed.

    First what time itself changes: customers who have gone over to another RM by now, and those whom the core system stopped.
    That is now's alone: sweeping a past day gives nobody back to an earlier RM, a coming one hands nobody over ahead of time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        handed_over = Book.objects.take_effect(now.astimezone(bank.zone).date(), now)
        stopped = enforce(now)
        return Swept(
            handed_over=handed_over,
            stopped=stopped,
            birthdays=_tell_all(_birthdays(day, now, bank), now, bank),
            rhythm=_tell_all(_rhythm(day, now, bank), now, bank),
            missed=lapse(now, bank),
        )


def greet(day: date, *, now: datetime, bank: Bank) -> int:
    """Birthdays of the day that became known after its sweep: learned, imported or told by a file. Returns how many are owed."""
    with transaction.atomic():
        return _tell_all(_birthdays(day, now, bank), now, bank)


def lapse(now: datetime, bank: Bank) -> int:
    """Greetings and arrivals whose window is over are missed; answers, write-ups and call-backs stay open, however late.

    An arrival is missed with its day: until then one may still come late, which V2 measures apart from not at all.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE obligations_obligation SET state = 'missed', settled_at = due, evidence = '{"why": "lapsed"}'
               WHERE state = 'open' AND lapses AND (due < %(now)s OR (due = %(now)s AND NOT due_counts))
                 AND (kind <> 'arrival' OR (due AT TIME ZONE %(zone)s)::date < (%(now)s AT TIME ZONE %(zone)s)::date)""",
            {"now": now, "zone": bank.zone.key},
        )
        return int(cursor.rowcount)


def _tell_all(cases: Iterator[tuple[Fact, Case]], now: datetime, bank: Bank) -> int:
    owed = 0
    while some := list(islice(cases, SLICE)):
        owed += ledger.tell_many(some, now=now, bank=bank)
    return owed


def _birthdays(day: date, now: datetime, bank: Bank) -> Iterator[tuple[Fact, Case]]:
    midnight = datetime.combine(day, time(0), bank.zone)
    for birthday in celebrated(day, day, bank.birthday_policy):
        parameters = {name: getattr(birthday, name) for name in ("calendar", "month", "day", "leap")}
        for customer, rm, case in _customers(BIRTHDAY, parameters, f"/birthday:{day.isoformat()}", day):
            data = {"day": birthday.name.zh, "day_en": birthday.name.en}
            subject = f"customer:{customer}/birthday:{day.isoformat()}"
            yield Fact("birthday", midnight, now, rm, customer, subject, data, "observed"), case


def _rhythm(day: date, now: datetime, bank: Bank) -> Iterator[tuple[Fact, Case]]:
    """Contacts due by rhythm: told when only ``rhythm_soon_percent`` of the period is left.

    Rhythm starts at go-live, when the customer came into Zhike: the first one is spread over the period by the customer's
    number, so that a book of two hundred does not fall due on one morning. So it is when a rise in tier, or a change of the
    setting, would make a contact due that was not: nobody is late on the day on which a shorter period begins. After a stop
    the period counts from the day on which it ended.
    """
    for rhythm in bank.rhythm:
        if rhythm.contact_days is None:
            continue
        last_told_on = day + timedelta(days=rhythm.contact_days * bank.rhythm_soon_percent // 100)
        parameters = {
            "zone": bank.zone.key,
            "tier": rhythm.tier,
            "period": rhythm.contact_days,
            "shortened": _period_since(rhythm.tier, day, bank),
            "last": last_told_on,
        }
        for customer, rm, case, due, since in _customers(RHYTHM, parameters, "/rhythm:", day):
            end = datetime.combine(due + timedelta(days=1), time(0), bank.zone)
            data: dict[str, Any] = {"since": since.isoformat(), "days": (day - since).days, "target": end.isoformat()}
            subject = f"customer:{customer}/rhythm:{due.isoformat()}"
            yield Fact("contact_overdue", now, now, rm, customer, subject, data, "observed"), case


def _period_since(tier: str, day: date, bank: Bank) -> date | None:
    """Since when the tier's period is what it is on ``day``; None: since ever."""
    return bank.since(day, lambda then: {row.tier: row.contact_days for row in then.rhythm}.get(tier))


@dataclass(frozen=True)
class Choice:
    """Which customers: what is reckoned for each, what must be true, what is asked beside the case, what stands in the way."""

    condition: str
    reckoned: str = ""
    asked: str = ""
    standing: str = "true"


# Each step by itself; the planner folds them into one look at the customers, and asks the facts only for those near their day.
RHYTHM = Choice(
    reckoned="""
    CROSS JOIN LATERAL (SELECT (c.last_contact_at AT TIME ZONE %(zone)s)::date AS met,
                               (c.created_at AT TIME ZONE %(zone)s)::date AS came,
                               1 + (c.id %% %(period)s)::int AS spread,
                               greatest(c.tier_since, %(shortened)s::date) AS shortened) d
    CROSS JOIN LATERAL (SELECT CASE WHEN c.last_contact_at >= c.created_at THEN d.met + %(period)s
                                    ELSE greatest(d.came + d.spread, d.met + %(period)s) END AS due) plain
    CROSS JOIN LATERAL (SELECT CASE WHEN plain.due <= d.shortened THEN d.shortened + d.spread ELSE plain.due END AS due) fair
    CROSS JOIN LATERAL (SELECT greatest(fair.due, (
        SELECT max(f.at AT TIME ZONE %(zone)s)::date + %(period)s FROM obligations_fact f
        WHERE f.customer_id = c.id AND f.kind = 'customer_resumed' AND NOT f.void
          AND NOT coalesce((f.data ->> 'mistake')::boolean, false))) AS due) rhythm""",
    condition="c.tier = %(tier)s AND fair.due <= %(last)s AND rhythm.due <= %(last)s",
    asked=", rhythm.due, coalesce(d.met, d.came)",
    standing="state = 'open' AND kind = 'rhythm'",
)
BIRTHDAY = Choice(
    "c.birth_calendar = %(calendar)s AND c.birth_month = %(month)s AND c.birth_day = %(day)s AND c.birth_leap = %(leap)s"
)


def _customers(choice: Choice, parameters: dict[str, Any], about: str, day: date) -> Iterator[tuple[Any, ...]]:
    """Customers with an RM of whom the choice is true, each with its case; those already told about are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT c.id, c.rm_id, {ledger.CASE_VALUE.replace("%s", "%(case_day)s")} {choice.asked}
                FROM customers_customer c {choice.reckoned}
                WHERE c.rm_id IS NOT NULL AND {choice.condition}
                  AND c.deceased_on IS NULL AND c.closed_on IS NULL AND NOT c.do_not_disturb AND NOT c.complaint_open
                  AND NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.customer_id = c.id AND {choice.standing}
                                  AND o.subject LIKE 'customer:' || c.id || %(about)s)
                ORDER BY c.id""",
            {**parameters, "case_day": day, "about": about + "%"},
        )
        for customer, rm, case, *more in cursor.fetchall():
            yield (customer, rm, ledger.case_from(case), *more)
