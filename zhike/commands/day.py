"""The day: what the calendar owes."""

from __future__ import annotations

import json
import sys

from zhike.commands.frame import DONE, FAILED, JSON, MISUSED, Options, argument, command, ready, words


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
        on = on or settings.today(now)
        swept = sweep(on, now=now, bank=settings.at(on))
    if options.json:
        print(json.dumps({"on": on.isoformat(), **asdict(swept)}))
    else:
        print(
            words(
                f"{on}：生日 {swept.birthdays} 项，联系节奏 {swept.rhythm} 项，节日、营销转发、周期交办和工作计划 {swept.others} 项，阅知规范 {swept.acknowledgements} 项，过期未办 {swept.missed} 项，"
                f"停止 {swept.stopped} 项，移交 {swept.handed_over} 项。",
                f"{on}: {swept.birthdays} for birthdays, {swept.rhythm} by rhythm, {swept.others} for festivals, campaigns, recurring assignments and plans, {swept.acknowledgements} to acknowledge the code; {swept.missed} missed, "
                f"{swept.stopped} stopped, {swept.handed_over} handed over.",
            )
        )
        if swept.staying:
            print(
                words(
                    f"{swept.staying} 位客户未能移交：接手人已无客户经理任职，请主管另行申请。",
                    f"{swept.staying} customers did not change hands: the new manager holds no post any more. Let their leader "
                    "ask anew.",
                ),
                file=sys.stderr,
            )
        if swept.failed:
            print(
                words(
                    f"有一部分未能生成（{'、'.join(swept.failed)}），其余照常。原因见日志，处理后再执行一次即可。",
                    f"Part of it could not be found out ({', '.join(swept.failed)}); the rest is done. The log says why; mend it and run this again.",
                ),
                file=sys.stderr,
            )
    return FAILED if swept.failed else DONE
