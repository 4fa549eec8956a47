"""Taking a feed in: the run's row counts what came of it, refused rows come back as those of an import do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted, clean
from zhike.customers.feeds.files import Feed
from zhike.customers.imports.load import KEEP, Chunk, Loading, in_turn
from zhike.customers.imports.rows import Checked, a_day, money
from zhike.customers.models import Line, Run
from zhike.customers.models.customer import INDEXED, WHEN_LEARNED, found_by
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


# What else happens when a file says something of known customers, in the same transaction: what lies above customers enters
# itself here at start (the ledger, what is planned), because nothing here may know of it.
WHEN_STOPPED: list[Callable[[Sequence[Stopped], datetime, Bank], None]] = []
# A file no longer says what a file had said: the stop was a mistake of the core system's.
WHEN_LIFTED: list[Callable[[Sequence[Stopped], datetime, Bank], None]] = []
# Which stops in force of these customers a person recorded, as (customer, column): those no file changes.
OF_PEOPLE: list[Callable[[Sequence[int]], set[tuple[int, str]]]] = []


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


KNOWN = """
SELECT s.line, c.id, c.name, c.kind, c.profile, c.version, d.digest, c.rm_id, c.unit_id, c.tier, c.deceased_on, c.closed_on,
    c.do_not_disturb
