"""The calendars, birthdays, festivals and workdays, against an independent library and days known by hand."""

from datetime import date, timedelta

import pytest
from lunar_python import LunarYear

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import (
    LAST_DAY,
    YEARS,
    Birthday,
    BirthdayPolicy,
    ImpossibleDate,
    LunarDay,
    Workdays,
    YearNotPublished,
    festival,
    leap_month,
    month_length,
    published_workdays,
    to_lunar,
    to_solar,
)
from zhike.conduct.festivals import FESTIVALS, festivals_on, next_festivals

DEFAULT = BirthdayPolicy()
ORDINARY = BirthdayPolicy(leap_month="ordinary_month")
NEXT_FIRST = BirthdayPolicy(lunar_30="next_first")
MARCH = BirthdayPolicy(feb_29="mar_1")
JULIAN_DAY_OF_ORDINAL_0 = 1721425 - 0.5


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def our_months() -> dict[tuple[int, int, bool], tuple[date, int]]:
    return {
        (year, month, leap): (to_solar(year, month, 1, leap), month_length(year, month, leap))
        for year in YEARS
        for month in range(1, 13)
        for leap in ((False, True) if leap_month(year) == month else (False,))
    }


def test_every_month_of_two_centuries_agrees_with_an_independent_library():
    theirs = {}
    for year in YEARS:
        for month in LunarYear.fromYear(year).getMonths():
            if month.getYear() == year:
                first = date.fromordinal(int(month.getFirstJulianDay() - JULIAN_DAY_OF_ORDINAL_0))
                theirs[year, abs(month.getMonth()), month.getMonth() < 0] = (first, month.getDayCount())
    # lunar-python puts the new moon of 2057 just after midnight, where the Observatory prints 28 September.
    assert theirs.pop((2057, 8, False)) == (date(2057, 8, 30), 30)
    assert theirs.pop((2057, 9, False)) == (date(2057, 9, 29), 29)
    ours = our_months()
    assert ours.pop((2057, 8, False)) == (date(2057, 8, 30), 29)
    assert ours.pop((2057, 9, False)) == (date(2057, 9, 28), 30)
    assert ours == theirs


def test_there_and_back_on_the_first_and_the_last_day_of_every_month():
    expected = date(1900, 1, 31)
    for (year, month, leap), (first, length) in sorted(our_months().items(), key=lambda row: row[1]):
        assert first == expected, (year, month, leap)
        for day in (1, length):
            assert to_lunar(to_solar(year, month, day, leap)) == LunarDay(year, month, day, leap)
        expected = first + timedelta(days=length)
    assert expected == LAST_DAY + timedelta(days=1) == date(2101, 1, 29)


@pytest.mark.parametrize(
    ("lunar", "solar", "name"),
    [
        ((2057, 9, 1), "2057-09-28", "九月初一"),  # the three months of the Observatory
        ((2057, 8, 29), "2057-09-27", "八月廿九"),
        ((2089, 8, 1), "2089-09-04", "八月初一"),
        ((2097, 7, 1), "2097-08-07", "七月初一"),
        ((1900, 11, 11), "1901-01-01", "冬月十一"),
        ((2100, 12, 1), "2100-12-31", "腊月初一"),
        ((1933, 5, 30, True), "1933-07-22", "闰五月三十"),  # lunardate gets 1933, 1954 and 1978 wrong
        ((2020, 4, 8, True), "2020-05-30", "闰四月初八"),
        ((2020, 4, 8), "2020-04-30", "四月初八"),
        ((2023, 2, 1, True), "2023-03-22", "闰二月初一"),
        ((2023, 3, 1), "2023-04-20", "三月初一"),
        ((2025, 6, 1, True), "2025-07-25", "闰六月初一"),
        ((2025, 7, 1), "2025-08-23", "七月初一"),
        ((2033, 11, 1, True), "2033-12-22", "闰冬月初一"),
        ((2025, 12, 29), "2026-02-16", "腊月廿九"),
        ((2026, 1, 1), "2026-02-17", "正月初一"),
        ((2023, 12, 30), "2024-02-09", "腊月三十"),
        ((2026, 8, 15), "2026-09-25", "八月十五"),
        ((2026, 6, 20), "2026-08-02", "六月二十"),
        ((2026, 10, 10), "2026-11-18", "十月初十"),
    ],
)
def test_known_days(lunar, solar, name):
    assert to_solar(*lunar) == date.fromisoformat(solar)
    assert to_lunar(date.fromisoformat(solar)) == LunarDay(*lunar)
    assert LunarDay(*lunar).name.zh == name


