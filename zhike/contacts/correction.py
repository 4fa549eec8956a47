"""Correcting what was recorded: a closed write-up is amended, never overwritten; a contact that never was is struck.

A corrected time or outcome corrects the fact: what that fact alone caused and is still open is withdrawn or recomputed, what
is done stays (DESIGN, rule 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.guard import Blocked, Verdict, call_outcome
from zhike.conduct.words import Words
from zhike.customers.models import Acquaintance, Customer, Need
from zhike.obligations import ledger
from zhike.obligations.models import Fact as Kept
from zhike.obligations.models import Finding, Obligation
from zhike.obligations.models import State as Owes
from zhike.people.actor import Actor

from . import course, firsts, write_up
from .history import recall
from .models import Amendment, Contact, Demand, Kind, Outcome, State
from .states import follow

WORDS = frozenset({"result", "result_words", "met_where", "seen_off", "card_handed", "invitation", "purpose_words"})
# What the ledger reckons with: changing it asks the engine again.
TIMES = frozenset({"arrived_at", "started_at", "ended_at"})
RECKONED = TIMES | {"outcome", "call_back_at"}
# What may be amended of a call that waits for its write-up: without them there is nothing to write up.
OF_THE_CALL = frozenset({"outcome", "call_back_at"})
# What the customer and the RM said is dated by the end of the talk.
AT_THE_TALK = ("demand_raised", "promise_made")
# What was said to the customer was said, whatever becomes of the contact that it was about.
SAID = ("message_sent", "answered", "customer_told")
# Why a contact that was taken for the first is none.
KNOWN_BEFORE = "早已认识 known before"


def amend(
    contact: Contact, changes: Mapping[str, Any], *, reason: str, actor: Actor, now: datetime, bank: Bank
) -> Contact:
    """Changes a closed write-up, or the outcome of a call that waits for its own, and keeps what it said before. Raises Blocked
    without a reason, DoesNotFit for an outcome of what was no call, ValueError for other fields.
    """
    waits = contact.state == State.ENDED and OF_THE_CALL.issuperset(changes)
    state = follow("amend the outcome" if waits else "amend", contact)
    if contact.kind != Kind.CALL and OF_THE_CALL & set(changes):
        raise course.DoesNotFit("outcome", "只有电话才有通话结果。", "Only a call has an outcome.")
    if contact.kind != Kind.VISIT and "arrived_at" in changes:
        raise course.DoesNotFit("arrived_at", "只有拜访才有到门口的时间。", "Only a visit has an arrival.")
    if unknown := set(changes) - WORDS - RECKONED:
        raise ValueError(f"A write-up's {', '.join(sorted(unknown))} cannot be amended.")
    _want_reason(reason)
    if "started_at" in changes and contact.arrived_at is not None and contact.arrived_at == contact.started_at:
        # Nobody checked in: it arrived when it started.
        changes = {"arrived_at": changes["started_at"], **changes}
    before = {name: _plain(getattr(contact, name)) for name in changes}
    for name, value in changes.items():
        setattr(contact, name, value)
    if TIMES & set(changes):
        _check_times(contact, now)
    if OF_THE_CALL & set(changes):
        _check_call_back(contact)
    if "outcome" in changes:
        state = _after_outcome(contact, Outcome(before["outcome"]), state, now)
    contact.state = state
    contact.version += 1
    contact.save()
    _keep(contact, before, changes, reason, actor, now)
    if RECKONED & set(changes):
        first_anew(contact.customer_id, reason, actor=actor, now=now, bank=bank, but=contact)
        _reckon(contact, actor, now, bank)
        _find_anew(contact, reason, bank)
    return contact


def add(
    contact: Contact, demands: Sequence[str], promises: Sequence[write_up.PromiseMade], *,
    reason: str, actor: Actor, now: datetime, bank: Bank,
) -> Contact:  # fmt: skip
    """What was forgotten in a closed write-up: what the customer demanded and the RM promised at the contact is owed from its end on, as
    if it had been written then (V7, W11). Raises Blocked without a reason, and for a promise whose time does not fit.
    """
    contact.state = follow("amend", contact)
    _want_reason(reason)
    if found := write_up.promise_verdicts(contact, promises, now):
        raise Blocked(found)
    ever = Kept.objects.filter(customer_id=contact.customer_id, subject__startswith=f"{contact.subject}/promise:")
    numbers = {
        "demands_before": contact.demands.count(),
        "promises_before": ever.filter(kind="promise_made").values("subject").distinct().count(),
    }
    assert contact.ended_at is not None
    for number, words in enumerate(demands, numbers["demands_before"] + 1):
        contact.demands.create(customer_id=contact.customer_id, number=number, words=words, at=contact.ended_at)
    contact.version += 1
    contact.save()
    after = {"demands": "; ".join(demands), "promises": "; ".join(each.words for each in promises)}
    after = {name: words for name, words in after.items() if words}
    _keep(contact, dict.fromkeys(after, ""), after, reason, actor, now)
    facts = write_up.said(contact, demands, promises, now, **numbers, grade="entered")
    ledger.tell(facts, actor=actor, now=now, bank=bank)
    return contact


def known_before(
    customer: Customer, *, met: bool = False, called: bool = False, actor: Actor, now: datetime, bank: Bank
) -> Acquaintance:
    """早已认识: they met, or talked, before Zhike kept count. Said after a contact that was taken for the first, that is told anew as
    a later one, and what is still owed for it follows; what was done stays.
    """
    known = Acquaintance.objects.attest(customer, actor, met=met, called=called)
    first_anew(customer.pk, KNOWN_BEFORE, actor=actor, now=now, bank=bank)
    return known


def first_anew(
    customer: int, reason: str, *, actor: Actor, now: datetime, bank: Bank, but: Contact | None = None
) -> None:
    """Which of the contacts with a customer are the first, after their history was corrected: where it changed, the ending is
    told anew, and with it the text of thanks that are still owed. ``but``: told anew by whoever asks.
    """
    for contact in firsts.changed(customer, bank):
        if but is not None and contact.pk == but.pk:
            contact, but.first = but, contact.first
        contact.save(update_fields=["first"])
        if contact is not but and firsts.connected(contact):
            _reckon(contact, actor, now, bank)
            _find_anew(contact, reason, bank)


def _check_times(contact: Contact, now: datetime) -> None:
    """It ends after it starts; and one is at the door before one talks."""
    if contact.started_at is None or contact.ended_at is None:
        return
    if not contact.started_at <= contact.ended_at <= now:
        words = Words("结束时间须在开始之后、现在之前。", "It ends after it starts, and before now.")
        raise Blocked([Verdict(_clause(contact), "times", "block", words, "ended_at")])
    if contact.arrived_at is not None and contact.arrived_at > contact.started_at:
        words = Words("到门口的时间须在开始之前。", "One is at the door before the talk starts.")
        raise Blocked([Verdict("V2", "times", "block", words, "arrived_at")])


def _check_call_back(contact: Contact) -> None:
    """A promised minute lies after the talk that promised it (C3, C4). Without one, none was agreed."""
    assert contact.ended_at is not None
    if contact.outcome not in {Outcome.ABSENT, Outcome.BUSY}:
        return
    found = call_outcome(
        outcome=contact.outcome, call_back=contact.call_back_at, no_time_agreed=True, now=contact.ended_at
    )
    if found:
        raise Blocked(found)


def _after_outcome(contact: Contact, before: Outcome, state: State, now: datetime) -> State:
    """A call that had connected after all owes its write-up (C6); one that had not, and waits for its own, is closed by its
    outcome.
    """
    after = Outcome(contact.outcome)
    if after.connected and not before.connected:
        contact.closed_at = None
        return follow("connect after all", contact)
    if contact.state == State.ENDED and not after.connected:
        contact.closed_at = now
        contact.drafts.all().delete()
        return follow("put off after all", contact)
    return state


@dataclass(frozen=True)
class Foreseen:
    """What an amendment would do to the ledger: what is withdrawn, newly owed, owed again, and done by it."""

    withdrawn: list[Obligation]
    owed: list[Obligation]
    again: list[Obligation]
    done: list[Obligation]

    @property
    def digest(self) -> str:
        """Changes with whatever is shown of it."""
        parts = (self.withdrawn, self.owed, self.again, self.done)
        return "; ".join(" ".join(f"{each.key}@{each.due}" for each in part) for part in parts)


def foreseen(
    contact: Contact, changes: Mapping[str, Any], *, reason: str, actor: Actor, now: datetime, bank: Bank
) -> Foreseen:
    """What :func:`amend` would do: it is done, looked at, and rolled back. Raises as it does. Inside a transaction alone."""
    rows = Obligation.objects.filter(customer_id=contact.customer_id).order_by("due", "id")
    before = {row.pk: row for row in rows}
    point = transaction.savepoint()
    try:
        amend(Contact.objects.get(pk=contact.pk), changes, reason=reason, actor=actor, now=now, bank=bank)
        after = list(rows.all())
    finally:
        transaction.savepoint_rollback(point)
    moved = [row for row in after if row.pk not in before or before[row.pk].state != row.state]
    withdrawn = [row for row in moved if row.state == Owes.WITHDRAWN]
    fresh = [row for row in moved if row.pk not in before]
    # What is asked anew and comes out the same has only changed its number.
    same = {(row.key, row.due, row.state) for row in fresh} & {
        (row.key, row.due, before[row.pk].state) for row in withdrawn
    }
    return Foreseen(
        withdrawn=[row for row in withdrawn if (row.key, row.due, before[row.pk].state) not in same],
        owed=[
            row for row in fresh if row.state in {Owes.OPEN, Owes.CANNOT} and (row.key, row.due, row.state) not in same
        ],
        again=[row for row in moved if row.pk in before and row.state in {Owes.OPEN, Owes.CANNOT}],
        done=[row for row in moved if row.state == Owes.DONE],
    )


def strike(contact: Contact, *, reason: str, actor: Actor, now: datetime, bank: Bank) -> Contact:
    """The contact never was: recorded by mistake. What it caused and is open is withdrawn, what it settled is open again; what
    the customer wanted and demanded at it, and the next contact that was planned at it, never were either.
    """
    _want_reason(reason)
    state = follow("strike", contact)
    _keep(contact, {"state": contact.state}, {"state": state}, reason, actor, now)
    contact.state, contact.cancelled_at, contact.cancelled_why = state, now, reason
    contact.version += 1
    contact.save()
    for fact in _told(contact).exclude(kind__in=SAID).order_by("id"):
        ledger.correct(fact, by=None, actor=actor, now=now, bank=bank)
    _findings(contact).update(void=True)
    heard = Need.objects.open().filter(customer_id=contact.customer_id, contact=contact.pk)
    heard.update(state=Need.State.LAPSED, closed_at=now, closed_why=reason)
    contact.demands.filter(state=Demand.State.OPEN).update(state=Demand.State.STRUCK, closed_at=now)
    for ahead in contact.followed_by.filter(state__in=[State.PLANNED, State.AGREED]):
        strike(ahead, reason=reason, actor=actor, now=now, bank=bank)
    recall(contact.customer_id, contact.held_by_id)
    first_anew(contact.customer_id, reason, actor=actor, now=now, bank=bank)
    return contact


def _told(contact: Contact) -> QuerySet[Kept]:
    """The facts about the contact, and about what was said at it, that stand."""
    about = Q(subject=contact.subject) | Q(subject__startswith=f"{contact.subject}/")
    return Kept.objects.filter(about, customer_id=contact.customer_id, void=False)


def _at(fact: Kept, moment: datetime, actor: Actor, now: datetime, bank: Bank) -> None:
    """The same was so at another moment."""
    anew = Fact(fact.kind, moment, now, fact.staff_id, fact.customer_id, fact.subject, fact.data, "entered")
    ledger.correct(fact, by=anew, actor=actor, now=now, bank=bank)


def _findings(contact: Contact) -> QuerySet[Finding]:
    return Finding.objects.filter(customer_id=contact.customer_id, subject=contact.subject, void=False)


def _find_anew(contact: Contact, reason: str, bank: Bank) -> None:
    """A call's findings follow its corrected time and outcome, whichever way they move."""
    if contact.kind != Kind.CALL or contact.started_at is None:
        return
    contact.afterwards, as_was = True, contact.afterwards
    verdicts = course.start_verdicts(contact, contact.started_at, "", bank)
    contact.afterwards = as_was
    standing = {finding.verdict: finding for finding in _findings(contact)}
    anew = {verdict.name: verdict for verdict in verdicts if verdict.effect == "warn"}
    gone = [finding.pk for name, finding in standing.items() if name not in anew]
    Finding.objects.filter(pk__in=gone).update(void=True)
    fresh = [verdict for name, verdict in anew.items() if name not in standing]
    course.keep_findings(fresh, contact, reason, contact.started_at, bank)


