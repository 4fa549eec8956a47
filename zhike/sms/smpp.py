"""SMPP 3.4: the PDUs between a bank and its gateway, as octets and back, and what their numbers mean.

Pure: no socket, no clock. Who talks by it is `transports/smpp.py`. smpplib codes the rare PDUs, those of the session; the four that every
message needs are coded here and there (docs/decisions/smpp-coded-here.md).
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from struct import Struct
from struct import error as StructError
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from smpplib.smpp import make_pdu

from zhike.conduct.words import Words
from zhike.sms import segments

if TYPE_CHECKING:
    from zhike.sms.transports.transport import Fate

HEADER = Struct(">LLLL")  # length, command, status, sequence
TLV = Struct(">HH")
ANSWER = 0x80000000
SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x04, 0x05, 0x06, 0x15
NACK = ANSWER
UNANSWERED = (0x0B, 0x102)  # outbind, alert_notification: SMPP has no answer to them
BINDS = {"trx": ("bind_transceiver", 0x09), "tx": ("bind_transmitter", 0x02), "rx": ("bind_receiver", 0x01)}
LAST = 0x7FFFFFFF  # of the sequence numbers

UDH = 0x40  # esm_class: the message begins with a header
RECEIPTS = (0x04, 0x20)  # esm_class & 0x3C: what became of a message; where it is on the way
RECEIPTED_ID, STATE, NETWORK_ERROR, PAYLOAD = 0x001E, 0x0427, 0x0423, 0x0424
SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F

THROTTLED = (0x14, 0x58)
WRONG_CREDENTIALS = (0x0E, 0x0F)
UNREADABLE = 0x65

# What a command_status means (SMPP 3.4, 5.1.3), in the words of whoever reads a message's history.
MEANINGS = {
    0x01: Words("短信长度不符", "the message's length is wrong"),
    0x02: Words("PDU 长度不符", "the PDU's length is wrong"),
    0x03: Words("网关不认识此命令", "the gateway does not know the command"),
    0x04: Words("登录方式不允许此操作", "not possible in this bind mode"),
    0x05: Words("已经登录，或连接数已满", "signed in already, or as often as is allowed"),
    0x06: Words("优先级不被接受", "the priority is not accepted"),
    0x07: Words("状态报告的要求不被接受", "asking for receipts is not accepted"),
    0x08: Words("网关系统错误", "the gateway met an error"),
    0x0A: Words("发送号码不被接受", "the sender's number is not accepted"),
    0x0B: Words("接收号码不被接受", "the recipient's number is not accepted"),
    0x0C: Words("消息编号不被接受", "the message id is not accepted"),
    0x0D: Words("登录失败", "signing in failed"),
    0x0E: Words("密码不被接受", "the password is not accepted"),
    0x0F: Words("账号不被接受", "the user is not accepted"),
    0x14: Words("网关队列已满", "the gateway's queue is full"),
    0x15: Words("服务类型不被接受", "the service type is not accepted"),
    0x43: Words("短信类别不被接受", "the message's class is not accepted"),
    0x45: Words("网关提交失败", "the gateway could not take it"),
    0x48: Words("发送号码的类型不被接受", "the type of the sender's number is not accepted"),
    0x49: Words("发送号码的编号方案不被接受", "the numbering plan of the sender is not accepted"),
    0x50: Words("接收号码的类型不被接受", "the type of the recipient's number is not accepted"),
    0x51: Words("接收号码的编号方案不被接受", "the numbering plan of the recipient is not accepted"),
    0x53: Words("系统类型不被接受", "the system type is not accepted"),
    0x58: Words("超出约定的发送速度", "faster than agreed"),
    0x61: Words("定时发送的时间不被接受", "the time to send it is not accepted"),
    0x62: Words("有效期不被接受", "the validity is not accepted"),
    0x64: Words("暂时无法接收", "it cannot be taken at the moment"),
    0x65: Words("不能接收", "it cannot be taken"),
    0x66: Words("拒绝接收", "it was turned down"),
    0xC0: Words("可选参数读不懂", "the optional fields cannot be read"),
    0xC1: Words("不允许该可选参数", "an optional field is not allowed"),
    0xC2: Words("可选参数长度不符", "the length of an optional field is wrong"),
    0xC3: Words("缺少可选参数", "an optional field is missing"),
    0xC4: Words("可选参数的值不被接受", "the value of an optional field is not accepted"),
    0xFE: Words("投递失败", "it could not be delivered"),
    0xFF: Words("网关未知错误", "the gateway met an unknown error"),
}

# A receipt's state, in its text and as a number (SMPP 3.4, 5.2.28). UNKNOWN decides nothing: who took it for a failure would send twice.
STATES: dict[str, tuple[Fate, Words]] = {
    "ENROUTE": ("under_way", Words("发送中", "under way")),
    "DELIVRD": ("delivered", Words("已送达", "delivered")),
    "EXPIRED": ("expired", Words("超过有效期，未送达", "not delivered within its validity")),
    "DELETED": ("undelivered", Words("已被网关删除", "deleted at the gateway")),
    "UNDELIV": ("undelivered", Words("无法送达", "undeliverable")),
    "ACCEPTD": ("under_way", Words("网关已接受", "accepted on the way")),
    "UNKNOWN": ("under_way", Words("网关不知其状态", "the gateway does not know its state")),
    "REJECTD": ("undelivered", Words("被拒绝", "rejected")),
}
NUMBERED = dict(enumerate(STATES, start=1))
WRITTEN_OUT = {"DELIVERED": "DELIVRD", "UNDELIVERABLE": "UNDELIV", "ACCEPTED": "ACCEPTD", "REJECTED": "REJECTD"}
OPERATORS_OWN = re.compile(r"[A-Z]{1,4}:?\d{1,6}")  # as MK:0012: why an operator's network failed to deliver it
TOLD = re.compile(
    r"\b(id|stat|err|done date): ?(?!(?:id|sub|dlvrd|submit date|done date|stat|err):)(\S*)", re.IGNORECASE
)
FREE_TEXT = re.compile(r"\btext:", re.IGNORECASE)  # what stands behind it the message says, not the gateway

BASES = {"hex": 16, "decimal": 10}
MOBILE = re.compile(r"(?:\+|00)?(?:86)?(1\d{10})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A deliver_sm, taken apart: numbers, what it is (esm_class), how it is coded, what it says, its optional fields."""

    source: bytes
    to: bytes
    kind: int
    coding: int
    message: bytes
    fields: dict[int, bytes]

    @classmethod
    def read(cls, body: bytes) -> Delivered | None:
        """None where it cannot be read."""
        try:
            end = body.index(0)  # of service_type
            begin, end = end + 3, body.index(0, end + 3)
            source = body[begin:end]
            begin, end = end + 3, body.index(0, end + 3)
            to = body[begin:end]
            kind = body[end + 1]
            end = body.index(0, end + 4)  # of schedule_delivery_time, behind protocol_id and priority_flag
            end = body.index(0, end + 1)  # of validity_period
            coding, length = body[end + 3], body[end + 5]
        except (ValueError, IndexError):
            return None
        begin, end = end + 6, end + 6 + length  # beyond the end at some gateways: then what is there counts
        fields = optional(body, end) if end < len(body) else {}
        return cls(source, to, kind, coding, body[begin:end] or fields.get(PAYLOAD, b""), fields)


