"""Files handed over in a folder, for a platform that takes no requests: batches out, receipts and replies in.

Each file ends with its totals: so many lines, the sum of their numbers, SHA-256 of all before. A batch has its name once it is whole and
on disk, and not before; only then are its messages answered as taken. A file that came is taken in as a whole or not at all.

    out/zhike-20260216-145620-….csv      reference,number,text,time
    in/receipts….csv                     reference,state,code,time
    in/replies….csv                      number,text,time
    done/                                what was taken in: its fingerprint, none of its words
    rejected/                            what could not be, and beside it why
"""

from __future__ import annotations

import csv
import io
import logging
import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from zhike.address import Address
from zhike.conduct.words import Words
from zhike.sms.models import Message
from zhike.sms.numbers import CHINA, plain

from .transport import REFERENCE, VARIABLE, Answer, Event, Fate, Kind, Lost, Part, Receipt, Reply, Unbound

SCHEME = "file"
EXAMPLE = "file:///var/spool/zhike-sms?encoding=GB18030&lines=500&seconds=1"
SETTINGS = {"encoding", "lines", "seconds", "zone"}
ENCODINGS = ("UTF-8", "GB18030")
OUT, IN, DONE, REJECTED = FOLDERS = ("out", "in", "done", "rejected")
BATCH, RECEIPTS, REPLIES = ("reference", "number", "text", "time"), ("reference", "state", "code", "time"), ("number", "text", "time")  # fmt: skip
TOTAL = "#total"
LARGEST = 64 * 1024 * 1024
LOOK = 1.0  # seconds between two looks into the folder
LEFT_OVER = 3600.0  # seconds after which a half written batch is nobody's
SETTLED = 60.0  # seconds for which a file without totals is taken to be still on its way
TIME = "%Y-%m-%d %H:%M:%S"

# As gateways call them, so that a platform that has receipts from an operator may hand them on as they are.
STATES: dict[str, tuple[Fate, Words]] = {
    "DELIVRD": ("delivered", Words("已送达", "delivered")),
    "UNDELIV": ("undelivered", Words("无法送达", "undeliverable")),
    "REJECTD": ("undelivered", Words("被拒绝", "rejected")),
    "DELETED": ("undelivered", Words("已被网关删除", "deleted at the gateway")),
    "EXPIRED": ("expired", Words("超过有效期，未送达", "not delivered within its validity")),
    "ACCEPTD": ("under_way", Words("网关已接受", "accepted on the way")),
    "ENROUTE": ("under_way", Words("发送中", "under way")),
    "UNKNOWN": ("under_way", Words("网关不知其状态", "the gateway does not know its state")),
}

log = logging.getLogger("zhike.sms")


class Unfit(Exception):
    """A file that cannot be taken in, with the sentence that is put beside it. ``unfinished``: it may only be on its way yet."""

    def __init__(self, zh: str, en: str, *, unfinished: bool = False) -> None:
        super().__init__(en)
        self.words = Words(zh, en)
        self.unfinished = unfinished


@dataclass(frozen=True, slots=True)
class Handle:
    """The file that an event stood in, by its name and its fingerprint."""

    name: str
    print: str


