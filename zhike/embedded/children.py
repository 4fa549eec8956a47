"""Programs that are started, recognised and reaped."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from zhike.embedded.account import Account

CHILDREN: list[subprocess.Popen[bytes]] = []  # kept until they are reaped: not every container's first process does it


def serves(pid: int, data: Path) -> bool:
    """Is this live process a postgres on this data folder? Its command line is readable for everybody."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.path.basename(words[0]) == b"postgres" and b"-D" in words and os.fsencode(data) in words


def detach(command: Sequence[str], account: Account, output: int, inherited: int) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C passes it by. It may outlive us; if not, we reap it."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=bare_environment(),
        start_new_session=True,
        pass_fds=[inherited],
        umask=0o077,
        **account.switch(),
    )
    CHILDREN.append(child)
    return child


def reap(seconds: float = 0) -> None:
    """Take leave of those children that have ended, waiting this long for the others."""
    for child in list(CHILDREN):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            CHILDREN.remove(child)


def bare_environment() -> dict[str, str]:
    """Nothing of the caller's environment (PGDATA, PGPORT, LANG, ...) reaches postgres."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "LANG": os.environ.get("LANG", "")}
