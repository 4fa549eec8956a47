"""The tier of a month from the averages before it, worked out by hand. Amounts are in 万 (10,000 yuan)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from zhike.conduct.bank import Bank, Change, Settings
from zhike.conduct.setting import plain
from zhike.conduct.tiers import standings, turn

BANK = Bank()


def averages(amounts: list[int | None], first: date = date(2026, 1, 1)) -> dict[date, Decimal]:
    """One figure a month from `first` on; None: no figure that month."""
    months = (date(first.year + (first.month - 1 + at) // 12, (first.month - 1 + at) % 12 + 1, 1) for at in range(99))
    return {
        month: Decimal(amount) * 10_000 for month, amount in zip(months, amounts, strict=False) if amount is not None
    }


@pytest.mark.parametrize(
    ("assets", "tier"),
    [
        ("-1", "regular"),
        ("0", "regular"),
        ("49999.99", "regular"),
        ("50000", "gold"),
        ("199999.99", "gold"),
        ("200000", "platinum"),
        ("999999.99", "platinum"),
        ("1000000", "diamond"),
        ("5999999.99", "diamond"),
        ("6000000", "private"),
    ],
)
def test_the_thresholds(assets, tier):
    assert BANK.tier_rules.reached(Decimal(assets)).key == tier


@pytest.mark.parametrize(
    ("amounts", "start", "expected"),
    [
        pytest.param([30], None, "platinum:first platinum:kept", id="the first month says"),
        pytest.param([30], "gold", "gold:first platinum:risen", id="raised the month after"),
        pytest.param([3, 700, 3], "regular", "regular:first regular:kept private:risen private:watched", id="by four"),
        pytest.param(
            [30, 10, 10, 10, 10], None,
            "platinum:first platinum:kept platinum:watched platinum:watched gold:lowered gold:kept", id="three months"),
        pytest.param(
            [30, 10, 10, 25, 10, 10], None,
            "platinum:first platinum:kept platinum:watched platinum:watched "
            "platinum:kept platinum:watched platinum:watched",
            id="not in a row"),
        pytest.param(
            [10, None, 10, 10], "platinum",
            "platinum:first platinum:watched platinum:watched gold:lowered", id="a month without a figure"),
        pytest.param(
            [3, 12, 3], "platinum", "platinum:first platinum:watched platinum:watched gold:lowered",
            id="to the highest of the three"),
        pytest.param(
            [3, 12, 3, 3, 3], "platinum",
            "platinum:first platinum:watched platinum:watched gold:lowered gold:watched regular:lowered",
            id="and on, counting on"),
        pytest.param(
            [50] * 7, "private",
            "private:first private:watched private:watched private:watched private:watched private:watched "
            "platinum:lowered platinum:kept",
            id="private banking keeps six"),
        pytest.param([30], "vip", "platinum:first platinum:kept", id="a tier that the bank does not have"),
    ],
)  # fmt: skip
def test_rise_and_fall(amounts, start, expected):
    found = standings(averages(amounts), lambda _: BANK.tier_rules, start)
    assert " ".join(f"{row.tier}:{row.change}" for row in found) == expected


def test_the_months_and_the_reasons():
    first, second, third = standings(averages([30, 120], date(2026, 11, 1)), lambda _: BANK.tier_rules)
    assert [row.month for row in (first, second, third)] == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    assert third.reason.zh == "2026 年 12 月月日均资产 1,200,000 元，达到钻石门槛 1,000,000 元，次月起升级。"
    watched = standings(averages([10]), lambda _: BANK.tier_rules, "platinum")[-1]
    assert watched.months_below == 1
    assert watched.reason.zh == "连续 1 个月低于白金门槛 200,000 元；再低 2 个月即降级。"
    lowered = standings(averages([10, 10, 10]), lambda _: BANK.tier_rules, "platinum")[-1]
    assert lowered.reason.en == "Below Platinum (200,000 yuan) for 3 months in a row: lowered to Gold."


def test_a_bank_may_raise_in_the_same_month():
    rules = Bank(upgrade="same_month").tier_rules
    found = standings(averages([10, 30]), lambda _: rules)
    assert [(row.month.month, row.tier, row.change) for row in found] == [
        (1, "gold", "first"),
        (2, "platinum", "risen"),
        (3, "platinum", "kept"),
    ]


def test_each_month_is_judged_by_its_own_thresholds():
    tiers = plain(BANK.tiers)
    tiers[2]["from_assets"] = "300000"
    settings = Settings([Change("tiers", tiers, date(2026, 2, 1))])
    found = standings(averages([25, 25, 25, 25]), lambda month: settings.at(month).tier_rules)
    assert [f"{row.tier}:{row.change}" for row in found] == [
        "platinum:first",
        "platinum:kept",  # January's 250,000 still reached platinum
        "platinum:watched",
        "platinum:watched",
        "gold:lowered",
    ]


def test_averages_are_keyed_by_month():
    with pytest.raises(ValueError, match="first day of a month"):
        standings({date(2026, 1, 31): Decimal(1)}, lambda _: BANK.tier_rules)
    assert standings({}, lambda _: BANK.tier_rules) == []


# ── who is about to rise or fall, from the month as it stands ──

MARCH = date(2026, 3, 1)


def about(amounts: list[int | None], so_far: str, tier: str, **more: Any) -> str:
    """In March 2026, after January and February; amounts in 万: where to, what is short in yuan, decided on, in force from, below."""
    more.setdefault("rules_at", lambda _month: BANK.tier_rules)
    found = turn(averages(amounts), Decimal(so_far) * 10_000, MARCH, tier=tier, **more)
    if found is None:
        return "stays"
    return f"{found.way} {found.to} {found.short.normalize():f} {found.decided} {found.since} {found.months_below}"


@pytest.mark.parametrize(
    ("amounts", "so_far", "tier", "expected"),
    [
        # Gold from 5 万, platinum from 20 万, of which a tenth is 2 万; March decides, April has it.
        pytest.param([10, 10], "20", "gold", "rise platinum 0 2026-03-31 2026-04-01 0", id="exactly on the threshold"),
        pytest.param([10, 10], "19.999999", "gold", "rise platinum 0.01 2026-03-31 2026-04-01 0", id="a cent short"),
        pytest.param([10, 10], "18", "gold", "rise platinum 20000 2026-03-31 2026-04-01 0", id="a tenth short"),
        pytest.param([10, 10], "17.999999", "gold", "stays", id="a cent more than a tenth short"),
        pytest.param([10, 10], "25", "gold", "rise platinum -50000 2026-03-31 2026-04-01 0", id="over it"),
        pytest.param([10, 10], "120", "gold", "rise diamond -200000 2026-03-31 2026-04-01 0", id="by two tiers"),
        pytest.param([], "19", "gold", "rise platinum 10000 2026-03-31 2026-04-01 0", id="nothing is known of the months before"),
        pytest.param([700, 700], "900", "private", "stays", id="the highest"),
        pytest.param([3, 3], "-1", "regular", "stays", id="the lowest, in debt"),
        # Platinum is kept three months in a row below 20 万.
        pytest.param([30, 30], "20", "platinum", "stays", id="exactly on one's own threshold"),
        pytest.param([30, 30], "19.999999", "platinum", "fall gold 0.01 2026-05-31 2026-06-01 0", id="the first month below"),
        pytest.param([30, 10], "15", "platinum", "fall gold 50000 2026-04-30 2026-05-01 1", id="the second month below"),
        pytest.param([10, 10], "15", "platinum", "fall gold 50000 2026-03-31 2026-04-01 2", id="the third decides"),
        pytest.param([10, 20], "15", "platinum", "fall gold 50000 2026-05-31 2026-06-01 0", id="February held: counted anew"),
        pytest.param([10, None], "15", "platinum", "fall gold 50000 2026-04-30 2026-05-01 1", id="a month without a figure"),
        pytest.param([12, 3], "3", "platinum", "fall gold 170000 2026-03-31 2026-04-01 2", id="to the highest reached in them"),
        pytest.param([3, 3], "3", "platinum", "fall regular 170000 2026-03-31 2026-04-01 2", id="by two tiers down"),
        # Private banking is kept six months: January and February below, March the third; June is the sixth.
        pytest.param([500, 500], "500", "private", "fall diamond 1000000 2026-06-30 2026-07-01 2", id="six months"),
        pytest.param([700, 700], "500", "private", "fall diamond 1000000 2026-08-31 2026-09-01 0", id="six months, the first"),
    ],
)  # fmt: skip
def test_who_is_about_to_rise_or_fall(amounts, so_far, tier, expected):
    assert about(amounts, so_far, tier, start=tier) == expected


def test_a_month_ends_with_its_last_day():
    found = turn({}, Decimal(190_000), date(2028, 2, 1), lambda _month: BANK.tier_rules, tier="gold")
    assert (found.decided, found.since) == (date(2028, 2, 29), date(2028, 3, 1))
    found = turn({}, Decimal(190_000), date(2026, 12, 1), lambda _month: BANK.tier_rules, tier="gold")
    assert (found.decided, found.since) == (date(2026, 12, 31), date(2027, 1, 1))


def test_about_to_rise_by_the_banks_own_settings():
    same_month = Bank(upgrade="same_month").tier_rules
    assert about([10, 10], "20", "gold", rules_at=lambda _month: same_month).endswith("2026-03-31 2026-03-01 0")
    assert about([10, 10], "18", "gold", near_percent=9) == "stays"
    assert about([10, 10], "17", "gold", near_percent=15).startswith("rise platinum 30000")


def test_a_higher_threshold_from_a_day_on_is_that_of_its_months():
    """From April on platinum wants 25 万. Who stands at 22 keeps it in March; below from April to June, gold from July."""
    rows = [{**row, "from_assets": "250000"} if row["key"] == "platinum" else row for row in plain(BANK.tiers)]
    through = Settings([Change("tiers", rows, date(2026, 4, 1))])

    def rules(month):
        return through.at(month).tier_rules

    assert about([30, 30], "22", "platinum", rules_at=rules) == "stays"
    found = turn(averages([30, 30, 30]), Decimal(220_000), date(2026, 4, 1), rules, tier="platinum")
    assert (found.to, found.short, found.since) == ("gold", Decimal(30_000), date(2026, 7, 1))


def test_the_nearest_first():
    """By when it is decided, then by the part of the threshold that is short: 1 of 20, 1 of 5; what is reached before both."""

    def rules(_month):
        return BANK.tier_rules

    reached, near, less_near = (
        turn({}, Decimal(amount), MARCH, rules, tier=tier, near_percent=20)
        for amount, tier in ((230_000, "gold"), (190_000, "gold"), (40_000, "regular"))
    )
    later = turn(averages([30, 30]), Decimal(199_999), MARCH, rules, tier="platinum")
    assert sorted([later, less_near, reached, near], key=lambda each: each.nearness) == [
        reached,
        near,
        less_near,
        later,
    ]
