"""How content customers are (W9): asked by SMS the day after a contact, answered with one digit, shown from enough ratings on."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from tests.cast import Cast
from tests.gateway import Gateway, written
from tests.product.api import NOW, Program
from tests.product.test_messages import Line
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.contacts import correction, course
from zhike.contacts.models import Contact
from zhike.customers import reseal
from zhike.customers.models import Consent, Customer
from zhike.customers.vault import vault
from zhike.obligations.models import Fact, Obligation, Reminder
from zhike.people.models import Leave, Post, Staff, Unit
from zhike.sms import gate, handover, satisfaction
from zhike.sms.models import Message, OptOut, Question, Reply
from zhike.sms.models import question as question_model

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
MOBILE, OTHER = "13800000001", "13800000002"
# NOW is Monday, 2 March 2026, 14:00 in Shanghai. The night's sweep is at half past midnight; the question leaves at 14:00 on Tuesday.
NIGHT = NOW + timedelta(hours=10, minutes=30)
TUESDAY = NOW + timedelta(days=1)
ASKING = replace(Bank(), satisfaction_after=("reception", "visit"))


@pytest.fixture(autouse=True)
def _tuesday() -> Iterator[None]:
    with clock.at(TUESDAY):
        yield


def held(cast: Cast, customer: Customer, ended: datetime = NOW, who: str = "rm", kind: str = "reception") -> Contact:
    """A contact of twenty minutes that has just ended."""
    begin = ended - timedelta(minutes=20)
    with cast.acting(who, ended) as actor:
        contact = course.plan(
            customer,
            kind,
            actor=actor,
            now=begin,
            incoming=kind == "reception",
            purpose="introduction" if kind == "call" else "care",
        )
        course.start(contact, actor=actor, now=begin, bank=Bank())
        if kind == "call":
            course.put_through(contact, "reached", actor=actor, now=ended, bank=Bank())
        else:
            course.end(contact, actor=actor, now=ended, bank=Bank())
    return contact


def with_mobile(cast: Cast, customer: Customer, number: str = MOBILE, who: str = "rm") -> Customer:
    with cast.acting(who, NOW) as actor:
        customer.learn("mobile", number, source="contact", actor=actor, now=NOW - timedelta(days=1))
    return customer


@pytest.fixture
def customer(cast: Cast) -> Customer:
    return with_mobile(cast, cast.customers["rm"][0])


@pytest.fixture
def line(worker: Role) -> Line:
    return Line(worker, Gateway())


def night(worker: Role, now: datetime = NIGHT, bank: Bank = ASKING) -> None:
    """The sweep of the day that has begun."""
    with worker():
        satisfaction.ask(now.astimezone(bank.zone).date(), now, bank)


def asked(cast: Cast, customer: Customer, worker: Role, line: Line) -> Question:
    """Received on Monday, asked on Tuesday at two."""
    held(cast, customer)
    night(worker)
    line.rounds(TUESDAY)
    with worker():
        return Question.objects.get(customer=customer)


def reply(line: Line, text: str, at: datetime, name: str = "mo-1", number: str = MOBILE) -> None:
    line.gateway.coming.append(written(number, text, name))
    line.rounds(at)


def owed(kind: str, worker: Role) -> list[tuple[str, str, str]]:
    with worker():
        return [
            (each.clause, each.owner.name, each.what["zh"])
            for each in Obligation.objects.filter(kind=kind, state="open").order_by("pk")
            if kind != "promise" or each.subject.startswith("reply:")
        ]


def rated(worker: Role) -> list[tuple[int | None, datetime | None]]:
    with worker():
        return list(Question.objects.order_by("pk").values_list("rating", "answered_at"))


# ── asked ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bank_that_has_not_chosen_asks_nobody(cast: Cast, customer: Customer, worker: Role) -> None:
    held(cast, customer)
    night(worker, bank=Bank())
    with worker():
        assert not Question.objects.exists()


@pytest.mark.clause("W9", "MEASURE")
def test_asked_the_next_day_and_answered_with_a_digit(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    """One SMS, signed, with the scale and no link; the answer is the rating, and asks for nothing."""
    held(cast, customer)
    night(worker)
    line.rounds(NIGHT)
    assert line.gateway.texts() == [], "nobody is woken"
    line.rounds(TUESDAY - timedelta(minutes=1))
    assert line.gateway.texts() == []
    line.rounds(TUESDAY)
    (text,) = line.gateway.texts()
    assert text == (
        f"【总行】{customer.address_as}，您好！您对昨天林晓的服务满意吗？请直接回复一个数字：5很满意，4满意，3一般，2不满意，1很不满意。世纪大道支行"
    )
    reply(line, "５分", TUESDAY + timedelta(minutes=3))
    assert rated(worker) == [(5, TUESDAY + timedelta(minutes=3))]
    assert owed("promise", worker) == owed("look_into", worker) == []
    with worker():
        assert [each.text for each in Reply.objects.filter(customer=customer)] == ["５分"]


def test_the_same_night_twice_asks_once(cast: Cast, customer: Customer, worker: Role) -> None:
    held(cast, customer)
    held(cast, customer, NOW + timedelta(hours=2))
    night(worker)
    night(worker, NIGHT + timedelta(hours=1))
    with worker():
        (question,) = Question.objects.all()
    assert question.held_at == NOW + timedelta(hours=2), "the last contact of the day"


def test_not_more_often_than_every_ninety_days(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    asked(cast, customer, worker, line)
    for days, questions in ((89, 1), (91, 2)):
        later = NOW + timedelta(days=days)
        held(cast, customer, later)
        night(worker, later + timedelta(hours=10, minutes=30))
        with worker():
            assert Question.objects.count() == questions


def test_a_number_that_two_share_is_asked_once_and_its_digit_is_one_rating(
    cast: Cast, customer: Customer, line: Line, worker: Role
) -> None:
    other = with_mobile(cast, cast.customers["mate"][0], who="mate")
    held(cast, customer, NOW - timedelta(hours=1))
    held(cast, other, who="mate")
    night(worker)
    line.rounds(TUESDAY)
    assert len(line.gateway.texts()) == 1
    reply(line, "4", TUESDAY + timedelta(minutes=1))
    with worker():
        (question,) = Question.objects.all()
        assert (question.customer_id, question.rating) == (other.pk, 4)
        assert list(Reply.objects.values_list("customer_id", flat=True)) == [other.pk]
    assert owed("promise", worker) == []


def test_a_call_is_asked_about_where_the_bank_says_so_and_it_connected(
    cast: Cast, customer: Customer, worker: Role
) -> None:
    held(cast, customer, kind="call")
    night(worker)
    with worker():
        assert not Question.objects.exists()
    night(worker, bank=replace(Bank(), satisfaction_after=("call",)))
    with worker():
        assert Question.objects.get().about == "call"


@pytest.mark.parametrize(
    "stop", ["deceased", "do_not_disturb", "complaint", "opted_out", "service_refused", "no_mobile", "a_colleagues"]
)
def test_who_is_not_to_be_written_to_is_not_asked(
    cast: Cast, customer: Customer, owner: Role, worker: Role, line: Line, stop: str
) -> None:
    held(cast, customer)
    _stop(customer, stop, owner, line)
    if stop == "a_colleagues":
        with owner():
            Staff.objects.filter(pk=cast.rm.pk).update(phone=f"138 0000 {MOBILE[-4:]}")
    night(worker)
    with worker():
        assert not Question.objects.exists()


def _stop(customer: Customer, stop: str, owner: Role, line: Line) -> None:
    with owner():
        row = Customer.objects.filter(pk=customer.pk)
        match stop:
            case "deceased":
                row.update(deceased_on=NOW.date())
            case "do_not_disturb":
                row.update(do_not_disturb=True)
            case "complaint":
                row.update(complaint_open=True)
            case "service_refused":
                for given in (True, False):
                    Consent.objects.create(
                        customer=customer, purpose="service", channel="sms", given=given, evidence="电话中说的", source="call",
                        at=NOW + timedelta(hours=not given),
                    )  # fmt: skip
            case "no_mobile":
                row.update(mobile_index=None, profile={})
    if stop == "opted_out":
        reply(line, "T", NOW + timedelta(hours=1), "mo-t")


@pytest.mark.parametrize("stop", ["deceased", "do_not_disturb", "complaint", "opted_out", "service_refused"])
def test_what_stops_contact_after_queueing_stops_the_question(
    cast: Cast, customer: Customer, owner: Role, worker: Role, line: Line, stop: str
) -> None:
    held(cast, customer)
    night(worker)
    _stop(customer, stop, owner, line)
    line.rounds(TUESDAY)
    with worker():
        message = Message.objects.get(kind="question")
        assert (message.state, message.why["name"]) == ("refused", stop)
    assert line.gateway.texts() == []


def test_a_contact_that_was_struck_is_not_asked_about(cast: Cast, customer: Customer, worker: Role, line: Line) -> None:
    contact = held(cast, customer)
    night(worker)
    with cast.acting("rm", NIGHT) as actor:
        contact.refresh_from_db()
        correction.strike(contact, reason="记错了人", actor=actor, now=NIGHT, bank=Bank())
    line.rounds(TUESDAY)
    with worker():
        assert Message.objects.get(kind="question").why["name"] == "struck"
    assert line.gateway.texts() == []


def test_a_number_that_was_changed_before_it_left_is_not_asked(
    cast: Cast, customer: Customer, worker: Role, line: Line
) -> None:
    """Nobody puts a friend's number into the profile for an afternoon."""
    held(cast, customer)
    night(worker)
    with_mobile(cast, customer, OTHER)
    line.rounds(TUESDAY)
    with worker():
        assert Message.objects.get(kind="question").why["name"] == "other_number"
    assert line.gateway.texts() == []


