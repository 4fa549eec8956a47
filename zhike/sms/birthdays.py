"""Birthdays among the greetings (R5): those of the days to come, arranged ahead in one go; each greeting leaves on the day that its customer
celebrates, and does what is owed for that day.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import celebrated
from zhike.conduct.windows import on_day
from zhike.conduct.words import Words

from . import outcome
from .greetings import standing_to
from .models import Message

KEY = "birthdays"
AHEAD = 30  # days, today included

# Greeted on the day by a message of another kind, by a call or in person: then it is done. Or a message written by hand is on its way.
DONE = """EXISTS (SELECT FROM obligations_obligation o WHERE o.customer_id = c.id AND o.kind = 'birthday'
        AND o.subject = 'customer:' || c.id || '/' || g.occasion
        AND (o.state = 'done' OR EXISTS (SELECT FROM sms_message m WHERE m.obligation_id = o.id AND m.live)))"""
# The same whom an SMS does not greet (conduct/conditions.py, `greeting`).
OF_BIRTHDAYS = standing_to(
    """JOIN jsonb_to_recordset(%s::jsonb) AS g (calendar text, month smallint, day smallint, leap boolean, occasion text,
        sent_from timestamptz, sent_until timestamptz)
    ON c.birth_calendar = g.calendar AND c.birth_month = g.month AND c.birth_day = g.day AND c.birth_leap = g.leap""",
    greeted=DONE,
    in_person="c.tier = ANY (%s::text[])",
)


@dataclass(frozen=True, slots=True)
class Birthdays:
    """Those that are celebrated from a day on."""

    first: date

    @property
    def key(self) -> str:
        """What arrangements and addresses call it."""
        return KEY

    @property
    def keys(self) -> Sequence[str]:
        """Each day has its own."""
        return [occasion_of(day) for day in self.days]

    @property
    def day(self) -> date:
        """The last of the days."""
        return self.first + timedelta(days=AHEAD - 1)

    @property
    def since(self) -> date:
        """What was arranged for earlier days alone is history."""
        return self.first

    @property
    def days(self) -> list[date]:
        """One by one."""
        return [self.first + timedelta(days=ahead) for ahead in range(AHEAD)]

    @property
    def worded(self) -> tuple[str, ...]:
        """Words for a birthday alone."""
        return ("birthday",)

    @property
    def stands(self) -> str:
        """Each on their own day."""
        return OF_BIRTHDAYS

    @property
    def waits(self) -> Words:
        """What its messages wait for."""
        return Words("等到生日当天", "waits for the birthday")

    def asked(self, bank: Bank) -> list[Any]:
        """The births that are celebrated, each with its day and hours; and the tiers that are called or met."""
        births = [
            {
                "calendar": born.calendar, "month": born.month, "day": born.day, "leap": born.leap, "occasion": occasion_of(day),
                "sent_from": datetime.combine(day, bank.greeting_at, bank.zone).isoformat(),
                "sent_until": datetime.combine(day + timedelta(days=1), time(0), bank.zone).isoformat(),
            }
            for day in self.days
            for born in celebrated(day, day, bank.birthday_policy)
        ]  # fmt: skip
        return [json.dumps(births), [tier.key for tier in bank.tiers if bank.at_least(tier.key, "diamond")]]

    def sent_from(self, bank: Bank) -> datetime:
        """When the first of them may leave."""
        return datetime.combine(self.first, bank.greeting_at, bank.zone)

    def sent_until(self, bank: Bank) -> datetime:
        """When the last of them is no longer wanted."""
        return datetime.combine(self.day + timedelta(days=1), time(0), bank.zone)


def occasion_of(day: date) -> str:
    """What a greeting for a birthday on this day is called; what is owed for it is named so too."""
    return f"birthday:{day.isoformat()}"


def day_of(occasion: str) -> date:
    """And back."""
    return date.fromisoformat(occasion.removeprefix("birthday:"))


def join(day: date, now: datetime, bank: Bank) -> None:
    """Once a day's birthdays are owed, each is joined to the greeting that was arranged for it: that does it as any message does.

    A birthday that was corrected since, and is not celebrated today after all, is not greeted: its message says so.
    """
    born = [(each.calendar, each.month, each.day, each.leap) for each in celebrated(day, day, bank.birthday_policy)]
    calendars, months, days, leaps = (list(each) for each in zip(*born, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            MISTAKEN,
            [
                json.dumps(CORRECTED, ensure_ascii=False), now, datetime.combine(day, time(0), bank.zone),
                datetime.combine(day + timedelta(days=1), time(0), bank.zone), occasion_of(day), calendars, months, days, leaps,
            ],
        )  # fmt: skip
        cursor.execute(JOIN, [occasion_of(day), on_day(day, bank).due])
        joined = [row[0] for row in cursor.fetchall()]
    # The day was swept late, when the greeting had left already.
    for message in Message.objects.filter(pk__in=joined, state__in=outcome.SENT).select_related("obligation"):
        outcome.sent(message, now)


CORRECTED = {
    "name": "corrected",
    "zh": "生日已更正，不在这一天。",
    "en": "The birthday was corrected and is not on this day.",
}
MISTAKEN = """
UPDATE sms_message m SET state = 'refused', why = %s, done_at = %s
FROM customers_customer c
WHERE c.id = m.customer_id AND m.waits AND m.lane = 1 AND m.not_before >= %s AND m.not_before < %s AND m.occasion = %s
    AND ((c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap) IN (
        SELECT * FROM unnest(%s::text[], %s::smallint[], %s::smallint[], %s::boolean[]))) IS NOT TRUE"""
JOIN = """
UPDATE sms_message m SET obligation_id = o.id FROM obligations_obligation o
WHERE m.customer_id = o.customer_id AND m.occasion = %s AND m.occasion <> '' AND m.live AND m.obligation_id IS NULL
    AND o.kind = 'birthday' AND o.state = 'open' AND o.lapses AND o.due = %s
    AND o.subject = 'customer:' || o.customer_id || '/' || m.occasion
    AND NOT EXISTS (SELECT FROM sms_message other WHERE other.obligation_id = o.id AND other.live)
RETURNING m.id"""
