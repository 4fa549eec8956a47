from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Outcome(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DELIVERED = "delivered", _("delivered")
    SUPPRESSED = "suppressed", _("suppressed")
    FAILED = "failed", _("failed")


class Delivery(models.Model):
    """One reminder through one channel, and what became of it: the line of the books that must add up.

    ``reason`` says why it was suppressed (hours, leave, settled, lapsed, moved) or failed (the channel's own words).
    """

    reminder = models.ForeignKey("obligations.Reminder", models.CASCADE, related_name="deliveries")
    channel = models.TextField()
    notice = models.ForeignKey("notices.Notice", models.CASCADE, null=True, related_name="deliveries")
    at = models.DateTimeField(help_text=_("when the reminder was due; the day it is booked under"))
    outcome = models.TextField(choices=Outcome, default=Outcome.WAITING)
    reason = models.TextField(default="")
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notices_delivery"
        constraints = [
            models.UniqueConstraint(fields=["reminder", "channel"], name="notices_delivery_once"),
            models.CheckConstraint(
                name="notices_delivery_done", condition=Q(outcome="waiting") | Q(done_at__isnull=False)
            ),
            models.CheckConstraint(
                name="notices_delivery_reason", condition=~Q(outcome__in=["suppressed", "failed"]) | ~Q(reason="")
            ),
        ]
        indexes = [models.Index(fields=["at"], name="notices_delivery_at")]

    def __str__(self) -> str:
        return f"{self.reminder_id} {self.channel} {self.outcome}"
