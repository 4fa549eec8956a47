"""A list as a file: what stands in it, as the reader may see it, in CSV or Excel. That it left is kept in the trail."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter
from django.http import HttpResponse

from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.people.tables import FORMULA
from zhike.trail.models import note

FORMATS = ("csv", "xlsx")
ROWS = 10_000
LONGEST = 32_767  # letters that a cell of Excel holds
UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # a file of Excel cannot hold such letters


def wanted(request: ActingRequest) -> str:
    """Which file the address asks for; empty: the page."""
    asked = request.GET.get("format", "")
    return asked if asked in FORMATS else ""


def exported(request: ActingRequest, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """The rows as the file that was asked for; ``name`` is the list's, in its file name and in the trail."""
    kept = [[_plain(value) for value in row] for row in rows]
    kind = wanted(request)
    note(action="export", object=name, now=request.now, rows=len(kept), format=kind)
    day = f"{local(request.now):%Y%m%d}"
    if kind == "xlsx":
        body, media = _xlsx(columns, kept), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    else:
        body, media = _csv(columns, kept), "text/csv; charset=utf-8"
    answer = HttpResponse(body, content_type=media)
    answer["Content-Disposition"] = f'attachment; filename="{name}-{day}.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """With the mark that lets Excel read Chinese; what would be reckoned stands behind an apostrophe."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([f"'{value}" if FORMULA.match(value) else value for value in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def _xlsx(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    heading = book.add_format({"bold": True})
    for n, row in enumerate([columns, *rows]):
        for m, value in enumerate(row):
            sheet.write_string(n, m, value[:LONGEST], None if n else heading)
    book.close()
    return written.getvalue()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{local(value):%Y-%m-%d %H:%M}" if hasattr(value, "hour") else UNKEPT.sub("", str(value))
