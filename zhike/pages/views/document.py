"""档案 · One document: its versions, how long it is kept, holds; and filing a new one.

Domain: :mod:`zhike.documents.filing`, :mod:`zhike.documents.store`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import quote

from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.documents import filing, missing, store
from zhike.documents.filing import Brought, Slip
from zhike.documents.formats import FORMATS, KEPT, Unkept
from zhike.documents.models import Blob, Document, Label, Version
from zhike.pages import owed
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.documents import checklist
from zhike.people.permissions import may, policy

ACCEPTS = ",".join(f".{ending}" for row in FORMATS.values() if row.key != "zip" for ending in row.endings)


def troubles() -> dict[str, str]:
    """Why a text could not be read, in words."""
    return {
        "locked": gettext("it is locked by a password; file it without one to have it found by its words"),
        "damaged": gettext("the file is damaged, or not as its format says"),
        "too_long": gettext("reading it took more time or memory than it is given"),
    }


@policy("documents.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """``?customer=7`` for whom, else for one's unit; ``?business=`` and ``?kind=`` what is missing. POST ``file`` or ``photo``."""
    customer = _customer(request)
    if request.method != "POST":
        return _new(request, customer)
    try:
        document = filing.file(
            _brought(request), _slip(request), customer=customer, note=request.POST.get("note", ""), **_verb(request)
        )
    except Unkept as unkept:
        return _new(request, customer, {unkept.field: unkept.words.say(owed.speaks())}, 422)
    return moved(request, reverse("document", args=[document.pk]), gettext("Filed."))


def _customer(request: ActingRequest) -> Customer | None:
    """Whose file it goes into; none for a paper of the unit's."""
    asked = request.POST.get("customer") or request.GET.get("customer")
    if not asked:
        return None
    found = Customer.objects.visible_to(request.actor).select_related("unit").filter(pk=number(asked) or 0).first()
    if found is None or not found.changeable_by(request.actor):
        raise Http404
    return found


