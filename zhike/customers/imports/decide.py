"""What becomes of rows that may be somebody known already, and of a whole run that should not have been."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted
from zhike.customers.imports.load import load_one
from zhike.customers.imports.rows import Checked, Checker, Keepers, limited
from zhike.customers.models import Acquaintance, Book, Customer, Line, Run
from zhike.customers.profile import FIELDS, spoken_birthday
from zhike.people.actor import Actor
from zhike.people.tables import Row

SAME, OTHER, SKIP = DECISIONS = ("same", "other", "skip")


def decide(line: Line, decision: str, *, actor: Actor, now: datetime, bank: Bank) -> Line:
    """Carries out a decision about a doubtful row, once: the same customer (what is missing there is filled in, nothing is
    overwritten), another one (loaded), or left out. Runs as the worker, for the customer may be anybody's.
    """
    if decision not in DECISIONS:
        raise Unaccepted(_("Decide: the same customer, another customer, or leave the row out."))
    with transaction.atomic():
        line = Line.objects.select_for_update().select_related("run").get(pk=line.pk)
        if line.state != Line.State.DOUBTFUL:
            raise Unaccepted(_("This row is decided already."))
        line.state, line.decided_by_id, line.decided_at = Line.State.SKIPPED, actor.id, now
        if decision != SKIP:
            day = now.astimezone(bank.zone).date()
            checker = Checker(line.run.mapping, Keepers.for_run(line.run, day, actor), bank, day, actor.id)
            checked = checker.again(Row(line.line, line.row))
            if decision == SAME:
                line.state, line.customer = Line.State.MERGED, _fill(line, checked, actor, now)
            else:
                line.state, line.customer = Line.State.LOADED, load_one(checker, checked, line.run, now, bank)
        line.cells, line.matches = "", []
        line.save()
        _recount(line.run)
    return line


def _fill(line: Line, checked: Checked, actor: Actor, now: datetime) -> int:
    """Adds to the known customer what the row knows and it does not."""
    customer = Customer.objects.select_for_update().filter(pk=line.matches[0]["customer"]).first()
    if customer is None:
        raise Unaccepted(_("The customer that this row may be is gone. Load the row as another customer."))
    if limited(actor) and customer.keeper not in actor.writes:
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
    if missing:
        customer.learn_all(missing, source="import", actor=actor, now=now)
    number = checked.columns.get("core_number")
    if number and customer.core_number is None and not Customer.objects.filter(core_number=number).exists():
        Customer.objects.filter(pk=customer.pk).update(core_number=number)
    return customer.pk


def _recount(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_run r SET doubtful = l.doubtful, loaded = l.loaded FROM ("
            " SELECT count(*) FILTER (WHERE state = 'doubtful') AS doubtful, count(*) FILTER (WHERE state = 'loaded') AS loaded"
            " FROM customers_line WHERE run_id = %s) l WHERE r.id = %s",
            [run.pk, run.pk],
        )


def recorded_since(run: Run) -> dict[str, int]:
    """What has been recorded about customers that the run loaded, by table: an empty answer lets the run be undone.

    Every table that points to customers counts, also those of apps above, except what the run itself wrote.
    """
    found = {}
    with connection.cursor() as cursor:
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


def undo(run: Run, now: datetime) -> int:
    """Takes the run's customers away again, all or none. Raises Unaccepted once something was recorded about one of them."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.state != Run.State.DONE or run.dry or run.kind != "import":
            raise Unaccepted(_("Only a run that is done can be undone."))
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
        Line.objects.filter(run=run).update(state=Line.State.UNDONE, cells="", matches=[])
        Run.objects.filter(pk=run.pk).update(state=Run.State.UNDONE, finished_at=now)
    return gone
