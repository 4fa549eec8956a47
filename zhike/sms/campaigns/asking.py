"""A campaign is asked for by marketing, and runs once a second person has let it: what it may be, and whom it would reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from django.utils.translation import get_language, gettext
from procrastinate.contrib.django import app

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.permitted import tells_of_risk
from zhike.conduct.quiet_hours import quiet_until
from zhike.conduct.suitability import RISKS
from zhike.conduct.words import Refused, Words
from zhike.people import approvals
from zhike.people import bank as people_bank
from zhike.people.actor import Actor
from zhike.people.models import Approval, Unit
from zhike.people.permissions import check
from zhike.sms import texts
from zhike.sms.gate import LONGEST
from zhike.sms.many import check_words, tells_of_private
from zhike.sms.models import Campaign, Kind, Template, Wording
from zhike.sms.segments import measure

from .books import LIMITS, limits
from .duties import FOLLOW

KINDS = ("person", "company")
LATE = timedelta(days=7)  # for so long after its deadline it may be forwarded late, unless marketing says otherwise
LONGEST_TITLE = 40
FEW = 5  # fewer customers than these are not counted for whoever may see none


@dataclass(frozen=True)
class Draft:
    """What marketing asks for: of the words one of ``wording`` (in use, of the kind marketing) or ``text``. ``risk``: none or R1 to R5.

    ``unit``: whose customers, its whole tree. ``ends``: until when it may be forwarded late; a week after the deadline unless said.
    """

    title: str
    product: str
    unit: int
    tiers: Sequence[str]
    kinds: Sequence[str]
    deadline: datetime
    wording: int | None = None
    text: str = ""
    code: str = ""
    risk: str = "none"
    private: bool = False
    ends: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        return self.ends or self.deadline + LATE


def ask(draft: Draft, reason: str, *, actor: Actor, now: datetime, bank: Bank) -> Approval:
    """Asks for a campaign to be let run. Raises Refused with a sentence where it cannot be, Unfilled for a variable that many do not have."""
    check(actor, "campaigns.change")
    _check(draft, now, bank)
    payload = {
        "title": draft.title.strip(), "product": draft.product.strip(), "code": draft.code.strip(), "risk": draft.risk,
        "wording": draft.wording, "text": "" if draft.wording else draft.text.strip(), "unit": draft.unit,
        "tiers": [tier.key for tier in bank.tiers if tier.key in draft.tiers],
        "kinds": [kind for kind in KINDS if kind in draft.kinds],
        "deadline": draft.deadline.isoformat(), "ends": draft.ends_at.isoformat(),
    }  # fmt: skip
    return approvals.ask(actor, KIND.name, f"campaign:new:{payload['title']}", payload, reason, now)


def _check(draft: Draft, now: datetime, bank: Bank) -> None:
    if not draft.title.strip():
        raise Refused("请写活动名称。", "Give the campaign a name.")
    if len(draft.title.strip()) > LONGEST_TITLE:
        raise Refused(f"名称至多 {LONGEST_TITLE} 字。", f"A name has at most {LONGEST_TITLE} characters.")
    if not draft.product.strip():
        raise Refused("请写明推介哪个产品。", "Say which product it is about.")
    if draft.risk not in RISKS:
        raise Refused("请选产品风险等级。", "Choose the product's risk grade.")
    private = draft.private or tells_of_private(draft.title + draft.product)
    if refused := next(iter(messages.in_bulk("marketing", private_product=private)), None):
        raise Refused(refused.words.zh, refused.words.en)
    _check_words(draft, bank)
    if not Unit.objects.filter(pk=draft.unit).exists():
        raise Refused("请选面向哪个机构的客户。", "Choose whose customers: a unit.")
    if not draft.tiers or not {tier.key for tier in bank.tiers}.issuperset(draft.tiers):
        raise Refused("请选面向哪些等级的客户。", "Choose the tiers that it is meant for.")
    if not draft.kinds or not set(KINDS).issuperset(draft.kinds):
        raise Refused("请选面向个人客户、公司客户，或两者。", "Choose persons, companies, or both.")
    _check_times(draft, now, bank)


def _check_words(draft: Draft, bank: Bank) -> None:
    words = draft.text.strip()
    if draft.wording is not None:
        found = suiting().filter(pk=draft.wording).first()
        if found is None:
            raise Refused("这条措辞不在用，请另选或另写。", "These words are not in use: choose or write others.")
        words = found.text
    if not words:
        raise Refused("请选一条措辞，或写好正文。", "Choose the words, or write them.")
    texts.check(words)
    check_words(words, "marketing", bank)
    # One customer may be told of a product in a line, and the notice warned of; many are told with it.
    if lacks := next(
        (each for each in messages.of_text("marketing", words, bank) if each.name == "no_risk_notice"), None
    ):
        raise Refused(lacks.words.zh, lacks.words.en)
    # Without a grade nobody is unsuited to it: it would reach whoever may not be offered it.
    if draft.risk == "none" and tells_of_risk(f"{draft.product} {words}"):
        raise Refused(
            "正文推介的产品有投资风险，不能选“无投资风险”。请选产品的风险等级。",
            "The words tell of a product that bears risk: it is not one without. Choose its grade.",
        )
    if measure(messages.dressed(words, "marketing", bank, texts.bank_name())).segments > LONGEST:
        raise Refused(
            f"太长：一条短信至多 {LONGEST} 段，请删短。", f"Too long: at most {LONGEST} segments. Shorten it."
        )
    if lacks := messages.lacks_contact("marketing", words, bank):
        raise Refused(lacks.words.zh, lacks.words.en)


def _check_times(draft: Draft, now: datetime, bank: Bank) -> None:
    if draft.deadline <= now:
        raise Refused("截止时间已经过去，请改到以后。", "The deadline has passed: choose a later one.")
    if quiet_until(draft.deadline - timedelta(seconds=1), bank):
        at, hours = draft.deadline.astimezone(bank.zone), f"{bank.quiet_from:%H:%M} 至 {bank.quiet_to:%H:%M}"
        raise Refused(
            f"截止时间 {at:%H:%M} 在静默时段（{hours}）里，那时营销短信发不出去。请改到白天。",
            f"The deadline {at:%H:%M} lies in quiet hours ({bank.quiet_from:%H:%M} to {bank.quiet_to:%H:%M}), when nothing of it can leave."
            " Choose an hour of the day.",
        )
    if draft.ends_at < draft.deadline:
        raise Refused("活动结束不能早于截止时间。", "It cannot end before its deadline.")


def suiting() -> Any:
    """The words in use that a campaign may take: the bank's of the kind marketing."""
    rows = Wording.objects.filter(state=Wording.State.APPROVED, template__retired_at=None, template__owner=None)
    return rows.filter(template__kind=Kind.MARKETING).select_related("template").order_by("-at", "-pk")


