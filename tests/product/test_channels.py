"""Each channel against a receiving end over a real socket: what it takes, what it refuses, and what becomes of it when it does neither."""

from __future__ import annotations

import base64
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.urls import reverse

from tests.cast import Cast
from tests.certificates import bank_s_own
from tests.product.api import NOW
from tests.product.test_cli import zhike
from tests.vendors import CLOSE, ENCODED, HANG, LATE, SECRET, SITES, STAFF, TRICKLE, DingTalkSite, Post, Site, WeComSite
from zhike.address import Address
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.contacts import course
from zhike.customers.models import Acquaintance
from zhike.notices import ringing
from zhike.notices.channels import CHANNELS, Parcel, Undelivered, open_all
from zhike.notices.channels.mail import EXAMPLE, PORTS, VARIABLE, Mail
from zhike.notices.channels.vendor import LARGEST, Vendor
from zhike.notices.courier import GAPS, Courier
from zhike.notices.models import Choice, Notice

Role = Callable[[], AbstractContextManager[None]]
KEY = UUID("6a0f6a3e-4c1c-4b44-9d8f-0d9f6c3b2a11")
PARCEL = Parcel(KEY, STAFF, "知客提醒", "15:00 回电 · 打开知客", "https://zhike.bank.example")
LETTER = replace(PARCEL, to="rm001@bank.example")
SHORT = 0.3  # seconds of patience with what never answers
LONG = 60.0  # with what answers at once


@contextmanager
def running(receiver: Site | Post) -> Iterator[None]:
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        receiver.released.set()
        receiver.shutdown()
        thread.join()
        receiver.server_close()


