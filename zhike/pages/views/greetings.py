"""问候 · The coming festivals and birthdays, and one of them: who is arranged, who cannot be greeted and why, who is open; arranged in a few
taps.

Domain: :mod:`zhike.sms.greetings`, :mod:`zhike.sms.birthdays`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
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
from zhike.customers.profile import LANGUAGES
from zhike.pages import owed, standing
from zhike.pages.answer import moved, number
from zhike.pages.jinja import clock, day_text, language, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.models import Staff
from zhike.people.permissions import may, policy
from zhike.sms import birthdays, greetings
from zhike.sms.birthdays import Birthdays
from zhike.sms.greetings import Greeted, Occasion
from zhike.sms.many import Estimate
from zhike.sms.models import Greeting, Wording

OF = re.compile(r"birthday:\d{4}-\d{2}-\d{2}")  # where a page of birthdays ends
WITHIN, OF_TEAM = timedelta(days=365), 3
BOOKS = 300  # of those one oversees; whoever has more looks at one RM's


def names() -> standing.Names:
    """How a customer may stand to a greeting."""
    return {
        "arranged": pgettext("greeting", "arranged"),
        "open": pgettext("greeting", "open"),
        "in_person": pgettext("greeting", "called or met"),
        "no_consent": gettext("without consent"),
        "no_mobile": gettext("without a mobile number"),
        "stopped": gettext("contact stopped"),
        "left_out": pgettext("greeting", "left out"),
    }


@dataclass(frozen=True)
class Place:
    """A festival, or the birthdays to come, in somebody's book: what every part of the page is about."""

    occasion: Greeted
    staff: Staff
    bank: Bank

    def address(self, request: ActingRequest, name: str = "greeting", **more: Any) -> str:
        asked = ({"rm": self.staff.pk} if self.staff.pk != request.actor.id else {}) | more
        path = reverse(name, args=[self.occasion.key])
        return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


@policy("messages.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """The birthdays and the festivals to come that the bank greets, each with how far one's own book is; below, the books of those one
    oversees.
    """
    bank = bank_of(request)
    today = local(request.now).date()
    coming = [each for each in greetings.coming(today, bank, len(FESTIVALS)) if each.day < today + WITHIN]
    own = greetings.covered(coming, [request.actor.id], bank) if may(request.actor, "messages.send") else {}
    context = {
        "festivals": [
            _festival(each, own.get(each.key, {}).get(request.actor.id, {}), request, bank) for each in coming
        ],
        "serves": any(own.values()),
        "birthdays": _birthdays(request, bank),
        **_team(request, coming[:OF_TEAM], bank),
    }
    return render(request, "greetings.html", context)


def _birthdays(request: ActingRequest, bank: Bank) -> dict[str, Any] | None:
    """Those of the next days in one's own book."""
    if not (bank.birthday_greeting and may(request.actor, "messages.send")):
        return None
    coming = Birthdays(local(request.now).date())
    counts = greetings.covered([coming], [request.actor.id], bank).get(coming.key, {}).get(request.actor.id, {})
    return {
        "days": birthdays.AHEAD,
        "href": reverse("greeting", args=[coming.key]),
        **standing.coverage(counts, names()),
    }


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
        **standing.coverage(counts, names()),
    }


