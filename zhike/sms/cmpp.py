"""CMPP 2.0 and 3.0 (中国移动互联网短信网关接口协议): the packets between a bank and its operator's gateway, as octets and back.

Pure: no socket, no clock. Who talks by it is `transports/cmpp.py`. Names in brackets are the protocol's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import md5
from struct import Struct
from typing import Any, ClassVar, Self

from zhike.conduct.words import Words

HEADER = Struct(">III")  # Total_Length, Command_Id, Sequence_Id
LONGEST = 4096  # octets; a SUBMIT to a hundred numbers needs 3,500
PLAIN, BINARY, UCS2, GB = 0, 4, 8, 15  # Msg_Fmt
ALPHABETS = {PLAIN: "ascii", UCS2: "utf-16-be", GB: "gb18030"}


class Unreadable(ValueError):
    """Octets that are no packet. Says what is wrong with them, and nothing of what they hold."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class Unwritable(ValueError):
    """What does not fit into its place in a packet."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class Version:
    """What differs between the two: how wide a customer's number and a result are, whether a number has a type, and what the end is.

    A type of no octet at all ("0s") lets one description serve both.
    """

    def __init__(self, name: str, number: int, *, phone: int, typed: int, result: str, tail: int) -> None:
        self.name, self.number = name, number
        self.phone, self.typed, self.tail = phone, typed, tail
        self.status = Struct(f">{result}16sB")
        self.result = Struct(f">Q{result}")
        self.submit = Struct(f">QBBBB10sB{phone}s{typed}sBBB6s2s6s17s17s21sB")
        self.deliver = Struct(f">Q21s10sBBB{phone}s{typed}sBB")
        self.report = Struct(f">Q7s10s10s{phone}sI")


TWO = Version("2.0", 0x20, phone=21, typed=0, result="B", tail=8)
THREE = Version("3.0", 0x30, phone=32, typed=1, result="I", tail=20)
VERSIONS = {version.name: version for version in (TWO, THREE)}


@dataclass(frozen=True, slots=True)
class Connect:
    """We sign in."""

    command: ClassVar[int] = 0x00000001
    shape: ClassVar[Struct] = Struct(">6s16sBI")
    source: str
    authenticator: bytes
    version: int
    timestamp: int

    def write(self, _version: Version) -> bytes:
        return self.shape.pack(fit(self.source, 6), self.authenticator, self.version, self.timestamp)

    @classmethod
    def read(cls, body: bytes, _version: Version) -> Connect:
        source, authenticator, version, timestamp = exactly(cls.shape, body)
        return cls(text(source), authenticator, version, timestamp)


@dataclass(frozen=True, slots=True)
class ConnectAnswer:
    """Whether they let us in. ``layout``: the version it was written in, which its length tells: not always the one asked for."""

    command: ClassVar[int] = 0x80000001
    status: int
    authenticator: bytes
    version: int
    layout: Version | None = field(default=None, compare=False)

    def write(self, version: Version) -> bytes:
        return version.status.pack(self.status, self.authenticator, self.version)

    @classmethod
    def read(cls, body: bytes, version: Version) -> ConnectAnswer:
        layout = next((each for each in VERSIONS.values() if each.status.size == len(body)), version)
        status, authenticator, number = exactly(layout.status, body)
        return cls(status, authenticator, number, layout)


@dataclass(frozen=True, slots=True)
class Empty:
    """A packet that is a header alone."""

    def write(self, _version: Version) -> bytes:
        return b""

    @classmethod
    def read(cls, body: bytes, _version: Version) -> Self:
        if body:
            raise misfit(0, len(body))
        return cls()


class Terminate(Empty):
    """One side wants to end the connection."""

    __slots__ = ()
    command: ClassVar[int] = 0x00000002


class TerminateAnswer(Empty):
    """The other side agrees."""

    __slots__ = ()
    command: ClassVar[int] = 0x80000002


class ActiveTest(Empty):
    """Is anybody there?"""

    __slots__ = ()
    command: ClassVar[int] = 0x00000008


@dataclass(frozen=True, slots=True)
class ActiveTestAnswer:
    """Yes. The octet that is reserved for nothing is left out by some gateways."""

    command: ClassVar[int] = 0x80000008

    def write(self, _version: Version) -> bytes:
        return b"\0"

    @classmethod
    def read(cls, body: bytes, _version: Version) -> ActiveTestAnswer:
        if len(body) > 1:
            raise misfit(1, len(body))
        return cls()


@dataclass(frozen=True, slots=True)
class Submit:
    """A short message on its way out. ``content`` begins with a header (UDH) where ``headed`` [TP_udhi]; ``end``: Reserve, or LinkID."""

    command: ClassVar[int] = 0x00000004
    to: tuple[str, ...]
    content: bytes
    format: int = UCS2
    headed: int = 0
    id: int = 0  # the gateway's to give
    total: int = 1
    number: int = 1
    receipt: int = 1
    level: int = 0
    service: str = ""
    fee_user: int = 0
    fee_number: str = ""
    fee_number_type: int = 0
    pid: int = 0
    source: str = ""  # who we are [Msg_src]
    fee_type: str = ""
    fee_code: str = ""
    valid_until: str = ""
    send_at: str = ""
    sender: str = ""  # the number that the customer sees [Src_Id]
    to_type: int = 0
    end: str = ""

    def write(self, version: Version) -> bytes:
        if len(self.to) > 100:
            raise Unwritable("收件号码超过 100 个", "there are more than 100 numbers to send to")
        head = version.submit.pack(
            self.id,
            self.total,
            self.number,
            self.receipt,
            self.level,
            fit(self.service, 10),
            self.fee_user,
            fit(self.fee_number, version.phone),
            bytes((self.fee_number_type,)),
            self.pid,
            self.headed,
            self.format,
            fit(self.source, 6),
            fit(self.fee_type, 2),
            fit(self.fee_code, 6),
            fit(self.valid_until, 17),
            fit(self.send_at, 17),
            fit(self.sender, 21),
            len(self.to),
        )
        to = b"".join(fit(number, version.phone).ljust(version.phone, b"\0") for number in self.to)
        kind = bytes((self.to_type,))[: version.typed]
        return head + to + kind + sized(self.content) + fit(self.end, version.tail).ljust(version.tail, b"\0")

    @classmethod
    def read(cls, body: bytes, version: Version) -> Submit:
        (
            id,
            total,
            number,
            receipt,
            level,
            service,
            fee_user,
            fee_number,
            fee_number_type,
            pid,
            headed,
            format,
            source,
            fee_type,
            fee_code,
            valid_until,
            send_at,
            sender,
            count,
        ) = beginning(version.submit, body)
        numbers, at = version.submit.size, version.submit.size + count * version.phone
        content, end = remainder(body, at + version.typed, version.tail)
        return cls(
            to=tuple(text(body[begin : begin + version.phone]) for begin in range(numbers, at, version.phone)),
            content=content,
            format=format,
            headed=headed,
            id=id,
            total=total,
            number=number,
            receipt=receipt,
            level=level,
            service=text(service),
            fee_user=fee_user,
            fee_number=text(fee_number),
            fee_number_type=int.from_bytes(fee_number_type, "big"),
            pid=pid,
            source=text(source),
            fee_type=text(fee_type),
            fee_code=text(fee_code),
            valid_until=text(valid_until),
            send_at=text(send_at),
            sender=text(sender),
            to_type=int.from_bytes(body[at : at + version.typed], "big"),
            end=end,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """What both sides say to a message of the other."""

    id: int
    result: int

    def write(self, version: Version) -> bytes:
        return version.result.pack(self.id, self.result)

    @classmethod
    def read(cls, body: bytes, version: Version) -> Self:
        return cls(*exactly(version.result, body))


class SubmitAnswer(Answered):
    """They have taken a message under ``id``, or not, as ``result`` says."""

    __slots__ = ()
    command: ClassVar[int] = 0x80000004


class DeliverAnswer(Answered):
    """We have taken what they delivered."""

    __slots__ = ()
    command: ClassVar[int] = 0x80000005


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the message ``id`` [状态报告]: the content of a delivery. Times are YYMMDDhhmm in China."""

    id: int
    stat: str
    submitted: str
    done: str
    to: str
    sequence: int

    def write(self, version: Version) -> bytes:
        stat, submitted, done = fit(self.stat, 7), fit(self.submitted, 10), fit(self.done, 10)
        return version.report.pack(self.id, stat, submitted, done, fit(self.to, version.phone), self.sequence)

    @classmethod
    def read(cls, content: bytes, version: Version) -> Report:
        """By its length: gateways that speak 3.0 send 2.0's as well."""
        layout = next((each for each in VERSIONS.values() if each.report.size == len(content)), version)
        id, stat, submitted, done, to, sequence = exactly(layout.report, content)
        return cls(id, text(stat), text(submitted), text(done), text(to), sequence)


