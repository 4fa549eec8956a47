"""Work plans of the demonstration bank: of the last days and weeks and of today; most made in time, one late, one not yet; some of
their lines move on, and a leader has said a word.

What a morning knew is read from the ledger as it stands now: what had opened by then and was not settled yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q

from zhike.conduct.bank import Bank as Rules
from zhike.conduct.facts import Fact
from zhike.contacts import completion
from zhike.contacts.completion import How
from zhike.demo.bank import Bank, Seat
from zhike.obligations import appointments, ledger
from zhike.obligations.appointments import Appointment
from zhike.obligations.models import Obligation
from zhike.people.actor import acting
from zhike.people.leave import away
from zhike.people.workdays import workdays
from zhike.work import plans, plans_due
from zhike.work.models import Plan, PlanLine
from zhike.work.models.plan import Period
from zhike.work.plan_lines import ends
from zhike.work.plans import Own
from zhike.work.proposals import LEFT_OUT

DAYS = 4  # working days before today
LINES, DONE = 5, 3
NOT_YET, LATE, HERS = "1004", "1203", "1001"
OWN = (
    "整理客户档案", "更新到期客户名单", "准备晨会案例", "走访商户两家", "核对名片上的联系方式", "清点宣传折页", "复核上月代发名单",
)  # fmt: skip
SAID = ((HERS, "先约钻石客户，其余下午再打"), ("1002", "到期客户昨天也没打，今天务必联系"))


def make(bank: Bank, now: datetime, rules: Rules) -> None:
    """Day by day, the oldest first, so that what was not done is on the next one and counted."""
    today = now.astimezone(rules.zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS * 2, -1, -1)]
    days = [*[day for day in days[:-1] if workdays().may_work(day)][-DAYS:], today]
    carried: dict[str, dict[str, int]] = {seat.number: {} for seat in bank.keepers}
    for day in days:
        midnight = datetime.combine(day, time(2), rules.zone)
        if workdays().may_work(day):
            plans_due.owe(day, midnight, rules)
        gone = away([staff.pk for staff in bank.staff.values()], day)
        for place, seat in enumerate(bank.keepers):
            at = datetime.combine(day, time(9, 12) if seat.number == LATE else time(8, 36 + place % 20), rules.zone)
            if at > now or bank.staff[seat.number].pk in gone or (day == today and seat.number == NOT_YET):
                continue
            carried[seat.number] = _day(bank, seat, day, at, place, carried[seat.number], rules)
            _week(bank, seat, day, at, rules)
        _own_is_done(bank, day, now, rules)
    _say(bank, today, now, rules)


def _day(
    bank: Bank, seat: Seat, day: date, at: datetime, place: int, carried: dict[str, int], rules: Rules
) -> dict[str, int]:
    """A day's plan; returns how often each of its lines has moved on once the day is over."""
    staff = bank.staff[seat.number]
    ends_at = _ends(day, rules)
    with acting(staff.pk, at) as actor:
        met = appointments.between(actor, [staff.pk], ends_at - timedelta(days=1), ends_at, held=True)
    plan = _plan(staff.pk, Period.DAY, day, at, _known(staff.pk, at, ends_at, list(carried)), carried, met)
    with acting(staff.pk, at) as actor:
        verb: dict[str, Any] = {"actor": actor, "now": at, "bank": rules}
        ledger.tell([Fact("plan_fixed", at, at, staff.pk, None, plan.subject)], **verb)
        for n in (0, 3):
            plans.add(plan, Own(OWN[(place + day.toordinal() + n) % len(OWN)]), **verb)
        PlanLine.objects.filter(plan=plan).update(added_at=None)
    ended = ends(plan, rules)
    return {
        line.about: line.carried + 1
        for line in plan.lines.select_related("obligation")
        if line.obligation and (line.obligation.settled_at is None or line.obligation.settled_at >= ended)
    }


def _week(bank: Bank, seat: Seat, day: date, at: datetime, rules: Rules) -> None:
    first, staff = Period.WEEK.first(day), bank.staff[seat.number]
    if Plan.objects.filter(staff=staff, period=Period.WEEK, first_day=first).exists():
        return
    plan = _plan(staff.pk, Period.WEEK, first, at, _known(staff.pk, at, _ends(Period.WEEK.last(day), rules), []), {})
    with acting(staff.pk, at) as actor:
        fact = Fact("plan_fixed", at, at, staff.pk, None, plan.subject)
        ledger.tell([fact], actor=actor, now=at, bank=rules)


def _known(staff: int, at: datetime, until: datetime, first: list[str]) -> list[Obligation]:
    """What somebody owed at a moment: what had moved on first, then by deadline."""
    rows = Obligation.objects.filter(owner=staff, opens__lt=at, due__lte=until).exclude(kind__in=LEFT_OUT)
    rows = rows.filter(Q(settled_at=None) | Q(settled_at__gte=at), state__in=["open", "done"])
    moved = sorted(rows.filter(key__in=first), key=lambda row: first.index(row.key))
    others = rows.exclude(key__in=first)
    done = list(others.filter(state="done", settled_at__lt=until).order_by("settled_at")[:DONE])
    still = [row for row in others.order_by("-due")[: LINES * 2] if row not in done][
        : max(1, LINES - len(moved) - len(done))
    ]
    return [*moved, *sorted([*done, *still], key=lambda row: row.due or until)]


def _plan(
    staff: int, period: Period, day: date, at: datetime, rows: list[Obligation], carried: dict[str, int],
    met: Sequence[Appointment] = (),
) -> Plan:  # fmt: skip
    """In the order of ``rows``, and the appointments after them."""
    plan = Plan.objects.create(staff_id=staff, period=period, first_day=day, fixed_at=at)
    lines = [PlanLine(about=row.key, obligation=row, carried=carried.get(row.key, 0)) for row in rows]
    lines += [PlanLine(about=each.about, customer=each.customer) for each in met]
    for place, line in enumerate(lines):
        line.plan, line.place = plan, place
    PlanLine.objects.bulk_create(lines)
    return plan


def _own_is_done(bank: Bank, day: date, now: datetime, rules: Rules) -> None:
    """Two of three of their own lines are done before noon; all of 林晓's, whose Today tells another story."""
    at = datetime.combine(day, time(11, 20), rules.zone)
    rows = Obligation.objects.filter(kind="planned", state="open", customer=None, opens__lt=at).order_by("pk")
    for n, row in enumerate(rows.select_related("owner") if at < now else ()):
        if n % 3 or row.owner_id == bank.staff[HERS].pk:
            with acting(row.owner_id, at) as actor:
                completion.complete(row, How(at=at), actor=actor, now=at, bank=rules)


def _say(bank: Bank, today: date, now: datetime, rules: Rules) -> None:
    """A leader's word on the last plan of each; 林晓 has read hers."""
    for number, words in SAID:
        plan = Plan.objects.filter(staff=bank.staff[number], period=Period.DAY).order_by("-first_day").first()
        leader = bank.leader_of(bank.seats[number])
        if plan is None or leader is None or (at := plan.fixed_at + timedelta(minutes=35)) > now:
            continue
        with acting(leader.pk, at) as actor:
            plans.comment(Plan.objects.get(pk=plan.pk), words, actor=actor, now=at, bank=rules)
        if number == HERS:
            with acting(plan.staff_id, at) as actor:
                plans.read(plan, actor=actor, now=at, bank=rules)


def _ends(day: date, rules: Rules) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), rules.zone)
