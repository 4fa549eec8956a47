"""The week drawn as PDF, on A4. No font is in the file: every reader of PDF has Helvetica, and one of its own for what Adobe calls STSong-Light."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, HRFlowable, Paragraph, SimpleDocTemplate

if TYPE_CHECKING:
    from .paper import Paper

FONT = "STSong-Light"
MARGIN = 18 * mm
GREY = HexColor("#555555")
registerFont(UnicodeCIDFont(FONT))


def _style(size: float, lead: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle("", fontName=FONT, fontSize=size, leading=lead, wordWrap="CJK", **more)


TITLE = _style(18, 25)
UNDER = _style(11, 17, textColor=GREY, spaceAfter=8)
COUNTS = _style(11, 17, spaceAfter=4)
HEAD = _style(13, 19, spaceBefore=12, keepWithNext=1)
TEXT = _style(10.5, 16, spaceBefore=4)
LED = _style(10.5, 16, spaceBefore=4, keepWithNext=1)  # its source stands on the same page
ABOUT = _style(8.5, 13, textColor=GREY)


def drawn(paper: Paper) -> bytes:
    """The file. The same paper is the same bytes."""
    file = io.BytesIO()
    SimpleDocTemplate(
        file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN, invariant=1,
        title=f"{paper.title} · {paper.under}", author="知客 Zhike", creator="知客 Zhike",
        lang="en" if paper.language.startswith("en") else "zh-CN",
    ).build(list(_story(paper)), canvasmaker=Numbered)  # fmt: skip
    return file.getvalue()


def _story(paper: Paper) -> Iterator[Flowable]:
    latin = LATIN["en" if paper.language.startswith("en") else "zh"]

    def said(text: str, style: ParagraphStyle) -> Iterator[Flowable]:
        """A paragraph for each line as it was typed."""
        for line in map(lettered, text.splitlines()):
            if line.strip():
                yield Said(latin.sub(r'<font name="Helvetica">\g<0></font>', escape(line)), style)

    yield from said(paper.title, TITLE)
    yield from said(paper.under, UNDER)
    yield from said(paper.counts, COUNTS)
    yield from said(paper.nothing, COUNTS)
    for head, lines in paper.parts:
        yield from said(head, HEAD)
        rule = HRFlowable("100%", 0.5, color=HexColor("#bbbbbb"), spaceBefore=2, spaceAfter=2)
        rule.keepWithNext = 1
        yield rule
        for line in lines:
            yield from said(line.text, LED if line.about else TEXT)
            yield from said(line.about, ABOUT)


class Said(Paragraph):  # type: ignore[misc]
    """Broken into lines once, although what is kept together is asked for its height again and again."""

    broken = 0.0

    def wrap(self, width: float, height: float) -> Any:
        if self.broken != width or not hasattr(self, "blPara"):  # which it forgets when it finds no room
            self.broken = width
            super().wrap(width, height)
        return self.width, self.height


class Numbered(Canvas):  # type: ignore[misc]
    """Each page says which it is, of how many; so none is written before the last is laid out."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.laid: list[dict[str, Any]] = []

    def showPage(self) -> None:
        self.laid.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for page in self.laid:
            self.__dict__.update(page)
            self.setFont("Helvetica", 8.5)
            self.setFillColor(GREY)
            self.drawCentredString(A4[0] / 2, MARGIN / 2, f"{self._pageNumber} / {len(self.laid)}")
            super().showPage()
        super().save()


# ── letters ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# Quotes and dashes are as wide as the letters around them.
LATIN = {"zh": re.compile("[ -~¡-ÿ€™•]+"), "en": re.compile("[ -~¡-ÿ€™•‘’“”–—…]+")}
SUBSTITUTE = "〓"  # the printers' mark for a letter that is not at hand
# Adobe's GB1 holds what GBK does and Extension A; these of GBK it has under another code or not at all.
LESS = frozenset("ńňɑɡ\uf979\uf995\uf9e7\uf9f1\ufa0c") | frozenset(map(chr, range(0xFE30, 0xFE45)))
SILENT = {"Cc", "Cf", "Mn", "Me"}  # directions, joiners, variants: of no width


def lettered(text: str) -> str:
    """The text in letters that the fonts have; what they have not ends in its like, or in 〓."""
    return "".join(map(_letter, unicodedata.normalize("NFC", text)))


@lru_cache(4096)
def _letter(letter: str) -> str:
    if letter.isspace():
        return " "
    if unicodedata.category(letter) in SILENT:
        return ""
    if _there(letter):
        return letter
    apart = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
    return "".join(apart) if apart and all(map(_there, apart)) else SUBSTITUTE


def _there(letter: str) -> bool:
    if LATIN["en"].match(letter) or "\u3400" <= letter <= "\u4db5":
        return True
    try:
        letter.encode("gbk")
    except UnicodeEncodeError:
        return False
    return letter not in LESS
