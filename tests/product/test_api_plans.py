"""No list of the API looks at the rows of a whole bank to show one person's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.product.api import NOW, Program
from zhike import clock

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]

# A year of a hundred strangers: 4,000 customers with five contacts, five obligations and two needs each; 40 are one's own.
MANY = """
INSERT INTO people_staff (id, password, number, name, title, email, phone, language, theme, single_keys, is_active,
    must_change_password)
SELECT 800000000 + n, '!', 'Z' || n, '经理' || n, '', '', '', 'zh-hans', '', true, true, false FROM generate_series(1, 100) n;
INSERT INTO customers_customer (core_number, kind, name, honorific, gender, tier, unit_id, rm_id, birth_calendar, birth_leap,
    do_not_disturb, complaint_open, met_before, called_before, profile, grams, pinyin, sort_key, version, created_at, changed_at)
SELECT 'B' || n, 'person', 'N' || n, '', '', 'gold', %(unit)s, CASE WHEN n <= 40 THEN %(mine)s::bigint ELSE 800000001 + n %% 100 END, '',
    false, false, false, 'no', 'no', '{}', '{}', '{}', 'n' || n, 1, now(), now() FROM generate_series(1, 4000) n;
INSERT INTO contacts_contact (kind, state, customer_id, rm_id, held_by_id, purpose, purpose_words, planned_for, place, invited_by_rm,
    customer_asked, told_customer, incoming, afterwards, surprise_reason, ticks, notes, grade, tier, outcome, met_where, seen_off,
    invitation, result, result_words, no_need, cancelled_for, cancelled_why, by_id, created_at, version)
SELECT 'call', 'planned', c.id, c.rm_id, c.rm_id, 'care', '', now() + n * interval '1 hour', '', false, false, false, false, false, '', '{}',
    '[]', 'tapped', '', '', '', '', '', '', '', false, '', '', c.rm_id, now(), 1
FROM customers_customer c, generate_series(1, 5) n WHERE c.core_number LIKE 'B%%';
INSERT INTO obligations_fact (kind, at, known_at, grade, staff_id, customer_id, subject, data, void)
SELECT 'promise_made', now(), now(), 'tapped', c.rm_id, c.id, '', '{"words": "x"}', false FROM customers_customer c
WHERE c.core_number LIKE 'B%%';
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what,
    why, detail, opens, due, due_counts, lapses, channels, state, evidence, created_at, key)
SELECT f.id, 'W11', '2025-07-01', 'promise', 'must', 'code', f.staff_id, f.customer_id, '', 'gold', '{"zh": "", "en": ""}',
    '{"zh": "", "en": ""}', '{}', now(), now() + n * interval '1 hour', false, false, '{}', 'open', '{}', now(), f.id || '/' || n
FROM obligations_fact f, generate_series(1, 5) n;
INSERT INTO customers_need (customer_id, kind, words, state, opened_at, closed_why)
SELECT c.id, 'loan', '', 'open', now(), '' FROM customers_customer c, generate_series(1, 2) n WHERE c.core_number LIKE 'B%%'
"""


LARGE = ("customers_customer", "contacts_contact", "obligations_obligation", "customers_need")


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def first_word(statement: str) -> str:
    """Where the query itself begins: an iterated one stands behind its cursor's declaration."""
    return "WITH due" if "WITH due" in statement else "SELECT"


def test_lists_are_led_to_ones_own_rows_by_an_index(cast: Cast, owner: Role, worker: Role) -> None:
    whose = {"unit": cast.units["century"].pk, "mine": cast.rm.pk}
    with owner(), connection.cursor() as cursor:
        for statement in MANY.split(";"):
            cursor.execute(statement, whose)
        for table in LARGE:
            cursor.execute(f"ANALYZE {table}")
    with worker():
        rm = Program(cast, "rm")
    for path in (
        "obligations", "obligations?state=open", "obligations?due=late", "obligations?due=today", "contacts", "appointments",
        "needs", "customers", "adherence",
    ):  # fmt: skip
        with CaptureQueriesContext(connection) as asked:
            assert rm.send("get", path).status_code == 200
        statements = [each["sql"] for each in asked.captured_queries if "FROM" in each["sql"]]
        with cast.acting("rm"), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(f"EXPLAIN {statement[statement.index(first_word(statement)) :]}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
                assert not [table for table in LARGE if f"Seq Scan on {table}" in plan], f"{path}\n{plan}"
