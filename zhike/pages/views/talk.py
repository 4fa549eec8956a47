"""接待、拜访、通话进行中 · A contact under way: only what helps while speaking, then its end.

Starting (``start``, ``call``, ``arrive``), jotting (``jot``), ending a meeting (``end``) and a call with its outcome
(``outcome``). Domain: :mod:`zhike.contacts.course`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct import brief, guard
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.guard import Blocked
from zhike.conduct.words import Words
from zhike.contacts import course, dialling, retraction
from zhike.contacts.history import is_first
from zhike.contacts.models import Contact, Kind, State
from zhike.customers.models.customer import Exhausted, reveals_left
from zhike.customers.vault import Unopened
from zhike.obligations.models import Obligation
from zhike.pages import owed
from zhike.pages.answer import complaints, contact_for, in_course, instead, moment, moved, number, said
from zhike.pages.card import card, numbers
from zhike.pages.jinja import day_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_to_change
from zhike.people import workdays
from zhike.people.permissions import may, policy

# What a call made for an obligation is about; a first call introduces, whatever it was made for (C9).
CALLED_FOR = {
    "call_back": "call_back",
    "call_again": "call_back",
    "birthday": "birthday",
    "rhythm": "care",
    "planned": "care",
    "thanks": "thanks",
}


@policy("contacts.change")
@require_POST
@in_course
def call(request: ActingRequest, obligation: int) -> HttpResponse:
    """Dial for what is owed: the call starts at once. Pressed again while it runs, it leads back into the same call."""
    bank = bank_of(request)
    found = Obligation.objects.visible_to(request.actor).filter(pk=obligation, state="open").first()
    if found is None or found.customer_id is None:
        raise Http404
    customer = customer_to_change(request, found.customer_id)
    under_way = Contact.objects.filter(customer=customer, kind=Kind.CALL, state=State.UNDER_WAY).order_by("-pk").first()
    if under_way:
        dial(request, under_way, bank)
        return moved(request, f"{reverse('talk', args=[under_way.pk])}?for={found.pk}")
    first = is_first(customer.pk, customer.rm_id, request.actor.id, "call", request.now, bank)
    purpose = "introduction" if first else CALLED_FOR.get(found.kind, "answer")
    contact = course.plan(customer, "call", actor=request.actor, now=request.now, purpose=purpose)
    here = reverse("call", args=[found.pk]), reverse("obligation", args=[found.pk])
    return _started(request, contact, bank, fulfils=found.pk, here=here)


@policy("contacts.change")
@require_POST
@in_course
def start(request: ActingRequest, contact: int) -> HttpResponse:
    """The customer is here, or picks up. Fields that lift a guard's objection: ``purpose``, ``surprise_reason``,
    ``early_reason``.
    """
    found = contact_for(request, contact)
    if request.POST.get("purpose") in guard.PURPOSES:
        found.purpose = request.POST["purpose"]
    here = reverse("start", args=[found.pk]), reverse("contact", args=[found.pk])
    return _started(request, found, bank_of(request), fulfils=number(request.POST.get("for")), here=here)


def _started(
    request: ActingRequest, contact: Contact, bank: Bank, *, fulfils: int | None, here: tuple[str, str]
) -> HttpResponse:
    """Begins it, or asks for what a guard wants. ``here``: where the answer goes, and where one gets who leaves it."""
    reasons: dict[str, Any] = {name: request.POST.get(name, "") for name in ("surprise_reason", "early_reason")}
    try:
        course.start(contact, actor=request.actor, now=request.now, bank=bank, **reasons)
    except Blocked as blocked:
        context = {
            "begins": here[0],
            "leaves": here[1],
            "contact": contact,
            "who": owed.person(
                contact.customer_id, contact.customer.name, contact.customer.honorific, contact.customer.tier, bank
            ),
            "said": complaints(blocked),
            "reasons": reasons,
            "purposes": [(key, words.say(owed.speaks())) for key, words in guard.PURPOSES.items()],
            "fulfils": fulfils,
        }
        return instead(request, render(request, "start.html", context, status=422))
    dial(request, contact, bank)
    address = reverse("talk", args=[contact.pk])
    return moved(request, f"{address}?for={fulfils}" if fulfils else address)


def dial(request: ActingRequest, contact: Contact, bank: Bank) -> None:
    """Starting a call is the act that shows its number. Where it stays hidden the call goes on, and its page says why."""
    if may(request.actor, "customers.reveal"):
        with suppress(Exhausted, Unopened):
            dialling.dial(contact, actor=request.actor, now=request.now, bank=bank)


@policy("contacts.change")
@require_POST
@in_course
def arrive(request: ActingRequest, contact: int) -> HttpResponse:
    """V2: at the door, by a tap."""
    found = course.arrive(contact_for(request, contact), actor=request.actor, now=request.now, bank=bank_of(request))
    return said(
        request,
        gettext("At the door, %(time)s") % {"time": f"{local(request.now):%H:%M}"},
        reverse("prepare", args=[found.pk]),
        undo=reverse("take_back", args=[found.pk]),
    )


@policy("contacts.change")
@require_safe
def show(request: ActingRequest, contact: int) -> HttpResponse:
    """The page under way."""
    found = contact_for(request, contact)
    if found.state != State.UNDER_WAY:
        return moved(request, reverse("contact", args=[found.pk]))
    return _page(request, found, bank_of(request))


def _page(request: ActingRequest, contact: Contact, bank: Bank, status: int = 200, **more: Any) -> HttpResponse:
    first = is_first(contact.customer_id, contact.rm_id, contact.held_by_id, contact.kind, request.now, bank)
    context = {
        "contact": contact,
        "card": card(contact.customer, request.actor, request.now, bank, contact=contact),
        "first": first,
        "said": {},
        "given": {},
        "may_take_back": retraction.may_take_back(contact, request.now),
        "fulfils": number(request.GET.get("for") or request.POST.get("for")),
        "may_reveal": may(request.actor, "customers.reveal"),
        "tip": owed.tip,
        **(_call(contact, first, request, bank) if contact.kind == Kind.CALL else _meeting(contact, first, bank)),
        **more,
    }
    return render(request, "call.html" if contact.kind == Kind.CALL else "meeting.html", context, status=status)


def _call(contact: Contact, first: bool, request: ActingRequest, bank: Bank) -> dict[str, Any]:
    customer, speaks = contact.customer, owed.speaks()
    about = Words(contact.purpose_words, contact.purpose_words) if contact.purpose_words else None
    sheet = brief.call(
        purpose=contact.purpose or "other",
        first=first,
        address=customer.address_as,
        bank_name=customer.unit.name,
        rm=request.actor.name,
        stands_in_for=contact.represented_by(request.actor),
        about=about,
        bank=bank,
    )
    return {
        **_numbers(contact, request, bank),
        "purpose": contact.purpose_words or guard.PURPOSES.get(contact.purpose, guard.PURPOSES["other"]).say(speaks),
        "sheet": sheet,
        "speaks": speaks,
        "suggested": bank.call_length,
        "outcomes": OUTCOMES,
        "agains": _agains(request.now, workdays.ahead(local(request.now).date())),
        "tolerance": bank.callback_tolerance,
        "leader_after": bank.callback_leader_after,
    }


def _numbers(contact: Contact, request: ActingRequest, bank: Bank) -> dict[str, Any]:
    """The customer's numbers, masked but for the one that the call was started with; and why that one is masked too."""
    found = [{**row, "plain": ""} for row in numbers(contact.customer)]
    dialled = dialling.dialled(contact, request.actor)
    for row in found:
        if row["name"] == dialled:
            with suppress(Unopened):
                row["plain"] = contact.customer.open_value(dialled)
    spent = bool(found) and not dialled and reveals_left(request.actor, request.now, bank) <= 0
    return {"numbers": found, "reveals_spent": bank.reveals_a_day if spent else None}


