"""早已认识: met or called before Zhike kept count."""

from __future__ import annotations

from typing import Any

from ninja import Router

from zhike.api.customers.customer import AcquaintanceOut, _acquaintance
from zhike.api.desk import Desk, locked, verb
from zhike.api.shapes import Id, In
from zhike.contacts import correction
from zhike.customers.models import Customer
from zhike.people.permissions import policy

router = Router()


class AcquaintanceIn(In):
    """早已认识: met, or called, before Zhike kept count."""

    met: bool = False
    called: bool = False


@router.post("customers/{id}/acquaintance", response=AcquaintanceOut)
@policy("customers.change")
def attest(request: Desk, id: Id, body: AcquaintanceIn) -> Any:
    """早已认识: attests that one has met or called the customer before. A contact that was taken for the first is none any more."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    return _acquaintance(correction.known_before(customer, met=body.met, called=body.called, **verb(request)))
