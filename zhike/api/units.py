"""The bank's tree."""

from __future__ import annotations

from datetime import date
from typing import Any

from ninja import Router

from zhike.api.desk import Desk, one
from zhike.api.shapes import Id, IdOut, Out
from zhike.people.models import Unit
from zhike.people.permissions import policy

router = Router()


class UnitOut(Out):
    """``to_day``: the first day that it no longer exists."""

    id: IdOut
    code: str
    name: str
    kind: str
    parent: IdOut | None
    from_day: date
    to_day: date | None


class UnitsOut(Out):
    items: list[UnitOut]


def shown(unit: Unit) -> dict[str, Any]:
    plain = {name: getattr(unit, name) for name in UnitOut.model_fields if name != "parent"}
    return {**plain, "parent": unit.parent_id}


@router.get("units", response=UnitsOut)
@policy("units.view")
def list_(request: Desk) -> Any:
    """Every unit, a parent before its children."""
    return {"items": [shown(unit) for unit in Unit.objects.order_by("path", "id")]}


@router.get("units/{id}", response=UnitOut)
@policy("units.view")
def get(request: Desk, id: Id) -> Any:
    """One unit."""
    return shown(one(Unit.objects.all(), id))
