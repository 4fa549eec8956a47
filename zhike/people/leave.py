"""Leave and stand-ins (休假与代班)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def stand_ins(staff: Iterable[int], day: date) -> dict[int, int]:
    return {}
