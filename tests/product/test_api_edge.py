"""What holds for every address of the JSON edge."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, get_args

import pytest
from django.db import connection
from django.test import Client

from tests.cast import Cast
from tests.product.api import Program
from zhike.api import edge, needs, obligations, staff
from zhike.api.contacts import contact
from zhike.api.customers import consents, customer, relations
from zhike.conduct import guard
from zhike.conduct.clause import OBLIGATIONS
from zhike.contacts.models import Kind, Outcome, Result, State
from zhike.customers.models import Consent, Customer, Need, Relation
from zhike.obligations.models import State as Owed
from zhike.people.permissions import ROLES

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]


@pytest.mark.parametrize("path", ["nothing", "contacts/", "contacts/x/y", ""])
def test_an_unknown_address_is_a_problem_document(path: str) -> None:
    answer = Client().get(f"/api/v1/{path}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_a_wrong_method_is_a_problem_document(cast: Cast) -> None:
    answer = cast.client("rm").delete("/api/v1/contacts")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}


def test_who_is_not_signed_in_is_told_how(cast: Cast) -> None:
    answer = Client().get("/api/v1/contacts")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_browser_signs_in_by_its_session_and_names_the_csrf_token(cast: Cast) -> None:
    browser = cast.client("rm", enforce_csrf_checks=True)
    assert browser.get("/api/v1/contacts").status_code == 200
    body = {"kind": "reception", "customer": str(cast.customers["rm"][0].pk)}
    forged = browser.post("/api/v1/contacts", json.dumps(body), content_type="application/json")
    assert (forged.status_code, forged.headers["Content-Type"]) == (403, "application/problem+json")


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"kind": NaN}', b"[" * 100_000, b'"\\ud800"', b'{"a": "\\u0000"}'])
def test_a_body_that_is_no_json_is_a_problem_document(cast: Cast, worker: Role, body: bytes) -> None:
    with worker():
        rm = Program(cast, "rm")
    answer = rm.http.post("/api/v1/contacts", body, content_type="application/json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")


def test_sentences_come_in_the_readers_language(cast: Cast, worker: Role, owner: Role) -> None:
    with worker():
        rm = Program(cast, "rm")
    body = {"kind": "visit", "customer": str(cast.customers["rm"][0].pk)}
    contact = rm.post("contacts", body)
    assert "预约" in rm.post(f"contacts/{contact['id']}/start", status=422)["detail"]
    with owner():
        cast.rm.language = "en"
        cast.rm.save()
    assert "Agree" in rm.post(f"contacts/{contact['id']}/start", status=422)["detail"]


def test_the_description_is_whole() -> None:
    document = Client().get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (path, method)
            assert "422" in operation["responses"]
            keyed = any(each["name"] == "Idempotency-Key" for each in operation["parameters"])
            assert keyed == (method == "post"), path


def test_the_docs_page_brings_its_own_scripts() -> None:
    page = Client().get("/api/v1/docs")
    text = page.content.decode()
    assert "//cdn" not in text
    assert "https://" not in text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_every_operation_states_a_policy() -> None:
    for router in edge.api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                assert getattr(operation.view_func, "policy", None), path


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (contact.Kind, Kind.values),
        (contact.State, State.values),
        (contact.Outcome, Outcome.values),
        (contact.Result, ["", *Result.values]),
        (contact.Purpose, ["", *guard.PURPOSES]),
        (needs.NeedKind, Need.Kind.values),
        (needs.NeedState, Need.State.values),
        (customer.Kind, Customer.Kind.values),
        (consents.Purpose, Consent.Purpose.values),
        (consents.Channel, Consent.Channel.values),
        (relations.RelationKind, Relation.Kind.values),
        (relations.Age, Relation.Age.values),
        (staff.Role, ROLES),
        (obligations.State, Owed.values),
        (obligations.Kind, list(OBLIGATIONS)),
    ],
)
def test_the_words_are_those_of_the_domain(ours: Any, theirs: list[str]) -> None:
    assert set(get_args(ours)) == set(theirs)


def test_health_asks_no_sign_in_and_readiness_says_what_is_not_ready(worker: Role) -> None:
    assert Client().get("/healthz").status_code == 200
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"database": True, "migrations": True, "worker": False})
    with worker(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert Client().get("/readyz").status_code == 200
