"""Contacts: planned, agreed, under way, written up; or recorded afterwards in one POST."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import Field

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, locked, one, verb
from zhike.api.needs import NeedIn, WhoOut, who
from zhike.api.problems import field_invalid
from zhike.api.shapes import Id, IdOut, In, Line, Moment, Named, Out, Text
from zhike.api.versions import match, stamp
from zhike.contacts import afterwards, correction, course, retraction, write_up
from zhike.contacts.models import Contact, Draft
from zhike.contacts.whole import whole
from zhike.customers.models import Customer
from zhike.people.permissions import policy

router = Router()

Kind = Literal["reception", "visit", "call"]
State = Literal["planned", "agreed", "under_way", "ended", "closed", "cancelled", "struck"]
Purpose = Literal[
    "",
    "introduction",
    "call_back",
    "maturity",
    "need",
    "invitation",
    "care",
    "birthday",
    "thanks",
    "answer",
    "service",
    "business",
    "other",
]
Outcome = Literal["reached", "absent", "busy", "no_answer", "wrong_number", "not_interested"]
Result = Literal["", "agreed", "inclined", "considering", "business_done", "no_business", "unhappy"]
Place = Literal["", "outside_door", "hall", "wealth_room", "branch_door", "car_park", "seat"]
Minutes = Annotated[int, Field(ge=1, le=1440)]


# ---------------------------------------------------------------------- what comes in


class AppointmentIn(In):
    """Agreed with the customer (V1): when and where; ``told_customer`` that both were said."""

    at: Moment
    place: Line
    told_customer: bool = True
    customer_asked: bool = False
    invited_by_rm: bool = False


class NextIn(In):
    """The next contact; its time lies ahead."""

    kind: Kind
    at: Moment
    purpose: Purpose = "need"
    words: Text = ""
    place: Line = ""


class PromiseIn(In):
    """W11: what was promised, to whom, by when (without a time the bank's setting proposes one)."""

    words: Annotated[Text, Field(min_length=1)]
    to: Literal["customer", "leader", "department"] = "customer"
    due: Moment | None = None


class SeenIn(In):
    """Where the customer was met (R2) and seen off to (R11), whether the card was handed over (R3), whose invitation it was."""

    met_where: Place = ""
    seen_off: Place = ""
    card_handed: bool | None = None
    invited_by_rm: bool = False


class WriteUpIn(In):
    """R13, V6, C6: result, needs or ``no_need``, the next contact or ``by_rhythm``; what was learned; demands, promises."""

    result: Result = ""
    result_words: Text = ""
    needs: Annotated[list[NeedIn], Field(max_length=20)] = []
    no_need: bool = False
    next: NextIn | None = None
    by_rhythm: bool = False
    learned: Annotated[dict[Line, Text], Field(max_length=50)] = {}
    demands: Annotated[list[Annotated[Text, Field(min_length=1)]], Field(max_length=20)] = []
    promises: Annotated[list[PromiseIn], Field(max_length=20)] = []
    met_where: Place | None = None
    seen_off: Place | None = None
    card_handed: bool | None = None
    invitation: Literal["", "accepted", "declined"] | None = None

    def form(self) -> write_up.WriteUp:
        """As the domain takes it."""
        seen = {name: value for name in write_up.SEEN if (value := getattr(self, name)) is not None}
        return write_up.WriteUp(
            result=self.result,
            result_words=self.result_words,
            needs=[write_up.NeedHeard(need.kind, need.words) for need in self.needs],
            no_need=self.no_need,
            next=write_up.NextContact(**self.next.model_dump()) if self.next else None,
            by_rhythm=self.by_rhythm,
            learned=self.learned,
            demands=self.demands,
            promises=[write_up.PromiseMade(**promise.model_dump()) for promise in self.promises],
            seen=seen,
        )


class OutcomeIn(In):
    """What came of a call. Absent and busy (C3, C4) ask ``call_back_at`` or say ``no_time_agreed``."""

    outcome: Outcome
    at: Moment | None = None
    call_back_at: Moment | None = None
    no_time_agreed: bool = False
    note: Text = ""
    fulfils: Id | None = None


class ContactIn(In):
    """A new contact. Without ``started_at`` it is a plan, agreed where ``appointment`` says so; with it, under way; with
    ``ended_at`` too it is recorded afterwards: a call then says its ``outcome``, a visit its ``appointment``,
    ``customer_asked`` or ``surprise_reason``; ``write_up`` closes it in the same request. What happened is not refused for
    what it was: the answer's ``findings`` say what is kept with it, beside one's own ``explanation``.
    """

    kind: Kind
    customer: Id
    purpose: Purpose = ""
    purpose_words: Text = ""
    incoming: bool = False
    planned_for: Moment | None = None
    planned_minutes: Minutes | None = None
    place: Line = ""
    appointment: AppointmentIn | None = None
    customer_asked: bool = False
    surprise_reason: Text = ""
    arrived_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    seen: SeenIn | None = None
    outcome: Outcome | None = None
    call_back_at: Moment | None = None
    no_time_agreed: bool = False
    note: Text = ""
    explanation: Text = ""
    fulfils: Id | None = None
    write_up: WriteUpIn | None = None


class AtIn(In):
    """A tap, or the time it happened when it is entered later."""

    at: Moment | None = None


class StartIn(AtIn):
    surprise_reason: Text = ""


class EndIn(SeenIn):
    at: Moment | None = None


class CancellationIn(In):
    """V3: whose reason it is, and how the customer was told."""

    whose: Literal["rm", "customer"] | None = None
    why: Text = ""
    told_how: Line = ""
    apologised: bool = False


class MoveIn(CancellationIn):
    to: Moment
    place: Line | None = None


class NoteIn(In):
    words: Annotated[Text, Field(min_length=1)]


class PreparationIn(In):
    """R1: one tap for all, or single items of the card."""

    ticks: Annotated[list[Line], Field(max_length=50)] = []


class DraftIn(In):
    """What is typed so far, as the form's fields in their order."""

    values: Annotated[list[Annotated[list[Text], Field(min_length=2, max_length=2)]], Field(max_length=200)]


class ChangesIn(In):
    result: Result | None = None
    result_words: Text | None = None
    met_where: Place | None = None
    seen_off: Place | None = None
    card_handed: bool | None = None
    invitation: Literal["", "accepted", "declined"] | None = None
    purpose_words: Text | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    outcome: Outcome | None = None
    call_back_at: Moment | None = None


class AmendmentIn(In):
    """What a closed write-up says from now on, and why. Times and outcome are reckoned with anew."""

    reason: Text
    changes: ChangesIn


class StrikeIn(In):
    """The contact was recorded by mistake: why."""

    reason: Text


# ---------------------------------------------------------------------- what goes out


class NoteOut(Out):
    at: datetime
    words: str


class ContactRow(Out):
    id: IdOut
    kind: Kind
    state: State
    customer: WhoOut
    rm: Named
    follows: IdOut | None
    purpose: str
    purpose_words: str
    planned_for: datetime | None
    planned_minutes: int | None
    place: str
    invited_by_rm: bool
    customer_asked: bool
    told_customer: bool
    incoming: bool
    afterwards: bool
    surprise_reason: str
    prepared_at: datetime | None
    ticks: dict[str, datetime]
    notes: list[NoteOut]
    arrived_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    minutes: int | None
    grade: str
    first: bool | None
    tier: str
    outcome: str
    call_back_at: datetime | None
    met_where: str
    seen_off: str
    card_handed: bool | None
    invitation: str
    result: str
    result_words: str
    no_need: bool
    closed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_for: str
    cancelled_why: str
    created_at: datetime
    version: int


class HeardOut(Out):
    """A need heard at the contact."""

    id: IdOut
    kind: str
    words: str
    state: str


class DemandOut(Out):
    """V7: what the customer demanded at the contact."""

    id: IdOut
    number: int
    words: str
    state: str
    closed_at: datetime | None


class OwedOut(Out):
    """What is or was owed because of the contact."""

    id: IdOut
    clause: str
    kind: str
    state: str
    subject: str
    channels: list[str]
    opens: datetime
    due: datetime | None
    target: datetime | None


class BothOut(Out):
    zh: str
    en: str


class FindingOut(Out):
    """What a contact went past: ``breach`` of a must, or a reasoned ``exception``; ``verdict`` is its stable name."""

    clause: str
    kind: Literal["breach", "exception"]
    verdict: str
    what: BothOut
    reason: str
    at: datetime


class ContactOut(ContactRow):
    needs: list[HeardOut]
    demands: list[DemandOut]
    findings: list[FindingOut]
    obligations: list[OwedOut]


class ContactsOut(Out):
    items: list[ContactRow]
    next: str | None


class DraftOut(Out):
    values: list[list[str]]
    saved_at: datetime | None


class AmendmentOut(Out):
    at: datetime
    by: Named
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]


