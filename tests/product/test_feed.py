"""The core system's nightly files: what it owns is written over, what an RM learned is not; tiers follow month by month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.customers.checks import Unaccepted
from zhike.customers.feeds.files import opened
from zhike.customers.feeds.take import take
from zhike.customers.imports import load
from zhike.customers.models import Customer, Difference, Holding, Line, Rating, Run
from zhike.customers.rating import rate
from zhike.customers.tasks import decide_lines
from zhike.people.actor import acting

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
CUSTOMERS = "客户号,姓名,手机号,邮箱,月日均资产,管户经理工号"


@pytest.fixture
def feed(cast: Cast, worker: Any, tmp_path: Path) -> Callable[..., Run]:
    """Writes a feed's file with its flag and takes it in."""

    def go(name: str, text: str, flag: str | None = None, **more: Any) -> Run:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        if flag is not None:
            path.with_name(f"{name}.ok").write_text(flag)
        with worker():
            whole = opened(path, flagged=flag is not None, **more)
            run = Run.objects.create(kind=whole.kind, name=name, at=NOW, mapping=whole.mapping)
            return take(whole, run, bank=Bank(), now=lambda: NOW, language="en")

    return go


def test_a_feed_brings_new_customers_and_tells_known_ones(cast: Cast, feed: Callable[..., Run]) -> None:
    run = feed(
        "customers.csv", f"{CUSTOMERS}\nF1,沈静仪,13812345678,s@example.com,3864000,1001\n", "rows=1 amount=3864000"
    )
    assert (run.loaded, run.changed) == (1, 0)
    run = feed("customers.csv", f"{CUSTOMERS}\nF1,沈静仪,13812345679,s@example.com,4000000,1001\n", "rows=1")
    assert (run.loaded, run.already, run.changed, run.differing) == (0, 1, 1, 0)
    with acting(cast.rm.id, NOW):
        customer = Customer.objects.get(core_number="F1")
        assert (customer.open_value("mobile"), customer.assets) == ("13812345679", Decimal(4000000))
        assert customer.profile["mobile"]["src"] == "feed"
        assert customer.profile["email"]["src"] == "feed"
        version = customer.version
    assert feed("customers.csv", f"{CUSTOMERS}\nF1,沈静仪,13812345679,s@example.com,4000000,1001\n", "").changed == 0
    with acting(cast.rm.id, NOW):
        assert Customer.objects.get(core_number="F1").version == version


def test_what_an_rm_learned_stays_and_the_difference_is_shown_once(cast: Cast, feed: Callable[..., Run]) -> None:
    row = "F1,沈静仪,{},,{},1001"
    feed("customers.csv", f"{CUSTOMERS}\n{row.format(13812345678, 1)}\n")
    with acting(cast.rm.id, NOW) as rm:
        Customer.objects.get(core_number="F1").learn("mobile", "13900000000", source="contact", actor=rm, now=NOW)
    assert feed("customers.csv", f"{CUSTOMERS}\n{row.format(13812345670, 2)}\n").differing == 1
    with acting(cast.rm.id, NOW) as rm:
        customer = Customer.objects.get(core_number="F1")
        assert customer.open_value("mobile") == "13900000000"
        difference = Difference.objects.get(customer=customer)
        assert (difference.field, difference.shown) == ("mobile", "138 **** 5670")
        assert "13812345670" not in difference.theirs
        difference.decide(take=False, actor=rm, now=NOW, bank=Bank())
        with pytest.raises(Unaccepted):
            difference.decide(take=True, actor=rm, now=NOW, bank=Bank())
    assert feed("customers.csv", f"{CUSTOMERS}\n{row.format(13812345670, 3)}\n").differing == 0
    assert feed("customers.csv", f"{CUSTOMERS}\n{row.format(13812345671, 3)}\n").differing == 1
    with acting(cast.rm.id, NOW) as rm:
        Difference.objects.get(state="open").decide(take=True, actor=rm, now=NOW, bank=Bank())
        assert Customer.objects.get(core_number="F1").open_value("mobile") == "13812345671"


