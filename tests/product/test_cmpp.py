"""CMPP against a gateway of its own over a real socket: what it takes, says and forwards, and what becomes of us when it does not."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, tzset

import pytest

from tests.ismg import (
    AFTER,
    BEFORE,
    CHINA,
    HANG_UP,
    ISMG,
    NEVER,
    NUMBER,
    PATIENCE,
    SECRET,
    SWALLOW,
    TWICE,
    USER,
    running,
)
from tests.product.test_cmpp_packets import dissected, widened
from zhike.conduct.words import Refused, Words
from zhike.sms.transports.cmpp import CMPP, EXAMPLE, KIND, RESULTS, VARIABLE, in_ascii, meaning, open_cmpp
from zhike.sms.transports.transport import Answer, Event, Lost, Part, Receipt, Reply, Unbound

NOW = datetime(2026, 2, 16, 15, 2, 9, tzinfo=CHINA)
SOME, OTHER = "13800138000", "13900139000"
SHORT = 0.05  # seconds of patience with what never comes
ANSWERED, ASKED = 0x80000008, 0x00000008


@pytest.fixture(params=["2.0", "3.0"])
def ismg(request: pytest.FixtureRequest) -> Iterator[ISMG]:
    with running(request.param, lambda: NOW) as ismg:
        yield ismg


@pytest.fixture
def two() -> Iterator[ISMG]:
    with running("2.0", lambda: NOW) as ismg:
        yield ismg


def transport(ismg: ISMG, **settings: str) -> CMPP:
    return open_cmpp(ismg.address(**settings), lambda: NOW)


@contextmanager
def opened(ismg: ISMG, **settings: str) -> Iterator[CMPP]:
    connection = transport(ismg, **settings)
    connection.open()
    try:
        yield connection
    finally:
        connection.close()


def parts(
    connection: CMPP, texts: Sequence[str], to: str = SOME, header: str = "050003{:02x}", reference: int = 0x7A
) -> list[Part]:
    """Texts as parts: several are the pieces of one long message."""
    of, made = len(texts), []
    for number, (sequence, text) in enumerate(zip(connection.numbers(of), texts, strict=True), 1):
        udh = bytes.fromhex(header.format(reference)) + bytes([of, number]) if of > 1 else b""
        made.append(Part(sequence, f"R{sequence}", to, text, "ucs2", text.encode("utf-16-be"), udh, number, of))
    return made


def sent(connection: CMPP, *texts: str) -> list[Part]:
    """Each text as a message of its own, handed over."""
    made = [part for text in texts for part in parts(connection, [text])]
    connection.submit(made)
    return made


def told(connection: CMPP, count: int) -> list[Event]:
    """So many events, as they come."""
    events: list[Event] = []
    while len(events) < count:
        came = connection.events(PATIENCE)
        assert came, "nothing came"
        events += came
    assert len(events) == count
    return events


def heard(ismg: ISMG, connection: CMPP, command: int) -> None:
    """Goes on listening until the gateway has heard this of us; nothing else is told meanwhile."""
    until = monotonic() + PATIENCE
    while command not in ismg.heard:
        assert connection.events(0.01) == []
        assert monotonic() < until, "it was never said"


def lost(connection: CMPP, before: list[Event] | None = None) -> Words:
    """How the connection ended, and what had been told before."""
    before = [] if before is None else before
    try:
        while came := connection.events(PATIENCE):
            before += came
    except Lost as error:
        return error.words
    raise AssertionError("it never ended")


def unbound(connection: CMPP) -> Unbound:
    """Why it does not let us in; shows no secret."""
    with pytest.raises(Unbound) as caught:
        connection.open()
    error = caught.value
    assert SECRET not in f"{error.words} {error.words.en} {error!r} {error.__cause__!r}"
    assert error.words.zh != error.words.en
    with pytest.raises(Lost):  # nothing can be sent over it
        connection.submit([])
    return error


# Being let in.


def test_we_sign_in_as_the_protocol_has_it(ismg: ISMG) -> None:
    with opened(ismg):
        (body,) = ismg.signed_in
    assert body[:6] == USER.encode()
    assert body[22] == {"2.0": 0x20, "3.0": 0x30}[ismg.version]
    assert int.from_bytes(body[23:], "big") == 216150209  # 02-16 15:02:09; the gateway has looked at the proof


def test_the_time_of_the_sign_in_is_china_s_wherever_the_clock_stands(two: ISMG) -> None:
    connection = open_cmpp(two.address(), lambda: datetime.fromisoformat("2026-02-16T07:02:09+00:00"))
    connection.open()
    connection.close()
    assert int.from_bytes(two.signed_in[0][23:], "big") == 216150209


@pytest.mark.parametrize(
    ("status", "zh", "en", "permanent"),
    [
        (1, "消息结构错", "wrongly built", True),
        (2, "非法源地址", "illegal source", True),
        (
            3,
            "认证错，请核对密码和本机时钟（登录用的是北京时间 02-16 15:02:09）",
            "check the password and this machine's clock",
            True,
        ),
        (4, "版本太高", "version is too high", True),
        (5, "其他错误", "another error", False),
        (7, "运营商自定的代码", "operator's own", False),
    ],
)
def test_each_status_is_a_sentence(ismg: ISMG, status: int, zh: str, en: str, permanent: bool) -> None:
    ismg.status = status
    error = unbound(transport(ismg))
    assert zh in error.words.zh
    assert en in error.words.en
    assert f"{status}" in error.words.zh
    assert error.permanent is permanent


def test_a_wrong_password_and_a_wrong_clock_look_the_same_and_the_sentence_says_both(two: ISMG) -> None:
    wrong = open_cmpp(two.address().replace("s3cret", "other"), lambda: NOW)
    slow = open_cmpp(two.address(), lambda: NOW - timedelta(minutes=9))
    assert unbound(wrong).words.zh.endswith("（登录用的是北京时间 02-16 15:02:09）（状态 3）")
    assert unbound(slow).words.zh.endswith("（登录用的是北京时间 02-16 14:53:09）（状态 3）")


def test_a_gateway_that_does_not_prove_that_it_knows_the_password_is_sent_nothing(ismg: ISMG) -> None:
    """AuthenticatorISMG is MD5 of status, our proof and the password; whoever only listens on the address cannot say it."""
    ismg.proof = bytes(16)
    error = unbound(transport(ismg))
    assert "AuthenticatorISMG 不符" in error.words.zh
    assert "?proof=no" in error.words.en
    assert error.permanent
    assert ismg.journal == []
    with opened(ismg, proof="no") as connection:
        connection.submit(parts(connection, ["好"]))
        told(connection, 1)
    assert len(ismg.journal) == 1


def test_an_enterprise_that_it_does_not_know_is_said(two: ISMG) -> None:
    error = unbound(open_cmpp(two.address().replace(USER, "900002"), lambda: NOW))
    assert "企业代码" in error.words.zh
    assert error.permanent


def test_a_version_that_it_does_not_speak_is_said(two: ISMG) -> None:
    error = unbound(transport(two, version="3.0"))  # refused in its own layout, which has another length
    assert "?version=2.0" in error.words.zh
    assert error.permanent


@pytest.mark.parametrize("ours", ["2.0", "3.0"])
def test_a_gateway_that_lets_us_in_in_another_version_is_not_talked_to(ours: str) -> None:
    theirs = {"2.0": "3.0", "3.0": "2.0"}[ours]
    with running("3.0", lambda: NOW) as ismg:
        ismg.answer_layout = theirs
        error = unbound(transport(ismg, version=ours))
    assert f"?version={theirs}" in error.words.zh
    assert f"?version={theirs}" in error.words.en
    assert error.permanent


def test_a_gateway_that_cannot_be_reached_is_said_with_host_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for host in ("127.0.0.1", "a..b"):
        error = unbound(open_cmpp(f"cmpp://{USER}:x@{host}:{port}?from={NUMBER}", lambda: NOW))
        assert f"{host}:{port}" in error.words.zh
        assert VARIABLE in error.words.en
        assert not error.permanent


def test_a_gateway_that_says_nothing_is_waited_for_and_left(two: ISMG) -> None:
    two.mute = True
    connection = transport(two)
    connection.patience = SHORT
    error = unbound(connection)
    assert "没有应答登录" in error.words.zh
    assert not error.permanent
    two.mute, connection.patience = False, PATIENCE
    connection.open()
    sent(connection, "好")
    assert isinstance(told(connection, 2)[0], Answer)
    connection.close()


def test_a_gateway_that_hangs_up_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = open_cmpp(f"cmpp://{USER}:x@127.0.0.1:{server.getsockname()[1]}?from={NUMBER}", lambda: NOW)
        caller = threading.Thread(target=lambda: server.accept()[0].close())
        caller.start()
        error = unbound(connection)
        caller.join()
    assert "登录短信网关时连接断开" in error.words.zh
    assert "IP" in error.words.en
    assert not error.permanent


def test_what_is_no_gateway_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = open_cmpp(f"cmpp://{USER}:x@127.0.0.1:{server.getsockname()[1]}?from={NUMBER}", lambda: NOW)

        def greet() -> None:
            caller, _from = server.accept()
            with caller:
                caller.recv(100)
                caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        greeter = threading.Thread(target=greet)
        greeter.start()
        assert "不是 CMPP 2.0" in unbound(connection).words.zh
        greeter.join()


# What we send.


def test_a_message_arrives_field_by_field(ismg: ISMG) -> None:
    with opened(ismg, fee_type="02", fee_code="10", fee_user="3") as connection:
        (part,) = sent(connection, "【某某银行】王女士，感谢您今日到访。")
        answer, _receipt = told(connection, 2)
    (taken,) = ismg.journal
    assert answer == Answer(part.sequence, taken=True, id=f"0216150209{10086:07}{1:05}")
    assert taken.sequence == part.sequence
    assert {name: taken.said(name) for name in ("Dest_terminal_Id", "Src_Id", "Service_Id", "Msg_src", "FeeType", "FeeCode")} == {
        "Dest_terminal_Id": SOME, "Src_Id": NUMBER, "Service_Id": "BANK", "Msg_src": USER, "FeeType": "02", "FeeCode": "10",
    }  # fmt: skip
    assert {name: taken.number(name) for name in ("Msg_Id", "Pk_total", "Pk_number", "Registered_Delivery", "Fee_UserType", "TP_udhi", "Msg_Fmt")} == {
        "Msg_Id": 0, "Pk_total": 1, "Pk_number": 1, "Registered_Delivery": 1, "Fee_UserType": 3, "TP_udhi": 0, "Msg_Fmt": 8,
    }  # fmt: skip
    for name in ("Fee_terminal_Id", "ValId_Time", "At_Time", "end"):
        assert not taken.fields[name].strip(b"\0")
    assert ismg.handset(SOME) == ["【某某银行】王女士，感谢您今日到访。"]


@pytest.mark.parametrize("header", ["050003{:02x}", "060804{:04x}"], ids=["one octet", "two"])
def test_a_long_text_with_an_emoji_at_the_boundary_is_read_as_it_was_written(ismg: ISMG, header: str) -> None:
    first = "【某某银行】" + "春节将至，" * 11 + "迎新春😀"  # 66 units, and 67 fit (66 behind the longer header)
    assert len(first.encode("utf-16-be")) == 132
    pieces = [first, "😀" + "祝您阖家安康，" * 9, "𠮷祥如意！"]
    with opened(ismg) as connection:
        one = parts(connection, pieces, SOME, header, 0x2E)
        other = parts(connection, pieces[::-1], OTHER, header, 0x2E)
        connection.submit([one[2], other[0], one[0], other[2], other[1], one[1]])
        told(connection, 12)
    assert ismg.handset(SOME) == ["".join(pieces)]
    assert ismg.handset(OTHER) == ["".join(pieces[::-1])]
    for taken in ismg.journal:
        assert (taken.number("TP_udhi"), taken.number("Pk_total")) == (1, 3)
        assert taken.header[-1] == taken.number("Pk_number")
        assert taken.number("Msg_Length") <= 140


def test_a_text_in_plain_letters_goes_out_in_ascii(two: ISMG) -> None:
    septets = (
        b"Pay \x025 @ a_b".replace(b"@", b"\0").replace(b"_", b"\x11")
        + b"\n\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40"
    )
    with opened(two) as connection:
        first, second = connection.numbers(2)
        header = bytes.fromhex("0500032e0201")
        connection.submit(
            [Part(first, "R1", SOME, "", "gsm7", septets), Part(second, "R2", OTHER, "", "gsm7", septets, header, 1, 2)]
        )
        told(connection, 4)
    assert [taken.number("Msg_Fmt") for taken in two.journal] == [0, 0]
    assert [taken.text.decode() for taken in two.journal] == ["Pay $5 @ a_b\n^{}\\[~]|"] * 2
    assert two.journal[1].header == header


def test_the_letters_of_both_alphabets_are_the_same() -> None:
    same = b" !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\r\n"
    assert in_ascii(same) == same


@pytest.mark.parametrize(
    "septets", [b"Caf\x05", b"\x24", b"\x40", b"\x5b", b"\x60", b"\x7b", b"\x7f", b"\x1b\x65", b"\x1b\x1b"]
)
def test_a_letter_that_ascii_has_not_is_answered_at_once_and_never_leaves(two: ISMG, septets: bytes) -> None:
    with opened(two) as connection:
        first, second = connection.numbers(2)
        (other,) = parts(connection, ["好"])
        connection.submit(
            [Part(first, "R", SOME, "", "gsm7", septets), Part(second, "R", "1" * 30, "", "gsm7", b"A"), other]
        )
        events = told(connection, 4)
    refused = [event for event in events if isinstance(event, Answer) and not event.taken]
    assert [(each.sequence, each.throttled) for each in refused] == [(first, False), (second, False)]
    assert all(each.words and each.words.zh != each.words.en for each in refused)
    letter = {
        b"Caf\x05": "é",
        b"\x24": "¤",
        b"\x40": "¡",
        b"\x5b": "Ä",
        b"\x60": "¿",
        b"\x7b": "ä",
        b"\x7f": "à",
        b"\x1b\x65": "€",
    }.get(septets)
    assert refused[0].words
    assert (f"“{letter}”" if letter else "其他字母") in refused[0].words.zh
    assert "请改写这一处" in refused[0].words.zh
    assert [taken.sequence for taken in two.journal] == [other.sequence]


def test_sequences_go_on_over_connections_and_begin_anew_behind_the_last(two: ISMG) -> None:
    with opened(two) as connection:
        before = connection.numbers(3)
        connection.open()
        after = connection.numbers(2)
        assert len({*before, *after}) == 5
        connection._last = 0xFFFFFFFE
        assert connection.numbers(3) == [0xFFFFFFFF, 1, 2]


def test_what_the_bank_agreed_is_known_to_the_sender(two: ISMG) -> None:
    plain, agreed = transport(two), transport(two, window="50", rate="300")
    assert (plain.window, plain.rate, plain.whole) == (16, 0, False)
    assert (agreed.window, agreed.rate) == (50, 300)


# What it answers.


def test_each_result_is_an_answer_in_words(ismg: ISMG) -> None:
    codes = [*range(1, 14), 69, 99]
    with opened(ismg) as connection:
        ismg.next(*codes)
        made = sent(connection, *map(str, codes))
        answers = told(connection, len(codes))
    assert [(each.sequence, each.taken, each.code) for each in answers if isinstance(each, Answer)] == [
        (part.sequence, False, str(code)) for part, code in zip(made, codes, strict=True)
    ]
    said = {each.code: each for each in answers if isinstance(each, Answer)}
    assert [code for code, each in said.items() if each.throttled] == ["8"]
    assert all(each.words and each.words.zh != each.words.en and not each.id for each in said.values())
    assert (said["6"].words, said["69"].words) == (RESULTS[6], RESULTS[69])
    assert "流量控制" in str(said["8"].words)
    assert "运营商自定" in str(said["99"].words)


@pytest.mark.parametrize(
    ("when", "kinds"),
    [(AFTER, [Answer, Receipt]), (BEFORE, [Receipt, Answer]), (TWICE, [Answer, Receipt, Receipt]), (NEVER, [Answer])],
)
def test_a_receipt_is_told_whenever_and_however_often_it_comes(ismg: ISMG, when: str, kinds: list[type]) -> None:
    ismg.receipts = when
    with opened(ismg) as connection:
        sent(connection, "好")
        events = told(connection, len(kinds))
        assert connection.events(0) == []
    assert [type(event) for event in events] == kinds
    (answer,) = (event for event in events if isinstance(event, Answer))
    for receipt in events:
        if isinstance(receipt, Receipt):
            assert (receipt.id, receipt.fate, receipt.code) == (answer.id, "delivered", "DELIVRD")
            assert receipt.at == datetime(2026, 2, 16, 15, 2, tzinfo=CHINA)


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is not China's."""
    with monkeypatch.context() as context:
        context.setenv("TZ", "America/New_York")
        tzset()
        yield
    tzset()


