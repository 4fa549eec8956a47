"""The upload set: files as a bank gets them, broken ones, hostile ones, huge ones; each made here, so that every byte is known."""

from __future__ import annotations

import io
import struct
import zipfile
from functools import cache
from typing import Any

from pypdf import PdfReader

TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(text: str = "Hello", *, extra: bytes = b"") -> bytes:
    """One page with one line of Latin text."""
    stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + extra + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def drawn(content: bytes) -> list[list[str]]:
    """The lines of each page, in Helvetica and in the predefined Chinese font, whose codes are UTF-16 of two bytes each."""
    pages = []
    for page in PdfReader(io.BytesIO(content)).pages:
        fonts = page["/Resources"]["/Font"]
        told, font = [""], {}
        for operands, operator in page.get_contents().operations:
            if operator == b"Tf":
                font = fonts[operands[0]]
            if operator in (b"BT", b"T*"):
                told.append("")
            if operator == b"Tj":
                told[-1] += _told(font, operands[0].original_bytes)
        pages.append([line for line in told if line])
    return pages


def _told(font: Any, codes: bytes) -> str:
    if font["/BaseFont"] == "/Helvetica":
        return codes.decode("cp1252")
    assert (font["/BaseFont"], font["/Encoding"]) == ("/STSong-Light", "/UniGB-UCS2-H")
    assert "/FontFile" not in font["/DescendantFonts"][0]["/FontDescriptor"]
    return "".join(chr(code) for (code,) in struct.iter_unpack(">H", codes))


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def docx(*paragraphs: str, more: dict[str, bytes] | None = None, head: str = "") -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    )
    return zipped({"[Content_Types].xml": TYPES, "word/document.xml": document.encode(), **(more or {})})


def xlsx(rows: list[list[str]]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("存单")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return out.getvalue()


def pptx(text: str) -> bytes:
    slide = f'<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>'
    return zipped(
        {"[Content_Types].xml": TYPES, "ppt/presentation.xml": b"<p/>", "ppt/slides/slide1.xml": slide.encode()}
    )


def ofd(text: str) -> bytes:
    page = f'<ofd:Page xmlns:ofd="o"><ofd:TextObject><ofd:TextCode>{text}</ofd:TextCode></ofd:TextObject></ofd:Page>'
    return zipped({"OFD.xml": b"<ofd/>", "Doc_0/Pages/Page_0/Content.xml": page.encode()})


def ole(*streams: str) -> bytes:
    """The head of an old Office file with the names of its streams in its folder."""
    return (
        bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504 + b"".join(f"{name}\0".encode("utf-16-le") for name in streams)
    )


@cache
def bomb() -> bytes:
    """A Word document of some 600 kB that would unpack to 600 MB."""
    return docx("x", more={f"word/media/{number}.bin": b"\0" * (100 << 20) for number in range(6)})


def crowded() -> bytes:
    """A ZIP that says that it holds 60,000 files."""
    return b"PK\x03\x04" + b"\0" * 60 + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 60_000, 60_000, 3_000_000, 64, 0)


def crowded_in_secret(entries: int = 100_000) -> bytes:
    """A ZIP that says that it holds one file, and in the longer record before it ``entries``, which are there."""
    names = (b"%06d" % number for number in range(entries))
    folder = b"".join(
        b"PK\x01\x02" + struct.pack("<4B4H3L5H2L", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0) + name
        for name in names
    )
    start = b"PK\x03\x04" + b"\0" * 26
    longer = b"PK\x06\x06" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, entries, entries, len(folder), len(start))
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, len(start) + len(folder), 1)
    return start + folder + longer + locator + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, 52, len(start), 0)


def laughs() -> bytes:
    """A Word document whose text names entities that name entities."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return docx("&l9;", head=f'<!DOCTYPE d [<!ENTITY l0 "ha">{entities}]>')


JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\0" * 40
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
HEIC = b"\0\0\0\x18ftypheic" + b"\0" * 40
TIFF = b"II*\0" + b"\0" * 40
