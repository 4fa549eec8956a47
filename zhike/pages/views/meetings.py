"""晨会 夕会 · The team's morning and evening meetings (W1), drawn from the plans of a day. On the phone, or printed on A4.

Domain: :mod:`zhike.work.meetings`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from zhike.conduct.bank import Bank
from zhike.customers.models import Holding
from zhike.pages import kinds, owed, planned
from zhike.pages.answer import number
from zhike.pages.jinja import clock, day_text, local, money, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import policy
from zhike.work.meetings import Meeting, Seat, meeting

MAIN = 5  # lines of each that the morning names
UNDONE = 20  # and that the evening does, of what was not done


@policy("team.view")
@require_safe
def morning(request: ActingRequest) -> HttpResponse:
    """``?day=2026-03-02&unit=7``: plan by plan, the main lines, appointments by the hour, birthdays and maturities, what has moved on."""
    return _page(request, "plan_morning", _morning)


@policy("team.view")
@require_safe
def evening(request: ActingRequest) -> HttpResponse:
    """``?day=2026-03-02&unit=7``: plan against done, what moves on and how often it has, what was said."""
    return _page(request, "plan_evening", _evening)


def _page(request: ActingRequest, name: str, seen: Any) -> HttpResponse:
    bank, now, today = bank_of(request), request.now, local(request.now).date()
    day = _day(request.GET.get("day", "")) or today
    found = meeting(request.actor, day, unit=number(request.GET.get("unit")), now=now, bank=bank)

    def to(page: str = name, **more: Any) -> str:
        asked = {"day": day.isoformat(), "unit": found.unit.pk if found.unit else "", **more}
        return f"{reverse(page)}?{urlencode({key: value for key, value in asked.items() if value})}"

    context = {
        "day": day_text(day, today),
        "is_today": day == today,
        "unit": found.unit,
        "units": [
            {"text": unit.name, "href": to(unit=unit.pk), "count": many, "current": found.unit is not None and unit.pk == found.unit.pk}
            for unit, many in found.units
        ] if len(found.units) > 1 else [],
        "before": to(day=day - timedelta(days=1)),
        "after": to(day=day + timedelta(days=1)),
        "other": to("plan_evening" if name == "plan_morning" else "plan_morning"),
        "seats": [{**_seat(each, bank, request), **seen(each, bank, request)} for each in found.seats],
        "fixed": sum(each.plan is not None for each in found.seats),
        "there": sum(not each.away for each in found.seats),
        "kept": found.kept,
        "rest": planned.states(found.kept),
        "beyond": sum(each.beyond for each in found.seats),
        "often": _often(found),
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, f"{name}.html", context)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1901 < day.year < 2100 else None


def _often(found: Meeting) -> int:
    return sum(line.line.carried >= 3 for seat in found.seats for line in seat.carried)


def _seat(seat: Seat, bank: Bank, request: ActingRequest) -> dict[str, Any]:
    now, plan = request.now, seat.plan
    late = (
        plan is not None
        and local(plan.fixed_at).date() == plan.first_day
        and local(plan.fixed_at).time() > bank.plan_due_at
    )
    state: tuple[str, str | None, str | None]
    if plan is not None:
        state = (gettext("fixed %(when)s") % {"when": when_text(plan.fixed_at, now)}, "soon" if late else "on", "check")
    elif seat.away:
        state = (gettext("on leave"), None, None)
    else:
        state = (
            gettext("not fixed"),
            "late" if seat.due and seat.due < now else None,
            "alert" if seat.due else "clock",
        )
    return {
        "id": seat.staff.pk,
        "name": seat.staff.name,
        "number": seat.staff.number,
        "plan": plan.pk if plan else None,
        "href": reverse("work_plan", args=[plan.pk]) if plan else "",
        "state": state,
        "kept": seat.kept,
        "rest": planned.states(seat.kept),
        "comments": [
            {"who": each.by.name, "when": when_text(each.at, now), "words": each.words} for each in seat.comments
        ],
        "may": plan is not None and request.actor.leads(seat.staff.pk),
    }


def _morning(seat: Seat, bank: Bank, request: ActingRequest) -> dict[str, Any]:
    now = request.now
    lines = [line for line in seat.lines if line.stands != "off"]
    carried = [line for line in seat.carried if line not in lines[:MAIN]]
    today = local(now).date()
    return {
        "main": [planned.line(line, bank, now) for line in lines[:MAIN]],
        "more": max(0, len(lines) - MAIN),
        "met": [
            {"at": clock(each.at) if each.at else "", "what": _met(each), "who": _person(each.customer, bank), "agreed": each.agreed or each.stands == "held", "held": each.stands == "held"}
            for each in seat.appointments
        ],
        "born": [_person(each, bank) for each in seat.birthdays],
        "maturing": [
            {"who": _person(each.customer, bank), "what": f"{each.product} {_amount(each)}", "when": day_text(each.matures_on, today)}
            for each in seat.maturing[:MAIN] if each.matures_on
        ],
        "maturing_more": max(0, len(seat.maturing) - MAIN),
        "carried": [planned.line(line, bank, now) for line in carried[:MAIN]],
        "carried_more": max(0, len(carried) - MAIN),
        "late": seat.late,
        "before": {
            "href": reverse("work_plan", args=[seat.before.pk]), "day": day_text(seat.before.first_day, today, weekday=False),
            "done": seat.before_kept.done, "of": seat.before_kept.counts,
        } if seat.before else None,
    }  # fmt: skip


def _amount(each: Holding) -> str:
    return money(each.amount) if each.currency == "CNY" else f"{each.amount:,.0f} {each.currency}"


def _evening(seat: Seat, bank: Bank, request: ActingRequest) -> dict[str, Any]:
    lines = [{**planned.line(line, bank, request.now), "n": n} for n, line in enumerate(seat.lines, 1)]
    undone = [line for line in lines if line["stands"] in {"open", "moved_on", "missed"}]
    return {
        "undone": undone[:UNDONE],
        "undone_more": max(0, len(undone) - UNDONE),
        "done": [line for line in lines if line["stands"] == "done"],
        "off": [line for line in lines if line["stands"] == "off"],
        "beyond": seat.beyond,
        "late": seat.late,
    }


def _met(each: Any) -> str:
    about = kinds.purpose(each.purpose, each.words)
    return " · ".join(part for part in (kinds.noun(each.kind), about, each.place) if part)


def _person(customer: Any, bank: Bank) -> dict[str, Any]:
    return owed.person(customer.pk, customer.name, customer.honorific, customer.tier, bank, customer.kind)
