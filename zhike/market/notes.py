"""Market notes (市场信息, W3, W12): written in a line, found again, worked up into briefs, passed to leaders and departments, answered.

Whoever receives one owes an answer (the bank's rule); the answer is shown to the sender on Today.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from zhike.conduct import windows
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.customers import checks, names
from zhike.customers.models import Customer
from zhike.documents import filing
from zhike.documents.filing import Brought
from zhike.documents.models import Document, Version
from zhike.obligations import ledger
from zhike.people.actor import Actor
from zhike.people.models import Post, Unit
from zhike.people.permissions import check
from zhike.people.turn import MOMENT, take_turn
from zhike.people.workdays import workdays

from .models import Brief, Note, Routing, Worked
from .refusals import NotNow, Unfit

LONGEST, TAGS = 2000, 8
DESK = ("leader", "marketing")  # who answers for a department


@dataclass(frozen=True)
class Seen:
    """What was seen. ``customer``: of one's own book, where the note is of a need."""

    kind: str
    text: str
    source: str = "eyes"
    source_words: str = ""
    place: str = ""
    seen_on: date | None = None
    tags: str = ""
    customer: int | None = None


def write(
    seen: Seen, *, files: Sequence[Brought] = (), documents: Sequence[int] = (), actor: Actor, now: datetime, bank: Bank
) -> Note:
    """A new note, with its papers; pressed twice it is one. ``files`` are filed with those of the unit, ``documents`` are ids of one's
    own of the unit. Raises Unfit, naming the field, and Unkept for a file that is not taken.
    """
    check(actor, "notes.change")
    note = Note(by_id=actor.id, unit_id=_unit(actor, now, bank), at=now)
    _put(note, seen, actor, now, bank)
    take_turn("notes", actor.id)
    said = {
        name: getattr(note, name)
        for name in ("kind", "text", "source", "source_words", "place", "seen_on", "tags", "customer_id")
    }
    if made := Note.objects.filter(by=actor.id, at__gt=now - MOMENT, **said).first():
        return made
    _attach(note, files, documents, actor, now, bank)
    note.save()
    return note


def correct(
    note: Note, seen: Seen, *, files: Sequence[Brought] = (), documents: Sequence[int] = (), actor: Actor, now: datetime, bank: Bank
) -> Note:  # fmt: skip
    """The writer puts it right; papers are added, and those that went with it stay."""
    check(actor, "notes.change")
    if note.by_id != actor.id:
        raise NotNow("只有作者可以更正。", "Only whoever wrote it corrects it.")
    _put(note, seen, actor, now, bank)
    _attach(note, files, documents, actor, now, bank)
    note.save()
    return note


def _attach(
    note: Note, files: Sequence[Brought], documents: Sequence[int], actor: Actor, now: datetime, bank: Bank
) -> None:
    """A customer's paper never goes with a note, and nobody else's: more people read notes than files."""
    own = Document.objects.filter(pk__in=documents, customer=None, by=actor.id, deleted_at=None)
    if set(own.values_list("pk", flat=True)) != set(documents):
        raise Unfit(
            "documents",
            "只能随附自己归入本机构的资料；客户的资料不能随附。",
            "Only papers of the unit that you filed yourself go with a note, and never a customer's.",
        )
    filed = filing.file_beside(note.text[:40], files, actor=actor, now=now, bank=bank)
    note.documents = list(dict.fromkeys([*note.documents, *documents, *filed]))
    if len(note.documents) > filing.PAPERS:
        raise Unfit("file", f"一条最多 {filing.PAPERS} 份资料。", f"At most {filing.PAPERS} papers go with one note.")


def papers(note: Note) -> dict[int, Version]:
    """What goes with a note that the reader may see, each in its newest version; one query."""
    return filing.newest(Document.objects.filter(pk__in=note.documents)) if note.documents else {}


