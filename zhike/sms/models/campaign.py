from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor

# Whose affair every campaign of the bank is; PostgreSQL's policy says the same.
WHOLE = frozenset({"marketing", "compliance"})


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, actor: Actor) -> CampaignQuerySet:
        """Those of the bank for marketing and compliance; for others those for units in or above which they, or whom they see,
        serve or have customers."""
        if actor.roles & WHOLE:
            return self.all()
        above = RawSQL("SELECT unnest(sms_units_above(%s::bigint[]))", [list(actor.sees)])
        return self.filter(Q(unit__in=above) | Q(unit__in=[-keeper for keeper in actor.sees if keeper < 0]))

    def running(self, now: datetime) -> CampaignQuerySet:
        """Those that may be forwarded."""
        return self.filter(stopped_at=None, ends_at__gt=now)


class Campaign(models.Model):
    """A product message that RMs have to forward to their customers by a deadline (营销转发, S4). There is none that nobody approved.

    ``risk``: of the product, R1 to R5, or none where nothing is invested. ``ends_at``: until then it may be forwarded late.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.TextField()
    product = models.TextField()
    code = models.TextField(default="", blank=True, help_text=_("the product's code"))
    risk = models.TextField(help_text="none, R1-R5")
    wording = models.ForeignKey("sms.Wording", models.PROTECT, related_name="+")
    unit = models.ForeignKey(
        "people.Unit", models.PROTECT, related_name="+", help_text=_("whose customers: its whole tree")
    )
    tiers = ArrayField(models.TextField())
    kinds = ArrayField(models.TextField(), help_text=_("person, company"))
    deadline = models.DateTimeField()
    ends_at = models.DateTimeField()
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+", help_text=_("who asked for it"))
    approval = models.ForeignKey("people.Approval", models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    stop_reason = models.TextField(default="", blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        db_table = "sms_campaign"
        constraints = [
            models.CheckConstraint(name="sms_campaign_ends", condition=Q(ends_at__gte=F("deadline"))),
            models.CheckConstraint(
                name="sms_campaign_stopped",
                condition=Q(stopped_at=None, stopped_by=None)
                | Q(Q(stopped_at__isnull=False, stopped_by__isnull=False), ~Q(stop_reason="")),
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], name="sms_campaign_running", condition=Q(stopped_at=None))]

    def __str__(self) -> str:
        return self.title

    @property
    def occasion(self) -> str:
        """What its messages are for, and who is left out of."""
        return f"campaign:{self.key}"

    def subject_of(self, staff: int) -> str:
        """What the ledger calls what an RM owes because of it."""
        return f"{self.occasion}/staff:{staff}"

    def state(self, now: datetime) -> str:
        """running, late (past the deadline and still to be forwarded), ended or stopped."""
        if self.stopped_at is not None:
            return "stopped"
        if now >= self.ends_at:
            return "ended"
        return "running" if now <= self.deadline else "late"

    def runs(self, now: datetime) -> bool:
        """Whether it may be forwarded."""
        return self.stopped_at is None and now < self.ends_at


class Forwarding(models.Model):
    """A campaign forwarded to many customers of one RM at once (转发), with a line of the RM's own in front."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="forwardings")
    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+", help_text=_("whose customers"))
    line = models.TextField(default="", blank=True)
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    handed_over = models.IntegerField(
        default=0, db_default=0, help_text=_("how many were taken back because their customers changed hands")
    )

    class Meta:
        db_table = "sms_forwarding"
        indexes = [models.Index(fields=["campaign", "staff"], name="sms_forwarding_of")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.staff_id}"
