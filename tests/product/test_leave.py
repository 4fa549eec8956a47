"""Leave: who may ask, whom, for how long; who answers; what a stand-in may not; what PostgreSQL keeps by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.utils import DatabaseError

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted
from zhike.customers.handover import ask_to_hand_over, candidates
from zhike.customers.models import Customer
from zhike.obligations import lifting, stops, waivers
from zhike.obligations.models import Finding, Obligation
from zhike.obligations.team import team
from zhike.people import approvals, leave, permissions
from zhike.people.leave import NotNow, Unfit
from zhike.people.models import Approval, Leave

from .api import Program

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in Shanghai
MONDAY = date(2026, 3, 2)


def day(n: int) -> date:
    """So many days from Monday."""
    return MONDAY + timedelta(days=n)


def ask(
    cast: Cast,
    who: str = "rm",
    stand_in: str = "mate",
    first: int = 0,
    back: int = 4,
    *,
    by: str = "",
    bank: Bank | None = None,
) -> Leave:
    with cast.acting(by or who, NOW) as actor:
        return leave.ask(
            cast.staff[who].pk, day(first), day(back), cast.staff[stand_in].pk, actor=actor, now=NOW, bank=bank or Bank()
        )  # fmt: skip


def accepted(cast: Cast, who: str = "rm", stand_in: str = "mate", first: int = 0, back: int = 4, **more: Any) -> Leave:
    asked = ask(cast, who, stand_in, first, back, **more)
    with cast.acting(stand_in, NOW) as actor:
        return leave.accept(Leave.objects.get(pk=asked.pk), actor=actor, now=NOW, bank=more.get("bank") or Bank())


# ------------------------------------------------------------------ asking and answering


@pytest.mark.parametrize(
    ("more", "field", "sentence"),
    [
        ({"first": -1}, "from_day", "不能早于今天"),
        ({"first": 3, "back": 3}, "to_day", "须晚于开始日"),
        ({"back": 31}, "to_day", "最长 30 天"),
        ({"first": 800, "back": 810}, "from_day", "两年"),
        ({"stand_in": "rm"}, "stand_in", "本人"),
        ({"stand_in": "compliance"}, "stand_in", "不任客户经理或主管"),
        ({"stand_in": "stranger"}, "stand_in", "本机构或其上级机构"),
        ({"who": "mate", "by": "rm"}, "staff", "本团队"),
        ({"who": "stranger", "stand_in": "rm", "by": "leader"}, "staff", "本团队"),
        ({"who": "leader", "by": "rm"}, "staff", "本团队"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(cast: Cast, more: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(Unfit, match=sentence) as refused:
        ask(cast, **more)
    assert refused.value.field == field
    assert not Leave.objects.exists()


def test_the_bank_sets_how_long_and_from_where(cast: Cast) -> None:
    with pytest.raises(Unfit, match="最长 5 天"):
        ask(cast, back=6, bank=Bank(leave_days=5))
    assert ask(cast, back=5, bank=Bank(leave_days=5)).to_day == day(5)
    assert accepted(cast, "mate", "stranger", bank=Bank(stand_in_from="bank")).answer == "accepted"


def test_whoever_leads_enters_it_for_who_is_ill_and_names_another(cast: Cast) -> None:
    asked = ask(cast, "rm", "mate", by="leader")
    assert (asked.staff, asked.asked_by) == (cast.rm, cast.leader)
    with cast.acting("mate", NOW) as actor:
        declined = leave.decline(Leave.objects.get(pk=asked.pk), "培训", actor=actor, now=NOW, bank=Bank())
        assert (declined.answer, declined.why) == ("declined", "培训")
    with cast.acting("leader", NOW) as actor:
        again = leave.ask_another(Leave.objects.get(pk=asked.pk), cast.leader.pk, actor=actor, now=NOW, bank=Bank())
        assert (again.answer, again.stand_in, again.why) == ("asked", cast.leader, "")
        leave.accept(again, actor=actor, now=NOW, bank=Bank())
    with cast.acting("leader", NOW) as actor:
        # Her own posts reach Lin Xiao already: nothing is lent, and what she does is done on behalf all the same.
        assert (actor.covers, actor.lent) == ((cast.rm.pk,), ())
    with cast.acting("mate", NOW):
        assert not Leave.objects.filter(pk=asked.pk).exists(), "it is no longer hers to answer"


def test_declining_wants_a_reason_and_gives_no_right(cast: Cast) -> None:
    asked = ask(cast)
    with cast.acting("mate", NOW) as actor:
        row = Leave.objects.get(pk=asked.pk)
        with pytest.raises(Unfit, match="原因"):
            leave.decline(row, " ", actor=actor, now=NOW, bank=Bank())
        leave.decline(row, "同一周培训", actor=actor, now=NOW, bank=Bank())
        with pytest.raises(NotNow, match="已经答复过"):
            leave.accept(row, actor=actor, now=NOW, bank=Bank())
    with cast.acting("mate", NOW) as actor:
        assert actor.covers == ()
        assert not Customer.objects.filter(rm=cast.rm).exists()


def test_nobody_is_away_twice_at_once(cast: Cast) -> None:
    accepted(cast)
    with pytest.raises(Unfit, match="重叠"):
        ask(cast, stand_in="leader", first=3, back=6)
    assert ask(cast, stand_in="leader", first=4, back=6).from_day == day(4), "the first day back is free"


def test_two_that_were_asked_for_cannot_both_be_accepted(cast: Cast, owner: Role) -> None:
    accepted(cast)
    with pytest.raises(IntegrityError, match="people_leave_once"), transaction.atomic(), owner():
        Leave.objects.create(
            staff=cast.rm, from_day=day(3), to_day=day(5), stand_in=cast.leader, asked_by=cast.rm, asked_at=NOW,
            answer="accepted", answered_by=cast.leader, answered_at=NOW,
        )  # fmt: skip


def test_a_stand_in_who_is_away_and_one_who_stands_in(cast: Cast) -> None:
    accepted(cast, "mate", "leader", 1, 3)
    with pytest.raises(Unfit, match="自己也休假"):
        ask(cast, "rm", "mate", 0, 2)
    accepted(cast, "rm", "mate", 3, 5)
    with pytest.raises(Unfit, match="另请代班人"):
        ask(cast, "mate", "leader", 4, 6)


def test_what_was_free_when_asked_may_be_taken_when_answered(cast: Cast) -> None:
    """陈彤 was asked by 林晓, and then went on leave herself: her yes comes too late."""
    asked = ask(cast, "rm", "mate", 0, 4)
    accepted(cast, "mate", "leader", 2, 3)
    with cast.acting("mate", NOW) as actor, pytest.raises(Unfit, match="自己也休假"):
        leave.accept(Leave.objects.get(pk=asked.pk), actor=actor, now=NOW, bank=Bank())


def test_cancelled_before_and_ended_after_it_has_begun(cast: Cast) -> None:
    coming, begun = accepted(cast, "rm", "mate", 5, 7), accepted(cast, "leader", "mate", 0, 3)
    with cast.acting("rm", NOW) as actor:
        with pytest.raises(NotNow, match="撤销"):
            leave.end(Leave.objects.get(pk=coming.pk), actor=actor, now=NOW, bank=Bank())
        assert leave.cancel(Leave.objects.get(pk=coming.pk), actor=actor, now=NOW, bank=Bank()).answer == "cancelled"
    with cast.acting("leader", NOW) as actor:
        with pytest.raises(NotNow, match="提前结束"):
            leave.cancel(Leave.objects.get(pk=begun.pk), actor=actor, now=NOW, bank=Bank())
        assert leave.end(Leave.objects.get(pk=begun.pk), actor=actor, now=NOW, bank=Bank()).ended_at == NOW
    with cast.acting("mate", NOW) as actor:
        with pytest.raises(NotNow, match="本人或其主管"):
            leave.end(begun, actor=actor, now=NOW, bank=Bank())
        assert actor.covers == ()


def test_what_reminders_ask(cast: Cast, django_assert_num_queries: Any) -> None:
    accepted(cast, "rm", "mate", 0, 4)
    ask(cast, "leader", "mate", 0, 4)
    everybody = [staff.pk for staff in cast.staff.values()]
    with cast.acting("branch_leader", NOW):
        with django_assert_num_queries(1):
            assert leave.stand_ins(everybody, day(3)) == {cast.rm.pk: cast.mate.pk}
        with django_assert_num_queries(1):
            assert leave.away(everybody, day(3)) == {cast.rm.pk}
        assert leave.away(everybody, day(4)) == set()


# ------------------------------------------------------------------ through the API


def test_a_leave_through_the_api(cast: Cast, worker: Role) -> None:
    with clock.at(NOW):
        with worker():
            rm, mate, stranger = (Program(cast, who) for who in ("rm", "mate", "stranger"))
        body = {"from_day": "2026-03-02", "to_day": "2026-03-05", "stand_in": str(cast.mate.pk), "note": "梁总要回电"}
        asked = rm.post("leaves", body, status=201, **{"Idempotency-Key": "once"})
        assert rm.post("leaves", body, status=201, **{"Idempotency-Key": "once"})["id"] == asked["id"]
        assert (asked["answer"], asked["covers"], asked["staff"]["name"]) == ("asked", False, "林晓")
        assert [each["id"] for each in mate.get("leaves?of=to_me")["items"]] == [asked["id"]]
        assert stranger.get("leaves")["items"] == []
        assert stranger.post(f"leaves/{asked['id']}/acceptance", status=404)
        assert "代班人" in rm.post(f"leaves/{asked['id']}/acceptance", status=409)["detail"]
        problem = mate.post(f"leaves/{asked['id']}/refusal", {"why": ""}, status=422)
        assert problem["errors"][0]["field"] == "why"
        assert mate.post(f"leaves/{asked['id']}/acceptance")["covers"] is True
        assert mate.get("customers?q=张伟明")["items"][0]["name"] == "张伟明"
        wrong = rm.post("leaves", {**body, "staff": str(cast.stranger.pk)}, status=422)
        assert wrong["errors"][0]["field"] == "staff"
        assert rm.post(f"leaves/{asked['id']}/end")["ended_at"] is not None
        assert mate.get("customers?q=张伟明")["items"] == []


# ------------------------------------------------------------------ what standing in does not give


def an_obligation(cast: Cast, owner: Role, whose: str = "rm") -> Obligation:
    from zhike.obligations.models import Fact

    with owner():
        customer, rm = cast.customers[whose][0], cast.staff[whose]
        fact = Fact.objects.create(
            kind="promise_made", data={"words": "回复"}, at=NOW, known_at=NOW, staff=rm, by=rm, customer=customer
        )
        return Obligation.objects.create(
            fact=fact, clause="W11", clause_from=date(2020, 1, 1), kind="promise", force="should", owner=rm, customer=customer,
            what={"zh": "答复客户", "en": "answer"}, why={"zh": "承诺", "en": "promised"}, opens=NOW,
            due=NOW + timedelta(days=1), created_at=NOW, key=f"leave:{whose}",
        )  # fmt: skip


def decided(cast: Cast, who: str, approval: Approval) -> str:
    """What ``who`` is told on approving it; empty where it was carried out."""
    with cast.acting(who, NOW) as actor:
        assert approval.pk not in approvals.waiting_for(actor, NOW).values_list("pk", flat=True)
        try:
            approvals.approve(actor, approval.pk, approval.digest, NOW)
        except approvals.Undecidable as refused:
            return refused.words.zh
    return ""


def test_a_stand_in_decides_nothing_that_the_covered_one_asked_for(cast: Cast, owner: Role) -> None:
    """吴敏 leads 林晓 and stands in for her: what 林晓 asks for, and what 陈彤 asked for 林晓, needs another leader."""
    owed = an_obligation(cast, owner)
    accepted(cast, "rm", "leader")
    with cast.acting("rm", NOW) as actor:
        asked = waivers.ask(owed, "客户说不必了", actor=actor, now=NOW).approval
    assert asked is not None
    assert asked.on_behalf is None
    assert "代这位同事办理" in decided(cast, "leader", asked)
    with cast.acting("leader", NOW), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_approval SET decision = 'approved', decided_by_id = %s, decided_at = %s WHERE id = %s",
            [cast.leader.pk, NOW, asked.pk],
        )
        assert cursor.rowcount == 0, "nor past the program"
    with cast.acting("branch_leader", NOW) as actor:
        assert asked.pk in approvals.waiting_for(actor, NOW).values_list("pk", flat=True)
        approvals.approve(actor, asked.pk, asked.digest, NOW)


def test_nobody_decides_what_a_stand_in_asked_for_them(cast: Cast, owner: Role) -> None:
    """吴敏 is away and 陈彤 asks for a customer of 吴敏's: back in the office 吴敏 leads 陈彤, and does not decide it."""
    with owner():
        customer = cast.customers["rm"][0]
        Customer.objects.filter(pk=customer.pk).update(rm=cast.leader, complaint_open=True)
    standing = accepted(cast, "leader", "mate")
    with cast.acting("mate", NOW) as actor:
        found = Customer.objects.visible_to(actor).get(pk=customer.pk)
        asked = lifting.lift(found, "complaint", reason="已了结", mistake=False, actor=actor, now=NOW, bank=Bank())
        assert asked is not None
        assert asked.on_behalf_id == cast.leader.pk
        with pytest.raises(permissions.Refused):
            approvals.approve(actor, asked.pk, asked.digest, NOW)  # the leader's role is not lent
    with cast.acting("leader", NOW) as actor:
        leave.end(Leave.objects.get(pk=standing.pk), actor=actor, now=NOW, bank=Bank())
    assert "代您提出" in decided(cast, "leader", asked)
    with pytest.raises(IntegrityError, match="not_for_oneself"), transaction.atomic(), owner():
        Approval.objects.filter(pk=asked.pk).update(decision="approved", decided_by=cast.leader, decided_at=NOW)
    with cast.acting("branch_leader", NOW) as actor:
        approvals.approve(actor, asked.pk, asked.digest, NOW)
        assert not stops.stands(Customer.objects.get(pk=customer.pk), "complaint")


