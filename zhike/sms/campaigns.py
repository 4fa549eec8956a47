"""Campaigns (营销转发, S4): marketing asks, a second person lets it run, every RM in scope forwards it to their own customers by its deadline.

    found = coverage(campaign, [staff], now, bank)               # counted, by tier
    forward(campaign, Choice(tiers=("gold",)), line="…", ...)    # to the open ones of these

Who is in, who is out and why is said once, in SQL (`sms_campaign_standing`), and used by the count, the list, the choosing and the
queueing alike. It is the guard of `conduct/messages.py` and `conduct/suitability.py` over many rows at once; the sender asks these once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils.translation import get_language, gettext
from procrastinate.contrib.django import app

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.conduct.measure import Kept as Measured
from zhike.conduct.measure import fate
from zhike.conduct.messages import Recipient
from zhike.conduct.quiet_hours import quiet_until
from zhike.conduct.suitability import RISKS
from zhike.conduct.words import Refused, Words
from zhike.obligations import ledger
from zhike.obligations.models import Fact as Kept
from zhike.obligations.models import Obligation
from zhike.people import approvals
from zhike.people import bank as people_bank
from zhike.people.actor import Actor
from zhike.people.models import Approval, Staff, Unit
from zhike.people.permissions import Refused as NotAllowed
from zhike.people.permissions import check

from . import texts
from .gate import LONGEST, because
from .many import MOST, OF_RM, WEIGHED, Estimate, Standing, by_tier, check_expected, check_words, weigh
from .models import Campaign, Forwarding, Kind, Template, Wording
from .models.campaign import WHOLE
from .segments import measure

STANDS = (
    "forwarded", "open", "capped", "no_consent", "opted_out", "too_risky", "unassessed", "no_mobile", "stopped", "left_out",
)  # fmt: skip
KINDS = ("person", "company")
LATE = timedelta(days=7)  # for so long after its deadline it may be forwarded late, unless marketing says otherwise
LONGEST_TITLE, LONGEST_LINE = 40, 60
# What the worker does of it (tasks.py).
FOLLOW, SETTLE = "follow_campaign", "settle_campaign"


# ── asked for, and let pass ─────────────────────────────────────────────────────────────────────────────────────


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
    if refused := next(iter(messages.in_bulk("marketing", private_product=draft.private)), None):
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
    if measure(messages.dressed(words, "marketing", bank, texts.bank_name())).segments > LONGEST:
        raise Refused(
            f"太长：一条短信至多 {LONGEST} 段，请删短。", f"Too long: at most {LONGEST} segments. Shorten it."
        )


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


# ── whom it would reach ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Audience:
    """How many customers of an audience stand how (`STANDS`), and how many RMs have somebody who is open."""

    counts: dict[str, int]
    managers: int


def audience(draft: Draft, *, actor: Actor, now: datetime, bank: Bank) -> Audience:
    """Whom it would reach as things are, before it is asked for: numbers, no customer."""
    check(actor, "campaigns.change")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT stands, customers, managers FROM sms_audience_whole(%s, %s, %s, %s, {LIMITS})",
            [draft.unit, list(draft.tiers), list(draft.kinds), draft.risk, *_limits(now, bank)],
        )
        rows = cursor.fetchall()
    return Audience(
        {stands: customers for stands, customers, _ in rows},
        next((managers for stands, _, managers in rows if stands == "open"), 0),
    )


# ── how it stands ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Choice:
    """To whom of the open ones: all, those of some tiers, single customers by their ids. Nobody unless said."""

    tiers: Sequence[str] = ()
    customers: Sequence[int] = ()
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One RM on the board: how many customers stand how (`STANDS`), by when it is owed, and what became of it (`fate`): in_time, late,
    open, overdue, missed; empty where it is not owed.
    """

    staff: int
    name: str
    counts: dict[str, int]
    due: datetime | None
    done_at: datetime | None
    fate: str

    @property
    def open(self) -> int:
        return self.counts.get("open", 0)

    @property
    def forwarded(self) -> int:
        return self.counts.get("forwarded", 0)

    @property
    def out(self) -> int:
        """To whom it is not forwarded, for whatever reason."""
        return sum(self.counts.values()) - self.open - self.forwarded


