"""Deliveries (送达, W8): slips and papers carried to customers, from hand to hand, until somebody has received them.

    delivery = enter(12, "结息凭证", due=…, actor=actor, now=now, bank=bank)
    hand_on(delivery, 7, …); accept(delivery, …); come_back(delivery, "nobody", "家中无人", due=…, …)
    deliver(delivery, "王芳", picture=png, how="signed", …)

In the ledger a delivery is one obligation of whoever has it in hand: handed on, it goes along with whoever accepts it.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import BinaryIO

from django.db import connection
from django.db.models import Q, QuerySet

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.documents import filing
from zhike.documents.filing import Brought, Slip
from zhike.documents.formats import Unkept, recognise
from zhike.documents.models import Document, Label
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.models import Post, Staff
from zhike.people.permissions import SERVING, check
from zhike.people.turn import MOMENT, take_turn

from .delivery_states import follow
from .models.delivery import Delivery, Handling, How, State

PICTURES = ("png", "jpg", "heic")  # what shows a receipt


class Unfit(Refused):
    """A delivery that cannot be as it is told; ``field`` is what would mend it."""

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.field = field


def enter(
    customer: int, what: str, due: datetime, *, place: str = "", actor: Actor, now: datetime, bank: Bank
) -> Delivery:
    """Something is to be carried to a customer of one's own book; pressed twice it is one. Raises Unfit, naming the field."""
    check(actor, "deliveries.change")
    book = Customer.objects.visible_to(actor).filter(keeper__in=(actor.id, *actor.covers), closed_on=None)
    found = book.filter(pk=customer).first()
    if found is None:
        raise Unfit("customer", "请选自己名下的客户。", "Choose a customer of your own book.")
    what = what.strip()
    if not what:
        raise Unfit("what", "请写明送什么，如“3 月结息凭证”。", "Say what is to be delivered, such as “interest slip of March”.")  # fmt: skip
    _check_due(due, now)
    said = {"customer": found, "place": place.strip(), "what": what, "due": due, "by_id": actor.id}
    take_turn("deliveries", actor.id)
    if made := Delivery.objects.filter(**said, made_at__gt=now - MOMENT, state="to_carry").first():
        return made
    delivery = Delivery.objects.create(**said, recipient=found.name, made_at=now, holder_id=actor.id)
    delivery.handlings.create(kind=Handling.Kind.TAKEN, by_id=actor.id, at=now)
    said = {"words": what, "who": found.name, "target": due.isoformat()}
    fact = Fact("delivery_owed", now, now, actor.id, found.pk, delivery.subject, said)
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    return delivery


# ── from hand to hand ───────────────────────────────────────────────────────────────────────────────────────────────


def colleagues(actor: Actor, now: datetime, bank: Bank) -> list[tuple[int, str]]:
    """To whom it may be handed on: who serves customers in a unit in which one serves oneself. Id and name."""
    day = now.astimezone(bank.zone).date()
    serving = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), role__in=SERVING, from_day__lte=day)
    others = serving.filter(unit__in=serving.filter(staff=actor.id).values("unit")).exclude(staff=actor.id)
    found = Staff.objects.filter(pk__in=others.values("staff"), is_active=True).order_by("number")
    return list(found.values_list("pk", "name"))


def hand_on(delivery: Delivery, to: int, *, actor: Actor, now: datetime, bank: Bank) -> Delivery:
    """Offers it to a colleague. Until they accept it, it is in one's own hand and owed by oneself."""
    _check_hand(delivery, actor)
    state = follow("hand on", delivery)
    if to == delivery.holder_id or to not in {id for id, _name in colleagues(actor, now, bank)}:
        raise Unfit("to", "请选同机构的一位同事。", "Choose a colleague of your unit.")
    delivery.offered_to_id = to
    return _move(delivery, state)


