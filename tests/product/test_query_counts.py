"""No page and no list asks the database more often because there are more rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast, opened
from zhike import clock
from zhike.work.models import Plan

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)

RM = (
    "/", "/customers/", "/customers/?need=open&matures=30&owed=late&birthday=month", "/customers/?sms=no_consent", "/search/?q=张", "/search/hits/?q=z", "/customers/structure/", "/customers/structure/?since=2026-01&until=2026-03&from=came&to=gold", "/customers/{customer}/", "/contacts/{contact}/record/", "/schedule/", "/schedule/new/",
    "/approvals/", "/messages/", "/messages/look/", "/messages/{customer}/",
    "/api/v1/customers", "/api/v1/customers?need=open&sms=no_consent", "/api/v1/customers?q=z", "/api/v1/customers/tiers/moves",
    "/api/v1/customers/tiers/moved?since=2026-01&until=2026-03&source=came&to=gold", "/api/v1/customers/tiers/turns", "/api/v1/customers/{customer}", "/api/v1/customers/{customer}/card",
    "/api/v1/customers/{customer}/needs", "/api/v1/customers/{customer}/holdings",
    "/api/v1/customers/{customer}/consents", "/api/v1/customers/{customer}/relations", "/api/v1/contacts",
    "/api/v1/contacts/{contact}", "/api/v1/appointments", "/api/v1/needs", "/api/v1/obligations",
    "/api/v1/obligations?due=today", "/api/v1/approvals", "/api/v1/clauses", "/api/v1/adherence",
    "/api/v1/adherence/call-backs?by=staff", "/me/call-backs/?fate=never", "/me/adherence/", "/me/satisfaction/", "/api/v1/adherence/satisfaction?by=staff", "/api/v1/findings", "/api/v1/staff",
    "/api/v1/units", "/work/promises/", "/work/promises/?customer={customer}", "/work/assignments/", "/api/v1/assignments", "/api/v1/promises",
    "/work/plans/", "/work/plans/{plan}/", "/work/plans/new/?period=week", "/api/v1/work-plans", "/api/v1/work-plans/{plan}", "/api/v1/work-plans/proposal",
    "/documents/", "/documents/?state=over", "/customers/{customer}/documents/", "/api/v1/documents", "/api/v1/documents?state=held",
)  # fmt: skip
LEADER = (
    "/",
    "/customers/",
    "/customers/structure/",
    "/customers/structure/?unit={unit}",
    "/api/v1/customers/tiers/turns?unit={unit}",
    "/search/?q=张",
    "/approvals/",
    "/api/v1/customers",
    "/api/v1/obligations",
    "/api/v1/adherence",
    "/api/v1/adherence/call-backs?by=unit",
    "/team/",
    "/work/promises/?whose=team",
    "/team/call-backs/?fate=never",
    "/team/satisfaction/",
    "/api/v1/adherence/satisfaction?by=unit",
    "/team/adherence/?clause=C5&all=yes",
    "/work/plans/?of=team",
    "/work/plans/morning/",
    "/work/plans/evening/",
    "/api/v1/work-plans/meeting",
)
ADMINISTRATOR = ("/staff/", "/units/", "/settings/", "/workdays/", "/approvals/", "/api/v1/staff", "/api/v1/units")

# Fifteen of everything, in the RM's book or beside it.
MORE = """
INSERT INTO people_staff (password, number, name, title, email, phone, language, theme, single_keys, is_active, must_change_password)
SELECT '!', 'M{turn}' || n, '经理' || n, '', '', '', 'zh-hans', '', true, true, false FROM generate_series(1, 15) n;
INSERT INTO people_unit (code, name, kind, parent_id, path, from_day)
SELECT 'M{turn}' || n, '支行' || n, 'sub_branch', {branch}, (SELECT path FROM people_unit WHERE id = {branch}) || '9{turn}' || n || '/', '2020-01-01'
FROM generate_series(1, 15) n;
INSERT INTO people_post (staff_id, unit_id, role, scope, from_day)
SELECT s.id, {unit}, 'rm', 'own', '2020-01-01' FROM people_staff s WHERE number LIKE 'M{turn}%';
INSERT INTO customers_customer (core_number, kind, name, honorific, gender, tier, rm_id, unit_id, birth_calendar, birth_month, birth_day,
    birth_leap, do_not_disturb, complaint_open, met_before, called_before, profile, grams, pinyin, sort_key, version, created_at,
    changed_at)
SELECT 'M{turn}' || n, 'person', '张' || n, '', '', 'gold', {rm}, {unit}, 'solar', 3, 16, false, false, false, 'yes', 'yes', '{{}}',
       ARRAY['张'], ARRAY['z', 'zhang'], 'zhang' || n, 1, '2025-07-01', '2025-07-01'
