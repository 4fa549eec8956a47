"""An obligation in the reader's words: by when, by which mark it is known, what does it.

Every function but the last takes a row as :func:`zhike.obligations.today.today` gives it, with its moments read: a dictionary with ``id
kind clause what why subject opens due target channels detail`` and, where there is one, ``customer``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import get_language, gettext, pgettext

from zhike.conduct import clause
from zhike.conduct.bank import Bank
from zhike.customers import names
from zhike.pages.jinja import MONTHS_EN, address, local, when_text
from zhike.sms import gateways

if TYPE_CHECKING:
    from zhike.obligations.models import Obligation

Row = Mapping[str, Any]

ICONS = {
    "thanks": "bubble",
    "greetings": "bubble",
    "forward": "bubble",
    "write_up": "pen",
    "call_back": "phone",
    "call_again": "phone",
    "arrival": "pin",
    "answer": "bubble",
    "apology": "bubble",
    "find_out": "people",
    "birthday": "phone",
    "rhythm": "phone",
    "meet": "people",
    "promise": "hand",
    "look_into": "people",
    "sign_in": "home",
    "outing_report": "pen",
    "help": "hand",
    "delivery": "forward",
    "take_on": "task",
    "assignment": "task",
    "look_over": "eye",
    "prospect_step": "growth",
    "prospect_keep": "growth",
    "note_answer": "bubble",
    "answer_back": "bubble",
    "acknowledge": "code",
    "work_plan": "calendar",
    "planned": "task",
    "plan_comment": "bubble",
}
# The filters of Today: what one does with hands or mouth
SORTS = {
    "call": frozenset({"call_back", "call_again", "birthday", "rhythm"}),
    "message": frozenset({"thanks", "greetings", "forward"}),
    "meet": frozenset({"arrival", "meet", "delivery"}),
    "record": frozenset({"write_up", "sign_in", "outing_report", "work_plan", "planned"}),
    "answer": frozenset(
        {
            "answer",
            "apology",
            "promise",
            "look_into",
            "help",
            "take_on",
            "assignment",
            "look_over",
            "note_answer",
            "answer_back",
            "acknowledge",
            "plan_comment",
        }
    ),
    "prospects": frozenset({"prospect_step", "prospect_keep"}),
}
NEAR = timedelta(minutes=10)


def speaks() -> str:
    return get_language() or "zh-hans"


def read(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """JSON's texts become whole numbers and aware datetimes, in place."""
    for row in rows:
        row["id"] = int(row["id"])
        for name in ("opens", "due", "target"):
            if row[name]:
                row[name] = datetime.fromisoformat(row[name])
    return rows


def words(both: Mapping[str, str]) -> str:
    """What the ledger says in two languages, in the reader's."""
    return both["en"] if speaks().startswith("en") else both["zh"]


def because(row: Row, now: datetime) -> str:
    """Because of what, and why it is open still; today's date is left out, as nobody says it: "14:32 接待结束"."""
    return " · ".join(part for part in (_without_today(row, now), still(row.get("still"), now)) if part)


def reason(row: Row, now: datetime) -> str:
    """The stored words. They are of the day when it arose; how long a customer has been silent goes on growing (W5)."""
    said = words(row["why"])
    detail = row["detail"] or {}
    if row["kind"] not in {"rhythm", "meet"} or "since" not in detail:
        return said
    days = (local(now).date() - date.fromisoformat(detail["since"])).days
    return re.sub(rf"(?<!\d){detail['days']}(?!\d)", str(days), said, count=1)


def still(evidence: Mapping[str, Any] | None, now: datetime) -> str:
    """Why a call that was made left the obligation open; empty where none was."""
    if not evidence or "still" not in evidence:
        return ""
    said = {"time": when_text(datetime.fromisoformat(evidence["at"]), now), **evidence}
    if evidence["still"] == "short_call":
        return (
            gettext("still open: the call that ended %(time)s took %(seconds)s s; from %(wanted)s s on it counts")
            % said
        )
    return gettext("still open: the call of %(time)s did not reach the customer") % said


