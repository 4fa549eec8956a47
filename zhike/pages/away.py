"""While the database is away (it restarts, is stopped, cannot be reached): one sentence, and when to come again.

Nothing here asks the database. Pages answer with ``503.html``, the API with a problem document (RFC 9457); both with 503 and
``Retry-After``. What a form held comes back with the page, to be sent again.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils import translation
from django.utils.translation import gettext as _

API = "/api/"
# Seconds: an embedded PostgreSQL that was killed is back in about so many.
RETRY_AFTER = 5
# What is typed there is never written into a page: passwords and codes.
SECRET = ("/sign-in/", "/me/")
log = logging.getLogger("zhike.away")


class Away(Exception):
    """The database went away in the middle of a request; what it had written is undone."""


def is_away(error: BaseException) -> bool:
    """Whether it says that there is no database to talk to: not reached, lost, starting, shutting down, no place left in it.

    A deadlock, a lock that took too long, a full disk are told by a database that is there.
    """
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    # A connection that failed or broke has no code; those of class 08 and 57P say the same, 53300 is "too many connections".
    code = getattr(error.__cause__, "sqlstate", None)
    return code is None or code.startswith(("08", "57P")) or code == "53300"


def answer(request: Any, error: BaseException) -> HttpResponse:
    """The answer to whatever was asked, in the reader's language where it is known, else in the browser's."""
    log.warning("database away: %s %s: %s", request.method, request.path, error)
    begun = getattr(request, "begun", None)
    with translation.override(begun.staff.language if begun else translation.get_language_from_request(request)):
        made = _problem() if request.path.startswith(API) else _page(request)
    made["Retry-After"] = str(RETRY_AFTER)
    made["Cache-Control"] = "no-store"
    return made


def sentence() -> str:
    return _("The database is away for a moment and comes back by itself. Please try again shortly.")


def _problem() -> HttpResponse:
    return JsonResponse(
        {"type": "urn:zhike:problem:away", "title": "The database is away", "status": 503, "detail": sentence()},
        status=503, content_type="application/problem+json", json_dumps_params={"ensure_ascii": False},
    )  # fmt: skip


def _page(request: HttpRequest) -> HttpResponse:
    sent = request.method == "POST" and not request.FILES and not request.path.startswith(SECRET)
    context = {
        "sentence": sentence(),
        "address": request.get_full_path(),
        "sent": [(name, value) for name, values in request.POST.lists() for value in values] if sent else None,
        "asked": request.method == "GET",
    }
    return HttpResponse(loader.get_template("503.html").render(context), status=503)
