"""Campaigns (营销转发, S4): asked for, seen by book and by RM, forwarded to a choice, left out with a reason, withdrawn, stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404
from ninja import Query, Router
from pydantic import Field

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of, verb, whose
from zhike.api.shapes import Id, IdOut, In, Line, Moment, Money, Named, Out, Text
from zhike.conduct.measure import Kept, fate
from zhike.people.permissions import policy
from zhike.sms.campaigns import asking, books, duties
from zhike.sms.campaigns import forwarding as forwards
from zhike.sms.campaigns.asking import Draft
from zhike.sms.campaigns.books import Choice
from zhike.sms.models import Campaign, Forwarding

router = Router()

Stands = Literal[
    "forwarded", "open", "capped", "no_consent", "opted_out", "too_risky", "unassessed", "no_mobile", "stopped", "left_out"
]  # fmt: skip
Risk = Literal["none", "R1", "R2", "R3", "R4", "R5"]
CustomerKind = Literal["person", "company"]
CampaignState = Literal["running", "late", "ended", "stopped"]
Fate = Literal["in_time", "late", "open", "overdue", "missed", "waived", "cannot", ""]


class CampaignCounts(Out):
    """How many customers of the audience stand how. ``capped`` are open again by themselves, when the bank's limits let them be."""

    forwarded: int = 0
    open: int = 0
    capped: int = 0
    no_consent: int = 0
    opted_out: int = 0
    too_risky: int = 0
    unassessed: int = 0
    no_mobile: int = 0
    stopped: int = 0
    left_out: int = 0


class CampaignOut(Out):
    """``counts``: of all books that the reader sees, of all in scope for marketing and compliance. ``ends_at``: until then it may be
    forwarded late."""

    id: str
    title: str
    product: str
    code: str
    risk: Risk
    unit: Named
    tiers: list[str]
    kinds: list[CustomerKind]
    deadline: datetime
    ends_at: datetime
    started_at: datetime
    state: CampaignState
    stop_reason: str
    counts: CampaignCounts


class CampaignsOut(Out):
    items: list[CampaignOut]
    next: str | None


class CampaignTierOut(Out):
    tier: str
    counts: CampaignCounts


class ForwardingOut(Out):
    """``messages``: how many; ``left``: how many of them wait still; ``handed_over``: how many besides were taken back because their customers
    changed hands. ``id`` is null where nobody was open."""

    id: IdOut | None
    line: str
    messages: int
    left: int
    handed_over: int
    at: datetime | None


class CampaignBookOut(CampaignOut):
    """One campaign in one book: ``counts`` are that book's. ``fate``: of what its RM owes because of it; empty where nothing is owed."""

    text: str
    by: Named
    tiers_standing: list[CampaignTierOut]
    forwardings: list[ForwardingOut]
    due: datetime | None
    fate: Fate


class CampaignCustomerOut(Out):
    """``reason``: why somebody left the customer out."""

    id: IdOut
    name: str
    tier: str
    reason: str


class CampaignCustomersOut(Out):
    items: list[CampaignCustomerOut]
    next: str | None


class BoardRowOut(Out):
    """One RM: how the book stands, and what became of what is owed."""

    staff: Named
    counts: CampaignCounts
    due: datetime | None
    done_at: datetime | None
    fate: Fate


class BoardOut(Out):
    items: list[BoardRowOut]


class CampaignIn(In):
    """Of the words either ``wording``, one in use of the kind marketing, or ``text``. ``ends_at``: a week after the deadline unless said."""

    title: Line
    product: Line
    code: Line = ""
    risk: Risk = "none"
    private: bool = False
    wording: Id | None = None
    text: Text = ""
    unit: Id
    tiers: Annotated[list[Line], Field(max_length=20)]
    kinds: Annotated[list[CustomerKind], Field(max_length=2)]
    deadline: Moment
    ends_at: Moment | None = None
    reason: Text


class AskedOut(Out):
    """What waits for a second person; see approvals."""

    approval: IdOut
    digest: str


class ChoiceIn(In):
    """To whom of the open ones: everybody, some tiers, single customers; nobody unless said. ``staff``: whose; one's own unless said."""

    everybody: bool = False
    tiers: Annotated[list[Line], Field(max_length=20)] = []
    customers: Annotated[list[Id], Field(max_length=5000)] = []
    staff: Id | None = None

    @property
    def choice(self) -> Choice:
        return Choice(self.tiers, [int(id) for id in self.customers], self.everybody)


class EstimateIn(ChoiceIn):
    line: Text = ""


