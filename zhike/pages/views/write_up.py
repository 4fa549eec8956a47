"""联系记录 · The write-up: result, needs, next contact, what was learned, demands and promises. Under a minute on a phone.

``show`` the form with what the draft holds, ``save`` keeps the draft, ``close`` closes the contact. Domain:
:func:`zhike.contacts.write_up.close`, :class:`zhike.contacts.models.Draft`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct import brief
from zhike.conduct.bank import Bank
from zhike.conduct.guard import Blocked
from zhike.contacts import course, write_up
from zhike.contacts.models import Contact, Draft, Kind, Result, State
from zhike.contacts.states import WrongState
from zhike.contacts.write_up import NeedHeard, NextContact, PromiseMade, WriteUp
from zhike.customers import profile
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Need
from zhike.customers.vault import vault
from zhike.obligations import stops
from zhike.pages import ahead, owed
from zhike.pages.answer import complaints, contact_for, in_course, moment, moved
from zhike.pages.card import card
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import workdays
from zhike.people.permissions import policy

LONGEST_DRAFT = 64_000
LEARNED = ("mobile", "email", "hobbies", "children", "preferred_time", "taboos")


@policy("contacts.change")
@require_safe
def show(request: ActingRequest, contact: int) -> HttpResponse:
    """The form, filled from the draft where there is one."""
    found = contact_for(request, contact)
    if found.state != State.ENDED:
        return moved(request, reverse("contact", args=[found.pk]))
    draft = Draft.objects.filter(contact=found, staff_id=request.actor.id).first()
    given = _given(draft.values) if draft else QueryDict(mutable=True)
    return _page(request, found, bank_of(request), given, draft)


def _given(values: list[list[str]]) -> QueryDict:
    given = QueryDict(mutable=True)
    for name, value in values:
        given.appendlist(name, value)
    return given


def _page(
    request: ActingRequest,
    contact: Contact,
    bank: Bank,
    given: QueryDict,
    draft: Draft | None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    tier = contact.tier or contact.customer.tier
    open = workdays.ahead(request.now.astimezone(bank.zone).date())
    context = {
        "contact": contact,
        "card": card(contact.customer, request.actor, request.now, bank, contact=contact, contacts=3),
        "given": given,
        "draft": draft,
        "device_keys": vault().device_keys(request.actor.id),
        "said": {},
        "clause": {"reception": "R13", "visit": "V6", "call": "C6"}[contact.kind],
        "tip": owed.tip,
        "results": [(value, str(label)) for value, label in RESULTS()],
        "kinds": [(kind.value, str(kind.label)) for kind in Need.Kind if kind.value != "service"],
        "suggested": ahead.by_rhythm(tier, request.now, bank, open),
        "nexts": ahead.offers(request.now, open),
        "rhythm": _rests_on_rhythm(contact, bank),
        "learn": _learn(contact, given),
        "off_places": [
            (place, brief.PLACES[place].say(owed.speaks())) for place in brief.seeing_off_places(tier, bank)
        ],
        "met_places": [(place, brief.PLACES[place].say(owed.speaks())) for place in ("outside_door", "hall", "seat")],
        **more,
    }
    return render(request, "write_up.html", context, status=status)


def _rests_on_rhythm(contact: Contact, bank: Bank) -> bool:
    return write_up.rests_on_rhythm(contact, any(stops.stands(contact.customer, why) for why in stops.COLUMNS), bank)


def RESULTS() -> list[tuple[str, str]]:
    return [
        (Result.AGREED, pgettext("result", "Agreed")),
        (Result.INCLINED, pgettext("result", "Inclined")),
        (Result.CONSIDERING, pgettext("result", "Thinking it over")),
        (Result.BUSINESS_DONE, pgettext("result", "Business done")),
        (Result.NO_BUSINESS, pgettext("result", "No business discussed")),
        (Result.UNHAPPY, pgettext("result", "Did not go well")),
    ]


def _learn(contact: Contact, given: QueryDict) -> list[dict[str, Any]]:
    """Fields to fill in place: what is missing first, then what changes often."""
    rows = []
    for name in LEARNED:
        f = profile.FIELDS[name]
        if contact.customer.kind not in f.of:
            continue
        known = contact.customer.known(name)
        if known and f.sealed:
            continue  # a number that is known is changed on the customer's page, where it can be seen
        rows.append({
            "name": name,
            "label": str(f.label),
            "known": str(f.choices.get(known, known)) if f.choices and known else (known or ""),
            "given": given.get(f"learn_{name}", ""),
            "choices": [(key, str(label)) for key, label in f.choices.items()] if f.choices else None,
            "type": {"email": "email", "mobile": "tel"}.get(name, "text"),
        })  # fmt: skip
    return rows


@policy("contacts.change")
@require_POST
def save(request: ActingRequest, contact: int) -> HttpResponse:
    """Keeps what is typed so far: ``{"values": [[name, value], …]}``."""
    found = contact_for(request, contact)
    if request.content_type != "application/json":  # a form with files has been read already
        raise BadRequest("A draft is {values: [[name, value], …]}.")
    if len(request.body) > LONGEST_DRAFT:
        return JsonResponse(
            {"detail": gettext("The draft is longer than %(most)s characters.") % {"most": LONGEST_DRAFT}}, status=413
        )
    try:
        values = [[str(name), str(value)] for name, value in json.loads(request.body)["values"]]
        if "\0" in "".join(map("".join, values)):
            raise ValueError("PostgreSQL keeps no NUL.")
        json.dumps(values, ensure_ascii=False).encode()  # nor half of a surrogate pair
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadRequest("A draft is {values: [[name, value], …]}.") from error
    try:
        Draft.keep(found, values, actor=request.actor, now=request.now)
    except WrongState:
        return JsonResponse(
            {"detail": gettext("This contact is closed; its write-up is amended, not drafted.")}, status=409
        )
    return JsonResponse({"saved": request.now.isoformat()})


@policy("contacts.change")
@require_POST
@in_course
def close(request: ActingRequest, contact: int) -> HttpResponse:
    """Closes the contact; what is missing comes back in its place, with everything else kept."""
    found, bank, given = contact_for(request, contact), bank_of(request), request.POST
    refused: dict[str, tuple[str, str]] = {}
    form = read(given, found, request.now, bank, refused)
    try:
        if refused:
            open_needs = found.customer.needs.open().count()
            dead = found.customer.deceased_on is not None
            rhythm = _rests_on_rhythm(found, bank)
            raise Blocked(
                write_up.verdicts(found, form, open_needs=open_needs, dead=dead, rhythm=rhythm, now=request.now)
            )
        with transaction.atomic():  # what is refused attests nothing either
            if given.get("manners") == "yes":
                course.prepare(found, ["manners"], now=request.now)
            write_up.close(found, form, actor=request.actor, now=request.now, bank=bank)
    except Blocked as blocked:
        found.refresh_from_db()
        draft = Draft.objects.filter(contact=found, staff_id=request.actor.id).first()
        return _page(request, found, bank, given, draft, status=422, said={**complaints(blocked), **refused})
    name = found.customer.address_as
    words = gettext("Written up: %(who)s") % {"who": name}
    return moved(request, reverse("today"), words, amend=f"{reverse('record', args=[found.pk])}?amend=1")


def read(given: QueryDict, contact: Contact, now: datetime, bank: Bank, refused: dict[str, tuple[str, str]]) -> WriteUp:
    """The form as the domain takes it; what cannot be read is put into ``refused`` by field."""
    kinds = [kind for kind in given.getlist("need") if kind in Need.Kind.values]
    return WriteUp(
        result=given.get("result", ""),
        result_words=given.get("words", "").strip(),
        needs=[NeedHeard(kind, given.get(f"need_{kind}", "").strip()) for kind in kinds],
        no_need="none" in given.getlist("need"),
        next=_next(given, contact, now, bank, refused),
        by_rhythm=given.get("next") == "rhythm",
        learned=_learned(given, refused),
        demands=lines(given, "demand"),
        promises=promised(given, bank, refused),
        seen=_seen(given),
    )


def _next(
    given: QueryDict, contact: Contact, now: datetime, bank: Bank, refused: dict[str, tuple[str, str]]
) -> NextContact | None:
    chosen = given.get("next", "")
    kind = given.get("next_kind") if given.get("next_kind") in Kind.values else "call"
    if chosen in {"", "rhythm"}:
        return None
    today = now.astimezone(bank.zone).date()
    if chosen == "suggested":
        tier = contact.tier or contact.customer.tier
        proposal = ahead.by_rhythm(tier, now, bank, workdays.ahead(today))
        at = moment(proposal["day"], proposal["time"], bank)
    elif chosen in ahead.STEPS:
        at = moment(ahead.on(today, chosen, workdays.ahead(today)).isoformat(), "10:00", bank)
    else:
        at = moment(given.get("next_day", ""), given.get("next_time", "") or "10:00", bank)
        if at is None:
            refused["next"] = ("", gettext("Say the day of the next contact, for example 2026-03-02."))
            return None
    assert at is not None
    # Only what follows up a need sells, and falls under the hours and limits of calls that sell (S5).
    purpose = "need" if set(given.getlist("need")) & set(Need.Kind.values) else "care"
    return NextContact(str(kind), at, purpose=purpose, words=given.get("next_words", "").strip())


def _learned(given: QueryDict, refused: dict[str, tuple[str, str]]) -> Mapping[str, Any]:
    learned: dict[str, Any] = {}
    for name in LEARNED:
        value = given.get(f"learn_{name}", "").strip()
        if not value:
            continue
        try:
            learned[name] = profile.FIELDS[name].accept(value)
        except Unaccepted as error:
            refused[f"learn_{name}"] = ("", str(error))
    return learned


def lines(given: QueryDict, name: str) -> list[str]:
    """What was typed into the fields of that name."""
    return [line.strip() for line in given.getlist(name) if line.strip()]


def promised(given: QueryDict, bank: Bank, refused: dict[str, tuple[str, str]]) -> list[PromiseMade]:
    """The promises, each with its day if one was given; a day that cannot be read is put into ``refused``."""
    days = given.getlist("promise_day")
    rows = []
    for at, words in enumerate(given.getlist("promise")):
        if words.strip():
            said = days[at] if at < len(days) else ""
            due = moment(said, "23:59", bank)
            if said and due is None:
                refused["promises"] = ("", gettext("“%(said)s” is no date. Write it like 2026-03-01.") % {"said": said})
            rows.append(PromiseMade(words.strip(), due=due))
    return rows


def _seen(given: QueryDict) -> Mapping[str, Any]:
    seen: dict[str, Any] = {name: given[name] for name in ("met_where", "seen_off") if given.get(name) in brief.PLACES}
    if given.get("card_handed"):
        seen["card_handed"] = given["card_handed"] == "yes"
    if given.get("invitation") in {"accepted", "declined"}:
        seen["invitation"] = given["invitation"]
    return seen
