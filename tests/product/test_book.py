"""Whose customer it is, from when until when; consents, needs and relations with their rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers import birthdays
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Acquaintance, Book, Consent, Customer, Need, Relation, book
from zhike.customers.models.book import reassign
from zhike.obligations.sweep import sweep
from zhike.people.actor import acting
from zhike.people.models import Post

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


@pytest.fixture
def kept(cast: Cast, owner: Any) -> Customer:
    """A customer in the book of ``rm`` since January."""
    customer = cast.customers["rm"][0]
    with owner():
        Book.objects.create(customer=customer, rm=cast.rm, from_day=date(2026, 1, 5), at=NOW)
    return customer


def test_a_customer_changes_hands_today_with_the_unit_and_what_goes_along(
    cast: Cast, kept: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(book, "WHEN_HANDED_OVER", [lambda *what: told.append(what)])
    with acting(cast.branch_leader.id, NOW) as leader:
        reassign(kept, cast.stranger.id, TODAY, "调岗", leader, NOW)
        row = Customer.objects.get(pk=kept.pk)
        assert (row.rm_id, row.unit_id) == (cast.stranger.id, cast.units["lujiazui"].id)
        assert list(Book.objects.filter(customer=kept).order_by("id").values_list("rm_id", "from_day", "to_day")) == [
            (cast.rm.id, date(2026, 1, 5), TODAY),
            (cast.stranger.id, TODAY, None),
        ]
    assert told == [(kept, cast.rm.id, cast.stranger.id, leader, NOW)]
    with acting(cast.rm.id, NOW) as before:
        assert not Customer.objects.visible_to(before).filter(pk=kept.pk).exists()


def test_a_later_day_waits_for_that_day_and_comes_once(cast: Cast, kept: Customer, worker: Any) -> None:
    monday = TODAY + timedelta(days=7)
    with acting(cast.branch_leader.id, NOW) as leader:
        reassign(kept, cast.mate.id, monday, "休假", leader, NOW)
        assert Customer.objects.get(pk=kept.pk).rm_id == cast.rm.id
    with worker():
        assert Book.objects.all().take_effect(TODAY, NOW) == 0
        assert Book.objects.all().take_effect(monday, NOW) == 1
        assert Book.objects.all().take_effect(monday, NOW) == 0
        assert Customer.objects.get(pk=kept.pk).rm_id == cast.mate.id


def test_one_whose_new_rm_has_left_stays_and_the_others_change_hands(
    cast: Cast, kept: Customer, worker: Any, owner: Any
) -> None:
    monday = TODAY + timedelta(days=7)
    other = cast.customers["rm"][1]
    with acting(cast.branch_leader.id, NOW) as leader:
        reassign(kept, cast.mate.id, monday, "休假", leader, NOW)
        reassign(other, cast.stranger.id, monday, "休假", leader, NOW)
    with owner():
        Post.objects.filter(staff=cast.mate).update(to_day=TODAY)
    later = NOW + timedelta(days=7)
    with worker():
        swept = sweep(monday, now=later, bank=Bank())
        assert (swept.handed_over, swept.staying) == (1, 1)
        assert Customer.objects.get(pk=kept.pk).rm_id == cast.rm.id
        assert Customer.objects.get(pk=other.pk).rm_id == cast.stranger.id
    said = f"{kept.name}：陈彤原定 {monday.isoformat()} 接手，已无客户经理任职"
    with clock.at(later):
        for who, seen in (("leader", True), ("branch_leader", True), ("auditor", True), ("other_leader", False)):
            page = cast.client(who).get("/team/").content.decode()
            assert (said in page) is seen, who
        assert f'href="/customers/{kept.pk}/hand-over/"' in cast.client("leader").get("/team/").content.decode()
    with owner():
        Post.objects.create(staff=cast.mate, unit=cast.units["lujiazui"], role="rm", scope="own", from_day=monday)
    with worker():
        assert sweep(monday, now=later, bank=Bank()).staying == 0
    with clock.at(later):
        assert said not in cast.client("branch_leader").get("/team/").content.decode()
    with worker():
        assert Customer.objects.get(pk=kept.pk).unit_id == cast.units["lujiazui"].id


@pytest.mark.parametrize(("who", "day", "reason", "why"), [
    ("mate", TODAY, " ", "why"),
    ("rm", TODAY, "x", "already"),
    ("administrator", TODAY, "x", "post"),
    ("mate", date(2026, 1, 1), "x", "2026-01-05"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence(
    cast: Cast, kept: Customer, who: str, day: date, reason: str, why: str, settings: Any
) -> None:
    settings.LANGUAGE_CODE = "en"
    with acting(cast.branch_leader.id, NOW) as leader, pytest.raises(Unaccepted, match=why):
        reassign(kept, cast.staff[who].id, day, reason, leader, NOW)


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 3, 1), None), (date(2025, 1, 1), None), (date(2026, 2, 28), date(2026, 3, 2)),
     (date(2026, 3, 9), date(2026, 3, 11)), (date(2026, 3, 4), date(2026, 3, 5)), (date(2026, 3, 9), date(2026, 3, 10))],
)  # fmt: skip
def test_the_database_itself_keeps_it_at_one_rm(
    cast: Cast, kept: Customer, owner: Any, first: date, last: date | None
) -> None:
    with owner():
        Book.objects.filter(customer=kept).update(from_day=date(2026, 3, 1), to_day=date(2026, 3, 10))
        with pytest.raises(IntegrityError, match="one_rm"), transaction.atomic():
            Book.objects.create(customer=kept, rm=cast.mate, from_day=first, to_day=last, at=NOW)


def test_one_book_may_begin_on_the_day_another_ends(cast: Cast, kept: Customer, owner: Any) -> None:
    with owner():
        Book.objects.filter(customer=kept).update(from_day=date(2026, 3, 1), to_day=date(2026, 3, 10))
        Book.objects.create(customer=kept, rm=cast.mate, from_day=date(2026, 2, 1), to_day=date(2026, 3, 1), at=NOW)
        # Given and taken back on one day: nobody had the customer for a day.
        Book.objects.create(customer=kept, rm=cast.mate, from_day=date(2026, 3, 5), to_day=date(2026, 3, 5), at=NOW)
        Book.objects.create(customer=kept, rm=cast.mate, from_day=date(2026, 3, 10), at=NOW)
        assert Book.objects.filter(customer=kept).count() == 4


def test_somebody_outside_the_scope_reassigns_nothing(cast: Cast, kept: Customer) -> None:
    with (
        acting(cast.stranger.id, NOW) as stranger,
        pytest.raises(Exception, match="row-level security"),
        transaction.atomic(),
    ):
        reassign(kept, cast.stranger.id, TODAY, "x", stranger, NOW)


def test_the_newest_word_on_a_purpose_and_channel_counts(cast: Cast, kept: Customer) -> None:
    with acting(cast.rm.id, NOW) as rm:
        say = {"source": "contact", "actor": rm}
        assert not Consent.objects.allows(kept, "marketing", "sms")
        yes = Consent.objects.record(kept, "marketing", "any", given=True, evidence="签字单 12", now=NOW, **say)
        assert Consent.objects.allows(kept, "marketing", "sms")
        Consent.objects.record(
            kept, "marketing", "sms", given=False, evidence="电话中说", now=NOW + timedelta(1), **say
        )
        assert not Consent.objects.allows(kept, "marketing", "sms")
        assert Consent.objects.allows(kept, "marketing", "phone")
        yes.withdraw(evidence="短信 TD", now=NOW + timedelta(2), **say)
        assert not Consent.objects.allows(kept, "marketing", "phone")
        assert {(c.channel, c.given) for c in Consent.objects.standing(kept)} == {("any", False), ("sms", False)}
        with pytest.raises(Unaccepted):
            Consent.objects.record(kept, "marketing", "sms", given=True, evidence=" ", now=NOW, **say)


def test_a_need_is_open_until_it_is_closed_once(cast: Cast, kept: Customer) -> None:
    with acting(cast.rm.id, NOW) as rm:
        need = Need.objects.hear(kept, "maturity", "三月到期的 80 万", actor=rm, now=NOW, contact=3)
        assert Need.objects.all().open().get() == need
        need.close("met", "续作", NOW)
        assert (need.state, need.closed_why) == ("met", "续作")
        with pytest.raises(Unaccepted):
            need.close("lapsed", "", NOW)


def test_of_a_young_child_nothing_but_the_age_band_is_kept(cast: Cast, kept: Customer) -> None:
    with acting(cast.rm.id, NOW) as rm:
        for age in ("under_14", ""):
            with pytest.raises(Unaccepted):
                Relation.objects.learn(kept, "child", age=age, name="小明", actor=rm, now=NOW, bank=Bank())
        Relation.objects.learn(kept, "child", age="under_14", actor=rm, now=NOW, bank=Bank())
        Relation.objects.learn(
            kept, "child", age="adult", name="王小明", note="在读研究生", actor=rm, now=NOW, bank=Bank()
        )
        assert kept.known("children") == "yes"
        assert "children" not in [gap.name for gap in kept.gaps()]


def test_known_before_by_one_tap_never_replaces_what_is_known(cast: Cast, kept: Customer) -> None:
    with acting(cast.rm.id, NOW) as rm:
        Acquaintance.objects.attest(kept, rm, met=True)
        known = Acquaintance.objects.attest(kept, rm, met=True, called=True)
        assert (known.met_source, known.called_source, known.first_met_at) == ("attested", "attested", None)
        assert Acquaintance.objects.count() == 1


def test_gaps_are_what_r4_and_r5_ask_for(cast: Cast, kept: Customer) -> None:
    with acting(cast.rm.id, NOW) as rm:
        assert [gap.name for gap in kept.gaps()] == ["mobile", "email", "hobbies", "birthday", "children"]
        kept.learn_all(
            {"mobile": "13812345678", "birthday": "农历三月初八", "children": "none", "honorific": "沈老师"},
            source="contact",
            actor=rm,
            now=NOW,
        )
        again = Customer.objects.get(pk=kept.pk)
        assert [gap.name for gap in again.gaps()] == ["email", "hobbies"]
        assert again.address_as == "沈老师"
        assert again.next_birthdays(TODAY, Bank())[:2] == [date(2026, 4, 24), date(2027, 4, 14)]
        assert [gap.name for gap in cast.customers["rm"][2].gaps()] == ["mobile", "email", "contact_name"]


def test_a_company_has_no_birthday_and_a_wrong_field_is_named(cast: Cast) -> None:
    company = cast.customers["rm"][2]
    with acting(cast.rm.id, NOW) as rm:
        for field, value in (("birthday", "1990-01-01"), ("nonsense", "x"), ("mobile", "123"), ("uscc", "123")):
            with pytest.raises(Unaccepted):
                company.learn(field, value, source="contact", actor=rm, now=NOW)
        company.learn("uscc", "91110000600037341L", source="contact", actor=rm, now=NOW)
        assert company.id_index is not None


def test_a_new_customer_is_found_and_in_the_book(cast: Cast) -> None:
    from zhike.customers.search import find

    with acting(cast.rm.id, NOW) as rm:
        Customer.objects.all().enter(name="单雨", unit_id=cast.units["century"].id, rm_id=cast.rm.id, actor=rm, now=NOW)
        assert [hit.name for hit in find("shanyu", rm, NOW, Bank()).hits] == ["单雨"]
        assert Book.objects.get().rm_id == cast.rm.id


@pytest.mark.parametrize(
    ("text", "calendar", "kept"),
    [
        ("1972-03-08", "", "solar 1972-03-08"), ("19720308", "", "solar 1972-03-08"), ("1972/3/8", "", "solar 1972-03-08"),
        ("1972年3月8日", "", "solar 1972-03-08"), ("3月8日", "", "solar --03-08"), ("1972-03-08", "农历", "lunar 1972-03-08"),
        ("农历三月初八", "", "lunar --03-08"), ("农历1972年三月初八", "", "lunar 1972-03-08"), ("闰四月初三", "", "lunar --闰04-03"),
        ("腊月廿三", "", "lunar --12-23"), ("正月十五", "", "lunar --01-15"), ("一九七二年三月八日", "", "solar 1972-03-08"),
        ("农历八月三十", "", "lunar --08-30"), ("公历1972-03-08", "农历", "solar 1972-03-08"), ("十一月廿五", "", "lunar --11-25"),
    ],
)  # fmt: skip
def test_birthdays_as_people_write_them(text: str, calendar: str, kept: str) -> None:
    assert birthdays.written(birthdays.read(text, calendar)) == kept


@pytest.mark.parametrize(
    "text", ["1972-02-30", "昨天", "13月1日", "农历2023年闰三月初一", "1972", "", "农历十三月初一"]
)
def test_birthdays_that_cannot_be(text: str) -> None:
    with pytest.raises(Unaccepted):
        birthdays.read(text)
