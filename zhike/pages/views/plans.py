"""计划 · Work plans (W1): the present ones, past ones with what came of them, the form in which one proposes itself.

Domain: :mod:`zhike.work.plans`, :mod:`zhike.work.proposals`.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.obligations.models import Obligation
from zhike.pages import owed, planned
from zhike.pages.answer import moved, number
from zhike.pages.exported import ROWS as MOST
from zhike.pages.exported import exported, wanted
from zhike.pages.jinja import local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.actor import Actor
from zhike.people.models import Staff
from zhike.people.permissions import may, policy
from zhike.people.workdays import workdays
from zhike.work import plans
from zhike.work.models import Plan
from zhike.work.models.plan import Period, subject
from zhike.work.plan_lines import reckoned, stand
from zhike.work.plans import Own
from zhike.work.proposals import Proposal, Proposed, propose

ROWS = 30
PEOPLE = 300
LATE_SHOWN = 12
ORDER = ("moved_on", "late", "due", "birthday", "maturity")
BESIDE = ("late", "before", "soon", "maturity", "need")


@policy("plans.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?of=team`` or ``?staff=7`` others'; ``?period=day``; ``?from=&to=`` first days; ``?before=`` page by page; ``?as=csv|xlsx``."""
    bank, now, actor = bank_of(request), request.now, request.actor
    plans_own, watches = may(actor, "plans.change"), may(actor, "team.view")
    staff = number(request.GET.get("staff"))
    of = "team" if watches and (request.GET.get("of") == "team" or staff or not plans_own) else ""
    period = request.GET.get("period", "") if request.GET.get("period") in Period.values else ""
    first, last = (_day(request.GET.get(name, "")) for name in ("from", "to"))
    rows: QuerySet[Plan] = Plan.objects.visible_to(actor).select_related("staff")
    rows = rows.exclude(staff=actor.id) if of else rows.filter(staff=actor.id)
    for name, value in (
        ("staff", staff if of else None),
        ("period", period),
        ("first_day__gte", first),
        ("first_day__lte", last),
    ):
        if value:
            rows = rows.filter(**{name: value})
    rows = rows.order_by("-first_day", "period", "-pk")
    if wanted(request):
        return _file(request, rows, bank)
    page = max(1, min(number(request.GET.get("page")) or 1, 10_000))
    some = list(rows[(page - 1) * ROWS : page * ROWS + 1])
    current = _current(request) if plans_own and not of else []
    mine = [each["plan"] for each in current if each["plan"]]
    lines = stand([*some[:ROWS], *mine], actor=actor, now=now, bank=bank)
    asked = {
        "of": of, "staff": str(staff or "") if of else "", "period": period, "from": first.isoformat() if first else "",
        "to": last.isoformat() if last else "",
    }  # fmt: skip
    to = partial(_address, asked)
    context = {
        "of": of,
        "plans": plans_own,
        "watches": watches,
        "current": [{**each, "kept": reckoned(lines[each["plan"].pk]) if each["plan"] else None} for each in current],
        "rows": [planned.entry(each, reckoned(lines[each.pk]), now) for each in some[:ROWS]],
        "sides": [
            {"text": gettext("Mine"), "href": to(of="", staff=""), "current": not of},
            {"text": pgettext("outings", "Team"), "href": to(of="team"), "current": bool(of)},
        ] if watches and plans_own else [],
        "kinds": [
            {"text": text, "href": to(period=name), "current": name == period}
            for name, text in (("", pgettext("outings", "All")), *planned.periods().items())
        ],
        "asked": asked,
        "people": _people(actor) if of else [],
        "staff": staff,
        "older": to(page=str(page + 1)) if len(some) > ROWS else None,
        "start": to() if page > 1 else None,
        "files": [("CSV", to(**{"as": "csv"})), ("XLSX", to(**{"as": "xlsx"}))],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "plans.html", context)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1901 < day.year < 2200 else None


def _address(asked: dict[str, str], **more: str) -> str:
    given = {name: value for name, value in {**asked, **more}.items() if value}
    return f"{reverse('plans')}?{urlencode(given)}" if given else reverse("plans")


def _current(request: ActingRequest) -> list[dict[str, Any]]:
    """One's own plans of this day, week and month: made, owed, or to be made if one likes. Two queries."""
    now, today = request.now, local(request.now).date()
    firsts = {period.value: period.first(today) for period in Period}
    rows = Plan.objects.filter(staff=request.actor.id, first_day__in=firsts.values()).select_related("staff")
    made = {(row.period, row.first_day): row for row in rows}
    subjects = {name: subject(name, first, request.actor.id) for name, first in firsts.items()}
    asked = Obligation.objects.filter(
        owner=request.actor.id, kind="work_plan", state="open", subject__in=subjects.values()
    )
    due = dict(asked.values_list("subject", "due"))
    words = {"day": gettext("Today's plan"), "week": gettext("This week's plan"), "month": gettext("This month's plan")}
    found = []
    for name, first in firsts.items():
        plan, by = made.get((name, first)), due.get(subjects[name])
        found.append({
            "period": name,
            "name": words[name],
            "plan": plan,
            "href": reverse("work_plan", args=[plan.pk]) if plan else f"{reverse('plan_new')}?period={name}&day={first}",
            "late": by is not None and now > by,
            "due": when_text(by, now) if by else "",
            "fixed": when_text(plan.fixed_at, now) if plan else "",
        })  # fmt: skip
    return found


