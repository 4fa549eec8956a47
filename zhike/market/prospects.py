"""Prospects (潜在客户, W3, W5): entered with the occasion they came from, contacted, moved on, won or lost.

The next step is an obligation of the ledger, as a promise to a prospect is. Who becomes a customer keeps it all: the customer's
page tells what went before, and what is owed is owed to the customer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.utils.timezone import localdate

from zhike.conduct import horizon
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.words import Words
from zhike.customers import checks, profile
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Acquaintance, Customer, Need
from zhike.customers.models.book import post_of
from zhike.customers.vault import vault
from zhike.obligations import ledger
from zhike.obligations.learning import learn
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.models import Post
from zhike.people.permissions import check
from zhike.people.turn import take_turn

from .known import ELSEWHERE, Known, known
from .models import Event, Prospect
from .refusals import NotNow, Unfit

Stage, What, How = Prospect.Stage, Event.What, Event.How
# The way of a prospect; lost can happen anywhere on it.
WAY = (Stage.NEW, Stage.CONTACTED, Stage.MET, Stage.OFFER, Stage.WON)


@dataclass(frozen=True)
class Draft:
    """What is said of a prospect. ``another``: it was looked at who has the same name, and it is somebody else."""

    name: str
    source: str
    kind: str = "person"
    employer: str = ""
    mobile: str = ""
    email: str = ""
    contact_name: str = ""
    source_words: str = ""
    referred_by: int | None = None
    interest: str = ""
    interest_words: str = ""
    tier: str = "regular"
    another: bool = False


@dataclass(frozen=True)
class Step:
    """What is to be done next, until the end of a day."""

    words: str = ""
    on: date | None = None


NOTHING = Step()


class Same(Unfit):
    """Somebody of this number is known, or of this name; ``found`` are those whom the reader may see."""

    def __init__(self, field: str, words: Words, found: Iterable[Known]) -> None:
        super().__init__(field, words.zh, words.en)
        self.found = [each for each in found if each.id is not None]


# ── entered and put right ────────────────────────────────────────────────────────────────────────────────────────────


def enter(
    draft: Draft, step: Step = NOTHING, *, to_pool: bool = False, actor: Actor, now: datetime, bank: Bank
) -> Prospect:
    """A prospect of the actor's own, or with ``to_pool`` one in the pool of the actor's unit. Raises Unfit, naming the field."""
    check(actor, "prospects.change")
    mine = not to_pool and "rm" in actor.roles
    unit = own_unit(actor, now, bank)
    fit = _fit(draft, actor)
    _check_unknown(fit, unit, 0, actor, now, bank)
    if mine:
        check_room(actor.id, bank, field="to_pool")
        _check_step(step, now, bank)
    prospect = Prospect(
        unit_id=unit, rm_id=actor.id if mine else None, since=now if mine else None, by_id=actor.id, at=now
    )
    _put(prospect, fit)
    prospect.save()
    tell_of(prospect, What.ENTERED, actor=actor, now=now)
    if mine:
        set_step(prospect, step, actor=actor, now=now, bank=bank)
    return prospect


def correct(prospect: Prospect, draft: Draft, *, actor: Actor, now: datetime, bank: Bank) -> Prospect:
    """What is known of them is put right. Raises Unfit, naming the field."""
    _check_mine(prospect, actor)
    fit = _fit(draft, actor, prospect)
    if fit.mobile != prospect.opened("mobile") or fit.name != prospect.name:
        _check_unknown(fit, prospect.unit_id, prospect.pk, actor, now, bank)
    _put(prospect, fit)
    prospect.save()
    return prospect


def own_unit(actor: Actor, now: datetime, bank: Bank) -> int:
    """In which unit the actor serves customers: that of the post as RM, else as leader."""
    day = now.astimezone(bank.zone).date()
    posts = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), staff=actor.id, from_day__lte=day)
    post = posts.filter(role__in=["rm", "leader"]).order_by("-role", "-from_day").first()
    if post is None:
        raise Unfit("unit", "您没有客户经理或主管岗位。", "You hold no post as a relationship manager or leader.")
    return post.unit_id


def check_room(rm: int, bank: Bank, field: str) -> None:
    """Raises Unfit where an RM holds as many as the bank lets one hold. Nobody else gives them one until the transaction ends."""
    take_turn("prospects", rm)
    holds = Prospect.objects.open().filter(rm=rm).count()
    if holds >= bank.prospects_held:
        raise Unfit(
            field,
            f"已持有 {holds} 位潜在客户，达到上限 {bank.prospects_held} 位；请先了结或退回公海一些。",
            f"{holds} prospects are held already, and {bank.prospects_held} is the limit: settle some or give them back first.",
        )


def _fit(draft: Draft, actor: Actor, before: Prospect | None = None) -> Draft:
    """In its one written form. Raises Unfit."""
    name = checks.clean(draft.name)
    if not name:
        raise Unfit("name", "请填写姓名或公司名称。", "Enter the name of the person or company.")
    if draft.kind not in {"person", "company"}:
        raise Unfit("kind", "请选择个人或公司。", "Choose a person or a company.")
    if draft.source not in Prospect.Source.values:
        raise Unfit("source", "请选择从哪里认识的。", "Choose where you came to know them.")
    if draft.interest and draft.interest not in Need.Kind.values:
        raise Unfit("interest", "请从列表中选择意向。", "Choose the interest from the list.")
    stays = before is not None and before.referred_by_id == draft.referred_by
    seen = Customer.objects.visible_to(actor).filter(pk=draft.referred_by or 0)
    if draft.referred_by is not None and not stays and not seen.exists():
        raise Unfit(
            "referred_by", "没有这位客户，或不在您的范围内。", "There is no such customer, or not in your scope."
        )
    person = draft.kind == "person"
    return replace(
        draft,
        name=name,
        employer=checks.clean(draft.employer) if person else "",
        contact_name="" if person else checks.clean(draft.contact_name),
        mobile=_accepted("mobile", draft.mobile),
        email=_accepted("email", draft.email),
        source_words=checks.clean(draft.source_words),
        interest_words=checks.clean(draft.interest_words),
    )


def _accepted(field: str, value: str) -> str:
    text = checks.clean(value)
    try:
        return profile.named(field).accept(text) if text else ""
    except Unaccepted as error:  # its sentence is in the reader's language already
        raise Unfit(field, str(error), str(error)) from error


def _check_unknown(fit: Draft, unit: int, but: int, actor: Actor, now: datetime, bank: Bank) -> None:
    """By the mobile nobody is entered twice, nor by two at once; who has the name of another is looked at first."""
    if fit.mobile:
        take_turn("number", vault().index("mobile", fit.mobile).hex())
    found = known(
        name=fit.name, employer=fit.employer, mobile=fit.mobile, unit=unit, but=but, actor=actor, now=now, bank=bank
    )
    certain = [each for each in found if each.by_mobile]
    if any(each.id is None for each in certain):
        raise Same("mobile", ELSEWHERE, certain)
    if certain:
        raise Same(
            "mobile", Words("这个手机号码已经登记过。", "Somebody with this mobile number is entered already."), certain
        )
    if found and not fit.another:
        hidden = any(each.id is None for each in found)
        words = Words(
            "有同名的客户或潜在客户"
            + ("，由本行同事维护" if hidden else "")
            + "。请先核对；确非同一人，请勾选后再保存。",
            "There is a customer or prospect of this name"
            + (", looked after by a colleague of this bank" if hidden else "")
            + ". Look first; if it is somebody else, tick so and save again.",
        )
        raise Same("another", words, found)


def _put(prospect: Prospect, fit: Draft) -> None:
    for name in ("kind", "name", "employer", "source", "source_words", "interest", "interest_words", "tier"):
        setattr(prospect, name, getattr(fit, name))
    prospect.referred_by_id = fit.referred_by
    for field in ("mobile", "email", "contact_name"):
        if getattr(fit, field) != prospect.opened(field):
            prospect.seal(field, getattr(fit, field))


# ── contacts and the next step ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Account:
    """What was done with a prospect: how, when, in words. ``does``: it was the next step. ``stage``: how far it has come, said by
    the RM; nothing said, a talk is at least a contact and a meeting at least that.
    """

    how: str
    words: str = ""
    at: datetime | None = None
    does: bool = True
    stage: str = ""
    promise: str = ""
    promise_on: date | None = None


def contact(
    prospect: Prospect, account: Account, step: Step = NOTHING, *, actor: Actor, now: datetime, bank: Bank
) -> Event:
    """Notes what was done; what it does is done, and the next step is owed. Raises Unfit, naming the field."""
    _check_mine(prospect, actor)
    _check_contactable(prospect)
    at = account.at or now
    _check_account(account, at, now)
    talked = account.how in Event.REAL
    does = account.does and account.how != How.NO_ANSWER
    wants = prospect.is_open and (does or open_step(prospect) is None)
    if wants or step.on or step.words.strip():
        _check_step(step, now, bank)
    if account.promise.strip():
        _check_day(account.promise_on, "promise_on", now, bank)
    if prospect.is_open:
        prospect.stage = _stage_after(prospect.stage, account)
    if talked and (prospect.contacted_at is None or at > prospect.contacted_at):
        prospect.contacted_at = at
    prospect.save()
    event = tell_of(prospect, What.CONTACT, how=account.how, words=account.words.strip(), at=at, actor=actor, now=now)
    data = {"how": account.how, "words": account.words.strip(), "talked": talked, "does": does}
    _tell("prospect_contacted", prospect, data, actor=actor, now=now, bank=bank, at=at)
    if step.on:
        set_step(prospect, step, actor=actor, now=now, bank=bank)
    if account.promise.strip():
        _promise(prospect, event, account, actor=actor, now=now, bank=bank)
    return event


def move(prospect: Prospect, stage: str, *, actor: Actor, now: datetime) -> None:
    """How far it has come, set right without a contact: any stage of the way that is neither won nor lost."""
    _check_mine(prospect, actor)
    _check_open(prospect)
    if stage not in WAY[:-1]:
        raise Unfit("stage", "请选择一个阶段。", "Choose a stage.")
    if stage != prospect.stage:
        prospect.stage = stage
        prospect.save(update_fields=["stage"])
        tell_of(prospect, What.STAGE, actor=actor, now=now)


def plan(prospect: Prospect, step: Step, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """Another next step: the one that is open is withdrawn."""
    _check_mine(prospect, actor)
    _check_open(prospect)
    _check_step(step, now, bank)
    set_step(prospect, step, actor=actor, now=now, bank=bank)


def open_step(prospect: Prospect) -> Obligation | None:
    """The next step as it is owed."""
    return Obligation.objects.filter(subject=prospect.subject, kind="prospect_step", state="open").last()


def set_step(prospect: Prospect, step: Step, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Whoever holds the prospect owes the step, and no other; verbs that have looked at it call this."""
    assert step.on is not None
    if open_step(prospect) is not None:
        _tell("prospect_left", prospect, {"why": "another_step"}, actor=actor, now=now, bank=bank)
    prospect.step += 1
    prospect.save(update_fields=["step"])
    data = {
        "words": step.words.strip(), "who": prospect.name, "step": prospect.step, "target": end_of(step.on, bank).isoformat(),
    }  # fmt: skip
    _tell("prospect_step_set", prospect, data, actor=actor, now=now, bank=bank)


