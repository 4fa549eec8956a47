"""The course of a contact: planned, agreed, moved, called off, arrived at, started, ended. Its write-up is a file of its own.

Every verb takes the actor and ``now``, asks the guards, follows the table of states and tells the ledger what happened, in
the transaction that is open. A time given by hand is graded "entered later".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q

from zhike.conduct import guard
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.guard import Blocked, Verdict
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.obligations import ledger, outside
from zhike.obligations.models import Fact as Told
from zhike.obligations.models import Finding, Obligation
from zhike.people.actor import Actor
from zhike.people.turn import take_turn

from .history import is_first, remember
from .models.contact import Contact, Kind, Outcome, State
from .states import follow

# A tap may reach the server a little later than it happened; what is older was entered by hand.
AT_THE_MOMENT = timedelta(minutes=2)
ENDINGS = ("reception_ended", "visit_ended", "call_ended")


class DoesNotFit(Refused):
    """What was told of a contact does not fit together; ``field`` is where to look."""

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.field = field


class Unfinished(Refused):
    """A customer does not change hands in the middle of a contact."""


def plan(
    customer: Customer,
    kind: str,
    *,
    actor: Actor,
    now: datetime,
    planned_for: datetime | None = None,
    purpose: str = "",
    purpose_words: str = "",
    place: str = "",
    planned_minutes: int | None = None,
    follows: Contact | None = None,
    incoming: bool = False,
    afterwards: bool = False,
) -> Contact:
    """A contact plan (联系计划): the next contact and its purpose, not yet agreed with the customer.

    Raises DoesNotFit after the customer's death; what happened before it may still be recorded afterwards.
    """
    if not afterwards:
        _alive(customer)
    return Contact.objects.create(
        kind=kind,
        customer=customer,
        rm_id=customer.rm_id or actor.id,
        held_by_id=customer.rm_id or actor.id,
        planned_for=planned_for,
        purpose=purpose,
        purpose_words=purpose_words,
        place=place,
        planned_minutes=planned_minutes,
        follows=follows,
        incoming=incoming,
        afterwards=afterwards,
        by_id=actor.id,
        created_at=now,
    )


def agree(
    contact: Contact,
    *,
    at: datetime,
    place: str,
    actor: Actor,
    now: datetime,
    bank: Bank,
    told_customer: bool = True,
    customer_asked: bool = False,
    invited_by_rm: bool = False,
) -> Contact:
    """An appointment (预约): the customer agreed when and where. For a visit, arriving is owed (V2).

    ``invited_by_rm``: the RM invited and the customer accepted (R2, C7). An agreed visit that gets another time is moved
    (:func:`call_off`), for V3 asks whose reason it is: raises Blocked.
    """
    if contact.kind == Kind.VISIT and contact.state == State.AGREED and contact.planned_for != at:
        _stop_if_blocked(guard.visit_called_off(whose="", told_how=""))
    was = contact.state
    contact.state = follow("agree", contact)
    contact.planned_for, contact.place = at, place
    contact.told_customer, contact.customer_asked = told_customer, customer_asked
    contact.invited_by_rm = contact.invited_by_rm or invited_by_rm
    _save(contact)
    if contact.kind == Kind.VISIT:
        agreed = _fact(
            contact, "visit_agreed", now, now, target=at.isoformat(), place=place, purpose=contact.purpose_words
        )
        before = Told.objects.filter(subject=contact.subject, kind="visit_agreed", void=False).last()
        if was == State.AGREED and before:
            # Only the place is another: one is to be at the door there.
            ledger.correct(before, by=agreed, actor=actor, now=now, bank=bank)
        else:
            _tell(contact, [agreed], actor, now, bank)
    return contact


def call_off(
    contact: Contact,
    *,
    whose: str,
    why: str,
    actor: Actor | None,
    now: datetime,
    bank: Bank,
    told_how: str = "",
    told_at: datetime | None = None,
    apologised: bool = False,
    moved_to: datetime | None = None,
    place: str | None = None,
) -> Contact:
    """Cancels a contact, or moves it to ``moved_to``. V3: a visit asks whose reason; the RM's own owes telling and apology.

    Raises Blocked while nobody says whose reason it is, or when the customer was told; DoesNotFit for a new time that has passed,
    and for a telling that lies ahead.
    """
    lies_ahead("to", moved_to, now)
    if contact.kind == Kind.VISIT:
        _stop_if_blocked(guard.visit_called_off(whose=whose, told_how=told_how, told_at=told_at))
    told_at = _happened("told_at", told_at, now)
    state = follow("agree" if moved_to else "call off", contact)
    was_agreed = contact.state == State.AGREED
    contact.state = state
    contact.cancelled_for, contact.cancelled_why = whose, why
    if moved_to:
        contact.planned_for, contact.place = moved_to, contact.place if place is None else place
    else:
        contact.cancelled_at = now
    _save(contact)
    facts = []
    if contact.kind == Kind.VISIT and was_agreed:
        facts.append(_fact(contact, "visit_called_off", now, now, whose=whose, told=bool(told_how), why=why))
        if whose == "rm" and told_how:
            of_this = {"how": told_how, "apologised": apologised, "of": now.isoformat()}
            facts.append(_fact(contact, "customer_told", told_at, now, **of_this))
        if moved_to:
            facts.append(_fact(contact, "visit_agreed", now, now, target=moved_to.isoformat(), place=contact.place))
    _tell(contact, facts, actor, now, bank)
    return contact


def hand_over(customer: Customer, before: int | None, after: int, actor: Actor | None, now: datetime) -> None:
    """What lies ahead goes along when the customer changes hands. What was begun is ended and written up first, for afterwards
    whoever was there no longer sees the customer; when a day that was set has come, it waits for the new RM.

    Raises Unfinished, unless nobody is there to hear it.
    """
    begun = Contact.objects.filter(customer=customer, state__in=[State.UNDER_WAY, State.ENDED]).select_related(
        "held_by"
    )
    if actor is not None and (contact := begun.first()):
        raise Unfinished(
            f"{contact.held_by.name}还有一次联系没有结束或没有写记录，请先由其本人或主管写完，再变更归属。",
            f"{contact.held_by.name} has a contact that is not ended or not written up. It is finished first, by them or by "
            "their leader; then the customer changes hands.",
        )
    Contact.objects.filter(customer=customer, state__in=[State.PLANNED, State.AGREED]).update(
        rm_id=after, held_by_id=after
    )


def prepare(contact: Contact, ticks: Iterable[str], *, now: datetime) -> Contact:
    """R1: one tap "准备好了"; single ticks are optional. Both are attested with their time.

    What is attested once the talk has begun (``manners``, "按礼仪完成": R8 to R10, C2) says nothing about preparation.
    """
    if contact.started_at is None:
        contact.prepared_at = contact.prepared_at or now
    contact.ticks = {**contact.ticks, **{tick: now.isoformat() for tick in ticks if tick not in contact.ticks}}
    _save(contact)
    return contact


def jot(contact: Contact, words: str, *, now: datetime) -> Contact:
    """R6: a need written down during the talk, in seconds; the write-up finds it again."""
    contact.notes = [*contact.notes, {"at": now.isoformat(), "words": words}]
    _save(contact)
    return contact


def arrive(contact: Contact, *, actor: Actor, now: datetime, bank: Bank, at: datetime | None = None) -> Contact:
    """V2: at the door, by a tap, never by location; ``at`` when it is entered later. Who has checked in stays so, tapped again or not;
    one that was wrong is amended.
    """
    _only(contact, Kind.VISIT)
    contact.state = follow("arrive", contact)
    if contact.arrived_at is not None:
        return contact
    contact.arrived_at = _happened("arrived_at", at, now)
    hold(contact, contact.held_by_id if contact.afterwards else actor.id, actor.covers)
    _save(contact)
    _tell(contact, [_fact(contact, "arrived", contact.arrived_at, now)], actor, now, bank)
    return contact


def at_the_stop(fact: Fact, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Who checks in at an outing's stop is at the door of the visit that it is for, in the same tap."""
    contact = Contact.objects.held(int(fact.subject.removeprefix("contact:")), actor) if actor else None
    if actor is not None and contact is not None and contact.state in {State.PLANNED, State.AGREED}:
        arrive(contact, actor=actor, now=now, bank=bank)


