"""A message from the RM's tap to the customer's handset and back: what is owed is done by it, once, and every end explains itself."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests import gateway as answers
from tests.cast import Cast
from tests.gateway import Gateway, name_of, nothing, taken, written
from tests.product.api import NOW
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused, Words
from zhike.contacts import course
from zhike.customers import reseal
from zhike.customers.models import Consent, Customer
from zhike.customers.vault import vault
from zhike.obligations.models import Obligation
from zhike.people.permissions import Refused as NotAllowed
from zhike.sms import gate, inbox, texts
from zhike.sms.models import Connection, Message, OptOut, Reply, Segment
from zhike.sms.models import Receipt as Parked
from zhike.sms.models import message as message_model
from zhike.sms.models import opt_out as opt_out_model
from zhike.sms.models import reply as reply_model
from zhike.sms.sender import Sender
from zhike.sms.transports.transport import Answer, Event, Lost, Part, Receipt

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
MOBILE = "13800000001"


@pytest.fixture
def customer(cast: Cast, owner: Role) -> Customer:
    """A platinum customer of the RM's with a mobile number, met for the first time and just seen off."""
    customer = cast.customers["rm"][0]
    with owner():
        customer.tier = "platinum"
        customer.save()
    with cast.acting("rm", NOW) as actor:
        customer.learn("mobile", MOBILE, source="contact", actor=actor, now=NOW - timedelta(days=1))
    return customer


@pytest.fixture
def thanks(cast: Cast, customer: Customer) -> Obligation:
    """R12: thanks are owed by SMS, and introduce the sender."""
    with cast.acting("rm", NOW) as actor:
        contact = course.plan(customer, "reception", actor=actor, now=NOW, incoming=True, purpose="care")
        course.start(contact, actor=actor, now=NOW - timedelta(minutes=20), bank=Bank())
        course.end(contact, actor=actor, now=NOW, bank=Bank())
        return Obligation.objects.get(kind="thanks", customer=customer)


class Line:
    """A sender to a gateway, worked by hand: what the worker's thread does, step by step."""

    def __init__(self, worker: Role, gateway: Gateway) -> None:
        self.worker, self.gateway = worker, gateway
        self.sender = Sender("test", gateway)
        self.at(NOW)

    def at(self, now: datetime) -> None:
        with self.worker():
            self.sender.begin(now)

    def rounds(self, now: datetime = NOW, times: int = 3) -> None:
        with self.worker():
            for _ in range(times):
                self.sender.round(lambda: now, 0.0)

    def tick(self, now: datetime) -> None:
        with self.worker():
            self.sender.tick(now)

    def breaks(self, now: datetime = NOW) -> None:
        """The connection ends while a round is under way."""
        with self.worker():
            with pytest.raises(Lost) as lost:
                self.sender.round(lambda: now, 0.0)
            self.sender.lose(lost.value, now)


def thank(cast: Cast, thanks: Obligation, text: str = "", at: datetime = NOW) -> Message:
    """The RM thanks with the text that lies ready, or in words of one's own."""
    with cast.acting("rm", at) as actor:
        wording = texts.suiting(thanks, cast.rm, Bank())[0]
        words = text or texts.worded(wording, thanks, cast.rm, now=at, bank=Bank())
        return gate.send(
            thanks.customer, "thanks", words, actor=actor, now=at, bank=Bank(), obligation=thanks, wording=wording,
            introduces=wording.template.introduces,
        )  # fmt: skip


@pytest.mark.clause("S1", "RECORD")
def test_thanks_owed_are_done_by_the_message_that_the_gateway_took(
    cast: Cast, thanks: Obligation, worker: Role
) -> None:
    line = Line(worker, Gateway(answers=taken))
    message = thank(cast, thanks)
    assert message.state == "queued"
    line.rounds()
    message.refresh_from_db()
    thanks.refresh_from_db()
    assert (message.state, thanks.state, thanks.settled_by_id) == ("submitted", "done", cast.rm.pk)
    assert (thanks.evidence["channel"], thanks.evidence["through"]) == ("sms", "platform")
    (text,) = line.gateway.texts()
    assert "专属理财经理" in text
    assert text.startswith("【总行】")
    assert {part.to for part in line.gateway.journal} == {MOBILE}


