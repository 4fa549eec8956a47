"""What every page's frame needs: who is signed in, what time it is, the rail, the reader's wishes, waiting toasts."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from markupsafe import Markup

from zhike import clock
from zhike.conduct.bank import Bank
from zhike.people import bank
from zhike.people.permissions import MAY

HIDDEN = Markup('<input type="hidden" name="csrfmiddlewaretoken" value="{}">')

# name of the route, icon, words, key after G, at the rail's foot
RAIL: tuple[tuple[str, str, Any, str, bool], ...] = (
    ("today", "today", _("Today"), "t", False),
    ("customers", "people", _("Customers"), "k", False),
    ("schedule", "calendar", _("Schedule"), "r", False),
    ("messages", "bubble", _("SMS"), "d", False),
    ("work", "task", _("Work"), "g", False),
    ("market", "growth", _("Market"), "s", False),
    ("team", "team", _("Team"), "w", False),
    ("imports", "upload", _("Imports"), "", False),
    ("approvals", "check", _("Approvals"), "", False),
    ("units", "home", _("Units"), "", False),
    ("gateways", "forward", _("Gateways"), "", False),
    ("trail", "eye", _("Trail"), "", False),
    ("code", "code", _("Code"), "", True),
    ("settings", "settings", _("Settings"), "", False),
)
# So many a phone has room for, beside one that opens the rest; English words are wider.
IN_REACH = {"zh-hans": 7, "en": 6}
# Who is led where; a rail that shows closed doors teaches people to rattle them.
LEADS = {
    "today": "obligations.settle",  # who only looks on is never owed anything
    "schedule": "contacts.view",
    "team": "team.view",
    "imports": "customers.import",
    "approvals": "approvals.decide",
    "units": "staff.change",
    "gateways": "gateways.manage",
    "trail": "trail.view",
    "code": "clauses.view",
    "settings": "settings.change",
}

# What lies below one item of the rail, as tabs: name of the route, words, whom it is for. The item leads to the first of them.
BELOW: dict[str, tuple[tuple[str, Any, str], ...]] = {
    "customers": (
        ("customers", _("Books"), "customers.view"),
        ("structure", _("Structure"), "customers.view"),
    ),
    "messages": (
        ("messages", _("Threads"), "messages.view"),
        ("greetings", _("Festivals"), "messages.view"),
        ("campaigns", _("Campaigns"), "campaigns.view"),
        ("templates", _("Templates"), "templates.view"),
    ),
    "work": (
        ("plans", _("Plans"), "plans.view"),
        ("promises", _("Promises"), "promises.view"),
        ("assignments", _("Assignments"), "assignments.view"),
        ("outings", _("Outings"), "outings.view"),
        ("deliveries", _("Deliveries"), "deliveries.view"),
        ("documents", _("Documents"), "documents.view"),
    ),
    "market": (
        ("prospects", _("Prospects"), "prospects.view"),
        ("notes", _("Market notes"), "notes.view"),
    ),
}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context for ``base.html`` and ``entrance.html``. Reads the clock once: pages are an edge."""
    me: Any = getattr(request, "user", None)
    signed_in = me is not None and me.is_authenticated
    places = rail(get_language() or "zh-hans", _roles(request) if signed_in else frozenset())
    reach = IN_REACH.get(get_language() or "zh-hans", min(IN_REACH.values()))
    return {
        "csrf_token": token(request),
        "csrf_input": token_input(request),
        "now": getattr(request, "now", None) or clock.now(),
        "zone": timezone.get_current_timezone_name(),
        "me": me if signed_in else None,
        "in_reach": reach if len(places) > reach + 1 else len(places),
        "rail": places,
        "places_below": places_below(get_language() or "zh-hans", _roles(request) if signed_in else frozenset()),
        "searches": signed_in and not MAY["customers.view"].isdisjoint(_roles(request)),
        "theme": me.theme if signed_in else "",
        "single_keys": me.single_keys if signed_in else True,
        "toasts": toasts(request),
    }


def token(request: Any) -> str:
    """The token of this page's forms. Django masks it anew each time that it is asked; once a page will do."""
    if not hasattr(request, "token"):
        request.token = get_token(request)
    return str(request.token)


def token_input(request: HttpRequest) -> Markup:
    """The hidden field that a plain form sends the token with."""
    return HIDDEN.format(token(request))


def _roles(request: HttpRequest) -> frozenset[str]:
    actor = getattr(request, "actor", None)
    return actor.roles if actor else frozenset()


def bank_of(request: Any) -> Bank:
    """The bank's settings as they stand on the day of the request."""
    now: Bank = bank.settings_of(request.begun.settings).now(request.now)
    return now


def first_place(request: HttpRequest) -> str:
    """Where somebody lands whose role has no Today: the team for who watches over it, else the rail's first place, or the own page."""
    if not MAY["team.view"].isdisjoint(_roles(request)):
        return reverse("team")
    places = rail(get_language() or "zh-hans", _roles(request))
    return str(places[0]["href"]) if places else reverse("me")


@cache
def rail(language: str, roles: frozenset[str]) -> tuple[dict[str, Any], ...]:
    """The rail's items for these roles, in this language; only places that exist."""
    items = []
    for name, icon, text, key, end in RAIL:
        if name in BELOW:
            places = places_below(language, roles)[name]["places"]
            href = places[0]["href"] if places else ""
        else:
            href = "" if MAY[LEADS[name]].isdisjoint(roles) else _address(name)
        if href:
            items.append({"name": name, "icon": icon, "text": str(text), "key": key, "end": end, "href": href})
    return tuple(items)


@cache
def places_below(language: str, roles: frozenset[str]) -> dict[str, dict[str, Any]]:
    """For each item of the rail that has tabs, its words and those of them that these roles are led to; only places that exist."""
    words = {name: str(text) for name, _icon, text, _key, _end in RAIL}
    return {
        item: {
            "text": words[item],
            "places": [
                {"name": name, "text": str(text), "href": href}
                for name, text, leads in tabs
                if not MAY[leads].isdisjoint(roles) and (href := _address(name))
            ],
        }
        for item, tabs in BELOW.items()
    }


def _address(name: str) -> str:
    """A place's address; none where it does not exist."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def toasts(request: HttpRequest) -> list[Markup]:
    """What the last act left to say. ``extra_tags`` may hold the address that takes it back, or ``amend`` and where that is done."""
    said = []
    for message in get_messages(request):
        undo = ""
        if message.extra_tags.startswith("amend "):
            undo = Markup('<a class="toast-act" href="{}">{}</a>').format(message.extra_tags[6:], gettext("Amend"))
        elif message.extra_tags:
            undo = Markup('<form method="post" action="{}">{}<button class="toast-act">{}</button></form>').format(
                message.extra_tags, token_input(request), gettext("Undo")
            )
        said.append(Markup('<div class="toast" role="status" data-toast><span>{}</span>{}</div>').format(message, undo))
    return said
