"""What is done with records (W10): filed, filed anew as another version, put right, held, deleted once their time is over.

A version never replaces the one before. What is filed is kept at least as long as was promised on that day, and longer where kind or
business ask more since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from procrastinate.contrib.django import app

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.customers.checks import clean
from zhike.customers.models import Customer
from zhike.documents import store
from zhike.documents.formats import Unkept, recognise
from zhike.documents.models import Document, Hold, Label, Text, Version
from zhike.documents.naming import sanitised
from zhike.people.actor import Actor
from zhike.people.models import Post
from zhike.people.permissions import check
from zhike.people.turn import MOMENT, take_turn
from zhike.trail.models import note

READ, FORGET = "read_document", "forget_file"  # tasks of the worker
TITLE, WORDS = 200, 1000  # characters


class NotNow(Refused):
    """It cannot be done with this document as it stands: held, kept longer, deleted already."""


@dataclass(frozen=True)
class Brought:
    """A file as it comes: its bytes and what it is called."""

    file: BinaryIO
    name: str
    size: int


@dataclass(frozen=True)
class Slip:
    """Under what a document is filed: ids of business and kind, its day, its title; the file's name where none is given."""

    business: int
    kind: int
    dated: date
    title: str = ""


def file(
    brought: Brought, slip: Slip, *, customer: Customer | None, actor: Actor, now: datetime, bank: Bank, note: str = ""
) -> Document:
    """Files a new document of ``customer``, or of the actor's unit where there is none; pressed twice it is one. Raises Unkept, naming
    the field.
    """
    check(actor, "documents.change")
    name = sanitised(brought.name)
    document = Document(customer=customer, by_id=actor.id, at=now)
    document.unit_id = customer.unit_id if customer else _unit_of(actor, now, bank)
    document.keeper = (customer.rm_id or -customer.unit_id) if customer else -document.unit_id
    today = now.astimezone(bank.zone).date()
    _label(document, slip, today, name)
    document.counts_from, document.years = today, max(document.kind.years, document.business.years)
    known = _known(brought, name, bank)
    take_turn("documents", actor.id)
    if made := _just_made(document, brought, now):
        return made
    document.save()
    text = Text(document=document, keeper=document.keeper)
    text.say(document.title, name, "")
    text.save()
    _append(document, brought, known, name, note, actor, now)
    return document


def _just_made(document: Document, brought: Brought, now: datetime) -> Document | None:
    """The same file under the same, by the same person, a moment ago."""
    said = {name: getattr(document, name) for name in ("customer", "business", "kind", "title", "dated", "by_id")}
    same = Document.objects.filter(**said, at__gt=now - MOMENT, version=1, deleted_at=None)
    if not same.exists():
        return None
    digest, _size = store.measured(brought.file)
    return same.filter(versions__sha256=digest).first()


def look_at(some: Sequence[Brought], bank: Bank) -> None:
    """Raises Unkept where one of these files would not be taken, before any of them is."""
    for brought in some:
        _known(brought, sanitised(brought.name), bank)


PAPERS = 10  # that go with one thing


def file_beside(about: str, some: Sequence[Brought], *, actor: Actor, now: datetime, bank: Bank) -> list[int]:
    """Files what goes with something else, called ``about``, with the papers of the actor's unit; all of them, or none. Their ids."""
    if not some:
        return []
    if len(some) > PAPERS:
        raise Unkept(f"一次最多 {PAPERS} 个文件。", f"At most {PAPERS} files at a time.", "file")
    look_at(some, bank)
    labels = {label.sort: label.pk for label in Label.objects.filter(key__in=["office", "other"])}
    today = now.astimezone(bank.zone).date()
    with transaction.atomic():
        filed = [
            file(
                brought,
                Slip(labels[Label.Sort.BUSINESS], labels[Label.Sort.KIND], today, f"{about} · {brought.name}"[:TITLE]),
                customer=None,
                actor=actor,
                now=now,
                bank=bank,
            ).pk
            for brought in some
        ]
    return list(dict.fromkeys(filed))  # the same file twice is one document


def newest(documents: QuerySet[Document]) -> dict[int, Version]:
    """Of these documents that stand, each in its newest version; one query."""
    found = Version.objects.filter(
        document__in=documents, document__deleted_at=None, number=F("document__version")
    ).select_related("document")
    return {version.document_id: version for version in found}


def file_again(
    document: Document, brought: Brought, *, note: str = "", actor: Actor, now: datetime, bank: Bank
) -> Version:
    """Files the next version; those before stay. It is kept from today on. The document must be held (``select_for_update``)."""
    check(actor, "documents.change")
    _check_stands(document)
    name = sanitised(brought.name)
    known = _known(brought, name, bank)
    newest = document.versions.get(number=document.version)
    document.version += 1
    document.counts_from = max(document.counts_from, now.astimezone(bank.zone).date())
    document.years = max(document.years, document.kind.years, document.business.years)
    document.reading, document.trouble = Document.Reading.WAITING, ""
    document.save(update_fields=["version", "counts_from", "years", "reading", "trouble"])
    version = _append(document, brought, known, name, note, actor, now)
    if version.sha256 == newest.sha256:
        raise Unkept(
            f"与现有第 {newest.number} 版内容完全相同，无需再传。",
            f"It is the same as version {newest.number}, to the last byte: there is nothing to file.",
        )
    return version


