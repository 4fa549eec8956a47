"""The command `zhike`. One small function a command; each imports what it needs when it runs.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with rows refused.
A new command is a function with `@command(...)`; a group ("code show") is its two words.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from zhike import embedded, processes

DONE, FAILED, MISUSED, REFUSED = 0, 1, 2, 3

Options = argparse.Namespace
Run = Callable[[Options], int]


def words(zh: str, en: str) -> str:
    """The reader's language; Django's own translation is not up yet where this is used."""
    return en if embedded.language() == "en" else zh


class Failure(Exception):
    """A command cannot be done; the message is one sentence that says what to do."""


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


def parser() -> argparse.ArgumentParser:
    """The whole command line, from COMMANDS."""
    top = argparse.ArgumentParser(
        prog="zhike", description=words("知客：客户经理工作台", "Zhike: the relationship manager's workbench")
    )
    levels = {"": top.add_subparsers(metavar=words("命令", "COMMAND"), required=True)}
    for name, entry in COMMANDS.items():
        group, _, last = name.rpartition(" ")
        if group not in levels:
            title = words(*GROUPS[group])
            inner = levels[""].add_parser(group, help=title, description=title)
            levels[group] = inner.add_subparsers(metavar=words("命令", "COMMAND"), required=True)
        help_text = words(entry.zh, entry.en)
        sub = levels[group].add_parser(last, help=help_text, description=help_text)
        for each in entry.arguments:
            sub.add_argument(each.name, help=words(each.zh, each.en), **each.more)
        sub.set_defaults(run=entry.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; whatever goes wrong in a foreseen way is one sentence on standard error."""
    options = parser().parse_args(argv)
    processes.follow_parent()
    processes.end_like_ctrl_c()
    try:
        return int(options.run(options))
    except (Failure, embedded.CannotServe) as failure:
        print(failure, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


# ---------------------------------------------------------------------- what commands stand on


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
def ready(role: str = "worker") -> Iterator[embedded.Server | None]:
    """Django, connected in one of the roles app, worker, owner. Raises Failure where the database cannot be reached."""
    with database() as server:
        os.environ["ZHIKE_ROLE"] = role
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.settings")
        import django
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


# ---------------------------------------------------------------------- running


@command(
    "demo",
    "启动演示：内置数据库、演示银行、网页与后台任务",
    "run the demonstration: database, bank, pages and worker",
    ADDRESS,
    PORT,
)
def demo(options: Options) -> int:
    """Everything on one machine with nothing prepared; Ctrl-C stops all that it started."""
    os.environ.setdefault("ZHIKE_MODE", "demo")
    port = port_of(options)
    with database() as server:
        child("migrate", "--quiet")
        child("demo-bank", ZHIKE_ROLE="worker")
        return keep_running(options.address, port, server)


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
    running = [
        processes.Process("web", ["web", "--address", address, "--port", str(port)], {"ZHIKE_ROLE": "app"}),
        processes.Process("worker", ["worker"], {"ZHIKE_ROLE": "worker"}),
    ]
    try:
        if processes.wait_for_port(address, port, running[0]):
            announce(address, port)
    except KeyboardInterrupt:
        processes.stop(running)
        return DONE
    failed = processes.supervise(running, server.revive if server else lambda: None)
    if failed is None:
        return DONE
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
        ).serve()
        del server
    return DONE


@command("worker", "只启动后台任务", "run the background jobs alone")
def worker(options: Options) -> int:
    """Work through what is due until stopped."""
    with ready("worker"):
        from procrastinate.contrib.django import app

        if "ZHIKE_PARENT" in os.environ:
            processes.end_after_parent()
        with app.replace_connector(app.connector.get_worker_connector()):  # type: ignore[attr-defined]
            app.run_worker(fetch_job_polling_interval=0.5, shutdown_graceful_timeout=processes.GRACE - 2)
    return DONE


@command("migrate", "建立或更新数据库结构", "make or update the database's tables",
         argument("--quiet", "仅报告错误", "say nothing but errors", action="store_true"))  # fmt: skip
def migrate(options: Options) -> int:
    """Bring the tables up to this release, as the role that owns them."""
    with ready("owner"):
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0 if options.quiet else 1)
    return DONE


