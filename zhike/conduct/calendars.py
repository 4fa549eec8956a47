"""Days as a bank counts them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import chinese_calendar.constants as state_council

from zhike.conduct.words import Refused

_DAY = timedelta(days=1)
_SATURDAY = 5


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
