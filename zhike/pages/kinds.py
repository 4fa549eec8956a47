"""接待、拜访、电话 · The three kinds of contact as every page shows them: noun, icon, what one is for, and what is done with it next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import pgettext

from zhike.conduct import guard
from zhike.pages import owed
from zhike.pages.jinja import address, local

ICONS = {"reception": "door", "visit": "pin", "call": "phone"}


def noun(kind: str) -> str:
    """What a contact of this kind is called."""
    match kind:
        case "reception":
            return pgettext("noun", "Reception")
        case "visit":
            return pgettext("noun", "Visit")
        case "call":
            return pgettext("noun", "Phone call")
    raise KeyError(kind)


def purpose(name: str, words: str) -> str:
    """What a contact is for: the RM's own words, else the purpose chosen; empty where nobody said."""
    return words or (guard.PURPOSES[name].say(owed.speaks()) if name in guard.PURPOSES else "")


def does(c: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The one button of a contact (``id kind state planned_for arrived_at``): prepare it; once its time has come, or one is at the
    door, begin it; go on; write it up. What is over is opened.
    """

    def button(words: str, page: str, method: str = "get") -> dict[str, Any]:
        return {"text": words, "href": address(page, c["id"]), "method": method, "icon": None}

    match c["state"], c["kind"]:
        case "under_way", _:
            return button(pgettext("button", "Go on"), "talk")
        case "ended", _:
            return button(pgettext("button", "Write up"), "write_up")
        case (("planned" | "agreed"), "call") if local(c["planned_for"]).date() <= local(now).date():
            return button(pgettext("button", "Call"), "start", "post")
        case "agreed", _ if c["arrived_at"] or c["planned_for"] <= now:
            return button(pgettext("button", "Begin"), "start", "post")
        case (("planned" | "agreed"), _):
            return button(pgettext("button", "Prepare"), "prepare")
    return button(pgettext("button", "Open"), "contact")
