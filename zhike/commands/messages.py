"""Messages: what was sent on the bank's other SMS platform, taken in from its file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from zhike import embedded
from zhike.commands.customers import give_back, mapped, started
from zhike.commands.frame import (
    DONE,
    FILE,
    JSON,
    LEAVE_OUT,
    REFUSED,
    Failure,
    Options,
    argument,
    command,
    ready,
    tell_unread,
    words,
)


@command(
    "import messages", "导入本行另一短信平台已发的短信", "take in what the bank's other SMS platform sent", FILE,
    argument("--dry-run", "只检查，不写入", "check only, write nothing", action="store_true"),
    argument("--map", "指定列的含义，如 接收号码=mobile（可重复）", "what a column means, as in 接收号码=mobile (repeatable)",
             action="append", default=[], metavar="COLUMN=FIELD"),
    argument("--by", "经办人工号（记入留痕）", "the staff number of whoever does it, for the trail", metavar="STAFF"),
    argument("--refused", "被拒行写入此文件（默认 FILE.refused.csv）", "where refused rows go (default FILE.refused.csv)", type=Path),
    LEAVE_OUT, JSON,
)  # fmt: skip
def import_messages(options: Options) -> int:
    """Keep what was sent elsewhere; each message once however often it is run, refused rows come back as a file."""
    with ready("worker"):
        from django.utils import translation

        from zhike import clock
        from zhike.customers.checks import Unaccepted
        from zhike.customers.imports import columns
        from zhike.people import bank
        from zhike.people.tables import UnreadableTable, open_table
        from zhike.sms.imports import load
        from zhike.sms.imports.columns import MESSAGES, faults

        now = clock.now()
        language = embedded.language() if embedded.language() == "en" else "zh-hans"
        with translation.override(language):
            try:
                table = open_table(options.file)
                mapping = columns.guess(table.columns, of=MESSAGES) | mapped(options.map)
                meant = {column: field for column, field in mapping.items() if field}
                if sentence := faults(table.columns, meant):
                    rows = sum(1 for _row in table)
                    print(words(f"{rows} 行均未导入。", f"None of {rows} rows is loaded."), sentence, file=sys.stderr)
                    return REFUSED
                run = started(options, meant, now, kind="messages")
                run = load.run_import(
                    run, options.file, bank=bank.settings().now(now), now=clock.now, language=language
                )
            except (UnreadableTable, Unaccepted) as error:
                raise Failure(str(error)) from error
            unread = columns.unread(table.columns, mapping, MESSAGES)
            return _tell(options, run, tell_unread(unread, options.leave_out))


def _tell(options: Options, run: Any, unread: list[str]) -> int:
    """What came of it, on the screen and as a file beside it."""
    give_back(options, run)
    counts = {name: getattr(run, name) for name in ("checked", "loaded", "already", "refused")}
    if options.json:
        print(json.dumps({"run": run.pk, "dry": run.dry, **counts, "unread": unread}, ensure_ascii=False))
    else:
        print(
            words(
                "第 {run} 次导入：{checked} 行，导入 {loaded}，早已导入 {already}，被拒 {refused}。",
                "Import {run}: {checked} rows, {loaded} loaded, {already} in already, {refused} refused.",
            ).format(run=run.pk, **counts)
        )
    return REFUSED if run.refused or unread else DONE
