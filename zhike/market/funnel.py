"""The funnel of prospects (获客漏斗) over a scope and a period, and what each RM has won: two queries, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Count, Q

from zhike.conduct.funnel import Funnel, Path, funnel
from zhike.people.actor import Actor

from .models import Event, Prospect


def entered_between(actor: Actor, since: datetime, until: datetime, keepers: Sequence[int] | None = None) -> Funnel:
    """Of those whom the actor may see and who were entered from ``since`` on and before ``until``; ``keepers``: only theirs."""
    rows = Prospect.objects.visible_to(actor).filter(at__gte=since, at__lt=until)
    if keepers is not None:
        rows = rows.filter(keeper__among=list(keepers))
    why = dict(rows.values_list("pk", "lost"))
    events = Event.objects.filter(prospect__in=list(why)).order_by("prospect", "at", "pk")
    told = events.values_list("prospect", "stage", "at")
    paths = []
    for prospect, some in groupby(told, key=lambda row: row[0]):
        stages: list[tuple[str, datetime]] = []
        for _prospect, stage, at in some:
            if not stages or stages[-1][0] != stage:
                stages.append((stage, at))
        paths.append(Path(stages, why[prospect]))
    return funnel(paths)


@dataclass(frozen=True)
class Found:
    """What one RM has found in a period (W3): prospects entered, talks with prospects, prospects who became customers."""

    staff: int
    entered: int
    contacts: int
    won: int


def found(actor: Actor, since: datetime, until: datetime) -> list[Found]:
    """By whoever did it, of those whom the actor oversees; one query."""
    What = Event.What
    events = Event.objects.filter(by__among=actor.oversees, at__gte=since, at__lt=until)
    counted = events.order_by().values("by").annotate(
        entered=Count("pk", filter=Q(what=What.ENTERED)),
        contacts=Count("pk", filter=Q(what=What.CONTACT, how__in=sorted(Event.REAL))),
        won=Count("pk", filter=Q(what=What.WON)),
    )  # fmt: skip
    rows = [Found(row["by"], row["entered"], row["contacts"], row["won"]) for row in counted]
    return sorted((row for row in rows if row.entered or row.contacts or row.won), key=lambda row: row.staff)
