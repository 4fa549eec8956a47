"""Agreed call-backs (守约回电, C5): how far off their minute those of a period were made, whose they were, and each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import F, Q, QuerySet

from zhike.conduct.measure import CallBack, edges
from zhike.people.actor import Actor

from .models import Obligation, State


@dataclass(frozen=True)
class Whose:
    """Call-backs of one owner that are alike; ``unit`` is where the owner serves, or served last."""

    staff: int
    name: str
    unit: int | None
    unit_name: str
    made: CallBack


def called_back(
    owners: Sequence[int], since: datetime, until: datetime, *, now: datetime, day: date, below: int | None = None
) -> list[Whose]:
    """What became of the call-backs promised for a moment from ``since`` on and before ``until``, in the order of units and
    staff numbers: never of persons. ``below``: only whose owner serves there or below. One query, whatever their number.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CALLED_BACK,
            {"owners": list(owners), "since": since, "until": until, "now": now, "day": day, "unit": below},
        )
        return [
            Whose(staff, name, unit, words, CallBack(*made)) for staff, name, unit, words, *made in cursor.fetchall()
        ]


def each(actor: Actor, owners: Iterable[int], since: datetime, until: datetime) -> QuerySet[Obligation]:
    """The same call-backs by themselves, in the order of their promised minutes."""
    rows = Obligation.objects.visible_to(actor).filter(
        kind="call_back", owner__among=sorted(owners), target__gte=since, target__lt=until
    )
    return rows.filter(COUNTED).select_related("owner", "customer").order_by("target", "id")


COUNTED = Q(state__in=[State.OPEN, State.DONE, State.MISSED])


def with_fate(fate: str, now: datetime) -> Q:
    """Those of one of :data:`zhike.conduct.measure.FATES`, as :class:`zhike.conduct.measure.CallBack` judges; or the ones that
    the customer satisfied by ringing first.
    """
    made, over = Q(state=State.DONE), Q(due__lt=now) | Q(due=now, due_counts=False)
    kept = made & (Q(evidence__kept="kept") | ~Q(evidence__has_key="kept"))
    return {
        "early": made & Q(evidence__kept="early"),
        "kept": kept,
        "late": made & Q(evidence__kept="late"),
        "never": Q(state=State.MISSED) | (Q(state=State.OPEN) & over),
        "open": Q(state=State.OPEN) & ~over,
        "by_customer": kept & Q(evidence__incoming=True),
    }[fate]


def in_bin(bin: int) -> Q:
    """Those whose deviation lies in one bin of :func:`zhike.conduct.measure.bin_of`."""
    low, high = edges(bin)
    early = high is not None and high <= 0
    found = Q(evidence__has_key="minutes")
    if low is not None:
        found &= Q(evidence__minutes__gte=low) if early or not low else Q(evidence__minutes__gt=low)
    if high is not None:
        found &= Q(evidence__minutes__lt=high) if early else Q(evidence__minutes__lte=high)
    return found


def notices(call_backs: Iterable[Obligation]) -> Mapping[int, list[Obligation]]:
    """For each call-back the leaders who were told that it is missed: what they owe because of it (look_into)."""
    asked = list(call_backs)
    told = Obligation.objects.filter(kind="look_into", customer__in={row.customer_id for row in asked})
    by_subject: dict[str, list[Obligation]] = {}
    for notice in told.exclude(state=State.WITHDRAWN).select_related("owner").order_by(F("created_at"), "id"):
        by_subject.setdefault(notice.subject.rpartition("/leader:")[0], []).append(notice)
    return {row.pk: by_subject.get(row.subject, []) for row in asked}


# The minutes are rounded away from the promised one, which moves none into another bin. A leader's notice is looked for only
# where nothing was made.
CALLED_BACK = """
WITH made AS MATERIALIZED (
    SELECT o.owner_id, o.state, o.due < %(now)s OR (o.due = %(now)s AND NOT o.due_counts) AS past,
           round(extract(epoch FROM o.due - o.target) / 60)::int AS tolerance,
           sign((o.evidence ->> 'minutes')::numeric) * ceil(abs((o.evidence ->> 'minutes')::numeric)) AS minutes,
           coalesce(o.evidence ->> 'kept', '') AS judged, coalesce(o.evidence ->> 'grade', '') AS grade,
           coalesce((o.evidence ->> 'incoming')::boolean, false) AS incoming,
           o.state = 'open' AND o.due <= %(now)s AND EXISTS (
               SELECT FROM obligations_obligation told WHERE told.customer_id = o.customer_id AND told.kind = 'look_into'
               AND told.state <> 'withdrawn' AND starts_with(told.subject, o.subject || '/leader:')) AS told
    FROM obligations_obligation o
    WHERE o.kind = 'call_back' AND o.owner_id = ANY (%(owners)s) AND o.target >= %(since)s AND o.target < %(until)s
      AND o.state IN ('open', 'done', 'missed')
), alike AS MATERIALIZED (
    SELECT owner_id, state, past, tolerance, minutes, judged, grade, incoming, told, count(*)::int AS times FROM made
    GROUP BY owner_id, state, past, tolerance, minutes, judged, grade, incoming, told
), owner AS MATERIALIZED (
    SELECT s.id, s.number, s.name, u.id AS unit_id, u.name AS unit, u.code, u.path
    FROM (SELECT DISTINCT owner_id FROM alike) a JOIN people_staff s ON s.id = a.owner_id
    LEFT JOIN LATERAL (
        SELECT u.id, u.name, u.code, u.path FROM people_post p JOIN people_unit u ON u.id = p.unit_id
        WHERE p.staff_id = s.id AND p.role IN ('rm', 'leader') AND p.from_day <= %(day)s
        ORDER BY p.to_day IS NULL OR p.to_day > %(day)s DESC, p.role = 'rm' DESC, p.from_day DESC, p.id DESC LIMIT 1
    ) u ON true
    WHERE %(unit)s::bigint IS NULL OR starts_with(u.path, (SELECT path FROM people_unit WHERE id = %(unit)s))
)
SELECT w.id, w.name, w.unit_id, coalesce(w.unit, ''),
       a.state, a.past, a.tolerance, a.minutes::float, a.judged, a.grade, a.incoming, a.told, a.times
FROM alike a JOIN owner w ON w.id = a.owner_id
ORDER BY w.code, w.number, a.minutes
"""
