"""Idempotency-Key: a POST that is sent again, because its answer was lost, is answered and not done again.

The row of a key is made in the request's own transaction. Whoever comes with the same key meanwhile waits at it; a
request that fails takes its row along when it is rolled back, so that it can be tried anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from zhike.api.desk import bank_of
from zhike.api.problems import problem, say
from zhike.customers.reseal import simple
from zhike.customers.vault import vault
from zhike.documents.filing import too_large

KEPT = timedelta(hours=48)
LONGEST = 200
REMEMBERED_HEADERS = ("Content-Type", "ETag", "Location")

Run = Callable[..., HttpResponseBase]


def once(run: Run) -> Run:
    """Around every operation: a POST with an Idempotency-Key runs once for each staff member and key."""

    @wraps(run)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.content_type == "multipart/form-data" and not request.FILES and getattr(request, "too_large", False):
            return problem(413, "invalid", say(too_large(bank_of(request)).words))  # type: ignore[arg-type]
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "POST" or not key:
            return run(request, *args, **kwargs)
        if len(key) > LONGEST or not key.isprintable():
            return problem(
                422, "invalid", _("An Idempotency-Key has at most %(most)d printable characters.") % {"most": LONGEST}
            )
        return _once(run, request, key, args, kwargs)

    return answered


def _once(run: Run, request: Any, key: str, args: Any, kwargs: Any) -> HttpResponseBase:
    route = f"{request.method} {request.path}"
    digest = hashlib.sha256(
        b"\0".join([route.encode(), request.META.get("QUERY_STRING", "").encode(), _sent(request)])
    ).hexdigest()
    made = _row(
        BEGIN,
        {
            "staff": request.actor.id,
            "key": key,
            "route": route,
            "digest": digest,
            "at": request.now,
            "old": request.now - KEPT,
        },
    )
    if made is None:
        return _again(request.actor.id, key, digest)
    response = run(request, *args, **kwargs)
    if getattr(request, "afresh", False):
        _row("DELETE FROM api_answer WHERE id = %(id)s RETURNING id", {"id": made[0]})
    elif response.status_code < 400 and isinstance(response, HttpResponse):
        _keep(made[0], response)
    return response


def _sent(request: HttpRequest) -> bytes:
    """What was sent; of a form with files, which is read piece by piece, its fields and the hashes of its files."""
    if request.content_type != "multipart/form-data":
        return request.body
    files = []
    for name, each in sorted(request.FILES.items()):
        upload: Any = each
        files.append((name, upload.name, hashlib.file_digest(upload.file, "sha256").hexdigest()))
        upload.seek(0)
    return json.dumps([sorted(request.POST.lists()), files]).encode()


def afresh(request: HttpRequest) -> None:
    """Said by an operation whose answer is not kept: sent again it is done again, by whoever may do it then."""
    request.afresh = True  # type: ignore[attr-defined]


def _again(staff: int, key: str, digest: str) -> HttpResponse:
    """The answer that the first one got."""
    row = _row(
        "SELECT id, digest, status, body, headers::text FROM api_answer WHERE staff_id = %(staff)s AND key = %(key)s",
        {"staff": staff, "key": key},
    )
    assert row is not None
    id, first, status, body, headers = row
    if first != digest:
        return problem(
            422,
            "key-reused",
            _("This Idempotency-Key was used for another request. Use a new key for each thing that is to be done."),
        )
    response = HttpResponse(vault().open(body, place(id)), status=status)
    for name, value in json.loads(headers).items():
        response.headers[name] = value
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _keep(id: int, response: HttpResponse) -> None:
    headers = {name: response.headers[name] for name in REMEMBERED_HEADERS if name in response.headers}
    _row(
        "UPDATE api_answer SET status = %(status)s, body = %(body)s, headers = %(headers)s::jsonb WHERE id = %(id)s RETURNING id",
        {
            "id": id,
            "status": response.status_code,
            "body": vault().seal(response.content.decode(), place(id)),
            "headers": json.dumps(headers),
        },
    )


def place(id: int) -> str:
    """What a sealed body is bound to: nobody can move it to another row."""
    return f"api_answer:body:{id}"


SEALED = simple("api_answer", "body", lambda row: place(row["id"]))


def _row(sql: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


# Old answers of the same staff member go when a new one comes: nothing else has to remember to.
BEGIN = """
WITH gone AS (
    DELETE FROM api_answer WHERE id IN (
        SELECT id FROM api_answer WHERE staff_id = %(staff)s AND at < %(old)s AND key <> %(key)s ORDER BY at LIMIT 100 FOR UPDATE SKIP LOCKED)
)
INSERT INTO api_answer (staff_id, key, route, digest, at, body, headers)
VALUES (%(staff)s, %(key)s, %(route)s, %(digest)s, %(at)s, '', '{}')
ON CONFLICT (staff_id, key) DO NOTHING RETURNING id
"""
