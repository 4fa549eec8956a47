"""What each RM owes because of a campaign: to have forwarded it by its deadline (S4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.obligations import ledger
from zhike.obligations.models import Fact as Kept
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.models import Staff
from zhike.sms.models import Campaign

# What the worker does of it (tasks.py).
FOLLOW, SETTLE = "follow_campaign", "settle_campaign"


def duty(campaign: Campaign, staff: int) -> Obligation | None:
    """What an RM owes because of it, whatever became of it."""
    rows = Obligation.objects.filter(kind="forward", subject=campaign.subject_of(staff)).exclude(state="withdrawn")
    return rows.first()


def duties_of(campaign: Campaign) -> Any:
    """What is owed because of it, whatever became of it."""
    subjects = [campaign.subject_of(staff) for staff in Staff.objects.values_list("pk", flat=True)]
    return Obligation.objects.filter(kind="forward", subject__in=subjects).exclude(state="withdrawn")


def started(campaign: Campaign, staff: int, now: datetime) -> Fact:
    """Because of this the RM owes it."""
    data = {"campaign": campaign.title, "product": campaign.product, "target": campaign.deadline.isoformat()}
    return Fact("campaign_started", now, now, staff, None, campaign.subject_of(staff), data, "observed")


def tell_forwarded(
    campaign: Campaign, staff: int, at: datetime, *, actor: Actor | None, now: datetime, bank: Bank
) -> None:
    """Of the book nobody is open any more since a moment: it is done."""
    fact = Fact("campaign_forwarded", at, now, staff, None, campaign.subject_of(staff))
    ledger.tell([fact], actor=actor, now=now, bank=bank)


def reopen(campaign: Campaign, staff: int, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """What was forwarded is to be forwarded again: by the same deadline."""
    subject = campaign.subject_of(staff)
    for said in Kept.objects.filter(kind="campaign_forwarded", subject=subject, void=False):
        ledger.correct(said, by=None, actor=actor, now=now, bank=bank)


def take_back(some: Iterable[int], why: str, now: datetime) -> None:
    """They owe it no more, and why."""
    Obligation.objects.filter(pk__in=list(some), state="open").update(
        state="withdrawn", settled_at=now, evidence={"why": why}
    )


def unfinished() -> list[int]:
    """Campaigns of which somebody owes something still."""
    subjects = Obligation.objects.filter(kind="forward", state="open").values_list("subject", flat=True)
    keys = {subject.removeprefix("campaign:").partition("/")[0] for subject in subjects}
    return list(Campaign.objects.filter(key__in=keys).values_list("pk", flat=True))
