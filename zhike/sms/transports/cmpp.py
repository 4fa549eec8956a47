"""CMPP 2.0 and 3.0 (中国移动互联网短信网关接口协议): one connection to the operator's gateway, over which we send and are told.

The protocol has no word for "send this once" and none for "what became of it": its receipts are all there is. The packets are
`sms/cmpp.py`'s.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import NamedTuple
from zoneinfo import ZoneInfo

from zhike.address import Address
from zhike.conduct.words import Words
from zhike.sms import cmpp, numbers
from zhike.sms.segments import decode

from .transport import VARIABLE, Answer, Event, Fate, Kind, Lost, Part, Receipt, Reply, Unbound

EXAMPLE = "cmpp://900001:secret@ismg.bank.example:7890?version=2.0&from=106980095588&service=BANK&window=16&rate=100"
SETTINGS = {"version", "proof", "from", "service", "window", "rate", "idle", "fee_user", "fee_type", "fee_code"}
PORT = 7890
CHINA = ZoneInfo(numbers.CHINA)  # in which the gateway's times are, wherever the bank's own clock stands

PATIENCE = 10.0  # seconds for connecting, for being let in, for what we write to be taken
FAREWELL = 2.0  # seconds for an answer to our leaving
IDLE = 30  # seconds without a word from the gateway, after which it is asked whether it is there
SILENT = 3  # questions without any word since, after which it is held to be gone
CHUNK = 1 << 16

# Why a gateway does not let us in [Status]; what to do is said there, where something can be done.
STATUS = {
    1: Words("消息结构错，请核对地址中的 ?version=", "the message is wrongly built; check ?version= of the address"),
    2: Words(
        "非法源地址：企业代码不被接受，或本机 IP 未登记，请与运营商核对",
        "illegal source: it does not know this enterprise code, or not this machine's IP; ask the operator",
    ),
    3: Words("认证错，请核对密码和本机时钟", "not authenticated; check the password and this machine's clock"),
    4: Words("版本太高，请改用 ?version=2.0", "the version is too high; use ?version=2.0"),
    5: Words("其他错误，请联系运营商", "another error; ask the operator"),
}
NOT_PROVEN = 3
FINAL = {1, 2, 3, 4}

# What a gateway answers to a message [Result], and what it or its neighbours write as the digits of a receipt's code.
RESULTS = {
    1: Words("消息结构错", "the message is wrongly built"),
    2: Words("命令字错", "wrong command"),
    3: Words("消息序号重复", "the sequence number was used before"),
    4: Words("消息长度错", "wrong length"),
    5: Words("资费代码错", "wrong fee code"),
    6: Words("超过最大信息长", "longer than a message may be"),
    7: Words("业务代码错", "wrong service id"),
    8: Words("流量控制错：发送过快", "too many at once"),
    9: Words("网关不负责此计费号码", "the gateway does not serve the number to be charged"),
    10: Words("接入号（Src_Id）错", "wrong number to send from (Src_Id)"),
    11: Words("企业代码（Msg_src）错", "wrong enterprise code (Msg_src)"),
    12: Words("计费号码错", "wrong number to be charged"),
    13: Words("收件号码错", "wrong number to send to"),
    51: Words("尚未建立连接", "no connection yet"),
    52: Words("尚未登录", "not signed in yet"),
    53: Words("发送失败", "sending failed"),
    54: Words("等待应答超时", "no answer in time"),
    55: Words("等待状态报告超时", "no report in time"),
    61: Words("有效期已过", "its validity is over"),
    62: Words("定时发送的时间已过", "the time to send it at is over"),
    63: Words("不认识的资费类别", "unknown kind of fee"),
    64: Words("发送源地址鉴权失败", "the source was not authorised for sending"),
    65: Words("发送目的地址鉴权失败", "the destination was not authorised for sending"),
    66: Words("接收源地址鉴权失败", "the source was not authorised for receiving"),
    67: Words("接收目的地址鉴权失败", "the destination was not authorised for receiving"),
    68: Words("用户鉴权失败", "the user was not authorised"),
    69: Words("号码在运营商黑名单中", "the number is on the operator's blacklist"),
    70: Words("网络中断，或对端已关闭接口", "the network broke, or the other end is closed"),
    72: Words("找不到路由", "no route was found"),
    73: Words("等待应答超时", "no answer in time"),
    76: Words("信息安全检查未通过", "it failed the check of contents"),
    77: Words("超过最大提交数", "more than may be submitted"),
}
THROTTLED = 8
UNLISTED = Words("运营商自定的代码，请向运营商查询", "a code of the operator's own; ask them")

# How a message ended, as the centre that delivers it says [Stat] …
STATS: dict[str, tuple[Fate, Words]] = {
    "DELIVRD": ("delivered", Words("已送达", "delivered")),
    "EXPIRED": ("expired", Words("过期未送达：关机或不在服务区", "expired: switched off or out of reach")),
    "DELETED": ("undelivered", Words("已被删除", "deleted")),
    "UNDELIV": ("undelivered", Words("无法送达：空号、停机等", "cannot be delivered: no such number, suspended …")),
    "ACCEPTD": ("under_way", Words("已接收，正在投递", "accepted, under way")),
    "UNKNOWN": ("under_way", Words("短信中心不知其状态", "the centre does not know what became of it")),
    "REJECTD": ("undelivered", Words("被拒绝", "rejected")),
}
# … or who on the way could not, and four digits. Where nobody answered the gateway these are its own (RESULTS), but for the low
# ones, to which platforms between bank and operator give meanings of theirs.
CLASSES: dict[str, tuple[Fate, Words]] = {
    "MA": ("undelivered", Words("短信网关未能提交短信中心", "the gateway could not hand it to the message centre")),
    "MB": ("undelivered", Words("短信中心答以错误", "the message centre answered with an error")),
    "MI": ("expired", Words("短信中心：过期未送达", "message centre: expired")),
    "MJ": ("undelivered", Words("短信中心：已被删除", "message centre: deleted")),
    "MK": ("undelivered", Words("短信中心：无法送达", "message centre: cannot be delivered")),
    "ML": ("under_way", Words("短信中心：已接收", "message centre: accepted")),
    "MM": ("under_way", Words("短信中心：状态未知", "message centre: state unknown")),
    "MN": ("undelivered", Words("短信中心：被拒绝", "message centre: rejected")),
    "CA": ("undelivered", Words("短信网关未能提交计费平台", "the gateway could not reach the charging system")),
    "CB": ("undelivered", Words("计费平台答以错误", "the charging system answered with an error")),
    "DA": ("undelivered", Words("短信网关未能提交业务管理平台", "the gateway could not reach the service platform")),
    "DB": ("undelivered", Words("业务管理平台答以错误", "the service platform answered with an error")),
    "IA": ("undelivered", Words("短信网关未能提交下一级网关", "the gateway could not hand it to the next gateway")),
    "IB": ("undelivered", Words("下一级网关答以错误", "the next gateway answered with an error")),
    "IC": ("under_way", Words("下一级网关没有给出状态报告", "the next gateway gave no report")),
}
IN_VAIN = {54, 55, 73}  # somebody waited for an answer: what became of the message is not known
GATEWAYS_OWN = {"MA", "CA", "DA", "IA", "IB", "IC"}
CLASSED = re.compile(r"([A-Z]{2}):(\d{1,4})")

# CMPP's format 0 is ASCII, not the alphabet of GSM, which holds some letters by other octets (GSM 03.38) and some not at all.
SAME = b" !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\n\r"
LETTERS = dict(zip(SAME + b"\x00\x02\x11", SAME + b"@$_", strict=True))
ESCAPE, ESCAPED = 0x1B, dict(zip(b"\x14\x28\x29\x2f\x3c\x3d\x3e\x40", b"^{}\\[~]|", strict=True))


class Handle(NamedTuple):
    """By what a delivery is acknowledged: on which connection it came, under which sequence, which it is."""

    epoch: int
    sequence: int
    id: int


class CMPP:
    """One connection. What is to be written waits in ``_outgoing``, what has come in ``_told``; ``_end`` is how it ended, None while
    it has not."""

    whole = False

    def __init__(self, address: Address, clock: Callable[[], datetime]) -> None:
        self.address = address
        self.clock = clock
        self._check()
        self.version = cmpp.VERSIONS[address.query.get("version", "2.0")]
        self.sender = self._setting("from", r"[0-9]{1,21}", "", "1 至 21 位数字", "1 to 21 digits")
        self.service = self._setting("service", r"[!-~]{0,10}", "", "至多 10 位", "10 characters at most")
        self.fee_user = int(self._setting("fee_user", r"[0-3]", "2", "0 至 3", "0 to 3"))
        self.fee_type = self._setting("fee_type", r"[0-9]{2}", "01", "两位数字", "two digits")
        self.fee_code = self._setting("fee_code", r"[0-9]{1,6}", "000000", "至多 6 位数字", "6 digits at most")
        self.window = self._amount("window", 16, 1, 10_000)
        self.rate = self._amount("rate", 0, 0, 100_000)
        self.idle: float = self._amount("idle", IDLE, 1, 180)
        self.patience = PATIENCE
        self._last = 0  # sequence given, over all connections: none comes twice soon
        self._epoch = 0  # which connection this is
        self._socket: socket.socket | None = None
        self._told: list[Event] = []
        self._outgoing = bytearray()
        self._dismissed = False  # they asked us to go
        self._end: Words | None = Words("尚未连接短信网关", "the gateway is not connected yet")

    def _check(self) -> None:
        address = self.address
        if unknown := sorted(address.query.keys() - SETTINGS):
            raise address.wrong(f"没有 ?{unknown[0]}= 这项设置", f"there is no setting ?{unknown[0]}=")
        if address.query.get("proof", "yes") not in {"yes", "no"}:
            raise address.wrong("?proof= 只能是 yes 或 no", "?proof= is either yes or no")
        if address.query.get("version", "2.0") not in cmpp.VERSIONS:
            raise address.wrong("?version= 只能是 2.0 或 3.0", "?version= is either 2.0 or 3.0")
        if not re.fullmatch(r"[!-~]{1,6}", address.user):
            raise address.wrong("账号（企业代码）应为 1 至 6 位", "the user (enterprise code) has 1 to 6 characters")
        if not address.secret or not address.secret.isascii():
            raise address.wrong("缺少密码，或密码不是 ASCII 字符", "the password is missing or is not ASCII")

    def _setting(self, name: str, shape: str, usual: str, zh: str, en: str) -> str:
        value = self.address.query.get(name, usual)
        if not re.fullmatch(shape, value):
            raise self.address.wrong(f"?{name}= 应为{zh}", f"?{name}= has to be {en}")
        return value

    def _amount(self, name: str, usual: int, least: int, most: int) -> int:
        value = self._setting(name, r"[0-9]{1,6}", str(usual), f"{least} 至 {most}", f"{least} to {most}")
        if not least <= int(value) <= most:
            raise self.address.wrong(f"?{name}= 应为{least} 至 {most}", f"?{name}= has to be {least} to {most}")
        return int(value)

    # What a transport does.

    def open(self) -> None:
        """Connects and signs in. Raises Unbound."""
        if self._socket:
            self._socket.close()
        self._told, self._outgoing, self._end = [], bytearray(), None
        self._epoch += 1
        self._stream = cmpp.Stream(self.version)
        self._let_in: cmpp.ConnectAnswer | None = None
        until = monotonic() + self.patience
        self._socket = self._reach()
        self._heard = self._asked = monotonic()
        self._questions, self._dismissed = 0, False
        self._say(self._signing_in())
        self._flush()
        while not (self._let_in or self._end) and (left := until - monotonic()) > 0:
            self._listen(left)
        if why := self._refusal():
            self._socket.close()
            self._end = self._end or why.words
            raise why

    def numbers(self, count: int) -> list[int]:
        """The next sequence numbers of this connection."""
        return [self._next() for _ in range(count)]

    def submit(self, parts: Sequence[Part]) -> None:
        """Writes them, each once. What cannot be written in this protocol is answered at once. Raises Lost."""
        self._hold()
        for part in parts:
            try:
                self._outgoing += cmpp.write(part.sequence, self._packet(part), self.version)
            except cmpp.Unwritable as error:
                self._told.append(Answer(part.sequence, taken=False, words=error.words))
        self._flush()
        self._hold()

    def events(self, timeout: float) -> list[Event]:
        """What has come, waiting for the first of it. Raises Lost."""
        until = monotonic() + timeout
        while not self._told:
            self._hold()
            self._listen(max(0.0, min(until, self._next_question) - monotonic()))
            self._ask()
            if monotonic() >= until:
                break
        told, self._told = self._told, []
        return told

    def took(self, events: Sequence[Event]) -> None:
        """Acknowledges receipts and replies of this connection; those of an earlier one are told again."""
        for event in events:
            match event:
                case (
                    Receipt(handle=Handle(self._epoch, sequence, id)) | Reply(handle=Handle(self._epoch, sequence, id))
                ):
                    self._say(cmpp.DeliverAnswer(id, 0), sequence)
        self._flush()

    def close(self) -> None:
        """Signs out. What comes meanwhile is still told."""
        if not self._socket:
            return
        self._say(cmpp.Terminate())
        self._flush()
        until = monotonic() + FAREWELL
        while not self._end and (left := until - monotonic()) > 0:
            self._listen(left)
        self._socket.close()
        self._socket = None
        self._ended("已退出短信网关", "signed out of the gateway")

    # Signing in.

    def _reach(self) -> socket.socket:
        host, port = self.address.host, self.address.port or PORT
        try:
            reached = socket.create_connection((host, port), self.patience)
        except (OSError, UnicodeError) as error:
            kind = type(error).__name__
            self._ended("没有连上短信网关", "the gateway could not be reached")
            raise Unbound(
                f"连不上短信网关 {host}:{port}（{kind}），请检查 {VARIABLE} 的主机与端口、网络与防火墙",
                f"the gateway {host}:{port} cannot be reached ({kind}); check host and port in {VARIABLE}, network and firewall",
            ) from None
        reached.setblocking(False)
        reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return reached

    def _signing_in(self) -> cmpp.Connect:
        address, self._signed_at = self.address, self.clock().astimezone(CHINA)
        timestamp = int(self._signed_at.strftime("%m%d%H%M%S"))
        self._proof = cmpp.authenticator(address.user, address.secret, timestamp)
        return cmpp.Connect(address.user, self._proof, self.version.number, timestamp)

    def _refusal(self) -> Unbound | None:
        """Why we are not in."""
        answer, ours = self._let_in, self.version.name
        if not answer and self._end:
            return Unbound(
                f"登录短信网关时连接断开：{self._end.zh}；请核对企业代码、本机 IP 是否已登记",
                f"the connection ended while signing in: {self._end.en}; ask the operator whether this enterprise and this machine's IP are known",
            )
        if not answer:
            return Unbound(
                f"短信网关在 {self.patience:g} 秒内没有应答登录，请核对主机与端口，或联系运营商",
                f"the gateway did not answer the sign-in within {self.patience:g} seconds; check host and port, or ask the operator",
            )
        if answer.status:
            said = STATUS.get(answer.status, UNLISTED)
            zh, en = said.zh, said.en
            if answer.status == NOT_PROVEN:
                at = f"{self._signed_at:%m-%d %H:%M:%S}"
                zh, en = f"{zh}（登录用的是北京时间 {at}）", f"{en} (signed in with {at}, Beijing time)"
            return Unbound(
                f"短信网关拒绝登录：{zh}（状态 {answer.status}）",
                f"the gateway does not let us in: {en} (status {answer.status})",
                permanent=answer.status in FINAL,
            )
        if answer.layout is not self.version:
            theirs = answer.layout.name if answer.layout else ""
            return Unbound(
                f"短信网关按 CMPP {theirs} 应答，而地址中是 {ours}，请改用 ?version={theirs}",
                f"the gateway answers in CMPP {theirs} and the address says {ours}; use ?version={theirs}",
                permanent=True,
            )
        proven = cmpp.is_proof(answer.authenticator, answer.status, self._proof, self.address.secret)
        if not proven and self.address.query.get("proof") != "no":
            return Unbound(
                "短信网关没有证明它知道密码（AuthenticatorISMG 不符），可能不是运营商的网关，什么都没有发给它。请与运营商核对主机与密码；确认其网关不给出这一证明的，在地址中加 ?proof=no",
                "the gateway has not proved that it knows the password (AuthenticatorISMG does not fit): it may not be the operator's, and nothing was sent to it."
                " Check host and password with the operator; where they confirm that their gateway gives no such proof, add ?proof=no to the address",
                permanent=True,
            )
        return None

    # Writing.

    def _next(self) -> int:
        self._last = self._last % 0xFFFFFFFF + 1
        return self._last

    def _packet(self, part: Part) -> cmpp.Submit:
        return cmpp.Submit(
            to=(part.to,),
            content=part.header + (part.octets if part.coding == "ucs2" else in_ascii(part.octets)),
            format=cmpp.UCS2 if part.coding == "ucs2" else cmpp.PLAIN,
            headed=1 if part.header else 0,
            total=part.of,
            number=part.number,
            service=self.service,
            fee_user=self.fee_user,
            fee_type=self.fee_type,
            fee_code=self.fee_code,
            source=self.address.user,
            sender=self.sender,
        )

    def _say(self, packet: cmpp.Packet, sequence: int | None = None) -> None:
        self._outgoing += cmpp.write(self._next() if sequence is None else sequence, packet, self.version)

    def _flush(self) -> None:
        """Writes what waits, reading meanwhile: else a gateway that waits for us to read would never take it."""
        until = monotonic() + self.patience
        while self._outgoing and not self._end and self._socket:
            try:
                del self._outgoing[: self._socket.send(self._outgoing)]
            except BlockingIOError:
                if monotonic() > until:
                    self._ended("短信网关长时间不接收数据", "the gateway takes nothing any more")
                elif self._ready(select.POLLIN | select.POLLOUT, until - monotonic()) & ~select.POLLOUT:
                    self._read()
            except OSError as error:
                while self._read():  # what had come before
                    pass
                self._broke(error)
        if self._dismissed:
            self._ended("短信网关要求断开", "the gateway asked to end the connection")

    # Reading.

    def _ready(self, wanted: int, timeout: float) -> int:
        """What the connection is ready for, after so many seconds at most."""
        assert self._socket
        poll = select.poll()
        poll.register(self._socket, wanted)
        return next((found for _socket, found in poll.poll(max(0.0, timeout) * 1000)), 0)

    def _listen(self, timeout: float) -> None:
        """Hears what comes within so many seconds, and says at once what is to be said to it."""
        if self._ready(select.POLLIN, timeout):
            self._read()
            self._flush()

    def _read(self) -> bool:
        """Hears what has come; whether there was anything."""
        assert self._socket
        try:
            octets = self._socket.recv(CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            self._broke(error)
            return False
        if not octets:
            self._ended("短信网关关闭了连接", "the gateway closed the connection")
            return False
        self._heard, self._questions = monotonic(), 0
        try:
            for sequence, packet in self._stream.feed(octets):
                self._hear(sequence, packet)
        except cmpp.Unreadable as error:
            name, said = self.version.name, error.words
            self._ended(
                f"短信网关发来的不是 CMPP {name}：{said.zh}；请核对 ?version=",
                f"what the gateway sends is not CMPP {name}: {said.en}; check ?version=",
            )
            return False
        return True

    def _hear(self, sequence: int, packet: cmpp.Packet) -> None:
        match packet:
            case cmpp.SubmitAnswer():
                self._told.append(answer(sequence, packet))
            case cmpp.Deliver():
                handle = Handle(self._epoch, sequence, packet.id)
                self._told.append(self._receipt(packet, handle) if packet.reports == 1 else reply(packet, handle))
            case cmpp.ActiveTest():
                self._say(cmpp.ActiveTestAnswer(), sequence)
            case cmpp.ConnectAnswer():
                self._let_in = self._let_in or packet
            case cmpp.Terminate():
                self._say(cmpp.TerminateAnswer(), sequence)
                self._dismissed = True
            case cmpp.TerminateAnswer():
                self._ended("已退出短信网关", "signed out of the gateway")

    def _receipt(self, packet: cmpp.Deliver, handle: Handle) -> Receipt:
        report = cmpp.Report.read(packet.content, self.version)
        fate, words = meaning(report.stat)
        return Receipt(
            cmpp.digits(report.id), fate, report.stat, words, moment(report.done), to=report.to,
            submitted_at=moment(report.submitted), handle=handle,
        )  # fmt: skip

    # Keeping alive.

    @property
    def _next_question(self) -> float:
        return max(self._heard, self._asked) + self.idle

    def _ask(self) -> None:
        """Asks a silent gateway whether it is there. After so many questions without a word it is not."""
        if self._end or monotonic() < self._next_question:
            return
        if self._questions < SILENT:
            self._questions, self._asked = self._questions + 1, monotonic()
            self._say(cmpp.ActiveTest())
            self._flush()
        else:
            self._ended(
                f"短信网关连续 {SILENT} 次没有应答链路检测",
                f"the gateway left {SILENT} questions whether it is there unanswered",
            )

    # How it ends.

    def _ended(self, zh: str, en: str) -> None:
        """How it ended first is how it ended."""
        self._end = self._end or Words(zh, en)

    def _broke(self, error: OSError) -> None:
        kind = type(error).__name__
        self._ended(f"与短信网关的连接中断（{kind}）", f"the connection to the gateway broke ({kind})")

    def _hold(self) -> None:
        """Raises Lost where the connection does not hold any more."""
        if self._end:
            raise Lost(self._end.zh, self._end.en)


def answer(sequence: int, packet: cmpp.SubmitAnswer) -> Answer:
    """What the gateway says to one of ours."""
    if packet.result == 0:
        return Answer(sequence, taken=True, id=cmpp.digits(packet.id))
    said = RESULTS.get(packet.result, UNLISTED)
    return Answer(sequence, taken=False, code=str(packet.result), words=said, throttled=packet.result == THROTTLED)


def reply(packet: cmpp.Deliver, handle: Handle) -> Reply:
    """What a customer wrote."""
    return Reply(domestic(packet.sender), packet.to, packet.text, cmpp.digits(packet.id), None, packet.part, handle)


def meaning(stat: str) -> tuple[Fate, Words]:
    """What a receipt's code says of the message."""
    if stat in STATS:
        return STATS[stat]
    if not (classed := CLASSED.fullmatch(stat)) or classed[1] not in CLASSES:
        return "undelivered", UNLISTED
    fate, said = CLASSES[classed[1]]
    code = int(classed[2])
    if classed[1] in GATEWAYS_OWN and code > 50 and (more := RESULTS.get(code)):
        said = Words(f"{said.zh}：{more.zh}", f"{said.en}: {more.en}")
        fate = "under_way" if code in IN_VAIN else fate
    return fate, said


