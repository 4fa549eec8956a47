"""Two persons for what hands a customer over, and for a waiver where the bank wants the leader's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.contacts import completion, course
from zhike.customers import handover
from zhike.customers.models import Customer
from zhike.obligations.models import Fact, Obligation
from zhike.people import approvals
from zhike.people.models import Approval, Post, Setting

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
TODAY = date(2026, 3, 16)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def test_a_leader_asks_on_the_page_and_the_one_above_decides(cast: Cast) -> None:
    customer = cast.customers["rm"][0]
    leader, above = cast.client("leader"), cast.client("branch_leader")
    address = f"/customers/{customer.pk}/hand-over/"
    assert "移交" in leader.get(f"/customers/{customer.pk}/").content.decode()
    page = leader.get(address).content.decode()
    assert "陈彤" in page
    assert "赵磊" not in page
    asked = leader.post(address, {"rm": cast.mate.pk, "from_day": "2026-03-16", "reason": "休产假"})
    assert asked.status_code == 303
    assert leader.post(address, {"rm": cast.mate.pk, "from_day": "2026-03-16", "reason": "再来"}).status_code == 422
    assert customer.name in above.get("/approvals/").content.decode()
    with cast.acting("branch_leader", NOW):
        waiting = Approval.objects.get(decision="open")
    done = above.post(f"/approvals/{waiting.pk}/", {"act": "approve", "digest": waiting.digest})
    assert done.status_code == 303
    assert cast.client("rm").get(f"/customers/{customer.pk}/").status_code == 404
    assert cast.client("mate").get(f"/customers/{customer.pk}/").status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {"rm": "", "from_day": "2026-03-16", "reason": "x"},
        {"rm": "stranger", "from_day": "2026-03-16", "reason": "x"},
        {"rm": "mate", "from_day": "soon", "reason": "x"},
        {"rm": "mate", "from_day": "2026-03-16", "reason": ""},
    ],
)
def test_what_is_missing_is_said(cast: Cast, given: dict[str, str]) -> None:
    rm = cast.staff[given["rm"]].pk if given["rm"] else ""
    answer = cast.client("leader").post(f"/customers/{cast.customers['rm'][0].pk}/hand-over/", {**given, "rm": rm})
    assert answer.status_code == 422
    assert "note--late" in answer.content.decode()


def test_between_sub_branches_only_somebody_above_both_decides(cast: Cast) -> None:
    customer = cast.customers["rm"][0]
    with cast.acting("branch_leader", NOW) as actor:
        kept = Customer.objects.select_related("unit").get(pk=customer.pk)
        asked = handover.ask_to_hand_over(kept, cast.stranger.pk, TODAY, "客户搬家", actor=actor, now=NOW)
    assert asked.unit_id == cast.units["branch"].pk
    for who in ("leader", "other_leader"):
        with cast.acting(who, NOW) as actor:
            assert not approvals.waiting_for(actor, NOW).exists()
            with pytest.raises(Refused):
                approvals.approve(actor, asked.pk, asked.digest, NOW)


def test_a_customer_who_moved_meanwhile_is_not_moved_again(cast: Cast, owner: Role) -> None:
    customer = cast.customers["rm"][0]
    with cast.acting("leader", NOW) as actor:
        kept = Customer.objects.select_related("unit").get(pk=customer.pk)
        asked = handover.ask_to_hand_over(kept, cast.mate.pk, TODAY, "轮岗", actor=actor, now=NOW)
    with owner():
        Customer.objects.filter(pk=customer.pk).update(rm=None)
    with cast.acting("branch_leader", NOW) as actor, pytest.raises(Refused, match="已变更"):
        approvals.approve(actor, asked.pk, asked.digest, NOW)


def test_a_contact_is_written_up_before_the_customer_changes_hands(cast: Cast) -> None:
    """Whoever was there would owe a write-up of a customer whom they no longer see."""
    customer = cast.customers["rm"][0]
    with cast.acting("rm", NOW) as actor:
        talk = course.plan(customer, "reception", actor=actor, now=NOW)
        course.start(talk, actor=actor, now=NOW, bank=Bank())
        course.end(talk, actor=actor, now=NOW, bank=Bank())
    with cast.acting("leader", NOW) as actor:
        kept = Customer.objects.select_related("unit").get(pk=customer.pk)
        asked = handover.ask_to_hand_over(kept, cast.mate.pk, TODAY, "轮岗", actor=actor, now=NOW)
    above = cast.client("branch_leader", NOW)
    decision = {"act": "approve", "digest": asked.digest}
    answer = above.post(f"/approvals/{asked.pk}/", decision)
    assert answer.status_code == 409
    assert "还有一次联系" in answer.content.decode()
    form = {"result": "agreed", "need": ["none"], "next": "rhythm"}
    assert cast.client("leader", NOW).post(f"/contacts/{talk.pk}/close/", form).status_code == 303
    assert above.post(f"/approvals/{asked.pk}/", decision).status_code == 303
    with cast.acting("mate", NOW):
        assert set(Obligation.objects.filter(state="open").values_list("owner", flat=True)) == {cast.mate.pk}


def test_a_post_that_ended_meanwhile_is_said(cast: Cast, owner: Role) -> None:
    with cast.acting("leader", NOW) as actor:
        kept = Customer.objects.select_related("unit").get(pk=cast.customers["rm"][0].pk)
        asked = handover.ask_to_hand_over(kept, cast.mate.pk, TODAY, "轮岗", actor=actor, now=NOW)
    with owner():
        Post.objects.filter(staff=cast.mate).update(to_day=TODAY)
    answer = cast.client("branch_leader", NOW).post(
        f"/approvals/{asked.pk}/", {"act": "approve", "digest": asked.digest}
    )
    assert answer.status_code == 409


@pytest.fixture
def owed(cast: Cast, owner: Role) -> Obligation:
    customer, rm = cast.customers["rm"][0], cast.rm
    with owner():
        fact = Fact.objects.create(
            kind="reception_ended", at=NOW, known_at=NOW, staff=rm, by=rm, customer=customer,
            data={"first": False, "missing": []},
        )  # fmt: skip
        return Obligation.objects.create(
            fact=fact, clause="R12", clause_from=date(2020, 1, 1), kind="thanks", force="should", owner=rm,
            customer=customer, what={"zh": "短信致谢", "en": "thanks"}, why={"zh": "", "en": ""}, opens=NOW,
            due=NOW + timedelta(hours=9), created_at=NOW, key="waiver",
        )  # fmt: skip


def test_a_waiver_waits_for_the_leader_where_the_bank_wants_it(cast: Cast, owner: Role, owed: Obligation) -> None:
    with owner():
        Setting.objects.create(name="waiver_needs_leader", value=True, from_day=date(2026, 1, 1), at=NOW)
    answer = cast.client("rm").post(f"/obligations/{owed.pk}/waive/", {"reason": "客户说不必"})
    assert answer.status_code == 303
    with cast.acting("rm", NOW):
        owed.refresh_from_db()
        assert (owed.state, owed.approval_id is not None) == ("open", True)
    with cast.acting("other_leader", NOW) as actor:
        assert not approvals.waiting_for(actor, NOW).exists()
    with cast.acting("leader", NOW) as actor:
        waiting = approvals.waiting_for(actor, NOW).get()
        approvals.approve(actor, waiting.pk, waiting.digest, NOW)
        owed.refresh_from_db()
        assert (owed.state, owed.evidence) == ("waived", {"reason": "客户说不必", "by": "林晓"})


def test_without_that_setting_a_reason_is_enough(cast: Cast, owed: Obligation) -> None:
    with cast.acting("rm", NOW) as actor:
        assert completion.waive(owed, "客户说不必", actor=actor, now=NOW).state == "waived"
        assert not Approval.objects.exists()


def asked_to_waive(cast: Cast, owed: Obligation, who: str) -> None:
    answer = cast.client(who).post(f"/obligations/{owed.pk}/waive/", {"reason": "客户说不必"})
    assert answer.status_code == 303


def who_may_decide(cast: Cast) -> list[str]:
    """Everybody on whose page of approvals it waits with the button that decides."""
    return [who for who in cast.staff if 'value="approve"' in cast.client(who).get("/approvals/").content.decode()]


def decided(cast: Cast, owed: Obligation, who: str) -> None:
    with cast.acting(who, NOW) as actor:
        waiting = approvals.waiting_for(actor, NOW).get()
    answer = cast.client(who).post(f"/approvals/{waiting.pk}/", {"act": "approve", "digest": waiting.digest})
    assert answer.status_code == 303
    with cast.acting("compliance", NOW):
        owed.refresh_from_db()
        assert (owed.state, owed.settled_by_id, owed.approval_id) == ("waived", cast.staff[who].pk, waiting.pk)


@pytest.fixture
def left(cast: Cast, owner: Role, owed: Obligation) -> None:
    """The bank wants the leader's word; 林晓 has left, and a team-mate who stands in asks."""
    with owner():
        Setting.objects.create(name="waiver_needs_leader", value=True, from_day=date(2026, 1, 1), at=NOW)
        Post.objects.filter(staff=cast.rm).update(to_day=TODAY)
        Post.objects.filter(staff=cast.mate).update(scope="team")


