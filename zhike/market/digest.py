"""What a week has brought (周报, W12): notes by kind, briefs, what became of what was passed on; of a unit and all below it. And how much each
has noted, and how much of what they passed on was answered in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from zhike.people.actor import Actor
from zhike.people.models import Unit

from .models import Brief, Note, Routing


@dataclass(frozen=True)
class Week:
    """Newest first in each kind; ``answered``: those whose answer fell in the time."""

    kinds: dict[str, list[Note]]
    briefs: list[Brief]
    answered: list[Routing]
    open: int

    @property
    def notes(self) -> int:
        return sum(map(len, self.kinds.values()))


def week(unit: Unit, actor: Actor, since: datetime, until: datetime) -> Week:
    """Of the unit and all below it, as far as the actor may see it."""
    below = {"unit__path__startswith": unit.path}
    notes = (
        Note.objects.visible_to(actor)
        .filter(at__gte=since, at__lt=until, **below)
        .select_related("by", "unit", "customer")
    )
    kinds: dict[str, list[Note]] = {}
    for note in notes.order_by("-at", "-pk"):
        kinds.setdefault(note.kind, []).append(note)
    briefs = Brief.objects.visible_to(actor).filter(at__gte=since, at__lt=until, **below).select_related("by", "unit")
    rows = Routing.objects.visible_to(actor).filter(by__in=[note.by_id for some in kinds.values() for note in some])
    rows = rows | Routing.objects.visible_to(actor).filter(
        Q(note__unit__path__startswith=unit.path) | Q(brief__unit__path__startswith=unit.path)
    )
    rows = rows.select_related("note", "brief", "by", "to", "unit", "answered_by").distinct()
    return Week(
        {kind: kinds[kind] for kind in Note.Kind.values if kind in kinds},
        list(briefs.order_by("-at", "-pk")),
        list(rows.filter(answered_at__gte=since, answered_at__lt=until).order_by("-answered_at", "-pk")),
        rows.filter(answer="", at__lt=until).count(),
    )


@dataclass(frozen=True)
class Noted:
    """One person in a period: notes and briefs written, passed on, and of these answered in time, late, or open past their time."""

    staff: int
    notes: int = 0
    briefs: int = 0
    passed: int = 0
    in_time: int = 0
    late: int = 0
    open: int = 0


def noted(actor: Actor, since: datetime, until: datetime, now: datetime) -> list[Noted]:
    """By whoever wrote them, of those whom the actor oversees; a fixed number of queries."""
    whose = {"by__among": actor.oversees, "at__gte": since, "at__lt": until}
    counts: dict[int, dict[str, int]] = {}
    for name, model in (("notes", Note), ("briefs", Brief)):
        for row in model.objects.filter(**whose).order_by().values("by").annotate(n=Count("pk")):
            counts.setdefault(row["by"], {})[name] = row["n"]
    rows = list(Routing.objects.filter(**whose))
    for sent in rows:
        found = counts.setdefault(sent.by_id, {})
        found["passed"] = found.get("passed", 0) + 1
        end = sent.due
        if end is None:
            continue
        fate = (
            "in_time"
            if sent.answered_at and sent.answered_at < end
            else "late"
            if sent.answered_at
            else "open"
            if now >= end
            else ""
        )
        if fate:
            found[fate] = found.get(fate, 0) + 1
    return [Noted(staff, **found) for staff, found in sorted(counts.items())]
