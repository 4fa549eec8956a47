"""A round of calls: who is planned, who stays out and why; nobody twice, nobody out of sight."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse

from tests.cast import Cast, a_customer
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.customers.models import Acquaintance, Customer

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone
MORNING = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)
KNOWN = {"mobile": {"v": "d1:x"}}


@pytest.fixture
def some(cast: Cast, owner: Role) -> dict[str, Customer]:
    with owner():
        made = {
            name: a_customer(called, cast.rm, cast.units["century"], **{"profile": KNOWN, **more})
            for name, called, more in (
                ("one", "甲一一", {}),
                ("two", "乙二二", {}),
                ("first", "丙三三", {}),
                ("silent", "丁四四", {"profile": {}}),
                ("disturbed", "戊五五", {"do_not_disturb": True}),
                ("dead", "己六六", {"deceased_on": date(2026, 2, 1)}),
            )
        }
        for name, each in made.items():
            if name != "first":
                Acquaintance.objects.create(customer=each, rm=cast.rm, called_source="import", met_source="import")
    return made


def plan(cast: Cast, customers: Any, who: str = "rm", **more: Any) -> HttpResponse:
    given = {"customer": [each.pk for each in customers], "day": "2026-03-03", "time": "9:30", "purpose": "care"}
    with clock.at(NOW):
        answer: HttpResponse = cast.client(who, NOW).post("/customers/round/", {**given, **more})
    return answer


def planned() -> list[tuple[str, datetime, str]]:
    rows = Contact.objects.filter(kind="call", state="planned").order_by("planned_for")
    return [(each.customer.name, each.planned_for, each.purpose) for each in rows.select_related("customer")]


def why(answer: HttpResponse) -> dict[str, str]:
    """Whom the page says to be left out, with the sentence."""
    page = answer.content.decode()
    lines = re.findall(r'<li class="list-line"><span class="who-line">.*?</li>', page, re.DOTALL)
    found = {}
    for line in lines:
        name, said = re.search(r"<b>([^<]+)</b>", line), re.search(r"<small>([^<]+)", line)
        if name and said:
            found[name[1]] = said[1].strip()
    return found


def test_many_are_planned_one_after_the_other(cast: Cast, some: dict[str, Customer]) -> None:
    answer = plan(cast, [some["two"], some["one"]], purpose_words="节后问候")
    assert answer.status_code == 303
    assert answer["Location"] == "/schedule/?from=2026-03-02#d2026-03-03"
    with cast.acting("rm", NOW):
        assert planned() == [
            ("乙二二", MORNING, "care"),
            ("甲一一", MORNING + timedelta(minutes=10), "care"),
        ]
        assert set(Contact.objects.values_list("purpose_words", "rm_id", "by_id")) == {
            ("节后问候", cast.rm.pk, cast.rm.pk)
        }


def test_who_cannot_be_says_why_and_keeps_nobody_else_out(cast: Cast, some: dict[str, Customer]) -> None:
    answer = plan(cast, some.values())
    assert answer.status_code == 200
    assert why(answer) == {
        "丁四四": "没有电话号码，先补上再打。",
        "戊五五": "客户要求免打扰，不集中外呼。",
        "己六六": "客户已经去世，一切联系都已停止。",
    }
    with cast.acting("rm", NOW):
        assert [(name, purpose) for name, _at, purpose in planned()] == [
            ("甲一一", "care"),
            ("乙二二", "care"),
            ("丙三三", "introduction"),  # C9: a first call introduces, whatever was chosen
        ]


def test_pressed_twice_it_plans_once(cast: Cast, some: dict[str, Customer]) -> None:
    plan(cast, [some["one"]])
    assert why(plan(cast, [some["one"]])) == {"甲一一": "已安排在3月3日 09:30 通话。"}
    with cast.acting("rm", NOW):
        assert len(planned()) == 1


def test_the_guards_of_a_call_are_asked(cast: Cast, some: dict[str, Customer], owner: Role) -> None:
    """S5: whom two calls of the week have sold to is not sold to a third time, and is told by clause; the other is called."""
    with owner():
        for days in (1, 2):
            at = NOW - timedelta(days=days)
            Contact.objects.create(
                kind="call", state="closed", customer=some["one"], rm=cast.rm, held_by=cast.rm, by=cast.rm, purpose="maturity",
                created_at=at, started_at=at, ended_at=at, closed_at=at, outcome="reached", tier="regular",
            )  # fmt: skip
    answer = plan(cast, [some["one"], some["two"]], purpose="maturity")
    assert list(why(answer)) == ["甲一一"]
    assert "营销电话" in why(answer)["甲一一"]
    assert "S5" in answer.content.decode()
    with cast.acting("rm", NOW):
        assert [name for name, _at, _purpose in planned()] == ["乙二二"]


def test_a_day_that_is_full_says_so(cast: Cast, some: dict[str, Customer]) -> None:
    answer = plan(cast, [some["one"], some["two"]], time="19:50")
    assert why(answer) == {"乙二二": "当天排不下了，请另选一天。"}


@pytest.mark.parametrize(("more", "said"), [
    ({"day": "2026-03-01"}, "已经过去"),
    ({"time": "25:00"}, "例如 2026-03-02"),
    ({"purpose": "chat"}, "请先选定通话目的"),
    ({"customer": []}, "还没有选中客户"),
])  # fmt: skip
def test_what_does_not_fit_is_said_and_nothing_is_planned(
    cast: Cast, some: dict[str, Customer], more: dict[str, Any], said: str
) -> None:
    answer = plan(cast, [some["one"]], **more)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with cast.acting("rm", NOW):
        assert planned() == []


def test_calls_lie_around_what_stands_on_the_day(cast: Cast, some: dict[str, Customer]) -> None:
    """Ten minutes a call; a reception agreed for ten takes the time that the bank proposes, forty-five minutes."""
    with cast.acting("rm", NOW) as actor:
        course.plan(
            cast.customers["rm"][0], "reception", actor=actor, now=NOW, planned_for=MORNING + timedelta(minutes=30)
        )
    plan(cast, [some["one"], some["two"], some["first"]], time="9:45")
    at = [each.astimezone(Bank().zone).strftime("%H:%M") for _name, each, _purpose in planned()]
    assert at == ["09:45", "10:45", "10:55"]


@pytest.mark.parametrize("time", ["3:00", "8:59", "20:00"])
def test_nobody_is_called_at_night(cast: Cast, some: dict[str, Customer], time: str) -> None:
    answer = plan(cast, [some["one"]], time=time)
    assert answer.status_code == 422
    assert "集中外呼安排在 09:00–20:00 之间" in answer.content.decode()
    assert planned() == []


def test_no_more_than_fifty_at_once(cast: Cast, owner: Role) -> None:
    with owner():
        many = [a_customer(f"众{n}", cast.rm, cast.units["century"], profile=KNOWN) for n in range(51)]
    assert plan(cast, many).status_code == 422
    assert plan(cast, many[:50]).status_code == 303
    with cast.acting("rm", NOW):
        assert len(planned()) == 50


def test_another_book_is_out_of_reach(cast: Cast, some: dict[str, Customer]) -> None:
    """A stranger's customers do not exist; a leader plans for the RM, whose call it is."""
    answer = plan(cast, [some["one"]], who="stranger")
    assert "甲一一" not in answer.content.decode()
    assert plan(cast, [some["one"]], who="leader").status_code == 303
    with cast.acting("rm", NOW):
        assert set(Contact.objects.values_list("rm_id", "by_id")) == {(cast.rm.pk, cast.leader.pk)}


