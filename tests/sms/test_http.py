"""The bank's own platform over a real socket: what reaches it, what its answers mean, and what is made of none."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
from django.db import OperationalError
from django.test import Client

from tests.certificates import bank_s_own
from tests.sms.platform import CLOSE, HANG, TRICKLE, Platform, running
from zhike.conduct.words import Refused
from zhike.customers.reseal import Reseal
from zhike.customers.vault import vault
from zhike.sms import door
from zhike.sms.models import Pushed
from zhike.sms.models.pushed import SEALED
from zhike.sms.transports.http import KIND, Http
from zhike.sms.transports.transport import Answer, Event, Lost, Part, Receipt, Reply, Unbound

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
# 14:56:20 in Shanghai.
NOW = datetime(2026, 2, 16, 6, 56, 20, tzinfo=UTC)
TO = "15400000001"
TEXT = '【示例银行】您好 "贵宾" <张> & 王：\n感谢光临😀{}\\'
REFERENCE = "0123456789abcdef0123456789abcdef01"
PASSWORD = "s3cret/of the@bank"
LONG, SHORT = 30.0, 0.5

JSON = """
[send]
url = "{url}/send"
body = '''{{"account": "${{account}}", "to": "${{number}}", "text": "${{text}}", "ref": "${{reference}}", "at": "${{time}}", "sign": "${{signature}}"}}'''
window = 4
{send}

[send.headers]
X-App = "${{account}}"

[send.signature]
recipe = "md5"
of = "${{account}}${{number}}${{time}}${{password}}"

[answer]
code = "result.code"
id = "result.ids[0]"
taken = ["0", "OK"]
throttled = ["105"]
unknown = ["999"]
example = '''{{"result": {{"code": 0, "ids": ["m1"]}}}}'''
[answer.codes]
"105" = "太快"
"201" = {{zh = "号码在黑名单", en = "the number is blacklisted"}}

[values]
account = "zhike"
password = "s3cret/of the@bank"
{more}
"""
TAKEN = (200, b'{"result": {"code": 0, "ids": ["m-77", "x"]}}')
REPORTS = """
[receipts]
url = "{url}/reports"
body = '''{"account": "${account}", "n": "${nonce}"}'''
every = 1
list = "data.reports"
id = "msgid"
reference = "ref"
number = "to"
state = "stat"
code = "err"
time = "at"
submitted = "since"
delivered = ["DELIVRD", 1]
undelivered = ["UNDELIV"]
expired = ["EXPIRED"]
example = '''{"data": {"reports": [{"msgid": "m1", "ref": "r", "to": "138", "stat": "DELIVRD", "err": "000",
    "at": "2026-02-16 14:56:20", "since": "2026-02-16 14:56:00"}]}}'''
