"""导入 · A bank's file of customers, or of messages that its other SMS platform sent: its columns said once, tried without writing, loaded by
the worker while one looks on.

Domain: :mod:`zhike.customers.imports`, :mod:`zhike.sms.imports`; the worker does the work. Runs are seen by whoever started them and by
nobody else; those that nobody started (feeds, commands) by the administrators.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_safe

from zhike.customers.full_books import full_by
from zhike.customers.imports import columns as meanings
from zhike.customers.imports.decide import DECISIONS
from zhike.customers.imports.load import refused_file
from zhike.customers.imports.rows import limited
from zhike.customers.models import Line, Run
from zhike.customers.tasks import PIECE, decide_lines, file_of, import_customers, keep_file, undo_import
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.differences import waiting
from zhike.people.actor import Actor
from zhike.people.models import Unit
from zhike.people.permissions import policy
from zhike.people.tables import UnreadableTable, open_table
from zhike.sms.imports import columns as of_messages
from zhike.sms.tasks import import_messages, undo_messages

LARGEST = 200 << 20  # bytes
FIRST = ("name", "core_number")  # what somebody is known by stands before the rest
SHOWN = 50  # doubtful rows on one page
SHOWN_OF = ("name", "core_number", "mobile", "id_number", "rm", "unit")
DECISION = re.compile(rf"(?:{'|'.join(DECISIONS)})(?::\d{{1,18}})?")
WHYS = {
    "id": gettext_noop("the same identity number"),
    "mobile": gettext_noop("the same mobile"),
    "birthday": gettext_noop("the same name and birthday"),
}


@dataclass(frozen=True)
class Sort:
    """A sort of file: what its runs are called, where they are listed, what its columns may mean, why they cannot, who loads it."""

    kind: str
    route: str
    vocabulary: meanings.Vocabulary
    faults: Callable[[Iterable[str], Mapping[str, str]], str]
    job: Any
    undo: Any
    command: str


CUSTOMERS = Sort(
    "import", "imports", meanings.CUSTOMERS, meanings.faults, import_customers, undo_import, "zhike import customers"
)
MESSAGES = Sort(
    "messages",
    "imports_messages",
    of_messages.MESSAGES,
    of_messages.faults,
    import_messages,
    undo_messages,
    "zhike import messages",
)


def _sort(run: Run) -> Sort:
    return MESSAGES if run.kind == MESSAGES.kind else CUSTOMERS


@policy("customers.import")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """The runs so far; an upload makes a new one."""
    return _list(request, CUSTOMERS)


@policy("customers.import")
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: ActingRequest) -> HttpResponse:
    """The same for what was sent on the bank's other SMS platform (S1)."""
    return _list(request, MESSAGES)


def _list(request: ActingRequest, sort: Sort) -> HttpResponse:
    wrong = ""
    if request.method == "POST":
        try:
            run = _upload(request, sort)
            return moved(request, reverse("import", args=[run.pk]))
        except UnreadableTable as error:
            wrong = str(error)
    runs = Run.objects.filter(_seen(request.actor)).order_by("-at", "-id")
    runs = runs.filter(kind=sort.kind) if sort is MESSAGES else runs.exclude(kind=MESSAGES.kind)
    usual, rest = meanings.guide(english=owed.speaks().startswith("en"), of=sort.vocabulary)
    context = {
        "sort": sort,
        "places": [
            {"text": gettext("Customers"), "href": reverse("imports"), "current": sort is CUSTOMERS},
            {
                "text": gettext("Messages sent elsewhere"),
                "href": reverse("imports_messages"),
                "current": sort is MESSAGES,
            },
        ],
        "runs": runs[:30],
        "wrong": wrong,
        "differences": waiting(request),
        "usual": usual,
        "rest": rest,
    }
    return render(request, "imports.html", context, status=422 if wrong else 200)


def _upload(request: ActingRequest, sort: Sort) -> Run:
    upload: Any = request.FILES.get("file")
    if upload is None:
        raise UnreadableTable(gettext("Choose a file: CSV or Excel."))
    if upload.size > LARGEST:
        raise UnreadableTable(
            gettext("The file is larger than 200 MB; load it with the command %(command)s.") % {"command": sort.command}
        )
    with tempfile.NamedTemporaryFile() as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        table = open_table(Path(file.name))
        mapping = meanings.guess(table.columns, of=sort.vocabulary)
        total = sum(1 for _row in table)
        run = Run.objects.create(
            kind=sort.kind, name=Path(upload.name).name, size=upload.size, by_id=request.actor.id, at=request.now, mapping=mapping,
            state=Run.State.MAPPING, total=total,
        )  # fmt: skip
        file.seek(0)
        keep_file(run, iter(lambda: file.read(PIECE), b""))
    return run


