"""A customer as the API shows one: with what is known, what is missing, what stops contact."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpResponse

from zhike.api.desk import Desk, bank_of
from zhike.api.shapes import IdOut, Money, Named, Out
from zhike.api.versions import stamp
from zhike.customers import profile
from zhike.customers.models import Acquaintance, Customer
from zhike.customers.vault import mask_phone
from zhike.obligations import stops

Kind = Literal["person", "company"]
Stop = Literal["deceased", "closed", "do_not_disturb", "complaint"]


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
    known = list(customer.acquaintances.select_related("rm").order_by("id"))
    return {
        **{name: getattr(customer, name) for name in COLUMNS},
        **_before(request, customer, known),
        "rm": customer.rm and {"id": customer.rm.pk, "name": customer.rm.name},
        "unit": {"id": customer.unit.pk, "name": customer.unit.name},
        "household": customer.household_id,
        "birthday": _birthday(request, customer),
        "stops": [
            {name: getattr(each, name) for name in StandingOut.model_fields} for each in stops.standing(customer)
        ],
        "profile": [_field(customer, field) for field in profile.FIELDS.values() if field.name in customer.profile],
        "gaps": [field.name for field in customer.gaps()],
        "acquaintances": [_acquaintance(each) for each in known],
        "warnings": warnings or [],
    }


def _before(request: Desk, customer: Customer, known: list[Acquaintance]) -> dict[str, str]:
    """Whether the customer's own RM has met, or called, by what was kept here; the imported book's word where nothing was."""
    counts = [each for each in known if bank_of(request).acquaintance == "bank" or each.rm_id == customer.rm_id]

    def said(happened: bool, imported: str) -> str:
        if happened:
            return "yes"
        return "no" if known and imported == "yes" else imported  # "yes" was said of another RM

    return {
        "met_before": said(any(each.met_source for each in counts), customer.met_before),
        "called_before": said(any(each.called_source for each in counts), customer.called_before),
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
