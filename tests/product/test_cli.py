"""The commands that need no customer: migrate, doctor, backup, restore, demo, serve."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import psycopg

from tests import nursery
from zhike import processes


def zhike(database, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    here = {**os.environ, **database.environment, "ZHIKE_LANG": "en", **environment}
    # A process that was to refuse and does not would run for good.
    return nursery.run(*arguments, environment=here, timeout=300)


def test_help_names_every_command(database):
    done = zhike(database, "--help")
    assert done.returncode == 0
    for name in ("demo", "serve", "web", "worker", "migrate", "day", "doctor", "backup", "restore"):
        assert f"\n    {name} " in done.stdout


def test_migrating_twice_does_nothing_and_no_model_is_ahead_of_its_migration(database):
    assert zhike(database, "migrate").stdout.count("No migrations to apply") == 1
    code = "from django.core.management import execute_from_command_line as x; x(['', 'makemigrations', '--check'])"
    done = subprocess.run(
        [processes.own()[0], "-c", code], env={**os.environ, **database.environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_doctor_finds_what_is_wrong(database):
    with psycopg.connect(database.url("zhike_owner")) as connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'trail'")
    done = zhike(database, "doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["migrations"]["advice"].endswith("then run zhike migrate.")
    assert not found["durability"]["good"]  # the tests' own cluster runs without fsync
    assert all(found[name]["good"] for name in ("database", "encoding", "roles", "owners", "clock"))


def test_a_backup_is_private_and_brings_everything_back(database, tmp_path):
    file = tmp_path / "bank.backup"
    with psycopg.connect(database.url("zhike_owner"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO people_unit (code, name, kind, path, from_day) VALUES ('1', '总行', 'head', '/1/', '2026-01-01')"
        )
        count = "SELECT count(*) FROM people_unit WHERE name = '总行'"
        before = connection.execute("SELECT count(*) FROM trail_entry").fetchone()
        done = zhike(database, "backup", str(file))
        assert done.returncode == 0, done.stderr
        assert "not encrypted" in done.stdout
        assert file.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [file]

        connection.execute("DELETE FROM people_unit")
        refused = zhike(database, "restore", str(file))
        assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
        assert connection.execute(count).fetchone() == (0,)

        done = zhike(database, "restore", str(file), "--replace")
        assert done.returncode == 0, done.stderr
        assert connection.execute(count).fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM trail_entry").fetchone() == before
    with psycopg.connect(database.url("zhike_app")) as connection:
        connection.execute("SELECT count(*) FROM customers_customer")


def test_a_backup_that_is_none_changes_nothing(database, tmp_path):
    file = tmp_path / "letter"
    file.write_text("Dear bank,")
    with psycopg.connect(database.url("zhike_owner"), autocommit=True) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        before = connection.execute(tables).fetchone()
        done = zhike(database, "restore", str(file), "--replace")
        assert done.returncode == 1
        assert done.stderr.startswith("Not done: ")
        assert connection.execute(tables).fetchone() == before


def test_the_owner_passes_every_wall(database):
    """A backup is taken as the owner: a table whose policies stopped the owner would be missing in it."""
    with psycopg.connect(database.url("zhike_owner")) as connection:
        walled = connection.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND NOT EXISTS ("
            "  SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polcmd = '*' AND polpermissive"
            "  AND 'zhike_owner'::regrole::oid = ANY (polroles) AND pg_get_expr(polqual, polrelid) = 'true')"
        ).fetchall()
    assert walled == []


def test_what_pages_are_drawn_from_has_another_address_once_it_changes(tmp_path):
    from zhike.settings import drawn_from

    (tmp_path / "css").mkdir()
    (tmp_path / "css/a.css").write_text("b{}")
    first = drawn_from(tmp_path)
    assert drawn_from(tmp_path) == first
    (tmp_path / "css/a.css").write_text("b{top:0}")
    second = drawn_from(tmp_path)
    (tmp_path / "css/a.css").rename(tmp_path / "css/b.css")
    assert len({first, second, drawn_from(tmp_path)}) == 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_serve_survives_the_death_of_its_web_process_and_stops_whole(database):
    port = free_port()
    environment = {**os.environ, **database.environment, "ZHIKE_LANG": "en", "ZHIKE_PORT": str(port)}
    serving = subprocess.Popen(processes.own("serve"), env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout.readline() == f"Zhike: http://127.0.0.1:{port}/ (Ctrl-C stops it)\n"
        assert answers(port)
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in/", timeout=5).read().decode()
        sheet = re.search(r'href="(/static/\w+/css/zhike.css)"', page)[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{sheet}", timeout=5) as style:
            assert style.headers["Content-Type"].startswith("text/css")
            assert "immutable" in style.headers["Cache-Control"], "a browser that has it need not ask again"
        os.kill(children(serving.pid)[0], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while not answers(port):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        family = [serving.pid, *children(serving.pid)]
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
        assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    finally:
        serving.kill()
        serving.wait()
        serving.stdout.close()


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
