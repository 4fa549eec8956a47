"""一条短信 · What a person decides about one message of a thread: take it back, say whether it arrived, have it sent once more, drop it.

Domain: :mod:`zhike.sms.gate`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.pages import message as words
from zhike.pages import owed
from zhike.pages.answer import moved
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views import thread
from zhike.pages.views.customer import customer_to_change
from zhike.people.permissions import policy
from zhike.sms import gate
from zhike.sms.models import Message

Act = Callable[[ActingRequest, Customer, Message], HttpResponse]


def _about(act: Act) -> Callable[..., HttpResponse]:
    """The customer, held until it is over, and the message; what cannot be is said above the thread as it stands now."""

    @wraps(act)
    def answer(request: ActingRequest, customer: int, message: int) -> HttpResponse:
        found = customer_to_change(request, customer)
        one = Message.objects.visible_to(request.actor).filter(pk=message, customer=found).first()
        if one is None:
            raise Http404
        try:
            return act(request, found, one)
        except Refused as refused:
            return thread.page(
                request, found, {}, 409 if isinstance(refused, gate.TooLate) else 422, said=refused.words.say(owed.speaks()),
                open=one.pk, posted=request.POST,
            )  # fmt: skip

    return answer


def _back(found: Customer, **query: Any) -> str:
    here = reverse("thread", args=[found.pk])
    return f"{here}?again={query['again']}#compose" if query else here


@policy("messages.send")
@require_POST
@_about
def take_back(request: ActingRequest, found: Customer, one: Message) -> HttpResponse:
    """撤回 · It is a draft again, and lies in the composer."""
    gate.take_back(one, actor=request.actor, now=request.now)
    return moved(request, _back(found, again=one.pk), gettext("Taken back; nothing was sent."))


@policy("messages.send")
@require_POST
@_about
def settle(request: ActingRequest, found: Customer, one: Message) -> HttpResponse:
    """核对 · An unknown one arrived, or did not, and what shows it."""
    if request.POST.get("arrived") not in {"yes", "no"}:
        raise Refused("请选是否送达。", "Say whether it arrived.")
    gate.settle(
        one, request.POST["arrived"] == "yes", request.POST.get("evidence", ""), actor=request.actor, now=request.now
    )
    return moved(request, _back(found), words.stands(one, request.now))


@policy("messages.send")
@require_POST
@_about
def again(request: ActingRequest, found: Customer, one: Message) -> HttpResponse:
    """再发一次 · A person's decision: the customer may get it twice."""
    gate.resend(one, actor=request.actor, now=request.now, bank=bank_of(request))
    said = gettext("Once more to %(who)s: %(state)s") % {
        "who": found.address_as,
        "state": words.stands(one, request.now),
    }
    return moved(request, _back(found), said)


@policy("messages.send")
@require_POST
@_about
def discard(request: ActingRequest, found: Customer, one: Message) -> HttpResponse:
    """A draft is dropped."""
    gate.discard(one)
    return moved(request, _back(found), gettext("The draft is gone."))
