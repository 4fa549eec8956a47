"""潜在客户 · Those one works on, those of the team, the pool of the unit: with the next step and how long they are held still.

Domain: :mod:`zhike.market.prospects`, :mod:`zhike.market.pool`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe

from zhike.market import pool
from zhike.market.models import Prospect
from zhike.obligations.models import Obligation
from zhike.pages import owed
from zhike.pages import prospects as words
from zhike.pages.answer import number
from zhike.pages.exported import FORMATS, exported, wanted
from zhike.pages.exported import ROWS as MOST
from zhike.pages.jinja import local, names
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.models import Staff
from zhike.people.permissions import may, policy

ROWS = 50
VIEWS = ("mine", "team", "pool", "settled")


@policy("prospects.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?view=mine|team|pool|settled``, ``?stage=``, ``?source=``, ``?rm=``; what is to be done first stands first; ``?page=``. With
    ``?as=csv`` or ``xlsx`` the same rows as a file.
    """
    actor, now, bank = request.actor, request.now, bank_of(request)
    view = _view(request)
    asked = {"view": view, **{name: request.GET.get(name, "") for name in ("stage", "source", "rm")}}
    rows = _narrowed(request, view, asked)
    subject = Concat(Value("prospect:"), OuterRef("pk"))
    owing = Obligation.objects.filter(subject=subject, kind="prospect_step", state="open")
    rows = rows.annotate(due=Subquery(owing.values("due")[:1])).order_by(F("due").asc(nulls_last=True), "-pk")
    rows = rows.whole()
    if wanted(request):
        return _file(request, [row for row in rows[:MOST] if row.keeper not in actor.lent])
    page = max(number(request.GET.get("page")) or 1, 1)
    found = list(rows[(page - 1) * ROWS : page * ROWS + 1])
    steps = words.steps(found[:ROWS])
    today = local(now).date()

    def address(**changed: Any) -> str:
        query = {
            name: value
            for name, value in {**asked, **changed}.items()
            if value and (name, value) != ("view", _first(request))
        }
        return f"{reverse('prospects')}?{urlencode(query)}" if query else reverse("prospects")

    context = {
        "rows": [
            {
                "id": row.pk, "name": row.name, "employer": row.employer, "stage": words.stage(row), "source": words.source(row),
                "interest": words.interest(row), "tier": row.tier, "tier_name": bank.tier(row.tier).name.say(owed.speaks()),
                "rm": row.rm.name if row.rm else "", "unit": row.unit.name, "step": words.step(steps.get(row.subject), now),
                "back": words.goes_back(row, bank, today), "pool": row.rm_id is None and row.is_open, "open": row.is_open,
            }
            for row in found[:ROWS]
        ],
        "view": view,
        "views": [
            {"text": text, "href": address(view=name, stage="", rm=""), "current": name == view, "count": count}
            for name, text, count in _views(request)
        ],
        "stages": [(value, text) for value, text in names(Prospect.Stage) if value not in ("won", "lost")],
        "sources": names(Prospect.Source),
        "asked": asked,
        "people": _people(request) if view == "team" else [],
        "chosen": any(asked[name] for name in ("stage", "source", "rm")),
        "clear": address(stage="", source="", rm=""),
        "claims": "rm" in actor.roles and view == "pool",
        "may_enter": may(actor, "prospects.change"),
        "older": address(page=page + 1) if len(found) > ROWS else None,
        "start": address() if page > 1 else None,
        "files": [(kind, address(**{"as": kind})) for kind in FORMATS],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "prospects.html", context)


def _first(request: ActingRequest) -> str:
    return "mine" if "rm" in request.actor.roles else "team"


def _view(request: ActingRequest) -> str:
    asked = request.GET.get("view", "")
    return asked if asked in VIEWS else _first(request)


def _narrowed(request: ActingRequest, view: str, asked: dict[str, str]) -> Any:
    actor = request.actor
    rows = Prospect.objects.visible_to(actor)
    match view:
        case "mine":
            rows = rows.open().filter(rm__in=[actor.id, *actor.covers])
        case "team":
            rows = rows.open().filter(rm__isnull=False, keeper__among=actor.oversees)
        case "pool":
            rows = rows.open().filter(rm=None)
        case _:
            rows = rows.filter(stage__in=["won", "lost"])
    if asked["stage"] in Prospect.Stage.values:
        rows = rows.filter(stage=asked["stage"])
    if asked["source"] in Prospect.Source.values:
        rows = rows.filter(source=asked["source"])
    if rm := number(asked["rm"]):
        rows = rows.filter(rm=rm)
    return rows


def _views(request: ActingRequest) -> list[tuple[str, str, int | None]]:
    """The lists that the reader has, with how many are in each; one query."""
    actor = request.actor
    rows = Prospect.objects.visible_to(actor).open()
    counts = rows.aggregate(
        mine=Count("pk", filter=Q(rm__in=[actor.id, *actor.covers])), pool=Count("pk", filter=Q(rm=None)),
        team=Count("pk", filter=Q(rm__isnull=False, keeper__among=actor.oversees)),
    )  # fmt: skip
    views = []
    if "rm" in actor.roles:
        views.append(("mine", pgettext("prospects", "Mine"), counts["mine"]))
    if may(actor, "team.view"):
        views.append(("team", pgettext("prospects", "Team"), counts["team"]))
    return [*views, ("pool", gettext("Pool"), counts["pool"]), ("settled", gettext("Won and lost"), None)]


def _people(request: ActingRequest) -> list[tuple[str, str]]:
    seen = [keeper for keeper in request.actor.oversees if keeper > 0]
    held = Staff.objects.filter(pk__in=seen, prospects__isnull=False).distinct().order_by("number")
    return [(str(id), name) for id, name in held.values_list("pk", "name")[:300]]


def _file(request: ActingRequest, rows: list[Prospect]) -> HttpResponse:
    """Numbers stay masked. Days are written out: a file is read on another day."""
    steps, bank = words.steps(rows), bank_of(request)
    columns = [
        gettext("Name"), gettext("Employer"), gettext("Mobile"), gettext("Where from"), gettext("Interest"), gettext("Tier expected"), gettext("Stage"),
        gettext("Next step"), gettext("By when"), gettext("Relationship manager"), gettext("Unit"), gettext("Entered"), gettext("Last contact"), gettext("Goes back to the pool after"),
    ]  # fmt: skip
    lines = []
    for row in rows:
        owing = steps.get(row.subject)
        step = words.step(owing, request.now)
        last = pool.goes_back(row, bank)
        lines.append([
            row.name, row.employer, row.shown("mobile"), words.source(row), words.interest(row), bank.tier(row.tier).name.say(owed.speaks()),
            words.stage(row)[0], step["what"] if step else "", _until(owing) if owing else "", row.rm.name if row.rm else "", row.unit.name,
            local(row.at).date().isoformat(), local(row.contacted_at).date().isoformat() if row.contacted_at else "",
            last.isoformat() if last else "",
        ])  # fmt: skip
    return exported(request, "prospects", "market_prospect", columns, lines)


def _until(step: Obligation) -> str:
    """The day until whose end the step is owed."""
    return (local(step.due) - timedelta(seconds=1)).date().isoformat() if step.due else ""
