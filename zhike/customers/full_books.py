"""Books that hold more customers of a tier than the bank has set (管户上限, `book_limit`). It is said, and refuses nothing: the code
names no such limit, and a customer needs somebody.

Counted are the living with an account, in the scope of whoever asks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank

# Through how many books one looks at once.
BOOKS = 300


@dataclass(frozen=True)
class Full:
    """An RM keeps, or would keep, more customers of a tier than the bank has set."""

    rm: int
    name: str
    tier: str
    kept: int
    limit: int

    def words(self, bank: Bank) -> str:
        """In one clause: "林晓 白金 201 位，上限 200"."""
        tier = bank.tier(self.tier).name.say(get_language() or "")
        said = {"rm": self.name, "tier": tier, "kept": self.kept, "limit": self.limit}
        return _("%(rm)s: %(kept)s customers of %(tier)s, at most %(limit)s") % said


def full(keepers: Collection[int], bank: Bank) -> list[Full]:
    """Which of these RMs keep too many, and of which tier; none where more than ``BOOKS`` are asked about. One query."""
    if not 0 < len(keepers) <= BOOKS:
        return []
    return _over(FULL, [*_limits(bank), list(keepers)])


def full_with(moves: Collection[tuple[int, int]], bank: Bank) -> dict[tuple[int, int], Full]:
    """Which of these moves, each of a customer to an RM, would make the RM's book too full; one query, whatever their number."""
    customers, keepers = [customer for customer, _rm in moves], [rm for _customer, rm in moves]
    if not moves:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(FULL_WITH, [*_limits(bank), customers, keepers])
        return {(row[0], row[1]): Full(*row[1:]) for row in cursor.fetchall()}


def full_by(run: int, bank: Bank) -> list[Full]:
    """Of whom an import loaded customers into a book that is now too full."""
    return _over(FULL_BY, [*_limits(bank), run])


def _limits(bank: Bank) -> list[list[Any]]:
    limits = [(row.tier, row.book_limit) for row in bank.rhythm if row.book_limit is not None]
    return [[tier for tier, _limit in limits], [limit for _tier, limit in limits]]


def _over(statement: str, parameters: list[Any]) -> list[Full]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [Full(*row) for row in cursor.fetchall()]


LIMITS = "WITH most AS (SELECT * FROM unnest(%s::text[], %s::int[]) AS m(tier, most))"
STANDING = "c.deceased_on IS NULL AND c.closed_on IS NULL"
# Summed up before the limit is compared: the planner then reads each book once.
COUNTED = f"""
SELECT s.id, s.name, k.tier, k.kept, m.most FROM (
    SELECT c.keeper, c.tier, count(*)::int AS kept FROM customers_customer c
    WHERE c.keeper = ANY (ARRAY({{keepers}})) AND {STANDING} GROUP BY c.keeper, c.tier) k
JOIN most m ON m.tier = k.tier AND k.kept > m.most JOIN people_staff s ON s.id = k.keeper ORDER BY s.number, m.most"""
FULL = LIMITS + COUNTED.format(keepers="SELECT unnest(%s::bigint[])")
FULL_BY = LIMITS + COUNTED.format(
    keepers="SELECT DISTINCT l.rm_id FROM customers_line i JOIN customers_customer l ON l.id = i.customer"
    " WHERE i.run_id = %s AND i.state = 'loaded' AND l.rm_id IS NOT NULL"
)
FULL_WITH = f"""{LIMITS}
SELECT moved.id, s.id, s.name, moved.tier, k.kept, m.most
FROM unnest(%s::bigint[], %s::bigint[]) AS move(customer, rm)
JOIN customers_customer moved ON moved.id = move.customer
JOIN people_staff s ON s.id = move.rm
JOIN most m ON m.tier = moved.tier
CROSS JOIN LATERAL (SELECT 1 + count(*)::int AS kept FROM customers_customer c
                    WHERE c.keeper = move.rm AND c.tier = moved.tier AND c.id <> moved.id AND {STANDING}) k
WHERE k.kept > m.most"""
