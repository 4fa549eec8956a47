"""What a notice says: what is due and when, never to whom. A phone's screen lies open on a desk, and outside the bank's walls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from zhike.conduct.clause import OBLIGATIONS
from zhike.conduct.words import Words

# Later than this a reminder says so.
LATE = timedelta(minutes=1)
SHOWN = 3
TITLE = Words("知客提醒", "Zhike reminder")
TEST = Words("测试提醒", "Test reminder")


@dataclass(frozen=True)
class Line:
    """One reminder as its notice tells it. ``obligation`` 0, ``kind`` empty: a test. ``minute``: the promised one, where there is one."""

    obligation: int
    kind: str
    step: str
    at: datetime
    due: datetime | None
    minute: datetime | None


def text(lines: Sequence[Line], now: datetime, zone: ZoneInfo) -> Words:
    """One sentence for all of them, most urgent first: `15:00 回电 · 打开知客`."""
    one_each = {line.obligation: line for line in lines}.values()
    ordered = sorted(one_each, key=lambda line: (line.minute or line.due or line.at, line.kind))
    said = list(dict.fromkeys(_line(line, now, zone) for line in ordered))
    zh, en = "；".join(words.zh for words in said[:SHOWN]), "; ".join(words.en for words in said[:SHOWN])
    if len(said) > SHOWN:
        zh, en = f"{zh} 等", f"{en} and more"
    if len(one_each) > 1:
        zh, en = f"{len(one_each)} 项：{zh}", f"{len(one_each)} items: {en}"
    late = min(line.at for line in lines)
    if now - late > LATE:
        clock = late.astimezone(zone).strftime(
            "%H:%M" if late.astimezone(zone).date() == now.astimezone(zone).date() else "%m-%d %H:%M"
        )
        zh, en = f"{zh}（迟到的提醒，应在 {clock}）", f"{en} (late: this was due at {clock})"
    return Words(f"{zh} · 打开知客", f"{en} · open Zhike")


def _line(line: Line, now: datetime, zone: ZoneInfo) -> Words:
    if not line.kind:
        return TEST
    kind = OBLIGATIONS[line.kind]
    if line.minute is not None:
        clock = line.minute.astimezone(zone).strftime("%H:%M")
        return Words(f"{clock} {kind.zh}", f"{clock} {kind.en}")
    if line.step == "once" or line.due is None:
        return kind
    due = line.due.astimezone(zone)
    today = (due - timedelta(microseconds=1)).date() == now.astimezone(zone).date()
    clock = "" if (due.hour, due.minute) == (0, 0) else due.strftime(" %H:%M")
    day = (due - timedelta(microseconds=1)).strftime("%m-%d")
    return Words(
        f"{kind.zh}，{'今天' if today else day}{clock} 前", f"{kind.en}, by {'today' if today else day}{clock}"
    )
