"""The calendar as another program reads it: ical.js, which phones and desktops have nothing in common with but RFC 5545.

Run by Node from the folder tests/npm; bin/test puts it there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cast import Cast
from tests.conftest import ROOT
from tests.product.api import NOW
from tests.product.test_calendar import TUESDAY_TEN, address, ask, born, open_it, promise, set_to, visit
from zhike.conduct.bank import Bank
from zhike.contacts import course

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_it")]
Role = Callable[[], AbstractContextManager[None]]
READER = ROOT / "tests" / "npm"
__all__ = ["open_it"]


def understood(path: str, at: datetime = NOW) -> list[dict[str, Any]]:
    """What ical.js makes of the calendar as it is served."""
    node = shutil.which("node")
    assert node, "These tests have Node read the calendar: install it (apt install nodejs npm)."
    assert (READER / "node_modules" / "ical.js").is_dir(), "Run npm ci in tests/npm, or bin/test, which does."
    read = subprocess.run(
        [node, "calendar.mjs"], input=ask(path, at).content, cwd=READER, capture_output=True, check=False
    )
    assert read.returncode == 0, read.stderr.decode()
    found: list[dict[str, Any]] = json.loads(read.stdout)
    return found


def test_it_is_read_as_it_is_meant(cast: Cast, owner: Role) -> None:
    promise(cast)
    visit(cast, minutes=90)
    born(cast, "农历2009年闰五月初八")
    set_to(owner, "calendar_detail", "name")
    back, door, talk, *birthdays = sorted(understood(address(cast)), key=lambda entry: entry["begins"])
    same = {"status": "CONFIRMED", "place": "", "alarms": []}
    assert {name: value for name, value in back.items() if name not in ("uid", "stamp", "number")} == {
        **same, "says": "15:00 回电 张伟明 · 打开知客", "begins": "2026-03-02T07:00:00Z", "ends": "2026-03-02T07:05:00Z",
        "alarms": ["2026-03-02T06:45:00Z", "2026-03-02T06:58:00Z", "2026-03-02T07:00:00Z"],
    }  # fmt: skip
    assert {name: value for name, value in door.items() if name not in ("uid", "stamp", "number")} == {
        **same, "says": "09:45 到门口 李秀兰 · 打开知客", "begins": "2026-03-03T01:35:00Z", "ends": "2026-03-03T02:00:00Z",
        "alarms": ["2026-03-03T01:00:00Z", "2026-03-03T01:35:00Z"],
    }  # fmt: skip
    assert {name: value for name, value in talk.items() if name not in ("uid", "stamp", "number")} == {
        **same, "says": "10:00 拜访 李秀兰 · 打开知客", "begins": "2026-03-03T02:00:00Z", "ends": "2026-03-03T03:30:00Z",
        "place": "滨江壹号三楼",
    }  # fmt: skip
    assert [(day["begins"], day["ends"]) for day in birthdays] == [
        ("2026-06-22", "2026-06-23"), ("2027-06-12", "2027-06-13"), ("2028-06-30", "2028-07-01"), ("2029-06-19", "2029-06-20"),
        ("2030-06-08", "2030-06-09"),
    ]  # fmt: skip
    assert len({entry["uid"] for entry in (back, door, talk, *birthdays)}) == 8


def test_moves_and_what_is_called_off_replace_what_it_has(cast: Cast) -> None:
    """By RFC 5545 a reader takes of two entries with one UID the higher number."""
    made = visit(cast)
    path = address(cast)
    before = {entry["uid"]: entry for entry in understood(path)}
    later, wednesday = NOW + timedelta(hours=1), TUESDAY_TEN + timedelta(days=1)
    with cast.acting("rm", later) as actor:
        course.call_off(made, whose="customer", why="出差", actor=actor, now=later, bank=Bank(), moved_to=wednesday)
    moved = {entry["uid"]: entry for entry in understood(path, later)}
    assert {entry["begins"] for entry in moved.values()} == {"2026-03-04T02:00:00Z", "2026-03-04T01:35:00Z"}
    with cast.acting("rm", later) as actor:
        course.call_off(made, whose="customer", why="不来了", actor=actor, now=later, bank=Bank())
    off = {entry["uid"]: entry for entry in understood(path, later)}
    assert set(before) == set(moved) == set(off)
    for uid, entry in off.items():
        assert (entry["status"], entry["alarms"]) == ("CANCELLED", [])
        assert before[uid]["number"] < moved[uid]["number"] < entry["number"]


def test_summer_time_is_told_with_it(cast: Cast, owner: Role) -> None:
    """A bank in Berlin: 10:00 is 09:00 UTC in winter, and 08:00 from the last Sunday of March on."""
    set_to(owner, "zone", "Europe/Berlin")
    winter, summer = TUESDAY_TEN.replace(hour=9), TUESDAY_TEN.replace(month=4, hour=8)
    again, next_summer = winter.replace(month=11), datetime(2027, 3, 30, 8, tzinfo=UTC)
    with cast.acting("rm", NOW) as actor:
        for at in (winter, summer, again, next_summer):
            course.plan(cast.customers["rm"][0], "reception", actor=actor, now=NOW, planned_for=at)
    assert [(entry["says"], entry["begins"]) for entry in understood(address(cast))] == [
        ("10:00 接待 · 打开知客", "2026-03-03T09:00:00Z"),
        ("10:00 接待 · 打开知客", "2026-04-03T08:00:00Z"),
        ("10:00 接待 · 打开知客", "2026-11-03T09:00:00Z"),
        ("10:00 接待 · 打开知客", "2027-03-30T08:00:00Z"),
    ]
