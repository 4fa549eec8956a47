"""Customers: found, looked at, learned about; what belongs to them; who is responsible for them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from pydantic import Field

from zhike.api.approvals import ApprovalOut
from zhike.api.approvals import shown as approval_shown
from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of, locked, one, verb
from zhike.api.needs import NeedIn, NeedOut, NeedsOut
from zhike.api.needs import shown as need_shown
from zhike.api.problems import field_invalid
from zhike.api.shapes import Day, Id, IdOut, In, Line, Money, Named, Out, Text
from zhike.api.versions import match, stamp
from zhike.contacts import stopping
from zhike.contacts.card import told
from zhike.customers import profile, search
from zhike.customers.handover import ask_to_hand_over
from zhike.customers.models import Acquaintance, Consent, Customer, Household, Need, Relation
from zhike.customers.models.book import post_of
from zhike.customers.models.relation import leave_household
from zhike.customers.vault import mask_phone
from zhike.obligations import lifting, stops
from zhike.obligations.learning import learn
from zhike.obligations.working_list import WorkingList
from zhike.people.models import Staff
from zhike.people.permissions import policy

router = Router()

Kind = Literal["person", "company"]
Purpose = Literal["service", "greeting", "marketing", "profile"]
Channel = Literal["sms", "phone", "email", "wecom", "any"]
RelationKind = Literal["spouse", "child", "parent", "sibling", "partner", "assistant", "principal", "other"]
Stop = Literal["deceased", "closed", "do_not_disturb", "complaint"]
Age = Literal["", "under_14", "14_17", "adult"]


# ---------------------------------------------------------------------- what comes in


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


class ConsentIn(In):
    """A yes or a no with what shows it."""

    purpose: Purpose
    channel: Channel
    given: bool
    evidence: Text


class RelationIn(In):
    """Somebody who belongs to the customer; ``other`` where that is a customer too, whose own list says it the other way round.
    ``household``: both live in one. Of a child under fourteen nothing is kept but that there is one.
    """

    kind: RelationKind
    name: Line = ""
    age: Age = ""
    note: Text = ""
    other: Id | None = None
    household: bool = False


class AcquaintanceIn(In):
    """早已认识: met, or called, before Zhike kept count."""

    met: bool = False
    called: bool = False


class StopIn(In):
    """Why contact stops, since when (without a day: today), and what shows it."""

    why: Stop
    on: Day | None = None
    evidence: Annotated[Text, Field(min_length=1)]


class ResumeIn(In):
    """Why contact goes on. ``mistake``: the stop never was, and what it made impossible is owed again; else it is over."""

    reason: Annotated[Text, Field(min_length=1)]
    mistake: bool = False


class ReassignmentIn(In):
    """Another RM from a day on (without one: today), and why."""

    rm: Id
    from_day: Day | None = None
    reason: Text


# ---------------------------------------------------------------------- what goes out


class CustomerRow(Out):
    """``mobile`` is masked; ``reading`` is that of an unusual surname; ``mine``: in the reader's own book."""

    id: IdOut
    name: str
    reading: str
    honorific: str
    kind: Kind
    tier: str
    core_number: str
    mine: bool
    rm: str
    unit: str
    mobile: str


class CustomersOut(Out):
    """``more``: a search found more than it shows; type more of the name."""

    items: list[CustomerRow]
    next: str | None
    more: bool


class FieldOut(Out):
    """One profile field: its value (masked where ``sealed``), where it is from, since when, who entered it."""

    name: str
    label: str
    value: str
    sealed: bool
    source: str
    on: date | None
    by: IdOut | None
    contact: IdOut | None


class BirthdayOut(Out):
    """R5: in the calendar that the customer goes by; ``next``: the next five days when it is celebrated."""

    calendar: Literal["solar", "lunar"]
    year: int | None
    month: int
    day: int
    leap: bool
    next: list[date]


class AcquaintanceOut(Out):
    """First meeting and first call, with what they are known from; empty while there was none."""

    rm: Named
    first_met_at: datetime | None
    met_source: str
    first_called_at: datetime | None
    called_source: str
    last_contact_at: datetime | None
    meetings: int
    calls: int


