"""When an obligation wants to be remembered, worked out by hand from C5 and the bank's hours (8:30 to 17:30, Asia/Shanghai)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.remind import Hours, Moment, Remembered, moments
from zhike.conduct.reminding import said

SHANGHAI = ZoneInfo("Asia/Shanghai")
BANK = Bank()
HOURS = Hours(BANK.work_from, BANK.work_to)
# 2026: 24 February is the Tuesday after the Spring Festival's leave, 28 February a Saturday that is worked.
WORKDAYS = Workdays.of({date(2026, 2, 28): True, date(2026, 10, 1): False, date(2026, 10, 2): False})


def at(day: int, hour: int, minute: int = 0, *, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def owed(kind: str, opens: datetime, due: datetime, **more) -> Remembered:
    return Remembered(id=more.pop("id", 1), kind=kind, made_at=more.pop("made_at", opens), opens=opens, due=due, **more)


def when(found) -> list[tuple[str, datetime]]:
    return [(moment.step, moment.at) for moment in found if not moment.quiet]


def call_back(target: datetime) -> Remembered:
    five = timedelta(minutes=5)
    return owed("call_back", target - five, target + five, target=target, due_counts=True, made_at=target - 50 * five)


def test_a_call_back_is_remembered_at_15_and_2_minutes_before_and_at_the_minute():
    found = moments(call_back(at(3, 15)), BANK, HOURS, WORKDAYS)
    assert when(found) == [("before:15", at(3, 14, 45)), ("before:2", at(3, 14, 58)), ("before:0", at(3, 15))]


def test_before_work_begins_only_what_lies_in_working_hours_is_sent():
    # Promised for 8:35: a quarter of an hour before is 8:20, when nobody works yet.
    found = moments(call_back(at(3, 8, 35)), BANK, HOURS, WORKDAYS)
    assert [(moment.step, moment.quiet) for moment in found] == [
        ("before:15", True),
        ("before:2", False),
        ("before:0", False),
    ]


@pytest.mark.parametrize(
    "promised", [at(3, 20), at(7, 10), at(1, 10, month=10)], ids=["evening", "saturday", "holiday"]
)
def test_a_promise_outside_working_hours_is_remembered_all_the_same(promised):
    found = moments(call_back(promised), BANK, HOURS, WORKDAYS)
    assert [moment.quiet for moment in found] == [False, False, False]


def test_a_saturday_that_is_worked_has_working_hours():
    found = moments(call_back(at(28, 8, 35, month=2)), BANK, HOURS, WORKDAYS)
    assert [moment.quiet for moment in found] == [True, False, False]


def test_a_visit_says_when_to_leave_and_when_to_be_at_the_door():
    # V2: agreed for 15:00, at the door at 14:45; leave an hour before, ten minutes before the door is 14:35.
    visit = owed("arrival", at(3, 14, 35), at(3, 15), target=at(3, 14, 45), due_counts=True)
    assert when(moments(visit, BANK, HOURS, WORKDAYS)) == [("leave", at(3, 14)), ("before:10", at(3, 14, 35))]


def test_an_answer_owed_by_the_end_of_the_next_day_is_remembered_that_morning_and_before_closing():
    # V7: demand on Tuesday the 3rd at 16:00, due at 24:00 of the 4th.
    demand = owed("answer", at(3, 16), at(5, 0))
    assert when(moments(demand, BANK, HOURS, WORKDAYS)) == [("morning", at(4, 8, 30)), ("closing", at(4, 17))]


def test_what_falls_due_on_a_day_off_is_remembered_on_the_working_day_before():
    # Demand on Friday the 6th at 10:00, due at 24:00 of Saturday: before closing on Friday; that morning was before the demand.
    demand = owed("answer", at(6, 10), at(8, 0))
    assert when(moments(demand, BANK, HOURS, WORKDAYS)) == [("closing", at(6, 17))]


def test_what_is_owed_only_after_work_is_remembered_in_the_evening():
    # V5: a visit that ended at 19:00 is thanked for until 22:00: half an hour before 21:00, the latest that the bank allows.
    thanks = owed("thanks", at(3, 19), at(3, 22), due_counts=True)
    assert when(moments(thanks, BANK, HOURS, WORKDAYS)) == [("closing", at(3, 20, 30))]
    # Ended at 21:10, due at 24:00: half an hour later; ended at 23:50: there is no time for a reminder.
    assert when(moments(owed("thanks", at(3, 21, 10), at(4, 0)), BANK, HOURS, WORKDAYS)) == [("closing", at(3, 21, 40))]
    assert when(moments(owed("thanks", at(3, 23, 50), at(4, 0)), BANK, HOURS, WORKDAYS)) == []


def test_a_deadline_at_noon_is_remembered_before_noon():
    # R12, farewell after 21:00: due at 12:00 of the next day.
    thanks = owed("thanks", at(3, 21, 30), at(4, 12), due_counts=True)
    assert when(moments(thanks, BANK, HOURS, WORKDAYS)) == [("closing", at(4, 11, 30))]


def test_the_leader_is_told_at_once_and_at_night_only_where_the_morning_is_too_late():
    day = owed("look_into", at(3, 15, 30), at(4, 0))
    assert when(moments(day, BANK, HOURS, WORKDAYS)) == [("once", at(3, 15, 30))]
    evening = owed("look_into", at(3, 20, 30), at(4, 0))
    assert when(moments(evening, BANK, HOURS, WORKDAYS)) == [("once", at(3, 20, 30))]
    till_noon = owed("apology", at(3, 20, 30), at(4, 12))
    assert ("once", at(4, 8, 30)) in when(moments(till_noon, BANK, HOURS, WORKDAYS))


def test_what_is_told_late_is_remembered_from_then_on():
    late = owed("look_into", at(3, 9), at(4, 0), made_at=at(3, 15, 30))
    assert when(moments(late, BANK, HOURS, WORKDAYS)) == [("once", at(3, 15, 30))]


def test_duties_of_one_kind_have_a_quarter_of_an_hour_each():
    # 8:30 to 16:30 is room for 32; the 33rd begins again.
    day = [owed("rhythm", at(3, 0), at(4, 0), id=number) for number in range(64)]
    mornings = [moments(one, BANK, HOURS, WORKDAYS)[0].at for one in day]
    assert mornings[:3] == [at(3, 8, 30), at(3, 8, 45), at(3, 9)]
    assert max(mornings) == at(3, 16, 15)
    assert {mornings.count(one) for one in mornings} == {2}


def test_the_owner_s_own_hours_count():
    demand = owed("answer", at(3, 9), at(5, 0))
    part_time = Hours(time(10), time(15))
    assert when(moments(demand, BANK, part_time, WORKDAYS)) == [("morning", at(4, 10)), ("closing", at(4, 14, 30))]


def test_the_leap_day_and_the_turn_of_the_year():
    leap = datetime(2028, 2, 29, 23, 59, tzinfo=SHANGHAI).astimezone(UTC)
    found = moments(call_back(leap), BANK, HOURS, WORKDAYS)
    assert [moment.at.astimezone(SHANGHAI).strftime("%m-%d %H:%M") for moment in found] == [
        "02-29 23:44",
        "02-29 23:57",
        "02-29 23:59",
    ]
    midnight = datetime(2027, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
    assert moments(call_back(midnight), BANK, HOURS, WORKDAYS)[0].at == midnight - timedelta(minutes=15)


def test_another_time_zone_has_its_own_hours():
    # The same instants; at Urumqi's bank, two hours behind, 10:00 in Shanghai is before work begins.
    bank = replace(BANK, zone=ZoneInfo("Asia/Urumqi"))
    assert [moment.quiet for moment in moments(call_back(at(3, 10, 45)), bank, HOURS, WORKDAYS)] == [
        False,
        False,
        False,
    ]
    assert [moment.quiet for moment in moments(call_back(at(3, 10, 40)), bank, HOURS, WORKDAYS)] == [True, False, False]
    berlin = replace(BANK, zone=ZoneInfo("Europe/Berlin"))
    # 29 March 2026, 2:00 becomes 3:00 in Berlin: a quarter of an hour before 3:05 is 1:50.
    target = datetime(2026, 3, 29, 3, 5, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    first = moments(call_back(target), berlin, HOURS, WORKDAYS)[0]
    assert first.at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M") == "01:50"


def test_a_kind_that_the_bank_leaves_out_is_not_remembered():
    bank = replace(BANK, reminders=tuple(row for row in BANK.reminders if row.kind != "write_up"))
    assert moments(owed("write_up", at(3, 10), at(4, 0)), bank, HOURS, WORKDAYS) == ()


def test_each_step_has_a_name():
    assert said("before:15").zh == "提前 15 分"
    assert said("before:0").en == "at the minute"
    assert said("closing").zh == "下班前"
    assert Moment("leave", at(3, 9)).quiet is False
