"""Everything between the bank and one customer in one thread (往来): what was sent, what came back, what was sent by other ways."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from zhike.conduct.bank import Bank
from zhike.customers.models import Customer
from zhike.obligations.models import Fact, Obligation
from zhike.people.actor import Actor

from . import texts
from .models import Message, OptOut, Question, Reply, State

LOOKED_AT = (State.UNKNOWN, State.UNDELIVERED, State.EXPIRED, State.REFUSED)
# What went wrong longer ago than this is history.
RECENT = timedelta(days=30)

# What is over: one of its kind left later, or what it was for is done by other means. An unknown one waits for a person's word; a question
# how content one is for nobody's.
STILL = """m.kind <> 'question' AND (m.state = 'unknown' OR NOT EXISTS (
        SELECT FROM sms_message later WHERE later.customer_id = m.customer_id AND later.id > m.id AND later.kind = m.kind
            AND later.live)
    AND NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.id = m.obligation_id AND o.state <> 'open'))"""


# ── all of them ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Line:
    """A thread in the list: whose, since when, its last words, and what waits: an ``answer``, ``thanks``, a ``look``, or nothing."""

    customer: int
    at: datetime
    waits: str
    message: int | None
    reply: int | None
    fact: int | None


Place = tuple[int, datetime, int]  # where a page of the list ends: what waits stands before the rest, the newest first


def threads(actor: Actor, *, now: datetime, most: int, after: Place | None = None) -> list[Line]:
    """The threads with the customers whom the actor sees; first those in which something waits to be answered or looked at."""
    rank, at, id = after or (0, None, None)
    asked: dict[str, Any] = {
        "sees": list(actor.sees), "now": now, "recent": now - RECENT, "most": most, "rank": rank, "at": at, "id": id,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(THREADS, asked)
        return [Line(*row) for row in cursor.fetchall()]


def place_of(line: Line) -> Place:
    """Where the list goes on behind this one."""
    return (0 if line.waits else 1, line.at, line.customer)


THREADS = f"""
WITH thread AS (
    SELECT c.id, GREATEST(m.at, r.at, f.at, o.at) AS at,
        CASE WHEN o.answer OR asked.found THEN 'answer' WHEN o.thanks THEN 'thanks' WHEN wrong.found THEN 'look' ELSE '' END AS waits,
        CASE WHEN m.at >= GREATEST(r.at, f.at, m.at) THEN m.id END AS message,
        CASE WHEN r.at >= GREATEST(m.at, f.at, r.at) THEN r.id END AS reply,
        CASE WHEN f.at >= GREATEST(m.at, r.at, f.at) THEN f.id END AS fact
    FROM customers_customer c
    LEFT JOIN LATERAL (SELECT m.id, m.created_at AS at FROM sms_message m WHERE m.customer_id = c.id
        ORDER BY m.created_at DESC, m.id DESC LIMIT 1) m ON true
    LEFT JOIN LATERAL (SELECT r.id, r.at FROM sms_reply r WHERE r.customer_id = c.id ORDER BY r.at DESC, r.id DESC LIMIT 1) r ON true
    LEFT JOIN LATERAL (SELECT f.id, f.at FROM obligations_fact f WHERE f.customer_id = c.id AND f.kind = 'message_sent' AND NOT f.void
        AND f.data ->> 'channel' = 'sms' AND NOT f.data ? 'message' ORDER BY f.at DESC LIMIT 1) f ON true
    LEFT JOIN LATERAL (SELECT max(o.opens) AS at, bool_or(o.kind = 'promise') AS answer, bool_or(o.kind = 'thanks') AS thanks
        FROM obligations_obligation o WHERE o.customer_id = c.id AND o.state = 'open' AND o.opens <= %(now)s
            AND (o.kind = 'promise' AND o.subject LIKE 'reply:%%' OR o.kind = 'thanks' AND 'sms' = ANY (o.channels)
                AND NOT EXISTS (SELECT FROM sms_message s WHERE s.obligation_id = o.id
                    AND s.live))) o ON true
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM sms_reply r WHERE r.customer_id = c.id AND r.stops = 'ask' AND r.decided_at IS NULL)
        AS found) asked
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM sms_message m WHERE m.customer_id = c.id AND m.created_at > %(recent)s
        AND m.look AND {STILL}) AS found) wrong
    WHERE c.keeper = ANY (%(sees)s::bigint[])
), ranked AS (
    SELECT *, CASE WHEN waits = '' THEN 1 ELSE 0 END AS rank FROM thread WHERE at IS NOT NULL
)
SELECT id, at, waits, message, reply, fact FROM ranked
WHERE %(at)s::timestamptz IS NULL OR rank > %(rank)s
    OR (rank = %(rank)s AND (at, id) < (%(at)s::timestamptz, %(id)s::bigint))
