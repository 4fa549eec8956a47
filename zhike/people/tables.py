"""Files with a table in them, as banks send them: CSV in UTF-8 or GB18030 with any delimiter, and Excel's own.

One reader for every import. Rows come one by one with the line that they stand on in the file, so that a sentence
about a wrong one can say where it is, and the memory used does not grow with the file.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from zhike.people import old_workbook
from zhike.people.typed import typed
from zhike.people.workbook import Damaged, Workbook

# What a file of refused rows has besides its own columns; it is corrected and read again, and these are skipped then.
LINE, COLUMN, REASON = "行号 line", "列 column", "原因 reason"
DELIMITERS = ",\t;|\x1f"
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# Excel keeps fifteen digits of a number; what was longer (an identity number, a card) has lost its end.
EXACT = 10**15
# What a spreadsheet begins a formula with, full-width forms included.
FORMULA = re.compile(r"[=@\t\r＝＠]|[+\-＋－](?![\d.]+$)")
MOST_BYTES = 1 << 30  # that an Excel file may unpack to
LONGEST_LINE = 1 << 20  # letters


class UnreadableTable(ValueError):
    """The whole file cannot be read; the sentence says what is wrong and what to do."""


@dataclass(frozen=True)
class Problem:
    """What is wrong in one cell; ``column`` is empty when the whole row is meant."""

    column: str
    reason: str


@dataclass
class Row:
    line: int
    cells: dict[str, str]
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """An opened file: ``columns`` as the file names them, rows on demand (each iteration reads the file anew)."""

    path: Path
    columns: tuple[str, ...]
    encoding: str = ""
    delimiter: str = ","
    sheet: str = ""

    def __iter__(self) -> Iterator[Row]:
        lines = (
            _sheet_lines(self.path, self.sheet) if self.sheet else _text_lines(self.path, self.encoding, self.delimiter)
        )
        wanted = [(at, column) for at, column in enumerate(self.columns) if column not in (LINE, COLUMN, REASON, "")]
        header_seen = False
        for line, values in lines:
            if not any(values):
                continue
            if not header_seen:
                header_seen = True
                continue
            yield self._row(line, values, wanted)

    def _row(self, line: int, values: Sequence[Any], wanted: Sequence[tuple[int, str]]) -> Row:
        problems: list[Problem] = []
        cells: dict[str, str] = {}
        has = len(values)
        for at, column in wanted:
            value = values[at] if at < has else ""
            if type(value) is str and value.isascii() and value.isprintable() and value[:1] != "'":
                cells[column] = value.strip()
                continue
            cells[column], problem = as_text(value)
            if problem:
                problems.append(Problem(column, problem))
        if has > len(self.columns) and any(values[len(self.columns) :]):
            problems.append(
                Problem(
                    "",
                    _("The row has %(has)d cells, the header %(wants)d. Is a delimiter inside a value?")
                    % {"has": len(values), "wants": len(self.columns)},
                )
            )
        return Row(line, cells, problems)


def open_table(path: Path, *, encoding: str = "", delimiter: str = "") -> Table:
    """The table in a file; encoding and delimiter are found out unless given. UnreadableTable says why it cannot be."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise UnreadableTable(
            _("%(path)s cannot be opened: %(why)s.") % {"path": path, "why": error.strerror}
        ) from error
    if not head:
        raise UnreadableTable(_("The file is empty. The first line must name the columns."))
    if head == ZIP:
        _check_size(path)
    if head == OLE and old_workbook.too_large(path):
        raise UnreadableTable(_("The Excel file is too large. Save it as CSV in UTF-8."))
    if head in (ZIP, OLE):
        sheet, first = _first_sheet(path)
        return Table(path, _columns(first), sheet=sheet)
    named, encoding = encoding, encoding or _encoding(path)
    unreadable = _("The file cannot be read as %(encoding)s.") % {"encoding": encoding}
    try:
        with path.open(encoding=encoding, newline="") as text:
            line = text.readline(LONGEST_LINE)
    except (UnicodeError, LookupError) as error:
        raise UnreadableTable(unreadable) from error
    if named and not _decodes(path, named):
        raise UnreadableTable(unreadable)
    delimiter = delimiter or max(DELIMITERS, key=line.count)
    _number, first = next(((n, v) for n, v in _text_lines(path, encoding, delimiter) if any(v)), (0, []))
    return Table(path, _columns(first), encoding=encoding, delimiter=delimiter)


def as_text(value: Any) -> tuple[str, str]:
    """A cell's text as a person would type it, and a sentence if the file has spoiled it."""
    if isinstance(value, str):
        text = typed(value).strip()
        return (text[1:] if text[:1] == "'" and FORMULA.match(text[1:]) else text), ""
    if value is None:
        return "", ""
    if isinstance(value, bool):
        return ("1" if value else "0"), ""
    if isinstance(value, float | int):
        if not math.isfinite(value):
            return "", _("This cell holds no number that can be read. Enter it again.")
        if abs(value) >= EXACT:
            return f"{value:.0f}", _(
                "Excel has lost the last digits of this number. Format the column as text and enter it again."
            )
        return (str(int(value)) if value == int(value) else repr(value)), ""
    if isinstance(value, dt.datetime):
        return (value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "minutes")), ""
    return (value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)), ""


