"""外出 · One outing: where it stands, its stops with check-in and report, the leader's line, requests for help; kept true by itself.

Domain: :mod:`zhike.work.outings`. Renders ``outing.html``, or its inside for the poll that comes every 30 seconds with an ETag.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.pages import outing as words
from zhike.pages import owed
from zhike.pages.answer import instead, moment, moved, said, time_missing
from zhike.pages.card import card, last_contacts
from zhike.pages.jinja import clock, local, names
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.outings import meant, named, purposes
from zhike.people.permissions import policy
from zhike.work import outings
from zhike.work.board import whole
from zhike.work.models import Help, Outing, Stop
from zhike.work.models.outing import Result
from zhike.work.outings import Going

MORE = {"30": 30, "60": 60}  # minutes by which a return is put off in one tap
Verb = dict[str, Any]


@policy("outings.view")
@require_safe
def show(request: ActingRequest, outing: int) -> HttpResponse:
    """The page of whoever goes out, of who leads them, and of who watches over the code."""
    return _page(request, outing)


def _page(
    request: ActingRequest, id: int, wrong: dict[str, str] | None = None, status: int = 200, given: Any = None
) -> HttpResponse:
    found = whole(Outing.objects.visible_to(request.actor)).filter(pk=id).first()
    if found is None:
        raise Http404
    bank, now = bank_of(request), request.now
    etag = f'"{found.pk}-{found.version}-{found.is_overdue(now)}-{found.departs_at <= now}-{owed.speaks()}"'
    polled = "HX-Request" in request.headers and request.method == "GET"
    if polled and request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    own = found.staff_id == request.actor.id
    stops = [words.stop(each, bank, now) for each in found.stops.all()]
    context = {
        "o": found,
        "etag": etag,
        "own": own,
        "leads": request.actor.leads(found.staff_id),
        "stands": words.stands(found, now),
        "overdue": found.is_overdue(now),
        "stops": stops,
        "unreported": sum(1 for each in stops if not each["result"]),
        "helps": [words.asked(each, request.actor, now) for each in found.helps.all()],
        "may_undo": outings.may_undo(found, request.actor, now),
        "results": names(Result),
        "soon": found.departs_at - now <= timedelta(hours=1),
        "today": local(now).date().isoformat(),
        "back_day": local(found.returns_at).date().isoformat(),
        "customers": named(request.actor) if own and found.abroad else {},
        "purposes": purposes(),
        "wrong": wrong or {},
        "given": given or {},
        "tip": owed.tip,
    }
    page = render(request, "_outing.html" if polled else "outing.html", context, status=status)
    page["ETag"] = etag
    return page


def _act(request: ActingRequest, id: int, do: Callable[[Outing, Verb], str], undo: str = "") -> HttpResponse:
    """Does it to the outing, held until it is done; what does not fit is said at its field, nothing typed is lost."""
    found = Outing.objects.held(id, request.actor)
    if found is None:
        raise Http404
    verb = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    try:
        with transaction.atomic():
            text = do(found, verb)
    except outings.Unfit as unfit:
        return instead(request, _page(request, id, {unfit.field: _said(unfit)}, 422, request.POST))
    except Refused as refused:
        return instead(request, _page(request, id, {"": _said(refused)}, 409, request.POST))
    if request.headers.get("HX-Target", "").startswith("row-"):
        return said(request, text, reverse("outing", args=[id]), undo=undo)
    return moved(request, reverse("outing", args=[id]), text, undo=undo)


def _said(refused: Refused) -> str:
    return refused.words.say(get_language() or "zh-hans")


def _stop(found: Outing, id: int) -> Stop:
    stop = Stop.objects.filter(outing=found, pk=id).first()
    if stop is None:
        raise Http404
    stop.outing = found
    return stop


@policy("outings.change")
@require_POST
def leave(request: ActingRequest, outing: int) -> HttpResponse:
    """Off."""

    def do(found: Outing, verb: Verb) -> str:
        outings.leave(found, **verb)
        return gettext("Out since %(time)s. Your leader sees it.") % {"time": clock(request.now)}

    return _act(request, outing, do)


@policy("outings.change")
@require_POST
def check_in(request: ActingRequest, outing: int, stop: int) -> HttpResponse:
    """There, by a tap; of an agreed visit it is the arrival at its door as well (V2)."""

    def do(found: Outing, verb: Verb) -> str:
        there = outings.check_in(_stop(found, stop), **verb)
        return gettext("Checked in, %(time)s") % {"time": clock(there.reached_at or request.now)}

    return _act(request, outing, do)


@policy("outings.change")
@require_POST
def report_on(request: ActingRequest, outing: int, stop: int) -> HttpResponse:
    """``result`` by a tap, ``words``."""

    def do(found: Outing, verb: Verb) -> str:
        outings.report_on(_stop(found, stop), request.POST.get("result", ""), request.POST.get("words", ""), **verb)
        return gettext("Reported. All of the outing is told.") if found.closed_at else gettext("Reported")

    return _act(request, outing, do)


@policy("outings.change")
@require_POST
def add_stop(request: ActingRequest, outing: int) -> HttpResponse:
    """``where``, a customer of the own book by name or a place; ``purpose``."""

    def do(found: Outing, verb: Verb) -> str:
        where = request.POST.get("where", "").strip()
        customer = meant(named(request.actor), where)
        going = Going(customer, "" if customer else where, request.POST.get("purpose", ""))
        outings.add_stop(found, going, **verb)
        return gettext("Added. Your leader sees it.")

    return _act(request, outing, do)


@policy("outings.change")
@require_POST
def extend(request: ActingRequest, outing: int) -> HttpResponse:
    """``more``: minutes from the return that was said, or from now where it has passed; or ``day`` and ``time``."""

    def do(found: Outing, verb: Verb) -> str:
        until: datetime | None
        if minutes := MORE.get(request.POST.get("more", "")):
            until = max(found.returns_at, request.now) + timedelta(minutes=minutes)
        else:
            until = moment(request.POST.get("day", ""), request.POST.get("time", ""), bank_of(request))
        if until is None:
            raise outings.Unfit("returns", time_missing(), time_missing())
        outings.extend(found, until, **verb)
        return gettext("Back by %(time)s. Your leader sees it.") % {"time": clock(until)}

    return _act(request, outing, do)


@policy("outings.change")
@require_POST
def ask_help(request: ActingRequest, outing: int) -> HttpResponse:
    """``words``: what is needed."""

    def do(found: Outing, verb: Verb) -> str:
        asked = outings.ask_help(found, request.POST.get("words", ""), **verb)
        leader = Help.objects.select_related("leader").get(pk=asked.pk).leader.name
        return gettext("Asked: %(leader)s answers by %(time)s.") % {"leader": leader, "time": clock(asked.due)}

    return _act(request, outing, do)


@policy("outings.change")
@require_POST
def call_off(request: ActingRequest, outing: int) -> HttpResponse:
    """Before leaving."""

    def do(found: Outing, verb: Verb) -> str:
        outings.call_off(found, request.POST.get("why", ""), **verb)
        return gettext("Called off.")

    return _act(request, outing, do)


@policy("outings.change")
@require_POST
def back(request: ActingRequest, outing: int) -> HttpResponse:
    """Signed back in; ``day`` and ``time`` where one was back before the tap."""
    given = request.POST

    def do(found: Outing, verb: Verb) -> str:
        at = moment(given.get("day", ""), given.get("time", ""), bank_of(request)) if given.get("time") else None
        if given.get("time") and at is None:
            raise outings.Unfit("back", time_missing(), time_missing())
        outings.come_back(found, at=at, **verb)
        if found.closed_at:
            return gettext("Signed back in. All of the outing is told.")
        return gettext("Signed back in. Now say in short what came of each stop.")

    return _act(request, outing, do, undo=reverse("outing_not_back", args=[outing]))


@policy("outings.change")
@require_POST
def not_back(request: ActingRequest, outing: int) -> HttpResponse:
    """撤回 within ten minutes."""

    def do(found: Outing, verb: Verb) -> str:
        outings.not_back(found, **verb)
        return gettext("Taken back: still out.")

    return _act(request, outing, do)


@policy("outings.answer")
@require_POST
def answer(request: ActingRequest, outing: int) -> HttpResponse:
    """The leader's line; ``act`` not_today where they would rather nobody went."""

    def do(found: Outing, verb: Verb) -> str:
        not_today = request.POST.get("act") == "not_today"
        outings.answer(found, request.POST.get("answer", ""), not_today=not_today, **verb)
        return gettext("Answered; %(name)s reads it on Today.") % {"name": found.staff.name}

    return _act(request, outing, do)


