"""留痕 · What happened, for those who look after it: by person, by customer, by act, with who was shown what how often.

Everybody's own part is on the page "me". Domain: :mod:`zhike.trail.models`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from zhike.customers.models import Customer
from zhike.pages import kept
from zhike.pages.answer import number
from zhike.pages.middleware import ActingRequest
from zhike.people.models import Staff
from zhike.people.permissions import policy
from zhike.trail.models import Entry, note

ROWS = 50
DAYS = 30
ACCOUNT = "people_staff"  # of which the trail names the person, not the number of a row
ACTS = ("insert", "update", "delete", "reveal", "search", "download", "export", "refused", "sign_in", "sign_in_failed", "sign_out",
        "unlock", "end_sessions", "revoke", "second_factor_off")  # fmt: skip


@policy("trail.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?who=`` a staff number, ``?customer=`` a core number or id, ``?act=reveal``, ``?before=`` an entry's id."""
    query = {name: request.GET.get(name, "").strip() for name in ("who", "customer", "act", "before")}
    rows, wrong = Entry.objects.newest_first(before=number(query["before"])), ""
    if query["who"]:
        staff = Staff.objects.filter(number=query["who"]).first()
        rows = rows.filter(Q(actor_id=staff.pk) | Q(on_behalf_id=staff.pk)) if staff else rows.none()
        wrong = "" if staff else gettext("No account has this staff number.")
    if query["customer"]:
        customer = _customer(request, query["customer"])
        rows = rows.filter(customer_id=customer) if customer else rows.none()
        wrong = wrong or ("" if customer else gettext("No customer in your scope has this number."))
        if customer:
            note(action="look_up", object="trail_entry", now=request.now, customer_id=customer)
    if query["act"] in ACTS:
        rows = rows.filter(action=query["act"])
    page = list(rows[: ROWS + 1])
    people = {id for e in page for id in (e.actor_id, e.on_behalf_id) if id} | {
        e.row_id for e in page if e.object == ACCOUNT and e.row_id
    }
    names = dict(Staff.objects.filter(pk__in=people).values_list("pk", "name"))
    context = {
        "rows": [_row(entry, names) for entry in page[:ROWS]],
        "query": query,
        "wrong": wrong,
        "acts": [("", gettext("every act")), *((act, kept.acts()[act]) for act in ACTS)],
        "older": _address({**query, "before": str(page[ROWS - 1].pk)}) if len(page) > ROWS else None,
        "reveals": _reveals(request),
        "days": DAYS,
    }
    return render(request, "trail.html", context)


def _customer(request: ActingRequest, text: str) -> int | None:
    visible = Customer.objects.visible_to(request.actor)
    found = visible.filter(core_number=text).first()
    if found is None:
        found = visible.filter(pk=number(text) or 0).first()
    return found.pk if found else None


def _row(entry: Entry, names: dict[int, str]) -> dict[str, Any]:
    return {
        "at": entry.at,
        "who": kept.who(entry, names),
        "act": kept.acts().get(entry.action, entry.action),
        "object": kept.thing(entry),
        "row": names.get(entry.row_id or 0, entry.row_id) if entry.object == ACCOUNT else entry.row_id,
        "href": kept.page(entry),
        "customer": entry.customer_id,
        "fields": kept.listed(entry, 8),
    }


def _reveals(request: ActingRequest) -> list[dict[str, Any]]:
    """Who was shown personal data or looked for it by a whole number how often of late, most first: where a leak would begin."""
    since = request.now - timedelta(days=DAYS)
    counts = (
        Entry.objects.filter(action__in=["reveal", "search"], at__gte=since)
        .values("actor_id")
        .annotate(times=Count("id"), customers=Count("customer_id", distinct=True))
        .order_by("-times")[:10]
    )
    names = dict(Staff.objects.filter(pk__in=[row["actor_id"] for row in counts]).values_list("pk", "name"))
    return [
        {"who": names.get(row["actor_id"] or 0, "—"), "times": row["times"], "customers": row["customers"]}
        for row in counts
    ]


def _address(query: dict[str, str]) -> str:
    return f"{reverse('trail')}?{urlencode({name: value for name, value in query.items() if value})}"
