"""What stops contact with a customer, and that it goes on."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Router, Status
from pydantic import Field

from zhike.api.approvals import ApprovalOut
from zhike.api.approvals import shown as approval_shown
from zhike.api.customers.customer import CustomerOut, Stop, answered, customers
from zhike.api.desk import Desk, bank_of, locked, one, verb
from zhike.api.shapes import Day, Id, In, Text
from zhike.api.versions import match
from zhike.contacts import stopping
from zhike.customers.models import Customer
from zhike.obligations import lifting
from zhike.people.permissions import policy

router = Router()


class StopIn(In):
    """Why contact stops, since when (without a day: today), and what shows it."""

    why: Stop
    on: Day | None = None
    evidence: Annotated[Text, Field(min_length=1)]


class ResumeIn(In):
    """Why contact goes on. ``mistake``: the stop never was, and what it made impossible is owed again; else it is over."""

    reason: Annotated[Text, Field(min_length=1)]
    mistake: bool = False


@router.post("customers/{id}/stops", response=CustomerOut)
@policy("customers.change")
def stop(request: Desk, id: Id, body: StopIn, response: HttpResponse) -> Any:
    """Contact stops: all of it after a death, with what lies ahead called off; greetings, campaigns and rhythm otherwise. Needs
    If-Match.
    """
    customer = locked(Customer.objects.visible_to(request.actor), id)
    match(request, customer, wanted=True)
    day = body.on or request.now.astimezone(bank_of(request).zone).date()
    stopping.stop(customer, body.why, on=day, evidence=body.evidence, **verb(request))
    return answered(request, one(customers(request), id), response)


@router.delete("customers/{id}/stops/{why}", response={200: CustomerOut, 202: ApprovalOut})
@policy("customers.change")
def resume(request: Desk, id: Id, why: Stop, body: ResumeIn, response: HttpResponse) -> Any:
    """The stop was entered by mistake, or is over; a death is only ever a mistake. A second person decides (`approvals`), but for
    one's own mistake of the last ten minutes. The reason stands in the body, for addresses lie about in logs. Needs If-Match.
    """
    customer = locked(Customer.objects.visible_to(request.actor), id)
    match(request, customer, wanted=True)
    waits = lifting.lift(customer, why, reason=body.reason, mistake=body.mistake, **verb(request))
    if waits is not None:
        return Status(202, approval_shown(waits, request.now))
    return answered(request, one(customers(request), id), response)
