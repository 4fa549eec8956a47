"""Which clauses are served: computed from the code as data and from what the last full run of the tests saw.

    entries(load(), day, last_run())

The tests write what they saw into ``var/clauses.json`` (tests/ran.py); without a full run nothing counts as tested.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from zhike.conduct.clause import Clause, Code, OweRule
from zhike.conduct.words import Words

TESTS = Path(__file__).resolve().parent.parent / "tests"
LAST_RUN = Path(__file__).resolve().parent.parent / "var" / "clauses.json"


@dataclass(frozen=True)
class Run:
    """What a full run saw: tests by "clause mode", passed and failed, and the browser journeys by clause."""

    at: str = ""
    passed: Mapping[str, Iterable[str]] | None = None
    failed: Mapping[str, Iterable[str]] | None = None
    saw: Mapping[str, Iterable[str]] | None = None

    def tests(self, clause: str, mode: str) -> list[str]:
        """The tests marked so that passed."""
        return sorted((self.passed or {}).get(f"{clause} {mode}", ()))

    def holds(self, clause: str, mode: str) -> bool:
        """A test marked with clause and mode passed, and none of them failed."""
        key = f"{clause} {mode}"
        return bool((self.passed or {}).get(key)) and not (self.failed or {}).get(key)

    def journeys(self, clause: str) -> list[str]:
        """The browser journeys that saw the clause's chip and acted there."""
        return sorted((self.saw or {}).get(clause, ()))


@dataclass(frozen=True)
class Entry:
    """One clause: what of data, test, page and measure exists. Served is what has all four."""

    id: str
    force: str
    modes: tuple[str, ...]
    data: bool
    test: bool
    page: bool
    measure: bool
    served: bool

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "modes": list(self.modes)}


def last_run(path: Path = LAST_RUN) -> Run:
    """What the last full run wrote; an empty Run where there was none, or where the file cannot be read."""
    try:
        told = json.loads(path.read_text("utf-8"))
        return Run(told["at"], told["passed"], told["failed"], told["saw"])
    except (OSError, ValueError, KeyError, TypeError):
        return Run()


def entries(code: Code, day: date, run: Run) -> list[Entry]:
    """One for each clause, in the order of the code."""
    found = []
    for clause in code.values():
        data = clause.on(day) is not None
        test = all(run.holds(clause.id, mode) for mode in clause.modes)
        page = bool(run.journeys(clause.id))
        measure = run.holds(clause.id, "MEASURE")
        served = data and test and page and measure
        found.append(Entry(clause.id, clause.force, clause.modes, data, test, page, measure, served))
    return found


def shown(clause: Clause, run: Run, say: Callable[[str, str], str]) -> dict[str, Any]:
    """One clause as `zhike code show` has it: text, source, rules of every version, tests and journeys."""

    def said(text: Words) -> str:
        return say(text.zh, text.en)

    tested = dict.fromkeys((*clause.modes, "MEASURE"))
    return {
        "id": clause.id,
        "title": said(clause.title),
        "norm": said(clause.norm),
        "force": clause.force + (f" ({said(clause.force_note)})" if clause.force_note else ""),
        "modes": list(clause.modes),
        "served": list(clause.served),
        "not_yet": said(clause.not_yet) if clause.not_yet else "",
        "source": said(clause.source),
        "rules": [
            {"from": version.from_day.isoformat(), **rule_shown(rule, said)}
            for version in clause.versions
            for rule in version.owe
        ],
        "tests": [f"{mode}: {test}" for mode in tested for test in run.tests(clause.id, mode)]
        if run.at
        else [
            f"{mode}: {test} ({say('本机未运行', 'not run here')})"
            for mode in tested
            for test in marked(clause.id, mode)
        ],
        "journeys": run.journeys(clause.id),
    }


def marked(clause: str, mode: str, root: Path = TESTS) -> list[str]:
    """The tests that say that they show it, read from their files: for a machine where they never ran. None where no tests are."""
    found = []
    for path in sorted(root.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            marks = node.decorator_list if isinstance(node, ast.FunctionDef) else []
            if any(_marks(each, clause, mode) for each in marks):
                found.append(f"{path.relative_to(root.parent)}::{node.name}")  # type: ignore[attr-defined]
    return found


def _marks(decorator: ast.expr, clause: str, mode: str) -> bool:
    """Whether it is ``@pytest.mark.clause(clause, mode)``."""
    if not (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "clause"
    ):
        return False
    return [each.value for each in decorator.args if isinstance(each, ast.Constant)] == [clause, mode]


def rule_shown(rule: OweRule, said: Callable[[Words], str]) -> dict[str, Any]:
    """A rule by the names that its clause gives: after which fact, under what conditions, in which window."""
    return {
        "owes": rule.kind,
        "after": rule.after,
        "when": ", ".join(condition.__name__ for condition in rule.when),
        "window": rule.window,
        "channels": rule.channels.__name__ if rule.channels else "",
        "obstacle": rule.obstacle.__name__ if rule.obstacle else "",
        "origin": rule.origin,
        "because": said(rule.because),
    }
