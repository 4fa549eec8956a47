"""Taking a feed in: the run's row counts what came of it, refused rows come back as those of an import do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted, clean
from zhike.customers.feeds.files import Feed
from zhike.customers.imports.load import KEEP, Chunk, Loading
from zhike.customers.imports.rows import Checked, a_day, money
from zhike.customers.models import Line, Run
from zhike.customers.models.customer import INDEXED, found_by
from zhike.customers.models.run import row_place
from zhike.customers.profile import SEALED
from zhike.customers.rating import rate
from zhike.customers.vault import place, vault
from zhike.people.actor import act
from zhike.people.tables import Problem, Row

CHUNK = 5_000
# Who told a field: what the core system or a file told, the core system may tell anew; all else somebody here learned.
THEIRS = ("feed", "import")
Now = Callable[[], datetime]
# What stops contact, and the core system's files may say.
STOPS = ("deceased_on", "closed_on", "do_not_disturb")


@dataclass(frozen=True)
class Stopped:
    """A known customer of whom a file says for the first time what stops contact: a name of :data:`STOPS`, and since when."""

    customer: int
    column: str
    since: date | None
    file: str


# What else happens when a file stops contact with customers, in the same transaction: what lies above customers enters
# itself here at start (the ledger, what is planned), because nothing here may know of it.
WHEN_STOPPED: list[Callable[[Sequence[Stopped], datetime, Bank], None]] = []


def take(feed: Feed, run: Run, *, bank: Bank, now: Now, language: str) -> Run:
    """Reads the feed into the bank. Raises Unaccepted and UnreadableTable as its parts do."""
    with translation.override(language):
        if feed.kind == "customers":
            Customers(run, feed.path, bank=bank, now=now, table=feed.table, source="feed").go()
        else:
            try:
                {"holdings": holdings, "maturities": maturities, "ratings": ratings}[feed.kind](feed, run, bank, now())
            except Unaccepted as error:
                Run.objects.filter(pk=run.pk).update(state=Run.State.FAILED, error=str(error), finished_at=now())
                raise
            Run.objects.filter(pk=run.pk).update(state=Run.State.DONE, finished_at=now())
    run.refresh_from_db()
    return run


# Customers: new ones are loaded as an import loads them, known ones are told what is new


class Customers(Loading):
    """An import that also tells known customers what the core system says of them now."""

    def _known(self, cursor: Any, chunk: Chunk, now: datetime) -> None:
        cursor.execute(
            "SELECT s.line, c.id, c.name, c.kind, c.profile, d.digest, c.deceased_on, c.closed_on, c.do_not_disturb FROM staged s"
            " JOIN customers_customer c ON c.core_number = s.core_number"
            " LEFT JOIN customers_fed d ON d.customer_id = c.id WHERE s.state = 'already'"
        )
        told, stopped = [], []
        for line, customer, name, kind, profile, digest, *standing in cursor.fetchall():
            checked = chunk.good[line]
            stops = [
                column
                for column, stands in zip(STOPS, standing, strict=True)
                if not stands and checked.columns.get(column)
            ]
            stopped += [self._stopped(customer, column, checked) for column in stops]
            says = vault().index(
                "fed", repr((checked.name, sorted(checked.known.items()), sorted(map(str, checked.columns.items()))))
            )
            # A stop that was taken back here while the file goes on saying so is one again.
            if stops or digest is None or bytes(digest) != says:
                told.append(Told(customer, name, kind, _object(profile), checked, self.day, says))
        if told:
            _write(cursor, self.run.pk, told, now)
        if stopped:
            for follow in WHEN_STOPPED:
                follow(stopped, now, self.bank)

    def _stopped(self, customer: int, column: str, checked: Checked) -> Stopped:
        said = checked.columns[column]
        return Stopped(customer, column, said if isinstance(said, date) else None, self.run.name)


class Told:
    """What one row tells a known customer: fields to write, and fields where somebody here knows otherwise."""

    def __init__(
        self,
        customer: int,
        name: str,
        kind: str,
        profile: Mapping[str, Any],
        checked: Checked,
        day: date,
        digest: bytes,
    ) -> None:
        self.customer = customer
        self.digest = digest
        self.entries: dict[str, dict[str, Any]] = {}
        self.columns: dict[str, Any] = {}
        self.differences: dict[str, str] = {}
        stamp = {"src": "feed", "on": day.isoformat()}
        for field, value in checked.known.items():
            entry = profile.get(field)
            if entry and _opened(entry["v"], field, customer) == value:
                continue
            stored = vault().seal(value, place(field, customer)) if field in SEALED else value
            if entry and entry["src"] not in THEIRS:
                self.differences[field] = stored
                continue
            self.entries[field] = {"v": stored, **stamp}
            self.columns |= {
                column: "\\x" + vault().index(*of(value)).hex() for column, of in INDEXED.get(field, {}).items()
            }
            if field == "birthday":
                self.columns |= {name: value for name, value in checked.columns.items() if name.startswith("birth_")}
            if field in ("gender", "honorific"):
                self.columns[field] = value
        if checked.name != name:
            learned = profile.get("name")
            if learned and learned["src"] not in THEIRS:
                self.differences["name"] = checked.name
            else:
                self.columns |= {"name": checked.name, **found_by(checked.name, kind)}
        # A file says that contact stops, never that it goes on: that a person says, with a reason.
        for owned in ("assets", *STOPS):
            if checked.columns.get(owned) not in (None, False):
                self.columns[owned] = str(checked.columns[owned])
        if "assets" in self.columns:
            self.columns["assets_day"] = day.isoformat()


def _object(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str) else value)


def _opened(stored: str, field: str, customer: int) -> str:
    return vault().open(stored, place(field, customer)) if field in SEALED else stored


# What the row already says is not written again: the trail is for changes.
TELL = """
UPDATE customers_customer c SET (name, grams, pinyin, sort_key, gender, honorific, assets, assets_day, deceased_on, closed_on,
    do_not_disturb, birth_calendar, birth_year, birth_month, birth_day, birth_leap, mobile_index, tail_index, other_tail_index, id_index,
    profile, version, changed_at) = (
    SELECT n.name, n.grams, n.pinyin, n.sort_key, n.gender, n.honorific, n.assets, n.assets_day, n.deceased_on, n.closed_on,
        n.do_not_disturb, n.birth_calendar, n.birth_year, n.birth_month, n.birth_day, n.birth_leap, n.mobile_index,
        n.tail_index, n.other_tail_index, n.id_index, c.profile || t.entries, c.version + 1, %s)
