"""A gateway that speaks SMPP, by Node and the npm package smpp: started on loopback, told what to do, asked for its journal."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "npm"
USER, PASSWORD = "zhike", "s3cret8"


class Smsc:
    """The running gateway."""

    def __init__(self, journal: Path, **given: object) -> None:
        node = shutil.which("node")
        assert node, "Node is the gateway: install it (apt install nodejs npm)."
        assert (FOLDER / "node_modules" / "smpp").is_dir(), "Run npm ci in tests/npm, or bin/test, which does."
        self.path = journal
        self.process = subprocess.Popen(
            [node, "smsc.mjs", json.dumps({"journal": str(journal), **given})],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port: int = self._heard()["port"]

    def address(
        self, more: str = "", *, scheme: str = "smpp", host: str = "127.0.0.1", password: str = PASSWORD
    ) -> str:
        return f"{scheme}://{USER}:{password}@{host}:{self.port}?from=95588{more}"

    def set(self, **changes: object) -> None:
        """It behaves so from now on."""
        self.tell("set", changes)

    def tell(self, command: str, value: object = True) -> dict[str, Any]:
        """Has it do something; it has been done, or at least begun, when this returns."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({command: value}) + "\n")
        self.process.stdin.flush()
        return self._heard()

    def await_(self, command: str, count: int = 1) -> list[dict[str, Any]]:
        """Waits until it has received so many of them; all that it received."""
        said = self.tell("await", {"command": command, "count": count})
        assert "missing" not in said, said
        return self.received(command)

    def received(self, command: str) -> list[dict[str, Any]]:
        """Its journal's entries of a command."""
        entries = [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]
        return [entry for entry in entries if entry["command"] == command]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()

    def _heard(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "The gateway ended; what it said stands above."
        said: dict[str, Any] = json.loads(line)
        return said


@contextmanager
def running(folder: Path, **given: object) -> Iterator[Smsc]:
    smsc = Smsc(folder / "journal.jsonl", **given)
    try:
        yield smsc
    finally:
        smsc.stop()
