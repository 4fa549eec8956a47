"""What alarms are reckoned by beside the obligation itself: settings, workdays, own hours. Whoever changes them today changes
when something rings today, and an alarm that was set by the old ones would ring too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.people import bank
from zhike.people.models import Staff
from zhike.people.workdays import workdays


@dataclass(frozen=True)
class Grounds:
    """As they stand; ``hours``: of those who have their own."""

    bank: Bank
    workdays: Workdays
    hours: dict[int, tuple[time | None, time | None]]

    def unlike(self, before: Grounds | None) -> set[int] | None:
        """Whose alarms are to be looked at anew after ``before``; None: everybody's."""
        if before is None or (self.bank, self.workdays) != (before.bank, before.workdays):
            return None
        return {staff for staff, _hours in self.hours.items() ^ before.hours.items()}


def grounds(now: datetime) -> Grounds:
    """Three small statements."""
    own = Staff.objects.exclude(works_from=None).values_list("id", "works_from", "works_to")
    return Grounds(bank.settings().now(now), workdays(), {id: (begin, end) for id, begin, end in own})
