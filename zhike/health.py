"""What `zhike doctor` looks at. Each finding says what is wrong and what to do."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhike import embedded, schema

OLDEST = 15  # PostgreSQL's major version
LITTLE_ROOM = 1 << 30  # bytes
CLOCKS_APART = 2.0  # seconds

Words = tuple[str, str]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: is it good, what was seen, and what to do if it is not."""

    name: str
    title: Words
    good: bool
    detail: str
    advice: Words

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: names stay, sentences follow the reader's language."""
        language = embedded.language() == "en"
        return {
            "name": self.name,
            "good": self.good,
            "detail": self.detail,
            "advice": None if self.good else self.advice[language],
        }


Query = Callable[..., tuple[Any, ...]]


def examine(server: embedded.Server | None) -> list[Finding]:
    """Look at everything through the connection that Django has; `server` is the embedded database, if it is one."""
    from django.db import connection

    def ask(sql: str, *parameters: Any) -> tuple[Any, ...]:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row: tuple[Any, ...] = cursor.fetchone()
            return row

    return [
        version(ask),
        encoding(ask),
        durability(ask),
        roles(ask),
        owners(ask),
        migrations(),
        clock(ask),
        *reminders(),
        *messages(),
        *disks(server),
        *channels(),
    ]


def version(ask: Query) -> Finding:
    """PostgreSQL is recent enough."""
    (number,) = ask("SELECT current_setting('server_version_num')::int / 10000")
    return Finding(
        "database",
        ("数据库版本", "database version"),
        number >= OLDEST,
        f"PostgreSQL {number}",
        (f"请升级到 PostgreSQL {OLDEST} 或更高版本。", f"Upgrade to PostgreSQL {OLDEST} or later."),
    )


def encoding(ask: Query) -> Finding:
    """Chinese text needs UTF-8."""
    (name,) = ask("SHOW server_encoding")
    return Finding(
        "encoding",
        ("字符编码", "encoding"),
        name == "UTF8",
        name,
        ("请以 UTF8 编码重建数据库。", "Create the database anew with the encoding UTF8."),
    )


def durability(ask: Query) -> Finding:
    """What is confirmed to somebody must be on the disk."""
    seen = {name: ask(f"SHOW {name}")[0] for name in ("fsync", "full_page_writes", "synchronous_commit")}
    return Finding(
        "durability",
        ("落盘设置", "durability"),
        "off" not in seen.values() and seen["synchronous_commit"] != "local",
        ", ".join(f"{name}={value}" for name, value in seen.items()),
        (
            "请将这些设置改为 on，否则断电会丢失已确认的数据。",
            "Set these to on: a power cut would lose what was confirmed.",
        ),
    )


def roles(ask: Query) -> Finding:
    """The three roles exist, and the two that work cannot pass by row-level security."""
    wanted = list(embedded.ROLES)
    (present,) = ask("SELECT array_agg(rolname::text) FROM pg_roles WHERE rolname = ANY (%s)", wanted)
    (mighty,) = ask(
        "SELECT array_agg(rolname::text) FROM pg_roles WHERE rolname = ANY (%s) AND (rolsuper OR rolbypassrls)", wanted
    )
    missing = sorted(set(wanted) - set(present or ()))
    return Finding(
        "roles",
        ("数据库角色", "roles"),
        not missing and not mighty,
        ", ".join(missing or mighty or wanted),
        (
            "请按运维文档建立三个角色，且均不得为 SUPERUSER 或 BYPASSRLS。",
            "Make the three roles as docs/operations says; none may be SUPERUSER or BYPASSRLS.",
        ),
    )


def owners(ask: Query) -> Finding:
    """An owner is not bound by grants, so the two working roles own nothing."""
    (owned,) = ask(
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema AND tableowner IN ('zhike_app', 'zhike_worker')"
    )
    return Finding(
        "owners",
        ("表的所有者", "owners of the tables"),
        owned == 0,
        str(owned),
        (
            "请用 zhike_owner 执行 zhike migrate，并将这些表转交给它。",
            "Migrate as zhike_owner, and give these tables to it.",
        ),
    )


def migrations() -> Finding:
    """The tables are those of this release."""
    from django.conf import settings
    from django.db import connection

    found = schema.standing(connection)
    return Finding(
        "migrations",
        ("数据库结构", "tables"),
        found.current,
        found.named,
        schema.advice(found, demo=settings.DEMO),
    )


def clock(ask: Query) -> Finding:
    """Deadlines are minutes: the database and this machine agree on the time."""
    begun = time.time()
    (theirs,) = ask("SELECT extract(epoch FROM clock_timestamp())::float8")
    apart = abs(theirs - (begun + time.time()) / 2)
    return Finding(
        "clock",
        ("时钟", "clock"),
        apart <= CLOCKS_APART,
        f"{apart:.3f} s",
        ("本机与数据库的时间不一致，请启用 NTP。", "This machine and the database differ; switch NTP on for both."),
    )


