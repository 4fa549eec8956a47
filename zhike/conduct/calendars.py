"""Days as customers and banks count them: the lunar calendar, birthdays by either calendar, workdays.

Lunar years are 1900 to 2100: every day from 1901-01-01 to 2100-12-31 and a little on both sides. The months are those
of `borax`; where it differs from the tables of the Hong Kong Observatory, the Observatory's reading stands.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from typing import Literal

import chinese_calendar.constants as state_council
from borax.calendars.lunardate import LCalendars, LunarDate

from zhike.conduct.words import Refused, Words

FIRST_YEAR, LAST_YEAR = 1900, 2100
YEARS = range(FIRST_YEAR, LAST_YEAR + 1)

_DAY = timedelta(days=1)
_SATURDAY = 5
_FIRST_NEW_YEAR = date(1900, 1, 31)

# The new moon of each falls within minutes of midnight. The Observatory begins the month on 2057-09-28, 2089-09-04 and
# 2097-08-07, borax a day later; so the month before has 29 days and not 30, and this one a day more.
_OBSERVATORY = {(2057, 8): -1, (2057, 9): 1, (2089, 7): -1, (2089, 8): 1, (2097, 6): -1, (2097, 7): 1}

_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS_ZH = "正二三四五六七八九十冬腊"
_DIGITS_ZH = "一二三四五六七八九十"
_ORDINALS = ("1st", "2nd", "3rd", *(f"{n}th" for n in range(4, 13)))


class ImpossibleDate(Refused):
    """A day that does not exist. `words` says why."""


@dataclass(frozen=True, slots=True, order=True)
class LunarDay:
    """A day of the lunar calendar. `year` is the solar year in which its lunar year begins."""

    year: int
    month: int
    day: int
    leap: bool = False

    @property
    def name(self) -> Words:
        """腊月廿九, 闰四月初八; in English "12th lunar month, day 29"."""
        return _name(self.month, self.day, self.leap)


@dataclass(frozen=True, slots=True)
class _Month:
    first: date
    length: int


def _lay_out() -> Iterator[tuple[tuple[int, int, bool], _Month]]:
    first = _FIRST_NEW_YEAR
    for year in YEARS:
        for month, days, leap in LCalendars.iter_year_month(year):
            length = days + (0 if leap else _OBSERVATORY.get((year, month), 0))
            yield (year, month, bool(leap)), _Month(first, length)
            first += length * _DAY


_MONTHS: dict[tuple[int, int, bool], _Month] = dict(_lay_out())
_KEYS = list(_MONTHS)
_FIRSTS = [month.first for month in _MONTHS.values()]
_LONGEST_LEAP: dict[int, int] = {}
for (_, _month, _leap), _row in _MONTHS.items():
    if _leap:
        _LONGEST_LEAP[_month] = max(_row.length, _LONGEST_LEAP.get(_month, 0))
LAST_DAY = _FIRSTS[-1] + (_MONTHS[_KEYS[-1]].length - 1) * _DAY


def to_solar(year: int, month: int, day: int, leap: bool = False) -> date:
    """The solar date of a lunar one. Raises ImpossibleDate for a day that the calendar does not have."""
    length = month_length(year, month, leap)
    if not 1 <= day <= length:
        label = _month_name(month, leap)
        raise ImpossibleDate(
            f"农历 {year} 年{label.zh}只有 {length} 天，没有第 {day} 天。",
            f"The {label.en} of lunar year {year} has {length} days, so there is no day {day}.",
        )
    return _MONTHS[year, month, leap].first + (day - 1) * _DAY


def month_length(year: int, month: int, leap: bool = False) -> int:
    """Days of a lunar month, 29 or 30. Raises ImpossibleDate for a month that does not exist."""
    _check_year(year)
    _check_month(month)
    row = _MONTHS.get((year, month, bool(leap)))
    if row is None:
        wanted = _month_name(month, True)
        has = leap_month(year)
        zh, en = (
            ("该年没有闰月", "it has none")
            if has is None
            else (f"该年闰的是{_month_name(has, False).zh}", f"its leap month is the {_ORDINALS[has - 1]}")
        )
        raise ImpossibleDate(f"农历 {year} 年没有{wanted.zh}：{zh}。", f"Lunar year {year} has no {wanted.en}: {en}.")
    return row.length


def leap_month(year: int) -> int | None:
    """The month that a lunar year has twice, if there is one."""
    return next((month for month in range(1, 13) if (year, month, True) in _MONTHS), None)


def to_lunar(day: date) -> LunarDay:
    """The lunar date of a solar one. Raises ImpossibleDate before 1900-01-31 and after 2101-01-28."""
    if not _FIRST_NEW_YEAR <= day <= LAST_DAY:
        raise ImpossibleDate(
            f"{day} 超出农历换算范围（{_FIRST_NEW_YEAR} 至 {LAST_DAY}）。",
            f"{day} lies outside the lunar calendar kept here ({_FIRST_NEW_YEAR} to {LAST_DAY}).",
        )
    at = bisect_right(_FIRSTS, day) - 1
    year, month, leap = _KEYS[at]
    return LunarDay(year, month, (day - _FIRSTS[at]).days + 1, leap)


# The days on which customers are greeted; 除夕 is the day before the first, 清明 and 冬至 follow the sun.
_SOLAR_FESTIVALS = {
    (1, 1): Words("元旦", "New Year's Day"),
    (3, 8): Words("妇女节", "Women's Day"),
    (5, 1): Words("劳动节", "Labour Day"),
    (6, 1): Words("儿童节", "Children's Day"),
    (9, 10): Words("教师节", "Teachers' Day"),
    (10, 1): Words("国庆节", "National Day"),
}
_LUNAR_FESTIVALS = {
    (1, 1): Words("春节", "Spring Festival"),
    (1, 15): Words("元宵节", "Lantern Festival"),
    (5, 5): Words("端午节", "Dragon Boat Festival"),
    (7, 7): Words("七夕", "Qixi"),
    (8, 15): Words("中秋节", "Mid-Autumn Festival"),
    (9, 9): Words("重阳节", "Double Ninth"),
    (12, 8): Words("腊八节", "Laba"),
}
_TERMS = {"清明": Words("清明节", "Qingming"), "冬至": Words("冬至", "Winter Solstice")}


def festival(day: date) -> Words | None:
    """The festival of a day, the lunar one where two meet; None on any other day."""
    lunar = to_lunar(day)
    found = None if lunar.leap else _LUNAR_FESTIVALS.get((lunar.month, lunar.day))
    if found is None and day < LAST_DAY and to_lunar(day + _DAY).name.zh == "正月初一":
        found = Words("除夕", "Lunar New Year's Eve")
    return found or _SOLAR_FESTIVALS.get((day.month, day.day)) or _TERMS.get(LunarDate.from_solar(day).term or "")


@dataclass(frozen=True, slots=True)
class BirthdayPolicy:
    """When a birthday is celebrated in a year that lacks its day. The first of each is the default of CLAUSES."""

    leap_month: Literal["own_month", "ordinary_month"] = "own_month"
    lunar_30: Literal["last_day", "next_first"] = "last_day"
    feb_29: Literal["feb_28", "mar_1"] = "feb_28"


@dataclass(frozen=True, slots=True)
class Birthday:
    """The day on which somebody celebrates, solar or lunar, with the year of birth where it is known.

    A lunar `year` is a lunar year: somebody born on 2001-01-10 was born in lunar 2000. Raises ImpossibleDate for a day
    that does not exist, in its year or, without a year, in any.
    """

    calendar: Literal["solar", "lunar"]
    month: int
    day: int
    year: int | None = None
    leap: bool = False

    def __post_init__(self) -> None:
        _check_month(self.month)
        if self.year is not None:
            _check_year(self.year)
        if self.calendar == "solar":
            self._check_solar()
        elif self.year is not None:
            to_solar(self.year, self.month, self.day, self.leap)
        else:
            self._check_lunar()

    def _check_solar(self) -> None:
        if self.leap:
            raise ImpossibleDate("公历没有闰月。", "The solar calendar has no leap months.")
        try:
            date(2000 if self.year is None else self.year, self.month, self.day)
        except ValueError:
            in_year = (f"{self.year} 年", f" of {self.year}") if self.year is not None else ("", "")
            raise ImpossibleDate(
                f"公历{in_year[0]}{self.month} 月没有 {self.day} 日。",
                f"There is no day {self.day} in month {self.month}{in_year[1]}.",
            ) from None

    def _check_lunar(self) -> None:
        longest = _LONGEST_LEAP.get(self.month, 0) if self.leap else 30
        if not 1 <= self.day <= longest:
            label = _month_name(self.month, self.leap)
            zh, en = "不存在", "does not exist"
            if longest:
                zh, en = f"至多 {longest} 天", f"has at most {longest} days"
            raise ImpossibleDate(
                f"{FIRST_YEAR} 至 {LAST_YEAR} 年间，农历{label.zh}{zh}。",
                f"From {FIRST_YEAR} to {LAST_YEAR} the lunar {label.en} {en}.",
            )

    @property
    def name(self) -> Words:
        """8 月 15 日 or 农历闰四月初八; in English "15 Aug", "leap 4th lunar month, day 8"."""
        if self.calendar == "solar":
            return Words(f"{self.month} 月 {self.day} 日", f"{self.day} {_MONTHS_EN[self.month - 1]}")
        lunar = _name(self.month, self.day, self.leap)
        return Words(f"农历{lunar.zh}", lunar.en)

    @property
    def born(self) -> date | None:
        """The solar date of birth, where the year is known."""
        if self.year is None:
            return None
        if self.calendar == "solar":
            return date(self.year, self.month, self.day)
        return to_solar(self.year, self.month, self.day, self.leap)

    def age_on(self, day: date) -> int | None:
        """Completed years (周岁) on `day` by the solar date of birth, as law counts; 29 February completes on 1 March.

        None where the year of birth is not known; below zero before the birth.
        """
        born = self.born
        if born is None:
            return None
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def in_year(self, year: int, policy: BirthdayPolicy) -> date:
        """The one day on which the birthday of `year` is celebrated.

        For a lunar birthday `year` is the lunar year: one in its 11th or 12th month may fall in the solar year after,
        so that a solar year may see it twice or not at all. Raises ImpossibleDate outside 1900 to 2100.
        """
        _check_year(year)
        return self._solar_in(year, policy) if self.calendar == "solar" else self._lunar_in(year, policy)

    def _solar_in(self, year: int, policy: BirthdayPolicy) -> date:
        if (self.month, self.day) == (2, 29):
            first_of_march = date(year, 3, 1)
            eve = first_of_march - _DAY
            return first_of_march if eve.day == 28 and policy.feb_29 == "mar_1" else eve
        return date(year, self.month, self.day)

    def _lunar_in(self, year: int, policy: BirthdayPolicy) -> date:
        leap = self.leap and policy.leap_month == "own_month" and (year, self.month, True) in _MONTHS
        row = _MONTHS[year, self.month, leap]
        if self.day > row.length:
            return row.first + (row.length - (policy.lunar_30 == "last_day")) * _DAY
        return row.first + (self.day - 1) * _DAY

    def next_dates(self, from_day: date, policy: BirthdayPolicy, count: int = 5) -> list[date]:
        """The next `count` celebrations, `from_day` included; fewer where 2100 ends them."""
        # A lunar year ends within the solar year after it, so the year before may still have its celebration to come.
        years = range(max(FIRST_YEAR, from_day.year - 1), LAST_YEAR + 1)
        coming = (day for day in (self.in_year(year, policy) for year in years) if day >= from_day)
        return list(islice(coming, count))


@lru_cache(maxsize=256)
def celebrated(first: date, last: date, policy: BirthdayPolicy) -> Sequence[Birthday]:
    """Every birthday, solar or lunar and without its year, that is celebrated from `first` to `last`, both included."""
    candidates = {("solar", 2, 29, False)}
    # A lunar birthday that moved by policy lies at most a day from where it was born: look at the days around.
    for step in range(-1, (last - first).days + 2):
        near = first + step * _DAY
        lunar = to_lunar(near)
        candidates |= {("solar", near.month, near.day, False)}
        candidates |= {("lunar", lunar.month, day, leap) for day in {lunar.day, 30} for leap in (False, True)}
    found = []
    for calendar, month, day, leap in sorted(candidates):
        try:
            birthday = Birthday(calendar=calendar, year=None, month=month, day=day, leap=leap)  # type: ignore[arg-type]
        except ImpossibleDate:
            continue
        if any(on <= last for on in birthday.next_dates(first, policy, 1)):
            found.append(birthday)
    return tuple(found)


class YearNotPublished(Refused):
    """The arrangement of a year's holidays and make-up workdays is not known yet, so no workday in it is."""

    def __init__(self, year: int) -> None:
        super().__init__(
            f"{year} 年的节假日安排尚未公布或尚未录入，工作日无从判断。请在“工作日”设置中录入该年安排。",
            f"The holiday arrangement of {year} is not published or not entered yet, so its workdays are unknown. "
            f"Enter that year under Workdays.",
        )
        self.year = year


