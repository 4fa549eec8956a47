"""What the worker does for customer files: runs them, carries out decisions, undoes them."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction
from django.utils import translation
from procrastinate.contrib.django import app

from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted
from zhike.customers.imports.decide import decide, undo
from zhike.customers.imports.load import Overtaken, run_import
from zhike.customers.models import Line, Part, Run
from zhike.customers.models.run import part_place
from zhike.customers.vault import vault
from zhike.people import bank
from zhike.people.actor import acting
from zhike.people.tables import UnreadableTable

PIECE = 1 << 20  # bytes of a file that are sealed together


def keep_file(run: Run, pieces: Iterator[bytes]) -> None:
    """Keeps an uploaded file sealed in the database, for whichever worker takes the job."""
    for number, piece in enumerate(pieces):
        sealed = vault().seal(base64.b64encode(piece).decode(), part_place(run.pk, number))
        Part.objects.create(run=run, number=number, sealed=sealed)


@contextmanager
def file_of(run: Run) -> Iterator[Path]:
    """The uploaded file, on this machine's disk for as long as the block runs, readable by this account alone."""
    with tempfile.NamedTemporaryFile() as file:
        for part in run.parts.order_by("number").iterator(chunk_size=4):
            file.write(base64.b64decode(vault().open(part.sealed, part_place(run.pk, part.number))))
        file.flush()
        yield Path(file.name)


@app.task(name="import_customers", retry=3)
def import_customers(run: int) -> None:
    """Runs an uploaded customer file from where it stands; a killed worker's job is put back and goes on."""
    carry_out(
        run, lambda found, path, language: run_import(found, path, bank=_bank(), now=clock.now, language=language)
    )


def carry_out(run: int, load: Callable[[Run, Path, str], object]) -> None:
    """Runs an uploaded file from where it stands to its end, in the language of whoever brought it; why it cannot be stands in its row."""
    found = Run.objects.select_related("by").filter(pk=run, state__in=[Run.State.WAITING, Run.State.RUNNING]).first()
    if found is None:
        return
    if found.state == Run.State.WAITING:
        _begin(found)
    language = found.by.language if found.by else "zh-hans"
    with translation.override(language):
        try:
            with file_of(found) as path:
                load(found, path, language)
        except Overtaken:
            return
        except (UnreadableTable, Unaccepted) as error:
            Run.objects.filter(pk=run).update(state=Run.State.FAILED, error=str(error), finished_at=clock.now())
    if not found.dry:
        Part.objects.filter(run=run).delete()


def _begin(run: Run) -> None:
    """From the start: what an earlier trial said of the rows is gone."""
    Line.objects.filter(run=run).delete()
    run.last_line = run.checked = run.loaded = run.already = run.refused = run.doubtful = 0
    run.save()


@app.task(name="decide_lines")
def decide_lines(decisions: dict[str, str], by: int) -> None:
    """Carries out what somebody decided about doubtful rows, each in a transaction of its own: "other", "skip", "same", or
    "same:N" where N is the number of one of several customers."""
    for line in (
        Line.objects.filter(pk__in=list(decisions), state=Line.State.DOUBTFUL).select_related("run").order_by("line")
    ):
        now = clock.now()
        with acting(by, now) as actor:
            decision, _colon, customer = decisions[str(line.pk)].partition(":")
            try:
                with transaction.atomic():
                    named = int(customer) if customer else None
                    decide(line, decision, customer=named, actor=actor, now=now, bank=_bank())
            except Unaccepted as error:
                reason = {"column": "", "reason": str(error)}
                Line.objects.filter(pk=line.pk).update(decided_by=None, decided_at=None, reasons=[reason])


@app.task(name="undo_import")
def undo_import(run: int, by: int) -> None:
    """Undoes a run; why it cannot be stands in its row."""
    now = clock.now()
    with acting(by, now):
        try:
            undo(Run.objects.get(pk=run), now)
        except Unaccepted as error:
            Run.objects.filter(pk=run).update(error=str(error))


def _bank() -> Bank:
    return bank.settings().now(clock.now())
