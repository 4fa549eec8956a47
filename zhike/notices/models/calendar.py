from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Calendar(models.Model):
    """A secret address at which phones read one person's calendar (日历地址). Only its hash is kept; the address is shown once.

    One in force a person: a new one ends the old one.
    """

    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="calendars")
    hash = models.TextField(unique=True)
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, help_text=_("when a phone last read it, to the minute"))
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notices_calendar"
        constraints = [
            models.UniqueConstraint(fields=["staff"], condition=Q(revoked_at=None), name="notices_calendar_one")
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.made_at}"
