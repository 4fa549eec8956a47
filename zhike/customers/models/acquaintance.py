from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from zhike.customers.models.customer import Customer
    from zhike.people.actor import Actor


class AcquaintanceQuerySet(models.QuerySet["Acquaintance"]):
    def attest(self, customer: Customer, actor: Actor, *, met: bool = False, called: bool = False) -> Acquaintance:
        """早已认识, one tap: the actor met or called this customer before Zhike kept count. What the bank's file said stays; what was
        taken for the first time here was none.
        """
        known, _new = self.get_or_create(customer=customer, rm_id=actor.id)
        if met and known.met_source in ("", "contact"):
            known.met_source, known.first_met_at = "attested", None
        if called and known.called_source in ("", "contact"):
            known.called_source, known.first_called_at = "attested", None
        known.save(update_fields=["met_source", "first_met_at", "called_source", "first_called_at"])
        return known


class Acquaintance(models.Model):
    """What one RM and one customer have been through: first met, first called, last contact.

    First meeting and first call are separate histories (CLAUSES, Definitions). ``*_source`` says where the first one is
    known from: ``contact`` (it happened here), ``import`` (day one), ``attested`` ("早已认识", one tap); empty: not yet. The
    day itself may be unknown where the source is not ``contact``. Without a row, ``met_before`` and ``called_before`` of
    the customer say what the imported book knew.
    """

    # No index of its own: the one of the constraint begins with it.
    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="acquaintances", db_index=False)
    rm = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    first_met_at = models.DateTimeField(null=True)
    met_source = models.TextField(default="")
    first_called_at = models.DateTimeField(null=True)
    called_source = models.TextField(default="")
    last_contact_at = models.DateTimeField(null=True)
    meetings = models.IntegerField(default=0)
    calls = models.IntegerField(default=0)

    objects = AcquaintanceQuerySet.as_manager()

    class Meta:
        db_table = "customers_acquaintance"
        constraints = [models.UniqueConstraint(fields=["customer", "rm"], name="customers_acquaintance_one")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.rm_id}"
