"""今日 · Today: one timeline of what is late, what is due now, what comes next; each row with its why and its one button.

Domain: :func:`zhike.obligations.today.today`, :func:`zhike.contacts.agenda.agenda`. Renders ``today.html``, or its fragment for the poll that
comes every 30 seconds with an ETag.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.template import loader
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_safe
from markupsafe import Markup

from zhike.conduct import clause
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import festival, to_lunar
from zhike.contacts.agenda import Agenda, agenda, told
from zhike.obligations.today import AHEAD, today
from zhike.pages import kinds, line, message, owed
from zhike.pages.answer import moved
from zhike.pages.jinja import address, clock, day_text, left_text, local, weekday_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of, first_place, token_input
from zhike.pages.views.talk import CALLED_FOR
from zhike.pages.written import Kept, until
from zhike.people.permissions import SIGNED_IN, may, policy
from zhike.sms import gateways
from zhike.sms.models import Message
from zhike.sms.threads import by_obligation, for_what_is_owed

DAY_FROM, DAY_TO = 8.0, 19.0
SORT_OF = {kind: sort for sort, kinds in owed.SORTS.items() for kind in kinds}
NAME_ON_RULER = 9
RHYTHM = "W5"
LATE_SHOWN = 10  # rows; what is late beside them folds, clause by clause


@dataclass(frozen=True)
class Inside:
    """The page without its frame, in ``pieces`` between which a form's token belongs."""

    pieces: list[bytes]
    etag: str


# Stands in the frame where the inside belongs. Nobody's text reads like this: texts are escaped.
INSIDE = Markup("<inside>")
INSIDES: Kept[Inside] = Kept(512)  # of about fifty kilobytes


@policy(SIGNED_IN)
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """The reader's own day. ``?sort=call`` shows one kind of doing."""
    if not may(request.actor, "obligations.settle"):
        return moved(request, first_place(request))
    ledger, day = today(request.actor, now=request.now), told(request.actor, request.now, bank_of(request))
    return page(request, ledger, day, for_what_is_owed(request.actor, request.now + AHEAD) if messages_leave() else "")


def messages_leave() -> bool:
    """Whether messages leave from here; else no row has one on its way."""
    return gateways.is_set_up(os.environ)


def page(request: ActingRequest, ledger: str, day: str, sent: str) -> HttpResponse:
    """The page, or its inside alone, from what was read: what is owed, the day beside it, the messages on their way."""
    sort = request.GET.get("sort", "")
    inside = _inside(request, ledger, day, sent, sort if sort in owed.SORTS else "")
    if request.headers.get("If-None-Match") == inside.etag:
        return HttpResponse(status=304, headers={"ETag": inside.etag})
    body = token_input(request).encode().join(inside.pieces)
    if "HX-Request" not in request.headers:
        context = {
            "inside": INSIDE,
            "etag": inside.etag,
            "sort": sort,
            "heading": _heading(local(request.now).date(), owed.speaks()),
        }
        frame = render_to_string("today.html", context, request).encode()
        body = frame.replace(INSIDE.encode(), body)
    return HttpResponse(body, headers={"ETag": inside.etag})


def _inside(request: ActingRequest, ledger: str, day: str, sent: str, sort: str) -> Inside:
    """Written anew only when something happened, or when time has moved a row or a minute: an open page asks twice a minute."""
    rows = hashlib.sha256(f"{ledger}{day}{sent}".encode()).digest()
    of = (rows, sort, owed.speaks(), request.begun and request.begun.settings, local(request.now).date())
    kept = INSIDES.get(of, request.now)
    if kept is None:
        bank = bank_of(request)
        on_their_way = by_obligation(sent) if sent else {}
        kept, reads_until = _written(
            request, json.loads(ledger), agenda(day, request.now, bank), sort, bank, rows, on_their_way
        )
        INSIDES.put(of, request.now, reads_until, kept)
    return kept


