"""差异 · Where the core system says another thing than somebody here learned.

Domain: :class:`zhike.customers.models.Difference`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from zhike.customers.checks import Unaccepted
from zhike.customers.models import Difference
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import check, may, policy

ROWS = 100


@policy("customers.view")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """Open differences in scope; POST ``difference`` and ``take`` (1 or 0) decides one."""
    open_rows = _open(request)
    if request.method == "POST":
        check(request.actor, "customers.change")
        chosen = number(request.POST.get("difference"))
        row = open_rows.filter(pk=chosen or 0, customer__keeper__among=request.actor.writes)
        difference = row.select_related("customer").first()
        try:
            if difference is None:
                raise Unaccepted(gettext("This difference is decided already."))
            difference.decide(
                take=request.POST.get("take") == "1", actor=request.actor, now=request.now, bank=bank_of(request)
            )
        except Unaccepted as error:
            return _page(request, open_rows, wrong=str(error))
        return moved(request, reverse("differences"), gettext("Decided."))
    return _page(request, open_rows)


def _open(request: ActingRequest) -> Any:
    return Difference.objects.filter(state=Difference.State.OPEN, customer__keeper__among=request.actor.sees)


def waiting(request: ActingRequest) -> str:
    """How many wait in the reader's scope, for whoever leads there: "12", "100+"; empty for none."""
    if not may(request.actor, "customers.view"):
        return ""
    count = _open(request)[: ROWS + 1].count()
    return f"{ROWS}+" if count > ROWS else str(count or "")


def _page(request: ActingRequest, open_rows: Any, wrong: str = "") -> HttpResponse:
    rows = open_rows.select_related("customer__rm", "customer__unit").order_by("customer__sort_key", "field")[
        : ROWS + 1
    ]
    context = {
        "rows": [_row(row) for row in rows[:ROWS]],
        "more": len(rows) > ROWS,
        "may_decide": may(request.actor, "customers.change"),
        "wrong": wrong,
    }
    return render(request, "differences.html", context, status=422 if wrong else 200)


def _row(row: Difference) -> dict[str, Any]:
    entry = row.customer.profile.get(row.field, {})
    return {
        "pk": row.pk,
        "customer": row.customer_id,
        "name": row.customer.name,
        "field": row.label,
        "theirs": row.shown,
        "ours": row.ours,
        "since": entry.get("on", ""),
        "takeable": row.takeable,
        "elsewhere": _elsewhere(row),
        "seen": local(row.seen_at).date().isoformat(),
    }


def _elsewhere(row: Difference) -> str:
    """Where what is not simply taken over is changed."""
    if row.takeable:
        return ""
    return reverse("hand_over" if row.field in ("rm", "unit") else "stops", args=[row.customer_id])
