"""The ledger: facts in, the engine asked, obligations out, in one transaction.

    tell(facts, actor=actor, now=now, bank=bank)

One query loads the case, one statement writes facts, what they cause and what they settle. Whoever tells the same twice owes
once (``key``); of two that settle the same at once, one does (``was`` is compared in the update).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import connection

from zhike.conduct import clause
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.facts import Case, Fact, Owed, Person
from zhike.conduct.owe import Due, Settlement, owe, settle
from zhike.obligations.models import Fact as Kept
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.workdays import workdays

# What follows elsewhere when a fact of a kind was told: entered at start by whoever has something to do then, so that siblings need not
# know one another.
WHEN_TOLD: dict[str, list[Callable[[Fact, Actor | None, datetime, Bank], None]]] = {}
# Facts whose windows count in workdays.
IN_WORKDAYS = {
    "demand_raised",
    "promise_made",
    "reply_received",
    "rated_low",
    "assigned",
    "assignment_answered",
    "assignment_laid_before",
    "note_routed",
    "note_answer_came",
    "plan_commented",
}
NO_WORKDAYS = Workdays.of({})


@dataclass(frozen=True)
class Entries:
    """What the ledger will write: one JSON document for one statement."""

    facts: list[dict[str, Any]]
    dues: list[dict[str, Any]]
    settlements: list[dict[str, Any]]

    def settle(self, row: dict[str, Any]) -> None:
        """What becomes of an obligation; of two facts that say something of the same one the later counts."""
        earlier = next((each for each in self.settlements if each["owed"] == row["owed"]), None)
        if earlier is None:
            self.settlements.append(row)
        else:
            earlier.update({**row, "was": earlier["was"]})

    def document(self) -> dict[str, Any]:
        return {"facts": self.facts, "dues": self.dues, "settlements": self.settlements}


def tell(facts: Sequence[Fact], *, actor: Actor | None, now: datetime, bank: Bank) -> list[int]:
    """Writes the facts, what is owed because of them and what they settle. Returns the ids of the new facts, in order.

    All facts are about one customer, or about none. ``actor``: None where nobody told them but a file.
    """
    entries = ask(facts, case_of(facts, bank), actor=actor, now=now, bank=bank)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH doc AS (SELECT %s::jsonb AS d), {LEDGER} SELECT array_agg(id ORDER BY n) FROM told",
            [json.dumps(entries.document())],
        )
        row = cursor.fetchone()
    for fact in facts:
        for follows in WHEN_TOLD.get(fact.kind, ()):
            follows(fact, actor, now, bank)
    return list(row[0] or []) if row else []


def tell_many(cases: Sequence[tuple[Fact, Case]], *, now: datetime, bank: Bank) -> int:
    """Facts about many customers in one statement, told by nobody: what the calendar and the core system's files bring. Returns
    how many became owed.
    """
    together = Entries([], [], [])
    for fact, case in cases:
        entries = ask([fact], case, actor=None, now=now, bank=bank)
        n, places = len(together.facts), len(together.dues)
        together.facts.extend({**row, "n": n} for row in entries.facts)
        together.dues.extend({**row, "fact": n, "place": places + row["place"]} for row in entries.dues)
        together.settlements.extend({**row, "settling": n} for row in entries.settlements)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH doc AS (SELECT %s::jsonb AS d), {LEDGER} SELECT count(*) FROM owed",
            [json.dumps(together.document())],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def correct(fact: Kept, *, by: Fact | None, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Corrects a fact by another, or says that it did not happen (``by`` None).

    What it alone caused and is still open, or missed, is recomputed or withdrawn; what is done stays. What it settled is open again,
    unless the corrected fact settles it too, or what caused that never was. The fact itself stays, marked void.
    """
    updated = Kept.objects.filter(pk=fact.pk, void=False).update(void=True)
    if not updated:
        return
    caused = list(fact.caused.filter(state__in=["open", "cannot", "missed"]))
    # What could be done again because of it (thanks, once the mobile was known) cannot.
    fact.settled.filter(state="open", evidence={}).update(
        state="cannot", settled_by=None, settling=None, evidence={"why": "no_mobile"}
    )
    # Open as well: what had not done, and said so, is not said any more.
    reopened = fact.settled.filter(state__in=["done", "withdrawn", "cannot", "open"], fact__void=False)
    reopened.update(state="open", settled_at=None, settled_by=None, settling=None, evidence={})
    keys = [obligation.key for obligation in caused]
    Obligation.objects.filter(pk__in=[obligation.pk for obligation in caused]).update(
        state="withdrawn",
        settled_at=now,
        settled_by_id=actor.id if actor else None,
        evidence={"why": "corrected", "keys": keys},
    )
    if by is not None:
        told = tell([by], actor=actor, now=now, bank=bank)
        Kept.objects.filter(pk__in=told).update(corrects=fact)


