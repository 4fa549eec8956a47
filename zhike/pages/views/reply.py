"""上行短信 · What a person says of what a customer wrote: whether it was an opt-out, and that it wants no answer.

Domain: :mod:`zhike.sms.inbox`.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from zhike.conduct.words import Refused
from zhike.contacts import completion
from zhike.customers.models import Customer
from zhike.pages import owed
from zhike.pages.answer import moved
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_to_change
from zhike.people.permissions import policy
from zhike.sms import inbox, threads
from zhike.sms.models import Reply


def _reply(request: ActingRequest, found: Customer, id: int) -> Reply:
    one = Reply.objects.visible_to(request.actor).filter(pk=id, customer=found).first()
    if one is None:
        raise Http404
    return one


@policy("messages.send")
@require_POST
def decide(request: ActingRequest, customer: int, reply: int) -> HttpResponse:
    """是退订 / 不是退订 · Of a sentence with an opt-out word in it: once said it stays."""
    found = customer_to_change(request, customer)
    one = _reply(request, found, reply)
    said = ""
    if request.POST.get("stops") in {"yes", "no"}:
        stops = request.POST["stops"] == "yes"
        inbox.decide(one, stops, actor=request.actor, now=request.now)
        said = (
            gettext("No marketing to this number any more, across the bank.") if stops else gettext("Kept: no opt-out.")
        )
    return moved(request, reverse("thread", args=[found.pk]), said)


@policy("messages.send")
@require_POST
def no_answer(request: ActingRequest, customer: int, reply: int) -> HttpResponse:
    """无需答复 · It asked for nothing: what was owed because of it is withdrawn, neither done nor late."""
    found = customer_to_change(request, customer)
    one = _reply(request, found, reply)
    owes = threads.answers_owed([one]).get(one.pk)
    said = ""
    if owes is not None and owes.state == "open":
        completion.check_owner(owes, request.actor)
        try:
            inbox.wants_no_answer(owes, actor=request.actor, now=request.now, bank=bank_of(request))
            said = gettext("Kept: it needed no answer.")
        except Refused as refused:
            said = refused.words.say(owed.speaks())
    return moved(request, reverse("thread", args=[found.pk]), said)
