"""What the embedded database tells people: one sentence that says what is the matter and what to do."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOM_TO_BEGIN = 300 << 20  # bytes: a new cluster, its first WAL and the programs

Tell = Callable[[str], None]

SENTENCES = {
    "starting": ("正在准备内置数据库……", "Preparing the embedded database (a few seconds the first time) …"),
    "waiting": (
        "内置数据库尚未就绪，已等 {seconds} 秒，请稍候……",
        "The embedded database is not ready after {seconds} s; please wait …",
    ),
    "recovering": (
        "内置数据库上次未正常停止，正在恢复数据，已等 {seconds} 秒，请稍候……",
        "The embedded database was not stopped in order and is recovering its data; waited {seconds} s …",
    ),
    "stopping": (
        "正在等待内置数据库停止，已等 {seconds} 秒……",
        "Waiting for the embedded database to stop, {seconds} s so far …",
    ),
    "queue": (
        "另一个 zhike 正在启动或停止 {home} 中的数据库，已等 {seconds} 秒……",
        "Another zhike is starting or stopping the database in {home}; waited {seconds} s …",
    ),
    "moved": (
        "账户 {account} 进不了 {home}，数据库放在 {base}。",
        "{home} is closed to the account {account}, so the database lies in {base}.",
    ),
    "stale": (
        "上次未正常停止：进程号 {pid} 现属其他程序，已清除遗留的锁文件。",
        "The database was not stopped last time: process {pid} is another program now; its left-over lock was removed.",
    ),
    "foreign": (
        "{data} 正由另一个 PostgreSQL（进程 {pid}）使用，并非由 zhike 启动。请先停止它，再重试。",
        "{data} is in use by a PostgreSQL (process {pid}) that zhike did not start. Stop that one, then try again.",
    ),
    "version": (
        "{data} 中的数据由 PostgreSQL {found} 建立，本版本自带的是 {wanted}。请用原版本 zhike backup 备份后恢复，"
        "或用 ZHIKE_HOME 另指定一个文件夹。",
        "The data in {data} was made by PostgreSQL {found}; this Zhike brings {wanted}. Back it up with the earlier "
        "version (zhike backup) and restore it here, or set ZHIKE_HOME to another folder.",
    ),
    "broken": (
        "{data} 中没有完整的 PostgreSQL 数据（缺少 PG_VERSION）。请移走该文件夹，或用 ZHIKE_HOME 另指定一个文件夹。",
        "{data} holds no complete PostgreSQL data (PG_VERSION is missing). Move that folder away, or set ZHIKE_HOME "
        "to another one.",
    ),
    "full": (
        "{path} 所在磁盘已满或空间不足（剩余 {free} MB）。请腾出至少 {need} MB 后重试。",
        "The disk of {path} is full or nearly so ({free} MB left). Free at least {need} MB, then try again.",
    ),
    "unwritable": (
        "无法写入 {path}（{reason}）。请改正其权限，或用 ZHIKE_HOME 指定一个可写的文件夹。",
        "{path} cannot be written ({reason}). Correct its permissions, or set ZHIKE_HOME to a folder that can.",
    ),
    "owner": (
        "{path} 属于账户 {owner}。请用该账户启动，或用 ZHIKE_HOME 指定另一个文件夹。",
        "{path} belongs to the account {owner}. Start as that account, or set ZHIKE_HOME to another folder.",
    ),
    "account": (
        "PostgreSQL 不能以 root 运行，而账户 {account} 无法建立（{reason}）。"
        "请执行 useradd --system {account}，或改用普通账户启动。",
        "PostgreSQL refuses to run as root and the account {account} could not be made ({reason}). Run "
        "`useradd --system {account}`, or start as an ordinary user.",
    ),
    "programs": (
        "找不到内置的 PostgreSQL 程序。请用 bin/demo 重建环境，或用 ZHIKE_DATABASE_URL 指定外部数据库。",
        "The embedded PostgreSQL's programs are missing. Make the environment again with bin/demo, or name an "
        "external database in ZHIKE_DATABASE_URL.",
    ),
    "passwords": (
        "{path} 中的口令与数据库不符。请停止所有 zhike，删除该文件后重新启动，系统会重设口令。",
        "The passwords in {path} do not fit the database. Stop every zhike, delete that file and start again: new "
        "ones will be set.",
    ),
    "failed": (
        "内置数据库启动失败：{reason}。详情见 {log}。",
        "The embedded database did not start: {reason}. Details are in {log}.",
    ),
}


class CannotServe(Exception):
    """The embedded database cannot be had; the message is one sentence that says what to do."""


def language() -> str:
    """`zh` unless the environment asks for English; Django's own machinery is not up yet at this point."""
    for name in ("ZHIKE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "en" if value.lower().startswith("en") else "zh"
    return "zh"


def sentence(key: str, **words: object) -> str:
    """A sentence in the reader's language, from this module's own table."""
    return SENTENCES[key][language() == "en"].format(**words)


def to_stderr(text: str) -> None:
    """The usual way to tell: one line on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Patience:
    """Waits in small steps and says after three seconds, then every ten, what it is waiting for."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.begun = time.monotonic()
        self.next = 3.0

    def pause(self, key: str, **words: object) -> None:
        """Sleep a little; speak when it is time to."""
        waited = time.monotonic() - self.begun
        if waited >= self.next:
            self.next = waited + 10
            self.tell(sentence(key, seconds=round(waited), **words))
        time.sleep(0.02 if waited < 2 else 0.1)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system refuses in here is told as one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CannotServe(sentence("full", path=path, free=0, need=ROOM_TO_BEGIN >> 20)) from error
        where = error.filename or path
        raise CannotServe(sentence("unwritable", path=os.fsdecode(where), reason=error.strerror)) from error