def start(
    contact: Contact,
    *,
    actor: Actor,
    now: datetime,
    bank: Bank,
    at: datetime | None = None,
    surprise_reason: str = "",
    early_reason: str = "",
    explanation: str = "",
) -> Contact:
    """The talk begins. Guards: V1 for a visit, C1, C5 and C9 for a call. Raises Blocked; a reasoned surprise visit is kept,
    and a call before the promised minute with its ``early_reason``.

    A visit that starts without a check-in arrived when it started. What a contact recorded afterwards went past is kept as a
    finding, with the RM's ``explanation``.
    """
    state = follow("start", contact)
    if not contact.afterwards:
        _alive(contact.customer)
    at = _happened("started_at", at, now)
    hold(contact, contact.held_by_id if contact.afterwards else actor.id, actor.covers)
    if contact.kind == Kind.CALL and contact.purpose in guard.SELLING:
        take_turn("calls that sell to", contact.customer_id)
    verdicts = start_verdicts(contact, at, surprise_reason or early_reason, bank)
    _stop_if_blocked(verdicts)
    agreed = contact.state == State.AGREED
    contact.state, contact.started_at, contact.surprise_reason = state, at, surprise_reason
    contact.was_agreed = agreed
    contact.grade = _grade(at, now)
    facts = []
    if contact.kind == Kind.VISIT and agreed and contact.arrived_at is None:
        contact.arrived_at = at
        facts.append(_fact(contact, "arrived", at, now))
    _save(contact)
    keep_findings(verdicts, contact, surprise_reason or early_reason or explanation, at, bank)
    _tell(contact, facts, actor, now, bank)
    return contact


