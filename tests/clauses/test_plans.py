"""工作计划 · W1: a plan that proposes itself is fixed, read against what was done, and moves on; owed as the work of its period begins."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from zhike.conduct.bank import Bank
from zhike.conduct.setting import plain
from zhike.customers.models import Customer, Holding
from zhike.obligations.models import Obligation
from zhike.people.models import Leave

from .door import BEFORE, Door, Refused
from .moments import MONDAY, moment, shown
from .test_measured import call, measured

pytestmark = pytest.mark.django_db
TUESDAY, WEDNESDAY = "2026-03-03", "2026-03-04"


@pytest.fixture
def quiet(door: Door) -> Door:
    """Nobody comes due by rhythm: how many do depends on the numbers that customers happen to have."""
    rows: Any = plain(Bank().rhythm)
    door.setting("rhythm", [{**row, "contact_days": None, "meeting_days": None} for row in rows], date(2020, 1, 2))
    return door


def asks(door: Door, *periods: str) -> None:
    door.setting("plan_periods", list(periods), date(2026, 1, 1))


def proposal(door: Door, at: str, who: str = "rm", period: str = "day") -> Any:
    return door.send("get", f"work-plans/proposal?period={period}", None, moment(at), who)


def fixed(door: Door, at: str, who: str = "rm", **more: Any) -> Any:
    return door.send("post", "work-plans", {"own": [{"words": "整理客户档案"}], **more}, moment(at), who)


def read(door: Door, plan: Any, at: str, who: str = "rm") -> Any:
    return door.send("get", f"work-plans/{plan['id']}", None, moment(at), who)


def promised(door: Door, words: str, due: str, at: str = "08:00") -> Any:
    body = {"words": words, "to": "leader", "due": moment(due)}
    return door.send("post", "promises", body, moment(at))


def maturing(door: Door, customer: Customer, day: date) -> None:
    with door.owner():
        Holding.objects.create(
            customer=customer, core_number="H1", product="三年定期", amount=Decimal(800_000), matures_on=day, as_of=day
        )


def owing(door: Door, who: str = "rm", kind: str = "work_plan") -> list[Obligation]:
    with door.owner():
        return list(Obligation.objects.filter(owner=door.cast.staff[who], kind=kind, clause="W1").order_by("pk"))


def stands(plan: Any) -> list[tuple[str, str, int]]:
    return [(line["what"], line["stands"], line["carried"]) for line in plan["lines"]]


@pytest.mark.clause("W1", "RECORD")
def test_w1_record(quiet: Door) -> None:
    """Of five lines three are done on Monday; the two others move on, once, twice, a third time, until each is done or called off."""
    door = quiet
    born = door.customer(met=True, called=True, birth_calendar="solar", birth_month=3, birth_day=2)
    comes, saver = door.customer(met=True), door.customer(met=True, called=True)
    maturing(door, saver, MONDAY)
    door.sweep(moment("01:00"))
    report = promised(door, "交市场简报", "12:00")
    promised(door, "问清费率", f"{TUESDAY} 12:00")
    talk = door.appointment(comes, moment("15:00"), now=moment("08:10"), kind="reception")

    asked = proposal(door, "08:40")
    why = {line["what"]: line["because"] for line in asked["items"]}
    assert why == {
        "兑现承诺：交市场简报": "due", "reception · 客户公司": "appointment", "生日问候 · 3 月 2 日": "due",
        "到期承接：三年定期 80 万，3月2日": "maturity",
    }  # fmt: skip
    assert [(line["what"], line["because"]) for line in asked["offered"]] == [("兑现承诺：问清费率", "soon")]
    abouts = {line["what"]: line["about"] for line in asked["items"]}
    order = ["生日问候 · 3 月 2 日", "兑现承诺：交市场简报", "到期承接：三年定期 80 万，3月2日", "reception · 客户公司"]
    plan = fixed(door, "08:45", chosen=[abouts[what] for what in order])
    assert [line["what"] for line in plan["lines"]] == [
        "生日问候 · 3 月 2 日", "兑现承诺：交市场简报", "计划：到期承接：三年定期 80 万，3月2日", "reception · 客户公司", "计划：整理客户档案",
    ]  # fmt: skip
    on_today = door.page("", moment("08:50"))
    assert "计划：整理客户档案" in on_today, "what is planned is owed, and on Today"
    assert "到期承接" in on_today

    call(door, born, "2026-03-02 10:00", purpose="birthday")
    door.send(
        "post", f"obligations/{report['id']}/completion", {"channel": "meeting", "words": "已交"}, moment("11:00")
    )
    call(door, saver, "2026-03-02 14:00", outcome="no_answer")
    door.step("start", talk, moment("15:00"))
    door.step("end", talk, moment("15:40"))
    evening = read(door, plan, "18:00")
    assert [line["stands"] for line in evening["lines"]] == ["done", "done", "open", "done", "open"]
    assert evening["kept"] == {"planned": 5, "done": 3, "open": 2, "moved_on": 0, "missed": 0, "off": 0, "carried": 0}
    night = read(door, plan, f"{TUESDAY} 00:30")
    assert night["kept"] == {"planned": 5, "done": 3, "open": 0, "moved_on": 2, "missed": 0, "off": 0, "carried": 0}

    moved = proposal(door, f"{TUESDAY} 08:40")["items"]
    assert [(line["what"], line["because"], line["carried"]) for line in moved[:2]] == [
        ("计划：到期承接：三年定期 80 万，3月2日", "moved_on", 1), ("计划：整理客户档案", "moved_on", 1),
    ]  # fmt: skip
    second = fixed(door, f"{TUESDAY} 08:45", chosen=[], own=[])
    assert [line["carried"] for line in second["lines"]] == [1, 1], "what has moved on is not left out"
    third = fixed(door, f"{WEDNESDAY} 08:45", chosen=[], own=[])
    assert [line["carried"] for line in third["lines"]] == [2, 2]
    own = next(line for line in third["lines"] if "档案" in line["what"])
    with pytest.raises(Refused, match="不办"):
        door.send(
            "post",
            f"work-plans/{third['id']}/cancellation",
            {"about": own["about"], "why": " "},
            moment(f"{WEDNESDAY} 09:00"),
        )
    door.send(
        "post",
        f"work-plans/{third['id']}/cancellation",
        {"about": own["about"], "why": "档案室代办"},
        moment(f"{WEDNESDAY} 09:00"),
    )
    (fourth,) = [line for line in proposal(door, "2026-03-05 08:40")["items"] if line["because"] == "moved_on"]
    assert fourth["carried"] == 3
    call(door, saver, "2026-03-05 10:00")
    assert stands(read(door, third, "2026-03-05 18:00")) == [
        ("计划：到期承接：三年定期 80 万，3月2日", "moved_on", 2), ("计划：整理客户档案", "off", 2),
    ]  # fmt: skip
    assert read(door, plan, "2026-03-05 18:00")["kept"]["done"] == 3, "Monday stays as Monday was"
    assert not [line for line in proposal(door, "2026-03-05 18:00")["items"] if line["because"] == "moved_on"]


@pytest.mark.clause("W1", "RECORD")
def test_w1_a_week_and_a_month_draw_on_what_lies_ahead(door: Door) -> None:
    """Thursday's birthday and Friday's maturity are on the week's plan on Monday, and are read when their day has come."""
    born = door.customer(met=True, called=True, birth_calendar="solar", birth_month=3, birth_day=5)
    maturing(door, born, date(2026, 3, 6))
    week = door.send("post", "work-plans", {"period": "week"}, moment("08:40"))
    assert (week["first_day"], week["last_day"]) == ("2026-03-02", "2026-03-08")
    assert [(line["customer"]["id"], line["stands"]) for line in week["lines"]] == [(str(born.pk), "open")] * 2
    assert {str(each.detail["words"]) for each in owing(door, kind="planned")} == {"到期承接：三年定期 80 万，3月6日"}
    door.sweep(moment("2026-03-05 01:00"))
    call(door, born, "2026-03-05 10:00", purpose="birthday")
    kept = read(door, week, "2026-03-05 12:00")["kept"]
    assert (kept["planned"], kept["done"]) == (2, 2), "the talk was the greeting, and about what matures"
    month = door.send("post", "work-plans", {"period": "month", "own": [{"words": "走访园区"}]}, moment("08:45"))
    assert (month["first_day"], month["last_day"]) == ("2026-03-01", "2026-03-31")