def reminders() -> Iterator[Finding]:
    """A worker lives, and every reminder of the last two days is accounted for. Nothing where the tables are another release's."""
    from django.db import connection

    if not schema.standing(connection).current:
        return
    from zhike import clock
    from zhike.notices.books import of_the_bank
    from zhike.notices.heartbeats import NEVER, silent_since
    from zhike.people import bank

    now = clock.now()
    since = silent_since(now)
    zone = bank.settings().zone(now)
    found = of_the_bank(now.astimezone(zone).date(), 2, now=now, zone=zone)
    # Before the first worker is started nothing has been missed, as long as nothing was due.
    yield Finding(
        "worker",
        ("提醒的后台任务", "worker of reminders"),
        since is None or (since is NEVER and not found.unrung),
        "" if since is None else "-" if since is NEVER else since.isoformat(timespec="seconds"),
        (
            "没有后台任务在发提醒：请启动 zhike worker（或 zhike serve）。",
            "No worker sends reminders: start zhike worker, or zhike serve.",
        ),
    )
    sums = {name: sum(getattr(line, name) for line in found.lines) for name in ("due", "delivered", "waiting")}
    suppressed, failed = (sum(getattr(line, name).total() for line in found.lines) for name in ("suppressed", "failed"))
    yield Finding(
        "reminders",
        ("提醒台账", "books of reminders"),
        found.add_up and not failed and not found.aside,
        f"due {sums['due']} = delivered {sums['delivered']} + suppressed {suppressed} + failed {failed} + waiting {sums['waiting']}"
        f"; not rung yet {found.unrung}; aside {found.aside}; short {sum(found.short.values())}",
        (
            "有提醒未送达、被搁置或去向不明：详见页面“提醒”（?of=all），并检查各渠道的设置。",
            "Reminders failed, were set aside or have no line: see the page Reminders (?of=all), and look at the channels' set-up.",
        ),
    )


def messages() -> Iterator[Finding]:
    """Each gateway that is set up has somebody signed in to it, nothing waits for long, and nothing waits for a person."""
    from django.db import connection

    if not schema.standing(connection).current:
        return
    from zhike import clock
    from zhike.sms import gateways
    from zhike.sms.figures import figures
    from zhike.sms.models import Lane

    now = clock.now()
    names = [gateways.name_of(address) for address in gateways.addresses(os.environ)]
    found = figures(now, names)
    due = sum(queue.due for queue in found.queues)
    for stand in found.gateways:
        if stand.name not in names:
            continue
        word = "connected" if stand.connected else "not connected"
        yield Finding(
            "gateway",
            ("短信网关", "SMS gateway"),
            # Before the first worker is started nothing has been missed, as long as nothing waits.
            stand.connected or (stand.since is None and not due),
            f"{stand.name}: {word}"
            + (f" since {stand.since.isoformat(timespec='seconds')}" if stand.since else ", never was"),
            (
                "没有连上短信网关：请启动 zhike worker（或 zhike serve），并在页面“网关”和日志中看原因。",
                "Nobody is signed in to the gateway: start zhike worker, or zhike serve, and see why on the page Gateways and in the log.",
            ),
        )
    if not names:
        return
    lanes = ", ".join(
        f"{Lane(queue.lane).name.lower()} {queue.due} due {queue.later} later"
        + (f" oldest {(now - queue.oldest).total_seconds():.0f} s" if queue.oldest else "")
        for queue in found.queues
    )
    yield Finding(
        "messages",
        ("短信队列", "queue of messages"),
        not found.stuck(now) and not found.unknown and not found.aside,
        f"{lanes}; unknown {found.unknown}; aside {found.aside}",
        (
            "有短信久候未发、结果不明，或网关送来的内容未能识别：详见页面“网关”；结果不明的由客户经理在“短信 → 待核对”中核对。",
            "Messages wait too long, are unknown, or something that a gateway brought was not understood: see the page Gateways; what is unknown "
            "its relationship manager looks into under SMS.",
        ),
    )


def disks(server: embedded.Server | None) -> Iterator[Finding]:
    """Room where we write: the embedded database, and the folder for temporary files."""
    places = {Path(os.environ.get("TMPDIR") or "/tmp")} | ({server.base} if server else set())  # noqa: S108
    for place in sorted(places):
        free = shutil.disk_usage(place).free
        yield Finding(
            "disk",
            ("磁盘", "disk"),
            free >= LITTLE_ROOM,
            f"{place}: {free >> 20} MB",
            (f"请为 {place} 腾出至少 1 GB。", f"Free at least 1 GB for {place}."),
        )


def channels() -> Iterator[Finding]:
    """Each channel that the bank has set up can be reached and takes the bank's secret; nothing is sent."""
    from zhike.conduct.words import Refused
    from zhike.notices.channels import CHANNELS, Undelivered

    for name, kind in CHANNELS.items():
        if not (address := os.environ.get(kind.variable)):
            continue
        good, seen = True, kind.variable
        try:
            kind.open(address).knock()
        except (Refused, Undelivered) as error:
            good, seen = False, error.words.say(embedded.language())
        yield Finding(
            name,
            (f"提醒渠道 {kind.words.zh}", f"channel {kind.words.en}"),
            good,
            seen,
            (
                f"请核对 {kind.variable}、网络与证书（SSL_CERT_FILE），以及对方管理后台中的应用；见运维文档“提醒渠道”。",
                f"Check {kind.variable}, the network and the certificates (SSL_CERT_FILE), and the application in the vendor's console; "
                'see docs/operations, "Channels".',
            ),
        )