def _without_today(row: Row, now: datetime) -> str:
    """Today's date goes; beside another day it becomes the word: "2月15日 14:20 去电，正忙，约今天 15:00"."""
    said, today = reason(row, now), local(now)
    if now - row["opens"] > timedelta(days=300):
        return said  # the same day of another year
    english = speaks().startswith("en")
    name = f"{today.day} {MONTHS_EN[today.month - 1]}" if english else f"{today.month}月{today.day}日"
    others = False

    def shorter(found: re.Match[str]) -> str:
        nonlocal others
        if found["day"] != name:
            others = True
            return found[0]
        return _today_en(found, others) if english else _today_zh(found, others)

    return (DAY_EN if english else DAY_ZH).sub(shorter, said)


# A day as the ledger words it, with the time beside it
DAY_ZH = re.compile(r"(?P<lead> ?)(?P<day>\d+月\d+日)(?P<time> (?=\d))?")
DAY_EN = re.compile(
    rf"(?P<before>\d\d:\d\d )?(?:\bon )?(?P<day>\d+ (?:{'|'.join(MONTHS_EN)}))\b(?P<time> (?:at )?(?=\d))?"
)


def _today_zh(found: re.Match[str], others: bool) -> str:
    return found["lead"] if found["time"] and not others else f"今天{found['time'] or ''}"


def _today_en(found: re.Match[str], others: bool) -> str:
    before, time = found["before"] or "", (found["time"] or "").lstrip()
    if (before or found["time"]) and not others:
        return before.rstrip() + time
    return f"{before}today{' ' if found['time'] else ''}{time}"


def who(row: Row, bank: Bank) -> dict[str, Any] | None:
    """The customer as the ``who`` part wants it; None where the obligation is towards nobody outside."""
    c = row["customer"]
    return person(int(c["id"]), c["name"], c["honorific"], c["tier"], bank) if c else None


def behalf(row: Row) -> str:
    """The colleague who owes it, where the reader covers one; else empty."""
    return str(row["on_behalf"]["name"]) if row.get("on_behalf") else ""


def person(id: int, name: str, call: str, tier: str, bank: Bank, kind: str = "person") -> dict[str, Any]:
    """Name, 称谓, reading of an unusual surname and tier, which stay together."""
    return {
        "id": id,
        "name": name,
        "call": call,
        "reading": names.unusual_reading(name) if kind == "person" else "",
        "tier": tier,
        "tier_name": bank.tier(tier).name.say(speaks()),
    }


def tip(id: str) -> str:
    """What a clause asks, in one line: the chip's tip."""
    found = clause.load().get(id)
    return found.hint.say(speaks()) if found else id


def contact_of(row: Row) -> int | None:
    """The contact that it is about, from ``contact:12`` or ``contact:12/demand:1``."""
    found = re.match(r"contact:(\d+)", row["subject"] or "")
    return int(found[1]) if found else None


