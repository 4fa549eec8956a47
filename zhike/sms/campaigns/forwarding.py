"""What is done about a campaign: forwarded to those chosen, with a line of one's own; left out, withdrawn; stopped altogether."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext
from procrastinate.contrib.django import app

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.messages import Recipient
from zhike.conduct.words import Refused
from zhike.obligations import ledger
from zhike.people.actor import Actor
from zhike.people.permissions import Refused as NotAllowed
from zhike.people.permissions import check
from zhike.sms import many
from zhike.sms.gate import because
from zhike.sms.many import by_keys, check_expected
from zhike.sms.models import Campaign, Forwarding

from .books import CHOSEN, STANDING, Choice, chosen, estimate, how_many, limits, own_line
from .duties import FOLLOW, SETTLE, duty, reopen, started, tell_forwarded


@dataclass(frozen=True)
class Forwarded:
    """What one forwarding came to; ``forwarding`` is None where nobody was open."""

    forwarding: Forwarding | None
    messages: int


def forward(
    campaign: Campaign,
    choice: Choice,
    *,
    line: str = "",
    expected: int | None = None,
    actor: Actor,
    staff: int,
    now: datetime,
    bank: Bank,
) -> Forwarded:
    """Puts the message into the queue for the chosen open customers of ``staff``; it leaves at once, in quiet hours at their end.

    Raises NotAllowed for a book that is not the actor's to write to; Refused where nobody is chosen, the campaign is over, the line may
    not be said or makes somebody's text too long, a single customer is not open any more, or the number is not the one that was ``expected``.
    """
    _may(actor, staff)
    _check_runs(campaign, now)
    _check_choice(choice)
    line = own_line(line, bank)
    count = how_many(campaign, choice, staff, now, bank)
    check_expected(count, expected)
    if choice.customers and not (choice.everybody or choice.tiers):
        check_expected(count, len(set(choice.customers)))
    if not count:
        return Forwarded(None, 0)
    estimate(campaign, choice, staff, line=line, now=now, bank=bank)
    with transaction.atomic():
        _owe(campaign, staff, actor=actor, now=now, bank=bank)
        made = Forwarding.objects.create(campaign=campaign, staff_id=staff, line=line, by_id=actor.id, at=now)
        # Of two at once the second finds that the first has queued them.
        check_expected(_queue(made, choice, now, bank), count)
    see(campaign, staff, actor=actor, now=now, bank=bank)
    return Forwarded(made, count)


def _may(actor: Actor, staff: int) -> None:
    """Whoever may write to somebody's customers forwards to them: they, their leader, who stands in."""
    if staff not in actor.writes:
        raise NotAllowed(gettext("This book is not yours to write to."), "messages.send")


def _check_runs(campaign: Campaign, now: datetime) -> None:
    if campaign.stopped_at is not None:
        raise Refused(
            f"活动已停止：{campaign.stop_reason}。没有转发。",
            f"The campaign was stopped ({campaign.stop_reason}): nothing was forwarded.",
        )
    if now >= campaign.ends_at:
        raise Refused("活动已结束，不能再转发。", "The campaign is over: it cannot be forwarded any more.")


def _check_choice(choice: Choice) -> None:
    if not (choice.everybody or choice.tiers or choice.customers):
        raise Refused(
            "请先选转发给谁：全部、某些等级，或单个客户。", "Choose first whom: all, some tiers, or single customers."
        )


def _queue(forwarding: Forwarding, choice: Choice, now: datetime, bank: Bank) -> int:
    """One statement for all of them. Returns how many. Raises Refused where the guards stop the words themselves."""
    campaign = forwarding.campaign
    judged = messages.judge(
        "marketing", forwarding.line + campaign.wording.text, WILLING, now=now, bank=bank, bulk=True
    )
    if blocked := next((each for each in judged.verdicts if each.effect == "block"), None):
        why = because(blocked)
        raise Refused(why["zh"], why["en"])
    wait = judged.wait
    why = {"clause": "S5", "name": "quiet_hours", "zh": wait.why.zh, "en": wait.why.en} if wait else {}
    with connection.cursor() as cursor, by_keys(cursor):
        cursor.execute(
            QUEUE,
            [
                campaign.pk, *limits(now, bank), forwarding.staff_id, *chosen(choice),
                forwarding.by_id, campaign.wording_id, forwarding.pk, campaign.occasion, "waiting" if wait else "queued",
                json.dumps(why), wait.until if wait else now, campaign.ends_at, now,
            ],
        )  # fmt: skip
        return int(cursor.rowcount)


# Somebody about whom nothing stands in the way: what the guards say to them they say of the words and the hour.
WILLING = Recipient("", consents=frozenset({"marketing"}))


# Sorted, so that all are chosen before the first row is added.
QUEUE = f"""
WITH chosen AS MATERIALIZED (SELECT s.customer_id, s.rm_id FROM {STANDING} s WHERE s.rm_id = %s AND {CHOSEN})
INSERT INTO sms_message (key, customer_id, staff_id, by_id, wording_id, forwarding_id, occasion, kind, introduces, sealed, lane, through,
    state, why, not_before, not_after, parts, attempt, created_at)
SELECT gen_random_uuid(), c.customer_id, c.rm_id, %s, %s, %s, %s, 'marketing', false, '', 2, 'platform', %s, %s, %s, %s, 0, 1, %s
FROM chosen c ORDER BY c.customer_id
ON CONFLICT (customer_id, occasion) WHERE occasion <> '' AND live DO NOTHING"""


