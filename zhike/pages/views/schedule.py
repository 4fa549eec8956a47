"""日程 · The weeks: appointments, plans and what is due, day by day. One statement a kind.

Domain: ``Contact.objects``, ``Obligation.objects`` of the reader.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe

from zhike.conduct import guard
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import festival, to_lunar
from zhike.contacts import stopping
from zhike.contacts.models import Contact
from zhike.obligations.models import Obligation
from zhike.pages import owed
from zhike.pages.jinja import address, clock, day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import policy

ROWS = 300


@policy("contacts.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?from=2026-02-16`` a week that begins there; else this week, from Monday on."""
    bank = bank_of(request)
    today = local(request.now).date()
    first = _first(request.GET.get("from", "")) or today - timedelta(days=today.weekday())
    start = datetime(first.year, first.month, first.day, tzinfo=bank.zone)
    end = start + timedelta(days=7)
    rows = [*_contacts(request, start, end, bank), *_owed(request, start, end, bank)]
    days = []
    for step in range(7):
        day = first + timedelta(days=step)
        of_day = sorted((row for row in rows if row["day"] == day), key=lambda row: row["order"])
        days.append({
            "date": day,
            "title": day_text(day, today),
            "lunar": " · ".join(name.say(owed.speaks()) for name in (to_lunar(day).name, festival(day)) if name),
            "today": day == today,
            "rows": of_day,
        })  # fmt: skip
    address = reverse("schedule")
    context = {
        "days": days,
        "week": gettext("%(first)s to %(last)s")
        % {
            "first": day_text(first, today, weekday=False),
            "last": day_text(first + timedelta(days=6), today, weekday=False),
        },
        "before": f"{address}?from={first - timedelta(days=7)}",
        "after": f"{address}?from={first + timedelta(days=7)}",
        "this": address,
        "is_this": first <= today < first + timedelta(days=7),
    }
    return render(request, "schedule.html", context)


def _first(text: str) -> date | None:
    """The day that an address begins with, if the calendars know it and the weeks around it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1901 < day.year < 2100 else None


def _contacts(request: ActingRequest, start: datetime, end: datetime, bank: Bank) -> list[dict[str, Any]]:
    from django.db.models import Q

    stand = (
        Contact.objects.visible_to(request.actor)
        .filter(rm_id=request.actor.id)
        .filter(Q(planned_for__gte=start, planned_for__lt=end, state__in=["planned", "agreed"]) | Q(started_at__gte=start, started_at__lt=end))
        .exclude(state="struck")
    )  # fmt: skip
    called_off = stopping.called_off_by_file(request.actor.id, start, end)
    return [_contact(row, bank) for rows in (stand, called_off) for row in rows.values_list(*CONTACT)[:ROWS]]


CONTACT = ("id", "kind", "state", "planned_for", "started_at", "place", "purpose", "purpose_words", "customer_id",
           "customer__name", "customer__honorific", "customer__tier")  # fmt: skip


def _contact(row: tuple[Any, ...], bank: Bank) -> dict[str, Any]:
    id, kind, state, planned, started, place, purpose, words, customer, name, call, tier = row
    at = started or planned
    noun = {
        "reception": pgettext("noun", "Reception"),
        "visit": pgettext("noun", "Visit"),
        "call": pgettext("noun", "Phone call"),
    }[kind]
    about = words or (guard.PURPOSES[purpose].say(owed.speaks()) if purpose in guard.PURPOSES else "")
    over = state in {"ended", "closed"}
    label = {
        "planned": gettext("planned, not yet agreed"), "agreed": gettext("agreed"), "under_way": gettext("under way"),
        "ended": gettext("to be written up"), "closed": gettext("over"),
        "cancelled": gettext("called off: %(why)s") % {"why": stopping.DIED.say(owed.speaks())},
    }[state]  # fmt: skip
    return {
        "day": local(at).date(), "order": at, "id": f"c{id}", "look": "done" if over else "open" if state == "agreed" else "later",
        "icon": {"reception": "door", "visit": "pin", "call": "phone"}[kind], "when": clock(at), "sub": None, "due": None,
        "who": owed.person(customer, name, call, tier, bank), "title": "", "title_sub": "",
        "what": " · ".join(part for part in (noun, about, place) if part), "clause": "", "tip": "", "because": label, "why_href": "",
        "do": {"text": pgettext("button", "Open"), "href": address("contact", id), "icon": None, "method": "get"},
        "not_yet": None, "window": None,
    }  # fmt: skip


def _owed(request: ActingRequest, start: datetime, end: datetime, bank: Bank) -> list[dict[str, Any]]:
    rows = (
        Obligation.objects.filter(owner_id=request.actor.id, state="open", due__gt=start, due__lte=end)
        .exclude(kind="arrival")
        .order_by("due", "id")
        .values("id", "clause", "kind", "what", "why", "subject", "opens", "due", "target", "channels", "detail",
                "customer_id", "customer__name", "customer__honorific", "customer__tier")[:ROWS]
    )  # fmt: skip
    return [_obligation(row, request.now, bank) for row in rows]


def _obligation(o: Any, now: datetime, bank: Bank) -> dict[str, Any]:
    at = o["target"] if o["kind"] == "call_back" else o["due"]
    look = owed.look(o, now)
    who = (
        owed.person(o["customer_id"], o["customer__name"], o["customer__honorific"], o["customer__tier"], bank)
        if o["customer_id"]
        else None
    )
    return {
        "day": local(at - timedelta(seconds=1)).date(), "order": at, "id": f"o{o['id']}",
        "look": "open" if look in {"now", "soon"} else look, "icon": owed.ICONS[o["kind"]],
        "when": clock(at) if local(at).hour or local(at).minute else gettext("that day"), "sub": None, "due": None,
        "who": who, "title": owed.words(o["what"]), "title_sub": "",
        "what": owed.words(o["what"]), "clause": o["clause"], "tip": owed.tip(o["clause"]), "because": owed.reason(o, now),
        "why_href": address("why", o["id"]),
        "do": {"text": pgettext("button", "Open"), "href": address("obligation", o["id"]), "icon": None, "method": "get"},
        "not_yet": None, "window": None,
    }  # fmt: skip
