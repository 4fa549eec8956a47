from django.db import models


class Draft(models.Model):
    """A write-up that is not finished: what one staff member has typed so far, kept until it is closed."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="drafts")
    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="+")
    body = models.JSONField(default=dict)
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "contacts_draft"
        constraints = [models.UniqueConstraint(fields=["contact", "staff"], name="contacts_draft_one")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.staff_id}"
