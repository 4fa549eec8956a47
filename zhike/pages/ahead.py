"""When next: dates that are offered by a tap. They count from today, never lie in the past, and skip weekends."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils.translation import gettext

from zhike.conduct.bank import Bank
from zhike.pages.jinja import day_text, language, local

STEPS = {"1w": 7, "2w": 14, "1m": 30, "3m": 91}
HOUR = 10
WITHOUT_RHYTHM = 90  # days; proposed where the bank sets no rhythm for the tier


def on(today: date, step: str) -> date:
    """The day a step ahead of ``today``; from a weekend on to Monday."""
    day = today + timedelta(days=STEPS[step])
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day


def offers(now: datetime) -> list[tuple[str, str]]:
    """Steps with their words and day: ``("2w", "两周后 3月2日")``."""
    names = {
        "1w": gettext("in a week"),
        "2w": gettext("in two weeks"),
        "1m": gettext("in a month"),
        "3m": gettext("in three months"),
    }
    today = local(now).date()
    return [(step, f"{name} {day_text(on(today, step), today, weekday=False)}") for step, name in names.items()]


def days(now: datetime) -> list[tuple[str, str]]:
    """Days for an appointment, the nearest first: ``("2026-03-03", "明天 3月3日")``. No weekend, no day twice."""
    today = local(now).date()
    near = {
        today + timedelta(days=7 - today.weekday()): gettext("next Monday"),
        today + timedelta(days=2): gettext("the day after"),
        today + timedelta(days=1): gettext("tomorrow"),
    }
    found = [
        (day, f"{name} {day_text(day, today, weekday=False)}")
        for day, name in sorted(near.items())
        if day.weekday() < 5
    ]
    found += [(on(today, step), text) for step, text in offers(now) if on(today, step) not in near]
    return [(day.isoformat(), text) for day, text in found]


def by_rhythm(tier: str, now: datetime, bank: Bank) -> dict[str, str]:
    """The next contact as proposed: within the tier's rhythm, on a weekday morning, and why then."""
    every = next((row.contact_days for row in bank.rhythm if row.tier == tier), None)
    today = now.astimezone(bank.zone).date()
    day = today + timedelta(days=every or WITHOUT_RHYTHM)
    while day.weekday() > 4:  # earlier, so that the rhythm is kept
        day -= timedelta(days=1)
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