ORDER BY rank, at DESC, id DESC LIMIT %(most)s"""  # noqa: S608 our own texts alone


# ── one of them ─────────────────────────────────────────────────────────────────────────────────────────────────

Entry = Message | Reply | OptOut | Fact
Mark = tuple[datetime, int, int]
TIES = 10  # more than stand at one moment: those of a page before are read again and left out
ORDER = {Message: 0, Reply: 1, OptOut: 2, Fact: 3}


def moment_of(entry: Entry) -> datetime:
    """When it was written, came, or happened."""
    return entry.created_at if isinstance(entry, Message) else entry.at


def mark_of(entry: Entry) -> Mark:
    """Its place in the thread."""
    return (moment_of(entry), ORDER[type(entry)], entry.pk)


def thread(customer: Customer, *, most: int, before: Mark | None = None) -> tuple[list[Entry], bool]:
    """The newest entries of a thread, or those before a mark, oldest first; and whether there are older ones."""
    until: dict[str, datetime] = {"at__lte": before[0]} if before else {}
    rows: list[Iterable[Entry]] = [
        Message.objects.filter(customer=customer, **({"created_at__lte": before[0]} if before else {}))
        .select_related("wording__template", "obligation", "by")
        .order_by("-created_at", "-pk")[: most + TIES],
        Reply.objects.filter(customer=customer, **until).order_by("-at", "-pk")[: most + TIES],
        OptOut.objects.filter(_of(customer), **until).order_by("-at", "-pk")[: most + TIES],
        elsewhere(customer).filter(**until).order_by("-at", "-pk")[: most + TIES],
    ]
    found = sorted((entry for each in rows for entry in each if not before or mark_of(entry) < before), key=mark_of)
    return found[-most:], len(found) > most


def _of(customer: Customer) -> Q:
    """A number's no is told in the thread of everybody who has that number."""
    mine = Q(reply__customer=customer)
    return mine | Q(number_index=customer.mobile_index) if customer.mobile_index else mine


def elsewhere(customer: Customer) -> Any:
    """What went another way and was written down: one's own phone, the bank's other platform."""
    sent = Fact.objects.filter(customer=customer, kind="message_sent", void=False, data__channel="sms")
    return sent.exclude(data__has_key="message").select_related("by")


def answers_owed(replies: Iterable[Reply]) -> dict[int, Obligation]:
    """What a customer's words made owed, by the reply; whatever has become of it."""
    subjects = {f"reply:{reply.pk}": reply.pk for reply in replies}
    rows = Obligation.objects.filter(subject__in=subjects, kind="promise").order_by("pk")
    return {subjects[row.subject]: row for row in rows}


def ratings(replies: Iterable[Reply]) -> dict[int, int]:
    """Which of the replies rate the bank's service, and how; by the reply."""
    rows = Question.objects.filter(reply__in=list(replies)).values_list("reply_id", "rating")
    return {reply: rating for reply, rating in rows if reply is not None and rating is not None}


def words(messages: Sequence[Message], bank: Bank) -> dict[int, str]:
    """What each says; what many get in the same words is worded when it leaves, and shown as it will be."""
    unsealed = [message.pk for message in messages if not message.sealed]
    many = {id: texts.shown(*each) for id, each in texts.of_many(unsealed, bank).items()} if unsealed else {}
    return {message.pk: message.text or many.get(message.pk, "") for message in messages}


# ── by what they are for ────────────────────────────────────────────────────────────────────────────────────────


def on_their_way(obligations: Iterable[int]) -> dict[int, Message]:
    """The message that does an obligation already, or is about to; by the obligation."""
    rows = Message.objects.filter(obligation__in=list(obligations), live=True).defer("sealed")
    return {message.obligation_id: message for message in rows if message.obligation_id is not None}


def for_what_is_owed(actor: Actor, until: datetime) -> str:
    """Where the messages stand that do, or are about to, what the actor owes before ``until``, and those whom the actor covers:
    as one JSON text.
    """
    with connection.cursor() as cursor:
        cursor.execute(ON_THEIR_WAY, {"whose": [actor.id, *actor.covers], "until": until})
        return str(cursor.fetchone()[0])


def by_obligation(text: str) -> dict[int, Message]:
    """What :func:`for_what_is_owed` told: messages with what says where they stand, by the obligation."""
    messages = [Message(**row) for row in json.loads(text)]
    for each in messages:
        for name in ("not_before", "sent_at", "done_at", "created_at"):
            if moment := getattr(each, name):
                setattr(each, name, datetime.fromisoformat(moment))
    return {each.obligation_id: each for each in messages if each.obligation_id is not None}


def to_be_looked_at(
    staff: Sequence[int] | None,
    *,
    actor: Actor,
    now: datetime,
    states: Sequence[str],
    most: int,
    before: int | None = None,
) -> list[Message]:
    """Messages that did not do what they were for and wait for a person, the newest first: those to the customers of ``staff``, whoever
    sent them, or all that the actor sees.
    """
    asked: dict[str, Any] = {
        "states": list(states), "recent": now - RECENT, "before": before, "most": most, "sees": list(actor.sees),
        "staff": None if staff is None else list(staff),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(TO_LOOK_AT, asked)
        ids = [row[0] for row in cursor.fetchall()]
    return list(Message.objects.filter(pk__in=ids).select_related("customer", "staff").order_by("-pk"))


TO_LOOK_AT = f"""
SELECT m.id FROM sms_message m JOIN customers_customer c ON c.id = m.customer_id
WHERE m.look AND m.state = ANY (%(states)s::text[]) AND m.created_at > %(recent)s AND {STILL}
    AND c.keeper = ANY (%(sees)s::bigint[])
    AND (%(staff)s::bigint[] IS NULL OR c.rm_id = ANY (%(staff)s::bigint[]))
    AND (%(before)s::bigint IS NULL OR m.id < %(before)s)
ORDER BY m.id DESC LIMIT %(most)s"""  # noqa: S608 our own texts alone

ON_THEIR_WAY = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT m.obligation_id, m.state, m.why, m.not_before, m.sent_at, m.done_at, m.created_at
    FROM obligations_obligation o JOIN sms_message m ON m.obligation_id = o.id AND m.live
    WHERE o.owner_id = ANY (%(whose)s::bigint[]) AND o.state = 'open' AND o.due < %(until)s
      AND o.kind IN ('thanks', 'promise', 'answer', 'apology', 'birthday')
    ORDER BY m.id) r
"""
