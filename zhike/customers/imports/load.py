"""Running an import: one thread reads, checks and seals; the other speaks to PostgreSQL, chunk by chunk.

Each chunk is a transaction of its own that also moves the run's counters on, so a worker that is killed goes on where it
stopped, and a file that is run again loads nothing twice. Memory holds three chunks, however long the file.
"""

from __future__ import annotations

import gc
import json
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted
from zhike.customers.imports.columns import CUSTOMERS
from zhike.customers.imports.rows import STAGED, Checked, Checker, Keepers, limited, staged
from zhike.customers.models import Line, Run
from zhike.customers.models.run import row_place
from zhike.customers.reseal import is_behind
from zhike.customers.vault import mask_id, mask_phone, vault
from zhike.people.actor import act, acting
from zhike.people.tables import Problem, RefusedRows, Row, Table, open_table

CHUNK = 4_000
Now = Callable[[], datetime]


@dataclass
class Chunk:
    """Rows that are ready for the database, and those that are not."""

    last_line: int
    count: int
    rows: list[str] = field(default_factory=list)
    good: dict[int, Checked] = field(default_factory=dict)
    cells: dict[int, dict[str, str]] = field(default_factory=dict)  # the row of each line, as it may turn out doubtful
    refused: list[dict[str, Any]] = field(default_factory=list)


STAGING = f"""
CREATE TEMP TABLE IF NOT EXISTS staged ({", ".join(STAGED)}, state text, known bigint, why text) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS passed (LIKE staged);
CREATE INDEX IF NOT EXISTS passed_key ON passed (key);
CREATE INDEX IF NOT EXISTS passed_id ON passed (id_index);
CREATE INDEX IF NOT EXISTS passed_mobile ON passed (mobile_index);
CREATE INDEX IF NOT EXISTS passed_name ON passed (name);
"""

# What the planner must know of the rows to look the bank's customers up one by one instead of reading them all.
LOOK = "ANALYZE staged (key, core_number, id_index, mobile_index, name, state)"

# Whether a row is in already: by an earlier run, or by an earlier line of this one.
ALREADY = """
UPDATE staged s SET state = CASE WHEN l.run_id = %s AND l.line <> s.line THEN 'repeated' ELSE 'already' END, known = l.line
FROM customers_line l WHERE s.state IS NULL AND l.key = s.key AND l.state IN ('loaded', 'merged', 'skipped');
UPDATE staged s SET state = 'repeated', known = f.line
FROM (SELECT key, min(line) AS line FROM staged GROUP BY key HAVING count(*) > 1) f
WHERE s.state IS NULL AND f.key = s.key AND s.line > f.line;
UPDATE staged s SET state = 'already' FROM customers_customer c WHERE s.state IS NULL AND c.core_number = s.core_number;
"""
# A dry run loads nothing, so the rows that passed stand in a table of their own and count as if they were loaded.
ALREADY_PASSED = (
    "UPDATE staged s SET state = 'repeated', known = p.line FROM passed p WHERE s.state IS NULL AND p.key = s.key"
)

# Who a row may be: the same identity number; the same mobile, or the same name and birthday, unless two different
# identity numbers say otherwise (a family shares a telephone).
SAME = {
    "id": "c.id_index = s.id_index",
    "mobile": "c.mobile_index = s.mobile_index AND (c.id_index IS NULL OR s.id_index IS NULL)",
    # The calendar so that no index begins with it: by the birthday alone a hundred times as many rows would be read, and
    # while a bank's first file comes in, the planner has no statistics that tell it so.
    "birthday": "c.name = s.name AND c.birth_month = s.birth_month AND c.birth_day = s.birth_day"
    " AND c.birth_calendar IS NOT DISTINCT FROM s.birth_calendar AND (c.birth_year = s.birth_year OR c.birth_year IS NULL OR s.birth_year IS NULL)"
    " AND (c.id_index IS NULL OR s.id_index IS NULL)",
}
EARLIER = {
    "id": "id_index",
    "mobile": "mobile_index",
    "birthday": "name, birth_calendar, birth_month, birth_day",
}
COMPARED = "id, line, id_index, mobile_index, name, birth_calendar, birth_year, birth_month, birth_day"


def _like(known: str) -> str:
    """Marks rows that may be one of these."""
    return ";".join(
        f"UPDATE staged s SET state = 'doubtful', known = c.id, why = '{why}' FROM {known} c WHERE s.state IS NULL AND {same}"
        for why, same in SAME.items()
    )


