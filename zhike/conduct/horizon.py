"""How far ahead anything is fixed: a year typed wrong would lie there unseen until it comes, or for good."""

from datetime import date, timedelta
from typing import TypeVar

from zhike.conduct.words import Refused, Words

AHEAD = timedelta(days=731)
"""Contacts, promises, and what two persons decide: each lies within two years."""
LASTS = timedelta(days=3653)
"""What ends on a day to come ends within ten years, or has no end."""

TOO_FAR = Words("最远只能定到两年后，请核对年份。", "Nothing is fixed more than two years ahead. Look at the year.")
NO_END = Words(
    "结束日最远为十年后，请核对年份；没有结束日的请留空。",
    "An end lies at most ten years ahead. Look at the year; leave it empty where there is no end.",
)

Day = TypeVar("Day", bound=date)  # a moment is a date too


def too_far(day: Day, today: Day) -> bool:
    """Whether ``day`` (or a moment) lies more than two years after ``today`` (or now)."""
    return day - today > AHEAD


def check(day: date, today: date) -> None:
    """Raises Refused for a day that lies too far ahead."""
    if too_far(day, today):
        raise Refused(TOO_FAR.zh, TOO_FAR.en)


def check_end(day: date, today: date) -> None:
    """Raises Refused for an end that lies too far ahead to be meant."""
    if day - today > LASTS:
        raise Refused(NO_END.zh, NO_END.en)
