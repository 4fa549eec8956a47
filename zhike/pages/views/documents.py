"""档案 · What is filed: by business, kind, customer and state; found by its words; what is missing; and what it is filed under.

Domain: :mod:`zhike.documents`.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.measure import Completeness
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.documents import labels as editing
from zhike.documents import missing, search
from zhike.documents.models import Document, Hold, Label
from zhike.pages import owed, sought
from zhike.pages.answer import moved, number
from zhike.pages.exported import ROWS as MOST
from zhike.pages.exported import exported, wanted
from zhike.pages.jinja import day_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.permissions import may, policy

ROWS = 50
LACKING = 20
BOOKS = 40  # of more books nobody asks on a page who lacks what
Reading = Document.Reading


def states() -> dict[str, str]:
    """What a list may be narrowed to, in words."""
    return {
        "held": pgettext("documents", "held"),
        "over": gettext("kept long enough"),
        "unread": gettext("text could not be read"),
        "deleted": pgettext("documents", "deleted"),
    }


@policy("documents.view")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: ActingRequest) -> HttpResponse:
    """``?business=``, ``?kind=``, ``?customer=`` ids, ``?state=held`` and so on, ``?from=`` and ``?to=`` days of the papers; ``?for=`` words,
    sealed, that POST ``q`` sends; ``?after=`` the id of the page before; ``?as=csv`` or ``xlsx`` the whole list."""
    if request.method == "POST":
        words = request.POST.get("q", "").strip()[: sought.LONGEST]
        kept = {name: value for name, value in _asked(request).items() if value}
        if words:
            kept["for"] = sought.sealed(words, request.actor)
        return moved(request, f"{reverse('documents')}?{urlencode(kept)}" if kept else reverse("documents"))
    asked = _asked(request)
    words = sought.opened(request.GET.get("for", ""), request.actor)
    rows = _narrowed(request, asked)
    address = partial(_address, {**asked, "for": request.GET.get("for", "") if words else ""})
    if words:
        found = search.find(words, request.actor, ROWS)
        ids = {hit.document.pk for hit in found.hits}
        stand = set(rows.filter(pk__in=ids).values_list("pk", flat=True))
        hits = [hit for hit in found.hits if hit.document.pk in stand]
        listed, more, excerpts = (
            [hit.document for hit in hits],
            found.more,
            {hit.document.pk: hit.excerpt for hit in hits},
        )
    else:
        if wanted(request):
            return _file(request, rows)
        after = number(request.GET.get("after"))
        page = list((rows.filter(pk__lt=after) if after else rows).order_by("-pk")[: ROWS + 1])
        listed, more, excerpts = page[:ROWS], len(page) > ROWS, {}
    context = {
        "rows": [row(document, request, excerpts.get(document.pk)) for document in listed],
        "words": words,
        "more": more and bool(words),
        "older": address(after=str(listed[-1].pk)) if more and not words else None,
        "start": address() if request.GET.get("after") else None,
        "asked": asked,
        "narrowed": any(asked.values()) or bool(words),
        "businesses": [
            ("", gettext("every business")),
            *((str(each.pk), each.name) for each in Label.objects.businesses()),
        ],
        "kinds": [("", gettext("every kind")), *((str(each.pk), each.name) for each in Label.objects.kinds())],
        "states": [("", gettext("every state")), *states().items()],
        "customer": _customer(request, asked),
        "files": lambda form: address(**{"as": form}),
        "complete": _complete(request)
        if not any(asked.values()) and not words and not request.GET.get("after")
        else None,
        "may_file": may(request.actor, "documents.change"),
        "may_label": may(request.actor, "documents.labels"),
        "tip": owed.tip,
    }
    return render(request, "documents.html", context)


def _asked(request: ActingRequest) -> dict[str, str]:
    asked = {
        name: request.GET.get(name, "").strip() for name in ("business", "kind", "customer", "state", "from", "to")
    }
    return {
        name: value if (number(value) if name in {"business", "kind", "customer"} else value in states() if name == "state" else _day(value)) else ""
        for name, value in asked.items()
    }  # fmt: skip


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _narrowed(request: ActingRequest, asked: dict[str, str]) -> QuerySet[Document]:
    rows = Document.objects.visible_to(request.actor).whole()
    for name in ("business", "kind", "customer"):
        if asked[name]:
            rows = rows.filter(**{name: asked[name]})
    if asked["from"]:
        rows = rows.filter(dated__gte=asked["from"])
    if asked["to"]:
        rows = rows.filter(dated__lte=asked["to"])
    if asked["state"] == "deleted":
        return rows.exclude(deleted_at=None)
    rows = rows.filter(deleted_at=None)
    match asked["state"]:
        case "held":
            return rows.filter(pk__in=Hold.objects.filter(lifted_at=None).values("document"))
        case "over":
            return rows.over(local(request.now).date())
        case "unread":
            return rows.filter(reading=Reading.FAILED)
    return rows


def _address(asked: dict[str, str], **changed: str) -> str:
    query = {name: value for name, value in (asked | changed).items() if value}
    return f"{reverse('documents')}?{urlencode(query)}" if query else reverse("documents")


def _customer(request: ActingRequest, asked: dict[str, str]) -> Customer | None:
    return (
        Customer.objects.visible_to(request.actor).filter(pk=asked["customer"]).first() if asked["customer"] else None
    )


def _complete(request: ActingRequest) -> dict[str, Any] | None:
    """How whole the files are of those whom the reader serves or leads, and who lacks most."""
    keepers = [keeper for keeper in request.actor.sees if keeper > 0]
    if not 0 < len(keepers) <= BOOKS:
        return None
    found, lacking = missing.measured(keepers, LACKING)
    if not found.wanted:
        return None
    return {
        **_figures(found),
        "lacking": [
            {"href": reverse("customer_documents", args=[id]), "name": name, "kinds": gettext(", ").join(names)}
            for id, name, names in _named(lacking)
        ],
    }


def _figures(found: Completeness) -> dict[str, Any]:
    return {"files": found.files, "whole": found.whole, "wanted": found.wanted, "there": found.there}


def _named(lacking: list[tuple[int, str, list[str]]]) -> list[tuple[int, str, list[str]]]:
    kinds = {label.key: label.name for label in Label.objects.kinds()}
    return [(id, name, [kinds.get(key, key) for key in keys]) for id, name, keys in lacking]


def row(document: Document, request: ActingRequest, excerpt: tuple[str, str, str] | None = None) -> dict[str, Any]:
    """A document as a list shows it."""
    today = local(request.now).date()
    return {
        "id": document.pk,
        "title": document.title,
        "customer": document.customer.name if document.customer else "",
        "customer_id": document.customer_id,
        "business": document.business.name,
        "kind": document.kind.name,
        "dated": day_text(document.dated, today, weekday=False),
        "version": document.version,
        "by": document.by.name,
        "deleted": document.deleted_at is not None,
        "failed": document.reading == Reading.FAILED,
        "excerpt": excerpt,
        "mine": document.by_id == request.actor.id,
    }


def _file(request: ActingRequest, rows: QuerySet[Document]) -> HttpResponse:
    """The list as a file, within what the reader sees; kept in the trail. Whom one only covers is left out: an export is asked for with
    a role."""
    rows = rows.exclude(keeper__among=request.actor.lent)
    heads = [
        pgettext("documents", "Title"), gettext("Customer"), gettext("Business"), gettext("Kind"), gettext("Day of the document"), gettext("Version"),
        gettext("Filed by"), gettext("Filed on"), gettext("Kept until"),
    ]  # fmt: skip
    table = [
        [each.title, each.customer.name if each.customer else "", each.business.name, each.kind.name, each.dated.isoformat(),
         each.version, each.by.name, local(each.at).date().isoformat(), each.kept_until.isoformat()]
        for each in rows.order_by("-pk")[:MOST]
    ]  # fmt: skip
    return exported(request, "documents", "documents_document", heads, table)


# ── one customer's file ──────────────────────────────────────────────────────────────────────────────────────────


def checklist(each: missing.Checklist) -> dict[str, Any]:
    """One business of a customer, as the template's macro of this name shows it."""
    return {
        "id": each.business.pk,
        "name": each.business.name,
        "wanted": [{"id": kind.pk, "name": kind.name, "there": there} for kind, there in each.wanted],
        "missing": len(each.missing),
    }


