"""The journal: what is about to leave is written down and committed before it leaves, what comes back is written to it.

Whatever is killed and whenever, each segment's row says what is known of it; what is not known is called unknown, never failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from zhike.conduct.words import Words

from . import numbers
from .transports.transport import REFERENCE, Answer, Receipt

# A connection that has not said for so long that it lives is dead, and what it left without an answer is unknown.
DEAD = timedelta(seconds=30)
# A part without an answer for so long has none.
PATIENCE = timedelta(seconds=60)
# Between what we submitted and what the network says of when it got it.
APART = timedelta(minutes=2)

DIED = Words("发送程序中断，没有等到网关的应答", "the sender ended before the gateway had answered")
SILENT = Words("网关 60 秒内没有应答", "the gateway did not answer within 60 seconds")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is about to be sent."""

    id: int
    key: UUID
    customer: int
    kind: str
    sealed: str
    attempt: int
    not_after: datetime | None
    lane: int


@dataclass(frozen=True, slots=True)
class Held:
    """A segment that was definitely not taken, because of too many at once, and whose time has come again."""

    id: int
    message: int
    number: int
    key: UUID
    customer: int
    sealed: str
    kind: str
    not_after: datetime | None


def begin(epoch: UUID, gateway: str, worker: str, now: datetime) -> None:
    """A connection has been signed in to a gateway. From now on this thread's statements find rows by their keys alone."""
    _run(BY_KEYS, [])
    _run(BEGIN, [epoch, gateway, worker, now, now])


def beat(epoch: UUID, now: datetime) -> None:
    """The connection says that it lives."""
    _run("UPDATE sms_connection SET seen_at = %s WHERE id = %s", [now, epoch])


def claim(room: Mapping[int, int], now: datetime) -> list[Claimed]:
    """Takes up to so many messages of each lane that may leave now: locked until the transaction ends, others pass them by."""
    wanted = [lane for lane, places in room.items() if places > 0]
    if not wanted:
        return []
    return [Claimed(*row) for row in _run(TAKE, [wanted, [room[lane] for lane in wanted], now])]


def turn_away(rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """What the guards stop, make wait or find too late: each ``{"id", "attempt", "state", "why", "not_before"}``."""
    if rows:
        _run(TURNED, [now, json.dumps(rows, default=str)])


def enter(
    epoch: UUID, gateway: str, messages: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], now: datetime
) -> dict[int, tuple[int, int]]:
    """Writes down messages as they leave, ``{"id", "sealed", "of"}``, and their segments. Returns, by sequence, segment and message:
    what somebody took back meanwhile is left out.
    """
    told = _run(ENTER, [json.dumps(messages), json.dumps(rows), now, gateway, epoch, now])
    return {sequence: (id, message) for id, message, sequence in told}


def take_held(room: int, now: datetime) -> list[Held]:
    """Segments to be tried again; locked until the transaction ends."""
    return [Held(*row) for row in _run(TAKE_HELD, [now, room])] if room > 0 else []


