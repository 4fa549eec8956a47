"""What one must know before a word is said, and what the customer holds."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from ninja import Router

from zhike.api.customers.customer import customers
from zhike.api.desk import Desk, one
from zhike.api.shapes import Id, IdOut, Money, Out
from zhike.contacts.card import told
from zhike.people.permissions import policy

router = Router()


class HoldingOut(Out):
    id: IdOut
    core_number: str
    product: str
    kind: str
    amount: Money
    currency: str
    rate: Money | None
    risk_grade: str
    opened_on: date | None
    matures_on: date | None
    as_of: date


class CardOut(Out):
    """``demands`` are open, answered or not; ``owed`` is open or cannot be done, ``contacts`` the newest, ``contacts_all`` how many there are, ``ahead`` what is
    planned or agreed, ``known`` the acquaintance with the customer's own RM.
    """

    needs: list[dict[str, Any]]
    demands: list[dict[str, Any]]
    owed: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    contacts_all: int
    ahead: list[dict[str, Any]]
    holdings: list[dict[str, Any]]
    relations: list[dict[str, Any]]
    household: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    known: dict[str, Any] | None
    rm: str
    unit: str
    since: date | None
    assets_before: str | None


class HoldingsOut(Out):
    items: list[HoldingOut]


@router.get("customers/{id}/card", response=CardOut)
@policy("customers.view")
def card(request: Desk, id: Id) -> Any:
    """What one must know before a word is said: wanted, owed, the last contacts, holdings, family. One JSON value."""
    try:
        return HttpResponse(told(int(id)), content_type="application/json; charset=utf-8")
    except LookupError:
        raise Http404 from None


@router.get("customers/{id}/holdings", response=HoldingsOut)
@policy("customers.view")
def holdings(request: Desk, id: Id) -> Any:
    """What the customer holds at the bank, what matures first before the rest."""
    held = one(customers(request), id).holdings.filter(ended_on=None).order_by("matures_on", "id")
    return {"items": list(held.values(*HoldingOut.model_fields))}
