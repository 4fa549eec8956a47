"""Prospects: entered once, claimed by one, contacted, won without losing a line, given back when nobody contacts them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.customers.models import Acquaintance, Customer, Need
from zhike.market import funnel, pool, prospects
from zhike.market.models import Event, Prospect
from zhike.market.prospects import Account, Draft, Same, Step
from zhike.market.refusals import NotNow, Unfit
from zhike.obligations.models import Obligation
from zhike.obligations.sweep import sweep
from zhike.people.models import Leave

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in Shanghai
MONDAY = date(2026, 3, 2)
MOBILE = "13900001111"


def entered(cast: Cast, who: str = "rm", now: datetime = NOW, bank: Bank | None = None, **more: Any) -> Prospect:
    to_pool = more.pop("to_pool", False)
    step = more.pop("step", Step("电话约见面", MONDAY + timedelta(days=3)))
    draft = Draft(**{"name": "王丽", "source": "fair", "source_words": "春季车展", "mobile": MOBILE, **more})
    with cast.acting(who, now) as actor:
        return prospects.enter(draft, step, to_pool=to_pool, actor=actor, now=now, bank=bank or Bank())


def contacted(
    cast: Cast, prospect: Prospect, how: str = "call", words: str = "约好周四来行", now: datetime = NOW,
    step: Step | None = None, who: str = "rm", **more: Any,
) -> Event:  # fmt: skip
    with cast.acting(who, now) as actor:
        row = Prospect.objects.held(prospect.pk, actor)
        return prospects.contact(
            row, Account(how, words, **more), step or Step("面谈", now.date() + timedelta(days=2)), actor=actor, now=now, bank=Bank()
        )  # fmt: skip


def owed(prospect: Prospect, owner: Role, **more: Any) -> list[Obligation]:
    with owner():
        rows = Obligation.objects.filter(subject__startswith=f"prospect:{prospect.pk}", **more)
        return list(rows.order_by("pk"))


# ── entered, once ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.clause("W3", "RECORD")
def test_a_prospect_is_kept_with_its_occasion_and_the_next_step_is_owed(cast: Cast, owner: Role) -> None:
    made = entered(cast, interest="deposit", interest_words="三年期", tier="platinum")
    with owner():
        row = Prospect.objects.get(pk=made.pk)
        assert (row.source, row.source_words, row.interest, row.stage) == ("fair", "春季车展", "deposit", "new")
        assert (row.rm_id, row.unit_id, row.opened("mobile"), row.shown("mobile")) == (
            cast.rm.pk, cast.units["century"].pk, MOBILE, "139 **** 1111"
        )  # fmt: skip
        assert MOBILE not in str(row.mobile)
    (step,) = owed(made, owner)
    assert (step.clause, step.origin, step.kind, step.owner_id) == ("W5", "bank", "prospect_step", cast.rm.pk)
    assert step.due == datetime(2026, 3, 5, 16, tzinfo=UTC)  # the end of Thursday in Shanghai
    assert step.what["zh"] == "王丽：电话约见面"


@pytest.mark.parametrize(
    ("more", "field", "sentence"),
    [
        ({"name": " "}, "name", "姓名或公司名称"),
        ({"source": "x"}, "source", "从哪里认识"),
        ({"interest": "x"}, "interest", "从列表中选择"),
        ({"mobile": "123"}, "mobile", "手机"),
        ({"email": "x"}, "email", "邮"),
        ({"step": Step("", MONDAY)}, "step", "下一步"),
        ({"step": Step("电话", None)}, "step_on", "哪一天"),
        ({"step": Step("电话", date(2026, 3, 1))}, "step_on", "已经过去"),
        ({"step": Step("电话", date(2036, 3, 1))}, "step_on", "两年"),
    ],
)
def test_what_cannot_be_is_refused_by_the_field(cast: Cast, more: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(Unfit) as refused:
        entered(cast, **more)
    assert refused.value.field == field
    assert sentence in refused.value.words.zh


def knows(cast: Cast, whose: str, mobile: str) -> Customer:
    with cast.acting(whose, NOW) as actor:
        customer = Customer.objects.get(pk=cast.customers[whose][0].pk)
        customer.learn("mobile", mobile, source="contact", actor=actor, now=NOW)
        return customer


@pytest.mark.parametrize("whose", ["rm", "mate", "stranger"])
def test_whom_the_bank_knows_by_the_number_is_not_entered_again(cast: Cast, whose: str) -> None:
    """One's own customer is named; a colleague's is not, and the sentence is the same whoever they are."""
    customer = knows(cast, whose, MOBILE)
    with pytest.raises(Same) as refused:
        entered(cast, name="别的名字")
    assert refused.value.field == "mobile"
    if whose == "rm":
        assert [each.id for each in refused.value.found] == [customer.pk]
    else:
        assert not refused.value.found
        assert "由本行同事维护，请向主管了解" in refused.value.words.zh
        assert customer.name not in str(refused.value)


def test_who_is_a_prospect_of_a_colleague_is_not_entered_again(cast: Cast) -> None:
    entered(cast, "stranger")
    with pytest.raises(Same, match="由本行同事维护"):
        entered(cast, name="另一人")


def test_the_same_name_is_looked_at_first(cast: Cast) -> None:
    entered(cast, employer="申达贸易", mobile="")
    for more in ({"employer": "申达贸易"}, {"employer": ""}):
        with pytest.raises(Same) as refused:
            entered(cast, mobile="13900002222", **more)
        assert refused.value.field == "another"
    assert entered(cast, mobile="13900002222", employer="申达贸易", another=True).pk
    assert entered(cast, mobile="13900003333", employer="另一家公司").pk


def test_looking_for_numbers_is_counted_as_looking_at_them(cast: Cast) -> None:
    bank = Bank(reveals_a_day=1)
    entered(cast, bank=bank)
    from zhike.customers.models.customer import Exhausted

    with pytest.raises(Exhausted):
        entered(cast, name="赵五", mobile="13900004444", bank=bank)


# ── contacts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contact_does_the_step_and_owes_the_next(cast: Cast, owner: Role) -> None:
    made = entered(cast)
    tuesday = NOW + timedelta(days=1)
    contacted(cast, made, now=tuesday, promise="发存款利率表", promise_on=date(2026, 3, 4))
    done, promise, following = owed(made, owner)[0], *reversed(owed(made, owner)[1:])
    assert (done.state, done.evidence["words"]) == ("done", "约好周四来行")
    assert (promise.clause, promise.kind, promise.state) == ("W11", "promise", "open")
    assert (following.kind, following.state, following.what["zh"]) == ("prospect_step", "open", "王丽：面谈")
    with owner():
        row = Prospect.objects.get(pk=made.pk)
        assert (row.stage, row.contacted_at) == ("contacted", tuesday)
    contacted(cast, made, "visit", "去公司见了面", now=tuesday + timedelta(hours=1))
    with owner():
        assert Prospect.objects.get(pk=made.pk).stage == "met"


def test_nobody_answered_leaves_the_step_and_the_stage(cast: Cast, owner: Role) -> None:
    made = entered(cast)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        prospects.contact(row, Account("no_answer"), actor=actor, now=NOW, bank=Bank())
    (step,) = owed(made, owner)
    with owner():
        assert (step.state, Prospect.objects.get(pk=made.pk).stage) == ("open", "new")


@pytest.mark.parametrize(
    ("account", "field"),
    [
        (Account("x", "话"), "how"), (Account("call", " "), "words"), (Account("call", "话", at=NOW + timedelta(hours=1)), "at"),
        (Account("call", "话", promise="寄资料"), "promise_on"),
    ],
)  # fmt: skip
def test_an_account_that_cannot_be(cast: Cast, account: Account, field: str) -> None:
    made = entered(cast)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        with pytest.raises(Unfit) as refused:
            prospects.contact(row, account, Step("面谈", MONDAY), actor=actor, now=NOW, bank=Bank())
    assert refused.value.field == field


def test_whoever_does_not_want_to_be_contacted_never_is_again(cast: Cast, owner: Role) -> None:
    made = entered(cast)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        prospects.lose(row, "stopped", actor=actor, now=NOW, bank=Bank())
    (step,) = owed(made, owner)
    assert (step.state, step.evidence["why"]) == ("withdrawn", "lost")
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        for act in (
            lambda: prospects.contact(row, Account("call", "话"), Step("x", MONDAY), actor=actor, now=NOW, bank=Bank()),
            lambda: prospects.reopen(row, Step("x", MONDAY), actor=actor, now=NOW, bank=Bank()),
        ):
            with pytest.raises(NotNow, match="不愿再被联系"):
                act()


def test_losing_asks_why(cast: Cast) -> None:
    made = entered(cast)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        for why, field in (("", "lost"), ("other", "lost_words")):
            with pytest.raises(Unfit) as refused:
                prospects.lose(row, why, actor=actor, now=NOW, bank=Bank())
            assert refused.value.field == field


# ── won ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.clause("W5", "OWE")
def test_who_is_won_is_a_customer_and_no_line_is_lost(cast: Cast, owner: Role) -> None:
    made = entered(cast, interest="deposit", interest_words="三年期", email="wl@example.com", employer="申达贸易",
                   referred_by=cast.customers["rm"][0].pk)  # fmt: skip
    contacted(cast, made, "call", promise="发利率表", promise_on=date(2026, 3, 4))
    contacted(cast, made, "visit", "去公司见面", now=NOW + timedelta(hours=1))
    with cast.acting("rm", NOW + timedelta(hours=2)) as actor:
        row = Prospect.objects.held(made.pk, actor)
        customer = prospects.win(row, actor=actor, now=NOW + timedelta(hours=2), bank=Bank())
    with owner():
        customer = Customer.objects.get(pk=customer.pk)
        assert (customer.name, customer.rm_id, customer.prospect.pk) == ("王丽", cast.rm.pk, made.pk)
        assert (customer.open_value("mobile"), customer.open_value("email")) == (MOBILE, "wl@example.com")
        assert (customer.known("employer"), customer.known("introducer")) == ("申达贸易", "张伟明")
        assert [(need.kind, need.words) for need in Need.objects.filter(customer=customer)] == [("deposit", "三年期")]
        known = Acquaintance.objects.get(customer=customer)
        assert (known.met_source, known.called_source) == ("attested", "attested")
        whose = Obligation.objects.filter(customer=customer, state="open")
        assert sorted(whose.values_list("kind", flat=True)) == ["promise", "prospect_step"]
        row = Prospect.objects.get(pk=made.pk)
        assert [event.what for event in row.events.order_by("pk")] == ["entered", "contact", "contact", "won"]
    # the step that was open is noted towards the customer, and wants no other
    with cast.acting("rm", NOW + timedelta(hours=3)) as actor:
        row = Prospect.objects.held(made.pk, actor)
        prospects.contact(row, Account("meeting", "签了开户书"), actor=actor, now=NOW + timedelta(hours=3), bank=Bank())
    with owner():
        assert list(whose.values_list("kind", flat=True)) == ["promise"]


def test_a_customer_of_ones_own_with_the_number_is_the_one(cast: Cast, owner: Role) -> None:
    made = entered(cast)
    customer = knows(cast, "rm", MOBILE)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        assert prospects.win(row, actor=actor, now=NOW, bank=Bank()).pk == customer.pk


def test_a_customer_of_somebody_else_with_the_number_is_not_taken(cast: Cast) -> None:
    made = entered(cast)
    knows(cast, "stranger", MOBILE)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        with pytest.raises(Unfit, match="由本行同事维护"):
            prospects.win(row, actor=actor, now=NOW, bank=Bank())


# ── the pool ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def claim(cast: Cast, prospect: Prospect, who: str = "mate", now: datetime = NOW, bank: Bank | None = None) -> Prospect:
    with cast.acting(who, now) as actor:
        return pool.claim(prospect.pk, actor=actor, now=now, bank=bank or Bank())


def test_a_claim_makes_it_ones_own_and_owes_the_first_contact(cast: Cast, owner: Role) -> None:
    made = entered(cast, to_pool=True)
    assert (made.rm_id, owed(made, owner)) == (None, [])
    assert claim(cast, made).rm_id == cast.mate.pk
    (step,) = owed(made, owner)
    assert (step.owner_id, step.what["zh"], step.due) == (
        cast.mate.pk, "王丽：首次联系", datetime(2026, 3, 4, 16, tzinfo=UTC)
    )  # fmt: skip
    with pytest.raises(Unfit, match="不在公海"):
        claim(cast, made, "rm")


def test_the_pool_of_another_unit_is_out_of_sight_and_cannot_be_claimed(cast: Cast) -> None:
    made = entered(cast, to_pool=True)
    with cast.acting("stranger", NOW) as actor:
        assert not Prospect.objects.visible_to(actor)
        assert not Prospect.objects.all()
    with pytest.raises(Unfit, match="不在公海"):
        claim(cast, made, "stranger")


def test_the_limits_of_a_day_and_of_what_one_holds(cast: Cast) -> None:
    made = [entered(cast, to_pool=True, name=f"潜客{n}", mobile=f"1390000{n:04}") for n in range(3)]
    claim(cast, made[0], bank=Bank(prospects_claimed=2))
    claim(cast, made[1], bank=Bank(prospects_claimed=2))
    with pytest.raises(Unfit, match="每日上限"):
        claim(cast, made[2], bank=Bank(prospects_claimed=2))
    with pytest.raises(Unfit, match="达到上限 2 位"):
        claim(cast, made[2], bank=Bank(prospects_held=2))
    claim(cast, made[2], now=NOW + timedelta(days=1), bank=Bank(prospects_claimed=2))


def test_given_back_with_a_reason(cast: Cast, owner: Role) -> None:
    made = entered(cast)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        with pytest.raises(Unfit, match="为何退回"):
            pool.give_back(row, " ", actor=actor, now=NOW, bank=Bank())
        pool.give_back(row, "住得远，望湖更方便", actor=actor, now=NOW, bank=Bank())
    (step,) = owed(made, owner)
    assert (step.state, step.evidence["why"]) == ("withdrawn", "returned")
    assert claim(cast, made).rm_id == cast.mate.pk


def test_a_leader_assigns_and_the_step_goes_along(cast: Cast, owner: Role) -> None:
    made = entered(cast)
    with cast.acting("leader", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        with pytest.raises(Unfit, match="本团队"):
            pool.assign(row, cast.stranger.pk, actor=actor, now=NOW, bank=Bank())
        pool.assign(row, cast.mate.pk, actor=actor, now=NOW, bank=Bank())
    old, new = owed(made, owner)
    assert (old.state, new.state, new.owner_id, new.due) == ("withdrawn", "open", cast.mate.pk, old.due)
    with cast.acting("rm", NOW) as actor:
        assert Prospect.objects.visible_to(actor).count() == 0


def test_only_an_rm_claims(cast: Cast) -> None:
    made = entered(cast, to_pool=True)
    with pytest.raises(Unfit, match="只有客户经理可以认领"):
        claim(cast, made, "leader")


def test_who_stands_in_for_an_rm_assigns_none_of_theirs(cast: Cast, owner: Role) -> None:
    """A leader elsewhere works on the prospects of whom they cover, and gives none of them to their own team."""
    made = entered(cast)
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=MONDAY, to_day=MONDAY + timedelta(days=1), stand_in=cast.other_leader,
            asked_by=cast.rm, asked_at=NOW, answer="accepted", answered_by=cast.other_leader, answered_at=NOW,
        )  # fmt: skip
    with cast.acting("other_leader", NOW) as actor:
        row = Prospect.objects.held(made.pk, actor)
        assert row.changeable_by(actor)
        with pytest.raises(NotNow, match="不能由您分配"):
            pool.assign(row, cast.stranger.pk, actor=actor, now=NOW, bank=Bank())


def test_who_is_taken_up_again_wants_room_too(cast: Cast) -> None:
    bank = Bank(prospects_held=1)
    first = entered(cast)
    with cast.acting("rm", NOW) as actor:
        prospects.lose(Prospect.objects.held(first.pk, actor), "price", actor=actor, now=NOW, bank=bank)
    entered(cast, name="赵五", mobile="13900005555", bank=bank)
    with cast.acting("rm", NOW) as actor:
        row = Prospect.objects.held(first.pk, actor)
        with pytest.raises(Unfit, match="达到上限 1 位"):
            prospects.reopen(row, Step("再问", MONDAY), actor=actor, now=NOW, bank=bank)


def swept(worker: Role, day: date) -> None:
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    with worker():
        sweep(day, now=at, bank=Bank())


@pytest.mark.parametrize(("tier", "days"), [("regular", 30), ("platinum", 15)])
def test_who_is_not_contacted_goes_back_told_beforehand(
    cast: Cast, owner: Role, worker: Role, tier: str, days: int
) -> None:
    """Entered on 2 March: told three days before the last day, kept on it, back the day after; a platinum one in half the time."""
    made = entered(cast, tier=tier)
    last = MONDAY + timedelta(days=days)
    swept(worker, last - timedelta(days=4))
    assert not owed(made, owner, kind="prospect_keep")
    swept(worker, last - timedelta(days=3))
    swept(worker, last - timedelta(days=2))
    (told,) = owed(made, owner, kind="prospect_keep")
    assert told.what["zh"] == "联系 王丽，否则退回公海"
    swept(worker, last)
    with owner():
        assert Prospect.objects.get(pk=made.pk).rm_id == cast.rm.pk
    swept(worker, last + timedelta(days=1))
    with owner():
        row = Prospect.objects.get(pk=made.pk)
        assert (row.rm_id, row.events.last().what, row.events.last().by_id) == (None, "idle", None)
    assert {each.state for each in owed(made, owner)} == {"withdrawn"}


def test_a_talk_keeps_it_and_a_message_does_not(cast: Cast, owner: Role, worker: Role) -> None:
    made = entered(cast)
    swept(worker, MONDAY + timedelta(days=28))
    at = NOW + timedelta(days=28)
    contacted(cast, made, "message", "发了邀请", now=at)
    (told,) = owed(made, owner, kind="prospect_keep")
    assert told.state == "open"
    contacted(cast, made, "call", "聊了十分钟", now=at + timedelta(minutes=5))
    (told,) = owed(made, owner, kind="prospect_keep")
    assert told.state == "done"
    swept(worker, MONDAY + timedelta(days=40))
    with owner():
        assert Prospect.objects.get(pk=made.pk).rm_id == cast.rm.pk


# ── who sees what ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("rm", 1), ("mate", 0), ("leader", 1), ("branch_leader", 1), ("stranger", 0), ("other_leader", 0), ("compliance", 1),
        ("risk", 1), ("auditor", 1), ("marketing", 0), ("administrator", 0),
    ],
)  # fmt: skip
def test_both_walls_say_the_same(cast: Cast, who: str, sees: int) -> None:
    made = entered(cast)
    with cast.acting(who, NOW) as actor:
        assert Prospect.objects.visible_to(actor).count() == sees
        assert Prospect.objects.count() == sees
        assert Event.objects.count() == sees
        if who != "rm" and who not in {"leader", "branch_leader"}:
            assert Prospect.objects.filter(pk=made.pk).update(name="x") == 0


def test_the_database_lets_nobody_enter_for_others(cast: Cast) -> None:
    with cast.acting("rm", NOW):
        for rm, unit in ((cast.stranger.pk, "lujiazui"), (None, "lujiazui")):
            row = Prospect(
                name="x",
                source="fair",
                rm_id=rm,
                since=NOW if rm else None,
                unit=cast.units[unit],
                by_id=cast.rm.pk,
                at=NOW,
            )
            with pytest.raises(ProgrammingError), transaction.atomic():
                row.save()


def test_the_trail_keeps_who_did_it_and_not_the_number(cast: Cast, owner: Role) -> None:
    made = entered(cast)
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor_id, changes::text FROM trail_entry WHERE object = 'market_prospect' AND row_id = %s",
            [made.pk],
        )
        rows = cursor.fetchall()
    assert {row[0] for row in rows} == {cast.rm.pk}
    assert MOBILE not in str(rows)
    assert ":gcm:" not in str(rows)


# ── the funnel ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.clause("W5", "MEASURE")
@pytest.mark.clause("W3", "MEASURE")
def test_the_funnel_and_what_an_rm_has_found_by_hand(cast: Cast) -> None:
    """Four entered on 2 March: one stands new; one is called a day later and lost; one is called after 1 day, met after 3, won after 4;
    one is visited at once after 5 days, so that nobody can say how long it was "contacted".
    """
    rows = [entered(cast, name=f"潜客{n}", mobile=f"1390000{n:04}") for n in range(4)]
    day = timedelta(days=1)
    contacted(cast, rows[1], now=NOW + day)
    with cast.acting("rm", NOW + 2 * day) as actor:
        lost = Prospect.objects.held(rows[1].pk, actor)
        prospects.lose(lost, "elsewhere", actor=actor, now=NOW + 2 * day, bank=Bank())
    contacted(cast, rows[2], now=NOW + day)
    contacted(cast, rows[2], "meeting", "来行面谈", now=NOW + 3 * day)
    with cast.acting("rm", NOW + 4 * day) as actor:
        prospects.win(Prospect.objects.held(rows[2].pk, actor), actor=actor, now=NOW + 4 * day, bank=Bank())
    contacted(cast, rows[3], "visit", "上门", now=NOW + 5 * day)
    with cast.acting("leader", NOW + 6 * day) as actor:
        made = funnel.entered_between(actor, NOW - day, NOW + day)
        (found,) = funnel.found(actor, NOW - day, NOW + 7 * day)
    assert [(each.name, each.came, each.stand, each.lost) for each in made.stages] == [
        ("new", 4, 1, 0), ("contacted", 3, 0, 1), ("met", 2, 1, 0), ("offer", 1, 0, 0), ("won", 1, 1, 0)
    ]  # fmt: skip
    assert [each.rate for each in made.stages] == [3 / 4, 2 / 3, 1 / 2, 1.0, None]
    # new: 1, 1 and 5 days, median 1; contacted: 2 days; met: 1 day; offer was passed over
    assert [each.days for each in made.stages] == [1.0, 2.0, 1.0, None, None]
    assert made.lost == {"elsewhere": 1}
    assert (found.staff, found.entered, found.contacts, found.won) == (cast.rm.pk, 4, 4, 1)
