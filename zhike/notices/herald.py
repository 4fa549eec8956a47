"""The herald: sends each group its team digest, once a working day, by the same tables as everything that is sent.

A digest is due at `digest_at` of each working day, from the moment on that the group's robot was set up; one that no worker looked at
on its day has failed, and says so. Claimed under a lease, sent, confirmed at once: at least once. A robot knows no copies, so what a
worker sent and was killed before it confirmed comes a second time; the same counts twice do no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

from django.db import Error, connection, transaction

from zhike.conduct.bank import Bank, Settings
from zhike.conduct.calendars import Workdays
from zhike.conduct.words import Refused, Words
from zhike.customers.vault import Unopened
from zhike.people import bank
from zhike.people.workdays import workdays

from .channels.channel import Undelivered
from .channels.webhook import Message, robot
from .courier import GAPS, LEASE
from .digest import said, tally, trial
from .models import Webhook
from .ringing import CLOCKS_APART

HANDS = 8  # as many are claimed as are handed over at once: none waits for its turn while its lease runs
LOOKS = 2.0  # seconds between two looks
BACK = timedelta(days=13)  # so far back a missing digest is still put into the books
DAY_OVER = Words("当天没有后台任务发送", "no worker sent it on its day")
OFF = Words("群机器人已停用", "the group's robot was turned off")

log = logging.getLogger("zhike.notices")


@dataclass(frozen=True)
class Claimed:
    """A digest that this herald holds, with what it says; or why there is nothing to send."""

    id: int
    attempts: int
    kind: str
    address: str
    secret: str
    message: Message | None
    error: Undelivered | None = None


class Herald:
    """One worker's. ``relays``: the hosts that the bank names; ``link``: where Zhike is."""

    def __init__(self, id: UUID, relays: Collection[str], *, link: str = "") -> None:
        self.id = id
        self.relays = relays
        self.link = link

    def go(self, clock: Callable[[], datetime], stopped: Event) -> None:
        """Until it is stopped. A round that fails is done again: the database may be away for a while, and comes back."""
        while not stopped.is_set():
            try:
                while self.round(clock):
                    pass
            except Error:
                log.warning("A round of team digests failed and is done again.", exc_info=True)
                connection.close()
            stopped.wait(LOOKS)

    def round(self, clock: Callable[[], datetime]) -> int:
        """Puts down what is due, sends what may be sent, confirms each as it is taken. Returns how many were handed over."""
        settings = bank.settings()
        put_down(clock(), settings, workdays())
        claimed = self.claim(clock(), settings.now(clock()))
        if not claimed:
            return 0
        with ThreadPoolExecutor(HANDS, "herald") as hands:
            handed = {hands.submit(self.hand, each): each for each in claimed}
            for done in as_completed(handed):
                self.confirm(handed[done], done.result(), clock())
        return len(claimed)

    def claim(self, now: datetime, bank: Bank) -> list[Claimed]:
        """Takes up to as many as there are hands; committed before this returns."""
        with transaction.atomic():
            held = _run(CLAIM, [self.id, now + LEASE, now, now, now + LEASE + CLOCKS_APART, HANDS])
            return [self._claimed(row, now, bank) for row in _run(CLAIMED, [[row[0] for row in held]])] if held else []

    def hand(self, digest: Claimed) -> Undelivered | None:
        """Hands one over; nothing of the database is touched."""
        try:
            if digest.error is not None:
                return digest.error
            assert digest.message is not None
            to = robot(digest.kind, digest.address, digest.secret, self.relays)
            try:
                to.send(digest.message)
            finally:
                to.close()
        except Refused as refused:  # the bank no longer names its host
            return Undelivered(refused.words.zh, refused.words.en, permanent=True)
        except Undelivered as error:
            return error
        except Exception as error:  # a robot's own fault is that group's alone; what it says may hold the address
            name = type(error).__name__
            return Undelivered(f"群机器人出错（{name}）", f"the robot broke ({name})")
        return None

    def confirm(self, digest: Claimed, error: Undelivered | None, now: datetime) -> None:
        """Writes down what became of it, if this herald still holds it."""
        if error is None:
            _run(DONE, ["sent", now, "", digest.id, self.id])
            return
        if not error.permanent and digest.attempts <= len(GAPS):
            _run(AGAIN, [now + GAPS[digest.attempts - 1], error.kept, digest.id, self.id])
        else:
            _run(DONE, ["failed", now, error.kept, digest.id, self.id])

    def _claimed(self, row: tuple[Any, ...], now: datetime, bank: Bank) -> Claimed:
        id, attempts, day, test, unit_id, unit, kind, sealed, language, on = row
        over = DAY_OVER if day < now.astimezone(bank.zone).date() else None if on else OFF
        if over is not None:
            return Claimed(id, attempts, kind, "", "", None, Undelivered(over.zh, over.en, permanent=True))
        try:
            address, secret = Webhook(unit_id=unit_id, address=sealed).leads_to()
        except Unopened:
            words = Words("群机器人的地址打不开，请重新设置", "the robot's address does not open: set it up anew")
            return Claimed(id, attempts, kind, "", "", None, Undelivered(words.zh, words.en, permanent=True))
        message = (
            trial(unit, bank.digest_at, language, self.link)
            if test
            else said(unit, tally(unit_id, now, bank.zone), now, bank.zone, language, self.link)
        )
        return Claimed(id, attempts, kind, address, secret, message)


