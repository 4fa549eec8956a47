"""机构 · The bank's tree: who hangs below whom, how many serve where; the administrator makes, moves and ends units, and sets up the
robot of a unit's group, to which the team digest goes.

Domain: :mod:`zhike.people.units`, :mod:`zhike.notices.webhooks`.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.words import Refused, Words
from zhike.notices import webhooks
from zhike.notices.channels import worded
from zhike.notices.channels.webhook import ROBOTS, VARIABLE, hosts
from zhike.notices.models import Digest, Webhook
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import units
from zhike.people.models import Unit
from zhike.people.permissions import may, policy

DAYS = 14
LANGUAGES = {"zh-hans": "中文", "en": "English"}


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
    """Renames or ends one, or asks that it be moved."""
    found = Unit.objects.filter(pk=unit).first()
    if found is None:
        raise Http404
    if request.method != "POST":
        return _form(request, found, _kept(found))
    given = request.POST
    try:
        if given.get("act") == "end":
            units.end(request.actor, found.pk, local(request.now).date())
            return moved(request, reverse("units"), gettext("The unit has ended."))
        if given.get("act") == "move":
            move = units.Move(found.pk, found.parent_id, _id(given.get("parent")))
            units.ask_to_move(request.actor, [move], given.get("reason", ""), request.now)
            return moved(request, reverse("units"), gettext("Asked for. A second person has to approve it."))
        units.rename(request.actor, found.pk, name=given.get("name", ""), kind=given.get("kind", ""))
    except Refused as refused:
        return _form(request, found, _kept(found) | given.dict(), refused)
    return moved(request, reverse("units"), gettext("Saved."))


@policy("units.change")
@require_POST
def group(request: ActingRequest, unit: int) -> HttpResponse:
    """The robot of its group: ``act`` set, test, off or on."""
    found = Unit.objects.filter(pk=unit).first()
    if found is None:
        raise Http404
    given, today = request.POST, local(request.now).date()
    try:
        match given.get("act"):
            case "test":
                webhooks.test(request.actor, found.pk, now=request.now, today=today)
                done = gettext("A test is on its way; what became of it stands below after a moment.")
            case "off" | "on" as act:
                webhooks.turn(request.actor, found.pk, on=act == "on", now=request.now)
                done = (
                    gettext("Nothing is sent to the group any more.") if act == "off" else gettext("Turned on again.")
                )
            case _:
                webhooks.set_up(
                    request.actor,
                    found.pk,
                    kind=given.get("robot", ""),
                    address=given.get("address", ""),
                    secret=given.get("secret", ""),
                    language=given.get("language", ""),
                    relays=hosts(os.environ.get(VARIABLE, "")),
                    now=request.now,
                    today=today,
                )
                done = gettext("The group's robot is set up. Send a test to see that it reaches the group.")
    except Refused as refused:
        return _form(request, found, _kept(found), group=(given.dict(), refused.words))
    return moved(request, reverse("unit", args=[found.pk]) + "#group", done)


def _kept(unit: Unit) -> dict[str, Any]:
    return {"name": unit.name, "kind": unit.kind, "parent": str(unit.parent_id or "")}


def _id(text: str | None) -> int | None:
    """The id of a unit that is there; anything else is none."""
    found = Unit.objects.filter(pk=number(text) or 0).first()
    return found.pk if found else None


def _form(
    request: ActingRequest,
    unit: Unit | None,
    given: dict[str, Any],
    refused: Refused | None = None,
    group: tuple[dict[str, str], Words] | None = None,
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
        "group": _group(request, unit, group) if unit and not unit.to_day else None,
    }
    return render(request, "unit.html", context, status=422 if refused or group else 200)


def _group(request: ActingRequest, unit: Unit, refused: tuple[dict[str, str], Words] | None) -> dict[str, Any]:
    """The robot of the unit's group as it is kept, what was just typed of another, and what was sent of late."""
    webhook = Webhook.objects.select_related("made_by").filter(unit=unit).first()
    given, wrong = refused or ({}, None)
    since = local(request.now).date() - timedelta(days=DAYS - 1)
    kinds = {kind.value: str(kind.label) for kind in Webhook.Kind}
    return {
        "webhook": webhook,
        "kind": kinds[webhook.kind] if webhook else None,
        "reads": LANGUAGES[webhook.language] if webhook else None,
        "at": bank_of(request).digest_at,
        "given": given,
        "wrong": wrong.say(owed.speaks()) if wrong else None,
        "kinds": list(kinds.items()),
        "languages": list(LANGUAGES.items()),
        "example": ROBOTS["wecom"].example,
        "digests": [
            {"day": d.day, "test": d.test, "state": d.get_state_display(), "look": d.state, "at": d.done_at or d.try_at,
             "why": worded(d.error).say(owed.speaks())}
            for d in Digest.objects.filter(unit=unit, day__gte=since).order_by("-at", "-pk")[:50]
        ],
    }  # fmt: skip
