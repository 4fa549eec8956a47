"""The number that a call dials: starting the call shows it, once, to who runs it, with the call as what it was for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.customers.models import Customer
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone
Role = Callable[[], AbstractContextManager[None]]
TEL = 'href="tel:13898761234"'


@pytest.fixture
def rm(cast: Cast) -> Iterator[Client]:
    with clock.at(NOW):
        yield cast.client("rm", NOW)


@pytest.fixture
def one(cast: Cast) -> Customer:
    customer = cast.customers["rm"][0]
    with cast.acting("rm", NOW) as actor:
        customer.learn("mobile", "13898761234", source="contact", actor=actor, now=NOW)
        customer.learn("phone2", "13311112222", source="contact", actor=actor, now=NOW)
    return customer


def called(browser: Client, customer: Customer, **more: str) -> str:
    """Where the call is shown that starts now."""
    given = {"how": "now", "purpose": "introduction", **more}
    answer = browser.post(f"/customers/{customer.pk}/new/call/", given)
    assert answer.status_code == 303, answer.content.decode()[-1500:]
    return str(answer["Location"])


def reveals(owner: Role) -> list[dict[str, Any]]:
    with owner():
        return list(Entry.objects.filter(action="reveal").order_by("id").values_list("changes", flat=True))


def test_starting_a_call_shows_its_number_once(rm: Client, one: Customer, owner: Role) -> None:
    talk = called(rm, one)
    contact = Contact.objects.get(customer=one)
    for _look in range(3):
        page = rm.get(talk).content.decode()
        assert TEL in page
        assert "13311112222" not in page
    assert reveals(owner) == [{"field": "mobile", "contact": contact.pk}]
    with clock.at(NOW + timedelta(minutes=1)):
        rm.post(f"/contacts/{contact.pk}/outcome/", {"outcome": "no_answer"})
        again = rm.get(talk, follow=True).content.decode()
    assert TEL not in again
    assert "13898761234" not in again


def test_dialling_on_in_the_same_call_is_no_further_reveal(rm: Client, one: Customer, cast: Cast, owner: Role) -> None:
    """The row of what is owed leads back into the running call; a plan's button starts one."""
    with cast.acting("rm", NOW) as actor:
        plan = course.plan(one, "call", actor=actor, now=NOW, planned_for=NOW, purpose="introduction")
    rm.post(f"/contacts/{plan.pk}/start/")
    rm.post(f"/contacts/{plan.pk}/outcome/", {"outcome": "busy", "again_time": "14:05"})
    (owed,) = one.obligations.filter(kind="call_back", state="open")
    for _press in range(2):
        answer = rm.post(f"/obligations/{owed.pk}/call/")
        assert TEL in rm.get(answer["Location"]).content.decode()
    second = Contact.objects.get(customer=one, state="under_way")
    assert reveals(owner) == [
        {"field": "mobile", "contact": plan.pk},
        {"field": "mobile", "contact": second.pk},
    ]


def test_at_the_days_limit_the_call_starts_and_says_why_no_number_is_shown(
    rm: Client, one: Customer, cast: Cast, owner: Role
) -> None:
    with cast.acting("rm", NOW) as actor:
        for _ in range(Bank().reveals_a_day):
            one.reveal("mobile", actor=actor, now=NOW, bank=Bank())
    page = rm.get(called(rm, one)).content.decode()
    assert "13898761234" not in page
    assert re.search(f"已达每日上限 {Bank().reveals_a_day} 次.*请联系管理员", page)
    assert Contact.objects.get(customer=one).state == "under_way"
    assert len(reveals(owner)) == Bank().reveals_a_day


def test_who_does_not_run_the_call_sees_no_number(rm: Client, one: Customer, cast: Cast, owner: Role) -> None:
    """The leader looks on, or calls in the RM's place: masked, with a button of its own."""
    talk = called(rm, one)
    leader = cast.client("leader", NOW)
    for page in (leader.get(talk), leader.get(called(leader, cast.customers["rm"][1]))):
        assert "13898761234" not in page.content.decode()
    assert len(reveals(owner)) == 1


@pytest.mark.parametrize("why", ["do_not_disturb", "deceased_on", "incoming"])
def test_not_in_passing(rm: Client, one: Customer, owner: Role, why: str) -> None:
    """Who is not to be disturbed, has died, or rang us: no number is shown."""
    if why == "incoming":
        assert TEL not in rm.get(called(rm, one, incoming="yes")).content.decode()
        return
    with owner():
        Customer.objects.filter(pk=one.pk).update(**{why: NOW.date() if why.endswith("_on") else True})
    answer = rm.post(f"/customers/{one.pk}/new/call/", {"how": "now", "purpose": "introduction"}, follow=True)
    assert "13898761234" not in answer.content.decode()
    assert reveals(owner) == []
    assert Contact.objects.filter(state="under_way").exists() is (why == "do_not_disturb")


def test_the_trail_says_for_which_call_it_was(rm: Client, one: Customer) -> None:
    called(rm, one)
    contact = Contact.objects.get(customer=one)
    assert f"手机、用于联系 {contact.pk}" in rm.get("/me/").content.decode()
