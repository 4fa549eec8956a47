"""Customer tiers, and the rule that finds them from monthly average assets.

A month whose average reaches a higher tier lifts the customer, by default from the month after. A tier is left in the
month after its `keep_months` months in a row below the threshold, for the highest tier reached in those months; until
then the customer is watched. A month without a figure counts neither way. Each month is judged by its
own thresholds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from zhike.conduct.words import Words


@dataclass(frozen=True, slots=True)
class Tier:
    """A customer tier: from `from_assets` yuan of monthly average assets on (inclusive), up to the next tier's.

    `keep_months`, at least 1: so many months in a row below the threshold a customer keeps the tier.
    """

    key: str
    name: Words
    from_assets: Decimal
    keep_months: int = 3


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often customers of a tier are met, in days; None: none is owed. `book_limit`: customers that an RM keeps."""

    tier: str
    contact_days: int | None
    meeting_days: int | None
    review_days: int | None
    book_limit: int | None


@dataclass(frozen=True, slots=True)
class TierRules:
    """The tiers, lowest first with threshold 0, and from when a rise is in force."""

    tiers: tuple[Tier, ...]
    upgrade: Literal["next_month", "same_month"] = "next_month"

    def reached(self, assets: Decimal) -> Tier:
        """The highest tier that an average of `assets` reaches; the lowest for a negative one."""
        return next((row for row in reversed(self.tiers) if assets >= row.from_assets), self.tiers[0])

    def find(self, key: str) -> Tier | None:
        return next((row for row in self.tiers if row.key == key), None)

    def rank(self, tier: Tier) -> int:
        return self.tiers.index(tier)


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's tier from the first of `month` on, and why. `months_below`: in a row, up to the month before."""

    month: date
    tier: str
    change: Literal["first", "risen", "kept", "watched", "lowered"]
    reason: Words
    months_below: int = 0


def standings(
    averages: Mapping[date, Decimal], rules_at: Callable[[date], TierRules], start: str | None = None
) -> list[Standing]:
    """The tier for each month of `averages` (keyed by the first of the month) and for the month after the last.

    `start` is the tier that the customer had in the first month; without it the first month's own average says. A tier
    that the bank no longer has is replaced by the one reached. Raises ValueError for any other key.
    """
    if any(month.day != 1 for month in averages):
        raise ValueError("averages are keyed by the first day of a month")
    found: list[Standing] = []
    history: list[_Month] = []
    for month in sorted(averages):
        here = _Month(month, averages[month], rules_at(month))
        history.append(here)
        if not found:
            tier = here.rules.find(start or "") or here.reached
            found.append(Standing(month, tier.key, "first", _first_reason(here, tier, given=tier.key == start)))
        held = here.rules.find(found[-1].tier) or here.reached
        if here.rules.rank(here.reached) > here.rules.rank(held):
            risen = Standing(month, here.reached.key, "risen", _risen_reason(here, here.reached))
            if here.rules.upgrade == "next_month":
                found.append(replace(risen, month=_next(month)))
                continue
            found = [row for row in found if row.month != month] + [risen]
            held = here.reached
        found.append(_after(history, held))
    return found


@dataclass(frozen=True, slots=True)
class Turn:
    """A tier that a customer is about to leave, if the months to come end as this one stands.

    `short`: what is missing in yuan, to reach the tier `to`, or to keep the tier `tier`; 0 or less: `to` is reached, and over by so
    much. `decided`: the last day of the month whose average decides; `since`: the first day of the new tier. `months_below`: months in
    a row below the threshold that are over.
    """

    way: Literal["rise", "fall"]
    tier: str
    to: str
    average: Decimal
    threshold: Decimal
    short: Decimal
    decided: date
    since: date
    months_below: int = 0

    @property
    def nearness(self) -> tuple[date, Decimal]:
        """Smallest first: by when it is decided, then the part of the threshold that is missing; what is reached is nearest."""
        return self.decided, max(self.short, Decimal(0)) / self.threshold


def turn(
    averages: Mapping[date, Decimal],
    so_far: Decimal,
    month: date,
    rules_at: Callable[[date], TierRules],
    *,
    tier: str,
    start: str | None = None,
    near_percent: int = 10,
) -> Turn | None:
    """Whether a customer who has `tier` in `month` is about to rise or to fall.

    `averages` are those of the months before `month`, `so_far` is that of `month` as it stands; `start` as for :func:`standings`.
    About to fall is who stands below the threshold of their own tier; about to rise who reaches a higher one, or misses the next by
    at most `near_percent` of its threshold.
    """
    rules = rules_at(month)
    held = rules.find(tier) or rules.reached(so_far)
    if so_far < held.from_assets:
        return _falling(averages, so_far, month, rules_at, held, start or tier)
    higher = rules.tiers[rules.rank(held) + 1 :]
    if not higher:
        return None
    to = max((row for row in higher if so_far >= row.from_assets), key=rules.rank, default=higher[0])
    short = to.from_assets - so_far
    if short * 100 > to.from_assets * near_percent:
        return None
    after = _next(month)
    since = after if rules.upgrade == "next_month" else month
    return Turn("rise", held.key, to.key, so_far, to.from_assets, short, after - timedelta(days=1), since)


