"""How customers moved between the tiers, and who is about to rise or fall (W5)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import Field

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of, one
from zhike.api.problems import field_invalid
from zhike.api.shapes import Id, IdOut, In, Line, Money, Out
from zhike.customers import structure
from zhike.customers.structure import Listed
from zhike.people.models import Unit
from zhike.people.permissions import policy

router = Router()

Month = Annotated[str, Field(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$", description="A month, as in 2026-03.")]


class TierMovesFilters(In):
    """Through how many months up to this one; whose customers: those of a ``unit`` and all below it, or of one RM (``staff``)."""

    months: Annotated[int, Field(ge=2, le=24)] = 12
    unit: Id | None = None
    staff: Id | None = None


class TierMovedFilters(Page):
    """Who went from a tier to another between two months; ``source`` may be ``came``, ``to`` may be ``left``."""

    since: Month
    until: Month
    source: Line
    to: Line
    unit: Id | None = None
    staff: Id | None = None


class TierTurnsFilters(In):
    turn: Literal["rise", "fall"] | None = None
    unit: Id | None = None
    staff: Id | None = None


class TierMoveOut(Out):
    """``source`` is ``came`` for who was no customer in the month before, ``to`` is ``left`` for who is none any more."""

    source: str
    to: str
    customers: int


class TierMonthOut(Out):
    """``stand``: how many customers had which tier when the month began, in the last month today; ``moves``: since the month before."""

    month: str
    stand: dict[str, int]
    moves: list[TierMoveOut]


class TierMovesOut(Out):
    months: list[TierMonthOut]


class TierCustomerOut(Out):
    id: IdOut
    name: str
    tier: str
    assets: Money | None
    kept_by: str


class TierMovedOut(Out):
    items: list[TierCustomerOut]
    next: str | None


class TierTurnOut(Out):
    """``short``: yuan that are missing to reach ``to``, or to keep ``tier``; 0 or less: ``to`` is reached, and over by so much.
    ``running``: ``average`` is that of this month so far, else the last that is known. ``decided``: the last day of the month whose
    average decides, if the months to come end as this one stands; ``since``: the first day of the new tier.
    """

    customer: TierCustomerOut
    way: Literal["rise", "fall"]
    tier: str
    to: str
    average: Money
    running: bool
    threshold: Money
    short: Money
    decided: date
    since: date
    months_below: int


class TierTurnsOut(Out):
    items: list[TierTurnOut]


@router.get("customers/tiers/moves", response=TierMovesOut)
@policy("customers.view")
def moves(request: Desk, asked: Query[TierMovesFilters]) -> Any:
    """How many went from which tier to which, month by month, of the customers who are kept in scope today."""
    kept_by, today, bank = _kept_by(request, asked), _today(request), bank_of(request)
    made = structure.moved(kept_by, structure.months_until(today.replace(day=1), asked.months), today, bank)
    return {
        "months": [
            {
                "month": f"{month:%Y-%m}",
                "stand": made.stand(place),
                "moves": [
                    {"source": source, "to": to, "customers": n} for (source, to), n in sorted(made.ways(place).items())
                ],
            }
            for place, month in enumerate(made.months)
        ]
    }


@router.get("customers/tiers/moved", response=TierMovedOut)
@policy("customers.view")
def moved(request: Desk, asked: Query[TierMovedFilters]) -> Any:
    """Who they were, in the order of names."""
    kept_by, today = _kept_by(request, asked), _today(request)
    since, until = (date.fromisoformat(f"{month}-01") for month in (asked.since, asked.until))
    if not since < until <= today:
        raise field_invalid("until", _("`until` is a month after `since`, and not after this one."))
    key, id = position(asked.cursor, str, int) or (None, None)
    after = (str(key), int(id)) if id is not None else None
    rows = structure.who_moved(
        kept_by, since, until, asked.source, asked.to, today, bank_of(request), after=after, most=asked.limit + 1
    )
    some, more = page(rows, asked.limit, lambda each: (each.sort_key, each.id))
    return {"items": [_customer(each) for each in some], "next": more}


@router.get("customers/tiers/turns", response=TierTurnsOut)
@policy("customers.view")
def turns(request: Desk, asked: Query[TierTurnsFilters]) -> Any:
    """Who is about to rise or fall, the nearest first, 2,000 at most."""
    found = structure.turning(_kept_by(request, asked), _today(request), bank_of(request))
    names = ("way", "tier", "to", "average", "threshold", "short", "decided", "since", "months_below")
    return {
        "items": [
            {
                "customer": _customer(each.customer),
                "running": each.running,
                **{name: getattr(each.turn, name) for name in names},
            }
            for each in found
            if asked.turn in (None, each.turn.way)
        ]
    }


def _kept_by(request: Desk, asked: Any) -> list[int]:
    unit = one(Unit.objects.all(), asked.unit) if asked.unit else None
    kept_by = structure.keepers(
        request.actor, _today(request), staff=int(asked.staff) if asked.staff else None, unit=unit
    )
    if structure.too_many(kept_by):
        said = _("These are more than %(n)s customers: say with `unit` or `staff` whose are to be looked at.")
        raise field_invalid("unit", said % {"n": structure.MOST})
    return kept_by


def _today(request: Desk) -> date:
    return request.now.astimezone(bank_of(request).zone).date()


def _customer(each: Listed) -> dict[str, Any]:
    return {"id": each.id, "name": each.name, "tier": each.tier, "assets": each.assets, "kept_by": each.rm}
