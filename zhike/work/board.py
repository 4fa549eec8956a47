"""Who is where (去向): the outings that are reported, under way or over today, of whom one oversees; and how they were kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce

from zhike.conduct.measure import Outing as Measured
from zhike.conduct.measure import Outings, outings
from zhike.people.actor import Actor

from .models import Help, Outing, Stop
from .models.outing import ABROAD


def whole(rows: QuerySet[Outing]) -> QuerySet[Outing]:
    """With their stops, requests for help and names: three queries, whatever their number."""
    return rows.select_related("staff", "answered_by", "back_by").prefetch_related(
        Prefetch("stops", Stop.objects.select_related("customer").order_by("number")),
        Prefetch("helps", Help.objects.select_related("leader", "answered_by").order_by("pk")),
    )


def board(actor: Actor, midnight: datetime, until: datetime) -> list[Outing]:
    """Of others: who is out or not back, who leaves before ``until``, who came back since ``midnight``; the first return first."""
    others = Outing.objects.visible_to(actor).exclude(staff=actor.id)
    shown = Q(state__in=ABROAD, departs_at__lt=until) | Q(back_at__gte=midnight, back_at__lt=until)
    return list(whole(others.filter(shown)).order_by("returns_at", "pk")[:500])


def abroad(actor: Actor, now: datetime) -> tuple[int, int]:
    """Of others: how many are out, and how many of all are not back by the return that they said. One query."""
    rows = Outing.objects.visible_to(actor).exclude(staff=actor.id).filter(state__in=ABROAD)
    found = rows.aggregate(out=Count("pk", filter=Q(state="out")), late=Count("pk", filter=Q(returns_at__lt=now)))
    return found["out"], found["late"]


def measured(rows: QuerySet[Outing], now: datetime) -> Outings:
    """How these were reported, signed back in and reported on. One query."""
    return outings(_measured(rows, now), now)


def _measured(rows: QuerySet[Outing], now: datetime) -> Iterable[Measured]:
    """Those that took place: left, as far as anybody knows, or to have left by now."""
    took_place = rows.exclude(state="cancelled").filter(Q(left_at__isnull=False) | Q(departs_at__lte=now))
    columns = took_place.annotate(
        gone=Coalesce("left_at", "departs_at"), n=Count("stops"), told=Count("stops", filter=~Q(stops__result=""))
    ).values_list("reported_at", "gone", "returns_at", "back_at", "n", "told")  # fmt: skip
    return (Measured(*row) for row in columns.iterator(2000))