def ask(facts: Sequence[Fact], case: Case, *, actor: Actor | None, now: datetime, bank: Bank) -> Entries:
    """Asks the engine about each fact in turn; a later one sees what an earlier one caused or settled."""
    code = clause.load()
    days = workdays() if any(fact.kind in IN_WORKDAYS for fact in facts) else NO_WORKDAYS
    entries = Entries([], [], [])
    owed = {item.id: item for item in case.owed}
    for n, fact in enumerate(facts):
        entries.facts.append(_fact_row(n, fact, actor, now))
        for settlement in settle(fact, replace(case, owed=tuple(owed.values())), bank):
            before = owed.pop(settlement.owed)
            if settlement.state == "open":  # what was done for it did not do: a later fact may
                owed[before.id] = replace(before, state="open")
            if before.id < 0:
                _settle_new(entries.dues[-before.id - 1], settlement, fact, n, actor)
            else:
                entries.settle(_settlement_row(n, settlement, before, fact, actor))
        for due in owe(fact, case, code, bank, days):
            entries.dues.append({**_due_row(n, due, now), "place": len(entries.dues)})
            # Not yet written, so it has no id: its place in the list stands for one, negated.
            owed[-len(entries.dues)] = _as_owed(due, -len(entries.dues))
    return entries


def case_of(facts: Iterable[Fact], bank: Bank) -> Case:
    """What the engine needs to know beside the facts; one query, whatever the facts and however much is owed.

    The tier that counts is that of the month in the bank's zone: 00:30 on the first is no longer last month. Of a contact it is
    that of its end or of its start, as the bank has set (`tier_counts`).
    """
    facts = list(facts)
    customers = {fact.customer for fact in facts}
    if len(customers) != 1:
        raise ValueError("Facts that are told together are about one customer, or about none.")
    customer = customers.pop()
    if customer is None:
        return Case(None, _owed_about([fact.subject for fact in facts]))
    started = next((fact.started for fact in facts if fact.started), None)
    moment = bank.tier_moment(max(fact.at for fact in facts), started)
    return load_case(customer, moment.astimezone(bank.zone).date())


def load_case(customer: int, day: date) -> Case:
    """A customer and what is owed towards them, with the tier of the month in which ``day`` lies.

    Raises LookupError for a customer whom the actor may not see, as for one who does not exist.
    """
    with connection.cursor() as cursor:
        cursor.execute(CASE, [day, customer])
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"customer {customer}")
    return case_from(row[0])


def case_from(loaded: Mapping[str, Any] | str) -> Case:
    """The case from the JSON value of :data:`CASE_VALUE`."""
    value = json.loads(loaded) if isinstance(loaded, str) else loaded
    person = dict(value["person"])
    for name in ("deceased_on", "closed_on"):
        person[name] = date.fromisoformat(person[name]) if person[name] else None
    return Case(Person(**person), tuple(_owed(row) for row in value["owed"]))


def _owed(row: Mapping[str, Any]) -> Owed:
    moments = {name: datetime.fromisoformat(row[name]) if row[name] else None for name in ("opens", "due", "target")}
    return Owed(**{**row, **moments, "channels": tuple(row["channels"])})


