"""演示手机 · Demonstration only: what a customer's handset shows, and where one can answer as the customer would.

Domain: :mod:`zhike.sms.transports.demo`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from zhike.pages.answer import moved
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_for
from zhike.pages.views.messages import page
from zhike.people.permissions import policy
from zhike.sms import gate
from zhike.sms.models import Message, Reply, State, Typed

SHOWN = 30
LONGEST = 500
ON_THE_HANDSET = (State.SUBMITTED, State.DELIVERED)


@policy("messages.view")
@require_safe
def choose(request: ActingRequest) -> HttpResponse:
    """Whose handset."""
    _only_in_a_demonstration()
    rows, _further = page(request, 100)
    return render(request, "handset.html", {"rows": rows, "customer": None})


@policy("messages.view")
@require_safe
def show(request: ActingRequest, customer: int) -> HttpResponse:
    """The handset's screen: what arrived, what was typed."""
    _only_in_a_demonstration()
    found = customer_for(request, customer)
    whom = gate.addressees([found.pk], request.now, bank_of(request)).get(found.pk)
    arrived = Message.objects.filter(customer=found, state__in=ON_THE_HANDSET).order_by("-created_at")[:SHOWN]
    written = Reply.objects.filter(customer=found).order_by("-at")[:SHOWN]
    typed = [
        each
        for each in Typed.objects.order_by("-pk")[:SHOWN]
        if whom and whom.mobile and each.number_in_clear == whom.number
    ]
    rows: list[dict[str, Any]] = [
        {"at": each.sent_at or each.created_at, "text": each.text, "mine": False} for each in arrived
    ]
    rows += [{"at": each.at, "text": each.text, "mine": True} for each in (*written, *typed)]
    rows.sort(key=lambda row: row["at"])
    context = {
        "customer": found,
        "call": found.address_as,
        "rows": rows[-SHOWN:],
        "reachable": bool(whom and whom.mobile),
    }
    return render(request, "handset.html", context)


@policy("messages.send")
@require_POST
def type_in(request: ActingRequest, customer: int) -> HttpResponse:
    """What the customer answers; the demonstration's gateway takes it along."""
    _only_in_a_demonstration()
    found = customer_for(request, customer)
    whom = gate.addressees([found.pk], request.now, bank_of(request)).get(found.pk)
    text = request.POST.get("text", "").strip()[:LONGEST]
    if text and whom and whom.mobile:
        Typed.on(whom.number, text, at=request.now).save()
    return moved(request, reverse("handset", args=[found.pk]))


def _only_in_a_demonstration() -> None:
    if not settings.DEMO:
        raise Http404
