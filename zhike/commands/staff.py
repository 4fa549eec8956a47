"""Staff: taken in from a file, given tokens."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from zhike import embedded
from zhike.commands.frame import (
    DONE,
    FILE,
    GROUPS,
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

GROUPS["import"] = ("导入", "take files in")


@command(
    "import staff", "导入机构、员工与任职", "take in units, staff and posts", FILE,
    argument("--dry-run", "只检查，不写入", "check only, write nothing", action="store_true"),
    argument("--refused", "被拒行写入此文件（默认 FILE.refused.csv）", "where refused rows go (default FILE.refused.csv)", type=Path),
    argument("--invitations", "一次性密码写入此文件", "where the one-time passwords go", type=Path),
    LEAVE_OUT, JSON,
)  # fmt: skip
def import_staff(options: Options) -> int:
    """Seat the bank's people from CSV or XLSX; good rows are taken, refused rows come back as a file."""
    with ready("worker"):
        from django.db import transaction
        from django.utils import translation

        from zhike import clock
        from zhike.people import bank
        from zhike.people.roster import Roster
        from zhike.people.tables import UnreadableTable, open_table

        now = clock.now()
        with translation.override(embedded.language() if embedded.language() == "en" else "zh-hans"):
            try:
                table = open_table(options.file)
                with transaction.atomic():
                    result = Roster(table, today=bank.settings().today(now), now=now, grant=True).take_in()
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
    unread = tell_unread(result.unread, options.leave_out)
    counts = {
        name: getattr(result, name)
        for name in ("units_made", "units_changed", "staff_made", "staff_changed", "posts_made", "unchanged")
    }
    if options.json:
        print(json.dumps({**counts, "refused": len(result.refused), "unread": unread}))
    else:
        print(
            words(
                "机构新增 {units_made} 更新 {units_changed}；员工新增 {staff_made} 更新 {staff_changed}；任职 {posts_made}；未变 {unchanged}",
                "units {units_made} new, {units_changed} changed; staff {staff_made} new, {staff_changed} changed; "
                "posts {posts_made}; unchanged {unchanged}",
            ).format(**counts)
        )
    return REFUSED if result.refused or unread else DONE


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
