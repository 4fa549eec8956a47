"""A change of keys carried out: what older keys sealed is sealed with the first, and indexes are computed anew.

Batch by batch, each a transaction: whatever stops it, what is done stays done, and doing it again goes on from there. It
changes no value, so the trail keeps the act and not the rows; only the owner of the tables may do it that way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from zhike.customers import profile
from zhike.customers.models.customer import INDEXED
from zhike.customers.models.run import part_place, row_place
from zhike.customers.vault import Unopened, Vault, place
from zhike.people.actor import act
from zhike.trail.models import note

BATCH = 500  # rows a transaction
TOLD = 5  # values that do not open, named one by one

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Store:
    """A table with sealed values: its ``columns`` that may change, with their types, and those to be read ``beside``.

    ``renew(vault, row)`` answers with the columns that must change, {} for none. Every row has a whole number ``id``.
    """

    table: str
    columns: Mapping[str, str]
    renew: Callable[[Vault, Row], dict[str, Any]]
    beside: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What one pass over a table came to: rows looked at, rows sealed anew (or to be), values that do not open."""

    rows: int = 0
    renewed: int = 0
    unopened: list[str] = field(default_factory=list)


class Reseal:
    """One run of the change; ``by`` is the staff member who does it, for the trail. ``dry``: look, write nothing."""

    def __init__(
        self, vault: Vault, now: datetime, *, by: int | None = None, batch: int = BATCH, dry: bool = False
    ) -> None:
        self.vault = vault
        self.now = now
        self.by = by
        self.batch = batch
        self.dry = dry
        self.kept = False  # the act is kept with the first row that it changes

    def run(self, store: Store) -> Outcome:
        """One pass over a table."""
        outcome, last = Outcome(), 0
        while rows := self._read(store, "id > %s ORDER BY id LIMIT %s", [last, self.batch]):
            last = rows[-1]["id"]
            outcome.rows += len(rows)
            stale = [row["id"] for row in rows if self._renewed(store, row, outcome)]
            if stale and not self.dry:
                outcome.renewed += self._write(store, stale)
            else:
                outcome.renewed += len(stale)
        return outcome

    def _read(self, store: Store, where: str, params: list[Any]) -> list[dict[str, Any]]:
        names = ["id", *store.columns, *store.beside]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(names)} FROM {store.table} WHERE {where}", params)
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for name, kind in store.columns.items():
            if kind == "jsonb":
                for row in rows:
                    row[name] = json.loads(row[name])
        return rows

    def _renewed(self, store: Store, row: Row, outcome: Outcome) -> dict[str, Any]:
        try:
            return store.renew(self.vault, row)
        except Unopened as error:
            outcome.unopened.append(f"{store.table} {row['id']}: {error}")
            return {}

    def _write(self, store: Store, ids: list[int]) -> int:
        """Renews these rows as they stand now: somebody may have changed one since it was read."""
        with transaction.atomic():
            if self.by:
                act(self.by, self.now)
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('zhike.resealing', 'on', true)")
            changes = []
            for row in self._read(store, "id = ANY (%s::bigint[]) ORDER BY id FOR UPDATE", [ids]):
                if changed := self._renewed(store, row, Outcome()):
                    changes.append({name: row[name] for name in ("id", *store.columns)} | changed)
            with connection.cursor() as cursor:
                cursor.execute(_update(store), [json.dumps(changes, default=_plain)])
            if changes and not self.kept:
                note(action="reseal", object="data_keys", now=self.now, to=self.vault.keys[0].id)
                self.kept = True
        return len(changes)


def _update(store: Store) -> str:
    columns = ", ".join(f"{name} = n.{name}" for name in store.columns)
    types = ", ".join(f"{name} {kind}" for name, kind in store.columns.items())
    return (
        f"UPDATE {store.table} t SET {columns} FROM jsonb_to_recordset(%s::jsonb) AS n (id bigint, {types})"
        " WHERE t.id = n.id"
    )


def _plain(value: Any) -> str:
    return "\\x" + bytes(value).hex()  # as PostgreSQL reads a bytea