# ---------------------------------------------------------------------- working


@command("day", "按日历生成当日应办（重复执行不会重复生成）", "add what the calendar owes on a day; twice adds nothing",
         argument("--on", "日期，默认今天，例如 2026-02-16", "the day, today unless given: 2026-02-16", metavar="DATE"),
         JSON)  # fmt: skip
def day(options: Options) -> int:
    """Birthdays and the contacts due by rhythm; what has lapsed is marked."""
    with ready("worker"):
        from dataclasses import asdict
        from datetime import date

        from zhike import clock
        from zhike.obligations.sweep import sweep
        from zhike.people import bank

        now = clock.now()
        try:
            on = date.fromisoformat(options.on) if options.on else None
        except ValueError:
            print(
                words(f"{options.on} 不是日期，应如 2026-02-16。", f"{options.on} is no date; write 2026-02-16."),
                file=sys.stderr,
            )
            return MISUSED
        settings = bank.settings()
        on = on or now.astimezone(settings.at(now.date()).zone).date()
        swept = sweep(on, now=now, bank=settings.at(on))
    if options.json:
        print(json.dumps({"on": on.isoformat(), **asdict(swept)}))
    else:
        print(
            words(
                f"{on}：生日 {swept.birthdays} 项，联系节奏 {swept.rhythm} 项，过期未办 {swept.missed} 项，"
                f"停止 {swept.stopped} 项，移交 {swept.handed_over} 项。",
                f"{on}: {swept.birthdays} for birthdays, {swept.rhythm} by rhythm; {swept.missed} missed, "
                f"{swept.stopped} stopped, {swept.handed_over} handed over.",
            )
        )
    return DONE


# ---------------------------------------------------------------------- the code

GROUPS["code"] = ("行为规范：条文、落实情况", "the conduct code: its clauses and how each is served")
CLAUSE = argument("id", "条款编号，如 R12", "the clause, such as R12", metavar="ID")


def today() -> date:
    """This day in the zone of a bank that has set no other."""
    from zhike import clock
    from zhike.conduct.bank import Bank

    return clock.now().astimezone(Bank().zone).date()


@command("code list", "列出全部条款", "list every clause", JSON)
def code_list(options: Options) -> int:
    """Id, force, modes and title, in the order of the code."""
    from zhike.conduct import clause

    rows = [
        {"id": each.id, "force": each.force, "modes": list(each.modes), "title": words(each.title.zh, each.title.en)}
        for each in clause.load().values()
    ]
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            print(f"{row['id']:4} {row['force']:7} {' '.join(row['modes']):30} {row['title']}")
    return DONE


@command(
    "code check",
    "逐条核对：条文、测试、页面、度量是否齐备",
    "say of each clause which of data, test, page, measure exist",
    JSON,
)
def code_check(options: Options) -> int:
    """Computed from the clauses in force and the last full run of the tests; never typed in."""
    from zhike import served
    from zhike.conduct import clause

    run = served.last_run()
    rows = served.entries(clause.load(), today(), run)
    if options.json:
        print(json.dumps([row.as_dict() for row in rows], ensure_ascii=False, indent=1))
        return DONE
    print(words("条款 力度    条文 测试 页面 度量", "id   force   data test page measure"))
    for row in rows:
        ticks = "    ".join("✓" if given else "·" for given in (row.data, row.test, row.page, row.measure))
        print(f"{row.id:4} {row.force:7} {ticks}")
    kept = sum(row.served for row in rows)
    when = run.at or words("（还没有完整运行过测试）", "(no full run of the tests yet)")
    print(
        words(
            f"{kept}/{len(rows)} 条已落实；依据 {when} 的测试", f"{kept} of {len(rows)} served; by the tests of {when}"
        )
    )
    return DONE


@command("code show", "显示一条：条文、出处、规则、测试", "show one clause: text, source, rules, tests", CLAUSE, JSON)
def code_show(options: Options) -> int:
    """Text, source, every version with its rules, and the tests of the last full run."""
    from zhike import served
    from zhike.conduct import clause

    code = clause.load()
    if options.id not in code:
        raise Failure(
            words(
                f"没有条款 {options.id}。全部条款见 zhike code list。",
                f"There is no clause {options.id}; see zhike code list.",
            )
        )
    shown = served.shown(code[options.id], served.last_run(), words)
    if options.json:
        print(json.dumps(shown, ensure_ascii=False, indent=1, default=str))
        return DONE
    for name, value in shown.items():
        if isinstance(value, list):
            print(f"{name}:")
            for each in value:
                print("  -", each if isinstance(each, str) else " ".join(f"{k}={v}" for k, v in each.items() if v))
        else:
            print(f"{name}: {value}")
    return DONE


