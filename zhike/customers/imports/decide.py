"""What becomes of rows that may be somebody known already, and of a whole run that should not have been."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted
from zhike.customers.imports.load import load_one
from zhike.customers.imports.rows import Checked, Checker, Keepers, limited
from zhike.customers.models import Acquaintance, Book, Customer, Line, Run
from zhike.customers.models.customer import WHEN_LEARNED
from zhike.customers.profile import FIELDS, spoken_birthday
from zhike.people.actor import Actor
from zhike.people.tables import Row

SAME, OTHER, SKIP = DECISIONS = ("same", "other", "skip")


def decide(line: Line, decision: str, *, actor: Actor, now: datetime, bank: Bank, customer: int | None = None) -> Line:
    """Carries out a decision about a doubtful row, once: the same customer (what is missing there is filled in, nothing is
    overwritten), another one (loaded), or left out. Runs as the worker, for the customer may be anybody's.

    ``customer`` names the one that the row is; where it resembles one alone, none need be named. Raises Unaccepted.
    """
    if decision not in DECISIONS:
        raise Unaccepted(_("Decide: the same customer, another customer, or leave the row out."))
    with transaction.atomic():
        line = Line.objects.select_for_update().select_related("run").get(pk=line.pk)
        if line.state != Line.State.DOUBTFUL:
            raise Unaccepted(_("This row is decided already."))
        if line.run.dry:
            raise Unaccepted(_("This was a trial: load the file, then decide."))
        known, line.matches = [match["customer"] for match in line.matches], []
        line.state, line.decided_by_id, line.decided_at = Line.State.SKIPPED, actor.id, now
        if decision != SKIP:
            day = now.astimezone(bank.zone).date()
            checker = Checker(line.run.mapping, Keepers.for_run(line.run, day, actor), bank, day, actor.id)
            checker.place_later = decision == SAME  # who is known has a place
            checked = checker.again(Row(line.line, line.row))
            if decision == SAME:
                line.customer = _one_of(known, customer)
                line.state, line.matches = Line.State.MERGED, [_fill(line.customer, checked, actor, now, bank)]
            else:
                line.state, line.customer = Line.State.LOADED, load_one(checker, checked, line.run, now, bank)
        line.cells = ""
        line.save()
        _recount(line.run)
    return line


def _one_of(known: list[int], named: int | None) -> int:
    if named is None and len(known) == 1:
        return known[0]
    if named is None:
        raise Unaccepted(
            _("The row resembles %(count)d customers. Say which of them it is: %(numbers)s.")
            % {"count": len(known), "numbers": ", ".join(map(str, known))}
        )
    if named not in known:
        raise Unaccepted(_("The row does not resemble the customer %(number)d.") % {"number": named})
    return named


def _fill(id: int, checked: Checked, actor: Actor, now: datetime, bank: Bank) -> dict[str, Any]:
    """Adds to the known customer what the row knows and it does not; returns what that was, for an undo to take it back."""
    customer = Customer.objects.select_for_update().filter(pk=id).first()
    if customer is None:
        raise Unaccepted(_("The customer that this row may be is gone. Load the row as another customer."))
    if limited(actor) and customer.keeper not in actor.directs:
        raise Unaccepted(
            _("That customer is outside of your scope. Leave the row out, or have somebody decide whose scope it is.")
        )
    missing = {
        name: value
        for name, value in checked.known.items()
        if name in FIELDS
        and customer.kind in FIELDS[name].of
        and not customer.knows(name)
        and name not in ("gender", "honorific")
    }
    if "birthday" in missing:
        missing["birthday"] = spoken_birthday(missing["birthday"])
    before = dict(customer.profile)
    if missing:
        customer.learn_all(missing, source="import", actor=actor, now=now)
    for became_known in WHEN_LEARNED if missing else ():
        became_known({id: set(missing)}, now, bank)
    filled = {name: _stamp(entry) for name, entry in customer.profile.items() if before.get(name) != entry}
    columns: dict[str, Any] = {}
    number = checked.columns.get("core_number")
    if number and customer.core_number is None and not Customer.objects.filter(core_number=number).exists():
        columns["core_number"] = number
    columns |= _before(customer, checked, bank)
    if columns:
        Customer.objects.filter(pk=id).update(version=F("version") + 1, changed_at=now, **columns)
    return {"customer": id, "fields": filled, "columns": [name for name in columns if not name.endswith("_on")]}


def _stamp(entry: dict[str, Any]) -> dict[str, Any]:
    """Where a profile's entry comes from, without what it says."""
    return {name: value for name, value in entry.items() if name != "v"}


def _before(customer: Customer, checked: Checked, bank: Bank) -> dict[str, Any]:
    """Day one comes along: that somebody met or called the customer before, where nothing was known of it."""
    columns: dict[str, Any] = {}
    histories = {"met_before": "met", "called_before": "called"}
    for name, short in histories.items():
        said, on = checked.columns.get(name, "unknown"), checked.columns.get(f"{name}_on")
        if said == "unknown" or getattr(customer, name) != "unknown":
            continue
        columns |= {name: said, f"{name}_on": on}
        rm = checked.columns.get("rm_id") or customer.rm_id
        if said == "yes" and rm:
            known, _new = Acquaintance.objects.get_or_create(customer=customer, rm_id=rm)
            if not getattr(known, f"{short}_source"):
                setattr(known, f"{short}_source", "import")
                setattr(known, f"first_{short}_at", datetime.combine(on, time(), bank.zone) if on else None)
                known.save(update_fields=[f"{short}_source", f"first_{short}_at"])
    return columns


