"""What the worker does about campaigns: tells all in scope that one has begun, takes back what was stopped, closes what is over."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case
from zhike.obligations import ledger
from zhike.sms.models import Campaign

from .books import STANDING, Choice, covered, how_many, limits
from .duties import duties_of, reopen, started, take_back, tell_forwarded, unfinished
from .forwarding import see


def follow(campaign: Campaign, now: datetime, bank: Bank) -> int:
    """What a campaign's beginning or its stop means for all in scope; twice is as once. Returns how many owe it because of this."""
    if campaign.stopped_at is not None:
        _call_off(campaign, now)
        return 0
    return tell_started(campaign, now, bank) if campaign.runs(now) else 0


def settle(campaign: Campaign, staff: int, at: datetime, *, again: bool, now: datetime, bank: Bank) -> None:
    """What somebody who stands in did at a moment means for what is owed: withdrawn, it is owed ``again``; else done where nobody is open."""
    if again:
        reopen(campaign, staff, actor=None, now=now, bank=bank)
    elif not how_many(campaign, Choice(everybody=True), staff, now, bank):
        tell_forwarded(campaign, staff, at, actor=None, now=now, bank=bank)


def sweep(day: date, now: datetime, bank: Bank) -> tuple[int, int]:
    """Who owes one of the campaigns by now that did not, and what of them is over."""
    owed = 0
    for each in Campaign.objects.filter(ends_at__gt=now):
        owed += follow(each, now, bank)
        _close_empty(each, now, bank)
    return owed, close_past(now)


def tell_started(campaign: Campaign, now: datetime, bank: Bank) -> int:
    """S4: each RM whose book has somebody to send it to owes it by the deadline; whoever takes over a book, from then on. Returns how many."""
    if now > campaign.deadline:
        return 0
    open_to = _with_somebody_open(campaign, now, bank)
    known = set(duties_of(campaign).values_list("owner_id", flat=True))
    for staff in _taken_over(campaign, now, bank):
        reopen(campaign, staff, actor=None, now=now, bank=bank)
    facts = [(started(campaign, rm, now), Case(None)) for rm in sorted(open_to - known)]
    return ledger.tell_many(facts, now=now, bank=bank) if facts else 0


def _with_somebody_open(campaign: Campaign, now: datetime, bank: Bank) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT s.rm_id FROM {STANDING} s WHERE s.stands = 'open'", [campaign.pk, *limits(now, bank)]
        )
        return {rm for (rm,) in cursor.fetchall()}


def _taken_over(campaign: Campaign, now: datetime, bank: Bank) -> list[int]:
    """RMs who had forwarded it and have got customers since who are open."""
    today = now.astimezone(bank.zone).date()
    done = dict(duties_of(campaign).filter(state="done").values_list("owner_id", "settled_at"))
    if not done:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT DISTINCT s.rm_id FROM {STANDING} s
                JOIN unnest(%s::bigint[], %s::timestamptz[]) done (rm_id, at) ON done.rm_id = s.rm_id
                JOIN customers_book b ON b.customer_id = s.customer_id AND b.rm_id = s.rm_id AND b.from_day <= %s
                    AND (b.to_day IS NULL OR b.to_day > %s)
                WHERE s.stands = 'open' AND (b.at > done.at OR b.from_day > (done.at AT TIME ZONE %s)::date)""",
            [campaign.pk, *limits(now, bank), list(done), list(done.values()), today, today, bank.zone.key],
        )  # fmt: skip
        return [rm for (rm,) in cursor.fetchall()]


def _close_empty(campaign: Campaign, now: datetime, bank: Bank) -> None:
    """Whoever owes it and has nobody open any more: it is forwarded, or, where nobody of the book got it, not owed while its time lasts."""
    behind = dict(duties_of(campaign).filter(state="open").values_list("owner_id", "pk"))
    books = covered([campaign], behind, now, bank).get(campaign.pk, {})
    for staff, owed in behind.items():
        counts = books.get(staff, {})
        if counts.get("open") or counts.get("capped"):
            continue
        if counts.get("forwarded") or counts.get("left_out"):
            see(campaign, staff, actor=None, now=now, bank=bank)
        elif now <= campaign.deadline:
            take_back([owed], "nobody_left", now)


def _call_off(campaign: Campaign, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM sms_message m USING sms_forwarding f WHERE f.id = m.forwarding_id AND f.campaign_id = %s"
            " AND m.waits AND m.attempt = 1",
            [campaign.pk],
        )
    take_back(duties_of(campaign).filter(state="open").values_list("pk", flat=True), "campaign_stopped", now)


def close_past(now: datetime) -> int:
    """What was not forwarded before the campaign was over cannot be any more. Returns how many are missed."""
    missed = 0
    for each in Campaign.objects.filter(ends_at__lte=now, pk__in=unfinished()):
        missed += (
            duties_of(each)
            .filter(state="open")
            .update(state="missed", settled_at=each.ends_at, evidence={"why": "lapsed"})
        )
    return missed
