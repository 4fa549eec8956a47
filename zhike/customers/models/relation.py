from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.checks import Unaccepted, clean

if TYPE_CHECKING:
    from zhike.conduct.bank import Bank
    from zhike.customers.models.customer import Customer
    from zhike.people.actor import Actor


class HouseholdQuerySet(models.QuerySet["Household"]):
    def unite(self, one: Customer, other: Customer, *, actor: Actor, now: datetime) -> Household:
        """One household for both. Raises Unaccepted unless both are the actor's to change and at most one of them has another."""
        if not (one.changeable_by(actor) and other.changeable_by(actor)):
            raise Unaccepted(gettext("A household joins customers whom you look after yourself."))
        if one.household_id and other.household_id and one.household_id != other.household_id:
            raise Unaccepted(gettext("Both belong to a household already. Take one of them out of it first."))
        known = one.household or other.household
        household = known or self._found(one)
        for customer in (one, other):
            if customer.household_id != household.pk:
                _move(customer, household, now)
        return household

    def _found(self, first: Customer) -> Household:
        """A household without members is nobody's to see, so its number is drawn beforehand and not read back."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('customers_household_id_seq')")
            row = cursor.fetchone()
            assert row is not None
            cursor.execute("INSERT INTO customers_household (id, unit_id) VALUES (%s, %s)", [row[0], first.unit_id])
        return Household(id=row[0], unit_id=first.unit_id)


class Household(models.Model):
    """Customers who belong together (家庭). It has no name: one made of its members' would tell of those out of sight."""

    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        db_table = "customers_household"

    def __str__(self) -> str:
        return f"household {self.pk}"


def leave_household(customer: Customer, *, actor: Actor, now: datetime) -> None:
    """The customer lives on his own again, or never belonged there; the others stay together."""
    if not customer.changeable_by(actor):
        raise Unaccepted(gettext("A household joins customers whom you look after yourself."))
    _move(customer, None, now)


def _move(customer: Customer, household: Household | None, now: datetime) -> None:
    customer.household = household
    customer.version += 1
    customer.changed_at = now
    customer.save(update_fields=["household", "version", "changed_at"])


class RelationQuerySet(models.QuerySet["Relation"]):
    def of(self, customer: Customer) -> list[Relation]:
        """Who belongs to the customer, whichever of the two it was entered for: a parent's child has a parent. Only whom the
        actor may see: a relation to a customer out of sight is out of sight itself.
        """
        rows = self.filter(Q(customer=customer) | Q(other=customer)).order_by("id")
        return [row if row.customer_id == customer.pk else row.turned() for row in rows]

    def learn(
        self,
        customer: Customer,
        kind: str,
        *,
        actor: Actor,
        now: datetime,
        bank: Bank,
        name: str = "",
        age: str = "",
        note: str = "",
        other: Customer | None = None,
        source: str = "contact",
    ) -> Relation:
        """Somebody who belongs to the customer; ``other`` where that is a customer too, whose page says it the other way round.

        Raises Unaccepted where more is told of a child than may be kept (``child_age_known_from``), and for what cannot be:
        oneself, or the same twice.
        """
        if kind not in Relation.Kind.values or age not in Relation.Age.values:
            raise Unaccepted(gettext("Choose relation and age from the lists."))
        name, note = clean(name) if other is None else "", clean(note)
        if other is not None:
            self._fits(customer, other)
        young = kind == Relation.Kind.CHILD or age  # a grandchild or a brother may be a child, too
        if young and YOUNGEST[age] < bank.child_age_known_from and (name or note or other):
            raise Unaccepted(
                gettext(
                    "Of a child under %(age)s, or of unknown age, only the age band is kept, no name and no note. "
                    "Choose an age band that begins at %(age)s or later, or leave name and note empty."
                )
                % {"age": bank.child_age_known_from}
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

    def _fits(self, customer: Customer, other: Customer) -> None:
        if other.pk == customer.pk:
            raise Unaccepted(gettext("Nobody is related to oneself. Choose another customer."))
        both = Q(customer=customer, other=other) | Q(customer=other, other=customer)
        if self.filter(both).exists():
            raise Unaccepted(
                gettext("How these two belong together is noted already. Remove it before you note another.")
            )


class Relation(models.Model):
    """Somebody who belongs to a customer: another customer, or a person known only by what was said.

    A child under fourteen, or under the age that the bank has set above it, is kept as "there is one" and an age band alone,
    without a name (PIPL 28 and 31); more wants a guardian's consent and an approval.
    """

    class Kind(models.TextChoices):
        SPOUSE = "spouse", _("spouse")
        CHILD = "child", _("child")
        PARENT = "parent", _("parent")
        SIBLING = "sibling", _("brother or sister")
        PARTNER = "partner", _("business partner")
        ASSISTANT = "assistant", _("assistant")
        PRINCIPAL = "principal", _("employer, as of an assistant")
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

    def turned(self) -> Relation:
        """The same as the other customer's page says it, not saved; the note was about the other and stays there."""
        assert self.other_id is not None
        kind = OPPOSITE.get(self.kind, self.kind)
        return Relation(
            id=self.pk, customer_id=self.other_id, kind=kind, other_id=self.customer_id, source=self.source, at=self.at
        )

    def forget(self, *, actor: Actor) -> None:
        """It was a mistake or is over; the trail keeps that it stood. Raises Unaccepted where neither of both is the actor's."""
        if not (self.customer.changeable_by(actor) or (self.other and self.other.changeable_by(actor))):
            raise Unaccepted(gettext("Only who looks after one of both can remove it."))
        self.delete()


# How young somebody in an age band may be. A band that begins below the bank's limit is treated like what lies below it.
YOUNGEST: dict[str, int] = {
    Relation.Age.UNKNOWN: 0,
    Relation.Age.UNDER_14: 0,
    Relation.Age.TO_17: 14,
    Relation.Age.ADULT: 18,
}

# What a relation is called from its other end; the rest are the same both ways.
OPPOSITE: dict[str, str] = {
    Relation.Kind.CHILD: Relation.Kind.PARENT,
    Relation.Kind.PARENT: Relation.Kind.CHILD,
    Relation.Kind.ASSISTANT: Relation.Kind.PRINCIPAL,
    Relation.Kind.PRINCIPAL: Relation.Kind.ASSISTANT,
}
