from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import profile
from zhike.customers.checks import Unaccepted
from zhike.customers.vault import place, vault

if TYPE_CHECKING:
    from zhike.people.actor import Actor


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
    def shown(self) -> str:
        return profile.masked(profile.named(self.field), self.value)

    def decide(self, *, take: bool, actor: Actor, now: datetime) -> None:
        """Takes the core system's value over, or lets ours stand, once."""
        still_open = Difference.objects.filter(pk=self.pk, state=Difference.State.OPEN)
        state = Difference.State.TAKEN if take else Difference.State.KEPT
        if not still_open.update(state=state, decided_by_id=actor.id, decided_at=now):
            raise Unaccepted(gettext("This difference is decided already."))
        if take:
            value = self.value
            if self.field == "birthday":
                value = profile.spoken_birthday(value)
            self.customer.learn(self.field, value, source="feed", actor=actor, now=now)
