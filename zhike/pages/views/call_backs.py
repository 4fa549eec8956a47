"""守约回电 · Agreed call-backs by their minutes (C5): of those whom one leads, the team first; and one's own, which each sees as it is
kept.

Domain: :mod:`zhike.conduct.measure`, :mod:`zhike.obligations.call_backs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.measure import EDGES, FATES, CallBacks, call_backs
from zhike.obligations import call_backs as ledger
from zhike.obligations.models import Obligation, State
from zhike.pages import histogram, owed
from zhike.pages.answer import number
from zhike.pages.jinja import clock, day_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.period import asked, midnight, offered
from zhike.pages.shell import bank_of
from zhike.people.models import Staff, Unit
from zhike.people.permissions import SIGNED_IN, policy

ROWS = 50


@policy("team.view")
@require_safe
def of_team(request: ActingRequest) -> HttpResponse:
    """``?period=week|month|quarter`` or ``?from=&to=``; ``?unit=`` or ``?staff=`` of one; ``?fate=`` or ``?bin=`` lists those behind."""
    return _show(request, request.actor.team)


@policy(SIGNED_IN)
@require_safe
def of_mine(request: ActingRequest) -> HttpResponse:
    """The same about oneself."""
    return _show(request, [request.actor.id], mine=True)


def _show(request: ActingRequest, owners: list[int], mine: bool = False) -> HttpResponse:
    bank = bank_of(request)
    today = local(request.now).date()
    period = asked(request.GET, today)
    unit, staff = (None, None) if mine else (_unit(request), _staff(request, owners))
    begin, end = midnight(period.first, bank), midnight(period.last + timedelta(days=1), bank)
    rows = ledger.called_back(
        [staff.pk] if staff else owners, begin, end, now=request.now, day=today, below=unit.pk if unit else None
    )
    made = call_backs(row.made for row in rows)
    whose: dict[str, int] = {name: row.pk for name, row in (("unit", unit), ("staff", staff)) if row}
    here = reverse("my_call_backs" if mine else "team_call_backs")

    def address(**more: Any) -> str:
        return f"{here}?{urlencode({**period.address, **whose, **more})}"

    def of_period(name: str) -> str:
        return f"{here}?{urlencode([*whose.items(), ('period', name)])}"

    units = [list(group) for _, group in groupby(rows, key=lambda row: row.unit)]
    # Units before persons; persons only of the one that is looked at.
    near = unit.pk if unit else units[0][0].unit if len(units) == 1 else 0
    context = {
        "mine": mine,
        "tip": owed.tip("C5"),
        "title": staff.name if staff else unit.name if unit else "",
        "up": f"{here}?{urlencode(period.address)}" if unit or staff else None,
        "period": period,
        "today": today,
        "periods": offered(period, of_period),
        "whose": whose,
        "owed": made.owed,
        "fates": [_fate(fate, made, address) for fate in FATES],
        "by_customer": made.by_customer,
        "by_customer_href": f"{address(fate='by_customer')}#behind",
        "told": made.told,
        "picture": histogram.picture(made),
        "bands": histogram.told(list(made.tolerances)),
        "bins": [_bin(n, bin, address) for n, bin in enumerate(made.bins) if bin],
        "units": [
            _group(group[0].unit_name or gettext("without a unit"), group, address(unit=group[0].unit) if group[0].unit else "")
            for group in units if group[0].unit != near
        ],
        "people": [_group(group[0].name, group, address(staff=group[0].staff)) for group in _by_person(rows, near)]
        if not mine and not staff else [],
        **_behind(request, {row.staff for row in rows}, begin, end, bank, address),
    }  # fmt: skip
    return render(request, "call_backs.html", context)


# ── whose ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _unit(request: ActingRequest) -> Unit | None:
    if not (text := request.GET.get("unit")):
        return None
    if unit := Unit.objects.filter(pk=number(text) or 0).first():
        return unit
    raise Http404


def _staff(request: ActingRequest, owners: Sequence[int]) -> Staff | None:
    if not (text := request.GET.get("staff")):
        return None
    if (asked := number(text)) and asked in owners:
        return Staff.objects.get(pk=asked)
    raise Http404


def _by_person(rows: Sequence[ledger.Whose], unit: int | None) -> list[list[ledger.Whose]]:
    near = (row for row in rows if row.unit == unit)
    return [list(group) for _, group in groupby(near, key=lambda row: row.staff)]


def _group(name: str, rows: Sequence[ledger.Whose], href: str) -> dict[str, Any]:
    made = call_backs(row.made for row in rows)
    return {"name": name, "href": href, "owed": made.owed, "fates": [made.fates[fate] for fate in FATES]}


# ── what became of them ─────────────────────────────────────────────────────────────────────────────────────────────

LOOKS = {"early": ("late", "wrong"), "kept": ("on", "check"), "late": ("late", "alert"), "never": ("late", "missed"), "open": (None, "clock")}  # fmt: skip
GRADES = ("observed", "tapped", "entered")


def _words() -> dict[str, str]:
    return {
        "early": pgettext("call-back", "early"), "kept": pgettext("call-back", "kept"), "late": pgettext("call-back", "late"),
        "never": pgettext("call-back", "never"), "open": pgettext("call-back", "still to come"),
        "by_customer": gettext("the customer rang first"),
    }  # fmt: skip


def _fate(fate: str, made: CallBacks, address: Any) -> dict[str, Any]:
    look, icon = LOOKS[fate]
    grades = made.grades.get(fate, {})
    return {
        "name": fate,
        "words": _words()[fate],
        "look": look,
        "icon": icon,
        "n": made.fates[fate],
        "href": f"{address(fate=fate)}#behind",
        "grades": [grades.get(grade, 0) for grade in GRADES] if fate in {"early", "kept", "late"} else None,
    }


def _bin(n: int, bin: Mapping[str, int], address: Any) -> dict[str, Any]:
    judged = gettext(", ").join(f"{_words()[fate]} {bin[fate]}" for fate in histogram.FATES if bin.get(fate))
    return {"label": histogram.label(n), "n": sum(bin.values()), "judged": judged, "href": f"{address(bin=n)}#behind"}


def _behind(
    request: ActingRequest, owners: set[int], begin: datetime, end: datetime, bank: Bank, address: Any
) -> dict[str, Any]:
    """The call-backs behind a figure, in the order of their minutes, each leading to its obligation."""
    fate, bin = request.GET.get("fate", ""), number(request.GET.get("bin"))
    rows = ledger.each(request.actor, owners, begin, end)
    if fate in _words():
        title, more, rows = _words()[fate], {"fate": fate}, rows.filter(ledger.with_fate(fate, request.now))
    elif bin is not None and bin <= len(EDGES):
        title, more, rows = histogram.label(bin), {"bin": str(bin)}, rows.filter(ledger.in_bin(bin))
    else:
        return {"behind": None}
    page = min(max(1, number(request.GET.get("page")) or 1), 10_000)
    found = list(rows[(page - 1) * ROWS : page * ROWS + 1])
    notices = ledger.notices(found[:ROWS])
    return {
        "behind": {
            "title": title,
            "rows": [_row(row, notices[row.pk], request.now, bank) for row in found[:ROWS]],
            "older": f"{address(**more, page=page + 1)}#behind" if len(found) > ROWS else None,
            "start": f"{address(**more)}#behind" if page > 1 else None,
        }
    }


def _row(o: Obligation, notices: Sequence[Obligation], now: datetime, bank: Bank) -> dict[str, Any]:
    assert o.target
    fate = _fate_of(o, now)
    said = [f"{_words()[fate]} {histogram.off(o.evidence['minutes'])}" if "minutes" in o.evidence else _words()[fate]]
    if o.evidence.get("incoming"):
        said.append(_words()["by_customer"])
    said += [_noticed(notice, now) for notice in notices]
    c = o.customer
    return {
        "id": f"o{o.pk}",
        "look": "late" if fate == "never" else "done" if fate == "kept" else "later",
        "icon": "phone",
        "when": clock(o.target),
        "sub": day_text(local(o.target).date(), local(now).date()),
        "due": None,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind) if c else None,
        "title": o.owner.name,
        "title_sub": "",
        "what": f"{o.owner.name} · {said[0]}",
        "clause": o.clause,
        "tip": owed.tip(o.clause),
        "because": " · ".join(said[1:]),
        "why_href": reverse("why", args=[o.pk]),
        "do": {"text": pgettext("button", "Open"), "href": reverse("obligation", args=[o.pk]), "method": "get", "icon": None},
        "not_yet": None,
        "window": None,
    }  # fmt: skip


def _fate_of(o: Obligation, now: datetime) -> str:
    if o.state == State.DONE:
        return str(o.evidence.get("kept") or "kept")
    return "never" if o.state == State.MISSED or o.is_late(now) else "open"


def _noticed(notice: Obligation, now: datetime) -> str:
    """The leader's notice beside a call-back that was not made, and whether it was looked into."""
    said = {"who": notice.owner.name, "time": when_text(notice.created_at, now)}
    if notice.state == State.DONE:
        return gettext("%(who)s was told %(time)s and has looked into it") % said
    return gettext("%(who)s was told %(time)s") % said