def test_days_have_an_english_name():
    assert LunarDay(2020, 4, 8, True).name.en == "leap 4th lunar month, day 8"
    assert LunarDay(2025, 12, 29).name.en == "12th lunar month, day 29"


@pytest.mark.parametrize(
    ("lunar", "zh", "en"),
    [
        ((2025, 12, 30), "农历 2025 年腊月只有 29 天，没有第 30 天", "12th month of lunar year 2025 has 29 days"),
        ((2026, 1, 0), "没有第 0 天", "no day 0"),
        ((2026, 4, 8, True), "农历 2026 年没有闰四月：该年没有闰月", "has no leap 4th month: it has none"),
        ((2025, 5, 1, True), "没有闰五月：该年闰的是六月", "its leap month is the 6th"),
        ((2026, 13, 1), "月份应为 1 至 12", "month must be from 1 to 12"),
        ((2101, 1, 1), "年份应为 1900 至 2100", "year must be from 1900 to 2100"),
    ],
)
def test_an_impossible_day_is_refused_with_its_reason(lunar, zh, en):
    with pytest.raises(ImpossibleDate) as refused:
        to_solar(*lunar)
    assert zh in refused.value.words.zh
    assert en in refused.value.words.en


@pytest.mark.parametrize("day", [date(1900, 1, 30), date(2101, 1, 29)])
def test_a_day_outside_the_calendar_is_refused(day):
    with pytest.raises(ImpossibleDate, match="超出农历换算范围"):
        to_lunar(day)