class StandingOut(Out):
    """A stop in force. ``evidence`` and ``by`` are empty where it came with a file."""

    why: Stop
    since: date | None
    evidence: str
    by: str


class CustomerOut(Out):
    id: IdOut
    name: str
    reading: str
    honorific: str
    address_as: str
    kind: Kind
    gender: str
    tier: str
    tier_since: date | None
    assets: Money | None
    assets_day: date | None
    core_number: str | None
    rm: Named | None
    unit: Named
    household: IdOut | None
    birthday: BirthdayOut | None
    deceased_on: date | None
    closed_on: date | None
    do_not_disturb: bool
    complaint_open: bool
    stops: list[StandingOut]
    met_before: str
    called_before: str
    last_contact_at: datetime | None
    profile: list[FieldOut]
    gaps: list[str]
    acquaintances: list[AcquaintanceOut]
    warnings: list[str] = []
    created_at: datetime
    changed_at: datetime
    version: int


class RevealedOut(Out):
    field: str
    value: str


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
    """``owed`` is open or cannot be done, ``contacts`` the newest, ``contacts_all`` how many there are, ``ahead`` what is
    planned or agreed, ``known`` the acquaintance with the customer's own RM.
    """

    needs: list[dict[str, Any]]
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


class ConsentOut(Out):
    id: IdOut
    purpose: str
    channel: str
    given: bool
    evidence: str
    source: str
    at: datetime


class ConsentsOut(Out):
    items: list[ConsentOut]


class RelationOut(Out):
    id: IdOut
    kind: str
    name: str
    age: str
    note: str
    other: IdOut | None
    source: str
    at: datetime


class RelationsOut(Out):
    items: list[RelationOut]


COLUMNS = tuple(
    name
    for name in CustomerOut.model_fields
    if name not in {"rm", "unit", "birthday", "stops", "profile", "gaps", "acquaintances", "warnings"}
)


def row(customer: Customer, actor_id: int) -> dict[str, Any]:
    """A customer as lists and the search show one."""
    mobile = customer.open_value("mobile")
    return {
        "id": customer.pk,
        "name": customer.name,
        "reading": customer.reading,
        "honorific": customer.honorific,
        "kind": customer.kind,
        "tier": customer.tier,
        "core_number": customer.core_number or "",
        "mine": customer.rm_id == actor_id,
        "rm": customer.rm.name if customer.rm else "",
        "unit": customer.unit.name,
        "mobile": mask_phone(mobile) if mobile else "",
    }


def whole(request: Desk, customer: Customer, warnings: list[str] | None = None) -> dict[str, Any]:
    """A customer with all that is known; one statement beyond the row."""
    return {
        **{name: getattr(customer, name) for name in COLUMNS},
        "rm": customer.rm and {"id": customer.rm.pk, "name": customer.rm.name},
        "unit": {"id": customer.unit.pk, "name": customer.unit.name},
        "household": customer.household_id,
        "birthday": _birthday(request, customer),
        "stops": [
            {name: getattr(each, name) for name in StandingOut.model_fields} for each in stops.standing(customer)
        ],
        "profile": [_field(customer, field) for field in profile.FIELDS.values() if field.name in customer.profile],
        "gaps": [field.name for field in customer.gaps()],
        "acquaintances": [_acquaintance(each) for each in customer.acquaintances.select_related("rm").order_by("id")],
        "warnings": warnings or [],
    }


def _birthday(request: Desk, customer: Customer) -> dict[str, Any] | None:
    born = customer.birthday
    if born is None:
        return None
    bank = bank_of(request)
    return {
        **{name: getattr(born, name) for name in ("calendar", "year", "month", "day", "leap")},
        "next": customer.next_birthdays(request.now.astimezone(bank.zone).date(), bank),
    }


def _field(customer: Customer, field: profile.Field) -> dict[str, Any]:
    known = customer.profile[field.name]
    return {
        "name": field.name,
        "label": str(field.label),
        "value": customer.shown(field.name),
        "sealed": field.sealed,
        "source": known.get("src", ""),
        "on": known.get("on"),
        "by": known.get("by"),
        "contact": known.get("contact"),
    }


