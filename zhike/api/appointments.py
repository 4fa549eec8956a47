"""Appointments and plans by their time: what lies ahead. They are contacts, and are changed as such."""

from __future__ import annotations

from typing import Any, Literal

from django.db.models import Q
from ninja import Query, Router

from zhike.api.contacts.contact import ContactsOut, Kind, contacts, row
from zhike.api.cursors import Page, moment, page, position
from zhike.api.desk import Desk
from zhike.api.shapes import Id, Moment
from zhike.people.permissions import policy

router = Router()


class Filters(Page):
    """``since`` and ``until`` bound the agreed or planned time."""

    since: Moment | None = None
    until: Moment | None = None
    state: Literal["planned", "agreed"] | None = None
    kind: Kind | None = None
    customer: Id | None = None
    rm: Id | None = None


@router.get("appointments", response=ContactsOut)
@policy("contacts.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Agreed and planned contacts with a time, the earliest first."""
    found = contacts(request).filter(state__in=["planned", "agreed"], planned_for__isnull=False)
    for name in ("state", "kind", "customer", "rm"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if asked.since:
        found = found.filter(planned_for__gte=asked.since)
    if asked.until:
        found = found.filter(planned_for__lt=asked.until)
    if after := position(asked.cursor, moment, int):
        at, id = after
        found = found.filter(Q(planned_for__gt=at) | Q(planned_for=at, id__gt=id))
    some, more = page(
        found.order_by("planned_for", "id")[: asked.limit + 1], asked.limit, lambda each: (each.planned_for, each.pk)
    )
    return {"items": [row(each) for each in some], "next": more}
