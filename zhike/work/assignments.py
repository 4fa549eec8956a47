"""Assignments (交办, W2): a leader entrusts, the receiver takes on or asks back, reports, hands in; the leader accepts or sends back.

In the ledger an assignment that was taken on and its promise are one obligation (W11). It closes only with the hand-in that was
accepted, and as of when that was handed in: how long the leader took to look is not the receiver's. While it lies before the leader it
has no deadline; sent back, it has a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.timezone import localdate

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.guard import Blocked, Verdict
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.conduct.words import Words
from zhike.documents import filing
from zhike.documents.filing import Brought
from zhike.documents.models import Document, Version
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.models import Post, Staff
from zhike.people.permissions import SERVING, Refused, check
from zhike.people.turn import take_turn

from .assignment_states import follow
from .models.assignment import Assignment, Entry, Every, State

MOST = 200  # receivers at once
NOBODY_ELSE = Words("只有接受交办的人可以这样做。", "Only whoever was given it does that.")
NOT_THE_LEADER = Words("只有接受人的现任主管可以这样做。", "Only who leads the receiver now does that.")


def give(
    staff: Sequence[int], what: str, counts_as_done: str, due: datetime, *,
    together: UUID, every: str = "", actor: Actor, now: datetime, bank: Bank,
) -> list[Assignment]:  # fmt: skip
    """Entrusts it to each of ``staff``, a row each. Raises Blocked, naming the field. ``together``: sent twice it is given once."""
    check(actor, "assignments.give")
    take_turn("assign", actor.id)  # of two clicks the second finds what the first gave
    if made := list(
        Assignment.objects.filter(together=together, by=actor.id, follows=None).select_related("staff", "by")
    ):
        return made
    whom = list(dict.fromkeys(staff))
    _stop(_wrong(whom, what, counts_as_done, due, every, actor, now))
    rows = [
        Assignment(
            together=together, by_id=actor.id, staff_id=each, what=what.strip(), counts_as_done=counts_as_done.strip(), due=due,
            every=every, on_day=_on_day(every, due.astimezone(bank.zone)), given_at=now,
        )
        for each in whom
    ]  # fmt: skip
    for row in rows:
        row.save()
        ledger.tell([given(row, now)], actor=actor, now=now, bank=bank)
    return rows


def given(row: Assignment, now: datetime) -> Fact:
    """The fact by which whoever receives it owes to take it on."""
    return Fact(
        "assigned", now, now, row.staff_id, None, row.subject, {"words": row.what, "target": row.due.isoformat()}
    )


def _on_day(every: str, due: datetime) -> int | None:
    return due.day if every == Every.MONTH else due.weekday() if every == Every.WEEK else None


def may_receive(actor: Actor, now: datetime) -> list[tuple[int, str, str]]:
    """Whom one leads: id, name and number, in the order of numbers."""
    led = [keeper for keeper in actor.directs if keeper > 0 and keeper != actor.id]
    day = localdate(now)
    serving = Post.objects.filter(staff__among=led, role__in=SERVING, from_day__lte=day).exclude(to_day__lte=day)
    found = Staff.objects.filter(pk__in=serving.values("staff"), is_active=True).order_by("number")
    return list(found.values_list("pk", "name", "number"))


def _wrong(
    staff: list[int], what: str, counts_as_done: str, due: datetime, every: str, actor: Actor, now: datetime
) -> list[Verdict]:
    found = []
    if not staff:
        found.append(_blocked("nobody", "staff", "请选交办给谁。", "Choose to whom."))
    elif len(staff) > MOST:
        found.append(_blocked("too_many", "staff", f"一次最多交办 {MOST} 人。", f"At most {MOST} people at once."))
    elif {each for each in staff if not actor.leads(each)} or not {
        each for each, _n, _m in may_receive(actor, now)
    }.issuperset(staff):
        found.append(_blocked("not_led", "staff", "只能交办给自己带的人。", "You can assign to those whom you lead."))
    if not what.strip():
        found.append(_blocked("no_words", "what", "请写明交办什么。", "Say what is to be done."))
    if not counts_as_done.strip():
        found.append(_blocked("no_measure", "counts_as_done", "请写明怎样算办完。", "Say what counts as done."))
    if every not in Every.values:
        found.append(
            _blocked("no_rhythm", "every", "请选只办一次、每周或每月。", "Choose once, every week or every month.")
        )
    return [*found, *_wrong_due(due, now)]


def _wrong_due(due: datetime | None, now: datetime) -> list[Verdict]:
    if due is None:
        return [_blocked("no_date", "due", "请写明什么时候之前。", "Say by when.")]
    if due <= now:
        return [
            _blocked(
                "in_the_past", "due", "期限已经过去，请改为将来的时间。", "That time is over: give one that lies ahead."
            )
        ]
    return [Verdict("W2", "too_far", "block", TOO_FAR, "due")] if too_far(due, now) else []


def _blocked(name: str, needs: str, zh: str, en: str) -> Verdict:
    return Verdict("W2", name, "block", Words(zh, en), needs)


def _stop(verdicts: list[Verdict]) -> None:
    if verdicts:
        raise Blocked(verdicts)


def _said(words: str) -> str:
    if not words.strip():
        raise Blocked([_blocked("no_words", "words", "请写明内容。", "Write what there is to say.")])
    return words.strip()


# ── whoever was given it ────────────────────────────────────────────────────────────────────────────────────────────


def take_on(row: Assignment, *, actor: Actor, now: datetime, bank: Bank) -> Assignment:
    """Accepts it: from now on it is owed by its date. A question that was open is open no more."""
    _check_own(row, actor)
    asked = row.state == State.ASKED
    state = follow("take on", row)
    facts = [_fact("assignment_taken_on", row, now, words=row.what, to="leader", target=row.due.isoformat())]
    if asked:
        facts.append(_looked_at(row, now))
    ledger.tell(facts, actor=actor, now=now, bank=bank)
    return _move(row, state)


def ask_back(row: Assignment, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Assignment:
    """Asks before accepting; the leader owes the answer."""
    _check_own(row, actor)
    state, words = follow("ask back", row), _said(words)
    row.hand_ins += 1
    _enter(row, Entry.Kind.QUESTION, words, actor, now)
    ledger.tell(
        [_fact("assignment_asked", row, now), _laid(row, words, now, asks=True)], actor=actor, now=now, bank=bank
    )
    return _move(row, state)


def report(row: Assignment, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Assignment:
    """How it stands, before it is done."""
    _check_own(row, actor)
    state = follow("report", row)
    _enter(row, Entry.Kind.REPORT, _said(words), actor, now)
    return _move(row, state)


def hand_in(
    row: Assignment,
    words: str,
    *,
    files: Sequence[Brought] = (),
    documents: Sequence[int] = (),
    actor: Actor,
    now: datetime,
    bank: Bank,
) -> Assignment:
    """What was done, with its documents: ``files`` are filed with the papers of the unit, ``documents`` are ids of what is filed already
    and in sight. The leader owes looking at it, and until then the work has no deadline of its own. Raises Unkept for a file that is not
    taken.
    """
    _check_own(row, actor)
    state, words = follow("hand in", row), _said(words)
    documents = [*_in_sight(documents, actor), *filing.file_beside(row.what, files, actor=actor, now=now, bank=bank)]
    row.hand_ins += 1
    row.handed_in_at = now
    _enter(row, Entry.Kind.HAND_IN, words, actor, now, documents=documents)
    ledger.tell([_laid(row, row.what, now, asks=False)], actor=actor, now=now, bank=bank)
    _owed(row).update(due=None, evidence={"handed_in": now.isoformat()})
    return _move(row, state)


def _in_sight(documents: Sequence[int], actor: Actor) -> list[int]:
    wanted = list(dict.fromkeys(documents))
    found = set(Document.objects.visible_to(actor).filter(pk__in=wanted, deleted_at=None).values_list("pk", flat=True))
    if len(wanted) > filing.PAPERS or found != set(wanted):
        said = Words(
            f"所附资料不存在、不可见或超过 {filing.PAPERS} 份。",
            f"A document is not there, not in sight, or they are more than {filing.PAPERS}.",
        )
        raise Blocked([Verdict("W2", "no_document", "block", said, "documents")])
    return wanted


def papers(entries: Sequence[Entry], actor: Actor) -> dict[int, Version]:
    """The documents that go with these entries, as far as the actor sees them, each in its newest version; one query."""
    wanted = {id for entry in entries for id in entry.documents}
    return filing.newest(Document.objects.visible_to(actor).filter(pk__in=wanted)) if wanted else {}


# ── the leader ──────────────────────────────────────────────────────────────────────────────────────────────────────


def answer(row: Assignment, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Assignment:
    """Answers the question; whoever asked owes again to take it on."""
    _check_leader(row, actor)
    state, words = follow("answer", row), _said(words)
    _enter(row, Entry.Kind.ANSWER, words, actor, now)
    facts = [_looked_at(row, now), _fact("assignment_answered", row, now, words=row.what, target=row.due.isoformat())]
    ledger.tell(facts, actor=actor, now=now, bank=bank)
    return _move(row, state)


def accept(
    row: Assignment, words: str = "", *, rating: int | None = None, actor: Actor, now: datetime, bank: Bank
) -> Assignment:
    """What was handed in will do: the obligation is done, as of when it was handed in. ``rating``: how content, 1 to 5 (W9)."""
    _check_leader(row, actor)
    state = follow("accept", row)
    if rating is not None and not 1 <= rating <= 5:
        raise Blocked(
            [Verdict("W9", "no_rating", "block", Words("满意度为 1 到 5。", "Contentment is from 1 to 5."), "rating")]
        )
    assert row.handed_in_at
    _enter(row, Entry.Kind.ACCEPTED, words.strip(), actor, now)
    _owed(row).update(due=row.due)
    handed_in = row.entries.filter(kind=Entry.Kind.HAND_IN).order_by("at", "pk").last()
    done = Fact(
        "assignment_done", row.handed_in_at, now, row.staff_id, None, row.subject,
        {"words": handed_in.words if handed_in else "", "how": "handed_in"},
    )  # fmt: skip
    ledger.tell([done, _looked_at(row, now)], actor=actor, now=now, bank=bank)
    row.rating, row.closed_at = rating, now
    return _move(row, state)


def send_back(
    row: Assignment, words: str, due: datetime | None, *, actor: Actor, now: datetime, bank: Bank
) -> Assignment:
    """It will not do: why, and by when it is handed in anew."""
    _check_leader(row, actor)
    state = follow("send back", row)
    if not words.strip():
        raise Blocked(
            [_blocked("no_reason", "words", "请写明为什么退回。", "Say why it is sent back."), *_wrong_due(due, now)]
        )
    _stop(_wrong_due(due, now))
    assert due
    _enter(row, Entry.Kind.SENT_BACK, words.strip(), actor, now, due=due)
    ledger.tell([_looked_at(row, now)], actor=actor, now=now, bank=bank)
    _owed(row).update(due=due, target=due, evidence={})
    row.sent_back += 1
    row.due = due
    return _move(row, state)


def call_off(row: Assignment, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Assignment:
    """It is not wanted any more: nothing is owed, and why is kept. What comes each week or month comes no more."""
    _check_leader(row, actor)
    state, words = follow("call off", row), _said(words)
    _enter(row, Entry.Kind.CALLED_OFF, words, actor, now)
    facts = [_fact("assignment_called_off", row, now), _fact("assignment_called_off", row, now, look=True)]
    ledger.tell(facts, actor=actor, now=now, bank=bank)
    row.every, row.closed_at = Every.ONCE, now
    return _move(row, state)


def stop_repeating(row: Assignment, *, actor: Actor, now: datetime, bank: Bank) -> Assignment:
    """This turn stays; none follows."""
    _check_leader(row, actor)
    row.every = Every.ONCE
    return _move(row, State(row.state))


# ── what they share ─────────────────────────────────────────────────────────────────────────────────────────────────


def may_judge(row: Assignment, actor: Actor) -> bool:
    """Who leads the receiver now: whoever gave it and leads elsewhere since has handed it on with them."""
    return actor.leads(row.staff_id)


def _check_own(row: Assignment, actor: Actor) -> None:
    check(actor, "assignments.change")
    if row.staff_id != actor.id:
        raise Refused(_in_words(NOBODY_ELSE), "assignments.change")


def _check_leader(row: Assignment, actor: Actor) -> None:
    check(actor, "assignments.give")
    if not may_judge(row, actor):
        raise Refused(_in_words(NOT_THE_LEADER), "assignments.give")


def _in_words(words: Words) -> str:
    from django.utils.translation import get_language

    return words.say(get_language() or "zh-hans")


def _fact(kind: str, row: Assignment, now: datetime, *, look: bool = False, **data: str) -> Fact:
    return Fact(kind, now, now, row.staff_id, None, row.look if look else row.subject, data)


def _laid(row: Assignment, words: str, now: datetime, *, asks: bool) -> Fact:
    data = {"words": f"{row.staff.name} · {words}", "asks": "question" if asks else ""}
    return Fact("assignment_laid_before", now, now, row.by_id, None, row.look, data)


def _looked_at(row: Assignment, now: datetime) -> Fact:
    return Fact("assignment_looked_at", now, now, row.staff_id, None, row.look, {})


def _owed(row: Assignment) -> QuerySet[Obligation]:
    return Obligation.objects.filter(subject=row.subject, kind="assignment", state="open")


def _enter(
    row: Assignment, kind: str, words: str, actor: Actor, now: datetime, *,
    due: datetime | None = None, documents: Sequence[int] = (),
) -> None:  # fmt: skip
    Entry.objects.create(
        assignment=row, kind=kind, by_id=actor.id, at=now, words=words, due=due, documents=list(documents)
    )


def _move(row: Assignment, state: State) -> Assignment:
    row.state, row.version = state, row.version + 1
    row.save(update_fields=CHANGES)
    return row


# What was entrusted to whom stays as it was: PostgreSQL lets nothing else be changed.
CHANGES = ["due", "every", "state", "handed_in_at", "hand_ins", "sent_back", "closed_at", "rating", "version"]