def _acquaintance(each: Acquaintance) -> dict[str, Any]:
    plain = {name: getattr(each, name) for name in AcquaintanceOut.model_fields if name != "rm"}
    return {**plain, "rm": {"id": each.rm_id, "name": each.rm.name}}


def answered(request: Desk, customer: Customer, response: HttpResponse, warnings: list[str] | None = None) -> Any:
    stamp(response, customer)
    return whole(request, customer, warnings)


def customers(request: Desk) -> Any:
    return Customer.objects.visible_to(request.actor).select_related("rm", "unit")


# ---------------------------------------------------------------------- operations


class Filters(Page):
    """``q``: a name or part of it, pinyin or initials, a phone's tail, a number; what is found comes on one page.

    The others make a working list, and all are to be true. Who is to be called or greeted leaves out customers with whom
    contact has stopped. ``silent``: not in touch for longer than the tier's rhythm, or for so many days. ``matures``: a holding
    matures within so many days. ``birthday``: celebrated, by the solar or the lunar calendar, within 14 days or this month.
    ``owed``: something owed to the customer is late. ``met``, ``called``: never by the customer's RM. ``sms``: no consent to
    marketing by SMS stands. Who sees more than 300 books says which with ``rm``.
    """

    q: Line = ""
    tier: Line | None = None
    kind: Kind | None = None
    rm: Id | None = None
    silent: Literal["rhythm", "30", "60", "90"] | None = None
    matures: Literal["30"] | None = None
    birthday: Literal["14", "month"] | None = None
    owed: Literal["late"] | None = None
    need: Literal["open"] | None = None
    met: Literal["never"] | None = None
    called: Literal["never"] | None = None
    mobile: Literal["missing"] | None = None
    sms: Literal["no_consent"] | None = None


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
    found = search.find(asked.q, request.actor)
    hits = [
        {name: getattr(hit, name) for name in CustomerRow.model_fields}
        for hit in found.hits
        if (not asked.tier or hit.tier == asked.tier) and (not asked.kind or hit.kind == asked.kind)
    ]
    return {"items": hits[: asked.limit], "next": None, "more": found.more}


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
    """Shows a sealed field in clear: counted against the day's number, and kept."""
    value = one(customers(request), id).reveal(body.field, **verb(request))
    return {"field": body.field, "value": value}


@router.post("customers/{id}/stops", response=CustomerOut)
@policy("customers.change")
def stop(request: Desk, id: Id, body: StopIn, response: HttpResponse) -> Any:
    """Contact stops: all of it after a death, with what lies ahead called off; greetings, campaigns and rhythm otherwise. Needs
    If-Match.
    """
    customer = locked(Customer.objects.visible_to(request.actor), id)
    match(request, customer, wanted=True)
    day = body.on or request.now.astimezone(bank_of(request).zone).date()
    stopping.stop(customer, body.why, on=day, evidence=body.evidence, **verb(request))
    return answered(request, one(customers(request), id), response)


@router.delete("customers/{id}/stops/{why}", response={200: CustomerOut, 202: ApprovalOut})
@policy("customers.change")
def resume(request: Desk, id: Id, why: Stop, asked: Query[ResumeIn], response: HttpResponse) -> Any:
    """The stop was entered by mistake, or is over; a death is only ever a mistake. A second person decides (`approvals`), but for
    one's own mistake of the last ten minutes. Needs If-Match.
    """
    customer = locked(Customer.objects.visible_to(request.actor), id)
    match(request, customer, wanted=True)
    waits = lifting.lift(customer, why, reason=asked.reason, mistake=asked.mistake, **verb(request))
    if waits is not None:
        return Status(202, approval_shown(waits, request.now))
    return answered(request, one(customers(request), id), response)


@router.get("customers/{id}/needs", response=NeedsOut)
@policy("customers.view")
def needs(request: Desk, id: Id, asked: Query[Page]) -> Any:
    """What the customer wants or wanted, the newest first."""
    heard = one(customers(request), id).needs.select_related("customer")
    if after := position(asked.cursor, int):
        heard = heard.filter(id__lt=after[0])
    some, more = page(heard.order_by("-id")[: asked.limit + 1], asked.limit, lambda each: (each.pk,))
    return {"items": [need_shown(each) for each in some], "next": more}