def coverage(campaign: Campaign, staff: Iterable[int], now: datetime, bank: Bank) -> list[Standing]:
    """How the customers of some RMs stand to a campaign, tier by tier, the highest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.tier, s.stands, count(*) FROM {STANDING} s WHERE s.rm_id = ANY (%s::bigint[]) GROUP BY 1, 2",
            [campaign.pk, *_limits(now, bank), list(staff)],
        )
        return by_tier(cursor.fetchall(), bank)


def covered(
    campaigns: Sequence[Campaign], staff: Iterable[int], now: datetime, bank: Bank
) -> dict[int, dict[int, dict[str, int]]]:
    """The same for several campaigns, by the campaign's id and the RM's; one query."""
    found: dict[int, dict[int, dict[str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT k.id, s.rm_id, s.stands, count(*) FROM unnest(%s::bigint[]) k (id) CROSS JOIN LATERAL {OF_EACH} s"
            " WHERE s.rm_id = ANY (%s::bigint[]) GROUP BY 1, 2, 3",
            [[each.pk for each in campaigns], *_limits(now, bank), list(staff)],
        )
        for campaign, rm, stands, count in cursor.fetchall():
            found.setdefault(campaign, {}).setdefault(rm, {})[stands] = count
    return found


def standing(
    campaign: Campaign, stands: str, staff: int, now: datetime, bank: Bank, after: int = 0, most: int = 50
) -> list[dict[str, Any]]:
    """The customers of one RM who stand so, in the order of their numbers, a page at a time: id, name, honorific, tier, kind; of those
    left out the reason."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT c.id, c.name, c.honorific, c.tier, c.kind, coalesce(l.reason, '') AS reason
                FROM {STANDING} s JOIN customers_customer c ON c.id = s.customer_id
                LEFT JOIN sms_left_out l ON l.customer_id = c.id AND l.occasion = %s
                WHERE s.rm_id = %s AND s.stands = %s AND c.id > %s ORDER BY c.id LIMIT %s""",
            [campaign.pk, *_limits(now, bank), campaign.occasion, staff, stands, after, most],
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def board(campaign: Campaign, actor: Actor, now: datetime, bank: Bank) -> list[Line]:
    """RM by RM, those behind first: of all in scope for marketing and compliance, for others of those whom they see."""
    return boards([campaign], actor, now, bank).get(campaign.pk, [])


def boards(campaigns: Sequence[Campaign], actor: Actor, now: datetime, bank: Bank) -> dict[int, list[Line]]:
    """The same for several campaigns, by the campaign's id; two queries."""
    function = "sms_campaign_board_whole" if actor.roles & WHOLE else "sms_campaign_board"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT k.id, b.* FROM unnest(%s::bigint[]) k (id) CROSS JOIN LATERAL {function}(k.id, {LIMITS}) b",
            [[each.pk for each in campaigns], *_limits(now, bank)],
        )
        rows = cursor.fetchall()
    names = {each.pk: each for each in Staff.objects.filter(pk__in={row[1] for row in rows})}
    found: dict[int, list[Line]] = {}
    for campaign, staff, counts, state, due, done_at in sorted(rows, key=lambda row: names[row[1]].number):
        kept = Measured("S4", "code", "must", state, due, done_at, due_counts=True)
        told = counts if isinstance(counts, dict) else json.loads(counts)
        line = Line(staff, names[staff].name, told, due, done_at, fate(kept, now) if state else "")
        found.setdefault(campaign, []).append(line)
    return {campaign: sorted(lines, key=lambda line: BEHIND.index(line.fate)) for campaign, lines in found.items()}


BEHIND = ("missed", "overdue", "open", "late", "in_time", "waived", "cannot", "")


def duty(campaign: Campaign, staff: int) -> Obligation | None:
    """What an RM owes because of it, whatever became of it."""
    rows = Obligation.objects.filter(kind="forward", subject=campaign.subject_of(staff)).exclude(state="withdrawn")
    return rows.first()


LIMITS = "%s, %s, %s, %s, %s, %s"
STANDING = f"sms_campaign_standing(%s, {LIMITS})"
OF_EACH = f"sms_campaign_standing(k.id, {LIMITS})"


