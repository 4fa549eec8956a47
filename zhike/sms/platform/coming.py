"""What comes from a platform by itself, receipts and replies: asked for now and then, or brought to our door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from zhike.conduct.words import Words
from zhike.sms.numbers import plain
from zhike.sms.transports.transport import Fate, Receipt, Reply

from . import documents
from .answer import example, finds, meanings, path, shown
from .documents import Format, Unreadable
from .request import Request, encoding_of, format_of, zone_of
from .section import Section

What = Literal["receipts", "replies"]
FIELDS: dict[What, tuple[str, ...]] = {
    "receipts": ("id", "reference", "number", "state", "code", "time", "submitted"),
    "replies": ("id", "number", "to", "text", "time"),
}
NEEDED: dict[What, tuple[str, ...]] = {"receipts": ("state",), "replies": ("number", "text")}
FATES: tuple[Fate, ...] = ("delivered", "undelivered", "expired", "under_way")
REQUEST = ("url", "method", "headers", "body", "encoding", "zone", "signature")
HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True)
class Coming:
    """``poll`` asks for it ``every`` so many seconds; ``door`` is the hash of the secret path at which it is brought, ``say`` what
    whoever brings it wants to hear."""

    what: What
    poll: Request | None
    every: int
    door: str
    say: str
    format: Format
    encoding: str
    listed: str
    paths: Mapping[str, str]
    fates: Mapping[str, Fate]
    meanings: Mapping[str, Words]
    written: str
    zone: ZoneInfo
    secret: frozenset[str] = field(repr=False)

    @classmethod
    def read(cls, section: Section, what: What, own: Mapping[str, str], encoding: str) -> Coming:
        """Raises Refused for what the document in `example` shows to be wrong."""
        fields = FIELDS[what]
        section.only(*REQUEST, "format", "every", "push", "say", "comes_as", "list", *fields, "time_format", "codes", "example", *FATES)  # fmt: skip
        door = section.text("push", "")
        if not door and "url" not in section.table:
            raise section.wrong(
                "url", "须写明查询地址 url，或接收推送的 push", "either `url` to ask at, or `push` to be told at, is needed"
            )  # fmt: skip
        if door and not HASH.fullmatch(door):
            raise section.wrong(
                "push",
                "须为秘密路径的 SHA-256（64 位十六进制）：printf %s 秘密路径 | sha256sum",
                "this is the SHA-256 of the secret path, 64 hexadecimal digits: printf %s PATH | sha256sum",
            )
        format = format_of(section, "comes_as", ("json", "xml", "form", "text"))
        coming = cls(
            what,
            Request.read(section, own, ()) if "url" in section.table else None,
            section.number("every", 10, 1, 3600),
            HASH.sub(r"\1", door),
            section.text("say", "OK"),
            format,
            encoding_of(section, "encoding", encoding),
            path(section, "list", format, ""),
            {key: path(section, key, format, None if key in NEEDED[what] else "") for key in fields},
            {value: fate for fate in FATES for value in section.listed(fate, needed=_has_to(what, fate))},
            meanings(section),
            section.text("time_format", "%Y-%m-%d %H:%M:%S"),
            zone_of(section),
            frozenset(value for value in own.values() if len(value) > 3),
        )
        coming.try_out(section)
        return coming

    def try_out(self, section: Section) -> None:
        """Reads the example as what will come. Raises Refused."""
        document = example(section, self.format, self.encoding)
        try:
            entries = documents.items(document, self.listed)
        except Unreadable:
            entries = []
        if not entries:
            raise section.wrong(
                "list",
                f"按路径 {self.listed} 在 example 中找不到列表",
                f"the path {self.listed} finds no list in `example`",
            )
        for key, where in self.paths.items():
            finds(section, entries[0], key, where)
        if self.what == "receipts" and not (self.paths["id"] or self.paths["reference"]):
            raise section.wrong(
                "id",
                "须写明平台编号 id，或我方编号 reference",
                "either the platform's `id` or our own `reference` is needed",
            )
        for key in ("time", "submitted"):
            where = self.paths.get(key, "")
            if where and self._time(documents.value(entries[0], where)) is None:
                raise section.wrong(
                    "time_format",
                    f"example 中 {key} 的写法不是这样",
                    f"the {key} in `example` is not written so",
                )

    def entries(self, body: bytes) -> list[Any]:
        """What came, taken apart; raises Unreadable."""
        return documents.items(documents.parsed(body, self.format, self.encoding), self.listed)

    def understood(self, entry: Any) -> Receipt | Reply | None:
        """None for an entry that says too little."""
        said = {key: documents.value(entry, where) for key, where in self.paths.items()}
        at = self._time(said["time"])
        if self.what == "replies":
            number = plain(said["number"])[:32]
            return Reply(number, said["to"][:32], said["text"], id=said["id"][:200], at=at) if number else None
        if not (said["id"] or said["reference"]):
            return None
        state, code = said["state"], said["code"]
        fate = self.fates.get(state, "under_way")
        words = self.meanings.get(code) or self.meanings.get(state)
        if words is None and state not in self.fates:
            words = Words("回执的状态不在对照表中", "the receipt's state is in no table")
        return Receipt(
            said["id"][:200], fate, shown(code or state, self.secret), words, at, to=plain(said["number"])[:32],
            submitted_at=self._time(said["submitted"]), reference=said["reference"][:64],
        )  # fmt: skip

    def _time(self, text: str) -> datetime | None:
        if not text:
            return None
        try:
            match self.written:
                case "unix":
                    return datetime.fromtimestamp(int(text[:12]), UTC)
                case "ms":
                    return datetime.fromtimestamp(int(text[:15]) / 1000, UTC)
            told = datetime.strptime(text, self.written)  # noqa: DTZ007  # the zone follows, where none is told
            return told if told.tzinfo else told.replace(tzinfo=self.zone)
        except (ValueError, OverflowError, OSError):
            return None


def _has_to(what: What, fate: Fate) -> bool:
    """A platform that never says "delivered" or "not delivered" has no receipts."""
    return what == "receipts" and fate in ("delivered", "undelivered")
