"""What happens by the clock. A tick comes once a minute and asks the tables what is due.

The tick may come late, twice or not at all for a while: nothing depends on one of them. A day's sweep is due until a
job for that day is waiting, running or done.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings as running
from django.db import connection
from procrastinate import JobContext
from procrastinate.contrib.django import app

from zhike import clock
from zhike.contacts.escalation import escalate
from zhike.customers.models import Rating
from zhike.customers.rating import keep, rate
from zhike.notices import books, subscription, weekly
from zhike.notices.channels.mail import VARIABLE, open_mail
from zhike.notices.ringing import look_again
from zhike.obligations.sweep import greet, lapse, sweep
from zhike.people import bank
from zhike.people.session import forget
from zhike.work import overdue

MONTHS_AHEAD = 2  # the trail's partitions that are made before they are needed
CATCH_UP_DAYS = 14
JOBS_KEPT_HOURS = (CATCH_UP_DAYS + 1) * 24


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="tick", name="tick")
def tick(timestamp: int) -> None:
    """What has lapsed is marked, calendars on phones end where the bank has ended them; the sweep of a day that has begun is put in
    the queue once, and those of the days before on which nothing ran. Whoever's birthday became known today is greeted today.
    """
    now = clock.now()
    day = today(now)
    settings = bank.settings().at(day)
    lapse(now, settings)
    escalate(now, settings)
    overdue.escalate(now, settings)
    subscription.end_all(now, settings)
    if is_swept(day):
        greet(day, now=now, bank=settings)
    for missing in unswept(day):
        sweep_day.configure(queueing_lock=lock_of(missing)).defer(day=missing.isoformat())


@app.task(name="sweep_day", retry=5)
def sweep_day(day: str) -> None:
    """What the calendar owes on this day; also the month's tiers, if they are not yet rated, the trail's next months, dead sessions,
    the festivals that are near, and when each obligation is remembered by the settings and workdays of the new day."""
    on = date.fromisoformat(day)
    now, settings = clock.now(), bank.settings()
    month = on.replace(day=1)
    if month == today(now).replace(day=1):
        if not Rating.objects.filter(month=month, assets__isnull=False).exists():
            rate(month, rules_at=lambda day: settings.at(day).tier_rules, now=now)
        keep(month)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trail_month((%s::date + make_interval(months => m))::date) FROM generate_series(0, %s) m",
            [on, MONTHS_AHEAD],
        )
    forget(now)
    weekly.put_down(on, now, settings.at(on))
    sweep(on, now=now, bank=settings.at(on))
    look_again(now)
    books.forget(now)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="letters", name="letters")
def letters(timestamp: int) -> None:
    """The market's week to those leaders to whom it has not gone yet."""
    address = os.environ.get(VARIABLE, "")
    weekly.send(clock.now, open_mail(address) if address else None, link=running.ADDRESS)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="rescue", name="rescue", pass_context=True)
async def rescue(context: JobContext, timestamp: int) -> None:
    """Jobs of a worker that was killed go back into the queue; those long done are forgotten."""
    jobs: Any = context.app.job_manager
    for job in await jobs.get_stalled_jobs():
        await jobs.retry_job(job)
    await jobs.delete_old_jobs(nb_hours=JOBS_KEPT_HOURS, include_failed=True, include_cancelled=True)


def today(now: datetime) -> date:
    """The bank's day."""
    return bank.settings().today(now)


def lock_of(day: date) -> str:
    """Names the job of a day's sweep."""
    return f"sweep {day}"


def unswept(day: date) -> list[date]:
    """The days up to ``day`` that are to be swept, oldest first: those since the last one that was, two weeks at the most."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max((args ->> 'day')::date) FROM procrastinate_jobs WHERE task_name = 'sweep_day'"
            " AND (args ->> 'day')::date <= %s AND status IN ('todo', 'doing', 'succeeded')",
            [day],
        )
        (last,) = cursor.fetchone()
    days = min((day - last).days, CATCH_UP_DAYS) if last else 1
    return [day - timedelta(days=n) for n in range(days - 1, -1, -1)]


def is_swept(day: date) -> bool:
    """Is the day's sweep waiting, running or done? One that failed for good is tried again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs"
            " WHERE queueing_lock = %s AND status IN ('todo', 'doing', 'succeeded'))",
            [lock_of(day)],
        )
        (swept,) = cursor.fetchone()
    return bool(swept)