# value, mark, words, what it asks for, clause
OUTCOMES: tuple[tuple[str, str, Callable[[], str], Callable[[], str]], ...] = (
    ("reached", "phone", lambda: pgettext("outcome", "Reached"), lambda: gettext("whatever came of it")),
    ("absent", "away", lambda: pgettext("outcome", "Absent"), lambda: gettext("ask when it suits")),
    ("busy", "busy", lambda: pgettext("outcome", "Busy"), lambda: gettext("apologise, agree a time")),
    ("no_answer", "missed", lambda: pgettext("outcome", "Nobody answered"), lambda: gettext("try again later")),
    ("wrong_number", "wrong", lambda: pgettext("outcome", "Wrong number"), lambda: gettext("have it checked")),
    ("not_interested", "decline", lambda: pgettext("outcome", "Not interested"), lambda: gettext("ask what they need")),
)


def _agains(now: datetime, open: Workdays) -> list[dict[str, str]]:
    """Times to offer for a call-back: soon, in half an hour, two full hours of the afternoon, the next workday at ten."""
    at = local(now)
    full = at.replace(minute=0, second=0, microsecond=0)
    soon = [at + timedelta(minutes=10), at + timedelta(minutes=30)]
    later = [full + timedelta(hours=hours) for hours in (2, 3)]
    tomorrow = (full + timedelta(days=1)).replace(hour=10)
    while not open.may_work(tomorrow.date()):
        tomorrow += timedelta(days=1)
    offered = []
    for when in [*soon, *later, tomorrow]:
        if when.hour >= 21:
            continue
        today = when.date() == at.date()
        text = when_text(when, now)
        offered.append({
            "day": when.date().isoformat(),
            "time": f"{when:%H:%M}",
            "text": (gettext("today %(time)s") % {"time": text}) if today else f"{day_text(when.date(), at.date(), weekday=False)} {when:%H:%M}",
        })  # fmt: skip
    return offered


