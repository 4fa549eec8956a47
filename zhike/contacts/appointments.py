"""Contacts as appointments: what whoever lays out people's days asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, cast

from django.db.models import Q

from zhike.obligations.appointments import Answers, Appointment
from zhike.people.actor import Actor

from .models.contact import Contact, State

AHEAD = (State.PLANNED, State.AGREED, State.UNDER_WAY)
HELD = (State.ENDED, State.CLOSED)
MOST = 2000


def between(
    actor: Actor, staff: Sequence[int], first: datetime, until: datetime, *, held: bool = False
) -> list[Appointment]:
    """What these RMs have planned or agreed between two moments, and is not held yet, by its time; with ``held`` what was as well."""
    when = Q(planned_for__gte=first, planned_for__lt=until)
    wanted = when & Q(rm__in=list(staff), state__in=[State.PLANNED, State.AGREED])
    if held:
        begun = Q(held_by__in=list(staff), started_at__gte=first, started_at__lt=until)
        wanted |= when & begun & Q(state__in=[State.UNDER_WAY, *HELD])
    rows = Contact.objects.visible_to(actor).filter(wanted)
    return [_told(row) for row in rows.select_related("customer").order_by("planned_for", "pk")[:MOST]]


def named(actor: Actor, abouts: Sequence[str]) -> list[Appointment]:
    """Contacts by what the ledger calls them, however they stand."""
    ids = [int(about.removeprefix("contact:")) for about in abouts]
    return [_told(row) for row in Contact.objects.visible_to(actor).filter(pk__in=ids).select_related("customer")]


def _told(row: Contact) -> Appointment:
    stands, ended = _stands(row)
    return Appointment(
        row.subject, row.rm_id, row.customer, cast(Any, row.kind), row.purpose, row.purpose_words, row.place, row.planned_for,
        row.state == State.AGREED, stands, ended,
    )  # fmt: skip


def _stands(row: Contact) -> tuple[Literal["ahead", "held", "off"], datetime | None]:
    if row.state in AHEAD:
        return "ahead", None
    return ("held", row.ended_at) if row.state in HELD else ("off", row.cancelled_at)


ANSWER = Answers(between, named)
