"""Whether somebody is known already (查重): as a customer or a prospect, of whoever in the bank.

By the mobile for certain, by name and employer as a hint. Who is out of sight is not named: that somebody looks after them is all
that is said. Looking for a whole number beyond one's own customers is kept and counted, as the search's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.customers.models.customer import Exhausted, may_look_for
from zhike.customers.vault import vault
from zhike.people.actor import Actor

ELSEWHERE = Words(
    "这位客户已由本行同事维护，请向主管了解。",
    "Already looked after by a colleague of this bank; ask your leader.",
)


@dataclass(frozen=True)
class Known:
    """One who may be the same. ``id`` and ``name`` are empty where the actor may not see them."""

    what: Literal["customer", "prospect"]
    by_mobile: bool
    id: int | None
    name: str


def known(
    *, name: str, employer: str, mobile: str, unit: int, but: int = 0, actor: Actor, now: datetime, bank: Bank
) -> list[Known]:
    """Those who may be the same, certain ones first; ``but``: a prospect that is not compared with itself. Raises Exhausted when
    the day's number of looks is used up.
    """
    indexes = vault().indexes("mobile", mobile) if mobile else []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT what, by_mobile, id, name, seen FROM market_known(%s::bytea[], %s, %s, %s, %s, %s)",
            [indexes, name, employer, unit, but, actor.id],
        )
        rows = cursor.fetchall()
    certain = [row for row in rows if row[1]]
    if mobile and not any(seen for *_row, seen in certain):
        hidden = [id for what, _by, id, _name, _seen in certain if what == "customer"]
        if not may_look_for(mobile, hidden, actor, now, bank):
            raise Exhausted(bank)
    return [Known(what, by, id if seen else None, name if seen else "") for what, by, id, name, seen in rows]