@command("explain", "说明一项应办因何而来", "say which facts and which clause made an obligation",
         argument("obligation", "应办编号", "the obligation's number", metavar="OBLIGATION", type=int), JSON)  # fmt: skip
def explain(options: Options) -> int:
    """The facts and the version of the clause that made an obligation. An operator's command: it sees every row."""
    with ready("worker"):
        from django.utils import translation

        from zhike.obligations.explanation import explain as explained

        try:
            with translation.override(words("zh-hans", "en")):
                told = explained(options.obligation)
        except LookupError as error:
            raise Failure(
                words(f"没有编号为 {options.obligation} 的应办。", f"There is no obligation {options.obligation}.")
            ) from error
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=1, default=str))
        return DONE
    for name, value in told.items():
        if isinstance(value, dict) and name in {"fact", "settling", "corrects"}:
            print(f"{name}:")
            for inner, given in value.items():
                print(f"  {inner}: {given}")
        elif value not in (None, "", [], {}):
            print(f"{name}: {value}")
    return DONE


# ---------------------------------------------------------------------- keeping


GROUPS["import"] = ("导入", "take files in")


@command(
    "import staff", "导入机构、员工与任职", "take in units, staff and posts", FILE,
    argument("--dry-run", "只检查，不写入", "check only, write nothing", action="store_true"),
    argument("--refused", "被拒行写入此文件（默认 FILE.refused.csv）", "where refused rows go (default FILE.refused.csv)", type=Path),
    argument("--invitations", "一次性密码写入此文件", "where the one-time passwords go", type=Path),
    JSON,
)  # fmt: skip
def import_staff(options: Options) -> int:
    """Seat the bank's people from CSV or XLSX; good rows are taken, refused rows come back as a file."""
    with ready("worker"):
        from django.db import transaction
        from django.utils import timezone, translation

        from zhike import clock
        from zhike.people.roster import Roster
        from zhike.people.tables import UnreadableTable, open_table

        now = clock.now()
        with translation.override(embedded.language() if embedded.language() == "en" else "zh-hans"):
            try:
                table = open_table(options.file)
                with transaction.atomic():
                    result = Roster(table, today=timezone.localtime(now).date(), now=now, grant=True).take_in()
                    transaction.set_rollback(options.dry_run)
            except UnreadableTable as error:
                raise Failure(str(error)) from error
            return tell_staff(options, table.columns, result)


def tell_staff(options: Options, columns: tuple[str, ...], result: Any) -> int:
    """What came of a staff file, on the screen and as files beside it."""
    from zhike.people.tables import RefusedRows

    if result.refused:
        target = options.refused or options.file.with_name(f"{options.file.stem}.refused.csv")
        with embedded.writing(target), target.open("w", encoding="utf-8", newline="") as file:
            rows = RefusedRows(file, columns)
            for row, problems in result.refused:
                rows.add(row, problems)
        print(words(f"{rows.count} 行被拒，见 {target}", f"{rows.count} rows refused: {target}"), file=sys.stderr)
    if options.invitations and not options.dry_run:
        with embedded.writing(options.invitations):
            handle = os.open(options.invitations, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "w", encoding="utf-8") as file:
                file.writelines("\t".join(line) + "\n" for line in result.invitations)
    counts = {
        name: getattr(result, name)
        for name in ("units_made", "units_changed", "staff_made", "staff_changed", "posts_made", "unchanged")
    }
    if options.json:
        print(json.dumps({**counts, "refused": len(result.refused)}))
    else:
        print(
            words(
                "机构新增 {units_made} 更新 {units_changed}；员工新增 {staff_made} 更新 {staff_changed}；任职 {posts_made}；未变 {unchanged}",
                "units {units_made} new, {units_changed} changed; staff {staff_made} new, {staff_changed} changed; "
                "posts {posts_made}; unchanged {unchanged}",
            ).format(**counts)
        )
    return REFUSED if result.refused else DONE


