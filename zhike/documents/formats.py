"""What a file is, by what it holds and never by what it is called: the formats that a bank files, and what is refused and why.

Nothing of a file is carried out. A ZIP's folder is read only after its size is known; none of its entries is unpacked here.
"""

from __future__ import annotations

import codecs
import os
import struct
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from zhike.conduct.words import Refused, Words


class Unkept(Refused):
    """A file, or what is said of it, that is not kept as it is; ``field`` is what would mend it."""

    def __init__(self, zh: str, en: str, field: str = "file") -> None:
        super().__init__(zh, en)
        self.field = field


@dataclass(frozen=True)
class Format:
    """One format: how it is called, what it is served as, by which endings a name says so, whether its text is read."""

    key: str
    words: Words
    media: str
    endings: tuple[str, ...]
    reads: bool = False


def _office(kind: str) -> str:
    return f"application/vnd.openxmlformats-officedocument.{kind}"


FORMATS: dict[str, Format] = {
    row.key: row
    for row in (
        Format("pdf", Words("PDF", "PDF"), "application/pdf", ("pdf",), reads=True),
        Format("jpeg", Words("JPEG 图片", "JPEG picture"), "image/jpeg", ("jpg", "jpeg", "jpe", "jfif")),
        Format("png", Words("PNG 图片", "PNG picture"), "image/png", ("png",)),
        Format("heic", Words("HEIC 图片", "HEIC picture"), "image/heic", ("heic", "heif")),
        Format("tiff", Words("TIFF 图片", "TIFF picture"), "image/tiff", ("tif", "tiff")),
        Format("docx", Words("Word 文档", "Word document"), _office("wordprocessingml.document"), ("docx", "docm"), reads=True),
        Format("xlsx", Words("Excel 工作簿", "Excel workbook"), _office("spreadsheetml.sheet"), ("xlsx", "xlsm"), reads=True),
        Format("pptx", Words("PowerPoint 演示", "PowerPoint slides"), _office("presentationml.presentation"), ("pptx", "pptm"), reads=True),
        Format("doc", Words("旧版 Word 文档", "Word document of the old kind"), "application/msword", ("doc",)),
        Format("xls", Words("旧版 Excel 工作簿", "Excel workbook of the old kind"), "application/vnd.ms-excel", ("xls",), reads=True),
        Format("ofd", Words("OFD 版式文档", "OFD document"), "application/ofd", ("ofd",), reads=True),
        Format("locked", Words("加密的 Office 文档", "Office document with a password"), "application/octet-stream", ("docx", "xlsx", "pptx", "docm", "xlsm", "pptm")),
        Format("csv", Words("CSV 表格", "CSV table"), "text/csv", ("csv",), reads=True),
        Format("txt", Words("文本", "text"), "text/plain", ("txt",), reads=True),
        Format("zip", Words("ZIP 压缩包", "ZIP archive"), "application/zip", ("zip",)),
    )
}  # fmt: skip
KEPT = Words("PDF、图片（JPEG、PNG、HEIC、TIFF）、Word、Excel、PowerPoint、OFD、文本和 CSV",
             "PDF, pictures (JPEG, PNG, HEIC, TIFF), Word, Excel, PowerPoint, OFD, text and CSV")  # fmt: skip

# Of what an archive says that it holds: more is a bomb, or no document of a bank.
ENTRIES, FOLDER, UNPACKED, SMALL, RATIO = 5_000, 4 << 20, 400 << 20, 20 << 20, 150
ZIP_END, ZIP_END_SIZE, OLE = b"PK\x05\x06", 22, bytes.fromhex("d0cf11e0a1b11ae1")
ZIP64_END, ZIP64_SIZE = b"PK\x06\x06", 76  # with the locator that follows
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
PDF_ACTS = (b"/JavaScript", b"/JS ", b"/JS(", b"/Launch")
PIECE = 1 << 20


@dataclass(frozen=True)
class Recognised:
    """``active``: it brings macros or scripts, which nothing here runs and of which whoever opens it is warned."""

    format: Format
    active: bool = False


def recognise(file: BinaryIO, name: str, *, archives: bool = False) -> Recognised:
    """The format by the content. Raises Unkept for one that is not kept, or that is not what the name's ending says."""
    found = _by_content(file, name, archives=archives)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in found.format.endings:
        zh, en = found.format.words.zh, found.format.words.en
        raise Unkept(
            f"文件名以 .{ending} 结尾，内容却是{zh}。请核对是否选错文件，或把文件名改为 .{found.format.endings[0]}。"
            if ending
            else f"文件名没有扩展名，内容是{zh}。请把文件名改为以 .{found.format.endings[0]} 结尾。",
            f"The name ends in .{ending}, and the content is a {en}. Check that it is the right file, or call it .{found.format.endings[0]}."
            if ending
            else f"The name has no ending, and the content is a {en}. Call it .{found.format.endings[0]}.",
        )
    return found


