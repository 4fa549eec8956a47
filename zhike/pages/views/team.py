"""团队 · Team: what a leader's people have late, clause by clause, and what was let go in the last week,
what was found in the last month. No ranking of persons."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe

from zhike.conduct import clause
from zhike.conduct.bank import Bank
from zhike.customers.full_books import BOOKS, full
from zhike.customers.models import Book
from zhike.notices.channels import worded
from zhike.notices.models import Digest
from zhike.obligations import promises
from zhike.obligations.findings import found_with
from zhike.obligations.models import Finding
from zhike.obligations.team import ROWS, team
from zhike.pages import owed
from zhike.pages.answer import number
from zhike.pages.jinja import clock, day_text, left_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.promises import fates
from zhike.people.permissions import may, policy
from zhike.work.board import abroad

STUCK = 50  # rows
FINDINGS, WITHIN = 50, timedelta(days=30)  # rows, and how far back


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
    out, not_back = (0, 0) if one else abroad(request.actor, request.now)
    context = {
        "groups": groups,
        "late": sum(tally.values()),
        "waived": [] if one else [_waived(o, request.now, bank) for o in owed.read(value["waived"])],
        "one": bool(one),
        "tip": owed.tip,
        "leads": may(request.actor, "leave.ask"),
        "older": f"{reverse('team')}?clause={one}&after={late[-1]['id']}" if one and len(late) == ROWS else None,
        **_findings(request, bank, shown=not one),
        "promises": [] if one else _promises(request),
        "full": [] if one else _full(request, bank),
        "stuck": [] if one else _stuck(request),
        "unsent": [] if one else _unsent(request),
        "start": f"{reverse('team')}?clause={one}" if after else None,
        "out": out,
        "not_back": not_back,
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


def _promises(request: ActingRequest) -> list[dict[str, Any]]:
    """What became of others' promises that are open, or fell due in the last month; each figure leads to them."""
    others = [keeper for keeper in request.actor.oversees if keeper != request.actor.id]
    rows = promises.of(request.actor, request.now).filter(owner__among=others)
    since = request.now - WITHIN
    counts = promises.counted(rows.filter(Q(state="open") | Q(due__gte=since)))
    here, day = reverse("promises"), local(since).date().isoformat()
    return [
        {"text": words, "n": counts[name], "look": "late" if name in {"late", "broken"} and counts[name] else None,
         "href": f"{here}?whose=team&state={name}" + ("" if name in {"open", "late"} else f"&from={day}")}
        for name, words in fates().items() if name in counts and (counts[name] or name != "cannot")
    ]  # fmt: skip


def _unsent(request: ActingRequest) -> list[str]:
    """Which units' groups did not get their team digest today, and why: whoever leads a unit is told so here."""
    units = [-keeper for keeper in request.actor.oversees if keeper < 0]
    rows = Digest.objects.filter(unit__in=units, day=local(request.now).date(), test=False, state=Digest.State.FAILED)
    return [
        gettext("The group of %(unit)s was not sent today's team digest: %(why)s.")
        % {"unit": row.unit.name, "why": worded(row.error).say(owed.speaks())}
        for row in rows.select_related("unit").order_by("unit__code")
    ]


def _full(request: ActingRequest, bank: Bank) -> list[dict[str, str]]:
    """Whose book holds more of a tier than the bank has set, each leading to those customers."""
    return [
        {"words": each.words(bank), "href": f"{reverse('customers')}?rm={each.rm}&tier={each.tier}"}
        for each in full([keeper for keeper in request.actor.oversees if keeper > 0], bank)
    ]


def _stuck(request: ActingRequest) -> list[dict[str, str]]:
    """Which customers were to change hands and could not, each leading to where it is asked anew, for whom may."""
    if len(request.actor.oversees) > BOOKS:
        return []
    leads_to = "hand_over" if may(request.actor, "customers.reassign") else "customer"
    rows = Book.objects.stuck(local(request.now).date()).filter(customer__keeper__among=request.actor.oversees)
    return [
        {
            "words": gettext("%(customer)s: %(rm)s, who was to take over on %(day)s, holds no such post any more")
            % {"customer": row.customer.name, "rm": row.rm.name, "day": row.from_day.isoformat()},
            "href": reverse(leads_to, args=[row.customer_id]),
        }
        for row in rows.select_related("customer", "rm")[:STUCK]
    ]


def _findings(request: ActingRequest, bank: Bank, *, shown: bool) -> dict[str, Any]:
    """What others did against a clause, the newest first; the API has all of it."""
    if not shown:
        return {"findings": [], "found": 0}
    rows = found_with(request.actor).filter(at__gte=request.now - WITHIN, void=False).exclude(staff=request.actor.id)
    newest = rows.select_related("staff", "customer").order_by("-at", "-id")[:FINDINGS]
    found = [_finding(each, request.now, bank) for each in newest]
    return {"findings": found, "found": len(found) if len(found) < FINDINGS else rows.count()}


def _finding(each: Finding, now: datetime, bank: Bank) -> dict[str, Any]:
    noun, _colon, id = each.subject.partition(":")
    page = {"contact": "record", "obligation": "obligation"}.get(noun)
    number_ = id.partition("/")[0]
    customer = each.customer
    return {
        "id": f"f{each.pk}",
        "look": "done",
        "icon": "alert",
        "when": day_text(local(each.at).date(), local(now).date(), weekday=False),
        "sub": clock(each.at),
        "due": None,
        "who": owed.person(customer.pk, customer.name, customer.honorific, customer.tier, bank, customer.kind) if customer else None,
        "title": each.staff.name,
        "title_sub": "",
        "what": f"{each.staff.name} · {each.get_kind_display()} · {each.what.get(owed.speaks()[:2], '')}",
        "clause": "",
        "because": " · ".join(part for part in (f"{each.clause} {owed.tip(each.clause)}", each.reason) if part),
        "do": {"text": pgettext("button", "Open"), "href": reverse(page, args=[number_]), "method": "get", "icon": None}
        if page and number_.isdecimal() else None,
        "not_yet": None,
        "window": None,
    }  # fmt: skip
