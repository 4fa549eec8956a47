"""How the gateways stand, in figures: connected or not since when, what waits in each lane and how long, what is unknown, what was set aside.

For the administrators' page, `zhike doctor` and /metrics alike; names of gateways and counts, nobody's message.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from .journal import DEAD
from .models import Lane

# So long after its time the oldest of what is due may still be waiting before somebody looks.
PATIENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Stand:
    """One gateway: whether somebody is signed in to it, and since when that is so; ``since`` None: nobody ever was. ``why``: how it ended."""

    name: str
    connected: bool
    since: datetime | None
    why: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in a lane: due now, due later; since when the oldest of the first is due."""

    lane: int
    due: int = 0
    later: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it. ``unknown``: of the last 30 days, by ourselves alone."""

    gateways: tuple[Stand, ...]
    queues: tuple[Queue, ...]
    unknown: int
    aside: int

    def stuck(self, now: datetime) -> bool:
        """Whether something is due for longer than it takes."""
        return any(queue.oldest is not None and now - queue.oldest > PATIENT for queue in self.queues)


def figures(now: datetime, names: Iterable[str] = ()) -> Figures:
    """As they stand. ``names``: the gateways that are set up, also those to which nobody has ever been signed in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sms_figures(%s)", [now])
        (told,) = cursor.fetchone()
    found = json.loads(told) if isinstance(told, str) else told
    stands = {row["name"]: _stand(row, now) for row in found["gateways"]}
    for name in names:
        stands.setdefault(name, Stand(name, connected=False, since=None, why={}))
    queues = {
        row["lane"]: Queue(row["lane"], row["due"], row["later"], _moment(row["oldest"])) for row in found["lanes"]
    }
    return Figures(
        tuple(stands[name] for name in sorted(stands)), tuple(queues.get(lane, Queue(lane)) for lane in Lane.values),
        found["unknown"], found["aside"],
    )  # fmt: skip


def _stand(row: Mapping[str, Any], now: datetime) -> Stand:
    opened, seen, closed = (_moment(row[name]) for name in ("opened", "seen", "closed"))
    assert seen is not None
    connected = closed is None and now - seen <= DEAD
    return Stand(row["name"], connected, opened if connected else closed or seen, row["why"] or {})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
