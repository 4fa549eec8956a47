"""Work plans (计划, W1): of a day, a week or a month, fixed by whoever makes it, looked at and commented on by who leads them.

    proposal = propose(Period.DAY, day, actor=actor, now=now, bank=bank)            (zhike/work/proposals.py)
    plan = fix(Period.DAY, day, [line.about for line in proposal.lines], actor=actor, now=now, bank=bank)
    add(plan, Own("整理客户档案"), …); put_first(plan, about, …); comment(plan, "先约沈女士", …)

A plan is an ordered choice of what the ledger and the appointments hold. What it adds of its own (a line of one's own, a maturity, a need)
is told to the ledger and owed until the end of the period, so that it is on Today like everything else. What is not done moves on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.db.models import Max

from zhike.conduct import owe
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.obligations import ledger
from zhike.obligations.models import Obligation, State
from zhike.people.actor import Actor
from zhike.people.permissions import check
from zhike.people.turn import take_turn

from .models.plan import Period, Plan, PlanComment, PlanLine
from .plan_lines import ends
from .proposals import Proposal, Proposed, propose

LONGEST = 200  # letters of a line of one's own
SAID = 2000  # letters of a comment
OWN = 20  # lines of one's own with which a plan is fixed
AHEAD = timedelta(days=62)


class Unfit(Refused):
    """A plan that cannot be as it is told; ``field`` is what would mend it."""

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.field = field


class Stands(Refused):
    """The plan of this period was fixed already, here or by another click."""


@dataclass(frozen=True)
class Own:
    """A line of one's own: what, and with which customer of one's own book, if with any."""

    words: str
    customer: int | None = None


def fix(
    period: Period, day: date, chosen: Sequence[str] | None = None, own: Sequence[Own] = (), *,
    actor: Actor, now: datetime, bank: Bank,
) -> Plan:  # fmt: skip
    """The plan of the period in which ``day`` lies, in the order of ``chosen`` (None: as it proposes itself). What has moved on stays on
    it, chosen or not; what is settled meanwhile is left out. Raises Unfit, and Stands where it was fixed before.
    """
    check(actor, "plans.change")
    first = period.first(day)
    today = now.astimezone(bank.zone).date()
    if period.last(first) < today:
        raise Unfit("day", "这段时间已经过去，不能再定计划。", "That time is over: plan the present one.")
    if first > today + AHEAD:
        raise Unfit("day", "计划最多提前两个月定。", "A plan is made two months ahead at most.")
    added = [_checked(each, actor) for each in own if each.words.strip()]
    if len(added) > OWN:
        raise Unfit("own", f"一次最多自己加 {OWN} 项。", f"At most {OWN} lines of your own at a time.")
    take_turn("plans of", actor.id)
    if Plan.objects.filter(staff=actor.id, period=period, first_day=first).exists():
        raise Stands(
            "这段时间的计划已经定过，请刷新查看。", "The plan of this time is fixed already. Reload to see it."
        )
    proposal = propose(period, first, actor=actor, now=now, bank=bank)
    taken = _taken(proposal, chosen)
    if not taken and not added:
        raise Unfit("lines", "计划至少要有一项：请勾选，或自己加一项。", "A plan has at least one line: tick one, or add your own.")  # fmt: skip
    plan = Plan.objects.create(staff_id=actor.id, period=period, first_day=first, fixed_at=now)
    _enter(plan, taken, added, None, actor, now, bank)
    fact = Fact("plan_fixed", now, now, actor.id, None, plan.subject)
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    return plan


def add(plan: Plan, what: Own | str, *, actor: Actor, now: datetime, bank: Bank) -> Plan:
    """One more line, while the period lasts: one's own, or what is offered beside the plan (its ``about``). Said twice it stands once."""
    _check_own(plan, actor)
    _check_runs(plan, now, bank)
    take_turn("plans of", actor.id)
    if isinstance(what, Own):
        what = _checked(what, actor)
        if not what.words:
            raise Unfit("own", "请写明做什么。", "Say what is to be done.")
        said = Obligation.objects.filter(
            owner=actor.id, kind="planned", state=State.OPEN, customer=what.customer, detail__words=what.words,
            pk__in=plan.lines.values("obligation"),
        )  # fmt: skip
        if said.exists():
            return plan
        _enter(plan, [], [what], now, actor, now, bank)
    else:
        offered = propose(Period(plan.period), plan.first_day, actor=actor, now=now, bank=bank)
        known = {each.about: each for each in (*offered.lines, *offered.offered)}
        if what in known and not plan.lines.filter(about=what).exists():
            _enter(plan, [known[what]], [], now, actor, now, bank)
    return _moved(plan)