FROM (SELECT id, columns, entries FROM jsonb_to_recordset(%s::jsonb) AS t (id bigint, columns jsonb, entries jsonb)) t,
    LATERAL jsonb_populate_record((SELECT x FROM customers_customer x WHERE x.id = t.id), t.columns) n
WHERE c.id = t.id AND (t.entries <> '{}' OR n IS DISTINCT FROM (SELECT x FROM customers_customer x WHERE x.id = t.id))
"""
DIFFER = """
INSERT INTO customers_difference (customer_id, field, theirs, seen_at, state)
SELECT id, field, theirs, %s, 'open' FROM jsonb_to_recordset(%s::jsonb) AS d (id bigint, field text, theirs text)
ON CONFLICT (customer_id, field) DO UPDATE SET theirs = excluded.theirs, seen_at = excluded.seen_at, state = 'open',
    decided_by_id = NULL, decided_at = NULL
"""
FED = """
INSERT INTO customers_fed (customer_id, digest)
SELECT id, decode(digest, 'hex') FROM jsonb_to_recordset(%s::jsonb) AS d (id bigint, digest text)
ON CONFLICT (customer_id) DO UPDATE SET digest = excluded.digest
"""


def _write(cursor: Any, run: int, told: list[Told], now: datetime) -> None:
    changes = [{"id": t.customer, "columns": t.columns, "entries": t.entries} for t in told if t.columns or t.entries]
    cursor.execute(TELL, [now, json.dumps(changes)])
    changed = cursor.rowcount
    cursor.execute(
        "SELECT customer_id, field, theirs FROM customers_difference WHERE customer_id = ANY (%s)",
        [[t.customer for t in told]],
    )
    shown = {(customer, field): _opened(theirs, field, customer) for customer, field, theirs in cursor.fetchall()}
    differences = [
        {"id": t.customer, "field": field, "theirs": theirs}
        for t in told
        for field, theirs in t.differences.items()
        if shown.get((t.customer, field)) != _opened(theirs, field, t.customer)
    ]
    cursor.execute(DIFFER, [now, json.dumps(differences)])
    cursor.execute(FED, [json.dumps([{"id": t.customer, "digest": t.digest.hex()} for t in told])])
    cursor.execute(
        "UPDATE customers_run SET changed = changed + %s, differing = differing + %s WHERE id = %s",
        [changed, len(differences), run],
    )


# Holdings, maturities, ratings: the core system owns all of it


HOLDINGS = """
INSERT INTO customers_holding (customer_id, core_number, product, kind, amount, currency, rate, risk_grade, opened_on,
    matures_on, as_of, ended_on)
