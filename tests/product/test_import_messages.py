"""S1: what the bank's other SMS platform sent is taken in from its file and counts as kept: once, in the thread, judged afterwards.

NOW (tests/product/api.py) is Monday, 2 March 2026, 14:00 in Shanghai. The customer was seen off at that moment, for the first time, so that
thanks are owed which introduce the sender (R12).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.cast import Cast
from tests.product.api import NOW
from tests.product.test_messages import MOBILE, customer, thank, thanks
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers.imports import columns
from zhike.customers.imports.load import Overtaken, refused_file
from zhike.customers.models import Consent, Customer, Line, Part, Run
from zhike.obligations.models import Fact, Finding, Obligation
from zhike.obligations.sweep import sweep
from zhike.people.tables import open_table
from zhike.sms import gate, greetings
from zhike.sms.imports.columns import MESSAGES, faults
from zhike.sms.imports.load import run_import
from zhike.sms.models import Message, OptOut
from zhike.sms.tasks import import_messages, undo_messages

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
Load = Callable[..., Run]
assert customer
assert thanks
HEAD = "短信编号,接收号码,短信内容,发送时间,类型,状态"
# Sent twenty minutes after the farewell.
THANKED = (
    f"A1,{MOBILE},【总行】张先生，感谢您光临。我是您的专属理财经理林晓，随时找我。,2026-03-02 14:20:31,致谢,已送达"
)
LATER = NOW + timedelta(hours=4)  # when the file comes: 18:00


@pytest.fixture
def load(cast: Cast, worker: Role, tmp_path: Path) -> Load:
    """Writes the rows into a file and takes it in, as the worker does."""

    def go(
        rows: list[str],
        head: str = HEAD,
        encoding: str = "utf-8",
        language: str = "zh-hans",
        now: datetime = LATER,
        **more: Any,
    ) -> Run:
        path = tmp_path / "sent.csv"
        path.write_bytes("\n".join([head, *rows]).encode(encoding))
        with worker():
            table = open_table(path)
            mapping = columns.guess(table.columns, of=MESSAGES)
            assert faults(table.columns, mapping) == ""
            run = Run.objects.create(
                kind="messages", name=path.name, at=now, mapping=mapping, **{"by": cast.administrator} | more
            )
            return run_import(run, path, bank=Bank(), now=lambda: now, language=language)

    return go


def counts(run: Run) -> tuple[int, int, int]:
    return run.loaded, run.already, run.refused


@pytest.mark.clause("S1", "RECORD")
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_what_was_sent_elsewhere_is_kept_and_does_what_was_owed(
    cast: Cast, thanks: Obligation, load: Load, encoding: str
) -> None:
    assert counts(load([THANKED], encoding=encoding)) == (1, 0, 0)
    with cast.acting("rm", LATER):
        message = Message.objects.get()
        assert (message.customer_id, message.staff_id, message.through) == (thanks.customer_id, cast.rm.pk, "bank_sms")
        assert (message.kind, message.state, message.introduces, message.parts) == ("thanks", "delivered", True, 1)
        assert message.text.startswith("【总行】张先生")
        assert "感谢" not in message.sealed
        assert message.sent_at == datetime.fromisoformat("2026-03-02T14:20:31+08:00")
        thanks.refresh_from_db()
        assert (thanks.state, thanks.evidence["channel"], thanks.evidence["through"]) == ("done", "sms", "bank_sms")
        assert thanks.settled_at == message.sent_at
        assert not Finding.objects.exists()


@pytest.mark.clause("S1", "RECORD")
@pytest.mark.parametrize(
    ("row", "why"),
    [
        (f"A2,{MOBILE},张先生，感谢您光临。,2026-03-02 14:20,致谢,已送达", "a first meeting's thanks introduce the sender"),
        (f"A3,{MOBILE},我是您的理财经理林晓，感谢您。,2026-03-02 13:10,致谢,已送达", "before the farewell it thanks for something else"),
        (f"A4,{MOBILE},我是您的理财经理林晓，感谢您。,2026-03-02 14:20,致谢,失败", "it did not arrive"),
        (f"A5,{MOBILE},我是您的理财经理林晓，感谢您。,2026-03-02 14:20,致谢,未知", "nobody knows whether it arrived"),
        (f"A6,{MOBILE},我是您的理财经理林晓，您的定期存款已到期。,2026-03-02 14:20,服务,已送达", "it is no thanks"),
    ],
)  # fmt: skip
def test_what_does_not_fulfil_it_leaves_it_owed(cast: Cast, thanks: Obligation, load: Load, row: str, why: str) -> None:
    assert counts(load([row])) == (1, 0, 0)
    with cast.acting("rm", LATER):
        thanks.refresh_from_db()
        assert thanks.state == "open", why
        assert Message.objects.get().text == row.split(",")[2]


def test_however_often_it_is_run_each_is_kept_once(cast: Cast, thanks: Obligation, load: Load) -> None:
    nameless = f",{MOBILE},您的定期存款已到期。,2026-03-01 10:00:12,服务,已送达"
    assert counts(load([THANKED, nameless, nameless])) == (2, 1, 0)
    assert counts(load([THANKED, nameless])) == (0, 2, 0)
    without_seconds = f",{MOBILE},您的定期存款已到期。,2026-03-01 10:00,服务,已送达"
    other_minute = f",{MOBILE},您的定期存款已到期。,2026-03-01 10:01,服务,已送达"
    assert counts(load([without_seconds, other_minute])) == (1, 1, 0)
    with cast.acting("rm", LATER):
        assert Message.objects.count() == 3
        assert Fact.objects.filter(kind="message_sent").count() == 1


def test_what_our_own_message_is_on_its_way_for_is_left_to_it(cast: Cast, thanks: Obligation, load: Load) -> None:
    ours = thank(cast, thanks)
    assert counts(load([THANKED])) == (1, 0, 0)
    with cast.acting("rm", LATER):
        assert Message.objects.get(through="bank_sms").obligation_id is None
        assert Message.objects.get(pk=ours.pk).state == "queued"
        thanks.refresh_from_db()
        assert thanks.state == "open"


def test_a_birthday_greeted_elsewhere_is_greeted(cast: Cast, customer: Customer, load: Load, worker: Role) -> None:
    """The platform's file comes on the next day, when the birthday has lapsed: it was greeted on its day all the same."""
    day = datetime.fromisoformat("2026-03-05T08:00+08:00")
    with cast.acting("rm", NOW) as actor:
        customer.learn("birthday", "1975-03-05", source="contact", actor=actor, now=NOW)
        Consent.objects.record(
            customer, "greeting", "sms", given=True, evidence="柜面", source="contact", actor=actor, now=NOW
        )
    with worker():
        sweep(day.date(), now=day, bank=Bank())
        next_day = day + timedelta(days=1)
        sweep(next_day.date(), now=next_day, bank=Bank())
        assert Obligation.objects.get(kind="birthday").state == "missed"
    assert counts(load([f"B1,{MOBILE},张先生，生日快乐！,2026-03-05 09:00,问候,已送达"], now=next_day)) == (1, 0, 0)
    with cast.acting("rm", next_day):
        owed = Obligation.objects.get(kind="birthday")
        assert (owed.state, owed.evidence["channel"]) == ("done", "sms")
        assert not Finding.objects.exists()


