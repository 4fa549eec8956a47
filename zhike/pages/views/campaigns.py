"""营销转发 · What has to be forwarded: what runs, with its deadline and how far one's own book or one's team is; then what is over. Marketing
asks for new ones here, and sees what waits for a second person.

Domain: :mod:`zhike.sms.campaigns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from zhike.pages import campaign as words
from zhike.pages import standing
from zhike.pages.answer import number
from zhike.pages.jinja import address
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.models import Approval
from zhike.people.permissions import may, policy
from zhike.sms.campaigns import asking, books
from zhike.sms.campaigns.books import Line
from zhike.sms.models import Campaign
from zhike.sms.models.campaign import WHOLE

ROWS = 20
LATELY = timedelta(days=30)  # so long what was decided against is shown


def watches(actor: Actor) -> bool:
    """Whether it is others' books that somebody looks at: whose affair every campaign is, and who leads or watches over a team."""
    return bool(actor.roles & WHOLE) or may(actor, "team.view")


@policy("campaigns.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Those that run, the next deadline first; those that are over, the newest first, ``?before=`` page by page."""
    now, rows = request.now, Campaign.objects.visible_to(request.actor).select_related("unit")
    running = list(rows.running(now).order_by("deadline", "pk"))
    over = rows.filter(Q(ends_at__lte=now) | Q(stopped_at__isnull=False)).order_by("-pk")
    if before := number(request.GET.get("before")):
        over = over.filter(pk__lt=before)
    past = list(over[: ROWS + 1])
    shown = [*running, *past[:ROWS]]
    boards = books.boards(shown, request.actor, now, bank_of(request)) if shown else {}
    told = {each.pk: _told(each, words.owing(boards.get(each.pk, []), each), request) for each in shown}
    decides = bool(request.actor.roles & WHOLE)
    context = {
        "watches": watches(request.actor),
        "asks": may(request.actor, "campaigns.change"),
        "running": [told[each.pk] for each in running],
        "over": [told[each.pk] for each in past[:ROWS]],
        "waiting": [_asked(each, now) for each in asking.waiting(request.actor, now)] if decides else [],
        "refused": [_asked(each, now) for each in asking.turned_down(request.actor, now - LATELY)] if decides else [],
        "older": f"{reverse('campaigns')}?before={past[ROWS - 1].pk}#over" if len(past) > ROWS else None,
        "start": f"{reverse('campaigns')}#over" if before else None,
    }  # fmt: skip
    return render(request, "campaigns.html", context)


def _told(campaign: Campaign, lines: Sequence[Line], request: ActingRequest) -> dict[str, Any]:
    """What it is, where it stands, and the books: all together for whoever watches, else one's own and those one stands in for."""
    here, now = address("campaign", campaign.key), request.now
    mine = [] if watches(request.actor) else [_book(line, campaign, here, request) for line in lines]
    return {
        "title": campaign.title,
        "product": campaign.product,
        "risk": words.risk(campaign),
        "unit": campaign.unit.name,
        "stands": words.stands(campaign, now),
        "deadline": campaign.deadline,
        "why": campaign.stop_reason,
        "href": here,
        "books": sorted(mine, key=lambda book: book["behalf"]),
        "team": {**standing.coverage(words.total(lines), words.names(campaign.runs(now))), "fates": words.fates(lines)} if lines else None,
    }  # fmt: skip


def _book(line: Line, campaign: Campaign, here: str, request: ActingRequest) -> dict[str, Any]:
    own = line.staff == request.actor.id
    return {
        **standing.coverage(line.counts, words.names(campaign.runs(request.now))),
        "fate": words.fate(line.fate),
        "late": line.fate == "overdue",
        "acts": bool(line.open) and campaign.runs(request.now) and line.staff in request.actor.writes,
        "behalf": "" if own else line.name,
        "href": here if own else f"{here}?rm={line.staff}",
    }


def _asked(approval: Approval, now: datetime) -> dict[str, Any]:
    """What is asked for, or was decided against, by whom and why."""
    asked = approval.payload
    return {
        "title": asked["title"],
        "product": asked["product"],
        "text": asked["text"],
        "by": approval.asked_by.name,
        "at": approval.asked_at,
        "reason": approval.reason,
        "until": approval.asked_at + approvals.WAITS,
        "decided_by": approval.decided_by.name if approval.decided_by else "",
        "note": approval.note,
    }
