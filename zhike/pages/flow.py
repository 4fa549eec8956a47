"""How customers moved between tiers as a picture: a column a month, the highest tier on top, bands as wide as there are customers.

Everything is given as numbers for SVG attributes of a drawing ``wide`` by ``high``. Below the tiers of a column stand those who come with
the next month, and those who have left since the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from zhike.customers.structure import CAME, LEFT, Moved

NODE, GAP = 8, 18  # pixels: a tier's mark, and the room between two of them, in which a label fits
LEAST = 1.5  # pixels of a single customer, however many there are


def way(source: str, to: str, ranks: Sequence[str]) -> str:
    """rise, fall, stay, came or left; ``ranks``: the tiers, lowest first. A tier that the bank no longer has is below all."""
    if source == CAME:
        return "came"
    if to == LEFT:
        return "left"
    one, other = (ranks.index(key) if key in ranks else -1 for key in (source, to))
    return "stay" if one == other else "rise" if other > one else "fall"


def picture(
    made: Moved, ranks: Sequence[str], href: Callable[[date, date, str, str], str], *, wide: int, high: int, margin: int
) -> dict[str, Any]:
    """``bands`` with their path, ``marks`` of the tiers in each column, ``months`` with their place."""
    places = range(len(made.months))
    order = [*reversed(ranks), *sorted(_others(made, ranks)), CAME, LEFT]
    sizes = [_sizes(made, place) for place in places]
    room = high - GAP * (max((len(each) for each in sizes), default=1) - 1)
    scale = room / max((sum(each.values()) for each in sizes), default=1) if any(sizes) else 0
    step = (wide - 2 * margin - NODE) / max(len(places) - 1, 1)
    lefts = [round(margin + place * step, 1) for place in places]
    marks = [_marks(each, order, scale) for each in sizes]
    bands: list[dict[str, Any]] = []
    for place in places:
        if place:
            bands += _bands(made, place, order, marks, lefts, scale, ranks, href)
    bands.sort(key=lambda each: (each["way"] != "stay", -each["n"]))  # what moved lies above what stayed
    return {
        "wide": wide,
        "high": high + 28,
        "node": NODE,
        "bands": bands,
        "marks": [
            {"x": lefts[place], "first": place == 0, "last": place == places[-1], **mark}
            for place in places
            for mark in marks[place].values()
        ],
        "months": [
            {"x": round(lefts[place] + NODE / 2, 1), "text": month_text(month, whole=place == 0 or len(places) == 2)}
            for place, month in enumerate(made.months)
        ],
        "base": high + 20,
    }


def month_text(month: date, *, whole: bool) -> str:
    """2026-01, and 02 for the months after it."""
    return f"{month:%Y-%m}" if whole or month.month == 1 else f"{month:%m}"


def _others(made: Moved, ranks: Sequence[str]) -> set[str]:
    return {key for place in range(len(made.months)) for key in made.stand(place)} - set(ranks)


def _sizes(made: Moved, place: int) -> dict[str, int]:
    found = made.stand(place)
    coming = sum(n for (source, _to), n in made.ways(place + 1).items() if source == CAME)
    gone = sum(n for (_source, to), n in made.ways(place).items() if to == LEFT)
    return {**found, **({CAME: coming} if coming else {}), **({LEFT: gone} if gone else {})}


def _marks(sizes: dict[str, int], order: Sequence[str], scale: float) -> dict[str, dict[str, Any]]:
    found, y = {}, 0.0
    for key in order:
        if n := sizes.get(key):
            height = max(n * scale, LEAST)
            found[key] = {
                "key": key,
                "n": n,
                "y": round(y, 1),
                "height": round(height, 1),
                "middle": round(y + height / 2 + 4, 1),
            }
            y += height + GAP
    return found


def _bands(
    made: Moved, place: int, order: Sequence[str], marks: Any, lefts: Any, scale: float, ranks: Sequence[str], href: Any
) -> list[dict[str, Any]]:
    ways = made.ways(place)
    out = {key: mark["y"] for key, mark in marks[place - 1].items()}
    into = {key: mark["y"] for key, mark in marks[place].items()}
    x, end = lefts[place - 1] + NODE, lefts[place]
    starts, ends = {}, {}
    for pair in sorted(ways, key=lambda pair: (order.index(pair[0]), order.index(pair[1]))):
        starts[pair] = out[pair[0]]
        out[pair[0]] += ways[pair] * scale
    for pair in sorted(ways, key=lambda pair: (order.index(pair[1]), order.index(pair[0]))):
        ends[pair] = into[pair[1]]
        into[pair[1]] += ways[pair] * scale
    before, month = made.months[place - 1], made.months[place]
    return [
        {
            "from": pair[0], "to": pair[1], "n": n, "way": way(*pair, ranks), "since": before, "until": month,
            "path": _path(x, starts[pair], end, ends[pair], max(n * scale, LEAST)), "href": href(before, month, *pair),
        }
        for pair, n in ways.items()
    ]  # fmt: skip


def _path(x: float, y: float, end: float, to: float, height: float) -> str:
    half = (x + end) / 2
    return (
        f"M{x:.1f} {y:.1f}C{half:.1f} {y:.1f} {half:.1f} {to:.1f} {end:.1f} {to:.1f}"
        f"V{to + height:.1f}C{half:.1f} {to + height:.1f} {half:.1f} {y + height:.1f} {x:.1f} {y + height:.1f}Z"
    )
