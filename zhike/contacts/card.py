"""What one must know of a customer before a word is said: one statement for the customer page, the card and the talk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import F

from zhike.customers.models import Customer
from zhike.customers.models.customer import SEEN
from zhike.people.actor import Actor

CONTACTS = 12
HOLDINGS = 60  # as the statement has it


@dataclass(frozen=True)
class Card:
    """Rows are plain dictionaries: ``needs``, ``demands`` and ``owed`` that are open, ``contacts`` newest first (``contacts_all``: how
    many there are), ``ahead`` what is planned or agreed, ``holdings`` the first by maturity, ``relations`` and ``household``, ``consents`` that count now,
    ``promised``: how many promises were kept and broken, on the customer's page alone, ``known`` the acquaintance with the customer's own RM, ``rm`` and ``unit`` by name, ``since`` when the book began.
    """

    needs: list[dict[str, Any]]
    demands: list[dict[str, Any]]
    owed: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    contacts_all: int
    ahead: list[dict[str, Any]]
    holdings: list[dict[str, Any]]
    relations: list[dict[str, Any]]
    household: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    known: dict[str, Any] | None
    rm: str
    unit: str
    since: date | None
    assets_before: Decimal | None
    promised: dict[str, int]


def told(customer: int, contacts: int = CONTACTS) -> str:
    """The card as one JSON text: ids and money as texts. Raises LookupError for a customer whom the actor may not see, as
    for one who does not exist.
    """
    with connection.cursor() as cursor:
        cursor.execute(CARD, {"customer": customer, "contacts": contacts})
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"customer {customer}")
    return str(row[0])


def card(customer: int, contacts: int = CONTACTS) -> Card:
    """The card in Python's own kinds. Raises LookupError likewise."""
    return read(told(customer, contacts))


def seen(
    customer: int, actor: Actor, contacts: int = CONTACTS, beside: str = "NULL"
) -> tuple[Customer, Card, Any] | None:
    """A customer in the actor's scope, the card, and what stands ``beside`` it, in one statement; None as for one who does not exist."""
    with connection.cursor() as cursor:
        cursor.execute(both(beside), {"customer": customer, "sees": list(actor.sees), "contacts": contacts})
        row = cursor.fetchone()
    return None if row is None else of(row)


def of(row: Sequence[Any]) -> tuple[Customer, Card, Any]:
    """A row of :func:`both` in Python's own kinds."""
    return SEEN.of(row[:-2]), read(row[-2]), row[-1]


@cache
def both(beside: str = "NULL") -> str:
    """SQL of a customer's row, the card, and one value of the customer's row ``c`` more, for whoever ``sees`` these keepers."""
    scope = "c.id = %(customer)s AND c.keeper = ANY (%(sees)s::bigint[])"
    told = TOLD.replace("'rm',", f"{PROMISED} 'rm',", 1)
    return f"SELECT {SEEN.columns('c')}, {told}, {beside} AS beside FROM customers_customer c WHERE {scope}"  # noqa: S608 our own texts alone


def read(text: str) -> Card:
    """What :func:`told` told in Python's own kinds."""
    value = {"promised": {}, **json.loads(text)}
    for name in ("needs", "demands", "owed", "contacts", "ahead", "relations", "household"):
        numbers(value[name], "id")
    numbers(value["needs"], "contact")
    numbers(value["demands"], "contact")
    numbers(value["relations"], "other")
    moments(value["needs"], "opened_at")
    moments(value["demands"], "at")
    moments(value["owed"], "opens", "due", "target")
    moments(value["contacts"], "started_at", "ended_at", "planned_for", "arrived_at")
    moments(value["ahead"], "planned_for")
    if value["known"]:
        moments([value["known"]], "first_met_at", "first_called_at", "last_contact_at")
    for holding in value["holdings"]:
        holding["amount"] = Decimal(holding["amount"])
        holding["matures_on"] = date.fromisoformat(holding["matures_on"]) if holding["matures_on"] else None
    value["since"] = date.fromisoformat(value["since"]) if value["since"] else None
    before = value["assets_before"]
    value["assets_before"] = None if before is None else Decimal(before)
    return Card(**value)


def held(customer: Customer) -> list[dict[str, Any]]:
    """All that the customer holds, as the card has its first."""
    now = customer.holdings.filter(ended_on=None).order_by(F("matures_on").asc(nulls_last=True), "-amount")
    columns = ("id", "product", "kind", "amount", "currency", "rate", "risk_grade", "matures_on")
    return [dict(row) for row in now.values(*columns)]


def numbers(rows: list[dict[str, Any]], name: str) -> None:
    """JSON's texts become ids, in place."""
    for row in rows:
        if row[name] is not None:
            row[name] = int(row[name])


def moments(rows: list[dict[str, Any]], *names: str) -> None:
    """JSON's texts become aware datetimes, in place."""
    for row in rows:
        for name in names:
            if row[name]:
                row[name] = datetime.fromisoformat(row[name])


