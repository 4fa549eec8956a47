"""潜在客户 · One: who, from where, what was done, what comes next; noted in a line, lost with a reason, become a customer.

Domain: :mod:`zhike.market.prospects`, :mod:`zhike.market.pool`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.customers import search
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Need
from zhike.customers.models.customer import Exhausted
from zhike.customers.vault import Unopened
from zhike.market import pool, prospects
from zhike.market.models import Event, Prospect
from zhike.market.models.prospect import SEALED_FIELDS
from zhike.market.prospects import NOTHING, Account, Draft, Same, Step
from zhike.market.refusals import Unfit
from zhike.obligations.models import Obligation
from zhike.pages import owed
from zhike.pages import prospects as words
from zhike.pages.answer import moment, moved, number
from zhike.pages.jinja import local, names
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import may, policy

# Said of nobody in particular, so that a form says what the reader has typed and no more.
TOLD = 100


def prospect_for(request: ActingRequest, id: int) -> Prospect:
    """One whom the reader may see; anybody else does not exist. Whoever comes to change holds it till the end."""
    found = (
        Prospect.objects.held(id, request.actor)
        if request.method == "POST"
        else Prospect.objects.visible_to(request.actor).whole().filter(pk=id).first()
    )
    if found is None:
        raise Http404
    return found


@policy("prospects.view")
@require_safe
def show(request: ActingRequest, prospect: int) -> HttpResponse:
    """The page; ``?act=lose`` opens that form."""
    return _page(request, prospect_for(request, prospect))


def _page(
    request: ActingRequest,
    found: Prospect,
    form: str = "",
    given: QueryDict | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """``form``: which of the forms was refused, with what was typed and what is wrong, by the field."""
    actor, now, bank = request.actor, request.now, bank_of(request)
    today = local(now).date()
    step = prospects.open_step(found)
    events = found.events.select_related("by", "rm").order_by("-at", "-pk")[:TOLD]
    told = [words.event(each, now) for each in events]
    mine = found.changeable_by(actor) and may(actor, "prospects.change")
    promises = (
        Obligation.objects.visible_to(actor)
        .filter(subject__startswith=f"{found.subject}/", state="open")
        .order_by("due")
    )
    context = {
        "p": found,
        "stage": words.stage(found),
        "source": words.source(found),
        "referred": found.referred_by,
        "interest": words.interest(found),
        "tier_name": bank.tier(found.tier).name.say(owed.speaks()),
        "step": words.step(step, now),
        "step_clause": "W5",
        "promises": [owed.in_short(each, now) for each in promises],
        "back": words.goes_back(found, bank, today),
        "events": told,
        "sealed": [
            {"name": name, "label": LABELS[name](), "value": found.shown(name)} for name in SEALED_FIELDS if getattr(found, name)
        ],
        "may_reveal": may(actor, "customers.reveal") and found.revealable_by(actor),
        "first_call": found.is_open and found.contacted_at is None,
        "mine": mine,
        "notes": mine and not found.do_not_contact and (found.is_open or step is not None),
        "needs_step": found.is_open,
        "in_pool": found.rm_id is None and found.is_open,
        "claims": "rm" in actor.roles and found.rm_id is None and found.is_open and not found.do_not_contact,
        "assigns": may(actor, "prospects.assign") and found.keeper in actor.directs and found.is_open,
        "people": [(str(each.pk), f"{each.name} {each.number}") for each in pool.candidates(actor, today) if each.pk != found.rm_id]
        if may(actor, "prospects.assign") else [],
        "hows": names(Event.How),
        "stages": [pair for pair in names(Prospect.Stage) if pair[0] not in ("won", "lost")],
        "reasons": names(Prospect.Lost),
        "wins": mine and found.is_open and found.rm_id is not None and may(actor, "customers.create"),
        "today": today.isoformat(),
        "form": form,
        "given": given if given is not None else QueryDict(),
        "wrong": wrong or {},
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "prospect.html", context, status=status)


LABELS = {
    "mobile": lambda: gettext("Mobile"),
    "email": lambda: gettext("E-mail address"),
    "contact_name": lambda: gettext("Contact person"),
}


def _said(refused: Refused) -> str:
    return refused.words.say(get_language() or "")


def _step(given: QueryDict) -> Step:
    return Step(given.get("step", ""), day(given.get("step_on", "")))


def day(text: str) -> date | None:
    """A day out of a form; none where it is empty or cannot be read."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@policy("prospects.change")
