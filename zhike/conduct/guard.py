"""GUARD: an action is looked at before it happens: allow, warn (with a reason it goes on, and the exception is kept), block.

    verdicts = guard_visit_start(...)        # [] means: go on

A verdict names its clause and says one sentence. What a `must` forbids is blocked; what a `should` or `try` asks is
warned about, and going on wants a reason (CLAUSES, Force).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from zhike.conduct.bank import Bank
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.conduct.words import Words

Effect = Literal["warn", "block"]
UNSAID = Words("", "")


@dataclass(frozen=True, slots=True)
class Promised:
    """A call-back that stands: the promised minute, and from when on it may be made."""

    target: datetime
    opens: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """`name` is stable (findings keep it); `needs` names the field whose words lift a warning or fill the gap; `kept` is what
    a finding says of it, in words that ask for nothing any more. `force`: that of the part of the clause it goes past, where
    it is another than the clause's.
    """

    clause: str
    name: str
    effect: Effect
    words: Words
    needs: str = ""
    origin: Literal["code", "bank", "law"] = "code"
    kept: Words = UNSAID
    force: str = ""


class Blocked(Exception):
    """An action that a clause does not let happen as it stands. `verdicts` say why and what to do."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        super().__init__("; ".join(f"{verdict.clause}: {verdict.words.en}" for verdict in verdicts))
        self.verdicts = tuple(verdicts)


PURPOSES = {
    "introduction": Words("自我介绍", "introduction"),
    "call_back": Words("约定回电", "agreed call-back"),
    "maturity": Words("到期承接", "maturing funds"),
    "need": Words("跟进需求", "following up a need"),
    "invitation": Words("邀约来行", "invitation to the bank"),
    "care": Words("关怀问候", "keeping in touch"),
    "birthday": Words("生日问候", "birthday greeting"),
    "thanks": Words("致谢", "thanks"),
    "answer": Words("答复客户", "answering the customer"),
    "service": Words("服务事项", "service"),
    "business": Words("办理业务", "business to be done"),
    "other": Words("其他", "other"),
}
SELLING = frozenset({"maturity", "need"})


def visit_start(*, agreed: bool, told_when_and_where: bool, customer_asked: bool, reason: str) -> list[Verdict]:
    """V1: a visit starts from an agreed appointment, or because the customer said "please come"; else a reason is kept."""
    if customer_asked or (agreed and told_when_and_where):
        return []
    return [
        Verdict(
            "V1",
            "surprise_visit",
            "warn" if reason.strip() else "block",
            Words(
                "没有与客户约定时间和地点。请先预约；确有原因不预约的，请写明，作为例外说明保存。",
                "No time and place were agreed with the customer. Agree them first, or say why not: it is kept as a reasoned exception.",
            ),
            needs="surprise_reason",
            kept=Words("没有与客户约定时间和地点的拜访。", "A visit for which no time and place were agreed."),
            force="try",
        )
    ]


def visit_outing(*, reported: bool, happened: bool, bank: Bank) -> list[Verdict]:
    """W7: a visit outside wants an outing that the leader was told of before (bank). What has happened is kept, never refused."""
    if reported or bank.outing_guard == "off":
        return []
    effect: Effect = "block" if bank.outing_guard == "block" and not happened else "warn"
    return [
        Verdict(
            "W7",
            "no_outing",
            effect,
            Words(
                "这次拜访没有报备外出。请先在“工作 · 外出”报备，主管马上看到。",
                "No outing was reported for this visit. Report it first under Work · Outings; your leader sees it at once.",
            ),
            needs="outing",
            origin="bank",
            kept=Words("没有报备外出的拜访。", "A visit outside without a reported outing."),
        )
    ]


def call_start(
    *,
    purpose: str,
    first: bool,
    incoming: bool,
    now: datetime,
    bank: Bank,
    selling_calls_today: int = 0,
    selling_calls_week: int = 0,
    promised: Promised | None = None,
    early_reason: str = "",
    happened: bool = False,
) -> list[Verdict]:
    """C1: the purpose is stated before the call. C9: the first call introduces and nothing else. C5: not before the promised
    minute's window, or with a reason. (law): when and how often calls sell.

    A customer who rings needs no purpose of ours. `happened`: the call is over and is recorded as it was. What it was about is
    still asked; that it ought not to have been so no longer stops anything, it is kept.
    """
    if incoming:
        return []
    effect: Effect = "warn" if happened else "block"
    verdicts = []
    if purpose not in PURPOSES:
        verdicts.append(
            Verdict(
                "C1",
                "no_purpose",
                "block",
                Words("拨号前请先选定通话目的。", "Choose the purpose before the call."),
                "purpose",
            )
        )
    elif first and purpose != "introduction":
        verdicts.append(
            Verdict(
                "C9",
                "first_call_not_introduction",
                effect,
                Words(
                    "这是首次通话：只问候和自我介绍，不谈任何产品。请把目的改为“自我介绍”。",
                    "This is the first call: a greeting and an introduction, no product at all. Set the purpose to introduction.",
                ),
                "purpose",
                kept=Words(
                    f"首次通话的目的是“{PURPOSES[purpose].zh}”，不是自我介绍。",
                    f"The first call was about: {PURPOSES[purpose].en}. It should introduce and nothing else.",
                ),
            )
        )
    if promised is not None and now < promised.opens:
        meant = first or purpose == "call_back"
        verdicts.append(_early("warn" if happened or early_reason.strip() else "block", promised, meant, now, bank))
    if purpose in SELLING and not first:
        verdicts += _selling(effect, now, bank, selling_calls_today, selling_calls_week)
    return verdicts


