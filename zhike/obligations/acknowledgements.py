"""阅知 · The code is read and acknowledged, version by version, by everyone whom it binds (W6): owed, attested, counted.

The sweep alone makes it owed: from the day on which a version comes into force, and to whoever comes later from the day of their post.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Q

from zhike.conduct import clause
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.leave import away
from zhike.people.models import Post, Staff, Unit
from zhike.people.permissions import check
from zhike.people.posts import stations

from . import ledger
from .models import Acknowledgement, Obligation, State

KIND = "acknowledge"


class NotInForce(Refused):
    """Another version of the code has come into force since the page was opened, or this one has not yet."""


def version(day: date) -> date | None:
    """The version of the code in force on a day, by the day from which it is; None before the first."""
    days = clause.load().versions(day)
    return days[-1] if days else None


def subject(of: date, staff: int) -> str:
    """What the ledger calls one person's acknowledgement of a version."""
    return f"code:{of.isoformat()}/staff:{staff}"


def last_read(actor: Actor) -> Acknowledgement | None:
    """The newest version that the actor has acknowledged."""
    return Acknowledgement.objects.filter(staff=actor.id).order_by("-version").first()


def acknowledge(of: date, *, actor: Actor, now: datetime, bank: Bank) -> Acknowledgement:
    """The actor has read the version in force and will keep it; what they owe of earlier ones is done with it. Twice is once.

    Raises NotInForce for any other version.
    """
    check(actor, "clauses.acknowledge")
    if of != version(now.astimezone(bank.zone).date()):
        raise NotInForce(
            f"{of} 的版本不是现行版本，请刷新页面，阅读现行版本后再确认。",
            f"The version of {of} is not the one in force. Reload the page and read that one first.",
        )
    row, new = Acknowledgement.objects.get_or_create(staff_id=actor.id, version=of, defaults={"at": now})
    if new:
        owed = Obligation.objects.filter(owner=actor.id, kind=KIND, state=State.OPEN).order_by("pk")
        subjects = list(owed.values_list("subject", flat=True)) or [subject(of, actor.id)]
        data = {"version": of.isoformat()}
        facts = [Fact("code_acknowledged", now, now, actor.id, None, each, data) for each in subjects]
        ledger.tell(facts, actor=actor, now=now, bank=bank)
    return row


def owe(day: date, now: datetime, bank: Bank) -> int:
    """Makes it owed by everyone whom the code binds on a day and who neither has acknowledged the version in force nor owes it already;
    who is on leave is told when back. Returns how many became owed. Runs as the worker.
    """
    of = version(day)
    if of is None:
        return 0
    staff = bound(day, bank)
    staff -= set(Acknowledgement.objects.filter(version=of, staff__in=staff).values_list("staff", flat=True))
    asked = Obligation.objects.filter(kind=KIND, owner__in=staff, subject__startswith=f"code:{of.isoformat()}/")
    staff -= set(asked.exclude(state=State.WITHDRAWN).values_list("owner", flat=True))
    staff -= away(staff, day)
    midnight, data = datetime.combine(day, time(0), bank.zone), {"version": of.isoformat()}
    cases = [
        (Fact("code_in_force", midnight, now, each, None, subject(of, each), data, "observed"), Case(None))
        for each in sorted(staff)
    ]
    return ledger.tell_many(cases, now=now, bank=bank) if cases else 0


def bound(day: date, bank: Bank) -> set[int]:
    """Who holds a post on a day to which the bank has the code read."""
    posts = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), role__in=bank.acknowledge_roles, from_day__lte=day)
    return set(posts.filter(staff__is_active=True).values_list("staff", flat=True))


@dataclass(frozen=True)
class Reader:
    """One person whom the code binds, and whether they have acknowledged a version: ``at`` when, ``due`` by when it is owed."""

    staff: Staff
    unit: Unit
    at: datetime | None
    due: datetime | None

    def state(self, now: datetime) -> str:
        """read; late: owed and its time is over; open: not yet."""
        if self.at is not None:
            return "read"
        return "late" if self.due is not None and self.due <= now else "open"


def readers(of: date, actor: Actor, *, now: datetime, bank: Bank) -> list[Reader]:
    """Everyone whom the code binds today among those one oversees, by unit and number. Five queries, however many they are."""
    day = now.astimezone(bank.zone).date()
    ids = sorted(bound(day, bank) & set(actor.oversees))
    units = stations(ids, day)
    read = dict(Acknowledgement.objects.visible_to(actor).filter(version=of).values_list("staff", "at"))
    asked = Obligation.objects.visible_to(actor).filter(
        kind=KIND, subject__startswith=f"code:{of.isoformat()}/", state=State.OPEN
    )
    due = dict(asked.values_list("owner", "due"))
    people = Staff.objects.filter(pk__in=ids)
    rows = [Reader(each, units[each.pk], read.get(each.pk), due.get(each.pk)) for each in people]
    return sorted(rows, key=lambda row: (row.unit.code, row.staff.number))
