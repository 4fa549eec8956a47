"""Obligations: the ledger as a list, one by one with what caused it, and done, waived or taken back from where it stands."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any, Literal

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from ninja import Query, Router

from zhike.api.cursors import Page, moment, page, position
from zhike.api.desk import Desk, locked, one, verb
from zhike.api.needs import WhoOut, who
from zhike.api.problems import say
from zhike.api.shapes import Id, IdOut, In, Line, Moment, Named, Out, Text
from zhike.conduct import clause
from zhike.contacts import completion
from zhike.obligations.models import Fact, Obligation
from zhike.obligations.today import today
from zhike.people.actor import Actor
from zhike.people.permissions import policy

router = Router()

State = Literal["open", "done", "waived", "withdrawn", "cannot", "missed"]
Kind = Literal[
    "thanks",
    "write_up",
    "call_back",
    "call_again",
    "arrival",
    "answer",
    "apology",
    "find_out",
    "birthday",
    "rhythm",
    "meet",
    "promise",
    "look_into",
    "take_on",
    "assignment",
    "look_over",
    "greetings",
    "forward",
    "sign_in",
    "outing_report",
    "help",
    "delivery",
    "prospect_step",
    "prospect_keep",
    "note_answer",
    "answer_back",
    "acknowledge",
    "work_plan",
    "planned",
    "plan_comment",
]
# What has no deadline comes after everything that has one.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class ObligationRow(Out):
    id: IdOut
    clause: str
    clause_from: date
    kind: Kind
    what: str
    why: str
    force: str
    origin: str
    state: State
    late: bool
    owner: Named
    customer: WhoOut | None
    subject: str
    contact: IdOut | None
    tier: str
    detail: dict[str, Any]
    channels: list[str]
    opens: datetime
    due: datetime | None
    due_counts: bool
    target: datetime | None
    lapses: bool
    settled_at: datetime | None
    settled_by: IdOut | None
    evidence: dict[str, Any]
    created_at: datetime


class FactOut(Out):
    """Something that happened; ``void`` once it was corrected."""

    id: IdOut
    kind: str
    at: datetime
    known_at: datetime
    grade: str
    by: IdOut | None
    subject: str
    data: dict[str, Any]
    void: bool


class CountedOut(Out):
    """The clause in the version that counted."""

    id: str
    title: str
    norm: str
    force: str
    from_day: date


class ObligationOut(ObligationRow):
    cause: FactOut
    settling: FactOut | None
    clause_text: CountedOut


class ObligationsOut(Out):
    items: list[ObligationRow]
    next: str | None


class CompletionIn(In):
    """How it was done. A message says its channel, and ``introduces`` after a first contact; an answer its words and
    channel; what was found out its ``value``; ``demand`` says whether an answer also settled the demand.
    """

    at: Moment | None = None
    channel: Literal["", "sms", "call", "wecom", "email", "visit", "meeting", "letter"] = ""
    through: Literal["", "platform", "bank_sms", "own_phone"] = ""
    introduces: bool = False
    words: Text = ""
    apologised: bool = False
    value: Text = ""
    demand: Literal["open", "met", "refused"] = "open"


class WaiverIn(In):
    reason: Text


def shown(owed: Obligation, now: datetime) -> dict[str, Any]:
    """An obligation as lists show it, in the reader's language."""
    language = "en" if (get_language() or "").startswith("en") else "zh"
    customer = owed.customer
    head, _slash, number = owed.subject.partition("/")[0].partition(":")
    return {
        **{name: getattr(owed, name) for name in PLAIN},
        "what": owed.what[language],
        "why": owed.why[language],
        "late": owed.state == "open" and owed.is_late(now),
        "owner": {"id": owed.owner_id, "name": owed.owner.name},
        "customer": customer and who(customer),
        "contact": number if head == "contact" else None,
        "settled_by": owed.settled_by_id,
    }


DERIVED = {"what", "why", "late", "owner", "customer", "contact", "settled_by"}
PLAIN = tuple(name for name in ObligationRow.model_fields if name not in DERIVED)


def whole(owed: Obligation, now: datetime) -> dict[str, Any]:
    """An obligation with its facts and its clause."""
    law = clause.load()[owed.clause]
    return {
        **shown(owed, now),
        "cause": fact(owed.fact),
        "settling": fact(owed.settling) if owed.settling else None,
        "clause_text": {
            "id": law.id,
            "title": say(law.title),
            "norm": say(law.norm),
            "force": law.force,
            "from_day": owed.clause_from,
        },
    }


def fact(fact: Fact) -> dict[str, Any]:
    return {**{name: getattr(fact, name) for name in FactOut.model_fields if name != "by"}, "by": fact.by_id}