FROM generate_series(1, 15) n;
INSERT INTO customers_rating (customer_id, month, assets, tier, reason)
SELECT id, m, 190000, 'gold', '' FROM customers_customer, unnest(ARRAY['2026-02-01', '2026-03-01']::date[]) m WHERE core_number LIKE 'M{turn}%';
UPDATE customers_customer SET assets = 190000, assets_day = '2026-03-15' WHERE core_number LIKE 'M{turn}%';
INSERT INTO customers_need (customer_id, kind, words, state, opened_at, closed_why)
SELECT {customer}, 'loan', '', 'open', '2026-01-01', '' FROM generate_series(1, 15);
INSERT INTO customers_holding (customer_id, core_number, product, kind, amount, currency, risk_grade, as_of, matures_on)
SELECT {customer}, 'M{turn}' || n, '存款', '', 1, 'CNY', '', '2026-03-01', '2026-04-01' FROM generate_series(1, 15) n;
INSERT INTO customers_consent (customer_id, purpose, channel, given, evidence, source, at)
SELECT {customer}, 'service', 'sms', true, '', 'contact', '2026-01-01' FROM generate_series(1, 15);
INSERT INTO customers_relation (customer_id, kind, other_id, name, age, note, source, at)
SELECT {customer}, 'other', c.id, '', '', '', 'contact', '2026-01-01' FROM customers_customer c WHERE core_number LIKE 'M{turn}%';
INSERT INTO contacts_contact (kind, state, customer_id, rm_id, held_by_id, purpose, purpose_words, planned_for, place, invited_by_rm,
    customer_asked, told_customer, incoming, afterwards, surprise_reason, ticks, notes, started_at, ended_at, grade, tier, outcome,
    met_where, seen_off, invitation, result, result_words, no_need, closed_at, cancelled_for, cancelled_why, by_id, created_at, version)
SELECT 'visit', state, {customer}, {rm}, {rm}, '', '', '2026-03-16 06:00+00', '', false, false, true, false, false, '', '{{}}', '[]',
       CASE WHEN state = 'closed' THEN timestamptz '2026-03-16 01:00+00' END,
       CASE WHEN state = 'closed' THEN timestamptz '2026-03-16 01:30+00' END, 'tapped', 'gold', '', '', '', '', '', '', true,
       CASE WHEN state = 'closed' THEN timestamptz '2026-03-16 01:40+00' END, '', '', {rm}, '2026-03-15', 1
FROM generate_series(1, 15), unnest(ARRAY['agreed', 'planned', 'closed']) state;
INSERT INTO obligations_fact (kind, at, known_at, grade, staff_id, customer_id, subject, data, void)
SELECT 'visit_ended', ended_at, ended_at, 'tapped', rm_id, customer_id, 'contact:' || id, '{{"first": false}}', false
FROM contacts_contact WHERE state = 'closed' AND NOT EXISTS (SELECT FROM obligations_fact f WHERE f.subject = 'contact:' || contacts_contact.id);
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what, why,
    detail, opens, due, due_counts, lapses, channels, state, evidence, created_at, key)
SELECT id, 'V6', '2025-07-01', 'write_up', 'should', 'code', staff_id, customer_id, subject, 'gold',
       '{{"zh": "写拜访记录", "en": "Write up the visit"}}', '{{"zh": "", "en": ""}}', '{{}}', at, at + interval '3 hours', false,
       false, '{{}}', 'open', '{{}}', at, 'more/' || id
FROM obligations_fact f WHERE NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.key = 'more/' || f.id);
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what, why,
    detail, opens, due, target, due_counts, lapses, channels, state, evidence, created_at, key)
SELECT id, 'C5', '2025-07-01', 'call_back', 'must', 'code', staff_id, customer_id, subject, 'gold',
       '{{"zh": "回电", "en": "Call back"}}', '{{"zh": "", "en": ""}}', '{{}}', at - interval '5 minutes', at + interval '5 minutes', at,
       true, false, '{{}}', 'open', '{{}}', at, 'back/' || id
FROM obligations_fact f WHERE NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.key = 'back/' || f.id);
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what, why,
    detail, opens, due, due_counts, lapses, channels, state, evidence, created_at, key)
SELECT id, 'W11', '2025-07-01', 'promise', 'must', 'code', staff_id, customer_id, subject, 'gold',
       '{{"zh": "兑现承诺", "en": "Keep the promise"}}', '{{"zh": "", "en": ""}}', '{{"words": "x", "to": "customer"}}', at,
       at + interval '5 minutes', true, false, '{{}}', 'open', '{{}}', at, 'promise/' || id
