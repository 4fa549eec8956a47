"""The bank's settings as its rows say, read once a version and not once a request; changed by two persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils.timezone import localdate
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct import horizon
from zhike.conduct.bank import SETTINGS, Bank, Change, Settings
from zhike.conduct.clause import OBLIGATIONS
from zhike.conduct.reminding import said
from zhike.conduct.setting import plain, read
from zhike.conduct.words import Refused, Words
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.models import Approval, Setting

TABLES = {"tiers", "rhythm"}


@lru_cache(maxsize=4)
def settings_of(version: int) -> Settings:
    """The settings through time at ``version`` (as a request's beginning tells it); a new version is read anew."""
    return Settings(Change(row.name, row.value, row.from_day) for row in Setting.objects.order_by("from_day", "at"))


def settings() -> Settings:
    """The settings as they stand now, for the worker and commands; one statement more."""
    return settings_of(settings_version())


def settings_version() -> int:
    """Changes whenever a setting does; the same number that a request's beginning tells."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_settings_version()")
        return int(cursor.fetchone()[0])


def ask_to_change(
    actor: Actor, name: str, value: Any, from_day: date, reason: str, *, today: date, now: datetime
) -> Approval:
    """Asks that a setting be ``value`` (plain JSON) from a day on. Raises Refused where it cannot be."""
    if name not in SETTINGS:
        raise Refused(f"没有名为 {name} 的参数。", f"There is no setting called {name}.")
    if from_day < today:
        raise Refused(
            "生效日不能早于今天：此前应办按当时的口径。",
            "It cannot begin before today: what was owed then stays as it was.",
        )
    horizon.check(from_day, today)
    settings().with_change(Change(name, value, from_day))
    if plain(read(SETTINGS[name], value)) == plain(getattr(settings().at(from_day), name)):
        raise Refused("与当时的值相同，无需修改。", "That is its value already.")
    payload = {"name": name, "value": value, "from_day": from_day.isoformat()}
    return approvals.ask(actor, CHANGE.name, f"setting:{name}", payload, reason, now)


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    payload = approval.payload
    day = date.fromisoformat(payload["from_day"])
    if day < localdate(now):
        raise approvals.Undecidable(
            "生效日已过：此前应办按当时的口径，请另定生效日重新申请。",
            "Its first day is over, and what was owed then stays as it was. Ask anew with a day to come.",
        )
    settings().with_change(Change(payload["name"], payload["value"], day))  # others may have changed what it must fit
    newest = Setting.objects.aggregate(at=Max("at"))["at"]
    # Later than whatever stands, although this machine's clock may be behind: by it others see that something changed.
    at = max(now, newest + timedelta(microseconds=1)) if newest else now
    Setting.objects.update_or_create(
        name=payload["name"],
        from_day=day,
        defaults={"value": payload["value"], "by_id": approval.asked_by_id, "at": at, "approval": approval},
    )


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    known, rows = settings(), list(Setting.objects.order_by("from_day", "at"))
    return [_line(approval.payload, _before(approval, known, rows)) for approval in some]


def _before(approval: Approval, known: Settings, rows: Sequence[Setting]) -> Bank:
    """What a change is set against: what holds from its day on, or what did when it was decided."""
    if approval.decided_at:
        earlier = [row for row in rows if row.at < approval.decided_at]
        known = Settings(Change(row.name, row.value, row.from_day) for row in earlier)
    return known.at(date.fromisoformat(approval.payload["from_day"]))


def _line(payload: dict[str, Any], before: Bank) -> list[approvals.Line]:
    name = payload["name"]
    now, new = lines(name, plain(getattr(before, name))), lines(name, payload["value"])
    if SETTINGS[name].kind in TABLES:  # of a table the rows that change
        now, new = [row for row in now if row not in new], [row for row in new if row not in now]
    return [
        (_("Setting"), SETTINGS[name].label.say(get_language() or "")),
        (_("Until now"), _joined(name, now)),
        (_("New"), _joined(name, new)),
        (_("From"), payload["from_day"]),
    ]


def shown(name: str, value: Any) -> str:
    """A setting's plain value as the reader says it, in one line."""
    return _joined(name, lines(name, value))


def _joined(name: str, entries: Sequence[str]) -> str:
    english = (get_language() or "").startswith("en")
    if SETTINGS[name].kind in TABLES:  # whose rows have commas of their own
        return ("; " if english else "；").join(entries) or _("none")
    return (", " if english else "、").join(entries) or _("none")


def lines(name: str, value: Any) -> list[str]:
    """The same with each entry of a list by itself."""
    setting, language = SETTINGS[name], get_language() or ""
    match setting.kind:
        case "bool":
            return [_("on") if value else _("off")]
        case "choice":
            return [setting.choices[value].say(language)]
        case "choices":
            return [setting.choices[key].say(language) for key in value]
        case "words":
            return list(value)
        case "line":
            return [value] if value else []
        case "tiers":
            name_of = "en" if language.startswith("en") else "zh"
            return [_tier(row[name_of], row) for row in value]
        case "rhythm":
            tiers = {tier.key: tier.name.say(language) for tier in settings().at(date.max).tiers}
            return [_rhythm(tiers.get(row["tier"], row["tier"]), row) for row in value]
        case "reminders":
            return [
                f"{OBLIGATIONS[row['kind']].say(language)} {steps}" for row in value if (steps := _steps(row, language))
            ]
        case _:
            return [f"{value} {setting.unit.say(language)}" if setting.unit else str(value)]


def _steps(row: dict[str, Any], language: str) -> str:
    """When one kind of obligation is remembered, in words."""
    steps = ["once"] * row["at_once"] + ["morning"] * row["morning"] + ["closing"] * row["closing"]
    return "、".join(said(step).say(language) for step in [*(f"before:{n}" for n in row["before"]), *steps])


def _tier(tier: str, row: dict[str, Any]) -> str:
    said = _("%(tier)s from %(assets)s") % {"tier": tier, "assets": _yuan(row["from_assets"])}
    return f"{said}{_(', kept for %(n)s months') % {'n': row['keep_months']}}" if row["keep_months"] else said


def _rhythm(tier: str, row: dict[str, Any]) -> str:
    """Each column that says something: who decides about a change sees which of them it is."""
    columns = {
        "contact_days": _("contact every %(n)s days"), "meeting_days": _("meeting every %(n)s days"),
        "review_days": _("review every %(n)s days"), "book_limit": _("%(n)s customers per RM at most"),
    }  # fmt: skip
    said = [words % {"n": row[column]} for column, words in columns.items() if row[column]]
    comma = ", " if (get_language() or "").startswith("en") else "，"
    return f"{tier} {comma.join(said) or _('as need be')}"


def _yuan(text: str) -> str:
    """A threshold as people say it: 20 万 or 200,000."""
    amount = Decimal(text)
    if not (get_language() or "").startswith("en") and amount and amount % 10_000 == 0:
        return f"{amount // 10_000} 万"
    return f"{amount:,}"


CHANGE = approvals.register(
    approvals.Kind(
        "people.setting",
        Words("修改参数", "Change a setting"),
        "settings.change",
        "settings.approve",
        _carry_out,
        _lines,
    )
)
