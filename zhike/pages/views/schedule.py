"""日程 · The weeks: appointments, plans and what is due, day by day. One statement a kind.

Domain: ``Contact.objects``, ``Obligation.objects`` of the reader.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import festival, to_lunar
from zhike.contacts import stopping
from zhike.contacts.models import Contact, Kind
from zhike.contacts.round import engaged, lasts
from zhike.customers import search
from zhike.obligations.models import Obligation
from zhike.pages import kinds, owed, sought
from zhike.pages.answer import moved, number, tapped
from zhike.pages.jinja import address, clock, day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.customers import hit, leads_to
from zhike.people.models import Staff
from zhike.people.permissions import may, policy

ROWS = 300


@policy("contacts.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?from=2026-02-16`` a week that begins there; else this week, from Monday on. ``?of=``: whose, of those in one's scope."""
    bank, whose = bank_of(request), _whose(request)
    owners = (whose.pk,) if whose else (request.actor.id, *request.actor.covers)
    today = local(request.now).date()
    first = _first(request.GET.get("from", "")) or today - timedelta(days=today.weekday())
    start = datetime(first.year, first.month, first.day, tzinfo=bank.zone)
    end = start + timedelta(days=7)
    plans = may(request.actor, "contacts.change") and whose is None
    rows = [*_contacts(request, owners, start, end, bank), *_owed(request, owners, start, end, bank)]
    if not plans:  # a colleague's is looked at
        rows = [{**row, "do": row["opens"], "not_yet": None} for row in rows]
    days: list[dict[str, Any]] = []
    for step in range(7):
        day = first + timedelta(days=step)
        of_day = sorted((row for row in rows if row["day"] == day), key=lambda row: row["order"])
        days.append({
            "date": day,
            "title": day_text(day, today),
            "lunar": " · ".join(name.say(owed.speaks()) for name in (to_lunar(day).name, festival(day)) if name),
            "today": day == today,
            "new": reverse("schedule_new") + f"?day={day}" if plans and day >= today else None,
            "rows": of_day,
        })  # fmt: skip
    address, of = reverse("schedule"), f"of={whose.pk}" if whose else ""
    past = [day for day in days if day["date"] < today] if first <= today < first + timedelta(days=7) else []
    context = {
        "past": past,
        "days": days[len(past) :],
        "over": sum(len(day["rows"]) for day in past),
        "week": gettext("%(first)s to %(last)s")
        % {
            "first": day_text(first, today, weekday=False),
            "last": day_text(first + timedelta(days=6), today, weekday=False),
        },
        "whose": whose.name if whose else "",
        "before": f"{address}?from={first - timedelta(days=7)}&{of}".rstrip("&"),
        "after": f"{address}?from={first + timedelta(days=7)}&{of}".rstrip("&"),
        "this": f"{address}?{of}".rstrip("?"),
        "is_this": first <= today < first + timedelta(days=7),
    }
    return render(request, "schedule.html", context)


def _whose(request: ActingRequest) -> Staff | None:
    """Somebody else's schedule: of whoever is in the reader's scope; anybody else does not exist."""
    asked = number(request.GET.get("of"))
    if asked is None or asked == request.actor.id:
        return None
    if asked not in request.actor.sees:
        raise Http404
    return Staff.objects.get(pk=asked)


# When appointments begin, as people say it; any other time is typed.
TIMES = ("09:30", "10:00", "14:30", "15:00", "16:00")


