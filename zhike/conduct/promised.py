"""A promise typed in one line (W11): by when, to whom, what is left of the words. In Chinese and English.

    reading = read("答应王总周五前回复利率", now=now, workdays=workdays, zone=zone)

Pure, and never sure: what has more than one meaning is offered with all of them, the likeliest first, and the person confirms one. A
moment that is over is never among them.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from zhike.conduct.calendars import ImpossibleDate, Workdays, YearNotPublished, to_lunar, to_solar
from zhike.conduct.horizon import too_far

To = Literal["customer", "leader", "department"]
OFFERED = 4
CLOSING = time(17, 30)  # 下班前, close of business: what most banks call the end of work
_DAY = timedelta(days=1)
_LAST = date.max - _DAY  # the last day that ends
_FRIDAY, _SUNDAY = 4, 6


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line says. ``dues``: by when, the likeliest first; a day without an hour ends at the midnight after it. None: no date was
    found, or it is ``passed``. ``name``: what it calls whoever was promised it, "" where it calls nobody; ``words``: the rest.
    """

    dues: tuple[datetime, ...]
    words: str
    name: str = ""
    to: To = "customer"
    passed: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A piece of the text that says a day, an hour or a moment; of several the one with a deadline's word counts, then the longest."""

    start: int
    end: int
    days: tuple[date, ...] = ()
    times: tuple[time | None, ...] = ()
    moment: datetime | None = None
    deadline: bool = False

    @property
    def weight(self) -> tuple[bool, int, int]:
        return self.deadline, self.end - self.start, -self.start


def read(text: str, *, now: datetime, workdays: Workdays, zone: ZoneInfo) -> Reading:
    """What the line says, as it is read at ``now`` in ``zone``. A text without a date has no ``dues``: the bank's own default holds."""
    said = unicodedata.normalize("NFKC", text).strip()
    here = now.astimezone(zone)
    day, hour = _heaviest(_days(said, here, workdays)), None
    if day is None or day.moment is None:
        rest = said if day is None else said[: day.start] + "\0" * (day.end - day.start) + said[day.end :]
        hour = _heaviest(_hours(rest))
    dues = _together(day, hour, here)
    coming = tuple(each for each in dues if each > here and not too_far(each, here))[:OFFERED]
    without = _without(said, [each for each in (day, hour) if each])
    name, words = _named(without)
    return Reading(coming, words, name, _to(said), bool(dues) and not any(each > here for each in dues))


def _heaviest(found: Iterator[_Found]) -> _Found | None:
    return max(found, key=lambda each: each.weight, default=None)


def _together(day: _Found | None, hour: _Found | None, here: datetime) -> list[datetime]:
    """Every moment that day and hour may mean together. An hour alone is today's, and tomorrow's once it is over."""
    if day is not None and day.moment is not None:
        return [day.moment]
    times = (hour.times if hour else ()) or (day.times if day else ())
    if day is not None:
        days: tuple[date, ...] = day.days if not hour or not day.deadline else day.days[:1] or day.days
        return list(dict.fromkeys(_at(each, at, here) for each in days for at in times or (None,)))
    if not times:
        return []
    today = [_at(here.date(), at, here) for at in times]
    return today if any(each > here for each in today) else [_at(here.date() + _DAY, at, here) for at in times]


def _at(day: date, at: time | None, here: datetime) -> datetime:
    if at is None:
        return datetime.combine(min(day, _LAST) + _DAY, time(0), here.tzinfo)
    return datetime.combine(day, at, here.tzinfo)


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_NUMBERS_EN = ("a", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
N = r"(?:\d{1,3}|[一二两三四五六七八九十廿]{1,3})"
N_EN = rf"(?:\d{{1,3}}|an|{'|'.join(_NUMBERS_EN)})"


def number(text: str) -> int:
    """12, 十二, 廿一, "two"."""
    if text.isascii():
        word = text.lower()
        return int(word) if word.isdecimal() else 1 if word == "an" else max(1, _NUMBERS_EN.index(word))
    if text == "廿" or text.startswith("廿"):
        return 20 + (_DIGITS[text[1]] if len(text) > 1 else 0)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS[tens[-1]]
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)


