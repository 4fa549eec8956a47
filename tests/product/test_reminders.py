"""Reminders of a promised call-back, from the promise to the receiving end: C5, 15 and 2 minutes before and at the minute.

NOW is Monday, 14:00 in Shanghai; the call-back is promised for 15:00.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from tests.cast import Cast
from tests.product.api import NOW
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.setting import plain
from zhike.contacts import course
from zhike.contacts.escalation import escalate
from zhike.customers.models import Acquaintance
from zhike.notices import ringing, rounds
from zhike.notices.channels import Parcel, Undelivered
from zhike.notices.choices import choose
from zhike.notices.courier import GAPS, LEASE, Courier
from zhike.notices.models import Choice, Delivery, Notice
from zhike.obligations.models import Alarm, Obligation, Reminder
from zhike.obligations.sweep import lapse
from zhike.people.bank import settings
from zhike.people.models import Leave, Post, Setting, Staff

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
BANK = Bank()
THREE = NOW + timedelta(minutes=60)


def minutes(before: int) -> datetime:
    """So many minutes before the promised one."""
    return THREE - timedelta(minutes=before)


class Peer:
    """The receiving end: drops a second copy by its key, and keeps its own journal."""

    def __init__(self) -> None:
        self.journal: dict[UUID, Parcel] = {}
        self.copies = 0
        self.refuses: Undelivered | None = None
        self.turn = threading.Lock()

    def send(self, parcel: Parcel) -> None:
        if self.refuses:
            raise self.refuses
        with self.turn:
            self.copies += parcel.key in self.journal
            self.journal[parcel.key] = parcel

    @property
    def said(self) -> list[str]:
        return [parcel.text for parcel in self.journal.values()]


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture(autouse=True)
def _known_and_by_mail(cast: Cast, owner: Role) -> None:
    with owner():
        for customer in cast.customers["rm"]:
            Acquaintance.objects.create(customer=customer, rm=cast.rm, called_source="import", met_source="import")
        for who in ("rm", "leader"):
            Choice.objects.create(staff=cast.staff[who], channel="mail", address=f"{who}@bank.example")


def promise(cast: Cast, *, of: int = 0, by: str = "rm", to: datetime = THREE) -> Obligation:
    """A call at NOW that found the customer busy."""
    customer = cast.customers[by][of]
    with cast.acting(by, NOW) as actor:
        call = course.plan(customer, "call", actor=actor, now=NOW, purpose="care")
        course.start(call, actor=actor, now=NOW, bank=BANK)
        course.put_through(call, "busy", actor=actor, now=NOW, bank=BANK, call_back_at=to)
    return Obligation.objects.get(kind="call_back", state="open", customer=customer)


def go(worker: Role, peer: Peer, at: datetime, courier: Courier | None = None) -> Courier:
    """A worker's round at a moment: rings, sends, confirms."""
    courier = courier or Courier(uuid4(), {"mail": peer}, link="https://zhike.example")
    with worker():
        while ringing.ring(at, BANK):
            pass
        claimed = courier.claim({"mail": 200}, at, BANK)
        courier.confirm([courier.hand(each) for each in claimed], at, BANK)
    return courier


def rung(owner: Role) -> list[tuple[str, datetime]]:
    with owner():
        return list(Reminder.objects.order_by("at").values_list("step", "at"))