EARLY = "early_call_back"


def _early(effect: Effect, promised: Promised, meant: bool, now: datetime, bank: Bank) -> Verdict:
    """A call on the promised day is the promised one, whatever it is said to be about; on an earlier day it may be another."""
    here = now.astimezone(bank.zone)
    target, opens = (time_of(moment.astimezone(bank.zone), here) for moment in (promised.target, promised.opens))
    same_day = promised.target.astimezone(bank.zone).date() == here.date()
    return Verdict(
        "C5",
        EARLY,
        effect,
        Words(
            f"已与客户约定 {target.zh} 回电，{opens.zh} 起可打：不提前。确要现在打，请写明原因，会随这通电话保存为发现。",
            f"A call-back was promised for {target.en} and may be made from {opens.en}: not early. To call now, say why; it is kept with the call as a finding.",
        ),
        needs="early_reason",
        kept=Words(
            f"约定 {target.zh} 回电，{opens.zh} 起可打，在此之前拨打。",
            f"A call before the call-back that was promised for {target.en}, possible from {opens.en}.",
        ),
        force="" if meant or same_day else "try",
    )


def time_of(moment: datetime, here: datetime) -> Words:
    """A moment as it is said to somebody at another: with its day, where that is another day."""
    if moment.date() == here.date():
        return Words(f"{moment:%H:%M}", f"{moment:%H:%M}")
    return Words(f"{moment.month}月{moment.day}日 {moment:%H:%M}", f"{moment.day} {moment:%b} {moment:%H:%M}")


def _selling(effect: Effect, now: datetime, bank: Bank, today: int, week: int) -> Iterable[Verdict]:
    clock = now.astimezone(bank.zone).time()
    if not bank.sales_call_from <= clock < bank.sales_call_to:
        yield Verdict(
            "S5",
            "selling_hours",
            effect,
            Words(
                f"营销电话只在 {bank.sales_call_from:%H:%M} 至 {bank.sales_call_to:%H:%M} 之间拨打。请改时间，或改为不涉营销的目的。",
                f"Calls that sell are made between {bank.sales_call_from:%H:%M} and {bank.sales_call_to:%H:%M}. Choose another time or a purpose that does not sell.",
            ),
            "purpose",
            "law",
            Words(
                f"营销电话在 {clock:%H:%M} 拨打，规定时段为 {bank.sales_call_from:%H:%M} 至 {bank.sales_call_to:%H:%M}。",
                f"A call that sells at {clock:%H:%M}; they are made between {bank.sales_call_from:%H:%M} and {bank.sales_call_to:%H:%M}.",
            ),
        )
    if today >= bank.sales_calls_a_day or week >= bank.sales_calls_a_week:
        yield Verdict(
            "S5",
            "selling_calls_used_up",
            effect,
            Words(
                f"对同一客户的营销电话每日至多 {bank.sales_calls_a_day} 次、每周至多 {bank.sales_calls_a_week} 次，已用完。",
                f"At most {bank.sales_calls_a_day} calls that sell a day and {bank.sales_calls_a_week} a week to one customer: used up.",
            ),
            "purpose",
            "law",
            Words(
                f"对同一客户的营销电话超过每日 {bank.sales_calls_a_day} 次或每周 {bank.sales_calls_a_week} 次。",
                f"More than {bank.sales_calls_a_day} calls that sell a day or {bank.sales_calls_a_week} a week to one customer.",
            ),
        )


OUTCOMES = ("reached", "absent", "busy", "no_answer", "wrong_number", "not_interested")


