"""同意 · What a customer agreed to or refused: for which purpose, by which channel, since when, and what shows it.

Domain: :class:`zhike.customers.models.Consent`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.customers.checks import Unaccepted
from zhike.customers.models import Consent, Customer
from zhike.pages import owed
from zhike.pages.answer import moved
from zhike.pages.jinja import day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_for, customer_to_change
from zhike.people.permissions import may, policy


@policy("customers.view")
@require_safe
def show(request: ActingRequest, customer: int) -> HttpResponse:
    """What counts now, and every word before it."""
    return _page(request, customer_for(request, customer), QueryDict())


@policy("customers.change")
@require_POST
def record(request: ActingRequest, customer: int) -> HttpResponse:
    """A yes or a no, with what shows it; the word before it stays in history."""
    found, given = customer_to_change(request, customer), request.POST
    try:
        if given.get("given") not in {"yes", "no"}:
            raise Unaccepted(gettext("Say whether the customer agreed or refused."))
        Consent.objects.record(
            found,
            given.get("purpose", ""),
            given.get("channel", ""),
            given=given["given"] == "yes",
            evidence=given.get("evidence", ""),
            source="contact",
            actor=request.actor,
            now=request.now,
        )
    except Unaccepted as error:
        return _page(request, found, given, str(error))
    return moved(request, reverse("consents", args=[found.pk]), gettext("Kept; it counts from now on."))


def _page(request: ActingRequest, found: Customer, given: QueryDict, wrong: str = "") -> HttpResponse:
    bank = bank_of(request)
    words = list(found.consents.select_related("by").order_by("-at", "-id")[:200])
    standing = {each.pk for each in Consent.objects.standing(found)}
    shown = [_shown(each, request) for each in words]
    context = {
        "customer": found,
        "who": owed.person(found.pk, found.name, found.honorific, found.tier, bank, found.kind),
        "now_true": [row for row in shown if row["id"] in standing],
        "before": [row for row in shown if row["id"] not in standing],
        "purposes": [(str(purpose.value), str(purpose.label)) for purpose in Consent.Purpose],
        "channels": [(str(channel.value), str(channel.label)) for channel in Consent.Channel],
        "may_change": may(request.actor, "customers.change") and found.changeable_by(request.actor),
        "given": given,
        "wrong": wrong,
    }
    return render(request, "consents.html", context, status=422 if wrong else 200)


def _shown(each: Consent, request: ActingRequest) -> dict[str, Any]:
    by = each.by.name if each.by else gettext("import")
    return {
        "id": each.pk,
        "purpose": str(Consent.Purpose(each.purpose).label),
        "channel": str(Consent.Channel(each.channel).label),
        "given": each.given,
        "evidence": each.evidence,
        "small": f"{day_text(local(each.at).date(), local(request.now).date(), weekday=False)} · {by}",
    }
