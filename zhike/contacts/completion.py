"""Doing an obligation from where it stands: how it was done is recorded, as a fact that settles it.

What is done by a contact of its own (a call-back, a write-up, an arrival) is done there, and says so here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from zhike.conduct import guard
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.guard import Blocked, Verdict
from zhike.conduct.words import Words
from zhike.obligations import ledger, waivers
from zhike.obligations.models import Finding, Obligation, State
from zhike.people.actor import Actor
from zhike.people.bank import settings
from zhike.people.models import Post
from zhike.people.permissions import Refused

from .models import Demand

UNDO_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class How:
    """How an obligation was done. ``through``: platform, bank_sms or own_phone; ``introduces``: the text introduced the sender.

    ``demand``: for an answer, whether the demand is met, refused or still open ("in process" closes the answer alone).
    """

    at: datetime | None = None
    channel: str = ""
    through: str = ""
    introduces: bool = False
    words: str = ""
    apologised: bool = False
    value: str = ""
    demand: str = "open"


def complete(obligation: Obligation, how: How, *, actor: Actor, now: datetime, bank: Bank) -> Obligation:
    """Records how it was done. Raises Blocked with the clause when that way of doing it does not do, Refused for another's."""
    check_owner(obligation, actor)
    if not still_tellable(obligation):
        raise AlreadySettled(obligation)
    at = how.at or now
    _stop(_verdicts(obligation, how, at, now) or _stand_in(obligation, actor, bank.at(at)))
    if obligation.kind == "find_out":
        assert obligation.customer is not None
        obligation.customer.learn(
            obligation.detail["field"], how.value, source="contact", contact=None, actor=actor, now=now
        )
    fact = Fact(
        kind=FACTS[obligation.kind],
        at=at,
        known_at=now,
        staff=obligation.owner_id,
        customer=obligation.customer_id,
        subject=obligation.subject,
        data=_data(obligation, how),
        grade="tapped" if now - at <= timedelta(minutes=2) else "entered",
    )
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    _close_demand(obligation, how, now)
    _keep_own_phone(obligation, how, actor, now, bank)
    obligation.refresh_from_db()
    return obligation


def still_tellable(obligation: Obligation) -> bool:
    """Open; or a greeting that lapsed, for it may have been sent on its day and be recorded on the next."""
    return obligation.state == State.OPEN or (obligation.state == State.MISSED and obligation.kind in FACTS)


def check_owner(obligation: Obligation, actor: Actor) -> None:
    """Raises Refused for what is not the actor's to settle."""
    if not may_settle(actor, obligation):
        raise _not_ones_own("obligations.settle")


def _not_ones_own(capability: str) -> Refused:
    return Refused(_("Somebody else owes this; it is theirs to do or to let go."), capability)


def may_settle(actor: Actor, obligation: Obligation) -> bool:
    """Whether one owes it, leads whoever owes it, or stands in for a colleague: one in scope, or one on leave whom one covers
    today.

    Seeing the customer is not enough: what a leader was told about an RM is not the RM's to close.
    """
    stands_in = obligation.owner_id in actor.writes and obligation.kind not in OF_THE_LEADER
    return obligation.owner_id == actor.id or actor.leads(obligation.owner_id) or stands_in


def may_waive(actor: Actor, obligation: Obligation, day: date) -> bool:
    """Whether one may let it go: who owes it, who leads them, or who stands in for them: for a colleague whom one covers, or, in
    one's scope, for one who serves no more. Whoever does a colleague's work in scope is not thereby the one who drops it.
    """
    owner = obligation.owner_id
    if owner == actor.id or actor.leads(owner):
        return True
    if obligation.kind in OF_THE_LEADER:
        return False
    serving = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), staff=owner, from_day__lte=day)
    return owner in actor.covers or (owner in actor.writes and not serving.exists())


