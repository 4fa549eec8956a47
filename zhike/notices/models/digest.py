from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Digest(models.Model):
    """A unit's team digest of one day (团队汇总), or a ``test`` that somebody asked for by a button; and what became of it.

    Claimed by a worker for as long as its lease lasts, sent, confirmed: at least once. What it says is counted when it is sent.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("to be sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="digests")
    day = models.DateField()
    test = models.BooleanField(default=False)
    at = models.DateTimeField(help_text=_("when it was due"))
    state = models.TextField(choices=State, default=State.WAITING)
    attempts = models.IntegerField(default=0)
    try_at = models.DateTimeField(help_text=_("not before"))
    leased_by = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    error = models.TextField(default="", help_text=_("what the last attempt met; never the address"))

    class Meta:
        db_table = "notices_digest"
        constraints = [
            models.UniqueConstraint(fields=["unit", "day"], condition=Q(test=False), name="notices_digest_one_a_day"),
            models.CheckConstraint(name="notices_digest_done", condition=Q(state="waiting") | Q(done_at__isnull=False)),
            models.CheckConstraint(
                name="notices_digest_lease",
                condition=Q(leased_by=None, leased_until=None) | Q(leased_by__isnull=False, leased_until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["try_at"], name="notices_digest_next", condition=Q(state="waiting")),
            models.Index(fields=["day"], name="notices_digest_day"),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.day} {self.state}"
