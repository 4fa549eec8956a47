"""A campaign that runs: asked for by marketing, let run by compliance, forwarded in most books; 林晓 and a colleague have not begun."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from zhike.conduct.bank import Bank as Rules
from zhike.demo.bank import Bank
from zhike.demo.desk import COMPLIANCE
from zhike.people import approvals
from zhike.people.actor import acting
from zhike.sms.campaigns import asking, following, forwarding
from zhike.sms.campaigns.asking import Draft
from zhike.sms.campaigns.books import Choice
from zhike.sms.models import Campaign, Message

MARKETING, BEHIND = "1050", {"1001", "1301"}
LONG = timedelta(days=3)  # ago it was asked for; so long it may still be forwarded in time
TEXT = "{称谓}，“月月盈”一号本周发售，一个月一期，R2 中低风险。理财非存款，产品有风险，投资须谨慎。{机构} {本人} {电话}"
LINES = ("", "上次您问起的短期产品来了", "您那笔月底到期，可以先看看这款")


def run(bank: Bank, now: datetime, rules: Rules) -> None:
    """Those who have forwarded it did so the day before; what they sent has arrived."""
    today = now.astimezone(rules.zone).date()
    asked_at = datetime.combine(today - LONG, time(10, 5), rules.zone)
    draft = Draft(
        "月月盈春季发售", "月月盈一号", bank.units["1000"].pk, [tier.key for tier in rules.tiers[1:]], ["person"],
        datetime.combine(today + LONG, time(18), rules.zone), text=TEXT, code="YYY001", risk="R2",
    )  # fmt: skip
    with acting(bank.staff[MARKETING].pk, asked_at) as asker:
        asked = asking.ask(draft, "季末存款到期集中，给客户一个去处", actor=asker, now=asked_at, bank=rules)
    begun = asked_at + timedelta(hours=2)
    with acting(bank.staff[COMPLIANCE].pk, begun) as decider:
        approvals.approve(decider, asked.pk, asked.digest, begun, "措辞合规")
        campaign = Campaign.objects.get(approval=asked)
        following.follow(campaign, begun, rules)
    for place, seat in enumerate(bank.keepers):
        if seat.number not in BEHIND:
            _forward(campaign, bank.staff[seat.number].pk, place, today - timedelta(days=1), rules)


def _forward(campaign: Campaign, rm: int, place: int, day: date, rules: Rules) -> None:
    at = datetime.combine(day, time(9 + place % 8, 7 * place % 60), rules.zone)
    line = LINES[place % len(LINES)]
    with acting(rm, at) as actor:
        done = forwarding.forward(
            campaign, Choice(everybody=True), line=line, actor=actor, staff=rm, now=at, bank=rules
        )
    if done.forwarding is not None:
        sent = Message.objects.filter(forwarding=done.forwarding)
        sent.update(state="delivered", why={}, parts=2, sent_at=at, done_at=at + timedelta(seconds=20))
