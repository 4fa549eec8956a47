"""Customers: files taken in and undone, nightly feeds, the month's tiers."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from zhike import embedded
from zhike.commands.frame import (
    DONE,
    FILE,
    JSON,
    LEAVE_OUT,
    MISUSED,
    REFUSED,
    Failure,
    Options,
    argument,
    command,
    ready,
    tell_unread,
    words,
)

TOLD_ONE_BY_ONE = 10  # books that are over their size; the others are counted


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
    LEAVE_OUT, JSON,
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
                run = started(options, {k: v for k, v in mapping.items() if v}, now, unit=unit_of(options))
                settings = bank.settings().now(now)
                run = load.run_import(run, options.file, bank=settings, now=clock.now, language=language)
                if options.duplicates != "ask" and not options.dry_run:
                    decided(run, options.duplicates, settings)
            except (UnreadableTable, Unaccepted) as error:
                raise Failure(str(error)) from error
            unread = columns.unread(table.columns, mapping)
            return tell_customers(options, run, tell_unread(unread, options.leave_out), settings)


def delimiter(typed: str) -> str:
    """A delimiter as a shell passes it on: ``\\x01`` and ``\\t`` stand for what no keyboard types."""
    return re.sub(r"\\(t|x[0-9a-fA-F]{2})", lambda code: "\t" if code[1] == "t" else chr(int(code[1][1:], 16)), typed)


def mapped(pairs: list[str]) -> dict[str, str]:
    """COLUMN=FIELD, as typed. Raises Failure for what is not such a pair."""
    found = {}
    for pair in pairs:
        column, sign, field = pair.rpartition("=")
        if not sign or not column:
            raise Failure(words(f"--map 应写作 列=字段，而不是 {pair}。", f"--map takes COLUMN=FIELD, not {pair}."))
        found[column] = field
    return found


def started(options: Options, mapping: dict[str, str], now: Any, **more: Any) -> Any:
    """The run's row. Raises Failure for a person who does not exist."""
    from zhike.customers.models import Run
    from zhike.people.models import Staff

    by = Staff.objects.filter(number=options.by, is_active=True).first() if options.by else None
    if options.by and by is None:
        raise Failure(words(f"没有工号为 {options.by} 的在职员工。", f"There is no active staff member {options.by}."))
    size = options.file.stat().st_size
    return Run.objects.create(
        name=options.file.name, size=size, by=by, at=now, mapping=mapping, dry=options.dry_run, **more
    )


def unit_of(options: Options) -> Any:
    """The unit named by ``--unit``, None without. Raises Failure for one that does not exist."""
    from zhike.people.models import Unit

    unit = Unit.objects.filter(code=options.unit).first() if options.unit else None
    if options.unit and unit is None:
        raise Failure(words(f"没有机构号为 {options.unit} 的机构。", f"There is no unit with the code {options.unit}."))
    return unit


def decided(run: Any, decision: str, settings: Any) -> None:
    """The same decision for every doubtful row; who decides must be named, for the trail."""
    from zhike import clock
    from zhike.customers.checks import Unaccepted
    from zhike.customers.imports.decide import decide
    from zhike.customers.models import Line
    from zhike.people.actor import acting

    if run.by_id is None:
        raise Failure(words("--duplicates 须同时用 --by 指明经办人。", "--duplicates needs --by: who decides is kept."))
    for line in Line.objects.filter(run=run, state=Line.State.DOUBTFUL).order_by("line"):
        with acting(run.by_id, clock.now()) as actor:
            try:
                decide(line, decision, actor=actor, now=clock.now(), bank=settings)
            except Unaccepted as error:
                print(words(f"第 {line.line} 行：{error}", f"Line {line.line}: {error}"), file=sys.stderr)
    run.refresh_from_db()


