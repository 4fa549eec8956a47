"""预约与补记 · A contact from the customer's page: agreed, planned, begun at once, or recorded afterwards; moved, called off.

``contact`` sends each to the page where it stands. Domain: :mod:`zhike.contacts.course`, :mod:`zhike.contacts.afterwards`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct import guard
from zhike.conduct.bank import Bank
from zhike.conduct.guard import Blocked
from zhike.conduct.horizon import TOO_FAR, too_far
from zhike.contacts import course
from zhike.contacts.afterwards import Account, Agreed, foreseen, may_have_held, record
from zhike.contacts.course import DoesNotFit
from zhike.contacts.history import is_first
from zhike.contacts.models import Contact, Kind, State
from zhike.customers.models import Customer
from zhike.obligations.models import Obligation
from zhike.obligations.models import State as Owed
from zhike.pages import ahead, owed
from zhike.pages.answer import complaints, contact_for, in_course, moment, moved, number, tapped, time_missing
from zhike.pages.card import card
from zhike.pages.jinja import clock, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customer import customer_to_change
from zhike.pages.views.prepare import unreported
from zhike.pages.views.talk import OUTCOMES, dial
from zhike.people import workdays
from zhike.people.permissions import may, policy

HOW = ("agree", "plan", "now", "afterwards")


@policy("contacts.change")
@require_http_methods(["GET", "HEAD", "POST"])
@in_course
def new(request: ActingRequest, customer: int, kind: str) -> HttpResponse:
    """``how``: agree (the customer was told when and where), plan, now, afterwards."""
    if kind not in Kind.values:
        raise Http404
    found, bank = customer_to_change(request, customer), bank_of(request)
    if request.method != "POST":
        return _form(request, found, kind, bank, request.GET, {})
    given = request.POST
    said: dict[str, tuple[str, str]] = {}
    how = given.get("how") if given.get("how") in HOW else "now"
    at = moment(tapped(given, "step" if how in {"agree", "plan"} else "", "day"), given.get("time", ""), bank)
    if at is None and how in {"agree", "plan", "afterwards"}:
        said["day"] = ("", time_missing())
    elif at and how in {"agree", "plan"} and at <= request.now:
        said["day"] = (
            "",
            gettext("%(time)s has passed; it is %(now)s now. Choose a time ahead.")
            % {"time": when_text(at, request.now), "now": clock(request.now)},
        )
    elif at and how in {"agree", "plan"} and too_far(at, request.now):
        said["day"] = ("", TOO_FAR.say(owed.speaks()))
    elif at and how == "afterwards" and at > request.now:
        said["day"] = ("", gettext("What is recorded afterwards lies in the past."))
    agreed = how == "agree" or (how == "afterwards" and given.get("was_agreed") == "yes")
    if agreed and kind == Kind.VISIT and not given.get("place", "").strip():
        said["place"] = ("V1", gettext("A visit is agreed with its place."))
    if said:
        return _form(request, found, kind, bank, given, said, status=422)
    try:
        return _made(request, found, kind, str(how), at, bank)
    except Blocked as blocked:
        return _form(request, found, kind, bank, given, complaints(blocked), status=422)
    except DoesNotFit as misfit:
        said = {"day" if misfit.field.endswith("_at") else misfit.field: ("", misfit.words.say(owed.speaks()))}
        return _form(request, found, kind, bank, given, said, status=422)


def _made(request: ActingRequest, found: Customer, kind: str, how: str, at: Any, bank: Bank) -> HttpResponse:
    given, now, actor = request.POST, request.now, request.actor
    if again := Contact.objects.begun_twice(found, kind, how, at, actor=actor, now=now):
        return moved(request, reverse("contact", args=[again.pk]))
    first_call = kind == Kind.CALL and is_first(found.pk, found.rm_id, actor.id, "call", at or now, bank)
    # A first call introduces, whatever is chosen (C9); one that is over is told as it was.
    purpose = "introduction" if first_call and how != "afterwards" else given.get("purpose", "")
    told: dict[str, Any] = {
        "purpose": purpose if purpose in guard.PURPOSES else "",
        "purpose_words": given.get("purpose_words", "").strip(),
        "place": given.get("place", "").strip(),
        "incoming": given.get("incoming") == "yes",
    }
    if how == "afterwards":
        return _afterwards(request, found, kind, at, told, bank)
    planned = at if how in {"agree", "plan"} else None
    contact = course.plan(
        found, kind, actor=actor, now=now, planned_for=planned, planned_minutes=_minutes(given), **told
    )
    if how == "plan":
        when = when_text(at, now)
        return moved(request, reverse("customer", args=[found.pk]), gettext("Planned: %(time)s") % {"time": when})
    if how == "agree":
        course.agree(
            contact,
            at=at,
            place=contact.place,
            actor=actor,
            now=now,
            bank=bank,
            customer_asked=given.get("asked") == "yes",
            invited_by_rm=given.get("invited") == "yes",
        )
        words = gettext("Agreed with %(who)s: %(time)s") % {"who": found.address_as, "time": when_text(at, now)}
        return moved(request, reverse("prepare", args=[contact.pk]), words)
    contact.customer_asked = given.get("asked") == "yes"
    reasons: dict[str, Any] = {name: given.get(name, "") for name in ("surprise_reason", "early_reason")}
    course.start(contact, actor=actor, now=now, bank=bank, **reasons)
    dial(request, contact, bank)
    talk = reverse("talk", args=[contact.pk])
    kept = _kept_by(contact) if first_call or contact.purpose == "call_back" else None
    return moved(request, f"{talk}?for={kept}" if kept else talk)


def _kept_by(contact: Contact) -> int | None:
    """The promised call-back that this call is, the nearest."""
    promised = Obligation.objects.filter(customer_id=contact.customer_id, kind="call_back", state=Owed.OPEN)
    return promised.order_by("target").values_list("pk", flat=True).first()


def _afterwards(
    request: ActingRequest, found: Customer, kind: str, at: Any, told: dict[str, Any], bank: Bank
) -> HttpResponse:
    """What is over is recorded in one go, once it was said what will be kept with it; then its write-up."""
    given = request.POST
    calls, visits = kind == Kind.CALL, kind == Kind.VISIT
    account = Account(
        kind=kind,
        started_at=at,
        ended_at=min(request.now, at + timedelta(minutes=_minutes(given) or (10 if calls else 30))),
        appointment=Agreed(at, told["place"]) if visits and given.get("was_agreed") == "yes" else None,
        customer_asked=given.get("asked") == "yes",
        surprise_reason=given.get("surprise_reason", "") if visits else "",
        outcome=(given.get("outcome") or "reached") if calls else "",
        call_back_at=_again(given, bank) if calls else None,
        no_time_agreed=given.get("no_time") == "yes",
        explanation=given.get("explanation", "").strip(),
        held_by=number(given.get("held_by")),
        **told,
    )
    if account.held_by and not may_have_held(request.actor).filter(pk=account.held_by).exists():
        who = {"held_by": ("", gettext("Choose who held it from the list."))}
        return _form(request, found, kind, bank, given, who, status=422)
    ahead_of_it = foreseen(found, account, actor=request.actor, bank=bank)
    names = " ".join(verdict.name for verdict in ahead_of_it)
    if ahead_of_it and given.get("knowing") != names:
        kept = [(verdict.clause, verdict.kept.say(owed.speaks())) for verdict in ahead_of_it]
        return _form(request, found, kind, bank, given, {}, status=422, kept=kept, knowing=names)
    contact = record(found, account, actor=request.actor, now=request.now, bank=bank)
    if contact.state != State.ENDED:
        return moved(request, reverse("customer", args=[found.pk]), gettext("Recorded"))
    return moved(request, reverse("write_up", args=[contact.pk]))


def _holders(request: ActingRequest, found: Customer) -> list[tuple[str, str]]:
    """Who may have held what is recorded afterwards, where that is a question: whoever records it, or the customer's own RM."""
    rm = found.rm
    if rm is None or rm.pk == request.actor.id or not may_have_held(request.actor).filter(pk=rm.pk).exists():
        return []
    return [(str(request.actor.id), gettext("I did")), (str(rm.pk), rm.name)]


