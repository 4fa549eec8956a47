from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Alarm(models.Model):
    """When an open obligation wants to be looked at next (闹铃): one row each, kept by a trigger in the transaction that changes it.

    A new, moved or reopened obligation asks to be looked at once; whoever looks (:mod:`zhike.notices.ringing`) rings what fell
    between ``since`` and now, and sets both anew. ``turn`` counts how often the clock was seen to go back: what rings again then
    is another reminder.
    """

    obligation = models.OneToOneField("obligations.Obligation", models.CASCADE, primary_key=True, related_name="alarm")
    rings_at = models.DateTimeField(
        null=True, help_text=_("the next reminder, or when it asked to be looked at; none: nothing more rings")
    )
    since = models.DateTimeField(help_text=_("reminders up to here have rung"))
    step = models.TextField(default="", help_text=_("which reminder rings next; empty: nobody has looked yet"))
    turn = models.IntegerField(default=0)
    aside = models.TextField(default="", help_text=_("why nobody looks any more: what went wrong"))

    class Meta:
        db_table = "obligations_alarm"
        indexes = [models.Index(fields=["rings_at"], name="obligations_alarm_next", condition=Q(aside=""))]

    def __str__(self) -> str:
        return f"{self.obligation_id} {self.rings_at}"
