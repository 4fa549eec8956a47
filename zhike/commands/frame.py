"""What every command stands on: how one is declared, its language, its exit codes, its database.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with rows refused, 4 the database's tables are another version's.
A new command is a function with `@command(...)`; a group ("code show") is its two words.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhike import embedded, processes, schema

DONE, FAILED, MISUSED, REFUSED, OTHER_TABLES = 0, 1, processes.MISUSED, 3, 4

Options = argparse.Namespace
Run = Callable[[Options], int]


def words(zh: str, en: str) -> str:
    """The reader's language; Django's own translation is not up yet where this is used."""
    return en if embedded.language() == "en" else zh


def tell_unread(columns: Iterable[str], left_out: Iterable[str]) -> list[str]:
    """Names the columns of a file that nobody understood and nobody said to leave out; returns them."""
    unread = [column for column in columns if column not in set(left_out)]
    if unread:
        listed = "、".join(unread)
        print(
            words(
                f"未识别、未导入的列：{listed}。确实不要的，请用 --leave-out 列名 说明。",
                f"Not understood and not taken in: the columns {listed}. What is not wanted, name with --leave-out.",
            ),
            file=sys.stderr,
        )
    return unread


class Failure(Exception):
    """A command cannot be done; the message is one sentence that says what to do."""

    code = FAILED


class Misused(Failure):
    """What the command was given, or its environment, cannot be; trying again changes nothing."""

    code = MISUSED


class OtherTables(Failure):
    """The database's tables are not those of this release; trying again changes nothing."""

    code = OTHER_TABLES


@dataclass(frozen=True)
class Argument:
    """One argument of a command, with its help in both languages."""

    name: str
    zh: str
    en: str
    more: dict[str, Any]


def argument(name: str, zh: str, en: str, **more: Any) -> Argument:
    """Declare an argument for `command`; `more` is argparse's."""
    return Argument(name, zh, en, more)


LEAVE_OUT = Argument(
    "--leave-out", "不需要的列（可重复）：不识别也不提示", "a column that is not wanted (repeatable): it is not asked after",
    {"action": "append", "default": [], "metavar": "COLUMN"},
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A command: its words, its help in both languages, its arguments and what it runs."""

    zh: str
    en: str
    arguments: tuple[Argument, ...]
    run: Run


COMMANDS: dict[str, Command] = {}
GROUPS: dict[str, tuple[str, str]] = {}

JSON = argument("--json", "以 JSON 输出", "print JSON, for programs", action="store_true")
FILE = argument("file", "文件", "the file", metavar="FILE", type=Path)
PORT = argument("--port", "端口（默认取 ZHIKE_PORT，否则 8000）", "the port (default ZHIKE_PORT, else 8000)", type=int)
ADDRESS = argument(
    "--address", "监听地址（默认仅本机）", "the address to listen on (default: this machine alone)", default="127.0.0.1"
)


def command(name: str, zh: str, en: str, *arguments: Argument) -> Callable[[Run], Run]:
    """Make a function a command."""

    def enter(run: Run) -> Run:
        COMMANDS[name] = Command(zh, en, arguments, run)
        return run

    return enter


@contextmanager
def database() -> Iterator[embedded.Server | None]:
    """The database that this process and its children use: the one named, or else the embedded one."""
    if os.environ.get("ZHIKE_DATABASE_URL"):
        yield None
        return
    if os.environ.setdefault("ZHIKE_MODE", "demo") == "production":
        raise Failure(
            words(
                "生产模式不使用内置数据库：请用 ZHIKE_DATABASE_URL 指定 PostgreSQL。",
                "Production does not run on the embedded database: name a PostgreSQL in ZHIKE_DATABASE_URL.",
            )
        )
    with embedded.running() as server:
        os.environ.update(embedded.environment(server))
        try:
            yield server
        finally:
            for name in embedded.environment(server):
                os.environ.pop(name, None)


@contextmanager
def ready(role: str = "worker", *, any_tables: bool = False) -> Iterator[embedded.Server | None]:
    """Django, connected in one of the roles app, worker, owner. Raises Failure where the database cannot be reached, and where
    its tables are not those of this release, unless ``any_tables`` will do.
    """
    with database() as server:
        os.environ["ZHIKE_ROLE"] = role
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.settings")
        import django
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.db import OperationalError, connection

        try:
            django.setup()
        except ImproperlyConfigured as error:
            raise Failure(str(error)) from error
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise Failure(unreachable(error)) from error
        try:
            if not any_tables and not (found := schema.standing(connection)).current:
                raise OtherTables(words(*schema.advice(found, demo=settings.DEMO)))
            yield server
        finally:
            connection.close()


def unreachable(error: Exception) -> str:
    """The sentence for a database that does not answer."""
    return words(
        f"连不上数据库：{one_line(error)}。请检查 ZHIKE_DATABASE_URL 与数据库是否在运行。",
        f"The database cannot be reached: {one_line(error)}. Check ZHIKE_DATABASE_URL and that it runs.",
    )


def one_line(error: Exception) -> str:
    """The first line of what a library says, without its full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def child(*arguments: str, **environment: str) -> None:
    """Run another command of ours to its end in a process of its own: each has its own database role."""
    done = subprocess.run(
        processes.own(*arguments),
        env={**os.environ, **environment, "ZHIKE_PARENT": str(os.getpid())},
        check=False,
    )
    if done.returncode == OTHER_TABLES:
        raise SystemExit(OTHER_TABLES)  # it has said so itself
    if done.returncode:
        raise Failure(words(f"zhike {' '.join(arguments)} 未完成。", f"zhike {' '.join(arguments)} did not finish."))


def port_of(options: Options) -> int:
    """The port asked for, proven to be free. Raises Failure with what to do."""
    named = options.port or os.environ.get("ZHIKE_PORT") or 8000
    try:
        port = int(named)
        free = processes.port_is_free(options.address, port)
    except (ValueError, OverflowError, OSError) as error:
        raise Failure(
            words(
                f"无法监听 {options.address}:{named}（{one_line(error)}）。"
                "请用 ZHIKE_PORT 或 --port 指定 1024 至 65535 的端口。",
                f"Cannot listen on {options.address}:{named} ({one_line(error)}). Name a port from 1024 to 65535 in "
                "ZHIKE_PORT or --port.",
            )
        ) from error
    if not free:
        raise Failure(
            words(
                f"端口 {port} 已被占用。请停止占用它的程序，或用 ZHIKE_PORT 指定别的端口，例如 ZHIKE_PORT={port + 1}。",
                f"Port {port} is taken. Stop the program that has it, or name another one: ZHIKE_PORT={port + 1}.",
            )
        )
    return port
