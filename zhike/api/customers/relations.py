"""Who belongs to a customer; the household."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.db.models import Q
from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Router

from zhike.api.customers.customer import CustomerOut, answered, customers
from zhike.api.desk import Desk, locked, one, verb
from zhike.api.problems import field_invalid
from zhike.api.shapes import Id, IdOut, In, Line, Out, Text
from zhike.api.versions import match
from zhike.customers.models import Customer, Household, Relation
from zhike.customers.models.relation import leave_household
from zhike.people.permissions import policy

router = Router()


RelationKind = Literal["spouse", "child", "parent", "sibling", "partner", "assistant", "principal", "other"]
Age = Literal["", "under_14", "14_17", "adult"]


class RelationIn(In):
    """Somebody who belongs to the customer; ``other`` where that is a customer too, whose own list says it the other way round.
    ``household``: both live in one. Of a child under fourteen nothing is kept but that there is one.
    """

    kind: RelationKind
    name: Line = ""
    age: Age = ""
    note: Text = ""
    other: Id | None = None
    household: bool = False


class RelationOut(Out):
    id: IdOut
    kind: str
    name: str
    age: str
    note: str
    other: IdOut | None
    source: str
    at: datetime


class RelationsOut(Out):
    items: list[RelationOut]


@router.get("customers/{id}/relations", response=RelationsOut)
@policy("customers.view")
def relations(request: Desk, id: Id) -> Any:
    """Who belongs to the customer, whichever of two customers it was entered for."""
    return {"items": [_relation(each) for each in Relation.objects.of(one(customers(request), id))]}


@router.post("customers/{id}/relations", response={201: RelationOut})
@policy("customers.change")
def relate(request: Desk, id: Id, body: RelationIn) -> Any:
    """Somebody who belongs to the customer."""
    visible = Customer.objects.visible_to(request.actor)
    customer = locked(visible, id)
    given = body.model_dump()
    other = given["other"] = one(visible, body.other) if body.other else None
    united = given.pop("household")
    acting: dict[str, Any] = {"actor": request.actor, "now": request.now}
    if united and other is None:
        raise field_invalid("household", _("Say with which customer: `other`."))
    relation = Relation.objects.learn(customer, given.pop("kind"), **given, **verb(request))
    if other is not None and united:
        Household.objects.unite(customer, other, **acting)
    return _relation(relation)


@router.delete("customers/{id}/relations/{relation}", response=RelationsOut)
@policy("customers.change")
def forget(request: Desk, id: Id, relation: Id) -> Any:
    """It was a mistake, or is over; gone from both customers' lists. Answers with what is left."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    held = Relation.objects.filter(Q(customer=customer) | Q(other=customer)).select_related("customer", "other")
    one(held, relation).forget(actor=request.actor)
    return {"items": [_relation(each) for each in Relation.objects.of(customer)]}


@router.delete("customers/{id}/household", response=CustomerOut)
@policy("customers.change")
def move_out(request: Desk, id: Id, response: HttpResponse) -> Any:
    """The customer belongs to no household any more. Needs If-Match."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    match(request, customer, wanted=True)
    leave_household(customer, actor=request.actor, now=request.now)
    return answered(request, one(customers(request), id), response)


def _relation(each: Relation) -> dict[str, Any]:
    plain = {name: getattr(each, name) for name in RelationOut.model_fields if name != "other"}
    return {**plain, "other": each.other_id}
