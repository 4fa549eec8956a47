"""Outings (外出, W7): reported before one leaves, seen and answered by the leader at once, signed back in and reported on.

    outing = report([Going(customer=12, purpose="送合同")], departs_at=…, returns_at=…, actor=actor, now=now, bank=bank)
    leave(outing, …); check_in(stop, …); come_back(outing, …); report_on(stop, "done", "合同已签", …)

What is owed because of it (the sign-in, the report, the leader's answer to a request for help) lies in the one ledger: each verb tells it
what happened.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact, Grade
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.obligations import ledger
from zhike.obligations.models import Fact as Told
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.permissions import check
from zhike.people.turn import take_turn

from .models import Help, Outing, Stop
from .models.outing import ABROAD, Result, State
from .outing_states import follow

# A tap may reach the server a little later than it happened; what is older was entered by hand.
AT_THE_MOMENT = timedelta(minutes=2)
UNDO_WITHIN = timedelta(minutes=10)
LONGEST = timedelta(days=14)
STOPS = 20


class Unfit(Refused):
    """An outing that cannot be as it is told; ``field`` is what would mend it."""

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.field = field


@dataclass(frozen=True)
class Going:
    """One stop as it is told: a customer of one's own book or a place, for what, when, and the agreed visit that it is for."""

    customer: int | None = None
    place: str = ""
    purpose: str = ""
    at: datetime | None = None
    visit: int | None = None
    name: str = ""  # of the customer, where it is proposed


# ── before ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def proposed(actor: Actor, first: datetime, until: datetime) -> list[Going]:
    """The visits agreed between two moments at which one is owed at the door, and which no outing of one's own holds yet, in their
    order. Two queries."""
    rows = Obligation.objects.filter(
        Q(owner=actor.id) | Q(owner__in=actor.covers), kind="arrival", state="open", due__gte=first, due__lt=until
    ).select_related("customer")
    held = set(
        Stop.objects.filter(outing__staff=actor.id, outing__state__in=ABROAD)
        .exclude(visit="")
        .values_list("visit", flat=True)
    )
    return [
        Going(
            row.customer_id, str(row.detail.get("place", "")), str(row.detail.get("purpose", "")), row.due,
            int(row.subject.removeprefix("contact:")), row.customer.name if row.customer else "",
        )
        for row in rows.order_by("due", "pk")[:STOPS]
        if row.subject not in held
    ]  # fmt: skip


