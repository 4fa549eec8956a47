"""计划 · One work plan (W1): its lines and how they stand, what its owner may do with it, what the leader said.

Domain: :mod:`zhike.work.plans`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.pages import owed, planned
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.outings import meant, named
from zhike.people.permissions import policy
from zhike.work import plans
from zhike.work.models import Plan, PlanComment
from zhike.work.models.plan import Period
from zhike.work.outings import Unfit as Ambiguous
from zhike.work.plan_lines import ends, reckoned, stand
from zhike.work.plans import Own
from zhike.work.proposals import propose

GROUPS = ("open", "done", "moved_on", "missed", "off")


@policy("plans.view")
@require_safe
def show(request: ActingRequest, plan: int) -> HttpResponse:
    """The plan against what was done, at a glance."""
    found = Plan.objects.visible_to(request.actor).select_related("staff").filter(pk=plan).first()
    if found is None:
        raise Http404
    return page(request, found)


@policy("plans.view")
@require_safe
def said(request: ActingRequest, comment: int) -> HttpResponse:
    """A comment's plan, at what was said of it."""
    seen = Plan.objects.visible_to(request.actor)
    found = PlanComment.objects.filter(pk=comment, plan__in=seen).first()
    if found is None:
        raise Http404
    return moved(request, f"{reverse('work_plan', args=[found.plan_id])}#said")


def page(
    request: ActingRequest, found: Plan, given: QueryDict | None = None, wrong: dict[str, str] | None = None
) -> HttpResponse:
    bank, now, today = bank_of(request), request.now, local(request.now).date()
    own = found.staff_id == request.actor.id
    runs = now < ends(found, bank)
    rows = stand([found], actor=request.actor, now=now, bank=bank)[found.pk]
    lines = [planned.line(row, bank, now, does=own) for row in rows]
    for place, line in enumerate(lines, 1):
        line["n"] = place
    offered = []
    if own and runs:
        known = {row.line.about for row in rows}
        proposal = propose(Period(found.period), found.first_day, actor=request.actor, now=now, bank=bank)
        offered = [
            planned.proposed(each, bank, now)
            for each in (*proposal.lines, *proposal.offered)
            if each.about not in known
        ]
    unread = plans.unread(found) if own else []
    context = {
        "plan": found,
        "name": planned.named(found.period, found.first_day, today),
        "own": own,
        "runs": runs,
        "comments_may": plans.may_comment(found, request.actor),
        "fixed": when_text(found.fixed_at, now),
        "kept": reckoned(rows),
        "rest": planned.states(reckoned(rows)),
        "groups": [(name, some) for name in GROUPS if (some := [line for line in lines if line["stands"] == name])],
        "offered": offered,
        "book": named(request.actor) if own and runs else {},
        "comments": [
            {"who": each.by.name, "when": when_text(each.at, now), "words": each.words, "unread": each.pk in unread}
            for each in found.comments.select_related("by").order_by("at", "pk")
        ],
        "unread": bool(unread),
        "given": given if given is not None else QueryDict(),
        "wrong": wrong or {},
        "back": f"{reverse('plans')}?of=team" if not own else reverse("plans"),
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "work_plan.html", context, status=422 if wrong else 200)


@policy("plans.change")
@require_POST
def act(request: ActingRequest, plan: int) -> HttpResponse:
    """``act``: own, take, first, call_off, read; comment. From the evening's page (``day``, ``unit``) back to it."""
    found = Plan.objects.held(plan, request.actor)
    if found is None:
        raise Http404
    given = request.POST
    told: dict[str, Any] = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    words = given.get("words", "")
    try:
        with transaction.atomic():
            match given.get("act"):
                case "own":
                    customer = meant(named(request.actor), given.get("customer_name", ""))
                    if customer is None and given.get("customer_name", "").strip():
                        raise plans.Unfit("customer", "请选自己名下的客户。", "Choose a customer of your own book.")
                    plans.add(found, Own(words, customer), **told)
                    done = gettext("On the plan, and on Today.")
                case "take":
                    plans.add(found, given.get("about", ""), **told)
                    done = gettext("On the plan, and on Today.")
                case "first":
                    plans.put_first(found, given.get("about", ""), **told)
                    done = gettext("It stands first.")
                case "call_off":
                    plans.call_off(found, given.get("about", ""), words, **told)
                    done = gettext("Called off: nothing is owed.")
                case "read":
                    plans.read(found, **told)
                    done = ""
                case "comment":
                    plans.comment(found, words, **told)
                    done = (
                        gettext("Said.")
                        if found.staff_id == request.actor.id
                        else gettext("Said: it is on their Today.")
                    )
                case _:
                    return page(request, found)
    except (plans.Unfit, Ambiguous) as unfit:
        where = f"{given.get('act')}-{unfit.field if isinstance(unfit, plans.Unfit) else 'customer'}"
        return page(request, found, given, {where: unfit.words.say(get_language() or "")})
    except Refused as refused:
        return page(request, found, given, {"": refused.words.say(get_language() or "")})
    return moved(request, _back(request, found), done)


def _back(request: ActingRequest, found: Plan) -> str:
    if request.POST.get("to") != "evening":
        return reverse("work_plan", args=[found.pk])
    unit = number(request.POST.get("unit"))
    asked = {"day": found.first_day.isoformat(), **({"unit": unit} if unit else {})}
    return f"{reverse('plan_evening')}?{urlencode(asked)}#seat-{found.staff_id}"
