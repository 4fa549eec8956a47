from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Choice(models.Model):
    """One channel that a staff member chose, or turned off, and where it reaches them there.

    Without a row the page is on and everything else off: nobody is told where they did not ask to be.
    """

    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="channels")
    channel = models.TextField(help_text=_("page, mail, wecom, dingtalk, feishu"))
    on = models.BooleanField(default=True)
    address = models.TextField(
        default="", blank=True, help_text=_("empty: the staff number, for mail the e-mail address")
    )

    class Meta:
        db_table = "notices_choice"
        constraints = [models.UniqueConstraint(fields=["staff", "channel"], name="notices_choice_one")]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.channel}"
