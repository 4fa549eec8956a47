"""The bank's own SMS platform over HTTP, as a file of the bank's describes it (`zhike.sms.platform`).

One request a message, so many at once as the platform allows. What had no definite answer (time-out, a connection that broke once the
request had left, an error without a code that is known) is not answered here either: it becomes unknown, and is never repeated. Where the
platform could not be reached nothing has left, which is as definite as its own "too much at once".

Receipts and replies are kept as they came, whether they were asked for or brought to our door, before anything is made of them.
"""

from __future__ import annotations

import logging
import ssl
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event as Signal
from threading import Lock, Thread
from time import monotonic
from urllib.parse import urlsplit

import httpx

from zhike.address import Address
from zhike.conduct.words import Words
from zhike.sms.models import Pushed
from zhike.sms.platform.coming import Coming
from zhike.sms.platform.documents import LARGEST, Unreadable
from zhike.sms.platform.platform import Platform
from zhike.sms.platform.request import Filled

from .transport import VARIABLE, Answer, Event, Kind, Lost, Part, Receipt, Reply, Unbound

SCHEME = "platform"
EXAMPLE = "platform:///etc/zhike/platform.toml"
ANSWER = 64 * 1024  # octets of an answer to a message
# A connection that has been idle for longer is not used again: a platform that closes it at that moment would leave a message unknown.
IDLE = 2.0
LOOK = 1.0  # seconds between two looks at what was pushed
TAKEN = 100  # pushed bodies at once

log = logging.getLogger("zhike.sms")
# httpx notes whole addresses, and a platform's may hold a number or a signature.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

# Before the request has left.
UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# It could not even be written down.
UNSAID = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError)
NOT_REACHED = Words("没有连上短信平台，短信未发出", "the SMS platform could not be reached, nothing left")


_UNASKED = Words("平台说明文件里没有这一类", "the file that describes the platform has nothing of this kind")


class Slow(Exception):
    """The answer did not end in time, or was too long to be one."""


@dataclass(frozen=True, slots=True)
class Handle:
    """The pushed body that an event was in; ``why`` it is put aside: what in it was not understood."""

    id: int
    why: Words | None


class Line:
    """From one opening to the next: the threads that ask, and what they were told."""

    def __init__(self, platform: Platform, trusted: ssl.SSLContext) -> None:
        self.client = httpx.Client(
            verify=trusted,
            follow_redirects=False,
            # Nothing compressed, which could swell to any size.
            headers={"Accept-Encoding": "identity", "User-Agent": "zhike"},
            limits=httpx.Limits(max_connections=platform.window + 2, keepalive_expiry=IDLE),
        )
        self.parts: SimpleQueue[Part | None] = SimpleQueue()
        self.answers: SimpleQueue[tuple[Answer | None, Lost | None]] = SimpleQueue()
        self.under_way = 0
        self.lost: Lost | None = None
        self.ended = Signal()
        self._threads = 0
        self._turn = Lock()

    def run(self, work: Callable[[], None]) -> None:
        """Beside the sender's thread. The last one to end closes the connections: none is closed under a request."""

        def go() -> None:
            try:
                work()
            finally:
                with self._turn:
                    self._threads -= 1
                    last = not self._threads
                if last:
                    self.client.close()

        with self._turn:
            self._threads += 1
        Thread(target=go, name="sms platform", daemon=True).start()


