from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """One message to one person through one channel (通知), carrying one reminder or many: twenty of a minute are one.

    Claimed by a worker for as long as its lease lasts, sent, confirmed: at least once, and with a ``key`` by which the receiving
    end drops a second copy. One on the page waits until a page of that person has shown it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("delivered")
        FAILED = "failed", _("failed")
        MOOT = "moot", _("no longer needed")

    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="notices")
    channel = models.TextField()
    key = models.UUIDField(unique=True, help_text=_("the same at every attempt"))
    at = models.DateTimeField(help_text=_("when the earliest of its reminders was due"))
    state = models.TextField(choices=State, default=State.WAITING)
    attempts = models.IntegerField(default=0)
    try_at = models.DateTimeField(help_text=_("not before"))
    leased_by = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    error = models.TextField(default="", help_text=_("what the last attempt met; never what it carried"))
    read_at = models.DateTimeField(null=True, help_text=_("put away on the page"))

    class Meta:
        db_table = "notices_notice"
        constraints = [
            models.CheckConstraint(name="notices_notice_done", condition=Q(state="waiting") | Q(done_at__isnull=False)),
            models.CheckConstraint(
                name="notices_notice_lease",
                condition=Q(leased_by=None, leased_until=None) | Q(leased_by__isnull=False, leased_until__isnull=False),
            ),
        ]
        indexes = [
            # The courier: what may be tried next, channel by channel, so that what piles up for one that stands still is in
            # nobody's way. The page's own wait for a page, not for a courier.
            models.Index(
                fields=["channel", "try_at"],
                name="notices_notice_next",
                condition=Q(state="waiting") & ~Q(channel="page"),
            ),
            # The page: what one person has not put away.
            models.Index(
                fields=["staff", "at"],
                name="notices_notice_page",
                condition=Q(channel="page", read_at=None, state__in=["waiting", "sent"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.staff_id} {self.at}"