def _again(given: QueryDict, bank: Bank) -> datetime | None:
    """The call-back that was agreed; an outcome other than absent and busy promises none."""
    if given.get("outcome") not in {"absent", "busy"}:
        return None
    return moment(given.get("again_day", ""), given.get("again_time", ""), bank)


def _minutes(given: QueryDict) -> int | None:
    minutes = number(given.get("minutes"))
    return min(minutes, 1440) if minutes else None


def _form(
    request: ActingRequest,
    found: Customer,
    kind: str,
    bank: Bank,
    given: QueryDict,
    said: dict[str, tuple[str, str]],
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    now = request.now
    first = is_first(found.pk, found.rm_id, request.actor.id, kind, now, bank)
    context = {
        "customer": found,
        "who": owed.person(found.pk, found.name, found.honorific, found.tier, bank, found.kind),
        "kind": kind,
        "card": card(found, request.actor, now, bank, contacts=3),
        "title": {
            "reception": gettext("Invite or receive"), "visit": gettext("Visit"), "call": gettext("Phone call"),
        }[kind],
        "first": first,
        "purposes": [(key, words.say(owed.speaks())) for key, words in guard.PURPOSES.items()],
        "minutes": {"reception": 40, "visit": bank.visit_length, "call": bank.call_length}[kind],
        "steps": ahead.days(now, workdays.ahead(local(now).date())),
        "today": local(now).date().isoformat(),
        "holders": _holders(request, found),
        "held_by": given.get("held_by") or str(request.actor.id),
        "outcomes": [(outcome, text()) for outcome, _icon, text, _hint in OUTCOMES],
        "given": given,
        "said": said,
        "early": said.get("early_reason", ("", _early(found, now, bank)))[1] if kind == Kind.CALL else "",
        "unreported": unreported(kind, request.now, request.actor, bank),
        "tip": owed.tip,
        "kept": [],
        "knowing": "",
        **more,
    }  # fmt: skip
    return render(request, "plan.html", context, status=status)


def _early(found: Customer, now: datetime, bank: Bank) -> str:
    """What the guard would say of a call begun now, where a call-back is promised for later (C5)."""
    promised = course.promised(Contact(customer=found), now)
    said = guard.call_start(purpose="care", first=False, incoming=False, now=now, bank=bank, promised=promised)
    return said[0].words.say(owed.speaks()) if said else ""


@policy("contacts.change")
@require_http_methods(["GET", "HEAD", "POST"])
@in_course
def move(request: ActingRequest, contact: int) -> HttpResponse:
    """改期、取消 · Whose reason it is, and how the customer was told (V3)."""
    found, bank, given = contact_for(request, contact), bank_of(request), request.POST
    if request.method != "POST":
        return _moving(request, found, bank, QueryDict(), {})
    said: dict[str, tuple[str, str]] = {}
    moved_to = None
    if given.get("what") == "move":
        moved_to = moment(tapped(given, "step", "day"), given.get("time", ""), bank)
        if moved_to is None:
            said["day"] = ("", time_missing())
        elif moved_to <= request.now:
            said["day"] = ("", gettext("Choose a time ahead."))
    if said:
        return _moving(request, found, bank, given, said, 422)
    try:
        course.call_off(
            found, whose=given.get("whose", ""), why=given.get("why", "").strip(), actor=request.actor, now=request.now,
            bank=bank, told_how=given.get("told", ""), told_at=moment(given.get("told_day", ""), given.get("told_time", ""), bank), apologised=given.get("apologised") == "yes", moved_to=moved_to,
        )  # fmt: skip
    except Blocked as blocked:
        return _moving(request, found, bank, given, complaints(blocked), 422)
    except DoesNotFit as misfit:
        return _moving(request, found, bank, given, {misfit.field: ("", misfit.words.say(owed.speaks()))}, 422)
    words = (
        gettext("Moved to %(time)s") % {"time": when_text(moved_to, request.now)} if moved_to else gettext("Called off")
    )
    return moved(request, reverse("today"), words)


def _moving(
    request: ActingRequest,
    found: Contact,
    bank: Bank,
    given: QueryDict,
    said: dict[str, tuple[str, str]],
    status: int = 200,
) -> HttpResponse:
    c = found.customer
    context = {
        "contact": found,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind),
        "at": when_text(found.planned_for, request.now) if found.planned_for else "",
        "steps": ahead.days(request.now, workdays.ahead(local(request.now).date())),
        "just_now": local(request.now),
        "given": given,
        "said": said,
        "tip": owed.tip,
    }
    return render(request, "move.html", context, status=status)


@policy("contacts.view")
@require_safe
def contact(request: ActingRequest, contact: int) -> HttpResponse:
    """To the page where the contact stands."""
    found = contact_for(request, contact)
    page = {
        State.PLANNED: "prepare",
        State.AGREED: "prepare",
        State.UNDER_WAY: "talk",
        State.ENDED: "write_up",
    }.get(State(found.state), "record")
    if page in {"talk", "write_up"} and not may(request.actor, "contacts.change"):
        page = "record"
    return moved(request, reverse(page, args=[found.pk]))
