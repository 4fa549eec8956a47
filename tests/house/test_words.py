"""Dates, spans, sums and masks as the reader says them, in both languages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from zhike.pages import jinja

NOW = datetime(2026, 2, 16, 6, 56, tzinfo=UTC)  # 14:56 in the bank's zone, a Monday


@pytest.mark.parametrize(
    ("minutes", "chinese", "english"),
    [(4, "4 分", "4 min"), (64, "64 分", "64 min"), (154, "2 小时 34 分", "2 h 34 min"), (15 * 60, "15 小时", "15 h"),
     (63 * 60, "2 天 15 小时", "2 d 15 h"), (48 * 60, "2 天", "2 d"), (9 * 1440 + 61, "9 天", "9 d")],
)  # fmt: skip
def test_a_span_is_said_in_two_units_at_most(minutes: int, chinese: str, english: str) -> None:
    with translation.override("zh-hans"):
        assert jinja.span(minutes) == chinese
    with translation.override("en"):
        assert jinja.span(minutes) == english


def test_midnight_belongs_to_the_day_that_it_ends() -> None:
    with translation.override("zh-hans"):
        assert jinja.when_text(datetime(2026, 2, 13, 16, 0, tzinfo=UTC), NOW) == "周五 24:00"
        assert jinja.when_text(datetime(2026, 2, 16, 16, 0, tzinfo=UTC), NOW) == "24:00"
        assert jinja.when_text(NOW + timedelta(minutes=4), NOW) == "15:00"
        assert jinja.when_text(datetime(2026, 2, 24, 7, 0, tzinfo=UTC), NOW) == "2月24日 15:00"


def test_what_is_left_counts_started_minutes() -> None:
    with translation.override("zh-hans"):
        assert jinja.left_text(NOW + timedelta(seconds=61), NOW) == "还有 2 分"
        assert jinja.left_text(NOW - timedelta(seconds=61), NOW) == "晚 1 分"


def test_days_in_both_languages() -> None:
    day = date(2026, 2, 16)
    with translation.override("zh-hans"):
        assert jinja.day_text(day, day) == "2月16日 周一"
        assert jinja.day_text(date(2027, 1, 20), day, weekday=False) == "2027年1月20日"
    with translation.override("en"):
        assert jinja.day_text(day, day) == "Mon 16 Feb"
        assert jinja.day_text(date(2027, 1, 20), day, weekday=False) == "20 Jan 2027"


def test_money_in_ten_thousands() -> None:
    with translation.override("zh-hans"):
        assert jinja.money(Decimal("3864000")) == "386.4 万"
        assert jinja.money(Decimal("128000000")) == "1.28 亿"
        assert jinja.money(Decimal("980.4")) == "980 元"
    with translation.override("en"):
        assert jinja.money(Decimal("3864000")) == "CNY 3.86 m"


def test_a_percentage_stays_on_its_ruler() -> None:
    assert [jinja.percent(p, 14) for p in (8, 0, 14, 20, -1)] == ["57.1%", "0%", "100%", "100%", "0%"]
    assert jinja.percent(1, 0) == "0%"