def test_what_an_rm_learned_after_the_file_had_told_is_a_difference_too(cast: Cast, feed: Callable[..., Run]) -> None:
    head = "客户号,姓名,工作单位,管户经理工号"
    feed("customers.csv", f"{head}\nF1,沈静仪,丁公司,1001\n")
    feed("customers.csv", f"{head}\nF1,沈静仪,丁公司,1001\n")
    with acting(cast.rm.id, NOW) as rm:
        Customer.objects.get(core_number="F1").learn("employer", "乙公司", source="contact", actor=rm, now=NOW)
    assert feed("customers.csv", f"{head}\nF1,沈静仪,丁公司,1001\n").differing == 1
    assert feed("customers.csv", f"{head}\nF1,沈静仪,丁公司,1001\n").differing == 0
    with acting(cast.rm.id, NOW) as rm:
        Difference.objects.get(state="open", field="employer").decide(take=True, actor=rm, now=NOW, bank=Bank())
        Customer.objects.get(core_number="F1").learn("employer", "丙公司", source="contact", actor=rm, now=NOW)
    assert feed("customers.csv", f"{head}\nF1,沈静仪,丁公司,1001\n").differing == 1
    with acting(cast.rm.id, NOW) as rm:
        Customer.objects.get(core_number="F1").learn("employer", "丁公司", source="contact", actor=rm, now=NOW)
    feed("customers.csv", f"{head}\nF1,沈静仪,丁公司,1001\n")
    with acting(cast.rm.id, NOW):
        assert not Difference.objects.filter(state="open").exists()


def test_whose_customer_it_is_and_the_tier_are_shown_as_differences(
    cast: Cast, feed: Callable[..., Run], worker: Any
) -> None:
    head = "客户号,姓名,客户等级,管户经理工号,机构号"
    customer = cast.customers["rm"][0]
    run = feed("customers.csv", f"{head}\n{customer.core_number},{customer.name},普通,1004,1200\n")
    assert (run.changed, run.differing) == (0, 3)
    page = cast.client("leader").get("/customers/differences/").content.decode()
    for part in ("1004 赵磊", "1001 林晓", "1200 陆家嘴支行", "普通", f"/customers/{customer.pk}/hand-over/"):
        assert part in page, part
    with acting(cast.leader.id, NOW) as leader:
        with pytest.raises(Unaccepted):
            Difference.objects.get(field="rm").decide(take=True, actor=leader, now=NOW, bank=Bank())
        Difference.objects.get(field="tier").decide(take=True, actor=leader, now=NOW, bank=Bank())
        assert Customer.objects.get(pk=customer.pk).tier == "regular"


def test_rows_of_known_customers_need_no_place(cast: Cast, feed: Callable[..., Run], worker: Any) -> None:
    customer = cast.customers["rm"][0]
    run = feed(
        "customers.csv",
        f"客户号,姓名,手机号\n{customer.core_number},{customer.name},13812345678\nF9,新人,13812345679\n",
    )
    assert (run.changed, run.loaded, run.refused) == (1, 0, 1)
    with worker():
        assert "neither a relationship manager nor a unit" in Line.objects.get(run=run).reasons[0]["reason"]
        assert Customer.objects.get(pk=customer.pk).open_value("mobile") == "13812345678"


def test_a_new_number_is_a_new_customer_whoever_it_resembles(cast: Cast, feed: Callable[..., Run], worker: Any) -> None:
    feed("customers.csv", f"{CUSTOMERS}\nF1,沈静仪,13812345678,,,1001\n")
    text = f"{CUSTOMERS}\nF2,王伟,13812345678,,,1001\n,李四,13812345678,,,1001\n"
    run = feed("customers.csv", text)
    assert (run.loaded, run.already, run.doubtful) == (1, 0, 1), "without a number a row is doubtful still"
    again = feed("customers.csv", text)
    assert (again.loaded, again.already) == (0, 1)
    with worker():
        assert Customer.objects.get(core_number="F2").name == "王伟"
        assert [match["name"] for match in Line.objects.get(run=run, state="loaded").matches] == ["沈静仪"]
    address = f"/customers/import/{run.pk}/"
    browser = cast.client("second_administrator")
    assert address in browser.get("/customers/import/").content.decode()
    page = browser.get(address).content.decode()
    assert page.count("沈静仪 · F1 · 138 **** 5678") == 2 + 1  # the note, the doubtful row, the choice among two
    assert cast.client("leader").get(address).status_code == 404
    with worker():
        line = Line.objects.get(run=run, state="doubtful")
        decide_lines(decisions={str(line.pk): "other"}, by=cast.second_administrator.pk)
        assert Customer.objects.filter(name="李四").exists()


