"""What a plan proposes of itself (W1): what has moved on, what is late or due in its period, appointments, birthdays, maturities; and what
may be taken up beside: what falls due soon after, needs that are open, what matures soon.

Nothing is kept here: the ledger, the appointments and the customers' own dates say it. A fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

from django.utils.translation import override

from zhike.conduct import owe
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import FIRST_YEAR, LAST_YEAR, celebrated
from zhike.conduct.words import Words
from zhike.customers.models import Customer, Holding, Need
from zhike.obligations import appointments
from zhike.obligations.appointments import Appointment
from zhike.obligations.models import Obligation, State
from zhike.obligations.sweep import birthday_subject
from zhike.people.actor import Actor

from .models.plan import Period, Plan
from .plan_lines import ends, stand

# ``before``: due before a period that still lies ahead; ``soon``: due after its end.
Because = Literal["moved_on", "late", "due", "appointment", "birthday", "maturity", "before", "soon", "need"]
# How far beyond its period a plan offers to look ahead.
AHEAD = {Period.DAY: timedelta(days=7), Period.WEEK: timedelta(days=7), Period.MONTH: timedelta(days=14)}
MATURES_SOON = timedelta(days=14)
MOST, OFFERED, NEEDS = 500, 60, 20
# Of what is late so much is proposed, what became late last first to be kept: a day with two hundred lines is no plan.
LATE = 20
# Plans of a kind that may have been made one before the other was over: two months of days.
BACK = 62
# What is not planned: the plan itself, and what was said of one.
LEFT_OUT = ("work_plan", "plan_comment")
OFFERED_ONLY = ("before", "soon")
# Years whose birthdays the calendars know, with those around them.
LUNAR = range(FIRST_YEAR + 2, LAST_YEAR - 1)
AT_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Proposed:
    """One thing that may stand on a plan, and why it is proposed. ``words``: of what is owed only once it is planned."""

    about: str
    because: Because
    at: datetime | None = None
    obligation: Obligation | None = None
    appointment: Appointment | None = None
    customer: Customer | None = None
    falls_on: date | None = None
    carried: int = 0
    words: Words | None = None


@dataclass(frozen=True)
class Proposal:
    """``lines``: what the plan is, if nothing is changed, in its order; ``offered``: what may be taken up beside."""

    period: Period
    first_day: date
    last_day: date
    lines: list[Proposed]
    offered: list[Proposed]


def propose(period: Period, day: date, *, actor: Actor, now: datetime, bank: Bank) -> Proposal:
    """The actor's plan of the period in which ``day`` lies, as it proposes itself."""
    first, last = period.first(day), period.last(day)
    begins, until = _midnight(first, bank), _midnight(last + timedelta(days=1), bank)
    moved = _moved_on(period, first, until, actor, now, bank)
    met = [
        Proposed(row.about, "appointment", row.at, appointment=row, customer=row.customer)
        for row in appointments.between(actor, [actor.id], begins, until)
    ]
    owed = list(_owed(actor, begins, until, until + AHEAD[period], now))
    visits = {each.about for each in (*moved, *met)}
    too_late = {each.about for each in [each for each in owed if each.because == "late"][:-LATE]}
    lines: dict[str, Proposed] = {}
    for each in (*moved, *_by_time([*owed, *met]), *_birthdays(first, last, actor, now, bank)):
        at_the_door = each.obligation is not None and each.obligation.kind == "arrival"
        if each.because in OFFERED_ONLY or (each.because == "late" and each.about in too_late):
            continue
        if not (at_the_door and each.obligation and each.obligation.subject in visits):
            lines.setdefault(each.about, each)
    maturing = list(_maturing(first, max(last, first + MATURES_SOON), actor, bank))
    lines.update(
        {each.about: each for each in maturing if each.falls_on and each.falls_on <= last and each.about not in lines}
    )
    soon = [each for each in owed if each.because in OFFERED_ONLY or each.about in too_late]
    beside = {each.about: each for each in (*soon, *maturing, *_needs(period, first, actor)) if each.about not in lines}
    return Proposal(period, first, last, list(lines.values()), list(beside.values())[:OFFERED])


def _by_time(some: Iterable[Proposed]) -> list[Proposed]:
    """What is late first, by its deadline; then by the hour."""
    return sorted(some, key=lambda each: (each.because != "late", each.at or AT_LAST))


def _moved_on(period: Period, first: date, until: datetime, actor: Actor, now: datetime, bank: Bank) -> list[Proposed]:
    """What of the last plan of the kind is still to be done, most often moved first; and of those before it that ran still when the one after
    them was fixed: what they left could not stand on it.
    """
    plans = Plan.objects.filter(staff=actor.id, period=period, first_day__lt=first).order_by("-first_day")[:BACK]
    before: list[Plan] = []
    for plan in plans:
        if before and before[-1].fixed_at >= ends(plan, bank):
            break
        before.append(plan)
    stands = stand(before, actor=actor, now=now, bank=bank)
    last = {row.line.about: row for plan in reversed(before) for row in stands[plan.pk]}
    rows = [row for row in last.values() if row.still_to_do]
    found = [
        Proposed(row.line.about, "moved_on", row.at, row.obligation, row.appointment, row.customer, carried=row.line.carried + 1)
        for row in rows
        if row.obligation is None or row.obligation.owner_id == actor.id
    ]  # fmt: skip
    return sorted(found, key=lambda each: -each.carried)


