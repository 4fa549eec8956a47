"""The structure of a book (客户结构, W5): how its customers moved between the tiers month by month, and who is about to rise or fall.

Counted are the customers whom the keepers have today, wherever they were kept before. In a month's column stands the tier with which
the month began, in the last one today's. Who was entered in a month came in it, whose account was closed or who died in one left in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.tiers import TierRules, Turn, turn
from zhike.customers.rating import months_before
from zhike.people.actor import Actor
from zhike.people.models import Unit
from zhike.people.posts import stations

CAME, LEFT = "came", "left"
MOST = 20_000  # customers whose ways are followed at once
NEAREST = 2_000  # of those about to rise or fall

WAYS = """
WITH span AS MATERIALIZED (SELECT month, n FROM unnest(%(months)s::date[]) WITH ORDINALITY AS t(month, n)),
who AS MATERIALIZED (
    SELECT c.id, c.tier, date_trunc('month', least(c.closed_on, c.deceased_on))::date AS gone,
        least(date_trunc('month', c.created_at AT TIME ZONE %(zone)s)::date,
              (SELECT min(r.month) FROM customers_rating r WHERE r.customer_id = c.id)) AS came
    FROM customers_customer c WHERE c.keeper = ANY (%(keepers)s::bigint[])),
stands AS (
    SELECT w.id, s.n, CASE
        WHEN w.came > s.month THEN 'came' WHEN w.gone <= s.month THEN 'left' WHEN s.month >= %(month)s THEN w.tier
        ELSE coalesce(
            (SELECT r.tier FROM customers_rating r WHERE r.customer_id = w.id AND r.month <= s.month ORDER BY r.month DESC LIMIT 1),
            (SELECT r.tier FROM customers_rating r WHERE r.customer_id = w.id ORDER BY r.month LIMIT 1), w.tier) END AS tier
    FROM who w CROSS JOIN span s),
ways AS (SELECT id, n, lag(tier) OVER (PARTITION BY id ORDER BY n) AS "from", tier AS "to" FROM stands)
"""
COUNTED = "\n".join((
    WAYS, """SELECT n, coalesce("from", ''), "to", count(*) FROM ways GROUP BY n, "from", "to" ORDER BY n, "from", "to"
"""
))  # fmt: skip
WHO = "\n".join((
    WAYS, """SELECT c.id, c.name, c.honorific, c.kind, c.tier, c.assets, c.keeper, coalesce(s.name, u.name), c.sort_key
FROM ways w JOIN customers_customer c ON c.id = w.id JOIN people_unit u ON u.id = c.unit_id LEFT JOIN people_staff s ON s.id = c.rm_id
WHERE w.n = 2 AND w."from" = %(from)s AND w."to" = %(to)s
    AND (%(id)s::bigint IS NULL OR (c.sort_key, c.id) > (%(key)s::text, %(id)s::bigint))
ORDER BY c.sort_key, c.id OFFSET %(skip)s LIMIT %(most)s
"""
))  # fmt: skip
# Below the own threshold, or so near to the next that the bank calls it so: of the others nothing is to be said.
NEAR = """
WITH steps AS (SELECT * FROM unnest(%(tiers)s::text[], %(own)s::numeric[], %(next)s::numeric[], %(near)s::numeric[]) AS s(tier, own, next, near))
SELECT c.id, c.name, c.honorific, c.kind, c.tier, c.assets, c.assets_day >= %(month)s, c.keeper, coalesce(m.name, u.name), c.sort_key, h.months, h.assets, h.tiers
FROM steps s JOIN customers_customer c ON c.tier = s.tier JOIN people_unit u ON u.id = c.unit_id LEFT JOIN people_staff m ON m.id = c.rm_id
LEFT JOIN LATERAL (
    SELECT array_agg(r.month ORDER BY r.month) AS months, array_agg(r.assets ORDER BY r.month) AS assets, array_agg(r.tier ORDER BY r.month) AS tiers
    FROM customers_rating r WHERE r.customer_id = c.id AND r.month BETWEEN %(since)s AND %(month)s AND r.assets IS NOT NULL) h ON true
WHERE c.keeper = ANY (%(keepers)s::bigint[]) AND c.closed_on IS NULL AND c.deceased_on IS NULL AND (c.assets < s.own AND s.own > 0 OR c.assets >= s.near)
ORDER BY CASE WHEN c.assets < s.own THEN (s.own - c.assets) / s.own ELSE greatest(s.next - c.assets, 0) / s.next END, c.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Moved:
    """How many went from which tier to which from one of ``months`` to the next: by the place of the later month, from, to. ``from`` or
    ``to`` may be :data:`CAME` or :data:`LEFT`, where they were no customers yet, or no longer.
    """

    months: tuple[date, ...]
    counts: Mapping[tuple[int, str, str], int]

    def stand(self, place: int) -> dict[str, int]:
        """How many stood in each tier in a month."""
        found: dict[str, int] = {}
        for (at, _from, to), n in self.counts.items():
            if at == place and to not in (CAME, LEFT):
                found[to] = found.get(to, 0) + n
        return found

    def ways(self, place: int) -> dict[tuple[str, str], int]:
        """From where to where in the month before this one; who was no customer in either is in none."""
        return {
            (source, to): n
            for (at, source, to), n in self.counts.items()
            if at == place and source and (source, to) not in ((CAME, CAME), (LEFT, LEFT), (CAME, LEFT))
        }


