"""The schedule: each row has the one thing to do with it, as on Today, and says its reason as one says it today."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.customers.models import Customer
from zhike.obligations import promises
from zhike.obligations.models import Obligation

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
VERB = re.compile(
    r'row-do"><(?:a class="[^"]*" href|form method="post" action)="([^"]+)".*?>([^<>]+)</(?:a|button)>', re.DOTALL
)
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone


@pytest.fixture
def week(cast: Cast) -> dict[str, int]:
    """Monday: a reception that is over, a call under way, another planned. Wednesday: a visit that is agreed, a call."""
    customers, bank = cast.customers["rm"], Bank()
    with cast.acting("rm", NOW) as actor:
        before = NOW - timedelta(hours=2)
        met = course.plan(customers[0], "reception", actor=actor, now=before)
        course.start(met, actor=actor, now=before, bank=bank)
        course.end(met, actor=actor, now=before + timedelta(minutes=20), bank=bank)
        rung = course.plan(customers[1], "call", actor=actor, now=NOW, purpose="introduction")
        course.start(rung, actor=actor, now=NOW - timedelta(minutes=1), bank=bank)
        later = course.plan(
            customers[2], "call", actor=actor, now=NOW, planned_for=NOW + timedelta(hours=2), purpose="introduction"
        )
        wednesday = NOW + timedelta(days=2)
        visit = course.plan(customers[0], "visit", actor=actor, now=NOW)
        course.agree(visit, at=wednesday, place="滨江壹号", actor=actor, now=NOW, bank=bank)
        call = course.plan(
            customers[2],
            "call",
            actor=actor,
            now=NOW,
            planned_for=wednesday + timedelta(hours=1),
            purpose="introduction",
        )
    return {"met": met.pk, "rung": rung.pk, "later": later.pk, "visit": visit.pk, "call": call.pk}


def rows(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-row="(\w+)">(.*?)</li>', page, re.DOTALL))


def test_each_row_has_its_verb(cast: Cast, week: dict[str, int]) -> None:
    with clock.at(NOW):
        found = rows(cast.client("rm", NOW).get("/schedule/").content.decode())
    verbs = {name: VERB.search(found[f"c{id}"]) for name, id in week.items()}
    assert {name: (verb[1], verb[2]) for name, verb in verbs.items() if verb} == {
        "met": (f"/contacts/{week['met']}/write-up/", "写记录"),
        "rung": (f"/contacts/{week['rung']}/talk/", "继续"),
        "later": (f"/contacts/{week['later']}/start/", "打电话"),
        "visit": (f"/contacts/{week['visit']}/prepare/", "准备"),
        "call": (f"/contacts/{week['call']}/prepare/", "准备"),
    }
    owed = next(row for id, row in found.items() if id.startswith("o") and "写记录" in row)
    assert f"/contacts/{week['met']}/write-up/" in owed


def test_reasons_leave_out_the_day_that_is_today(cast: Cast, week: dict[str, int]) -> None:
    with clock.at(NOW):
        found = rows(cast.client("rm", NOW).get("/schedule/").content.decode())
    reasons = [re.sub(r"<[^>]+>", "", row) for id, row in found.items() if id.startswith("o")]
    assert any("12:20 接待结束" in reason for reason in reasons), reasons
    assert not any("3月2日" in reason for reason in reasons), reasons
    with clock.at(NOW + timedelta(days=1)):
        next_day = rows(cast.client("rm", NOW + timedelta(days=1)).get("/schedule/").content.decode())
    assert any("3月2日 12:20 接待结束" in re.sub(r"<[^>]+>", "", row) for row in next_day.values())


def test_whoever_looks_on_is_led_to_the_thing(cast: Cast, week: dict[str, int]) -> None:
    with clock.at(NOW):
        page = cast.client("leader", NOW).get(f"/schedule/?of={cast.rm.pk}").content.decode()
    row = rows(page)[f"c{week['met']}"]
    assert f'href="/contacts/{week["met"]}/"' in row
    assert "打开" in row
    assert "/write-up/" not in page


def test_hours_that_are_taken_are_not_offered(cast: Cast, week: dict[str, int]) -> None:
    """A visit at 14:00 on Wednesday takes till 14:45, a call at 15:00 ten minutes: neither leaves room for a visit at 14:30
    or 15:00, nor for a call.
    """
    offered = {}
    with clock.at(NOW):
        browser = cast.client("rm", NOW)
        for kind in ("visit", "call"):
            page = browser.get(f"/schedule/new/?day=2026-03-04&kind={kind}").content.decode()
            offered[kind] = re.findall(r'name="at" value="([^"]+)"', page)
    assert offered == {"visit": ["09:30", "10:00", "16:00"], "call": ["09:30", "10:00", "16:00"]}
    with clock.at(NOW):
        page = cast.client("rm", NOW).get("/schedule/new/?day=2026-03-02&kind=visit").content.decode()
    assert re.findall(r'name="at" value="([^"]+)"', page) == ["14:30", "15:00"], "at 16:00 there is a call"


def test_what_is_owed_of_a_customer_out_of_sight_stands_there_without_them(cast: Cast, owner: Role) -> None:
    customer = cast.customers["rm"][0]
    with cast.acting("rm", NOW) as actor:
        promises.make(
            "回复利率", key=uuid4(), to="customer", customer=customer, due=NOW + timedelta(days=1), actor=actor, now=NOW, bank=Bank()
        )  # fmt: skip
    with owner():
        Customer.objects.filter(pk=customer.pk).update(rm=cast.stranger, unit=cast.units["lujiazui"])
        Obligation.objects.filter(customer=customer).update(owner=cast.rm)
    with clock.at(NOW):
        answer = cast.client("rm", NOW).get("/schedule/")
    assert answer.status_code == 200
    assert customer.name not in answer.content.decode()
