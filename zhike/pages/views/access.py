"""登录与令牌 · Where one is signed in and which programs act for one: seen, ended, and a new token made.

Domain: :mod:`zhike.people.browsers`, :mod:`zhike.people.tokens`. A token is shown on the page that makes it, never again.
"""

from __future__ import annotations

import re
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib.auth import logout
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.pages.answer import moved
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import browsers, tokens
from zhike.people.models import Token
from zhike.people.permissions import SIGNED_IN, policy

SHOWN = 50  # tokens on a page, the ended ones included

# What a browser says it is holds the names of all that it descends from: the first that fits is meant.
BROWSERS = (
    ("wxwork", "WeCom"), ("MicroMessenger", "WeChat"), ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone|iPad", "iOS"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


@policy(SIGNED_IN)
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """One's own sessions and tokens."""
    return render(request, "access.html", held(request, request.actor.id))


@policy(SIGNED_IN)
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth is untyped
@require_http_methods(["GET", "HEAD", "POST"])
def new_token(request: ActingRequest) -> HttpResponse:
    """Asks for name and days; POST makes the token and shows it, this once. Asked first whether it is really them."""
    bank, given = bank_of(request), request.POST.dict()
    context: dict[str, Any] = {"given": given, "days": bank.token_days, "wrong": None}
    if request.method != "POST":
        return render(request, "token_new.html", context)
    days = str(given.get("days", ""))
    try:
        made = tokens.make(
            request.actor,
            str(given.get("label", "")),
            int(days) if days.isdecimal() and len(days) < 5 else None,
            request.now,
            bank,
        )
    except Refused as refused:
        context["wrong"] = refused.words.say(get_language() or "")
        return render(request, "token_new.html", context, status=422)
    return render(request, "token_made.html", {"token": made, "label": given.get("label", "")})


@policy(SIGNED_IN)
@require_POST
def revoke(request: ActingRequest, token: int) -> HttpResponse:
    """One's own token opens nothing any more."""
    return revoked(request, request.actor.id, token, reverse("access"))


@policy(SIGNED_IN)
@require_POST
def end(request: ActingRequest) -> HttpResponse:
    """Signs out one browser (``browser``), or all of them, this one too."""
    handle = request.POST.get("browser", "")
    if handle:
        here = next((each for each in _browsers(request, request.actor.id) if each.here), None)
        if here is None or handle != here.handle:
            browsers.end(request.actor, request.actor.id, request.now, handle=handle)
            return moved(request, reverse("access"), gettext("Signed out there."))
    else:
        browsers.end(request.actor, request.actor.id, request.now)
    logout(request)
    return moved(request, reverse("account_login"))


def revoked(request: ActingRequest, staff: int, token: int, address: str) -> HttpResponse:
    """A token of ``staff`` is revoked; on to ``address``."""
    try:
        tokens.revoke(request.actor, staff, token, request.now)
    except Token.DoesNotExist as error:
        raise Http404 from error
    return moved(request, address, gettext("Revoked: it opens nothing any more."))


def held(request: ActingRequest, staff: int) -> dict[str, Any]:
    """Sessions and tokens of somebody, for a page."""
    return {
        "browsers": [
            {
                "handle": each.handle,
                "name": named(each.agent),
                "begun": each.begun_at,
                "seen": each.seen_at,
                "here": each.here,
            }
            for each in _browsers(request, staff)
        ],
        "tokens": [
            {
                "id": token.pk,
                "label": token.label or gettext("(no name)"),
                "made": token.created_at,
                "used": token.used_at,
                "until": token.expires_at,
                "revoked": token.revoked_at,
                "over": token.revoked_at is not None or token.expires_at <= request.now,
            }
            for token in tokens.of(request.actor, staff)[:SHOWN]
        ],
    }


def _browsers(request: ActingRequest, staff: int) -> list[browsers.Browser]:
    return browsers.of(request.actor, staff, request.now, bank_of(request), key=request.session.session_key)


def named(agent: str) -> str:
    """``Chrome · Windows``: what a browser says it is, as people call it."""
    parts = [next((name for sign, name in names if re.search(sign, agent)), "") for names in (BROWSERS, SYSTEMS)]
    return " · ".join(part for part in parts if part) or gettext("an unknown browser")
