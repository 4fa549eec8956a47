"""SMPP 3.4: what gateways outside China's operators speak, and aggregators everywhere.

One connection, read and written in batches: all that lies there is read at once, all parts leave in one write. What leaves is never
repeated. What comes from the gateway is acknowledged by :meth:`Smpp.took` alone; until then the gateway tells it again.

How a PDU is written and read is `zhike/sms/smpp.py`.
"""

from __future__ import annotations

import logging
import re
import select
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from zoneinfo import ZoneInfo, available_timezones

from zhike.address import Address
from zhike.conduct.words import Words
from zhike.sms import segments
from zhike.sms import smpp as pdu
from zhike.sms.numbers import CHINA

from .transport import VARIABLE, Answer, Event, Kind, Lost, Part, Receipt, Reply, Unbound

EXAMPLE = "smpp://user:password@smsc.bank.example:2775?from=95588&bind=trx&window=50"
PORTS = {"smpps": 3550, "smpp": 2775}
# fmt: off
SETTINGS = {  # docs/operations/gateways.md says what they mean
    "bind", "from", "from_ton", "from_npi", "to_ton", "to_npi", "prefix", "type", "window", "rate", "long", "ids", "zone", "idle",
}
# fmt: on
PATIENCE = 10.0  # seconds for signing in, for a write, for the answer to "are you there"
FAREWELL = 2.0
BATCH = 1 << 20  # octets that one reading takes at most
LONGEST = 1 << 16  # octets of a PDU; 255 segments in one are 39,015

log = logging.getLogger("zhike.sms")


@dataclass(frozen=True, slots=True)
class Handle:
    """By which a receipt or a reply is acknowledged."""

    connection: int
    sequence: int


