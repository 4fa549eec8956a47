"""The code as data: clauses in chapters, each with text, source and dated rules whose names Python defines.

The loader refuses what it does not know: a rule that names nothing would silently owe nothing.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from zhike.conduct import facts, windows
from zhike.conduct.conditions import (
    CHANNELS,
    CONDITIONS,
    DETAILS,
    OBSTACLES,
    Channels,
    Condition,
    Detail,
    Obstacle,
)
from zhike.conduct.words import Words

T = TypeVar("T")

CHAPTERS = ("reception", "visit", "call", "message", "work")
FORCES = ("must", "should", "try", "may")
MODES = ("OWE", "GUARD", "BRIEF", "RECORD", "MEASURE")
OBLIGATIONS = {
    "thanks": Words("致谢", "thanks"),
    "write_up": Words("写联系记录", "write-up"),
    "call_back": Words("回电", "call-back"),
    "call_again": Words("再打一次", "call again"),
    "arrival": Words("到门口", "arrival"),
    "answer": Words("答复", "answer"),
    "apology": Words("告知并致歉", "tell and apologise"),
    "find_out": Words("问清资料", "find out"),
    "birthday": Words("生日问候", "birthday greeting"),
    "rhythm": Words("该联系了", "contact due"),
    "meet": Words("该见面了", "meeting due"),
    "promise": Words("兑现承诺", "promise"),
    "look_into": Words("过问", "look into"),
    "take_on": Words("接受交办", "take on an assignment"),
    "assignment": Words("交办", "assignment"),
    "look_over": Words("看交来的", "look at what was handed in"),
    "greetings": Words("安排节日问候", "arrange a festival's greetings"),
    "forward": Words("转发营销短信", "forward a campaign"),
    "sign_in": Words("返回签到", "sign back in"),
    "outing_report": Words("外出汇报", "report on an outing"),
    "help": Words("答复求助", "answer a request for help"),
    "delivery": Words("送达单据", "delivery"),
    "prospect_step": Words("潜在客户的下一步", "next step with a prospect"),
    "note_answer": Words("答复报送的信息", "answer a note"),
    "answer_back": Words("看报送的答复", "read the answer to a note"),
    "prospect_keep": Words("将退回公海的潜在客户", "a prospect about to go back to the pool"),
    "acknowledge": Words("阅知规范", "read and acknowledge the code"),
    "work_plan": Words("定工作计划", "make a plan"),
    "planned": Words("计划事项", "planned"),
    "plan_comment": Words("看计划批注", "read what was said of a plan"),
}


class UnknownName(ValueError):
    """A clause names something that Python does not define, or leaves out something that it must say."""


@dataclass(frozen=True, slots=True)
class OweRule:
    """After a fact, under conditions, something is owed in a window: the OWE mode of one clause.

    ``opens_from``: the moment among the fact's data from which on it may be done.
    """

    kind: str
    after: str
    when: tuple[Condition, ...]
    window: str
    from_target: bool
    opens_now: bool
    opens_from: str
    channels: Channels | None
    obstacle: Obstacle | None
    detail: Detail | None
    because: Words
    origin: str
    lapses: bool
    endless: bool


@dataclass(frozen=True, slots=True)
class Version:
    """A clause as it stands from a day on, in the words of that day."""

    from_day: date
    norm: Words
    owe: tuple[OweRule, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: what it asks, how strongly, in which modes it is meant to be served, and its dated versions, oldest first.

    ``served`` are those of the modes that this release of Zhike serves; ``not_yet`` says what is missing of them.
    """

    id: str
    chapter: str
    force: str
    force_note: Words | None
    modes: tuple[str, ...]
    served: tuple[str, ...]
    not_yet: Words | None
    title: Words
    norm: Words
    hint: Words
    source: Words
    law: bool
    versions: tuple[Version, ...]

    def on(self, day: date) -> Version | None:
        """The version in force on a day; None before the first."""
        return next((version for version in reversed(self.versions) if version.from_day <= day), None)


@dataclass(frozen=True, slots=True)
class Change:
    """A clause that a version of the code brings or changes: what it said ``before`` (None: it is new) and says ``now``."""

    clause: Clause
    before: Words | None
    now: Words


class Code(Mapping[str, Clause]):
    """All clauses by id, in the order of the chapters."""

    def __init__(self, clauses: Mapping[str, Clause]) -> None:
        self._clauses = dict(clauses)
        # Who may owe something after a fact of each kind; the others need not be asked.
        self._after: dict[str, list[Clause]] = {}
        for clause in clauses.values():
            for kind in {rule.after for version in clause.versions for rule in version.owe}:
                self._after.setdefault(kind, []).append(clause)

    def __getitem__(self, id: str) -> Clause:
        return self._clauses[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._clauses)

    def __len__(self) -> int:
        return len(self._clauses)

    def rules(self, fact_kind: str, day: date) -> Iterator[tuple[Clause, Version, OweRule]]:
        """What may be owed after a fact of this kind on this day, in the order of the chapters."""
        for clause in self._after.get(fact_kind, ()):
            if version := clause.on(day):
                yield from ((clause, version, rule) for rule in version.owe if rule.after == fact_kind)

    def versions(self, day: date) -> list[date]:
        """The days on which the code as a whole changed, up to a day, oldest first: the last names the version in force."""
        return sorted({v.from_day for clause in self.values() for v in clause.versions if v.from_day <= day})

    def changes(self, since: date | None, day: date) -> list[Change]:
        """What a reader of the code as it stood ``since`` a day (None: nobody has read any) finds new in it on ``day``."""
        found = []
        for clause in self.values():
            now, before = clause.on(day), clause.on(since) if since else None
            if now is not None and now is not before:
                found.append(Change(clause, before.norm if before else None, now.norm))
        return found


