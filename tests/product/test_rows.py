"""The second wall: what PostgreSQL itself lets each see and change, with no filter in any statement."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from tests.cast import CUSTOMERS, Cast
from zhike import clock
from zhike.customers.models import Customer

pytestmark = pytest.mark.django_db

Role = Callable[[], AbstractContextManager[None]]
SEES = {
    "rm": ["rm"],
    "mate": ["mate"],
    "stranger": ["stranger"],
    "leader": ["rm", "mate", "century"],
    "other_leader": ["stranger", "lujiazui"],
    "branch_leader": list(CUSTOMERS),
    "marketing": [],
    "compliance": list(CUSTOMERS),
    "risk": list(CUSTOMERS),
    "auditor": list(CUSTOMERS),
    "administrator": [],
}
COPIED = ("kind", "name", "tier", "rm_id", "unit_id", "created_at", "changed_at")
WRITES = {**SEES, "compliance": [], "risk": [], "auditor": []}


def rows(sql: str, *params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("who", SEES)
def test_a_statement_without_any_filter_finds_ones_own_rows(cast: Cast, who: str) -> None:
    with cast.acting(who):
        found = rows("SELECT name FROM customers_customer")
    assert sorted(found) == sorted(name for whose in SEES[who] for name in CUSTOMERS[whose])


def test_without_an_actor_nothing_is_found(cast: Cast) -> None:
    for table in walled():
        if table.startswith(("customers_", "contacts_", "obligations_")):
            assert rows(f"SELECT count(*) FROM {table}") == [0], table


@pytest.mark.parametrize("who", SEES)
def test_rows_of_others_cannot_be_changed(cast: Cast, who: str) -> None:
    for whose, customers in cast.customers.items():
        with cast.acting(who), connection.cursor() as cursor:
            cursor.execute("UPDATE customers_customer SET honorific = 'x' WHERE id = %s", [customers[0].pk])
            assert cursor.rowcount == (whose in WRITES[who])


@pytest.mark.parametrize("who", ["rm", "marketing", "auditor", "administrator"])
def test_rows_cannot_be_made_for_others_nor_given_to_them(cast: Cast, who: str) -> None:
    now = clock.now()
    copy = Customer.objects.model(**{f: getattr(cast.customers["stranger"][0], f) for f in COPIED}, core_number="new")
    with pytest.raises(ProgrammingError, match="row-level security"), cast.acting(who):
        copy.save(force_insert=True)
    with pytest.raises(ProgrammingError, match="row-level security"), cast.acting(who), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_need (customer_id, kind, words, state, opened_at, closed_why)"
            " VALUES (%s, 'loan', '', 'open', %s, '')",
            [cast.customers["stranger"][0].pk, now],
        )
    if who == "rm":
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            cast.acting(who),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE customers_customer SET rm_id = %s", [cast.stranger.pk])


def test_what_is_settled_outside_the_application_still_counts(cast: Cast, owner: Role) -> None:
    """A post that ends takes the rows away from the next transaction on."""
    with cast.acting("rm"):
        assert len(rows("SELECT id FROM customers_customer")) == 3
    with owner():
        cast.staff["leader"].posts.update(to_day=clock.now().date())
    with cast.acting("leader"):
        assert rows("SELECT id FROM customers_customer") == []


def test_the_actor_ends_with_the_transaction(cast: Cast) -> None:
    with pytest.raises(RuntimeError), cast.acting("rm"):
        raise RuntimeError
    assert rows("SELECT zhike_actor()") == [None]


def test_every_table_that_holds_customers_is_walled(cast: Cast) -> None:
    """A new table with a customer in it, or below one that has, cannot be forgotten."""
    holding = rows("""
        SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
          AND a.attname = 'customer_id'""")
    assert set(holding) - {"trail_entry"} <= set(walled())
    assert len(holding) > 8


def walled() -> list[str]:
    return rows("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'")


def test_the_application_owns_nothing_and_passes_no_wall(cast: Cast) -> None:
    assert rows("SELECT relname FROM pg_class WHERE relowner = 'zhike_app'::regrole") == []
    assert (
        rows("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname IN ('zhike_app', 'zhike_worker')")
        == [False] * 2
    )


def test_the_trail_and_sessions_are_out_of_reach(cast: Cast) -> None:
    for statement in (
        "UPDATE trail_entry SET action = 'x'",
        "DELETE FROM trail_entry",
        "INSERT INTO trail_entry (at, action, object) VALUES (now(), 'x', 'x')",
        "SELECT * FROM people_session",
        "SELECT hash FROM people_token",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_no_part_of_the_trail_is_emptied_by_its_owner(cast: Cast, owner: Role) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'trail_entry'::regclass")
        parts = [part for (part,) in cursor.fetchall()]
        assert len(parts) > 12
        for part in ("trail_entry", *parts):
            with (
                pytest.raises(DatabaseError, match="only added to"),
                transaction.atomic(),
                connection.cursor() as inner,
            ):
                inner.execute(f"TRUNCATE {part}")


def test_what_is_watched_is_watched_whatever_happens_to_a_row(cast: Cast) -> None:
    """Added, changed, deleted: each leaves an entry, whether row by row or statement by statement."""
    added, deleted, changed = 4, 8, 16  # bits of pg_trigger.tgtype
    happens = rows(
        "SELECT bit_or(tgtype & %s) FROM pg_trigger WHERE tgname IN ('trail', 'trail_added') GROUP BY tgrelid",
        added | deleted | changed,
    )
    assert len(happens) > 15
    assert set(happens) == {added | deleted | changed}


def test_what_runs_with_the_owners_rights_is_not_for_everybody(cast: Cast) -> None:
    """A role that a bank makes for its reports could otherwise begin a session in anybody's name."""
    ours = "FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
    assert len(rows(f"SELECT p.proname {ours}")) > 10
    everybody = "(SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)"
    assert rows(f"SELECT p.proname {ours} AND EXISTS {everybody}") == []
    fixed = "EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c = 'search_path=public, pg_temp')"
    assert rows(f"SELECT p.proname {ours} AND NOT coalesce({fixed}, false)") == []