def _falling(
    averages: Mapping[date, Decimal],
    so_far: Decimal,
    month: date,
    rules_at: Callable[[date], TierRules],
    held: Tier,
    start: str,
) -> Turn | None:
    """When the tier is left if each month to come ends as this one stands: the rule itself is asked."""
    coming, at = dict(averages), month
    for _month in range(held.keep_months):
        coming[at] = so_far
        at = _next(at)
    rules = rules_at(month)
    over = [_Month(key, averages[key], rules_at(key)).is_below(held.key) for key in sorted(averages, reverse=True)]
    below = [*over, False].index(False)
    for standing in standings(coming, rules_at, start):
        to = rules.find(standing.tier)
        if standing.month > month and to and rules.rank(to) < rules.rank(held):
            since, short = standing.month, held.from_assets - so_far
            decided = since - timedelta(days=1)
            return Turn("fall", held.key, to.key, so_far, held.from_assets, short, decided, since, below)
    return None


@dataclass(frozen=True, slots=True)
class _Month:
    month: date
    assets: Decimal
    rules: TierRules

    @property
    def reached(self) -> Tier:
        return self.rules.reached(self.assets)

    def is_below(self, key: str) -> bool:
        tier = self.rules.find(key)
        return tier is not None and self.assets < tier.from_assets


def _after(history: list[_Month], held: Tier) -> Standing:
    """The standing in the month after `history` for a customer who holds a tier and did not rise."""
    last = history[-1]
    below = []
    for row in reversed(history):
        if not row.is_below(held.key):
            break
        below.append(row)
    month = _next(last.month)
    if not below:
        return Standing(month, held.key, "kept", _kept_reason(last, held))
    if len(below) < held.keep_months:
        return Standing(month, held.key, "watched", _watched_reason(held, len(below)), len(below))
    reached = {row.reached.key for row in below}
    lower = next((tier for tier in reversed(last.rules.tiers) if tier.key in reached), last.reached)
    return Standing(month, lower.key, "lowered", _lowered_reason(held, lower, len(below)), len(below))


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _yuan(amount: Decimal) -> str:
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"


def _average(here: _Month) -> Words:
    return Words(
        f"{here.month.year} 年 {here.month.month} 月月日均资产 {_yuan(here.assets)} 元",
        f"The average of {here.month:%Y-%m} is {_yuan(here.assets)} yuan",
    )


def _first_reason(here: _Month, tier: Tier, given: bool) -> Words:
    if given:
        return Words(f"起始等级为{tier.name.zh}。", f"{tier.name.en} at the start.")
    average = _average(here)
    return Words(f"{average.zh}，为{tier.name.zh}。", f"{average.en}: {tier.name.en}.")


def _risen_reason(here: _Month, tier: Tier) -> Words:
    average, floor = _average(here), _yuan(tier.from_assets)
    when = (
        Words("次月起", "the month after") if here.rules.upgrade == "next_month" else Words("当月起", "that month on")
    )
    return Words(
        f"{average.zh}，达到{tier.name.zh}门槛 {floor} 元，{when.zh}升级。",
        f"{average.en} and reaches {tier.name.en} ({floor} yuan): raised from {when.en}.",
    )


def _kept_reason(here: _Month, tier: Tier) -> Words:
    average = _average(here)
    return Words(f"{average.zh}，保持{tier.name.zh}。", f"{average.en}: {tier.name.en} is kept.")


def _watched_reason(tier: Tier, months: int) -> Words:
    floor, left = _yuan(tier.from_assets), tier.keep_months - months
    return Words(
        f"连续 {months} 个月低于{tier.name.zh}门槛 {floor} 元；再低 {left} 个月即降级。",
        f"Below {tier.name.en} ({floor} yuan) for {months} months in a row; lowered after {left} more.",
    )


def _lowered_reason(tier: Tier, lower: Tier, months: int) -> Words:
    floor = _yuan(tier.from_assets)
    return Words(
        f"连续 {months} 个月低于{tier.name.zh}门槛 {floor} 元，降为{lower.name.zh}。",
        f"Below {tier.name.en} ({floor} yuan) for {months} months in a row: lowered to {lower.name.en}.",
    )
