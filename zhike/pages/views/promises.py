"""承诺 · Promises (W11): all of them, kept, open, late and broken; and one line that becomes one once it is confirmed.

Domain: :mod:`zhike.obligations.promises`.
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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct import wording
from zhike.conduct.bank import Bank
from zhike.conduct.guard import Blocked
from zhike.customers.models import Customer
from zhike.obligations import promises
from zhike.obligations.models import Fact, Obligation
from zhike.obligations.promises import Understood
from zhike.pages import owed
from zhike.pages.answer import complaints, moment, moved, number
from zhike.pages.exported import FORMATS, exported, wanted
from zhike.pages.exported import ROWS as MOST
from zhike.pages.jinja import clock, day_text, left_text, local, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.models import Staff
from zhike.people.permissions import may, policy

ROWS, PEOPLE = 50, 300
LONGEST = 300  # letters of a line


def fates() -> dict[str, str]:
    return {
        "open": pgettext("promise", "open"), "late": pgettext("promise", "late"), "kept": pgettext("promise", "kept"),
        "broken": pgettext("promise", "broken"), "cannot": gettext("cannot be done"), "refused": pgettext("promise", "refused"),
    }  # fmt: skip


def receivers() -> dict[str, str]:
    return {
        "customer": pgettext("promised to", "customer"), "leader": pgettext("promised to", "leader"),
        "department": pgettext("promised to", "department"),
    }  # fmt: skip


def sources() -> dict[str, str]:
    return {
        "talk": pgettext("promise from", "a talk with a customer"), "reply": pgettext("promise from", "a customer's SMS"),
        "assignment": pgettext("promise from", "an assignment"), "prospect": pgettext("promise from", "a talk with a prospect"),
        "typed": pgettext("promise from", "one line"),
    }  # fmt: skip


# ── the list ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Asked:
    """What the address asks for: whose, of which customer, what became of it, to whom, due from when to when."""

    def __init__(self, request: ActingRequest) -> None:
        get, actor = request.GET, request.actor
        self.may_team = may(actor, "team.view")
        serves = may(actor, "promises.change")
        whose = get.get("whose", "")
        self.customer = number(get.get("customer"))
        self.whose = whose if whose in {"mine", "team"} else "mine" if serves else "team"
        if not self.may_team:
            self.whose = "mine"
        self.staff = number(get.get("staff")) if self.whose == "team" else None
        self.fate = get.get("state", "") if get.get("state", "") in (*promises.FATES, "refused") else ""
        self.to = get.get("to", "") if get.get("to", "") in promises.TO else ""
        self.source = get.get("source", "") if get.get("source", "") in promises.SOURCES else ""
        self.first, self.last = _day(get.get("from", "")), _day(get.get("until", ""))

    @property
    def values(self) -> dict[str, Any]:
        days = {name: day.isoformat() for name, day in (("from", self.first), ("until", self.last)) if day}
        given = {
            "customer": self.customer,
            "staff": self.staff,
            "state": self.fate,
            "to": self.to,
            "source": self.source,
            **days,
        }
        return {"whose": self.whose, **{name: value for name, value in given.items() if value}}

    def address(self, **more: Any) -> str:
        values = {name: value for name, value in {**self.values, **more}.items() if value}
        return f"{reverse('promises')}?{urlencode(values)}"

    def scoped(self, actor: Any, whose: str = "owner") -> Q:
        """Of a customer everybody's that one may see; else one's own and a covered colleague's, or those of whom one sees."""
        if self.customer:
            return Q(customer=self.customer)
        if self.whose == "mine":
            return Q(**{f"{whose}__among": [actor.id, *actor.covers]})
        if self.staff:
            return Q(**{whose: self.staff, f"{whose}__among": actor.oversees})
        return Q(**{f"{whose}__among": [keeper for keeper in actor.oversees if keeper != actor.id]})

    def rows(self, request: ActingRequest, bank: Bank) -> QuerySet[Any]:
        rows = promises.of(request.actor, request.now).filter(self.scoped(request.actor))
        if self.to:
            rows = rows.filter(detail__to=self.to)
        if self.source:
            rows = rows.filter(source=self.source)
        if self.first:
            rows = rows.filter(due__gt=datetime.combine(self.first, datetime.min.time(), bank.zone))
        if self.last:
            rows = rows.filter(due__lte=datetime.combine(self.last + timedelta(days=1), datetime.min.time(), bank.zone))
        return rows

    def refused(self, request: ActingRequest, bank: Bank) -> QuerySet[Fact]:
        rows = promises.refused(request.actor).filter(self.scoped(request.actor, "staff"))
        if self.to:
            rows = rows.filter(data__to=self.to)
        if self.source not in ("", "typed"):  # that nothing was promised is typed in one line
            rows = rows.none()
        if self.first:
            rows = rows.filter(at__gte=datetime.combine(self.first, datetime.min.time(), bank.zone))
        if self.last:
            rows = rows.filter(at__lt=datetime.combine(self.last + timedelta(days=1), datetime.min.time(), bank.zone))
        return rows


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1900 < day.year < 2200 else None


