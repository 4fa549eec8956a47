"""Findings: what was done against a clause and kept: breaches of a must, reasoned exceptions to a should or try."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from ninja import Query, Router

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk
from zhike.api.needs import WhoOut, who
from zhike.api.problems import say
from zhike.api.shapes import Id, IdOut, Line, Named, Out
from zhike.conduct.words import Words
from zhike.obligations.findings import found_with
from zhike.people.permissions import policy

router = Router()


class ListedFindingOut(Out):
    """``subject`` is what it was found on, as contact:12 or obligation:7; ``what`` in the reader's language; ``void``: what it was
    found on was corrected since.
    """

    id: IdOut
    clause: str
    clause_from: date
    kind: Literal["breach", "exception"]
    staff: Named
    customer: WhoOut | None
    subject: str
    verdict: str
    what: str
    reason: str
    at: datetime
    void: bool


class FindingsOut(Out):
    items: list[ListedFindingOut]
    next: str | None


class Filters(Page):
    clause: Line | None = None
    kind: Literal["breach", "exception"] | None = None
    staff: Id | None = None
    customer: Id | None = None


@router.get("findings", response=FindingsOut)
@policy("adherence.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Findings on whoever the reader sees, one's own among them; the newest first."""
    found = found_with(request.actor).select_related("staff", "customer")
    for name in ("clause", "kind", "staff", "customer"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, int):
        found = found.filter(id__lt=after[0])
    rows = list(found.order_by("-id")[: asked.limit + 1])
    some, more = page(rows, asked.limit, lambda each: (each.pk,))
    return {"items": [_shown(each) for each in some], "next": more}


def _shown(each: Any) -> dict[str, Any]:
    kept = {"id", "clause", "clause_from", "kind", "subject", "verdict", "reason", "at", "void"}
    return {
        **{name: getattr(each, name) for name in kept},
        "staff": {"id": each.staff_id, "name": each.staff.name},
        "customer": who(each.customer) if each.customer else None,
        "what": say(Words(each.what.get("zh", ""), each.what.get("en", ""))),
    }
