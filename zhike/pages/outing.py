"""An outing in the reader's words: where it stands, stop by stop. Used by its page, the list and the board."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext, pgettext

from zhike.conduct.bank import Bank
from zhike.pages import owed
from zhike.pages.jinja import address, clock, label, left_text, when_text
from zhike.people.actor import Actor
from zhike.work import outings
from zhike.work.models import Help, Outing, Stop
from zhike.work.models.outing import Result, State


def stands(outing: Outing, now: datetime) -> tuple[str, str | None, str]:
    """Where it stands, with look and mark."""
    if outing.is_overdue(now):
        return gettext("not back: %(late)s") % {"late": left_text(outing.returns_at, now)}, "late", "alert"
    match outing.state:
        case State.REPORTED if outing.departs_at <= now:
            return gettext("to have left by now"), "soon", "clock"
        case State.REPORTED:
            return gettext("leaves %(time)s") % {"time": when_text(outing.departs_at, now)}, None, "clock"
        case State.OUT:
            since = outing.left_at or outing.departs_at
            return gettext("out since %(time)s") % {"time": when_text(since, now)}, "on", "pin"
        case State.BACK:
            return gettext("back, to be reported on"), "soon", "pen"
        case State.CLOSED:
            return pgettext("outing", "back"), None, "check"
    return pgettext("outing", "called off"), None, "x"


def stop(each: Stop, bank: Bank, now: datetime) -> dict[str, Any]:
    """A stop: with whom or where, for what, since when one is there, what came of it."""
    c = each.customer
    return {
        "id": each.pk,
        "number": each.number,
        "who": owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind) if c else None,
        "where": each.place if c else each.place or gettext("a customer out of sight"),
        "purpose": each.purpose,
        "planned": when_text(each.planned_for, now) if each.planned_for else "",
        "reached": clock(each.reached_at) if each.reached_at else "",
        "result": label(Result, each.result) if each.result else "",
        "chosen": each.result,
        "words": each.words,
        "visit": int(each.visit.removeprefix("contact:")) if each.visit and each.visit[8:].isdecimal() else None,
    }


def said(each: Stop) -> str:
    """A stop in one word: the customer's name, else the place."""
    return each.customer.name if each.customer else each.place or gettext("a customer out of sight")


def asked(each: Help, actor: Actor, now: datetime) -> dict[str, Any]:
    """A request for help, and what was answered."""
    return {
        "id": each.pk,
        "words": each.words,
        "at": clock(each.asked_at),
        "leader": each.leader.name,
        "by": each.answered_by.name if each.answered_by else "",
        "answer": each.answer,
        "answered": clock(each.answered_at) if each.answered_at else "",
        "due": when_text(each.due, now),
        "late": each.answered_at is None and now > each.due,
        "mine": each.answered_at is None and outings.may_answer_help(each, actor),
    }


def line(outing: Outing, bank: Bank, now: datetime) -> dict[str, Any]:
    """An outing on the board or in the list, read with its stops and requests (:func:`zhike.work.board.whole`)."""
    stops = list(outing.stops.all())
    reached = [each for each in stops if each.reached_at]
    here = max(reached, key=lambda each: (each.reached_at, each.number)) if reached else None
    ahead = next((each for each in stops if not each.reached_at and not each.result), None) if outing.abroad else None
    waits = [each for each in outing.helps.all() if each.answered_at is None]
    return {
        "id": outing.pk,
        "href": address("outing", outing.pk),
        "who": outing.staff.name,
        "phone": outing.staff.phone,
        "state": stands(outing, now),
        "overdue": outing.is_overdue(now),
        "abroad": outing.abroad,
        "departs": outing.departs_at,
        "returns": outing.returns_at,
        "left": outing.left_at,
        "back": outing.back_at,
        "stops": [said(each) for each in stops],
        "here": gettext("%(where)s, since %(time)s") % {"where": said(here), "time": when_text(here.reached_at, now)}
        if here and here.reached_at and outing.state == State.OUT
        else "",
        "next": said(ahead) if ahead else "",
        "next_at": when_text(ahead.planned_for, now) if ahead and ahead.planned_for else "",
        "answer": outing.answer,
        "not_today": outing.not_today,
        "help": waits[0].words if waits else "",
    }
