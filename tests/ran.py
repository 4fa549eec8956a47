"""A plugin of pytest: after a full run, which clause and mode passed stands in var/clauses.json for `zhike code check`.

A test says what it shows with `@pytest.mark.clause("R12", "OWE")`; a browser journey that saw a clause's chip and acted
there says so with the fixture `saw`. A run of some tests alone, or with a selection, writes nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What the tests that were collected are marked with.
MARKED = pytest.StashKey[set[str]]()
KEPT = ROOT / "var" / "clauses.json"
MODES = {"OWE", "GUARD", "BRIEF", "RECORD", "MEASURE"}
SELECTING = ("keyword", "markexpr", "lf", "last_failed", "maxfail", "ignore", "deselect", "collectonly")


@pytest.fixture
def saw(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`saw("R12")`: this journey saw the clause's chip and acted there."""
    return lambda clause: record_property("saw", clause)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks travel with the report, from whichever process ran the test."""
    for item in items:
        for mark in item.iter_markers("clause"):
            clause, mode = mark.args
            assert mode in MODES, f"{item.nodeid} marks {clause} with the mode {mode}"
            item.user_properties.append(("clause", f"{clause} {mode}"))
            item.config.stash.setdefault(MARKED, set()).add(f"{clause} {mode}")


class Ran:
    """Collects the reports of one run, in the process that gathers them."""

    def __init__(self) -> None:
        self.passed: dict[str, set[str]] = defaultdict(set)
        self.failed: dict[str, set[str]] = defaultdict(set)
        self.saw: dict[str, set[str]] = defaultdict(set)
        self.bad: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.bad.add(report.nodeid)
        for name, value in report.user_properties:
            if name == "clause" and report.failed:
                self.failed[str(value)].add(report.nodeid)
            elif name == "clause" and report.when == "call" and report.passed:
                self.passed[str(value)].add(report.nodeid)
            elif name == "saw" and report.when == "call" and report.passed:
                self.saw[str(value)].add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        ended = exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
        if ended and full(session.config):
            self.write(KEPT)

    def write(self, path: Path) -> None:
        told = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "passed": listed(self.passed, self.bad),
            "failed": listed(self.failed, set()),
            "saw": listed(self.saw, self.bad),
        }
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")


def listed(found: dict[str, set[str]], without: set[str]) -> dict[str, list[str]]:
    return {key: left for key, tests in sorted(found.items()) if (left := sorted(tests - without))}


def everything(config: pytest.Config) -> bool:
    """Whether all tests were asked for: no files named, nothing selected."""
    named = [Path(argument).resolve() for argument in config.args]
    selected = any(config.getoption(name, default=None) for name in SELECTING)
    return named == [ROOT / "tests"] and not selected


def full(config: pytest.Config) -> bool:
    """Whether everything was asked for, and this is the process that gathers what others ran."""
    return not hasattr(config, "workerinput") and everything(config)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Ran(), "ran")
