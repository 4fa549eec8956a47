"""Files handed over in real folders: what the platform finds there, what is taken in, and what a crash at each step leaves."""

from __future__ import annotations

import csv
import errno
import io
import os
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cast import Cast
from zhike.conduct.words import Refused
from zhike.sms.models import Message
from zhike.sms.transports.file import KIND, File
from zhike.sms.transports.transport import Answer, Lost, Part, Receipt, Reply, Unbound

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
# 14:56:20 in Shanghai.
NOW = datetime(2026, 2, 16, 6, 56, 20, tzinfo=UTC)
KEY = uuid.UUID(int=7)
REFERENCE = f"{KEY.hex}01"
TEXT = '【示例银行】"贵宾", 您好\n感谢光临😀䶮'


@pytest.fixture
def ours(cast: Cast, owner: Role) -> Message:
    """A message of which a receipt may tell."""
    with owner():
        return Message.objects.create(
            key=KEY, customer=cast.customers["rm"][0], staff=cast.rm, by=cast.rm, kind="thanks", created_at=NOW,
            not_before=NOW,
        )  # fmt: skip


def unopened(folder: Path, query: str = "?seconds=0") -> File:
    gateway = KIND.make(f"file://{folder}/spool{query}", lambda: NOW)
    assert isinstance(gateway, File)
    gateway.look = 0.0
    return gateway


def opened(folder: Path, query: str = "?seconds=0") -> File:
    gateway = unopened(folder, query)
    gateway.open()
    return gateway


def send(gateway: File, *texts: str) -> list[int]:
    numbers = gateway.numbers(len(texts))
    gateway.submit(
        [
            Part(number, f"{KEY.hex}{place:02}", f"1540000000{place}", text)
            for place, (number, text) in enumerate(zip(numbers, texts, strict=True), start=1)
        ]
    )
    return numbers


def names(folder: Path, name: str) -> list[str]:
    return sorted(each.name for each in (folder / "spool" / name).iterdir())


def handed(folder: Path, name: str, lines: str, total: str | None = None, encoding: str = "utf-8") -> Path:
    """A file as the platform hands it over; ``total`` where it is not what the lines come to."""
    body = lines.encode(encoding)
    rows = list(csv.DictReader(io.StringIO(lines)))
    count, summed = len(rows), sum(int(row["number"]) for row in rows if row.get("number", "").isdigit())
    last = f"#total,{count},{summed},{sha256(body).hexdigest()}\r\n" if total is None else total
    file = folder / "spool" / "in" / name
    file.with_suffix(".part").write_bytes(body + last.encode())
    file.with_suffix(".part").rename(file)
    return file


RECEIPTS = f"reference,state,code,time\r\n{REFERENCE},DELIVRD,000,2026-02-16 14:56:20\r\n"
REPLIES = "number,text,time\r\n8613800000001,退订,2026-02-16 14:56:20\r\n"


def why(folder: Path, name: str) -> str:
    """What stands beside a file that was not taken in."""
    assert (folder / "spool" / "rejected" / name).exists()
    return (folder / "spool" / "rejected" / f"{name}.txt").read_text()


# Out.


@pytest.mark.parametrize("encoding", ["UTF-8", "GB18030"])
def test_a_batch_is_what_was_sent_with_its_totals(tmp_path: Path, encoding: str) -> None:
    gateway = opened(tmp_path, f"?seconds=0&encoding={encoding}")
    numbers = send(gateway, TEXT, "二")
    events = gateway.events(0.0)
    (name,) = names(tmp_path, "out")
    assert events == [Answer(number, True, f"{name}:{line}") for line, number in enumerate(numbers, 1)]
    body = (tmp_path / "spool" / "out" / name).read_bytes()
    *_lines, last, end = body.split(b"\r\n")
    before = body[: body.index(b"#total")]
    # 15400000001 + 15400000002 = 30800000003
    assert (last.decode(), end) == (f"#total,2,30800000003,{sha256(before).hexdigest()}", b"")
    assert list(csv.reader(io.StringIO(before.decode(encoding), newline=""))) == [
        ["reference", "number", "text", "time"],
        [f"{KEY.hex}01", "15400000001", TEXT, "2026-02-16 14:56:20"],
        [f"{KEY.hex}02", "15400000002", "二", "2026-02-16 14:56:20"],
    ]
    assert name.startswith("zhike-20260216-145620-")


