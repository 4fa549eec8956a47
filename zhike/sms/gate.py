"""The one gate that every message passes, on its way into the queue and again on its way out (S5).

What stops a message is kept with it, with the clause or rule: a refusal is an answer too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.guard import Verdict
from zhike.conduct.messages import Judgement, Recipient
from zhike.conduct.suitability import Assessment, unsuited
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.customers.vault import Unopened, place, vault
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.permissions import Refused as NotAllowed
from zhike.trail.models import note

from . import journal, outcome, texts
from .models import Kind, Lane, Message, State, Wording
from .segments import measure

# What one writes to one customer is no longer wanted when it could not leave for so long (the gateway was away).
WANTED = timedelta(hours=24)
LONGEST = 10  # segments

LANES = {Kind.GREETING: Lane.GREETINGS, Kind.MARKETING: Lane.MARKETING}


@dataclass(frozen=True)
class Addressee:
    """A customer as the gate sees them: the number, still sealed, and what the guards look at."""

    customer: int
    mobile: str
    recipient: Recipient
    assessed: Assessment

    @property
    def number(self) -> str:
        """The mobile number in clear."""
        return vault().open(self.mobile, place("mobile", self.customer))


@dataclass(frozen=True)
class Offer:
    """What a campaign's message tells of: the product's risk, for which tiers it is meant, until when, and whether it was stopped."""

    risk: str
    tiers: tuple[str, ...]
    ends_at: datetime
    stopped: bool

    def over(self, now: datetime) -> bool:
        return self.stopped or now >= self.ends_at


class OnItsWay(Refused):
    """What is owed has a message already that is on its way or has arrived."""

    def __init__(self) -> None:
        super().__init__(
            "这一项已有一条短信在发送或已送达，没有再发。请在往来中查看。",
            "A message for this is on its way or has arrived: none was sent again. The thread shows it.",
        )


def addressees(
    customers: Iterable[int], now: datetime, bank: Bank, besides: Iterable[int] = ()
) -> dict[int, Addressee]:
    """Those of the customers whom the actor may see, by id; one query, however many. The messages ``besides`` do not count as sent."""
    midnight = datetime.combine(now.astimezone(bank.zone).date(), time(), bank.zone)
    week = midnight - timedelta(days=6)
    with connection.cursor() as cursor:
        cursor.execute(ADDRESSEES, [midnight, week, list(besides), list(customers)])
        rows = cursor.fetchall()
    return {row[0]: _addressee(*row) for row in rows}


def _addressee(
    id: int, mobile: str | None, tier: str, deceased_on: date | None, closed: bool, quiet: bool, complaint: bool,
    greeting: bool | None, marketing: bool | None, opted_out: bool, today: int, week: int, *assessed: str | None,
) -> Addressee:  # fmt: skip
    agreed = {"greeting": greeting, "marketing": marketing}
    return Addressee(
        id,
        mobile or "",
        Recipient(
            tier,
            has_mobile=bool(mobile),
            deceased_on=deceased_on,
            closed=closed,
            do_not_disturb=quiet,
            complaint_open=complaint,
            opted_out=opted_out,
            consents=frozenset(purpose for purpose, given in agreed.items() if given),
            marketing_today=today,
            marketing_this_week=week,
        ),
        Assessment(*(written or "" for written in assessed)),
    )


ADDRESSEES = """
SELECT c.id, c.profile -> 'mobile' ->> 'v', c.tier, c.deceased_on, c.closed_on IS NOT NULL, c.do_not_disturb, c.complaint_open,
    (SELECT s.given FROM customers_consent s WHERE s.customer_id = c.id AND s.purpose = 'greeting' AND s.channel IN ('sms', 'any')
     ORDER BY s.at DESC, s.id DESC LIMIT 1),
    yes.given,
    EXISTS (SELECT FROM sms_opt_out o WHERE o.number_index = c.mobile_index AND o.at > CASE WHEN yes.given THEN yes.at ELSE '-infinity' END),
    sent.today, sent.week,
    c.profile -> 'risk_grade' ->> 'v', c.profile -> 'risk_grade_until' ->> 'v', c.profile -> 'risk_graded_on' ->> 'v'
FROM customers_customer c
LEFT JOIN LATERAL (
    SELECT s.given, s.at FROM customers_consent s WHERE s.customer_id = c.id AND s.purpose = 'marketing' AND s.channel IN ('sms', 'any')
    ORDER BY s.at DESC, s.id DESC LIMIT 1) yes ON true
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE m.sent_at >= %s) AS today, count(*) AS week FROM sms_message m
    WHERE m.customer_id = c.id AND m.kind = 'marketing' AND m.sent_at >= %s AND m.id <> ALL (%s::bigint[])) sent