def _meeting(contact: Contact, first: bool, bank: Bank) -> dict[str, Any]:
    tier, speaks = contact.customer.tier, owed.speaks()
    if contact.kind == Kind.VISIT:
        sheet = brief.visit(tier=tier, first=first, minutes=contact.planned_minutes or bank.visit_length, bank=bank)
    else:
        sheet = brief.reception(tier=tier, first=first, invited_by_rm=contact.invited_by_rm, bank=bank)
    places = brief.seeing_off_places(tier, bank) if contact.kind == Kind.RECEPTION else ()
    return {
        "sheet": sheet,
        "speaks": speaks,
        "met_places": [(place, brief.PLACES[place].say(speaks)) for place in ("outside_door", "hall", "seat")],
        "off_places": [(place, brief.PLACES[place].say(speaks)) for place in places],
        "suggested": contact.planned_minutes or (bank.visit_length if contact.kind == Kind.VISIT else 45),
    }


@policy("contacts.change")
@require_POST
@in_course
def jot(request: ActingRequest, contact: int) -> HttpResponse:
    """R6: a word written down during the talk."""
    found = contact_for(request, contact)
    words = request.POST.get("words", "").strip()
    if words:
        course.jot(found, words, now=request.now)
    if "HX-Request" in request.headers:
        return render(request, "_notes.html", {"contact": found})
    return moved(request, reverse("talk", args=[found.pk]))


