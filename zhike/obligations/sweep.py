"""What the calendar owes and what time lets lapse: ``zhike day``, also nightly. Running it twice adds nothing.

The sweep acts for nobody and sees every row, so it runs as the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import celebrated
from zhike.conduct.facts import Case, Fact
from zhike.conduct.windows import on_day
from zhike.customers.models import Book

from . import acknowledgements, ledger, rhythm
from .stops import enforce

log = logging.getLogger(__name__)

SLICE = 500
# What else the calendar owes: (day, now, bank) → how many became owed, how many lapsed. Whoever brings it registers it at start.
WHEN_SWEPT: list[Callable[[date, datetime, Bank], tuple[int, int]]] = []
# What else happens once a day's birthdays are owed.
WHEN_GREETED: list[Callable[[date, datetime, Bank], None]] = []
# One sweep at a time, whoever runs it.
LOCK = 0x5A48_494B


@dataclass(frozen=True)
class Swept:
    """How many obligations a sweep added, by what brought them; how many lapsed or were stopped, and who changed hands.

    ``others``: what those brought who entered themselves: festivals, campaigns, recurring assignments, plans. ``staying``: customers who
    were to change hands and did not, because the new RM holds no post any more. ``failed``: what else the calendar owes and could not be
    found out because of a fault, which is in the log; the rest of the night went on.
    """

    birthdays: int
    rhythm: int
    others: int
    acknowledgements: int
    missed: int
    stopped: int
    handed_over: int
    staying: int
    failed: tuple[str, ...] = ()


def sweep(day: date, *, now: datetime, bank: Bank) -> Swept:
    """Adds what ``day`` owes: birthday greetings (R5), contacts and meetings due by rhythm (W5), festivals to arrange (S3), a version of the code to
    acknowledge (W6); marks what lapsed as missed.

    First what time itself changes: customers who have gone over to another RM by now, and those whom the core system stopped.
    That is now's alone: sweeping a past day gives nobody back to an earlier RM, a coming one hands nobody over ahead of time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        today = now.astimezone(bank.zone).date()
        handed_over = Book.objects.take_effect(today, now)
        stopped = enforce(now)
        brought, failed = _brought(day, now, bank)
        return Swept(
            handed_over=handed_over,
            staying=Book.objects.due(today).count(),
            stopped=stopped,
            birthdays=greet(day, now=now, bank=bank),
            rhythm=_tell_all(_rhythm(day, now, bank), now, bank),
            others=sum(owed for owed, _lapsed in brought),
            acknowledgements=acknowledgements.owe(day, now, bank),
            missed=lapse(now, bank) + sum(lapsed for _owed, lapsed in brought),
            failed=failed,
        )


def _brought(day: date, now: datetime, bank: Bank) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
    """What others bring, and who could not: a fault of one takes neither the others nor the night with it."""
    brought, failed = [], []
    for bring in WHEN_SWEPT:
        try:
            with transaction.atomic():
                brought.append(bring(day, now, bank))
        except Exception:
            log.exception(
                "What %s brings of %s could not be found out; the rest of the night goes on.", bring.__module__, day
            )
            failed.append(bring.__module__)
    return brought, tuple(failed)


def greet(day: date, *, now: datetime, bank: Bank) -> int:
    """Birthdays of the day that became known after its sweep: learned, imported or told by a file. Returns how many are owed.

    A birthday that was corrected, and is not celebrated today after all, is not greeted any more.
    """
    with transaction.atomic():
        _withdraw_mistaken(day, now, bank)
        owed = _tell_all(_birthdays(day, now, bank), now, bank)
        for follow in WHEN_GREETED:
            follow(day, now, bank)
        return owed


