"""Taking in what another platform sent: chunk by chunk, each a transaction that also moves the run's counters on.

What is taken in was sent already, so nothing here refuses it for what it was: it is kept, it settles what it fulfils by the ledger's rules,
and what our own gate would have stopped is a finding.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.customers.checks import Unaccepted
from zhike.customers.imports.load import Overtaken
from zhike.customers.imports.rows import limited
from zhike.customers.models import Book, Customer, Line, Run
from zhike.customers.models.run import row_place
from zhike.customers.reseal import is_behind
from zhike.customers.vault import vault
from zhike.obligations.models import Obligation
from zhike.obligations.models import State as Stands
from zhike.people.actor import Actor, act
from zhike.people.models import Staff
from zhike.people.tables import Problem, Row, Table, open_table
from zhike.sms import greetings, numbers, outcome
from zhike.sms.models import Kind, Message, State
from zhike.sms.segments import measure

from . import greeted, judged
from .columns import MESSAGES
from .rows import BIRTHDAY, Checked, Checker

CHUNK = 1_000
# Of two files at once each sees what the other has kept.
LOCK = 7_205_316
THROUGH = "bank_sms"
Now = Callable[[], datetime]

WHY = {
    State.UNDELIVERED: Words("另一平台的回执如此", "so the other platform's receipt says"),
    State.EXPIRED: Words("另一平台的回执如此", "so the other platform's receipt says"),
    State.UNKNOWN: Words("另一平台没有说明结果", "the other platform does not say what became of it"),
}


def run_import(run: Run, path: Path, *, bank: Bank, now: Now, language: str) -> Run:
    """Reads ``path`` from where the run stands to its end; the run's row says how it went.

    Raises UnreadableTable where the file cannot be read at all, Overtaken where another worker has gone on with the run, Unaccepted in the
    middle of a change of data keys.
    """
    with translation.override(language):
        if is_behind(vault()):
            raise Unaccepted(
                _(
                    "The data keys were changed: until zhike keys has run, customers would not be found by their numbers."
                )
            )
        table = open_table(path)
        _Loading(run, table, bank=bank, now=now).go()
    run.refresh_from_db()
    if run.loaded or run.already:
        MESSAGES.remember(run.mapping, table.columns, run.by_id, now())
    return run


@dataclass(frozen=True)
class _Known:
    """A customer as a row may name them."""

    id: int
    core_number: str | None
    rm: int | None
    keeper: int


@dataclass
class _Chunk:
    """Rows that are kept, with whose and in whose name; and those that come back."""

    kept: list[tuple[Checked, Message]] = field(default_factory=list)
    already: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)


class _Loading:
    """One run at work."""

    def __init__(self, run: Run, table: Table, *, bank: Bank, now: Now) -> None:
        self.run, self.table, self.bank, self.now = run, table, bank, now
        self.checker = Checker(run.mapping, bank.zone, now())
        self.staff = dict(Staff.objects.values_list("number", "pk"))
        self.names = dict(Staff.objects.values_list("pk", "name"))

    def go(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE IF NOT EXISTS passed_messages (key text PRIMARY KEY, customer bigint); TRUNCATE passed_messages"
            )
        begun = self.run.last_line
        rows = (row for row in self.table if row.line > begun)
        while some := list(islice(rows, CHUNK)):
            self._chunk(some)
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE passed_messages")
        Run.objects.filter(pk=self.run.pk).update(state=Run.State.DONE, finished_at=self.now())

    def _chunk(self, rows: Sequence[Row]) -> None:
        moment = self.now()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            if Run.objects.filter(pk=self.run.pk).exclude(last_line=self.run.last_line).exists():
                raise Overtaken
            actor = act(self.run.by_id, moment) if self.run.by_id else None
            cursor.execute("SELECT set_config('zhike.request', %s, true)", [f"import {self.run.pk}"])
            chunk = self._sorted_out(rows, actor, moment)
            if not self.run.dry:
                self._keep(chunk, moment)
            Line.objects.bulk_create(
                [Line(run=self.run, state=Line.State.REFUSED, **refusal) for refusal in chunk.refused],
                ignore_conflicts=True,
            )
            cursor.execute(
                "UPDATE customers_run SET last_line = %s, checked = checked + %s, loaded = loaded + %s, already = already + %s,"
                " refused = refused + %s, state = 'running' WHERE id = %s",
                [rows[-1].line, len(rows), len(chunk.kept), chunk.already, len(chunk.refused), self.run.pk],
            )
        self.run.last_line = rows[-1].line

    # ── whose it is, and whether it is kept already ─────────────────────────────────────────────────────────────

    def _sorted_out(self, rows: Sequence[Row], actor: Actor | None, now: datetime) -> _Chunk:
        chunk, good = _Chunk(), []
        for row in rows:
            checked, problems = self.checker.check(row)
            if problems:
                chunk.refused.append(self._refusal(row, problems))
            else:
                good.append((row, checked))
        by_number, by_core = _customers([checked for _row, checked in good], limited(actor))
        joined = []
        for row, checked in good:
            try:
                whose = self._whose(checked, by_number, by_core)
                joined.append((row, checked, whose, self._sender(checked)))
            except _Unjoined as wrong:
                column = self.checker.column_of.get(wrong.meaning, "")
                chunk.refused.append(self._refusal(row, [Problem(column, wrong.reason)]))
        books = _books({whose.id for _row, _checked, whose, _by in joined})
        kept = _kept([(checked, whose.id) for _row, checked, whose, _by in joined])
        for row, checked, whose, by in joined:
            try:
                if self._is_kept(checked, whose.id, kept):
                    chunk.already += 1
                    continue
            except _Unjoined as wrong:
                chunk.refused.append(self._refusal(row, [Problem(self.checker.column_of[wrong.meaning], wrong.reason)]))
                continue
            staff = _rm_on(books[whose.id], checked.at, self.bank) or whose.rm or by or self.run.by_id
            if staff is None:
                nobodys = _(
                    "The customer has no relationship manager, so that nobody's message it would be. Hand the customer to one first."
                )
                column = self.checker.column_of.get("core_number") or self.checker.column_of["mobile"]
                chunk.refused.append(self._refusal(row, [Problem(column, nobodys)]))
                continue
            chunk.kept.append((checked, self._message(checked, whose.id, staff, by, now)))
        return chunk

    def _whose(self, checked: Checked, by_number: dict[bytes, list[_Known]], by_core: dict[str, _Known]) -> _Known:
        if checked.core_number:
            if found := by_core.get(checked.core_number):
                return found
            if not checked.number:
                raise _Unjoined("core_number", _("No customer whom you may reach has this number."))
        found_by = {each.id: each for index in numbers.indexes(checked.number) for each in by_number.get(index, ())}
        if not found_by:
            raise _Unjoined("mobile", _("No customer whom you may reach has this mobile number."))
        if len(found_by) > 1:
            several = _(
                "%(count)d customers have this mobile number. Say with the customer number which of them it is."
            )
            raise _Unjoined("mobile", several % {"count": len(found_by)})
        return next(iter(found_by.values()))

    def _sender(self, checked: Checked) -> int | None:
        if checked.sender and checked.sender not in self.staff:
            raise _Unjoined(
                "sender",
                _("There is no staff member with the number %(number)s. Import the staff first, or correct the number.")
                % {"number": checked.sender[:20]},
            )
        return self.staff.get(checked.sender)

    def _is_kept(self, checked: Checked, customer: int, kept: _Kept) -> bool:
        """Kept before, or by an earlier row of the same file; a trial keeps nothing and remembers what passed instead. Raises _Unjoined where
        another customer's message has the number: a batch's is no message's, and nothing is to get lost behind it.
        """
        if not checked.name and checked.text in kept.texts.get((customer, _minute(checked.at)), ()):
            return True
        key = checked.name or json.dumps([customer, _minute(checked.at), checked.text])
        whose = kept.names.get(checked.name) or self._passed(key, customer)
        if whose not in (None, customer):
            raise _Unjoined(
                "name",
                _(
                    "A message to another customer has this number already. If the column numbers batches or days, leave it out and load the file again."
                ),
            )
        return whose is not None

    def _passed(self, key: str, customer: int) -> int | None:
        """Whose row with this key came before in this file; remembers this one where none did."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO passed_messages VALUES (encode(sha256(%(key)s::bytea), 'hex'), %(customer)s) ON CONFLICT DO NOTHING",
                {"key": key.encode(), "customer": customer},
            )
            if cursor.rowcount:
                return None
            cursor.execute(
                "SELECT customer FROM passed_messages WHERE key = encode(sha256(%s::bytea), 'hex')", [key.encode()]
            )
            return int(cursor.fetchone()[0])

    def _refusal(self, row: Row, problems: Iterable[Problem]) -> dict[str, Any]:
        cells = vault().seal(json.dumps(row.cells, ensure_ascii=False), row_place(self.run.pk, row.line))
        reasons = [{"column": problem.column, "reason": problem.reason} for problem in problems]
        return {"line": row.line, "cells": cells, "reasons": reasons}

    # ── kept ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _message(self, checked: Checked, customer: int, staff: int, by: int | None, now: datetime) -> Message:
        state = State(checked.state)
        message = Message(
            key=uuid4(), customer_id=customer, staff_id=staff, by_id=by, through=THROUGH, name=checked.name, state=state, run=self.run,
            kind=Kind.GREETING if checked.kind == BIRTHDAY else checked.kind, introduces=introduces(checked.text, self.names.get(staff, "")),
            why=_why(state), parts=measure(checked.text).segments, not_before=checked.at, created_at=checked.at, sent_at=checked.at,
            done_at=checked.at if state in outcome.FAILED or state == State.DELIVERED else None,
        )  # fmt: skip
        message.text = checked.text
        return message

    def _keep(self, chunk: _Chunk, now: datetime) -> None:
        aims = _aims([(checked, message) for checked, message in chunk.kept])
        for (_checked, message), obligation in zip(chunk.kept, aims, strict=True):
            message.obligation = obligation
        arranged = greeted.settle(chunk.kept, self.bank, now)
        Message.objects.bulk_create([message for _checked, message in chunk.kept])
        for _checked, message in chunk.kept:
            if message.obligation is not None and message.state in outcome.SENT:
                outcome.tell(message, message.obligation, actor=None, now=now)
        for occasion, staff, at in arranged:
            greetings.settle(occasion, staff, at, again=False, now=now, bank=self.bank)
        judged.judge([(message, checked.text) for checked, message in chunk.kept], self.bank)


