"""A text with variables in it, as a platform wants to be asked: ``{"to": "${number}"}``. Each value is escaped for where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

Escape = Callable[[str], str]

VARIABLE = re.compile(r"\$\{([^}]*)\}")
# What XML 1.0 has no way to write, escaped or not.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Unknown(ValueError):
    """A variable that nobody fills."""


@dataclass(frozen=True)
class Form:
    """``escape`` makes a value harmless. Of the time one may say how it is written: ``${time:%Y-%m-%d}``, ``${time:unix}``."""

    text: str = field(repr=False)
    escape: Escape = field(repr=False)

    @classmethod
    def read(cls, text: str, escape: Escape, known: Collection[str]) -> Form:
        """Raises Unknown for a variable that is none of these."""
        form = cls(text, escape)
        for name in form.names:
            if name not in known:
                raise Unknown(name)
        return form

    @property
    def names(self) -> list[str]:
        """The variables that stand in it."""
        return [name.partition(":")[0] for name in VARIABLE.findall(self.text)]

    def filled(self, values: Mapping[str, str], now: datetime) -> str:
        """The text with the values in their places."""

        def value(match: re.Match[str]) -> str:
            name, _, written = match[1].partition(":")
            return self.escape(moment(now, written) if name == "time" else values[name])

        return VARIABLE.sub(value, self.text)


def moment(now: datetime, written: str) -> str:
    """A time as it is to be written: by a pattern, in seconds or in milliseconds since 1970."""
    match written:
        case "unix":
            return str(int(now.timestamp()))
        case "ms":
            return str(int(now.timestamp() * 1000))
    return now.strftime(written or "%Y%m%d%H%M%S")


def in_json(value: str) -> str:
    """Within quotes."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def in_xml(value: str) -> str:
    """In an element or between quotes."""
    return escape(NOT_IN_XML.sub("", value), {'"': "&quot;", "'": "&apos;", "\r": "&#13;"})


def in_form(encoding: str) -> Escape:
    """In a form or an address."""
    return partial(quote_plus, encoding=encoding, errors="replace")


def as_it_is(value: str) -> str:
    return value
