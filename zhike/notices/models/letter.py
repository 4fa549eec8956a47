from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Letter(models.Model):
    """The market's week (周报, W12) on its way to one leader by e-mail; and what became of it.

    Sent and confirmed in one transaction, which keeps two workers apart: at least once, each time under the same ``key``. What it says
    is read when it is sent, as that leader may read it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("to be sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")
    monday = models.DateField(help_text=_("the first day of the week that it tells of"))
    key = models.UUIDField(default=uuid4, unique=True)
    state = models.TextField(choices=State, default=State.WAITING)
    attempts = models.IntegerField(default=0)
    try_at = models.DateTimeField(help_text=_("not before"))
    done_at = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True, help_text=_("what the last attempt met; never the address"))

    class Meta:
        db_table = "notices_letter"
        constraints = [
            models.UniqueConstraint(fields=["staff", "unit", "monday"], name="notices_letter_one_a_week"),
            models.CheckConstraint(name="notices_letter_done", condition=Q(state="waiting") | Q(done_at__isnull=False)),
        ]
        indexes = [models.Index(fields=["try_at"], name="notices_letter_next", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.monday} {self.state}"
