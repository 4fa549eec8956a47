"""Promises (承诺, W11): one line understood and confirmed before it is owed, a request refused, and what became of every promise.

A promise is an obligation of the kinds :data:`KINDS`; there is no second list. It was made in a write-up, asked for by a customer's
SMS, or typed in one line here, and it closes only with the answer given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db.models import Case, Count, F, Q, QuerySet, TextField, Value, When

from zhike.conduct import promised
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.guard import Blocked, Verdict
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.conduct.windows import promised_answer
from zhike.conduct.words import Words
from zhike.customers import names, search
from zhike.customers.models import Customer
from zhike.obligations import ledger
from zhike.obligations.models import Fact as Kept
from zhike.obligations.models import Obligation, State
from zhike.people.actor import Actor
from zhike.people.permissions import check
from zhike.people.turn import take_turn
from zhike.people.workdays import workdays

KINDS = ("promise", "assignment")
TO = ("customer", "leader", "department")
SOURCES = ("talk", "reply", "assignment", "prospect", "typed")
Source = Literal["talk", "reply", "assignment", "prospect", "typed"]
FATES = ("open", "late", "kept", "broken", "cannot")
Fate = Literal["open", "late", "kept", "broken", "cannot"]
MOST = 12  # customers offered

# What a company is not called by: where it is, what it trades in, its form.
_COMMON = re.compile(
    r"上海|北京|天津|重庆|广州|深圳|杭州|苏州|南京|宁波|无锡|成都|武汉|西安|长沙|青岛|厦门|中国|[\u4e00-\u9fff]{2,3}?[省市县区](?=[\u4e00-\u9fff]{4})"
    r"|有限|责任|股份|公司|集团|控股|贸易|科技|软件|纺织|实业|投资|建设|工程|电子|信息|技术|网络|餐饮|物流|机械|材料|食品|医药|管理|咨询|服务|工贸|商贸|制造|厂"
)


@dataclass(frozen=True)
class Understood:
    """What a line says to whoever typed it. ``customers``: whom it may mean in their own book, by what names them; ``by_default``: until
    when it is owed where no date is given.
    """

    reading: promised.Reading
    customers: Sequence[Customer]
    by_default: datetime


def understood(text: str, *, actor: Actor, now: datetime, bank: Bank) -> Understood:
    """Reads a line; nothing is owed yet. Looks among the customers of the actor's own book, and of those whom the actor covers."""
    check(actor, "promises.change")
    days = workdays()
    reading = promised.read(text, now=now, workdays=days, zone=bank.zone)
    return Understood(reading, whom(text, reading, actor, now, bank), promised_answer(now, bank, days).due)


def whom(text: str, reading: promised.Reading, actor: Actor, now: datetime, bank: Bank) -> list[Customer]:
    """The customers that a line may mean: by the whole name, else by the form of address, by surname and title, by pinyin, by what a
    company is called. Several: the person chooses.
    """
    book = Customer.objects.visible_to(actor).filter(rm__in=[actor.id, *actor.covers], deceased_on=None)
    known = list(book.order_by("sort_key", "pk").values_list("pk", "name", "honorific", "kind"))
    said = names.normal(text)
    whole = [id for id, name, _call, _kind in known if names.normal(name) in said]
    found = whole or [id for id, name, call, kind in known if _meant(name, call, kind, reading.name, text)]
    if not found and reading.name.isascii() and reading.name:
        found = [hit.id for hit in search.find(reading.name, actor, now, bank).hits if hit.mine or hit.covered]
    rows = {row.pk: row for row in book.filter(pk__in=found[:MOST])}
    return [rows[id] for id in found[:MOST] if id in rows]


def called(name: str) -> promised.Reading:
    """A name alone, as somebody looks for it."""
    return promised.Reading((), "", name.strip())


def _meant(name: str, call: str, kind: str, said: str, text: str) -> bool:
    if kind == "company":
        short = _COMMON.sub("", name)
        return len(short) > 1 and short in text
    if not said or said.isascii():
        return False
    surname, _given = names.split(name)
    return said in {call, name} or (call != "" and call in text) or said.startswith(surname) or said in name


def make(
    words: str,
    *,
    key: UUID,
    to: str,
    customer: Customer | None,
    due: datetime | None,
    actor: Actor,
    now: datetime,
    bank: Bank,
    typed: str = "",
) -> Obligation:
    """The promise as it was confirmed is owed: by whoever gave their word, for a customer whom one covers by the RM on leave. Without a
    ``due`` the bank's default holds. ``key``: the same one owes once, however often it is sent. Raises Blocked, naming the field.
    """
    check(actor, "promises.change")
    words = words.strip()
    _stop(_verdicts(words, to, customer, due, actor, now))
    subject = f"promise:{key}"
    take_turn("promise", actor.id)  # of two clicks the second finds what the first made
    if made := Obligation.objects.filter(subject=subject, kind="promise").exclude(state=State.WITHDRAWN).first():
        return made
    data: dict[str, Any] = {"words": words, "to": to}
    if due:
        data["target"] = due.isoformat()
    if typed.strip() and typed.strip() != words:
        data["typed"] = typed.strip()
    ledger.tell([_fact("promise_made", customer, subject, data, actor, now)], actor=actor, now=now, bank=bank)
    return Obligation.objects.get(subject=subject, kind="promise")