def moment(said: str) -> datetime | None:
    """A receipt's time (YYMMDDhhmm); None where it is none."""
    try:
        return datetime.strptime(said, "%y%m%d%H%M").replace(tzinfo=CHINA)
    except ValueError:
        return None


def domestic(number: str) -> str:
    """A mobile number as the bank writes it, without the country in front."""
    return re.sub(r"^(?:\+|00)?86(?=1[0-9]{10}$)", "", number)


def in_ascii(septets: bytes) -> bytes:
    """The same letters, in ASCII. Raises Unwritable."""
    said, letters = bytearray(), LETTERS
    for septet in septets:
        if septet == ESCAPE and letters is LETTERS:
            letters = ESCAPED
            continue
        if septet not in letters:
            which = decode(bytes((ESCAPE, septet) if letters is ESCAPED else (septet,)), "gsm7").strip()
            zh, en = (f"“{which}”", f"“{which}”") if which else ("其他字母", "other letters")
            raise cmpp.Unwritable(
                f"CMPP 只能发送 ASCII 或 UCS-2，不能发送这条里的{zh}。请改写这一处，或在文中写上汉字（整条即用 UCS-2），再发一次",
                f"CMPP sends ASCII or UCS-2 and cannot carry {en} in this one. Reword that place, or write a Chinese character (all of it is UCS-2 then), and send it again",
            )
        said.append(letters[septet])
        letters = LETTERS
    return bytes(said)


def open_cmpp(address: str, clock: Callable[[], datetime]) -> CMPP:
    """The transport at its address. Raises Refused."""
    return CMPP(Address.read(VARIABLE, address, EXAMPLE, ("cmpp",)), clock)


KIND = Kind(Words("CMPP（中国移动）", "CMPP (China Mobile)"), ("cmpp",), EXAMPLE, open_cmpp)
