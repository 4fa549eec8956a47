"""No scan of a large table where people wait: Today, the customer page and the search, with a year of many books.

What is counted are the scans that PostgreSQL did in this transaction, functions included, under row-level security as the
application's role; with plans made for the values at hand and with plans kept for all values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from tests.cast import Cast, signed_in
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.measure import bin_of
from zhike.contacts import agenda
from zhike.contacts.card import told
from zhike.contacts.near import near
from zhike.contacts.whole import whole
from zhike.customers import search
from zhike.customers.models import Customer
from zhike.obligations import call_backs
from zhike.obligations.ledger import load_case
from zhike.obligations.today import today
from zhike.obligations.working_list import CHOICES, WorkingList
from zhike.people.actor import act, acting
from zhike.people.models import Leave, Staff

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 7, 6, 2, tzinfo=UTC)
LARGE = (
    "customers_customer", "customers_need", "customers_holding", "customers_book", "customers_rating",
    "customers_acquaintance", "customers_relation", "contacts_contact", "contacts_demand", "obligations_fact",
    "obligations_obligation",
)  # fmt: skip
RMS, BOOK = 200, 50

# Two hundred RMs beside the cast's, fifty customers each, a year's contacts with what was owed for them.
YEAR = """
INSERT INTO people_staff (id, password, number, name, title, email, phone, language, theme, single_keys, is_active,
    must_change_password)
SELECT 900000000 + n, '!', 'Y' || n, '经理' || n, '', '', '', 'zh-hans', '', true, true, false FROM generate_series(1, {rms}) n;
INSERT INTO people_post (staff_id, unit_id, role, scope, from_day)
SELECT 900000000 + n, {unit}, 'rm', 'own', '2020-01-01' FROM generate_series(1, {rms}) n;
INSERT INTO customers_customer (id, core_number, kind, name, honorific, gender, tier, rm_id, unit_id, birth_calendar, birth_month,
    birth_day, birth_leap, do_not_disturb, complaint_open, met_before, called_before, profile, grams, pinyin, sort_key,
    mobile_index, tail_index, version, created_at, changed_at)
SELECT 900000000 + n, 'Y' || n, 'person', s || g, '', '', 'gold', 900000001 + (n - 1) / {book}, {unit}, 'solar', 1 + n % 12, 1 + n % 28,
       false, false, false, 'yes', 'yes', '{{}}', ARRAY[s, g, s || g], ARRAY['z', 'zw' || n % 300], s || n,
       decode(lpad(to_hex(n), 32, '0'), 'hex'), decode(lpad(to_hex(n % 10000), 32, '0'), 'hex'), 1, '2025-07-01', '2025-07-01'
FROM generate_series(1, {rms} * {book}) n,
     LATERAL (SELECT chr(20000 + n % 100) AS s, chr(21000 + n % 300) AS g) name;
INSERT INTO customers_need (customer_id, kind, words, state, opened_at, closed_why)
SELECT id, 'loan', '', 'open', '2026-01-01', '' FROM customers_customer WHERE id > 900000000;
INSERT INTO customers_holding (customer_id, core_number, product, kind, amount, currency, risk_grade, as_of)
SELECT id, 'H', '存款', '', 1, 'CNY', '', '2026-07-01' FROM customers_customer WHERE id > 900000000;
INSERT INTO customers_book (customer_id, rm_id, from_day, reason, at)
SELECT id, rm_id, '2025-07-01', '', '2025-07-01' FROM customers_customer WHERE id > 900000000;
INSERT INTO customers_rating (customer_id, month, assets, tier, reason)
SELECT id, '2026-07-01', 1, 'gold', '' FROM customers_customer WHERE id > 900000000;
INSERT INTO customers_acquaintance (customer_id, rm_id, met_source, called_source, meetings, calls)
SELECT id, rm_id, '', '', 1, 1 FROM customers_customer WHERE id > 900000000;
INSERT INTO customers_relation (customer_id, kind, name, age, note, source, at)
SELECT id, 'child', '', 'under_14', '', 'contact', '2026-01-01' FROM customers_customer WHERE id > 900000000;
INSERT INTO contacts_contact (id, kind, state, customer_id, rm_id, held_by_id, purpose, purpose_words, planned_for, place, invited_by_rm,
    customer_asked, told_customer, incoming, afterwards, surprise_reason, ticks, notes, started_at, ended_at, grade, tier,
    outcome, met_where, seen_off, invitation, result, result_words, no_need, closed_at, cancelled_for, cancelled_why, by_id,
    created_at, version)
