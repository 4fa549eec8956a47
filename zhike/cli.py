"""The command `zhike`: the command line made of zhike/commands, and where what went wrong becomes one sentence.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with rows refused, 4 the database's tables are another version's.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import NoReturn

from zhike import clock, embedded, processes
from zhike.commands import bench, code, customers, day, documents, keep, keys, messages, run, staff
from zhike.commands.frame import COMMANDS, FAILED, GROUPS, Failure, words

# Importing one enters its commands; help lists them in this order.
NOUNS = (run, day, code, staff, customers, messages, documents, keep, keys, bench)

WRONG_USE = 2


# What argparse says, in Chinese; whatever else it says stays as it is.
IN_CHINESE = (
    (r"^argument (.+?): invalid int value: (.+)$", r"\1：\2 不是整数。"),
    (r"^argument (.+?): invalid \S+ value: (.+)$", r"\1：不能是 \2。"),
    (r"^argument (.+?): invalid choice: (.+?) \(choose from (.+)\)$", r"\1：没有 \2，可选：\3。"),
    (r"^argument (.+?): expected one argument$", r"\1：须给出一个值。"),
    (r"^the following arguments are required: (.+)$", r"缺少：\1。"),
    (r"^unrecognized arguments: (.+)$", r"不认识的参数：\1。"),
)
HEADINGS = (
    ("usage:", "用法："), ("positional arguments:", "参数："), ("options:", "选项："), ("show this help message and exit", "显示本说明"),
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """The same in the reader's language: wrong use gets a sentence, and exit code 2."""

    def format_usage(self) -> str:
        return _in_chinese(super().format_usage())

    def format_help(self) -> str:
        return _in_chinese(super().format_help())

    def error(self, message: str) -> NoReturn:
        for pattern, zh in IN_CHINESE:
            if re.search(pattern, message):
                message = words(re.sub(pattern, zh, message), message)
                break
        self.exit(WRONG_USE, f"{self.format_usage()}{self.prog}: {message}\n")


def _in_chinese(said: str) -> str:
    for en, zh in HEADINGS:
        said = said.replace(en, words(zh, en))
    return said


def parser() -> argparse.ArgumentParser:
    """The whole command line, from COMMANDS."""
    top = Parser(prog="zhike", description=words("知客：客户经理工作台", "Zhike: the relationship manager's workbench"))
    levels = {"": top.add_subparsers(metavar=words("命令", "COMMAND"), required=True)}
    order = [noun.__name__ for noun in NOUNS]
    for name, entry in sorted(COMMANDS.items(), key=lambda each: order.index(each[1].run.__module__)):
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
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.code
    except embedded.CannotServe as failure:
        print(failure, file=sys.stderr)
        return FAILED
    except clock.ClockRefused as refused:
        what = "ZHIKE_CLOCK 只用于演示，且须写成 2026-02-16T17:55:00+08:00 的样子：请取消该变量，或设 ZHIKE_MODE=demo。"
        print(words(what, str(refused)), file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
