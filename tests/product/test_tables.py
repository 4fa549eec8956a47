"""Files with tables in them, read as they come."""

from __future__ import annotations

import contextlib
import csv
import io
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from django.utils import translation

from zhike.people.tables import LINE, REASON, Problem, RefusedRows, UnreadableTable, open_table
from zhike.people.workbook import Workbook


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_text_is_read_in_the_encodings_and_delimiters_of_banks(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "工号,姓名,备注\n0012,林晓,\n0013,欧阳䶮,生僻字\n".replace(",", delimiter)
    table = open_table(written(tmp_path / "a.csv", text.encode(encoding)))
    assert table.columns == ("工号", "姓名", "备注")
    read = [(row.line, row.cells["工号"], row.cells["姓名"]) for row in table]
    assert read == [(2, "0012", "林晓"), (3, "0013", "欧阳䶮")]


def test_core_systems_files_are_read_with_the_delimiter_that_is_named(tmp_path: Path) -> None:
    text = '客户号|@|客户名称|@|备注\r\nC1|@|沈"静"仪|@|a|b\r\n'
    table = open_table(written(tmp_path / "a.txt", text.encode("gb18030")), encoding="gb18030", delimiter="|@|")
    assert [(row.line, row.cells) for row in table] == [(2, {"客户号": "C1", "客户名称": '沈"静"仪', "备注": "a|b"})]


@pytest.mark.parametrize(
    ("encoding", "text"), [("klingon", "a,b"), ("hex", "a,b"), ("utf-8", "a,b\nx\0,y"), ("ascii", "a,b\né,y")]
)
def test_a_file_that_is_not_in_the_encoding_that_is_named_is_refused(tmp_path: Path, encoding: str, text: str) -> None:
    with translation.override("en"), pytest.raises(UnreadableTable, match=f"cannot be read as {encoding}"):
        open_table(written(tmp_path / "a.csv", text.encode()), encoding=encoding)


def test_lines_are_those_of_the_file_even_after_a_value_with_a_line_break(tmp_path: Path) -> None:
    table = open_table(written(tmp_path / "a.csv", b'a,b\n1,"x\ny"\n\n2,z\n'))
    assert [(row.line, row.cells) for row in table] == [(2, {"a": "1", "b": "x\ny"}), (5, {"a": "2", "b": "z"})]


def test_excel_keeps_leading_zeros_dates_and_says_what_it_has_lost(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = book.add_worksheet("员工")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, ["工号", "人数", "日期", "身份证"])
    sheet.write_string(1, 0, "0012")
    sheet.write_number(1, 1, 7)
    sheet.write_number(1, 2, 46054, day)
    sheet.write_number(1, 3, 110101199003074444)
    book.close()
    (row,) = open_table(tmp_path / "a.xlsx")
    assert row.line == 2
    assert (row.cells["工号"], row.cells["人数"], row.cells["日期"]) == ("0012", "7", "2026-02-01")
    assert [problem.column for problem in row.problems] == ["身份证"]


def test_a_row_with_too_many_cells_is_said_and_one_with_too_few_is_filled(tmp_path: Path) -> None:
    long, short = open_table(written(tmp_path / "a.csv", b"a,b\n1,2,3\n4\n"))
    assert len(long.problems) == 1
    assert short.cells == {"a": "4", "b": ""}


def test_what_is_no_table_is_refused_with_a_sentence(tmp_path: Path) -> None:
    damaged = (b"PK\x03\x04rubbish", b"\x00\x01\x02\xff\xfe\xfd" * 20, b"\xff\xfe\x00", "a,b\n\0,1\n".encode("utf-16"))
    for data in (b"", b"\n\n", b"a,a\n1,2\n", *damaged):
        with translation.override("en"), pytest.raises(UnreadableTable, match=r"[A-Z].*\."):
            open_table(written(tmp_path / "a.csv", data))


def test_refused_rows_come_back_readable_and_harmless(tmp_path: Path) -> None:
    file = io.StringIO()
    refused = RefusedRows(file, ("name", "phone"))
    (row,) = open_table(written(tmp_path / "a.csv", b'name,phone\n"=cmd|x",+8613800000000\n'))
    refused.add(row, [Problem("name", "Not a name.")])
    back = open_table(written(tmp_path / "back.csv", file.getvalue().encode()))
    assert "'=cmd|x" in file.getvalue()
    assert LINE in back.columns
    assert REASON in back.columns
    assert next(iter(back)).cells == {"name": "=cmd|x", "phone": "+8613800000000"}
    # A heading is a cell too.
    file = io.StringIO()
    refused = RefusedRows(file, ('=HYPERLINK("http://x")', "＝1+1"))
    refused.add(row, [Problem('=HYPERLINK("http://x")', "No.")])
    assert not [
        cell for line in csv.reader(file.getvalue()[1:].splitlines()) for cell in line if cell.startswith(("=", "＝"))
    ]
    back = open_table(written(tmp_path / "headings.csv", file.getvalue().encode()))
    assert back.columns[:2] == ('=HYPERLINK("http://x")', "＝1+1")


SHEET = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'


def excel(path: Path, rows: str) -> Path:
    """An Excel file of a few hundred bytes, its sheet written by hand."""
    made = path.with_suffix(".made.xlsx")
    with xlsxwriter.Workbook(made) as book:
        book.add_worksheet()
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as changed:
        for part in whole.infolist():
            sheet = part.filename == "xl/worksheets/sheet1.xml"
            changed.writestr(part.filename, SHEET.format(rows) if sheet else whole.read(part))
    return path


HEADINGS = '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c><c r="B1" t="inlineStr"><is><t>assets</t></is></c></row>'


@pytest.mark.parametrize("corner", ["XFD1048576", "ZZ1048576", "XFD9000"])
def test_a_cell_in_the_last_corner_is_its_rows_problem_alone(tmp_path: Path, corner: str) -> None:
    row = "".join(filter(str.isdigit, corner))
    good = '<row r="2"><c r="A2" t="inlineStr"><is><t>a</t></is></c></row>'
    path = excel(tmp_path / "far.xlsx", f'{HEADINGS}{good}<row r="{row}"><c r="{corner}"><v>1</v></c></row>')
    first, far = open_table(path)
    assert (first.cells, first.problems) == ({"name": "a", "assets": ""}, [])
    assert (far.line, len(far.problems)) == (int(row), 1)


def test_excel_is_read_as_whoever_wrote_it_put_it(tmp_path: Path) -> None:
    """Cells without addresses, prefixed elements, texts in runs with their reading, shared texts in any order, formulas."""
    made = excel(tmp_path / "made.xlsx", "")
    x = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    texts = "".join(f"<x:si><x:t>文{n}</x:t></x:si>" for n in range(500))
    parts = {
        "xl/sharedStrings.xml": f'<x:sst xmlns:x="{x}">{texts}<x:si><x:r><x:t>沈</x:t></x:r><x:r><x:t>静仪</x:t></x:r>'
        "<x:rPh><x:t>shen</x:t></x:rPh></x:si></x:sst>",
        "xl/worksheets/sheet1.xml": f'<x:worksheet xmlns:x="{x}"><x:sheetData>'
        '<x:row><x:c t="s"><x:v>3</x:v></x:c><x:c t="s"><x:v>499</x:v></x:c><x:c t="str"><x:v>c</x:v></x:c></x:row><x:row/>'
        '<x:row><x:c t="s"><x:v>500</x:v></x:c><x:c t="b"><x:v>1</x:v></x:c>'
        '<x:c t="str"><x:f>A1&amp;B1</x:f><x:v>a&amp;b</x:v></x:c></x:row>'
        '<x:row><x:c t="s"><x:v>77</x:v></x:c><x:c r="C4" t="e"><x:v>#N/A</x:v></x:c></x:row>'
        '<x:row r="9"><x:c r="B9"><x:v>1.5</x:v></x:c></x:row></x:sheetData></x:worksheet>',
    }
    path = tmp_path / "strange.xlsx"
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(path, "w") as changed:
        for part in whole.infolist():
            if part.filename not in parts:
                changed.writestr(part.filename, whole.read(part))
        for name, text in parts.items():
            changed.writestr(name, text)
    table = open_table(path)
    assert table.columns == ("文3", "文499", "c")
    assert [(row.line, [*row.cells.values()]) for row in table] == [
        (3, ["沈静仪", "1", "a&b"]), (4, ["文77", "", ""]), (9, ["", "1.5", ""]),
    ]  # fmt: skip


def test_days_and_times_are_told_by_their_format(tmp_path: Path) -> None:
    shown = {
        "yyyy-mm-dd": "2026-02-01", 'yyyy"年"m"月"d"日"': "2026-02-01", "[$-804]d mmm": "2026-02-01", "m/d/yy h:mm": "2026-02-01",
        "0.00": "46054", "General": "46054", '0"days"': "46054", "[Red]0.00E+00": "46054", "[h]:mm": "46054",
    }  # fmt: skip
    for begin in (False, True):
        path = tmp_path / f"{begin}.xlsx"
        with xlsxwriter.Workbook(path, {"date_1904": begin}) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, [*shown, "time", "both", "first"])
            for at, code in enumerate(shown):
                number = 46054 - 1462 * begin if "-" in shown[code] else 46054
                sheet.write_number(1, at, number, book.add_format({"num_format": code}))
            sheet.write_number(1, len(shown), 0.3541666667, book.add_format({"num_format": "hh:mm"}))
            sheet.write_number(1, len(shown) + 1, 46054.5 - 1462 * begin, book.add_format({"num_format": 22}))
            sheet.write_number(1, len(shown) + 2, 1, book.add_format({"num_format": 14}))
        (row,) = open_table(path)
        cells = [*row.cells.values()]
        assert cells[: len(shown)] == [*shown.values()]
        assert cells[-2:] == ["2026-02-01 12:00", "1904-01-02" if begin else "1900-01-01"]
        assert begin or cells[-3] == "08:30:00"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row r='1'>"),
        ("xl/worksheets/sheet1.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><worksheet/>"),
        ("xl/worksheets/sheet1.xml", SHEET.format("<row r='1'><c r='A1' t='s'><v>7</v></c></row>")),
        ("xl/worksheets/sheet1.xml", SHEET.format("<row r='1'><c r='A1'><v>many</v></c></row>")),
        ("xl/worksheets/sheet1.xml", SHEET.format("<row r='1'><c r='XFE1'><v>1</v></c></row>")),
        ("xl/_rels/workbook.xml.rels", "<Relationships><Relationship/></Relationships>"),
        ("xl/workbook.xml", ""),
    ],
)
def test_a_damaged_workbook_is_refused_with_a_sentence(tmp_path: Path, part: str, text: str) -> None:
    made, path = excel(tmp_path / "made.xlsx", HEADINGS), tmp_path / "damaged.xlsx"
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(path, "w") as changed:
        for each in whole.infolist():
            changed.writestr(each.filename, text if each.filename == part else whole.read(each))
    with translation.override("en"), pytest.raises(UnreadableTable, match="cannot be read"):
        open_table(path)