def _written(
    request: ActingRequest,
    ledger: dict[str, Any],
    day: Agenda,
    sort: str,
    bank: Bank,
    read: bytes,
    sent: dict[int, Message],
) -> tuple[Inside, datetime]:
    """The inside, and until when it reads so."""
    now = request.now
    owing = owed.read(ledger["rows"])
    shown_until = day.until + timedelta(days=1)
    # Whoever wrote waits for an answer, however long there would be time.
    # A festival's greetings and the reading of the code want their time.
    near = [
        o
        for o in owing
        if o["due"] <= shown_until or o["subject"].startswith("reply:") or o["kind"] in {"greetings", "acknowledge"}
    ]
    for o in near:
        o["message"] = message.stands(sent[o["id"]], now) if o["id"] in sent else ""
    running = _running(near, day)
    rows = [*_owed_rows(near, day, request, running), *_contact_rows(near, day, now, bank, running)]
    shown = [row for row in rows if not sort or row["sort"] == sort]
    context = {
        "now": now,
        "groups": _groups(shown, now),
        "tabs": _tabs(rows, sort),
        "ruler": _ruler(near, day, now),
        "aside": _aside(day, now, bank),
        "leaves": [_leave(row, local(now).date()) for row in day.leaves],
        "done": len(day.settled),
        "in_time": sum(1 for row in day.settled if row["due"] is None or row["at"] <= row["due"]),
        "later": len(owing) - len(near) + ledger["beyond"],
        "next_due": (next_due := next((o["due"] for o in owing if o["due"] > shown_until and o not in near), None)),
        "later_from": next_due or now + AHEAD,
        "longer_late": ledger["late"] - sum(1 for o in owing if o["due"] < now),
        "csrf_input": line.TOKEN,
    }
    template: Any = loader.get_template("_today.html")
    pieces = template.template.render(context).encode().split(line.TOKEN.encode())
    inside = Inside(pieces, _etag(read, shown, now))
    moments = [o[name] for o in near for name in ("opens", "due", "target") if o[name]]
    moments += [c[name] for c in day.contacts for name in ("planned_for", "started_at") if c[name]]
    # The minute of a call-back is near: its words are of this moment alone.
    return inside, now if any(row["look"] == "now" for row in rows) else until(now, moments)


def _etag(read: bytes, rows: list[dict[str, Any]], now: datetime) -> str:
    """The data, the day, and where time has put each row; not the minutes, which the page counts by itself."""
    places = ",".join(f"{row['id']}{row['look']}" for row in rows)
    return f'"{hashlib.sha256(read + f"{places}{owed.speaks()}{local(now).date()}".encode()).hexdigest()[:24]}"'


def _running(owing: list[dict[str, Any]], day: Agenda) -> dict[int, dict[str, Any]]:
    """The calls under way, by the obligation that each is made for: the most urgent of the customer's that a call of this
    purpose does. That row is the running one; the call has none of its own beside it.
    """
    found = {}
    for contact in day.contacts:
        if contact["state"] != "under_way" or contact["kind"] != "call":
            continue
        for o in sorted(owing, key=lambda o: (o["target"] or o["due"], o["id"])):
            done_by = {CALLED_FOR.get(o["kind"]), "introduction"}
            if o["kind"] in CALLED_FOR and _whose(o) == int(contact["customer"]) and contact["purpose"] in done_by:
                found[o["id"]] = contact
                break
    return found


def _whose(o: dict[str, Any]) -> int | None:
    return int(o["customer"]["id"]) if o["customer"] else None


def _owed_rows(
    owing: list[dict[str, Any]], day: Agenda, request: ActingRequest, running: dict[int, dict[str, Any]]
) -> list[dict[str, Any]]:
    under_way = {contact["id"] for contact in day.contacts if contact["state"] == "under_way"}
    write = line.writer(request)
    rows = []
    for o in owing:
        if o["kind"] == "arrival" and owed.contact_of(o) in under_way:
            continue
        look = owed.look(o, request.now)
        rows.append(
            {
                "id": f"o{o['id']}",
                "look": look,
                "sort": SORT_OF.get(o["kind"], ""),
                "order": o["target"] or o["due"],
                "clause": o["clause"],
                "running": o["id"] in running,
                "html": write(o, look, running.get(o["id"])),
            }
        )
    return rows


