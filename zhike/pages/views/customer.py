"""客户 · One customer: what one must know in five seconds at the top; then needs, promises, story, holdings, family, facts.

Domain: :func:`zhike.contacts.card.card`, ``Customer.learn``, ``Customer.reveal``.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.guard import Blocked
from zhike.contacts import card as cards
from zhike.contacts import correction
from zhike.contacts.completion import conclude
from zhike.contacts.models import Demand
from zhike.customers import birthdays, profile
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Customer, Need, Relation
from zhike.customers.models.customer import Exhausted
from zhike.customers.vault import Unopened
from zhike.market.story import BEFORE
from zhike.obligations import lifting, stops
from zhike.obligations.learning import learn
from zhike.pages import owed, prospects
from zhike.pages.answer import complaints, moved
from zhike.pages.card import card, worded
from zhike.pages.jinja import local, names, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import Refused, may, policy

# How many contacts the story tells at first, and when it is told whole.
CONTACTS, ALL = 9, 200


def customer_for(request: ActingRequest, id: int) -> Customer:
    """A customer in the reader's scope; anybody else does not exist."""
    found = Customer.objects.seen(id, request.actor)
    if found is None:
        raise Http404
    return found


def customer_to_change(request: ActingRequest, id: int) -> Customer:
    """A customer in the scope in which the reader may change; whoever only looks on, by another post, is told so. Whoever comes
    to change holds the customer till the end: of two clicks at once the second sees what the first did.
    """
    held = Customer.objects.held(id, request.actor) if request.method == "POST" else None
    found = held or customer_for(request, id)
    if not found.changeable_by(request.actor):
        raise Refused(gettext("This customer is looked after by somebody else."), "customers.change")
    return found


@policy("customers.view")
@require_safe
def show(request: ActingRequest, customer: int) -> HttpResponse:
    """The page; ``?contacts=all`` tells the whole story, ``?holdings=all`` all that is held."""
    contacts = ALL if request.GET.get("contacts") == "all" else CONTACTS
    seen = cards.seen(customer, request.actor, contacts, BEFORE)
    if seen is None:
        raise Http404
    found, known, before = seen
    return page(request, found, known, before, _decided(request, found), all_held=request.GET.get("holdings") == "all")


def page(
    request: ActingRequest,
    found: Customer,
    known: cards.Card,
    before: Any,
    decided: list[dict[str, Any]],
    *,
    all_held: bool = False,
) -> HttpResponse:
    """The page of a customer whose card was read; ``before``: of the prospect whom the customer was, if any."""
    context = {
        "customer": found,
        "decided": decided,
        "card": worded(found, known, request.actor, request.now, bank_of(request), all_held=all_held),
        "kinds": names(Need.Kind),
        "before": prospects.before(before),
        "may_change": may(request.actor, "customers.change") and found.changeable_by(request.actor),
        "may_reveal": may(request.actor, "customers.reveal"),
        "may_hand_over": may(request.actor, "customers.reassign") and found.rm_id not in request.actor.lent,
        "tip": owed.tip,
    }
    return render(request, "customer.html", context)


def _decided(request: ActingRequest, found: Customer) -> list[dict[str, Any]]:
    """What became of the reader's requests that contact go on. Looked up only where a stop stands or the row has changed since,
    as it does when one is lifted."""
    if (
        not any(stops.stands(found, why) for why in stops.COLUMNS)
        and found.changed_at <= request.now - lifting.TOLD_FOR
    ):
        return []
    return [
        {
            "words": gettext("You asked that contact go on (%(why)s): %(decision)s by %(who)s, %(when)s.")
            % {
                "why": lifting.WHY[each.payload["why"]],
                "decision": each.get_decision_display(),
                "who": each.decided_by.name if each.decided_by else "",
                "when": when_text(each.decided_at, request.now) if each.decided_at else "",
            },
            "note": each.note,
            "refused": each.decision == "refused",
        }
        for each in lifting.decided(found, request.actor, request.now)
    ]


@policy("customers.reveal")
@require_POST
def reveal(request: ActingRequest, customer: int, field: str) -> HttpResponse:
    """Shows one sealed value: an act, counted and kept. The value itself is not in the trail."""
    found = customer_for(request, customer)
    if field not in profile.SEALED or not found.knows(field):
        raise Http404
    try:
        value = found.reveal(field, actor=request.actor, now=request.now, bank=bank_of(request))
    except (Unopened, Exhausted) as error:
        value = str(error)
    context = {
        "value": value,
        "label": str(profile.FIELDS[field].label),
        "customer": found,
        "tel": field in {"mobile", "phone2"} and value.strip("+").isdecimal(),
    }
    template = "_revealed.html" if "HX-Request" in request.headers else "revealed.html"
    return render(request, template, context)


@policy("customers.change")
@require_POST
def need(request: ActingRequest, customer: int) -> HttpResponse:
    """A need written down outside of a contact."""
    found, given = customer_to_change(request, customer), request.POST
    with suppress(Unaccepted):  # a kind that the page does not offer
        Need.objects.hear(found, given.get("kind", ""), given.get("words", ""), actor=request.actor, now=request.now)
    return moved(request, reverse("customer", args=[found.pk]) + "#needs")


