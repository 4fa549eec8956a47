"""Posts and units through time: what is granted counts from its day, what stood until then stands until then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.cast import LONG_AGO, Cast
from tests.product.test_office import approve_what_waits
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers.imports.load import run_import
from zhike.customers.models import Line, Run
from zhike.people.models import Post, Unit
from zhike.people.roster import Roster
from zhike.people.tables import open_table
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def test_another_scope_from_a_coming_day_leaves_the_post_as_it_is_until_then(cast: Cast) -> None:
    browser, century = cast.client("administrator"), cast.units["century"]
    wider = {"role": "leader", "unit": century.pk, "scope": "tree", "from": "2026-03-23", "to": "", "reason": "兼管"}
    assert browser.post(f"/staff/{cast.leader.pk}/posts/", wider).status_code == 303
    approve_what_waits(cast)
    days = list(Post.objects.filter(staff=cast.leader).order_by("from_day").values_list("scope", "from_day", "to_day"))
    assert days == [("team", LONG_AGO, date(2026, 3, 23)), ("tree", date(2026, 3, 23), None)]
    with cast.acting("leader", NOW) as actor:
        assert actor.roles == {"leader"}
    # The same scope until a day: the post that stands ends then.
    assert (
        browser.post(f"/staff/{cast.leader.pk}/posts/", {**wider, "from": "2026-04-01", "to": "2026-05-01"}).status_code
        == 303
    )
    approve_what_waits(cast)
    assert Post.objects.get(staff=cast.leader, scope="tree").to_day == date(2026, 5, 1)


def test_who_is_to_come_is_seen_from_the_first_day_on(cast: Cast) -> None:
    browser = cast.client("administrator")
    later = {"role": "rm", "unit": cast.units["lujiazui"].pk, "scope": "own", "from": "2026-03-23", "reason": "调动"}
    assert browser.post(f"/staff/{cast.rm.pk}/posts/", later).status_code == 303
    approve_what_waits(cast)
    for day, sees in ((NOW, False), (NOW + timedelta(days=7), True)):
        with cast.acting("other_leader", day) as actor:
            assert (cast.rm.pk in actor.sees) is sees
        with cast.acting("leader", day) as actor:
            assert cast.rm.pk in actor.sees


def test_a_post_that_has_not_begun_is_taken_back_and_never_begins(cast: Cast) -> None:
    browser, address = cast.client("administrator"), f"/staff/{cast.rm.pk}/"
    later = {
        "role": "leader",
        "unit": cast.units["lujiazui"].pk,
        "scope": "team",
        "from": "2026-03-23",
        "reason": "调动",
    }
    for until in ("", "2026-06-01"):
        assert browser.post(f"{address}posts/", {**later, "to": until}).status_code == 303
        approve_what_waits(cast)
        coming = Post.objects.filter(staff=cast.rm, role="leader").latest("pk")
        assert "收回" in browser.get(address).content.decode()
        assert browser.post(f"{address}posts/{coming.pk}/end/").status_code == 303
        assert "已收回" in browser.get(address).content.decode()
    listed = next(row for row in browser.get("/staff/").content.decode().split("<tr") if "林晓" in row)
    assert ("世纪大道支行" in listed, "陆家嘴支行" in listed) == (True, False)
    for day in (NOW, NOW + timedelta(days=7), NOW + timedelta(days=30)):
        with cast.acting("rm", day) as actor:
            assert actor.roles == {"rm"}
    with cast.acting("compliance", NOW):
        kept = Entry.objects.filter(object="people_post", row_id=coming.pk, action="update").latest("id")
        assert (kept.actor_id, "2026-03-23" in str(kept.changes)) == (cast.administrator.pk, True)


def test_nobody_serves_in_a_unit_that_has_ended(cast: Cast, worker: Role, tmp_path: Path) -> None:
    browser = cast.client("administrator")
    made = {"code": "1300", "name": "外高桥支行", "kind": "sub_branch", "parent": cast.units["branch"].pk}
    assert browser.post("/units/new/", made).status_code == 303
    unit = Unit.objects.get(code="1300")
    post = {"role": "rm", "unit": unit.pk, "scope": "own", "from": "2026-03-16", "to": "2026-06-01", "reason": "借调"}
    assert browser.post(f"/staff/{cast.mate.pk}/posts/", post).status_code == 303
    approve_what_waits(cast)
    still = browser.post(f"/units/{unit.pk}/", {"act": "end"})
    assert (still.status_code, "请先结束该机构的任职" in still.content.decode()) == (422, True)
    with worker():
        Post.objects.filter(unit=unit).update(from_day=LONG_AGO, to_day=date(2026, 3, 1))
    assert browser.post(f"/units/{unit.pk}/", {"act": "end"}).status_code == 303
    ended = browser.post(f"/staff/{cast.mate.pk}/posts/", post)
    assert (ended.status_code, "已撤销" in ended.content.decode()) == (422, True)
    file = "工号,姓名,机构号,角色\n3001,钟意,1300,客户经理"
    assert "机构 1300 已撤销" in browser.post("/staff/import/", {"text": file, "act": "check"}).content.decode()
    customers = tmp_path / "customers.csv"
    customers.write_text("姓名,手机号,机构号\n沈静仪,13812345678,1300", "utf-8")
    with worker():
        run = Run.objects.create(name="x", at=NOW, mapping={"姓名": "name", "手机号": "mobile", "机构号": "unit"})
        run = run_import(run, customers, bank=Bank(), now=lambda: NOW, language="en")
        assert Line.objects.get(run=run).reasons[0]["reason"] == "The unit 1300 has ended. Name one that stands."


def test_a_file_changes_a_scope_from_its_day_and_the_second_time_nothing(
    cast: Cast, worker: Role, tmp_path: Path
) -> None:
    path = tmp_path / "staff.csv"
    path.write_text("工号,机构号,角色,数据范围,起\n1003,1100,主管,辖内,2026-03-23\n", "utf-8")
    for times in (1, 2):
        with worker():
            result = Roster(open_table(path), today=date(2026, 3, 16), now=NOW, grant=True).take_in()
        assert (result.posts_made, result.unchanged) == ((1, 0) if times == 1 else (0, 1))
        days = Post.objects.filter(staff=cast.leader).order_by("from_day").values_list("scope", "from_day", "to_day")
        assert list(days) == [("team", LONG_AGO, date(2026, 3, 23)), ("tree", date(2026, 3, 23), None)]