def test_the_night_is_waited_for_the_end_of(cast: Cast, customer: Customer, worker: Role, line: Line) -> None:
    """The sweep ran late, in the evening: at nine in the morning it is sent, and no warning is passed by."""
    held(cast, customer)
    evening = TUESDAY + timedelta(hours=8)  # 22:00
    night(worker, evening)
    line.rounds(evening)
    assert line.gateway.texts() == []
    line.rounds(TUESDAY + timedelta(hours=19))  # Wednesday, 9:00
    (text,) = line.gateway.texts()
    assert "您对昨天林晓的服务" in text or "您对3月2日林晓的服务" in text


def test_an_english_reader_is_asked_in_english(
    cast: Cast, customer: Customer, owner: Role, worker: Role, line: Line
) -> None:
    with owner():
        row = Customer.objects.get(pk=customer.pk)
        row.profile = {**row.profile, "language": {"v": "en", "src": "contact", "on": "2026-03-01"}}
        row.save()
    asked(cast, customer, worker, line)
    (text,) = line.gateway.texts()
    assert "how content were you with 林晓 yesterday? Please reply with one digit: 5 very" in text


def test_nobody_sends_takes_back_or_repeats_a_question(
    cast: Cast, customer: Customer, worker: Role, line: Line
) -> None:
    """Whose service is rated does not choose who is asked."""
    held(cast, customer)
    night(worker)
    with worker():
        message = Message.objects.get(kind="question")
    with cast.acting("rm", NIGHT) as actor:
        with pytest.raises(Refused):
            gate.send(customer, "question", "您满意吗？请回复1到5。", actor=actor, now=NIGHT, bank=Bank())
        with pytest.raises(Refused):
            gate.take_back(message, actor=actor, now=NIGHT)
        with pytest.raises(Refused):
            gate.resend(message, actor=actor, now=NIGHT, bank=Bank())
        for sql in (
            "UPDATE sms_question SET rating = 5", "DELETE FROM sms_question",
            "INSERT INTO sms_question SELECT * FROM sms_question",
        ):  # fmt: skip
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


