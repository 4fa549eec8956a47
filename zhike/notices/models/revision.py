from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Revision(models.Model):
    """How often something that a calendar shows was moved, called off or settled, and when last (改动): kept by triggers in the
    transaction that does it. Phones take a change only under a number that has risen (RFC 5545, SEQUENCE).
    """

    contact = models.OneToOneField("contacts.Contact", models.CASCADE, null=True, related_name="revision")
    obligation = models.OneToOneField("obligations.Obligation", models.CASCADE, null=True, related_name="revision")
    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="+", help_text=_("whose it is since then"))
    number = models.IntegerField(default=1)
    at = models.DateTimeField()

    class Meta:
        db_table = "notices_revision"
        constraints = [
            models.CheckConstraint(
                name="notices_revision_of_one",
                condition=Q(contact=None, obligation__isnull=False) | Q(contact__isnull=False, obligation=None),
            )
        ]
        indexes = [models.Index(fields=["staff", "at"], name="notices_revision_staff")]

    def __str__(self) -> str:
        return f"{self.contact_id or self.obligation_id} {self.number}"
