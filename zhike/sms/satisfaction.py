"""Asking customers how content they are (满意度询问, W9): by SMS, the day after a contact that the bank asks about; one digit is the answer.

    ask(day, now, bank)                        # the night's part: puts the questions into the queue
    found = answered("5", customers, …)        # the question that a reply answers, if it does

A question is a message like any other: it passes the gate and the journal, in a lane of its own behind everything else. Nobody chooses
whom to ask, and nobody takes a question back: a figure that its subject can prune is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from zhike.conduct import messages, satisfied
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.customers.vault import Unopened, vault
from zhike.obligations import ledger
from zhike.obligations.models import Fact as Kept
from zhike.people import leaders
from zhike.people.actor import Actor
from zhike.people.models import Staff

from . import gate, numbers, texts
from .models import Kind, Lane, Message, Question, Reply, State, Wording

# A contact that is recorded some days afterwards is asked about still; who remembers an older one?
REMEMBERED = timedelta(days=3)
SLICE = 500

HELD_BACK = {
    "name": "question_hour", "zh": "满意度询问，联系后次日发。", "en": "A question how content one is leaves the day after the contact.",
}  # fmt: skip
# What the answer to a bad rating is about, in the language of whom one writes to.
ABOUT = {texts.CHINESE: "您对我们服务的评价", texts.ENGLISH: "how you rated our service"}


def ask(day: date, now: datetime, bank: Bank) -> tuple[int, int]:
    """Puts a question into the queue for each customer who is to be asked on ``day``; the night's sweep of that very day calls it. It owes nobody
    anything: (0, 0). Twice is as once.
    """
    bank = bank.at(now)
    if bank.satisfaction_after and day == now.astimezone(bank.zone).date():
        found = _to_be_asked(day, bank)
        for begin in range(0, len(found), SLICE):
            _ask(found[begin : begin + SLICE], day, now, bank)
    return 0, 0


@dataclass(frozen=True, slots=True)
class _Held:
    """A contact that is asked about, and who held it."""

    customer: int
    subject: str
    kind: str
    at: datetime
    staff: int


def _to_be_asked(day: date, bank: Bank) -> list[_Held]:
    """Of each customer, and of each number, the last contact of the days before; nobody who, or whose number, was asked not long ago. A
    number that a colleague calls their own is nobody's customer.
    """
    midnight = datetime.combine(day, time(), bank.zone)
    own = [numbers.index(phone) for phone in Staff.objects.exclude(phone="").values_list("phone", flat=True)]
    kinds = [name for name, kind in satisfied.ENDINGS.items() if kind in bank.satisfaction_after]
    with connection.cursor() as cursor:
        since = midnight - timedelta(days=bank.satisfaction_every)
        cursor.execute(TO_BE_ASKED, [kinds, midnight - REMEMBERED, midnight, own, since])
        return sorted((_Held(*row) for row in cursor.fetchall()), key=lambda each: (each.at, each.subject))


# The last word on service messages is a no. Nobody needs to have said yes: the law asks that of greetings and of what sells.
SAID_NO = """coalesce((SELECT NOT s.given FROM customers_consent s WHERE s.customer_id = {customer} AND s.purpose = 'service'
        AND s.channel IN ('sms', 'any') ORDER BY s.at DESC, s.id DESC LIMIT 1), false)"""
TO_BE_ASKED = f"""
SELECT DISTINCT ON (c.mobile_index) c.id, f.subject, f.kind, f.at, coalesce((f.data ->> 'served_by')::bigint, f.staff_id)
FROM obligations_fact f JOIN customers_customer c ON c.id = f.customer_id
WHERE f.kind = ANY (%s::text[]) AND NOT f.void AND f.at >= %s AND f.at < %s
    AND (f.kind <> 'call_ended' OR f.data ->> 'outcome' = 'reached')
    AND c.mobile_index IS NOT NULL AND c.mobile_index <> ALL (%s::bytea[]) AND c.deceased_on IS NULL
    AND NOT EXISTS (SELECT FROM sms_question q WHERE q.subject = f.subject)
    AND NOT EXISTS (SELECT FROM sms_question q JOIN sms_message m ON m.id = q.message_id
        WHERE (q.customer_id = c.id OR q.number_index = c.mobile_index) AND q.asked_at > %s AND (m.live OR m.sent_at IS NOT NULL))
    AND NOT {SAID_NO.format(customer="c.id")}
