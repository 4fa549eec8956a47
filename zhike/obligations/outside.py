"""Who is out with the leader's knowledge (W7): read off what is owed because an outing was reported, its sign-in on return."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from zhike.conduct.bank import Bank
from zhike.obligations.models import Obligation


def foreseen(staff: int, at: datetime) -> bool:
    """Whether an outing that somebody has reported, and not come back from, holds a moment that may lie ahead. One query."""
    rows = Obligation.objects.filter(kind="sign_in", owner=staff, state="open", opens__lte=at, due__gte=at)
    return rows.exists()


def reported(staff: int, at: datetime, bank: Bank) -> bool:
    """Whether somebody was on an outing at a moment that they had reported before: left by then, and not yet signed back in.

    Who forgot to sign in counts as out to the end of the day on which they were expected. One query.
    """
    midnight = at.astimezone(bank.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    out = Obligation.objects.filter(
        kind="sign_in", owner=staff, state__in=["open", "done"], opens__lte=at, fact__at__lte=at
    )
    stands = Q(settled_at=None, due__gte=midnight) | Q(settled_at__gte=at)
    return out.filter(stands).exists()