def test_a_festival_greeted_elsewhere_is_arranged(cast: Cast, customer: Customer, load: Load, worker: Role) -> None:
    """S3: Dragon Boat is on 19 June 2026. What waits here for the same customer and festival is not sent as well, and says why; what the
    other platform did not get through leaves the customer open."""
    eve = datetime.fromisoformat("2026-06-18T12:00+08:00")
    festival, whose = greetings.occasion("dragon_boat:2026", Bank()), cast.rm.pk
    assert festival
    with cast.acting("rm", NOW) as actor:
        Consent.objects.record(
            customer, "greeting", "sms", given=True, evidence="柜面", source="contact", actor=actor, now=NOW
        )
        book = list(Customer.objects.filter(rm=cast.rm).exclude(pk=customer.pk))

    def stands() -> list[int]:
        with cast.acting("rm", eve):
            return [row["id"] for row in greetings.standing(festival, "arranged", whose, Bank())]

    with worker():
        greetings.tell_coming(NOW.date() + timedelta(days=90), now=eve - timedelta(days=18), bank=Bank())
    failed = f"G1,{MOBILE},【总行】张先生，端午安康！,2026-06-18 09:00,问候,失败"
    other = f"G2,{MOBILE},【总行】张先生，天凉保重身体。,2026-06-12 09:00,问候,已送达"
    assert counts(load([failed, other], now=eve)) == (2, 0, 0)
    assert stands() == []
    with cast.acting("rm", eve) as actor:
        words = greetings.suiting(festival, whose)[0]
        assert (
            greetings.arrange(festival, words, [customer.tier], actor=actor, staff=whose, now=eve, bank=Bank()).messages
            == 1
        )
    told = f"G3,{MOBILE},【总行】张先生，端午安康！,2026-06-18 09:30,问候,已送达"
    assert counts(load([told, f"G4,{MOBILE},【总行】张先生，端午快乐！,2026-06-18 09:31,问候,已送达"], now=eve)) == (
        2,
        0,
        0,
    )
    assert stands() == [customer.pk]
    with cast.acting("rm", eve):
        ours = Message.objects.get(through="platform")
        assert (ours.state, ours.why["name"]) == ("refused", "greeted_already")
        assert Message.objects.get(name="G3").occasion == "dragon_boat:2026"
        assert Message.objects.get(name="G4").occasion == "", "once a customer and festival"
        assert book
    with cast.acting("rm", eve):
        owed = Obligation.objects.filter(kind="greetings").exclude(state="withdrawn").get()
        assert owed.state == "done"


