"""Fifty people in an hour: units, staff and posts from one file."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from zhike.people.models import Post, Staff, Unit
from zhike.people.roster import Roster, TakenIn
from zhike.people.tables import UnreadableTable, open_table

Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
TODAY = date(2026, 3, 16)
FILE = """工号,姓名,职务,机构号,机构名称,机构类型,上级机构号,角色,数据范围,起,止,邮箱
1001,林晓,财富顾问,1100,,,,客户经理,,2026-01-05,,lin@bank.example
,,,1100,世纪大道支行,支行,1000,,,,,
,,,1000,张江分行,分行,0000,,,,,
1003,吴敏,支行主管,1100,,,,主管,,,,
1003,吴敏,支行主管,1000,,,,合规,辖内,2026-02-01,2027-02-01,
,,,0000,总行,总行,,,,,,
"""


def taken(tmp_path: Path, text: str, *, grant: bool = True) -> TakenIn:
    path = tmp_path / "staff.csv"
    path.write_text(text, "utf-8")
    return Roster(open_table(path), today=TODAY, now=NOW, grant=grant).take_in()


@pytest.mark.django_db
def test_units_staff_and_posts_come_from_one_file_in_any_order(tmp_path: Path, worker: Role) -> None:
    with worker():
        result = taken(tmp_path, FILE)
    assert not result.refused
    assert (result.units_made, result.staff_made, result.posts_made) == (3, 2, 3)
    century = Unit.objects.get(code="1100")
    assert century.parent is not None
    assert century.path.startswith(century.parent.path)
    assert (century.parent.name, century.kind) == ("张江分行", "sub_branch")
    posts = {(p.staff.number, p.role, p.scope, p.unit.code, p.from_day, p.to_day) for p in Post.objects.all()}
    assert posts == {
        ("1001", "rm", "own", "1100", date(2026, 1, 5), None),
        ("1003", "leader", "team", "1100", TODAY, None),
        ("1003", "compliance", "tree", "1000", date(2026, 2, 1), date(2027, 2, 1)),
    }


@pytest.mark.django_db
def test_a_second_run_changes_nothing(tmp_path: Path, worker: Role) -> None:
    with worker():
        taken(tmp_path, FILE)
        before = list(Staff.objects.values_list("number", "password")), list(Post.objects.values())
        again = taken(tmp_path, FILE)
        assert (again.taken, again.unchanged, again.invitations, again.refused) == (0, 6, [], [])
        assert before == (list(Staff.objects.values_list("number", "password")), list(Post.objects.values()))


@pytest.mark.django_db
def test_what_differs_is_changed_and_paths_follow(tmp_path: Path, worker: Role) -> None:
    with worker():
        taken(tmp_path, FILE)
        changed = taken(
            tmp_path,
            "工号,姓名,机构号,机构名称,机构类型,上级机构号,角色,数据范围\n"
            ",,1000,张江一级分行,分行,,,\n,,1100,世纪大道支行,支行,0000,,\n1001,林晓晓,1100,,,,客户经理,团队\n",
        )
    assert (changed.units_changed, changed.staff_changed, changed.posts_made) == (2, 1, 1)
    head, century = Unit.objects.get(code="0000"), Unit.objects.get(code="1100")
    assert century.path == f"{head.path}{century.pk}/"
    days = Post.objects.filter(staff__number="1001").order_by("from_day").values_list("scope", "from_day", "to_day")
    assert list(days) == [("own", date(2026, 1, 5), TODAY), ("team", TODAY, None)]


@pytest.mark.django_db
def test_each_wrong_row_says_where_and_why_and_the_others_are_taken(tmp_path: Path, worker: Role) -> None:
    text = (
        "工号,姓名,机构号,机构名称,机构类型,上级机构号,角色,数据范围,起,止,邮箱\n"
        ",,0000,总行,总行,,,,,,\n"
        "1001,林晓,0000,,,,客户经理,,,,\n"
        "1002,,0000,,,,客户经理,,,,\n"
        "1003,王五,9999,,,,客户经理,,,,\n"
        "1004,赵六,0000,,,,大堂经理,,,,\n"
        "1005,孙七,0000,,,,客户经理,,2026-13-01,,not an address\n"
        "工号!,钱八,0000,,,,客户经理,,,,\n"
        "1006,周九,0000,,,,客户经理,,2026-03-01,2026-02-01,\n"
        ",,A,甲,支行,B,,,,,\n"
        ",,B,乙,支行,A,,,,,\n"
        ",,C,丙,支行,没有,,,,,\n"
    )
    with worker():
        result = taken(tmp_path, text)
    refused = {row.line: {problem.column for problem in problems} for row, problems in result.refused}
    assert refused == {
        4: {"姓名"},
        5: {"机构号"},
        6: {"角色"},
        7: {"起", "邮箱"},
        8: {"工号"},
        9: {"止"},
        10: {"上级机构号"},
        11: {"上级机构号"},
        12: {"上级机构号"},
    }
    assert (result.units_made, result.staff_made) == (1, 1)
    sentences = [problem.reason for _row, problems in result.refused for problem in problems]
    assert any("大堂经理" in sentence and "客户经理、主管" in sentence for sentence in sentences)


@pytest.mark.django_db
def test_posts_can_wait_for_a_second_person(tmp_path: Path, worker: Role) -> None:
    with worker():
        result = taken(tmp_path, FILE, grant=False)
    assert not Post.objects.exists()
    assert len(result.posts_asked) == 3
    assert Staff.objects.count() == 2


@pytest.mark.django_db
def test_a_file_that_names_nobody_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTable, match="age"):
        taken(tmp_path, "age;job;marital\n58;management;married\n")


@pytest.mark.django_db
def test_an_invitation_opens_the_door_once(tmp_path: Path, worker: Role) -> None:
    with worker():
        result = taken(tmp_path, FILE)
    number, name, password = result.invitations[0]
    assert (number, name) == ("1001", "林晓")
    browser = Client()
    assert browser.post("/sign-in/", {"login": number, "password": password}).status_code == 302
    assert Staff.objects.get(number=number).must_change_password


@pytest.mark.django_db
def test_five_thousand_rows_take_seconds(tmp_path: Path, worker: Role, django_assert_max_num_queries: Any) -> None:
    rows = "".join(f"{n},员工{n},0000,,,,客户经理\n" for n in range(1000, 1500))
    text = "工号,姓名,机构号,机构名称,机构类型,上级机构号,角色\n,,0000,总行,总行,,\n" + rows
    with worker(), django_assert_max_num_queries(5 * 500 + 20):
        assert taken(tmp_path, text).staff_made == 500


@pytest.mark.django_db
def test_headings_as_offices_write_them_seat_people_in_their_posts(tmp_path: Path, worker: Role) -> None:
    with worker():
        taken(tmp_path, FILE)
        rows = "2001,甲,1100,客户经理,本人,2026-02-01\n2002,乙,世纪大道支行,主管,,\n2003,丙,9999,客户经理,,\n2004,丁,1100,董事长,,\n"
        result = taken(tmp_path, f"工号,姓名,机构,岗位,数据范围,任职起,工龄\n{rows}")
    assert (result.staff_made, result.posts_made, result.unread) == (2, 2, ["工龄"])
    assert [problems[0].column for _row, problems in result.refused] == ["机构", "岗位"]
    posts = Post.objects.filter(staff__number__startswith="20").values_list(
        "staff__number", "role", "unit__code", "from_day"
    )
    assert set(posts) == {("2001", "rm", "1100", date(2026, 2, 1)), ("2002", "leader", "1100", TODAY)}


@pytest.mark.django_db
def test_a_job_title_beside_a_role_stays_a_title(tmp_path: Path, worker: Role) -> None:
    with worker():
        taken(tmp_path, FILE)
        result = taken(tmp_path, "工号,姓名,岗位,机构号,机构,角色\n2001,甲,大堂,1100,世纪大道支行,客户经理\n")
    assert (result.posts_made, result.refused, Staff.objects.get(number="2001").title) == (1, [], "大堂")


def test_the_command(database: Any, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "zhike", "import", "staff", *arguments]
        return subprocess.run(command, env={**os.environ, **database.environment}, capture_output=True, text=True)

    file = tmp_path / "staff.csv"
    file.write_bytes(FILE.encode("gb18030"))
    dry = run(str(file), "--dry-run", "--json")
    assert (dry.returncode, '"staff_made": 2' in dry.stdout) == (0, True), dry.stderr
    assert not Staff.objects.exists()
    done = run(str(file), "--invitations", str(tmp_path / "invitations"))
    assert done.returncode == 0, done.stderr
    assert Staff.objects.count() == 2
    assert len((tmp_path / "invitations").read_text().splitlines()) == 2
    assert (tmp_path / "invitations").stat().st_mode & 0o077 == 0

    file.write_text(FILE + "1009,无,,9999,,,,客户经理,,,,\n", "utf-8")
    some = run(str(file))
    assert some.returncode == 3
    with (tmp_path / "staff.refused.csv").open(encoding="utf-8-sig") as back:
        (row,) = csv.DictReader(back)
    assert (row["工号"], row["行号 line"], row["列 column"]) == ("1009", "8", "机构号")
    file.write_text(FILE.replace("邮箱", "内线"), "utf-8")
    unread = run(str(file))
    assert (unread.returncode, "内线" in unread.stderr) == (3, True)
    assert run(str(file), "--leave-out", "内线").returncode == 0
    assert run(str(tmp_path / "no.csv")).returncode == 1
    assert run().returncode == 2