SELECT c.id, r.holding, r.product, coalesce(r.kind, ''), r.amount, coalesce(r.currency, 'CNY'), r.rate,
    coalesce(r.risk_grade, ''), r.opened_on, r.matures_on, r.as_of, NULL
FROM fed_rows r JOIN customers_customer c ON c.core_number = r.core_number
ON CONFLICT (customer_id, core_number) DO UPDATE SET product = excluded.product, kind = excluded.kind,
    amount = excluded.amount, currency = excluded.currency, rate = excluded.rate, risk_grade = excluded.risk_grade,
    opened_on = coalesce(excluded.opened_on, customers_holding.opened_on),
    matures_on = coalesce(excluded.matures_on, customers_holding.matures_on), as_of = excluded.as_of, ended_on = NULL
WHERE excluded.as_of >= customers_holding.as_of
"""
# The file is the whole of what is held on its day: what it no longer has has ended. A refused row says that something is
# held, if not what: it ends nothing that it may have meant.
ENDED = """
UPDATE customers_holding h SET ended_on = %s, as_of = %s WHERE ended_on IS NULL AND as_of < %s
    AND NOT EXISTS (SELECT FROM fed_rows r JOIN customers_customer c ON c.core_number = r.core_number
                    WHERE c.id = h.customer_id AND r.holding = h.core_number)
    AND NOT EXISTS (SELECT FROM spared s JOIN customers_customer c ON c.core_number = s.core_number
                    WHERE c.id = h.customer_id AND s.holding = h.core_number)
    AND NOT EXISTS (SELECT FROM spared s JOIN customers_customer c ON c.core_number = s.core_number
                    WHERE c.id = h.customer_id AND s.holding IS NULL)
    AND NOT EXISTS (SELECT FROM spared s WHERE s.core_number IS NULL AND s.holding = h.core_number)
    AND NOT EXISTS (SELECT FROM spared s WHERE s.core_number IS NULL AND s.holding IS NULL)
