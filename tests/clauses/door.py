"""The door through which the clauses are tried: what a program at the JSON edge does, and what it is told.

What no address does, or cannot here, is done below it, and named so: a stop, the day's sweep, a look at the findings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import count
from types import SimpleNamespace
from typing import Any

from django.test import Client

from tests.cast import LONG_AGO, Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.measure import Kept, Measure, adherence
from zhike.contacts import stopping
from zhike.contacts.escalation import escalate
from zhike.customers.models import Acquaintance, Customer
from zhike.obligations import stops
from zhike.obligations.models import Finding
from zhike.obligations.sweep import sweep
from zhike.people import tokens
from zhike.people.bank import settings
from zhike.people.models import Setting

NUMBERS = count(1)
BEFORE = datetime(2025, 12, 1, tzinfo=UTC)
Role = Callable[[], AbstractContextManager[None]]


class Refused(Exception):
    """A problem document: ``str()`` begins with the clause that is the cause."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('clause')} {status} {problem['detail']}")
        self.status, self.problem = status, problem


class Row(SimpleNamespace):
    """An object of the API with its moments as moments; ``pk`` is the id that addresses take."""

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Row:
        return cls(**{name: _moment(name, each) for name, each in value.items()}, pk=value["id"])


MOMENTS = {
    "opens",
    "due",
    "target",
    "settled_at",
    "call_back_at",
    "ended_at",
    "started_at",
    "planned_for",
    "prepared_at",
}


