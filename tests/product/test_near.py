"""The search box before a letter is typed, and an appointment that begins at its day."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast, a_customer
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.contacts.near import near
from zhike.customers.models import Customer
from zhike.obligations.models import Fact, Obligation

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone


def owe(customer: Customer, due: datetime) -> None:
    fact = Fact.objects.create(
        kind="promise_made", data={}, at=NOW, known_at=NOW, staff_id=customer.rm_id, customer=customer
    )
    Obligation.objects.create(
        fact=fact, clause="W11", clause_from=date(2020, 1, 1), kind="promise", force="must", owner_id=customer.rm_id,
        customer=customer, what={"zh": "答复利率", "en": "answer"}, why={"zh": "", "en": ""},
        opens=due - timedelta(days=1), due=due, created_at=NOW, key=f"near:{customer.pk}:{due}",
    )  # fmt: skip


@pytest.fixture
def day(cast: Cast, owner: Role) -> dict[str, Customer]:
    """One owed something late, one within the hour, one with a visit today, one met yesterday, one nothing."""
    with owner():
        made = {
            name: a_customer(called, cast.rm, cast.units["century"])
            for name, called in (
                ("late", "迟到到"), ("soon", "马上上"), ("visit", "拜访访"), ("met", "昨天天"), ("none", "没事事"),
                ("tomorrow", "明天天"),
            )
        }  # fmt: skip
        owe(made["late"], NOW - timedelta(days=2))
        owe(made["soon"], NOW + timedelta(minutes=50))
        owe(made["tomorrow"], NOW + timedelta(days=1))
    with cast.acting("rm", NOW) as actor:
        course.plan(made["visit"], "visit", actor=actor, now=NOW, planned_for=NOW + timedelta(hours=2))
        for name, when in (("met", NOW - timedelta(days=1)), ("late", NOW - timedelta(days=3))):
            contact = course.plan(made[name], "reception", actor=actor, now=when, purpose="care")
            course.start(contact, actor=actor, now=when, bank=Bank())
    return made


def test_todays_customers_come_first_then_whom_one_last_met(cast: Cast, day: dict[str, Customer]) -> None:
    """What comes next before what is late; nobody twice; nobody of tomorrow; one statement."""
    with cast.acting("rm", NOW) as actor, CaptureQueriesContext(connection) as asked:
        today, lately = near(actor, NOW, Bank())
    assert [each.name for each in today] == ["马上上", "拜访访", "迟到到"]
    assert [each.name for each in lately] == ["昨天天"]
    assert len(asked) == 1
    with cast.acting("mate", NOW) as actor:
        assert near(actor, NOW, Bank()) == ([], [])


def test_the_box_shows_them_before_a_letter_is_typed(cast: Cast, day: dict[str, Customer]) -> None:
    with clock.at(NOW):
        page = cast.client("rm", NOW).post("/search/hits/", {"q": ""}).content.decode()
        nobody = cast.client("auditor", NOW).post("/search/hits/", {"q": ""}).content.decode()
    assert re.findall(r'role="group" aria-label="([^"]+)"', page) == ["今日", "最近联系"]
    hits = re.findall(r'role="option"[^>]*href="([^"]+)"><b>([^<]+)</b>.*?<small>([^<]+)</small>', page)
    assert hits[0] == (f"/customers/{day['soon'].pk}/", "马上上", "答复利率")
    assert hits[1][1:] == ("拜访访", "16:00 拜访")
    assert hits[2][1:] == ("迟到到", "逾期 · 答复利率")
    assert hits[3][1:] == ("昨天天", "周日 14:00 接待")
    assert "role=" not in nobody, "who owes nothing sees nothing, and no complaint"


def test_a_hit_leads_on_to_the_form_with_its_day_and_hour(cast: Cast, day: dict[str, Customer]) -> None:
    browser, found = cast.client("rm", NOW), day["none"]
    asked = {"kind": "visit", "day": "2026-03-04", "time": "10:00"}
    with clock.at(NOW):
        page = browser.post("/search/hits/", {**asked, "q": "没事"}).content.decode()
        href = f"/customers/{found.pk}/new/visit/?how=agree&amp;day=2026-03-04&amp;time=10%3A00"
        assert f'href="{href}"' in page
        form = browser.get(href.replace("&amp;", "&")).content.decode()
        assert 'name="day" value="2026-03-04"' in form
        assert 'name="time" value="10:00"' in form
        alone = browser.post("/schedule/new/", {**asked, "q": "没事"})
        assert alone["Location"] == href.replace("&amp;", "&"), "and without script"
        many = browser.post("/schedule/new/", {**asked, "q": "天"}, follow=True).content.decode()
        assert many.count("/new/visit/?how=agree&amp;day=2026-03-04&amp;time=10%3A00") == 2


def test_each_day_ahead_offers_an_appointment_and_past_days_are_folded(cast: Cast, day: dict[str, Customer]) -> None:
    wednesday = NOW + timedelta(days=2)
    with clock.at(wednesday):
        page = cast.client("rm", wednesday).get("/schedule/").content.decode()
        looks_on = cast.client("auditor", wednesday).get("/schedule/").content.decode()
    offered = re.findall(r'href="/schedule/new/\?day=([\d-]+)"', page)
    assert offered == [f"2026-03-0{each}" for each in (4, 5, 6, 7, 8)]
    folded = page[page.index("line-past") : page.index('id="d2026-03-04"')]
    assert "拜访访" in folded
    assert "拜访访" not in page[page.index('id="d2026-03-04"') :]
    assert "/schedule/new/" not in looks_on
    with clock.at(NOW):
        before = cast.client("rm", NOW).get("/schedule/?from=2026-02-23").content.decode()
    assert "line-past" not in before, "a week that is over is looked at because it is over"


def test_what_is_taken_of_a_day_stands_beside_its_hours(cast: Cast, day: dict[str, Customer]) -> None:
    with clock.at(NOW):
        page = cast.client("rm", NOW).get("/schedule/new/?day=2026-02-20&kind=nonsense").content.decode()
    assert 'name="day" value="2026-03-02"' in page, "a day that is past becomes today"
    assert "16:00 拜访访" in page


def test_being_at_the_door_says_its_hour(cast: Cast, day: dict[str, Customer]) -> None:
    visit = Contact.objects.filter(customer=day["visit"])
    with cast.acting("rm", NOW) as actor:
        course.agree(visit.get(), at=NOW + timedelta(hours=2), place="滨江壹号", actor=actor, now=NOW, bank=Bank())
    with clock.at(NOW):
        hits = cast.client("rm", NOW).post("/search/hits/", {"q": ""}).content.decode()
    assert re.search(r"拜访访.*?<small>15:45 拜访：到门口", hits, re.DOTALL)