def _put(note: Note, seen: Seen, actor: Actor, now: datetime, bank: Bank) -> None:
    today = now.astimezone(bank.zone).date()
    text, tags = checks.clean(seen.text), _tags(seen.tags)
    if not text:
        raise Unfit("text", "请用一句话写下看到、听到的。", "Say in a sentence what was seen or heard.")
    if len(text) > LONGEST:
        raise Unfit(
            "text", f"最多 {LONGEST} 字，现有 {len(text)} 字。", f"At most {LONGEST} characters; these are {len(text)}."
        )
    if seen.kind not in Note.Kind.values:
        raise Unfit("kind", "请选择种类。", "Choose the kind.")
    if seen.source not in Note.Source.values:
        raise Unfit("source", "请选择来源。", "Choose the source.")
    if (seen.seen_on or today) > today:
        raise Unfit("seen_on", "日期在将来。", "That day lies ahead.")
    if seen.customer is not None:
        if seen.kind != Note.Kind.NEED:
            raise Unfit("customer", "只有“客户需求”可以关联客户。", "Only a note of a need names a customer.")
        if not Customer.objects.filter(pk=seen.customer, rm=actor.id).exists():
            raise Unfit("customer", "只能关联本人名下的客户。", "Only a customer of your own book can be named.")
    note.kind, note.text, note.source, note.tags = seen.kind, text, seen.source, tags
    note.source_words, note.place = checks.clean(seen.source_words), checks.clean(seen.place)
    note.seen_on, note.customer_id = seen.seen_on or today, seen.customer
    note.grams = names.grams(" ".join([text, note.source_words, note.place, *tags]))


def _tags(text: str) -> list[str]:
    """Words apart by commas, spaces or #; each once."""
    words = [
        checks.clean(word)
        for word in text.replace("，", " ").replace(",", " ").replace("、", " ").replace("#", " ").split()
    ]
    return list(dict.fromkeys(word[:20] for word in words if word))[:TAGS]


def _unit(actor: Actor, now: datetime, bank: Bank) -> int:
    day = now.astimezone(bank.zone).date()
    posts = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), staff=actor.id, from_day__lte=day)
    return posts.order_by("-from_day", "pk").values_list("unit", flat=True)[0]


def found(rows: QuerySet[Note], words: str) -> QuerySet[Note]:
    """Those that hold all of the words; Chinese is read by its characters."""
    for word in words.split():
        plain = names.normal(word)
        if plain:
            grams = [plain] if len(plain) == 1 else [plain[at : at + 2] for at in range(len(plain) - 1)]
            rows = rows.filter(grams__contains=grams)
    return rows


def work_up(
    title: str,
    text: str,
    for_customers: str,
    for_bank: str,
    notes: Sequence[int],
    *,
    actor: Actor,
    now: datetime,
    bank: Bank,
) -> Brief:
    """Notes into a brief; pressed twice it is one. Raises Unfit, naming the field."""
    check(actor, "notes.change")
    if not title.strip():
        raise Unfit("title", "请写标题。", "Give it a title.")
    if not text.strip():
        raise Unfit("text", "请写明归纳出什么。", "Say what it comes to.")
    if not for_customers.strip() and not for_bank.strip():
        raise Unfit("for_bank", "请写明对客户或对本行意味着什么。", "Say what it means for customers or for the bank.")
    rows = list(Note.objects.visible_to(actor).filter(pk__in=list(notes)))
    if not rows:
        raise Unfit("notes", "请勾选用到的市场信息。", "Tick the notes that went into it.")
    said = {
        "title": title.strip(),
        "text": text.strip(),
        "for_customers": for_customers.strip(),
        "for_bank": for_bank.strip(),
    }
    take_turn("notes", actor.id)
    if made := Brief.objects.filter(by=actor.id, at__gt=now - MOMENT, **said).first():
        return made
    brief = Brief.objects.create(**said, by_id=actor.id, unit_id=_unit(actor, now, bank), at=now)
    for note in rows:  # a bulk insert would ask for what RLS lets the writer see of it at once
        Worked.objects.create(brief=brief, note=note)
    return brief


# ── passed on and answered ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Desk:
    """A leader or a department's desk that a note may be passed to."""

    post: int
    staff: int
    name: str
    unit: int
    unit_name: str
    role: str