def _limits(now: datetime, bank: Bank) -> list[Any]:
    """What the guard counts by: the day on which what is sent now leaves, since when the bank's day and week of messages count, whether
    it leaves today."""
    today = now.astimezone(bank.zone).date()
    midnight = datetime.combine(today, time(), bank.zone)
    leaves = (quiet_until(now, bank) or now).astimezone(bank.zone).date()
    return [
        leaves, midnight, midnight - timedelta(days=6), leaves == today,
        bank.marketing_a_day, bank.marketing_a_week,
    ]  # fmt: skip


# ── what it would come to ───────────────────────────────────────────────────────────────────────────────────────


def own_line(line: str, bank: Bank) -> str:
    """The RM's own sentence, closed so that the words follow it. Raises Refused for what may not be said."""
    line = line.strip()
    if not line:
        return ""
    if len(line) > LONGEST_LINE:
        raise Refused(
            f"自己的话至多 {LONGEST_LINE} 字。", f"A line of one's own has at most {LONGEST_LINE} characters."
        )
    texts.check(line)
    check_words(line, "marketing", bank)
    ends = not (line[-1].isalnum() or line[-1] == "}")
    if messages.is_english(line):
        return f"{line} " if ends else f"{line}. "
    return line if ends else f"{line}，"


def estimate(campaign: Campaign, choice: Choice, staff: int, *, line: str = "", now: datetime, bank: Bank) -> Estimate:
    """For how many of the open ones, in how many segments, what the first gets. Raises Refused for a line that may not be said."""
    words = own_line(line, bank) + campaign.wording.text
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {WEIGHED} FROM {STANDING} s JOIN customers_customer c ON c.id = s.customer_id {OF_RM}"
            f" WHERE s.rm_id = %s AND {CHOSEN} ORDER BY c.id LIMIT %s",
            [campaign.pk, *_limits(now, bank), staff, *_chosen(choice), MOST],
        )
        return weigh(cursor.fetchall(), words, "marketing", bank)


CHOSEN = "s.stands = 'open' AND (%s OR s.tier = ANY (%s::text[]) OR s.customer_id = ANY (%s::bigint[]))"


def _chosen(choice: Choice) -> list[Any]:
    return [choice.everybody, list(choice.tiers), list(choice.customers)]


# ── what is done about it ───────────────────────────────────────────────────────────────────────────────────────


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
    not be said, a single customer is not open any more, or the number is not the one that was ``expected``.
    """
    _may(actor, staff)
    _check_runs(campaign, now)
    _check_choice(choice)
    line = own_line(line, bank)
    count = _count(campaign, choice, staff, now, bank)
    check_expected(count, expected)
    if choice.customers and not (choice.everybody or choice.tiers):
        check_expected(count, len(set(choice.customers)))
    if not count:
        return Forwarded(None, 0)
    with transaction.atomic():
        _owe(campaign, staff, actor=actor, now=now, bank=bank)
        made = Forwarding.objects.create(campaign=campaign, staff_id=staff, line=line, by_id=actor.id, at=now)
        # Of two at once the second finds that the first has queued them.
        check_expected(_queue(made, choice, now, bank), count)
    _see(campaign, staff, actor=actor, now=now, bank=bank)
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


def _count(campaign: Campaign, choice: Choice, staff: int, now: datetime, bank: Bank) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {STANDING} s WHERE s.rm_id = %s AND {CHOSEN}",
            [campaign.pk, *_limits(now, bank), staff, *_chosen(choice)],
        )
        return int(cursor.fetchone()[0])


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
    with connection.cursor() as cursor:
        cursor.execute(
            QUEUE,
            [
                campaign.pk, *_limits(now, bank), forwarding.staff_id, *_chosen(choice),
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
    """What was forwarded of an RM's and not withdrawn, the newest first, with how many wait still (``left``) of how many (``many``)."""
    waits = Q(messages__state__in=["waiting", "queued"])
    return list(
        campaign.forwardings.filter(staff=staff, withdrawn_at=None)
        .annotate(many=Count("messages"), left=Count("messages", filter=waits))
        .filter(many__gt=0)
        .select_related("by")
        .order_by("-at")
    )


