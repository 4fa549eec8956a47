"""交办 · One assignment (W2): what counts as done, the clock, what was said, and what whoever looks at it may do next.

Domain: :mod:`zhike.work.assignments`.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.guard import Blocked
from zhike.documents.formats import Unkept
from zhike.documents.models import Version
from zhike.pages import owed
from zhike.pages.answer import complaints, moved, number
from zhike.pages.jinja import left_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.assignments import due_of
from zhike.pages.views.document import files_beside, limits, paper
from zhike.people.permissions import policy
from zhike.work import assignments
from zhike.work.assignment_states import TRANSITIONS, WrongState
from zhike.work.models import Assignment
from zhike.work.models.assignment import State

ICONS = {"question": "bubble", "answer": "bubble", "report": "pen", "hand_in": "upload", "sent_back": "back", "accepted": "check", "called_off": "x"}  # fmt: skip


# What of the thread the next step is about: it stands above it.
LAID: dict[str, str] = {
    State.ASKED: "question",
    State.GIVEN: "answer",
    State.HANDED_IN: "hand_in",
    State.SENT_BACK: "sent_back",
}


@policy("assignments.view")
@require_safe
def show(request: ActingRequest, assignment: int) -> HttpResponse:
    """The assignment with its thread and the form of what comes next."""
    found = Assignment.objects.visible_to(request.actor).select_related("staff", "by").filter(pk=assignment).first()
    if found is None:
        raise Http404
    return _page(request, found)


def _page(
    request: ActingRequest, found: Assignment, given: QueryDict | None = None, said: dict[str, tuple[str, str]] | None = None,
    status: int = 200, stale: str = "",
) -> HttpResponse:  # fmt: skip
    now, own = request.now, found.staff_id == request.actor.id
    late = found.is_late(now)
    runs = not found.is_over and found.state != State.HANDED_IN
    entries = list(found.entries.select_related("by").order_by("at", "pk"))
    papers = assignments.papers(entries, request.actor)
    thread = [
        {"who": e.by.name, "name": e.kind, "kind": str(e.get_kind_display()), "icon": ICONS[e.kind], "when": when_text(e.at, now),
         "words": e.words, "due": when_text(e.due, now) if e.due else "",
         "papers": [_paper(papers[id]) for id in e.documents if id in papers], "unseen": sum(id not in papers for id in e.documents)}
        for e in entries
    ]  # fmt: skip
    context = {
        "a": found,
        "own": own,
        "judges": assignments.may_judge(found, request.actor),
        "may": {verb for verb, state in TRANSITIONS if state == found.state},
        "when": when_text(found.due, now),
        "left": left_text(found.due, now) if runs else "",
        "late": late,
        "state_look": "late" if late and runs else "on" if found.state in {State.TAKEN_ON, State.DONE} else "soon" if runs or found.state == State.HANDED_IN else None,
        "handed_in": when_text(found.handed_in_at, now) if found.handed_in_at else "",
        "thread": thread,
        "laid": next((e for e in reversed(thread) if e["name"] == LAID.get(found.state)), None),
        "given": given if given is not None else QueryDict(),
        "said": said or {},
        "stale": stale,
        "earliest": local(now).date().isoformat(),
        **limits(request),
        "ratings": [(str(n), str(n)) for n in range(1, 6)],
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "assignment.html", context, status=status)


def _paper(version: Version) -> dict[str, Any]:
    return paper(version, reverse("document_file", args=[version.document_id, version.number, version.name]))


@policy("assignments.change")
@require_POST
def act(request: ActingRequest, assignment: int) -> HttpResponse:
    """``act``: take_on, ask_back, report, hand_in with each ``file``; the leader's answer, accept, send_back, call_off, stop_repeating."""
    found = Assignment.objects.held(assignment, request.actor)
    if found is None:
        raise Http404
    given = request.POST
    told: dict[str, Any] = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    words = given.get("words", "")
    try:
        match given.get("act"):
            case "take_on":
                assignments.take_on(found, **told)
                said = gettext("Taken on: it is owed by its date.")
            case "ask_back":
                assignments.ask_back(found, words, **told)
                said = gettext("Asked. The leader owes the answer.")
            case "report":
                assignments.report(found, words, **told)
                said = gettext("Reported.")
            case "hand_in":
                with transaction.atomic():
                    assignments.hand_in(found, words, files=files_beside(request), **told)
                said = gettext("Handed in. It is done once the leader accepts it.")
            case "answer":
                assignments.answer(found, words, **told)
                said = gettext("Answered.")
            case "accept":
                assignments.accept(found, words, rating=number(given.get("rating")), **told)
                said = gettext("Accepted: it is done.")
            case "send_back":
                assignments.send_back(found, words, due_of(given, told["bank"]), **told)
                said = gettext("Sent back, with the new date.")
            case "call_off":
                assignments.call_off(found, words, **told)
                said = gettext("Called off: nothing is owed.")
            case "stop_repeating":
                assignments.stop_repeating(found, **told)
                said = gettext("This turn stays; none follows.")
            case _:
                return _page(request, found, status=422)
    except Blocked as blocked:
        return _page(request, found, given, complaints(blocked), 422)
    except Unkept as unkept:
        found.refresh_from_db()
        return _page(request, found, given, {"file": ("", unkept.words.say(owed.speaks()))}, 422)
    except WrongState as wrong:
        return _page(request, found, given, stale=wrong.words.say(get_language() or ""), status=409)
    return moved(request, reverse("assignment", args=[found.pk]), said)