def test_the_stand_in_takes_back_what_was_asked(cast: Cast, owner: Role) -> None:
    owed = an_obligation(cast, owner)
    accepted(cast)
    with cast.acting("mate", NOW) as actor:
        asked = waivers.ask(owed, "客户说不必了", actor=actor, now=NOW).approval
        assert asked is not None
        assert asked.on_behalf_id == cast.rm.pk
        assert approvals.withdraw(actor, asked.pk, NOW).decision == "withdrawn"


def test_a_leaders_acts_do_not_reach_whom_he_only_covers(cast: Cast, owner: Role) -> None:
    """孙浩 leads elsewhere and stands in for 林晓: he serves her customers, and neither hands them over nor looks into her work."""
    an_obligation(cast, owner)
    with owner():
        Finding.objects.create(
            clause="S1", clause_from=date(2020, 1, 1), kind="breach", staff=cast.rm, verdict="own_phone", what={}, at=NOW,
        )  # fmt: skip
    accepted(cast, "rm", "other_leader", bank=Bank(stand_in_from="bank"))
    with cast.acting("other_leader", NOW + timedelta(days=2)) as actor:
        customer = Customer.objects.visible_to(actor).get(pk=cast.customers["rm"][0].pk)
        assert customer.changeable_by(actor)
        assert not actor.leads(cast.rm.pk)
        assert cast.rm not in candidates(actor, cast.customers["stranger"][0], MONDAY)
        with pytest.raises(Unaccepted, match="代班人"):
            ask_to_hand_over(customer, cast.stranger.pk, day(3), "x", actor=actor, now=NOW)
        assert '"tally": {}' in team(actor, now=NOW + timedelta(days=2)).replace('{"tally" : {}', '"tally": {}')
        assert not Finding.objects.filter(staff=cast.rm).exists(), "what was found with her is hers and her leader's"
        asked = approvals.ask(
            actor, "customers.reassign", f"customer:{customer.pk}",
            {"customer": customer.pk, "before": cast.rm.pk, "rm": cast.stranger.pk, "from_day": "2026-03-02"}, "x", NOW,
            unit_id=cast.units["lujiazui"].pk,
        )  # fmt: skip
    with owner():
        Approval.objects.filter(pk=asked.pk).update(asked_by=cast.branch_leader)
    with cast.acting("other_leader", NOW) as actor, pytest.raises(approvals.Undecidable, match="管辖范围"):
        approvals.approve(actor, asked.pk, asked.digest, NOW)


