"""The two reads that programs and open pages ask for most, answered before Django makes a request of them.

One statement finds out who asks, whether they may, and the answer. A statement of its own is a transaction of its own:
``people_begin`` sets who acts in it before the timeline or the card is read, so that policies of rows hold as everywhere; were it
ever read before, nobody would act and no row be seen. Whatever is not simply answered (not signed in, not allowed, a
password to change first, no such customer) is left to the operation of the same address, which says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse, parse_cookie
from django.utils.module_loading import import_string

from zhike import clock
from zhike.api import obligations
from zhike.contacts.card import CARD, CONTACTS
from zhike.obligations.today import AHEAD, TODAY
from zhike.people.actor import AT_FIRST
from zhike.people.permissions import MAY
from zhike.people.session import hashed

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

PREFIX = "/api/v1/"
# What a proxy says of the scheme in which it was asked, where one is trusted.
FORWARDED = settings.SECURE_PROXY_SSL_HEADER[0] if settings.SECURE_PROXY_SSL_HEADER else ""
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
    begin: _statement(
        begin, "obligations.view", TODAY.replace("%(owner)s", "begun.id").replace("%(covers)s", "begun.covers")
    )
    for begin in (SESSION, TOKEN)
}
CARDS = {
    begin: _statement(begin, "customers.view", CARD.replace("%(contacts)s", str(CONTACTS)))
    for begin in (SESSION, TOKEN)
}


@dataclass(frozen=True)
class Answer:
    """As a WSGI server takes it."""

    status: str
    headers: Headers
    body: bytes


class Reads:
    """A WSGI application in front of Django's: it answers the two, and hands everything else on."""

    def __init__(self, django: Wsgi) -> None:
        self.django = django

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self.answer(environ)
        if answer is None:
            return self.django(environ, start_response)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def answer(self, environ: Environ) -> Answer | None:
        """None for whatever is not simply answered here."""
        path: str = environ["PATH_INFO"]
        # What a page asks by itself must not count as work: the long way knows how.
        if environ["REQUEST_METHOD"] != "GET" or not path.startswith(PREFIX) or "HTTP_X_POLL" in environ:
            return None
        headers = around(environ["wsgi.url_scheme"], environ.get(FORWARDED, ""))
        if headers is None:
            return None
        if path == "/api/v1/obligations" and environ.get("QUERY_STRING") == "due=today":
            now = clock.now()
            body = _read(environ, TIMELINES, {"now": now, "until": now + AHEAD})
            return None if body is None else _timeline(environ, headers, body)
        if asked := THE_CARD.fullmatch(path):
            body = _read(environ, CARDS, {"now": clock.now(), "customer": int(asked[1])})
            return None if body is None else _whole(headers, body)
        return None


def _timeline(environ: Environ, headers: Headers, body: bytes) -> Answer:
    tag = obligations.tag(body)
    if environ.get("HTTP_IF_NONE_MATCH") == tag:
        return Answer("304 Not Modified", [*headers, ("ETag", tag)], b"")
    return _whole([*headers, ("ETag", tag)], body)


def _whole(headers: Headers, body: bytes) -> Answer:
    return Answer("200 OK", [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))], body)


@lru_cache(maxsize=8)
def around(scheme: str, forwarded: str) -> Headers | None:
    """The headers that every answer bears, as Django's middlewares put them; None where they send to HTTPS first."""
    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": BytesIO()}
    request = WSGIRequest(environ | ({FORWARDED: forwarded} if forwarded else {}))
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return None
    response = HttpResponse(headers={"Cache-Control": "no-store"})
    for name in reversed(settings.EVERY_ANSWER):
        response = import_string(name)(lambda _request, inner=response: inner)(request)
    del response["Content-Type"]
    return list(response.items())


def _read(environ: Environ, statements: dict[str, str], about: dict[str, Any]) -> bytes | None:
    scheme, _space, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        begin, secret = TOKEN, token.strip()
    else:
        begin, secret = SESSION, parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME, "")
    try:
        with connection.cursor() as cursor:
            cursor.execute(statements[begin], {"secret": hashed(secret), **about})
            # As PostgreSQL sent it: made a text, it would only be made bytes again.
            body: bytes | None = cursor.pgresult.get_value(0, 0)
    except (OperationalError, InterfaceError):
        # The database was restarted: the long way takes a new connection.
        connection.close()
        return None
    return body
