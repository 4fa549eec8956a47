"""节日问候 · The coming festivals, and one of them: who is arranged, who cannot be greeted and why, who is open; arranged in a few taps.

Domain: :mod:`zhike.sms.greetings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import to_lunar
from zhike.conduct.festivals import FESTIVALS
from zhike.conduct.words import Refused
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.jinja import clock, day_text, language, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.models import Staff
from zhike.people.permissions import may, policy
from zhike.sms import greetings
from zhike.sms.greetings import Estimate, Occasion
from zhike.sms.models import Greeting, Wording

ROWS = 50
WITHIN, OF_TEAM = timedelta(days=365), 3
BOOKS = 300  # of those one oversees; whoever has more looks at one RM's
STANDS = ("arranged", "open", "no_consent", "no_mobile", "stopped", "left_out")


def named(stands: str) -> str:
    return {
        "arranged": pgettext("greeting", "arranged"),
        "open": pgettext("greeting", "open"),
        "no_consent": gettext("without consent"),
        "no_mobile": gettext("without a mobile number"),
        "stopped": gettext("contact stopped"),
        "left_out": pgettext("greeting", "left out"),
    }[stands]


@dataclass(frozen=True)
class Place:
    """A festival in somebody's book: what every part of the page is about."""

    occasion: Occasion
    staff: Staff
    bank: Bank

    def address(self, request: ActingRequest, name: str = "greeting", **more: Any) -> str:
        asked = ({"rm": self.staff.pk} if self.staff.pk != request.actor.id else {}) | more
        path = reverse(name, args=[self.occasion.key])
        return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


