"""Customers, and the smaller nouns, through the JSON edge."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.cast import CUSTOMERS, Cast
from tests.product.api import NOW, Program, at
from zhike import clock
from zhike.conduct import clause
from zhike.customers.models import Customer, Holding
from zhike.customers.models.customer import found_by
from zhike.people import approvals, posts
from zhike.people.models import Setting
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def rm(cast: Cast, worker: Role) -> Program:
    with worker():
        for customer in Customer.objects.all():
            Customer.objects.filter(pk=customer.pk).update(**found_by(customer.name, customer.kind))
        return Program(cast, "rm")


@pytest.fixture
def path(cast: Cast) -> str:
    return f"customers/{cast.customers['rm'][0].pk}"


def learn(rm: Program, path: str, **fields: str) -> dict[str, object]:
    tag = rm.send("get", path).headers["ETag"]
    answer = rm.send("patch", path, {"fields": fields}, **{"If-Match": tag})
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


def test_a_book_is_listed_in_order_of_names_and_searched(cast: Cast, rm: Program) -> None:
    listed = rm.get("customers")["items"]
    assert sorted(each["name"] for each in listed) == sorted(CUSTOMERS["rm"])
    assert [each["name"] for each in rm.get("customers?tier=platinum")["items"]] == ["张伟明"]
    for typed in ("张伟", "zwm", "zhangw", "伟明"):
        assert [each["name"] for each in rm.get(f"customers?q={typed}")["items"]] == ["张伟明"]
    assert rm.get("customers?q=欧阳思远")["items"] == []
    found, cursor = [], ""
    while cursor is not None:
        some = rm.get(f"customers?limit=1&cursor={cursor}")
        found, cursor = found + some["items"], some["next"]
    assert found == listed


def test_what_was_learned_is_kept_masked_shown_and_no_longer_owed(cast: Cast, rm: Program, path: str) -> None:
    contact = rm.post("contacts", {"kind": "reception", "customer": path.split("/")[1]})
    rm.post(f"contacts/{contact['id']}/start")
    rm.post(f"contacts/{contact['id']}/end")
    assert len(rm.get("obligations?kind=find_out&state=open")["items"]) == 2
    before = rm.get(path)
    assert "mobile" in before["gaps"]
    changed = learn(rm, path, mobile="13812345678", birthday="农历三月初八", hobbies="书法")
    fields = {each["name"]: each for each in changed["profile"]}
    assert fields["mobile"]["value"] == "138 **** 5678"
    assert fields["hobbies"]["by"] == str(cast.rm.pk)
    assert (changed["birthday"]["calendar"], len(changed["birthday"]["next"])) == ("lunar", 5)
    assert changed["version"] > before["version"]
    assert [each["detail"]["field"] for each in rm.get("obligations?kind=find_out&state=open")["items"]] == ["email"]
    assert rm.post(f"{path}/reveal", {"field": "mobile"})["value"] == "13812345678"
    with cast.acting("auditor"):
        assert Entry.objects.filter(action="reveal", customer_id=int(path.split("/")[1])).count() == 1


def test_wrong_values_and_older_versions_are_refused(rm: Program, path: str) -> None:
    tag = rm.send("get", path).headers["ETag"]
    body = {"fields": {"hobbies": "茶"}}
    assert rm.send("patch", path, body).status_code == 428
    assert rm.send("patch", path, {"fields": {"mobile": "12"}}, **{"If-Match": tag}).status_code == 422
    assert rm.send("patch", path, {"fields": {"shoe_size": "43"}}, **{"If-Match": tag}).status_code == 422
    assert rm.send("patch", path, body, **{"If-Match": tag}).status_code == 200
    assert rm.send("patch", path, body, **{"If-Match": tag}).status_code == 412


def test_reveals_end_with_the_days_number(cast: Cast, rm: Program, path: str, owner: Role) -> None:
    learn(rm, path, mobile="13812345678")
    for _ in range(200):
        answer = rm.send("post", f"{path}/reveal", {"field": "mobile"})
        if answer.status_code != 200:
            break
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:zhike:problem:exhausted")


def test_needs_are_heard_listed_and_closed(rm: Program, path: str) -> None:
    need = rm.post(f"{path}/needs", {"kind": "loan", "words": "装修"}, status=201)
    assert rm.get(f"{path}/needs")["items"] == [need]
    assert rm.get("needs?state=open")["items"] == [need]
    assert rm.post(f"needs/{need['id']}/closure", {"state": "met", "why": "已放款"})["state"] == "met"
    assert rm.post(f"needs/{need['id']}/closure", {"state": "met"}, status=422)["detail"]
    assert rm.get("needs?state=open")["items"] == []


def test_consents_and_relations_keep_to_the_law(rm: Program, path: str) -> None:
    rm.post(f"{path}/consents", {"purpose": "marketing", "channel": "sms", "given": True, "evidence": ""}, status=422)
    yes = {"purpose": "marketing", "channel": "sms", "given": True, "evidence": "授权书 20260302-7"}
    rm.post(f"{path}/consents", yes, status=201)
    assert [each["given"] for each in rm.get(f"{path}/consents")["items"]] == [True]
    rm.post(f"{path}/relations", {"kind": "child", "name": "小明", "age": "under_14"}, status=422)
    for kind in ("sibling", "other"):
        rm.post(f"{path}/relations", {"kind": kind, "name": "小明", "age": "under_14"}, status=422)
    rm.post(f"{path}/relations", {"kind": "child", "age": "under_14"}, status=201)
    assert [each["age"] for each in rm.get(f"{path}/relations")["items"]] == ["under_14"]


def test_from_which_age_a_childs_name_is_kept_is_the_banks_to_raise(
    cast: Cast, rm: Program, path: str, owner: Role
) -> None:
    """Fourteen by law. A bank that says eighteen keeps no name of whom "14 to 17" describes; sixteen lies within that band too."""
    grown, name = f"{path}/relations", {"kind": "child", "name": "小明"}
    rm.post(grown, {**name, "age": "14_17"}, status=201)
    for day, limit in ((1, 18), (2, 16)):
        with owner():
            at_ = NOW + timedelta(seconds=limit)
            Setting.objects.create(name="child_age_known_from", value=limit, from_day=date(2026, 1, day), at=at_)
        told = rm.post(grown, {**name, "age": "14_17"}, status=422)
        assert f"未满 {limit} 周岁" in told["detail"], told
        rm.post(grown, {"kind": "child", "age": "14_17"}, status=201)
        rm.post(grown, {**name, "age": "adult"}, status=201)
    page = cast.client("rm", NOW).get(f"/{path}/relations/").content.decode()
    assert "不满 16 周岁" in page


def test_two_customers_belong_together_on_both_pages(cast: Cast, rm: Program, path: str) -> None:
    one, other = path.split("/")[1], str(cast.customers["rm"][1].pk)
    child = rm.post(
        f"{path}/relations", {"kind": "child", "age": "adult", "other": other, "note": "做外贸"}, status=201
    )
    (back,) = rm.get(f"customers/{other}/relations")["items"]
    assert (back["id"], back["kind"], back["other"], back["note"]) == (child["id"], "parent", one, "")
    assert [each["other"] for each in rm.get(f"customers/{other}/card")["relations"]] == [one]
    assert rm.get(f"customers/{other}/card")["relations"][0]["kind"] == "parent"
    again = rm.post(f"customers/{other}/relations", {"kind": "spouse", "other": one}, status=422)
    assert again["detail"]
    rm.post(f"{path}/relations", {"kind": "sibling", "other": one}, status=422)
    assert rm.http.delete(f"/api/v1/customers/{other}/relations/{child['id']}").json() == {"items": []}
    assert rm.get(f"{path}/relations")["items"] == []


def test_an_assistants_employer_is_called_so(cast: Cast, rm: Program, path: str) -> None:
    other = cast.customers["rm"][1].pk
    rm.post(f"{path}/relations", {"kind": "assistant", "other": str(other)}, status=201)
    assert [each["kind"] for each in rm.get(f"customers/{other}/relations")["items"]] == ["principal"]


def test_a_household_is_joined_and_left(cast: Cast, rm: Program, path: str) -> None:
    one, other = path.split("/")[1], str(cast.customers["rm"][1].pk)
    rm.post(f"{path}/relations", {"kind": "spouse", "household": True}, status=422)
    rm.post(f"{path}/relations", {"kind": "spouse", "other": other, "household": True}, status=201)
    assert [each["id"] for each in rm.get(f"customers/{other}/card")["household"]] == [one]
    joined = rm.send("get", path)
    assert joined.json()["household"] == rm.get(f"customers/{other}")["household"] is not None
    assert rm.http.delete(f"/api/v1/{path}/household").status_code == 428
    left = rm.http.delete(f"/api/v1/{path}/household", headers={"If-Match": joined.headers["ETag"]})
    assert left.json()["household"] is None
    assert rm.get(f"customers/{other}/card")["household"] == []


def test_a_relation_tells_nothing_of_a_customer_out_of_sight(cast: Cast, rm: Program, path: str, worker: Role) -> None:
    """Whoever took one of two over sees neither the other nor that there is one; to choose one out of sight is to choose none."""
    mine, theirs = cast.customers["rm"][0], cast.customers["mate"][0]
    foreign = rm.send("post", f"{path}/relations", {"kind": "spouse", "other": str(theirs.pk)})
    none = rm.send("post", f"{path}/relations", {"kind": "spouse", "other": "99999999"})
    assert (foreign.status_code, foreign.content) == (404, none.content)
    with worker():
        leader, mate = Program(cast, "leader"), Program(cast, "mate")
    made = leader.post(f"{path}/relations", {"kind": "spouse", "other": str(theirs.pk), "household": True}, status=201)
    assert [each["other"] for each in leader.get(f"{path}/relations")["items"]] == [str(theirs.pk)]
    for program, customer in ((rm, mine), (mate, theirs)):
        here = f"customers/{customer.pk}"
        assert program.get(f"{here}/relations")["items"] == []
        card = program.get(f"{here}/card")
        assert (card["relations"], card["household"]) == ([], [])
        gone = program.http.delete(f"/api/v1/{here}/relations/{made['id']}")
        assert gone.status_code == 404
        assert (theirs if customer is mine else mine).name not in json.dumps(program.get(here), ensure_ascii=False)


def test_an_old_acquaintance_is_attested_and_then_no_first_meeting(rm: Program, path: str) -> None:
    assert rm.post(f"{path}/acquaintance", {"met": True})["met_source"] == "attested"
    contact = rm.post("contacts", {"kind": "reception", "customer": path.split("/")[1]})
    rm.post(f"contacts/{contact['id']}/start")
    assert rm.post(f"contacts/{contact['id']}/end")["first"] is False


def test_holdings_are_listed_by_what_matures_first(cast: Cast, rm: Program, path: str, worker: Role) -> None:
    with worker():
        for number, day in (("2", date(2026, 9, 1)), ("1", date(2026, 4, 1))):
            Holding.objects.create(
                customer_id=int(path.split("/")[1]), core_number=number, product="定期", amount=Decimal("300000.00"),
                matures_on=day, as_of=date(2026, 3, 1),
            )  # fmt: skip
    held = rm.get(f"{path}/holdings")["items"]
    assert [(each["core_number"], each["amount"]) for each in held] == [("1", "300000.00"), ("2", "300000.00")]


def test_a_leader_hands_a_customer_over(cast: Cast, rm: Program, path: str, worker: Role) -> None:
    with worker():
        leader, mate = Program(cast, "leader"), Program(cast, "mate")
    body = {"rm": str(cast.mate.pk), "reason": "林晓休产假"}
    assert rm.send("post", f"{path}/reassignment", body).status_code == 403
    foreign = leader.send("post", f"{path}/reassignment", {**body, "rm": str(cast.stranger.pk)})
    assert foreign.status_code == 404
    asked = leader.post(f"{path}/reassignment", body, status=202)
    assert [line["value"] for line in asked["lines"]][1:3] == ["林晓", "陈彤"]
    decision = {"digest": asked["digest"], "note": ""}
    own = leader.send("post", f"approvals/{asked['id']}/approval", decision)
    assert own.status_code in (409, 422)  # nobody decides their own request
    with worker():
        above = Program(cast, "branch_leader")
    above.post(f"approvals/{asked['id']}/approval", decision)
    assert rm.send("get", path).status_code == 404
    assert mate.get(path)["rm"]["id"] == str(cast.mate.pk)


def test_a_new_customer_is_in_ones_own_book(cast: Cast, rm: Program) -> None:
    made = rm.post("customers", {"name": "钱多多", "fields": {"mobile": "13912345678"}}, status=201)
    assert made["rm"]["id"] == str(cast.rm.pk)
    assert [each["name"] for each in rm.get("customers?q=5678")["items"]] == ["钱多多"]
    other = rm.send("post", "customers", {"name": "钱多多", "rm": str(cast.stranger.pk)})
    assert other.status_code == 404


def test_foreign_customers_are_the_same_as_none(cast: Cast, rm: Program) -> None:
    foreign = cast.customers["stranger"][0].pk
    for tail in ("", "/needs", "/holdings", "/consents", "/relations"):
        theirs, nobodys = (rm.send("get", f"customers/{id}{tail}") for id in (foreign, 99999999))
        assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    for tail, body in {
        "needs": {"kind": "loan"}, "reveal": {"field": "mobile"}, "acquaintance": {"met": True},
        "consents": {"purpose": "service", "channel": "any", "given": True, "evidence": "x"}, "relations": {"kind": "spouse"},
    }.items():  # fmt: skip
        theirs, nobodys = (rm.send("post", f"customers/{id}/{tail}", body) for id in (foreign, 99999999))
        assert (theirs.status_code, theirs.content) == (404, nobodys.content)


def test_appointments_lie_ahead_in_order(cast: Cast, rm: Program, path: str) -> None:
    customer = path.split("/")[1]
    for minutes in (300, 100):
        rm.post(
            "contacts", {"kind": "visit", "customer": customer, "appointment": {"at": at(minutes), "place": "公司"}}
        )
    rm.post("contacts", {"kind": "call", "customer": customer, "purpose": "care", "planned_for": at(200)})
    times = [each["planned_for"] for each in rm.get("appointments")["items"]]
    assert times == sorted(times)
    assert len(times) == 3
    assert len(rm.get("appointments?state=agreed")["items"]) == 2
    (last,) = rm.get(f"appointments?since={at(201).replace('+', '%2B')}")["items"]
    assert last["planned_for"] == times[-1]


def test_met_and_called_before_say_what_happened_here(cast: Cast, rm: Program) -> None:
    """They stayed the import's words for ever, while the card counted the calls."""
    customer = cast.customers["rm"][0]
    before = rm.get(f"customers/{customer.pk}")
    assert "yes" not in (before["met_before"], before["called_before"])
    call = {"kind": "call", "customer": str(customer.pk), "purpose": "introduction"}
    at = NOW - timedelta(minutes=30)
    rm.post("contacts", {**call, "outcome": "reached", "started_at": at.isoformat(), "ended_at": NOW.isoformat()})
    after = rm.get(f"customers/{customer.pk}")
    assert (after["met_before"], after["called_before"]) == (before["met_before"], "yes")


