"""客户 · One book at a time, in the order of names; and the search that every page has.

Domain: :func:`zhike.customers.search.find`, ``Customer.objects.visible_to``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext
from django.views.decorators.http import require_safe

from zhike.conduct.bank import Bank
from zhike.customers import profile, search
from zhike.customers.models import Customer
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local, money
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.differences import waiting
from zhike.people.models import Staff, Unit
from zhike.people.permissions import policy

ROWS = 50
BOOKS = 300
# What a book may be ordered by; each as SQL without NULLs, so that a page can go on after the last row of the one before.
SORTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "": ("sort_key", str),
    "silent": ("coalesce(last_contact_at, 'epoch'::timestamptz)", datetime.fromisoformat),
    "assets": ("-coalesce(assets, 0)", Decimal),
}


@policy("customers.view")
@require_safe
def book(request: ActingRequest) -> HttpResponse:
    """``?rm=7`` somebody else's book in scope, ``?tier=gold``, ``?sort=silent`` longest without contact first or
    ``assets`` most first; ``?after=`` the last place and id of the page before."""
    bank = bank_of(request)
    books = _books(request)
    keeper = _keeper(request, books)
    rows: Any = Customer.objects.visible_to(request.actor).filter(keeper=keeper)
    counts = _counts(rows)
    tier = request.GET.get("tier", "")
    if tier:
        rows = rows.filter(tier=tier)
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else ""
    place, read = SORTS[sort]
    after: tuple[Any, int] | None = None
    key, _sep, last = request.GET.get("after", "").rpartition("~")
    with suppress(ValueError, InvalidOperation):  # a damaged address begins at the beginning
        if (id := number(last)) is not None:
            after = (read(key), id)
            rows = rows.extra(where=[f"({place}, id) > (%s, %s)"], params=after)  # noqa: S610 -- SORTS only
    page = list(
        rows.extra(select={"place": place}, order_by=["place", "id"]).values_list(  # noqa: S610 -- SORTS only
            "id", "name", "honorific", "tier", "kind", "assets", "last_contact_at", "place", "birth_month", "profile"
        )[: ROWS + 1]
    )
    more = page[ROWS - 1] if len(page) > ROWS else None
    address = partial(_address, keeper, request=request)
    context = {
        "rows": [_row(row, request, bank) for row in page[:ROWS]],
        "tabs": _tabs(counts, tier, bank, partial(address, sort=sort)),
        "sorts": [
            {"text": text, "href": address(tier=tier, sort=name), "current": name == sort}
            for name, text in (
                ("", pgettext("sort", "Name")),
                ("silent", pgettext("sort", "Longest without contact")),
                ("assets", pgettext("sort", "Assets")),
            )
        ],
        "all": sum(counts.values()),
        "older": address(tier=tier, sort=sort, after=f"{more[7]}~{more[0]}") if more else None,
        "start": address(tier=tier, sort=sort) if after else None,
        "books": books,
        "keeper": keeper,
        "own": keeper == request.actor.id,
        "differences": waiting(request),
    }
    return render(request, "customers.html", context)


def _keeper(request: ActingRequest, books: list[tuple[int, str]]) -> int:
    """Whose book: the one asked for, else the first that there is. Rows outside of the scope stay invisible anyway."""
    asked = request.GET.get("rm", "")
    if keeper := number(asked.removeprefix("-")):
        return -keeper if asked.startswith("-") else keeper
    return books[0][0] if books else request.actor.id


def _counts(rows: Any) -> dict[str, int]:
    from django.db.models import Count

    return dict(rows.values_list("tier").annotate(n=Count("id")).order_by())


def _books(request: ActingRequest) -> list[tuple[int, str]]:
    """The books that a leader may turn to: each RM in scope, and each unit's customers that wait for an RM."""
    staff = [id for id in request.actor.sees if id > 0]
    units = [-id for id in request.actor.sees if id < 0]
    if len(staff) < 2 and not units:
        return []
    named = Staff.objects.filter(pk__in=staff[:BOOKS], posts__role="rm").exclude(pk=request.actor.id).distinct()
    own = [(request.actor.id, gettext("My book"))] if "rm" in request.actor.roles else []
    books = [*own, *named.order_by("number").values_list("id", "name")]
    waiting = Unit.objects.filter(pk__in=units[:BOOKS]).order_by("code").values_list("id", "name")
    return books + [(-id, gettext("%(unit)s, without an RM") % {"unit": name}) for id, name in waiting]


