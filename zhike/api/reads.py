"""The two reads that programs and open pages ask for most, in one way to the database: who asks, may they, the answer.

A statement of its own is a transaction of its own: ``people_begin`` sets who acts in it before the timeline or the card is
read, so that policies of rows hold as everywhere; were it ever read before, nobody would act and no row be seen. Whatever
is not simply answered (not signed in, not allowed, a password to change first, no such customer) is left to the operation
of the same address, which says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from zhike import clock
from zhike.api import obligations
from zhike.contacts.card import CARD, CONTACTS
from zhike.obligations.today import AHEAD, TODAY
from zhike.people.actor import AT_FIRST
from zhike.people.permissions import MAY
from zhike.people.session import hashed

PREFIX = "/api/v1/"
THE_CARD = re.compile(r"/api/v1/customers/([1-9][0-9]{0,17})/card")
# What is the same for everybody stands in the text: sending and reading it each time cost as much as reading the rows.
SESSION = (
    f"people_begin(%(secret)s, %(now)s, {AT_FIRST.idle_minutes}, {AT_FIRST.session_hours},"
    f" '{{{','.join(AT_FIRST.second_factor_roles)}}}'::text[])"
)
TOKEN = "people_begin_token(%(secret)s, %(now)s)"  # noqa: S105 a function's name


def _statement(begin: str, capability: str, read: str) -> str:
    text = f"""
        SELECT CASE WHEN begun.roles && '{{{",".join(sorted(MAY[capability]))}}}'::text[]
                         AND NOT begun.must_change_password AND NOT begun.second_factor
                    THEN ({read}) END
        FROM {begin} begun
    """  # noqa: S608 our own texts alone
    # psycopg keeps what it made of a statement's text up to 4,096 letters: the blanks of a margin are not among them.
    return " ".join(text.split())


TIMELINES = {
    begin: _statement(begin, "obligations.view", TODAY.replace("%(owner)s", "begun.id")) for begin in (SESSION, TOKEN)
}
CARDS = {
    begin: _statement(begin, "customers.view", CARD.replace("%(contacts)s", str(CONTACTS)))
    for begin in (SESSION, TOKEN)
}


class Reads:
    """Outside everything that a page needs and a value does not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # What a page asks by itself must not count as work: the long way knows how.
        if request.method == "GET" and request.path.startswith(PREFIX) and "HTTP_X_POLL" not in request.META:
            if request.path == "/api/v1/obligations" and request.META["QUERY_STRING"] == "due=today":
                now = clock.now()
                if (body := _read(request, TIMELINES, {"now": now, "until": now + AHEAD})) is not None:
                    return obligations.timeline(request, body)
            elif asked := THE_CARD.fullmatch(request.path):
                about = {"now": clock.now(), "customer": int(asked[1])}
                if (body := _read(request, CARDS, about)) is not None:
                    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})
        return self.get_response(request)


def _read(request: HttpRequest, statements: dict[str, str], about: dict[str, Any]) -> str | None:
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        begin, secret = TOKEN, token.strip()
    else:
        begin, secret = SESSION, request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    try:
        with connection.cursor() as cursor:
            cursor.execute(statements[begin], {"secret": hashed(secret), **about})
            body: str | None = cursor.fetchone()[0]
    except (OperationalError, InterfaceError):
        # The database was restarted: the long way takes a new connection.
        connection.close()
        return None
    return body