def test_memory_does_not_grow_with_an_excel_file(tmp_path: Path) -> None:
    def most(rows: int) -> int:
        path = tmp_path / f"{rows}.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for line in range(rows):
                sheet.write_row(line, 0, [f"{line} {column}" for column in range(10)])
        tracemalloc.start()
        try:
            assert sum(1 for _row in Workbook(path).rows("Sheet1")) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small = most(3_000)
    assert most(9_000) < small + 200_000


def test_what_unpacks_to_more_than_memory_holds_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = excel(tmp_path / "bomb.xlsx", HEADINGS)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as book,
        book.open("xl/sharedStrings.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(1025):
            part.write(b" " * (1 << 20))
    assert path.stat().st_size < 2 << 20
    with pytest.raises(UnreadableTable, match="CSV"):
        open_table(path)


def test_a_number_that_is_none_is_the_rows_problem(tmp_path: Path) -> None:
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>a</t></is></c><c r="B{n}"><v>{value}</v></c></row>'
        for n, value in enumerate(("NaN", "1e400", "-inf", "5"), 2)
    )
    rows = list(open_table(excel(tmp_path / "nan.xlsx", HEADINGS + cells)))
    assert [[problem.column for problem in row.problems] for row in rows] == [["assets"], ["assets"], ["assets"], []]
    assert rows[3].cells["assets"] == "5"