def _withdraw_mistaken(day: date, now: datetime, bank: Bank) -> None:
    born = [(each.calendar, each.month, each.day, each.leap) for each in celebrated(day, day, bank.birthday_policy)]
    calendars, months, days, leaps = (list(each) for each in zip(*born, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE obligations_obligation o
               SET state = 'withdrawn', settled_at = %s, evidence = '{"why": "corrected"}'
               FROM customers_customer c
               WHERE c.id = o.customer_id AND o.kind = 'birthday' AND o.state = 'open' AND o.lapses AND o.due = %s
                 AND ((c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap) IN (
                     SELECT * FROM unnest(%s::text[], %s::smallint[], %s::smallint[], %s::boolean[]))) IS NOT TRUE""",
            [now, on_day(day, bank).due, calendars, months, days, leaps],
        )


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


def birthday_subject(customer: int, day: date) -> str:
    """What the ledger calls a customer's birthday on the day on which it is celebrated."""
    return f"customer:{customer}/birthday:{day.isoformat()}"


def _birthdays(day: date, now: datetime, bank: Bank) -> Iterator[tuple[Fact, Case]]:
    midnight = datetime.combine(day, time(0), bank.zone)
    for birthday in celebrated(day, day, bank.birthday_policy):
        of_birth = (birthday.calendar, birthday.month, birthday.day, birthday.leap)
        born = Choice(BORN, of_birth, "o.state <> 'withdrawn'")
        for customer, rm, case in _customers(born, f"/birthday:{day.isoformat()}", day):
            data = {"day": birthday.name.zh, "day_en": birthday.name.en}
            subject = birthday_subject(customer, day)
            yield Fact("birthday", midnight, now, rm, customer, subject, data, "observed"), case


def _rhythm(day: date, now: datetime, bank: Bank) -> Iterator[tuple[Fact, Case]]:
    """Contacts and meetings due by rhythm: told when only ``rhythm_soon_percent`` of the period is left."""
    for what, kind, name in RHYTHMS:
        reached = rhythm.reached(what, day, bank, customer="c", soon=True)
        due = Choice(
            "true",
            reached.parameters,
            STANDING,
            joined=f"CROSS JOIN LATERAL ({reached.sql}) r",
            asked=", r.due, r.since",
        )
        for customer, rm, case, due_on, since in _customers(due, f"/{name}:", day):
            end = datetime.combine(due_on + timedelta(days=1), time(0), bank.zone)
            data: dict[str, Any] = {"since": since.isoformat(), "days": (day - since).days, "target": end.isoformat()}
            subject = f"customer:{customer}/{name}:{due_on.isoformat()}"
            yield Fact(kind, now, now, rm, customer, subject, data, "observed"), case


# What comes round, the fact that tells it, and the name of what it is about.
RHYTHMS: tuple[tuple[rhythm.What, str, str], ...] = (
    ("contact", "contact_overdue", "rhythm"),
    ("meeting", "meeting_overdue", "meet"),
)
# The facts that nobody tells but the sweep.
TELLS = ("birthday", *(fact for _what, fact, _name in RHYTHMS))


@dataclass(frozen=True)
class Choice:
    """Which customers: what must be true, what is joined to each and asked beside the case; what of it stands in the way."""

    condition: str
    parameters: tuple[Any, ...]
    standing: str
    joined: str = ""
    asked: str = ""


# Still open; or told of the same day before, and let go.
STANDING = "(o.state = 'open' OR o.state <> 'withdrawn' AND right(o.subject, 10) = r.due::text)"
BORN = "c.birth_calendar = %s AND c.birth_month = %s AND c.birth_day = %s AND c.birth_leap = %s"


def _customers(choice: Choice, about: str, day: date) -> Iterator[tuple[Any, ...]]:
    """Customers with an RM of whom the choice is true, each with its case; those already told about are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT c.id, c.rm_id, {ledger.CASE_VALUE} {choice.asked}
                FROM customers_customer c {choice.joined}
                WHERE c.rm_id IS NOT NULL AND {choice.condition}
                  AND c.deceased_on IS NULL AND c.closed_on IS NULL AND NOT c.do_not_disturb AND NOT c.complaint_open
                  AND NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.customer_id = c.id
                                  AND {choice.standing} AND o.subject LIKE 'customer:' || c.id || %s)
                ORDER BY c.id""",
            [day, *choice.parameters, f"{about}%"],
        )
        for customer, rm, case, *more in cursor.fetchall():
            yield (customer, rm, ledger.case_from(case), *more)