SELECT 900000000 + n, 'visit', 'closed', c.id, c.rm_id, c.rm_id, '', '', at, '', false, false, true, false, false, '', '{{}}', '[]', at, at,
       'tapped', 'gold', '', '', '', '', 'agreed', '', true, at, '', '', c.rm_id, at, 1
FROM generate_series(1, {rms} * {book} * 3) n
JOIN customers_customer c ON c.id = 900000001 + n % ({rms} * {book}),
LATERAL (SELECT timestamptz '2025-07-07 02:00+00' + n * interval '8 minutes' AS at) moment;
INSERT INTO contacts_demand (contact_id, customer_id, number, words, at, state)
SELECT id, customer_id, 1, '', created_at, 'open' FROM contacts_contact WHERE id > 900000000 AND id % 5 = 0;
INSERT INTO obligations_fact (id, kind, at, known_at, grade, staff_id, customer_id, subject, data, void)
SELECT id, 'visit_ended', ended_at, ended_at, 'tapped', rm_id, customer_id, 'contact:' || id, '{{}}', false
FROM contacts_contact WHERE id > 900000000;
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what,
    why, detail, opens, due, due_counts, lapses, channels, state, settled_at, evidence, created_at, key)
SELECT id, 'V6', '2025-07-01', 'write_up', 'should', 'code', staff_id, customer_id, subject, 'gold', '{{"zh": "", "en": ""}}',
       '{{"zh": "", "en": ""}}', '{{}}', at, CASE WHEN id % 30 = 0 THEN timestamptz '2026-07-06 10:00+00' ELSE at END, false, false,
       '{{}}', CASE WHEN id % 30 = 0 THEN 'open' ELSE 'done' END, CASE WHEN id % 30 <> 0 THEN at END, '{{}}', at, 'V6/' || id
FROM obligations_fact WHERE id > 900000000;
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what,
    why, detail, opens, due, due_counts, target, lapses, channels, state, settled_at, evidence, created_at, key)
SELECT id, 'C5', '2025-07-01', 'call_back', 'must', 'code', staff_id, customer_id, subject, 'gold', '{{"zh": "", "en": ""}}',
       '{{"zh": "", "en": ""}}', '{{}}', at - interval '5 minutes', at + interval '5 minutes', true, at, false, '{{}}',
       CASE WHEN id % 40 = 0 THEN 'open' ELSE 'done' END, CASE WHEN id % 40 <> 0 THEN at END,
       CASE WHEN id % 40 = 0 THEN '{{}}'::jsonb ELSE jsonb_build_object('minutes', id % 13, 'kept', 'kept', 'grade', 'tapped') END,
       at, 'C5/' || id
FROM obligations_fact WHERE id > 900000000 AND id % 4 = 0;
"""


@pytest.fixture
def year(cast: Cast, owner: Callable[[], AbstractContextManager[None]]) -> int:
    """The id of an RM in the midst of it."""
    with owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in LARGE:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER trail")
        for statement in YEAR.format(rms=RMS, book=BOOK, unit=cast.units["century"].pk).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute(f"ANALYZE {', '.join(LARGE)}")
    return 900000050


def scans() -> dict[str, int]:
    """How often each large table was read from end to end in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY (%s)", [list(LARGE)])
        return dict(cursor.fetchall())


