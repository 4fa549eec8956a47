"""去向 · Who is where: out since when, the next stop, expected back, who is not back; without a map, kept true by itself.

Domain: :func:`zhike.work.board.board`. Renders ``outing_board.html``, or its inside for the poll that comes every 30 seconds with an ETag.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zhike.pages import outing as words
from zhike.pages import owed
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import policy
from zhike.work.board import board


@policy("team.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Of today: those who are not back first, then who is out, who leaves, who is back."""
    bank, now = bank_of(request), request.now
    midnight = local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = board(request.actor, midnight, midnight + timedelta(days=1))
    lines = [words.line(each, bank, now) for each in rows]
    seen = ",".join(f"{each.pk}:{each.version}:{each.is_overdue(now)}:{each.departs_at <= now}" for each in rows)
    etag = f'"{hashlib.sha256(f"{seen}{owed.speaks()}{midnight}".encode()).hexdigest()[:24]}"'
    polled = "HX-Request" in request.headers
    if polled and request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    context = {
        "etag": etag,
        "overdue": [line for line in lines if line["overdue"]],
        "out": [line for line in lines if line["left"] and line["abroad"] and not line["overdue"]],
        "leaving": [line for line in lines if line["abroad"] and not line["left"] and not line["overdue"]],
        "back": [line for line in lines if not line["abroad"]],
        "tip": owed.tip,
    }
    answer = render(request, "_outing_board.html" if polled else "outing_board.html", context)
    answer["ETag"] = etag
    return answer