@pytest.mark.clause("W1", "RECORD")
def test_w1_the_leader_comments_and_it_is_read_on_today(door: Door) -> None:
    plan = fixed(door, "08:45")
    at, path = moment("09:10"), f"work-plans/{plan['id']}"
    with pytest.raises(Refused, match="404"):
        door.send("post", f"{path}/comments", {"words": "看不到"}, at, "other_leader")
    said = door.send("post", f"{path}/comments", {"words": "先约沈女士"}, at, "leader")
    assert [(each["by"]["name"], each["words"]) for each in said["comments"]] == [("吴敏", "先约沈女士")]
    (owed,) = owing(door, kind="plan_comment")
    assert (owed.what["zh"], shown(owed.due)) == ("吴敏批注计划：先约沈女士", "2026-03-04 00:00")
    assert "先约沈女士" in door.page("", moment("09:15"))
    with pytest.raises(Refused, match="422"):
        door.send("post", f"{path}/lines", {"own": {"words": "替她加一项"}}, at, "leader")
    door.send("post", f"{path}/reading", {}, moment("09:20"))
    assert owing(door, kind="plan_comment")[0].state == "done"
    with pytest.raises(Refused, match="404"):
        door.send("get", path, None, at, "mate")


@pytest.mark.clause("W1", "OWE")
def test_w1_owe(door: Door) -> None:
    """Each RM in service owes the day's and the week's plan by nine; not who is on leave, who leads, or anybody on a Sunday."""
    asks(door, "day", "week")
    with door.owner():
        Leave.objects.create(
            staff=door.cast.mate, stand_in=door.cast.rm, from_day=MONDAY, to_day=MONDAY + timedelta(days=1), answer="accepted",
            asked_by=door.cast.mate, asked_at=BEFORE, answered_by=door.cast.rm, answered_at=BEFORE,
        )  # fmt: skip
    door.sweep(moment("2026-03-01 01:00"))
    assert not owing(door)
    for _twice in range(2):
        door.sweep(moment("01:00"))
    owed = owing(door)
    assert [(each.what["zh"], shown(each.opens), shown(each.due), each.force, each.origin) for each in owed] == [
        ("定日计划：3月2日", "2026-03-02 00:00", "2026-03-02 09:00", "must", "code"),
        ("定周计划：3月2日起的一周", "2026-03-02 00:00", "2026-03-02 09:00", "must", "code"),
    ]  # fmt: skip
    assert {who: len(owing(door, who)) for who in ("mate", "stranger", "leader", "compliance")} == {
        "mate": 0, "stranger": 2, "leader": 0, "compliance": 0,
    }  # fmt: skip
    assert "定日计划：3月2日" in door.page("", moment("08:30"))
    with pytest.raises(Refused, match="W1"):
        door.send("post", f"obligations/{owed[0].pk}/waiver", {"reason": "忙"}, moment("08:40"))
    with pytest.raises(Refused, match="W1"):
        door.send("post", f"obligations/{owed[0].pk}/completion", {}, moment("08:40"))
    fixed(door, "09:00")
    with pytest.raises(Refused, match="409"):
        fixed(door, "09:01")
    assert [(each.state, each.evidence.get("late")) for each in owing(door)] == [("done", False), ("open", None)]
    fixed(door, "09:01", "stranger")
    assert owing(door, "stranger")[0].evidence["late"] is True

    fixed(door, "20:00", day=TUESDAY)
    door.sweep(moment(f"{TUESDAY} 01:00"))
    hers = {each.detail["period"] + each.detail["first_day"]: each for each in owing(door)}
    assert (hers["day2026-03-03"].state, hers["day2026-03-03"].evidence["late"]) == ("done", False), (
        "made the evening before"
    )
    assert hers["week2026-03-02"].state == "open", "the week is not over"
    assert sorted(each.detail["period"] for each in owing(door, "mate")) == ["day", "week"], "back on Tuesday"
    door.sweep(moment(f"{WEDNESDAY} 01:00"))
    assert [each.state for each in owing(door, "mate")] == ["missed", "open", "open"]
    with pytest.raises(Refused, match="422"):
        fixed(door, f"{WEDNESDAY} 08:00", day=TUESDAY)


