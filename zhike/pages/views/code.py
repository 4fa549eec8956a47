"""规范 · The conduct code: all clauses by chapter, and one clause with its text, versions, rules and how it is kept.

Domain: :mod:`zhike.conduct.clause`, :mod:`zhike.conduct.measure`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe

from zhike.conduct import clause as clauses
from zhike.conduct.clause import OBLIGATIONS, Clause
from zhike.conduct.facts import KINDS
from zhike.conduct.measure import TEXT_JUDGES, Kept, Measure, Tally, adherence
from zhike.contacts.adherence import tallied
from zhike.obligations.models import Finding, Obligation
from zhike.pages import owed
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.obligation import FORCES, ORIGINS
from zhike.people.permissions import may, policy
from zhike.sms.adherence import tallied as texts_tallied

DAYS = 90

CHAPTERS = {
    "reception": lambda: gettext("Receiving a customer"),
    "visit": lambda: gettext("Visiting a customer"),
    "call": lambda: gettext("Phoning a customer"),
    "message": lambda: gettext("Messages"),
    "work": lambda: gettext("Attitude to work"),
}
MODES = {
    "OWE": lambda: pgettext("mode", "owes"),
    "GUARD": lambda: pgettext("mode", "guards"),
    "BRIEF": lambda: pgettext("mode", "briefs"),
    "RECORD": lambda: pgettext("mode", "records"),
    "MEASURE": lambda: pgettext("mode", "measures"),
}


@policy("clauses.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Every clause, none left out."""
    code = clauses.load()
    today = local(request.now).date()
    chapters = [
        {
            "title": CHAPTERS[chapter](),
            "id": chapter,
            "rows": [_row(c, today) for c in code.values() if c.chapter == chapter],
        }
        for chapter in clauses.CHAPTERS
    ]
    return render(
        request, "code.html", {"chapters": chapters, "all": len(code), "watches": may(request.actor, "team.view")}
    )


def _row(c: Clause, today: Any) -> dict[str, Any]:
    return {
        "id": c.id,
        "title": c.title.say(owed.speaks()),
        "hint": c.hint.say(owed.speaks()),
        "force": FORCES[c.force](),
        "must": c.force == "must",
        "modes": [MODES[mode]() for mode in c.served],
        "part": c.not_yet is not None,
        "in_force": c.on(today) is not None,
    }


@policy("clauses.view")
@require_safe
def one(request: ActingRequest, clause: str) -> HttpResponse:
    """One clause: what it asks, in its versions, what the product does for it, how it was kept in the last 90 days."""
    found = clauses.load().get(clause)
    if found is None:
        raise Http404
    speaks = owed.speaks()
    sees = may(request.actor, "adherence.view")
    since = request.now - timedelta(days=DAYS)
    context = {
        "c": found,
        "title": found.title.say(speaks),
        "norm": (version.norm if (version := found.on(local(request.now).date())) else found.norm).say(speaks),
        "source": found.source.say(speaks),
        "force": FORCES[found.force](),
        "force_note": found.force_note.say(speaks) if found.force_note else "",
        "chapter": CHAPTERS[found.chapter](),
        "modes": [MODES[mode]() for mode in found.served],
        "not_yet": found.not_yet.say(speaks) if found.not_yet else "",
        "law": found.law,
        "versions": [
            {
                "from": version.from_day,
                "norm": version.norm.say(speaks) if len({each.norm for each in found.versions}) > 1 else "",
                "rules": [
                    {
                        "kind": OBLIGATIONS[rule.kind].say(speaks),
                        "after": KINDS[rule.after].words.say(speaks),
                        "because": rule.because.say(speaks),
                        "origin": ORIGINS[rule.origin](),
                        "lapses": rule.lapses,
                        "endless": rule.endless,
                    }
                    for rule in version.owe
                ],
            }
            for version in reversed(found.versions)
        ],
        "measures": [_measured(m) for m in _adherence(request, clause, since)] if sees else [],
        "tally": _tally(request, clause, since) if sees else None,
        "texts": clause in TEXT_JUDGES,
        "findings": Finding.objects.filter(clause=clause, staff_id=request.actor.id, at__gte=since, void=False).count()
        if sees
        else 0,
        "days": DAYS,
    }
    return render(request, "clause.html", context)


def _adherence(request: ActingRequest, clause: str, since: Any) -> list[Measure]:
    """One's own: each sees what is kept about them; others' measures have their own pages."""
    rows = Obligation.objects.filter(owner_id=request.actor.id, clause=clause, created_at__gte=since).values_list(
        "clause", "origin", "force", "state", "due", "settled_at", "evidence", "due_counts"
    )[:5000]
    return adherence([Kept(*row) for row in rows], request.now)


def _tally(request: ActingRequest, clause: str, since: Any) -> Tally | None:
    """One's own contacts or messages, for a clause that owes nothing by itself."""
    bank = bank_of(request)
    if clause in TEXT_JUDGES:
        found = texts_tallied(request.actor, since, request.now, bank=bank)
    else:
        found = tallied(request.actor.id, since, bank=bank)
    return next((each for each in found if each.clause == clause), None)


def _measured(m: Measure) -> dict[str, Any]:
    return {
        "origin": ORIGINS[m.origin](),
        "owed": m.owed,
        "in_time": m.in_time,
        "counted": m.counted,
        "late": m.late + m.overdue,
        "early": m.early,
        "missed": m.missed,
        "open": m.open,
        "waived": m.waived,
        "cannot": m.cannot,
    }
