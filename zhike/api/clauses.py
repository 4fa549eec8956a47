"""The code's clauses: text, force, how each is served, since when."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404
from ninja import Router

from zhike.api.desk import Desk
from zhike.api.problems import say
from zhike.api.shapes import Out
from zhike.conduct import clause
from zhike.people.permissions import policy

router = Router()


class RuleOut(Out):
    """OWE: after which fact what becomes owed, in which window, by whose rule."""

    kind: str
    after: str
    window: str
    origin: str
    because: str
    lapses: bool


class VersionOut(Out):
    from_day: date
    owes: list[RuleOut]


class ClauseOut(Out):
    """``force`` is must, should, try or may; ``force_note`` where its words leave room; ``law``: not the code's own.

    ``modes`` are how the code is meant to be served, ``served`` those of them that Zhike serves in this release: none where
    it does nothing for the clause yet. ``not_yet`` says what is missing of what is served.
    """

    id: str
    chapter: str
    title: str
    norm: str
    hint: str
    source: str
    force: str
    force_note: str | None
    modes: list[str]
    served: list[str]
    not_yet: str | None
    law: bool
    versions: list[VersionOut]


class ClausesOut(Out):
    items: list[ClauseOut]


def shown(law: clause.Clause) -> dict[str, Any]:
    """A clause in the reader's language."""
    return {
        **{name: getattr(law, name) for name in ("id", "chapter", "force", "modes", "served", "law")},
        **{name: say(getattr(law, name)) for name in ("title", "norm", "hint", "source")},
        "force_note": say(law.force_note) if law.force_note else None,
        "not_yet": say(law.not_yet) if law.not_yet else None,
        "versions": [
            {"from_day": version.from_day, "owes": [_rule(rule) for rule in version.owe]} for version in law.versions
        ],
    }


def _rule(rule: clause.OweRule) -> dict[str, Any]:
    plain = {name: getattr(rule, name) for name in ("kind", "after", "window", "origin", "lapses")}
    return {**plain, "because": say(rule.because)}


@router.get("clauses", response=ClausesOut)
@policy("clauses.view")
def list_(request: Desk) -> Any:
    """Every clause, in the order of the code."""
    return {"items": [shown(law) for law in clause.load().values()]}


@router.get("clauses/{id}", response=ClauseOut)
@policy("clauses.view")
def get(request: Desk, id: str) -> Any:
    """One clause by its id, as in R12."""
    law = clause.load().get(id)
    if law is None:
        raise Http404
    return shown(law)
