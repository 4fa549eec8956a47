"""The bank's zone is one truth: pages, programs, jobs and the database's own functions have the same midnight."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from tests.cast import Cast
from tests.conftest import ROOT
from zhike import clock
from zhike.people import bank, tokens
from zhike.people.models import Post, Setting

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
TODAY = date(2026, 3, 16)
SHANGHAIS_NEXT_DAY = datetime(2026, 3, 16, 17, tzinfo=UTC)  # 22:00 in Tashkent, still the 16th
TASHKENTS_NEXT_DAY = datetime(2026, 3, 16, 19, 30, tzinfo=UTC)


@pytest.fixture
def tashkent(cast: Cast, owner: Role) -> None:
    with owner():
        Setting.objects.create(name="zone", value="Asia/Tashkent", from_day=date(2026, 1, 1), at=SHANGHAIS_NEXT_DAY)


def of_database(moment: datetime) -> date:
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_day(%s)", [moment])
        day: date = cursor.fetchone()[0]
    return day


def test_the_database_has_the_day_of_the_settings(cast: Cast, owner: Role) -> None:
    """At every hour around three changes of zone, to the far east, to the far west, and back to what counts at first."""
    zones = {
        date(2026, 3, 5): "Pacific/Kiritimati",
        date(2026, 3, 9): "Pacific/Pago_Pago",
        date(2026, 3, 13): "Asia/Shanghai",
    }
    with owner():
        for day, zone in zones.items():
            Setting.objects.create(name="zone", value=zone, from_day=day, at=SHANGHAIS_NEXT_DAY)
    settings = bank.settings()
    first = datetime(2026, 3, 3, tzinfo=UTC)
    moments = [first + timedelta(hours=hour) for hour in range(24 * 14)]
    assert [of_database(moment) for moment in moments] == [settings.today(moment) for moment in moments]
    assert {(settings.today(m) - m.date()).days for m in moments} == {-1, 0, 1}


def test_a_post_ends_at_the_banks_midnight(cast: Cast, tashkent: None, owner: Role) -> None:
    """Whose last day is the 16th sees their customers until it ends where the bank is, on pages and through programs."""
    with owner():
        Post.objects.filter(staff=cast.rm).update(to_day=TODAY + timedelta(days=1))
    with cast.acting("rm", SHANGHAIS_NEXT_DAY) as actor:
        token = tokens.make(actor, "a program", 10, SHANGHAIS_NEXT_DAY, bank.settings().at(TODAY))
    address = f"/customers/{cast.customers['rm'][0].pk}/"
    program = Client(headers={"Authorization": f"Bearer {token}"})
    for moment, page, api in ((SHANGHAIS_NEXT_DAY, 200, 200), (TASHKENTS_NEXT_DAY, 403, 403)):
        with clock.at(moment):
            assert cast.client("rm", moment).get(address).status_code == page
            assert program.get("/api/v1/obligations?due=today").status_code == api


def test_a_setting_begins_at_the_banks_midnight(cast: Cast, tashkent: None, owner: Role) -> None:
    """Idle ends after a minute from the 17th on: twelve minutes after Shanghai's midnight nothing has changed."""
    with owner():
        Setting.objects.create(name="idle_minutes", value=1, from_day=TODAY + timedelta(days=1), at=SHANGHAIS_NEXT_DAY)
    for began, still in ((SHANGHAIS_NEXT_DAY, 200), (TASHKENTS_NEXT_DAY, 302)):
        browser = cast.client("rm", began)
        with clock.at(began + timedelta(minutes=12)):
            assert browser.get("/").status_code == still


def test_what_is_learned_bears_the_banks_day(cast: Cast, tashkent: None) -> None:
    """Whoever acts outside of a page, a job or a command, has the same day."""
    with cast.acting("rm", SHANGHAIS_NEXT_DAY) as actor:
        customer = cast.customers["rm"][0]
        customer.learn("hobbies", "围棋", source="contact", actor=actor, now=SHANGHAIS_NEXT_DAY)
        customer.refresh_from_db()
    assert customer.profile["hobbies"]["on"] == TODAY.isoformat()


def test_the_page_tells_its_script_the_banks_zone(cast: Cast, tashkent: None) -> None:
    """Running minutes and the wall clock are counted in the browser."""
    with clock.at(SHANGHAIS_NEXT_DAY):
        assert 'data-zone="Asia/Tashkent"' in cast.client("rm").get("/").content.decode()


def test_no_other_place_names_a_zone() -> None:
    """The setting has it, with what counts at first; whoever else writes a zone's name has a midnight of their own.
    Only the networks' clocks are theirs.
    """
    named = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "zhike").rglob("*.py"))
        for line in path.read_text().splitlines()
        if re.search(r"Asia/|TIME ZONE '(?!UTC)", line) and path.parent.name != "conduct" and "CHINA = " not in line
    ]
    assert not named
