"""GUARD of messages (S5): what stops one, what it waits for, what is only said. The same at queueing and at sending.

    judgement = judge("greeting", text, recipient, now=now, bank=bank)
    judgement.blocked       # it is not sent as it stands; the verdicts say why, where and what to do
    judgement.wait          # it is sent, but not before `until`

What may not be said is `permitted.py`'s, what a customer's reply asks for `opting_out.py`'s.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Literal

from zhike.conduct.bank import Bank
from zhike.conduct.guard import UNSAID, Verdict, time_of
from zhike.conduct.permitted import Phrase, gives_number, lacks_risk_notice, look
from zhike.conduct.quiet_hours import quiet_until
from zhike.conduct.satisfied import SCALE
from zhike.conduct.words import Words

Origin = Literal["code", "bank", "law"]

EVERYTHING = frozenset({"deceased"})
"""What stops every message. An account that is closed, do-not-disturb and an open complaint stop what nobody waits for."""
UNASKED = EVERYTHING | {"closed", "do_not_disturb", "complaint"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What binds one kind of message.

    `consent`: the purpose that the customer must have agreed to. `quiet`: whether quiet hours warn, or it waits for their end.
    `opt_out`: whether a customer's opting out of marketing stops it: never, always, "hinted": where the bank has it carry the hint, or
    "heeded": though it says nothing of how to opt out.
    `capped`: counted against the bank's limits a day and a week. `once`: one on an occasion. `bulk`: may go to many at once.
    """

    words: Words
    consent: Literal["", "greeting", "marketing"] = ""
    quiet: Literal["warn", "wait"] = "warn"
    opt_out: Literal["never", "hinted", "always", "heeded"] = "never"
    stopped_by: frozenset[str] = EVERYTHING
    capped: bool = False
    once: bool = False
    bulk: bool = False

    def carries_hint(self, bank: Bank) -> bool:
        """Whether it says how to opt out; whoever does as it says is not sent this kind any more."""
        return self.opt_out == "always" or (self.opt_out == "hinted" and bank.greetings_carry_hint)

    def heeds(self, bank: Bank) -> bool:
        """Whether whoever opted out is not sent it."""
        return self.opt_out == "heeded" or self.carries_hint(bank)

    def waits(self, bank: Bank) -> bool:
        """Whether quiet hours hold it back."""
        return self.quiet == "wait" or bank.service_in_quiet_hours == "block"


