"""Birthdays as people write them: solar or lunar, with or without the year."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct.calendars import Birthday
from zhike.conduct.words import Refused
from zhike.customers.checks import Unaccepted, clean

NUMERALS = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0, "两": 2}
MONTHS = {"正": 1, "冬": 11, "腊": 12, "元": 1}
LUNAR = re.compile(r"农历|阴历|旧历|lunar|\(农\)|初|廿|卅|闰|腊|正月|冬月", re.IGNORECASE)
SOLAR_WORDS = re.compile(r"公历|阳历|新历|solar", re.IGNORECASE)
CALENDARS = {"solar": "solar", "lunar": "lunar", "公历": "solar", "阳历": "solar", "农历": "lunar", "阴历": "lunar"}
NUMERIC = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})[日号]?(?:[ T]0{1,2}:00(?::00)?)?")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
WORDS = re.compile(
    r"(?:([〇零○一二三四五六七八九\d]{4})年)?(闰)?([正冬腊元一二三四五六七八九十\d]{1,3})月([初十廿卅二三一四五六七八九\d]{1,3})[日号]?"
)


def written(birthday: Birthday) -> str:
    """The stored form: ``solar 1972-03-08``, ``lunar --闰04-03`` without a year."""
    year = "-" if birthday.year is None else f"{birthday.year:04}"
    return f"{birthday.calendar} {year}-{'闰' if birthday.leap else ''}{birthday.month:02}-{birthday.day:02}"


@lru_cache(maxsize=50_000)
def read(text: str, calendar: str = "") -> Birthday:
    """A birthday from 1972-03-08, 19720308, 3月8日, 农历三月初八, 1972年闰四月初三 and the like.

    ``calendar`` (solar, lunar, 公历, 农历) decides where the text does not say. Raises Unaccepted.
    """
    given = clean(text)
    calendar = CALENDARS.get(clean(calendar).lower(), "")
    lunar = bool(LUNAR.search(given)) or (calendar == "lunar" and not SOLAR_WORDS.search(given))
    plain = SOLAR_WORDS.sub("", re.sub(r"农历|阴历|旧历|lunar|\(农\)", "", given, flags=re.IGNORECASE)).strip()
    parts = _numeric(plain) or _worded(plain)
    if parts is None:
        raise Unaccepted(_("This is no birthday. Write 1972-03-08, or 农历三月初八 for the lunar calendar."))
    year, month, day, leap = parts
    try:
        return Birthday("lunar" if lunar else "solar", month, day, year, leap)
    except Refused as refused:
        raise Unaccepted(refused.words.say(get_language() or "zh-hans")) from refused


def told(text: str, today: date, calendar: str = "") -> Birthday:
    """A birthday as :func:`read` reads it, of somebody who is born by ``today``. Raises Unaccepted."""
    birthday = read(text, calendar)
    if birthday.born and birthday.born > today:
        raise Unaccepted(_("The birthday lies in the future."))
    return birthday


def of_date(day: date) -> Birthday:
    return Birthday("solar", day.month, day.day, day.year)


def _numeric(text: str) -> tuple[int | None, int, int, bool] | None:
    found = NUMERIC.fullmatch(text) or COMPACT.fullmatch(text)
    if not found:
        return None
    year, month, day = found.groups()
    return (int(year) if year else None), int(month), int(day), False


def _worded(text: str) -> tuple[int | None, int, int, bool] | None:
    found = WORDS.fullmatch(text)
    if not found:
        return None
    year, leap, month, day = found.groups()
    month_number, day_number = MONTHS.get(month) or _number(month), _number(day.removeprefix("初"))
    if month_number is None or day_number is None:
        return None
    return (_year(year) if year else None), month_number, day_number, bool(leap)


def _year(text: str) -> int:
    return int("".join(str(NUMERALS.get(char, char)) for char in text))


def _number(text: str) -> int | None:
    """1 to 39 in figures or in Chinese: 8, 八, 十五, 廿三, 二十三, 卅."""
    if text.isdecimal():
        return int(text)
    text = text.replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return NUMERALS.get(text)
    if (tens and tens not in NUMERALS) or (ones and ones not in NUMERALS):
        return None
    return (NUMERALS[tens] if tens else 1) * 10 + (NUMERALS[ones] if ones else 0)
