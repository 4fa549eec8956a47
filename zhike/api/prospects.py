"""Prospects (潜在客户, W3, W5): entered, contacted, claimed, assigned, won or lost; and the funnel that they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Literal

from django.http import Http404
from ninja import Query, Router

from zhike.api.answers import afresh
from zhike.api.cursors import Page, last_first
from zhike.api.desk import Desk, bank_of, one, verb
from zhike.api.needs import NeedKind
from zhike.api.shapes import Day, Id, IdOut, In, Line, Moment, Named, Out, Text, named
from zhike.conduct.words import Refused
from zhike.market import funnel, pool, prospects
from zhike.market.models import Prospect
from zhike.market.models.prospect import SEALED_FIELDS
from zhike.market.prospects import NOTHING, Account, Draft, Step
from zhike.people.models import Staff
from zhike.people.permissions import policy

router = Router()

Stage = Literal["new", "contacted", "met", "offer", "won", "lost"]
OpenStage = Literal["new", "contacted", "met", "offer"]
Source = Literal["fair", "event", "referral", "media", "walk_in", "visit", "colleague", "other"]
Lost = Literal["not_interested", "elsewhere", "price", "unreachable", "unfit", "twice", "stopped", "other"]
How = Literal["call", "no_answer", "meeting", "visit", "message", "other"]
What = Literal[
    "entered", "contact", "stage", "claimed", "assigned", "returned", "idle", "won", "lost", "reopened"
]  # fmt: skip


class ProspectOut(Out):
    """``mobile``, ``email`` and ``contact_name`` are masked. ``rm``: null in the pool of ``unit``. ``goes_back``: the last day on which a
    contact keeps them with their RM.
    """

    id: IdOut
    name: str
    kind: Literal["person", "company"]
    employer: str
    mobile: str
    email: str
    contact_name: str
    source: Source
    source_words: str
    referred_by: Named | None
    interest: NeedKind | Literal[""]
    interest_words: str
    tier: str
    stage: Stage
    lost: Lost | Literal[""]
    lost_words: str
    do_not_contact: bool
    rm: Named | None
    unit: Named
    customer: IdOut | None
    contacted_at: datetime | None
    entered_at: datetime
    goes_back: date | None


class ProspectEventOut(Out):
    what: What
    how: How | Literal[""]
    words: str
    stage: Stage
    by: Named | None
    at: datetime


class ProspectStepOut(Out):
    """The next step as it is owed; see obligations."""

    obligation: IdOut
    words: str
    due: datetime | None


class ProspectWholeOut(ProspectOut):
    events: list[ProspectEventOut]
    step: ProspectStepOut | None


class ProspectsOut(Out):
    items: list[ProspectOut]
    next: str | None


class ProspectIn(In):
    """``another``: somebody has looked at who has the same name, and it is somebody else. ``pool``: into the pool of one's unit; then no
    next step is asked for.
    """

    name: Line
    source: Source
    kind: Literal["person", "company"] = "person"
    employer: Line = ""
    mobile: Line = ""
    email: Line = ""
    contact_name: Line = ""
    source_words: Line = ""
    referred_by: Id | None = None
    interest: NeedKind | Literal[""] = ""
    interest_words: Line = ""
    tier: Line = "regular"
    another: bool = False

    @property
    def draft(self) -> Draft:
        plain = {name: getattr(self, name) for name in Draft.__dataclass_fields__ if name != "referred_by"}
        return Draft(**plain, referred_by=int(self.referred_by) if self.referred_by else None)


class ProspectEntryIn(ProspectIn):
    step: Line = ""
    step_on: Day | None = None
    pool: bool = False


class StepIn(In):
    """What is to be done next, until the end of a day."""

    step: Line
    step_on: Day

    @property
    def next(self) -> Step:
        return Step(self.step, self.step_on)


class ProspectContactIn(In):
    """``does``: it was the next step. With it, or where none is open, ``step`` and ``step_on`` are wanted. ``promise``: what was promised."""

    how: How
    words: Text = ""
    at: Moment | None = None
    does: bool = True
    stage: OpenStage | Literal[""] = ""
    promise: Line = ""
    promise_on: Day | None = None
    step: Line = ""
    step_on: Day | None = None


class StageIn(In):
    stage: OpenStage


class LossIn(In):
    """``words`` are wanted for another reason."""

    why: Lost
    words: Text = ""


class ReasonIn(In):
    why: Text


class AssignIn(In):
    rm: Id


class WonOut(Out):
    customer: IdOut


class ProspectRevealIn(In):
    field: Literal["mobile", "email", "contact_name"]


class ProspectRevealedOut(Out):
    field: str
    value: str


class FunnelStageOut(Out):
    """``rate``: of those who came the share that went on. ``days``: till the next stage, by the median of those who went on."""

    stage: Stage
    came: int
    went_on: int
    stand: int
    lost: int
    rate: float | None
    days: float | None


class LossOut(Out):
    why: Lost
    count: int


class FoundOut(Out):
    """One person's finds in the period (W3)."""

    staff: Named
    entered: int
    contacts: int
    won: int


