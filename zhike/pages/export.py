"""A list taken along as a file (导出): CSV that Excel opens, or a workbook; kept in the trail with what was asked for and how many rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter
from django.http import HttpResponse

from zhike.pages.middleware import ActingRequest
from zhike.people.tables import FORMULA
from zhike.trail.models import note

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST = 5000  # rows


def wanted(request: ActingRequest) -> str:
    """The kind of file that the address asks for (``?as=csv``), or none."""
    kind = request.GET.get("as", "")
    return kind if kind in KINDS else ""


def answer(
    request: ActingRequest, kind: str, name: str, object: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> HttpResponse:
    """The file; ``object``: whose rows they are, by the name of the table."""
    lines = [[_plain(value) for value in row] for row in rows]
    body = _csv(columns, lines) if kind == "csv" else _xlsx(columns, lines)
    asked = {key: value for key, value in request.GET.items() if key != "as"}
    note(action="export", object=object, now=request.now, rows=len(lines), file=kind, asked=asked)
    response = HttpResponse(body, content_type=KINDS[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def _plain(value: Any) -> str | int | float:
    if isinstance(value, int | float):
        return value
    text = str(value) if value is not None else ""
    return f"'{text}" if FORMULA.match(text) else text


def _csv(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(lines)
    # Excel takes a file without this mark for the local code page.
    return ("\ufeff" + text.getvalue()).encode()


def _xlsx(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, list(columns), book.add_format({"bold": True}))
    for number, line in enumerate(lines, 1):
        sheet.write_row(number, 0, list(line))
    sheet.freeze_panes(1, 0)
    sheet.autofit()
    book.close()
    return file.getvalue()
