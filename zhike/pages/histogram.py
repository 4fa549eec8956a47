"""Call-backs by their minutes as a picture: where each bar stands and how high it is, for SVG attributes.

One place for each bin of :data:`zhike.conduct.measure.EDGES`, all equally wide; at the far end, apart, the ones never made.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext

from zhike.conduct.measure import EDGES, CallBacks, edges
from zhike.pages.jinja import span

PLACES = len(EDGES) + 4  # the bins, a gap, and two for the ones never made
HIGH = 132  # pixels of the highest bar
FATES = ("early", "kept", "late")
# What is written below the axis: as much as there is room for on the phone.
MARKS = (-60, -10, -5, 0, 5, 10, 60)


def picture(made: CallBacks) -> dict[str, Any]:
    """Bars with their parts stacked, the band of each tolerance (the widest first), marks below, and the highest count."""
    most = max([sum(bin.values()) for bin in made.bins] + [made.fates["never"], 1])
    bars = [_bar(n, bin, most) for n, bin in enumerate(made.bins) if bin]
    never = made.fates["never"]
    return {
        "bars": bars,
        "never": {"n": never, "x": _percent(PLACES - 2), "width": _percent(1.5), "middle": _percent(PLACES - 1.25),
                  **_part("never", never, 0, most)} if never else None,
        "bands": [
            {"x": _percent(at(-minutes)), "width": _percent(at(minutes) - at(-minutes)), "minutes": minutes}
            for minutes in sorted(made.tolerances, reverse=True)
        ],
        "marks": [{"x": _percent(at(minute)), "text": signed(minute)} for minute in MARKS],
        "middle": _percent(at(0)),
        "late": _percent(at(EDGES[-2])),
        "end": _percent(len(EDGES) + 1),
        "base": HIGH,
        "most": most,
    }  # fmt: skip


def _bar(n: int, bin: Any, most: int) -> dict[str, Any]:
    parts, below = [], 0
    for fate in FATES:
        if bin[fate]:
            parts.append(_part(fate, bin[fate], below, most))
            below += bin[fate]
    return {"bin": n, "n": below, "x": _percent(n + 0.1), "width": _percent(0.8), "middle": _percent(n + 0.5),
            "top": parts[-1]["y"], "parts": parts, "label": label(n)}  # fmt: skip


def _part(fate: str, n: int, below: int, most: int) -> dict[str, Any]:
    high = HIGH * n / most
    return {"fate": fate, "y": round(HIGH - HIGH * below / most - high, 1), "height": round(high, 1)}


def at(minute: float) -> float:
    """The place of a minute on the axis: within a bin as far as it is between the edges."""
    if minute <= EDGES[0]:
        return 1.0
    for n, (low, high) in enumerate(pairwise(EDGES), 1):
        if minute <= high:
            return float(n + (minute - low) / (high - low))
    return float(len(EDGES))


def _percent(place: float) -> str:
    return f"{100 * place / PLACES:.2f}%"


def signed(minutes: int) -> str:
    """With a minus that is as wide as the plus."""
    return f"+{minutes}" if minutes > 0 else f"−{-minutes}" if minutes else "0"


def off(minutes: float) -> str:
    """A deviation as one says it: "+3 分 20 秒", beyond an hour "+2 小时 5 分"."""
    sign, seconds = "−" if minutes < 0 else "+", round(abs(minutes) * 60)
    if seconds >= 3600:
        return f"{sign}{span(seconds // 60)}"
    return f"{sign}{gettext('%(n)s min %(s)s s') % {'n': seconds // 60, 's': seconds % 60}}"


def label(bin: int) -> str:
    """From which minute to which, in words: "−5 至 −4 分"."""
    low, high = edges(bin)
    if low is None:
        return gettext("more than %(n)s min before") % {"n": -EDGES[0]}
    if high is None:
        return gettext("more than %(n)s min after") % {"n": EDGES[-1]}
    return gettext("%(low)s to %(high)s min") % {"low": signed(low), "high": signed(high)}


def told(tolerances: Sequence[int]) -> str:
    """The band in words: "±5 分"."""
    return gettext(", ").join(gettext("±%(n)s min") % {"n": minutes} for minutes in tolerances)
