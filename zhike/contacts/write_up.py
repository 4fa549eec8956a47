"""The write-up (联系记录): what closes a contact. R13, R14, V6, C6, V7, W11.

    close(contact, form, actor=actor, now=now, bank=bank)

One query loads the case; one data-modifying statement writes contact, needs, demands, next contact and the ledger's entries,
and drops the draft. Closed, a write-up is amended (:mod:`zhike.contacts.correction`), never overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from zhike.conduct import guard
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact, Grade
from zhike.conduct.guard import Blocked, Verdict
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.conduct.words import Words
from zhike.obligations import ledger
from zhike.people.actor import Actor

from . import course
from .models import Contact
from .states import follow


@dataclass(frozen=True)
class NeedHeard:
    """A need (需求): a kind of :class:`zhike.customers.models.Need` and a word about it."""

    kind: str
    words: str = ""


@dataclass(frozen=True)
class NextContact:
    """The next contact, drafted: when, how and what for. Its time lies ahead. ``agreed``: the customer agreed to it."""

    kind: str
    at: datetime
    purpose: str = "need"
    words: str = ""
    place: str = ""
    agreed: bool = False


@dataclass(frozen=True)
class PromiseMade:
    """A promise (W11): what, to whom (customer, leader, department), by when; without a date the bank's setting proposes one."""

    words: str
    to: str = "customer"
    due: datetime | None = None


@dataclass(frozen=True)
class WriteUp:
    """What the RM wrote. ``learned``: profile fields by name; ``seen``: where met and seen off, card handed, invitation."""

    result: str = ""
    result_words: str = ""
    needs: Sequence[NeedHeard] = ()
    no_need: bool = False
    next: NextContact | None = None
    by_rhythm: bool = False
    learned: Mapping[str, Any] = field(default_factory=dict)
    demands: Sequence[str] = ()
    promises: Sequence[PromiseMade] = ()
    seen: Mapping[str, Any] = field(default_factory=dict)


SEEN = ("met_where", "seen_off", "card_handed", "invitation")


def rests_on_rhythm(contact: Contact, stopped: bool, bank: Bank) -> bool:
    """Whether "by rhythm" is a plan: the customer's tier has one. Where contact is ``stopped`` no plan is asked at all."""
    return stopped or bank.rhythm_of(contact.tier or contact.customer.tier).contact_days is not None


def verdicts(
    contact: Contact, form: WriteUp, *, open_needs: int, dead: bool, rhythm: bool, now: datetime
) -> list[Verdict]:
    """What still stands in the way of closing; the page shows it while one types. ``dead``: the customer has died;
    ``rhythm``: see :func:`rests_on_rhythm`.
    """
    found = guard.write_up(
        kind=contact.kind,
        result=form.result,
        needs=[need.kind for need in form.needs],
        no_need=form.no_need,
        open_needs=open_needs,
        # Nobody plans to meet the dead: what they wanted ends with them.
        planned=form.next is not None or dead,
        by_rhythm=form.by_rhythm,
        rhythm=rhythm,
        outcome=contact.outcome,
    )
    if form.next and dead:
        found.append(
            Verdict(
                "R13",
                "next_after_death",
                "block",
                Words("客户已经去世，不再安排下次联系。", "The customer has died: no next contact is planned."),
                "next",
            )
        )
    elif form.next and form.next.at <= now:
        found.append(
            Verdict(
                "R13",
                "next_in_the_past",
                "block",
                Words(
                    "下次联系的时间已经过去，请选将来的时间。",
                    "The next contact lies in the past. Choose a time ahead.",
                ),
                "next",
            )
        )
    elif form.next and too_far(form.next.at, now):
        found.append(Verdict("R13", "next_too_far", "block", TOO_FAR, "next"))
    if form.seen.get("invitation") == "accepted" and (form.next is None or form.next.kind != "reception"):
        found.append(
            Verdict(
                "C7",
                "invited_when",
                "block",
                Words(
                    "客户答应来行，请定下来行的时间。",
                    "The customer accepted the invitation: set when the visit to the bank is.",
                ),
                "next",
            )
        )
    return found + promise_verdicts(contact, form.promises, now)


