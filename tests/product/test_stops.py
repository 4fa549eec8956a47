"""One person stops contact with a customer, at once; a second one lets it go on. Who may only look is told so, on every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.cast import LONG_AGO, Cast
from tests.product.api import Program
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers.models import Customer
from zhike.obligations import stops
from zhike.people.models import Approval, Post

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=11)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def customer(cast: Cast) -> Customer:
    return cast.customers["rm"][0]


def quiet(cast: Cast, customer: Customer) -> bool:
    with cast.acting("rm"):
        return Customer.objects.get(pk=customer.pk).do_not_disturb


def stop(cast: Cast, customer: Customer, why: str = "do_not_disturb") -> None:
    told = {"why": why, "evidence": "客户来电要求"}
    assert cast.client("rm").post(f"/customers/{customer.pk}/stops/", told).status_code == 303


def lift(cast: Cast, customer: Customer, who: str = "rm", why: str = "do_not_disturb", mistake: str = "no") -> None:
    told = {"reason": "客户又来电，愿意接听", "mistake": mistake}
    address = f"/customers/{customer.pk}/stops/{why}/resume/"
    assert cast.client(who).post(address, told).status_code == 303


@pytest.mark.parametrize("mistake", ["no", "yes"])
def test_contact_goes_on_when_a_leader_agrees(cast: Cast, customer: Customer, mistake: str) -> None:
    stop(cast, customer)
    with clock.at(LATER):
        lift(cast, customer, mistake=mistake)
        assert quiet(cast, customer), "it waits"
        rm, leader = cast.client("rm"), cast.client("leader")
        page = rm.get(f"/customers/{customer.pk}/stops/").content.decode()
        assert "林晓已申请恢复联系" in page
        assert 'name="reason"' not in page, "nobody asks twice"
        with cast.acting("rm"):
            waiting = Approval.objects.get(decision="open")
        decision = {"act": "approve", "digest": waiting.digest}
        assert rm.post(f"/approvals/{waiting.pk}/", decision).status_code in {403, 409}
        assert quiet(cast, customer)
        seen = leader.get("/approvals/").content.decode()
        for words in (customer.name, "客户要求免打扰", "客户来电要求 · 林晓", "愿意接听"):
            assert words in seen
        assert leader.post(f"/approvals/{waiting.pk}/", decision).status_code == 303
        assert not quiet(cast, customer)


def test_a_leader_who_asks_does_not_decide_alone(cast: Cast, customer: Customer) -> None:
    stop(cast, customer)
    with clock.at(LATER):
        lift(cast, customer, "leader")
        with cast.acting("leader"):
            waiting = Approval.objects.get(decision="open")
        decision = {"act": "approve", "digest": waiting.digest}
        for who in ("leader", "other_leader", "mate", "compliance"):
            assert cast.client(who).post(f"/approvals/{waiting.pk}/", decision).status_code in {403, 409}
        assert quiet(cast, customer)
        assert cast.client("branch_leader").post(f"/approvals/{waiting.pk}/", decision).status_code == 303
        assert not quiet(cast, customer)


@pytest.mark.parametrize(("act", "words"), [("approve", "已批准"), ("refuse", "已拒绝")])
def test_who_asked_sees_what_was_decided(cast: Cast, customer: Customer, act: str, words: str) -> None:
    """On the customer's page for a week, with the note; nobody else is told there."""
    stop(cast, customer)
    with clock.at(LATER):
        lift(cast, customer)
        assert "您申请恢复联系" not in cast.client("rm").get(f"/customers/{customer.pk}/").content.decode(), (
            "still waiting"
        )
        with cast.acting("rm"):
            waiting = Approval.objects.get(decision="open")
        decision = {"act": act, "digest": waiting.digest, "note": "已与客户核实"}
        assert cast.client("leader").post(f"/approvals/{waiting.pk}/", decision).status_code == 303
    with clock.at(LATER + timedelta(days=6)):
        page = cast.client("rm").get(f"/customers/{customer.pk}/").content.decode()
        for told in ("您申请恢复联系（客户要求免打扰）", f"吴敏{words}", "已与客户核实"):
            assert told in page
        assert "您申请恢复联系" not in cast.client("leader").get(f"/customers/{customer.pk}/").content.decode()
    with clock.at(LATER + timedelta(days=8)):
        assert "您申请恢复联系" not in cast.client("rm").get(f"/customers/{customer.pk}/").content.decode()