def test_what_somebody_owed_who_has_left_is_decided_where_they_served(cast: Cast, left: None, owed: Obligation) -> None:
    asked_to_waive(cast, owed, "mate")
    assert who_may_decide(cast) == ["leader", "branch_leader"]
    decided(cast, owed, "leader")


def test_where_nobody_leads_any_more_compliance_decides(cast: Cast, left: None, owner: Role, owed: Obligation) -> None:
    with owner():
        Post.objects.filter(role="leader").update(to_day=TODAY)
    asked_to_waive(cast, owed, "mate")
    assert who_may_decide(cast) == ["compliance"]
    decided(cast, owed, "compliance")


def test_what_the_leader_above_all_owes_is_decided_by_compliance(
    cast: Cast, left: None, owner: Role, owed: Obligation
) -> None:
    """Nobody stands above: the leader's own request waited for a leader that there is not."""
    with owner():
        Obligation.objects.filter(pk=owed.pk).update(owner=cast.branch_leader)
    asked_to_waive(cast, owed, "branch_leader")
    decided(cast, owed, "compliance")


def test_the_database_waives_nothing_that_was_not_agreed_to(cast: Cast, left: None, owed: Obligation) -> None:
    asked_to_waive(cast, owed, "mate")
    for who in ("leader", "compliance", "mate"):
        with cast.acting(who, NOW), connection.cursor() as cursor:
            cursor.execute("SELECT obligations_waive(id, %s) FROM people_approval WHERE decision = 'open'", [NOW])
            assert cursor.fetchone() == (None,)
