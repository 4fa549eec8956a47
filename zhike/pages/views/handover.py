"""客户归属 · Another RM for one customer: the leader asks here, a second leader decides under approvals.

Domain: :mod:`zhike.customers.handover`.
"""

from __future__ import annotations

from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods

from zhike.conduct.words import Refused
from zhike.customers import handover
from zhike.customers.checks import Unaccepted
from zhike.customers.full_books import full_with
from zhike.pages.answer import moved
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_to_change
from zhike.people.permissions import policy


@policy("customers.reassign")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest, customer: int) -> HttpResponse:
    """To whom, from when, why."""
    found, today = customer_to_change(request, customer), local(request.now).date()
    given, wrong = request.POST.dict(), ""
    others = handover.candidates(request.actor, found, today)
    if request.method == "POST":
        try:
            day = date.fromisoformat(str(given.get("from_day", "")))
        except ValueError:
            wrong = gettext("“%(said)s” is no date. Write it like 2026-03-01.") % {"said": given.get("from_day", "")}
        if not wrong and str(given.get("rm", "")) not in {str(other.pk) for other in others}:
            wrong = gettext("Choose who takes the customer over.")
        if not wrong:
            try:
                reason = str(given.get("reason", ""))
                handover.ask_to_hand_over(
                    found, int(str(given["rm"])), day, reason, actor=request.actor, now=request.now
                )
            except Refused as refused:
                wrong = refused.words.say(get_language() or "")
            except Unaccepted as unaccepted:
                wrong = str(unaccepted)
        if not wrong:
            said = gettext("Asked for. A second person has to approve it.")
            bank = bank_of(request)
            for too_many in full_with([(found.pk, int(str(given["rm"])))], bank).values():
                over = gettext("With this customer the book is over its size: %(words)s.")
                said = f"{said} {over % {'words': too_many.words(bank)}}"
            return moved(request, reverse("customer", args=[found.pk]), said)
    context = {
        "customer": found,
        "rm": found.rm.name if found.rm else "",
        "others": [(str(other.pk), f"{other.name} {other.number}") for other in others],
        "given": {"from_day": today.isoformat(), **given},
        "wrong": wrong,
    }
    return render(request, "handover.html", context, status=422 if wrong else 200)