def forwarded(campaign: Campaign, staff: int) -> list[Forwarding]:
    """What was forwarded of an RM's but for what was withdrawn, the newest first, with how many wait still (``left``) of how many (``many``)."""
    waits = Q(messages__state__in=["waiting", "queued"], messages__attempt=1)  # what a person has sent again is theirs
    handed = Q(messages__why__name="handed_over")
    return list(
        campaign.forwardings.filter(staff=staff)
        .annotate(many=Count("messages") - Count("messages", filter=handed), left=Count("messages", filter=waits))
        .filter(Q(many__gt=0) | Q(handed_over__gt=0))
        .select_related("by")
        .order_by("-at")
    )


def withdraw(forwarding: Forwarding, *, actor: Actor, now: datetime, bank: Bank) -> int:
    """Takes back what of it has not left. Returns how many; whoever they were for is open again, and so is it to forward the campaign."""
    _may(actor, forwarding.staff_id)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sms_message WHERE forwarding_id = %s AND waits AND attempt = 1", [forwarding.pk])
        count = int(cursor.rowcount)
    forwarding.withdrawn_at = now
    forwarding.save(update_fields=["withdrawn_at"])
    if count and forwarding.staff_id in actor.lent:
        _leave_to_the_worker(forwarding.campaign, forwarding.staff_id, now, again=True)
    elif count:
        reopen(forwarding.campaign, forwarding.staff_id, actor=actor, now=now, bank=bank)
    return count


def leave_out(
    campaign: Campaign,
    choice: Choice,
    reason: str,
    *,
    expected: int | None = None,
    actor: Actor,
    staff: int,
    now: datetime,
    bank: Bank,
) -> int:
    """The chosen open customers are not told of it, and why. Returns how many. Raises as ``forward`` does, and Refused without a reason."""
    _may(actor, staff)
    _check_runs(campaign, now)
    if not reason.strip():
        raise Refused("请写明为什么不转发。", "Say why it is not forwarded to them.")
    _check_choice(choice)
    count = how_many(campaign, choice, staff, now, bank)
    check_expected(count, expected)
    if not count:
        return 0
    _owe(campaign, staff, actor=actor, now=now, bank=bank)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO sms_left_out (customer_id, occasion, reason, by_id, at)
                SELECT s.customer_id, %s, %s, %s, %s FROM {STANDING} s WHERE s.rm_id = %s AND {CHOSEN} ON CONFLICT DO NOTHING""",
            [campaign.occasion, reason.strip(), actor.id, now, campaign.pk, *limits(now, bank), staff, *chosen(choice)],
        )  # fmt: skip
        left = int(cursor.rowcount)
    see(campaign, staff, actor=actor, now=now, bank=bank)
    return left


def bring_back(
    campaign: Campaign, customers: Sequence[int], *, actor: Actor, staff: int, now: datetime, bank: Bank
) -> int:
    """Customers who were left out are told of it after all, once somebody forwards it to them. Returns how many; where one of them is open, it
    is owed again. Raises NotAllowed, Refused as ``forward`` does.
    """
    _may(actor, staff)
    _check_runs(campaign, now)
    back = many.bring_back([campaign.occasion], customers, staff)
    if back and how_many(campaign, Choice(everybody=True), staff, now, bank):
        if staff in actor.lent:
            _leave_to_the_worker(campaign, staff, now, again=True)
        else:
            reopen(campaign, staff, actor=actor, now=now, bank=bank)
    return back


def _owe(campaign: Campaign, staff: int, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """Whoever is quicker than the worker owed it all the same, and has done it in time."""
    if staff not in actor.lent and now <= campaign.deadline and duty(campaign, staff) is None:
        ledger.tell([started(campaign, staff, now)], actor=actor, now=now, bank=bank)


def see(campaign: Campaign, staff: int, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Where nobody of the book is open any more, the campaign is forwarded."""
    if actor is not None and staff in actor.lent:
        _leave_to_the_worker(campaign, staff, now, again=False)
    elif not how_many(campaign, Choice(everybody=True), staff, now, bank):
        tell_forwarded(campaign, staff, now, actor=actor, now=now, bank=bank)


def _leave_to_the_worker(campaign: Campaign, staff: int, at: datetime, *, again: bool) -> None:
    """Whoever stands in sees the customers of whoever is away, and nothing of what these owe besides."""
    app.configure_task(SETTLE).defer(campaign=campaign.pk, staff=staff, at=at.isoformat(), again=again)


def stop(campaign: Campaign, reason: str, *, actor: Actor, now: datetime) -> Campaign:
    """Nothing of it leaves any more; the worker takes back what waits, and what is owed. Raises NotAllowed, Refused."""
    check(actor, "campaigns.approve")
    if not reason.strip():
        raise Refused("请写明为什么停止。", "Say why it is stopped.")
    if now >= campaign.ends_at:
        raise Refused("活动已结束，无需停止。", "The campaign is over: there is nothing to stop.")
    running = Campaign.objects.filter(pk=campaign.pk, stopped_at=None)
    if not running.update(stopped_at=now, stopped_by=actor.id, stop_reason=reason.strip()):
        raise Refused("活动已停止。", "The campaign was stopped already.")
    campaign.refresh_from_db()
    app.configure_task(FOLLOW).defer(campaign=campaign.pk)
    return campaign
