from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.checks import Unaccepted, clean

if TYPE_CHECKING:
    from zhike.customers.models.customer import Customer
    from zhike.people.actor import Actor


class Household(models.Model):
    """Customers who belong together (家庭)."""

    name = models.TextField()
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")

    class Meta:
        db_table = "customers_household"

    def __str__(self) -> str:
        return self.name


class RelationQuerySet(models.QuerySet["Relation"]):
    def learn(
        self,
        customer: Customer,
        kind: str,
        *,
        actor: Actor,
        now: datetime,
        name: str = "",
        age: str = "",
        note: str = "",
        other: Customer | None = None,
        source: str = "contact",
    ) -> Relation:
        """Somebody who belongs to the customer. Raises Unaccepted where more is told of a child than may be kept."""
        if kind not in Relation.Kind.values or age not in Relation.Age.values:
            raise Unaccepted(gettext("Choose relation and age from the lists."))
        name, note = clean(name), clean(note)
        if (
            kind == Relation.Kind.CHILD
            and age in (Relation.Age.UNDER_14, Relation.Age.UNKNOWN)
            and (name or note or other)
        ):
            raise Unaccepted(
                gettext(
                    "Of a child under fourteen, or of unknown age, only the age band is kept, no name and no note. "
                    "Choose an age from 14 on, or leave name and note empty."
                )
            )
        if kind == Relation.Kind.CHILD and customer.known("children") != "yes":
            customer.learn("children", "yes", source=source, actor=actor, now=now)
        return self.create(
            customer=customer,
            kind=kind,
            name=name,
            age=age,
            note=note,
            other=other,
            source=source,
            at=now,
            by_id=actor.id,
        )


class Relation(models.Model):
    """Somebody who belongs to a customer: another customer, or a person known only by what was said.

    A child under fourteen is kept as "there is one" and an age band alone, without a name (PIPL 28 and 31); more wants a
    guardian's consent and an approval.
    """

    class Kind(models.TextChoices):
        SPOUSE = "spouse", _("spouse")
        CHILD = "child", _("child")
        PARENT = "parent", _("parent")
        SIBLING = "sibling", _("brother or sister")
        PARTNER = "partner", _("business partner")
        ASSISTANT = "assistant", _("assistant")
        OTHER = "other", _("other")

    class Age(models.TextChoices):
        UNDER_14 = "under_14", _("under 14")
        TO_17 = "14_17", _("14 to 17")
        ADULT = "adult", _("adult")
        UNKNOWN = "", _("unknown")

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="relations")
    kind = models.TextField(choices=Kind)
    other = models.ForeignKey("customers.Customer", models.CASCADE, null=True, blank=True, related_name="+")
    name = models.TextField(default="", blank=True)
    age = models.TextField(choices=Age, default=Age.UNKNOWN, blank=True)
    note = models.TextField(default="", blank=True)
    source = models.TextField(default="contact")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")

    objects = RelationQuerySet.as_manager()

    class Meta:
        db_table = "customers_relation"
        constraints = [
            models.CheckConstraint(
                name="customers_relation_child_unnamed", condition=~Q(age="under_14") | Q(name="", note="", other=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
