"""The write-up that closes a contact, and its draft."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Router
from pydantic import Field

from zhike.api.contacts.contact import ContactOut, Kind, Place, Purpose, Result, answered, contacts, taken
from zhike.api.desk import Desk, one, verb
from zhike.api.needs import NeedIn
from zhike.api.shapes import Id, In, Line, Moment, Out, Text
from zhike.contacts import write_up
from zhike.contacts.models import Draft
from zhike.people.permissions import policy

router = Router()


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

    def made(self) -> write_up.PromiseMade:
        """As the domain takes it."""
        return write_up.PromiseMade(**self.model_dump())


Demands = Annotated[list[Annotated[Text, Field(min_length=1)]], Field(max_length=20)]
Promises = Annotated[list[PromiseIn], Field(max_length=20)]


class WriteUpIn(In):
    """R13, V6, C6: result, needs or ``no_need``, the next contact or ``by_rhythm``; what was learned; demands, promises."""

    result: Result = ""
    result_words: Text = ""
    needs: Annotated[list[NeedIn], Field(max_length=20)] = []
    no_need: bool = False
    next: NextIn | None = None
    by_rhythm: bool = False
    learned: Annotated[dict[Line, Text], Field(max_length=50)] = {}
    demands: Demands = []
    promises: Promises = []
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
            promises=[promise.made() for promise in self.promises],
            seen=seen,
        )


class DraftIn(In):
    """What is typed so far, as the form's fields in their order."""

    values: Annotated[list[Annotated[list[Text], Field(min_length=2, max_length=2)]], Field(max_length=200)]


class DraftOut(Out):
    values: list[list[str]]
    saved_at: datetime | None


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
