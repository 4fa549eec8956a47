"""What waits to be sent when a customer changes hands: nothing leaves in the name of whoever no longer looks after them.

A greeting in the bank's words goes on in the new RM's name. What was written by hand, a greeting in the RM's own words and what a campaign
tells are taken back, with the reason: the customer is open to the new RM, who owes the campaign by its deadline (S4) and words the rest anew.
"""

from __future__ import annotations

import json
from datetime import datetime

from django.db import connection
from django.db.models import F
from procrastinate.contrib.django import app

from zhike.customers.models import Customer
from zhike.people.actor import Actor
from zhike.people.models import Staff

from . import journal
from .campaigns.duties import FOLLOW
from .gate import TAKEN_BACK
from .models import Forwarding, Message, State


def hand_over(customer: Customer, before: int | None, after: int, actor: Actor | None, now: datetime) -> None:
    """Twice is as once: what has gone along is in the new RM's name."""
    waiting = Message.objects.filter(customer=customer, waits=True).exclude(staff_id=after)
    if not waiting.exists():
        return
    names = dict(Staff.objects.filter(pk__in=[before, after]).values_list("pk", "name"))
    was, now_with = names.get(before or 0, ""), names[after]
    again = list(waiting.filter(attempt__gt=1).values_list("pk", flat=True))
    # What left once already is as it was: of it a refusal would say that it had not left.
    Message.objects.filter(pk__in=again, waits=True).update(
        state=State.UNKNOWN, why=TAKEN_BACK, attempt=F("attempt") - 1, staff_id=after
    )
    journal.reckon(again, now)
    with connection.cursor() as cursor:
        cursor.execute(TAKE_BACK, [json.dumps(_why(was, now_with), ensure_ascii=False), now, after, customer.pk, after])
        forwardings = [forwarding for (forwarding,) in cursor.fetchall() if forwarding]
    waiting.update(staff_id=after)
    Forwarding.objects.filter(pk__in=forwardings).update(handed_over=F("handed_over") + 1)
    for campaign in Forwarding.objects.filter(pk__in=forwardings).values_list("campaign_id", flat=True).distinct():
        app.configure_task(FOLLOW).defer(campaign=campaign)


def _why(was: str, now_with: str) -> dict[str, str]:
    return {
        "name": "handed_over",
        "zh": f"客户已移交给{now_with}，{was or '原客户经理'}名下的这条没有发出。需要的话请{now_with}重新发。",
        "en": f"The customer is with {now_with} now: this one in the name of {was or 'whoever was before'} did not leave. Where it is wanted, {now_with} sends it anew.",
    }


# All but greetings in the bank's own words, and questions how content one was: those are the bank's, about whoever held the contact.
TAKE_BACK = """
UPDATE sms_message m SET state = 'refused', why = %s, done_at = %s, staff_id = %s
WHERE m.customer_id = %s AND m.waits AND m.attempt = 1 AND m.staff_id <> %s AND m.kind <> 'question'
    AND (m.sealed <> '' OR m.forwarding_id IS NOT NULL OR EXISTS (SELECT FROM sms_wording w JOIN sms_template t ON t.id = w.template_id
        WHERE w.id = m.wording_id AND t.owner_id IS NOT NULL))
RETURNING m.forwarding_id"""