FROM staged s JOIN customers_customer c ON c.core_number = s.core_number LEFT JOIN customers_fed d ON d.customer_id = c.id
WHERE s.state = 'already'
"""
# In the core system's own file a new number is a new customer, whoever it resembles (a spouse has the same telephone): that
# is a note for whoever looks. A new customer must have a place; a known one has it.
# A customer who stands in the file twice is told by the first row: two that say different things would both be the last word.
TOLD = "CREATE TEMP TABLE IF NOT EXISTS told (key bytea PRIMARY KEY, line integer NOT NULL)"
REPEATED = """
UPDATE staged s SET state = 'repeated', known = t.line FROM told t WHERE t.key = s.key;
UPDATE staged s SET state = 'repeated', known = f.line
FROM (SELECT key, min(line) AS line FROM staged WHERE state IS NULL GROUP BY key HAVING count(*) > 1) f
WHERE s.state IS NULL AND f.key = s.key AND s.line > f.line;
INSERT INTO told SELECT key, line FROM staged WHERE state IS NULL
"""
PLACELESS = "UPDATE staged SET state = 'placeless' WHERE state IS NULL AND unit_id IS NULL"
NEW_ALL_THE_SAME = "UPDATE staged SET state = NULL WHERE state = 'doubtful' AND core_number IS NOT NULL"
NOTE = """
UPDATE customers_line l SET matches = n.matches FROM jsonb_to_recordset(%s::jsonb) AS n (line int, matches jsonb)
WHERE l.run_id = %s AND l.line = n.line
"""


@dataclass(frozen=True)
class Known:
    """A customer whom a row is about, as far as what the row says is compared with it."""

    id: int
    name: str
    kind: str
    profile: Mapping[str, Any]
    version: int
    rm: int | None
    unit: int
    tier: str
    stops: Mapping[str, date | bool | None]


class Customers(Loading):
    """An import that also tells known customers what the core system says of them now."""

    def go(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.told")
        super().go()

    def _mark(self, cursor: Any) -> None:
        cursor.execute(TOLD)
        in_turn(cursor, REPEATED)
        super()._mark(cursor)
        cursor.execute(NEW_ALL_THE_SAME)
        cursor.execute(PLACELESS)

    def _known(self, cursor: Any, chunk: Chunk, now: datetime) -> None:
        self._note(cursor)
        cursor.execute(KNOWN)
        told = []
        for line, id, name, kind, profile, version, digest, rm, unit, tier, *stops in cursor.fetchall():
            known = Known(
                id, name, kind, _object(profile), version, rm, unit, tier, dict(zip(STOPS, stops, strict=True))
            )
            one = Told(known, chunk.good[line], self._stated(chunk.cells[line]), self.day)
            # A row that says what it said is compared no more, unless the customer has changed since.
            if digest is None or bytes(digest) != one.digest(version):
                told.append(one)
        if not told:
            return
        mine = self._of_people(told)
        places = self._places(cursor, told)
        for one in told:
            one.compare(mine, places)
        _write(cursor, self.run.pk, told, now)
        self._follow(told, now)

    def _note(self, cursor: Any) -> None:
        cursor.execute("SELECT EXISTS (SELECT FROM staged WHERE state IS NULL AND why IS NOT NULL)")
        if not cursor.fetchone()[0]:
            return
        alike = self._matches(cursor, "s.state IS NULL AND s.why IS NOT NULL")
        notes = [{"line": line, "matches": matches} for line, matches in alike.items()]
        cursor.execute(NOTE, [json.dumps(notes), self.run.pk])

    def _stated(self, cells: Mapping[str, str]) -> frozenset[str]:
        """What a row states, and what it states by leaving it empty: where a file has a column for the day of a death, a row
        without one says that there was none."""
        column_of = self.checker.column_of
        filled = {name for name in ("unit", "tier", "do_not_disturb") if cells.get(column_of.get(name, ""))}
        return frozenset(filled | {name for name in ("deceased_on", "closed_on") if name in column_of})

    def _of_people(self, told: Sequence[Told]) -> set[tuple[int, str]]:
        contested = [one.known.id for one in told if one.contested()]
        return {stop for ask in OF_PEOPLE for stop in ask(contested)} if contested else set()

    def _places(self, cursor: Any, told: Sequence[Told]) -> dict[str, dict[int, str]]:
        """How RMs and units are called in a difference, for those that differ."""
        rms = {one.says("rm_id") for one in told if one.says("rm_id") not in (None, one.known.rm)}
        units = {one.says("unit_id") for one in told if "unit" in one.stated and one.says("unit_id") != one.known.unit}
        names: dict[str, dict[int, str]] = {"rm": {}, "unit": {}}
        if rms:
            cursor.execute("SELECT id, number || ' ' || name FROM people_staff WHERE id = ANY (%s)", [list(rms)])
            names["rm"] = dict(cursor.fetchall())
        if units:
            cursor.execute("SELECT id, code || ' ' || name FROM people_unit WHERE id = ANY (%s)", [list(units)])
            names["unit"] = dict(cursor.fetchall())
        return names

    def _follow(self, told: Sequence[Told], now: datetime) -> None:
        stopped = [self._stop(one, column) for one in told for column in one.stopped]
        lifted = [self._stop(one, column) for one in told for column in one.lifted]
        learned = {one.known.id: set(one.entries) for one in told if one.entries}
        for happened, follow in ((stopped, WHEN_STOPPED), (lifted, WHEN_LIFTED)):
            for each in follow if happened else ():
                each(happened, now, self.bank)
        for became_known in WHEN_LEARNED if learned else ():
            became_known(learned, now, self.bank)

    def _stop(self, one: Told, column: str) -> Stopped:
        said = one.says(column)
        return Stopped(one.known.id, column, said if isinstance(said, date) else None, self.run.name)


class Told:
    """What one row tells a known customer: fields to write, and fields where somebody here knows otherwise."""

    def __init__(self, known: Known, checked: Checked, stated: frozenset[str], day: date) -> None:
        self.known, self.checked, self.stated, self.day = known, checked, stated, day
        self.content = (
            checked.name,
            sorted(checked.known.items()),
            sorted(map(str, checked.columns.items())),
            sorted(stated),
        )
        self.entries: dict[str, dict[str, Any]] = {}
        self.columns: dict[str, Any] = {}
        self.differences: dict[str, str] = {}
        self.compared: set[str] = set()
        self.stopped: list[str] = []
        self.lifted: list[str] = []

    def digest(self, version: int) -> bytes:
        """What the row says, to a customer as it stands: as a keyed hash."""
        return vault().index("fed", repr((*self.content, version)))

    def says(self, column: str) -> Any:
        return self.checked.columns.get(column)

    def contested(self) -> bool:
        """Whether a stop is in force of which the row says otherwise."""
        return any(
            stands and (stop in self.stated) and (self.says(stop) or None) != stands
            for stop, stands in self.known.stops.items()
        )

    def compare(self, mine: set[tuple[int, str]], places: Mapping[str, Mapping[int, str]]) -> None:
        """Sorts what the row says into what is written and what differs; ``mine``: stops that people here recorded."""
        self._profile()
        self._name()
        self._place(places)
        for stop, stands in self.known.stops.items():
            self._stop(stop, stands, mine=(self.known.id, stop) in mine)
        if self.says("assets") is not None:
            self.columns |= {"assets": str(self.says("assets")), "assets_day": self.day.isoformat()}

    def _profile(self) -> None:
        customer, stamp = self.known.id, {"src": "feed", "on": self.day.isoformat()}
        for field, value in self.checked.known.items():
            self.compared.add(field)
            entry = self.known.profile.get(field)
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
                born = {name: said for name, said in self.checked.columns.items() if name.startswith("birth_")}
                self.columns |= born
            if field in ("gender", "honorific"):
                self.columns[field] = value

    def _name(self) -> None:
        self.compared.add("name")
        if self.checked.name == self.known.name:
            return
        learned = self.known.profile.get("name")
        if learned and learned["src"] not in THEIRS:
            self.differences["name"] = self.checked.name
        else:
            self.columns |= {"name": self.checked.name, **found_by(self.checked.name, self.known.kind)}

    def _place(self, places: Mapping[str, Mapping[int, str]]) -> None:
        """Whose customer it is and in which tier is decided here: where the core system says otherwise somebody looks."""
        rm, unit, tier = self.says("rm_id"), self.says("unit_id"), self.says("tier")
        said = {"rm": rm is not None, "unit": "unit" in self.stated, "tier": "tier" in self.stated}
        self.compared |= {name for name, stated in said.items() if stated}
        if said["rm"] and rm != self.known.rm:
            self.differences["rm"] = places["rm"][rm]
        if said["unit"] and unit != self.known.unit:
            self.differences["unit"] = places["unit"][unit]
        if said["tier"] and tier != self.known.tier:
            self.differences["tier"] = tier

    def _stop(self, stop: str, stands: date | bool | None, *, mine: bool) -> None:
        """A stop that a person recorded is theirs: of a file that says otherwise the difference is shown. What a file said, a
        file takes back."""
        said = self.says(stop) or None
        if stop not in self.stated or said == (stands or None):
            self.compared |= {stop} & self.stated
            return
        if said and not stands:
            self.stopped.append(stop)
            self.columns[stop] = str(said)
        elif not mine:
            self.columns[stop] = str(said) if said else (False if stop == "do_not_disturb" else None)
            if not said:
                self.lifted.append(stop)
        elif said or stop == "do_not_disturb":  # an empty day is no word against what somebody here knows
            self.compared.add(stop)
            self.differences[stop] = str(said) if said else "no"


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
RETURNING c.id, c.version
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


# What the file and we say alike again needs nobody's look any more.
AGREED = """
UPDATE customers_difference d SET state = 'taken', decided_at = %s
FROM jsonb_to_recordset(%s::jsonb) AS n (id bigint, fields jsonb)
WHERE d.customer_id = n.id AND d.state = 'open' AND n.fields ? d.field
"""


def _write(cursor: Any, run: int, told: Sequence[Told], now: datetime) -> None:
    changes = [{"id": t.known.id, "columns": t.columns, "entries": t.entries} for t in told if t.columns or t.entries]
    cursor.execute(TELL, [now, json.dumps(changes)])
    versions = dict(cursor.fetchall())
    cursor.execute(
        "SELECT customer_id, field, theirs FROM customers_difference WHERE customer_id = ANY (%s) AND state <> 'taken'",
        [[t.known.id for t in told]],
    )
    shown = {(customer, field): _opened(theirs, field, customer) for customer, field, theirs in cursor.fetchall()}
    differences = [
        {"id": t.known.id, "field": field, "theirs": theirs}
        for t in told
        for field, theirs in t.differences.items()
        if shown.get((t.known.id, field)) != _opened(theirs, field, t.known.id)
    ]
    cursor.execute(DIFFER, [now, json.dumps(differences)])
    if shown:
        agreed = [{"id": t.known.id, "fields": sorted(t.compared - t.differences.keys())} for t in told]
        cursor.execute(AGREED, [now, json.dumps(agreed)])
    digests = [{"id": t.known.id, "digest": t.digest(versions.get(t.known.id, t.known.version)).hex()} for t in told]
    cursor.execute(FED, [json.dumps(digests)])
    cursor.execute(
        "UPDATE customers_run SET changed = changed + %s, differing = differing + %s WHERE id = %s",
        [len(versions), len(differences), run],
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
DATED = ("as_of", "month", "rated")  # the day or month that a row speaks of
MOST_RATE = 1_000  # percent a year
MATURITIES = """
UPDATE customers_holding h SET matures_on = r.matures_on FROM fed_rows r
JOIN customers_customer c ON c.core_number = r.core_number
WHERE h.customer_id = c.id AND h.core_number = r.holding AND h.matures_on IS DISTINCT FROM r.matures_on
"""
# Rows that can be read and yet kept nowhere: of nobody, of nothing that is held, or of what an earlier line has told.
ASTRAY = """
SELECT r.line, CASE WHEN c.id IS NULL THEN 'customer' WHEN r.line > r.first THEN 'again' ELSE 'holding' END, r.first
FROM (SELECT *, min(line) OVER (PARTITION BY core_number, holding, date_trunc('month', month)) AS first FROM fed_rows) r
LEFT JOIN customers_customer c ON c.core_number = r.core_number
LEFT JOIN customers_holding h ON h.customer_id = c.id AND h.core_number = r.holding
WHERE c.id IS NULL OR r.line > r.first OR (%s AND h.id IS NULL)
ORDER BY r.line
"""
ROWS = (
    "line integer", "core_number text", "holding text", "product text", "kind text", "amount numeric(18,2)", "currency text",
    "rate numeric(8,4)", "risk_grade text", "opened_on date", "matures_on date", "as_of date", "month date",
    "assets numeric(18,2)",
)  # fmt: skip


def holdings(feed: Feed, run: Run, bank: Bank, now: datetime) -> None:
    """What is held on a day, all of it. Raises Unaccepted where the file would end more than can end in a night."""
    today = now.astimezone(bank.zone).date()
    with _fed(feed, run, bank, now, {"as_of": _named_day(feed.path.name, today)}) as cursor:
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
    with _fed(feed, run, bank, now, {}) as cursor:
        cursor.execute(MATURITIES)
        _counted(cursor, run, cursor.rowcount)


def ratings(feed: Feed, run: Run, bank: Bank, now: datetime) -> None:
    """Monthly averages: from a month's average follows the tier of the month after, by the bank's rule.

    Rows that state no month are of the last one that is over.
    """
    over = _before(now.astimezone(bank.zone).date().replace(day=1))
    with _fed(feed, run, bank, now, {"month": over}) as cursor:
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
            changed += rate(_after(month), rules_at=lambda _month: bank.tier_rules, now=now, averages="averages")
        _counted(cursor, run, changed)


def _before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


class _fed:
    """The feed's rows in a temporary table, checked, in one transaction; refused ones kept for whoever asks."""

    def __init__(self, feed: Feed, run: Run, bank: Bank, now: datetime, defaults: Mapping[str, date]) -> None:
        self.feed, self.run, self.now, self.defaults = feed, run, now, defaults
        self.today = now.astimezone(bank.zone).date()
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
        rows = iter(self.feed.table)
        while some := list(islice(rows, CHUNK)):
            self._copy(some)
        self.cursor.execute("CREATE INDEX ON fed_rows (core_number)")
        self.cursor.execute("ANALYZE fed_rows")
        self._lead_back()
        return self.cursor

    def __exit__(self, *what: Any) -> None:
        self.cursor.close()
        self.atomic.__exit__(*what)

    def _lead_back(self) -> None:
        """Refuses the rows that lead nowhere."""
        self.cursor.execute(ASTRAY, [self.feed.kind == "maturities"])
        astray = {line: (why, first) for line, why, first in self.cursor.fetchall()}
        if not astray:
            return
        kept = {row.line: row for row in self.feed.table if row.line in astray}
        self._refuse([(row, [self._astray(*astray[line])]) for line, row in kept.items()])
        column = self.column_of.get("holding", "")
        self._spare((None, kept[line].cells.get(column)) for line, (why, _first) in astray.items() if why == "customer")
        self.cursor.execute("DELETE FROM fed_rows WHERE line = ANY (%s)", [list(astray)])

    def _astray(self, why: str, first: int) -> Problem:
        if why == "again":
            return Problem("", _("The same stands in line %(line)d already.") % {"line": first})
        if why == "holding":
            reason = _("The customer holds nothing under this number. Send it in the holdings' file first.")
            return Problem(self.column_of["holding"], reason)
        reason = _("No customer has this number. Send the customer in the customers' file first.")
        return Problem(self.column_of["core_number"], reason)

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

    def _over(self, day: date | None) -> None:
        """What is said of a day to come would stand against every file until then."""
        if day and day > self.today:
            raise Unaccepted(_("The date %(day)s lies in the future.") % {"day": day})

    def _read(self, row: Row) -> tuple[dict[str, Any], list[Problem]]:
        values: dict[str, Any] = {"line": row.line, **self.defaults}
        problems = list(row.problems)
        for column, field in self.feed.mapping.items():
            text = clean(row.cells.get(column, ""))
            if not text:
                continue
            try:
                if field == "rated":  # the month that is rated comes after that of the average
                    values["month"] = _before(_value("month", text).replace(day=1))
                else:
                    values[field] = _value(field, text)
                self._over(values.get("month" if field == "rated" else field) if field in DATED else None)
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
            rate = Decimal(text.rstrip("%"))
        except InvalidOperation:
            rate = Decimal("NaN")
        if rate.is_finite() and abs(rate) < MOST_RATE:
            return rate
        raise Unaccepted(_("This is no rate. Write it in percent a year, as in 2.60."))
    return text


def _counted(cursor: Any, run: Run, changed: int) -> None:
    cursor.execute("SELECT count(*) FROM fed_rows")
    (good,) = cursor.fetchone()
    cursor.execute(
        "UPDATE customers_run SET checked = %s + refused, loaded = %s, changed = %s WHERE id = %s",
        [good, good, changed, run.pk],
    )
