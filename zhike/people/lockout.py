"""Sign-in that is locked after too many failures (锁定): how long yet, and lifted early by an administrator.

Failures are counted by django-axes, by staff number; it keeps its own time.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from axes.models import AccessAttempt

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Staff
from zhike.people.permissions import check
from zhike.trail.models import note


def until(numbers: Collection[str], now: datetime, bank: Bank) -> dict[str, datetime]:
    """Which of these staff numbers are locked, and till when. ``now`` is the machine's own time."""
    lasts = timedelta(minutes=bank.lockout_minutes)
    recent = AccessAttempt.objects.filter(username__in=numbers, attempt_time__gte=now - lasts)
    locked: dict[str, datetime] = {}
    failures: dict[str, int] = {}
    # The newest first: the one with which the limit is reached keeps the lock until it is old enough.
    for number, times, at in recent.order_by("-attempt_time").values_list(
        "username", "failures_since_start", "attempt_time"
    ):
        failures[number] = failures.get(number, 0) + times
        if failures[number] >= bank.lockout_failures:
            locked.setdefault(number, at + lasts)
    return locked


def lift(actor: Actor, staff_id: int, now: datetime) -> Staff:
    """Opens a colleague's sign-in before its time; kept in the trail."""
    check(actor, "staff.unlock")
    if staff_id == actor.id:
        raise Refused(
            "不能解除自己的锁定，请由另一位管理员办理。", "Another administrator has to lift your own lock-out."
        )
    staff = Staff.objects.get(pk=staff_id)
    gone, _each = AccessAttempt.objects.filter(username=staff.number).delete()
    if not gone:
        raise Refused("登录未被锁定，无需解除。", "Sign-in is not locked.")
    note(action="unlock", object="people_staff", row_id=staff.pk, now=now)
    return staff
