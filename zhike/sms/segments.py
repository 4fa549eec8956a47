"""A text cut into what a handset takes at once (条): 140 octets, which is 160 letters of GSM 7-bit or 70 units of UCS-2.

A text of several carries a header of 6 octets in each part (UDH: "part n of so many, under this reference"), so 153 or 67 are left.
What takes two places, a letter behind the escape or an emoji's two units, is never cut in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from zhike.conduct.words import Refused

from .transports.transport import Coding

# 3GPP TS 23.038, 6.2.1: the default alphabet, a letter a septet; ESCAPE, in its place 0x1B, leads to the extension's table.
ESCAPE = "\x1b"
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = dict(zip(bytes.fromhex("0a14 2829 2f 3c3d3e 40 65"), "\f^{}\\[~]|€", strict=True))
SEPTETS = {letter: bytes([place]) for place, letter in enumerate(ALPHABET) if letter != ESCAPE} | {
    letter: bytes([0x1B, place]) for place, letter in EXTENSION.items()
}

# Octets of one that stands alone, octets of a part, octets of a unit. A septet travels here as an octet of its own.
ROOM: dict[Coding, tuple[int, int, int]] = {"gsm7": (160, 153, 1), "ucs2": (140, 134, 2)}
MOST = 255  # parts: the header counts them in one octet


@dataclass(frozen=True, slots=True)
class Segment:
    """One short message: ``octets`` behind ``header``, which is empty for one that stands alone; ``text`` is what they say."""

    coding: Coding
    octets: bytes
    header: bytes
    text: str
    number: int = 1
    of: int = 1


class Measure(NamedTuple):
    """What a text comes to: so many segments, so many units (septets or UCS-2 units), so many ``left`` until it needs one segment more."""

    segments: int
    used: int
    left: int


def coding(text: str) -> Coding:
    """GSM 7-bit where it has every letter, otherwise UCS-2."""
    return "gsm7" if all(letter in SEPTETS for letter in text) else "ucs2"


def encode(text: str, coding: Coding) -> bytes:
    """The text in octets. Half an emoji, which is no character, becomes a question mark."""
    if coding == "gsm7":
        return b"".join(SEPTETS[letter] for letter in text)
    return text.encode("utf-16-be", "replace")


def decode(octets: bytes, coding: Coding) -> str:
    """What the octets say; for what says nothing there stands a replacement character, or a blank as TS 23.038 wants it."""
    if coding == "ucs2":
        return octets.decode("utf-16-be", "replace")
    plain, *escaped = octets.split(b"\x1b")
    letters = [_plain(plain)]
    for piece in escaped:  # each begins behind an escape
        letters.append((EXTENSION.get(piece[0]) or _plain(piece[:1])) + _plain(piece[1:]) if piece else " ")
    return "".join(letters)


def cut(text: str, reference: int = 0) -> list[Segment]:
    """The text's segments; those of one text share a ``reference`` of one octet, by which the handset joins them. Raises Refused for
    more than the header can count."""
    if not text:
        return []
    kind = coding(text)
    pieces = _pieces(encode(text, kind), kind)
    if len(pieces) == 1:
        return [Segment(kind, pieces[0], b"", text)]
    of = len(pieces)
    if of > MOST:
        raise Refused(
            f"短信太长：须分成 {of} 条，最多 {MOST} 条。请缩短后再发。",
            f"The message is too long: it would take {of} segments, {MOST} are possible. Shorten it.",
        )
    return [
        Segment(kind, piece, bytes((5, 0, 3, reference & 0xFF, of, number)), decode(piece, kind), number, of)
        for number, piece in enumerate(pieces, start=1)
    ]


def measure(text: str) -> Measure:
    """What a composer's counter shows. However long the text is, it is counted."""
    kind = coding(text)
    alone, part, unit = ROOM[kind]
    octets = encode(text, kind)
    if not octets:
        return Measure(0, 0, alone // unit)
    pieces = _pieces(octets, kind)
    room = alone if len(pieces) == 1 else part
    return Measure(len(pieces), len(octets) // unit, (room - len(pieces[-1])) // unit)


def _pieces(octets: bytes, kind: Coding) -> list[bytes]:
    alone, part, unit = ROOM[kind]
    if len(octets) <= alone:
        return [octets]
    pieces = []
    begin = 0
    while begin < len(octets):
        end = begin + part
        if end < len(octets) and _opens(octets, end - unit, kind):
            end -= unit
        pieces.append(octets[begin:end])
        begin = end
    return pieces


def _opens(octets: bytes, at: int, kind: Coding) -> bool:
    """Whether what stands there is the first half of something: an escape, or an emoji's first unit."""
    return octets[at] == 0x1B if kind == "gsm7" else 0xD8 <= octets[at] <= 0xDB


def _plain(octets: bytes) -> str:
    return "".join(ALPHABET[octet & 0x7F] for octet in octets)