"""
# More than this share of all that is held, and more than this many, ends in no night: the file is a part of the whole.
MOST_ENDED_PERCENT, ALWAYS_MAY_END = 10, 20
MATURITIES = """
UPDATE customers_holding h SET matures_on = r.matures_on FROM fed_rows r
JOIN customers_customer c ON c.core_number = r.core_number
WHERE h.customer_id = c.id AND h.core_number = r.holding AND h.matures_on IS DISTINCT FROM r.matures_on
"""
UNKNOWN = """
SELECT r.line FROM fed_rows r WHERE NOT EXISTS (SELECT FROM customers_customer c WHERE c.core_number = r.core_number)
"""
ROWS = (
    "line integer", "core_number text", "holding text", "product text", "kind text", "amount numeric(18,2)", "currency text",
    "rate numeric(8,4)", "risk_grade text", "opened_on date", "matures_on date", "as_of date", "month date",
    "assets numeric(18,2)",
)  # fmt: skip


def holdings(feed: Feed, run: Run, bank: Bank, now: datetime) -> None:
    """What is held on a day, all of it. Raises Unaccepted where the file would end more than can end in a night."""
    today = now.astimezone(bank.zone).date()
    with _fed(feed, run, now, {"as_of": _named_day(feed.path.name, today)}) as cursor:
        cursor.execute("SELECT count(*) FROM customers_holding WHERE ended_on IS NULL")
        (held,) = cursor.fetchone()
        cursor.execute(HOLDINGS)
        changed = cursor.rowcount
        cursor.execute("SELECT max(as_of) FROM fed_rows")
        (as_of,) = cursor.fetchone()
        if as_of:
            cursor.execute(ENDED, [as_of, as_of, as_of])
            _plausible(feed, cursor.rowcount, held)
            changed += cursor.rowcount
        _counted(cursor, run, changed)


def _plausible(feed: Feed, ended: int, held: int) -> None:
    if feed.whole or ended <= max(ALWAYS_MAY_END, held * MOST_ENDED_PERCENT // 100):
        return
    raise Unaccepted(
        _(
            "%(file)s would end %(ended)d of the %(held)d holdings that customers have, for it names them no longer: more "
            "than %(percent)d %% end in no night, so it is rather a part of the file. Nothing of it is loaded; send the whole "
            "file, or, if these holdings have ended, say so with --whole."
        )
        % {"file": feed.path.name, "ended": ended, "held": held, "percent": MOST_ENDED_PERCENT}
    )


def _named_day(name: str, today: date) -> date:
    """The day in a file's name (holdings_20260217.csv): rows that state none are of that day, however late the file is read."""
    found = re.search(r"(?<!\d)(20\d{2})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)", name)
    try:
        return min(date(*map(int, found.groups())), today) if found else today
    except ValueError:
        return today


def maturities(feed: Feed, run: Run, bank: Bank, now: datetime) -> None:
    with _fed(feed, run, now, {}) as cursor:
        cursor.execute(MATURITIES)
        _counted(cursor, run, cursor.rowcount)


def ratings(feed: Feed, run: Run, bank: Bank, now: datetime) -> None:
    """Monthly averages: tiers follow from them by the bank's rule, month by month."""
    first = now.astimezone(bank.zone).date().replace(day=1)
    with _fed(feed, run, now, {"month": first}) as cursor:
        cursor.execute("SELECT DISTINCT date_trunc('month', month)::date AS month FROM fed_rows ORDER BY month")
        changed = 0
        for (month,) in cursor.fetchall():
            cursor.execute("DROP TABLE IF EXISTS averages")
            cursor.execute(
                "CREATE TEMP TABLE averages ON COMMIT DROP AS SELECT DISTINCT ON (c.id) c.id AS customer_id, r.assets"
                " FROM fed_rows r JOIN customers_customer c ON c.core_number = r.core_number"
                " WHERE date_trunc('month', r.month) = %s ORDER BY c.id, r.line DESC",
                [month],
            )
            changed += rate(month, rules_at=lambda _month: bank.tier_rules, now=now, averages="averages")
        _counted(cursor, run, changed)