def _recount(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_run r SET doubtful = l.doubtful, loaded = l.loaded FROM ("
            " SELECT count(*) FILTER (WHERE state = 'doubtful') AS doubtful, count(*) FILTER (WHERE state = 'loaded') AS loaded"
            " FROM customers_line WHERE run_id = %s) l WHERE r.id = %s",
            [run.pk, run.pk],
        )


# A known customer was given its core number by a row, and the core system has told of it under that number since.
NUMBER_USED = """
SELECT count(*) FROM customers_line l, jsonb_array_elements(l.matches) m
WHERE l.run_id = %s AND l.state = 'merged' AND m -> 'columns' ? 'core_number'
  AND (EXISTS (SELECT FROM customers_holding h WHERE h.customer_id = l.customer)
       OR EXISTS (SELECT FROM customers_fed d WHERE d.customer_id = l.customer))
"""


def recorded_since(run: Run) -> dict[str, int]:
    """What has been recorded about customers that the run loaded, by table: an empty answer lets the run be undone.

    Every table that points to customers counts, also those of apps above, except what the run itself wrote.
    """
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(NUMBER_USED, [run.pk])
        if count := cursor.fetchone()[0]:
            found["customers_holding"] = count
        for relation in Customer._meta.related_objects:
            if relation.related_model in (Book, Acquaintance):
                continue
            table, column = relation.related_model._meta.db_table, relation.field.column
            cursor.execute(
                f"SELECT count(*) FROM (SELECT FROM {table} t JOIN customers_line l ON l.customer = t.{column}"
                " WHERE l.run_id = %s AND l.state = 'loaded' LIMIT 100) AS found",
                [run.pk],
            )
            if count := cursor.fetchone()[0]:
                found[table] = count
        cursor.execute(
            "SELECT count(*) FROM customers_customer c JOIN customers_line l ON l.customer = c.id"
            " WHERE l.run_id = %s AND l.state = 'loaded' AND c.version > 1",
            [run.pk],
        )
        if changed := cursor.fetchone()[0]:
            found["customers_customer"] = changed
    return found


# What apps above do before a run is undone: what the calendar alone brought, and nobody touched, goes with its customers.
BEFORE_UNDONE: list[Callable[[Run], None]] = []


class Undone(NamedTuple):
    """How many customers an undo removed, and of how many others it took back what had been filled in."""

    removed: int
    restored: int


def undo(run: Run, now: datetime) -> Undone:
    """Takes the run's customers away again, and back what it filled in with those who were known; all or none.

    Raises Unaccepted once something was recorded about one of the new ones, or rests on the number that a known one was given.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.state != Run.State.DONE or run.dry or run.kind != "import":
            raise Unaccepted(_("Only a run that is done can be undone."))
        for clear in BEFORE_UNDONE:
            clear(run)
        if found := recorded_since(run):
            raise Unaccepted(
                _("The run can no longer be undone: something was recorded about its customers (%(where)s).")
                % {"where": ", ".join(f"{table} {count}" for table, count in found.items())}
            )
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('zhike.request', %s, true)", [f"undo import {run.pk}"])
            loaded = "(SELECT customer FROM customers_line WHERE run_id = %s AND state = 'loaded')"
            for table in ("customers_acquaintance", "customers_book"):
                cursor.execute(f"DELETE FROM {table} WHERE customer_id IN {loaded}", [run.pk])
            cursor.execute(f"DELETE FROM customers_customer WHERE id IN {loaded}", [run.pk])
            gone = int(cursor.rowcount)
        merged = Line.objects.filter(run=run, state=Line.State.MERGED)
        restored = sum(_take_back(filled, now) for line in merged for filled in line.matches)
        Line.objects.filter(run=run).update(state=Line.State.UNDONE, cells="", matches=[])
        Run.objects.filter(pk=run.pk).update(state=Run.State.UNDONE, finished_at=now)
    return Undone(gone, restored)


def _take_back(filled: dict[str, Any], now: datetime) -> bool:
    """What a row filled in with a known customer goes again, except what somebody has said otherwise since."""
    customer = Customer.objects.select_for_update().filter(pk=filled["customer"]).first()
    if customer is None:
        return False
    still = [name for name, entry in filled["fields"].items() if _stamp(customer.profile.get(name, {})) == entry]
    columns = {name: None if name == "core_number" else "unknown" for name in filled["columns"]}
    columns |= {f"{name}_on": None for name in filled["columns"] if name != "core_number"}
    for name in filled["columns"]:
        if name != "core_number":
            _forget_history(customer, name.removesuffix("_before"))
    if columns:
        Customer.objects.filter(pk=customer.pk).update(version=F("version") + 1, changed_at=now, **columns)
    customer.forget(still, now=now)
    return bool(still or columns)


def _forget_history(customer: Customer, short: str) -> None:
    """That the file said so, where nothing has happened since."""
    said = Acquaintance.objects.filter(customer=customer, **{f"{short}_source": "import"})
    said.update(**{f"{short}_source": "", f"first_{short}_at": None})
    said = Acquaintance.objects.filter(customer=customer, met_source="", called_source="")
    said.filter(last_contact_at=None, meetings=0, calls=0).delete()
