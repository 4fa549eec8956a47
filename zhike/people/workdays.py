"""The bank's workdays as its table says: seeded with what the State Council published, entered and changed by the bank."""

from __future__ import annotations

from datetime import date, timedelta

from zhike.conduct.calendars import Workdays, YearNotPublished, published_workdays
from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Workday
from zhike.people.permissions import check

YEARS = range(2004, 2101)
PUBLISHED = "国务院办公厅通知"


def workdays() -> Workdays:
    """Holidays and make-up workdays that the bank has entered or taken over; one statement."""
    return Workdays.of(dict(Workday.objects.values_list("day", "works")))


# As far ahead as a tap proposes a day, the bank's longest rhythm apart.
AHEAD = timedelta(days=400)


def ahead(today: date) -> Workdays:
    """What the coming months have that the week does not say, for what is only proposed; one small statement."""
    days = Workday.objects.filter(day__gte=today, day__lte=today + AHEAD)
    return Workdays.of(dict(days.values_list("day", "works")))


def set_day(actor: Actor, day: date, *, works: bool, name: str) -> Workday:
    """The bank works on ``day``, or does not, whatever the week says."""
    check(actor, "workdays.change")
    if day.year not in YEARS:
        raise Refused(
            f"工作日历只记 {YEARS[0]} 至 {YEARS[-1]} 年，请核对年份。",
            f"Workdays are kept from {YEARS[0]} to {YEARS[-1]}. Look at the year.",
        )
    if works == (day.weekday() < 5) and not (day.month, day.day) == (10, 1):
        raise Refused(
            "与平常的周次相同，无需录入；如要撤销，请删除该日。",
            "That is what the week says; to take a day back, remove it.",
        )
    row, _made = Workday.objects.update_or_create(
        day=day, defaults={"works": works, "name": name.strip(), "source": actor.name}
    )
    return row


def forget(actor: Actor, day: date) -> None:
    """As the week has it again."""
    check(actor, "workdays.change")
    Workday.objects.filter(day=day).delete()


def take_over_published(actor: Actor, year: int) -> int:
    """Takes over the year as published, leaving what the bank entered itself. Raises YearNotPublished."""
    check(actor, "workdays.change")
    published = published_workdays()
    if year not in published.published:
        raise YearNotPublished(year)
    rows = [
        Workday(day=day, works=works, source=PUBLISHED) for day, works in published.days.items() if day.year == year
    ]
    before = Workday.objects.filter(day__year=year).count()
    Workday.objects.bulk_create(rows, ignore_conflicts=True)
    return Workday.objects.filter(day__year=year).count() - before
