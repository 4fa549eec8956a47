"""接待、拜访、电话 · The three kinds of contact as every page shows them: noun, icon, and what one is for."""

from __future__ import annotations

from django.utils.translation import pgettext

from zhike.conduct import guard
from zhike.pages import owed

ICONS = {"reception": "door", "visit": "pin", "call": "phone"}


def noun(kind: str) -> str:
    """What a contact of this kind is called."""
    return {
        "reception": pgettext("noun", "Reception"),
        "visit": pgettext("noun", "Visit"),
        "call": pgettext("noun", "Phone call"),
    }[kind]


def purpose(name: str, words: str) -> str:
    """What a contact is for: the RM's own words, else the purpose chosen; empty where nobody said."""
    return words or (guard.PURPOSES[name].say(owed.speaks()) if name in guard.PURPOSES else "")