def put_first(plan: Plan, about: str, *, actor: Actor, now: datetime, bank: Bank) -> Plan:
    """A line goes to the top; the others keep their order."""
    _check_own(plan, actor)
    _check_runs(plan, now, bank)
    abouts = list(plan.lines.order_by("place", "pk").values_list("about", flat=True))
    if about in abouts:
        _order(plan, [about, *(each for each in abouts if each != about)])
    return _moved(plan)


def order(plan: Plan, abouts: Sequence[str], *, actor: Actor, now: datetime, bank: Bank) -> Plan:
    """These lines first, in this order; what is not named keeps its place behind them."""
    _check_own(plan, actor)
    _check_runs(plan, now, bank)
    before = list(plan.lines.order_by("place", "pk").values_list("about", flat=True))
    named = [about for about in dict.fromkeys(abouts) if about in before]
    _order(plan, [*named, *(about for about in before if about not in named)])
    return _moved(plan)


def call_off(plan: Plan, about: str, why: str, *, actor: Actor, now: datetime, bank: Bank) -> Plan:
    """A line that the plan itself brought is not wanted any more: nothing is owed, and why is kept. What others are owed is waived."""
    _check_own(plan, actor)
    if not why.strip():
        raise Unfit("why", "请写明为什么不办了。", "Say why it is called off.")
    owed = Obligation.objects.filter(key=about, kind="planned", owner=actor.id, state=State.OPEN)
    row = owed.filter(pk__in=plan.lines.values("obligation")).first()
    if row is None:
        raise Unfit("about", "只有自己加的、还没办的事项可以不办。", "Only what the plan itself added, and is not done, is called off.")  # fmt: skip
    fact = Fact("planned_off", now, now, actor.id, row.customer_id, row.subject, {"why": why.strip()})
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    return _moved(plan)


# ── what is said of it ──────────────────────────────────────────────────────────────────────────────────────────────


def may_comment(plan: Plan, actor: Actor) -> bool:
    """Who leads whoever made it, and themselves in answer."""
    return plan.staff_id == actor.id or actor.leads(plan.staff_id)


def comment(plan: Plan, words: str, *, actor: Actor, now: datetime, bank: Bank) -> PlanComment:
    """A leader's word on the plan: whoever made it is owed reading it, on Today. Their own answer says that they have read it."""
    check(actor, "plans.change" if plan.staff_id == actor.id else "plans.comment")
    if not may_comment(plan, actor):
        raise Refused("只有其主管可以批注。", "Only who leads them comments.")
    words = words.strip()
    if not words:
        raise Unfit("words", "请写一句批注。", "Write a line.")
    if len(words) > SAID:
        raise Unfit("words", f"批注最多 {SAID} 字。", f"A comment has at most {SAID} letters.")
    take_turn("comments on", plan.pk)
    last = plan.comments.order_by("-at", "-pk").first()
    if last is not None and (last.by_id, last.words) == (actor.id, words) and now - last.at < timedelta(minutes=1):
        return last  # two clicks
    said = PlanComment.objects.create(plan=plan, by_id=actor.id, at=now, words=words)
    if plan.staff_id == actor.id:
        read(plan, actor=actor, now=now, bank=bank)
    else:
        fact = Fact(
            "plan_commented", now, now, plan.staff_id, None, said.subject, {"words": words, "who": actor.name}
        )  # fmt: skip
        ledger.tell([fact], actor=actor, now=now, bank=bank)
    _moved(plan)
    return said


def unread(plan: Plan) -> list[int]:
    """The comments that whoever made the plan has not said to have read. One query."""
    subjects = Obligation.objects.filter(
        owner=plan.staff_id, kind="plan_comment", state=State.OPEN,
        subject__in=[f"plan_comment:{id}" for id in plan.comments.values_list("pk", flat=True)],
    ).values_list("subject", flat=True)  # fmt: skip
    return [int(each.partition(":")[2]) for each in subjects]