WHERE c.id = ANY (%s::bigint[])"""


def offers(messages: Iterable[int]) -> dict[int, Offer]:
    """What those of the messages that belong to a campaign tell of, by the message's id; one query."""
    with connection.cursor() as cursor:
        cursor.execute(OFFERS, [list(messages)])
        rows = cursor.fetchall()
    return {id: Offer(risk, tuple(tiers), ends_at, stopped) for id, risk, tiers, ends_at, stopped in rows}


OFFERS = """
SELECT m.id, k.risk, k.tiers, k.ends_at, k.stopped_at IS NOT NULL
FROM sms_message m JOIN sms_forwarding f ON f.id = m.forwarding_id JOIN sms_campaign k ON k.id = f.campaign_id
WHERE m.id = ANY (%s::bigint[])"""


def _judge(kind: str, text: str, addressee: Addressee, offer: Offer | None, now: datetime, bank: Bank) -> Judgement:
    """The guards' word on a message; of a campaign's also whether its product suits, and whether it is meant for this tier."""
    if offer is None:
        return messages.judge(kind, text, addressee.recipient, now=now, bank=bank)
    day = now.astimezone(bank.zone).date()
    to = replace(addressee.recipient, unsuited=unsuited(offer.risk, addressee.assessed, day))
    return messages.judge(kind, text, to, now=now, bank=bank, bulk=True, audience=offer.tiers)


def send(
    customer: Customer,
    kind: str,
    text: str,
    *,
    actor: Actor,
    now: datetime,
    bank: Bank,
    obligation: Obligation | None = None,
    wording: Wording | None = None,
    introduces: bool = False,
) -> Message:
    """Takes a text into the queue, or says why not: the message comes back queued, waiting (until when, why) or refused (why).

    Raises Unfilled for a variable that nobody filled, Refused for a text that is empty or too long and for one that sells, OnItsWay where
    what is owed has its message already.
    """
    if kind == Kind.QUESTION:
        raise Refused(
            "满意度询问由系统按本行规定发出，不由个人发送。",
            "How content customers are is asked by the bank's rule, by nobody in person.",
        )
    if kind == Kind.MARKETING:
        raise Refused(
            "营销短信只能经营销转发发出，产品是否适合客户在那里核对。请营销岗发起活动，再从活动转发。",
            "What sells leaves as a campaign alone, where it is checked whether the product suits: marketing asks for one, and it is forwarded.",
        )
    text = _readable(text, kind, bank)
    addressee = addressees([customer.pk], now, bank).get(customer.pk)
    if addressee is None or (customer.rm_id or -customer.unit_id) not in actor.writes:
        raise NotAllowed(
            _("This customer is somebody else's: only who looks after them writes to them."), "messages.send"
        )
    judged = messages.judge(kind, text, addressee.recipient, now=now, bank=bank)
    message = Message(
        customer=customer, staff_id=customer.rm_id or actor.id, by_id=actor.id, obligation=obligation, wording=wording, kind=kind,
        introduces=introduces, lane=LANES.get(Kind(kind), Lane.ONE), created_at=now, not_before=now, not_after=now + WANTED,
    )  # fmt: skip
    message.text = text
    message.state, message.why = _state(judged)
    if judged.wait:
        message.not_before = judged.wait.until
        message.not_after = judged.wait.until + WANTED
    if message.state == State.REFUSED:
        message.done_at = now
    with _once():
        message.save()
    return message