def test_a_second_tap_sends_nothing(cast: Cast, thanks: Obligation, worker: Role) -> None:
    line = Line(worker, Gateway())
    thank(cast, thanks)
    with pytest.raises(Refused, match="已有一条短信"):
        thank(cast, thanks)
    line.rounds()
    with pytest.raises(Refused, match="已有一条短信"):
        thank(cast, thanks)
    assert len(line.gateway.texts()) == 1


def test_a_receipt_says_that_it_arrived_also_before_the_answer_and_twice(
    cast: Cast, thanks: Obligation, worker: Role
) -> None:
    early = Gateway(answers=lambda part: [Receipt(name_of(part), "delivered", "DELIVRD"), *taken(part)])
    line = Line(worker, early)
    message = thank(cast, thanks)
    line.rounds()
    message.refresh_from_db()
    assert message.state == "delivered"
    (part, *_rest) = early.journal
    early.coming += [Receipt(name_of(part), "delivered", "DELIVRD"), Receipt("nobody's", "delivered", "DELIVRD")]
    line.rounds()
    message.refresh_from_db()
    assert message.state == "delivered"
    assert [each.name for each in Parked.objects.all()] == ["nobody's"]
    assert len(early.taken) == 3 + len(early.journal) - 1, "all receipts are acknowledged, the unmatched one too"


def test_a_receipt_that_came_on_another_connection_in_between_is_matched(
    cast: Cast, thanks: Obligation, worker: Role
) -> None:
    """The answer and the receipt were written down at once by two: each missed the other."""
    line = Line(worker, Gateway(answers=taken))
    message = thank(cast, thanks)
    line.rounds()
    segments = list(Segment.objects.filter(message=message))
    with worker():
        for segment in segments:
            Parked.objects.create(gateway="test", name=segment.name, fate="delivered", code="DELIVRD", came_at=NOW)
    line.tick(NOW + timedelta(seconds=6))
    message.refresh_from_db()
    assert message.state == "delivered"
    assert not Parked.objects.filter(matched_at=None).exists()


def test_a_swallowed_answer_is_unknown_and_never_sent_again(cast: Cast, thanks: Obligation, worker: Role) -> None:
    line = Line(worker, Gateway(answers=nothing))
    message = thank(cast, thanks)
    line.rounds()
    sent = len(line.gateway.journal)
    line.tick(NOW + timedelta(seconds=61))
    message.refresh_from_db()
    thanks.refresh_from_db()
    assert (message.state, thanks.state) == ("unknown", "open")
    assert "60 秒" in message.why["zh"]
    line.rounds(NOW + timedelta(minutes=5))
    assert len(line.gateway.journal) == sent


@pytest.mark.parametrize(("arrived", "stands"), [(True, "done"), (False, "open")])
def test_what_a_person_says_of_an_unknown_one_counts_for_what_was_owed(
    cast: Cast, thanks: Obligation, worker: Role, arrived: bool, stands: str
) -> None:
    line = Line(worker, Gateway(answers=nothing))
    message = thank(cast, thanks)
    line.rounds()
    line.tick(NOW + timedelta(seconds=61))
    later = NOW + timedelta(minutes=20)
    with cast.acting("rm", later) as actor:
        message.refresh_from_db()
        gate.settle(message, arrived, "客户在电话里说的", actor=actor, now=later)
        thanks.refresh_from_db()
        assert thanks.state == stands
        if arrived:
            assert (thanks.settled_by_id, thanks.settled_at) == (cast.rm.pk, NOW), "when it left"