def test_what_the_core_system_tells_was_to_be_found_out_no_longer(
    cast: Cast, feed: Callable[..., Run], worker: Any
) -> None:
    customer, told = cast.customers["rm"][0], {"now": NOW, "bank": Bank()}
    with cast.acting("rm", NOW) as actor:
        held = course.plan(customer, "reception", actor=actor, now=NOW)
        course.agree(held, at=NOW, place="网点", actor=actor, **told)
        course.start(held, actor=actor, **told)
        course.end(held, actor=actor, **told)
    with worker():
        sought = customer.obligations.filter(kind="find_out", state="open")
        assert {"mobile", "email"} <= set(sought.values_list("detail__field", flat=True))
    feed("customers.csv", f"{CUSTOMERS}\n{customer.core_number},{customer.name},13812345678,,,1001\n")
    with worker():
        assert "mobile" not in set(sought.values_list("detail__field", flat=True))
        assert "email" in set(sought.values_list("detail__field", flat=True))
        done = customer.obligations.get(kind="find_out", detail__field="mobile")
        assert (done.state, done.settled_by) == ("done", None)


def test_holdings_come_change_and_end_and_maturities_follow(cast: Cast, feed: Callable[..., Run]) -> None:
    feed("customers.csv", f"{CUSTOMERS}\nF1,沈静仪,13812345678,,,1001\n")
    head = "客户号|持有编号|产品名称|金额|利率|到期日|数据日期"
    run = feed(
        "holdings_0301.txt",
        f"{head}\nF1|H1|三年定期|800000.00|2.60|2026-03-05|2026-03-01\nF1|H2|稳利180天|1200000|3.1%||2026-03-01\nZZ|H3|x|1||\n",
        "rows=3\namount=2000001.00",
    )
    assert (run.checked, run.loaded, run.refused) == (3, 2, 1)
    feed("maturities.csv", "客户号,持有编号,到期日\nF1,H2,2026-06-18\n")
    with acting(cast.rm.id, NOW):
        assert set(Holding.objects.values_list("core_number", "amount", "matures_on")) == {
            ("H1", Decimal("800000.00"), date(2026, 3, 5)),
            ("H2", Decimal("1200000.00"), date(2026, 6, 18)),
        }
    feed("holdings_0302.txt", f"{head}\nF1|H2|稳利180天|1300000|3.1||2026-03-02\n", "")
    with acting(cast.rm.id, NOW):
        assert Holding.objects.get(core_number="H1").ended_on == date(2026, 3, 2)
        two = Holding.objects.get(core_number="H2")
        assert (two.amount, two.matures_on, two.ended_on) == (Decimal("1300000.00"), date(2026, 6, 18), None)


HELD = "客户号,持有编号,产品名称,金额,数据日期"


def held() -> set[str]:
    return set(Holding.objects.filter(ended_on=None).values_list("core_number", flat=True))