@command(
    "import customers", "导入客户名单", "take in customers", FILE,
    argument("--dry-run", "只检查，不写入", "check only, write nothing", action="store_true"),
    argument("--map", "指定列的含义，如 客户名=name（可重复）", "what a column means, as in 客户名=name (repeatable)",
             action="append", default=[], metavar="COLUMN=FIELD"),
    argument("--unit", "行内未注明机构时归入此机构", "the unit's code for rows that name neither unit nor RM", metavar="CODE"),
    argument("--by", "经办人工号（记入留痕）", "the staff number of whoever does it, for the trail", metavar="STAFF"),
    argument("--duplicates", "疑似重复：ask 留待决定（默认），same 视为同一人，other 另作新客户，skip 不导入",
             "perhaps known already: ask leaves them open (default), same, other, skip",
             choices=["ask", "same", "other", "skip"], default="ask"),
    argument("--refused", "被拒行写入此文件（默认 FILE.refused.csv）", "where refused rows go (default FILE.refused.csv)", type=Path),
    JSON,
)  # fmt: skip
def import_customers(options: Options) -> int:
    """Load a customer file; good rows are loaded once however often it is run, refused rows come back as a file."""
    with ready("worker"):
        from django.utils import translation

        from zhike import clock
        from zhike.customers.checks import Unaccepted
        from zhike.customers.imports import columns, load
        from zhike.people import bank
        from zhike.people.tables import UnreadableTable, open_table

        now = clock.now()
        language = embedded.language() if embedded.language() == "en" else "zh-hans"
        with translation.override(language):
            try:
                table = open_table(options.file)
                mapping = columns.guess(table.columns) | mapped(options.map)
                if sentence := columns.faults(table.columns, {k: v for k, v in mapping.items() if v}):
                    rows = sum(1 for _row in table)
                    print(words(f"{rows} 行均未导入。", f"None of {rows} rows is loaded."), sentence, file=sys.stderr)
                    return REFUSED
                run = started(options, {k: v for k, v in mapping.items() if v}, now)
                columns.remember(mapped(options.map), mapped(options.map), run.by_id, now)
                day = now.astimezone(bank.settings().at(now.date()).zone).date()
                settings = bank.settings().at(day)
                run = load.run_import(run, options.file, bank=settings, now=clock.now, language=language)
                if options.duplicates != "ask" and not options.dry_run:
                    decided(run, options.duplicates, settings)
            except (UnreadableTable, Unaccepted) as error:
                raise Failure(str(error)) from error
            return tell_customers(options, run)


def mapped(pairs: list[str]) -> dict[str, str]:
    """COLUMN=FIELD, as typed. Raises Failure for what is not such a pair."""
    found = {}
    for pair in pairs:
        column, sign, field = pair.rpartition("=")
        if not sign or not column:
            raise Failure(words(f"--map 应写作 列=字段，而不是 {pair}。", f"--map takes COLUMN=FIELD, not {pair}."))
        found[column] = field
    return found


def started(options: Options, mapping: dict[str, str], now: Any) -> Any:
    """The run's row. Raises Failure for a unit or a person that does not exist."""
    from zhike.customers.models import Run
    from zhike.people.models import Staff, Unit

    unit = Unit.objects.filter(code=options.unit).first() if options.unit else None
    by = Staff.objects.filter(number=options.by, is_active=True).first() if options.by else None
    if options.unit and unit is None:
        raise Failure(words(f"没有机构号为 {options.unit} 的机构。", f"There is no unit with the code {options.unit}."))
    if options.by and by is None:
        raise Failure(words(f"没有工号为 {options.by} 的在职员工。", f"There is no active staff member {options.by}."))
    size = options.file.stat().st_size
    return Run.objects.create(
        name=options.file.name, size=size, by=by, at=now, mapping=mapping, unit=unit, dry=options.dry_run
    )