def turn_held(rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Segments that the guards stop before they are tried again, or make wait: each ``{"id", "message", "state", "why", "not_before"}``. A
    message none of whose segments was taken stands as its guards say; of another what is known of the rest says it. What waits says why and
    until when.
    """
    if rows:
        said = json.dumps(rows, default=str)
        _run(HELD_TURNED, [now, said])
        _run(HELD_TURNED_WHOLE, [now, said])
        _run(HELD_WAITS, [said])


def enter_again(epoch: UUID, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Writes down under which new number they leave: ``{"id", "sequence"}``."""
    _run(ENTER_AGAIN, [epoch, now, json.dumps(rows)])
    _run(WAITS_NO_MORE, [[row["id"] for row in rows]])


def heard(
    gateway: str,
    answers: Sequence[tuple[int, Answer]],
    receipts: Sequence[Receipt],
    now: datetime,
    retry_at: datetime,
) -> set[int]:
    """What the gateway said of segments, and what it told of them and of others. Returns the messages that they belong to.

    Where a segment's answer and its receipt came together, its row is written once.
    """
    taken = {answer.id for _segment, answer in answers if answer.taken and answer.id}
    fates = {receipt.id: receipt for receipt in receipts if receipt.id in taken and receipt.fate != "under_way"}
    touched = _answered(answers, fates, now, retry_at)
    touched |= match(gateway, taken - fates.keys(), now)
    return touched | _receipts(gateway, [receipt for receipt in receipts if receipt.id not in taken], now)


def _answered(
    answers: Sequence[tuple[int, Answer]], fates: Mapping[str, Receipt], now: datetime, retry_at: datetime
) -> set[int]:
    rows = []
    for segment, answer in answers:
        fate = fates.get(answer.id) if answer.taken else None
        said = fate or answer
        rows.append(
            {
                "id": segment,
                "state": fate.fate if fate else _state(answer),
                "name": answer.id,
                "code": said.code,
                "meaning": _both(said.words),
                "told": fate is not None,
                "retry_at": str(retry_at) if answer.throttled and not answer.taken else None,
            }
        )
    return {message for (message,) in _run(ANSWERED, [now, now, json.dumps(rows)])} if rows else set()


def _state(answer: Answer) -> str:
    """What a segment is by the gateway's answer to it."""
    if answer.taken:
        return "submitted"
    return "held" if answer.throttled else "undelivered"


def _receipts(gateway: str, some: Sequence[Receipt], now: datetime) -> set[int]:
    """What became of segments. What names nothing of ours is parked. Returns the messages that they belong to."""
    rows = [
        {
            "n": n,
            "name": receipt.id,
            "state": receipt.fate,
            "code": receipt.code,
            "meaning": _both(receipt.words),
            "at": receipt.at.isoformat() if receipt.at else None,
            "number": "\\x" + numbers.index(receipt.to).hex() if receipt.to else None,
            "submitted_at": receipt.submitted_at.isoformat() if receipt.submitted_at else None,
            **_referred(receipt.reference),
        }
        for n, receipt in enumerate(some)
        if receipt.fate != "under_way"
    ]
    return (
        {message for (message,) in _run(RECEIPTS, [json.dumps(rows), gateway, gateway, now, gateway, now])}
        if rows
        else set()
    )


def _referred(reference: str) -> dict[str, Any]:
    """A part by our own name of it: its message and its number."""
    name = REFERENCE.fullmatch(reference)
    return {"message": name[1], "number_of": int(name[2])} if name else {}


def match(gateway: str, names: Iterable[str] | None, now: datetime) -> set[int]:
    """Parked receipts whose segments are known by now; ``names`` None: all that wait. Returns the messages."""
    listed = list(names) if names is not None else None
    if listed == []:
        return set()
    return {message for (message,) in _run(MATCH, [gateway, listed, listed, now, now])}


def reconcile(gateway: str, now: datetime) -> set[int]:
    """Unknown segments whose answer was lost, by number and time: where exactly one receipt and one segment go together."""
    return {message for (message,) in _run(RECONCILE, [APART, APART, gateway, now, now])}


def lose(epoch: UUID, why: Words, now: datetime) -> set[int]:
    """A connection has ended: what it left without an answer is unknown. Returns the messages."""
    return _lose([epoch], why, now)


def bury(now: datetime) -> set[int]:
    """Connections whose worker died without a word. Returns the messages that are unknown because of it."""
    dead = [
        id
        for (id,) in _run(
            "SELECT id FROM sms_connection WHERE closed_at IS NULL AND seen_at < %s FOR UPDATE SKIP LOCKED",
            [now - DEAD],
        )
    ]
    if not dead:
        return set()
    return _lose(dead, DIED, now)


def _lose(epochs: list[UUID], why: Words, now: datetime) -> set[int]:
    said = json.dumps(_both(why))
    return {message for (message,) in _run(LOSE, [now, said, epochs, said, now, epochs])}


def silent(epoch: UUID, segments: Sequence[int], now: datetime) -> set[int]:
    """Parts that had no answer in time are unknown; the answer may come yet. Returns the messages."""
    return {message for (message,) in _run(SILENCE, [json.dumps(_both(SILENT)), list(segments)])} if segments else set()


@dataclass(frozen=True, slots=True)
class Moved:
    """A message whose state has changed by what is known of its segments."""

    id: int
    was: str
    state: str
    obligation: int | None


def reckon(messages: Iterable[int], now: datetime) -> list[Moved]:
    """Messages stand as their segments do: the worst of them says it. Returns those that moved."""
    ids = sorted(messages)
    return [Moved(*row) for row in _run(RECKON, [ids, now])] if ids else []


def _both(words: Words | None) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en} if words else {}