def test_files_have_so_many_lines_and_wait_so_long(tmp_path: Path) -> None:
    gateway = opened(tmp_path, "?lines=2&seconds=30")
    numbers = send(gateway, "一", "二", "三", "四", "五")
    assert [each.sequence for each in gateway.events(0.0) if isinstance(each, Answer)] == numbers[:4]
    assert gateway.events(0.0) == [], "the fifth waits for a sixth"
    assert len(names(tmp_path, "out")) == 2
    send(gateway, "六")
    assert len(gateway.events(0.0)) == 2
    assert len(names(tmp_path, "out")) == 3


def test_what_was_handed_to_it_leaves_when_it_closes(tmp_path: Path) -> None:
    gateway = opened(tmp_path, "?seconds=30")
    send(gateway, "一")
    gateway.close()
    assert len(names(tmp_path, "out")) == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(("step", "handed_over"), [("fsync", False), ("rename", False), ("open", True)])
def test_killed_at_any_step_leaves_no_half_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, handed_over: bool
) -> None:
    """Before it is synced; before it has its name; once it has it (the folder is opened to be synced)."""
    gateway = opened(tmp_path)
    send(gateway, TEXT)
    real = getattr(os, step)

    def dies(*arguments: object, **more: object) -> object:
        if step == "open" and str(arguments[0]).endswith(".part"):
            return real(*arguments, **more)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os, step, dies)
        with pytest.raises(Killed):
            gateway.events(0.0)
    whole = [name for name in names(tmp_path, "out") if not name.startswith(".")]
    assert len(whole) == handed_over
    for name in whole:
        body = (tmp_path / "spool" / "out" / name).read_bytes()
        assert body.endswith(f"{sha256(body[: body.index(b'#total')]).hexdigest()}\r\n".encode())
    anew = opened(tmp_path)
    assert anew.events(0.0) == []
    assert [name for name in names(tmp_path, "out") if not name.startswith(".")] == whole, (
        "nothing is handed over again"
    )


def test_an_old_half_batch_is_swept_away_and_a_young_one_is_not(tmp_path: Path) -> None:
    opened(tmp_path)
    out = tmp_path / "spool" / "out"
    for name in (".zhike-old.csv.part", ".zhike-new.csv.part"):
        (out / name).write_bytes(b"half")
    long_ago = (out / ".zhike-new.csv.part").stat().st_mtime - 7200
    os.utime(out / ".zhike-old.csv.part", (long_ago, long_ago))
    opened(tmp_path)
    assert names(tmp_path, "out") == [".zhike-new.csv.part"]


def test_a_full_disk_is_definite_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = opened(tmp_path, "?lines=1&seconds=0")
    with monkeypatch.context() as patched:

        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(os, "fsync", full)
        numbers = send(gateway, "一", "二")
        events = gateway.events(0.0)
        assert sorted((each.sequence, each.taken, each.throttled) for each in events if isinstance(each, Answer)) == [
            (number, False, True) for number in numbers
        ]
        assert gateway.window == 0, "nothing more is to be handed to it"
        with pytest.raises(Lost):
            gateway.events(0.0)
        with pytest.raises(Unbound) as unbound:
            gateway.open()
        assert "不能写入" in unbound.value.words.zh
    assert [name for name in names(tmp_path, "out") if not name.startswith(".")] == []
    gateway.open()
    send(gateway, "一")
    assert len(gateway.events(0.0)) == 1