def decided(run: Any, decision: str, settings: Any) -> None:
    """The same decision for every doubtful row; who decides must be named, for the trail."""
    from zhike import clock
    from zhike.customers.imports.decide import decide
    from zhike.customers.models import Line
    from zhike.people.actor import acting

    if run.by_id is None:
        raise Failure(words("--duplicates 须同时用 --by 指明经办人。", "--duplicates needs --by: who decides is kept."))
    for line in Line.objects.filter(run=run, state=Line.State.DOUBTFUL).order_by("line"):
        with acting(run.by_id, clock.now()) as actor:
            decide(line, decision, actor=actor, now=clock.now(), bank=settings)
    run.refresh_from_db()


def tell_customers(options: Options, run: Any) -> int:
    """What came of a customer file, on the screen and as a file beside it."""
    from zhike.customers.imports.load import refused_file

    if run.refused:
        target = options.refused or options.file.with_name(f"{options.file.stem}.refused.csv")
        with embedded.writing(target), target.open("w", encoding="utf-8", newline="") as file:
            count = refused_file(run, file)
        print(words(f"{count} 行被拒，见 {target}", f"{count} rows refused: {target}"), file=sys.stderr)
    counts = {name: getattr(run, name) for name in ("checked", "loaded", "already", "refused", "doubtful")}
    if options.json:
        print(json.dumps({"run": run.pk, "dry": run.dry, **counts}))
    else:
        print(
            words(
                "第 {run} 次导入：{checked} 行，导入 {loaded}，早已导入 {already}，被拒 {refused}，疑似重复待决定 {doubtful}。",
                "Import {run}: {checked} rows, {loaded} loaded, {already} in already, {refused} refused, "
                "{doubtful} perhaps known already and waiting for a decision.",
            ).format(run=run.pk, **counts)
        )
    return REFUSED if run.refused or run.doubtful else DONE


@command(
    "import undo",
    "撤销一次客户导入",
    "undo an import of customers",
    argument("number", "导入编号", "the import's number", type=int),
)
def import_undo(options: Options) -> int:
    """Take a run's customers away again, as long as nothing was recorded about them."""
    with ready("worker"):
        from django.utils import translation

        from zhike import clock
        from zhike.customers.checks import Unaccepted
        from zhike.customers.imports.decide import undo
        from zhike.customers.models import Run

        run = Run.objects.filter(pk=options.number).first()
        if run is None:
            raise Failure(words(f"没有第 {options.number} 次导入。", f"There is no import {options.number}."))
        with translation.override(embedded.language() if embedded.language() == "en" else "zh-hans"):
            try:
                gone = undo(run, clock.now())
            except Unaccepted as error:
                raise Failure(str(error)) from error
    print(words(f"已撤销，移除客户 {gone} 位。", f"Undone; {gone} customers removed."))
    return DONE


@command(
    "feed", "读入核心系统的夜间文件", "take in the core system's nightly files",
    argument("files", "文件：客户、持有、到期、评级，各带完成标志 FILE.ok", "files of customers, holdings, maturities, ratings, "
             "each with its flag FILE.ok", metavar="FILE", nargs="+", type=Path),
    argument("--kind", "文件内容（默认看文件名）", "what the files hold (default: by their names)",
             choices=["customers", "holdings", "maturities", "ratings"], default=""),
    argument("--encoding", "编码（默认自动识别）", "the encoding (found out by default)", default=""),
    argument("--delimiter", "分隔符（默认自动识别）", "the delimiter (found out by default)", default=""),
    argument("--no-flag", "不等完成标志", "do not wait for the flag", action="store_true"),
    JSON,
)  # fmt: skip
def feed(options: Options) -> int:
    """Whole files alone are read; what an RM learned is never written over; refused rows come back beside each file."""
    with ready("worker"):
        from django.utils import translation

        from zhike.customers.checks import Unaccepted
        from zhike.customers.feeds.files import in_order, opened
        from zhike.people.tables import UnreadableTable

        language = embedded.language() if embedded.language() == "en" else "zh-hans"
        with translation.override(language):
            try:
                feeds = in_order(
                    opened(
                        path,
                        kind=options.kind,
                        encoding=options.encoding,
                        delimiter=options.delimiter,
                        flagged=not options.no_flag,
                    )
                    for path in options.files
                )
                done = [(each, fed(each, language)) for each in feeds]
            except (UnreadableTable, Unaccepted) as error:
                raise Failure(str(error)) from error
            return max(tell_feed(options, each.path, run) for each, run in done)