def call_outcome(*, outcome: str, call_back: datetime | None, no_time_agreed: bool, now: datetime) -> list[Verdict]:
    """C3, C4: absent and busy ask when a call suits; a time that is past, or "would not say", is said as such."""
    if outcome not in OUTCOMES:
        return [
            Verdict("C6", "no_outcome", "block", Words("请选通话结果。", "Choose what came of the call."), "outcome")
        ]
    if outcome not in {"absent", "busy"}:
        return []
    clause = "C3" if outcome == "absent" else "C4"
    if call_back is None and not no_time_agreed:
        return [
            Verdict(
                clause,
                "no_time",
                "block",
                Words(
                    "请问清何时方便回电，记下时间；对方不肯约的，选“没有约时间”。",
                    "Ask when a call suits and note the time; if none was given, choose “no time agreed”.",
                ),
                "call_back_at",
            )
        ]
    if call_back is not None and call_back <= now:
        return [
            Verdict(
                clause,
                "time_past",
                "block",
                Words(
                    "约定的回电时间已经过去，请改为将来的时间。",
                    "The agreed time has passed. Choose one that lies ahead.",
                ),
                "call_back_at",
            )
        ]
    if call_back is not None and too_far(call_back, now):
        return [Verdict(clause, "time_too_far", "block", TOO_FAR, "call_back_at")]
    return []


def write_up(
    *,
    kind: str,
    result: str,
    needs: Sequence[str],
    no_need: bool,
    open_needs: int,
    planned: bool,
    by_rhythm: bool,
    rhythm: bool = True,
    outcome: str = "",
) -> list[Verdict]:
    """R13, V6, C6: closes only with contact plan, result, needs (or "none"), and a next contact where a need stands.

    C6 asks a call for plan and needs; its result is offered. `planned`: a next contact is drafted; `by_rhythm`: none is, the
    contact rhythm stands, which is the plan of a customer without a need. `rhythm`: there is one for this customer.
    """
    clause = {"reception": "R13", "visit": "V6", "call": "C6"}[kind]
    verdicts = []
    if kind != "call" and not result:
        verdicts.append(
            Verdict(clause, "no_result", "block", Words("还没有选结果。", "The result is missing."), "result")
        )
    if not needs and not no_need:
        verdicts.append(
            Verdict(
                clause if outcome != "not_interested" else "C8",
                "no_needs",
                "block",
                Words("还没有记需求；确实没有，请选“无”。", "No need is recorded; if there is none, say “none”."),
                "needs",
            )
        )
    if not planned and not (by_rhythm and rhythm):
        verdicts.append(_no_plan(clause, by_rhythm, rhythm))
    elif (needs or open_needs) and not planned:
        verdicts.append(
            Verdict(
                clause,
                "need_without_next",
                "block",
                Words("客户有需求，请定下次联系。", "A need stands: set the next contact."),
                "next",
            )
        )
    return verdicts


def _no_plan(clause: str, by_rhythm: bool, rhythm: bool) -> Verdict:
    if rhythm:
        words = Words(
            "联系计划还没有更新：定下次联系，或选“按节奏联系”。",
            "The contact plan is not updated: set the next contact, or choose “by rhythm”.",
        )
    elif by_rhythm:
        words = Words(
            "这一等级没有联系频次，“按节奏”等于没有计划：请定下次联系。",
            "This tier has no contact rhythm, so “by rhythm” is no plan: set the next contact.",
        )
    else:
        words = Words("联系计划还没有更新：请定下次联系。", "The contact plan is not updated: set the next contact.")
    return Verdict(clause, "no_rhythm" if by_rhythm else "no_plan", "block", words, "next")


def visit_called_off(*, whose: str, told_how: str, told_at: datetime | None = None) -> list[Verdict]:
    """V3: whose reason it is; the RM's own asks how and when the customer was told (a later telling stays owed)."""
    if whose not in {"rm", "customer"}:
        return [
            Verdict(
                "V3",
                "whose_reason",
                "block",
                Words("请说明是谁的原因：自己的，还是客户的。", "Say whose reason it is: your own or the customer's."),
                "whose",
            )
        ]
    if whose == "rm" and told_how and told_at is None:
        return [
            Verdict(
                "V3",
                "told_when",
                "block",
                Words("请说明是什么时候告知客户的。", "Say when the customer was told."),
                "told_at",
            )
        ]
    return []


def own_phone(*, occasion: str, through: str, bank: Bank) -> list[Verdict]:
    """S1, S2: messages go through the bank's platforms; one's own phone may thank after a reception, a visit or a first call."""
    if through != "own_phone" or occasion in bank.own_phone_thanks:
        return []
    return [
        Verdict(
            "S1",
            "own_phone",
            "warn",
            Words(
                "自己的手机只可发接待、拜访、首次通话后的致谢短信；这一条会记为违规。",
                "One's own phone may send thanks after a reception, a visit or a first call only; this one is kept as a breach.",
            ),
            "own_phone_reason",
            kept=Words(
                "用自己的手机发了接待、拜访、首次通话致谢以外的短信。",
                "A message from one's own phone other than thanks after a reception, a visit or a first call.",
            ),
        )
    ]
