"""Each request is one transaction in which one staff member acts; its first statement finds out who.

An answer that reports a failure undoes what was written on the way to it. A refusal is kept nevertheless: in a
transaction of its own, afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.defaults import bad_request
from ninja.operation import PathView

from zhike import clock
from zhike.conduct import words
from zhike.front import POLL
from zhike.pages import away
from zhike.people import actor as acting
from zhike.people import bank
from zhike.people.permissions import PUBLIC, Refused, check_route
from zhike.people.session import SessionStore
from zhike.people.typed import typed
from zhike.trail.models import note

if TYPE_CHECKING:
    from zhike.people.actor import Actor, Begun
    from zhike.people.models import Staff

API = "/api/"
# Answered without a transaction: they must work when the database does not, or never ask it.
OUTSIDE = ("/static/", "/healthz", "/readyz", "/metrics")
LONGEST_TYPED = 20_000  # characters of one field of a form; nobody types more, and a program has the API
DRAWN = frozenset({"drawn"})  # fields of forms that hold a picture
# What somebody may do who has to change the password or set up the second factor first.
ON_THE_WAY = frozenset(
    {
        "account_logout",
        "account_change_password",
        "account_reauthenticate",
        "mfa_activate_totp",
        "mfa_reauthenticate",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
    }
)


class ActingRequest(HttpRequest):
    """A request as views get it: ``actor`` is None only where the policy is PUBLIC and nobody is signed in."""

    actor: Actor
    user: Staff
    now: datetime
    begun: Begun | None
    session: SessionStore
    keeps: bool
    refusals: list[Refused]
    lost: Exception | None


class _Lost(Exception):
    """The connection turned out to be dead at the first statement: nothing was done, and it can be tried anew."""


class Acting:
    """Opens the transaction, sets ``request.actor``, ``user`` and ``now``, enforces each route's policy."""

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.cookies = SessionMiddleware(get_response)
        self.csrf = CsrfViewMiddleware(get_response)

    def __call__(self, request: Any) -> HttpResponseBase:
        if request.path.startswith(OUTSIDE):
            request.user, request.session = AnonymousUser(), SessionStore()
            return self.get_response(request)
        request.now = clock.now()
        request.keeps = False
        request.refusals = []
        request.lost = None
        try:
            response = self._once_more(request)
            if request.refusals:
                self._keep_refusals(request)
        except (away.Away, OperationalError, InterfaceError) as error:
            lost = error.__cause__ if isinstance(error, away.Away) else error
            if lost is None or not away.is_away(lost):
                raise
            connection.close()
            response = away.answer(request, lost)
        return response

    def _once_more(self, request: Any) -> HttpResponseBase:
        try:
            return self._transaction(request)
        except _Lost:
            # The database was restarted since the last request: a new connection, once.
            connection.close()
        try:
            return self._transaction(request)
        except _Lost as lost:
            raise away.Away from lost.__cause__

    def _transaction(self, request: Any) -> HttpResponseBase:
        with transaction.atomic():
            self._begin(request)
            language = request.user.language if request.begun else translation.get_language_from_request(request)
            with translation.override(language), timezone.override(zone_of(request)):
                response = self.get_response(request)
                if request.lost is not None:
                    raise away.Away from request.lost
                if not response.has_header("Cache-Control"):
                    # A shared desk: nobody pages back to a customer after signing out.
                    response["Cache-Control"] = "no-store"
                response = self.cookies.process_response(request, response)  # type: ignore[arg-type]
            if response.status_code >= 400 and not request.keeps:
                transaction.set_rollback(True)
        return response

    def _begin(self, request: Any) -> None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        found: str | None = None
        try:
            if scheme.lower() == "bearer" and request.path.startswith(API):
                begun = acting.begin_with_token(token.strip(), request.now)
                # A program has no cookie, so nobody can make a browser send it: the CSRF token has nothing to protect.
                request._dont_enforce_csrf_checks = True
                key = ""
            else:
                begun, found = acting.begin(key, request.now, POLL not in request.META)
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block and len(connection.savepoint_ids) > 0:
                raise
            raise _Lost from error
        request.begun = begun
        request.session = SessionStore(key or None, request.now, found, request.META.get("HTTP_USER_AGENT", ""))
        request.user = begun.staff if begun else AnonymousUser()
        request.actor = begun.actor if begun else None

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        if request.path.startswith(OUTSIDE):
            return None
        if not request.path.startswith(API) and holds_nul(request):
            # What no keyboard types and PostgreSQL does not keep; the API says it field by field.
            return bad_request(request, BadRequest("NUL"))
        if not request.path.startswith(API) and (longest := longest_typed(request)) > LONGEST_TYPED:
            most = {"typed": f"{longest:,}", "most": f"{LONGEST_TYPED:,}"}
            said = _("One field holds %(typed)s characters; at most %(most)s are taken.") % most
            return render(request, "400.html", {"said": said}, status=413)
        if not request.path.startswith(API):
            request.GET, request.POST = as_typed(request.GET), as_typed(request.POST)
        try:
            check_route(request.actor, stated_policy(view, request.method))
        except Refused as refused:
            return self.refuse(request, refused)
        if request.path.startswith(API) and request.begun:
            # django-ninja exempts its views; a browser that is signed in could be made to send anything.
            forged = self.csrf.process_view(request, _not_exempt, (), {})
            if forged is not None:
                return problem(403, _("The CSRF token is missing. Send it as X-CSRFToken, or use a bearer token."))
        if request.begun and request.resolver_match.url_name not in ON_THE_WAY:
            return self._first_things_first(request, request.begun)
        return None

    def process_exception(self, request: Any, exception: Exception) -> HttpResponseBase | None:
        if isinstance(exception, Refused):
            return self.refuse(request, exception)
        if connection.in_atomic_block:
            transaction.set_rollback(True)
        if away.is_away(exception):
            request.lost = exception
            return HttpResponse(status=503)  # stands for the answer that is made once the transaction is over
        if isinstance(exception, words.Refused):
            # What a view has no place for beside a field: the sentence alone, and the way back to what was typed.
            sentence = exception.words.say(translation.get_language() or "")
            return render(request, "refused.html", {"sentence": sentence}, status=422)
        return None

    def refuse(self, request: Any, refused: Refused) -> HttpResponseBase:
        """The answer to what is not allowed: sign in first, or a sentence. A signed-in person's refusal is kept."""
        api = request.path.startswith(API)
        if request.actor is None:
            if api:
                return problem(401, _("Please sign in, or send a bearer token."), {"WWW-Authenticate": "Bearer"})
            return to_sign_in(request)
        request.refusals.append(refused)
        if api:
            return problem(403, str(refused))
        from django.views.defaults import permission_denied

        return permission_denied(request, refused)

    def _first_things_first(self, request: Any, begun: Begun) -> HttpResponseBase | None:
        if begun.must_change_password:
            sentence, page = _("Please change your password first."), "account_change_password"
        elif begun.needs_second_factor:
            sentence, page = _("Your role needs a second factor. Please set it up first."), "mfa_activate_totp"
        else:
            return None
        if request.path.startswith(API):
            return problem(403, sentence)
        return redirect(request, reverse(page))

    def _keep_refusals(self, request: Any) -> None:
        with transaction.atomic():
            acting.act(request.actor.id, request.now)
            for refused in request.refusals:
                note(
                    action="refused",
                    object=refused.capability,
                    now=request.now,
                    path=request.path,
                    method=request.method,
                )


