"""What is asked for most, answered in front of Django: the database is asked once, and no request is made of it.

One statement finds out who asks, whether they may, and the answer. A statement of its own is a transaction of its own:
``people_begin`` sets who acts in it before anything else is read, so that policies of rows hold as everywhere; were it
ever read before, nobody would act and no row be seen. Whatever is not simply answered (not signed in, not allowed, a
password to change first, no such customer) is left to the operation of the same address, which says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.utils.module_loading import import_string

from zhike.people.actor import AT_FIRST
from zhike.people.permissions import MAY

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# What a proxy says of the scheme in which it was asked, where one is trusted.
FORWARDED = settings.SECURE_PROXY_SSL_HEADER[0] if settings.SECURE_PROXY_SSL_HEADER else ""
# What is the same for everybody stands in the text: sending and reading it each time cost as much as reading the rows.
SESSION = (
    f"people_begin(%(secret)s, %(now)s, {AT_FIRST.idle_minutes}, {AT_FIRST.session_hours},"
    f" '{{{','.join(AT_FIRST.second_factor_roles)}}}'::text[])"
)
TOKEN = "people_begin_token(%(secret)s, %(now)s)"  # noqa: S105 a function's name


@dataclass(frozen=True)
class Answer:
    """As a WSGI server takes it."""

    status: str
    headers: Headers
    body: bytes


# What answers one address: given the request, and the headers that every answer bears. None for another address, and for
# whatever it does not simply answer.
Read = Callable[[Environ, Headers], Answer | None]


class Front:
    """A WSGI application in front of Django's: it answers what one of the ``reads`` does, and hands everything else on."""

    def __init__(self, django: Wsgi, reads: Sequence[Read]) -> None:
        self.django, self.reads = django, reads

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self.answer(environ)
        if answer is None:
            return self.django(environ, start_response)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def answer(self, environ: Environ) -> Answer | None:
        """None for whatever is not simply answered here."""
        # What a page asks by itself must not count as work: the long way knows how.
        if environ["REQUEST_METHOD"] != "GET" or "HTTP_X_POLL" in environ:
            return None
        headers = around(environ["wsgi.url_scheme"], environ.get(FORWARDED, ""))
        if headers is None:
            return None
        return next((answer for read in self.reads if (answer := read(environ, headers)) is not None), None)


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


def statement(begin: str, capability: str, read: str) -> str:
    """Who asks, by their session or token, and what they may read."""
    text = f"""
        SELECT CASE WHEN begun.roles && '{{{",".join(sorted(MAY[capability]))}}}'::text[]
                         AND NOT begun.must_change_password AND NOT begun.second_factor
                    THEN ({read}) END
        FROM {begin} begun
    """  # noqa: S608 our own texts alone
    # psycopg keeps what it made of a statement's text up to 4,096 letters: the blanks of a margin are not among them.
    return " ".join(text.split())


def told(text: str, asked: Mapping[str, Any]) -> bytes | None:
    """The statement's one value, as PostgreSQL sent it: made a text, it would only be made bytes again."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(text, asked)
            value: bytes | None = cursor.pgresult.get_value(0, 0)
    except (OperationalError, InterfaceError):
        # The database was restarted: the long way takes a new connection.
        connection.close()
        return None
    return value
