"""The API itself: its nouns, its description at /openapi.json, a page that shows it at /docs."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.operation import Operation

from zhike.api import (
    access,
    adherence,
    appointments,
    approvals,
    assignments,
    campaigns,
    clauses,
    contacts,
    customers,
    deliveries,
    demands,
    documents,
    findings,
    greetings,
    leaves,
    market_notes,
    messages,
    needs,
    obligations,
    outings,
    problems,
    promises,
    prospects,
    staff,
    templates,
    units,
    work_plans,
)
from zhike.api.answers import once
from zhike.api.problems import ProblemOut
from zhike.api.shapes import In, Json, Out, Rendered, dumps
from zhike.people.permissions import PUBLIC, policy

PREFIX = "/api/v1/"
DESCRIPTION = """\
What the pages of Zhike can do, a program can do here, as the staff member whose token it holds.

- Sign in with a bearer token (`zhike token STAFF`) or, in a browser, with the session and the CSRF token as `X-CSRFToken`.
- Ids are strings. Moments are ISO 8601 with their offset; a moment without one is refused.
- Errors are problem documents (RFC 9457); where a clause of the conduct code is the cause, `clause` and `verdicts` say which
  and what it asks, in the staff member's language.
- Every POST takes an `Idempotency-Key`: sent again within 48 hours, it is answered as before and nothing is done twice;
  a number that is shown is no such answer: it is shown, counted and kept each time.
- Lists come in pages: `next` is the `cursor` of the following page, or null.
- What two people may edit carries an `ETag`; send it back as `If-Match`.
"""


class Api(NinjaAPI):
    """django-ninja with our operation ids: noun and verb, as in `contacts_start`."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        noun = operation.view_func.__module__.split(".")[2]
        return f"{noun}_{operation.view_func.__name__.strip('_')}"


api = Api(
    title="Zhike 知客",
    version="1",
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
    parser=Json(),
    renderer=Rendered(),
)
api.add_decorator(once, mode="view")
problems.answer(api)
NOUNS = (
    customers,
    contacts,
    appointments,
    demands,
    needs,
    obligations,
    promises,
    assignments,
    approvals,
    clauses,
    adherence,
    findings,
    messages,
    greetings,
    campaigns,
    templates,
    leaves,
    work_plans,
    outings,
    deliveries,
    prospects,
    market_notes,
    documents,
    staff,
    units,
    access,
)


def parts(noun: ModuleType) -> tuple[ModuleType, ...]:
    """The files that hold a noun's operations: its own, or those of its folder."""
    return getattr(noun, "PARTS", (noun,))


for noun in NOUNS:
    for part in parts(noun):
        api.add_router("", part.router, tags=[noun.__name__.rpartition(".")[2]])


@api.get("openapi.json", include_in_schema=False, url_name="openapi")
@policy(PUBLIC)
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(described(), content_type="application/json")


@api.get("docs", include_in_schema=False, url_name="docs")
@policy(PUBLIC)
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "api/docs.html")


@cache
def described() -> str:
    """The API's OpenAPI document. What every operation may answer, beside what it does, is said here once."""
    document: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=PREFIX))
    _one_meaning()
    schemas = document["components"].setdefault("schemas", {})
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas.update(problem.pop("$defs"), ProblemOut=problem)
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "zhike_session"},
    }
    document["security"] = [{"token": []}, {"session": []}]
    for path in document["paths"].values():
        for method, operation in path.items():
            _describe(method, operation)
    return dumps(document)


def _one_meaning() -> None:
    """OpenAPI keeps one schema a name: two of ours under one name would describe one of them wrongly."""
    seen: dict[str, type] = {}
    for module in (part for noun in NOUNS for part in parts(noun)):
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, Out | In) and name != "Filters":
                assert seen.setdefault(name, value) is value, f"{name} in {module.__name__} and {seen[name].__module__}"


ANSWERS = {
    "400": "The body is not JSON",
    "401": "Not signed in",
    "403": "The role does not include it",
    "404": "Nothing here, or nothing that you may see",
    "409": "Its state does not allow it",
    "413": "The file is larger than the bank takes",
    "412": "It was changed meanwhile",
    "422": "A field is not as it must be, or a clause does not allow it as it stands",
    "428": "If-Match is missing",
    "429": "The day's number is used up",
}


def _describe(method: str, operation: dict[str, Any]) -> None:
    for status, description in ANSWERS.items():
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
        operation["responses"][status] = {"description": description, "content": content}
    operation["summary"] = operation["description"].strip().partition("\n")[0]
    if method == "post":
        operation["parameters"].append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": False,
                "schema": {"type": "string", "maxLength": 200},
                "description": "The same key sent again is answered as before; nothing is done twice.",
            }
        )


@policy(PUBLIC)
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Any other address below /api/."""
    return problems.missing()


def urls() -> list[URLPattern | URLResolver]:
    """The API's addresses, without django-ninja's page at its root, which states no policy."""
    return [pattern for pattern in api.urls[0] if getattr(pattern, "name", "") != "api-root"]
