"""A database whose tables another release made: nothing starts on it, and one sentence says what to do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.product.test_cli import free_port, zhike
from zhike import embedded, processes

OTHER_VERSION = 4


def done_to(database, *statements: str) -> None:
    with psycopg.connect(database.url("zhike_owner"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


# One that no other rests on, as if it had never run.
EARLIER = (
    "DELETE FROM django_migrations WHERE app = 'sms' AND name = '0008_questions'",
    "DROP TABLE IF EXISTS sms_question",
)
LATER = (
    "INSERT INTO django_migrations (app, name, applied) VALUES ('people', '0099_later', now())",
    "INSERT INTO zhike_schema VALUES ('people.0099_later', 'abc')",
)
EDITED = ("UPDATE zhike_schema SET fingerprint = 'of yesterday' WHERE migration = 'people.0004_begin'",)
BEFORE_ANY_WAS_KEPT = ("DROP TABLE zhike_schema",)
CASES = pytest.mark.parametrize(
    ("statements", "zh", "en"),
    [
        (EARLIER, "缺：sms.0008_questions", "Make a backup (zhike backup FILE), then run zhike migrate."),
        (
            LATER,
            "由另一版本的知客建立（people.0099_later 不同）",
            "another version of Zhike (people.0099_later differs)",
        ),
        (EDITED, "bin/demo --anew", "another version of Zhike (people.0004_begin differs)"),
        (BEFORE_ANY_WAS_KEPT, "数据原样未动", "nothing in it was touched"),
    ],
    ids=["earlier", "later", "edited", "before"],
)


@CASES
def test_no_worker_starts_on_tables_of_another_release(database, statements, zh, en):
    done_to(database, *statements)
    for language, sentence in (("zh", zh), ("en", en)):
        done = zhike(database, "worker", ZHIKE_LANG=language)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (OTHER_VERSION, "", 1)
        assert sentence in done.stderr


@pytest.mark.parametrize("command", ["web", "serve"])
def test_no_page_is_served_on_tables_of_another_release(database, command):
    done_to(database, *EDITED)
    done = zhike(database, command, ZHIKE_PORT=str(free_port()))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (OTHER_VERSION, "", 1)


def test_in_production_nothing_is_said_of_demonstrations(database):
    keys = {"ZHIKE_MODE": "production", "ZHIKE_SECRET_KEY": "s" * 60, "ZHIKE_DATA_KEYS": f"k1:{'A' * 43}="}
    done_to(database, *LATER)
    assert "Start that version, or bring back a backup" in zhike(database, "worker", **keys).stderr
    done_to(database, *EDITED, "DELETE FROM django_migrations WHERE name = '0099_later'")
    assert "Make a new database as docs/operations/database.md says" in zhike(database, "worker", **keys).stderr


@pytest.mark.parametrize("statements", [LATER, EDITED], ids=["later", "edited"])
def test_migrating_does_not_pretend_to_mend_it(database, statements):
    done_to(database, *statements)
    done = zhike(database, "migrate", "--quiet")
    assert (done.returncode, done.stderr.count("\n")) == (OTHER_VERSION, 1)
    assert "another version of Zhike" in done.stderr


def test_what_is_only_missing_is_migrated_and_kept(database):
    done_to(
        database,
        *EARLIER,
        "DELETE FROM zhike_schema WHERE migration = 'sms.0008_questions'",
    )
    done = zhike(database, "migrate", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    found = {each["name"]: each for each in json.loads(zhike(database, "doctor", "--json").stdout)}
    assert found["migrations"]["good"]


def test_doctor_and_readiness_say_so(database):
    from django.test import Client

    done_to(database, *EDITED)
    found = {each["name"]: each for each in json.loads(zhike(database, "doctor", "--json").stdout)}
    assert (found["migrations"]["good"], found["migrations"]["detail"]) == (False, "people.0004_begin")
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, False)


@pytest.fixture
def home(tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("demo"))
    for each in (folder, folder.parent):
        each.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder)


def demo(home: Path, *arguments: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZHIKE_")}
    return subprocess.Popen(
        processes.own("demo", *arguments),
        env={**inherited, "ZHIKE_HOME": str(home), "ZHIKE_LANG": "en", "ZHIKE_PORT": str(free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def test_a_demonstration_of_another_day_is_left_alone_until_somebody_says_anew(home):
    """The way in of everybody who took in new code: it printed its address, and every page was an error."""
    with embedded.running(home, tell=lambda text: None) as server:
        addresses = {**os.environ, **embedded.environment(server), "ZHIKE_MODE": "demo", "ZHIKE_LANG": "en"}
        subprocess.run(processes.own("migrate", "--quiet"), env=addresses, check=True)
        with psycopg.connect(server.url("zhike_owner"), autocommit=True) as connection:
            connection.execute(EDITED[0])
            connection.execute(
                "INSERT INTO people_unit (code, name, kind, path, from_day) VALUES ('1', '总行', 'head', '/1/', '2026-01-01')"
            )
        said, complained = demo(home).communicate(timeout=120)
        assert said == ""
        assert complained.splitlines()[-1].endswith("ZHIKE_HOME=another-folder bin/demo.")
        assert str(home) in complained
        with psycopg.connect(server.url("zhike_owner")) as connection:
            assert connection.execute("SELECT name FROM people_unit").fetchall() == [("总行",)]
            # Whoever is at work in it is not pulled from under.
            anew = demo(home, "--anew")
            assert "Another zhike is at work" in anew.communicate(timeout=120)[1]
            assert connection.execute("SELECT count(*) FROM people_unit").fetchone() == (1,)

        running = demo(home, "--anew")
        try:
            # It says so once the tables are there and nobody is in them; a whole bank takes longer than this test may.
            assert any("Building the demonstration bank" in line for line in running.stderr)
            with psycopg.connect(server.url("zhike_owner")) as connection:
                assert connection.execute("SELECT count(*) FROM people_unit").fetchone() == (0,)
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=60)