class RefusedRows:
    """The file in which refused rows come back: each as it was, and its line, column and reason.

    Values that a spreadsheet would take for a formula are quoted with an apostrophe, which reading takes away again.
    """

    def __init__(self, file: TextIO, columns: Sequence[str]) -> None:
        self.columns = [column for column in columns if column not in (LINE, COLUMN, REASON, "")]
        self.count = 0
        # Excel takes a file without this mark for the local code page.
        file.write("\ufeff")
        self._writer = csv.writer(file)
        self._writer.writerow([*map(_harmless, self.columns), LINE, COLUMN, REASON])

    def add(self, row: Row, problems: Iterable[Problem]) -> None:
        found = list(problems)
        self.count += 1
        self._writer.writerow(
            [
                *(_harmless(row.cells.get(column, "")) for column in self.columns),
                row.line,
                _harmless(";".join(dict.fromkeys(p.column for p in found if p.column))),
                " ".join(p.reason for p in found),
            ]
        )


def _harmless(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text


def _columns(values: Sequence[Any]) -> tuple[str, ...]:
    columns = [as_text(value)[0] for value in values]
    while columns and not columns[-1]:
        columns.pop()
    if not columns:
        raise UnreadableTable(_("The file has no line that names the columns."))
    twice = sorted(column for column, times in Counter(columns).items() if column and times > 1)
    if twice:
        raise UnreadableTable(_("The column %(name)s stands in the header more than once.") % {"name": twice[0]})
    return tuple(columns)


def _encoding(path: Path) -> str:
    """UTF-8 if all of it is, else GB18030 if all of it is."""
    with path.open("rb") as file:
        mark = file.read(3)
    marked = mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        if _decodes(path, encoding):
            return encoding
    raise UnreadableTable(_("The file is neither text in UTF-8 or GB18030 (GBK) nor Excel. Save it as CSV in UTF-8."))


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while block := file.read(1 << 20):
                if "\0" in decoder.decode(block):
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _text_lines(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, Sequence[Any]]]:
    with path.open(encoding=encoding, newline="") as text:
        if len(delimiter) > 1:  # as core systems write it (|@|), with nothing quoted
            yield from enumerate((line.rstrip("\r\n").split(delimiter) for line in _bounded(text)), start=1)
            return
        reader = csv.reader(_bounded(text), delimiter=delimiter)
        while True:
            line = reader.line_num + 1  # where the row begins: a quoted value may go on over several lines
            try:
                yield line, next(reader)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                raise UnreadableTable(
                    _("Line %(line)d cannot be read: %(why)s.") % {"line": line, "why": error}
                ) from error


def _bounded(text: TextIO) -> Iterator[str]:
    """The lines of a file, none of which fills the memory: a file without line ends is one line."""
    for number in count(1):
        line = text.readline(LONGEST_LINE)
        if not line:
            return
        if len(line) == LONGEST_LINE:
            raise UnreadableTable(
                _("Line %(line)d is longer than a row of a table can be. Save the file as CSV in UTF-8.")
                % {"line": number}
            )
        yield line


def _check_size(path: Path) -> None:
    """Raises UnreadableTable for what is no .xlsx, or unpacks to more than a file of customers can be."""
    try:
        with zipfile.ZipFile(path) as book:
            if "xl/workbook.xml" not in book.namelist():
                raise UnreadableTable(_("This is no Excel file of the kind .xlsx. Save it as .xlsx or as CSV."))
            if sum(part.file_size for part in book.infolist()) > MOST_BYTES:
                raise UnreadableTable(_("The Excel file is too large. Save it as CSV in UTF-8."))
    except (zipfile.BadZipFile, OSError) as error:
        raise _unread(error) from error


def _unread(error: Exception) -> UnreadableTable:
    return UnreadableTable(
        _("The Excel file cannot be read: %(why)s. If it has a password, save it without.") % {"why": error}
    )


def _first_sheet(path: Path) -> tuple[str, Sequence[Any]]:
    for name in _sheet_names(path):
        for _line, row in _sheet_lines(path, name):
            if any(cell != "" for cell in row):
                return name, row
    raise UnreadableTable(_("The Excel file has no sheet with anything in it."))


def _sheet_names(path: Path) -> list[str]:
    try:
        return list(CalamineWorkbook.from_path(str(path)).sheet_names if _is_old(path) else Workbook(path).names)
    except (CalamineError, OSError, Damaged) as error:
        raise _unread(error) from error


def _sheet_lines(path: Path, sheet: str) -> Iterator[tuple[int, Sequence[Any]]]:
    try:
        if not _is_old(path):
            yield from Workbook(path).rows(sheet)
            return
        # Excel's files from before 2007 end at 65,536 rows and are read whole.
        opened = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
        for line, row in enumerate(opened.iter_rows(), start=1):
            yield line, ["" if cell is None else cell for cell in row]
    except (CalamineError, OSError, Damaged) as error:
        raise _unread(error) from error


def _is_old(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == OLE
