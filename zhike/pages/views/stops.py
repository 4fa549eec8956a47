"""停止联系 · Why contact with a customer stops or goes on, with what shows it; before it is done one sees what will follow.

Domain: :mod:`zhike.contacts.stopping`, :mod:`zhike.obligations.stops`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from zhike.conduct.words import Refused
from zhike.contacts import stopping
from zhike.customers.models import Customer
from zhike.obligations import lifting, stops
from zhike.obligations.models import State
from zhike.pages import owed
from zhike.pages.answer import moved
from zhike.pages.card import STOPS, ahead_shown, stopped, who
from zhike.pages.jinja import local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_for, customer_to_change
from zhike.people.permissions import policy


@policy("customers.change")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest, customer: int) -> HttpResponse:
    """``?why=`` shows what would follow; POST ``why``, ``on``, ``evidence`` does it."""
    if request.method != "POST":
        return _page(request, customer_for(request, customer), request.GET)
    found, given = customer_to_change(request, customer), request.POST
    if given.get("why") not in stops.COLUMNS:
        return _page(request, found, given, gettext("Choose why contact stops."))
    try:
        day = date.fromisoformat(given.get("on") or local(request.now).date().isoformat())
    except ValueError:
        wrong = gettext("“%(said)s” is no date. Write it like 2026-03-01.") % {"said": given.get("on", "")}
        return _page(request, found, given, wrong)
    try:
        stopping.stop(
            found, given["why"], on=day, evidence=given.get("evidence", ""), actor=request.actor, now=request.now,
            bank=bank_of(request),
        )  # fmt: skip
    except Refused as refused:
        return _page(request, found, given, refused.words.say(owed.speaks()))
    return moved(request, reverse("customer", args=[found.pk]), gettext("Recorded. What it stops has stopped."))


@policy("customers.change")
@require_POST
def resume(request: ActingRequest, customer: int, why: str) -> HttpResponse:
    """It is over, or was a mistake (``mistake=yes``), with the reason; a second person agrees."""
    found, given = customer_to_change(request, customer), request.POST
    if why not in stops.COLUMNS:
        raise Http404
    mistake = given.get("mistake") == "yes"
    try:
        waits = lifting.lift(
            found, why, reason=given.get("reason", ""), mistake=mistake, actor=request.actor, now=request.now,
            bank=bank_of(request),
        )  # fmt: skip
    except Refused as refused:
        return _page(request, found, QueryDict(), refused.words.say(owed.speaks()))
    if waits is not None:
        return moved(
            request, reverse("stops", args=[found.pk]), gettext("Asked for. A second person has to approve it.")
        )
    words = gettext("Taken back; what it had stopped is owed again.") if mistake else gettext("Contact goes on.")
    return moved(request, reverse("customer", args=[found.pk]), words)


def _page(request: ActingRequest, found: Customer, given: QueryDict, wrong: str = "") -> HttpResponse:
    bank = bank_of(request)
    why = given.get("why", "") if given.get("why") in stops.COLUMNS else ""
    why = "" if why and stops.stands(found, why) else why
    context = {
        "customer": found,
        "who": who(found, bank),
        "standing": [{**each, **_ended(found, each["why"], request)} for each in stopped(found, request.now)],
        "choices": [(name, words()) for name, (words, _follows) in STOPS.items() if not stops.stands(found, name)],
        "why": why,
        "title": STOPS[why][0]() if why else "",
        "follows": STOPS[why][1]() if why else "",
        "falls": [owed.in_short(row, request.now) for row in stops.foreseen(found, why)] if why else [],
        "called_off": [ahead_shown(contact, request.now) for contact in stopping.ahead(found, why)] if why else [],
        "dated": why in {"deceased", "closed"},
        "today": local(request.now).date().isoformat(),
        "may_change": found.changeable_by(request.actor),
        "given": given,
        "wrong": wrong,
    }
    return render(request, "stops.html", context, status=422 if wrong else 200)


def _ended(found: Customer, why: str, request: ActingRequest) -> dict[str, Any]:
    """What a stop in force put an end to when it came, and who may let contact go on."""
    standing = stops.standing_for(found, why)
    assert standing is not None
    fact, waits = standing.fact, lifting.asked(found, why, request.now)
    fell = fact.settled.filter(state=State.CANNOT).order_by("due", "id") if fact else []
    called_off = stopping.called_off_by(why, found, fact.known_at) if fact else []
    return {
        "fell": [owed.in_short(row, request.now) for row in fell],
        "called_off": [ahead_shown(contact, request.now) for contact in called_off],
        "alone": lifting.alone(standing, request.actor, request.now),
        "by_file": not standing.by,
        "asked": waits
        and {"by": waits.asked_by.name, "at": when_text(waits.asked_at, request.now), "reason": waits.reason},
    }