class EstimateOut(Out):
    """``text``: what the first of them would get."""

    customers: int
    segments: int
    price: Money
    text: str


class ForwardIn(EstimateIn):
    """``line``: the RM's own sentence in front. ``expected``: refused if it is not just so many."""

    expected: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class IncludeIn(In):
    """``customers``: who was left out. ``staff``: whose; one's own unless said."""

    customers: Annotated[list[Id], Field(max_length=5000)]
    staff: Id | None = None


class IncludedOut(Out):
    brought_back: int


class ExcludeIn(ChoiceIn):
    """``expected``: refused if it is not just so many."""

    reason: Text
    expected: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class ExcludedOut(Out):
    left_out: int


class TakenBackOut(Out):
    withdrawn: int


class StopCampaignIn(In):
    reason: Text


class WhoseBook(In):
    """``staff``: whose book; one's own unless said."""

    staff: Id | None = None


class CampaignFilters(Page):
    """``running``: only those that may be forwarded."""

    running: bool = False


class CampaignStanding(Page):
    stands: Stands = "open"
    staff: Id | None = None


def found(request: Desk, key: UUID) -> Campaign:
    rows = Campaign.objects.visible_to(request.actor).select_related("unit", "by", "wording")
    campaign = rows.filter(key=key).first()
    if campaign is None:
        raise Http404
    return campaign


def shown(each: Campaign, counts: dict[str, int], now: datetime) -> dict[str, Any]:
    plain = ("title", "product", "code", "risk", "tiers", "kinds", "deadline", "ends_at", "started_at", "stop_reason")
    return {
        **{name: getattr(each, name) for name in plain},
        "id": str(each.key),
        "unit": {"id": each.unit_id, "name": each.unit.name},
        "state": each.state(now),
        "counts": counts,
    }


def together(some: Sequence[dict[str, int]]) -> dict[str, int]:
    return {stands: sum(counts.get(stands, 0) for counts in some) for stands in books.STANDS}


@router.get("campaigns", response=CampaignsOut)
@policy("campaigns.view")
def list_(request: Desk, asked: Query[CampaignFilters]) -> Any:
    """Those that one sees, the newest first."""
    rows = Campaign.objects.visible_to(request.actor).select_related("unit")
    if asked.running:
        rows = rows.running(request.now)
    if after := position(asked.cursor, int):
        rows = rows.filter(id__lt=after[0])
    some, more = page(list(rows.order_by("-id")[: asked.limit + 1]), asked.limit, lambda each: (each.pk,))
    boards = books.boards(some, request.actor, request.now, bank_of(request))
    items = [shown(each, together([line.counts for line in boards.get(each.pk, [])]), request.now) for each in some]
    return {"items": items, "next": more}


@router.post("campaigns", response={201: AskedOut})
@policy("campaigns.change")
def ask(request: Desk, body: CampaignIn) -> Any:
    """Asks for a campaign; it runs once a second person has approved it."""
    draft = Draft(
        body.title, body.product, int(body.unit), body.tiers, body.kinds, body.deadline, text=body.text, code=body.code,
        wording=int(body.wording) if body.wording else None, risk=body.risk, private=body.private, ends=body.ends_at,
    )  # fmt: skip
    approval = asking.ask(draft, body.reason, **verb(request))
    return {"approval": approval.pk, "digest": approval.digest}


@router.get("campaigns/{campaign}", response=CampaignBookOut)
@policy("campaigns.view")
def get(request: Desk, campaign: UUID, asked: Query[WhoseBook]) -> Any:
    """One campaign in one book: tier by tier, what was forwarded, what is owed."""
    bank, staff, one = bank_of(request), whose(request, asked.staff), found(request, campaign)
    tiers = books.coverage(one, [staff], request.now, bank)
    owed = duties.duty(one, staff)
    kept = owed and Kept("S4", "code", "must", owed.state, owed.due, owed.settled_at, owed.evidence, owed.due_counts)
    return {
        **shown(one, together([row.counts for row in tiers]), request.now),
        "text": one.wording.text,
        "by": {"id": one.by_id, "name": one.by.name},
        "tiers_standing": [{"tier": row.tier, "counts": row.counts} for row in tiers],
        "forwardings": [_forwarding(each) for each in forwards.forwarded(one, staff)],
        "due": owed.due if owed else None,
        "fate": fate(kept, request.now) if kept else "",
    }