def _team(request: ActingRequest, coming: Sequence[Occasion], bank: Bank) -> dict[str, Any]:
    """The RMs whom one oversees, in the order of their numbers; each cell leads to that book."""
    whose = request.actor.team
    if not whose or len(whose) > BOOKS:
        return {"team": [], "heads": [], "too_many": len(whose) > BOOKS}
    covered = greetings.covered(coming, whose, bank)
    rows = []
    for staff in Staff.objects.filter(pk__in=whose).order_by("number"):
        cells = [{**standing.coverage(covered.get(each.key, {}).get(staff.pk, {}), names()), "late": each.due(bank) <= request.now,
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
    today = local(request.now).date()
    occasion: Greeted | None = Birthdays(today) if key == birthdays.KEY else greetings.occasion(key, bank)
    asked = number(request.GET.get("rm") or request.POST.get("rm")) or request.actor.id
    staff = Staff.objects.filter(pk=asked).first() if asked in request.actor.sees else None
    if occasion is None or staff is None:
        raise Http404
    return Place(occasion, staff, bank)


def _page(request: ActingRequest, place: Place, wrong: str = "", reason: str = "") -> HttpResponse:
    occasion, bank = place.occasion, place.bank
    given = request.POST if request.method == "POST" else request.GET
    by_tier = greetings.coverage(occasion, [place.staff.pk], bank)
    counts = standing.together(by_tier)
    known = {row.tier: row.counts.get("open", 0) for row in by_tier}
    tiers = [tier.key for tier in reversed(bank.tiers) if tier.key in given.getlist("tier") and tier.key in known]
    wordings = greetings.suiting(occasion, place.staff.pk)
    asked = number(given.get("wording"))
    wording = next((each for each in wordings if each.pk == asked), wordings[0] if wordings else None)
    acts = (
        may(request.actor, "messages.send")
        and place.staff.pk in request.actor.writes
        and request.now < occasion.sent_until(bank)
    )
    arranged = greetings.arranged(occasion, place.staff.pk)
    context = {
        "place": place,
        **_when(occasion, counts, request, bank),
        "of": place.staff.name if place.staff.pk != request.actor.id else "",
        "rm": place.staff.pk if place.staff.pk != request.actor.id else None,
        "here": place.address(request),
        "coverage": standing.coverage(counts, names()),
        "acts": acts,
        "open": counts.get("open", 0),
        "tiers": [(key, f"{bank.tier(key).name.say(owed.speaks())} {known[key]}") for key in
                  (row.tier for row in by_tier) if known[key]],
        "chosen": tiers,
        "wordings": wordings,
        "wording": wording,
        "plan": _plan(request, place, tiers, wording) if acts and tiers and wording else None,
        "arranged": [_arranged(each, place) for each in arranged],
        # Of birthdays, a new day comes in sight every day.
        "came_later": greetings.came_later(arranged, by_tier) if isinstance(occasion, Occasion) else 0,
        "wrong": wrong,
        "reason": reason,
        **_who(request, place, counts),
    }  # fmt: skip
    return render(request, "greeting.html", context, status=422 if wrong else 200)


def _when(occasion: Greeted, counts: dict[str, int], request: ActingRequest, bank: Bank) -> dict[str, Any]:
    """What it is called, when it is, and by when it is arranged."""
    if isinstance(occasion, Occasion):
        of_festival = _festival(occasion, counts, request, bank)
        return {
            **{name: of_festival[name] for name in ("name", "day", "lunar", "in", "by", "late")},
            "festival": occasion.festival.key,
        }
    return {"name": gettext("Birthdays"), "day": occasion.day, "in": 0, "late": False, "festival": ""}


def _plan(request: ActingRequest, place: Place, tiers: list[str], wording: Wording) -> dict[str, Any]:
    """Number, scope and moment, before anything is confirmed; what one of them gets, and what all of it costs."""
    try:
        found: Estimate = greetings.estimate(place.occasion, wording, tiers, place.staff.pk, place.bank)
    except Refused as refused:
        return {"unfilled": refused.words.say(owed.speaks()), "customers": 0, "wordless": ""}
    scope, moment = standing.scope(tiers, place.bank), _leaves(request, place)
    who = found.who
    return {
        "unfilled": "",
        "wordless": _wordless(place, wording, tiers),
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


def _wordless(place: Place, wording: Wording, tiers: list[str]) -> str:
    """Who is not greeted because nobody has worded it in their language."""
    found = greetings.wordless(place.occasion, wording, tiers, place.staff.pk, place.bank)
    return standing.listed(f"{LANGUAGES.get(language, language)} {count}" for language, count in found.items())


def _leaves(request: ActingRequest, place: Place) -> str:
    """When they leave, in words."""
    if not isinstance(place.occasion, Occasion):
        return gettext("each birthday %(time)s") % {"time": f"{place.bank.greeting_at:%H:%M}"}
    leaves = max(local(place.occasion.sent_from(place.bank)), local(request.now))
    return f"{day_text(leaves.date(), local(request.now).date(), weekday=False)} {clock(leaves)}"


def _arranged(greeting: Greeting, place: Place) -> dict[str, Any]:
    kept: Any = greeting
    return {
        "key": greeting.key,
        "scope": standing.scope(
            [tier.key for tier in reversed(place.bank.tiers) if tier.key in greeting.tiers], place.bank
        ),
        "many": kept.many,
        "left": kept.left,
        "title": greeting.wording.template.title["en" if language() == "en" else "zh"],
        "by": greeting.by.name,
        "at": greeting.at,
        "from": greeting.sent_from,
    }


def _who(request: ActingRequest, place: Place, counts: dict[str, int]) -> dict[str, Any]:
    """Who stands so; of birthdays each with the day, and in their order."""
    of, today = request.GET.get("of", ""), local(request.now).date()

    def find(stands: str, after: int, most: int) -> list[dict[str, Any]]:
        last = (of if OF.fullmatch(of) else place.occasion.key, after) if after else ("", 0)
        rows = greetings.standing(place.occasion, stands, place.staff.pk, place.bank, last, most)
        return [{**row, "reason": _birthday(row["occasion"], today)} for row in rows]

    def address(**asked: Any) -> str:
        return place.address(request, **asked)

    return standing.who(request, counts, names(), find, address, place.bank, _behind)


def _behind(row: dict[str, Any]) -> dict[str, Any]:
    """Where the page goes on."""
    of = {"of": row["occasion"]} if OF.fullmatch(row["occasion"]) else {}
    return {**of, "after": row["id"]}


def _birthday(occasion: str, today: date) -> str:
    """The day on which somebody celebrates; nothing for a festival, which all celebrate on the same."""
    return day_text(birthdays.day_of(occasion), today) if occasion.startswith("birthday:") else ""


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
            expected=number(request.POST.get("count")) or 0, actor=request.actor, now=request.now, bank=place.bank,
        )  # fmt: skip
    except Refused as refused:
        return _page(request, place, refused.words.say(owed.speaks()), reason)
    said = ngettext("%(n)s customer left out.", "%(n)s customers left out.", left) % {"n": left}
    return moved(request, place.address(request), said)


@policy("messages.send")
@require_POST
def bring_back(request: ActingRequest, occasion: str) -> HttpResponse:
    """``customer``: whoever was left out is open again."""
    place = _place(request, occasion)
    chosen = [id for id in map(number, request.POST.getlist("customer")) if id]
    try:
        back = greetings.bring_back(
            place.occasion, chosen, staff=place.staff.pk, actor=request.actor, now=request.now, bank=place.bank
        )
    except Refused as refused:
        return _page(request, place, refused.words.say(owed.speaks()))
    said = ngettext("%(n)s customer brought back.", "%(n)s customers brought back.", back) % {"n": back}
    return moved(request, f"{place.address(request, stands='open')}#who", said)


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
