"""Taking back (撤回) an arrival, a start or an end that was tapped by mistake: within ten minutes, and while nothing was recorded.

What was written up is amended and never taken back (:mod:`zhike.contacts.correction`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.obligations import ledger
from zhike.obligations.models import Fact, Finding
from zhike.obligations.models import State as Owed
from zhike.people.actor import Actor

from . import correction, course
from .history import recall
from .models import Contact, Outcome, State
from .states import follow

WITHIN = timedelta(minutes=10)
TOLD_AT_THE_END = (*course.ENDINGS, "call_back_promised")


def may_take_back(contact: Contact, now: datetime) -> bool:
    """Whether the last tap, the arrival, the start or the end, can still be taken back."""
    return _hindrance(contact, now) is None


def take_back(contact: Contact, *, reason: str, actor: Actor, now: datetime, bank: Bank) -> Contact:
    """A start goes back to the plan or the appointment, and never was where there was neither (``reason`` says so); an end goes
    back to the talk, and being at the door to being awaited there.

    Raises WrongState for any other contact, Refused after ten minutes and once something was recorded.
    """
    began = contact.state == State.UNDER_WAY
    verb = _verb(contact)
    state = follow(verb, contact)
    if hindrance := _hindrance(contact, now):
        raise hindrance
    if began and verb == "strike":
        return correction.strike(contact, reason=reason, actor=actor, now=now, bank=bank)
    kinds = TOLD_AT_THE_END if verb == "back to the talk" else ("arrived",)
    told = Fact.objects.filter(customer_id=contact.customer_id, subject=contact.subject, void=False, kind__in=kinds)
    for fact in told.order_by("id"):
        if not began or fact.at == contact.started_at:
            ledger.correct(fact, by=None, actor=actor, now=now, bank=bank)
    contact.state = state
    if verb == "not arrived":
        contact.arrived_at = None
        course.hold(contact, contact.rm_id)
    elif began:
        _not_begun(contact)
    else:
        _not_ended(contact)
    contact.version += 1
    contact.save()
    recall(contact.customer_id, contact.held_by_id)
    return contact


def _verb(contact: Contact) -> str:
    if contact.arrived_at and contact.state in {State.PLANNED, State.AGREED}:
        return "not arrived"
    if contact.state != State.UNDER_WAY:
        return "back to the talk"
    if contact.was_agreed:
        return "back to the appointment"
    return "back to the plan" if contact.planned_for else "strike"


def _not_begun(contact: Contact) -> None:
    """An arrival that the start stood for was none either, and a surprise visit that was not begun is no finding."""
    if contact.arrived_at == contact.started_at:
        contact.arrived_at = None
    course.hold(contact, contact.rm_id)
    contact.started_at, contact.was_agreed, contact.surprise_reason = None, None, ""
    kept = Finding.objects.filter(customer_id=contact.customer_id, subject=contact.subject, void=False)
    kept.update(void=True)


def _not_ended(contact: Contact) -> None:
    contact.ended_at = contact.closed_at = contact.call_back_at = contact.first = None
    contact.outcome = contact.tier = ""


def _hindrance(contact: Contact, now: datetime) -> Refused | None:
    if _verb(contact) == "not arrived":
        since, recorded = _told_arrived(contact), False
    elif contact.state == State.UNDER_WAY:
        since, recorded = contact.started_at, any(_moment(note["at"]) >= now - WITHIN for note in contact.notes)
    else:
        since, recorded = (
            contact.ended_at,
            (contact.state == State.CLOSED and not _put_off(contact)) or _answered(contact),
        )
    if since is None or recorded:
        return Refused(
            "已经有记录，不能撤回；记错了的请更正。",
            "Something was recorded already, so it stays. Amend what is wrong.",
        )
    if now - since > WITHIN:
        return Refused("已过十分钟，不能撤回。", "More than ten minutes ago: it stays.")
    return None


def _told_arrived(contact: Contact) -> datetime | None:
    """When it was said that somebody is at the door: the time itself may have been entered later."""
    told = Fact.objects.filter(customer_id=contact.customer_id, subject=contact.subject, void=False, kind="arrived")
    return told.order_by("id").values_list("known_at", flat=True).last()


def _answered(contact: Contact) -> bool:
    """What followed from the end has been done already: thanks were sent, the promised call-back was made."""
    followed = contact.customer.obligations.filter(subject=contact.subject, state=Owed.DONE)
    return followed.exclude(settling__subject=contact.subject).exists()


def _put_off(contact: Contact) -> bool:
    """A call that did not connect and was closed by its outcome alone."""
    outcome = contact.outcome in set(Outcome) and not Outcome(contact.outcome).connected
    return outcome and not contact.amendments.exists()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
