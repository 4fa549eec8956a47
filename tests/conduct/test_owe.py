"""The engine, asked about any fact: properties that hold whatever the fact, the customer and the hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.clause import Code, load, parse
from zhike.conduct.facts import KINDS, Case, Fact, Owed, Person
from zhike.conduct.owe import Due, owe, settle

BANK, CODE, NO_DAYS = Bank(), load(), Workdays.of({})
TIERS = ("regular", "gold", "platinum", "diamond", "private")
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC))
quick = settings(max_examples=12, deadline=None)
WORDS = st.sampled_from(["换卡", "查额度", ""])


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """Any fact that the engine knows, saying all that its kind must say."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    at = draw(MOMENTS)
    told: dict[str, Any] = {
        "first": draw(st.booleans()),
        "missing": draw(st.lists(st.sampled_from(["mobile", "email"]), unique=True)),
        "outcome": draw(st.sampled_from(["reached", "absent", "busy", "no_answer", "wrong_number", "not_interested"])),
        "incoming": draw(st.booleans()),
        "target": (at + timedelta(minutes=draw(st.integers(1, 60 * 24 * 30)))).isoformat(),
        "whose": draw(st.sampled_from(["rm", "customer"])),
        "told": draw(st.booleans()),
        "how": "call",
        "apologised": draw(st.booleans()),
        "words": draw(WORDS),
        "rating": draw(st.integers(1, 2)),
        "asks": draw(st.sampled_from(["", "question"])),
        "occasion": draw(st.sampled_from(["reception", "visit", "call"])),
        "field": draw(st.sampled_from(["mobile", "email"])),
        "purpose": draw(st.sampled_from(["thanks", "birthday", "care"])),
        "channel": draw(st.sampled_from(["sms", "call", "wecom"])),
        "introduces": draw(st.booleans()),
        "day": "正月初一",
        "version": "2025-07-01",
        "period": draw(st.sampled_from(["day", "week", "month"])),
        "first_day": "2026-03-01",
        "last_day": "2026-03-31",
        "words_en": "a line",
        "festival": "春节",
        "festival_en": "Spring Festival",
        "campaign": "开门红",
        "product": "月月盈",
        "since": "2026-01-01",
        "days": draw(st.integers(1, 400)),
        "stop": draw(st.sampled_from(["deceased", "closed", "do_not_disturb", "complaint"])),
        "reason": "",
        "departs": at.isoformat(),
        "stops": draw(st.integers(1, 20)),
        "who": "林晓",
        "talked": draw(st.booleans()),
        "step": draw(st.sampled_from(["1", "2"])),
        "does": draw(st.sampled_from(["", "1"])),
        "why": draw(st.sampled_from(["won", "lost", "given_back"])),
    }
    carried = set(KINDS[kind].carries) | (
        {"purpose", "introduces"} if kind in {"call_ended", "message_sent"} else set()
    )
    data = {name: told[name] for name in carried}
    known = at + timedelta(minutes=draw(st.integers(0, 600)))
    return Fact(kind, at, known, 7, 42, draw(st.sampled_from(["contact:1", "contact:2"])), data)


@st.composite
def people(draw: st.DrawFn) -> Person:
    gone = draw(st.booleans())
    return Person(
        42,
        draw(st.sampled_from(TIERS)),
        has_mobile=draw(st.booleans()),
        has_other_phone=draw(st.booleans()),
        greets_by_sms=draw(st.booleans()),
        deceased_on=date(2025, 12, 1) if gone else None,
        do_not_disturb=draw(st.booleans()),
        complaint_open=draw(st.booleans()),
    )


def asked(fact: Fact, case: Case, code: Code = CODE) -> list[Due]:
    return owe(fact, case, code, BANK, NO_DAYS)


def as_owed(due: Due, id: int) -> Owed:
    """What the ledger would hold of it."""
    return Owed(
        id, due.kind, due.clause, due.owner, due.customer, due.subject, due.window.opens, due.due, due.window.target,
        due.channels, due.detail, due.key, "cannot" if due.obstacle else "open",
    )  # fmt: skip


@quick
@given(facts(), people())
def test_the_same_question_has_the_same_answer(fact: Fact, person: Person) -> None:
    assert asked(fact, Case(person)) == asked(fact, Case(person))


@quick
@given(facts(), people())
def test_nothing_is_owed_to_the_dead(fact: Fact, person: Person) -> None:
    dues = asked(fact, Case(replace(person, deceased_on=date(2025, 12, 1))))
    assert {due.kind for due in dues} <= {"write_up"}


@quick
@given(facts(), people())
def test_a_window_opens_before_it_closes(fact: Fact, person: Person) -> None:
    for due in asked(fact, Case(person)):
        assert due.window.opens <= due.window.due, due
        assert due.due is None or due.window.opens.tzinfo is not None


@quick
@given(facts(), people())
def test_an_obligation_says_who_what_why(fact: Fact, person: Person) -> None:
    for due in asked(fact, Case(person)):
        clause = CODE[due.clause]
        assert "OWE" in clause.modes or due.origin == "bank"  # what the bank adds to a clause of another mode
        assert due.force == clause.force
        assert due.clause_from <= fact.at.astimezone(BANK.zone).date()
        assert (due.owner, due.customer) == (fact.staff, fact.customer)


@quick
@given(facts(), people())
def test_told_twice_it_is_owed_once(fact: Fact, person: Person) -> None:
    """The ledger keeps one row for a key; so a fact told again brings no key that the first telling did not."""
    once, again = asked(fact, Case(person)), asked(replace(fact, known_at=fact.known_at + timedelta(1)), Case(person))
    assert {due.key for due in again} == {due.key for due in once}
    assert len({due.key for due in once}) == len(once), "one thing, one key"