def test_a_limited_search_says_that_there_is_more(cast: Cast, rm: Program) -> None:
    for number in range(3):
        rm.post("customers", {"kind": "person", "name": f"宇文{'甲乙丙'[number]}"})
    found = rm.get("customers?q=宇文&limit=2")
    assert (len(found["items"]), found["more"], found["next"]) == (2, True, None)
    assert rm.get("customers?q=宇文&limit=3")["more"] is False


def test_all_clauses_with_their_text_and_rules(rm: Program) -> None:
    clauses = rm.get("clauses")["items"]
    assert len(clauses) == len(clause.load()) == 52
    r12 = rm.get("clauses/R12")
    assert r12 in clauses
    assert {rule["kind"] for rule in r12["versions"][-1]["owes"]} == {"thanks"}
    assert rm.send("get", "clauses/R99").status_code == 404
    assert (r12["modes"], r12["served"]) == (["OWE"], ["OWE"])
    assert "尚不能保存" in rm.get("clauses/R4")["not_yet"]
    w7 = rm.get("clauses/W7")
    assert (w7["modes"], w7["served"], w7["not_yet"]) == (["RECORD", "GUARD", "OWE"], ["RECORD", "GUARD", "OWE"], None)


def test_adherence_counts_what_was_kept(cast: Cast, rm: Program, path: str, worker: Role) -> None:
    contact = rm.post(
        "contacts",
        {
            "kind": "reception", "customer": path.split("/")[1], "started_at": at(-60), "ended_at": at(-30),
            "write_up": {"result": "agreed", "no_need": True, "by_rhythm": True},
        },
    )  # fmt: skip
    assert contact["state"] == "closed"
    measured = {each["clause"]: each for each in rm.get("adherence")["items"]}
    assert (measured["R13"]["owed"], measured["R13"]["in_time"], measured["R13"]["rate"]) == (1, 1, 1.0)
    with worker():
        leader, mate = Program(cast, "leader"), Program(cast, "mate")
    assert {each["clause"] for each in leader.get(f"adherence?staff={cast.rm.pk}")["items"]} == set(measured)
    assert {each["clause"] for each in leader.get(f"adherence?unit={cast.units['century'].pk}")["items"]} == set(
        measured
    )
    assert leader.get(f"adherence?unit={cast.units['lujiazui'].pk}")["items"] == []
    assert mate.get("adherence")["items"] == []
    assert rm.send("get", "adherence?since=2026-03-02&until=2026-03-01").status_code == 422


