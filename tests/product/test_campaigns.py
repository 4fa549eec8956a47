"""S4: marketing asks, another lets it run, every RM in scope forwards it in time; who is in and who is out, and why; judged again at sending.

NOW is Monday, 2 March 2026, 14:00 in the bank's zone. The campaign is about a product of the risk R2, for gold and platinum of the
sub-branch Century Avenue, to be forwarded by Thursday, 5 March, 18:00; it ends a week after.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast, a_customer
from tests.conduct.test_suitability import DAY, TABLE
from tests.gateway import Gateway, taken, written
from tests.product.api import NOW, Program
from tests.product.test_messages import Line
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused, Words
from zhike.customers.models import Consent, Customer
from zhike.customers.models.book import reassign
from zhike.obligations import sweep as night
from zhike.obligations.models import Obligation
from zhike.obligations.sweep import sweep
from zhike.people import approvals
from zhike.people.models import Approval, Leave, Post, Staff
from zhike.people.permissions import Refused as NotAllowed
from zhike.sms import gate, inbox, texts
from zhike.sms.campaigns import asking, books, following, forwarding
from zhike.sms.campaigns.asking import Draft
from zhike.sms.campaigns.books import Choice
from zhike.sms.models import Campaign, Forwarding, Message, Template
from zhike.sms.tasks import follow_campaign, settle_campaign
from zhike.sms.transports.transport import Answer, Event, Lost, Part
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
BANK = Bank()
BEFORE = NOW - timedelta(days=9)
DEADLINE, ENDS = datetime.fromisoformat("2026-03-05T18:00+08:00"), datetime.fromisoformat("2026-03-12T18:00+08:00")
TEXT = "{称谓}，月月盈本周发售，期限一个月。理财非存款，产品有风险，投资须谨慎。客服 95500。{机构} {本人}"
LINE = "上回您问的短期产品来了"
VALID = "2026-12-31"

# Of the RM's book: name, tier, grade, until, and what is so of them. The first three are the cast's.
BOOK = (
    ("张伟明", "platinum", "C3", VALID, ""),
    ("李秀兰", "gold", "C3", VALID, "no consent"),
    ("上海申达贸易有限公司", "platinum", "", "", ""),
    ("顾明", "platinum", "C1", VALID, ""),
    ("苏婉", "gold", "C4", "2026-03-01", ""),
    ("程远", "gold", "稳健 · 二级", "2026-03-02", ""),
    ("何田", "platinum", "C5", VALID, "opted out"),
    ("方晴", "platinum", "C3", VALID, "complaint"),
    ("石磊", "platinum", "C3", VALID, "no mobile"),
    ("秦川", "gold", "C3", VALID, "sent today"),
    ("吴起", "gold", "C3", VALID, "dead"),
    ("陆远", "diamond", "C3", VALID, ""),
)
STANDS = {
    "open": 2, "no_consent": 1, "unassessed": 2, "too_risky": 1, "opted_out": 1, "stopped": 1, "no_mobile": 1, "capped": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def ready(cast: Cast, whose: str, customer: Customer, n: int, grade: str, until: str, but: str = "") -> None:
    """A customer with number, grade and consent, but for what is said."""
    with cast.acting(whose, BEFORE) as actor:
        known = {"mobile": "" if but == "no mobile" else f"138000010{n:02}"} | (
            {} if "公司" in customer.name else {"risk_grade": grade, "risk_grade_until": until}
        )
        customer.learn_all(known, source="contact", actor=actor, now=BEFORE)
        if but != "no consent":
            Consent.objects.record(
                customer, "marketing", "sms", given=True, evidence="柜面签署", source="contact", actor=actor, now=BEFORE
            )
    assert but in ("", "no consent", "no mobile")


@pytest.fixture
def book(cast: Cast, owner: Role, worker: Role) -> list[Customer]:
    return made(cast, owner, worker)


def made(cast: Cast, owner: Role, worker: Role) -> list[Customer]:
    """The RM's customers as in BOOK."""
    with owner():
        more = [a_customer(name, cast.rm, cast.units["century"], tier=tier) for name, tier, *_ in BOOK[3:]]
        customers = [*cast.customers["rm"], *more]
    for n, (customer, (_name, tier, grade, until, but)) in enumerate(zip(customers, BOOK, strict=True)):
        with owner():
            Customer.objects.filter(pk=customer.pk).update(tier=tier)
        if but == "opted out":  # when nobody was known to have the number: it is the number that wants no more
            with worker():
                inbox.take("test", [written(f"138000010{n:02}", "TD")], NOW - timedelta(days=1))
        ready(cast, "rm", customer, n, grade, until, but if but in ("no consent", "no mobile") else "")
        with owner():
            match but:
                case "complaint":
                    Customer.objects.filter(pk=customer.pk).update(complaint_open=True)
                case "dead":
                    Customer.objects.filter(pk=customer.pk).update(deceased_on=date(2026, 3, 1))
                case "sent today":
                    Message.objects.create(
                        customer=customer, staff=cast.rm, kind="marketing", state="submitted", created_at=NOW, not_before=NOW,
                        sent_at=NOW - timedelta(hours=3),
                    )  # fmt: skip
    return customers


@pytest.fixture
def program(cast: Cast, worker: Role) -> Callable[[str], Program]:
    def of(who: str) -> Program:
        with worker():
            return Program(cast, who)

    return of


def draft(cast: Cast, **more: Any) -> Draft:
    asked: dict[str, Any] = {
        "title": "月月盈", "product": "月月盈一号", "code": "YYY001", "risk": "R2", "text": TEXT, "unit": cast.units["century"].pk,
        "tiers": ["gold", "platinum"], "kinds": ["person", "company"], "deadline": DEADLINE,
    }  # fmt: skip
    return Draft(**(asked | more))


def started(cast: Cast, worker: Role, now: datetime = NOW, **more: Any) -> Campaign:
    """A campaign that marketing asked for, compliance let run, and the worker has told of."""
    with cast.acting("marketing", now) as actor:
        asked = asking.ask(draft(cast, **more), "新品发售", actor=actor, now=now, bank=BANK)
    with cast.acting("compliance", now) as actor:
        approvals.approve(actor, asked.pk, asked.digest, now)
        campaign = Campaign.objects.get(approval=asked)
    with clock.at(now), worker():
        follow_campaign(campaign.pk)
    return campaign


@pytest.fixture
def campaign(cast: Cast, book: list[Customer], worker: Role) -> Campaign:
    return started(cast, worker)