@policy("promises.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?whose=team&staff=7&customer=3&state=late&to=leader&source=reply&from=2026-03-01&until=2026-03-31&page=2``."""
    bank, asked = bank_of(request), Asked(request)
    customer = _customer(request, asked.customer)
    rows, refused = asked.rows(request, bank), asked.refused(request, bank)
    counts: dict[str, int] = {**promises.counted(rows), "refused": refused.count()}
    page = min(max(1, number(request.GET.get("page")) or 1), 10_000)
    some, more = _page(request, asked, rows, refused, page, bank)
    people = _people(request) if asked.whose == "team" else []
    named = dict(people)
    context = {
        "rows": some,
        "asked": asked,
        "customer": customer,
        "total": sum(counts[name] for name in promises.FATES),
        "scopes": [] if not asked.may_team or customer or not may(request.actor, "promises.change") else [
            {"text": gettext("My own"), "href": asked.address(whose="mine", staff="", page=""), "current": asked.whose == "mine"},
            {"text": gettext("My team's"), "href": asked.address(whose="team", page=""), "current": asked.whose == "team"},
        ],
        "fates": [
            {"text": gettext("All"), "href": asked.address(state=""), "count": sum(counts[name] for name in promises.FATES), "current": not asked.fate},
            *(
                {"text": words, "href": asked.address(state=name), "count": counts[name], "current": asked.fate == name}
                for name, words in fates().items()
                if counts[name] or asked.fate == name or name not in {"cannot", "refused"}
            ),
        ],
        "to": [("", gettext("to anybody")), *receivers().items()],
        "sources": [("", gettext("from everywhere")), *sources().items()],
        "people": [("", gettext("everybody")), *people],
        "older": asked.address(page=page + 1) if more else None,
        "start": asked.address() if page > 1 else None,
        "files": [(kind.upper(), f"{reverse('promises_file')}?{urlencode({**asked.values, 'as': kind})}") for kind in FORMATS],
        "may_make": may(request.actor, "promises.change"),
        "whose_name": named.get(str(asked.staff), "") if asked.staff else "",
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "promises.html", context)


def _customer(request: ActingRequest, id: int | None) -> Customer | None:
    if id is None:
        return None
    found = Customer.objects.seen(id, request.actor)
    if found is None:
        raise Http404
    return found


def _people(request: ActingRequest) -> list[tuple[str, str]]:
    others = request.actor.team
    found = Staff.objects.filter(pk__in=others[:PEOPLE], is_active=True).order_by("number")
    return [(str(id), f"{name} {number_}") for id, name, number_ in found.values_list("pk", "name", "number")]


def _page(
    request: ActingRequest, asked: Asked, rows: QuerySet[Any], refused: QuerySet[Fact], page: int, bank: Bank
) -> tuple[list[dict[str, Any]], bool]:
    part = slice((page - 1) * ROWS, page * ROWS + 1)
    if asked.fate == "refused":
        facts = list(refused.select_related("customer", "staff").order_by("-at", "-pk")[part])
        return [_refused_row(each, request, bank) for each in facts[:ROWS]], len(facts) > ROWS
    found = list(_ordered(rows, asked).select_related("customer", "owner", "fact", "settled_by")[part])
    return [_row(each, request, bank, asked) for each in found[:ROWS]], len(found) > ROWS


def _ordered(rows: QuerySet[Any], asked: Asked) -> QuerySet[Any]:
    """What is open by its deadline, what is over the newest first."""
    if asked.fate:
        rows = rows.filter(fate=asked.fate)
    return rows.order_by("due", "pk") if asked.fate in {"open", "late"} else rows.order_by("-due", "-pk")


LOOKS = {"open": "open", "late": "late", "kept": "done", "broken": "late", "cannot": "later"}


def _row(o: Any, request: ActingRequest, bank: Bank, asked: Asked) -> dict[str, Any]:
    now, c, fate = request.now, o.customer, str(o.fate)
    row = {
        "id": o.pk, "kind": o.kind, "clause": o.clause, "subject": o.subject, "opens": o.opens, "due": o.due, "target": o.target,
        "channels": o.channels, "detail": o.detail, "customer": {"id": c.pk} if c else None, "why": o.why,
    }  # fmt: skip
    stands = o.state == "open"
    mine = stands and o.owner_id in (request.actor.id, *request.actor.covers)
    to = receivers().get(str(o.detail.get("to", "")), "") if not c else ""
    said = [owed.words(o.what)] if asked.whose == "mine" and not asked.customer else [o.owner.name, owed.words(o.what)]
    return {
        "id": f"o{o.pk}",
        "look": LOOKS[fate],
        "icon": owed.ICONS[o.kind],
        "when": (owed.until(row, now) if o.due else gettext("handed in")) if stands else day_text(local(o.due or o.opens).date(), local(now).date(), weekday=False),
        "sub": "" if stands and not o.due else left_text(o.due, now) if stands else fates()[fate],
        "due": None,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind) if c else None,
        "title": to or gettext("promise"),
        "title_sub": "",
        "what": " · ".join(said),
        "clause": o.clause,
        "tip": owed.tip(o.clause),
        "because": " · ".join(part for part in (owed.reason(row, now), _settled(o)) if part),
        "why_href": reverse("why", args=[o.pk]),
        "do": owed.does(row, owed.look(row, now), now) if mine else {
            "text": pgettext("button", "Open"), "href": reverse("obligation", args=[o.pk]), "method": "get", "icon": None,
        },
        "not_yet": None,
        "window": None,
        "behalf": o.owner.name if mine and o.owner_id in request.actor.covers else "",
    }  # fmt: skip


