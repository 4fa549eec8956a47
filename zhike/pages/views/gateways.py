"""网关 · How the gateways stand: connected or not, what waits, what is unknown; and what one of them brought that nobody understood.

Domain: :mod:`zhike.sms.figures`, :mod:`zhike.sms.aside`.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.pages import message, owed
from zhike.pages.answer import moved, number
from zhike.pages.jinja import when_text
from zhike.pages.middleware import ActingRequest
from zhike.people.permissions import policy
from zhike.sms import aside, figures, gateways
from zhike.sms.figures import Queue, Stand
from zhike.sms.models import Lane, Pushed

ROWS = 20


@policy("gateways.manage")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?before=`` an id: what lies aside from before."""
    return _page(request)


@policy("gateways.manage")
@require_POST
def again(request: ActingRequest, pushed: int) -> HttpResponse:
    """再试一次 · Once what stood in the way is mended."""
    try:
        aside.again(_one(pushed), actor=request.actor, now=request.now)
    except Refused as refused:
        return _page(request, wrong=refused.words.say(owed.speaks()))
    return moved(
        request,
        reverse("gateways"),
        gettext("It is looked at once more; what is still not understood comes back here."),
    )


@policy("gateways.manage")
@require_POST
def dismiss(request: ActingRequest, pushed: int) -> HttpResponse:
    """不必处理 · With the reason why."""
    reason = request.POST.get("reason", "")
    try:
        aside.dismiss(_one(pushed), reason, actor=request.actor, now=request.now)
    except Refused as refused:
        return _page(request, wrong=refused.words.say(owed.speaks()), open=pushed, reason=reason)
    return moved(request, reverse("gateways"), gettext("Dismissed; the reason is in the trail."))


def _one(pushed: int) -> Pushed:
    found = Pushed.objects.filter(pk=pushed).first()
    if found is None:
        raise Http404
    return found


def _page(request: ActingRequest, wrong: str = "", open: int | None = None, reason: str = "") -> HttpResponse:
    found = figures.figures(request.now, [gateways.name_of(address) for address in gateways.addresses(os.environ)])
    before = number(request.GET.get("before"))
    rows = aside.waiting(request.actor, most=ROWS + 1, before=before)
    context = {
        "wrong": wrong,
        "gateways": [_stand(each, request.now) for each in found.gateways],
        "queues": [_queue(each, request.now) for each in found.queues],
        "stuck": found.stuck(request.now),
        "unknown": found.unknown,
        "aside": found.aside,
        "rows": [_row(each, request.now) for each in rows[:ROWS]],
        "older": f"{reverse('gateways')}?before={rows[ROWS - 1].pk}#aside" if len(rows) > ROWS else None,
        "start": f"{reverse('gateways')}#aside" if before else None,
        "open": open,
        "reason": reason,
    }
    return render(request, "gateways.html", context, status=422 if wrong else 200)


def _stand(each: Stand, now: datetime) -> dict[str, Any]:
    return {
        "name": each.name,
        "words": gateways.words(each.name).say(owed.speaks()),
        "connected": each.connected,
        "since": when_text(each.since, now) if each.since else "",
        "why": message.said(each.why) if not each.connected else "",
    }


def _queue(each: Queue, now: datetime) -> dict[str, Any]:
    names = {
        Lane.ONE: gettext("to one customer"), Lane.GREETINGS: gettext("greetings"), Lane.MARKETING: gettext("marketing"),
        Lane.QUESTIONS: gettext("questions how content one is"),
    }  # fmt: skip
    return {
        "name": names[Lane(each.lane)],
        "due": each.due,
        "later": each.later,
        "oldest": when_text(each.oldest, now) if each.oldest else "",
        "late": each.oldest is not None and now - each.oldest > figures.PATIENT,
    }


def _row(each: Pushed, now: datetime) -> dict[str, Any]:
    return {
        "pk": each.pk,
        "what": pgettext("gateway", "receipts") if each.what == "receipts" else pgettext("gateway", "replies"),
        "when": when_text(each.at, now),
        "platform": each.platform.rpartition("/")[2],
        "why": message.said(each.why) or gettext("not understood"),
        "tries": each.tries,
        "text": aside.shown(each),
    }