@dataclass(frozen=True, slots=True)
class Deliver:
    """What a customer wrote, or a report where ``reports`` [Registered_Delivery]."""

    command: ClassVar[int] = 0x00000005
    id: int
    to: str
    sender: str
    content: bytes
    format: int = PLAIN
    headed: int = 0
    reports: int = 0
    service: str = ""
    pid: int = 0
    sender_type: int = 0
    end: str = ""

    def write(self, version: Version) -> bytes:
        head = version.deliver.pack(
            self.id,
            fit(self.to, 21),
            fit(self.service, 10),
            self.pid,
            self.headed,
            self.format,
            fit(self.sender, version.phone),
            bytes((self.sender_type,)),
            self.reports,
            len(sized(self.content)) - 1,
        )
        return head + self.content + fit(self.end, version.tail).ljust(version.tail, b"\0")

    @classmethod
    def read(cls, body: bytes, version: Version) -> Deliver:
        id, to, service, pid, headed, format, sender, sender_type, reports, _length = beginning(version.deliver, body)
        content, end = remainder(body, version.deliver.size - 1, version.tail)
        return cls(
            id=id,
            to=text(to),
            sender=text(sender),
            content=content,
            format=format,
            headed=headed,
            reports=reports,
            service=text(service),
            pid=pid,
            sender_type=int.from_bytes(sender_type, "big"),
            end=end,
        )

    @property
    def header(self) -> bytes:
        """The header of its content, where it has one and that is whole."""
        length = self.content[0] + 1 if self.headed & 1 and self.content else 0
        return self.content[:length] if length <= len(self.content) else b""

    @property
    def text(self) -> str:
        """What it says. What is no text at all is shown as its octets; a letter that was cut in two is lost (�)."""
        said = self.content[len(self.header) :]
        if (alphabet := ALPHABETS.get(self.format)) is None:
            return said.hex(" ")
        return said.decode(alphabet, "replace").replace("\0", "")

    @property
    def part(self) -> tuple[int, int, int] | None:
        """Of a long message: (reference, of how many, which)."""
        return part(self.header)


