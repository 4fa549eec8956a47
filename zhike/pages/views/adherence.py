"""遵守情况 · How the code was kept, clause by clause, week by week or unit by unit: of those whom one oversees, clauses first; and of
oneself, which each sees as it is kept.

What owed something is measured on what fell due, the rest on the contacts that took place and the messages that were sent. Domain:
:mod:`zhike.conduct.measure`, :mod:`zhike.obligations.adherence`, :mod:`zhike.contacts.adherence`, :mod:`zhike.sms.adherence`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe

from zhike.conduct import clause, measure
from zhike.conduct.bank import Bank
from zhike.conduct.measure import ATTESTED, LAWFUL, OFFERED, TEXT_JUDGES, judges
from zhike.contacts.adherence import Held, held
from zhike.contacts.models import Contact
from zhike.obligations.adherence import Owed, fell_due, measured
from zhike.obligations.models import Finding, Obligation
from zhike.pages import kinds, owed
from zhike.pages.answer import number
from zhike.pages.jinja import clock, day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.period import Period, asked, midnight, offered
from zhike.pages.shell import bank_of
from zhike.people.models import Staff, Unit
from zhike.people.permissions import SIGNED_IN, may, policy
from zhike.people.posts import stations
from zhike.sms.adherence import Gone, gone

ROWS = 50
FEW = 5  # below it a share says nothing: counts alone
WEEKS = 15  # more of them stand as months
LEVELS = (98, 90, 80, 70)  # per cent, from which on a cell is how pale
KEPT, NOT_COUNTED = "in_time", frozenset({"open", "waived", "cannot"})
GRADES = ("observed", "tapped", "entered")


@policy("adherence.view")
@require_safe
def of_team(request: ActingRequest) -> HttpResponse:
    """``?period=`` or ``?from=&to=``; ``?by=unit``; ``?unit=`` or ``?staff=`` of one; ``?clause=&origin=&column=`` lists those behind,
    with ``&all=yes`` the kept ones too.
    """
    return _show(request, request.actor.team)


@policy(SIGNED_IN)
@require_safe
def of_mine(request: ActingRequest) -> HttpResponse:
    """The same about oneself, by weeks."""
    return _show(request, [request.actor.id], mine=True)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one obligation, one contact or ``times`` messages under a clause; ``column``: the week or unit it is shown in."""

    clause: str
    origin: str
    column: str
    fate: str
    grade: str
    owed: Owed | None = None
    held: Held | None = None
    gone: Gone | None = None

    @property
    def times(self) -> int:
        return self.gone.text.times if self.gone else 1

    @property
    def attested(self) -> bool:
        return self.held is not None and self.clause in ATTESTED

    @property
    def offered(self) -> bool:
        return self.owed is None and self.clause in OFFERED


def _show(request: ActingRequest, owners: list[int], mine: bool = False) -> HttpResponse:
    bank, today = bank_of(request), local(request.now).date()
    period = asked(request.GET, today)
    serve = stations(owners, today)
    unit, staff = (None, None) if mine else (_unit(request), _staff(request, owners))
    if unit:
        owners = [id for id in owners if id in serve and serve[id].path.startswith(unit.path)]
    if staff:
        owners = [staff.pk]
    by_unit = request.GET.get("by") == "unit" and not mine and staff is None
    columns = _units(owners, serve) if by_unit else _weeks(period, today)
    fates = _fates(request, owners, period, today, bank, _column(columns, by_unit, serve))
    if any(fate.column == "" for fate in fates):
        columns[""] = gettext("without a unit")
    here = reverse("my_adherence" if mine else "team_adherence")
    whose = {name: str(row.pk) for name, row in (("unit", unit), ("staff", staff)) if row}
    by = {"by": "unit"} if by_unit else {}

    def address(**more: str) -> str:
        return f"{here}?{urlencode({**period.address, **whose, **by, **more})}"

    context = {
        "mine": mine,
        "back": "team" if may(request.actor, "team.view") else "code",
        "title": staff.name if staff else unit.name if unit else "",
        "up": f"{here}?{urlencode({**period.address, **by})}" if unit or staff else None,
        "period": period,
        "today": today,
        "periods": offered(period, lambda name: f"{here}?{urlencode({**whose, **by, 'period': name})}"),
        "whose": {**whose, **by},
        "sides": [] if mine or staff else [
            {"text": gettext("By week"), "href": f"{here}?{urlencode({**period.address, **whose})}", "current": not by_unit},
            {"text": gettext("By unit"), "href": f"{here}?{urlencode({**period.address, **whose, 'by': 'unit'})}", "current": by_unit},
        ],
        "columns": [
            {"text": text, "href": f"{here}?{urlencode({**period.address, 'unit': name})}" if by_unit and name else None}
            for name, text in columns.items()
        ],
        "by_unit": by_unit,
        "groups": _groups(fates, columns, address),
        "people": [] if mine or staff or not (unit or len(set(serve.values())) == 1) else _people(owners, here, period),
        **_behind(request, fates, columns, address, bank),
    }  # fmt: skip
    return render(request, "adherence.html", context)


