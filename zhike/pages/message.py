"""A message in the reader's words: its mark, where it stands and why, what may be done with it; and the other entries of a thread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, ngettext, pgettext

from zhike.conduct.bank import Bank
from zhike.conduct.messages import Judgement
from zhike.obligations.models import Fact, Obligation
from zhike.pages import owed
from zhike.pages.jinja import clock, day_text, local, when_text
from zhike.sms import threads
from zhike.sms.models import Kind, Message, OptOut, Reply, State

# How a state looks: its mark and its colour. Unknown is a broken circle and never looks like failure.
MARKS: dict[str, tuple[str, str | None]] = {
    State.DRAFTED: ("pen", None), State.WAITING: ("clock", None), State.REFUSED: ("block", "late"), State.QUEUED: ("clock", None),
    State.SUBMITTING: ("clock", None), State.SUBMITTED: ("forward", None), State.DELIVERED: ("check", None),
    State.UNDELIVERED: ("x", "late"), State.UNKNOWN: ("unknown", "soon"), State.EXPIRED: ("missed", "late"),
}  # fmt: skip
# What can be taken back, what a person decides, what may be sent once more.
WAITS = frozenset({State.WAITING, State.QUEUED})
AGAIN = frozenset({State.UNKNOWN, State.UNDELIVERED, State.EXPIRED})


def mark(state: str) -> tuple[str, str | None]:
    """Icon and look."""
    return MARKS[State(state)]


def state_name(state: str) -> str:
    """A state in a word: a filter, what a mark means."""
    return {
        State.DRAFTED: pgettext("message", "draft"), State.WAITING: pgettext("message", "waits"), State.REFUSED: pgettext("message", "stopped"),
        State.QUEUED: gettext("About to be sent"), State.SUBMITTING: gettext("Being sent"), State.SUBMITTED: pgettext("message", "sent"),
        State.DELIVERED: gettext("Arrived"), State.UNDELIVERED: gettext("Did not arrive"), State.UNKNOWN: gettext("Unknown"),
        State.EXPIRED: pgettext("message", "too late"),
    }[State(state)]  # fmt: skip


def kind_name(kind: str) -> str:
    """感谢短信, 答复短信 … as a heading."""
    return {
        Kind.THANKS: gettext("Thanks by SMS"), Kind.CALL_BACK: gettext("Agreeing a call-back"), Kind.ANSWER: gettext("Answer by SMS"),
        Kind.SERVICE: gettext("Service message"), Kind.QUESTION: gettext("How content you are"), Kind.GREETING: gettext("Greeting"), Kind.MARKETING: gettext("Products"),
    }[Kind(kind)]  # fmt: skip


def way_name(through: str) -> str:
    """By which way it went; nothing for a way that is none."""
    return {
        "own_phone": gettext("from one's own phone"), "bank_sms": gettext("by the bank's other platform"),
        "platform": gettext("by the bank's SMS platform"),
    }.get(through, "")  # fmt: skip


def said(both: Mapping[str, Any]) -> str:
    """A reason as it was kept, in the reader's language."""
    return str(both.get("en" if owed.speaks().startswith("en") else "zh", "")) if both else ""


def moment(at: datetime, now: datetime) -> str:
    """An hour that lies ahead, as one says it: 21:00, 明天 09:00, 3月5日 09:00."""
    days = (local(at).date() - local(now).date()).days
    if days == 1:
        return gettext("tomorrow %(time)s") % {"time": clock(at)}
    return when_text(at, now)


def stands(message: Message, now: datetime) -> str:
    """Where it stands, and why."""
    why = said(message.why)
    if code := message.why.get("code"):
        why = f"{code} {why}".strip()
    match State(message.state):
        case State.DRAFTED:
            return gettext("Taken back, not sent")
        case State.WAITING:
            return _waits(message, why, now)
        case State.REFUSED:
            return gettext("Not sent: %(why)s") % {"why": why}
        case State.QUEUED:
            return gettext("About to be sent")
        case State.SUBMITTING:
            # What the gateway was too busy for may be held overnight while it is being sent.
            return _waits(message, why, now) if why else gettext("Being sent")
        case State.SUBMITTED:
            return gettext("Sent %(time)s, no receipt yet") % {"time": clock(message.sent_at or message.created_at)}
        case State.DELIVERED:
            arrived = gettext("Arrived %(time)s") % {
                "time": clock(message.done_at or message.sent_at or message.created_at)
            }
            return f"{arrived} · {why}" if why else arrived
        case State.UNDELIVERED:
            return gettext("Did not arrive: %(why)s") % {"why": why}
        case State.UNKNOWN:
            return gettext("Unknown: %(why)s") % {"why": why}
        case State.EXPIRED:
            return gettext("Too late: %(why)s") % {"why": why}