def test_a_file_that_should_not_have_been_is_undone_as_long_as_nothing_followed(
    cast: Cast, thanks: Obligation, load: Load, worker: Role
) -> None:
    """The messages go, the thanks are owed again, what was found is void; the same file can be loaded anew. Once a person has said of one
    what became of it, it stays.
    """
    night = f"A9,{MOBILE},张先生，节日问候。,2026-03-01 23:10,问候,已送达"
    unsure = f"A8,{MOBILE},您的存款已到期。,2026-03-01 10:00,服务,未知"
    run = load([THANKED, night, unsure])
    admin, address = cast.client("administrator"), f"/customers/import/{run.pk}/"
    with clock.at(LATER):
        assert "撤销导入" in admin.get(address).content.decode()
        assert admin.post(address, {"act": "undo"}).status_code == 303
        with worker():
            undo_messages(run=run.pk, by=cast.administrator.pk)
            assert Run.objects.get(pk=run.pk).state == "undone"
    with cast.acting("rm", LATER):
        thanks.refresh_from_db()
        assert (thanks.state, Message.objects.count()) == ("open", 0)
        assert not Finding.objects.filter(void=False).exists()
    again = load([THANKED, unsure])
    assert counts(again) == (2, 0, 0)
    with cast.acting("rm", LATER) as actor:
        thanks.refresh_from_db()
        assert thanks.state == "done"
        gate.settle(Message.objects.get(name="A8"), True, "客户说收到了", actor=actor, now=LATER)
    with clock.at(LATER), worker():
        undo_messages(run=again.pk, by=cast.administrator.pk)
        told = Run.objects.get(pk=again.pk)
        assert (told.state, "1 条已有人说明结果" in told.error) == ("done", True)


SELLS = "理财非存款，产品有风险，投资须谨慎。新产品上架，拒收请回复R"


