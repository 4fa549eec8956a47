"""What a full run keeps of the marks: which clause and mode passed, and where a journey acted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tests.ran
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


MARKED = """
import pytest

@pytest.mark.clause("R12", "OWE")
def test_thanks(saw):
    saw("R12")

@pytest.mark.clause("R13", "GUARD")
def test_write_up():
    assert False
"""


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ([], True),
        (["-n", "2"], True),
        (["tests"], True),
        (["-k", "thanks"], False),
        (["tests/test_marked.py"], False),
        (["--collect-only"], False),
    ],
)
def test_a_full_run_alone_is_kept(tmp_path: Path, asked: list[str], kept: bool) -> None:
    """Whether it is one process or several that run the tests."""
    inside = tmp_path / "tests"
    inside.mkdir()
    (inside / "__init__.py").touch()
    (inside / "ran.py").write_text(Path(tests.ran.__file__).read_text())
    (inside / "conftest.py").write_text('pytest_plugins = ["tests.ran"]\n')
    (inside / "test_marked.py").write_text(MARKED)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\nmarkers = clause(id, mode)\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:django", *asked]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    path = tmp_path / "var" / "clauses.json"
    assert path.exists() is kept
    if kept:
        told = json.loads(path.read_text())
        test = "tests/test_marked.py::test_"
        assert told["passed"] == {"R12 OWE": [f"{test}thanks"]}
        assert told["failed"] == {"R13 GUARD": [f"{test}write_up"]}
        assert told["saw"] == {"R12": [f"{test}thanks"]}
