"""Under whom the embedded PostgreSQL runs: it refuses root."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from zhike.embedded.said import CannotServe, sentence

ACCOUNT = "zhike"  # postgres refuses to run as root; started by root it runs under this account


class Account:
    """Under whom postgres runs: ourselves, or as root an account that can do nothing else."""

    def __init__(self, name: str, uid: int, gid: int) -> None:
        self.name, self.uid, self.gid = name, uid, gid

    @property
    def other(self) -> bool:
        """Is it somebody else than we are?"""
        return self.uid != os.geteuid()

    @classmethod
    def mine(cls) -> Account:
        """The account of this process."""
        return cls(account_name(os.geteuid()), os.geteuid(), os.getegid())

    @classmethod
    def ours(cls) -> Account:
        """The account that postgres runs under; made where root has none yet. Raises CannotServe."""
        if os.geteuid() != 0:
            return cls.mine()
        try:
            entry = pwd.getpwnam(ACCOUNT)
        except KeyError:
            with open("/etc/passwd") as turn:  # two at once would both be answered, with different numbers
                fcntl.flock(turn, fcntl.LOCK_EX)
                entry = make_account()
        if entry.pw_uid == 0:
            raise CannotServe(sentence("account", account=ACCOUNT, reason="uid 0"))
        return cls(ACCOUNT, entry.pw_uid, entry.pw_gid)

    def switch(self) -> dict[str, Any]:
        """What subprocess needs to start a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}

    def enters(self, folder: Path) -> bool:
        """Can it pass through this folder and everything above it? Asked of the kernel, not of mode bits."""
        if not self.other:
            return True
        asked = subprocess.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], cwd="/", stderr=-3, **self.switch())
        return asked.returncode == 0

    def owns(self, folder: Path) -> bool:
        """Is it a real folder of this account that is closed to all others?"""
        try:
            found = folder.lstat()
        except OSError:
            return False
        return folder.is_dir() and not folder.is_symlink() and found.st_uid == self.uid and not found.st_mode & 0o077

    def take(self, folder: Path) -> None:
        """Make a folder that we have just created its own."""
        if self.other:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)


def account_name(uid: int) -> str:
    """The account's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def make_account() -> pwd.struct_passwd:
    """Have the system make our account, unless it has one by now: no home, no shell, no password. Raises CannotServe."""
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    program = shutil.which(command[0], path=path)
    reason = "useradd?"
    if program:
        done = subprocess.run([program, *command[1:], ACCOUNT], capture_output=True, text=True, cwd="/")
        reason = done.stderr.strip()
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise CannotServe(sentence("account", account=ACCOUNT, reason=reason)) from None
