"""How a book stands to what many get in the same words, a festival's greeting or a campaign: the bar and its figures, who stands how,
and to whom something goes, in a few words. What may be so of a customer and how that is called is each one's own: ``Names``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext, ngettext

from zhike.conduct.bank import Bank
from zhike.pages import owed
from zhike.pages.answer import number
from zhike.pages.jinja import language
from zhike.pages.middleware import ActingRequest
from zhike.sms.many import Standing

ROWS = 50
# How a customer may stand → the word for it, in the order in which they are told; what is done comes first.
Names = Mapping[str, str]
Counts = Mapping[str, int]


def listed(some: Iterable[str]) -> str:
    return ("、" if language() == "zh" else ", ").join(some)


def together(tiers: Iterable[Standing]) -> dict[str, int]:
    """All tiers at once."""
    counts: dict[str, int] = {}
    for row in tiers:
        for stands, count in row.counts.items():
            counts[stands] = counts.get(stands, 0) + count
    return counts


def coverage(counts: Counts, names: Names) -> dict[str, Any]:
    """The bar and its figures: "240 位客户，已安排 212，未同意 9，未安排 19"; what is nought is not told."""
    every = sum(counts.values())
    parts = [f"{name} {counts[stands]}" for stands, name in names.items() if counts.get(stands)]
    said = ngettext("%(n)s customer", "%(n)s customers", every) % {"n": every}
    return {
        "all": every,
        "done": counts.get(next(iter(names)), 0),
        "open": counts.get("open", 0),
        "said": ("，" if language() == "zh" else ", ").join([said, *parts]),
    }


def scope(tiers: Sequence[str], bank: Bank) -> str:
    """白金, 白金及以上, or the tiers one by one; they come highest first."""
    ranked = [tier.key for tier in reversed(bank.tiers)]
    lowest = bank.tier(tiers[-1]).name.say(owed.speaks())
    if len(tiers) > 1 and len(tiers) == len(ranked):
        return gettext("every tier")
    if len(tiers) > 1 and list(tiers) == ranked[: len(tiers)]:
        return gettext("%(tier)s and above") % {"tier": lowest}
    return listed(bank.tier(key).name.say(owed.speaks()) for key in tiers)


def who(
    request: ActingRequest,
    counts: Counts,
    names: Names,
    find: Callable[[str, int, int], list[dict[str, Any]]],
    address: Callable[..., str],
    bank: Bank,
    behind: Callable[[dict[str, Any]], dict[str, Any]] = lambda row: {"after": row["id"]},
) -> dict[str, Any]:
    """Who stands how, a page at a time: ``?stands=open&after=``. ``find(stands, after, most)`` gives the customers, ``address(**asked)``
    where more are, ``behind(row)`` what is asked there to go on behind the last."""
    asked = request.GET.get("stands", "")
    stands = asked if asked in names else next((each for each in ("open", *names) if counts.get(each)), "open")
    after = number(request.GET.get("after")) or 0
    rows = find(stands, after, ROWS + 1)
    return {
        "tabs": [
            {"text": name, "count": counts.get(each, 0), "current": each == stands, "href": f"{address(stands=each)}#who"}
            for each, name in names.items()
            if counts.get(each) or each == stands
        ],
        "stands": stands,
        "customers": [
            {**owed.person(row["id"], row["name"], row["honorific"], row["tier"], bank, row["kind"]), "reason": row.get("reason", "")}
            for row in rows[:ROWS]
        ],
        "more": f"{address(stands=stands, **behind(rows[ROWS - 1]))}#who" if len(rows) > ROWS else None,
        "start": f"{address(stands=stands)}#who" if after else None,
    }  # fmt: skip