def does(row: Row, look: str, now: datetime) -> dict[str, Any] | None:
    """The one button: words, address, mark. None before its window opens: :func:`opens_at` says from when."""
    if now < row["opens"] and row["kind"] == "sign_in":
        return {"text": pgettext("button", "Open"), "href": outing(row), "method": "get", "icon": None}
    if now < row["opens"] and row["kind"] != "arrival":
        return None
    contact = contact_of(row)
    here = address("obligation", row["id"])
    calls = {
        "text": pgettext("button", "Call"),
        "href": address("call", row["id"]),
        "method": "post",
        "icon": None,
    }
    match row["kind"]:
        case "call_back":
            return {**calls, "text": pgettext("button", "Call back"), "icon": "phone" if look == "now" else None}
        case "call_again" | "birthday" | "rhythm":
            return calls
        case "write_up" if contact:
            words = pgettext("button", "Write up late") if look == "late" else pgettext("button", "Write up")
            return {"text": words, "href": address("write_up", contact), "method": "get", "icon": None}
        case "arrival" if contact:
            if look in {"now", "open", "late"}:
                return {
                    "text": pgettext("button", "At the door"), "href": address("arrive", contact),
                    "method": "post", "icon": "pin" if look == "now" else None,
                }  # fmt: skip
            return {
                "text": pgettext("button", "Prepare"),
                "href": address("prepare", contact),
                "method": "get",
                "icon": None,
            }
        case "meet" if row["customer"]:
            # C7 invites to the bank; who goes to the customer instead changes the kind there.
            ask = address("plan", int(row["customer"]["id"]), "reception")
            return {"text": pgettext("button", "Arrange"), "href": ask, "method": "get", "icon": None}
        case "promise" if is_answered_by_message(row):
            return {"text": pgettext("button", "Answer"), "href": composed(row), "method": "get", "icon": None}
        case "take_on" | "assignment" | "look_over":
            handed_in = row["due"] is None  # it lies before the leader
            words = {
                "take_on": pgettext("button", "Take on"), "look_over": pgettext("button", "Look at it"),
                "assignment": pgettext("button", "Open") if handed_in else pgettext("button", "Hand in"),
            }[row["kind"]]  # fmt: skip
            return {"text": words, "href": assignment(row), "method": "get", "icon": None}
        case "greetings":
            return {"text": pgettext("greetings", "Arrange"), "href": festival(row), "method": "get", "icon": None}
        case "forward":
            return {"text": pgettext("button", "Forward"), "href": campaign(row), "method": "get", "icon": None}
        case "sign_in":
            return {
                "text": pgettext("button", "I am back"),
                "href": address("outing_back", about(row)),
                "method": "post",
                "icon": None,
            }
        case "outing_report":
            return {"text": pgettext("outing", "Report"), "href": outing(row), "method": "get", "icon": None}
        case "help":
            return {
                "text": pgettext("button", "Answer"),
                "href": address("outing_help", about(row)),
                "method": "get",
                "icon": None,
            }
        case "delivery":
            return {"text": pgettext("button", "Deliver"), "href": delivery(row), "method": "get", "icon": None}
        case "prospect_step" | "prospect_keep":
            return {"text": pgettext("button", "Note down"), "href": prospect(row), "method": "get", "icon": None}
        case "note_answer":
            return {"text": pgettext("button", "Answer"), "href": routing(row), "method": "get", "icon": None}
        case "answer_back":
            return {"text": pgettext("button", "See"), "href": routing(row), "method": "get", "icon": None}
        case "acknowledge":
            return {"text": pgettext("button", "Read"), "href": address("code_read"), "method": "get", "icon": None}
        case "work_plan":
            return {"text": pgettext("button", "Make the plan"), "href": plan(row), "method": "get", "icon": None}
        case "planned" if row["customer"]:
            return calls
        case "planned":
            return {
                "text": pgettext("button", "Done"),
                "href": address("done", row["id"]),
                "method": "post",
                "icon": None,
            }
        case "plan_comment":
            return {"text": pgettext("button", "See"), "href": plan_said(row), "method": "get", "icon": None}
        case "answer" | "promise":
            words = pgettext("button", "Answer")
        case "look_into":
            words = pgettext("button", "Look into it")
        case "apology":
            words = pgettext("button", "Tell")
        case "thanks" if row["channels"] == ["call"]:
            return calls
        case "thanks" if is_sent_from_here(row):
            return {"text": pgettext("button", "Send SMS"), "href": composed(row), "method": "get", "icon": None}
        case "thanks":
            words = pgettext("button", "Give thanks")
        case _:
            words = pgettext("button", "Do")
    return {"text": words, "href": here, "method": "get", "icon": None}


def is_sent_from_here(row: Row) -> bool:
    """Whether an SMS does it that leaves from here."""
    return bool(row["customer"]) and "sms" in row["channels"] and gateways.is_set_up(os.environ)


def is_answered_by_message(row: Row) -> bool:
    """Whether it answers what a customer wrote: by SMS, as it was asked."""
    return bool(row["customer"]) and str(row["subject"]).startswith("reply:") and gateways.is_set_up(os.environ)


def composed(row: Row) -> str:
    """Where the message that does it is written."""
    return f"{address('thread', int(row['customer']['id']))}?for={row['id']}"


def festival(row: Row) -> str:
    """Where a festival's greetings are arranged for whoever owes it, from ``festival:spring_festival:2027/staff:7`` or, once more, from
    ``festival:spring_festival:2027/again:2027-01-30/staff:7``.
    """
    whole, _, staff = str(row["subject"]).removeprefix("festival:").partition("/staff:")
    return f"{address('greeting', whole.partition('/')[0])}?rm={staff}"


def campaign(row: Row) -> str:
    """Where a campaign is forwarded for whoever owes it, from ``campaign:<key>/staff:7``."""
    key, _, staff = str(row["subject"]).removeprefix("campaign:").partition("/staff:")
    return f"{address('campaign', key)}?rm={staff}"


def about(row: Row) -> int:
    """The outing, or the request for help, that it is about, from ``outing:12``, ``outing:12/leader:3`` or ``help:7``."""
    return int(str(row["subject"]).partition(":")[2].partition("/")[0])


