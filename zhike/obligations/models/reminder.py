from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Reminder(models.Model):
    """One reminder that fell due, for one person (提醒): the owner, or who stands in. Without an obligation: a test by button.

    The same moment rings once, however many workers look: obligation, step, moment and turn name it.
    """

    obligation = models.ForeignKey("obligations.Obligation", models.CASCADE, null=True, related_name="reminders")
    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="reminders")
    step = models.TextField(help_text=_("before:15, morning, closing, once, leave, test"))
    at = models.DateTimeField(help_text=_("when it was due"))
    turn = models.IntegerField(default=0)
    rung_at = models.DateTimeField()

    class Meta:
        db_table = "obligations_reminder"
        constraints = [
            models.UniqueConstraint(
                fields=["obligation", "staff", "step", "at", "turn"], name="obligations_rings_once"
            ),
            models.CheckConstraint(
                name="obligations_reminds_of_something", condition=Q(step="test") | Q(obligation__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["at"], name="obligations_reminder_at"),
            models.Index(fields=["staff", "at"], name="obligations_reminder_staff"),
        ]

    def __str__(self) -> str:
        return f"{self.obligation_id} {self.step} {self.at}"