def test_a_late_answer_to_an_unknown_one_is_believed(cast: Cast, thanks: Obligation, worker: Role) -> None:
    line = Line(worker, Gateway(answers=nothing))
    message = thank(cast, thanks)
    line.rounds()
    under_way = dict(line.sender.under_way)
    line.tick(NOW + timedelta(seconds=61))
    line.sender.under_way.update(under_way)
    line.gateway.coming += [Answer(part.sequence, taken=True, id=name_of(part)) for part in line.gateway.journal]
    line.rounds(NOW + timedelta(seconds=70))
    message.refresh_from_db()
    assert message.state == "submitted"


def test_a_lost_connection_leaves_what_it_submitted_unknown_and_the_rest_to_the_next(
    cast: Cast, thanks: Obligation, customer: Customer, worker: Role
) -> None:
    line = Line(worker, Gateway(breaks_at=1, window=1))
    first = thank(cast, thanks)
    with cast.acting("rm", NOW) as actor:
        second = gate.send(customer, "service", "您预约的贵宾室已留好。", actor=actor, now=NOW, bank=Bank())
    line.breaks()
    for message in (first, second):
        message.refresh_from_db()
    assert (first.state, second.state) == ("unknown", "queued")
    assert "连接中断" in first.why["zh"]
    line.at(NOW)
    line.rounds(times=6)
    for message in (first, second):
        message.refresh_from_db()
    assert (first.state, second.state) == ("unknown", "delivered")
    assert Connection.objects.filter(closed_at=None).count() == 1


def test_what_a_dead_sender_left_is_unknown(cast: Cast, thanks: Obligation, worker: Role) -> None:
    """Killed between the journal's commit and the answer: nobody knows whether the bytes left."""
    dead = Line(worker, Gateway(answers=nothing))
    message = thank(cast, thanks)
    dead.rounds()
    other = Line(worker, Gateway())
    other.tick(NOW + timedelta(seconds=20))
    message.refresh_from_db()
    assert message.state == "submitting", "it may live yet"
    other.tick(NOW + timedelta(seconds=40))
    message.refresh_from_db()
    assert message.state == "unknown"
    assert "发送程序中断" in message.why["zh"]
    other.rounds(NOW + timedelta(seconds=41))
    assert other.gateway.journal == []


def test_an_unknown_one_is_found_by_number_and_time(cast: Cast, thanks: Obligation, worker: Role) -> None:
    line = Line(worker, Gateway(answers=nothing))
    message = thank(cast, thanks, text="谢谢您今天来行。我是您的专属客户经理林晓。")
    line.rounds()
    line.tick(NOW + timedelta(seconds=61))
    line.gateway.coming.append(
        Receipt("n77", "delivered", "DELIVRD", to=f"86{MOBILE}", submitted_at=NOW + timedelta(seconds=20))
    )
    line.rounds(NOW + timedelta(seconds=90))
    line.tick(NOW + timedelta(seconds=95))
    message.refresh_from_db()
    thanks.refresh_from_db()
    assert (message.state, thanks.state) == ("delivered", "done")


def test_too_much_at_once_is_tried_again_and_arrives_once(cast: Cast, thanks: Obligation, worker: Role) -> None:
    refused: list[str] = []

    def once(part: Part) -> list[Event]:
        if part.reference in refused:
            return taken(part)
        refused.append(part.reference)
        busy = Words("流量控制", "throttled")
        return [Answer(part.sequence, taken=False, code="8", words=busy, throttled=True)]

    line = Line(worker, Gateway(answers=once))
    message = thank(cast, thanks)
    line.rounds()
    message.refresh_from_db()
    assert message.state == "submitting"
    before = len(line.gateway.journal)
    line.rounds(NOW + timedelta(seconds=2))
    message.refresh_from_db()
    assert message.state == "submitted"
    assert len(line.gateway.journal) == 2 * before
    assert len({part.sequence for part in line.gateway.journal}) == 2 * before, "under a new number each time"