def hold(contact: Contact, holder: int, covers: tuple[int, ...] = ()) -> None:
    """Who holds it: being at the door on time is then theirs as well, but for what they do on behalf of whom they cover."""
    if holder == contact.held_by_id:
        return
    contact.held_by_id = holder
    if contact.rm_id in covers:
        return
    arrivals = Obligation.objects.filter(subject=contact.subject, kind="arrival", state="open")
    arrivals.update(owner_id=holder)


def _alive(customer: Customer) -> None:
    """CLAUSES, Stops: a death stops everything at once."""
    if customer.deceased_on:
        raise DoesNotFit(
            "customer",
            "客户已经去世，一切联系都已停止。误记的，请先在客户页恢复。",
            "The customer has died: all contact has stopped. If that is a mistake, take it back on the customer's page first.",
        )


def start_verdicts(contact: Contact, at: datetime, reason: str, bank: Bank) -> Sequence[Verdict]:
    """What the guards say of a contact that starts, or has started, at ``at``; ``reason``: why a visit is not agreed, or a call
    comes before the promised one. Of a call that is over they know its outcome: one that did not connect was no first call (C9).
    """
    bank = bank.at(at)
    if contact.kind == Kind.VISIT:
        told = contact.told_customer and contact.planned_for is not None and bool(contact.place)
        return [
            *guard.visit_start(
                agreed=contact.state == State.AGREED,
                told_when_and_where=told,
                customer_asked=contact.customer_asked,
                reason=reason,
            ),
            *guard.visit_outing(
                reported=outside.reported(contact.held_by_id, at, bank), happened=contact.afterwards, bank=bank
            ),
        ]
    if contact.kind == Kind.CALL:
        connects = contact.outcome not in set(Outcome) or Outcome(contact.outcome).connected
        first = connects and (contact.first if contact.ended_at else _is_first(contact, at, bank))
        today, week = _selling_calls(contact, at, bank) if contact.purpose in guard.SELLING else (0, 0)
        return guard.call_start(
            purpose=contact.purpose,
            first=bool(first),
            incoming=contact.incoming,
            now=at,
            bank=bank,
            selling_calls_today=today,
            selling_calls_week=week,
            promised=None if contact.incoming else promised(contact, at),
            early_reason=reason,
            happened=contact.afterwards,
        )
    return []


def promised(contact: Contact, at: datetime) -> guard.Promised | None:
    """The nearest call-back to this customer whose window had not opened at ``at``, promised before, in another call."""
    standing = Obligation.objects.filter(
        Q(settled_at=None) | Q(settled_at__gte=at), customer_id=contact.customer_id, kind="call_back",
        state__in=["open", "done"], fact__at__lte=at, opens__gt=at,
    )  # fmt: skip
    found = standing.exclude(subject=contact.subject).order_by("opens").values_list("target", "opens").first()
    return guard.Promised(found[0], found[1]) if found and found[0] else None


