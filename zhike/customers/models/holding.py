from django.db import models
from django.utils.translation import gettext_lazy as _


class Holding(models.Model):
    """What a customer holds at the bank and when it matures (持有); the core system's feed owns it."""

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="holdings")
    core_number = models.TextField(help_text=_("the core system's number of the holding"))
    product = models.TextField()
    kind = models.TextField(default="", blank=True)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    currency = models.TextField(default="CNY")
    rate = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True, help_text=_("percent a year"))
    risk_grade = models.TextField(default="", blank=True, help_text="PR1-PR5")
    opened_on = models.DateField(null=True, blank=True)
    matures_on = models.DateField(null=True, blank=True)
    as_of = models.DateField()
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "customers_holding"
        constraints = [models.UniqueConstraint(fields=["customer", "core_number"], name="customers_holding_one")]

    def __str__(self) -> str:
        return self.product
