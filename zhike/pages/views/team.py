"""团队 · Team: what a leader's people have late, clause by clause, and what was let go in the last week. No ranking of persons."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from zhike.conduct import clause
from zhike.conduct.bank import Bank
from zhike.obligations.team import team
from zhike.pages import owed
from zhike.pages.jinja import left_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import policy


@policy("team.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Rows are clauses; under each, what is late, with whose it is."""
    bank = bank_of(request)
    value = json.loads(team(request.actor, now=request.now))
    late, waived = owed.read(value["late"]), owed.read(value["waived"])
    code, speaks = clause.load(), owed.speaks()
    groups = []
    for id, rows in groupby(late, key=lambda o: o["clause"]):
        shown = [_row(o, request.now, bank, "late") for o in rows]
        groups.append({"id": id, "title": f"{id} {code[id].title.say(speaks)} {len(shown)}", "rows": shown})
    context = {"groups": groups, "waived": [_waived(o, request.now, bank) for o in waived], "late": len(late)}
    return render(request, "team.html", context)


def _row(o: dict[str, Any], now: datetime, bank: Bank, look: str) -> dict[str, Any]:
    return {
        "id": f"o{o['id']}",
        "look": look,
        "icon": owed.ICONS[o["kind"]],
        "when": owed.until(o, now),
        "sub": left_text(o["due"], now) if o["due"] else None,
        "due": None,
        "who": owed.who(o, bank),
        "title": "",
        "title_sub": "",
        "what": f"{o['owner']} · {owed.words(o['what'])}",
        "clause": o["clause"],
        "tip": owed.tip(o["clause"]),
        "because": owed.because({**o, "still": o["evidence"]}, now),
        "why_href": reverse("why", args=[o["id"]]),
        "do": {
            "text": pgettext("button", "Open"),
            "href": reverse("obligation", args=[o["id"]]),
            "method": "get",
            "icon": None,
        },
        "not_yet": None,
        "window": None,
    }


def _waived(o: dict[str, Any], now: datetime, bank: Bank) -> dict[str, Any]:
    reason = o["evidence"].get("reason", "")
    return {**_row(o, now, bank, "done"), "because": reason, "sub": None}
