"""Errors as RFC 9457 problem documents: what is wrong, where, what to do; with the clause where one is the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from zhike.api.shapes import Out, dumps
from zhike.conduct import words
from zhike.conduct.guard import Blocked, Verdict
from zhike.contacts.completion import AlreadySettled
from zhike.contacts.course import DoesNotFit
from zhike.contacts.states import WrongState
from zhike.customers.checks import Unaccepted
from zhike.customers.models.customer import Exhausted
from zhike.documents.filing import NotNow as NotNowFiled
from zhike.documents.formats import Unkept
from zhike.market import refusals as market
from zhike.obligations.models import State
from zhike.people.leave import NotNow, Unfit
from zhike.sms import gate
from zhike.work import assignment_states, deliveries, delivery_states, outing_states, outings, plans

API = "/api/"
MEDIA_TYPE = "application/problem+json"


class VerdictOut(Out):
    """Why a clause does not let it happen as it stands; ``needs`` names the field whose words would."""

    clause: str
    name: str
    effect: str
    words: str
    needs: str
    origin: str


class ErrorOut(Out):
    """One field that is not as it must be."""

    field: str
    detail: str


class ProblemOut(Out):
    """RFC 9457. ``clause`` and ``verdicts`` where a clause is the cause, ``errors`` where fields are, ``message``: the id of the one that
    was refused and is kept with why."""

    type: str
    title: str
    status: int
    detail: str
    clause: str | None = None
    message: str | None = None
    verdicts: list[VerdictOut] | None = None
    errors: list[ErrorOut] | None = None


class Problem(Exception):
    """Raised by an operation: the answer is this problem."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.name, self.detail, self.headers, self.more = status, name, detail, headers, more

    def response(self) -> HttpResponse:
        return problem(self.status, self.name, self.detail, headers=self.headers, **self.more)


