"""A bank's own SMS platform over a real socket: keeps what it was asked, and answers as it is told to."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG, CLOSE, TRICKLE = "hang", "close", "trickle"
Told = str | tuple[int, bytes]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Platform(ThreadingHTTPServer):
    """``told``: by path, what is answered next; then ``always``."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Door)
        self.asked: list[Asked] = []
        self.told: dict[str, deque[Told]] = {}
        self.always: dict[str, Told] = {}
        self.released = threading.Event()
        self.turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next(self, path: str, *told: Told) -> None:
        self.told.setdefault(path, deque()).extend(told)

    def of(self, path: str) -> list[Asked]:
        """What was asked there."""
        return [asked for asked in self.asked if asked.path.partition("?")[0] == path]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error here."""


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Platform

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = self.path.partition("?")[0]
        with self.server.turn:
            self.server.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            waiting = self.server.told.get(path)
            told = waiting.popleft() if waiting else self.server.always.get(path, (404, b""))
        if told == HANG:
            self.server.released.wait()
            self.close_connection = True
        elif told == CLOSE:
            self.close_connection = True
        elif told == TRICKLE:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while not self.server.released.wait(0.05):
                    self.wfile.write(b" ")
                    self.wfile.flush()
            self.close_connection = True
        else:
            status, answer = told
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def running(port: int = 0) -> Iterator[Platform]:
    platform = Platform(port)
    thread = threading.Thread(target=platform.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield platform
    finally:
        platform.released.set()
        platform.shutdown()
        platform.server_close()
        thread.join()