class AmendmentsOut(Out):
    items: list[AmendmentOut]


PLAIN = tuple(name for name in ContactRow.model_fields if name not in {"customer", "rm", "follows"})


def row(contact: Contact) -> dict[str, Any]:
    """A contact as lists show it."""
    return {
        **{name: getattr(contact, name) for name in PLAIN},
        "customer": who(contact.customer),
        "rm": {"id": contact.rm_id, "name": contact.rm.name},
        "follows": contact.follows_id,
    }


def answered(contact: Contact, status: int = 200) -> HttpResponse:
    """The contact with what was heard at it and what is owed because of it; one statement."""
    answer = HttpResponse(whole(contact.pk), status=status, content_type="application/json; charset=utf-8")
    stamp(answer, contact)
    return answer


def contacts(request: Desk) -> Any:
    return Contact.objects.visible_to(request.actor).select_related("customer", "rm")


def taken(request: Desk, id: str) -> Contact:
    """The contact that a verb acts on, held; If-Match counts where it is sent."""
    contact = Contact.objects.held(int(id), request.actor)
    if contact is None:
        raise Http404
    match(request, contact)
    return contact


# ---------------------------------------------------------------------- operations


class Filters(Page):
    customer: Id | None = None
    rm: Id | None = None
    kind: Kind | None = None
    state: State | None = None


