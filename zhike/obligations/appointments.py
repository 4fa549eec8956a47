"""Appointments and planned contacts, for whoever lays out people's days and does not know contacts: asked for by name, answered by
whoever holds them, who enters at start how (``ANSWERS``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zhike.customers.models import Customer
    from zhike.people.actor import Actor


@dataclass(frozen=True)
class Appointment:
    """A contact with a customer that is planned, agreed, held or called off.

    ``about``: what the ledger calls it (``contact:12``); ``kind``: reception, visit or call; ``at``: when it is to be; ``agreed``: with the
    customer; ``stands``: ahead, held or off, since ``ended`` where it is one of these.
    """

    about: str
    staff: int
    customer: Customer
    kind: Literal["reception", "visit", "call"]
    purpose: str
    words: str
    place: str
    at: datetime | None
    agreed: bool
    stands: Literal["ahead", "held", "off"]
    ended: datetime | None


@dataclass(frozen=True)
class Answers:
    """How it is asked: of whom between two moments, what is ahead there, or was held; and which of these by their names, however they
    stand."""

    between: Callable[..., list[Appointment]]
    named: Callable[[Actor, Sequence[str]], list[Appointment]]


ANSWERS: list[Answers] = []


def between(
    actor: Actor, staff: Sequence[int], first: datetime, until: datetime, *, held: bool = False
) -> list[Appointment]:
    """What is ahead of these people between two moments, of what the actor may see, by its time; with ``held`` also what was. One query."""
    return [each for answers in ANSWERS for each in answers.between(actor, staff, first, until, held=held)]


def named(actor: Actor, abouts: Sequence[str]) -> dict[str, Appointment]:
    """Those of the names that the actor may see. One query."""
    return {each.about: each for answers in ANSWERS for each in answers.named(actor, abouts)} if abouts else {}
