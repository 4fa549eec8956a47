"""What a write-up said before it was amended; amending and striking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from ninja import Router

from zhike.api.contacts.contact import ContactOut, Outcome, Place, Result, answered, contacts
from zhike.api.contacts.write_up import Demands, Promises
from zhike.api.desk import Desk, locked, one, verb
from zhike.api.shapes import Id, In, Moment, Named, Out, Text
from zhike.api.versions import match
from zhike.contacts import correction
from zhike.people.permissions import policy

router = Router()


class ChangesIn(In):
    result: Result | None = None
    result_words: Text | None = None
    met_where: Place | None = None
    seen_off: Place | None = None
    card_handed: bool | None = None
    invitation: Literal["", "accepted", "declined"] | None = None
    purpose_words: Text | None = None
    arrived_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    outcome: Outcome | None = None
    call_back_at: Moment | None = None


class AmendmentIn(In):
    """What a closed write-up says from now on, and why. Times and outcome are reckoned with anew; ``demands`` and ``promises`` were
    forgotten in it and are added.
    """

    reason: Text
    changes: ChangesIn = ChangesIn()
    demands: Demands = []
    promises: Promises = []


class StrikeIn(In):
    """The contact was recorded by mistake: why."""

    reason: Text


class AmendmentOut(Out):
    at: datetime
    by: Named
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]


class AmendmentsOut(Out):
    items: list[AmendmentOut]


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
    changes, told = body.changes.model_dump(exclude_none=True), {"reason": body.reason, **verb(request)}
    if changes or not (body.demands or body.promises):
        contact = correction.amend(contact, changes, **told)
    if body.demands or body.promises:
        contact = correction.add(contact, body.demands, [promise.made() for promise in body.promises], **told)
    return answered(contact)


@router.post("contacts/{id}/strike", response=ContactOut)
@policy("contacts.change")
def strike(request: Desk, id: Id, body: StrikeIn) -> Any:
    """The contact never was. Needs If-Match."""
    contact = locked(contacts(request), id)
    match(request, contact, wanted=True)
    return answered(correction.strike(contact, reason=body.reason, **verb(request)))
