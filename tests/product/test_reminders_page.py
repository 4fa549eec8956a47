"""提醒: one's own channels and hours, a test by button, and the books that must add up; likewise for a scraper and in doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from tests.cast import Cast, a_worker_lives
from tests.product.api import NOW
from tests.product.test_reminders import Peer, go, minutes, peer, promise
from zhike import clock
from zhike.customers.models import Acquaintance
from zhike.notices import books
from zhike.notices.books import of_the_bank
from zhike.notices.models import Choice, Delivery, Notice
from zhike.obligations.models import Obligation, Reminder
from zhike.people.models import Leave

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
__all__ = ["peer"]


@pytest.fixture(autouse=True)
def _set_up(cast: Cast, owner: Role, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The bank has set up e-mail and WeCom; the customers were called before; it is ten minutes before the promised minute."""
    monkeypatch.setenv("ZHIKE_MAIL_URL", "smtp://127.0.0.1:1?from=zhike@bank.example")
    monkeypatch.setenv("ZHIKE_WECOM_URL", "http://corp:secret@127.0.0.1:1/1000002")
    with owner():
        for who in ("rm", "stranger"):
            for customer in cast.customers[who]:
                Acquaintance.objects.create(customer=customer, rm=cast.staff[who], called_source="import")
    with clock.at(minutes(10)):
        yield


def test_channels_and_hours_are_kept_together_or_not_at_all(cast: Cast, owner: Role) -> None:
    browser = cast.client("rm")
    page = browser.get("/reminders/").content.decode()
    assert "企业微信" in page
    assert "钉钉" not in page  # the bank has not set it up
    form = {"on.mail": "yes", "address.mail": "lin@bank.example", "works_from": "09:00", "works_to": "16:30"}
    wrong = browser.post("/reminders/wishes/", {**form, "on.wecom": "yes", "address.wecom": "@all"})
    assert wrong.status_code == 422
    assert "@all" in wrong.content.decode()  # what was typed is kept in the form
    with owner():
        assert not Choice.objects.exists()
    backwards = browser.post("/reminders/wishes/", {**form, "works_to": "08:00"})
    assert (backwards.status_code, "上班时间" in backwards.content.decode()) == (422, True)
    with owner():
        assert not Choice.objects.exists()
    assert browser.post("/reminders/wishes/", form).status_code == 303
    with owner():
        assert list(Choice.objects.values_list("staff", "channel", "on", "address").order_by("channel")) == [
            (cast.rm.pk, "mail", True, "lin@bank.example"),
            (cast.rm.pk, "wecom", False, ""),
        ]
        cast.rm.refresh_from_db()
    assert (cast.rm.works_from, cast.rm.works_to) == (time(9), time(16, 30))


def test_a_test_goes_by_every_channel_that_is_on(cast: Cast, owner: Role, worker: Role, peer: Peer) -> None:
    browser = cast.client("rm")
    browser.post("/reminders/wishes/", {"on.mail": "yes", "address.mail": "lin@bank.example"})
    assert browser.post("/reminders/test/").status_code == 303
    go(worker, peer, minutes(9))
    assert [(parcel.to, parcel.text) for parcel in peer.journal.values()] == [
        ("lin@bank.example", "测试提醒 · 打开知客")
    ]
    assert "测试提醒" in browser.get("/notices/").content.decode()


def test_nobody_s_mailbox_is_filled_with_tests(cast: Cast, owner: Role) -> None:
    browser = cast.client("rm")
    browser.post("/reminders/wishes/", {"on.mail": "yes", "address.mail": "somebody@elsewhere.example"})
    for second in range(7):
        with clock.at(minutes(10) + timedelta(seconds=second)):
            answer = browser.post("/reminders/test/")
    assert (answer.status_code, "10 分钟内最多测试 5 次" in answer.content.decode()) == (422, True)
    with owner():
        assert Notice.objects.filter(channel="mail").count() == 5
    with clock.at(minutes(0) + timedelta(seconds=1)):
        assert browser.post("/reminders/test/").status_code == 303


def test_the_books_add_up_and_a_missing_line_is_found(cast: Cast, owner: Role, worker: Role, peer: Peer) -> None:
    promise(cast)
    for before in (60, 15, 10):
        go(worker, peer, minutes(before))
    browser = cast.client("rm")
    answer = browser.get("/notices/")
    notice = answer.content.decode().split('data-notice="')[1].split('"')[0]
    assert browser.post("/notices/seen/", {"notice": notice}).status_code == 204
    with worker():
        found = of_the_bank(NOW.date(), 2, now=minutes(10), zone=_zone())
    (line,) = found.lines
    assert (line.channel, line.due, line.delivered, line.late) == (
        "page",
        1,
        1,
        [0, 0, 0, 1, 0, 0],
    )  # shown five minutes after
    assert found.add_up
    page = browser.get("/reminders/").content.decode()
    assert "账目相符" in page
    with owner():
        Delivery.objects.all().delete()
    with worker():
        assert of_the_bank(NOW.date(), 2, now=minutes(10), zone=_zone()).short == {NOW.date(): 1}
    assert "没有去向" in browser.get("/reminders/").content.decode()