@pytest.fixture(autouse=True)
def _directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of this machine stands between."""
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    site = SITES[request.param]()
    with running(site):
        yield site


@pytest.fixture
def post() -> Iterator[Post]:
    post = Post()
    with running(post):
        yield post


@contextmanager
def opened(site: Site, patience: float = LONG, address: str = "") -> Iterator[Vendor]:
    channel = next(kind for kind in CHANNELS.values() if kind.variable == site.variable).open(address or site.address())
    assert isinstance(channel, Vendor)
    channel.patience = patience
    yield channel
    channel._client.close()


def mail(post: Post, scheme: str = "smtp", host: str = "127.0.0.1", patience: float = LONG) -> Mail:
    return Mail(Address.read(VARIABLE, post.address(scheme, host), EXAMPLE, PORTS), patience)


def refusal(channel: Vendor | Mail, parcel: Parcel) -> Undelivered:
    """What the channel says of it, which shows neither the secret nor what the parcel says."""
    with pytest.raises(Undelivered) as caught:
        channel.send(parcel)
    error = caught.value
    told = f"{error.words.zh} {error.words.en} {error!r} {error.__cause__!r}"
    assert SECRET not in told
    assert ENCODED not in told
    assert "15:00" not in told
    assert error.words.zh != error.words.en
    assert error.__suppress_context__ or error.__context__ is None or isinstance(error.__context__, Undelivered)
    return error


# The three vendors.


def test_a_vendor_takes_a_notice_for_exactly_one_person(site: Site) -> None:
    with opened(site) as channel:
        channel.send(PARCEL)
    ((to, said),) = site.delivered
    assert to == STAFF
    assert "15:00 回电" in said


def test_one_token_serves_until_it_is_old(site: Site) -> None:
    with opened(site) as channel:
        for _ in range(3):
            channel.send(replace(PARCEL, key=uuid4()))
    assert site.tokens == ["token-0"]
    assert len(site.delivered) == 3


def test_a_token_that_has_run_out_is_not_even_tried(site: Site) -> None:
    site.lifetime = 0
    with opened(site) as channel:
        for _ in range(2):
            channel.send(replace(PARCEL, key=uuid4()))
    assert site.tokens == ["token-0", "token-1"]
    assert [path for path, _body in site.asked].count(site.put_step) == 2


def test_notices_that_say_the_same_are_no_copies_of_each_other(site: Site) -> None:
    with opened(site) as channel:
        for link in (PARCEL.link, PARCEL.link, "", ""):
            channel.send(replace(PARCEL, key=uuid4(), link=link))
    assert (len(site.delivered), site.copies) == (4, 0)


def test_a_second_attempt_is_known_as_a_copy(site: Site) -> None:
    with opened(site) as channel:
        for link in (PARCEL.link, ""):
            parcel = replace(PARCEL, key=uuid4(), link=link)
            channel.send(parcel)
            channel.send(replace(parcel))  # by another worker
    assert (len(site.delivered), site.copies) == (2, 2)


def test_an_answer_that_was_lost_is_sent_again_and_is_a_copy(site: Site) -> None:
    with opened(site) as channel:
        channel.send(PARCEL)
        site.next(site.put_step, CLOSE)
        assert not refusal(channel, PARCEL).permanent
        channel.send(PARCEL)
    assert (len(site.delivered), site.copies) == (1, 1)


def test_a_token_that_is_not_taken_any_more_is_had_anew_within_the_attempt(site: Site) -> None:
    with opened(site) as channel:
        channel.send(PARCEL)
        site.good.clear()
        channel.send(replace(PARCEL, key=uuid4()))
    assert site.tokens == ["token-0", "token-1"]
    assert len(site.delivered) == 2


def test_a_token_said_to_have_run_out_is_had_anew(site: Site) -> None:
    with opened(site) as channel:
        site.next(site.put_step, site.fault(site.stale))
        channel.send(PARCEL)
    assert site.tokens == ["token-0", "token-1"]


def test_a_new_token_that_is_not_taken_either_is_tried_again_later(site: Site) -> None:
    with opened(site) as channel:
        site.next(site.put_step, site.fault(site.stale), site.fault(site.stale))
        assert not refusal(channel, PARCEL).permanent
        channel.send(PARCEL)
    assert len(site.delivered) == 1


def test_a_wrong_secret_is_permanent_and_not_shown(site: Site) -> None:
    with opened(site, address=site.address(secret="other")) as channel:
        error = refusal(channel, PARCEL)
    assert error.permanent
    assert str(site.wrong_secret) in error.words.zh
    assert not site.delivered


def test_whom_the_vendor_does_not_know_is_permanent(site: Site) -> None:
    with opened(site) as channel:
        assert refusal(channel, replace(PARCEL, to="nobody")).permanent


@pytest.mark.parametrize("to", ["@all", "rm001|rm002", "rm001,rm002", "", "a b", "客户", "x" * 200])
def test_what_is_no_one_account_is_not_even_asked(site: Site, to: str) -> None:
    with opened(site) as channel:
        assert refusal(channel, replace(PARCEL, to=to)).permanent
    assert site.put_step not in [path for path, _body in site.asked]


def test_who_is_throttled_tries_again(site: Site) -> None:
    with opened(site) as channel:
        for misdeed in (site.fault(site.busy), (429, b"slow down"), site.fault(-1)):
            site.next(site.put_step, misdeed)
            assert not refusal(channel, PARCEL).permanent
        channel.send(PARCEL)
    assert len(site.delivered) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"<html>"),
        (502, b""),
        (503, b"{}"),
        (404, b"not here"),
        (302, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b"\xff\xfe\x00"),
        (200, b"[" * 100_000),
        (200, b'{"errcode": "0", "code": false}'),
        (200, b" " * (LARGEST + 1)),
    ],
    ids=lambda value: str(value)[:12],
)
@pytest.mark.parametrize("step", ["token", "put"])
def test_what_is_no_answer_is_tried_again(site: Site, step: str, status: int, body: bytes) -> None:
    at = site.token_step if step == "token" else site.put_step
    with opened(site) as channel:
        site.next(at, (status, body))
        assert not refusal(channel, PARCEL).permanent
        channel.send(PARCEL)
    assert len(site.delivered) == 1


def test_a_token_without_a_token_is_no_answer(site: Site) -> None:
    with opened(site) as channel:
        site.next(site.token_step, (200, b'{"errcode": 0, "code": 0, "errmsg": "ok"}'))
        assert not refusal(channel, PARCEL).permanent


@pytest.mark.parametrize("step", ["token", "put"])
def test_one_that_never_answers_is_left_after_the_patience(site: Site, step: str) -> None:
    with opened(site, SHORT) as channel:
        site.next(site.token_step if step == "token" else site.put_step, HANG)
        error = refusal(channel, PARCEL)
    assert site.hanging.is_set()
    assert not error.permanent
    assert "0.3 秒" in error.words.zh


def test_token_and_notice_together_have_one_patience(site: Site) -> None:
    site.next(site.token_step, LATE)
    site.next(site.put_step, LATE)
    with opened(site, SHORT) as channel:
        assert "0.3 秒" in refusal(channel, PARCEL).words.zh


def test_one_that_never_ends_its_answer_is_left_after_the_patience(site: Site) -> None:
    with opened(site, SHORT) as channel:
        site.next(site.put_step, TRICKLE)
        assert "0.3 秒" in refusal(channel, PARCEL).words.zh


@pytest.mark.parametrize("step", ["token", "put"])
def test_a_connection_that_breaks_is_tried_again(site: Site, step: str) -> None:
    with opened(site) as channel:
        site.next(site.token_step if step == "token" else site.put_step, CLOSE)
        assert not refusal(channel, PARCEL).permanent
        channel.send(PARCEL)
    assert len(site.delivered) == 1


def test_where_nobody_listens_it_is_tried_again(site: Site) -> None:
    address = site.address()
    site.shutdown()
    site.server_close()
    with opened(site, address=address) as channel:
        assert not refusal(channel, PARCEL).permanent


def test_many_threads_at_once_need_one_token(site: Site) -> None:
    parcels = [replace(PARCEL, key=uuid4()) for _ in range(24)]
    with opened(site) as channel, ThreadPoolExecutor(8) as hands:
        list(hands.map(channel.send, parcels))
        site.good.clear()  # and one new one once it is not taken any more
        list(hands.map(channel.send, [replace(PARCEL, key=uuid4()) for _ in range(24)]))
    assert site.tokens == ["token-0", "token-1"]
    assert (len(site.delivered), site.copies) == (48, 0)


def test_a_thread_that_waits_for_another_s_token_has_the_same_patience(site: Site) -> None:
    site.next(site.token_step, HANG)
    with opened(site) as channel, ThreadPoolExecutor(1) as hands:
        first = hands.submit(channel.send, PARCEL)
        site.hanging.wait()
        channel.patience = SHORT
        assert not refusal(channel, PARCEL).permanent
        site.released.set()
        assert isinstance(first.exception(), Undelivered)


def test_no_log_shows_the_secret(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with opened(site) as channel:
        channel.send(PARCEL)
    assert SECRET not in caplog.text
    assert "corpsecret" not in caplog.text
    assert "token-0" not in caplog.text
    assert "15:00" not in caplog.text
    assert ENCODED not in repr(channel.address)
    assert SECRET not in repr(channel.address)


# What is one vendor's own.


def test_wecom_names_one_it_left_out_in_a_good_answer() -> None:
    site = WeComSite()
    with running(site), opened(site) as channel:
        site.next(site.put_step, (200, b'{"errcode": 0, "errmsg": "ok", "invaliduser": "rm001"}'))
        assert refusal(channel, PARCEL).permanent
        site.next(site.put_step, (200, b'{"errcode": 0, "errmsg": "ok", "unlicenseduser": "rm001"}'))
        assert refusal(channel, PARCEL).permanent


def test_wecom_s_message_is_as_documented() -> None:
    site = WeComSite()
    with running(site), opened(site) as channel:
        channel.send(PARCEL)
    _path, body = site.asked[-1]
    assert body == {
        "touser": "rm001",
        "agentid": 1000002,
        "msgtype": "textcard",
        "textcard": {
            "title": "知客提醒",
            "description": "15:00 回电 · 打开知客",
            "url": f"https://zhike.bank.example/?notice={KEY}",
        },
        "safe": 0,
        "enable_id_trans": 0,
        "enable_duplicate_check": 1,
        "duplicate_check_interval": 14400,
    }


@pytest.fixture
def ding() -> Iterator[DingTalkSite]:
    site = DingTalkSite()
    with running(site):
        yield site


def ding_result(**result: object) -> tuple[int, bytes]:
    return 200, json.dumps({"errcode": 0, "send_result": result}).encode()


@pytest.mark.parametrize(
    ("code", "permanent"), [("143105", True), ("1430004", True), ("143104", False), ("999", False)]
)
def test_dingtalk_takes_a_notice_and_says_afterwards_that_it_kept_it_back(
    ding: DingTalkSite, code: str, permanent: bool
) -> None:
    with opened(ding) as channel:
        ding.next(ding.result_step, ding_result(forbidden_list=[{"code": code, "count": 500, "userid": STAFF}]))
        assert refusal(channel, PARCEL).permanent is permanent


def test_dingtalk_that_failed_to_deliver_is_tried_again(ding: DingTalkSite) -> None:
    with opened(ding) as channel:
        ding.next(ding.result_step, ding_result(failed_user_id_list=[STAFF]))
        assert not refusal(channel, PARCEL).permanent


def test_dingtalk_still_at_it_is_asked_again_and_then_believed(ding: DingTalkSite) -> None:
    with opened(ding) as channel:
        ding.next(ding.result_step, ding_result(), ding_result())
        channel.send(PARCEL)
        assert [path for path, _ in ding.asked].count(ding.result_step) == 3
        ding.next(ding.result_step, *[ding_result()] * 4)
        channel.send(replace(PARCEL, key=uuid4()))
        assert [path for path, _ in ding.asked].count(ding.result_step) == 7


@pytest.mark.parametrize("misdeed", [CLOSE, (500, b""), (200, b'{"errcode": 90018}'), ding_result(forbidden_list=[7])])
def test_dingtalk_that_does_not_say_what_became_of_it_has_taken_it(ding: DingTalkSite, misdeed: object) -> None:
    with opened(ding) as channel:
        ding.next(ding.result_step, misdeed)
        channel.send(PARCEL)
    assert len(ding.delivered) == 1


# E-mail.


def test_a_letter_is_plain_says_who_wrote_it_and_carries_the_key(post: Post) -> None:
    mail(post).send(LETTER)
    letter = message_from_bytes(post.letters[0], policy=policy.default)
    assert letter["To"] == "rm001@bank.example"
    assert letter["From"] == "知客 Zhike <zhike@bank.example>"
    assert letter["Subject"] == "知客提醒 · 15:00 回电 · 打开知客"
    assert letter["Message-ID"] == f"<{KEY}@bank.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content_charset() == "utf-8"
    assert letter.get_content().split() == ["15:00", "回电", "·", "打开知客", "https://zhike.bank.example"]
    assert base64.b64decode(post.signed_in[0]) == f"\0zhike\0{SECRET}".encode()


def test_the_same_letter_twice_is_one_and_a_copy(post: Post) -> None:
    channel = mail(post)
    channel.send(LETTER)
    channel.send(LETTER)
    channel.send(replace(LETTER, key=uuid4()))
    assert (len(post.delivered), post.copies) == (2, 1)


@pytest.mark.parametrize(
    ("step", "reply", "permanent"),
    [
        ("", (421, b"busy"), False),
        ("", (554, b"no"), True),
        ("AUTH", (535, b"wrong s3cret"), True),
        ("AUTH", (454, b"later"), False),
        ("MAIL", (451, b"later"), False),
        ("RCPT", (450, b"15:00 greylisted"), False),
        ("RCPT", (550, b"15:00 nobody"), True),
        ("DATA", (452, b"full"), False),
        ("letter", (554, b"15:00 spam"), True),
        ("letter", (450, b"later"), False),
        ("letter", (0, b"\xff\xfe garbage"), False),
        ("", (0, b"HTTP/1.1 400 Bad Request"), False),
        ("RCPT", (299, b"\xff"), False),
        ("EHLO", (0, b"x" * 100_000), True),
    ],
    ids=lambda value: str(value)[:14],
)
def test_what_a_mail_server_refuses_is_final_or_not_by_its_code(
    post: Post, step: str, reply: tuple[int, bytes], permanent: bool
) -> None:
    post.next(step, reply)
    assert refusal(mail(post), LETTER).permanent is permanent


@pytest.mark.parametrize("step", ["", "EHLO", "AUTH", "RCPT", "DATA", "letter"])
def test_a_mail_server_that_never_answers_is_left_after_the_patience(post: Post, step: str) -> None:
    post.next(step, HANG)
    error = refusal(mail(post, patience=SHORT), LETTER)
    assert post.hanging.is_set()
    assert not error.permanent
    assert "0.3 秒" in error.words.zh


def test_all_steps_of_a_letter_together_have_one_patience(post: Post) -> None:
    for step in ("", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"):
        post.next(step, LATE)
    assert "0.3 秒" in refusal(mail(post, patience=SHORT), LETTER).words.zh
    assert not post.delivered


@pytest.mark.parametrize("step", ["", "EHLO", "AUTH", "RCPT", "DATA", "letter"])
def test_a_mail_server_that_hangs_up_is_tried_again_under_the_same_key(post: Post, step: str) -> None:
    post.next(step, CLOSE)
    assert not refusal(mail(post), LETTER).permanent
    mail(post).send(LETTER)
    assert (len(post.delivered), post.copies) == (1, 1 if step == "letter" else 0)


@pytest.mark.parametrize("misdeed", [CLOSE, (500, b"no"), (0, b"\xff")])
def test_a_letter_that_was_taken_is_taken_however_the_farewell_goes(post: Post, misdeed: object) -> None:
    post.next("QUIT", misdeed)
    mail(post).send(LETTER)
    assert len(post.delivered) == 1


@pytest.mark.parametrize("to", ["", "rm001", "a@b@c", "a@b, c@d", "a@b\r\nBcc: all@bank.example", "客户@bank.example"])
def test_what_is_no_mailbox_is_not_written_to(post: Post, to: str) -> None:
    assert refusal(mail(post), replace(LETTER, to=to)).permanent
    assert not post.asked


def test_many_letters_at_once(post: Post) -> None:
    channel = mail(post)
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(channel.send, [replace(LETTER, key=uuid4()) for _ in range(24)]))
    assert (len(post.delivered), post.copies) == (24, 0)


# Encryption.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of a bank's own for this machine, and its key."""
    return bank_s_own(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_the_password_goes_to_a_mail_server_of_the_bank_s_own_authority_encrypted(
    scheme: str, context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    post = Post(context, wrapped=scheme == "smtps")
    with running(post):
        mail(post, scheme).send(LETTER)
    assert post.encrypted == [True]
    assert len(post.delivered) == 1


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_mail_server_that_nobody_vouches_for_gets_no_password(scheme: str, context: ssl.SSLContext) -> None:
    post = Post(context, wrapped=scheme == "smtps")
    with running(post):
        assert not refusal(mail(post, scheme), LETTER).permanent
    assert not post.signed_in


def test_a_mail_server_without_starttls_gets_no_password(post: Post) -> None:
    error = refusal(mail(post, "smtp+starttls"), LETTER)
    assert "STARTTLS" in error.words.zh
    assert not post.signed_in


def test_a_vendor_is_believed_by_its_certificate_alone(
    context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = WeComSite()
    site.socket = context.wrap_socket(site.socket, server_side=True)
    with running(site):
        with opened(site, address=site.address("https")) as channel:
            assert not refusal(channel, PARCEL).permanent
        assert not site.asked
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with opened(site, address=site.address("https", "localhost")) as channel:
            channel.send(PARCEL)
    assert len(site.delivered) == 1


# Addresses.

WRONG = [
    ("ZHIKE_MAIL_URL", f"smtps://u:{ENCODED}@mail.bank.example:465"),
    ("ZHIKE_MAIL_URL", f"smtps://u:{ENCODED}@mail.bank.example:465?from=nobody"),
    ("ZHIKE_MAIL_URL", f"imap://u:{ENCODED}@mail.bank.example?from=a@b.example"),
    ("ZHIKE_MAIL_URL", f"smtps://u:{ENCODED}@mail.bank.example:{ENCODED}?from=a@b.example"),
    ("ZHIKE_MAIL_URL", ENCODED),
    ("ZHIKE_WECOM_URL", f"https://corp:{ENCODED}@qyapi.weixin.qq.com"),
    ("ZHIKE_WECOM_URL", f"https://corp:{ENCODED}@qyapi.weixin.qq.com/agent"),
    ("ZHIKE_WECOM_URL", f"https://corp:{SECRET}@qyapi.weixin.qq.com/1000002"),
    ("ZHIKE_WECOM_URL", f"https://:{ENCODED}@qyapi.weixin.qq.com/1000002"),
    ("ZHIKE_WECOM_URL", f"ftp://corp:{ENCODED}@qyapi.weixin.qq.com/1000002"),
    ("ZHIKE_DINGTALK_URL", f"https://[corp:{ENCODED}@oapi.dingtalk.com/1"),
    ("ZHIKE_FEISHU_URL", "https://open.feishu.cn"),
    ("ZHIKE_FEISHU_URL", f"https://app:{ENCODED}@"),
]


@pytest.mark.parametrize(("variable", "value"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_address_is_refused_by_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(Refused) as caught:
        open_all({variable: value})
    error = caught.value
    for said in (error.words.zh, error.words.en):
        assert said.startswith(variable)
        assert "s3cret" not in said
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ZHIKE_MAIL_URL", "smtp://{}?from=a@b.example"),
        ("ZHIKE_WECOM_URL", "http://corp:x@{}/1000002"),
        ("ZHIKE_DINGTALK_URL", "http://corp:x@{}:8080/1000002"),
        ("ZHIKE_FEISHU_URL", "http://corp:x@{}"),
    ],
)
def test_production_says_nothing_in_the_clear_but_to_its_own_machine(variable: str, value: str, settings) -> None:
    far, near = ("relay.bank.example", "10.0.0.1", "127.0.0.1.bank.example"), ("localhost", "127.0.0.1", "[::1]")
    for host in (*far, *near):
        open_all({variable: value.format(host)})
    settings.DEMO = False
    for host in near:
        open_all({variable: value.format(host)})
    for host in far:
        with pytest.raises(Refused):
            open_all({variable: value.format(host)})


def test_only_what_the_bank_has_set_up_is_opened() -> None:
    assert open_all({}) == {}
    assert list(open_all({"ZHIKE_MAIL_URL": EXAMPLE, "ZHIKE_WECOM_URL": ""})) == ["mail"]


# Through the commands.


@pytest.mark.parametrize("command", ["worker", "serve"])
def test_a_wrong_address_is_said_once_and_nothing_runs(database, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    done = zhike(database, command, ZHIKE_PORT=port, ZHIKE_WECOM_URL=f"https://corp:{ENCODED}@qyapi.weixin.qq.com/")
    assert done.returncode == 2
    assert done.stderr.startswith("ZHIKE_WECOM_URL is no address to use: ")
    assert ENCODED not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_doctor_knocks_at_each_channel_that_is_set_up(database, post: Post) -> None:
    sites = {name: make() for name, make in SITES.items() if name != "dingtalk"}
    with ExitStack() as stack:
        for site in sites.values():
            stack.enter_context(running(site))
        good = {site.variable: site.address() for site in sites.values()}
        found = examined(database, ZHIKE_MAIL_URL=post.address(), **good)
        assert set(CHANNELS) & set(found) == {"mail", "wecom", "feishu"}
        assert all(found[name]["good"] for name in ("mail", *sites))

        post.next("AUTH", (535, b"no"))
        bad = {site.variable: site.address(secret="other") for site in sites.values()}
        found = examined(database, ZHIKE_MAIL_URL=post.address(), ZHIKE_DINGTALK_URL=f"https://a:{ENCODED}@[", **bad)
        for name, site in sites.items():
            assert str(site.wrong_secret) in found[name]["detail"]
            assert site.variable in found[name]["advice"]
        assert "535" in found["mail"]["detail"]
        assert "ZHIKE_DINGTALK_URL" in found["dingtalk"]["detail"]
        assert ENCODED not in str(found)
        assert not any(receiver.delivered for receiver in (post, *sites.values()))


def examined(database, **addresses: str) -> dict[str, dict[str, str]]:
    done = zhike(database, "doctor", "--json", NO_PROXY="*", **addresses)
    return {each["name"]: each for each in json.loads(done.stdout)}


# Through the courier.


@pytest.mark.django_db
def test_a_channel_that_hangs_keeps_no_other_channel_s_notices_waiting(
    cast: Cast, worker: Role, owner: Role, post: Post
) -> None:
    """A call-back promised for 15:00, told by mail and by WeCom at 14:45; the mail server says nothing."""
    three, bank = NOW + timedelta(minutes=60), Bank()
    at = three - timedelta(minutes=15)
    site = WeComSite()
    with owner():
        for customer in cast.customers["rm"]:
            Acquaintance.objects.create(customer=customer, rm=cast.rm, called_source="import", met_source="import")
        Choice.objects.create(staff=cast.rm, channel="mail", address="rm001@bank.example")
        Choice.objects.create(staff=cast.rm, channel="wecom", address=STAFF)
    with cast.acting("rm", NOW) as actor:
        call = course.plan(cast.customers["rm"][0], "call", actor=actor, now=NOW, purpose="care")
        course.start(call, actor=actor, now=NOW, bank=bank)
        course.put_through(call, "busy", actor=actor, now=NOW, bank=bank, call_back_at=three)
    post.next("RCPT", HANG)
    with running(site), opened(site) as wecom:
        courier = Courier(uuid4(), {"mail": mail(post), "wecom": wecom})
        with worker():
            while ringing.ring(at, bank):
                pass
            assert courier.take(at, bank) == 2
            post.hanging.wait()
            courier.confirm(courier.handed(LONG), at, bank)
            assert dict(Notice.objects.exclude(channel="page").values_list("channel", "state")) == {
                "wecom": "sent",
                "mail": "waiting",
            }
            assert courier.busy
            assert len(site.delivered) == 1
            post.released.set()
            courier.confirm(courier.handed(LONG), at, bank)
            late = Notice.objects.get(channel="mail")
            assert (late.state, late.try_at) == ("waiting", at + GAPS[0])
            assert late.error.startswith("与邮件服务器的连接失败或中断")
            courier.take(at + GAPS[0], bank)
            courier.confirm(courier.handed(LONG), at + GAPS[0], bank)
            assert Notice.objects.get(channel="mail").state == "sent"
        courier.close()
    assert [to for to, _said in post.delivered] == ["rm001@bank.example"]


@pytest.mark.django_db
def test_the_link_that_carries_a_key_leads_to_today(cast: Cast) -> None:
    assert cast.client("rm").get(PARCEL.link_by_key.removeprefix(PARCEL.link)).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "several"),
    [("mail", "a@b.example, c@d.example"), ("wecom", "@all"), ("dingtalk", "rm001,rm002"), ("feishu", "ou_1 ou_2")],
)
def test_nobody_chooses_an_address_that_is_more_than_one_person_s(
    cast: Cast, name: str, several: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHANNELS[name].variable, "https://set.up.example")
    browser = cast.client("rm")
    given = {f"on.{name}": "yes", f"address.{name}": several}
    refused = browser.post(reverse("reminder_wishes"), given)
    assert refused.status_code == 422
    assert several in refused.content.decode()
    assert CHANNELS[name].reached_by.zh in refused.content.decode()
    assert (
        browser.post(reverse("reminder_wishes"), {**given, f"address.{name}": "rm001@bank.example"}).status_code < 400
    )
    with cast.acting("rm"):
        (kept,) = Choice.objects.all()
    assert (kept.channel, kept.on, kept.address) == (name, True, "rm001@bank.example")