def old_excel(path: Path, cells: dict[tuple[int, int], str], small: bool = False) -> Path:
    """An .xls of Excel 97 by hand: the container's sectors, and in them one sheet's records. ``small``: in the small sectors."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0))

    end, name = record(0x000A, b""), "客户".encode("utf-16-le")
    front = begin(0x0005)
    at = len(front) + 4 + 8 + len(name) + len(end)
    book = front + record(0x0085, struct.pack("<IBBBB", at, 0, 0, 2, 1) + name) + end + begin(0x0010)
    for (row, column), text in cells.items():
        body = text.encode("utf-16-le")
        book += record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + body)
    book += end
    sector, free, last = 512, 0xFFFFFFFF, 0xFFFFFFFE
    book = book.ljust(4096 if not small else 64 * -(-len(book) // 64), b"\0")

    def padded(data: bytes) -> bytes:
        return data.ljust(sector * -(-len(data) // sector), b"\0")

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        said = title.encode("utf-16-le") + b"\0\0"
        return struct.pack("<64sHBBIII36xIQ", said, len(said), kind, 1, free, free, child, start, size)

    body = padded(book)
    length = len(body) // sector
    chain = [*range(3 + 1, 3 + length), last]
    table = [0xFFFFFFFD, last, last if small else free, *chain]
    smalls = [*range(1, len(book) // 64), last] if small else []
    root = entry("Root Entry", 5, 1, 3 if small else last, len(book) if small else 0)
    directory = root + entry("Workbook", 2, free, 0 if small else 3, len(book))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, 2 if small else last, 1 if small else 0, last, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    tables = [struct.pack(f"<{len(t)}I", *t).ljust(sector, b"\xff") for t in (table, smalls)]
    path.write_bytes(header + tables[0] + padded(directory) + tables[1] + body)
    return path


@pytest.mark.parametrize("small", [False, True])
def test_excel_from_before_2007_is_read(tmp_path: Path, small: bool) -> None:
    cells = {(0, 0): "姓名", (0, 1): "手机", (1, 0): "沈静仪", (1, 1): "13800001111"}
    table = open_table(old_excel(tmp_path / "old.xls", cells, small))
    assert [row.cells for row in table] == [{"姓名": "沈静仪", "手机": "13800001111"}]


@pytest.mark.parametrize("small", [False, True])
def test_an_old_excel_file_asks_for_no_room_for_a_cell_in_the_corner(
    tmp_path: Path, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cell at IV65536 asked for half a gigabyte before the first row was there."""
    path = old_excel(tmp_path / "corner.xls", {(0, 0): "姓名", (65535, 255): "x"}, small)
    monkeypatch.setattr("zhike.people.tables.CalamineWorkbook", None)  # it is not asked
    with translation.override("zh-hans"), pytest.raises(UnreadableTable, match="太大"):
        open_table(path)