LIKE_CUSTOMERS, LIKE_PASSED = _like("customers_customer"), _like("passed")
LIKE_EARLIER = ";".join(
    f"UPDATE staged s SET state = 'doubtful', known = c.id, why = '{why}' FROM"
    f" (SELECT DISTINCT ON ({by}) {COMPARED} FROM staged WHERE state IS NULL AND ({by}) IS NOT NULL ORDER BY {by}, line) c"
    f" WHERE s.state IS NULL AND c.line < s.line AND {SAME[why]}"
    for why, by in EARLIER.items()
)

COLUMNS = (
    "id, core_number, kind, name, honorific, gender, tier, assets, rm_id, unit_id, birth_calendar, birth_year, birth_month,"
    " birth_day, birth_leap, deceased_on, closed_on, do_not_disturb, met_before, met_before_on, called_before,"
    " called_before_on, profile, grams, pinyin, sort_key, mobile_index, tail_index, other_tail_index, id_index"
)
LOAD = f"""
INSERT INTO customers_customer ({COLUMNS}, complaint_open, tier_since, assets_day, version, created_at, changed_at)
SELECT {COLUMNS}, false, %(day)s, CASE WHEN assets IS NOT NULL THEN %(day)s::date END, 1, %(now)s, %(now)s
FROM staged WHERE state IS NULL ORDER BY id;
INSERT INTO customers_book (customer_id, rm_id, from_day, reason, by_id, at)
SELECT id, rm_id, book_since, '', %(by)s::bigint, %(now)s FROM staged WHERE state IS NULL AND rm_id IS NOT NULL;
INSERT INTO customers_acquaintance (customer_id, rm_id, first_met_at, met_source, first_called_at, called_source, meetings, calls)
SELECT id, rm_id, met_before_on::timestamp AT TIME ZONE %(zone)s, CASE met_before WHEN 'yes' THEN 'import' ELSE '' END,
       called_before_on::timestamp AT TIME ZONE %(zone)s, CASE called_before WHEN 'yes' THEN 'import' ELSE '' END, 0, 0
FROM staged WHERE state IS NULL AND rm_id IS NOT NULL AND 'yes' IN (met_before, called_before);
INSERT INTO customers_line (run_id, line, state, customer, key, cells, reasons, matches)
SELECT %(run)s, line, 'loaded', id, key, '', '[]', '[]' FROM staged WHERE state IS NULL
""".split(";")
GOOD_SO_FAR = "INSERT INTO passed SELECT * FROM staged WHERE state IS NULL"

OUTCOME = """
SELECT count(*) FILTER (WHERE state IS NULL), count(*) FILTER (WHERE state = 'already') FROM staged
"""
OPEN_CASES = """
SELECT line, state, known, key FROM staged WHERE state IN ('repeated', 'doubtful', 'placeless') ORDER BY line
"""
# Everybody that a doubtful row may be, the most telling first. A telephone under which half a file stands names a few.
OFFERED = 5
RANK = {
    "id": "0",
    "mobile": "CASE WHEN c.name = s.name THEN 1 ELSE 3 END",
    "birthday": "2",
}


def _alike(known: str) -> str:
    """For each doubtful row (s) the ids among these customers that it may be, with why; best first."""
    each = " UNION ALL ".join(
        f"(SELECT c.id, c.line, {rank} AS rank, '{why}' AS why FROM {known} c WHERE {SAME[why]} AND c.id <> s.id ORDER BY 3, 1 LIMIT {OFFERED})"
        for why, rank in RANK.items()
    )
    return f"""(SELECT id, min(line) AS line, min(rank) AS rank, (array_agg(why ORDER BY rank))[1] AS why FROM ({each}) f
        GROUP BY id ORDER BY min(rank), id LIMIT {OFFERED}) m"""


MATCHES = f"""
SELECT s.line, m.why, c.id, c.keeper, c.name, c.core_number, c.profile -> 'mobile' ->> 'v',
       c.profile -> 'id_number' ->> 'v', r.name, u.name
FROM staged s CROSS JOIN LATERAL {_alike("(SELECT x.*, NULL::integer AS line FROM customers_customer x)")}
JOIN customers_customer c ON c.id = m.id
LEFT JOIN people_staff r ON r.id = c.rm_id LEFT JOIN people_unit u ON u.id = c.unit_id
WHERE {{rows}} ORDER BY s.line, m.rank, m.id
"""
# A dry run loads nothing: whom a row of the same file resembles stands in a line of it.
MATCHES_PASSED = f"""
SELECT s.line, m.why, m.line FROM staged s CROSS JOIN LATERAL {_alike("passed")}
WHERE s.state = 'doubtful' ORDER BY s.line, m.rank, m.line
"""
KEEP = """
INSERT INTO customers_line (run_id, line, state, key, cells, reasons, matches)
SELECT %s, line, state, decode(key, 'hex'), cells, reasons, matches
FROM jsonb_to_recordset(%s::jsonb) AS l (line int, state text, key text, cells text, reasons jsonb, matches jsonb)
ON CONFLICT (run_id, line) DO NOTHING
"""


