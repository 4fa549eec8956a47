"""外出 · One's own outings and, for who leads, the team's: filters in the address, as a file, and the form that reports a new one.

Domain: :mod:`zhike.work.outings`, :mod:`zhike.work.board`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.pages import outing as words
from zhike.pages import owed
from zhike.pages.answer import moment, moved, number, tapped
from zhike.pages.exported import ROWS as MOST
from zhike.pages.exported import exported, wanted
from zhike.pages.jinja import clock, day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.period import asked as period_asked
from zhike.pages.period import midnight, offered
from zhike.pages.shell import bank_of
from zhike.people.actor import Actor
from zhike.people.models import Staff
from zhike.people.permissions import may, policy
from zhike.work import outings
from zhike.work.board import measured, whole
from zhike.work.models import Outing
from zhike.work.models.outing import ABROAD
from zhike.work.outings import Going

ROWS = 30
CUSTOMERS = 500  # so many names lie ready to choose from; a longer book is typed and searched on the customer's page
PEOPLE = 300
LINES = 2  # empty stops on a new form; more by a tap
STATES = ("abroad", "overdue", "untold", "over", "cancelled")


@policy("outings.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?of=team`` or ``?staff=7`` others'; ``?state=``; ``?period=`` or ``?from=&to=``; ``?before=`` page by page; ``?as=csv|xlsx``."""
    bank, now, actor = bank_of(request), request.now, request.actor
    today = local(now).date()
    period = period_asked(request.GET, today)
    watches = may(actor, "team.view")
    staff = number(request.GET.get("staff"))
    of = "team" if watches and (request.GET.get("of") == "team" or staff or not may(actor, "outings.change")) else ""
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    rows: QuerySet[Outing] = Outing.objects.visible_to(actor)
    rows = rows.exclude(staff=actor.id) if of else rows.filter(staff=actor.id)
    if of and staff:
        rows = rows.filter(staff=staff)
    begin, end = midnight(period.first, bank), midnight(period.last + timedelta(days=1), bank)
    within = rows.filter(departs_at__gte=begin, departs_at__lt=end)
    shown = _narrowed(within, state, now)
    if wanted(request):
        return _file(request, shown, bank)
    if before := number(request.GET.get("before")):
        shown = shown.filter(pk__lt=before)
    page = list(whole(shown).order_by("-pk")[: ROWS + 1])
    asked = {**period.address, "of": of, "staff": str(staff or ""), "state": state}
    address = partial(_address, asked)
    context = {
        "of": of,
        "watches": watches,
        "reports": may(actor, "outings.change"),
        "current": [] if of else [words.line(each, bank, now) for each in _current(actor)],
        "rows": [words.line(each, bank, now) for each in page[:ROWS]],
        "sides": [
            {"text": gettext("Mine"), "href": address(of="", staff=""), "current": not of},
            {"text": pgettext("outings", "Team"), "href": address(of="team"), "current": bool(of)},
        ]
        if watches and may(actor, "outings.change")
        else [],
        "states": [{"text": _state(name), "href": address(state=name), "current": name == state} for name in ("", *STATES)],
        "periods": offered(period, lambda name: address(**{"period": name, "from": "", "to": ""})),
        "period": period,
        "asked": {name: value for name, value in asked.items() if name not in {"period", "from", "to"} and value},
        "people": _people(actor) if of else [],
        "staff": staff,
        "kept": measured(within, now),
        "older": address(before=str(page[ROWS - 1].pk)) if len(page) > ROWS else None,
        "start": address() if before else None,
        "files": [("CSV", address(**{"as": "csv"})), ("XLSX", address(**{"as": "xlsx"}))],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "outings.html", context)


def _address(asked: dict[str, str], **more: str) -> str:
    given = {name: value for name, value in {**asked, **more}.items() if value}
    if given.get("period") and "from" in more:
        given = {name: value for name, value in given.items() if name not in {"from", "to"}}
    return f"{reverse('outings')}?{urlencode(given)}" if given else reverse("outings")


def _state(name: str) -> str:
    return {
        "": pgettext("outings", "All"), "abroad": gettext("Reported or out"), "overdue": gettext("Not back in time"),
        "untold": gettext("To be reported on"), "over": pgettext("outings", "Over"), "cancelled": pgettext("outings", "Called off"),
    }[name]  # fmt: skip


