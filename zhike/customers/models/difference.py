from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.conduct.bank import Bank
from zhike.customers import profile
from zhike.customers.checks import Unaccepted
from zhike.customers.models.customer import WHEN_LEARNED, Customer, Tier
from zhike.customers.vault import place, vault

if TYPE_CHECKING:
    from zhike.people.actor import Actor


# Beyond the profile: whose customer it is, its tier, and what stops contact. Only the tier is taken over as it is; the rest
# goes its own way, with whoever has to agree.
BESIDE = {
    "rm": _("relationship manager"),
    "unit": _("unit"),
    "tier": _("tier"),
    "deceased_on": _("deceased on"),
    "closed_on": _("account closed on"),
    "do_not_disturb": _("do not disturb"),
}


class Difference(models.Model):
    """The core system says one thing of a customer, somebody here learned another (差异): kept and shown, never overwritten.

    ``theirs`` is sealed where the field is.
    """

    class State(models.TextChoices):
        OPEN = "open", _("to be looked at")
        TAKEN = "taken", _("taken over")
        KEPT = "kept", _("ours stays")

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="differences")
    field = models.TextField()
    theirs = models.TextField()
    seen_at = models.DateTimeField()
    state = models.TextField(choices=State, default=State.OPEN)
    decided_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customers_difference"
        constraints = [models.UniqueConstraint(fields=["customer", "field"], name="customers_difference_one")]
        indexes = [models.Index(fields=["customer"], name="customers_difference_open", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.field} {self.state}"

    @property
    def value(self) -> str:
        """What the core system says, in clear."""
        if self.field not in profile.SEALED:
            return self.theirs
        return vault().open(self.theirs, place(self.field, self.customer_id))

    @property
    def label(self) -> str:
        return str(BESIDE[self.field] if self.field in BESIDE else profile.named(self.field).label)

    @property
    def shown(self) -> str:
        """What the core system says, masked where the field is."""
        return self._said(self.value)

    @property
    def ours(self) -> str:
        """What is known here, as :attr:`shown`."""
        customer = self.customer
        match self.field:
            case "name":
                return customer.name
            case "rm":
                return f"{customer.rm.number} {customer.rm.name}" if customer.rm else ""
            case "unit":
                return f"{customer.unit.code} {customer.unit.name}"
            case "do_not_disturb":
                return self._said(str(customer.do_not_disturb))
            case field if field in BESIDE:
                return self._said(str(getattr(customer, field) or ""))
        return customer.shown(self.field)

    def _said(self, value: str) -> str:
        if self.field == "do_not_disturb":
            return gettext("yes") if value == "True" else gettext("no")
        if self.field == "tier":
            return str(dict(Tier.choices).get(value, value))
        return value if self.field in BESIDE else profile.masked(profile.named(self.field), value)

    @property
    def takeable(self) -> bool:
        return self.field not in BESIDE or self.field == "tier"

    def decide(self, *, take: bool, actor: Actor, now: datetime, bank: Bank) -> None:
        """Takes the core system's value over, or lets ours stand, once. Raises Unaccepted."""
        if take and not self.takeable:
            raise Unaccepted(
                gettext("%(field)s is not taken over here: it is changed where a second person agrees.")
                % {"field": self.label}
            )
        still_open = Difference.objects.filter(pk=self.pk, state=Difference.State.OPEN)
        state = Difference.State.TAKEN if take else Difference.State.KEPT
        if not still_open.update(state=state, decided_by_id=actor.id, decided_at=now):
            raise Unaccepted(gettext("This difference is decided already."))
        if take and self.field == "tier":
            changed = {"tier": self.theirs, "tier_since": now.astimezone(bank.zone).date(), "changed_at": now}
            rows = Customer.objects.filter(pk=self.customer_id)
            rows.update(**changed, version=models.F("version") + 1)
        elif take:
            value = self.value
            if self.field == "birthday":
                value = profile.spoken_birthday(value)
            self.customer.learn(self.field, value, source="feed", actor=actor, now=now)
            for became_known in WHEN_LEARNED:
                became_known({self.customer_id: {self.field}}, now, bank)