def obligations(request: Desk) -> Any:
    return Obligation.objects.visible_to(request.actor).select_related("customer", "owner")


class Filters(Page):
    """``due``: today (what the reader's own timeline shows, one JSON value), late, or none given: all."""

    due: Literal["today", "late"] | None = None
    due_before: Moment | None = None
    state: State | None = None
    kind: Kind | None = None
    clause: Line | None = None
    customer: Id | None = None
    owner: Id | None = None
    contact: Id | None = None


class TodayCustomer(Out):
    id: str
    name: str
    honorific: str
    tier: str


class TodayRow(Out):
    """One row of the timeline; ``what`` and ``why`` in both languages. ``on_behalf``: the colleague who owes it, and whom the
    reader covers today."""

    id: str
    clause: str
    kind: str
    force: str
    origin: str
    what: dict[str, str]
    why: dict[str, str]
    opens: datetime
    due: datetime
    target: datetime | None
    channels: list[str]
    detail: dict[str, Any]
    subject: str
    tier: str
    on_behalf: Named | None
    customer: TodayCustomer | None


class TodayOut(Out):
    """With ``due=today``: the rows up to a week ahead (150 late, 150 ahead at most), how many are ``late`` in all,
    how many lie ahead beyond the rows, how many were done in the last 24 hours."""

    rows: list[TodayRow]
    late: int
    beyond: int
    done: int


def timeline(request: HttpRequest, body: str) -> HttpResponse:
    """The timeline as PostgreSQL made it; unchanged, it is not sent again."""
    content = body.encode()
    headers = {"ETag": tag(content), "Cache-Control": "no-store"}
    if request.META.get("HTTP_IF_NONE_MATCH") == headers["ETag"]:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(content, content_type="application/json", headers=headers)


def tag(timeline: bytes) -> str:
    """The timeline's ETag."""
    return f'"{hashlib.sha256(timeline).hexdigest()[:32]}"'


@router.get("obligations", response=ObligationsOut | TodayOut)
@policy("obligations.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """What the staff in the reader's scope owe, and those whom the reader covers today, by deadline; with ``customer`` or ``contact`` all that is owed there, by
    whomever. ``due=today`` answers with the reader's own timeline instead."""
    if asked.due == "today":
        return timeline(request, today(request.actor, now=request.now))
    found = _filtered(obligations(request), asked, request.actor, request.now)
    if after := position(asked.cursor, moment, int):
        due, id = after
        found = found.filter(Q(when__gt=due) | Q(when=due, id__gt=id))
    some, more = page(found.order_by("when", "id")[: asked.limit + 1], asked.limit, lambda each: (each.when, each.pk))
    return {"items": [shown(each, request.now) for each in some], "next": more}


def _filtered(found: Any, asked: Filters, actor: Actor, now: datetime) -> Any:
    for name in ("state", "kind", "clause", "customer", "owner"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if not (asked.customer or asked.contact):
        # An index leads to what somebody owes; whatever else may be seen would have every row looked at.
        found = found.filter(owner__among=actor.sees)
    if asked.contact:
        about = f"contact:{asked.contact}"
        found = found.filter(Q(subject=about) | Q(subject__startswith=f"{about}/"))
    if asked.due == "late":
        found = found.filter(state="open", due__lt=now)
    if asked.due_before:
        found = found.filter(due__lt=asked.due_before)
    return found.annotate(when=Coalesce("due", NEVER))


@router.get("obligations/{id}", response=ObligationOut)
@policy("obligations.view")
def get(request: Desk, id: Id) -> Any:
    """One obligation: what caused it, by which clause, and how it was settled."""
    return whole(one(obligations(request).select_related("fact", "settling"), id), request.now)


def taken(request: Desk, id: str) -> Obligation:
    """The obligation that a verb acts on, held until the end."""
    owed: Obligation = locked(obligations(request).select_related("fact"), id)
    return owed


@router.post("obligations/{id}/completion", response=ObligationOut)
@policy("obligations.settle")
def complete(request: Desk, id: Id, body: CompletionIn) -> Any:
    """Records how it was done."""
    how = completion.How(**body.model_dump())
    return whole(completion.complete(taken(request, id), how, **verb(request)), request.now)


@router.post("obligations/{id}/waiver", response=ObligationOut)
@policy("obligations.waive")
def waive(request: Desk, id: Id, body: WaiverIn) -> Any:
    """Lets it go, with a reason."""
    waived = completion.waive(taken(request, id), body.reason, actor=request.actor, now=request.now)
    return whole(waived, request.now)


@router.post("obligations/{id}/undo", response=ObligationOut)
@policy("obligations.settle")
def undo(request: Desk, id: Id) -> Any:
    """Takes back what oneself has just done."""
    return whole(completion.undo(taken(request, id), **verb(request)), request.now)
