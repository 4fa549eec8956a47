"""参数 · The bank's own settings: what holds today, what changes when; a change is asked for here and approved by another.

Domain: :mod:`zhike.people.bank`, :mod:`zhike.conduct.bank`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from zhike.conduct.bank import SETTINGS, Bank
from zhike.conduct.clause import OBLIGATIONS
from zhike.conduct.setting import GROUPS, UNCERTIFIED, Setting, plain
from zhike.conduct.words import Refused
from zhike.pages.answer import moved
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people import bank
from zhike.people.models import Setting as Row
from zhike.people.permissions import may, policy

TABLES = {
    "tiers": ("key", "zh", "en", "from_assets", "keep_months"),
    "rhythm": ("tier", "contact_days", "meeting_days", "review_days", "book_limit"),
    "reminders": ("kind", "before", "at_once", "morning", "closing", "spread"),
}
SWITCHES = {"at_once", "morning", "closing", "spread"}
WHOLE = {"keep_months", "contact_days", "meeting_days", "review_days", "book_limit"}
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,11}")
SPARE = 2  # empty lines below a table, for more


ONLY = ("differs", "ahead")


@policy("settings.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """All of them as they stand today, by group, with what is to come. ``?q=`` part of a label, a clause or a name;
    ``?only=differs`` those that are not as Zhike brings them, ``?only=ahead`` those that will change."""
    rows = _rows(request)
    query, only = request.GET.get("q", "").strip(), request.GET.get("only", "")
    found = [row for row in rows if query.casefold() in row["searched"]]
    counts = {name: sum(1 for row in found if row[name]) for name in ONLY}
    kept = [row for row in found if only not in ONLY or row[only]]
    speaks = get_language() or ""
    context = {
        "groups": [
            {"name": name, "label": words.say(speaks), "rows": members}
            for name, words in GROUPS.items()
            if (members := [row for row in kept if row["group"] == name])
        ],
        "tabs": _tabs(query, only, len(found), counts),
        "query": query,
        "only": only if only in ONLY else "",
        "all": len(rows),
        "may_change": may(request.actor, "settings.change"),
        "uncertified": UNCERTIFIED.say(speaks),
    }
    return render(request, "settings.html", context)


def _rows(request: ActingRequest) -> list[dict[str, Any]]:
    today, speaks = local(request.now).date(), get_language() or ""
    known = bank.settings_of(request.begun.settings)  # type: ignore[union-attr]
    now, at_first = known.at(today), Bank()
    ahead: dict[str, list[dict[str, Any]]] = {}
    for change in known.changes:
        if change.from_day > today:
            ahead.setdefault(change.name, []).append(
                {"day": change.from_day, "value": bank.shown(change.name, change.value)}
            )
    rows = []
    for name, setting in SETTINGS.items():
        value, default = plain(getattr(now, name)), plain(getattr(at_first, name))
        words = (name, setting.label.zh, setting.label.en, GROUPS[setting.group].say(speaks), *setting.clauses)
        rows.append(
            {
                "name": name,
                "group": setting.group,
                "label": setting.label.say(speaks),
                "lines": bank.lines(name, value) or [gettext("none")],
                "differs": value != default,
                "default": bank.shown(name, default),
                "clauses": setting.clauses,
                "law": setting.origin == "law",
                "uncertified": setting.uncertified,
                "waits": setting.waits.say(speaks) if setting.waits else "",
                "ahead": ahead.get(name, []),
                "searched": " ".join(words).casefold(),
            }
        )
    return rows


def _tabs(query: str, only: str, found: int, counts: dict[str, int]) -> list[dict[str, Any]]:
    """All of what was found, and of it what differs and what will change."""
    texts = {
        "": (pgettext("filter", "All"), found),
        "differs": (gettext("differ from the default"), counts["differs"]),
        "ahead": (gettext("about to change"), counts["ahead"]),
    }
    return [
        {
            "text": text,
            "count": count,
            "href": f"{reverse('settings')}?{urlencode({k: v for k, v in (('q', query), ('only', name)) if v})}".rstrip(
                "?"
            ),
            "current": (only if only in ONLY else "") == name,
        }
        for name, (text, count) in texts.items()
    ]


@policy("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: ActingRequest, name: str) -> HttpResponse:
    """One setting: its history, and the form that asks for a change."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise Http404
    today = local(request.now).date()
    value = plain(getattr(bank.settings_of(request.begun.settings).at(today), name))  # type: ignore[union-attr]
    if request.method != "POST":
        return _form(request, setting, value, today.isoformat(), "")
    given = request.POST
    value = read_form(setting, given)
    try:
        bank.ask_to_change(
            request.actor,
            name,
            value,
            _day(given.get("from_day", "")),
            given.get("reason", ""),
            today=today,
            now=request.now,
        )
    except Refused as refused:
        return _form(request, setting, value, given.get("from_day", ""), given.get("reason", ""), refused)
    return moved(request, reverse("settings"), gettext("Asked for. A second person has to approve it."))