def _by_content(file: BinaryIO, name: str, *, archives: bool) -> Recognised:
    file.seek(0)
    head = file.read(4096)
    if not head:
        raise Unkept("文件是空的，请重新选择。", "The file is empty; choose another one.")
    if b"%PDF-" in head[:1024]:
        return Recognised(FORMATS["pdf"], active=_holds(file, PDF_ACTS))
    if head.startswith(b"\xff\xd8\xff"):
        return Recognised(FORMATS["jpeg"])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Recognised(FORMATS["png"])
    if head[4:8] == b"ftyp" and head[8:12] in HEIC:
        return Recognised(FORMATS["heic"])
    if head.startswith((b"II*\0", b"MM\0*")):
        return Recognised(FORMATS["tiff"])
    if head.startswith(OLE):
        return _ole(file)
    if head.startswith((b"PK\x03\x04", ZIP_END)):
        return _zip(file, archives=archives)
    ending = name.rpartition(".")[2].lower()
    if ending in {"txt", "csv"} and _is_text(file):
        return Recognised(FORMATS[ending])
    raise _unknown()


def _unknown() -> Unkept:
    return Unkept(f"这种文件不归档。可归档：{KEPT.zh}。", f"This kind of file is not kept. What is: {KEPT.en}.")


def _holds(file: BinaryIO, marks: tuple[bytes, ...]) -> bool:
    """Whether one of the marks stands anywhere in the file; read piece by piece, each overlapping the one before."""
    file.seek(0)
    before = b""
    while piece := file.read(PIECE):
        if any(mark in before + piece for mark in marks):
            return True
        before = piece[-64:]
    return False


def _is_text(file: BinaryIO) -> bool:
    """UTF-8, UTF-16 with its mark, or GB 18030, without control characters."""
    file.seek(0)
    head = file.read(4)
    names = ["utf-16"] if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ["utf-8", "gb18030"]
    return any(_decodes(file, name) for name in names)


def _decodes(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(PIECE):
            if _controls(decoder.decode(piece)):
                return False
        return not _controls(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        return False


def _controls(text: str) -> bool:
    return any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in set(text))


def _named(name: str) -> bytes:
    """An entry of an OLE file's folder, as it is written there."""
    return name.encode("utf-16-le")


def _ole(file: BinaryIO) -> Recognised:
    active = _holds(file, (_named("_VBA_PROJECT"), _named("Macros")))
    if _holds(file, (_named("EncryptedPackage"),)):
        return Recognised(FORMATS["locked"])
    if _holds(file, (_named("WordDocument"),)):
        return Recognised(FORMATS["doc"], active)
    if _holds(file, (_named("Workbook"), _named("Book\0"))):
        return Recognised(FORMATS["xls"], active)
    raise _unknown()


def _zip(file: BinaryIO, *, archives: bool) -> Recognised:
    names, folder = _folder(file)
    active = any(name.lower().endswith("vbaproject.bin") for name in names)
    if "[Content_Types].xml" in names:
        for key, part in (("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml"), ("pptx", "ppt/presentation.xml")):
            if part in names:
                return Recognised(FORMATS[key], active)
    if "OFD.xml" in names:
        return Recognised(FORMATS["ofd"])
    del folder
    if not archives:
        raise Unkept(
            "压缩包不归档：里面的文件无法查找也无法核对。请解压后逐个上传。",
            "Archives are not kept: what is in them can be neither found nor checked. Unpack it and upload the files.",
        )
    return Recognised(FORMATS["zip"])


def _folder(file: BinaryIO) -> tuple[set[str], list[zipfile.ZipInfo]]:
    """The names in an archive, once its folder is known to be small and what it holds to be of a bearable size."""
    broken = Unkept(
        "文件已损坏，打不开。请重新导出或重新扫描后再上传。",
        "The file is damaged and does not open. Export or scan it anew.",
    )
    bomb = Unkept(
        "文件解开后大得不合常理（压缩炸弹），不予归档。请另存为新文件后再上传。",
        "Unpacked the file would be unreasonably large (a zip bomb); it is not kept. Save it anew and upload that.",
    )
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - ZIP64_SIZE - ZIP_END_SIZE - 65_535))
    tail = file.read()
    at = tail.rfind(ZIP_END)
    if at < 0 or len(tail) - at < ZIP_END_SIZE:
        raise broken
    entries, length = struct.unpack("<HL", tail[at + 10 : at + 16])
    # A longer record before it counts for whoever reads the folder, whatever this one says.
    longer = tail[at - ZIP64_SIZE : at] if at >= ZIP64_SIZE else b""
    if longer.startswith(ZIP64_END):
        entries, length = struct.unpack("<QQ", longer[32:48])
    if entries > ENTRIES or length > FOLDER:
        raise bomb
    try:
        with zipfile.ZipFile(file) as archive:
            folder = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeError, struct.error) as error:
        raise broken from error
    unpacked = sum(entry.file_size for entry in folder)
    if len(folder) > ENTRIES or unpacked > UNPACKED or (unpacked > SMALL and unpacked > RATIO * size):
        raise bomb
    return {entry.filename for entry in folder}, folder
