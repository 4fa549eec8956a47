"""The sender: claims messages, has the guards look again, writes them down, lets them leave, writes down what comes back.

None of the protocols can say "send this once". So a segment is submitted once by itself and never again: what had no answer is
`unknown`, and sending it again is a person's decision. Only what the gateway definitely did not take, for there was too much at
once, is tried again.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event as Signal
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from django.db import Error, InterfaceError, OperationalError, connection, transaction

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.customers.vault import Unopened
from zhike.people import bank as people_bank

from . import gate, inbox, journal, outcome, satisfaction, texts
from .gate import Addressee
from .models import Kind, Lane, State
from .segments import Segment, cut
from .transports.transport import Answer, Lost, Part, Receipt, Reply, Transport, Unbound
from .transports.transport import Event as Came

SLICE = 500  # messages a claim
# What bulk leaves free of the window, so that what one writes to one customer leaves at once.
FREE = 0.2
PAUSE = 0.05  # seconds that an idle connection waits for what comes
GATHER = 0.01  # seconds that more is waited for once something has come: what is written down together costs half
BEATS = timedelta(seconds=5)
THROTTLED = timedelta(seconds=1)
GAPS = (1.0, 2.0, 5.0, 15.0, 60.0)  # seconds until a gateway is called again
AWAY = 1.0

log = logging.getLogger("zhike.sms")


class Sender:
    """One connection to one gateway, in a thread of its own; several may work side by side."""

    def __init__(self, gateway: str, transport: Transport) -> None:
        self.gateway = gateway
        self.transport = transport
        self.epoch: UUID | None = None
        self.under_way: dict[int, tuple[int, datetime]] = {}  # sequence → segment, since when
        self.beaten: datetime | None = None
        self.left: deque[datetime] = deque()  # when each of the last second left
        self.answering = False  # whether the last reading brought answers

    def begin(self, now: datetime) -> None:
        """Signs in; from now on what leaves has this epoch. Raises Unbound."""
        self.transport.open()
        self.epoch = uuid4()
        self.under_way.clear()
        journal.begin(self.epoch, self.gateway, f"{socket.gethostname()}:{os.getpid()}", now)
        self.beaten = now

    def round(self, clock: Callable[[], datetime], wait: float) -> bool:
        """Sends what may leave, and takes in what has come. Whether there was something to do. Raises Lost."""
        now = clock()
        bank = people_bank.settings().now(now)
        sent = self._send(now, bank)
        return self.take_in(clock, 0.0 if sent else wait) or bool(sent)

    def tick(self, now: datetime) -> None:
        """Says that it lives, and looks after what others left behind."""
        assert self.epoch is not None
        if self.beaten is not None and now - self.beaten < BEATS:
            return
        self.beaten = now
        with transaction.atomic():
            journal.beat(self.epoch, now)
            touched = journal.bury(now) | journal.match(self.gateway, None, now) | journal.reconcile(self.gateway, now)
            late = {
                sequence: segment
                for sequence, (segment, since) in self.under_way.items()
                if now - since > journal.PATIENCE
            }
            touched |= journal.silent(self.epoch, list(late.values()), now)
            self._reckon(touched, now)
            inbox.gather_incomplete(now)
        for sequence in late:
            del self.under_way[sequence]

    def lose(self, lost: Lost, now: datetime) -> None:
        """The connection ended: what had no answer has none, and says so."""
        assert self.epoch is not None
        with transaction.atomic():
            self._reckon(journal.lose(self.epoch, lost.words, now), now)
        self.under_way.clear()
        self.epoch = None

    # ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _send(self, now: datetime, bank: Bank) -> int:
        assert self.epoch is not None
        places = self.transport.window - len(self.under_way)
        free = min(places, self._allowed(now))
        if free <= 0:
            return 0
        with transaction.atomic():
            parts = again = self._again(free, now, bank)
            if claimed := journal.claim(self._room(free - len(again), places), now):
                parts = again + self._entered(claimed, free - len(again), now, bank)
        # The journal is committed. From here on nobody sends these parts but this connection, and this once.
        self._leave(parts, now)
        return len(again) + len(claimed)

    def _allowed(self, now: datetime) -> int:
        """How many may leave now by the rate that was agreed with the gateway: what was not used in the last second is not saved up."""
        rate = self.transport.rate
        if not rate:
            return self.transport.window
        while self.left and (now - self.left[0] >= timedelta(seconds=1) or self.left[0] > now):
            self.left.popleft()
        return rate - len(self.left)

    def _room(self, free: int, places: int) -> dict[int, int]:
        """How many messages of each lane may be claimed: bulk leaves part of the window free. While answers come it waits until they have
        freed half of its own part, for then the gateway is busy with one half while the other is written down."""
        bulk = self.transport.window - int(self.transport.window * FREE)
        if self.answering and places - (self.transport.window - bulk) < bulk // 2:
            return {Lane.ONE: min(SLICE, free)}
        bulk = max(0, min(SLICE, free - (self.transport.window - bulk)))
        return {Lane.ONE: min(SLICE, free), Lane.GREETINGS: bulk, Lane.MARKETING: bulk // 2, Lane.QUESTIONS: bulk // 4}

    def _entered(self, claimed: Sequence[journal.Claimed], free: int, now: datetime, bank: Bank) -> list[Part]:
        """Those that the guards let pass and the window has room for, cut and in the journal; those that the guards stop say why."""
        assert self.epoch is not None
        whom = gate.addressees({message.customer for message in claimed}, now, bank)
        same = texts.of_many([message.id for message in claimed if not message.sealed], bank)
        offers = gate.offers([message.id for message in claimed if message.kind == Kind.MARKETING])
        asking = [message.id for message in claimed if message.kind == Kind.QUESTION]
        unwanted = satisfaction.unwanted(asking) if asking else {}
        name = texts.bank_name()
        away: list[dict[str, Any]] = []
        leaving, rows, before = [], [], set()
        parts: list[Part] = []
        for message in claimed:
            addressee = whom.get(message.customer)
            try:
                text = (
                    texts.fill(*same[message.id])
                    if message.id in same
                    else texts.bare(gate.opened(message.sealed, message.key))
                )
                offer = offers.get(message.id)
                turned = gate.turned(
                    message.kind,
                    text,
                    message.not_after,
                    addressee,
                    now,
                    bank,
                    offer,
                    unwanted=unwanted.get(message.id),
                )
                whole = messages.dressed(text, message.kind, bank, name)
                gate.check_length(whole)
                cuts = _cuts(whole, message.key, whole=self.transport.whole)
            except (Refused, Unopened) as error:
                turned = gate.unreadable(error)
            if turned is not None:
                away.append({"id": message.id, "attempt": message.attempt, **turned})
                if message.attempt > 1 and turned["state"] != State.WAITING:
                    away[-1] |= gate.as_before(turned, message.attempt)
                    before.add(message.id)
                continue
            if parts and len(parts) + len(cuts) > free:
                continue  # next time; a text of more parts than the window has places leaves by itself
            assert addressee is not None
            leaving.append(
                {
                    "id": message.id,
                    "sealed": gate.sealed("".join(each.text for each in cuts), message.key),
                    "of": len(cuts),
                }
            )
            for number, (segment, sequence) in enumerate(zip(cuts, self.transport.numbers(len(cuts)), strict=True), 1):
                part = _part(segment, sequence, message.key, number, len(cuts), addressee)
                parts.append(part)
                rows.append(
                    {
                        "message": message.id, "attempt": message.attempt, "number": number, "of": len(cuts),
                        "sequence": sequence, "reference": part.reference,
                    }
                )  # fmt: skip
        journal.turn_away(away, now)
        journal.reckon(before, now)  # as their segments say
        entered = journal.enter(self.epoch, self.gateway, leaving, rows, now) if rows else {}
        self.under_way.update((sequence, (segment, now)) for sequence, (segment, _message) in entered.items())
        return [part for part in parts if part.sequence in entered]

    def _again(self, free: int, now: datetime, bank: Bank) -> list[Part]:
        """What was definitely not taken leaves anew, under a new number that is in the journal first; unless the guards stop it by now."""
        assert self.epoch is not None
        taken = journal.take_held(min(free, SLICE), now)
        if not taken:
            return []
        whom = gate.addressees(
            {segment.customer for segment in taken}, now, bank, {segment.message for segment in taken}
        )
        held = self._still_wanted(taken, whom, now, bank)
        if not held:
            return []
        numbers = self.transport.numbers(len(held))
        parts = []
        for segment, sequence in zip(held, numbers, strict=True):
            cuts = _cuts(gate.opened(segment.sealed, segment.key), segment.key, whole=self.transport.whole)
            parts.append(
                _part(
                    cuts[segment.number - 1], sequence, segment.key, segment.number, len(cuts), whom[segment.customer]
                )
            )
        journal.enter_again(self.epoch, [{"id": s.id, "sequence": n} for s, n in zip(held, numbers, strict=True)], now)
        self.under_way.update((n, (s.id, now)) for s, n in zip(held, numbers, strict=True))
        return parts

    def _still_wanted(
        self, held: Sequence[journal.Held], whom: Mapping[int, Addressee], now: datetime, bank: Bank
    ) -> list[journal.Held]:
        """A gateway may be busy or away for hours: meanwhile somebody opted out, night fell, a campaign was stopped."""
        offers = gate.offers({segment.message for segment in held if segment.kind == Kind.MARKETING})
        asking = {segment.message for segment in held if segment.kind == Kind.QUESTION}
        unwanted = satisfaction.unwanted(asking) if asking else {}
        turned: dict[int, dict[str, Any] | None] = {}
        for segment in held:
            if segment.message not in turned:
                try:
                    text = texts.bare(gate.opened(segment.sealed, segment.key))
                except Unopened as error:
                    turned[segment.message] = gate.unreadable(error)
                    continue
                turned[segment.message] = gate.turned(
                    segment.kind, text, segment.not_after, whom.get(segment.customer), now, bank, offers.get(segment.message),
                    unwanted=unwanted.get(segment.message),
                )  # fmt: skip
        away = [
            {"id": segment.id, "message": segment.message, **why}
            for segment in held
            if (why := turned[segment.message])
        ]
        journal.turn_held(away, now)
        self._reckon({row["message"] for row in away}, now)
        return [segment for segment in held if not turned[segment.message]]

    def _leave(self, parts: Sequence[Part], now: datetime) -> None:
        if parts:
            if self.transport.rate:
                self.left.extend([now] * len(parts))
            self.transport.submit(parts)

    # ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def take_in(self, clock: Callable[[], datetime], wait: float) -> bool:
        """Writes down what has come, and only then acknowledges it. Raises Lost, once all that had come before is written down."""
        came, lost = self._gathered(wait)
        answers = [each for each in came if isinstance(each, Answer) and each.sequence in self.under_way]
        self.answering = bool(answers)
        if came:
            now = clock()
            with transaction.atomic():
                self._reckon(self._told(came, answers, now), now)
            for answer in answers:
                self.under_way.pop(answer.sequence, None)
            self.transport.took([each for each in came if not isinstance(each, Answer)])
        if lost:
            raise lost
        return bool(came)

    def _gathered(self, wait: float) -> tuple[list[Came], Lost | None]:
        """What has come; while much is under way a little more is waited for. How the connection ended, if it did meanwhile."""
        came = [*self.transport.events(wait)]
        until = monotonic() + GATHER
        while came and len(came) < len(self.under_way) and (left := until - monotonic()) > 0:
            try:
                came += self.transport.events(left)
            except Lost as lost:
                return came, lost
        return came, None

    def _told(self, came: Iterable[Came], answers: Sequence[Answer], now: datetime) -> set[int]:
        known = [(self.under_way[answer.sequence][0], answer) for answer in answers]
        receipts = [each for each in came if isinstance(each, Receipt)]
        touched = journal.heard(self.gateway, known, receipts, now, now + THROTTLED) if known or receipts else set()
        if replies := [each for each in came if isinstance(each, Reply)]:
            inbox.take(self.gateway, replies, now)
        return touched

    def _reckon(self, touched: Iterable[int], now: datetime) -> None:
        outcome.follow(journal.reckon(touched, now), now)


def _cuts(text: str, key: UUID, *, whole: bool) -> list[Segment]:
    """The text in parts, the same ones whenever it is cut; or as it is, where the other end cuts."""
    cuts = cut(text, reference=key.int % 256)
    return [Segment(cuts[0].coding, b"", b"", text)] if whole else cuts


def _part(segment: Segment, sequence: int, key: UUID, number: int, of: int, addressee: Addressee) -> Part:
    return Part(
        sequence=sequence, reference=f"{key.hex}{number:02}", to=addressee.number, text=segment.text, coding=segment.coding,
        octets=segment.octets, header=segment.header, number=number, of=of,
    )  # fmt: skip


def go(sender: Sender, clock: Callable[[], datetime], stopped: Signal) -> None:
    """Until it is stopped: signs in, sends, takes in; signs in anew when the connection or the database was away."""
    failed = 0
    while not stopped.is_set():
        try:
            sender.begin(clock())
            failed = 0
            _send_on(sender, clock, stopped)
        except Unbound as unbound:
            gap = GAPS[min(failed, len(GAPS) - 1)] if not unbound.permanent else GAPS[-1]
            failed += 1
            log.warning("The gateway %s takes no messages: %s", sender.gateway, unbound)
            stopped.wait(gap)
        except Lost as lost:
            log.warning("The connection to the gateway %s ended: %s", sender.gateway, lost)
            _told_lost(sender, lost, clock, stopped)
        except Error as error:
            away = isinstance(error, (OperationalError, InterfaceError))
            log.warning("A round of messages failed: %s", error, exc_info=not away)
            sender.transport.close()  # what is on its way without a journal to write to would be lost to it
            _told_lost(sender, _UNWRITTEN, clock, stopped)
        finally:
            sender.transport.close()
    connection.close()


_UNWRITTEN = Lost(
    "数据库中断，没有记下网关的应答", "the database was away, and the gateway's answer was not written down"
)
_ENDED = Lost("发送程序停止，没有等到网关的应答", "the sender was stopped before the gateway had answered")


def _send_on(sender: Sender, clock: Callable[[], datetime], stopped: Signal) -> None:
    while not stopped.is_set():
        sender.round(clock, PAUSE)
        sender.tick(clock())
    # What is under way is waited for a little: the fewer are unknown.
    until = clock() + timedelta(seconds=2)
    while sender.under_way and clock() < until:
        sender.take_in(clock, PAUSE)
    sender.lose(_ENDED, clock())


def _told_lost(sender: Sender, lost: Lost, clock: Callable[[], datetime], stopped: Signal) -> None:
    """Writes down that the connection ended; where the database is away, as soon as it is back."""
    while sender.epoch is not None:
        try:
            sender.lose(lost, clock())
        except Error:
            connection.close()
            if stopped.wait(AWAY):
                return  # whoever works on buries it
