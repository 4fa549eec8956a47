"""Contacts through the JSON edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, get_args

import pytest

from tests.cast import Cast
from tests.product.api import NOW, Program, at
from zhike import clock
from zhike.api.contacts.contact import Place
from zhike.conduct.brief import PLACES
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


def platinum(cast: Cast) -> str:
    return str(cast.customers["rm"][0].pk)


def owed(contact: dict[str, Any], state: str = "open") -> set[tuple[str, str]]:
    return {(each["clause"], each["kind"]) for each in contact["obligations"] if each["state"] == state}


def test_a_reception_goes_its_course(cast: Cast, rm: Program) -> None:
    planned = rm.post("contacts", {"kind": "reception", "customer": platinum(cast), "planned_for": at(10)}, status=201)
    assert planned["state"] == "planned"
    path = f"contacts/{planned['id']}"
    rm.post(f"{path}/preparation", {"ticks": ["tea"]})
    assert rm.post(f"{path}/start")["state"] == "under_way"
    rm.post(f"{path}/notes", {"words": "换卡"})
    with clock.at(NOW + timedelta(minutes=30)):
        ended = rm.post(f"{path}/end", {"seen_off": "branch_door"})
        assert (ended["state"], ended["first"], ended["minutes"]) == ("ended", True, 30)
        assert owed(ended) == {("R12", "thanks"), ("R13", "write_up"), ("R4", "find_out")}
        refused = rm.post(f"{path}/write-up", {"result": "inclined"}, status=422)
        assert refused["clause"] == "R13"
        assert {each["name"] for each in refused["verdicts"]} == {"no_needs", "no_plan"}
        closed = rm.post(
            f"{path}/write-up",
            {
                "result": "inclined",
                "needs": [{"kind": "deposit", "words": "四月 30 万到账"}],
                "next": {"kind": "call", "at": at(20000)},
                "demands": ["换卡"],
                "promises": [{"words": "查老号码能不能留"}],
            },
        )
    assert closed["state"] == "closed"
    assert ("R13", "write_up") in owed(closed, "done")
    assert {("W11", "promise"), ("R12", "thanks")} <= owed(closed)
    assert [need["words"] for need in closed["needs"]] == ["四月 30 万到账"]
    again = rm.post(f"{path}/write-up", {"result": "inclined"}, status=409)
    assert again["type"] == "urn:zhike:problem:wrong-state"


def test_a_call_is_recorded_afterwards_in_one_request(cast: Cast, rm: Program) -> None:
    call = rm.post(
        "contacts",
        {
            "kind": "call",
            "customer": platinum(cast),
            "purpose": "introduction",
            "started_at": at(-10),
            "ended_at": at(-9),
            "outcome": "busy",
            "call_back_at": at(90),
            "note": "在开会",
        },
    )
    assert (call["state"], call["afterwards"], call["grade"]) == ("closed", True, "entered")
    assert ("C5", "call_back") in owed(call)
    reached = rm.post(
        "contacts",
        {
            "kind": "call",
            "customer": platinum(cast),
            "purpose": "introduction",
            "started_at": at(-5),
            "ended_at": at(-1),
            "outcome": "reached",
            "write_up": {"no_need": True, "by_rhythm": True},
        },
    )
    assert reached["state"] == "closed"
    assert ("C10", "thanks") in owed(reached)


def test_a_visit_recorded_afterwards_wants_an_appointment_or_a_reason(cast: Cast, rm: Program) -> None:
    visit = {"kind": "visit", "customer": platinum(cast), "started_at": at(-60), "ended_at": at(-20)}
    refused = rm.post("contacts", visit, status=422)
    assert (refused["clause"], refused["verdicts"][0]["needs"]) == ("V1", "surprise_reason")
    assert rm.get("contacts")["items"] == []
    agreed = rm.post("contacts", {**visit, "appointment": {"at": at(-60), "place": "客户家中"}, "arrived_at": at(-75)})
    assert ("V2", "arrival") in owed(agreed, "done")
    assert ("V5", "thanks") in owed(agreed)
    assert rm.post("contacts", {**visit, "customer_asked": True})["surprise_reason"] == ""
    assert rm.post("contacts", {**visit, "surprise_reason": "路过"})["surprise_reason"] == "路过"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ended_at": at(-70)}, "ended_at"),
        ({"ended_at": at(10)}, "ended_at"),
        ({"started_at": None}, "started_at"),
        ({"started_at": "2026-03-02T14:00:00"}, "started_at"),
        ({"started_at": "0001-01-01T00:00:00+08:00"}, "started_at"),
        ({"kind": "letter"}, "kind"),
        ({"customer": "x"}, "customer"),
        ({"outcome": "reached"}, "outcome"),
        ({"started_at": "2026-02-27T14:00:00+08:00"}, "started_at"),
        ({"seen": {"met_where": "<moon>"}}, "seen.met_where"),
        ({"purpose_words": "a\0b"}, None),
        ({"resutl": "agreed"}, "resutl"),
        ({"write_up": {"needs": [{"kind": "boat"}]}}, "write_up.needs[0].kind"),
    ],
)
def test_what_does_not_fit_is_said_field_by_field(cast: Cast, rm: Program, change: dict[str, Any], field: str) -> None:
    body = {"kind": "reception", "customer": platinum(cast), "started_at": at(-60), "ended_at": at(-20), **change}
    response = rm.send("post", "contacts", body, **{"Accept-Language": "en"})
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    if field is None:
        assert response.status_code == 400
        return
    assert response.status_code == 422
    assert field in {each["field"] for each in problem["errors"]}
    assert all(each["detail"] for each in problem["errors"])


def test_a_foreign_contact_is_the_same_as_none(cast: Cast, rm: Program, worker: Role) -> None:
    with worker():
        stranger = Program(cast, "stranger")
    contact = rm.post("contacts", {"kind": "reception", "customer": platinum(cast)})
    for send in (
        lambda id: stranger.send("get", f"contacts/{id}"),
        lambda id: stranger.send("post", f"contacts/{id}/start"),
        lambda id: stranger.send("post", f"contacts/{id}/write-up", {"result": "agreed"}),
    ):
        foreign, none = send(contact["id"]), send("99999999")
        assert (foreign.status_code, foreign.content) == (404, none.content)
    foreign = stranger.send("post", "contacts", {"kind": "call", "customer": platinum(cast)})
    assert (foreign.status_code, foreign.content) == (404, none.content)


def test_who_read_an_older_version_is_told(cast: Cast, rm: Program) -> None:
    response = rm.send("post", "contacts", {"kind": "reception", "customer": platinum(cast)})
    path, tag = f"contacts/{response.json()['id']}", response.headers["ETag"]
    assert rm.send("get", path).headers["ETag"] == tag
    rm.post(f"{path}/start", **{"If-Match": tag})
    stale = rm.send("post", f"{path}/end", **{"If-Match": tag})
    assert stale.status_code == 412
    rm.post(f"{path}/end", {}, **{"If-Match": stale.headers["ETag"]})
    rm.post(f"{path}/write-up", {"result": "agreed", "no_need": True, "by_rhythm": True})
    change = {"reason": "点错了", "changes": {"result": "inclined"}}
    assert rm.post(f"{path}/amendments", change, status=428)["type"].endswith("if-match-missing")
    tag = rm.send("get", path).headers["ETag"]
    assert rm.post(f"{path}/amendments", change, **{"If-Match": tag})["result"] == "inclined"
    assert rm.get(f"{path}/amendments")["items"][0]["before"] == {"result": "agreed"}
    tag = rm.send("get", path).headers["ETag"]
    struck = rm.post(f"{path}/strike", {"reason": "记错了客户"}, **{"If-Match": tag})
    assert struck["state"] == "struck"
    assert owed(struck) == set()


def test_a_draft_is_kept_until_the_write_up_is_closed(cast: Cast, rm: Program) -> None:
    contact = rm.post("contacts", {"kind": "reception", "customer": platinum(cast)})
    path = f"contacts/{contact['id']}"
    rm.post(f"{path}/start")
    rm.post(f"{path}/end")
    values = [["result", "agreed"], ["need", "loan"]]
    assert rm.send("put", f"{path}/draft", {"values": values}).json()["values"] == values
    assert rm.get(f"{path}/draft")["values"] == values
    rm.post(f"{path}/write-up", {"result": "agreed", "no_need": True, "by_rhythm": True})
    assert rm.get(f"{path}/draft")["values"] == []
    assert rm.send("put", f"{path}/draft", {"values": values}).status_code == 409


def test_pages_hold_still_while_rows_come(cast: Cast, rm: Program) -> None:
    made = []
    for minute in range(5):
        with clock.at(NOW + timedelta(minutes=minute)):
            made.append(rm.post("contacts", {"kind": "reception", "customer": platinum(cast)})["id"])
    first = rm.get("contacts?limit=2")
    with clock.at(NOW + timedelta(minutes=9)):
        rm.post("contacts", {"kind": "call", "customer": platinum(cast)})
    second = rm.get(f"contacts?limit=2&cursor={first['next']}")
    third = rm.get(f"contacts?limit=2&cursor={second['next']}")
    assert third["next"] is None
    assert [each["id"] for each in first["items"] + second["items"] + third["items"]] == made[::-1]
    for wrong in ("x", "W10", "WyJhIl0"):
        assert rm.send("get", f"contacts?cursor={wrong}").status_code == 422


def test_a_list_costs_the_same_however_long(
    cast: Cast, rm: Program, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    for count in (1, 4):
        for _ in range(count):
            rm.post("contacts", {"kind": "reception", "customer": platinum(cast)})
        with django_assert_num_queries(4):  # savepoint of the test, people_begin_token, the list, release
            rm.get("contacts")


def test_nothing_is_planned_agreed_or_moved_into_the_past(cast: Cast, rm: Program) -> None:
    customer = platinum(cast)

    def refused(path: str, body: dict[str, Any]) -> str:
        return str(rm.post(path, body, status=422)["errors"][0]["field"])

    assert refused("contacts", {"kind": "call", "customer": customer, "planned_for": at(-60)}) == "planned_for"
    past = {"at": at(-1440), "place": "客户公司"}
    assert refused("contacts", {"kind": "visit", "customer": customer, "appointment": past}) == "appointment.at"
    visit = rm.post("contacts", {"kind": "visit", "customer": customer})["id"]
    assert refused(f"contacts/{visit}/appointment", past) == "at"
    rm.post(f"contacts/{visit}/appointment", {"at": at(600), "place": "客户公司"})
    assert refused(f"contacts/{visit}/move", {"to": at(-600), "whose": "customer", "why": "改期"}) == "to"


def test_an_amended_outcome_promises_no_minute_that_lies_before_it(cast: Cast, rm: Program) -> None:
    call = {"kind": "call", "customer": platinum(cast), "purpose": "introduction", "outcome": "no_answer"}
    path = f"contacts/{rm.post('contacts', {**call, 'started_at': at(-9), 'ended_at': at(-8)})['id']}"
    change = {"reason": "点错了", "changes": {"outcome": "busy", "call_back_at": "1901-01-01T00:00:00Z"}}
    refused = rm.post(f"{path}/amendments", change, status=422, **{"If-Match": "*"})
    assert (refused["clause"], refused["verdicts"][0]["name"]) == ("C4", "time_past")
    assert rm.get(path)["outcome"] == "no_answer"


def test_what_was_learned_names_a_contact_of_the_customers_own(cast: Cast, rm: Program) -> None:
    other = rm.post("contacts", {"kind": "reception", "customer": str(cast.customers["rm"][1].pk)})["id"]
    path = f"customers/{platinum(cast)}"
    learned = {"fields": {"hobbies": "围棋"}, "contact": other}
    assert rm.send("patch", path, learned, **{"If-Match": "*"}).status_code == 404
    own = rm.post("contacts", {"kind": "reception", "customer": platinum(cast)})["id"]
    assert rm.send("patch", path, {**learned, "contact": own}, **{"If-Match": "*"}).status_code == 200


def test_the_places_are_the_briefs() -> None:
    assert set(get_args(Place)) == {"", *PLACES}


def test_a_start_tapped_by_mistake_goes_back(cast: Cast, rm: Program) -> None:
    """To the appointment or the plan that it was, with what it had settled; begun out of nothing, it never was."""
    agreed = rm.post(
        "contacts", {"kind": "visit", "customer": platinum(cast), "appointment": {"at": at(30), "place": "客户家中"}}
    )
    path = f"contacts/{agreed['id']}"
    assert ("V2", "arrival") in owed(rm.post(f"{path}/start"), "done")
    back = rm.post(f"{path}/retraction")
    assert (back["state"], back["started_at"], back["arrived_at"]) == ("agreed", None, None)
    assert ("V2", "arrival") in owed(back)
    planned = rm.post(
        "contacts", {"kind": "call", "customer": platinum(cast), "planned_for": at(30), "purpose": "introduction"}
    )
    rm.post(f"contacts/{planned['id']}/start")
    assert rm.post(f"contacts/{planned['id']}/retraction")["state"] == "planned"
    rm.post(f"contacts/{planned['id']}/retraction", status=409)
    begun = rm.post("contacts", {"kind": "reception", "customer": platinum(cast), "started_at": at(0)})
    assert rm.post(f"contacts/{begun['id']}/retraction")["state"] == "struck"


def test_at_the_door_tapped_by_mistake_goes_back_within_ten_minutes(cast: Cast, rm: Program) -> None:
    """By the API and from the page, where the toast and the preparation lead to it; being at the door is owed again."""
    appointment = {"at": at(30), "place": "客户家中"}
    agreed = rm.post("contacts", {"kind": "visit", "customer": platinum(cast), "appointment": appointment})
    path = f"contacts/{agreed['id']}"
    rm.post(f"{path}/retraction", status=409)
    assert ("V2", "arrival") in owed(rm.post(f"{path}/arrival"), "done")
    back = rm.post(f"{path}/retraction")
    assert (back["state"], back["arrived_at"]) == ("agreed", None)
    assert ("V2", "arrival") in owed(back)
    browser, address = cast.client("rm", NOW), f"/contacts/{agreed['id']}/take-back/"
    toast = browser.post(f"/{path}/arrive/", headers={"HX-Request": "true"}).content.decode()
    assert address in toast
    assert address in browser.get(f"/{path}/prepare/").content.decode()
    assert browser.post(address).status_code == 303
    assert rm.get(path)["arrived_at"] is None
    rm.post(f"{path}/arrival")
    with clock.at(NOW + timedelta(minutes=11)):
        assert address not in browser.get(f"/{path}/prepare/").content.decode()
        assert browser.post(address).status_code == 422
    assert rm.get(path)["arrived_at"] is not None


def test_an_end_tapped_by_mistake_goes_back(cast: Cast, rm: Program) -> None:
    call = rm.post(
        "contacts", {"kind": "call", "customer": platinum(cast), "purpose": "introduction", "started_at": at(0)}
    )
    path = f"contacts/{call['id']}"
    busy = rm.post(f"{path}/outcome", {"outcome": "busy", "call_back_at": at(90)})
    assert ("C5", "call_back") in owed(busy)
    back = rm.post(f"{path}/retraction")
    assert (back["state"], back["outcome"], back["ended_at"], back["call_back_at"]) == ("under_way", "", None, None)
    assert owed(back) == set()
    reached = rm.post(f"{path}/outcome", {"outcome": "reached"})
    assert (reached["state"], reached["first"]) == ("ended", True)
    assert ("C10", "thanks") in owed(reached)
    assert owed(rm.post(f"{path}/retraction")) == set()
    again = rm.post(f"{path}/outcome", {"outcome": "reached"})
    assert {("C10", "thanks"), ("C6", "write_up")} <= owed(again)
    rm.post(f"{path}/write-up", {"no_need": True, "by_rhythm": True})
    assert rm.post(f"{path}/retraction", status=422)["detail"], "what was written up is amended"


def test_what_was_recorded_or_is_long_ago_is_not_taken_back(cast: Cast, rm: Program) -> None:
    noted = rm.post("contacts", {"kind": "reception", "customer": platinum(cast), "started_at": at(0)})
    rm.post(f"contacts/{noted['id']}/notes", {"words": "想换按揭"})
    assert rm.post(f"contacts/{noted['id']}/retraction", status=422)["detail"]
    long_ago = rm.post("contacts", {"kind": "reception", "customer": platinum(cast), "started_at": at(-11)})
    assert rm.post(f"contacts/{long_ago['id']}/retraction", status=422)["detail"]