def test_a_damaged_old_excel_file_is_said_to_be_so(tmp_path: Path) -> None:
    whole = old_excel(tmp_path / "whole.xls", {(0, 0): "姓名"}).read_bytes()
    for number in range(0, 1200, 7):
        broken = written(tmp_path / "broken.xls", whole[:number] + b"\xfe\x01" + whole[number + 2 :])
        if broken.read_bytes()[:4] == whole[:4]:
            with contextlib.suppress(UnreadableTable):
                list(open_table(broken))


def test_no_part_of_an_excel_file_is_held_whole_however_it_unpacks(tmp_path: Path) -> None:
    """A few hundred kilobytes that unpack to one endless cell, row, shared text or list of styles."""
    big = 1 << 25
    texts = '<sst xmlns="x"><si><t>{}</t></si></sst>'
    row = '<row r="1"><c t="inlineStr"><is><t>{}</t></is></c></row>'
    cases = {
        "text": ("xl/sharedStrings.xml", texts, "a"),
        "cell": ("xl/worksheets/sheet1.xml", SHEET.format(row), "a"),
        "row": ("xl/worksheets/sheet1.xml", SHEET.format('<row r="1"><c><v>1</v></c>{}</row>'), "<c><v>1</v></c>"),
        "styles": ("xl/styles.xml", '<styleSheet xmlns="x"><cellXfs>{}</cellXfs></styleSheet>', "<xf/>"),
    }
    for name, (part, around, piece) in cases.items():
        made, path = excel(tmp_path / "made.xlsx", HEADINGS), tmp_path / f"{name}.xlsx"
        front, back = around.split("{}")
        with zipfile.ZipFile(made) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as changed:
            for each in whole.infolist():
                if each.filename != part:
                    changed.writestr(each.filename, whole.read(each))
            with changed.open(part, "w") as file:
                file.write(front.encode())
                for _ in range(big // (1 << 20)):
                    file.write((piece * ((1 << 20) // len(piece))).encode())
                file.write(back.encode())
        assert path.stat().st_size < 2 << 20
        tracemalloc.start()
        try:
            with pytest.raises(UnreadableTable):
                list(open_table(path))
            assert tracemalloc.get_traced_memory()[1] < 24 << 20, name
        finally:
            tracemalloc.stop()


def test_a_line_without_end_is_no_table(tmp_path: Path) -> None:
    path = written(tmp_path / "line.csv", b"name\n" + b"a" * (3 << 20))
    with translation.override("zh-hans"), pytest.raises(UnreadableTable, match="第 2 行"):
        list(open_table(path))
    began = time.perf_counter()
    with contextlib.suppress(UnreadableTable):
        list(open_table(written(tmp_path / "wide.csv", ",".join(f"c{n}" for n in range(100_000)).encode())))
    assert time.perf_counter() - began < 10, "a hundred thousand headings are looked through once, not each for each"