@policy("messages.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """The festivals to come that the bank greets, each with how far one's own book is; below, the books of those one oversees."""
    bank = bank_of(request)
    today = local(request.now).date()
    coming = [each for each in greetings.coming(today, bank, len(FESTIVALS)) if each.day < today + WITHIN]
    own = greetings.covered(coming, [request.actor.id], bank) if may(request.actor, "messages.send") else {}
    context = {
        "festivals": [
            _festival(each, own.get(each.key, {}).get(request.actor.id, {}), request, bank) for each in coming
        ],
        "serves": any(own.values()),
        **_team(request, coming[:OF_TEAM], bank),
    }
    return render(request, "greetings.html", context)


def _festival(each: Occasion, counts: dict[str, int], request: ActingRequest, bank: Bank) -> dict[str, Any]:
    today = local(request.now).date()
    lunar = to_lunar(each.day).name.say(owed.speaks())
    return {
        "key": each.key,
        "name": each.festival.name.say(owed.speaks()),
        "day": each.day,
        "lunar": lunar,
        "in": (each.day - today).days,
        "by": local(each.due(bank) - timedelta(minutes=1)).date(),
        "late": bool(counts.get("open")) and each.due(bank) <= request.now,
        "href": reverse("greeting", args=[each.key]),
        **_coverage(counts),
    }


def _coverage(counts: dict[str, int]) -> dict[str, Any]:
    """The bar and its figures: "240 人，已安排 212，未同意 9，未安排 19"; what is nought is not told."""
    every = sum(counts.values())
    parts = [f"{named(stands)} {counts[stands]}" for stands in STANDS if counts.get(stands)]
    said = ngettext("%(n)s customer", "%(n)s customers", every) % {"n": every}
    return {
        "all": every,
        "arranged": counts.get("arranged", 0),
        "open": counts.get("open", 0),
        "said": ("，" if language() == "zh" else ", ").join([said, *parts]),
    }


def _team(request: ActingRequest, coming: Sequence[Occasion], bank: Bank) -> dict[str, Any]:
    """The RMs whom one oversees, in the order of their numbers; each cell leads to that book."""
    whose = [keeper for keeper in request.actor.oversees if keeper > 0 and keeper != request.actor.id]
    if not whose or len(whose) > BOOKS:
        return {"team": [], "heads": [], "too_many": len(whose) > BOOKS}
    covered = greetings.covered(coming, whose, bank)
    rows = []
    for staff in Staff.objects.filter(pk__in=whose).order_by("number"):
        cells = [{**_coverage(covered.get(each.key, {}).get(staff.pk, {})), "late": each.due(bank) <= request.now,
                  "href": f"{reverse('greeting', args=[each.key])}?rm={staff.pk}"} for each in coming]  # fmt: skip
        if any(cell["all"] for cell in cells):
            rows.append({"name": staff.name, "cells": cells})
    heads = [each.festival.name.say(owed.speaks()) for each in coming]
    return {"team": rows, "heads": heads, "too_many": False}


@policy("messages.view")
@require_safe
def one(request: ActingRequest, occasion: str) -> HttpResponse:
    """``?tier=platinum&wording=7`` what would be arranged; ``?stands=open`` who stands so, ``&after=`` page by page; ``?rm=`` whose book."""
    return _page(request, _place(request, occasion))


def _place(request: ActingRequest, key: str) -> Place:
    bank = bank_of(request)
    occasion = greetings.occasion(key, bank)
    asked = number(request.GET.get("rm") or request.POST.get("rm")) or request.actor.id
    staff = Staff.objects.filter(pk=asked).first() if asked in request.actor.sees else None
    if occasion is None or staff is None:
        raise Http404
    return Place(occasion, staff, bank)


def _page(request: ActingRequest, place: Place, wrong: str = "", reason: str = "") -> HttpResponse:
    occasion, bank, today = place.occasion, place.bank, local(request.now).date()
    given = request.POST if request.method == "POST" else request.GET
    standing = greetings.coverage(occasion, [place.staff.pk], bank)
    counts: dict[str, int] = {}
    for row in standing:
        for stands, count in row.counts.items():
            counts[stands] = counts.get(stands, 0) + count
    known = {row.tier: row.counts.get("open", 0) for row in standing}
    tiers = [tier.key for tier in reversed(bank.tiers) if tier.key in given.getlist("tier") and tier.key in known]
    wordings = greetings.suiting(occasion, place.staff.pk)
    asked = number(given.get("wording"))
    wording = next((each for each in wordings if each.pk == asked), wordings[0] if wordings else None)
    acts = (
        may(request.actor, "messages.send")
        and place.staff.pk in request.actor.writes
        and request.now < occasion.sent_until(bank)
    )
    context = {
        "place": place,
        "name": occasion.festival.name.say(owed.speaks()),
        "day": occasion.day,
        "lunar": to_lunar(occasion.day).name.say(owed.speaks()),
        "in": (occasion.day - today).days,
        "by": local(occasion.due(bank) - timedelta(minutes=1)).date(),
        "late": bool(counts.get("open")) and occasion.due(bank) <= request.now,
        "of": place.staff.name if place.staff.pk != request.actor.id else "",
        "rm": place.staff.pk if place.staff.pk != request.actor.id else None,
        "here": place.address(request),
        "coverage": _coverage(counts),
        "acts": acts,
        "open": counts.get("open", 0),
        "tiers": [(key, f"{bank.tier(key).name.say(owed.speaks())} {known[key]}") for key in
                  (row.tier for row in standing) if known[key]],
        "chosen": tiers,
        "wordings": wordings,
        "wording": wording,
        "plan": _plan(request, place, tiers, wording) if acts and tiers and wording else None,
        "arranged": [_arranged(each, place) for each in greetings.arranged(occasion, place.staff.pk)],
        "wrong": wrong,
        "reason": reason,
        **_list(request, place, counts),
    }  # fmt: skip
    return render(request, "greeting.html", context, status=422 if wrong else 200)


def _plan(request: ActingRequest, place: Place, tiers: list[str], wording: Wording) -> dict[str, Any]:
    """Number, scope and moment, before anything is confirmed; what one of them gets, and what all of it costs."""
    try:
        found: Estimate = greetings.estimate(place.occasion, wording, tiers, place.staff.pk, place.bank)
    except Refused as refused:
        return {"unfilled": refused.words.say(owed.speaks()), "customers": 0}
    leaves = max(local(place.occasion.sent_from(place.bank)), local(request.now))
    scope = _scope(tiers, place.bank)
    moment = f"{day_text(leaves.date(), local(request.now).date(), weekday=False)} {clock(leaves)}"
    who = found.who
    return {
        "unfilled": "",
        "customers": found.customers,
        "segments": found.segments,
        "price": found.price(place.bank),
        "scope": scope,
        "moment": moment,
        "text": found.text,
        "who": owed.person(who["id"], who["name"], who["honorific"], who["tier"], place.bank, who["kind"]) if who else None,
        "button": gettext("Arrange %(n)s · %(scope)s · %(moment)s")
        % {"n": found.customers, "scope": scope, "moment": moment},
    }  # fmt: skip


def _scope(tiers: list[str], bank: Bank) -> str:
    """白金, 白金及以上, or the tiers one by one."""
    ranked = [tier.key for tier in reversed(bank.tiers)]
    lowest = bank.tier(tiers[-1]).name.say(owed.speaks())
    if len(tiers) > 1 and len(tiers) == len(ranked):
        return gettext("every tier")
    if len(tiers) > 1 and tiers == ranked[: len(tiers)]:
        return gettext("%(tier)s and above") % {"tier": lowest}
    return ("、" if language() == "zh" else ", ").join(bank.tier(key).name.say(owed.speaks()) for key in tiers)


def _arranged(greeting: Greeting, place: Place) -> dict[str, Any]:
    kept: Any = greeting
    return {
        "key": greeting.key,
        "scope": _scope([tier.key for tier in reversed(place.bank.tiers) if tier.key in greeting.tiers], place.bank),
        "many": kept.many,
        "left": kept.left,
        "title": greeting.wording.template.title["en" if language() == "en" else "zh"],
        "by": greeting.by.name,
        "at": greeting.at,
        "from": greeting.sent_from,
    }


def _list(request: ActingRequest, place: Place, counts: dict[str, int]) -> dict[str, Any]:
    """Who stands so, a page at a time."""
    asked = request.GET.get("stands", "")
    stands = asked if asked in STANDS else next((each for each in ("open", *STANDS) if counts.get(each)), "open")
    after = number(request.GET.get("after")) or 0
    rows = greetings.standing(place.occasion, stands, place.staff.pk, place.bank, after, ROWS + 1)
    tabs = [
        {"text": named(each), "count": counts.get(each, 0), "current": each == stands,
         "href": place.address(request, stands=each) + "#who"}
        for each in STANDS
        if counts.get(each) or each == stands
    ]  # fmt: skip
    return {
        "tabs": tabs,
        "customers": [
            owed.person(row["id"], row["name"], row["honorific"], row["tier"], place.bank, row["kind"])
            for row in rows[:ROWS]
        ],
        "more": place.address(request, stands=stands, after=rows[ROWS - 1]["id"]) + "#who"
        if len(rows) > ROWS
        else None,
        "start": place.address(request, stands=stands) + "#who" if after else None,
    }


@policy("messages.send")
@require_POST
def arrange(request: ActingRequest, occasion: str) -> HttpResponse:
    """``tier`` and ``wording`` as they were shown, with the ``count`` that the button said."""
    place = _place(request, occasion)
    wording = Wording.objects.filter(pk=number(request.POST.get("wording")) or 0).select_related("template").first()
    try:
        if wording is None:
            raise Refused("请先选一条措辞。", "Choose the words first.")
        done = greetings.arrange(
            place.occasion, wording, request.POST.getlist("tier"), staff=place.staff.pk,
            expected=number(request.POST.get("count")), actor=request.actor, now=request.now, bank=place.bank,
        )  # fmt: skip
    except Refused as refused:
        return _page(request, place, refused.words.say(owed.speaks()))
    said = ngettext("%(n)s greeting arranged.", "%(n)s greetings arranged.", done.messages) % {"n": done.messages}
    return moved(request, place.address(request), said)


@policy("messages.send")
@require_POST
def leave_out(request: ActingRequest, occasion: str) -> HttpResponse:
    """The open customers of the tiers are not greeted this time, for a reason."""
    place, reason = _place(request, occasion), request.POST.get("reason", "")
    try:
        left = greetings.leave_out(
            place.occasion, request.POST.getlist("tier"), reason, staff=place.staff.pk,
            actor=request.actor, now=request.now, bank=place.bank,
        )  # fmt: skip
    except Refused as refused:
        return _page(request, place, refused.words.say(owed.speaks()), reason)
    said = ngettext("%(n)s customer left out.", "%(n)s customers left out.", left) % {"n": left}
    return moved(request, place.address(request), said)


@policy("messages.send")
@require_POST
def withdraw(request: ActingRequest, occasion: str) -> HttpResponse:
    """What of it has not left does not; whoever it was for is open again."""
    place = _place(request, occasion)
    rows = Greeting.objects.filter(occasion=place.occasion.key, staff=place.staff, withdrawn_at=None)
    found = next((each for each in rows if str(each.key) == request.POST.get("greeting")), None)
    if found is None:
        raise Http404
    count = greetings.withdraw(found, actor=request.actor, now=request.now, bank=place.bank)
    said = ngettext("%(n)s greeting withdrawn.", "%(n)s greetings withdrawn.", count) % {"n": count}
    return moved(request, place.address(request), said)
