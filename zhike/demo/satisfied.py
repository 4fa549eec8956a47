"""Customers asked by SMS how content they are: a month of questions, most of them answered, most of the answers good ones."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from zhike.conduct.bank import Bank as Rules
from zhike.conduct.satisfied import LOW
from zhike.contacts import completion
from zhike.demo.bank import Bank
from zhike.obligations.models import Obligation
from zhike.people.actor import acting
from zhike.sms import inbox, satisfaction
from zhike.sms.models import Message, Question

BEHIND, EVERY = 28, 3  # days ago it began; a look reaches as far back as contacts are remembered
# What came back, one after the other; 0: nothing did.
ANSWERS = (5, 0, 4, 5, 5, 0, 4, 5, 0, 3, 5, 4, 0, 5, 5, 4, 0, 5, 2, 4, 5, 0, 5, 4, 3, 5, 0, 5, 4, 5, 0, 5, 4, 1, 5, 0)
ANSWERED, LOOKED_INTO = "已致电致歉，问明是等候太久，约好下次来行先预约。", "与客户经理一起听了经过，排队的事已改进。"


# Whose newest answer is a bad one, and not yet made good.
HARD_DAY = "1002"


def ask(bank: Bank, now: datetime, rules: Rules) -> None:
    """Night by night as the sweep does it; what left has arrived, and was answered within hours."""
    today = now.astimezone(rules.zone).date()
    for ago in range(BEHIND, 0, -EVERY):
        day = today - timedelta(days=ago)
        satisfaction.ask(day, datetime.combine(day, time(0, 30), rules.zone), rules)
    newest = Question.objects.filter(staff=bank.staff[HARD_DAY]).order_by("pk").last()
    for place, question in enumerate(Question.objects.select_related("message", "customer").order_by("pk")):
        sent = question.message.not_before
        Message.objects.filter(pk=question.message_id).update(
            state="delivered", why={}, parts=2, sent_at=sent, done_at=sent + timedelta(seconds=20)
        )
        answer = 2 if question == newest else ANSWERS[place % len(ANSWERS)]
        at = sent + timedelta(minutes=3 + 17 * place % 400)
        if answer and at < now:
            number = question.customer.open_value("mobile")
            inbox.keep("demo", number, str(answer), "", at, rules)
            if answer <= LOW and question != newest:
                _clear_up(question, at, rules)


def _clear_up(question: Question, at: datetime, rules: Rules) -> None:
    """The RM called back the same day, the leader looked into it."""
    owed = Obligation.objects.filter(customer=question.customer_id, state="open", fact__data__has_key="rating")
    for each in owed.order_by("pk"):
        later = at + timedelta(hours=2)
        with acting(each.owner_id, later) as actor:
            words = LOOKED_INTO if each.kind == "look_into" else ANSWERED
            completion.complete(each, completion.How(words=words, channel="call"), actor=actor, now=later, bank=rules)