class FunnelOut(Out):
    since: date
    until: date
    stages: list[FunnelStageOut]
    lost: list[LossOut]
    found: list[FoundOut]


class Filters(Page):
    """``pool``: those whom nobody holds, or only those whom somebody does."""

    stage: Stage | None = None
    source: Source | None = None
    rm: Id | None = None
    pool: bool | None = None


class Period(In):
    """Both days counted; this month unless said. ``staff``: of one whom one oversees."""

    since: Day | None = None
    until: Day | None = None
    staff: Id | None = None


def rows(request: Desk) -> Any:
    return Prospect.objects.visible_to(request.actor).whole()


def shown(request: Desk, found: Prospect) -> dict[str, Any]:
    plain = (
        "name", "kind", "employer", "source", "source_words", "interest", "interest_words", "tier", "stage", "lost", "lost_words",
        "do_not_contact", "contacted_at",
    )  # fmt: skip
    return {
        "id": found.pk,
        **{name: getattr(found, name) for name in plain},
        **{name: found.shown(name) for name in SEALED_FIELDS},
        **{
            name: named(each)
            for name, each in (("rm", found.rm), ("unit", found.unit), ("referred_by", found.referred_by))
        },
        "customer": found.customer.pk if found.customer else None,
        "entered_at": found.at,
        "goes_back": pool.goes_back(found, bank_of(request)),
    }


def whole(request: Desk, id: str | int) -> dict[str, Any]:
    found = one(rows(request), id)
    step = prospects.open_step(found)
    events = found.events.select_related("by").order_by("at", "pk")
    return {
        **shown(request, found),
        "events": [
            {
                **{name: getattr(each, name) for name in ("what", "how", "words", "stage", "at")},
                "by": named(each.by),
            }
            for each in events
        ],
        "step": {"obligation": step.pk, "words": step.detail.get("words", ""), "due": step.due} if step else None,
    }


def held(request: Desk, id: str) -> Prospect:
    """The prospect that a verb acts on."""
    found = Prospect.objects.held(int(id), request.actor)
    if found is None:
        raise Http404
    return found


@contextmanager
def looking(request: Any) -> Iterator[None]:
    """Looking for a number is counted, refused or not: nothing else has been written where one of these verbs refuses."""
    try:
        yield
    except Refused:
        request.keeps = True
        afresh(request)
        raise