def desks(actor: Actor, now: datetime, bank: Bank) -> list[Desk]:
    """Leaders and marketing of the actor's units and of those above, the nearest first."""
    day = now.astimezone(bank.zone).date()
    serving = Q(to_day=None) | Q(to_day__gt=day)
    paths = Unit.objects.filter(pk__in=Post.objects.filter(serving, staff=actor.id, from_day__lte=day).values("unit"))
    above = {int(unit) for path in paths.values_list("path", flat=True) for unit in path.strip("/").split("/")}
    posts = Post.objects.filter(serving, unit__in=above, role__in=DESK, from_day__lte=day, staff__is_active=True)
    rows = posts.exclude(staff=actor.id).select_related("staff", "unit").order_by("-unit__path", "role", "pk")
    return [Desk(each.pk, each.staff_id, each.staff.name, each.unit_id, each.unit.name, each.role) for each in rows]


def route(what: Note | Brief, post: int, words: str = "", *, actor: Actor, now: datetime, bank: Bank) -> Routing:
    """Passes a note or a brief to a desk, which owes an answer. Raises Unfit; sent to the same desk twice it is refused."""
    check(actor, "notes.change")
    desk = next((each for each in desks(actor, now, bank) if each.post == post), None)
    if desk is None:
        raise Unfit("to", "请选择报送的领导或部门。", "Choose the leader or department.")
    about: dict[str, Any] = {"note": what} if isinstance(what, Note) else {"brief": what}
    take_turn("notes", actor.id)
    if Routing.objects.filter(**about, to=desk.staff, by=actor.id).exists():
        raise Unfit("to", f"已报送 {desk.name}。", f"{desk.name} has it already.")
    due = windows.note_answer(now, bank, workdays()).due if bank.note_answers else None
    row = Routing.objects.create(
        due=due, **about, to_id=desk.staff, unit_id=desk.unit, words=words.strip(), by_id=actor.id, at=now
    )
    data = {"words": row.title, "who": actor.name}
    _tell(Fact("note_routed", now, now, desk.staff, None, row.subject, data), actor, now, bank)
    return row


def answer(row: Routing, answer: str, words: str, *, actor: Actor, now: datetime, bank: Bank) -> Routing:
    """Read, used, or why not; whoever sent it is told. Raises Unfit, naming the field, NotNow where it is not the actor's."""
    check(actor, "notes.answer")
    if not may_answer(row, actor):
        raise NotNow(
            f"须由 {row.to.name} 或其代班人答复。", f"{row.to.name} answers it, or whoever stands in for them."
        )
    if row.answer:
        raise NotNow("已经答复过，请刷新查看。", "This was answered already. Reload to see how.")
    if answer not in Routing.Answer.values:
        raise Unfit("answer", "请选择已阅、采用或未采用。", "Choose read, used or not used.")
    if answer == Routing.Answer.NOT_USED and not words.strip():
        raise Unfit("answer_words", "请写明为何未采用。", "Say why it is not used.")
    row.answer, row.answer_words, row.answered_by_id, row.answered_at = answer, words.strip(), actor.id, now
    row.save(update_fields=["answer", "answer_words", "answered_by", "answered_at"])
    data = {"words": words.strip() or row.get_answer_display(), "how": answer}
    ledger.tell([Fact("note_answered", now, now, row.to_id, None, row.subject, data)], actor=actor, now=now, bank=bank)
    back = {"words": row.title, "who": actor.name, "how": answer}
    _tell(Fact("note_answer_came", now, now, row.by_id, None, f"{row.subject}/back", back), actor, now, bank)
    return row


def may_answer(row: Routing, actor: Actor) -> bool:
    """To whom it was passed, who leads them, who stands in for them."""
    return row.to_id == actor.id or row.to_id in actor.writes


def seen_answer(row: Routing, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """The sender has read the answer."""
    if row.by_id != actor.id:
        raise NotNow("只有报送人可以确认。", "Only whoever sent it confirms.")
    fact = Fact("note_answer_seen", now, now, actor.id, None, f"{row.subject}/back")
    ledger.tell([fact], actor=actor, now=now, bank=bank)


def _tell(fact: Fact, actor: Actor, now: datetime, bank: Bank) -> None:
    """What another becomes to owe because of this: through a door of the database that lets nothing else through (migration 0004)."""
    entries = ledger.ask([fact], Case(None), actor=actor, now=now, bank=bank)
    with connection.cursor() as cursor:
        cursor.execute("SELECT market_tell(%s::jsonb)", [json.dumps(entries.document())])
