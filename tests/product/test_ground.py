"""The ground that product tests stand on: roles, rollback, clones."""

import psycopg
import pytest
from django.db import DataError, connection, transaction


def current_user() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_a_test_runs_as_the_application_and_steps_into_other_roles(owner, worker):
    assert current_user() == "zhike_app"
    with owner():
        assert current_user() == "zhike_owner"
        with worker():
            assert current_user() == "zhike_worker"
    assert current_user() == "zhike_app"


@pytest.mark.django_db
def test_the_role_returns_after_a_refused_statement(owner):
    with pytest.raises(DataError), transaction.atomic(), owner(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert current_user() == "zhike_app"


@pytest.mark.django_db
@pytest.mark.parametrize("round", [1, 2])
def test_what_one_test_wrote_another_does_not_see(owner, round):
    from zhike.people.models import Unit

    with owner():
        assert not Unit.objects.exists()
        Unit.objects.create(code="1", name="总行", kind="head", path="/1/", from_day="2026-01-01")
        assert Unit.objects.exists()


def test_a_database_of_its_own_sees_real_commits(database):
    from zhike.people.models import Unit

    with psycopg.connect(database.url("zhike_worker")) as other:
        assert other.execute("SELECT count(*) FROM people_unit").fetchone() == (0,)
        other.execute("SELECT 1 FROM procrastinate_jobs")
    assert not Unit.objects.exists()