def test_a_refused_row_ends_no_holding_that_it_may_have_meant(
    cast: Cast, feed: Callable[..., Run], worker: Any
) -> None:
    customer, other = "C-rm-0", "C-mate-0"
    rows = [f"{customer},H{n},三年定期,1000,2026-02-01" for n in range(3)] + [
        f"{other},M{n},基金,5,2026-02-01" for n in range(2)
    ]
    feed("holdings.csv", "\n".join([HELD, *rows]))
    run = feed(
        "holdings.csv",
        f"{HELD}\n{customer},H0,三年定期,24x.00,2026-02-02\n{other},,基金,5,2026-02-02\n{customer},H2,三年定期,9,2026-02-02",
    )
    assert (run.loaded, run.refused) == (1, 2)
    with worker():
        assert held() == {"H0", "H2", "M0", "M1"}, "H1 is named by no row; of the other customer any may be meant"
    feed("holdings.csv", f"{HELD}\nC-TYPO-0,H2,三年定期,9,2026-02-03\n{other},M0,基金,5,2026-02-03")
    with worker():
        assert held() == {"H2", "M0"}, "the customer's number was wrong, not the holding's"
    feed("holdings.csv", f"{HELD}\n,,三年定期,9,2026-02-04\n{other},M1,基金,5,2026-02-04")
    with worker():
        assert held() == {"H2", "M0", "M1"}, "a row that names nothing may have meant any of them"


def test_a_part_of_the_holdings_is_refused_unless_it_is_said_to_be_the_whole(
    cast: Cast, feed: Callable[..., Run], worker: Any
) -> None:
    rows = [f"C-rm-0,H{n},三年定期,1000,{{}}" for n in range(60)]
    feed("holdings.csv", "\n".join([HELD, *rows]).format(*["2026-03-01"] * 60))
    branch = "\n".join([HELD, *rows[:30]]).format(*["2026-03-02"] * 30)
    with pytest.raises(Unaccepted, match="would end 30 of the 60 holdings"):
        feed("holdings.csv", branch)
    with worker():
        assert len(held()) == 60
        assert set(Holding.objects.values_list("as_of", flat=True)) == {date(2026, 3, 1)}
        failed = Run.objects.latest("id")
        assert (failed.state, failed.error.startswith("holdings.csv would end")) == ("failed", True)
    assert feed("holdings.csv", branch, whole=True).loaded == 30
    with worker():
        assert len(held()) == 30


def test_a_late_file_that_states_no_day_is_of_the_day_in_its_name(
    cast: Cast, feed: Callable[..., Run], worker: Any
) -> None:
    head = "客户号,持有编号,产品名称,金额"
    feed("holdings_20260302.csv", f"{head}\nC-rm-0,H1,三年定期,1000\nC-rm-0,H2,三年定期,1000")
    feed("holdings_20260301.csv", f"{head}\nC-rm-0,H1,三年定期,900")
    with worker():
        assert held() == {"H1", "H2"}
        assert Holding.objects.get(core_number="H1").amount == Decimal(1000)


@pytest.mark.parametrize(
    ("name", "text", "flag", "says"),
    [
        ("customers.csv", f"{CUSTOMERS}\nF1,沈,,,1,1001\n", "rows=2", "has 1 rows, its control total says 2"),
        ("holdings.csv", "客户号,账号,产品,金额\nF1,H1,x,5.00\n", "amount=6.00", "sum to 5.00"),
        ("customers.csv", "客户号,手机号\nF1,1\n", "", "needs columns for name"),
        ("unknown.csv", "a,b\n1,2\n", "", "does not say what it holds"),
    ],
)
def test_a_feed_that_is_not_whole_is_not_loaded(
    feed: Callable[..., Run], name: str, text: str, flag: str, says: str
) -> None:
    with translation.override("en"), pytest.raises(Unaccepted, match=says):
        feed(name, text, flag)


def test_without_its_flag_a_feed_is_not_read(tmp_path: Path, db: None) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(f"{CUSTOMERS}\n")
    with translation.override("en"), pytest.raises(Unaccepted, match=r"customers\.csv\.ok"):
        opened(path)


def test_refused_rows_say_why(cast: Cast, feed: Callable[..., Run], worker: Any) -> None:
    run = feed("ratings.csv", "客户号,月份,月日均资产\nNOBODY,2026-03,5\n,2026-03,5\nC-rm-0,2026-03,viel\n")
    assert run.refused == 3
    with worker():
        reasons = [line.reasons[0]["reason"] for line in Line.objects.filter(run=run, state="refused").order_by("line")]
    assert ["No customer" in reasons[0], "empty" in reasons[1], "no amount" in reasons[2]] == [True] * 3