def keep(delivery: Delivery, *, actor: Actor, now: datetime, bank: Bank) -> Delivery:
    """It was not taken: one carries it oneself after all."""
    _check_hand(delivery, actor)
    state = follow("keep", delivery)
    delivery.offered_to = None
    return _move(delivery, state)


def accept(delivery: Delivery, *, actor: Actor, now: datetime, bank: Bank) -> Delivery:
    """The colleague has it in hand, and owes it from now on."""
    if delivery.offered_to_id != actor.id:
        raise Refused("只有被转交的同事可以接手。", "Only the colleague to whom it is handed accepts it.")
    return _into_hand(delivery, follow("accept", delivery), actor, now)


def take(delivery: Delivery, *, actor: Actor, now: datetime, bank: Bank) -> Delivery:
    """The customer's RM has it in hand."""
    if not may_take(delivery, actor):
        raise Refused("只有该客户的客户经理可以收回。", "Only the customer's RM takes it into hand.")
    return _into_hand(delivery, follow("take", delivery), actor, now)


def may_take(delivery: Delivery, actor: Actor) -> bool:
    """Whether the customer is of one's own book and the paper in another's hand."""
    own = Customer.objects.visible_to(actor).filter(pk=delivery.customer_id, keeper=actor.id)
    return delivery.holder_id != actor.id and own.exists()


def _into_hand(delivery: Delivery, state: State, actor: Actor, now: datetime) -> Delivery:
    delivery.holder_id, delivery.offered_to = actor.id, None
    _move(delivery, state)
    delivery.handlings.create(kind=Handling.Kind.TAKEN, by_id=actor.id, at=now)
    _owed(delivery).update(owner=actor.id)
    return delivery


# ── at the door ─────────────────────────────────────────────────────────────────────────────────────────────────────


def deliver(
    delivery: Delivery, received_by: str, *, how: str, picture: bytes = b"", confirmed: bool = False,
    actor: Actor, now: datetime, bank: Bank,
) -> Delivery:  # fmt: skip
    """Received: by whom, shown by a signature or a photo, which becomes a document of the customer, or by the name that the carrier types
    and confirms. Raises Unfit and Unkept, naming the field.
    """
    _check_hand(delivery, actor)
    state = follow("deliver", delivery)
    received_by = received_by.strip()
    if how not in How.values:
        raise Unfit("how", "请选签名、拍照或键入姓名。", "Choose signature, photo or typed name.")
    if not received_by:
        raise Unfit("received_by", "请填写签收人姓名。", "Give the name of whoever received it.")
    if how == How.TYPED:
        if not confirmed:
            raise Unfit("confirmed", "请勾选：已当面交给签收人。", "Tick that it was handed to the receiver.")
    elif not picture:
        raise Unfit("drawn", "请让签收人在框内签名。", "Have the receiver sign in the frame.") if how == How.SIGNED else Unfit(
            "photo", "请拍照或选择一张照片。", "Take a photo or choose one."
        )  # fmt: skip
    else:
        delivery.receipt = _filed(delivery, picture, how, received_by, actor, now, bank)
    delivery.how, delivery.received_by, delivery.closed_at = how, received_by, now
    fact = Fact("delivered", now, now, delivery.holder_id, None, delivery.subject, {"how": how, "words": received_by})
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    return _move(delivery, state)


def _filed(
    delivery: Delivery, picture: bytes, how: str, received_by: str, actor: Actor, now: datetime, bank: Bank
) -> Document:
    """The picture as a document of the customer: a receipt, under deliveries."""
    file = io.BytesIO(picture)
    field = "drawn" if how == How.SIGNED else "photo"
    ending = next((each for each in PICTURES if _is(file, each)), None)
    if ending is None:
        raise Unfit(field, "请用 PNG、JPEG 或 HEIC 图片。", "Use a picture in PNG, JPEG or HEIC.")
    labels = {label.sort: label.pk for label in Label.objects.filter(key__in=["delivery", "receipt"])}
    today = now.astimezone(bank.zone).date()
    title = f"签收单 · {delivery.what} · {received_by}"
    slip = Slip(labels[Label.Sort.BUSINESS], labels[Label.Sort.KIND], today, title)
    brought = Brought(file, f"签收-{delivery.pk}.{ending}", len(picture))
    return filing.file(brought, slip, customer=_customer(delivery), actor=actor, now=now, bank=bank)


