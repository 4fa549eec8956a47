"""The whole of a platform as the bank's file describes it, tried out before anything is sent."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zhike.conduct.words import Refused

from .answer import Rule
from .coming import Coming
from .request import ALWAYS, SENT, Request
from .section import Section

LARGEST = 256 * 1024
# Longer than this nothing is waited for: after a minute the sender calls a message unknown.
PATIENCE = 45


@dataclass(frozen=True)
class Platform:
    """``window``: so many requests at once; ``rate``: so many a second, 0: as agreed by nobody; ``patience``: seconds for one."""

    send: Request
    answer: Rule
    receipts: Coming | None
    replies: Coming | None
    window: int
    rate: int
    patience: int
    values: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, file: Path) -> Platform:
        """Raises Refused: what is wrong, where in the file, what to do; never with a value of the bank's own."""
        whole = Section(file, "", _toml(file))
        whole.only("send", "answer", "receipts", "replies", "values")
        values = _values(whole)
        secret = frozenset(value for value in values.values() if len(value) > 3)
        send = whole.needed("send")
        send.only("url", "method", "headers", "format", "encoding", "zone", "body", "signature", "window", "rate", "patience")  # fmt: skip
        request = Request.read(send, values, SENT)
        asked = {name for form in (request.url, request.body) for name in form.names}
        for name in ("number", "text"):
            if name not in asked:
                raise send.wrong("body", f"没有用到 ${{{name}}}", f"${{{name}}} stands nowhere")
        receipts, replies = whole.section("receipts"), whole.section("replies")
        return cls(
            request,
            Rule.read(whole.needed("answer"), request.encoding, secret),
            Coming.read(receipts, "receipts", values, request.encoding) if receipts else None,
            Coming.read(replies, "replies", values, request.encoding) if replies else None,
            send.number("window", 8, 1, 200),
            send.number("rate", 0, 0, 10_000),
            send.number("patience", 10, 1, PATIENCE),
            values,
        )

    @property
    def coming(self) -> list[Coming]:
        """What comes by itself."""
        return [each for each in (self.receipts, self.replies) if each]


def _toml(file: Path) -> dict[str, object]:
    try:
        if file.stat().st_size > LARGEST:
            raise Refused(f"{file} 太大，不是平台的说明文件。", f"{file} is too large to describe a platform.")
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        kind = type(error).__name__
        raise Refused(
            f"读不到 {file}（{kind}）。请核对 ZHIKE_SMS_URL 中的路径和文件权限。",
            f"{file} cannot be read ({kind}). Check the path in ZHIKE_SMS_URL and the file's rights.",
        ) from None
    except UnicodeDecodeError:
        raise Refused(f"{file} 须存为 UTF-8。", f"{file} is to be saved as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        # Its own words tell the place, and at most one letter of what stands there.
        raise Refused(f"{file} 不是有效的 TOML：{error}。", f"{file} is no TOML: {error}.") from None


def _values(whole: Section) -> dict[str, str]:
    """The bank's own: as they stand, or each from a file of its own."""
    given = whole.section("values")
    if given is None:
        return {}
    values = {}
    for name, value in given.table.items():
        if name in {*SENT, *ALWAYS}:
            raise given.wrong(
                name, "与短信的变量同名，请换一个名字", "a variable of messages has this name; take another"
            )
        match value:
            case str():
                values[name] = value
            case {"file": str(place)}:
                try:
                    values[name] = Path(place).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError):
                    raise given.wrong(name, f"读不到文件 {place}", f"the file {place} cannot be read") from None
            case _:
                raise given.wrong(name, '须为文字，或 {file = "/路径"}', 'this is a text, or {file = "/a/path"}')
    return values
