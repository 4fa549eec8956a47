"""The demonstration bank: the same every time, at any hour, something on every screen, the ledger whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import clone, connected

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 2, 16, 14, 56, 20, tzinfo=SHANGHAI)
SMALL, SMALLEST = 0.1, 0.02


@contextmanager
def bank(cluster: Any, template: str, blocker: Any, now: datetime, size: float) -> Iterator[list[str]]:
    """A demonstration bank of its own, and what its build said, as the worker."""
    from django.db import connection

    from zhike.demo import build

    with clone(cluster, template) as database, blocker.unblock(), connected(database):
        connection.settings_dict["OPTIONS"] = {**connection.settings_dict["OPTIONS"], "options": "-c role=zhike_worker"}
        yield list(build(now, size=size))


@pytest.fixture(scope="module")
def built(cluster: Any, template: str, django_db_blocker: Any) -> Iterator[list[str]]:
    with bank(cluster, template, django_db_blocker, NOW, SMALL) as said:
        yield said


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return cursor.fetchall()


def whose(row: dict[str, Any]) -> str:
    """The customer of a row of Today; a campaign has none."""
    return row["customer"]["name"] if row["customer"] else ""


def today_of(number: str, now: datetime) -> dict[str, Any]:
    from zhike.obligations.today import today
    from zhike.people.actor import acting
    from zhike.people.models import Staff

    staff = Staff.objects.get(number=number)
    with acting(staff.pk, now) as actor:
        return json.loads(today(actor, now=now))  # type: ignore[no-any-return]


def test_sign_ins_are_told_with_their_password(built: list[str]) -> None:
    from zhike.demo.bank import PASSWORD
    from zhike.people.models import Staff

    assert PASSWORD in built[0]
    assert [line.split()[0] for line in built[1:]] == ["1001", "1010", "1040", "1050", "1060", "1070", "1080", "1090"]
    assert all(staff.check_password(PASSWORD) for staff in Staff.objects.filter(number__in=["1001", "1090"]))
    assert Staff.objects.get(number="1040").language == "en"


def test_building_again_changes_nothing(built: list[str]) -> None:
    from zhike.demo import build

    before = rows("SELECT count(*) FROM trail_entry")
    assert list(build(NOW + timedelta(hours=1), size=SMALL)) == built
    assert rows("SELECT count(*) FROM trail_entry") == before


def test_today_of_lin_xiao_tells_the_story(built: list[str]) -> None:
    day = today_of("1001", NOW)
    story = [(row["clause"], whose(row)) for row in day["rows"]]
    late = [row for row in day["rows"] if datetime.fromisoformat(row["due"]) < NOW]
    assert [(row["clause"], whose(row)) for row in late][:2] == [("V7", "周桂兰"), ("C6", "何国栋")]
    for owed in [
        ("C5", "沈静仪"), ("R12", "梁雪梅"), ("R13", "梁雪梅"), ("R5", "欧阳明"), ("V2", "邵怀远"), ("W11", "单宏伟"),
    ]:  # fmt: skip
        assert owed in story
    promised = next(row for row in day["rows"] if (row["clause"], whose(row)) == ("C5", "沈静仪"))
    assert datetime.fromisoformat(promised["target"]) == NOW.replace(hour=15, minute=0, second=0)


def test_nothing_that_a_screen_shows_is_empty(built: list[str]) -> None:
    for table in (
        "customers_customer", "customers_household", "customers_relation", "customers_book", "customers_rating",
        "customers_consent", "customers_holding", "customers_need", "customers_acquaintance", "contacts_contact",
        "contacts_demand", "contacts_draft", "contacts_amendment", "obligations_fact", "obligations_finding",
        "people_approval", "people_setting", "trail_entry", "sms_campaign", "sms_forwarding", "sms_question",
    ):  # fmt: skip
        assert rows(f"SELECT count(*) FROM {table}")[0][0] > 0, table
    states = dict(rows("SELECT state, count(*) FROM obligations_obligation GROUP BY 1"))
    assert set(states) == {"open", "done", "waived", "withdrawn", "cannot", "missed"}
    assert {kind for (kind,) in rows("SELECT DISTINCT kind FROM obligations_obligation")} >= {
        "thanks", "write_up", "call_back", "call_again", "arrival", "answer", "promise", "apology", "find_out", "birthday",
    }  # fmt: skip
    assert {tuple(row) for row in rows("SELECT DISTINCT kind, state FROM contacts_contact")} >= {
        (kind, state)
        for kind, states in {
            "reception": ("agreed", "under_way", "ended", "closed"), "visit": ("agreed", "closed"), "call": ("planned", "ended", "closed"),
        }.items()
        for state in states
    }  # fmt: skip
    assert {kind for (kind,) in rows("SELECT DISTINCT kind FROM obligations_finding")} == {"breach", "exception"}
    assert {calendar for (calendar,) in rows("SELECT DISTINCT birth_calendar FROM customers_customer")} == {
        "",
        "solar",
        "lunar",
    }
    assert rows("SELECT count(*) FROM customers_customer WHERE birth_leap")[0][0] > 0


def test_requests_wait_for_those_who_decide(built: list[str]) -> None:
    from zhike.people.actor import acting
    from zhike.people.approvals import waiting_for
    from zhike.people.models import Staff

    for number, kinds in (
        ("1060", {"people.setting", "people.post"}),
        ("1040", {"customers.reassign", "obligations.waive"}),
        ("1010", {"obligations.waive"}),
    ):
        with acting(Staff.objects.get(number=number).pk, NOW) as actor:
            assert {approval.kind for approval in waiting_for(actor, NOW)} == kinds, number


def test_a_file_was_taken_in_and_numbers_were_looked_at(built: list[str]) -> None:
    (run,) = rows("SELECT state, loaded, refused, doubtful FROM customers_run")
    assert run == ("done", 36, 3, 2)
    assert rows("SELECT count(DISTINCT actor_id) FROM trail_entry WHERE action = 'reveal'")[0][0] > 2


def test_names_that_are_read_otherwise_are_found(built: list[str]) -> None:
    from zhike.conduct.bank import Bank
    from zhike.customers.search import find
    from zhike.people.actor import acting
    from zhike.people.models import Staff

    with acting(Staff.objects.get(number="1001").pk, NOW) as actor:
        for asked, name in (("shan", "单宏伟"), ("oym", "欧阳明"), ("沈静", "沈静仪"), ("lxm", "梁雪梅")):
            assert name in [hit.name for hit in find(asked, actor, NOW, Bank()).hits]


# What must hold of any ledger, whether the verbs wrote it or the bulk did.
WHOLE = {
    "a contact whose write-up is done is closed": """
        SELECT o.id FROM obligations_obligation o JOIN contacts_contact c ON o.subject = 'contact:' || c.id
        WHERE o.kind = 'write_up' AND o.state = 'done' AND c.state <> 'closed'""",
    "a closed contact that reached the customer has its write-up done": """
        SELECT c.id FROM contacts_contact c WHERE c.state = 'closed' AND c.outcome IN ('', 'reached', 'not_interested')
        AND NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.subject = 'contact:' || c.id AND o.kind = 'write_up'
                        AND o.state = 'done')""",
    "a contact that waits for its write-up owes it": """
        SELECT c.id FROM contacts_contact c WHERE c.state = 'ended'
        AND NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.subject = 'contact:' || c.id AND o.kind = 'write_up'
                        AND o.state = 'open')""",
    "whatever is done was settled by a fact": """
        SELECT id FROM obligations_obligation WHERE state = 'done' AND (settling_id IS NULL OR settled_by_id IS NULL)""",
    "an obligation is about the customer of its fact, and its owner's": """
        SELECT o.id FROM obligations_obligation o JOIN obligations_fact f ON f.id = o.fact_id
        WHERE o.customer_id <> f.customer_id OR o.owner_id <> f.staff_id""",
    "nothing is settled before it arose": """
        SELECT id FROM obligations_obligation WHERE settled_at < created_at AND state = 'done' AND kind <> 'birthday'""",
    "nothing happened after now": """
        SELECT id FROM obligations_fact WHERE at > %(now)s OR known_at > %(now)s""",
    "a demand has its fact": """
        SELECT d.id FROM contacts_demand d WHERE NOT EXISTS (
            SELECT FROM obligations_fact f WHERE f.subject = 'contact:' || d.contact_id || '/demand:' || d.number)""",
    "a contact that happened has an ending fact": """
        SELECT c.id FROM contacts_contact c WHERE c.ended_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM obligations_fact f WHERE f.subject = 'contact:' || c.id AND f.kind = c.kind || '_ended')""",
    "the first contact of a kind is the first": """
        SELECT c.id FROM contacts_contact c JOIN customers_acquaintance a USING (customer_id, rm_id)
        WHERE c.first AND c.outcome IN ('', 'reached', 'not_interested')
          AND (c.kind = 'call' AND a.called_source <> 'contact' OR c.kind <> 'call' AND a.met_source <> 'contact')""",
    "the last contact is remembered": """
        SELECT c.id FROM customers_customer c WHERE c.last_contact_at IS DISTINCT FROM greatest(c.last_contact_at, (
            SELECT max(t.ended_at) FROM contacts_contact t WHERE t.customer_id = c.id
            AND t.outcome IN ('', 'reached', 'not_interested')))""",
    "a customer's RM is the one of the book": """
        SELECT c.id FROM customers_customer c LEFT JOIN customers_book b ON b.customer_id = c.id AND b.to_day IS NULL
        WHERE c.rm_id IS DISTINCT FROM b.rm_id""",
    "a greeting that was sent went by a way that does, and settled what was owed": """
        SELECT f.id FROM obligations_fact f WHERE f.kind = 'message_sent' AND f.subject LIKE '%%/birthday:%%'
        AND NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.settling_id = f.id)""",
    "plans lie ahead": """
        SELECT id FROM contacts_contact WHERE state IN ('planned', 'agreed') AND planned_for < %(now)s""",
    "no child under fourteen has a name": """
        SELECT id FROM customers_relation WHERE age = 'under_14' AND (name <> '' OR note <> '')""",
    "no number could ring anywhere": """
        SELECT id FROM customers_customer WHERE profile -> 'mobile' ->> 'v' LIKE '1%%'""",
}


@pytest.mark.parametrize("rule", WHOLE)
def test_the_ledger_is_whole(built: list[str], rule: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(WHOLE[rule], {"now": NOW})
        assert cursor.fetchall() == []


# Every column that says when something was; what is planned, owed, asked for or ends later has other names.
PAST = ("at", "created_at", "changed_at", "settled_at", "decided_at", "asked_at", "started_at", "ended_at", "closed_at", "arrived_at",
        "begun_at", "opened_at", "last_contact_at", "first_met_at", "first_called_at", "assets_day", "tier_since", "as_of",
        "deceased_on", "closed_on", "opened_on", "month", "met_before_on", "called_before_on", "cancelled_at", "prepared_at")  # fmt: skip


def test_no_row_lies_after_the_clock(built: list[str]) -> None:
    """Ratings of months to come stood on the cards as the past, and no file could change a tier before they came."""
    from django.db import connection

    columns = rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name ~ '^(trail_entry$|customers_|contacts_|obligations_|people_)' AND column_name = ANY (%s)",
        list(PAST),
    )
    assert len(columns) > 30
    with connection.cursor() as cursor:
        later = []
        for table, column, kind in columns:
            now = NOW.date() if kind == "date" else NOW
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} > %s", [now])
            if count := cursor.fetchone()[0]:
                later.append((table, column, count))
    assert later == []
    assert rows("SELECT max(month) FROM customers_rating")[0][0] == NOW.date().replace(day=1)


def picture(
    skip: tuple[str, ...] = (
        "password",
        "hash",
        "cells",
        "sealed",
        "mobile_index",
        "tail_index",
        "other_tail_index",
        "id_index",
    ),
) -> dict[str, list[Any]]:
    """All rows of all our tables; of what is sealed only that it is there."""
    tables = [
        name
        for (name,) in rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(people|customers|contacts|obligations)_'"
        )
    ]
    seen: dict[str, list[Any]] = {}
    for table in sorted(tables):
        if table == "people_session":
            continue
        seen[table] = [
            {key: value for key, value in json.loads(text).items() if key not in skip}
            for (text,) in rows(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1")
        ]
    for customer in seen["customers_customer"]:
        for name in ("mobile", "email", "address", "id_number", "phone2"):
            if name in customer["profile"]:
                customer["profile"][name]["v"] = "sealed"
    seen["customers_customer"].sort(key=lambda row: row["id"])
    return {table: sorted(map(repr, found)) for table, found in seen.items()}


def test_what_lies_ahead_lies_in_working_hours_one_after_the_other(built: list[str]) -> None:
    """Calls stood at seven in the morning, and eight of one RM at ten o'clock."""
    ahead = rows(
        "SELECT rm_id, planned_for FROM contacts_contact WHERE state IN ('planned', 'agreed') AND planned_for > %s", NOW
    )
    assert len(ahead) > 20
    assert not {at.astimezone(SHANGHAI).hour for _rm, at in ahead} - set(range(8, 20))
    assert not {each: n for each, n in Counter(ahead).items() if n > 1}