def zone_of(request: Any) -> tzinfo:
    """The zone in which the bank's clocks go: what is typed, shown and reckoned with is one and the same time."""
    if request.begun is None:
        return timezone.get_default_timezone()
    return bank.settings_of(request.begun.settings).zone(request.now)


def holds_nul(request: HttpRequest) -> bool:
    """Whether the address or the form holds a NUL character, in a name or in a value."""
    given = (request.GET, request.POST, request.FILES)
    texts = (text for each in given for name, values in each.lists() for text in (name, *values))
    return any("\0" in (text if isinstance(text, str) else text.name) for text in texts)


def longest_typed(request: HttpRequest) -> int:
    """How many characters the longest field of the form holds; a drawn signature is no text, and is measured where it is read."""
    fields = request.POST.lists()
    return max((len(text) for name, values in fields if name not in DRAWN for text in values), default=0)


def as_typed(given: QueryDict) -> QueryDict:
    """An address or a form without what nobody sees in it (``zhike.people.typed``)."""
    if all(value.isprintable() for _name, values in given.lists() for value in values):
        return given
    cleaned = given.copy()
    for name, values in given.lists():
        cleaned.setlist(name, [typed(value) for value in values])
    return cleaned


def stated_policy(view: Any, method: str | None) -> str | None:
    """The policy that a view, or the API operation behind it, states; None if it states none."""
    stated = getattr(view, "policy", None)
    if stated is not None:
        return str(stated)
    paths = paths_behind(view)
    if paths is None:
        return None
    wanted = "GET" if method == "HEAD" else method
    operation = next((operation for operation in paths.operations if wanted in operation.methods), None)
    # Without an operation for this method the answer is "405", to whoever asks.
    return PUBLIC if operation is None else getattr(operation.view_func, "policy", None)


def paths_behind(view: Any) -> PathView | None:
    """django-ninja's operations of one path, out of the view that it made for them; None if the view is another's."""
    cells = getattr(view, "__closure__", None) or ()
    return next((cell.cell_contents for cell in cells if isinstance(cell.cell_contents, PathView)), None)


def to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """To the sign-in page and back here afterwards; for a fragment or a form, to the page that it stood on."""
    back = request.get_full_path()
    if request.method != "GET" or "HX-Request" in request.headers:
        page = request.headers.get("HX-Current-URL", "")
        came = urlsplit(page or request.headers.get("Referer", ""))
        ours = came.netloc == request.get_host() and (page or came.path != request.path)
        back = urlunsplit(("", "", came.path, came.query, "")) if ours else "/"
    return redirect(request, f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': back}, safe='/')}")


def redirect(request: HttpRequest, address: str) -> HttpResponseBase:
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """RFC 9457."""
    titles = {401: _("Not signed in"), 403: _("Not allowed"), 404: _("Not found")}
    return JsonResponse(
        {"type": "about:blank", "title": titles.get(status, ""), "status": status, "detail": detail},
        status=status,
        content_type="application/problem+json",
        headers=headers or {},
        json_dumps_params={"ensure_ascii": False},
    )


def _not_exempt(request: HttpRequest) -> HttpResponse:
    """Stands for a view that asks for the CSRF token."""
    raise NotImplementedError
