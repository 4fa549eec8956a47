"""机构 · The bank's tree: who hangs below whom, how many serve where; the administrator makes, moves and ends units.

Domain: :mod:`zhike.people.units`.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct.words import Refused
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.people import units
from zhike.people.models import Unit
from zhike.people.permissions import may, policy


@policy("units.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """The whole tree, ended units left out."""
    today = local(request.now).date()
    serving = Q(posts__from_day__lte=today) & (Q(posts__to_day=None) | Q(posts__to_day__gt=today))
    rows = (
        Unit.objects.filter(Q(to_day=None) | Q(to_day__gt=today))
        .annotate(people=Count("posts__staff", filter=serving, distinct=True))
        .order_by("path")
    )
    context = {
        "rows": [
            {"id": u.pk, "code": u.code, "name": u.name, "kind": u.get_kind_display(), "depth": u.path.count("/") - 2,
             "people": u.people}
            for u in rows
        ],
        "may_change": may(request.actor, "units.change"),
        "may_import": may(request.actor, "staff.change"),
    }  # fmt: skip
    return render(request, "units.html", context)


@policy("units.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """A unit below ``?parent=7``."""
    if request.method != "POST":
        return _form(request, None, {"parent": request.GET.get("parent", ""), "kind": "sub_branch"})
    given = request.POST
    try:
        units.make(
            request.actor,
            code=given.get("code", ""),
            name=given.get("name", ""),
            kind=given.get("kind", ""),
            parent_id=_id(given.get("parent")),
            from_day=local(request.now).date(),
        )
    except Refused as refused:
        return _form(request, None, given.dict(), refused)
    return moved(request, reverse("units"), gettext("The unit is made."))


@policy("units.change")
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: ActingRequest, unit: int) -> HttpResponse:
    """Renames, moves or ends one."""
    found = Unit.objects.filter(pk=unit).first()
    if found is None:
        raise Http404
    if request.method != "POST":
        return _form(request, found, {"name": found.name, "kind": found.kind, "parent": str(found.parent_id or "")})
    given = request.POST
    try:
        if given.get("act") == "end":
            units.end(request.actor, found.pk, local(request.now).date())
            return moved(request, reverse("units"), gettext("The unit has ended."))
        units.change(
            request.actor,
            found.pk,
            name=given.get("name", ""),
            kind=given.get("kind", ""),
            parent_id=_id(given.get("parent")),
        )
    except Refused as refused:
        return _form(request, found, given.dict(), refused)
    return moved(request, reverse("units"), gettext("Saved."))


def _id(text: str | None) -> int | None:
    """The id of a unit that is there; anything else is none."""
    found = Unit.objects.filter(pk=number(text) or 0).first()
    return found.pk if found else None


def _form(
    request: ActingRequest, unit: Unit | None, given: dict[str, Any], refused: Refused | None = None
) -> HttpResponse:
    others = Unit.objects.filter(to_day=None).order_by("path")
    if unit is not None:
        others = others.exclude(path__startswith=unit.path)
    context = {
        "unit": unit,
        "given": given,
        "kinds": [(kind.value, str(kind.label)) for kind in Unit.Kind],
        "parents": [("", gettext("none: the top"))]
        + [(str(u.pk), "　" * (u.path.count("/") - 2) + f"{u.name} {u.code}") for u in others],
        "wrong": refused.words.say(get_language() or "") if refused else None,
    }
    return render(request, "unit.html", context, status=422 if refused else 200)