def _reckon(contact: Contact, actor: Actor, now: datetime, bank: Bank) -> None:
    """Tells the ending anew. A call-back that was promised goes with the outcome that promised it."""
    old = Kept.objects.filter(subject=contact.subject, kind__in=course.ENDINGS, void=False).first()
    if old is None or contact.started_at is None or contact.ended_at is None:
        return
    data = {**old.data, "first": bool(contact.first), "started": contact.started_at.isoformat()}
    if contact.kind == Kind.CALL:
        data["outcome"] = contact.outcome
        data["seconds"] = int((contact.ended_at - contact.started_at).total_seconds())
        data["call_back"] = _promised_anew(contact, actor, now, bank)
    anew = Fact(old.kind, contact.ended_at, now, old.staff_id, contact.customer_id, contact.subject, data, "entered")
    ledger.correct(old, by=anew, actor=actor, now=now, bank=bank)
    moments = {"arrived": contact.arrived_at, **dict.fromkeys(AT_THE_TALK, contact.ended_at)}
    for fact in _told(contact).filter(kind__in=moments):
        if (moment := moments[fact.kind]) and fact.at != moment:
            _at(fact, moment, actor, now, bank)
    contact.demands.update(at=contact.ended_at)
    Need.objects.filter(customer_id=contact.customer_id, contact=contact.pk).update(opened_at=contact.ended_at)
    contact.tier = course.tier_of(contact, bank)
    contact.save(update_fields=["tier"])
    recall(contact.customer_id, contact.held_by_id)


