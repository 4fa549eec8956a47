"""S4 on its pages: what has to be forwarded, one campaign chosen from, looked at and forwarded, the board of who is behind, a new one asked for.

The book is the one of test_campaigns: of the RM's customers ten are meant, and two of these are open: 张伟明 (platinum) and 程远 (gold).
NOW is Monday, 2 March 2026, 14:00; the campaign is to be forwarded by Thursday, 18:00, and ends a week after.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import CUSTOMERS, Cast, a_customer
from tests.product.api import NOW
from tests.product.test_campaigns import BOOK, DEADLINE, ENDS, LINE, TEXT, VALID, book, campaign, ready, started
from zhike import clock
from zhike.customers.models import Customer
from zhike.obligations.models import Obligation
from zhike.people.models import Approval
from zhike.sms.models import Campaign, Forwarding, LeftOut, Message, Template, Wording
from zhike.sms.tasks import follow_campaign

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
LIST, NEW = "/messages/campaigns/", "/messages/campaigns/new/"
STANDING = "10 位客户，待转发 2，已达次数上限 1，未同意 1，已退订 1，超过风险承受能力 1，没有有效测评 2，无手机号 1，停止联系 1"
assert book
assert campaign


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def at(campaign: Campaign, then: str = "") -> str:
    return f"{LIST}{campaign.key}/{then}"


def read(answer: Any) -> str:
    return unescape(answer.content.decode())


# ── the list ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_runs_says_its_deadline_and_how_far_the_book_is(cast: Cast, campaign: Campaign) -> None:
    page = read(cast.client("rm").get(LIST))
    assert "须在 周四 18:00 前转发" in page
    assert STANDING in page
    assert f'href="{at(campaign)}" aria-label="转发月月盈"' in page
    assert "月月盈一号 · R2 中低风险" in page
    assert NEW not in page


def test_the_leader_and_marketing_see_the_teams_numbers(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role
) -> None:
    ready(cast, "mate", cast.customers["mate"][0], 80, "C3", VALID)
    with worker():
        follow_campaign(campaign.pk)
    for who in ("leader", "branch_leader", "marketing", "compliance"):
        page = read(cast.client(who).get(LIST))
        assert "2 位客户经理：待转发 2" in page, who
        assert re.search(r"12 位客户，待转发 3，", page), who
        assert (NEW in page) == (who == "marketing")


def test_marketing_comes_to_campaigns_first_and_finds_them_and_the_templates_under_sms(cast: Cast) -> None:
    browser = cast.client("marketing")
    assert browser.get("/").headers["Location"] == LIST
    page = browser.get("/messages/templates/").content.decode()
    current = re.findall(r'<a class="rail-link[^"]*" href="([^"]*)" aria-current="page"', page)
    assert current == [LIST]
    assert ">往来<" not in page, "threads are of customers, whom marketing does not see"


def test_whoever_is_out_of_scope_sees_nothing_and_is_told_so(cast: Cast, campaign: Campaign) -> None:
    for who in ("stranger", "other_leader"):
        page = read(cast.client(who).get(LIST))
        assert "没有进行中的活动" in page
        assert "月月盈" not in page
    assert cast.client("administrator").get(LIST).status_code == 403


def test_what_is_over_stands_below_with_how_it_ended(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role
) -> None:
    with clock.at(ENDS):
        running, _, over = read(cast.client("rm", ENDS).get(LIST)).partition('id="over"')
    assert "没有进行中的活动" in running
    assert re.search(r"月月盈.*18:00 已结束.*未转发", over, re.S)


# ── in a book ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_chosen_before_somebody_chooses(cast: Cast, book: list[Customer], campaign: Campaign) -> None:
    page = read(cast.client("rm").get(at(campaign)))
    assert STANDING in page
    assert "请先选转发给谁" in page
    assert not re.search(r'name="(to|customer)" value="[^"]+" checked', page)
    assert "/forward/" not in page
    for each in (book[0], book[5]):
        assert f'name="customer" value="{each.pk}"' in page
    assert f'value="{book[3].pk}"' not in page, "who is not open cannot be ticked"


@pytest.mark.parametrize(
    ("stands", "who", "said"),
    [
        ("no_consent", 1, "没有同意接收营销短信"), ("too_risky", 3, "R2 中低风险）高于客户的有效测评等级"), ("unassessed", 4, "补测登记后即可转发"),
        ("opted_out", 6, "回复过退订"), ("stopped", 7, "已停止联系"), ("no_mobile", 8, "没有"), ("capped", 9, "每天至多 1 条"),
    ],
)  # fmt: skip
def test_each_number_opens_its_list_with_the_reason(
    cast: Cast, book: list[Customer], campaign: Campaign, stands: str, who: int, said: str
) -> None:
    page = read(cast.client("rm").get(f"{at(campaign)}?stands={stands}")).partition('id="who"')[2]
    assert said in page
    assert book[who].name in page
    assert book[0].name not in page


def test_the_button_says_number_and_scope_and_does_just_that(
    cast: Cast, book: list[Customer], campaign: Campaign
) -> None:
    rm = cast.client("rm")
    page = read(rm.post(at(campaign, "look/"), {"to": ["platinum"], "line": LINE}, headers={"HX-Request": "true"}))
    assert "<html" not in page
    assert "转发给 1 位客户 · 白金" in page
    assert f"【总行】{LINE}，{book[0].address_as}，月月盈本周发售" in page, (
        "a real customer's text, dressed as it leaves"
    )
    assert "1 位客户，2 条" in page
    assert "马上发出" in page
    done = rm.post(at(campaign, "forward/"), {"to": ["platinum"], "line": LINE, "count": "1"})
    assert (done.status_code, done["Location"]) == (303, at(campaign))
    with cast.acting("rm", NOW):
        assert [each.customer_id for each in Message.objects.filter(forwarding__isnull=False)] == [book[0].pk]
    page = read(rm.get(f"{at(campaign)}?stands=forwarded"))
    assert "已转发给 1 位客户" in page
    assert "已转发 1，待转发 1" in page
    assert f"{LINE}，" in page
    assert book[0].name in page.partition('id="who"')[2]


def test_all_of_them_and_single_ones(cast: Cast, book: list[Customer], campaign: Campaign) -> None:
    rm, look = cast.client("rm"), {"HX-Request": "true"}
    assert "转发给 2 位客户 · 全部待转发" in read(rm.post(at(campaign, "look/"), {"to": ["*"]}, headers=look))
    one = read(rm.post(at(campaign, "look/"), {"customer": [book[5].pk]}, headers=look))
    assert "转发给 1 位客户 · 程远" in one
    both = {"to": ["platinum"], "customer": [book[5].pk]}
    assert "转发给 2 位客户 · 白金、程远" in read(rm.post(at(campaign, "look/"), both, headers=look))
    assert rm.post(at(campaign, "forward/"), both | {"count": "2"}).status_code == 303
    with cast.acting("rm", NOW):
        assert Message.objects.filter(forwarding__isnull=False).count() == 2
    page = read(rm.get(at(campaign)))
    assert "已转发完" in page
    assert "look/" not in page, "nobody is left to choose"


def test_without_script_the_page_itself_looks(cast: Cast, book: list[Customer], campaign: Campaign) -> None:
    page = read(cast.client("rm").post(at(campaign, "look/"), {"to": ["*"], "line": LINE}))
    assert "<html" in page
    assert "转发给 2 位客户" in page
    assert 'name="to" value="*" checked' in page
    assert f'value="{LINE}"' in page
    with cast.acting("rm", NOW):
        assert not Message.objects.filter(forwarding__isnull=False).exists()


@pytest.mark.parametrize(("line", "said"), [("长" * 61, "至多 60 字"), ("保本", "保本"), ("{日子}好", "不能用变量 {日子}"), ("{生日}好", "没有名为 {生日} 的变量")])  # fmt: skip
def test_what_a_line_may_not_say_is_said_and_the_line_stays(
    cast: Cast, campaign: Campaign, line: str, said: str
) -> None:
    rm = cast.client("rm")
    page = read(rm.post(at(campaign, "look/"), {"to": ["*"], "line": line}, headers={"HX-Request": "true"}))
    assert (said in page, "转发给" in page) == (True, False)
    done = rm.post(at(campaign, "forward/"), {"to": ["*"], "line": line, "count": "2"})
    page = read(done)
    assert (done.status_code, said in page, f'value="{line}"' in page) == (422, True, True)
    assert 'name="to" value="*" checked' in page
    with cast.acting("rm", NOW):
        assert not Forwarding.objects.exists()


@pytest.mark.parametrize("count", ["3", "", "many"])
def test_a_list_that_changed_meanwhile_is_not_forwarded(cast: Cast, campaign: Campaign, count: str) -> None:
    done = cast.client("rm").post(at(campaign, "forward/"), {"to": ["*"], "line": LINE, "count": count})
    page = read(done)
    assert (done.status_code, "现在是 2 人" in page) == (422, True)
    assert f'value="{LINE}"' in page, "what was typed stays"
    assert "转发给 2 位客户" in page, "and the button says what is so now"
    with cast.acting("rm", NOW):
        assert not Message.objects.filter(forwarding__isnull=False).exists()


def test_a_second_click_forwards_to_nobody(cast: Cast, campaign: Campaign) -> None:
    rm, form = cast.client("rm"), {"to": ["*"], "count": "2"}
    assert rm.post(at(campaign, "forward/"), form).status_code == 303
    again = rm.post(at(campaign, "forward/"), form)
    assert (again.status_code, "现在是 0 人" in read(again)) == (422, True)
    with cast.acting("rm", NOW):
        assert (Message.objects.filter(forwarding__isnull=False).count(), Forwarding.objects.count()) == (2, 1)


def test_nobody_chosen_is_said(cast: Cast, campaign: Campaign) -> None:
    done = cast.client("rm").post(at(campaign, "forward/"), {"count": "2"})
    assert (done.status_code, "先选转发给谁" in read(done)) == (422, True)


def test_left_out_with_a_reason(cast: Cast, book: list[Customer], campaign: Campaign) -> None:
    rm, asked = cast.client("rm"), {"to": ["gold"], "line": LINE, "reason": " "}
    without = rm.post(at(campaign, "leave-out/"), asked)
    page = read(without)
    assert (without.status_code, "请写明为什么不转发" in page, f'value="{LINE}"' in page) == (422, True, True)
    assert 'name="to" value="gold" checked' in page
    assert '<details class="more" open><summary class="link">这些客户不转发' in page
    stale = rm.post(at(campaign, "leave-out/"), asked | {"reason": "刚买过同类产品", "count": "2"})
    assert (stale.status_code, "现在是 1 人" in read(stale)) == (422, True), (
        "nobody is left out whom the page did not count"
    )
    assert rm.post(at(campaign, "leave-out/"), asked | {"reason": "刚买过同类产品", "count": "1"}).status_code == 303
    with cast.acting("rm", NOW):
        assert [each.customer_id for each in LeftOut.objects.all()] == [book[5].pk]
    page = read(rm.get(f"{at(campaign)}?stands=left_out"))
    assert "刚买过同类产品" in page.partition('id="who"')[2]
    assert "不转发 1" in page
    assert f'aria-label="放回{book[5].name}"' in page
    assert rm.post(at(campaign, "bring-back/"), {"customer": book[5].pk}).status_code == 303
    with cast.acting("rm", NOW):
        assert not LeftOut.objects.exists()
    assert book[5].name in read(rm.get(f"{at(campaign)}?stands=open")).partition('id="who"')[2]


def test_withdrawn_is_open_again(cast: Cast, campaign: Campaign) -> None:
    rm = cast.client("rm")
    rm.post(at(campaign, "forward/"), {"to": ["*"], "count": "2"})
    page = read(rm.get(at(campaign)))
    (key,) = re.findall(r'name="forwarding" value="([^"]+)"', page)
    assert "撤回 2 条" in page
    done = rm.post(at(campaign, "withdraw/"), {"forwarding": key}, follow=True)
    assert "已撤回 2 条" in read(done)
    assert STANDING in read(rm.get(at(campaign)))
    assert rm.post(at(campaign, "withdraw/"), {"forwarding": key}).status_code == 404


@pytest.mark.clause("S4", "OWE")
def test_todays_row_leads_there_and_is_gone_once_it_is_done(cast: Cast, campaign: Campaign) -> None:
    last_day = DEADLINE - timedelta(hours=4)
    with clock.at(last_day):
        rm = cast.client("rm", last_day)
        (href,) = re.findall(rf'href="({at(campaign)}[^"]*)"', rm.get("/").content.decode())
        (count,) = re.findall(r"全部 (\d+)", read(rm.get(href)))
        form = {"to": ["*"], "count": count, "rm": cast.rm.pk}
        assert rm.post(at(campaign, "forward/"), form).status_code == 303
        assert at(campaign) not in rm.get("/").content.decode()


def test_past_its_deadline_it_says_late_and_can_still_be_done(
    cast: Cast, campaign: Campaign, owner: Role, worker: Role
) -> None:
    late = DEADLINE + timedelta(hours=1)
    with clock.at(late):
        rm = cast.client("rm", late)
        assert "button--late" in read(rm.get(LIST))
        page = read(rm.get(at(campaign)))
        assert "已过截止" in page
        assert "现在转发算逾期完成" in page
        (count,) = re.findall(r"全部 (\d+)", page)
        assert rm.post(at(campaign, "forward/"), {"to": ["*"], "count": count}).status_code == 303
        assert "逾期完成" in read(cast.client("leader", late).get(at(campaign)))
    with owner():
        assert Obligation.objects.get(kind="forward").evidence["late"] is True


def test_over_or_stopped_it_is_only_looked_at(cast: Cast, campaign: Campaign, worker: Role) -> None:
    with clock.at(ENDS):
        rm = cast.client("rm", ENDS)
        page = read(rm.get(at(campaign)))
        assert ("已结束" in page, "look/" in page) == (True, False)
        done = rm.post(at(campaign, "forward/"), {"to": ["*"], "count": "3"})
        assert (done.status_code, "已结束，不能再转发" in read(done)) == (422, True)
    marketing = cast.client("marketing")
    without = marketing.post(at(campaign, "stop/"), {"reason": " "})
    assert (without.status_code, "请写明为什么停止" in read(without)) == (422, True)
    assert marketing.post(at(campaign, "stop/"), {"reason": "额度售罄"}).status_code == 303
    page = read(cast.client("rm").get(at(campaign)))
    assert ("马琳于 14:00 停止：额度售罄" in page, "look/" in page) == (True, False)
    assert ("未转发 2" in page, "待转发" in page) == (True, False)
    assert "待转发" not in read(cast.client("rm").get(LIST)), "nobody owes it, before the worker has said so"
    assert "待转发" not in read(marketing.get(LIST))
    done = cast.client("rm").post(at(campaign, "forward/"), {"to": ["*"], "count": "2"})
    assert (done.status_code, "活动已停止：额度售罄" in read(done)) == (422, True)
    assert "停止这个活动" not in read(marketing.get(at(campaign)))


def test_a_long_list_comes_page_by_page(cast: Cast, campaign: Campaign, owner: Role) -> None:
    with owner():
        made = [a_customer(f"客户{n:03}", cast.mate, cast.units["century"], tier="gold") for n in range(60)]
    mate = cast.client("mate")
    page = read(mate.get(f"{at(campaign)}?stands=no_mobile"))
    assert (made[0].name in page, made[59].name in page) == (True, False)
    (more,) = re.findall(r'href="([^"]*after=\d+)#who"', page)
    page = read(mate.get(more))
    assert (made[59].name in page, made[0].name in page) == (True, False)


# ── whose it is ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_board_shows_who_is_behind_first_and_why_customers_are_out(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role
) -> None:
    ready(cast, "mate", cast.customers["mate"][0], 80, "C3", VALID)
    with worker():
        follow_campaign(campaign.pk)
    assert cast.client("mate").post(at(campaign, "forward/"), {"to": ["*"], "count": "1"}).status_code == 303
    for who in ("leader", "branch_leader", "marketing", "compliance"):
        page = read(cast.client(who).get(at(campaign)))
        board = page.partition('id="board"')[2]
        assert board.index("林晓") < board.index("陈彤"), who
        assert "没有有效测评 2" in board
        assert re.search(r"陈彤.*按时.*14:00", board, re.S), who
        assert not any(name in page for names in CUSTOMERS.values() for name in names), who
        assert (f'href="{at(campaign)}?rm={cast.rm.pk}"' in page) == (who != "marketing")
        assert ("停止这个活动" in page) == (who in {"marketing", "compliance"})


def test_a_leader_looks_into_a_book_and_forwards_for_its_rm(cast: Cast, campaign: Campaign) -> None:
    leader = cast.client("leader")
    page = read(leader.get(f"{at(campaign)}?rm={cast.rm.pk}"))
    assert (STANDING in page, f'name="rm" value="{cast.rm.pk}"' in page) == (True, True)
    done = leader.post(at(campaign, "forward/"), {"rm": cast.rm.pk, "to": ["*"], "count": "2"})
    assert (done.status_code, done["Location"]) == (303, f"{at(campaign)}?rm={cast.rm.pk}")
    with cast.acting("leader", NOW):
        for one in Message.objects.filter(forwarding__isnull=False):
            assert (one.staff_id, one.by_id) == (cast.rm.pk, cast.leader.pk), "in the RM's name, by the leader"


@pytest.mark.parametrize("who", ["mate", "stranger", "other_leader", "marketing"])
def test_nobody_else_looks_into_this_book_or_forwards_from_it(
    cast: Cast, book: list[Customer], campaign: Campaign, who: str
) -> None:
    browser, form = cast.client(who), {"rm": cast.rm.pk, "to": ["*"], "count": "2", "reason": "不需要"}
    assert browser.get(f"{at(campaign)}?rm={cast.rm.pk}").status_code == 404
    refused = {403} if who == "marketing" else {404}
    for verb in ("look/", "forward/", "leave-out/", "bring-back/", "withdraw/"):
        assert browser.post(at(campaign, verb), form).status_code in refused, verb
    with cast.acting("rm", NOW):
        assert not Forwarding.objects.exists()
        assert not LeftOut.objects.exists()


def test_single_ones_out_of_reach_are_not_forwarded_to(cast: Cast, book: list[Customer], campaign: Campaign) -> None:
    for other in (book[3], cast.customers["mate"][0], cast.customers["stranger"][0]):
        form = {"customer": [book[0].pk, other.pk], "count": "2"}
        assert cast.client("rm").post(at(campaign, "forward/"), form).status_code == 422
    with cast.acting("rm", NOW):
        assert not Forwarding.objects.exists()


def test_who_only_watches_neither_forwards_nor_stops(cast: Cast, campaign: Campaign) -> None:
    for who in ("compliance", "risk", "auditor"):
        page = read(cast.client(who).get(f"{at(campaign)}?rm={cast.rm.pk}"))
        assert (STANDING in page, "look/" in page) == (True, False), who
        assert cast.client(who).post(at(campaign, "forward/"), {"rm": cast.rm.pk, "to": ["*"], "count": "2"}).status_code == 403  # fmt: skip
    for who in ("rm", "leader", "risk", "auditor"):
        assert cast.client(who).post(at(campaign, "stop/"), {"reason": "错"}).status_code == 403, who
        assert cast.client(who).get(NEW).status_code == 403, who


# ── asked for ───────────────────────────────────────────────────────────────────────────────────────────────────


def filled(cast: Cast, **more: Any) -> dict[str, Any]:
    form = {
        "title": "月月盈", "product": "月月盈一号", "code": "YYY001", "risk": "R2", "wording": "new", "text": TEXT, "unit": cast.units["century"].pk,
        "tier": ["gold", "platinum"], "kind": ["person", "company"], "day": "2026-03-05", "time": "18:00", "end_day": "", "end_time": "18:00",
        "reason": "新品发售",
    }  # fmt: skip
    return form | more


def test_whom_it_would_reach_is_said_before_it_is_asked_for(cast: Cast, book: list[Customer]) -> None:
    marketing = cast.client("marketing")
    assert "选好风险等级、机构和客户等级" in read(marketing.get(NEW))
    page = read(marketing.post(NEW, filled(cast, act="look", title="", reason="")))
    assert "待转发 少于 5、已达次数上限 少于 5" in page, (
        "one customer of an audience would be known by what is so of them"
    )
    assert not re.search(r"\d+ 位客户(?!经理)|待转发 2|客户经理须转发|全部转发约", page.partition('id="look"')[2])
    assert "【总行】王女士，月月盈本周发售" in page
    assert "私募产品" in read(marketing.post(NEW, filled(cast, act="look", private="1"))).partition('id="look"')[2]
    riskless = read(marketing.post(NEW, filled(cast, act="look", risk="none")))
    assert "待转发 5、" in riskless
    assert "1 位客户经理须转发" in riskless
    assert "不能用变量 {日子}" in read(marketing.post(NEW, filled(cast, act="look", text="{日子}发售")))
    assert not any(name in page for names in CUSTOMERS.values() for name in names)
    with cast.acting("marketing", NOW):
        assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": ""}, "请写活动名称"), ({"product": ""}, "推介哪个产品"), ({"risk": ""}, "请选产品风险等级"), ({"private": "1"}, "私募产品不得公开宣传"),
        ({"text": ""}, "写好正文"), ({"text": "保本保息"}, "保本"), ({"unit": ""}, "哪个机构"), ({"tier": []}, "哪些等级"), ({"kind": []}, "个人客户"),
        ({"day": ""}, "请写明日期和时间"), ({"time": "25:00"}, "请写明日期和时间"), ({"day": "2026-03-01"}, "已经过去"), ({"time": "21:30"}, "静默时段"),
        ({"end_day": "2026-03-04"}, "不能早于截止"), ({"end_day": "x"}, "请写明日期和时间"), ({"reason": ""}, "请写明理由"), ({"wording": "999999"}, "不在用"),
    ],
)  # fmt: skip
def test_what_is_refused_keeps_everything_that_was_typed(cast: Cast, wrong: dict[str, Any], said: str) -> None:
    form = filled(cast, **wrong)
    answer = cast.client("marketing").post(NEW, form)
    page = read(answer)
    assert (answer.status_code, said in page) == (422, True), re.findall(r'role="alert">.*', page)
    for name in ("title", "product", "code", "reason", "day", "time", "end_day"):
        assert re.search(rf'name="{name}" [^>]*value="{re.escape(str(form[name]))}"', page), name
    assert f">{form['text']}</textarea>" in page
    for name in ("tier", "kind"):
        ticked = re.findall(rf'name="{name}" value="(\w+)" checked', page)
        assert sorted(ticked) == sorted(form[name]), name
    for name in ("risk", "unit"):
        if form[name]:
            assert f'<option value="{form[name]}" selected' in page, name
    assert ('name="private" value="1" checked' in page) == ("private" in form)
    with cast.acting("marketing", NOW):
        assert not Approval.objects.exists()


def test_asked_for_it_waits_and_runs_once_another_has_approved(cast: Cast, worker: Role) -> None:
    marketing, compliance = cast.client("marketing"), cast.client("compliance")
    assert marketing.post(NEW, filled(cast, end_day="2026-03-09")).status_code == 303
    for browser in (marketing, compliance):
        page = read(browser.get(LIST)).partition('id="waiting"')[2]
        assert "月月盈" in page
        assert "新品发售" in page
    for who in ("rm", "leader"):
        assert "月月盈" not in read(cast.client(who).get(LIST)), who
    with cast.acting("marketing", NOW):
        asked = Approval.objects.get()
    own = marketing.post(f"/approvals/{asked.pk}/", {"act": "approve", "digest": asked.digest})
    assert own.status_code == 409
    page = read(compliance.get("/approvals/"))
    assert "世纪大道支行 · 金卡、白金 · 个人、公司" in page
    assert "2026-03-09 18:00" in page
    assert compliance.post(f"/approvals/{asked.pk}/", {"act": "approve", "digest": asked.digest}).status_code == 303
    page = read(cast.client("rm").get(LIST))
    assert "须在 周四 18:00 前转发" in page


def test_words_in_use_are_taken_as_they_are_and_typed_ones_stay(cast: Cast, owner: Role) -> None:
    with owner():
        template = Template.objects.create(key="spring", kind="marketing", title={"zh": "春季", "en": "Spring"})
        wording = Wording.objects.create(template=template, number=1, text=TEXT, at=NOW)
    marketing = cast.client("marketing")
    page = read(marketing.post(NEW, filled(cast, wording=wording.pk, text="另写一半", title="")))
    assert f'name="wording" value="{wording.pk}" checked' in page
    assert ">另写一半</textarea>" in page
    assert marketing.post(NEW, filled(cast, wording=wording.pk, text="另写一半")).status_code == 303
    with cast.acting("marketing", NOW):
        assert (Approval.objects.get().payload["wording"], Approval.objects.get().payload["text"]) == (wording.pk, "")


def test_what_was_decided_against_is_shown_with_why(cast: Cast) -> None:
    marketing = cast.client("marketing")
    marketing.post(NEW, filled(cast))
    with cast.acting("marketing", NOW):
        asked = Approval.objects.get()
    cast.client("compliance").post(f"/approvals/{asked.pk}/", {"act": "refuse", "note": "请写明申购期"})
    page = read(marketing.get(LIST))
    assert re.search(r"何静[:：] ?请写明申购期", page)


def test_the_tabs_lead_there(cast: Cast) -> None:
    for who, first in (("rm", "/messages/"), ("leader", "/messages/greetings/"), ("marketing", "/messages/templates/")):
        assert f'href="{LIST}"' in read(cast.client(who).get(first)), who


def test_names_as_long_as_they_may_be_and_no_mark_up(cast: Cast, book: list[Customer], worker: Role) -> None:
    long = "稳健增利" * 9 + "<b>&"
    campaign = started(cast, worker, title=long, product=long * 3)
    for who in ("rm", "leader", "marketing"):
        for page in (LIST, at(campaign)):
            told = cast.client(who).get(page).content.decode()
            assert "&lt;b&gt;&amp;" in told, (who, page)
            assert "增利<b>" not in told
    assert len(BOOK) == 12


def test_more_customers_and_campaigns_are_no_more_queries(
    cast: Cast, book: list[Customer], campaign: Campaign, worker: Role, owner: Role
) -> None:
    def asked(who: str, address: str) -> int:
        browser = cast.client(who)
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])

    places = [(who, address) for who in ("rm", "leader", "marketing") for address in (LIST, at(campaign))]
    few = {place: asked(*place) for place in places}
    for n in range(4):
        started(cast, worker, title=f"另一个{n}")
    for n in range(8):
        with owner():
            one = a_customer(f"客户{n}", cast.mate if n % 2 else cast.rm, cast.units["century"], tier="gold")
        ready(cast, "mate" if n % 2 else "rm", one, 60 + n, "C3", VALID)
    with worker():
        follow_campaign(campaign.pk)
    assert {place: asked(*place) for place in places} == few
