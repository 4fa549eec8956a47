"""Load on one address: eight connections that ask again as soon as they are answered. wrk where it is installed, else this.

    python -m bench.load http://127.0.0.1:8000 FILE FIRST SECONDS      prints one line of JSON

FILE holds whole HTTP requests, each behind a line with its length; they are sent in order from number FIRST on, again and
again. A process of its own, so that what is measured does not share an interpreter with what measures.
"""

from __future__ import annotations

import json
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from zhike import processes

CLIENTS = 8
PATIENCE = 30  # seconds for an answer: a process's first one waits for templates to be compiled and for a cold disk
SCRIPT = Path(__file__).with_name("load.lua")
ADVICE = (
    "wrk is not installed (apt-get install wrk); the load comes from a Python process, which takes more of the machine."
)


@dataclass(frozen=True)
class Measured:
    """One round: how many were answered, in how many seconds, and how many of them with an error."""

    requests: int
    seconds: float
    errors: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """A whole HTTP request, as it goes over the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def keep(path: Path, requests: Sequence[bytes]) -> Path:
    """Writes them where the load takes them from."""
    with path.open("wb") as file:
        for each in requests:
            file.write(b"%d\n%s" % (len(each), each))
    return path


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def put(address: str, requests: Path, first: int, seconds: float) -> Measured:
    """Load for so many seconds, in a process of its own."""
    if has_wrk():
        command = [
            "wrk",
            "-t1",
            f"-c{CLIENTS}",
            f"-d{max(1, round(seconds))}s",
            f"--timeout={PATIENCE}s",
            "-s",
            str(SCRIPT),
            address,
            "--",
            str(requests),
            str(first),
        ]
    else:
        command = [sys.executable, "-m", "bench.load", address, str(requests), str(first), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPT.parent.parent, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr or done.stdout)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


class Client:
    """One connection: sends the next request when the answer to the last is whole."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def ask(self, message: bytes) -> None:
        self.received.clear()
        self.socket.sendall(message)

    def answered(self) -> int | None:
        """The status, once the answer is whole."""
        self.received += self.socket.recv(1 << 18)
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return None
        lines = bytes(self.received[:head]).lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        return int(lines[0].split()[1]) if len(self.received) >= head + 4 + length else None


def read(path: Path) -> list[bytes]:
    found = []
    with path.open("rb") as file:
        while line := file.readline():
            found.append(file.read(int(line)))
    return found


def run(address: str, path: Path, first: int, seconds: float) -> Measured:
    requests = read(path)
    parts = urlsplit(address)
    clients = [Client((parts.hostname or "", parts.port or 80)) for _ in range(CLIENTS)]
    waiting = selectors.DefaultSelector()
    at, count, errors = first, 0, 0
    for client in clients:
        waiting.register(client.socket, selectors.EVENT_READ, client)
    begun = time.perf_counter()
    for client in clients:
        client.ask(requests[at % len(requests)])
        at += 1
    while (now := time.perf_counter()) - begun < seconds:
        for key, _ in waiting.select(0.1):
            status = key.data.answered()
            if status is None:
                continue
            count += 1
            errors += status >= 400
            key.data.ask(requests[at % len(requests)])
            at += 1
    return Measured(count, now - begun, errors)


if __name__ == "__main__":
    processes.follow_parent()
    _, where, file, number, duration = sys.argv
    print(json.dumps(vars(run(where, Path(file), int(number), float(duration)))))