# ── whose, and in which column ──────────────────────────────────────────────────────────────────────────────────────


def _unit(request: ActingRequest) -> Unit | None:
    if not (text := request.GET.get("unit")):
        return None
    if unit := Unit.objects.filter(pk=number(text) or 0).first():
        return unit
    raise Http404


def _staff(request: ActingRequest, owners: Sequence[int]) -> Staff | None:
    if not (text := request.GET.get("staff")):
        return None
    if (id := number(text)) and id in owners:
        return Staff.objects.get(pk=id)
    raise Http404


def _people(owners: Sequence[int], here: str, period: Period) -> list[dict[str, str]]:
    """Whom a talk about the figures may be with, in the order of staff numbers and without a figure."""
    return [
        {"name": name, "href": f"{here}?{urlencode({**period.address, 'staff': str(id)})}"}
        for id, name in Staff.objects.filter(pk__in=owners).order_by("number").values_list("pk", "name")
    ]


def _weeks(period: Period, today: date) -> dict[str, str]:
    """The weeks of the period as far as they have begun, by the day they begin; where they are many, its months."""
    last = max(period.first, min(period.last, today))
    monday = period.first - timedelta(days=period.first.weekday())
    weeks = [monday + timedelta(days=7 * n) for n in range((last - monday).days // 7 + 1)]
    if len(weeks) <= WEEKS:
        return {week.isoformat(): day_text(max(week, period.first), today, weekday=False) for week in weeks}
    months = sorted({(first + timedelta(days=step)).replace(day=1) for first in weeks for step in (0, 6)})
    return {f"{month:%Y-%m}": f"{month:%Y-%m}" for month in months if month <= last}


def _units(owners: Sequence[int], serve: Mapping[int, Unit]) -> dict[str, str]:
    found = sorted({serve[id] for id in owners if id in serve}, key=lambda unit: unit.code)
    return {str(unit.pk): unit.name for unit in found}


def _column(columns: Mapping[str, str], by_unit: bool, serve: Mapping[int, Unit]) -> Callable[[int, date], str]:
    months = any(len(name) == 7 for name in columns)

    def column(owner: int, day: date) -> str:
        if by_unit:
            return str(serve[owner].pk) if owner in serve else ""
        return f"{day:%Y-%m}" if months else (day - timedelta(days=day.weekday())).isoformat()

    return column


# ── what became of each ─────────────────────────────────────────────────────────────────────────────────────────────


def _fates(
    request: ActingRequest, owners: Sequence[int], period: Period, today: date, bank: Bank,
    column: Callable[[int, date], str],
) -> list[Fate]:  # fmt: skip
    """What fell due from the first day to the last, or to today, and what these held; in the order of clauses."""
    begin, end = midnight(period.first, bank), midnight(min(period.last, today) + timedelta(days=1), bank)
    found = []
    for each in measured(fell_due(request.actor, owners, begin, end)):
        kept = each.kept
        if kept.force != "may" and kept.state != "withdrawn":
            at = column(each.owner, local(each.when - timedelta(seconds=1)).date())
            fate, grade = measure.fate(kept, request.now), str(kept.evidence.get("grade", "observed"))
            found.append(Fate(kept.clause, kept.origin, at, fate, grade if kept.state == "done" else "", owed=each))
    judging = judges(visit_length=bank.visit_length, call_length=bank.call_length)
    for talk in held(owners, begin, end, bank=bank):
        at = column(talk.holder, local(talk.began).date())
        for id, judge in judging.items():
            if (judged := judge(talk.talk)) is not None:
                origin = "law" if id in LAWFUL else "code"
                found.append(Fate(id, origin, at, KEPT if judged else "not_kept", "", held=talk))
    for text in gone(request.actor, owners, begin, end, bank=bank):
        at = column(text.holder, text.day)
        for id, way in TEXT_JUDGES.items():
            if (judged := way(text.text)) is not None:
                found.append(Fate(id, "code", at, KEPT if judged else "not_kept", "", gone=text))
    order = list(clause.load())
    return sorted(found, key=lambda fate: order.index(fate.clause))


def _groups(fates: Sequence[Fate], columns: Mapping[str, str], address: Callable[..., str]) -> list[dict[str, Any]]:
    """The code's own clauses as the system saw them, what RMs attested, what the bank or the law adds, what is only offered:
    never put together.
    """
    titles = {
        "code": gettext("The conduct code, as the system saw it"), "attested": gettext("The conduct code, attested by a tap"),
        "bank": gettext("(bank) what the bank adds"), "law": gettext("(law) what law and supervision ask"),
        "offered": gettext("Only offered: not doing it is no miss"),
    }  # fmt: skip
    groups = []
    for name, title in titles.items():
        of_group = [fate for fate in fates if _group(fate) == name]
        of_clause: dict[str, list[Fate]] = {}
        for fate in of_group:
            of_clause.setdefault(fate.clause, []).append(fate)
        if of_clause:
            rows = [_row(id, rows, columns, address, name) for id, rows in of_clause.items()]
            groups.append({"name": name, "title": title, "rows": rows})
    return groups


def _group(fate: Fate) -> str:
    return "offered" if fate.offered else "attested" if fate.attested else fate.origin


def _row(
    id: str, fates: Sequence[Fate], columns: Mapping[str, str], address: Callable[..., str], group: str
) -> dict[str, Any]:
    of_column: dict[str, list[Fate]] = {name: [] for name in columns}
    for fate in fates:
        of_column.setdefault(fate.column, []).append(fate)
    leads = {"clause": id, "origin": fates[0].origin}
    return {
        "clause": id,
        "tip": owed.tip(id),
        "title": clause.load()[id].title.say(owed.speaks()),
        "cells": [
            _cell(of_column[name], f"{address(**leads, column=name)}#behind", text, group) for name, text in columns.items()
        ],
        "whole": _cell(fates, f"{address(**leads)}#behind", gettext("whole period"), group),
    }  # fmt: skip


def _cell(fates: Sequence[Fate], href: str, column: str, group: str) -> dict[str, Any] | None:
    """A share in per cent with its counts; counts alone where they are few; None where nothing was owed."""
    if not fates:
        return None
    counted = [fate for fate in fates if fate.fate not in NOT_COUNTED]
    kept, of = sum(fate.times for fate in counted if fate.fate == KEPT), sum(fate.times for fate in counted)
    share = int(100 * kept / of) if of else None
    few = of < FEW or group == "offered"
    said = (
        gettext("%(kept)s of %(of)s kept") % {"kept": kept, "of": of}
        if of
        else gettext("%(n)s open") % {"n": len(fates)}
    )
    return {
        "href": href,
        "look": "none" if not of else "few" if few else str(sum(share < level for level in LEVELS)),  # type: ignore[operator]
        "figure": "…" if not of else f"{kept}/{of}" if few else str(share),
        "counts": f"{kept}/{of}" if of and not few else "",
        "share": share,
        "label": f"{column}: {said}",
    }


# ── those behind a cell ─────────────────────────────────────────────────────────────────────────────────────────────


def _words() -> dict[str, str]:
    return {
        "in_time": pgettext("adherence", "in time"), "late": pgettext("adherence", "late"), "early": pgettext("adherence", "too early"),
        "open": pgettext("adherence", "open, in its time"), "overdue": pgettext("adherence", "open, past its time"),
        "missed": pgettext("adherence", "missed"), "waived": pgettext("adherence", "let go"),
        "cannot": pgettext("adherence", "cannot be done"), "not_kept": pgettext("adherence", "not kept"),
    }  # fmt: skip


def _behind(
    request: ActingRequest, fates: Sequence[Fate], columns: Mapping[str, str], address: Callable[..., str], bank: Bank
) -> dict[str, Any]:
    """The obligations, contacts or messages of one cell, the latest first: those that were not kept, or all of them."""
    given = request.GET
    id, origin, column = given.get("clause", ""), given.get("origin", "code"), given.get("column")
    if id not in clause.load():
        return {"behind": None}
    of_cell = [fate for fate in fates if (fate.clause, fate.origin) == (id, origin) and column in {None, fate.column}]
    lacking = [fate for fate in of_cell if fate.fate not in {KEPT, *NOT_COUNTED}]
    every = given.get("all") == "yes"
    chosen = sorted(of_cell if every else lacking, key=lambda fate: _moment(fate, bank), reverse=True)
    page = min(max(1, number(given.get("page")) or 1), 10_000)
    shown = chosen[(page - 1) * ROWS : page * ROWS]
    leads = {"clause": id, "origin": origin, **({"column": column} if column is not None else {})}
    more = {**leads, "all": "yes"} if every else leads
    grades = Counter(fate.grade for fate in of_cell if fate.grade)
    return {
        "behind": {
            "title": " · ".join(part for part in (f"{id} {clause.load()[id].title.say(owed.speaks())}", columns.get(column or "")) if part),
            "attested": any(fate.attested for fate in of_cell),
            "grades": [grades[grade] for grade in GRADES] if grades else None,
            "sides": [
                {"text": gettext("Not kept"), "href": f"{address(**leads)}#behind", "current": not every, "count": sum(fate.times for fate in lacking)},
                {"text": pgettext("adherence", "All"), "href": f"{address(**leads, all='yes')}#behind", "current": every, "count": sum(fate.times for fate in of_cell)},
            ],
            "rows": _rows(request, shown, bank),
            "older": f"{address(**more, page=str(page + 1))}#behind" if len(chosen) > page * ROWS else None,
            "start": f"{address(**more)}#behind" if page > 1 else None,
        }
    }  # fmt: skip


def _moment(fate: Fate, bank: Bank) -> tuple[datetime, int]:
    if fate.owed:
        return fate.owed.when, fate.owed.id
    if fate.held:
        return fate.held.began, fate.held.contact
    assert fate.gone
    return midnight(fate.gone.day + timedelta(days=1), bank), fate.gone.finding or 0


def _rows(request: ActingRequest, fates: Iterable[Fate], bank: Bank) -> list[dict[str, Any]]:
    """Four queries, whatever their number."""
    fates = list(fates)
    owing = Obligation.objects.select_related("owner", "customer").in_bulk(
        [fate.owed.id for fate in fates if fate.owed]
    )
    talks = Contact.objects.visible_to(request.actor).select_related("held_by", "customer").in_bulk([fate.held.contact for fate in fates if fate.held])  # fmt: skip
    texts = [fate.gone for fate in fates if fate.gone]
    found = Finding.objects.select_related("customer").in_bulk([text.finding for text in texts if text.finding])
    names = dict(Staff.objects.filter(pk__in={text.holder for text in texts}).values_list("pk", "name"))
    rows = []
    for fate in fates:
        if fate.owed and (o := owing.get(fate.owed.id)):
            rows.append(_obligation(fate, o, request.now, bank))
        elif fate.held and (c := talks.get(fate.held.contact)):
            rows.append(_contact(fate, c, request.now, bank))
        elif text := fate.gone:
            rows.append(_texts(fate, text, names.get(text.holder, ""), found.get(text.finding or 0), request.now, bank))
    return rows


def _line(fate: Fate, at: datetime, customer: Any, now: datetime, bank: Bank) -> dict[str, Any]:
    late = fate.fate not in {KEPT, *NOT_COUNTED}
    return {
        "look": "late" if late else "done" if fate.fate == KEPT else "later",
        "when": clock(at),
        "sub": day_text(local(at - timedelta(seconds=1)).date(), local(now).date(), weekday=False),
        "due": None,
        "who": owed.person(customer.pk, customer.name, customer.honorific, customer.tier, bank, customer.kind)
        if customer
        else None,
        "title_sub": "",
        "clause": "",
        "not_yet": None,
        "window": None,
    }


def _obligation(fate: Fate, o: Obligation, now: datetime, bank: Bank) -> dict[str, Any]:
    assert fate.owed
    return {
        **_line(fate, fate.owed.when, o.customer, now, bank),
        "id": f"o{o.pk}",
        "icon": owed.ICONS[o.kind],
        "title": o.owner.name,
        "what": f"{o.owner.name} · {owed.words(o.what)}",
        "because": " · ".join(part for part in (_words()[fate.fate], owed.words(o.why)) if part),
        "do": {"text": pgettext("button", "Open"), "href": reverse("obligation", args=[o.pk]), "method": "get", "icon": None},
    }  # fmt: skip


def _contact(fate: Fate, c: Contact, now: datetime, bank: Bank) -> dict[str, Any]:
    assert fate.held
    who = c.held_by.name if c.held_by else ""
    about = " · ".join(part for part in (who, kinds.noun(c.kind), kinds.purpose(c.purpose, c.purpose_words)) if part)
    return {
        **_line(fate, fate.held.began, c.customer, now, bank),
        "id": f"c{c.pk}",
        "icon": kinds.ICONS[c.kind],
        "title": who,
        "what": about,
        "because": pgettext("adherence", "kept") if fate.fate == KEPT else _words()["not_kept"],
        "do": {"text": pgettext("button", "Open"), "href": reverse("record", args=[c.pk]), "method": "get", "icon": None},
    }  # fmt: skip


def _texts(fate: Fate, text: Gone, holder: str, found: Finding | None, now: datetime, bank: Bank) -> dict[str, Any]:
    """The messages of one day that went alike; one that was found against S1 stands by itself, and leads to what it was sent for."""
    way = gettext("from one's own phone") if text.text.own_phone else gettext("through a platform of the bank's")
    sent = f"{gettext('%(n)s SMS') % {'n': text.text.times}} · {way}"
    obligation = found.subject.removeprefix("obligation:") if found else ""
    at = found.at if found else midnight(text.day + timedelta(days=1), bank)
    return {
        **_line(fate, at, found.customer if found else None, now, bank),
        **({} if found else {"when": day_text(text.day, local(now).date(), weekday=False), "sub": ""}),
        "id": f"s{text.finding}" if found else f"s{text.holder}-{text.day}-{text.text.own_phone:d}{text.text.thanks:d}",
        "icon": "bubble",
        "title": holder,
        "what": f"{holder} · {owed.words(found.what)}" if found else sent,
        "because": found.reason if found else gettext("Thanks by SMS") if text.text.thanks else "",
        "do": {"text": pgettext("button", "Open"), "href": reverse("obligation", args=[obligation]), "method": "get", "icon": None}
        if obligation.isdecimal() else None,
    }  # fmt: skip