def waiting(actor: Actor, now: datetime) -> list[Approval]:
    """What is asked for and not yet decided, as far as the actor may see it, the newest first."""
    rows = Approval.objects.visible_to(actor).filter(
        kind=KIND.name, decision="open", asked_at__gt=now - approvals.WAITS
    )
    return list(rows.select_related("asked_by").order_by("-asked_at"))


def turned_down(actor: Actor, since: datetime) -> list[Approval]:
    """What somebody decided against since a moment, with why."""
    rows = Approval.objects.visible_to(actor).filter(kind=KIND.name, decision="refused", decided_at__gte=since)
    return list(rows.select_related("asked_by", "decided_by").order_by("-decided_at"))


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    """The campaign begins; the worker tells every RM in scope. What has become impossible meanwhile is not let run."""
    asked, bank = approval.payload, people_bank.settings().now(now)
    draft = Draft(**{**asked, **{name: datetime.fromisoformat(asked[name]) for name in ("deadline", "ends")}})
    try:
        _check(draft, now, bank)
    except Refused as refused:
        raise approvals.Undecidable(refused.words.zh, refused.words.en) from None
    begun = Campaign.objects.create(
        key=uuid5(UUID(approval.digest[:32]), str(approval.pk)), title=draft.title, product=draft.product, code=draft.code, risk=draft.risk, unit_id=draft.unit, tiers=draft.tiers,
        kinds=draft.kinds, deadline=draft.deadline, ends_at=draft.ends_at, by_id=approval.asked_by_id, approval=approval,
        started_at=now, wording_id=draft.wording or _worded(draft, approval, now).pk,
    )  # fmt: skip
    app.configure_task(FOLLOW).defer(campaign=begun.pk)


