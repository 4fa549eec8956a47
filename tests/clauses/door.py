"""The door through which the truth table is run: what a program outside does, and what it sees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.measure import Kept, Measure, adherence
from zhike.contacts import completion, correction, course, write_up
from zhike.contacts.models import Contact
from zhike.customers.models import Acquaintance, Customer
from zhike.obligations import ledger
from zhike.obligations.models import Finding, Obligation
from zhike.obligations.sweep import sweep

NUMBERS = count(1)


@dataclass
class Door:
    """One RM at work; every verb happens at a moment that the test names."""

    cast: Cast
    owner: Callable[[], AbstractContextManager[None]]
    worker: Callable[[], AbstractContextManager[None]]
    bank: Bank = field(default_factory=Bank)

    def customer(
        self, tier: str = "platinum", *, met: bool = False, called: bool = False, known: str = "mobile email",
        rm: str = "rm", **more: Any,
    ) -> Customer:  # fmt: skip
        """A customer of the RM's; ``met`` and ``called`` before, as an imported book says."""
        number = next(NUMBERS)
        made = datetime(2025, 12, 1, tzinfo=UTC)
        profile = {name: {"v": "sealed", "src": "import", "on": "2025-12-01"} for name in known.split()}
        with self.owner():
            customer = Customer.objects.create(
                core_number=f"T-{number}", name=f"真{number}", honorific="真老师", tier=tier,
                rm=self.cast.staff[rm], unit=self.cast.units["century"], profile=profile,
                mobile_index=bytes([number % 256, number // 256]) if "mobile" in profile else None,
                created_at=made, changed_at=made, **more,
            )  # fmt: skip
            if met or called:
                Acquaintance.objects.create(
                    customer=customer, rm=self.cast.staff[rm],
                    met_source="import" if met else "", called_source="import" if called else "",
                )  # fmt: skip
        return customer

    def record(
        self, customer: Customer, kind: str, start: datetime, end: datetime, *, known: datetime | None = None,
        outcome: str = "reached", form: dict[str, Any] | None = None, purpose: str = "", rm: str = "rm", **more: Any,
    ) -> Any:  # fmt: skip
        """A contact as it happened, told at ``known`` (its end, if nothing is said), written up where ``form`` is given."""
        now = known or end
        with self.cast.acting(rm, now) as actor:
            customer = Customer.objects.visible_to(actor).get(pk=customer.pk)
            contact = course.plan(
                customer, kind, actor=actor, now=now, purpose=purpose, incoming=more.pop("incoming", False)
            )
            contact.customer_asked = kind == "visit"
            course.start(contact, actor=actor, now=now, bank=self.bank, at=start)
            if kind == "call":
                course.put_through(contact, outcome, actor=actor, now=now, bank=self.bank, at=end, **more)
            else:
                course.end(contact, actor=actor, now=now, bank=self.bank, at=end, **more)
            if form is not None and contact.state == "ended":
                write_up.close(contact, self._form(form), actor=actor, now=now, bank=self.bank)
        return contact

    def _form(self, form: dict[str, Any]) -> write_up.WriteUp:
        form = dict(form)
        form["needs"] = [write_up.NeedHeard(**need) for need in form.get("needs", ())]
        form["promises"] = [write_up.PromiseMade(**promise) for promise in form.get("promises", ())]
        form["next"] = write_up.NextContact(**form["next"]) if form.get("next") else None
        return write_up.WriteUp(**form)

    def owed(self, customer: Customer, **only: Any) -> list[Any]:
        """Everything in the ledger about the customer, whatever its state, but what was withdrawn."""
        with self.cast.acting("rm") as actor:
            rows = Obligation.objects.visible_to(actor).filter(customer_id=customer.pk, **only)
            return list(rows.exclude(state="withdrawn").order_by("id"))

    def done(self, obligation: Any, at: datetime, **how: Any) -> Any:
        """Done from where it stands."""
        with self.cast.acting("rm", at) as actor:
            found = Obligation.objects.visible_to(actor).get(pk=obligation.pk)
            return completion.complete(found, completion.How(at=at, **how), actor=actor, now=at, bank=self.bank)

    def waived(self, obligation: Any, at: datetime, reason: str, who: str = "rm") -> Any:
        with self.cast.acting(who, at) as actor:
            found = Obligation.objects.visible_to(actor).get(pk=obligation.pk)
            return completion.waive(found, reason, actor=actor, now=at)

    def appointment(
        self,
        customer: Customer,
        at: datetime,
        *,
        now: datetime,
        kind: str = "visit",
        place: str = "客户公司",
        **more: Any,
    ) -> Any:
        """The customer agreed to it at ``now``."""
        with self.cast.acting("rm", now) as actor:
            customer = Customer.objects.visible_to(actor).get(pk=customer.pk)
            contact = course.plan(customer, kind, actor=actor, now=now)
            return course.agree(contact, at=at, place=place, actor=actor, now=now, bank=self.bank, **more)

    def planned(self, customer: Customer, *, now: datetime, kind: str = "visit", **more: Any) -> Any:
        """A contact plan alone."""
        with self.cast.acting("rm", now) as actor:
            customer = Customer.objects.visible_to(actor).get(pk=customer.pk)
            return course.plan(customer, kind, actor=actor, now=now, **more)

    def step(self, verb: str, contact: Any, now: datetime, **more: Any) -> Any:
        """One verb of a contact's course at a moment: arrive, start, end, call_off."""
        with self.cast.acting("rm", now) as actor:
            found = Contact.objects.visible_to(actor).get(pk=contact.pk)
            return getattr(course, verb)(found, actor=actor, now=now, bank=self.bank, **more)

    def written_up(self, contact: Any, now: datetime, form: dict[str, Any]) -> Any:
        with self.cast.acting("rm", now) as actor:
            found = Contact.objects.visible_to(actor).get(pk=contact.pk)
            return write_up.close(found, self._form(form), actor=actor, now=now, bank=self.bank)

    def struck(self, contact: Any, now: datetime, reason: str = "记错了") -> Any:
        """It never was."""
        with self.cast.acting("rm", now) as actor:
            found = Contact.objects.visible_to(actor).get(pk=contact.pk)
            return correction.strike(found, reason=reason, actor=actor, now=now, bank=self.bank)

    def amended(self, contact: Any, now: datetime, reason: str = "记错了", **changes: Any) -> Any:
        with self.cast.acting("rm", now) as actor:
            found = Contact.objects.visible_to(actor).get(pk=contact.pk)
            return correction.amend(found, changes, reason=reason, actor=actor, now=now, bank=self.bank)

    def stopped(self, customer: Customer, stop: str, now: datetime) -> None:
        """Death, closing, do-not-disturb or an open complaint is recorded."""
        change: dict[str, Any] = {
            "deceased": {"deceased_on": now.date()}, "closed": {"closed_on": now.date()},
            "do_not_disturb": {"do_not_disturb": True}, "complaint": {"complaint_open": True},
        }[stop]  # fmt: skip
        with self.owner():
            Customer.objects.filter(pk=customer.pk).update(**change)
        with self.cast.acting("rm", now) as actor:
            fact = Fact("customer_stopped", now, now, actor.id, customer.pk, f"customer:{customer.pk}", {"stop": stop})
            ledger.tell([fact], actor=actor, now=now, bank=self.bank)

    def findings(self, customer: Customer) -> list[Any]:
        with self.owner():
            return list(Finding.objects.filter(customer_id=customer.pk).order_by("id"))

    def sweep(self, now: datetime) -> None:
        """What the day owes and what lapsed, as `zhike day` does it."""
        with self.worker():
            sweep(now.astimezone(self.bank.zone).date(), now=now, bank=self.bank)

    def measured(self, customer: Customer, clause: str, now: datetime) -> list[Measure]:
        """Adherence to one clause over one customer."""
        rows = self.owed(customer, clause=clause)
        return adherence(
            [Kept(row.clause, row.origin, row.force, row.state, row.due, row.settled_at, row.evidence) for row in rows],
            now,
        )
