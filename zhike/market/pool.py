"""The pool (公海): prospects whom nobody holds. An RM of the unit claims, within the bank's limits; a leader assigns; whoever is not
contacted goes back, told beforehand on Today.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import Q

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.customers.models.book import post_of
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.leave import away
from zhike.people.models import Staff
from zhike.people.permissions import check

from .models import Event, Prospect
from .prospects import Step, check_room, end_of, leave, open_step, own_unit, set_step, tell_of
from .refusals import NotNow, Unfit

What = Event.What
FIRST_CONTACT = timedelta(days=2)  # after a claim the first contact is owed within


def claim(id: int, *, actor: Actor, now: datetime, bank: Bank) -> Prospect:
    """One of the pool becomes the actor's. Of two who claim at once one does; the other is told. Raises Unfit at the limits."""
    check(actor, "prospects.change")
    if "rm" not in actor.roles:
        raise Unfit("rm", "只有客户经理可以认领。", "Only a relationship manager claims.")
    pool = Prospect.objects.visible_to(actor).open().filter(pk=id, rm=None, do_not_contact=False)
    found = Prospect.objects.held(id, actor) if pool.exists() else None  # before one's turn, as who assigns does
    check_room(actor.id, bank, field="rm")
    midnight = end_of(now.astimezone(bank.zone).date() - timedelta(days=1), bank)
    claimed = Event.objects.filter(what=What.CLAIMED, by=actor.id, at__gte=midnight).count()
    if claimed >= bank.prospects_claimed:
        raise Unfit(
            "rm",
            f"今天已认领 {claimed} 位，达到每日上限；明天再来。",
            f"You have claimed {claimed} today, and that is the day's limit. Come again tomorrow.",
        )
    if found is None or found.rm_id is not None or not found.is_open:
        raise Unfit(
            "rm",
            "这一位已不在公海，可能刚被同事认领。",
            "This one is not in the pool any more; a colleague may have been faster.",
        )
    found.rm_id, found.since = actor.id, now
    found.save(update_fields=["rm", "since"])
    tell_of(found, What.CLAIMED, actor=actor, now=now)
    set_step(found, Step("", (now + FIRST_CONTACT).astimezone(bank.zone).date()), actor=actor, now=now, bank=bank)
    return found


def give_back(prospect: Prospect, why: str, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """Back to the pool of its unit, with the reason for whoever claims it next."""
    check(actor, "prospects.change")
    if not prospect.changeable_by(actor) or prospect.rm_id is None or not prospect.is_open:
        raise NotNow("这位潜在客户不在您手上。", "You do not hold this prospect.")
    if not why.strip():
        raise Unfit("why", "请写明为何退回，供下一位参考。", "Say why, for whoever comes next.")
    leave(prospect, "returned", actor=actor, now=now, bank=bank)
    tell_of(prospect, What.RETURNED, words=why.strip(), actor=actor, now=now)
    if prospect.rm_id == actor.id:
        prospect.unit_id = own_unit(actor, now, bank)
    _let_go(prospect)


def assign(prospect: Prospect, rm: int, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """The leader gives the prospect to one of the team; the next step goes along."""
    check(actor, "prospects.assign")
    if prospect.keeper not in actor.directs or not prospect.is_open:
        raise NotNow("这位潜在客户不能由您分配。", "This prospect is not yours to assign.")
    if rm not in {each.pk for each in candidates(actor, now.astimezone(bank.zone).date())}:
        raise Unfit("rm", "请选择本团队的客户经理。", "Choose a relationship manager of your team.")
    if prospect.do_not_contact:
        raise NotNow("对方不愿再被联系。", "This person does not want to be contacted.")
    if rm == prospect.rm_id:
        raise Unfit("rm", "已在其名下。", "This person holds the prospect already.")
    check_room(rm, bank, field="rm")
    today, step = now.astimezone(bank.zone).date(), open_step(prospect)
    words = str(step.detail.get("words", "")) if step else ""
    due = (step.due.astimezone(bank.zone) - timedelta(seconds=1)).date() if step and step.due else today
    if prospect.rm_id is not None:
        leave(prospect, "assigned", actor=actor, now=now, bank=bank)
    prospect.rm_id, prospect.since, prospect.unit_id = rm, now, post_of(rm, today).unit_id
    prospect.save(update_fields=["rm", "since", "unit"])
    tell_of(prospect, What.ASSIGNED, actor=actor, now=now)
    set_step(prospect, Step(words, max(due, today + FIRST_CONTACT)), actor=actor, now=now, bank=bank)


def candidates(actor: Actor, day: date) -> list[Staff]:
    """The RMs to whom a leader may assign."""
    serving = Staff.objects.filter(
        Q(posts__to_day=None) | Q(posts__to_day__gt=day), posts__role="rm", posts__from_day__lte=day,
        pk__in=[keeper for keeper in actor.directs if keeper > 0], is_active=True,
    )  # fmt: skip
    return list(serving.order_by("number").distinct())


def goes_back(prospect: Prospect, bank: Bank) -> date | None:
    """The last day on which a contact keeps the prospect with whoever holds them."""
    since = prospect.idle_since
    if since is None or not prospect.is_open:
        return None
    high = bank.at_least(prospect.tier, "platinum")
    days = bank.prospect_idle_days_high if high else bank.prospect_idle_days
    return since.astimezone(bank.zone).date() + timedelta(days=days)


def sweep(day: date, now: datetime, bank: Bank) -> tuple[int, int]:
    """Tells who has not contacted a prospect for long, and gives back whom nobody has: how many became owed, and none lapsed. Whose
    RM is on leave waits. Runs as the worker.
    """
    shortest = min(bank.prospect_idle_days, bank.prospect_idle_days_high) - bank.prospect_told_days
    before = end_of(day - timedelta(days=max(shortest, 0)), bank)
    held = Prospect.objects.open().filter(rm__isnull=False, since__lt=before)
    held = held.filter(Q(contacted_at=None) | Q(contacted_at__lt=before)).order_by("pk")
    rows = list(held.select_for_update(of=("self",), no_key=True))
    gone = away({row.rm_id for row in rows if row.rm_id}, day)
    cases: list[tuple[Fact, Case]] = []
    for row in rows:
        last = goes_back(row, bank)
        if last is None or row.rm_id is None or row.rm_id in gone:
            continue
        if day > last:
            leave(row, "idle", actor=None, now=now, bank=bank)
            tell_of(row, What.IDLE, actor=None, now=now)
            _let_go(row)
        elif day >= last - timedelta(days=bank.prospect_told_days) and not _told(row, last, bank):
            since = row.idle_since
            assert since is not None
            data = {
                "who": row.name, "days": (day - since.astimezone(bank.zone).date()).days,
                "target": end_of(last, bank).isoformat(),
            }  # fmt: skip
            cases.append((Fact("prospect_idle", now, now, row.rm_id, None, row.subject, data, "observed"), Case(None)))
    return (ledger.tell_many(cases, now=now, bank=bank) if cases else 0), 0


def _told(row: Prospect, last: date, bank: Bank) -> bool:
    owed = Obligation.objects.filter(subject=row.subject, kind="prospect_keep").exclude(state="withdrawn")
    return owed.filter(due=end_of(last, bank)).exists()


def _let_go(prospect: Prospect) -> None:
    prospect.rm_id, prospect.since = None, None
    prospect.save(update_fields=["rm", "since", "unit"])
