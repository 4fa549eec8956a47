"""A text's segments, worked out by hand from TS 23.038 and 23.040, and compared with smsutil, which knows nothing of ours."""

from __future__ import annotations

import pytest
import smsutil
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sms.vectors import published
from zhike.conduct.words import Refused
from zhike.sms.segments import ALPHABET, ESCAPE, EXTENSION, SEPTETS, Measure, coding, cut, decode, encode, measure

ZHANG = "张"  # one unit of UCS-2
SMILE = "😀"  # D83D DE00, two units

LETTERS = st.text(st.sampled_from(sorted(SEPTETS)), min_size=1, max_size=700)
WRITING = st.text(
    st.one_of(
        st.sampled_from("您好，生日快乐abc€[]\n"), st.sampled_from("😀🎂𠮷"), st.characters(exclude_categories=["Cs"])
    ),
    min_size=1,
    max_size=300,
).filter(lambda text: ESCAPE not in text)


def joined(text: str) -> str:
    """What a handset makes of the segments."""
    return decode(b"".join(segment.octets for segment in cut(text)), coding(text))


@pytest.mark.parametrize(
    ("text", "coded", "units"),
    [
        ("a", "gsm7", [1]),
        ("a" * 160, "gsm7", [160]),
        ("a" * 161, "gsm7", [153, 8]),
        ("a" * 306, "gsm7", [153, 153]),
        ("a" * 307, "gsm7", [153, 153, 1]),
        ("€" * 80, "gsm7", [160]),  # an escape and a letter each
        ("a" + "€" * 80, "gsm7", [153, 8]),  # 161: "a" and 76 pairs, then 4
        ("€" * 81, "gsm7", [152, 10]),  # the 77th would begin in the last place of the first
        ("a" * 152 + "{" + "b" * 10, "gsm7", [152, 12]),
        (ZHANG, "ucs2", [1]),
        (ZHANG * 70, "ucs2", [70]),
        (ZHANG * 71, "ucs2", [67, 4]),
        (ZHANG * 134, "ucs2", [67, 67]),
        (ZHANG * 135, "ucs2", [67, 67, 1]),
        (ZHANG * 68 + SMILE, "ucs2", [70]),
        (ZHANG * 69 + SMILE, "ucs2", [67, 4]),
        (ZHANG * 66 + SMILE + ZHANG * 3, "ucs2", [66, 5]),  # the smile goes over as a whole
        (SMILE * 36, "ucs2", [66, 6]),
        ("a" * 69 + ZHANG, "ucs2", [70]),  # one letter that GSM 7-bit lacks costs all the others
    ],
)
def test_a_text_is_cut_where_no_handset_is_confused(text: str, coded: str, units: list[int]) -> None:
    segments = cut(text, 0x2A)
    size = 1 if coded == "gsm7" else 2
    assert [len(segment.octets) // size for segment in segments] == units
    assert {segment.coding for segment in segments} == {coded}
    assert "".join(segment.text for segment in segments) == text
    assert joined(text) == text
    of = len(units)
    assert [(segment.number, segment.of) for segment in segments] == [(number, of) for number in range(1, of + 1)]
    headers = [bytes.fromhex(f"0500032a{of:02x}{number:02x}") if of > 1 else b"" for number in range(1, of + 1)]
    assert [segment.header for segment in segments] == headers


def test_the_octets_are_as_the_handset_wants_them() -> None:
    assert cut("@A{€")[0].octets == bytes.fromhex("00 41 1b28 1b65")
    assert cut("您😀")[0].octets == bytes.fromhex("60a8 d83d de00")


def test_nothing_is_cut_into_nothing() -> None:
    assert cut("") == []
    assert measure("") == Measure(0, 0, 160)


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("a" * 160, (1, 160, 0)),
        ("a" * 161, (2, 161, 145)),
        ("a{", (1, 3, 157)),
        (ZHANG * 70, (1, 70, 0)),
        (ZHANG * 71, (2, 71, 63)),
        (ZHANG * 66 + SMILE + ZHANG * 3, (2, 71, 62)),  # 5 of 67 are taken in the second
        ("【示例银行】您好", (1, 8, 62)),
        (ZHANG * 67 * 300, (300, 20100, 0)),
    ],
)
def test_the_counter_tells_segments_units_and_what_is_left(text: str, measured: tuple[int, int, int]) -> None:
    assert measure(text) == measured


@settings(deadline=None)
@given(WRITING)
def test_as_many_units_as_are_left_need_no_segment_more_and_one_more_does(text: str) -> None:
    segments, _used, left = measure(text)
    filler = "a" if coding(text) == "gsm7" else ZHANG
    assert measure(text + filler * left).segments == segments
    assert measure(text + filler * (left + 1)).segments == segments + 1


def test_more_parts_than_the_header_counts_are_refused() -> None:
    assert len(cut(ZHANG * 67 * 255)) == 255
    with pytest.raises(Refused) as caught:
        cut(ZHANG * 67 * 255 + ZHANG)
    assert "256 条" in caught.value.words.zh
    assert "256 segments" in caught.value.words.en


def test_a_reference_of_more_than_an_octet_comes_round() -> None:
    assert cut(ZHANG * 71, 0x1FF)[0].header == bytes.fromhex("050003ff0201")


def test_half_an_emoji_becomes_a_question_mark() -> None:
    assert cut("您\ud83d")[0].octets == bytes.fromhex("60a8 003f")


def test_an_escape_that_leads_nowhere_is_read_as_the_standard_has_it() -> None:
    # What the extension lacks is the letter itself; behind the last one nothing comes.
    assert decode(bytes.fromhex("41 1b41 1b"), "gsm7") == "AA "
    assert decode(bytes.fromhex("c1"), "gsm7") == "A"  # seven bits count


@settings(deadline=None)
@given(st.one_of(LETTERS, WRITING))
def test_the_parts_are_those_of_another_program(text: str) -> None:
    theirs = smsutil.split(text)
    ours = cut(text)
    assert [segment.text for segment in ours] == [part.content for part in theirs.parts]
    assert (ours[0].coding == "gsm7") == (theirs.encoding == "gsm0338")
    assert sum(len(segment.octets) for segment in ours) == theirs.total_bytes
    assert joined(text) == text


@settings(deadline=None)
@given(LETTERS)
def test_another_program_reads_the_letters(text: str) -> None:
    assert smsutil.decode(encode(text, "gsm7")) == text


def test_the_alphabet_is_the_published_one() -> None:
    rows = [row.split("\t") for row in published("GSM0338.TXT").splitlines() if row.startswith("0x")]
    table = {bytes.fromhex(row[0][2:]): chr(int(row[1], 16)) for row in rows}
    # The table has a small c-cedilla where TS 23.038 and handsets have the capital; 0x1B is the escape itself.
    assert table.pop(b"\x09") == "ç"
    table.pop(b"\x1b")
    table.pop(b"\x1b\x1b", None)
    ours = {octets: letter for letter, octets in SEPTETS.items() if letter != "Ç"}
    assert ours == table
    assert (len(ALPHABET), len(EXTENSION)) == (128, 10)
