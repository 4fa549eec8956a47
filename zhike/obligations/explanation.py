"""Why an obligation stands in the ledger: the fact that caused it, the version of the clause, and what settled it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language

from zhike.conduct import clause

from .models import Fact, Obligation


def explain(number: int) -> dict[str, Any]:
    """Everything that made obligation ``number`` what it is. Raises LookupError where there is none."""
    found = Obligation.objects.select_related("fact", "settling", "owner").filter(pk=number).first()
    if found is None:
        raise LookupError(f"obligation {number}")
    law = clause.load()[found.clause]
    language = get_language() or "zh-hans"
    return {
        "id": found.pk,
        "clause": found.clause,
        "clause_from": found.clause_from,
        "norm": law.norm.say(language),
        "source": law.source.say(language),
        "force": found.force,
        "origin": found.origin,
        "kind": found.kind,
        "owner": f"{found.owner.number} {found.owner.name}",
        "customer": found.customer_id,
        "tier": found.tier,
        "subject": found.subject,
        "opens": found.opens,
        "due": found.due,
        "target": found.target,
        "channels": found.channels,
        "detail": found.detail,
        "state": found.state,
        "evidence": found.evidence,
        "settled_at": found.settled_at,
        "fact": _told(found.fact),
        "settling": _told(found.settling) if found.settling else None,
        "corrects": _told(found.fact.corrects) if found.fact.corrects else None,
    }


def _told(fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.pk,
        "kind": fact.kind,
        "at": fact.at,
        "known_at": fact.known_at,
        "grade": fact.grade,
        "by": fact.by_id,
        "data": fact.data,
        "void": fact.void,
    }