def _new(
    request: ActingRequest, customer: Customer | None, wrong: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    given = {"dated": local(request.now).date().isoformat(), **request.GET.dict(), **request.POST.dict()}
    context = {
        "customer": customer,
        "person": owed.person(
            customer.pk, customer.name, customer.honorific, customer.tier, bank_of(request), customer.kind
        )
        if customer
        else None,
        "given": given,
        "wrong": wrong or {},
        **_choices(request),
    }
    return render(request, "document_new.html", context, status=status)


def _choices(request: ActingRequest) -> dict[str, Any]:
    return {
        "businesses": [
            ("", gettext("Choose the business")),
            *((str(each.pk), each.name) for each in Label.objects.businesses() if each.open),
        ],
        "kinds": [
            ("", gettext("Choose the kind")),
            *((str(each.pk), each.name) for each in Label.objects.kinds() if each.open),
        ],
        **limits(request),
        "today": local(request.now).date().isoformat(),
        "tip": owed.tip,
    }


def paper(version: Version, href: str, *, page: bool = True) -> dict[str, Any]:
    """What goes with something else, as the template's macro ``papers`` shows it; ``page``: whether it leads to the records."""
    return {
        "name": version.name,
        "size": size(version.size),
        "page": reverse("document", args=[version.document_id]) if page else None,
        "href": href,
    }


def files_beside(request: ActingRequest) -> list[Brought]:
    """The files of a form that go with what is typed in it."""
    if getattr(request, "too_large", False):
        raise filing.too_large(bank_of(request))
    some: Any = request.FILES.getlist("file")
    return [Brought(each, each.name, each.size) for each in some]


def limits(request: ActingRequest) -> dict[str, Any]:
    """What a field for files says of them."""
    bank = bank_of(request)
    return {
        "accepts": ACCEPTS,
        "most": bank.document_mb,
        "kept": KEPT.say(owed.speaks()),
        "too_large": filing.too_large(bank).words.say(owed.speaks()),
    }


def _brought(request: ActingRequest) -> Brought:
    if getattr(request, "too_large", False):
        raise filing.too_large(bank_of(request))
    upload: Any = request.FILES.get("file") or request.FILES.get("photo")
    if upload is None:
        raise Unkept("请选择一个文件，或拍照。", "Choose a file, or take a photo.")
    return Brought(upload, upload.name, upload.size)


def _slip(request: ActingRequest) -> Slip:
    given = request.POST
    try:
        dated = date.fromisoformat(given.get("dated", ""))
    except ValueError:
        raise Unkept("请按 2026-03-02 的格式填写资料日期。", "Write the day like this: 2026-03-02.", "dated") from None
    return Slip(number(given.get("business")) or 0, number(given.get("kind")) or 0, dated, given.get("title", ""))


def _verb(request: ActingRequest) -> dict[str, Any]:
    return {"actor": request.actor, "now": request.now, "bank": bank_of(request)}


def _find(request: ActingRequest, id: int) -> Document:
    found = Document.objects.visible_to(request.actor).whole().filter(pk=id).first()
    if found is None:
        raise Http404
    return found


@policy("documents.view")
@require_safe
def show(request: ActingRequest, document: int) -> HttpResponse:
    """The document with its versions, its dates, its holds, and what may be done with it."""
    return _page(request, _find(request, document))


def _page(
    request: ActingRequest, found: Document, wrong: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    holds = list(found.holds.select_related("by", "lifted_by").order_by("-at"))
    standing = next((hold for hold in holds if hold.lifted_at is None), None)
    until, today = found.kept_until, local(request.now).date()
    changes = may(request.actor, "documents.change") and found.changeable(request.actor) and found.deleted_at is None
    customer = found.customer
    lists = missing.checklists(customer) if customer and found.deleted_at is None else []
    context = {
        "d": found,
        "wanted": next((checklist(each) for each in lists if each.business.pk == found.business_id), None),
        "person": owed.person(customer.pk, customer.name, customer.honorific, customer.tier, bank_of(request), customer.kind)
        if customer
        else None,
        "versions": [_version(each, found, request) for each in found.versions.select_related("by").order_by("-number")],
        "until": until,
        "why_until": _why_until(found),
        "over": until <= today,
        "hold": standing,
        "holds": holds,
        "trouble": troubles().get(found.trouble, ""),
        "may_change": changes,
        "may_hold": may(request.actor, "documents.hold") and standing is None and found.deleted_at is None,
        "may_lift": may(request.actor, "documents.lift") and standing is not None,
        "may_delete": may(request.actor, "documents.delete") and found.changeable(request.actor) and found.deleted_at is None
        and standing is None and until <= today,
        "given": {
            "business": str(found.business_id), "kind": str(found.kind_id), "dated": found.dated.isoformat(), "title": found.title,
            **request.POST.dict(),
        },
        "wrong": wrong or {},
        **_choices(request),
    }  # fmt: skip
    return render(request, "document.html", context, status=status)


def _version(version: Version, document: Document, request: ActingRequest) -> dict[str, Any]:
    return {
        "number": version.number,
        "name": version.name,
        "format": version.is_of.words.say(owed.speaks()),
        "size": size(version.size),
        "active": version.active,
        "note": version.note,
        "by": version.by.name,
        "at": version.at,
        "sha256": version.sha256,
        "href": ""
        if document.deleted_at
        else reverse("document_file", args=[document.pk, version.number, version.name]),
    }


def size(bytes: int) -> str:
    """ "1.4 MB"."""
    return f"{bytes / (1 << 20):.1f} MB" if bytes >= 1 << 20 else f"{max(1, round(bytes / 1024))} kB"


def _why_until(found: Document) -> str:
    """Which of the three is the longest."""
    years = max(found.years, found.kind.years, found.business.years)
    name = next(
        (label.name for label in (found.business, found.kind) if label.years == years),
        pgettext("documents", "as promised when it was filed"),
    )
    return gettext("%(name)s: %(years)s years from %(day)s") % {
        "name": name,
        "years": years,
        "day": found.counts_from.isoformat(),
    }


Act = Callable[[ActingRequest, Document], str]


def _again(request: ActingRequest, found: Document) -> str:
    version = filing.file_again(found, _brought(request), note=request.POST.get("note", ""), **_verb(request))
    return gettext("Filed as version %(n)s; the versions before stay.") % {"n": version.number}


def _right(request: ActingRequest, found: Document) -> str:
    filing.put_right(found, _slip(request), **_verb(request))
    return gettext("Kept.")


def _hold(request: ActingRequest, found: Document) -> str:
    filing.hold(found, request.POST.get("why", ""), actor=request.actor, now=request.now)
    return gettext("Held: nobody deletes it now.")


def _lift(request: ActingRequest, found: Document) -> str:
    filing.lift(found, request.POST.get("why", ""), actor=request.actor, now=request.now)
    return gettext("The hold is lifted.")


def _delete(request: ActingRequest, found: Document) -> str:
    filing.delete(found, request.POST.get("why", ""), **_verb(request))
    return gettext("Deleted; its hashes and who deleted it stay.")


@policy("documents.change")
@require_POST
def again(request: ActingRequest, document: int) -> HttpResponse:
    """The next version."""
    return _done(request, document, _again, "again")


@policy("documents.change")
@require_POST
def right(request: ActingRequest, document: int) -> HttpResponse:
    """Under what it is filed."""
    return _done(request, document, _right, "right")


@policy("documents.hold")
@require_POST
def hold(request: ActingRequest, document: int) -> HttpResponse:
    """``why``."""
    return _done(request, document, _hold, "hold", changes=False)


@policy("documents.lift")
@require_POST
def lift(request: ActingRequest, document: int) -> HttpResponse:
    """``why``."""
    return _done(request, document, _lift, "lift", changes=False)


@policy("documents.delete")
@require_POST
def delete(request: ActingRequest, document: int) -> HttpResponse:
    """``why``."""
    return _done(request, document, _delete, "delete")


def _done(request: ActingRequest, document: int, act: Act, name: str, *, changes: bool = True) -> HttpResponse:
    rows = Document.objects.changeable_by(request.actor) if changes else Document.objects.visible_to(request.actor)
    found = rows.whole().filter(pk=document).first()
    if found is None:
        raise Http404
    if changes:
        Document.objects.select_for_update(no_key=True).get(pk=document)
        found.refresh_from_db()
    try:
        with transaction.atomic():
            said = act(request, found)
    except Refused as refused:
        found = _find(request, document)
        return _page(
            request, found, {name: refused.words.say(owed.speaks())}, 422 if isinstance(refused, Unkept) else 409
        )
    return moved(request, reverse("document", args=[document]), said)


@policy("documents.view")
@require_safe
def file(request: ActingRequest, document: int, number: int, name: str) -> HttpResponseBase:
    """The bytes of a version, as something to be saved and never as a page of ours; the trail keeps who was given it."""
    found = (
        Version.objects.select_related("document")
        .filter(
            document__in=Document.objects.visible_to(request.actor).filter(pk=document, deleted_at=None), number=number
        )
        .first()
    )
    if found is None:
        raise Http404
    return handed_out(request, found)


def handed_out(request: ActingRequest, found: Version) -> HttpResponseBase:
    """The bytes of a version that the reader may see."""
    try:
        pieces = store.opened(Blob.objects.get(sha256=found.sha256))
    except store.Damaged:
        sentence = gettext(
            "The file is damaged or gone from its place, and none of it is given out. Ask the administrator: zhike documents verify names it."
        )
        return render(request, "refused.html", {"sentence": sentence}, status=409)
    if request.method == "GET":
        filing.given_out(found, now=request.now)
    answer = StreamingHttpResponse(pieces, content_type=found.is_of.media)
    answer["Content-Length"] = str(found.size)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.name)}"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer
