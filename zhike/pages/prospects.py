"""Prospects in the reader's words: stages, what is owed next, when they go back to the pool."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext, ngettext

from zhike.conduct.bank import Bank
from zhike.customers.models import Need
from zhike.market import pool
from zhike.market.models import Event, Prospect
from zhike.obligations.models import Obligation
from zhike.pages import owed
from zhike.pages.jinja import label, local

# How a stage looks: what is under way, what is won, what is over.
LOOKS = {"won": ("on", "check"), "lost": (None, "x")}


def stage(prospect: Prospect) -> tuple[str, str | None, str | None]:
    """In words, with look and mark."""
    look, mark = LOOKS.get(prospect.stage, (None, None))
    words = label(Prospect.Stage, prospect.stage)
    if prospect.stage == "lost":
        words = f"{words} · {label(Prospect.Lost, prospect.lost)}"
    return words, look, mark


def interest(prospect: Prospect) -> str:
    kind = label(Need.Kind, prospect.interest) if prospect.interest else ""
    return " · ".join(part for part in (kind, prospect.interest_words) if part)


def source(prospect: Prospect) -> str:
    referrer = prospect.referred_by.name if prospect.referred_by else ""
    return " · ".join(
        part for part in (label(Prospect.Source, prospect.source), prospect.source_words, referrer) if part
    )


def steps(rows: Iterable[Prospect]) -> dict[str, Obligation]:
    """The next step of each as it is owed, by the ledger's subject; one query."""
    subjects = [row.subject for row in rows]
    found = Obligation.objects.filter(subject__in=subjects, kind="prospect_step", state="open")
    return {each.subject: each for each in found}


def step(found: Obligation | None, now: datetime) -> dict[str, Any] | None:
    """What, by when, and whether it is late."""
    if found is None:
        return None
    what = owed.words(found.what)
    return {
        "id": found.pk,
        "what": what.partition("：")[2] or what.partition(": ")[2] or what,
        "when": owed.until({"due": found.due, "target": found.target, "kind": found.kind}, now),
        "late": found.is_late(now),
    }


def goes_back(prospect: Prospect, bank: Bank, today: date) -> str:
    """How long it is held without a contact; empty while there is time."""
    last = pool.goes_back(prospect, bank)
    if last is None or (last - today).days > bank.prospect_told_days:
        return ""
    days = max((last - today).days, 0)
    return (
        ngettext("back to the pool in %(n)s day", "back to the pool in %(n)s days", days) % {"n": days}
        if days
        else gettext("back to the pool tonight")
    )


def event(row: Event, now: datetime) -> dict[str, Any]:
    """One line of the story."""
    what = label(Event.How, row.how) if row.what == "contact" else label(Event.What, row.what)
    if row.what == "stage":
        what = f"{what}: {label(Prospect.Stage, row.stage)}"
    if row.what == "assigned" and row.rm:
        what = f"{what}: {row.rm.name}"
    return {
        "at": row.at, "icon": ICONS.get(row.how or row.what, "check"), "what": what, "words": row.words,
        "by": row.by.name if row.by else gettext("Zhike"), "later": local(row.known_at).date() != local(row.at).date(),
    }  # fmt: skip


def before(told: Any) -> dict[str, Any] | None:
    """Of the prospect whom a customer was: where from, and what was done (:data:`zhike.market.story.BEFORE`)."""
    if not told:
        return None
    value = json.loads(told) if isinstance(told, str) else told
    parts = (label(Prospect.Source, value["source"]), value["source_words"])
    contacts = [
        {
            **each,
            "at": datetime.fromisoformat(each["at"]),
            "icon": ICONS.get(each["how"], "check"),
            "what": label(Event.How, each["how"]),
        }
        for each in value["contacts"]
    ]
    return {"id": int(value["id"]), "source": " · ".join(part for part in parts if part), "contacts": contacts}


ICONS = {
    "call": "phone", "no_answer": "phone", "meeting": "door", "visit": "pin", "message": "bubble", "other": "people", "entered": "plus",
    "claimed": "hand", "assigned": "forward", "returned": "back", "idle": "back", "won": "check", "lost": "x", "stage": "growth",
    "reopened": "growth",
}  # fmt: skip