def _run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


# The plans of the statements below are made once and kept. Made while the journal was empty they would read all of it each time, until its
# statistics are gathered anew: at three thousand a second that is a hundred thousand rows later.
BY_KEYS = "SELECT set_config(name, 'off', false) FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) AS t (name)"

BEGIN = "INSERT INTO sms_connection (id, gateway, worker, opened_at, seen_at, why) VALUES (%s, %s, %s, %s, %s, '{}')"

TAKE = """
SELECT m.id, m.key, m.customer_id, m.kind, m.sealed, m.attempt, m.not_after, m.lane
FROM unnest(%s::int[], %s::int[]) AS room (lane, places)
CROSS JOIN LATERAL (
    SELECT * FROM sms_message w WHERE w.waits AND w.lane = room.lane AND w.not_before <= %s
    ORDER BY w.not_before, w.id LIMIT room.places FOR UPDATE SKIP LOCKED) m"""

TURNED = """
UPDATE sms_message m SET state = d.state, why = d.why, not_before = coalesce(d.not_before, m.not_before), attempt = d.attempt,
    done_at = CASE WHEN d.state IN ('refused', 'expired') THEN %s END
FROM jsonb_to_recordset(%s::jsonb) AS d (id bigint, attempt int, state text, why jsonb, not_before timestamptz)
WHERE m.id = d.id AND m.waits"""

ENTER = """
WITH leaving AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS d (id bigint, sealed text, of int)),
doc AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
        AS d (message bigint, attempt int, number int, of int, sequence bigint, reference text)
), went AS (
    UPDATE sms_message m SET state = 'submitting', why = '{}', sealed = d.sealed, parts = d.of, sent_at = %s
    FROM leaving d WHERE m.id = d.id AND m.waits RETURNING m.id
)
INSERT INTO sms_segment (message_id, attempt, number, of, state, gateway, connection_id, sequence, reference, name, code, meaning, submitting_at)
SELECT doc.message, doc.attempt, doc.number, doc.of, 'submitting', %s, %s, doc.sequence, doc.reference, '', '', '{}', %s
FROM doc WHERE doc.message = ANY (ARRAY(SELECT id FROM went))
RETURNING id, message_id, sequence"""

TAKE_HELD = """
SELECT s.id, s.message_id, s.number, m.key, m.customer_id, m.sealed, m.kind, m.not_after
FROM sms_segment s JOIN sms_message m ON m.id = s.message_id
WHERE s.state = 'held' AND s.retry_at <= %s ORDER BY s.retry_at LIMIT %s FOR UPDATE OF s SKIP LOCKED"""

HELD_TURNED = """
UPDATE sms_segment s SET state = CASE d.state WHEN 'waiting' THEN 'held' ELSE 'undelivered' END, retry_at = d.not_before, meaning = d.why,
    answered_at = CASE d.state WHEN 'waiting' THEN s.answered_at ELSE %s END
FROM jsonb_to_recordset(%s::jsonb) AS d (id bigint, state text, why jsonb, not_before timestamptz)
WHERE s.id = d.id AND s.state = 'held'"""

HELD_TURNED_WHOLE = """
UPDATE sms_message m SET state = d.state, why = d.why, done_at = %s
FROM (SELECT DISTINCT ON (message) * FROM jsonb_to_recordset(%s::jsonb) AS d (message bigint, state text, why jsonb)) d
WHERE m.id = d.message AND m.state = 'submitting' AND d.state <> 'waiting' AND NOT EXISTS (
    SELECT FROM sms_segment s WHERE s.message_id = m.id AND s.attempt = m.attempt AND s.state <> 'undelivered')"""

