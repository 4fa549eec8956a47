"""Opting out: whether a customer's reply asks not to be sent marketing any more."""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from zhike.conduct.bank import Bank
from zhike.conduct.characters import simplified

_JOINS = "-'’&_./@+"


def opt_out(text: str, bank: Bank) -> Literal["yes", "ask", "no"]:
    """What a customer's reply says: the whole of it is an opt-out word (yes), one stands in it (the RM is asked), or neither."""
    said, words = _simple(text), tuple(word for each in bank.optout_words if (word := _bare(_simple(each))))
    if _bare(said) in words:
        return "yes"
    return "ask" if _standing(words).search(said) else "no"


def _simple(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(simplified())


def _bare(text: str) -> str:
    """Without blanks, and without what is no word at either end."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", "".join(text.split()))


@lru_cache(maxsize=16)
def _standing(words: tuple[str, ...]) -> re.Pattern[str]:
    """Each as a word of its own: T in "不用发了。T", not in "TD-LTE", "T恤", "don't"; Chinese ones anywhere."""
    before = rf"(?<![a-z0-9])(?<![a-z0-9][{_JOINS}])"
    after = rf"(?![a-z0-9\u3400-\u9fff])(?![{_JOINS}][a-z0-9])"
    each = [f"{before}{re.escape(word)}{after}" if word.isascii() else re.escape(word) for word in words]
    return re.compile("|".join(each) or r"(?!)")