FROM obligations_fact f WHERE NOT EXISTS (SELECT FROM obligations_obligation o WHERE o.key = 'promise/' || f.id);
INSERT INTO work_assignment (together, by_id, staff_id, what, counts_as_done, due, every, state, given_at, hand_ins, sent_back, version)
SELECT gen_random_uuid(), {rm}, {rm}, 'x', 'y', '2026-03-17', '', 'given', '2026-03-15', 0, 0, 1 FROM generate_series(1, 15);
INSERT INTO work_plan (staff_id, period, first_day, fixed_at, version)
SELECT {rm}, 'day', date '2026-03-16' - 15 * ({turn} - 1) - n, '2026-03-16', 1 FROM generate_series(0, 14) n;
INSERT INTO work_plan (staff_id, period, first_day, fixed_at, version)
SELECT id, 'day', '2026-03-16', '2026-03-16', 1 FROM people_staff WHERE number LIKE 'M{turn}%';
INSERT INTO work_plan_line (plan_id, place, about, obligation_id, carried)
SELECT p.id, 0, o.key, o.id, {turn} - 1 FROM work_plan p, obligations_obligation o
WHERE o.key LIKE 'more/%' AND NOT EXISTS (SELECT FROM work_plan_line l WHERE l.plan_id = p.id AND l.about = o.key);
INSERT INTO work_plan_line (plan_id, place, about, carried)
SELECT p.id, 1, 'contact:' || c.id, 0 FROM work_plan p, contacts_contact c
WHERE c.state <> 'struck' AND NOT EXISTS (SELECT FROM work_plan_line l WHERE l.plan_id = p.id AND l.about = 'contact:' || c.id);
INSERT INTO work_plan_comment (plan_id, by_id, at, words) SELECT id, {rm}, '2026-03-16', '先办到期' FROM work_plan;
INSERT INTO documents_document (customer_id, unit_id, keeper, business_id, kind_id, title, dated, by_id, at, version, reading, trouble, counts_from,
    years, deleted_why)
SELECT {customer}, {unit}, 0, b.id, k.id, '合同' || n, '2026-03-02', {rm}, '2026-03-02', 1, 'read', '', '2000-03-02', 5, ''
FROM generate_series(1, 15) n, documents_label b, documents_label k WHERE b.key = 'office' AND k.key = 'minutes';
INSERT INTO documents_hold (document_id, why, by_id, at, lifted_why)
SELECT id, '投诉', {rm}, '2026-03-02', '' FROM documents_document d WHERE title > '合同5' AND NOT EXISTS (SELECT FROM documents_hold h WHERE h.document_id = d.id);
"""


def more(cast: Cast, turn: int) -> None:
    """As many rows again of every kind."""
    values = {
        "turn": turn, "rm": cast.rm.pk, "unit": cast.units["century"].pk, "branch": cast.units["branch"].pk,
        "customer": cast.customers["rm"][0].pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in MORE.format(**values).split(";\n"):
            if statement.strip():
                cursor.execute(statement)


def asked(browser: Client, address: str) -> int:
    """How many statements an answer takes, the second time: caches are filled."""
    opened(browser, address)
    with CaptureQueriesContext(connection) as captured:
        answer = opened(browser, address)
    assert answer.status_code == 200, f"{address} answered {answer.status_code}"
    return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])


def test_more_rows_are_no_more_queries(cast: Cast, owner: Callable[[], AbstractContextManager[None]]) -> None:
    """Every screen and every list, with few rows and with three times as many."""
    with owner():
        more(cast, 1)
        cast_contact = _contact(cast)
        plan = Plan.objects.filter(staff=cast.rm).latest("first_day").pk
    names = {
        "customer": cast.customers["rm"][0].pk,
        "contact": cast_contact,
        "plan": plan,
        "unit": cast.units["century"].pk,
    }
    lists = {"rm": RM, "leader": LEADER, "administrator": ADMINISTRATOR}
    with clock.at(NOW):
        browsers = {who: cast.client(who, NOW) for who in lists}
        places = [(who, address.format(**names)) for who, addresses in lists.items() for address in addresses]
        few = {place: asked(browsers[place[0]], place[1]) for place in places}
        with owner():
            more(cast, 2)
            more(cast, 3)
        many = {place: asked(browsers[place[0]], place[1]) for place in places}
    grown = {place: (few[place], many[place]) for place in places if many[place] > few[place]}
    assert not grown, grown


def _contact(cast: Cast) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM contacts_contact WHERE customer_id = %s AND state = 'closed'",
            [cast.customers["rm"][0].pk],
        )
        return int(cursor.fetchone()[0])
