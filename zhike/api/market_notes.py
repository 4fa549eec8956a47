"""Market notes (市场信息, W3, W12): written, found, worked up into briefs, passed on, answered; the week of a unit and who noted how much."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from django.http import Http404
from ninja import Query, Router
from pydantic import Field

from zhike.api.cursors import Page, last_first
from zhike.api.desk import Desk, bank_of, one, verb
from zhike.api.documents import handed_out
from zhike.api.shapes import Day, Id, IdOut, In, Line, Named, Out, Text, named
from zhike.documents import filing
from zhike.market import digest, notes
from zhike.market.models import Brief, Note, Routing
from zhike.market.notes import Seen
from zhike.market.prospects import end_of
from zhike.people.models import Staff
from zhike.people.permissions import policy

router = Router()

NoteKind = Literal["rate", "product", "competitor", "policy", "need"]
NoteSource = Literal["media", "customer", "colleague", "eyes"]
NoteAnswer = Literal["read", "used", "not_used"]


class MarketNoteOut(Out):
    """``customer``: null for whoever does not see the customer. ``documents``: papers of the unit that go with it."""

    id: IdOut
    kind: NoteKind
    text: str
    source: NoteSource
    source_words: str
    place: str
    seen_on: date
    tags: list[str]
    documents: list[IdOut]
    customer: Named | None
    by: Named
    unit: Named
    at: datetime


class MarketNotesOut(Out):
    items: list[MarketNoteOut]
    next: str | None


class MarketNoteIn(In):
    """``tags``: words apart by spaces or commas. ``customer``: of one's own book, for a need only. ``documents``: papers of the unit that
    one filed oneself; file them first, with documents.
    """

    kind: NoteKind
    text: Text
    source: NoteSource = "eyes"
    source_words: Line = ""
    place: Line = ""
    seen_on: Day | None = None
    tags: Line = ""
    customer: Id | None = None
    documents: Annotated[list[Id], Field(max_length=filing.PAPERS)] = []

    @property
    def seen(self) -> Seen:
        plain = {name: getattr(self, name) for name in Seen.__dataclass_fields__ if name != "customer"}
        return Seen(**plain, customer=int(self.customer) if self.customer else None)


class BriefOut(Out):
    id: IdOut
    title: str
    text: str
    for_customers: str
    for_bank: str
    notes: list[IdOut]
    by: Named
    unit: Named
    at: datetime


class BriefsOut(Out):
    items: list[BriefOut]
    next: str | None


class BriefIn(In):
    title: Line
    text: Text
    for_customers: Text = ""
    for_bank: Text = ""
    notes: Annotated[list[Id], Field(max_length=200)]


class DeskOut(Out):
    """``post``: what a note is passed to."""

    post: IdOut
    staff: Named
    unit: Named
    role: str


class DesksOut(Out):
    items: list[DeskOut]


class RoutingOut(Out):
    """``answer``: empty until there is one."""

    id: IdOut
    note: IdOut | None
    brief: IdOut | None
    title: str
    words: str
    by: Named
    to: Named
    unit: Named
    at: datetime
    answer: NoteAnswer | Literal[""]
    answer_words: str
    answered_by: Named | None
    answered_at: datetime | None


class RoutingsOut(Out):
    items: list[RoutingOut]
    next: str | None


class RouteIn(In):
    """``to``: the post of a desk; see desks."""

    to: Id
    words: Text = ""


class NoteAnswerIn(In):
    """``words`` are wanted where it is not used."""

    answer: NoteAnswer
    words: Text = ""


class NotedOut(Out):
    """Of what was passed on: answered in time, answered late, without an answer past its time."""

    staff: Named
    notes: int
    briefs: int
    passed: int
    in_time: int
    late: int
    open: int


class NotedsOut(Out):
    since: date
    until: date
    items: list[NotedOut]


class NoteFilters(Page):
    """``q``: words, all of which are to be in the note; Chinese is read by its characters."""

    kind: NoteKind | None = None
    tag: Line | None = None
    by: Id | None = None
    q: Line = ""


class RoutingFilters(Page):
    """``of``: what was passed to one, or by one; none given: all that one may see."""

    of: Literal["to_me", "by_me"] | None = None
    answered: bool | None = None


class NotePeriod(In):
    """Both days counted; this month so far unless said."""

    since: Day | None = None
    until: Day | None = None


def rows(request: Desk) -> Any:
    return Note.objects.visible_to(request.actor).select_related("by", "unit", "customer")


def shown(request: Desk, note: Note) -> dict[str, Any]:
    plain = ("kind", "text", "source", "source_words", "place", "seen_on", "tags", "documents", "at")
    seen = note.customer_id and note.customer and note.customer.keeper in request.actor.sees
    return {
        "id": note.pk, **{name: getattr(note, name) for name in plain},
        "customer": named(note.customer) if seen else None, "by": named(note.by), "unit": named(note.unit),
    }  # fmt: skip


def brief_shown(brief: Brief) -> dict[str, Any]:
    plain = ("title", "text", "for_customers", "for_bank", "at")
    worked = sorted(each.note_id for each in brief.worked.all())
    return {
        "id": brief.pk,
        **{name: getattr(brief, name) for name in plain},
        "notes": worked,
        "by": named(brief.by),
        "unit": named(brief.unit),
    }


def routing_shown(row: Routing) -> dict[str, Any]:
    plain = ("title", "words", "at", "answer", "answer_words", "answered_at")
    return {
        "id": row.pk, "note": row.note_id, "brief": row.brief_id, **{name: getattr(row, name) for name in plain},
        **{name: named(getattr(row, name)) for name in ("by", "to", "unit", "answered_by")},
    }  # fmt: skip


def briefs(request: Desk) -> Any:
    return Brief.objects.visible_to(request.actor).select_related("by", "unit").prefetch_related("worked")


def routings(request: Desk) -> Any:
    return Routing.objects.visible_to(request.actor).select_related("note", "brief", "by", "to", "unit", "answered_by")


@router.get("market-notes", response=MarketNotesOut)
@policy("notes.view")
def list_(request: Desk, asked: Query[NoteFilters]) -> Any:
    """One's own, those of whom one leads, what was passed to one; the last written first."""
    found: Any = rows(request)
    for name in ("kind", "by"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if asked.tag:
        found = found.filter(tags__contains=[asked.tag])
    found = notes.found(found, asked.q)
    return last_first(found, asked, lambda each: shown(request, each))


@router.post("market-notes", response={201: MarketNoteOut})
@policy("notes.change")
def write(request: Desk, body: MarketNoteIn) -> Any:
    """Writes down what was seen of the market."""
    return shown(
        request,
        one(
            rows(request), notes.write(body.seen, documents=[int(each) for each in body.documents], **verb(request)).pk
        ),
    )


@router.get("market-notes/desks", response=DesksOut)
@policy("notes.change")
def desks(request: Desk) -> Any:
    """To whom one may pass something on: leaders and marketing of one's units and of those above."""
    found = notes.desks(request.actor, request.now, bank_of(request))
    return {
        "items": [
            {"post": each.post, "staff": {"id": each.staff, "name": each.name}, "unit": {"id": each.unit, "name": each.unit_name}, "role": each.role}
            for each in found
        ]
    }  # fmt: skip


@router.get("market-notes/measures", response=NotedsOut)
@policy("notes.view")
def measures(request: Desk, asked: Query[NotePeriod]) -> Any:
    """How much each has noted in a period, and how much of what they passed on was answered in time."""
    bank = bank_of(request)
    today = request.now.astimezone(bank.zone).date()
    since, until = asked.since or today.replace(day=1), asked.until or today
    begin, end = end_of(since - timedelta(days=1), bank), end_of(until, bank)
    found = digest.noted(request.actor, begin, end, request.now)
    names = dict(Staff.objects.filter(pk__in=[each.staff for each in found]).values_list("pk", "name"))
    figures = ("notes", "briefs", "passed", "in_time", "late", "open")
    items = [
        {"staff": {"id": each.staff, "name": names.get(each.staff, "")}, **{name: getattr(each, name) for name in figures}} for each in found
    ]  # fmt: skip
    return {"since": since, "until": until, "items": items}


@router.get("market-notes/briefs", response=BriefsOut)
@policy("notes.view")
def list_briefs(request: Desk, asked: Query[Page]) -> Any:
    """Briefs, the last first."""
    found = briefs(request)
    return last_first(found, asked, brief_shown)


@router.post("market-notes/briefs", response={201: BriefOut})
@policy("notes.change")
def work_up(request: Desk, body: BriefIn) -> Any:
    """Works several notes up into a brief."""
    made = notes.work_up(
        body.title, body.text, body.for_customers, body.for_bank, [int(id) for id in body.notes], **verb(request)
    )
    return brief_shown(one(briefs(request), made.pk))


@router.get("market-notes/routings", response=RoutingsOut)
@policy("notes.view")
def list_routings(request: Desk, asked: Query[RoutingFilters]) -> Any:
    """What was passed on, the last first."""
    found = routings(request)
    if asked.of:
        found = found.filter(**{"to" if asked.of == "to_me" else "by": request.actor.id})
    if asked.answered is not None:
        found = found.exclude(answer="") if asked.answered else found.filter(answer="")
    return last_first(found, asked, routing_shown)


@router.post("market-notes/briefs/{brief}/routings", response={201: RoutingOut})
@policy("notes.change")
def pass_brief(request: Desk, brief: Id, body: RouteIn) -> Any:
    """Passes a brief to a leader or department, which owes an answer."""
    found = one(briefs(request), brief)
    return routing_shown(one(routings(request), notes.route(found, int(body.to), body.words, **verb(request)).pk))


@router.post("market-notes/routings/{routing}/answer", response=RoutingOut)
@policy("notes.answer")
def answer(request: Desk, routing: Id, body: NoteAnswerIn) -> Any:
    """Read, used, or why not; whoever sent it is told."""
    found = one(routings(request), routing)
    notes.answer(found, body.answer, body.words, **verb(request))
    return routing_shown(one(routings(request), routing))


@router.post("market-notes/routings/{routing}/seen", response=RoutingOut)
@policy("notes.change")
def seen(request: Desk, routing: Id) -> Any:
    """The sender has read the answer."""
    found = one(routings(request), routing)
    notes.seen_answer(found, **verb(request))
    return routing_shown(found)


@router.get("market-notes/{note}", response=MarketNoteOut)
@policy("notes.view")
def get(request: Desk, note: Id) -> Any:
    """One note."""
    return shown(request, one(rows(request), note))


@router.put("market-notes/{note}", response=MarketNoteOut)
@policy("notes.change")
def correct(request: Desk, note: Id, body: MarketNoteIn) -> Any:
    """The writer puts it right; what is left out is empty, but the papers that went with it stay."""
    found = rows(request).filter(pk=int(note)).first()
    if found is None:
        raise Http404
    notes.correct(found, body.seen, documents=[int(each) for each in body.documents], **verb(request))
    return shown(request, one(rows(request), note))


@router.get("market-notes/{note}/papers/{document}", response={200: None})
@policy("notes.view")
def paper(request: Desk, note: Id, document: Id) -> Any:
    """The bytes of a paper that goes with a note, to whoever may read the note; the trail keeps who was given them."""
    found = notes.papers(one(rows(request), note)).get(int(document))
    if found is None:
        raise Http404
    return handed_out(request, found)


@router.post("market-notes/{note}/routings", response={201: RoutingOut})
@policy("notes.change")
def pass_on(request: Desk, note: Id, body: RouteIn) -> Any:
    """Passes a note to a leader or department, which owes an answer."""
    found = one(rows(request), note)
    return routing_shown(one(routings(request), notes.route(found, int(body.to), body.words, **verb(request)).pk))