def _narrowed(rows: QuerySet[Outing], state: str, now: datetime) -> QuerySet[Outing]:
    match state:
        case "abroad":
            return rows.filter(state__in=ABROAD)
        case "overdue":
            late = Q(back_at__isnull=False, back_at__gt=F("returns_at"))
            return rows.filter(Q(state__in=ABROAD, returns_at__lt=now) | late)
        case "untold":
            return rows.filter(state="back")
        case "over":
            return rows.filter(state__in=["back", "closed"])
        case "cancelled":
            return rows.filter(state="cancelled")
    return rows


def _current(actor: Actor) -> list[Outing]:
    """What is one's own to do now, whatever the filters: reported, out, or to be reported on."""
    mine = Outing.objects.filter(staff=actor.id, state__in=[*ABROAD, "back"])
    return list(whole(mine).order_by("departs_at", "pk")[:10])


def _people(actor: Actor) -> list[tuple[int, str]]:
    others = actor.team[:PEOPLE]
    return list(Staff.objects.filter(pk__in=others).order_by("number").values_list("pk", "name"))


def _file(request: ActingRequest, rows: QuerySet[Outing], bank: Bank) -> HttpResponse:
    columns = [
        gettext("Who"), gettext("Staff number"), gettext("State"), gettext("Reported at"), gettext("Leaves"), gettext("Left at"),
        gettext("Expected back"), gettext("Back at"), gettext("Stops"), gettext("Results"), gettext("The leader's answer"),
        gettext("Requests for help"),
    ]  # fmt: skip
    return exported(
        request, "outings", "work_outing", columns, _lines(whole(rows).order_by("-pk")[:MOST], bank, request.now)
    )


def _lines(rows: QuerySet[Outing], bank: Bank, now: datetime) -> Iterator[list[Any]]:
    for each in rows:
        stops = [(words.said(stop), words.stop(stop, bank, now)) for stop in each.stops.all()]
        yield [
            each.staff.name, each.staff.number, words.stands(each, now)[0], each.reported_at, each.departs_at, each.left_at,
            each.returns_at, each.back_at, "；".join(f"{name} {stop['purpose']}" for name, stop in stops),
            "；".join(f"{name} {stop['result']} {stop['words']}".strip() for name, stop in stops if stop["result"]),
            each.answer, "；".join(asked.words for asked in each.helps.all()),
        ]  # fmt: skip


# ── a new one ───────────────────────────────────────────────────────────────────────────────────────────────────────


def named(actor: Actor) -> dict[str, int]:
    """The customers of one's own book by what is typed for them: the name, with the last of the core number where two bear it. One
    query."""
    rows = Customer.objects.visible_to(actor).filter(
        keeper__in=(actor.id, *actor.covers), deceased_on=None, closed_on=None
    )
    book = list(rows.order_by("sort_key", "pk").values_list("pk", "name", "core_number")[:CUSTOMERS])
    borne = Counter(name for _id, name, _core in book)
    return {name if borne[name] == 1 else f"{name} {core[-4:] if core else id}": id for id, name, core in book}


def meant(book: dict[str, int], where: str) -> int | None:
    """The customer whom a line means; None: it is a place. Raises Unfit for a name that several bear."""
    where = where.strip()
    several = [name for name in book if name.startswith(f"{where} ")] if where and where not in book else []
    if len(several) > 1:
        raise outings.Unfit(
            "stops",
            f"名下不止一位“{where}”，请写成 {several[0]} 这样。",
            f"Several bear the name “{where}”. Write it like {several[0]}.",
        )
    return book.get(where)


def purposes() -> list[str]:
    """What one goes out for, ready to be chosen; any other is typed."""
    return [
        gettext("visit a customer"), gettext("deliver papers"), gettext("have a contract signed"), gettext("collect documents"),
        gettext("look for new customers"), gettext("a meeting"), gettext("an errand at an authority"),
    ]  # fmt: skip


