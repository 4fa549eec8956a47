"""Two persons: who asks does not decide, what is carried out is what was seen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from tests.cast import Cast
from zhike.conduct.words import Refused
from zhike.people import approvals, bank, permissions, posts, seats
from zhike.people.models import Approval, Post, Setting, Staff
from zhike.people.posts import NewPost

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
TODAY = date(2026, 3, 16)
TOMORROW = date(2026, 3, 17)


def asked(cast: Cast, value: int = 10, who: str = "administrator") -> Approval:
    with cast.acting(who, NOW) as actor:
        return bank.ask_to_change(
            actor, "callback_tolerance", value, TOMORROW, "多数客户要求更宽", today=TODAY, now=NOW
        )


def test_a_setting_changes_from_its_day_when_a_second_person_agrees(cast: Cast) -> None:
    approval = asked(cast)
    assert bank.settings().at(TOMORROW).callback_tolerance == 5
    with cast.acting("compliance", NOW) as actor:
        assert [row.pk for row in approvals.waiting_for(actor, NOW)] == [approval.pk]
        approvals.approve(actor, approval.pk, approval.digest, NOW)
    settings = bank.settings()
    assert (settings.at(TODAY).callback_tolerance, settings.at(TOMORROW).callback_tolerance) == (5, 10)
    assert Setting.objects.get(name="callback_tolerance").approval_id == approval.pk


def test_nobody_decides_their_own_request(cast: Cast) -> None:
    approval = asked(cast)
    with cast.acting("administrator", NOW) as actor:
        assert not approvals.waiting_for(actor, NOW).exists()
        with pytest.raises(Refused, match="另一人"):
            approvals.approve(actor, approval.pk, approval.digest, NOW)
        with pytest.raises(Refused):
            approvals.refuse(actor, approval.pk, NOW, "no")


def test_the_database_knows_four_eyes_by_itself(cast: Cast, owner: Role) -> None:
    approval = asked(cast)
    from django.db import IntegrityError

    with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic(), owner():
        Approval.objects.filter(pk=approval.pk).update(
            decision="approved", decided_by=approval.asked_by_id, decided_at=NOW
        )


def test_a_request_that_changed_since_it_was_seen_is_not_approved(cast: Cast, owner: Role) -> None:
    approval = asked(cast)
    with owner():
        Approval.objects.filter(pk=approval.pk).update(payload={**approval.payload, "value": 60})
    with cast.acting("compliance", NOW) as actor, pytest.raises(Refused, match="不一致"):
        approvals.approve(actor, approval.pk, approval.digest, NOW)
    with cast.acting("compliance", NOW) as actor, pytest.raises(Refused, match="不一致"):
        approvals.approve(actor, approval.pk, "0" * 64, NOW)


def test_the_application_cannot_change_what_was_asked(cast: Cast) -> None:
    approval = asked(cast)
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        cast.acting("administrator", NOW),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE people_approval SET payload = '{}' WHERE id = %s", [approval.pk])


def test_two_who_decide_do_it_once(cast: Cast) -> None:
    approval = asked(cast)
    with cast.acting("compliance", NOW) as actor:
        approvals.approve(actor, approval.pk, approval.digest, NOW)
    with cast.acting("second_administrator", NOW) as actor, pytest.raises(Refused, match="结论"):
        approvals.approve(actor, approval.pk, approval.digest, NOW)


def test_after_48_hours_it_goes_back(cast: Cast) -> None:
    approval = asked(cast)
    later = NOW + timedelta(hours=48)
    with cast.acting("compliance", later) as actor:
        assert not approvals.waiting_for(actor, later).exists()
        with pytest.raises(Refused, match="48"):
            approvals.approve(actor, approval.pk, approval.digest, later)
    with cast.acting("administrator", later) as actor:
        approvals.withdraw(actor, approval.pk, later)
        again = bank.ask_to_change(
            actor, "callback_tolerance", 10, date(2026, 3, 20), "再提", today=TOMORROW, now=later
        )
    assert again.decision == "open"


def test_the_same_is_not_asked_twice_and_never_without_a_reason(cast: Cast) -> None:
    asked(cast)
    with pytest.raises(Refused, match="已有"):
        asked(cast, 12)
    with cast.acting("administrator", NOW) as actor, pytest.raises(Refused, match="理由"):
        bank.ask_to_change(actor, "idle_minutes", 20, TOMORROW, " ", today=TODAY, now=NOW)


@pytest.mark.parametrize(
    ("name", "value", "day"),
    [
        ("nothing", 1, TOMORROW),
        ("idle_minutes", 9999, TOMORROW),
        ("idle_minutes", 20, date(2026, 3, 15)),
        ("idle_minutes", 15, TOMORROW),
    ],
)
def test_what_cannot_be_is_refused_when_asked(cast: Cast, name: str, value: int, day: date) -> None:
    with cast.acting("administrator", NOW) as actor, pytest.raises(Refused):
        bank.ask_to_change(actor, name, value, day, "理由", today=TODAY, now=NOW)


@pytest.mark.parametrize("who", ["rm", "leader", "branch_leader", "marketing", "risk", "auditor"])
def test_others_neither_ask_nor_decide(cast: Cast, who: str) -> None:
    approval = asked(cast)
    with cast.acting(who, NOW) as actor:
        with pytest.raises(permissions.Refused):
            bank.ask_to_change(actor, "idle_minutes", 20, TOMORROW, "理由", today=TODAY, now=NOW)
        with pytest.raises((permissions.Refused, Refused)):
            approvals.approve(actor, approval.pk, approval.digest, NOW)


def test_requests_are_seen_by_those_concerned(cast: Cast) -> None:
    approval = asked(cast)
    for who, sees in {
        "administrator": True,
        "compliance": True,
        "auditor": True,
        "rm": False,
        "branch_leader": False,
    }.items():
        with cast.acting(who, NOW) as actor:
            assert Approval.objects.filter(pk=approval.pk).exists() is sees
            assert Approval.objects.visible_to(actor).filter(pk=approval.pk).exists() is sees


def test_a_role_is_granted_by_two_and_not_to_oneself(cast: Cast) -> None:
    post = NewPost(cast.rm.pk, cast.units["century"].pk, "leader", "team", "2026-03-17")
    with cast.acting("administrator", NOW) as actor:
        approval = posts.ask_to_grant(actor, [post], "接替吴敏", NOW)
    assert Post.objects.filter(staff=cast.rm).count() == 1
    with cast.acting("second_administrator", NOW) as actor:
        approvals.approve(actor, approval.pk, approval.digest, NOW)
    assert set(Post.objects.filter(staff=cast.rm).values_list("role", flat=True)) == {"rm", "leader"}
    with cast.acting("rm", NOW) as actor:
        assert actor.roles == {"rm"}  # from tomorrow on
    with cast.acting("rm", NOW + timedelta(days=1)) as actor:
        assert actor.roles == {"rm", "leader"}

    own = NewPost(cast.second_administrator.pk, cast.units["head"].pk, "auditor", "all", "2026-03-17")
    with cast.acting("administrator", NOW) as actor:
        approval = posts.ask_to_grant(actor, [own], "理由", NOW)
    with cast.acting("second_administrator", NOW) as actor, pytest.raises(Refused, match="自己"):
        approvals.approve(actor, approval.pk, approval.digest, NOW)


def test_a_post_ends_by_one_person(cast: Cast) -> None:
    with cast.acting("administrator", NOW) as actor:
        posts.end(actor, cast.leader.posts.get().pk, TODAY, TODAY)
        with pytest.raises(Refused):
            posts.end(actor, cast.administrator.posts.get().pk, TODAY, TODAY)
    with cast.acting("leader", NOW) as actor:
        assert actor.roles == frozenset()


def test_a_change_from_a_machine_whose_clock_is_behind_is_noticed(cast: Cast) -> None:
    first = asked(cast)
    with cast.acting("compliance", NOW) as actor:
        approvals.approve(actor, first.pk, first.digest, NOW)
    before, behind = bank.settings_version(), NOW - timedelta(minutes=1)
    second = asked(cast, 15)
    with cast.acting("compliance", behind) as actor:
        approvals.approve(actor, second.pk, second.digest, behind)
    assert bank.settings_version() > before
    assert bank.settings().at(TOMORROW).callback_tolerance == 15


def test_a_request_and_the_worker_tell_the_same_version(cast: Cast) -> None:
    from tests.cast import signed_in
    from zhike.people import actor as acting

    key = signed_in(cast.rm, NOW)
    begun, _session = acting.begin(key, NOW)
    assert begun is not None
    assert begun.settings == bank.settings_version()


def test_no_setting_is_changed_for_days_that_are_over(cast: Cast) -> None:
    """Asked for today in the evening and agreed to in the morning, it would reckon anew what was owed yesterday."""
    with cast.acting("administrator", NOW) as actor:
        approval = bank.ask_to_change(actor, "callback_tolerance", 10, TODAY, "试行", today=TODAY, now=NOW)
    next_day = NOW + timedelta(hours=20)
    with pytest.raises(approvals.Undecidable, match="生效日已过"), cast.acting("compliance", next_day) as actor:
        approvals.approve(actor, approval.pk, approval.digest, next_day)
    assert bank.settings().at(TODAY).callback_tolerance == 5
    with cast.acting("compliance", NOW) as actor:
        approvals.approve(actor, approval.pk, approval.digest, NOW)
    assert bank.settings().at(TODAY).callback_tolerance == 10


def test_who_has_just_given_somebody_a_password_is_not_approved_by_them(cast: Cast) -> None:
    """A one-time password is seen by who draws it: for a while both hands could be the same person's."""
    approval = asked(cast)
    with cast.acting("administrator", NOW) as actor:
        seats.invite_again(actor, cast.second_administrator.pk)
    for later in (NOW, NOW + timedelta(hours=40)):
        with cast.acting("second_administrator", later) as actor, pytest.raises(approvals.Undecidable, match="密码"):
            approvals.approve(actor, approval.pk, approval.digest, later)
    with cast.acting("compliance", NOW) as actor:
        approvals.approve(actor, approval.pk, approval.digest, NOW)


