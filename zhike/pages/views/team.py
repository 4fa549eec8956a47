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
from zhike.obligations.team import ROWS, team
from zhike.pages import owed
from zhike.pages.answer import number
from zhike.pages.jinja import left_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import policy


@policy("team.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Rows are clauses; under each, what is late longest, with whose it is. ``?clause=`` all of one, ``&after=`` page by page."""
    bank, code, speaks = bank_of(request), clause.load(), owed.speaks()
    asked = request.GET.get("clause", "")
    one, after = (asked, number(request.GET.get("after"))) if asked in code else ("", None)
    value = json.loads(team(request.actor, now=request.now, clause=one, after=after))
    tally, late = value["tally"], owed.read(value["late"])
    groups = []
    for id, rows in groupby(late, key=lambda o: o["clause"]):
        shown = [_row(o, request.now, bank, "late") for o in rows]
        groups.append({"id": id, "title": f"{id} {code[id].title.say(speaks)} {tally[id]}", "rows": shown})
        groups[-1]["more"] = tally[id] - len(shown)
        groups[-1]["all"] = f"{reverse('team')}?clause={id}" if not one and tally[id] > len(shown) else None
    context = {
        "groups": groups,
        "late": sum(tally.values()),
        "waived": [] if one else [_waived(o, request.now, bank) for o in owed.read(value["waived"])],
        "one": bool(one),
        "older": f"{reverse('team')}?clause={one}&after={late[-1]['id']}" if one and len(late) == ROWS else None,
        "start": f"{reverse('team')}?clause={one}" if after else None,
    }
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