def read_form(setting: Setting, given: QueryDict) -> Any:
    """The plain value that the form says; whether it can be is the domain's to say."""
    text = given.get("value", "").strip()
    match setting.kind:
        case "number":
            return _whole(text)
        case "bool":
            return {"yes": True, "no": False}.get(text, text)
        case "choices":
            return given.getlist("value")
        case "words":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "tiers" | "rhythm" | "reminders":
            columns = TABLES[setting.kind]
            lines = zip(*(given.getlist(f"value.{column}") for column in columns), strict=False)
            return [
                {c: _cell(c, cell.strip()) for c, cell in zip(columns, line, strict=True)}
                for line in lines
                if line[0].strip()
            ]
        case _:
            return text


def _cell(column: str, text: str) -> Any:
    """One cell of a setting that is a table, as plain JSON as far as it can be read."""
    if column in SWITCHES:
        return text == "yes"
    if column == "before":
        return [_whole(each) for each in re.split(r"[\s,，、]+", text) if each]
    return _whole(text) if column in WHOLE else text


def _whole(text: str) -> int | str | None:
    if not text:
        return None
    return int(text) if WHOLE_NUMBER.fullmatch(text) else text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("日期请写成 2026-03-01。", "Write the day like 2026-03-01.") from error


def _form(
    request: ActingRequest, setting: Setting, value: Any, from_day: str, reason: str, refused: Refused | None = None
) -> HttpResponse:
    speaks = get_language() or ""
    columns = TABLES.get(setting.kind, ())
    rows = Row.objects.filter(name=setting.name).select_related("by").order_by("-from_day")
    context = {
        "name": setting.name,
        "label": setting.label.say(speaks),
        "kind": setting.kind,
        "unit": setting.unit.say(speaks) if setting.unit else "",
        "limits": (setting.low, setting.high),
        "choices": [(key, words.say(speaks)) for key, words in setting.choices.items()],
        "uncertified": UNCERTIFIED.say(speaks) if setting.uncertified else "",
        "waits": setting.waits.say(speaks) if setting.waits else "",
        "value": value,
        "columns": columns,
        "heads": _heads(),
        "tiers": _tiers(request, value) if setting.kind == "rhythm" else [],
        "lines": _lines(setting, value),
        "switches": SWITCHES,
        "kinds": {key: words.say(speaks) for key, words in OBLIGATIONS.items()},
        "from_day": from_day,
        "reason": reason,
        "history": [
            {"from": row.from_day, "value": bank.shown(row.name, row.value), "by": row.by.name if row.by else "", "at": row.at}
            for row in rows
        ],
        "wrong": refused.words.say(speaks) if refused else None,
    }  # fmt: skip
    return render(request, "setting.html", context, status=422 if refused else 200)


def _lines(setting: Setting, value: Any) -> list[dict[str, Any]]:
    """The table's lines, with room for more; of reminders every kind there is, those that nobody is reminded of too."""
    columns = TABLES.get(setting.kind, ())
    if not columns or not isinstance(value, list):
        return []
    if setting.kind != "reminders":
        return [*value, *([dict.fromkeys(columns, "")] * SPARE)]
    there = {row["kind"]: row for row in value}
    none = {"before": [], **dict.fromkeys(SWITCHES, False)}
    rows = [there.get(row.kind, {"kind": row.kind, **none}) for row in Bank().reminders]
    return [{**row, "before": "、".join(map(str, row["before"]))} for row in rows]


def _tiers(request: ActingRequest, value: Any) -> list[tuple[str, str]]:
    """The bank's tiers to choose from; one that is none any more stays to be seen where it was written."""
    named = {tier.key: tier.name.say(get_language() or "") for tier in bank_of(request).tiers}
    written = [line["tier"] for line in value] if isinstance(value, list) else []
    return [("", ""), *named.items(), *((key, key) for key in written if key not in named)]


def _heads() -> dict[str, str]:
    return {
        "key": gettext("Key"),
        "tier": gettext("Tier"),
        "zh": gettext("Chinese name"),
        "en": gettext("English name"),
        "from_assets": gettext("from assets, CNY"),
        "keep_months": gettext("months kept after falling below"),
        "contact_days": gettext("contact at least every, days"),
        "meeting_days": gettext("meeting at least every, days"),
        "review_days": gettext("review every, days"),
        "book_limit": gettext("customers per RM at most"),
        "kind": gettext("What is owed"),
        "before": gettext("minutes before"),
        "at_once": gettext("at once"),
        "morning": gettext("that morning"),
        "closing": gettext("before closing"),
        "spread": gettext("spread over the morning"),
    }
