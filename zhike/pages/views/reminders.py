"""提醒 · How one is reminded, and the proof that it happened: channels, own hours, a test, the phone's calendar; the books by day and channel.

Domain: :mod:`zhike.notices.choices`, :mod:`zhike.notices.books`.
"""

from __future__ import annotations

import os
from datetime import date, time
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.words import Refused, Words
from zhike.notices import herald, ringing, subscription
from zhike.notices.books import REASONS, SLOTS, Books, Line, books
from zhike.notices.channels import CHANNELS, PAGE, offered, worded, words
from zhike.notices.choices import Wish, choose
from zhike.notices.heartbeats import living
from zhike.notices.models import Choice
from zhike.pages import owed
from zhike.pages.answer import moved
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.models import Staff
from zhike.people.permissions import SIGNED_IN, may, policy

DAYS = 14


@policy(SIGNED_IN)
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """One's own; ``?of=all`` as far as the reader's roles reach."""
    return _page(request)


@policy(SIGNED_IN)
@require_POST
def wishes(request: ActingRequest) -> HttpResponse:
    """Channels and hours, all together."""
    given = request.POST
    chosen = {
        channel: Wish(given.get(f"on.{channel}") == "yes", given.get(f"address.{channel}", ""))
        for channel in offered(os.environ)
    }
    try:
        hours = _time(given.get("works_from", "")), _time(given.get("works_to", ""))
        choose(request.actor, chosen, hours)
    except Refused as refused:
        return _page(
            request, given=chosen, hours=(given.get("works_from", ""), given.get("works_to", "")), refused=refused.words
        )
    return moved(request, reverse("reminders"), gettext("Kept"))


@policy(SIGNED_IN)
@require_POST
def test(request: ActingRequest) -> HttpResponse:
    """A reminder now, by every channel that is on. One too many is refused with a sentence."""
    ringing.test_by_button(request.actor.id, request.now)
    return moved(request, reverse("reminders"), gettext("A test reminder is on its way by every channel that is on."))


def _page(
    request: ActingRequest,
    *,
    given: dict[str, Wish] | None = None,
    hours: tuple[str, str] | None = None,
    refused: Words | None = None,
) -> HttpResponse:
    bank, speaks = bank_of(request), owed.speaks()
    whole = request.GET.get("of") == "all" and may(request.actor, "reminders.view")
    today = local(request.now).date()
    found = books(today, DAYS, whole=whole, now=request.now, zone=bank.zone)
    staff = Staff.objects.get(pk=request.actor.id)
    kept = given or {row.channel: Wish(row.on, row.address) for row in Choice.objects.filter(staff_id=staff.pk)}
    own = hours or tuple(f"{at:%H:%M}" if at else "" for at in (staff.works_from, staff.works_to))
    context = {
        "wrong": refused.say(speaks) if refused else None,
        "channels": [
            {
                "name": name,
                "words": CHANNELS[name].words.say(speaks),
                "reached_by": CHANNELS[name].reached_by.say(speaks),
                "usual": staff.email if name == "mail" else staff.number,
                "on": kept[name].on if name in kept else False,
                "address": kept[name].address if name in kept else "",
            }
            for name in offered(os.environ)
        ],
        "calendar_allowed": bank.calendar_feed,
        "calendar": subscription.in_force(request.actor, request.now, bank),
        "hours": own,
        "bank_hours": f"{bank.work_from:%H:%M}–{bank.work_to:%H:%M}",
        "whole": whole,
        "may_see_all": may(request.actor, "reminders.view"),
        "add_up": found.add_up,
        "short": sorted(found.short.items()),
        "unrung": found.unrung,
        "aside": found.aside,
        "reasons": found.reasons,
        "days": _days(found, today),
        "slots": _slots(found),
        "slot_heads": [_slot(n) for n in range(len(SLOTS) + 1)],
        "digests": _digests(today) if whole else [],
        "workers": living(request.now) if whole else [],
    }
    return render(request, "reminders.html", context, status=422 if refused else 200)


def _days(found: Books, today: date) -> list[dict[str, Any]]:
    """Day by day, the newest first; the channels of each."""
    days: dict[date, list[dict[str, Any]]] = {}
    for line in found.lines:
        days.setdefault(line.day, []).append(_line(line))
    return [{"day": day, "today": day == today, "lines": lines} for day, lines in days.items()]


def _line(line: Line) -> dict[str, Any]:
    speaks = owed.speaks()
    return {
        "channel": words(line.channel).say(speaks),
        "due": line.due,
        "delivered": line.delivered,
        "suppressed": line.suppressed.total(),
        "because": [(REASONS[reason].say(speaks), number) for reason, number in line.suppressed.most_common()],
        "failed": line.failed.total(),
        "met": [(worded(reason).say(speaks), number) for reason, number in line.failed.most_common(5)],
        "waiting": line.waiting,
    }


def _digests(today: date) -> list[dict[str, Any]]:
    """The team digests of all units' groups, a line a day: due = sent + failed + waiting."""
    return [
        {
            "day": line.day,
            "today": line.day == today,
            "due": line.due,
            "sent": line.sent,
            "failed": sum(number for _why, number in line.failed),
            "met": [(worded(why).say(owed.speaks()), number) for why, number in line.failed[:5]],
            "waiting": line.waiting,
        }
        for line in herald.books(today, DAYS)
    ]


def _slots(found: Books) -> list[dict[str, Any]]:
    """How late, by channel: each share as a bar."""
    rows = []
    for channel, counts in found.slots().items():
        total = sum(counts)
        if total:
            bars = [{"number": n, "share": round(100 * n / total, 1)} for n in counts]
            rows.append(
                {"channel": words(channel).say(owed.speaks()), "total": total, "bars": bars, "page": channel == PAGE}
            )
    return rows


def _slot(number: int) -> str:
    """The name of a step of lateness."""
    if number == len(SLOTS):
        return gettext("longer")
    seconds = SLOTS[number]
    return (
        gettext("up to %(n)s s") % {"n": seconds} if seconds < 60 else gettext("up to %(n)s min") % {"n": seconds // 60}
    )


def _time(text: str) -> time | None:
    if not text.strip():
        return None
    try:
        return time.fromisoformat(text.strip())
    except ValueError:
        raise Refused("时刻请写成 08:30。", "Write the time like 08:30.") from None
