"""Records (W10): filed, found by their words, given out, held; each with its versions, its dates and its hashes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import quote

from django.http import Http404, StreamingHttpResponse
from ninja import File, Form, Query, Router
from ninja.files import UploadedFile

from zhike.api.cursors import Page, last_first
from zhike.api.desk import Desk, bank_of, locked, one, verb
from zhike.api.problems import Problem
from zhike.api.shapes import Day, Id, IdOut, In, Line, Named, Out, Text, named
from zhike.customers.models import Customer
from zhike.documents import filing, missing, search, store
from zhike.documents.filing import Brought, Slip
from zhike.documents.formats import Unkept
from zhike.documents.models import Blob, Document, Label, Version
from zhike.people.permissions import policy

router = Router()

Reading = Literal["waiting", "read", "none", "failed"]


class DocumentLabelOut(Out):
    """What documents are filed under. ``wanted``: keys of the kinds that a customer's file of this business is to hold."""

    id: IdOut
    sort: Literal["business", "kind"]
    key: str
    name: str
    years: int
    wanted: list[str]
    open: bool


class DocumentVersionOut(Out):
    """``active``: it brings macros or scripts."""

    number: int
    name: str
    format: str
    size: int
    sha256: str
    active: bool
    note: str
    by: Named
    at: datetime


class DocumentOut(Out):
    """``kept_until``: the first day on which it may be deleted; ``held``: nobody may, whatever the day."""

    id: IdOut
    customer: Named | None
    business: Named
    kind: Named
    title: str
    dated: date
    by: Named
    at: datetime
    version: int
    reading: Reading
    trouble: str
    kept_until: date
    held: bool
    deleted_at: datetime | None


class DocumentWholeOut(DocumentOut):
    versions: list[DocumentVersionOut]


class DocumentsOut(Out):
    items: list[DocumentOut]
    next: str | None


class DocumentHitOut(Out):
    """``excerpt``: what stands before the word that was sought, the word, what stands after; of a title alone empty."""

    document: DocumentOut
    excerpt: tuple[str, str, str]


class DocumentHitsOut(Out):
    """``more``: add a word."""

    items: list[DocumentHitOut]
    more: bool


class ChecklistOut(Out):
    """One business of a customer: the kinds that are there and those that are missing."""

    business: Named
    there: list[Named]
    missing: list[Named]


class ChecklistsOut(Out):
    items: list[ChecklistOut]


class DocumentLabelsOut(Out):
    items: list[DocumentLabelOut]


class DocumentIn(In):
    """Sent as a form with ``file``. Without ``customer`` it is filed for one's unit."""

    customer: Id | None = None
    business: Id
    kind: Id
    dated: Day
    title: Line = ""
    note: Text = ""


class DocumentVersionIn(In):
    """Sent as a form with ``file``. ``note``: what is new."""

    note: Text = ""


class DocumentSlipIn(In):
    business: Id
    kind: Id
    dated: Day
    title: Line


class DocumentReasonIn(In):
    why: Text


class DocumentWordsIn(In):
    """In the body: what is sought is private, and addresses lie about."""

    q: Line


class Filters(Page):
    customer: Id | None = None
    business: Id | None = None
    kind: Id | None = None
    state: Literal["standing", "deleted", "held", "over"] = "standing"


def documents(request: Desk) -> Any:
    return Document.objects.visible_to(request.actor).whole().prefetch_related("holds")


def to_change(request: Desk, id: str) -> Document:
    """One that the actor may change, held from others until the transaction ends."""
    locked(Document.objects.changeable_by(request.actor), id)
    return one(Document.objects.changeable_by(request.actor).whole(), id)


def shown(found: Document) -> dict[str, Any]:
    plain = ("title", "dated", "at", "version", "reading", "trouble", "kept_until", "deleted_at")
    return {
        **{name: getattr(found, name) for name in plain},
        "id": found.pk,
        "customer": named(found.customer),
        "business": named(found.business),
        "kind": named(found.kind),
        "by": named(found.by),
        "held": any(hold.lifted_at is None for hold in found.holds.all()),
    }


def whole(request: Desk, id: str | int) -> dict[str, Any]:
    found = one(documents(request), id)
    return {
        **shown(found),
        "versions": [_version(each) for each in found.versions.select_related("by").order_by("number")],
    }


def _version(each: Version) -> dict[str, Any]:
    plain = ("number", "name", "format", "size", "sha256", "active", "note", "at")
    return {**{name: getattr(each, name) for name in plain}, "by": named(each.by)}


def _brought(file: UploadedFile | None) -> Brought:
    if file is None:
        raise Unkept("请附上文件（表单字段 file）。", "Send a file, as the form's field `file`.")
    return Brought(file.file, file.name or "", file.size or 0)  # type: ignore[arg-type]


