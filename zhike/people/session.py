"""Django's session over the table people_session: reached by the cookie's hash alone, read with the actor."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import connection

AGENT = 200  # letters kept of what a browser says it is
LASTS_DAYS = 2
HANDLE = 16  # letters of a session's hash that name it


def hashed(secret: str) -> str:
    """What is kept of a cookie or a token: both are long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class SessionStore(SessionBase):
    """``now`` is the moment of the request; ``found`` is what ``people_begin`` has already read of the session.

    ``agent`` is what the browser says it is: kept with a new session, so that its owner knows it again.
    """

    def __init__(
        self, session_key: str | None = None, now: datetime | None = None, found: str | None = None, agent: str = ""
    ) -> None:
        super().__init__(session_key)
        self.now = now
        self.found = found
        self.agent = agent[:AGENT]

    def load(self) -> dict[str, Any]:
        if self.found is None:
            self._session_key = None
            return {}
        return self.decode(self.found)

    def exists(self, session_key: str) -> bool:
        # Asked only before a key is used that nobody could have guessed; the insert itself refuses a second one.
        return False

    def create(self) -> None:
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT people_session_save(%s, %s, %s, %s, %s, %s)",
                [
                    hashed(self.session_key),
                    self.encode(data),
                    data.get("_auth_user_id"),
                    self.now,
                    must_create,
                    self.agent,
                ],
            )
            saved = cursor.fetchone()[0]
        if not saved:
            raise CreateError if must_create else UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            with connection.cursor() as cursor:
                cursor.execute("SELECT people_session_drop(%s)", [hashed(key)])

    @classmethod
    def clear_expired(cls) -> None:
        """The worker does it each day: :func:`forget`."""


def forget(now: datetime) -> int:
    """Takes away sessions that nobody came back to: a session lasts a day at most, whatever the bank has set."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM people_session WHERE seen_at < %s", [now - timedelta(days=LASTS_DAYS)])
        return int(cursor.rowcount)