@contextmanager
def _once() -> Iterator[None]:
    """What is owed has one message, what a festival greets is greeted once: the database alone knows of two at once."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "sms_message_one" not in str(error) and "sms_message_greets_once" not in str(error):
            raise
        raise OnItsWay from None


def _readable(text: str, kind: str, bank: Bank) -> str:
    """The text without blanks around it. Raises Refused where it says nothing, too much, or something in braces."""
    text = text.strip()
    if not text:
        raise Refused("短信没有内容，请先写。", "The message says nothing: write it first.")
    texts.fill(text, {})
    check_length(messages.dressed(text, kind, bank, texts.bank_name()))
    return text


def check_length(dressed: str) -> None:
    """Raises Refused for a text that, as it leaves, has more segments than go at once."""
    parts = measure(dressed).segments
    if parts > LONGEST:
        raise Refused(
            f"短信太长：{parts} 条，一次至多 {LONGEST} 条。请删短，或分两次发。",
            f"The message is too long: {parts} segments, at most {LONGEST} at once. Shorten it, or send it in two.",
        )


def _state(judged: Judgement) -> tuple[State, dict[str, str]]:
    blocked = next((verdict for verdict in judged.verdicts if verdict.effect == "block"), None)
    if blocked is not None:
        return State.REFUSED, because(blocked)
    if judged.wait is not None:
        return State.WAITING, {
            "clause": "S5",
            "name": "quiet_hours",
            "zh": judged.wait.why.zh,
            "en": judged.wait.why.en,
        }
    return State.QUEUED, {}


def because(verdict: Verdict) -> dict[str, str]:
    """A verdict as it is kept with the message that it stops."""
    words = verdict.kept if verdict.kept.zh else verdict.words
    return {"clause": verdict.clause, "name": verdict.name, "zh": words.zh, "en": words.en}


# ── on its way out ──────────────────────────────────────────────────────────────────────────────────────────────


def opened(sealed: str, key: UUID) -> str:
    """What a message says."""
    return vault().open(sealed, f"sms_message:text:{key}")


def sealed(text: str, key: UUID) -> str:
    """What a message says, as it is kept."""
    return vault().seal(text, f"sms_message:text:{key}")


def turned(
    kind: str,
    text: str,
    not_after: datetime | None,
    addressee: Addressee | None,
    now: datetime,
    bank: Bank,
    offer: Offer | None = None,
    *,
    unwanted: dict[str, str] | None = None,
) -> dict[str, Any] | None:
    """Why a message does not leave now, as its row will say: too late, stopped, or made to wait. None: it leaves. ``unwanted``: why
    nobody is to be asked any more.
    """
    if not_after is not None and now >= not_after:
        return {"state": State.EXPIRED, "why": TOO_OLD, "not_before": None}
    if addressee is None:
        return {"state": State.REFUSED, "why": GONE, "not_before": None}
    if offer is not None and offer.stopped:
        return {"state": State.REFUSED, "why": CALLED_OFF, "not_before": None}
    if unwanted is not None:
        return {"state": State.REFUSED, "why": unwanted, "not_before": None}
    judged = _judge(kind, text, addressee, offer, now, bank)
    state, why = _state(judged)
    if state == State.QUEUED:
        return None
    return {
        "state": state,
        "why": why,
        "not_before": judged.wait.until if judged.wait and state == State.WAITING else None,
    }


def as_before(turned: dict[str, Any], attempt: int) -> dict[str, Any]:
    """What a person had sent again and the guards stop stands as before: of what left already a refusal would say that it had not."""
    why = {
        **turned["why"],
        **{language: f"{turned['why'][language]} {TAKEN_BACK[language]}" for language in ("zh", "en")},
    }
    return {"state": State.UNKNOWN, "why": why, "attempt": attempt - 1}


def unreadable(error: Refused | Unopened) -> dict[str, Any]:
    """Why a message does not leave whose text cannot be made: a value is missing, a data key is."""
    if isinstance(error, Refused):
        why = {"name": "text", "zh": error.words.zh, "en": error.words.en}
    else:
        why = {
            "name": "sealed", "zh": "内容或号码打不开：缺少数据密钥，或数据已损坏。请管理员检查 ZHIKE_DATA_KEYS。",
            "en": "Text or number do not open: a data key is missing, or they are damaged. The administrator checks ZHIKE_DATA_KEYS.",
        }  # fmt: skip
    return {"state": State.REFUSED, "why": why, "not_before": None}


TOO_OLD = {
    "name": "too_late", "zh": "到期仍未能发出，已不再需要。", "en": "It could not leave in time and is no longer wanted.",
}  # fmt: skip
CALLED_OFF = {
    "name": "campaign_stopped", "zh": "活动已停止，没有发出。", "en": "The campaign was stopped before it left.",
}  # fmt: skip
GONE = {"name": "gone", "zh": "客户已不在册。", "en": "The customer is not on the books any more."}


# ── what a person decides afterwards ────────────────────────────────────────────────────────────────────────────


class TooLate(Refused):
    """The message has moved on since the page was shown."""

    def __init__(self) -> None:
        super().__init__(
            "这条短信的状态已经变了，没有改动。请看现在的状态再决定。",
            "The message has moved on; nothing was changed. See where it stands now, then decide.",
        )


def take_back(message: Message, *, actor: Actor, now: datetime) -> Message:
    """A message that waits, or is queued and not yet taken up, is a draft again; one that was to be sent again stands as before. Raises
    TooLate; Refused for one of a campaign, which is withdrawn with the rest of its forwarding.
    """
    _check_no_question(message)
    if message.forwarding_id is not None and message.attempt == 1:
        raise Refused(
            "这条短信属于营销转发，请在活动页撤回那次转发。",
            "It belongs to a campaign: withdraw the forwarding on the campaign's page.",
        )
    waits = Message.objects.filter(pk=message.pk, waits=True, attempt=message.attempt)
    if message.attempt == 1:
        moved = waits.update(state=State.DRAFTED, why={})
    else:
        moved = waits.update(state=State.UNKNOWN, why=TAKEN_BACK, attempt=message.attempt - 1)
        journal.reckon([message.pk] if moved else [], now)  # as its segments say
    return _moved(message, moved, "take back", now)


def _check_no_question(message: Message) -> None:
    """Whom a question is about does not decide whether it is asked."""
    if message.kind == Kind.QUESTION:
        raise Refused(
            "满意度询问由系统发出，不能撤回，也不重发。",
            "A question how content one is goes by the bank's rule: it is not taken back, and not sent again.",
        )


TAKEN_BACK = {
    "name": "taken_back",
    "zh": "没有再发；先前那次的结果仍不明。",
    "en": "Not sent again; what became of it before is not known.",
}


def discard(message: Message) -> bool:
    """A draft of which nothing ever left is dropped; whether it was one still."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sms_message WHERE id = %s AND state = 'drafted' AND attempt = 1", [message.pk])
        return bool(cursor.rowcount)