def test_one_s_own_slip_is_taken_back_alone_for_ten_minutes(cast: Cast, customer: Customer) -> None:
    stop(cast, customer)
    lift(cast, customer, "leader", mistake="yes")
    assert quiet(cast, customer), "not the leader's own slip"
    with cast.acting("leader"):
        asked = Approval.objects.get(decision="open")
    cast.client("leader").post(f"/approvals/{asked.pk}/", {"act": "withdraw"})
    with clock.at(NOW + timedelta(minutes=10)):
        lift(cast, customer, mistake="no")
        assert quiet(cast, customer), "what is said to be over was no slip"
    with cast.acting("rm"):
        asked = Approval.objects.get(decision="open")
    cast.client("rm").post(f"/approvals/{asked.pk}/", {"act": "withdraw"})
    with clock.at(NOW + timedelta(minutes=10)):
        lift(cast, customer, mistake="yes")
    assert not quiet(cast, customer)


def test_programs_ask_likewise(cast: Cast, customer: Customer, owner: Role) -> None:
    with owner():
        rm, leader = Program(cast, "rm"), Program(cast, "leader")
    path, any_version = f"customers/{customer.pk}", {"If-Match": "*"}
    rm.send("post", f"{path}/stops", {"why": "complaint", "evidence": "95588 转来"}, **any_version)
    with clock.at(LATER):
        address = rm.send("delete", f"{path}/stops/complaint?reason=x", **any_version)
        assert (address.status_code, address.json()["errors"][0]["field"]) == (422, "body")  # not in an address
        asked = rm.send("delete", f"{path}/stops/complaint", {"reason": "x"}, **any_version)
        assert (asked.status_code, asked.json()["kind"]) == (202, "customers.resume")
        again = rm.send("delete", f"{path}/stops/complaint", {"reason": "x"}, **any_version)
        assert again.status_code == 422
        number, digest = asked.json()["id"], asked.json()["digest"]
        leader.post(f"approvals/{number}/approval", {"digest": digest}, status=200)
        assert rm.get(path)["stops"] == []


def test_who_may_only_look_is_told_so(cast: Cast, owner: Role) -> None:
    """By another post, 林晓 sees the whole branch; 陈彤's customers are not 林晓's to change."""
    with owner():
        Post.objects.create(
            staff=cast.rm, unit=cast.units["branch"], role="compliance", scope="tree", from_day=LONG_AGO
        )
    foreign, rm = f"/customers/{cast.customers['mate'][0].pk}", cast.client("rm")
    for address, told in {
        "stops/": {"why": "closed", "evidence": "销户回单", "on": str(date(2026, 3, 1))},
        "stops/closed/resume/": {"reason": "x"},
        "relations/": {"kind": "parent", "name": "花弧"},
        "household/leave/": {},
        "consents/record/": {"purpose": "marketing", "channel": "sms", "given": "yes", "evidence": "x"},
        "needs/": {"kind": "loan", "words": "装修"},
    }.items():
        answer = rm.post(f"{foreign}/{address}", told)
        assert answer.status_code == 403, address
        assert "这位客户由他人管户" in answer.content.decode(), address
    for address in ("stops/", "relations/", "consents/"):
        page = rm.get(f"{foreign}/{address}")
        assert page.status_code == 200
        assert 'class="stack" method="post"' not in page.content.decode(), address
    assert rm.post(f"/customers/{cast.customers['stranger'][0].pk}/stops/", {}).status_code == 403, "the whole branch"


def test_what_a_leader_agrees_to_is_the_stop_that_was_asked_about(cast: Cast, customer: Customer) -> None:
    """Lifted and recorded anew meanwhile, it is another complaint, and nobody has asked about that one."""
    stop(cast, customer, "complaint")
    lift(cast, customer, why="complaint")
    lift(cast, customer, why="complaint", mistake="yes")  # one's own slip, alone
    with cast.acting("leader") as actor:
        asked = Approval.objects.get(kind="customers.resume")
        fresh = Customer.objects.get(pk=customer.pk)
        assert not fresh.complaint_open
        told = {"on": date(2026, 3, 2), "evidence": "监管转办", "actor": actor, "now": NOW, "bank": Bank()}
        stops.stop(fresh, "complaint", **told)
    form = {"act": "approve", "digest": asked.digest}
    answer = cast.client("leader").post(f"/approvals/{asked.pk}/", form)
    assert (answer.status_code, "重新申请" in answer.content.decode()) == (409, True)
    with cast.acting("leader"):
        assert Customer.objects.get(pk=customer.pk).complaint_open
