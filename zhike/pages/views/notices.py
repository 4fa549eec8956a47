"""提醒 · What every page is told while it stands open: what falls due for its reader now, and whether anybody works on reminders.

Domain: :mod:`zhike.notices.inbox`, :mod:`zhike.notices.heartbeats`. A fragment; the page asks for it by itself (X-Poll) and at the
minute that ``X-Next`` names, says what it has shown, and puts away what was read.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.reminding import said
from zhike.notices.heartbeats import NEVER, silent_since
from zhike.notices.inbox import inbox, put_away, shown
from zhike.pages import owed
from zhike.pages.jinja import clock, left_text, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import SIGNED_IN, policy

ROWS = 2  # rows in sight; more fold
EVERY = 30.0  # seconds until a page asks again, where nothing rings before
# So long a worker may take to ring; asked earlier, the page would only have to ask again.
GRACE = 0.5
SOON = 1.0
LATE = timedelta(minutes=1)  # a worker that rang later than this is told of


@policy(SIGNED_IN)
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """What is to be shown, with an ETag; ``X-Next``: in how many seconds to ask again."""
    text, rings_at = inbox(request.actor.id, covers=request.actor.covers, now=request.now)
    found = json.loads(text)
    silent = silent_since(request.now)
    rows = [_row(row, request) for row in owed.read(found["rows"])]
    plain = [_plain(row, request.now) for row in found["plain"]]
    minute = int(request.now.timestamp() // 60) if rows else 0
    digest = f"{text}{silent}{owed.speaks()}{minute}".encode()
    etag = f'"{sha256(digest).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == etag:
        answer = HttpResponse(status=304)
    else:
        context = {
            "rows": rows[:ROWS],
            "more": rows[ROWS:],
            "plain": plain,
            "count": len(rows) + len(plain),
            "silent": _silent(silent, request.now),
        }
        answer = render(request, "_notices.html", context)
    answer["ETag"] = etag
    answer["X-Next"] = f"{_next(None if silent else rings_at, request.now):.1f}"
    answer["Cache-Control"] = "no-store"
    return answer


@policy(SIGNED_IN)
@require_POST
def seen(request: ActingRequest) -> HttpResponse:
    """The page has shown these."""
    shown(request.actor.id, _ids(request), now=request.now)
    return HttpResponse(status=204)


@policy(SIGNED_IN)
@require_POST
def away(request: ActingRequest) -> HttpResponse:
    """Their reader has put these away; without script, back to where they stood."""
    put_away(request.actor.id, _ids(request), now=request.now)
    return HttpResponse(status=204)


def _ids(request: ActingRequest) -> list[int]:
    return [
        int(text)
        for text in request.POST.getlist("notice")[:500]
        if text.isascii() and text.isdigit() and len(text) < 19
    ]


def _next(rings_at: datetime | None, now: datetime) -> float:
    if rings_at is None:
        return EVERY
    left = (rings_at - now).total_seconds() + GRACE
    return min(EVERY, max(SOON, left))


def _row(row: dict[str, Any], request: ActingRequest) -> dict[str, Any]:
    now, bank = request.now, bank_of(request)
    look = owed.look(row, now)
    minute = row["target"] if row["kind"] == "call_back" else row["due"]
    at, rung_at = datetime.fromisoformat(row["at"]), datetime.fromisoformat(row["rung_at"])
    return {
        "id": row["id"],
        "notices": row["notices"],
        "fresh": row["fresh"],
        "icon": owed.ICONS[row["kind"]],
        "look": look,
        "when": owed.until(row, now),
        "left": left_text(minute, now) if look in {"now", "late"} and minute else "",
        "who": owed.who(row, bank),
        "what": owed.words(row["what"]),
        "behalf": "" if row["mine"] else row["owner"],
        "step": row["step"],
        "rang": when_text(at, now) if rung_at - at > LATE else "",
        "do": owed.does(row, look, now) if row["step"] != "undelivered" else None,
        "outside": f"{clock(minute)} {gettext('reminder')}" if minute else gettext("reminder"),
    }


def _plain(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    at = datetime.fromisoformat(row["at"])
    return {"notices": row["notices"], "fresh": row["fresh"], "words": said(row["step"]).say(owed.speaks()), "at": at}


def _silent(since: datetime | None, now: datetime) -> str | None:
    if since is None:
        return None
    return "" if since is NEVER else when_text(since, now)
