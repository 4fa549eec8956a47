"""What is found in messages that another platform has sent: what our own gate would have stopped, as of the moment of each (S5)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.messages import Recipient
from zhike.obligations.models import Finding
from zhike.sms import texts
from zhike.sms.models import Message, State

# What never left disturbed nobody.
LEFT = frozenset({State.SUBMITTED, State.DELIVERED, State.UNKNOWN})


def judge(sent: Sequence[tuple[Message, str]], bank: Bank) -> None:
    """Keeps a finding for each thing that ought not to have been so, on whoever sent it, else on whose customer it was."""
    left = [(message, text) for message, text in sent if message.state in LEFT]
    then = _recipients([message for message, _text in left], bank)
    for message, text in left:
        assert message.sent_at is not None
        for verdict in messages.found_in(
            message.kind, texts.bare(text), then[message.pk], at=message.sent_at, bank=bank
        ):
            Finding.record(
                verdict, staff=message.by_id or message.staff_id, customer=message.customer_id, subject=f"message:{message.pk}",
                reason="", at=message.sent_at, zone=bank.zone,
            )  # fmt: skip


def _recipients(sent: Sequence[Message], bank: Bank) -> dict[int, Recipient]:
    """Each message's customer as of then, by the message; one query, however many."""
    rows = []
    for message in sent:
        assert message.sent_at is not None
        day = message.sent_at.astimezone(bank.zone).date()
        midnight = datetime.combine(day, time(), bank.zone)
        rows.append(
            {
                "message": message.pk, "customer": message.customer_id, "at": message.sent_at.isoformat(), "day": day.isoformat(),
                "midnight": midnight.isoformat(), "week": (midnight - timedelta(days=6)).isoformat(),
            }
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(THEN, [json.dumps(rows)])
        return {message: _recipient(*then) for message, *then in cursor.fetchall()}


def _recipient(
    tier: str, deceased_on: date | None, closed: bool, quiet: bool, complaint: bool, greeting: bool | None, marketing: bool | None,
    opted_out: bool, today: int, week: int,
) -> Recipient:  # fmt: skip
    agreed: dict[str, Any] = {"greeting": greeting, "marketing": marketing}
    return Recipient(
        tier, deceased_on=deceased_on, closed=closed, do_not_disturb=quiet, complaint_open=complaint, opted_out=opted_out,
        consents=frozenset(purpose for purpose, given in agreed.items() if given), marketing_today=today, marketing_this_week=week,
    )  # fmt: skip


# As gate.ADDRESSEES has it, of the moment of each message. Since when contact is not to be disturbed or a complaint is open, the fact says
# that stopped it; where a file brought it, nobody knows, and nothing is held against anybody.
STOPPED = """EXISTS (SELECT FROM obligations_fact f WHERE f.customer_id = c.id AND f.kind = 'customer_stopped' AND NOT f.void
        AND f.data ->> 'stop' = '{}' AND f.at <= w.at)"""
THEN = f"""
SELECT w.message, c.tier, CASE WHEN c.deceased_on < w.day THEN c.deceased_on END, coalesce(c.closed_on < w.day, false),
    c.do_not_disturb AND {STOPPED.format("do_not_disturb")}, c.complaint_open AND {STOPPED.format("complaint")},
    (SELECT s.given FROM customers_consent s WHERE s.customer_id = c.id AND s.purpose = 'greeting' AND s.channel IN ('sms', 'any')
        AND s.at <= w.at ORDER BY s.at DESC, s.id DESC LIMIT 1),
    yes.given,
    EXISTS (SELECT FROM sms_opt_out o WHERE o.number_index = c.mobile_index AND o.at <= w.at
        AND o.at > CASE WHEN yes.given THEN yes.at ELSE '-infinity' END),
    sent.today, sent.week
FROM jsonb_to_recordset(%s::jsonb) AS w (message bigint, customer bigint, at timestamptz, day date, midnight timestamptz, week timestamptz)
JOIN customers_customer c ON c.id = w.customer
LEFT JOIN LATERAL (
    SELECT s.given, s.at FROM customers_consent s WHERE s.customer_id = c.id AND s.purpose = 'marketing' AND s.channel IN ('sms', 'any')
        AND s.at <= w.at ORDER BY s.at DESC, s.id DESC LIMIT 1) yes ON true
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE m.sent_at >= w.midnight) AS today, count(*) AS week FROM sms_message m
    WHERE m.customer_id = c.id AND m.kind = 'marketing' AND m.sent_at >= w.week AND (m.sent_at, m.id) < (w.at, w.message)) sent"""  # noqa: S608 our own texts alone
