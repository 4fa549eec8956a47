"""What customers write back (上行): kept, told to the customer's manager as something to answer, obeyed where it is a no, and taken as
the rating where it answers the question how content they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from zhike.conduct import opting_out
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.words import Refused
from zhike.customers.models import Consent, Customer
from zhike.customers.vault import vault
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people import bank as people_bank
from zhike.people.actor import Actor
from zhike.people.typed import typed
from zhike.trail.models import note

from . import numbers, satisfaction
from .models import OptOut, Reply, ReplyPart
from .transports.transport import Reply as Came

# A long reply of which a part is missing becomes a reply as it is after so long.
INCOMPLETE = timedelta(minutes=5)
# A gateway that names no reply tells one again when our acknowledgement was lost.
AGAIN = timedelta(minutes=5)
SHOWN = 40  # characters of a reply in the row that asks for an answer


def take(gateway: str, came: Iterable[Came], now: datetime) -> None:
    """Keeps what came. What is told twice is kept once."""
    bank = people_bank.settings().now(now)
    for reply in came:
        if reply.part is None or reply.part[1] <= 1:
            keep(gateway, reply.sender, reply.text, reply.id, now, bank)
        else:
            _gather(gateway, reply, now, bank)


def keep(gateway: str, sender: str, text: str, name: str, now: datetime, bank: Bank) -> list[Reply]:
    """A reply of each customer who has this number; of nobody where none has; a rating, of whom was asked. Returns those that are new."""
    text = typed(text)  # whatever a telephone sends must not come back for ever because no table can hold it
    number, index = numbers.plain(sender), numbers.index(sender)
    if _is_kept(gateway, index, text, name, now):
        return []
    stops = opting_out.opt_out(text, bank)
    customers = list(Customer.objects.filter(mobile_index__in=numbers.indexes(sender), deceased_on=None).order_by("pk"))
    asked = satisfaction.answered(text, customers, sender, now, bank) if stops == "no" else None
    kept = []
    # A number that several share was asked about one of them: a digit answers that and nothing else.
    whose: list[Customer | None] = [asked.customer] if asked else [*customers] or [None]
    for customer in whose:
        key = uuid4()
        reply = Reply(key=key, customer=customer, gateway=gateway, name=name, sender_index=index, stops=stops, at=now)
        reply.sender = vault().seal(number, f"sms_reply:sender:{key}")
        reply.text = text
        reply.save()
        kept.append(reply)
    if stops == "yes":
        opt_out(number, kept[0], text, now)
    elif asked is not None:
        satisfaction.rate(asked, kept[0], now, bank)
    else:
        for reply in kept:
            _ask_for_an_answer(reply, text, now, bank)
    return kept


def _is_kept(gateway: str, index: bytes, text: str, name: str, now: datetime) -> bool:
    """Whether it was told before: under its name, or, where the gateway names nothing, in the same words just now."""
    before = Reply.objects.filter(gateway=gateway, sender_index=index, name=name)
    if name:
        return before.exists()
    return any(reply.text == text for reply in before.filter(at__gte=now - AGAIN))


def opt_out(number: str, reply: Reply, evidence: str, now: datetime, *, by: Actor | None = None) -> None:
    """The number wants no marketing any more, at once and across the bank (S5): each customer who has it said no."""
    key = uuid4()
    OptOut.objects.create(
        key=key, number_index=numbers.index(number), number=vault().seal(number, f"sms_opt_out:number:{key}"), reply=reply,
        by_id=by.id if by else None, evidence=evidence, at=now,
    )  # fmt: skip
    customers = Customer.objects.filter(mobile_index__in=numbers.indexes(number))
    Consent.objects.bulk_create(
        Consent(
            customer=customer, purpose=Consent.Purpose.MARKETING, channel=Consent.Channel.SMS, given=False, evidence=evidence,
            source="sms", at=now, by_id=by.id if by else None,
        )
        for customer in customers
    )  # fmt: skip


def decide(reply: Reply, stops: bool, *, actor: Actor, now: datetime) -> Reply:
    """The RM says of a sentence with an opt-out word in it what the customer meant. Once said it stays; a new consent is another row."""
    moved = Reply.objects.filter(pk=reply.pk, stops=Reply.Stops.ASK, decided_at=None).update(
        stops=Reply.Stops.YES if stops else Reply.Stops.NO, decided_by=actor.id, decided_at=now
    )
    reply.refresh_from_db()
    if moved:
        note(action="decide", object="sms_reply", now=now, row_id=reply.pk, customer_id=reply.customer_id, stops=stops)
        if stops:
            number = vault().open(reply.sender, f"sms_reply:sender:{reply.key}")
            opt_out(number, reply, reply.text, now, by=actor)
    return reply


def wants_no_answer(owed: Obligation, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """What the customer wrote asked for nothing ("谢谢"): the fact says so from now on, and what was owed because of it is withdrawn,
    neither done nor late. Raises Refused for a bad rating (W9).
    """
    was = owed.fact
    if "rating" in was.data:
        raise Refused(
            "客户不满意，须问明原因并答复，不能当作无需答复。", "The customer is not content: ask why, and answer."
        )
    data = {**was.data, "asks": "nothing"}
    fact = Fact("reply_received", was.at, now, was.staff_id, was.customer_id, was.subject, data, "entered")
    ledger.correct(was, by=fact, actor=actor, now=now, bank=bank)


def _ask_for_an_answer(reply: Reply, text: str, now: datetime, bank: Bank) -> None:
    """W11: what a customer writes wants an answer; it closes with one, or with the RM's word that it wanted none."""
    customer = reply.customer
    if customer is None or customer.rm_id is None:
        return
    words = text.strip() if len(text.strip()) <= SHOWN else f"{text.strip()[:SHOWN]}…"
    data = {"words": words, "to": "customer"}
    fact = Fact("reply_received", now, now, customer.rm_id, customer.pk, f"reply:{reply.pk}", data, "observed")
    ledger.tell([fact], actor=None, now=now, bank=bank)