def tell_customers(options: Options, run: Any, unread: list[str], settings: Any) -> int:
    """What came of a customer file, on the screen and as a file beside it."""
    from zhike.customers.full_books import full_by

    give_back(options, run)
    counts = {name: getattr(run, name) for name in ("checked", "loaded", "already", "refused", "doubtful")}
    over = [] if run.dry or not run.loaded else [each.words(settings) for each in full_by(run.pk, settings)]
    if options.json:
        print(json.dumps({"run": run.pk, "dry": run.dry, **counts, "unread": unread, "over": over}, ensure_ascii=False))
    else:
        for each in over[:TOLD_ONE_BY_ONE]:
            print(words(f"超过管户上限：{each}", f"Over the size of a book: {each}"), file=sys.stderr)
        if (more := len(over) - TOLD_ONE_BY_ONE) > 0:
            print(
                words(
                    f"另有 {more} 处超过管户上限，见团队页；--json 全部列出。",
                    f"{more} more are over the size of a book: see the team's page, or --json, which lists all.",
                ),
                file=sys.stderr,
            )
        print(
            words(
                "第 {run} 次导入：{checked} 行，导入 {loaded}，早已导入 {already}，被拒 {refused}，疑似重复待决定 {doubtful}。",
                "Import {run}: {checked} rows, {loaded} loaded, {already} in already, {refused} refused, "
                "{doubtful} perhaps known already and waiting for a decision.",
            ).format(run=run.pk, **counts)
        )
    return REFUSED if run.refused or run.doubtful or unread else DONE


def give_back(options: Options, run: Any) -> None:
    """The refused rows of a run as a file beside its own."""
    from zhike.customers.imports.load import refused_file

    if run.refused:
        target = options.refused or options.file.with_name(f"{options.file.stem}.refused.csv")
        with embedded.writing(target), target.open("w", encoding="utf-8", newline="") as file:
            count = refused_file(run, file)
        print(words(f"{count} 行被拒，见 {target}", f"{count} rows refused: {target}"), file=sys.stderr)


@command(
    "import decide", "决定一行疑似重复", "decide a row that may be somebody known",
    argument("number", "导入编号", "the import's number", type=int, metavar="RUN"),
    argument("line", "文件行号", "the line of the file", type=int, metavar="LINE"),
    argument("decision", "same 同一人，补上缺的；other 另作新客户；skip 不导入", "same: fill in what is missing; other: load; skip",
             choices=["same", "other", "skip"]),
    argument("--customer", "与多位相似时，指明是哪一位（系统编号）", "which of several it is: the customer's number here", type=int),
    argument("--by", "经办人工号（记入留痕）", "the staff number of whoever decides, for the trail", metavar="STAFF", required=True),
)  # fmt: skip
def import_decide(options: Options) -> int:
    """Decide one doubtful row of an import or a feed, also of one that nobody started."""
    with ready("worker"):
        from django.utils import translation

        from zhike import clock
        from zhike.customers.checks import Unaccepted
        from zhike.customers.imports.decide import decide
        from zhike.customers.models import Line
        from zhike.people import bank
        from zhike.people.actor import acting
        from zhike.people.models import Staff

        line = Line.objects.filter(run_id=options.number, line=options.line).first()
        by = Staff.objects.filter(number=options.by, is_active=True).first()
        if line is None:
            raise Failure(
                words(
                    f"第 {options.number} 次导入没有要决定的第 {options.line} 行。",
                    f"Import {options.number} has no line {options.line} to decide.",
                )
            )
        if by is None:
            raise Failure(
                words(f"没有工号为 {options.by} 的在职员工。", f"There is no active staff member {options.by}.")
            )
        now = clock.now()
        with translation.override(embedded.language() if embedded.language() == "en" else "zh-hans"):
            try:
                with acting(by.pk, now) as actor:
                    settings = bank.settings().now(now)
                    decide(line, options.decision, customer=options.customer, actor=actor, now=now, bank=settings)
            except Unaccepted as error:
                raise Failure(str(error)) from error
    print(words("已按决定处理。", "Decided."))
    return DONE


@command(
    "import undo",
    "撤销一次客户或短信导入",
    "undo an import of customers or messages",
    argument("number", "导入编号", "the import's number", type=int),
)
def import_undo(options: Options) -> int:
    """Take away again what a run brought: customers, as long as nothing was recorded about them, or messages."""
    with ready("worker"):
        from django.utils import translation

        from zhike import clock
        from zhike.customers.checks import Unaccepted
        from zhike.customers.imports.decide import undo
        from zhike.customers.models import Run
        from zhike.people import bank
        from zhike.sms.imports import undo as messages

        run = Run.objects.filter(pk=options.number).first()
        if run is None:
            raise Failure(words(f"没有第 {options.number} 次导入。", f"There is no import {options.number}."))
        with translation.override(embedded.language() if embedded.language() == "en" else "zh-hans"):
            try:
                if run.kind == "messages":
                    gone = messages.undo(run, clock.now(), bank.settings().now(clock.now()))
                    print(words(f"已撤销：移除短信 {gone} 条。", f"Undone: {gone} messages removed."))
                    return DONE
                undone = undo(run, clock.now())
            except Unaccepted as error:
                raise Failure(str(error)) from error
    print(
        words(
            f"已撤销：移除客户 {undone.removed} 位，从已有客户 {undone.restored} 位收回所补资料。",
            f"Undone: {undone.removed} customers removed, what was filled in taken back from {undone.restored} others.",
        )
    )
    return DONE