def test_a_folder_that_cannot_be_synced_leaves_it_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = opened(tmp_path)
    send(gateway, "一")
    real = os.rename

    def lies(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", lies)
        with pytest.raises(Lost) as lost:
            gateway.events(0.0)
    assert "可能没有交出" in lost.value.words.zh


# In.


def test_receipts_are_told_until_they_are_taken_and_then_removed(tmp_path: Path, ours: Message, worker: Role) -> None:
    with worker():
        gateway = opened(tmp_path)
        handed(tmp_path, "receipts-1.csv", RECEIPTS)
        (receipt,) = gateway.events(0.0)
        assert isinstance(receipt, Receipt)
        assert (receipt.id, receipt.reference, receipt.fate, receipt.code, receipt.at) == (
            "", REFERENCE, "delivered", "DELIVRD:000", NOW,
        )  # fmt: skip
        assert opened(tmp_path).events(0.0) == [receipt], "killed before it was kept: told again"
        gateway.took([receipt])
    assert names(tmp_path, "in") == []
    (note,) = names(tmp_path, "done")
    assert REFERENCE not in (tmp_path / "spool" / "done" / note).read_text()


def test_replies_in_gb18030(tmp_path: Path, worker: Role) -> None:
    with worker():
        gateway = opened(tmp_path, "?encoding=gb18030")
        handed(tmp_path, "replies.csv", REPLIES, encoding="gb18030")
        (reply,) = gateway.events(0.0)
        assert isinstance(reply, Reply)
        assert (reply.sender, reply.text, reply.at) == ("13800000001", "退订", NOW)
        assert reply.id
        gateway.took([reply])
    assert names(tmp_path, "in") == []


BAD = [
    ("receipts.csv", RECEIPTS, "#total,2,0,{sha}\r\n", "合计为 2 行，实有 1 行"),
    ("receipts.csv", RECEIPTS, "#total,1,5,{sha}\r\n", "号码之和与合计不符"),
    ("replies.csv", REPLIES, "#total,1,8613800000002,{sha}\r\n", "号码之和与合计不符"),
    ("receipts.csv", RECEIPTS, "#total,1,0,{zero}\r\n", "SHA-256 与内容不符"),
    ("receipts.csv", RECEIPTS, "#total,1\r\n", "末行须为"),
    ("receipts.csv", RECEIPTS.replace("state", "status"), None, "首行缺少列 state"),
    ("receipts.csv", RECEIPTS.replace(REFERENCE, "f" * 32 + "01"), None, "第 1 行的编号不是本系统发出的"),
    ("receipts.csv", RECEIPTS.replace(REFERENCE, "'; DROP TABLE"), None, "第 1 行的编号不是本系统发出的"),
    ("receipts.csv", RECEIPTS.replace("DELIVRD", "fine"), None, "第 1 行的状态不在对照表中"),
    ("receipts.csv", RECEIPTS.replace("2026-02-16 14:56:20", "yesterday"), None, "第 1 行的时间须形如"),
    ("receipts.csv", RECEIPTS + f"{REFERENCE},DELIVRD\r\n", None, "第 2 行的列数与首行不同"),
    ("receipts.csv", RECEIPTS + f"{REFERENCE},UNDELIV,1,\r\n{'e' * 32}01,DELIVRD,0,\r\n", None, "第 3 行的编号"),
    ("receipts.csv", RECEIPTS + '"open\r\n', None, "不是有效的 CSV"),
    ("replies.csv", REPLIES.replace("8613800000001", "95588@x"), "#total,1,0,{sha}\r\n", "第 1 行的号码不是号码"),
    ("else.csv", RECEIPTS, None, "文件名须以 receipts 或 replies 开头"),
    ("receipts.csv", "", None, "首行缺少列"),
]


@pytest.mark.parametrize(("name", "lines", "total", "says"), BAD, ids=[says for *_more, says in BAD])
def test_what_does_not_add_up_goes_aside_with_a_sentence_and_nothing_of_it_is_applied(
    tmp_path: Path, ours: Message, worker: Role, name: str, lines: str, total: str | None, says: str
) -> None:
    with worker():
        gateway = opened(tmp_path)
        gateway.settled = 0.0
        sha = sha256(lines.encode()).hexdigest()
        file = handed(tmp_path, name, lines, total.format(sha=sha, zero="0" * 64) if total else None)
        before = file.read_bytes()
        assert gateway.events(0.0) == []
        assert says in why(tmp_path, name)
        assert (tmp_path / "spool" / "rejected" / name).read_bytes() == before
        handed(tmp_path, "receipts-good.csv", RECEIPTS)
        assert len(gateway.events(0.0)) == 1, "the next one is taken in"


def test_a_wrong_encoding_is_said(tmp_path: Path, worker: Role) -> None:
    with worker():
        gateway = opened(tmp_path)
        handed(tmp_path, "replies.csv", REPLIES, encoding="gb18030")
        assert gateway.events(0.0) == []
    assert "文件不是 UTF-8 编码" in why(tmp_path, "replies.csv")


def test_the_same_file_twice_is_applied_once(tmp_path: Path, ours: Message, worker: Role) -> None:
    with worker():
        gateway = opened(tmp_path)
        handed(tmp_path, "receipts.csv", RECEIPTS)
        gateway.took(gateway.events(0.0))
        handed(tmp_path, "receipts.csv", RECEIPTS.replace(",000,", ",001,"))
        gateway.took(gateway.events(0.0))
        assert names(tmp_path, "rejected") == [], "another one under the same name is another one"
        handed(tmp_path, "receipts-again.csv", RECEIPTS)
        assert gateway.events(0.0) == []
    assert "已经收过" in why(tmp_path, "receipts-again.csv")


def test_a_file_that_still_grows_is_waited_for(tmp_path: Path, ours: Message, worker: Role) -> None:
    with worker():
        gateway = opened(tmp_path)
        file = handed(tmp_path, "receipts.csv", RECEIPTS)
        whole = file.read_bytes()
        file.write_bytes(whole[:60])
        assert gateway.events(0.0) == []
        assert names(tmp_path, "in") == ["receipts.csv"]
        file.write_bytes(whole)
        assert len(gateway.events(0.0)) == 1


def test_half_names_and_links_are_left_alone(tmp_path: Path, ours: Message, worker: Role) -> None:
    with worker():
        gateway = opened(tmp_path)
        spool = tmp_path / "spool" / "in"
        (spool / "receipts.csv.part").write_text("half")
        (spool / ".receipts.csv").write_text("half")
        (tmp_path / "elsewhere.csv").write_text(RECEIPTS)
        (spool / "receipts-link.csv").symlink_to(tmp_path / "elsewhere.csv")
        assert gateway.events(0.0) == []
    assert names(tmp_path, "in") == [".receipts.csv", "receipts-link.csv", "receipts.csv.part"]
    assert names(tmp_path, "rejected") == []


def test_an_empty_file_with_totals_is_done(tmp_path: Path, worker: Role) -> None:
    with worker():
        gateway = opened(tmp_path)
        handed(tmp_path, "receipts.csv", "reference,state,code,time\r\n")
        assert gateway.events(0.0) == []
    assert (names(tmp_path, "in"), len(names(tmp_path, "done"))) == ([], 1)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(Unbound) as unbound:
        opened(tmp_path)
    assert "不能写入" in unbound.value.words.zh


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("file://var/spool", "须为完整路径"),
        ("file:///var/spool?lines=0", "lines= 须为 1 到 50000"),
        ("file:///var/spool?encoding=latin-1", "须为 UTF-8 或 GB18030"),
        ("file:///var/spool?zone=Mars", "须为时区名"),
        ("file:///var/spool?from=95588", "没有 .from= 这一项"),
    ],
)
def test_an_address_that_cannot_be_one(address: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        KIND.make(address, lambda: NOW)