@router.get("documents", response=DocumentsOut)
@policy("documents.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """What is filed of whom one may see, filed last first."""
    found = documents(request)
    for name in ("customer", "business", "kind"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    match asked.state:
        case "deleted":
            found = found.exclude(deleted_at=None)
        case "held":
            found = found.filter(deleted_at=None, holds__lifted_at=None, holds__isnull=False)
        case "over":
            found = found.filter(deleted_at=None).over(request.now.astimezone(bank_of(request).zone).date())
        case _:
            found = found.filter(deleted_at=None)
    return last_first(found, asked, shown)


@router.post("documents", response={201: DocumentWholeOut})
@policy("documents.change")
def file(request: Desk, body: Form[DocumentIn], file: File[UploadedFile | None] = None) -> Any:
    """Files a document; its type is told by what it holds, whatever it is called."""
    customer = None
    if body.customer:
        customer = Customer.objects.held(int(body.customer), request.actor)
        if customer is None:
            raise Http404
    slip = Slip(int(body.business), int(body.kind), body.dated, body.title)
    found = filing.file(_brought(file), slip, customer=customer, note=body.note, **verb(request))
    return whole(request, found.pk)


@router.get("documents/labels", response=DocumentLabelsOut)
@policy("documents.view")
def labels(request: Desk) -> Any:
    """Businesses and kinds that documents are filed under, and how long."""
    return {"items": list(Label.objects.order_by("sort", "place", "id"))}


@router.post("documents/search", response=DocumentHitsOut)
@policy("documents.view")
def find(request: Desk, body: DocumentWordsIn) -> Any:
    """Documents that hold all of these words, one's own customers' first; two characters or three letters at least."""
    found = search.find(body.q, request.actor)
    return {
        "items": [{"document": shown(hit.document), "excerpt": hit.excerpt} for hit in found.hits],
        "more": found.more,
    }


@router.get("customers/{customer}/checklists", response=ChecklistsOut)
@policy("documents.view")
def checklists(request: Desk, customer: Id) -> Any:
    """What is missing of a customer's files, business by business."""
    found = one(Customer.objects.visible_to(request.actor), customer)
    return {
        "items": [
            {
                "business": named(each.business),
                "there": [named(kind) for kind, count in each.wanted if count],
                "missing": [named(kind) for kind in each.missing],
            }
            for each in missing.checklists(found)
        ]
    }


@router.get("documents/{id}", response=DocumentWholeOut)
@policy("documents.view")
def get(request: Desk, id: Id) -> Any:
    """One document with all its versions."""
    return whole(request, id)


@router.post("documents/{id}/versions", response={201: DocumentWholeOut})
@policy("documents.change")
def add_version(request: Desk, id: Id, body: Form[DocumentVersionIn], file: File[UploadedFile | None] = None) -> Any:
    """Files the next version; those before stay."""
    found = to_change(request, id)
    filing.file_again(found, _brought(file), note=body.note, **verb(request))
    return whole(request, id)


@router.get("documents/{id}/versions/{number}/file", response={200: None})
@policy("documents.view")
def download(request: Desk, id: Id, number: int) -> Any:
    """The bytes of a version, compared with its hash; the trail keeps who was given them."""
    document = one(documents(request).filter(deleted_at=None), id)
    version = document.versions.filter(number=number if 0 < number < 1 << 31 else 0).first()
    if version is None:
        raise Http404
    return handed_out(request, version)


def handed_out(request: Desk, version: Version) -> StreamingHttpResponse:
    """The bytes of a version that the reader may see; the trail keeps who was given it."""
    try:
        pieces = store.opened(Blob.objects.get(sha256=version.sha256))
    except store.Damaged as error:
        raise Problem(409, "damaged", "The file is damaged or gone from its place; none of it is given out.") from error
    filing.given_out(version, now=request.now)
    answer = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    answer["Content-Length"] = str(version.size)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(version.name)}"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@router.put("documents/{id}/slip", response=DocumentWholeOut)
@policy("documents.change")
def put_right(request: Desk, id: Id, body: DocumentSlipIn) -> Any:
    """Corrects under what it is filed; how long it is kept never becomes shorter by that."""
    found = to_change(request, id)
    slip = Slip(int(body.business), int(body.kind), body.dated, body.title)
    filing.put_right(found, slip, **verb(request))
    return whole(request, id)


@router.post("documents/{id}/hold", response=DocumentWholeOut)
@policy("documents.hold")
def hold(request: Desk, id: Id, body: DocumentReasonIn) -> Any:
    """Nobody deletes it from now on, whatever its date."""
    filing.hold(one(documents(request), id), body.why, actor=request.actor, now=request.now)
    return whole(request, id)


@router.post("documents/{id}/release", response=DocumentWholeOut)
@policy("documents.lift")
def lift(request: Desk, id: Id, body: DocumentReasonIn) -> Any:
    """The hold ends; compliance alone."""
    filing.lift(one(documents(request), id), body.why, actor=request.actor, now=request.now)
    return whole(request, id)


@router.post("documents/{id}/deletion", response=DocumentWholeOut)
@policy("documents.delete")
def delete(request: Desk, id: Id, body: DocumentReasonIn) -> Any:
    """Once its time is over and nothing holds it: file and words go, hash and who deleted it stay."""
    filing.delete(to_change(request, id), body.why, **verb(request))
    return whole(request, id)