[receipts.codes]
"MK:0001" = "空号"
"""
SECRET = "the-path-that-nobody-guesses"
PUSHED = f"""
[replies]
push = "{hashlib.sha256(SECRET.encode()).hexdigest()}"
say = "SUCCESS"
comes_as = "form"
encoding = "GB18030"
number = "mobile"
text = "content"
id = "moid"
time = "time"
time_format = "unix"
example = "mobile=8613800000001&content=T&moid=9&time=1771224980"
"""


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running() as platform:
        platform.always["/send"] = TAKEN
        platform.always["/reports"] = (200, b'{"data": {"reports": []}}')
        yield platform


def described(folder: Path, text: str) -> str:
    file = folder / "platform.toml"
    file.write_text(text)
    return f"platform://{file}"


def by_json(platform: Platform, folder: Path, send: str = "", more: str = "") -> str:
    return described(folder, JSON.format(url=platform.url, send=send, more=more.replace("{url}", platform.url)))


def unopened(address: str, patience: float = LONG) -> Http:
    gateway = KIND.make(address, lambda: NOW)
    assert isinstance(gateway, Http)
    gateway.patience, gateway.look = patience, 0.0
    return gateway


@contextmanager
def opened(address: str, patience: float = LONG) -> Iterator[Http]:
    with closing(unopened(address, patience)) as gateway:
        gateway.open()
        yield gateway


def send(gateway: Http, text: str = TEXT, times: int = 1) -> list[int]:
    numbers = gateway.numbers(times)
    gateway.submit([Part(number, REFERENCE, TO, text) for number in numbers])
    return numbers


def told(gateway: Http, count: int = 1) -> list[Event]:
    events: list[Event] = []
    until = monotonic() + LONG
    while len(events) < count:
        assert monotonic() < until, f"only {events}"
        events += gateway.events(0.05)
    return events


def answer(gateway: Http) -> Answer:
    (event,) = told(gateway)
    assert isinstance(event, Answer)
    return event


def silence(gateway: Http) -> None:
    """The request has ended, and nothing is told of it."""
    assert gateway._line
    until = monotonic() + LONG
    while gateway._line.under_way:
        assert gateway.events(0.05) == []
        assert monotonic() < until


# What reaches it.


def test_a_message_reaches_it_filled_in_and_signed(platform: Platform, tmp_path: Path) -> None:
    with opened(by_json(platform, tmp_path)) as gateway:
        (sequence,) = send(gateway)
        assert answer(gateway) == Answer(sequence, True, "m-77")
    (asked,) = platform.of("/send")
    said = json.loads(asked.body)
    # Reckoned by hand: echo -n 'zhike1540000000120260216145620s3cret/of the@bank' | md5sum
    assert said["sign"] == hashlib.md5(f"zhike{TO}20260216145620{PASSWORD}".encode()).hexdigest()
    assert said == {
        "account": "zhike", "to": TO, "text": TEXT, "ref": REFERENCE, "at": "20260216145620", "sign": said["sign"],
    }  # fmt: skip
    assert asked.headers["X-App"] == "zhike"
    assert asked.headers["Content-Type"] == "application/json; charset=UTF-8"


def test_xml_in_gb18030_signed_by_hmac(platform: Platform, tmp_path: Path) -> None:
    address = (
        described(
            tmp_path,
            f"""
[send]
url = "{platform.url}/send?v=${{time:unix}}"
format = "xml"
encoding = "GB18030"
body = '<?xml version="1.0" encoding="GB18030"?><submit to="${{number}}"><content>${{text}}</content><sign>${{signature}}</sign></submit>'
[send.signature]
recipe = "hmac-sha256"
of = "${{number}}|${{text}}"
key = "${{key}}"
written = "HEX"
[answer]
format = "xml"
code = "head/code"
id = "body/msg/@id"
taken = ["0000"]
example = '<?xml version="1.0" encoding="GBK"?><r><head><code>0000</code></head><body><msg id="7">好</msg></body></r>'
[values]
key = {{file = "{tmp_path}/key"}}
""",
        )
        if (tmp_path / "key").write_text("密钥\n")
        else ""
    )
    platform.always["/send"] = (
        200,
        '<?xml version="1.0" encoding="GBK"?><r><head><code>0000</code></head><body><msg id="x-9">受理</msg></body></r>'.encode(
            "gb18030"
        ),
    )
    text = "【示例银行】<张> & “王”😀䶮"
    with opened(address) as gateway:
        send(gateway, text)
        assert answer(gateway).id == "x-9"
    (asked,) = platform.of("/send")
    assert asked.path == "/send?v=1771224980"
    root = ElementTree.fromstring(asked.body.decode("gb18030").partition("?>")[2])
    assert (root.get("to"), root.findtext("content")) == (TO, text)
    expected = hmac.new("密钥".encode("gb18030"), f"{TO}|{text}".encode("gb18030"), "sha256").hexdigest().upper()
    assert root.findtext("sign") == expected


def test_a_form_in_gb18030_and_an_answer_that_is_plain_text(platform: Platform, tmp_path: Path) -> None:
    address = described(
        tmp_path,
        f"""
[send]
url = "{platform.url}/send"
format = "form"
encoding = "GB18030"
body = "mobile=86${{number}}&content=${{text}}"
[answer]
format = "text"
code = '^(-?\\d+),'
id = ',(\\w+)$'
taken = ["1"]
example = "1,m1"
""",
    )
    platform.next("/send", (200, b"1,m42"), (200, b"-7,none"))
    with opened(address) as gateway:
        send(gateway)
        assert answer(gateway).id == "m42"
        send(gateway)
        refused = answer(gateway)
    assert (refused.taken, refused.code, refused.throttled) == (False, "-7", False)
    said = parse_qs(platform.of("/send")[0].body.decode("ascii"), encoding="gb18030")
    assert said == {"mobile": [f"86{TO}"], "content": [TEXT]}


def test_by_get_the_address_holds_it(platform: Platform, tmp_path: Path) -> None:
    address = described(
        tmp_path,
        f"""