def counts(cast: Cast, campaign: Campaign, now: datetime = NOW, whose: str = "rm") -> dict[str, int]:
    total: dict[str, int] = {}
    for row in books.coverage(campaign, [cast.staff[whose].pk], now, BANK):
        for stands, count in row.counts.items():
            total[stands] = total.get(stands, 0) + count
    return total


def forward(cast: Cast, campaign: Campaign, now: datetime = NOW, who: str = "rm", **more: Any) -> int:
    choice = more.pop("choice", Choice(everybody=True))
    with cast.acting(who, now) as actor:
        return forwarding.forward(
            campaign, choice, actor=actor, staff=cast.staff[who].pk, now=now, bank=BANK, **more
        ).messages


def owed(cast: Cast, owner: Role, whose: str = "rm") -> Obligation:
    with owner():
        return Obligation.objects.exclude(state="withdrawn").get(kind="forward", owner=cast.staff[whose])


# ── who is in, who is out ───────────────────────────────────────────────────────────────────────────────────────


def test_everybody_of_the_audience_stands_somewhere_with_the_reason(
    cast: Cast, book: list[Customer], campaign: Campaign
) -> None:
    with cast.acting("rm", NOW):
        assert counts(cast, campaign) == STANDS
        listed = {
            stands: [row["id"] for row in books.standing(campaign, stands, cast.rm.pk, NOW, BANK)]
            for stands in books.STANDS
        }
    assert listed == {
        "open": [book[0].pk, book[5].pk], "no_consent": [book[1].pk], "unassessed": [book[2].pk, book[4].pk],
        "too_risky": [book[3].pk], "opted_out": [book[6].pk], "stopped": [book[7].pk], "no_mobile": [book[8].pk],
        "capped": [book[9].pk], "forwarded": [], "left_out": [],
    }  # fmt: skip


def test_the_database_says_of_suitability_what_the_engine_says(cast: Cast) -> None:
    with cast.acting("rm", NOW), connection.cursor() as cursor:
        for risk, grade, until, on, why in TABLE:
            cursor.execute(
                "SELECT sms_unsuited(%s, %s, %s, %s, %s)", [risk, grade or None, until or None, on or None, DAY]
            )
            assert cursor.fetchone()[0] == why, (risk, grade, until, on)
            cursor.execute("SELECT sms_unsuited(%s, %s, %s, %s, %s)", [risk, grade, until, on, DAY])
            assert cursor.fetchone()[0] == why, (risk, grade, until, on)


def test_capped_opens_again_by_itself_and_what_waits_counts(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role
) -> None:
    """One a day: whoever got one today is open tomorrow. Two in seven days."""
    with cast.acting("rm", NOW):
        assert counts(cast, campaign, NOW + timedelta(days=1)).get("capped") is None
    other = started(cast, worker, title="另一个")
    assert forward(cast, campaign) == 2
    with cast.acting("rm", NOW):
        assert counts(cast, other)["capped"] == 3, "they wait to be sent, and are the day's one"
    with cast.acting("rm", NOW) as actor:
        assert forwarding.withdraw(Forwarding.objects.get(), actor=actor, now=NOW, bank=BANK) == 2
        assert counts(cast, other) == STANDS


def test_at_night_the_day_that_counts_is_tomorrow(cast: Cast, campaign: Campaign) -> None:
    night = NOW + timedelta(hours=8)  # 22:00
    with cast.acting("rm", night):
        assert "capped" not in counts(cast, campaign, night)


def test_where_nothing_is_invested_nobody_needs_a_grade(cast: Cast, book: list[Customer], worker: Role) -> None:
    campaign = started(
        cast, worker, title="手机银行", risk="none", text="{称谓}，手机银行可预约网点，95500。{机构} {本人}"
    )
    with cast.acting("rm", NOW):
        assert counts(cast, campaign) == {
            "open": 5, "no_consent": 1, "opted_out": 1, "stopped": 1, "no_mobile": 1, "capped": 1
        }  # fmt: skip


# ── asked for by one, let run by another ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": " "}, "活动名称"),
        ({"title": "月" * 41}, "至多 40 字"),
        ({"product": ""}, "哪个产品"),
        ({"risk": "R6"}, "风险等级"),
        ({"risk": "none"}, "不能选“无投资风险”"),
        ({"risk": "none", "product": "月月盈理财产品", "text": "{称谓}，新品发售。"}, "不能选“无投资风险”"),
        ({"private": True}, "私募产品不得公开宣传"),
        ({"product": "甲私募一号"}, "私募产品不得公开宣传"),
        ({"text": "{称谓}，甲私募一号本周开放。"}, "私募产品不得公开宣传"),
        ({"text": ""}, "写好正文"),
        ({"text": "{日子}发售"}, "不能用变量 {日子}"),
        ({"text": "保本保息，稳赚不赔"}, "保本"),
        ({"text": "月月盈理财产品本周发售"}, "理财非存款"),
        ({"text": "月" * 700}, "至多 10 段"),
        (
            {"text": "{称谓}，月月盈本周发售。理财非存款，产品有风险，投资须谨慎。{机构} {本人}"},
            "营销短信须写明联系方式",
        ),
        ({"wording": 10**9}, "不在用"),
        ({"unit": 10**9}, "哪个机构"),
        ({"tiers": []}, "哪些等级"),
        ({"tiers": ["gold", "lead"]}, "哪些等级"),
        ({"kinds": []}, "个人客户"),
        ({"deadline": NOW}, "已经过去"),
        ({"deadline": datetime.fromisoformat("2026-03-05T21:30+08:00")}, "静默时段"),
        ({"deadline": datetime.fromisoformat("2026-03-05T08:59+08:00")}, "静默时段"),
        ({"ends": DEADLINE - timedelta(minutes=1)}, "不能早于截止"),
    ],
)
def test_what_cannot_be_asked_for_gets_a_sentence(cast: Cast, wrong: dict[str, Any], said: str) -> None:
    with cast.acting("marketing", NOW) as actor:
        with pytest.raises(Refused) as refused:
            asking.ask(draft(cast, **wrong), "新品", actor=actor, now=NOW, bank=BANK)
        assert said in refused.value.words.zh
        assert not Approval.objects.exists()


def test_a_deadline_at_the_hour_in_which_quiet_begins_is_fine(cast: Cast) -> None:
    with cast.acting("marketing", NOW) as actor:
        at = datetime.fromisoformat("2026-03-05T21:00+08:00")
        assert asking.ask(draft(cast, deadline=at), "新品", actor=actor, now=NOW, bank=BANK)