# Of the row ``c`` of customers_customer.
TOLD = """
json_build_object(
  'needs', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT n.id::text, n.kind, n.words, n.opened_at, n.contact::text FROM customers_need n
      WHERE n.customer_id = c.id AND n.state = 'open' ORDER BY n.opened_at, n.id) r),
  'demands', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT d.id::text, d.contact_id::text AS contact, d.number, d.words, d.at FROM contacts_demand d
      WHERE d.customer_id = c.id AND d.state = 'open' ORDER BY d.at, d.id) r),
  'owed', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT o.id::text, o.clause, o.kind, o.force, o.origin, o.what, o.why, o.subject, o.opens, o.due, o.target, o.channels,
             o.detail, o.state, o.evidence
      FROM obligations_obligation o
      WHERE o.customer_id = c.id AND o.state IN ('open', 'cannot') ORDER BY o.due NULLS LAST, o.id LIMIT 100) r),
  'contacts', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT t.id::text, t.kind, t.state, t.purpose, t.purpose_words, t.planned_for, t.place, t.started_at, t.ended_at,
             t.arrived_at, t.outcome, t.result, t.result_words, t.seen_off, t.incoming, t.first, s.name AS rm,
             (SELECT coalesce(json_agg(d.words ORDER BY d.number), '[]') FROM contacts_demand d WHERE d.contact_id = t.id)
                 AS demands,
             (SELECT coalesce(json_agg(n.words ORDER BY n.id), '[]') FROM customers_need n
              WHERE n.customer_id = c.id AND n.contact = t.id) AS needs
      FROM contacts_contact t JOIN people_staff s ON s.id = t.rm_id
      WHERE t.customer_id = c.id AND t.started_at IS NOT NULL AND t.state <> 'struck'
      ORDER BY t.started_at DESC, t.id DESC LIMIT %(contacts)s) r),
  'contacts_all', (SELECT count(*) FROM contacts_contact t WHERE t.customer_id = c.id AND t.started_at IS NOT NULL
                   AND t.state <> 'struck'),
  'ahead', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT t.id::text, t.kind, t.state, t.purpose, t.purpose_words, t.planned_for, t.place FROM contacts_contact t
      WHERE t.customer_id = c.id AND t.state IN ('planned', 'agreed') ORDER BY t.planned_for NULLS LAST, t.id LIMIT 20) r),
  'holdings', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT h.id::text, h.product, h.kind, h.amount::text, h.currency, h.rate::text, h.risk_grade, h.matures_on FROM customers_holding h
      WHERE h.customer_id = c.id AND h.ended_on IS NULL ORDER BY h.matures_on NULLS LAST, h.amount DESC LIMIT 60) r),
  'relations', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT x.id::text, x.kind, x.name, x.age, x.note, o.id::text AS other, o.name AS other_name, o.honorific, o.tier
      FROM (SELECT id, kind, name, age, note, other_id FROM customers_relation WHERE customer_id = c.id
            UNION ALL
            SELECT id, CASE kind WHEN 'child' THEN 'parent' WHEN 'parent' THEN 'child' WHEN 'assistant' THEN 'principal'
                            WHEN 'principal' THEN 'assistant' ELSE kind END, '', '', '', customer_id
            FROM customers_relation WHERE other_id = c.id) x
      LEFT JOIN customers_customer o ON o.id = x.other_id
      ORDER BY x.id LIMIT 40) r),
  'household', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT m.id::text, m.name, m.honorific, m.tier FROM customers_customer m
      WHERE m.household_id = c.household_id AND m.id <> c.id ORDER BY m.id LIMIT 20) r),
  'consents', (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT DISTINCT ON (s.purpose, s.channel) s.purpose, s.channel, s.given, s.at FROM customers_consent s
      WHERE s.customer_id = c.id ORDER BY s.purpose, s.channel, s.at DESC, s.id DESC) r),
  'known', (SELECT row_to_json(r) FROM (
      SELECT a.first_met_at, a.met_source, a.first_called_at, a.called_source, a.last_contact_at, a.meetings, a.calls
      FROM customers_acquaintance a WHERE a.customer_id = c.id AND a.rm_id = c.rm_id) r),
  'rm', coalesce((SELECT s.name FROM people_staff s WHERE s.id = c.rm_id), ''),
  'unit', (SELECT u.name FROM people_unit u WHERE u.id = c.unit_id),
  'since', (SELECT b.from_day FROM customers_book b WHERE b.customer_id = c.id AND b.to_day IS NULL LIMIT 1),
  'assets_before', (SELECT r.assets::text FROM customers_rating r WHERE r.customer_id = c.id AND r.assets IS NOT NULL
                    AND r.month < (SELECT max(m.month) FROM customers_rating m WHERE m.customer_id = c.id AND m.assets IS NOT NULL)
                    ORDER BY r.month DESC LIMIT 1)
)::text
"""
# Beside it on the customer's page: what became of the promises that are over (:func:`zhike.obligations.promises.fate`).
PROMISED = """
'promised', (SELECT json_build_object('kept', count(*) FILTER (WHERE p.kept), 'broken', count(*) FILTER (WHERE NOT p.kept)) FROM (
    SELECT o.state = 'done' AND (o.due IS NULL OR o.settled_at < o.due OR o.settled_at = o.due AND o.due_counts) AS kept
    FROM obligations_obligation o
    WHERE o.customer_id = c.id AND o.kind = 'promise' AND o.state IN ('done', 'waived', 'missed')) p),
"""
# Without the margin: psycopg keeps what it made of a statement's text up to 4,096 letters.
TOLD = " ".join(TOLD.split())
CARD = f"SELECT {TOLD} FROM customers_customer c WHERE c.id = %(customer)s"  # noqa: S608 our own texts alone