class File:
    """A folder that the platform sees too. ``lines``: so many messages a file at most; ``seconds``: so long the first of them waits."""

    whole = True
    rate = 0

    def __init__(self, address: Address, clock: Callable[[], datetime]) -> None:
        if unknown := sorted(address.query.keys() - SETTINGS):
            raise address.wrong(f"没有 ?{unknown[0]}= 这一项", f"there is no ?{unknown[0]}=")
        self.folder = Path(address.path)
        self.encoding = address.query.get("encoding", ENCODINGS[0]).upper()
        if self.encoding not in ENCODINGS:
            raise address.wrong("?encoding= 须为 UTF-8 或 GB18030", "?encoding= is UTF-8 or GB18030")
        self.lines = _number(address, "lines", 500, 1, 50_000)
        self.seconds = float(_number(address, "seconds", 1, 0, 30))
        zone = address.query.get("zone", CHINA)
        if zone not in available_timezones():
            raise address.wrong(f"?zone= 须为时区名，如 {CHINA}", f"?zone= names a time zone, as {CHINA}")
        self.zone = ZoneInfo(zone)
        self.window = 2 * self.lines
        self.look, self.settled = LOOK, SETTLED
        self._clock = clock
        self._waiting: list[Part] = []
        self._since = 0.0
        self._came: list[Event] = []
        self._lost: Lost | None = None
        self._sequence = count(1)
        self._looked = 0.0
        self._unfinished: dict[str, tuple[int, float]] = {}  # name → size, since when it has it

    def open(self) -> None:
        """Sees to it that the folders are there and can be written to; what a run that died left half written goes out of the way."""
        self._waiting.clear()
        self._came.clear()
        self._unfinished.clear()
        self._lost, self.window = None, 2 * self.lines
        self._sequence, self._looked = count(1), 0.0
        try:
            for name in FOLDERS:
                (self.folder / name).mkdir(mode=0o750, parents=True, exist_ok=True)
            probe = self.folder / OUT / f".{secrets.token_hex(8)}.part"
            _write(probe, b"\n" * 4096)
            self._sweep(probe.stat().st_mtime)
            probe.unlink()
            for name in (DONE, REJECTED, IN):
                if not os.access(self.folder / name, os.W_OK | os.X_OK):
                    raise PermissionError
        except OSError as error:
            kind = type(error).__name__
            raise Unbound(
                f"文件夹 {self.folder} 不能写入（{kind}）。请检查路径、权限与磁盘空间",
                f"the folder {self.folder} cannot be written to ({kind}); check its path, rights and space",
            ) from None

    def numbers(self, count: int) -> list[int]:
        return [next(self._sequence) for _ in range(count)]

    def submit(self, parts: Sequence[Part]) -> None:
        """They wait for others to share a file with; full files are written at once."""
        if not self._waiting:
            self._since = monotonic()
        self._waiting += parts
        while len(self._waiting) >= self.lines:
            self._hand_over()

    def events(self, timeout: float) -> list[Event]:
        """Writes what has waited long enough, reads what has come."""
        until = monotonic() + timeout
        while True:
            if self._waiting and monotonic() - self._since >= self.seconds:
                self._hand_over()
            if monotonic() - self._looked >= self.look and not self._lost:
                self._look_in()
            if self._came or monotonic() >= until:
                break
            sleep(max(0.0, min(0.05, until - monotonic())))
        came, self._came = self._came, []
        if not came and self._lost:
            raise self._lost
        return came

    def took(self, events: Sequence[Event]) -> None:
        """What is kept is noted by its fingerprint, and the file is removed: it holds numbers, and customers' words."""
        for handle in dict.fromkeys(each.handle for each in events if isinstance(each, Receipt | Reply)):
            if isinstance(handle, Handle):
                self._done(handle)

    def close(self) -> None:
        """What was handed to us leaves; its answers nobody hears any more, its receipts tell."""
        while self._waiting and not self._lost:
            self._hand_over()
        self._came.clear()

    # Out.

    def _sweep(self, now: float) -> None:
        """What a run that died left half written never had a name that is taken; its messages say that nobody knows of them."""
        for half in (self.folder / OUT).glob(".*.part"):
            with suppress(FileNotFoundError):
                if now - half.stat().st_mtime > LEFT_OVER:
                    half.unlink()

    def _hand_over(self) -> None:
        """One batch: written, synced, named. Answered once it is all of that; where it could not be written, nothing has left."""
        parts, self._waiting = self._waiting[: self.lines], self._waiting[self.lines :]
        now = self._clock().astimezone(self.zone)
        name = f"zhike-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.csv"
        rows = [(part.reference, part.to, part.text, now.strftime(TIME)) for part in parts]
        half, whole = self.folder / OUT / f".{name}.part", self.folder / OUT / name
        try:
            _write(half, written(BATCH, rows, sum(int(part.to) for part in parts), self.encoding))
        except OSError as error:
            with suppress(OSError):
                half.unlink()
            kind = os.strerror(error.errno) if error.errno else type(error).__name__
            self._stop(
                Words(f"批文件写不下去（{kind}），未交出", f"the batch could not be written ({kind}), nothing left")
            )
            self._hold(parts)
            return
        try:
            os.rename(half, whole)
            _sync(whole.parent)
        except OSError as error:
            # It may have its name, and be taken: what became of it is not known.
            kind = type(error).__name__
            self._stop(Words(f"批文件可能没有交出（{kind}）", f"the batch may not have been handed over ({kind})"))
            return
        self._came += [Answer(part.sequence, True, id=f"{name}:{line}") for line, part in enumerate(parts, start=1)]

    def _stop(self, why: Words) -> None:
        """Nothing more is taken; what waits has not left."""
        self._lost, self.window = Lost(why.zh, why.en), 0
        waiting, self._waiting = self._waiting, []
        self._hold(waiting)

    def _hold(self, parts: Sequence[Part]) -> None:
        """Definitely not handed over: tried again, once the folder can be written to."""
        assert self._lost
        words = self._lost.words
        self._came += [Answer(part.sequence, False, code="file", words=words, throttled=True) for part in parts]

    # In.

    def _look_in(self) -> None:
        """Takes in one file, the oldest by name; those that cannot be go aside."""
        self._looked = monotonic()
        try:
            names = sorted(each.name for each in os.scandir(self.folder / IN) if each.is_file(follow_symlinks=False))
        except OSError as error:
            kind = type(error).__name__
            self._stop(Words(f"读不到收件文件夹（{kind}）", f"the folder of what comes cannot be read ({kind})"))
            return
        for name in names:
            if name.startswith(".") or not name.endswith(".csv"):
                continue  # on its way yet
            try:
                came, handle = self._read(name)
            except Unfit as unfit:
                if not (unfit.unfinished and self._is_young(name)):
                    self._reject(name, unfit)
                continue
            except OSError as error:
                log.warning("The file %s cannot be read yet: %s", name, type(error).__name__)
                continue
            self._unfinished.pop(name, None)
            if not came:
                self._done(handle)
                continue
            self._came += came
            self._looked = monotonic()
            return  # the next one once this one is kept

    def _read(self, name: str) -> tuple[list[Event], Handle]:
        """A file's events. Raises Unfit."""
        path = self.folder / IN / name
        if path.stat().st_size > LARGEST:
            raise Unfit("文件太大，请拆成几份", "the file is too large; hand it over in several")
        body = path.read_bytes()
        handle = Handle(name, sha256(body).hexdigest())
        if (self.folder / DONE / handle.print).exists():
            raise Unfit("这份文件已经收过，内容完全相同", "this very file was taken in before")
        for begins, columns, understood in (("receipts", RECEIPTS, _receipts), ("replies", REPLIES, _replies)):
            if name.startswith(begins):
                return list(understood(read(body, columns, self.encoding), handle, self.zone)), handle
        raise Unfit(
            "文件名须以 receipts 或 replies 开头", "its name begins neither with receipts nor with replies"
        )  # fmt: skip

    def _is_young(self, name: str) -> bool:
        """Whether it may still be growing: its size has changed within the last minute of ours."""
        size = (self.folder / IN / name).stat().st_size
        known = self._unfinished.get(name)
        if known is None or known[0] != size:
            self._unfinished[name] = known = size, monotonic()
        return monotonic() - known[1] < self.settled

    def _done(self, handle: Handle) -> None:
        """Noted first, so that a file whose removal was cut short is known when it is met again."""
        try:
            note = self.folder / DONE / handle.print
            if not note.exists():
                _write(note, f"{handle.name} {self._clock().astimezone(self.zone):{TIME}}\n".encode())
                _sync(note.parent)
            (self.folder / IN / handle.name).unlink(missing_ok=True)
        except OSError as error:
            log.warning("The file %s cannot be put away: %s", handle.name, type(error).__name__)

    def _reject(self, name: str, unfit: Unfit) -> None:
        """Aside, with the sentence beside it. Nothing of it was applied."""
        aside = self.folder / REJECTED / name
        while aside.exists():
            aside = aside.with_name(f"{secrets.token_hex(2)}-{name}")
        sentence = f"{unfit.words.zh}。整份文件未处理；更正后请以新的文件重新交来。\n{unfit.words.en}. Nothing of it was applied; hand a corrected file over anew.\n"
        try:
            _write(aside.with_name(f"{aside.name}.txt"), sentence.encode())
            os.rename(self.folder / IN / name, aside)
            _sync(aside.parent)
        except OSError as error:
            log.warning("The file %s cannot be put aside: %s", name, type(error).__name__)
        log.warning("The file %s was not taken in: %s", name, unfit)
        self._unfinished.pop(name, None)