@pytest.mark.clause("S5", "GUARD")
def test_what_ought_not_to_have_been_sent_is_a_finding_and_kept(
    cast: Cast, customer: Customer, load: Load, owner: Role
) -> None:
    with owner():  # the sender of the second row
        number = cast.mate.number
    rows = [
        f"M1,{MOBILE},{SELLS},2026-03-01 10:00,营销,已送达,",
        f"M2,{MOBILE},{SELLS},2026-03-01 22:10,营销,已送达,{number}",
        f"M3,{MOBILE},{SELLS},2026-03-01 22:20,营销,失败,",
        f"M4,{MOBILE},感谢您，我是理财经理林晓。,2026-03-01 22:30,致谢,已送达,",
    ]
    assert counts(load(rows, head=f"{HEAD},发送人工号")) == (4, 0, 0)
    with cast.acting("leader", LATER):
        found = {(each.subject, each.verdict): each for each in Finding.objects.all()}
        ids = dict(Message.objects.values_list("name", "pk"))
        assert set(found) == {
            (f"message:{ids['M1']}", "no_consent"), (f"message:{ids['M2']}", "no_consent"), (f"message:{ids['M2']}", "quiet_hours"),
            (f"message:{ids['M2']}", "day_used_up"),
        }, "not what never left; thanks in quiet hours only warn"  # fmt: skip
        first = found[f"message:{ids['M1']}", "no_consent"]
        assert (first.clause, first.kind, first.staff_id, first.customer_id) == (
            "S5",
            "breach",
            cast.rm.pk,
            customer.pk,
        )
        assert first.what["zh"] == "客户没有明确同意接收营销短信。"
        assert found[f"message:{ids['M2']}", "quiet_hours"].staff_id == cast.mate.pk


