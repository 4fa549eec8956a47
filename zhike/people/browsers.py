"""Browsers in which somebody is signed in: seen and ended by that person, or by the administrator for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.people.actor import Actor
from zhike.people.permissions import check
from zhike.people.session import HANDLE, hashed
from zhike.trail.models import note


@dataclass(frozen=True)
class Browser:
    """One session. ``handle`` names it, ``agent`` is what it said it is, ``here`` whether the reader sits before it."""

    handle: str
    agent: str
    begun_at: datetime
    seen_at: datetime
    here: bool


def of(actor: Actor, staff_id: int, now: datetime, bank: Bank, *, key: str | None = None) -> list[Browser]:
    """Where ``staff_id`` is signed in, the latest first; ``key`` is the session that asks. Idle ones have ended already."""
    if staff_id != actor.id:
        check(actor, "staff.revoke")
    with connection.cursor() as cursor:
        cursor.execute("SELECT handle, agent, begun_at, seen_at FROM people_sessions(%s)", [staff_id])
        rows = cursor.fetchall()
    seen_since = now - timedelta(minutes=bank.idle_minutes)
    begun_since = now - timedelta(hours=bank.session_hours)
    here = hashed(key)[:HANDLE] if key else None
    return [
        Browser(handle, agent, begun_at, seen_at, here=handle == here)
        for handle, agent, begun_at, seen_at in rows
        if seen_at >= seen_since and begun_at >= begun_since
    ]


def end(actor: Actor, staff_id: int, now: datetime, *, handle: str | None = None) -> int:
    """Signs ``staff_id`` out there, or everywhere; how many sessions that ended. Kept in the trail."""
    if staff_id != actor.id:
        check(actor, "staff.revoke")
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_sessions_end(%s, %s)", [staff_id, handle])
        ended = int(cursor.fetchone()[0])
    if ended:
        note(action="end_sessions", object="people_staff", row_id=staff_id, now=now, sessions=ended)
    return ended
