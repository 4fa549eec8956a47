"""What a full run keeps of the marks: which clause and mode passed, and where a journey acted."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.ran import Ran


def report(test: str, *, outcome: str = "passed", when: str = "call", **said: str) -> Any:
    return SimpleNamespace(
        nodeid=test, when=when, failed=outcome == "failed", passed=outcome == "passed",
        user_properties=[(name, value.replace("_", " ")) for name, value in said.items()],
    )  # fmt: skip


def kept(tmp_path: Path, *reports: Any) -> Any:
    ran = Ran()
    for each in reports:
        ran.pytest_runtest_logreport(each)
    ran.write(tmp_path / "var" / "clauses.json")
    return json.loads((tmp_path / "var" / "clauses.json").read_text())


def test_what_passed_and_what_failed_is_kept(tmp_path: Path) -> None:
    told = kept(
        tmp_path,
        report("a", clause="R12_OWE"),
        report("b", clause="R12_OWE", outcome="failed"),
        report("c", clause="R13_GUARD", saw="R13"),
    )
    assert told["passed"] == {"R12 OWE": ["a"], "R13 GUARD": ["c"]}
    assert told["failed"] == {"R12 OWE": ["b"]}
    assert told["saw"] == {"R13": ["c"]}


def test_a_test_that_breaks_while_being_put_away_did_not_pass(tmp_path: Path) -> None:
    told = kept(
        tmp_path, report("a", clause="R12_OWE"), report("a", clause="R12_OWE", outcome="failed", when="teardown")
    )
    assert told["passed"] == {}
    assert told["failed"] == {"R12 OWE": ["a"]}
