"""A PostgreSQL of somebody's own for the tests, in place of the embedded one: to try another version.

`ZHIKE_TEST_SERVER="host=/tmp user=postgres"` names its superuser, who makes the three roles and the databases; keep nothing
else there. What is about the embedded server itself is tested on that all the same.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from zhike import embedded

DOCUMENTED = Path(__file__).resolve().parent.parent / "docs" / "operations" / "database.md"
# Each role with its password, as the document makes it.
ROLES = {
    role: (statement, password)
    for statement, role, password in re.findall(
        r"^(CREATE ROLE (\w+) .*PASSWORD '([^']+)'.*);$", DOCUMENTED.read_text("utf-8"), re.M
    )
}


class External(embedded.Server):
    """What the tests ask of a server: a folder for their locks, and addresses."""

    def __init__(self, address: str) -> None:
        super().__init__(Path(tempfile.gettempdir()) / f"zhike-test-{hashlib.sha256(address.encode()).hexdigest()[:8]}")
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.known = {name: str(value) for name, value in conninfo_to_dict(address).items() if value is not None}

    def url(self, role: str, database: str = embedded.DATABASE) -> str:
        where = urlencode({name: self.known[name] for name in ("host", "port") if name in self.known}, quote_via=quote)
        name = self.known["user"] if role == embedded.SUPERUSER else role
        return f"postgresql://{quote(name)}:{quote(self.password(role))}@/{quote(database)}?{where}"

    def password(self, role: str) -> str:
        if role == embedded.SUPERUSER:
            return self.known.get("password", "")
        return ROLES[role if role in ROLES else "zhike_app"][1]


@contextmanager
def external(address: str) -> Iterator[embedded.Server]:
    """The server with the three roles as docs/operations/database.md has them."""
    server = External(address)
    with psycopg.connect(server.url(embedded.SUPERUSER, "postgres"), autocommit=True) as connection:
        for role in embedded.ROLES:
            statement, _password = ROLES[role]
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(statement)
    yield server