# What a leader was told or asked as the leader: nobody else settles it.
OF_THE_LEADER = frozenset({"look_into", "help"})
# What is done by recording it, and as which fact.
FACTS = {
    "thanks": "message_sent",
    "birthday": "message_sent",
    "answer": "answered",
    "promise": "answered",
    "look_into": "answered",
    "apology": "customer_told",
    "find_out": "field_learned",
    "planned": "planned_done",
}
# What was done before it was owed was done for something else. A customer may have been told, or a number found out, before that
# was recorded which made it owed.
NOT_BEFORE = frozenset({"thanks", "birthday", "answer", "promise", "look_into", "planned"})
# What is done by a contact or a write-up: where to go.
ELSEWHERE = {
    "write_up": Words("请完成联系记录。", "Close the write-up."),
    "call_back": Words("请拨打这通电话。", "Make the call."),
    "call_again": Words("请再打一次电话。", "Call again."),
    "arrival": Words("请到门口时签到。", "Check in at the door."),
    "sign_in": Words("请在外出页签到返回。", "Sign back in on the outing's page."),
    "outing_report": Words("请在外出页逐处汇报。", "Report stop by stop on the outing's page."),
    "help": Words("请在外出页答复求助。", "Answer on the outing's page."),
    "delivery": Words(
        "请在送达页签收，或写明为什么没有送达。",
        "Have it received on the delivery's page, or say there why it was not.",
    ),
    "meet": Words("与客户见一次面即可完成，电话不计。", "A reception or a visit does it; a call does not."),
    "take_on": Words("请在交办页接受或反问。", "Take it on or ask back, on the assignment's page."),
    "assignment": Words(
        "请在交办页交出结果；领导认可才算完成。", "Hand it in on its page; it is done once the leader accepts it."
    ),
    "look_over": Words(
        "请在交办页看过后认可、退回或答复。", "Look at it on the assignment's page: accept, send back or answer."
    ),
    "prospect_step": Words("请在潜在客户页记下做了什么。", "Note on the prospect's page what was done."),
    "note_answer": Words("请在市场信息页答复。", "Answer on the page of market notes."),
    "answer_back": Words("请在市场信息页查看答复。", "Read the answer on the page of market notes."),
    "acknowledge": Words(
        "请在规范的阅知页阅读后点“已读并遵守”；只能由本人办理。",
        "Read the code on its page and tap “Read, and I will keep it”; nobody does it for another.",
    ),
    "work_plan": Words(
        "请在计划页定好计划；只能由本人办理。", "Fix it on the page of plans; nobody does it for another."
    ),
    "plan_comment": Words("请在计划页看批注。", "Read it on the page of plans."),
    "prospect_keep": Words("在潜在客户页记下一次联系即可。", "A contact noted on the prospect's page does it."),
    "rhythm": Words("与客户联系一次即可完成，短信不计。", "A contact with the customer does it; a message does not."),
}


class AlreadySettled(Exception):
    """Somebody, or another click, was first: the obligation is no longer open."""

    def __init__(self, obligation: Obligation) -> None:
        super().__init__(f"obligation {obligation.pk} is {obligation.state}")
        self.obligation = obligation


def _verdicts(obligation: Obligation, how: How, at: datetime, now: datetime) -> list[Verdict]:
    def blocked(name: str, zh: str, en: str, needs: str) -> list[Verdict]:
        return [Verdict(obligation.clause, name, "block", Words(zh, en), needs)]

    if obligation.kind in ELSEWHERE:
        words = ELSEWHERE[obligation.kind]
        return blocked("done_elsewhere", words.zh, words.en, "kind")
    if at > now:
        return blocked(
            "in_the_future", "时间在将来，请改为实际时间。", "That time lies ahead: give the time it happened.", "at"
        )
    if obligation.state == State.MISSED and obligation.is_late(at):
        return blocked(
            "lapsed",
            "这一天已经过去。若是当天问候的，请写明当时的时间。",
            "That day is over. If it was done on the day, say when.",
            "at",
        )
    if obligation.kind in NOT_BEFORE and at < obligation.opens:
        return blocked(
            "too_early", "早于应办开始的时间，不能算数。", "That was before it was owed and does not count.", "at"
        )
    if obligation.kind in {"thanks", "birthday"}:
        if how.channel not in obligation.channels:
            return blocked("wrong_channel", *_channel_words(obligation), "channel")
        if obligation.detail.get("text", "later") != "later" and not how.introduces:
            return blocked(
                "no_introduction",
                "首次联系后的致谢须同时介绍自己是客户的专属客户经理。",
                "After a first meeting or call the message also introduces you as the customer's own manager.",
                "introduces",
            )
    if obligation.kind == "look_into" and not how.words.strip():
        return blocked("no_words", "请写明过问的情况。", "Say what came of it.", "words")
    if obligation.kind in {"answer", "promise"} and not how.words.strip():
        return blocked("no_answer", "请写明答复了什么。", "Say what was answered.", "words")
    if obligation.kind in {"answer", "promise", "apology"} and not how.channel:
        if obligation.kind == "apology" or obligation.customer_id:
            return blocked("no_channel", "请选怎样告知的。", "Say how the customer was told.", "channel")
        return blocked("no_channel", "请选怎样答复的。", "Say how it was answered.", "channel")
    if obligation.kind == "apology" and not how.apologised:
        return blocked(
            "no_apology",
            "告知之外还须致歉；两样都有才算完成。",
            "Telling is not enough: an apology goes with it.",
            "apologised",
        )
    if obligation.kind == "find_out" and not how.value.strip():
        return blocked("no_value", "请填写问到的内容。", "Enter what you found out.", "value")
    return []