def _forwarding(each: Forwarding) -> dict[str, Any]:
    kept: Any = each
    return {"id": each.key, "line": each.line, "messages": kept.many, "left": kept.left, "handed_over": each.handed_over,
            "at": each.at}  # fmt: skip


@router.get("campaigns/{campaign}/customers", response=CampaignCustomersOut)
@policy("campaigns.view")
def customers(request: Desk, campaign: UUID, asked: Query[CampaignStanding]) -> Any:
    """Who of a book stands so, in the order of their ids."""
    staff, after = whose(request, asked.staff), position(asked.cursor, int)
    rows = books.standing(
        found(request, campaign), asked.stands, staff, request.now, bank_of(request), after[0] if after else 0, asked.limit + 1
    )  # fmt: skip
    some, more = page(rows, asked.limit, lambda each: (each["id"],))
    return {"items": [{name: each[name] for name in ("id", "name", "tier", "reason")} for each in some], "next": more}


@router.get("campaigns/{campaign}/board", response=BoardOut)
@policy("campaigns.view")
def board(request: Desk, campaign: UUID) -> Any:
    """RM by RM, those behind first."""
    lines = books.board(found(request, campaign), request.actor, request.now, bank_of(request))
    items = [
        {"staff": {"id": line.staff, "name": line.name}, "counts": line.counts, "due": line.due, "done_at": line.done_at,
         "fate": line.fate}
        for line in lines
    ]  # fmt: skip
    return {"items": items}


@router.post("campaigns/{campaign}/estimates", response=EstimateOut)
@policy("messages.send")
def estimate(request: Desk, campaign: UUID, body: EstimateIn) -> Any:
    """What forwarding it so would come to; nothing is done."""
    bank = bank_of(request)
    told = books.estimate(
        found(request, campaign), body.choice, whose(request, body.staff), line=body.line, now=request.now, bank=bank
    )
    return {"customers": told.customers, "segments": told.segments, "price": told.price(bank), "text": told.text}


@router.post("campaigns/{campaign}/forwardings", response={201: ForwardingOut})
@policy("messages.send")
def forward(request: Desk, campaign: UUID, body: ForwardIn) -> Any:
    """To the chosen ones who are open, each in the RM's name; it leaves at once, in quiet hours at their end."""
    done = forwards.forward(
        found(request, campaign), body.choice, line=body.line, expected=body.expected, staff=whose(request, body.staff),
        **verb(request),
    )  # fmt: skip
    made = done.forwarding
    return {"id": made.key if made else None, "line": made.line if made else "", "messages": done.messages,
            "left": done.messages, "handed_over": 0, "at": made.at if made else None}  # fmt: skip


@router.post("campaigns/{campaign}/exclusions", response=ExcludedOut)
@policy("messages.send")
def leave_out(request: Desk, campaign: UUID, body: ExcludeIn) -> Any:
    """The chosen ones who are open are not told of it."""
    left = forwards.leave_out(
        found(request, campaign), body.choice, body.reason, expected=body.expected, staff=whose(request, body.staff),
        **verb(request),
    )  # fmt: skip
    return {"left_out": left}


@router.post("campaigns/{campaign}/exclusions/withdrawal", response=IncludedOut)
@policy("messages.send")
def bring_back(request: Desk, campaign: UUID, body: IncludeIn) -> Any:
    """Who was left out is open again."""
    some = [int(id) for id in body.customers]
    back = forwards.bring_back(found(request, campaign), some, staff=whose(request, body.staff), **verb(request))
    return {"brought_back": back}


@router.post("campaigns/{campaign}/forwardings/{forwarding}/withdrawal", response=TakenBackOut)
@policy("messages.send")
def withdraw(request: Desk, campaign: UUID, forwarding: UUID) -> Any:
    """What of it has not left does not; whoever it was for is open again."""
    rows = Forwarding.objects.filter(staff__among=request.actor.writes, withdrawn_at=None)
    one = rows.filter(key=forwarding, campaign__key=campaign).select_related("campaign").first()
    if one is None:
        raise Http404
    return {"withdrawn": forwards.withdraw(one, **verb(request))}


@router.post("campaigns/{campaign}/stop", response=CampaignOut)
@policy("campaigns.approve")
def stop(request: Desk, campaign: UUID, body: StopCampaignIn) -> Any:
    """Nothing of it leaves any more; what waits is taken back, what is owed is not owed any more."""
    one = found(request, campaign)
    forwards.stop(one, body.reason, actor=request.actor, now=request.now)
    lines = books.board(one, request.actor, request.now, bank_of(request))
    return shown(one, together([line.counts for line in lines]), request.now)