# ── long ones ───────────────────────────────────────────────────────────────────────────────────────────────────


def _gather(gateway: str, came: Came, now: datetime, bank: Bank) -> None:
    assert came.part is not None
    reference, of, number = came.part
    index, key = numbers.index(came.sender), uuid4()
    part = ReplyPart(gateway=gateway, sender_index=index, reference=reference, of=of, number=number, key=key, at=now)
    part.sender = vault().seal(numbers.plain(came.sender), f"sms_reply_part:sender:{key}")
    part.sealed = vault().seal(typed(came.text), part.place)
    ReplyPart.objects.bulk_create([part], ignore_conflicts=True)
    parts = list(
        ReplyPart.objects.select_for_update().filter(gateway=gateway, sender_index=index, reference=reference, of=of)
    )
    if len(parts) == of:
        _join(parts, now, bank)


def gather_incomplete(now: datetime) -> None:
    """What stays incomplete becomes a reply as it is: half a question is better than none."""
    bank = people_bank.settings().now(now)
    waiting = ReplyPart.objects.select_for_update(skip_locked=True).filter(at__lt=now - INCOMPLETE)
    groups: dict[tuple[str, bytes, int, int], list[ReplyPart]] = {}
    for part in waiting:
        groups.setdefault((part.gateway, bytes(part.sender_index), part.reference, part.of), []).append(part)
    for parts in groups.values():
        _join(parts, now, bank)


def _join(parts: Sequence[ReplyPart], now: datetime, bank: Bank) -> None:
    ordered = sorted(parts, key=lambda part: part.number)
    present = {part.number: vault().open(part.sealed, part.place) for part in ordered}
    text = "".join(present.get(number, "……") for number in range(1, ordered[0].of + 1))
    sender = vault().open(ordered[0].sender, f"sms_reply_part:sender:{ordered[0].key}")
    keep(ordered[0].gateway, sender, text, "", now, bank)
    ReplyPart.objects.filter(pk__in=[part.pk for part in parts]).delete()