def withdraw(forwarding: Forwarding, *, actor: Actor, now: datetime, bank: Bank) -> int:
    """Takes back what of it has not left. Returns how many; whoever they were for is open again, and so is it to forward the campaign."""
    _may(actor, forwarding.staff_id)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sms_message WHERE forwarding_id = %s AND waits", [forwarding.pk])
        count = int(cursor.rowcount)
    forwarding.withdrawn_at = now
    forwarding.save(update_fields=["withdrawn_at"])
    if count and forwarding.staff_id in actor.lent:
        _leave_to_the_worker(forwarding.campaign, forwarding.staff_id, now, again=True)
    elif count:
        _reopen(forwarding.campaign, forwarding.staff_id, actor=actor, now=now, bank=bank)
    return count


def _reopen(campaign: Campaign, staff: int, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """What was forwarded is to be forwarded again: by the same deadline."""
    subject = campaign.subject_of(staff)
    for said in Kept.objects.filter(kind="campaign_forwarded", subject=subject, void=False):
        ledger.correct(said, by=None, actor=actor, now=now, bank=bank)


def leave_out(
    campaign: Campaign, choice: Choice, reason: str, *, actor: Actor, staff: int, now: datetime, bank: Bank
) -> int:
    """The chosen open customers are not told of it, and why. Returns how many. Raises as ``forward`` does, and Refused without a reason."""
    _may(actor, staff)
    _check_runs(campaign, now)
    if not reason.strip():
        raise Refused("请写明为什么不转发。", "Say why it is not forwarded to them.")
    _check_choice(choice)
    if not _count(campaign, choice, staff, now, bank):
        return 0
    _owe(campaign, staff, actor=actor, now=now, bank=bank)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO sms_left_out (customer_id, occasion, reason, by_id, at)
                SELECT s.customer_id, %s, %s, %s, %s FROM {STANDING} s WHERE s.rm_id = %s AND {CHOSEN} ON CONFLICT DO NOTHING""",
            [campaign.occasion, reason.strip(), actor.id, now, campaign.pk, *_limits(now, bank), staff, *_chosen(choice)],
        )  # fmt: skip
        left = int(cursor.rowcount)
    _see(campaign, staff, actor=actor, now=now, bank=bank)
    return left


def _owe(campaign: Campaign, staff: int, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """Whoever is quicker than the worker owed it all the same, and has done it in time."""
    if staff not in actor.lent and now <= campaign.deadline and duty(campaign, staff) is None:
        ledger.tell([_started(campaign, staff, now)], actor=actor, now=now, bank=bank)


def _see(campaign: Campaign, staff: int, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Where nobody of the book is open any more, the campaign is forwarded."""
    if actor is not None and staff in actor.lent:
        _leave_to_the_worker(campaign, staff, now, again=False)
    elif not _count(campaign, Choice(everybody=True), staff, now, bank):
        _tell_forwarded(campaign, staff, now, actor=actor, now=now, bank=bank)


def _tell_forwarded(
    campaign: Campaign, staff: int, at: datetime, *, actor: Actor | None, now: datetime, bank: Bank
) -> None:
    fact = Fact("campaign_forwarded", at, now, staff, None, campaign.subject_of(staff))
    ledger.tell([fact], actor=actor, now=now, bank=bank)


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


# ── what the worker does about it ───────────────────────────────────────────────────────────────────────────────


def follow(campaign: Campaign, now: datetime, bank: Bank) -> int:
    """What a campaign's beginning or its stop means for all in scope; twice is as once. Returns how many owe it because of this."""
    if campaign.stopped_at is not None:
        _call_off(campaign, now)
        return 0
    return tell_started(campaign, now, bank) if campaign.runs(now) else 0


def settle(campaign: Campaign, staff: int, at: datetime, *, again: bool, now: datetime, bank: Bank) -> None:
    """What somebody who stands in did at a moment means for what is owed: withdrawn, it is owed ``again``; else done where nobody is open."""
    if again:
        _reopen(campaign, staff, actor=None, now=now, bank=bank)
    elif not _count(campaign, Choice(everybody=True), staff, now, bank):
        _tell_forwarded(campaign, staff, at, actor=None, now=now, bank=bank)


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
    known = set(_duties(campaign).values_list("owner_id", flat=True))
    for staff in _taken_over(campaign, now, bank):
        _reopen(campaign, staff, actor=None, now=now, bank=bank)
    facts = [(_started(campaign, rm, now), Case(None)) for rm in sorted(open_to - known)]
    return ledger.tell_many(facts, now=now, bank=bank) if facts else 0


def _started(campaign: Campaign, staff: int, now: datetime) -> Fact:
    data = {"campaign": campaign.title, "product": campaign.product, "target": campaign.deadline.isoformat()}
    return Fact("campaign_started", now, now, staff, None, campaign.subject_of(staff), data, "observed")


def _duties(campaign: Campaign) -> Any:
    """What is owed because of it, whatever became of it."""
    subjects = [campaign.subject_of(staff) for staff in Staff.objects.values_list("pk", flat=True)]
    return Obligation.objects.filter(kind="forward", subject__in=subjects).exclude(state="withdrawn")


def _with_somebody_open(campaign: Campaign, now: datetime, bank: Bank) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT s.rm_id FROM {STANDING} s WHERE s.stands = 'open'", [campaign.pk, *_limits(now, bank)]
        )
        return {rm for (rm,) in cursor.fetchall()}


