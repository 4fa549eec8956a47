"""What a message's fate means for what was owed: sent, it is done; known not to have arrived, it is owed again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from zhike.conduct.facts import Fact
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people import bank as people_bank
from zhike.people.actor import Actor, act

from .journal import Moved
from .models import Message, State

SENT = frozenset({State.SUBMITTED, State.DELIVERED})
FAILED = frozenset({State.UNDELIVERED, State.EXPIRED})


def follow(moved: Sequence[Moved], now: datetime) -> None:
    """Tells the ledger what messages that have moved mean for what they were sent for."""
    owed = {each.id: each for each in moved if each.obligation is not None}
    if not owed:
        return
    for message in Message.objects.filter(pk__in=owed).select_related("obligation__settling", "customer"):
        state = State(owed[message.pk].state)
        if state in SENT and owed[message.pk].was not in SENT:
            sent(message, now)
        elif state in FAILED:
            failed(message, now)


def sent(message: Message, now: datetime) -> None:
    """The gateway took it: what was owed is done, by whoever had it sent, at the moment it left."""
    assert message.obligation is not None
    if message.obligation.state == "open":
        actor = act(message.by_id, now) if message.by_id else None
        tell(message, message.obligation, actor=actor, now=now)


def tell(message: Message, obligation: Obligation, *, actor: Actor | None, now: datetime) -> None:
    """The ledger hears of what was sent for an obligation, and decides by its rules what that does."""
    at = message.sent_at or now
    kind, data = _fact(message, obligation.kind)
    fact = Fact(kind, at, now, obligation.owner_id, obligation.customer_id, obligation.subject, data, "observed")
    ledger.tell([fact], actor=actor, now=now, bank=people_bank.settings().now(now))


def _fact(message: Message, owed: str) -> tuple[str, dict[str, Any]]:
    """What was done by it, as the engine knows it."""
    by = {"message": message.pk}
    match owed:
        case "answer" | "promise" | "look_into":
            return "answered", {"words": "已发短信答复", "how": "sms", **by}
        case "apology":
            return "customer_told", {"how": "sms", "apologised": True, **by}
    purpose = "birthday" if owed == "birthday" else "thanks"
    return "message_sent", {
        "purpose": purpose, "channel": "sms", "through": message.through, "introduces": message.introduces, **by,
    }  # fmt: skip


def failed(message: Message, now: datetime) -> None:
    """It did not arrive: what it had done is open again, as long as nothing else has done it."""
    obligation = message.obligation
    assert obligation is not None
    fact = obligation.settling
    if fact is None or fact.data.get("message") != message.pk:
        return
    actor = act(message.by_id, now) if message.by_id else None
    ledger.correct(fact, by=None, actor=actor, now=now, bank=people_bank.settings().now(now))
