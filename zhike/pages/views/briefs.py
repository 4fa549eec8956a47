"""综述 · Notes worked up into a brief, and what was passed on: read, used, or why not; the answer goes back to the sender.

Domain: :mod:`zhike.market.notes`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.market import digest, notes
from zhike.market.models import Brief, Note, Routing
from zhike.market.paper import paper
from zhike.market.refusals import Unfit
from zhike.notices.channels.channel import worded
from zhike.notices.models import Letter
from zhike.obligations.models import Obligation
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.exported import handed
from zhike.pages.jinja import day_text, label, local, names
from zhike.pages.middleware import ActingRequest
from zhike.pages.period import midnight
from zhike.pages.shell import bank_of
from zhike.pages.views.notes import ABOUT, desks, passed, row, said
from zhike.people.models import Post, Staff, Unit
from zhike.people.permissions import may, policy

LATELY = 60  # notes to choose from


@policy("notes.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """``?note=7&note=8`` are ticked."""
    if request.method != "POST":
        return _form(request, request.GET, {})
    given = request.POST
    chosen = [id for text in given.getlist("note") if (id := number(text)) is not None]
    try:
        brief = notes.work_up(
            given.get("title", ""), given.get("text", ""), given.get("for_customers", ""), given.get("for_bank", ""), chosen,
            actor=request.actor, now=request.now, bank=bank_of(request),
        )  # fmt: skip
    except Unfit as unfit:
        return _form(request, given, {unfit.field: said(unfit)})
    return moved(request, reverse("brief", args=[brief.pk]), gettext("Worked up. Pass it on to whom it concerns."))


def _form(request: ActingRequest, given: QueryDict, wrong: dict[str, str]) -> HttpResponse:
    rows = (
        Note.objects.visible_to(request.actor).select_related("by", "unit", "customer").order_by("-at", "-pk")[:LATELY]
    )
    context = {
        "rows": [row(each, request) for each in rows], "chosen": given.getlist("note"), "given": given, "wrong": wrong, "tip": owed.tip,
    }  # fmt: skip
    return render(request, "brief_form.html", context, status=422 if wrong else 200)


def _brief(request: ActingRequest, id: int) -> Brief:
    found = Brief.objects.visible_to(request.actor).select_related("by", "unit").filter(pk=id).first()
    if found is None:
        raise Http404
    return found


@policy("notes.view")
@require_safe
def one(request: ActingRequest, brief: int) -> HttpResponse:
    """What it comes to, what it means, the notes behind it, who was told; prints on A4."""
    return _one(request, _brief(request, brief))


def _one(request: ActingRequest, found: Brief, wrong: str = "", typed: str = "") -> HttpResponse:
    routings = (
        Routing.objects.visible_to(request.actor).filter(brief=found).select_related(*ABOUT).order_by("-at", "-pk")
    )
    behind = Note.objects.visible_to(request.actor).filter(briefs=found).select_related("by", "unit", "customer")
    context = {
        "b": found,
        "rows": [row(each, request) for each in behind.order_by("-at", "-pk")],
        "routings": [passed(each, request) for each in routings],
        "desks": desks(request) if found.by_id == request.actor.id or "leader" in request.actor.roles else [],
        "wrong": wrong,
        "typed": typed,
        "tip": owed.tip,
    }
    return render(request, "brief.html", context, status=422 if wrong else 200)


@policy("notes.change")
@require_POST
def route(request: ActingRequest, brief: int) -> HttpResponse:
    """Passed to a leader or department, which owes an answer."""
    found, given = _brief(request, brief), request.POST
    try:
        sent = notes.route(
            found,
            number(given.get("to")) or 0,
            given.get("words", ""),
            actor=request.actor,
            now=request.now,
            bank=bank_of(request),
        )
    except Refused as refused:
        return _one(request, found, said(refused), given.get("words", ""))
    return moved(request, reverse("brief", args=[found.pk]), gettext("Passed on to %(name)s.") % {"name": sent.to.name})


# ── answered ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _routing(request: ActingRequest, id: int) -> Routing:
    rows = Routing.objects.visible_to(request.actor).select_related(*ABOUT)
    found = rows.filter(pk=id).first()
    if found is None:
        raise Http404
    return found


@policy("notes.view")
@require_safe
def routing(request: ActingRequest, routing: int) -> HttpResponse:
    """What was passed on, with the form that answers it, or the answer."""
    return _routed(request, _routing(request, routing))


def _routed(
    request: ActingRequest,
    found: Routing,
    given: QueryDict | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 422,
) -> HttpResponse:
    behind = Note.objects.visible_to(request.actor).select_related("by", "unit", "customer")
    behind = behind.filter(briefs=found.brief_id) if found.brief_id else behind.filter(pk=found.note_id or 0)
    unread = Obligation.objects.filter(subject=f"{found.subject}/back", owner=request.actor.id, state="open")
    context = {
        "r": passed(found, request),
        "brief": found.brief,
        "rows": [row(each, request) for each in behind.order_by("-at", "-pk")],
        "answers": names(Routing.Answer),
        "may_answer": not found.answer
        and may(request.actor, "notes.answer")
        and notes.may_answer(found, request.actor),
        "unread": found.by_id == request.actor.id and unread.exists(),
        "given": given if given is not None else QueryDict(),
        "wrong": wrong or {},
        "tip": owed.tip,
    }
    return render(request, "note_routing.html", context, status=status if wrong else 200)


@policy("notes.answer")
@require_POST
def answer(request: ActingRequest, routing: int) -> HttpResponse:
    """Read, used, or why not."""
    found, given = _routing(request, routing), request.POST
    try:
        notes.answer(
            found,
            given.get("answer", ""),
            given.get("answer_words", ""),
            actor=request.actor,
            now=request.now,
            bank=bank_of(request),
        )
    except Unfit as unfit:
        return _routed(request, found, given, {unfit.field: said(unfit)})
    except Refused as refused:
        return _routed(request, found, given, {"": said(refused)}, 409)
    return moved(request, reverse("notes"), gettext("Answered; %(name)s is told.") % {"name": found.by.name})


@policy("notes.change")
@require_POST
def seen(request: ActingRequest, routing: int) -> HttpResponse:
    """The sender has read the answer."""
    found = _routing(request, routing)
    try:
        notes.seen_answer(found, actor=request.actor, now=request.now, bank=bank_of(request))
    except Refused as refused:
        return _routed(request, found, None, {"": said(refused)}, 409)
    return moved(request, reverse("notes"), gettext("Done."))


# ── the week ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@policy("notes.view")
@require_safe
def week(request: ActingRequest) -> HttpResponse:
    """``?unit=`` and all below it, ``?week=2026-03-02``; for decisions, prints on A4, ``?as=pdf``."""
    bank, today = bank_of(request), local(request.now).date()
    monday = _monday(request.GET.get("week", ""), today)
    units = _units(request)
    asked = number(request.GET.get("unit"))
    unit = next((each for each in units if each.pk == asked), units[0] if units else None)
    if unit is None:
        raise Http404
    begin, end = midnight(monday, bank), midnight(monday + timedelta(days=7), bank)
    made = digest.week(unit, request.actor, begin, end)
    if request.GET.get("as") == "pdf":
        sheet = paper(unit, monday, made, owed.speaks())
        return handed(request, sheet.name, "market_note", "pdf", sheet.pdf(), made.notes)
    people = digest.noted(request.actor, begin, end, request.now) if may(request.actor, "team.view") else []
    known = dict(Staff.objects.filter(pk__in=[each.staff for each in people]).values_list("pk", "name"))
    context = {
        "unit": unit,
        "units": [(str(each.pk), each.name) for each in units],
        "days": " – ".join(day_text(day, today, weekday=False) for day in (monday, monday + timedelta(days=6))),
        "monday": monday.isoformat(),
        "before": (monday - timedelta(days=7)).isoformat(),
        "after": (monday + timedelta(days=7)).isoformat() if monday + timedelta(days=7) <= today else None,
        "week": made,
        "kinds": [(label(Note.Kind, kind), [row(each, request) for each in some]) for kind, some in made.kinds.items()],
        "answered": [passed(each, request) for each in made.answered],
        "people": [(known.get(each.staff, ""), each) for each in people],
        "letters": [_letter(each) for each in Letter.objects.filter(unit=unit, monday=monday).select_related("staff").order_by("pk")],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "note_digest.html", context)


def _letter(each: Letter) -> dict[str, Any]:
    """Whether the week went to a leader by e-mail, and why not; PostgreSQL shows one's own and those of whom one sees."""
    error = worded(each.error).say(owed.speaks()) if each.error else ""
    return {"name": each.staff.name, "state": each.state, "at": each.done_at, "error": error}


def _monday(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = today
    day = day if 2000 < day.year < 2200 else today
    return day - timedelta(days=day.weekday())


def _units(request: ActingRequest) -> list[Unit]:
    """Those in which the reader serves, and for whoever watches over more those below them."""
    own = Unit.objects.filter(pk__in=Post.objects.filter(staff=request.actor.id, to_day=None).values("unit"))
    found = {each.pk: each for each in own}
    if may(request.actor, "team.view") or "marketing" in request.actor.roles:
        for each in own:
            found |= {below.pk: below for below in Unit.objects.filter(path__startswith=each.path, to_day=None)[:300]}
    return sorted(found.values(), key=lambda each: each.path)
