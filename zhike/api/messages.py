"""Messages (短信): sent through the one gate, each with where it stands and why, segment by segment."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Query, Router

from zhike.api.answers import afresh
from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, locked, one, verb
from zhike.api.problems import field_invalid, problem, say
from zhike.api.shapes import Id, IdOut, In, Named, Out, Text
from zhike.conduct.words import Words
from zhike.customers.models import Customer
from zhike.obligations.models import Obligation
from zhike.people.models import Staff
from zhike.people.permissions import policy
from zhike.sms import gate, texts
from zhike.sms.models import Message, Wording

router = Router()

Kind = Literal["thanks", "call_back", "answer", "service", "question", "greeting", "marketing"]
State = Literal[
    "drafted",
    "waiting",
    "refused",
    "queued",
    "submitting",
    "submitted",
    "delivered",
    "undelivered",
    "unknown",
    "expired",
]


class WhyOut(Out):
    """Why a message is where it is; ``clause`` where one is the cause."""

    clause: str
    name: str
    words: str


class MessageRow(Out):
    """``not_before``: when it may leave at the earliest. ``parts``: how many segments, once it was cut. A greeting to many says what it says
    only once it leaves."""

    id: IdOut
    customer: Named
    kind: Kind
    text: str
    state: State
    why: WhyOut | None
    staff: Named
    by: Named | None
    obligation: IdOut | None
    wording: IdOut | None
    occasion: str
    through: str
    parts: int
    attempt: int
    not_before: datetime
    not_after: datetime | None
    created_at: datetime
    sent_at: datetime | None
    done_at: datetime | None


class SegmentOut(Out):
    """One short message of a text as it was submitted. ``held``: definitely not taken, it is tried again at ``retry_at``."""

    attempt: int
    number: int
    of: int
    state: Literal["submitting", "submitted", "delivered", "undelivered", "unknown", "expired", "held"]
    gateway: str
    name: str
    code: str
    meaning: str
    submitting_at: datetime
    answered_at: datetime | None
    receipt_at: datetime | None
    retry_at: datetime | None


class MessageOut(MessageRow):
    segments: list[SegmentOut]


class MessagesOut(Out):
    items: list[MessageRow]
    next: str | None


class MessageIn(In):
    """``text`` in one's own words, or left out: then ``wording`` says it, filled in for the customer. ``obligation``: what is done by it."""

    customer: Id
    kind: Kind
    text: Text = ""
    wording: Id | None = None
    obligation: Id | None = None


class SettlementIn(In):
    """What became of one of which nobody knew, and what shows it."""

    arrived: bool
    evidence: Text


class Filters(Page):
    customer: Id | None = None
    kind: Kind | None = None
    state: State | None = None


def rows(request: Desk) -> Any:
    return Message.objects.visible_to(request.actor).select_related("customer", "staff", "by")


def shown(found: Message) -> dict[str, Any]:
    plain = (
        "kind",
        "text",
        "state",
        "occasion",
        "through",
        "parts",
        "attempt",
        "not_before",
        "not_after",
        "created_at",
        "sent_at",
        "done_at",
    )
    why = found.why
    return {
        **{name: getattr(found, name) for name in plain},
        "id": found.pk,
        "customer": {"id": found.customer_id, "name": found.customer.name},
        "staff": {"id": found.staff_id, "name": found.staff.name},
        "by": {"id": found.by_id, "name": found.by.name} if found.by else None,
        "obligation": found.obligation_id,
        "wording": found.wording_id,
        "why": {"clause": why.get("clause", ""), "name": why.get("name", ""), "words": say(Words(why["zh"], why["en"]))} if why else None,
    }  # fmt: skip


def whole(request: Desk, id: int) -> dict[str, Any]:
    found = one(rows(request), id)
    plain = (
        "attempt",
        "number",
        "of",
        "state",
        "gateway",
        "name",
        "code",
        "submitting_at",
        "answered_at",
        "receipt_at",
        "retry_at",
    )
    segments = [
        {
            **{name: getattr(each, name) for name in plain},
            "meaning": say(Words(each.meaning["zh"], each.meaning["en"])) if each.meaning else "",
        }
        for each in found.segments.order_by("attempt", "number")
    ]
    return {**shown(found), "segments": segments}


