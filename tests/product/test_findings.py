"""Findings are seen by those who answer for them: they were kept where nobody looked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.cast import Cast
from tests.product.api import NOW, Program
from zhike import clock
from zhike.obligations.models import Finding

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def breach(cast: Cast, owner: Role) -> Any:
    """A birthday's SMS that went by the RM's own phone."""
    with owner():
        return Finding.objects.create(
            clause="S1", clause_from="2025-07-01", kind="breach", staff=cast.rm, customer=cast.customers["rm"][0],
            subject="obligation:7", verdict="own_phone", at=NOW, reason="平台停用",
            what={"zh": "短信由本人手机发出。", "en": "The message went by one's own phone."},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "sees"),
    [("rm", True), ("mate", False), ("leader", True), ("branch_leader", True), ("other_leader", False), ("compliance", True)],
)  # fmt: skip
def test_a_program_reads_what_its_person_may_see(cast: Cast, worker: Role, breach: Any, who: str, sees: bool) -> None:
    with worker():
        program = Program(cast, who)
    items = program.get("findings")["items"]
    assert [each["id"] for each in items] == ([str(breach.pk)] if sees else [])
    assert program.get("findings?kind=exception")["items"] == []
    if sees:
        (one,) = items
        assert (one["clause"], one["kind"], one["staff"]["name"], one["reason"]) == ("S1", "breach", "林晓", "平台停用")
        assert one["what"] == "短信由本人手机发出。"


def test_the_teams_page_shows_them(cast: Cast, breach: Any) -> None:
    for who, sees in (("leader", True), ("compliance", True), ("other_leader", False)):
        page = cast.client(who, NOW).get("/team/").content.decode()
        assert ("短信由本人手机发出" in page) is sees, who
        assert ("最近三十天的发现 1 件" in page) is sees, who
        assert ("平台停用" in page) is sees, who


def test_who_only_looks_on_lands_where_there_is_something(cast: Cast) -> None:
    """Their Today could never hold anything, and said "nothing left, 0 in time"."""
    for who in ("compliance", "risk", "auditor"):
        browser = cast.client(who, NOW)
        assert browser.get("/")["Location"] == "/team/", who
        assert ">今日<" not in re.sub(r"\s", "", browser.get("/team/").content.decode()), who
    assert cast.client("leader", NOW).get("/").status_code == 200
