"""How a setting is declared: a field of `Bank` with its default, its label in both languages, its limits, and whose rule it is."""

from collections.abc import Mapping
from dataclasses import field
from datetime import time
from decimal import Decimal
from typing import Any

from zhike.conduct.setting import Group, Kind, Origin, Setting
from zhike.conduct.words import Words

MINUTES = Words("分钟", "minutes")
HOURS = Words("小时", "hours")
DAYS = Words("天", "days")
SECONDS = Words("秒", "seconds")
PEOPLE = Words("位", "prospects")
TIMES = Words("次", "times")
ANSWERS = Words("份", "ratings")
YUAN = Words("元", "yuan")


def setting(
    default: object,
    zh: str,
    en: str,
    kind: Kind,
    clauses: str = "",
    origin: Origin = "bank",
    *,
    group: Group,
    **more: Any,
) -> Any:
    """A field of `Bank`; its name becomes the setting's."""
    declared = Setting(Words(zh, en), kind, tuple(clauses.split()), origin, group=group, **more)
    return field(default=default, metadata={"setting": declared})


def number(default: int, zh: str, en: str, unit: Words, high: int, clauses: str = "", **more: Any) -> Any:
    return setting(default, zh, en, "number", clauses, unit=unit, high=high, **more)


def clock(hour: int, minute: int, zh: str, en: str, clauses: str = "", **more: Any) -> Any:
    return setting(time(hour, minute), zh, en, "time", clauses, **more)


def switch(default: bool, zh: str, en: str, clauses: str = "", **more: Any) -> Any:
    return setting(default, zh, en, "bool", clauses, **more)


def amount(default: str, zh: str, en: str, unit: Words, high: int, clauses: str = "", **more: Any) -> Any:
    return setting(Decimal(default), zh, en, "amount", clauses, unit=unit, high=high, **more)


def line(default: str, zh: str, en: str, longest: int, clauses: str = "", **more: Any) -> Any:
    """`low` among the rest: its least number of characters."""
    return setting(default, zh, en, "line", clauses, high=longest, **more)


def choice(zh: str, en: str, choices: Mapping[str, tuple[str, str]], clauses: str = "", **more: Any) -> Any:
    """The first of the choices is the default."""
    named = {key: Words(*words) for key, words in choices.items()}
    return setting(next(iter(named)), zh, en, "choice", clauses, choices=named, **more)