class _Unjoined(Exception):
    """A row that is right in itself and belongs to nobody here; ``meaning``: in which column that is so."""

    def __init__(self, meaning: str, reason: str) -> None:
        super().__init__(reason)
        self.meaning, self.reason = meaning, reason


@dataclass(frozen=True)
class _Kept:
    """What of a chunk is kept already: to whom, by the platform's names, and by customer and minute what was said."""

    names: dict[str, int]
    texts: dict[tuple[int, str], set[str]]


def introduces(text: str, name: str) -> bool:
    """Whether a text says who the customer's own manager is: by name and as such (R12, V5, C10)."""
    return bool(name) and name in text and ("经理" in text or "manager" in text.lower())


def _why(state: State) -> dict[str, str]:
    words = WHY.get(state)
    return {"name": "other_platform", "zh": words.zh, "en": words.en} if words else {}


def _minute(at: datetime) -> str:
    """A spreadsheet drops the seconds: the same message out of both kinds of file is the same."""
    return str(int(at.timestamp()) // 60)


def _customers(rows: Sequence[Checked], leader: Actor | None) -> tuple[dict[bytes, list[_Known]], dict[str, _Known]]:
    """Whom the rows may mean, by the hash of the mobile number and by customer number; a leader's rows reach the leader's scope."""
    indexes = [index for checked in rows if checked.number for index in numbers.indexes(checked.number)]
    cores = [checked.core_number for checked in rows if checked.core_number]
    found = Customer.objects.filter(Q(mobile_index__in=indexes) | Q(core_number__in=cores))
    by_number: dict[bytes, list[_Known]] = defaultdict(list)
    by_core: dict[str, _Known] = {}
    for id, core, rm, keeper, index in found.values_list("pk", "core_number", "rm_id", "keeper", "mobile_index"):
        if leader is not None and keeper not in leader.directs:
            continue
        known = _Known(id, core, rm, keeper)
        if core:
            by_core[core] = known
        if index is not None:
            by_number[bytes(index)].append(known)
    return by_number, by_core


def _books(customers: set[int]) -> dict[int, list[Book]]:
    found: dict[int, list[Book]] = defaultdict(list)
    for book in Book.objects.filter(customer__in=customers):
        found[book.customer_id].append(book)
    return found


def _rm_on(books: Sequence[Book], at: datetime, bank: Bank) -> int | None:
    """Whose customer it was on the day."""
    day = at.astimezone(bank.zone).date()
    return next(
        (each.rm_id for each in books if each.from_day <= day and (each.to_day is None or day < each.to_day)), None
    )


def _kept(rows: Sequence[tuple[Checked, int]]) -> _Kept:
    names = [checked.name for checked, _customer in rows if checked.name]
    told = dict(Message.objects.filter(name__in=names).values_list("name", "customer_id")) if names else {}
    nameless = {(customer, _minute(checked.at)): checked.at for checked, customer in rows if not checked.name}
    texts: dict[tuple[int, str], set[str]] = defaultdict(set)
    if nameless:
        minute = timedelta(minutes=1)
        there = Message.objects.filter(
            customer__in={customer for customer, _at in nameless}, through=THROUGH, name="",
            created_at__gt=min(nameless.values()) - minute, created_at__lt=max(nameless.values()) + minute,
        )  # fmt: skip
        for message in there.only("key", "customer_id", "created_at", "sealed"):
            place = (message.customer_id, _minute(message.created_at))
            if place in nameless:
                texts[place].add(message.text)
    return _Kept(told, texts)


def _aims(rows: Sequence[tuple[Checked, Message]]) -> list[Obligation | None]:
    """What each fulfils: the thanks owed by the last talk before it, or the birthday on which it was sent. What has its message is left."""
    customers = {message.customer_id for _checked, message in rows}
    owed: dict[int, list[Obligation]] = defaultdict(list)
    found = Obligation.objects.filter(
        customer__in=customers, kind__in=["thanks", "birthday"], channels__contains=["sms"]
    )
    still = found.filter(Q(state=Stands.OPEN) | Q(kind="birthday", state=Stands.MISSED))
    for obligation in still.exclude(messages__live=True).order_by("opens"):
        owed[obligation.customer_id or 0].append(obligation)
    aims: list[Obligation | None] = []
    for checked, message in rows:
        mine = owed[message.customer_id]
        aim = next((each for each in reversed(mine) if _fulfils(checked, each)), None)
        if aim is not None and message.state not in outcome.FAILED:
            mine.remove(aim)
        aims.append(aim)
    return aims


def _fulfils(checked: Checked, obligation: Obligation) -> bool:
    if checked.at < obligation.opens:
        return False
    if obligation.kind == "thanks":
        return checked.kind == Kind.THANKS
    return checked.greets_a_birthday and obligation.due is not None and checked.at < obligation.due
