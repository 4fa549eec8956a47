"""The funnel (漏斗): of prospects how many came how far, what share went on, how long each stage took, why the others were lost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

STAGES = ("new", "contacted", "met", "offer", "won")
LOST = "lost"


@dataclass(frozen=True, slots=True)
class Path:
    """One prospect's way: the stages in which it stood, each with its moment, in their order; `why` it was lost, where it is."""

    stages: Sequence[tuple[str, datetime]]
    why: str = ""

    @property
    def now(self) -> str:
        return self.stages[-1][0]

    def reached(self) -> dict[str, datetime]:
        """When it first came to each stage or went beyond it. Lost is no stage of the way."""
        found: dict[str, datetime] = {}
        for stage, at in self.stages:
            if stage in STAGES:
                for passed in STAGES[: STAGES.index(stage) + 1]:
                    found.setdefault(passed, at)
        return found


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage over a set: how many `came` to it or went beyond, how many of them `stand` there now, were `lost` from it, and the
    days that it took those who went on, by their median; None where nobody did.
    """

    name: str
    came: int
    stand: int
    lost: int
    went_on: int
    days: float | None

    @property
    def rate(self) -> float | None:
        """Of those who came the share that went on; None where nobody came, and for the last."""
        return self.went_on / self.came if self.came and self.name != STAGES[-1] else None


@dataclass(frozen=True, slots=True)
class Funnel:
    """`lost`: how many for which reason."""

    stages: tuple[Stage, ...]
    lost: Mapping[str, int]

    @property
    def entered(self) -> int:
        return self.stages[0].came

    @property
    def won(self) -> int:
        return self.stages[-1].came


def funnel(paths: Iterable[Path]) -> Funnel:
    """Counts first; a rate only beside its counts."""
    paths = list(paths)
    ways = [(path, path.reached()) for path in paths]
    lost_from = Counter(_furthest(path) for path in paths if path.now == LOST)
    stages = []
    for place, name in enumerate(STAGES):
        after = STAGES[place + 1] if place + 1 < len(STAGES) else None
        on = [way[after] - way[name] for _path, way in ways if after and after in way]
        # Who came to a stage and beyond it at one moment was never in it: that took no time and says nothing of it.
        took = [each / timedelta(days=1) for each in on if each]
        stages.append(
            Stage(
                name,
                came=sum(name in way for _path, way in ways),
                stand=sum(path.now == name for path in paths),
                lost=lost_from[name],
                went_on=len(on),
                days=round(median(took), 1) if took else None,
            )
        )
    return Funnel(tuple(stages), dict(Counter(path.why for path in paths if path.now == LOST).most_common()))


def _furthest(path: Path) -> str:
    """The stage in which it last stood before it was lost."""
    return next((stage for stage, _at in reversed(path.stages) if stage in STAGES), STAGES[0])
