"""What a customer agreed to and refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Router

from zhike.api.customers.customer import customers
from zhike.api.desk import Desk, locked, one
from zhike.api.shapes import Id, IdOut, In, Out, Text
from zhike.customers.models import Consent, Customer
from zhike.people.permissions import policy

router = Router()


Purpose = Literal["service", "greeting", "marketing", "profile"]
Channel = Literal["sms", "phone", "email", "wecom", "any"]


class ConsentIn(In):
    """A yes or a no with what shows it."""

    purpose: Purpose
    channel: Channel
    given: bool
    evidence: Text


class ConsentOut(Out):
    id: IdOut
    purpose: str
    channel: str
    given: bool
    evidence: str
    source: str
    at: datetime


class ConsentsOut(Out):
    items: list[ConsentOut]


@router.get("customers/{id}/consents", response=ConsentsOut)
@policy("customers.view")
def consents(request: Desk, id: Id) -> Any:
    """What counts now: the newest word for each purpose and channel."""
    return {"items": [_consent(each) for each in Consent.objects.standing(one(customers(request), id))]}


@router.post("customers/{id}/consents", response={201: ConsentOut})
@policy("customers.change")
def consent(request: Desk, id: Id, body: ConsentIn) -> Any:
    """A yes or a no, with what shows it."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    given = body.model_dump()
    return _consent(Consent.objects.record(customer, **given, source="contact", actor=request.actor, now=request.now))


def _consent(each: Consent) -> dict[str, Any]:
    return {name: getattr(each, name) for name in ConsentOut.model_fields}
