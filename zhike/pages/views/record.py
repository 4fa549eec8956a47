"""联系详情 · A contact that is over: what was written, by whom, and what was amended since; amended here with a reason.

Domain: :mod:`zhike.contacts.correction`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from zhike.conduct import brief
from zhike.conduct.bank import Bank
from zhike.conduct.guard import Blocked
from zhike.contacts import correction, stopping
from zhike.contacts.models import Amendment, Contact, Kind, Outcome, State
from zhike.obligations.models import Finding
from zhike.pages import kinds, owed
from zhike.pages.answer import complaints, contact_for, in_course, moment, moved, time_missing
from zhike.pages.jinja import day_text, local, span
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.write_up import RESULTS, lines, promised
from zhike.people.permissions import may, policy


@policy("contacts.view")
@require_http_methods(["GET", "HEAD", "POST"])
@in_course
def show(request: ActingRequest, contact: int) -> HttpResponse:
    """A contact that is over: what was written, by whom, and what was amended since. POST amends with a reason."""
    found, bank = contact_for(request, contact), bank_of(request)
    if request.method != "POST":
        return _page(request, found, bank, QueryDict(), {})
    given = request.POST
    changes: dict[str, Any] = {
        name: given[name]
        for name in ("result", "result_words")
        if name in given and given[name] != getattr(found, name)
    }
    refused: dict[str, tuple[str, str]] = {}
    changes |= _times(given, found, bank, refused)
    demands, promises = lines(given, "demand"), promised(given, bank, refused)
    told: dict[str, Any] = {"reason": given.get("reason", ""), "actor": request.actor, "now": request.now, "bank": bank}
    try:
        if refused:
            return _page(request, found, bank, given, refused, 422)
        # What is forgotten is added last: refused, it leaves nothing amended.
        with transaction.atomic():
            if changes or not (demands or promises):
                correction.amend(found, changes, **told)
            if demands or promises:
                correction.add(found, demands, promises, **told)
    except Blocked as blocked:
        found.refresh_from_db()
        return _page(request, found, bank, given, complaints(blocked), 422)
    return moved(request, reverse("record", args=[found.pk]), gettext("Amended; what it said before is kept."))


def _stood(found: Contact) -> dict[str, str]:
    """The times that may be amended, as the form's fields hold them."""
    times = {"arrived_at": found.arrived_at, "started_at": found.started_at, "ended_at": found.ended_at}
    if found.kind != Kind.VISIT:
        del times["arrived_at"]
    return {name: f"{local(at):%Y-%m-%dT%H:%M}" if at else "" for name, at in times.items()}


def _times(given: QueryDict, found: Contact, bank: Bank, refused: dict[str, tuple[str, str]]) -> dict[str, datetime]:
    """Which of them were changed; what cannot be read, or is left out, is put into ``refused``."""
    changes = {}
    for name, stood in _stood(found).items():
        said = given.get(name, stood).strip()
        if said == stood:
            continue
        day, _letter, clock = said.replace(" ", "T").partition("T")
        at = moment(day, clock, bank)
        if at is None:
            refused[name] = ("", time_missing())
        else:
            changes[name] = at
    return changes


def _page(
    request: ActingRequest,
    found: Contact,
    bank: Bank,
    given: QueryDict,
    said: dict[str, tuple[str, str]],
    status: int = 200,
) -> HttpResponse:
    c, speaks = found.customer, owed.speaks()
    started = local(found.started_at) if found.started_at else None
    places = {place: words.say(speaks) for place, words in brief.PLACES.items()}
    context = {
        "contact": found,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind),
        "title": kinds.noun(found.kind),
        "when": f"{day_text(started.date(), local(request.now).date())} {started:%H:%M}" if started else "",
        "length": span(max(1, found.minutes or 0)) if found.minutes is not None else "",
        "purpose": kinds.purpose(found.purpose, found.purpose_words),
        "met": places.get(found.met_where, ""),
        "off": places.get(found.seen_off, ""),
        "result": dict(RESULTS()).get(found.result, ""),
        "results": [(str(value), label) for value, label in RESULTS()],
        "needs": list(c.needs.filter(contact=found.pk).values_list("words", flat=True)),
        "demands": list(found.demands.order_by("number")),
        "findings": [
            {"clause": each.clause, "kind": each.kind, "label": each.get_kind_display(), "what": owed.words(each.what), "reason": each.reason}
            for each in Finding.objects.filter(customer=c, subject=found.subject, void=False).order_by("id")
        ],
        "cancelled_why": stopping.reason_of(found).say(speaks),
        "amendments": [_amended(each) for each in found.amendments.select_related("by").order_by("at")],
        "amending": "amend" in request.GET,
        "times": [(name, _fields()[name], given.get(name, stood)) for name, stood in _stood(found).items()],
        "may_amend": found.state == State.CLOSED and may(request.actor, "contacts.change"),
        "may_amend_outcome": found.kind == Kind.CALL and found.state == State.CLOSED and may(request.actor, "contacts.change")
        and c.changeable_by(request.actor),
        "given": given,
        "said": said,
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "record.html", context, status=status)


def _amended(each: Amendment) -> dict[str, Any]:
    """Who, when and why, and each field before and after, in words."""
    fields = _fields()
    changes = [
        (fields.get(name, name), _worded(name, before), _worded(name, each.after.get(name)))
        for name, before in each.before.items()
    ]
    return {"reason": each.reason, "by": each.by, "at": each.at, "changes": changes}


def _fields() -> dict[str, str]:
    """What may be amended, in words."""
    return {
        "outcome": gettext("Outcome of the call"), "call_back_at": gettext("Call back"), "result": gettext("Result"),
        "result_words": gettext("In a word"), "purpose_words": gettext("Purpose"), "met_where": gettext("Met where"),
        "seen_off": gettext("Seen off to"), "arrived_at": gettext("At the door"), "started_at": gettext("Began"), "ended_at": gettext("Ended"), "state": gettext("State"),
        "card_handed": gettext("Card"), "invitation": gettext("Invitation"), "demands": gettext("Demands"), "promises": gettext("Promises"),
    }  # fmt: skip


def _worded(name: str, value: Any) -> str:
    if value in (None, ""):
        return "—"
    if name.endswith("_at"):
        return f"{local(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    places = {place: words.say(owed.speaks()) for place, words in brief.PLACES.items()}
    labels: dict[str, dict[str, Any]] = {
        "outcome": dict(Outcome.choices), "result": dict(RESULTS()), "state": dict(State.choices), "met_where": places,
        "seen_off": places,
    }  # fmt: skip
    return str(labels.get(name, {}).get(value, value))
