"""集中外呼 · Calls with many customers of a list planned for one day: who, when, what about; who cannot be, and why.

Domain: :func:`zhike.contacts.round.plan_round`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from zhike.conduct import guard
from zhike.conduct.calendars import Workdays
from zhike.contacts.course import DoesNotFit
from zhike.contacts.models import Contact
from zhike.contacts.round import MOST, Kept, left_out, plan_round
from zhike.customers.models import Customer
from zhike.pages import ahead, owed
from zhike.pages.answer import moment, moved, number, tapped, time_missing
from zhike.pages.jinja import clock, day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import workdays
from zhike.people.actor import Actor
from zhike.people.models import Staff
from zhike.people.permissions import policy

# What a call of one's own accord is about; the others follow from what has happened, a customer at a time.
PURPOSES = ("care", "birthday", "maturity", "need", "invitation", "service", "introduction", "other")


@policy("contacts.change")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """``?customer=1&customer=2`` those who were ticked, ``purpose`` what their list suggests; POST plans and says who stayed out."""
    given = request.POST if request.method == "POST" else request.GET
    customers = _ticked(request, given)
    if request.method != "POST":
        return _page(request, customers, given)
    bank, now = bank_of(request), request.now
    begins = moment(tapped(given, "step", "day"), given.get("time", ""), bank)
    if begins is None:
        return _page(request, customers, given, {"day": time_missing()})
    try:
        made = plan_round(
            customers,
            begins=begins,
            purpose=given.get("purpose", ""),
            purpose_words=given.get("purpose_words", "").strip(),
            actor=request.actor,
            now=now,
            bank=bank,
        )
    except DoesNotFit as misfit:
        field = "day" if misfit.field == "begins" else misfit.field
        return _page(request, customers, given, {field: misfit.words.say(owed.speaks())})
    day = local(begins).date()
    said = ngettext("%(n)s call planned for %(day)s.", "%(n)s calls planned for %(day)s.", len(made.planned)) % {
        "n": len(made.planned), "day": day_text(day, local(now).date()),
    }  # fmt: skip
    schedules = _schedules(made.planned, day, request.actor)
    if not made.kept and len(schedules) == 1:
        return moved(request, schedules[0][1], said)
    context = {
        "said": said,
        "planned": [
            {
                "who": _who(each.customer, request),
                "when": clock(each.planned_for or begins),
                "first": _other(each.purpose, given),
            }
            for each in made.planned
        ],
        "kept": [_kept(each, request) for each in made.kept],
        "schedules": schedules,
        "tip": owed.tip,
    }
    return render(request, "round_made.html", context)


def _schedules(planned: Sequence[Contact], day: date, actor: Actor) -> list[tuple[str, str]]:
    """Where the calls stand, each with whose schedule it is: one's own has no name. A leader's round stands in the RMs'."""
    week = f"{reverse('schedule')}?from={day - timedelta(days=day.weekday())}"
    rms = {each.rm_id for each in planned}
    found = Staff.objects.filter(pk__in=rms - {actor.id}).order_by("pk").values_list("pk", "name")
    others = [(name, f"{week}&of={id}#d{day}") for id, name in found]
    own = [("", f"{week}#d{day}")] if actor.id in rms or not others else []
    return own + others


def _other(purpose: str, given: QueryDict) -> bool:
    """A first call, which introduces although something else was chosen."""
    return purpose == "introduction" != given.get("purpose")


def _ticked(request: ActingRequest, given: QueryDict) -> list[Customer]:
    """The customers named, as far as they are in sight, in the order of the list that they were ticked in."""
    ids = list(dict.fromkeys(id for text in given.getlist("customer") if (id := number(text))))[: MOST + 1]
    found = {each.pk: each for each in Customer.objects.visible_to(request.actor).filter(pk__in=ids)}
    return [found[id] for id in ids if id in found]


def _page(
    request: ActingRequest, customers: list[Customer], given: QueryDict, said: dict[str, str] | None = None
) -> HttpResponse:
    bank, now = bank_of(request), request.now
    out = left_out(customers, actor=request.actor, now=now, bank=bank)
    kept = {each.customer.pk for each in out}
    today = local(now).date()
    open = workdays.ahead(today)
    days = ahead.days(now, open)
    context = {
        "callable": [
            {
                "who": _who(each, request),
                "silent": day_text(local(each.last_contact_at).date(), today, weekday=False) if each.last_contact_at else gettext("never yet"),
            }
            for each in customers
            if each.pk not in kept
        ],
        "kept": [_kept(each, request) for each in out],
        "most": MOST,
        "purposes": [(key, guard.PURPOSES[key].say(owed.speaks())) for key in PURPOSES],
        "steps": [*_today(now, open), *days],
        "given": given,
        "day": tapped(given, "step", "day") or days[0][0],
        "said": said or {},
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "round.html", context, status=422 if said else 200)


def _today(now: datetime, open: Workdays) -> list[tuple[str, str]]:
    """Today, while there is time left to call, if the bank works."""
    at = local(now)
    return [(at.date().isoformat(), gettext("today"))] if at.hour < 17 and open.may_work(at.date()) else []


def _who(customer: Customer, request: ActingRequest) -> dict[str, Any]:
    c = customer
    return owed.person(c.pk, c.name, c.honorific, c.tier, bank_of(request), c.kind)


def _kept(each: Kept, request: ActingRequest) -> dict[str, Any]:
    return {
        "who": _who(each.customer, request),
        "why": each.words.say(owed.speaks()),
        "clause": each.clause,
        "contact": each.contact,
    }
