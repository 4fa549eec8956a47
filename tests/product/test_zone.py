"""The bank's zone is one truth: pages, programs, jobs and the database's own functions have the same midnight."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from tests.cast import Cast
from zhike import clock
from zhike.people import bank
from zhike.people.models import Setting

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
TODAY = date(2026, 3, 16)
SHANGHAIS_NEXT_DAY = datetime(2026, 3, 16, 17, tzinfo=UTC)  # 22:00 in Tashkent, still the 16th


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
