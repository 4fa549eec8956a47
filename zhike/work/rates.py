"""How assignments were carried out (W2): on time and sent back, per person and together; no ranking."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from zhike.conduct.measure import Errand, Errands, errands
from zhike.people.actor import Actor

from .models.assignment import Assignment, State


def rates(
    actor: Actor, since: datetime, until: datetime, *, now: datetime
) -> tuple[list[tuple[int, str, Errands]], Errands]:
    """Of what was due in a period: each person's in the order of staff numbers, one's own first, and all together. One query."""
    rows = Assignment.objects.visible_to(actor).filter(due__gt=since, due__lte=until)
    found = rows.order_by("staff__number", "staff_id").values_list(
        "staff_id", "staff__name", "due", "state", "handed_in_at", "hand_ins", "sent_back", "rating"
    )
    measured = [
        (staff, name, _errand(due, state, handed_in_at, hand_ins, back, rating))
        for staff, name, due, state, handed_in_at, hand_ins, back, rating in found
    ]
    each = [
        (staff, name, errands((row for _s, _n, row in group), now))
        for (staff, name), group in groupby(measured, key=lambda row: row[:2])
    ]
    return sorted(each, key=lambda row: row[0] != actor.id), errands((row for _s, _n, row in measured), now)


def _errand(
    due: datetime, state: str, handed_in_at: datetime | None, hand_ins: int, sent_back: int, rating: int | None
) -> Errand:
    return Errand(
        due,
        state == State.DONE,
        state == State.CALLED_OFF,
        handed_in_at,
        state == State.HANDED_IN,
        hand_ins,
        sent_back,
        rating,
    )