def test_a_gateway_that_refuses_says_why_and_the_thanks_stay_owed(cast: Cast, thanks: Obligation, worker: Role) -> None:
    bad = Words("号码无效", "the number is not valid")
    line = Line(worker, Gateway(answers=lambda part: [Answer(part.sequence, taken=False, code="11", words=bad)]))
    message = thank(cast, thanks)
    line.rounds()
    message.refresh_from_db()
    thanks.refresh_from_db()
    assert (message.state, message.why["code"], message.why["zh"], thanks.state) == (
        "undelivered",
        "11",
        "号码无效",
        "open",
    )


def test_what_did_not_arrive_after_all_is_owed_again_and_may_be_sent_again(
    cast: Cast, thanks: Obligation, worker: Role
) -> None:
    line = Line(worker, Gateway(answers=taken))
    message = thank(cast, thanks)
    line.rounds()
    thanks.refresh_from_db()
    assert thanks.state == "done"
    off = Words("用户关机", "the handset is off")
    line.gateway.coming += [Receipt(name_of(part), "undelivered", "MI:0024", off) for part in line.gateway.journal]
    line.rounds(NOW + timedelta(minutes=1))
    message.refresh_from_db()
    thanks.refresh_from_db()
    assert (message.state, thanks.state) == ("undelivered", "open")
    with cast.acting("rm", NOW + timedelta(minutes=2)) as actor:
        gate.resend(message, actor=actor, now=NOW + timedelta(minutes=2), bank=Bank())
    line.rounds(NOW + timedelta(minutes=2))
    message.refresh_from_db()
    thanks.refresh_from_db()
    assert (message.state, message.attempt, thanks.state) == ("submitted", 2, "done")
    with cast.acting("rm", NOW) as actor, pytest.raises(gate.TooLate):
        gate.resend(message, actor=actor, now=NOW, bank=Bank())


def test_what_waits_can_be_taken_back_and_what_has_left_cannot(cast: Cast, thanks: Obligation, worker: Role) -> None:
    line = Line(worker, Gateway())
    message = thank(cast, thanks)
    with cast.acting("rm", NOW) as actor:
        gate.take_back(message, actor=actor, now=NOW)
    line.rounds()
    assert line.gateway.journal == []
    again = thank(cast, thanks)
    line.rounds()
    with cast.acting("rm", NOW) as actor, pytest.raises(gate.TooLate):
        gate.take_back(again, actor=actor, now=NOW)


def test_what_was_to_be_sent_again_and_is_taken_back_stands_as_before(
    cast: Cast, thanks: Obligation, worker: Role
) -> None:
    line = Line(worker, Gateway(answers=nothing))
    message = thank(cast, thanks)
    line.rounds()
    line.tick(NOW + timedelta(seconds=61))
    later = NOW + timedelta(minutes=2)
    message.refresh_from_db()
    with cast.acting("rm", later) as actor:
        message = gate.resend(message, actor=actor, now=later, bank=Bank())
        message = gate.take_back(message, actor=actor, now=later)
    assert (message.state, message.attempt) == ("unknown", 1)
    assert message.why["zh"]


def test_what_could_not_leave_for_a_day_is_no_longer_wanted(cast: Cast, thanks: Obligation, worker: Role) -> None:
    message = thank(cast, thanks)
    line = Line(worker, Gateway())
    line.rounds(NOW + timedelta(hours=24))
    message.refresh_from_db()
    assert (message.state, line.gateway.journal) == ("expired", [])
    assert message.why["zh"]


def test_a_customer_who_died_meanwhile_gets_nothing(cast: Cast, thanks: Obligation, owner: Role, worker: Role) -> None:
    """The guards look again when it leaves."""
    message = thank(cast, thanks)
    with owner():
        Customer.objects.filter(pk=thanks.customer_id).update(deceased_on=NOW.date())
    line = Line(worker, Gateway())
    line.rounds()
    message.refresh_from_db()
    assert (message.state, line.gateway.journal, message.why["name"]) == ("refused", [], "deceased")


