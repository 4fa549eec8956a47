"""The ledger through the JSON edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from tests.cast import Cast
from tests.product.api import NOW, Program, at
from zhike import clock
from zhike.customers.models import Customer

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def rm(cast: Cast, worker: Role) -> Program:
    with worker():
        Customer.objects.update(mobile_index=b"known")
        return Program(cast, "rm")


@pytest.fixture
def visit(cast: Cast, rm: Program) -> dict[str, Any]:
    return rm.post(
        "contacts",
        {
            "kind": "visit",
            "customer": str(cast.customers["rm"][0].pk),
            "customer_asked": True,
            "started_at": at(-90),
            "ended_at": at(-30),
            "write_up": {"result": "agreed", "no_need": True, "by_rhythm": True, "demands": ["换卡"]},
        },
    )


def named(rm: Program, clause: str) -> dict[str, Any]:
    (only,) = rm.get(f"obligations?clause={clause}&state=open")["items"]
    return only


def test_what_is_owed_says_what_why_and_by_when(rm: Program, visit: dict[str, Any]) -> None:
    thanks = named(rm, "V5")
    assert thanks["contact"] == visit["id"]
    assert "白金" in thanks["why"]
    whole = rm.get(f"obligations/{thanks['id']}")
    assert whole["cause"]["kind"] == "visit_ended"
    assert whole["clause_text"]["id"] == "V5"
    assert [each["clause"] for each in rm.get("obligations?due=late")["items"]] == []
    with clock.at(NOW + timedelta(days=2)):
        assert {each["clause"] for each in rm.get("obligations?due=late")["items"]} == {"V5", "V7"}


def test_it_is_done_taken_back_and_done_once(rm: Program, visit: dict[str, Any]) -> None:
    path = f"obligations/{named(rm, 'V5')['id']}"
    refused = rm.post(f"{path}/completion", {"channel": "sms"}, status=422)
    assert (refused["clause"], refused["verdicts"][0]["needs"]) == ("V5", "introduces")
    done = rm.post(f"{path}/completion", {"channel": "sms", "introduces": True})
    assert (done["state"], done["evidence"]["channel"], done["settling"]["kind"]) == ("done", "sms", "message_sent")
    assert rm.post(f"{path}/completion", {"channel": "sms", "introduces": True}, status=409)["status"] == 409
    assert rm.post(f"{path}/undo")["state"] == "open"
    rm.post(f"{path}/waiver", {"reason": "客户已出国"}, status=422)


def test_an_answer_settles_the_demand(rm: Program, visit: dict[str, Any]) -> None:
    path = f"obligations/{named(rm, 'V7')['id']}"
    rm.post(f"{path}/completion", {"words": "已换好", "channel": "call", "demand": "met"})
    assert rm.get(f"contacts/{visit['id']}")["demands"][0]["state"] == "met"


def test_today_is_one_value_and_is_not_sent_again_unchanged(
    rm: Program, visit: dict[str, Any], django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    with django_assert_num_queries(4):  # savepoint of the test, people_begin_token, the timeline, release
        first = rm.send("get", "obligations?due=today")
    assert {row["clause"] for row in first.json()["rows"]} == {"V5", "V7"}
    assert all(isinstance(row["id"], str) for row in first.json()["rows"])
    again = rm.send("get", "obligations?due=today", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_others_see_what_their_scope_lets_them(cast: Cast, rm: Program, visit: dict[str, Any], worker: Role) -> None:
    thanks = named(rm, "V5")
    with worker():
        leader, mate, auditor = Program(cast, "leader"), Program(cast, "mate"), Program(cast, "auditor")
        marketing = Program(cast, "marketing")
    assert leader.get(f"obligations/{thanks['id']}")["owner"]["name"] == "林晓"
    assert auditor.get("obligations")["items"]
    assert mate.get("obligations")["items"] == []
    assert mate.send("get", f"obligations/{thanks['id']}").status_code == 404
    assert mate.send("post", f"obligations/{thanks['id']}/completion", {"channel": "sms"}).status_code == 404
    assert auditor.send("post", f"obligations/{thanks['id']}/completion", {"channel": "sms"}).status_code == 403
    refused = marketing.send("get", "obligations")
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")


def test_pages_go_by_deadline_and_end_with_what_has_none(cast: Cast, rm: Program) -> None:
    for _ in range(3):
        contact = rm.post("contacts", {"kind": "reception", "customer": str(cast.customers["rm"][0].pk)})
        rm.post(f"contacts/{contact['id']}/start")
        rm.post(f"contacts/{contact['id']}/end")
    found, cursor = [], ""
    while cursor is not None:
        some = rm.get(f"obligations?limit=2&cursor={cursor}")
        found, cursor = found + some["items"], some["next"]
    assert len({each["id"] for each in found}) == len(found) == 8
    dues = [each["due"] for each in found]
    assert dues[-2:] == [None, None]
    assert dues[:-2] == sorted(dues[:-2])