def _address(keeper: int, *, request: ActingRequest, tier: str = "", sort: str = "", after: str = "") -> str:
    from urllib.parse import urlencode

    query = {
        name: value
        for name, value in {
            "rm": keeper if keeper != request.actor.id or "rm" not in request.actor.roles else "",
            "tier": tier,
            "sort": sort,
            "after": after,
        }.items()
        if value
    }
    return f"{reverse('customers')}?{urlencode(query)}" if query else reverse("customers")


def _tabs(counts: dict[str, int], tier: str, bank: Bank, address: Callable[..., str]) -> list[dict[str, Any]]:
    tabs = [
        {
            "text": pgettext("filter", "All"),
            "href": address(),
            "count": sum(counts.values()),
            "current": not tier,
        }
    ]
    for row in reversed(bank.tiers):
        if counts.get(row.key):
            tabs.append({
                "text": row.name.say(owed.speaks()),
                "href": address(tier=row.key),
                "count": counts[row.key],
                "current": tier == row.key,
            })  # fmt: skip
    return tabs


def _row(row: tuple[Any, ...], request: ActingRequest, bank: Bank) -> dict[str, Any]:
    id, name, honorific, tier, kind, assets, last, _key, birth_month, known = row
    days = (local(request.now).date() - local(last).date()).days if last else None
    every = next((r.contact_days for r in bank.rhythm if r.tier == tier), None)
    missing = [
        str(f.label)
        for f in profile.asked(kind)
        if not (birth_month if f.name == "birthday" else (known.get(f.name) or {}).get("v"))
    ]
    return {
        "who": owed.person(id, name, honorific, tier, bank, kind),
        "assets": money(assets),
        "silent": gettext("never yet") if days is None else gettext("today") if days == 0
        else ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days},
        "over": bool(every and days is not None and days > every),
        "missing": gettext(", ").join(missing),
    }  # fmt: skip


@policy("customers.view")
@require_safe
def hits(request: ActingRequest) -> HttpResponse:
    """What the search box shows while one types; own customers first. ``?relative=7`` chooses one who belongs to customer 7."""
    words, relative = request.GET.get("q", "").strip(), request.GET.get("relative", "")
    found = search.find(words, request.actor) if words else None
    context = {
        "words": words,
        "relative": relative if relative.isdecimal() else "",
        "hits": [hit(each, bank_of(request)) for each in found.hits if str(each.id) != relative] if found else [],
        "more": bool(found and found.more),
    }
    return render(request, "_hits.html", context)


def hit(found: search.Hit, bank: Bank) -> dict[str, Any]:
    """A customer found, as the lists below a search box show one."""
    where = "" if found.mine else found.rm or found.unit
    return {
        "who": {
            "id": found.id, "name": found.name, "call": found.honorific, "reading": found.reading, "tier": found.tier,
            "tier_name": bank.tier(found.tier).name.say(owed.speaks()),
        },
        "small": " · ".join(part for part in (found.mobile, where) if part),
    }  # fmt: skip


@policy("customers.view")
@require_safe
def find(request: ActingRequest) -> HttpResponse:
    """Enter in the search box: straight to the customer where the words mean one, else the list of who they may mean."""
    words = request.GET.get("q", "").strip()
    found = search.find(words, request.actor) if words else search.Found([], more=False)
    exact = [each for each in found.hits if each.name == words]
    if len(found.hits) == 1 or len(exact) == 1:
        return moved(request, reverse("customer", args=[(exact or found.hits)[0].id]))
    bank = bank_of(request)
    return render(
        request, "found.html", {"words": words, "hits": [hit(each, bank) for each in found.hits], "more": found.more}
    )
