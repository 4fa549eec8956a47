"""SUITABILITY (law): R above C never, nor without a valid assessment. The table is worked out by hand; PostgreSQL is held against it too
(tests/product/test_campaigns.py)."""

from __future__ import annotations

from datetime import date

import pytest

from zhike.conduct.suitability import RISKS, Assessment, grade_of, unsuited, why_not

DAY = date(2026, 3, 2)
VALID = "2026-12-31"

# risk, grade, until, graded on, why it does not suit on DAY
TABLE = [
    ("none", "", "", "", ""),
    ("none", "C1", "2020-01-01", "", ""),
    ("R1", "C1", VALID, "", ""),
    ("R2", "C2", VALID, "", ""),
    ("R2", "C1", VALID, "", "too_risky"),
    ("R3", "C2", VALID, "", "too_risky"),
    ("R3", "C3", VALID, "", ""),
    ("R5", "C4", VALID, "", "too_risky"),
    ("R5", "C5", VALID, "", ""),
    ("R1", "", VALID, "", "unassessed"),
    ("R1", "C5", "", "", "unassessed"),
    # the last day still counts, the day after does not
    ("R2", "C3", "2026-03-02", "", ""),
    ("R2", "C3", "2026-03-01", "", "unassessed"),
    # without a last day twelve months from the day of the assessment; where there is one, it counts
    ("R2", "C3", "", "2025-03-03", ""),
    ("R2", "C3", "", "2025-03-02", "unassessed"),
    ("R2", "C3", "2026-03-01", "2026-02-01", "unassessed"),
    ("R2", "C3", "长期", "2026-02-01", ""),
    ("R2", "C3", "长期", "", "unassessed"),
    # as banks write it
    ("R3", "稳健 · 三级", "2026/3/2", "", ""),
    ("R3", "C3（三级）", "2026年3月2日", "", ""),
    ("R4", "Ⅳ", "20260302", "", ""),
    ("R4", "Ａ４", "2026.3.2", "", ""),
    ("R4", "4", "2026-03-02 00:00:00", "", ""),
    # a name alone says another grade at another bank; two grades say none
    ("R1", "稳健型", VALID, "", "unassessed"),
    ("R1", "C2 C3", VALID, "", "unassessed"),
    ("R1", "C0", VALID, "", "unassessed"),
    ("R1", "C6", VALID, "", "unassessed"),
    ("R1", "C13", VALID, "", "unassessed"),
]


@pytest.mark.parametrize(("risk", "grade", "until", "on", "why"), TABLE)
def test_the_table(risk: str, grade: str, until: str, on: str, why: str) -> None:
    assessed = Assessment(grade, until, on)
    assert why_not(risk, assessed, DAY) == why
    assert bool(unsuited(risk, assessed, DAY)) is bool(why)


def test_each_says_which_it_is() -> None:
    def said(risk: str, grade: str, until: str = VALID) -> str:
        found = unsuited(risk, Assessment(grade, until), DAY)
        return found.zh if found else ""

    assert said("R4", "C2") == "产品风险 R4，高于客户的风险承受能力 C2。"
    assert "没有风险测评结果" in said("R1", "")
    assert "已过期" in said("R1", "C5", "2026-01-01")


def test_every_grade_against_every_risk() -> None:
    for risk in ("R1", "R2", "R3", "R4", "R5"):
        for grade in range(1, 6):
            suits = why_not(risk, Assessment(f"C{grade}", VALID), DAY) == ""
            assert suits is (int(risk[1]) <= grade)
    assert grade_of("一般") == 1, "whatever else a word means, the lower grade is the safe one"
    assert set(RISKS) == {"none", "R1", "R2", "R3", "R4", "R5"}
