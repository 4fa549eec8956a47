"""Customers found, listed, entered, looked at, learned about; a sealed field shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db.models import Q
from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import Field

from zhike.api.answers import afresh
from zhike.api.cursors import Page, page, position
from zhike.api.customers.customer import CustomerOut, CustomerRow, Kind, answered, customers, row
from zhike.api.desk import Desk, bank_of, locked, one, verb
from zhike.api.problems import field_invalid
from zhike.api.shapes import Id, In, Line, Out, Text
from zhike.api.versions import match
from zhike.customers import search
from zhike.customers.full_books import full
from zhike.customers.models import Customer
from zhike.customers.models.book import post_of
from zhike.customers.models.customer import Exhausted
from zhike.obligations.learning import learn
from zhike.obligations.working_list import WorkingList
from zhike.people.models import Staff
from zhike.people.permissions import policy

router = Router()


class CustomerIn(In):
    """A new customer, in the book of ``rm`` (without one: one's own) from today on."""

    name: Annotated[Line, Field(min_length=1)]
    kind: Kind = "person"
    rm: Id | None = None
    fields: Annotated[dict[Line, Text], Field(max_length=50)] = {}


class LearnedIn(In):
    """Profile fields by name, as /customers/{id} shows them; an empty text forgets one. ``contact``: where it was learned."""

    fields: Annotated[dict[Line, Text], Field(min_length=1, max_length=50)]
    source: Literal["contact", "self"] = "contact"
    contact: Id | None = None


class RevealIn(In):
    field: Line


class CustomersOut(Out):
    """``more``: a search found more than it shows; type more of the name."""

    items: list[CustomerRow]
    next: str | None
    more: bool


class RevealedOut(Out):
    field: str
    value: str


class Filters(Page):
    """``q`` by itself; the others make a working list, and all are to be true."""

    q: Annotated[
        Line,
        Field(
            description="A name or part of it, pinyin or initials, a phone's tail, a number. What is found is one page. A whole number"
            " looked for beyond one's own customers is kept, and counted with what is revealed."
        ),
    ] = ""
    tier: Line | None = None
    kind: Kind | None = None
    rm: Annotated[
        Id | None, Field(description="Whose book. For a working list, who sees more than 300 books says which.")
    ] = None
    silent: Annotated[
        Literal["rhythm", "30", "60", "90"] | None,
        Field(
            description="Not in touch for longer than the tier's rhythm, or for so many days; not whom one must not call."
        ),
    ] = None
    matures: Annotated[Literal["30"] | None, Field(description="A holding matures within so many days.")] = None
    birthday: Annotated[
        Literal["14", "month"] | None,
        Field(description="Celebrated, by the solar or the lunar calendar, within 14 days or in this month."),
    ] = None
    owed: Annotated[Literal["late"] | None, Field(description="Something owed to the customer is late.")] = None
    need: Annotated[Literal["open"] | None, Field(description="A need is open.")] = None
    met: Annotated[
        Literal["never"] | None, Field(description="Never met by the RM; where the bank counts so, by anybody.")
    ] = None
    called: Annotated[Literal["never"] | None, Field(description="Likewise for calls.")] = None
    mobile: Annotated[Literal["missing"] | None, Field(description="No mobile number is known.")] = None
    sms: Annotated[Literal["no_consent"] | None, Field(description="No consent to marketing by SMS stands.")] = None


# Through how many books a working list is looked for at once.
BOOKS = 300


@router.get("customers", response=CustomersOut)
@policy("customers.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """Customers in the reader's scope, book by book in order of names; with ``q`` those that it may mean, own first. Without
    ``q``, a working list of them.
    """
    if asked.q.strip():
        return _found(request, asked)
    listed = WorkingList.of(asked.model_dump(), request.now, bank_of(request))
    if listed.chosen and not asked.rm and len(request.actor.sees) > BOOKS:
        raise field_invalid("rm", _("You see more than 300 books: say with `rm` whose is to be looked through."))
    found: Any = listed.narrow(customers(request))
    for name in ("tier", "kind", "rm"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    if after := position(asked.cursor, int, str, int):
        keeper, sort_key, id = after
        following = Q(sort_key__gt=sort_key) | Q(sort_key=sort_key, id__gt=id)
        found = found.filter(Q(keeper__gt=keeper) | Q(following, keeper=keeper))
    some, more = page(
        found.order_by("keeper", "sort_key", "id")[: asked.limit + 1],
        asked.limit,
        lambda each: (each.keeper, each.sort_key, each.pk),
    )
    return {"items": [row(each, request.actor.id) for each in some], "next": more, "more": False}


def _found(request: Desk, asked: Filters) -> dict[str, Any]:
    found = search.find(asked.q, **verb(request))
    if found.spent and not found.hits:
        raise Exhausted(bank_of(request))
    hits = [
        {name: getattr(hit, name) for name in CustomerRow.model_fields}
        for hit in found.hits
        if (not asked.tier or hit.tier == asked.tier) and (not asked.kind or hit.kind == asked.kind)
    ]
    return {"items": hits[: asked.limit], "next": None, "more": found.more or len(hits) > asked.limit}


@router.post("customers", response={201: CustomerOut})
@policy("customers.create")
def create(request: Desk, body: CustomerIn, response: HttpResponse) -> Any:
    """A customer whom no import brought."""
    rm = one(Staff.objects.filter(pk__in=request.actor.writes), body.rm or request.actor.id)
    unit = post_of(rm.pk, request.now.astimezone(bank_of(request).zone).date()).unit_id
    customer = Customer.objects.enter(
        name=body.name, kind=body.kind, unit_id=unit, rm_id=rm.pk, actor=request.actor, now=request.now
    )
    warnings = learn(customer, body.fields, source="contact", **verb(request)) if body.fields else []
    bank = bank_of(request)
    warnings += [
        _("The book is over its size: %(words)s.") % {"words": each.words(bank)}
        for each in full([rm.pk], bank)
        if each.tier == customer.tier
    ]
    response["Location"] = f"/api/v1/customers/{customer.pk}"
    return answered(request, one(customers(request), customer.pk), response, warnings)


@router.get("customers/{id}", response=CustomerOut)
@policy("customers.view")
def get(request: Desk, id: Id, response: HttpResponse) -> Any:
    """One customer with what is known, what is missing, and since when they know each other."""
    return answered(request, one(customers(request), id), response)


@router.patch("customers/{id}", response=CustomerOut)
@policy("customers.change")
def change(request: Desk, id: Id, body: LearnedIn, response: HttpResponse) -> Any:
    """What was learned, with its source; what was to be found out is done. Needs If-Match."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    match(request, customer, wanted=True)
    contact = one(customer.contacts.all(), body.contact).pk if body.contact else None
    warnings = learn(customer, body.fields, source=body.source, contact=contact, **verb(request))
    return answered(request, one(customers(request), id), response, warnings)


@router.post("customers/{id}/reveal", response=RevealedOut)
@policy("customers.reveal")
def reveal(request: Desk, id: Id, body: RevealIn) -> Any:
    """Shows a sealed field in clear: counted against the day's number, and kept. Sent again with its Idempotency-Key it is shown,
    counted and kept again.
    """
    afresh(request)
    value = one(customers(request), id).reveal(body.field, **verb(request))
    return {"field": body.field, "value": value}
