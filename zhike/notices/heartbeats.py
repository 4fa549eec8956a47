"""Whether anybody works on reminders: the couriers' heartbeats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection

from .models import Heartbeat

# So long without a heartbeat, and every page of every user says so.
SILENCE = timedelta(minutes=1)
NEVER = datetime.min.replace(tzinfo=UTC)


def silent_since(now: datetime) -> datetime | None:
    """Since when no courier has been alive, where that is longer than :data:`SILENCE`; :data:`NEVER` where none ever was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(seen_at) IS NULL, max(seen_at) FILTER (WHERE (SELECT max(seen_at) FROM notices_heartbeat) < %s)"
            " FROM notices_heartbeat",
            [now - SILENCE],
        )
        none_ever, since = cursor.fetchone()
    return NEVER if none_ever else since


def living(now: datetime) -> list[Heartbeat]:
    """The workers of the last hour, whoever was seen last first; one that stands still is among them."""
    return list(Heartbeat.objects.filter(seen_at__gt=now - timedelta(hours=1)).order_by("-seen_at")[:50])