@pytest.mark.usefixtures("_elsewhere")
def test_a_receipt_of_either_width_and_of_no_time_is_read(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        ismg.report(7, SOME, wide=True)
        ismg.report(7, SOME, wide=False, done="")
        ismg.report(7, SOME, done="9999999999")
        times = [event.at for event in told(connection, 3) if isinstance(event, Receipt)]
    assert times == [datetime(2026, 2, 16, 15, 2, tzinfo=CHINA), None, None]


@pytest.mark.parametrize(
    ("stat", "fate", "zh", "en"),
    [
        ("DELIVRD", "delivered", "已送达", "delivered"),
        ("EXPIRED", "expired", "过期未送达", "expired"),
        ("DELETED", "undelivered", "已被删除", "deleted"),
        ("UNDELIV", "undelivered", "无法送达", "cannot be delivered"),
        ("ACCEPTD", "under_way", "正在投递", "under way"),
        ("UNKNOWN", "under_way", "不知其状态", "does not know"),
        ("REJECTD", "undelivered", "被拒绝", "rejected"),
        ("MA:0053", "undelivered", "未能提交短信中心：发送失败", "message centre: sending failed"),
        ("MA:0054", "under_way", "未能提交短信中心：等待应答超时", "message centre: no answer in time"),
        ("MA:0001", "undelivered", "未能提交短信中心", "message centre"),
        ("MB:1048", "undelivered", "短信中心答以错误", "the message centre answered with an error"),
        ("MI:0011", "expired", "短信中心：过期未送达", "message centre: expired"),
        ("MK:0001", "undelivered", "短信中心：无法送达", "message centre: cannot be delivered"),
        ("ML:0000", "under_way", "短信中心：已接收", "message centre: accepted"),
        ("MN:0017", "undelivered", "短信中心：被拒绝", "message centre: rejected"),
        ("CA:0051", "undelivered", "计费平台：尚未建立连接", "charging system: no connection yet"),
        ("CB:0007", "undelivered", "计费平台答以错误", "the charging system answered with an error"),
        ("DB:0141", "undelivered", "业务管理平台答以错误", "the service platform answered with an error"),
        ("IA:0072", "undelivered", "下一级网关：找不到路由", "next gateway: no route was found"),
        ("IC:0055", "under_way", "没有给出状态报告", "gave no report"),
        ("HD:0031", "undelivered", "运营商自定的代码", "operator's own"),
        ("NOROUTE", "undelivered", "运营商自定的代码", "operator's own"),
        ("", "undelivered", "运营商自定的代码", "operator's own"),
    ],
)
def test_what_a_receipt_says_is_put_in_words(stat: str, fate: str, zh: str, en: str) -> None:
    found, words = meaning(stat)
    assert found == fate
    assert zh in words.zh
    assert en in words.en


# What it forwards.


def test_a_reply_is_told_with_sender_and_number(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        first = ismg.reply(f"86{SOME}", "退订".encode("utf-16-be"))
        ismg.reply(f"+86{SOME}", b"TD", 0)
        ismg.reply("10086", "好的，㐀😀".encode("gb18030"), 15)
        one, two, three = told(connection, 3)
    assert one == Reply(SOME, NUMBER, "退订", f"0216150209{10086:07}{1:05}")
    assert isinstance(two, Reply)
    assert isinstance(three, Reply)
    assert (two.sender, two.text) == (SOME, "TD")
    assert (three.sender, three.text, three.part) == ("10086", "好的，㐀😀", None)
    assert first & 0xFFFF == 1


@pytest.mark.parametrize("header", ["0500032e{:02x}{:02x}", "060804122e{:02x}{:02x}"])
def test_a_long_reply_says_of_which_it_is_a_part(ismg: ISMG, header: str) -> None:
    with opened(ismg) as connection:
        for number, text in ((2, "😀，下周三上午去网点。"), (1, "好的")):
            ismg.reply(SOME, bytes.fromhex(header.format(2, number)) + text.encode("utf-16-be"), headed=1)
        later, earlier = told(connection, 2)
    reference = 0x2E if header.startswith("05") else 0x122E
    assert isinstance(later, Reply)
    assert isinstance(earlier, Reply)
    assert (earlier.text, earlier.part) == ("好的", (reference, 2, 1))
    assert (later.text, later.part) == ("😀，下周三上午去网点。", (reference, 2, 2))


def test_only_what_is_safely_kept_is_acknowledged(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        sent(connection, "好")
        ids = [ismg.reply(SOME, b"A", 0), ismg.reply(SOME, b"B", 0)]
        events = told(connection, 4)
        assert ismg.acknowledged == []
        connection.took([event for event in events if isinstance(event, Receipt) or getattr(event, "text", "") == "A"])
        ismg.until(lambda: len(ismg.acknowledged) == 2)
        assert ids[0] in ismg.acknowledged
        assert list(ismg.owed) == [ids[1]]
        ismg.cut()
        lost(connection)

        connection.open()
        (again,) = told(connection, 1)
        assert again == next(event for event in events if getattr(event, "text", "") == "B")
        connection.took(events)  # those of the connection before: none of them is this one's
        ismg.ask()
        heard(ismg, connection, ANSWERED)
        assert list(ismg.owed) == [ids[1]]
        connection.took([again])
        ismg.until(lambda: not ismg.owed)
    assert ismg.refused == []


# Being alive.


def test_we_say_that_we_are_there_and_in_the_gateway_s_own_sequence(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        sequence = ismg.ask()
        heard(ismg, connection, ANSWERED)
        (answer,) = (packet for packet in ismg.raw if packet[4:8] == ANSWERED.to_bytes(4, "big"))
        assert int.from_bytes(answer[8:12], "big") == sequence
        assert len(answer) == 13


def silent(connection: CMPP) -> None:
    """As if nothing had been heard and nothing asked for longer than may be."""
    connection._heard = connection._asked = -1e6


def test_a_silent_gateway_is_asked_whether_it_is_there(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        for asked in range(1, 11):  # far more than may stay unanswered
            silent(connection)
            assert connection.events(0) == []
            ismg.until(lambda asked=asked: ismg.heard.count(ASKED) == asked)
            assert connection.events(0) == []
        assert ismg.heard.count(ASKED) == 10
        sent(connection, "好")
        told(connection, 2)


def test_nobody_is_asked_before_the_time(two: ISMG) -> None:
    with opened(two) as connection:
        assert connection.events(SHORT) == []
        assert ASKED not in two.heard
        connection.idle = SHORT
        connection.events(2 * SHORT)
        two.until(lambda: ASKED in two.heard)


def test_a_gateway_that_does_not_answer_three_questions_is_gone(ismg: ISMG) -> None:
    ismg.deaf = True
    with opened(ismg) as connection:
        for asked in (1, 2, 3):
            silent(connection)
            assert connection.events(0) == []
            ismg.until(lambda asked=asked: ismg.heard.count(ASKED) == asked)
        silent(connection)
        words = lost(connection)
    assert "连续 3 次没有应答链路检测" in words.zh
    assert "3 questions" in words.en
    assert ismg.heard.count(ASKED) == 3


def test_a_gateway_that_says_anything_else_is_there(ismg: ISMG) -> None:
    ismg.deaf = True
    with opened(ismg) as connection:
        for _ in range(10):
            silent(connection)
            assert connection.events(0) == []
            ismg.reply(SOME, b"A", 0)
            assert told(connection, 1)
    assert ismg.heard.count(ASKED) == 10


def test_a_thread_that_comes_back_late_hears_what_came_before_it_holds_anybody_to_be_gone(two: ISMG) -> None:
    with opened(two) as connection:
        silent(connection)
        connection._questions = 3
        two.reply(SOME, b"A", 0)
        assert len(told(connection, 1)) == 1


# How it ends.


def test_what_came_before_the_end_is_told_and_nothing_is_sent_again(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        ismg.next(0, SWALLOW, 0, HANG_UP)
        made = sent(connection, "一", "二", "三", "四")
        events: list[Event] = []
        assert "短信网关" in lost(connection, events).zh
        answered = [event.sequence for event in events if isinstance(event, Answer)]
        assert answered == [made[0].sequence, made[2].sequence]
        with pytest.raises(Lost):
            connection.submit([])

        connection.open()
        (five,) = sent(connection, "五")
        events = told(connection, 3 + 2)  # three reports that nobody took, then what there is to say to the fifth
        assert [event.sequence for event in events if isinstance(event, Answer)] == [five.sequence]
    assert [(taken.connection, taken.sequence) for taken in ismg.journal] == [
        *((1, part.sequence) for part in made),
        (2, five.sequence),
    ]


def test_a_throttled_message_is_not_sent_again_by_us(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        ismg.next(8)
        sent(connection, "好")
        (answer,) = told(connection, 1)
        assert isinstance(answer, Answer)
        assert answer.throttled
        assert connection.events(SHORT) == []
    assert len(ismg.journal) == 1


@pytest.mark.parametrize("hard", [False, True])
def test_a_cut_connection_is_lost_and_opened_anew(ismg: ISMG, hard: bool) -> None:
    with opened(ismg) as connection:
        ismg.cut(hard=hard)
        assert ("ConnectionResetError" if hard else "关闭了连接") in lost(connection).zh
        assert "gateway" in lost(connection).en  # as often as it is asked
        connection.open()
        sent(connection, "好")
        told(connection, 2)


def test_a_gateway_that_wants_us_to_go_is_answered(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        ismg.reply(SOME, b"A", 0)
        ismg.dismiss()
        assert told(connection, 1)
        assert "要求断开" in lost(connection).zh
        ismg.until(lambda: 0x80000002 in ismg.heard)


@pytest.mark.parametrize(
    ("octets", "zh"),
    [
        (b"\xff" * 12, "包长 4294967295 不可能"),
        (bytes(11) + b"\x0c", "包长 0 不可能"),
        (bytes.fromhex("0000000c 00000099 00000001"), "没有命令字 0x00000099"),
        (bytes.fromhex("0000000d 80000004 00000001 00"), "字节"),
    ],
)
def test_rubbish_ends_the_connection_in_words(ismg: ISMG, octets: bytes, zh: str) -> None:
    with opened(ismg) as connection:
        ismg.reply(SOME, b"A", 0)
        ismg.send(octets)
        assert told(connection, 1)
        words = lost(connection)
        assert zh in words.zh
        assert "?version=" in words.zh
        assert "?version=" in words.en


def test_a_report_that_cannot_be_read_is_not_acknowledged(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        ismg._deliver(5, SOME, b"id:5 stat:DELIVRD", 0, 0, 1)
        assert "包体应为" in lost(connection).zh
    assert list(ismg.owed) == [5]


def test_packets_may_come_in_any_pieces(ismg: ISMG) -> None:
    ismg.chunk = 1
    with opened(ismg) as connection:
        sent(connection, "一", "二")
        ismg.reply(SOME, "好".encode("utf-16-be"))
        told(connection, 5)


def test_a_gateway_that_takes_nothing_any_more_is_lost_and_what_was_not_written_never_leaves(two: ISMG) -> None:
    two.receipts = NEVER
    with opened(two) as connection:
        two.reading.clear()
        two.ask()  # the one that it waits in takes what comes first
        connection.events(SHORT)
        connection.patience = SHORT
        much = parts(connection, ["满" * 70]) * 30_000  # 9 MB: more than any buffer holds
        with pytest.raises(Lost, match="takes nothing any more"):
            connection.submit(much)

        connection.patience = PATIENCE
        two.reading.set()
        connection.open()
        (part,) = sent(connection, "好")
        (answer,) = told(connection, 1)
        assert isinstance(answer, Answer)
        assert answer.sequence == part.sequence
    assert len(two.journal) < 30_000
    assert [taken.sequence for taken in two.journal if taken.connection == 2] == [part.sequence]


def test_a_gateway_that_reads_only_once_it_has_been_read_is_read(two: ISMG) -> None:
    """Both sides write more than the buffers hold; who only writes waits for ever."""
    count, text = 20_000, b"A" * 140
    with opened(two) as connection:
        two.receipts = NEVER
        two.reading.clear()

        def talk() -> None:
            for _ in range(count):
                two.reply(SOME, text, 0)
            two.reading.set()

        talking = threading.Thread(target=talk)
        talking.start()
        sent(connection, *["满" * 70] * count)
        events: list[Event] = []
        while len(events) < 2 * count:
            came = connection.events(PATIENCE)
            assert came
            events += came
        talking.join()
    assert len(two.journal) == count
    assert sum(isinstance(event, Answer) and event.taken for event in events) == count


def test_what_came_before_a_reset_is_told_though_it_is_found_while_sending(ismg: ISMG) -> None:
    with opened(ismg) as connection:
        ismg.reply(SOME, b"TD", 0)
        ismg.cut(hard=True)
        ismg._threads[-1].join()
        with pytest.raises(Lost):
            sent(connection, "好")
        events: list[Event] = []
        lost(connection, events)
    assert [event.text for event in events if isinstance(event, Reply)] == ["TD"]
    assert ismg.journal == []


def test_signing_out_is_said_and_what_comes_meanwhile_is_told(ismg: ISMG) -> None:
    connection = transport(ismg)
    connection.close()  # nothing to leave yet
    connection.open()
    sent(connection, "好")
    ismg.until(lambda: ismg.journal)
    connection.close()
    connection.close()
    assert ismg.heard[-1] == 0x00000002
    assert [type(event) for event in told(connection, 2)] == [Answer, Receipt]
    assert lost(connection).zh == "已退出短信网关"
    with pytest.raises(Lost):
        connection.submit([])


# All of it, as Wireshark reads it.


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_wireshark_reads_every_octet_of_a_session(ismg: ISMG, tmp_path: Path) -> None:
    with opened(ismg) as connection:
        connection.submit(parts(connection, ["【某某银行】新春😀", "😀快乐"]))
        ismg.next(8, SWALLOW)
        sent(connection, "一", "二")
        ismg.reply(SOME, "谢谢".encode("utf-16-be"))
        connection.took(told(connection, 7))
        ismg.ask()
        ismg.until(lambda: len(ismg.acknowledged) == 4)
        heard(ismg, connection, ANSWERED)
    packets = [packet if ismg.version == "3.0" else widened(packet) for packet in ismg.raw]
    shown = [{name: octets for name, octets, _show in fields} for fields in dissected(packets, tmp_path)]
    contents = [each["cmpp.Msg_Content"] for each in shown if each["cmpp.Command_Id"] == b"\0\0\0\4"]
    assert [content.decode("utf-16-be") for content in (contents[0][6:], contents[1][6:], *contents[2:])] == [
        "【某某银行】新春😀", "😀快乐", "一", "二",
    ]  # fmt: skip
    assert {each["cmpp.Command_Id"].hex() for each in shown} == {
        f"{answer}000000{command}" for answer in "08" for command in "12458"
    }


# Its address.


@pytest.mark.parametrize(
    "value",
    [
        "cmpp://900001:{}@ismg.bank.example",  # no number to send from
        "cmpp://900001:{}@ismg.bank.example?from=95588x",
        "cmpp://900001:{}@ismg.bank.example?from=1234567890123456789012",
        "cmpp://900001@ismg.bank.example?from=95588",
        "cmpp://:{}@ismg.bank.example?from=95588",
        "cmpp://9000012:{}@ismg.bank.example?from=95588",
        "cmpp://银行:{}@ismg.bank.example?from=95588",
        "cmpp://900001:{}银@ismg.bank.example?from=95588",
        "cmpp://900001:{}@?from=95588",
        "cmpp://900001:{}@ismg.bank.example:{}?from=95588",
        "smpp://900001:{}@ismg.bank.example?from=95588",
        *(
            f"cmpp://900001:{{}}@ismg.bank.example?from=95588&{setting}"
            for setting in (
                "version=2.1", "version=3", "service=ABCDEFGHIJK", "service=银行", "window=0", "window=x", "window=10001", "window=-1",
                "rate=100001", "rate=1.5", "idle=0", "idle=181", "fee_user=4", "fee_type=1", "fee_code=1234567", "windw=16", "rate=١",
            )
        ),
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_by_the_name_of_its_variable(value: str) -> None:
    with pytest.raises(Refused) as caught:
        KIND.make(value.replace("{}", "s3cret"), lambda: NOW)
    for said in (caught.value.words.zh, caught.value.words.en):
        assert said.startswith(VARIABLE)
        assert EXAMPLE in said
        assert "s3cret" not in said


def test_the_example_is_an_address() -> None:
    made = KIND.make(EXAMPLE, lambda: NOW)
    assert (made.window, made.rate, made.whole) == (16, 100, False)
