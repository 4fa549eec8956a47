"""A gateway of the tests' own: takes parts, keeps its own journal of them, and answers as it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from zhike.sms.transports.transport import Answer, Event, Lost, Part, Receipt, Reply


@dataclass
class Gateway:
    """``answers``: what is said to a part; by default it is taken, and arrives at once."""

    window: int = 100
    whole: bool = False
    rate: int = 0
    answers: Callable[[Part], list[Event]] | None = None
    journal: list[Part] = field(default_factory=list)
    taken: list[Event] = field(default_factory=list)
    coming: list[Event] = field(default_factory=list)
    lost: Lost | None = None
    breaks_at: int = 0  # with which part the connection breaks, counted from one; 0: never
    opened: int = 0

    def open(self) -> None:
        self.opened += 1
        self._numbers = count(1)
        self.lost = None

    def numbers(self, count: int) -> list[int]:
        return [next(self._numbers) for _ in range(count)]

    def submit(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self.journal.append(part)
            if len(self.journal) == self.breaks_at:
                self.lost = Lost("连接中断", "the connection broke")
                raise self.lost
            self.coming += self.answers(part) if self.answers else arrives(part)

    def events(self, timeout: float) -> list[Event]:
        came, self.coming = self.coming, []
        if not came and self.lost:
            raise self.lost
        return came

    def took(self, events: Sequence[Event]) -> None:
        self.taken += events

    def close(self) -> None:
        pass

    def texts(self) -> list[str]:
        """What each handset would show: parts joined, in the order in which their first parts came."""
        joined: dict[str, list[Part]] = {}
        for part in self.journal:
            joined.setdefault(part.reference[:-2], []).append(part)
        return ["".join(part.text for part in sorted(parts, key=lambda part: part.number)) for parts in joined.values()]


def name_of(part: Part) -> str:
    """What this gateway calls a part."""
    return f"g{part.reference}"


def taken(part: Part) -> list[Event]:
    """Taken, and no receipt."""
    return [Answer(part.sequence, taken=True, id=name_of(part))]


def arrives(part: Part) -> list[Event]:
    """Taken, and arrived."""
    return [*taken(part), Receipt(name_of(part), "delivered", "DELIVRD", to=part.to)]


def nothing(part: Part) -> list[Event]:
    """The answer is swallowed."""
    return []


def written(sender: str, text: str, id: str = "") -> Reply:
    """What a customer writes."""
    return Reply(sender, "95588", text, id=id)
