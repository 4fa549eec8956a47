"""What a transport is (网关): it is handed parts whose numbers the journal already holds, and says what came back.

None of the protocols can say "send this once". So a transport never sends a part again by itself: a lost answer, a lost connection
are told, and what becomes of the part is decided elsewhere (`sms/sender.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from zhike.conduct.words import Words

# Where the bank names its gateways, one address each.
VARIABLE = "ZHIKE_SMS_URL"

Coding = Literal["gsm7", "ucs2"]
# What a part is called towards the other end: the message's key, and the part's number.
REFERENCE = re.compile(r"([0-9a-f]{32})([0-9]{2,3})")
Fate = Literal["delivered", "undelivered", "expired", "under_way"]


@dataclass(frozen=True, slots=True)
class Part:
    """One short message as it leaves: at most 140 octets, header included; or, for a transport that takes texts whole, a text.

    ``sequence``: from :meth:`Transport.numbers`, committed to the journal before this is handed over. ``reference``: our own name of
    it, to be found again by at the other end. ``to``: a mobile number as the bank writes it, 11 digits. ``octets``: the user data
    behind ``header`` (UDH, empty for a single one): one septet an octet for gsm7, big-endian for ucs2.
    """

    sequence: int
    reference: str
    to: str
    text: str
    coding: Coding = "ucs2"
    octets: bytes = b""
    header: bytes = b""
    number: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """The other end has answered a part: taken under ``id``, or not taken, by ``code`` and what that means.

    ``throttled``: definitely not taken, because of too many at once; trying again later sends nothing twice.
    """

    sequence: int
    taken: bool
    id: str = ""
    code: str = ""
    words: Words | None = None
    throttled: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a part that was taken under ``id``; ``at`` and ``submitted_at`` None where the other end does not say. By ``to`` and
    ``submitted_at`` a part is found whose answer was lost; by ``reference``, our own name of it, where the other end tells that, and ``id``
    is empty where it tells nothing else. ``handle``: the transport's own.
    """

    id: str
    fate: Fate
    code: str = ""
    words: Words | None = None
    at: datetime | None = None
    to: str = ""
    submitted_at: datetime | None = None
    reference: str = ""
    handle: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a customer wrote (上行). Of a long one ``part`` says which of how many under which reference: (reference, of, number).

    ``id``: the other end's name for it, the same when it is told again; "" where it has none.
    """

    sender: str
    to: str
    text: str
    id: str = ""
    at: datetime | None = None
    part: tuple[int, int, int] | None = None
    handle: object = field(default=None, compare=False)


Event = Answer | Receipt | Reply


class Unbound(Exception):
    """The gateway cannot be reached, or does not let us in; says why and what to do, in both languages. ``permanent``: trying again
    cannot help (wrong credentials, a version it does not speak)."""

    def __init__(self, zh: str, en: str, *, permanent: bool = False) -> None:
        super().__init__(en)
        self.words = Words(zh, en)
        self.permanent = permanent


class Lost(Exception):
    """The connection ended: what had no answer has none. Says how it ended, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class Transport(Protocol):
    """One connection to one gateway; used by one thread.

    ``whole``: it takes texts whole and cuts them itself. ``window``: so many parts may be without an answer. ``rate``: so many a
    second at most, 0 where nothing is agreed.
    """

    whole: bool
    window: int
    rate: int

    def open(self) -> None:
        """Connects and signs in. Raises Unbound. After Lost it may be opened anew."""

    def numbers(self, count: int) -> list[int]:
        """The next sequence numbers of this connection, for as many parts: to be journalled before they are handed over."""

    def submit(self, parts: Sequence[Part]) -> None:
        """Writes them, each once. Raises Lost: some may have left."""

    def events(self, timeout: float) -> list[Event]:
        """What has come, waiting for the first of it for so many seconds at most. Keeps the connection alive meanwhile. Raises Lost once
        the connection has ended and all that came before has been told."""

    def took(self, events: Sequence[Event]) -> None:
        """Receipts and replies that are safely kept are acknowledged; what is not, the other end tells again."""

    def close(self) -> None:
        """Signs out. What is unanswered stays so."""


@dataclass(frozen=True)
class Kind:
    """A transport as it is offered: its name, the schemes of its addresses, an example, and what opens it (raises Refused for an
    address that cannot be one). The clock tells the time where a protocol asks for it."""

    words: Words
    schemes: tuple[str, ...]
    example: str
    make: Callable[[str, Callable[[], datetime]], Transport]
