"""Pages that say by name what they showed by number, or not at all: holidays, one's own trail, the columns of a customer file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cast import Cast
from zhike import clock
from zhike.embedded.server import Server

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def read(cast: Cast, who: str, address: str) -> str:
    with clock.at(NOW):
        html = cast.client(who, NOW).get(address).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_published_holidays_have_their_names(cast: Cast) -> None:
    page = read(cast, "administrator", "/workdays/?year=2026")
    assert re.search(r"2月17日 周二 休息 春节", page)
    assert re.search(r"2月28日 周六 上班 春节调休", page)
    assert re.search(r"10月1日 周四 休息 国庆节", page)


def test_ones_own_trail_names_the_customer(cast: Cast) -> None:
    customer = cast.customers["rm"][0]
    with clock.at(NOW):
        rm = cast.client("rm", NOW)
        rm.post(f"/customers/{customer.pk}/new/call/", {"how": "now", "purpose": "introduction"})
        html = rm.get("/me/").content.decode()
    assert re.search(rf'<a class="link" href="/contacts/\d+/">联系 {customer.name}</a>', html)


def test_the_columns_of_a_customer_file_are_told_before_it_is_uploaded(cast: Cast) -> None:
    page = read(cast, "administrator", "/customers/import/")
    assert "客户号、客户编号、客户代码" in page
    assert "生日、出生日期、出生年月日" in page


@pytest.mark.parametrize(
    ("log", "recovers"),
    [
        ("starting PostgreSQL 18.1\ndatabase system was shut down at noon\n", False),
        (
            "starting PostgreSQL 18.1\ndatabase system was not properly shut down; automatic recovery in progress\n",
            True,
        ),
        (
            "database system was not properly shut down\nstarting PostgreSQL 18.1\ndatabase system was shut down\n",
            False,
        ),
        ("", False),
    ],
)
def test_recovering_is_said_of_a_start_that_recovers(tmp_path: Path, log: str, recovers: bool) -> None:
    server = Server(tmp_path)
    server.log.parent.mkdir(parents=True, exist_ok=True)
    server.log.write_text(log)
    assert server._recovers() is recovers
