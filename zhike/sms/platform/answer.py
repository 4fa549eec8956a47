"""What a platform's answer to a message means: taken, definitely not, too much at once; or nothing that one could rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zhike.conduct.words import Words

from . import documents
from .documents import Format, Unreadable
from .request import encoding_of, format_of
from .section import Section

FORMATS: tuple[Format, ...] = ("json", "xml", "text")
# By these HTTP itself says that nothing was done. 408, 409 and 5xx leave it open.
REFUSED = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 429, 431})
TOO_MANY = 429
SHOWN = 40


@dataclass(frozen=True)
class Verdict:
    """``throttled``: definitely not taken, because of too many at once."""

    taken: bool
    id: str = ""
    code: str = ""
    words: Words | None = None
    throttled: bool = False


@dataclass(frozen=True)
class Rule:
    """Where the code stands and which mean what. ``unknown``: the platform itself does not know whether it took it."""

    format: Format
    encoding: str
    code: str
    id: str
    taken: frozenset[str]
    throttled: frozenset[str]
    unknown: frozenset[str]
    meanings: Mapping[str, Words]
    secret: frozenset[str] = field(repr=False)

    @classmethod
    def read(cls, section: Section, encoding: str, secret: frozenset[str]) -> Rule:
        """Raises Refused for what the answer in `example` shows to be wrong."""
        section.only("format", "encoding", "code", "id", "taken", "throttled", "unknown", "codes", "example")
        format = format_of(section, "format", FORMATS)
        rule = cls(
            format,
            encoding_of(section, "encoding", encoding),
            path(section, "code", format),
            path(section, "id", format, ""),
            section.listed("taken", needed=True),
            section.listed("throttled"),
            section.listed("unknown"),
            meanings(section),
            secret,
        )
        document = example(section, rule.format, rule.encoding)
        finds(section, document, "code", rule.code)
        finds(section, document, "id", rule.id)
        if documents.value(document, rule.code) not in rule.taken:
            raise section.wrong(
                "example",
                "须为平台受理一条短信的应答，其代码须列在 taken 中",
                "this is to be the answer that takes a message, with a code that `taken` lists",
            )
        return rule

    def judged(self, status: int, body: bytes) -> Verdict | None:
        """None where the answer says nothing definite."""
        try:
            document = documents.parsed(body, self.format, self.encoding)
            code = documents.value(document, self.code)
        except Unreadable:
            document, code = None, ""
        if not code:
            return self._by_status(status)
        if code in self.unknown:
            return None
        if code in self.taken:
            # An error that says that all is well contradicts itself.
            return Verdict(True, documents.value(document, self.id)[:200]) if status < 300 else None
        known = code in self.throttled or code in self.meanings
        if not known and status >= 500:
            return None
        said = shown(code, self.secret)
        words = self.meanings.get(code) or Words(f"平台未受理（{said}）", f"the platform did not take it ({said})")
        return Verdict(False, code=said, words=words, throttled=code in self.throttled)

    def _by_status(self, status: int) -> Verdict | None:
        if status not in REFUSED:
            return None
        words = Words(f"平台拒绝了请求（HTTP {status}）", f"the platform refused the request (HTTP {status})")
        return Verdict(False, code=f"HTTP {status}", words=words, throttled=status == TOO_MANY)


def shown(code: str, secret: frozenset[str]) -> str:
    """A code as it may be shown: a platform may repeat what it was sent."""
    if any(each in code for each in secret):
        return "***"
    return "".join(letter for letter in code[:SHOWN] if letter.isprintable())


def path(section: Section, key: str, format: Format, default: str | None = None) -> str:
    """Where something stands in a document. Raises Refused for what is no path."""
    given = section.text(key, default)
    try:
        documents.check(given, format)
    except Unreadable:
        raise section.wrong(
            key,
            f"不是 {format} 的路径，应形如 data.code、head/code（XML）或正则表达式（text）",
            f"this is no path in {format}; they look like data.code, head/code (XML) or a regular expression (text)",
        ) from None
    return given


def example(section: Section, format: Format, encoding: str) -> object:
    """The example by which the paths are tried. Raises Refused."""
    try:
        return documents.parsed(section.text("example").strip().encode(encoding, "replace"), format, encoding)
    except Unreadable:
        raise section.wrong("example", f"不是完整的 {format}", f"this is no {format}") from None


def finds(section: Section, document: object, key: str, path: str) -> None:
    """Raises Refused for a path that finds nothing in the example."""
    if path and not documents.value(document, path):
        raise section.wrong(
            key,
            f"按路径 {path} 在 example 中找不到内容，请按平台文档核对两者",
            f"the path {path} finds nothing in `example`; compare both with the platform's manual",
        )


def meanings(section: Section) -> dict[str, Words]:
    """What codes mean, in the bank's words, in one language or both."""
    given = section.section("codes")
    said: dict[str, Words] = {}
    for code, words in (given.table if given else {}).items():
        match words:
            case str():
                said[code] = Words(words, words)
            case {"zh": str(zh), "en": str(en)}:
                said[code] = Words(zh, en)
            case _:
                assert given
                raise given.wrong(code, "须为一句话，或 {zh = …, en = …}", "this is a sentence, or {zh = …, en = …}")
    return said