def problem(
    status: int, name: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> HttpResponse:
    """A problem document; ``name`` is stable and ends its type, "" for what the status alone says."""
    document = {
        "type": f"urn:zhike:problem:{name}" if name else "about:blank",
        "title": TITLES.get(name, HTTPStatus(status).phrase) if name else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return HttpResponse(dumps(document), status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


# Titles are for programmers and logs; the sentence for the reader is `detail`.
TITLES = {
    "blocked": "A clause of the code does not let this happen as it stands",
    "wrong-state": "The state does not allow this",
    "invalid": "The request is not as it must be",
    "changed-meanwhile": "Somebody changed it meanwhile",
    "if-match-missing": "If-Match is missing",
    "exhausted": "The day's number is used up",
    "key-reused": "The Idempotency-Key belongs to another request",
}


def missing() -> HttpResponse:
    """One answer for what does not exist and for what the reader may not see."""
    return problem(404, "", nothing_here())


def nothing_here() -> str:
    return _("There is nothing here, or nothing that you may see.")


def field_invalid(field: str, detail: str) -> Problem:
    return Problem(422, "invalid", detail, errors=[{"field": field, "detail": detail}])


def say(text: words.Words) -> str:
    """A text of the domain in the reader's language."""
    return text.say(get_language() or "zh-hans")


def shown(verdict: Verdict) -> dict[str, Any]:
    return {
        "clause": verdict.clause,
        "name": verdict.name,
        "effect": verdict.effect,
        "words": say(verdict.words),
        "needs": verdict.needs,
        "origin": verdict.origin,
    }


def answer(api: NinjaAPI) -> None:
    """Tells the API how each refusal of the domain is answered."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)


def _blocked(request: HttpRequest, error: Blocked) -> HttpResponse:
    blocking = [verdict for verdict in error.verdicts if verdict.effect == "block"]
    return problem(
        422,
        "blocked",
        " ".join(say(verdict.words) for verdict in blocking),
        clause=blocking[0].clause,
        verdicts=[shown(verdict) for verdict in error.verdicts],
        errors=[{"field": verdict.needs, "detail": say(verdict.words)} for verdict in blocking if verdict.needs],
    )


def _wrong_state(request: HttpRequest, error: WrongState) -> HttpResponse:
    return problem(409, "wrong-state", str(error))


def _already_settled(request: HttpRequest, error: AlreadySettled) -> HttpResponse:
    state = State(error.obligation.state).label
    return problem(409, "wrong-state", _("This is no longer open: it is “%(state)s”.") % {"state": state})


def _exhausted(request: HttpRequest, error: Exhausted) -> HttpResponse:
    return problem(429, "exhausted", str(error))


def _not_yours(request: HttpRequest, error: PermissionError) -> HttpResponse:
    return problem(403, "", str(error))


def _unaccepted(request: HttpRequest, error: Unaccepted) -> HttpResponse:
    return problem(422, "invalid", str(error))


def _does_not_fit(
    request: HttpRequest, error: DoesNotFit | Unfit | outings.Unfit | deliveries.Unfit | market.Unfit | Unkept
) -> HttpResponse:
    return field_invalid(error.field, say(error.words)).response()


def _not_now(request: HttpRequest, error: NotNow | market.NotNow | NotNowFiled) -> HttpResponse:
    return problem(409, "wrong-state", say(error.words))


def _moved_on(request: HttpRequest, error: words.Refused) -> HttpResponse:
    return problem(409, "wrong-state", say(error.words))


def _refused_value(request: HttpRequest, error: words.Refused) -> HttpResponse:
    return problem(422, "invalid", say(error.words))


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"field": _where(found["loc"]), "detail": sentence(found)} for found in error.errors]
    detail = " ".join(dict.fromkeys(f"{each['field']}: {each['detail']}" for each in errors))
    return problem(422, "invalid", detail, errors=errors)


def _where(location: Iterable[Any]) -> str:
    """`("body", "body", "needs", 0, "kind")` → `needs[0].kind`; header and query keep their name alone."""
    source, *path = location
    if source == "body":
        path = path[1:] or path
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else str(step))
    return text


def sentence(found: Mapping[str, Any]) -> str:
    """What is wrong with one field and what to do, for what pydantic found."""
    kind, context = found["type"], found.get("ctx", {})
    if kind == "zhike":
        return str(context["detail"])
    for prefix, say in SENTENCES.items():
        if kind == prefix or kind.startswith(f"{prefix}_"):
            return say(context)
    return _("This value does not fit. The description at /api/v1/docs says what does.")


SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda context: _("This is missing. Please give it."),
    "extra_forbidden": lambda context: _("There is no such field. Check its name at /api/v1/docs."),
    "literal_error": lambda context: _("Please choose one of: %(expected)s.") % context,
    "enum": lambda context: _("Please choose one of: %(expected)s.") % context,
    "string_too_long": lambda context: _("This is too long: at most %(max_length)s characters.") % context,
    "too_long": lambda context: _("There are too many: at most %(max_length)s.") % context,
    "string_pattern_mismatch": lambda context: _("This is no id. Ids are digits in a string, as the API gives them."),
    "timezone_aware": lambda context: _("The time needs its offset, for example 2026-03-02T14:00:00+08:00."),
    "datetime": lambda context: _("Please give a time such as 2026-03-02T14:00:00+08:00."),
    "date": lambda context: _("Please give a date such as 2026-03-02."),
    "zhike_moment": lambda context: _("The time must lie between 1900 and 2200."),
    "zhike_text": lambda context: _("The text holds a character that cannot be kept."),
    "greater_than_equal": lambda context: _("The smallest number possible is %(ge)s.") % context,
    "less_than_equal": lambda context: _("The largest number possible is %(le)s.") % context,
    "int": lambda context: _("Please give a whole number."),
    "bool": lambda context: _("Please say true or false."),
    "string": lambda context: _("Please give a text in quotation marks."),
    "list": lambda context: _("Please give a list."),
    "dict": lambda context: _("Please give an object."),
    "model": lambda context: _("Please give an object."),
}


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 400:
        return problem(400, "", _("The body is not JSON in UTF-8. Please correct it."))
    return problem(error.status_code, "", str(error))


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Problem: lambda request, error: error.response(),
    Blocked: _blocked,
    WrongState: _wrong_state,
    AlreadySettled: _already_settled,
    Unaccepted: _unaccepted,
    Exhausted: _exhausted,
    PermissionError: _not_yours,
    DoesNotFit: _does_not_fit,
    Unfit: _does_not_fit,
    NotNow: _not_now,
    outings.Unfit: _does_not_fit,
    outings.Answered: _moved_on,
    outing_states.WrongState: _moved_on,
    deliveries.Unfit: _does_not_fit,
    delivery_states.WrongState: _moved_on,
    assignment_states.WrongState: _moved_on,
    plans.Unfit: _does_not_fit,
    plans.Stands: _moved_on,
    market.Unfit: _does_not_fit,
    market.NotNow: _not_now,
    Unkept: _does_not_fit,
    NotNowFiled: _not_now,
    gate.TooLate: _moved_on,
    gate.OnItsWay: _moved_on,
    words.Refused: _refused_value,
    ValidationError: _invalid,
    HttpError: _http_error,
    Http404: lambda request, error: missing(),
}


class Problems:
    """What never reaches an operation (no such address, wrong method, our own fault) is answered as a problem too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(API) or response.status_code < 400:
            return response
        if response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
            return response
        return self.as_problem(response)

    def as_problem(self, response: HttpResponseBase) -> HttpResponse:
        kept = {name: response.headers[name] for name in ("Allow", "Cache-Control") if name in response.headers}
        if response.status_code == 404:
            return problem(404, "", nothing_here(), headers=kept)
        details = {
            405: _("This address does not take that method."),
            500: _("Something went wrong on our side. Nothing was changed; please try again."),
        }
        status = response.status_code
        return problem(status, "", details.get(status, _("The request cannot be answered as it is.")), headers=kept)
