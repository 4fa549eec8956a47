"""Locks of the kernel: they vanish with whoever holds them, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def grasp(path: Path, kind: int) -> int:
    """Take a lock of the kernel on a file, waiting for it; it lives as long as the returned descriptor."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, kind)
    except BaseException:
        os.close(handle)
        raise
    return handle


def try_grasp(path: Path, kind: int) -> int | None:
    """Take a lock of the kernel as `grasp` does, or None where somebody else has it."""
    try:
        return grasp(path, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
