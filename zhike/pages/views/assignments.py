"""交办 · Assignments (W2): what one was given, what one gave, how those of a team were carried out; and a new one.

Domain: :mod:`zhike.work.assignments`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.guard import Blocked
from zhike.conduct.measure import Errands
from zhike.pages import owed
from zhike.pages.answer import complaints, moment, moved, number
from zhike.pages.exported import FORMATS, exported, wanted
from zhike.pages.exported import ROWS as MOST
from zhike.pages.jinja import day_text, left_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.leave import away
from zhike.people.permissions import may, policy
from zhike.work import assignments
from zhike.work.models import Assignment
from zhike.work.models.assignment import Every, State
from zhike.work.rates import rates

ROWS = 50
WITHIN = timedelta(days=92)  # what the rates are of
OPEN = (State.GIVEN, State.ASKED, State.TAKEN_ON, State.HANDED_IN, State.SENT_BACK)
STANDS = ("open", "late", "waits", "over")


def stands() -> dict[str, str]:
    return {
        "open": pgettext("assignment", "open"), "late": pgettext("assignment", "late"),
        "waits": pgettext("assignment", "with the leader"), "over": pgettext("assignment", "over"),
    }  # fmt: skip


class Asked:
    """What the address asks for: whose, how they stand, of whom, due from when to when."""

    def __init__(self, request: ActingRequest) -> None:
        get, actor = request.GET, request.actor
        scopes = (
            ["mine", "given", "team"]
            if may(actor, "assignments.give")
            else ["team"]
            if not may(actor, "assignments.change")
            else ["mine"]
        )
        first = "given" if "given" in scopes else scopes[0]
        self.scopes = scopes
        self.whose = get["whose"] if get.get("whose") in scopes else first
        self.stands = get.get("state", "") if get.get("state", "") in STANDS else ""
        self.staff = number(get.get("staff")) if self.whose != "mine" else None

    @property
    def values(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in {"whose": self.whose, "state": self.stands, "staff": self.staff}.items()
            if value
        }

    def address(self, **more: Any) -> str:
        values = {name: value for name, value in {**self.values, **more}.items() if value}
        return f"{reverse('assignments')}?{urlencode(values)}"

    def rows(self, actor: Any) -> QuerySet[Assignment]:
        rows = Assignment.objects.visible_to(actor)
        if self.whose == "mine":
            rows = rows.filter(staff=actor.id)
        elif self.whose == "given":
            rows = rows.filter(by=actor.id)
        else:
            rows = rows.filter(staff__among=[keeper for keeper in actor.oversees if keeper != actor.id])
        return rows.filter(staff=self.staff) if self.staff else rows


def standing(rows: QuerySet[Assignment], name: str, now: datetime) -> QuerySet[Assignment]:
    """Those that are open in their time, late, lie before the leader, are over."""
    working = [state for state in OPEN if state != State.HANDED_IN]
    match name:
        case "open":
            return rows.filter(state__in=working, due__gte=now)
        case "late":
            return rows.filter(state__in=working, due__lt=now)
        case "waits":
            return rows.filter(Q(state=State.HANDED_IN) | Q(state=State.ASKED))
        case "over":
            return rows.exclude(state__in=OPEN)
    return rows


@policy("assignments.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?whose=mine|given|team&state=open|late|waits|over&staff=7&page=2``."""
    asked, now = Asked(request), request.now
    rows = asked.rows(request.actor)
    page = min(max(1, number(request.GET.get("page")) or 1), 10_000)
    order = ("due", "pk") if asked.stands in {"open", "late", "waits"} else ("-due", "-pk")
    found = standing(rows, asked.stands, now).select_related("staff", "by").order_by(*order)
    some = list(found[(page - 1) * ROWS : page * ROWS + 1])
    counts = {name: standing(rows, name, now).count() for name in STANDS}
    words = {"mine": gettext("Given to me"), "given": gettext("Given by me"), "team": gettext("My team's")}
    context = {
        "asked": asked,
        "rows": [row(each, request) for each in some[:ROWS]],
        "scopes": [
            {"text": words[name], "href": asked.address(whose=name, staff="", state=""), "current": name == asked.whose}
            for name in asked.scopes
        ] if len(asked.scopes) > 1 else [],
        "stands": [
            {"text": gettext("All"), "href": asked.address(state=""), "count": rows.count(), "current": not asked.stands},
            *({"text": text, "href": asked.address(state=name), "count": counts[name], "current": asked.stands == name}
              for name, text in stands().items()),
        ],
        "older": asked.address(page=page + 1) if len(some) > ROWS else None,
        "start": asked.address() if page > 1 else None,
        "files": [(kind.upper(), f"{reverse('assignments_file')}?{urlencode({**asked.values, 'as': kind})}") for kind in FORMATS],
        "gives": may(request.actor, "assignments.give"),
        "rates": _rates(request),
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "assignments.html", context)


def _rates(request: ActingRequest) -> list[dict[str, Any]]:
    """On time and sent back of the last three months: one's own first, then the others by staff number."""
    each, together = rates(request.actor, request.now - WITHIN, request.now + timedelta(days=731), now=request.now)
    found = [
        _rate(gettext("my own") if staff == request.actor.id else name, figures, staff) for staff, name, figures in each
    ]
    return [*found, _rate(gettext("together"), together, 0)] if len(each) > 1 else found


