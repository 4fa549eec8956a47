"""A table of the bank's file, read strictly: what is missing, unknown or of another kind is said by its place in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zhike.conduct.words import Refused


@dataclass(frozen=True)
class Section:
    """``name``: as it stands in brackets; empty for the file as a whole."""

    file: Path
    name: str
    table: Mapping[str, Any] = field(repr=False)

    def wrong(self, key: str, zh: str, en: str) -> Refused:
        """The sentence for what stands there: which file, which table, which key, what to do."""
        place = f"[{self.name}] {key}".strip() if self.name else key
        return Refused(f"{self.file} 中的 {place}：{zh}。", f"{self.file}, {place}: {en}.")

    def only(self, *keys: str) -> None:
        """Raises Refused for a key that is none of these: it would be obeyed by nobody."""
        for key in self.table:
            if key not in keys:
                raise self.wrong(
                    key, f"没有这一项，可用：{'、'.join(keys)}", f"there is no such key; there are {', '.join(keys)}"
                )

    def section(self, name: str) -> Section | None:
        """A table in it; None where there is none."""
        if name not in self.table:
            return None
        table = self.table[name]
        if not isinstance(table, dict):
            raise self.wrong(name, "须为一节", "this is a table of its own")
        return Section(self.file, f"{self.name}.{name}" if self.name else name, table)

    def needed(self, name: str) -> Section:
        """A table in it, which must be there."""
        found = self.section(name)
        if found is None:
            raise self.wrong(f"[{name}]", "缺少这一节", "this table is missing")
        return found

    def text(self, key: str, default: str | None = None) -> str:
        """Needed where there is no default."""
        value = self.table.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(key, "须写明，且为文字", "it is missing, or no text")
        return value

    def number(self, key: str, default: int, least: int, most: int) -> int:
        value = self.table.get(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(
                key, f"须为 {least} 到 {most} 的整数", f"it is to be a whole number from {least} to {most}"
            )
        return value

    def chosen(self, key: str, choices: Sequence[str], default: str = "") -> str:
        value = self.text(key, default or choices[0])
        if value not in choices:
            raise self.wrong(key, f"须为 {'、'.join(choices)} 之一", f"it is to be one of {', '.join(choices)}")
        return value

    def listed(self, key: str, *, needed: bool = False) -> frozenset[str]:
        """Values as the platform writes them; a number may stand there as one."""
        values = self.table.get(key, [])
        if not isinstance(values, list) or not all(isinstance(each, str | int) for each in values):
            raise self.wrong(key, '须为列表，如 ["0"]', 'it is to be a list, as ["0"]')
        if needed and not values:
            raise self.wrong(key, '须至少列出一个值，如 ["0"]', 'at least one value is to be listed, as ["0"]')
        return frozenset(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