class Smpp:
    """One gateway, one connection at a time. ``patience``: seconds; ``idle``: after so many of silence the gateway is asked whether
    it is there."""

    _next: int  # sequence number
    _came: bytearray  # not yet understood from `_at` on
    _at: int
    _lost: Lost | None  # how the connection ended
    _parting: Lost | None  # how it is about to, once all before has been read
    _heard: float
    _asked: float  # whether the gateway is there, under the number `_question`
    _question: int

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self.address = address
        self.patience = patience
        query = address.query
        if unknown := sorted(query.keys() - SETTINGS):
            raise address.wrong(f"没有 ?{unknown[0]}= 这一项", f"there is no ?{unknown[0]}=")
        for zh, en, text, most in (("账号", "user", address.user, 15), ("密码", "password", address.secret, 8)):
            if not text or not text.isascii() or "\0" in text or len(text) > most:
                raise address.wrong(
                    f"{zh}须为 1 到 {most} 个英文字符（SMPP 3.4 的限制）",
                    f"the {en} has 1 to {most} ASCII characters (SMPP 3.4 allows no more)",
                )
        self.bind = chosen(address, "bind", tuple(pdu.BINDS))
        self.whole = chosen(address, "long", ("udh", "payload")) == "payload"
        self.window = 0 if self.bind == "rx" else number(address, "window", 50, 1, 10_000)
        self.rate = number(address, "rate", 0, 0, 100_000)
        self.idle = float(number(address, "idle", 30, 1, 3600))
        answered, _, receipted = chosen(
            address, "ids", ("same", *(f"{a}-{b}" for a in pdu.BASES for b in pdu.BASES))
        ).partition("-")
        # The form of ids in answers, and in receipts' texts where gateways write the same number otherwise.
        self._answered, self._receipted = answered, receipted or answered
        self._zone = zone(address)
        self._type = query.get("type", "")
        if not re.fullmatch(r"[\x21-\x7E]{0,12}", self._type):
            raise address.wrong("?type= 须为至多 12 个英文字符", "?type= has 12 ASCII characters at most")
        self._before, self._prefix = self._numbering()
        self._trusted = ssl.create_default_context() if address.scheme == "smpps" else None
        self._sock: socket.socket | None = None
        self._poll = select.poll()
        self._connection = 0  # so that nothing of an earlier one is acknowledged on this one
        self._fresh()

    # What every transport does.

    def open(self) -> None:
        """Connects and signs in; numbers begin anew."""
        self._drop()
        self._connection += 1
        until = monotonic() + self.patience
        self._sock = self._reach(until)
        try:
            self._sign_in(until)
        except Unbound:
            self._drop()
            raise

    def numbers(self, count: int) -> list[int]:
        """The next sequence numbers; our own questions to the gateway take theirs from the same row."""
        first = self._next
        self._next += count
        if self._next <= pdu.LAST:
            return list(range(first, first + count))
        taken = [(number - 1) % pdu.LAST + 1 for number in range(first, first + count)]
        self._next = taken[-1] % pdu.LAST + 1
        return taken

    def submit(self, parts: Sequence[Part]) -> None:
        """All of them in one write."""
        self._write(b"".join(map(self.coded, parts)))

    def events(self, timeout: float) -> list[Event]:
        """What has come; a connection that ended still tells what it had said."""
        until = monotonic() + timeout
        events = self._understood()
        while not events and not self._lost:
            self._receive(max(0.0, min(until, self._due()) - monotonic()))
            events = self._understood()
            self._keep_alive()
            if monotonic() >= until:
                break
        if not events and self._lost:
            lost = self._lost
            self._drop()
            raise lost
        return events

    def took(self, events: Sequence[Event]) -> None:
        """Acknowledged on the connection that told it; where that has ended, the gateway tells it again."""
        handles = [event.handle for event in events if not isinstance(event, Answer)]
        taken = [handle for handle in handles if isinstance(handle, Handle) and handle.connection == self._connection]
        with suppress(Lost):  # the next reading tells it
            self._write(b"".join(pdu.acknowledged(handle.sequence) for handle in taken))

    def close(self) -> None:
        """Says that we go, and hears the answer out if it comes soon."""
        if self._sock and not self._lost:
            until = monotonic() + min(FAREWELL, self.patience)
            with suppress(Lost):
                self._write(pdu.rare("unbind", *self.numbers(1)))
                while not self._lost and (left := until - monotonic()) > 0:
                    self._receive(left)
                    while (frame := self._frame()) and frame[0] != pdu.UNBIND | pdu.ANSWER:
                        pass
                    if frame:
                        break
        self._drop()

    # What leaves.

    def coded(self, part: Part) -> bytes:
        """A part as submit_sm. A text that is handed over whole goes as it is where it fits, otherwise as message_payload."""
        message, field = part.header + part.octets, b""
        coding = part.coding
        if self.whole:
            coding = segments.coding(part.text)
            message = segments.encode(part.text, coding)
            if len(message) > segments.ROOM[coding][0]:
                message, field = b"", pdu.TLV.pack(pdu.PAYLOAD, len(message)) + message
        body = b"%b%b\0%c\0\0\0\0\1\0%c\0%c%b%b" % (
            self._before,
            self._prefix + part.to.encode("ascii"),
            pdu.UDH if part.header else 0,
            8 if coding == "ucs2" else 0,
            len(message),
            message,
            field,
        )
        return pdu.HEADER.pack(16 + len(body), pdu.SUBMIT, 0, part.sequence) + body

    def _numbering(self) -> tuple[bytes, bytes]:
        """What stands in every submit_sm before the recipient's number, and in that number before the bank's own eleven digits."""
        address, query = self.address, self.address.query
        source, prefix = query.get("from", ""), query.get("prefix", "")
        if not re.fullmatch(r"[0-9A-Za-z]{1,20}", source) and self.bind != "rx":
            raise address.wrong(
                "?from= 须为发送号码，1 到 20 个数字或字母",
                "?from= is the number that messages come from, 1 to 20 digits or letters",
            )
        if not re.fullmatch(r"\+?[0-9]{0,8}", prefix):
            raise address.wrong("?prefix= 须为号码前的区号，如 86", "?prefix= stands before the numbers, as 86")
        named = not source.isdigit()  # the type of a number: 5 is a name, 1 has the country in front, 0 leaves it open
        kinds = bytes(
            number(address, name, default, 0, 255)
            for name, default in (
                ("from_ton", 5 if named else 0),
                ("from_npi", 0 if named else 1),
                ("to_ton", 1 if prefix else 0),
                ("to_npi", 1),
            )
        )
        return b"\0" + kinds[:2] + source.encode("ascii") + b"\0" + kinds[2:], prefix.encode("ascii")

    def _write(self, octets: bytes) -> None:
        """All of it, reading meanwhile: a gateway that waits for its own words to be read would never read ours. Raises Lost."""
        until = monotonic() + self.patience
        left = memoryview(octets)
        while left:
            if self._lost or self._sock is None:
                raise self._lost or Lost("与网关没有连接", "there is no connection to the gateway")
            try:
                left = left[self._sock.send(left) :]
                until = monotonic() + self.patience
                continue
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError as error:
                self._lost = broken(error)
                continue
            if (waits := until - monotonic()) <= 0:
                self._lost = Lost(
                    f"网关 {self.patience:g} 秒内没有读取我方数据",
                    f"the gateway read nothing for {self.patience:g} seconds",
                )
                continue
            self._poll.modify(self._sock, select.POLLIN | select.POLLOUT)
            self._poll.poll(waits * 1000)
            self._poll.modify(self._sock, select.POLLIN)
            self._receive(0)

    # What comes.

    def _receive(self, timeout: float) -> None:
        """What lies there, waiting for the first of it. However the connection ends is kept, and told once all before it is."""
        if self._lost:
            return
        if self._sock is None:
            self._lost = Lost("与网关没有连接", "there is no connection to the gateway")
            return
        pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()
        if not pending and not self._poll.poll(timeout * 1000):
            return
        del self._came[: self._at]
        self._at = 0
        enough = len(self._came) + BATCH
        while len(self._came) < enough:
            try:
                octets = self._sock.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                self._lost = broken(error)
                return
            if not octets:
                self._lost = Lost("网关断开了连接", "the gateway ended the connection")
                return
            self._came += octets
            self._heard = monotonic()

    def _frame(self) -> tuple[int, int, int, bytes] | None:
        """The next PDU that is there as a whole: command, status, sequence, body."""
        came, at = self._came, self._at
        if len(came) - at < pdu.HEADER.size:
            return None
        length, command, status, sequence = pdu.HEADER.unpack_from(came, at)
        if not pdu.HEADER.size <= length <= LONGEST:
            self._lost = Lost(
                f"网关发来的不是 SMPP（长度 {length}），已断开",
                f"what the gateway said is no SMPP (length {length}); hung up",
            )
            self._came, self._at = bytearray(), 0
            return None
        if len(came) - at < length:
            return None
        self._at = at + length
        return command, status, sequence, bytes(came[at + pdu.HEADER.size : at + length])

    def _understood(self) -> list[Event]:
        """The events among what has come; what only the session needs is answered here."""
        events: list[Event] = []
        said: list[bytes] = []
        while frame := self._frame():
            command, status, sequence, body = frame
            if command == pdu.SUBMIT | pdu.ANSWER:
                events.append(self._answer(status, sequence, body))
            elif command == pdu.DELIVER:
                if read := pdu.Delivered.read(body):
                    events.append(self._told(read, Handle(self._connection, sequence)))
                else:  # told again it would be no clearer, and stand before all that follows
                    log.warning("a deliver_sm of %d octets cannot be read, and was turned down", len(body))
                    said.append(pdu.acknowledged(sequence, pdu.UNREADABLE))
            elif command == pdu.ENQUIRE:
                said.append(pdu.rare("enquire_link_resp", sequence))
            elif command == pdu.UNBIND:
                said.append(pdu.rare("unbind_resp", sequence))
                self._parting = Lost("网关结束了登录（unbind）", "the gateway signed us out (unbind)")
            elif command == pdu.NACK and not sequence:
                self._parting = Lost(
                    "网关读不懂我方数据（generic_nack）", "the gateway cannot read what we say (generic_nack)"
                )
            elif command == pdu.NACK and sequence != self._question:
                events.append(self._answer(status or 0xFF, sequence, b""))
            elif command < pdu.ANSWER and command not in pdu.UNANSWERED:
                said.append(pdu.rare("generic_nack", sequence, 0x03))
        with suppress(Lost):
            self._write(b"".join(said))
        self._lost = self._lost or self._parting
        return events

    def _answer(self, status: int, sequence: int, body: bytes) -> Answer:
        if not status:
            return Answer(sequence, True, pdu.named(body.partition(b"\0")[0], self._answered))
        code, throttled = f"0x{status:02X}", status in pdu.THROTTLED
        return Answer(sequence, False, code=code, words=pdu.meaning(status), throttled=throttled)

    def _told(self, read: pdu.Delivered, handle: Handle) -> Receipt | Reply:
        if read.kind & 0x3C in pdu.RECEIPTS or (pdu.RECEIPTED_ID in read.fields and pdu.STATE in read.fields):
            return self._receipt(read, handle)
        message, part = read.message, pdu.joined_by(read.fields)
        if read.kind & pdu.UDH and message:
            message, part = message[1 + message[0] :], pdu.parted(message[1 : 1 + message[0]]) or part
        return Reply(
            pdu.mobile(read.source), pdu.plain(read.to), pdu.spoken(message, read.coding), part=part, handle=handle
        )

    def _receipt(self, read: pdu.Delivered, handle: Handle) -> Receipt:
        """By its optional fields where it has them, by its text otherwise."""
        text = pdu.FREE_TEXT.split(pdu.plain(read.message), maxsplit=1)[0]
        told: dict[str, str] = {}
        for name, value in pdu.TOLD.findall(text):
            told.setdefault(name.lower(), value)
        if field := read.fields.get(pdu.RECEIPTED_ID):
            id = pdu.named(field, self._answered)
        else:
            id = pdu.named(told.get("id", "").encode("latin-1"), self._receipted)
        stat = told.get("stat", "").upper()
        stat = pdu.WRITTEN_OUT.get(stat, stat)
        if field := read.fields.get(pdu.STATE):
            stat = pdu.NUMBERED.get(field[-1], stat)
        if pdu.OPERATORS_OWN.fullmatch(stat):
            fate, words = pdu.STATES["UNDELIV"]
        else:  # a state that nobody knows decides nothing
            fate, words = pdu.STATES.get(stat, pdu.STATES["UNKNOWN"])
        network = str(int.from_bytes(read.fields.get(pdu.NETWORK_ERROR, b"")[1:]))  # behind the kind of network
        error = next((one for one in (told.get("err", ""), network) if one.strip("0")), "")
        code = ":".join(filter(None, (stat, error)))
        return Receipt(
            id, fate, code[:40], words, pdu.done(told.get("done date", ""), self._zone), to=pdu.plain(read.source),
            submitted_at=pdu.done(told.get("submit date", ""), self._zone), handle=handle,
        )  # fmt: skip

    # The connection.

    def _reach(self, until: float) -> socket.socket:
        """A connection, encrypted where the address says so. Raises Unbound."""
        address = self.address
        where = f"{address.host}:{address.port or PORTS[address.scheme]}"
        plainly: socket.socket | None = None
        try:
            plainly = socket.create_connection((address.host, address.port or PORTS[address.scheme]), self.patience)
            plainly.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plainly.settimeout(max(0.01, until - monotonic()))
            return self._trusted.wrap_socket(plainly, server_hostname=address.host) if self._trusted else plainly
        except (OSError, ValueError) as error:
            if plainly:
                plainly.close()
            raise unreached(where, error, self.patience, encrypted=self._trusted is not None) from None

    def _sign_in(self, until: float) -> None:
        """The bind, and its answer. Raises Unbound."""
        assert self._sock
        self._sock.setblocking(False)
        self._poll.register(self._sock, select.POLLIN)
        self._fresh()
        name, command = pdu.BINDS[self.bind]
        (sequence,) = self.numbers(1)
        with suppress(Lost):
            self._write(
                pdu.rare(
                    name,
                    sequence,
                    system_id=self.address.user,
                    password=self.address.secret,
                    system_type=self._type,
                )
            )
        while not (frame := self._frame()) and not self._lost:
            if (left := until - monotonic()) <= 0:
                raise Unbound(
                    f"网关在 {self.patience:g} 秒内没有答复登录",
                    f"the gateway did not answer the sign-in within {self.patience:g} seconds",
                )
            self._receive(left)
        if not frame:
            assert self._lost
            said = self._lost.words
            raise Unbound(
                f"登录未完成：{said.zh}。请检查地址与端口，以及本机 IP 是否在网关的白名单中",
                f"signing in was not finished: {said.en}. Check address and port, and whether the gateway lets this machine's address in",
            )
        answered, status, answers, _body = frame
        if (
            answered not in (command | pdu.ANSWER, pdu.NACK)
            or answers not in (sequence, 0)
            or (answered == pdu.NACK and not status)
        ):
            raise Unbound("网关对登录的答复看不懂", "the gateway's answer to the sign-in cannot be understood")
        if status:
            raise refused(status)

    def _fresh(self) -> None:
        """A connection of which nothing is known yet."""
        self._next = 1
        self._came, self._at = bytearray(), 0
        self._lost = None
        self._parting = None
        self._heard = monotonic()
        self._asked = 0.0
        self._question = 0

    def _keep_alive(self) -> None:
        """After a silence the gateway is asked; one that does not answer that is gone."""
        if self._lost or monotonic() < self._due():
            return
        if self._asked >= self._heard:
            self._lost = Lost(
                f"网关 {self.patience:g} 秒没有应答链路检测",
                f"the gateway did not answer for {self.patience:g} seconds whether it is there",
            )
            return
        (self._question,) = self.numbers(1)
        with suppress(Lost):
            self._write(pdu.rare("enquire_link", self._question))
        self._asked = monotonic()

    def _due(self) -> float:
        """When it is next to be asked, or given up."""
        return self._asked + self.patience if self._asked >= self._heard else self._heard + self.idle

    def _drop(self) -> None:
        if self._sock:
            self._poll.unregister(self._sock)
            self._sock.close()
            self._sock = None