def rare(name: str, sequence: int, status: int = 0, **fields: str) -> bytes:
    """A PDU of the session."""
    pdu = make_pdu(name, sequence=sequence, **fields)
    pdu.sequence, pdu.status = sequence, status
    octets: bytes = pdu.generate()
    return octets


def acknowledged(sequence: int, status: int = 0) -> bytes:
    """A deliver_sm_resp; its message id is empty, as SMPP has it."""
    return HEADER.pack(17, DELIVER | ANSWER, status, sequence) + b"\0"


def optional(octets: bytes, at: int) -> dict[int, bytes]:
    """The optional fields from there on, as far as they can be read."""
    fields: dict[int, bytes] = {}
    with suppress(StructError):
        while at < len(octets):
            tag, length = TLV.unpack_from(octets, at)
            begin, at = at + TLV.size, at + TLV.size + length
            if at <= len(octets):
                fields[tag] = octets[begin:at]
    return fields


def plain(octets: bytes) -> str:
    """ASCII as the gateway writes numbers and names."""
    return octets.replace(b"\0", b"").decode("latin-1").strip()


def mobile(source: bytes) -> str:
    """A customer's number as the bank writes it, without the country in front."""
    number = plain(source)
    found = MOBILE.fullmatch(number)
    return found[1] if found else number


def named(octets: bytes, form: str) -> str:
    """A message's id. Where gateways write it hexadecimal here and decimal there, as the number that both mean."""
    id = plain(octets)
    if form not in BASES:
        return id
    with suppress(ValueError):
        return str(int(id, BASES[form]))
    return id


def spoken(octets: bytes, coding: int) -> str:
    """What a customer wrote. A flash message's coding (0x10, 0xF0) has its class in the low bits."""
    if coding & 0xF0 in (0x10, 0xF0):
        coding &= 0x0C
    if coding == 0:
        text = segments.decode(octets, "gsm7")
    elif coding == 8:
        text = segments.decode(octets, "ucs2")
    else:
        text = octets.decode("gb18030" if coding == 15 else "latin-1", "replace")
    return text.replace("\0", "")  # which no database keeps


def parted(header: bytes) -> tuple[int, int, int] | None:
    """Reference, of, number, as a header tells them, under a reference of 8 or of 16 bits."""
    at = 0
    while at + 2 <= len(header):
        element, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if (element, len(value)) in ((0x00, 3), (0x08, 4)):
            return sensible(int.from_bytes(value[:-2]), value[-2], value[-1])
        at += 2 + length
    return None


def joined_by(fields: dict[int, bytes]) -> tuple[int, int, int] | None:
    """The same by optional fields."""
    if not (SAR_REFERENCE in fields and SAR_TOTAL in fields and SAR_NUMBER in fields):
        return None
    reference, of, number = (int.from_bytes(fields[tag]) for tag in (SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER))
    return sensible(reference, of, number)


def sensible(reference: int, of: int, number: int) -> tuple[int, int, int] | None:
    """A part of several; what is none stands alone."""
    return (reference, of, number) if 1 <= number <= of and of > 1 else None


@lru_cache(maxsize=64)  # thousands tell the same minute
def done(told: str, zone: ZoneInfo) -> datetime | None:
    """YYMMDDhhmm, with seconds or without, by the gateway's clock."""
    if not (len(told) in (10, 12) and told.isascii() and told.isdigit()):
        return None
    year, month, day, hour, minute, *second = (int(told[at : at + 2]) for at in range(0, len(told), 2))
    with suppress(ValueError):
        return datetime(2000 + year, month, day, hour, minute, tzinfo=zone) + timedelta(
            seconds=second[0] if second else 0
        )
    return None


def meaning(status: int) -> Words:
    """What a command_status says."""
    if 0x400 <= status <= 0x4FF:
        return Words("网关自定义的错误", "an error of this gateway's own")
    return MEANINGS.get(status, Words("未列入 SMPP 3.4 的错误", "an error that SMPP 3.4 does not list"))