@policy("customers.import")
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: ActingRequest, run: int) -> HttpResponse:
    """One run: its columns, its progress, what came of it, the rows to decide. ``act``: try, load, decide, undo."""
    found = _mine(request, run)
    if request.method != "POST":
        return _page(request, found)
    match request.POST.get("act"):
        case "try" | "load" as act:
            return _start(request, found, dry=act == "try")
        case "decide":
            return _decide(request, found)
        case "undo" if (
            found.state == Run.State.DONE and not found.dry and found.kind in (CUSTOMERS.kind, MESSAGES.kind)
        ):
            Run.objects.filter(pk=found.pk).update(error="")
            _sort(found).undo.defer(run=found.pk, by=request.actor.id)
            return moved(request, reverse("import", args=[run]), gettext("The import is being undone."))
    return _page(request, found, wrong=gettext("This import cannot do that now."))


def _start(request: ActingRequest, run: Run, *, dry: bool) -> HttpResponse:
    if run.state not in (Run.State.MAPPING, Run.State.FAILED) and not (run.state == Run.State.DONE and run.dry):
        return _page(request, run, wrong=gettext("This import cannot do that now."))
    sort = _sort(run)
    if run.state == Run.State.MAPPING:
        columns = request.POST.getlist("column")
        mapping = {
            column: field for column, field in zip(columns, request.POST.getlist("field"), strict=False) if field
        }
        twice = next((field for field in mapping.values() if list(mapping.values()).count(field) > 1), "")
        wrong = sort.faults(columns, mapping)
        if twice:
            wrong = gettext("Two columns are said to be “%(field)s”; choose one.") % {
                "field": sort.vocabulary.fields[twice]
            }
        if wrong:
            run.mapping = mapping
            return _page(request, run, wrong=wrong)
        unit = Unit.objects.filter(pk=number(request.POST.get("unit")) or 0).first()
        run.mapping, run.unit = mapping, unit
    run.state, run.dry, run.error = Run.State.WAITING, dry, ""
    run.save()
    sort.job.defer(run=run.pk)
    return moved(request, reverse("import", args=[run.pk]))


def _decide(request: ActingRequest, run: Run) -> HttpResponse:
    """The decisions of one page of rows go to the worker; the rows say meanwhile that they are being dealt with."""
    said = {key[5:]: str(value) for key, value in request.POST.items() if key.startswith("line-")}
    chosen = {line: decision for line, decision in said.items() if DECISION.fullmatch(decision)}
    open_rows = Line.objects.filter(run=run, state=Line.State.DOUBTFUL, pk__in=[k for k in map(number, chosen) if k])
    wanted = {str(pk): chosen[str(pk)] for pk in open_rows.values_list("pk", flat=True)}
    if not wanted:
        return _page(request, run, wrong=gettext("Choose for at least one row."))
    open_rows.update(decided_by=request.actor.id, decided_at=request.now)
    decide_lines.defer(decisions=wanted, by=request.actor.id)
    return moved(request, reverse("import", args=[run.pk]), gettext("The decisions are being carried out."))


@policy("customers.import")
@require_safe
def progress(request: ActingRequest, run: int) -> HttpResponse:
    """The progress alone, asked for every two seconds; when the run has ended the page is loaded anew."""
    found = _mine(request, run)
    answer = render(request, "_import_progress.html", {"run": found})
    if found.state not in (Run.State.WAITING, Run.State.RUNNING):
        answer["HX-Refresh"] = "true"
    return answer


@policy("customers.import")
@require_safe
def refused(request: ActingRequest, run: int) -> HttpResponse:
    """The refused rows as a file to correct and load again."""
    found = _mine(request, run)
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as file:
        refused_file(found, file)
        file.seek(0)
        answer = HttpResponse(file.read(), content_type="text/csv; charset=utf-8")
    name = f"refused-{found.pk}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _seen(actor: Actor) -> Q:
    """The actor's runs, and, for an administrator, those that nobody started: somebody must decide their doubtful rows."""
    return Q(by_id=actor.id) | Q(by=None) if "administrator" in actor.roles else Q(by_id=actor.id)


