"""Our end of SMPP against another program's: what reaches the gateway, what it says, and what becomes of it when it says nothing.

The gateway is npm's smpp (`tests/npm/smsc.mjs`), with a journal of its own. Misbehaviour that it does not know has a bare socket.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smpplib.smpp import make_pdu, parse_pdu

from bench.smsc import PASSWORD, Smsc, running
from tests.certificates import bank_s_own
from tests.sms.vectors import published
from zhike.conduct.words import Refused, Words
from zhike.sms import segments
from zhike.sms.smpp import LAST, Delivered
from zhike.sms.transports.smpp import KIND, Handle, Smpp, open_smpp
from zhike.sms.transports.transport import Answer, Event, Lost, Part, Receipt, Reply, Unbound

SHORT = 0.3  # seconds of patience with what never answers
LONG = 30.0  # with what answers at once
TO = "15400000001"
LETTER = "【示例银行】您好，感谢您今天的光临。"
# 66 units, and an emoji of two where 67 end.
BOUNDARY = "张" * 66 + "😀" + "祝您马年吉祥，阖家安康🎂！" * 8
ESCAPES = "a" * 152 + "{€}" + "[~]" * 20 + "@_Δ"


def now() -> datetime:
    return datetime(2026, 2, 16, 6, 56, tzinfo=UTC)


@pytest.fixture
def smsc(tmp_path: Path) -> Iterator[Smsc]:
    with running(tmp_path) as smsc:
        yield smsc


@contextmanager
def opened(smsc: Smsc, more: str = "", patience: float = LONG) -> Iterator[Smpp]:
    with closing(unopened(smsc, more, patience)) as gateway:
        gateway.open()
        yield gateway


def unopened(smsc: Smsc, more: str = "", patience: float = LONG) -> Smpp:
    gateway = open_smpp(smsc.address(more), now)
    gateway.patience = patience
    return gateway


def send(gateway: Smpp, text: str = LETTER, times: int = 1) -> list[int]:
    """The text in its segments, so many times; their sequence numbers."""
    if gateway.whole:
        numbers = gateway.numbers(times)
        gateway.submit([Part(number, "ours", TO, text) for number in numbers])
        return numbers
    cut = segments.cut(text, 0x2A) * times
    numbers = gateway.numbers(len(cut))
    gateway.submit(
        [
            Part(number, "ours", TO, one.text, one.coding, one.octets, one.header, one.number, one.of)
            for number, one in zip(numbers, cut, strict=True)
        ]
    )
    return numbers


def told(gateway: Smpp, count: int, *, took: bool = True) -> list[Event]:
    """So many events, in the order in which they came; each reading is acknowledged."""
    events: list[Event] = []
    while len(events) < count:
        read = gateway.events(LONG)
        assert read, f"only {events}"
        events += read
        if took:
            gateway.took(read)
    return events


def answer(gateway: Smpp) -> Answer:
    (event,) = told(gateway, 1)
    assert isinstance(event, Answer)
    return event


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def refusal(gateway: Smpp) -> Unbound:
    """Why it does not let us in, in words that show no secret."""
    with pytest.raises(Unbound) as caught:
        gateway.open()
    error = caught.value
    shown = f"{error.words.zh} {error.words.en} {error!r} {gateway!r} {gateway.address!r}"
    assert gateway.address.secret not in shown
    assert error.words.zh != error.words.en
    assert error.__suppress_context__ or error.__context__ is None
    return error


def ended(gateway: Smpp) -> Words:
    """How the connection ended, once nothing more is told."""
    _heard, words = to_the_end(gateway)
    assert words.zh != words.en
    return words


def to_the_end(gateway: Smpp) -> tuple[list[Event], Words]:
    """What is told until the connection has ended, and how it ended."""
    heard: list[Event] = []
    try:
        while read := gateway.events(LONG):
            heard += read
    except Lost as lost:
        return heard, lost.words
    pytest.fail("Nothing came, and the connection goes on.")


# Signing in.


def test_it_signs_in_and_out(smsc: Smsc) -> None:
    with opened(smsc):
        assert smsc.await_("bind_transceiver")[0]["sequence"] == 1
    assert len(smsc.await_("unbind")) == 1
    smsc.await_("close")


@pytest.mark.parametrize(
    ("bind", "command", "window"),
    [("tx", "bind_transmitter", 50), ("rx", "bind_receiver", 0), ("trx", "bind_transceiver", 50)],
)
def test_each_bind_mode_is_asked_for_by_its_own_command(smsc: Smsc, bind: str, command: str, window: int) -> None:
    with opened(smsc, f"&bind={bind}") as gateway:
        assert gateway.window == window
        smsc.await_(command)


def test_two_connections_share_the_work_where_the_gateway_wants_it_so(smsc: Smsc) -> None:
    with opened(smsc, "&bind=rx") as ear, opened(smsc, "&bind=tx") as mouth:
        send(mouth)
        assert kinds(told(mouth, 1)) == [Answer]
        (receipt,) = told(ear, 1)
        assert isinstance(receipt, Receipt)
        assert receipt.fate == "delivered"


@pytest.mark.parametrize(
    ("status", "code", "permanent"),
    [
        (0x05, "0x05", False),
        (0x0D, "0x0D", False),
        (0x0E, "0x0E", True),
        (0x0F, "0x0F", True),
        (0x53, "0x53", True),
        (0x401, "0x401", False),
    ],
)
def test_a_gateway_that_refuses_says_why(smsc: Smsc, status: int, code: str, permanent: bool) -> None:
    smsc.set(refuse=status)
    error = refusal(unopened(smsc))
    assert code in error.words.zh
    assert code in error.words.en
    assert error.permanent is permanent


def test_a_wrong_password_is_permanent_and_not_shown(smsc: Smsc, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    error = refusal(open_smpp(smsc.address(password="w4ong-pw"), now))
    assert error.permanent
    assert "密码不被接受" in error.words.zh
    assert "ZHIKE_SMS_URL" in error.words.zh
    assert "w4ong-pw" not in caplog.text


def test_after_a_refusal_it_may_be_opened_anew(smsc: Smsc) -> None:
    gateway = unopened(smsc)
    smsc.set(refuse=0x05)
    refusal(gateway)
    smsc.set(refuse=0)
    with closing(gateway):
        gateway.open()
        send(gateway)
        assert answer_and_receipt(gateway)[0].taken


def test_where_nobody_listens_it_says_so(smsc: Smsc) -> None:
    gateway = unopened(smsc)
    smsc.stop()
    error = refusal(gateway)
    assert f"127.0.0.1:{smsc.port}" in error.words.zh
    assert not error.permanent


def test_a_host_that_cannot_be_one_is_named() -> None:
    gateway = open_smpp(f"smpp://zhike:{PASSWORD}@{'x' * 64}.bank.example?from=95588", now)
    assert "找不到主机" in refusal(gateway).words.zh


def test_a_sign_in_that_is_never_answered_is_left_after_the_patience(smsc: Smsc) -> None:
    smsc.set(mute=["bind_transceiver"])
    error = refusal(unopened(smsc, patience=SHORT))
    assert "0.3 秒" in error.words.zh
    assert not error.permanent


@contextmanager
def bare(*says: bytes, goes: bool = False, first: bytes = b"") -> Iterator[str]:
    """The address of something that says one of these whenever it is spoken to, and then reads on, or goes; ``first``: what it says
    behind the first of them without having read anything more."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                for words in says:
                    peer.recv(1 << 16)
                    peer.sendall(words)
                    if words == says[0]:
                        peer.sendall(first)
                while not goes and peer.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"smpp://zhike:{PASSWORD}@127.0.0.1:{server.getsockname()[1]}?from=95588"
        thread.join()


