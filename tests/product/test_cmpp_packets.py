"""CMPP's packets: byte by byte as others write them, as Wireshark reads them, and whatever else may come over the wire."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.sms import cmpp
from zhike.sms.cmpp import THREE, TWO, VERSIONS, Packet, Unreadable, Unwritable, Version

BOTH = pytest.mark.parametrize("version", [TWO, THREE], ids=lambda version: version.name)


def read(octets: bytes, version: Version, step: int = 0) -> list[tuple[int, Packet]]:
    """All that is in it, however it is cut on its way."""
    stream, step = cmpp.Stream(version), step or len(octets) or 1
    return [each for at in range(0, len(octets), step) for each in stream.feed(octets[at : at + step])]


# As others write them. From the tests of gocmpp (github.com/bigwhite/gocmpp) and SMSGate (github.com/Lihuanghe/SMSGate), both
# under the Apache License 2.0; some of SMSGate's were caught from live gateways.

ID = 0xB2B9DA8000010000  # 5 November, 14:29:42, gateway 1, sequence 0
MO = 0xB4C5530000010000
MO_2 = 0xB525628000010000
SOME = "13412340000"
PROOF = bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16")
SENT: dict[str, Any] = {
    "to": ("13500002696",), "content": "测试gocmpp submit".encode("utf-16-be"), "level": 1, "service": "test", "fee_user": 2,
    "fee_number": "13500002696", "source": "900001", "fee_type": "02", "fee_code": "10", "valid_until": "151105131555101+",
    "sender": "900001",
}  # fmt: skip
WRITTEN: list[tuple[Version, int, Packet, str]] = [
    (TWO, 0x17, cmpp.Connect("900001", PROOF, 0x21, 1021080510),
     "000000270000000100000017 393030303031 90d00c1d517abd0b4f65f6bcf8535d16 21 3cdc73be"),
    (TWO, 0x17, cmpp.ConnectAnswer(0, bytes.fromhex("6c0b846e25bab6daa4ed1c466e0f4bd8"), 0x21),
     "0000001e8000000100000017 00 6c0b846e25bab6daa4ed1c466e0f4bd8 21"),
    (THREE, 0x17, cmpp.ConnectAnswer(0, bytes.fromhex("7942977274098cf210ab0c16c367bc8d"), 0x30),
     "000000218000000100000017 00000000 7942977274098cf210ab0c16c367bc8d 30"),
    (TWO, 0x17, cmpp.Terminate(), "0000000c0000000200000017"),
    (TWO, 0x17, cmpp.TerminateAnswer(), "0000000c8000000200000017"),
    (TWO, 0x17, cmpp.ActiveTest(), "0000000c0000000800000017"),
    (TWO, 0x17, cmpp.ActiveTestAnswer(), "0000000d8000000800000017 00"),
    (TWO, 0x17, cmpp.Submit(**SENT),
     "000000bd0000000400000017 0000000000000000 01 01 01 01 74657374000000000000 02 31333530303030323639360000000000000000"
     "0000 00 00 08 393030303031 3032 313000000000 3135313130353133313535353130312b00 0000000000000000000000000000000000"
     "393030303031000000000000000000000000000000 01 313335303030303236393600000000000000000000 1e"
     "6d4b8bd50067006f0063006d007000700020007300750062006d00690074 0000000000000000"),
    (THREE, 0x17, cmpp.Submit(**SENT),
     "000000e10000000400000017 0000000000000000 01 01 01 01 74657374000000000000 02 31333530303030323639360000000000000000"
     "00000000000000000000000000 00 00 00 08 393030303031 3032 313000000000 3135313130353133313535353130312b00"
     "0000000000000000000000000000000000 393030303031000000000000000000000000000000 01 313335303030303236393600000000000000"
     "0000000000000000000000000000 00 1e 6d4b8bd50067006f0063006d007000700020007300750062006d00690074"
     "0000000000000000000000000000000000000000"),
    (TWO, 0x17, cmpp.SubmitAnswer(ID, 0), "000000158000000400000017 b2b9da8000010000 00"),
    (THREE, 0x17, cmpp.SubmitAnswer(ID, 0), "000000188000000400000017 b2b9da8000010000 00000000"),
    (TWO, 5, cmpp.Deliver(MO_2, "900001", SOME, b"This is a test MO."),
     "000000670000000500000005 b525628000010000 393030303031000000000000000000000000000000 00000000000000000000 00 00 00"
     "313334313233343030303000000000000000000000 00 12 5468697320697320612074657374204d4f2e 0000000000000000"),
    (THREE, 1, cmpp.Deliver(MO, "900001", SOME, b"This is a test MO."),
     "0000007f0000000500000001 b4c5530000010000 393030303031000000000000000000000000000000 00000000000000000000 00 00 00"
     "3133343132333430303030000000000000000000000000000000000000000000 00 00 12 5468697320697320612074657374204d4f2e"
     "0000000000000000000000000000000000000000"),
    (TWO, 5, cmpp.DeliverAnswer(MO_2, 0), "000000158000000500000005 b525628000010000 00"),
    (THREE, 1, cmpp.DeliverAnswer(MO, 0), "000000188000000500000001 b4c5530000010000 00000000"),
    (TWO, 0x0A27A515, cmpp.Deliver(0x7FD913C12D34B9C9, "10085", "8618775648141", b"r", service="MCN2210101"),
     "00000056000000050a27a515 7fd913c12d34b9c9 313030383500000000000000000000000000000000 4d434e32323130313031 00 00 00"
     "383631383737353634383134310000000000000000 00 01 72 0000000000000000"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "sequence", "packet", "octets"), WRITTEN)
def test_a_packet_is_written_and_read_as_others_do(
    version: Version, sequence: int, packet: Packet, octets: str
) -> None:
    assert cmpp.write(sequence, packet, version) == bytes.fromhex(octets)
    for step in (1, 7, 4096):
        assert read(bytes.fromhex(octets), version, step) == [(sequence, packet)]


def test_the_sign_in_proves_the_secret_at_its_time() -> None:
    assert cmpp.authenticator("900001", "888888", 1021080510) == PROOF


def test_a_report_is_the_content_of_a_delivery() -> None:
    octets = bytes.fromhex(
        "b4c5530000010000 44454c49565244 31353131313230393535 31353131313230393537"
        "313334313233343030303000000000000000000000 12345678"
    )
    report = cmpp.Report(MO, "DELIVRD", "1511120955", "1511120957", SOME, 0x12345678)
    assert report.write(TWO) == octets
    assert len(report.write(THREE)) == 71
    for version in (TWO, THREE):  # whichever of them the gateway writes
        for wide in (TWO, THREE):
            assert cmpp.Report.read(report.write(wide), version) == report


def test_a_number_is_said_as_operators_say_it() -> None:
    assert cmpp.digits(ID) == "1105142942000000100000"
    assert cmpp.digits(0x7FD913C12D34B9C9) == "0731221715007710847561"  # worked out by hand from the bits
    assert cmpp.digits(0) == "0" * 22
    assert cmpp.digits(2**64 - 1) == "1531316363419430365535"


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_no_two_numbers_are_said_alike(one: int, other: int) -> None:
    assert (cmpp.digits(one) == cmpp.digits(other)) == (one == other)


# A whole folder of vectors, where one is given: each array of bytes that is a packet comes out as it went in.

FOLDER = os.environ.get("ZHIKE_CMPP_VECTORS", "")


def vectors(text: str) -> Iterator[bytes]:
    for array in re.findall(r"(?:\[\]byte|new byte\[\]) ?\{([^}]*)\}", text):
        yield bytes(int(octet, 16) for octet in re.findall(r"0x([0-9a-fA-F]{2})", array))
    for digits in re.findall(r'"((?:[0-9a-fA-F]{2}){20,})"', text):
        yield bytes.fromhex(digits)


@pytest.mark.skipif(not FOLDER, reason="ZHIKE_CMPP_VECTORS names no folder with gocmpp's and SMSGate's tests")
def test_every_packet_of_a_folder_comes_out_as_it_went_in() -> None:
    read_back: dict[str, int] = {}
    for path in sorted(path for name in ("gocmpp", "SMSGate") for path in Path(FOLDER, name).glob("*.txt")):
        if path.name.startswith("TestBaseSm"):
            continue  # SMPP
        for octets in vectors(path.read_text()):
            command = int.from_bytes(octets[4:8], "big")
            if command not in cmpp.PACKETS or not 12 <= int.from_bytes(octets[:4], "big") <= len(octets):
                continue  # a piece of a packet, or one between two gateways
            outcomes = []
            for version in VERSIONS.values():
                try:
                    outcomes.append(b"".join(cmpp.write(*each, version) for each in read(octets, version)))
                except Unreadable:
                    continue
            assert octets in outcomes, f"{path.name}: {octets.hex()}"
            read_back[path.parent.name] = read_back.get(path.parent.name, 0) + 1
    assert read_back["gocmpp"] >= 30
    assert read_back["SMSGate"] >= 7


# Long messages and what they hold.


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("05 00 03 66 03 01", (0x66, 3, 1)),
        ("06 08 04 12 34 02 02", (0x1234, 2, 2)),
        ("0b 00 03 ba 01 01 05 04 15 8a 00 00", (0xBA, 1, 1)),  # with a port beside it
        ("0b 05 04 15 8a 00 00 00 03 ba 03 02", (0xBA, 3, 2)),
        ("05 00 03 66 03 04", None),  # the fourth of three
        ("05 00 03 66 03 00", None),
        ("05 00 04 66 03 01", None),
        ("06 05 04 15 8a 00 00", None),
        ("03 00 03 66", None),
        ("00", None),
        ("", None),
    ],
)
def test_a_part_says_which_of_how_many_it_is(header: str, part: tuple[int, int, int] | None) -> None:
    assert cmpp.part(bytes.fromhex(header)) == part
    content = bytes.fromhex(header) + "好".encode("utf-16-be")
    delivered = cmpp.Deliver(1, "9", SOME, content, cmpp.UCS2, headed=1 if header else 0)
    assert (delivered.part, delivered.text) == (part, "好")


def test_what_customers_write_is_read_in_its_alphabet() -> None:
    def said(content: bytes, format: int, headed: int = 0) -> str:
        return cmpp.Deliver(1, "9", SOME, content, format, headed).text

    assert said(b"TD", 0) == "TD"
    assert said("退订，㐀😀".encode("utf-16-be"), 8) == "退订，㐀😀"
    assert said("退订，㐀😀".encode("gb18030"), 15) == "退订，㐀😀"
    assert said(b"\x80\xff", 0) == "��"
    assert said(b"\0A\0\0\0B", 8) == "AB"  # no zero, which no database keeps
    assert said("😀".encode("utf-16-be")[:2], 8) == "�"
    assert said(b"\1\2", 4) == "01 02"
    assert said(b"\x7fAB", 0, headed=1) == "\x7fAB"  # a header longer than all of it is none
    assert said(b"", 8, headed=1) == ""


# As Wireshark reads them. Its dissector knows 3.0 alone: a packet of 2.0 is laid into 3.0's widths first, field by field, by the
# places that the protocol's tables give.

SHOWN_SHORT = {"cmpp.submit.Src_Id": 17}  # of 21 octets the dissector shows 17, and goes on behind the 21st
UNSHOWN = {0x80000008: 1}  # octets at the end that it does not show: the reserved one


def widened(octets: bytes) -> bytes:
    """The same packet of 2.0 in 3.0's widths."""
    _length, command, sequence = struct.unpack_from(">III", octets)
    body = octets[12:]

    def wide(number: bytes) -> bytes:
        return number.ljust(32, b"\0")

    match command:
        case 0x80000001:
            body = bytes(3) + body
        case 0x80000004 | 0x80000005:
            body = body[:8] + bytes(3) + body[8:]
        case 0x00000004:
            count, numbers = body[116], 117
            content = numbers + count * 21
            to = b"".join(wide(body[at : at + 21]) for at in range(numbers, content, 21))
            end = content + 1 + body[content]
            body = body[:23] + wide(body[23:44]) + b"\0" + body[44:117] + to + b"\0" + body[content:end] + bytes(20)
        case 0x00000005:
            report, said = body[63] == 1, body[65:-8]
            assert len(said) == body[64]
            if report:
                said = said[:35] + wide(said[35:56]) + said[56:]
            body = body[:42] + wide(body[42:63]) + b"\0" + body[63:64] + bytes([len(said)]) + said + bytes(20)
    return struct.pack(">III", 12 + len(body), command, sequence) + body


