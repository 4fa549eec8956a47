"""A festival that another platform has greeted a customer on is greeted: it counts as arranged, and ours is not sent as well (S3)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.festivals import FESTIVALS, Festival, next_festivals
from zhike.sms.greetings import Occasion
from zhike.sms.models import Kind, Message, State

from .rows import Checked

# A greeting that names the festival is for it so many days before and behind; one that names none, on its day or the day before.
BEFORE, BEHIND, UNNAMED = timedelta(days=7), timedelta(days=3), timedelta(days=1)
LIVE = frozenset({State.SUBMITTED, State.DELIVERED, State.UNKNOWN})
# What festivals are called besides their names.
CALLED = {"spring_festival": ("新春", "新年", "拜年"), "new_year": ("新年",)}
ELSEWHERE = {
    "name": "greeted_already",
    "zh": "本行另一短信平台已在这一节日问候过客户，没有再发。",
    "en": "The bank's other platform has greeted this customer on this occasion: not twice.",
}


def festival_of(checked: Checked, bank: Bank) -> Occasion | None:
    """Which festival of the bank's a row greets on; None for another kind, a birthday, and where it is near to none."""
    if checked.kind != Kind.GREETING or checked.greets_a_birthday or State(checked.state) not in LIVE:
        return None
    sent = checked.at.astimezone(bank.zone).date()
    near = [
        Occasion(festival, day)
        for day, festival in next_festivals(sent - BEHIND, len(FESTIVALS))
        if festival.key in bank.greeted_festivals and day <= sent + BEFORE
    ]
    named = [each for each in near if _names(checked.text, each.festival)]
    unnamed = [each for each in near if timedelta() <= each.day - sent <= UNNAMED]
    return min(named or unnamed, key=lambda each: abs(each.day - sent), default=None)


def _names(text: str, festival: Festival) -> bool:
    names = (festival.name.zh.removesuffix("节"), festival.name.zh, *CALLED.get(festival.key, ()))
    return any(name in text for name in names) or festival.name.en.lower() in text.lower()


def settle(rows: Sequence[tuple[Checked, Message]], bank: Bank, now: datetime) -> list[tuple[str, int, datetime]]:
    """Gives each message the festival that it greets on, once a customer and festival; what waits here for the same is not sent. Returns
    which festivals to come were greeted, in whose book, and when the last of it was sent.
    """
    greeted: dict[tuple[int, str], tuple[Message, date, datetime]] = {}
    for checked, message in rows:
        if (found := festival_of(checked, bank)) is not None:
            greeted.setdefault((message.customer_id, found.key), (message, found.day, checked.at))
    if not greeted:
        return []
    keys = json.dumps([{"customer": customer, "occasion": occasion} for customer, occasion in greeted])
    with connection.cursor() as cursor:
        cursor.execute(NOT_TWICE, [json.dumps(ELSEWHERE, ensure_ascii=False), now, keys])
        cursor.execute(GREETED, [keys])
        already = set(cursor.fetchall())
    last: dict[tuple[str, int], datetime] = {}
    today = now.astimezone(bank.zone).date()
    for (customer, occasion), (message, day, at) in greeted.items():
        if (customer, occasion) in already:
            continue
        message.occasion = occasion
        if day >= today:
            last[occasion, message.staff_id] = max(at, last.get((occasion, message.staff_id), at))
    return [(occasion, staff, at) for (occasion, staff), at in last.items()]


NOT_TWICE = """
UPDATE sms_message m SET state = 'refused', why = %s, done_at = %s
FROM jsonb_to_recordset(%s::jsonb) AS d (customer bigint, occasion text)
WHERE m.customer_id = d.customer AND m.occasion = d.occasion AND m.occasion <> '' AND m.live AND m.waits AND m.attempt = 1"""
GREETED = """
SELECT m.customer_id, m.occasion FROM jsonb_to_recordset(%s::jsonb) AS d (customer bigint, occasion text)
JOIN sms_message m ON m.customer_id = d.customer AND m.occasion = d.occasion AND m.occasion <> '' AND m.live"""
