"""By which day a customer is to be contacted, or met, by the tier's rhythm (W5): one reckoning for the sweep, which owes it, and
for the lists of a book.

The rhythm starts at go-live, when the customer came into Zhike: the first one is spread over the period by the customer's number,
so that a book of two hundred does not fall due on one morning. So it is when a rise in tier, or a change of the setting, would
make due what was not: nobody is late on the day on which a shorter period begins. After a stop the period counts from the day on
which it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from zhike.conduct.bank import Bank
from zhike.conduct.tiers import Rhythm

What = Literal["contact", "meeting"]
# What counts as the last one. A call resets the rhythm of contacts alone.
LAST: dict[What, str] = {
    "contact": "{c}.last_contact_at",
    "meeting": """(SELECT max(f.at) FROM obligations_fact f
        WHERE f.customer_id = {c}.id AND f.kind IN ('reception_ended', 'visit_ended') AND NOT f.void)""",
}
RESUMED = """(SELECT max((f.at AT TIME ZONE z.zone)::date) FROM obligations_fact f
    WHERE f.customer_id = {c}.id AND f.kind = 'customer_resumed' AND NOT f.void
      AND NOT coalesce((f.data ->> 'mistake')::boolean, false))"""
# Each step by itself; the planner folds them into one look at the customer, and asks for stops only of those near their day.
REACHED = """
    SELECT rhythm.due, coalesce(d.last, d.came) AS since
    FROM (SELECT %s::text AS zone, %s::date AS day) z
    CROSS JOIN unnest(%s::text[], %s::int[], %s::date[], %s::int[]) AS p(tier, days, shortened, ahead)
    CROSS JOIN LATERAL (SELECT {last} AS at) l
    CROSS JOIN LATERAL (SELECT (l.at AT TIME ZONE z.zone)::date AS last, ({c}.created_at AT TIME ZONE z.zone)::date AS came,
                               1 + ({c}.id %% p.days)::int AS spread, greatest({c}.tier_since, p.shortened) AS shortened) d
    CROSS JOIN LATERAL (SELECT CASE WHEN l.at >= {c}.created_at THEN d.last + p.days
                                    ELSE greatest(d.came + d.spread, d.last + p.days) END AS due) plain
    CROSS JOIN LATERAL (SELECT CASE WHEN plain.due <= d.shortened THEN d.shortened + d.spread ELSE plain.due END AS due) fair
    CROSS JOIN LATERAL (SELECT greatest(fair.due, {resumed} + p.days) AS due) rhythm
    WHERE p.tier = {c}.tier AND fair.due <= z.day + p.ahead AND rhythm.due <= z.day + p.ahead"""


@dataclass(frozen=True)
class Reached:
    """SQL that gives ``due`` and ``since`` (days) for one row of customers where the rhythm has come round, and no row elsewhere."""

    sql: str
    parameters: tuple[Any, ...]


def reached(what: What, day: date, bank: Bank, *, customer: str, soon: bool) -> Reached:
    """Whose contact, or meeting, was due before ``day``; with ``soon`` whose is due by then, or so little after it that it is told
    (``rhythm_soon_percent``). ``customer``: the name by which the surrounding statement knows the row.
    """
    periods = [(row.tier, days) for row in bank.rhythm if (days := _days(row, what)) is not None]
    parameters = (
        bank.zone.key,
        day,
        [tier for tier, _ in periods],
        [days for _, days in periods],
        [_since(what, tier, day, bank) for tier, _ in periods],
        [days * bank.rhythm_soon_percent // 100 if soon else -1 for _, days in periods],
    )
    return Reached(
        REACHED.format(c=customer, last=LAST[what].format(c=customer), resumed=RESUMED.format(c=customer)), parameters
    )


def _days(row: Rhythm, what: What) -> int | None:
    return row.contact_days if what == "contact" else row.meeting_days


def _since(what: What, tier: str, day: date, bank: Bank) -> date | None:
    """Since when the tier's period is what it is on ``day``; None: since ever."""
    return bank.since(day, lambda then: {row.tier: _days(row, what) for row in then.rhythm}.get(tier))