HELD_WAITS = """
UPDATE sms_message m SET why = d.why, not_before = d.not_before
FROM (SELECT DISTINCT ON (message) * FROM jsonb_to_recordset(%s::jsonb) AS d (message bigint, state text, why jsonb, not_before timestamptz)) d
WHERE m.id = d.message AND m.state = 'submitting' AND d.state = 'waiting'"""

WAITS_NO_MORE = """
UPDATE sms_message m SET why = '{}' FROM sms_segment s
WHERE s.id = ANY (%s::bigint[]) AND m.id = s.message_id AND m.state = 'submitting' AND m.why <> '{}'"""

ENTER_AGAIN = """
UPDATE sms_segment s SET state = 'submitting', connection_id = %s, sequence = d.sequence, submitting_at = %s, retry_at = NULL
FROM jsonb_to_recordset(%s::jsonb) AS d (id bigint, sequence bigint) WHERE s.id = d.id AND s.state = 'held'"""

# An answer may come after its part was given up as unknown: late, and true all the same.
ANSWERED = """
UPDATE sms_segment s SET state = d.state, name = d.name, code = d.code, meaning = d.meaning, answered_at = %s,
    receipt_at = CASE WHEN d.told THEN %s::timestamptz END, retry_at = d.retry_at
FROM jsonb_to_recordset(%s::jsonb) AS d (id bigint, state text, name text, code text, meaning jsonb, told boolean, retry_at timestamptz)
WHERE s.id = d.id AND s.state IN ('submitting', 'unknown') RETURNING s.message_id"""

# By the gateway's name; by ours where it tells no other, or where the answer that told its name was lost: then the last attempt's.
RECEIPTS = """
WITH doc AS MATERIALIZED (
    SELECT d.* FROM jsonb_to_recordset(%s::jsonb) AS d (n int, name text, state text, code text, meaning jsonb, at timestamptz,
        number bytea, submitted_at timestamptz, message uuid, number_of int)
), named AS MATERIALIZED (
    SELECT doc.*, s.id AS segment FROM doc JOIN sms_segment s ON s.gateway = %s AND s.name = doc.name AND s.name <> ''
), found AS MATERIALIZED (
    SELECT * FROM named
    UNION ALL
    (SELECT DISTINCT ON (doc.n) doc.*, s.id FROM doc JOIN sms_message m ON m.key = doc.message
        JOIN sms_segment s ON s.message_id = m.id AND s.number = doc.number_of AND s.gateway = %s AND (s.name = '' OR doc.name = '')
     WHERE doc.message IS NOT NULL AND doc.n NOT IN (SELECT n FROM named) ORDER BY doc.n, s.attempt DESC)
), kept AS (
    UPDATE sms_segment s SET state = f.state, name = CASE WHEN s.name = '' THEN f.name ELSE s.name END, code = f.code, meaning = f.meaning,
        receipt_at = %s
    FROM (SELECT DISTINCT ON (segment) * FROM found ORDER BY segment, n DESC) f
    WHERE s.id = f.segment AND s.state IN ('submitting', 'submitted', 'unknown') RETURNING s.message_id
), parked AS (
    INSERT INTO sms_receipt (gateway, name, fate, code, meaning, at, number_index, submitted_at, came_at)
    SELECT %s, name, state, code, meaning, at, number, submitted_at, %s FROM doc WHERE n NOT IN (SELECT n FROM found)
)
SELECT message_id FROM kept"""

MATCH = """
WITH parked AS MATERIALIZED (
    SELECT DISTINCT ON (r.name) r.*, s.id AS segment FROM sms_receipt r
    JOIN sms_segment s ON s.gateway = r.gateway AND s.name = r.name AND s.name <> ''
    WHERE r.matched_at IS NULL AND r.gateway = %s AND (%s::text[] IS NULL OR r.name = ANY (%s::text[]))
    ORDER BY r.name, r.id DESC
), kept AS (
    UPDATE sms_segment s SET state = p.fate, code = p.code, meaning = p.meaning, receipt_at = p.came_at
    FROM parked p WHERE s.id = p.segment AND s.state IN ('submitting', 'submitted', 'unknown') RETURNING s.message_id
), matched AS (
    UPDATE sms_receipt r SET matched_at = %s FROM parked p WHERE r.gateway = p.gateway AND r.name = p.name AND r.matched_at IS NULL
      AND r.came_at <= %s
)
SELECT message_id FROM kept"""

