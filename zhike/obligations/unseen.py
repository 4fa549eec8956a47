"""What stays open (W9: nothing stays open unseen): past its time, and of that what nobody was ever reminded of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection


def left_open(owners: Sequence[int], now: datetime) -> dict[int, tuple[int, int]]:
    """By whose it is: how many are open past their time, and how many of these rang for nobody, as far as the books of reminders reach back.
    Who has none is left out; one query, within what the actor may see.
    """
    with connection.cursor() as cursor:
        cursor.execute(LEFT_OPEN, [list(owners), now])
        return {owner: (late, unseen) for owner, late, unseen in cursor.fetchall()}


LEFT_OPEN = """
SELECT o.owner_id, count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM obligations_reminder r WHERE r.obligation_id = o.id))
FROM obligations_obligation o WHERE o.owner_id = ANY (%s::bigint[]) AND o.state = 'open' AND o.due < %s
GROUP BY o.owner_id"""
