from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Book(models.Model):
    """Which RM is responsible for a customer, from a day until before another (管户).

    An exclusion constraint in the database keeps it at exactly one RM at a time.
    """

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="books")
    rm = models.ForeignKey("people.Staff", models.PROTECT, related_name="books")
    from_day = models.DateField()
    to_day = models.DateField(null=True, blank=True)
    reason = models.TextField(default="", blank=True, help_text=_("why it changed hands"))
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "customers_book"
        constraints = [
            models.CheckConstraint(condition=Q(to_day=None) | Q(to_day__gte=F("from_day")), name="customers_book_days")
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.rm_id} {self.from_day}"
