"""The structure of a book (W5): how customers moved between tiers, worked out by hand; who is about to rise or fall; for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers import structure
from zhike.customers.models import Customer, Rating
from zhike.customers.models.customer import found_by
from zhike.customers.rating import keep

from .api import Program

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
TODAY = date(2026, 3, 16)
DECEMBER, JANUARY, FEBRUARY, MARCH = (date(2025, 12, 1), *(date(2026, n, 1) for n in (1, 2, 3)))
MONTHS = (DECEMBER, JANUARY, FEBRUARY, MARCH)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def kept(
    cast: Cast,
    name: str,
    tiers: str,
    rm: str = "rm",
    came: date = date(2025, 11, 3),
    assets: int | None = None,
    **more: Any,
) -> Customer:
    """A customer with the tier of December to March, one letter each (r g p d), ``-`` where none is kept; March's is today's."""
    keys = {"r": "regular", "g": "gold", "p": "platinum", "d": "diamond"}
    customer = Customer.objects.create(
        name=name, rm=cast.staff.get(rm), unit=cast.units[rm if rm in cast.units else "lujiazui" if rm == "stranger" else "century"],
        tier=keys[tiers[-1]], created_at=datetime(came.year, came.month, came.day, 2, tzinfo=UTC), changed_at=NOW, assets=assets,
        assets_day=TODAY if assets is not None else None, **found_by(name, "person"), **more,
    )  # fmt: skip
    for month, letter in zip(MONTHS, tiers, strict=True):
        if letter != "-":
            Rating.objects.create(customer=customer, month=month, tier=keys[letter], assets=None)
    return customer


@pytest.fixture
def book(cast: Cast, owner: Role) -> dict[str, Customer]:
    """林晓's book and no other of hers: those of the cast are gone."""
    with owner():
        Customer.objects.filter(rm=cast.rm).update(rm=cast.mate)
        return {
            "stayed": kept(cast, "留着", "gggg"),
            "rose": kept(cast, "升了", "ggpp"),
            "fell": kept(cast, "降了", "ppgg"),
            "twice": kept(cast, "两回", "rgpg"),
            "came": kept(cast, "新来", "--gg", came=date(2026, 2, 20)),
            "left": kept(cast, "走了", "gggg", closed_on=date(2026, 2, 9)),
            "died": kept(cast, "故去", "pppp", deceased_on=date(2026, 3, 1)),
            "unrated": kept(cast, "没有", "---r"),
        }


def test_how_they_moved_month_by_month(cast: Cast, book: dict[str, Customer]) -> None:
    """Eight customers, four months. 没有 has one line alone, of March, and is taken to have been so before."""
    with cast.acting("rm") as actor:
        made = structure.moved(structure.keepers(actor, TODAY), MONTHS, TODAY, Bank())
    assert made.stand(0) == {"gold": 3, "platinum": 2, "regular": 2}  # 留着 升了 走了 · 降了 故去 · 两回 没有
    assert made.stand(3) == {"gold": 4, "platinum": 1, "regular": 1}  # 留着 降了 两回 新来 · 升了 · 没有
    assert made.ways(0) == {}
    assert made.ways(1) == {
        ("gold", "gold"): 3,
        ("platinum", "platinum"): 2,
        ("regular", "regular"): 1,
        ("regular", "gold"): 1,
    }
    assert made.ways(2) == {
        ("gold", "gold"): 1, ("gold", "platinum"): 2, ("platinum", "gold"): 1, ("platinum", "platinum"): 1,
        ("regular", "regular"): 1, ("came", "gold"): 1, ("gold", "left"): 1,
    }  # fmt: skip
    assert made.ways(3) == {
        ("gold", "gold"): 3, ("platinum", "platinum"): 1, ("platinum", "gold"): 1, ("platinum", "left"): 1, ("regular", "regular"): 1,
    }  # fmt: skip


def test_who_they_were(cast: Cast, book: dict[str, Customer]) -> None:
    def names(source: str, to: str, since: date = JANUARY, until: date = FEBRUARY) -> list[str]:
        return [each.name for each in structure.who_moved(mine, since, until, source, to, TODAY, Bank())]

    with cast.acting("rm") as actor:
        mine = structure.keepers(actor, TODAY)
        assert names("gold", "platinum") == ["两回", "升了"]
        assert names("came", "gold") == ["新来"]
        assert names("gold", "left") == ["走了"]
        # From one end to the other, past what lies between: 两回 came from regular by way of platinum.
        assert names("regular", "gold", DECEMBER, MARCH) == ["两回"]