def fed(whole: Any, language: str) -> Any:
    """One feed taken in; returns its run."""
    from zhike import clock
    from zhike.customers.feeds.take import take
    from zhike.customers.models import Run
    from zhike.people import bank

    now = clock.now()
    day = now.astimezone(bank.settings().at(now.date()).zone).date()
    run = Run.objects.create(
        kind=whole.kind,
        name=whole.path.name,
        size=whole.path.stat().st_size,
        at=now,
        mapping=whole.mapping,
        total=whole.rows,
    )
    return take(whole, run, bank=bank.settings().at(day), now=clock.now, language=language)


def tell_feed(options: Options, path: Path, run: Any) -> int:
    """What came of one file of a feed."""
    from zhike.customers.imports.load import refused_file

    if run.refused:
        target = path.with_name(f"{path.stem}.refused.csv")
        with embedded.writing(target), target.open("w", encoding="utf-8", newline="") as file:
            refused_file(run, file)
        print(words(f"{run.refused} 行被拒，见 {target}", f"{run.refused} rows refused: {target}"), file=sys.stderr)
    names = ("checked", "loaded", "already", "changed", "differing", "refused", "doubtful")
    counts = {name: getattr(run, name) for name in names}
    if options.json:
        print(json.dumps({"run": run.pk, "kind": run.kind, "file": path.name, **counts}))
    else:
        print(
            words(
                "{file}：{checked} 行，新增 {loaded}，已有 {already}，更新 {changed}，与所知不同 {differing}，被拒 {refused}，"
                "疑似重复 {doubtful}。",
                "{file}: {checked} rows, {loaded} loaded, {already} known, {changed} changed, {differing} fields differ from "
                "what was learned, {refused} refused, {doubtful} perhaps known.",
            ).format(file=path.name, **counts)
        )
    return REFUSED if run.refused or run.doubtful else DONE


@command("tiers", "按月日均资产评定当月等级", "rate customers for a month by the bank's rule",
         argument("--month", "月份，默认本月，例如 2026-03", "the month, this one unless given: 2026-03", metavar="MONTH"),
         JSON)  # fmt: skip
def tiers(options: Options) -> int:
    """Each customer's tier from what is known of the month before; twice is as once."""
    with ready("worker"):
        from datetime import date

        from zhike import clock
        from zhike.customers.rating import rate
        from zhike.people import bank

        now, settings = clock.now(), bank.settings()
        today = now.astimezone(settings.at(now.date()).zone).date()
        try:
            month = date.fromisoformat(f"{options.month}-01") if options.month else today.replace(day=1)
        except ValueError:
            print(
                words(f"{options.month} 不是月份，应如 2026-03。", f"{options.month} is no month; write 2026-03."),
                file=sys.stderr,
            )
            return MISUSED
        changed = rate(month, rules_at=lambda day: settings.at(day).tier_rules, now=now)
    if options.json:
        print(json.dumps({"month": f"{month:%Y-%m}", "changed": changed}))
    else:
        print(words(f"{month:%Y-%m}：{changed} 位客户有变化。", f"{month:%Y-%m}: {changed} customers changed."))
    return DONE


@command(
    "token", "为员工签发 API 访问令牌（只显示一次）", "give a staff member a token for the API, shown once",
    argument("staff", "工号", "the staff number", metavar="STAFF"),
    argument("--label", "用途说明", "what it is for", default=""),
    argument("--days", "有效天数（默认 90）", "how many days it is good for (default 90)", type=int, default=90),
)  # fmt: skip
def token(options: Options) -> int:
    """Print a new bearer token. Only its hash is kept, so nobody can show it again."""
    with ready("worker"):
        from zhike import clock
        from zhike.people.models import Staff
        from zhike.people.tokens import give

        staff = Staff.objects.filter(number=options.staff, is_active=True).first()
        if staff is None:
            raise Failure(
                words(
                    f"没有工号为 {options.staff} 的在用账号。", f"No open account has the staff number {options.staff}."
                )
            )
        if not 0 < options.days <= 366:
            raise Failure(words("有效期须为 1 到 366 天。", "A token is good for 1 to 366 days."))
        print(give(staff, options.label, clock.now(), days=options.days))
    return DONE