def promise_verdicts(contact: Contact, promises: Sequence[PromiseMade], now: datetime) -> list[Verdict]:
    """A promise is due after the contact at which it was made, and not years ahead."""
    found = []
    for promise in promises:
        if promise.due and too_far(promise.due, now):
            found.append(Verdict("W11", "promise_too_far", "block", TOO_FAR, "promises"))
        if promise.due and promise.due <= (contact.ended_at or now):
            found.append(
                Verdict(
                    "W11",
                    "promise_in_the_past",
                    "block",
                    Words(
                        f"承诺“{promise.words}”的期限早于这次联系。",
                        f"The promise “{promise.words}” is due before the contact at which it was made.",
                    ),
                    "promises",
                )
            )
    return found


def close(contact: Contact, form: WriteUp, *, actor: Actor, now: datetime, bank: Bank) -> Contact:
    """Closes the contact with its write-up. Raises Blocked with all that is missing, WrongState if it is not to be written up.

    Everything that follows appears by itself: answers to demands (V7), promises (W11), the next contact; and the write-up
    that was owed is done.
    """
    state = follow("write up", contact)
    case, open_needs = _before(contact, bank)
    dead = case.person is not None and case.person.deceased_on is not None
    rhythm = rests_on_rhythm(contact, case.person is not None and case.person.stopped is not None, bank)
    found = verdicts(contact, form, open_needs=open_needs, dead=dead, rhythm=rhythm, now=now)
    if any(verdict.effect == "block" for verdict in found):
        raise Blocked(found)
    written = document(contact, form, case, state=state, actor=actor, now=now, bank=bank)
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, [json.dumps(written)])
        row = cursor.fetchone()
    if row is None:
        # Somebody else closed it between our reading and our writing.
        contact.refresh_from_db()
        follow("write up", contact)
        raise AssertionError
    _closed(contact, written["contact"], row[0], now)
    if form.learned:
        contact.customer.learn_all(form.learned, source="contact", contact=contact.pk, actor=actor, now=now)
    if form.next and form.next.agreed and form.next.kind == "visit":
        # An agreed visit owes an arrival (V2), which wants the new contact's own number.
        visit = contact.followed_by.latest("pk")
        course.agree(visit, at=form.next.at, place=form.next.place, actor=actor, now=now, bank=bank)
    return contact


def document(
    contact: Contact, form: WriteUp, case: Case, *, state: str, actor: Actor, now: datetime, bank: Bank
) -> dict[str, Any]:
    """All that the one statement writes: the contact, what was heard, the next contact, the ledger's entries."""
    entries = ledger.ask(list(_facts(contact, form, now)), case, actor=actor, now=now, bank=bank)
    return {**entries.document(), **_document(contact, form, state, actor, now)}


def _before(contact: Contact, bank: Bank) -> tuple[Case, int]:
    """The case and how many needs are open; one query."""
    with connection.cursor() as cursor:
        cursor.execute(BEFORE, [course.tier_day(contact, bank), contact.customer_id])
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"customer {contact.customer_id}")
    return ledger.case_from(row[0]), int(row[1])


def _closed(contact: Contact, written: Mapping[str, Any], version: int, now: datetime) -> None:
    """The contact in hand as the statement has left its row."""
    for name in ("state", "result", "result_words", "no_need", *SEEN):
        setattr(contact, name, written[name])
    contact.closed_at, contact.version = now, version


def _facts(contact: Contact, form: WriteUp, now: datetime) -> Sequence[Fact]:
    answers_for = contact.answers_for

    def fact(kind: str, **data: Any) -> Fact:
        return Fact(kind, now, now, answers_for, contact.customer_id, contact.subject, data)

    learned = [fact("field_learned", field=name) for name in form.learned]
    return [fact("written_up"), *said(contact, form.demands, form.promises, now), *learned]


def said(
    contact: Contact, demands: Sequence[str], promises: Sequence[PromiseMade], now: datetime, *,
    demands_before: int = 0, promises_before: int = 0, grade: Grade = "tapped",
) -> list[Fact]:  # fmt: skip
    """What the customer demanded and the RM promised, dated by the end of the talk; numbered after those that were written before."""
    ended = contact.ended_at
    assert ended is not None
    answers_for = contact.answers_for

    def fact(kind: str, about: str, **data: Any) -> Fact:
        subject = f"{contact.subject}/{about}"
        return Fact(kind, ended, now, answers_for, contact.customer_id, subject, data, grade)

    facts = [
        fact("demand_raised", f"demand:{number}", words=words, occasion=contact.kind)
        for number, words in enumerate(demands, demands_before + 1)
    ]
    for number, promise in enumerate(promises, promises_before + 1):
        target = {"target": promise.due.isoformat()} if promise.due else {}
        facts.append(fact("promise_made", f"promise:{number}", words=promise.words, to=promise.to, **target))
    return facts