def written(columns: Sequence[str], rows: Sequence[Sequence[str]], total: int, encoding: str) -> bytes:
    """Lines under a header, and the totals."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[cell.replace("\0", "") for cell in row] for row in rows])
    body = lines.getvalue().encode(encoding, "replace")
    return body + f"{TOTAL},{len(rows)},{total},{sha256(body).hexdigest()}\r\n".encode("ascii")


def read(body: bytes, columns: Sequence[str], encoding: str) -> list[tuple[int, dict[str, str]]]:
    """The lines by their numbers, once the totals add up. Raises Unfit."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    before, found, last = body.rstrip(b"\r\n").rpartition(TOTAL.encode() + b",")
    if not found or (before and not before.endswith(b"\n")):
        raise Unfit("缺少末行的合计（#total）", "the last line with the totals (#total) is missing", unfinished=True)
    told = last.decode("ascii", "replace").strip().split(",")
    if len(told) != 3 or not (told[0].isdigit() and told[1].isdigit()):
        raise Unfit(
            "末行须为 #total,行数,号码之和,SHA-256", "the last line is to be #total,lines,sum of numbers,SHA-256"
        )
    if told[2].lower() != sha256(before).hexdigest():
        raise Unfit("SHA-256 与内容不符", "SHA-256 does not match what the file holds")
    try:
        text = before.decode(encoding)
    except UnicodeDecodeError:
        raise Unfit(f"文件不是 {encoding} 编码", f"the file is not {encoding}") from None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        raise Unfit("不是有效的 CSV", "this is no CSV") from None
    header, lines = [cell.strip().lower() for cell in rows[0]] if rows else [], rows[1:]
    if missing := [column for column in columns if column not in header]:
        raise Unfit(f"首行缺少列 {'、'.join(missing)}", f"the first line lacks {', '.join(missing)}")
    if len(lines) != int(told[0]):
        raise Unfit(
            f"合计为 {told[0]} 行，实有 {len(lines)} 行", f"the total says {told[0]} lines, there are {len(lines)}"
        )
    named = []
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(header):
            raise Unfit(f"第 {number} 行的列数与首行不同", f"line {number} has not as many columns as the first")
        named.append((number, dict(zip(header, (cell.replace("\0", "") for cell in cells), strict=True))))
    if "number" in header:
        if wrong := next((number for number, row in named if not re.fullmatch(r"\+?[0-9]{5,20}", row["number"])), 0):
            raise Unfit(f"第 {wrong} 行的号码不是号码", f"the number in line {wrong} is none")
        summed = sum(int(row["number"]) for _number, row in named)
    else:
        summed = 0
    if summed != int(told[1]):
        raise Unfit("号码之和与合计不符", "the sum of the numbers is not what the total says")
    return named


