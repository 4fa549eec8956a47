"""礼仪卡 · Etiquette by occasion (W6): all cards, and one to read or print.

Domain: :mod:`zhike.conduct.manners`.
"""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zhike.conduct import manners
from zhike.conduct.manners import Card
from zhike.pages import owed
from zhike.pages.middleware import ActingRequest
from zhike.people.permissions import policy

ADDRESS = re.compile(r"\{称谓\}|\{[Ff]orm of address\}")


@policy("clauses.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Every card; printed, they are a booklet."""
    context = {"cards": [said(card) for card in manners.cards().values()], "one": False}
    return render(request, "manners.html", context)


@policy("clauses.view")
@require_safe
def one(request: ActingRequest, card: str) -> HttpResponse:
    found = manners.cards().get(card)
    if found is None:
        raise Http404
    return render(request, "manners.html", {"cards": [said(found)], "one": True})


def said(card: Card, address: str = "") -> dict[str, Any]:
    """A card in the reader's language; with the customer's form of address filled in where one is known."""
    speaks = owed.speaks()
    lists = {name: [each.say(speaks) for each in getattr(card, name)] for name in ("do", "do_not", "say")}
    if address:
        lists["say"] = [ADDRESS.sub(lambda _: address, each) for each in lists["say"]]
    return {
        "key": card.key,
        "title": card.title.say(speaks),
        "clauses": [(id, owed.tip(id)) for id in card.clauses],
        **lists,
    }