@pytest.mark.clause("W1", "MEASURE")
def test_w1_measure(door: Door) -> None:
    """Two RMs, Monday to Wednesday at nine: one plan by nine, one a minute late, Tuesday's never, Wednesday's still in time: 1 of 4."""
    asks(door, "day")
    door.sweep(moment("01:00"))
    fixed(door, "09:00")
    fixed(door, "09:01", "mate")
    for day in (TUESDAY, WEDNESDAY):
        door.sweep(moment(f"{day} 01:00"))
    assert measured(door, "W1") == ({"owed": 6, "in_time": 1, "late": 1, "missed": 2, "open": 2}, 0.25)


@pytest.mark.clause("W1", "OWE")
def test_w1_who_fell_ill_that_morning_missed_no_plan(door: Door) -> None:
    """Asked for at one in the night, ill at eight and away till Tuesday: Monday's plan is not missed; the week's is, by whoever was back."""
    asks(door, "day", "week")
    door.sweep(moment("01:00"))
    with door.owner():
        Leave.objects.create(
            staff=door.cast.rm, stand_in=door.cast.mate, from_day=MONDAY, to_day=MONDAY + timedelta(days=1), answer="accepted",
            asked_by=door.cast.rm, asked_at=moment("08:00"), answered_by=door.cast.mate, answered_at=moment("08:10"),
        )  # fmt: skip
    door.sweep(moment(f"{TUESDAY} 01:00"))
    assert {(each.detail["period"], each.detail["first_day"]): each.state for each in owing(door)} == {
        ("day", "2026-03-02"): "withdrawn", ("week", "2026-03-02"): "open", ("day", "2026-03-03"): "open",
    }  # fmt: skip
    assert [each.state for each in owing(door, "mate")] == ["missed", "open", "open"]
    door.sweep(moment("2026-03-09 01:00"))
    hers = {(each.detail["period"], each.detail["first_day"]): each.state for each in owing(door)}
    assert (hers["day", "2026-03-03"], hers["week", "2026-03-02"]) == ("missed", "missed")

    with door.owner():
        Leave.objects.filter(staff=door.cast.rm).update(from_day=date(2026, 3, 9), to_day=date(2026, 3, 14))
    door.sweep(moment("2026-03-16 01:00"))
    hers = {(each.detail["period"], each.detail["first_day"]): each.state for each in owing(door)}
    assert hers["week", "2026-03-09"] == "withdrawn", "away from Monday to Friday"
