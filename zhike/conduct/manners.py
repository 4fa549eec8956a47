"""礼仪卡 · BRIEF (W6): etiquette by occasion, short: what to do, what not to do, words to say, and the clauses that each card restates."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from zhike.conduct import clause
from zhike.conduct.bank import Bank
from zhike.conduct.words import Words

KINDS = frozenset({"reception", "visit", "call"})
KEYS = frozenset({"title", "for", "first", "from_tier", "below_tier", "clauses", "do", "do_not", "say"})


@dataclass(frozen=True, slots=True)
class Card:
    """One occasion. ``kinds``: the contacts on whose preparation card it lies, ``first``: at a first one alone; tiers: None, every one."""

    key: str
    title: Words
    kinds: frozenset[str]
    first: bool
    from_tier: str | None
    below_tier: str | None
    clauses: tuple[str, ...]
    do: tuple[Words, ...]
    do_not: tuple[Words, ...]
    say: tuple[Words, ...]

    def fits(self, kind: str, first: bool, tier: str, bank: Bank) -> bool:
        """Whether it is about a contact of this kind with a customer of this tier."""
        if kind not in self.kinds or (self.first and not first):
            return False
        if self.from_tier and not bank.at_least(tier, self.from_tier):
            return False
        return not (self.below_tier and bank.at_least(tier, self.below_tier))


@cache
def cards() -> dict[str, Card]:
    """Every card by its key, in the order of the file."""
    return parse(files("zhike.conduct").joinpath("manners.toml").read_text("utf-8"))


def parse(text: str) -> dict[str, Card]:
    """The cards from TOML. Raises UnknownName where one names a clause or anything else that is not known."""
    return {key: _card(key, table) for key, table in tomllib.loads(text).items()}


def fitting(kind: str, first: bool, tier: str, bank: Bank) -> list[Card]:
    """The cards for one contact: what is special to it first."""
    found = [card for card in cards().values() if card.fits(kind, first, tier, bank)]
    return sorted(found, key=lambda card: not card.first)


def _card(key: str, table: dict[str, Any]) -> Card:
    unknown = set(table) - KEYS | set(table.get("for", ())) - KINDS | set(table["clauses"]) - set(clause.load())
    if unknown:
        raise clause.UnknownName(f"The card {key} names {', '.join(sorted(unknown))!r}, which nothing defines.")
    do, do_not, say = (tuple(Words(each["zh"], each["en"]) for each in table[name]) for name in ("do", "do_not", "say"))
    return Card(
        key=key,
        title=Words(table["title"]["zh"], table["title"]["en"]),
        kinds=frozenset(table.get("for", ())),
        first=table.get("first", False),
        from_tier=table.get("from_tier"),
        below_tier=table.get("below_tier"),
        clauses=tuple(table["clauses"]),
        do=do,
        do_not=do_not,
        say=say,
    )
