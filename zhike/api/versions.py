"""ETag and If-Match: nobody writes over what another has changed since it was read (RFC 9110, RFC 6585)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from zhike.api.problems import Problem


def etag(row: Any) -> str:
    return f'"{row.version}"'


def stamp(response: HttpResponse, row: Any) -> None:
    """Tells the row's version with the answer."""
    response["ETag"] = etag(row)


def match(request: HttpRequest, row: Any, *, wanted: bool = False) -> None:
    """Raises 412 if the row is no longer what If-Match says; 428 where the header is ``wanted`` and missing."""
    header = request.headers.get("If-Match", "")
    if not header:
        if wanted:
            raise Problem(
                428,
                "if-match-missing",
                _("Others may edit this too. Read it first and send its ETag back as If-Match."),
            )
        return
    if header.strip() != "*" and etag(row) not in [each.strip() for each in header.split(",")]:
        raise Problem(
            412,
            "changed-meanwhile",
            _("This was changed meanwhile. Read it again, look at the change, and send yours once more."),
            headers={"ETag": etag(row)},
        )


def held(request: Any, rows: Any, id: str) -> Any:
    """The row that a verb acts on, of a manager that knows ``held``: kept from others until the end, and as the program read it."""
    found = rows.held(int(id), request.actor)
    if found is None:
        raise Http404
    match(request, found)
    return found
