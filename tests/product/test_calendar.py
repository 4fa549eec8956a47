"""The calendar that one's own phone reads (RFC 5545), at an address that is its key.

NOW is Monday, 2 March 2026, 14:00 in Shanghai. Expectations are worked out by hand; :mod:`tests.product.test_calendar_reader` has
another program read the same.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.cast import CUSTOMERS, PASSWORD, STAFF, Cast
from tests.product.api import NOW
from zhike import clock, schedule
from zhike.conduct.bank import Bank
from zhike.contacts import correction, course
from zhike.contacts.models import Contact
from zhike.customers.models import Acquaintance, Customer
from zhike.customers.models.book import reassign
from zhike.notices import subscription
from zhike.notices.models import Calendar
from zhike.obligations import stops
from zhike.people import approvals, leave, second_factor
from zhike.people.bank import settings
from zhike.people.models import Setting, Staff
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
BANK = Bank()
THREE = NOW + timedelta(hours=1)
TUESDAY_TEN = datetime(2026, 3, 3, 2, tzinfo=UTC)  # 10:00 in Shanghai
JANUARY = date(2026, 1, 1)


def set_to(owner: Role, name: str, value: Any, day: date = JANUARY) -> None:
    with owner():
        Setting.objects.update_or_create(name=name, from_day=day, defaults={"value": value, "at": timezone.now()})


@pytest.fixture(autouse=True)
def open_it(cast: Cast, owner: Role) -> None:
    """The bank has opened it; the customers are known and have numbers."""
    set_to(owner, "calendar_feed", True)
    with owner():
        for customer in cast.customers["rm"]:
            Acquaintance.objects.create(customer=customer, rm=cast.rm, called_source="import", met_source="import")
    with cast.acting("rm", NOW) as actor:
        for number, customer in enumerate(cast.customers["rm"]):
            customer.learn("mobile", f"1380013800{number}", source="import", actor=actor, now=NOW)


def address(cast: Cast, who: str = "rm", at: datetime = NOW) -> str:
    with cast.acting(who, at) as actor:
        secret = subscription.make(actor, at, settings().now(at))
    return f"/calendar/{secret}.ics"


def ask(path: str, at: datetime = NOW, **headers: str) -> HttpResponse:
    """What a phone gets: it has no session, and no cookie."""
    with clock.at(at):
        return Client(headers=headers).get(path)  # type: ignore[return-value]


def read(path: str, at: datetime = NOW) -> str:
    answer = ask(path, at)
    assert answer.status_code == 200
    return answer.content.decode()


def entries(text: str) -> list[dict[str, Any]]:
    """Each VEVENT with its properties as they are written, and the triggers of its alarms."""
    lines = text.replace("\r\n ", "").split("\r\n")
    found: list[dict[str, Any]] = []
    inside = ""
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({"alarms": []})
            inside = "event"
        elif line in ("BEGIN:VALARM", "END:VALARM"):
            inside = "alarm" if name == "BEGIN" else "event"
        elif line == "END:VEVENT":
            inside = ""
        elif inside == "alarm" and name == "TRIGGER":
            found[-1]["alarms"].append(value)
        elif inside == "event":
            found[-1][name] = value
    return found


def says(path: str, at: datetime = NOW) -> list[tuple[str, str]]:
    """Summaries with their state."""
    return [(entry["SUMMARY"], entry["STATUS"]) for entry in entries(read(path, at))]


def promise(cast: Cast, to: datetime = THREE, *, by: str = "rm") -> Contact:
    """A call at NOW that found the customer busy."""
    customer = cast.customers[by][0]
    with cast.acting(by, NOW) as actor:
        call = course.plan(customer, "call", actor=actor, now=NOW, purpose="care")
        course.start(call, actor=actor, now=NOW, bank=BANK)
        return course.put_through(call, "busy", actor=actor, now=NOW, bank=BANK, call_back_at=to)


def visit(cast: Cast, at: datetime = TUESDAY_TEN, minutes: int | None = None) -> Contact:
    with cast.acting("rm", NOW) as actor:
        made = course.plan(
            cast.customers["rm"][1], "visit", actor=actor, now=NOW, planned_for=at, planned_minutes=minutes
        )
        return course.agree(made, at=at, place="滨江壹号三楼", actor=actor, now=NOW, bank=BANK)


def test_a_promised_minute_rings_three_times(cast: Cast) -> None:
    promise(cast)
    (entry,) = entries(read(address(cast)))
    assert entry["DTSTART;TZID=Asia/Shanghai"] == "20260302T150000"
    assert entry["DTEND;TZID=Asia/Shanghai"] == "20260302T150500", "the tolerance is its length"
    assert entry["SUMMARY"] == "15:00 回电 · 打开知客"
    assert entry["alarms"] == ["-PT15M", "-PT2M", "P0D"]
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CONFIRMED", "0")
    assert entry["DTSTAMP"] == entry["LAST-MODIFIED"] == "20260302T060000Z"
    assert re.fullmatch(r"[0-9a-f]{32}@zhike", entry["UID"])


def test_a_visit_has_its_time_and_the_window_of_its_arrival(cast: Cast) -> None:
    """V2: at the door from 25 minutes before, 15 meant; the reminder to leave an hour before, the other 10 before the door."""
    visit(cast)
    found = {entry["SUMMARY"]: entry for entry in entries(read(address(cast)))}
    talk, door = found["10:00 拜访 · 打开知客"], found["09:45 到门口 · 打开知客"]
    assert talk["DTSTART;TZID=Asia/Shanghai"] == "20260303T100000"
    assert talk["DTEND;TZID=Asia/Shanghai"] == "20260303T104500"
    assert door["DTSTART;TZID=Asia/Shanghai"] == "20260303T093500"
    assert door["DTEND;TZID=Asia/Shanghai"] == "20260303T100000"
    assert door["alarms"] == ["-PT35M", "P0D"], "to leave at 09:00; 09:35, ten minutes before the door"
    assert talk["alarms"] == []


def test_its_length_is_the_one_that_was_planned(cast: Cast) -> None:
    visit(cast, minutes=90)
    found = {entry["SUMMARY"]: entry for entry in entries(read(address(cast)))}
    assert found["10:00 拜访 · 打开知客"]["DTEND;TZID=Asia/Shanghai"] == "20260303T113000"


def test_a_plan_that_nobody_agreed_to_is_tentative(cast: Cast) -> None:
    with cast.acting("rm", NOW) as actor:
        course.plan(cast.customers["rm"][0], "call", actor=actor, now=NOW, planned_for=TUESDAY_TEN, purpose="care")
        at = TUESDAY_TEN + timedelta(hours=4)
        came = course.plan(cast.customers["rm"][1], "reception", actor=actor, now=NOW, planned_for=at)
        course.agree(came, at=at, place="支行", actor=actor, now=NOW, bank=BANK)
    call, reception = entries(read(address(cast)))
    assert (call["SUMMARY"], call["STATUS"]) == ("10:00 电话 · 打开知客", "TENTATIVE")
    assert call["DTEND;TZID=Asia/Shanghai"] == "20260303T100500"
    assert (reception["SUMMARY"], reception["STATUS"]) == ("14:00 接待 · 打开知客", "CONFIRMED")


def test_a_visit_that_is_moved_moves(cast: Cast) -> None:
    made = visit(cast)
    path = address(cast)
    before = {entry["UID"]: entry for entry in entries(read(path))}
    later = NOW + timedelta(hours=1)
    with cast.acting("rm", later) as actor:
        course.call_off(
            made, whose="customer", why="出差", actor=actor, now=later, bank=BANK, moved_to=TUESDAY_TEN + timedelta(days=1, hours=1),
        )  # fmt: skip
    after = {entry["UID"]: entry for entry in entries(read(path, later))}
    assert set(before) == set(after), "to the phone they are the same two entries"
    assert {entry["SUMMARY"] for entry in after.values()} == {"11:00 拜访 · 打开知客", "10:45 到门口 · 打开知客"}
    for uid, entry in after.items():
        assert entry["STATUS"] == "CONFIRMED"
        assert entry["DTSTART;TZID=Asia/Shanghai"].startswith("20260304T")
        assert int(entry["SEQUENCE"]) > int(before[uid]["SEQUENCE"])
        assert entry["LAST-MODIFIED"] == "20260302T070000Z"


def test_a_visit_that_is_called_off_is_said_to_be_for_a_fortnight(cast: Cast) -> None:
    made = visit(cast)
    path = address(cast)
    before = {entry["UID"]: int(entry["SEQUENCE"]) for entry in entries(read(path))}
    later = NOW + timedelta(hours=1)
    with cast.acting("rm", later) as actor:
        course.call_off(made, whose="customer", why="出差", actor=actor, now=later, bank=BANK)
    for entry in entries(read(path, later + timedelta(days=13))):
        assert entry["STATUS"] == "CANCELLED"
        assert entry["alarms"] == []
        assert int(entry["SEQUENCE"]) > before.pop(entry["UID"])
    assert before == {}
    assert entries(read(path, later + timedelta(days=15))) == []


def test_a_promise_that_is_kept_does_not_ring(cast: Cast) -> None:
    promise(cast)
    path = address(cast)
    (before,) = entries(read(path))
    with cast.acting("rm", THREE) as actor:
        call = course.plan(cast.customers["rm"][0], "call", actor=actor, now=THREE, purpose="care")
        course.start(call, actor=actor, now=THREE, bank=BANK)
        course.put_through(call, "reached", actor=actor, now=THREE, bank=BANK)
    (after,) = entries(read(path, THREE))
    assert (after["UID"], after["STATUS"], after["SEQUENCE"]) == (before["UID"], "CANCELLED", "1")
    assert after["alarms"] == []
    assert entries(read(path, THREE + timedelta(days=15))) == []


def test_a_promise_that_is_corrected_moves(cast: Cast) -> None:
    """The minute was written down wrongly: another obligation to the ledger, the same entry to the phone."""
    call = promise(cast)
    path = address(cast)
    (before,) = entries(read(path))
    later = NOW + timedelta(minutes=10)
    with cast.acting("rm", later) as actor:
        correction.amend(
            call, {"call_back_at": THREE + timedelta(hours=1)}, reason="听错", actor=actor, now=later, bank=BANK
        )
    (after,) = entries(read(path, later))
    assert after["UID"] == before["UID"]
    assert after["DTSTART;TZID=Asia/Shanghai"] == "20260302T160000"
    assert after["STATUS"] == "CONFIRMED"
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])


def test_a_visit_that_took_place_stays_where_it_was(cast: Cast) -> None:
    made = visit(cast)
    path = address(cast)
    at = TUESDAY_TEN
    with cast.acting("rm", at) as actor:
        course.start(made, actor=actor, now=at, bank=BANK)
        course.end(made, actor=actor, now=at + timedelta(minutes=40), bank=BANK)
    assert ("10:00 拜访 · 打开知客", "CONFIRMED") in says(path, at + timedelta(days=20))
    assert says(path, at + timedelta(days=32)) == []


def test_what_lies_farther_ahead_than_it_reaches_is_not_told(cast: Cast, owner: Role) -> None:
    made = visit(cast)
    path = address(cast)
    with owner():
        Contact.objects.filter(pk=made.pk).update(planned_for=NOW + timedelta(days=401))
        made.customer.obligations.update(opens=NOW + timedelta(days=401), due=NOW + timedelta(days=401), target=None)
    assert says(path) == []


# What leaves the bank's walls


def everything(cast: Cast, owner: Role) -> str:
    """A calendar of every kind of entry, of customers of whom everything is known; where it is."""
    promise(cast)
    visit(cast)
    person, second, company = cast.customers["rm"]
    with cast.acting("rm", NOW) as actor:
        person.learn_all(
            {"birthday": "农历三月初八", "honorific": "张总", "address": "世纪大道一百号", "email": "zwm@example.com"},
            source="contact", actor=actor, now=NOW,
        )  # fmt: skip
        course.plan(
            company, "reception", actor=actor, now=NOW, planned_for=TUESDAY_TEN + timedelta(days=2), purpose="need",
            purpose_words="谈授信额度", place="贵宾室",
        )  # fmt: skip
    with owner():
        Customer.objects.filter(pk=second.pk).update(gender="f")
    return address(cast)


def test_by_default_no_line_tells_whom_or_where(cast: Cast, owner: Role) -> None:
    text = read(everything(cast, owner)).replace("\r\n ", "")
    assert len(entries(text)) == 4 + 5
    names = {name for group in CUSTOMERS.values() for name in group} | {who for _number, who, *_rest in STAFF.values()}
    parts = {name[:2] for name in names} | {name[-2:] for name in names} | names
    places = {"滨江", "壹号", "三楼", "贵宾室", "世纪大道", "支行", "授信"}
    known = {"张总", "李女士", "zwm", "农历", "三月", "初八", "13800138", "C-rm", "1001", "普通", "白金", "金卡"}
    assert [word for word in parts | places | known if word in text] == []
    told = re.sub(r"@zhike|[0-9a-f]{32}", "", text)
    for row in (*cast.customers["rm"], *Contact.objects.all()):
        assert not re.search(rf"[/:=-]{row.pk}\b(?!M|D)", re.sub(r"SEQUENCE:\d+", "", told))
    said = {entry["SUMMARY"] for entry in entries(text)}
    assert said == {
        "15:00 回电 · 打开知客", "10:00 拜访 · 打开知客", "09:45 到门口 · 打开知客", "10:00 接待 · 打开知客", "生日 · 打开知客",
    }  # fmt: skip


def test_the_bank_may_let_out_the_form_of_address(cast: Cast, owner: Role) -> None:
    path = everything(cast, owner)
    set_to(owner, "calendar_detail", "address")
    text = read(path)
    said = {entry["SUMMARY"] for entry in entries(text)}
    assert {"15:00 回电 张总 · 打开知客", "10:00 拜访 李女士 · 打开知客", "10:00 接待 · 打开知客"} < said
    assert "LOCATION" not in text
    assert not [name for name in CUSTOMERS["rm"] if name in text.replace("\r\n ", "")]


def test_the_bank_may_let_out_name_and_place(cast: Cast, owner: Role) -> None:
    path = everything(cast, owner)
    set_to(owner, "calendar_detail", "name")
    found = {entry["SUMMARY"]: entry for entry in entries(read(path))}
    assert found["10:00 拜访 李秀兰 · 打开知客"]["LOCATION"] == "滨江壹号三楼"
    assert "10:00 接待 上海申达贸易有限公司 · 打开知客" in found


def test_lines_end_and_fold_as_they_must(cast: Cast, owner: Role) -> None:
    path = everything(cast, owner)
    set_to(owner, "calendar_detail", "name")
    with owner():
        Contact.objects.update(place="很长的地点，" * 30)
    raw = ask(path).content
    lines = raw.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert max(len(line) for line in lines) <= 75
    for line in lines:
        line.decode()  # no character is cut in two
    assert raw.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    for once in (b"BEGIN:VTIMEZONE", b"REFRESH-INTERVAL;VALUE=DURATION:PT15M", b"X-PUBLISHED-TTL:PT15M"):
        assert raw.count(once) == 1
    assert b"X-WR-TIMEZONE:Asia/Shanghai" in raw


def test_the_clock_is_the_bank_s(cast: Cast, owner: Role) -> None:
    visit(cast)
    set_to(owner, "zone", "Asia/Tashkent")  # three hours behind Shanghai
    found = {entry["SUMMARY"]: entry for entry in entries(read(address(cast)))}
    assert found["07:00 拜访 · 打开知客"]["DTSTART;TZID=Asia/Tashkent"] == "20260303T070000"


def test_it_speaks_its_reader_s_language(cast: Cast, owner: Role) -> None:
    promise(cast)
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(language="en")
    assert says(address(cast)) == [("15:00 call-back · open Zhike", "CONFIRMED")]


# Birthdays


def born(cast: Cast, birthday: str, of: int = 0) -> Customer:
    customer = cast.customers["rm"][of]
    with cast.acting("rm", NOW) as actor:
        customer.learn("birthday", birthday, source="contact", actor=actor, now=NOW)
    return customer


def days(path: str, at: datetime = NOW) -> list[tuple[str, str]]:
    return [
        (entry["DTSTART;VALUE=DATE"], entry["DTEND;VALUE=DATE"])
        for entry in entries(read(path, at))
        if "DTSTART;VALUE=DATE" in entry
    ]


def test_one_born_in_a_leap_month_is_celebrated_on_the_right_day_each_year(cast: Cast) -> None:
    """闰五月初八, as in 2009: the ordinary fifth month where a year has no other, the leap month in 2028."""
    born(cast, "农历2009年闰五月初八")
    path = address(cast)
    assert days(path) == [
        ("20260622", "20260623"), ("20270612", "20270613"), ("20280630", "20280701"), ("20290619", "20290620"), ("20300608", "20300609"),
    ]  # fmt: skip
    found = entries(read(path))
    assert len({entry["UID"] for entry in found}) == 5
    assert {(entry["SUMMARY"], entry["TRANSP"]) for entry in found} == {("生日 · 打开知客", "TRANSPARENT")}


def test_a_lunar_birthday_at_the_year_s_end_falls_into_the_next(cast: Cast) -> None:
    """腊月廿九: of lunar 2025 on 2026-02-16, a fortnight ago; of 2026 on 2027-02-05; 2028-01-25, 2029-02-12, 2030-02-01, 2031-01-22."""
    born(cast, "农历腊月廿九")
    assert [first for first, _next in days(address(cast))] == [
        "20260216", "20270205", "20280125", "20290212", "20300201", "20310122",
    ]  # fmt: skip


def test_a_solar_birthday_stands_as_far_as_the_calendar_reaches(cast: Cast) -> None:
    """29 February in common years on the 28th: this year's two days ago, next year's within 400 days."""
    born(cast, "1988-02-29")
    born(cast, "1970-12-31", of=1)
    assert days(address(cast)) == [("20260228", "20260301"), ("20270228", "20270301"), ("20261231", "20270101")]


def test_a_birthday_that_is_corrected_moves(cast: Cast) -> None:
    born(cast, "1970-12-30")
    path = address(cast)
    (before,) = entries(read(path))
    born(cast, "1970-12-31")
    (after,) = entries(read(path))
    assert (after["UID"], after["DTSTART;VALUE=DATE"]) == (before["UID"], "20261231")
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])


@pytest.mark.parametrize("why", ["deceased", "closed", "do_not_disturb", "complaint"])
def test_whom_one_may_not_greet_has_no_birthday_there(cast: Cast, why: str) -> None:
    customer = born(cast, "1970-12-31")
    path = address(cast)
    assert len(days(path)) == 1
    with cast.acting("rm", NOW) as actor:
        stops.stop(customer, why, on=NOW.date(), evidence="家属告知", actor=actor, now=NOW, bank=BANK)
    assert days(path) == []


def test_a_bank_that_does_not_greet_tells_no_birthdays(cast: Cast, owner: Role) -> None:
    born(cast, "1970-12-31")
    set_to(owner, "birthday_greeting", False)
    assert days(address(cast)) == []


# Whose it is


def test_everybody_reads_their_own(cast: Cast) -> None:
    promise(cast)
    for who in STAFF:
        assert says(address(cast, who)) == ([("15:00 回电 · 打开知客", "CONFIRMED")] if who == "rm" else []), who


def test_who_hands_over_keeps_nothing(cast: Cast, owner: Role) -> None:
    visit(cast)
    born(cast, "1970-12-31", of=1)
    before, after = address(cast), address(cast, "mate")
    with cast.acting("leader", NOW) as actor:
        reassign(cast.customers["rm"][1], cast.mate.pk, NOW.date(), "调岗", actor, NOW)
    assert says(before) == []
    assert {said for said, _state in says(after)} >= {"10:00 拜访 · 打开知客", "生日 · 打开知客"}


def test_who_stands_in_has_what_falls_on_the_days_of_the_leave(cast: Cast) -> None:
    """Away from today until Thursday: today's promise, Tuesday's visit, Wednesday's birthday; not Thursday's visit, nor its birthday."""
    promise(cast)
    visit(cast)
    with cast.acting("rm", NOW) as actor:
        thursday = TUESDAY_TEN + timedelta(days=2)
        course.plan(cast.customers["rm"][0], "reception", actor=actor, now=NOW, planned_for=thursday)
        asked = leave.ask(
            cast.rm.pk, NOW.date(), NOW.date() + timedelta(days=3), cast.mate.pk, actor=actor, now=NOW, bank=BANK
        )
    born(cast, "1970-03-04")
    born(cast, "农历正月十七", of=1)  # Thursday, 5 March 2026
    path = address(cast, "mate")
    assert says(path) == []
    with cast.acting("mate", NOW) as actor:
        leave.accept(asked, actor=actor, now=NOW, bank=BANK)
    assert [said for said, _state in says(path)] == [
        "10:00 拜访 · 打开知客", "15:00 回电 · 打开知客", "09:45 到门口 · 打开知客", "生日 · 打开知客",
    ]  # fmt: skip
    assert days(path) == [("20260304", "20260305")]
    assert says(path, NOW + timedelta(days=3)) == []
    assert len(says(address(cast))) == 3 + 1 + 2 + 6, "whoever is away has their own all the same"


def test_a_number_of_statements_that_does_not_grow(cast: Cast) -> None:
    path = address(cast)
    promise(cast)
    visit(cast)
    born(cast, "1970-12-31")
    read(path)
    with CaptureQueriesContext(connection) as few:
        read(path)
    for hour in range(5):
        visit(cast, at=TUESDAY_TEN + timedelta(days=1, hours=hour))
    born(cast, "1970-12-31", of=1)
    with CaptureQueriesContext(connection) as many:
        assert len(entries(read(path))) > 12
    assert len(many) == len(few)


# The address


def test_two_phones_read_the_same_and_only_what_is_new(cast: Cast) -> None:
    promise(cast)
    path = address(cast)
    first, second = ask(path), ask(path)
    assert first.content == second.content
    assert first["Cache-Control"] == "private, no-store"
    assert first["Content-Type"] == "text/calendar; charset=utf-8"
    unchanged = ask(path, NOW + timedelta(minutes=15), **{"If-None-Match": first["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged["Cache-Control"] == "private, no-store"
    visit(cast)
    assert ask(path, **{"If-None-Match": first["ETag"]}).status_code == 200
    head = Client().head(path)
    assert not head.cookies
    assert not first.cookies


def test_it_is_known_to_the_minute_when_it_was_read(cast: Cast, owner: Role) -> None:
    path = address(cast)
    for seconds in (0, 30, 61):
        read(path, NOW + timedelta(seconds=seconds))
    with owner():
        assert Calendar.objects.get().read_at == NOW + timedelta(seconds=61)
        assert not Entry.objects.filter(object="notices_calendar", action="update").exists()
    page = seen(cast, "/reminders/", NOW + timedelta(hours=1))
    assert "最近读取：14:01" in page


def closed(path: str, at: datetime = NOW) -> bool:
    """It answers as an address that never was does, to the letter."""
    never = ask("/calendar/never.ics", at)
    answer = ask(path, at)
    assert (never.status_code, never["Cache-Control"]) == (404, "private, no-store")
    return (answer.status_code, answer.content, dict(answer.headers)) == (404, never.content, dict(never.headers))


def test_a_wrong_address_opens_nothing(cast: Cast) -> None:
    path = address(cast)
    for wrong in (path.upper(), path[:-6] + ".ics", path.replace(".ics", "x.ics"), "/calendar/%00.ics", f"/calendar/{'x' * 9000}.ics"):  # fmt: skip
        assert ask(wrong).status_code in (400, 404)
    assert closed("/calendar/x.ics")
    assert Client().post(path).status_code == 405


def test_a_revoked_address_opens_nothing(cast: Cast) -> None:
    path = address(cast)
    with cast.acting("rm", NOW) as actor:
        subscription.revoke(actor, NOW)
    assert closed(path)


def test_a_new_address_ends_the_old_one(cast: Cast) -> None:
    old, new = address(cast), address(cast)
    assert closed(old)
    assert not closed(new)


def test_nothing_is_read_while_the_bank_has_not_opened_it(cast: Cast, owner: Role) -> None:
    path = address(cast)
    set_to(owner, "calendar_feed", False)
    assert closed(path)
    assert "手机日历" not in seen(cast, "/reminders/")


def test_what_the_bank_has_ended_does_not_come_back(cast: Cast, owner: Role) -> None:
    """Off from Tuesday, on again from Wednesday, and no worker looked in between."""
    path = address(cast)
    set_to(owner, "calendar_feed", False, date(2026, 3, 3))
    set_to(owner, "calendar_feed", True, date(2026, 3, 4))
    assert not closed(path)
    assert closed(path, NOW + timedelta(days=1))
    assert closed(path, NOW + timedelta(days=2))
    assert not closed(address(cast, at=NOW + timedelta(days=2)), NOW + timedelta(days=2))


def test_where_the_bank_ends_it_every_address_is_revoked(cast: Cast, owner: Role, worker: Role) -> None:
    path = address(cast)
    set_to(owner, "calendar_feed", False, date(2026, 3, 3))
    tomorrow = NOW + timedelta(days=1)
    with worker(), clock.at(NOW):
        schedule.tick(timestamp=0)
        assert Calendar.objects.filter(revoked_at=None).exists()
        with clock.at(tomorrow):
            schedule.tick(timestamp=0)
    with owner():
        assert Calendar.objects.get().revoked_at == tomorrow
        Setting.objects.filter(from_day=date(2026, 3, 3)).delete()
    assert closed(path)


def test_who_leaves_takes_no_calendar_along(cast: Cast, owner: Role) -> None:
    path = address(cast)
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(is_active=False)
    assert closed(path)
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(is_active=True)
    assert closed(path)


def test_a_lost_telephone_reads_no_calendar(cast: Cast, owner: Role) -> None:
    """Two persons take its second factor away: what else it could read ends with that, and not before."""
    from allauth.mfa.totp.internal.auth import TOTP

    path = address(cast)
    with owner():
        TOTP.activate(cast.rm, "JBSWY3DPEHPK3PXP")
    with cast.acting("administrator", NOW) as actor:
        asked = second_factor.ask_to_take_away(actor, cast.rm.pk, "手机丢失", NOW)
    assert not closed(path)
    with cast.acting("compliance", NOW) as actor:
        approvals.approve(actor, asked.pk, asked.digest, NOW)
    assert closed(path)


def test_only_a_hash_is_kept_and_nobody_serves_it(cast: Cast, owner: Role) -> None:
    secret = address(cast).removeprefix("/calendar/").removesuffix(".ics")
    assert len(secret) == 43, "256 bits"
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT c::text FROM notices_calendar c")
        kept = cursor.fetchall()
        cursor.execute("SELECT t.* FROM trail_entry t WHERE t.object = 'notices_calendar'")
        told = str(cursor.fetchall())
    assert len(kept) == 1
    assert secret not in str(kept)
    assert secret not in told
    with cast.acting("rm", NOW), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM notices_calendar")
    with cast.acting("administrator", NOW):
        assert not Calendar.objects.defer("hash").exists()


def test_no_log_holds_the_address(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    path = address(cast)

    def breaks(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("zhike.pages.views.calendar.calendar", breaks)
    stderr = next(each for each in logging.getLogger("django").handlers if each.filters)
    assert isinstance(stderr, logging.StreamHandler)
    before, stderr.stream = stderr.stream, (written := io.StringIO())
    try:
        with clock.at(NOW):
            assert Client(raise_request_exception=False).get(path).status_code == 500
    finally:
        stderr.stream = before
    assert "/calendar/….ics" in written.getvalue()
    assert path[10:-4] not in written.getvalue()


# The page


def seen(cast: Cast, address: str, at: datetime = NOW) -> str:
    with clock.at(at):
        return cast.client("rm", at).get(address).content.decode()


def test_the_page_makes_it_shows_it_once_and_revokes_it(cast: Cast) -> None:
    with clock.at(NOW):
        browser = cast.client("rm", NOW)
        asked = browser.get("/reminders/calendar/new/")
        assert asked["Location"].startswith("/me/again/"), "a desk that somebody left gives no address away"
        browser.post(asked["Location"], {"password": PASSWORD})
        assert "只写几点、什么事" in browser.get("/reminders/calendar/new/").content.decode()
        made = browser.post("/reminders/calendar/new/")
        page = made.content.decode()
        assert made["Cache-Control"] == "no-store"
        (path,) = re.findall(r">http://testserver(/calendar/[\w-]{43}\.ics)<", page)
        assert "data:image/svg+xml;base64," in page
        assert says(path) == []
        overview = browser.get("/reminders/").content.decode()
        assert path not in overview
        assert "还没有手机读取过" not in overview
        browser.post("/reminders/calendar/revoke/")
        assert closed(path)
        assert "生成订阅地址" in browser.get("/reminders/").content.decode()


def test_while_it_is_not_opened_none_is_made(cast: Cast, owner: Role) -> None:
    set_to(owner, "calendar_feed", False)
    with clock.at(NOW):
        browser = cast.client("rm", NOW)
        browser.post(browser.get("/reminders/calendar/new/")["Location"], {"password": PASSWORD})
        assert "本行未开通手机日历" in browser.get("/reminders/calendar/new/").content.decode()
        refused = browser.post("/reminders/calendar/new/")
        assert refused.status_code == 422
    with owner():
        assert not Calendar.objects.exists()