def _mine(request: ActingRequest, run: int) -> Run:
    """A run; whoever comes to do something with it holds it till the end: of two clicks the second sees what the first did."""
    rows = Run.objects.select_related("unit").filter(_seen(request.actor), pk=run)
    found = (rows.select_for_update(of=("self",)) if request.method == "POST" else rows).first()
    if found is None:
        raise Http404(gettext("There is no import of yours with this number."))
    return found


def _page(request: ActingRequest, run: Run, wrong: str = "") -> HttpResponse:
    lines, bank = Line.objects.filter(run=run), bank_of(request)
    context: dict[str, Any] = {
        "run": run,
        "wrong": wrong or run.error,
        "notes": [
            {"line": line.line, "matches": [_match(match) for match in line.matches]}
            for line in lines.filter(state=Line.State.LOADED).exclude(matches=[]).order_by("line")[:SHOWN]
        ]
        if run.kind == "customers"
        else [],
        "full": [each.words(bank) for each in full_by(run.pk, bank)]
        if run.state == Run.State.DONE and run.loaded and run.kind != MESSAGES.kind
        else [],
        "sort": _sort(run),
        "again": run.kind in (CUSTOMERS.kind, MESSAGES.kind)
        and run.by_id is not None
        and (run.state == Run.State.FAILED or (run.dry and bool(run.loaded or run.doubtful))),
        "undoable": run.kind in (CUSTOMERS.kind, MESSAGES.kind)
        and bool(run.loaded or lines.filter(state=Line.State.MERGED).exists()),
        "refusals": list(lines.filter(state=Line.State.REFUSED).order_by("line")[:20]),
        "doubts": [
            _doubt(line, run.mapping) for line in lines.filter(state=Line.State.DOUBTFUL).order_by("line")[:SHOWN]
        ],
    }
    if run.state == Run.State.MAPPING:
        context |= _columns(run, request.actor)
    return render(request, "import.html", context, status=422 if wrong else 200)


def _columns(run: Run, actor: Actor) -> dict[str, Any]:
    """The file's columns, each with what it may be and its first values, masked: screens are looked at by others too."""
    units = Unit.objects.filter(to_day=None).order_by("path")
    if leader := limited(actor):
        units = units.filter(pk__in=[-keeper for keeper in leader.writes if keeper < 0])
    with file_of(run) as path:
        table = open_table(path)
        first = list(islice(table, 3))
    return {
        "columns": [
            {
                "name": column,
                "field": run.mapping.get(column, ""),
                "like": _likes(run.mapping.get(column, ""), [row.cells.get(column, "") for row in first]),
            }
            for column in table.columns
            if column
        ],
        "fields": [
            ("", gettext("(left out)")),
            *((name, str(label)) for name, label in _sort(run).vocabulary.fields.items()),
        ],
        "units": [
            ("", gettext("(none)")),
            *((str(pk), name) for pk, name in units.values_list("pk", "name")),
        ],
    }


def _likes(field: str, values: list[str]) -> str:
    return "、".join(meanings.masked(field, value) for value in values if value)[:60]


def _doubt(line: Line, mapping: dict[str, str]) -> dict[str, Any]:
    """What the file says of somebody, as far as it is taken in and masked as everywhere, beside all who it may be."""
    cells = line.row
    order = [*FIRST, *meanings.FIELDS]
    named = sorted(
        ((field, column) for column, field in mapping.items() if field), key=lambda pair: order.index(pair[0])
    )
    row = {column: meanings.masked(field, cells.get(column, "")) for field, column in named}
    return {
        "pk": line.pk,
        "line": line.line,
        "row": " · ".join(value for value in row.values() if value)[:120],
        "matches": [_match(match) for match in line.matches],
        "wait": line.decided_at is not None,
        "wrong": " ".join(reason["reason"] for reason in line.reasons),
    }


def _match(match: dict[str, Any]) -> dict[str, Any]:
    """One whom a row may be, and why; in a trial also a line of the same file."""
    shown = [str(match[name]) for name in SHOWN_OF if match.get(name)]
    if "line" in match:
        shown = [gettext("line %(line)d of the file") % {"line": match["line"]}]
    return {"customer": match.get("customer", ""), "is": " · ".join(shown), "why": gettext(WHYS[match["why"]])}