[send]
url = "{platform.url}/send?to=${{number}}&text=${{text}}"
method = "GET"
[answer]
code = "code"
taken = ["0"]
example = '{{"code": "0"}}'
""",
    )
    platform.always["/send"] = (200, b'{"code": "0"}')
    with opened(address) as gateway:
        send(gateway)
        assert answer(gateway).taken
    (asked,) = platform.of("/send")
    assert parse_qs(asked.path.partition("?")[2]) == {"to": [TO], "text": [TEXT]}
    assert (asked.method, asked.body) == ("GET", b"")


def test_many_go_side_by_side_each_once(platform: Platform, tmp_path: Path) -> None:
    with opened(by_json(platform, tmp_path)) as gateway:
        sequences = send(gateway, times=40)
        assert sorted(each.sequence for each in told(gateway, 40) if isinstance(each, Answer)) == sequences
    assert len(platform.of("/send")) == 40


# What its answers mean.


@pytest.mark.parametrize(
    ("status", "body", "taken", "code", "throttled", "words"),
    [
        (200, b'{"result": {"code": "OK", "ids": []}}', True, "", False, None),
        (200, b'{"result": {"code": "201"}}', False, "201", False, "号码在黑名单"),
        (500, b'{"result": {"code": "201"}}', False, "201", False, "号码在黑名单"),
        (200, b'{"result": {"code": 105}}', False, "105", True, "太快"),
        (200, b'{"result": {"code": "7"}}', False, "7", False, "平台未受理（7）"),
        (429, b"slow down", False, "HTTP 429", True, "平台拒绝了请求（HTTP 429）"),
        (403, b"<html>no</html>", False, "HTTP 403", False, "平台拒绝了请求（HTTP 403）"),
    ],
)
def test_what_is_definite_is_answered(
    platform: Platform, tmp_path: Path, status: int, body: bytes, taken: bool, code: str, throttled: bool, words: str | None
) -> None:  # fmt: skip
    platform.next("/send", (status, body))
    with opened(by_json(platform, tmp_path)) as gateway:
        send(gateway)
        said = answer(gateway)
    assert (said.taken, said.code, said.throttled) == (taken, code, throttled)
    assert (said.words.zh if said.words else None) == words


DEEP = b"[" * 50_000
BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">]><a>&b;</a>'


@pytest.mark.parametrize(
    "told",
    [
        CLOSE,
        (200, b""),
        (200, b"<html>"),
        (200, b'{"result": "fine"}'),
        (200, b'{"result": {"code": "999"}}'),
        (200, b"\xff\xfe{}"),
        (200, DEEP),
        (200, BOMB),
        (200, b'{"result": {"code": "0", "x": "' + b"x" * 70_000 + b'"}}'),
        (302, b""),
        (408, b""),
        (409, b""),
        (500, b'{"result": {"code": "0", "ids": ["m1"]}}'),
        (500, b'{"result": {"code": "E1"}}'),
        (503, b"busy"),
    ],
    ids=lambda told: str(told)[:40],
)
def test_what_is_not_definite_is_not_answered_and_not_sent_again(platform: Platform, tmp_path: Path, told: Any) -> None:
    platform.next("/send", told)
    with opened(by_json(platform, tmp_path)) as gateway:
        send(gateway)
        silence(gateway)
        send(gateway)
        assert answer(gateway).taken, "the connection goes on"
    assert len(platform.of("/send")) == 2


@pytest.mark.parametrize("told", [HANG, TRICKLE])
def test_what_takes_too_long_is_not_answered(platform: Platform, tmp_path: Path, told: str) -> None:
    platform.next("/send", told)
    with opened(by_json(platform, tmp_path), patience=SHORT) as gateway:
        send(gateway)
        silence(gateway)
    assert len(platform.of("/send")) == 1


def test_where_nobody_listens_nothing_has_left(platform: Platform, tmp_path: Path) -> None:
    address = by_json(platform, tmp_path)
    with opened(address) as gateway:
        platform.shutdown()
        platform.server_close()
        send(gateway, times=2)
        both = told(gateway, 2)
        assert [(each.taken, each.throttled) for each in both if isinstance(each, Answer)] == [(False, True)] * 2
        assert gateway.window == 0
        with pytest.raises(Lost) as lost:
            gateway.events(0.05)
        assert "连不上" in lost.value.words.zh
        with pytest.raises(Unbound) as unbound:
            gateway.open()
        assert "连不上短信平台 127.0.0.1" in unbound.value.words.zh


def test_a_certificate_that_nobody_vouches_for(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    file = bank_s_own(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    platform.socket = context.wrap_socket(platform.socket, server_side=True)
    address = by_json(platform, tmp_path)
    described(tmp_path, (tmp_path / "platform.toml").read_text().replace("http://", "https://"))
    with pytest.raises(Unbound) as unbound:
        unopened(address).open()
    assert "证书不受信任" in unbound.value.words.zh
    assert platform.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with opened(address) as gateway:
        send(gateway)
        assert answer(gateway).taken


def test_no_secret_number_or_text_is_in_a_log(
    platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.dumps({"result": {"code": f"wrong {PASSWORD}"}}).encode()
    platform.next("/send", (200, echo), CLOSE, (500, echo))
    with opened(by_json(platform, tmp_path)) as gateway:
        send(gateway)
        said = answer(gateway)
        assert PASSWORD not in f"{said}"
        send(gateway, times=2)
        silence(gateway)
        shown = f"{gateway.platform!r}{caplog.text}"
    for hidden in (PASSWORD, TO, "感谢光临", REFERENCE):
        assert hidden not in shown


# What comes by itself.


def report(**more: object) -> dict[str, object]:
    return {"msgid": "m-77", "to": f"86{TO}", "stat": "DELIVRD", "err": "000", "at": "2026-02-16 14:56:20", **more}


def test_receipts_are_fetched_kept_and_told_until_they_are_taken(
    platform: Platform, tmp_path: Path, worker: Role
) -> None:
    reports = [
        report(),
        report(msgid="m-78", stat="UNDELIV", err="MK:0001", at="soon", since="2026-02-16 14:50:00"),
        report(msgid="m-79", stat="what", ref=REFERENCE),
        report(msgid="m-80", stat=1),
    ]
    platform.next("/reports", (200, json.dumps({"data": {"reports": reports}}, ensure_ascii=False).encode()))
    with worker(), opened(by_json(platform, tmp_path, more=REPORTS)) as gateway:
        first = told(gateway, 4)
        assert told(gateway, 4) == first, "told again as long as it is not taken"
        gateway.took(first)
        assert not Pushed.objects.exists()
    a, b, c, d = (each for each in first if isinstance(each, Receipt))
    assert (a.id, a.fate, a.code, a.at, a.to) == ("m-77", "delivered", "000", NOW, TO)
    assert (b.fate, b.code, b.at, b.words.zh if b.words else "") == ("undelivered", "MK:0001", None, "空号")
    assert b.submitted_at == datetime(2026, 2, 16, 6, 50, tzinfo=UTC)
    assert (c.fate, c.reference) == ("under_way", REFERENCE)
    assert d.fate == "delivered"
    assert json.loads(platform.of("/reports")[0].body)["account"] == "zhike"


def test_what_was_fetched_while_the_database_was_away_is_kept_later(
    platform: Platform, tmp_path: Path, worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.next("/reports", (200, json.dumps({"data": {"reports": [report()]}}).encode()))

    def away(_pushed: Pushed) -> None:
        raise OperationalError("the connection is closed")

    with worker(), closing(unopened(by_json(platform, tmp_path, more=REPORTS))) as gateway:
        with monkeypatch.context() as patched:
            patched.setattr(Pushed, "save", away)
            gateway.open()
            with pytest.raises(OperationalError):
                told(gateway)
            gateway.close()
        gateway.open()
        (receipt,) = told(gateway)
        assert isinstance(receipt, Receipt)


def test_a_poll_that_fails_loses_nothing_and_goes_on(
    platform: Platform, tmp_path: Path, worker: Role, caplog: pytest.LogCaptureFixture
) -> None:
    good = (200, json.dumps({"data": {"reports": [report()]}}).encode())
    platform.next("/reports", (500, b""), (200, b"<html>"), good)
    with worker(), opened(by_json(platform, tmp_path, more=REPORTS)) as gateway:
        (receipt,) = told(gateway)
        assert isinstance(receipt, Receipt)
        gateway.took([receipt])
    assert caplog.text.count("receipts cannot be fetched") == 1


def push(path: str, body: bytes) -> Any:
    return Client(enforce_csrf_checks=True).generic(
        "POST", f"/api/pushed/{path}", body, "application/x-www-form-urlencoded; charset=gbk"
    )


def test_replies_are_brought_to_a_door_whose_path_is_its_key(
    platform: Platform, tmp_path: Path, worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = by_json(platform, tmp_path, more=PUSHED)
    monkeypatch.setenv("ZHIKE_SMS_URL", address)
    body = b"mobile=8613800000001&content=%CD%CB%B6%A9&moid=&time=1771224980"  # 退订
    assert push("another-path", body).status_code == 404
    said = push(SECRET, body)
    assert (said.status_code, said.content) == (200, b"SUCCESS")
    with worker():
        assert "退订".encode("gb18030") not in Pushed.objects.get().sealed.encode()
        with opened(address) as gateway:
            (reply,) = told(gateway)
            assert isinstance(reply, Reply)
            assert (reply.sender, reply.text, reply.at) == ("13800000001", "退订", NOW)
            assert reply.id, "told twice it is kept once"
            gateway.took([reply])
        assert not Pushed.objects.exists()


def test_what_was_brought_and_cannot_be_understood_is_put_aside(
    platform: Platform, tmp_path: Path, worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = by_json(platform, tmp_path, more=PUSHED)
    monkeypatch.setenv("ZHIKE_SMS_URL", address)
    for body in (b"\xff\xff", b"content=hello", b"&".join(b"a=1" for _ in range(2000)), b""):
        assert push(SECRET, body).status_code == 200
    assert push(SECRET, b"mobile=13800000002&content=%00A").status_code == 200
    with worker(), opened(address) as gateway:
        (reply,) = told(gateway)
        assert isinstance(reply, Reply)
        assert reply.text == "A"
        gateway.took([reply])
        assert Pushed.objects.filter(aside=True).count() == 4
        assert gateway.events(0.0) == []


def test_what_lies_aside_says_why_and_is_tried_again_by_the_rules_that_hold_then(
    platform: Platform, tmp_path: Path, worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = by_json(platform, tmp_path, more=PUSHED)
    monkeypatch.setenv("ZHIKE_SMS_URL", address)
    assert push(SECRET, b"phone=13800000002&content=T&moid=7").status_code == 200
    with worker(), opened(address) as gateway:
        assert gateway.events(0.0) == []
        lies = Pushed.objects.get(aside=True)
        assert lies.why == {"zh": "1 条中有 1 条信息不全", "en": "1 of 1 say too little"}
        Pushed.objects.update(aside=False)  # as somebody decides (tests/product/test_gateways_page.py)
    by_json(
        platform, tmp_path, more=PUSHED.replace('number = "mobile"', 'number = "phone"').replace("mobile=", "phone=")
    )
    with worker(), opened(address) as gateway:
        (reply,) = told(gateway)
        assert isinstance(reply, Reply)
        assert (reply.sender, reply.text) == ("13800000002", "T")
        gateway.took([reply])
        assert not Pushed.objects.exists()


def test_the_path_of_the_door_is_in_no_log(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_SMS_URL", by_json(platform, tmp_path, more=PUSHED))

    def breaks(*_arguments: object) -> None:
        raise RuntimeError("an error that nobody thought of")

    monkeypatch.setattr(door, "bring", breaks)
    written = io.StringIO()
    stderr = next(each for each in logging.getLogger("django").handlers if each.filters)
    assert isinstance(stderr, logging.StreamHandler)
    monkeypatch.setattr(stderr, "stream", written)
    client = Client(raise_request_exception=False)
    assert client.generic("POST", f"/api/pushed/{SECRET}", b"T").status_code == 500
    assert "/api/pushed/…" in written.getvalue()
    assert SECRET not in written.getvalue()


def test_what_lies_aside_outlives_a_change_of_keys(worker: Role, owner: Role, settings: Any) -> None:
    with worker():
        Pushed.on("replies", "/etc/zhike/platform.toml", b"T", NOW).save()
    settings.DATA_KEYS = "k9:" + base64.b64encode(bytes(32)).decode() + f",{settings.DATA_KEYS}"
    with owner():
        assert Reseal(vault(), NOW).run(SEALED).renewed == 1
    settings.DATA_KEYS = settings.DATA_KEYS.partition(",")[0]
    with worker():
        assert Pushed.objects.get().body == b"T"


def test_too_long_a_push_is_not_taken(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: Role
) -> None:
    monkeypatch.setenv("ZHIKE_SMS_URL", by_json(platform, tmp_path, more=PUSHED))
    assert push(SECRET, b"x" * (1024 * 1024 + 1)).status_code == 413
    with worker():
        assert not Pushed.objects.exists()


# What the file says.


def test_the_worked_example_of_the_documents_works(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/operations/sms.md").read_text()
    example = text.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "key").write_text("a secret")
    gateway = unopened(described(tmp_path, example.replace("/etc/zhike/platform.key", f"{tmp_path}/key")))
    assert (gateway.window, gateway.rate) == (16, 100)
    assert [coming.what for coming in gateway.platform.coming] == ["receipts", "replies"]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('url = "http', 'ur = "http', "[send] ur：没有这一项"),
        ("${number}", "${phone}", "没有变量 ${phone}"),
        ('"${text}"', "${text}", "不是完整的 json"),
        ('"${text}"', '"a"', "没有用到 ${text}"),
        ('code = "result.code"', 'code = "result.status"', "按路径 result.status 在 example 中找不到内容"),
        ('id = "result.ids[0]"', 'id = "result.ids[3]"', "按路径 result.ids[3]"),
        ('taken = ["0", "OK"]', "taken = []", "taken：须至少列出一个值"),
        ('taken = ["0", "OK"]', 'taken = ["1"]', "须为平台受理一条短信的应答"),
        ('recipe = "md5"', 'recipe = "rot13"', "recipe：须为 md5"),
        ('recipe = "md5"', 'recipe = "hmac-sha256"', "key：须写明"),
        ("window = 4", "window = 0", "window：须为 1 到 200"),
        ("window = 4", 'encoding = "latin-1"', "encoding：须为能写中文的编码"),
        ("window = 4", "window = = 4", "不是有效的 TOML"),
        ("[answer]", "[answers]", "没有这一项"),
        ('account = "zhike"', 'account = {file = "/nowhere/at/all"}', "读不到文件 /nowhere/at/all"),
        ('X-App = "${account}"', 'X-App = "${text}"', "没有变量 ${text}"),
        ('X-App = "${account}"', 'X-App = "中"', "请求头只能是英文字符"),
        ('list = "data.reports"', 'list = "data.report"', "按路径 data.report 在 example 中找不到列表"),
        ('state = "stat"', 'state = "status"', "按路径 status"),
        ('time = "at"', 'time = "msgid"', "time_format：example 中 time 的写法不是这样"),
        ('delivered = ["DELIVRD", 1]', "", "delivered：须至少列出一个值"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_at_the_start(
    platform: Platform, tmp_path: Path, was: str, becomes: str, says: str
) -> None:
    by_json(platform, tmp_path, more=REPORTS)
    text = (tmp_path / "platform.toml").read_text()
    assert was in text
    with pytest.raises(Refused) as refused:
        unopened(described(tmp_path, text.replace(was, becomes, 1)))
    sentence = refused.value.words
    assert says in sentence.zh
    assert str(tmp_path / "platform.toml") in sentence.zh
    assert sentence.en != sentence.zh
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("platform:///nowhere.toml", "读不到 /nowhere.toml"),
        ("platform://etc/zhike.toml", "须为完整路径"),
        ("platform:///etc/zhike.toml?a=1", "其后不带参数"),
    ],
)
def test_an_address_that_leads_nowhere(address: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        KIND.make(address, lambda: NOW)


def test_in_production_plain_http_leads_to_this_machine_alone(
    platform: Platform, tmp_path: Path, settings: Any
) -> None:
    settings.DEMO = False
    assert unopened(by_json(platform, tmp_path)).window == 4
    text = (tmp_path / "platform.toml").read_text().replace("127.0.0.1", "sms.bank.example")
    with pytest.raises(Refused, match="不加密的地址只能指向本机"):
        unopened(described(tmp_path, text))


def test_a_port_at_which_something_else_listens(tmp_path: Path) -> None:
    """It takes the connection and says nothing: that is for the messages to find out."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        text = JSON.format(url=f"http://127.0.0.1:{mute.getsockname()[1]}", send="", more="")
        gateway = unopened(described(tmp_path, text), patience=SHORT)
        with closing(gateway):
            gateway.open()
            send(gateway)
            silence(gateway)
