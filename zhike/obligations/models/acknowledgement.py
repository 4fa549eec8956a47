from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class AcknowledgementQuerySet(models.QuerySet["Acknowledgement"]):
    def visible_to(self, actor: Actor) -> AcknowledgementQuerySet:
        """One's own, and those of whom one oversees."""
        return self.filter(staff__among=actor.oversees)


class Acknowledgement(models.Model):
    """Somebody has read a version of the code and will keep it (阅知, W6): attested by their own tap, and never changed."""

    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    version = models.DateField(help_text=_("the day from which this version of the code is in force"))
    at = models.DateTimeField()

    objects = AcknowledgementQuerySet.as_manager()

    class Meta:
        db_table = "obligations_acknowledgement"
        constraints = [models.UniqueConstraint(fields=["staff", "version"], name="obligations_acknowledgement_once")]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.version}"