def put_down(now: datetime, settings: Settings, works: Workdays) -> None:
    """Makes the digests that are due by ``now``, one a unit and working day; whoever comes second makes none.

    In a year whose holidays are not published Monday to Friday are taken for working days: a digest too many does no harm.
    """
    today = settings.today(now)
    days, moments = [], []
    for back in range(BACK.days, -1, -1):
        day = today - timedelta(days=back)
        moment = due(day, settings.at(day))
        if moment <= now and works.may_work(day):
            days.append(day)
            moments.append(moment)
    if days:
        _run(PUT_DOWN, [days, moments])


def due(day: date, bank: Bank) -> datetime:
    """When a day's digest is due."""
    return datetime.combine(day, bank.digest_at, bank.zone)


@dataclass(frozen=True)
class Day:
    """What became of one day's digests: due = sent + failed (why) + waiting."""

    day: date
    sent: int
    waiting: int
    failed: tuple[tuple[str, int], ...]

    @property
    def due(self) -> int:
        return self.sent + self.waiting + sum(number for _why, number in self.failed)


def books(last: date, days: int) -> list[Day]:
    """The digests that the reader may know of, tests left out, by day, the newest first."""
    rows = _run(BOOKS, [last - timedelta(days=days - 1), last])
    found: dict[date, list[tuple[str, str, int]]] = {}
    for day, state, error, number in rows:
        found.setdefault(day, []).append((state, error, number))
    return [_day(day, lines) for day, lines in found.items()]


def _day(day: date, lines: Sequence[tuple[str, str, int]]) -> Day:
    of = {state: sum(number for each, _why, number in lines if each == state) for state in ("sent", "waiting")}
    failed = tuple((why, number) for state, why, number in lines if state == "failed")
    return Day(day, of["sent"], of["waiting"], failed)


def _run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


PUT_DOWN = """
INSERT INTO notices_digest (unit_id, day, test, at, state, attempts, try_at, error)
SELECT w.unit_id, d.day, false, d.at, 'waiting', 0, d.at, ''
FROM unnest(%s::date[], %s::timestamptz[]) AS d (day, at)
JOIN notices_webhook w ON w."on" AND w.since <= d.at
JOIN people_unit u ON u.id = w.unit_id AND u.from_day <= d.day AND (u.to_day IS NULL OR u.to_day > d.day)
WHERE NOT EXISTS (SELECT FROM notices_digest g WHERE g.unit_id = w.unit_id AND g.day = d.day AND NOT g.test)
ON CONFLICT DO NOTHING"""

# A lease that has run out is anybody's; so is one that ends further ahead than any can: the clock was set back.
CLAIM = """
UPDATE notices_digest d SET leased_by = %s, leased_until = %s, attempts = d.attempts + 1
FROM (SELECT id FROM notices_digest
      WHERE state = 'waiting' AND try_at <= %s AND (leased_until IS NULL OR leased_until < %s OR leased_until > %s)
      ORDER BY try_at, id LIMIT %s FOR UPDATE SKIP LOCKED) c
WHERE d.id = c.id RETURNING d.id"""

CLAIMED = """
SELECT d.id, d.attempts, d.day, d.test, d.unit_id, u.name, w.kind, w.address, w.language, w."on"
FROM notices_digest d JOIN people_unit u ON u.id = d.unit_id JOIN notices_webhook w ON w.unit_id = d.unit_id
WHERE d.id = ANY (%s) ORDER BY d.try_at, d.id"""

DONE = """
UPDATE notices_digest SET state = %s, done_at = %s, error = %s, leased_by = NULL, leased_until = NULL
WHERE id = %s AND leased_by = %s AND state = 'waiting'"""

AGAIN = """
UPDATE notices_digest SET try_at = %s, error = %s, leased_by = NULL, leased_until = NULL
WHERE id = %s AND leased_by = %s AND state = 'waiting'"""

BOOKS = """
SELECT day, state, error, count(*) FROM notices_digest WHERE NOT test AND day BETWEEN %s AND %s
GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 4 DESC"""