def refuse(
    words: str, why: str, *, key: UUID, to: str, customer: Customer | None, actor: Actor, now: datetime, bank: Bank
) -> Kept:
    """A request that was not promised owes nothing; that it was refused is kept, with why where that is told."""
    check(actor, "promises.change")
    words, subject = words.strip(), f"request:{key}"
    _stop(_verdicts(words, to, customer, None, actor, now))
    take_turn("promise", actor.id)
    if (told := Kept.objects.filter(subject=subject).first()) is None:
        data = {"words": words, "to": to, "reason": why.strip()}
        ids = ledger.tell(
            [_fact("request_refused", customer, subject, data, actor, now)], actor=actor, now=now, bank=bank
        )
        told = Kept.objects.get(pk=ids[0])
    return told


def _fact(
    kind: str, customer: Customer | None, subject: str, data: dict[str, Any], actor: Actor, now: datetime
) -> Fact:
    whose = customer.rm_id if customer and customer.rm_id in actor.covers else actor.id
    assert whose is not None
    return Fact(kind, now, now, whose, customer.pk if customer else None, subject, data)


def _verdicts(
    words: str, to: str, customer: Customer | None, due: datetime | None, actor: Actor, now: datetime
) -> list[Verdict]:
    def blocked(name: str, needs: str, said: Words) -> Verdict:
        return Verdict("W11", name, "block", said, needs)

    found = []
    if not words:
        found.append(blocked("no_words", "words", Words("请写明答应了什么。", "Say what was promised.")))
    if to not in TO:
        found.append(blocked("no_receiver", "to", Words("请选答应了谁。", "Say to whom it was promised.")))
    if to == "customer" and customer is None:
        found.append(blocked("no_customer", "customer", Words("请选是哪位客户；不是客户的，选领导或部门。", "Choose the customer; or a leader or department where it is none.")))  # fmt: skip
    if customer is not None and customer.keeper not in actor.writes:
        found.append(
            blocked("not_yours", "customer", Words("这位客户不在您的管户中。", "This customer is not in your book."))
        )
    if customer is not None and customer.deceased_on is not None:
        found.append(blocked("deceased", "customer", Words("这位客户已去世，不能再记承诺。", "This customer has died; nothing is promised any more.")))  # fmt: skip
    if due is not None and due <= now:
        found.append(blocked("promise_in_the_past", "due", Words("期限已经过去，请改为将来的时间。", "That time is over: give one that lies ahead.")))  # fmt: skip
    if due is not None and too_far(due, now):
        found.append(blocked("promise_too_far", "due", TOO_FAR))
    return found


def _stop(verdicts: list[Verdict]) -> None:
    if verdicts:
        raise Blocked(verdicts)


# ── what became of them ─────────────────────────────────────────────────────────────────────────────────────────────


def of(actor: Actor, now: datetime) -> QuerySet[Any]:
    """Every promise in sight with its ``fate``: open, late, kept in time, broken (answered after its time, or let go), or cannot be
    kept any more; and its ``source``: where it was given. What was withdrawn, because it never was, is none.
    """
    rows = Obligation.objects.visible_to(actor).filter(kind__in=KINDS).exclude(state=State.WITHDRAWN)
    return rows.annotate(fate=fate(now), source=source())


def source() -> Case:
    """As SQL: in a talk with a customer, by a customer's SMS that asks something, with an assignment, in a talk with a prospect, or
    typed in one line.
    """
    return Case(
        When(kind="assignment", then=Value("assignment")),
        When(fact__kind="reply_received", then=Value("reply")),
        When(subject__startswith="prospect:", then=Value("prospect")),
        When(subject__startswith="promise:", then=Value("typed")),
        default=Value("talk"),
        output_field=TextField(),
    )


def fate(now: datetime) -> Case:
    """As SQL; at 24:00 the day is over, while a minute that was named still counts itself."""
    in_time = Q(due=None) | Q(settled_at__lt=F("due")) | Q(settled_at=F("due"), due_counts=True)
    coming = Q(due=None) | Q(due__gt=now) | Q(due=now, due_counts=True)
    return Case(
        When(Q(state=State.OPEN) & coming, then=Value("open")),
        When(state=State.OPEN, then=Value("late")),
        When(Q(state=State.DONE) & in_time, then=Value("kept")),
        When(state__in=[State.DONE, State.WAIVED, State.MISSED], then=Value("broken")),
        default=Value("cannot"),
        output_field=TextField(),
    )


def counted(rows: QuerySet[Any]) -> dict[str, int]:
    """How many of each fate; one query."""
    found = dict(rows.order_by().values_list("fate").annotate(n=Count("pk")))
    return {name: found.get(name, 0) for name in FATES}


def refused(actor: Actor) -> QuerySet[Kept]:
    """The requests that were not promised, of those whom one sees."""
    seen = Q(staff__among=actor.oversees) | Q(customer__keeper__among=actor.sees)
    return Kept.objects.filter(seen, kind="request_refused", void=False)


# ── taken back ──────────────────────────────────────────────────────────────────────────────────────────────────────

BACK_WITHIN = timedelta(minutes=10)


def may_take_back(made: Obligation, actor: Actor, now: datetime) -> bool:
    """Whoever typed it, for ten minutes, while nothing came of it: afterwards it is a promise, and only a leader lets it go."""
    fact = made.fact
    return (
        made.subject.startswith("promise:")
        and made.state == State.OPEN
        and fact.by_id == actor.id
        and now - fact.known_at <= BACK_WITHIN
    )


def take_back(made: Obligation, *, actor: Actor, now: datetime, bank: Bank) -> Obligation:
    """It was typed by mistake: it never was."""
    if not may_take_back(made, actor, now):
        said = Words(
            "记下十分钟后不能再撤回；确需放下，请主管豁免。",
            "After ten minutes it stands; to let it go, ask your leader.",
        )
        raise Blocked([Verdict("W11", "too_late_to_take_back", "block", said)])
    ledger.correct(made.fact, by=None, actor=actor, now=now, bank=bank)
    made.refresh_from_db()
    return made