def _owed_about(subjects: list[str]) -> tuple[Owed, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {OWED_VALUE} FROM obligations_obligation o WHERE o.subject = ANY (%s) AND o.state IN ('open', 'cannot')",
            [subjects],
        )
        row = cursor.fetchone()
    value = row[0] if row else []
    return tuple(_owed(item) for item in (json.loads(value) if isinstance(value, str) else value))


def as_seen(row: Obligation) -> Owed:
    """A row of the ledger as the engine sees it, for whoever tells of many at once and has read what they may settle."""
    return Owed(
        row.pk, row.kind, row.clause, row.owner_id, row.customer_id, row.subject, row.opens, row.due, row.target,
        tuple(row.channels), row.detail, row.key, row.state, row.due_counts,
    )  # fmt: skip


def _as_owed(due: Due, id: int) -> Owed:
    return Owed(
        id, due.kind, due.clause, due.owner, due.customer, due.subject, due.window.opens, due.due, due.window.target,
        due.channels, due.detail, due.key, "cannot" if due.obstacle else "open", due.window.due_counts,
    )  # fmt: skip


def _fact_row(n: int, fact: Fact, actor: Actor | None, now: datetime) -> dict[str, Any]:
    return {
        "n": n,
        "kind": fact.kind,
        "at": fact.at.isoformat(),
        "known_at": now.isoformat(),
        "grade": fact.grade,
        "by_id": actor.id if actor else None,
        "staff_id": fact.staff,
        "customer_id": fact.customer,
        "subject": fact.subject,
        "data": dict(fact.data),
    }


def _due_row(n: int, due: Due, now: datetime) -> dict[str, Any]:
    return {
        "fact": n,
        "clause": due.clause,
        "clause_from": due.clause_from.isoformat(),
        "kind": due.kind,
        "force": due.force,
        "origin": due.origin,
        "owner_id": due.owner,
        "customer_id": due.customer,
        "subject": due.subject,
        "tier": due.tier,
        "what": {"zh": due.what.zh, "en": due.what.en},
        "why": {"zh": due.why.zh, "en": due.why.en},
        "detail": dict(due.detail),
        "opens": due.window.opens.isoformat(),
        "due": due.due.isoformat() if due.due else None,
        "due_counts": due.window.due_counts,
        "target": due.window.target.isoformat() if due.window.target else None,
        "lapses": due.lapses,
        "channels": list(due.channels),
        "state": "cannot" if due.obstacle else "open",
        "evidence": {"why": due.obstacle} if due.obstacle else {},
        "settled_at": None,
        "settled_by_id": None,
        "settling": None,
        "created_at": now.isoformat(),
        "key": due.key,
    }


def _settlement_row(n: int, settlement: Settlement, before: Owed, fact: Fact, actor: Actor | None) -> dict[str, Any]:
    return {
        "owed": settlement.owed,
        "was": before.state,
        "state": settlement.state,
        "evidence": dict(settlement.evidence),
        "settled_at": None if settlement.state in {"open", "cannot"} else fact.at.isoformat(),
        "settled_by_id": actor.id if actor and settlement.state != "open" else None,
        "settling": n,
    }


def _settle_new(row: dict[str, Any], settlement: Settlement, fact: Fact, n: int, actor: Actor | None) -> None:
    row.update(
        state=settlement.state,
        evidence=dict(settlement.evidence),
        settled_at=None if settlement.state in {"open", "cannot"} else fact.at.isoformat(),
        settled_by_id=actor.id if actor and settlement.state != "open" else None,
        settling=n,
    )


OWED_VALUE = """coalesce(json_agg(json_build_object(
    'id', o.id, 'kind', o.kind, 'clause', o.clause, 'owner', o.owner_id, 'customer', o.customer_id, 'subject', o.subject,
    'opens', o.opens, 'due', o.due, 'target', o.target, 'channels', o.channels, 'detail', o.detail, 'key', o.key,
    'state', o.state, 'due_counts', o.due_counts) ORDER BY o.id), '[]'::json)"""