def _stand_in(obligation: Obligation, actor: Actor, bank: Bank) -> list[Verdict]:
    """Where the bank has set so, thanks are the customer's own RM's to send and wait for them."""
    if obligation.kind != "thanks" or obligation.owner_id == actor.id or bank.stand_in_thanks != "not_sent":
        return []
    words = Words(
        "本行规定致谢不代发，由客户自己的客户经理发送。",
        "By the bank's rule nobody sends thanks for another: the customer's own manager does.",
    )
    return [Verdict(obligation.clause, "not_by_a_stand_in", "block", words, "channel", "bank")]


def _channel_words(obligation: Obligation) -> tuple[str, str]:
    from zhike.conduct.wording import CHANNELS

    zh = "或".join(CHANNELS[channel].zh for channel in obligation.channels)
    en = " or ".join(CHANNELS[channel].en for channel in obligation.channels)
    return f"这一项须以{zh}完成。", f"This is to be done by {en}."


def _data(obligation: Obligation, how: How) -> Mapping[str, Any]:
    match obligation.kind:
        case "thanks" | "birthday":
            through = how.through or ("platform" if how.channel == "sms" else "")
            return {
                "purpose": obligation.kind,
                "channel": how.channel,
                "through": through,
                "introduces": how.introduces,
                "words": how.words,
            }
        case "answer" | "promise" | "look_into":
            return {"words": how.words, "how": how.channel}
        case "planned":
            return {"words": how.words}
        case "apology":
            return {"how": how.channel, "apologised": how.apologised, "of": obligation.opens.isoformat()}
        case _:
            return {"field": obligation.detail["field"]}


def _close_demand(obligation: Obligation, how: How, now: datetime) -> None:
    """V7: an answer that meets or refuses the demand closes it; "in process" leaves it open."""
    if obligation.kind == "answer" and how.demand != Demand.State.OPEN:
        contact, number = obligation.subject.removeprefix("contact:").split("/demand:")
        Demand.objects.filter(contact_id=contact, number=number).update(state=how.demand, closed_at=now)


