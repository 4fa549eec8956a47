"""工作日 · The days on which the bank's calendar differs from the week; seeded from what the State Council published.

Domain: :class:`zhike.people.models.Workday`, :func:`zhike.conduct.calendars.published_workdays`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods

from zhike.conduct.calendars import published_name, published_workdays
from zhike.conduct.words import Refused
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.people import workdays
from zhike.people.models import Workday
from zhike.people.permissions import check, may, policy


@policy("settings.view")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """``?year=2026``: that year's days; the administrator enters, changes and takes back."""
    today = local(request.now).date()
    year = number(request.GET.get("year")) or today.year
    if year not in workdays.YEARS:
        year = today.year
    if request.method != "POST":
        return _page(request, year)
    check(request.actor, "workdays.change")
    given = request.POST
    try:
        if given.get("act") == "published":
            count = workdays.take_over_published(request.actor, year)
            said = gettext("%(count)d days taken over.") % {"count": count}
        elif given.get("act") == "forget":
            workdays.forget(request.actor, _day(given.get("day", "")))
            said = gettext("As the week has it again.")
        else:
            workdays.set_day(
                request.actor, _day(given.get("day", "")), works=given.get("works") == "yes", name=given.get("name", "")
            )
            said = gettext("Saved.")
    except Refused as refused:
        return _page(request, year, refused)
    return moved(request, f"{reverse('workdays')}?year={year}", said)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("日期请写成 2026-03-01。", "Write the day like 2026-03-01.") from error


def _page(request: ActingRequest, year: int, refused: Refused | None = None) -> HttpResponse:
    rows = Workday.objects.filter(day__year=year).order_by("day")
    context: dict[str, Any] = {
        "year": year,
        "rows": [{"day": row.day, "works": row.works, "name": _name(row), "source": row.source} for row in rows],
        "published": year in published_workdays().published,
        "may_change": may(request.actor, "workdays.change"),
        "given": request.POST.dict(),
        "wrong": refused.words.say(get_language() or "") if refused else None,
    }
    return render(request, "workdays.html", context, status=422 if refused else 200)


def _name(row: Workday) -> str:
    """As the bank wrote it; else, where it is the published day, what the State Council calls it."""
    called = published_name(row.day) if row.source == workdays.PUBLISHED and not row.name else None
    return called.say(get_language() or "") if called else row.name
