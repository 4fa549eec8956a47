"""Measures on fixtures worked out by hand: the numbers stand beside the rows that they come from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zhike.conduct.measure import FATES, CallBack, Kept, Talk, adherence, bin_of, call_backs, edges, tallies

NOW = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)  # Tuesday noon in Shanghai
DUE = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)  # the end of Monday


def kept(
    clause: str, state: str, *, force: str = "should", origin: str = "code", due: Any = DUE, **evidence: Any
) -> Kept:
    done_at = evidence.get("at", DUE - timedelta(hours=2))
    if state == "done":
        evidence = {"grade": "tapped", **evidence, "at": done_at.isoformat()}
    return Kept(clause, origin, force, state, due, done_at if state == "done" else None, evidence)


# Nine obligations of one clause: 2 in time, 1 late, 1 open before and 1 past its time, 1 missed, 1 waived, 1 impossible,
# 1 withdrawn. The rate divides by what is settled or past its time: 2 of 2 + 1 + 1 + 1 = 5.
NINE = (
    ("done", {}),
    ("done", {"grade": "entered"}),
    ("done", {"at": DUE + timedelta(minutes=1)}),
    ("open", {"due": NOW + timedelta(hours=1)}),
    ("open", {}),
    ("missed", {}),
    ("waived", {}),
    ("cannot", {}),
    ("withdrawn", {}),
)


def test_what_was_owed_is_counted_by_what_became_of_it() -> None:
    """The arithmetic alone; what each clause owes and how it is kept is measured in tests/clauses/test_measured.py."""
    (measure,) = adherence([kept("R12", state, **more) for state, more in NINE], NOW)
    assert (measure.clause, measure.owed) == ("R12", 8)
    assert (measure.in_time, measure.late, measure.open, measure.overdue) == (2, 1, 1, 1)
    assert (measure.missed, measure.waived, measure.cannot) == (1, 1, 1)
    assert (measure.counted, measure.rate) == (5, 0.4)
    assert measure.grades == {"tapped": 2, "entered": 1}


@pytest.mark.clause("R4", "MEASURE")
def test_what_has_no_deadline_is_never_late() -> None:
    (measure,) = adherence([kept("R4", "open", due=None), kept("R4", "done", due=None)], NOW + timedelta(days=400))
    assert (measure.in_time, measure.open, measure.overdue, measure.missed) == (1, 1, 0, 0)
    assert measure.rate == 1.0


def test_the_banks_own_rules_stand_beside_the_codes_never_among_them() -> None:
    rows = [kept("R5", "done", origin="bank"), kept("R5", "missed", origin="bank"), kept("R5", "done", origin="code")]
    bank, code = adherence(rows, NOW)
    assert (bank.origin, bank.owed, bank.rate) == ("bank", 2, 0.5)
    assert (code.origin, code.owed, code.rate) == ("code", 1, 1.0)
    (rhythm,) = adherence([kept("W5", "done", origin="bank"), kept("W5", "open", origin="bank")], NOW)
    assert (rhythm.in_time, rhythm.overdue, rhythm.rate) == (1, 1, 0.5)


@pytest.mark.clause("V2", "MEASURE")
def test_arrivals_are_measured_by_their_minute() -> None:
    judged = ["too_early", "as_prescribed", "as_prescribed", "short_wait"]
    rows = [kept("V2", "done", arrival=each) for each in judged] + [kept("V2", "missed")]
    (measure,) = adherence(rows, NOW)
    assert (measure.in_time, measure.early, measure.late, measure.missed, measure.rate) == (3, 1, 0, 1, 0.6)
    assert measure.spread == {"too_early": 1, "as_prescribed": 2, "short_wait": 1}


@pytest.mark.clause("C5", "MEASURE")
def test_call_backs_are_measured_by_their_minutes() -> None:
    rows = [
        kept("C5", "done", force="must", minutes=m, kept=k)
        for m, k in ((0, "kept"), (5, "kept"), (-6, "early"), (9, "late"))
    ]
    (measure,) = adherence([*rows, kept("C5", "open", force="must")], NOW)
    assert (measure.in_time, measure.early, measure.late, measure.overdue, measure.rate) == (2, 1, 1, 1, 0.4)
    assert measure.spread == {"kept": 2, "early": 1, "late": 1}


# minutes off, and the bin they lie in: a tolerance of any whole minute holds its limits
BINS = [
    (-2000.5, (None, -60)), (-60.01, (None, -60)), (-60, (-60, -30)), (-30.01, (-60, -30)), (-30, (-30, -15)),
    (-15, (-15, -10)), (-10.5, (-15, -10)), (-10, (-10, -9)), (-5.01, (-6, -5)), (-5, (-5, -4)), (-0.02, (-1, 0)),
    (0, (0, 1)), (0.01, (0, 1)), (1, (0, 1)), (1.01, (1, 2)), (5, (4, 5)), (5.01, (5, 6)), (10, (9, 10)),
    (10.01, (10, 15)), (15, (10, 15)), (30, (15, 30)), (60, (30, 60)), (60.01, (60, None)), (2897.5, (60, None)),
]  # fmt: skip


@pytest.mark.parametrize(("minutes", "bin"), BINS)
def test_a_deviation_lies_in_one_bin(minutes: float, bin: tuple[int | None, int | None]) -> None:
    assert edges(bin_of(minutes)) == bin


@pytest.mark.clause("C5", "MEASURE")
def test_call_backs_are_put_into_bins_by_what_became_of_them() -> None:
    """Nine that count: 1 early, 2 in time and 1 for which the customer rang first, 2 late, 2 never (of one the leader knows), 1
    still to come. With a tolerance of 10 minutes +8 is kept, with one of 5 it is late: both lie in one bin.
    """
    made = [
        CallBack("done", True, 5, -8.0, "early", "tapped"),
        CallBack("done", True, 5, 0.0, "kept", "tapped"),
        CallBack("done", True, 10, 7.5, "kept", "entered"),
        CallBack("done", True, 5, None, "", "observed", incoming=True),
        CallBack("done", True, 5, 7.9, "late", "tapped"),
        CallBack("done", True, 5, 90.0, "late", "entered"),
        CallBack("open", True, 5, told=True),
        CallBack("open", True, 5),
        CallBack("open", False, 5, told=False),
    ]
    aside = [CallBack(state, True, 7) for state in ("withdrawn", "waived", "cannot")]
    found = call_backs([*made, *aside])
    assert [found.fates[fate] for fate in FATES] == [1, 3, 2, 2, 1]
    assert (found.owed, found.by_customer, found.told) == (9, 1, 1)
    assert found.grades == {
        "early": {"tapped": 1}, "kept": {"tapped": 1, "entered": 1, "observed": 1}, "late": {"tapped": 1, "entered": 1},
    }  # fmt: skip
    assert {edges(n): dict(bin) for n, bin in enumerate(found.bins) if bin} == {
        (-8, -7): {"early": 1}, (0, 1): {"kept": 1}, (7, 8): {"kept": 1, "late": 1}, (60, None): {"late": 1},
    }  # fmt: skip
    assert found.tolerances == {5: 8, 10: 1}


def test_call_backs_that_are_alike_count_as_often_as_there_are() -> None:
    found = call_backs([CallBack("done", True, 5, 2.0, "kept", "tapped", incoming=True, times=40)])
    assert (found.owed, found.fates["kept"], found.by_customer) == (40, 40, 40)
    assert found.bins[bin_of(2)] == {"kept": 40}


def test_what_may_be_done_is_never_measured_as_missed() -> None:
    assert adherence([kept("R11", "missed", force="may")], NOW) == []


def test_nothing_counted_has_no_rate() -> None:
    (measure,) = adherence([kept("R12", "open", due=NOW + timedelta(hours=1))], NOW)
    assert (measure.counted, measure.rate) == (0, None)


# ── contacts ──

AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
TALKS = [
    # a first reception, prepared, card handed, a need said, all by manners; seen off; something learned
    Talk("reception", first=True, prepared_at=AT, started_at=AT, minutes=27, card_handed=True, need_said=True, closed=True,
         learned=2, seen_off="branch_door", ticks=frozenset({"silent", "manners"})),
    # a diamond customer, invited: met outside; ready only after the start
    Talk("reception", prepared_at=AT + timedelta(minutes=1), started_at=AT, minutes=40, met_outside_owed=True,
         met_where="outside_door", noted=True, closed=True, ticks=frozenset({"silent"})),
    # a diamond customer, invited: met in the hall, not prepared, not closed
    Talk("reception", started_at=AT, minutes=20, met_outside_owed=True, met_where="hall"),
    Talk("visit", first=True, started_at=AT, minutes=45, agreed=True, closed=True),
    Talk("visit", started_at=AT, minutes=46, agreed=True, closed=True, learned=1),
    Talk("visit", started_at=AT, minutes=60, planned_minutes=60),
    Talk("call", first=True, started_at=AT, minutes=2, purpose="introduction", outcome="reached", ticks=frozenset({"manners"})),
    Talk("call", first=True, started_at=AT, minutes=9, purpose="", outcome="reached"),
    Talk("call", started_at=AT, minutes=4, purpose="need", outcome="not_interested", need_said=True),
    Talk("call", started_at=AT, minutes=1, purpose="care", outcome="no_answer", reached=False),
    Talk("call", first=True, incoming=True, started_at=AT, minutes=5, outcome="not_interested"),
]  # fmt: skip
# clause: it applied to so many, so many kept it
EXPECTED = {
    "R1": (3, 1),
    "R2": (2, 1),
    "R3": (2, 1),
    "R6": (3, 2),
    "R8": (3, 2),
    "R9": (3, 1),
    "R10": (3, 1),
    "R11": (3, 1),
    "R14": (4, 2),
    "V1": (3, 2),
    "V4": (3, 2),
    "C1": (4, 3),
    "C2": (4, 1),
    "C7": (4, 3),
    "C8": (2, 1),
    "C9": (2, 1),
}


@pytest.mark.parametrize("clause", [pytest.param(id, marks=pytest.mark.clause(id, "MEASURE")) for id in EXPECTED])
def test_contacts_are_tallied_clause_by_clause(clause: str) -> None:
    tally = next(each for each in tallies(TALKS, visit_length=45, call_length=5) if each.clause == clause)
    assert (tally.of, tally.kept) == EXPECTED[clause]
    assert tally.rate == (None if clause == "R11" else EXPECTED[clause][1] / EXPECTED[clause][0])
    assert tally.attested is (clause in {"R8", "R9", "R10", "C2"})


@pytest.mark.clause("S5", "MEASURE")
def test_calls_that_sell_are_tallied_by_what_was_found_against_them() -> None:
    calls = [Talk("call", purpose="need", found=frozenset({"S5"})), Talk("call", purpose="maturity"),
             Talk("call", purpose="care"), Talk("call", purpose="need", incoming=True)]  # fmt: skip
    tally = next(each for each in tallies(calls, visit_length=45, call_length=5) if each.clause == "S5")
    assert (tally.of, tally.kept) == (2, 1)


def test_lengths_are_kept_beside_the_tally() -> None:
    found = {each.clause: each.minutes for each in tallies(TALKS, visit_length=45, call_length=5)}
    assert found["V4"] == (45, 46, 60)
    assert found["C7"] == (2, 9, 4, 5)
    assert found["R1"] == ()


def test_a_clause_that_applied_to_nothing_has_no_tally() -> None:
    assert [
        each.clause
        for each in tallies([Talk("call", outcome="no_answer", reached=False)], visit_length=45, call_length=5)
    ] == ["C1"]
