"""Another RM for a customer."""

from __future__ import annotations

from typing import Any

from ninja import Router

from zhike.api.approvals import ApprovalOut
from zhike.api.approvals import shown as approval_shown
from zhike.api.desk import Desk, bank_of, locked, one
from zhike.api.shapes import Day, Id, In, Text
from zhike.customers.handover import ask_to_hand_over
from zhike.customers.models import Customer
from zhike.people.models import Staff
from zhike.people.permissions import policy

router = Router()


class ReassignmentIn(In):
    """Another RM from a day on (without one: today), and why."""

    rm: Id
    from_day: Day | None = None
    reason: Text


@router.post("customers/{id}/reassignment", response={202: ApprovalOut})
@policy("customers.reassign")
def hand_over(request: Desk, id: Id, body: ReassignmentIn) -> Any:
    """Asks for another RM for the customer, from a day on; a second leader decides (`approvals`)."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    rm = one(Staff.objects.filter(pk__in=request.actor.directs), body.rm)
    day = body.from_day or request.now.astimezone(bank_of(request).zone).date()
    asked = ask_to_hand_over(customer, rm.pk, day, body.reason, actor=request.actor, now=request.now)
    return approval_shown(asked, request.now)