def _document(contact: Contact, form: WriteUp, state: str, actor: Actor, now: datetime) -> dict[str, Any]:
    follows_up = form.next
    # C7: an accepted invitation is a planned reception that the RM invited to (R2 looks at that).
    invited = form.seen.get("invitation") == "accepted"
    return {
        "contact": {
            "id": contact.pk,
            "was": contact.state,
            "state": state,
            "result": form.result,
            "result_words": form.result_words,
            "no_need": form.no_need,
            "closed_at": now.isoformat(),
            "by_id": actor.id,
            **{name: form.seen.get(name, getattr(contact, name)) for name in SEEN},
        },
        "needs": [asdict(need) for need in form.needs],
        "demands": [{"number": number, "words": words} for number, words in enumerate(form.demands, 1)],
        "next": [
            {
                **asdict(follows_up),
                "at": follows_up.at.isoformat(),
                "state": "agreed" if invited or (follows_up.agreed and follows_up.kind != "visit") else "planned",
                "invited": invited,
            }
        ]
        if follows_up
        else [],
    }


BEFORE = f"""
SELECT {ledger.CASE_VALUE}, (SELECT count(*) FROM customers_need n WHERE n.customer_id = c.id AND n.state = 'open')
FROM customers_customer c WHERE c.id = %s
"""

STATEMENT = f"""
WITH doc AS (SELECT %s::jsonb AS d), {ledger.LEDGER}, closed AS (
    UPDATE contacts_contact c
    SET state = w.state, result = w.result, result_words = w.result_words, no_need = w.no_need, closed_at = w.closed_at,
        met_where = w.met_where, seen_off = w.seen_off, card_handed = w.card_handed, invitation = w.invitation,
        version = c.version + 1
    FROM doc, jsonb_to_record(d -> 'contact') AS w (
        id bigint, was text, state text, result text, result_words text, no_need boolean, closed_at timestamptz,
        met_where text, seen_off text, card_handed boolean, invitation text)
    WHERE c.id = w.id AND c.state = w.was
    RETURNING c.id, c.customer_id, c.rm_id, c.ended_at, c.version
), needs AS (
    INSERT INTO customers_need (customer_id, kind, words, state, opened_at, by_id, contact, closed_why)
    SELECT closed.customer_id, n.kind, n.words, 'open', closed.ended_at, (d -> 'contact' ->> 'by_id')::bigint, closed.id, ''
    FROM closed, doc, jsonb_to_recordset(d -> 'needs') AS n (kind text, words text)
), demands AS (
    INSERT INTO contacts_demand (contact_id, customer_id, number, words, at, state)
    SELECT closed.id, closed.customer_id, m.number, m.words, closed.ended_at, 'open'
    FROM closed, doc, jsonb_to_recordset(d -> 'demands') AS m (number int, words text)
), next AS (
    INSERT INTO contacts_contact (kind, state, customer_id, rm_id, held_by_id, follows_id, purpose, purpose_words, planned_for, place,
        invited_by_rm, customer_asked, told_customer, incoming, afterwards, surprise_reason, ticks, notes, grade, tier, outcome,
        met_where, seen_off, invitation, result, result_words, no_need, cancelled_for, cancelled_why, by_id, created_at, version)
    SELECT p.kind, p.state, closed.customer_id, closed.rm_id, closed.rm_id, closed.id, p.purpose, p.words, p.at, p.place,
        p.invited, false, p.state = 'agreed', false, false, '', '{{}}', '[]', 'tapped', '', '',
        '', '', '', '', '', false, '', '', (d -> 'contact' ->> 'by_id')::bigint, (d -> 'contact' ->> 'closed_at')::timestamptz, 1
    FROM closed, doc, jsonb_to_recordset(d -> 'next') AS p (
        kind text, at timestamptz, purpose text, words text, place text, state text, invited boolean)
), dropped AS (
    DELETE FROM contacts_draft USING closed WHERE contact_id = closed.id
)
SELECT version FROM closed
"""
