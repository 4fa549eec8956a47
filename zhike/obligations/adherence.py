"""What fell due in a period and what became of it: the rows that adherence is measured on, and that stand behind its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from zhike.conduct.measure import Kept
from zhike.people.actor import Actor

from .models import Obligation


@dataclass(frozen=True, slots=True)
class Owed:
    """One of them: which, who owed it, when it fell due."""

    id: int
    owner: int
    when: datetime
    kept: Kept


def fell_due(actor: Actor, owners: Sequence[int], since: datetime, until: datetime) -> QuerySet[Obligation]:
    """What these owed by a moment after ``since`` and not after ``until``: what is due at the end of a day is due at the midnight
    after it. What has no deadline counts from when it arose.
    """
    rows = Obligation.objects.visible_to(actor).filter(owner__among=sorted(owners))
    return rows.annotate(when=Coalesce("due", "created_at")).filter(when__gt=since, when__lte=until)


def measured(rows: QuerySet[Obligation]) -> Iterator[Owed]:
    """As measured, each with whose it is."""
    columns = rows.values_list(
        "id", "owner", "when", "clause", "origin", "force", "state", F("due"), "settled_at", "evidence", "due_counts"
    )
    for id, owner, when, *kept in columns.iterator(2000):
        yield Owed(id, owner, when, Kept(*kept))
