"""Etiquette cards: pure data, known clauses alone, and on a preparation card those that fit the contact."""

from __future__ import annotations

import pytest

from zhike.conduct import clause, manners
from zhike.conduct.bank import Bank

# kind, first, tier → the cards that lie on it
FITTING = {
    ("reception", True, "gold"): ["first_meeting", "reception"],
    ("reception", False, "platinum"): ["reception_platinum"],
    ("reception", False, "private"): ["reception_diamond"],
    ("visit", True, "diamond"): ["first_meeting", "visit"],
    ("visit", False, "regular"): ["visit"],
    ("call", True, "gold"): ["first_call", "call"],
    ("call", False, "gold"): ["call"],
}


@pytest.mark.parametrize(("kind", "first", "tier"), FITTING)
def test_those_that_fit(kind: str, first: bool, tier: str) -> None:
    assert [card.key for card in manners.fitting(kind, first, tier, Bank())] == FITTING[kind, first, tier]


def test_each_is_short_in_both_languages_and_names_clauses() -> None:
    assert {"business_dinner", "condolence", "festival_visit", "appearance"} <= set(manners.cards())
    for card in manners.cards().values():
        assert card.clauses
        assert set(card.clauses) <= set(clause.load())
        assert 1 <= len(card.do) <= 6
        for words in (card.title, *card.do, *card.do_not, *card.say):
            assert words.zh
            assert words.en
            assert len(words.zh) <= 45


@pytest.mark.parametrize(
    "wrong", ['clauses = ["R99"]', 'clauses = ["W6"]\nfor = ["lunch"]', 'clauses = ["W6"]\nsong = "x"']
)
def test_what_is_not_known_is_refused(wrong: str) -> None:
    words = 'title = {zh = "卡", en = "card"}\ndo = []\ndo_not = []\nsay = []'
    with pytest.raises(clause.UnknownName, match="card x"):
        manners.parse(f"[x]\n{words}\n{wrong}")