def _settled(o: Obligation) -> str:
    """What was answered, how and when; or why it was let go, by whom."""
    if o.settled_at is None:
        return ""
    at = f"{day_text(local(o.settled_at).date(), None, weekday=False)} {clock(o.settled_at)}"
    how = wording.CHANNELS.get(str(o.evidence.get("how", "")))
    words = str(o.evidence.get("words") or o.evidence.get("reason") or "")
    by = o.settled_by.name if o.settled_by and o.settled_by_id != o.owner_id else ""
    let_go = gettext("let go") if o.state == "waived" else ""
    return " ".join(part for part in (let_go, at, by, how.say(owed.speaks()) if how else "", words) if part)


def _refused_row(fact: Fact, request: ActingRequest, bank: Bank) -> dict[str, Any]:
    c, own = fact.customer, fact.staff_id == request.actor.id
    return {
        "id": f"f{fact.pk}", "look": "later", "icon": "decline", "when": day_text(local(fact.at).date(), local(request.now).date(), weekday=False),
        "sub": fates()["refused"], "due": None,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind) if c else None,
        "title": receivers().get(str(fact.data.get("to", "")), ""), "title_sub": "",
        "what": fact.data["words"] if own else f"{fact.staff.name} · {fact.data['words']}",
        "clause": "", "tip": "", "because": str(fact.data.get("reason", "")), "why_href": "", "do": None, "not_yet": None, "window": None,
    }  # fmt: skip


