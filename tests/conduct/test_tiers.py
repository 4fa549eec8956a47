"""The tier of a month from the averages before it, worked out by hand. Amounts are in 万 (10,000 yuan)."""

from datetime import date
from decimal import Decimal

import pytest

from zhike.conduct.bank import Bank, Change, Settings
from zhike.conduct.setting import plain
from zhike.conduct.tiers import standings

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
