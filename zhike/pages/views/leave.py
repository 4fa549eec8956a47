"""休假与代班 · Leave and cover: what one is asked, what one asked, whom one leads and who is not covered.

Domain: :mod:`zhike.people.leave`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST

from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.obligations.models import Obligation
from zhike.pages.answer import moved, number
from zhike.pages.jinja import day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import leave as leaves
from zhike.people.leave import Unfit
from zhike.people.models import Leave, Staff
from zhike.people.permissions import policy

ROWS, PAST = 100, 10
CHOICES = 300  # of more colleagues one is not chosen from a list: the staff number is typed


@policy("leave.ask")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """What stands, and the form that asks."""
    if request.method != "POST":
        return _page(request)
    given = request.POST.dict()
    try:
        first, back = _day(given, "from_day"), _day(given, "to_day")
        asked = leaves.ask(
            number(given.get("staff")) or request.actor.id, first, back, _colleague(given),
            note=str(given.get("note", "")), actor=request.actor, now=request.now, bank=bank_of(request),
        )  # fmt: skip
    except Unfit as unfit:
        return _page(request, given, {unfit.field: unfit.words.say(get_language() or "")}, status=422)
    said = gettext("Asked. It counts as soon as %(name)s accepts.") % {"name": asked.stand_in.name}
    return moved(request, reverse("leave"), said)


@policy("leave.ask")
@require_POST
def answer(request: ActingRequest, leave: int) -> HttpResponse:
    """``act``: accept, decline with ``why``, cancel, end, or another with ``stand_in``."""
    given, act = request.POST.dict(), request.POST.get("act", "")
    verb: dict[str, Any] = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    try:
        found = leaves.held(leave, request.actor)
        if found is None:
            raise Http404
        name = {"name": found.staff.name}
        match act:
            case "accept":
                leaves.accept(found, **verb)
                said = gettext("Accepted: you stand in for %(name)s.") % name
            case "decline":
                leaves.decline(found, str(given.get("why", "")), **verb)
                said = gettext("Declined; %(name)s is shown why.") % name
            case "another":
                leaves.ask_another(found, _colleague(given), **verb)
                said = gettext("Asked. It counts as soon as %(name)s accepts.") % {
                    "name": Staff.objects.get(pk=found.stand_in_id).name
                }
            case "end":
                leaves.end(found, **verb)
                said = gettext("Ended: nobody stands in any more.")
            case _:
                leaves.cancel(found, **verb)
                said = gettext("Cancelled.")
    except Refused as refused:
        wrong = {f"{act}-{leave}": refused.words.say(get_language() or "")}
        return _page(request, given, wrong, status=422 if isinstance(refused, Unfit) else 409)
    return moved(request, reverse("leave"), said)


def _day(given: dict[str, Any], field: str) -> date:
    try:
        return date.fromisoformat(str(given.get(field, "")))
    except ValueError:
        raise Unfit(field, "请按 2026-03-02 的格式填写日期。", "Write the day like this: 2026-03-02.") from None


def _colleague(given: dict[str, Any]) -> int:
    """Chosen from the list, or by staff number; nobody for a number that is nobody's."""
    if given.get("number"):
        return Staff.objects.filter(number=given["number"].strip()).values_list("pk", flat=True).first() or 0
    chosen = number(given.get("stand_in"))
    if chosen is None:
        raise Unfit("stand_in", "请选择代班人。", "Choose who stands in.")
    return chosen


