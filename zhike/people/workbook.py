"""Excel's .xlsx, read row by row: the memory used does not grow with the file.

Only what a table needs is read: values, dates by their number format, texts wherever Excel keeps them. Shared texts, which
may come in any order, wait in a file without a name; formulas, colours and merged cells are passed over.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

PIECE = 1 << 16  # bytes that are parsed at a time
BLOCK, KEPT = 64, 256  # shared texts that are kept together, and how many such blocks memory holds
SMALL = 16 << 20  # bytes of a part that is read whole: the styles of the worst workbooks are a few million
LONGEST_TEXT = 1 << 17  # letters of a cell; Excel's own limit is a quarter
LONGEST_ROW = 256  # pieces without the end of a row that has begun
TEXTS_KEPT = 64 << 20  # bytes of shared texts in memory
WIDEST = 16_384  # columns of a sheet, Excel's own limit
# Number formats that Excel does not spell out and that show a day or a time, the Chinese ones included.
BUILT_IN = frozenset([*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)])
# What stands in a number format for itself: quoted, escaped, a colour, a condition, a currency.
LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
BROKEN = (expat.ExpatError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError,
          KeyError, IndexError, ValueError)  # fmt: skip


class Damaged(ValueError):
    """A workbook that cannot be read; the message says what is wrong with it."""


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Damaged:
        raise
    except BROKEN as error:
        raise Damaged(str(error) or type(error).__name__) from error


class Workbook:
    """An opened .xlsx file. ``names``: its sheets in order. Raises Damaged, here and while rows are read."""

    def __init__(self, path: Path) -> None:
        with _explained():
            self._zip = zipfile.ZipFile(path)
            self._parts = self._sheets()
            self._days = self._formats()
        self.names = list(self._parts)

    def rows(self, name: str) -> Iterator[tuple[int, list[Any]]]:
        """Line and values of each row that has any; an empty cell is an empty text."""
        with _explained(), self._texts() as texts, self._zip.open(self._parts[name]) as file:
            sheet = _Sheet(texts, self._days, self._from_1904)
            while piece := file.read(PIECE):
                yield from sheet.feed(piece)
            yield from sheet.feed(b"", final=True)

    def _sheets(self) -> dict[str, str]:
        targets = {}
        for _within, tag, values in self._elements("xl/_rels/workbook.xml.rels"):
            if tag == "Relationship" and values["Type"].endswith("/worksheet"):
                targets[values["Id"]] = posixpath.normpath(posixpath.join("/xl", values["Target"])).lstrip("/")
        parts, self._from_1904 = {}, False
        for _within, tag, values in self._elements("xl/workbook.xml"):
            if tag == "workbookPr":
                self._from_1904 = values.get("date1904") in ("1", "true")
            if tag == "sheet":
                number = next((value for key, value in values.items() if key.endswith(":id")), "")
                if number in targets:
                    parts[values["name"]] = targets[number]
        return parts

    def _formats(self) -> frozenset[str]:
        """Numbers of the cell styles that show a day or a time."""
        if "xl/styles.xml" not in self._zip.namelist():
            return frozenset()
        codes: dict[int, bool] = {}
        styles: list[bool] = []
        for within, tag, values in self._elements("xl/styles.xml"):
            if tag == "numFmt" and within == "numFmts":
                codes[int(values["numFmtId"])] = shows_time(values["formatCode"])
            if tag == "xf" and within == "cellXfs":
                number = int(values.get("numFmtId", 0))
                styles.append(codes.get(number, number in BUILT_IN))
        return frozenset(str(style) for style, day in enumerate(styles) if day)

    def _elements(self, part: str) -> list[tuple[str, str, dict[str, str]]]:
        """Parent, name and attributes of each element of a small part."""
        found: list[tuple[str, str, dict[str, str]]] = []
        within = [""]

        def start(tag: str, values: dict[str, str]) -> None:
            name = tag.rpartition(":")[2]
            found.append((within[-1], name, values))
            within.append(name)

        if self._zip.getinfo(part).file_size > SMALL:
            raise Damaged(f"{part} > {SMALL >> 20} MB")
        parser = _parser(start, lambda _tag: within.pop())
        with self._zip.open(part) as file:
            parser.ParseFile(file)
        return found

    @contextmanager
    def _texts(self) -> Iterator[Callable[[int], str]]:
        with tempfile.TemporaryFile() as file:
            texts = _Texts(file)
            if "xl/sharedStrings.xml" in self._zip.namelist():
                with self._zip.open("xl/sharedStrings.xml") as part:
                    texts.take(part)
            yield texts.at


class _Texts:
    """The texts that cells point to, in blocks in a file; the blocks used last are in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._begins = array("Q", [0])
        self._open: list[str] = []
        self._block: Callable[[int], list[str]] = self._load

    def at(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        return self._block(number // BLOCK)[number % BLOCK]

    def take(self, part: IO[bytes]) -> None:
        parts: list[str] = []
        inside = skipped = False

        def start(tag: str, _values: dict[str, str]) -> None:
            nonlocal inside, skipped
            name = tag.rpartition(":")[2]
            if name == "t":
                inside = not skipped
            elif name == "rPh":  # how the text is read aloud
                skipped = True

        def end(tag: str) -> None:
            nonlocal inside, skipped
            name = tag.rpartition(":")[2]
            if name == "t":
                inside = False
            elif name == "rPh":
                skipped = False
            elif name == "si":
                self._open.append("".join(parts))
                parts.clear()
                if len(self._open[-1]) > LONGEST_TEXT:
                    raise Damaged(f"> {LONGEST_TEXT}")
                if len(self._open) == BLOCK:
                    self._close()

        parser = _parser(start, end)
        parser.CharacterDataHandler = lambda text: parts.append(text) if inside else None
        while piece := part.read(PIECE):
            parser.Parse(piece, False)
            if sum(map(len, parts)) > LONGEST_TEXT:
                raise Damaged(f"> {LONGEST_TEXT}")
        parser.Parse(b"", True)
        self._close()
        widest = max(end - begin for begin, end in pairwise(self._begins))
        self._block = lru_cache(max(1, min(KEPT, TEXTS_KEPT // max(widest, 1))))(self._load)

    def _close(self) -> None:
        self._file.write("\0".join(self._open).encode("utf-8", "surrogatepass"))  # XML holds no NUL
        self._begins.append(self._file.tell())
        self._open = []

    def _load(self, block: int) -> list[str]:
        self._file.seek(self._begins[block])
        kept = self._file.read(self._begins[block + 1] - self._begins[block])
        return kept.decode("utf-8", "surrogatepass").split("\0")


class _Sheet:
    """A sheet's parser: pieces of XML in, rows out. The one place of an Excel import where each microsecond counts."""

    def __init__(self, texts: Callable[[int], str], days: frozenset[str], from_1904: bool) -> None:
        self._texts, self._days, self._from_1904 = texts, days, from_1904
        self._ready: list[tuple[int, list[Any]]] = []
        self._parser = _parser(self._begin, None)
        self._pieces = 0
        self._holds: Callable[[], bool] = bool

    def feed(self, piece: bytes, *, final: bool = False) -> list[tuple[int, list[Any]]]:
        self._parser.Parse(piece, final)
        ready, self._ready[:] = self._ready[:], []
        self._pieces = 0 if ready else self._pieces + 1
        if self._pieces > LONGEST_ROW and self._holds():
            raise Damaged(f"> {LONGEST_ROW * PIECE >> 20} MB")
        return ready

    def _begin(self, root: str, _values: dict[str, str]) -> None:
        """At the first element, which says under what prefix the others go."""
        front = root.rpartition(":")[0]
        front = f"{front}:" if front else ""
        C, V, T, ROW, PHONETIC = (front + name for name in ("c", "v", "t", "row", "rPh"))
        ready, value_of = self._ready, self._value
        values: list[Any] = []
        parts: list[str] = []
        line, at, kind, style = 0, -1, "n", ""
        inside = skipped = False

        def start(tag: str, said: dict[str, str]) -> None:
            nonlocal line, at, kind, style, inside, skipped, values
            if tag == C:
                at = column(said["r"].rstrip("0123456789")) if "r" in said else at + 1
                kind, style = said.get("t", "n"), said.get("s", "")
            elif tag in (V, T):
                inside = not skipped
            elif tag == ROW:
                line = int(said["r"]) if "r" in said else line + 1
                at, values = -1, []
            elif tag == PHONETIC:
                skipped = True

        def end(tag: str) -> None:
            nonlocal inside, skipped, values
            if tag in (V, T):
                inside = False
            elif tag == C:
                if parts:
                    value = value_of(kind, style, "".join(parts))
                    parts.clear()
                    missing = at - len(values)
                    if missing < 0:
                        values[at] = value
                        return
                    if missing:
                        values.extend([""] * missing)
                    values.append(value)
            elif tag == ROW:
                if values:
                    ready.append((line, values))
                    values = []
            elif tag == PHONETIC:
                skipped = False

        def text(piece: str) -> None:
            if inside:
                parts.append(piece)

        self._parser.StartElementHandler, self._parser.EndElementHandler = start, end
        self._parser.CharacterDataHandler = text
        self._holds = lambda: bool(parts or values)

    def _value(self, kind: str, style: str, text: str) -> Any:
        match kind:
            case "s":
                return self._texts(int(text))
            case "n":
                if style in self._days:
                    return moment(float(text), self._from_1904)
                return int(text) if text.isdecimal() else float(text)
            case "b":
                return text.strip() in ("1", "true")
            case "e":  # #N/A and the like: nothing that anybody entered
                return ""
            case "d":
                return dt.datetime.fromisoformat(text)
        return text


def _parser(start: Any, end: Any) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end

    def refuse(*_said: object) -> None:
        raise Damaged("DOCTYPE")  # no Excel writes one; entities that unfold without end begin so

    parser.StartDoctypeDeclHandler = refuse
    return parser


@lru_cache(1024)
def column(letters: str) -> int:
    """A is 0, Z 25, AA 26. Raises Damaged for what is no column."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    if not (letters.isascii() and letters.isupper() and 0 < number <= WIDEST):
        raise Damaged(letters)
    return number - 1


def shows_time(code: str) -> bool:
    """Whether a number format shows a day or a time of day; hours that go on past a day are a number."""
    plain = LITERAL.sub("", code.split(";")[0])
    return not ELAPSED.search(plain) and plain.lower() != "general" and bool(re.search("[ymdhs]", plain, re.IGNORECASE))


@lru_cache(4096)
def moment(days: float, from_1904: bool) -> Any:
    """A day, a time or both, from Excel's number; the number itself where it is none."""
    if not 0 <= days < 2_958_465:  # the end of the year 9999
        return days
    whole, seconds = divmod(round(days * 86_400), 86_400)
    time = dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    if days < 1 and not from_1904:
        return time
    # Excel takes 1900 for a leap year: before March its days are one ahead.
    begin = dt.date(1904, 1, 1) if from_1904 else dt.date(1899, 12, 31 if days < 60 else 30)
    day = begin + dt.timedelta(whole)
    return dt.datetime.combine(day, time) if seconds else day
