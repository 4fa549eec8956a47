"""How the lines of plans stand (W1): read from what each is about, and as of the end of the plan's period once that is over.

    standing = stand([plan, …], actor=actor, now=now, bank=bank)[plan.pk]
    reckoned(standing)  → Reckoned(planned=7, done=5, …)

Five queries, however many plans and lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Literal

from zhike.conduct.bank import Bank
from zhike.customers.models import Customer
from zhike.obligations import appointments
from zhike.obligations.appointments import Appointment
from zhike.obligations.models import Obligation, State
from zhike.people.actor import Actor

from .models.plan import Plan, PlanLine

Stands = Literal["open", "done", "moved_on", "missed", "off"]
# Why nothing is to be done any more about a line that was not done.
# ``before``: done before the period began, on whose plan it had been put ahead of time.
Off = Literal["", "waived", "withdrawn", "cannot", "called_off", "rescheduled", "before", "gone"]


@dataclass(frozen=True)
class Standing:
    """One line and how it stands. ``moved_on``: the period is over and it was still to be done; it may have been done ``since``.

    ``at``: the moment that is meant (an appointment's, a promised minute, a deadline), ``ended``: when it was done or fell away; ``late``:
    after its own time, or past it; ``still_to_do``: it is to be done now, so that it goes on the next plan.
    """

    line: PlanLine
    obligation: Obligation | None
    appointment: Appointment | None
    stands: Stands
    off: Off = ""
    at: datetime | None = None
    ended: datetime | None = None
    late: bool = False
    still_to_do: bool = False

    @property
    def customer(self) -> Customer | None:
        if self.appointment:
            return self.appointment.customer
        return self.obligation.customer if self.obligation else self.line.customer

    @property
    def done_since(self) -> bool:
        """Whether it was done after all, once the period was over."""
        return self.stands == "moved_on" and self.ended is not None and not self.still_to_do


@dataclass(frozen=True)
class Reckoned:
    """A plan against what was done: how many of its lines are done, still open, have moved on, were missed, fell away.

    ``carried``: how many had moved on from an earlier plan.
    """

    planned: int = 0
    done: int = 0
    open: int = 0
    moved_on: int = 0
    missed: int = 0
    off: int = 0
    carried: int = 0

    @property
    def counts(self) -> int:
        """Of how many it is asked whether they are done: what fell away is no matter of diligence."""
        return self.planned - self.off


def reckoned(lines: Iterable[Standing]) -> Reckoned:
    """Counts lines by how they stand."""
    some = list(lines)
    each = {name: sum(line.stands == name for line in some) for name in ("done", "open", "moved_on", "missed", "off")}
    return Reckoned(len(some), **each, carried=sum(line.line.carried > 0 for line in some))


def ends(plan: Plan, bank: Bank) -> datetime:
    """The midnight with which a plan's period is over."""
    return datetime.combine(plan.last_day + timedelta(days=1), time(0), bank.zone)


def stand(plans: Sequence[Plan], *, actor: Actor, now: datetime, bank: Bank) -> dict[int, list[Standing]]:
    """The lines of each plan in their order."""
    lines = list(
        PlanLine.objects.filter(plan__in=plans).select_related("customer", "plan").order_by("plan", "place", "pk")
    )
    owed, met = _owed(lines, actor), appointments.named(actor, [line.about for line in lines if line.is_appointment])
    times = {plan.pk: (datetime.combine(plan.first_day, time(0), bank.zone), ends(plan, bank)) for plan in plans}
    found: dict[int, list[Standing]] = {plan.pk: [] for plan in plans}
    for line in lines:
        reads = _met if line.is_appointment else _done
        found[line.plan_id].append(
            _ahead(reads(line, (owed, met), times[line.plan_id][1], now, bank), times[line.plan_id][0])
        )
    return found


Known = tuple[dict[str, Obligation], dict[str, Appointment]]


def _owed(lines: Sequence[PlanLine], actor: Actor) -> dict[str, Obligation]:
    """What each line is about, by its key. What was corrected was withdrawn and is owed anew under the same key."""
    rows = Obligation.objects.visible_to(actor).select_related("customer")
    ids = [line.obligation_id for line in lines if line.obligation_id]
    found = {row.key: row for row in rows.filter(pk__in=ids)} if ids else {}
    anew = [
        line.about
        for line in lines
        if not line.is_appointment and (line.about not in found or found[line.about].state == State.WITHDRAWN)
    ]
    if anew:
        found.update({row.key: row for row in rows.filter(key__in=anew).exclude(state=State.WITHDRAWN)})
    return found


def _done(line: PlanLine, known: Known, until: datetime, now: datetime, bank: Bank) -> Standing:
    """By the ledger."""
    row = known[0].get(line.about)
    if row is None:
        today = now.astimezone(bank.zone).date()
        ahead = line.falls_on is not None and line.customer is not None and line.falls_on >= today and now < until
        return Standing(line, None, None, "open") if ahead else Standing(line, None, None, "off", "gone")
    at, ended = row.target or row.due, row.settled_at
    if row.owner_id != line.plan.staff_id:  # handed on, or gone along with its customer, whatever became of it there
        return Standing(line, row, None, "off", "gone", at=at)
    match row.state:
        case State.OPEN:
            late = row.is_late(now)
            return Standing(line, row, None, "open" if now < until else "moved_on", at=at, late=late, still_to_do=True)
        case State.DONE:
            late = row.due is not None and ended is not None and row.is_late(ended)
            return Standing(
                line, row, None, "done" if _before(ended, until) else "moved_on", at=at, ended=ended, late=late
            )
        case State.MISSED if ended is not None and ended <= until:
            return Standing(line, row, None, "missed", at=at, ended=ended, late=True)
        case State.CANNOT:
            return Standing(line, row, None, "off", "cannot", at=at)
        case State.WAIVED | State.WITHDRAWN if _before(ended, until):
            off: Off = "waived" if row.state == State.WAIVED else "withdrawn"
            if row.evidence.get("why") == "called_off":
                off = "called_off"
            return Standing(line, row, None, "off", off, at=at, ended=ended)
    return Standing(line, row, None, "moved_on", at=at)


def _met(line: PlanLine, known: Known, until: datetime, now: datetime, bank: Bank) -> Standing:
    """By the contact itself: held, called off, put to another day."""
    row = known[1].get(line.about)
    if row is None:
        return Standing(line, None, None, "off", "gone")
    if row.stands == "held" and _before(row.ended, until):
        return Standing(line, None, row, "done", at=row.at, ended=row.ended)
    if row.stands == "off" and (row.ended is None or row.ended < until):
        return Standing(line, None, row, "off", "called_off", row.at, row.ended)
    if row.at is not None and row.at >= until:
        return Standing(line, None, row, "off", "rescheduled", row.at)
    if row.stands != "ahead":
        return Standing(line, None, row, "moved_on", at=row.at, ended=row.ended if row.stands == "held" else None)
    late = row.at is not None and row.at < now
    return Standing(line, None, row, "open" if now < until else "moved_on", at=row.at, late=late, still_to_do=True)


def _ahead(row: Standing, begins: datetime) -> Standing:
    """What was done before the period began is another plan's, or none's."""
    if row.stands != "done" or not _before(row.ended, begins):
        return row
    return replace(row, stands="off", off="before")


def _before(ended: datetime | None, until: datetime) -> bool:
    return ended is not None and ended < until
