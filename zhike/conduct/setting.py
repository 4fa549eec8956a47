"""One setting: what a page needs to show and change it, how its value is read from plain JSON and made plain again."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from zhike.conduct.reminding import Reminding
from zhike.conduct.tiers import Rhythm, Tier
from zhike.conduct.words import Refused, Words

Kind = Literal[
    "number", "amount", "time", "bool", "line", "choice", "choices", "words", "zone", "tiers", "rhythm", "reminders"
]
Origin = Literal["code", "bank", "law"]
Group = Literal[
    "hours",
    "deadlines",
    "reminders",
    "thanks",
    "tiers",
    "rhythm",
    "birthdays",
    "messages",
    "market",
    "leave",
    "records",
    "security",
]

GROUPS: dict[Group, Words] = {
    "hours": Words("钟点与时窗", "Hours and windows"),
    "deadlines": Words("办理期限与上报", "Deadlines and who is told"),
    "reminders": Words("提醒与通知", "Reminders and notices"),
    "thanks": Words("致谢", "Thanks"),
    "tiers": Words("客户等级与资产", "Tiers and assets"),
    "rhythm": Words("联系频次", "Contact rhythm"),
    "birthdays": Words("生日与子女", "Birthdays and children"),
    "messages": Words("短信与营销", "Messages and calls that sell"),
    "market": Words("获客与市场信息", "Prospects and market notes"),
    "leave": Words("休假与代班", "Leave and cover"),
    "records": Words("档案资料", "Records"),
    "security": Words("登录与安全", "Sign-in and security"),
}
"""What a setting belongs to, as a bank officer thinks of it; the order of the settings page."""

UNCERTIFIED = Words("默认口径，待本行合规核定", "A default, to be confirmed by the bank's compliance department")
"""Said beside a setting where law or practice is not settled."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of `Bank`: label, kind of value with unit and limits, the clauses it serves, whose rule it is.

    `waits`: nothing is decided by it yet, or not by all of it, and this says so beside it.
    """

    label: Words
    kind: Kind
    clauses: tuple[str, ...]
    origin: Origin
    group: Group
    unit: Words | None = None
    low: int = 0
    high: int = 0
    choices: Mapping[str, Words] = field(default_factory=dict)
    uncertified: bool = False
    waits: Words | None = None
    name: str = ""


class SettingRefused(Refused):
    """A value that a setting cannot have; `words` says so."""

    def __init__(self, setting: Setting, zh: str, en: str) -> None:
        super().__init__(f"“{setting.label.zh}”{zh}", f"“{setting.label.en}” {en}")
        self.setting = setting


def read(setting: Setting, raw: object) -> Any:
    """The value of a setting from plain JSON. Raises SettingRefused."""
    return _READERS[setting.kind](setting, raw)


def plain(value: object) -> Any:
    """A setting's value as plain JSON: what `read` takes."""
    match value:
        case time():
            return value.strftime("%H:%M")
        case ZoneInfo():
            return value.key
        case Decimal():
            return str(value)
        case Tier():
            return {
                "key": value.key,
                "zh": value.name.zh,
                "en": value.name.en,
                "from_assets": str(value.from_assets),
                "keep_months": value.keep_months,
            }
        case Rhythm() | Reminding():
            return {row.name: plain(getattr(value, row.name)) for row in fields(value)}
        case tuple():
            return [plain(row) for row in value]
        case _:
            return value


def _whole(setting: Setting, raw: object, low: int, high: int) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not low <= raw <= high:
        raise SettingRefused(
            setting, f"应为 {low} 到 {high} 之间的整数。", f"must be a whole number from {low} to {high}."
        )
    return raw


def _number_from(setting: Setting, raw: object) -> int:
    return _whole(setting, raw, setting.low, setting.high)


def _amount_from(setting: Setting, raw: object) -> Decimal:
    amount = _decimal(raw)
    if amount is None or not setting.low <= amount <= setting.high or amount != amount.quantize(Decimal("0.0001")):
        raise SettingRefused(
            setting,
            f"应为 {setting.low} 到 {setting.high} 之间的数，至多四位小数，如 0.045。",
            f"must be a number from {setting.low} to {setting.high} with at most four decimals, such as 0.045.",
        )
    return amount


def _decimal(raw: object) -> Decimal | None:
    try:
        amount = Decimal(raw) if isinstance(raw, str) else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None


def _line_from(setting: Setting, raw: object) -> str:
    text = raw.strip() if isinstance(raw, str) else None
    if (
        text is None
        or not setting.low <= len(text) <= setting.high
        or not text.isprintable()
        or set(text) & set("【】")
    ):
        raise SettingRefused(
            setting,
            f"应为一行 {setting.low} 到 {setting.high} 个字，不含【】。",
            f"must be one line of {setting.low} to {setting.high} characters, without 【】.",
        )
    return text


