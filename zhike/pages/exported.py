"""A list as a file: what stands in it, as the reader may see it, in CSV or Excel. That it left is kept in the trail."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter
from django.http import HttpResponse

from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.trail.models import note

FORMATS = ("csv", "xlsx")
ROWS = 10_000
# What a spreadsheet would take for a formula; a quotation mark before it keeps it a text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
    return answer


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """With the mark that lets Excel read Chinese."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([f"'{value}" if value.startswith(FORMULA) else value for value in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def _xlsx(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for n, row in enumerate([columns, *rows]):
        for m, value in enumerate(row):
            sheet.write_string(n, m, value)
    book.close()
    return written.getvalue()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{local(value):%Y-%m-%d %H:%M}" if hasattr(value, "hour") else str(value)