def _is(file: BinaryIO, ending: str) -> bool:
    try:
        recognise(file, f"receipt.{ending}")
    except Unkept:
        return False
    return True


def _customer(delivery: Delivery) -> Customer:
    """Into whose file the receipt goes: whoever carries for a colleague learns no more of the customer than that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, unit_id, rm_id FROM work_delivered_to(%s)", [delivery.pk])
        id, unit, rm = cursor.fetchone()
    return Customer(id=id, unit_id=unit, rm_id=rm)


def come_back(
    delivery: Delivery, kind: str, words: str, due: datetime | None, *, actor: Actor, now: datetime, bank: Bank
) -> Delivery:
    """Refused, or nobody met: why, and by when it is tried again. It stays owed, by the new date."""
    _check_hand(delivery, actor)
    state = follow("come back", delivery)
    if kind not in {Handling.Kind.REFUSED, Handling.Kind.NOBODY}:
        raise Unfit("kind", "请选拒收或无人。", "Choose refused or nobody met.")
    if not words.strip():
        raise Unfit("words", "请写明没有送达的原因。", "Say why it was not delivered.")
    if due is None:
        raise Unfit("due", "请写明改到什么时候之前。", "Say by when it is tried again.")
    _check_due(due, now)
    delivery.handlings.create(kind=kind, by_id=actor.id, at=now, words=words.strip(), due=due)
    _owed(delivery).update(due=due, target=due)
    delivery.due = due
    return _move(delivery, state)


def call_off(delivery: Delivery, why: str, *, actor: Actor, now: datetime, bank: Bank) -> Delivery:
    """It need not be delivered any more: nothing is owed, and why is kept."""
    _check_hand(delivery, actor)
    state = follow("call off", delivery)
    if not why.strip():
        raise Unfit("why", "请写明取消的原因。", "Say why it is called off.")
    delivery.why, delivery.closed_at, delivery.offered_to = why.strip(), now, None
    fact = Fact("delivery_called_off", now, now, delivery.holder_id, None, delivery.subject)
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    return _move(delivery, state)


# ── what they share ─────────────────────────────────────────────────────────────────────────────────────────────────


def in_hand(delivery: Delivery, actor: Actor) -> bool:
    """Whoever has it in hand, and whoever stands in for them today."""
    return delivery.holder_id == actor.id or delivery.holder_id in actor.covers


def _check_hand(delivery: Delivery, actor: Actor) -> None:
    check(actor, "deliveries.change")
    if not in_hand(delivery, actor):
        raise Refused("只有手里拿着的人可以这样做。", "Only whoever has it in hand does that.")


def _check_due(due: datetime, now: datetime) -> None:
    if due <= now:
        raise Unfit("due", "期限已经过去，请改为将来的时间。", "That time is over: give one that lies ahead.")
    if too_far(due, now):
        raise Unfit("due", TOO_FAR.zh, TOO_FAR.en)


def _owed(delivery: Delivery) -> QuerySet[Obligation]:
    return Obligation.objects.filter(subject=delivery.subject, kind="delivery", state__in=["open", "cannot"])


def _move(delivery: Delivery, state: State) -> Delivery:
    delivery.state, delivery.version = state, delivery.version + 1
    delivery.save(update_fields=CHANGES)
    return delivery


# What was entered, and to whom it goes, stays: PostgreSQL lets nothing else be changed.
CHANGES = ["due", "holder", "offered_to", "state", "how", "received_by", "receipt", "closed_at", "why", "version"]
