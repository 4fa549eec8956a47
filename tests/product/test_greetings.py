"""S3: the greetings of a festival are arranged beforehand: who is open, who cannot be greeted and why; once a customer and festival.

NOW is Monday, 2 March 2026. The next festivals that the bank greets: Dragon Boat on 19 June, Mid-Autumn on 25 September 2026
(lunar 5/5 and 8/15; Hong Kong Observatory's tables).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta

import pytest
from django.db import connection

from tests.cast import Cast, a_customer
from tests.gateway import Gateway
from tests.product.api import NOW
from tests.product.test_messages import Line
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.customers.models import Consent, Customer
from zhike.customers.models.book import reassign
from zhike.obligations.models import Obligation
from zhike.people.models import Leave
from zhike.sms import gate, greetings
from zhike.sms.models import Message, Template, Wording
from zhike.sms.tasks import settle_greetings
from zhike.sms.transports.transport import Lost

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
DRAGON_BOAT, MID_AUTUMN = date(2026, 6, 19), date(2026, 9, 25)
BANK = Bank()


@pytest.fixture
def book(cast: Cast, owner: Role) -> list[Customer]:
    """The RM's customers: all with a mobile and a consent, but the second without consent and the third with a complaint open."""
    with owner():
        more = [
            a_customer(name, cast.rm, cast.units["century"], tier=tier)
            for name, tier in (("顾明", "platinum"), ("苏婉", "gold"), ("陆远", "regular"))
        ]
        customers = [*cast.customers["rm"], *more]
        Customer.objects.filter(pk=customers[2].pk).update(complaint_open=True)
    with cast.acting("rm", NOW - timedelta(days=9)) as actor:
        for n, customer in enumerate(customers):
            customer.learn("mobile", f"1380000000{n}", source="contact", actor=actor, now=NOW - timedelta(days=9))
            if n != 1:
                Consent.objects.record(
                    customer, "greeting", "sms", given=True, evidence="柜面签署", source="contact", actor=actor,
                    now=NOW - timedelta(days=9),
                )  # fmt: skip
    return customers


@pytest.fixture
def wording(owner: Role) -> Wording:
    """The bank's own words for the festival, instead of those that come with Zhike."""
    with owner():
        template = Template.objects.get(key="dragon_boat")
        template.wordings.update(state="replaced")
        return Wording.objects.create(template=template, number=2, text="{称谓}，端午安康！{机构} {本人}", at=NOW)


def dragon_boat() -> greetings.Occasion:
    found = greetings.occasion("dragon_boat:2026", BANK)
    assert found
    return found


