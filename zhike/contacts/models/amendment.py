from django.db import models


class Amendment(models.Model):
    """A change to a closed write-up: what it said, what it says now, who and why. Nothing is overwritten unseen."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="amendments")
    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    reason = models.TextField()
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        db_table = "contacts_amendment"

    def __str__(self) -> str:
        return f"{self.contact_id} {self.at}"