def test_who_one_is_and_who_else_there_is(cast: Cast, rm: Program) -> None:
    me = rm.get("me")
    assert (me["number"], me["roles"], me["posts"][0]["unit"]["name"]) == ("1001", ["rm"], "世纪大道支行")
    everybody = rm.get("staff")["items"]
    assert [each["number"] for each in everybody] == sorted(each["number"] for each in everybody)
    assert [each["name"] for each in rm.get("staff?role=auditor")["items"]] == ["审慎"]
    assert rm.get(f"staff/{cast.rm.pk}")["posts"] == me["posts"]
    units = rm.get("units")["items"]
    assert units[0]["parent"] is None
    assert rm.get(f"units/{units[1]['id']}")["parent"] == units[0]["id"]


def test_a_second_person_decides_on_what_was_seen(cast: Cast, worker: Role) -> None:
    with worker():
        first, second = Program(cast, "administrator"), Program(cast, "second_administrator")
        rm = Program(cast, "rm")
    asked = posts.NewPost(cast.mate.pk, cast.units["century"].pk, "leader", "team", "2026-03-02")
    with cast.acting("administrator") as actor:
        id = str(posts.ask_to_grant(actor, [asked], "吴敏调离", NOW).pk)
    seen = second.get(f"approvals/{id}")
    assert seen["lines"]
    assert [each["id"] for each in second.get("approvals?waiting=true")["items"]] == [id]
    assert first.get("approvals?waiting=true")["items"] == []
    assert rm.send("get", f"approvals/{id}").status_code == 404
    digest = {"digest": seen["digest"]}
    assert first.send("post", f"approvals/{id}/approval", digest).status_code == 422
    assert second.send("post", f"approvals/{id}/approval", {"digest": "0" * 64}).status_code == 422
    assert second.post(f"approvals/{id}/approval", digest)["decision"] == "approved"
    assert second.send("post", f"approvals/{id}/refusal", {"note": "x"}).status_code == 422
    assert approvals.KINDS