def test_nobody_calls_before_the_minute_that_was_promised() -> None:
    """Drawn alone, for many a day: the call is refused when it is made, and the whole bank was not built (C5)."""
    from zhike.conduct.bank import Bank
    from zhike.customers.models import Customer
    from zhike.demo.bank import SEATS
    from zhike.demo.book import Rows
    from zhike.demo.history import Days
    from zhike.people.models import Staff

    promised = 0
    for day in range(20):
        now = NOW + timedelta(days=17 * day)
        customers = [Customer(pk=n, name=f"真{n}", tier="platinum", created_at=now) for n in range(1, 13)]
        days = Days(
            SEATS[0],
            Staff(pk=1),
            Rows(),
            customers,
            iter(range(10**6)),
            now - timedelta(days=92),
            now,
            Bank(),
            f"{day}",
        )
        days.busy = 1.6
        told = days.live()
        facts = (fact for about in told.facts.values() for fact in about)
        for promise in (fact for fact in facts if fact.kind == "call_back_promised"):
            promised += 1
            opens = datetime.fromisoformat(promise.data["target"]) - timedelta(minutes=5)
            early = [
                contact
                for contact in told.contacts
                if contact.kind == "call" and contact.customer_id == promise.customer and contact.started_at
                and promise.at < contact.started_at < opens
            ]  # fmt: skip
            assert early == [], f"{promise.at} {opens}"
    assert promised > 100


