"""Every window and every edge, worked out by hand. Times in the tests are Beijing's (UTC+8) unless they say Z."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from zhike.conduct import windows
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.windows import Window

BANK = Bank()
WORKDAY_BANK = Bank(next_day="workday")
# 2026: Spring Festival off 15-23 February, with 14 and 28 February (Saturdays) worked; National Day 1-7 October.
DAYS = Workdays.of(
    {
        **{date(2026, 2, day): False for day in range(15, 24)},
        date(2026, 2, 14): True,
        date(2026, 2, 28): True,
        **{date(2026, 10, day): False for day in range(1, 8)},
        date(2026, 10, 10): True,
    }
)


def at(text: str) -> datetime:
    """'2026-03-05 17:30' in Beijing, or with a trailing Z in UTC."""
    if text.endswith("Z"):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("ended", "due"),
    [
        ("2026-03-05 17:30", "2026-03-05 16:00Z"),  # 24:00 in Beijing is 16:00 in UTC
        ("2026-03-05 00:00", "2026-03-05 16:00Z"),  # midnight belongs to the day it begins
        ("2026-03-05 23:59:59", "2026-03-05 16:00Z"),
        ("2026-03-31 10:00", "2026-03-31 16:00Z"),  # month end
        ("2024-02-29 10:00", "2024-02-29 16:00Z"),  # leap day
        ("2026-12-31 10:00", "2026-12-31 16:00Z"),  # year end
        ("2026-03-05 16:30Z", "2026-03-06 16:00Z"),  # 00:30 on the 6th in Beijing
    ],
)
def test_the_end_of_a_day(ended, due):
    for window in (windows.end_of_day, windows.write_up):
        assert window(at(ended), BANK) == Window(at(ended).astimezone(UTC), at(due))
    at_once = windows.same_day_at_once(at(ended), BANK)
    assert (at_once.opens, at_once.due, at_once.target) == (at(ended), at(due), at(ended))


def test_the_end_of_a_day_is_the_next_day_already():
    window = windows.end_of_day(at("2026-03-05 17:30"), BANK)
    assert window.holds(at("2026-03-05 17:30"))
    assert window.holds(at("2026-03-05 23:59:59"))
    assert not window.holds(at("2026-03-06 00:00"))
    assert window.is_late(at("2026-03-06 00:00"))
    assert window.is_early(at("2026-03-05 17:29"))


def test_times_come_out_in_utc_and_need_a_zone():
    window = windows.end_of_day(at("2026-03-05 17:30"), BANK)
    assert window.opens.tzinfo is UTC
    assert window.due.tzinfo is UTC
    with pytest.raises(ValueError, match="without a zone"):
        windows.end_of_day(datetime(2026, 3, 5, 17, 30), BANK)


def test_a_whole_day():
    birthday = Window(at("2026-02-15 16:00Z"), at("2026-02-16 16:00Z"))
    assert windows.on_day(date(2026, 2, 16), BANK) == birthday
    assert windows.before_today_ends(at("2026-02-16 09:00"), BANK) == birthday


def test_the_bank_may_be_elsewhere():
    bank = Bank(zone=ZoneInfo("Europe/Paris"))
    # The day on which Paris puts its clocks forward has 23 hours: midnight +1 to midnight +2.
    assert windows.on_day(date(2026, 3, 29), bank) == Window(at("2026-03-28 23:00Z"), at("2026-03-29 22:00Z"))


def test_a_bank_may_give_write_ups_and_new_tries_days():
    bank = Bank(writeup_days=1, try_again_days=3)
    assert windows.write_up(at("2026-02-28 15:00"), bank).due == at("2026-03-02 00:00")
    assert windows.try_again(at("2026-02-28 15:00"), bank).due == at("2026-03-04 00:00")
    assert windows.try_again(at("2026-02-28 15:00"), BANK).due == at("2026-03-02 00:00")


@pytest.mark.parametrize(
    ("farewell", "due", "due_counts"),
    [
        ("2026-03-05 09:10", "2026-03-06 00:00", False),
        ("2026-03-05 20:59", "2026-03-06 00:00", False),
        ("2026-03-05 21:00", "2026-03-06 00:00", False),  # not after 21:00
        ("2026-03-05 21:00:59", "2026-03-06 00:00", False),  # reads 21:00
        ("2026-03-05 21:01", "2026-03-06 12:00", True),
        ("2026-03-05 23:59", "2026-03-06 12:00", True),
        ("2026-03-06 00:00", "2026-03-07 00:00", False),  # a day that has begun
        ("2026-02-28 21:30", "2026-03-01 12:00", True),  # month end
        ("2024-02-28 21:30", "2024-02-29 12:00", True),  # leap day
        ("2026-12-31 22:00", "2027-01-01 12:00", True),
    ],
)
def test_thanks_after_a_reception(farewell, due, due_counts):
    expected = Window(at(farewell).astimezone(UTC), at(due).astimezone(UTC), due_counts=due_counts)
    assert windows.reception_thanks(at(farewell), BANK) == expected


def test_noon_itself_is_in_time():
    window = windows.reception_thanks(at("2026-03-05 21:30"), BANK)
    assert window.holds(at("2026-03-06 12:00"))
    assert window.is_late(at("2026-03-06 12:01"))


@pytest.mark.parametrize(
    ("ended", "due", "due_counts"),
    [
        ("2026-03-05 10:00", "2026-03-05 22:00", True),  # thanks at once are accepted: it opens at the end
        ("2026-03-05 18:00", "2026-03-05 22:00", True),
        ("2026-03-05 20:30", "2026-03-05 22:00", True),
        ("2026-03-05 21:00", "2026-03-05 22:00", True),  # not after 21:00
        ("2026-03-05 21:01", "2026-03-06 00:00", False),
        ("2026-03-05 22:30", "2026-03-06 00:00", False),
        ("2026-03-05 23:59", "2026-03-06 00:00", False),
        ("2026-03-06 00:00", "2026-03-06 22:00", True),  # after midnight: that day's evening
        ("2026-03-06 00:40", "2026-03-06 22:00", True),
        ("2026-02-28 21:30", "2026-03-01 00:00", False),
        ("2024-02-29 16:00", "2024-02-29 22:00", True),
    ],
)
def test_the_evening_of_a_visit(ended, due, due_counts):
    expected = Window(at(ended).astimezone(UTC), at(due).astimezone(UTC), due_counts=due_counts)
    assert windows.visit_evening(at(ended), BANK) == expected


@pytest.mark.parametrize(
    ("ended", "opens"),
    [
        ("2026-03-05 10:00", "2026-03-05 18:00"),
        ("2026-03-05 19:00", "2026-03-05 19:00"),
        ("2026-03-05 21:30", "2026-03-05 21:30"),
        ("2026-03-06 00:40", "2026-03-06 18:00"),
    ],
)
def test_a_bank_that_wants_the_evening_itself(ended, opens):
    assert windows.visit_evening(at(ended), Bank(visit_thanks_before_evening=False)).opens == at(opens)


@pytest.mark.parametrize(
    ("visited", "calendar", "workday"),
    [
        ("2026-03-05 10:00", "2026-03-07 00:00", "2026-03-07 00:00"),  # Thursday: Friday
        ("2026-03-06 10:00", "2026-03-08 00:00", "2026-03-10 00:00"),  # Friday: Saturday, or Monday
        ("2026-02-13 10:00", "2026-02-15 00:00", "2026-02-15 00:00"),  # the Saturday after is worked
        ("2026-02-14 10:00", "2026-02-16 00:00", "2026-02-25 00:00"),  # over the Spring Festival: Tuesday the 24th
        ("2026-02-27 10:00", "2026-03-01 00:00", "2026-03-01 00:00"),  # make-up Saturday at the month's end
        ("2026-02-28 23:59", "2026-03-02 00:00", "2026-03-03 00:00"),
        ("2026-09-30 10:00", "2026-10-02 00:00", "2026-10-09 00:00"),
        ("2026-10-09 10:00", "2026-10-11 00:00", "2026-10-11 00:00"),
    ],
)
def test_the_next_day(visited, calendar, workday):
    for bank, due in ((BANK, calendar), (WORKDAY_BANK, workday)):
        expected = Window(at(visited).astimezone(UTC), at(due).astimezone(UTC))
        assert windows.next_day_end(at(visited), bank, DAYS) == expected


def test_a_year_not_published_leaves_the_calendar_day():
    window = windows.next_day_end(at("2026-12-31 10:00"), WORKDAY_BANK, DAYS)
    assert window.due == at("2027-01-02 00:00")


def test_a_promise_without_a_date():
    assert windows.promised_answer(at("2026-03-06 10:00"), BANK, DAYS).due == at("2026-03-11 00:00")  # Mon, Tue
    assert windows.promised_answer(at("2026-02-13 10:00"), BANK, DAYS).due == at("2026-02-25 00:00")  # Sat 14, Tue 24
    beyond = windows.promised_answer(at("2026-12-31 10:00"), BANK, DAYS)
    assert beyond.due == at("2027-01-03 00:00")


@pytest.mark.parametrize(
    ("arrived", "grade"),
    [
        ("2026-03-05 14:34:59", "too_early"),
        ("2026-03-05 14:35", "as_prescribed"),
        ("2026-03-05 14:45", "as_prescribed"),
        ("2026-03-05 14:50", "as_prescribed"),
        ("2026-03-05 14:50:01", "short_wait"),
        ("2026-03-05 15:00", "short_wait"),
        ("2026-03-05 15:00:01", "late"),
    ],
)
def test_arrival_for_three_o_clock(arrived, grade):
    target = at("2026-03-05 15:00")
    window = windows.arrival(target, BANK)
    assert windows.arrival_grade(at(arrived), target, window.opens, BANK.arrival_prescribed_to) == grade
    assert window.is_early(at(arrived)) == (grade == "too_early")
    assert window.is_late(at(arrived)) == (grade == "late")
    assert window.target == at("2026-03-05 14:45")


def test_arrival_just_after_midnight_of_a_leap_day():
    window = windows.arrival(at("2024-03-01 00:10"), BANK)
    assert window == Window(at("2024-02-29 15:45Z"), at("2024-02-29 16:10Z"), at("2024-02-29 15:55Z"), due_counts=True)


@pytest.mark.parametrize(
    ("called", "kept"),
    [("15:24:59", False), ("15:25", True), ("15:30", True), ("15:35", True), ("15:35:01", False)],
)
def test_a_call_back_promised_for_half_past_three(called, kept):
    window = windows.promise(at("2026-03-05 15:30"), BANK)
    assert window.holds(at(f"2026-03-05 {called}")) is kept
    assert window.target == at("2026-03-05 15:30")


def test_a_call_back_at_midnight_reaches_into_two_days():
    window = windows.promise(at("2026-03-01 00:00"), BANK)
    assert (window.opens, window.due) == (at("2026-02-28 23:55"), at("2026-03-01 00:05"))


def test_settings_move_the_windows():
    bank = Bank(callback_tolerance=10, arrival_earliest=30, arrival_target=20, visit_evening_to=time(21, 30))
    target = at("2026-03-05 15:00")
    assert windows.promise(target, bank).due - target == timedelta(minutes=10)
    assert target - windows.arrival(target, bank).opens == timedelta(minutes=30)
    assert windows.visit_evening(target, bank).due == at("2026-03-05 21:30")


def test_every_name_gives_its_window():
    for name in windows.NAMES:
        window = windows.named(name, at("2026-03-05 10:00"), BANK, DAYS)
        assert window.opens <= window.due, name
    with pytest.raises(KeyError):
        windows.named("some_day", at("2026-03-05 10:00"), BANK, DAYS)
