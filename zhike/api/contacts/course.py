"""The verbs of a contact's course: agreed, arrived at, begun, ended, moved, called off; what is jotted and prepared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from ninja import Router
from pydantic import Field

from zhike.api.contacts.contact import ContactOut, Outcome, Place, answered, taken
from zhike.api.desk import Desk, verb
from zhike.api.shapes import Id, In, Line, Moment, Text
from zhike.contacts import course, retraction
from zhike.people.permissions import policy

router = Router()


class AppointmentIn(In):
    """Agreed with the customer (V1): when and where; ``told_customer`` that both were said."""

    at: Moment
    place: Line
    told_customer: bool = True
    customer_asked: bool = False
    invited_by_rm: bool = False


class SeenIn(In):
    """Where the customer was met (R2) and seen off to (R11), whether the card was handed over (R3), whose invitation it was."""

    met_where: Place = ""
    seen_off: Place = ""
    card_handed: bool | None = None
    invited_by_rm: bool = False


class OutcomeIn(In):
    """What came of a call. Absent and busy (C3, C4) ask ``call_back_at`` or say ``no_time_agreed``."""

    outcome: Outcome
    at: Moment | None = None
    call_back_at: Moment | None = None
    no_time_agreed: bool = False
    note: Text = ""
    fulfils: Id | None = None


class AtIn(In):
    """A tap, or the time it happened when it is entered later."""

    at: Moment | None = None


class StartIn(AtIn):
    """``surprise_reason`` lets an unannounced visit begin (V1), ``early_reason`` a call before the promised minute (C5)."""

    surprise_reason: Text = ""
    early_reason: Text = ""


class EndIn(SeenIn):
    at: Moment | None = None


class CancellationIn(In):
    """V3: whose reason it is, and how and when the customer was told; with ``told_how`` for one's own reason ``told_at`` is asked."""

    whose: Literal["rm", "customer"] | None = None
    why: Text = ""
    told_how: Line = ""
    told_at: Moment | None = None
    apologised: bool = False


class MoveIn(CancellationIn):
    to: Moment
    place: Line | None = None


class NoteIn(In):
    words: Annotated[Text, Field(min_length=1)]


class PreparationIn(In):
    """R1: one tap for all, or single items of the card."""

    ticks: Annotated[list[Line], Field(max_length=50)] = []


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
    """The arrival, the start or the end was a mistake: taken back within ten minutes, while nothing was recorded. Begun without a plan, the
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