@router.post("customers/{id}/needs", response={201: NeedOut})
@policy("customers.change")
def hear(request: Desk, id: Id, body: NeedIn) -> Any:
    """A need that the customer spoke of."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    return need_shown(Need.objects.hear(customer, body.kind, body.words, actor=request.actor, now=request.now))


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


@router.get("customers/{id}/consents", response=ConsentsOut)
@policy("customers.view")
def consents(request: Desk, id: Id) -> Any:
    """What counts now: the newest word for each purpose and channel."""
    return {"items": [_consent(each) for each in Consent.objects.standing(one(customers(request), id))]}


@router.post("customers/{id}/consents", response={201: ConsentOut})
@policy("customers.change")
def consent(request: Desk, id: Id, body: ConsentIn) -> Any:
    """A yes or a no, with what shows it."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    given = body.model_dump()
    return _consent(Consent.objects.record(customer, **given, source="contact", actor=request.actor, now=request.now))


def _consent(each: Consent) -> dict[str, Any]:
    return {name: getattr(each, name) for name in ConsentOut.model_fields}


@router.get("customers/{id}/relations", response=RelationsOut)
@policy("customers.view")
def relations(request: Desk, id: Id) -> Any:
    """Who belongs to the customer, whichever of two customers it was entered for."""
    return {"items": [_relation(each) for each in Relation.objects.of(one(customers(request), id))]}


@router.post("customers/{id}/relations", response={201: RelationOut})
@policy("customers.change")
def relate(request: Desk, id: Id, body: RelationIn) -> Any:
    """Somebody who belongs to the customer."""
    visible = Customer.objects.visible_to(request.actor)
    customer = locked(visible, id)
    given = body.model_dump()
    other = given["other"] = one(visible, body.other) if body.other else None
    united = given.pop("household")
    acting: dict[str, Any] = {"actor": request.actor, "now": request.now}
    if united and other is None:
        raise field_invalid("household", _("Say with which customer: `other`."))
    relation = Relation.objects.learn(customer, given.pop("kind"), **given, **acting)
    if other is not None and united:
        Household.objects.unite(customer, other, **acting)
    return _relation(relation)


@router.delete("customers/{id}/relations/{relation}", response=RelationsOut)
@policy("customers.change")
def forget(request: Desk, id: Id, relation: Id) -> Any:
    """It was a mistake, or is over; gone from both customers' lists. Answers with what is left."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    held = Relation.objects.filter(Q(customer=customer) | Q(other=customer)).select_related("customer", "other")
    one(held, relation).forget(actor=request.actor)
    return {"items": [_relation(each) for each in Relation.objects.of(customer)]}


@router.delete("customers/{id}/household", response=CustomerOut)
@policy("customers.change")
def move_out(request: Desk, id: Id, response: HttpResponse) -> Any:
    """The customer belongs to no household any more. Needs If-Match."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    match(request, customer, wanted=True)
    leave_household(customer, actor=request.actor, now=request.now)
    return answered(request, one(customers(request), id), response)


def _relation(each: Relation) -> dict[str, Any]:
    plain = {name: getattr(each, name) for name in RelationOut.model_fields if name != "other"}
    return {**plain, "other": each.other_id}


@router.post("customers/{id}/acquaintance", response=AcquaintanceOut)
@policy("customers.change")
def attest(request: Desk, id: Id, body: AcquaintanceIn) -> Any:
    """早已认识: attests that one has met or called the customer before."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    return _acquaintance(Acquaintance.objects.attest(customer, request.actor, met=body.met, called=body.called))


@router.post("customers/{id}/reassignment", response={202: ApprovalOut})
@policy("customers.reassign")
def hand_over(request: Desk, id: Id, body: ReassignmentIn) -> Any:
    """Asks for another RM for the customer, from a day on; a second leader decides (`approvals`)."""
    customer = locked(Customer.objects.visible_to(request.actor), id)
    rm = one(Staff.objects.filter(pk__in=request.actor.writes), body.rm)
    day = body.from_day or request.now.astimezone(bank_of(request).zone).date()
    asked = ask_to_hand_over(customer, rm.pk, day, body.reason, actor=request.actor, now=request.now)
    return approval_shown(asked, request.now)
