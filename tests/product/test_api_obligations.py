"""The ledger through the JSON edge."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.cast import Cast
from tests.product.api import NOW, Program, at
from zhike import clock, front
from zhike.conduct.bank import Bank
from zhike.contacts.escalation import escalate
from zhike.customers.models import Customer
from zhike.obligations.models import Finding, Obligation
from zhike.people.models import Post, Staff

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


def test_the_page_attests_nothing_and_words_the_text_for_the_customer(
    cast: Cast, owner: Role, rm: Program, visit: dict[str, Any]
) -> None:
    """One tap recorded an introduction that nobody had made; an English reader copied an English SMS to a Chinese customer."""
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(language="en")
    path = f"/obligations/{named(rm, 'V5')['id']}/"

    def text(browser: Client) -> str:
        return re.search(r'id="text"><p>(.*?)</p>', browser.get(path).content.decode())[1]  # type: ignore[index]

    browser = cast.client("rm")
    assert not re.search(r'name="introduces"[^>]*checked', browser.get(path).content.decode())
    assert browser.post(f"{path}done/", {"channel": "sms"}).status_code == 422
    assert "感谢您今天抽时间" in text(browser)
    with clock.at(NOW + timedelta(days=1)):
        assert "感谢您昨天抽时间" in text(cast.client("rm"))
    with clock.at(NOW + timedelta(days=3)):
        assert "感谢您3月" in text(cast.client("rm"))


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
    with django_assert_num_queries(1):  # who asks, may they, and the timeline
        first = rm.send("get", "obligations?due=today")
    assert {row["clause"] for row in first.json()["rows"]} == {"V5", "V7"}
    assert all(isinstance(row["id"], str) for row in first.json()["rows"])
    again = rm.send("get", "obligations?due=today", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_short_way_answers_as_the_operation_does(cast: Cast, rm: Program, visit: dict[str, Any]) -> None:
    """``?due=today&limit=50`` asks for the same and is answered by the operation itself."""
    short, long = rm.send("get", "obligations?due=today"), rm.send("get", "obligations?due=today&limit=50")
    assert (short.content, short.headers["ETag"]) == (long.content, long.headers["ETag"])
    for name in (
        "Cache-Control",
        "Content-Type",
        "Content-Security-Policy",
        "X-Frame-Options",
        "X-Content-Type-Options",
    ):
        assert short.headers[name] == long.headers[name], name


def test_the_short_way_leads_to_https_first_as_every_address_does(cast: Cast, worker: Role, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    with worker():
        rm = Program(cast, "rm")
    front.around.cache_clear()
    try:
        answer = rm.send("get", "obligations?due=today")
    finally:
        front.around.cache_clear()
    assert (answer.status_code, answer.headers["Location"][:8]) == (301, "https://")


def test_who_may_not_read_is_told_why_on_the_short_way_too(
    cast: Cast, rm: Program, visit: dict[str, Any], worker: Role
) -> None:
    card = f"customers/{visit['customer']['id']}/card"
    assert rm.send("get", card).status_code == 200
    with worker():
        mate, marketing, new = Program(cast, "mate"), Program(cast, "marketing"), Program(cast, "leader")
        Staff.objects.filter(pk=cast.staff["leader"].pk).update(must_change_password=True)
    assert mate.send("get", card).status_code == 404
    assert visit["customer"]["name"] not in mate.send("get", "obligations?due=today").text
    for path in (card, "obligations?due=today"):
        assert marketing.send("get", path).status_code == 403
        assert new.send("get", path).json()["detail"] == "请先修改密码。"
        assert rm.send("get", path, Authorization="Bearer nobody").status_code == 401


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


def told_of(cast: Cast, rm: Program, worker: Role) -> str:
    """A promised call-back that nobody made, half an hour on: what the leader is to look into."""
    busy = {"kind": "call", "customer": str(cast.customers["rm"][0].pk), "purpose": "introduction", "outcome": "busy"}
    rm.post("contacts", {**busy, "started_at": at(-60), "ended_at": at(-58), "call_back_at": at(-40)})
    with worker():
        escalate(NOW, Bank())
    (told,) = rm.get(f"obligations?customer={busy['customer']}&kind=look_into")["items"]
    assert told["owner"]["name"] == "吴敏"
    return str(told["id"])


@pytest.mark.parametrize(
    ("act", "body"), [("completion", {"words": "已处理", "channel": "call"}), ("waiver", {"reason": "没事"})]
)
def test_what_the_leader_was_told_of_an_rm_is_not_the_rms_to_close(
    cast: Cast, rm: Program, worker: Role, act: str, body: dict[str, Any]
) -> None:
    told = told_of(cast, rm, worker)
    assert rm.send("post", f"obligations/{told}/{act}", body).status_code == 403
    assert cast.client("rm", NOW).post(f"/obligations/{told}/done/", body).status_code == 403
    assert rm.get(f"obligations/{told}")["state"] == "open"
    with worker():
        leader = Program(cast, "leader")
    assert leader.post(f"obligations/{told}/completion", {"words": "在外开会", "channel": "call"})["state"] == "done"


def test_a_talk_that_was_left_under_way_keeps_no_leader_from_being_told(cast: Cast, rm: Program, worker: Role) -> None:
    """While the RM is with another customer the leader waits; begun more than four hours ago, it was forgotten and not talked."""
    busy = {"kind": "call", "customer": str(cast.customers["rm"][0].pk), "purpose": "introduction", "outcome": "busy"}
    rm.post("contacts", {**busy, "started_at": at(-60), "ended_at": at(-58), "call_back_at": at(-40)})
    rm.post("contacts", {"kind": "reception", "customer": str(cast.customers["rm"][1].pk), "started_at": at(-230)})
    for later, told in ((0, []), (9, []), (11, ["吴敏"])):
        with worker():
            escalate(NOW + timedelta(minutes=later), Bank())
        items = rm.get(f"obligations?customer={busy['customer']}&kind=look_into")["items"]
        assert [each["owner"]["name"] for each in items] == told


def test_who_does_a_colleagues_work_does_not_drop_it(
    cast: Cast, rm: Program, worker: Role, owner: Role, visit: dict[str, Any]
) -> None:
    """The page shows no way to, and the API knows none: only who owes it, who stands in on their leave, or who leads them."""
    with owner():
        Post.objects.filter(staff=cast.mate).update(scope="team")
    owed, reason = named(rm, "V5")["id"], {"reason": "客户在国外"}
    with worker():
        mate = Program(cast, "mate")
    assert 'name="reason"' not in cast.client("mate", NOW).get(f"/obligations/{owed}/").content.decode()
    refused = mate.send("post", f"obligations/{owed}/waiver", reason)
    assert (refused.status_code, refused.json()["detail"]) == (403, "这是别人的应办，由其本人或其主管办理。")
    posted = cast.client("mate", NOW).post(f"/obligations/{owed}/waive/", reason)
    assert (posted.status_code, refused.json()["detail"] in posted.content.decode()) == (403, True)
    with owner():
        Post.objects.filter(staff=cast.rm).update(to_day=NOW.date())
        Obligation.objects.filter(pk=owed).update(force="should")
    # Who has left lets nothing go any more: the team-mate stands in.
    assert mate.post(f"obligations/{owed}/waiver", reason)["state"] == "waived"


def test_nobody_waives_their_own_must(
    cast: Cast, rm: Program, worker: Role, owner: Role, visit: dict[str, Any]
) -> None:
    told = told_of(cast, rm, worker)
    with worker():
        leader, above = Program(cast, "leader"), Program(cast, "branch_leader")
    refused = leader.post(f"obligations/{told}/waiver", {"reason": "算了"}, status=422)
    assert refused["verdicts"][0]["name"] == "must_not_waived"
    assert 'name="reason"' not in cast.client("leader", NOW).get(f"/obligations/{told}/").content.decode()
    assert above.post(f"obligations/{told}/waiver", {"reason": "当面说过了"})["state"] == "waived"
    assert leader.post(f"obligations/{named(rm, 'V5')['id']}/waiver", {"reason": "客户在国外"})["state"] == "waived"


def test_what_is_taken_back_takes_back_what_went_with_it(cast: Cast, rm: Program, visit: dict[str, Any]) -> None:
    answer = f"obligations/{named(rm, 'V7')['id']}"
    own_phone = {"channel": "sms", "through": "own_phone"}
    rm.post(f"{answer}/completion", {"words": "已换好", "demand": "met", **own_phone})
    with cast.acting("rm", NOW):
        assert list(Finding.objects.values_list("clause", "void")) == [("S1", False)]
    assert rm.post(f"{answer}/undo")["state"] == "open"
    with cast.acting("rm", NOW):
        assert list(Finding.objects.values_list("clause", "void")) == [("S1", True)]
    demand = rm.get(f"contacts/{visit['id']}")["demands"][0]
    assert (demand["state"], demand["closed_at"]) == ("open", None)
    rm.post(f"{answer}/undo", status=422)
    met = {"kind": "reception", "customer": str(cast.customers["rm"][1].pk), "started_at": at(-30), "ended_at": at(-10)}
    rm.post("contacts", met)
    email = next(
        each for each in rm.get("obligations?kind=find_out&state=open")["items"] if each["detail"]["field"] == "email"
    )
    rm.post(f"obligations/{email['id']}/completion", {"value": "wrong@example.com"})
    assert rm.post(f"obligations/{email['id']}/undo")["state"] == "open"
    assert "email" in rm.get(f"customers/{email['customer']['id']}")["gaps"]