def test_what_was_done_before_it_was_sent_is_suppressed_and_says_so(
    cast: Cast, owner: Role, worker: Role, peer: Peer
) -> None:
    owed = promise(cast)
    for before in (60, 15):
        go(worker, peer, minutes(before))
    with owner():
        Obligation.objects.filter(pk=owed.pk).update(state="withdrawn", settled_at=minutes(12))
    with worker():
        (line,) = of_the_bank(NOW.date(), 1, now=minutes(10), zone=_zone()).lines
    assert (line.due, dict(line.suppressed)) == (1, {"settled": 1})
    assert "发出前已办结" in cast.client("rm").get("/reminders/").content.decode()


def test_each_sees_their_own_and_who_watches_sees_counts_alone(cast: Cast, worker: Role, peer: Peer) -> None:
    promise(cast)
    promise(cast, by="stranger")
    for before in (60, 15):
        go(worker, peer, minutes(before))

    def due(who: str, query: str = "") -> int:
        page = cast.client(who).get(f"/reminders/{query}").content.decode()
        assert cast.customers["rm"][0].name not in page
        return page.count('<td class="num"><b>1</b></td>') + 2 * page.count('<td class="num"><b>2</b></td>')

    assert (due("rm"), due("stranger"), due("mate")) == (1, 1, 0)
    assert due("rm", "?of=all") == 1  # an RM's roles reach no further
    assert (due("leader", "?of=all"), due("other_leader", "?of=all")) == (1, 1)
    assert due("administrator", "?of=all") == 2
    assert due("administrator") == 0


def test_a_leader_who_stands_in_reads_no_books_of_whom_he_covers(
    cast: Cast, owner: Role, worker: Role, peer: Peer
) -> None:
    promise(cast)
    for before in (60, 15):
        go(worker, peer, minutes(before))
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 9), stand_in=cast.other_leader,
            asked_by=cast.rm, asked_at=NOW, answer="accepted", answered_by=cast.other_leader, answered_at=NOW,
        )  # fmt: skip
    for who, lines in (("leader", 1), ("other_leader", 0)):
        with cast.acting(who, minutes(10)):
            assert (
                len(books.books(date(2026, 3, 2), 1, whole=True, now=minutes(10), zone=ZoneInfo("Asia/Shanghai")).lines)
                == lines
            ), who
            assert Reminder.objects.count() == lines, who


def test_row_security_keeps_reminders_apart(cast: Cast, worker: Role, peer: Peer) -> None:
    promise(cast)
    for before in (60, 15):
        go(worker, peer, minutes(before))
    with cast.acting("stranger", minutes(10)), connection.cursor() as cursor:
        for table in (
            "obligations_reminder",
            "obligations_alarm",
            "notices_notice",
            "notices_delivery",
            "notices_choice",
        ):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,), table
    with cast.acting("rm", minutes(10)):
        assert Reminder.objects.count() == 1


def test_another_s_notice_is_neither_shown_nor_put_away(cast: Cast, owner: Role, worker: Role, peer: Peer) -> None:
    promise(cast)
    for before in (60, 15):
        go(worker, peer, minutes(before))
    notice = cast.client("rm").get("/notices/").content.decode().split('data-notice="')[1].split('"')[0]
    for way in ("seen", "away"):
        assert (
            cast.client("mate").post(f"/notices/{way}/", {"notice": [notice, "x", "-1", "9" * 30]}).status_code == 204
        )
    with owner():
        line = Delivery.objects.get()
        assert line.outcome == "waiting"
        assert line.notice is not None
        assert line.notice.read_at is None


def test_an_unchanged_page_answers_304_and_says_when_to_ask(cast: Cast, owner: Role, worker: Role, peer: Peer) -> None:
    with owner():
        a_worker_lives()
    promise(cast)
    for before in (60, 15):
        go(worker, peer, minutes(before))
    browser = cast.client("rm")
    first = browser.get("/notices/")
    again = browser.get("/notices/", headers={"If-None-Match": first["ETag"], "X-Poll": "1"})
    assert (again.status_code, again.content) == (304, b"")
    assert float(again["X-Next"]) == 30.0  # the next rings in eight minutes: half a minute is soon enough
    with clock.at(minutes(2) - timedelta(seconds=7)):
        assert float(browser.get("/notices/")["X-Next"]) == pytest.approx(7.5)


def test_metrics_are_closed_without_a_token_and_tell_sums(
    cast: Cast, worker: Role, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(cast)
    for before in (60, 15):
        go(worker, peer, minutes(before))
    browser = cast.client(None)
    assert browser.get("/metrics").status_code == 404
    monkeypatch.setenv("ZHIKE_METRICS_TOKEN", "a-scraper-s-own")
    assert browser.get("/metrics").status_code == 401
    assert browser.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 401
    told = browser.get("/metrics", headers={"Authorization": "Bearer a-scraper-s-own"}).content.decode()
    assert 'zhike_reminders_today{channel="page",outcome="waiting"} 1.0' in told
    assert "zhike_worker_seen_seconds +Inf" in told
    assert "zhike_reminders_unrung 0.0" in told


def test_books_of_more_than_a_year_ago_are_forgotten(cast: Cast, owner: Role, worker: Role, peer: Peer) -> None:
    promise(cast)
    for before in (60, 15):
        go(worker, peer, minutes(before))
    with worker():
        books.forget(minutes(15) + timedelta(days=400))
        assert Delivery.objects.count() == 1
        books.forget(minutes(15) + timedelta(days=400, seconds=1))
        assert (Delivery.objects.count(), Notice.objects.count(), Reminder.objects.count()) == (0, 0, 0)


def _zone():
    from zhike.conduct.bank import Bank

    return Bank().zone
