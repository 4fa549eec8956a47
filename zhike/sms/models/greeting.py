from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Greeting(models.Model):
    """A festival's greeting arranged for many customers at once (节日问候): for whom, in which words, when. Its messages wait for the day."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    occasion = models.TextField(help_text=_("spring_festival:2027"))
    day = models.DateField()
    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+", help_text=_("whose customers"))
    tiers = ArrayField(models.TextField())
    wording = models.ForeignKey("sms.Wording", models.PROTECT, related_name="+")
    sent_from = models.DateTimeField(help_text=_("when its messages may leave"))
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sms_greeting"
        indexes = [models.Index(fields=["staff", "occasion"], name="sms_greeting_of")]

    def __str__(self) -> str:
        return f"{self.occasion} {self.staff_id}"


class LeftOut(models.Model):
    """A customer who is not greeted at a festival, or not told of a campaign, because somebody decided so, and why."""

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="+")
    occasion = models.TextField()
    reason = models.TextField()
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "sms_left_out"
        constraints = [models.UniqueConstraint(fields=["customer", "occasion"], name="sms_left_out_once")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.occasion}"
