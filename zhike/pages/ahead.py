"""When next: dates that are offered by a tap. They count from today, never lie in the past, and are days the bank works.

Every function takes the bank's :class:`Workdays` (:func:`zhike.people.workdays.ahead`); where a year is not published they say
Monday to Friday.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils.translation import gettext

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.pages.jinja import day_text, language, local

STEPS = {"1w": 7, "2w": 14, "1m": 30, "3m": 91}
HOUR = 10
WITHOUT_RHYTHM = 90  # days; proposed where the bank sets no rhythm for the tier
DAY = timedelta(days=1)


def on(today: date, step: str, open: Workdays) -> date:
    """The day a step ahead of ``today``; from a day off on to the next that the bank works."""
    return _from(today + timedelta(days=STEPS[step]), open)


def _from(day: date, open: Workdays) -> date:
    while not open.may_work(day):
        day += DAY
    return day


def offers(now: datetime, open: Workdays) -> list[tuple[str, str]]:
    """Steps with their words and day: ``("2w", "两周后 3月2日")``."""
    names = {
        "1w": gettext("in a week"),
        "2w": gettext("in two weeks"),
        "1m": gettext("in a month"),
        "3m": gettext("in three months"),
    }
    today = local(now).date()
    return [(step, f"{name} {day_text(on(today, step, open), today, weekday=False)}") for step, name in names.items()]


def days(now: datetime, open: Workdays) -> list[tuple[str, str]]:
    """Days for an appointment, the nearest first: ``("2026-03-03", "明天 3月3日")``. No day off, no day twice."""
    today = local(now).date()
    near = {
        _from(today + DAY, open): gettext("next workday"),
        today + timedelta(days=7 - today.weekday()): gettext("next Monday"),
        today + timedelta(days=2): gettext("the day after"),
        today + timedelta(days=1): gettext("tomorrow"),
    }
    found = [
        (day, f"{name} {day_text(day, today, weekday=False)}")
        for day, name in sorted(near.items())
        if open.may_work(day)
    ]
    steps = [(on(today, step, open), text) for step, text in offers(now, open)]
    for day, text in steps:
        if day not in dict(found):
            found.append((day, text))
    return [(day.isoformat(), text) for day, text in found]


def by_rhythm(tier: str, now: datetime, bank: Bank, open: Workdays) -> dict[str, str]:
    """The next contact as proposed: within the tier's rhythm, on the morning of a workday, and why then."""
    every = next((row.contact_days for row in bank.rhythm if row.tier == tier), None)
    today = now.astimezone(bank.zone).date()
    day = today + timedelta(days=every or WITHOUT_RHYTHM)
    while day > today and not open.may_work(day):  # earlier, so that the rhythm is kept
        day -= DAY
    day = _from(max(day, today + DAY), open)
    return {
        "day": day.isoformat(),
        "time": f"{HOUR}:00",
        "text": f"{day_text(day, today)} {HOUR}:00",
        "because": gettext("%(days)s days from now, a mere proposal: the bank sets no rhythm for %(tier)s")
        % {"days": (day - today).days, "tier": bank.tier(tier).name.say(language())}
        if every is None
        else gettext("%(days)s days from now; %(tier)s: in touch at least every %(every)s days")
        % {"days": (day - today).days, "tier": bank.tier(tier).name.say(language()), "every": every},
    }
