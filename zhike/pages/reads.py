"""The two pages that are asked for most: :mod:`zhike.front` answers them in front of Django, written by what their views write with.

Nothing but the one statement reads: what a page wants to know besides (why contact has stopped, the sixty-first holding, settings
that this process has not read yet) it is told on the long way, and so is whoever is waited for by a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.http import HttpResponse, parse_cookie
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone, translation

from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import card
from zhike.contacts.agenda import AGENDA, on
from zhike.front import POLL, SESSION, Answer, Environ, Headers, LongWay, asked, statement
from zhike.market.story import BEFORE
from zhike.obligations import lifting
from zhike.obligations.today import TODAY, moments
from zhike.pages import owed
from zhike.pages.shell import bank_of
from zhike.pages.views import customer as customers
from zhike.pages.views import today as days
from zhike.people import bank
from zhike.people.actor import BEGUN, COLUMNS, begun
from zhike.people.session import hashed
from zhike.sms.threads import ON_THEIR_WAY

FILTERS = {"", *(f"sort={sort}" for sort in owed.SORTS)}
ONES_OWN = {
    "%(owner)s": "begun.id", "%(covers)s": "begun.covers", "%(me)s": "begun.id", "%(whose)s": "(begun.id || begun.covers)",
    "%(sees)s": "begun.sees", "%(contacts)s": str(customers.CONTACTS),
}  # fmt: skip
THE_CUSTOMER = re.compile(r"/customers/([1-9][0-9]{0,17})/")
CSRF = CsrfViewMiddleware(lambda _request: HttpResponse())


def _ones_own(text: str) -> str:
    """The statement with the row ``begun`` in the place of what is known of the actor."""
    for name, column in ONES_OWN.items():
        text = text.replace(name, column)
    return text


DAY = statement(
    SESSION,
    "obligations.settle",
    _ones_own(f"{BEGUN}, ({TODAY}), ({AGENDA}), CASE WHEN %(messages)s THEN ({ON_THEIR_WAY}) ELSE '' END"),
)
# Where a decision is to be told, the long way tells it.
CUSTOMER = statement(
    SESSION,
    "customers.view",
    f"{BEGUN}, seen.*",
    _ones_own(f"CROSS JOIN LATERAL ({card.both(BEFORE)} AND NOT {lifting.DECIDED} OFFSET 0) seen"),
)


class Today:
    """The timeline as a page, or its inside for the question that an open one asks by itself."""

    def __init__(self) -> None:
        # The bank's zone, as the last page had it: the statement wants to know when the day began, before it tells.
        self.zone = Bank().zone

    def __call__(self, environ: Environ, headers: Headers) -> Answer | None:
        if environ["PATH_INFO"] != "/" or environ.get("QUERY_STRING", "") not in FILTERS:
            return None
        now, zone = clock.now(), self.zone
        about = {**moments(now), "messages": days.messages_leave(), **on(now, zone)}

        def page(request: Any, ledger: str, day: str, sent: str) -> HttpResponse:
            self.zone = bank_of(request).zone
            if self.zone != zone:
                raise LongWay
            return days.page(request, ledger, day, sent)

        return _answered(environ, headers, now, DAY, about, page)


def customer(environ: Environ, headers: Headers) -> Answer | None:
    """A customer's page as it first is."""
    found = THE_CUSTOMER.fullmatch(environ["PATH_INFO"])
    if found is None or environ.get("QUERY_STRING"):
        return None
    now = clock.now()
    about = {"customer": int(found[1]), "lately": now - lifting.TOLD_FOR}
    return _answered(
        environ, headers, now, CUSTOMER, about, lambda request, *row: customers.page(request, *card.of(row), decided=[])
    )


def _answered(
    environ: Environ,
    headers: Headers,
    now: datetime,
    text: str,
    about: dict[str, Any],
    page: Callable[..., HttpResponse],
) -> Answer:
    cookies = parse_cookie(environ.get("HTTP_COOKIE", ""))
    if cookies.get(CookieStorage.cookie_name):  # a message to show; Django looks for more only behind the first
        raise LongWay
    secret = hashed(cookies.get(settings.SESSION_COOKIE_NAME, ""))
    with asked(text, {"secret": secret, "now": now, "renews": POLL not in environ, **about}) as cursor:
        row = cursor.fetchone()
    who, read = row[: len(COLUMNS)], row[len(COLUMNS) :]
    request: Any = WSGIRequest({**environ})
    request.COOKIES, request.now, request.begun = cookies, now, begun(who)
    request.user, request.actor = request.begun.staff, request.begun.actor
    CSRF.process_request(request)
    with connection.execute_wrapper(_no_more):
        zone = bank.settings_of(request.begun.settings).zone(now)
        with translation.override(request.user.language), timezone.override(zone):
            response = page(request, *read)
    CSRF.process_response(request, response)
    body = response.content
    return Answer(
        f"{response.status_code} {response.reason_phrase}",
        [
            *headers,
            *response.items(),
            ("Content-Length", str(len(body))),
            *(("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()),
        ],
        body,
    )


def _no_more(*_statement: Any) -> Any:
    """In the place of a further statement: outside of the first one nobody acts, and it would see no row."""
    raise LongWay
