from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.models import Customer

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class State(models.TextChoices):
    """Which follow which is a table: :data:`zhike.work.delivery_states.TRANSITIONS`."""

    TO_CARRY = "to_carry", _("to be delivered")
    OFFERED = "offered", _("being handed on")
    DELIVERED = "delivered", _("delivered")
    CALLED_OFF = "called_off", pgettext_lazy("delivery", "called off")


OWED = (State.TO_CARRY, State.OFFERED)  # has not reached its receiver yet


class How(models.TextChoices):
    """By what the receipt is shown."""

    SIGNED = "signed", _("signature")
    PHOTO = "photo", _("photo")
    TYPED = "typed", _("name typed by the carrier")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, actor: Actor) -> DeliveryQuerySet:
        """What is in one's own hand or offered to it, in that of the staff whom one's posts let one see, and what goes to customers in
        scope."""
        hands = Q(holder=actor.id) | Q(offered_to=actor.id) | Q(holder__among=actor.oversees)
        # Not by a join: it would leave out what one carries to a customer whom one does not see.
        return self.filter(hands | Exists(Customer.objects.visible_to(actor).filter(pk=OuterRef("customer"))))

    def held(self, id: int, actor: Actor) -> Delivery | None:
        """One of them, kept from others until the transaction ends; None as for one that does not exist."""
        rows = self.visible_to(actor).select_related("holder", "offered_to", "by").filter(pk=id)
        return rows.select_for_update(of=("self",), no_key=True).first()


class Delivery(models.Model):
    """A slip or paper to be carried to a customer (送达, W8): what, to whom, by when, in whose hand, and how its receipt is shown.

    ``recipient`` is the customer's name as it was: whoever carries it for a colleague does not see the customer.
    """

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="+")
    recipient = models.TextField()
    place = models.TextField(default="", blank=True)
    what = models.TextField()
    due = models.DateTimeField(help_text=_("the date that was said last"))
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    holder = models.ForeignKey("people.Staff", models.PROTECT, related_name="+", help_text=_("in whose hand it is"))
    offered_to = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    state = models.TextField(choices=State, default=State.TO_CARRY)
    how = models.TextField(choices=How, default="", blank=True)
    received_by = models.TextField(default="", blank=True)
    receipt = models.ForeignKey("documents.Document", models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True, help_text=_("delivered or called off"))
    why = models.TextField(default="", blank=True, help_text=_("why it was called off"))
    version = models.IntegerField(default=1)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        db_table = "work_delivery"
        constraints = [
            models.CheckConstraint(name="work_delivery_closed", condition=Q(closed_at=None) ^ Q(state__in=["delivered", "called_off"])),
            models.CheckConstraint(name="work_delivery_offered", condition=Q(offered_to=None) ^ Q(state="offered")),
            models.CheckConstraint(name="work_delivery_of_another", condition=Q(offered_to=None) | ~Q(offered_to=F("holder"))),
            models.CheckConstraint(
                name="work_delivery_received", condition=~Q(state="delivered") | ~Q(received_by="") & ~Q(how="") & (Q(how="typed") ^ Q(receipt__isnull=False))
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["holder", "due"], name="work_delivery_of"),
            models.Index(fields=["customer"], name="work_delivery_to"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    @property
    def subject(self) -> str:
        """What the ledger calls this delivery."""
        return f"delivery:{self.pk}"

    @property
    def is_owed(self) -> bool:
        return self.state in OWED

    def is_late(self, now: datetime) -> bool:
        """Past its date, or delivered after it; the moment itself is still in time."""
        return self.state != State.CALLED_OFF and (self.closed_at or now) > self.due


class Handling(models.Model):
    """What happened to it on its way: who took it into hand, when it came back and why (交接)."""

    class Kind(models.TextChoices):
        TAKEN = "taken", _("in hand")
        REFUSED = "refused", _("refused by the receiver")
        NOBODY = "nobody", pgettext_lazy("delivery", "nobody met")

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="handlings")
    kind = models.TextField(choices=Kind)
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.TextField(default="", blank=True)
    due = models.DateTimeField(null=True, help_text=_("the new date"))

    class Meta:
        db_table = "work_handling"
        constraints = [
            models.CheckConstraint(name="work_handling_why", condition=Q(kind="taken") | ~Q(words="") & Q(due__isnull=False))
        ]  # fmt: skip
        indexes = [models.Index(fields=["delivery", "at"], name="work_handling_of")]

    def __str__(self) -> str:
        return f"{self.kind} {self.delivery_id}"
