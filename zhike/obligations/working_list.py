"""Working lists (名单): the part of a book that one takes up today, told in SQL that looks up by key.

A choice is a name and a value, the same in the pages' addresses and in the API. Each says something of one row of
``customers_customer``. What lies in another table is asked by a scalar sub-select and not by EXISTS, which the planner may
turn into a scan of that whole table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import celebrated
from zhike.people.actor import Actor

from . import rhythm

# What may be asked, and with which values. A name has one value at a time; several names are all to be true.
CHOICES: dict[str, tuple[str, ...]] = {
    "silent": ("rhythm", "30", "60", "90"),
    "matures": ("30",),
    "birthday": ("14", "month"),
    "owed": ("late",),
    "need": ("open",),
    "met": ("never",),
    "called": ("never",),
    "mobile": ("missing",),
    "sms": ("no_consent",),
}
# Looked up in other tables, a customer at a time: of a book of more than so many counted only when chosen.
LOOKED_UP = frozenset({"matures", "owed", "need", "met", "called", "sms"})
COUNTED = 2000

LIVING = "customers_customer.deceased_on IS NULL AND customers_customer.closed_on IS NULL"
# Greetings and contacts by rhythm stop (CLAUSES, Stops): whom one is not to call has no place in a list of whom to call.
WELCOME = f"{LIVING} AND NOT customers_customer.do_not_disturb AND NOT customers_customer.complaint_open"
SINCE = "coalesce(customers_customer.last_contact_at, customers_customer.created_at)"


@dataclass(frozen=True)
class Condition:
    """SQL about one row of ``customers_customer``, with its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Counts:
    """How many customers: in the book and in the list, by tier; with a choice made instead or besides; without one made.

    With a tier chosen, ``more`` and ``without`` are of that tier, and ``without["tier"]`` is of all. ``more`` lacks what was
    not counted, for the book is large.
    """

    book: Mapping[str, int]
    found: Mapping[str, int]
    more: Mapping[tuple[str, str], int] = field(default_factory=dict)
    without: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkingList:
    """The choices made, at a moment, by the bank's settings."""

    chosen: Mapping[str, str]
    now: datetime
    bank: Bank

    @classmethod
    def of(cls, asked: Mapping[str, Any], now: datetime, bank: Bank) -> WorkingList:
        """What is asked for by name; whatever :data:`CHOICES` does not know is left out."""
        return cls({name: asked[name] for name in CHOICES if asked.get(name) in CHOICES[name]}, now, bank)

    def narrow(self, customers: QuerySet[Any]) -> QuerySet[Any]:
        """Of these customers the ones in the list."""
        for name, value in self.chosen.items():
            condition = self._condition(name, value)
            customers = customers.extra(where=[f"({condition.sql})"], params=condition.parameters)  # noqa: S610 -- ours only
        return customers

    @property
    def shown(self) -> tuple[str, ...]:
        """The choices of which a row has something to show: what matures first, the newest need, what is late longest."""
        return tuple(name for name in ("matures", "need", "owed") if name in self.chosen)

    def show(self, customers: QuerySet[Any]) -> QuerySet[Any]:
        """These customers with, by the name of each choice ``shown``, what it is about: one JSON object."""
        about = {
            "matures": Condition(
                "SELECT json_build_object('on', h.matures_on, 'product', h.product, 'amount', h.amount::text)"
                f" FROM {self.maturing} ORDER BY h.matures_on, h.id LIMIT 1",
                self.maturing_between,
            ),
            "need": Condition(
                f"SELECT json_build_object('kind', n.kind, 'words', n.words) FROM {self.needs_open}"
                " ORDER BY n.opened_at DESC, n.id DESC LIMIT 1"
            ),
            "owed": Condition(
                f"SELECT json_build_object('clause', o.clause, 'what', o.what) FROM {self.owed_late}"
                " ORDER BY o.due, o.id LIMIT 1",
                (self.now,),
            ),
        }
        for name in self.shown:
            customers = customers.extra(  # noqa: S610 -- ours only
                select={name: f"({about[name].sql})"}, select_params=about[name].parameters
            )
        return customers

    def counts(self, keeper: int, actor: Actor, tier: str = "") -> Counts:
        """One statement over one book: each customer's answers once, then the sums."""
        pairs = [(name, value) for name, values in CHOICES.items() for value in values]
        answers = [self._answer(name, value) for name, value in pairs]
        made = {name: f"f{pairs.index((name, value))}" for name, value in self.chosen.items()}

        def those(apart: str = "", also: str = "") -> str:
            wanted = [column for name, column in made.items() if name != apart] + [also] * bool(also)
            return f"count(*) FILTER (WHERE {' AND '.join(wanted)})" if wanted else "count(*)"

        more = ", ".join(
            f"CASE WHEN bool_or(f{at} IS NULL) THEN NULL ELSE {those(name, f'f{at}')} END"
            for at, (name, _value) in enumerate(pairs)
        )
        without = ", ".join(those(name) for name in made)
        statement = f"""
            WITH size AS MATERIALIZED (
                SELECT count(*) <= {COUNTED} AS small FROM (SELECT FROM customers_customer
                WHERE keeper = %s AND keeper = ANY (%s::bigint[]) LIMIT {COUNTED + 1}) few
            ), book AS MATERIALIZED (
                SELECT tier, {", ".join(f"{answer.sql} AS f{at}" for at, answer in enumerate(answers))}
                FROM customers_customer WHERE keeper = %s AND keeper = ANY (%s::bigint[]))
            SELECT tier, count(*), {those()}, ARRAY[{more}], ARRAY[{without}]::bigint[] FROM book GROUP BY tier
        """
        scope: list[Any] = [keeper, list(actor.sees)]
        with connection.cursor() as cursor:
            cursor.execute(statement, [*scope, *(each for answer in answers for each in answer.parameters), *scope])
            rows = cursor.fetchall()
        return self._counted(rows, pairs, tier)

    def _counted(self, rows: Sequence[tuple[Any, ...]], pairs: Sequence[tuple[str, str]], tier: str) -> Counts:
        of_tier = [row for row in rows if not tier or row[0] == tier]
        more = {}
        for at, pair in enumerate(pairs):
            each = [row[3][at] for row in of_tier]
            if None not in each:
                more[pair] = sum(each)
        without = {name: sum(row[4][at] for row in of_tier) for at, name in enumerate(self.chosen)}
        if tier:
            without["tier"] = sum(row[2] for row in rows)
        return Counts({row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}, more, without)

    def _answer(self, name: str, value: str) -> Condition:
        """A choice as a column: true or false, and NULL where it is not counted."""
        condition = self._condition(name, value)
        sure = f"(({condition.sql}) IS TRUE)"
        if name in LOOKED_UP and self.chosen.get(name) != value:
            sure = f"CASE WHEN (SELECT small FROM size) THEN {sure} END"
        return Condition(sure, condition.parameters)

    # ------------------------------------------------------------------ what each choice says

    def _condition(self, name: str, value: str) -> Condition:
        said: Condition = getattr(self, f"_{name}")(value)
        return said

    @property
    def today(self) -> date:
        return self.now.astimezone(self.bank.zone).date()

    def _midnight(self, days_ago: int) -> datetime:
        """The beginning of the day so many days ago: whoever was silent since before it has been so for longer."""
        return datetime.combine(self.today - timedelta(days=days_ago), time(), self.bank.zone)

    def _silent(self, value: str) -> Condition:
        """Longer than the tier's rhythm, or so many days and more; a customer never talked with since coming into Zhike."""
        if value != "rhythm":
            return Condition(f"{WELCOME} AND {SINCE} < %s", (self._midnight(int(value) - 1),))
        return Condition(f"{WELCOME} AND {self.over.sql}", self.over.parameters)

    @property
    def over(self) -> Condition:
        """The contact that the tier's rhythm wants was due before today: what W5 owes, reckoned as the sweep does."""
        past = rhythm.reached("contact", self.today, self.bank, customer="customers_customer", soon=False)
        return Condition(f"(SELECT true FROM ({past.sql}) past LIMIT 1)", past.parameters)

    def _matures(self, value: str) -> Condition:
        return Condition(f"(SELECT true FROM {self.maturing} LIMIT 1)", self.maturing_between)

    maturing = (
        "customers_holding h WHERE h.customer_id = customers_customer.id AND h.ended_on IS NULL"
        " AND h.matures_on BETWEEN %s AND %s"
    )

    @property
    def maturing_between(self) -> tuple[date, date]:
        return self.today, self.today + timedelta(days=30)

    def birthdays_between(self, value: str) -> tuple[date, date]:
        """The days of this month, or today and the two weeks after it."""
        if value == "month":
            first = self.today.replace(day=1)
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return self.today, self.today + timedelta(days=14)

    def _birthday(self, value: str) -> Condition:
        born = celebrated(*self.birthdays_between(value), self.bank.birthday_policy)
        codes = [(each.calendar == "lunar") * 100_000 + each.month * 1000 + each.day * 10 + each.leap for each in born]
        code = (
            "(customers_customer.birth_calendar = 'lunar')::int * 100000 + customers_customer.birth_month * 1000"
            " + customers_customer.birth_day * 10 + customers_customer.birth_leap::int"
        )
        return Condition(
            f"{WELCOME} AND customers_customer.birth_calendar <> '' AND {code} = ANY (%s::int[])", (codes,)
        )

    owed_late = (
        "obligations_obligation o WHERE o.customer_id = customers_customer.id AND o.state = 'open' AND o.due < %s"
    )

    def _owed(self, value: str) -> Condition:
        return Condition(f"(SELECT true FROM {self.owed_late} LIMIT 1)", (self.now,))

    needs_open = "customers_need n WHERE n.customer_id = customers_customer.id AND n.state = 'open'"

    def _need(self, value: str) -> Condition:
        return Condition(f"(SELECT true FROM {self.needs_open} LIMIT 1)")

    def _met(self, value: str) -> Condition:
        return self._never("met_source")

    def _called(self, value: str) -> Condition:
        return self._never("called_source")

    def _never(self, source: str) -> Condition:
        """Not by the customer's own RM; by nobody at the bank, where the bank counts so (R3, C9)."""
        by = "" if self.bank.acquaintance == "bank" else " AND a.rm_id = customers_customer.rm_id"
        known = f"SELECT true FROM customers_acquaintance a WHERE a.customer_id = customers_customer.id{by}"
        return Condition(f"{LIVING} AND ({known} AND a.{source} <> '' LIMIT 1) IS NULL")

    def _mobile(self, value: str) -> Condition:
        return Condition(f"{LIVING} AND customers_customer.mobile_index IS NULL")

    def _sms(self, value: str) -> Condition:
        """No consent to marketing by SMS stands: the newest word about it, or about any channel, is no, or there is none."""
        newest = (
            "SELECT k.given FROM customers_consent k WHERE k.customer_id = customers_customer.id"
            " AND k.purpose = 'marketing' AND k.channel IN ('sms', 'any') ORDER BY k.at DESC, k.id DESC LIMIT 1"
        )
        return Condition(f"{LIVING} AND ({newest}) IS NOT TRUE")