def outing(row: Row) -> str:
    """Where its outing is."""
    return address("outing", about(row))


def assignment(row: Row) -> str:
    """Where an assignment is taken on, handed in and looked at, from ``assignment:7`` or ``assignment:7/look:1``."""
    return address("assignment", int(str(row["subject"]).removeprefix("assignment:").partition("/")[0]))


def delivery(row: Row) -> str:
    """Where a paper is received, handed on or brought back, from ``delivery:12``."""
    return address("delivery", about(row))


def prospect(row: Row) -> str:
    """Where what was done with a prospect is noted, from ``prospect:12``."""
    return address("prospect", int(str(row["subject"]).removeprefix("prospect:").partition("/")[0]))


def routing(row: Row) -> str:
    """Where a note that was passed on is answered, from ``routing:12`` or ``routing:12/back``."""
    return address("note_routing", int(str(row["subject"]).removeprefix("routing:").partition("/")[0]))


def plan(row: Row) -> str:
    """Where a plan is made, from ``plan:day:2026-03-02/staff:7``."""
    period, first = str(row["subject"]).removeprefix("plan:").partition("/")[0].split(":")
    return f"{address('plan_new')}?period={period}&day={first}"


def plan_said(row: Row) -> str:
    """Where a comment on a plan is read, from ``plan_comment:12``."""
    return address("plan_said", about(row))


def opens_at(row: Row, now: datetime) -> str:
    """From when on it may be done (V2, C5), in words: "15:11 起可打"."""
    if row["kind"] == "arrival":
        return gettext("at the door from %(time)s") % {"time": when_text(row["target"], now)}
    words = gettext("call from %(time)s") if _is_call(row) else gettext("from %(time)s")
    return words % {"time": when_text(row["opens"], now)}


def _is_call(row: Row) -> bool:
    return row["kind"] in SORTS["call"] or (row["kind"] == "thanks" and row["channels"] == ["call"])


def look(row: Row, now: datetime) -> str:
    """late, now (its minute is near), open, soon (within 90 minutes) or later."""
    if row["due"] is not None and now > row["due"]:
        return "late"
    if row["kind"] in {"call_back", "arrival"} and now >= min(row["opens"], row["target"] - NEAR):
        return "now"
    if row["opens"] <= now:
        return "open"
    return "soon" if row["opens"] - now <= timedelta(minutes=90) else "later"


def until(row: Row, now: datetime) -> str:
    """The first word of a row: by when. A deadline at the end of today is ``今天内``."""
    due = row["due"]
    if due is None:
        return gettext("no deadline")
    at, today = local(due), local(now)
    ends_day = at.hour == 0 and at.minute == 0
    last = (at - timedelta(minutes=1)).date() if ends_day else at.date()
    if row["target"] is not None and row["kind"] == "call_back":
        return when_text(row["target"], now)
    if last == today.date() and due > now:
        if ends_day:
            return pgettext("deadline", "today")
        if row["kind"] == "arrival":
            return f"{at:%H:%M}"
        return gettext("by %(time)s") % {"time": f"{at:%H:%M}"}
    return when_text(due, now)


def window(row: Row, now: datetime) -> dict[str, Any]:
    """The ruler of a short window: half of it is the window, a quarter lies before and after."""
    opens, due, target = row["opens"], row["due"], row["target"]
    length = (due - opens) or timedelta(minutes=1)
    start, span = opens - length / 2, length * 2

    def at(moment: datetime) -> float:
        share: float = (moment - start) / span
        return round(max(0.0, min(100.0, 100 * share)), 1)

    texts = [f"{local(moment):%H:%M}" for moment in (opens, target, due)]
    return {
        "from_text": texts[0], "due_text": texts[1], "to_text": texts[2],
        "start": at(opens), "due": at(target), "end": at(due), "here": at(now),
        "label": gettext("Window from %(opens)s to %(due)s, now %(now)s")
        % {"opens": texts[0], "due": texts[2], "now": f"{local(now):%H:%M}"},
    }  # fmt: skip


def in_short(row: Obligation, now: datetime) -> dict[str, Any]:
    """An obligation on one line: the clause, what, until when."""
    due = {"due": row.due, "target": row.target, "kind": row.kind}
    return {
        "id": row.pk, "clause": row.clause, "tip": tip(row.clause), "what": words(row.what),
        "when": until(due, now) if row.due else "",
    }  # fmt: skip