ORDER BY c.mobile_index, f.at DESC, f.id DESC"""  # noqa: S608 our own text


def _ask(some: Sequence[_Held], day: date, now: datetime, bank: Bank) -> None:
    at = max(now, datetime.combine(day, bank.satisfaction_at, bank.zone))
    customers = Customer.objects.select_related("rm", "unit").in_bulk([each.customer for each in some])
    staff = Staff.objects.in_bulk([each.staff for each in some])
    whom = gate.addressees(customers, at, bank)
    words = _words()
    asked: list[tuple[_Held, Message, str]] = []
    for each in some:
        customer, holder = customers[each.customer], staff[each.staff]
        wording = words.get(texts.language_of(customer)) or words.get(texts.CHINESE)
        if wording is None:
            continue
        message = _message(each, customer, holder, whom[each.customer], wording, at, now, bank)
        with suppress(Unopened):  # a number that does not open cannot be written to either
            if message is not None:
                asked.append((each, message, whom[each.customer].number))
    with transaction.atomic():
        Message.objects.bulk_create([message for _each, message, _number in asked])
        Question.objects.bulk_create(
            [_question(each, message, number, customers[each.customer], now) for each, message, number in asked]
        )


def _words() -> dict[str, Wording]:
    """The bank's words in use, by language."""
    rows = Wording.objects.filter(
        state=Wording.State.APPROVED, template__retired_at=None, template__kind=Kind.QUESTION, template__owner=None
    )
    return {row.template.language: row for row in rows.select_related("template").order_by("-template__pk")}


def _message(
    held: _Held, customer: Customer, holder: Staff, whom: gate.Addressee, wording: Wording, at: datetime, now: datetime, bank: Bank
) -> Message | None:  # fmt: skip
    """The question as it waits; None where the guards would not let it leave, or its words lack a value: then nobody is asked."""
    leaves = at.astimezone(bank.zone).date()
    day = texts.day_called(held.at.astimezone(bank.zone).date(), leaves, wording.template.language)
    try:
        text = texts.fill(wording.text, texts.values(customer, holder, bank, day=day))
        gate.check_length(messages.dressed(text, Kind.QUESTION, bank, texts.bank_name()))
    except Refused:
        return None
    judged = messages.judge(Kind.QUESTION, text, whom.recipient, now=at, bank=bank)
    if judged.blocked:
        return None
    begins = judged.wait.until if judged.wait else at
    message = Message(
        customer=customer, staff_id=customer.rm_id or held.staff, wording=wording, kind=Kind.QUESTION, lane=Lane.QUESTIONS, created_at=now,
        state=State.WAITING, why=HELD_BACK, not_before=begins, not_after=begins + gate.WANTED,
    )  # fmt: skip
    message.text = text
    return message


def _question(held: _Held, message: Message, number: str, customer: Customer, now: datetime) -> Question:
    question = Question(
        customer=customer, subject=held.subject, about=satisfied.ENDINGS[held.kind], staff_id=held.staff,
        message=message, held_at=held.at, asked_at=now, number_index=numbers.index(number),
    )  # fmt: skip
    question.number = vault().seal(numbers.plain(number), f"sms_question:number:{question.key}")
    return question


def unwanted(questions: Iterable[int]) -> dict[int, dict[str, str]]:
    """Which of these messages are not to leave after all, and why: the contact that one asks about was struck, the customer said no to service
    messages meanwhile, or has another number by now: nobody would know whose answer it is.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNWANTED, [list(satisfied.ENDINGS), list(questions)])
        rows = cursor.fetchall()
    return {message: (STRUCK, REFUSED, MOVED)[why.index(True)] for message, *why in rows if any(why)}


STRUCK = {
    "name": "struck", "zh": "所问的那次联系已撤销，没有发出。", "en": "The contact that it asks about was struck: it did not leave.",
}  # fmt: skip
REFUSED = {
    "name": "service_refused", "zh": "客户不同意接收服务短信，没有发出。", "en": "The customer said no to service messages: it did not leave.",
}  # fmt: skip
MOVED = {
    "name": "other_number", "zh": "客户的号码已更改，没有发出。", "en": "The customer has another number by now: it did not leave.",
}  # fmt: skip
# A contact whose times were corrected has another ending; one that was struck has none.
UNWANTED = f"""
SELECT q.message_id, NOT EXISTS (SELECT FROM obligations_fact f WHERE f.subject = q.subject AND f.kind = ANY (%s::text[]) AND NOT f.void),
    {SAID_NO.format(customer="q.customer_id")}, c.mobile_index IS DISTINCT FROM q.number_index
