"""The truth table, row by row: exactly what the tables list is owed, and nothing else."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .door import Door
from .moments import MONDAY, moment, shown

pytestmark = pytest.mark.django_db
TABLE = tomllib.loads(Path(__file__).with_name("truth_table.toml").read_text())
TIERS = ("regular", "gold", "platinum", "diamond", "private")
HOURS = {"reception": ("14:00", "14:27"), "visit": ("15:00", "16:00"), "call": ("10:00", "10:06")}
NEED = {"needs": [{"kind": "deposit", "words": "四月 30 万到账"}], "no_need": False}
NEXT = {"kind": "call", "at": moment("2026-03-16 10:00")}
FORMS: dict[str, dict[str, Any]] = {
    "need": {"result": "inclined", **NEED, "next": NEXT},
    "none": {"result": "no_business", "no_need": True, "by_rhythm": True},
    "demand": {"result": "no_business", "no_need": True, "by_rhythm": True, "demands": ["换卡"]},
    "not_interested": {"no_need": True, "by_rhythm": True},
}


def rows(name: str, *columns: str) -> Any:
    """Parametrize by one table; a row's id is what distinguishes it."""
    entries = TABLE[name]
    ids = ["-".join(str(entry.get(column, "")) for column in columns) for entry in entries]
    return pytest.mark.parametrize("row", entries, ids=ids)


def exactly(door: Door, customer: Any, names: list[str], end: datetime) -> None:
    """What is owed to the customer is what the names define, no more and no less."""
    found = door.owed(customer)
    told = [f"{each.clause} {each.kind} {each.state}" for each in found]
    assert len(found) == len(names), f"owed: {told}; expected: {names}"
    for name in names:
        entry = TABLE["owed"][name]
        clauses = entry["clause"] if isinstance(entry["clause"], list) else [entry["clause"]]
        one = [each for each in found if each.clause in clauses and each.kind == entry["kind"]]
        assert len(one) == 1, f"{name} is not among what is owed: {told}"
        agrees(one[0], entry, end)


def agrees(found: Any, entry: dict[str, Any], end: datetime) -> None:
    """One obligation in the ledger is what the table says of it."""
    assert found.force == entry["force"]
    assert found.state == entry.get("state", "open")
    if "channels" in entry:
        assert set(found.channels) == set(entry["channels"])
    if "text" in entry:
        assert found.detail["text"] == entry["text"]
    for name in ("opens", "due"):
        if name in entry:
            assert shown(getattr(found, name)) == shown(relative(entry[name], end)), name
    if "target" in entry:
        wanted = None if entry["target"] == "none" else relative(entry["target"], end)
        assert shown(found.target) == shown(wanted)


def relative(text: str, end: datetime) -> datetime:
    """`end`, `next day 24:00`, `15:05`."""
    if text == "end":
        return end
    day = MONDAY + timedelta(days=1) if text.startswith("next day") else MONDAY
    return moment(text.removeprefix("next day "), day)


def happened(door: Door, customer: Any, kind: str, situation: str, *, first: bool = False, **more: Any) -> datetime:
    """One contact of the table, at its hour, told and written up three minutes after its end. Returns its end."""
    start, end = (moment(text) for text in HOURS[kind])
    known = end + timedelta(minutes=3)
    if kind == "call":
        more["purpose"] = "introduction" if first else "care"
        more["outcome"] = situation if situation in {"absent", "no_answer", "busy", "not_interested"} else "reached"
        if situation in {"absent", "busy"}:
            more["call_back_at"] = moment("15:00")
    door.record(customer, kind, start, end, known=known, form=FORMS.get(situation), **more)
    return end


CASES = [(row, tier) for row in TABLE["row"] for tier in TIERS]


@pytest.mark.parametrize(
    ("row", "tier"), CASES, ids=[f"{row['kind']}-{row['history']}-{row['situation']}-{tier}" for row, tier in CASES]
)
def test_exactly_this_is_owed(door: Door, row: dict[str, Any], tier: str) -> None:
    first = row["history"] == "first"
    customer = door.customer(tier, met=not first, called=not first)
    end = happened(door, customer, row["kind"], row["situation"], first=first)
    exactly(door, customer, row[tier], end)


@rows("farewell", "end")
def test_thanks_after_a_farewell(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "reception", end - timedelta(minutes=30), end)
    (thanks,) = door.owed(customer, clause="R12")
    assert (shown(thanks.opens), shown(thanks.due)) == (shown(moment(row["opens"])), shown(moment(row["due"])))


@rows("evening", "end")
def test_thanks_on_the_evening_of_a_visit(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "visit", end - timedelta(minutes=50), end)
    (thanks,) = door.owed(customer, clause="V5")
    assert (shown(thanks.opens), shown(thanks.due)) == (shown(moment(row["opens"])), shown(moment(row["due"])))


@rows("write_up", "end")
def test_a_write_up_is_due_on_the_day(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "reception", end - timedelta(minutes=30), end)
    (owed,) = door.owed(customer, clause="R13")
    assert (owed.state, shown(owed.opens), shown(owed.due)) == ("open", shown(end), shown(moment(row["due"])))


@rows("answer", "end")
def test_a_demand_is_answered_the_next_day(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "visit", end - timedelta(minutes=30), end, form={**FORMS["demand"], "demands": ["换卡", "查额度"]})
    answers = door.owed(customer, clause="V7")
    assert [shown(each.due) for each in answers] == [shown(moment(row["due"]))] * 2, "one for each demand"
    assert {shown(each.opens) for each in answers} == {shown(end)}