def _people(actor: Actor) -> list[tuple[int, str]]:
    rows = Staff.objects.filter(
        pk__in=[each for each in actor.oversees if each > 0 and each != actor.id], is_active=True
    )
    return [(id, f"{name} {number_}") for id, name, number_ in rows.order_by("number").values_list("pk", "name", "number")[:PEOPLE]]  # fmt: skip


def _file(request: ActingRequest, rows: QuerySet[Plan], bank: Bank) -> HttpResponse:
    some = list(rows[:MOST])
    lines = stand(some, actor=request.actor, now=request.now, bank=bank)
    columns = [
        pgettext("plan", "Whose"), gettext("Period"), pgettext("plan", "First day"), gettext("Fixed at"), pgettext("plan", "Planned"), pgettext("plan", "Done"),
        pgettext("plan", "Open"), pgettext("plan", "Moved on"), pgettext("plan", "Missed"), pgettext("plan", "Fell away"),
        gettext("Moved on before"),
    ]  # fmt: skip
    names = planned.periods()
    cells = (
        [each.staff.name, names[each.period], each.first_day, each.fixed_at, k.planned, k.done, k.open, k.moved_on, k.missed, k.off, k.carried]
        for each in some
        if (k := reckoned(lines[each.pk])) is not None
    )  # fmt: skip
    return exported(request, "plans", "work_plan", columns, cells)


@policy("plans.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """``?period=day&day=2026-03-02``: the plan as it proposes itself; posted, it is fixed. Fields: ``line`` and ``first`` (what is
    chosen, and what of it comes first), ``own`` one's own lines.
    """
    bank, now = bank_of(request), request.now
    given = request.POST if request.method == "POST" else request.GET
    period = Period(given["period"]) if given.get("period") in Period.values else Period.DAY
    day = _day(given.get("day", "")) or local(now).date()
    if request.method != "POST":
        made = Plan.objects.filter(staff=request.actor.id, period=period, first_day=period.first(day)).first()
        if made is not None:
            return moved(request, reverse("work_plan", args=[made.pk]))
        return _form(request, period, day, bank)
    chosen = [*given.getlist("first"), *given.getlist("line")]
    own = [Own(words) for words in given.getlist("own")]
    verb: dict[str, Any] = {"actor": request.actor, "now": now, "bank": bank}
    try:
        with transaction.atomic():
            made = plans.fix(period, day, chosen, own, **verb)
    except plans.Stands:
        found = Plan.objects.filter(staff=request.actor.id, period=period, first_day=period.first(day)).first()
        return moved(request, reverse("work_plan", args=[found.pk]) if found else reverse("plans"), gettext("This plan was fixed already."))  # fmt: skip
    except plans.Unfit as unfit:
        return _form(request, period, day, bank, given, {unfit.field: unfit.words.say(get_language() or "")})
    except Refused as refused:
        return _form(request, period, day, bank, given, {"": refused.words.say(get_language() or "")})
    many = made.lines.count()
    return moved(request, reverse("work_plan", args=[made.pk]), gettext("Fixed. Lines: %(n)s") % {"n": many})


def _form(
    request: ActingRequest, period: Period, day: date, bank: Bank, given: QueryDict | None = None, wrong: dict[str, str] | None = None
) -> HttpResponse:  # fmt: skip
    now, today = request.now, local(request.now).date()
    found = propose(period, day, actor=request.actor, now=now, bank=bank)
    chosen = {*given.getlist("line"), *given.getlist("first")} if given is not None else None
    first = set(given.getlist("first")) if given is not None else set()

    def row(each: Proposed, ticked: bool) -> dict[str, Any]:
        taken = ticked if chosen is None else each.about in chosen
        return {
            **planned.proposed(each, bank, now),
            "taken": taken,
            "first": each.about in first,
            "stays": each.because == "moved_on",
        }

    context = {
        "period": period.value,
        "day": found.first_day.isoformat(),
        "name": planned.named(period, found.first_day, today),
        "groups": _groups(found, row),
        "beside": [
            {"title": planned.because(name), "rows": rows}
            for name in BESIDE
            if (rows := [row(each, False) for each in found.offered if each.because == name])
        ],
        "many": len(found.lines),
        "own": [words for words in given.getlist("own") if words.strip()] if given is not None else [],
        "wrong": wrong or {},
        "whens": [
            {"text": planned.named(period, each, today), "href": f"{reverse('plan_new')}?period={period.value}&day={each}", "current": each == found.first_day}
            for each in _ahead(period, today)
        ],
        "kinds": [
            {"text": text, "href": f"{reverse('plan_new')}?period={name}&day={found.first_day}", "current": name == period}
            for name, text in planned.periods().items()
        ],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "plan_new.html", context, status=422 if wrong else 200)


def _ahead(period: Period, today: date) -> list[date]:
    """The present period and the next; before a weekend or a holiday the next workday as well."""
    found = [period.first(today), period.next(today)]
    if period == Period.DAY:
        days = (today + timedelta(days=n) for n in range(1, 31))
        found.append(next(filter(workdays().may_work, days), found[1]))
    return list(dict.fromkeys(found))


def _groups(found: Proposal, row: Any) -> list[dict[str, Any]]:
    """The proposed lines by why they are proposed; appointments stand among what is due, by their hour."""

    def why(each: Proposed) -> str:
        return "due" if each.because == "appointment" else each.because

    lines = sorted(found.lines, key=lambda each: ORDER.index(why(each)))
    groups = []
    for name, some in groupby(lines, key=why):
        rows = [row(each, True) for each in some]
        groups.append(
            {"name": name, "title": planned.because(name), "rows": rows[:LATE_SHOWN], "more": rows[LATE_SHOWN:]}
        )
    return groups
