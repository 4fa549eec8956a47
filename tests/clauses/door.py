"""The door through which the truth table is run: what a program outside does, and what it sees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.contacts import completion, course, write_up
from zhike.customers.models import Acquaintance, Customer
from zhike.obligations.models import Obligation

NUMBERS = count(1)


@dataclass
class Door:
    """One RM at work; every verb happens at a moment that the test names."""

    cast: Cast
    owner: Callable[[], AbstractContextManager[None]]
    bank: Bank = Bank()

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


DAY = timedelta(days=1)
MET = date(2025, 12, 1)
