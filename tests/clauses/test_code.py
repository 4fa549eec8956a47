"""The code as data against the code as read: every clause, its force, its modes; and what `zhike code` says of them."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

from tests.ran import MARKED, everything
from zhike import cli, served
from zhike.conduct import clause

READ = tomllib.loads(Path(__file__).with_name("modes.toml").read_text())
DAY = date(2026, 3, 2)


def test_every_clause_is_loaded_with_its_force_and_modes() -> None:
    code = clause.load()
    assert set(code) == set(READ)
    for id, (force, modes) in READ.items():
        assert code[id].force == force.split(";")[0], id
        assert set(code[id].modes) == set(modes.split()), id
        assert bool(code[id].force_note) is (";" in force), id
        assert code[id].on(DAY), id


def run(**tests: tuple[str, ...]) -> served.Run:
    """A run in which the tests of these clauses and modes passed."""
    passed = {f"{id} {mode}": ["tests/x.py::test"] for id, modes in tests.items() for mode in modes}
    return served.Run("2026-03-02T10:00:00+00:00", passed, {}, {"R12": ["tests/browser/x.py::test_day"]})


def entry(id: str, seen: served.Run) -> served.Entry:
    return next(each for each in served.entries(clause.load(), DAY, seen) if each.id == id)


def test_a_clause_is_served_when_data_test_page_and_measure_exist() -> None:
    assert entry("R12", run(R12=("OWE", "MEASURE"))).served
    assert not entry("R12", run(R12=("OWE",))).served, "no measure"
    assert not entry("R12", run(R12=("MEASURE",))).served, "no test of OWE"
    assert not entry("R13", run(R13=("GUARD", "OWE", "MEASURE"))).served, "no page"
    assert not entry("R12", served.Run()).test, "nothing was run"


def test_a_failing_test_takes_a_clause_back() -> None:
    good = run(R12=("OWE", "MEASURE"))
    bad = served.Run(good.at, good.passed, {"R12 OWE": ["tests/y.py::test"]}, good.saw)
    assert not entry("R12", bad).test


def test_before_its_first_day_a_clause_has_no_data() -> None:
    assert not any(each.data for each in served.entries(clause.load(), date(2020, 1, 1), served.Run()))


@pytest.mark.parametrize("told", ["", "{", "[]", '{"at": 1}'])
def test_a_broken_record_counts_as_no_run(tmp_path: Path, told: str) -> None:
    path = tmp_path / "clauses.json"
    path.write_text(told)
    assert served.last_run(path) == served.Run()


def test_code_check_has_one_row_for_each_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["code", "check", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == list(clause.load())
    assert set(rows[0]) == {"id", "force", "modes", "data", "test", "page", "measure", "served"}


def test_code_show_prints_text_source_rules_and_tests(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["code", "show", "R12"]) == 0
    said = capsys.readouterr().out
    for part in ("R12", "致谢", "规范", "owes=thanks", "window=reception_thanks"):
        assert part in said
    assert cli.main(["code", "show", "R99"]) == 1
    assert "R99" in capsys.readouterr().err


def test_without_a_full_run_nothing_is_called_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every machine but the one that had just run all tests was told 0/52."""
    monkeypatch.setattr(served, "last_run", served.Run)
    assert cli.main(["code", "check"]) == 0
    said = capsys.readouterr().out
    assert "·" not in said
    assert "0/52" not in said
    assert "bin/test" in said
    assert cli.main(["code", "show", "V7"]) == 0
    assert "OWE: tests/clauses/" in capsys.readouterr().out


def test_a_clock_set_outside_a_demonstration_gets_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIKE_CLOCK", "soon")
    assert cli.main(["code", "check"]) == 2
    assert "ZHIKE_CLOCK" in capsys.readouterr().err


def test_code_list_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["code", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(READ) == 52


# R7 needs the shelf and its guides, R15 sales.
NOT_YET = {
    "R7",
    "R15",
    *(f"W{number}" for number in range(1, 16) if number not in {1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12}),
}
PARTLY = {"R4", "W5", "W8"}


def test_what_is_not_served_yet_is_said_with_the_clause() -> None:
    code = clause.load()
    assert {id for id, each in code.items() if not each.served} == NOT_YET
    assert {id for id, each in code.items() if each.not_yet} == PARTLY
    assert all(each.served == each.modes for id, each in code.items() if id not in NOT_YET)
    # What the bank adds to a clause of another mode (W12: an answer to what was passed on) is no mode of the code's.
    assert not [
        id for id, each in code.items() for version in each.versions
        if any(rule.origin == "code" for rule in version.owe) and "OWE" not in each.served
    ]  # fmt: skip


def test_every_clause_of_reception_visit_and_call_has_a_test_for_each_mode(request: pytest.FixtureRequest) -> None:
    if not everything(request.config):
        pytest.skip("looks at all tests; only some were asked for")
    marked = request.config.stash[MARKED]
    wanted = {
        f"{id} {mode}"
        for id, (_, modes) in READ.items()
        for mode in {*modes.split(), "MEASURE"}
        if id[0] in "RVC" and id not in NOT_YET
    }
    assert wanted <= marked, f"no test is marked {', '.join(sorted(wanted - marked))}"
    assert {each.split()[0] for each in marked} <= set(READ)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["explain", "abc"], "OBLIGATION：'abc' 不是整数。"),
        (["explain"], "缺少：OBLIGATION。"),
        (["code", "list", "--wrong"], "不认识的参数：--wrong。"),
        (["code", "shwo"], "没有 'shwo'，可选："),
    ],
)
def test_wrong_use_is_said_in_the_readers_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: list[str], says: str
) -> None:
    for language in ("zh", "en"):
        monkeypatch.setattr("zhike.embedded.language", lambda language=language: language)
        with pytest.raises(SystemExit) as left:
            cli.main(typed)
        said = capsys.readouterr().err
        assert left.value.code == 2
        assert (says in said) is (language == "zh")
        assert ("用法：" in said) is (language == "zh")
        assert ("usage:" in said) is (language == "en")
