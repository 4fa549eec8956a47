"""One cluster in one home, and the watcher that stops it when nobody else could."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from zhike.embedded.account import Account, account_name
from zhike.embedded.children import bare_environment, detach, reap, serves
from zhike.embedded.engine import INSTALL, VERSION, copy_engine, wheel_folder
from zhike.embedded.folders import make_folder, sync_folder, write_whole
from zhike.embedded.locks import grasp, try_grasp
from zhike.embedded.said import ROOM_TO_BEGIN, CannotServe, Patience, Tell, sentence, to_stderr, writing

DATABASE = "zhike"
SUPERUSER = "postgres"
ROLES = ("zhike_owner", "zhike_app", "zhike_worker")
ROOT_HOME = Path("/var/lib/zhike")
SOCKET_LIMIT = 107  # bytes of a unix socket's path, on Linux
LOG_LIMIT = 20 << 20  # bytes
PROJECT = Path(__file__).resolve().parents[2]

TUNING = (
    "shared_buffers=192MB",
    "effective_cache_size=1GB",
    "work_mem=16MB",
    "maintenance_work_mem=128MB",
    "max_connections=50",
    "max_wal_size=2GB",
    "checkpoint_timeout=10min",
    "wal_level=minimal",
    "max_wal_senders=0",
    "random_page_cost=1.1",
    "jit=off",
    "max_parallel_maintenance_workers=0",  # its shared memory does not fit the 64 MB /dev/shm of a container
)


def default_home() -> Path:
    """`ZHIKE_HOME`, else /var/lib/zhike for root, else a folder in the user's data directory."""
    if named := os.environ.get("ZHIKE_HOME"):
        return Path(named)
    if os.geteuid() == 0:
        return ROOT_HOME
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(data) / "zhike"


@contextmanager
def running(home: Path | str | None = None, *, tell: Tell = to_stderr, tuning: Sequence[str] = ()) -> Iterator[Server]:
    """A server on this home for as long as the block runs: started, or attached to where one runs already.

    `tuning` are further settings ("fsync=off" for a test's cluster); whoever starts the server decides them.
    Raises CannotServe with one sentence.
    """
    server = Server(Path(home) if home else default_home(), tell=tell, tuning=tuning)
    server.join()
    try:
        yield server
    finally:
        server.leave()


def environment(server: Server, database: str = DATABASE) -> dict[str, str]:
    """What a child process needs to reach this server: one address a role."""
    return {
        "ZHIKE_DATABASE_URL": server.url("zhike_app", database),
        "ZHIKE_OWNER_DATABASE_URL": server.url("zhike_owner", database),
        "ZHIKE_WORKER_DATABASE_URL": server.url("zhike_worker", database),
    }