@policy("contacts.change")
@require_POST
@in_course
def end(request: ActingRequest, contact: int) -> HttpResponse:
    """The farewell (R11): what follows is owed from now on; the write-up comes next."""
    found = contact_for(request, contact)
    seen: dict[str, Any] = {
        name: request.POST[name] for name in ("met_where", "seen_off") if request.POST.get(name) in brief.PLACES
    }
    if request.POST.get("card_handed"):
        seen["card_handed"] = request.POST["card_handed"] == "yes"
    _attest(request, found)
    course.end(found, actor=request.actor, now=request.now, bank=bank_of(request), **seen)
    return moved(
        request,
        reverse("write_up", args=[found.pk]),
        gettext("Ended %(time)s. What follows is on Today.") % {"time": f"{local(request.now):%H:%M}"},
        undo=reverse("take_back", args=[found.pk]),
    )


@policy("contacts.change")
@require_POST
@in_course
def take_back(request: ActingRequest, contact: int) -> HttpResponse:
    """撤回 · An arrival, a start or an end tapped by mistake, within ten minutes and while nothing was recorded."""
    found = contact_for(request, contact)
    was_there = found.arrived_at is not None and found.started_at is None
    retraction.take_back(
        found, reason=gettext("Begun by mistake"), actor=request.actor, now=request.now, bank=bank_of(request)
    )
    if found.state == State.STRUCK:
        return moved(request, reverse("customer", args=[found.customer_id]), gettext("Taken back: it never began."))
    if was_there:
        return moved(request, reverse("prepare", args=[found.pk]), gettext("Taken back: not at the door yet."))
    goes_on = found.state == State.UNDER_WAY
    words = gettext("Taken back: the talk goes on.") if goes_on else gettext("Taken back: it has not begun.")
    return moved(request, reverse("contact", args=[found.pk]), words)


@policy("contacts.change")
@require_POST
@in_course
def outcome(request: ActingRequest, contact: int) -> HttpResponse:
    """A call ends with what came of it; absent and busy promise a minute, or say that none was agreed."""
    found, bank = contact_for(request, contact), bank_of(request)
    given = request.POST
    at = _call_back(given, request.now, bank) if given.get("outcome") in {"absent", "busy"} else None
    typed = given.get("again_time", "").strip()
    if given.get("outcome") in {"absent", "busy"} and typed and not at and given.get("no_time") != "yes":
        said = gettext("“%(typed)s” cannot be read as a time: write it like 15:30.") % {"typed": typed}
        return _page(request, found, bank, status=422, said={"call_back_at": ("", said)}, given=given)
    try:
        course.put_through(
            found,
            given.get("outcome", ""),
            actor=request.actor,
            now=request.now,
            bank=bank,
            call_back_at=at,
            no_time_agreed=given.get("no_time") == "yes",
            note=given.get("note", "").strip(),
            fulfils=number(given.get("for")),
        )
    except Blocked as blocked:
        found.refresh_from_db()
        return _page(request, found, bank, status=422, said=complaints(blocked), given=given)
    _attest(request, found)
    undo = reverse("take_back", args=[found.pk])
    words = gettext("Noted: %(outcome)s") % {"outcome": found.get_outcome_display()}
    if found.state == State.ENDED:
        return moved(request, reverse("write_up", args=[found.pk]), words, undo=undo)
    name = found.customer.address_as
    if at:
        return moved(
            request,
            reverse("today"),
            gettext("Noted: call %(who)s back at %(time)s") % {"who": name, "time": when_text(at, request.now)},
            undo=undo,
        )
    return moved(request, reverse("today"), words, undo=undo)


def _attest(request: ActingRequest, contact: Contact) -> None:
    """One tap "按礼仪完成" (R8 to R10, C2): attested, never owed."""
    if request.POST.get("manners") == "yes":
        course.prepare(contact, ["manners"], now=request.now)


def _call_back(given: QueryDict, now: datetime, bank: Bank) -> datetime | None:
    """The promised minute; a time without a day is today's. A tap is sent with both, without script."""
    day, _space, time = given.get("again", "").partition(" ")
    day, time = day or given.get("again_day", ""), time or given.get("again_time", "")
    return moment(day or now.astimezone(bank.zone).date().isoformat(), time, bank)