@router.get("prospects", response=ProspectsOut)
@policy("prospects.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """One's own, those of whom one leads, the pool of one's unit; the last entered first."""
    found = rows(request)
    for name in ("stage", "source", "rm"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if asked.pool is not None:
        found = found.open().filter(rm__isnull=asked.pool)
    return last_first(found, asked, lambda each: shown(request, each))


@router.post("prospects", response={201: ProspectWholeOut})
@policy("prospects.change")
def enter(request: Desk, body: ProspectEntryIn) -> Any:
    """Enters a prospect of one's own with the next step, or into the pool. Who is known already is refused."""
    step = Step(body.step, body.step_on) if not body.pool else NOTHING
    with looking(request):
        made = prospects.enter(body.draft, step, to_pool=body.pool, **verb(request))
    return whole(request, made.pk)


@router.get("prospects/funnel", response=FunnelOut)
@policy("prospects.view")
def read_funnel(request: Desk, asked: Query[Period]) -> Any:
    """Of those entered in a period how many came how far, and what each RM has found."""
    bank = bank_of(request)
    today = request.now.astimezone(bank.zone).date()
    since, until = asked.since or today.replace(day=1), asked.until or today
    keepers = None
    if asked.staff:
        if int(asked.staff) not in request.actor.oversees:
            raise Http404
        keepers = [int(asked.staff)]
    begin, end = prospects.end_of(since - timedelta(days=1), bank), prospects.end_of(until, bank)
    made = funnel.entered_between(request.actor, begin, end, keepers)
    found = [each for each in funnel.found(request.actor, begin, end) if keepers is None or each.staff in keepers]
    names = dict(Staff.objects.filter(pk__in=[each.staff for each in found]).values_list("pk", "name"))
    return {
        "since": since,
        "until": until,
        "stages": [
            {"stage": each.name, **{name: getattr(each, name) for name in ("came", "went_on", "stand", "lost", "rate", "days")}}
            for each in made.stages
        ],
        "lost": [{"why": why, "count": count} for why, count in made.lost.items()],
        "found": [
            {"staff": {"id": each.staff, "name": names.get(each.staff, "")}, "entered": each.entered, "contacts": each.contacts, "won": each.won}
            for each in found
        ],
    }  # fmt: skip


@router.get("prospects/{id}", response=ProspectWholeOut)
@policy("prospects.view")
def get(request: Desk, id: Id) -> Any:
    """One prospect with the whole story and the next step."""
    return whole(request, id)


@router.put("prospects/{id}", response=ProspectWholeOut)
@policy("prospects.change")
def correct(request: Desk, id: Id, body: ProspectIn) -> Any:
    """Puts right what is known of them; what is left out is empty."""
    found = held(request, id)
    with looking(request):
        prospects.correct(found, body.draft, **verb(request))
    return whole(request, id)


@router.post("prospects/{id}/contacts", response={201: ProspectWholeOut})
@policy("prospects.change")
def contact(request: Desk, id: Id, body: ProspectContactIn) -> Any:
    """Notes what was done, and sets the next step."""
    account = Account(
        body.how,
        body.words,
        at=body.at,
        does=body.does,
        stage=body.stage,
        promise=body.promise,
        promise_on=body.promise_on,
    )
    prospects.contact(held(request, id), account, Step(body.step, body.step_on), **verb(request))
    return whole(request, id)


@router.post("prospects/{id}/step", response=ProspectWholeOut)
@policy("prospects.change")
def plan(request: Desk, id: Id, body: StepIn) -> Any:
    """Sets another next step; the one that is open is withdrawn."""
    prospects.plan(held(request, id), body.next, **verb(request))
    return whole(request, id)


@router.post("prospects/{id}/stage", response=ProspectWholeOut)
@policy("prospects.change")
def move(request: Desk, id: Id, body: StageIn) -> Any:
    """Says how far it has come."""
    prospects.move(held(request, id), body.stage, actor=request.actor, now=request.now)
    return whole(request, id)


@router.post("prospects/{id}/claim", response=ProspectWholeOut)
@policy("prospects.change")
def claim(request: Desk, id: Id) -> Any:
    """Takes one of the pool, within the bank's limits; of two at once one does."""
    return whole(request, pool.claim(int(id), **verb(request)).pk)


@router.post("prospects/{id}/return", response=ProspectWholeOut)
@policy("prospects.change")
def give_back(request: Desk, id: Id, body: ReasonIn) -> Any:
    """Gives one back to the pool, and says why."""
    pool.give_back(held(request, id), body.why, **verb(request))
    return whole(request, id)


@router.post("prospects/{id}/assignment", response=ProspectWholeOut)
@policy("prospects.assign")
def assign(request: Desk, id: Id, body: AssignIn) -> Any:
    """Gives one to an RM of one's team."""
    pool.assign(held(request, id), int(body.rm), **verb(request))
    return whole(request, id)


@router.post("prospects/{id}/loss", response=ProspectWholeOut)
@policy("prospects.change")
def lose(request: Desk, id: Id, body: LossIn) -> Any:
    """Closes it as lost, with the reason."""
    prospects.lose(held(request, id), body.why, body.words, **verb(request))
    return whole(request, id)


@router.post("prospects/{id}/reopening", response=ProspectWholeOut)
@policy("prospects.change")
def reopen(request: Desk, id: Id, body: StepIn) -> Any:
    """Takes up a lost one again."""
    prospects.reopen(held(request, id), body.next, **verb(request))
    return whole(request, id)


@router.post("prospects/{id}/customer", response={201: WonOut})
@policy("prospects.change")
def win(request: Desk, id: Id) -> Any:
    """Makes a customer of the prospect; nothing that was noted is lost."""
    return {"customer": prospects.win(held(request, id), **verb(request)).pk}


@router.post("prospects/{id}/reveal", response=ProspectRevealedOut)
@policy("customers.reveal")
def reveal(request: Desk, id: Id, body: ProspectRevealIn) -> Any:
    """Shows a sealed field in clear: counted against the day's number, and kept. Of the pool's to whoever has claimed."""
    afresh(request)
    found = one(rows(request), id)
    if not found.revealable_by(request.actor):
        raise Http404
    return {"field": body.field, "value": found.reveal(body.field, **verb(request))}