# ── days ────────────────────────────────────────────────────────────────────────────────────────────────────────────

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEK_EN = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MONTH_EN = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_WEEKDAY_EN = r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_BEFORE = r" ?(?P<before>(?:之前|以前|前)(?![往去来台面])|之内|以内|内)?"
_BY = r"(?:(?P<before>by|before|until|till|no later than|due|on|at)\s+)?(?:the\s+)?"

Say = Callable[[re.Match[str], datetime, Workdays], tuple[date, ...] | datetime]
_PATTERNS: list[tuple[re.Pattern[str], Say]] = []


def _says(pattern: str) -> Callable[[Say], Say]:
    def register(say: Say) -> Say:
        _PATTERNS.append((re.compile(pattern, re.IGNORECASE), say))
        return say

    return register


def _days(text: str, here: datetime, workdays: Workdays) -> Iterator[_Found]:
    for pattern, say in _PATTERNS:
        for match in pattern.finditer(text):
            with suppress(ValueError, OverflowError, KeyError):  # 2月30日 is no day
                meant = say(match, here, workdays)
                before = match.groupdict().get("before") or ""
                if isinstance(meant, datetime):
                    yield _Found(match.start(), match.end(), moment=meant, deadline=True)
                    continue
                if before.lower() == "before" or before.endswith("前"):
                    meant = _or_the_day_before(meant, match)
                yield _Found(match.start(), match.end(), meant, deadline=bool(before))


def _or_the_day_before(days: tuple[date, ...], match: re.Match[str]) -> tuple[date, ...]:
    """周五前: with Friday, as most people mean it, or without. Where one day alone is meant; "月底前" and "年前" are days themselves."""
    if match.groupdict().get("span") or len(days) != 1:
        return days
    return days[0], days[0] - _DAY


