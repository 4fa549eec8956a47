"""The size of a book (管户上限): warned of where customers come in or change hands, seen on the team's page, never refused.

The bank lets an RM keep two platinum customers. Lin Xiao keeps one, then three; Chen Tong none, then two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import LONG_AGO, PASSWORD, Cast, a_customer
from tests.product.api import Program
from tests.product.test_import_pages import uploaded
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.setting import plain
from zhike.customers.models import Customer
from zhike.customers.tasks import import_customers
from zhike.people.models import Approval, Post, Setting, Staff

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture(autouse=True)
def two(cast: Cast, owner: Role) -> None:
    """Two platinum customers at most; the cast's own are of other tiers."""
    rows: Any = plain(Bank().rhythm)
    few = [{**row, "book_limit": 2 if row["tier"] == "platinum" else None} for row in rows]
    with owner():
        Customer.objects.update(tier="gold")
        Setting.objects.create(name="rhythm", value=few, from_day=date(2026, 1, 1), at=NOW)


def give(cast: Cast, owner: Role, rm: str, *names: str, **more: Any) -> list[Customer]:
    with owner():
        return [a_customer(name, cast.staff[rm], cast.units["century"], tier="platinum", **more) for name in names]


def team(cast: Cast, who: str = "leader") -> str:
    page = cast.client(who, NOW).get("/team/").content.decode()
    return page.partition('id="full"')[2].partition("</section>")[0]


def test_the_team_page_says_who_is_over_and_of_which_tier(cast: Cast, owner: Role) -> None:
    give(cast, owner, "rm", "甲一", "甲二")
    give(cast, owner, "rm", "故人", deceased_on=date(2026, 1, 1))
    give(cast, owner, "rm", "销户", closed_on=date(2026, 1, 1))
    assert team(cast) == "", "two are no more than two; the dead and the closed are not kept"
    give(cast, owner, "rm", "甲三")
    page = team(cast)
    assert "林晓 白金 3 位，上限 2" in page
    assert f"/customers/?rm={cast.rm.pk}&amp;tier=platinum" in page
    with CaptureQueriesContext(connection) as one:
        team(cast)
    give(cast, owner, "mate", *(f"乙{n}" for n in range(5)))
    with CaptureQueriesContext(connection) as two_:
        assert "陈彤 白金 5 位" in team(cast)
    assert len(one) == len(two_)


def test_a_change_of_hands_says_that_the_book_would_be_over(cast: Cast, owner: Role) -> None:
    give(cast, owner, "mate", "乙一", "乙二")
    (moving,) = give(cast, owner, "rm", "甲一")
    leader = cast.client("leader", NOW)
    asked = {"rm": cast.mate.pk, "from_day": "2026-03-16", "reason": "休产假"}
    shown = leader.post(f"/customers/{moving.pk}/hand-over/", asked, follow=True).content.decode()
    assert "接手后超过管户上限：陈彤 白金 3 位，上限 2" in shown
    above = cast.client("branch_leader", NOW)
    page = above.get("/approvals/").content.decode()
    assert "陈彤 白金 3 位，上限 2" in page
    with cast.acting("branch_leader", NOW):
        waiting = Approval.objects.get(decision="open")
    above.post(f"/approvals/{waiting.pk}/", {"act": "approve", "digest": waiting.digest})
    with owner():
        assert Customer.objects.get(pk=moving.pk).rm_id == cast.mate.pk, "it warns, and refuses nothing"
    assert "陈彤 白金 3 位，上限 2" in team(cast)


def test_a_change_of_hands_within_the_size_says_nothing(cast: Cast, owner: Role) -> None:
    give(cast, owner, "mate", "乙一")
    (moving,) = give(cast, owner, "rm", "甲一")
    asked = {"rm": cast.mate.pk, "from_day": "2026-03-16", "reason": "休产假"}
    leader = cast.client("leader", NOW)
    assert "上限" not in leader.post(f"/customers/{moving.pk}/hand-over/", asked, follow=True).content.decode()
    assert "上限" not in cast.client("branch_leader", NOW).get("/approvals/").content.decode()


def test_a_customer_who_is_entered_warns_too(cast: Cast, owner: Role, worker: Role) -> None:
    rows: Any = plain(Bank().rhythm)
    few = [{**row, "book_limit": 3 if row["tier"] == "regular" else None} for row in rows]
    with owner():
        Customer.objects.filter(rm=cast.rm).update(tier="regular")
        Customer.objects.filter(rm=cast.rm).exclude(pk=cast.customers["rm"][0].pk).update(tier="gold")
        Setting.objects.create(name="rhythm", value=few, from_day=date(2026, 1, 2), at=NOW.replace(minute=1))
    with worker():
        rm = Program(cast, "rm")
    said = [
        rm.post("customers", {"name": f"新客{n}", "kind": "person", "fields": {}}, status=201)["warnings"]
        for n in range(3)
    ]
    assert said == [[], [], ["已超过管户上限：林晓 普通 4 位，上限 3。"]]


def test_an_import_says_which_books_it_has_filled(cast: Cast, owner: Role, worker: Role) -> None:
    give(cast, owner, "rm", "甲一", "甲二")
    leader = cast.client("leader", NOW)
    text = "客户号,姓名,手机,客户经理,等级\nP1,沈静仪,13812345678,1001,白金\n"
    address = uploaded(leader, text)
    columns = {
        "column": ["客户号", "姓名", "手机", "客户经理", "等级"],
        "field": ["core_number", "name", "mobile", "rm", "tier"],
    }
    assert leader.post(address, {**columns, "act": "load"}).status_code == 303
    with worker():
        import_customers(run=int(address.rstrip("/").rsplit("/", 1)[1]))
    page = leader.get(address).content.decode()
    assert "现已超过管户上限：林晓 白金 3 位，上限 2。" in page, page


def test_of_many_books_ten_are_named_and_the_others_counted(cast: Cast, owner: Role, worker: Role) -> None:
    rows: Any = plain(Bank().rhythm)
    few = [{**row, "book_limit": 1 if row["tier"] == "regular" else None} for row in rows]
    with owner():
        Setting.objects.create(name="rhythm", value=few, from_day=date(2026, 1, 2), at=NOW.replace(minute=1))
        for n in range(12):
            one = Staff.objects.seat(number=f"20{n:02}", name=f"经理{n}", password=PASSWORD)
            Post.objects.create(staff=one, unit=cast.units["century"], role="rm", scope="own", from_day=LONG_AGO)
    leader = cast.client("leader", NOW)
    lines = "".join(f"P{n},客户{n},138123456{n:02},20{n // 2:02},普通\n" for n in range(24))
    address = uploaded(leader, f"客户号,姓名,手机,客户经理,等级\n{lines}")
    columns = {
        "column": ["客户号", "姓名", "手机", "客户经理", "等级"],
        "field": ["core_number", "name", "mobile", "rm", "tier"],
    }
    assert leader.post(address, {**columns, "act": "load"}).status_code == 303
    with worker():
        import_customers(run=int(address.rstrip("/").rsplit("/", 1)[1]))
    page = leader.get(address).content.decode()
    assert "经理9 普通 2 位，上限 1。 另有 2 处，见团队页。" in page, page
    assert "经理10 普通" not in page.partition("现已超过")[2].partition("</p>")[0]
