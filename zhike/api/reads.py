"""The two reads that programs and open pages ask for most, as data: :mod:`zhike.front` answers them in front of Django."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.http import parse_cookie

from zhike import clock
from zhike.api import obligations
from zhike.contacts.card import CARD, CONTACTS
from zhike.front import POLL, SESSION, TOKEN, Answer, Environ, Headers, asked, statement
from zhike.obligations.today import TODAY, moments
from zhike.people.session import hashed

THE_CARD = re.compile(r"/api/v1/customers/([1-9][0-9]{0,17})/card")
OWING = TODAY.replace("%(owner)s", "begun.id").replace("%(covers)s", "begun.covers")
TIMELINES = {begin: statement(begin, "obligations.view", f"({OWING})") for begin in (SESSION, TOKEN)}
KNOWN = CARD.replace("%(contacts)s", str(CONTACTS))
CARDS = {begin: statement(begin, "customers.view", f"({KNOWN})") for begin in (SESSION, TOKEN)}


def timeline(environ: Environ, headers: Headers) -> Answer | None:
    """What whoever asks owes today; not again where it has not changed."""
    if environ["PATH_INFO"] != "/api/v1/obligations" or environ.get("QUERY_STRING") != "due=today":
        return None
    now = clock.now()
    body = _read(environ, TIMELINES, moments(now))
    if body is None:
        return None
    tag = obligations.tag(body)
    if environ.get("HTTP_IF_NONE_MATCH") == tag:
        return Answer("304 Not Modified", [*headers, ("ETag", tag)], b"")
    return _whole([*headers, ("ETag", tag)], body)


def card(environ: Environ, headers: Headers) -> Answer | None:
    """What one must know of a customer before a word is said."""
    customer = THE_CARD.fullmatch(environ["PATH_INFO"])
    if customer is None:
        return None
    body = _read(environ, CARDS, {"now": clock.now(), "customer": int(customer[1])})
    return None if body is None else _whole(headers, body)


def _whole(headers: Headers, body: bytes) -> Answer:
    return Answer("200 OK", [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))], body)


def _read(environ: Environ, statements: dict[str, str], about: dict[str, Any]) -> bytes | None:
    """The one value, as PostgreSQL sent it: made a text, it would only be made bytes again."""
    scheme, _space, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        begin, secret = TOKEN, token.strip()
    else:
        begin, secret = SESSION, parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME, "")
        about["renews"] = POLL not in environ
    with asked(statements[begin], {"secret": hashed(secret), **about}) as cursor:
        value: bytes | None = cursor.pgresult.get_value(0, 0)
    return value