@policy("promises.view")
@require_safe
def file(request: ActingRequest) -> HttpResponse:
    """What the list shows, as a file; kept in the trail. Whom one only covers is left out: an export is asked for with a role."""
    bank, asked = bank_of(request), Asked(request)
    _customer(request, asked.customer)
    if not wanted(request):
        raise Http404
    rows = _ordered(asked.rows(request, bank), asked).exclude(owner__among=request.actor.lent)
    some = list(
        rows.exclude(customer__keeper__among=request.actor.lent).select_related("customer", "owner", "fact")[:MOST]
    )
    columns = [
        gettext("Promised"), gettext("Whose"), pgettext("promise", "To whom"), pgettext("promise", "From"), gettext("Customer"), gettext("Promise"), gettext("By when"),
        gettext("What became of it"), gettext("Answered"), gettext("How"), gettext("Answer or reason"),
    ]  # fmt: skip
    return exported(request, "promises", "obligations_obligation", columns, (_cells(each) for each in some))


def _cells(o: Any) -> list[Any]:
    how = wording.CHANNELS.get(str(o.evidence.get("how", "")))
    return [
        o.fact.at, o.owner.name, receivers().get(str(o.detail.get("to", "customer")), ""), sources()[str(o.source)], o.customer.name if o.customer else "",
        str(o.detail.get("words") or owed.words(o.what)), o.due, fates()[str(o.fate)],
        o.settled_at, how.say(owed.speaks()) if how else "", str(o.evidence.get("words") or o.evidence.get("reason") or ""),
    ]  # fmt: skip


# ── one line ────────────────────────────────────────────────────────────────────────────────────────────────────────


@policy("promises.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """A line is read and shown as it was understood; ``act=promise`` makes it owed, ``act=refuse`` keeps that it was not promised."""
    given, act = request.POST, request.POST.get("act", "")
    if request.method != "POST":
        return _form(request, QueryDict(f"customer={number(request.GET.get('customer')) or ''}"))
    if act not in {"promise", "refuse"}:
        return _form(request, given)
    bank = bank_of(request)
    try:
        key = UUID(given.get("key", ""))
    except ValueError:
        return _form(request, given)
    due, wrong = _due(given, bank)
    customer = _chosen(request, given)
    told: dict[str, Any] = {
        "key": key,
        "to": given.get("to", ""),
        "customer": customer,
        "actor": request.actor,
        "now": request.now,
        "bank": bank,
    }
    try:
        if act == "refuse":
            promises.refuse(given.get("words", ""), given.get("reason", ""), **told)
            return moved(request, reverse("today"), gettext("Kept as refused: nothing is owed."))
        if wrong:
            raise Blocked(())
        made = promises.make(given.get("words", ""), due=due, typed=given.get("text", ""), **told)
    except Blocked as blocked:
        return _form(request, given, {**complaints(blocked), **({"due": ("W11", wrong)} if wrong else {})}, status=422)
    assert made.due
    said = gettext("Noted: %(what)s, by %(when)s") % {
        "what": made.detail["words"],
        "when": when_text(made.due, request.now),
    }
    return moved(request, reverse("today"), said, undo=reverse("promise_back", args=[made.pk]))


def _due(given: QueryDict, bank: Bank) -> tuple[datetime | None, str]:
    """The moment that was chosen; None with no complaint: the bank's default."""
    chosen = given.get("due", "")
    if chosen == "default":
        return None, ""
    if chosen == "other":
        at = given.get("time", "").strip()
        whole = _day(given.get("day", ""))
        if whole and not at:
            return datetime.combine(whole + timedelta(days=1), datetime.min.time(), bank.zone), ""
        found = moment(given.get("day", ""), at, bank)
        return found, "" if found else gettext("Say the day, for example 2026-03-02, and if you like the time: 15:30.")
    try:
        found = datetime.fromisoformat(chosen)
    except ValueError:
        return None, gettext("Choose by when.")
    return (found, "") if found.tzinfo else (None, gettext("Choose by when."))


def _chosen(request: ActingRequest, given: QueryDict) -> Customer | None:
    id = number(given.get("customer"))
    if id is None or given.get("to") not in {"customer", "leader", "department"}:
        return None
    return Customer.objects.seen(id, request.actor)


def _form(
    request: ActingRequest, given: QueryDict, said: dict[str, tuple[str, str]] | None = None, status: int = 200
) -> HttpResponse:
    bank, now = bank_of(request), request.now
    text = given.get("text", "").strip()[:LONGEST]
    found: Understood | None = promises.understood(text, actor=request.actor, now=now, bank=bank) if text else None
    some = _offered(request, given, found, bank)
    context = {
        "text": text,
        "found": found,
        "key": given.get("key") or str(uuid4()),
        "words": given["words"] if "words" in given else _words(found),
        "to": receivers().items(),
        "chosen_to": given.get("to") or ("customer" if some else found.reading.to if found else "customer"),
        "customers": [{"id": c.pk, **owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind)} for c in some],
        "customer": number(given.get("customer")) or (some[0].pk if len(some) == 1 else None),
        "dues": _dues(found, now),
        "chosen_due": given.get("due") or _likely(found),
        "day": given.get("day", ""),
        "time": given.get("time", ""),
        "look": given.get("look", ""),
        "reason": given.get("reason", ""),
        "earliest": local(now).date().isoformat(),
        "said": said or {},
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "promise_new.html", context, status=status)