@pytest.mark.parametrize(
    ("birthday", "policy", "from_day", "expected"),
    [
        pytest.param(
            Birthday("solar", 8, 15), DEFAULT, "2026-08-15",
            ["2026-08-15", "2027-08-15", "2028-08-15", "2029-08-15", "2030-08-15"], id="solar, today included"),
        pytest.param(
            Birthday("solar", 2, 29, 1992), DEFAULT, "2026-03-01",
            ["2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28"], id="29 February"),
        pytest.param(
            Birthday("solar", 2, 29, 1992), MARCH, "2026-03-01",
            ["2026-03-01", "2027-03-01", "2028-02-29", "2029-03-01", "2030-03-01"], id="29 February, 1 March"),
        pytest.param(
            Birthday("lunar", 8, 15, 1970), DEFAULT, "2023-09-30",
            ["2024-09-17", "2025-10-06", "2026-09-25", "2027-09-15", "2028-10-03"], id="mid-autumn"),
        pytest.param(  # once a year, in the ordinary month, though 2020 has a leap 4th month
            Birthday("lunar", 4, 8), DEFAULT, "2019-06-01",
            ["2020-04-30", "2021-05-19", "2022-05-08", "2023-05-26", "2024-05-15"], id="ordinary month"),
        pytest.param(
            Birthday("lunar", 4, 8, 2020, leap=True), DEFAULT, "2020-01-01",
            ["2020-05-30", "2021-05-19", "2022-05-08", "2023-05-26", "2024-05-15"], id="leap 4th of 2020"),
        pytest.param(
            Birthday("lunar", 4, 8, 2020, leap=True), ORDINARY, "2020-01-01",
            ["2020-04-30", "2021-05-19", "2022-05-08", "2023-05-26", "2024-05-15"], id="leap 4th, always ordinary"),
        pytest.param(
            Birthday("lunar", 2, 15, 2004, leap=True), DEFAULT, "2022-01-01",
            ["2022-03-17", "2023-04-05", "2024-03-24", "2025-03-14", "2026-04-02"], id="leap 2nd, again in 2023"),
        pytest.param(
            Birthday("lunar", 6, 15, 1987, leap=True), DEFAULT, "2025-07-10",
            ["2025-08-08", "2026-07-28", "2027-07-18", "2028-08-05", "2029-07-25"], id="leap 6th, again in 2025"),
        pytest.param(  # the 12th months of lunar 2024 to 2028 have 29 days
            Birthday("lunar", 12, 30, 1961), DEFAULT, "2024-02-09",
            ["2024-02-09", "2025-01-28", "2026-02-16", "2027-02-05", "2028-01-25"], id="30th of the 12th"),
        pytest.param(
            Birthday("lunar", 12, 30, 1961), NEXT_FIRST, "2024-02-09",
            ["2024-02-09", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26"], id="30th of the 12th, next first"),
        pytest.param(  # solar 2022 sees the 8th of the 12th month twice, 2023 never
            Birthday("lunar", 12, 8), DEFAULT, "2022-01-01",
            ["2022-01-10", "2022-12-30", "2024-01-18", "2025-01-07", "2026-01-26"], id="twice in a year, then never"),
        pytest.param(
            Birthday("lunar", 12, 1), DEFAULT, "2099-06-01", ["2100-01-10", "2100-12-31"], id="to the calendar's end"),
    ],
)  # fmt: skip
def test_the_next_five_dates(birthday, policy, from_day, expected):
    assert birthday.next_dates(date.fromisoformat(from_day), policy) == days(*expected)


def test_a_lunar_birthday_belongs_to_its_lunar_year():
    laba = Birthday("lunar", 12, 8)
    assert laba.in_year(2021, DEFAULT) == date(2022, 1, 10)
    assert laba.in_year(2022, DEFAULT) == date(2022, 12, 30)
    with pytest.raises(ImpossibleDate, match="1900"):
        laba.in_year(2101, DEFAULT)


def test_every_birthday_is_celebrated_exactly_once_in_every_lunar_year():
    for policy in (DEFAULT, ORDINARY, NEXT_FIRST):
        for birthday in (Birthday("lunar", 1, 1), Birthday("lunar", 12, 30), Birthday("lunar", 6, 30, leap=True)):
            celebrated = [birthday.in_year(year, policy) for year in YEARS]
            assert celebrated == sorted(set(celebrated))
            assert birthday.next_dates(date(1900, 1, 1), policy, count=len(YEARS)) == celebrated


def test_the_bank_chooses_the_policy():
    assert Bank().birthday_policy == DEFAULT
    assert Bank(birthday_feb_29="mar_1").birthday_policy == MARCH


def test_age():
    leap_day = Birthday("solar", 2, 29, 1992)
    assert [leap_day.age_on(day) for day in days("2026-02-28", "2026-03-01", "2028-02-29")] == [33, 34, 36]
    lunar = Birthday("lunar", 12, 8, 2011)  # born on 2012-01-01
    assert lunar.born == date(2012, 1, 1)
    assert [lunar.age_on(day) for day in days("2025-12-31", "2026-01-01", "2011-12-31")] == [13, 14, -1]
    assert Birthday("lunar", 12, 8).age_on(date(2026, 1, 1)) is None


@pytest.mark.parametrize(
    ("parts", "zh"),
    [
        (("solar", 2, 29, 2025), "公历2025 年2 月没有 29 日"),
        (("solar", 4, 31), "公历4 月没有 31 日"),
        (("solar", 4, 30, None, True), "公历没有闰月"),
        (("solar", 13, 1), "月份应为 1 至 12"),
        (("lunar", 12, 30, 2025), "腊月只有 29 天"),
        (("lunar", 12, 31), "农历腊月至多 30 天"),
        (("lunar", 4, 8, 2026, True), "该年没有闰月"),
        (("lunar", 12, 1, None, True), "农历闰腊月不存在"),
        (("lunar", 8, 30, None, True), "农历闰八月至多 29 天"),
        (("lunar", 8, 1, 1899), "年份应为 1900 至 2100"),
    ],
)
def test_a_birthday_that_cannot_be_is_refused(parts, zh):
    with pytest.raises(ImpossibleDate) as refused:
        Birthday(*parts)
    assert zh in refused.value.words.zh


def test_birthdays_have_names():
    assert Birthday("solar", 8, 15).name.zh == "8 月 15 日"
    assert Birthday("lunar", 4, 8, leap=True).name.zh == "农历闰四月初八"


@pytest.mark.parametrize(
    ("day", "keys"),
    [
        ("2026-01-01", ["new_year"]),
        ("2026-01-26", ["laba"]),
        ("2026-02-16", ["new_years_eve"]),  # the 29th
        ("2024-02-09", ["new_years_eve"]),  # the 30th
        ("2026-02-17", ["spring_festival"]),
        ("2026-03-03", ["lantern"]),
        ("2024-04-04", ["qingming"]),
        ("2026-04-05", ["qingming"]),
        ("2026-05-10", ["mothers_day"]),
        ("2025-06-01", ["childrens_day"]),
        ("2025-06-15", ["fathers_day"]),
        ("2026-06-19", ["dragon_boat"]),
        ("2025-08-29", ["qixi"]),  # in a year with a leap 6th month
        ("2020-10-01", ["mid_autumn", "national_day"]),
        ("2025-10-06", ["mid_autumn"]),
        ("2026-10-18", ["double_ninth"]),
        ("2025-12-21", ["winter_solstice"]),
        ("2026-02-15", []),
    ],
)
def test_festivals(day, keys):
    assert [festival.key for festival in festivals_on(date.fromisoformat(day))] == keys


def test_the_festivals_that_come():
    coming = next_festivals(date(2026, 1, 1), 4)
    assert [(day, festival.name.zh) for day, festival in coming] == [
        (date(2026, 1, 1), "元旦"),
        (date(2026, 1, 26), "腊八节"),
        (date(2026, 2, 16), "除夕"),
        (date(2026, 2, 17), "春节"),
    ]
    a_year = next_festivals(date(2026, 7, 1), len(FESTIVALS))
    assert {festival.key for _, festival in a_year} == {festival.key for festival in FESTIVALS}
    assert all(day < date(2027, 7, 1) for day, _ in a_year)


# The State Council's arrangement of 2026, notice of 2025-11-04: days off, and the days worked instead.
OFF_2026 = [
    *("2026-01-01", "2026-01-02", "2026-01-03"),
    *(f"2026-02-{day}" for day in range(15, 24)),
    *("2026-04-04", "2026-04-05", "2026-04-06"),
    *(f"2026-05-0{day}" for day in range(1, 6)),
    *("2026-06-19", "2026-06-20", "2026-06-21"),
    *("2026-09-25", "2026-09-26", "2026-09-27"),
    *(f"2026-10-0{day}" for day in range(1, 8)),
]
WORKED_2026 = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]


def test_the_workdays_of_2026():
    workdays = published_workdays()
    day = date(2026, 1, 1)
    while day.year == 2026:
        expected = day.isoformat() in WORKED_2026 or (day.weekday() < 5 and day.isoformat() not in OFF_2026)
        assert workdays.is_workday(day) is expected, day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2008-05-04", True),
        ("2015-09-03", False),  # the one-time holiday of 2015
        ("2020-01-31", False),  # the Spring Festival prolonged
        ("2022-12-31", False),  # a Saturday, named by the notice of the year after
        ("2024-02-04", True),
        ("2024-02-09", True),  # New Year's Eve was a workday by the notice
        ("2025-01-28", False),  # and is a holiday from 2025 on
        ("2025-09-28", True),
        ("2025-10-08", False),
    ],
)
def test_workdays_as_published(day, works):
    assert published_workdays().is_workday(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2026-02-13", "2026-02-14"),  # a make-up Saturday
        ("2026-02-14", "2026-02-24"),
        ("2026-02-27", "2026-02-28"),
        ("2026-09-30", "2026-10-08"),
        ("2026-10-09", "2026-10-10"),
    ],
)
def test_the_next_workday(day, following):
    assert published_workdays().next_workday(date.fromisoformat(day)) == date.fromisoformat(following)