Packet = (
    Connect
    | ConnectAnswer
    | Terminate
    | TerminateAnswer
    | Submit
    | SubmitAnswer
    | Deliver
    | DeliverAnswer
    | ActiveTest
    | ActiveTestAnswer
)
PACKETS: dict[int, type[Packet]] = {kind.command: kind for kind in Packet.__args__}


def write(sequence: int, packet: Packet, version: Version) -> bytes:
    """A packet as it goes over the wire. Raises Unwritable."""
    body = packet.write(version)
    return HEADER.pack(HEADER.size + len(body), packet.command, sequence) + body


class Stream:
    """Octets come in as they come, packets go out."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self._left = b""

    def feed(self, octets: bytes) -> Iterator[tuple[int, Packet]]:
        """The packets that are whole by now, each with its sequence; to be gone through to its end. Raises Unreadable after those that
        came before it: what is behind it cannot be found."""
        octets = self._left + octets
        at, end = 0, len(octets)
        while end - at >= HEADER.size:
            length, command, sequence = HEADER.unpack_from(octets, at)
            kind = PACKETS.get(command)
            if not HEADER.size <= length <= LONGEST:
                raise Unreadable(f"包长 {length} 不可能", f"a packet of {length} octets cannot be")
            if kind is None:
                raise Unreadable(f"没有命令字 0x{command:08X}", f"there is no command 0x{command:08X}")
            if end - at < length:
                break
            yield sequence, kind.read(octets[at + HEADER.size : at + length], self.version)
            at += length
        self._left = octets[at:]


def authenticator(source: str, secret: str, timestamp: int) -> bytes:
    """Proves that we know the secret, at this time (MMDDhhmmss)."""
    said = source.encode() + bytes(9) + secret.encode() + b"%010d" % timestamp
    return md5(said, usedforsecurity=False).digest()  # the protocol's choice


def is_proof(answer: bytes, status: int, proof: bytes, secret: str) -> bool:
    """Whether a gateway's answer to the sign-in proves that it knows the secret too [AuthenticatorISMG]: over the status, in the one octet of
    2.0 or the four of 3.0, for gateways mix them up; over what we proved ourselves by; and the secret.
    """
    shapes = (status.to_bytes(size, "big") for size in (1, 4) if status < 256**size)
    return answer in [md5(shape + proof + secret.encode(), usedforsecurity=False).digest() for shape in shapes]


def digits(id: int) -> str:
    """A message's number as operators write it: MMDDhhmmss, 7 digits of gateway, 5 of sequence."""
    when = f"{id >> 60:02}{id >> 55 & 31:02}{id >> 50 & 31:02}{id >> 44 & 63:02}{id >> 38 & 63:02}"
    return f"{when}{id >> 16 & 0x3FFFFF:07}{id & 0xFFFF:05}"


