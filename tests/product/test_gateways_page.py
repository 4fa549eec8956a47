"""How the gateways stand: for the administrators, for the doctor, for a machine that fetches figures; and what nobody understood.

NOW (tests/product/api.py) is Monday, 2 March 2026, 14:00 in Shanghai.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from tests.cast import Cast
from tests.product.api import NOW
from zhike import clock, health
from zhike.sms.figures import figures
from zhike.sms.models import Connection, Message, Pushed
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
URL = "cmpp://100001:secret@10.0.0.8:7890?version=2 smpp://zhike:secret@10.0.0.9"
CMPP, SMPP = "cmpp:10.0.0.8:7890", "smpp:10.0.0.9"


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ZHIKE_SMS_URL", URL)
    with clock.at(NOW):
        yield


@pytest.fixture
def stand(cast: Cast, owner: Role) -> None:
    """One gateway is connected, the other was; four messages wait, one is unknown."""
    hour = timedelta(hours=1)
    with owner():
        at = {"opened_at": NOW - hour, "worker": "test:1"}
        Connection.objects.create(
            id=uuid4(),
            gateway=CMPP,
            seen_at=NOW - 3 * hour,
            closed_at=NOW - 2 * hour,
            **{**at, "opened_at": NOW - 4 * hour},
        )
        Connection.objects.create(id=uuid4(), gateway=CMPP, seen_at=NOW - timedelta(seconds=20), **at)
        why = {"zh": "对方关闭了连接", "en": "the other end closed"}
        Connection.objects.create(
            id=uuid4(), gateway=SMPP, seen_at=NOW - hour / 2, closed_at=NOW - hour / 2, why=why, **at
        )
        given = {"customer": cast.customers["rm"][0], "staff": cast.rm, "kind": "service", "created_at": NOW}
        for minutes, lane, state in ((-7, 0, "queued"), (-1, 0, "queued"), (60, 1, "waiting"), (-1, 1, "queued")):
            why = {"zh": "等", "en": "waits"}
            Message.objects.create(
                not_before=NOW + timedelta(minutes=minutes), lane=lane, state=state, why=why, **given
            )
        Message.objects.create(not_before=NOW, state="unknown", why={"zh": "不明", "en": "unknown"}, **given)
        Message.objects.create(
            not_before=NOW, state="unknown", through="bank_sms", why={"zh": "不明", "en": "unknown"}, **given
        )


def bring(worker: Role, body: bytes) -> int:
    with worker():
        lies = Pushed.on("replies", "/etc/zhike/platform.toml", body, NOW - timedelta(minutes=5))
        lies.aside, lies.why = True, {"zh": "读不懂：it is no json", "en": "It cannot be read: it is no json"}
        lies.save()
    return int(lies.pk)


def test_the_page_says_how_each_gateway_stands(cast: Cast, stand: None) -> None:
    page = cast.client("administrator").get("/gateways/").content.decode()
    assert "secret" not in page
    assert page.index(CMPP) < page.index("已连接，自13:00") < page.index(SMPP) < page.index("未连接，自13:30")
    assert "对方关闭了连接" in page
    assert "1 条结果不明" in page
    with cast.acting("administrator", NOW):
        found = figures(NOW)
    assert [(each.due, each.later, each.oldest) for each in found.queues] == [
        (2, 0, NOW - timedelta(minutes=7)), (1, 1, NOW - timedelta(minutes=1)), (0, 0, None), (0, 0, None),
    ]  # fmt: skip


def test_one_that_has_not_said_for_half_a_minute_that_it_lives_is_not_connected(cast: Cast, stand: None) -> None:
    with cast.acting("administrator", NOW):
        later = NOW + timedelta(seconds=11)
        first = figures(later).gateways[0]
        assert (first.name, first.connected, first.since) == (CMPP, False, NOW - timedelta(seconds=20))


def test_a_gateway_to_which_nobody_was_ever_signed_in_is_told(cast: Cast) -> None:
    assert cast.client("administrator").get("/gateways/").content.decode().count("从未连接") == 2


def test_what_was_not_understood_is_shown_masked(cast: Cast, worker: Role) -> None:
    bring(worker, b"mobile=8613800000001&content=%CD%CB%B6%A9&moid=20260302000001")
    bring(worker, b'{"mo": [{"tel": "13800000002", "txt": "\\u6211\\u7684\\u5361\\u53f76225880112345678"}]}')
    bring(worker, b"\xff\xff")
    bring(worker, b"<b>13800000003</b>")
    bring(worker, b"<t>138 0000 0004, 138-0000-0005 2026-03-02 14:20</t>")
    page = cast.client("administrator").get("/gateways/").content.decode()
    for secret in ("13800000001", "13800000002", "13800000003", "0000 0004", "0000-0005", "6225880112345678"):
        assert secret not in page
    for words in (
        "content = 退订",
        "861****0001",
        "我的卡号622****5678",
        "\\xff\\xff",
        "&lt;b&gt;138****0003",
        "138****0004, 138****0005 2026-03-02 14:20",
        "读不懂：it is no json",
    ):
        assert words in page


def test_it_is_tried_again_or_dismissed_with_a_reason_in_the_trail(cast: Cast, worker: Role, owner: Role) -> None:
    first, second = bring(worker, b"a"), bring(worker, b"b")
    administrator = cast.client("administrator")
    assert administrator.post(f"/gateways/{first}/again/").status_code == 303
    without = administrator.post(f"/gateways/{second}/dismiss/", {"reason": " "})
    assert (without.status_code, "为什么不必处理" in without.content.decode()) == (422, True)
    assert administrator.post(f"/gateways/{second}/dismiss/", {"reason": "平台的测试报文"}).status_code == 303
    twice = administrator.post(f"/gateways/{second}/dismiss/", {"reason": "再点一次"})
    assert (twice.status_code, "已有人处理过了" in twice.content.decode()) == (422, True)
    assert "收到的内容都已识别" in administrator.get("/gateways/").content.decode()
    with worker():
        one, other = Pushed.objects.get(pk=first), Pushed.objects.get(pk=second)
        assert (one.aside, one.tries, one.body) == (False, 1, b"a")
        assert (other.aside, other.dismissed_by_id, other.reason, other.body) == (
            True,
            cast.administrator.pk,
            "平台的测试报文",
            b"b",
        )
    with owner():
        kept = Entry.objects.filter(object="sms_pushed").order_by("row_id")
        assert [(each.actor_id, each.action, each.row_id) for each in kept] == [
            (cast.administrator.pk, "try again", first), (cast.administrator.pk, "dismiss", second),
        ]  # fmt: skip
        assert "平台的测试报文" in str(kept[1].changes)


@pytest.mark.parametrize("who", ["rm", "branch_leader", "compliance", "auditor"])
def test_nobody_else_looks_or_decides(cast: Cast, worker: Role, who: str) -> None:
    lies = bring(worker, b"a")
    browser = cast.client(who)
    assert browser.get("/gateways/").status_code == 403
    assert browser.post(f"/gateways/{lies}/dismiss/", {"reason": "x"}).status_code == 403
    with cast.acting(who, NOW):
        assert not Pushed.objects.exists()
        assert Pushed.objects.update(reason="x") == 0
    with cast.acting("administrator", NOW), pytest.raises(DatabaseError), transaction.atomic():
        Pushed.objects.update(sealed="x")


def test_the_doctor_tells_of_gateways_and_queue(
    cast: Cast, stand: None, worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(worker, b"a")
    with worker():
        connected, lost, queue = health.messages()
        assert (connected.good, connected.detail) == (
            True,
            f"{CMPP}: connected since {(NOW - timedelta(hours=1)).isoformat(timespec='seconds')}",
        )
        assert (lost.good, lost.detail.startswith(f"{SMPP}: not connected since ")) == (False, True)
        assert (queue.name, queue.good) == ("messages", False)
        assert (
            queue.detail
            == "one 2 due 0 later oldest 420 s, greetings 1 due 1 later oldest 60 s, marketing 0 due 0 later, questions 0 due 0 later; unknown 1; aside 1"
        )
        monkeypatch.delenv("ZHIKE_SMS_URL")
        assert list(health.messages()) == [], "where no messages leave there is nothing to look at"


def test_before_anything_was_to_be_sent_no_gateway_is_amiss(cast: Cast, worker: Role) -> None:
    with worker():
        assert all(each.good for each in health.messages())


def test_a_machine_fetches_the_figures(cast: Cast, stand: None, worker: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(worker, b"a")
    monkeypatch.setenv("ZHIKE_METRICS_TOKEN", "a-scraper-s-own")
    told = (
        cast.client(None)
        .get("/metrics", headers={"Authorization": "Bearer a-scraper-s-own"})
        .content.decode()
        .splitlines()
    )
    for line in (
        f'zhike_sms_connected{{gateway="{CMPP}"}} 1.0', f'zhike_sms_connected{{gateway="{SMPP}"}} 0.0',
        f'zhike_sms_since_seconds{{gateway="{SMPP}"}} 1800.0', 'zhike_sms_waiting{due="now",lane="one"} 2.0',
        'zhike_sms_waiting{due="later",lane="greetings"} 1.0', 'zhike_sms_oldest_seconds{lane="one"} 420.0',
        "zhike_sms_unknown 1.0", "zhike_sms_aside 1.0",
    ):  # fmt: skip
        assert line in told
