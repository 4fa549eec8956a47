"""Work plans on pages: two taps fix the one that proposes itself; what cannot be is said; the meetings, worked out by hand; what PostgreSQL
keeps by itself; files."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.contacts import completion, course
from zhike.contacts.completion import How
from zhike.contacts.models import Contact
from zhike.customers.models import Customer, Holding, Need
from zhike.obligations import promises
from zhike.obligations.models import Obligation
from zhike.work import deliveries, meetings, plans, proposals
from zhike.work.models import Delivery, Plan, PlanLine
from zhike.work.models.plan import Period
from zhike.work.plan_lines import Reckoned, reckoned, stand
from zhike.work.plans import Own, Unfit

from .api import NOW, Program

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
DAY = date(2026, 3, 2)
MORNING = NOW - timedelta(hours=5, minutes=20)  # 8:40


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with clock.at(NOW):
        yield


def promised(cast: Cast, words: str, hours: int, who: str = "rm", n: int = 1) -> Obligation:
    with cast.acting(who, MORNING) as actor:
        return promises.make(
            words, key=UUID(int=n), to="leader", customer=None, due=MORNING + timedelta(hours=hours), actor=actor, now=MORNING, bank=Bank()
        )  # fmt: skip


def fixed(
    cast: Cast, who: str = "rm", at: datetime = MORNING, own: tuple[str, ...] = ("整理客户档案",), day: date = DAY
) -> Plan:
    with cast.acting(who, at) as actor:
        return plans.fix(Period.DAY, day, None, [Own(words) for words in own], actor=actor, now=at, bank=Bank())


def done(cast: Cast, owed: Obligation, at: datetime, who: str = "rm") -> None:
    with cast.acting(who, at) as actor:
        completion.complete(
            Obligation.objects.get(pk=owed.pk),
            How(at=at, channel="meeting", words="已办"),
            actor=actor,
            now=at,
            bank=Bank(),
        )


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def kept(cast: Cast, plan: Plan, now: datetime, who: str = "rm") -> Reckoned:
    with cast.acting(who, now) as actor:
        return reckoned(stand([plan], actor=actor, now=now, bank=Bank())[plan.pk])


def test_two_taps_fix_the_plan_that_proposes_itself(cast: Cast) -> None:
    promised(cast, "交市场简报", 6)
    browser = cast.client("rm")
    page = browser.get("/work/plans/").content.decode()
    assert "/work/plans/new/?period=day&amp;day=2026-03-02" in page
    form = browser.get("/work/plans/new/?period=day&day=2026-03-02").content.decode()
    chosen = re.findall(r'name="line" value="([^"]+)" checked', form)
    assert len(chosen) == 1
    answer = browser.post(
        "/work/plans/new/",
        {"period": "day", "day": "2026-03-02", "line": chosen, "own": ["", "走访园区", ""]},
        follow=True,
    )
    said = words(answer.content.decode())
    assert "已定，共 2 项。" in said
    assert "计划：走访园区" in said
    assert "计划：走访园区" in words(browser.get("/").content.decode()), "one ledger: it is on Today"
    again = browser.post("/work/plans/new/", {"period": "day", "day": "2026-03-02", "own": "另一项"}, follow=True)
    assert "已经定过" in again.content.decode()
    with cast.acting("rm", NOW):
        (plan,) = Plan.objects.all()
        owed = Obligation.objects.get(kind="planned")
    assert plan.lines.count() == 2
    assert browser.get("/work/plans/new/?period=day&day=2026-03-02").headers["Location"] == f"/work/plans/{plan.pk}/"
    browser.post(f"/obligations/{owed.pk}/done/")
    page = words(browser.get(f"/work/plans/{plan.pk}/").content.decode())
    assert "完成 1/2" in page


def test_the_meetings_worked_out_by_hand(cast: Cast, owner: Role) -> None:
    """Monday: 林晓 planned four, did two and one beyond; 陈彤 planned two and did none; on Tuesday two and two have moved on."""
    early, late, never = (promised(cast, each, 5, n=n) for n, each in enumerate(("交简报", "报费率", "排班表"), 1))
    hers = fixed(cast)
    beyond = promised(cast, "临时的事", 3, n=9)
    promised(cast, "复核名单", 4, "mate", n=10)
    his = fixed(cast, "mate")
    with owner():
        customer = cast.customers["rm"][0]
        Holding.objects.create(
            customer=customer,
            core_number="H",
            product="三年定期",
            amount=Decimal(500_000),
            as_of=DAY,
            matures_on=DAY + timedelta(days=3),
        )
    with cast.acting("rm", MORNING) as actor:
        met = course.plan(
            Customer.objects.get(pk=customer.pk),
            "reception",
            actor=actor,
            now=MORNING,
            planned_for=NOW + timedelta(hours=1),
            place="贵宾室",
        )
    for owed, at in ((early, NOW - timedelta(hours=3)), (late, NOW - timedelta(hours=1)), (beyond, NOW)):
        done(cast, owed, at)
    assert [kept(cast, hers, NOW), kept(cast, his, NOW, "mate")] == [
        Reckoned(planned=4, done=2, open=2), Reckoned(planned=2, open=2),
    ]  # fmt: skip
    evening = NOW + timedelta(hours=4)
    with cast.acting("leader", evening) as actor:
        table = meetings.meeting(actor, DAY, now=evening, bank=Bank())
    seats = {seat.staff.name: seat for seat in table.seats}
    assert table.kept == Reckoned(planned=6, done=2, open=4)
    assert {name: (seat.kept.done, seat.kept.counts, seat.beyond, seat.late) for name, seat in seats.items()} == {
        "林晓": (2, 4, 1, 1), "陈彤": (0, 2, 0, 1),
    }  # fmt: skip
    assert [each.about for each in seats["林晓"].appointments] == [met.subject]
    assert [each.product for each in seats["林晓"].maturing] == ["三年定期"]
    page = words(cast.client("leader", NOW).get("/work/plans/evening/").content.decode())
    assert "完成 2/6" in page
    assert "计划外完成 1 项" in page
    morning = words(cast.client("leader", NOW).get("/work/plans/morning/").content.decode())
    for said in ("2 人中 2 人已定计划", "15:00", "张伟明", "三年定期 50.0 万", "整理客户档案"):
        assert said in morning, said

    with cast.acting("rm", NOW + timedelta(hours=1)) as actor:
        at = NOW + timedelta(hours=1)
        held = Contact.objects.get(pk=met.pk)
        course.start(held, actor=actor, now=at, bank=Bank())
        course.end(held, actor=actor, now=at + timedelta(minutes=20), bank=Bank())
    with cast.acting("leader", evening) as actor:
        hers_then = meetings.meeting(actor, DAY, now=evening, bank=Bank()).seats[0]
    assert [(each.about, each.stands) for each in hers_then.appointments] == [(met.subject, "held")]

    tuesday = MORNING + timedelta(days=1)
    second = fixed(cast, at=tuesday, own=(), day=DAY + timedelta(days=1))
    moved = {line.obligation_id: line.carried for line in second.lines.all() if line.obligation_id}
    assert moved[never.pk] == 1
    assert kept(cast, hers, tuesday) == Reckoned(planned=4, done=2, moved_on=2)
    assert kept(cast, second, tuesday).carried == 2
    with clock.at(tuesday):
        page = words(cast.client("leader", tuesday).get("/work/plans/morning/?day=2026-03-03").content.decode())
        assert "3月2日 完成 2/4" in page
        assert page.count("第 1 次顺延") == 2
        assert "计划未定" in page
        page = words(cast.client("leader", tuesday).get("/work/plans/evening/?day=2026-03-02").content.decode())
        assert "顺延 4 项" in page


def test_what_cannot_be_is_said(cast: Cast) -> None:
    browser = cast.client("rm")
    empty = browser.post("/work/plans/new/", {"period": "day", "day": "2026-03-02"})
    assert (empty.status_code, "计划至少要有一项" in empty.content.decode()) == (422, True)
    for day, said in (("2026-03-01", "已经过去"), ("2026-08-01", "最多提前两个月")):
        answer = browser.post("/work/plans/new/", {"period": "day", "day": day, "own": "写好的一行"})
        assert (answer.status_code, said in answer.content.decode(), "写好的一行" in answer.content.decode()) == (
            422,
            True,
            True,
        )
    with cast.acting("rm", NOW) as actor:
        foreign = cast.customers["mate"][0].pk
        for field, own in (("customer", Own("x", foreign)), ("own", Own("长" * 201))):
            with pytest.raises(Unfit) as told:
                plans.fix(Period.DAY, DAY, [], [own], actor=actor, now=NOW, bank=Bank())
            assert told.value.field == field
    plan = fixed(cast)
    for sent, said in (
        ({"act": "own", "words": " "}, "请写明做什么"),
        ({"act": "own", "words": "约见", "customer_name": "没有的人"}, "自己名下的客户"),
        ({"act": "call_off", "about": "x", "words": ""}, "为什么不办"),
        ({"act": "call_off", "about": "x", "words": "不用了"}, "只有自己加的"),
        ({"act": "comment", "words": ""}, "请写一句批注"),
    ):
        answer = browser.post(f"/work/plans/{plan.pk}/act/", sent)
        assert (answer.status_code, said in answer.content.decode()) == (422, True), said
    with clock.at(NOW + timedelta(days=1)):
        answer = cast.client("rm", NOW + timedelta(days=1)).post(
            f"/work/plans/{plan.pk}/act/", {"act": "own", "words": "补一项"}
        )
    assert "计划不再改动" in answer.content.decode()


def test_added_put_first_and_called_off_on_the_page(cast: Cast) -> None:
    later = promised(cast, "报费率", 30)
    plan, browser = fixed(cast), cast.client("rm")
    path = f"/work/plans/{plan.pk}/act/"
    page = browser.get(f"/work/plans/{plan.pk}/").content.decode()
    assert f'name="about" value="{later.key}"' in page, "what is known beside lies ready"
    browser.post(path, {"act": "take", "about": later.key})
    browser.post(path, {"act": "own", "words": "送请柬", "customer_name": "张伟明"})
    browser.post(path, {"act": "own", "words": "送请柬", "customer_name": "张伟明"})
    with cast.acting("rm", NOW):
        abouts = list(plan.lines.order_by("place").values_list("about", flat=True))
        card = Obligation.objects.get(detail__words="送请柬")
    assert (len(abouts), card.customer_id) == (3, cast.customers["rm"][0].pk), "said twice it stands once"
    browser.post(path, {"act": "first", "about": later.key})
    with cast.acting("rm", NOW):
        assert plan.lines.order_by("place").values_list("about", flat=True)[0] == later.key
    browser.post(path, {"act": "call_off", "about": card.key, "words": "客户出差"})
    with cast.acting("rm", NOW):
        card.refresh_from_db()
        assert (card.state, card.evidence["words"]) == ("withdrawn", "客户出差")
    assert "已取消" in words(browser.get(f"/work/plans/{plan.pk}/").content.decode())
    assert kept(cast, plan, NOW) == Reckoned(planned=3, open=2, off=1)


def test_an_appointment_put_to_another_day_or_called_off_moves_nothing_on(cast: Cast) -> None:
    with cast.acting("rm", MORNING) as actor:
        verb: dict[str, Any] = {"actor": actor, "now": MORNING, "bank": Bank()}
        book = [Customer.objects.get(pk=each.pk) for each in cast.customers["rm"][:2]]
        met = [course.plan(each, "reception", actor=actor, now=MORNING, planned_for=NOW) for each in book]
        for each in met:
            course.agree(each, at=NOW, place="贵宾室", **verb)
    plan = fixed(cast, own=())
    assert kept(cast, plan, MORNING) == Reckoned(planned=2, open=2)
    with cast.acting("rm", MORNING) as actor:
        verb["actor"] = actor
        first, second = (Contact.objects.get(pk=each.pk) for each in met)
        course.agree(first, at=NOW + timedelta(days=1), place="贵宾室", **verb)
        course.call_off(second, whose="customer", why="不来了", **verb)
    for now in (NOW, NOW + timedelta(days=1)):
        assert kept(cast, plan, now) == Reckoned(planned=2, off=2)
    page = words(cast.client("rm").get(f"/work/plans/{plan.pk}/").content.decode())
    assert "改到别的日子" in page
    assert "已取消" in page


def test_what_was_handed_on_is_no_matter_of_the_plan_any_more(cast: Cast) -> None:
    with cast.acting("rm", MORNING) as actor:
        verb: dict[str, Any] = {"actor": actor, "now": MORNING, "bank": Bank()}
        paper = deliveries.enter(cast.customers["rm"][0].pk, "结息凭证", MORNING + timedelta(hours=6), **verb)
    plan = fixed(cast, own=())
    assert kept(cast, plan, NOW) == Reckoned(planned=1, open=1)
    with cast.acting("rm", NOW) as actor:
        deliveries.hand_on(Delivery.objects.get(pk=paper.pk), cast.mate.pk, actor=actor, now=NOW, bank=Bank())
    with cast.acting("mate", NOW) as actor:
        held = Delivery.objects.held(paper.pk, actor)
        assert held
        deliveries.accept(held, actor=actor, now=NOW, bank=Bank())
    assert kept(cast, plan, NOW) == Reckoned(planned=1, off=1)
    assert "已转交他人" in words(cast.client("rm").get(f"/work/plans/{plan.pk}/").content.decode())
    with cast.acting("rm", NOW + timedelta(days=1)) as actor:
        found = proposals.propose(
            Period.DAY, DAY + timedelta(days=1), actor=actor, now=NOW + timedelta(days=1), bank=Bank()
        )
    assert not [line for line in found.lines if line.because == "moved_on"]


def test_the_word_of_the_leader_is_on_today_and_read_with_a_tap(cast: Cast) -> None:
    plan = fixed(cast)
    desk, browser = cast.client("leader"), cast.client("rm")
    answer = desk.post(
        f"/work/plans/{plan.pk}/act/",
        {"act": "comment", "words": "先约沈女士", "to": "evening", "unit": str(cast.units["century"].pk)},
    )
    assert answer.headers["Location"].startswith("/work/plans/evening/?day=2026-03-02&unit=")
    assert "先约沈女士" in words(desk.get("/work/plans/evening/").content.decode())
    today = browser.get("/").content.decode()
    (see,) = re.findall(r"/work/plans/said/\d+/", today)
    assert browser.get(see).headers["Location"] == f"/work/plans/{plan.pk}/#said"
    assert "看过了" in browser.get(f"/work/plans/{plan.pk}/").content.decode()
    browser.post(f"/work/plans/{plan.pk}/act/", {"act": "read"})
    assert "先约沈女士" not in browser.get("/").content.decode()
    with cast.acting("other_leader", NOW) as actor:
        assert Plan.objects.held(plan.pk, actor) is None
    with cast.acting("branch_leader", NOW) as actor:
        held = Plan.objects.held(plan.pk, actor)
        assert held
        plans.comment(held, "好", actor=actor, now=NOW, bank=Bank())
        with pytest.raises(Refused):
            plans.put_first(held, "x", actor=actor, now=NOW, bank=Bank())


def test_a_need_is_taken_up_done_from_its_page_and_taken_back(cast: Cast, owner: Role) -> None:
    with owner():
        need = Need.objects.create(customer=cast.customers["rm"][0], kind="pension", opened_at=MORNING)
    with cast.acting("rm", MORNING) as actor:
        found = proposals.propose(Period.DAY, DAY, actor=actor, now=MORNING, bank=Bank())
        (offered,) = [line for line in found.offered if line.because == "need"]
        assert (offered.customer, offered.words and offered.words.zh) == (need.customer, "跟进需求：养老")
        plans.fix(Period.DAY, DAY, [offered.about], actor=actor, now=MORNING, bank=Bank())
        owed = Obligation.objects.get(kind="planned")
        again = proposals.propose(Period.WEEK, DAY, actor=actor, now=MORNING, bank=Bank())
        assert not [line for line in again.offered if line.because == "need"], "planned once"
    browser = cast.client("rm")
    assert "补一句" in browser.get(f"/obligations/{owed.pk}/").content.decode()
    browser.post(f"/obligations/{owed.pk}/done/", {"words": "已约见面"})
    with cast.acting("rm", NOW):
        owed.refresh_from_db()
        assert (owed.state, owed.evidence["words"]) == ("done", "已约见面")
    browser.post(f"/obligations/{owed.pk}/undo/")
    with cast.acting("rm", NOW):
        owed.refresh_from_db()
        assert owed.state == "open"


@pytest.mark.parametrize("day", ["1900-01-01", "2199-12-31", "2026-02-30", "x"])
def test_a_day_of_another_age_is_no_fault(cast: Cast, day: str) -> None:
    desk, hers = cast.client("leader"), cast.client("rm")
    for address in ("morning/", "evening/"):
        assert desk.get(f"/work/plans/{address}?day={day}&unit=99999").status_code == 200
    for period in ("day", "week", "month"):
        assert hers.get(f"/work/plans/new/?period={period}&day={day}").status_code == 200
    assert hers.get(f"/work/plans/?from={day}&to={day}&page=x&period=y&staff=z").status_code == 200


def test_of_two_hundred_late_things_twenty_are_proposed(cast: Cast) -> None:
    for n in range(1, 31):
        promised(cast, f"第{n}件", n % 5 + 1, n=n)
    with cast.acting("rm", NOW + timedelta(days=1)) as actor:
        found = proposals.propose(
            Period.DAY, DAY + timedelta(days=1), actor=actor, now=NOW + timedelta(days=1), bank=Bank()
        )
    late = [line for line in found.lines if line.because == "late"]
    assert (len(late), len([line for line in found.offered if line.because == "late"])) == (20, 10)


def test_what_postgresql_keeps_by_itself(cast: Cast) -> None:
    plan = fixed(cast)
    line = plan.lines.get()
    for who, statement in (
        ("rm", f"UPDATE work_plan SET fixed_at = '2026-01-01' WHERE id = {plan.pk}"),
        ("rm", f"UPDATE work_plan_line SET carried = 0 WHERE id = {line.pk}"),
        ("rm", f"DELETE FROM work_plan_line WHERE id = {line.pk}"),
        ("leader", f"INSERT INTO work_plan_line (plan_id, place, about, carried) VALUES ({plan.pk}, 9, 'x', 0)"),
        ("leader", f"INSERT INTO work_plan (staff_id, period, first_day, fixed_at, version) VALUES ({cast.rm.pk}, 'day', '2026-03-05', now(), 1)"),
        ("mate", f"INSERT INTO work_plan_comment (plan_id, by_id, at, words) VALUES ({plan.pk}, {cast.mate.pk}, now(), 'x')"),
        ("leader", f"INSERT INTO work_plan_comment (plan_id, by_id, at, words) VALUES ({plan.pk}, {cast.rm.pk}, now(), 'x')"),
    ):  # fmt: skip
        with cast.acting(who, NOW), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with cast.acting("mate", NOW):
        assert not Plan.objects.filter(pk=plan.pk).exists()
        assert not PlanLine.objects.filter(pk=line.pk).exists()


def test_the_list_is_filtered_and_written_to_a_file(cast: Cast) -> None:
    fixed(cast)
    fixed(cast, "mate")
    with cast.acting("rm", MORNING) as actor:
        plans.fix(Period.WEEK, DAY, None, [Own("走访商户")], actor=actor, now=MORNING, bank=Bank())
    mine = words(cast.client("rm").get("/work/plans/").content.decode())
    assert "周计划 3月2日" in mine
    assert "日计划 3月2日" not in words(cast.client("rm").get("/work/plans/?period=week").content.decode())
    desk = cast.client("leader")
    team = words(desk.get("/work/plans/?of=team&period=day").content.decode())
    assert "陈彤" in team
    hers = desk.get(f"/work/plans/?of=team&staff={cast.rm.pk}").content.decode()
    assert re.findall(r"<td>(林晓|陈彤)</td>", hers) == ["林晓", "林晓"]
    assert "这里还没有计划" in desk.get("/work/plans/?of=team&from=2026-03-05").content.decode()
    file = desk.get("/work/plans/?of=team&as=csv")
    lines = file.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "姓名,时段,起始日,定于,计划,完成,未办,顺延,错过,不必再办,此前顺延"
    assert len(lines) == 4
    assert desk.get("/work/plans/?of=team&as=xlsx").content[:2] == b"PK"


def test_a_program_reads_the_meeting_and_a_broken_plan_is_named(cast: Cast, worker: Role) -> None:
    fixed(cast)
    with worker():
        programs = {who: Program(cast, who) for who in ("leader", "rm")}
    told = programs["leader"].get("work-plans/meeting")
    assert [(seat["staff"]["name"], seat["kept"]["planned"]) for seat in told["seats"]] == [("林晓", 1), ("陈彤", 0)]
    refused = programs["rm"].post("work-plans", {"period": "week", "chosen": []}, status=422)
    assert refused["errors"][0]["field"] == "lines"
    assert programs["rm"].post("work-plans", {"own": [{"words": "又一份"}]}, status=409)["type"].endswith("wrong-state")
    assert programs["rm"].get("work-plans?of=mine&period=day")["items"][0]["kept"]["planned"] == 1


def test_what_is_not_done_moves_on_past_a_plan_that_was_made_before_it(cast: Cast) -> None:
    """Tuesday's plan is fixed on Monday morning; what slips on Monday after that stands on Wednesday's, with the days that it slipped."""
    ahead = fixed(cast, own=("拜访商户",), day=DAY + timedelta(days=1))
    fixed(cast, own=("整理客户档案",))
    wednesday = MORNING + timedelta(days=2)
    with cast.acting("rm", wednesday) as actor:
        found = proposals.propose(Period.DAY, DAY + timedelta(days=2), actor=actor, now=wednesday, bank=Bank())
    moved = {
        line.obligation.detail["words"]: line.carried
        for line in found.lines
        if line.because == "moved_on" and line.obligation
    }
    assert moved == {"拜访商户": 1, "整理客户档案": 1}
    assert ahead.first_day < found.first_day


def test_what_another_did_is_not_done_by_whose_plan_it_stood_on(cast: Cast) -> None:
    with cast.acting("rm", MORNING) as actor:
        verb: dict[str, Any] = {"actor": actor, "now": MORNING, "bank": Bank()}
        paper = deliveries.enter(cast.customers["rm"][0].pk, "结息凭证", MORNING + timedelta(hours=6), **verb)
    plan = fixed(cast, own=())
    with cast.acting("rm", MORNING) as actor:
        deliveries.hand_on(Delivery.objects.get(pk=paper.pk), cast.mate.pk, actor=actor, now=MORNING, bank=Bank())
    with cast.acting("mate", MORNING) as actor:
        held = Delivery.objects.held(paper.pk, actor)
        assert held
        deliveries.accept(held, actor=actor, now=MORNING, bank=Bank())
    with cast.acting("mate", NOW) as actor:
        held = Delivery.objects.held(paper.pk, actor)
        assert held
        deliveries.deliver(held, "张伟明", how="typed", confirmed=True, actor=actor, now=NOW, bank=Bank())
    for who in ("rm", "leader"):
        assert kept(cast, plan, NOW, who) == Reckoned(planned=1, off=1), who


def test_the_next_workday_lies_ready_before_a_weekend_and_a_holiday(cast: Cast) -> None:
    """Friday 13 March leads to Monday; 3 April to the 7th, for 清明 lasts from the 4th to the 6th; the year after may be guessed."""
    for friday, ahead in (
        (date(2026, 3, 13), "2026-03-16"),
        (date(2026, 4, 3), "2026-04-07"),
        (date(2026, 12, 31), "2027-01-01"),
        (date(2026, 3, 12), "2026-03-13"),
    ):
        now = datetime.combine(friday, NOW.timetz())
        with clock.at(now):
            page = cast.client("rm", now).get("/work/plans/new/?period=day").content.decode()
            assert re.findall(r'href="/work/plans/new/\?period=day&amp;day=([0-9-]+)"', page)[-1] == ahead


def test_the_morning_says_in_which_money_something_matures(cast: Cast, owner: Role) -> None:
    with owner():
        for currency, product in (("USD", "美元定期"), ("CNY", "三年定期")):
            Holding.objects.create(
                customer=cast.customers["rm"][0], core_number=currency, product=product, amount=Decimal(50_000), currency=currency,
                as_of=DAY, matures_on=DAY + timedelta(days=3),
            )  # fmt: skip
    page = words(cast.client("leader", NOW).get("/work/plans/morning/").content.decode())
    assert "美元定期 50,000 USD" in page
    assert "三年定期 5.0 万" in page
