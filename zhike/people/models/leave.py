from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class LeaveQuerySet(models.QuerySet["Leave"]):
    def visible_to(self, actor: Actor) -> LeaveQuerySet:
        """One's own, those one is asked to stand in for, those of the staff whom one's posts let one see."""
        return self.filter(
            Q(staff=actor.id) | Q(stand_in=actor.id) | Q(asked_by=actor.id) | Q(staff__among=actor.oversees)
        )

    def accepted(self) -> LeaveQuerySet:
        """Those that stand: the stand-in has said yes, and nobody has ended them."""
        return self.filter(answer=Leave.Answer.ACCEPTED, ended_at=None)


class Leave(models.Model):
    """Days on which somebody is away (休假) and a colleague who has accepted it stands in (代班人).

    ``to_day`` is the first day back. The stand-in sees and writes the customers of whoever is away on these days and no
    others (``people_enter``), so that nothing has to be ended: at the bank's midnight the right is gone.
    """

    class Answer(models.TextChoices):
        ASKED = "asked", _("asked")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        CANCELLED = "cancelled", _("cancelled")

    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="leaves")
    from_day = models.DateField()
    to_day = models.DateField()
    stand_in = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    note = models.TextField(default="", blank=True, help_text=_("what the stand-in should know"))
    asked_by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.TextField(choices=Answer, default=Answer.ASKED)
    answered_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    why = models.TextField(default="", blank=True, help_text=_("why it was declined or cancelled"))
    ended_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, help_text=_("back before the first day back"))

    objects = LeaveQuerySet.as_manager()

    class Meta:
        db_table = "people_leave"
        constraints = [
            models.CheckConstraint(condition=Q(to_day__gt=F("from_day")), name="people_leave_days"),
            models.CheckConstraint(condition=~Q(stand_in=F("staff")), name="people_leave_other"),
            # Nobody is made a stand-in by somebody else's word.
            models.CheckConstraint(
                condition=~Q(answer="accepted") | Q(answered_by=F("stand_in")), name="people_leave_accepted_by"
            ),
            models.CheckConstraint(
                condition=Q(answer="asked", answered_by=None, answered_at=None)
                | Q(~Q(answer="asked"), answered_by__isnull=False, answered_at__isnull=False),
                name="people_leave_answered",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None)
                | Q(answer="accepted", ended_at__isnull=False, ended_by__isnull=False),
                name="people_leave_ended",
            ),
        ]
        indexes = [
            # Every request asks whom its staff member covers today.
            models.Index(
                fields=["stand_in", "to_day"], name="people_leave_covers",
                condition=Q(answer="accepted", ended_at__isnull=True),
            ),
            models.Index(fields=["staff", "to_day"], name="people_leave_of"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.staff_id} {self.from_day} {self.to_day}"
