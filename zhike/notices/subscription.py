"""The secret address at which one's own phones read one's calendar: made, shown once, revoked; in force while the bank allows it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.session import hashed
from zhike.people.turn import take_turn

from .models import Calendar


@dataclass(frozen=True)
class Subscriber:
    """Whose calendar an address opens."""

    staff: int
    language: str


def make(actor: Actor, now: datetime, bank: Bank) -> str:
    """A new secret of one's own; the one before opens nothing any more. It is nowhere kept. Raises Refused while the bank allows none."""
    if not bank.calendar_feed:
        raise Refused("本行未开通手机日历。", "The bank has not opened calendars on phones.")
    take_turn("calendar", actor.id)
    revoke(actor, now)
    secret = secrets.token_urlsafe(32)
    Calendar.objects.create(staff_id=actor.id, hash=hashed(secret), made_at=now)
    return secret


def revoke(actor: Actor, now: datetime) -> None:
    """From now on nothing is read there. Twice is as once."""
    Calendar.objects.filter(staff=actor.id, revoked_at=None).update(revoked_at=now)


def in_force(actor: Actor, now: datetime, bank: Bank) -> Calendar | None:
    """One's own, without the secret."""
    mine = Calendar.objects.filter(staff=actor.id, revoked_at=None).defer("hash").first()
    return mine if mine and _allowed(mine.made_at, now, bank) else None


def found(secret: str, now: datetime, bank: Bank) -> Subscriber | None:
    """Whose calendar this address opens; None for any that opens none, whatever the reason. Two statements at most."""
    if not bank.calendar_feed:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT staff, made_at, language FROM notices_calendar_of(%s, %s)", [hashed(secret), now])
        staff, made_at, language = cursor.fetchone()
    if staff is None or not _allowed(made_at, now, bank):
        return None
    return Subscriber(staff, language)


def end_all(now: datetime, bank: Bank) -> int:
    """Where the bank has ended it, every address is revoked for good: allowed again, nobody's old one lives up. Runs as the worker."""
    if bank.calendar_feed:
        return 0
    return Calendar.objects.filter(revoked_at=None).update(revoked_at=now)


def _allowed(made_at: datetime, now: datetime, bank: Bank) -> bool:
    """Since it was made the bank has allowed it on every day, whether or not a worker was there to see that it did not."""
    if not bank.calendar_feed:
        return False
    since = bank.since(now.astimezone(bank.zone).date(), lambda day: day.calendar_feed)
    return since is None or since <= made_at.astimezone(bank.zone).date()