# ------------------------------------------------------------------ PostgreSQL by itself


def rows(cursor: Any, sql: str, *params: Any) -> int:
    cursor.execute(sql, params)
    return int(cursor.rowcount)


def test_postgresql_lets_a_stand_in_reach_those_customers_on_those_days_alone(cast: Cast, owner: Role) -> None:
    owed = an_obligation(cast, owner)
    accepted(cast, first=1, back=2)
    hers = cast.customers["rm"][0].pk
    for when, reached in ((NOW, 0), (NOW + timedelta(hours=10), 1), (NOW + timedelta(hours=34), 0)):
        with cast.acting("mate", when), connection.cursor() as cursor:
            assert rows(cursor, "SELECT FROM customers_customer WHERE id = %s", hers) == reached, when
            assert rows(cursor, "UPDATE customers_customer SET honorific = 'x' WHERE id = %s", hers) == reached
            assert rows(cursor, "SELECT FROM obligations_obligation WHERE id = %s", owed.pk) == reached
            assert rows(cursor, "SELECT FROM customers_customer WHERE id = %s", cast.customers["century"][0].pk) == 0


def test_postgresql_lets_nobody_accept_for_another_or_change_the_days(cast: Cast) -> None:
    asked = ask(cast)
    accept = "UPDATE people_leave SET answer = 'accepted', answered_by_id = %s, answered_at = now() WHERE id = %s"
    for who in ("rm", "leader"):
        with pytest.raises(DatabaseError), cast.acting(who, NOW), connection.cursor() as cursor:
            rows(cursor, accept, cast.mate.pk, asked.pk)
    with pytest.raises(DatabaseError), cast.acting("mate", NOW), connection.cursor() as cursor:
        # Whoever is asked says yes in their own name.
        rows(cursor, "UPDATE people_leave SET answer = 'accepted' WHERE id = %s", asked.pk)
    for column, value in (("to_day", "2027-01-01"), ("staff_id", str(cast.leader.pk)), ("from_day", "2020-01-01")):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            cast.acting("mate", NOW),
            connection.cursor() as cursor,
        ):
            rows(cursor, f"UPDATE people_leave SET {column} = %s WHERE id = %s", value, asked.pk)
    with cast.acting("stranger", NOW), connection.cursor() as cursor:
        assert rows(cursor, "SELECT FROM people_leave") == 0
        assert rows(cursor, accept, cast.stranger.pk, asked.pk) == 0
    insert = "INSERT INTO people_leave (staff_id, from_day, to_day, stand_in_id, note, asked_by_id, asked_at, answer, why) VALUES (%s, %s, %s, %s, '', %s, now(), 'asked', '')"
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        cast.acting("stranger", NOW),
        connection.cursor() as cursor,
    ):
        rows(cursor, insert, cast.rm.pk, day(8), day(9), cast.stranger.pk, cast.stranger.pk)


def test_the_trail_names_both_for_raw_sql_as_well(cast: Cast, owner: Role) -> None:
    accepted(cast)
    with cast.acting("mate", NOW), connection.cursor() as cursor:
        rows(cursor, "UPDATE customers_customer SET honorific = '张老师' WHERE id = %s", cast.customers["rm"][0].pk)
        rows(cursor, "UPDATE customers_customer SET honorific = '王老师' WHERE id = %s", cast.customers["mate"][0].pk)
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id, actor_id, on_behalf_id FROM trail_entry WHERE object = 'customers_customer' AND action = 'update'"
        )
        assert set(cursor.fetchall()) >= {
            (cast.customers["rm"][0].pk, cast.mate.pk, cast.rm.pk),
            (cast.customers["mate"][0].pk, cast.mate.pk, None),
        }
