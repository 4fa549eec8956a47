"""The coming festival's greetings: arranged in good time in every book, but in one whose RM has left those of the lowest tier open."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from zhike.conduct.bank import Bank as Rules
from zhike.demo.bank import Bank
from zhike.people.actor import Actor
from zhike.sms import greetings

AHEAD = timedelta(days=6)  # before the day by which they are arranged


def greet(bank: Bank, now: datetime, rules: Rules) -> None:
    """Each RM arranges; the sweep finds who is open still."""
    today = now.astimezone(rules.zone).date()
    festival = greetings.coming(today, rules, 1)[0]
    day = min((festival.due(rules) - AHEAD).date(), today - timedelta(days=1))
    at = datetime.combine(day, time(10, 20), rules.zone)
    every = [tier.key for tier in rules.tiers]
    for place, seat in enumerate(bank.keepers):
        rm = bank.staff[seat.number]
        actor = Actor(rm.pk, rm.name, frozenset({"rm"}), (rm.pk,), (rm.pk,))
        wording = greetings.suiting(festival, rm.pk)[0]
        greetings.arrange(
            festival, wording, every[1:] if place == 1 else every, actor=actor, staff=rm.pk, now=at, bank=rules
        )