def test_what_a_customer_writes_is_owed_an_answer_and_an_sms_gives_it(
    cast: Cast, customer: Customer, worker: Role
) -> None:
    line = Line(worker, Gateway())
    line.gateway.coming += [
        written(f"+86{MOBILE}", "四月的利率是多少？", "mo-1"),
        written(MOBILE, "四月的利率是多少？", "mo-1"),
    ]
    line.rounds()
    (reply,) = Reply.objects.all()
    (owed,) = Obligation.objects.filter(kind="promise", customer=customer, state="open")
    assert (reply.customer_id, reply.text, reply.stops) == (customer.pk, "四月的利率是多少？", "no")
    assert (owed.clause, owed.owner_id, owed.what["zh"]) == ("W11", cast.rm.pk, "答复短信：四月的利率是多少？")
    with cast.acting("rm", NOW) as actor:
        gate.send(customer, "answer", "四月起一年期为1.10%。", actor=actor, now=NOW, bank=Bank(), obligation=owed)
    line.rounds()
    owed.refresh_from_db()
    assert (owed.state, owed.evidence["how"]) == ("done", "sms")


def test_a_reply_without_a_name_told_again_is_kept_once(cast: Cast, customer: Customer, worker: Role) -> None:
    """SMPP names no reply: after a lost acknowledgement the same comes again."""
    line = Line(worker, Gateway())
    for moment in (NOW, NOW + timedelta(minutes=1)):
        line.gateway.coming.append(written(MOBILE, "四月的利率是多少？"))
        line.rounds(moment)
    assert Reply.objects.count() == 1
    line.gateway.coming.append(written(MOBILE, "四月的利率是多少？"))
    line.rounds(NOW + timedelta(hours=1))
    assert Reply.objects.count() == 2


def test_a_long_reply_is_joined_whatever_the_order(cast: Cast, customer: Customer, worker: Role) -> None:
    line = Line(worker, Gateway())
    line.gateway.coming += [
        answers.Reply(MOBILE, "95588", words, id=f"m{number}", part=(7, 3, number))
        for number, words in ((3, "可以吗？"), (1, "我妈妈想"), (2, "办养老金账户，"))
    ]
    line.rounds()
    (reply,) = Reply.objects.all()
    assert reply.text == "我妈妈想办养老金账户，可以吗？"


@pytest.mark.parametrize("word", ["T", "td", "退订", " R ", "拒收"])
def test_an_opt_out_word_stops_marketing_at_once_by_number(
    cast: Cast, customer: Customer, owner: Role, worker: Role, word: str
) -> None:
    other = cast.customers["mate"][0]
    with owner():
        other.mobile_index = customer.mobile_index or Customer.objects.get(pk=customer.pk).mobile_index
        other.save()
    line = Line(worker, Gateway())
    line.gateway.coming.append(written(MOBILE, word, "mo-2"))
    line.rounds()
    with owner():
        assert OptOut.objects.count() == 1
        assert not Consent.objects.allows(customer, "marketing", "sms")
        said_no = Consent.objects.filter(purpose="marketing", given=False, source="sms").values_list(
            "customer_id", flat=True
        )
        assert set(said_no) == {customer.pk, other.pk}
        assert not Obligation.objects.filter(kind="promise").exists()


def test_inside_a_sentence_the_rm_is_asked(cast: Cast, customer: Customer, worker: Role) -> None:
    line = Line(worker, Gateway())
    line.gateway.coming.append(written(MOBILE, "我要退订，谢谢", "mo-3"))
    line.rounds()
    assert not OptOut.objects.exists()
    reply = Reply.objects.get()
    assert reply.stops == "ask"
    with cast.acting("rm", NOW) as actor:
        inbox.decide(reply, True, actor=actor, now=NOW)
    assert OptOut.objects.count() == 1
    with cast.acting("rm", NOW):
        assert not Consent.objects.allows(customer, "marketing", "sms")


def test_a_variable_without_a_value_and_a_text_too_long_say_so(cast: Cast, customer: Customer) -> None:
    with cast.acting("rm", NOW) as actor:
        for text, says in (("{电话}您好", "{电话}"), ("", "没有内容"), ("长" * 700, "太长"), ("{姓}", "没有名为")):
            with pytest.raises(Refused, match=says.replace("{", r"\{").replace("}", r"\}")):
                gate.send(customer, "service", text, actor=actor, now=NOW, bank=Bank())
        assert not Message.objects.exists()


