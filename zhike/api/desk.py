"""What every operation starts from: who asks, the bank's settings, the rows that this one may see."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from zhike.conduct.bank import Bank
from zhike.people import bank
from zhike.people.actor import Actor, Begun

Row = TypeVar("Row", bound=Model)


class Desk(HttpRequest):
    """A request in its transaction, as the middleware hands it over."""

    actor: Actor
    now: datetime
    begun: Begun


def bank_of(request: Desk) -> Bank:
    """The bank's settings of the day."""
    return bank.settings_of(request.begun.settings).now(request.now)


def whose(request: Desk, staff: str | None) -> int:
    """The RM whose book it is about: oneself, or somebody whom one sees."""
    asked = int(staff) if staff else request.actor.id
    if asked not in request.actor.sees:
        raise Http404
    return asked


def one(rows: QuerySet[Row], id: str | int) -> Row:
    """The row, or "not found": the same for what does not exist and for what may not be seen."""
    row = rows.filter(pk=int(id)).first()
    if row is None:
        raise Http404
    return row


def locked(rows: QuerySet[Row], id: str | int) -> Row:
    """Likewise, held until the transaction ends: of two who act on it at once, the second sees what the first did.

    Its key stays free: a reminder that rings meanwhile names it, and must not wait for whoever waits for that reminder's alarm.
    """
    return one(rows.select_for_update(of=("self",), no_key=True), id)


def verb(request: Desk) -> dict[str, Any]:
    """What each verb of the domain takes: who, when, by which settings."""
    return {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