def _owed(actor: Actor, begins: datetime, until: datetime, horizon: datetime, now: datetime) -> Iterator[Proposed]:
    """What the actor owes up to a horizon, by its deadline: late, due until the period ends, or soon after. One query."""
    rows = (
        Obligation.objects.filter(owner=actor.id, state=State.OPEN, due__lte=horizon)
        .exclude(kind__in=LEFT_OUT)
        .select_related("customer")
        .order_by("due", "pk")[:MOST]
    )
    for row in rows:
        assert row.due
        late = row.is_late(now)
        because: Because = "late" if late else "before" if row.due <= begins else "due" if row.due <= until else "soon"
        yield Proposed(row.key, because, row.target or row.due, row, customer=row.customer)


def _birthdays(first: date, last: date, actor: Actor, now: datetime, bank: Bank) -> list[Proposed]:
    """Whose birthday lies ahead in the period; today's are owed already. One query."""
    today = now.astimezone(bank.zone).date()
    period = (first + timedelta(days=n) for n in range((last - first).days + 1))
    days = [each for each in period if each > today and each.year in LUNAR]
    if not bank.birthday_greeting or not days:
        return []
    born: dict[tuple[str, int | None, int | None, bool | None], date] = {
        (each.calendar, each.month, each.day, each.leap): day
        for day in days
        for each in celebrated(day, day, bank.birthday_policy)
    }
    book = Customer.objects.visible_to(actor).filter(rm=actor.id, birth_month__isnull=False)
    book = book.filter(deceased_on=None, closed_on=None, do_not_disturb=False, complaint_open=False)
    found = []
    for customer in book:
        key = (customer.birth_calendar, customer.birth_month, customer.birth_day, customer.birth_leap)
        if day := born.get(key):
            about = owe.key("R5", "birthday", birthday_subject(customer.pk, day))
            found.append(Proposed(about, "birthday", _midnight(day, bank), customer=customer, falls_on=day))
    return sorted(found, key=lambda each: (each.at, each.about))


def _maturing(first: date, last: date, actor: Actor, bank: Bank) -> list[Proposed]:
    """What of the actor's own book matures between two days, and is not planned yet. Two queries."""
    rows = (
        Holding.objects.filter(
            customer__rm=actor.id, customer__deceased_on=None, customer__closed_on=None, ended_on=None
        )
        .filter(matures_on__gte=first, matures_on__lte=last)
        .select_related("customer")
        .order_by("matures_on", "pk")[:OFFERED]
    )
    found = [
        Proposed(
            owe.key("W1", "planned", f"holding:{row.pk}/{row.matures_on}"), "maturity", _midnight(row.matures_on, bank),
            customer=row.customer, falls_on=row.matures_on, words=_matures(row),
        )
        for row in rows
        if row.matures_on
    ]  # fmt: skip
    known = set(
        Obligation.objects.filter(key__in=[each.about for each in found])
        .exclude(state=State.WITHDRAWN)
        .values_list("key", flat=True)
    )
    return [each for each in found if each.about not in known]


def _matures(row: Holding) -> Words:
    day = row.matures_on
    assert day
    ten_thousands = (row.amount / 10_000).quantize(Decimal("0.01")).normalize()
    zh = f"{ten_thousands:f} 万" if row.currency == "CNY" else f"{row.amount:,.0f} {row.currency}"
    return Words(
        f"到期承接：{row.product} {zh}，{day.month}月{day.day}日",
        f"{row.product}, {row.currency} {row.amount:,.0f}, matures on {day.day} {day:%b}",
    )


def _needs(period: Period, first: date, actor: Actor) -> list[Proposed]:
    """Needs that are open, the oldest first, and for which nothing is planned. Two queries."""
    rows = list(
        Need.objects.open()
        .filter(customer__rm=actor.id, customer__deceased_on=None, customer__closed_on=None)
        .select_related("customer")
        .order_by("opened_at", "pk")[: NEEDS * 2]
    )
    subjects = Obligation.objects.filter(owner=actor.id, kind="planned", state=State.OPEN, subject__startswith="need:")
    planned = {subject.partition("/")[0] for subject in subjects.values_list("subject", flat=True)}
    return [
        Proposed(
            owe.key("W1", "planned", f"need:{row.pk}/{period.value}:{first.isoformat()}"), "need", None,
            customer=row.customer, words=_wants(row),
        )
        for row in rows
        if f"need:{row.pk}" not in planned
    ][:NEEDS]  # fmt: skip


def _wants(row: Need) -> Words:
    if row.words:
        return Words(f"跟进需求：{row.words}", f"follow up the need: {row.words}")
    said = []
    for language in ("zh-hans", "en"):
        with override(language):
            said.append(str(row.get_kind_display()))
    return Words(f"跟进需求：{said[0]}", f"follow up the need: {said[1]}")


def _midnight(day: date, bank: Bank) -> datetime:
    return datetime.combine(day, time(0), bank.zone)
