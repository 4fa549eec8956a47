"""What happens by the clock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import UTC, date, datetime

import psycopg
import pytest
from django.db import connection

from tests.product.test_cli import zhike
from zhike import clock, processes

EVENING = datetime(2026, 3, 1, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
MIDNIGHT = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)


def jobs(database, columns: str = "task_name, args->>'day', status::text") -> list[tuple]:
    with psycopg.connect(database.url("zhike_worker")) as other:
        return other.execute(f"SELECT {columns} FROM procrastinate_jobs ORDER BY id").fetchall()


@pytest.fixture
def schedule(database, worker):
    from zhike import schedule

    with worker():
        yield schedule


def test_a_days_sweep_is_queued_once_and_the_next_day_begins_at_the_banks_midnight(database, schedule):
    with clock.at(EVENING):
        schedule.tick(timestamp=0)
        schedule.tick(timestamp=0)
    assert jobs(database) == [("sweep_day", "2026-03-01", "todo")]
    with clock.at(MIDNIGHT):
        schedule.tick(timestamp=0)
    assert [row[1] for row in jobs(database)] == ["2026-03-01", "2026-03-02"]


def test_a_sweep_that_failed_is_tried_again(database, schedule):
    with clock.at(EVENING):
        schedule.tick(timestamp=0)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        schedule.tick(timestamp=0)
    assert [row[2] for row in jobs(database)] == ["failed", "todo"]


@pytest.mark.parametrize(
    ("last", "days"),
    [
        ("2026-02-27", ["2026-02-28", "2026-03-01"]),
        ("2026-03-01", []),
        ("2025-12-01", [f"2026-02-{day}" for day in range(16, 29)] + ["2026-03-01"]),
    ],
)
def test_days_on_which_nothing_ran_are_swept_afterwards(database, schedule, last, days):
    """Friday was swept, the server was off at the weekend; after months only two weeks are made up for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, queueing_lock)"
            " VALUES ('default', 'sweep_day', jsonb_build_object('day', %s::text), 'succeeded', %s)",
            [last, f"sweep {last}"],
        )
    with clock.at(EVENING):
        schedule.tick(timestamp=0)
        schedule.tick(timestamp=0)
    assert [row[1] for row in jobs(database)] == [last, *days]


def test_a_birthday_that_becomes_known_on_the_day_is_greeted(database, schedule, owner):
    """To the sweep of the morning it was not known; and a birthday of yesterday, when nothing ran, counts as missed."""
    from tests.cast import seat
    from zhike.customers.models import Customer
    from zhike.obligations.models import Obligation

    with owner():
        seat()
        born = {"birth_calendar": "solar", "birth_month": 2}
        Customer.objects.filter(core_number="C-mate-0").update(**born, birth_day=28)
    with clock.at(EVENING):
        schedule.tick(timestamp=0)
        schedule.sweep_day(day="2026-02-28")
        schedule.sweep_day(day="2026-03-01")
        with owner():
            Customer.objects.filter(core_number="C-rm-0").update(birth_calendar="solar", birth_month=3, birth_day=1)
        schedule.tick(timestamp=0)
        schedule.tick(timestamp=0)
    with owner():
        owed = Obligation.objects.filter(kind="birthday").order_by("due")
        told = [(each.customer.core_number, each.state) for each in owed]
    assert told == [("C-mate-0", "missed"), ("C-rm-0", "open")]


def test_the_sweep_makes_the_trails_next_months(database, schedule):
    with clock.at(datetime(2031, 5, 1, tzinfo=UTC)):
        schedule.sweep_day(day="2031-05-01")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'trail_entry'::regclass")
        before = cursor.fetchone()
        schedule.sweep_day(day="2031-05-02")
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'trail_entry'::regclass")
        assert cursor.fetchone() == before


def test_the_first_sweep_of_a_month_rates_every_customer_once(database, schedule, owner):
    from tests.cast import seat
    from zhike.customers.models import Customer, Rating

    with owner():
        seat()
        Customer.objects.filter(core_number="C-rm-0").update(tier="gold", assets=250_000)
    with clock.at(datetime(2026, 3, 1, 1, tzinfo=UTC)):
        schedule.sweep_day(day="2026-03-01")
    with owner():
        customer = Customer.objects.get(core_number="C-rm-0")
        assert (customer.tier, Rating.objects.filter(customer=customer).count()) == ("platinum", 1)
        Customer.objects.filter(pk=customer.pk).update(assets=10)
    with clock.at(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        schedule.sweep_day(day="2026-03-02")
    with owner():
        assert Customer.objects.get(pk=customer.pk).tier == "platinum"


def test_the_worker_does_the_day_and_a_killed_workers_job_is_rescued(database):
    """kill -9 leaves a job `doing` for ever; the tick of the next worker puts it back, and it is done."""
    with psycopg.connect(database.url("zhike_worker"), autocommit=True) as other:
        dead = other.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        ).fetchone()[0]
        other.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
            " VALUES ('default', 'sweep_day', '{\"day\": \"2020-01-01\"}', 'doing', %s)",
            [dead],
        )
        other.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', 'rescue', '{\"timestamp\": 0}')"
        )
        environment = {**os.environ, **database.environment}
        working = subprocess.Popen(processes.own("worker"), env=environment)
        try:
            deadline = time.monotonic() + 40
            done = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'sweep_day' AND status = 'succeeded'"
            while other.execute(done).fetchone()[0] < 1:
                assert time.monotonic() < deadline, jobs(database)
                time.sleep(0.2)
        finally:
            working.send_signal(signal.SIGTERM)
            assert working.wait(20) == 0


def test_the_command_says_what_it_added_and_refuses_what_is_no_date(database):
    done = zhike(database, "day", "--on", "2026-03-01", "--json")
    said = json.loads(done.stdout)
    assert said.pop("on") == "2026-03-01"
    assert said.pop("failed") == []
    assert set(said.values()) == {0}  # a bank without customers owes nothing
    assert {"birthdays", "rhythm", "missed"} <= set(said)
    assert date.fromisoformat(json.loads(zhike(database, "day", "--json").stdout)["on"])
    wrong = zhike(database, "day", "--on", "31.12.2026")
    assert (wrong.returncode, wrong.stderr) == (2, "31.12.2026 is no date; write 2026-02-16.\n")