def put_right(document: Document, slip: Slip, *, actor: Actor, now: datetime, bank: Bank) -> Document:
    """Corrects under what it is filed. How long it is kept never becomes shorter by that."""
    check(actor, "documents.change")
    _check_stands(document)
    promised = max(document.years, document.kind.years, document.business.years)
    _label(document, slip, now.astimezone(bank.zone).date(), document.title)
    document.years = max(promised, document.kind.years, document.business.years)
    document.save(update_fields=["business", "kind", "dated", "title", "years"])
    text = Text.objects.select_for_update().get(document=document)
    _title, names, body = text.parts
    text.say(document.title, names, body)
    text.save(update_fields=["sealed", "grams"])
    return document


def hold(document: Document, why: str, *, actor: Actor, now: datetime) -> Hold:
    """Nobody deletes it from now on, whatever its date."""
    check(actor, "documents.hold")
    _check_stands(document)
    why = _said(
        why, "请写明保全的原因，如“客户投诉 2026-03”。", "Say why it is held, such as “complaint of March 2026”."
    )
    try:
        with transaction.atomic():
            return Hold.objects.create(document=document, why=why, by_id=actor.id, at=now)
    except IntegrityError:
        _check_stands(Document.objects.get(pk=document.pk))  # deleted at the same moment
        raise NotNow("该档案已在保全中。", "The document is held already.") from None


def lift(document: Document, why: str, *, actor: Actor, now: datetime) -> None:
    """The hold ends; its date counts again."""
    check(actor, "documents.lift")
    why = _said(why, "请写明解除保全的原因。", "Say why the hold is lifted.")
    lifted = document.holds.filter(lifted_at=None).update(lifted_by_id=actor.id, lifted_at=now, lifted_why=why)
    if not lifted:
        raise NotNow("该档案没有保全。", "The document is not held.")


def delete(document: Document, why: str, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """What it said is gone, with its files where no other document has the same; its row stays, with hashes and who deleted it."""
    check(actor, "documents.delete")
    _check_stands(document)
    if document.holds.filter(lifted_at=None).exists():
        raise NotNow(
            "该档案在保全中，任何人不得删除；须先由合规解除保全。",
            "The document is held: nobody deletes it before compliance lifts the hold.",
        )
    until = document.kept_until
    if now.astimezone(bank.zone).date() < until:
        raise NotNow(
            f"须保存至 {until}，在此之前任何人不得删除。", f"It must be kept until {until}; nobody deletes it before."
        )
    why = _said(why, "请写明删除的原因，如“保存期满”。", "Say why it is deleted, such as “its time is over”.")
    document.deleted_at, document.deleted_by_id, document.deleted_why = now, actor.id, why
    document.save(update_fields=["deleted_at", "deleted_by", "deleted_why"])
    Text.objects.filter(document=document).delete()
    for digest in sorted(set(document.versions.values_list("sha256", flat=True))):
        app.configure_task(FORGET).defer(digest=digest)


def given_out(version: Version, *, now: datetime) -> None:
    """Keeps that the actor of this transaction was given the file."""
    document = version.document
    note(
        action="download", object="documents_document", now=now, row_id=document.pk, customer_id=document.customer_id,
        number=version.number, sha256=version.sha256,
    )  # fmt: skip


def _check_stands(document: Document) -> None:
    if document.deleted_at is not None:
        raise NotNow("该档案已删除。", "The document has been deleted.")


def _said(why: str, zh: str, en: str) -> str:
    if not (why := clean(why)[:WORDS]):
        raise Unkept(zh, en, "why")
    return why


def _label(document: Document, slip: Slip, today: date, otherwise: str) -> None:
    for name, sort in (("business", Label.Sort.BUSINESS), ("kind", Label.Sort.KIND)):
        id = getattr(slip, name)
        label = Label.objects.filter(pk=id, sort=sort).first()
        if label is None or not (label.open or getattr(document, f"{name}_id") == id):
            raise (
                Unkept("请选择业务。", "Choose the business.", "business")
                if name == "business"
                else Unkept("请选择资料种类。", "Choose the kind of document.", "kind")
            )
        setattr(document, name, label)
    if not date(1900, 1, 1) <= slip.dated <= today:
        raise Unkept("资料日期不能晚于今天。", "The day of the document cannot come after today.", "dated")
    document.dated = slip.dated
    document.title = (clean(slip.title) or otherwise)[:TITLE]


def _known(brought: Brought, name: str, bank: Bank) -> tuple[str, bool]:
    """Its format and whether it brings what could be run. Raises Unkept."""
    if brought.size > bank.document_mb << 20:
        raise too_large(bank)
    found = recognise(brought.file, name, archives=bank.document_archives)
    return found.format.key, found.active


def too_large(bank: Bank) -> Unkept:
    """What is said of a file beyond the bank's limit."""
    return Unkept(
        f"文件超过 {bank.document_mb} MB，不予接收。请压缩图片、降低扫描分辨率或分成几个文件后再上传。",
        f"The file is larger than {bank.document_mb} MB and was not taken. Scan it with fewer dots per inch, or upload it in parts.",
    )


def _append(
    document: Document, brought: Brought, known: tuple[str, bool], name: str, note: str, actor: Actor, now: datetime
) -> Version:
    blob = store.keep(brought.file, now)
    version = Version.objects.create(
        document=document, number=document.version, name=name, format=known[0], active=known[1], size=blob.size, sha256=blob.sha256,
        note=clean(note)[:WORDS], by_id=actor.id, at=now,
    )  # fmt: skip
    app.configure_task(READ).defer(document=document.pk, number=version.number)
    return version


def _unit_of(actor: Actor, now: datetime, bank: Bank) -> int:
    """Where somebody serves today."""
    day = now.astimezone(bank.zone).date()
    posts = Post.objects.filter(
        Q(to_day=None) | Q(to_day__gt=day), staff=actor.id, from_day__lte=day, role__in=["rm", "leader"]
    )
    return int(posts.order_by("id").values_list("unit_id", flat=True)[0])
