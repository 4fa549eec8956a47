"""Assignments (W2): given by a leader, taken on or asked about, reported on, handed in, accepted or sent back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from zhike.api.cursors import Page, moment, page, position
from zhike.api.desk import Desk, one, verb
from zhike.api.shapes import Id, IdOut, In, Line, Moment, Named, Out, Text
from zhike.api.versions import held, stamp
from zhike.documents import filing
from zhike.people.permissions import policy
from zhike.work import assignments
from zhike.work.models import Assignment

router = Router()

State = Literal["given", "asked", "taken_on", "handed_in", "sent_back", "done", "called_off"]


class AssignmentPaperOut(Out):
    """A document that goes with it and that the reader sees; see documents."""

    id: IdOut
    title: str
    name: str


class EntryOut(Out):
    """What was said; ``due``: the new date of what was sent back."""

    kind: Literal["question", "answer", "report", "hand_in", "sent_back", "accepted", "called_off"]
    by: Named
    at: datetime
    words: str
    due: datetime | None
    documents: list[AssignmentPaperOut]


class AssignmentRow(Out):
    """``together``: what was given to several at once. ``late``: past its time without lying before the leader."""

    id: IdOut
    together: str
    by: Named
    staff: Named
    what: str
    counts_as_done: str
    due: datetime
    every: Literal["", "week", "month"]
    state: State
    late: bool
    given_at: datetime
    handed_in_at: datetime | None
    sent_back: int
    closed_at: datetime | None


class AssignmentOut(AssignmentRow):
    entries: list[EntryOut]


class AssignmentsOut(Out):
    items: list[AssignmentRow]
    next: str | None


class GivenOut(Out):
    items: list[AssignmentRow]


class AssignmentFilters(Page):
    """``of``: given to the reader, by the reader, or none given: all in sight."""

    of: Literal["mine", "given"] | None = None
    state: State | None = None
    staff: Id | None = None


class AssignmentIn(In):
    """To whom of those one leads, what, what counts as done, by when; ``every`` week or month it comes again."""

    staff: Annotated[list[Id], Field(min_length=1, max_length=assignments.MOST)]
    what: Line
    counts_as_done: Text
    due: Moment
    every: Literal["", "week", "month"] = ""


class WordsIn(In):
    words: Text


class HandInIn(In):
    """``documents``: ids of what is filed and goes with it; file it first, with documents."""

    words: Text
    documents: Annotated[list[Id], Field(max_length=filing.PAPERS)] = []


class AcceptedIn(In):
    """``rating``: how content the leader is, 1 to 5 (W9)."""

    words: Text = ""
    rating: Annotated[int, Field(ge=1, le=5)] | None = None


class SentBackIn(In):
    """Why, and by when it is handed in anew."""

    words: Text
    due: Moment


def _assignments(request: Desk) -> Any:
    return Assignment.objects.visible_to(request.actor).select_related("staff", "by")


def _shown(row: Assignment, now: datetime) -> dict[str, Any]:
    plain = ("what", "counts_as_done", "due", "every", "state", "given_at", "handed_in_at", "sent_back", "closed_at")
    return {
        **{name: getattr(row, name) for name in plain},
        "id": row.pk,
        "together": str(row.together),
        "by": {"id": row.by_id, "name": row.by.name},
        "staff": {"id": row.staff_id, "name": row.staff.name},
        "late": row.is_late(now),
    }


def _whole(request: Desk, response: HttpResponse, row: Assignment) -> dict[str, Any]:
    stamp(response, row)
    entries = list(row.entries.select_related("by").order_by("at", "pk"))
    papers = assignments.papers(entries, request.actor)
    said = [
        {
            "kind": e.kind, "by": {"id": e.by_id, "name": e.by.name}, "at": e.at, "words": e.words, "due": e.due,
            "documents": [
                {"id": id, "title": papers[id].document.title, "name": papers[id].name} for id in e.documents if id in papers
            ],
        }
        for e in entries
    ]  # fmt: skip
    return {**_shown(row, request.now), "entries": said}


def _held(request: Desk, id: str) -> Assignment:
    """The assignment that a verb acts on, held; If-Match counts where it is sent."""
    found: Assignment = held(request, Assignment.objects, id)
    return found


@router.get("assignments", response=AssignmentsOut)
@policy("assignments.view")
def list_(request: Desk, asked: Query[AssignmentFilters]) -> Any:
    """Assignments in sight, the last due first."""
    found = _assignments(request)
    if asked.of:
        found = found.filter(**{"staff" if asked.of == "mine" else "by": request.actor.id})
    for name in ("state", "staff"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, moment, int):
        due, id = after
        found = found.filter(due__lte=due).exclude(due=due, pk__gte=id)
    rows = list(found.order_by("-due", "-pk")[: asked.limit + 1])
    some, more = page(rows, asked.limit, lambda each: (each.due, each.pk))
    return {"items": [_shown(each, request.now) for each in some], "next": more}


@router.post("assignments", response={201: GivenOut})
@policy("assignments.give")
def give(request: Desk, body: AssignmentIn) -> Any:
    """Assigns it to each of them, a row each."""
    staff = [int(each) for each in body.staff]
    rows = assignments.give(
        staff, body.what, body.counts_as_done, body.due, together=uuid4(), every=body.every, **verb(request)
    )
    return {"items": [_shown(each, request.now) for each in rows]}


@router.get("assignments/{id}", response=AssignmentOut)
@policy("assignments.view")
def get(request: Desk, response: HttpResponse, id: Id) -> Any:
    """One assignment with what was said about it."""
    return _whole(request, response, one(_assignments(request), id))


@router.post("assignments/{id}/acceptance", response=AssignmentOut)
@policy("assignments.change")
def take_on(request: Desk, response: HttpResponse, id: Id) -> Any:
    """Takes it on: from now on it is owed by its date."""
    return _whole(request, response, assignments.take_on(_held(request, id), **verb(request)))


@router.post("assignments/{id}/question", response=AssignmentOut)
@policy("assignments.change")
def ask_back(request: Desk, response: HttpResponse, id: Id, body: WordsIn) -> Any:
    """Asks back; the leader owes the answer."""
    return _whole(request, response, assignments.ask_back(_held(request, id), body.words, **verb(request)))


@router.post("assignments/{id}/answer", response=AssignmentOut)
@policy("assignments.give")
def answer(request: Desk, response: HttpResponse, id: Id, body: WordsIn) -> Any:
    """Answers the question."""
    return _whole(request, response, assignments.answer(_held(request, id), body.words, **verb(request)))


@router.post("assignments/{id}/report", response=AssignmentOut)
@policy("assignments.change")
def report(request: Desk, response: HttpResponse, id: Id, body: WordsIn) -> Any:
    """Says how it stands."""
    return _whole(request, response, assignments.report(_held(request, id), body.words, **verb(request)))


@router.post("assignments/{id}/hand-in", response=AssignmentOut)
@policy("assignments.change")
def hand_in(request: Desk, response: HttpResponse, id: Id, body: HandInIn) -> Any:
    """Hands in what was done; the leader owes a look at it."""
    documents = [int(each) for each in body.documents]
    row = assignments.hand_in(_held(request, id), body.words, documents=documents, **verb(request))
    return _whole(request, response, row)


@router.post("assignments/{id}/approval", response=AssignmentOut)
@policy("assignments.give")
def accept(request: Desk, response: HttpResponse, id: Id, body: AcceptedIn) -> Any:
    """Accepts what was handed in: it is done."""
    row = assignments.accept(_held(request, id), body.words, rating=body.rating, **verb(request))
    return _whole(request, response, row)


@router.post("assignments/{id}/sending-back", response=AssignmentOut)
@policy("assignments.give")
def send_back(request: Desk, response: HttpResponse, id: Id, body: SentBackIn) -> Any:
    """Sends it back, with the reason and a new date."""
    return _whole(request, response, assignments.send_back(_held(request, id), body.words, body.due, **verb(request)))


@router.post("assignments/{id}/cancellation", response=AssignmentOut)
@policy("assignments.give")
def call_off(request: Desk, response: HttpResponse, id: Id, body: WordsIn) -> Any:
    """Calls it off: nothing is owed, and none follows."""
    return _whole(request, response, assignments.call_off(_held(request, id), body.words, **verb(request)))


@router.post("assignments/{id}/last-turn", response=AssignmentOut)
@policy("assignments.give")
def stop_repeating(request: Desk, response: HttpResponse, id: Id) -> Any:
    """This turn stays; none follows."""
    return _whole(request, response, assignments.stop_repeating(_held(request, id), **verb(request)))