class Http:
    """One platform. Its threads ask; everything else, the database above all, is the sender's own thread."""

    whole = True

    def __init__(self, file: Path, clock: Callable[[], datetime]) -> None:
        self.file = file
        self.platform = Platform.read(file)
        self.window, self.rate = self.platform.window, self.platform.rate
        self.patience = float(self.platform.patience)
        self.look = LOOK
        self._clock = clock
        self._trusted = ssl.create_default_context()
        self._line: Line | None = None
        self._fetched: deque[tuple[Coming, bytes]] = deque()  # outlives a line: nobody hands it out again
        self._sequence = count(1)
        self._looked = 0.0

    def open(self) -> None:
        """Knocks: whether anybody is there whose certificate is good. Nobody signs in; each request bears its own proof."""
        self.close()
        line = Line(self.platform, self._trusted)
        try:
            self._knock(line.client)
        except Unbound:
            line.client.close()
            raise
        self._line, self._sequence, self._looked = line, count(1), 0.0
        self.window = self.platform.window
        for _ in range(self.window):
            line.run(partial(self._ask_on, line))
        for coming in self.platform.coming:
            if coming.poll:
                line.run(partial(self._poll_on, line, coming))

    def numbers(self, count: int) -> list[int]:
        return [next(self._sequence) for _ in range(count)]

    def submit(self, parts: Sequence[Part]) -> None:
        """Each in a request of its own, once."""
        assert self._line
        self._line.under_way += len(parts)
        for part in parts:
            self._line.parts.put(part)

    def events(self, timeout: float) -> list[Event]:
        """Answers as they come; what was fetched or pushed, once it is kept."""
        assert self._line
        line = self._line
        events: list[Event] = self._answers(line, 0.0)
        self._keep()
        if self.platform.coming and monotonic() - self._looked >= self.look:
            events += self._pushed()
        if not events and timeout > 0:
            events = self._answers(line, timeout)
        if not events and line.lost and not line.under_way:
            raise line.lost
        return events

    def took(self, events: Sequence[Event]) -> None:
        """What is kept need not be kept as it came; what was not understood stays, aside."""
        handles = {each.handle for each in events if isinstance(each, Receipt | Reply)}
        self._settle([handle for handle in handles if isinstance(handle, Handle)])

    def close(self) -> None:
        """The threads end with what they are at; what they are told is nobody's any more."""
        if self._line:
            self._line.ended.set()
            for _ in range(self.platform.window):
                self._line.parts.put(None)
            self._line = None

    # A message.

    def _answers(self, line: Line, timeout: float) -> list[Event]:
        """What the threads were told, waiting for the first of it."""
        answers: list[Event] = []
        try:
            while True:
                answer, lost = line.answers.get(block=timeout > 0, timeout=timeout or None)
                timeout = 0.0
                line.under_way -= 1
                # While nobody is there nothing more is to be asked for.
                line.lost, self.window = lost, 0 if lost else self.platform.window
                if answer:
                    answers.append(answer)
        except Empty:
            return answers

    def _ask_on(self, line: Line) -> None:
        """A thread's life: one message after another."""
        while (part := line.parts.get()) is not None and not line.ended.is_set():
            try:
                told = self._ask(line, part)
            except Exception as error:  # what nobody thought of must not end the thread, nor show what it was about
                log.warning("A request to the SMS platform failed: %s", type(error).__name__)
                told = None, None
            line.answers.put(told)

    def _ask(self, line: Line, part: Part) -> tuple[Answer | None, Lost | None]:
        """The platform's word about a message; None where there is none that counts."""
        values = {"number": part.to, "text": part.text, "reference": part.reference}
        try:
            status, body = self._exchange(line.client, self.platform.send.filled(values, self._clock()), ANSWER)
        except UNREACHED as error:
            kind = type(error).__name__
            answer = Answer(part.sequence, False, code=kind, words=NOT_REACHED, throttled=True)
            return answer, Lost(f"短信平台连不上（{kind}）", f"the SMS platform cannot be reached ({kind})")
        except UNSAID as error:
            kind = type(error).__name__
            words = Words(
                f"请求无法写成（{kind}），短信未发出", f"the request cannot be written ({kind}), nothing left"
            )
            return Answer(part.sequence, False, code=kind, words=words), None
        except (httpx.HTTPError, OSError, Slow, RuntimeError) as error:
            log.warning("The SMS platform did not answer: %s", type(error).__name__)
            return None, None
        verdict = self.platform.answer.judged(status, body)
        if verdict is None:
            log.warning("The SMS platform's answer says nothing definite (HTTP %d)", status)
            return None, None
        answer = Answer(
            part.sequence, verdict.taken, verdict.id, verdict.code, verdict.words, throttled=verdict.throttled
        )  # fmt: skip
        return answer, None

    def _exchange(self, client: httpx.Client, filled: Filled, most: int) -> tuple[int, bytes]:
        """One request, within one patience."""
        method, url, headers, body = filled
        until = monotonic() + self.patience
        said = bytearray()
        with client.stream(method, url, headers=headers, content=body or None, timeout=self.patience) as response:
            for piece in response.iter_raw():
                said += piece
                if len(said) > most or monotonic() > until:
                    raise Slow
            return response.status_code, bytes(said)

    def _knock(self, client: httpx.Client) -> None:
        """Raises Unbound where nobody can be asked. Any answer will do, and none after the connection stands too."""
        parts = urlsplit(self.platform.send.url.text)
        where = parts.netloc
        try:
            with client.stream("HEAD", f"{parts.scheme}://{where}/", timeout=self.patience):
                return
        except UNREACHED as error:
            raise unreached(where, error) from None
        except (httpx.HTTPError, OSError):
            return

    # What comes by itself.

    def _poll_on(self, line: Line, coming: Coming) -> None:
        """A thread's life: asks, waits, asks again. Says once that it fails, and once that it does not any more."""
        assert coming.poll
        well = True
        while not line.ended.is_set():
            why = self._poll(line, coming, coming.poll.filled({}, self._clock()))
            if why and well:
                log.warning("The SMS platform's %s cannot be fetched: %s", coming.what, why)
            elif not (why or well):
                log.warning("The SMS platform's %s are fetched again", coming.what)
            well = not why
            line.ended.wait(coming.every)

    def _poll(self, line: Line, coming: Coming, filled: Filled) -> str:
        """Why it failed; empty where it did not."""
        try:
            status, body = self._exchange(line.client, filled, LARGEST)
            if status >= 300:
                return f"HTTP {status}"
            if coming.entries(body):
                self._fetched.append((coming, body))
        except Unreadable as error:
            # Many platforms leave the list out where it is empty; what came is not to be lost for all that it may be.
            return f"the answer cannot be read: {error}"
        except Exception as error:  # as above
            return type(error).__name__
        return ""

    def _keep(self) -> None:
        """What was fetched is kept at once: the platform may not hand it out again. What cannot be kept now is kept later."""
        while self._fetched:
            coming, body = self._fetched[0]
            Pushed.on(coming.what, str(self.file), body, self._clock()).save()
            self._fetched.popleft()
            self._looked = 0.0

    def _pushed(self) -> list[Event]:
        """What waits, understood; a body of which nothing is understood is put aside."""
        rows = list(Pushed.objects.filter(platform=str(self.file), aside=False).order_by("pk")[:TAKEN])
        # Until all that waits is taken the next look comes at once.
        self._looked = 0.0 if len(rows) == TAKEN else monotonic()
        rules: Mapping[str, Coming] = {coming.what: coming for coming in self.platform.coming}
        events: list[Event] = []
        for row in rows:
            coming = rules.get(row.what)
            why = None if coming else _UNASKED
            try:
                entries = coming.entries(row.body) if coming else []
            except Unreadable as error:
                log.warning("What the SMS platform said of %s cannot be read, and was put aside: %s", row.what, error)
                entries, why = [], Words(f"读不懂：{error}", f"It cannot be read: {error}")
            read = [coming.understood(entry) for entry in entries] if coming else []
            if None in read:
                little = read.count(None)
                why = Words(f"{len(read)} 条中有 {little} 条信息不全", f"{little} of {len(read)} say too little")
            handle = Handle(row.pk, why)
            told = [
                replace(each, handle=handle, id=each.id or f"{row.key}:{number}")
                if isinstance(each, Reply)
                else replace(each, handle=handle)
                for number, each in enumerate(read)
                if each is not None
            ]
            if None in read:
                log.warning("%d of %d %s say too little, and were put aside", read.count(None), len(read), row.what)
            if not told:
                self._settle([handle])
            events += told
        return events

    def _settle(self, handles: Sequence[Handle]) -> None:
        for handle in handles:
            if handle.why is not None:
                why = {"zh": handle.why.zh, "en": handle.why.en}
                Pushed.objects.filter(pk=handle.id).update(aside=True, why=why)
        Pushed.objects.filter(pk__in=[handle.id for handle in handles if handle.why is None]).delete()


def unreached(where: str, error: httpx.HTTPError) -> Unbound:
    """Why there is no connection, in words of our own."""
    kind = type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Unbound(
            f"短信平台 {where} 的证书不受信任。若由行内机构签发，请用 SSL_CERT_FILE 指明其根证书",
            f"the certificate of the SMS platform {where} is not trusted. If the bank's own authority signed it, SSL_CERT_FILE names its root",
        )
    return Unbound(
        f"连不上短信平台 {where}（{kind}），请检查地址、端口、代理与防火墙",
        f"the SMS platform {where} cannot be reached ({kind}); check address, port, proxy and firewall",
    )


def described(address: str) -> Path:
    """The file that describes the platform at an address. Raises Refused."""
    read = Address.on_disk(VARIABLE, address, EXAMPLE, SCHEME)
    if read.query:
        raise read.wrong("其后不带参数，设置都写在文件里", "nothing follows it; settings stand in the file")
    return Path(read.path)


def make(address: str, clock: Callable[[], datetime]) -> Http:
    """The platform that the file describes. Raises Refused."""
    return Http(described(address), clock)


KIND = Kind(Words("本行短信平台（HTTP）", "the bank's SMS platform (HTTP)"), (SCHEME,), EXAMPLE, make)