GOOD_BIND = bytes.fromhex("00000015 80000009 00000000 00000001") + b"SMSC\0"


@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail.bank.example ESMTP\r\n",
        b"\0" * 64,
        b"\xff" * 64,
        bytes.fromhex("00000010 80000004 00000000 00000001"),  # an answer, to something else
        bytes.fromhex("00000010 80000009 00000000 00000007"),  # to another question
        bytes.fromhex("00000010 80000000 00000000 00000000"),
    ],
    ids=["http", "smtp", "zeros", "ones", "other", "number", "nack"],
)
def test_what_is_no_smpp_is_no_sign_in(says: bytes) -> None:
    with bare(says) as address:
        error = refusal(open_smpp(address, now))
    assert not error.permanent


def test_who_hangs_up_at_the_sign_in_may_not_know_this_machine() -> None:
    with bare(b"\0", goes=True) as address:
        assert "白名单" in refusal(open_smpp(address, now)).words.zh


def test_a_gateway_that_does_not_know_the_bind_says_so() -> None:
    with bare(bytes.fromhex("00000010 80000000 00000003 00000001")) as address:
        assert "0x03" in refusal(open_smpp(address, now)).words.en


# Encryption.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bank_s_own(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def encrypted(tmp_path: Path, certificate: Path) -> Iterator[Smsc]:
    with running(tmp_path, key=str(certificate), cert=str(certificate)) as smsc:
        yield smsc