def _rate(name: str, figures: Errands, staff: int) -> dict[str, Any]:
    told = figures.on_time + figures.late
    return {
        "name": name, "staff": staff, "given": figures.given,
        "on_time": f"{figures.on_time}/{told}" if told else "—",
        "on_time_rate": _percent(figures.on_time_rate) if told >= 5 else "",
        "sent_back": f"{figures.sent_back}/{figures.looked_at}" if figures.looked_at else "—",
        "sent_back_rate": _percent(figures.sent_back_rate) if figures.looked_at >= 5 else "",
        "rating": f"{figures.rating:.1f}" if figures.rating is not None else "",
    }  # fmt: skip


def _percent(rate: float | None) -> str:
    return f"{100 * rate:.0f}%" if rate is not None else ""


LOOKS = {State.GIVEN: "soon", State.ASKED: "soon", State.TAKEN_ON: "open", State.HANDED_IN: "soon", State.SENT_BACK: "late", State.DONE: "done", State.CALLED_OFF: "later"}  # fmt: skip


def row(each: Assignment, request: ActingRequest) -> dict[str, Any]:
    """One line: by when, whose, what, how it stands."""
    now, over = request.now, each.is_over
    late = each.is_late(now) and not over and each.state != State.HANDED_IN
    return {
        "id": f"a{each.pk}",
        "look": "late" if late else LOOKS[State(each.state)],
        "icon": "task",
        "when": day_text(local(each.due).date(), local(now).date(), weekday=False) if over else when_text(each.due, now),
        "sub": str(each.get_state_display()) if over or each.state == State.HANDED_IN else left_text(each.due, now),
        "due": None,
        "who": None,
        "title": each.by.name if each.staff_id == request.actor.id else each.staff.name,
        "title_sub": str(each.get_state_display()),
        "what": each.what,
        "clause": "W2",
        "tip": owed.tip("W2"),
        "because": " · ".join(part for part in (each.counts_as_done, str(each.get_every_display()) if each.every else "") if part),
        "why_href": reverse("clause", args=["W2"]),
        "do": {"text": pgettext("button", "Open"), "href": reverse("assignment", args=[each.pk]), "method": "get", "icon": None},
        "not_yet": None,
        "window": None,
    }  # fmt: skip


@policy("assignments.view")
@require_safe
def file(request: ActingRequest) -> HttpResponse:
    """What the list shows, as a file; kept in the trail."""
    asked = Asked(request)
    if not wanted(request):
        raise Http404
    rows = (
        standing(asked.rows(request.actor), asked.stands, request.now)
        .select_related("staff", "by")
        .order_by("-due", "-pk")
    )
    some = list(rows[:MOST])
    columns = [
        gettext("Assigned by"), gettext("Whose"), gettext("What"), gettext("What counts as done"), gettext("By when"), gettext("How it stands"),
        gettext("Handed in"), gettext("Sent back"), gettext("How often it comes"),
    ]  # fmt: skip
    cells = (
        [each.by.name, each.staff.name, each.what, each.counts_as_done, each.due, str(each.get_state_display()), each.handed_in_at,
         str(each.sent_back), str(each.get_every_display())]
        for each in some
    )  # fmt: skip
    return exported(request, "assignments", "work_assignment", columns, cells)


@policy("assignments.give")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """To one or many of those whom one leads."""
    given = request.POST
    if request.method != "POST":
        return _form(request, QueryDict())
    bank = bank_of(request)
    try:
        key = UUID(given.get("key", ""))
    except ValueError:
        key = uuid4()
    staff = [id for each in given.getlist("staff") if (id := number(each))]
    due = due_of(given, bank)
    try:
        made = assignments.give(
            staff, given.get("what", ""), given.get("counts_as_done", ""), due or request.now, together=key,
            every=given.get("every", ""), actor=request.actor, now=request.now, bank=bank,
        )  # fmt: skip
    except Blocked as blocked:
        said = complaints(blocked)
        if due is None:
            said["due"] = ("W2", gettext("Say the day, for example 2026-03-02, and if you like the time: 15:30."))
        return _form(request, given, said, 422)
    names = gettext(", ").join(each.staff.name for each in made)
    return moved(request, reverse("assignments"), gettext("Assigned to %(names)s.") % {"names": names})


def due_of(given: QueryDict, bank: Bank) -> datetime | None:
    """A day, until its end, or a minute of it."""
    at = given.get("time", "").strip()
    if at:
        return moment(given.get("day", ""), at, bank)
    try:
        day = date.fromisoformat(given.get("day", ""))
        return datetime.combine(day + timedelta(days=1), datetime.min.time(), bank.zone)
    except (ValueError, OverflowError):
        return None


def _form(
    request: ActingRequest, given: QueryDict, said: dict[str, tuple[str, str]] | None = None, status: int = 200
) -> HttpResponse:
    people = assignments.may_receive(request.actor, request.now)
    today = local(request.now).date()
    gone = away([id for id, _name, _number in people], today)
    context = {
        "people": [(str(id), f"{name} {number_}" + (gettext(" · away today") if id in gone else "")) for id, name, number_ in people],
        "chosen": given.getlist("staff"),
        "given": given,
        "every": [(each.value, str(each.label)) for each in Every],
        "key": given.get("key") or str(uuid4()),
        "earliest": today.isoformat(),
        "said": said or {},
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "assignment_new.html", context, status=status)
