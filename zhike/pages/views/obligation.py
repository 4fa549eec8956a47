"""应办 · One obligation: what, by when, why (clause in its version, facts), and how it is done, let go or taken back.

Domain: :mod:`zhike.contacts.completion`.
"""

from __future__ import annotations

import os
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct import clause, wording
from zhike.conduct.bank import Bank
from zhike.conduct.facts import KINDS
from zhike.conduct.guard import Blocked
from zhike.contacts import completion, course
from zhike.contacts.completion import FACTS, AlreadySettled, How
from zhike.contacts.models import Demand
from zhike.customers import profile
from zhike.customers.checks import Unaccepted
from zhike.obligations.models import Obligation, State
from zhike.pages import ahead, message, owed
from zhike.pages.answer import complaints, moment, moved
from zhike.pages.card import numbers
from zhike.pages.jinja import clock, day_text, left_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import workdays
from zhike.people.permissions import may, policy
from zhike.sms import gateways
from zhike.sms.composer import may_be_written
from zhike.sms.threads import on_their_way

FORCES = {
    "must": lambda: pgettext("force", "must"),
    "should": lambda: pgettext("force", "should"),
    "try": lambda: pgettext("force", "try"),
    "may": lambda: pgettext("force", "may"),
}
ORIGINS = {
    "code": lambda: gettext("the conduct code"),
    "bank": lambda: gettext("the bank's own rule"),
    "law": lambda: gettext("law and supervision"),
}


def _find(request: ActingRequest, id: int) -> Obligation:
    rows = Obligation.objects.visible_to(request.actor).select_related(
        "customer__unit", "customer__rm", "fact", "owner", "settled_by", "settling"
    )
    # Held by whoever comes to settle it: of two clicks at once the second sees what the first did. A reminder that rings meanwhile may
    # name it still: it has the alarm that settling it waits for.
    held = rows.select_for_update(of=("self",), no_key=True) if request.method == "POST" else rows
    found = held.filter(pk=id).first()
    if found is None:
        raise Http404
    return found


@policy("obligations.view")
@require_safe
def show(request: ActingRequest, obligation: int) -> HttpResponse:
    """The obligation with its proof and the form that does it."""
    return _page(request, _find(request, obligation), bank_of(request))


def _page(
    request: ActingRequest,
    found: Obligation,
    bank: Bank,
    status: int = 200,
    given: QueryDict | None = None,
    **more: Any,
) -> HttpResponse:
    c = found.customer
    row = _row(found)
    look = owed.look(row, request.now) if found.state == State.OPEN else "done"
    leads = request.actor.leads(found.owner_id)
    behalf = found.owner_id in request.actor.covers
    context = {
        "o": found,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind) if c else None,
        "what": owed.words(found.what),
        "look": look,
        "behalf": found.owner.name if behalf else "",
        "icon_name": owed.ICONS[found.kind],
        "by_when": owed.until(row, request.now),
        "left": left_text(found.due, request.now) if found.due and found.state == State.OPEN else "",
        "proof": proof(found, bank, request),
        "outing": owed.outing(row) if str(found.subject).startswith("outing:") else "",
        "does": owed.does(row, look, request.now) if found.state == State.OPEN and found.kind not in FACTS else None,
        "early": owed.opens_at(row, request.now) if found.state == State.OPEN and request.now < found.opens else "",
        "form": found.kind if completion.still_tellable(found) and found.kind in FACTS else "",
        "lapsed": found.state == State.MISSED,
        "may_do": may(request.actor, "obligations.settle") and completion.may_settle(request.actor, found),
        "may_waive": may(request.actor, "obligations.waive") and found.state in {State.OPEN, State.CANNOT}
        and (found.force != "must" or leads) and completion.may_waive(request.actor, found, local(request.now).date()),
        "may_undo": found.settled_by_id == request.actor.id and found.settling is not None and found.kind in FACTS
        and request.now - found.settling.known_at <= completion.UNDO_WITHIN,
        "channels": [(channel, wording.CHANNELS[channel].say(owed.speaks())) for channel in (found.channels or (["call", "sms", "wecom", "meeting"] if c else ["meeting", "call", "wecom", "email"]))],
        "numbers": numbers(c) if c and found.state == State.OPEN else [],
        "may_reveal": may(request.actor, "customers.reveal"),
        "throughs": _throughs(found, bank),
        "compose": owed.composed(row) if c and may_be_written(found) and gateways.is_set_up(os.environ) else "",
        "sent": {id: message.stands(each, request.now) for id, each in on_their_way([found.pk]).items()}.get(found.pk, ""),
        "text": _text(found, request, bank),
        "needs_introduction": found.kind == "thanks" and found.detail.get("text", "later") != "later",
        "nexts": ahead.offers(request.now, workdays.ahead(local(request.now).date())),
        "settled": _settled(found),
        "obstacle": _obstacle(found) if found.state == State.CANNOT else "",
        "said": {},
        "given": given if given is not None else QueryDict(),
        "tip": owed.tip,
        **more,
    }  # fmt: skip
    return render(request, "obligation.html", context, status=status)


