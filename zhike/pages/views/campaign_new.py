"""营销转发 · A new campaign, asked for by marketing: what it is about, in which words, for whom, by when. What it costs and whom it would
reach stands beside it while it is filled in; it runs once a second person has approved it.

Domain: :mod:`zhike.sms.campaigns`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.suitability import RISKS
from zhike.conduct.words import Refused
from zhike.pages import campaign as words
from zhike.pages import owed, standing
from zhike.pages.answer import moment, moved, number, time_missing
from zhike.pages.jinja import language, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.templates import looked_at
from zhike.people.models import Unit
from zhike.people.permissions import policy
from zhike.sms import texts
from zhike.sms.campaigns import asking
from zhike.sms.campaigns.asking import FEW, KIND_NAMES, KINDS, LATE, LONGEST_TITLE, Draft
from zhike.sms.many import price_of
from zhike.sms.models import Kind

NEW = "new"  # words written here, instead of the number of some in use
LAST_HOUR = "18:00"


@policy("campaigns.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """Everything that was typed stays when it is refused; ``act=look`` asks what it would come to."""
    if request.method != "POST" or request.POST.get("act") == "look":
        return _page(request)
    given, bank = request.POST, bank_of(request)
    deadline = moment(given.get("day", ""), given.get("time", ""), bank)
    ends = moment(given.get("end_day", ""), given.get("end_time", ""), bank)
    if deadline is None or (given.get("end_day", "").strip() and ends is None):
        return _page(request, time_missing())
    draft = _draft(given, deadline, ends)
    try:
        asking.ask(draft, given.get("reason", ""), actor=request.actor, now=request.now, bank=bank)
    except Refused as refused:
        return _page(request, refused.words.say(owed.speaks()))
    said = gettext("Asked for. A second person has to approve it.")
    return moved(request, reverse("campaigns"), said)


def _draft(given: QueryDict, deadline: datetime, ends: datetime | None = None) -> Draft:
    chosen = given.get("wording", NEW)
    return Draft(
        given.get("title", ""), given.get("product", ""), number(given.get("unit")) or 0, given.getlist("tier"), given.getlist("kind"),
        deadline, wording=None if chosen == NEW else number(chosen) or 0, text=given.get("text", ""), code=given.get("code", ""),
        risk=given.get("risk", ""), private="private" in given, ends=ends,
    )  # fmt: skip


def _page(request: ActingRequest, wrong: str = "") -> HttpResponse:
    bank, given, speaks = bank_of(request), request.POST, owed.speaks()
    today = local(request.now).date()
    in_use = list(asking.suiting())
    first = request.method != "POST"
    context = {
        "given": given,
        "wrong": wrong,
        "longest": LONGEST_TITLE,
        "risks": [("", gettext("choose")), *((risk, name.say(speaks)) for risk, name in RISKS.items())],
        "wordings": [(str(each.pk), each.template.title["en" if language() == "en" else "zh"], each.text) for each in in_use],
        "chosen": given.get("wording", NEW),
        "new": NEW,
        "units": [("", gettext("choose")), *((unit.pk, f"{'　' * (unit.path.count('/') - 2)}{unit.name}") for unit in _units(request))],
        "unit": number(given.get("unit")) or "",
        "tiers": [(tier.key, tier.name.say(speaks)) for tier in reversed(bank.tiers)],
        "kinds": [(kind, KIND_NAMES[kind].say(speaks)) for kind in KINDS],
        "meant": ["person"] if first else given.getlist("kind"),
        "today": today,
        "time": given.get("time", LAST_HOUR),
        "end_time": given.get("end_time", LAST_HOUR),
        "late_days": LATE.days,
        "look": _look(request, bank),
        "variables": [(name, said.say(speaks)) for name, said in texts.VARIABLES.items() if name in texts.OF_EVERYBODY],
    }  # fmt: skip
    return render(request, "campaign_new.html", context, status=422 if wrong else 200)


def _units(request: ActingRequest) -> list[Unit]:
    today = local(request.now).date()
    return list(Unit.objects.filter(Q(to_day=None) | Q(to_day__gt=today)).order_by("path"))


def _look(request: ActingRequest, bank: Bank) -> dict[str, Any]:
    """What may not be said or done, what one customer gets, whom it would reach and what all of it would cost."""
    draft = _draft(request.POST, request.now + timedelta(hours=1))
    text = (
        draft.text
        if draft.wording is None
        else next((each.text for each in asking.suiting().filter(pk=draft.wording)), "")
    )
    said = looked_at(request, text, Kind.MARKETING, bank) if text.strip() else None
    reached = _reached(request, draft, bank)
    private = next(iter(messages.in_bulk("marketing", private_product=draft.private)), None)
    return {
        "private": private.words.say(owed.speaks()) if private else "",
        "said": said,
        "for_many": _not_for_many(text),
        "reached": reached,
        "price": price_of(said["segments"] * reached["open"], bank) if said and reached else None,
    }  # fmt: skip


def _not_for_many(text: str) -> str:
    """A variable that has no value where many get the same words."""
    try:
        texts.check_for_many(text)
    except Refused as refused:
        return str(refused.words.say(owed.speaks()))
    return ""


def _reached(request: ActingRequest, draft: Draft, bank: Bank) -> dict[str, Any] | None:
    """Numbers by standing, of few that they are few; None before audience and risk are chosen."""
    if not (draft.unit and draft.tiers and draft.kinds and draft.risk in RISKS):
        return None
    found = asking.audience(draft, actor=request.actor, now=request.now, bank=bank)
    reached = {**standing.coverage(found.counts, words.names()), "managers": found.managers, "few": bool(found.few)}
    if found.few:
        said = [
            f"{name} {fewer if stands in found.few else found.counts[stands]}"
            for fewer in [gettext("fewer than %(n)s") % {"n": FEW}]
            for stands, name in words.names().items()
            if stands in found.few or found.counts.get(stands)
        ]
        reached["said"] = standing.listed(said)
    return reached
