"""From when till when a page of measures looks: this week, month or quarter, or from one day to another; it stands in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext

from zhike.conduct.bank import Bank
from zhike.pages.jinja import day_text

LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Period:
    """From its first day to its last, both counted. ``wrong``: why what was asked for is not shown, beside what was typed."""

    name: str
    first: date
    last: date
    typed: tuple[str, str]
    wrong: str = ""

    @property
    def address(self) -> dict[str, str]:
        if self.name:
            return {"period": self.name}
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}

    def words(self, today: date) -> str:
        return " – ".join(day_text(day, today, weekday=False) for day in (self.first, self.last))


def names() -> dict[str, str]:
    return {"week": gettext("This week"), "month": gettext("This month"), "quarter": gettext("This quarter")}


def asked(given: Mapping[str, str], today: date) -> Period:
    """What the address asks for; this month where it asks for nothing, or for what cannot be."""
    typed = given.get("from", "").strip(), given.get("to", "").strip()
    name = given.get("period", "")
    if not any(typed):
        name = name if name in names() else "month"
        first, last = _this(name, today)
        return Period(name, first, last, (first.isoformat(), last.isoformat()))
    first, last = _this("month", today)
    try:
        begin, end = (date.fromisoformat(text) for text in typed)
    except ValueError:
        wrong = gettext("Say both days, for example 2026-02-01 and 2026-02-28. Shown is this month.")
        return Period("month", first, last, typed, wrong)
    if not (1900 < begin.year <= end.year < 2200 and begin <= end < begin + LONGEST):
        wrong = gettext(
            "The last day is not before the first, and the period no longer than a year. Shown is this month."
        )
        return Period("month", first, last, typed, wrong)
    return Period("", begin, end, typed)


def _this(name: str, today: date) -> tuple[date, date]:
    if name == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=6)
    months = 3 if name == "quarter" else 1
    first = today.replace(month=today.month - (today.month - 1) % months, day=1)
    after = (first + timedelta(days=31 * months)).replace(day=1)
    return first, after - timedelta(days=1)


def midnight(day: date, bank: Bank) -> datetime:
    return datetime.combine(day, time(0), bank.zone)


def offered(period: Period, address: Callable[[str], str]) -> list[dict[str, Any]]:
    """The periods that have a name, as tabs."""
    return [{"text": words, "href": address(name), "current": period.name == name} for name, words in names().items()]