@dataclass(frozen=True)
class Listed:
    """One customer of a list. ``rm``: the name of whoever keeps them, an RM or a unit; ``sort_key``: the place in the order of names."""

    id: int
    name: str
    honorific: str
    kind: str
    tier: str
    assets: Decimal | None
    keeper: int
    rm: str
    sort_key: str


@dataclass(frozen=True)
class Turning:
    """A customer who is about to rise or fall. ``running``: the average is that of this month so far; else the last that is known."""

    customer: Listed
    turn: Turn
    running: bool


def months_until(month: date, count: int) -> tuple[date, ...]:
    """The last ``count`` months up to this one, the oldest first."""
    return tuple(months_before(month, n) for n in reversed(range(count)))


def keepers(actor: Actor, day: date, *, staff: int | None = None, unit: Unit | None = None) -> list[int]:
    """Whose customers are looked at, of those whom the actor oversees: everybody's, one RM's, or those of a unit and all below it."""
    seen = [keeper for keeper in actor.oversees if staff is None or keeper == staff]
    if unit is None:
        return seen
    below = set(Unit.objects.filter(path__startswith=unit.path).values_list("pk", flat=True))
    serve = stations([keeper for keeper in seen if keeper > 0], day)
    return [
        keeper for keeper in seen if (-keeper if keeper < 0 else serve[keeper].pk if keeper in serve else 0) in below
    ]


def too_many(kept_by: Sequence[int]) -> bool:
    """More customers than are followed at once: then one says whose."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM customers_customer WHERE keeper = ANY (%s::bigint[]) LIMIT %s) few",
            [list(kept_by), MOST + 1],
        )
        return bool(cursor.fetchone()[0] > MOST)


def moved(kept_by: Sequence[int], months: Sequence[date], day: date, bank: Bank) -> Moved:
    """How these keepers' customers moved through these months; one query."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, _asked(kept_by, months, day, bank))
        return Moved(tuple(months), {(n - 1, source, to): count for n, source, to, count in cursor.fetchall()})


def who_moved(
    kept_by: Sequence[int],
    since: date,
    until: date,
    source: str,
    to: str,
    day: date,
    bank: Bank,
    *,
    after: tuple[str, int] | None = None,
    skip: int = 0,
    most: int = 50,
) -> list[Listed]:
    """Who of them went from ``source`` to ``to`` between two months, in the order of names, after a place in it; one query."""
    key, id = after or (None, None)
    place = {"key": key, "id": id, "skip": skip, "most": most}
    asked = {**_asked(kept_by, [since, until], day, bank), "from": source, "to": to, **place}
    with connection.cursor() as cursor:
        cursor.execute(WHO, asked)
        return [Listed(*row) for row in cursor.fetchall()]


def _asked(kept_by: Sequence[int], months: Sequence[date], day: date, bank: Bank) -> dict[str, Any]:
    return {"keepers": list(kept_by), "months": list(months), "month": day.replace(day=1), "zone": bank.zone.key}


def turning(kept_by: Sequence[int], day: date, bank: Bank) -> list[Turning]:
    """Who of them is about to rise or fall, the nearest first, :data:`NEAREST` at most; one query."""
    return sorted(_turning(kept_by, day, bank), key=lambda each: (*each.turn.nearness, each.customer.id))


def _turning(kept_by: Sequence[int], day: date, bank: Bank) -> Iterator[Turning]:
    month, percent = day.replace(day=1), bank.tier_near_percent

    def rules_at(when: date) -> TierRules:
        return bank.at(datetime.combine(when, time(12), bank.zone)).tier_rules

    following = [*bank.tiers[1:], None]
    asked: dict[str, Any] = {
        "tiers": [tier.key for tier in bank.tiers],
        "own": [tier.from_assets for tier in bank.tiers],
        "next": [tier and tier.from_assets for tier in following],
        "near": [tier and tier.from_assets * (100 - percent) / 100 for tier in following],
        "keepers": list(kept_by),
        "month": month,
        "since": months_before(month, max(tier.keep_months for tier in bank.tiers) + 1),
        "most": NEAREST,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEAR, asked)
        rows = cursor.fetchall()
    for id, name, honorific, kind, tier, assets, running, keeper, rm, key, months, averages, tiers in rows:
        told = {months_before(rated, 1): average for rated, average in zip(months or (), averages or (), strict=True)}
        start = tiers[0] if tiers else tier
        if found := turn(told, assets, month, rules_at, tier=tier, start=start, near_percent=percent):
            customer = Listed(id, name, honorific, kind, tier, assets, keeper, rm, key)
            yield Turning(customer, found, bool(running))
