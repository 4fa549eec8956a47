"""送达 · One delivery: to whom, by when, in whose hand; received with a signature, a photo or a typed name; handed on; come back.

Domain: :mod:`zhike.work.deliveries`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.documents import filing
from zhike.documents.formats import Unkept
from zhike.documents.models import Document
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.jinja import left_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.assignments import due_of
from zhike.pages.views.deliveries import seen, stands
from zhike.people.permissions import may, policy
from zhike.work import deliveries
from zhike.work.models import Delivery, Handling
from zhike.work.models.delivery import How

DRAWN = "data:image/png;base64,"
Verb = dict[str, Any]


@policy("deliveries.view")
@require_safe
def show(request: ActingRequest, delivery: int) -> HttpResponse:
    """The delivery with its way from hand to hand, and what may be done with it."""
    return _page(request, delivery)


def _page(
    request: ActingRequest, id: int, wrong: dict[str, str] | None = None, status: int = 200, given: QueryDict | None = None
) -> HttpResponse:  # fmt: skip
    actor, now, bank = request.actor, request.now, bank_of(request)
    rows = Delivery.objects.visible_to(actor).select_related("holder", "offered_to", "by")
    found = rows.filter(pk=id).first()
    if found is None:
        raise Http404
    carries = may(actor, "deliveries.change") and deliveries.in_hand(found, actor)
    receipt = found.receipt_id and Document.objects.visible_to(actor).filter(pk=found.receipt_id).exists()
    context = {
        "d": found,
        "stands": stands(found, now),
        "when": when_text(found.due, now),
        "left": left_text(found.due, now) if found.is_owed else "",
        "customer": reverse("customer", args=[found.customer_id]) if seen(found.customer_id, actor) else "",
        "receipt": reverse("document", args=[found.receipt_id]) if receipt else "",
        "carries": carries and found.state == "to_carry",
        "offers": carries and found.state == "offered",
        "accepts": found.offered_to_id == actor.id,
        "takes": found.is_owed and may(actor, "deliveries.change") and deliveries.may_take(found, actor),
        "colleagues": deliveries.colleagues(actor, now, bank) if carries and found.state == "to_carry" else [],
        "hands": _hands(found, request),
        "ways": [(How.SIGNED.value, gettext("Sign here")), (How.PHOTO.value, gettext("Photo")), (How.TYPED.value, gettext("Name only"))],
        "reasons": [(kind.value, str(kind.label)) for kind in (Handling.Kind.NOBODY, Handling.Kind.REFUSED)],
        "earliest": local(now).date().isoformat(),
        "wrong": wrong or {},
        "given": given if given is not None else QueryDict(),
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "delivery.html", context, status=status)


def _hands(found: Delivery, request: ActingRequest) -> list[dict[str, str]]:
    """Who had it from when to when, and when it came back."""
    handlings = list(found.handlings.select_related("by").order_by("at", "pk"))
    taken = [each for each in handlings if each.kind == Handling.Kind.TAKEN]
    until = {a.pk: b.at if b else found.closed_at for a, b in zip_longest(taken, taken[1:])}
    now = request.now
    return [
        {
            "who": each.by.name, "kind": each.kind, "said": str(each.get_kind_display()), "words": each.words,
            "at": when_text(each.at, now), "until": when_text(end, now) if (end := until.get(each.pk)) else "",
            "due": when_text(each.due, now) if each.due else "",
        }
        for each in handlings
    ]  # fmt: skip


def _act(request: ActingRequest, id: int, do: Callable[[Delivery, Verb], str]) -> HttpResponse:
    """Does it to the delivery, held until it is done; what does not fit is said at its field, nothing typed is lost."""
    found = Delivery.objects.held(id, request.actor)
    if found is None:
        raise Http404
    verb = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    try:
        with transaction.atomic():
            text = do(found, verb)
    except deliveries.Unfit as unfit:
        return _page(request, id, {unfit.field: _said(unfit)}, 422, request.POST)
    except Unkept as unkept:
        return _page(request, id, {"photo": _said(unkept)}, 422, request.POST)
    except Refused as refused:
        return _page(request, id, {"": _said(refused)}, 409, request.POST)
    return moved(request, reverse("delivery", args=[id]), text)


def _said(refused: Refused) -> str:
    return refused.words.say(get_language() or "zh-hans")


@policy("deliveries.change")
@require_POST
def receive(request: ActingRequest, delivery: int) -> HttpResponse:
    """``how``: signed with ``drawn``, a PNG as a data address; photo, a file; typed with ``confirmed``. ``received_by``: who."""
    given = request.POST

    def do(found: Delivery, verb: Verb) -> str:
        how = given.get("how", "")
        deliveries.deliver(
            found, given.get("received_by", ""), how=how, picture=_picture(request, how), confirmed=bool(given.get("confirmed")),
            **verb,
        )  # fmt: skip
        return gettext("Delivered. The receipt is filed with the customer.") if found.receipt_id else gettext("Delivered.")  # fmt: skip

    return _act(request, delivery, do)


def _picture(request: ActingRequest, how: str) -> bytes:
    if how == How.PHOTO:
        if getattr(request, "too_large", False):
            raise filing.too_large(bank_of(request))
        upload: Any = request.FILES.get("photo")
        return upload.read() if upload else b""
    drawn = request.POST.get("drawn", "")
    try:
        return base64.b64decode(drawn.removeprefix(DRAWN), validate=True) if drawn.startswith(DRAWN) else b""
    except binascii.Error:
        return b""


@policy("deliveries.change")
@require_POST
def act(request: ActingRequest, delivery: int) -> HttpResponse:
    """``act``: hand_on ``to``, keep, accept, take; come_back with ``kind``, ``words`` and a new date; call_off with ``why``."""
    given = request.POST

    def do(found: Delivery, verb: Verb) -> str:
        match given.get("act"):
            case "hand_on":
                deliveries.hand_on(found, number(given.get("to")) or 0, **verb)
                return gettext("Offered. It stays with you until your colleague accepts it.")
            case "keep":
                deliveries.keep(found, **verb)
                return gettext("You keep it.")
            case "accept":
                deliveries.accept(found, **verb)
                return gettext("In your hand: it is yours to deliver now.")
            case "take":
                deliveries.take(found, **verb)
                return gettext("In your hand: it is yours to deliver now.")
            case "come_back":
                due = due_of(given, bank_of(request))
                deliveries.come_back(found, given.get("kind", ""), given.get("words", ""), due, **verb)
                return gettext("Kept. It is owed by the new date.")
            case "call_off":
                deliveries.call_off(found, given.get("why", ""), **verb)
                return gettext("Called off: nothing is owed.")
        raise Http404

    return _act(request, delivery, do)