def capture(packets: list[bytes]) -> bytes:
    """A file of raw IP, a TCP segment a packet."""
    file, at = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, 101), 1
    for packet in packets:
        tcp = struct.pack(">HHIIBBHHH", 40000, 7890, at, 1, 0x50, 0x18, 65535, 0, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(packet), 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
        file += struct.pack("<IIII", 0, 0, 40 + len(packet), 40 + len(packet)) + ip + tcp + packet
        at += len(packet)
    return file


def dissected(packets: list[bytes], folder: Path) -> list[list[tuple[str, bytes, str]]]:
    """Each packet's fields as tshark finds them: name, octets, what it shows. Every octet belongs to one."""
    file = folder / "cmpp.pcap"
    file.write_bytes(capture(packets))
    command = ["tshark", "-n", "-r", str(file), "-d", "tcp.port==7890,cmpp", "-T", "pdml"]
    shown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    found = []
    for octets, frame in zip(packets, ElementTree.fromstring(shown).iter("packet"), strict=True):
        fields, at = [], 40
        for field in leaves(frame.find("proto[@name='cmpp']")):
            name, begin, size = field.get("name", ""), int(field.get("pos", 0)), int(field.get("size", 0))
            assert begin == at, f"{name} begins at {begin - 40}, not at {at - 40}"
            at += size + 21 - SHOWN_SHORT[name] if name in SHOWN_SHORT else size
            fields.append((name, octets[begin - 40 : begin - 40 + size], field.get("show", "")))
        assert at - 40 == len(octets) - UNSHOWN.get(int.from_bytes(octets[4:8], "big"), 0)
        found.append(fields)
    return found


def leaves(node: ElementTree.Element | None) -> Iterator[ElementTree.Element]:
    assert node is not None
    for field in node.findall("field"):
        if field.get("name") == "cmpp.deliver.Report":
            yield from leaves(field)
        elif not field.get("name", "").startswith("_ws."):
            yield field


TAIL = [("cmpp.LinkID", "end", 20)]
NUMBERED = [("cmpp.Msg_Id", "id", 8)]
WIRESHARK: dict[type, list[tuple[str, str, int]]] = {
    cmpp.Connect: [("cmpp.connect.Source_Addr", "source", 6), ("cmpp.connect.AuthenticatorSource", "authenticator", 16),
                   ("cmpp.Version", "version", 1), ("cmpp.connect.Timestamp", "timestamp", 4)],
    cmpp.ConnectAnswer: [("cmpp.connect_resp.Status", "status", 4), ("cmpp.connect_resp.AuthenticatorISMG", "authenticator", 16),
                         ("cmpp.Version", "version", 1)],
    cmpp.Submit: [*NUMBERED, ("cmpp.submit.Pk_total", "total", 1), ("cmpp.submit.Pk_number", "number", 1),
                  ("cmpp.submit.Registered_Delivery", "receipt", 1), ("cmpp.submit.Msg_level", "level", 1),
                  ("cmpp.Servicd_Id", "service", 10), ("cmpp.submit.Fee_UserType", "fee_user", 1),
                  ("cmpp.submit.Fee_terminal_Id", "fee_number", 32), ("cmpp.submit.Fee_terminal_type", "fee_number_type", 1),
                  ("cmpp.TP_pId", "pid", 1), ("cmpp.TP_udhi", "headed", 1), ("cmpp.Msg_Fmt", "format", 1),
                  ("cmpp.submit.Msg_src", "source", 6), ("cmpp.submit.FeeType", "fee_type", 2), ("cmpp.submit.FeeCode", "fee_code", 6),
                  ("cmpp.submit.Valld_Time", "valid_until", 17), ("cmpp.submit.At_time", "send_at", 17),
                  ("cmpp.submit.Src_Id", "sender", 17), ("cmpp.submit.DestUsr_tl", "count", 1), ("cmpp.Dest_terminal_Id", "to", 32),
                  ("cmpp.submit.Dest_terminal_type", "to_type", 1), ("cmpp.Msg_Length", "length", 1),
                  ("cmpp.Msg_Content", "content", 0), *TAIL],
    cmpp.SubmitAnswer: [*NUMBERED, ("cmpp.submit_resp.Result", "result", 4)],
    cmpp.Deliver: [*NUMBERED, ("cmpp.deliver.Dest_Id", "to", 21), ("cmpp.Servicd_Id", "service", 10), ("cmpp.TP_pId", "pid", 1),
                   ("cmpp.TP_udhi", "headed", 1), ("cmpp.Msg_Fmt", "format", 1), ("cmpp.deliver.Src_terminal_Id", "sender", 32),
                   ("cmpp.deliver.Src_terminal_type", "sender_type", 1), ("cmpp.deliver.Registered_Delivery", "reports", 1),
                   ("cmpp.Msg_Length", "length", 1), ("cmpp.Msg_Content", "content", 0), *TAIL],
    cmpp.DeliverAnswer: [*NUMBERED, ("cmpp.deliver_resp.Result", "result", 4)],
}  # fmt: skip
REPORT = [*NUMBERED, ("cmpp.deliver.Report.Status", "stat", 7), ("cmpp.deliver.Report.Submit_time", "submitted", 10),
          ("cmpp.deliver.Report.Done_time", "done", 10), ("cmpp.Dest_terminal_Id", "to", 32),
          ("cmpp.Report.SMSC_sequence", "sequence", 4)]  # fmt: skip


def expected(packet: Packet, version: Version) -> list[tuple[str, bytes]]:
    """The fields by the names that Wireshark gives them, each from what was to be written."""
    values = {name: getattr(packet, name) for name in packet.__dataclass_fields__} | {"end": ""}
    if isinstance(packet, cmpp.Submit):
        (values["to"],) = packet.to
        values |= {"count": 1, "length": len(packet.content)}
    if isinstance(packet, cmpp.Deliver):
        values["length"] = 71 if packet.reports else len(packet.content)
    fields = []
    for name, attribute, size in WIRESHARK.get(type(packet), []):
        if name == "cmpp.Msg_Content" and getattr(packet, "reports", 0):
            report = asdict(cmpp.Report.read(packet.content, version))
            fields += [(name, laid(report[attribute], size)) for name, attribute, size in REPORT]
        else:
            fields.append((name, laid(values[attribute], size)))
    return fields


def laid(value: object, size: int) -> bytes:
    match value:
        case int():
            return value.to_bytes(size, "big")
        case str():
            return value.encode().ljust(size, b"\0")[:size]
        case bytes():
            return value
    raise TypeError(value)


def everything(version: Version) -> list[Packet]:
    """One of each, in the values that are the bank's, and in some that are not."""
    long = bytes.fromhex("050003660201") + "【某某银行】".encode("utf-16-be")
    report = cmpp.Report(ID, "MK:0001", "2602161500", "2602161502", "13800138000", 7)
    return [
        cmpp.Connect("900001", PROOF, version.number, 216150209),
        cmpp.ConnectAnswer(3, PROOF, version.number),
        cmpp.Terminate(),
        cmpp.TerminateAnswer(),
        cmpp.ActiveTest(),
        cmpp.ActiveTestAnswer(),
        cmpp.Submit(
            **{**SENT, "content": long, "headed": 1, "total": 2, "number": 1, "pid": 1, "send_at": "260216150000032+"}
        ),
        cmpp.Submit(
            **{**SENT, "content": b"Your code is 123456.", "format": 0, "sender": "12345678901234567", "level": 9}
        ),
        cmpp.Submit(
            **{**SENT, "content": "您好".encode("gb18030"), "format": 15, "fee_user": 3, "service": "ABCDEFGHIJ"}
        ),
        cmpp.SubmitAnswer(ID, 0),
        cmpp.SubmitAnswer(0, 8),
        cmpp.Deliver(MO, "106980095588", "8613800138000", "退订".encode("utf-16-be"), 8, service="BANK", pid=1),
        cmpp.Deliver(MO, "106980095588", "13800138000", long, 8, headed=1),
        cmpp.Deliver(MO, "106980095588", "13800138000", report.write(version), reports=1),
        cmpp.DeliverAnswer(MO, 0),
        cmpp.DeliverAnswer(MO, 9),
    ]


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
@BOTH
def test_wireshark_reads_every_octet_as_it_was_meant(version: Version, tmp_path: Path) -> None:
    packets = everything(version)
    octets = [cmpp.write(at, packet, version) for at, packet in enumerate(packets, 1)]
    wide = octets if version is THREE else [widened(each) for each in octets]
    assert {type(packet) for packet in packets} == set(cmpp.PACKETS.values())
    for at, (packet, written, fields) in enumerate(zip(packets, wide, dissected(wide, tmp_path), strict=True), 1):
        head = [
            ("cmpp.Total_Length", len(written)),
            ("cmpp.Command_Id", packet.command),
            ("cmpp.Sequence_Id", at),
        ]
        found = [(name, octets) for name, octets, _shown in fields]
        assert found == [(name, laid(value, 4)) for name, value in head] + expected(packet, version)


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_wireshark_shows_what_was_meant(tmp_path: Path) -> None:
    shown = [
        {name: show for name, _octets, show in fields}
        for fields in dissected([cmpp.write(1, packet, THREE) for packet in everything(THREE)], tmp_path)
    ]
    assert shown[0]["cmpp.connect.Timestamp"] == "02/16 15:02:09"
    assert shown[0]["cmpp.Version"] == "03.00"
    assert shown[0]["cmpp.connect.Source_Addr"] == "900001"
    assert shown[6]["cmpp.Dest_terminal_Id"] == "13500002696"
    assert (shown[6]["cmpp.submit.Pk_number"], shown[6]["cmpp.submit.Pk_total"]) == ("1", "2")
    assert shown[10]["cmpp.submit_resp.Result"] == "8"
    assert shown[13]["cmpp.deliver.Report.Status"] == "MK:0001"


# Whatever comes.


def said(width: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=width)


octet, word, long = st.integers(0, 0xFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 2**64 - 1)
PROOFS = st.binary(min_size=16, max_size=16)


def any_packet(version: Version) -> st.SearchStrategy[Packet]:
    result = octet if version is TWO else word
    kind = octet if version.typed else st.just(0)
    return st.one_of(
        st.builds(cmpp.Connect, said(6), PROOFS, octet, word),
        st.builds(cmpp.ConnectAnswer, result, PROOFS, octet),
        st.builds(cmpp.Terminate),
        st.builds(cmpp.TerminateAnswer),
        st.builds(cmpp.ActiveTest),
        st.builds(cmpp.ActiveTestAnswer),
        st.builds(cmpp.SubmitAnswer, long, result),
        st.builds(cmpp.DeliverAnswer, long, result),
        st.builds(
            cmpp.Submit,
            to=st.lists(said(version.phone), max_size=100).map(tuple), content=st.binary(max_size=255), format=octet, headed=octet,
            id=long, total=octet, number=octet, receipt=octet, level=octet, service=said(10), fee_user=octet,
            fee_number=said(version.phone), fee_number_type=kind, pid=octet, source=said(6), fee_type=said(2), fee_code=said(6),
            valid_until=said(17), send_at=said(17), sender=said(21), to_type=kind, end=said(version.tail),
        ),
        st.builds(
            cmpp.Deliver,
            id=long, to=said(21), sender=said(version.phone), content=st.binary(max_size=255), format=octet, headed=octet,
            reports=octet, service=said(10), pid=octet, sender_type=kind, end=said(version.tail),
        ),
    )  # fmt: skip


@BOTH
@given(data=st.data())
@settings(deadline=None)
def test_packets_come_out_as_they_went_in_however_they_are_cut(version: Version, data: st.DataObject) -> None:
    packets = data.draw(st.lists(st.tuples(word, any_packet(version)), max_size=5))
    octets = b"".join(cmpp.write(*each, version) for each in packets)
    assert all(len(cmpp.write(*each, version)) <= cmpp.LONGEST for each in packets)
    assert read(octets, version, data.draw(st.integers(1, 400))) == packets


@BOTH
@given(data=st.data())
@settings(deadline=None)
def test_what_is_spoilt_on_its_way_is_refused_or_read_never_worse(version: Version, data: st.DataObject) -> None:
    octets = bytearray(cmpp.write(1, data.draw(any_packet(version)), version))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(octets) - 1), octet), max_size=4)):
        octets[at] = value
    hostile(bytes(octets[: data.draw(st.integers(0, len(octets)))]) + data.draw(st.binary(max_size=64)), version)


