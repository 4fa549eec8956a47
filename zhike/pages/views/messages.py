"""短信 · The threads with one's customers, those first in which something waits.

Domain: :mod:`zhike.sms.threads`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from zhike.conduct.bank import Bank
from zhike.customers.models import Customer
from zhike.obligations.models import Fact
from zhike.pages import message, owed
from zhike.pages.jinja import clock, day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.actor import Actor
from zhike.people.permissions import may, policy
from zhike.sms import texts, threads
from zhike.sms.models import Message, Reply

ROWS = 30
# Where a page ends, as its address says it: rank, moment, customer.
PLACE = re.compile(r"([01])~([\d.]{1,20})~(\d{1,18})")


@policy("messages.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?after=`` the last of the page before."""
    rows, older = page(request, ROWS, _read(request.GET.get("after", "")))
    wrong = threads.to_be_looked_at(
        [request.actor.id, *request.actor.covers], actor=request.actor, now=request.now, states=threads.LOOKED_AT, most=100
    )  # fmt: skip
    context = {
        "rows": rows,
        "older": f"{reverse('messages')}?{urlencode({'after': older})}" if older else None,
        "start": reverse("messages") if "after" in request.GET else None,
        "wrong": len(wrong),
    }
    return render(request, "messages.html", context)


def page(request: ActingRequest, most: int, after: threads.Place | None = None) -> tuple[list[dict[str, Any]], str]:
    """So many threads as the list shows them, and where it goes on; empty where it ends."""
    if not may(request.actor, "messages.send"):
        return [], ""  # who looks on sees the whole bank, and comes to a thread by its customer
    found = threads.threads(request.actor, now=request.now, most=most + 1, after=after)
    older = _written(threads.place_of(found[most - 1])) if len(found) > most else ""
    return _shown(found[:most], request.actor, request.now, bank_of(request)), older


def _written(place: threads.Place) -> str:
    rank, at, customer = place
    return f"{rank}~{at.timestamp():.6f}~{customer}"


def _read(text: str) -> threads.Place | None:
    found = PLACE.fullmatch(text)
    with suppress(ValueError, OverflowError, OSError):  # an address that somebody made up
        return (int(found[1]), datetime.fromtimestamp(float(found[2]), UTC), int(found[3])) if found else None
    return None


def _shown(lines: list[threads.Line], actor: Actor, now: datetime, bank: Bank) -> list[dict[str, Any]]:
    customers = Customer.objects.visible_to(actor).in_bulk([line.customer for line in lines])
    messages = Message.objects.in_bulk([line.message for line in lines if line.message])
    said = threads.words(list(messages.values()), bank)
    replies = Reply.objects.in_bulk([line.reply for line in lines if line.reply])
    ratings = threads.ratings(replies.values())
    facts = Fact.objects.in_bulk([line.fact for line in lines if line.fact])
    rows = []
    for line in lines:
        customer = customers.get(line.customer)
        if customer is None:
            continue
        last = messages.get(line.message or 0) or replies.get(line.reply or 0) or facts.get(line.fact or 0)
        call = customer.address_as
        rows.append({
            "customer": customer.pk,
            "who": owed.person(
                customer.pk, customer.name, "" if call == customer.name else call, customer.tier, bank, customer.kind
            ),
            "when": _when(line.at, now),
            "waits": line.waits,
            "last": _last(line, last, said, ratings.get(line.reply or 0)),
            "wrong": isinstance(last, Message) and last.state in threads.LOOKED_AT,
            "mark": message.mark(last.state) if isinstance(last, Message) else None,
            "state": message.state_name(last.state) if isinstance(last, Message) else "",
            "mine": customer.rm_id == actor.id,
        })  # fmt: skip
    return rows


def _last(line: threads.Line, last: Message | Reply | Fact | None, said: dict[int, str], rating: int | None) -> str:
    """Its last words, in one line; what waits stands for them where it is thanks."""
    if line.waits == "thanks":
        return gettext("To be sent: thanks")
    if isinstance(last, Reply) and rating:
        return gettext("rating %(n)s of 5") % {"n": rating}
    if isinstance(last, Fact):
        return str(last.data.get("words") or gettext("Sent by another way"))
    words = said[last.pk] if isinstance(last, Message) else last.text if last is not None else ""
    return " ".join(texts.bare(words).split())[:80]


def _when(at: datetime, now: datetime) -> str:
    days = (local(now).date() - local(at).date()).days
    if days == 0:
        return clock(at)
    return gettext("yesterday") if days == 1 else day_text(local(at).date(), local(now).date(), weekday=False)
