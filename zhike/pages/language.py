"""The two languages of the screens.

Texts in code and templates are English sentences; the Chinese stands in one file, kept by hand:
``zhike/locale/zh_Hans/LC_MESSAGES/django.po``. Python's gettext wants it compiled, and the gettext tools are not on
every machine, so this module does it itself:

    python -m zhike.pages.language          compile
    python -m zhike.pages.language --check  fail where a text lacks its Chinese, or Chinese is left without its text
    python -m zhike.pages.language --tidy   sort the file, add what is missing with empty Chinese, drop what is stale
"""

from __future__ import annotations

import argparse
import ast
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
CATALOGUE = PACKAGE / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"

HEADER = (
    "Project-Id-Version: zhike\n"
    "Language: zh_Hans\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "Plural-Forms: nplurals=1; plural=0;\n"
)

# name of the function → position of (context, text, plural)
CALLS: dict[str, tuple[int | None, int, int | None]] = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
}

Key = tuple[str | None, str]


@dataclass
class Entry:
    """One text with its Chinese. ``comments`` are the lines above it, kept as they are."""

    text: str
    chinese: str = ""
    context: str | None = None
    plural: str | None = None
    comments: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return (self.context, self.text)


def read(source: str) -> list[Entry]:
    """Parse a .po file. Raises ValueError naming the line that cannot be read."""
    entries: list[Entry] = []
    entry = Entry("")
    slot = ""
    seen: set[str] = set()

    def close() -> None:
        nonlocal entry, seen, slot
        if "msgid" in seen:
            entries.append(entry)
        entry, seen, slot = Entry(""), set(), ""

    for number, line in enumerate(source.splitlines(), 1):
        line = line.strip()
        if not line:
            close()
        elif line.startswith("#"):
            if "msgid" in seen:
                close()
            entry.comments.append(line)
        else:
            if not line.startswith('"'):
                slot, _, line = line.partition(" ")
                if slot in ("msgctxt", "msgid") and "msgstr" in seen:
                    kept = slot
                    close()
                    slot = kept
                seen.add(slot.partition("[")[0])
            try:
                text = ast.literal_eval(line.strip())
            except (SyntaxError, ValueError):
                raise ValueError(f"{CATALOGUE.name}, line {number}: not a quoted text: {line}") from None
            match slot:
                case "msgctxt":
                    entry.context = (entry.context or "") + text
                case "msgid":
                    entry.text += text
                case "msgid_plural":
                    entry.plural = (entry.plural or "") + text
                case "msgstr" | "msgstr[0]":
                    entry.chinese += text
                case _:
                    raise ValueError(f"{CATALOGUE.name}, line {number}: unknown word {slot!r}")
    close()
    return entries


def write(entries: list[Entry]) -> str:
    """The .po file's text: header first, then sorted, so that two people's additions rarely meet on one line."""
    body = [e for e in entries if e.text]
    body.sort(key=lambda e: (e.text.casefold(), e.text, e.context or ""))
    return "\n".join([_written(Entry("", HEADER)), *(_written(e) for e in body)])


def _written(entry: Entry) -> str:
    lines = list(entry.comments)
    if entry.context is not None:
        lines.append(f"msgctxt {_quoted(entry.context)}")
    lines.append(f"msgid {_quoted(entry.text)}")
    if entry.plural is not None:
        lines += [f"msgid_plural {_quoted(entry.plural)}", f"msgstr[0] {_quoted(entry.chinese)}"]
    else:
        lines.append(f"msgstr {_quoted(entry.chinese)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    if text.count("\n") > 1:
        return '""\n' + "\n".join(f'"{line}"' for line in escaped.replace("\\n", "\\n\0").split("\0") if line)
    return f'"{escaped}"'


def compiled(entries: list[Entry]) -> bytes:
    """The binary catalogue that Python's gettext reads (GNU .mo, little endian, no hash table)."""
    pairs = []
    for entry in entries:
        if not entry.chinese:
            continue
        key = entry.text if entry.plural is None else f"{entry.text}\0{entry.plural}"
        if entry.context is not None:
            key = f"{entry.context}\4{key}"
        pairs.append((key.encode(), entry.chinese.encode()))
    pairs.sort()
    count = len(pairs)
    offset = 7 * 4 + count * 16
    table, data = [], b""
    for column in (0, 1):
        for pair in pairs:
            table += [len(pair[column]), offset + len(data)]
            data += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + count * 8, 0, 0)
    return head + struct.pack(f"<{len(table)}I", *table) + data


