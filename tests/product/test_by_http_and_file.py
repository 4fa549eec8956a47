"""Thanks that leave by the bank's own platform, over HTTP and by files: done once taken, delivered by the receipt, answered by a reply."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from django.test import Client

from tests.cast import Cast
from tests.product.api import NOW
from tests.product.test_messages import MOBILE, Line, customer, thank, thanks
from tests.sms.platform import CLOSE, Platform, running
from zhike.conduct.bank import Bank
from zhike.customers.models import Consent, Customer
from zhike.obligations.models import Obligation
from zhike.sms import gate
from zhike.sms.models import Message, OptOut, Pushed, Reply, Segment
from zhike.sms.transports import file, http
from zhike.sms.transports.file import File
from zhike.sms.transports.http import Http
from zhike.sms.transports.transport import Lost, Unbound

__all__ = ["customer", "thanks"]
pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
SECRET = "where-only-the-platform-goes"
LONG = 30.0

DESCRIBED = f"""
[send]
url = "URL/send"
encoding = "GB18030"
body = '''{{"to": "${{number}}", "text": "${{text}}", "ref": "${{reference}}"}}'''
[answer]
code = "code"
id = "id"
taken = ["0"]
throttled = ["8"]
example = '''{{"code": "0", "id": "m1"}}'''
[receipts]
push = "{hashlib.sha256(SECRET.encode()).hexdigest()}"
id = "id"
reference = "ref"
state = "state"
list = "list"
delivered = ["OK"]
undelivered = ["NO"]
example = '''{{"list": [{{"id": "m1", "ref": "r", "state": "OK"}}]}}'''
[replies]
push = "{hashlib.sha256(SECRET[::-1].encode()).hexdigest()}"
number = "from"
text = "says"
example = '''{{"from": "13800000001", "says": "T"}}'''
"""


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running() as platform:
        yield platform


@pytest.fixture
def by_http(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: Role) -> Iterator[Line]:
    description = tmp_path / "platform.toml"
    description.write_text(DESCRIBED.replace("URL", platform.url))
    monkeypatch.setenv("ZHIKE_SMS_URL", f"platform://{description}")
    gateway = http.KIND.make(f"platform://{description}", lambda: NOW)
    assert isinstance(gateway, Http)
    gateway.look = 0.0
    yield Line(worker, gateway)  # type: ignore[arg-type]
    gateway.close()


@pytest.fixture
def by_file(tmp_path: Path, worker: Role) -> Iterator[Line]:
    gateway = file.KIND.make(f"file://{tmp_path}/spool?encoding=GB18030&seconds=0", lambda: NOW)
    assert isinstance(gateway, File)
    gateway.look = 0.0
    yield Line(worker, gateway)  # type: ignore[arg-type]
    gateway.close()


def until(line: Line, message: Message, state: str) -> None:
    """Rounds, until the message stands so: threads ask."""
    end = monotonic() + LONG
    while message.state != state:
        assert monotonic() < end, f"it is {message.state}: {message.why}"
        with line.worker():
            line.sender.round(lambda: NOW, 0.05)
            message.refresh_from_db()


def ended(line: Line) -> Lost:
    """Rounds, until the gateway is lost."""
    end = monotonic() + LONG
    try:
        while monotonic() < end:
            line.sender.round(lambda: NOW, 0.05)
    except Lost as lost:
        return lost
    pytest.fail("The gateway was not lost.")


def push(secret: str, body: object) -> None:
    said = Client().generic(
        "POST", f"/api/pushed/{secret}", json.dumps(body, ensure_ascii=False).encode("gb18030"), "application/json"
    )
    assert (said.status_code, said.content) == (200, b"OK")


def test_thanks_by_http_are_taken_delivered_and_answered(
    cast: Cast, thanks: Obligation, customer: Customer, platform: Platform, by_http: Line
) -> None:
    platform.always["/send"] = (200, b'{"code": "0", "id": "m-1"}')
    message = thank(cast, thanks)
    until(by_http, message, "submitted")
    thanks.refresh_from_db()
    assert (thanks.state, thanks.evidence["channel"]) == ("done", "sms")
    (asked,) = platform.of("/send")
    said = json.loads(asked.body.decode("gb18030"))
    assert said["to"] == MOBILE
    assert said["text"].startswith("【总行】")
    assert "专属理财经理" in said["text"]
    push(SECRET, {"list": [{"id": "m-1", "ref": said["ref"], "state": "OK"}]})
    until(by_http, message, "delivered")
    push(SECRET[::-1], {"from": f"86{MOBILE}", "says": "退订"})
    by_http.rounds()
    with by_http.worker():
        assert Reply.objects.get().customer == customer
        assert OptOut.objects.count() == 1
        assert Consent.objects.filter(customer=customer, given=False, purpose="marketing").exists()
        assert not Pushed.objects.exists()


def test_a_broken_answer_by_http_is_unknown_until_the_receipt_tells_our_own_name_of_it(
    cast: Cast, thanks: Obligation, platform: Platform, by_http: Line
) -> None:
    platform.always["/send"] = CLOSE
    message = thank(cast, thanks)
    until(by_http, message, "submitting")
    by_http.tick(NOW + timedelta(seconds=61))
    message.refresh_from_db()
    assert message.state == "unknown"
    by_http.rounds(NOW + timedelta(seconds=90))
    (asked,) = platform.of("/send")
    push(SECRET, {"list": [{"id": "m-1", "ref": json.loads(asked.body.decode("gb18030"))["ref"], "state": "OK"}]})
    until(by_http, message, "delivered")
    with by_http.worker():
        thanks.refresh_from_db()
        assert thanks.state == "done"
        assert Segment.objects.get(message=message).name == "m-1"
    assert len(platform.of("/send")) == 1


def test_too_much_at_once_by_http_is_tried_again(
    cast: Cast, thanks: Obligation, platform: Platform, by_http: Line
) -> None:
    platform.next("/send", (200, b'{"code": "8"}'))
    platform.always["/send"] = (200, b'{"code": "0", "id": "m-1"}')
    message = thank(cast, thanks)
    until(by_http, message, "submitting")
    end, now = monotonic() + LONG, NOW
    while message.state == "submitting":
        assert monotonic() < end
        now += timedelta(seconds=2)
        with by_http.worker():
            by_http.sender.round(partial(lambda at: at, now), 0.05)
        message.refresh_from_db()
    assert message.state == "submitted"
    assert len(platform.of("/send")) == 2


def test_a_platform_that_was_away_gets_it_once_it_is_back(
    cast: Cast, thanks: Obligation, platform: Platform, by_http: Line
) -> None:
    """Nothing left, so nothing is unknown; and nobody needs to do anything."""
    platform.shutdown()
    platform.server_close()
    message = thank(cast, thanks)
    end = monotonic() + LONG
    with by_http.worker():
        by_http.sender.lose(ended(by_http), NOW)
        message.refresh_from_db()
    assert message.state == "submitting"
    with by_http.worker(), pytest.raises(Unbound):
        by_http.sender.begin(NOW)
    later = NOW + timedelta(seconds=30)
    with running(platform.server_port) as back:
        back.always["/send"] = (200, b'{"code": "0", "id": "m-1"}')
        by_http.at(later)
        while message.state == "submitting":
            assert monotonic() < end
            with by_http.worker():
                by_http.sender.round(lambda: later, 0.05)
                message.refresh_from_db()
        assert len(back.of("/send")) == 1
    assert message.state == "submitted"


def test_thanks_by_file_are_taken_delivered_and_answered(
    cast: Cast, thanks: Obligation, customer: Customer, by_file: Line, tmp_path: Path
) -> None:
    message = thank(cast, thanks)
    with cast.acting("rm", NOW) as actor:
        other = gate.send(customer, "service", "您预约的贵宾室已留好。", actor=actor, now=NOW, bank=Bank())
    until(by_file, message, "submitted")
    other.refresh_from_db()
    thanks.refresh_from_db()
    assert (other.state, thanks.state) == ("submitted", "done")
    spool = tmp_path / "spool"
    (batch,) = (spool / "out").iterdir()
    lines = batch.read_bytes().decode("gb18030").partition("#total")[0]
    first, second = csv.DictReader(io.StringIO(lines, newline=""))
    assert "专属理财经理" in first["text"] + second["text"]
    assert {first["number"], second["number"]} == {MOBILE}
    segments = set(Segment.objects.values_list("reference", "name"))
    assert segments == {(first["reference"], f"{batch.name}:1"), (second["reference"], f"{batch.name}:2")}
    hand_in(spool, "receipts.csv", ["reference,state,code,time", f"{Segment.objects.get(message=message).reference},DELIVRD,,2026-03-16 10:01:00"])  # fmt: skip
    until(by_file, message, "delivered")
    other.refresh_from_db()
    assert other.state == "submitted"
    hand_in(spool, "replies.csv", ["number,text,time", f"{MOBILE},谢谢，周五见,"], total=int(MOBILE))
    by_file.rounds()
    assert Reply.objects.get().text == "谢谢，周五见"
    assert Obligation.objects.filter(customer=customer, kind="promise", state="open").exists()
    assert list((spool / "in").iterdir()) == list((spool / "rejected").iterdir()) == []


def test_an_answer_by_file_that_was_not_written_down_is_found_by_the_receipt(
    cast: Cast, thanks: Obligation, by_file: Line, tmp_path: Path
) -> None:
    """Killed once the batch had its name and before the journal knew: handed over once, unknown, then delivered."""
    gateway = by_file.sender.transport
    assert isinstance(gateway, File)
    gateway.seconds = 30.0
    message = thank(cast, thanks)
    by_file.rounds(times=1)
    gateway.close()  # the batch leaves, and its answer is nobody's
    spool = tmp_path / "spool"
    gateway.seconds = 0.0
    by_file.at(NOW + timedelta(seconds=40))
    by_file.tick(NOW + timedelta(seconds=80))
    message.refresh_from_db()
    assert message.state == "unknown"
    by_file.rounds(NOW + timedelta(seconds=90))
    assert len(list((spool / "out").iterdir())) == 1, "not handed over again"
    reference = Segment.objects.get(message=message).reference
    hand_in(spool, "receipts.csv", ["reference,state,code,time", f"{reference},DELIVRD,000,"])
    until(by_file, message, "delivered")
    thanks.refresh_from_db()
    assert thanks.state == "done"


def hand_in(spool: Path, name: str, lines: list[str], total: int = 0) -> None:
    """A file of the platform's, with totals reckoned here."""
    body = "".join(f"{line}\r\n" for line in lines).encode("gb18030")
    last = f"#total,{len(lines) - 1},{total},{hashlib.sha256(body).hexdigest()}\r\n"
    (spool / "in" / f"{name}.part").write_bytes(body + last.encode())
    (spool / "in" / f"{name}.part").rename(spool / "in" / name)