@router.get("contacts", response=ContactsOut)
@policy("contacts.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Contacts in the reader's scope, the newest first."""
    found = contacts(request)
    for name in ("customer", "rm", "kind", "state"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, int):
        found = found.filter(id__lt=after[0])
    some, more = page(found.order_by("-id")[: asked.limit + 1], asked.limit, lambda each: (each.pk,))
    return {"items": [row(each) for each in some], "next": more}


@router.post("contacts", response={201: ContactOut})
@policy("contacts.change")
def create(request: Desk, body: ContactIn) -> Any:
    """A contact plan, an appointment, a contact that starts now, or one recorded afterwards."""
    customer = one(Customer.objects.visible_to(request.actor), body.customer)
    if body.ended_at:
        contact = _recorded(request, customer, body)
    else:
        contact = _begun(request, customer, body)
    contact = one(contacts(request), contact.pk)
    answer = answered(contact, 201)
    answer["Location"] = f"/api/v1/contacts/{contact.pk}"
    return answer


def _recorded(request: Desk, customer: Customer, body: ContactIn) -> Contact:
    if body.started_at is None:
        raise field_invalid("started_at", _("A contact recorded afterwards says when it started and when it ended."))
    agreed = body.appointment
    told = afterwards.Account(
        kind=body.kind,
        started_at=body.started_at,
        ended_at=body.ended_at,  # type: ignore[arg-type]  # asked before
        purpose=body.purpose,
        purpose_words=body.purpose_words,
        place=body.place,
        incoming=body.incoming,
        appointment=afterwards.Agreed(agreed.at, agreed.place, agreed.told_customer, agreed.invited_by_rm)
        if agreed
        else None,
        customer_asked=body.customer_asked or bool(agreed and agreed.customer_asked),
        surprise_reason=body.surprise_reason,
        arrived_at=body.arrived_at,
        outcome=body.outcome or "",
        call_back_at=body.call_back_at,
        no_time_agreed=body.no_time_agreed,
        note=body.note,
        explanation=body.explanation,
        fulfils=int(body.fulfils) if body.fulfils else None,
        seen=body.seen.model_dump(exclude_unset=True) if body.seen else {},
    )
    form = body.write_up.form() if body.write_up else None
    return afterwards.record(customer, told, form=form, **verb(request))


def _begun(request: Desk, customer: Customer, body: ContactIn) -> Contact:
    """A plan; agreed, if it says with whom what was agreed; under way, if it says since when."""
    _not_yet(body)
    if body.started_at is None:
        course.lies_ahead("planned_for", body.planned_for, request.now)
        course.lies_ahead("appointment.at", body.appointment.at if body.appointment else None, request.now)
    acting = verb(request)
    contact = course.plan(
        customer,
        body.kind,
        actor=request.actor,
        now=request.now,
        planned_for=body.planned_for,
        purpose=body.purpose,
        purpose_words=body.purpose_words,
        place=body.place,
        planned_minutes=body.planned_minutes,
        incoming=body.incoming,
    )
    if body.appointment:
        course.agree(contact, **body.appointment.model_dump(), **acting)
    if body.customer_asked:
        contact.customer_asked = True
    if body.started_at:
        course.start(contact, at=body.started_at, surprise_reason=body.surprise_reason, **acting)
    else:
        contact.save()
    return contact


def _not_yet(body: ContactIn) -> None:
    """What only a contact that is over can say is refused before, not dropped."""
    for name in ("seen", "outcome", "call_back_at", "note", "explanation", "fulfils", "write_up", "arrived_at"):
        if getattr(body, name):
            raise field_invalid(name, _("This belongs to a contact that is over. Give `ended_at`, or leave it out."))


@router.get("contacts/{id}", response=ContactOut)
@policy("contacts.view")
def get(request: Desk, id: Id) -> Any:
    """One contact with its needs, demands and what is owed because of it."""
    return answered(one(contacts(request), id))


@router.post("contacts/{id}/appointment", response=ContactOut)
@policy("contacts.change")
def agree(request: Desk, id: Id, body: AppointmentIn) -> Any:
    """The customer agreed when and where."""
    course.lies_ahead("at", body.at, request.now)
    return answered(course.agree(taken(request, id), **body.model_dump(), **verb(request)))


@router.post("contacts/{id}/arrival", response=ContactOut)
@policy("contacts.change")
def arrive(request: Desk, id: Id, body: AtIn | None = None) -> Any:
    """V2: at the door."""
    return answered(course.arrive(taken(request, id), at=body.at if body else None, **verb(request)))


@router.post("contacts/{id}/start", response=ContactOut)
@policy("contacts.change")
def start(request: Desk, id: Id, body: StartIn | None = None) -> Any:
    """The talk begins."""
    given = (body or StartIn()).model_dump()
    return answered(course.start(taken(request, id), **given, **verb(request)))


@router.post("contacts/{id}/end", response=ContactOut)
@policy("contacts.change")
def end(request: Desk, id: Id, body: EndIn | None = None) -> Any:
    """The farewell of a reception or a visit."""
    given = body.model_dump(exclude_unset=True) if body else {}
    return answered(course.end(taken(request, id), **given, **verb(request)))


@router.post("contacts/{id}/retraction", response=ContactOut)
@policy("contacts.change")
def take_back(request: Desk, id: Id) -> Any:
    """The start or the end was a mistake: taken back within ten minutes, while nothing was recorded. Begun without a plan, the
    contact never was.
    """
    words = _("Begun by mistake")
    return answered(retraction.take_back(taken(request, id), reason=words, **verb(request)))


@router.post("contacts/{id}/outcome", response=ContactOut)
@policy("contacts.change")
def outcome(request: Desk, id: Id, body: OutcomeIn) -> Any:
    """What came of a call."""
    given = body.model_dump()
    given["fulfils"] = int(body.fulfils) if body.fulfils else None
    return answered(course.put_through(taken(request, id), given.pop("outcome"), **given, **verb(request)))


@router.post("contacts/{id}/cancellation", response=ContactOut)
@policy("contacts.change")
def cancel(request: Desk, id: Id, body: CancellationIn) -> Any:
    """The contact is called off."""
    given = {**body.model_dump(), "whose": body.whose or ""}
    return answered(course.call_off(taken(request, id), **given, **verb(request)))


@router.post("contacts/{id}/move", response=ContactOut)
@policy("contacts.change")
def move(request: Desk, id: Id, body: MoveIn) -> Any:
    """The contact is moved to another time, or place."""
    given = {**body.model_dump(), "whose": body.whose or ""}
    return answered(course.call_off(taken(request, id), moved_to=given.pop("to"), **given, **verb(request)))


@router.post("contacts/{id}/notes", response=ContactOut)
@policy("contacts.change")
def jot(request: Desk, id: Id, body: NoteIn) -> Any:
    """R6: a word written down during the talk."""
    return answered(course.jot(taken(request, id), body.words, now=request.now))


@router.post("contacts/{id}/preparation", response=ContactOut)
@policy("contacts.change")
def prepare(request: Desk, id: Id, body: PreparationIn | None = None) -> Any:
    """R1: prepared, as a whole or item by item."""
    return answered(course.prepare(taken(request, id), body.ticks if body else [], now=request.now))


@router.post("contacts/{id}/write-up", response=ContactOut)
@policy("contacts.change")
def close(request: Desk, id: Id, body: WriteUpIn) -> Any:
    """Closes the contact; every obligation that follows appears."""
    return answered(write_up.close(taken(request, id), body.form(), **verb(request)))


@router.get("contacts/{id}/draft", response=DraftOut)
@policy("contacts.change")
def read_draft(request: Desk, id: Id) -> Any:
    """One's own unfinished write-up; empty where there is none."""
    draft = Draft.objects.filter(contact=one(contacts(request), id), staff_id=request.actor.id).first()
    return {"values": draft.values if draft else [], "saved_at": draft.saved_at if draft else None}


@router.put("contacts/{id}/draft", response=DraftOut)
@policy("contacts.change")
def keep_draft(request: Desk, id: Id, body: DraftIn) -> Any:
    """Keeps what is typed so far of a write-up; nobody else sees it."""
    draft = Draft.keep(one(contacts(request), id), body.values, actor=request.actor, now=request.now)
    return {"values": draft.values, "saved_at": draft.saved_at}


@router.get("contacts/{id}/amendments", response=AmendmentsOut)
@policy("contacts.view")
def amendments(request: Desk, id: Id) -> Any:
    """What a closed write-up said before, the newest first."""
    kept = one(contacts(request), id).amendments.select_related("by").order_by("-id")
    return {"items": [_amendment(each) for each in kept]}


def _amendment(each: Any) -> Mapping[str, Any]:
    by = {"id": each.by_id, "name": each.by.name}
    return {"at": each.at, "by": by, "reason": each.reason, "before": each.before, "after": each.after}


@router.post("contacts/{id}/amendments", response=ContactOut)
@policy("contacts.change")
def amend(request: Desk, id: Id, body: AmendmentIn) -> Any:
    """Changes a closed write-up; what it said before is kept. Needs If-Match."""
    contact = locked(contacts(request), id)
    match(request, contact, wanted=True)
    changes = body.changes.model_dump(exclude_none=True)
    return answered(correction.amend(contact, changes, reason=body.reason, **verb(request)))


@router.post("contacts/{id}/strike", response=ContactOut)
@policy("contacts.change")
def strike(request: Desk, id: Id, body: StrikeIn) -> Any:
    """The contact never was. Needs If-Match."""
    contact = locked(contacts(request), id)
    match(request, contact, wanted=True)
    return answered(correction.strike(contact, reason=body.reason, **verb(request)))