def _promised_anew(contact: Contact, actor: Actor, now: datetime, bank: Bank) -> str | None:
    """The call-back that the corrected outcome promises, told in place of the one that it had promised."""
    assert contact.ended_at is not None
    if contact.outcome not in {Outcome.ABSENT, Outcome.BUSY}:
        contact.call_back_at = None
        contact.save(update_fields=["call_back_at"])
    target = contact.call_back_at.isoformat() if contact.call_back_at else None
    old = Kept.objects.filter(subject=contact.subject, kind="call_back_promised", void=False).first()
    if old and (old.data["target"], old.data["outcome"]) == (target, contact.outcome):
        return target
    promise = None
    if target:
        promised = {"target": target, "outcome": contact.outcome, "words": contact.result_words}
        promise = Fact("call_back_promised", contact.ended_at, now, contact.answers_for, contact.customer_id, contact.subject,
                       promised, "entered")  # fmt: skip
    if old:
        ledger.correct(old, by=promise, actor=actor, now=now, bank=bank)
        # A leader was told that it had been missed, and that minute was never promised.
        for told in _told(contact).filter(kind="call_back_missed"):
            ledger.correct(told, by=None, actor=actor, now=now, bank=bank)
    elif promise:
        ledger.tell([promise], actor=actor, now=now, bank=bank)
    return target


def _keep(
    contact: Contact, before: Mapping[str, Any], after: Mapping[str, Any], reason: str, actor: Actor, now: datetime
) -> None:
    Amendment.objects.create(
        contact=contact,
        customer_id=contact.customer_id,
        at=now,
        by_id=actor.id,
        reason=reason,
        before=dict(before),
        after={name: _plain(value) for name, value in after.items()},
    )


def _want_reason(reason: str) -> None:
    if not reason.strip():
        words = Words("请写明更正的原因。", "Say why it is corrected.")
        raise Blocked([Verdict("R13", "no_reason", "block", words, "reason")])


def _clause(contact: Contact) -> str:
    return {"reception": "R13", "visit": "V6", "call": "C6"}[contact.kind]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
