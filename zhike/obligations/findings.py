"""Findings (发现) as those see them who answer for it: on whom they were made, not whose customer it was."""

from __future__ import annotations

from django.db.models import QuerySet

from zhike.obligations.models import Finding
from zhike.people.actor import Actor


def found_with(actor: Actor) -> QuerySet[Finding]:
    """The findings on the actor and on those whom the actor sees."""
    return Finding.objects.filter(staff__among=actor.oversees)
