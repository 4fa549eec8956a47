"""`check --deploy`: clean for a proper installation, a sentence for each thing that is not."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
PROPER = {
    "ZHIKE_MODE": "production",
    "ZHIKE_SECRET_KEY": base64.b64encode(bytes(range(48))).decode(),
    "ZHIKE_DATA_KEYS": "k1:" + base64.b64encode(bytes(range(100, 132))).decode(),
    "ZHIKE_HOSTS": "zhike.bank.example",
    "ZHIKE_BEHIND_PROXY": "1",
}


def check(database: Any, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    # The browser's tests set this for their own process; no installation has it.
    ours = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    environment = {
        **ours,
        **database.environment,
        **PROPER,
        **changed,
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [
        sys.executable,
        "-W",
        "error::ResourceWarning",
        str(MANAGE),
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
    ]
    return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)


def test_a_proper_installation_is_clean(database: Any) -> None:
    done = check(database, "--database", "default")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ZHIKE_MODE": "demo"}, "zhike.E001"),
        ({"ZHIKE_SECRET_KEY": "short"}, "zhike.E002"),
        ({"ZHIKE_HOSTS": "localhost"}, "zhike.E004"),
        ({"ZHIKE_BEHIND_PROXY": "0"}, "zhike.W005"),
    ],
)
def test_what_is_not_proper_is_said(database: Any, changed: dict[str, str], said: str) -> None:
    done = check(database, **changed)
    assert done.returncode == 1
    assert said in done.stderr


def test_serving_as_the_owner_is_said(database: Any) -> None:
    done = check(database, "--database", "default", ZHIKE_DATABASE_URL=database.url("zhike_owner"))
    assert "zhike.E011" in done.stderr


def test_a_wall_that_fell_is_said(database: Any) -> None:
    import psycopg

    with psycopg.connect(database.url("zhike_owner")) as connection:
        connection.execute("ALTER TABLE customers_need NO FORCE ROW LEVEL SECURITY")
    assert "zhike.E012" in check(database, "--database", "default").stderr


def test_roles_that_sign_in_with_a_password_alone_are_said(database: Any) -> None:
    import psycopg

    with psycopg.connect(database.url("zhike_owner")) as connection:
        connection.execute(
            "INSERT INTO people_setting (name, value, from_day, at)"
            """ VALUES ('second_factor_roles', '["administrator", "compliance", "risk", "auditor", "leader"]', '2026-01-01', now())"""
        )
    done = check(database, "--database", "default")
    assert (done.returncode, "zhike.W013" in done.stderr, "alone: rm, marketing." in done.stderr) == (1, True, True)


def test_without_keys_production_does_not_start(database: Any) -> None:
    done = check(database, ZHIKE_SECRET_KEY="", ZHIKE_DATA_KEYS="")
    assert done.returncode != 0
    assert "ZHIKE_SECRET_KEY is not set" in done.stderr


def test_the_command_gives_a_token_and_says_who_is_not_there(database: Any) -> None:
    from zhike.people.models import Staff, Token
    from zhike.people.session import hashed

    def token(number: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "zhike", "token", number]
        return subprocess.run(command, env={**os.environ, **database.environment}, capture_output=True, text=True)

    Staff.objects.seat(number="1001", name="林晓")
    given = token("1001")
    assert given.returncode == 0, given.stderr
    assert token("9999").returncode == 1
    import psycopg

    with psycopg.connect(database.url("zhike_owner")) as connection:
        kept = connection.execute(f"SELECT hash FROM {Token._meta.db_table}").fetchall()
    assert kept == [(hashed(given.stdout.strip()),)]
