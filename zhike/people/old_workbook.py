"""How large the sheets of an old Excel file (.xls, before 2007) are, found out without making room for them.

Whoever reads such a sheet makes the whole rectangle up to its last cell: one cell in the corner asks for half a gigabyte. So the
records of the file are walked first. Only what that needs is understood: the container's chains of sectors, and of each
record its kind, its row and its last column.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

MOST_BYTES = 64 << 20  # of the file itself: 65,536 rows of fifteen columns are some 20 MB
MOST_CELLS = 4 << 20  # of one sheet's rectangle: 65,536 rows of 64 columns
END = 0xFFFFFFFA  # sector numbers from here on are no sectors
BEGINS, ONE_CELL, SEVERAL = 0x0809, {0x0006, 0x00D6, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E}, {0x00BD}
NAMES = ("Workbook", "Book")


def too_large(path: Path) -> bool:
    """Whether reading the file would ask for more room than a table of people does. A file that makes no sense is not large."""
    if path.stat().st_size > MOST_BYTES:
        return True
    try:
        return any(rows * columns > MOST_CELLS for rows, columns in _sizes(_stream(path.read_bytes())))
    except (struct.error, IndexError, ValueError, StopIteration):
        return False  # the reader says what is wrong with it


def _stream(data: bytes) -> bytes:
    """The book itself, out of the container."""
    shift, small_shift = struct.unpack("<HH", data[30:34])
    first_directory, _signature, least, first_small, _smalls, first_more, _more = struct.unpack("<7I", data[48:76])
    if not (7 <= shift <= 16 and 4 <= small_shift < shift):
        raise ValueError("no container")
    size = 1 << shift

    def sector(number: int) -> bytes:
        return data[(number + 1) * size : (number + 2) * size]

    places = list(struct.unpack("<109I", data[76:512]))
    more = first_more
    while more < END and len(places) < len(data) // size + 109:
        *held, more = struct.unpack(f"<{size // 4}I", sector(more))
        places += held
    table = [each for place in places if place < END for each in struct.unpack(f"<{size // 4}I", sector(place))]
    entries = _chained(first_directory, table, sector)
    entry = next(each for each in _entries(entries) if _name(each) in NAMES)
    begin, length = struct.unpack("<II", entry[116:124])
    if length >= least:
        return _chained(begin, table, sector)[:length]
    # What is short stands in small sectors, in a stream that the first entry names.
    small_size = 1 << small_shift
    smalls = _chained(int.from_bytes(entries[116:120], "little"), table, sector)
    numbers = _chained(first_small, table, sector)
    small_table = list(struct.unpack(f"<{len(numbers) // 4}I", numbers))
    return _chained(begin, small_table, lambda n: smalls[n * small_size : (n + 1) * small_size])[:length]


def _entries(directory: bytes) -> Iterator[bytes]:
    return (directory[at : at + 128] for at in range(0, len(directory), 128))


def _name(entry: bytes) -> str:
    return entry[: max(int.from_bytes(entry[64:66], "little") - 2, 0)].decode("utf-16-le", "replace")


def _chained(number: int, table: list[int], sector: Callable[[int], bytes]) -> bytes:
    """The sectors that follow each other from ``number`` on; a chain that bites its tail ends."""
    found, seen = [], 0
    while number < END and seen <= len(table):
        found.append(sector(number))
        number, seen = table[number], seen + 1
    return b"".join(found)


def _sizes(book: bytes) -> Iterator[tuple[int, int]]:
    """Rows and columns of the rectangle from the first to the last cell that holds something, sheet by sheet."""
    at, top, bottom, right = 0, 0, -1, -1
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        if kind == BEGINS:
            yield bottom - top + 1, right + 1
            top, bottom, right = 1 << 16, -1, -1
        elif (kind in ONE_CELL or kind in SEVERAL) and length >= 6:
            row, column = struct.unpack_from("<HH", book, at + 4)
            last = struct.unpack_from("<H", book, at + 2 + length)[0] if kind in SEVERAL else column
            top, bottom, right = min(top, row), max(bottom, row), max(right, last)
        at += 4 + length
    yield bottom - top + 1, right + 1
