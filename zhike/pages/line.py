"""A line of Today: an obligation, written once and not each time that somebody looks.

A day's lines change little between two looks: with the minutes where they count down, with the day, with what was done. So
what was written is kept for as long as it would read the same, for everybody to whom it reads the same; whoever gets to
it has read the obligation itself just now.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django.template import loader
from django.utils.translation import gettext, pgettext
from markupsafe import Markup

from zhike.conduct.bank import Bank
from zhike.pages import owed
from zhike.pages.jinja import address, clock, language, left_text, local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of

KEPT = 8192  # lines of about two kilobytes, in each process
# Stands for the form's token, which is another one on each page. Nobody's text reads like this: texts are escaped.
TOKEN = Markup("<token>")


def writer(request: ActingRequest) -> Callable[..., Markup]:
    """What writes an obligation (as ``owed.read`` gives it) with its look, for this reader at this moment; with the contact
    that is ``running`` for it, as the row one is in.
    """
    bank, now, tongue = bank_of(request), request.now, language()
    reader = (tongue, request.begun and request.begun.settings, local(now).date())

    def write(o: dict[str, Any], look: str, running: dict[str, Any] | None = None) -> Markup:
        if running:
            return written(_running(_row(o, look, now, bank), o, running))
        # The minute is near: its words are of this minute alone.
        return _write(o, look, now, bank) if look == "now" else _kept(Line(o, look, now, bank, reader))

    return write


class Line:
    """An obligation at a moment. Two are equal where they read the same."""

    __slots__ = ("bank", "look", "now", "o", "reads")

    def __init__(self, o: dict[str, Any], look: str, now: datetime, bank: Bank, reader: tuple[Any, ...]) -> None:
        self.o, self.look, self.now, self.bank = o, look, now, bank
        c, tongue, counts = o["customer"], reader[0], _counts_down(o, now)
        self.reads = (
            reader, look, o["id"], o["kind"], o["clause"], o["what"][tongue], o["why"][tongue], o["subject"],
            tuple(o["channels"]), o["opens"], o["due"], o["target"], o["still"] and tuple(o["still"].values()),
            c and (c["id"], c["name"], c["honorific"], c["tier"]), owed.behalf(o), o.get("message"),
            counts, _left(_due(o), now) if counts or look in {"late", "soon"} else None,
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash(self.reads)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self.reads == other.reads


def _left(due: datetime, now: datetime) -> int:
    """Minutes past it, as far as they are said: from three hours on, hours alone."""
    minutes = int(-(due - now).total_seconds() // 60)
    return minutes if abs(minutes) < 180 else int(minutes / 60) * 60


@lru_cache(maxsize=KEPT)
def _kept(line: Line) -> Markup:
    return _write(line.o, line.look, line.now, line.bank)


def _write(o: dict[str, Any], look: str, now: datetime, bank: Bank) -> Markup:
    return written(_row(o, look, now, bank))


def written(row: dict[str, Any]) -> Markup:
    """A row, as the part ``row`` describes it."""
    html: Markup = _parts(language()).row(row)
    return html


@cache
def _parts(_language: str) -> Any:
    template: Any = loader.get_template("_parts.html")
    return template.template.make_module({"csrf_input": TOKEN})


def _row(o: dict[str, Any], look: str, now: datetime, bank: Bank) -> dict[str, Any]:
    due, do, sent = _due(o), owed.does(o, look, now), o.get("message")
    if sent and do:
        do = {**do, "text": pgettext("button", "See"), "href": address("thread", int(o["customer"]["id"]))}
    return {
        "id": f"o{o['id']}",
        "look": look,
        "icon": owed.ICONS[o["kind"]],
        "when": _now_when(due, now) if look == "now" else owed.until(o, now),
        "sub": _sub(o, look, due, now),
        "due": due if look in {"late", "now"} or (o["kind"] != "arrival" and _counts_down(o, now)) else None,
        "who": owed.who(o, bank),
        "title": "",
        "title_sub": "",
        "what": owed.words(o["what"]),
        "clause": o["clause"],
        "tip": owed.tip(o["clause"]),
        "because": sent or _because(o, look, now, bank),
        "why_href": address("why", o["id"]),
        "do": do,
        "not_yet": None if do else owed.opens_at(o, now),
        "window": owed.window(o, now) if look == "now" else None,
        "behalf": owed.behalf(o),
    }


def _because(o: dict[str, Any], look: str, now: datetime, bank: Bank) -> str:
    """Because of what; of a visit also when to leave for it (`leave_reminder`), as the bank sets it."""
    said = owed.because(o, now)
    if o["kind"] != "arrival" or look == "late" or not bank.leave_reminder:
        return said
    leave = o["due"] - timedelta(minutes=bank.leave_reminder)
    return f"{said} · {gettext('leave at %(time)s') % {'time': clock(leave)}}"


def _running(row: dict[str, Any], o: dict[str, Any], contact: dict[str, Any]) -> dict[str, Any]:
    """The call for it is being made: the row stays in its place, counts no more and leads back into the call."""
    since = gettext("since %(time)s") % {"time": clock(contact["started_at"])}
    now = row["look"] == "now"
    return {
        **row,
        "when": Markup("<span>{}</span>").format(gettext("under way")) if now else row["when"],
        "sub": since if now else gettext("under way"),
        "due": None,
        "do": {
            "text": pgettext("button", "Go on"),
            "href": f"{address('talk', contact['id'])}?for={o['id']}",
            "method": "get",
            "icon": None,
        },
    }


def _due(o: dict[str, Any]) -> datetime:
    moment: datetime = o["target"] if o["kind"] == "call_back" else o["due"]
    return moment


def _counts_down(o: dict[str, Any], now: datetime) -> bool:
    """A countdown over hours helps; one to the end of the day is noise."""
    return o["due"] - now <= timedelta(hours=4) and local(o["due"]).hour != 0


def _now_when(due: datetime, now: datetime) -> Markup:
    minutes = -int(-(due - now).total_seconds() // 60)
    if minutes == 0:
        return Markup("<b>{}</b>").format(gettext("now"))
    pattern = gettext("in %(n)s min") if minutes > 0 else gettext("%(n)s min ago")
    return Markup(pattern % {"n": f"<b>{abs(minutes)}</b>"})  # noqa: S704 our own words and a number


def _sub(o: dict[str, Any], look: str, due: datetime, now: datetime) -> str | None:
    if look == "now":
        return gettext("%(time)s sharp") % {"time": clock(due)} if o["kind"] == "call_back" else clock(due)
    if look == "late":
        return left_text(due, now)
    if o["kind"] == "arrival":
        return owed.opens_at(o, now)
    return left_text(due, now) if _counts_down(o, now) or look == "soon" else None