def _time_from(setting: Setting, raw: object) -> time:
    if isinstance(raw, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", raw):
        return time.fromisoformat(raw)
    raise SettingRefused(
        setting, "应为 00:00 到 23:59 之间的时刻，如 21:00。", "must be a time from 00:00 to 23:59, such as 21:00."
    )


def _bool_from(setting: Setting, raw: object) -> bool:
    if not isinstance(raw, bool):
        raise SettingRefused(setting, "只能为开或关。", "can only be on or off.")
    return raw


def _choice_from(setting: Setting, raw: object) -> str:
    choices = setting.choices
    if not isinstance(raw, str) or raw not in choices:
        listed = ", ".join(choices)
        raise SettingRefused(setting, f"须从所列选项中选择：{listed}。", f"must be one of: {listed}.")
    return raw


def _choices_from(setting: Setting, raw: object) -> tuple[str, ...]:
    rows = {_choice_from(setting, row) for row in _list(setting, raw)}
    return tuple(key for key in setting.choices if key in rows)


def _words_from(setting: Setting, raw: object) -> tuple[str, ...]:
    rows = _list(setting, raw)
    if not all(isinstance(row, str) and row.strip() and len(row) <= 20 for row in rows):
        raise SettingRefused(setting, "每项应为 1 到 20 个字符。", "takes entries of 1 to 20 characters.")
    return tuple(dict.fromkeys(str(row).strip() for row in rows))


def _zone_from(setting: Setting, raw: object) -> ZoneInfo:
    if not isinstance(raw, str) or raw not in available_timezones():
        raise SettingRefused(
            setting, "应为时区名，如 Asia/Shanghai。", "must be the name of a time zone, such as Asia/Shanghai."
        )
    return ZoneInfo(raw)


def _tiers_from(setting: Setting, raw: object) -> tuple[Tier, ...]:
    tiers = tuple(_tier_from(setting, row) for row in _list(setting, raw))
    keys = [row.key for row in tiers]
    if len(set(keys)) < len(keys) or not 2 <= len(keys) <= 12:
        raise SettingRefused(
            setting, "应有 2 到 12 个等级，代码不得重复。", "takes 2 to 12 tiers, each with a code of its own."
        )
    if [key for key in keys if key in _NAMED_TIERS] != list(_NAMED_TIERS):
        raise SettingRefused(
            setting,
            "须依次含有 platinum 与 diamond：规范按它们区分。",
            "must hold platinum and, above it, diamond: the code names them.",
        )
    floors = [row.from_assets for row in tiers]
    if floors[0] != 0 or any(low >= high for low, high in pairwise(floors)):
        raise SettingRefused(
            setting, "最低等级门槛应为 0，其后逐级提高。", "must start at 0 and rise from tier to tier."
        )
    return tiers


def _tier_from(setting: Setting, raw: object) -> Tier:
    row = _row(setting, raw, {"key", "zh", "en", "from_assets", "keep_months"})
    key, zh, en = row["key"], row["zh"], row["en"]
    if not isinstance(key, str) or not re.fullmatch(r"[a-z][a-z_]{0,19}", key):
        raise SettingRefused(setting, "等级代码应为小写英文字母。", "needs tier codes of small letters.")
    if not (isinstance(zh, str) and zh.strip() and isinstance(en, str) and en.strip()):
        raise SettingRefused(setting, f"等级 {key} 须有中英文名称。", f"needs a Chinese and an English name for {key}.")
    return Tier(
        key,
        Words(zh.strip(), en.strip()),
        _money(setting, row["from_assets"]),
        _whole(setting, row["keep_months"], 1, 36),
    )


def _money(setting: Setting, raw: object) -> Decimal:
    amount = _decimal(raw)
    if amount is None or not 0 <= amount < 10**14 or amount != amount.quantize(Decimal("0.01")):
        raise SettingRefused(
            setting,
            "门槛应为金额（元，至多两位小数），如 200000。",
            "needs amounts in yuan with at most two decimals, such as 200000.",
        )
    return amount


def _rhythm_from(setting: Setting, raw: object) -> tuple[Rhythm, ...]:
    spans = ("contact_days", "meeting_days", "review_days", "book_limit")
    rows = [_row(setting, row, {"tier", *spans}) for row in _list(setting, raw)]
    return tuple(
        Rhythm(
            str(row["tier"]), *(None if row[span] is None else _whole(setting, row[span], 1, 3660) for span in spans)
        )
        for row in rows
    )


def _reminders_from(setting: Setting, raw: object) -> tuple[Reminding, ...]:
    switches = ("at_once", "morning", "closing", "spread")
    rows = [_row(setting, row, {"kind", "before", *switches}) for row in _list(setting, raw)]
    kinds = [row["kind"] for row in rows]
    if len(set(map(str, kinds))) < len(kinds):
        raise SettingRefused(setting, "每种应办只列一行。", "takes one row for each kind of obligation.")
    return tuple(
        Reminding(
            str(row["kind"]),
            _minutes(setting, row["before"]),
            *(_bool_from(setting, row[switch]) for switch in switches),
        )
        for row in rows
    )


def _minutes(setting: Setting, raw: object) -> tuple[int, ...]:
    """Longest before first, each once."""
    return tuple(sorted({_whole(setting, row, 0, 10_080) for row in _list(setting, raw)}, reverse=True))


def _list(setting: Setting, raw: object) -> list[object]:
    if not isinstance(raw, list | tuple) or len(raw) > 50:
        raise SettingRefused(setting, "应为至多 50 项的列表。", "must be a list of at most 50 entries.")
    return list(raw)


def _row(setting: Setting, raw: object, columns: set[str]) -> dict[str, object]:
    if not isinstance(raw, dict) or set(raw) != columns:
        listed = ", ".join(sorted(columns))
        raise SettingRefused(
            setting, f"每行应恰有这些栏：{listed}。", f"needs exactly these columns in each row: {listed}."
        )
    return raw


_NAMED_TIERS = ("platinum", "diamond")
_READERS: dict[Kind, Callable[[Setting, object], Any]] = {
    "number": _number_from,
    "amount": _amount_from,
    "time": _time_from,
    "bool": _bool_from,
    "line": _line_from,
    "choice": _choice_from,
    "choices": _choices_from,
    "words": _words_from,
    "zone": _zone_from,
    "tiers": _tiers_from,
    "rhythm": _rhythm_from,
    "reminders": _reminders_from,
}