def _worded(draft: Draft, approval: Approval, now: datetime) -> Wording:
    """The words that were written for it are a text of the bank's from now on."""
    template = Template.objects.create(
        key=f"asked:{approval.pk}", kind=Kind.MARKETING, title={"zh": draft.title, "en": draft.title},
        language=texts.ENGLISH if messages.is_english(draft.text) else texts.CHINESE,
    )  # fmt: skip
    return Wording.objects.create(
        template=template, number=1, text=draft.text, by_id=approval.asked_by_id, at=now, approval=approval
    )


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    units = Unit.objects.in_bulk({approval.payload["unit"] for approval in some})
    wordings = Wording.objects.in_bulk({approval.payload["wording"] for approval in some} - {None})
    settings = people_bank.settings()
    return [_line(approval, units, wordings, settings.now(approval.asked_at)) for approval in some]


def _line(approval: Approval, units: dict[int, Unit], wordings: dict[int, Wording], bank: Bank) -> list[approvals.Line]:
    asked, language = approval.payload, get_language() or ""
    comma = "、" if language.startswith("zh") else ", "
    tiers = comma.join(bank.tier(key).name.say(language) for key in asked["tiers"])
    kinds = comma.join(str(KIND_NAMES[kind].say(language)) for kind in asked["kinds"])
    words = wordings[asked["wording"]].text if asked["wording"] else asked["text"]
    return [
        (gettext("Campaign"), asked["title"]),
        (gettext("Product"), " ".join(filter(None, (asked["product"], asked["code"])))),
        (gettext("Product's risk"), RISKS[asked["risk"]].say(language)),
        (gettext("To whom"), " · ".join((units[asked["unit"]].name, tiers, kinds))),
        (gettext("Words"), words),
        *((name, f"{datetime.fromisoformat(asked[key]).astimezone(bank.zone):%Y-%m-%d %H:%M}")
          for name, key in ((gettext("To be forwarded by"), "deadline"), (gettext("It ends"), "ends"))),
    ]  # fmt: skip


KIND_NAMES = {"person": Words("个人", "persons"), "company": Words("公司", "companies")}


KIND = approvals.register(
    approvals.Kind(
        "sms.campaign", Words("营销转发", "Campaign"), "campaigns.change", "campaigns.approve", _carry_out, _lines
    )
)


@dataclass(frozen=True, slots=True)
class Audience:
    """How many customers of an audience stand how (`STANDS`), and how many RMs have somebody who is open.

    So few that they might be known by what is so of them are not counted: how they stand is in ``few`` and nowhere else, and of few who are
    open nobody is told how many RMs there are.
    """

    counts: dict[str, int]
    few: frozenset[str]
    managers: int | None


def audience(draft: Draft, *, actor: Actor, now: datetime, bank: Bank) -> Audience:
    """Whom it would reach as things are, before it is asked for: numbers, no customer."""
    check(actor, "campaigns.change")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT stands, customers, managers FROM sms_audience_whole(%s, %s, %s, %s, {LIMITS})",
            [draft.unit, list(draft.tiers), list(draft.kinds), draft.risk, *limits(now, bank)],
        )
        rows = cursor.fetchall()
    few = frozenset(stands for stands, customers, _ in rows if customers < FEW)
    managers = next((managers for stands, _, managers in rows if stands == "open"), 0)
    return Audience(
        {stands: customers for stands, customers, _ in rows if stands not in few},
        few,
        None if "open" in few else managers,
    )