@pytest.mark.parametrize(
    "list_",
    [
        "customers",
        "customers?q=张",
        "contacts",
        "appointments",
        "needs",
        "obligations",
        "approvals",
        "adherence",
        "staff",
        "units",
    ],
)
def test_no_list_grows_its_statements_with_its_rows(cast: Cast, worker: Role, list_: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(connection) as statements:
            rm.get(list_)
        return len(statements)

    with worker():
        rm = Program(cast, "branch_leader")
        mine = Program(cast, "rm")
    counts = []
    for customer in cast.customers["rm"]:
        body = {"kind": "reception", "customer": str(customer.pk), "started_at": at(-60), "ended_at": at(-30)}
        mine.post("contacts", body)
        mine.post("contacts", {"kind": "call", "customer": str(customer.pk), "planned_for": at(60)})
        mine.post(f"customers/{customer.pk}/needs", {"kind": "loan"})
        counts.append(count())
    assert len(set(counts)) == 1, counts


def test_the_card_is_the_page_s_own_value(cast: Cast, rm: Program, path: str, worker: Role) -> None:
    rm.post(f"{path}/needs", {"kind": "loan", "words": "装修"})
    assert [each["words"] for each in rm.get(f"{path}/card")["needs"]] == ["装修"]
    foreign = rm.send("get", f"customers/{cast.customers['stranger'][0].pk}/card")
    assert (foreign.status_code, foreign.content) == (404, rm.send("get", "customers/99999999/card").content)


def test_a_death_stops_what_was_owed(rm: Program, path: str) -> None:
    contact = rm.post("contacts", {"kind": "reception", "customer": path.split("/")[1]})
    rm.post(f"contacts/{contact['id']}/start")
    rm.post(f"contacts/{contact['id']}/end")
    coming = rm.post("contacts", {"kind": "call", "customer": path.split("/")[1], "planned_for": at(600)})
    why = {"why": "deceased", "on": "2026-03-01", "evidence": "家属出示死亡证明"}
    assert rm.send("post", f"{path}/stops", why).status_code == 428
    tag = rm.send("get", path).headers["ETag"]
    stopped = rm.send("post", f"{path}/stops", why, **{"If-Match": tag})
    assert stopped.json()["deceased_on"] == "2026-03-01"
    assert {each["kind"] for each in rm.get("obligations?state=open")["items"]} == {"write_up"}
    (stop,) = stopped.json()["stops"]
    assert (stop["why"], stop["evidence"], stop["by"]) == ("deceased", "家属出示死亡证明", "林晓")
    assert rm.get(f"contacts/{coming['id']}")["state"] == "cancelled"
    tag = {"If-Match": stopped.headers["ETag"]}
    assert rm.send("delete", f"{path}/stops/deceased", {"reason": "x"}, **tag).status_code == 422, (
        "a death is never over"
    )
    resumed = rm.send("delete", f"{path}/stops/deceased", {"reason": "x", "mistake": True}, **tag)
    assert (resumed.json()["deceased_on"], resumed.json()["stops"]) == (None, [])
    assert "thanks" in {each["kind"] for each in rm.get("obligations?state=open")["items"]}


def test_after_a_death_nothing_is_planned_or_begun(rm: Program, path: str) -> None:
    contact = rm.post("contacts", {"kind": "reception", "customer": path.split("/")[1]})
    rm.post(f"contacts/{contact['id']}/start")
    rm.post(f"contacts/{contact['id']}/end")
    rm.post(f"{path}/needs", {"kind": "loan", "words": "装修"}, status=201)
    stopped = rm.send("post", f"{path}/stops", {"why": "deceased", "evidence": "讣告"}, **{"If-Match": "*"})
    assert stopped.status_code == 200
    for more in ({}, {"started_at": at(0)}):
        refused = rm.post(
            "contacts", {"kind": "call", "customer": path.split("/")[1], "purpose": "care", **more}, status=422
        )
        assert refused["detail"]
    next_ = {"kind": "call", "at": at(6000)}
    rm.post(f"contacts/{contact['id']}/write-up", {"result": "inclined", "no_need": True, "next": next_}, status=422)
    rm.post(f"contacts/{contact['id']}/write-up", {"result": "inclined", "no_need": True, "by_rhythm": True})
    earlier = {"kind": "call", "customer": path.split("/")[1], "purpose": "introduction", "started_at": at(-90),
               "ended_at": at(-88), "outcome": "reached"}  # fmt: skip
    assert rm.post("contacts", earlier, status=201)["afterwards"] is True, "what happened before is still recorded"


def test_a_stop_says_what_shows_it(rm: Program, path: str) -> None:
    for evidence in ("", "   "):
        body = {"why": "do_not_disturb", "evidence": evidence}
        assert rm.send("post", f"{path}/stops", body, **{"If-Match": "*"}).status_code == 422
    body = {"why": "do_not_disturb", "evidence": "客户来电要求", "on": "2031-01-01"}
    assert rm.send("post", f"{path}/stops", body, **{"If-Match": "*"}).status_code == 422, "a day to come"


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_cursor_that_holds_no_text_is_none_of_the_lists(rm: Program, text: str) -> None:
    """It is opaque, and anybody can write one: what PostgreSQL cannot keep it cannot compare either."""
    made = base64.urlsafe_b64encode(json.dumps([1, text, 1]).encode()).decode().rstrip("=")
    answer = rm.send("get", f"customers?cursor={made}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
