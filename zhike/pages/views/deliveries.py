"""送达 · What is to be carried to customers, one's own and, for who leads, the team's: filters in the address, as a file, and a new one.

Domain: :mod:`zhike.work.deliveries`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct.measure import deliveries as reckoned
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.exported import ROWS as MOST
from zhike.pages.exported import exported, wanted
from zhike.pages.jinja import left_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.assignments import due_of
from zhike.pages.views.outings import meant, named
from zhike.people.actor import Actor
from zhike.people.permissions import may, policy
from zhike.work import deliveries
from zhike.work.models import Delivery
from zhike.work.models.delivery import OWED, State

ROWS = 30
MEASURED = timedelta(days=92)
STATES = ("owed", "late", "delivered", "called_off")


@policy("deliveries.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?of=team`` others'; ``?state=owed`` and so on; ``?customer=7``; ``?before=`` page by page; ``?as=csv|xlsx``."""
    now, actor = request.now, request.actor
    carries, watches = may(actor, "deliveries.change"), may(actor, "team.view")
    of = "team" if watches and (request.GET.get("of") == "team" or not carries) else ""
    state = request.GET.get("state", "owed" if not request.GET.get("customer") else "")
    state = state if state in STATES else ""
    customer = number(request.GET.get("customer"))
    rows = Delivery.objects.visible_to(actor).select_related("holder", "offered_to", "by")
    mine = Q(holder=actor.id) | Q(offered_to=actor.id) | Q(by=actor.id)
    rows = rows.exclude(mine) if of else rows if customer else rows.filter(mine)
    if customer:
        rows = rows.filter(customer=customer)
    shown = narrowed(rows, state, now)
    if wanted(request):  # whom one only covers is left out: an export is asked for with a role
        return _file(request, shown.exclude(~mine, customer__in=Customer.objects.filter(keeper__among=actor.lent)))
    if before := number(request.GET.get("before")):
        shown = shown.filter(pk__lt=before)
    page = list(shown.order_by("-pk")[: ROWS + 1])
    address = partial(_address, {"of": of, "state": state or "all", "customer": str(customer or "")})
    context = {
        "of": of,
        "carries": carries,
        "new": f"{reverse('delivery_new')}?customer={customer}" if customer else reverse("delivery_new"),
        "rows": [line(each, actor, now) for each in page[:ROWS]],
        "sides": [
            {"text": gettext("Mine"), "href": address(of=""), "current": not of},
            {"text": pgettext("outings", "Team"), "href": address(of="team"), "current": bool(of)},
        ]
        if watches and carries
        else [],
        "states": [
            {"text": _state(name), "href": address(state=name or "all"), "current": name == state}
            for name in ("owed", "late", "delivered", "called_off", "")
        ],
        "kept": measured(rows, now),
        "older": address(before=str(page[ROWS - 1].pk)) if len(page) > ROWS else None,
        "start": address() if before else None,
        "files": [("CSV", address(**{"as": "csv"})), ("XLSX", address(**{"as": "xlsx"}))],
        "tip": owed.tip,
    }
    return render(request, "deliveries.html", context)


def _address(asked: dict[str, str], **more: str) -> str:
    given = {name: value for name, value in {**asked, **more}.items() if value}
    return f"{reverse('deliveries')}?{urlencode(given)}"


def _state(name: str) -> str:
    return {
        "": pgettext("outings", "All"), "owed": gettext("To be delivered"), "late": pgettext("deliveries", "Overdue or late"),
        "delivered": pgettext("deliveries", "Delivered"), "called_off": pgettext("outings", "Called off"),
    }[name]  # fmt: skip


def narrowed(rows: QuerySet[Delivery], state: str, now: datetime) -> QuerySet[Delivery]:
    """Those in a state; ``late``: overdue, or delivered after their date."""
    match state:
        case "owed":
            return rows.filter(state__in=OWED)
        case "late":
            return rows.filter(Q(state__in=OWED, due__lt=now) | Q(state="delivered", closed_at__gt=F("due")))
        case "delivered" | "called_off":
            return rows.filter(state=state)
    return rows


def measured(rows: QuerySet[Delivery], now: datetime) -> Any:
    """Of those due in the last three months and to come: in time, late, overdue. One query."""
    some = rows.filter(due__gt=now - MEASURED).exclude(state=State.CALLED_OFF)
    return reckoned(some.values_list("due", "closed_at"), now)