def _row(found: Obligation) -> dict[str, Any]:
    return {
        "id": found.pk, "kind": found.kind, "clause": found.clause, "subject": found.subject, "opens": found.opens,
        "due": found.due, "target": found.target, "channels": found.channels, "detail": found.detail,
        "customer": {"id": found.customer_id} if found.customer_id else None,
    }  # fmt: skip


def _throughs(found: Obligation, bank: Bank) -> list[tuple[str, str]]:
    """Which way an SMS went: S1 wants a platform of the bank's; one's own phone is for three kinds of thanks (S2)."""
    if "sms" not in found.channels:
        return []
    other = gateways.is_set_up(os.environ)  # what leaves from here is written here, and known of by itself
    rows = [("bank_sms", gettext("the bank's other SMS platform") if other else gettext("the bank's SMS platform"))]
    if found.detail.get("occasion", found.kind) in bank.own_phone_thanks:
        rows.append(("own_phone", gettext("my own phone")))
    return rows


def _text(found: Obligation, request: ActingRequest, bank: Bank) -> str:
    """A text to copy, in the customer's language whatever the reader's: customers are written to in Chinese."""
    with translation.override("zh-hans"):
        return _worded(found, request, bank)


def _worded(found: Obligation, request: ActingRequest, bank: Bank) -> str:
    """The right variant for a first meeting, the form of address filled in, the day as it is called on the day of sending."""
    if found.kind != "thanks" or found.customer is None or "sms" not in found.channels:
        return ""
    own = found.customer.rm
    if own is not None and own.pk != request.actor.id:
        if bank.stand_in_thanks == "not_sent":
            return ""
        values = {
            "address": found.customer.address_as,
            "speaker": request.actor.name,
            "rm": own.name,
            "unit": found.customer.unit.name,
        }
        if found.detail.get("text", "later") == "later":
            return (
                gettext("%(address)s, thank you for your time. %(speaker)s, for your manager %(rm)s, %(unit)s") % values
            )
        return (
            gettext(
                "%(address)s, thank you for your time. Your own manager at %(unit)s is %(rm)s, whom you can ask anything; "
                "%(speaker)s writes this on behalf of %(rm)s."
            )
            % values
        )
    values = {
        "address": found.customer.address_as,
        "rm": request.actor.name,
        "unit": found.customer.unit.name,
        "phone": request.user.phone,
        "day": _day_of(found, request),
    }
    match found.detail.get("text"):
        case "first":
            return gettext(
                "%(address)s, thank you for your time %(day)s. I am %(rm)s of %(unit)s, your own wealth manager: "
                "whatever it is, ask me."
            ) % values  # fmt: skip
        case "first_call":
            if not request.user.phone:
                return gettext(
                    "%(address)s, thank you for taking my call. I am %(rm)s of %(unit)s, your own manager. Come to me "
                    "directly with anything."
                ) % values  # fmt: skip
            return gettext(
                "%(address)s, thank you for taking my call. I am %(rm)s of %(unit)s, your own manager; my number is "
                "%(phone)s. Come to me directly with anything."
            ) % values  # fmt: skip
    return gettext("%(address)s, thank you for your time %(day)s. %(rm)s, %(unit)s") % values


def _day_of(found: Obligation, request: ActingRequest) -> str:
    """The day of the talk: a farewell after nine in the evening is thanked for in the morning, and then it was yesterday."""
    day, today = local(found.fact.at).date(), local(request.now).date()
    match (today - day).days:
        case 0:
            return pgettext("in a message", "today")
        case 1:
            return pgettext("in a message", "yesterday")
    return day_text(day, today, weekday=False)


def proof(found: Obligation, bank: Bank, request: ActingRequest) -> list[tuple[str, str]]:
    """Clause and version, facts with their grade, window and whose rule: the answer to "why do I see this?"."""
    text = clause.load()[found.clause]
    fact, today = found.fact, local(request.now).date()
    rows = [
        (gettext("Clause"), f"{found.clause} · {text.norm.say(owed.speaks())}"),
        (
            gettext("In force"),
            gettext("since %(day)s · %(force)s · %(origin)s")
            % {"day": found.clause_from, "force": FORCES[found.force](), "origin": ORIGINS[found.origin]()},
        ),
        (gettext("Fact"), f"{KINDS[fact.kind].words.say(owed.speaks())} · {day_text(local(fact.at).date(), today)} {clock(fact.at)} · {fact.get_grade_display()}"),
        (gettext("Because"), owed.words(found.why)),
    ]  # fmt: skip
    if found.due:
        rows.append((gettext("Window"), f"{when_text(found.opens, request.now)} – {when_text(found.due, request.now)}"))
    if found.tier:
        rows.append((gettext("Tier then"), bank.tier(found.tier).name.say(owed.speaks())))
    if found.state == State.OPEN and (still := owed.still(found.evidence, request.now)):
        rows.append((gettext("How it stands"), still))
    if found.state == State.CANNOT:
        rows.append((gettext("Cannot be done"), _obstacle(found)))
    return rows


