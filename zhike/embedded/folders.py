"""Folders and small files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def make_folder(folder: Path, *, open_to_all: bool) -> None:
    """Make a folder and what is missing above it. What exists already keeps its permissions."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o755 if open_to_all else 0o700)


def write_whole(path: Path, text: str, mode: int) -> None:
    """Write a small file so that nobody ever reads half of it, and a power cut leaves the old one or the new one."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
