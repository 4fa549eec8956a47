"""What every test with a database stands on: one embedded server, one migrated template, cheap clones of it.

A test marked `django_db` runs in a transaction that is rolled back, as the role `zhike_app`; `with owner():` and
`with worker():` act as the other roles in that same transaction. A test that needs real commits, several connections
or processes of its own asks for the fixture `database`: a clone for it alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest

from tests.external import external
from zhike import embedded

pytest_plugins = ["tests.ran"]
ROOT = Path(__file__).resolve().parent.parent
TEMPLATES_KEPT = 12
# A login that may become each of the three roles, so that one transaction can hold what all of them do.
TESTER = "zhike_tester"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=256MB")

for name in (
    "ZHIKE_DATABASE_URL",
    "ZHIKE_OWNER_DATABASE_URL",
    "ZHIKE_WORKER_DATABASE_URL",
    "ZHIKE_HOME",
    "ZHIKE_CLOCK",
    "ZHIKE_FILES",
):
    os.environ.pop(name, None)
os.environ["ZHIKE_MODE"] = "test"
os.environ["ZHIKE_ROLE"] = "app"
os.environ["DJANGO_SETTINGS_MODULE"] = "zhike.settings"
# Records of the tests lie where nobody's records are, and go with them.
FILES = tempfile.TemporaryDirectory(prefix="zhike-files-")
os.environ["ZHIKE_FILES"] = FILES.name


# Django is up before any conftest further in imports a model; but not where only the engine is tested: that must take a
# second, and proves that the engine needs none of it.
asked_for = [argument for argument in sys.argv[1:] if argument.startswith("tests/")]
if not asked_for or not all(argument.startswith("tests/conduct") for argument in asked_for):
    django.setup()
    import tests.served  # noqa: F401 the test client asks what is served


# What waits more than it reckons is begun first, so that the others are worked through beside it; then what takes minutes in one file,
# which one process does alone: nothing of it is left to wait for at the end.
FIRST = (
    "tests/product/test_killed.py",
    "tests/product/test_messages_killed.py",
    "tests/browser/",
    "tests/product/test_access.py",
    "tests/product/test_schema.py",
    "tests/product/test_demo.py",
    "tests/product/test_embedded.py",
    "tests/product/test_import.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which files are handed out."""
    items.sort(key=lambda item: next((n for n, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST)))


@dataclass(frozen=True)
class Database:
    """A migrated database that a test may do anything with."""

    server: embedded.Server
    name: str

    def url(self, role: str = "zhike_app") -> str:
        """Its address for a role."""
        return self.server.url(role, self.name)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to run on it."""
        return {**embedded.environment(self.server, self.name), "ZHIKE_MODE": "test"}


def cluster_home() -> Path:
    """Kept between runs. Without fsync it does not survive a crash of the machine, so each boot has its own."""
    if os.geteuid() == 0:
        cache = Path("/var/cache")
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return cache / "zhike-test" / boot


@pytest.fixture(scope="session")
def cluster() -> Iterator[embedded.Server]:
    """The one server that all test processes of this account share; the last of them stops it. Or one of somebody's own."""
    own = os.environ.get("ZHIKE_TEST_SERVER")
    with external(own) if own else embedded.running(cluster_home(), tuning=FAST, tell=lambda text: None) as server:
        with as_superuser(server) as connection:
            drop_left_clones(connection)
        yield server


@pytest.fixture(scope="session")
def template(cluster: embedded.Server) -> str:
    """The name of the database migrated by `zhike migrate`: one for each state of the migrations."""
    with as_superuser(cluster) as connection:
        prepare_tester(connection, cluster)
    return f"template_{fingerprint()}"


@contextmanager
def as_superuser(server: embedded.Server) -> Iterator[psycopg.Connection[Any]]:
    """For making and dropping databases."""
    with psycopg.connect(server.url(embedded.SUPERUSER, "postgres"), autocommit=True) as connection:
        yield connection


