"""待核对 · What did not do what it was for and waits for a person: unknown, not arrived, refused.

Domain: :func:`zhike.sms.threads.to_be_looked_at`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe

from zhike.pages import message, owed
from zhike.pages.answer import number
from zhike.pages.jinja import when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import may, policy
from zhike.sms import texts, threads
from zhike.sms.models import Message

ROWS = 30


@policy("messages.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """One's own, or with ``?of=all`` all that one sees; ``?state=`` one state, ``?before=`` an id."""
    asked = {name: request.GET.get(name, "") for name in ("of", "state", "before")}
    state = asked["state"] if asked["state"] in threads.LOOKED_AT else ""
    everybody = asked["of"] == "all"
    serves = may(request.actor, "messages.send")
    whose = None if everybody or not serves else [request.actor.id, *request.actor.covers]
    reader: dict[str, Any] = {"actor": request.actor, "now": request.now}
    before = number(asked["before"])
    found = threads.to_be_looked_at(
        whose, states=[state] if state else threads.LOOKED_AT, most=ROWS + 1, before=before, **reader
    )  # fmt: skip
    kept = {name: value for name, value in (("of", "all" if everybody else ""), ("state", state)) if value}
    older = {**kept, "before": str(found[ROWS - 1].pk)} if len(found) > ROWS else None
    said = threads.words(found[:ROWS], bank_of(request))
    context = {
        "rows": [_wrong(each, said[each.pk], request) for each in found[:ROWS]],
        "states": [_filter(pgettext("filter", "All"), {**kept, "state": ""}, not state)]
        + [
            _filter(message.state_name(each), {**kept, "state": each.value}, state == each.value)
            for each in threads.LOOKED_AT
        ],
        "whose": [
            _filter(gettext("mine"), {**kept, "of": ""}, not everybody),
            _filter(gettext("all that I see"), {**kept, "of": "all"}, everybody),
        ]
        if serves and len(request.actor.oversees) > 1
        else [],
        "of_others": whose is None,
        "tip": owed.tip,
        "older": f"{reverse('messages_look')}?{urlencode(older)}" if older else None,
        "start": f"{reverse('messages_look')}?{urlencode(kept)}" if before else None,
    }
    return render(request, "messages_look.html", context)


def _filter(text: str, asked: dict[str, str], current: bool) -> dict[str, Any]:
    query = urlencode({name: value for name, value in asked.items() if value})
    return {"text": text, "href": f"{reverse('messages_look')}{'?' if query else ''}{query}", "current": current}


def _wrong(each: Message, said: str, request: ActingRequest) -> dict[str, Any]:
    customer, bank = each.customer, bank_of(request)
    icon, colour = message.mark(each.state)
    call = customer.address_as
    return {
        "who": owed.person(
            customer.pk, customer.name, "" if call == customer.name else call, customer.tier, bank, customer.kind
        ),
        "href": f"{reverse('thread', args=[customer.pk])}#m{each.pk}",
        "text": " ".join(texts.bare(said).split())[:80],
        "when": when_text(each.created_at, request.now),
        "title": message.title(each),
        "staff": each.staff.name,
        "icon": icon,
        "look": colour,
        "stands": message.stands(each, request.now),
        "clause": each.why.get("clause", ""),
    }
