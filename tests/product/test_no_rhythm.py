"""R13, C6: "by rhythm" is a plan where the tier has a rhythm; elsewhere the write-up closes with a day or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from tests.cast import Cast
from tests.product.api import NOW, Program, at
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.customers.models import Customer

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOTHING = {"result": "no_business", "no_need": True}


def received(cast: Cast, owner: Role, tier: str, **more: Any) -> Contact:
    """A reception of a customer of this tier that has just ended."""
    customer = cast.customers["rm"][0]
    with owner():
        Customer.objects.filter(pk=customer.pk).update(tier=tier, **more)
        customer.refresh_from_db()
    with cast.acting("rm", NOW) as actor:
        contact = course.plan(customer, "reception", actor=actor, now=NOW, incoming=True, purpose="care")
        course.start(contact, actor=actor, now=NOW - timedelta(minutes=20), bank=Bank())
        return course.end(contact, actor=actor, now=NOW, bank=Bank())


def test_a_program_cannot_close_without_a_plan(cast: Cast, owner: Role, worker: Role) -> None:
    contact = received(cast, owner, "regular")
    with worker():
        program = Program(cast, "rm")
    with clock.at(NOW):
        path = f"contacts/{contact.pk}/write-up"
        refused = program.post(path, {**NOTHING, "by_rhythm": True}, status=422)
        assert (refused["clause"], refused["verdicts"][0]["name"]) == ("R13", "no_rhythm")
        assert "没有联系频次" in refused["detail"]
        plan = {"kind": "call", "at": at(60 * 24 * 30), "purpose": "care"}
        assert program.post(path, {**NOTHING, "next": plan})["state"] == "closed"


@pytest.mark.parametrize(("tier", "offered"), [("regular", False), ("gold", True)])
def test_the_page_offers_it_where_there_is_a_rhythm(cast: Cast, owner: Role, tier: str, offered: bool) -> None:
    contact = received(cast, owner, tier)
    with clock.at(NOW):
        rm = cast.client("rm", NOW)
        page = rm.get(f"/contacts/{contact.pk}/write-up/").content.decode()
        assert ('name="next" value="rhythm"' in page) is offered
        form = {"result": "no_business", "need": "none", "next": "rhythm"}
        answer = rm.post(f"/contacts/{contact.pk}/close/", form)
    assert answer.status_code == (303 if offered else 422)
    if not offered:
        assert "请定下次联系" in answer.content.decode()


def test_where_contact_has_stopped_nobody_is_made_to_plan_one(cast: Cast, owner: Role) -> None:
    contact = received(cast, owner, "regular", do_not_disturb=True)
    with clock.at(NOW):
        rm = cast.client("rm", NOW)
        answer = rm.post(f"/contacts/{contact.pk}/close/", {"result": "no_business", "need": "none", "next": "rhythm"})
    assert answer.status_code == 303