FROM sms_question q JOIN customers_customer c ON c.id = q.customer_id WHERE q.message_id = ANY (%s::bigint[])"""  # noqa: S608 our own text


def ratings(actor: Actor, owners: Sequence[int], since: datetime, until: datetime) -> list[tuple[int, int | None]]:
    """Of each question that left about a contact that ended in the period: who held it, and the rating, None without an answer. A contact
    that was struck is none, unless the customer answered: whoever held it strikes it, and would strike what was rated badly. As far as the
    actor may see; one query.
    """
    rows = Question.objects.visible_to(actor).filter(staff__among=sorted(owners), held_at__gte=since, held_at__lt=until)
    ended = Kept.objects.filter(subject=OuterRef("subject"), kind__in=list(satisfied.ENDINGS), void=False)
    found = rows.filter(Q(rating__isnull=False) | Exists(ended), message__sent_at__isnull=False).order_by(
        "held_at", "pk"
    )
    return list(found.values_list("staff_id", "rating"))


# ── what comes back ─────────────────────────────────────────────────────────────────────────────────────────────


def answered(text: str, customers: Sequence[Customer], sender: str, now: datetime, bank: Bank) -> Question | None:
    """The question that a reply answers, with its rating, locked: a digit of the scale and nothing else, from the number that was asked and is
    the customer's still, in time. The first digit stands: who is asked to think better of it is not asked how content they are. The same
    once more says nothing new and is no other reply; another digit is, and a person reads it.
    """
    value = satisfied.rating(text)
    if value is None:
        return None
    asked = (
        Question.objects.select_for_update(of=("self",))
        .filter(number_index__in=numbers.indexes(sender), customer__in=customers, message__sent_at__lte=now)
        .select_related("message", "customer")
        .order_by("-asked_at")
        .first()
    )
    if asked is None or asked.message.sent_at is None or now > satisfied.answers_until(asked.message.sent_at, bank):
        return None
    if asked.rating is None:
        asked.rating, asked.answered_at = value, now
    return asked if asked.rating == value else None


def rate(asked: Question, reply: Reply, now: datetime, bank: Bank) -> None:
    """Keeps the rating. A bad one is not left at that: whoever looks after the customer owes an answer, as to any reply, and their leader
    looks into it (W9, the bank's rule).
    """
    if asked.reply_id is not None:
        return
    asked.reply = reply
    asked.save(update_fields=["rating", "answered_at", "reply"])
    assert asked.rating is not None
    if asked.rating > satisfied.LOW:
        return
    customer, facts = asked.customer, []
    told: dict[str, Any] = {"rating": asked.rating}
    if customer.rm_id is not None:
        said = {**told, "words": ABOUT.get(texts.language_of(customer), ABOUT[texts.CHINESE]), "to": "customer"}
        facts.append(
            Fact("reply_received", now, now, customer.rm_id, customer.pk, f"reply:{reply.pk}", said, "observed")
        )
    day = now.astimezone(bank.zone).date()
    looks_after = customer.rm_id or asked.staff_id  # their leader sees the customer
    if leader := leaders.leaders([looks_after], day).get(looks_after):
        said = {**told, "words": Staff.objects.get(pk=asked.staff_id).name}
        subject = f"question:{asked.pk}/leader:{leader}"
        facts.append(Fact("rated_low", now, now, leader, customer.pk, subject, said, "observed"))
    if facts:
        ledger.tell(facts, actor=None, now=now, bank=bank)