def end_of(day: date, bank: Bank) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), bank.zone)


def _stage_after(stage: str, account: Account) -> str:
    if account.stage in WAY[:-1]:
        return account.stage
    reached = Stage.NEW
    if account.how in Event.REAL:
        reached = Stage.MET if account.how in {How.MEETING, How.VISIT} else Stage.CONTACTED
    return max(Stage(stage), reached, key=WAY.index)


def _promise(prospect: Prospect, event: Event, account: Account, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """W11: what was promised is owed by whoever gave their word, whoever holds the prospect later."""
    assert account.promise_on is not None
    data = {
        "words": account.promise.strip(), "to": prospect.name, "target": end_of(account.promise_on, bank).isoformat(),
    }  # fmt: skip
    subject = f"{prospect.subject}/promise:{event.pk}"
    fact = Fact("promise_made", event.at, now, actor.id, prospect.customer_id, subject, data)
    ledger.tell([fact], actor=actor, now=now, bank=bank)


# ── lost, taken up again, won ────────────────────────────────────────────────────────────────────────────────────────


def lose(prospect: Prospect, why: str, words: str = "", *, actor: Actor, now: datetime, bank: Bank) -> None:
    """It comes to nothing, and why. ``stopped``: the prospect does not want to be contacted, and is never again."""
    _check_mine(prospect, actor)
    _check_open(prospect)
    if why not in Prospect.Lost.values:
        raise Unfit("lost", "请选择未成的原因。", "Choose why it came to nothing.")
    if why == Prospect.Lost.OTHER and not words.strip():
        raise Unfit("lost_words", "请写明原因。", "Say why.")
    prospect.stage, prospect.lost, prospect.lost_words = Stage.LOST, why, words.strip()
    prospect.do_not_contact = prospect.do_not_contact or why == Prospect.Lost.STOPPED
    prospect.save()
    tell_of(prospect, What.LOST, words=words.strip(), actor=actor, now=now)
    _tell("prospect_left", prospect, {"why": "lost"}, actor=actor, now=now, bank=bank)


def reopen(prospect: Prospect, step: Step, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """A lost one is taken up again, with a next step; never one who does not want to be contacted."""
    _check_mine(prospect, actor)
    _check_contactable(prospect)
    if prospect.stage != Stage.LOST:
        raise NotNow("这位潜在客户仍在跟进。", "This prospect is being worked on.")
    if prospect.rm_id:
        check_room(prospect.rm_id, bank, field="step")
    _check_step(step, now, bank)
    real = prospect.contacted_at is not None
    prospect.stage, prospect.lost, prospect.lost_words = Stage.CONTACTED if real else Stage.NEW, "", ""
    prospect.since = now if prospect.rm_id else None
    prospect.save()
    tell_of(prospect, What.REOPENED, actor=actor, now=now)
    if prospect.rm_id:
        set_step(prospect, step, actor=actor, now=now, bank=bank)


def win(prospect: Prospect, *, actor: Actor, now: datetime, bank: Bank) -> Customer:
    """Becomes a customer of whoever holds the prospect, with all that is known; what is owed is owed to the customer.

    A customer of theirs with this number already is the one. Raises Unfit where another RM keeps that customer.
    """
    check(actor, "customers.create")
    _check_mine(prospect, actor)
    _check_open(prospect)
    if prospect.rm_id is None:
        raise NotNow("请先认领。", "Claim the prospect first.")
    customer = _customer(prospect, actor, now, bank)
    prospect.customer, prospect.stage = customer, Stage.WON
    prospect.save()
    tell_of(prospect, What.WON, actor=actor, now=now)
    _acquaint(prospect, customer, actor)
    _tell("prospect_left", prospect, {"why": "won"}, actor=actor, now=now, bank=bank, customer=None)
    owed = Obligation.objects.filter(Q(subject=prospect.subject) | Q(subject__startswith=f"{prospect.subject}/"))
    owed.filter(state="open", customer=None).update(customer=customer)
    return customer


def _customer(prospect: Prospect, actor: Actor, now: datetime, bank: Bank) -> Customer:
    found = known(
        name="", employer="", mobile=prospect.opened("mobile"), unit=prospect.unit_id, but=prospect.pk,
        actor=actor, now=now, bank=bank,
    ) if prospect.mobile else []  # fmt: skip
    for each in found:
        if each.what == "customer":
            same = Customer.objects.held(each.id, actor) if each.id else None
            if same is None or same.rm_id != prospect.rm_id or Prospect.objects.filter(customer=same).exists():
                raise Unfit("mobile", ELSEWHERE.zh, ELSEWHERE.en)
            return same
    assert prospect.rm_id is not None
    post = post_of(prospect.rm_id, localdate(now))
    customer = Customer.objects.enter(
        name=prospect.name, kind=prospect.kind, unit_id=post.unit_id, rm_id=prospect.rm_id, actor=actor, now=now
    )
    values = {field: prospect.opened(field) for field in ("mobile", "email")}
    if prospect.kind == "company":
        values["contact_name"] = prospect.opened("contact_name")
    else:
        values["employer"] = prospect.employer
    if prospect.referred_by_id:
        values["introducer"] = (
            Customer.objects.visible_to(actor).filter(pk=prospect.referred_by_id).values_list("name", flat=True).first()
            or ""
        )
    learn(
        customer,
        {name: value for name, value in values.items() if value},
        source="contact",
        actor=actor,
        now=now,
        bank=bank,
    )
    if prospect.interest:
        Need.objects.hear(customer, prospect.interest, prospect.interest_words, actor=actor, now=now)
    return customer


def _acquaint(prospect: Prospect, customer: Customer, actor: Actor) -> None:
    """Met or called as a prospect is met or called: the first meeting and the first call are over (CLAUSES, Definitions)."""
    hows = set(prospect.events.filter(what=What.CONTACT, by=actor.id).values_list("how", flat=True))
    met, called = bool(hows & {How.MEETING, How.VISIT}), How.CALL in hows
    if met or called:
        Acquaintance.objects.attest(customer, actor, met=met, called=called)


# ── told to the ledger, kept in the story ────────────────────────────────────────────────────────────────────────────


def tell_of(
    prospect: Prospect,
    what: str,
    *,
    how: str = "",
    words: str = "",
    at: datetime | None = None,
    actor: Actor | None,
    now: datetime,
) -> Event:
    """One more event of the prospect's story, with stage and holder as they stand now."""
    return Event.objects.create(
        prospect=prospect, what=what, how=how, words=words, stage=prospect.stage, rm_id=prospect.rm_id,
        by_id=actor.id if actor else None, at=at or now, known_at=now,
    )  # fmt: skip


def leave(prospect: Prospect, why: str, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Whoever held the prospect owes it nothing more."""
    _tell("prospect_left", prospect, {"why": why}, actor=actor, now=now, bank=bank)


def _tell(
    kind: str,
    prospect: Prospect,
    data: dict[str, Any],
    *,
    actor: Actor | None,
    now: datetime,
    bank: Bank,
    at: datetime | None = None,
    customer: int | None = -1,
) -> None:
    staff = prospect.rm_id or (actor.id if actor else prospect.by_id)
    about = prospect.customer_id if customer == -1 else customer
    ledger.tell([Fact(kind, at or now, now, staff, about, prospect.subject, data)], actor=actor, now=now, bank=bank)


# ── what is checked ──────────────────────────────────────────────────────────────────────────────────────────────────


def _check_mine(prospect: Prospect, actor: Actor) -> None:
    check(actor, "prospects.change")
    if not prospect.changeable_by(actor):
        raise NotNow("请先认领这位潜在客户。", "Claim the prospect first.")


def _check_open(prospect: Prospect) -> None:
    if not prospect.is_open:
        raise NotNow("这位潜在客户已有结果，请刷新查看。", "This prospect is settled. Reload to see how.")


def _check_contactable(prospect: Prospect) -> None:
    if prospect.do_not_contact:
        raise NotNow("对方不愿再被联系，不得再联系。", "This person does not want to be contacted, and is not.")


def _check_account(account: Account, at: datetime, now: datetime) -> None:
    if account.how not in How.values:
        raise Unfit("how", "请选择怎样联系的。", "Choose how it was done.")
    if at > now:
        raise Unfit("at", "时间在将来，请改为实际时间。", "That time lies ahead: give the time it happened.")
    if now - at > timedelta(days=366):
        raise Unfit("at", "早于一年前的联系不再补记。", "What happened more than a year ago is not entered any more.")
    if account.how != How.NO_ANSWER and not account.words.strip():
        raise Unfit("words", "请用一句话写明做了什么。", "Say in a sentence what was done.")


def _check_step(step: Step, now: datetime, bank: Bank) -> None:
    if not step.words.strip():
        raise Unfit("step", "请写下一步做什么。", "Say what is to be done next.")
    _check_day(step.on, "step_on", now, bank)


def _check_day(day: date | None, field: str, now: datetime, bank: Bank) -> None:
    today = now.astimezone(bank.zone).date()
    if day is None:
        raise Unfit(field, "请写明哪一天之前。", "Say by which day.")
    if day < today:
        raise Unfit(field, "这一天已经过去，请改为今天或以后。", "That day is over: choose today or a later one.")
    if horizon.too_far(day, today):
        raise Unfit(field, horizon.TOO_FAR.zh, horizon.TOO_FAR.en)