def stale() -> bool:
    """True where the compiled catalogue is missing or differs from its source."""
    mo = CATALOGUE.with_suffix(".mo")
    return not mo.exists() or mo.read_bytes() != compiled(read(CATALOGUE.read_text("utf-8")))


def used() -> dict[Key, tuple[str | None, str]]:
    """Every text that templates and Python use: key → (plural, where it is first seen)."""
    found: dict[Key, tuple[str | None, str]] = {}
    for where, context, text, plural in [*_in_python(), *_in_templates()]:
        before = found.get((context, text))
        if before is None or (before[0] is None and plural is not None):
            found[(context, text)] = (plural, where)
    return found


def _in_python() -> Iterator[tuple[str, str | None, str, str | None]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path == Path(__file__).resolve():
            continue
        tree = ast.parse(path.read_text("utf-8"))
        # A field's help_text explains the column to whoever reads the model; no screen shows it.
        unseen = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "help_text"
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or id(node) in unseen:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CALLS:
                arguments = [a.value if isinstance(a, ast.Constant) else None for a in node.args]
                yield from _called(f"{path.relative_to(PACKAGE)}:{node.lineno}", name, arguments)


def _in_templates() -> Iterator[tuple[str, str | None, str, str | None]]:
    from jinja2 import Environment
    from jinja2.ext import extract_from_ast

    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    root = PACKAGE / "pages" / "templates"
    for path in sorted(root.rglob("*.html")):
        for line, name, message in extract_from_ast(environment.parse(path.read_text("utf-8")), tuple(CALLS)):
            arguments = [message] if isinstance(message, str) else list(message or ())
            yield from _called(f"{path.relative_to(PACKAGE)}:{line}", name, arguments)


def _called(where: str, name: str, arguments: Sequence[object]) -> Iterator[tuple[str, str | None, str, str | None]]:
    at_context, at_text, at_plural = CALLS[name]

    def text(at: int | None) -> str | None:
        value = arguments[at] if at is not None and at < len(arguments) else None
        return value if isinstance(value, str) else None

    if (message := text(at_text)) is not None:
        yield where, text(at_context), message, text(at_plural)


def faults(entries: list[Entry]) -> list[str]:
    """What keeps the Chinese from being complete and true, one sentence each."""
    texts = used()
    known = {e.key: e for e in entries if e.text}
    said = []
    for key, (_plural, where) in sorted(texts.items(), key=lambda item: item[1][1]):
        entry = known.get(key)
        if entry is None or not entry.chinese:
            said.append(f"{where}: no Chinese for {key[1]!r}")
        elif _places(entry.chinese) - _places(entry.text) - _places(entry.plural or ""):
            said.append(f"{where}: the Chinese of {key[1]!r} names a value that the text does not have")
    said += [f"{CATALOGUE.name}: {key[1]!r} is used nowhere any more" for key in known if key not in texts]
    keys = [e.key for e in entries if e.text]
    said += [f"{CATALOGUE.name}: {key[1]!r} stands twice" for key in sorted(set(keys), key=str) if keys.count(key) > 1]
    return said


def _places(text: str) -> set[str]:
    return {part.partition(")")[0] for part in text.split("%(")[1:]}


def tidy(entries: list[Entry]) -> list[Entry]:
    """Keep what is used, add what is missing with empty Chinese for a person to fill."""
    known = {e.key: e for e in entries if e.text}
    kept = []
    for (context, text), (plural, _where) in used().items():
        entry = known.get((context, text)) or Entry(text, context=context)
        entry.plural = plural
        kept.append(entry)
    return kept


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m zhike.pages.language", description="Compile or check the Chinese.")
    parser.add_argument("--check", action="store_true", help="fail where the Chinese is incomplete or stale")
    parser.add_argument("--tidy", action="store_true", help="sort, add missing texts, drop stale ones")
    asked = parser.parse_args(arguments)
    entries = read(CATALOGUE.read_text("utf-8"))
    if asked.tidy:
        entries = tidy(entries)
        CATALOGUE.write_text(write(entries), "utf-8")
    if asked.check or asked.tidy:
        said = faults(entries)
        for sentence in said:
            sys.stderr.write(sentence + "\n")
        return 1 if said else 0
    CATALOGUE.with_suffix(".mo").write_bytes(compiled(entries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
