"""Running Zhike: the demonstration, the pages, the worker, migrations."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from zhike import embedded, processes
from zhike.commands.frame import (
    ADDRESS,
    DONE,
    FAILED,
    MISUSED,
    OTHER_TABLES,
    PORT,
    Failure,
    Misused,
    Options,
    OtherTables,
    argument,
    child,
    command,
    database,
    port_of,
    ready,
    unreachable,
    words,
)
from zhike.commands.keep import clear

AGAIN = 1.0  # seconds until a database that went away is asked again


@command(
    "demo",
    "启动演示：内置数据库、演示银行、网页与后台任务",
    "run the demonstration: database, bank, pages and worker",
    ADDRESS,
    PORT,
    argument(
        "--anew",
        "弃去现有的演示银行，重新建立",
        "throw the demonstration bank away and build it anew",
        action="store_true",
    ),
)
def demo(options: Options) -> int:
    """Everything on one machine with nothing prepared; Ctrl-C stops all that it started."""
    os.environ.setdefault("ZHIKE_MODE", "demo")
    port = port_of(options)
    with database() as server:
        if options.anew:
            begin_anew(server)
        child("migrate", "--quiet")
        child("demo-bank", ZHIKE_ROLE="worker")
        return keep_running(options.address, port, server)


def begin_anew(server: embedded.Server | None) -> None:
    """Throw away what was done in the demonstration; only where asked for, and only what is ours. Raises Failure."""
    if server is None:
        raise Failure(
            words(
                "--anew 只用于内置数据库；请自行清空 ZHIKE_DATABASE_URL 所指的数据库，或取消该变量。",
                "--anew is for the embedded database alone: empty the one named in ZHIKE_DATABASE_URL yourself, or unset it.",
            )
        )
    clear()


@command("demo-bank", "建立演示银行并列出登录账号", "build the demonstration bank and list its sign-ins")
def demo_bank(options: Options) -> int:
    """Build the bank if the database is empty; print the sign-ins."""
    with ready("worker"):
        from zhike import clock
        from zhike.demo import build
        from zhike.people.models import Staff

        if not Staff.objects.exists():
            embedded.to_stderr(
                words(
                    "正在建立演示银行（仅首次，约一分钟）……", "Building the demonstration bank (once; about a minute) …"
                )
            )
        for line in build(clock.now()):
            print(line, flush=True)
    return DONE


@command("serve", "启动网页与后台任务", "run the pages and the worker", ADDRESS, PORT)
def serve(options: Options) -> int:
    """Web and worker under one supervisor, on a database that is migrated already."""
    port = port_of(options)
    with database() as server:
        return keep_running(options.address, port, server)


def announce(address: str, port: int) -> None:
    """Where to go, once it can be gone to."""
    print(
        words(
            f"知客：http://{address}:{port}/ （按 Ctrl-C 停止）", f"Zhike: http://{address}:{port}/ (Ctrl-C stops it)"
        )
    )
    sys.stdout.flush()


def keep_running(address: str, port: int, server: embedded.Server | None) -> int:
    """Web and worker until somebody stops us; the embedded database is brought back if somebody kills it."""
    web = processes.Process("web", ["web", "--address", address, "--port", str(port)], {"ZHIKE_ROLE": "app"})
    running = [web]
    try:
        if processes.wait_for_port(address, port, web):
            announce(address, port)
        elif web.child.returncode == OTHER_TABLES:
            return OTHER_TABLES  # it has said so itself
        running.append(processes.Process("worker", ["worker"], {"ZHIKE_ROLE": "worker"}))
    except KeyboardInterrupt:
        processes.stop(running)
        return DONE
    failed = processes.supervise(running, server.revive if server else lambda: None)
    if failed is None:
        return DONE
    if failed.child.returncode == MISUSED:
        return MISUSED  # it has said so itself
    raise Failure(
        words(f"{failed.name} 进程反复启动失败，已全部停止。", f"The {failed.name} process keeps failing; all stopped.")
    )


@command("web", "只启动网页", "run the pages alone", ADDRESS, PORT,
         argument("--processes", "进程数（默认 1）", "how many (default 1)", type=int, default=1))  # fmt: skip
def web(options: Options) -> int:
    """Serve the pages and the API with granian."""
    port = port_of(options)
    with ready("app") as server:
        from django.db import connection
        from granian import Granian
        from granian.constants import Interfaces
        from granian.log import LogLevels

        connection.close()
        os.environ["ZHIKE_PARENT"] = str(os.getpid())  # its workers end when it is killed
        Granian(
            "zhike.wsgi:application",
            address=options.address,
            port=port,
            interface=Interfaces.WSGI,
            workers=options.processes,
            blocking_threads=1,
            respawn_failed_workers=True,
            workers_kill_timeout=processes.GRACE,
            log_level=LogLevels.warning,
            log_access=False,  # addresses of programs hold what they search for
        ).serve()
        del server
    return DONE


@command("worker", "只启动后台任务与提醒", "run the background jobs and reminders alone")
def worker(options: Options) -> int:
    """Work through what is due until stopped; reminders have a thread of their own, without which there is no worker."""
    with ready("worker"):
        if "ZHIKE_PARENT" in os.environ:
            processes.end_after_parent()
        with reminding() as stopped:
            asyncio.run(working(stopped))
    return DONE


async def working(stopped: threading.Event) -> None:
    """Background jobs until somebody asks us to end; begun anew when the database was away."""
    import psycopg
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import ConnectorException

    loop = asyncio.get_running_loop()
    jobs: asyncio.Task[None] | None = None

    def end() -> None:
        processes.end_in_time()
        stopped.set()
        if jobs is not None:
            jobs.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    while not stopped.is_set():
        jobs = asyncio.create_task(_jobs(app))
        try:
            await jobs
        except asyncio.CancelledError:
            break
        except (ConnectorException, psycopg.Error) as error:
            embedded.to_stderr(unreachable(error))
        await asyncio.sleep(AGAIN)


async def _jobs(app: Any) -> None:
    """Until it is cancelled, or the database goes away."""
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                fetch_job_polling_interval=0.5,
                shutdown_graceful_timeout=processes.GRACE - 2,
                install_signal_handlers=False,
                task_middleware=[_on_a_live_connection],
            )


def _on_a_live_connection(run: Callable[[], Any], context: Any, worker: Any) -> Any:
    """A job's thread keeps its connection; one that broke is not the next job's."""
    from django.db import close_old_connections

    close_old_connections()
    return run()


@contextmanager
def reminding() -> Iterator[threading.Event]:
    """Reminders, team digests and messages are sent beside the block, until the event that it is given is set, or it ends. A thread that dies
    takes the process along: whoever supervises it starts anew.
    """
    from django.conf import settings

    from zhike import clock
    from zhike.conduct.words import Refused
    from zhike.notices import rounds
    from zhike.notices.channels import open_all
    from zhike.notices.channels.webhook import VARIABLE, hosts
    from zhike.notices.courier import Courier
    from zhike.notices.herald import Herald
    from zhike.sms import gateways, sender
    from zhike.sms.sender import Sender

    stopped = threading.Event()
    try:
        channels = open_all(os.environ)
        senders = [Sender(name, transport) for name, transport in gateways.open_all(os.environ, clock.now)]
    except Refused as refused:
        raise Misused(words(refused.words.zh, refused.words.en)) from None
    courier = Courier(uuid.uuid4(), channels, link=settings.ADDRESS)
    herald = Herald(courier.id, hosts(os.environ.get(VARIABLE, "")), link=settings.ADDRESS)

    def go(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(FAILED)

    threads = [
        threading.Thread(target=go, args=[lambda: rounds.go(courier, clock.now, stopped)], name="reminders"),
        threading.Thread(target=go, args=[lambda: herald.go(clock.now, stopped)], name="digests"),
        *(
            threading.Thread(
                target=go, args=[partial(sender.go, each, clock.now, stopped)], name=f"messages {each.gateway}"
            )
            for each in senders
        ),
    ]
    for thread in threads:
        thread.start()
    try:
        yield stopped
    finally:
        stopped.set()
        for thread in threads:
            thread.join(processes.GRACE)


@command("migrate", "建立或更新数据库结构", "make or update the database's tables",
         argument("--quiet", "仅报告错误", "say nothing but errors", action="store_true"))  # fmt: skip
def migrate(options: Options) -> int:
    """Bring the tables up to this release, as the role that owns them."""
    with ready("owner", any_tables=True):
        from django.core.management import CommandError, call_command

        try:
            call_command("migrate", interactive=False, verbosity=0 if options.quiet else 1)
        except CommandError as refused:
            raise OtherTables(str(refused)) from refused
    return DONE
