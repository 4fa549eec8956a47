"""Festivals, by the solar calendar, the lunar calendar and the sun's course."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from borax.calendars.lunardate import TermUtils

from zhike.conduct.calendars import LAST_YEAR, month_length, to_solar
from zhike.conduct.words import Words

_SUNDAY = 6
_QINGMING, _DONGZHI = 6, 23


@dataclass(frozen=True, slots=True)
class Festival:
    """One festival. `day_in(year)` is its day in a solar year, or for a lunar festival in a lunar one, 1901 to 2100."""

    key: str
    name: Words
    day_in: Callable[[int], date]


def festivals_on(day: date) -> tuple[Festival, ...]:
    """The festivals of a day; at most a few, usually none."""
    return tuple(row for row in FESTIVALS if any(row.day_in(year) == day for year in _years_of(day)))


def next_festivals(from_day: date, count: int = 5) -> list[tuple[date, Festival]]:
    """The next festivals with their days, `from_day` included, in the order of the days."""
    years = range(from_day.year - 1, min(from_day.year + 1 + count // len(FESTIVALS), LAST_YEAR) + 1)
    coming = ((row.day_in(year), row) for row in FESTIVALS for year in years)
    return sorted(((day, row) for day, row in coming if day >= from_day), key=lambda pair: pair[0])[:count]


def _years_of(day: date) -> tuple[int, int]:
    """A lunar year reaches into the solar year after it."""
    return day.year - 1, day.year


def _solar(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _sunday(month: int, nth: int) -> Callable[[int], date]:
    def day_in(year: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(_SUNDAY - first.weekday()) % 7 + 7 * (nth - 1))

    return day_in


def _lunar(month: int, day: int) -> Callable[[int], date]:
    return lambda year: to_solar(year, month, day)


def _term(index: int) -> Callable[[int], date]:
    def day_in(year: int) -> date:
        day: date = TermUtils.nth_term_day(year, index)
        return day

    return day_in


def _new_years_eve(year: int) -> date:
    """The last day of the lunar year, the 29th or the 30th."""
    return to_solar(year, 12, month_length(year, 12))


FESTIVALS = tuple(
    Festival(key, Words(zh, en), day_in)
    for key, zh, en, day_in in (
        ("new_year", "元旦", "New Year's Day", _solar(1, 1)),
        ("laba", "腊八节", "Laba Festival", _lunar(12, 8)),
        ("new_years_eve", "除夕", "Lunar New Year's Eve", _new_years_eve),
        ("spring_festival", "春节", "Spring Festival", _lunar(1, 1)),
        ("lantern", "元宵节", "Lantern Festival", _lunar(1, 15)),
        ("womens_day", "妇女节", "Women's Day", _solar(3, 8)),
        ("qingming", "清明节", "Qingming Festival", _term(_QINGMING)),
        ("labour_day", "劳动节", "Labour Day", _solar(5, 1)),
        ("mothers_day", "母亲节", "Mother's Day", _sunday(5, 2)),
        ("childrens_day", "儿童节", "Children's Day", _solar(6, 1)),
        ("dragon_boat", "端午节", "Dragon Boat Festival", _lunar(5, 5)),
        ("fathers_day", "父亲节", "Father's Day", _sunday(6, 3)),
        ("qixi", "七夕节", "Qixi Festival", _lunar(7, 7)),
        ("teachers_day", "教师节", "Teachers' Day", _solar(9, 10)),
        ("mid_autumn", "中秋节", "Mid-Autumn Festival", _lunar(8, 15)),
        ("national_day", "国庆节", "National Day", _solar(10, 1)),
        ("double_ninth", "重阳节", "Double Ninth Festival", _lunar(9, 9)),
        ("winter_solstice", "冬至", "Winter Solstice", _term(_DONGZHI)),
    )
)
