"""GUARD: what stops an action that is about to be taken, and what is only kept once it has happened."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from zhike.conduct.bank import Bank
from zhike.conduct.guard import call_start

LATE = datetime(2026, 3, 2, 20, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("about", "verdicts"),
    [
        ({"purpose": "need", "first": True}, ["first_call_not_introduction"]),
        ({"purpose": "need", "first": False}, ["selling_hours"]),
        ({"purpose": "need", "first": False, "selling_calls_today": 1}, ["selling_hours", "selling_calls_used_up"]),
    ],
)
def test_what_is_blocked_before_is_kept_afterwards(about: dict[str, object], verdicts: list[str]) -> None:
    before = call_start(incoming=False, now=LATE, bank=Bank(), **about)  # type: ignore[arg-type]
    after = call_start(incoming=False, now=LATE, bank=Bank(), happened=True, **about)  # type: ignore[arg-type]
    assert [(each.name, each.effect) for each in before] == [(name, "block") for name in verdicts]
    assert [(each.name, each.effect) for each in after] == [(name, "warn") for name in verdicts]
    for each in after:
        assert each.kept.zh, "what is kept says what was"
        assert each.kept.en
        assert "请" not in each.kept.zh, "and asks for nothing any more"


def test_what_it_was_about_is_asked_afterwards_as_well() -> None:
    (verdict,) = call_start(purpose="", first=True, incoming=False, now=LATE, bank=Bank(), happened=True)
    assert (verdict.name, verdict.effect, verdict.needs) == ("no_purpose", "block", "purpose")