def refused(status: int) -> Unbound:
    """Why the gateway does not let us in."""
    said = pdu.meaning(status)
    if status in (*pdu.WRONG_CREDENTIALS, 0x0D):
        zh, en = (
            f"。请核对 {VARIABLE} 中的账号与密码；也可能是本机 IP 未登记",
            f". Check user and password in {VARIABLE}; this machine's address may not be registered either",
        )
    else:
        zh, en = "", ""
    return Unbound(
        f"网关拒绝登录：{said.zh}（0x{status:02X}）{zh}",
        f"the gateway refused the sign-in: {said.en} (0x{status:02X}){en}",
        permanent=status in (*pdu.WRONG_CREDENTIALS, 0x53),
    )


def unreached(where: str, error: OSError | ValueError, patience: float, *, encrypted: bool) -> Unbound:
    """Why there is no connection, in words of our own."""
    match error:
        case ssl.SSLCertVerificationError():
            return Unbound(
                f"网关 {where} 的证书不受信任。若由行内机构签发，请用 SSL_CERT_FILE 指明其根证书",
                f"the certificate of the gateway {where} is not trusted. If the bank's own authority signed it, SSL_CERT_FILE names its root",
            )
        case TimeoutError():
            return Unbound(
                f"网关 {where} 在 {patience:g} 秒内没有应答，请检查地址、端口与防火墙",
                f"the gateway {where} did not answer within {patience:g} seconds; check address, port and firewall",
            )
        case socket.gaierror() | UnicodeError():
            return Unbound(
                f"找不到主机 {where}，请检查主机名与 DNS", f"there is no host {where}; check its name and DNS"
            )
        case ConnectionRefusedError():
            return Unbound(f"{where} 上没有网关在监听，请检查端口", f"nobody listens at {where}; check the port")
        case ssl.SSLError() | ValueError() | ConnectionResetError() | BrokenPipeError() if encrypted:
            return Unbound(
                f"与网关 {where} 无法建立加密连接。该端口可能不加密：不加密的地址以 smpp:// 开头",
                f"no encryption could be agreed with the gateway {where}. Its port may be without: such addresses begin with smpp://",
            )
    kind = type(error).__name__
    return Unbound(f"连接网关 {where} 失败（{kind}）", f"connecting to the gateway {where} failed ({kind})")