def renewed(vault: Vault, sealed: str, where: str) -> str:
    """``sealed`` under the first key; itself if it is already, opened all the same to prove that it can be."""
    value = vault.open(sealed, where)
    return sealed if vault.is_current(sealed) else vault.seal(value, where)


def simple(table: str, column: str, where: Callable[[Row], str], *beside: str) -> Store:
    """A table with one sealed column, bound to a place that the columns ``beside`` it name."""

    def renew(vault: Vault, row: Row) -> dict[str, Any]:
        if not row[column]:
            return {}
        sealed = renewed(vault, row[column], where(row))
        return {column: sealed} if sealed != row[column] else {}

    return Store(table, {column: "text"}, renew, beside)


def _customer(vault: Vault, row: Row) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = row["profile"]
    clear: dict[str, str] = {}
    fresh = {}
    for name, entry in known.items():
        if not (stored := entry.get("v")):
            continue
        if name in profile.SEALED:
            where = place(name, row["id"])
            clear[name] = vault.open(stored, where)
            if not vault.is_current(stored):
                fresh[name] = {**entry, "v": vault.seal(clear[name], where)}
        elif name in INDEXED:
            clear[name] = stored
    changed: dict[str, Any] = {"profile": {**known, **fresh}} if fresh else {}
    for column, right in _indexes(vault, clear).items():
        if row[column] is not None and bytes(row[column]) not in right:
            changed[column] = right[0]
    return changed


def _indexes(vault: Vault, clear: Mapping[str, str]) -> dict[str, list[bytes]]:
    """What each index column may hold, by the fields that fill it, the first before the others."""
    found: dict[str, list[bytes]] = {}
    for name, columns in INDEXED.items():
        if name in clear:
            for column, of in columns.items():
                found.setdefault(column, []).append(vault.index(*of(clear[name])))
    return found


def _difference(vault: Vault, row: Row) -> dict[str, Any]:
    if row["field"] not in profile.SEALED:
        return {}
    sealed = renewed(vault, row["theirs"], place(row["field"], row["customer_id"]))
    return {"theirs": sealed} if sealed != row["theirs"] else {}


STORES: tuple[Store, ...] = (
    Store(
        "customers_customer",
        {
            "profile": "jsonb",
            "mobile_index": "bytea",
            "tail_index": "bytea",
            "other_tail_index": "bytea",
            "id_index": "bytea",
        },
        _customer,
    ),
    Store("customers_difference", {"theirs": "text"}, _difference, ("customer_id", "field")),
    simple("customers_line", "cells", lambda row: row_place(row["run_id"], row["line"]), "run_id", "line"),
    simple("customers_part", "sealed", lambda row: part_place(row["run_id"], row["number"]), "run_id", "number"),
)


# While a change of keys is under way: is anybody's mobile or identity number still indexed with an older key?
BEHIND = """
SELECT EXISTS (SELECT FROM customers_customer
    WHERE mobile_index IS NOT NULL AND NOT starts_with(profile -> 'mobile' ->> 'v', %(front)s)
       OR id_index IS NOT NULL AND NOT starts_with(profile -> 'id_number' ->> 'v', %(front)s))
"""


def is_behind(vault: Vault) -> bool:
    """Whether indexes compare unequal that should be equal. Asks the database only where there are older keys."""
    if len(vault.keys) == 1:
        return False
    with connection.cursor() as cursor:
        cursor.execute(BEHIND, {"front": f"{vault.keys[0].id}:"})
        return bool(cursor.fetchone()[0])


def passes(reseal: Reseal, stores: Iterable[Store]) -> dict[str, Outcome]:
    """Passes over all tables until one finds nothing to do: by then nobody writes with an older key any more."""
    total: dict[str, Outcome] = {}
    for _again in range(3):
        found = {store.table: reseal.run(store) for store in stores}
        for table, outcome in found.items():
            before = total.get(table, Outcome())
            total[table] = Outcome(outcome.rows, before.renewed + outcome.renewed, outcome.unopened)
        if reseal.dry or not any(outcome.renewed for outcome in found.values()):
            break
    return total