@policy("customers.change")
@require_POST
def need_closed(request: ActingRequest, customer: int, need: int) -> HttpResponse:
    """Met or declined."""
    found = customer_to_change(request, customer)
    state = request.POST.get("state")
    still = found.needs.filter(pk=need).first()
    if still and state in {Need.State.MET, Need.State.DECLINED}:
        with suppress(Unaccepted):  # closed already: the page shows it so
            still.close(state, request.POST.get("why", ""), request.now)
    return moved(request, reverse("customer", args=[found.pk]) + "#needs")


@policy("customers.change")
@require_POST
def demand_closed(request: ActingRequest, customer: int, demand: int) -> HttpResponse:
    """Met or refused, with what the customer was told; what cannot be is said beside it."""
    found, given = customer_to_change(request, customer), request.POST
    raised = found.demands.select_for_update().filter(pk=demand).first()
    said = ""
    if raised and given.get("state") in {Demand.State.MET, Demand.State.REFUSED}:
        try:
            conclude(
                raised,
                given["state"],
                given.get("words", ""),
                actor=request.actor,
                now=request.now,
                bank=bank_of(request),
            )
        except Blocked as blocked:
            said = " ".join(sentence for _clause, sentence in complaints(blocked).values())
    return moved(request, reverse("customer", args=[found.pk]) + "#promises", said)


@policy("customers.change")
@require_POST
def known(request: ActingRequest, customer: int) -> HttpResponse:
    """早已认识 · Day one left it open whether they had met or talked: one tap attests it."""
    found = customer_to_change(request, customer)
    what = request.POST.get("what")
    if what in {"met", "called"}:
        said: dict[str, Any] = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
        correction.known_before(found, met=what == "met", called=what == "called", **said)
    return moved(request, reverse("customer", args=[found.pk]), gettext("Noted as known before"))


# The order in which one asks: what R4 and R5 want first, what is sealed last.
EDITED = (
    "birthday", "hobbies", "children", "mobile", "email", "honorific", "preferred_time", "preferred_channel", "taboos",
    "employer", "position", "introducer", "phone2", "address", "wecom", "contact_name", "contact_position", "legal_person",
)  # fmt: skip


@policy("customers.change")
@require_http_methods(["GET", "HEAD", "POST"])
def learned(request: ActingRequest, customer: int) -> HttpResponse:
    """资料 · What was learned, field by field; each keeps its source, day and who. Only what changed is written."""
    found = customer_to_change(request, customer)
    if request.method != "POST":
        return _learning(request, found, QueryDict(), {})
    given = request.POST
    refused: dict[str, str] = {}
    values = {name: value for name in _editable(found) if (value := given.get(name, "").strip())}
    for name, value in values.items():
        try:
            _check(name, value, local(request.now).date())
        except Unaccepted as error:
            refused[name] = str(error)
    if given.get("child_age", "") not in Relation.Age.values:  # nothing that the page offers
        refused["children"] = gettext("Choose relation and age from the lists.")
    if refused:
        return _learning(request, found, given, refused, status=422)
    changed = {
        name: value for name, value in values.items() if profile.FIELDS[name].sealed or value != found.known(name)
    }
    learn(found, changed, source="contact", actor=request.actor, now=request.now, bank=bank_of(request))
    if given.get("children") == "yes" and given.get("child_age"):
        Relation.objects.learn(
            found,
            Relation.Kind.CHILD,
            age=given["child_age"],
            actor=request.actor,
            now=request.now,
            bank=bank_of(request),
        )
    return moved(
        request,
        reverse("customer", args=[found.pk]),
        ngettext("%(n)s field kept", "%(n)s fields kept", len(changed)) % {"n": len(changed)},
    )


def _check(name: str, value: str, today: date) -> None:
    """Each field says its own mistake beside itself, before any is written."""
    if name == "birthday":
        birthdays.told(value, today)
    else:
        profile.FIELDS[name].accept(value)


def _editable(found: Customer) -> list[str]:
    return [name for name in EDITED if found.kind in profile.FIELDS[name].of]


def _learning(
    request: ActingRequest, found: Customer, given: QueryDict, refused: dict[str, str], status: int = 200
) -> HttpResponse:
    shown = card(found, request.actor, request.now, bank_of(request), contacts=1)
    rows = []
    for name in _editable(found):
        f = profile.FIELDS[name]
        entry = next((row for row in shown["fields"] if row["name"] == name), None)
        now_ = entry["value"] if entry else ""
        if name == "birthday":
            now_ = shown["birthday"]["name"] if shown["birthday"] else ""
        elif f.column:
            now_ = getattr(found, name)
        rows.append({
            "name": name,
            "label": str(f.label),
            "now": now_,
            "beside": now_ if f.sealed or name == "birthday" else "",
            "given": given.get(name, "" if f.sealed or name == "birthday" else now_ if f.column else found.known(name) or ""),
            "choices": [(key, str(label)) for key, label in f.choices.items()] if f.choices else None,
            "error": refused.get(name),
            "clause": f.clause if not now_ else "",
        })  # fmt: skip
    ages = [("under_14", gettext("under 14")), ("14_17", gettext("14 to 17")), ("adult", gettext("adult"))]
    context = {
        "customer": found,
        "card": shown,
        "rows": rows,
        "ages": ages,
        "refused": refused,
        "given": given,
        "tip": owed.tip,
    }
    return render(request, "learned.html", context, status=status)
