"""员工导入 · A whole sub-branch seated at once: paste or upload, correct what is wrong where it stands, print the invitations.

An upload becomes text in the page, so that a wrong cell is mended there and not in the file. Domain:
:mod:`zhike.people.roster`; the posts are asked for in one request that a second person approves, units to be moved in another.
"""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.views.staff import invitations
from zhike.people import posts, units
from zhike.people.permissions import policy
from zhike.people.roster import COLUMNS, KINDS, ROLES, SCOPES, Roster, TakenIn
from zhike.people.tables import Table, UnreadableTable, open_table

LARGEST = 4 << 20  # bytes: some 50,000 rows


@policy("staff.change")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """``act``: check writes nothing, take seats everybody whose row is right."""
    if request.method != "POST":
        return _page(request, "")
    try:
        text = _text(request)
    except UnreadableTable as wrong:
        return _page(request, request.POST.get("text", ""), wrong=str(wrong))
    try:
        result, columns = _run(request, text, take=request.POST.get("act") == "take")
    except UnreadableTable as wrong:
        return _page(request, text, wrong=str(wrong))
    if request.POST.get("act") != "take" or (result.refused and not result.taken and not result.moves_asked):
        return _page(request, text, result=result, columns=columns)
    reason = request.POST.get("reason", "").strip() or gettext("Staff file")
    if result.moves_asked:
        units.ask_to_move(request.actor, list(result.moves_asked.values()), reason, request.now)
    if result.posts_asked:
        posts.ask_to_grant(request.actor, result.posts_asked, reason, request.now)
    return invitations(request, result.invitations, told=_told(result))


def _run(request: ActingRequest, text: str, *, take: bool) -> tuple[TakenIn, tuple[str, ...]]:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv") as file:
        file.write(text)
        file.flush()
        table = open_table(Path(file.name))
        with transaction.atomic():
            result = Roster(table, today=local(request.now).date(), now=request.now, grant=False).take_in()
            transaction.set_rollback(not take)
    return result, table.columns


def _text(request: ActingRequest) -> str:
    """What was pasted, or the uploaded file as text. Raises UnreadableTable."""
    upload: Any = request.FILES.get("file")
    if upload is None:
        return request.POST.get("text", "").strip("\n")
    if upload.size > LARGEST:
        raise UnreadableTable(gettext("The file is larger than 4 MB; take it in with the command zhike import staff."))
    with tempfile.NamedTemporaryFile() as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        return _as_text(open_table(Path(file.name)))


def _as_text(table: Table) -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter="\t", lineterminator="\n")
    columns = [column for column in table.columns if column]
    writer.writerow(columns)
    for row in table:
        writer.writerow([row.cells.get(column, "") for column in columns])
    return written.getvalue().rstrip("\n")


def _told(result: TakenIn) -> list[str]:
    told = []
    if result.posts_asked:
        told.append(
            ngettext(
                "%(count)d post waits for the approval of a second person; until then the account sees nothing.",
                "%(count)d posts wait for the approval of a second person; until then the accounts see nothing.",
                len(result.posts_asked),
            )
            % {"count": len(result.posts_asked)}
        )
    if result.moves_asked:
        told.append(
            ngettext(
                "%(count)d unit is moved when a second person approves.",
                "%(count)d units are moved when a second person approves.",
                len(result.moves_asked),
            )
            % {"count": len(result.moves_asked)}
        )
    if result.unread:
        columns = "、".join(result.unread)
        told.append(gettext("Not understood and not taken in: the columns %(columns)s.") % {"columns": columns})
    if result.refused:
        lines = "、".join(str(row.line) for row, _problems in result.refused[:20])
        told.append(gettext("Left out, because something in them is wrong: lines %(lines)s.") % {"lines": lines})
    return told


def _page(
    request: ActingRequest,
    text: str,
    *,
    result: TakenIn | None = None,
    columns: tuple[str, ...] = (),
    wrong: str = "",
) -> HttpResponse:
    context = {
        "text": text,
        "reason": request.POST.get("reason", ""),
        "wrong": wrong,
        "result": result,
        "refused": [
            {"line": row.line, "name": next((v for v in row.cells.values() if v), ""),
             "problems": [(problem.column, problem.reason) for problem in problems]}
            for row, problems in (result.refused if result else [])
        ],
        "header": "\t".join(words[0] for words in COLUMNS.values()),
        "allowed": [
            (COLUMNS[name][0], "、".join(names[0] for names in words.values()))
            for name, words in (("unit_kind", KINDS), ("role", ROLES), ("scope", SCOPES))
        ],
    }  # fmt: skip
    return render(request, "staff_import.html", context, status=422 if wrong or context["refused"] else 200)