def fingerprint() -> str:
    """Changes with whatever decides how a migrated database looks."""
    digest = hashlib.sha256()
    shaping = [*sorted(ROOT.glob("zhike/*/migrations/*.py")), ROOT / "zhike/trail/walls.py", ROOT / "zhike/schema.py"]
    for path in [*shaping, ROOT / "requirements/base.txt"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def prepare_tester(connection: psycopg.Connection[Any], server: embedded.Server) -> None:
    """The tester is nobody by itself: it inherits nothing and may only step into a role."""
    with open(server.home / "templates", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [TESTER]).fetchone():
            connection.execute(f"CREATE ROLE {TESTER} LOGIN NOINHERIT PASSWORD '{server.password('zhike_app')}'")
            for role in embedded.ROLES:
                connection.execute(f"GRANT {role} TO {TESTER}")


def make_template(connection: psycopg.Connection[Any], server: embedded.Server, name: str) -> None:
    """Migrate under another name and rename: a template is whole or not there."""
    making = f"{name}_making"
    connection.execute(f"DROP DATABASE IF EXISTS {making} WITH (FORCE)")
    connection.execute(f"CREATE DATABASE {making} OWNER zhike_owner TEMPLATE template0")
    environment = {**os.environ, **Database(server, making).environment}
    done = subprocess.run(
        [sys.executable, "-m", "zhike", "migrate", "--quiet"], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    connection.execute(f"ALTER DATABASE {making} RENAME TO {name}")
    old = "SELECT datname FROM pg_database WHERE datname ~ '^template_.{12}$' ORDER BY oid DESC OFFSET %s"
    for (left,) in connection.execute(old, [TEMPLATES_KEPT]).fetchall():
        connection.execute(f"DROP DATABASE IF EXISTS {left}")


def drop_left_clones(connection: psycopg.Connection[Any]) -> None:
    """Clones carry the number of the process that made them; a killed run leaves some."""
    for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'run\\_%'").fetchall():
        if not Path(f"/proc/{name.split('_')[1]}").exists():
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def clone(server: embedded.Server, template: str) -> Iterator[Database]:
    """A copy of the template for as long as the block runs."""
    name = f"run_{os.getpid()}_{secrets.token_hex(4)}"
    with open(server.home / "templates", "w") as turn, as_superuser(server) as connection:
        fcntl.flock(turn, fcntl.LOCK_EX)  # another run may be about to drop a template that it holds to be old
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone():
            make_template(connection, server, template)
        connection.execute(f"CREATE DATABASE {name} OWNER zhike_owner TEMPLATE {template}")
    try:
        yield Database(server, name)
    finally:
        with as_superuser(server) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def connected(database: Database) -> Iterator[None]:
    """Django's connection goes to this database, as the tester in the role of the application."""
    from django.db import connections

    from zhike import settings
    from zhike.people.bank import settings_of

    settings_of.cache_clear()  # by a version that each database counts for itself
    connection = connections["default"]
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(settings.database(database.url("zhike_app")))
    connection.settings_dict["USER"] = TESTER
    connection.settings_dict["OPTIONS"] = {**connection.settings_dict["OPTIONS"], "options": "-c role=zhike_app"}
    try:
        yield
    finally:
        connections["default"].close()
        connection.settings_dict.update(before)
        settings_of.cache_clear()


@pytest.fixture(scope="session")
def django_db_setup(cluster: embedded.Server, template: str, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's place for making the test database: each process has a clone."""
    with clone(cluster, template) as database, django_db_blocker.unblock(), connected(database):
        django_db_blocker.block()
        yield


@pytest.fixture
def database(cluster: embedded.Server, template: str, django_db_blocker: Any) -> Iterator[Database]:
    """A database for this test alone, in which commits are commits; Django's connection is on it."""
    with clone(cluster, template) as own, django_db_blocker.unblock(), connected(own):
        yield own


Role = Callable[[], AbstractContextManager[None]]


def stepping_into(role: str) -> Role:
    """A context manager that does what is inside as another role, in the same transaction."""

    @contextmanager
    def step() -> Iterator[None]:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            before = cursor.fetchone()[0]
            cursor.execute(f"SET ROLE {role}")
        try:
            yield
        finally:
            # In a failed transaction only its rollback works, and that gives the role back by itself.
            if connection.connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
                with connection.cursor() as cursor:
                    cursor.execute(f"SET ROLE {before}")

    return step


@pytest.fixture
def owner() -> Role:
    """`with owner():` arranges and inspects beyond row-level security."""
    return stepping_into("zhike_owner")


@pytest.fixture
def worker() -> Role:
    """`with worker():` does what sweeps and imports do."""
    return stepping_into("zhike_worker")