def test_nobody_lets_run_what_they_asked_for(program: Callable[[str], Program], cast: Cast) -> None:
    marketing = program("marketing")
    body = {
        "title": "月月盈", "product": "月月盈一号", "risk": "R2", "text": TEXT, "unit": str(cast.units["century"].pk),
        "tiers": ["gold"], "kinds": ["person"], "deadline": DEADLINE.isoformat(), "reason": "新品发售",
    }  # fmt: skip
    for who in ("rm", "leader", "compliance"):
        assert program(who).send("post", "campaigns", body).status_code == 403, who
    assert "私募" in marketing.post("campaigns", {**body, "private": True}, status=422)["detail"]
    asked = marketing.post("campaigns", body, status=201)
    decision = f"approvals/{asked['approval']}/approval"
    own = marketing.send("post", decision, {"digest": asked["digest"]})
    assert own.status_code in (409, 422)
    assert "不能审批自己的申请" in own.content.decode()
    assert marketing.get("campaigns")["items"] == []
    for who in ("rm", "leader"):
        assert program(who).send("post", decision, {"digest": asked["digest"]}).status_code == 404, who
    compliance = program("compliance")
    lines = {each["name"]: each["value"] for each in compliance.get(f"approvals/{asked['approval']}")["lines"]}
    assert (lines["产品风险"], lines["面向"], lines["转发截止"]) == (
        "R2 中低风险",
        "世纪大道支行 · 金卡 · 个人",
        "2026-03-05 18:00",
    )
    assert compliance.post(decision, {"digest": asked["digest"]})["decision"] == "approved"
    (seen,) = marketing.get("campaigns")["items"]
    assert (seen["title"], seen["state"], datetime.fromisoformat(seen["ends_at"])) == ("月月盈", "running", ENDS)
    with cast.acting("rm", NOW):
        words = Template.objects.get(kind="marketing", title__zh="月月盈")
        assert words.wordings.get().text == TEXT


def test_what_has_become_impossible_while_it_waited_is_not_let_run(cast: Cast) -> None:
    soon = NOW + timedelta(hours=2)
    with cast.acting("marketing", NOW) as actor:
        asked = asking.ask(draft(cast, deadline=soon), "新品", actor=actor, now=NOW, bank=BANK)
    with cast.acting("compliance", soon) as actor, pytest.raises(approvals.Undecidable, match="已经过去"):
        approvals.approve(actor, asked.pk, asked.digest, soon)


# ── owed, forwarded, measured ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.clause("S4", "OWE")
def test_every_rm_in_scope_with_somebody_to_send_to_owes_it_once(
    cast: Cast, campaign: Campaign, owner: Role, worker: Role
) -> None:
    """The team-mate has nobody who agreed, the stranger is out of scope."""
    one = owed(cast, owner)
    assert (one.clause, one.force, one.what["zh"], one.due, one.due_counts) == (
        "S4",
        "must",
        "转发“月月盈”",
        DEADLINE,
        True,
    )
    assert (one.why["zh"], one.detail["campaign"], one.lapses) == ("本行要求转发：月月盈一号", "月月盈", False)
    with worker():
        assert following.follow(campaign, NOW, BANK) == 0
        sweep(NOW.date(), now=NOW, bank=BANK)
    with owner():
        assert Obligation.objects.filter(kind="forward").count() == 1
    ready(cast, "mate", cast.customers["mate"][0], 80, "C3", VALID)
    with worker():
        sweep(NOW.date(), now=NOW, bank=BANK)
    assert owed(cast, owner, "mate").opens == NOW, "who has somebody later owes it from then"
    with cast.acting("rm", NOW):
        assert Obligation.objects.filter(kind="forward").count() == 1, "each sees their own"


@pytest.mark.clause("S4", "OWE")
@pytest.mark.clause("S4", "MEASURE")
def test_forwarded_to_a_choice_with_a_line_of_ones_own(
    cast: Cast, book: list[Customer], campaign: Campaign, program: Callable[[str], Program], worker: Role, owner: Role
) -> None:
    rm, here = program("rm"), f"campaigns/{campaign.key}"
    assert "先选" in rm.post(f"{here}/forwardings", {}, status=422)["detail"], "nobody unless said"
    told = rm.post(f"{here}/estimates", {"tiers": ["platinum"], "line": LINE})
    assert (told["customers"], told["segments"], told["price"]) == (1, 2, "0.09"), "77 characters"
    assert told["text"] == f"【总行】{LINE}，{book[0].address_as}{TEXT[4:-9]}世纪大道支行 林晓，拒收请回复R"
    assert "至多 60 字" in rm.post(f"{here}/estimates", {"everybody": True, "line": "长" * 61}, status=422)["detail"]
    assert "保本" in rm.post(f"{here}/forwardings", {"everybody": True, "line": "保本"}, status=422)["detail"]
    assert "现在是 2 人" in rm.post(f"{here}/forwardings", {"everybody": True, "expected": 3}, status=422)["detail"]
    for closed in (book[3], cast.customers["mate"][0], cast.customers["stranger"][0]):
        one = {"customers": [str(book[0].pk), str(closed.pk)]}
        assert "现在是 1 人" in rm.post(f"{here}/forwardings", one, status=422)["detail"], "not open, or not one's own"
    made = rm.post(f"{here}/forwardings", {"customers": [str(book[0].pk)], "line": LINE, "expected": 1}, status=201)
    assert (made["messages"], made["line"]) == (1, f"{LINE}，")
    seen = rm.get(here)
    assert (seen["counts"]["forwarded"], seen["counts"]["open"], seen["fate"]) == (1, 1, "open")
    assert (
        rm.post(f"{here}/exclusions", {"everybody": True, "reason": ""}, status=422)["detail"] == "请写明为什么不转发。"
    )
    assert rm.post(f"{here}/exclusions", {"everybody": True, "reason": "刚买过同类产品"})["left_out"] == 1
    (out,) = rm.get(f"{here}/customers?stands=left_out")["items"]
    assert (out["id"], out["reason"]) == (str(book[5].pk), "刚买过同类产品")
    one = owed(cast, owner)
    assert (one.state, one.evidence["late"], one.settled_by_id) == ("done", False, cast.rm.pk)
    line = Line(worker, Gateway())
    line.rounds()
    assert line.gateway.texts() == [told["text"]]
    assert figures(program) == {"owed": 1, "in_time": 1}
    with owner():
        kept = set(Entry.objects.filter(actor_id=cast.rm.pk, action="insert").values_list("object", flat=True))
    assert {"sms_forwarding", "sms_message", "sms_left_out"} <= kept


