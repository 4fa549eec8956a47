"""The conduct code in the demonstration bank: laid before everybody five days ago; most have read and acknowledged it, a few have not."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from zhike.conduct.bank import Bank as Rules
from zhike.demo.bank import Bank
from zhike.obligations import acknowledgements
from zhike.people.actor import acting

DAYS = 5
NOT_YET = frozenset({"1004", "1203", "1301"})


def read(bank: Bank, now: datetime, rules: Rules) -> None:
    """On the day itself or within the three that follow, each at an hour of their own."""
    day = now.astimezone(rules.zone).date() - timedelta(days=DAYS)
    of = acknowledgements.version(day)
    if of is None:
        return
    acknowledgements.owe(day, datetime.combine(day, time(2), rules.zone), rules)
    for place, seat in enumerate(bank.keepers):
        if seat.number not in NOT_YET:
            at = datetime.combine(day + timedelta(days=place % 4), time(9 + place % 8, 7 * (place % 8)), rules.zone)
            with acting(bank.staff[seat.number].pk, at) as actor:
                acknowledgements.acknowledge(of, actor=actor, now=at, bank=rules)
