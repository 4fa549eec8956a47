"""`zhike explain N`: the facts and the version of the clause that made obligation N, for whoever operates Zhike."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.cast import seat
from tests.product.test_cli import zhike

from .door import Door
from .moments import moment
from .test_truth_table import FORMS


@pytest.fixture
def outside(database, owner, worker) -> Door:
    """A door to a database that commits, for what another process is to see."""
    with owner():
        cast = seat()
    return Door(cast, owner, worker)


def test_explain_names_clause_version_and_facts(database, outside: Door) -> None:
    customer = outside.customer()
    outside.record(customer, "reception", moment("14:00"), moment("14:27"), known=moment("14:30"), form=FORMS["none"])
    thanks, written = (outside.owed(customer, clause=clause)[0] for clause in ("R12", "R13"))
    done = zhike(database, "explain", thanks.pk, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["clause"], told["clause_from"], told["state"], told["tier"]) == (
        "R12",
        "2025-07-01",
        "open",
        "platinum",
    )
    assert told["fact"]["kind"] == "reception_ended"
    assert datetime.fromisoformat(told["fact"]["at"]) == datetime(2026, 3, 2, 6, 27, tzinfo=UTC)
    assert told["fact"]["data"]["first"] is True
    assert told["settling"] is None
    told = json.loads(zhike(database, "explain", written.pk, "--json").stdout)
    assert told["settling"]["kind"] == "written_up"
    said = zhike(database, "explain", thanks.pk).stdout
    assert "thank platinum+ by SMS" in said
    assert "at: 2026-03-02 14:27:00" in said, "on the bank's clock"
    said = zhike(database, "explain", thanks.pk, ZHIKE_LANG="zh").stdout
    assert "发生于: 2026-03-02 14:27:00" in said
    assert "条款: R12" in said


def test_explain_says_when_there_is_nothing(database) -> None:
    done = zhike(database, "explain", "999999")
    assert done.returncode == 1
    assert "999999" in done.stderr
    assert zhike(database, "explain", "nothing").returncode == 2