@policy("outings.view")
@require_http_methods(["GET", "HEAD", "POST"])
def help_(request: ActingRequest, help: int) -> HttpResponse:
    """The way from Today to where a request is answered; and the answer itself, ``answer``, of whoever was asked."""
    rows = Help.objects.filter(outing__in=Outing.objects.visible_to(request.actor).values("pk"))
    found = rows.filter(pk=help).values_list("outing", flat=True).first()
    if found is None:
        raise Http404
    if request.method != "POST":
        return moved(request, f"{reverse('outing', args=[found])}#help-{help}")

    def do(outing: Outing, verb: Verb) -> str:
        asked = Help.objects.get(pk=help)
        asked.outing = outing
        try:
            outings.answer_help(asked, request.POST.get("answer", ""), **verb)
        except outings.Unfit as unfit:
            raise outings.Unfit(f"help-{help}", unfit.words.zh, unfit.words.en) from None
        return gettext("Answered; %(name)s reads it at once.") % {"name": outing.staff.name}

    return _act(request, found, do)


@policy("outings.view")
@require_safe
def sheet(request: ActingRequest, outing: int) -> HttpResponse:
    """行程单 · On A4: each stop with its time, place and what one must know of the customer."""
    found = whole(Outing.objects.visible_to(request.actor)).filter(pk=outing).first()
    if found is None:
        raise Http404
    bank, now = bank_of(request), request.now
    rows = [
        {**words.stop(each, bank, now), "brief": _brief(each.customer, request, bank) if each.customer else []}
        for each in found.stops.all()
    ]
    return render(request, "outing_sheet.html", {"o": found, "stops": rows})


