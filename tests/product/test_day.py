"""One path through everything below the edges: received, written up, thanks owed, done."""

from datetime import UTC, date, datetime, timedelta
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
        assert (thanks.channels, thanks.detail["text"]) == (["sms"], "first")
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


def test_today_says_what_is_owed_and_why(lin):
    import json

    from zhike.obligations.today import today

    with acting(lin.id, NOW) as actor:
        contact = course.plan(Customer.objects.get(), "reception", actor=actor, now=NOW, incoming=True)
        course.start(contact, actor=actor, now=NOW, bank=Bank())
        course.end(contact, actor=actor, now=NOW + timedelta(minutes=27), bank=Bank())
        rows = json.loads(today(actor, now=NOW + timedelta(minutes=30)))["rows"]
    assert [row["what"]["zh"] for row in rows] == ["接待后致谢 · 短信 · 含自我介绍", "写接待记录"]
    assert rows[0]["why"]["zh"] == "3月2日 14:27 接待结束，白金，首次见面"
    assert rows[0]["customer"]["honorific"] == "梁老师"


def test_a_thank_you_recorded_closes_what_was_owed_and_can_be_taken_back(lin):
    from zhike.conduct.guard import Blocked
    from zhike.contacts.completion import How, complete, undo

    with acting(lin.id, NOW) as actor:
        contact = course.plan(Customer.objects.get(), "reception", actor=actor, now=NOW, incoming=True)
        course.start(contact, actor=actor, now=NOW, bank=Bank())
        course.end(contact, actor=actor, now=NOW + timedelta(minutes=27), bank=Bank())
        thanks = owed()["R12", "thanks"]
        later = NOW + timedelta(minutes=40)
        with pytest.raises(Blocked, match="R12"):
            complete(thanks, How(channel="sms"), actor=actor, now=later, bank=Bank())
        complete(thanks, How(channel="sms", through="own_phone", introduces=True), actor=actor, now=later, bank=Bank())
        assert thanks.state == "done"
        undo(thanks, actor=actor, now=later + timedelta(minutes=1), bank=Bank())
        assert thanks.state == "open"


def test_the_sweep_adds_birthdays_and_rhythm_once(lin, owner, worker):
    from zhike.obligations.sweep import sweep

    with owner():
        Customer.objects.update(birth_calendar="lunar", birth_month=12, birth_day=30)
    day = datetime(2026, 2, 15, 16, 0, tzinfo=UTC)  # 除夕, the 29th of the twelfth month
    with worker():
        first = sweep(day.astimezone(Bank().zone).date(), now=day, bank=Bank())
        again = sweep(day.astimezone(Bank().zone).date(), now=day, bank=Bank())
    assert (first.birthdays, again.birthdays) == (1, 0)
    assert again.rhythm == 0


def test_sweeping_another_day_hands_nobody_over(lin, owner, worker):
    from zhike.obligations.sweep import sweep

    with owner():
        other = Staff.objects.seat(number="1099", name="许一凡")
        Post.objects.create(staff=other, unit=Unit.objects.get(), role="rm", scope="own", from_day="2020-01-01")
        customer = Customer.objects.get()
        Book.objects.update(to_day=date(2026, 6, 1))
        Book.objects.create(customer=customer, rm=other, from_day=date(2024, 1, 1), to_day=date(2025, 1, 1), at=NOW)
        Book.objects.create(customer=customer, rm=other, from_day=date(2026, 6, 1), at=NOW)
    with worker():
        for day in (date(2024, 7, 1), date(2026, 7, 1)):
            assert sweep(day, now=NOW, bank=Bank()).handed_over == 0
        assert Customer.objects.get().rm_id == lin.id


def test_a_contact_recorded_by_mistake_takes_back_what_it_caused(lin):
    from zhike.contacts.correction import amend, strike
    from zhike.contacts.history import history

    with acting(lin.id, NOW) as actor:
        contact = course.plan(Customer.objects.get(), "reception", actor=actor, now=NOW, incoming=True)
        course.start(contact, actor=actor, now=NOW, bank=Bank())
        course.end(contact, actor=actor, now=NOW + timedelta(minutes=27), bank=Bank())
        write_up.close(
            contact,
            WriteUp(result="inclined", no_need=True, by_rhythm=True),
            actor=actor,
            now=NOW + timedelta(minutes=30),
            bank=Bank(),
        )
        # The farewell was in truth at 21:30 the evening before: the thanks are due at noon.
        late = NOW - timedelta(hours=16, minutes=30)
        changes = {"started_at": late - timedelta(minutes=10), "ended_at": late}
        amend(contact, changes, reason="记错了日期", actor=actor, now=NOW + timedelta(hours=1), bank=Bank())
        assert owed()["R12", "thanks"].due == datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
        assert ("R13", "write_up") in owed("done")
        strike(contact, reason="记错了客户", actor=actor, now=NOW + timedelta(hours=1), bank=Bank())
        assert ("R12", "thanks") not in owed()
        assert history(contact.customer_id, lin.id, Bank()).first_met_at is None


def test_an_accepted_invitation_is_a_planned_reception_that_the_rm_invited_to(lin):
    with acting(lin.id, NOW) as actor:
        contact = course.plan(Customer.objects.get(), "call", actor=actor, now=NOW, purpose="introduction")
        course.start(contact, actor=actor, now=NOW, bank=Bank())
        course.put_through(contact, "reached", actor=actor, now=NOW + timedelta(minutes=3), bank=Bank())
        assert set(owed()) == {("C6", "write_up"), ("C10", "thanks")}
        write_up.close(
            contact,
            WriteUp(no_need=True, seen={"invitation": "accepted"}, next=NextContact("reception", NOW + timedelta(days=2))),
            actor=actor, now=NOW + timedelta(minutes=5), bank=Bank(),
        )  # fmt: skip
        coming = contact.followed_by.get()
    assert (coming.state, coming.invited_by_rm, coming.told_customer) == ("agreed", True, True)


def test_a_death_stops_what_is_owed_to_the_customer_and_nothing_else(lin):
    from zhike.obligations.stops import stop

    with acting(lin.id, NOW) as actor:
        customer = Customer.objects.get()
        contact = course.plan(customer, "reception", actor=actor, now=NOW, incoming=True)
        course.start(contact, actor=actor, now=NOW, bank=Bank())
        course.end(contact, actor=actor, now=NOW + timedelta(minutes=27), bank=Bank())
        stop(
            customer,
            "deceased",
            on=NOW.date(),
            evidence="死亡证明",
            actor=actor,
            now=NOW + timedelta(hours=1),
            bank=Bank(),
        )
        assert set(owed()) == {("R13", "write_up")}
        assert owed("cannot")["R12", "thanks"].evidence["why"] == "deceased"
        write_up.close(
            contact,
            WriteUp(result="inclined", no_need=True, by_rhythm=True, learned={"hobbies": "二胡"}),
            actor=actor, now=NOW + timedelta(hours=2), bank=Bank(),
        )  # fmt: skip
        customer.refresh_from_db()
        assert customer.profile["hobbies"]["contact"] == contact.pk


def test_a_month_whose_rows_came_before_it_was_made_stays_with_the_rest(lin, worker):
    from django.db import connection

    with acting(lin.id, datetime(2019, 5, 3, tzinfo=UTC)):
        Customer.objects.update(honorific="梁女士")
    with worker(), connection.cursor() as cursor:
        cursor.execute("SELECT trail_month('2019-05-20')")
        cursor.execute("SELECT count(*) FROM trail_entry WHERE at < '2019-06-01'")
        assert cursor.fetchone()[0] >= 1