def _waits(message: Message, why: str, now: datetime) -> str:
    until = gettext("Waits until %(time)s") % {"time": moment(message.not_before, now)}
    return gettext("%(until)s (%(why)s)") % {"until": until, "why": why} if why else until


def title(message: Message) -> str:
    """What it was for."""
    name = kind_name(message.kind)
    if message.obligation is not None and message.kind == Kind.SERVICE and message.obligation.kind == "apology":
        name = gettext("Apology")
    if not message.parts:
        return name
    return f"{name} · " + ngettext("%(n)s segment", "%(n)s segments", message.parts) % {"n": message.parts}


def days(
    entries: list[threads.Entry],
    answers: Mapping[int, Obligation],
    now: datetime,
    bank: Bank,
    *,
    may: bool,
    me: int,
    ratings: Mapping[int, int] | None = None,
) -> list[dict[str, Any]]:
    """The thread, day by day, as the page shows it. ``ratings``: of the replies, those that rate the bank's service."""
    found: list[dict[str, Any]] = []
    said = threads.words([entry for entry in entries if isinstance(entry, Message)], bank)
    today = local(now).date()
    for entry in entries:
        day = local(threads.moment_of(entry)).date()
        if not found or found[-1]["day"] != day:
            name = pgettext("thread", "Today") if day == today else day_text(day, today, weekday=False)
            found.append({"day": day, "name": name, "rows": []})
        found[-1]["rows"].append(_row(entry, said, answers, now, may, me))
        if isinstance(entry, Reply):
            found[-1]["rows"][-1]["rating"] = (ratings or {}).get(entry.pk)
    return found


def _row(
    entry: threads.Entry, said: Mapping[int, str], answers: Mapping[int, Obligation], now: datetime, may: bool, me: int
) -> dict[str, Any]:
    match entry:
        case Message():
            return _message(entry, said[entry.pk], now, may, me)
        case Reply():
            return _reply(entry, answers.get(entry.pk), now, may)
        case OptOut():
            return {"is": "opt_out", "id": f"x{entry.pk}", "when": f"{day_text(local(entry.at).date(), local(now).date(), weekday=False)} {clock(entry.at)}"}  # fmt: skip
    return _elsewhere(entry)


def _message(message: Message, text: str, now: datetime, may: bool, me: int) -> dict[str, Any]:
    icon, look = mark(message.state)
    by, elsewhere = message.by, message.through != "platform"
    own = message.forwarding_id is None and message.kind != Kind.QUESTION
    return {
        "is": "message", "way": way_name(message.through) if elsewhere else "", "id": f"m{message.pk}", "pk": message.pk, "text": text, "title": title(message), "icon": icon, "look": look,
        "stands": stands(message, now), "clause": message.why.get("clause", "") if message.state in {State.REFUSED, State.WAITING} else "",
        "dashed": message.state in {State.DRAFTED, State.WAITING, State.REFUSED, State.QUEUED},
        "again": message.attempt > 1, "time": clock(message.created_at), "by": by.name if by and by.pk != me else "",
        "take_back": may and own and message.state in WAITS,
        "reword": may and own and message.state in {State.DRAFTED, State.REFUSED},
        "discard": may and message.state == State.DRAFTED and message.attempt == 1, "settle": may and message.state == State.UNKNOWN,
        # What another platform sent is not ours to send again: who wants to, writes anew.
        "send_again": may and message.state in AGAIN and not elsewhere and message.kind != Kind.QUESTION,
    }  # fmt: skip


def _reply(reply: Reply, owes: Obligation | None, now: datetime, may: bool) -> dict[str, Any]:
    return {
        "is": "reply", "id": f"r{reply.pk}", "pk": reply.pk, "text": reply.text, "time": clock(reply.at), "owes": owes,
        "answered": _answered(owes, now), "asks": may and owes is not None and owes.state == "open",
        "decide": may and reply.stops == Reply.Stops.ASK and reply.decided_at is None,
        "open_question": reply.stops == Reply.Stops.ASK and reply.decided_at is None,
        "due": owed.until({"due": owes.due, "target": owes.target, "kind": owes.kind}, now) if owes and owes.state == "open" else "",
        "late": owes is not None and owes.state == "open" and owes.is_late(now),
    }  # fmt: skip


