"""The monthly tier run: each customer's tier by the engine's rule from monthly average assets, with every month kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from zhike.conduct.tiers import Standing, TierRules, standings

CHUNK = 10_000
Rules = Callable[[date], TierRules]
OWN = "(SELECT id AS customer_id, assets FROM customers_customer WHERE assets IS NOT NULL AND closed_on IS NULL)"

HISTORY = """
SELECT i.customer_id, i.assets, c.tier, r.months, r.assets, r.tiers
FROM {averages} i JOIN customers_customer c ON c.id = i.customer_id LEFT JOIN LATERAL (
    SELECT array_agg(month ORDER BY month) AS months, array_agg(assets ORDER BY month) AS assets,
           array_agg(tier ORDER BY month) AS tiers
    FROM customers_rating WHERE customer_id = i.customer_id AND month < %s AND month >= %s AND assets IS NOT NULL
) r ON true
WHERE i.customer_id > %s AND NOT EXISTS (
    SELECT FROM customers_rating x WHERE x.customer_id = i.customer_id AND x.month = %s AND x.assets = i.assets)
ORDER BY i.customer_id LIMIT %s
"""
KEEP = """
INSERT INTO customers_rating (customer_id, month, assets, tier, reason)
SELECT customer_id, %s, assets, tier, reason FROM rated
ON CONFLICT (customer_id, month) DO UPDATE SET assets = excluded.assets, tier = excluded.tier, reason = excluded.reason
WHERE (customers_rating.assets, customers_rating.tier) IS DISTINCT FROM (excluded.assets, excluded.tier)
"""
# Whom no average has rated keeps the tier; that it was so is kept as well, so that the months can be told one from the next.
STAND = """
INSERT INTO customers_rating (customer_id, month, tier, reason)
SELECT c.id, %(month)s, c.tier, '' FROM customers_customer c WHERE c.closed_on IS NULL AND c.deceased_on IS NULL
    AND NOT EXISTS (SELECT FROM customers_rating r WHERE r.customer_id = c.id AND r.month = %(month)s)
"""
APPLY = """
UPDATE customers_customer c SET tier = r.tier, assets = r.assets, assets_day = %s,
    tier_since = CASE WHEN c.tier = r.tier THEN c.tier_since ELSE %s END, version = c.version + 1, changed_at = %s
FROM rated r WHERE r.customer_id = c.id AND (c.tier, c.assets) IS DISTINCT FROM (r.tier, r.assets)
"""


def rate(month: date, *, rules_at: Rules, now: datetime, averages: str = "") -> int:
    """Rates customers for the month that begins on ``month``, from the averages of the month before; twice is as once.

    ``averages`` names a table (customer_id, assets), by default what is known of each customer. Months that are not the
    newest are kept as history and change nobody's tier. Returns how many customers changed.
    """
    month = month.replace(day=1)
    window = max(tier.keep_months for tier in rules_at(month).tiers) + 2
    since = months_before(month, window)
    changed, last = 0, 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT NOT EXISTS (SELECT FROM customers_rating WHERE month > %s)", [month])
        (newest,) = cursor.fetchone()
        cursor.execute("DROP TABLE IF EXISTS rated")
        cursor.execute(
            "CREATE TEMP TABLE rated (customer_id bigint, assets numeric(18,2), tier text, reason text) ON COMMIT DROP"
        )
        while True:
            cursor.execute(HISTORY.format(averages=averages or OWN), [month, since, last, month, CHUNK])
            rows = cursor.fetchall()
            if not rows:
                return changed
            last = rows[-1][0]
            _stage(cursor, ((row[0], row[1], _standing(month, rules_at, *row[1:])) for row in rows))
            cursor.execute(KEEP, [month])
            if newest:
                cursor.execute(APPLY, [month - timedelta(days=1), month, now])
                changed += cursor.rowcount
            cursor.execute("TRUNCATE rated")


def keep(month: date) -> int:
    """Keeps, for the month that begins on ``month``, the tier of each customer whom no average has rated for it; how many they were."""
    with connection.cursor() as cursor:
        cursor.execute(STAND, {"month": month})
        return int(cursor.rowcount)


def _stage(cursor: Any, rated: Iterable[tuple[int, Decimal, Standing]]) -> None:
    with cursor.copy("COPY rated (customer_id, assets, tier, reason) FROM STDIN") as copy:
        for customer, assets, standing in rated:
            copy.write_row([customer, assets, standing.tier, standing.reason.zh])


def _standing(
    month: date,
    rules_at: Rules,
    assets: Decimal,
    tier: str,
    months: list[date] | None,
    earlier: list[Decimal] | None,
    tiers: list[str] | None,
) -> Standing:
    """The tier from ``month`` on. A rating's assets are those of the month before it."""
    averages = {months_before(rated, 1): average for rated, average in zip(months or (), earlier or (), strict=True)}
    averages[months_before(month, 1)] = assets
    found = standings(averages, rules_at, start=tiers[0] if tiers else tier)
    return found[-1]


def months_before(month: date, count: int) -> date:
    """The first day of the month that lies ``count`` months earlier."""
    at = month.year * 12 + month.month - 1 - count
    return date(at // 12, at % 12 + 1, 1)
