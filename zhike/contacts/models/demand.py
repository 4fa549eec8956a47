from django.db import models
from django.utils.translation import gettext_lazy as _


class Demand(models.Model):
    """What a customer demanded at a contact (V7): answered the next day, open until it is met or refused.

    "Still in process" closes the answer that was owed, not the demand.
    """

    class State(models.TextChoices):
        OPEN = "open", _("in process")
        MET = "met", _("met")
        REFUSED = "refused", _("refused")
        STRUCK = "struck", _("recorded by mistake")

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="demands")
    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="demands")
    number = models.IntegerField(help_text=_("its place among the contact's demands"))
    words = models.TextField()
    at = models.DateTimeField()
    state = models.TextField(choices=State, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "contacts_demand"
        constraints = [models.UniqueConstraint(fields=["contact", "number"], name="contacts_demand_one")]

    def __str__(self) -> str:
        return self.words

    @property
    def subject(self) -> str:
        """What the ledger calls this demand."""
        return f"contact:{self.contact_id}/demand:{self.number}"