def test_with_tls_all_is_as_without(encrypted: Smsc, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with closing(open_smpp(encrypted.address(scheme="smpps", host="localhost"), now)) as gateway:
        gateway.open()
        numbers = send(gateway, BOUNDARY, times=200)
        events = told(gateway, 2 * len(numbers))
        assert [event.sequence for event in events if isinstance(event, Answer)] == numbers


def test_a_certificate_that_nobody_signed_is_not_believed(encrypted: Smsc) -> None:
    error = refusal(open_smpp(encrypted.address(scheme="smpps"), now))
    assert "SSL_CERT_FILE" in error.words.zh


def test_tls_to_a_gateway_without_it_is_told_as_that(smsc: Smsc) -> None:
    gateway = open_smpp(smsc.address(scheme="smpps"), now)
    assert "smpp://" in refusal(gateway).words.en


# What leaves.


@pytest.mark.parametrize("text", [LETTER, BOUNDARY, ESCAPES, "Thank you.", "€" * 80, "😀" * 100], ids=len)
@pytest.mark.parametrize("long", ["udh", "payload"])
def test_a_text_comes_out_of_the_gateway_as_it_went_in(smsc: Smsc, text: str, long: str) -> None:
    with opened(smsc, f"&long={long}") as gateway:
        numbers = send(gateway, text)
        told(gateway, 2 * len(numbers))
    received = smsc.received("submit_sm")
    assert "".join(entry["text"] for entry in received) == text
    assert [entry["sequence"] for entry in received] == numbers
    parts = len(segments.cut(text))
    gsm7 = text in (ESCAPES, "Thank you.", "€" * 80)
    for number, entry in enumerate(received, start=1):
        assert (entry["source"], entry["to"], entry["registered_delivery"]) == ("95588", TO, 1)
        assert entry["data_coding"] == (0 if gsm7 else 8)
        if long == "udh" and parts > 1:
            assert entry["udh"] == f"00032a{parts:02x}{number:02x}"
            assert entry["esm_class"] == 0x40
        else:
            assert (entry["udh"], entry["esm_class"]) == ("", 0)
    assert len(received) == (parts if long == "udh" else 1)
    assert {entry["payload"] for entry in received} == {long == "payload" and parts > 1}


def test_the_parts_may_leave_in_any_order_and_are_joined_by_their_headers(smsc: Smsc) -> None:
    cut = segments.cut(BOUNDARY, 0x2A)
    assert cut[1].text.startswith("😀")
    with opened(smsc) as gateway:
        numbers = gateway.numbers(len(cut))
        parts = [
            Part(n, "", TO, one.text, one.coding, one.octets, one.header) for n, one in zip(numbers, cut, strict=True)
        ]
        gateway.submit(parts[::-1])
        told(gateway, 2 * len(parts))
    received = smsc.received("submit_sm")
    assert "".join(entry["text"] for entry in sorted(received, key=lambda entry: entry["udh"])) == BOUNDARY


@pytest.mark.parametrize(
    ("more", "source", "source_kind", "to", "to_kind"),
    [
        ("", "95588", [0, 1], TO, [0, 1]),
        ("&prefix=86", "95588", [0, 1], f"86{TO}", [1, 1]),
        ("&prefix=%2B86&to_ton=0", "95588", [0, 1], f"+86{TO}", [0, 1]),
        ("&from=ZHIKE", "ZHIKE", [5, 0], TO, [0, 1]),
        ("&from_ton=3&from_npi=0&to_ton=2&to_npi=8", "95588", [3, 0], TO, [2, 8]),
    ],
)
def test_numbers_are_written_as_the_gateway_wants_them(
    smsc: Smsc, more: str, source: str, source_kind: list[int], to: str, to_kind: list[int]
) -> None:
    with opened(smsc, more) as gateway:
        send(gateway)
        told(gateway, 2)
    (entry,) = smsc.received("submit_sm")
    assert (entry["source"], entry["source_kind"], entry["to"], entry["to_kind"]) == (source, source_kind, to, to_kind)


def test_each_part_is_answered_under_its_number(smsc: Smsc) -> None:
    smsc.set(receipts="never", statuses=[0, 0x0B, 0, 0x14])
    with opened(smsc) as gateway:
        numbers = send(gateway, times=5)
        answers = told(gateway, 5)
    assert [(event.sequence, event.taken) for event in answers if isinstance(event, Answer)] == list(
        zip(numbers, [True, False, True, False, True], strict=True)
    )
    journal = {entry["sequence"]: entry["id"] for entry in smsc.received("submit_sm") if not entry["status"]}
    assert journal == {event.sequence: event.id for event in answers if isinstance(event, Answer) and event.taken}


@pytest.mark.parametrize(
    ("status", "throttled", "says"),
    [
        (0x58, True, "超出约定的发送速度"),
        (0x14, True, "网关队列已满"),
        (0x0B, False, "接收号码不被接受"),
        (0x08, False, "网关系统错误"),
        (0x0400, False, "网关自定义的错误"),
        (0xABCD, False, "未列入 SMPP 3.4 的错误"),
    ],
)
def test_what_is_not_taken_says_why_and_whether_it_may_be_tried_again(
    smsc: Smsc, status: int, throttled: bool, says: str
) -> None:
    smsc.set(statuses=[status])
    with opened(smsc) as gateway:
        send(gateway)
        told = answer(gateway)
        assert (told.taken, told.throttled, told.code) == (False, throttled, f"0x{status:02X}")
        assert told.words
        assert told.words.zh == says
        assert told.words.en != says
        send(gateway)  # later, and it is taken
        assert answer_and_receipt(gateway)[0].taken


def answer_and_receipt(gateway: Smpp) -> tuple[Answer, Receipt]:
    first, second = told(gateway, 2)
    assert isinstance(first, Answer)
    assert isinstance(second, Receipt)
    return first, second


def test_an_answer_that_never_comes_is_not_invented_and_nothing_leaves_twice(smsc: Smsc) -> None:
    smsc.set(swallow=1, receipts="never")
    with opened(smsc) as gateway:
        silent, heard = send(gateway, times=2)
        assert answer(gateway).sequence == heard
        assert gateway.events(0) == []
        received = smsc.await_("submit_sm", 2)
    assert [entry["sequence"] for entry in received] == [silent, heard]


def test_far_more_than_the_wire_holds_leaves_in_one_write_while_receipts_pour_in(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        numbers = send(gateway, "张" * 70, times=20_000)  # 4 MB there, 6 MB back
        events = told(gateway, 40_000)
        assert [event.sequence for event in events if isinstance(event, Answer)] == numbers
        assert len({event.id for event in events if isinstance(event, Receipt)}) == 20_000
        smsc.await_("deliver_sm_resp", 20_000)


def test_numbers_are_never_given_twice_and_come_round_at_the_end(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        assert gateway.numbers(3) == [2, 3, 4]
        assert gateway.numbers(2) == [5, 6]
        gateway._next = LAST - 1
        assert gateway.numbers(4) == [LAST - 1, LAST, 1, 2]
        assert gateway.numbers(1) == [3]
        gateway._next = LAST
        assert gateway.numbers(1) == [LAST]
        assert gateway.numbers(1) == [1]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200), st.integers(1, LAST))
def test_another_program_reads_the_parts_as_they_are(text: str, sequence: int) -> None:
    gateway = open_smpp("smpp://zhike:s3cret8@127.0.0.1?from=95588", now)
    for one in segments.cut(text, 7):
        part = Part(sequence, "", TO, one.text, one.coding, one.octets, one.header)
        pdu = parse_pdu(gateway.coded(part), sequence=0)
        assert (pdu.command, pdu.status, pdu.sequence, pdu.length) == (
            "submit_sm",
            0,
            sequence,
            len(gateway.coded(part)),
        )
        assert (pdu.source_addr, pdu.destination_addr) == (b"95588", TO.encode())
        assert pdu.short_message == one.header + one.octets
        assert (pdu.esm_class, pdu.data_coding) == (0x40 if one.of > 1 else 0, 8 if one.coding == "ucs2" else 0)
        assert pdu.registered_delivery == 1


# Receipts.


def test_a_receipt_says_what_became_of_which_message_and_when(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        send(gateway)
        taken, receipt = answer_and_receipt(gateway)
    assert receipt.id == taken.id != ""
    assert (receipt.fate, receipt.code) == ("delivered", "DELIVRD")
    assert receipt.at == datetime(2026, 2, 16, 6, 56, tzinfo=UTC)  # 14:56 by a Chinese gateway's clock


def test_the_gateway_s_clock_may_hang_elsewhere(smsc: Smsc) -> None:
    with opened(smsc, "&zone=UTC") as gateway:
        send(gateway)
        assert answer_and_receipt(gateway)[1].at == datetime(2026, 2, 16, 14, 56, tzinfo=UTC)


def test_fields_say_it_alone_and_count_before_the_text(smsc: Smsc) -> None:
    fields = {"receipted_message_id": "2f", "message_state": 5, "network_error_code": "\x03\x00\x1b"}
    texts = ["", "id:47 stat:DELIVRD err:000"]
    smsc.tell("deliver", [{"esm_class": 4, "hex": text.encode().hex(), **fields} for text in texts])
    with opened(smsc) as gateway:
        receipts = [event for event in told(gateway, 2) if isinstance(event, Receipt)]
    assert [(one.id, one.fate, one.code) for one in receipts] == [("2f", "undelivered", "UNDELIV:27")] * 2


STATES = [
    ("EXPIRED", 3, "expired", "EXPIRED:027"),
    ("UNDELIV", 5, "undelivered", "UNDELIV:027"),
    ("REJECTD", 8, "undelivered", "REJECTD:027"),
    ("DELETED", 4, "undelivered", "DELETED:027"),
    ("ENROUTE", 1, "under_way", "ENROUTE:027"),
    ("ACCEPTD", 6, "under_way", "ACCEPTD:027"),
    ("UNKNOWN", 7, "under_way", "UNKNOWN:027"),
    ("MK:0012", 0, "undelivered", "MK:0012:027"),
    ("undeliv", 0, "undelivered", "UNDELIV:027"),
    ("DELIVERED", 0, "delivered", "DELIVRD:027"),
    ("WHATEVER", 0, "under_way", "WHATEVER:027"),
    ("", 0, "under_way", "027"),
]


def test_every_state_is_understood_from_the_text_and_from_the_fields(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        for stat, state, fate, code in STATES:
            for told_by in {0, state}:
                smsc.set(stat=stat, state=told_by)
                send(gateway)
                taken, receipt = answer_and_receipt(gateway)
                assert (receipt.id, receipt.fate, receipt.code) == (taken.id, fate, code)
                assert receipt.words
                assert receipt.words.zh != receipt.words.en


def test_a_receipt_may_come_before_the_answer(smsc: Smsc) -> None:
    smsc.set(receipts="before")
    with opened(smsc) as gateway:
        send(gateway)
        receipt, taken = told(gateway, 2)
        assert isinstance(receipt, Receipt)
        assert isinstance(taken, Answer)
        assert receipt.id == taken.id


def test_a_receipt_may_come_twice_and_each_is_acknowledged(smsc: Smsc) -> None:
    smsc.set(receipts="twice")
    with opened(smsc) as gateway:
        send(gateway)
        _taken, first, second = told(gateway, 3)
        assert first == second
        assert {entry["status"] for entry in smsc.await_("deliver_sm_resp", 2)} == {0}


def test_a_receipt_of_a_message_that_nobody_knows_is_told_as_it_is(smsc: Smsc) -> None:
    smsc.set(receipts="unknown")
    with opened(smsc) as gateway:
        send(gateway)
        assert answer_and_receipt(gateway)[1].id == "ffffffff"


@pytest.mark.parametrize("state", [0, 2])
def test_ids_written_hexadecimal_here_and_decimal_there_meet(smsc: Smsc, state: int) -> None:
    smsc.stop()
    with running(smsc.path.parent, first=0x9A4F) as other, opened(other, "&ids=hex-decimal") as gateway:
        other.set(ids="hex", state=state)
        send(gateway)
        taken, receipt = answer_and_receipt(gateway)
        assert receipt.id == taken.id == str(0x9A4F)


def test_ids_are_left_alone_where_nothing_is_said(smsc: Smsc) -> None:
    smsc.tell("deliver", [{"esm_class": 4, "hex": b"id:00aB-x stat:DELIVRD err:000 text:".hex()}])
    with opened(smsc) as gateway:
        (receipt,) = told(gateway, 1)
        assert isinstance(receipt, Receipt)
        assert receipt.id == "00aB-x"


TEXTS = [
    ("id:1 done date:2602302561 stat:DELIVRD", None),
    ("id:1 done date:260216145630 stat:DELIVRD", datetime(2026, 2, 16, 6, 56, 30, tzinfo=UTC)),
    ("id:1 done date:soon stat:DELIVRD", None),
    ("ID:1 STAT:DELIVRD ERR:000", None),
    ("id:1 stat:DELIVRD text:id:2 stat:UNDELIV done date:2602161456", None),
]


def test_a_receipt_s_text_is_read_as_far_as_it_goes(smsc: Smsc) -> None:
    smsc.tell("deliver", [{"esm_class": 4, "hex": text.encode().hex()} for text, _at in TEXTS])
    with opened(smsc) as gateway:
        receipts = [event for event in told(gateway, len(TEXTS)) if isinstance(event, Receipt)]
    assert [(one.id, one.fate, one.at) for one in receipts] == [("1", "delivered", at) for _text, at in TEXTS]


def test_a_customer_s_words_are_never_taken_for_a_receipt(smsc: Smsc) -> None:
    words = {"source_addr": TO, "data_coding": 0, "hex": b"id:1 stat:DELIVRD err:000".hex()}
    acknowledging = {
        "esm_class": 0x10,
        "receipted_message_id": "2f",
    }  # by the customer's own hand: what they wrote counts
    smsc.tell("deliver", [words, {**words, **acknowledging}])
    with opened(smsc) as gateway:
        assert kinds(told(gateway, 2)) == [Reply, Reply]


# Replies.


def deliver(smsc: Smsc, gateway: Smpp, *pdus: dict[str, Any]) -> list[Reply]:
    smsc.tell("deliver", [{"source_addr": TO, "destination_addr": "95588", **pdu} for pdu in pdus])
    replies = [event for event in told(gateway, len(pdus)) if isinstance(event, Reply)]
    assert len(replies) == len(pdus)
    return replies


CODED = [
    (0, b"TD", "TD"),
    (0, bytes.fromhex("00 1b65 11"), "@€_"),
    (1, b"R", "R"),
    (3, "Grüße".encode("latin-1"), "Grüße"),
    (8, "退订 😀".encode("utf-16-be"), "退订 😀"),
    (15, "退订".encode("gb18030"), "退订"),
    (0x18, "好".encode("utf-16-be"), "好"),
    (0xF0, b"ok", "ok"),
    (8, bytes.fromhex("0041 d83d"), "A\ufffd"),  # half an emoji
    (8, bytes.fromhex("0041 0000 0042"), "AB"),  # what no database keeps
    (3, b"A\0B", "AB"),
    (0, b"", ""),
]


def test_a_reply_is_read_by_its_coding(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        replies = deliver(
            smsc, gateway, *({"data_coding": coding, "hex": octets.hex()} for coding, octets, _text in CODED)
        )
    assert [reply.text for reply in replies] == [text for _coding, _octets, text in CODED]
    assert {(reply.sender, reply.to, reply.part) for reply in replies} == {(TO, "95588", None)}


def test_a_customer_s_number_is_written_as_the_bank_writes_it(smsc: Smsc) -> None:
    sources = [f"86{TO}", f"+86{TO}", f"0086{TO}", TO, "10086", "8613", "+4915112345678"]
    with opened(smsc) as gateway:
        replies = deliver(
            smsc, gateway, *({"source_addr": source, "data_coding": 0, "hex": "54"} for source in sources)
        )
    assert [reply.sender for reply in replies] == [TO, TO, TO, TO, "10086", "8613", "+4915112345678"]


def test_a_long_reply_comes_with_what_joins_it_however_the_gateway_tells_it(smsc: Smsc) -> None:
    parts = [one.encode("utf-16-be") for one in ("我想退订，" * 13, "谢谢😀")]
    short = [bytes((5, 0, 3, 0x2A, 2, n)) + octets for n, octets in enumerate(parts, start=1)]
    wide = [bytes((6, 8, 4, 0x01, 0x2A, 2, n)) + octets for n, octets in enumerate(parts, start=1)]
    ported = [bytes((11, 5, 4, 0, 80, 0, 80, 0, 3, 9, 2, n)) + octets for n, octets in enumerate(parts, start=1)]
    with opened(smsc) as gateway:
        for header, reference in ((short, 0x2A), (wide, 0x12A), (ported, 9)):
            replies = deliver(
                smsc, gateway, *({"data_coding": 8, "esm_class": 0x40, "hex": one.hex()} for one in header)
            )
            assert [reply.part for reply in replies] == [(reference, 2, 1), (reference, 2, 2)]
            assert "".join(reply.text for reply in replies) == "我想退订，" * 13 + "谢谢😀"
        fields = [{"sar_msg_ref_num": 300, "sar_total_segments": 2, "sar_segment_seqnum": n} for n in (1, 2)]
        replies = deliver(
            smsc, gateway, *({"data_coding": 8, "hex": p.hex(), **f} for p, f in zip(parts, fields, strict=True))
        )
        assert [reply.part for reply in replies] == [(300, 2, 1), (300, 2, 2)]
        (whole,) = deliver(smsc, gateway, {"data_coding": 8, "hex": b"".join(parts).hex(), "payload": True})
        assert (whole.text, whole.part) == ("我想退订，" * 13 + "谢谢😀", None)


def test_a_header_that_joins_nothing_leaves_the_reply_alone(smsc: Smsc) -> None:
    headers = ["050003 2a 01 01", "050003 2a 02 03", "050003 2a 02 00", "0400032a02", "020a00", "00"]
    with opened(smsc) as gateway:
        pdus = [{"data_coding": 0, "esm_class": 0x40, "hex": (bytes.fromhex(one) + b"TD").hex()} for one in headers]
        replies = deliver(smsc, gateway, *pdus)
    assert [(reply.text, reply.part) for reply in replies] == [("TD", None)] * len(headers)


# Acknowledging.


def test_nothing_is_acknowledged_before_it_is_kept(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        send(gateway)
        events = told(gateway, 2, took=False)
        smsc.tell("enquire")
        assert gateway.events(SHORT) == []  # it has read, and answered, what lay there
        smsc.await_("enquire_link_resp")
        assert smsc.received("deliver_sm_resp") == []
        gateway.took(events)
        assert len(smsc.await_("deliver_sm_resp")) == 1


def test_what_was_not_acknowledged_is_told_again_on_the_next_connection_and_only_there_acknowledged(smsc: Smsc) -> None:
    smsc.tell("deliver", [{"source_addr": TO, "data_coding": 0, "hex": b"TD".hex()}])
    with opened(smsc) as gateway:
        first = told(gateway, 1, took=False)
        smsc.tell("drop")
        ended(gateway)
        gateway.took(first)  # too late for that connection
        gateway.open()
        second = told(gateway, 1, took=False)
        assert second == first
        gateway.took(first)  # of the connection before: the same number, another question
        smsc.tell("enquire")
        assert gateway.events(SHORT) == []
        smsc.await_("enquire_link_resp")
        assert smsc.received("deliver_sm_resp") == []
        gateway.took(second)
        smsc.await_("deliver_sm_resp")
        smsc.tell("drop")
        ended(gateway)
        gateway.open()
        assert gateway.events(SHORT) == []


def test_answers_need_no_acknowledgement(smsc: Smsc) -> None:
    smsc.set(receipts="never")
    with opened(smsc) as gateway:
        send(gateway)
        answer(gateway)
        gateway.took([])
    assert smsc.received("deliver_sm_resp") == []


# How connections end.


def test_what_came_before_the_end_is_told_before_the_end() -> None:
    taken = bytes.fromhex("00000013 80000004 00000000 00000002") + b"id\0"
    with bare(GOOD_BIND, taken, goes=True) as address, closing(open_smpp(address, now)) as gateway:
        gateway.open()
        send(gateway)
        heard, _words = to_the_end(gateway)
    assert heard == [Answer(2, True, "id")]


def test_a_part_that_was_taken_before_the_end_is_never_said_to_have_failed(smsc: Smsc) -> None:
    smsc.set(hangup=3, receipts="never")
    with opened(smsc) as gateway:
        numbers = send(gateway, times=3)
        heard, _words = to_the_end(gateway)
        received = smsc.await_("submit_sm", 3)
    assert [
        entry["sequence"] for entry in received
    ] == numbers  # it had the third, and nobody will ever hear that from it
    assert all(event.taken and event.sequence in numbers[:2] for event in heard if isinstance(event, Answer))


def test_a_gateway_that_says_all_it_has_before_it_reads_is_heard_out() -> None:
    reply = b"\0\1\1154\0\1\1955\0\0\0\0\0\0\0\0\0\0\xa0" + b"a" * 160
    replies = b"".join(
        (16 + len(reply)).to_bytes(4) + bytes.fromhex("00000005 00000000") + number.to_bytes(4) + reply
        for number in range(40_000)
    )  # 8 MB, far more than lies on the way
    with bare(GOOD_BIND, first=replies) as address, closing(open_smpp(address, now)) as gateway:
        gateway.patience = LONG
        gateway.open()
        send(gateway, "张" * 70, times=40_000)
        assert len(told(gateway, 40_000, took=False)) == 40_000


def test_after_the_end_numbers_begin_anew_and_nothing_leaves_again(smsc: Smsc) -> None:
    smsc.set(hangup=1, receipts="never")
    with opened(smsc) as gateway:
        assert send(gateway) == [2]
        ended(gateway)
        with pytest.raises(Lost):
            gateway.submit([Part(3, "", TO, "a", "gsm7", b"a")])
        with pytest.raises(Lost):
            gateway.events(0)
        gateway.open()
        assert send(gateway, "Second.") == [2]
        assert answer(gateway).sequence == 2
    assert [(entry["session"], entry["sequence"]) for entry in smsc.received("submit_sm")] == [(1, 2), (2, 2)]
    assert [entry["text"] for entry in smsc.received("submit_sm")] == [LETTER, "Second."]


def test_before_it_is_opened_and_after_it_is_closed_there_is_no_connection(smsc: Smsc) -> None:
    gateway = unopened(smsc)
    for _ in range(2):
        with pytest.raises(Lost):
            gateway.events(0)
        with pytest.raises(Lost):
            gateway.submit([Part(1, "", TO, "a", "gsm7", b"a")])
        gateway.took([Reply(TO, "95588", "T", handle=Handle(0, 1))])
        gateway.open()
        gateway.close()
        gateway.close()


def test_a_gateway_that_signs_us_out_is_answered(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        smsc.tell("unbind")
        assert "unbind" in ended(gateway).en
        smsc.await_("unbind_resp")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 400 Bad Request\r\n".hex(),
        "00000000 80000004 00000000 00000002",
        "0000000f 80000004 00000000 00000002",
        "00010001 80000004 00000000 00000002",
        "ffffffff ffffffff ffffffff ffffffff",
        "00000010 80000000 00000002 00000000",
    ],
    ids=["http", "zero", "short", "long", "ones", "nack"],
)
def test_garbage_ends_the_connection_and_nothing_else(smsc: Smsc, raw: str) -> None:
    with opened(smsc) as gateway:
        smsc.tell("raw", raw.replace(" ", ""))
        ended(gateway)
        gateway.open()
        send(gateway)
        assert answer_and_receipt(gateway)[0].taken


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"\0\0\0" + b"1" * 40, b"\xff" * 300],
    ids=["empty", "one", "endless", "ones"],
)
def test_a_delivery_that_cannot_be_read_is_turned_down_and_stops_nothing(
    smsc: Smsc, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(smsc) as gateway:
        smsc.tell(
            "raw", (len(body) + 16).to_bytes(4).hex() + "00000005 00000000 000003e7".replace(" ", "") + body.hex()
        )
        deliver(smsc, gateway, {"data_coding": 0, "hex": b"TD".hex()})
        gateway._keep_alive()
    assert "cannot be read" in caplog.text
    assert Delivered.read(body) is None


@pytest.mark.parametrize("tail", ["", "04", "042700", "0427 0001", "0427 0009 02", "1501 0002 abcd", "0427 0000"])
def test_fields_that_are_unknown_or_broken_leave_the_words_readable(tail: str) -> None:
    body = b"\0\1\1" + TO.encode() + b"\0\1\1" + b"95588\0" + b"\0\0\0\0\0\0\0\0\0\x02TD" + bytes.fromhex(tail)
    read = Delivered.read(body)
    assert read
    assert (read.source, read.message) == (TO.encode(), b"TD")


def test_a_command_that_we_do_not_know_is_declined_and_the_connection_goes_on(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        smsc.tell("raw", "00000010 00000103 00000000 00000009".replace(" ", "") + "00000010000001020000000000000009")
        send(gateway)
        answer_and_receipt(gateway)
        assert [entry["status"] for entry in smsc.await_("generic_nack")] == [3]


def test_a_part_that_the_gateway_cannot_read_is_not_taken(smsc: Smsc) -> None:
    smsc.set(swallow=1, receipts="never")
    with opened(smsc) as gateway:
        (sequence,) = send(gateway)
        smsc.tell("raw", f"00000010 80000000 00000002 {sequence:08x}".replace(" ", ""))
        event = answer(gateway)
        assert (event.sequence, event.taken, event.code) == (sequence, False, "0x02")


def test_a_gateway_that_reads_nothing_is_left_after_the_patience() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gateway = open_smpp(f"smpp://zhike:s3cret8@127.0.0.1:{server.getsockname()[1]}?from=95588", now)

        def welcome() -> None:
            peers.append(server.accept()[0])
            peers[0].sendall(GOOD_BIND)

        peers: list[socket.socket] = []
        thread = threading.Thread(target=welcome)
        thread.start()
        with closing(gateway):
            gateway.open()
            thread.join()
            gateway.patience = SHORT
            with pytest.raises(Lost) as caught:
                send(gateway, "张" * 70, times=50_000)
        peers[0].close()
    assert "0.3 秒" in caught.value.words.zh


# Whether the other end is there.


def test_the_gateway_s_question_whether_we_are_there_is_answered(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        smsc.tell("enquire")
        assert gateway.events(SHORT) == []
        assert smsc.await_("enquire_link_resp")[0]["status"] == 0


def test_after_a_silence_the_gateway_is_asked_and_who_answers_stays(smsc: Smsc) -> None:
    with opened(smsc) as gateway:
        gateway.idle = 0.05
        gateway.patience = LONG
        while len(smsc.received("enquire_link")) < 2:
            assert gateway.events(0.1) == []
        assert [entry["sequence"] for entry in smsc.received("enquire_link")][:2] == [2, 3]
        (sequence,) = send(gateway)
        assert sequence > 3
        answer_and_receipt(gateway)


def test_a_gateway_that_does_not_answer_whether_it_is_there_is_gone(smsc: Smsc) -> None:
    smsc.set(mute=["enquire_link"])
    with opened(smsc) as gateway:
        gateway.idle, gateway.patience = 0.05, SHORT
        assert "链路检测" in ended(gateway).zh
        assert len(smsc.await_("enquire_link")) == 1


def test_a_question_that_is_declined_is_an_answer_too(smsc: Smsc) -> None:
    smsc.set(mute=["enquire_link"])
    with opened(smsc) as gateway:
        gateway.idle = 0.05
        assert gateway.events(0.1) == []
        (asked,) = smsc.await_("enquire_link")
        gateway.idle = 60
        smsc.tell("raw", f"00000010 80000000 00000003 {asked['sequence']:08x}".replace(" ", ""))
        send(gateway)
        answer_and_receipt(gateway)


# The address.


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("smpp://zhike:s3cret8@127.0.0.1", "?from="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95 588", "?from="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=知客", "?from="),
        ("smpp://zhike@127.0.0.1?from=95588", "密码"),
        ("smpp://zhike:s3cret8-long@127.0.0.1?from=95588", "密码"),
        ("smpp://zhike:%E5%AF%86@127.0.0.1?from=95588", "密码"),
        ("smpp://:s3cret8@127.0.0.1?from=95588", "账号"),
        (f"smpp://{'x' * 16}:s3cret8@127.0.0.1?from=95588", "账号"),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&bind=both", "?bind="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&window=0", "?window="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&window=many", "?window="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&rate=-1", "?rate="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&long=sar", "?long="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&ids=octal", "?ids="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&zone=Mars", "?zone="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&zone=../x", "?zone="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&prefix=x", "?prefix="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&type=averylongname13", "?type="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&idle=0", "?idle="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&to_ton=300", "?to_ton="),
        ("smpp://zhike:s3cret8@127.0.0.1?from=95588&windwo=9", "?windwo="),
        ("smpp://zhike:s3cret8@", "没有主机名"),
        ("cmpp://zhike:s3cret8@127.0.0.1?from=95588", "smpps://"),
    ],
)
def test_an_address_that_cannot_be_one_says_what_is_wrong_with_it(address: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        KIND.make(address, now)
    words = caught.value.words
    assert says in words.zh
    assert words.zh.startswith("ZHIKE_SMS_URL")
    assert "s3cret8" not in f"{words.zh} {words.en}"
    if says.startswith("?"):
        assert says in words.en


def test_the_example_is_an_address_to_use() -> None:
    gateway = open_smpp(KIND.example, now)
    assert (gateway.window, gateway.rate, gateway.whole, gateway.bind) == (50, 0, False, "trx")


# What others published, and what another program codes.


def test_published_packets_are_read_as_their_publisher_reads_them() -> None:
    read: list[Delivered] = []
    for octets in re.findall(r'createBuffer\("([0-9A-Fa-f]{32,})"\)', published("cloudhopper/PduDecoderTest.java.txt")):
        packet = bytes.fromhex(octets)
        if packet[4:8] == bytes.fromhex("00000005") and int.from_bytes(packet[:4]) == len(packet):
            delivered = Delivered.read(packet[16:])
            assert delivered, octets
            read.append(delivered)
    assert len(read) >= 8
    texts = [one.message for one in read]
    assert bytes.fromhex("4024232125262f3a") in texts
    assert (
        bytes.fromhex("404d616964656e6d616e363634207761732069742073617070793f2026526f6d616e7469633f") in texts
    )  # in a field
    gateway = open_smpp(KIND.example, now)
    events = [gateway._told(one, Handle(1, 1)) for one in read]
    receipts = [event for event in events if isinstance(event, Receipt)]
    assert ("38601fa", "delivered") in [(receipt.id, receipt.fate) for receipt in receipts]
    assert ("94251430923", "under_way", "ACCEPTD:107") in [(r.id, r.fate, r.code) for r in receipts]


@settings(deadline=None)
@given(
    st.binary(max_size=254),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.binary(min_size=1, max_size=600),
)
def test_what_another_program_coded_is_read_as_it_was_meant(
    message: bytes, kind: int, coding: int, reference: int, payload: bytes
) -> None:
    fields = {"message_payload": payload} if not message else {}
    pdu = make_pdu(
        "deliver_sm", sequence=1, source_addr=TO, destination_addr="95588", esm_class=kind, data_coding=coding,
        short_message=message, sar_msg_ref_num=reference, **fields,
    )  # fmt: skip
    pdu.sequence = 1
    read = Delivered.read(pdu.generate()[16:])
    assert read == Delivered(
        TO.encode(), b"95588", kind, coding, message or payload,
        {0x020C: reference.to_bytes(2), **({0x0424: payload} if not message else {})},
    )  # fmt: skip


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_no_octets_whatever_are_a_crash(body: bytes) -> None:
    gateway = open_smpp(KIND.example, now)
    for octets in (
        body,
        b"\0\1\1154\0\1\1955\0" + body,
        b"\0\1\1154\0\1\1955\0\x44\0\0\0\0\0\0\0\0" + bytes([len(body)]) + body,
    ):
        if read := Delivered.read(octets):
            event = gateway._told(read, Handle(1, 1))
            assert isinstance(event, Receipt | Reply)
            assert "\0" not in (event.text if isinstance(event, Reply) else event.id + event.code)