class Server:
    """One cluster in one home. `join` before use, `leave` after; `running` does both."""

    def __init__(self, home: Path, *, tell: Tell = to_stderr, tuning: Sequence[str] = ()) -> None:
        self.home = Path(os.path.abspath(home))
        self.tell = tell
        self.tuning = (*TUNING, *tuning)
        self.account = Account.ours()
        self.base = self.home / "postgres"
        self._holding: int | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    # ------------------------------------------------------------------ what is where

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder, closed to everybody but its account."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """What postgres writes about itself."""
        return self.base / "log"

    @property
    def socket(self) -> Path:
        """The folder of the unix socket; recorded, because a deep home has it elsewhere."""
        return Path((self.base / "socket").read_text().strip())

    @property
    def programs(self) -> Path:
        """The folder of pg_dump and its sisters, readable to the account that postgres runs under."""
        return self._engine() / INSTALL / "bin"

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address for one of the roles (or the superuser, whom only tests and bootstrap need)."""
        where = urlencode({"host": str(self.socket), "port": 5432}, quote_via=quote)
        return f"postgresql://{role}:{self.password(role)}@/{quote(database)}?{where}"

    def password(self, role: str) -> str:
        """A role's password, from the file that only we can read."""
        return str(json.loads((self.home / "passwords").read_text())[role])

    # ------------------------------------------------------------------ joining and leaving

    def join(self) -> None:
        """Become a holder and have the server answer, however long its recovery takes."""
        with writing(self.home):
            self._place()
        with self._turn():
            self._holding = grasp(self.base / "holders", fcntl.LOCK_SH)
            try:
                with writing(self.base):
                    self._ensure()
            except BaseException:
                self._release()
                self._stop_if_last()
                raise
            self._watch()

    def leave(self) -> None:
        """Cease to be a holder; the last one stops the server and waits until it has stopped."""
        if self._holding is None:
            return
        with self._turn():
            self._release()
            stopped = self._stop_if_last()
        if stopped and self._watcher:
            self._watcher.terminate()
        reap(5 if stopped else 0)

    def revive(self) -> bool:
        """Start the server again where somebody killed it; true if that was needed. Cheap: call it every second."""
        reap()
        if self._postmaster() is not None:
            return False
        with self._turn():
            if self._alive() and self._postmaster() is not None:
                return False
            self._ensure()
        return True

    def _release(self) -> None:
        if self._holding is not None:
            os.close(self._holding)
            self._holding = None

    def _stop_if_last(self) -> bool:
        """With the turn in hand: nobody else can come or go, so an exclusive lock proves that nobody is there."""
        alone = try_grasp(self.base / "holders", fcntl.LOCK_EX)
        if alone is None:
            return False
        try:
            self._stop()
        finally:
            os.close(alone)
        return True

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One start or stop at a time on this home."""
        patience = Patience(self.tell)
        with writing(self.base):
            while (turn := try_grasp(self.base / "lock", fcntl.LOCK_EX)) is None:
                patience.pause("queue", home=self.home)
        try:
            yield
        finally:
            os.close(turn)

    # ------------------------------------------------------------------ a place for it

    def _place(self) -> None:
        """Make the home, or find the place recorded for a home that the account cannot enter."""
        make_folder(self.home, open_to_all=self.account.other)
        record = self.home / "place"
        if record.exists():
            self.base = Path(record.read_text().strip())
        elif not self.account.enters(self.home):
            # Nothing that was closed is opened: the data goes where the account may be.
            self.base = ROOT_HOME / "elsewhere" / secrets.token_hex(8)
            write_whole(record, f"{self.base}\n", 0o600)
            self.tell(sentence("moved", home=self.home, account=self.account.name, base=self.base))
        make_folder(self.base, open_to_all=self.account.other)
        if not self.account.enters(self.base):
            raise CannotServe(sentence("unwritable", path=self.base, reason=self.account.name))
        for path in (self.base, self.data):
            owner = path.stat().st_uid if path.exists() else None
            expected = self.account.uid if path == self.data else os.geteuid()
            if owner not in (None, expected):
                raise CannotServe(sentence("owner", path=path, owner=account_name(owner)))

    def _engine(self) -> Path:
        """The wheel's folder that holds the programs; for another account, a copy that it can read."""
        wheel = wheel_folder()
        if not self.account.other:
            return wheel
        release = hashlib.sha256((wheel / INSTALL / "bin/postgres").read_bytes()).hexdigest()[:12]
        engine = self.base / f"engine-{release}"
        if not engine.exists():
            copy_engine(wheel, engine)
        return engine

    def _socket_folder(self) -> Path:
        """A folder of our account alone whose socket has a path short enough; the recorded one where it still is."""
        record = self.base / "socket"
        near = self.base / "run"
        if record.exists():
            known = Path(record.read_text().strip())
            if known != near and self.account.owns(known):
                return known
        if len(os.fsencode(near / ".s.PGSQL.5432")) <= SOCKET_LIMIT and re.fullmatch(r"[\w/.-]+", str(near), re.ASCII):
            near.mkdir(mode=0o700, exist_ok=True)
            folder = near
        else:
            root = next(root for root in ("/run", "/tmp") if os.access(root, os.W_OK))  # noqa: S108 -- 0700, random name
            folder = Path(tempfile.mkdtemp(prefix="zhike-", dir=root))
        folder.chmod(0o700)
        self.account.take(folder)
        write_whole(record, f"{folder}\n", 0o600)
        return folder

    # ------------------------------------------------------------------ proof

    def _alive(self) -> bool:
        """Does postgres, or any child of it, live on this folder? They all hold the lock; no one else does."""
        handle = try_grasp(self.base / "alive", fcntl.LOCK_EX)
        if handle is None:
            return True
        os.close(handle)
        return False

    def _recorded(self) -> int | None:
        """The process that postmaster.pid names, which may be long dead or a stranger by now."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _postmaster(self) -> int | None:
        """The process that is proven to be a postgres on our data folder."""
        pid = self._recorded()
        return pid if pid is not None and serves(pid, self.data) else None

    def _answers(self) -> bool:
        """Does it accept connections? Raises CannotServe where waiting will not help."""
        import psycopg

        try:
            psycopg.connect(self.url("zhike_owner"), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            text = str(error)
            if "password authentication failed" in text:
                raise CannotServe(sentence("passwords", path=self.home / "passwords")) from error
            return "too many clients" in text or "connection slots" in text
        return True

    # ------------------------------------------------------------------ starting

    def _ensure(self) -> None:
        """With the turn in hand: have the server answer. Waits for a recovery as long as it takes."""
        patience = Patience(self.tell)
        starts = 0
        mark = 0
        lost = 0
        while True:
            if not self._alive():
                if starts:
                    self._explain(mark, final=starts >= 3)
                mark = self._start()
                starts += 1
            elif self._answers():
                return
            elif self._ready_without_socket():
                lost += 1
                if lost > 100:  # its socket was swept away with /tmp: nobody can reach it any more
                    self._stop()
            patience.pause("recovering" if self._recovers() else "waiting")

    def _ready_without_socket(self) -> bool:
        """It says that it is ready, yet its socket is gone."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            return len(lines) > 7 and lines[7].startswith("ready") and not (self.socket / ".s.PGSQL.5432").exists()
        return False

    def _recovers(self) -> bool:
        """Whether the start that is under way mends what was not stopped in order; PostgreSQL's log says so."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 65536))
            return b"was not properly shut down" in log.read().rpartition(b"starting PostgreSQL")[2]
        return False

    def _start(self) -> int:
        """Start postgres; returns where its part of the log begins."""
        self._check_version()
        self._clear_stale()
        self._drop_old_engines()
        if not self.data.exists():
            self.tell(sentence("starting"))
            self._bootstrap()
        elif not (self.home / "passwords").exists():
            self._seat(self.data, self._new_passwords(), fresh=False)
        folder = self._socket_folder()
        for left in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (folder / left).unlink(missing_ok=True)
        mark = self._roll_log()
        settings = (
            *self.tuning,
            "listen_addresses=",
            "port=5432",
            f"unix_socket_directories={folder}",
            "unix_socket_permissions=0700",
            "timezone=UTC",
            "log_timezone=UTC",
            "lc_messages=C",
            "password_encryption=scram-sha-256",
            "logging_collector=off",
        )
        options = [word for setting in settings for word in ("-c", setting)]
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        alive = grasp(self.base / "alive", fcntl.LOCK_EX)
        try:
            detach([str(self.programs / "postgres"), "-D", str(self.data), *options], self.account, log, alive)
        finally:
            os.close(log)
            os.close(alive)
        return mark

    def _drop_old_engines(self) -> None:
        """Nothing runs now, so programs of an earlier release can go."""
        engine = self._engine()
        for left in self.base.glob("engine-*"):
            if left != engine:
                shutil.rmtree(left, ignore_errors=True)

    def _check_version(self) -> None:
        if not self.data.exists():
            return
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise CannotServe(sentence("broken", data=self.data)) from None
        if found != str(VERSION):
            raise CannotServe(sentence("version", data=self.data, found=found, wanted=VERSION))

    def _clear_stale(self) -> None:
        """Remove a pid file that names a stranger.

        Nobody holds `alive`, so no postgres that we started lives. What is left to rule out is one that somebody
        started by hand on the same folder. PostgreSQL itself would refuse for *any* live process of its account.
        """
        pid = self._recorded()
        if pid is None:
            return
        if serves(pid, self.data):
            raise CannotServe(sentence("foreign", data=self.data, pid=pid))
        if Path(f"/proc/{pid}").exists():
            self.tell(sentence("stale", pid=pid))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _bootstrap(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a kill half-way leaves nothing half."""
        self._need_room()
        fresh = self.base / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        self.account.take(fresh)
        self._run(
            *("initdb", "-D", str(fresh), f"--username={SUPERUSER}", "--encoding=UTF8", "--auth=reject"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums"),
        )
        (fresh / "pg_hba.conf").write_text("# Passwords only, and no network at all.\nlocal all all scram-sha-256\n")
        self._seat(fresh, self._new_passwords(), fresh=True)
        fresh.rename(self.data)
        sync_folder(self.base)

    def _need_room(self) -> None:
        space = os.statvfs(self.base)
        free = space.f_bavail * space.f_frsize
        if free < ROOM_TO_BEGIN:
            raise CannotServe(sentence("full", path=self.base, free=free >> 20, need=ROOM_TO_BEGIN >> 20))

    def _new_passwords(self) -> dict[str, str]:
        passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *ROLES)}
        write_whole(self.home / "passwords", json.dumps(passwords, indent=1) + "\n", 0o600)
        return passwords

    def _seat(self, data: Path, passwords: Mapping[str, str], *, fresh: bool) -> None:
        """Give the roles their passwords in single-user mode: no connection and no trust is needed for it."""
        commands = [f"ALTER ROLE {SUPERUSER} PASSWORD '{passwords[SUPERUSER]}'"]
        for role in ROLES:
            able = "LOGIN NOSUPERUSER NOBYPASSRLS NOREPLICATION NOCREATEROLE NOINHERIT"
            able += " CREATEDB" if role == "zhike_owner" else " NOCREATEDB"
            verb = "CREATE" if fresh else "ALTER"
            commands.append(f"{verb} ROLE {role} {able} PASSWORD '{passwords[role]}'")
        if fresh:
            commands.append(f"CREATE DATABASE {DATABASE} OWNER zhike_owner TEMPLATE template0")
            commands.append(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
            commands.append(f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO zhike_app, zhike_worker")
        self._run(
            *("postgres", "--single", "-D", str(data), "-c", "exit_on_error=on", "-c", "log_statement=none"),
            *("-c", "log_min_error_statement=panic", "-c", "password_encryption=scram-sha-256", SUPERUSER),
            feed="".join(f"{command};\n" for command in commands),
        )

    def _run(self, program: str, *arguments: str, feed: str = "") -> None:
        """Run one of PostgreSQL's programs to its end under the account; its complaint becomes the sentence."""
        alive = grasp(self.base / "alive", fcntl.LOCK_EX)
        try:
            done = subprocess.run(
                [str(self.programs / program), *arguments],
                input=feed,
                capture_output=True,
                text=True,
                errors="replace",
                cwd="/",
                env=bare_environment(),
                start_new_session=True,
                pass_fds=[alive],
                umask=0o077,
                **self.account.switch(),
            )
        finally:
            os.close(alive)
        if done.returncode:
            with self.log.open("a") as log:
                log.write(done.stderr)
            raise self._failure(done.stderr)

    def _roll_log(self) -> int:
        size = self.log.stat().st_size if self.log.exists() else 0
        if size > LOG_LIMIT:
            self.log.replace(self.base / "log.1")
            size = 0
        return size

    def _explain(self, mark: int, *, final: bool) -> None:
        """A start of ours ended by itself: raise the reason. Unknown ones get another try first."""
        with self.log.open(errors="replace") as log:
            log.seek(mark)
            failure = self._failure(log.read())
        if final or "No space left" in str(failure.__cause__):
            raise failure

    def _failure(self, text: str) -> CannotServe:
        said = [line for line in text.splitlines() if re.search(r"FATAL|PANIC|ERROR|error:", line)]
        reason = re.sub(r"^.*?(FATAL|PANIC|ERROR|error):\s*", "", (said or text.splitlines() or ["?"])[-1]).strip()
        if "No space left on device" in text:
            space = os.statvfs(self.base)
            free = (space.f_bavail * space.f_frsize) >> 20
            failure = CannotServe(sentence("full", path=self.base, free=free, need=ROOM_TO_BEGIN >> 20))
        else:
            failure = CannotServe(sentence("failed", reason=reason, log=self.log))
        failure.__cause__ = RuntimeError(text[-2000:])
        return failure

    # ------------------------------------------------------------------ stopping

    def _stop(self) -> None:
        """Ask for a fast shutdown and wait until the last child is gone."""
        patience = Patience(self.tell)
        asked = None
        while self._alive():
            pid = self._postmaster()
            if pid is not None and pid != asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
                asked = pid
            patience.pause("stopping")
            reap()

    def _watch(self) -> None:
        """Leave somebody behind who stops the server when every holder was killed before it could."""
        null = os.open(os.devnull, os.O_RDWR)
        try:
            program = f"import sys; sys.path.insert(0, {str(PROJECT)!r}); from zhike.embedded.server import watch; watch({str(self.home)!r})"
            command = [sys.executable, "-I", "-c", program]
            self._watcher = detach(command, Account.mine(), null, null)
        finally:
            os.close(null)


def watch(home: str) -> None:
    """Wait until nobody holds the server of this home any more, then stop it if its holders could not."""
    server = Server(Path(home), tell=lambda text: None)
    server._place()
    if try_grasp(server.base / "watch", fcntl.LOCK_EX) is None:
        return  # another one watches already
    while server._alive():
        time.sleep(1)
        # Asked for in passing and only with the turn in hand, so that it is never in the way of one who leaves.
        turn = try_grasp(server.base / "lock", fcntl.LOCK_EX)
        if turn is not None:
            try:
                server._stop_if_last()
            finally:
                os.close(turn)