def stands(each: Delivery, now: datetime) -> tuple[str, str | None, str]:
    """Where it stands, with look and mark."""
    match each.state:
        case State.DELIVERED:
            late = each.is_late(now)
            return (pgettext("delivery", "delivered late") if late else str(each.get_state_display())), ("soon" if late else "on"), "check"  # fmt: skip
        case State.CALLED_OFF:
            return str(each.get_state_display()), None, "x"
    if each.is_late(now):
        return left_text(each.due, now), "late", "alert"
    return str(each.get_state_display()), "soon" if each.state == State.OFFERED else None, "clock"


def line(each: Delivery, actor: Actor, now: datetime) -> dict[str, Any]:
    """A delivery in the list."""
    return {
        "href": reverse("delivery", args=[each.pk]),
        "what": each.what,
        "to": each.recipient,
        "holder": each.holder.name,
        "offered": each.offered_to.name if each.offered_to else "",
        "mine": each.offered_to_id == actor.id,
        "due": when_text(each.due, now),
        "state": stands(each, now),
        "received": f"{each.received_by} {when_text(each.closed_at, now)}" if each.received_by and each.closed_at else "",
    }  # fmt: skip


def _file(request: ActingRequest, rows: QuerySet[Delivery]) -> HttpResponse:
    columns = [
        pgettext("deliveries", "What"), gettext("Recipient"), gettext("Place"), gettext("By when"), gettext("In whose hand"), gettext("State"),
        gettext("Received by"), pgettext("deliveries", "Receipt"), gettext("Closed on"), gettext("Why"),
    ]  # fmt: skip
    return exported(request, "deliveries", "work_delivery", columns, _lines(rows.order_by("-pk")[:MOST]))


def _lines(rows: QuerySet[Delivery]) -> Iterator[list[Any]]:
    for each in rows:
        yield [
            each.what, each.recipient, each.place, each.due, each.holder.name, str(each.get_state_display()), each.received_by,
            str(each.get_how_display()) if each.how else "", each.closed_at, each.why,
        ]  # fmt: skip


@policy("deliveries.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """``?customer=7``: to whom; else by name, of one's own book."""
    if request.method != "POST":
        return _form(request, request.GET)
    given, bank = request.POST, bank_of(request)
    try:
        due = due_of(given, bank)
        if due is None:
            raise deliveries.Unfit("due", "请写明日期，如 2026-03-02，也可写时间：15:30。", "Say the day, such as 2026-03-02, and if you like the time: 15:30.")  # fmt: skip
        customer = meant(_book(request, given), given.get("customer_name", "")) or 0
        with transaction.atomic():
            made = deliveries.enter(
                customer, given.get("what", ""), due, place=given.get("place", ""), actor=request.actor, now=request.now, bank=bank
            )  # fmt: skip
    except deliveries.Unfit as unfit:
        return _form(request, given, {unfit.field: unfit.words.say(get_language() or "")}, 422)
    except Refused as refused:
        return _form(request, given, {"": refused.words.say(get_language() or "")}, 422)
    return moved(request, reverse("delivery", args=[made.pk]), gettext("Entered. It is owed by its date."))


def _form(
    request: ActingRequest, given: QueryDict, wrong: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    book, asked = _book(request, given), number(given.get("customer"))
    context = {
        "given": given,
        "asked": asked or "",
        "name": given.get("customer_name") or next((name for name, id in book.items() if id == asked), ""),
        "customers": book,
        "whats": [gettext("interest slip"), gettext("settlement slip"), gettext("statement of account"), gettext("contract"), gettext("invoice")],
        "earliest": local(request.now).date().isoformat(),
        "wrong": wrong or {},
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "delivery_new.html", context, status=status)


def _book(request: ActingRequest, given: QueryDict) -> dict[str, int]:
    """Of whom one may choose; in a book too long to lie ready also whoever was asked for."""
    book, asked = named(request.actor), number(given.get("customer"))
    if asked and asked not in book.values():
        own = Customer.objects.visible_to(request.actor).filter(pk=asked, closed_on=None)
        book.update(own.values_list("name", "pk"))
    return book


def seen(customer: int, actor: Actor) -> bool:
    """Whether a customer is in sight, so that their name may lead to their page. One query."""
    return Customer.objects.visible_to(actor).filter(pk=customer).exists()