@command(
    "feed", "读入核心系统的夜间文件", "take in the core system's nightly files",
    argument("files", "文件：客户、持有、到期、评级，各带完成标志 FILE.ok", "files of customers, holdings, maturities, ratings, "
             "each with its flag FILE.ok", metavar="FILE", nargs="+", type=Path),
    argument("--kind", "文件内容（默认看文件名）", "what the files hold (default: by their names)",
             choices=["customers", "holdings", "maturities", "ratings"], default=""),
    argument("--encoding", "编码（默认自动识别）", "the encoding (found out by default)", default=""),
    argument("--delimiter", "分隔符，可为多个字符，如 '|@|'、'\\x01'（默认自动识别）",
             "the delimiter, also of several characters: '|@|', '\\x01' (found out by default)", default="", type=delimiter),
    argument("--no-flag", "不等完成标志", "do not wait for the flag", action="store_true"),
    argument("--unit", "新客户所在行未注明机构与客户经理时，归入此机构", "the unit's code for new customers whose rows name neither unit nor RM",
             metavar="CODE"),
    argument("--whole", "确认持有文件是全量：未列出的持有均已结束，再多也是", "the holdings' file is whole: what it does not name has ended, "
             "however much that is", action="store_true"),
    LEAVE_OUT, JSON,
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
                        whole=options.whole,
                    )
                    for path in options.files
                )
                unit = unit_of(options)
                # Told one by one: a file that is refused takes no word from those before it.
                return max([tell_feed(options, each, fed(each, language, unit)) for each in feeds])
            except (UnreadableTable, Unaccepted) as error:
                raise Failure(str(error)) from error


def fed(whole: Any, language: str, unit: Any) -> Any:
    """One feed taken in; returns its run."""
    from zhike import clock
    from zhike.customers.feeds.take import take
    from zhike.customers.models import Run
    from zhike.people import bank

    now = clock.now()
    run = Run.objects.create(
        kind=whole.kind,
        name=whole.path.name,
        size=whole.path.stat().st_size,
        at=now,
        mapping=whole.mapping,
        total=whole.rows,
        unit=unit,
    )
    return take(whole, run, bank=bank.settings().now(now), now=clock.now, language=language)


def tell_feed(options: Options, whole: Any, run: Any) -> int:
    """What came of one file of a feed."""
    from zhike.customers.imports import columns
    from zhike.customers.imports.load import refused_file

    path = whole.path
    unread = tell_unread(columns.unread(whole.table.columns, whole.mapping), options.leave_out)
    if run.refused:
        target = path.with_name(f"{path.stem}.refused.csv")
        with embedded.writing(target), target.open("w", encoding="utf-8", newline="") as file:
            refused_file(run, file)
        print(words(f"{run.refused} 行被拒，见 {target}", f"{run.refused} rows refused: {target}"), file=sys.stderr)
    alike = run.lines.filter(state="loaded").exclude(matches=[]).count() if run.kind == "customers" else 0
    if alike:
        print(
            words(
                f"新增客户中有 {alike} 位与已有客户相似，见“客户导入”第 {run.pk} 次。",
                f"{alike} new customers resemble somebody known: import {run.pk} on the administrator's page.",
            ),
            file=sys.stderr,
        )
    names = ("checked", "loaded", "already", "changed", "differing", "refused", "doubtful")
    counts = {name: getattr(run, name) for name in names}
    if options.json:
        print(json.dumps({"run": run.pk, "kind": run.kind, "file": path.name, **counts, "unread": unread}))
    else:
        print(
            words(
                "{file}：{checked} 行，新增 {loaded}，已有 {already}，更新 {changed}，与所知不同 {differing}，被拒 {refused}，"
                "疑似重复 {doubtful}。",
                "{file}: {checked} rows, {loaded} loaded, {already} known, {changed} changed, {differing} fields differ from "
                "what was learned, {refused} refused, {doubtful} perhaps known.",
            ).format(file=path.name, **counts)
        )
    return REFUSED if run.refused or run.doubtful or unread else DONE


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
        today = settings.today(now)
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