def conclude(demand: Demand, state: str, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Demand:
    """A demand that was answered as still in process is met or refused in the end; what the customer was told is kept as an answer.

    Raises Blocked without words, and while the answer itself is owed: then it is done there.
    """
    owed = Obligation.objects.filter(customer_id=demand.customer_id, subject=demand.subject, kind="answer")
    if owed.filter(state=State.OPEN).exists():
        words_first = Words("请先完成这一项的答复。", "The answer to it is still owed: give it there.")
        _stop([Verdict("V7", "answer_first", "block", words_first, "state")])
    if demand.state != Demand.State.OPEN:
        _stop([Verdict("V7", "demand_closed", "block", Words("这一项已经了结。", "It is settled already."), "state")])
    if not words.strip():
        _stop([Verdict("V7", "no_answer", "block", Words("请写明答复了什么。", "Say what was answered."), "words")])
    staff = demand.customer.rm_id or actor.id
    told = {"words": words.strip(), "how": ""}
    fact = Fact("answered", now, now, staff, demand.customer_id, demand.subject, told)
    ledger.tell([fact], actor=actor, now=now, bank=bank)
    demand.state, demand.closed_at = state, now
    demand.save(update_fields=["state", "closed_at"])
    return demand


def _open_demand(obligation: Obligation) -> None:
    """What the answer that is taken back had closed is open again."""
    if obligation.kind == "answer":
        contact, number = obligation.subject.removeprefix("contact:").split("/demand:")
        Demand.objects.filter(contact_id=contact, number=number).update(state=Demand.State.OPEN, closed_at=None)


def _unlearn(obligation: Obligation, actor: Actor, now: datetime) -> None:
    """What was found out by mistake is missing again, unless somebody has learned it anew since."""
    if obligation.kind != "find_out":
        return
    assert obligation.customer is not None
    field = obligation.detail["field"]
    known = obligation.customer.profile.get(field) or {}
    if known.get("by") == actor.id and known.get("on") == localdate(now).isoformat():
        obligation.customer.learn(field, "", source="contact", actor=actor, now=now)


def _keep_own_phone(obligation: Obligation, how: How, actor: Actor, now: datetime, bank: Bank) -> None:
    """S1, S2: a message from one's own phone beyond the three thanks is a finding."""
    occasion = obligation.detail.get("occasion", obligation.kind)
    for verdict in guard.own_phone(occasion=occasion, through=how.through, bank=bank):
        Finding.record(
            verdict,
            staff=actor.id,
            customer=obligation.customer_id,
            subject=f"obligation:{obligation.pk}",
            reason=how.words,
            at=now,
            zone=bank.zone,
        )


def waive(obligation: Obligation, reason: str, *, actor: Actor, now: datetime) -> Obligation:
    """Lets an obligation go, with a reason; the leader sees it. What must be done only somebody above the owner may waive.

    Where the bank wants the leader's approval the obligation comes back still open, with what was asked in ``approval``.
    """
    if not may_waive(actor, obligation, localdate(now)):
        raise _not_ones_own("obligations.waive")
    if obligation.state not in {State.OPEN, State.CANNOT}:
        raise AlreadySettled(obligation)
    if not reason.strip():
        _stop(
            [
                Verdict(
                    obligation.clause,
                    "no_reason",
                    "block",
                    Words("请写明豁免的理由。", "Say why it is waived."),
                    "reason",
                )
            ]
        )
    if obligation.force == "must" and not actor.leads(obligation.owner_id):
        _stop(
            [
                Verdict(
                    obligation.clause,
                    "must_not_waived",
                    "block",
                    Words(
                        "这一条是“必须”，不能自行豁免，只有上级主管可以。",
                        "This clause says must: nobody waives it for themselves, only a leader above.",
                    ),
                )
            ]
        )
    if not actor.leads(obligation.owner_id) and settings().at(localdate(now)).waiver_needs_leader:
        return waivers.ask(obligation, reason, actor=actor, now=now)
    if not waivers.let_go(obligation, reason, by=actor.name, actor=actor, now=now):
        raise AlreadySettled(obligation)
    return obligation


def undo(obligation: Obligation, *, actor: Actor, now: datetime, bank: Bank) -> Obligation:
    """撤回: what oneself has just settled is open again, with all that went with it. After ten minutes it stays, and is corrected by a leader's word."""
    by_oneself = obligation.settled_by_id == actor.id and obligation.settled_at is not None
    fact = obligation.settling
    if not by_oneself or fact is None or now - fact.known_at > UNDO_WITHIN or obligation.kind not in FACTS:
        _stop(
            [
                Verdict(
                    obligation.clause,
                    "too_late_to_undo",
                    "block",
                    Words("已过十分钟，不能撤回。", "More than ten minutes ago: it stays."),
                )
            ]
        )
        raise AssertionError
    ledger.correct(fact, by=None, actor=actor, now=now, bank=bank)
    Finding.objects.filter(subject=f"obligation:{obligation.pk}", staff=actor.id).update(void=True)
    _open_demand(obligation)
    _unlearn(obligation, actor, now)
    obligation.refresh_from_db()
    return obligation


def _stop(verdicts: list[Verdict]) -> None:
    if verdicts:
        raise Blocked(verdicts)