def _contact_rows(
    owing: list[dict[str, Any]], day: Agenda, now: datetime, bank: Bank, running: dict[int, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Appointments and plans that no obligation stands for, and the talk that is going on."""
    stood_for = {owed.contact_of(o) for o in owing if o["kind"] == "arrival"}
    in_a_row = {contact["id"] for contact in running.values()}
    rows = [
        _contact_row(contact, now, bank)
        for contact in day.contacts
        if (contact["state"] == "under_way" and contact["id"] not in in_a_row)
        or (contact["state"] in {"planned", "agreed"} and contact["id"] not in stood_for)
    ]
    return [{**row, "html": line.written(row)} for row in rows]


def _contact_row(c: dict[str, Any], now: datetime, bank: Bank) -> dict[str, Any]:
    at = c["started_at"] if c["state"] == "under_way" else c["planned_for"]
    under_way = c["state"] == "under_way"
    ahead = (at - now).total_seconds() / 60
    look = "open" if under_way or ahead <= 0 else "soon" if ahead <= 90 else "later"
    return {
        "id": f"c{c['id']}",
        "look": look,
        "icon": kinds.ICONS[c["kind"]],
        "when": _contact_when(c, now),
        "sub": gettext("under way")
        if under_way
        else left_text(at, now)
        if c["state"] == "agreed"
        else gettext("planned"),
        "due": at if look == "soon" and c["state"] == "agreed" else None,
        "who": owed.person(c["customer"], c["name"], c["honorific"], c["tier"], bank),
        "title": "",
        "title_sub": "",
        "what": _contact_what(c),
        "clause": {"reception": "R1", "visit": "V1", "call": "C1"}[c["kind"]],
        "tip": owed.tip({"reception": "R1", "visit": "V1", "call": "C1"}[c["kind"]]),
        "because": _contact_because(c),
        "why_href": address("clause", {"reception": "R1", "visit": "V1", "call": "C1"}[c["kind"]]),
        "do": kinds.does(c, now),
        "not_yet": None,
        "window": None,
        "behalf": c["on_behalf"],
        "sort": "call" if c["kind"] == "call" else "meet",
        "order": at,
    }


def _contact_when(c: dict[str, Any], now: datetime) -> str:
    at = local(c["started_at"] if c["state"] == "under_way" else c["planned_for"])
    if at.date() == local(now).date():
        return f"{at:%H:%M}"
    return (
        f"{weekday_text(at.date())} {at:%H:%M}"
        if abs((at.date() - local(now).date()).days) < 6
        else day_text(at.date(), local(now).date())
    )


def _contact_what(c: dict[str, Any]) -> str:
    parts = (kinds.noun(c["kind"]), kinds.purpose(c["purpose"], c["purpose_words"]), c["place"])
    return " · ".join(part for part in parts if part)


def _contact_because(c: dict[str, Any]) -> str:
    if c["state"] == "under_way":
        return gettext("since %(time)s") % {"time": clock(c["started_at"])}
    if c["kind"] == "call":
        return gettext("from your contact plan")
    return gettext("prepared") if c["prepared"] else gettext("not yet prepared")


def _groups(rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Late, now, next, in the order of time. Where much is late, what is due within minutes stands above it; what has till
    after today comes after the appointments of today, although it could be done now."""
    tonight = local(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    late = sorted((row for row in rows if row["look"] == "late"), key=lambda row: row["order"])
    near = sorted((row for row in rows if row["look"] == "now"), key=lambda row: row["order"])
    open_ = sorted(
        (row for row in rows if row["look"] == "open" and row["order"] <= tonight), key=lambda row: row["order"]
    )
    told = {row["id"] for row in (*late, *near, *open_)}
    ahead = sorted((row for row in rows if row["id"] not in told), key=lambda row: row["order"])
    title = gettext("Late %(n)s") % {"n": len(late)}
    # Somebody waits for what was promised or follows a talk; the rhythm, late for weeks, would fill the ten rows by itself.
    first = {row["id"] for row in sorted(late, key=lambda row: row["clause"] == RHYTHM)[:LATE_SHOWN]}
    shown = [row for row in late if row["id"] in first or row["running"]]
    folds = _folds([row for row in late if row["id"] not in first and not row["running"]])
    groups: list[dict[str, Any]] = [{"id": "late", "title": title, "look": "late", "rows": shown, "folds": folds}]
    if len(late) > 2 and near:
        groups.insert(0, _group("near", gettext("This minute"), near))
        near = []
    current = [*near, *open_]
    groups.append(_group("now", gettext("Now %(n)s") % {"n": len(current)}, current))
    groups.append(_group("next", gettext("Next %(n)s") % {"n": len(ahead)}, ahead))
    return [group for group in groups if group["rows"]]


def _group(id: str, title: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": id, "title": title, "look": None, "rows": rows, "folds": []}


def _folds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by clause, in the order of the code: two hundred that are late are a few lines, each opened by itself."""
    code = clause.load()
    by_clause = {id: [row for row in rows if row["clause"] == id] for id in code}
    return [{"id": id, "title": code[id].title.say(owed.speaks()), "rows": of} for id, of in by_clause.items() if of]


def _tabs(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    here = reverse("today")
    names = {
        "call": pgettext("filter", "Phone"), "message": pgettext("filter", "SMS"), "meet": pgettext("filter", "Meetings"),
        "record": pgettext("filter", "Write-ups"), "answer": pgettext("filter", "Answers"), "prospects": pgettext("filter", "Prospects"),
    }  # fmt: skip
    tabs = [{"text": pgettext("filter", "All"), "href": here, "count": len(rows), "current": not sort}]
    for name, text in names.items():
        count = sum(1 for row in rows if row["sort"] == name)
        if count or sort == name:
            tabs.append({"text": text, "href": f"{here}?sort={name}", "count": count, "current": sort == name})
    return tabs


@lru_cache(maxsize=8)
def _heading(today: date, language: str) -> str:
    names = (to_lunar(today).name, festival(today))
    return " · ".join([day_text(today, today), *(name.say(language) for name in names if name)])


def _ruler(owing: list[dict[str, Any]], day: Agenda, now: datetime) -> dict[str, Any]:
    midnight = local(day.until) - timedelta(days=1)

    def hours(moment: datetime) -> float:
        return (moment - midnight).total_seconds() / 3600

    first = min(DAY_FROM, int(hours(now)))
    last = max(DAY_TO, int(hours(now)) + 1.0)

    def at(moment: datetime) -> float:
        return round(max(0.0, min(100.0, 100 * (hours(moment) - first) / (last - first))), 2)

    now_at = at(now)
    marks = [
        (round(100 * (hour - first) / (last - first), 2), str(hour)) for hour in range(int(first) + 1, int(last) + 1)
    ]
    dots = [{"at": at(row["at"]), "look": "done"} for row in day.settled]
    for o in owing:
        moment = o["target"] or o["due"]
        if now < moment < day.until:
            dots.append({"at": at(moment), "look": "soon" if owed.look(o, now) == "now" else "open"})
    blocks = [block for c in day.contacts if (block := _block(c, midnight, at, bank_minutes=45))]
    return {
        "label": gettext("The day: %(done)s done, %(ahead)s ahead, now %(now)s")
        % {"done": len(day.settled), "ahead": sum(1 for dot in dots if dot["look"] != "done"), "now": clock(now)},
        "hours": [mark for mark in marks if abs(mark[0] - now_at) > 3],
        "now": now_at,
        "now_text": clock(now),
        "blocks": _apart(blocks),
        "dots": dots,
    }


def _block(c: dict[str, Any], midnight: datetime, at: Any, bank_minutes: int) -> dict[str, Any] | None:
    starts = c["started_at"] or c["planned_for"]
    if c["kind"] == "call" or starts is None or starts < midnight:
        return None
    ends = c["ended_at"] or starts + timedelta(minutes=c["planned_minutes"] or bank_minutes)
    return {
        "at": at(starts),
        "length": max(1.5, round(at(ends) - at(starts), 2)),
        "text": _short(c["honorific"] or c["name"]),
        "done": c["state"] in {"ended", "closed"},
    }


def _short(name: str) -> str:
    """A name over a block of the ruler, as far as it has room there."""
    return name if len(name) <= NAME_ON_RULER else name[: NAME_ON_RULER - 1] + "…"


def _apart(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Labels that would run into each other: only the first of them is written."""
    blocks.sort(key=lambda block: block["at"])
    free_from = 0.0
    for block in blocks:
        if block["at"] < free_from or block["at"] > 94:
            block["text"] = ""
        else:
            free_from = block["at"] + max(8, 2 * len(block["text"]))
    return blocks


def _aside(day: Agenda, now: datetime, bank: Bank) -> dict[str, Any]:
    meetings = sorted(
        (c for c in day.contacts if c["kind"] != "call"), key=lambda c: c["started_at"] or c["planned_for"]
    )
    return {
        "meetings": [
            {
                "id": c["id"],
                "time": clock(c["started_at"] or c["planned_for"]),
                "who": c["honorific"] or c["name"],
                "what": _contact_what({**c, "place": "", "purpose_words": "", "purpose": ""}),
                "place": c["place"],
                "over": c["state"] in {"ended", "closed"},
            }
            for c in meetings
        ],
        "birthdays": [_birthday(row, now) for row in sorted(day.birthdays, key=lambda row: row["on"])],
    }


def _leave(row: dict[str, Any], today_: date) -> dict[str, Any]:
    """One's own leave, whom one covers today, who asks one to stand in: a line at the top."""
    first, last = (date.fromisoformat(row[name]) for name in ("from_day", "last_day"))
    said = {
        "name": row["name"],
        "first": day_text(first, today_, weekday=False),
        "last": day_text(last, today_, weekday=False),
    }
    match row["is"]:
        case "covers":
            return {"icon": "hand", "words": gettext("You stand in for %(name)s until %(last)s.") % said, "do": ""}
        case "asked":
            one_day = gettext("%(name)s asks you to stand in on %(first)s.")
            several = gettext("%(name)s asks you to stand in from %(first)s to %(last)s.")
            words = (one_day if first == last else several) % said
            return {"icon": "info", "words": words, "do": pgettext("button", "Answer")}
    return {
        "icon": "away",
        "words": gettext("You are on leave until %(last)s; %(name)s stands in for you.") % said,
        "do": "",
    }


def _birthday(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    today_ = local(now).date()
    lunar = row["calendar"] == "lunar"
    return {
        "customer": row["customer"],
        "who": row["honorific"] or row["name"],
        "lunar": lunar,
        "today": row["on"] == today_,
        "when": weekday_text(row["on"]),
        "name": row["born"].name.say(owed.speaks()),
        "age": row["age"],
    }
