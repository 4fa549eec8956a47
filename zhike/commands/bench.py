"""Measuring."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from zhike.commands.frame import DONE, JSON, MISUSED, Failure, Options, argument, command, words


@command("bench", "性能测试：逐项与裸 Django 对照", "measure speed, each thing beside a bare Django",
         argument("names", "项目：today customer writeup search import sweep reminders sms_queue sms_submit records，默认全部",
                  "what: today customer writeup search import sweep reminders sms_queue sms_submit records; all unless named", nargs="*", metavar="NAME"),
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