@_says(rf"(?P<day>今天|今日|当天|明天|明日|后天|大后天|今(?=[早晚])|明(?=[早晚])){_BEFORE}")
def _near(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    steps = {"今": 0, "当": 0, "明": 1, "后": 2, "大": 3}
    return (here.date() + steps[match["day"][0]] * _DAY,)


@_says(r"(?P<day>昨天|昨日|前天|yesterday)")
def _gone(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    return (here.date() - _DAY,)


@_says(rf"{_BY}\b(?P<day>today|tonight|the day after tomorrow|day after tomorrow|tomorrow)\b")
def _near_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    word = match["day"].lower()
    return (here.date() + (2 if "after" in word else 1 if word == "tomorrow" else 0) * _DAY,)


@_says(rf"(?P<which>下下个?|下个?|本|这个?|上个?)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天]|末){_BEFORE}")
def _weekday(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    today, which = here.date(), (match["which"] or "").replace("个", "")
    monday = today - today.weekday() * _DAY
    week = {"": 0, "本": 0, "这": 0, "下": 1, "下下": 2, "上": -1}[which]
    if match["weekday"] == "末":
        sunday = monday + (7 * week + _SUNDAY) * _DAY
        return sunday, sunday - _DAY
    at = "一二三四五六日".index(match["weekday"].replace("天", "日"))
    day = monday + (7 * week + at) * _DAY
    if which or day > today:
        return (day,)
    return (day, day + 7 * _DAY) if day == today else (day + 7 * _DAY,)


@_says(rf"{_BY}\b(?:(?P<which>next|this|coming)\s+)?{_WEEKDAY_EN}\b")
def _weekday_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    today, at = here.date(), WEEK_EN.index(match["weekday"][:3].lower())
    coming = today + (at - today.weekday()) % 7 * _DAY
    match (match["which"] or "").lower():
        case "next":
            following = today + (7 + at - today.weekday()) * _DAY
            return tuple(dict.fromkeys((following, coming if coming > today else following)))
        case "":
            return (coming, coming + 7 * _DAY) if coming == today else (coming,)
    return (coming,)


@_says(
    r"(?P<which>下下个?|下个?|本|这个?)(?:周|星期|礼拜)(?![一二三四五六日天末])(?P<span>(?:之?内)|里|前)?(?P<before>)"
)
def _week(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    """Within a week is until it is over for work; whoever means the Sunday may choose it."""
    week = {"本": 0, "这": 0, "下": 1, "下下": 2}[match["which"].replace("个", "")]
    monday = here.date() + (7 * week - here.weekday()) * _DAY
    return monday + _FRIDAY * _DAY, monday + _SUNDAY * _DAY


@_says(r"(?P<which>周内)")
def _this_week(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    monday = here.date() - here.weekday() * _DAY
    return monday + _FRIDAY * _DAY, monday + _SUNDAY * _DAY


@_says(
    r"(?:(?P<before>by|before|in|within|on|at|over)\s+)?(?:the\s+)?(?P<span>(?:end of (?:the|this|next) week|(?:this|next) week(?!end)|(?:this |next )?weekend))"
)
def _week_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    said = match["span"].lower()
    monday = here.date() + (7 * ("next" in said) - here.weekday()) * _DAY
    friday, sunday = monday + _FRIDAY * _DAY, monday + _SUNDAY * _DAY
    return (sunday, friday) if "weekend" in said else (friday, sunday)


@_says(rf"(?P<month>\d{{1,2}}|[一二三四五六七八九十]{{1,2}})月(?P<day>{N})[日号]?{_BEFORE}")
def _month_day(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    return (_coming(number(match["month"]), number(match["day"]), here.date()),)


@_says(rf"(?P<year>\d{{4}}|今年|明年)[-/.年]?(?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})[日号]?{_BEFORE}")
def _whole(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    year = {"今年": here.year, "明年": here.year + 1}.get(match["year"]) or int(match["year"])
    return (date(year, int(match["month"]), int(match["day"])),)


@_says(rf"{_BY}(?<![\d/.])(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})(?![\d/.%])")
def _slash(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    """3/5 is 5 March in Chinese; in English it is read both ways."""
    first, second = int(match["month"]), int(match["day"])
    pairs = [(first, second)] if _is_chinese(match.string) else [(first, second), (second, first)]
    found = []
    for month, day in pairs:
        with suppress(ValueError):
            found.append(_coming(month, day, here.date()))
    return tuple(dict.fromkeys(found))


@_says(rf"{_BY}\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH_EN}(?:,?\s+(?P<year>\d{{4}}))?\b")
@_says(rf"{_BY}\b{_MONTH_EN}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?\b(?![:.%]\d|\s*[ap]\.?m)")
def _month_day_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    month, day = MONTHS.index(match["month"][:3].lower()) + 1, int(match["day"])
    return (date(int(match["year"]), month, day) if match["year"] else _coming(month, day, here.date()),)


@_says(
    rf"(?:(?P<which>下个?月|本月|这个?月|当月|次月) ?|(?<![\d月.]))(?P<day>{N})[号日](?![楼线院门柜窗内])(?!之内|以内){_BEFORE}"
)
def _day_of_month(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    day, which = number(match["day"]), match["which"] or ""
    first = here.date().replace(day=1)
    if which[:1] in {"下", "次"}:
        return (_next_month(first).replace(day=day),)
    if which:
        return (first.replace(day=day),)
    return (_coming_day(day, here.date()),)


@_says(rf"{_BY}\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)\b(?!\s*(?:of\s+)?(?:{'|'.join(MONTHS)}))")
def _day_of_month_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    return (_coming_day(int(match["day"]), here.date()),)


@_says(r"(?P<which>下个?月|次月|本月|这个?月|当月|月)(?P<part>底|末|内|初|中旬?)(?P<span>之?前)?(?P<before>)")
def _part_of_month(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    """月底 is its last day; 月初 and 月中 are no day, and the days that people mean by them are offered."""
    first = here.date().replace(day=1)
    if match["which"][:1] in {"下", "次"}:
        first = _next_month(first)
    match match["part"][0]:
        case "初":
            some = tuple(first.replace(day=day) for day in (5, 1, 10))
            return some if some[0] >= here.date() or match["which"] != "月" else _shifted(some)
        case "中":
            some = tuple(first.replace(day=day) for day in (15, 20))
            return some if some[-1] >= here.date() or match["which"] != "月" else _shifted(some)
    return (first.replace(day=monthrange(first.year, first.month)[1]),)


@_says(
    r"(?:(?P<before>by|before|at|until)\s+)?(?:the\s+)?(?P<span>(?:end|beginning|start|middle) of (?:the |this |next )?(?:month|year|quarter)|month[- ]end|year[- ]end|early next month)"
)
def _part_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    said, first = match["span"].lower(), here.date().replace(day=1)
    if "year" in said:
        return (date(here.year + ("next" in said), 12, 31),)
    if "quarter" in said:
        return (_quarter_end(here.date()),)
    first = _next_month(first) if "next" in said else first
    if "end of" in said or said.endswith("end"):
        return (first.replace(day=monthrange(first.year, first.month)[1]),)
    some = (15, 20) if "middle" in said else (5, 1, 10)
    return tuple(first.replace(day=day) for day in some)


@_says(r"(?P<which>年底|年末|年内|今年内|季末|季度末|季度内|本季度末)(?P<span>之?前)?(?P<before>)")
def _year_end(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    return (_quarter_end(here.date()) if "季" in match["which"] else date(here.year, 12, 31),)


@_says(r"(?P<span>(?:春节|过年|年)(?:之?前))(?P<before>)")
def _before_spring(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    """年前 is before the Spring Festival; from September on the end of the solar year may be meant as well."""
    eve = _spring(here.date()) - _DAY
    new_year = date(here.year, 12, 31)
    return (eve, new_year) if match[0] == "年前" and new_year < eve else (eve,)


@_says(r"(?P<span>(?:before|by) (?:the )?(?:spring festival|chinese new year|lunar new year))(?P<before>)")
def _before_spring_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...]:
    return (_spring(here.date()) - _DAY,)


@_says(
    rf"(?P<n>{N}|半)(?P<one>个?)(?P<unit>工作日|交易日|天|日|周|星期|礼拜|月|小时|钟头|分钟)(?:之内|以内|内|之后|以后|后)"
)
def _within(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...] | datetime:
    unit = {"工作日": "workday", "交易日": "workday", "天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week",
            "月": "month", "小时": "hour", "钟头": "hour", "分钟": "minute"}[match["unit"]]  # fmt: skip
    if match["n"] == "半":
        halves = {"month": ("day", 15), "hour": ("minute", 30), "day": ("hour", 12)}
        if unit not in halves:
            raise ValueError(match[0])
        unit, many = halves[unit]
        return _later(many, unit, here, workdays)
    return _later(number(match["n"]), unit, here, workdays)


@_says(
    rf"\b(?:in|within)\s+(?P<n>{N_EN}|half an?)\s+(?P<unit>working days?|business days?|workdays?|minutes?|hours?|days?|weeks?|months?)(?:'s? time)?\b"
)
def _within_en(match: re.Match[str], here: datetime, workdays: Workdays) -> tuple[date, ...] | datetime:
    unit = match["unit"].lower().rstrip("s")
    if match["n"].lower().startswith("half"):
        if unit != "hour":
            raise ValueError(match[0])
        return _later(30, "minute", here, workdays)
    return _later(number(match["n"]), "workday" if unit.startswith(("work", "business")) else unit, here, workdays)


def _later(many: int, unit: str, here: datetime, workdays: Workdays) -> tuple[date, ...] | datetime:
    day = here.date()
    match unit:
        case "minute" | "hour":
            exact = here + many * timedelta(**{f"{unit}s": 1})
            return exact.replace(second=0, microsecond=0) + timedelta(minutes=bool(exact.second or exact.microsecond))
        case "workday":
            for _ in range(many):
                day = _next_workday(day, workdays)
            return (day,)
        case "week":
            return (day + 7 * many * _DAY,)
        case "month":
            at = day.year * 12 + day.month - 1 + many
            year, month = divmod(at, 12)
            return (date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])),)
    return (day + many * _DAY,)


def _next_workday(day: date, workdays: Workdays) -> date:
    """The week's own where the year's holidays are not known: a person confirms it."""
    try:
        return workdays.next_workday(day)
    except YearNotPublished:
        day += _DAY
        while day.weekday() > _FRIDAY:
            day += _DAY
        return day


def _coming(month: int, day: int, today: date) -> date:
    """A day of the year without its year: this year's, or once that is over next year's. 29 February waits for its year."""
    for year in range(today.year, today.year + 5):
        with suppress(ValueError):
            if (found := date(year, month, day)) >= today:
                return found
    raise ValueError(f"{month}-{day}")


def _coming_day(day: int, today: date) -> date:
    first = today.replace(day=1)
    for _ in range(3):
        with suppress(ValueError):
            if (found := first.replace(day=day)) >= today:
                return found
        first = _next_month(first)
    raise ValueError(str(day))


def _next_month(first: date) -> date:
    return (first + 32 * _DAY).replace(day=1)


def _shifted(days: tuple[date, ...]) -> tuple[date, ...]:
    return tuple(_next_month(day.replace(day=1)).replace(day=day.day) for day in days)


def _quarter_end(today: date) -> date:
    month = (today.month + 2) // 3 * 3
    return date(today.year, month, monthrange(today.year, month)[1])


def _spring(today: date) -> date:
    """The next Spring Festival after today."""
    with suppress(ImpossibleDate):
        for year in (to_lunar(today).year, to_lunar(today).year + 1):
            if (first := to_solar(year, 1, 1)) > today:
                return first
    raise ValueError("no Spring Festival is known")


# ── hours ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_PART = r"(?P<part>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|早|晚)?"
_CLOCK_ZH = re.compile(
    rf"{_PART} ?(?P<hour>{N})(?:点钟?|时(?![候间]))(?:(?P<half>半|一刻|三刻)|(?P<minute>{N})分?)?{_BEFORE}"
    rf"|{_PART.replace('part', 'part2')} ?(?P<hour2>\d{{1,2}}):(?P<minute2>\d\d)(?!\d| ?[ap]\.?m){_BEFORE.replace('before', 'before2')}",
    re.IGNORECASE,
)
_CLOCK_EN = re.compile(
    r"(?:\b(?P<before>by|before|at|until|till)\s+)?(?<![\d:.])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s*(?:(?P<part>a|p)\.?m\b\.?|o'clock)"
    r"|\b(?:at|by)\s+(?P<hour2>\d{1,2})(?![\d:.%/]|\s*(?:%|st|nd|rd|th|percent|day|week|hour|minute|month|working|business))",
    re.IGNORECASE,
)
_PART_ALONE = re.compile(
    rf"(?P<part>一早|早上|早晨|上午|中午|下午|傍晚|晚上|(?<=[今明\0])早|(?<=[今明\0])晚|下班){_BEFORE}"
    r"|(?:\b(?P<before2>by|before|in|at|until)\s+)?(?:the\s+)?\b(?P<part2>noon|morning|afternoon|evening|tonight|close of business|cob|eod|end of (?:the )?day|midnight)\b",
    re.IGNORECASE,
)
_ENDS: dict[str, time | None] = {
    "一早": time(9), "早": time(12), "早上": time(12), "早晨": time(12), "上午": time(12), "中午": time(12), "下午": time(18), "傍晚": time(19), "晚": time(22),
    "晚上": time(22), "下班": CLOSING, "noon": time(12), "morning": time(12), "afternoon": time(18), "evening": time(22), "tonight": time(22),
    "close of business": CLOSING, "cob": CLOSING, "eod": None, "midnight": None,
}  # fmt: skip


def _hours(text: str) -> Iterator[_Found]:
    for match in _CLOCK_ZH.finditer(text):
        part, hour = match["part"] or match["part2"] or "", number(match["hour"] or match["hour2"])
        minute = {"半": 30, "一刻": 15, "三刻": 45}.get(match["half"] or "") or number(
            match["minute"] or match["minute2"] or "0"
        )
        if found := _clock(hour, minute, part):
            yield _Found(match.start(), match.end(), times=found, deadline=bool(match["before"] or match["before2"]))
    for match in _CLOCK_EN.finditer(text):
        hour, minute = int(match["hour"] or match["hour2"]), int(match["minute"] or 0)
        if found := _clock(hour, minute, (match["part"] or "").lower()):
            yield _Found(match.start(), match.end(), times=found, deadline=bool(match["before"]))
    for match in _PART_ALONE.finditer(text):
        said = (match["part"] or match["part2"]).lower()
        yield _Found(match.start(), match.end(), times=(_ENDS.get(said),))


def _clock(hour: int, minute: int, part: str) -> tuple[time | None, ...]:
    """An hour as it is said. Without its part of the day nobody means the small hours; from seven to nine both are offered."""
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        return ()
    if hour == 24 or (part in {"晚上", "晚"} and hour == 12):
        return (None,)
    if part in {"p", "下午", "傍晚", "晚上", "晚"} or (part == "中午" and hour < 10):
        return (time(hour % 12 + 12, minute),)
    if part == "a" or part in {"凌晨", "清晨", "早上", "早晨", "上午", "早", "中午"}:
        return (time(hour % 12 if part == "a" and hour == 12 else hour, minute),)
    if 1 <= hour <= 6:
        return (time(hour + 12, minute),)
    if 7 <= hour <= 9:
        return time(hour, minute), time(hour + 12, minute)
    return (time(hour, minute),)


# ── the rest of the words ───────────────────────────────────────────────────────────────────────────────────────────

_LEAD_ZH = r"(?:我?(?:已经?)?(?:答应了?|承诺了?|允诺了?|应承了?))"
_TO_ZH = r"(?:给|向|跟|和|与|帮|为|替|同|对|告诉|答复|回复|通知)"
_TITLES = r"(?:总|董事长|董|老师|先生|女士|小姐|太太|经理|主任|行长|院长|局长|处长|科长|校长|老板|会计|大夫|医生|教授|师傅|阿姨|叔叔|大姐|大哥|老|姐|哥)"
_CALLED = re.compile(rf"(?P<lead>{_LEAD_ZH}|{_TO_ZH}|^)[，, ]*(?!{_LEAD_ZH})(?P<name>[\u4e00-\u9fff]{{1,3}}?{_TITLES})")
_AFTER_LEAD = re.compile(rf"{_LEAD_ZH}[，, ]*(?P<name>[\u4e00-\u9fff·]{{2,4}})(?<![部门长导])\0")
_CALLED_EN = re.compile(
    r"(?:\b(?:i(?:'ve| have)? )?promised?\s+)?(?:\b(?:to|for)\s+)?\b(?i:mr|mrs|ms|miss|dr|prof)\.?\s+(?P<name>[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)?)"
)
_AFTER_LEAD_EN = re.compile(r"\b(?i:promised?|told)\s+(?P<name>[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)?)")
_LEADS = re.compile(rf"^(?:{_LEAD_ZH}|(?i:i(?:'ve| have)?\s+)?(?i:promised?)\b(?:\s+to\b)?)[，, ]*")
_EDGES = " \t，,。.；;、:：\0"


def _without(text: str, found: list[_Found]) -> str:
    """The text with a mark where a date or an hour was said."""
    for each in sorted(found, key=lambda each: -each.start):
        text = f"{text[: each.start].rstrip()}\0{text[each.end :].lstrip()}"
    return text


def _named(text: str) -> tuple[str, str]:
    """Whom it calls by name, and the words without the date, the name that follows the promise, and the promising itself."""
    name = ""
    if match := _CALLED.search(text) or _AFTER_LEAD.search(text):
        name = match["name"]
        if match.re is _AFTER_LEAD or re.match(_LEAD_ZH, match.groupdict().get("lead") or "") or match.start() == 0:
            text = text[: match.start()] + text[match.end("name") :]
    elif match := _CALLED_EN.search(text) or _AFTER_LEAD_EN.search(text):
        name = match["name"]
        text = text[: match.start()] + text[match.end("name") :]
    text = text.replace("\0", " " if not _is_chinese(text) else "")
    text = re.sub(r"\s+", " ", _LEADS.sub("", text.strip(_EDGES))).strip(_EDGES)
    return name, re.sub(r"^(?:to|that|在|于|会|要|将)\s+", "", text)


_LEADER = re.compile(r"领导|(?:^|(?<=[应诺给向跟对]))行长|支行长|分管|主管|\b(?:leader|boss)\b", re.IGNORECASE)
_DEPARTMENT = re.compile(
    r"部门|(?<!全)部(?=[前门给]|$)|[零售公司个金信贷风险合规运营科技]+部|\b(?:department|dept)\b", re.IGNORECASE
)


def _to(text: str) -> To:
    if _LEADER.search(text):
        return "leader"
    return "department" if _DEPARTMENT.search(text) else "customer"


def _is_chinese(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", text) is not None
