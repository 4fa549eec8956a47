"""Every operation under generated requests, good and bad: no answer is our own fault, each is as the description says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.cast import Cast
from tests.product.api import NOW, Program, at
from zhike import clock
from zhike.api import edge
from zhike.wsgi import application

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# One bank for many operations: to set it up takes longer than to ask.
SHARES = 12


@cache
def operations() -> list[Any]:
    schema = schemathesis.openapi.from_dict(json.loads(edge.described()))
    return [result.ok() for result in schema.get_all_operations()]


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def leader(cast: Cast, worker: Role) -> Program:
    with cast.acting("rm", NOW) as actor:
        for n, customer in enumerate(cast.customers["rm"]):
            customer.learn("mobile", f"1380000000{n}", source="contact", actor=actor, now=NOW)
    with worker():
        return Program(cast, "leader")


@pytest.fixture
def ids(cast: Cast, leader: Program) -> dict[str, list[str]]:
    """What there is in the reader's scope, in every state, so that requests reach further than "not found"."""
    customers = [str(customer.pk) for customer in cast.customers["rm"][:2]]
    contacts = []
    for kind in ("reception", "visit", "call"):
        body = {"kind": kind, "customer": customers[0], "purpose": "introduction", "customer_asked": True}
        contacts.append(leader.post("contacts", body)["id"])
        contacts.append(leader.post("contacts", {**body, "started_at": at(-30)})["id"])
        over = {"outcome": "reached"} if kind == "call" else {}
        contacts.append(leader.post("contacts", {**body, **over, "started_at": at(-30), "ended_at": at(-1)})["id"])
    form = {"result": "agreed", "no_need": True, "by_rhythm": True, "demands": ["换卡"]}
    contacts.append(leader.post(f"contacts/{contacts[2]}/write-up", form)["id"])
    need = leader.post(f"customers/{customers[0]}/needs", {"kind": "loan"})
    said = {"customer": customers[0], "kind": "answer", "text": "已为您查到，明天告诉您。"}
    messages = [leader.post("messages", said)["id"] for _ in range(2)]
    leader.post(f"messages/{messages[0]}/withdrawal")
    return {
        "customers": customers,
        "contacts": contacts,
        "needs": [need["id"]],
        "obligations": [each["id"] for each in leader.get("obligations")["items"]],
        "staff": [str(cast.rm.pk)],
        "units": [str(cast.units["century"].pk)],
        "clauses": ["R12"],
        "messages": messages,
    }


@pytest.fixture
def wsgi(ids: dict[str, list[str]]) -> Iterator[Any]:
    """The application as a server has it. It closes a connection with a transaction left open: here, the test's own."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield application
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("share", range(SHARES))
def test_generated_requests_are_answered_as_described(
    share: int, leader: Program, ids: dict[str, list[str]], wsgi: Any
) -> None:
    for operation in operations()[share::SHARES]:
        try:
            tried(operation, leader, ids, wsgi)
        except BaseException as failed:
            failed.add_note(operation.label)
            raise


def tried(operation: Any, leader: Program, ids: dict[str, list[str]], wsgi: Any) -> None:
    noun = operation.path.split("/")[3]
    there = [*ids.get(noun, []), "99999999"]
    good, bad = (
        operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )

    @settings(
        max_examples=6,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(good, bad), id=st.sampled_from(there), known=st.sampled_from(ids["customers"]))
    def ask(case: Any, id: str, known: str) -> None:
        if "id" in case.path_parameters:
            case.path_parameters["id"] = id
        if "occasion" in case.path_parameters:
            case.path_parameters["occasion"] = "dragon_boat:2026"
        if isinstance(case.body, dict) and "customer" in case.body:
            case.body["customer"] = known
        headers = {"Authorization": leader.authorization, "If-Match": "*"}
        case.validate_response(case.call(app=wsgi, headers=headers), checks=CHECKS)

    ask()