@BOTH
@given(octets=st.binary(max_size=600))
@settings(deadline=None)
def test_rubbish_is_refused_by_name(version: Version, octets: bytes) -> None:
    hostile(octets, version)


def hostile(octets: bytes, version: Version) -> None:
    """Packets, or Unreadable and nothing else; what a packet says of itself holds too."""
    with suppress(Unreadable):
        for _sequence, packet in read(octets, version):
            if isinstance(packet, cmpp.Deliver):
                assert "\0" not in packet.text
                assert packet.part is None or 1 <= packet.part[2] <= packet.part[1]
                packet.text.encode()
                cmpp.Report.read(packet.content, version)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        ("0000000b 00000008 00000001", "11 octets cannot be"),
        ("00001001 00000008 00000001", "4097 octets cannot be"),
        ("ffffffff 00000005 00000001", "4294967295 octets cannot be"),
        ("0000000c 00000009 00000001", "no command 0x00000009"),
        ("0000000d 00000008 00000001 00", "should have 0 octets and has 1"),
        ("0000000e 80000008 00000001 0000", "should have 1 octets and has 2"),
        ("0000000d 80000004 00000001 00", "should have 9 octets and has 1"),
        ("00000026 00000001 00000001" + "00" * 26, "should have 27 octets and has 26"),
    ],
)
def test_what_is_no_packet_is_said_at_once_and_in_words(octets: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said) as caught:
        read(bytes.fromhex(octets)[:13], TWO) + read(bytes.fromhex(octets), TWO)
    assert caught.value.words.zh != caught.value.words.en