def _page(
    request: ActingRequest, given: dict[str, Any] | None = None, wrong: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    actor, bank, today = request.actor, bank_of(request), local(request.now).date()
    rows = Leave.objects.visible_to(actor).select_related("staff", "stand_in", "asked_by")
    coming = rows.filter(to_day__gt=today, ended_at=None).exclude(answer="cancelled").order_by("from_day", "pk")
    mine = rows.filter(staff=actor.id)
    past = mine.exclude(pk__in=coming.filter(staff=actor.id).values("pk")).order_by("-from_day", "-pk")[:PAST]
    team = _led(coming, request)
    colleagues = leaves.candidates(actor.id, today, bank).order_by("number").values_list("pk", "name", "number")
    choices = [(str(id), f"{name} {number_}") for id, name, number_ in colleagues[: CHOICES + 1]]
    people = _people(request)
    if people:  # who leads somebody may also stand in for them
        choices = [(str(actor.id), gettext("myself")), *choices]
    context = {
        "to_me": [_row(row, today, request) for row in coming.filter(stand_in=actor.id, answer="asked")[:ROWS]],
        "covering": [_row(row, today, request) for row in coming.filter(stand_in=actor.id, answer="accepted")[:ROWS]],
        "mine": [_row(row, today, request) for row in coming.filter(staff=actor.id)[:ROWS]],
        "past": [_row(row, today, request) for row in past],
        "team": [_row(row, today, request) for row in team[:ROWS]],
        "leads": bool(people),
        "people": [(str(actor.id), gettext("myself")), *people] if people else [],
        "choices": choices if len(choices) <= CHOICES else [],
        "days": bank.leave_days,
        "given": {"from_day": "", "to_day": "", **(given or {})},
        "wrong": wrong or {},
        "earliest": today.isoformat(),
        "back_earliest": (today + timedelta(days=1)).isoformat(),
    }
    return render(request, "leave.html", context, status=status)


def _people(request: ActingRequest) -> list[tuple[str, str]]:
    """Whom the reader leads, for the choice of whose leave it is."""
    if "leader" not in request.actor.roles:
        return []
    led = [keeper for keeper in request.actor.directs if keeper > 0 and keeper != request.actor.id]
    found = Staff.objects.filter(pk__in=led[:CHOICES], is_active=True).order_by("number")
    return [(str(id), f"{name} {number_}") for id, name, number_ in found.values_list("pk", "name", "number")]


def _led(coming: QuerySet[Leave], request: ActingRequest) -> QuerySet[Leave]:
    """The coming absences of whom the reader leads, with what waits for whoever comes back: one query."""
    if "leader" not in request.actor.roles:
        return coming.none()
    owed = Obligation.objects.filter(owner=OuterRef("staff"), state="open", due__date__lt=OuterRef("to_day"))
    kept = Customer.objects.filter(keeper=OuterRef("staff"))
    return coming.filter(staff__among=request.actor.directs).exclude(staff=request.actor.id).annotate(
        due=_count(owed, "owner"), customers=_count(kept, "keeper")
    )  # fmt: skip


def _count(rows: QuerySet[Any], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _row(row: Leave, today: date, request: ActingRequest) -> dict[str, Any]:
    last = row.to_day - timedelta(days=1)
    days = day_text(row.from_day, today)
    if last != row.from_day:
        days = gettext("%(first)s to %(last)s") % {"first": days, "last": day_text(last, today)}
    begun = row.from_day <= today
    return {
        "id": row.pk,
        "who": row.staff.name,
        "own": row.staff_id == request.actor.id,
        "days": days,
        "back": gettext("back on %(day)s") % {"day": day_text(row.to_day, today)},
        "stand_in": row.stand_in.name,
        "note": row.note,
        "by": row.asked_by.name if row.asked_by_id != row.staff_id else "",
        "why": row.why,
        "state": _state(row, today),
        "stands": row.to_day > today and row.ended_at is None and row.answer != "cancelled",
        "begun": begun and row.answer == "accepted",
        "mine_to_change": leaves.may_change(row, request.actor),
        "uncovered": row.answer in {"asked", "declined"},
        "due": getattr(row, "due", 0),
        "customers": getattr(row, "customers", 0),
    }


def _state(row: Leave, today: date) -> tuple[str, str | None, str]:
    """In words, with look and mark."""
    if row.ended_at is not None:
        ended = day_text(local(row.ended_at).date(), today, weekday=False)
        return gettext("ended early on %(day)s") % {"day": ended}, None, "check"
    match row.answer:
        case "cancelled":
            return gettext("cancelled"), None, "x"
        case "declined":
            return pgettext("leave", "declined"), "late", "decline"
        case "asked":
            if row.to_day <= today:
                return gettext("never answered"), None, "unknown"
            return gettext("not yet answered"), "soon", "clock"
    if row.to_day <= today:
        return pgettext("leave", "over"), None, "check"
    if row.from_day <= today:
        return pgettext("leave", "under way"), "on", "hand"
    return gettext("accepted"), "on", "check"