def broken(error: OSError) -> Lost:
    """How the connection ended."""
    kind = type(error).__name__
    return Lost(f"与网关的连接中断（{kind}）", f"the connection to the gateway broke ({kind})")


def chosen(address: Address, name: str, choices: Sequence[str]) -> str:
    """One of these, the first where nothing is said. Raises Refused."""
    value = address.query.get(name, choices[0])
    if value not in choices:
        raise address.wrong(f"?{name}= 须为 {'、'.join(choices)} 之一", f"?{name}= is one of {', '.join(choices)}")
    return value


def number(address: Address, name: str, default: int, least: int, most: int) -> int:
    """A whole number within its bounds. Raises Refused."""
    value = address.query.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
        raise address.wrong(
            f"?{name}= 须为 {least} 到 {most} 的整数", f"?{name}= is a whole number from {least} to {most}"
        )
    return int(value)


def zone(address: Address) -> ZoneInfo:
    """Where the gateway's clock hangs, by which receipts tell the time. Raises Refused."""
    name = address.query.get("zone", CHINA)
    if name not in available_timezones():
        raise address.wrong(f"?zone= 须为时区名，如 {CHINA}", f"?zone= names a time zone, as {CHINA}")
    return ZoneInfo(name)


def open_smpp(address: str, _clock: Callable[[], datetime]) -> Smpp:
    """The gateway at its address. The protocol asks for no time."""
    return Smpp(Address.read(VARIABLE, address, EXAMPLE, PORTS))


KIND = Kind(Words("SMPP 3.4 网关", "SMPP 3.4 gateway"), tuple(PORTS), EXAMPLE, open_smpp)