def test_after_a_week_who_was_given_a_password_decides_again(cast: Cast) -> None:
    with cast.acting("administrator", NOW - timedelta(days=7)) as actor:
        seats.invite_again(actor, cast.second_administrator.pk)
    approval = asked(cast)
    with cast.acting("second_administrator", NOW) as actor:
        assert approvals.approve(actor, approval.pk, approval.digest, NOW).decision == "approved"


def test_a_password_of_ones_own_choosing_hinders_nobody(cast: Cast) -> None:
    approval = asked(cast)
    with cast.acting("second_administrator", NOW) as actor:
        own = Staff.objects.get(pk=actor.id)
        own.set_password("another good long one")
        own.save(update_fields=["password"])
        assert approvals.approve(actor, approval.pk, approval.digest, NOW).decision == "approved"


def test_a_decided_change_keeps_what_it_was_set_against(cast: Cast) -> None:
    """Five minutes until now, ten asked for; once ten held, the record said: until now ten."""
    approval = asked(cast)
    with cast.acting("compliance", NOW) as actor:
        approvals.approve(actor, approval.pk, approval.digest, NOW)
        (decided,) = approvals.worded([Approval.objects.get(pk=approval.pk)]).values()
    assert [value for _word, value in decided[1:3]] == ["5 分钟", "10 分钟"]


def test_who_decides_sees_which_column_of_the_rhythm_changes(cast: Cast) -> None:
    from zhike.conduct.bank import Bank
    from zhike.conduct.setting import plain

    rhythm = plain(Bank().rhythm)
    rhythm[4]["meeting_days"] = 45  # private banking
    with cast.acting("administrator", NOW) as actor:
        approval = bank.ask_to_change(actor, "rhythm", rhythm, TOMORROW, "分步推行", today=TODAY, now=NOW)
        (lines,) = approvals.worded([approval]).values()
    until_now, new = (value for _word, value in lines[1:3])
    assert until_now == "私人银行 每 14 天联系，每 90 天面谈，每 90 天检视，每名客户经理至多 60 户"
    assert new == "私人银行 每 14 天联系，每 45 天面谈，每 90 天检视，每名客户经理至多 60 户"
