"""Demands (V7): what a customer demanded at a contact, settled in the end after it was answered as still in process."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Router
from pydantic import Field

from zhike.api.contacts.contact import DemandOut
from zhike.api.desk import Desk, locked, verb
from zhike.api.shapes import Id, In, Text
from zhike.contacts.completion import conclude
from zhike.contacts.models import Demand
from zhike.people.permissions import policy

router = Router()


class ConclusionIn(In):
    """How it ended, and what the customer was told."""

    state: Literal["met", "refused"]
    words: Annotated[Text, Field(min_length=1)]


@router.post("demands/{id}/closure", response=DemandOut)
@policy("customers.change")
def close(request: Desk, id: Id, body: ConclusionIn) -> Any:
    """The demand is met or refused, and the customer told. While its answer is owed, the answer is given instead."""
    demand = locked(Demand.objects.filter(customer__keeper__among=request.actor.sees), id)
    return conclude(demand, body.state, body.words, **verb(request))
