"""The code as data: the loader refuses every name that Python does not define, each kind of it."""

from __future__ import annotations

from datetime import date

import pytest

from zhike.conduct.clause import UnknownName, load, parse

CLAUSE = """
[R12]
force = "{force}"
modes = ["{mode}"]
title = {{zh = "致谢", en = "Thanks"}}
norm = {{zh = "致谢", en = "Thanks"}}
hint = {{zh = "致谢", en = "Thanks"}}
source = {{zh = "规范", en = "Code"}}
{more}
[[R12.in_force]]
from = 2025-07-01
{version}
  [[R12.in_force.owe]]
  kind = "{kind}"
  after = "{after}"
  when = ["{condition}"]
  window = "{window}"
  channels = "{channels}"
  obstacle = "{obstacle}"
  detail = "{detail}"
  origin = "{origin}"
  because = {{zh = "接待结束", en = "Reception ended"}}
  {rule}
"""
GOOD = {
    "force": "should",
    "mode": "OWE",
    "more": "",
    "version": "",
    "kind": "thanks",
    "after": "reception_ended",
    "condition": "thanked_after_reception",
    "window": "reception_thanks",
    "channels": "sms",
    "obstacle": "no_mobile",
    "detail": "thanks_text",
    "origin": "code",
    "rule": "",
}


def told(**changes: str) -> str:
    return CLAUSE.format(**{**GOOD, **changes})


def test_a_clause_whose_names_are_known_is_loaded() -> None:
    clause = parse({"reception": told()})["R12"]
    (rule,) = clause.versions[0].owe
    assert (rule.kind, rule.window, rule.channels.__name__) == ("thanks", "reception_thanks", "sms")


@pytest.mark.parametrize(
    "name", ["force", "mode", "kind", "after", "condition", "window", "channels", "obstacle", "detail", "origin"]
)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownName, match=r"R12.*nowhere_defined"):
        parse({"reception": told(**{name: "nowhere_defined"})})


@pytest.mark.parametrize("place", ["more", "version", "rule"])
def test_an_unknown_key_is_refused(place: str) -> None:
    with pytest.raises(UnknownName, match="R12"):
        parse({"reception": told(**{place: 'nowhere_defined = "x"'})})


def test_a_clause_in_two_chapters_is_refused() -> None:
    with pytest.raises(UnknownName, match="two chapters"):
        parse({"reception": told(), "visit": told()})


def test_two_versions_on_one_day_are_refused() -> None:
    with pytest.raises(UnknownName, match="one day"):
        parse({"reception": told() + "\n[[R12.in_force]]\nfrom = 2025-07-01\n"})


def test_the_version_of_a_day_is_the_last_that_has_begun() -> None:
    clause = parse({"reception": told() + "\n[[R12.in_force]]\nfrom = 2026-04-01\n"})["R12"]
    assert clause.on(date(2025, 6, 30)) is None
    assert clause.on(date(2026, 3, 31)).from_day == date(2025, 7, 1)
    assert clause.on(date(2026, 4, 1)).from_day == date(2026, 4, 1)


def test_every_clause_says_everything_in_both_languages() -> None:
    for clause in load().values():
        said = [clause.title, clause.norm, clause.hint, clause.source]
        said += [rule.because for version in clause.versions for rule in version.owe]
        assert all(words.zh.strip() and words.en.strip() for words in said), clause.id
        assert clause.on(date(2026, 3, 2)) is not None, clause.id