def test_a_year_not_published_is_said_to_be_so():
    workdays = Workdays.of({date(2026, 1, 1): False, date(2026, 10, 1): False})
    assert workdays.published == {2026}
    assert workdays.is_workday(date(2026, 12, 31))
    for ask in (lambda: workdays.is_workday(date(2027, 1, 4)), lambda: workdays.next_workday(date(2026, 12, 31))):
        with pytest.raises(YearNotPublished, match="2027 年的节假日安排尚未公布") as refused:
            ask()
        assert refused.value.year == 2027


def test_a_bank_may_work_on_days_of_its_own():
    saturday, sunday = date(2026, 3, 7), date(2026, 3, 8)
    workdays = Workdays.of({saturday: True}, published=[2026])
    assert workdays.is_workday(saturday)
    assert not workdays.is_workday(sunday)


def test_a_birthday_has_a_name_in_both_languages() -> None:
    assert Birthday("solar", 5, 9).name.say("en") == "9 May"
    assert Birthday("solar", 5, 9).name.say("zh-hans") == "5 月 9 日"
    assert Birthday("lunar", 12, 30).name.say("en") == "12th lunar month, day 30"


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 2, 16), "除夕"),  # the twelfth month of 29 days
        (date(2027, 2, 5), "除夕"),
        (date(2026, 2, 17), "春节"),
        (date(2026, 3, 3), "元宵节"),
        (date(2025, 6, 25), None),  # the day after the leap sixth month begins is nobody's feast
        (date(2026, 4, 5), "清明节"),
        (date(2025, 10, 6), "中秋节"),
        (date(2020, 10, 1), "中秋节"),  # also National Day: the lunar one is said
        (date(2026, 10, 1), "国庆节"),
        (date(2026, 3, 2), None),
    ],
)
def test_the_festival_of_a_day(day: date, name: str | None) -> None:
    found = festival(day)
    assert (found and found.zh) == name