def part(header: bytes) -> tuple[int, int, int] | None:
    """(reference, of how many, which) by a header (UDH) of a long message, whose reference has one octet or two; None for any other."""
    at = 1
    while at + 2 <= len(header):
        element, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if (element, length) in {(0, 3), (8, 4)} and len(value) == length:
            of, number = value[-2:]
            return (int.from_bytes(value[:-2], "big"), of, number) if 1 <= number <= of else None
        at += 2 + length
    return None


def fit(said: str, width: int) -> bytes:
    """A short text for a field of so many octets."""
    if len(said) > width or not said.isascii():
        raise Unwritable(f"有一项不是至多 {width} 位的 ASCII 字符", f"a field is not {width} ASCII characters at most")
    return said.encode()


def text(octets: bytes) -> str:
    """What a field says, without what fills it up."""
    return octets.partition(b"\0")[0].decode("ascii", "backslashreplace").strip()


def sized(content: bytes) -> bytes:
    """Content behind its length."""
    if len(content) > 255:
        raise Unwritable(
            f"内容有 {len(content)} 字节，超过 255", f"the content has {len(content)} octets, more than 255"
        )
    return bytes((len(content),)) + content


def exactly(shape: Struct, body: bytes) -> tuple[Any, ...]:
    """The fields of a body that holds nothing else."""
    if len(body) != shape.size:
        raise misfit(shape.size, len(body))
    return shape.unpack(body)


def beginning(shape: Struct, body: bytes) -> tuple[Any, ...]:
    """The fields that a body begins with."""
    if len(body) < shape.size:
        raise misfit(shape.size, len(body))
    return shape.unpack_from(body)


def remainder(body: bytes, at: int, tail: int) -> tuple[bytes, str]:
    """The content, whose length stands at ``at``, and the end behind it."""
    begin = at + 1
    size = begin + (body[at] if at < len(body) else 0) + tail
    if len(body) != size:
        raise misfit(size, len(body))
    return body[begin : size - tail], text(body[size - tail :])


def misfit(wanted: int, found: int) -> Unreadable:
    return Unreadable(f"包体应为 {wanted} 字节，实为 {found}", f"a body should have {wanted} octets and has {found}")
