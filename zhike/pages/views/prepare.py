"""接待准备 · The preparation card (R1, C1): one screen, one A4 page; what the tier asks, what is open, what is missing.

Domain: :func:`zhike.contacts.card.card`, :func:`zhike.contacts.course.prepare`, :mod:`zhike.conduct.brief`.
"""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct import brief, manners
from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.contacts import course, retraction
from zhike.contacts.history import is_first
from zhike.contacts.models import Contact, Kind, State
from zhike.obligations import outside
from zhike.pages import kinds, owed
from zhike.pages.answer import contact_for, in_course, moved
from zhike.pages.card import card, last_contacts
from zhike.pages.jinja import left_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.manners import said as card_of_manners
from zhike.people.actor import Actor
from zhike.people.permissions import policy

LAST = 3  # of the last contacts (R1): more belongs on the customer's page


@policy("contacts.view")
@require_safe
def show(request: ActingRequest, contact: int) -> HttpResponse:
    """The card of one planned or agreed contact."""
    found, bank = contact_for(request, contact), bank_of(request)
    if found.state not in {State.PLANNED, State.AGREED}:
        return moved(request, reverse("contact", args=[found.pk]))
    first = is_first(found.customer_id, found.rm_id, request.actor.id, found.kind, request.now, bank)
    sheet = _sheet(found, first, bank, request.actor)
    ticks = [item for item in sheet.before if item.tick]
    known = card(found.customer, request.actor, request.now, bank, contact=found, contacts=LAST)
    context = {
        "contact": found,
        "card": known,
        "last": last_contacts(known),
        "first": first,
        "sheet": sheet,
        "steps": _steps(sheet, found),
        "manners": [
            card_of_manners(each, found.customer.address_as)
            for each in manners.fitting(found.kind, first, found.customer.tier, bank)
        ],
        "speaks": owed.speaks(),
        "ticked": sum(1 for item in ticks if item.tick in found.ticks),
        "ticks": len(ticks),
        "title": _title(found),
        "left": left_text(found.planned_for, request.now) if found.planned_for else "",
        "purpose": kinds.purpose(found.purpose, found.purpose_words),
        "opening": _opening(found, first, request.actor),
        "after": _after(found, first, bank),
        "begin": _begin(found),
        "unreported": unreported(found.kind, found.planned_for or request.now, request.actor, bank),
        "may_take_back": found.arrived_at is not None and retraction.may_take_back(found, request.now),
        "tip": owed.tip,
    }
    return render(request, "prepare.html", context)


def unreported(kind: str, at: datetime, actor: Actor, bank: Bank) -> bool:
    """Whether a visit at a moment wants an outing that nobody has reported yet (W7)."""
    return kind == Kind.VISIT and bank.outing_guard != "off" and not outside.foreseen(actor.id, at)


def _sheet(contact: Contact, first: bool, bank: Bank, speaker: Actor) -> brief.Brief:
    tier = contact.customer.tier
    if contact.kind == Kind.RECEPTION:
        return brief.reception(tier=tier, first=first, invited_by_rm=contact.invited_by_rm, bank=bank)
    if contact.kind == Kind.VISIT:
        return brief.visit(tier=tier, first=first, minutes=contact.planned_minutes or bank.visit_length, bank=bank)
    about = Words(contact.purpose_words, contact.purpose_words) if contact.purpose_words else None
    return brief.call(
        purpose="introduction" if first else contact.purpose or "other",
        first=first,
        address=contact.customer.address_as,
        bank_name=contact.customer.unit.name,
        rm=speaker.name,
        stands_in_for=contact.represented_by(speaker),
        about=about,
        bank=bank,
    )


def _steps(sheet: brief.Brief, contact: Contact) -> list[tuple[str, list[brief.Item], list[str]]]:
    """The manners by their moments: the word, what is minded then, the clauses that say so, each once."""
    items = (*sheet.during, *(sheet.after if contact.kind == Kind.RECEPTION else ()))
    moments = [(step, list(minded)) for step, minded in groupby(items, key=lambda item: item.step)]
    return [
        (step.say(owed.speaks()), minded, list(dict.fromkeys(item.clause for item in minded)))
        for step, minded in moments
    ]


def _title(contact: Contact) -> str:
    return {
        "reception": gettext("Prepare the reception"),
        "visit": gettext("Prepare the visit"),
        "call": gettext("Prepare the call"),
    }[contact.kind]


def _begin(contact: Contact) -> str:
    return {
        "reception": gettext("The customer is here: begin"),
        "visit": gettext("Begin the visit"),
        "call": pgettext("button", "Call"),
    }[contact.kind]


def _opening(contact: Contact, first: bool, speaker: Actor) -> str:
    """The first sentence, with the form of address filled in."""
    address = contact.customer.address_as
    if contact.kind == Kind.CALL:
        return ""
    if own := contact.represented_by(speaker):
        return gettext("%(address)s, good day. I am %(speaker)s, here for your own manager %(rm)s.") % {
            "address": address,
            "speaker": speaker.name,
            "rm": own,
        }
    if first:
        return gettext(
            "%(address)s, good day. I am %(rm)s, and from now on you can come to me directly with anything."
        ) % {
            "address": address,
            "rm": speaker.name,
        }
    return gettext("%(address)s, good day. Thank you for your time.") % {"address": address}


def _after(contact: Contact, first: bool, bank: Bank) -> list[dict[str, str]]:
    """What will be owed afterwards by itself, so that nobody is surprised."""
    tier = contact.customer.tier
    rows = []
    if contact.kind == Kind.RECEPTION and (bank.at_least(tier, "platinum") or bank.reception_thanks_below_platinum):
        rows.append(
            ("R12", gettext("today: thanks by SMS, introducing yourself") if first else gettext("today: thanks by SMS"))
        )
    if contact.kind == Kind.VISIT and (bank.at_least(tier, "platinum") or bank.visit_thanks_below_platinum):
        rows.append(("V5", gettext("this evening: thanks")))
    if contact.kind == Kind.CALL and first:
        rows.append(("C10", gettext("at once: thanks by SMS with your contact data")))
    rows.append(({"reception": "R13", "visit": "V6", "call": "C6"}[contact.kind], gettext("today: the write-up")))
    return [{"clause": clause, "tip": owed.tip(clause), "words": words} for clause, words in rows]


@policy("contacts.change")
@require_POST
@in_course
def ready(request: ActingRequest, contact: int) -> HttpResponse:
    """One tap "准备好了", or single ticks as they are made."""
    found = contact_for(request, contact)
    course.prepare(found, request.POST.getlist("tick"), now=request.now)
    if "HX-Request" in request.headers:
        context: dict[str, Any] = {
            "contact": found,
            "sheet": _sheet(found, False, bank_of(request), request.actor),
            "speaks": owed.speaks(),
        }
        return render(request, "_ready.html", context)
    return moved(request, reverse("prepare", args=[found.pk]))