@require_POST
def contact(request: ActingRequest, prospect: int) -> HttpResponse:
    """What was done, and what comes next."""
    found, given, bank = prospect_for(request, prospect), request.POST, bank_of(request)
    at = moment(given.get("day", ""), given.get("time", ""), bank) if given.get("day") else None
    account = Account(
        given.get("how", ""), given.get("words", ""), at=at, does=given.get("does", "yes") == "yes",
        stage=given.get("stage", ""), promise=given.get("promise", ""), promise_on=day(given.get("promise_on", "")),
    )  # fmt: skip
    try:
        prospects.contact(found, account, _step(given), actor=request.actor, now=request.now, bank=bank)
    except Refused as refused:
        return _refused(request, found, "contact", refused)
    return moved(request, reverse("prospect", args=[found.pk]), gettext("Noted."))


@policy("prospects.change")
@require_POST
def act(request: ActingRequest, prospect: int) -> HttpResponse:
    """``act``: stage, plan, lose, reopen, win, give_back; each with the fields of its form."""
    found, given = prospect_for(request, prospect), request.POST
    verb: dict[str, Any] = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    here, said = reverse("prospect", args=[found.pk]), gettext("Done.")
    what = given.get("act", "")
    try:
        match what:
            case "stage":
                prospects.move(found, given.get("stage", ""), actor=request.actor, now=request.now)
            case "plan":
                prospects.plan(found, _step(given), **verb)
            case "lose":
                prospects.lose(found, given.get("lost", ""), given.get("lost_words", ""), **verb)
            case "reopen":
                prospects.reopen(found, _step(given), **verb)
            case "give_back":
                pool.give_back(found, given.get("why", ""), **verb)
                here, said = reverse("prospects"), gettext("%(name)s is back in the pool.") % {"name": found.name}
            case "win":
                customer = prospects.win(found, **verb)
                here = reverse("customer", args=[customer.pk])
                said = gettext("%(name)s is a customer now; all that was noted came along.") % {"name": found.name}
            case _:
                raise Http404
    except Refused as refused:
        return _refused(request, found, what, refused)
    except (Unaccepted, Exhausted) as error:
        return _page(request, prospect_for(request, prospect), what, given, {"": str(error)}, 422)
    return moved(request, here, said)


@policy("prospects.change")
@require_POST
def claim(request: ActingRequest, prospect: int) -> HttpResponse:
    """Out of the pool; who comes second is told."""
    try:
        found = pool.claim(prospect, actor=request.actor, now=request.now, bank=bank_of(request))
    except Refused as refused:
        return render(request, "moved_on.html", {"sentence": _said(refused), "contact": None}, status=422)
    said = gettext("%(name)s is yours now: the first contact is owed.") % {"name": found.name}
    return moved(request, reverse("prospect", args=[found.pk]), said)


@policy("prospects.assign")
@require_POST
def assign(request: ActingRequest, prospect: int) -> HttpResponse:
    """To one of the team."""
    found = prospect_for(request, prospect)
    try:
        pool.assign(
            found, number(request.POST.get("rm")) or 0, actor=request.actor, now=request.now, bank=bank_of(request)
        )
    except Refused as refused:
        return _refused(request, found, "assign", refused)
    return moved(request, reverse("prospect", args=[found.pk]), gettext("Assigned."))


def _refused(request: ActingRequest, found: Prospect, form: str, refused: Refused) -> HttpResponse:
    """The page again with the sentence at its field, and what was typed."""
    found = prospect_for(request, found.pk)
    field = refused.field if isinstance(refused, Unfit) else ""
    status = 422 if isinstance(refused, Unfit) else 409
    return _page(request, found, form, request.POST, {field: _said(refused)}, status)


@policy("customers.reveal")
@require_POST
def reveal(request: ActingRequest, prospect: int, field: str) -> HttpResponse:
    """Shows one sealed value: an act, counted and kept."""
    found = prospect_for(request, prospect)
    if field not in SEALED_FIELDS or not getattr(found, field):
        raise Http404
    if not found.revealable_by(request.actor):
        raise Http404
    try:
        value = found.reveal(field, actor=request.actor, now=request.now, bank=bank_of(request))
    except (Unopened, Exhausted) as error:
        value = str(error)
    context = {
        "value": value,
        "label": LABELS[field](),
        "prospect": found,
        "tel": field == "mobile" and value.isdecimal(),
    }
    return render(request, "prospect_revealed.html", context)


# ── entered and put right ────────────────────────────────────────────────────────────────────────────────────────────


