"""The receiving end of WeCom, over a real socket on this machine: it drops a second copy by the key in the message, and keeps a journal.

It may be moody: cut the connection when it has taken a message and not yet said so, or refuse one, as a vendor's servers do.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ADDRESS = "https://zhike.example"  # where messages say that Zhike is


@dataclass(frozen=True)
class Entry:
    """A message that was taken: when first, for whom."""

    at: datetime
    to: str


class Peer(ThreadingHTTPServer):
    """``journal``: what was taken, by key. ``copies`` were dropped, ``cut`` taken and never answered, ``refused`` not taken."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, clock: Callable[[], datetime], dice: random.Random | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.clock = clock
        self.dice = dice  # None: it answers always
        self.turn = threading.Lock()
        self.journal: dict[str, Entry] = {}
        self.copies = self.cut = self.refused = 0

    @property
    def url(self) -> str:
        """What ZHIKE_WECOM_URL says."""
        return f"http://corp:secret@127.0.0.1:{self.server_port}/1000002"

    def mood(self) -> float:
        """What befalls the next message: 0 to 1, the lower the worse."""
        with self.turn:
            return self.dice.random() if self.dice else 1.0

    def take(self, key: str, to: str) -> None:
        """Enters a message in the journal, once."""
        with self.turn:
            self.copies += key in self.journal
            self.journal.setdefault(key, Entry(self.clock(), to))

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever was killed leaves a connection behind; that is what this is for."""


class Door(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Peer

    def do_GET(self) -> None:
        self.say({"errcode": 0, "errmsg": "ok", "access_token": "token", "expires_in": 7200})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (key,) = parse_qs(urlsplit(body["textcard"]["url"]).query)["notice"]
        mood = self.server.mood()
        if mood < 0.03:
            self.server.refused += 1
            self.say({"errcode": -1, "errmsg": "system busy"})
            return
        self.server.take(key, body["touser"])
        if mood < 0.1:
            self.server.cut += 1
            self.close_connection = True
            return
        self.say({"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": key})

    def say(self, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def receiving(clock: Callable[[], datetime], dice: random.Random | None = None) -> Iterator[Peer]:
    """A peer for as long as the block runs."""
    with Peer(clock, dice) as peer:
        threading.Thread(target=peer.serve_forever, daemon=True).start()
        try:
            yield peer
        finally:
            peer.shutdown()
