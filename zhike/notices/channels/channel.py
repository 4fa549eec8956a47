"""What a channel is (渠道): it is handed a parcel, and says that the receiving end has taken it or why it has not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from zhike.conduct.words import Words

PATIENCE = 10.0  # seconds that a receiving end may take to answer


@dataclass(frozen=True)
class Parcel:
    """What a channel is handed: to whom, in which words, under which key. No customer's data is in it.

    ``key`` is the same at every attempt, so that the receiving end can drop a second copy. ``link``: where Zhike is, or "". ``pdf``: a
    paper that goes with it, by its file's name; by e-mail alone.
    """

    key: UUID
    to: str
    title: str
    text: str
    link: str
    pdf: tuple[str, bytes] | None = None

    @property
    def link_by_key(self) -> str:
        """The link made this parcel's own, for a receiving end that tells copies by what they say; "" where there is none."""
        return f"{self.link}/?notice={self.key}" if self.link else ""

    @property
    def mark(self) -> str:
        """A few letters of the key, for a receiving end that would take two parcels of the same words for copies."""
        return f"#{self.key.hex[:8]}"


class Undelivered(Exception):
    """The channel did not take a parcel; says why, in both languages, without what it carried. ``permanent``: trying again cannot
    help (the address is unknown, the bank's own secret is wrong)."""

    def __init__(self, zh: str, en: str, *, permanent: bool = False) -> None:
        super().__init__(en)
        self.words = Words(zh, en)
        self.permanent = permanent

    @property
    def kept(self) -> str:
        """As it is written down: both languages, a line each."""
        return f"{self.words.zh}\n{self.words.en}"


def worded(kept: str) -> Words:
    """What a channel said, from how it was written down."""
    zh, _, en = kept.partition("\n")
    return Words(zh, en or zh)


class Channel(Protocol):
    """One way to reach one person. ``send`` returns once the receiving end has taken it; several threads may call it at once.

    ``knock`` sends nothing: it raises Undelivered where the receiving end cannot be reached or does not take the bank's secret.
    """

    def send(self, parcel: Parcel) -> None: ...

    def knock(self) -> None: ...


@dataclass(frozen=True)
class Kind:
    """A channel as it is offered: its name on screen, the variable with its address, what a person's address there is and how it
    looks (one person's, never several), and what opens it (raises Refused for an address that cannot be one)."""

    words: Words
    variable: str
    reached_by: Words
    shape: re.Pattern[str]
    open: Callable[[str], Channel]