RECONCILE = """
WITH pairs AS MATERIALIZED (
    SELECT s.id AS segment, s.message_id, r.id AS receipt, r.name, r.fate, r.code, r.came_at,
           count(*) OVER (PARTITION BY s.id) AS receipts, count(*) OVER (PARTITION BY r.id) AS segments
    FROM sms_segment s JOIN sms_message m ON m.id = s.message_id JOIN customers_customer c ON c.id = m.customer_id
    JOIN sms_receipt r ON r.gateway = s.gateway AND r.number_index = c.mobile_index AND r.matched_at IS NULL
      AND r.submitted_at BETWEEN s.submitting_at - %s::interval AND s.submitting_at + %s::interval
    WHERE s.gateway = %s AND s.state = 'unknown' AND s.name = ''
), kept AS (
    UPDATE sms_segment s SET state = p.fate, name = p.name, code = p.code, receipt_at = p.came_at,
        meaning = '{"zh": "按号码与时间对上的回执", "en": "the receipt was matched by number and time"}'
    FROM pairs p WHERE s.id = p.segment AND p.receipts = 1 AND p.segments = 1 AND s.state = 'unknown' RETURNING s.message_id
), matched AS (
    UPDATE sms_receipt r SET matched_at = %s FROM pairs p WHERE r.id = p.receipt AND p.receipts = 1 AND p.segments = 1 AND r.came_at <= %s
)
SELECT message_id FROM kept"""

LOSE = """
WITH closed AS (
    UPDATE sms_connection SET closed_at = %s, why = %s WHERE id = ANY (%s::uuid[]) AND closed_at IS NULL
)
UPDATE sms_segment SET state = 'unknown', meaning = %s, answered_at = %s WHERE connection_id = ANY (%s::uuid[]) AND state = 'submitting'
RETURNING message_id"""

SILENCE = """
UPDATE sms_segment SET state = 'unknown', meaning = %s WHERE id = ANY (%s::bigint[]) AND state = 'submitting' RETURNING message_id"""

# The order in which the parts of one message speak for the whole: while one is under way, it is; one that failed has failed the text.
# Why is asked of those alone that need it.
RECKON = """
WITH whole AS MATERIALIZED (
    SELECT m.id, m.state AS was, m.attempt,
        CASE WHEN bool_or(s.state IN ('submitting', 'held')) OR count(*) < m.parts THEN 'submitting'
             WHEN bool_or(s.state = 'undelivered') THEN 'undelivered' WHEN bool_or(s.state = 'expired') THEN 'expired'
             WHEN bool_or(s.state = 'unknown') THEN 'unknown' WHEN bool_or(s.state = 'submitted') THEN 'submitted' ELSE 'delivered' END AS state
    FROM sms_message m JOIN sms_segment s ON s.message_id = m.id AND s.attempt = m.attempt
    WHERE m.id = ANY (%s::bigint[]) AND m.state IN ('submitting', 'submitted', 'unknown') GROUP BY m.id
)
UPDATE sms_message m SET state = w.state, why = CASE WHEN w.state IN ('undelivered', 'expired', 'unknown') THEN (
        SELECT jsonb_build_object('name', 'gateway', 'code', s.code) || s.meaning FROM sms_segment s
        WHERE s.message_id = w.id AND s.attempt = w.attempt AND s.state = w.state ORDER BY s.number LIMIT 1) ELSE '{}' END,
    done_at = CASE WHEN w.state IN ('delivered', 'undelivered', 'expired') THEN %s END
FROM whole w WHERE m.id = w.id AND m.state = w.was AND m.state <> w.state RETURNING m.id, w.was, m.state, m.obligation_id"""
