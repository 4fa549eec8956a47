"""One path through everything below the edges: received, written up, thanks owed, done."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from zhike.conduct.bank import Bank
from zhike.contacts import course, write_up
from zhike.contacts.write_up import NeedHeard, NextContact, PromiseMade, WriteUp
from zhike.customers.models import Book, Customer
from zhike.obligations.models import Obligation
from zhike.people.actor import acting
from zhike.people.models import Post, Staff, Unit

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in Shanghai


@pytest.fixture
def lin(owner):
    with owner():
        unit = Unit.objects.create(code="1", name="柳浪支行", kind="sub_branch", from_day="2020-01-01")
        staff = Staff.objects.seat(number="1001", name="林晓")
        Post.objects.create(staff=staff, unit=unit, role="rm", scope="own", from_day="2020-01-01")
        customer = Customer.objects.create(
            name="梁雪梅", honorific="梁老师", tier="platinum", rm=staff, unit=unit, assets=Decimal(300000),
            mobile_index=b"x", created_at=NOW, changed_at=NOW, profile={"mobile": {"v": "sealed"}},
        )  # fmt: skip
        Book.objects.create(customer=customer, rm=staff, from_day="2025-01-01", at=NOW)
    return staff


def owed(state="open"):
    return {(o.clause, o.kind): o for o in Obligation.objects.filter(state=state)}


def test_a_platinum_customer_is_received_thanked_and_written_up(lin):
    with acting(lin.id, NOW) as actor:
        customer = Customer.objects.visible_to(actor).get()
        contact = course.plan(customer, "reception", actor=actor, now=NOW, incoming=True)
        course.start(contact, actor=actor, now=NOW, bank=Bank())
        later = NOW + timedelta(minutes=27)
        course.end(contact, actor=actor, now=later, bank=Bank(), seen_off="branch_door")
        assert set(owed()) == {("R12", "thanks"), ("R13", "write_up"), ("R4", "find_out")}
        thanks = owed()["R12", "thanks"]
        assert thanks.channels == ["sms"] and thanks.detail["text"] == "first"
        assert thanks.due == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
        write_up.close(
            contact,
            WriteUp(
                result="inclined",
                needs=[NeedHeard("deposit", "四月 30 万到账")],
                next=NextContact("call", NOW + timedelta(days=30)),
                promises=[PromiseMade("查老号码能不能留")],
                demands=["换卡"],
            ),
            actor=actor,
            now=later + timedelta(minutes=5),
            bank=Bank(),
        )
        assert contact.state == "closed"
        assert ("R13", "write_up") in owed("done")
        assert {("W11", "promise"), ("R12", "thanks")} <= set(owed())
        assert customer.needs.get().words == "四月 30 万到账"
        assert contact.followed_by.get().state == "planned"