def test_what_moves_deadlines_and_opens_accounts_is_watched(cast: Cast) -> None:
    """Every table of ours but those whose rows are kept elsewhere: answers, drafts, sessions, rows and pieces of files."""
    elsewhere = {"api_answer", "contacts_draft", "people_session", "customers_fed", "customers_line", "customers_part"}
    elsewhere |= {"customers_heading", "zhike_schema"}  # who said it and when stands in the row; what a release brings
    # when, to whom and by which channel is what these rows are; the obligation itself is watched
    elsewhere |= {
        "obligations_alarm",
        "obligations_reminder",
        "notices_notice",
        "notices_delivery",
        "notices_digest",
        "notices_heartbeat",
        "notices_letter",
        "notices_revision",
    }
    # machine rows: the journal of what left, under whose numbers it came back, parts until they are joined, what a demonstration's handset types
    elsewhere |= {"sms_segment", "sms_connection", "sms_receipt", "sms_reply_part", "sms_typed", "sms_pushed"}
    # what is made from a file that its document's version names: the words and pairs that find it, the key under which it lies
    elsewhere |= {"documents_text", "documents_blob"}
    tables = rows("""SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND NOT relispartition AND relname !~ '^(account|auth|axes|django|procrastinate)_'
        AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'trail')""")
    assert set(tables) == elsewhere


def test_own_customers_are_found_by_an_index(cast: Cast, owner: Role) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO customers_customer (core_number, kind, name, honorific, gender, tier, unit_id, rm_id,
                birth_calendar, birth_leap, do_not_disturb, complaint_open, met_before, called_before, profile, grams,
                pinyin, sort_key, version, created_at, changed_at)
            SELECT 'B' || n, 'person', 'N' || n, '', '', 'gold', %s, %s, '', false, false, false, 'no', 'no', '{}',
                '{}', '{}', '', 1, now(), now() FROM generate_series(1, 20000) n""",
            [cast.units["lujiazui"].pk, cast.stranger.pk],
        )
        cursor.execute("ANALYZE customers_customer")
    with cast.acting("rm"):
        plan = "\n".join(rows("EXPLAIN SELECT id, name FROM customers_customer ORDER BY keeper, sort_key LIMIT 50"))
    assert "customers_keeper" in plan
    assert "Seq Scan on customers_customer" not in plan