def report(
    stops: Sequence[Going],
    *,
    departs_at: datetime,
    returns_at: datetime,
    note: str = "",
    actor: Actor,
    now: datetime,
    bank: Bank,
) -> Outing:
    """Says beforehand where one goes; whose time to leave has come is out at once. Raises Unfit, naming the field.

    One that has begun already may still be reported, on its day: it is measured as not said beforehand.
    """
    check(actor, "outings.change")
    take_turn("outings of", actor.id)
    midnight = now.astimezone(bank.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if departs_at < midnight:
        raise Unfit("departs", "出发时间不能早于今天。", "An outing is reported on its day at the latest.")
    _check_return(departs_at, returns_at, now)
    _check_free(actor.id, departs_at, returns_at, bank)
    if not stops:
        raise Unfit("stops", "请至少写一处去处。", "Say at least one place.")
    if len(stops) > STOPS:
        raise Unfit("stops", f"一次外出最多 {STOPS} 处，请分次报备。", f"At most {STOPS} stops; report another outing.")
    for stop in stops:
        _check_stop(stop, actor)
    gone = departs_at <= now + AT_THE_MOMENT
    if gone:
        _check_back(actor.id)
    outing = Outing.objects.create(
        staff_id=actor.id, state=State.OUT if gone else State.REPORTED, reported_at=now, departs_at=departs_at,
        returns_at=returns_at, left_at=departs_at if gone else None, note=note.strip(),
    )  # fmt: skip
    Stop.objects.bulk_create([_stop(outing, number, stop) for number, stop in enumerate(stops, 1)])
    ledger.tell([_reported(outing, len(stops), now)], actor=actor, now=now, bank=bank)
    return outing


def add_stop(outing: Outing, stop: Going, *, actor: Actor, now: datetime, bank: Bank) -> Stop:
    """One more place, before leaving or on the way; the leader sees it."""
    _check_whose(outing, actor)
    outing.state = follow("add a stop", outing)
    number = outing.stops.count() + 1
    if number > STOPS:
        raise Unfit("stops", f"一次外出最多 {STOPS} 处，请分次报备。", f"At most {STOPS} stops; report another outing.")
    _check_stop(stop, actor)
    added = _stop(outing, number, stop)
    added.save()
    _save(outing)
    _restate(outing, actor, now, bank)
    return added


def call_off(outing: Outing, why: str = "", *, actor: Actor, now: datetime, bank: Bank) -> Outing:
    """It will not be: before one has left."""
    _check_whose(outing, actor)
    outing.state = follow("call off", outing)
    outing.cancelled_at, outing.why = now, why.strip()
    _save(outing)
    _tell(outing, ["outing_called_off"], now, actor, now, bank)
    return outing


def answer(outing: Outing, words: str, *, not_today: bool = False, actor: Actor, now: datetime, bank: Bank) -> Outing:
    """The leader's line; said again it replaces the one before. Whoever reported it reads it on Today."""
    if not actor.leads(outing.staff_id):
        raise Refused("只有其主管可以答复。", "Only who leads them answers.")
    outing.state = follow("answer", outing)
    words = words.strip()
    if not words and not not_today:
        raise Unfit("answer", "请写一句答复。", "Write a line.")
    outing.answer, outing.not_today = words or "今天先不去", not_today
    outing.answered_by_id, outing.answered_at = actor.id, now
    _save(outing)
    _restate(outing, actor, now, bank)
    return outing


# ── on the way ──────────────────────────────────────────────────────────────────────────────────────────────────────


def leave(outing: Outing, *, actor: Actor, now: datetime, bank: Bank) -> Outing:
    """Off, by a tap. Who leaves earlier than reported is out from now on."""
    _check_whose(outing, actor)
    state = follow("leave", outing)
    _check_back(actor.id)
    outing.state, outing.left_at = state, now
    earlier = now < outing.departs_at
    outing.departs_at = min(now, outing.departs_at)
    _save(outing)
    if earlier:
        _restate(outing, actor, now, bank)
    return outing


def check_in(stop: Stop, *, actor: Actor, now: datetime, bank: Bank) -> Stop:
    """At a stop, by a tap, never by location. Tapped again it stays as it was. Of an agreed visit it is the arrival at its door."""
    outing = stop.outing
    _check_whose(outing, actor)
    state = follow("check in", outing)
    if stop.reached_at is not None:
        return stop
    if outing.left_at is None:
        leave(outing, actor=actor, now=now, bank=bank)
    outing.state = state
    stop.reached_at = now
    stop.save(update_fields=["reached_at"])
    _save(outing)
    if stop.visit and stop.customer_id and Customer.objects.visible_to(actor).filter(pk=stop.customer_id).exists():
        _tell_visit(stop, actor, now, bank)
    return stop


def extend(outing: Outing, until: datetime, *, actor: Actor, now: datetime, bank: Bank) -> Outing:
    """Another return; the leader sees it. What had been missed by the one before is owed by this one."""
    _check_whose(outing, actor)
    outing.state = follow("extend", outing)
    take_turn("outings of", actor.id)
    _check_return(outing.departs_at, until, now)
    _check_free(actor.id, outing.departs_at, until, bank, but=outing)
    outing.returns_at, outing.extended_at = until, now
    _save(outing)
    _restate(outing, actor, now, bank)
    return outing


def ask_help(outing: Outing, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Help:
    """Asks the leader, who then owes an answer: the nearest one who is there."""
    _check_whose(outing, actor)
    outing.state = follow("ask for help", outing)
    if not words.strip():
        raise Unfit("help", "请写明需要什么支援。", "Say what help is needed.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT work_leader(%s)", [now.astimezone(bank.zone).date()])
        (leader,) = cursor.fetchone()
    if leader is None:
        raise Unfit("help", "没有可以答复的主管，请直接联系同事。", "Nobody leads you here. Call a colleague.")
    asked = Help.objects.create(
        outing=outing, staff_id=actor.id, leader_id=leader, words=words.strip(), asked_at=now,
        due=now + timedelta(minutes=bank.help_answer_within),
    )  # fmt: skip
    _save(outing)
    fact = Fact(
        "help_asked", now, now, leader, None, asked.subject,
        {"target": asked.due.isoformat(), "words": asked.words, "who": actor.name},
    )  # fmt: skip
    entries = ledger.ask([fact], Case(None), actor=actor, now=now, bank=bank)
    # What a leader owes, whoever is led may not write: a narrow function does, for this request alone.
    with connection.cursor() as cursor:
        cursor.execute("SELECT work_ask_for_help(%s, %s::jsonb)", [asked.pk, json.dumps(entries.document())])
    return asked


def answer_help(asked: Help, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Help:
    """What the leader says to it. Raises Refused for another's, and where it was answered already."""
    if not may_answer_help(asked, actor):
        raise Refused("只有被求助的主管可以答复。", "Only the leader who was asked answers.")
    if asked.answered_at is not None:
        raise Answered("这项求助已经答复过，请刷新查看。", "This was answered already. Reload to see how.")
    if not words.strip():
        raise Unfit("answer", "请写明怎样支援。", "Say how you help.")
    asked.answer, asked.answered_by_id, asked.answered_at = words.strip(), actor.id, now
    asked.save(update_fields=["answer", "answered_by", "answered_at"])
    Outing.objects.filter(pk=asked.outing_id).update(version=asked.outing.version + 1)
    fact = Fact("help_answered", now, now, asked.leader_id, None, asked.subject, {"words": asked.answer})
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    return asked


class Answered(Refused):
    """Somebody, or another click, was first."""


def may_answer_help(asked: Help, actor: Actor) -> bool:
    """Who was asked, and who leads both."""
    return actor.id == asked.leader_id or (actor.leads(asked.staff_id) and actor.leads(asked.leader_id))


# ── back ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def come_back(outing: Outing, *, actor: Actor, now: datetime, bank: Bank, at: datetime | None = None) -> Outing:
    """Signed back in, at once; ``at``: when one was back, where the tap comes later. For whoever cannot, their leader does."""
    if outing.staff_id != actor.id and not actor.leads(outing.staff_id):
        raise Refused("只有本人或其主管可以签到返回。", "Only they themselves, or who leads them, sign them back in.")
    state = follow("return", outing)
    left = outing.left_at or outing.departs_at
    at = at or now
    if at > now + AT_THE_MOMENT:
        raise Unfit("back", "这个时间还没有到。", "That time lies ahead.")
    if at < left:
        raise Unfit("back", "返回时间早于出发时间，请核对；没有成行的请取消。", "The return lies before the departure. One that was not made is called off.")  # fmt: skip
    outing.state, outing.back_at, outing.back_by_id = state, at, actor.id
    told = ["outing_returned"]
    if not outing.stops.filter(result="").exists():
        outing.state, outing.closed_at = follow("close", outing), now
        told.append("outing_told")
    _save(outing)
    _tell(outing, told, at, actor, now, bank)
    return outing


def not_back(outing: Outing, *, actor: Actor, now: datetime, bank: Bank) -> Outing:
    """撤回: signed back in by mistake; out as before, and what was owed is owed again. After ten minutes it stays."""
    state = follow("not back", outing)
    if not may_undo(outing, actor, now):
        raise Refused("签到已超过十分钟，不能撤回。", "Signed back in more than ten minutes ago: it stays.")
    _check_back(outing.staff_id)
    outing.state, outing.back_at, outing.back_by, outing.closed_at = state, None, None, None
    _save(outing)
    said = Told.objects.filter(subject=outing.subject, kind__in=["outing_returned", "outing_told"], void=False)
    for fact in said.order_by("-pk"):
        ledger.correct(fact, by=None, actor=actor, now=now, bank=bank)
    return outing


def may_undo(outing: Outing, actor: Actor, now: datetime) -> bool:
    """Whether the sign-in may be taken back: by whoever tapped it, within ten minutes."""
    back = outing.back_at
    return back is not None and outing.back_by_id == actor.id and now - back <= UNDO_WITHIN


def report_on(stop: Stop, result: str, words: str = "", *, actor: Actor, now: datetime, bank: Bank) -> Stop:
    """What came of a stop, on the way or afterwards; said again it replaces the one before. With the last of them, once one is back,
    the outing is reported on.
    """
    outing = stop.outing
    _check_whose(outing, actor)
    outing.state = follow("report", outing)
    if result not in Result.values:
        raise Unfit(f"result-{stop.pk}", "请选结果。", "Choose what came of it.")
    stop.result, stop.words, stop.told_at = result, words.strip(), stop.told_at or now
    stop.save(update_fields=["result", "words", "told_at"])
    closes = outing.state == State.BACK and not outing.stops.filter(result="").exists()
    if closes:
        outing.state, outing.closed_at = follow("close", outing), now
    _save(outing)
    if closes:
        _tell(outing, ["outing_told"], now, actor, now, bank)
    return stop


# ── at a visit's door ───────────────────────────────────────────────────────────────────────────────────────────────


def arrived(fact: Fact, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """One is at a visit's door: that is the check-in at its stop, in the same tap, where one's outing has it."""
    if actor is None or abs(now - fact.at) > AT_THE_MOMENT:
        return
    stop = (
        Stop.objects.filter(
            visit=fact.subject, reached_at=None, outing__staff=actor.id, outing__state__in=ABROAD
        )
        .select_related("outing")
        .first()
    )  # fmt: skip
    if stop is not None:
        check_in(stop, actor=actor, now=now, bank=bank)


def _tell_visit(stop: Stop, actor: Actor, now: datetime, bank: Bank) -> None:
    fact = Fact("stop_reached", now, now, stop.outing.staff_id, stop.customer_id, stop.visit)
    ledger.tell([fact], actor=actor, now=now, bank=bank)


# ── what is checked, kept and told ──────────────────────────────────────────────────────────────────────────────────


def _check_whose(outing: Outing, actor: Actor) -> None:
    if outing.staff_id != actor.id:
        raise Refused("只有外出者本人可以这样做。", "Only whoever goes out does that.")


def _check_return(departs_at: datetime, returns_at: datetime, now: datetime) -> None:
    if returns_at <= departs_at:
        raise Unfit("returns", "返回时间须晚于出发时间。", "The return comes after the departure.")
    if returns_at <= now:
        raise Unfit("returns", "预计返回时间已经过去，请改为将来的时间。", "That return has passed. Say one that lies ahead.")  # fmt: skip
    if too_far(returns_at, now):
        raise Unfit("returns", TOO_FAR.zh, TOO_FAR.en)
    if returns_at - departs_at > LONGEST:
        raise Unfit(
            "returns", f"一次外出最长 {LONGEST.days} 天，更久的请分次报备。",
            f"An outing lasts {LONGEST.days} days at most. Report it in parts.",
        )  # fmt: skip


def _check_free(staff: int, departs_at: datetime, returns_at: datetime, bank: Bank, but: Outing | None = None) -> None:
    """Nobody is on two outings at once."""
    rows = Outing.objects.filter(staff=staff, state__in=ABROAD, departs_at__lt=returns_at, returns_at__gt=departs_at)
    other = (rows.exclude(pk=but.pk) if but else rows).order_by("departs_at").first()
    if other is not None:
        first, last = (at.astimezone(bank.zone) for at in (other.departs_at, other.returns_at))
        raise Unfit(
            "returns" if but else "departs",
            f"与 {first:%m-%d %H:%M} 至 {last:%m-%d %H:%M} 的外出重叠，请先取消、签到或改时间。",
            f"There is an outing from {first:%m-%d %H:%M} to {last:%m-%d %H:%M} already. Call it off, sign back in, or choose"
            " another time.",
        )


def _check_back(staff: int) -> None:
    """Who goes out is back from the time before."""
    if Outing.objects.filter(staff=staff, state=State.OUT).exists():
        raise Unfit(
            "departs", "上一次外出还没有签到返回，请先签到。", "You are not signed back in from the last outing. Do that first."
        )  # fmt: skip


def _check_stop(stop: Going, actor: Actor) -> None:
    if stop.customer is None and not stop.place.strip():
        raise Unfit("stops", "每一处请选客户或写地点。", "Each stop has a customer or a place.")
    if not stop.purpose.strip():
        raise Unfit("stops", "每一处请写明事由。", "Each stop has a purpose.")
    if stop.customer is not None:
        book = Customer.objects.visible_to(actor).filter(pk=stop.customer, keeper__among=actor.writes)
        if not book.exists():
            raise Unfit("stops", "只能选自己名下的客户。", "Choose a customer of your own book.")
    if stop.visit is not None:
        agreed = Obligation.objects.filter(
            kind="arrival", subject=f"contact:{stop.visit}", customer=stop.customer, owner__in=(actor.id, *actor.covers)
        )
        if not agreed.exists():
            raise Unfit("stops", "没有这次约定的拜访。", "There is no such agreed visit.")


def _stop(outing: Outing, number: int, stop: Going) -> Stop:
    return Stop(
        outing=outing, number=number, customer_id=stop.customer, place=stop.place.strip(), purpose=stop.purpose.strip(),
        planned_for=stop.at, visit=f"contact:{stop.visit}" if stop.visit else "",
    )  # fmt: skip


def _save(outing: Outing) -> None:
    outing.version += 1
    outing.save()


def _reported(outing: Outing, stops: int, now: datetime) -> Fact:
    """What was reported, as it stands: the leader's line is worded with what is owed."""
    answered = {"answer": outing.answer, "leader": outing.answered_by.name} if outing.answered_by else {}
    return Fact(
        "outing_reported", outing.reported_at, now, outing.staff_id, None, outing.subject,
        {"departs": outing.departs_at.isoformat(), "target": outing.returns_at.isoformat(), "stops": stops, **answered},
    )  # fmt: skip


def _restate(outing: Outing, actor: Actor, now: datetime, bank: Bank) -> None:
    """The sign-in is owed as the outing stands now."""
    before = Told.objects.filter(subject=outing.subject, kind="outing_reported", void=False).last()
    if before is not None:
        ledger.correct(before, by=_reported(outing, outing.stops.count(), now), actor=actor, now=now, bank=bank)


def _tell(outing: Outing, kinds: Sequence[str], at: datetime, actor: Actor, now: datetime, bank: Bank) -> None:
    grade: Grade = "tapped" if abs(now - at) <= AT_THE_MOMENT else "entered"
    facts = [Fact(kind, at, now, outing.staff_id, None, outing.subject, grade=grade) for kind in kinds]
    ledger.tell(facts, actor=actor, now=now, bank=bank)
