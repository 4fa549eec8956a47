"""What is asked for most, answered in front of Django: the database is asked once, and no middleware is walked through.

One statement finds out who asks, whether they may, and the answer. A statement of its own is a transaction of its own:
``people_begin`` sets who acts in it before anything else is read, so that policies of rows hold as everywhere; were it
ever read before, nobody would act and no row be seen. Whatever is not simply answered (not signed in, not allowed, a
password to change first, no such customer) is left to the view or operation of the same address, which says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.utils.module_loading import import_string

from zhike.people.actor import AT_FIRST
from zhike.people.permissions import MAY

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# What a proxy says of the scheme in which it was asked, where one is trusted.
FORWARDED = settings.SECURE_PROXY_SSL_HEADER[0] if settings.SECURE_PROXY_SSL_HEADER else ""
# What an open page asks by itself, with nobody at the keyboard: it does not keep a forgotten session alive.
POLL = "HTTP_X_POLL"
# What is the same for everybody stands in the text: sending and reading it each time cost as much as reading the rows.
SESSION = (
    f"people_begin(%(secret)s, %(now)s, {AT_FIRST.idle_minutes}, {AT_FIRST.session_hours},"
    f" '{{{','.join(AT_FIRST.second_factor_roles)}}}'::text[], %(renews)s)"
)
TOKEN = "people_begin_token(%(secret)s, %(now)s)"  # noqa: S105 a function's name


@dataclass(frozen=True)
class Answer:
    """As a WSGI server takes it."""

    status: str
    headers: Headers
    body: bytes


class LongWay(Exception):
    """This is not simply answered: Django does it."""


# What answers one address, given the request and the headers that every answer bears. None where another is asked for.
Read = Callable[[Environ, Headers], Answer | None]


class Front:
    """A WSGI application in front of Django's: it answers what one of the ``reads`` does, and hands everything else on."""

    def __init__(self, django: Wsgi, reads: Sequence[Read]) -> None:
        self.django, self.reads = django, reads

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            answer = self.answer(environ)
        except Exception:
            # The long way has a page for what fails.
            log.exception("%s could not be answered in front of Django.", environ["PATH_INFO"])
            answer = None
        if answer is None:
            return self.django(environ, start_response)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def answer(self, environ: Environ) -> Answer | None:
        """None for whatever is not simply answered here."""
        if environ["REQUEST_METHOD"] != "GET":
            return None
        host = environ.get("HTTP_HOST") or environ["SERVER_NAME"]
        headers = around(environ["wsgi.url_scheme"], environ.get(FORWARDED, ""), host)
        if headers is None:
            return None
        try:
            for read in self.reads:
                if (answer := read(environ, headers)) is not None:
                    return answer
        except LongWay:
            pass
        return None


@lru_cache(maxsize=64)
def around(scheme: str, forwarded: str, host: str) -> Headers | None:
    """The headers that every answer bears, as Django's middlewares put them; None where they send to HTTPS first, and for a name
    that is not ours.
    """
    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": BytesIO(), "HTTP_HOST": host}
    request = WSGIRequest(environ | ({FORWARDED: forwarded} if forwarded else {}))
    try:
        request.get_host()
    except DisallowedHost:
        return None
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return None
    response = HttpResponse(headers={"Cache-Control": "no-store"})
    for name in reversed(settings.EVERY_ANSWER):
        response = import_string(name)(lambda _request, inner=response: inner)(request)
    del response["Content-Type"]
    return list(response.items())


def statement(begin: str, capability: str, read: str, beside: str = "") -> str:
    """SQL of what is read for whoever begins so, as the row ``begun``; no row where they may not, or have something else to do first.

    The rows ``beside`` must depend on ``begun``, so that they are looked for after it.
    """
    roles = ",".join(sorted(MAY[capability]))
    text = f"""
        SELECT {read} FROM {begin} begun {beside}
        WHERE begun.roles && '{{{roles}}}'::text[] AND NOT begun.must_change_password AND NOT begun.second_factor
    """  # noqa: S608 our own texts alone
    # psycopg keeps what it made of a statement's text up to 4,096 letters: the blanks of a margin are not among them.
    return " ".join(text.split())


@contextmanager
def asked(text: str, about: Mapping[str, Any]) -> Iterator[Any]:
    """The cursor with the statement's one row."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(text, about)
            if cursor.rowcount == 0:
                raise LongWay
            yield cursor
    except (OperationalError, InterfaceError) as error:
        # The database was restarted: the long way takes a new connection.
        connection.close()
        raise LongWay from error
