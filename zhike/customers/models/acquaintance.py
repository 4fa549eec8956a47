from django.db import models


class Acquaintance(models.Model):
    """What one RM and one customer have been through: first met, first called, last contact.

    First meeting and first call are separate histories (CLAUSES, Definitions). ``*_source`` says where the first one is
    known from: ``contact`` (it happened here), ``import`` (day one), ``attested`` ("早已认识", one tap).
    """

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="acquaintances")
    rm = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    first_met_at = models.DateTimeField(null=True)
    met_source = models.TextField(default="")
    first_called_at = models.DateTimeField(null=True)
    called_source = models.TextField(default="")
    last_contact_at = models.DateTimeField(null=True)
    meetings = models.IntegerField(default=0)
    calls = models.IntegerField(default=0)

    class Meta:
        db_table = "customers_acquaintance"
        constraints = [models.UniqueConstraint(fields=["customer", "rm"], name="customers_acquaintance_one")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.rm_id}"