def test_who_was_left_out_is_brought_back_and_it_is_owed_again(
    cast: Cast, book: list[Customer], campaign: Campaign, program: Callable[[str], Program], owner: Role
) -> None:
    rm, here = program("rm"), f"campaigns/{campaign.key}"
    assert (
        "现在是 2 人"
        in rm.post(f"{here}/exclusions", {"everybody": True, "reason": "x", "expected": 1}, status=422)["detail"]
    )
    assert rm.post(f"{here}/exclusions", {"everybody": True, "reason": "误选", "expected": 2})["left_out"] == 2
    assert owed(cast, owner).state == "done"
    assert program("mate").post(f"{here}/exclusions/withdrawal", {"customers": [str(book[0].pk)]})["brought_back"] == 0
    assert (
        rm.post(f"{here}/exclusions/withdrawal", {"customers": [str(book[0].pk), str(book[1].pk)]})["brought_back"] == 1
    )
    assert (owed(cast, owner).state, owed(cast, owner).due) == ("open", DEADLINE)
    assert forward(cast, campaign, expected=1) == 1
    assert owed(cast, owner).state == "done"


def test_a_line_that_makes_the_text_too_long_is_refused_while_typing_and_when_forwarding(
    cast: Cast, book: list[Customer], worker: Role, program: Callable[[str], Program]
) -> None:
    """Ten parts are 670 characters at most; with a line of sixty they are eleven."""
    campaign = started(cast, worker, text=TEXT.replace("一个月", "一个月" + "很" * 575))
    rm, here = program("rm"), f"campaigns/{campaign.key}"
    assert rm.post(f"{here}/estimates", {"everybody": True})["segments"] == 20
    long = {"everybody": True, "line": "长" * 58}
    for door in ("estimates", "forwardings"):
        assert "11 条，一次至多 10 条。请缩短自己的话" in rm.post(f"{here}/{door}", long, status=422)["detail"], door
    page = cast.client("rm").post(
        f"/messages/campaigns/{campaign.key}/look/", {"to": ["*"], "line": "长" * 58}, headers={"HX-Request": "true"}
    )
    assert "请缩短自己的话" in page.content.decode()
    with cast.acting("rm", NOW):
        assert not Message.objects.filter(forwarding__isnull=False).exists()


def figures(program: Callable[[str], Program], now: datetime = NOW) -> dict[str, int]:
    """S4 as the leader reads it for March."""
    with clock.at(now):
        told = program("leader").get("adherence?since=2026-03-01&until=2026-04-01&clause=S4")
    names = ("owed", "in_time", "late", "open", "overdue", "missed")
    return {name: each[name] for each in told["items"] for name in names if each[name]}


def test_the_telephone_is_the_rms_own_else_the_banks_and_without_either_nothing_is_forwarded(
    cast: Cast, book: list[Customer], worker: Role, owner: Role
) -> None:
    campaign = started(cast, worker, text=f"{TEXT.replace('客服 95500。', '')} {{电话}}")
    with pytest.raises(Refused, match=r"\{电话\}.*请管理员在员工页补上电话，或在参数中填写本行客服电话"):
        forward(cast, campaign, choice=Choice(customers=[book[0].pk]))
    with cast.acting("rm", NOW) as actor:
        hotline = Bank(service_number="95500")
        assert forwarding.forward(
            campaign, Choice(customers=[book[0].pk]), actor=actor, staff=cast.rm.pk, now=NOW, bank=hotline
        ).messages == 1  # fmt: skip
        waiting = Message.objects.get(customer=book[0], occasion=campaign.occasion)
        assert texts.fill(*texts.of_many([waiting.pk], hotline)[waiting.pk]).endswith("林晓 95500")
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(phone="021-55580001")
    assert forward(cast, campaign, choice=Choice(customers=[book[5].pk])) == 1
    line = Line(worker, Gateway())
    line.rounds()
    assert [text.split()[-1] for text in line.gateway.texts()] == ["021-55580001，拒收请回复R"] * 2


