"""An operator's gateway (ISMG) as CMPP 2.0 and 3.0 describe it, over a real socket, with a journal of its own.

Written from the protocol with struct alone: nothing of `zhike.sms` is used, so that both would have to be wrong in the same way.
It can be told to misbehave.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import md5
from zoneinfo import ZoneInfo

USER, SECRET, NUMBER = "900001", "s3cret/of@ismg", "106980095588"
CHINA = ZoneInfo("Asia/Shanghai")
OFF = timedelta(minutes=5)  # by so much a clock may be wrong
GATEWAY = 10086
PATIENCE = 30.0  # seconds that a test waits before it fails

# How a message may fare, other than by a result.
SWALLOW, HANG_UP = "taken and never answered", "taken, then the connection is cut"
# When its report is told.
BEFORE, AFTER, TWICE, NEVER = "before the answer", "after it", "after it, twice", "never"

WIDTHS = {
    "2.0": {"phone": 21, "type": 0, "result": "B", "tail": 8},
    "3.0": {"phone": 32, "type": 1, "result": "I", "tail": 20},
}


@dataclass
class Taken:
    """A message as it came, field by field."""

    connection: int
    sequence: int
    fields: dict[str, bytes] = field(repr=False)
    id: int = 0
    result: int = 0

    def number(self, name: str) -> int:
        return int.from_bytes(self.fields[name], "big")

    def said(self, name: str) -> str:
        return self.fields[name].rstrip(b"\0").decode("ascii")

    @property
    def to(self) -> str:
        return self.said("Dest_terminal_Id")

    @property
    def header(self) -> bytes:
        content = self.fields["Msg_Content"]
        return content[: content[0] + 1] if self.number("TP_udhi") else b""

    @property
    def text(self) -> bytes:
        return self.fields["Msg_Content"][len(self.header) :]


class ISMG:
    """Listens from the beginning; use :func:`running`."""

    def __init__(self, version: str = "2.0", clock: Callable[[], datetime] | None = None) -> None:
        self.version = version
        self.widths = WIDTHS[version]
        self.clock = clock or (lambda: datetime.now(CHINA))
        self.journal: list[Taken] = []
        self.signed_in: list[bytes] = []  # every CONNECT's body
        self.acknowledged: list[int] = []  # every delivery's id, as it was acknowledged
        self.refused: list[tuple[int, int]] = []
        self.owed: dict[int, bytes] = {}  # deliveries that were not: told again to whoever signs in next
        self.heard: list[int] = []  # every command
        self.raw: list[bytes] = []  # every packet, both ways
        self.fares: deque[str | int] = deque()
        self.receipts = AFTER
        self.stat = "DELIVRD"
        self.status = 0
        self.answer_layout = version
        self.mute = self.deaf = False
        self.proof = b""  # instead of the right one
        self.chunk = 0  # octets written at once; 0: all
        self.reading = threading.Event()
        self.reading.set()
        self.changed = threading.Condition(threading.RLock())
        self.connections: list[socket.socket] = []
        self.present: socket.socket | None = None
        self._ids = self._sequence = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # small ones, that are soon full
            self._listening.setsockopt(socket.SOL_SOCKET, buffer, 1 << 16)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def address(self, **settings: str) -> str:
        """For ZHIKE_SMS_URL."""
        query = {"version": self.version, "from": NUMBER, "service": "BANK", **settings}
        secret = SECRET.replace("/", "%2F").replace("@", "%40")
        port = self._listening.getsockname()[1]
        return f"cmpp://{USER}:{secret}@127.0.0.1:{port}?" + "&".join(f"{name}={is_}" for name, is_ in query.items())

    # What a test does with it.

    def next(self, *fares: str | int) -> None:
        """So the next messages fare: a result, or one of the misdeeds."""
        self.fares.extend(fares)

    def until(self, condition: Callable[[], object]) -> None:
        """Waits for something to be so."""
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), "it never came to be so"

    def send(self, octets: bytes, to: socket.socket | None = None) -> None:
        """Any octets at all, to whoever is connected."""
        with self.changed:
            to = to or self.present
            assert to
            with suppress(OSError):
                step = self.chunk or len(octets) or 1
                for at in range(0, len(octets), step):
                    to.sendall(octets[at : at + step])

    def ask(self) -> int:
        """Whether they are there; by which sequence."""
        return self._want(8)

    def dismiss(self) -> None:
        """Wants the connection to end."""
        self._want(2)

    def _want(self, command: int) -> int:
        with self.changed:
            self._sequence += 1
            self._say(command, self._sequence, b"")
            return self._sequence

    def cut(self, *, hard: bool = False) -> None:
        """Ends the connection without a word; hard: by a reset."""
        with self.changed:
            assert self.present
            if hard:
                self.present.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.present.shutdown(socket.SHUT_RD)  # wakes the thread that reads; its closing is the reset
            else:
                self.present.shutdown(socket.SHUT_RDWR)

    def reply(self, sender: str, content: bytes, format: int = 8, headed: int = 0) -> int:
        """A customer wrote something."""
        return self._deliver(self._id(), sender, content, format, headed, 0)

    def report(self, id: int, to: str, stat: str = "", done: str = "2602161502", wide: bool | None = None) -> int:
        """What became of a message."""
        phone = self.widths["phone"] if wide is None else (32 if wide else 21)
        stat = stat or self.stat
        content = struct.pack(
            f">Q7s10s10s{phone}sI", id, stat.encode(), b"2602161500", done.encode(), to.encode(), 0x12345678
        )
        return self._deliver(self._id(), to, content, 0, 0, 1)

    def handset(self, to: str) -> list[str]:
        """What this customer reads: long messages put together again, whatever the order in which they came."""
        read: list[str] = []
        waiting: dict[tuple[bytes, int], dict[int, Taken]] = {}
        for taken in self.journal:
            if taken.to != to or taken.result:
                continue
            alphabet = {0: "ascii", 8: "utf-16-be", 15: "gb18030"}[taken.number("Msg_Fmt")]
            if not taken.header:
                read.append(taken.text.decode(alphabet))
                continue
            reference, (of, number) = taken.header[3:-2], taken.header[-2:]
            parts = waiting.setdefault((reference, of), {})
            parts[number] = taken
            if len(parts) == of:
                read.append(b"".join(parts[at].text for at in range(1, of + 1)).decode(alphabet))
                del waiting[reference, of]
        assert not waiting, "a part is missing"
        return read

    # How it works.

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _from = self._listening.accept()
                with self.changed:
                    self.connections.append(connection)
                    self.present = connection
                thread = threading.Thread(target=self._serve, args=(connection, len(self.connections)), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        left = b""
        with suppress(OSError), connection:
            while True:
                self.reading.wait()
                octets = connection.recv(1 << 16)
                if not octets:
                    break
                left += octets
                while len(left) >= 12 and len(left) >= (length := int.from_bytes(left[:4], "big")):
                    packet, left = left[:length], left[length:]
                    with self.changed:
                        self.raw.append(packet)
                        command, sequence = struct.unpack(">II", packet[4:12])
                        self.heard.append(command)
                        self._heard(connection, command, sequence, packet[12:], number)
                        self.changed.notify_all()

    def _heard(self, connection: socket.socket, command: int, sequence: int, body: bytes, number: int) -> None:
        match command:
            case 0x00000001:
                self._connect(connection, sequence, body)
            case 0x00000002:
                self._say(0x80000002, sequence, b"", connection)
                connection.shutdown(socket.SHUT_WR)
            case 0x00000004:
                self._submit(connection, sequence, body, number)
            case 0x00000008:
                if not self.deaf:
                    self._say(0x80000008, sequence, b"\0", connection)
            case 0x80000005:
                id, result = struct.unpack(f">Q{self.widths['result']}", body)
                if result:
                    self.refused.append((id, result))
                else:
                    self.acknowledged.append(id)
                    self.owed.pop(id, None)

    def _say(self, command: int, sequence: int, body: bytes, to: socket.socket | None = None) -> None:
        packet = struct.pack(">III", 12 + len(body), command, sequence) + body
        self.raw.append(packet)
        self.send(packet, to)

    def _connect(self, connection: socket.socket, sequence: int, body: bytes) -> None:
        if self.mute:
            return
        self.signed_in.append(body)
        source, proof, version, timestamp = body[:6], body[6:22], body[22], int.from_bytes(body[23:27], "big")
        status = self.status
        if not status:
            now = self.clock().astimezone(CHINA)
            with_year = f"{now.year}{timestamp:010}"
            said = datetime.strptime(with_year, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
            right = md5(USER.encode() + bytes(9) + SECRET.encode() + f"{timestamp:010}".encode()).digest()
            if source.rstrip(b"\0") != USER.encode():
                status = 2
            elif version > (0x30 if self.version == "3.0" else 0x20):
                status = 4
            elif proof != right or abs(said - now) > OFF:
                status = 3
        octets = struct.pack(">" + WIDTHS[self.answer_layout]["result"], status)
        ours = self.proof or md5(octets + proof + SECRET.encode()).digest()
        self._say(0x80000001, sequence, octets + ours + bytes([0x30 if self.version == "3.0" else 0x20]), connection)
        if status:
            connection.shutdown(socket.SHUT_WR)
            return
        for owed in list(self.owed.values()):
            self._sequence += 1
            self._say(0x00000005, self._sequence, owed, connection)

    def _submit(self, connection: socket.socket, sequence: int, body: bytes, number: int) -> None:
        taken = Taken(number, sequence, self._fields(body))
        fare = self.fares.popleft() if self.fares else 0
        if isinstance(fare, int):
            taken.result = fare
        if not taken.result:
            taken.id = self._id()
        self.journal.append(taken)
        if fare == HANG_UP:
            connection.shutdown(socket.SHUT_RDWR)
            return
        if taken.result == 0 and self.receipts == BEFORE:
            self.report(taken.id, taken.to)
        if fare != SWALLOW:
            answer = struct.pack(f">Q{self.widths['result']}", taken.id, taken.result)
            self._say(0x80000004, sequence, answer, connection)
        if taken.result == 0:
            for _ in range({AFTER: 1, TWICE: 2}.get(self.receipts, 0)):
                self.report(taken.id, taken.to)

    def _fields(self, body: bytes) -> dict[str, bytes]:
        """The table of CMPP_SUBMIT, walked from its top to its end."""
        wide = self.widths["type"] == 1
        phone = self.widths["phone"]
        table: list[tuple[str, int]] = [
            ("Msg_Id", 8), ("Pk_total", 1), ("Pk_number", 1), ("Registered_Delivery", 1), ("Msg_level", 1),
            ("Service_Id", 10), ("Fee_UserType", 1), ("Fee_terminal_Id", phone), *([("Fee_terminal_type", 1)] if wide else []),
            ("TP_pId", 1), ("TP_udhi", 1), ("Msg_Fmt", 1), ("Msg_src", 6), ("FeeType", 2), ("FeeCode", 6), ("ValId_Time", 17),
            ("At_Time", 17), ("Src_Id", 21), ("DestUsr_tl", 1), ("Dest_terminal_Id", phone),
            *([("Dest_terminal_type", 1)] if wide else []), ("Msg_Length", 1),
        ]  # fmt: skip
        fields, at = {}, 0
        for name, width in table:
            fields[name] = body[at : at + width]
            at += width
        assert fields["DestUsr_tl"] == b"\1"
        length = fields["Msg_Length"][0]
        fields["Msg_Content"] = body[at : at + length]
        fields["end"] = body[at + length :]
        assert len(fields["end"]) == self.widths["tail"]
        return fields

    def _id(self) -> int:
        self._ids += 1
        return (2 << 60) | (16 << 55) | (15 << 50) | (2 << 44) | (9 << 38) | (GATEWAY << 16) | self._ids

    def _deliver(self, id: int, sender: str, content: bytes, format: int, headed: int, reports: int) -> int:
        phone, kind = self.widths["phone"], bytes(self.widths["type"])
        body = struct.pack(">Q21s10sBBB", id, NUMBER.encode(), b"BANK", 0, headed, format)
        body += sender.encode().ljust(phone, b"\0") + kind + bytes([reports, len(content)]) + content
        body += bytes(self.widths["tail"])
        with self.changed:
            self.owed[id] = body
            self._sequence += 1
            self._say(0x00000005, self._sequence, body)
        return id

    def stop(self) -> None:
        self.reading.set()
        for each in (self._listening, *self.connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()


@contextmanager
def running(version: str = "2.0", clock: Callable[[], datetime] | None = None) -> Iterator[ISMG]:
    ismg = ISMG(version, clock)
    try:
        yield ismg
    finally:
        ismg.stop()
