"""Staff and oneself: who works where, in which role."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from django.db.models import Prefetch, Q
from ninja import Query, Router

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of, one
from zhike.api.shapes import Id, IdOut, Line, Named, Out
from zhike.people.models import Post, Staff
from zhike.people.permissions import SIGNED_IN, policy

router = Router()

Role = Literal["rm", "leader", "marketing", "compliance", "risk", "auditor", "administrator"]


class PostOut(Out):
    unit: Named
    role: Role
    scope: str
    from_day: date
    to_day: date | None


class StaffOut(Out):
    """``posts``: those held today."""

    id: IdOut
    number: str
    name: str
    title: str
    active: bool
    posts: list[PostOut]


class StaffListOut(Out):
    items: list[StaffOut]
    next: str | None


class MeOut(StaffOut):
    """``roles`` and what the screens go by."""

    roles: list[Role]
    language: str
    theme: str


class Filters(Page):
    """``q``: part of a name, or a staff number."""

    q: Line = ""
    role: Role | None = None
    unit: Id | None = None


def staff(request: Desk) -> Any:
    """Staff with the posts that they hold today: two statements, however many."""
    return Staff.objects.prefetch_related(Prefetch("posts", _held(request).select_related("unit"), to_attr="held"))


def _held(request: Desk) -> Any:
    day = request.now.astimezone(bank_of(request).zone).date()
    return Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), from_day__lte=day).order_by("id")


def shown(one: Any) -> dict[str, Any]:
    return {
        "id": one.pk,
        "number": one.number,
        "name": one.name,
        "title": one.title,
        "active": one.is_active,
        "posts": [
            {
                **{name: getattr(post, name) for name in ("role", "scope", "from_day", "to_day")},
                "unit": {"id": post.unit_id, "name": post.unit.name},
            }
            for post in one.held
        ],
    }


@router.get("staff", response=StaffListOut)
@policy("staff.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Everybody who works for the bank, by staff number."""
    found = staff(request)
    if asked.q:
        found = found.filter(Q(name__contains=asked.q) | Q(number=asked.q))
    held = {name: value for name in ("role", "unit") if (value := getattr(asked, name))}
    if held:
        found = found.filter(pk__in=_held(request).filter(**held).order_by().values("staff"))
    if after := position(asked.cursor, str, int):
        found = found.filter(Q(number__gt=after[0]) | Q(number=after[0], id__gt=after[1]))
    some, more = page(
        found.order_by("number", "id")[: asked.limit + 1], asked.limit, lambda each: (each.number, each.pk)
    )
    return {"items": [shown(each) for each in some], "next": more}


@router.get("staff/{id}", response=StaffOut)
@policy("staff.view")
def get(request: Desk, id: Id) -> Any:
    """One staff member."""
    return shown(one(staff(request), id))


@router.get("me", response=MeOut, tags=["me"])
@policy(SIGNED_IN)
def me(request: Desk) -> Any:
    """Who one is here, and what one may do."""
    found = one(staff(request), request.actor.id)
    return {
        **shown(found),
        "roles": sorted(request.actor.roles),
        "language": found.language,
        "theme": found.theme,
    }