@BOTH
@pytest.mark.parametrize("off", [-1, 1, 100])
def test_a_message_whose_content_is_not_as_long_as_it_says_is_refused(version: Version, off: int) -> None:
    for packet in (cmpp.Deliver(1, "9", SOME, bytes(100)), cmpp.Submit(**{**SENT, "content": bytes(100)})):
        octets = bytearray(cmpp.write(1, packet, version))
        octets[-version.tail - 101] += off
        with pytest.raises(Unreadable, match=f"should have {len(octets) - 12 + off} octets and has {len(octets) - 12}"):
            read(bytes(octets), version)


@BOTH
def test_a_message_to_more_numbers_than_it_holds_is_refused(version: Version) -> None:
    octets = bytearray(cmpp.write(1, cmpp.Submit(**SENT), version))
    octets[12 + version.submit.size - 1] = 100
    with pytest.raises(Unreadable):
        read(bytes(octets), version)


def test_what_came_before_rubbish_is_still_read() -> None:
    heard = cmpp.Stream(TWO).feed(cmpp.write(7, cmpp.ActiveTest(), TWO) + bytes(12))
    assert next(heard) == (7, cmpp.ActiveTest())
    with pytest.raises(Unreadable):
        next(heard)


@pytest.mark.parametrize(
    "change",
    [
        {"to": ("1" * 22,)},
        {"service": "ABCDEFGHIJK"},
        {"sender": "银行"},
        {"content": bytes(256)},
        {"to": ("1",) * 101},
    ],
)
def test_what_does_not_fit_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(Unwritable) as caught:
        cmpp.write(1, cmpp.Submit(**{**SENT, **change}), TWO)
    assert caught.value.words.zh != caught.value.words.en
    assert "银行" not in caught.value.words.zh
