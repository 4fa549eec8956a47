"""A limit and several who reach it at the same moment (:mod:`tests.product.at_once`)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from tests.cast import Cast
from tests.conftest import Database
from tests.product.at_once import NOW, at_once, owner
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.contacts import course
from zhike.customers.models import Customer
from zhike.people import tokens
from zhike.people.models import Setting, Staff, Token
from zhike.trail.models import Entry


def limit(name: str, value: int) -> None:
    with owner():
        Setting.objects.create(name=name, value=value, from_day=date(2026, 1, 1), at=NOW)


def test_no_more_numbers_are_shown_than_the_day_allows(database: Database, seated: Cast) -> None:
    limit("reveals_a_day", 2)
    one = seated.customers["rm"][0]
    with seated.acting("rm", NOW) as actor:
        one.learn("mobile", "13898761234", source="contact", actor=actor, now=NOW)
    browsers = [seated.client("rm", NOW) for _ in range(4)]
    address = f"/customers/{one.pk}/reveal/mobile/"
    pages = at_once(
        database, "trail_entry", [lambda browser=each: browser.post(address).content.decode() for each in browsers]
    )
    assert sum("13898761234" in page for page in pages) == 2
    assert sum("2 次" in page or "2 个" in page for page in pages) >= 2
    with owner():
        assert Entry.objects.filter(action="reveal").count() == 2


def test_nobody_has_more_tokens_than_allowed(database: Database, seated: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "AT_MOST", 1)

    def make() -> str:
        try:
            with seated.acting("rm", NOW) as actor:
                return tokens.make(actor, "robot", 7, NOW, Bank())
        except Refused:
            return "refused"

    made = at_once(database, "people_token", [make, make, make])
    assert made.count("refused") == 2
    with owner():
        assert Token.objects.count() == 1


def test_a_customer_gets_one_call_that_sells_a_day(database: Database, seated: Cast) -> None:
    """Their RM and a leader dial at the same moment: S5 counts per customer, whoever calls."""
    customer = seated.customers["rm"][0]
    with owner():
        Customer.objects.filter(pk=customer.pk).update(last_contact_at=NOW - timedelta(days=30))
    plans = {}
    for who in ("rm", "leader"):
        with seated.acting(who, NOW) as actor:
            plans[who] = course.plan(customer, "call", actor=actor, now=NOW, planned_for=NOW, purpose="need")
    for who in plans:  # whom they called before: a first call sells nothing and is not counted
        with seated.acting(who, NOW) as actor:
            customer.acquaintances.attest(customer, actor, called=True)
    browsers = {who: seated.client(who, NOW) for who in plans}
    answers = at_once(
        database,
        "contacts_contact",
        [lambda who=who: browsers[who].post(f"/contacts/{plans[who].pk}/start/") for who in plans],
    )
    assert sorted(answer.status_code for answer in answers) == [303, 422]


def test_guesses_at_the_same_moment_are_counted_one_by_one(
    database: Database, seated: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at, check = [], Staff.check_password

    def checked(staff: Staff, password: str) -> bool:
        looked_at.append(password)
        return check(staff, password)

    monkeypatch.setattr(Staff, "check_password", checked)

    def guess(password: str) -> int:
        return Client().post("/sign-in/", {"login": "1001", "password": password}).status_code

    guesses = [f"guess {number}" for number in range(8)]
    at_once(database, "axes_accessattempt", [lambda each=each: guess(each) for each in guesses])
    assert len(looked_at) == Bank().lockout_failures == 5
