"""阅知规范 · The version of the code in force, read and acknowledged in one tap (W6); and, for those who lead or watch, who has and who has not.

Domain: :mod:`zhike.obligations.acknowledgements`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct import clause
from zhike.conduct.clause import Change
from zhike.obligations import acknowledgements
from zhike.obligations.acknowledgements import Reader
from zhike.obligations.models import Acknowledgement, Obligation, State
from zhike.pages import owed
from zhike.pages.answer import in_course, moved, number
from zhike.pages.exported import FORMATS, exported, wanted
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.obligation import FORCES
from zhike.people.permissions import may, policy

STATES = ("open", "late", "read")


def states() -> dict[str, str]:
    return {
        "open": pgettext("acknowledgement", "not yet"), "late": pgettext("acknowledgement", "late"),
        "read": pgettext("acknowledgement", "read"),
    }  # fmt: skip


@policy("clauses.view")
@require_safe
def read(request: ActingRequest) -> HttpResponse:
    """What is new in the code since the reader's last acknowledgement, old and new words side by side; without one, all of it. Once
    acknowledged it shows what this version changed against the one before.
    """
    today = local(request.now).date()
    code, of = clause.load(), acknowledgements.version(today)
    last = acknowledgements.last_read(request.actor)
    done = last is not None and last.version == of
    earlier = [day for day in code.versions(today) if day != of]
    since = (earlier[-1] if earlier else None) if done else last.version if last else None
    owing = Obligation.objects.filter(owner=request.actor.id, kind=acknowledgements.KIND, state=State.OPEN)
    context = {
        "of": of,
        "since": since,
        "done": last if done else None,
        "due": None if done else owing.order_by("due").values_list("due", flat=True).first(),
        "changes": [_change(each) for each in code.changes(since, today)],
        "all": len(code),
        "past": [row for row in Acknowledgement.objects.filter(staff=request.actor.id).order_by("-version") if row.version != of],
        "may": may(request.actor, "clauses.acknowledge"),
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "code_read.html", context)


def _change(change: Change) -> dict[str, Any]:
    speaks, c = owed.speaks(), change.clause
    return {
        "id": c.id,
        "title": c.title.say(speaks),
        "force": FORCES[c.force](),
        "before": change.before.say(speaks) if change.before else "",
        "now": change.now.say(speaks),
        "same": change.before == change.now,
    }


@policy("clauses.acknowledge")
@require_POST
@in_course
def acknowledge(request: ActingRequest) -> HttpResponse:
    """One tap: read, and will be kept. The version that was read is sent along: another may have come into force meanwhile."""
    of = _day(request.POST.get("version", ""))
    today = local(request.now).date()
    acknowledgements.acknowledge(of or today, actor=request.actor, now=request.now, bank=bank_of(request))
    return moved(request, reverse("code_read"), gettext("Kept: read, and you will keep it."))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# ── who has and who has not ─────────────────────────────────────────────────────────────────────────────────────────


@policy("team.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?version=2025-07-01&unit=3&state=late&as=csv``: counts by unit; below them by name those whom the reader leads, and the reader."""
    today, bank = local(request.now).date(), bank_of(request)
    versions = clause.load().versions(today)
    of = _day(request.GET.get("version", ""))
    of = of if of in versions else acknowledgements.version(today)
    everybody = acknowledgements.readers(of, request.actor, now=request.now, bank=bank) if of else []
    unit, state = number(request.GET.get("unit")), request.GET.get("state", "")
    asked = {
        "version": of.isoformat() if of and of != versions[-1] else "",
        "unit": unit,
        "state": state if state in STATES else "",
    }
    units = {each.unit.pk: each.unit for each in everybody}
    rows = [each for each in everybody if unit is None or each.unit.pk == unit]
    counts = _counts(rows, request)
    me = request.actor.id
    led = [each for each in rows if each.staff.pk == me or request.actor.leads(each.staff.pk)]
    led = led if any(each.staff.pk != me for each in led) else []  # who only watches over it reads counts alone
    people = [each for each in led if not asked["state"] or each.state(request.now) == asked["state"]]
    if wanted(request):
        return _file(request, units, rows, people if led else None)

    def address(**more: Any) -> str:
        values = {name: value for name, value in {**asked, **more}.items() if value}
        return f"{reverse('acknowledgements')}?{urlencode(values)}"

    context = {
        "of": of,
        "versions": [
            {"text": f"{day:%Y-%m-%d}", "href": address(version=day.isoformat() if day != versions[-1] else ""), "current": day == of}
            for day in reversed(versions)
        ],
        "unit": units.get(unit) if unit else None,
        "everywhere": address(unit=""),
        "total": len(rows),
        "counts": counts,
        "units": [
            {"name": each.name, "href": address(unit=pk), **_counts([row for row in rows if row.unit.pk == pk], request)}
            for pk, each in units.items()
            if unit in (None, pk)
        ],
        "tabs_of": [
            {"text": gettext("All"), "href": address(state=""), "count": len(led), "current": not asked["state"]},
            *(
                {"text": words, "href": address(state=name), "count": _counts(led, request)[name], "current": asked["state"] == name}
                for name, words in states().items()
            ),
        ],
        "people": [_line(each, request) for each in people],
        "leads": bool(led),
        "files": [(kind.upper(), f"{address()}{'&' if any(asked.values()) else ''}as={kind}") for kind in FORMATS],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "acknowledgements.html", context)


def _counts(rows: Iterable[Reader], request: ActingRequest) -> dict[str, int]:
    counted = Counter(each.state(request.now) for each in rows)
    return {"all": sum(counted.values()), **{name: counted[name] for name in STATES}}


LOOKS = {"read": ("on", "check"), "late": ("late", "alert"), "open": (None, None)}


def _line(row: Reader, request: ActingRequest) -> dict[str, Any]:
    state = row.state(request.now)
    return {
        "name": row.staff.name, "number": row.staff.number, "unit": row.unit.name, "at": row.at, "due": row.due,
        "state": (states()[state], *LOOKS[state]),
    }  # fmt: skip


def _file(
    request: ActingRequest, units: dict[int, Any], rows: list[Reader], people: list[Reader] | None
) -> HttpResponse:
    """The persons whom the reader leads; whoever leads nobody takes the counts by unit along."""
    said, name, table = states(), "acknowledgements", "obligations_acknowledgement"
    if people is not None:
        columns = [
            gettext("Staff number"),
            gettext("Name"),
            gettext("Unit"),
            gettext("State"),
            gettext("Read at"),
            gettext("Due"),
        ]
        lines: list[list[Any]] = [
            [each.staff.number, each.staff.name, each.unit.name, said[each.state(request.now)], each.at, each.due]
            for each in people
        ]
        return exported(request, name, table, columns, lines)
    columns = [gettext("Unit"), gettext("bound by the code"), said["read"], said["open"], said["late"]]
    by_unit = [(unit, _counts([row for row in rows if row.unit.pk == pk], request)) for pk, unit in units.items()]
    lines = [[unit.name, n["all"], n["read"], n["open"], n["late"]] for unit, n in by_unit if n["all"]]
    return exported(request, name, table, columns, lines)