def _receipts(lines: Sequence[tuple[int, dict[str, str]]], handle: Handle, zone: ZoneInfo) -> list[Receipt]:
    """Raises Unfit for a line that nobody knows."""
    receipts = []
    for number, row in lines:
        found = STATES.get(row["state"].strip().upper())
        if found is None:
            listed = "、".join(STATES), ", ".join(STATES)
            raise Unfit(
                f"第 {number} 行的状态不在对照表中，可用：{listed[0]}", f"the state in line {number} is none of {listed[1]}"
            )  # fmt: skip
        fate, words = found
        code = ":".join(filter(None, (row["state"].strip().upper(), row["code"].strip())))[:40]
        at = _time(row["time"], number, zone)
        receipts.append(Receipt("", fate, code, words, at, reference=row["reference"].strip(), handle=handle))
    keys = [match[1] if (match := REFERENCE.fullmatch(each.reference)) else "" for each in receipts]
    known = {
        key.hex for key in Message.objects.filter(key__in=[UUID(key) for key in keys if key]).values_list("key", flat=True)
    }  # fmt: skip
    if unknown := next((lines[place][0] for place, key in enumerate(keys) if key not in known), 0):
        raise Unfit(
            f"第 {unknown} 行的编号不是本系统发出的", f"the reference in line {unknown} is none of ours"
        )  # fmt: skip
    return receipts


def _replies(lines: Sequence[tuple[int, dict[str, str]]], handle: Handle, zone: ZoneInfo) -> list[Reply]:
    return [
        Reply(
            plain(row["number"]), "", row["text"], id=f"{handle.print[:32]}:{number}",
            at=_time(row["time"], number, zone), handle=handle,
        )
        for number, row in lines
    ]  # fmt: skip


def _time(text: str, number: int, zone: ZoneInfo) -> datetime | None:
    """Empty where the platform does not know. Raises Unfit."""
    if not text.strip():
        return None
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unfit(
            f"第 {number} 行的时间须形如 2026-02-16 14:56:20", f"the time in line {number} is to look like 2026-02-16 14:56:20"
        ) from None  # fmt: skip
    return told if told.tzinfo else told.replace(tzinfo=zone)


def _write(path: Path, octets: bytes) -> None:
    """All of it, on disk."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """A name is on disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _number(address: Address, name: str, default: int, least: int, most: int) -> int:
    value = address.query.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
        raise address.wrong(
            f"?{name}= 须为 {least} 到 {most} 的整数", f"?{name}= is a whole number from {least} to {most}"
        )
    return int(value)


def make(address: str, clock: Callable[[], datetime]) -> File:
    """The folder at its address. Raises Refused."""
    return File(Address.on_disk(VARIABLE, address, EXAMPLE, SCHEME), clock)


KIND = Kind(Words("文件交接", "files handed over"), (SCHEME,), EXAMPLE, make)
