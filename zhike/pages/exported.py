"""A list as a file: what stands in it, as the reader may see it, in CSV or Excel. That it left is kept in the trail."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter
from django.http import HttpResponse
from django.utils.http import content_disposition_header

from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.people.tables import FORMULA
from zhike.trail.models import note

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ROWS = 10_000
LONGEST = 32_767  # letters that a cell of Excel holds
UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # a file of Excel cannot hold such letters
Cell = str | int | float


def wanted(request: ActingRequest) -> str:
    """Which file the address asks for (``?as=csv``); empty: the page."""
    asked = request.GET.get("as", "")
    return asked if asked in FORMATS else ""


def exported(
    request: ActingRequest, name: str, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> HttpResponse:
    """The rows as the file that was asked for; ``name`` is the list's, ``table`` whose rows they are: so the trail calls them."""
    lines = [[_cell(value) for value in row] for row in rows]
    kind = wanted(request)
    body = _xlsx(columns, lines) if kind == "xlsx" else _csv(columns, lines)
    return handed(request, f"{name}-{local(request.now):%Y%m%d}", table, kind, body, len(lines))


def handed(request: ActingRequest, name: str, table: str, kind: str, body: bytes, rows: int) -> HttpResponse:
    """A file to keep, and the trail's line of it: ``rows`` of the ``table`` left as a ``kind``."""
    asked = {key: value for key, value in request.GET.items() if key != "as"}
    note(action="export", object=table, now=request.now, rows=rows, format=kind, asked=asked)
    answer = HttpResponse(body, content_type={**FORMATS, "pdf": "application/pdf"}[kind])
    answer["Content-Disposition"] = content_disposition_header(True, f"{name}.{kind}") or "attachment"
    answer["Cache-Control"] = "no-store"
    return answer


def _csv(columns: Sequence[str], lines: Iterable[Sequence[Cell]]) -> bytes:
    """With the mark that lets Excel read Chinese; what would be reckoned stands behind an apostrophe."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([f"'{cell}" if FORMULA.match(str(cell)) else cell for cell in line] for line in lines)
    return written.getvalue().encode("utf-8-sig")


def _xlsx(columns: Sequence[str], lines: Iterable[Sequence[Cell]]) -> bytes:
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
    for number, line in enumerate(lines, 1):
        sheet.write_row(number, 0, line)
    sheet.freeze_panes(1, 0)
    sheet.autofit()
    book.close()
    return written.getvalue()


def _cell(value: Any) -> Cell:
    if isinstance(value, int | float):
        return value
    if value is None:
        return ""
    return f"{local(value):%Y-%m-%d %H:%M}" if hasattr(value, "hour") else UNKEPT.sub("", str(value))[:LONGEST]
