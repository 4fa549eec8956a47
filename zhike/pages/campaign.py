"""A campaign in the reader's words: how a customer may stand to it and why, where it stands itself, what became of what RMs owe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, ngettext, pgettext

from zhike.conduct.bank import Bank
from zhike.conduct.suitability import RISKS
from zhike.pages import owed, standing
from zhike.pages.jinja import when_text
from zhike.people.models import Approval
from zhike.sms.campaigns.asking import KIND_NAMES
from zhike.sms.campaigns.books import STANDS, Line
from zhike.sms.models import Campaign

# What an RM owes because of it, those behind first: the look and the mark beside the word.
FATES = {
    "missed": ("late", "missed"), "overdue": ("late", "alert"), "open": ("soon", "clock"), "late": (None, "check"), "in_time": ("on", "check"),
    "waived": (None, "away"), "cannot": (None, "block"),
}  # fmt: skip


def names(runs: bool = True) -> dict[str, str]:
    """How a customer may stand to it, what is done first. Once it is over, whoever was open was not forwarded to."""
    said = {
        "forwarded": pgettext("campaign", "forwarded"),
        "open": pgettext("campaign", "open") if runs else pgettext("campaign", "never"),
        "capped": gettext("limit reached"),
        "no_consent": gettext("without consent"),
        "opted_out": pgettext("campaign", "opted out"),
        "too_risky": gettext("above their grade"),
        "unassessed": gettext("without a valid assessment"),
        "no_mobile": gettext("without a mobile number"),
        "stopped": gettext("contact stopped"),
        "left_out": pgettext("campaign", "left out"),
    }
    return {stands: said[stands] for stands in STANDS}


def because(stands: str, campaign: Campaign, bank: Bank) -> str:
    """What is behind a standing, and what would change it; empty where the word says all."""
    return {
        "capped": gettext(
            "At most %(day)s marketing messages a day and %(week)s in seven days: they are open again by themselves."
        )
        % {"day": bank.marketing_a_day, "week": bank.marketing_a_week},
        "no_consent": gettext(
            "They have not agreed to marketing by SMS, or have taken it back. Ask; the consent is recorded on their page."
        ),
        "opted_out": gettext("They answered with a word that stops marketing by SMS, and have not agreed again since."),
        "too_risky": gettext(
            "The product's risk (%(risk)s) is above their valid grade: it may not be offered to them, whoever asks."
        )
        % {"risk": RISKS[campaign.risk].say(owed.speaks())},
        "unassessed": gettext(
            "Their risk assessment has expired, or there is none. They are open once a valid one is recorded."
        ),
        "no_mobile": gettext("No mobile number is known."),
        "stopped": gettext("Contact is stopped: closed, do not disturb, or a complaint is open."),
    }.get(stands, "")


def risk(campaign: Campaign) -> str:
    return RISKS[campaign.risk].say(owed.speaks())


def audience(campaign: Campaign, bank: Bank) -> str:
    """世纪大道支行 · 白金、金卡 · 个人"""
    tiers = [tier.key for tier in reversed(bank.tiers) if tier.key in campaign.tiers]
    kinds = standing.listed(KIND_NAMES[kind].say(owed.speaks()) for kind in campaign.kinds)
    return " · ".join((campaign.unit.name, standing.scope(tiers, bank) if tiers else "", kinds))


def facts(campaign: Campaign, bank: Bank, now: datetime) -> list[tuple[str, str]]:
    """What it is about, for whom, by when, and whose doing. Who let it run is told to whoever may see what was decided."""
    decided = Approval.objects.filter(pk=campaign.approval_id).select_related("decided_by").first()
    let_run = [(gettext("Approved by"), decided.decided_by.name)] if decided and decided.decided_by else []
    return [
        (gettext("Campaign"), campaign.title),
        (gettext("Product"), " ".join(filter(None, (campaign.product, campaign.code)))),
        (gettext("Product's risk"), risk(campaign)),
        (gettext("To whom"), audience(campaign, bank)),
        (gettext("To be forwarded by"), when_text(campaign.deadline, now)),
        (gettext("It ends"), when_text(campaign.ends_at, now)),
        (gettext("Asked by"), campaign.by.name),
        *let_run,
    ]


def stands(campaign: Campaign, now: datetime) -> dict[str, str]:
    """Where it stands itself: words, look, mark."""
    match campaign.state(now):
        case "running":
            words = gettext("forward by %(when)s") % {"when": when_text(campaign.deadline, now)}
            return {"text": words, "look": "", "icon": "clock"}
        case "late":
            words = gettext("past its deadline; can still be forwarded until %(when)s")
            return {"text": words % {"when": when_text(campaign.ends_at, now)}, "look": "late", "icon": "alert"}
        case "stopped":
            assert campaign.stopped_at
            words = gettext("stopped %(when)s") % {"when": when_text(campaign.stopped_at, now)}
            return {"text": words, "look": "", "icon": "block"}
    return {"text": gettext("over since %(when)s") % {"when": when_text(campaign.ends_at, now)}, "look": "", "icon": "check"}  # fmt: skip


def fate(name: str) -> dict[str, Any]:
    """What became of what an RM owes: words, look, mark."""
    said = {
        "in_time": pgettext("campaign", "in time"),
        "late": pgettext("campaign", "late"),
        "open": pgettext("campaign", "not yet"),
        "overdue": pgettext("campaign", "overdue"),
        "missed": pgettext("campaign", "never"),
        "waived": pgettext("adherence", "let go"),
        "cannot": pgettext("campaign", "cannot"),
    }
    look, icon = FATES.get(name, (None, None))
    return {"text": said.get(name, ""), "look": look, "icon": icon}


def fates(lines: Sequence[Line]) -> str:
    """ "12 位客户经理：逾期 1，待转发 4，按时 7"; whoever owes nothing is not told of."""
    counted = Counter(line.fate for line in lines if line.fate in FATES)
    many = sum(counted.values())
    said = ngettext("%(n)s relationship manager", "%(n)s relationship managers", many) % {"n": many}
    parts = [f"{fate(each)['text']} {counted[each]}" for each in FATES if counted[each]]
    return gettext("%(who)s: %(parts)s") % {"who": said, "parts": standing.listed(parts)} if parts else ""


def owing(lines: Sequence[Line], campaign: Campaign) -> list[Line]:
    """The lines of the board. Of one that was stopped nobody owes anything any more, though the worker may not have said so yet."""
    if campaign.stopped_at is None:
        return list(lines)
    return [replace(line, fate="" if line.fate in {"open", "overdue"} else line.fate) for line in lines]


def total(lines: Iterable[Line]) -> dict[str, int]:
    """All books at once."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.counts)
    return dict(counts)
