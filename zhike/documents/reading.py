"""Reads the text of one file, in a process of its own that holds nothing and has little: `python -I reading.py FORMAT < file`.

Whatever a file does to its reader (loops, floods, crashes a parser), it does it to this process: memory, time and open files are bounded
before a byte is read, it writes no file and knows no key. The text goes to standard output as UTF-8. Exit codes: 0 read, 3 locked by a
password, 4 damaged, anything else: it did not come to its end.
"""

from __future__ import annotations

import codecs
import io
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from xml.parsers import expat

MEMORY, SECONDS, FILES = 1 << 30, 40, 64
LONGEST = 400_000  # characters; what comes after is not read
PAGES = 2_000
LOCKED, DAMAGED = 3, 4
PART = 64 << 20  # bytes of one unpacked part


class Locked(Exception):
    """It opens with a password alone."""


class Enough(Exception):
    """So much text is not searched."""


def confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def pdf(file: BinaryIO) -> Iterator[str]:
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError

    reader = PdfReader(file)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Locked
    try:
        for number, page in enumerate(reader.pages):
            if number >= PAGES:
                return
            yield page.extract_text()
    except FileNotDecryptedError as error:
        raise Locked from error


def workbook(file: BinaryIO) -> Iterator[str]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(file)
    for name in book.sheet_names:
        yield name
        for row in book.get_sheet_by_name(name).iter_rows():
            yield "\t".join(str(cell) for cell in row if cell not in ("", None))


def parts(*folders: str, text: str, breaks: str) -> Callable[[BinaryIO], Iterator[str]]:
    """A reader of the XML parts whose names begin with one of ``folders``: the content of elements ``text``, a line each ``breaks``."""

    def read(file: BinaryIO) -> Iterator[str]:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith(".xml") and entry.filename.startswith(folders) and entry.file_size <= PART:
                    with archive.open(entry) as part:
                        yield words(part, text, breaks)

    return read


def words(part: Any, text: str, breaks: str) -> str:
    """The words of one XML part. One that declares a document type is no office document: entities are a way to flood a reader."""
    found: list[str] = []
    inside = False

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal inside
        inside = name.rpartition(":")[2] == text

    def end(name: str) -> None:
        nonlocal inside
        inside = False
        if name.rpartition(":")[2] == breaks:
            found.append("\n")

    def data(piece: str) -> None:
        if inside:
            found.append(piece)

    def declared(*_said: Any) -> None:
        raise zipfile.BadZipFile("a document type")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    parser.StartDoctypeDeclHandler = declared
    while piece := part.read(1 << 16):
        parser.Parse(piece, False)
    parser.Parse(b"", True)
    return "".join(found)


def plain(file: BinaryIO) -> Iterator[str]:
    content = file.read(LONGEST * 4)
    for name in ("utf-16",) if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ("utf-8-sig", "gb18030"):
        try:
            yield codecs.getincrementaldecoder(name)().decode(content)
            return
        except UnicodeDecodeError:
            continue
    raise ValueError("no text")


READERS: dict[str, Callable[[BinaryIO], Iterator[str]]] = {
    "pdf": pdf,
    "docx": parts(
        "word/document", "word/header", "word/footer", "word/footnotes", "word/comments", text="t", breaks="p"
    ),
    "pptx": parts("ppt/slides/", "ppt/notesSlides/", text="t", breaks="p"),
    "ofd": parts("Doc_", text="TextCode", breaks="TextObject"),
    "xlsx": workbook,
    "xls": workbook,
    "csv": plain,
    "txt": plain,
}


def main() -> int:
    confine()
    length, out = 0, io.TextIOWrapper(sys.stdout.buffer, "utf-8", errors="replace", newline="")
    try:
        for piece in READERS[sys.argv[1]](sys.stdin.buffer):
            out.write(piece[: LONGEST - length] + "\n")
            length += len(piece) + 1
            if length >= LONGEST:
                break
        out.flush()
    except Locked:
        return LOCKED
    except MemoryError:
        raise
    except Exception:  # a parser says in many ways that it does not understand
        return DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main())