def test_it_is_the_same_every_time(built: list[str], cluster: Any, template: str, django_db_blocker: Any) -> None:
    first = picture()
    with bank(cluster, template, django_db_blocker, NOW, SMALL):
        second = picture()
    assert {table: Counter(found) - Counter(second[table]) for table, found in first.items()} == {
        table: Counter() for table in first
    }


@pytest.mark.parametrize(
    ("now", "size"),
    [
        (datetime(2026, 11, 24, 3, 15, tzinfo=UTC), 1.0),  # whole, as `bin/demo` builds it: a small one has fewer cases
        (datetime(2026, 11, 23, 2, 10, tzinfo=SHANGHAI), SMALLEST),
        (datetime(2028, 2, 27, 9, 31, tzinfo=SHANGHAI), SMALLEST),  # a Sunday; 何工's birthday is 1 March
        (datetime(2025, 8, 1, 12, 30, tzinfo=SHANGHAI), SMALLEST),  # in a leap month
        (datetime(2027, 3, 31, 15, 59, 30, tzinfo=UTC), SMALLEST),  # a minute before midnight in Shanghai
    ],
    ids=str,
)
def test_today_is_worth_seeing_at_any_hour(
    cluster: Any, template: str, django_db_blocker: Any, now: datetime, size: float
) -> None:
    with bank(cluster, template, django_db_blocker, now, size):
        day = today_of("1001", now)
        clauses = {(row["clause"], whose(row)) for row in day["rows"]}
        assert clauses >= {
            ("V7", "周桂兰"),
            ("C6", "何国栋"),
            ("C5", "沈静仪"),
            ("R12", "梁雪梅"),
            ("R5", "欧阳明"),
            ("V2", "邵怀远"),
        }
        promised = next(row for row in day["rows"] if (row["clause"], whose(row)) == ("C5", "沈静仪"))
        assert now < datetime.fromisoformat(promised["target"]) < now + timedelta(hours=13)
