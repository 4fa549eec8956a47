"""往来 · Everything between the bank and one customer in one thread, and the composer that adds to it.

Domain: :mod:`zhike.sms.threads`, :mod:`zhike.sms.gate`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.pages import composer, message, owed
from zhike.pages.answer import moved, number
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views import messages
from zhike.pages.views.customer import customer_for, customer_to_change
from zhike.people.permissions import may, policy
from zhike.sms import gate, threads
from zhike.sms.composer import may_be_written
from zhike.sms.models import Message, Reply, State, Wording

ENTRIES = 40
BESIDE = 12
MOVING = frozenset({State.QUEUED, State.SUBMITTING, State.SUBMITTED})
MARK = re.compile(r"([\d.]{1,20})~([0-3])~(\d{1,18})")


@policy("messages.view")
@require_safe
def show(request: ActingRequest, customer: int) -> HttpResponse:
    """``?for=`` what is owed chooses the text, ``?kind=`` ``?text=`` ``?again=`` others; ``?before=`` older entries."""
    found = customer_for(request, customer)
    return page(request, found, {name: request.GET.get(name, "") for name in ("for", "kind", "text", "again")})


def page(
    request: ActingRequest,
    found: Customer,
    given: Mapping[str, str],
    status: int = 200,
    error: dict[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """The thread with its composer; ``error``: what is wrong with what was written, and its clause."""
    bank = bank_of(request)
    entries, older = threads.thread(found, most=ENTRIES, before=_read(request.GET.get("before", "")))
    replies = [entry for entry in entries if isinstance(entry, Reply)]
    answers, ratings = threads.answers_owed(replies), threads.ratings(replies)
    may_send = may(request.actor, "messages.send") and found.changeable_by(request.actor)
    # What an open page asks by itself is this thread alone.
    beside, further = ([], "") if "X-Poll" in request.headers else messages.page(request, BESIDE)
    call = found.address_as
    context = {
        "customer": found,
        "who": owed.person(
            found.pk, found.name, "" if call == found.name else call, found.tier, bank, found.kind
        ),
        "call": call,
        "days": message.days(entries, answers, request.now, bank, may=may_send, me=request.actor.id, ratings=ratings),
        "every": _asks_every(entries),
        "older": f"{reverse('thread', args=[found.pk])}?{urlencode({'before': _written(entries[0])})}" if older else None,
        "back": "before" in request.GET,
        "beside": beside,
        "further": further,
        "compose": composer.context(request, found, bank, given, error) if may_send else None,
        "allowed": message.may_be_sent(gate.may_be_sent(found, request.now, bank), request.now),
        "legend": _legend(),
        "handset": settings.DEMO,
        "said": "",
        "open": None,
        "posted": {},
        "tip": owed.tip,
        **more,
    }  # fmt: skip
    return render(request, "thread.html", context, status=status)


def _written(entry: threads.Entry) -> str:
    at, rank, id = threads.mark_of(entry)
    return f"{at.timestamp():.6f}~{rank}~{id}"


def _read(text: str) -> threads.Mark | None:
    found = MARK.fullmatch(text)
    with suppress(ValueError, OverflowError, OSError):  # an address that somebody made up
        return (datetime.fromtimestamp(float(found[1]), UTC), int(found[2]), int(found[3])) if found else None
    return None


def _asks_every(entries: list[threads.Entry]) -> int:
    """In how many seconds an open page looks again; a demonstration's customer answers at once."""
    moving = any(isinstance(each, Message) and each.state in MOVING for each in entries)
    return 3 if moving or settings.DEMO else 30


def _legend() -> list[dict[str, Any]]:
    """状态怎么读."""
    rows = [
        (State.DELIVERED, gettext("Arrived"), gettext("the handset has it")),
        (State.WAITING, gettext("Waits"), gettext("says until when")),
        (State.UNKNOWN, gettext("Unknown"), gettext("never sent again by itself: look into it")),
        (State.UNDELIVERED, gettext("Did not arrive"), gettext("with the gateway's code and meaning")),
    ]
    return [{"icon": icon, "look": look, "name": name, "means": means} for state, name, means in rows for icon, look in [message.mark(state)]]  # fmt: skip


@policy("messages.send")
@require_POST
def send(request: ActingRequest, customer: int) -> HttpResponse:
    """Into the queue, or why not: what was written stays."""
    found, bank = customer_to_change(request, customer), bank_of(request)
    given = {name: request.POST.get(name, "") for name in ("for", "kind", "text", "again", "body")}
    owes = composer.owes(request, found, given["for"])
    again = composer.reworded(found, given["again"])
    wording = Wording.objects.filter(pk=number(given["text"]) or 0).select_related("template").first()
    kind = composer.kind_of(given, owes, again)
    if wording is not None and wording.template.kind != kind:
        wording = None
    if owes is not None and not may_be_written(owes):
        return page(request, found, given, 409, said=gettext("This is not open any more; nothing was sent."))
    try:
        sent = gate.send(
            found, kind, given["body"], actor=request.actor, now=request.now, bank=bank, obligation=owes, wording=wording,
            introduces=wording is not None and wording.template.introduces,
        )  # fmt: skip
    except gate.OnItsWay as already:
        return page(request, found, given, 409, said=already.words.say(owed.speaks()))
    except Refused as refused:
        return page(request, found, given, 422, {"words": refused.words.say(owed.speaks()), "clause": ""})
    if sent.state == State.REFUSED:
        request.keeps = True  # what a guard stopped is kept with its reason, though nothing leaves
        return page(
            request,
            found,
            given,
            422,
            {"words": message.stands(sent, request.now), "clause": sent.why.get("clause", "")},
        )
    if again is not None:
        gate.discard(again)
    said = gettext("To %(who)s: %(state)s") % {"who": found.address_as, "state": message.stands(sent, request.now)}
    return moved(
        request, reverse("thread", args=[found.pk]), said, undo=reverse("message_take_back", args=[found.pk, sent.pk])
    )


@policy("messages.send")
@require_POST
def look(request: ActingRequest, customer: int) -> HttpResponse:
    """What would be said of a text as it stands; a fragment that the composer asks for while somebody types."""
    found, bank = customer_for(request, customer), bank_of(request)
    given = {name: request.POST.get(name, "") for name in ("for", "kind", "again")}
    kind = composer.kind_of(
        given, composer.owes(request, found, given["for"]), composer.reworded(found, given["again"])
    )
    context = {"look": composer.look(found, kind, request.POST.get("body", ""), request, bank), "tip": owed.tip}
    return render(request, "_compose_look.html", context)
