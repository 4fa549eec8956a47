"""A round of calls (集中外呼): many customers planned for one day at once, one contact plan each.

Each goes through :func:`zhike.contacts.course.plan` after the guards of a call at that time; whom they refuse stays out, with
the reason, and keeps nobody else out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zhike.conduct.bank import Bank
from zhike.conduct.guard import EARLY, PURPOSES
from zhike.conduct.words import Words
from zhike.customers.models import Customer
from zhike.people.actor import Actor

from . import course
from .course import DoesNotFit
from .history import history
from .models.contact import Contact, Kind, State

MOST = 50
# One after the other: so many minutes for the call and what is noted of it.
APART = timedelta(minutes=10)
# A call that stands within so long leaves the customer out: two in a fortnight are one too many. One that stands later does not.
SOON = timedelta(days=14)


@dataclass(frozen=True)
class Kept:
    """A customer who is not in the round, and why; ``clause`` where one says so, ``contact``: the call that stands already."""

    customer: Customer
    words: Words
    clause: str = ""
    contact: int | None = None


@dataclass(frozen=True)
class Round:
    """What was planned, in order of time, and who was not."""

    planned: Sequence[Contact]
    kept: Sequence[Kept]


def plan_round(
    customers: Sequence[Customer],
    *,
    begins: datetime,
    purpose: str,
    purpose_words: str = "",
    actor: Actor,
    now: datetime,
    bank: Bank,
) -> Round:
    """Plans a call with each customer, ``APART`` from one another, the first at ``begins``, around what stands on that day.

    The first call with a customer introduces, whatever the purpose (C9). Raises DoesNotFit for a time that has passed or at
    which nobody is called of one's own accord, for a purpose that there is none of, and for more than ``MOST`` customers;
    nothing is planned then.
    """
    course.lies_ahead("begins", begins, now)
    if not bank.sales_call_from <= begins.astimezone(bank.zone).time() < bank.sales_call_to:
        hours = f"{bank.sales_call_from:%H:%M}–{bank.sales_call_to:%H:%M}"
        raise DoesNotFit("begins", f"集中外呼安排在 {hours} 之间。", f"A round of calls lies between {hours}.")
    if purpose not in PURPOSES:
        raise DoesNotFit("purpose", "请先选定通话目的。", "Choose the purpose of the calls.")
    if not 0 < len(customers) <= MOST:
        raise DoesNotFit(
            "customers", f"一次安排 1 至 {MOST} 位客户。", f"A round has 1 to {MOST} customers: choose fewer, or some."
        )
    # Of two clicks at once the second waits here, and finds what the first has planned.
    mine = [customer.pk for customer in customers if customer.changeable_by(actor)]
    list(Customer.objects.filter(pk__in=mine).order_by("pk").select_for_update().values_list("pk"))
    out = {each.customer.pk: each for each in left_out(customers, actor=actor, now=now, bank=bank, begins=begins)}
    taken = engaged({customer.rm_id or actor.id for customer in customers}, begins, bank)
    planned: list[Contact] = []
    kept: list[Kept] = []
    free = begins
    for customer in customers:
        at = free = _free(free, taken)
        first = history(customer.pk, customer.rm_id or actor.id, bank).first("call", at)
        about = "introduction" if first else purpose
        why = out.get(customer.pk) or _stopped_by_a_guard(customer, at, begins, about, actor, bank)
        if why is not None:
            kept.append(why)
            continue
        words = purpose_words if about == purpose else ""
        planned.append(
            course.plan(customer, Kind.CALL, actor=actor, now=now, planned_for=at, purpose=about, purpose_words=words)
        )
        free = at + APART
    return Round(planned, kept)


def engaged(rms: set[int], begins: datetime, bank: Bank) -> list[tuple[datetime, datetime]]:
    """From when till when they have something planned or agreed already on the day of ``begins``; one query."""
    local = begins.astimezone(bank.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    standing = Contact.objects.filter(
        rm__in=rms, state__in=[State.PLANNED, State.AGREED], planned_for__gte=midnight,
        planned_for__lt=midnight + timedelta(days=1),
    )  # fmt: skip
    return [
        (at, at + lasts(kind, minutes, bank))
        for kind, at, minutes in standing.order_by("planned_for").values_list("kind", "planned_for", "planned_minutes")
        if at is not None
    ]


def lasts(kind: str, minutes: int | None, bank: Bank) -> timedelta:
    """How long a contact keeps its RM, as far as one knows beforehand."""
    return APART if kind == Kind.CALL else timedelta(minutes=minutes or bank.visit_length)


def _free(at: datetime, taken: Sequence[tuple[datetime, datetime]]) -> datetime:
    """The first moment from ``at`` on at which there is room for a call."""
    for begins, ends in taken:
        if begins < at + APART and at < ends:
            at = ends
    return at


def left_out(
    customers: Sequence[Customer], *, actor: Actor, now: datetime, bank: Bank, begins: datetime | None = None
) -> list[Kept]:
    """Who has no place in a round of calls, whatever it is about; ``begins``: when it is, about now unless said. One query."""
    standing = _standing(customers, now, max(now, begins or now) + SOON)
    found = (_why_not(customer, standing.get(customer.pk), actor, bank) for customer in customers)
    return [each for each in found if each is not None]


def _standing(customers: Sequence[Customer], now: datetime, until: datetime) -> dict[int, tuple[int, datetime]]:
    """The next call that is planned already and when it is, by customer; one planned for later than ``until`` is none."""
    ahead = Contact.objects.filter(
        customer__in=customers, kind=Kind.CALL, state__in=[State.PLANNED, State.AGREED], planned_for__gte=now,
        planned_for__lt=until,
    )  # fmt: skip
    rows = ahead.order_by("-planned_for").values_list("customer_id", "id", "planned_for")
    return {customer: (id, at) for customer, id, at in rows if at is not None}


STOPPED = (
    ("deceased_on", Words("客户已经去世，一切联系都已停止。", "The customer has died: all contact has stopped.")),
    ("closed_on", Words("客户已销户，不集中外呼。", "The customer's account is closed: no round of calls.")),
    ("do_not_disturb", Words("客户要求免打扰，不集中外呼。", "The customer asked not to be disturbed: no round of calls.")),
    ("complaint_open", Words("有投诉未结，不集中外呼。", "A complaint is open: no round of calls.")),
)  # fmt: skip


def _why_not(customer: Customer, standing: tuple[int, datetime] | None, actor: Actor, bank: Bank) -> Kept | None:
    """Whose it is, a stop, no number, a call that is planned already."""
    if not customer.changeable_by(actor):
        return Kept(customer, Words("由别人管户，不能替他安排。", "Somebody else looks after this customer."))
    for column, words in STOPPED:
        if getattr(customer, column):
            return Kept(customer, words)
    if not customer.knows("mobile") and not customer.knows("phone2"):
        return Kept(
            customer, Words("没有电话号码，先补上再打。", "No telephone number is known: find it out first."), "R4"
        )
    if standing is not None:
        contact, when = standing[0], standing[1].astimezone(bank.zone)
        zh = f"已安排在{when.month}月{when.day}日 {when:%H:%M} 通话。"
        return Kept(customer, Words(zh, f"A call is planned already: {when:%Y-%m-%d %H:%M}."), contact=contact)
    return None


def _stopped_by_a_guard(
    customer: Customer, at: datetime, begins: datetime, purpose: str, actor: Actor, bank: Bank
) -> Kept | None:
    """What the guards of a call say of this one at its time (C1, C9, S5); and whether the day still has room."""
    local = at.astimezone(bank.zone)
    if local.date() != begins.astimezone(bank.zone).date() or local.time() >= bank.sales_call_to:
        return Kept(customer, Words("当天排不下了，请另选一天。", "The day has no room left: choose another."))
    call = Contact(
        kind=Kind.CALL,
        customer=customer,
        rm_id=customer.rm_id or actor.id,
        held_by_id=actor.id,
        purpose=purpose,
        state=State.PLANNED,
    )
    for verdict in course.start_verdicts(call, at, "", bank):
        if verdict.effect == "block":
            words = verdict.kept if verdict.name == EARLY else verdict.words
            return Kept(customer, words, verdict.clause)
    return None
