"""Finding documents by what they say: own first, then the newest; with the place where the words stand.

The index tells which documents hold the pairs of characters that were sought; only those are opened and looked through for the words
themselves. One statement, then as many texts as are shown.

Digits beyond a phone's tail, in one piece or in several, are looked for in the long numbers of one's own customers' papers alone: they
would tell whose a number is, uncounted (``customers.search``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import connection

from zhike.customers.vault import TAIL, Unopened
from zhike.documents import grams
from zhike.documents.models import Document, Text
from zhike.people.actor import Actor

ROWS = 20
MOST = 60  # candidates a key: what shares the pairs but not the words falls out of them
BEFORE, AFTER = 12, 42  # characters of an excerpt around the first word
NEAR = 40  # further ones in which a number that reaches into it begins or ends

# A number as it is written, with spaces or hyphens between its parts; a day is none.
NUMBER = re.compile(r"\d+(?:[ -]\d+)*")
DAY = re.compile(r"(?:19|20)[0-9]{2}-[01]?[0-9](?:-[0-3]?[0-9])?")
FIND = "SELECT documents_find(%s::bigint[], %s)"


@dataclass(frozen=True)
class Hit:
    """A document found. ``excerpt``: before, the word, after; empty where the title or the name alone holds it."""

    document: Document
    mine: bool
    excerpt: tuple[str, str, str]


@dataclass(frozen=True)
class Found:
    hits: list[Hit]
    more: bool


def find(text: str, actor: Actor, rows: int = ROWS) -> Found:
    """Documents that ``actor`` may see and that hold all words of ``text``; of one character alone none."""
    wanted, words = grams.of_query(text), grams.words(text)
    if not wanted:
        return Found([], more=False)
    ids: set[int] = set()
    with connection.cursor() as cursor:
        for hashes in grams.sought(wanted):
            cursor.execute(FIND, [hashes, MOST])
            ids.update(row[0] for row in cursor.fetchall())
    if not ids:
        return Found([], more=False)
    found = Document.objects.visible_to(actor).whole().filter(pk__in=ids, deleted_at=None)
    own = (actor.id, *actor.covers)
    texts = {text.document_id: text for text in Text.objects.filter(document__in=ids).only("document_id", "sealed")}
    hits: list[Hit] = []
    for document in sorted(found, key=lambda each: (each.keeper != actor.id, -each.pk)):
        if len(hits) > rows:
            break
        mine = document.keeper in own or document.by_id == actor.id
        excerpt = _holds(texts.get(document.pk), words, own=mine)
        if excerpt is not None:
            hits.append(Hit(document, document.keeper == actor.id, excerpt))
    return Found(hits[:rows], more=len(hits) > rows)


def _holds(text: Text | None, words: list[str], *, own: bool) -> tuple[str, str, str] | None:
    """Where the words stand; None where they do not, or the text does not open. Of papers that are not ``own`` no long number is shown,
    nor found by more of it than a tail.
    """
    try:
        title, names, body = text.parts if text else ("", "", "")
    except Unopened:
        return None
    plain, front = grams.normal(body), grams.normal(f"{title} {names}")
    shown = body if len(body) == len(plain) else plain
    if not own and sum(letter.isdigit() for word in words for letter in word) > TAIL:
        plain, front = NUMBER.sub(_hidden, plain), NUMBER.sub(_hidden, front)
    if not all(word in plain or word in front for word in words):
        return None
    word = next((word for word in words if word in plain), None)
    if word is None:
        return "", "", ""
    at = plain.index(word)
    start, end = max(0, at - BEFORE), at + len(word)
    if not own:
        first = max(0, start - NEAR)
        shown = " " * first + NUMBER.sub(_hidden, shown[first : end + AFTER + NEAR])
    return _line(shown[start:at]), _line(shown[at:end]), _line(shown[end : end + AFTER])


def _hidden(number: re.Match[str]) -> str:
    """As long, so that what stands after it keeps its place."""
    said = number[0]
    long = sum(letter.isdigit() for letter in said) > TAIL and not DAY.fullmatch(said)
    return "*" * len(said) if long else said


def _line(text: str) -> str:
    return "".join(" " if letter.isspace() else letter for letter in text)