def _taken_over(campaign: Campaign, now: datetime, bank: Bank) -> list[int]:
    """RMs who had forwarded it and have got customers since who are open."""
    today = now.astimezone(bank.zone).date()
    done = dict(_duties(campaign).filter(state="done").values_list("owner_id", "settled_at"))
    if not done:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT DISTINCT s.rm_id FROM {STANDING} s
                JOIN unnest(%s::bigint[], %s::timestamptz[]) done (rm_id, at) ON done.rm_id = s.rm_id
                JOIN customers_book b ON b.customer_id = s.customer_id AND b.rm_id = s.rm_id AND b.from_day <= %s
                    AND (b.to_day IS NULL OR b.to_day > %s)
                WHERE s.stands = 'open' AND (b.at > done.at OR b.from_day > (done.at AT TIME ZONE %s)::date)""",
            [campaign.pk, *_limits(now, bank), list(done), list(done.values()), today, today, bank.zone.key],
        )  # fmt: skip
        return [rm for (rm,) in cursor.fetchall()]


def _close_empty(campaign: Campaign, now: datetime, bank: Bank) -> None:
    """Whoever owes it and has nobody open any more: it is forwarded, or, where nobody of the book got it, not owed while its time lasts."""
    behind = dict(_duties(campaign).filter(state="open").values_list("owner_id", "pk"))
    books = covered([campaign], behind, now, bank).get(campaign.pk, {})
    for staff, owed in behind.items():
        counts = books.get(staff, {})
        if counts.get("open") or counts.get("capped"):
            continue
        if counts.get("forwarded") or counts.get("left_out"):
            _see(campaign, staff, actor=None, now=now, bank=bank)
        elif now <= campaign.deadline:
            _withdraw([owed], "nobody_left", now)


def _call_off(campaign: Campaign, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM sms_message m USING sms_forwarding f WHERE f.id = m.forwarding_id AND f.campaign_id = %s AND m.waits",
            [campaign.pk],
        )
    _withdraw(_duties(campaign).filter(state="open").values_list("pk", flat=True), "campaign_stopped", now)


def _withdraw(some: Iterable[int], why: str, now: datetime) -> None:
    Obligation.objects.filter(pk__in=list(some), state="open").update(
        state="withdrawn", settled_at=now, evidence={"why": why}
    )


def close_past(now: datetime) -> int:
    """What was not forwarded before the campaign was over cannot be any more. Returns how many are missed."""
    missed = 0
    for each in Campaign.objects.filter(ends_at__lte=now, pk__in=_unfinished()):
        missed += (
            _duties(each)
            .filter(state="open")
            .update(state="missed", settled_at=each.ends_at, evidence={"why": "lapsed"})
        )
    return missed


def _unfinished() -> list[int]:
    """Campaigns of which somebody owes something still."""
    subjects = Obligation.objects.filter(kind="forward", state="open").values_list("subject", flat=True)
    keys = {subject.removeprefix("campaign:").partition("/")[0] for subject in subjects}
    return list(Campaign.objects.filter(key__in=keys).values_list("pk", flat=True))