# The case as one JSON value; `c` is the customer's row, the first parameter a day in the month whose tier counts.
CASE_VALUE = f"""json_build_object(
    'person', json_build_object(
        'id', c.id, 'kind', c.kind,
        'tier', coalesce((SELECT r.tier FROM customers_rating r
                          WHERE r.customer_id = c.id AND r.assets IS NOT NULL
                              AND r.month = date_trunc('month', %s::date)::date), c.tier),
        'has_mobile', c.mobile_index IS NOT NULL, 'has_other_phone', c.profile ? 'phone2',
        'greets_by_sms', coalesce((SELECT s.given FROM customers_consent s WHERE s.customer_id = c.id AND s.purpose = 'greeting'
                                   AND s.channel IN ('sms', 'any') ORDER BY s.at DESC, s.id DESC LIMIT 1), false),
        'deceased_on', c.deceased_on, 'closed_on', c.closed_on,
        'do_not_disturb', c.do_not_disturb, 'complaint_open', c.complaint_open),
    'owed', (SELECT {OWED_VALUE} FROM obligations_obligation o WHERE o.customer_id = c.id AND o.state IN ('open', 'cannot', 'missed')))"""
CASE = f"SELECT {CASE_VALUE} FROM customers_customer c WHERE c.id = %s"

# Common table expressions over `doc(d)`: other statements write their own rows beside these (contacts/write_up.py).
LEDGER = """
told AS MATERIALIZED (
    SELECT nextval('obligations_fact_id_seq') AS id, f.* FROM doc, jsonb_to_recordset(d -> 'facts') AS f (
        n int, kind text, at timestamptz, known_at timestamptz, grade text, by_id bigint, staff_id bigint,
        customer_id bigint, subject text, data jsonb)
), facts AS (
    INSERT INTO obligations_fact (id, kind, at, known_at, grade, by_id, staff_id, customer_id, subject, data, void)
    SELECT id, kind, at, known_at, grade, by_id, staff_id, customer_id, subject, data, false FROM told
), owed AS (
    INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject,
        tier, what, why, detail, opens, due, due_counts, target, lapses, channels, state, settled_at, settled_by_id, evidence,
        settling_id, created_at, key)
    SELECT cause.id, o.clause, o.clause_from, o.kind, o.force, o.origin, o.owner_id, o.customer_id, o.subject,
        o.tier, o.what, o.why, o.detail, o.opens, o.due, o.due_counts, o.target, o.lapses, o.channels, o.state, o.settled_at,
        o.settled_by_id, o.evidence, by.id, o.created_at, o.key
    FROM doc, jsonb_to_recordset(d -> 'dues') AS o (
        place int, fact int, clause text, clause_from date, kind text, force text, origin text, owner_id bigint, customer_id bigint,
        subject text, tier text, what jsonb, why jsonb, detail jsonb, opens timestamptz, due timestamptz, due_counts boolean, target timestamptz,
        lapses boolean, channels text[], state text, settled_at timestamptz, settled_by_id bigint, evidence jsonb,
        settling int, created_at timestamptz, key text)
    JOIN told cause ON cause.n = o.fact LEFT JOIN told by ON by.n = o.settling
    ORDER BY o.place
    ON CONFLICT (key) WHERE state <> 'withdrawn' DO NOTHING
    RETURNING obligations_obligation.id
), settled AS (
    UPDATE obligations_obligation o
    SET state = s.state, evidence = s.evidence, settled_at = s.settled_at, settled_by_id = s.settled_by_id, settling_id = by.id
    FROM doc, jsonb_to_recordset(d -> 'settlements') AS s (
        owed bigint, was text, state text, evidence jsonb, settled_at timestamptz, settled_by_id bigint, settling int)
    JOIN told by ON by.n = s.settling
    WHERE o.id = s.owed AND o.state = s.was
    RETURNING o.id
)"""
