"""获客漏斗 · Of the prospects entered in a period how many came how far, how long it took, why others were lost; and who found them.

Domain: :mod:`zhike.market.funnel`, :mod:`zhike.conduct.funnel`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from zhike.conduct.funnel import Funnel
from zhike.market import funnel
from zhike.market.models import Prospect
from zhike.pages import owed
from zhike.pages.answer import number
from zhike.pages.jinja import label, local, percent
from zhike.pages.middleware import ActingRequest
from zhike.pages.period import asked, midnight, offered
from zhike.pages.shell import bank_of
from zhike.people.models import Staff
from zhike.people.permissions import may, policy

HIGH = 44  # pixels of a stage in the picture


@policy("prospects.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?period=week|month|quarter`` or ``?from=&to=``; ``?staff=`` of one whom the reader oversees."""
    actor, bank, today = request.actor, bank_of(request), local(request.now).date()
    period = asked(request.GET, today)
    begin, end = midnight(period.first, bank), midnight(period.last + timedelta(days=1), bank)
    staff = _staff(request)
    made = funnel.entered_between(actor, begin, end, [staff.pk] if staff else None)
    found = funnel.found(actor, begin, end)
    people = dict(Staff.objects.filter(pk__in=[row.staff for row in found]).values_list("pk", "name"))
    here = reverse("prospect_funnel")

    def of_period(name: str) -> str:
        return f"{here}?{urlencode({**({'staff': staff.pk} if staff else {}), 'period': name})}"

    context = {
        "period": period,
        "periods": offered(period, of_period),
        "today": today,
        "staff": staff,
        "up": f"{here}?{urlencode(period.address)}" if staff else None,
        "made": made,
        "stages": _stages(made),
        "high": HIGH * len(made.stages),
        "lost": [(label(Prospect.Lost, why), n) for why, n in made.lost.items()],
        "people": [
            {
                "name": people.get(row.staff, ""),
                "row": row,
                "href": f"{here}?{urlencode({**period.address, 'staff': row.staff})}",
            }
            for row in found
        ]
        if may(actor, "team.view")
        else [],
        "own": next((row for row in found if row.staff == actor.id), None) if not may(actor, "team.view") else None,
        "tip": owed.tip,
    }
    return render(request, "prospect_funnel.html", context)


def _staff(request: ActingRequest) -> Staff | None:
    if not (text := request.GET.get("staff")):
        return None
    asked_for = number(text)
    if asked_for not in request.actor.oversees:
        raise Http404
    return Staff.objects.filter(pk=asked_for).first()


def _stages(made: Funnel) -> list[dict[str, Any]]:
    """Each with where its bar stands, as SVG attributes, and its figures."""
    most = max(made.entered, 1)
    return [
        {
            "name": label(Prospect.Stage, each.name),
            "y": place * HIGH,
            "width": percent(each.came, most),
            "came": each.came,
            "stand": each.stand,
            "lost": each.lost,
            "rate": None if each.rate is None else round(100 * each.rate),
            "days": each.days,
        }
        for place, each in enumerate(made.stages)
    ]