def held(request: Desk, id: str) -> Message:
    """The message that a verb acts on: of a customer whom one may write to."""
    return locked(Message.objects.filter(customer__keeper__among=request.actor.writes), id)


@router.get("messages", response=MessagesOut)
@policy("messages.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Those to customers in one's scope, the newest first; of one customer, of a kind, in a state."""
    found = rows(request)
    for name in ("customer", "kind", "state"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, int):
        found = found.filter(id__lt=after[0])
    some, more = page(found.order_by("-id")[: asked.limit + 1], asked.limit, lambda each: (each.pk,))
    return {"items": [shown(each) for each in some], "next": more}


@router.get("messages/{id}", response=MessageOut)
@policy("messages.view")
def get(request: Desk, id: Id) -> Any:
    """One message with its segments."""
    return whole(request, int(id))


@router.post("messages", response={201: MessageOut})
@policy("messages.send")
def send(request: Desk, body: MessageIn) -> Any:
    """Into the queue, now or when quiet hours are over. What the gate refuses is answered as a problem, and kept."""
    customer = one(
        Customer.objects.filter(keeper__among=request.actor.writes).select_related("rm", "unit"), body.customer
    )
    obligation = _owed(request, customer, body.obligation)
    wording = _wording(request, body.wording)
    text = body.text.strip() or _worded(request, customer, obligation, wording)
    sent = gate.send(
        customer, body.kind, text, obligation=obligation, wording=wording,
        introduces=wording is not None and wording.template.introduces, **verb(request),
    )  # fmt: skip
    if sent.state == "refused":
        return _refused(request, sent)
    return whole(request, sent.pk)


def _owed(request: Desk, customer: Customer, id: str | None) -> Obligation | None:
    if id is None:
        return None
    found = Obligation.objects.visible_to(request.actor).filter(pk=int(id), customer=customer, state="open").first()
    if found is None:
        raise field_invalid(
            "obligation", say(Words("这位客户没有这项未办的应办。", "Nothing of this id is owed to this customer."))
        )
    return found


def _wording(request: Desk, id: str | None) -> Wording | None:
    if id is None:
        return None
    found = Wording.objects.in_use(request.actor.id).filter(pk=int(id)).first()
    if found is None:
        raise field_invalid(
            "wording", say(Words("没有这条措辞，或已停用。", "There are no such words, or they are out of use."))
        )
    return found


def _worded(request: Desk, customer: Customer, obligation: Obligation | None, wording: Wording | None) -> str:
    if wording is None:
        return ""
    staff = Staff.objects.get(pk=request.actor.id)
    if obligation is not None:
        settings = verb(request)
        return texts.worded(wording, obligation, staff, now=settings["now"], bank=settings["bank"])
    return texts.fill(wording.text, texts.values(customer, staff, verb(request)["bank"]))


def _refused(request: Any, sent: Message) -> HttpResponse:
    """The refusal is kept with the message although the answer is a problem; asked again, it is judged again."""
    request.keeps = True
    afresh(request)
    why = sent.why
    detail = say(Words(why["zh"], why["en"]))
    more: dict[str, Any] = {"clause": why.get("clause", "S5"), "message": str(sent.pk)}
    if why.get("name", "").startswith("text_"):
        more["errors"] = [{"field": "text", "detail": detail}]
    return problem(422, "blocked", detail, **more)


@router.post("messages/{id}/withdrawal", response=MessageOut)
@policy("messages.send")
def withdraw(request: Desk, id: Id) -> Any:
    """What waits, or is queued and not yet taken up, is a draft again."""
    found = held(request, id)
    gate.take_back(found, actor=request.actor, now=request.now)
    return whole(request, found.pk)


@router.post("messages/{id}/resending", response=MessageOut)
@policy("messages.send")
def resend(request: Desk, id: Id) -> Any:
    """Once more, although the customer may get it twice: a person's decision, of one that did not arrive, expired or is unknown."""
    found = held(request, id)
    gate.resend(found, **verb(request))
    return whole(request, found.pk)


@router.post("messages/{id}/settlement", response=MessageOut)
@policy("messages.send")
def settle(request: Desk, id: Id, body: SettlementIn) -> Any:
    """Of one that is unknown: whether it arrived, and what shows it."""
    found = held(request, id)
    gate.settle(found, body.arrived, body.evidence, actor=request.actor, now=request.now)
    return whole(request, found.pk)