@cache
def load() -> Code:
    """The code that ships with Zhike."""
    chapters = {
        chapter: files("zhike.conduct.clauses").joinpath(f"{chapter}.toml").read_text("utf-8") for chapter in CHAPTERS
    }
    return parse(chapters)


def parse(chapters: Mapping[str, str]) -> Code:
    """The code from TOML, chapter by chapter. Raises UnknownName with clause and name; ValueError for broken TOML."""
    clauses: dict[str, Clause] = {}
    for chapter, text in chapters.items():
        for id, table in tomllib.loads(text).items():
            if id in clauses:
                raise UnknownName(f"{id} stands in two chapters.")
            clauses[id] = _clause(id, chapter, table)
    return Code(clauses)


def _clause(id: str, chapter: str, table: dict[str, Any]) -> Clause:
    allowed = {
        "force",
        "force_note",
        "modes",
        "served",
        "not_yet",
        "title",
        "norm",
        "hint",
        "source",
        "law",
        "in_force",
    }
    _refuse(id, set(table) - allowed, "table")
    _refuse(id, {table["force"]} - set(FORCES), "force")
    _refuse(id, set(table["modes"]) - set(MODES), "mode")
    _refuse(id, set(table.get("served", ())) - set(table["modes"]), "served mode")
    versions = tuple(
        sorted(
            (_version(id, entry, table["norm"]) for entry in table["in_force"]), key=lambda version: version.from_day
        )
    )
    if len({version.from_day for version in versions}) < len(versions):
        raise UnknownName(f"{id}: two versions come into force on one day.")
    return Clause(
        id=id,
        chapter=chapter,
        force=table["force"],
        force_note=_words(table["force_note"]) if "force_note" in table else None,
        modes=tuple(table["modes"]),
        served=tuple(table.get("served", table["modes"])),
        not_yet=_words(table["not_yet"]) if "not_yet" in table else None,
        title=_words(table["title"]),
        norm=_words(table["norm"]),
        hint=_words(table["hint"]),
        source=_words(table["source"]),
        law=table.get("law", False),
        versions=versions,
    )


def _version(id: str, entry: dict[str, Any], norm: dict[str, str]) -> Version:
    """An entry that is worded otherwise than the clause now says so itself."""
    _refuse(id, set(entry) - {"from", "norm", "owe"}, "table")
    return Version(
        entry["from"], _words(entry.get("norm", norm)), tuple(_owe(id, rule) for rule in entry.get("owe", ()))
    )


def _owe(id: str, rule: dict[str, Any]) -> OweRule:
    allowed = {
        "kind",
        "after",
        "when",
        "window",
        "from_target",
        "opens_now",
        "opens_from",
        "channels",
        "obstacle",
        "detail",
        "because",
        "origin",
        "lapses",
        "endless",
    }
    _refuse(id, set(rule) - allowed, "table")
    _refuse(id, {rule["kind"]} - set(OBLIGATIONS), "obligation")
    _refuse(id, {rule["after"]} - set(facts.KINDS), "fact")
    _refuse(id, {rule["window"]} - windows.NAMES, "window")
    if "opens_from" in rule:
        _refuse(id, {rule["opens_from"]} - set(facts.KINDS[rule["after"]].carries), "moment")
    origin = rule.get("origin", "code")
    _refuse(id, {origin} - {"code", "bank", "law"}, "origin")
    return OweRule(
        kind=rule["kind"],
        after=rule["after"],
        when=tuple(_name(id, CONDITIONS, name, "condition") for name in rule.get("when", ())),
        window=rule["window"],
        from_target=rule.get("from_target", False),
        opens_now=rule.get("opens_now", False),
        opens_from=rule.get("opens_from", ""),
        channels=_name(id, CHANNELS, rule["channels"], "channels") if "channels" in rule else None,
        obstacle=_name(id, OBSTACLES, rule["obstacle"], "obstacle") if "obstacle" in rule else None,
        detail=_name(id, DETAILS, rule["detail"], "detail") if "detail" in rule else None,
        because=_words(rule["because"]),
        origin=origin,
        lapses=rule.get("lapses", False),
        endless=rule.get("endless", False),
    )


def _name(id: str, names: Mapping[str, T], name: str, what: str) -> T:
    if name not in names:
        raise UnknownName(f"{id} names the {what} {name!r}, which Python does not define.")
    return names[name]


def _refuse(id: str, unknown: set[str], what: str) -> None:
    if unknown:
        raise UnknownName(f"{id} names the {what} {', '.join(sorted(unknown))!r}, which Python does not define.")


def _words(table: dict[str, str]) -> Words:
    return Words(table["zh"], table["en"])
