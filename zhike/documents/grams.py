"""Full text that reads Chinese: each two neighbouring characters of a text, and each three of a Latin one, as keyed hashes.

The words of a document are as private as its file. So what the index holds is no text, but 8 bytes for each pair of characters under a
key of the bank's (``customers.vault``), and the text itself lies sealed; whoever has the database alone reads neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from zhike.conduct.characters import simplified
from zhike.customers.vault import Vault, vault

RUN = re.compile(r"[^\W_]+")
PURPOSE = "document"
MOST = 24  # pairs of what is sought; more find nothing else
LONGEST = 400_000  # characters of a text that are indexed and kept for excerpts


def normal(text: str) -> str:
    """As texts are compared: one width, one case, simplified characters."""
    return unicodedata.normalize("NFKC", text).lower().translate(simplified())


def words(text: str) -> list[str]:
    """The runs of letters, digits and characters in a text, as they are compared."""
    return RUN.findall(normal(text))


def of_text(text: str) -> set[str]:
    """What a text is found by."""
    return {gram for run in words(text[:LONGEST]) for gram in _grams(run, every=True)}


def of_query(text: str) -> list[str]:
    """What must stand in a text that holds these words; empty where each is a single character."""
    return list(dict.fromkeys(gram for run in words(text) for gram in _grams(run, every=False)))[:MOST]


def _grams(run: str, *, every: bool) -> Iterator[str]:
    """Pairs; of three Latin letters or digits in a row the three, which say more. ``every``: both, as a text is indexed."""
    for at in range(len(run) - 1):
        three = run[at : at + 3]
        latin = len(three) == 3 and three.isascii()
        if latin:
            yield three
        if every or not (latin or (at and run[at - 1 : at + 2].isascii())):
            yield run[at : at + 2]


def hashed(grams: Iterator[str] | set[str] | list[str], keys: Vault | None = None) -> list[int]:
    """As the index holds them, under the first key."""
    keys = keys or vault()
    return [_hash(keys, gram)[0] for gram in grams]


def sought(grams: list[str], keys: Vault | None = None) -> list[list[int]]:
    """As the index may hold them: one list for each key that is known."""
    keys = keys or vault()
    return [list(row) for row in zip(*(_hash(keys, gram) for gram in grams), strict=True)]


@lru_cache(maxsize=200_000)
def _hash(keys: Vault, gram: str) -> tuple[int, ...]:
    return tuple(int.from_bytes(found[:8], "big", signed=True) for found in keys.indexes(PURPOSE, gram))