def run_import(run: Run, path: Path, *, bank: Bank, now: Now, language: str) -> Run:
    """Reads ``path`` into the bank, from where the run stands to its end; the run's row says how it went.

    Raises UnreadableTable where the file cannot be read at all, Overtaken where another worker has gone on with the run,
    Unaccepted in the middle of a change of data keys.
    """
    with translation.override(language):
        loading = Loading(run, path, bank=bank, now=now)
        loading.go()
    run.refresh_from_db()
    # What columns were said to mean is remembered once a row was understood so: "job is the name" helps no next file.
    if run.loaded or run.already or run.doubtful:
        CUSTOMERS.remember(run.mapping, loading.table.columns, run.by_id, now())
    return run


class Overtaken(Exception):
    """Another worker goes on with this run: it is that one's to finish."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Rows come by the thousand and hold no cycles: looking for some after every few hundred takes a sixth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Loading:
    """One run at work."""

    def __init__(
        self, run: Run, path: Path, *, bank: Bank, now: Now, table: Table | None = None, source: str = "import"
    ) -> None:
        self.run = run
        self.path = path
        self.bank = bank
        self.now = now
        self.day = now().astimezone(bank.zone).date()
        self.table = table or open_table(path)
        by = None
        if run.by_id and run.kind == "import":
            with acting(run.by_id, now()) as by:
                pass
        self.leader = limited(by)
        keepers = Keepers.for_run(run, self.day, by)
        self.checker = Checker(run.mapping, keepers, bank, self.day, run.by_id, source)
        # In a feed rows of known customers need no place; which they are the database knows.
        self.checker.place_later = source == "feed"

    def go(self) -> None:
        if is_behind(vault()):
            raise Unaccepted(
                _(
                    "The data keys were changed: until zhike keys has run, customers who are known already would not be found."
                )
            )
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.passed")
        with seldom_collected():
            self._all()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.passed")
        self._end()

    def _all(self) -> None:
        chunks: queue.Queue[Chunk | BaseException | None] = queue.Queue(maxsize=2)
        ids = _Numbers()
        stop = threading.Event()
        language = translation.get_language() or "zh-hans"
        reader = threading.Thread(target=self._read, args=(chunks, ids, stop, language), name="import reader")
        ids.fill()
        reader.start()
        try:
            while (chunk := chunks.get()) is not None:
                if isinstance(chunk, BaseException):
                    raise chunk
                ids.fill()
                self._chunk(chunk)
        finally:
            stop.set()
            while reader.is_alive():
                ids.give([])
                try:
                    chunks.get(timeout=0.05)
                except queue.Empty:
                    continue
            reader.join()

    # The thread that reads, checks and seals

    def _read(
        self, chunks: queue.Queue[Chunk | BaseException | None], ids: _Numbers, stop: threading.Event, language: str
    ) -> None:
        try:
            with translation.override(language):
                begun = self.run.last_line
                rows = (row for row in self.table if row.line > begun)
                while (some := list(islice(rows, CHUNK))) and not stop.is_set():
                    chunks.put(self._prepare(some, ids.take()))
                chunks.put(None)
        except BaseException as error:  # handed to the thread that can report it
            chunks.put(error)

    def _prepare(self, rows: Sequence[Row], ids: Sequence[int]) -> Chunk:
        chunk = Chunk(rows[-1].line, len(rows))
        for row, number in zip(rows, ids, strict=False):
            checked, problems = self.checker.check(row)
            if problems:
                chunk.refused.append(self._refusal(row, problems))
                continue
            self.checker.finish(checked, number)
            chunk.rows.append(staged(checked, number))
            chunk.good[row.line] = checked
            chunk.cells[row.line] = row.cells
        return chunk

    def _refusal(self, row: Row, problems: Iterable[Problem]) -> dict[str, Any]:
        return {
            "line": row.line,
            "state": Line.State.REFUSED,
            "key": None,
            "cells": self._sealed(row.line, row.cells),
            "reasons": [{"column": problem.column, "reason": problem.reason} for problem in problems],
            "matches": [],
        }

    def _sealed(self, line: int, cells: dict[str, str]) -> str:
        return vault().seal(json.dumps(cells, ensure_ascii=False), row_place(self.run.pk, line))

    # The thread that speaks to PostgreSQL

    def _chunk(self, chunk: Chunk) -> None:
        moment = self.now()
        with transaction.atomic(), connection.cursor() as cursor:
            _one_at_a_time(cursor)
            if self._overtaken(cursor):
                raise Overtaken
            if self.run.by_id:
                act(self.run.by_id, moment)
            cursor.execute("SELECT set_config('zhike.request', %s, true)", [f"import {self.run.pk}"])
            _stage(cursor, "".join(chunk.rows))
            self._mark(cursor)
            if self.run.dry:
                cursor.execute(GOOD_SO_FAR)
            else:
                values = {
                    "run": self.run.pk, "by": self.run.by_id, "day": self.day, "now": moment, "zone": str(self.bank.zone)
                }  # fmt: skip
                for statement in LOAD:
                    cursor.execute(statement, values)
            self._known(cursor, chunk, moment)
            cursor.execute(OUTCOME)
            loaded, already = cursor.fetchone()
            open_cases = self._open_cases(cursor, chunk)
            cursor.execute(KEEP, [self.run.pk, json.dumps([*chunk.refused, *open_cases])])
            doubtful = sum(case["state"] == Line.State.DOUBTFUL for case in open_cases)
            self._count(cursor, chunk, loaded, already, doubtful, len(chunk.refused) + len(open_cases) - doubtful)
            cursor.execute("TRUNCATE staged")

    def _overtaken(self, cursor: Any) -> bool:
        """Whether another worker has gone on with the run that this one was thought to be dead over."""
        cursor.execute("SELECT last_line FROM customers_run WHERE id = %s", [self.run.pk])
        return bool(cursor.fetchone()[0] != self.run.last_line)

    def _mark(self, cursor: Any) -> None:
        """Says of each row that is not to be loaded why."""
        cursor.execute(LOOK)
        if self.run.dry:
            cursor.execute(ALREADY_PASSED)
        in_turn(cursor, ALREADY, self.run.pk)
        in_turn(cursor, LIKE_CUSTOMERS)
        if self.run.dry:
            in_turn(cursor, LIKE_PASSED)
        in_turn(cursor, LIKE_EARLIER)

    def _known(self, cursor: Any, chunk: Chunk, now: datetime) -> None:
        """Rows of customers who are in already: an import leaves them as they are."""

    def _open_cases(self, cursor: Any, chunk: Chunk) -> list[dict[str, Any]]:
        """Rows that are not loaded though nothing is wrong in them: repeated in the file, or perhaps somebody known."""
        cursor.execute(OPEN_CASES)
        found = cursor.fetchall()
        matches = self._matches(cursor) if any(state == "doubtful" for _line, state, *_more in found) else {}
        cases = []
        for line, state, known, key in found:
            case = {
                "line": line, "state": Line.State.DOUBTFUL, "key": bytes(key).hex(),
                "cells": self._sealed(line, chunk.cells[line]), "reasons": [], "matches": matches.get(line, []),
            }  # fmt: skip
            if state == "repeated":
                reason = _("The same customer stands in line %(line)d already.") % {"line": known}
                case |= {"state": Line.State.REFUSED, "key": None, "reasons": [{"column": "", "reason": reason}]}
            elif state == "placeless":
                column, reason = self.checker.placeless()
                case |= {"state": Line.State.REFUSED, "key": None, "reasons": [{"column": column, "reason": reason}]}
            cases.append(case)
        return cases

    def _matches(self, cursor: Any, rows: str = "s.state = 'doubtful'") -> dict[int, list[dict[str, Any]]]:
        """Whom each doubtful row may be, the most telling first, as the person who decides is shown them."""
        matches: dict[int, list[dict[str, Any]]] = defaultdict(list)
        cursor.execute(MATCHES.format(rows=rows))
        for line, why, id, keeper, *customer in cursor.fetchall():
            seen = self.leader is None or keeper in self.leader.oversees
            matches[line].append({"customer": id, "why": why, **_shown(id, *customer, seen=seen)})
        if self.run.dry:
            cursor.execute(MATCHES_PASSED)
            for line, why, earlier in cursor.fetchall():
                matches[line].append({"why": why, "line": earlier})
        return matches

    def _count(self, cursor: Any, chunk: Chunk, loaded: int, already: int, doubtful: int, refused: int) -> None:
        cursor.execute(
            "UPDATE customers_run SET last_line = %s, checked = checked + %s, loaded = loaded + %s, already = already + %s,"
            " doubtful = doubtful + %s, refused = refused + %s, state = 'running' WHERE id = %s",
            [chunk.last_line, chunk.count, loaded, already, doubtful, refused, self.run.pk],
        )
        self.run.last_line = chunk.last_line

    def _end(self) -> None:
        Run.objects.filter(pk=self.run.pk).update(state=Run.State.DONE, finished_at=self.now())


# Whoever loads customers holds this lock for as long as a chunk takes: of two files that run at once the one looks for
# known customers where the other's are to be seen.
LOCK = 7_205_315


def _one_at_a_time(cursor: Any) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def in_turn(cursor: Any, statements: str, *values: object) -> None:
    for statement in filter(str.strip, statements.split(";")):
        cursor.execute(statement, list(values) if "%s" in statement else None)


def _shown(
    customer: int,
    name: str,
    core: str | None,
    mobile: str | None,
    number: str | None,
    rm: str | None,
    unit: str | None,
    *,
    seen: bool,
) -> dict[str, str]:
    """What the person who decides is shown of the customer that a row may be: masked, or, outside of their scope, whom to ask."""
    if not seen:
        return {"rm": rm or "", "unit": unit or ""}
    keys = vault()
    return {
        "name": name,
        "core_number": core or "",
        "mobile": mask_phone(keys.open(mobile, f"customers_customer:profile.mobile:{customer}")) if mobile else "",
        "id_number": mask_id(keys.open(number, f"customers_customer:profile.id_number:{customer}")) if number else "",
        "rm": rm or "",
        "unit": unit or "",
    }


class _Numbers:
    """Numbers for customers to come, fetched by the thread that has the connection, used by the one that seals."""

    def __init__(self) -> None:
        self._blocks: queue.Queue[Sequence[int]] = queue.Queue()

    def fill(self) -> None:
        """Keeps four blocks ahead."""
        missing = 4 - self._blocks.qsize()
        if missing <= 0:
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('customers_customer_id_seq') FROM generate_series(1, %s)", [missing * CHUNK])
            numbers = [row[0] for row in cursor.fetchall()]
        for at in range(0, len(numbers), CHUNK):
            self._blocks.put(numbers[at : at + CHUNK])

    def give(self, block: Sequence[int]) -> None:
        self._blocks.put(block)

    def take(self) -> Sequence[int]:
        return self._blocks.get()


def load_one(checker: Checker, checked: Checked, run: Run, now: datetime, bank: Bank) -> int:
    """Loads a single good row, whoever else it may look like; returns the customer's number."""
    with connection.cursor() as cursor:
        _one_at_a_time(cursor)
        cursor.execute("SELECT nextval('customers_customer_id_seq')")
        (number,) = cursor.fetchone()
        checker.finish(checked, number)
        core = checked.columns.get("core_number")
        cursor.execute("SELECT 1 FROM customers_customer WHERE core_number = %s", [core])
        if cursor.fetchone():
            raise Unaccepted(_("There is a customer with the number %(number)s already.") % {"number": core})
        _stage(cursor, staged(checked, number))
        values = {"run": run.pk, "by": run.by_id, "day": checker.day, "now": now, "zone": str(bank.zone)}
        for statement in LOAD[:-1]:
            cursor.execute(statement, values)
        cursor.execute("TRUNCATE staged")
    return int(number)


def _stage(cursor: Any, text: str) -> None:
    cursor.execute(STAGING)
    with cursor.copy("COPY staged (" + ", ".join(column.split()[0] for column in STAGED) + ") FROM STDIN") as copy:
        copy.write(text)


def refused_file(run: Run, file: TextIO) -> int:
    """Writes the refused rows as they were, each with line, column and reason; returns how many."""
    lines = Line.objects.filter(run=run, state=Line.State.REFUSED).order_by("line")
    first = lines.first()
    back = RefusedRows(file, list(first.row) if first else list(run.mapping))
    for line in lines.iterator(chunk_size=1000):
        problems = [Problem(reason["column"], reason["reason"]) for reason in line.reasons]
        back.add(Row(line.line, line.row), problems)
    return back.count