def test_a_promise_is_remembered_three_times_and_once_each(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    promise(cast)
    for before in (60, 16, 15, 14, 2, 1, 0, -1, -30):
        go(worker, peer, minutes(before))
        go(worker, peer, minutes(before))
    assert rung(owner) == [("before:15", minutes(15)), ("before:2", minutes(2)), ("before:0", THREE)]
    assert peer.said == ["15:00 回电 · 打开知客"] * 3
    assert peer.copies == 0


def test_a_notice_says_neither_name_nor_number(cast: Cast, worker: Role, peer: Peer) -> None:
    owed = promise(cast)
    go(worker, peer, minutes(15))
    (parcel,) = peer.journal.values()
    assert parcel.to == "rm@bank.example"
    told = f"{parcel.title} {parcel.text} {parcel.link}"
    assert owed.customer is not None
    assert owed.customer.name not in told
    assert "C-rm" not in told


def test_what_is_done_is_not_reminded_of_any_more(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    owed = promise(cast)
    go(worker, peer, minutes(15))
    with cast.acting("rm", minutes(4)) as actor:
        call = course.plan(owed.customer, "call", actor=actor, now=minutes(4), purpose="care")
        course.start(call, actor=actor, now=minutes(4), bank=BANK)
        course.put_through(call, "reached", actor=actor, now=minutes(4), bank=BANK)
    owed.refresh_from_db()
    if owed.state == "open":
        pytest.fail("the call did not keep the promise")
    with owner():
        assert not Alarm.objects.filter(obligation=owed).exists()
    go(worker, peer, minutes(2))
    go(worker, peer, THREE)
    assert len(peer.journal) == 1


def test_a_notice_still_waiting_is_moot_once_the_thing_is_done(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    owed = promise(cast)
    with worker():
        ringing.ring(minutes(60), BANK)
        ringing.ring(minutes(15), BANK)
    with owner():
        Obligation.objects.filter(pk=owed.pk).update(state="withdrawn", settled_at=minutes(14))
        lines = set(Delivery.objects.values_list("channel", "outcome", "reason"))
        assert lines == {("mail", "suppressed", "settled"), ("page", "suppressed", "settled")}
        assert set(Notice.objects.values_list("state", flat=True)) == {"moot"}
    go(worker, peer, minutes(13))
    assert not peer.journal


def test_what_is_moved_rings_at_the_new_minute(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    owed = promise(cast)
    go(worker, peer, minutes(20))
    hour = timedelta(hours=1)
    with owner():
        Obligation.objects.filter(pk=owed.pk).update(target=THREE + hour, opens=owed.opens + hour, due=owed.due + hour)
    for before in (15, 2, 0):
        go(worker, peer, minutes(before))
    assert not peer.journal
    go(worker, peer, minutes(-45))
    assert peer.said == ["16:00 回电 · 打开知客"]


def test_after_an_outage_what_was_missed_comes_at_once_and_says_that_it_is_late(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    promise(cast)
    go(worker, peer, minutes(60))
    go(worker, peer, minutes(-10))
    assert [step for step, _at in rung(owner)] == ["before:15", "before:2", "before:0"]
    assert peer.said == ["15:00 回电（迟到的提醒，应在 14:45） · 打开知客"]


def test_twenty_of_one_minute_come_as_one(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    for number in range(3):
        promise(cast, of=number)
    go(worker, peer, minutes(60))
    go(worker, peer, minutes(15))
    assert peer.said == ["3 项：15:00 回电 · 打开知客"]
    with owner():
        assert Delivery.objects.filter(channel="mail", outcome="delivered").count() == 3


def test_a_courier_that_dies_after_sending_is_followed_by_one_that_sends_under_the_same_key(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    promise(cast)
    go(worker, peer, minutes(60))
    dies = Courier(uuid4(), {"mail": peer})
    with worker():
        ringing.ring(minutes(15), BANK)
        dies_with = dies.claim({"mail": 200}, minutes(15), BANK)
        handed = [dies.hand(each) for each in dies_with]
    assert len(handed) == 1
    go(worker, peer, minutes(15) + LEASE - timedelta(seconds=1))
    assert peer.copies == 0
    go(worker, peer, minutes(15) + LEASE + timedelta(seconds=1))
    assert (peer.copies, len(peer.journal)) == (1, 1)
    with worker():  # the dead one comes back: it holds nothing any more
        before = Notice.objects.get(channel="mail").done_at
        dies.confirm(handed, minutes(10), BANK)
    with owner():
        assert Notice.objects.get(channel="mail").done_at == before


@pytest.mark.parametrize("how", ["settled", "moved"])
def test_what_is_settled_or_moved_while_a_courier_holds_it_is_not_sent_again_when_that_courier_dies(
    how: str, cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    owed = promise(cast)
    go(worker, peer, minutes(60))
    with worker():
        ringing.ring(minutes(15), BANK)
        assert len(Courier(uuid4(), {"mail": peer}).claim({"mail": 200}, minutes(15), BANK)) == 1
    with owner():
        changed = (
            {"state": "withdrawn", "settled_at": minutes(14)}
            if how == "settled"
            else {name: getattr(owed, name) + timedelta(hours=1) for name in ("opens", "due", "target")}
        )
        Obligation.objects.filter(pk=owed.pk).update(**changed)
    go(worker, peer, minutes(15) + LEASE + timedelta(seconds=5))
    assert not peer.journal
    with owner():
        assert Notice.objects.get(channel="mail").state == "moot"
        line = Delivery.objects.get(channel="mail")
        assert (line.outcome, line.reason) == ("suppressed", how)


def test_whatever_is_looked_at_anew_rings_no_later_than_it_was_to(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    promise(cast)
    go(worker, peer, minutes(60))
    with owner():
        ringing.look_again(minutes(15) - timedelta(milliseconds=500))
        assert Alarm.objects.get().rings_at == minutes(15)
        Alarm.objects.update(rings_at=THREE + timedelta(days=9))  # as reckoned by settings that hold no more
        ringing.look_again(minutes(20))
        assert Alarm.objects.get().rings_at <= minutes(15)
    go(worker, peer, minutes(15))
    assert peer.said == ["15:00 回电 · 打开知客"]


def test_settings_changed_today_count_today(cast: Cast, worker: Role, owner: Role) -> None:
    promise(cast)
    with worker():
        ringing.ring(minutes(60), BANK)
        known = rounds.reckon_anew(None, minutes(59))
    earlier = tuple(replace(row, before=(30, 2)) if row.kind == "call_back" else row for row in BANK.reminders)
    with owner():
        Setting.objects.create(name="reminders", value=plain(earlier), from_day=NOW.date(), at=minutes(50))
    with worker():
        known = rounds.reckon_anew(known, minutes(50))
        for before in (45, 30, 15, 0):
            ringing.ring(minutes(before), settings().now(minutes(before)))
    assert rung(owner) == [("before:30", minutes(30)), ("before:2", minutes(2))]
    with owner():  # nothing has changed since: nothing is looked at
        Alarm.objects.update(rings_at=THREE + timedelta(days=9))
        with worker():
            rounds.reckon_anew(known, minutes(40))
        assert Alarm.objects.get().rings_at == THREE + timedelta(days=9)


def test_own_hours_changed_today_count_today(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    owed = promise(cast)
    midnight = minutes(-9 * 60)
    with owner():
        window = {"opens": NOW, "target": None, "due": midnight, "due_counts": False}
        Obligation.objects.filter(pk=owed.pk).update(kind="write_up", **window)
    go(worker, peer, minutes(60))
    with worker():
        known = rounds.reckon_anew(None, minutes(60))
    go(worker, peer, minutes(55))
    with owner():
        assert Alarm.objects.get(obligation=owed).rings_at == minutes(-120)  # 17:00, half an hour before closing
    with cast.acting("rm", minutes(50)) as actor:
        choose(actor, {}, (time(9), time(15)))
    with worker():
        rounds.reckon_anew(known, minutes(50))
    go(worker, peer, minutes(45))
    go(worker, peer, minutes(30))
    assert rung(owner) == [("closing", minutes(30))]


def test_what_was_missed_before_anybody_saw_its_reminder_is_not_called_done(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    owed = promise(cast)
    go(worker, peer, minutes(60))
    with worker():
        ringing.ring(minutes(15), BANK)
    with owner():
        Obligation.objects.filter(pk=owed.pk).update(lapses=True)
    with worker():
        lapse(minutes(-6), BANK)
    with owner():
        assert Obligation.objects.get(pk=owed.pk).state == "missed"
        assert set(Delivery.objects.values_list("channel", "outcome", "reason")) == {
            ("mail", "suppressed", "lapsed"),
            ("page", "suppressed", "lapsed"),
        }


def test_nothing_leaves_the_house_to_a_closed_account_and_nobody_is_stood_in_for_by_one(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    promise(cast)
    on_leave(cast, owner)
    with owner():
        Choice.objects.create(staff=cast.mate, channel="mail", address="mate@bank.example")
    go(worker, peer, minutes(60))
    with owner():
        type(cast.mate).objects.filter(pk=cast.mate.pk).update(is_active=False)
    go(worker, peer, minutes(15))
    assert [parcel.to for parcel in peer.journal.values()] == ["rm@bank.example"]
    with owner():
        type(cast.rm).objects.filter(pk=cast.rm.pk).update(is_active=False)
    go(worker, peer, minutes(2))
    assert len(peer.journal) == 1


def test_what_is_not_taken_is_tried_again_after_growing_gaps_and_then_told(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    owed = promise(cast)
    go(worker, peer, minutes(60))
    peer.refuses = Undelivered("邮件服务器没有应答", "the mail server does not answer")
    at = minutes(15)
    for gap in GAPS:
        go(worker, peer, at)
        with owner():
            notice = Notice.objects.get(channel="mail", at=minutes(15))
            assert (notice.state, notice.try_at) == ("waiting", at + gap)
        at += gap
    go(worker, peer, at)
    with owner():
        notice.refresh_from_db()
        assert notice.state == "failed"
        line = Delivery.objects.get(channel="mail", notice=notice)
        assert (line.outcome, line.reason.splitlines()[0]) == ("failed", "邮件服务器没有应答")
        told = Reminder.objects.filter(obligation=owed, step="undelivered")
        assert {reminder.staff_id for reminder in told} == {cast.rm.pk, cast.leader.pk}
        assert set(Delivery.objects.filter(reminder__in=told).values_list("channel", flat=True)) == {"page"}


def test_what_did_not_reach_a_stand_in_from_elsewhere_is_told_to_the_owner_s_leader(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    promise(cast)
    on_leave(cast, owner)
    with owner():
        Leave.objects.update(stand_in=cast.stranger, answered_by=cast.stranger)
        Choice.objects.create(staff=cast.stranger, channel="mail", address="zhao@bank.example")
    go(worker, peer, minutes(60))
    peer.refuses = Undelivered("没有这个邮箱", "there is no such mailbox", permanent=True)
    go(worker, peer, minutes(15))
    with owner():
        told = Reminder.objects.filter(step="undelivered").values_list("staff", flat=True)
        assert set(told) == {cast.stranger.pk, cast.rm.pk, cast.leader.pk}
    with clock.at(minutes(14)):
        assert "提醒未能送达" in cast.client("leader", minutes(14)).get("/notices/").content.decode()


def test_a_permanent_refusal_is_not_tried_again(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    promise(cast)
    go(worker, peer, minutes(60))
    peer.refuses = Undelivered("没有这个邮箱", "there is no such mailbox", permanent=True)
    go(worker, peer, minutes(15))
    with owner():
        assert Notice.objects.get(channel="mail", at=minutes(15)).state == "failed"


def test_the_leader_is_told_of_a_missed_one_by_the_leader_s_own_channels(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    promise(cast)
    with worker():
        escalate(minutes(-30), BANK)
    go(worker, peer, minutes(-30))
    assert [parcel.text for parcel in peer.journal.values() if parcel.to == "leader@bank.example"] == [
        "过问 · 打开知客"
    ]


@pytest.mark.parametrize("above", [True, False])
def test_a_leader_on_leave_is_not_told_while_there_is_another_above(
    above: bool, cast: Cast, worker: Role, owner: Role
) -> None:
    promise(cast)
    on_leave(cast, owner, "leader")
    with owner():
        if not above:
            Post.objects.filter(role="leader").exclude(staff=cast.leader).delete()
    with worker():
        escalate(minutes(-30), BANK)
    with owner():
        told = Obligation.objects.get(kind="look_into")
    assert told.owner == (cast.branch_leader if above else cast.leader)


def test_a_row_that_cannot_be_reckoned_is_set_aside_and_the_others_go_on(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    poisoned, whole = promise(cast), promise(cast, of=1)
    with owner():  # the last minute of all time, in a zone ahead of UTC, is none
        end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
        Obligation.objects.filter(pk=poisoned.pk).update(target=end, due=end)
    go(worker, peer, minutes(60))
    go(worker, peer, minutes(15))
    assert peer.said == ["15:00 回电 · 打开知客"]
    with owner():
        assert Alarm.objects.get(obligation=poisoned).aside.startswith("OverflowError")
        assert Alarm.objects.get(obligation=whole).aside == ""


def test_a_clock_set_forward_and_back_loses_nothing(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    promise(cast)
    go(worker, peer, minutes(60))
    go(worker, peer, minutes(-120))  # the clock runs three hours ahead: all ring, too early
    assert len(peer.journal) == 1
    with owner():
        # Whoever puts the clock right has every alarm looked at anew, as each night does.
        ringing.look_again(minutes(30))
    for before in (30, 15, 2, 0):
        go(worker, peer, minutes(before))
    assert [text for text in peer.said if "迟到" not in text] == ["15:00 回电 · 打开知客"] * 3
    assert peer.copies == 0


def on_leave(cast: Cast, owner: Role, who: str = "rm") -> None:
    """The RM, or ``who``, is away on NOW's day, and the RM's team-mate has accepted to stand in."""
    with owner():
        Leave.objects.create(
            staff=cast.staff[who], stand_in=cast.mate, from_day=NOW.date(), to_day=NOW.date() + timedelta(days=1), note="",
            asked_by=cast.rm, asked_at=NOW - timedelta(days=3), answer="accepted", answered_by=cast.mate,
            answered_at=NOW - timedelta(days=2),
        )  # fmt: skip


def test_what_falls_due_on_a_leave_goes_to_both_and_leaves_who_is_away_in_peace(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    owed = promise(cast)
    on_leave(cast, owner)
    with owner():
        Choice.objects.create(staff=cast.mate, channel="mail", address="mate@bank.example")
    go(worker, peer, minutes(60))
    go(worker, peer, minutes(15))
    assert [parcel.to for parcel in peer.journal.values()] == ["mate@bank.example"]
    with owner():
        lines = Delivery.objects.values_list("reminder__staff__number", "channel", "outcome", "reason")
        assert set(lines) == {
            ("1001", "page", "waiting", ""),
            ("1001", "mail", "suppressed", "leave"),
            ("1002", "page", "waiting", ""),
            ("1002", "mail", "delivered", ""),
        }
    with clock.at(minutes(14)):
        page = cast.client("mate", minutes(14)).get("/notices/")
    assert "代 林晓" in page.content.decode()
    assert owed.customer is not None
    assert owed.customer.name in page.content.decode()


def test_whose_account_is_closed_is_told_nothing_outside(cast: Cast, worker: Role, owner: Role, peer: Peer) -> None:
    """Neither what rings later, nor what rang before and waits to be sent; the leader hears that it could not be delivered."""
    promise(cast)
    with worker():
        ringing.ring(minutes(15), BANK)
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(is_active=False)
    for before in (15, 2, 0):
        go(worker, peer, minutes(before))
    assert [parcel.to for parcel in peer.journal.values() if "rm@" in parcel.to] == []
    with owner():
        outcomes = Delivery.objects.filter(reminder__staff=cast.rm, channel="mail").values_list("outcome", flat=True)
        assert list(outcomes) == ["failed"]
        assert Reminder.objects.filter(staff=cast.leader, step="undelivered").exists()


def test_a_stand_in_whose_account_is_closed_leaves_nobody_in_peace(
    cast: Cast, worker: Role, owner: Role, peer: Peer
) -> None:
    promise(cast)
    on_leave(cast, owner)
    with owner():
        Staff.objects.filter(pk=cast.mate.pk).update(is_active=False)
    go(worker, peer, minutes(15))
    assert [parcel.to for parcel in peer.journal.values()] == ["rm@bank.example"]