def test_the_page_shows_who_was_ticked_and_who_stays_out(cast: Cast, some: dict[str, Customer]) -> None:
    with clock.at(NOW):
        ticked = {"customer": [some["one"].pk, some["silent"].pk], "purpose": "birthday"}
        answer = cast.client("rm", NOW).get("/customers/round/", ticked)
    page = answer.content.decode()
    assert re.findall(r'name="customer" value="(\d+)" checked', page) == [str(some["one"].pk)]
    assert list(why(answer)) == ["丁四四"]
    assert re.search(r'value="birthday" checked', page)
    assert '<small class="push">上次联系 还没有过</small>' in page, "a day alone says nothing"


def test_a_call_that_stands_far_ahead_keeps_nobody_out_and_a_near_one_says_where(
    cast: Cast, some: dict[str, Customer]
) -> None:
    with cast.acting("rm", NOW) as actor:
        near, _far = (
            course.plan(
                some[name], "call", actor=actor, now=NOW, purpose="care", planned_for=NOW + timedelta(days=days)
            )
            for name, days in (("one", 6), ("two", 90))
        )
    answer = plan(cast, [some["one"], some["two"]])
    assert why(answer) == {"甲一一": "已安排在3月8日 14:00 通话。"}
    assert f'href="/contacts/{near.pk}/"' in answer.content.decode()
    with cast.acting("rm", NOW):
        assert [each for each in planned() if each[1] == MORNING] == [("乙二二", MORNING, "care")]
    with clock.at(NOW):
        ticked = cast.client("rm", NOW).get("/customers/round/", {"customer": [some["one"].pk]}).content.decode()
    assert f'href="/contacts/{near.pk}/"' in ticked


def test_a_leader_is_led_to_the_schedule_where_the_calls_stand(cast: Cast, some: dict[str, Customer]) -> None:
    answer = plan(cast, [some["one"]], who="leader")
    assert answer["Location"] == f"/schedule/?from=2026-03-02&of={cast.rm.pk}#d2026-03-03"
    with clock.at(NOW):
        leader = cast.client("leader", NOW)
        theirs = leader.get(answer["Location"]).content.decode()
        assert "林晓的日程" in theirs
        assert "甲一一" in theirs
        assert f"of={cast.rm.pk}" in theirs, "the weeks around are the RM's as well"
        assert "甲一一" not in leader.get("/schedule/?from=2026-03-02").content.decode()
        for who in ("rm", "stranger"):
            other = cast.leader if who == "rm" else cast.rm
            assert cast.client(who, NOW).get(f"/schedule/?of={other.pk}").status_code == 404


def test_a_round_for_two_books_names_both_schedules(cast: Cast, some: dict[str, Customer], owner: Role) -> None:
    mate = cast.customers["mate"][0]
    with owner():
        Customer.objects.filter(pk=mate.pk).update(profile=KNOWN)
    answer = plan(cast, [some["one"], mate], who="leader")
    page = answer.content.decode()
    for staff in (cast.rm, cast.staff["mate"]):
        assert f"{staff.name}的日程" in page
        assert f"of={staff.pk}#d2026-03-03" in page
