"""Messages: how fast greetings are queued, how many segments a second leave through SMPP with their receipts, and how long a thank-you
waits meanwhile."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

from bench import databases, gateway
from bench.killing import serving_django
from bench.run import Figure, Trial, cores
from bench.smsc import Smsc, running
from zhike import clock, processes

QUEUED_WITHIN = 15.0  # seconds for a million
SENT = 30_000
A_SECOND = 3_000
AT_ONCE = 1.0  # seconds until a thank-you has left, whatever else is on its way
WINDOW = 200
PATIENCE = 300.0
COUNTED = 0.25  # seconds between two countings


def queue(trial: Trial) -> Iterator[Figure]:
    """A greeting for every customer of the bank, who all agreed to greetings: the books in as many parts as there are cores, a statement each,
    at the same time, as RMs arrange them; and all of them by one statement."""
    for parts in (cores(), 1):
        with databases.spent(trial.server, trial.bank, "spent") as name:
            agree(trial, name)
            with serving_django(trial.server, name):
                queued, seconds = arrange(trial.bank.rms, parts)
        at_once = f"{parts} statements at once" if parts > 1 else "one statement"
        yield Figure(
            "sms_queue", round(queued / seconds), "a second", round(1_000_000 / QUEUED_WITHIN) if parts > 1 else None, None,
            f"{queued:,} greetings in {seconds:.1f} s, {at_once}, {cores()} cores shared with PostgreSQL",
        )  # fmt: skip


def arrange(rms: int, parts: int) -> tuple[int, float]:
    """The coming festival's greeting for the books of so many RMs: how many were queued, in how many seconds."""
    from django.db import connection

    from zhike.conduct.bank import Bank
    from zhike.sms import greetings
    from zhike.sms.models import Greeting, Template, Wording

    bank, now = Bank(), clock.now()
    occasion = greetings.coming(now.date(), bank, 1)[0]
    template, _new = Template.objects.get_or_create(
        key="bench", kind="greeting", title={"zh": "节日", "en": "festival"}
    )
    wording, _new = Wording.objects.get_or_create(
        template=template, number=1, text="{称谓}，节日安康！{本人}", state="approved", at=now
    )
    greeting = Greeting.objects.create(
        occasion=occasion.key, day=occasion.day, staff_id=1, tiers=[tier.key for tier in bank.tiers], wording=wording,
        sent_from=occasion.sent_from(bank), by_id=1, at=now,
    )  # fmt: skip

    def part(books: list[int]) -> int:
        connection.ensure_connection()
        ready.wait()
        try:
            return greetings.queue(occasion, greeting, books, now=now, bank=bank)
        finally:
            connection.close()

    ready = Barrier(parts + 1)
    slices = [list(range(1 + n * rms // parts, 1 + (n + 1) * rms // parts)) for n in range(parts)]
    with ThreadPoolExecutor(parts) as threads:
        counts = [threads.submit(part, books) for books in slices]
        ready.wait()
        begun = time.perf_counter()
        queued = sum(count.result() for count in counts)
        return queued, time.perf_counter() - begun


def agree(trial: Trial, name: str) -> None:
    """Everybody has a mobile number and agreed to greetings; the numbers are no one's."""
    with databases.superuser(trial.server, name) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "INSERT INTO customers_consent (customer_id, purpose, channel, given, evidence, source, at)"
            " SELECT id, 'greeting', 'sms', true, '开户申请书', 'import', %s FROM customers_customer",
            [clock.now() - timedelta(days=30)],
        )
    with databases.superuser(trial.server, name) as connection:
        connection.execute("VACUUM ANALYZE customers_consent")


def submit(trial: Trial) -> Iterator[Figure]:
    """Greetings through the whole way (claim, guards, journal, SMPP, answers, receipts) to npm's smpp, beside smpplib alone there; and a
    thank-you every second meanwhile."""
    with databases.spent(trial.server, trial.bank, "spent") as name, tempfile.TemporaryDirectory() as folder:
        with running(Path(folder)) as smsc:
            alone = statistics.median(gateway.smpplib_alone(smsc, 10_000, WINDOW).rate for _ in range(3))
        with running(Path(folder)) as smsc, working(trial, name, smsc):
            settle_down(trial, name)
            enter(trial, name, SENT)
            rate, waited = watch(trial, name)
    yield Figure(
        "sms_submit", round(rate), "segments a second", min(A_SECOND, round(0.9 * alone)), round(rate / alone, 2),
        f"{SENT:,} segments with receipts, window {WINDOW}, npm smpp, beside smpplib alone {alone:,.0f}; {cores()} cores for all",
    )  # fmt: skip
    yield Figure(
        "sms_submit", round(max(waited), 2), "s until a thank-you has left, the worst", AT_ONCE, None,
        f"{len(waited)} thank-yous during it, median {statistics.median(waited):.2f} s",
    )  # fmt: skip


def settle_down(trial: Trial, name: str) -> None:
    """Until the worker has done what it owed for the day when it was started: the calendar's sweep is measured by itself."""
    deadline = time.monotonic() + PATIENCE
    with databases.superuser(trial.server, name) as connection:
        while connection.execute(SWEPT).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise databases.NotBuilt(f"The day's sweep has not ended within {PATIENCE:g} s.")
            time.sleep(0.2)


SWEPT = "SELECT bool_and(status NOT IN ('todo', 'doing')) FROM procrastinate_jobs WHERE task_name = 'sweep_day'"


def enter(trial: Trial, name: str, count: int) -> None:
    """So many messages whose time has come, each of one segment, to customers with numbers of their own."""
    from zhike.customers.vault import place, vault

    now = clock.now()
    with databases.superuser(trial.server, name) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        customers = [
            id
            for (id,) in connection.execute(
                "SELECT id FROM customers_customer ORDER BY id LIMIT %s", [count]
            ).fetchall()
        ]
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE numbers (id bigint, sealed text, indexed bytea) ON COMMIT DROP")
            with cursor.copy("COPY numbers FROM STDIN") as copy:
                for id in customers:
                    number = f"154{id:08}"
                    copy.write_row((id, vault().seal(number, place("mobile", id)), vault().index("mobile", number)))
        connection.execute(
            "UPDATE customers_customer c SET profile = c.profile || jsonb_build_object('mobile', jsonb_build_object('v', n.sealed)),"
            " mobile_index = n.indexed, deceased_on = NULL FROM numbers n WHERE n.id = c.id"
        )
        with connection.cursor() as cursor, cursor.copy(MESSAGES) as copy:
            for id in customers:
                key = str(uuid.uuid4())
                copy.write_row(message(key, id, "service", 1, now))
    with databases.superuser(trial.server, name) as connection:
        connection.execute("VACUUM ANALYZE sms_message")


COLUMNS = "key, customer_id, staff_id, by_id, kind, introduces, sealed, lane, through, state, why, not_before, parts, attempt, created_at, occasion"
MESSAGES = f"COPY sms_message ({COLUMNS}) FROM STDIN"
THANK = f"INSERT INTO sms_message ({COLUMNS}) VALUES ({', '.join(['%s'] * 16)}) RETURNING id"


def message(key: str, customer: int, kind: str, lane: int, now: Any) -> tuple[Any, ...]:
    from zhike.customers.vault import vault

    sealed = vault().seal("尊敬的客户，感谢您一直以来的支持，祝您和家人平安喜乐。", f"sms_message:text:{key}")
    return key, customer, 1, 1, kind, False, sealed, lane, "platform", "queued", "{}", now, 0, 1, now, ""


def watch(trial: Trial, name: str) -> tuple[float, list[float]]:
    """Until all have arrived: so many a second, between the first tenth and the last; and how long each thank-you waited.

    Whoever looks takes from the same two cores: all are counted four times a second, thank-yous alone are looked for more often.
    """
    waited: list[float] = []
    asked: dict[int, float] = {}
    seen: list[tuple[float, int]] = []
    deadline = time.monotonic() + PATIENCE
    with databases.superuser(trial.server, name) as connection:
        last = 0.0
        while time.monotonic() < deadline:
            at = time.monotonic()
            for (id,) in connection.execute(LEFT, [list(asked)]).fetchall():
                waited.append(at - asked.pop(id))
            if not seen or at - seen[-1][0] >= COUNTED:
                row = connection.execute(ARRIVED).fetchone()
                seen.append((time.monotonic(), row[0] if row else 0))
            if seen[-1][1] >= SENT:
                break
            if seen[-1][1] > 0 and at - last >= 1.0:
                last = at
                row = connection.execute(
                    THANK, message(str(uuid.uuid4()), 1 + len(waited) % SENT, "thanks", 0, clock.now())
                ).fetchone()
                assert row
                asked[row[0]] = at
            time.sleep(0.02)
        else:
            raise databases.NotBuilt(f"Of {SENT} segments {seen[-1][1]} have arrived within {PATIENCE:g} s.")
    begun = next((at, count) for at, count in seen if count >= SENT // 10)
    return (seen[-1][1] - begun[1]) / (seen[-1][0] - begun[0]), waited or [0.0]


ARRIVED = "SELECT count(*) FROM sms_message WHERE state = 'delivered' AND lane = 1"
LEFT = "SELECT id FROM sms_message WHERE id = ANY (%s::bigint[]) AND state IN ('submitted', 'delivered')"


class working:
    """A worker as it runs in earnest, with one gateway."""

    def __init__(self, trial: Trial, name: str, smsc: Smsc) -> None:
        more = {"ZHIKE_ROLE": "worker", "ZHIKE_SMS_URL": smsc.address(f"&window={WINDOW}")}
        self.environment = databases.environment(trial.server, name) | more

    def __enter__(self) -> None:
        self.worker = subprocess.Popen(processes.own("worker"), env=self.environment)

    def __exit__(self, *error: object) -> None:
        self.worker.terminate()
        self.worker.wait(2 * processes.GRACE)