@policy("prospects.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """A prospect with where they come from and what is to be done next; ``?name=`` and ``?source=`` fill in."""
    if request.method != "POST":
        return _form(request, None, request.GET, {})
    given, bank = request.POST, bank_of(request)
    to_pool = given.get("to_pool") == "yes"
    try:
        step = NOTHING if to_pool else _step(given)
        with looking(request):
            draft = _draft(given, request)
            found = prospects.enter(draft, step, to_pool=to_pool, actor=request.actor, now=request.now, bank=bank)
    except Same as same:
        return _form(request, None, given, {same.field: _said(same)}, same)
    except Unfit as unfit:
        return _form(request, None, given, {unfit.field: _said(unfit)})
    except (Unaccepted, Exhausted) as error:
        return _form(request, None, given, {"": str(error)})
    said = gettext("%(name)s is entered.") % {"name": found.name}
    return moved(request, reverse("prospect", args=[found.pk]), said)


@policy("prospects.change")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: ActingRequest, prospect: int) -> HttpResponse:
    """What is known of them; what is sealed is typed anew, or stays as it is."""
    found = prospect_for(request, prospect)
    if request.method != "POST":
        return _form(request, found, _as_typed(found), {})
    given, bank = request.POST, bank_of(request)
    try:
        with looking(request):
            draft = _draft(given, request, found)
            draft = replace(
                draft,
                mobile=draft.mobile or found.opened("mobile"),
                email=draft.email or found.opened("email"),
                contact_name=draft.contact_name or found.opened("contact_name"),
            )
            prospects.correct(found, draft, actor=request.actor, now=request.now, bank=bank)
    except Same as same:
        return _form(request, prospect_for(request, prospect), given, {same.field: _said(same)}, same)
    except Refused as refused:
        field = refused.field if isinstance(refused, Unfit) else ""
        return _form(request, prospect_for(request, prospect), given, {field: _said(refused)})
    except (Unaccepted, Exhausted) as error:
        return _form(request, prospect_for(request, prospect), given, {"": str(error)})
    return moved(request, reverse("prospect", args=[found.pk]), gettext("Saved."))


@contextmanager
def looking(request: Any) -> Iterator[None]:
    """Looking for a number is counted, refused or not: nothing else has been written where one of these verbs refuses."""
    try:
        yield
    except Refused:
        request.keeps = True
        raise


def _as_typed(found: Prospect) -> QueryDict:
    given = QueryDict(mutable=True)
    for name in ("name", "kind", "employer", "source", "source_words", "interest", "interest_words", "tier"):
        given[name] = getattr(found, name)
    if found.referred_by:
        given["referrer"] = found.referred_by.name
    return given


def _draft(given: QueryDict, request: ActingRequest, before: Prospect | None = None) -> Draft:
    plain = {
        name: given.get(name, "")
        for name in (
            "name",
            "source",
            "employer",
            "mobile",
            "email",
            "contact_name",
            "source_words",
            "interest",
            "interest_words",
        )
    }
    return Draft(
        **plain, kind=given.get("kind", "person"), tier=_tier(given.get("tier", ""), request),
        referred_by=_referrer(given.get("referrer", ""), request, before), another=given.get("another") == "yes",
    )  # fmt: skip


def _tier(text: str, request: ActingRequest) -> str:
    tiers = [tier.key for tier in bank_of(request).tiers]
    return text if text in tiers else tiers[0]


def _referrer(text: str, request: ActingRequest, before: Prospect | None) -> int | None:
    """The customer who referred them, by name or number. Raises Unfit where that is nobody, or several."""
    text = text.strip()
    if not text:  # who is out of sight was not shown, and stays
        return before.referred_by_id if before is not None and before.referred_by is None else None
    if before is not None and before.referred_by and before.referred_by.name == text:
        return before.referred_by_id
    hits = search.find(text, request.actor, request.now, bank_of(request)).hits
    exact = [each for each in hits if text in (each.name, each.core_number)] or hits
    if len(exact) != 1:
        raise Unfit(
            "referrer",
            f"“{text}”对应 {len(exact)} 位客户，请写全名或客户号。"
            if exact
            else "您的范围内没有这位客户，请写全名或客户号。",
            f"“{text}” may be {len(exact)} customers: give the full name or the number."
            if exact
            else "There is no such customer in your scope: give the full name or the number.",
        )
    return exact[0].id


def _form(
    request: ActingRequest, found: Prospect | None, given: QueryDict, wrong: dict[str, str], same: Same | None = None
) -> HttpResponse:
    bank = bank_of(request)
    holds = "rm" in request.actor.roles
    context = {
        "p": found,
        "given": given,
        "wrong": wrong,
        "same": [
            {"name": each.name, "href": reverse(each.what, args=[each.id]), "customer": each.what == "customer"} for each in (same.found if same else [])
        ],
        "sources": names(Prospect.Source),
        "interests": [("", gettext("not known yet")), *names(Need.Kind)],
        "tiers": [(tier.key, tier.name.say(owed.speaks())) for tier in bank.tiers],
        "masked": {name: found.shown(name) if found else "" for name in SEALED_FIELDS},
        "holds": holds,
        "today": local(request.now).date().isoformat(),
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "prospect_form.html", context, status=422 if wrong else 200)
