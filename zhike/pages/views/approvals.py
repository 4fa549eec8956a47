"""审批 · What waits for a second person: decided here, with the whole of what is asked for in sight.

Domain: :mod:`zhike.people.approvals`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.pages.answer import moved, number
from zhike.pages.middleware import ActingRequest
from zhike.people import approvals
from zhike.people.models import Approval
from zhike.people.permissions import policy

ROWS = 30
FAR = 100_000


@policy("approvals.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """What waits for the reader, longest first, what the reader asked for, what was decided lately; ``?from=`` how many of
    those that wait, and ``?past=`` of those decided, were seen on the pages before."""
    return _page(request)


@policy("approvals.view")
@require_POST
def decide(request: ActingRequest, approval: int) -> HttpResponse:
    """``act``: approve, refuse or withdraw. What is approved is the ``digest`` that was on the screen."""
    act, note = request.POST.get("act", ""), request.POST.get("note", "")
    try:
        if act == "approve":
            approvals.approve(request.actor, approval, request.POST.get("digest", ""), request.now, note)
            said = gettext("Approved and carried out.")
        elif act == "refuse":
            approvals.refuse(request.actor, approval, request.now, note)
            said = gettext("Refused; the one who asked is shown why.")
        else:
            approvals.withdraw(request.actor, approval, request.now, note)
            said = gettext("Withdrawn.")
    except Refused as refused:
        return _page(request, {approval: refused.words.say(get_language() or "")}, status=409)
    return moved(request, reverse("approvals"), said)


def _page(request: ActingRequest, wrong: dict[int, str] | None = None, status: int = 200) -> HttpResponse:
    wrong = wrong or {}
    visible = Approval.objects.visible_to(request.actor).select_related("asked_by", "decided_by", "unit")
    waiting = approvals.waiting_for(request.actor, request.now)
    mine = visible.filter(asked_by=request.actor.id, decision="open").order_by("-asked_at")[:ROWS]
    seen, past = min(number(request.GET.get("from")) or 0, FAR), min(number(request.GET.get("past")) or 0, FAR)
    decided = list(visible.exclude(decision="open").order_by("-decided_at", "-pk")[past : past + ROWS + 1])
    shown = list(waiting[seen : seen + ROWS])
    lines = approvals.worded([*shown, *mine, *decided])
    count, here = waiting.count(), reverse("approvals")
    context = {
        "waiting": [_row(row, request, wrong, lines) for row in shown],
        "count": count,
        "more": f"{here}?from={seen + ROWS}" if count > seen + ROWS else None,
        "start": here if seen else None,
        "mine": [_row(row, request, wrong, lines) for row in mine],
        "decided": [_row(row, request, wrong, lines) for row in decided[:ROWS]],
        "older": f"{here}?past={past + ROWS}#decided" if len(decided) > ROWS else None,
        "newer": f"{here}?past={past - ROWS}#decided" if past >= ROWS else None,
        "wrong": next(iter(wrong.values()), None),
    }
    return render(request, "approvals.html", context, status=status)


def _row(
    approval: Approval, request: ActingRequest, wrong: dict[int, str], lines: dict[int, list[approvals.Line]]
) -> dict[str, Any]:
    kind = approvals.KINDS.get(approval.kind)
    return {
        "id": approval.pk,
        "title": kind.title.say(get_language() or "") if kind else approval.kind,
        "lines": lines[approval.pk],
        "reason": approval.reason,
        "by": approval.asked_by.name,
        "at": approval.asked_at,
        "until": approval.asked_at + approvals.WAITS,
        "expired": approvals.expired(approval, request.now),
        "digest": approval.digest,
        "decision": approval.decision,
        "decided": approval.get_decision_display(),
        "decided_by": approval.decided_by.name if approval.decided_by else "",
        "decided_at": approval.decided_at,
        "note": approval.note,
        "error": wrong.get(approval.pk),
    }
