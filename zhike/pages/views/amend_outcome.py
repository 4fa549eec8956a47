"""更正通话结果 · The outcome of a call that was tapped wrongly: what is withdrawn and newly owed is seen before it is saved.

Domain: :func:`zhike.contacts.correction.amend`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from zhike.conduct.guard import Blocked
from zhike.contacts import correction
from zhike.contacts.models import Contact, Kind, Outcome, State
from zhike.pages import owed
from zhike.pages.answer import complaints, contact_for, in_course, moment, moved, time_missing
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.talk import OUTCOMES
from zhike.people.permissions import Refused, policy

Said = dict[str, tuple[str, str]]


@policy("contacts.change")
@require_http_methods(["GET", "HEAD", "POST"])
@in_course
def show(request: ActingRequest, contact: int) -> HttpResponse:
    """POST ``outcome``, the minute of the call-back where one was agreed, ``reason``: shows what follows; with ``knowing``, what
    was shown, it is saved.
    """
    found = contact_for(request, contact)
    if found.kind != Kind.CALL or found.state not in {State.ENDED, State.CLOSED}:
        return moved(request, reverse("contact", args=[found.pk]))
    if not found.customer.changeable_by(request.actor):
        raise Refused(gettext("This customer is looked after by somebody else."), "contacts.change")
    if request.method != "POST":
        return _page(request, found, QueryDict(), {})
    given = request.POST
    changes, said = _changes(given, found, request)
    told: dict[str, Any] = {"reason": given.get("reason", ""), "actor": request.actor, "now": request.now}
    try:
        if said:
            return _page(request, found, given, said, status=422)
        follows = correction.foreseen(found, changes, bank=bank_of(request), **told)
        knowing = f"{changes} {follows.digest}"
        if given.get("knowing") != knowing:
            return _page(request, found, given, {}, follows=follows, knowing=knowing)
        correction.amend(found, changes, bank=bank_of(request), **told)
    except Blocked as blocked:
        return _page(request, found, given, complaints(blocked), status=422)
    return moved(request, reverse("contact", args=[found.pk]), gettext("Amended; what it said before is kept."))


def _changes(given: QueryDict, found: Contact, request: ActingRequest) -> tuple[dict[str, Any], Said]:
    """What is to be said of the call, and what is missing for it."""
    outcome, said = given.get("outcome", ""), {}
    if outcome not in Outcome.values:
        return {}, {"outcome": ("", gettext("Choose what came of the call."))}
    waits, no_time = outcome in {Outcome.ABSENT, Outcome.BUSY}, given.get("no_time") == "yes"
    again = moment(given.get("again_day", ""), given.get("again_time", ""), bank_of(request)) if waits else None
    if waits and again is None and not no_time:
        said["call_back_at"] = ("C5", time_missing())
    changes = {"outcome": outcome, "call_back_at": None if no_time else again}
    if not said and (outcome, changes["call_back_at"]) == (found.outcome, found.call_back_at):
        said["outcome"] = ("", gettext("It says so already."))
    return changes, said


def _page(
    request: ActingRequest,
    found: Contact,
    given: QueryDict,
    said: Said,
    *,
    status: int = 200,
    follows: correction.Foreseen | None = None,
    knowing: str = "",
) -> HttpResponse:
    c, now = found.customer, request.now
    again = local(found.call_back_at) if found.call_back_at else None
    context = {
        "contact": found,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank_of(request), c.kind),
        "outcomes": [(outcome, text()) for outcome, _icon, text, _hint in OUTCOMES],
        "again": (again.date() if again else local(now).date()).isoformat(),
        "again_time": f"{again:%H:%M}" if again else "",
        "follows": _follows(follows, request) if follows else [],
        "shown": follows is not None,
        "knowing": knowing,
        "given": given,
        "said": said,
        "tip": owed.tip,
    }
    return render(request, "amend_outcome.html", context, status=status)


def _follows(follows: correction.Foreseen, request: ActingRequest) -> list[tuple[str, list[dict[str, Any]]]]:
    """In words; what is not owed yet has no page to lead to."""
    parts = (
        (gettext("Is withdrawn"), follows.withdrawn, True),
        (gettext("Is newly owed"), follows.owed, False),
        (gettext("Is owed again"), follows.again, True),
        (gettext("Is done by it"), follows.done, True),
    )
    return [
        (heading, [{**owed.in_short(row, request.now), **({} if is_there else {"id": None})} for row in rows])
        for heading, rows, is_there in parts
        if rows
    ]