def test_of_a_book_too_large_to_be_weighed_each_the_number_is_the_whole_books(
    cast: Cast, book: list[Customer], campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was the number of those who were weighed: confirmed, it was not the number to whom it would go, and nothing could be sent."""
    monkeypatch.setattr(books, "MOST", 1)
    with cast.acting("rm", NOW):
        told = books.estimate(campaign, Choice(everybody=True), cast.rm.pk, now=NOW, bank=BANK)
        assert (told.customers, told.segments) == (2, 2)
    assert forward(cast, campaign, expected=told.customers) == 2


@pytest.mark.clause("S4", "MEASURE")
def test_on_time_late_and_never(
    cast: Cast, campaign: Campaign, program: Callable[[str], Program], worker: Role, owner: Role
) -> None:
    assert figures(program) == {"owed": 1, "open": 1}
    after = DEADLINE + timedelta(minutes=1)
    assert figures(program, DEADLINE) == {"owed": 1, "open": 1}, "the minute itself is in time"
    assert figures(program, after) == {"owed": 1, "overdue": 1}
    with worker():
        sweep(after.date(), now=after, bank=BANK)
    late = DEADLINE + timedelta(days=1)
    assert forward(cast, campaign, late) == 2, "still to be done while it runs; the two are open, and who was capped is"
    one = owed(cast, owner)
    assert (one.state, one.evidence["late"]) == ("done", True)
    assert figures(program, late) == {"owed": 1, "late": 1}


@pytest.mark.clause("S4", "MEASURE")
def test_what_was_not_forwarded_when_it_ends_never_was(
    cast: Cast, campaign: Campaign, program: Callable[[str], Program], worker: Role, owner: Role
) -> None:
    with worker():
        sweep(ENDS.date(), now=ENDS - timedelta(minutes=1), bank=BANK)
    assert owed(cast, owner).state == "open"
    with worker():
        sweep(ENDS.date(), now=ENDS, bank=BANK)
    one = owed(cast, owner)
    assert (one.state, one.evidence) == ("missed", {"why": "lapsed"})
    assert figures(program, ENDS) == {"owed": 1, "missed": 1}
    with pytest.raises(Refused, match="已结束"):
        forward(cast, campaign, ENDS)


def test_whoever_is_quicker_than_the_worker_has_done_it_in_time(
    cast: Cast, book: list[Customer], worker: Role, owner: Role
) -> None:
    with cast.acting("marketing", NOW) as actor:
        asked = asking.ask(draft(cast), "新品", actor=actor, now=NOW, bank=BANK)
    with cast.acting("compliance", NOW) as actor:
        approvals.approve(actor, asked.pk, asked.digest, NOW)
        campaign = Campaign.objects.get()
    assert forward(cast, campaign) == 2
    assert owed(cast, owner).state == "done"
    with worker():
        follow_campaign(campaign.pk)
    assert owed(cast, owner).state == "done"


def test_what_was_withdrawn_is_open_and_owed_again(cast: Cast, campaign: Campaign, owner: Role) -> None:
    assert forward(cast, campaign) == 2
    with cast.acting("rm", NOW) as actor:
        (made,) = forwarding.forwarded(campaign, cast.rm.pk)
        assert (made.many, made.left) == (2, 2)
        assert forwarding.withdraw(made, actor=actor, now=NOW, bank=BANK) == 2
        assert counts(cast, campaign) == STANDS
        assert forwarding.forwarded(campaign, cast.rm.pk) == []
    assert owed(cast, owner).state == "open"
    assert forward(cast, campaign) == 2


def test_in_quiet_hours_it_waits_for_their_end(cast: Cast, campaign: Campaign, worker: Role) -> None:
    night = datetime.fromisoformat("2026-03-02T22:00+08:00")
    assert forward(cast, campaign, night) == 2, (
        "tomorrow one has got none yet, and the grade of another is valid no more"
    )
    line = Line(worker, Gateway())
    line.rounds(night)
    assert line.gateway.journal == []
    with cast.acting("rm", night):
        for message in Message.objects.filter(forwarding__isnull=False):
            assert (message.state, message.why["name"]) == ("waiting", "quiet_hours")
            assert message.not_before == datetime.fromisoformat("2026-03-03T09:00+08:00")
    line.rounds(datetime.fromisoformat("2026-03-03T09:00+08:00"))
    assert len(line.gateway.texts()) == 2


# ── judged again when it leaves ─────────────────────────────────────────────────────────────────────────────────


def dies(cast: Cast, one: Customer) -> None:
    Customer.objects.filter(pk=one.pk).update(deceased_on=NOW.date())


def expires(cast: Cast, one: Customer) -> None:
    with cast.acting("rm", NOW) as actor:
        one.learn("risk_grade_until", "2026-03-01", source="contact", actor=actor, now=NOW)


def falls(cast: Cast, one: Customer) -> None:
    with cast.acting("rm", NOW) as actor:
        one.learn("risk_grade", "C1", source="contact", actor=actor, now=NOW)


def withdraws(cast: Cast, one: Customer) -> None:
    with cast.acting("rm", NOW) as actor:
        Consent.objects.record(
            one, "marketing", "sms", given=False, evidence="电话里说的", source="contact", actor=actor, now=NOW
        )


def rises(cast: Cast, one: Customer) -> None:
    Customer.objects.filter(pk=one.pk).update(tier="diamond")


@pytest.mark.clause("S5", "GUARD")
@pytest.mark.parametrize(
    ("what", "name"),
    [
        (dies, "deceased"), (expires, "unsuited"), (falls, "unsuited"), (withdraws, "no_consent"), (rises, "other_tier"),
    ],
)  # fmt: skip
def test_what_becomes_so_between_queueing_and_sending_stops_it(
    cast: Cast,
    book: list[Customer],
    campaign: Campaign,
    worker: Role,
    owner: Role,
    what: Callable[[Cast, Customer], None],
    name: str,
) -> None:
    assert forward(cast, campaign) == 2
    with owner():
        what(cast, book[0])
    line = Line(worker, Gateway())
    line.rounds()
    (text,) = line.gateway.texts()
    assert "程远" in text
    with owner():
        stopped = Message.objects.get(customer=book[0])
        assert (stopped.state, stopped.why["clause"], stopped.why["name"]) == ("refused", "S5", name)


@pytest.mark.clause("S5", "GUARD")
def test_an_opt_out_between_queueing_and_sending_stops_it(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role
) -> None:
    assert forward(cast, campaign) == 2
    with worker():
        inbox.take("test", [written("13800001000", "退订")], NOW)
    line = Line(worker, Gateway())
    line.rounds()
    assert len(line.gateway.texts()) == 1
    with owner():
        assert Message.objects.get(customer=book[0]).why["name"] == "no_consent", "the consent is taken back with it"
    with cast.acting("rm", NOW):
        assert counts(cast, campaign)["no_consent"] == 2


def busy() -> Callable[[Part], list[Event]]:
    """A gateway that takes nothing at first, and everything when it is asked again."""
    seen: set[str] = set()

    def answers(part: Part) -> list[Event]:
        if part.reference in seen:
            return taken(part)
        seen.add(part.reference)
        return [Answer(part.sequence, taken=False, code="8", words=Words("流量控制", "throttled"), throttled=True)]

    return answers


@pytest.mark.clause("S5", "GUARD")
@pytest.mark.parametrize("what", ["nothing", "death", "opt-out", "stop", "night", "end"])
def test_what_the_gateway_was_too_busy_for_is_judged_before_it_is_tried_again(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role, what: str
) -> None:
    """The gateway may be away for hours meanwhile."""
    forward(cast, campaign, choice=Choice(customers=[book[0].pk]))
    line = Line(worker, Gateway(answers=busy()))
    line.rounds(times=1)
    then, state, name = NOW + timedelta(seconds=2), "refused", ""
    match what:
        case "nothing":
            state = "submitted"  # it is not counted against itself: one a day
        case "death":
            with owner():
                dies(cast, book[0])
            name = "deceased"
        case "opt-out":
            with worker():
                inbox.take("test", [written("13800001000", "退订")], NOW)
            name = "no_consent"
        case "stop":
            with cast.acting("compliance", NOW) as actor:
                forwarding.stop(campaign, "等级有误", actor=actor, now=NOW)
            name = "campaign_stopped"
        case "night":
            then, state, name = datetime.fromisoformat("2026-03-02T22:00+08:00"), "submitting", "quiet_hours"
        case "end":
            then, state, name = ENDS, "expired", "too_late"
    line.rounds(then)
    with owner():
        message = Message.objects.get(customer=book[0])
        assert (message.state, message.why.get("name", "")) == (state, name)
    assert len(line.gateway.journal) == (2 if what == "nothing" else 1)
    if what == "night":
        with clock.at(then):
            page = cast.client("rm").get(f"/messages/{book[0].pk}/").content.decode()
        assert "等待至 明天 09:00" in page
        assert "静默时段 21:00 至 09:00" in page
        assert "正在发送" not in page.partition('class="thread')[2]
        line.rounds(datetime.fromisoformat("2026-03-03T08:59+08:00"))
        assert len(line.gateway.journal) == 1
        line.rounds(datetime.fromisoformat("2026-03-03T09:00+08:00"))
        assert len(line.gateway.journal) == 2
        with owner():
            message.refresh_from_db()
        assert (message.state, message.why) == ("submitted", {})


def test_of_a_text_that_was_taken_in_part_the_rest_does_not_follow_an_opt_out(
    cast: Cast, book: list[Customer], worker: Role, owner: Role
) -> None:
    campaign = started(cast, worker, text=TEXT + "本期额度有限。" * 10)
    forward(cast, campaign, choice=Choice(customers=[book[0].pk]))
    first, later = taken, busy()
    line = Line(worker, Gateway(answers=lambda part: first(part) if part.number == 1 else later(part)))
    line.rounds(times=1)
    with worker():
        inbox.take("test", [written("13800001000", "退订")], NOW)
    parts = len(line.gateway.journal)
    assert parts > 1
    line.rounds(NOW + timedelta(seconds=2))
    assert len(line.gateway.journal) == parts
    with owner():
        message = Message.objects.get(customer=book[0])
        assert (message.state, message.why["name"]) == ("undelivered", "no_consent")


def test_what_did_not_arrive_is_sent_again_by_a_person_only_while_it_suits_and_runs(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role
) -> None:
    forward(cast, campaign)
    Line(worker, Gateway(answers=lambda part: [])).rounds()
    with owner():
        Message.objects.filter(customer=book[0]).update(state="unknown", why={"zh": "中断"})
    with cast.acting("rm", NOW) as actor:
        message = Message.objects.get(customer=book[0])
        with pytest.raises(Refused, match="已停止或结束"):
            gate.resend(message, actor=actor, now=ENDS, bank=BANK)
        book[0].learn("risk_grade", "C1", source="contact", actor=actor, now=NOW)
        with pytest.raises(Refused, match="高于客户的风险承受能力 C1"):
            gate.resend(message, actor=actor, now=NOW, bank=BANK)


def test_in_the_thread_it_is_neither_reworded_nor_taken_back_alone(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role
) -> None:
    """In other words it would tell an unsuited customer of the product all the same."""
    forward(cast, campaign)
    with cast.acting("rm", NOW) as actor, pytest.raises(Refused, match="活动页撤回"):
        gate.take_back(Message.objects.get(customer=book[0]), actor=actor, now=NOW)
    falls(cast, book[0])
    Line(worker, Gateway()).rounds()
    with owner():
        refused = Message.objects.get(customer=book[0])
    page = cast.client("rm").get(f"/messages/{book[0].pk}/").content.decode()
    assert "高于客户的风险承受能力 C1" in page
    assert f"?again={refused.pk}" not in page
    page = cast.client("rm").get(f"/messages/{book[0].pk}/?again={refused.pk}").content.decode()
    assert "月月盈本周发售" not in page.partition("<textarea")[2].partition("</textarea>")[0]


# ── stopped ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stop_takes_back_what_has_not_left_and_what_is_owed(
    cast: Cast, book: list[Customer], campaign: Campaign, program: Callable[[str], Program], worker: Role, owner: Role
) -> None:
    forward(cast, campaign, choice=Choice(customers=[book[0].pk]))
    here = f"campaigns/{campaign.key}"
    for who in ("rm", "leader"):
        assert program(who).send("post", f"{here}/stop", {"reason": "错"}).status_code == 403
    marketing = program("marketing")
    assert marketing.post(f"{here}/stop", {"reason": " "}, status=422)["detail"] == "请写明为什么停止。"
    assert marketing.post(f"{here}/stop", {"reason": "额度售罄"})["state"] == "stopped"
    assert "已停止" in program("compliance").post(f"{here}/stop", {"reason": "再停"}, status=422)["detail"]
    line = Line(worker, Gateway())
    line.rounds()
    assert line.gateway.journal == [], "nothing leaves, before the worker has taken anything back"
    with worker():
        follow_campaign(campaign.pk)
        follow_campaign(campaign.pk)
    with owner():
        one = Obligation.objects.get(kind="forward")
        assert (one.state, one.evidence) == ("withdrawn", {"why": "campaign_stopped"})
    campaign.refresh_from_db()
    with pytest.raises(Refused, match="额度售罄"):
        forward(cast, campaign)
    assert figures(program) == {}


@pytest.mark.parametrize("how", ["withdrawn", "stopped"])
def test_what_a_person_has_sent_again_keeps_what_is_known_of_it(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role, how: str
) -> None:
    """It left once, with segments in the journal: it is not taken back with the rest, and the night's sweep does not fail over it."""
    forward(cast, campaign)
    line = Line(worker, Gateway(answers=lambda part: []))
    line.rounds()
    with worker():
        line.sender.lose(Lost("中断", "it broke"), NOW)
    night = datetime.fromisoformat("2026-03-02T22:00+08:00")
    with cast.acting("rm", night) as actor:
        gate.resend(Message.objects.get(customer=book[0]), actor=actor, now=night, bank=BANK)
        (made,) = forwarding.forwarded(campaign, cast.rm.pk)
        assert (made.many, made.left) == (2, 0)
        if how == "withdrawn":
            assert forwarding.withdraw(made, actor=actor, now=night, bank=BANK) == 0
    if how == "stopped":
        with cast.acting("compliance", night) as actor:
            forwarding.stop(campaign, "额度售罄", actor=actor, now=night)
        with worker():
            sweep(night.date(), now=night, bank=BANK)
    with owner():
        connection.check_constraints()
        again = Message.objects.get(customer=book[0])
        assert (again.state, again.attempt, again.segments.count()) == ("waiting", 2, 1)
    if how == "stopped":
        line.at(night)
        line.rounds(datetime.fromisoformat("2026-03-03T09:00+08:00"))
        with owner():
            again.refresh_from_db()
            assert (again.state, again.attempt, again.why["name"]) == ("unknown", 1, "campaign_stopped")
            assert "先前那次的结果仍不明" in again.why["zh"]


def test_a_stop_deletes_what_waits_and_says_why_of_what_was_taken_up(
    cast: Cast, campaign: Campaign, worker: Role, owner: Role
) -> None:
    night = datetime.fromisoformat("2026-03-02T22:00+08:00")
    forward(cast, campaign, night)
    with cast.acting("compliance", night) as actor:
        forwarding.stop(campaign, "产品等级有误", actor=actor, now=night)
    with worker():
        following.follow(campaign, night, BANK)
    with owner():
        assert not Message.objects.filter(forwarding__isnull=False).exists()


# ── other hands ─────────────────────────────────────────────────────────────────────────────────────────────────


def hand_over(cast: Cast, customers: list[Customer], to: str, now: datetime) -> None:
    with cast.acting("leader", now) as actor:
        for each in customers:
            reassign(Customer.objects.get(pk=each.pk), cast.staff[to].pk, now.date(), "调岗", actor, now)


def test_whoever_takes_over_a_book_owes_it_from_then_and_the_other_no_longer(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role
) -> None:
    later = NOW + timedelta(days=1)
    hand_over(cast, book, "mate", later)
    with worker():
        sweep(later.date(), now=later, bank=BANK)
        sweep(later.date(), now=later, bank=BANK)
    taken = owed(cast, owner, "mate")
    assert (taken.state, taken.opens, taken.due) == ("open", later, DEADLINE)
    with owner():
        assert Obligation.objects.get(kind="forward", owner=cast.rm).evidence == {"why": "nobody_left"}
    with pytest.raises(Refused, match="现在是 0 人"):
        forward(cast, campaign, later, expected=2)
    assert forward(cast, campaign, later, "mate") == 2


def test_whoever_had_forwarded_it_owes_it_again_for_customers_taken_over(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role
) -> None:
    ready(cast, "mate", cast.customers["mate"][0], 80, "C3", VALID)
    assert forward(cast, campaign, who="mate") == 1
    assert owed(cast, owner, "mate").state == "done"
    with worker():
        sweep(NOW.date(), now=NOW, bank=BANK)
    assert owed(cast, owner, "mate").state == "done"
    later = NOW + timedelta(hours=2)
    hand_over(cast, book[:1], "mate", later)
    with worker():
        sweep(later.date(), now=later, bank=BANK)
    assert owed(cast, owner, "mate").state == "open"
    assert forward(cast, campaign, later, "mate") == 1
    assert owed(cast, owner, "mate").state == "done"


def test_whoever_serves_elsewhere_by_now_sees_what_is_owed_for_the_customers_left_behind(
    cast: Cast, book: list[Customer], campaign: Campaign, owner: Role
) -> None:
    with owner():
        Post.objects.filter(staff=cast.rm).update(to_day=NOW.date())
        Post.objects.create(staff=cast.rm, unit=cast.units["lujiazui"], role="rm", from_day=NOW.date())
    assert owed(cast, owner).state == "open"
    assert forward(cast, campaign) == 2
    with cast.acting("rm", NOW) as actor:
        assert Campaign.objects.visible_to(actor).get() == campaign
    with owner():
        Customer.objects.filter(rm=cast.rm).update(unit=cast.units["lujiazui"])
    with cast.acting("rm", NOW) as actor:
        assert not Campaign.objects.visible_to(actor).exists()


def test_what_waits_is_taken_back_when_the_customer_changes_hands_and_the_new_rm_owes_it(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role, program: Callable[[str], Program]
) -> None:
    """S4 is owed by each RM for their own customers: both see why, and the new RM's message leaves in the new RM's name."""
    night, morning = (datetime.fromisoformat(at) for at in ("2026-03-02T22:00+08:00", "2026-03-03T09:00+08:00"))
    forward(cast, campaign, night)
    hand_over(cast, book[:1], "mate", night + timedelta(minutes=5))
    with owner():
        taken = Message.objects.get(customer=book[0], occasion=campaign.occasion)
    assert (taken.state, taken.staff_id, taken.why["name"]) == ("refused", cast.staff["mate"].pk, "handed_over")
    with clock.at(night + timedelta(minutes=6)):
        thread = cast.client("mate").get(f"/messages/{book[0].pk}/").content.decode()
        assert "客户已移交给陈彤，林晓名下的这条没有发出" in thread
        assert book[0].name in cast.client("mate").get("/messages/look/").content.decode()
        mine = cast.client("rm").get(f"/messages/campaigns/{campaign.key}/").content.decode()
        assert "1 位客户已移交他人，未发出" in mine
        assert book[0].name not in mine
        (made,) = program("rm").get(f"campaigns/{campaign.key}")["forwardings"]
        assert (made["messages"], made["left"], made["handed_over"]) == (1, 1, 1)
        with cast.acting("leader", night):
            (seen,) = forwarding.forwarded(campaign, cast.rm.pk)
        assert seen.many == 1, "the leader, who sees both books, counts it once"
    with clock.at(night), worker():
        follow_campaign(campaign.pk)
    assert (owed(cast, owner).state, owed(cast, owner, "mate").state) == ("done", "open")
    assert forward(cast, campaign, night + timedelta(minutes=7), "mate", expected=1) == 1
    line = Line(worker, Gateway())
    line.rounds(morning)
    assert sorted("陈彤" in text for text in line.gateway.texts()) == [False, True]
    assert owed(cast, owner, "mate").state == "done"
    with clock.at(morning):
        assert book[0].name not in cast.client("mate").get("/messages/look/").content.decode(), "it is over"


def test_what_had_left_before_the_rest_was_withdrawn_is_shown_still(
    cast: Cast, book: list[Customer], campaign: Campaign, owner: Role
) -> None:
    forward(cast, campaign)
    with owner():
        Message.objects.filter(customer=book[0]).update(state="delivered", sent_at=NOW)
    with cast.acting("rm", NOW) as actor:
        (made,) = forwarding.forwarded(campaign, cast.rm.pk)
        assert forwarding.withdraw(made, actor=actor, now=NOW, bank=BANK) == 1
        (made,) = forwarding.forwarded(campaign, cast.rm.pk)
        assert (made.many, made.left) == (1, 0)


def test_a_leader_sees_the_team_marketing_the_numbers_and_a_stranger_nothing(
    cast: Cast, book: list[Customer], campaign: Campaign, program: Callable[[str], Program], worker: Role
) -> None:
    ready(cast, "mate", cast.customers["mate"][0], 80, "C3", VALID)
    with worker():
        sweep(NOW.date(), now=NOW, bank=BANK)
    forward(cast, campaign, who="mate")
    here = f"campaigns/{campaign.key}"
    for who in ("leader", "branch_leader", "marketing", "compliance"):
        behind, done = program(who).get(f"{here}/board")["items"]
        assert (behind["staff"]["name"], behind["fate"], behind["counts"]["open"]) == ("林晓", "open", 2), who
        assert (done["staff"]["name"], done["fate"], done["counts"]["forwarded"]) == ("陈彤", "in_time", 1), who
    (seen,) = program("rm").get(f"{here}/board")["items"]
    assert seen["staff"]["name"] == "林晓"
    assert program("marketing").get("campaigns")["items"][0]["counts"]["forwarded"] == 1
    assert program("rm").get("campaigns")["items"][0]["counts"]["forwarded"] == 0
    leader = program("leader")
    assert leader.get(f"{here}?staff={cast.rm.pk}")["counts"]["open"] == 2
    assert leader.post(f"{here}/forwardings", {"everybody": True, "staff": str(cast.rm.pk)})["messages"] == 2
    for who in ("stranger", "other_leader"):
        assert program(who).get("campaigns")["items"] == [], who
        assert program(who).send("get", here).status_code == 404, who
        assert program(who).send("post", f"{here}/forwardings", {"everybody": True}).status_code == 404, who
    mate = program("mate")
    assert mate.send("get", f"{here}?staff={cast.rm.pk}").status_code == 404
    assert mate.send("post", f"{here}/forwardings", {"everybody": True, "staff": str(cast.rm.pk)}).status_code == 404
    assert program("marketing").send("get", f"{here}/customers?staff={cast.rm.pk}").status_code == 404
    assert program("marketing").get(f"{here}/customers?stands=open")["items"] == []
    with cast.acting("rm", NOW):
        made = Forwarding.objects.get(staff=cast.rm)
    assert mate.send("post", f"{here}/forwardings/{made.key}/withdrawal").status_code == 404
    with cast.acting("mate", NOW) as actor, pytest.raises(NotAllowed):
        forwarding.withdraw(made, actor=actor, now=NOW, bank=BANK)
    assert program("rm").post(f"{here}/forwardings/{made.key}/withdrawal")["withdrawn"] == 2
    assert program("administrator").send("get", "campaigns").status_code == 403


def test_rows_are_walled_whatever_the_code_asks_for(cast: Cast, campaign: Campaign) -> None:
    forward(cast, campaign)
    sees = {}
    for who in ("rm", "mate", "leader", "stranger", "marketing", "compliance"):
        with cast.acting(who, NOW) as actor:
            sees[who] = (
                Campaign.objects.count(),
                Campaign.objects.visible_to(actor).count(),
                Forwarding.objects.count(),
            )
    assert sees == {
        "rm": (1, 1, 1), "mate": (1, 1, 0), "leader": (1, 1, 1), "stranger": (0, 0, 0), "marketing": (1, 1, 0),
        "compliance": (1, 1, 1),
    }  # fmt: skip
    with cast.acting("rm", NOW), connection.cursor() as cursor:
        cursor.execute("UPDATE sms_campaign SET risk = 'R1'")
        assert cursor.rowcount == 0, "nobody but marketing and compliance changes one"
        limits = books.limits(NOW, BANK)
        cursor.execute(f"SELECT * FROM sms_campaign_board_whole(%s, {books.LIMITS})", [campaign.pk, *limits])
        assert cursor.fetchall() == [], "the numbers of the whole bank are marketing's and compliance's"


def test_a_stand_in_sees_and_forwards_for_whoever_is_away(
    cast: Cast, campaign: Campaign, owner: Role, program: Callable[[str], Program], worker: Role
) -> None:
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 4), stand_in=cast.stranger,
            asked_by=cast.rm, asked_at=BEFORE, answer="accepted", answered_by=cast.stranger, answered_at=BEFORE,
        )  # fmt: skip
    done = program("stranger").post(
        f"campaigns/{campaign.key}/forwardings", {"everybody": True, "staff": str(cast.rm.pk)}
    )
    assert done["messages"] == 2
    with owner():
        for message in Message.objects.filter(forwarding__isnull=False):
            assert (message.staff_id, message.by_id) == (cast.rm.pk, cast.stranger.pk)
    settle(worker, NOW + timedelta(minutes=5))
    one = owed(cast, owner)
    assert (one.state, one.evidence["at"], one.settled_by_id) == ("done", NOW.isoformat(), None), (
        "when it was done counts"
    )
    with owner():
        key = Forwarding.objects.get().key
    assert program("stranger").post(f"campaigns/{campaign.key}/forwardings/{key}/withdrawal")["withdrawn"] == 2
    settle(worker, NOW + timedelta(minutes=5))
    assert owed(cast, owner).state == "open"