def _selling_calls(contact: Contact, at: datetime, bank: Bank) -> tuple[int, int]:
    """Other calls that sell to this customer, on the day of ``at`` and in the seven days that end with it."""
    midnight = at.astimezone(bank.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    calls = Contact.objects.filter(
        customer_id=contact.customer_id,
        kind=Kind.CALL,
        purpose__in=guard.SELLING,
        incoming=False,
        started_at__lt=midnight + timedelta(days=1),
    ).exclude(state=State.STRUCK)
    calls = calls.exclude(pk=contact.pk) if contact.pk else calls
    return (
        calls.filter(started_at__gte=midnight).count(),
        calls.filter(started_at__gte=midnight - timedelta(days=6)).count(),
    )


def end(
    contact: Contact, *, actor: Actor, now: datetime, bank: Bank, at: datetime | None = None, **seen: Any
) -> Contact:
    """A reception or visit ends with the farewell: first or not and the tier are settled, and the ledger asks what is owed.

    ``seen``: met_where (R2), seen_off (R11), card_handed (R3), invited_by_rm.
    """
    _only(contact, Kind.RECEPTION, Kind.VISIT)
    contact.state = follow("end", contact)
    contact.ended_at = _happened("ended_at", at, now, after=contact.started_at)
    for name, value in seen.items():
        setattr(contact, name, value)
    contact.grade = _grade(contact.ended_at, now)
    _settle_history(contact, bank)
    contact.tier = tier_of(contact, bank)
    _save(contact)
    known = contact.customer.profile
    missing = [field for field in ("mobile", "email") if not known.get(field)]
    assert contact.started_at is not None
    fact = _fact(
        contact,
        f"{contact.kind}_ended",
        contact.ended_at,
        now,
        first=contact.first,
        missing=missing,
        purpose=contact.purpose,
        started=contact.started_at.isoformat(),
    )
    _tell(contact, [fact], actor, now, bank)
    remember(contact.customer_id, contact.held_by_id, contact.kind, contact.started_at, contact.ended_at)
    return contact


def put_through(
    contact: Contact,
    outcome: str,
    *,
    actor: Actor,
    now: datetime,
    bank: Bank,
    at: datetime | None = None,
    call_back_at: datetime | None = None,
    no_time_agreed: bool = False,
    note: str = "",
    fulfils: int | None = None,
) -> Contact:
    """A call ends with its outcome (C3, C4, C8). Absent and busy ask when a call suits: that minute is promised (C5).

    A call that did not connect is closed by its outcome; one that did waits for its write-up (C6). ``fulfils``: the
    obligation that this call was made for.
    """
    _only(contact, Kind.CALL)
    if contact.state != State.UNDER_WAY:
        follow("end", contact)
    ended = _happened("ended_at", at, now, after=contact.started_at)
    _stop_if_blocked(
        guard.call_outcome(outcome=outcome, call_back=call_back_at, no_time_agreed=no_time_agreed, now=ended)
    )
    connected = Outcome(outcome).connected
    contact.state = follow("end" if connected else "put off", contact)
    contact.outcome, contact.ended_at, contact.call_back_at = outcome, ended, call_back_at
    contact.result_words = note or contact.result_words
    contact.closed_at = None if connected else now
    contact.grade = _grade(ended, now)
    _settle_history(contact, bank)
    contact.tier = tier_of(contact, bank)
    _save(contact)
    assert contact.started_at is not None
    facts = [
        _fact(
            contact,
            "call_ended",
            ended,
            now,
            first=contact.first,
            outcome=outcome,
            incoming=contact.incoming,
            purpose=contact.purpose,
            started=contact.started_at.isoformat(),
            seconds=int((ended - contact.started_at).total_seconds()),
            call_back=call_back_at.isoformat() if call_back_at else None,
            **({"for": f"obligation:{fulfils}"} if fulfils else {}),
        )
    ]
    if call_back_at:
        promised = {"target": call_back_at.isoformat(), "outcome": outcome, "words": note}
        facts.append(_fact(contact, "call_back_promised", ended, now, **promised))
    _tell(contact, facts, actor, now, bank)
    if connected:
        remember(contact.customer_id, contact.held_by_id, contact.kind, contact.started_at, ended)
    return contact


def lies_ahead(field: str, at: datetime | None, now: datetime) -> None:
    """Raises DoesNotFit where what is planned, agreed or moved has its time behind it, or years ahead: nobody comes on time yesterday."""
    if at is not None and at < now - AT_THE_MOMENT:
        raise DoesNotFit(
            field,
            "这个时间已经过去：计划、预约和改期都要选将来的时间；已经发生的，请补记。",
            "This time has passed. Plan, agree or move to a time ahead; record afterwards what has happened.",
        )
    if at is not None and too_far(at, now):
        raise DoesNotFit(field, TOO_FAR.zh, TOO_FAR.en)


def _only(contact: Contact, *kinds: Kind) -> None:
    """A verb that only some kinds of contact have."""
    if contact.kind not in kinds:
        raise DoesNotFit(
            "kind",
            "这类联系没有这一步：电话以通话结果结束，接待和拜访以道别结束，到门口只有拜访才有。",
            "This kind of contact has no such step: a call ends with its outcome, a reception or visit with the farewell,"
            " and only a visit has an arrival.",
        )


def _happened(field: str, at: datetime | None, now: datetime, *, after: datetime | None = None) -> datetime:
    """The moment of a verb: now, or one given by hand, which has passed and does not lie before what came ``after``."""
    if at is None:
        return now
    if at > now + AT_THE_MOMENT:
        raise DoesNotFit(
            field,
            "这个时间还没有到：只能记已经发生的，将来的请作为计划。",
            "This time lies ahead. Only what has happened is recorded; plan what is to come.",
        )
    if after is not None and at < after:
        raise DoesNotFit(
            field,
            "结束时间早于开始时间，请核对。",
            "The end lies before the start. Correct one of the two.",
        )
    return at


def tier_day(contact: Contact, bank: Bank) -> date:
    """The day in whose month's tier the contact is reckoned: that of its end, or of its start (bank)."""
    assert contact.ended_at is not None
    return bank.tier_moment(contact.ended_at, contact.started_at).astimezone(bank.zone).date()


def tier_of(contact: Contact, bank: Bank) -> str:
    """The tier that counts for a contact that has ended. One query."""
    case = ledger.load_case(contact.customer_id, tier_day(contact, bank))
    return case.person.tier if case.person else ""


def _settle_history(contact: Contact, bank: Bank) -> None:
    assert contact.started_at is not None
    contact.first = _is_first(contact, contact.started_at, bank)


def _is_first(contact: Contact, at: datetime, bank: Bank) -> bool:
    return is_first(contact.customer_id, contact.rm_id, contact.held_by_id, contact.kind, at, bank)


def _grade(at: datetime, now: datetime) -> str:
    return "tapped" if abs(now - at) <= AT_THE_MOMENT else "entered"


def whose_duty(contact: Contact, kind: str) -> tuple[int, dict[str, int]]:
    """Whose duty a fact touches. What a colleague who helps out hears and promises is the colleague's to keep; the ending is
    the RM's, but says who held it, whose the write-up is. Of an RM on leave everything stays the RM's.
    """
    answers = contact.answers_for
    if answers == contact.rm_id or kind not in ENDINGS:
        return answers, {}
    return contact.rm_id, {"held_by": answers}


def _fact(contact: Contact, kind: str, at: datetime, now: datetime, **data: Any) -> Fact:
    staff, held = whose_duty(contact, kind)
    if kind in ENDINGS and contact.stood_in:
        held["served_by"] = contact.held_by_id  # whosever duty it is
    return Fact(
        kind=kind,
        at=at,
        known_at=now,
        staff=staff,
        customer=contact.customer_id,
        subject=contact.subject,
        data={**data, **held},
        grade="tapped" if abs(now - at) <= AT_THE_MOMENT else "entered",
    )


def _tell(contact: Contact, facts: Sequence[Fact], actor: Actor | None, now: datetime, bank: Bank) -> None:
    if facts:
        ledger.tell(facts, actor=actor, now=now, bank=bank)


def _save(contact: Contact) -> None:
    contact.version += 1
    contact.save()


def _stop_if_blocked(verdicts: Sequence[Verdict]) -> None:
    if any(verdict.effect == "block" for verdict in verdicts):
        raise Blocked(verdicts)


def keep_findings(verdicts: Sequence[Verdict], contact: Contact, reason: str, at: datetime, bank: Bank) -> None:
    """What was gone past stays as a finding: with a reason past a try it is 例外说明, past a must a breach (CLAUSES, Force)."""
    for verdict in verdicts:
        Finding.record(
            verdict,
            staff=contact.held_by_id,
            customer=contact.customer_id,
            subject=contact.subject,
            reason=reason,
            at=at,
            zone=bank.zone,
        )
