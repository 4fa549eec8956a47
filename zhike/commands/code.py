"""The conduct code: its clauses, how each is served, why an obligation stands."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from zhike.commands.frame import DONE, GROUPS, JSON, Failure, Options, argument, command, ready, words

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
        # Without a full run nobody knows: a dot would say that there is no test.
        told = [row.data, *((row.test, row.page, row.measure) if run.at else (None, None, None))]
        ticks = "    ".join("?" if given is None else "✓" if given else "·" for given in told)
        print(f"{row.id:4} {row.force:7} {ticks}")
    if not run.at:
        print(
            words(
                "?：本机没有完整运行过测试，测试、页面、度量三列无从得知；请先运行 bin/test。",
                "?: the tests were never run to their end on this machine, so nothing is known of test, page and measure;"
                " run bin/test first.",
            )
        )
        return DONE
    kept = sum(row.served for row in rows)
    when = run.at
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
    for key, value in shown.items():
        name = label(key)
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

        from zhike import clock
        from zhike.obligations.explanation import explain as explained
        from zhike.people.bank import settings

        try:
            with translation.override(words("zh-hans", "en")):
                told = explained(options.obligation)
                zone = settings().zone(clock.now())
        except LookupError as error:
            raise Failure(
                words(f"没有编号为 {options.obligation} 的应办。", f"There is no obligation {options.obligation}.")
            ) from error
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=1, default=str))
        return DONE
    for name, value in told.items():
        if isinstance(value, dict) and name in {"fact", "settling", "corrects"}:
            print(f"{label(name)}:")
            for inner, given in value.items():
                print(f"  {label(inner)}: {on_the_banks_clock(given, zone)}")
        elif value not in (None, "", [], {}):
            print(f"{label(name)}: {on_the_banks_clock(value, zone)}")
    return DONE


# The names of what is shown, for who reads Chinese; a program reads the JSON.
LABELS = {
    "id": "编号", "title": "标题", "norm": "条文", "force": "力度", "modes": "方式", "served": "已落实", "not_yet": "尚缺",
    "source": "出处", "rules": "规则", "tests": "测试", "journeys": "走查", "clause": "条款", "clause_from": "条款版本自",
    "origin": "来源", "kind": "种类", "owner": "责任人", "customer": "客户", "tier": "当时等级", "subject": "所关", "opens": "起",
    "due": "截止", "target": "约定时刻", "channels": "渠道", "detail": "内容", "state": "状态", "evidence": "凭据",
    "settled_at": "办结于", "fact": "起因", "settling": "由何办结", "corrects": "所更正", "at": "发生于", "known_at": "得知于",
    "grade": "时间来源", "by": "记录人", "data": "数据", "void": "已作废",
}  # fmt: skip


def label(name: str) -> str:
    """What a line is called in the reader's language."""
    return words(LABELS.get(name, name), name)


def on_the_banks_clock(value: Any, zone: ZoneInfo) -> Any:
    """A moment as the bank's clock has it; anything else as it is."""
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value