@dataclass(frozen=True)
class Workdays:
    """Which days the bank works: Monday to Friday, but for `days` (True: a make-up workday, False: a holiday).

    Only `published` years are answered for; in any other year nothing is guessed. The bank's own table builds it,
    seeded from `published_workdays()`.
    """

    days: Mapping[date, bool] = field(default_factory=dict)
    published: frozenset[int] = frozenset()

    @classmethod
    def of(cls, days: Mapping[date, bool], published: Iterable[int] | None = None) -> "Workdays":
        """Without `published`, a year counts as published when its National Day is named, as in every notice."""
        if published is None:
            published = (day.year for day in days if (day.month, day.day) == (10, 1))
        return cls(dict(days), frozenset(published))

    def is_workday(self, day: date) -> bool:
        """Raises YearNotPublished rather than guessing."""
        if day.year not in self.published:
            raise YearNotPublished(day.year)
        return self.days.get(day, day.weekday() < _SATURDAY)

    def may_work(self, day: date) -> bool:
        """Whether `day` may be proposed: a workday, or in a year that is not published Monday to Friday. What is merely offered
        may guess; what is owed may not."""
        return self.days.get(day, day.weekday() < _SATURDAY)

    def next_workday(self, day: date) -> date:
        """The first workday after `day`. Raises YearNotPublished when the search runs into an unknown year."""
        day += _DAY
        while not self.is_workday(day):
            day += _DAY
        return day