def _shown_by(found: Obligation) -> str:
    """What stands behind the stop that ended it: somebody's words, or the core system's file."""
    if found.settling is None or "evidence" not in found.settling.data:
        return ""
    by = found.settling.by.name if found.settling.by else pgettext("source", "core system")
    return f" {found.settling.data['evidence']} · {by}"


def _obstacle(found: Obligation) -> str:
    """What stands in the way, and what shows it."""
    why = str(found.evidence.get("why", ""))
    words = {
        "no_mobile": gettext("There is no mobile number to send an SMS to."),
        "deceased": gettext("The customer has died."),
        "closed": gettext("The account is closed."),
        "do_not_disturb": gettext("The customer does not want to be disturbed."),
        "complaint": gettext("A complaint is open."),
    }.get(why, why)
    return words + _shown_by(found)


def _settled(found: Obligation) -> str:
    """How it ended, in a sentence."""
    if found.settled_at is None:
        return ""
    by = found.settled_by.name if found.settled_by else gettext("Zhike")
    if found.settled_by_id and found.settled_by_id != found.owner_id:
        by = gettext("%(who)s for %(name)s") % {"who": by, "name": found.owner.name}
    when = f"{local(found.settled_at):%Y-%m-%d %H:%M}"
    words = found.evidence.get("words") or found.evidence.get("reason") or ""
    return " · ".join(part for part in (str(found.get_state_display()), when, by, words) if part)


@policy("obligations.view")
@require_safe
def why(request: ActingRequest, obligation: int) -> HttpResponse:
    """The proof alone, for a row that is opened in place."""
    found = _find(request, obligation)
    links = [
        (gettext("See all of it"), reverse("obligation", args=[found.pk])),
        (gettext("The clause"), reverse("clause", args=[found.clause])),
    ]
    return render(request, "_why.html", {"facts": proof(found, bank_of(request), request), "links": links})


@policy("obligations.settle")
@require_POST
def done(request: ActingRequest, obligation: int) -> HttpResponse:
    """Recorded how it was done, and if wanted the next contact planned with it."""
    found, bank, given = _find(request, obligation), bank_of(request), request.POST
    refused: dict[str, tuple[str, str]] = {}
    how = _how(given, found, bank, refused)
    try:
        if refused:
            raise Blocked(())
        completion.complete(found, how, actor=request.actor, now=request.now, bank=bank)
    except Blocked as blocked:
        return _page(request, found, bank, 422, given, said={**complaints(blocked), **refused})
    except AlreadySettled as settled:
        return _page(request, settled.obligation, bank, 409, already=True)
    if found.customer and given.get("next") in ahead.STEPS:
        today = request.now.astimezone(bank.zone).date()
        day = ahead.on(today, given["next"], workdays.ahead(today))
        course.plan(
            found.customer, "call", actor=request.actor, now=request.now,
            planned_for=moment(day.isoformat(), "10:00", bank), purpose="care",
        )  # fmt: skip
    words = gettext("Done: %(what)s") % {"what": owed.words(found.what)}
    return moved(request, reverse("today"), words, undo=reverse("undo", args=[found.pk]))


def _how(given: QueryDict, found: Obligation, bank: Bank, refused: dict[str, tuple[str, str]]) -> How:
    value = given.get("value", "").strip()
    if found.kind == "find_out" and value:
        try:
            value = profile.named(found.detail["field"]).accept(value)
        except Unaccepted as error:
            refused["value"] = ("", str(error))
    return How(
        at=moment(given.get("day", ""), given.get("time", ""), bank),
        channel=given.get("channel", ""),
        through=given.get("through", ""),
        introduces=given.get("introduces") == "yes",
        words=given.get("words", "").strip(),
        apologised=given.get("apologised") == "yes",
        value=value,
        demand=given.get("demand", "") if given.get("demand") in Demand.State.values else "open",
    )


@policy("obligations.waive")
@require_POST
def waive(request: ActingRequest, obligation: int) -> HttpResponse:
    """Let go with a reason; the leader sees it."""
    found, bank = _find(request, obligation), bank_of(request)
    try:
        waived = completion.waive(found, request.POST.get("reason", ""), actor=request.actor, now=request.now)
    except Blocked as blocked:
        return _page(request, found, bank, 422, request.POST, said=complaints(blocked))
    except AlreadySettled as settled:
        return _page(request, settled.obligation, bank, 409, already=True)
    if waived.state != State.WAIVED:
        return moved(request, reverse("today"), gettext("Asked for. A second person has to approve it."))
    return moved(request, reverse("today"), gettext("Waived: %(what)s") % {"what": owed.words(found.what)})


@policy("obligations.settle")
@require_POST
def undo(request: ActingRequest, obligation: int) -> HttpResponse:
    """撤回 within ten minutes."""
    found, bank = _find(request, obligation), bank_of(request)
    try:
        completion.undo(found, actor=request.actor, now=request.now, bank=bank)
    except Blocked as blocked:
        return _page(request, found, bank, 422, said=complaints(blocked))
    return moved(request, reverse("today"), gettext("Taken back: %(what)s") % {"what": owed.words(found.what)})