def read(plan: Plan, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """Whoever made it has read what was said of it."""
    _check_own(plan, actor)
    facts = [Fact("plan_comment_seen", now, now, actor.id, None, f"plan_comment:{id}") for id in unread(plan)]
    if facts:
        ledger.tell(facts, actor=actor, now=now, bank=bank)


# ── what they share ─────────────────────────────────────────────────────────────────────────────────────────────────


def _check_own(plan: Plan, actor: Actor) -> None:
    check(actor, "plans.change")
    if plan.staff_id != actor.id:
        raise Refused("计划只能由本人改动；主管可以批注。", "A plan is changed by whose it is; a leader comments.")


def _check_runs(plan: Plan, now: datetime, bank: Bank) -> None:
    if now >= ends(plan, bank):
        raise Unfit("day", "这段时间已经过去，计划不再改动。", "That time is over: the plan stays as it is.")


def _checked(own: Own, actor: Actor) -> Own:
    words = " ".join(own.words.split())
    if len(words) > LONGEST:
        raise Unfit("own", f"每一项最多 {LONGEST} 字。", f"A line has at most {LONGEST} letters.")
    if own.customer is not None:
        book = Customer.objects.visible_to(actor).filter(pk=own.customer, rm=actor.id, deceased_on=None)
        if not book.exists():
            raise Unfit("customer", "请选自己名下的客户。", "Choose a customer of your own book.")
    return Own(words, own.customer)


def _taken(proposal: Proposal, chosen: Sequence[str] | None) -> list[Proposed]:
    """What was chosen of what is proposed and offered, in that order; what has moved on stays behind it."""
    if chosen is None:
        return proposal.lines
    known = {each.about: each for each in (*proposal.lines, *proposal.offered)}
    taken = [known[about] for about in dict.fromkeys(chosen) if about in known]
    moved = [each for each in proposal.lines if each.because == "moved_on" and each not in taken]
    return [*taken, *moved]


def _enter(
    plan: Plan, taken: Sequence[Proposed], own: Sequence[Own], added_at: datetime | None,
    actor: Actor, now: datetime, bank: Bank,
) -> None:  # fmt: skip
    """Lines at the end of the plan. What is owed only because it is planned is told to the ledger first."""
    lines = plan.lines.aggregate(last=Max("place"))["last"]
    place = 0 if lines is None else lines + 1
    facts = [_planned(plan, each, now, bank) for each in taken if each.words is not None]
    mine = [_own(plan, each, place + len(taken) + n, now, bank) for n, each in enumerate(own)]
    _tell([*facts, *mine], actor, now, bank)
    abouts = [*(each.about for each in taken), *(owe.key("W1", "planned", fact.subject) for fact in mine)]
    owed = dict(Obligation.objects.filter(key__in=abouts).exclude(state=State.WITHDRAWN).values_list("key", "pk"))
    known = {each.about: each for each in taken}
    PlanLine.objects.bulk_create(
        PlanLine(
            plan=plan, place=place + n, about=about, obligation_id=owed.get(about), added_at=added_at,
            customer=known[about].customer if about in known and about not in owed else None,
            falls_on=known[about].falls_on if about in known and about not in owed else None,
            carried=known[about].carried if about in known else 0,
        )
        for n, about in enumerate(abouts)
    )  # fmt: skip


def _planned(plan: Plan, each: Proposed, now: datetime, bank: Bank) -> Fact:
    assert each.words
    assert each.customer
    about = each.about.removeprefix(owe.key("W1", "planned", ""))
    return _fact(plan, about, each.customer.pk, each.words.zh, each.words.en, now, bank)


def _own(plan: Plan, own: Own, place: int, now: datetime, bank: Bank) -> Fact:
    return _fact(plan, f"{plan.subject}/own:{place}", own.customer, own.words, own.words, now, bank)


def _fact(plan: Plan, about: str, customer: int | None, zh: str, en: str, now: datetime, bank: Bank) -> Fact:
    data = {"words": zh, "words_en": en, "target": ends(plan, bank).isoformat()}
    return Fact("planned", now, now, plan.staff_id, customer, about, data)


def _tell(facts: Iterable[Fact], actor: Actor, now: datetime, bank: Bank) -> None:
    """Facts that are told together are about one customer, or about none."""
    by_customer = sorted(facts, key=lambda fact: fact.customer or 0)
    for _customer, some in groupby(by_customer, key=lambda fact: fact.customer):
        ledger.tell(list(some), actor=actor, now=now, bank=bank)


def _order(plan: Plan, abouts: Sequence[str]) -> None:
    places = {about: place for place, about in enumerate(abouts)}
    rows = list(plan.lines.all())
    for row in rows:
        row.place = places[row.about]
    PlanLine.objects.bulk_update(rows, ["place"])


def _moved(plan: Plan) -> Plan:
    plan.version += 1
    plan.save(update_fields=["version"])
    return plan