def test_a_customer_who_changes_hands_is_asked_about_whoever_held_it(
    cast: Cast, customer: Customer, owner: Role, worker: Role, line: Line
) -> None:
    held(cast, customer)
    night(worker)
    with worker():
        Customer.objects.filter(pk=customer.pk).update(rm=cast.mate)
        handover.hand_over(customer, cast.rm.pk, cast.mate.pk, None, NIGHT)
    line.rounds(TUESDAY)
    reply(line, "2", TUESDAY + timedelta(minutes=1))
    with worker():
        assert (Question.objects.get().staff_id, Question.objects.get().rating) == (cast.rm.pk, 2)
    assert owed("promise", worker) == [("W11", "陈彤", "客户满意度只给 2 分，问明原因并答复")]
    assert owed("look_into", worker) == [("W9", "吴敏", "过问：客户对林晓的满意度只给 2 分")]


def test_who_stood_in_is_who_is_asked_about(cast: Cast, customer: Customer, owner: Role, worker: Role) -> None:
    """The duty stays that of the RM on leave; the service was the colleague's."""
    with owner():
        Leave.objects.create(
            staff=cast.rm, stand_in=cast.mate, from_day=NOW.date(), to_day=NOW.date() + timedelta(days=1), asked_by=cast.rm,
            asked_at=NOW - timedelta(days=2), answer="accepted", answered_by=cast.mate,
            answered_at=NOW - timedelta(days=1),
        )  # fmt: skip
    held(cast, customer, who="mate")
    night(worker)
    with worker():
        assert Question.objects.get().staff_id == cast.mate.pk
        assert "您对昨天陈彤的服务" in Message.objects.get(kind="question").text


