"""The code's clauses: text, force, how each is served, since when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import Http404
from ninja import Router

from zhike.api.desk import Desk, bank_of, verb
from zhike.api.problems import say
from zhike.api.shapes import Day, IdOut, In, Named, Out
from zhike.conduct import clause
from zhike.obligations import acknowledgements
from zhike.obligations.acknowledgements import Reader
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
    """``norm``: the clause's words from that day on."""

    from_day: date
    norm: str
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


class AcknowledgementIn(In):
    """``version``: the day from which the version that was read is in force; it must be the one in force."""

    version: Day


class AcknowledgementOut(Out):
    id: IdOut
    staff: Named
    version: date
    at: datetime


class CodeReaderOut(Out):
    """One person whom the code binds; ``at``: when they acknowledged it, by their own word."""

    staff: Named
    unit: Named
    state: Literal["read", "open", "late"]
    at: datetime | None
    due: datetime | None


class AcknowledgedOut(Out):
    """Of those bound, how many have read it, have not yet, or are late."""

    bound: int
    read: int
    open: int
    late: int


class AcknowledgedOfUnitOut(AcknowledgedOut):
    unit: Named


class AcknowledgementsOut(Out):
    """``version`` is None before the first is in force. ``units``: counts of all whom one oversees; ``items``: by name oneself, and those
    whom one leads.
    """

    version: date | None
    counts: AcknowledgedOut
    units: list[AcknowledgedOfUnitOut]
    items: list[CodeReaderOut]


def shown(law: clause.Clause) -> dict[str, Any]:
    """A clause in the reader's language."""
    return {
        **{name: getattr(law, name) for name in ("id", "chapter", "force", "modes", "served", "law")},
        **{name: say(getattr(law, name)) for name in ("title", "norm", "hint", "source")},
        "force_note": say(law.force_note) if law.force_note else None,
        "not_yet": say(law.not_yet) if law.not_yet else None,
        "versions": [
            {"from_day": version.from_day, "norm": say(version.norm), "owes": [_rule(rule) for rule in version.owe]}
            for version in law.versions
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


@router.get("clauses/acknowledgements", response=AcknowledgementsOut)
@policy("adherence.view")
def readers(request: Desk) -> Any:
    """Who has acknowledged the version of the code in force, and who has not."""
    now, bank = request.now, bank_of(request)
    of = acknowledgements.version(now.astimezone(bank.zone).date())
    found = acknowledgements.readers(of, request.actor, now=now, bank=bank) if of else []
    named = [each for each in found if each.staff.pk == request.actor.id or request.actor.leads(each.staff.pk)]
    units = {each.unit.pk: each.unit for each in found}
    return {
        "version": of,
        "counts": _counts(found, now),
        "units": [
            {"unit": unit, **_counts([each for each in found if each.unit.pk == pk], now)} for pk, unit in units.items()
        ],
        "items": [
            {"staff": each.staff, "unit": each.unit, "state": each.state(now), "at": each.at, "due": each.due}
            for each in named
        ],
    }


@router.post("clauses/acknowledgements", response={201: AcknowledgementOut})
@policy("clauses.acknowledge")
def acknowledge(request: Desk, body: AcknowledgementIn) -> Any:
    """The actor has read the version in force and will keep it; once, however often it is told."""
    return acknowledgements.acknowledge(body.version, **verb(request))


def _counts(rows: list[Reader], now: datetime) -> dict[str, int]:
    states = [each.state(now) for each in rows]
    return {"bound": len(rows), **{name: states.count(name) for name in ("read", "open", "late")}}


@router.get("clauses/{id}", response=ClauseOut)
@policy("clauses.view")
def get(request: Desk, id: str) -> Any:
    """One clause by its id, as in R12."""
    law = clause.load().get(id)
    if law is None:
        raise Http404
    return shown(law)