@command("doctor", "检查数据库、结构、权限、磁盘与时钟", "check database, tables, roles, disk and clock", JSON)
def doctor(options: Options) -> int:
    """What stands between this installation and a working day, each with what to do; exit 1 if anything does."""
    with ready("worker") as server:
        from zhike import health

        findings = health.examine(server)
    if options.json:
        print(json.dumps([finding.as_dict() for finding in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            print("✓" if finding.good else "✗", words(*finding.title), finding.detail)
            if not finding.good:
                print("  ", words(*finding.advice))
    return DONE if all(finding.good for finding in findings) else FAILED


@command("backup", "将数据库备份到一个文件", "write the database into one file", FILE)
def backup(options: Options) -> int:
    """A consistent copy of everything, by pg_dump. It is not encrypted: whoever can read it can read all but profiles."""
    target: Path = options.file.absolute()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    with database() as server, embedded.writing(target):
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(handle, "wb") as file:
                # Row-level security stays on: as the owner we pass its policies, which is not the same as having none.
                dump = [tool("pg_dump", server), "--format=custom", "--enable-row-security"]
                finish(subprocess.run(dump, stdout=file, stderr=subprocess.PIPE, env=as_owner(), check=False))
                file.flush()
                os.fsync(handle)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    size = target.stat().st_size / (1 << 20)
    print(
        words(
            f"已备份到 {target}（{size:.1f} MB，未加密，仅本账户可读）。数据密钥 ZHIKE_DATA_KEYS 不在其中，请另行保管。",
            f"Backed up to {target} ({size:.1f} MB, not encrypted, readable by this account alone). The keys in "
            "ZHIKE_DATA_KEYS are not in it: keep them elsewhere.",
        )
    )
    return DONE


@command("restore", "从备份文件恢复数据库", "restore the database from a backup", FILE,
         argument("--replace", "替换现有数据", "replace the data that is there", action="store_true"))  # fmt: skip
def restore(options: Options) -> int:
    """All or nothing: the old content goes in the transaction that brings the new."""
    source: Path = options.file.absolute()
    if not source.is_file():
        raise Failure(words(f"找不到备份文件 {source}。", f"There is no backup file {source}."))
    with database() as server:
        if not options.replace and has_tables():
            raise Failure(
                words(
                    "数据库中已有数据。确认要替换时，请先停止 zhike 并加 --replace。",
                    "The database holds data already. To replace it, stop zhike first and add --replace.",
                )
            )
        pour(source, tool("pg_restore", server), tool("psql", server))
        child("migrate", "--quiet")
    print(words(f"已从 {source} 恢复。", f"Restored from {source}."))
    return DONE


def owner_url() -> str:
    """The address for the role that owns the tables."""
    return os.environ.get("ZHIKE_OWNER_DATABASE_URL") or os.environ["ZHIKE_DATABASE_URL"]


def as_owner() -> dict[str, str]:
    """How PostgreSQL's programs are told where to go; a command line could be read by everybody on the machine."""
    from psycopg.conninfo import conninfo_to_dict

    names = {"user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE", "host": "PGHOST", "port": "PGPORT"}
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    given = conninfo_to_dict(owner_url())
    return {**os.environ, **{variable: str(given[name]) for name, variable in names.items() if name in given}}


def has_tables() -> bool:
    """Is there anything that a restore would replace?"""
    return bool(asked("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))


def major_version() -> int:
    """Of the PostgreSQL that we are connected to."""
    return asked("SELECT current_setting('server_version_num')::int / 10000")


def asked(question: str) -> int:
    """One number from the database, without Django."""
    import psycopg

    try:
        with psycopg.connect(owner_url(), connect_timeout=10) as connection:
            ((answer,),) = connection.execute(question).fetchall()
    except psycopg.OperationalError as error:
        raise Failure(unreachable(error)) from error
    return int(answer)


def pour(source: Path, reader: str, loader: str) -> None:
    """Bring a backup's content in, in one transaction that is confirmed only when all of it has been read."""
    reading = [reader, "--no-owner", "--file=-", str(source)]
    loading = [loader, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(reading, stdout=pipe, stderr=pipe) as read,
        subprocess.Popen(loading, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, env=as_owner()) as loaded,
    ):
        assert read.stdout
        assert read.stderr
        assert loaded.stdin
        assert loaded.stderr
        with contextlib.suppress(BrokenPipeError):  # it refused something; what, it says itself
            loaded.stdin.write(b"BEGIN; DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n")
            loaded.stdin.write(b"GRANT USAGE ON SCHEMA public TO PUBLIC;\n")
            shutil.copyfileobj(read.stdout, loaded.stdin)
            if read.wait() == 0:
                loaded.stdin.write(b"\nCOMMIT;\n")
        with contextlib.suppress(BrokenPipeError):
            loaded.stdin.close()
        read.stdout.close()
        loaded.wait()
        complaints = loaded.stderr.read(), read.stderr.read()
    finish(subprocess.CompletedProcess(loading, loaded.returncode, stderr=complaints[0]))
    finish(subprocess.CompletedProcess(reading, read.returncode, stderr=complaints[1]))


def tool(name: str, server: embedded.Server | None) -> str:
    """One of PostgreSQL's programs: of the server's own version where there is one, else the wheel's."""
    if server:
        return str(server.programs / name)
    of_its_version = Path(f"/usr/lib/postgresql/{major_version()}/bin/{name}")
    if of_its_version.exists():
        return str(of_its_version)
    with contextlib.suppress(embedded.CannotServe):
        return str(embedded.wheel_folder() / embedded.INSTALL / "bin" / name)
    if found := shutil.which(name):
        return found
    raise Failure(
        words(f"找不到 {name}，请安装 postgresql-client。", f"{name} is not here; install postgresql-client.")
    )


def finish(done: subprocess.CompletedProcess[bytes]) -> None:
    """What a program complained about becomes our sentence."""
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["?"]
        raise Failure(words(f"未完成：{said[0]}", f"Not done: {said[0]}"))


# ---------------------------------------------------------------------- measuring


@command("bench", "性能测试：逐项与裸 Django 对照", "measure speed, each thing beside a bare Django",
         argument("names", "项目：today customer writeup search import sweep，默认全部",
                  "what: today customer writeup search import sweep; all unless named", nargs="*", metavar="NAME"),
         argument("--customers", "客户数，默认 100000", "how many customers; 100,000 unless given", type=int, default=100_000),
         argument("--seconds", "每轮秒数，默认 10", "how long a round lasts; 10 s unless given", type=float, default=10.0),
         argument("--rounds", "轮数，默认 5", "how many rounds; 5 unless given", type=int, default=5), JSON)  # fmt: skip
def bench(options: Options) -> int:
    """Make a bank of that size, kept for the next time, and measure on it. Comes with the source, not with a release."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    try:
        import bench as benches
        from bench.databases import NotBuilt
    except ImportError as error:
        raise Failure(
            words(
                "性能测试随源代码提供：请在源代码目录中运行。",
                "The benchmarks come with the source: run it from a checkout.",
            )
        ) from error
    unknown = [name for name in options.names if name not in benches.NAMES]
    if unknown:
        known = " ".join(benches.NAMES)
        print(
            words(f"没有名为 {unknown[0]} 的项目，可选：{known}。", f"There is no {unknown[0]}; there are {known}."),
            file=sys.stderr,
        )
        return MISUSED
    if os.environ.get("ZHIKE_DATABASE_URL"):
        raise Failure(
            words(
                "性能测试自建数据库，只在内置数据库上运行：请取消 ZHIKE_DATABASE_URL。",
                "The benchmarks make databases of their own in the embedded server: unset ZHIKE_DATABASE_URL.",
            )
        )
    figures = []
    try:
        for figure in benches.measure(
            options.names, customers=options.customers, seconds=options.seconds, rounds=options.rounds
        ):
            figures.append(figure)
            if not options.json:
                ratio = "" if figure["ratio"] is None else f" ×{figure['ratio']}"
                print(
                    f"{figure['name']}: {figure['value']} {figure['unit']}{ratio}  {figure['conditions']}", flush=True
                )
    except NotBuilt as error:
        raise Failure(words(f"未测完：{error}", f"Not measured to the end: {error}")) from error
    if options.json:
        print(json.dumps(figures, ensure_ascii=False, indent=1))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
