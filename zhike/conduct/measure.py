"""MEASURE: what was kept, computed from what happened. Counts first; a rate only beside its counts.

Punctuality is reported by the grade of its time: observed by the system, tapped at the moment, entered later. What the code
itself asks is never mixed with what the bank or the law adds (CLAUSES, Whose rule).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Kept:
    """One obligation as measured: its state now, its window, how it was settled."""

    clause: str
    origin: str
    force: str
    state: str
    due: datetime | None
    settled_at: datetime | None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """One clause over a set: how many were owed, kept in time, kept late, are open, late, missed, waived, impossible.

    `grades` counts the kept ones by how their time is known; `spread` counts what the clause measures beyond in time or late:
    arrivals by V2, call-backs by C5.
    """

    clause: str
    origin: str
    owed: int
    in_time: int
    late: int
    open: int
    overdue: int
    missed: int
    waived: int
    cannot: int
    grades: Mapping[str, int]
    spread: Mapping[str, int]

    @property
    def counted(self) -> int:
        """What a rate may divide by: settled or past its time. Open in time, waived and impossible do not count."""
        return self.in_time + self.late + self.overdue + self.missed

    @property
    def rate(self) -> float | None:
        """Kept in time of what counts; None where nothing counts yet."""
        return self.in_time / self.counted if self.counted else None


def adherence(rows: Iterable[Kept], now: datetime) -> list[Measure]:
    """One measure for each clause and origin among `rows`. What only may be done is never a miss."""
    groups: dict[tuple[str, str], list[Kept]] = {}
    for row in rows:
        if row.force != "may" and row.state != "withdrawn":
            groups.setdefault((row.clause, row.origin), []).append(row)
    return [_measure(clause, origin, group, now) for (clause, origin), group in sorted(groups.items())]


def _measure(clause: str, origin: str, rows: list[Kept], now: datetime) -> Measure:
    count = Counter(_fate(row, now) for row in rows)
    done = [row for row in rows if row.state == "done"]
    return Measure(
        clause=clause,
        origin=origin,
        owed=len(rows),
        in_time=count["in_time"],
        late=count["late"],
        open=count["open"],
        overdue=count["overdue"],
        missed=count["missed"],
        waived=count["waived"],
        cannot=count["cannot"],
        grades=dict(Counter(str(row.evidence.get("grade", "observed")) for row in done)),
        spread=dict(Counter(word for row in done if (word := _spread(row)))),
    )


def _fate(row: Kept, now: datetime) -> str:
    if row.state == "done":
        return "in_time" if _in_time(row) else "late"
    if row.state == "open":
        return "overdue" if row.due is not None and now > row.due else "open"
    return row.state


def _in_time(row: Kept) -> bool:
    """C5 and V2 have measures of their own; for the rest it is done before its deadline."""
    if "kept" in row.evidence:
        return bool(row.evidence["kept"] == "kept")
    if "arrival" in row.evidence:
        return row.evidence["arrival"] in {"as_prescribed", "short_wait"}
    done_at = datetime.fromisoformat(row.evidence["at"]) if "at" in row.evidence else row.settled_at
    return row.due is None or (done_at is not None and done_at <= row.due)


def _spread(row: Kept) -> str:
    return str(row.evidence.get("kept") or row.evidence.get("arrival") or "")
