"""Who acts, what they may see and change: the one value that every verb of the domain takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, models, transaction
from django.utils import timezone

from zhike.conduct.bank import Bank
from zhike.people.models import Staff
from zhike.people.session import hashed

# What counts while the bank has set nothing.
AT_FIRST = Bank()


@models.BigIntegerField.register_lookup
@models.ForeignKey.register_lookup
class Among(models.Lookup):
    """``keeper__among=actor.sees``: one array parameter, however many there are; ``__in`` would send each by itself."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY (%s::bigint[])", [*params, list(self.rhs)]


@dataclass(frozen=True)
class Actor:
    """A staff member in a transaction. ``sees`` and ``writes`` are keepers: staff ids, and unit ids negated.

    ``covers``: for whom one stands in today. What is asked with a role, and not for the customer's sake (handing over,
    approving, an export), leaves out those whom one reaches by standing in alone (``lent``).
    """

    id: int
    name: str
    roles: frozenset[str]
    sees: tuple[int, ...] = field(repr=False)
    writes: tuple[int, ...] = field(repr=False)
    covers: tuple[int, ...] = ()
    lent: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        assert self.id > 0

    @property
    def oversees(self) -> tuple[int, ...]:
        """Whose own affairs one sees: whom one's posts let one see."""
        return _without(self.sees, self.lent)

    @property
    def team(self) -> list[int]:
        """The staff whose own affairs one sees, without oneself; a unit's customers without an RM are nobody's."""
        return [keeper for keeper in self.oversees if keeper > 0 and keeper != self.id]

    @property
    def directs(self) -> tuple[int, ...]:
        """Whose customers one disposes of: whom one's posts let one write for."""
        return _without(self.writes, self.lent)

    def leads(self, staff_id: int) -> bool:
        """Whether one stands above somebody by a post of one's own: nobody leads themselves, and standing in is no post."""
        return "leader" in self.roles and staff_id != self.id and staff_id in self.directs


def _without(keepers: tuple[int, ...], lent: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(keeper for keeper in keepers if keeper not in lent) if lent else keepers


@contextmanager
def acting(staff_id: int, now: datetime) -> Iterator[Actor]:
    """A transaction in which ``staff_id`` acts: PostgreSQL's policies and the trail know who it is until it ends.

    The day is the bank's in it, as on pages: what is learned after the bank's midnight bears the new date.
    """
    with transaction.atomic():
        actor = act(staff_id, now)
        with timezone.override(ZoneInfo(_one("SELECT people_zone(%s)", [now])[0])):
            yield actor


def act(staff_id: int, now: datetime) -> Actor:
    """Sets the actor of the transaction that is open; one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name, roles, sees, writes, covers, lent FROM people_act(%s, %s)", [staff_id, now])
        row = cursor.fetchone()
    if row[0] is None:
        raise PermissionError(f"No staff member has the id {staff_id}, or the account is closed.")
    return _actor(*row)


def _actor(id: int, name: str, roles: list[str], *keepers: list[int]) -> Actor:
    return Actor(id, name, frozenset(roles), *map(tuple, keepers))


def leave() -> None:
    """Nobody acts in this transaction any more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_leave()")


@dataclass(frozen=True)
class Begun:
    """What one statement finds out at the beginning of a request: who, their taste, what stands in their way."""

    actor: Actor
    staff: Staff
    settings: int
    must_change_password: bool
    needs_second_factor: bool


COLUMNS = (
    "id", "number", "name", "title", "language", "theme", "single_keys", "must_change_password", "settings", "second_factor",
    "roles", "sees", "writes", "covers", "lent", "session",
)  # fmt: skip
# What of the row ``begun`` a request begins with: :func:`begun` reads it.
BEGUN = ", ".join(f"begun.{column}" for column in COLUMNS)
BEGIN = f"SELECT {BEGUN} FROM people_begin(%s, %s, %s, %s, %s, %s) begun"  # noqa: S608 our own columns
BEGIN_WITH_TOKEN = f"SELECT {BEGUN} FROM people_begin_token(%s, %s) begun"  # noqa: S608


def begin(session_key: str, now: datetime, renews: bool = True) -> tuple[Begun | None, str | None]:
    """Finds the session and lets its staff member act in this transaction; also what it holds, None if it ended.

    ``renews``: whether somebody is at work, so that the session's idle time begins anew; what an open page asks by itself
    only finds out whether the session still stands.
    """
    bounds = [AT_FIRST.idle_minutes, AT_FIRST.session_hours, list(AT_FIRST.second_factor_roles)]
    row = _one(BEGIN, [hashed(session_key), now, *bounds, renews])
    return begun(row), row[-1]


def begin_with_token(token: str, now: datetime) -> Begun | None:
    """Likewise for a program with a bearer token."""
    return begun(_one(BEGIN_WITH_TOKEN, [hashed(token), now]))


def _one(sql: str, params: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def begun(row: tuple[Any, ...]) -> Begun | None:
    """The row of ``people_begin`` in Python's own kinds; None where nobody acts."""
    id, number, name, title, language, theme, single_keys, must_change, settings, second, *scope, _session = row
    if id is None:
        return None
    fields = ["id", "number", "name", "title", "language", "theme", "single_keys", "must_change_password", "is_active"]
    staff = Staff.from_db(None, fields, [id, number, name, title, language, theme, single_keys, must_change, True])
    return Begun(_actor(id, name, *scope), staff, settings, must_change, second)