def test_whose_customers_are_counted(cast: Cast, book: dict[str, Customer], owner: Role) -> None:
    """The RM's own, the leader's team, the branch's tree; a unit and all below it; never whom one does not oversee."""

    def counted(who: str, **more: Any) -> int:
        with cast.acting(who) as actor:
            kept_by = structure.keepers(actor, TODAY, **more)
            return sum(structure.moved(kept_by, [MARCH], TODAY, Bank()).stand(0).values())

    assert counted("rm") == 6
    assert counted("mate") == 6  # three of the cast's, and those who were the RM's
    assert counted("leader") == 6 + 6 + 1  # and the one without an RM
    assert counted("leader", staff=cast.rm.pk) == 6
    assert counted("leader", staff=cast.stranger.pk) == 0
    assert counted("branch_leader") == 13 + 4
    assert counted("branch_leader", unit=cast.units["lujiazui"]) == 4
    assert counted("branch_leader", unit=cast.units["branch"]) == 17
    assert counted("leader", unit=cast.units["lujiazui"]) == 0
    assert counted("marketing") == 0


def test_the_wall_stands_behind(cast: Cast, book: dict[str, Customer]) -> None:
    """Whoever asks for a stranger's keeper by hand is told of nobody."""
    with cast.acting("stranger"):
        assert structure.moved([cast.rm.pk], MONTHS, TODAY, Bank()).counts == {}
        assert structure.who_moved([cast.rm.pk], JANUARY, FEBRUARY, "gold", "platinum", TODAY, Bank()) == []
        assert structure.turning([cast.rm.pk], TODAY, Bank()) == []


def test_a_tier_that_no_average_rates_is_kept_by_month(cast: Cast, worker: Role, owner: Role) -> None:
    """The night keeps it once a month; a tier that somebody sets meanwhile is that of the month after."""
    customer = cast.customers["rm"][0]
    with worker():
        assert keep(FEBRUARY) == sum(len(each) for each in cast.customers.values())
        assert keep(FEBRUARY) == 0
    with owner():
        Customer.objects.filter(pk=customer.pk).update(tier="diamond")
        gone = cast.customers["rm"][1]
        Customer.objects.filter(pk=gone.pk).update(closed_on=date(2026, 2, 20))
    with worker():
        keep(MARCH)
    with owner():
        told = list(Rating.objects.filter(customer=customer).order_by("month").values_list("month", "tier", "assets"))
        assert told == [(FEBRUARY, "platinum", None), (MARCH, "diamond", None)]
        assert not Rating.objects.filter(customer=gone, month=MARCH).exists()
    with cast.acting("rm") as actor:
        made = structure.moved(structure.keepers(actor, TODAY), [FEBRUARY, MARCH], TODAY, Bank())
    assert made.ways(1)["platinum", "diamond"] == 1


def test_more_than_can_be_followed_at_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with cast.acting("leader") as actor:
        kept_by = structure.keepers(actor, TODAY)
        monkeypatch.setattr(structure, "MOST", 7)
        assert not structure.too_many(kept_by)
        monkeypatch.setattr(structure, "MOST", 6)
        assert structure.too_many(kept_by)


# ── who is about to rise or fall ──


@pytest.fixture
def near(cast: Cast, owner: Role) -> None:
    """Averages of this month so far. Platinum from 200,000 (near from 180,000), gold from 50,000 (near from 45,000)."""
    with owner():
        Customer.objects.filter(rm=cast.rm).update(rm=cast.mate)
        kept(cast, "到了", "gggg", assets=230_000)
        kept(cast, "差一", "gggg", assets=180_000)
        kept(cast, "不近", "gggg", assets=179_999)
        kept(cast, "差二", "rrrr", assets=47_500)
        falling = kept(cast, "要降", "pppp", assets=150_000)
        Rating.objects.filter(customer=falling, month__gte=FEBRUARY).update(assets=Decimal(160_000))
        kept(cast, "刚低", "pppp", assets=199_000)
        kept(cast, "稳着", "pppp", assets=200_000)
        kept(cast, "没数", "gggg")
        kept(cast, "销了", "gggg", assets=190_000, closed_on=date(2026, 3, 2))
        kept(cast, "外人", "gggg", rm="stranger", assets=190_000)