def test_the_coming_festivals_are_those_that_the_bank_greets() -> None:
    coming = greetings.coming(NOW.date(), BANK, 3)
    assert [(each.key, each.day) for each in coming] == [
        ("dragon_boat:2026", DRAGON_BOAT), ("mid_autumn:2026", MID_AUTUMN), ("national_day:2026", date(2026, 10, 1)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "key", ["", "dragon_boat", "dragon_boat:", "dragon_boat:99999", "qixi:2026", "x:2026", "dragon_boat:²⁰²⁶"]
)
def test_what_is_no_festival_of_the_banks_is_none(key: str) -> None:
    assert greetings.occasion(key, BANK) is None


def counts(cast: Cast) -> dict[str, int]:
    total: dict[str, int] = {}
    for row in greetings.coverage(dragon_boat(), [cast.rm.pk], BANK):
        for stands, count in row.counts.items():
            total[stands] = total.get(stands, 0) + count
    return total


def test_arranging_covers_the_open_ones_once_and_says_why_of_the_others(
    cast: Cast, book: list[Customer], wording: Wording, owner: Role
) -> None:
    every = [tier.key for tier in BANK.tiers]
    with cast.acting("rm", NOW) as actor:
        assert counts(cast) == {"open": len(book) - 2, "no_consent": 1, "stopped": 1}
        with pytest.raises(Refused, match="先选"):
            greetings.arrange(dragon_boat(), wording, [], actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        done = greetings.arrange(dragon_boat(), wording, every, actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        again = greetings.arrange(dragon_boat(), wording, every, actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        assert (done.messages, again.messages) == (len(book) - 2, 0)
        assert counts(cast) == {"arranged": len(book) - 2, "no_consent": 1, "stopped": 1}
        for message in Message.objects.all():
            assert (message.state, message.not_before) == ("waiting", datetime.fromisoformat("2026-06-19T09:00+08:00"))
            assert message.not_after == datetime.fromisoformat("2026-06-20T00:00+08:00")
    with cast.acting("mate", NOW):
        assert not Message.objects.exists(), "nobody else sees them"


def test_they_leave_on_the_festivals_morning_in_each_customers_words(
    cast: Cast, book: list[Customer], wording: Wording, worker: Role
) -> None:
    with cast.acting("rm", NOW) as actor:
        greetings.arrange(
            dragon_boat(),
            wording,
            ["regular", "gold", "platinum", "diamond", "private"],
            actor=actor,
            staff=cast.rm.pk,
            now=NOW,
            bank=BANK,
        )
        Consent.objects.record(
            book[0], "greeting", "sms", given=False, evidence="电话里说的", source="contact", actor=actor, now=NOW
        )
        names = {customer.address_as for customer in book[3:]}
    line = Line(worker, Gateway())
    line.rounds(datetime.fromisoformat("2026-06-19T08:59:59+08:00"))
    assert line.gateway.journal == []
    line.rounds(datetime.fromisoformat("2026-06-19T09:00+08:00"))
    assert set(line.gateway.texts()) == {f"【总行】{name}，端午安康！世纪大道支行 林晓" for name in names}
    with cast.acting("rm", NOW):
        refused = Message.objects.get(customer=book[0])
        assert (refused.state, refused.why["name"]) == ("refused", "no_consent"), "the guards look again when it leaves"


@pytest.mark.clause("S3", "OWE")
def test_near_festivals_are_owed_and_arranging_settles(
    cast: Cast, book: list[Customer], wording: Wording, worker: Role
) -> None:
    def tell(day: date) -> int:
        with worker():
            return greetings.tell_coming(
                day, now=datetime.combine(day, datetime.min.time(), BANK.zone) + timedelta(hours=1), bank=BANK
            )

    assert tell(date(2026, 5, 21)) == 0, "28 days before is 22 May"
    assert tell(date(2026, 5, 22)) >= 1
    assert tell(date(2026, 5, 23)) == 0
    with cast.acting("rm", NOW) as actor:
        owed = Obligation.objects.get(kind="greetings", owner=cast.rm)
        assert (owed.clause, owed.what["zh"]) == ("S3", "安排端午节问候")
        assert owed.due == datetime.fromisoformat("2026-06-06T00:00+08:00"), "arranged by 5 June, 14 days before"
        late = NOW + timedelta(days=90)
        greetings.arrange(dragon_boat(), wording, ["platinum"], actor=actor, staff=cast.rm.pk, now=late, bank=BANK)
        owed.refresh_from_db()
        rest = counts(cast).get("open", 0)
        assert (owed.state, bool(rest)) == ("open", True), "the others are open still"
        with pytest.raises(Refused, match="为什么"):
            greetings.leave_out(
                dragon_boat(), ["regular", "gold"], " ", actor=actor, staff=cast.rm.pk, now=late, bank=BANK
            )
        assert (
            greetings.leave_out(
                dragon_boat(),
                [tier.key for tier in BANK.tiers],
                "只问候白金以上",
                actor=actor,
                staff=cast.rm.pk,
                now=late,
                bank=BANK,
            )
            == rest
        )
        owed.refresh_from_db()
        assert (owed.state, owed.settled_by_id) == ("done", cast.rm.pk)


def test_what_was_withdrawn_is_open_again(cast: Cast, book: list[Customer], wording: Wording) -> None:
    with cast.acting("rm", NOW) as actor:
        done = greetings.arrange(
            dragon_boat(), wording, ["platinum", "gold", "regular"], actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK
        )
        assert done.greeting
        assert greetings.withdraw(done.greeting, actor=actor, now=NOW, bank=BANK) == done.messages
        assert "arranged" not in counts(cast)
        assert greetings.arranged(dragon_boat(), cast.rm.pk) == []


@pytest.mark.clause("S3", "OWE")
def test_what_a_stand_in_arranges_is_done_and_what_is_withdrawn_is_owed_again(
    cast: Cast, book: list[Customer], wording: Wording, worker: Role, owner: Role
) -> None:
    """Whoever stands in sees the customers and nothing of what their colleague owes besides; the worker settles it at the moment of the act."""
    with worker():
        greetings.tell_coming(date(2026, 5, 22), now=NOW, bank=BANK)
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 4), stand_in=cast.stranger,
            asked_by=cast.rm, asked_at=NOW, answer="accepted", answered_by=cast.stranger, answered_at=NOW,
        )  # fmt: skip
    every = [tier.key for tier in BANK.tiers]
    with cast.acting("stranger", NOW) as actor:
        assert cast.rm.pk in actor.lent
        done = greetings.arrange(dragon_boat(), wording, every, actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
    assert done.greeting
    assert done.messages
    left_to_the_worker(worker, NOW + timedelta(minutes=5))
    with owner():
        one = Obligation.objects.get(kind="greetings", owner=cast.rm)
        assert (one.state, one.evidence["at"], one.settled_by_id) == ("done", NOW.isoformat(), None)
    with cast.acting("stranger", NOW) as actor:
        greetings.withdraw(done.greeting, actor=actor, now=NOW, bank=BANK)
    left_to_the_worker(worker, NOW + timedelta(minutes=5))
    with owner():
        assert Obligation.objects.get(kind="greetings", owner=cast.rm).state == "open"


def left_to_the_worker(worker: Role, now: datetime) -> None:
    """The worker does the last of what was left to it."""
    with worker(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'settle_greetings' ORDER BY id DESC LIMIT 1"
        )
        args = cursor.fetchone()[0]
        with clock.at(now):
            settle_greetings(**(json.loads(args) if isinstance(args, str) else args))


def test_each_is_greeted_in_their_language_and_who_has_no_words_is_said(
    cast: Cast, book: list[Customer], wording: Wording, owner: Role, worker: Role
) -> None:
    every = [tier.key for tier in BANK.tiers]
    with cast.acting("rm", NOW) as actor:
        book[3].learn("language", "en", source="contact", actor=actor, now=NOW)
        book[4].learn("language", "en", source="contact", actor=actor, now=NOW)
    mine = {"tier": every, "wording": wording.pk}
    rm, here = cast.client("rm"), "/messages/greetings/dragon_boat:2026/"
    with owner():
        english = Wording.objects.filter(
            template__kind="greeting", template__language="en", template__occasion="festival:dragon_boat"
        )
        assert not english.exists(), "none comes with Zhike for this festival"
        template = Template.objects.create(
            key="db_en", kind="greeting", occasion="festival:mid_autumn", language="en", title={"zh": "英", "en": "E"}
        )
    with clock.at(NOW):
        page = rm.get(here, mine).content.decode()
    assert "英文 2" in page
    with cast.acting("rm", NOW) as actor:
        with pytest.raises(Refused, match=f"现在是 {len(book) - 4} 人"):
            greetings.arrange(
                dragon_boat(), wording, every, actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK, expected=len(book) - 2
            )
        done = greetings.arrange(dragon_boat(), wording, every, actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        assert (done.messages, done.wordless) == (len(book) - 4, {"en": 2})
        assert counts(cast)["open"] == 2
    with owner():
        Template.objects.filter(pk=template.pk).update(occasion="festival:dragon_boat")
        Wording.objects.create(
            template=template, number=1, text="Dear {称谓}, a happy Dragon Boat Festival! {本人}, {机构}", at=NOW
        )
    with cast.acting("rm", NOW) as actor:
        again = greetings.arrange(dragon_boat(), wording, every, actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        assert (again.messages, again.wordless) == (2, {})
    line = Line(worker, Gateway())
    line.rounds(datetime.fromisoformat("2026-06-19T09:00+08:00"))
    assert sorted("Dragon Boat" in text for text in line.gateway.texts()) == [False] * (len(book) - 4) + [True] * 2


def test_when_the_customer_changes_hands_the_banks_words_go_on_and_the_rms_own_are_taken_back(
    cast: Cast, book: list[Customer], wording: Wording, owner: Role, worker: Role
) -> None:
    """In the new RM's name, and with the new RM in the thread and under what is to be looked at; so it is with a message written by hand."""
    later, mate = NOW + timedelta(days=1), cast.staff["mate"]
    autumn = greetings.coming(NOW.date(), BANK)[1]
    with owner():
        template = Template.objects.create(
            key="mine",
            kind="greeting",
            owner=cast.rm,
            occasion=f"festival:{autumn.festival.key}",
            title={"zh": "我的", "en": "mine"},
        )
        mine = Wording.objects.create(template=template, number=1, text="{称谓}，月圆人安。{本人}", at=NOW)
    with cast.acting("rm", NOW) as actor:
        greetings.arrange(dragon_boat(), wording, ["platinum"], actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        greetings.arrange(autumn, mine, ["platinum"], actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        by_hand = gate.send(book[0], "greeting", "早日康复。林晓", actor=actor, now=NOW, bank=BANK)
        Message.objects.filter(pk=by_hand.pk).update(
            state="waiting", why={"name": "quiet_hours", "zh": "静默", "en": "quiet"}
        )
    with cast.acting("leader", later) as actor:
        reassign(Customer.objects.get(pk=book[0].pk), mate.pk, later.date(), "调岗", actor, later)
    with owner():
        rows = {each.occasion: each for each in Message.objects.filter(customer=book[0])}
    goes, back = rows[dragon_boat().key], rows[autumn.key]
    assert (goes.state, goes.staff_id) == ("waiting", mate.pk)
    for each in (back, rows[""]):
        assert (each.state, each.staff_id, each.why["name"]) == ("refused", mate.pk, "handed_over")
    with cast.acting("mate", later):
        assert [row["id"] for row in greetings.standing(autumn, "open", mate.pk, BANK)] == [book[0].pk]
        assert [row["id"] for row in greetings.standing(dragon_boat(), "arranged", mate.pk, BANK)] == [book[0].pk]
    line = Line(worker, Gateway())
    line.rounds(datetime.fromisoformat("2026-06-19T09:00+08:00"))
    assert sorted("陈彤" in text for text in line.gateway.texts()) == [False] * (len(line.gateway.texts()) - 1) + [True]


def test_what_a_person_has_sent_again_is_not_taken_back_with_the_rest(
    cast: Cast, book: list[Customer], wording: Wording, worker: Role, owner: Role
) -> None:
    """It left once, with segments in the journal; of it what is known is kept."""
    morning, evening = (datetime.fromisoformat(f"2026-06-19T{hour}:00+08:00") for hour in ("09", "22"))
    with cast.acting("rm", NOW) as actor:
        done = greetings.arrange(
            dragon_boat(), wording, ["platinum", "gold", "regular"], actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK
        )
    line = Line(worker, Gateway(answers=lambda part: []))
    line.rounds(morning)
    with worker():
        line.sender.lose(Lost("中断", "it broke"), morning)
    with cast.acting("rm", evening) as actor:
        message = Message.objects.filter(state="unknown").first()
        assert message
        assert done.greeting
        gate.resend(message, actor=actor, now=evening, bank=BANK)
        assert greetings.arranged(dragon_boat(), cast.rm.pk)[0].left == 0  # type: ignore[attr-defined]
        assert greetings.withdraw(done.greeting, actor=actor, now=evening, bank=BANK) == 0
    with owner():
        connection.check_constraints()
        message.refresh_from_db()
        assert (message.attempt, message.segments.count()) == (2, 1)


def test_of_a_book_too_large_to_be_weighed_each_the_number_is_the_whole_books(
    cast: Cast, book: list[Customer], wording: Wording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greetings, "MOST", 3)
    every = [tier.key for tier in BANK.tiers]
    with cast.acting("rm", NOW):
        told = greetings.estimate(dragon_boat(), wording, every, cast.rm.pk, BANK)
    assert (told.customers, told.segments) == (len(book) - 2, len(book) - 2)


def test_a_festival_not_arranged_is_missed_with_its_day(cast: Cast, book: list[Customer], worker: Role) -> None:
    with worker():
        greetings.tell_coming(date(2026, 5, 22), now=NOW, bank=BANK)
        on_the_day = datetime.fromisoformat("2026-06-19T23:59+08:00")
        assert greetings.close_past(on_the_day, BANK) == 0
        assert greetings.close_past(on_the_day + timedelta(minutes=1), BANK) >= 1
        assert set(Obligation.objects.filter(kind="greetings").values_list("state", flat=True)) == {"missed"}


def sweep_on(worker: Role, day: str) -> int:
    """The night of a day."""
    now = datetime.fromisoformat(f"{day}T00:10+08:00")
    with worker():
        return greetings.tell_coming(now.date(), now=now, bank=BANK)


def agrees(cast: Cast, customer: Customer, at: datetime) -> None:
    with cast.acting("rm", at) as actor:
        Consent.objects.record(
            customer, "greeting", "sms", given=True, evidence="柜面签署", source="contact", actor=actor, now=at
        )


def arrange_all(cast: Cast, wording: Wording, at: datetime) -> int:
    every = [tier.key for tier in BANK.tiers]
    with cast.acting("rm", at) as actor:
        return greetings.arrange(
            dragon_boat(), wording, every, actor=actor, staff=cast.rm.pk, now=at, bank=BANK
        ).messages


def owed_by_the_rm(cast: Cast) -> list[Obligation]:
    with cast.acting("rm", NOW):
        return list(Obligation.objects.filter(kind="greetings", owner=cast.rm).order_by("pk"))


@pytest.mark.clause("S3", "OWE")
def test_who_agrees_after_it_was_arranged_makes_it_owed_again(
    cast: Cast, book: list[Customer], wording: Wording, worker: Role
) -> None:
    sweep_on(worker, "2026-05-22")
    before = datetime.fromisoformat("2026-05-25T10:00+08:00")
    assert arrange_all(cast, wording, before) == len(book) - 2
    assert [each.state for each in owed_by_the_rm(cast)] == ["done"]
    assert sweep_on(worker, "2026-05-26") == 0, "nobody is open"
    agrees(cast, book[1], datetime.fromisoformat("2026-05-26T11:00+08:00"))
    assert sweep_on(worker, "2026-05-27") == 1
    assert sweep_on(worker, "2026-05-28") == 0, "twice adds nothing"
    (owed,) = owed_by_the_rm(cast)
    assert (owed.state, owed.due) == ("open", datetime.fromisoformat("2026-06-06T00:00+08:00"))
    assert arrange_all(cast, wording, datetime.fromisoformat("2026-05-28T10:00+08:00")) == 1
    (owed,) = owed_by_the_rm(cast)
    assert (owed.state, owed.evidence["late"]) == ("done", False)


@pytest.mark.clause("S3", "OWE")
def test_who_comes_after_the_deadline_is_to_be_greeted_by_the_end_of_the_next_day(
    cast: Cast, book: list[Customer], wording: Wording, worker: Role, owner: Role
) -> None:
    """Whoever arranged in time is not late because of it."""
    sweep_on(worker, "2026-05-22")
    arrange_all(cast, wording, datetime.fromisoformat("2026-05-25T10:00+08:00"))
    agrees(cast, book[1], datetime.fromisoformat("2026-06-08T11:00+08:00"))
    assert sweep_on(worker, "2026-06-09") == 1
    first, again = owed_by_the_rm(cast)
    assert (first.state, first.evidence["late"]) == ("done", False), "what was done in time stays so"
    assert (again.state, again.due) == ("open", datetime.fromisoformat("2026-06-11T00:00+08:00"))
    assert sweep_on(worker, "2026-06-10") == 0
    done = datetime.fromisoformat("2026-06-10T10:00+08:00")
    arrange_all(cast, wording, done)
    assert [each.state for each in owed_by_the_rm(cast)] == ["done", "done"]
    with cast.acting("rm", done) as actor:
        last = greetings.arranged(dragon_boat(), cast.rm.pk)[0]
        assert greetings.withdraw(last, actor=actor, now=done, bank=BANK) == 1
    assert [each.state for each in owed_by_the_rm(cast)] == ["done", "open"]


def test_what_was_let_go_is_not_owed_again(cast: Cast, book: list[Customer], worker: Role, owner: Role) -> None:
    sweep_on(worker, "2026-05-22")
    with owner():
        Obligation.objects.filter(kind="greetings").update(state="waived", settled_at=NOW)
    assert sweep_on(worker, "2026-05-23") == 0
