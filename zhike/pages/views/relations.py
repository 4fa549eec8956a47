"""家庭与关系 · Who belongs to a customer: another customer, found by the search box, or somebody known by name alone.

Domain: :class:`zhike.customers.models.Relation`, :class:`zhike.customers.models.Household`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from zhike.customers import search
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Customer, Household, Relation
from zhike.customers.models.relation import leave_household
from zhike.pages import sought
from zhike.pages.answer import moved
from zhike.pages.card import card, who
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_for, customer_to_change
from zhike.pages.views.customers import hit
from zhike.people.permissions import policy


@policy("customers.change")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest, customer: int) -> HttpResponse:
    """``?for=`` looks for the other customer without script, ``?other=`` has chosen one; POST notes how they belong together.

    POST ``look`` with ``q`` is that search, sent as a form because of what is typed (``zhike.pages.sought``).
    """
    if request.method != "POST":
        return _page(request, customer_for(request, customer), request.GET)
    found, given = customer_to_change(request, customer), request.POST
    if "look" in given:
        words = urlencode({"for": sought.sealed(given.get("q", "").strip()[: sought.LONGEST], request.actor)})
        return moved(request, f"{reverse('relations', args=[found.pk])}?{words}")
    other = _other(request, given)
    if other is None and given.get("kind") != Relation.Kind.CHILD and not given.get("name", "").strip():
        wrong = gettext("Say who it is: find the customer above, or write the name.")
        return _page(request, found, given, wrong)
    acting: dict[str, Any] = {"actor": request.actor, "now": request.now}
    try:
        Relation.objects.learn(
            found,
            given.get("kind", ""),
            name=given.get("name", ""),
            age=given.get("age", "") if given.get("kind") == Relation.Kind.CHILD else "",
            note=given.get("note", ""),
            other=other,
            bank=bank_of(request),
            **acting,
        )
        if other is not None and given.get("household") == "yes":
            Household.objects.unite(found, other, **acting)
    except Unaccepted as error:
        return _page(request, found, given, str(error))
    return moved(request, reverse("customer", args=[found.pk]) + "#family", gettext("Noted for both.") if other else "")


def _other(request: ActingRequest, given: QueryDict) -> Customer | None:
    """The customer who was chosen; one out of sight is as unknown as one who does not exist."""
    chosen = given.get("other", "")
    return customer_for(request, int(chosen)) if chosen.isdecimal() and len(chosen) < 19 else None


def _page(request: ActingRequest, found: Customer, given: QueryDict, wrong: str = "") -> HttpResponse:
    bank = bank_of(request)
    words = sought.opened(given.get("for", ""), request.actor)
    looked = search.find(words, request.actor, request.now, bank) if words else None
    other = _other(request, given)
    shown = card(found, request.actor, request.now, bank, contacts=1)
    context = {
        "customer": found,
        "card": shown,
        "related": [row for row in shown["relations"] if row["id"]],
        "household": [row for row in shown["relations"] if not row["id"]],
        "lives_with": found.household_id is not None,
        "other": who(other, bank) if other else None,
        "hits": [hit(each, bank) for each in looked.hits if each.id != found.pk] if looked else [],
        "words": words,
        "kinds": [(str(kind.value), str(kind.label)) for kind in Relation.Kind],
        "ages": [(str(age.value), str(age.label)) for age in Relation.Age if age.value],
        "known_from": bank.child_age_known_from,
        "may_change": found.changeable_by(request.actor),
        "given": given,
        "wrong": wrong,
    }
    return render(request, "relations.html", context, status=422 if wrong else 200)


@policy("customers.change")
@require_POST
def remove(request: ActingRequest, customer: int, relation: int) -> HttpResponse:
    """A mistake, or over; gone from both pages."""
    found = customer_for(request, customer)
    held = Relation.objects.filter(Q(customer=found) | Q(other=found)).select_related("customer", "other")
    row = held.filter(pk=relation).first()
    if row is None:
        raise Http404
    try:
        row.forget(actor=request.actor)
    except Unaccepted as error:
        return _page(request, found, QueryDict(), str(error))
    return moved(request, reverse("relations", args=[found.pk]), gettext("Removed; the trail keeps that it stood."))


@policy("customers.change")
@require_POST
def leave(request: ActingRequest, customer: int) -> HttpResponse:
    """The customer belongs to no household any more."""
    found = customer_to_change(request, customer)
    try:
        leave_household(found, actor=request.actor, now=request.now)
    except Unaccepted as error:
        return _page(request, found, QueryDict(), str(error))
    return moved(request, reverse("relations", args=[found.pk]), gettext("Removed; the trail keeps that it stood."))
