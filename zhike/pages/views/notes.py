"""市场信息 · What was seen of the market: noted in a line, found again by kind, tag and words; what waits for the reader's answer stands first.

Domain: :mod:`zhike.market.notes`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.documents.formats import Unkept
from zhike.documents.models import Document
from zhike.market import notes
from zhike.market.models import Brief, Note, Routing
from zhike.market.notes import Seen
from zhike.market.refusals import Unfit
from zhike.pages import owed, sought
from zhike.pages.answer import moved, number
from zhike.pages.exported import FORMATS, exported, wanted
from zhike.pages.exported import ROWS as MOST
from zhike.pages.jinja import day_text, label, local, names
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.document import files_beside, handed_out, limits, paper
from zhike.pages.views.prospect import day
from zhike.people.permissions import check, may, policy

ROWS = 40
WAITING = 20


@policy("notes.view")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """``?kind=``, ``?tag=``, ``?of=mine``, ``?for=`` the words sought, sealed; ``?page=``; ``?as=csv`` or ``xlsx``. POST: ``q`` looks for
    words, else a new note.
    """
    if request.method == "POST" and "q" in request.POST:
        words = request.POST["q"].strip()[: sought.LONGEST]
        query = f"?{urlencode({'for': sought.sealed(words, request.actor)})}" if words else ""
        return moved(request, reverse("notes") + query)
    if request.method == "POST":
        return _new(request)
    return _page(request)


def _new(request: ActingRequest) -> HttpResponse:
    check(request.actor, "notes.change")
    told: dict[str, Any] = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    try:
        with transaction.atomic():
            notes.write(seen(request.POST, request), files=files_beside(request), **told)
    except (Unfit, Unkept) as unfit:
        return _page(request, request.POST, {unfit.field: said(unfit)})
    return moved(request, reverse("notes"), gettext("Noted."))


def seen(given: QueryDict, request: ActingRequest) -> Seen:
    """What a form says was seen. Raises Unfit where the customer is nobody of one's own book."""
    words = given.get("customer", "").strip()
    customer = None
    if words:
        own = Customer.objects.filter(rm=request.actor.id, name=words).values_list("pk", flat=True)[:2]
        if len(own) != 1:
            raise Unfit(
                "customer",
                "名下没有或不止一位这个姓名的客户。",
                "There is no customer of this name in your book, or several.",
            )
        customer = own[0]
    plain = {name: given.get(name, "") for name in ("kind", "text", "source_words", "place", "tags")}
    return Seen(**plain, source=given.get("source") or "eyes", seen_on=day(given.get("seen_on", "")), customer=customer)


def said(refused: Refused) -> str:
    return refused.words.say(get_language() or "")


def row(each: Note, request: ActingRequest) -> dict[str, Any]:
    """A note as lists show it; the customer only to whoever sees them."""
    return {
        "id": each.pk, "kind": label(Note.Kind, each.kind), "text": each.text, "tags": each.tags,
        "source": " · ".join(part for part in (label(Note.Source, each.source), each.source_words, each.place) if part),
        "on": day_text(each.seen_on, local(request.now).date()), "by": each.by.name, "unit": each.unit.name,
        "customer": {"id": each.customer_id, "name": each.customer.name} if each.customer_id and each.customer and each.customer.keeper in request.actor.sees else None,
    }  # fmt: skip


def passed(each: Routing, request: ActingRequest) -> dict[str, Any]:
    """What was passed on, as lists show it."""
    return {
        "id": each.pk, "title": each.title, "by": each.by.name, "to": each.to.name, "unit": each.unit.name, "at": each.at, "words": each.words,
        "answer": label(Routing.Answer, each.answer) if each.answer else "", "answer_words": each.answer_words,
        "answered_by": each.answered_by.name if each.answered_by else "", "answered_at": each.answered_at,
    }  # fmt: skip


ABOUT = ("note", "brief", "by", "to", "unit", "answered_by")