def test_what_is_recorded_some_days_later_is_asked_about_and_no_other_day_is_swept(
    cast: Cast, customer: Customer, worker: Role
) -> None:
    held(cast, customer)
    with worker():
        for ahead in (-1, 1):
            satisfaction.ask((NIGHT + timedelta(days=ahead)).date() + timedelta(days=1), NIGHT, ASKING)
        assert not Question.objects.exists(), "the days between are nobody's"
    night(worker, NIGHT + timedelta(days=3))
    with worker():
        assert not Question.objects.exists(), "four days are too many"
    night(worker, NIGHT + timedelta(days=2))
    with worker():
        assert "您对3月2日林晓的服务" in Message.objects.get(kind="question").text


# ── answered ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bad_rating_is_answered_and_looked_into(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    """The RM owes an answer, as to any reply; the leader closes theirs with what came of it, and no call does that."""
    asked(cast, customer, worker, line)
    reply(line, "1", TUESDAY + timedelta(minutes=1))
    assert owed("promise", worker) == [("W11", "林晓", "客户满意度只给 1 分，问明原因并答复")]
    assert owed("look_into", worker) == [("W9", "吴敏", "过问：客户对林晓的满意度只给 1 分")]
    held(cast, customer, TUESDAY + timedelta(hours=1), kind="call")
    assert len(owed("look_into", worker)) == 1