def reasons_of(run: Run) -> list[tuple[int, str]]:
    return [
        (line.line, line.reasons[0]["reason"])
        for line in Line.objects.filter(run=run, state="refused").order_by("line")
    ]


def test_a_customer_who_stands_in_the_file_twice_is_told_by_the_first_row(
    cast: Cast, feed: Callable[..., Run], worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK", 2)  # the last row comes in another part than the first
    rows = [f"C-rm-0,林晓客户,1381234567{n},,," for n in (1, 2)] + ["F1,沈静仪,13812345673,,,1001"]
    run = feed("customers.csv", "\n".join([CUSTOMERS, *rows, rows[2], rows[0].replace("71", "74")]))
    assert (run.checked, run.loaded, run.already, run.refused) == (5, 1, 1, 3)
    with worker():
        assert Customer.objects.get(core_number="C-rm-0").open_value("mobile") == "13812345671"
        assert reasons_of(run) == [
            (line, f"The same customer stands in line {first} already.") for line, first in ((3, 2), (5, 4), (6, 2))
        ]
    again = feed("customers.csv", "\n".join([CUSTOMERS, *rows]))
    assert (again.already, again.changed, again.refused) == (2, 0, 1)


def test_what_a_file_tells_twice_is_told_by_the_first_row(cast: Cast, feed: Callable[..., Run], worker: Any) -> None:
    run = feed(
        "holdings.csv",
        f"{HELD}\nC-rm-0,H1,存款,100,\nC-rm-0,H1,存款,200,\nC-mate-0,H1,存款,300,\n",
        "rows=3 amount=600",
    )
    assert (run.loaded, run.refused) == (2, 1)
    rated = feed("ratings.csv", "客户号,月份,月日均资产\nC-rm-0,2026-02,5\nC-rm-0,2026-01,7\nC-rm-0,2026-02,6\n")
    assert (rated.loaded, rated.refused) == (2, 1)
    with worker():
        assert sorted(Holding.objects.values_list("amount", flat=True)) == [Decimal(100), Decimal(300)]
        assert Customer.objects.get(core_number="C-rm-0").assets == Decimal(5)
        assert reasons_of(run) == [(3, "The same stands in line 2 already.")]
        assert reasons_of(rated) == [(4, "The same stands in line 2 already.")]


def test_a_maturity_of_nothing_that_is_held_comes_back(cast: Cast, feed: Callable[..., Run], worker: Any) -> None:
    feed("holdings.csv", f"{HELD}\nC-rm-0,H1,存款,100,\n")
    run = feed(
        "maturities.csv", "客户号,持有编号,到期日\nC-rm-0,H1,2026-12-01\nC-rm-0,H9,2026-12-01\nC-mate-0,H1,2026-12-01\n"
    )
    assert (run.checked, run.loaded, run.refused, run.changed) == (3, 1, 2, 1)
    with worker():
        assert {reason for _line, reason in reasons_of(run)} == {
            "The customer holds nothing under this number. Send it in the holdings' file first."
        }


def test_a_cell_that_no_column_can_hold_is_refused_and_ends_nothing(
    feed: Callable[..., Run], cast: Cast, worker: Any
) -> None:
    head = "客户号,账号,产品,金额,利率,数据日期"
    good = "C-rm-0,H1,三年定期,5,2.6,"
    feed("holdings_20260228.csv", f"{head}\n{good}\nC-rm-0,H2,三年定期,5,2.6,", "rows=2.0 amount=10.")
    bad = ["C-rm-0,H2,x,NaN,,", "C-rm-0,H2,x,5,1e9,", "C-rm-0,H2,x,5,NaN,", "C-rm-0,H2,x,5,2.6,2099-01-01"]
    run = feed("holdings_20260301.csv", "\n".join([head, good, *bad]))
    assert (run.loaded, run.refused) == (1, 4)
    with worker():
        reasons = [line.reasons[0]["reason"] for line in Line.objects.filter(run=run, state="refused").order_by("line")]
        assert [
            "no amount" in reasons[0],
            "no rate" in reasons[1],
            "no rate" in reasons[2],
            "future" in reasons[3],
        ] == [True] * 4
        kept = Holding.objects.filter(ended_on=None).order_by("core_number").values_list("core_number", "as_of")
        assert list(kept) == [("H1", date(2026, 3, 1)), ("H2", date(2026, 2, 28))]
    run = feed("ratings.csv", "客户号,月份,月日均资产\nC-rm-0,2099-01,5\nC-rm-0,2026-02,NaN\n")
    assert (run.loaded, run.refused) == (0, 2)


def months(cast: Cast, feed: Callable[..., Run], averages: list[int]) -> list[str]:
    """Tiers of a gold customer whose averages were these, from January 2025 on."""
    for number, assets in enumerate(averages):
        feed("ratings.csv", f"客户号,月份,月日均资产\nC-rm-1,2025-{number + 1:02},{assets}\n")
    with acting(cast.rm.id, NOW):
        return list(Rating.objects.order_by("month").values_list("tier", flat=True))


@pytest.mark.parametrize(
    ("averages", "tiers"),
    [
        ([60_000, 250_000], ["gold", "platinum"]),  # reached in a month: up in the next
        ([60_000, 7_000_000, 60_000], ["gold", "private", "private"]),
        ([40_000, 40_000, 40_000], ["gold", "gold", "regular"]),  # three months below: down in the fourth
        ([40_000, 40_000, 60_000, 40_000, 40_000, 40_000], ["gold", "gold", "gold", "gold", "gold", "regular"]),
        ([50_000, 49_999], ["gold", "gold"]),
        ([1_000_000, 300_000, 300_000, 900_000], ["diamond", "diamond", "diamond", "platinum"]),
    ],
)
def test_tiers_follow_monthly_averages(
    cast: Cast, feed: Callable[..., Run], averages: list[int], tiers: list[str]
) -> None:
    assert months(cast, feed, averages) == tiers
    with acting(cast.rm.id, NOW):
        customer = Customer.objects.get(core_number="C-rm-1")
        assert (customer.tier, customer.assets) == (tiers[-1], Decimal(averages[-1]))


def test_an_average_of_january_rates_february_and_says_why(cast: Cast, feed: Callable[..., Run]) -> None:
    feed("ratings.csv", "客户号,月份,月日均资产\nC-rm-1,2026-01,8000000\n")
    feed("rated.tier.csv", "客户号,评级月份,月日均资产\nC-rm-2,2026-02,60000\n")
    feed("averages.aum.csv", "客户号,月日均资产\nC-rm-0,60000\n")
    with acting(cast.rm.id, NOW):
        rated = {rating.customer.core_number: rating for rating in Rating.objects.select_related("customer")}
        assert {number: str(rating.month) for number, rating in rated.items()} == {
            "C-rm-0": "2026-03-01", "C-rm-1": "2026-02-01", "C-rm-2": "2026-02-01",
        }  # fmt: skip
        assert "2026 年 1 月月日均资产 8,000,000 元" in rated["C-rm-1"].reason
        risen = Customer.objects.get(core_number="C-rm-1")
        assert (str(risen.assets_day), risen.assets) == ("2026-01-31", Decimal(8_000_000))


def test_the_same_month_again_and_months_before_change_nothing_twice(
    cast: Cast, feed: Callable[..., Run], worker: Any
) -> None:
    months(cast, feed, [60_000, 250_000])
    assert months(cast, feed, [60_000, 250_000]) == ["gold", "platinum"]
    with worker():
        before = Customer.objects.get(core_number="C-rm-1").tier
        assert rate(date(2026, 3, 1), rules_at=lambda month: Bank().tier_rules, now=NOW) == 0
        assert Customer.objects.get(core_number="C-rm-1").tier == before == "platinum"
        assert Rating.objects.filter(month=date(2026, 3, 1)).count() == 1