def test_no_more_leave_than_the_window_has_places_nor_than_was_agreed_a_second(
    cast: Cast, customer: Customer, worker: Role
) -> None:
    with cast.acting("rm", NOW) as actor:
        for n in range(6):
            gate.send(customer, "service", f"第{n}条：" + "您预约的时间已留好。" * 8, actor=actor, now=NOW, bank=Bank())
    narrow = Line(worker, Gateway(window=4, answers=nothing))
    narrow.rounds()
    assert len(narrow.gateway.journal) == 4, "two messages of two segments; the others are given back"
    with worker():
        narrow.sender.lose(Lost("断", "lost"), NOW)
    slow = Line(worker, Gateway(rate=2))
    slow.rounds(times=5)
    assert len(slow.gateway.journal) == 2
    slow.rounds(NOW + timedelta(seconds=1), times=5)
    assert len(slow.gateway.journal) == 4
    assert {message.state for message in Message.objects.all()} == {"unknown", "delivered", "queued"}


def test_one_text_that_cannot_be_made_stops_no_other(cast: Cast, customer: Customer, owner: Role, worker: Role) -> None:
    with cast.acting("rm", NOW) as actor:
        broken, sound = (
            gate.send(customer, "service", f"您预约的时间已留好{n}。", actor=actor, now=NOW, bank=Bank())
            for n in "甲乙"
        )
    with owner():
        Message.objects.filter(pk=broken.pk).update(sealed="k9:gcm:AAAA")
    line = Line(worker, Gateway())
    line.rounds()
    broken.refresh_from_db()
    sound.refresh_from_db()
    assert (broken.state, sound.state) == ("refused", "delivered")
    assert "数据密钥" in broken.why["zh"]


def test_whatever_a_telephone_sends_is_kept(cast: Cast, customer: Customer, worker: Role) -> None:
    line = Line(worker, Gateway())
    line.gateway.coming.append(written(MOBILE, "您好\x00\u202e在吗", "mo-9"))
    line.rounds()
    assert Reply.objects.get().text == "您好在吗"


def test_nobody_writes_to_somebody_elses_customer(cast: Cast, customer: Customer) -> None:
    with cast.acting("leader", NOW) as actor:
        assert (
            gate.send(customer, "service", "您预约的时间已留好。", actor=actor, now=NOW, bank=Bank()).staff_id
            == cast.rm.pk
        )
    with cast.acting("auditor", NOW) as actor, pytest.raises(NotAllowed):
        gate.send(customer, "service", "您预约的时间已留好。", actor=actor, now=NOW, bank=Bank())


def test_a_change_of_keys_loses_no_words_and_nobodys_no(
    cast: Cast, thanks: Obligation, customer: Customer, owner: Role, worker: Role, settings: Any
) -> None:
    line = Line(worker, Gateway())
    message = thank(cast, thanks)
    line.gateway.coming += [written(MOBILE, "T", "mo-1"), written(MOBILE, "谢谢", "mo-2")]
    line.rounds()
    said = Message.objects.get(pk=message.pk).text
    old, new = settings.DATA_KEYS, "k2:" + base64.b64encode(b"another key, which is 32 bytes..").decode()
    settings.DATA_KEYS = f"{new},{old}"
    with owner():
        work = reseal.Reseal(vault(), NOW)
        for store in (*reseal.STORES, message_model.SEALED, *reply_model.SEALED, opt_out_model.SEALED):
            assert work.run(store).unopened == []
    settings.DATA_KEYS = new
    assert Message.objects.get(pk=message.pk).text == said
    assert {reply.text for reply in Reply.objects.all()} == {"T", "谢谢"}
    with cast.acting("rm", NOW):
        assert gate.addressees([customer.pk], NOW, Bank())[customer.pk].recipient.opted_out