def _page(request: ActingRequest, given: QueryDict | None = None, wrong: dict[str, str] | None = None) -> HttpResponse:
    actor = request.actor
    asked = {name: request.GET.get(name, "") for name in ("kind", "tag", "of", "for")}
    words = sought.opened(asked["for"], actor) if asked["for"] else ""
    rows: Any = Note.objects.visible_to(actor)
    if asked["kind"] in Note.Kind.values:
        rows = rows.filter(kind=asked["kind"])
    if asked["tag"]:
        rows = rows.filter(tags__contains=[asked["tag"][:20]])
    if asked["of"] == "mine":
        rows = rows.filter(by=actor.id)
    rows = notes.found(rows, words).select_related("by", "unit", "customer").order_by("-at", "-pk")
    if wanted(request):
        lines = [{**row(each, request), "on": each.seen_on.isoformat()} for each in rows[:MOST]]
        columns = [
            gettext("Kind"),
            gettext("What was seen"),
            gettext("Source"),
            gettext("Day"),
            gettext("Tags"),
            gettext("Who"),
            gettext("Unit"),
        ]
        values = [
            (each["kind"], each["text"], each["source"], each["on"], " ".join(each["tags"]), each["by"], each["unit"])
            for each in lines
        ]
        return exported(request, "market-notes", "market_note", columns, values)
    page = max(number(request.GET.get("page")) or 1, 1)
    found = list(rows[(page - 1) * ROWS : page * ROWS + 1])
    routings = Routing.objects.visible_to(actor).select_related(*ABOUT)
    briefs = Brief.objects.visible_to(actor).select_related("by").order_by("-at", "-pk")[:8]

    def address(**changed: Any) -> str:
        query = {name: value for name, value in {**asked, **changed}.items() if value}
        return f"{reverse('notes')}?{urlencode(query)}" if query else reverse("notes")

    context = {
        "rows": [row(each, request) for each in found[:ROWS]],
        "waiting": [passed(each, request) for each in routings.filter(to=actor.id, answer="").order_by("at", "pk")[:WAITING]],
        "came": [passed(each, request) for each in routings.filter(by=actor.id).exclude(answer="").order_by("-answered_at")[:5]],
        "briefs": [{"id": each.pk, "title": each.title, "by": each.by.name, "at": each.at} for each in briefs],
        "kinds": [
            {"text": text, "href": address(kind="" if value == asked["kind"] else value), "current": value == asked["kind"]}
            for value, text in names(Note.Kind)
        ],
        "all_kinds": names(Note.Kind),
        "sources": names(Note.Source),
        "asked": asked,
        "words": words,
        "mine": {"href": address(of="" if asked["of"] else "mine"), "current": asked["of"] == "mine"},
        "chosen": any(asked.values()),
        "clear": reverse("notes"),
        "writes": may(actor, "notes.change"),
        "files_too": may(actor, "documents.change"),
        **limits(request),
        "older": address(page=page + 1) if len(found) > ROWS else None,
        "start": address() if page > 1 else None,
        "files": [(kind, address(**{"as": kind})) for kind in FORMATS],
        "today": local(request.now).date().isoformat(),
        "given": given if given is not None else QueryDict(),
        "wrong": wrong or {},
        "tip": owed.tip,
    }  # fmt: skip
    return render(request, "notes.html", context, status=422 if wrong else 200)


# ── one note ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def note_for(request: ActingRequest, id: int) -> Note:
    """One that the reader may see."""
    found = Note.objects.visible_to(request.actor).select_related("by", "unit", "customer").filter(pk=id).first()
    if found is None:
        raise Http404
    return found


def desks(request: ActingRequest) -> list[tuple[str, str]]:
    """To whom one may pass something on."""
    if not may(request.actor, "notes.change"):
        return []
    return [
        (str(each.post), f"{each.unit_name} · {each.name}")
        for each in notes.desks(request.actor, request.now, bank_of(request))
    ]


def _one(
    request: ActingRequest, found: Note, given: QueryDict | None = None, wrong: dict[str, str] | None = None
) -> HttpResponse:
    routings = (
        Routing.objects.visible_to(request.actor).filter(note=found).select_related(*ABOUT).order_by("-at", "-pk")
    )
    briefs = Brief.objects.visible_to(request.actor).filter(notes=found)
    reads = may(request.actor, "documents.view")
    seen_at = (
        set(Document.objects.visible_to(request.actor).filter(pk__in=found.documents).values_list("pk", flat=True))
        if found.documents and reads
        else set()
    )
    context = {
        "n": row(found, request),
        "papers_here": [
            paper(each, reverse("note_paper", args=[found.pk, id]), page=id in seen_at)
            for id, each in sorted(notes.papers(found).items())
        ],
        "files_too": may(request.actor, "documents.change"),
        **limits(request),
        "note": found,
        "own": found.by_id == request.actor.id and may(request.actor, "notes.change"),
        "routings": [passed(each, request) for each in routings],
        "briefs": list(briefs.values("pk", "title")),
        "desks": desks(request),
        "all_kinds": names(Note.Kind),
        "sources": names(Note.Source),
        "today": local(request.now).date().isoformat(),
        "given": given,
        "wrong": wrong or {},
        "tip": owed.tip,
    }
    return render(request, "note.html", context, status=422 if wrong else 200)


@policy("notes.view")
@require_http_methods(["GET", "HEAD"])
def one(request: ActingRequest, note: int) -> HttpResponse:
    """With to whom it was passed, and what they answered."""
    return _one(request, note_for(request, note))


@policy("notes.view")
@require_safe
def paper_of(request: ActingRequest, note: int, document: int) -> HttpResponseBase:
    """A paper that goes with a note: given out to whoever may read the note, as a file to be saved."""
    found = notes.papers(note_for(request, note)).get(document)
    if found is None:
        raise Http404
    return handed_out(request, found)


@policy("notes.change")
@require_POST
def correct(request: ActingRequest, note: int) -> HttpResponse:
    """The writer puts it right."""
    found = note_for(request, note)
    told: dict[str, Any] = {"actor": request.actor, "now": request.now, "bank": bank_of(request)}
    try:
        with transaction.atomic():
            notes.correct(found, seen(request.POST, request), files=files_beside(request), **told)
    except Refused as refused:
        field = refused.field if isinstance(refused, Unfit | Unkept) else ""
        return _one(request, note_for(request, note), request.POST, {field: said(refused)})
    return moved(request, reverse("note", args=[found.pk]), gettext("Saved."))


@policy("notes.change")
@require_POST
def route(request: ActingRequest, note: int) -> HttpResponse:
    """Passed to a leader or department, which owes an answer."""
    found = note_for(request, note)
    try:
        row = notes.route(
            found, number(request.POST.get("to")) or 0, request.POST.get("words", ""), actor=request.actor, now=request.now, bank=bank_of(request)
        )  # fmt: skip
    except Refused as refused:
        return _one(request, found, request.POST, {"to": said(refused)})
    return moved(request, reverse("note", args=[found.pk]), gettext("Passed on to %(name)s.") % {"name": row.to.name})
