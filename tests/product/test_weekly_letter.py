"""The market's week by e-mail (W12): to each leader on Monday, as that leader may read it, at least once and never silently lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from tests import files
from tests.cast import Cast
from tests.vendors import Post
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.market.models import Brief, Note
from zhike.notices import weekly
from zhike.notices.channels.mail import Mail, open_mail
from zhike.notices.models import Letter
from zhike.people.models import Staff

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
MONDAY = date(2026, 3, 9)
NOW = datetime(2026, 3, 8, 16, 10, tzinfo=UTC)  # ten past midnight of that Monday in Shanghai
ON = Bank(market_letters=True)


@pytest.fixture
def post() -> Iterator[Post]:
    post = Post()
    thread = threading.Thread(target=post.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield post
    post.released.set()
    post.shutdown()
    thread.join()
    post.server_close()


@pytest.fixture
def mail(post: Post) -> Mail:
    return open_mail(post.address())


@pytest.fixture
def week(cast: Cast, owner: Role) -> None:
    """A note of the RM's about a customer, a stranger's note, one of the week before, and a brief; both leaders have a mailbox."""
    wednesday = NOW - timedelta(days=5)
    with owner():
        about = {"source": "eyes", "seen_on": wednesday.date(), "at": wednesday}
        century, other = cast.units["century"], cast.units["lujiazui"]
        customer = cast.customers["rm"][0]
        Note.objects.create(kind="need", text="想换短期 <b>", by=cast.rm, unit=century, customer=customer, **about)
        Note.objects.create(kind="rate", text="别处的利率", by=cast.stranger, unit=other, **about)
        early = {**about, "at": NOW - timedelta(days=9)}
        Note.objects.create(kind="rate", text="上上周的利率", by=cast.rm, unit=century, **early)
        Brief.objects.create(
            title="短期走俏", text="都想换短期", for_bank="备货", by=cast.leader, unit=century, at=wednesday
        )
        Staff.objects.filter(pk=cast.leader.pk).update(email="wu@bank.example")
        Staff.objects.filter(pk=cast.branch_leader.pk).update(email="zhou@bank.example", language="en")


def put_down(worker: Role, day: date = MONDAY, bank: Bank = ON) -> int:
    with worker():
        return weekly.put_down(day, NOW, bank)


def send(worker: Role, mail: Mail | None, now: datetime = NOW) -> int:
    with worker(), clock.at(now):
        return weekly.send(clock.now, mail, link="https://zhike.bank.example")


def states(owner: Role) -> dict[str, str]:
    with owner():
        return {each.staff.name: each.state for each in Letter.objects.select_related("staff")}


def test_off_until_the_bank_turns_it_on_and_on_mondays_alone(cast: Cast, worker: Role) -> None:
    assert put_down(worker, bank=Bank()) == 0
    assert put_down(worker, MONDAY + timedelta(days=1)) == 0
    assert put_down(worker) == 3  # 吴敏, 孙浩, 周薇
    assert put_down(worker) == 0, "the same night again"
    assert put_down(worker, MONDAY + timedelta(days=7)) == 3


def test_each_leader_reads_their_own_week(
    cast: Cast, owner: Role, worker: Role, week: None, post: Post, mail: Mail
) -> None:
    put_down(worker)
    assert send(worker, mail) == 2
    assert send(worker, mail) == 0
    assert states(owner) == {"吴敏": "sent", "周薇": "sent", "孙浩": "failed"}
    letters: dict[str, Any] = {}
    for raw in post.letters:
        read = message_from_bytes(raw, policy=default)
        letters[read["To"]] = read
    wu, zhou = letters["wu@bank.example"], letters["zhou@bank.example"]
    assert wu["Subject"] == "知客 · 市场信息周报 · 世纪大道支行 · 2026-03-02 – 2026-03-08"
    text = wu.get_body(("plain",)).get_content()
    assert "信息 1 条，综述 1 篇" in text
    assert all(words in text for words in ("想换短期", "短期走俏", "备货", "week=2026-03-02"))
    (paper,) = list(wu.iter_attachments())
    assert (paper.get_content_type(), paper.get_filename()) == (
        "application/pdf",
        "市场信息周报 世纪大道支行 2026-03-02.pdf",
    )
    lines = "\n".join(*files.drawn(paper.get_content()))
    assert "信息 1 条，综述 1 篇" in lines
    assert all(words in lines for words in ("想换短期 <b>", "短期走俏", "对本行：备货"))
    for told in (text, lines):
        assert "张伟明" not in told, "no customer leaves the house"
        assert "别处" not in told
        assert "上上周" not in told
    branch = zhou.get_body(("plain",)).get_content()
    assert "Notes 2, briefs 1" in branch
    assert "别处的利率" in branch
    (paper,) = list(zhou.iter_attachments())
    assert paper.get_filename() == "The market's week 张江分行 2026-03-02.pdf"
    assert "For the bank: 备货" in files.drawn(paper.get_content())[0]


def test_what_is_not_taken_is_tried_again_under_the_same_key(
    cast: Cast, owner: Role, worker: Role, week: None, post: Post, mail: Mail
) -> None:
    put_down(worker)
    nobody = open_mail("smtp://127.0.0.1:9?from=zhike@bank.example")
    assert send(worker, nobody) == 0
    assert states(owner)["吴敏"] == "waiting"
    assert send(worker, mail) == 0, "not before its time"
    assert send(worker, mail, NOW + timedelta(seconds=3)) == 2
    with owner():
        letter = Letter.objects.get(staff=cast.leader)
        assert (letter.attempts, letter.state, letter.error) == (2, "sent", "")
    assert any(f"<{letter.key}@bank.example>".encode() in raw for raw in post.letters)


def test_without_a_server_the_page_says_why(cast: Cast, worker: Role, week: None) -> None:
    put_down(worker)
    assert send(worker, None) == 0
    with clock.at(NOW):
        page = cast.client("leader").get("/market/notes/digest/?week=2026-03-02").content.decode()
        assert "未发送：没有配置邮件服务器" in page
        stranger = cast.client("stranger").get("/market/notes/digest/?week=2026-03-02").content.decode()
        assert "未发送" not in stranger


def test_a_leader_who_is_gone_keeps_nobody_elses_letter(
    cast: Cast, owner: Role, worker: Role, week: None, post: Post, mail: Mail
) -> None:
    put_down(worker)
    with owner():
        Staff.objects.filter(pk=cast.leader.pk).update(is_active=False)
    assert send(worker, mail) == 1
    assert states(owner) == {"吴敏": "failed", "周薇": "sent", "孙浩": "failed"}