class _fed:
    """The feed's rows in a temporary table, checked, in one transaction; refused ones kept for whoever asks."""

    def __init__(self, feed: Feed, run: Run, now: datetime, defaults: Mapping[str, date]) -> None:
        self.feed, self.run, self.now, self.defaults = feed, run, now, defaults
        self.column_of = {field: column for column, field in feed.mapping.items()}
        self.atomic = transaction.atomic()

    def __enter__(self) -> Any:
        self.atomic.__enter__()
        self.cursor = connection.cursor()
        if self.run.by_id:
            act(self.run.by_id, self.now)
        self.cursor.execute("SELECT set_config('zhike.request', %s, true)", [f"feed {self.run.pk}"])
        self.cursor.execute("DROP TABLE IF EXISTS fed_rows")
        self.cursor.execute(f"CREATE TEMP TABLE fed_rows ({', '.join(ROWS)}) ON COMMIT DROP")
        self.cursor.execute("DROP TABLE IF EXISTS spared")
        self.cursor.execute("CREATE TEMP TABLE spared (core_number text, holding text) ON COMMIT DROP")
        kept: dict[int, Row] = {}
        rows = iter(self.feed.table)
        while some := list(islice(rows, CHUNK)):
            self._copy(some)
        self.cursor.execute("CREATE INDEX ON fed_rows (core_number)")
        self.cursor.execute("ANALYZE fed_rows")
        self.cursor.execute(UNKNOWN)
        unknown = {line for (line,) in self.cursor.fetchall()}
        if unknown:
            kept = {row.line: row for row in self.feed.table if row.line in unknown}
            reason = _("No customer has this number. Send the customer in the customers' file first.")
            self._refuse([(row, [Problem(self.column_of["core_number"], reason)]) for row in kept.values()])
            self._spare((None, kept[line].cells.get(self.column_of.get("holding", ""))) for line in unknown)
            self.cursor.execute("DELETE FROM fed_rows WHERE line = ANY (%s)", [list(unknown)])
        return self.cursor

    def __exit__(self, *what: Any) -> None:
        self.cursor.close()
        self.atomic.__exit__(*what)

    def _copy(self, rows: list[Row]) -> None:
        refused, spared = [], []
        names = [column.split()[0] for column in ROWS]
        with self.cursor.copy(f"COPY fed_rows ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                values, problems = self._read(row)
                if problems:
                    refused.append((row, problems))
                    spared.append((values.get("core_number"), values.get("holding")))
                else:
                    copy.write_row([values.get(name) for name in names])
        self._refuse(refused)
        self._spare(spared)

    def _read(self, row: Row) -> tuple[dict[str, Any], list[Problem]]:
        values: dict[str, Any] = {"line": row.line, **self.defaults}
        problems = list(row.problems)
        for column, field in self.feed.mapping.items():
            text = clean(row.cells.get(column, ""))
            if not text:
                continue
            try:
                values[field] = _value(field, text)
            except Unaccepted as error:
                problems.append(Problem(column, str(error)))
        for column, field in self.feed.mapping.items():
            if (
                field in ("core_number", "holding", "product", "amount", "assets")
                and field not in values
                and not problems
            ):
                problems.append(Problem(column, _("This must not be empty.")))
        return values, problems

    def _spare(self, named: Iterable[tuple[str | None, str | None]]) -> None:
        """Keeps what refused rows may have meant: a customer's number, a holding's, each unless it is unknown itself."""
        with self.cursor.copy("COPY spared (core_number, holding) FROM STDIN") as copy:
            for core_number, holding in named:
                copy.write_row([core_number, clean(holding or "") or None])

    def _refuse(self, refused: list[tuple[Row, list[Problem]]]) -> None:
        lines = [
            {
                "line": row.line, "state": Line.State.REFUSED, "key": None, "matches": [],
                "cells": vault().seal(json.dumps(row.cells, ensure_ascii=False), row_place(self.run.pk, row.line)),
                "reasons": [{"column": problem.column, "reason": problem.reason} for problem in problems],
            }
            for row, problems in refused
        ]  # fmt: skip
        self.cursor.execute(KEEP, [self.run.pk, json.dumps(lines)])
        self.cursor.execute("UPDATE customers_run SET refused = refused + %s WHERE id = %s", [len(lines), self.run.pk])


def _value(field: str, text: str) -> Any:
    if field in ("amount", "assets"):
        return money(text)
    if field in ("opened_on", "matures_on", "as_of"):
        return a_day(text)
    if field == "month":
        return a_day(f"{text}-01" if len(text) == 7 else f"{text}01" if len(text) == 6 else text)
    if field == "rate":
        try:
            return Decimal(text.rstrip("%"))
        except InvalidOperation as error:
            raise Unaccepted(_("This is no rate. Write it in percent a year, as in 2.60.")) from error
    return text


def _counted(cursor: Any, run: Run, changed: int) -> None:
    cursor.execute("SELECT count(*) FROM fed_rows")
    (good,) = cursor.fetchone()
    cursor.execute(
        "UPDATE customers_run SET checked = %s + refused, loaded = %s, changed = %s WHERE id = %s",
        [good, good, changed, run.pk],
    )
