"""The courier: claims notices, hands them to their channel, confirms. At least once, and under one key.

A claim is committed before anything is sent, and lasts as long as its lease: a courier that dies in between is followed by another,
who sends the same under the same key. Only whoever holds the claim confirms. What a channel does not take is tried again after
growing gaps, then it has failed, and the owner and the owner's leader are told on their page.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from zhike.conduct.bank import Bank
from zhike.people.leaders import leaders

from . import ringing, words
from .channels import CHANNELS, Channel, Parcel, Undelivered
from .ringing import CLOCKS_APART

# How long a claim lasts: longer than whatever it holds can wait its turn and be sent, short enough that what a dead courier held is
# not late for long.
LEASE = timedelta(seconds=30)
# After the first attempt, the second, …; then it has failed: 26 minutes in all.
GAPS = tuple(timedelta(seconds=seconds) for seconds in (2, 8, 30, 120, 300, 1080))
# For each channel: so many are handed over at once, so many claimed. One that does not answer keeps no other waiting.
HANDS, ROOM = 16, 32


@dataclass(frozen=True)
class Claimed:
    """A notice that this courier holds."""

    id: int
    channel: str
    attempts: int
    parcel: Parcel | None  # None: the staff member has no address there


@dataclass(frozen=True)
class Handed:
    """What became of it: ``error`` None where the receiving end took it."""

    notice: Claimed
    error: Undelivered | None


class Courier:
    """One courier: a worker of its own, known by ``id``. Several may work side by side."""

    def __init__(self, id: UUID, channels: Mapping[str, Channel], *, link: str = "") -> None:
        self.id = id
        self.channels = channels
        self.link = link
        self._hands: dict[str, ThreadPoolExecutor] = {}
        self._under_way: dict[Future[Handed], Claimed] = {}
        self._handed: list[Handed] = []

    def take(self, now: datetime, bank: Bank) -> int:
        """Claims what may be sent by ``now``, as far as there is room, and begins to hand it over. Returns how many."""
        full = Counter(notice.channel for notice in self._under_way.values())
        claimed = self.claim({channel: ROOM - full[channel] for channel in CHANNELS}, now, bank)
        for notice in claimed:
            hands = self._hands.setdefault(notice.channel, ThreadPoolExecutor(HANDS, f"courier {notice.channel}"))
            self._under_way[hands.submit(self.hand, notice)] = notice
        return len(claimed)

    def handed(self, timeout: float) -> list[Handed]:
        """What has been handed over and not yet been confirmed, waiting for the first of it for so many seconds at most."""
        done, _rest = wait(self._under_way, 0 if self._handed else timeout, FIRST_COMPLETED)
        for each in done:
            del self._under_way[each]
            self._handed.append(each.result())
        return list(self._handed)

    @property
    def busy(self) -> bool:
        """Whether something is being handed over, or has been and is not yet confirmed."""
        return bool(self._under_way or self._handed)

    def claim(self, room: Mapping[str, int], now: datetime, bank: Bank) -> list[Claimed]:
        """Takes up to so many notices of each channel; committed before this returns."""
        with transaction.atomic():
            stale = now + LEASE + CLOCKS_APART
            wanted = [list(room), [max(0, left) for left in room.values()]]
            claimed = _run(CLAIM, [self.id, now + LEASE, *wanted, now, now, stale])
            if again := [id for id, attempts in claimed if attempts > 1]:
                _run(OVERTAKEN, [now, again, now])
            held = [id for id, _attempts in claimed]
            return [self._claimed(row, now, bank) for row in _run(CLAIMED, [held])] if held else []

    def hand(self, notice: Claimed) -> Handed:
        """Hands one over; nothing of the database is touched."""
        channel = self.channels.get(notice.channel)
        try:
            if channel is None:
                raise Undelivered("本行未开通这一渠道", "the bank has not set this channel up", permanent=True)
            if notice.parcel is None:
                raise Undelivered(
                    "没有填写送达地址，或账号已停用", "no address is known, or the account is closed", permanent=True
                )
            channel.send(notice.parcel)
        except Undelivered as error:
            return Handed(notice, error)
        except Exception as error:  # a channel's own fault is that channel's alone
            name = type(error).__name__
            return Handed(notice, Undelivered(f"渠道出错（{name}）", f"the channel broke ({name})"))
        return Handed(notice, None)

    def confirm(self, handed: Sequence[Handed], now: datetime, bank: Bank) -> None:
        """Writes down what became of those that this courier still holds. One that failed for good is told to owner and leader.

        Where the database cannot be written to, all of it is still to be confirmed."""
        with transaction.atomic():
            _run(SENT, [now, self.id, [each.notice.id for each in handed if each.error is None]])
            for each in handed:
                if each.error is not None:
                    self._try_again(each.notice, each.error, now, bank)
        written = {each.notice.id for each in handed}
        self._handed = [each for each in self._handed if each.notice.id not in written]

    def beat(self, now: datetime, begun: datetime) -> None:
        """Says that this courier lives."""
        _run(BEAT, [now - timedelta(days=1), self.id, f"{socket.gethostname()}:{os.getpid()}", begun, now])

    def close(self) -> None:
        """Begins nothing more, and gives back what it holds and has not begun; what is under way ends by its own patience."""
        unbegun = [(each, notice.id) for each, notice in self._under_way.items() if each.cancel()]
        for each, _id in unbegun:
            del self._under_way[each]
        for hands in self._hands.values():
            hands.shutdown(wait=False)
        _run(GIVEN_BACK, [self.id, [id for _each, id in unbegun]])

    def _claimed(self, row: tuple[Any, ...], now: datetime, bank: Bank) -> Claimed:
        id, channel, key, attempts, address, language, lines = row
        said = words.text([_moments(line) for line in lines], now, bank.zone)
        text = said.say(language)
        parcel = Parcel(key, address, words.TITLE.say(language), text, self.link) if address else None
        return Claimed(id, channel, attempts, parcel)

    def _try_again(self, notice: Claimed, error: Undelivered, now: datetime, bank: Bank) -> None:
        said = error.kept
        if not error.permanent and notice.attempts <= len(GAPS):
            _run(AGAIN, [now + GAPS[notice.attempts - 1], said, notice.id, self.id])
        elif _run(FAILED, [now, said, notice.id, self.id, now, said]):
            self._tell(notice, now, bank)

    def _tell(self, notice: Claimed, now: datetime, bank: Bank) -> None:
        """Whoever was to hear, owner and the owner's leader hear of it, but of a test only its own page says so."""
        about = _run(ABOUT, [notice.id])
        leader = leaders({owner for _obligation, _staff, owner in about}, now.astimezone(bank.zone).date())
        whom = {
            (obligation, each)
            for obligation, staff, owner in about
            for each in (staff, owner, leader.get(owner))
            if each is not None
        }
        ringing.tell(sorted(whom), now)