@quick
@given(facts(), people(), st.lists(facts(), max_size=4))
def test_what_is_settled_was_open_and_is_settled_once(fact: Fact, person: Person, before: list[Fact]) -> None:
    owed = [as_owed(due, n) for n, due in enumerate(due for each in before for due in asked(each, Case(person)))]
    settled = settle(fact, Case(person, tuple(owed)), BANK)
    assert len({each.owed for each in settled}) == len(settled)
    assert {each.owed for each in settled} <= {each.id for each in owed}
    assert {each.state for each in settled} <= {"done", "withdrawn", "cannot", "open"}


@quick
@given(facts(), people(), st.integers(0, 200))
def test_settling_looks_at_this_customer_alone(fact: Fact, person: Person, number: int) -> None:
    others = [
        replace(as_owed(due, 1), customer=1000 + number, subject="contact:9") for due in asked(fact, Case(person))
    ]
    if fact.kind == "customer_stopped":
        assert settle(fact, Case(person, tuple(others)), BANK) == []
    assert all(each.state != "withdrawn" for each in settle(fact, Case(person, tuple(others)), BANK))


@quick
@given(people(), MOMENTS, st.booleans(), st.sampled_from(TIERS))
def test_below_platinum_a_reception_owes_no_thanks(person: Person, at: datetime, first: bool, tier: str) -> None:
    fact = Fact("reception_ended", at, at, 7, 42, "contact:1", {"first": first, "missing": []})
    alive = replace(person, tier=tier, deceased_on=None)
    thanks = [due for due in asked(fact, Case(alive)) if due.kind == "thanks"]
    assert bool(thanks) is (tier in {"platinum", "diamond", "private"})
    assert all(due.channels == ("sms",) for due in thanks)


@quick
@given(people(), MOMENTS, st.booleans())
def test_every_visit_owes_thanks_on_its_day(person: Person, at: datetime, first: bool) -> None:
    fact = Fact("visit_ended", at, at, 7, 42, "contact:1", {"first": first})
    (thanks,) = [due for due in asked(fact, Case(replace(person, deceased_on=None))) if due.kind == "thanks"]
    # The last moment itself is in time at 22:00 and no longer at midnight: look at the minute before.
    last = (thanks.window.due - timedelta(minutes=1)).astimezone(BANK.zone)
    assert last.date() == at.astimezone(BANK.zone).date()
    assert "sms" in thanks.channels or not person.has_mobile
    assert not (first and "call" in thanks.channels), "a call alone does not do"


@quick
@given(MOMENTS, st.integers(-2000, 2000), st.booleans())
def test_a_call_back_is_kept_within_its_minutes(promised: datetime, seconds: int, incoming: bool) -> None:
    target = promised + timedelta(hours=3)
    told = Fact(
        "call_back_promised", promised, promised, 7, 42, "contact:1", {"target": target.isoformat(), "outcome": "busy"}
    )
    (due,) = asked(told, Case(Person(42, "gold")))
    owed = as_owed(due, 5)
    made = target + timedelta(seconds=seconds)
    data = {
        "first": False,
        "outcome": "reached",
        "incoming": incoming,
        "started": made.isoformat(),
        "for": "obligation:5",
    }
    call = Fact("call_ended", made + timedelta(minutes=2), made + timedelta(minutes=2), 7, 42, "contact:2", data)
    (settled,) = settle(call, Case(Person(42, "gold"), (owed,)), BANK)
    assert settled.state == "done"
    if not incoming:
        assert (settled.evidence["kept"] == "kept") is (abs(seconds) <= 5 * 60), settled.evidence


@pytest.mark.parametrize("day", [date(2026, 3, 31), date(2026, 4, 1)])
def test_a_clause_changed_from_a_day_on_leaves_what_was_owed_before(day: date) -> None:
    """From 1 April on thanks are due within the day whatever the hour: a rule of another window."""
    code = parse({"reception": CHANGED})
    at = datetime(day.year, day.month, day.day, 21, 30, tzinfo=BANK.zone)
    fact = Fact("reception_ended", at, at, 7, 42, "contact:1", {"first": False, "missing": []})
    (due,) = asked(fact, Case(Person(42, "platinum")), code)
    if day < date(2026, 4, 1):
        assert (due.clause_from, due.window.due.astimezone(BANK.zone).hour) == (date(2025, 7, 1), 12)
    else:
        assert (due.clause_from, due.window.due.astimezone(BANK.zone).hour) == (date(2026, 4, 1), 0)


RULE = """
  [[R12.in_force.owe]]
  kind = "thanks"
  after = "reception_ended"
  when = ["thanked_after_reception"]
  window = "{window}"
  channels = "sms"
  detail = "thanks_text"
  because = {{zh = "接待结束", en = "Reception ended"}}
"""
CHANGED = (
    """
[R12]
force = "should"
modes = ["OWE"]
title = {zh = "致谢", en = "Thanks"}
norm = {zh = "致谢", en = "Thanks"}
hint = {zh = "致谢", en = "Thanks"}
source = {zh = "规范", en = "Code"}
[[R12.in_force]]
from = 2025-07-01
"""
    + RULE.format(window="reception_thanks")
    + "\n[[R12.in_force]]\nfrom = 2026-04-01\n"
    + RULE.format(window="end_of_day")
)


@quick
@given(facts())
def test_a_fact_that_says_too_little_is_refused(fact: Fact) -> None:
    for name in KINDS[fact.kind].carries:
        data = {key: value for key, value in fact.data.items() if key != name}
        with pytest.raises(ValueError, match=name):
            replace(fact, data=data)
    with pytest.raises(ValueError, match="zone"):
        replace(fact, at=fact.at.replace(tzinfo=None))