@policy("contacts.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """新约 · An appointment from the day: which hour, what kind, and with whom, found by the search box; then its form.

    ``?day=``, ``?time=``, ``?kind=``. Without script the words are posted, and ``?for=`` lists who they may mean.
    """
    bank, posted = bank_of(request), request.method == "POST"
    given = request.POST if posted else request.GET
    today = local(request.now).date()
    day = max(_first(given.get("day", "")) or today, today)
    kind = given["kind"] if given.get("kind") in Kind.values else Kind.VISIT.value
    start = datetime(day.year, day.month, day.day, tzinfo=bank.zone)
    of_day = _contacts(request, (request.actor.id,), start, start + timedelta(days=1), bank)
    taken = sorted((row for row in of_day if row["state"] != "cancelled"), key=lambda row: row["order"])
    at = tapped(given, "at", "time")
    words = given.get("q", "").strip() if posted else sought.opened(given.get("for", ""), request.actor)
    found = search.find(words, request.actor, request.now, bank).hits if words else []
    to = leads_to({**given.dict(), "time": at})
    if len(found) == 1:  # Enter was quicker than the list
        return moved(request, to(found[0].id))
    if posted:
        asked = {"kind": kind, "day": day.isoformat(), "time": at}
        sealed = {"for": sought.sealed(words, request.actor)} if words else {}
        return moved(request, f"{reverse('schedule_new')}?{urlencode({**asked, **sealed})}")
    context = {
        "day": day.isoformat(),
        "today": today.isoformat(),
        "title": day_text(day, today),
        "time": at,
        "times": _free(kind, start, request, bank),
        "kind": kind,
        "kinds": [
            ("visit", gettext("Visit")),
            ("reception", gettext("Invite or receive")),
            ("call", gettext("Phone call")),
        ],
        "taken": taken,
        "words": words,
        "hits": [{**hit(each, bank), "href": to(each.id)} for each in found],
    }
    return render(request, "schedule_new.html", context)


def _free(kind: str, day: datetime, request: ActingRequest, bank: Bank) -> list[str]:
    """Of :data:`TIMES` those that lie ahead and at which the reader has room for a contact of this kind."""
    standing, length = engaged({request.actor.id}, day, bank), lasts(kind, None, bank)
    hours = {each: datetime.combine(day, time.fromisoformat(each), bank.zone) for each in TIMES}
    return [
        each
        for each, at in hours.items()
        if at > request.now and not any(begins < at + length and at < ends for begins, ends in standing)
    ]


def _first(text: str) -> date | None:
    """The day that an address begins with, if the calendars know it and the weeks around it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1901 < day.year < 2100 else None


def _contacts(
    request: ActingRequest, owners: tuple[int, ...], start: datetime, end: datetime, bank: Bank
) -> list[dict[str, Any]]:
    stand = (
        Contact.objects.visible_to(request.actor)
        .filter(Q(rm__in=owners, planned_for__gte=start, planned_for__lt=end, state__in=["planned", "agreed"])
                | Q(held_by=owners[0], started_at__gte=start, started_at__lt=end))
        .exclude(state="struck")
    )  # fmt: skip
    called_off = stopping.called_off_by_file(owners[0], start, end)
    return [
        _contact(row, request.now, bank, owners[1:])
        for rows in (stand, called_off)
        for row in rows.values_list(*CONTACT)[:ROWS]
    ]


CONTACT = ("id", "kind", "state", "planned_for", "started_at", "place", "purpose", "purpose_words", "customer_id",
           "customer__name", "customer__honorific", "customer__tier", "rm_id", "rm__name", "arrived_at")  # fmt: skip


def _contact(row: tuple[Any, ...], now: datetime, bank: Bank, covers: tuple[int, ...]) -> dict[str, Any]:
    id, kind, state, planned, started, place, purpose, words, customer, name, call, tier, rm, rm_name, arrived = row
    at = started or planned
    noun, about = kinds.noun(kind), kinds.purpose(purpose, words)
    over = state in {"ended", "closed"}
    label = {
        "planned": gettext("planned, not yet agreed"), "agreed": gettext("agreed"), "under_way": gettext("under way"),
        "ended": gettext("to be written up"), "closed": gettext("over"),
        "cancelled": gettext("called off: %(why)s") % {"why": stopping.DIED.say(owed.speaks())},
    }[state]  # fmt: skip
    stands = {"id": id, "kind": kind, "state": state, "planned_for": planned, "arrived_at": arrived}
    return {
        "day": local(at).date(), "order": at, "id": f"c{id}", "state": state, "look": "done" if over else "open" if state == "agreed" else "later",
        "icon": kinds.ICONS[kind], "when": clock(at), "sub": None, "due": None,
        "who": owed.person(customer, name, call, tier, bank), "title": "", "title_sub": "",
        "what": " · ".join(part for part in (noun, about, place) if part), "clause": "", "tip": "", "because": label, "why_href": "",
        "do": kinds.does(stands, now), "opens": _opens("contact", id),
        "not_yet": None, "window": None, "behalf": rm_name if rm in covers else "",
    }  # fmt: skip


def _owed(
    request: ActingRequest, owners: tuple[int, ...], start: datetime, end: datetime, bank: Bank
) -> list[dict[str, Any]]:
    rows = (
        Obligation.objects.filter(owner__in=owners, state="open", due__gt=start, due__lte=end)
        .exclude(kind="arrival")
        .order_by("due", "id")
        .values("id", "clause", "kind", "what", "why", "subject", "opens", "due", "target", "channels", "detail",
                "evidence", "customer_id", "customer__name", "customer__honorific", "customer__tier", "owner_id", "owner__name")[:ROWS]
    )  # fmt: skip
    return [_obligation(row, request.now, bank, owners[1:]) for row in rows]


def _until(kind: str, at: datetime) -> str:
    """A call-back is made at its minute; anything else by it."""
    if not local(at).hour and not local(at).minute:
        return gettext("that day")
    return clock(at) if kind == "call_back" else gettext("by %(time)s") % {"time": clock(at)}


def _obligation(o: Any, now: datetime, bank: Bank, covers: tuple[int, ...]) -> dict[str, Any]:
    at = o["target"] if o["kind"] == "call_back" else o["due"]
    look = owed.look(o, now)
    who = (
        owed.person(o["customer_id"], o["customer__name"], o["customer__honorific"], o["customer__tier"], bank)
        if o["customer__name"]  # none either where the customer has gone out of sight
        else None
    )
    read = {**o, "customer": who, "still": o["evidence"]}
    do = owed.does(read, look, now)
    return {
        "day": local(at - timedelta(seconds=1)).date(), "order": at, "id": f"o{o['id']}",
        "look": "open" if look in {"now", "soon"} else look, "icon": owed.ICONS[o["kind"]],
        "when": _until(o["kind"], at), "sub": None, "due": None,
        "who": who, "title": owed.words(o["what"]), "title_sub": "",
        "what": owed.words(o["what"]), "clause": o["clause"], "tip": owed.tip(o["clause"]), "because": owed.because(read, now),
        "why_href": address("why", o["id"]),
        "do": do, "opens": _opens("obligation", o["id"]),
        "not_yet": None if do else owed.opens_at(o, now), "window": None, "behalf": o["owner__name"] if o["owner_id"] in covers else "",
    }  # fmt: skip


def _opens(page: str, id: int) -> dict[str, Any]:
    return {"text": pgettext("button", "Open"), "href": address(page, id), "icon": None, "method": "get"}
