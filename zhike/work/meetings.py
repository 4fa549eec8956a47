"""晨会 夕会 · What the team's morning and evening meetings are held by (W1): drawn from the plans of one day and from what is known of it.

    table = meeting(actor, day, unit=None, now=now, bank=bank)
    for seat in table.seats: seat.plan, seat.lines, seat.kept, seat.appointments, …

A fixed number of queries, however many sit at it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Q

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import celebrated
from zhike.customers.models import Customer, Holding
from zhike.obligations import appointments
from zhike.obligations.appointments import Appointment
from zhike.obligations.models import Obligation, State
from zhike.people.actor import Actor
from zhike.people.leave import away
from zhike.people.models import Post, Staff, Unit

from .models.plan import Period, Plan, PlanComment, subject
from .plan_lines import Reckoned, Standing, reckoned, stand
from .proposals import LEFT_OUT, LUNAR

MATURES_WITHIN = timedelta(days=7)
LOOKS_BACK = timedelta(days=21)


@dataclass
class Seat:
    """One RM at the table. ``before``: their last plan of a day before this one; ``beyond``: what they did that day and had not planned;
    ``late``: what is late of theirs now; ``due``: by when the plan of the day is owed, where it is owed and not made.
    """

    staff: Staff
    away: bool
    due: datetime | None = None
    plan: Plan | None = None
    lines: list[Standing] = field(default_factory=list)
    before: Plan | None = None
    before_kept: Reckoned = field(default_factory=Reckoned)
    appointments: list[Appointment] = field(default_factory=list)
    birthdays: list[Customer] = field(default_factory=list)
    maturing: list[Holding] = field(default_factory=list)
    comments: list[PlanComment] = field(default_factory=list)
    beyond: int = 0
    late: int = 0

    @property
    def kept(self) -> Reckoned:
        return reckoned(self.lines)

    @property
    def carried(self) -> list[Standing]:
        """What had moved on before, most often first, and fell not away."""
        some = [line for line in self.lines if line.line.carried and line.stands != "off"]
        return sorted(some, key=lambda line: -line.line.carried)


@dataclass(frozen=True)
class Meeting:
    """``units``: those whose RMs one oversees, with how many they are; ``unit``: whose table it is."""

    day: date
    units: list[tuple[Unit, int]]
    unit: Unit | None
    seats: list[Seat]

    @property
    def kept(self) -> Reckoned:
        return reckoned(line for seat in self.seats for line in seat.lines)


def meeting(actor: Actor, day: date, *, unit: int | None = None, now: datetime, bank: Bank) -> Meeting:
    """The table of one unit: of the one asked for, else of the first, in the order of their codes, at which others sit."""
    posts = Post.objects.filter(
        Q(to_day=None) | Q(to_day__gt=day), role="rm", from_day__lte=day, staff__is_active=True, staff__among=list(actor.oversees)
    )  # fmt: skip
    rows = list(posts.select_related("staff", "unit").order_by("unit__code", "staff__number", "pk"))
    units: dict[int, tuple[Unit, set[int]]] = {}
    for post in rows:
        units.setdefault(post.unit_id, (post.unit, set()))[1].add(post.staff_id)
    others = (id for id, (_unit, staff) in units.items() if staff != {actor.id})
    chosen = unit if unit in units else next(others, next(iter(units), None))
    people = {post.staff_id: post.staff for post in rows if post.unit_id == chosen}
    gone = away(people, day) if people else set()
    seats = {id: Seat(person, id in gone) for id, person in people.items()}
    if seats:
        _lay(seats, day, actor, now, bank)
    listed = [(each, len(staff)) for each, staff in units.values()]
    return Meeting(day, listed, units[chosen][0] if chosen else None, list(seats.values()))


def _lay(seats: dict[int, Seat], day: date, actor: Actor, now: datetime, bank: Bank) -> None:
    staff = list(seats)
    begins = datetime.combine(day, time(0), bank.zone)
    until = begins + timedelta(days=1)
    plans = Plan.objects.visible_to(actor).filter(staff__in=staff, period=Period.DAY)
    of_day = list(plans.filter(first_day=day))
    before = list(
        plans.filter(first_day__lt=day, first_day__gte=day - LOOKS_BACK)
        .order_by("staff", "-first_day")
        .distinct("staff")
    )
    lines = stand([*of_day, *before], actor=actor, now=now, bank=bank)
    for plan in of_day:
        seats[plan.staff_id].plan, seats[plan.staff_id].lines = plan, lines[plan.pk]
    for plan in before:
        seats[plan.staff_id].before, seats[plan.staff_id].before_kept = plan, reckoned(lines[plan.pk])
    for met in appointments.between(actor, staff, begins, until, held=True):
        if met.staff in seats:
            seats[met.staff].appointments.append(met)
    _dates(seats, day, actor, bank)
    subjects = {subject(Period.DAY, day, id): id for id in staff}
    asked = Obligation.objects.visible_to(actor).filter(
        kind="work_plan", state__in=["open", "missed"], subject__in=subjects
    )
    for about, due in asked.values_list("subject", "due"):
        seats[subjects[about]].due = due
    said = PlanComment.objects.filter(plan__in=of_day).select_related("by", "plan").order_by("at", "pk")
    for each in said:
        seats[each.plan.staff_id].comments.append(each)
    for owner, many in _late(staff, actor, now):
        seats[owner].late = many
    planned = [line.obligation.pk for seat in seats.values() for line in seat.lines if line.obligation]
    for owner, many in _beyond(staff, planned, begins, until, actor):
        seats[owner].beyond = many


def _dates(seats: dict[int, Seat], day: date, actor: Actor, bank: Bank) -> None:
    """Whose birthday it is, and what matures within a week."""
    book = Customer.objects.visible_to(actor).filter(rm__in=list(seats), deceased_on=None, closed_on=None)
    born = Q(pk=None)
    for each in celebrated(day, day, bank.birthday_policy) if day.year in LUNAR else ():
        born |= Q(birth_calendar=each.calendar, birth_month=each.month, birth_day=each.day, birth_leap=each.leap)
    for customer in book.filter(born).order_by("sort_key", "pk"):
        seats[customer.rm_id or 0].birthdays.append(customer)
    maturing = Holding.objects.filter(
        customer__in=book, ended_on=None, matures_on__gte=day, matures_on__lte=day + MATURES_WITHIN
    )
    found: dict[int, list[Holding]] = defaultdict(list)
    for row in maturing.select_related("customer").order_by("matures_on", "-amount", "pk"):
        found[row.customer.rm_id or 0].append(row)
    for staff, some in found.items():
        seats[staff].maturing = some


def _late(staff: Sequence[int], actor: Actor, now: datetime) -> list[tuple[int, int]]:
    rows = Obligation.objects.visible_to(actor).filter(owner__in=staff, state=State.OPEN, due__lt=now)
    return list(rows.values_list("owner").annotate(Count("pk")).order_by())


def _beyond(
    staff: Sequence[int], planned: Sequence[int], begins: datetime, until: datetime, actor: Actor
) -> list[tuple[int, int]]:
    rows = Obligation.objects.visible_to(actor).filter(
        owner__in=staff, state=State.DONE, settled_at__gte=begins, settled_at__lt=until
    )
    rows = rows.exclude(kind__in=LEFT_OUT).exclude(pk__in=planned)
    return list(rows.values_list("owner").annotate(Count("pk")).order_by())