def _answered(owes: Obligation | None, now: datetime) -> str:
    """What became of it."""
    if owes is None or owes.state == "open":
        return ""
    match owes.state:
        case "done":
            assert owes.settled_at is not None
            return gettext("answered %(time)s") % {"time": when_text(owes.settled_at, now)}
        case "withdrawn":
            return gettext("needed no answer")
    return str(owes.get_state_display())


def _elsewhere(fact: Fact) -> dict[str, Any]:
    """A message that went another way, as it was written down; its words only where somebody kept them."""
    purpose = {"thanks": gettext("Thanks by SMS"), "birthday": gettext("Birthday greeting")}.get(fact.data.get("purpose", ""), gettext("SMS"))  # fmt: skip
    way = way_name(fact.data.get("through", "")) or way_name("platform")
    return {
        "is": "elsewhere", "id": f"f{fact.pk}", "text": str(fact.data.get("words", "")), "title": purpose, "way": way, "time": clock(fact.at),
        "clause": "S2" if fact.data.get("through") == "own_phone" else "S1",
        "by": fact.by.name if fact.by else pgettext("source", "core system"),
    }  # fmt: skip


def verdicts(judged: Judgement, now: datetime) -> list[dict[str, Any]]:
    """What the guards say, the worst first; one line saying that all is well where they say nothing."""
    order = {"block": 0, "warn": 1}
    rows: list[dict[str, Any]] = [
        {
            "icon": "block" if verdict.effect == "block" else "alert", "look": "late" if verdict.effect == "block" else "soon",
            "words": verdict.words.say(owed.speaks()), "clause": verdict.clause,
        }
        for verdict in sorted(judged.verdicts, key=lambda verdict: order[verdict.effect])
    ]  # fmt: skip
    if judged.wait is not None and not (rows and rows[0]["look"] == "late"):
        until = {"time": moment(judged.wait.until, now), "why": judged.wait.why.say(owed.speaks())}
        words = gettext("Will leave at %(time)s: %(why)s") % until
        rows.append({"icon": "clock", "look": "soon", "words": words, "clause": "S5"})
    return rows


def may_be_sent(allowed: Mapping[str, Judgement], now: datetime) -> list[dict[str, Any]]:
    """能发什么: of each kind, whether it may be sent now; what stops it, or until when it waits."""
    names = {"thanks": gettext("Thanks, answers, service"), "greeting": gettext("Festival greetings"), "marketing": gettext("Products")}  # fmt: skip
    rows: list[dict[str, Any]] = []
    for kind, judged in allowed.items():
        row: dict[str, Any] = {
            "name": names[kind],
            "icon": "check",
            "look": "on",
            "words": gettext("allowed"),
            "clause": "",
            "because": "",
        }
        blocks = [verdict for verdict in judged.verdicts if verdict.effect == "block"]
        # A no that was said comes before a yes that is missing.
        blocked = next((verdict for verdict in blocks if verdict.name == "opted_out"), blocks[0] if blocks else None)
        if blocked is not None:
            row |= {"icon": "block", "look": "late", "words": _in_short(blocked.name), "clause": blocked.clause,
                    "because": blocked.words.say(owed.speaks())}  # fmt: skip
        elif judged.wait is not None:
            words = gettext("from %(time)s") % {"time": moment(judged.wait.until, now)}
            row |= {
                "icon": "clock",
                "look": None,
                "words": words,
                "clause": "S5",
                "because": judged.wait.why.say(owed.speaks()),
            }
        rows.append(row)
    return rows


def _in_short(verdict: str) -> str:
    """What stops a kind, in a word; its sentence stands behind the clause."""
    return {
        "opted_out": gettext("opted out"), "no_consent": pgettext("message", "not agreed to"), "no_mobile": pgettext("message", "no mobile"),
        "deceased": pgettext("message", "has died"), "closed": pgettext("message", "account closed"),
        "do_not_disturb": gettext("do not disturb"), "complaint": gettext("open complaint"),
        "day_used_up": pgettext("message", "enough for today"), "week_used_up": pgettext("message", "enough this week"),
    }.get(verdict, pgettext("message", "not possible"))  # fmt: skip