def settle(worker: Role, now: datetime) -> None:
    """What the worker does of the last that was left to it."""
    with worker(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'settle_campaign' ORDER BY id DESC LIMIT 1"
        )
        args = cursor.fetchone()[0]
        with clock.at(now):
            settle_campaign(**(json.loads(args) if isinstance(args, str) else args))


def test_a_fault_of_campaigns_takes_nothing_else_of_the_night_with_it(
    cast: Cast, worker: Role, owner: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A festival is owed although what was asked before it broke, in the midst of a statement."""

    def broken(_day: date, _now: datetime, _bank: Bank) -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return 0, 0

    monkeypatch.setattr(night, "WHEN_SWEPT", [broken, *night.WHEN_SWEPT])
    with owner():
        Customer.objects.filter(rm=cast.rm).update(mobile_index=b"0" * 16)
    with cast.acting("rm", NOW) as actor:
        Consent.objects.record(
            cast.customers["rm"][0],
            "greeting",
            "sms",
            given=True,
            evidence="柜面",
            source="contact",
            actor=actor,
            now=NOW,
        )
    with worker():
        swept = sweep(date(2026, 5, 22), now=NOW, bank=BANK)
    assert swept.failed == (__name__,)
    assert swept.others >= 1


# ── as often as one likes ───────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_asked_more_often_because_there_is_more(
    cast: Cast, book: list[Customer], campaign: Campaign, program: Callable[[str], Program], owner: Role, worker: Role
) -> None:
    here = f"campaigns/{campaign.key}"
    addresses = [
        ("rm", here),
        ("rm", f"{here}/customers"),
        ("leader", f"{here}/board"),
        ("rm", "campaigns"),
        ("marketing", "campaigns"),
    ]
    programs = {who: program(who) for who in ("rm", "leader", "marketing")}

    def asked() -> list[int]:
        told = []
        for who, address in addresses:
            programs[who].get(address)
            with CaptureQueriesContext(connection) as queries:
                programs[who].get(address)
            told.append(len(queries))
        return told

    forward(cast, campaign, choice=Choice(customers=[book[0].pk]))
    before = asked()
    with owner():
        more = [a_customer(f"钱多{n}", cast.rm, cast.units["century"], tier="gold") for n in range(12)]
    for n, each in enumerate(more):
        ready(cast, "rm", each, 40 + n, "C3", VALID)
    ready(cast, "mate", cast.customers["mate"][0], 80, "C3", VALID)
    for each in more[:3]:
        forward(cast, campaign, choice=Choice(customers=[each.pk]))
    for n in range(3):
        started(cast, worker, title=f"第 {n} 个")
    assert asked() == before
    with cast.acting("rm", NOW) as actor, CaptureQueriesContext(connection) as queries:
        forwarding.forward(campaign, Choice(everybody=True), actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        many = len(queries)
    assert many < 25