@pytest.mark.parametrize(
    ("consent", "opt_out", "verdicts"),
    [(None, None, ["no_consent"]), (-3, None, []), (1, None, ["no_consent"]), (-3, -1, ["opted_out"]), (-3, 1, [])],
)
def test_it_is_judged_as_things_stood_when_it_was_sent(
    cast: Cast,
    customer: Customer,
    load: Load,
    owner: Role,
    consent: int | None,
    opt_out: int | None,
    verdicts: list[str],
) -> None:
    """Days from the sending on 25 February: consent given, opted out."""
    sent = datetime.fromisoformat("2026-02-25T10:00+08:00")
    with cast.acting("rm", NOW) as actor:
        if consent is not None:
            Consent.objects.record(
                customer, "marketing", "sms", given=True, evidence="柜面", source="contact", actor=actor, now=sent + timedelta(days=consent)
            )  # fmt: skip
    with owner():
        index = Customer.objects.get(pk=customer.pk).mobile_index
        if opt_out is not None:
            OptOut.objects.create(number_index=index, number="", evidence="T", at=sent + timedelta(days=opt_out))
    assert counts(load([f"M1,{MOBILE},{SELLS},2026-02-25 10:00,营销,已送达"])) == (1, 0, 0)
    with cast.acting("leader", LATER):
        assert list(Finding.objects.values_list("verdict", flat=True)) == verdicts


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("X,1381234567,好,2026-03-02 14:20,服务,", "接收号码", "11 digits; this has 10"),
        ("X,13999999999,好,2026-03-02 14:20,服务,", "接收号码", "No customer whom you may reach has this mobile number."),
        ("X,,好,2026-03-02 14:20,服务,", "接收号码", "does not say to whom"),
        (f"X,{MOBILE},,2026-03-02 14:20,服务,", "短信内容", "says nothing"),
        (f"X,{MOBILE},好,2026-03-02,服务,", "发送时间", "2026-02-16 18:05"),
        (f"X,{MOBILE},好,2026-02-30 09:20,服务,", "发送时间", "2026-02-16 18:05"),
        (f"X,{MOBILE},好,2026-03-02 18:01,服务,", "发送时间", "lies ahead"),
        (f"X,{MOBILE},好,2026-03-02 14:20,闲聊,", "类型", "致谢、回电、答复、服务、问候、生日、营销"),
        (f"X,{MOBILE},好,2026-03-02 14:20,服务,?", "状态", "已发送、已送达、失败、过期、未知"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_kept_comes_back_with_column_and_reason(
    cast: Cast, customer: Customer, load: Load, worker: Role, tmp_path: Path, row: str, column: str, reason: str
) -> None:
    run = load([row], language="en")
    assert counts(run) == (0, 0, 1)
    with worker():
        (why,) = Line.objects.get(run=run).reasons
        assert why["column"] == column
        assert reason in why["reason"]
        with (tmp_path / "back.csv").open("w", encoding="utf-8", newline="") as file:
            assert refused_file(run, file) == 1
    assert row.split(",")[2] in (tmp_path / "back.csv").read_text("utf-8")


def test_a_customer_number_joins_and_tells_apart_who_shares_a_mobile(
    cast: Cast, customer: Customer, load: Load
) -> None:
    wife = cast.customers["mate"][0]
    with cast.acting("mate", NOW) as actor:
        wife.learn("mobile", MOBILE, source="contact", actor=actor, now=NOW)
    head = "客户号,手机号,内容,发送时间,类型"
    run = load([f",{MOBILE},一,2026-03-02 14:20,服务", f"{wife.core_number},{MOBILE},二,2026-03-02 14:20,服务",
                f"{customer.core_number},,三,2026-03-02 14:20,服务", "C-999,,四,2026-03-02 14:20,服务"], head=head)  # fmt: skip
    assert counts(run) == (2, 0, 2)
    with cast.acting("leader", LATER):
        assert {each.text: each.customer_id for each in Message.objects.all()} == {"二": wife.pk, "三": customer.pk}
    with cast.acting("administrator", LATER):
        assert [line.reasons[0]["column"] for line in Line.objects.order_by("line")] == ["手机号", "客户号"]
        assert "有 2 位客户" in Line.objects.order_by("line")[0].reasons[0]["reason"]


@pytest.mark.parametrize("how", ["one file", "two files", "a trial"])
def test_a_number_that_another_customers_message_has_is_no_messages_number(
    cast: Cast, customer: Customer, load: Load, how: str
) -> None:
    """A batch's number: but for the first its messages would be taken for kept, and be lost."""
    other = cast.customers["mate"][0]
    head = "流水号,客户号,内容,发送时间,类型"
    rows = [f"B7,{customer.core_number},一,2026-03-02 14:20,服务", f"B7,{other.core_number},二,2026-03-02 14:20,服务"]
    if how == "two files":
        assert counts(load(rows[:1], head=head)) == (1, 0, 0)
    run = load(rows, head=head, dry=how == "a trial", language="en")
    assert counts(run) == ((0, 1, 1) if how == "two files" else (1, 0, 1))
    with cast.acting("administrator", LATER):
        (why,) = Line.objects.get(run=run).reasons
        assert why["column"] == "流水号"
        assert "another customer has this number" in why["reason"]


def test_a_leader_reaches_the_own_scope_alone(cast: Cast, customer: Customer, load: Load) -> None:
    assert counts(load([THANKED], by=cast.other_leader)) == (0, 0, 1)
    assert counts(load([THANKED], by=cast.leader)) == (1, 0, 0)


def test_it_stands_in_the_name_of_whose_customer_it_was_then(
    cast: Cast, customer: Customer, load: Load, owner: Role
) -> None:
    with owner():
        from zhike.customers.models import Book

        Book.objects.filter(customer=customer).delete()
        for rm, begins, ends in ((cast.mate, "2024-01-01", "2026-02-01"), (cast.rm, "2026-02-01", None)):
            Book.objects.create(
                customer=customer, rm=rm, from_day=date.fromisoformat(begins), to_day=ends and date.fromisoformat(ends), at=NOW
            )  # fmt: skip
    assert counts(load([f"1,{MOBILE},好,2026-01-31 23:00,服务,", f"2,{MOBILE},好,2026-02-01 09:00,服务,"])) == (2, 0, 0)
    with cast.acting("leader", LATER):
        assert dict(Message.objects.values_list("name", "staff_id")) == {"1": cast.mate.pk, "2": cast.rm.pk}


def test_a_trial_keeps_nothing_and_says_what_would_be(cast: Cast, thanks: Obligation, load: Load) -> None:
    again = f",{MOBILE},您好,2026-03-01 10:00,服务,"
    assert counts(load([THANKED, again, again, "X,1,好,2026-03-02 14:20,服务,"], dry=True)) == (2, 1, 1)
    with cast.acting("leader", LATER):
        thanks.refresh_from_db()
        assert thanks.state == "open"
        assert not Message.objects.exists()
        assert not Finding.objects.exists()


def test_a_run_goes_on_where_it_stands_and_one_that_is_overtaken_stops(
    cast: Cast, customer: Customer, worker: Role, tmp_path: Path
) -> None:
    path = tmp_path / "sent.csv"
    path.write_text("\n".join([HEAD, *(f"N{n},{MOBILE},第{n}条,2026-02-01 10:00,服务," for n in range(5))]), "utf-8")
    with worker():
        mapping = columns.guess(open_table(path).columns, of=MESSAGES)
        run = Run.objects.create(kind="messages", name="sent.csv", at=NOW, mapping=mapping, last_line=4)
        assert counts(run_import(run, path, bank=Bank(), now=lambda: LATER, language="zh-hans")) == (2, 0, 0)
        behind = Run.objects.get(pk=run.pk)
        behind.last_line = 4
        with pytest.raises(Overtaken):
            run_import(behind, path, bank=Bank(), now=lambda: LATER, language="zh-hans")


def test_memory_stays_flat(
    cast: Cast, customer: Customer, worker: Role, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten times the rows want no more at once than one chunk does."""
    monkeypatch.setattr("zhike.sms.imports.load.CHUNK", 100)

    def most(rows: int, name: str) -> int:
        path = tmp_path / f"{name}.csv"
        path.write_text(
            "\n".join([HEAD, *(f"{name}{n},{MOBILE},第{n}条,2026-02-01 10:00,服务," for n in range(rows))]), "utf-8"
        )
        with worker():
            mapping = columns.guess(open_table(path).columns, of=MESSAGES)
            run = Run.objects.create(kind="messages", name=name, at=NOW, mapping=mapping)
            tracemalloc.start()
            try:
                assert run_import(run, path, bank=Bank(), now=lambda: LATER, language="zh-hans").loaded == rows
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    most(100, "first")
    assert most(2_000, "many") < 2 * most(200, "few")


def test_it_stands_in_the_thread_marked_as_the_other_platforms(cast: Cast, thanks: Obligation, load: Load) -> None:
    load([THANKED, f"U1,{MOBILE},您的定期存款已到期。,2026-03-01 10:00,服务,失败"])
    with clock.at(LATER):
        page = cast.client("rm", LATER).get(f"/messages/{thanks.customer_id}/").content.decode()
        assert "感谢您光临" in page
        assert page.count("经本行其他短信平台") == 2
        assert "未送达：另一平台的回执如此" in page
        assert "再发一次" not in page, "what another platform sent is not ours to send again"


def test_the_page_takes_a_file_through_columns_trial_and_loading(cast: Cast, thanks: Obligation, worker: Role) -> None:
    with clock.at(LATER):
        browser = cast.client("administrator", LATER)
        assert "另一平台已发短信" in browser.get("/customers/import/").content.decode()
        text = f"编号,号码,正文,何时,类型,备注\nA1,{MOBILE},我是您的理财经理林晓，感谢您。,2026-03-02 14:20,致谢,老客户\nA2,1381234567,好,2026-03-02 14:20,服务,\n"
        file = SimpleUploadedFile("发送记录.csv", text.encode("gb18030"))
        answer = browser.post("/customers/import/messages/", {"file": file})
        assert answer.status_code == 303, answer.content.decode()
        address = answer["Location"]
        page = browser.get(address).content.decode()
        assert MOBILE not in page
        assert "/customers/import/messages/" in page
        given = {
            "column": ["编号", "号码", "正文", "何时", "类型", "备注"],
            "field": ["name", "mobile", "text", "", "kind", ""],
        }
        wrong = browser.post(address, {**given, "act": "try"})
        assert (wrong.status_code, "没有一列是：发送时间" in wrong.content.decode()) == (422, True)
        given["field"][3] = "at"
        assert browser.post(address, {**given, "act": "try"}).status_code == 303
        run = int(address.rstrip("/").rsplit("/", 1)[1])
        with worker():
            import_messages(run=run)
            assert not Message.objects.exists()
        page = browser.get(address).content.decode()
        assert "手机号应为 11 位，这里是 10 位" in page
        assert browser.post(address, {"act": "load"}).status_code == 303
        with worker():
            import_messages(run=run)
            assert Message.objects.get().customer_id == thanks.customer_id
            assert not Part.objects.exists()
            assert columns.guess(["何时"], of=MESSAGES) == {"何时": "at"}
            assert columns.guess(["何时"]) == {}, "what is remembered of these files says nothing of customers'"
        assert "A2" in browser.get(f"{address}refused/").content.decode()
        assert browser.get(address).content.decode().count('value="undo"') == 1
        listed = browser.get("/customers/import/messages/").content.decode()
        assert "发送记录.csv" in listed
        assert "发送记录.csv" not in browser.get("/customers/import/").content.decode()
    with cast.acting("rm", LATER):
        thanks.refresh_from_db()
        assert thanks.state == "done"


def test_the_command_keeps_them_and_returns_three_when_rows_are_refused(database: Any, tmp_path: Path) -> None:
    """The whole way: processes of their own, the worker's role, real commits; a spreadsheet as well."""
    with psycopg.connect(database.url("zhike_owner")) as connection:
        connection.execute(
            "INSERT INTO people_unit (code, name, kind, path, from_day) VALUES ('01', '支行', 'team', '/1/', '2020-01-01')"
        )
    run = partial(
        subprocess.run, env={**os.environ, **database.environment, "LANG": "zh_CN.UTF-8"}, capture_output=True, text=True, check=False
    )  # fmt: skip
    zhike = [sys.executable, "-m", "zhike"]
    customers, staff = tmp_path / "customers.csv", tmp_path / "staff.csv"
    staff.write_text("机构号,工号,姓名,角色\n01,1001,林晓,客户经理\n", "utf-8")
    assert run([*zhike, "import", "staff", str(staff)]).returncode == 0, run(
        [*zhike, "import", "staff", str(staff)]
    ).stderr
    customers.write_text("客户号,姓名,手机号,客户经理\nC1,沈静仪,13812345678,1001\n", "utf-8")
    assert run([*zhike, "import", "customers", str(customers)]).returncode == 0
    path = tmp_path / "sent.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, moment = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, ["手机号", "短信内容", "发送时间", "类型", "栏目"])
        sheet.write_row(1, 0, ["13812345678", "您的定期存款已到期。", None, "服务", "x"])
        sheet.write_datetime(1, 2, datetime(2026, 2, 16, 18, 5, 30), moment)
        sheet.write_row(2, 0, ["13912345678", "好", "2026-02-16 18:05", "服务", "x"])
    tried = run([*zhike, "import", "messages", str(path), "--dry-run", "--json"])
    assert (tried.returncode, json.loads(tried.stdout)["loaded"]) == (3, 1), tried.stderr
    assert "栏目" in tried.stderr
    done = run([*zhike, "import", "messages", str(path), "--leave-out", "栏目", "--by", "1001"])
    assert (done.returncode, "导入 1" in done.stdout) == (3, True), done.stderr
    back = (tmp_path / "sent.refused.csv").read_text("utf-8-sig")
    assert "3,手机号,您范围内没有客户用这个手机号。" in back
    again = tmp_path / "again.csv"
    again.write_text(
        "手机号,短信内容,发送时间,类型\n13812345678,您的定期存款已到期。,2026-02-16 18:05:30,服务\n", "utf-8"
    )
    once = run([*zhike, "import", "messages", str(again), "--json"])
    assert (once.returncode, json.loads(once.stdout)["already"]) == (0, 1), once.stderr
    with psycopg.connect(database.url("zhike_owner")) as connection:
        assert connection.execute("SELECT count(*), max(through) FROM sms_message").fetchone() == (1, "bank_sms")
        (kept,) = connection.execute(
            "SELECT changes FROM trail_entry WHERE object = 'sms_message' AND action = 'insert'"
        ).fetchall()[0]  # fmt: skip
        assert "定期存款" not in json.dumps(kept, ensure_ascii=False)
    nothing = run([*zhike, "import", "messages", str(customers)])
    assert (nothing.returncode, "均未导入" in nothing.stderr) == (3, True)