def test_who_is_about_to_rise_or_fall_the_nearest_first(cast: Cast, near: None) -> None:
    """要降 was below in January and February (rated in February and March): March is the third month and decides. 刚低 has till May."""
    with cast.acting("rm") as actor:
        found = structure.turning(structure.keepers(actor, TODAY), TODAY, Bank())
    told = [(each.customer.name, each.turn.way, each.turn.to, each.turn.short, each.turn.decided) for each in found]
    march, may = date(2026, 3, 31), date(2026, 5, 31)
    assert told == [
        ("到了", "rise", "platinum", Decimal(-30_000), march),
        ("差二", "rise", "gold", Decimal(2_500), march),
        ("差一", "rise", "platinum", Decimal(20_000), march),
        ("要降", "fall", "gold", Decimal(50_000), march),
        ("刚低", "fall", "gold", Decimal(1_000), may),
    ]
    assert found[3].turn.months_below == 2
    assert all(each.running for each in found)


def test_a_figure_of_the_month_before_is_called_so(cast: Cast, near: None, owner: Role) -> None:
    with owner():
        Customer.objects.filter(name="到了").update(assets_day=date(2026, 2, 28))
    with cast.acting("rm") as actor:
        found = {each.customer.name: each for each in structure.turning(structure.keepers(actor, TODAY), TODAY, Bank())}
    assert (found["到了"].running, found["差一"].running) == (False, True)


# ── the page, the files, the data ──


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_page_draws_lists_and_leads_on(cast: Cast, book: dict[str, Customer]) -> None:
    browser = cast.client("rm")
    page = text(browser.get("/customers/structure/"))
    assert "2025-04 至今：升级 3 位，降级 2 位，新来 8 位，离开 2 位。" in page
    assert '<path class="band band--rise"' in page
    there = "/customers/structure/?since=2026-01&amp;until=2026-02&amp;from=gold&amp;to=platinum#who"
    assert page.count(f'href="{there}"') == 2  # the band and the figure
    listed = text(browser.get(there.replace("&amp;", "&").partition("#")[0]))
    who = listed.partition('id="who"')[2].partition("</section>")[0]
    assert all(name in who for name in ("升了", "两回"))
    assert "留着" not in who


def test_a_damaged_address_shows_the_whole(cast: Cast, book: dict[str, Customer]) -> None:
    browser = cast.client("rm")
    for asked in (
        "since=2026-13&until=2026-02&from=gold&to=platinum", "since=2026-03&until=2026-02&from=gold&to=gold", "months=99999", "turn=x&page=-1",
        "since=0001-01&until=9999-12&from=x&to=y", "page=99999999999999999999",
        "since=2026-01&until=2026-02&from=gold&to=%ED%A0%80",
    ):  # fmt: skip
        assert browser.get(f"/customers/structure/?{asked}").status_code == 200
    assert browser.get("/customers/structure/?since=2026-01&until=2026-02&from=%00&to=gold").status_code == 400
    for asked in ("staff=7777777", "unit=7777777", f"staff={cast.stranger.pk}", f"unit={cast.units['lujiazui'].pk}"):
        assert browser.get(f"/customers/structure/?{asked}").status_code in (200, 404)
    assert browser.get(f"/customers/structure/?staff={cast.stranger.pk}").status_code == 404
    assert browser.get(f"/customers/structure/?unit={cast.units['lujiazui'].pk}").status_code == 404


