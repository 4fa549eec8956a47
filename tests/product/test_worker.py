"""The worker as a process: it ends when it is asked to, whatever hangs, and goes on when the database was away."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import Error, connection

from tests.cast import seat
from tests.conftest import Database, as_superuser
from tests.vendors import HANG, STAFF, WeComSite
from zhike import clock, processes
from zhike.conduct.bank import Bank
from zhike.notices import ringing
from zhike.notices.channels import open_all
from zhike.notices.courier import HANDS, Courier
from zhike.notices.models import Choice, Notice
from zhike.obligations.models import Alarm, Fact, Obligation

Role = Callable[[], AbstractContextManager[None]]
PATIENCE = 60


@pytest.fixture
def site() -> Iterator[WeComSite]:
    with WeComSite() as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield site
        site.released.set()
        site.shutdown()


@pytest.fixture
def reminded(database: Database, owner: Role) -> int:
    """Somebody who chose WeCom."""
    with owner():
        rm = seat().rm
        Choice.objects.create(staff=rm, channel="wecom", on=True, address=STAFF)
    return rm.pk


@contextmanager
def worker(database: Database, site: WeComSite, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, **database.environment, "ZHIKE_WECOM_URL": site.address(), "ZHIKE_LANG": "en"}
    with said.open("wb") as file:
        working = subprocess.Popen(processes.own("worker"), env=environment, stderr=file)
        try:
            yield working
        finally:
            working.kill()
            working.wait()


def wait_until(done: Callable[[], object], said: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_within_its_grace_while_a_channel_hangs_and_gives_back_what_it_had_not_begun(
    number: int, database: Database, site: WeComSite, reminded: int, owner: Role, tmp_path: Path
) -> None:
    more = HANDS + 4
    site.next(site.put_step, *[HANG] * more)
    with owner():
        for _number in range(more):
            ringing.test(reminded, clock.now())
    said = tmp_path / "said"
    with worker(database, site, said) as working:
        wait_until(lambda: len([path for path, _body in site.asked if path == site.put_step]) == HANDS, said)
        working.send_signal(number)
        assert working.wait(processes.GRACE) == 0, said.read_text()
    with owner():
        left = Notice.objects.filter(channel="wecom", state="waiting")
        assert left.count() == more
        assert left.filter(leased_by=None, attempts=0).count() == 4


def test_a_worker_goes_on_when_the_database_is_back(
    database: Database, site: WeComSite, reminded: int, owner: Role, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    with owner():
        ringing.test(reminded, clock.now())
    connection.close()
    with worker(database, site, said) as working:
        wait_until(lambda: len(site.delivered) == 1, said)
        away(database, said)
        with owner():
            ringing.test(reminded, clock.now())
        connection.close()
        wait_until(lambda: len(site.delivered) == 2, said)
        with psycopg.connect(database.url("zhike_worker"), autocommit=True) as other:
            job = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', 'tick', '{\"timestamp\": 0}') RETURNING id"
            (id,) = other.execute(job).fetchone()
            done = "SELECT status = 'succeeded' FROM procrastinate_jobs WHERE id = %s"
            wait_until(lambda: other.execute(done, [id]).fetchone()[0], said)
        assert working.poll() is None


def test_what_was_sent_as_the_database_went_away_is_confirmed_when_it_is_back(
    database: Database, site: WeComSite, reminded: int, owner: Role
) -> None:
    channels = open_all({"ZHIKE_WECOM_URL": site.address()})
    bank, courier = Bank(), Courier(uuid4(), channels)
    with closing(channels["wecom"]._client), owner():  # type: ignore[attr-defined]
        ringing.test(reminded, clock.now())
        assert courier.take(clock.now(), bank) == 1
        handed = courier.handed(PATIENCE)
        with as_superuser(database.server) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database.name])
        with pytest.raises(Error):
            courier.confirm(handed, clock.now(), bank)
        connection.close()
        connection.cursor().execute("SET ROLE zhike_owner")
        assert courier.busy
        courier.confirm(courier.handed(0), clock.now(), bank)
        assert not courier.busy
        courier.close()
        assert Notice.objects.get(channel="wecom").state == "sent"
    assert len(site.delivered) == 1


def test_looking_at_alarms_anew_waits_for_nobody(database: Database, reminded: int, owner: Role) -> None:
    """Whoever moves many obligations holds their alarms in an order of their own: waiting for each other, one would fail."""
    with owner():
        (held, free) = (alarm(reminded, number) for number in (1, 2))
        with psycopg.connect(database.url("zhike_owner")) as other:
            other.execute("SELECT FROM obligations_alarm WHERE obligation_id = %s FOR UPDATE", [held])
            connection.cursor().execute("SET lock_timeout = '2s'")
            ringing.look_again(clock.now())
            assert Alarm.objects.get(pk=free).rings_at is not None
            assert Alarm.objects.get(pk=held).rings_at is None


def alarm(staff: int, number: int) -> int:
    """Somebody owes something of which no more reminder is known."""
    now = clock.now()
    fact = Fact.objects.create(
        kind="promise_made", at=now, known_at=now, grade="tapped", staff_id=staff, data={"words": "x"}
    )
    said = {"zh": "x", "en": "x"}
    owed = Obligation.objects.create(
        fact=fact, clause="W11", clause_from=now.date(), kind="promise", force="must", owner_id=staff, what=said, why=said,
        opens=now, due=now + timedelta(days=1), created_at=now, key=f"{number}",
    )  # fmt: skip
    Alarm.objects.filter(pk=owed.pk).update(rings_at=None)
    return owed.pk


def away(database: Database, said: Path) -> None:
    """Nobody reaches the database until the worker has found that out."""
    with as_superuser(database.server) as other:
        other.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database.name])
        wait_until(lambda: "not currently accepting connections" in said.read_text(), said)
        other.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