KINDS = {
    "thanks": Kind(Words("致谢", "thanks")),
    "call_back": Kind(Words("约回电", "call-back")),
    "answer": Kind(Words("答复", "answer")),
    "service": Kind(Words("服务通知", "service"), bulk=True),
    "greeting": Kind(
        Words("问候", "greeting"),
        consent="greeting",
        quiet="wait",
        opt_out="hinted",
        stopped_by=UNASKED,
        once=True,
        bulk=True,
    ),
    # Service, and nothing is sold by it: no consent is needed. But nobody waits for it: whatever stops contact stops it, night too.
    "question": Kind(
        Words("满意度询问", "question how content one is"),
        quiet="wait",
        opt_out="heeded",
        stopped_by=UNASKED,
        bulk=True,
    ),
    "marketing": Kind(
        Words("营销", "marketing"),
        consent="marketing",
        quiet="wait",
        opt_out="always",
        stopped_by=UNASKED,
        capped=True,
        bulk=True,
    ),
}
"""CLAUSES, settings, "messages: what binds which kind"."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """What the guard knows of the customer, as of now.

    `consents`: purposes that were agreed to for SMS and not taken back. `marketing_today`: marketing messages of the bank's calendar
    day; `marketing_this_week`: of the seven days that end with it, as with calls. `greeted_already`: on this occasion. `unsuited`: why
    the product does not suit the customer; None where it does, or where there is none.
    """

    tier: str
    has_mobile: bool = True
    deceased_on: date | None = None
    closed: bool = False
    do_not_disturb: bool = False
    complaint_open: bool = False
    opted_out: bool = False
    consents: frozenset[str] = frozenset()
    marketing_today: int = 0
    marketing_this_week: int = 0
    greeted_already: bool = False
    unsuited: Words | None = None

    @property
    def stops(self) -> Iterator[str]:
        """What stops contact with the customer (CLAUSES, Stops)."""
        stops = {
            "deceased": self.deceased_on is not None,
            "closed": self.closed,
            "do_not_disturb": self.do_not_disturb,
            "complaint": self.complaint_open,
        }
        return (name for name, stands in stops.items() if stands)


@dataclass(frozen=True, slots=True)
class Wait:
    """It is sent at `until` at the earliest (aware, in the bank's zone)."""

    until: datetime
    why: Words


@dataclass(frozen=True, slots=True)
class Judgement:
    """`wait` is None where it may leave at once, and where it is blocked."""

    verdicts: tuple[Verdict, ...]
    wait: Wait | None = None

    @property
    def blocked(self) -> bool:
        return any(verdict.effect == "block" for verdict in self.verdicts)


def judge(
    kind: str,
    text: str,
    to: Recipient,
    *,
    now: datetime,
    bank: Bank,
    bulk: bool = False,
    private_product: bool = False,
    audience: Collection[str] = (),
    phrases: Sequence[Phrase] | None = None,
) -> Judgement:
    """Whether a message may be sent to a customer: the verdicts in a stable order, and what it waits for.

    `bulk`: to many at once. `private_product`: it tells of one that is not offered to the public. `audience`: the tiers that it is meant
    for, none: every tier. `phrases`: what `look` said of the text, where many get the same; it is looked at once then.
    """
    rules, bank = KINDS[kind], bank.at(now)
    if to.deceased_on is not None:
        return Judgement((_STOPPED["deceased"],))
    until = quiet_until(now, bank)
    wait = _wait(until, now, bank) if until and rules.waits(bank) else None
    found = look(text, kind) if phrases is None else phrases
    verdicts = (
        *_whom(rules, to, audience, bank),
        *_how(rules, bulk, private_product),
        *_agreed(rules, to, bank),
        *_too_many(rules, to, wait.until if wait else now, now, bank),
        *(_in_quiet_hours(now, bank) if until and not wait else ()),
        *_text(kind, text, found, bank),
    )
    judgement = Judgement(verdicts, wait)
    return Judgement(verdicts) if judgement.blocked else judgement


def _verdict(
    name: str,
    zh: str,
    en: str,
    origin: Origin = "law",
    *,
    effect: Literal["warn", "block"] = "block",
    needs: str = "",
    kept: Words = UNSAID,
) -> Verdict:
    return Verdict("S5", name, effect, Words(zh, en), needs, origin, kept)


# What is the other platform's own: the number it had, its signature, the hint that it adds.
_THEIRS = frozenset({"no_mobile", "no_text", "own_signature", "hint_without_word"})


def found_in(kind: str, text: str, to: Recipient, *, at: datetime, bank: Bank) -> tuple[Verdict, ...]:
    """What would have stopped a message, or held it back, that another platform has sent already at `at`: nothing stops it any more, so each
    says what was done and asks for nothing. `to`: the customer as of then.
    """
    rules, bank = KINDS[kind], bank.at(at)
    verdicts = (
        *_whom(rules, to, (), bank),
        *_agreed(rules, to, bank),
        *_too_many(rules, to, at, at, bank),
        *_text(kind, text, look(text, kind), bank),
    )
    stopped = [each for each in verdicts if each.effect == "block"]
    quiet = list(_in_quiet_hours(at, bank)) if rules.waits(bank) and quiet_until(at, bank) else []
    return tuple(_told_of(each) for each in (*stopped, *quiet) if each.name not in _THEIRS)


def _told_of(verdict: Verdict) -> Verdict:
    """With words to be kept: the first sentence says what is so, those behind it what to do."""
    if verdict.kept.zh:
        return verdict
    zh, en = verdict.words.zh.partition("。")[0], verdict.words.en.partition(". ")[0].removesuffix(".")
    return replace(verdict, kept=Words(f"{zh}。", f"{en}."))


# ── to whom ─────────────────────────────────────────────────────────────────────────────────────────────────────

_NO_MOBILE = _verdict(
    "no_mobile",
    "客户没有手机号码，发不了短信。请问清号码，在客户页“资料”中补上，或改为打电话。",
    "The customer has no mobile number. Find it out and enter it on the customer's page, or call.",
    "bank",
)
_STOPPED = {
    "deceased": _verdict(
        "deceased",
        "客户已故，一切联系停止，什么短信都不发。如属误记，请在客户页更正。",
        "The customer has died: every contact stops, nothing is sent. If that is a mistake, correct it on the customer's page.",
        "bank",
    ),
    "closed": _verdict(
        "closed",
        "客户已销户，不再发问候和营销短信。",
        "The account is closed: no greetings and no marketing any more.",
        "bank",
    ),
    "do_not_disturb": _verdict(
        "do_not_disturb",
        "客户要求免打扰，不发问候和营销短信。客户改变主意的，请在客户页恢复联系。",
        "The customer asked not to be disturbed: no greetings, no marketing. If that has changed, let contact go on, on the customer's page.",
        "bank",
    ),
    "complaint": _verdict(
        "complaint",
        "客户有投诉尚未了结，不发问候和营销短信。请先处理投诉。",
        "A complaint is open: no greetings and no marketing. Settle the complaint first.",
        "bank",
    ),
}


def _whom(rules: Kind, to: Recipient, audience: Collection[str], bank: Bank) -> Iterator[Verdict]:
    if not to.has_mobile:
        yield _NO_MOBILE
    yield from (_STOPPED[stop] for stop in to.stops if stop in rules.stopped_by)
    if audience and to.tier not in audience:
        tiers = [tier.name for tier in bank.tiers if tier.key in audience]
        named = Words("、".join(tier.zh for tier in tiers), ", ".join(tier.en for tier in tiers))
        yield _verdict(
            "other_tier",
            f"这条短信只发给这些等级的客户：{named.zh}。请把客户移出名单。",
            f"This message is meant for customers of these tiers: {named.en}. Take the customer off the list.",
            "bank",
        )
    if to.unsuited:
        yield _verdict(
            "unsuited",
            f"产品不适合这位客户：{to.unsuited.zh} 请把客户移出名单。",
            f"The product does not suit this customer: {to.unsuited.en} Take the customer off the list.",
        )


# ── how ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _how(rules: Kind, bulk: bool, private_product: bool) -> Iterator[Verdict]:
    if bulk and not rules.bulk:
        yield _verdict(
            "not_in_bulk",
            f"“{rules.words.zh}”短信写给一位客户，不群发。请逐条发送。",
            f"A message of the kind “{rules.words.en}” is written to one customer. Send each by itself.",
            "bank",
        )
    if bulk and private_product:
        yield _verdict(
            "private_in_bulk",
            "私募产品不得公开宣传，不群发。请由客户经理逐一告知合格投资者。",
            "A private product is not advertised in public and never sent to many at once. Tell qualified investors one by one.",
        )


def in_bulk(kind: str, *, private_product: bool = False) -> tuple[Verdict, ...]:
    """What is to be said of sending such a thing to many at once, before there is a text."""
    return tuple(_how(KINDS[kind], True, private_product))


# ── what was agreed to ──────────────────────────────────────────────────────────────────────────────────────────

_NO_CONSENT = {
    "greeting": _verdict(
        "no_consent",
        "客户没有同意接收问候短信。请先征得同意，在客户页“同意”中登记凭证；或改为打电话问候。",
        "The customer has not agreed to greetings by SMS. Ask, and record the consent with its evidence on the customer's page; or call.",
    ),
    "marketing": _verdict(
        "no_consent",
        "客户没有明确同意接收营销短信。请先征得同意，在客户页“同意”中登记凭证。",
        "The customer has not expressly agreed to marketing by SMS. Ask, and record the consent with its evidence on the customer's page.",
    ),
}


def _agreed(rules: Kind, to: Recipient, bank: Bank) -> Iterator[Verdict]:
    needed = rules.consent and (rules.consent != "greeting" or bank.greeting_needs_consent)
    if needed and rules.consent not in to.consents:
        yield _NO_CONSENT[rules.consent]
    if to.opted_out and rules.heeds(bank):
        yield _verdict(
            "opted_out",
            f"客户已退订，不再发{rules.words.zh}短信。客户重新同意后才可再发，请在客户页“同意”中登记。",
            "The customer has opted out: no more of these. Only a new consent, recorded on the customer's page, lets them be sent again.",
        )


# ── how many ────────────────────────────────────────────────────────────────────────────────────────────────────


def _too_many(rules: Kind, to: Recipient, leaves: datetime, now: datetime, bank: Bank) -> Iterator[Verdict]:
    """Caps by the day on which it leaves: what waits for tomorrow does not count against today."""
    if rules.once and to.greeted_already:
        yield _verdict(
            "greeted_already",
            "这一次已经问候过这位客户（已发或已排定），不重复发。",
            "This customer has been greeted on this occasion already, or is about to be. Not twice.",
            "bank",
        )
    if not rules.capped:
        return
    today = leaves.astimezone(bank.zone).date() == now.astimezone(bank.zone).date()
    if today and to.marketing_today >= bank.marketing_a_day:
        yield _verdict(
            "day_used_up",
            f"对同一客户的营销短信每日至多 {bank.marketing_a_day} 条，今天已用完。请改日再发。",
            f"At most {bank.marketing_a_day} marketing messages a day to one customer: used up today. Send it another day.",
        )
    if to.marketing_this_week >= bank.marketing_a_week:
        yield _verdict(
            "week_used_up",
            f"对同一客户的营销短信七日内至多 {bank.marketing_a_week} 条，已用完。请过几天再发。",
            f"At most {bank.marketing_a_week} marketing messages in seven days to one customer: used up. Send it some days later.",
        )


# ── when ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _wait(until: datetime, now: datetime, bank: Bank) -> Wait:
    here = now.astimezone(bank.zone)
    told = time_of(until.astimezone(bank.zone), here)
    return Wait(
        until,
        Words(
            f"静默时段 {bank.quiet_from:%H:%M} 至 {bank.quiet_to:%H:%M}，等到 {told.zh} 再发。",
            f"Quiet hours are {bank.quiet_from:%H:%M} to {bank.quiet_to:%H:%M}: it is sent at {told.en}.",
        ),
    )


def _in_quiet_hours(now: datetime, bank: Bank) -> Iterator[Verdict]:
    at, hours = now.astimezone(bank.zone), f"{bank.quiet_from:%H:%M} 至 {bank.quiet_to:%H:%M}"
    hours_en = f"{bank.quiet_from:%H:%M} to {bank.quiet_to:%H:%M}"
    yield _verdict(
        "quiet_hours",
        f"现在 {at:%H:%M}，在静默时段（{hours}）内：可以发，但会打扰客户；不急的请明早再发。",
        f"It is {at:%H:%M}, within quiet hours ({hours_en}): it may be sent, but disturbs; what can wait had better be sent in the morning.",
        effect="warn",
        kept=Words(
            f"在静默时段（{hours}）内 {at:%H:%M} 发出。", f"Sent at {at:%H:%M}, within quiet hours ({hours_en})."
        ),
    )


# ── the text ────────────────────────────────────────────────────────────────────────────────────────────────────


def dressed(text: str, kind: str, bank: Bank, name: str) -> str:
    """The text as the customer gets it: the signature in front (`name`: the bank's own), behind it how to opt out where it must be."""
    words = text.strip()
    if KINDS[kind].carries_hint(bank):
        english = is_english(words)
        hint = bank.optout_hint_english if english else bank.optout_hint
        if not words.endswith(hint):
            words += f" {hint}" if english else ("，" if words[-1:].isalnum() else "") + hint
    return f"【{bank.message_signature or name}】{words}"


def is_english(text: str) -> bool:
    """Whether more of it is Latin letters than Chinese characters: a Chinese name in an English sentence leaves it English."""
    latin = sum(1 for each in text if each.isascii() and each.isalpha())
    return latin > 2 * sum(1 for each in text if "\u4e00" <= each <= "\u9fff")


def of_text(kind: str, text: str, bank: Bank) -> tuple[Verdict, ...]:
    """What is to be said of a text whoever gets it: while it is worded, before anybody does."""
    return tuple(_text(kind, text, look(text, kind), bank))


def lacks_contact(kind: str, text: str, bank: Bank) -> Verdict | None:
    """What is to be said of words as a whole that sell and give no telephone number: PRACTICE §2 row 15. Their variables are unfilled
    still: {电话} gives one.
    """
    if (
        kind != "marketing"
        or "{电话}" in text
        or (bank.service_number and bank.service_number in text)
        or gives_number(text)
    ):
        return None
    return _NO_CONTACT


_NO_CONTACT = _verdict(
    "no_contact",
    "营销短信须写明联系方式。请在正文里写上 {电话}（发送人的电话，没有的用本行客服电话），或直接写电话号码。",
    "Who sells by SMS says how to be reached. Put {电话} into the words (the sender's telephone, else the bank's service number), or a number.",
    needs="text",
)


def _text(kind: str, text: str, phrases: Sequence[Phrase], bank: Bank) -> Iterator[Verdict]:
    if not text.strip():
        yield _verdict(
            "no_text", "短信没有内容。请写明要说的话。", "The message is empty. Say something.", "bank", needs="text"
        )
    if text.lstrip().startswith("【") or text.rstrip().endswith("】"):
        yield _verdict(
            "own_signature",
            "签名由平台自动加上，正文的开头和结尾不要再写【】。",
            "The signature is added by itself: no 【】 at the beginning or the end of the text.",
            "bank",
            needs="text",
        )
    if KINDS[kind].carries_hint(bank) and not _names_a_word(bank):
        yield _verdict(
            "hint_without_word",
            f"退订提示“{bank.optout_hint}”里没有一个退订词，客户照做也退不了订。请管理员在参数中改正后再发。",
            f"The hint “{bank.optout_hint}” names no opt-out word: who does as it says does not opt out. An administrator corrects it in the settings.",
        )
    yield from _wording(phrases, kind, bank)
    if kind == "question" and not _names_scale(text):
        yield _NO_SCALE
    if kind == "marketing" and lacks_risk_notice(text):
        yield _verdict(
            "no_risk_notice",
            "推介理财产品须写明：理财非存款，产品有风险，投资须谨慎。请补上。",
            "Who advertises a wealth product says: 理财非存款，产品有风险，投资须谨慎. Add it.",
            effect="warn",
            needs="text",
            kept=Words(
                "推介理财产品而未写明“理财非存款，产品有风险，投资须谨慎”。",
                "A wealth product was advertised without the notice that it is no deposit and bears risk.",
            ),
        )


_NO_SCALE = _verdict(
    "no_scale",
    f"满意度询问须写明请客户回复 {SCALE[0]} 到 {SCALE[-1]} 中的一个数字，正文里 {SCALE[0]} 和 {SCALE[-1]} 都要出现。请补上。",
    f"It asks for one digit from {SCALE[0]} to {SCALE[-1]}: both stand in the text. Add them.",
    "bank",
    needs="text",
)


def _names_scale(text: str) -> bool:
    return all(str(end) in text for end in (SCALE[0], SCALE[-1]))


def _wording(phrases: Sequence[Phrase], kind: str, bank: Bank) -> Iterator[Verdict]:
    """One verdict for each rule that the text goes past, with every place. A question is answered with a digit: it holds no link, ever."""
    linked = bank.links_in_messages and kind != "question"
    against = [each for each in phrases if each.group.name != "link" or not linked]
    for group, rows in groupby(sorted(against, key=lambda each: each.group.place), key=lambda each: each.group):
        found = list(rows)
        where = Words("；".join(each.where.zh for each in found), "; ".join(each.where.en for each in found))
        said = Words(
            f"{where.zh}：{group.reason.zh}（{group.source.zh}）。",
            f"{where.en}: {group.reason.en} ({group.source.en}).",
        )
        yield _verdict(
            f"text_{group.name}",
            said.zh,
            said.en,
            group.origin,
            effect=found[0].effect,
            needs="text",
            kept=Words(f"短信含有{where.zh}。", f"The message holds {where.en}.")
            if found[0].effect == "warn"
            else UNSAID,
        )


def _names_a_word(bank: Bank) -> bool:
    hint = bank.optout_hint.casefold()
    return any(word.casefold() in hint for word in bank.optout_words)