def resend(message: Message, *, actor: Actor, now: datetime, bank: Bank) -> Message:
    """A person has one message sent again whose fate is unknown, or that did not arrive; a greeting or campaign never in bulk.

    The customer may get it twice: who decides it has been told so. It passes the gate anew. Raises TooLate, Refused for what another
    platform sent.
    """
    _check_no_question(message)
    if message.through != "platform":
        raise Refused(
            "这条短信是本行另一短信平台发出的，这里不能重发。需要的话请新写一条。",
            "The bank's other platform sent this: it cannot be sent again from here. Write a new one instead.",
        )
    addressee = addressees([message.customer_id], now, bank)[message.customer_id]
    offer = offers([message.pk]).get(message.pk)
    if offer is not None and offer.over(now):
        raise Refused("活动已停止或结束，不能再发。", "The campaign was stopped, or is over: it is not sent any more.")
    judged = _judge(message.kind, texts.bare(message.text), addressee, offer, now, bank)
    state, why = _state(judged)
    if state == State.REFUSED:
        raise Refused(why["zh"], why["en"])
    begins = judged.wait.until if judged.wait else now
    again = Message.objects.filter(
        pk=message.pk, state__in=[State.UNKNOWN, State.UNDELIVERED, State.EXPIRED], attempt=message.attempt
    )
    with _once():
        moved = again.update(
            state=state, why=why, attempt=message.attempt + 1, by_id=actor.id, not_before=begins, not_after=begins + WANTED,
            lane=Lane.ONE, done_at=None,
        )  # fmt: skip
    return _moved(message, moved, "send again", now)


def settle(message: Message, arrived: bool, evidence: str, *, actor: Actor, now: datetime) -> Message:
    """A person says of an unknown one whether it arrived, and what shows it; arrived, it has done what it was for. Raises TooLate, Refused
    without evidence.
    """
    if not evidence.strip():
        raise Refused(
            "请写明凭什么这样说：客户的话、运营商的记录。",
            "Say what shows it: the customer's words, the carrier's record.",
        )
    why = {"name": "said", "zh": f"经核对：{evidence.strip()}", "en": f"Looked into: {evidence.strip()}"}
    state = State.DELIVERED if arrived else State.UNDELIVERED
    moved = Message.objects.filter(pk=message.pk, state=State.UNKNOWN).update(state=state, why=why, done_at=now)
    settled = _moved(message, moved, "settle", now, arrived=arrived)
    if arrived and settled.obligation is not None and settled.obligation.state == "open":
        outcome.tell(settled, settled.obligation, actor=actor, now=now)
    return settled


def _moved(message: Message, moved: int, verb: str, now: datetime, **detail: Any) -> Message:
    if not moved:
        raise TooLate
    note(action=verb, object="sms_message", now=now, row_id=message.pk, customer_id=message.customer_id, **detail)
    message.refresh_from_db()
    return message


# ── before anything is sent ─────────────────────────────────────────────────────────────────────────────────────


def look(customer: Customer, kind: str, text: str, now: datetime, bank: Bank) -> tuple[Judgement, str]:
    """What the gate would say of a text as it stands while it is typed, and the text as it would leave."""
    addressee = addressees([customer.pk], now, bank)[customer.pk]
    judged = messages.judge(kind, text, addressee.recipient, now=now, bank=bank)
    return judged, messages.dressed(text, kind, bank, texts.bank_name())


def may_be_sent(customer: Customer, now: datetime, bank: Bank) -> dict[str, Judgement]:
    """Of each kind, whether it may be sent to this customer now, whatever it says."""
    to = addressees([customer.pk], now, bank)[customer.pk].recipient
    return {kind: messages.judge(kind, "…", to, now=now, bank=bank) for kind in ("thanks", "greeting", "marketing")}