LINES, LAST = 5, 1


def _brief(customer: Customer, request: ActingRequest, bank: Bank) -> list[tuple[str, str]]:
    """What one must know, in five lines at the most: what is promised and wanted, what came of the last contact, what matures, what not
    to speak of."""
    known = card(customer, request.actor, request.now, bank, contacts=LAST)
    last = next(iter(last_contacts(known)), None)
    lines = [(gettext("Stopped"), str(each["words"])) for each in known["stopped"][:1]]
    if known["promises"]:
        lines.append((gettext("Promised"), "；".join(f"{o['what']} {o['when']}" for o in known["promises"][:2])))
    if known["needs"]:
        lines.append((gettext("Wants"), "；".join(str(n["words"]) for n in known["needs"][:3])))
    if last:
        about = last["words"] or last["small"] or last["title"]
        lines.append((gettext("Last contact"), f"{last['when']} {about}"))
    if matures := [h for h in known["holdings"] if h["days"] is not None]:
        lines.append((gettext("Matures"), "；".join(f"{h['product']} {h['matures']}" for h in matures[:2])))
    if known["taboos"]:
        lines.insert(0, (gettext("Not to be mentioned"), str(known["taboos"])))
    if known["gaps"]:
        lines.append((gettext("Still to find out"), "、".join(str(g["label"]) for g in known["gaps"][:4])))
    return lines[:LINES]
