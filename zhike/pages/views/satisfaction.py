"""满意度 · How content customers and leaders are (W9), side by side, with what stays open: of those whom one oversees, units first; and
of oneself, which each sees as it is kept. No ranking; below the bank's least number of ratings no figure.

Domain: :mod:`zhike.conduct.measure`, :mod:`zhike.sms.satisfaction`, :mod:`zhike.work.rates`, :mod:`zhike.obligations.unseen`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.measure import Content, Sayable, Shown, content, together
from zhike.conduct.satisfied import SCALE
from zhike.obligations.unseen import left_open
from zhike.pages import owed
from zhike.pages.answer import number
from zhike.pages.exported import FORMATS, exported, wanted
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.period import Period, asked, midnight, offered
from zhike.pages.shell import bank_of
from zhike.people.models import Staff, Unit
from zhike.people.permissions import SIGNED_IN, policy
from zhike.people.posts import stations
from zhike.sms.satisfaction import ratings
from zhike.work.rates import rates


@policy("team.view")
@require_safe
def of_team(request: ActingRequest) -> HttpResponse:
    """``?period=week|month|quarter`` or ``?from=&to=``; ``?unit=`` of one; ``&as=csv|xlsx`` as a file."""
    return _show(request, request.actor.team)


@policy(SIGNED_IN)
@require_safe
def of_mine(request: ActingRequest) -> HttpResponse:
    """The same about oneself."""
    return _show(request, [request.actor.id], mine=True)


def _show(request: ActingRequest, owners: list[int], mine: bool = False) -> HttpResponse:
    bank, today = bank_of(request), local(request.now).date()
    period = asked(request.GET, today)
    serve = stations(owners, today)
    unit = None if mine else _unit(request)
    least = bank.satisfaction_least
    every = _content(request, owners, period, bank)
    found = {id: part for id, part in every.items() if _serves(serve.get(id), unit)}
    whole = together(found.values(), least)
    told = Shown.of(every, {id: serves.way for id, serves in serve.items()}, least)
    shown = told.below.get(unit.pk, (False, False)) if unit else told.whole
    here = reverse("my_satisfaction" if mine else "team_satisfaction")
    whose = {"unit": str(unit.pk)} if unit else {}
    groups = (
        []
        if mine
        else _groups(found, serve, told, least, lambda id: f"{here}?{urlencode({**period.address, 'unit': id})}")
    )
    if wanted(request):
        return _file(
            request,
            groups or [_row(gettext("my own"), whole, shown=shown)],
            _row(gettext("together"), whole, shown=shown),
        )
    address = {**period.address, **whose}
    context = {
        "mine": mine,
        "title": unit.name if unit else "",
        "up": f"{here}?{urlencode(period.address)}" if unit else None,
        "period": period,
        "today": today,
        "periods": offered(period, lambda name: f"{here}?{urlencode({**whose, 'period': name})}"),
        "whose": whose,
        "whole": _row("", whole, shown=shown),
        "spread": _spread(whole) if shown[0] else [],
        "groups": groups,
        "asks": bool(bank.satisfaction_after),
        "least": least,
        "files": [(kind.upper(), f"{here}?{urlencode({**address, 'as': kind})}") for kind in FORMATS],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "satisfaction.html", context)


def _unit(request: ActingRequest) -> Unit | None:
    if not (text := request.GET.get("unit")):
        return None
    if unit := Unit.objects.filter(pk=number(text) or 0).first():
        return unit
    raise Http404


def _serves(where: Unit | None, unit: Unit | None) -> bool:
    return unit is None or (where is not None and where.path.startswith(unit.path))


def _content(request: ActingRequest, owners: Sequence[int], period: Period, bank: Bank) -> dict[int, Content]:
    """Person by person; three queries, however many they are."""
    begin, end = midnight(period.first, bank), midnight(period.last + timedelta(days=1), bank)
    by_leader, _all = rates(request.actor, begin, end, now=request.now)
    return content(
        owners,
        ratings(request.actor, owners, begin, end),
        {staff: errands.ratings for staff, _name, errands in by_leader},
        left_open(owners, request.now),
        bank.satisfaction_least,
    )


def _groups(
    found: Mapping[int, Content], serve: Mapping[int, Unit], told: Shown, least: int, address: Any
) -> list[dict[str, Any]]:  # fmt: skip
    """Units before persons, in the order of their codes; persons only where all serve in one unit, in the order of staff numbers."""
    # Who serves nowhere, as those who watch over the code do, has a row only where there is something in it.
    nothing = together((), least)
    units = {id: serve[id].pk if id in serve else 0 for id, part in found.items() if id in serve or part != nothing}
    if len(set(units.values())) > 1:
        names = {unit.pk: unit for unit in serve.values()}
        order = sorted(set(units.values()), key=lambda id: names[id].code if id else "~")
        parts = {id: together((found[each] for each, unit in units.items() if unit == id), least) for id in order}
        return [
            _row(names[id].name if id else gettext("without a unit"), part, shown=told.itself[id], href=address(id) if id else "")
            for id, part in parts.items()
        ]  # fmt: skip
    shown = told.itself[next(iter(units.values()))] if units else (False, False)
    seen = Sayable.of(found, least).within(shown)
    people = Staff.objects.filter(pk__in=units).order_by("number").values_list("pk", "name")
    return [_row(name, found[id], shown=seen.both(id)) for id, name in people]


def _row(name: str, part: Content, *, shown: tuple[bool, bool], href: str = "") -> dict[str, Any]:
    """``shown``: whether the customers' figure is, and the leader's, which their numbers alone do not decide."""
    customers, mean = part.customers, part.customers.mean if shown[0] else None
    leader = part.leader_mean if shown[1] else None
    few = gettext("fewer than %(n)s") % {"n": customers.least} if customers.few else gettext("not shown")
    return {
        "name": name,
        "href": href,
        "asked": customers.asked,
        "answers": customers.answered if mean is not None else few,
        "mean": f"{mean:.1f}" if mean is not None else "",
        "leader": f"{leader:.1f}" if leader is not None else "",
        "late": part.late,
        "unseen": part.unseen,
    }


def _spread(whole: Content) -> list[dict[str, Any]]:
    """How many gave which rating, the best first."""
    customers = whole.customers
    rows = zip(reversed(SCALE), reversed(customers.ratings), strict=True)
    return [
        {"words": words()[value], "n": many, "share": round(100 * many / customers.answered)} for value, many in rows
    ]


def words() -> dict[int, str]:
    """The scale as customers are asked."""
    return {
        5: gettext("5 very content"), 4: gettext("4 content"), 3: gettext("3 fair"), 2: gettext("2 not content"),
        1: gettext("1 not content at all"),
    }  # fmt: skip


def _file(request: ActingRequest, groups: Sequence[Mapping[str, Any]], whole: Mapping[str, Any]) -> HttpResponse:
    """What the page shows and nothing more; kept in the trail."""
    columns = [
        gettext("Whose"), gettext("customers asked"), gettext("ratings"), gettext("customers content, of 5"),
        gettext("leader content, of 5"), gettext("open past its time"), gettext("nobody was reminded"),
    ]  # fmt: skip
    rows = [*groups, whole] if len(groups) > 1 else groups
    names = ("name", "asked", "answers", "mean", "leader", "late", "unseen")
    return exported(request, "satisfaction", "sms_question", columns, ([row[name] for name in names] for row in rows))