@contextmanager
def without_scan(plans: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL plan_cache_mode = {plans}")
    before = scans()
    yield
    after = scans()
    scanned = {table: count - before.get(table, 0) for table, count in after.items() if count != before.get(table, 0)}
    assert not scanned, f"read from end to end: {scanned}"


def test_nobody_waits_for_a_scan(year: int, cast: Cast, owner: Role) -> None:
    """An RM's morning and searches, the same looked at by the leader, who sees every book of the sub-branch, and by a stand-in."""
    customer = 900000001 + (year - 900000001) * BOOK + 7
    with owner():
        Leave.objects.create(
            staff_id=year, from_day=NOW.date(), to_day=NOW.date() + timedelta(days=1), stand_in=cast.mate, asked_by_id=year,
            asked_at=NOW, answer="accepted", answered_by=cast.mate, answered_at=NOW,
        )  # fmt: skip
    for reader in (year, cast.leader.pk, cast.mate.pk):
        browser = Client()
        browser.cookies["zhike_session"] = signed_in(Staff.objects.get(pk=reader), NOW)
        for plans in ("force_custom_plan", "force_generic_plan"):
            with clock.at(NOW), acting(reader, NOW) as actor, without_scan(plans):
                assert '"clause"' in today(actor if actor.covers else replace(actor, id=year), now=NOW)
                agenda.told(actor, NOW, Bank())
                near(actor, NOW, Bank())
                assert '"contacts_all" : 3' in told(customer)
                load_case(customer, NOW.date())
                assert '"obligations"' in whole(customer)
            with clock.at(NOW), transaction.atomic(), without_scan(plans):
                for address in ("/", f"/customers/{customer}/"):
                    assert browser.get(address).status_code == 200
        with clock.at(NOW), acting(reader, NOW) as actor, without_scan("auto"):
            for typed in ("七", chr(20007) + chr(21007), "zw7", "0064", "Y4321", "13800000064"):
                search.find(typed, actor, NOW, Bank())


def plans_made() -> dict[str, int]:
    """How often each statement was planned for the values at hand, rather than by the plan that is kept for all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, custom_plans FROM pg_prepared_statements")
        return dict(cursor.fetchall())


def test_what_is_asked_for_all_day_is_not_planned_anew(year: int, cast: Cast) -> None:
    """Planning takes longer than reading. PostgreSQL plans the first five for their values, and weighs then what that was worth."""
    customer = 900000001 + (year - 900000001) * BOOK + 7
    browser = Client()
    browser.cookies["zhike_session"] = signed_in(Staff.objects.get(pk=year), NOW)
    with clock.at(NOW), acting(cast.leader.pk, NOW) as actor:

        def look() -> None:
            for address in ("/", f"/customers/{customer}/"):
                assert browser.get(address).status_code == 200
            act(cast.leader.pk, NOW)
            today(replace(actor, id=year), now=NOW)
            agenda.told(replace(actor, id=year), NOW, Bank())
            near(actor, NOW, Bank())
            told(customer)
            whole(customer)

        for _ in range(12):
            look()
        before = plans_made()
        for _ in range(4):
            look()
        assert plans_made() == before


def test_a_working_list_of_one_book_looks_at_no_other(year: int, cast: Cast) -> None:
    """Each choice and all of them, as the RM and as the leader ask: rows with what they are about, and the numbers."""
    each = [{name: value} for name, values in CHOICES.items() for value in values]
    together = {name: values[0] for name, values in CHOICES.items()}
    for reader in (year, cast.leader.pk):
        for chosen in ({}, together, *each):
            listed = WorkingList(chosen, NOW, Bank())
            with clock.at(NOW), acting(reader, NOW) as actor, without_scan("auto"):
                book = Customer.objects.visible_to(actor).filter(keeper=year)
                list(listed.show(listed.narrow(book)).order_by("sort_key", "id").values("id", *listed.shown)[:51])
                assert sum(listed.counts(year, actor).book.values()) == BOOK


def test_the_minutes_of_call_backs_are_measured_without_a_scan(year: int, cast: Cast) -> None:
    """Of an RM and of a leader's two hundred: a fortnight's, and those behind a figure with the leaders' notices."""
    fortnight = datetime(2025, 7, 14, tzinfo=UTC), datetime(2025, 7, 28, tzinfo=UTC)
    for reader in (year, cast.leader.pk):
        for plans in ("force_custom_plan", "force_generic_plan"):
            with clock.at(NOW), acting(reader, NOW) as actor, without_scan(plans):
                rows = call_backs.called_back(actor.sees, *fortnight, now=NOW, day=NOW.date())
                listed = call_backs.each(actor, {row.staff for row in rows}, *fortnight)
                assert rows
                for minutes in range(13):
                    list(listed.filter(call_backs.in_bin(bin_of(minutes)))[:50])
                call_backs.notices(listed.filter(call_backs.with_fate("never", NOW))[:50])
