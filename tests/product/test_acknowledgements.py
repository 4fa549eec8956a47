"""阅知 on pages: one tap, counts before persons, filters in the address, the list as a file, and nobody in another's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date

import pytest
from django.db import ProgrammingError, transaction

from tests.cast import Cast
from tests.product.api import NOW
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.obligations import acknowledgements
from zhike.obligations.models import Acknowledgement
from zhike.people.models import Leave, Setting

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
FIRST = "2025-07-01"


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def owed(cast: Cast, owner: Role, worker: Role) -> Cast:
    with owner():
        Setting.objects.create(name="acknowledge_roles", value=["rm", "leader"], from_day=date(2026, 1, 1), at=NOW)
    with worker():
        assert acknowledgements.owe(date(2026, 3, 2), NOW, Bank()) == 6
    return cast


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_one_tap_and_the_rows_of_today_are_gone(owed: Cast) -> None:
    browser = owed.client("rm")
    assert "/code/read/" in browser.get("/").content.decode()
    page = browser.get("/code/read/").content.decode()
    assert page.count('class="clause"') >= 52
    answer = browser.post("/code/read/acknowledge/", {"version": FIRST}, follow=True)
    assert "已留存：已读并遵守" in answer.content.decode()
    assert "/code/read/" not in browser.get("/").content.decode()
    with owed.acting("rm", NOW):
        assert Acknowledgement.objects.get().at == NOW


def test_a_version_that_is_not_in_force_gets_a_sentence(owed: Cast) -> None:
    answer = owed.client("rm").post("/code/read/acknowledge/", {"version": "2025-06-30"})
    assert answer.status_code == 422
    assert "不是现行版本" in answer.content.decode()


def test_the_leader_reads_counts_then_persons_and_takes_them_along(owed: Cast) -> None:
    owed.client("rm").post("/code/read/acknowledge/", {"version": FIRST})
    browser = owed.client("leader")
    page = words(browser.get("/code/acknowledgements/").content.decode())
    assert page.index("已阅知 1 / 3 人") < page.index("全部 3") < page.index("陈彤") < page.index("吴敏 1003")
    assert "赵磊" not in page
    unread = words(browser.get("/code/acknowledgements/?state=open").content.decode())
    assert "陈彤 1002" in unread
    assert "林晓 1001" not in unread
    text = browser.get("/code/acknowledgements/?state=open&as=csv").content.decode("utf-8-sig")
    assert [line.split(",")[:4] for line in text.splitlines()[1:]] == [
        ["1002", "陈彤", "世纪大道支行", "未阅知"],
        ["1003", "吴敏", "世纪大道支行", "未阅知"],
    ]
    assert browser.get("/code/acknowledgements/?as=xlsx").content.startswith(b"PK")
    for asked in ("?version=2020-01-01", "?version=x&unit=y&state=z", "?unit=999999"):
        assert browser.get(f"/code/acknowledgements/{asked}").status_code == 200


def test_compliance_reads_counts_and_nobody_by_name(owed: Cast) -> None:
    browser = owed.client("compliance")
    page = words(browser.get("/code/acknowledgements/").content.decode())
    assert "已阅知 0 / 6 人" in page
    assert "陈彤" not in page
    text = browser.get("/code/acknowledgements/?as=csv").content.decode("utf-8-sig")
    assert "世纪大道支行,3,0,3,0" in text
    assert "陈彤" not in text
    assert owed.client("rm").get("/code/acknowledgements/").status_code == 403


def test_nobody_does_it_in_anothers_name_and_nothing_is_changed(owed: Cast) -> None:
    """The second wall: a row of another's is refused by PostgreSQL, and one's own stays as it was."""
    with owed.acting("rm", NOW), pytest.raises(ProgrammingError), transaction.atomic():
        Acknowledgement.objects.create(staff=owed.mate, version=date(2025, 7, 1), at=NOW)
    owed.client("rm").post("/code/read/acknowledge/", {"version": FIRST})
    with owed.acting("rm", NOW), pytest.raises(ProgrammingError), transaction.atomic():
        Acknowledgement.objects.update(at=NOW.replace(year=2020))
    with owed.acting("stranger", NOW) as actor:
        assert not Acknowledgement.objects.exists()
        assert not Acknowledgement.objects.visible_to(actor).exists()


def test_a_stand_in_neither_sees_nor_does_it(owed: Cast, owner: Role) -> None:
    with owner():
        Leave.objects.create(
            staff=owed.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 4), stand_in=owed.mate, asked_by=owed.rm,
            asked_at=NOW, answer="accepted", answered_by=owed.mate, answered_at=NOW,
        )  # fmt: skip
    browser = owed.client("mate")
    browser.post("/code/read/acknowledge/", {"version": FIRST})
    with owner():
        assert [row.staff_id for row in Acknowledgement.objects.all()] == [owed.mate.pk]
    assert "阅读行为规范" not in browser.get("/").content.decode()