def _moments(line: Mapping[str, Any]) -> words.Line:
    at, due, minute = (datetime.fromisoformat(line[name]) if line[name] else None for name in ("at", "due", "minute"))
    assert at is not None
    return words.Line(line["obligation"] or 0, line["kind"] or "", line["step"], at, due, minute)


def _run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


# A lease that has run out is anybody's; so is one that ends further ahead than any can: the clock was set back.
CLAIM = """
UPDATE notices_notice n SET leased_by = %s, leased_until = %s, attempts = n.attempts + 1
FROM unnest(%s::text[], %s::int[]) AS room (channel, places)
CROSS JOIN LATERAL (
    SELECT id FROM notices_notice w
    WHERE w.state = 'waiting' AND w.channel <> 'page' AND w.channel = room.channel AND w.try_at <= %s
      AND (w.leased_until IS NULL OR w.leased_until < %s OR w.leased_until > %s)
    ORDER BY w.try_at LIMIT room.places FOR UPDATE SKIP LOCKED) c
WHERE n.id = c.id RETURNING n.id, n.attempts"""

GIVEN_BACK = """
UPDATE notices_notice SET leased_by = NULL, leased_until = NULL, attempts = attempts - 1
WHERE leased_by = %s AND id = ANY (%s) AND state = 'waiting'"""