@policy("outings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """The day's agreed visits stand ready as stops; ``?day=`` another day. Sent, the leader sees it at once."""
    if request.method != "POST":
        return _form(request, request.GET)
    given, bank = request.POST, bank_of(request)
    try:
        with transaction.atomic():
            made = outings.report(
                _stops(request, given, bank), departs_at=_at(given, "departs", "off", request, bank),
                returns_at=_at(given, "returns", "until", request, bank), note=given.get("note", ""),
                actor=request.actor, now=request.now, bank=bank,
            )  # fmt: skip
    except outings.Unfit as unfit:
        return _form(request, given, {unfit.field: unfit.words.say(get_language() or "")}, 422)
    except Refused as refused:
        return _form(request, given, {"": refused.words.say(get_language() or "")}, 422)
    return moved(request, reverse("outing", args=[made.pk]), gettext("Reported. Your leader sees it at once."))


def _at(given: QueryDict, name: str, tap: str, request: ActingRequest, bank: Bank) -> datetime:
    """A moment of two fields; ``now`` tapped without script is this minute."""
    day, typed = given.get(f"{name}_day", "") or given.get("departs_day", ""), tapped(given, tap, name)
    found = request.now.replace(second=0, microsecond=0) if typed == "now" else moment(day, typed, bank)
    if found is None:
        raise outings.Unfit(name, "请填写日期和时间，例如 2026-03-02 和 15:30。", "Say day and time, for example 2026-03-02 and 15:30.")  # fmt: skip
    return found


def _stops(request: ActingRequest, given: QueryDict, bank: Bank) -> list[Going]:
    """The visits that are ticked, then what was written line by line."""
    book = named(request.actor)
    ready = {each.visit: each for each in _proposed(request, given, bank)}
    found = [ready[id] for text in given.getlist("visit") if (id := number(text)) in ready]
    found = [
        Going(each.customer, each.place, each.purpose or gettext("visit a customer"), each.at, each.visit)
        for each in found
    ]
    for where, purpose, at in _lines_of(given):
        planned = moment(given.get("departs_day", ""), at, bank) if at.strip() else None
        if at.strip() and planned is None:
            raise outings.Unfit(
                "stops", f"“{at}”读不出是几点，请写成 15:30 这样。", f"“{at}” is no time. Write it like 15:30."
            )
        customer = meant(book, where)
        found.append(Going(customer, "" if customer else where, purpose, planned))
    return found


def _lines_of(given: QueryDict) -> list[tuple[str, str, str]]:
    """The stops that were written, each with its time or none; empty lines are none."""
    lines = zip_longest(*(given.getlist(name) for name in ("where", "purpose", "at")), fillvalue="")
    return [(where.strip(), purpose.strip(), at) for where, purpose, at in lines if where.strip() or purpose.strip()]


def _proposed(request: ActingRequest, given: QueryDict, bank: Bank) -> list[Going]:
    day = moment(given.get("departs_day", "") or given.get("day", ""), "00:00", bank)
    day = day or local(request.now).replace(hour=0, minute=0, second=0, microsecond=0)
    return outings.proposed(request.actor, day, day + timedelta(days=1))


def _form(
    request: ActingRequest, given: QueryDict, wrong: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    bank, now = bank_of(request), local(request.now)
    today = now.date()
    ready = _proposed(request, given, bank)
    posted = request.method == "POST"
    soon = now.replace(second=0, microsecond=0)
    soon += timedelta(minutes=-soon.minute % 5 or 5)
    day = given.get("departs_day", "") or given.get("day", "") or today.isoformat()
    last = max((each.at for each in ready if each.at), default=None)
    back = max(soon + timedelta(hours=2), local(last) + timedelta(minutes=90) if last else soon)
    back = min(back, soon.replace(hour=23, minute=55)) if back.date() != soon.date() else back
    lines = _lines_of(given) if posted else []
    context = {
        "ready": [
            {
                "id": each.visit, "name": each.name, "place": each.place, "purpose": each.purpose,
                "at": clock(each.at) if each.at else "",
                "chosen": not posted or str(each.visit) in given.getlist("visit"),
            }
            for each in ready
        ],
        "lines": [*lines, *[("", "", "")] * (LINES if not lines and not ready else 0 if lines else 1)],
        "day": day,
        "title": day_text(today, today),
        "departs": given.get("departs", f"{soon:%H:%M}"),
        "returns_day": given.get("returns_day", "") or day,
        "returns": given.get("returns", f"{back:%H:%M}"),
        "until": [(f"{(soon + timedelta(hours=n)):%H:%M}", gettext("%(n)s h") % {"n": n}) for n in (1, 2, 3, 4)
                  if (soon + timedelta(hours=n)).date() == today],
        "now_time": f"{now:%H:%M}",
        "today": today.isoformat(),
        "note_": given.get("note", ""),
        "customers": named(request.actor),
        "purposes": purposes(),
        "wrong": wrong or {},
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "outing_new.html", context, status=status)
