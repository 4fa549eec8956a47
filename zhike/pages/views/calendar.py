"""手机日历 · The calendar that one's own phone reads, at an address that is its key: made, shown once, revoked, read.

Domain: :mod:`zhike.notices.subscription`, :mod:`zhike.notices.calendar`.
"""

from __future__ import annotations

import base64

from allauth.account.decorators import reauthentication_required
from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.notices import subscription
from zhike.notices.calendar import calendar
from zhike.pages.answer import moved
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import bank as banks
from zhike.people.actor import acting, leave
from zhike.people.permissions import PUBLIC, SIGNED_IN, policy


@policy(PUBLIC)
@require_safe
def feed(request: ActingRequest, secret: str) -> HttpResponseBase:
    """The calendar behind a secret address. Any other address is answered in the same words, whatever the reason."""
    bank = banks.settings().now(request.now)
    whose = subscription.found(secret, request.now, bank)
    if whose is None:
        return _unstored(HttpResponse("Not found\n", status=404, content_type="text/plain; charset=utf-8"))
    with acting(whose.staff, request.now) as actor:
        found = calendar(actor, secret, request.now, bank, language=whose.language, link=settings.ADDRESS)
    leave()
    tag = f'"{found.tag}"'
    unchanged = get_conditional_response(request, etag=tag)
    answer = unchanged or HttpResponse(found.text(), content_type="text/calendar; charset=utf-8")
    answer["ETag"] = tag
    answer["Content-Disposition"] = 'inline; filename="zhike.ics"'
    return _unstored(answer)


@policy(SIGNED_IN)
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth is untyped
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """Says what will stand where; POST makes the address and shows it, this once. Asked first whether it is really them."""
    bank = bank_of(request)
    if request.method != "POST" or not bank.calendar_feed:
        mine = subscription.in_force(request.actor, request.now, bank)
        context = {"allowed": bank.calendar_feed, "detail": bank.calendar_detail, "mine": mine}
        return render(request, "calendar_new.html", context, status=422 if request.method == "POST" else 200)
    secret = subscription.make(request.actor, request.now, bank)
    address = _address(request, secret)
    return render(request, "calendar_made.html", {"address": address, "picture": _picture(address)})


@policy(SIGNED_IN)
@require_POST
def revoke(request: ActingRequest) -> HttpResponse:
    """One's own address opens nothing any more."""
    subscription.revoke(request.actor, request.now)
    return moved(request, reverse("reminders"), gettext("Revoked: phones read nothing there any more."))


def _address(request: HttpRequest, secret: str) -> str:
    path = reverse("calendar", args=[secret])
    return settings.ADDRESS + path if settings.ADDRESS else request.build_absolute_uri(path)


def _picture(address: str) -> str:
    """A square that a phone photographs, as the one for the second factor is drawn."""
    drawn = get_adapter().build_totp_svg(address)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def _unstored(answer: HttpResponseBase) -> HttpResponseBase:
    answer["Cache-Control"] = "private, no-store"
    return answer