# What was settled or moved while a courier held the notice was left on its way (0002_walls). That courier died, or was not heard:
# what is no longer wanted is not sent a second time.
OVERTAKEN = """
WITH overtaken AS (
    UPDATE notices_delivery d
    SET outcome = 'suppressed', done_at = %s, reason = CASE o.state WHEN 'open' THEN 'moved' WHEN 'missed' THEN 'lapsed' ELSE 'settled' END
    FROM obligations_reminder r JOIN obligations_obligation o ON o.id = r.obligation_id
    WHERE d.notice_id = ANY (%s) AND r.id = d.reminder_id AND d.outcome = 'waiting'
      AND (o.state <> 'open' OR CASE WHEN r.step LIKE 'before:%%' THEN
           r.at <> coalesce(o.target, o.due) - split_part(r.step, ':', 2)::int * interval '1 minute' END)
    RETURNING d.id, d.notice_id
)
UPDATE notices_notice n SET state = 'moot', done_at = %s, leased_by = NULL, leased_until = NULL
WHERE n.id IN (SELECT notice_id FROM overtaken) AND NOT EXISTS (
    SELECT FROM notices_delivery d WHERE d.notice_id = n.id AND d.outcome = 'waiting' AND d.id NOT IN (SELECT id FROM overtaken))"""

CLAIMED = """
SELECT n.id, n.channel, n.key, n.attempts,
       CASE WHEN s.is_active THEN
           coalesce(nullif(c.address, ''), CASE WHEN n.channel = 'mail' THEN s.email ELSE s.number END) END, s.language,
       json_agg(json_build_object('obligation', o.id, 'kind', o.kind, 'step', r.step, 'at', r.at, 'due', o.due,
           'minute', CASE WHEN o.kind = 'call_back' THEN o.target WHEN o.kind = 'arrival' THEN o.due END))
FROM notices_notice n
JOIN people_staff s ON s.id = n.staff_id
LEFT JOIN notices_choice c ON c.staff_id = n.staff_id AND c.channel = n.channel
JOIN notices_delivery d ON d.notice_id = n.id AND d.outcome = 'waiting'
JOIN obligations_reminder r ON r.id = d.reminder_id
LEFT JOIN obligations_obligation o ON o.id = r.obligation_id
WHERE n.id = ANY (%s)
GROUP BY n.id, c.address, s.id ORDER BY n.try_at, n.id"""

SENT = """
WITH sent AS (
    UPDATE notices_notice SET state = 'sent', done_at = %s, leased_by = NULL, leased_until = NULL, error = ''
    WHERE leased_by = %s AND id = ANY (%s) AND state = 'waiting' RETURNING id, done_at
)
UPDATE notices_delivery d SET outcome = 'delivered', done_at = sent.done_at FROM sent
WHERE d.notice_id = sent.id AND d.outcome = 'waiting'"""

AGAIN = """
UPDATE notices_notice SET try_at = %s, error = %s, leased_by = NULL, leased_until = NULL
WHERE id = %s AND leased_by = %s AND state = 'waiting'"""

FAILED = """
WITH failed AS (
    UPDATE notices_notice SET state = 'failed', done_at = %s, error = %s, leased_by = NULL, leased_until = NULL
    WHERE id = %s AND leased_by = %s AND state = 'waiting' RETURNING id
)
UPDATE notices_delivery d SET outcome = 'failed', done_at = %s, reason = %s FROM failed
WHERE d.notice_id = failed.id AND d.outcome = 'waiting' RETURNING d.id"""

ABOUT = """
SELECT r.obligation_id, r.staff_id, o.owner_id FROM notices_delivery d JOIN obligations_reminder r ON r.id = d.reminder_id
JOIN obligations_obligation o ON o.id = r.obligation_id
WHERE d.notice_id = %s AND d.outcome = 'failed'"""

BEAT = """
WITH gone AS (DELETE FROM notices_heartbeat WHERE seen_at < %s)
INSERT INTO notices_heartbeat (worker, name, begun_at, seen_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at"""
