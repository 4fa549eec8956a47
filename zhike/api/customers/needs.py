"""What one customer wants."""

from __future__ import annotations

from typing import Any

from ninja import Query, Router

from zhike.api.cursors import Page, page, position
from zhike.api.customers.customer import customers
from zhike.api.desk import Desk, locked, one
from zhike.api.needs import NeedIn, NeedOut, NeedsOut
from zhike.api.needs import shown as need_shown
from zhike.api.shapes import Id
from zhike.customers.models import Customer, Need
from zhike.people.permissions import policy

router = Router()


@router.get("customers/{id}/needs", response=NeedsOut)
@policy("customers.view")
def needs(request: Desk, id: Id, asked: Query[Page]) -> Any:
    """What the customer wants or wanted, the newest first."""
    heard = one(customers(request), id).needs.select_related("customer")
    if after := position(asked.cursor, int):
        heard = heard.filter(id__lt=after[0])
    some, more = page(heard.order_by("-id")[: asked.limit + 1], asked.limit, lambda each: (each.pk,))
    return {"items": [need_shown(each) for each in some], "next": more}


@router.post("customers/{id}/needs", response={201: NeedOut})
@policy("customers.change")
def hear(request: Desk, id: Id, body: NeedIn) -> Any:
    """A need that the customer spoke of."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    return need_shown(Need.objects.hear(customer, body.kind, body.words, actor=request.actor, now=request.now))