def _offered(request: ActingRequest, given: QueryDict, found: Understood | None, bank: Bank) -> list[Customer]:
    """Whom it may mean: by the line, by a name that is looked for, and who was chosen before."""
    some = list(found.customers) if found else []
    if look := given.get("look", "").strip():
        reading = promises.called(look)
        some = promises.whom(look, reading, request.actor, request.now, bank) or some
    before = number(given.get("customer"))
    if before and before not in {c.pk for c in some} and (c := Customer.objects.seen(before, request.actor)):
        some.insert(0, c)
    return some


def _words(found: Understood | None) -> str:
    """What was left of the line; whoever is no customer stays in it by name."""
    if found is None:
        return ""
    reading = found.reading
    return reading.words if found.customers or not reading.name else f"{reading.name} {reading.words}".strip()


def _likely(found: Understood | None) -> str:
    """What stands chosen: the one reading there is; the bank's default where no date was said. Between several the person chooses."""
    if found is None or (found.reading.passed and not found.reading.dues):
        return ""
    dues = found.reading.dues
    return "default" if not dues else dues[0].isoformat() if len(dues) == 1 else ""


def _dues(found: Understood | None, now: datetime) -> list[tuple[str, str]]:
    if found is None:
        return []
    days = gettext("the bank's default: %(when)s") % {"when": _by(found.by_default, now)}
    return [
        *((each.isoformat(), _by(each, now)) for each in found.reading.dues),
        ("default", days),
        ("other", gettext("another day")),
    ]


def _by(due: datetime, now: datetime) -> str:
    """3月6日 周五 24:00 前."""
    at = local(due)
    ends_day = (at.hour, at.minute) == (0, 0)
    day = (at - timedelta(days=1) if ends_day else at).date()
    return gettext("by %(day)s %(time)s") % {
        "day": day_text(day, local(now).date()),
        "time": "24:00" if ends_day else f"{at:%H:%M}",
    }


@policy("promises.change")
@require_POST
def back(request: ActingRequest, obligation: int) -> HttpResponse:
    """撤回: it was typed by mistake."""
    rows = Obligation.objects.visible_to(request.actor).select_related("fact").filter(kind="promise", pk=obligation)
    found = rows.select_for_update(of=("self",), no_key=True).first()
    if found is None:
        raise Http404
    try:
        promises.take_back(found, actor=request.actor, now=request.now, bank=bank_of(request))
    except Blocked as blocked:
        return moved(request, reverse("obligation", args=[found.pk]), blocked.verdicts[0].words.say(owed.speaks()))
    return moved(request, reverse("today"), gettext("Taken back: %(what)s") % {"what": owed.words(found.what)})