def test_a_bad_rating_does_not_need_no_answer(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    asked(cast, customer, worker, line)
    reply(line, "2", TUESDAY + timedelta(minutes=1))
    with worker():
        wrote = Reply.objects.get()
    browser, address = cast.client("rm", TUESDAY), reverse("reply_no_answer", args=[customer.pk, wrote.pk])
    assert address not in browser.get(f"/messages/{customer.pk}/").content.decode()
    said = browser.post(address, follow=True).content.decode()
    assert "客户不满意，须问明原因并答复" in said
    assert len(owed("promise", worker)) == 1


def test_the_first_digit_stands(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    """Another one is read by a person; the same once more is no other reply. Nobody can be talked into a better rating."""
    asked(cast, customer, worker, line)
    reply(line, "3", TUESDAY + timedelta(minutes=1))
    reply(line, "3", TUESDAY + timedelta(minutes=9), "mo-2")
    assert owed("promise", worker) == []
    reply(line, "5", TUESDAY + timedelta(minutes=20), "mo-3")
    assert rated(worker)[0][0] == 3
    assert owed("promise", worker) == [("W11", "林晓", "答复短信：5")]


def test_told_twice_by_the_gateway_it_is_one_rating(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    asked(cast, customer, worker, line)
    for minutes in (1, 2):
        reply(line, "2", TUESDAY + timedelta(minutes=minutes))
    assert len(owed("promise", worker)) == len(owed("look_into", worker)) == 1
    with worker():
        assert Reply.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "after", "rating"),
    [
        ("4", timedelta(hours=72), 4),
        ("4", timedelta(hours=72, seconds=1), None),
        ("6", timedelta(minutes=1), None),
        ("45", timedelta(minutes=1), None),
        ("5，下次快一点", timedelta(minutes=1), None),
    ],
)
def test_anything_else_is_a_reply_that_reaches_the_rm(
    cast: Cast, customer: Customer, line: Line, worker: Role, text: str, after: timedelta, rating: int | None
) -> None:
    asked(cast, customer, worker, line)
    reply(line, text, TUESDAY + after)
    assert rated(worker)[0][0] == rating
    assert len(owed("promise", worker)) == (rating is None)


def test_a_digit_of_whom_nobody_asked_is_a_reply(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    reply(line, "5", NOW)
    assert owed("promise", worker) == [("W11", "林晓", "答复短信：5")]


def test_a_digit_before_the_question_has_left_is_a_reply(
    cast: Cast, customer: Customer, line: Line, worker: Role
) -> None:
    held(cast, customer)
    night(worker)
    reply(line, "1", NIGHT + timedelta(hours=8))
    assert rated(worker) == [(None, None)]
    assert owed("promise", worker) == [("W11", "林晓", "答复短信：1")]


def test_another_number_answers_nothing(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    """The number was corrected after asking: neither the old one, who was a stranger, nor the new one was asked about this customer."""
    asked(cast, customer, worker, line)
    with_mobile(cast, customer, OTHER)
    reply(line, "1", TUESDAY + timedelta(minutes=1))
    reply(line, "5", TUESDAY + timedelta(minutes=2), "mo-2", OTHER)
    assert rated(worker) == [(None, None)]
    with worker():
        assert list(Reply.objects.order_by("pk").values_list("customer_id", flat=True)) == [None, customer.pk]


def test_an_opt_out_word_is_an_opt_out(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    asked(cast, customer, worker, line)
    reply(line, "TD", TUESDAY + timedelta(minutes=1))
    assert rated(worker) == [(None, None)]
    with worker():
        assert OptOut.objects.count() == 1


def test_thanks_are_not_kept_waiting(cast: Cast, customer: Customer, worker: Role) -> None:
    """Of one place in the window what one writes to one customer takes it; questions have a lane of their own, the last."""
    line = Line(worker, Gateway(window=1))
    held(cast, customer)
    night(worker)
    with cast.acting("rm", TUESDAY) as actor:
        gate.send(customer, "thanks", "谢谢您昨天来行。", actor=actor, now=TUESDAY, bank=Bank())
    with worker():
        line.sender.round(lambda: TUESDAY, 0.0)
    assert [each[4:8] for each in line.gateway.texts()] == ["谢谢您昨"]


def test_a_change_of_keys_loses_no_answer(
    cast: Cast, customer: Customer, line: Line, owner: Role, worker: Role, settings: Any
) -> None:
    asked(cast, customer, worker, line)
    old, new = settings.DATA_KEYS, "k2:" + base64.b64encode(b"another key, which is 32 bytes..").decode()
    settings.DATA_KEYS = f"{new},{old}"
    with owner():
        work = reseal.Reseal(vault(), NOW)
        for store in (*reseal.STORES, question_model.SEALED):
            assert work.run(store).unopened == []
    settings.DATA_KEYS = new
    reply(line, "4", TUESDAY + timedelta(minutes=1))
    assert rated(worker)[0][0] == 4


# ── measured ────────────────────────────────────────────────────────────────────────────────────────────────────────


def told(cast: Cast, owner: Role, who: str, *answers: int | None, ended: datetime = NOW, void: bool = False) -> None:
    """Contacts that were asked about, each with its answer, or with none."""
    customer = cast.customers[who][0]
    with owner():
        for answer in answers:
            n = Question.objects.count() + 1000
            Fact.objects.create(
                kind="reception_ended", at=ended, known_at=ended, staff=cast.staff[who], customer=customer,
                subject=f"contact:{n}", data={"first": False, "missing": []}, grade="tapped", void=void,
            )  # fmt: skip
            sent = ended + timedelta(days=1)
            message = Message.objects.create(
                customer=customer, staff=cast.staff[who], kind="question", lane=3, state="delivered", created_at=sent,
                not_before=sent, sent_at=sent,
            )  # fmt: skip
            said = answer and Reply.objects.create(
                customer=customer, gateway="test", sender_index=b"1", sender="sealed", sealed="sealed", at=sent
            )
            Question.objects.create(
                customer=customer, subject=f"contact:{n}", about="reception", staff=cast.staff[who], message=message,
                number_index=b"1", number="sealed", held_at=ended, asked_at=sent, rating=answer,
                answered_at=sent if answer else None, reply=said or None,
            )  # fmt: skip


def figures(page: str) -> dict[str, list[str]]:
    """The rows of the table: whose, and what stands there."""
    (table,) = re.findall(r'<table class="table table--figures table--stack">(.*?)</table>', page, re.DOTALL)
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", table, re.DOTALL)
    return {plain(name): [plain(cell) for cell in re.findall(r"<td.*?</td>", cells)] for name, cells in rows}


def plain(html: str) -> str:
    return re.sub(r'<span class="fold-label">.*?</span>|<[^>]+>', "", html).strip()


FEWER = "少于 10"


@pytest.mark.clause("W9", "MEASURE")
def test_the_leader_reads_units_and_persons_from_ten_ratings_on(cast: Cast, owner: Role, worker: Role) -> None:
    """Lin Xiao: ten of twelve answered, 37 in all: 3.7. Chen Tong: twelve 4s. Struck and earlier contacts are none of them."""
    told(cast, owner, "rm", 5, 5, 5, 4, 4, 4, 4, 3, 2, 1, None, None)
    told(cast, owner, "mate", *[4] * 12)
    told(cast, owner, "rm", None, None, void=True)
    told(cast, owner, "rm", 1, 1, 1, ended=NOW - timedelta(days=3))  # February
    page = cast.client("leader", TUESDAY).get("/team/satisfaction/").content.decode()
    assert figures(page) == {
        "林晓": ["12", "10", "3.7", "—", "0", "0"],
        "陈彤": ["12", "12", "4.0", "—", "0", "0"],
        "合计": ["24", "22", "3.9", "—", "0", "0"],  # 85 / 22 = 3.86
    }
    assert re.findall(r'<tr><th scope="row">(\d) .*?</th><td class="num">(\d+)</td>', page) == [
        ("5", "3"), ("4", "16"), ("3", "1"), ("2", "1"), ("1", "1"),
    ]  # fmt: skip
    with worker():
        program = Program(cast, "leader")
    out = program.get("adherence/satisfaction?since=2026-03-01&until=2026-04-01&by=staff")
    assert [(each["staff"]["name"], each["answered"], each["mean"]) for each in out["items"]] == [
        ("林晓", 10, 3.7), ("陈彤", 12, 4.0), ("吴敏", None, None),
    ]  # fmt: skip
    assert out["items"][0]["ratings"] == {"1": 1, "2": 1, "3": 1, "4": 4, "5": 3}


def test_of_a_person_nothing_is_shown_below_ten_nor_what_the_rest_gives_away(cast: Cast, owner: Role) -> None:
    told(cast, owner, "rm", *[5] * 20)
    told(cast, owner, "mate", 1, 1, 1, None)
    page = cast.client("leader", TUESDAY).get("/team/satisfaction/").content.decode()
    assert figures(page) == {
        "林晓": ["20", "不显示", "—", "—", "0", "0"],
        "陈彤": ["4", FEWER, "—", "—", "0", "0"],
        "合计": ["24", "23", "4.5", "—", "0", "0"],
    }
    csv = cast.client("leader", TUESDAY).get("/team/satisfaction/?as=csv").content.decode("utf-8-sig")
    assert "林晓,20,不显示,,,0,0" in csv
    assert f"陈彤,4,{FEWER},,,0,0" in csv
    mine = cast.client("rm", TUESDAY).get("/me/satisfaction/").content.decode()
    assert figures(mine) == {"自己的": ["20", "20", "5.0", "—", "0", "0"]}
    assert FEWER in cast.client("mate", TUESDAY).get("/me/satisfaction/").content.decode()


def test_a_unit_is_not_shown_where_the_other_would_be_what_is_left(cast: Cast, owner: Role) -> None:
    told(cast, owner, "rm", *[5] * 20)
    told(cast, owner, "stranger", 1, 1, 1)
    whole = cast.client("branch_leader", TUESDAY).get("/team/satisfaction/").content.decode()
    assert {name: cells[1] for name, cells in figures(whole).items()}["世纪大道支行"] == "不显示"
    one = cast.client("branch_leader", TUESDAY).get(f"/team/satisfaction/?unit={cast.units['century'].pk}")
    assert figures(one.content.decode())["林晓"][1:3] == ["不显示", "—"]
    assert "5.0" not in one.content.decode()
    program_of_one_unit = cast.client("leader", TUESDAY).get("/team/satisfaction/").content.decode()
    assert figures(program_of_one_unit)["林晓"][1:3] == ["20", "5.0"]


def test_nobody_sees_figures_of_whom_they_do_not_lead(cast: Cast, owner: Role, worker: Role) -> None:
    told(cast, owner, "rm", *[5] * 10)
    told(cast, owner, "stranger", *[2] * 10)
    assert "赵磊" not in cast.client("leader", TUESDAY).get("/team/satisfaction/").content.decode()
    assert cast.client("rm", TUESDAY).get("/team/satisfaction/").status_code == 403
    with cast.acting("mate", TUESDAY) as actor:
        assert not Question.objects.exists(), "no row of a team-mate's"
        assert satisfaction.ratings(actor, [cast.rm.pk], NOW, TUESDAY) == []
    with worker():
        program = Program(cast, "rm")
    out = program.get("adherence/satisfaction?by=staff&since=2026-03-01&until=2026-04-01")
    assert [each["staff"]["name"] for each in out["items"]] == ["林晓"]


def test_what_is_open_past_its_time_and_rang_for_nobody(cast: Cast, customer: Customer, worker: Role) -> None:
    """Two write-ups are late by Tuesday; one of them was remembered."""
    for hours in (0, 1):
        held(cast, customer, NOW + timedelta(hours=hours))
    with worker():
        first = Obligation.objects.filter(kind="write_up").order_by("pk").first()
        Reminder.objects.create(obligation=first, staff=cast.rm, step="closing", at=NOW, rung_at=NOW)
        late = Obligation.objects.filter(state="open", due__lt=TUESDAY, owner=cast.rm).count()
    page = cast.client("leader", TUESDAY).get("/team/satisfaction/").content.decode()
    assert figures(page)["林晓"][4:] == [str(late), str(late - 1)]


def test_the_thread_says_what_was_rated_and_offers_no_taking_back(
    cast: Cast, customer: Customer, line: Line, worker: Role
) -> None:
    held(cast, customer)
    night(worker)
    with worker():
        message = Message.objects.get(kind="question")
    browser = cast.client("rm", TUESDAY)
    page = browser.get(f"/messages/{customer.pk}/").content.decode()
    assert "满意度询问，联系后次日发" in page
    assert reverse("message_take_back", args=[customer.pk, message.pk]) not in page
    line.rounds(TUESDAY)
    reply(line, "4", TUESDAY + timedelta(minutes=1))
    assert "满意度 4 分" in browser.get(f"/messages/{customer.pk}/").content.decode()


def test_what_is_hidden_is_not_reckoned_from_units_asked_one_by_one(cast: Cast, owner: Role, worker: Role) -> None:
    """Of three units with 12, 12 and 4 answers one alone is shown, however one asks: two and the whole would tell of the four."""
    with owner():
        third = Unit.objects.create(
            code="0199", name="第三支行", parent=cast.units["branch"], kind="sub_branch", from_day="2020-01-01"
        )
        Post.objects.create(staff=cast.staff["mate"], unit=third, role="rm", from_day=NOW.date() - timedelta(days=30))
        Post.objects.filter(staff=cast.staff["mate"]).exclude(unit=third).update(to_day=NOW.date() - timedelta(days=20))
    told(cast, owner, "rm", *[5] * 12)
    told(cast, owner, "mate", *[4] * 12)
    told(cast, owner, "stranger", 1, 1, 1, 1)
    desk = cast.client("branch_leader", TUESDAY)
    whole = figures(desk.get("/team/satisfaction/").content.decode())
    assert {name: cells[2] for name, cells in whole.items()} == {
        "世纪大道支行": "5.0", "第三支行": "—", "陆家嘴支行": "—", "合计": "4.0",
    }  # fmt: skip
    for unit in (third, cast.units["lujiazui"]):
        page = desk.get(f"/team/satisfaction/?unit={unit.pk}").content.decode()
        assert {cells[2] for cells in figures(page).values()} == {"—"}, unit.name
    with worker():
        program = Program(cast, "branch_leader")
    for unit, mean in (
        (third, None),
        (cast.units["century"], 5.0),
        (cast.units["lujiazui"], None),
        (cast.units["branch"], 4.0),
    ):
        out = program.get(f"adherence/satisfaction?since=2026-03-01&until=2026-04-01&unit={unit.pk}")
        assert out["whole"]["mean"] == mean, unit.name


def test_a_contact_struck_after_a_bad_rating_keeps_it(cast: Cast, customer: Customer, line: Line, worker: Role) -> None:
    """Whoever was rated may strike the contact, and prunes nothing by it."""
    question = asked(cast, customer, worker, line)
    reply(line, "1", TUESDAY)
    contact = int(question.subject.partition(":")[2])
    with worker():
        program = Program(cast, "rm")
    tag = program.send("get", f"contacts/{contact}").headers["ETag"]
    program.post(f"contacts/{contact}/strike", {"reason": "记错了"}, **{"If-Match": tag})
    with cast.acting("leader", TUESDAY) as actor:
        assert Contact.objects.get(pk=contact).cancelled_why == "记错了"
        assert satisfaction.ratings(actor, [cast.rm.pk], NOW - timedelta(days=1), TUESDAY) == [(cast.rm.pk, 1)]
