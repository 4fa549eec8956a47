"""A promise in one line, read by hand: on Wednesday, 4 March 2026, 14:00 in Shanghai, by the State Council's workdays."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from zhike.conduct.calendars import published_workdays
from zhike.conduct.promised import Reading, read

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 4, 14, 0, tzinfo=ZONE)
WORKDAYS = published_workdays()


def understood(text: str, now: datetime = NOW) -> Reading:
    return read(text, now=now, workdays=WORKDAYS, zone=ZONE)


def by(text: str, now: datetime = NOW) -> list[str]:
    """The moments offered; a day's end is the next midnight."""
    return [
        f"{due:%Y-%m-%d %H:%M}" if due.year != now.year else f"{due:%m-%d %H:%M}" for due in understood(text, now).dues
    ]


@pytest.mark.parametrize(
    ("text", "dues"),
    [
        ("今天回复", ["03-05 00:00"]),
        ("明天给报价", ["03-06 00:00"]),
        ("后天", ["03-07 00:00"]),
        ("大后天送到", ["03-08 00:00"]),
        ("周五答复", ["03-07 00:00"]),
        ("星期天前", ["03-09 00:00", "03-08 00:00"]),  # with Sunday, or without
        ("周五前回复利率", ["03-07 00:00", "03-06 00:00"]),
        ("周五下午三点前回复", ["03-06 15:00"]),  # an hour leaves nothing open
        ("周三给方案", ["03-05 00:00", "03-12 00:00"]),  # it is Wednesday: today or in a week
        ("周一回复", ["03-10 00:00"]),
        ("下周三交", ["03-12 00:00"]),
        ("下下周一", ["03-17 00:00"]),
        ("本周末前", ["03-09 00:00", "03-08 00:00"]),
        ("本周内办完", ["03-07 00:00", "03-09 00:00"]),
        ("月底前给方案", ["04-01 00:00"]),
        ("下月底", ["05-01 00:00"]),
        ("下月初", ["04-06 00:00", "04-02 00:00", "04-11 00:00"]),
        ("3月5日", ["03-06 00:00"]),
        ("三月五号下午两点半", ["03-05 14:30"]),
        ("3月2日交", ["2027-03-03 00:00"]),  # this year's is over
        ("5号", ["03-06 00:00"]),
        ("3号答复", ["04-04 00:00"]),
        ("下个月15号", ["04-16 00:00"]),
        ("2026年3月20日前", ["03-21 00:00", "03-20 00:00"]),
        ("三天内", ["03-08 00:00"]),
        ("3日内答复", ["03-08 00:00"]),
        ("一周内", ["03-12 00:00"]),
        ("两个工作日内", ["03-07 00:00"]),
        ("三个工作日内", ["03-10 00:00"]),  # Saturday 7 and Sunday 8 March are none
        ("半小时内回电", ["03-04 14:30"]),
        ("两小时后", ["03-04 16:00"]),
        ("下午三点回电", ["03-04 15:00"]),
        ("三点回电", ["03-04 15:00"]),
        ("8点前发", ["03-04 20:00"]),  # eight in the morning is over
        ("明天8点", ["03-05 08:00", "03-05 20:00"]),
        ("上午十点", ["03-05 10:00"]),  # over for today
        ("15:30", ["03-04 15:30"]),
        ("下班前回电", ["03-04 17:30"]),
        ("今晚八点", ["03-04 20:00"]),
        ("明早", ["03-05 12:00"]),
        ("年底前", ["2027-01-01 00:00"]),
        ("年前办好", ["2027-02-06 00:00", "2027-01-01 00:00"]),  # the Spring Festival of 2027 is 6 February
        ("today", ["03-05 00:00"]),
        ("tomorrow morning", ["03-05 12:00"]),
        ("by Friday", ["03-07 00:00"]),
        ("before Friday", ["03-07 00:00", "03-06 00:00"]),
        ("by Friday 5pm", ["03-06 17:00"]),
        ("next Friday", ["03-14 00:00", "03-07 00:00"]),
        ("next Wed", ["03-12 00:00"]),
        ("in 3 days", ["03-08 00:00"]),
        ("within two working days", ["03-07 00:00"]),
        ("in half an hour", ["03-04 14:30"]),
        ("by the end of the month", ["04-01 00:00"]),
        ("end of next month", ["05-01 00:00"]),
        ("5 March", ["03-06 00:00"]),
        ("March 5th, 3:30 pm", ["03-05 15:30"]),
        ("3/5", ["03-06 00:00", "05-04 00:00"]),
        ("by the 20th", ["03-21 00:00"]),
        ("by 5", ["03-04 17:00"]),
        ("EOD", ["03-05 00:00"]),
    ],
)  # fmt: skip
def test_by_when(text: str, dues: list[str]) -> None:
    assert by(text) == dues


@pytest.mark.parametrize(
    "text", ["尽快回复", "回复利率3.5%", "寄到10号楼", "2月30日", "as soon as I can", "at 3.5%", "", "回头再说"]
)
def test_what_says_no_date_proposes_none(text: str) -> None:
    assert understood(text).dues == ()
    assert not understood(text).passed


@pytest.mark.parametrize("text", ["昨天答复", "本周一交", "2026年3月1日", "2020-01-01", "yesterday", "今天上午"])
def test_a_past_date_is_never_proposed_and_said_to_be_over(text: str) -> None:
    assert understood(text).dues == ()
    assert understood(text).passed


@pytest.mark.parametrize("text", ["9999-12-31 回复", "9999年12月31日", "9999-12-30 15:00"])
def test_the_last_day_that_there_is_is_too_far_and_no_failure(text: str) -> None:
    assert understood(text).dues == ()


def test_a_year_typed_wrong_is_not_proposed() -> None:
    assert understood("2036年3月5日").dues == ()


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("答应王总周五前回复利率", "王总", "回复利率"),
        ("答应王建国周五前回复利率", "王建国", "回复利率"),
        ("答应欧阳女士明天给报价", "欧阳女士", "给报价"),
        ("明天给李老师发材料", "李老师", "给李老师发材料"),
        ("promised Mr Wang the rate by Friday 5pm", "Wang", "the rate"),
        ("promised Wang Jianguo a quote tomorrow", "Wang Jianguo", "a quote"),
        ("周五前回复利率", "", "回复利率"),
    ],
)
def test_whom_it_names_and_what_is_left(text: str, name: str, words: str) -> None:
    found = understood(text)
    assert (found.name, found.words) == (name, words)


@pytest.mark.parametrize(
    ("text", "to", "words"),
    [
        ("答应行长周四交总结", "leader", "行长交总结"),
        ("答应零售部月底交名单", "department", "零售部交名单"),
        ("promised my boss the figures tomorrow", "leader", "my boss the figures"),
        ("答应王总周五前回复利率", "customer", "回复利率"),
    ],
)
def test_to_whom(text: str, to: str, words: str) -> None:
    found = understood(text)
    assert (found.to, found.words) == (to, words)


def test_around_the_turn_of_the_year() -> None:
    late = datetime(2025, 12, 30, 23, 59, 30, tzinfo=ZONE)  # Tuesday
    assert by("周五", late) == ["2026-01-03 00:00"]
    assert by("月底", late) == ["2026-01-01 00:00"]
    assert by("1号", late) == ["2026-01-02 00:00"]
    assert by("两个工作日内", late) == [
        "2026-01-05 00:00"
    ]  # 31 December, and Sunday 4 January is worked; 1 to 3 are not
    assert by("年前", late) == ["2026-02-17 00:00", "2026-01-01 00:00"]
    assert by("半小时内", late) == ["12-31 00:30"]