def published_workdays() -> Workdays:
    """What the State Council has published, 2004 on, as far as the locked version of `chinesecalendar` knows."""
    days: dict[date, bool] = dict.fromkeys(state_council.holidays, False)
    days.update(dict.fromkeys(state_council.workdays, True))
    return Workdays.of(days)


def published_name(day: date) -> Words | None:
    """What a published holiday is called, and what a make-up workday makes up for; None for any other day."""
    if english := state_council.holidays.get(day):
        return Words(state_council.Holiday(english).chinese, english)
    if english := state_council.workdays.get(day):
        return Words(f"{state_council.Holiday(english).chinese}调休", f"made up for {english}")
    return None


def _check_year(year: int) -> None:
    if year not in YEARS:
        raise ImpossibleDate(
            f"年份应为 {FIRST_YEAR} 至 {LAST_YEAR}，不能是 {year}。",
            f"The year must be from {FIRST_YEAR} to {LAST_YEAR}, not {year}.",
        )


def _check_month(month: int) -> None:
    if not 1 <= month <= 12:
        raise ImpossibleDate(f"月份应为 1 至 12，不能是 {month}。", f"The month must be from 1 to 12, not {month}.")


def _month_name(month: int, leap: bool) -> Words:
    return Words(f"{'闰' * leap}{_MONTHS_ZH[month - 1]}月", f"{'leap ' * leap}{_ORDINALS[month - 1]} month")


def _name(month: int, day: int, leap: bool) -> Words:
    label = f"{'leap ' * leap}{_ORDINALS[month - 1]} lunar month, day {day}"
    return Words(f"{_month_name(month, leap).zh}{_day_name(day)}", label)


def _day_name(day: int) -> str:
    if day in (20, 30):
        return "二三"[day // 10 - 2] + "十"
    return "初十廿"[day // 10 - (day == 10)] + _DIGITS_ZH[(day - 1) % 10]