def test_who_is_about_to_move_leads_to_the_customer_and_to_a_call(cast: Cast, near: None) -> None:
    page = text(cast.client("rm").get("/customers/structure/"))
    near_ = page.partition('id="near"')[2].partition("</section>")[0]
    assert "还差 20,000.00 元" in near_
    assert "已达到，超出 30,000.00 元" in near_
    assert "差 50,000.00 元才能保级" in near_
    assert near_.count("/new/call/?purpose=care") == 5
    assert "不近" not in near_
    falling = text(cast.client("rm").get("/customers/structure/?turn=fall")).partition('id="near"')[2]
    assert "要降" in falling
    assert "差一" not in falling
    # Compliance sees it and plans nothing.
    assert "/new/call/" not in text(cast.client("compliance").get("/customers/structure/"))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_taken_along_and_kept_in_the_trail(cast: Cast, near: None, owner: Role, kind: str) -> None:
    browser = cast.client("leader")
    answer = browser.get(f"/customers/structure/?turn=rise&as={kind}")
    assert f'.{kind}"' in answer["Content-Disposition"]
    if kind == "csv":
        lines = answer.content.decode("utf-8-sig").splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["到了", "差二", "差一"]
        assert lines[1].split(",")[4:10] == ["230000.00", "是", "200000", "-30000.00", "2026-03-31", "2026-04-01"]
        moved = browser.get("/customers/structure/?since=2026-02&until=2026-03&from=platinum&to=platinum&as=csv")
        assert "要降" in moved.content.decode("utf-8-sig")
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT (changes ->> 'rows')::int FROM trail_entry WHERE action = 'export' ORDER BY id LIMIT 1")
        assert cursor.fetchone() == (3,)


def test_the_same_as_data(cast: Cast, book: dict[str, Customer], owner: Role) -> None:
    with owner():
        program = Program(cast, "rm")
    months = program.get("customers/tiers/moves?months=4")["months"]
    assert [each["month"] for each in months] == ["2025-12", "2026-01", "2026-02", "2026-03"]
    assert months[3]["stand"] == {"gold": 4, "platinum": 1, "regular": 1}
    assert {"source": "gold", "to": "left", "customers": 1} in months[2]["moves"]
    there = "customers/tiers/moved?since=2026-01&until=2026-02&source=gold&to=platinum&limit=1"
    first = program.get(there)
    second = program.get(f"{there}&cursor={first['next']}")
    assert [each["name"] for each in (*first["items"], *second["items"])] == ["两回", "升了"]
    assert second["next"] is None
    for wrong in ("since=2026-02&until=2026-01", "since=2026-02&until=2099-01"):
        assert program.send("get", f"customers/tiers/moved?{wrong}&source=gold&to=gold").status_code == 422
    assert program.send("get", f"{there}&cursor=bm9uZQ").status_code == 422


def test_turns_as_data(cast: Cast, near: None, owner: Role) -> None:
    with owner():
        program = Program(cast, "rm")
    items = program.get("customers/tiers/turns?turn=fall")["items"]
    assert [each["customer"]["name"] for each in items] == ["要降", "刚低"]
    expected = {
        "way": "fall", "tier": "platinum", "to": "gold", "average": "150000.00", "running": True, "threshold": "200000", "short": "50000.00",
        "decided": "2026-03-31", "since": "2026-04-01", "months_below": 2,
    }  # fmt: skip
    assert {name: items[0][name] for name in expected} == expected


def test_too_many_are_asked_whose(cast: Cast, monkeypatch: pytest.MonkeyPatch, owner: Role) -> None:
    with owner():
        program = Program(cast, "branch_leader")
    monkeypatch.setattr(structure, "MOST", 3)
    page = text(cast.client("branch_leader").get("/customers/structure/"))
    assert "请选择" in page
    assert "<path" not in page.partition("main")[2].partition("chart--flow")[2]
    answer = program.send("get", "customers/tiers/moves")
    assert (answer.status_code, "unit" in text(answer)) == (422, True)
    assert program.get(f"customers/tiers/moves?staff={cast.rm.pk}")["months"]


def test_about_to_move_are_those_of_whom_one_asks(cast: Cast, near: None) -> None:
    def names(**more: Any) -> set[str]:
        with cast.acting("branch_leader") as actor:
            return {
                each.customer.name for each in structure.turning(structure.keepers(actor, TODAY, **more), TODAY, Bank())
            }

    own = {"到了", "差二", "差一", "要降", "刚低"}
    assert names(staff=cast.rm.pk) == own
    assert names(unit=cast.units["lujiazui"]) == {"外人"}
    assert names() == own | {"外人"}


def test_who_owes_more_than_they_have_is_no_fault(cast: Cast, near: None, owner: Role) -> None:
    """An average below nothing stands below the lowest threshold, which is nothing: it cannot fall."""
    with owner():
        Customer.objects.filter(pk=cast.customers["rm"][0].pk).update(assets=Decimal(-100), tier=Bank().tiers[0].key)
    with cast.acting("mate") as actor:
        found = structure.turning(structure.keepers(actor, TODAY), TODAY, Bank())
    assert cast.customers["rm"][0].pk not in [each.customer.id for each in found]