def _moment(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value and name in MOMENTS else value


@dataclass
class Door:
    """One RM at work; every verb happens at a moment that the test names."""

    cast: Cast
    owner: Role
    worker: Role
    clients: dict[str, Client] = field(default_factory=dict)

    # ------------------------------------------------------------------ the bank and its customers

    def customer(
        self, tier: str = "platinum", *, met: bool = False, called: bool = False, known: str = "mobile email",
        rm: str = "rm", **more: Any,
    ) -> Customer:  # fmt: skip
        """A customer of the RM's; ``met`` and ``called`` before, as an imported book says."""
        number = next(NUMBERS)
        profile = {name: {"v": "sealed", "src": "import", "on": "2025-12-01"} for name in known.split()}
        with self.owner():
            customer = Customer.objects.create(
                core_number=f"T-{number}", name=f"真{number}", honorific="真老师", tier=tier,
                rm=self.cast.staff[rm], unit=self.cast.units["century"], profile=profile,
                mobile_index=bytes([number % 256, number // 256]) if "mobile" in profile else None,
                created_at=BEFORE, changed_at=BEFORE, **more,
            )  # fmt: skip
            if met or called:
                Acquaintance.objects.create(
                    customer=customer, rm=self.cast.staff[rm],
                    met_source="import" if met else "", called_source="import" if called else "",
                )  # fmt: skip
        return customer

    def setting(self, name: str, value: Any, from_day: date = LONG_AGO) -> None:
        """The bank has decided so."""
        with self.owner():
            # What is cached goes by when the last setting was made, so that each is made at a time of its own.
            at = BEFORE + timedelta(microseconds=next(NUMBERS))
            Setting.objects.create(name=name, value=value, from_day=from_day, at=at)

    # ------------------------------------------------------------------ what a program sends

    def send(self, method: str, path: str, body: Any, now: datetime, who: str = "rm", **headers: str) -> Any:
        """One request at ``now``. Raises Refused for a problem document."""
        if who not in self.clients:
            with self.worker():
                token = tokens.give(self.cast.staff[who], "clauses", BEFORE, days=2000)
            self.clients[who] = Client(headers={"Authorization": f"Bearer {token}"})
        with clock.at(now):
            text = json.dumps(body, default=_plain)
            more = {} if method == "get" else {"data": text, "content_type": "application/json"}
            response = getattr(self.clients[who], method)(f"/api/v1/{path}", headers=headers, **more)
        told = json.loads(response.content)
        if response.status_code >= 400:
            raise Refused(response.status_code, told)
        return told

    def post(self, path: str, body: Any, now: datetime, who: str = "rm", **headers: str) -> Row:
        return Row.read(self.send("post", path, body, now, who, **headers))

    def record(
        self, customer: Customer, kind: str, start: datetime, end: datetime, *, known: datetime | None = None,
        outcome: str = "reached", form: Mapping[str, Any] | None = None, rm: str = "rm", **more: Any,
    ) -> Row:  # fmt: skip
        """A contact as it happened, told at ``known`` (its end, if nothing is said), written up where ``form`` is given."""
        body: dict[str, Any] = {
            "kind": kind, "customer": str(customer.pk), "started_at": start, "ended_at": end, "write_up": form, **more,
        }  # fmt: skip
        if kind == "call":
            body["outcome"] = outcome
        elif kind == "visit" and not {"appointment", "surprise_reason"} & set(more):
            body.setdefault("customer_asked", True)
        return self.post("contacts", {name: each for name, each in body.items() if each is not None}, known or end, rm)

    def planned(self, customer: Customer, *, now: datetime, kind: str = "visit", **more: Any) -> Row:
        """A contact plan alone."""
        return self.post("contacts", {"kind": kind, "customer": str(customer.pk), **more}, now)

    def appointment(
        self,
        customer: Customer,
        at: datetime,
        *,
        now: datetime,
        kind: str = "visit",
        place: str = "客户公司",
        **more: Any,
    ) -> Row:
        """The customer agreed to it at ``now``."""
        return self.planned(customer, now=now, kind=kind, appointment={"at": at, "place": place, **more})

    def step(self, verb: str, contact: Row, now: datetime, **more: Any) -> Row:
        """One verb of a contact's course at a moment: arrival, start, end, outcome, cancellation, move, write-up."""
        return self.post(f"contacts/{contact.pk}/{verb}", more, now)

    def struck(self, contact: Row, now: datetime, reason: str = "记错了") -> Row:
        """It never was."""
        return self.post(f"contacts/{contact.pk}/strike", {"reason": reason}, now, if_match="*")

    def amended(self, contact: Row, now: datetime, reason: str = "记错了", **changes: Any) -> Row:
        body = {"reason": reason, "changes": changes}
        return self.post(f"contacts/{contact.pk}/amendments", body, now, if_match="*")

    def owed(self, customer: Customer, *, now: datetime = BEFORE, who: str = "rm", **only: str) -> list[Row]:
        """Everything in the ledger about the customer in the order it came, but what was withdrawn."""
        asked = "&".join(f"{name}={value}" for name, value in {"customer": customer.pk, "limit": 100, **only}.items())
        told = self.send("get", f"obligations?{asked}", None, now, who)
        rows = [Row.read(each) for each in told["items"] if each["state"] != "withdrawn"]
        return sorted(rows, key=lambda row: int(row.pk))

    def done(self, obligation: Row, at: datetime, who: str = "rm", **how: Any) -> Row:
        """Done from where it stands."""
        return self.post(f"obligations/{obligation.pk}/completion", how, at, who)

    def waived(self, obligation: Row, at: datetime, reason: str, who: str = "rm") -> Row:
        return self.post(f"obligations/{obligation.pk}/waiver", {"reason": reason}, at, who)

    def page(self, path: str, now: datetime, who: str = "rm", *, raw: bool = False) -> str:
        """What a page says, without its marks; in Chinese, as it comes."""
        with clock.at(now):
            response = self.cast.client(who, now).get(f"/{path}", follow=True)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        html = response.content.decode()
        # A chip's tip says what its clause asks of anybody; the page says what is asked now.
        html = html if raw else re.sub(r'<span class="tip".*?</span>', " ", html)
        return html if raw else re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))

    # ------------------------------------------------------------------ what no address does

    def stopped(self, customer: Customer, stop: str, now: datetime) -> None:
        """Death, closing, do-not-disturb or an open complaint is recorded. The address answers with the whole customer, and the
        numbers of these customers cannot be unsealed.
        """
        with self.cast.acting("rm", now) as actor:
            found = Customer.objects.visible_to(actor).get(pk=customer.pk)
            stopping.stop(found, stop, on=now.date(), evidence="家属来电", actor=actor, now=now, bank=Bank())

    def resumed(self, customer: Customer, stop: str, now: datetime, *, mistake: bool) -> None:
        """It is over, or never was."""
        with self.cast.acting("rm", now) as actor:
            found = Customer.objects.visible_to(actor).get(pk=customer.pk)
            stops.resume(found, stop, reason="核实过", mistake=mistake, actor=actor, now=now, bank=Bank())

    def sweep(self, now: datetime) -> None:
        """What the day owes and what lapsed, as `zhike day` does it."""
        with self.worker():
            day = now.astimezone(Bank().zone).date()
            sweep(day, now=now, bank=settings().at(day))

    def tick(self, now: datetime) -> None:
        """What the worker looks at each minute."""
        with self.worker():
            escalate(now, settings().at(now.astimezone(Bank().zone).date()))

    def findings(self, customer: Customer) -> list[Finding]:
        with self.owner():
            return list(Finding.objects.filter(customer_id=customer.pk).order_by("id"))

    def measured(self, customer: Customer, clause: str, now: datetime) -> list[Measure]:
        """Adherence to one clause over one customer."""
        rows = self.owed(customer, clause=clause, now=now)
        kept = [
            Kept(row.clause, row.origin, row.force, row.state, row.due, row.settled_at, row.evidence, row.due_counts)
            for row in rows
        ]
        return adherence(kept, now)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