@policy("documents.view")
@require_safe
def of_customer(request: ActingRequest, customer: int) -> HttpResponse:
    """A customer's file by business: what is there, what is missing. For htmx the part that stands on the customer's page."""
    found = Customer.objects.visible_to(request.actor).select_related("unit").filter(pk=customer).first()
    if found is None:
        raise Http404
    lists = missing.checklists(found)
    documents = (
        Document.objects.visible_to(request.actor)
        .whole()
        .filter(customer=found, deleted_at=None)
        .order_by("-dated", "-pk")
    )
    bank = bank_of(request)
    context = {
        "customer": found,
        "person": owed.person(found.pk, found.name, found.honorific, found.tier, bank, found.kind),
        "lists": [checklist(each) for each in lists],
        "rows": [row(document, request) for document in documents[: 5 if request.headers.get("HX-Request") else 200]],
        "all": documents.count(),
        "may_file": may(request.actor, "documents.change") and found.changeable_by(request.actor),
        "tip": owed.tip,
    }
    return render(
        request, "_customer_documents.html" if request.headers.get("HX-Request") else "customer_documents.html", context
    )


# ── what documents are filed under ───────────────────────────────────────────────────────────────────────────────


@policy("documents.view")
@require_safe
def labels(request: ActingRequest) -> HttpResponse:
    """Businesses and kinds, how long each is kept, what is wanted; compliance changes them."""
    return _labels(request)


@policy("documents.labels")
@require_POST
def label(request: ActingRequest) -> HttpResponse:
    """``label`` an id, or ``sort`` and ``key`` of a new one; ``zh``, ``en``, ``years``, ``wanted``, ``always``, ``open``."""
    given = request.POST
    try:
        editing.change(
            number(given.get("label")), sort=given.get("sort", ""), zh=given.get("zh", ""), en=given.get("en", ""),
            years=number(given.get("years")), wanted=given.getlist("wanted"), always="always" in given, open="open" in given,
            actor=request.actor,
        )  # fmt: skip
    except Refused as refused:
        return _labels(request, {given.get("label", given.get("sort", "")): refused.words.say(owed.speaks())}, 422)
    return moved(
        request, reverse("document_labels"), gettext("Kept. What is filed already keeps what was promised, or longer.")
    )


def _labels(request: ActingRequest, wrong: dict[str, str] | None = None, status: int = 200) -> HttpResponse:
    kinds = list(Label.objects.kinds())
    context = {
        "sorts": [
            {"key": "business", "title": gettext("Businesses"), "rows": list(Label.objects.businesses())},
            {"key": "kind", "title": gettext("Kinds of document"), "rows": kinds},
        ],
        "kinds": [(kind.key, kind.name) for kind in kinds if kind.open],
        "given": request.POST,
        "wrong": wrong or {},
        "may_change": may(request.actor, "documents.labels"),
    }
    return render(request, "document_labels.html", context, status=status)
