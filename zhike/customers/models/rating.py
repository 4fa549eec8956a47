from django.db import models


class Rating(models.Model):
    """A customer's tier in one month and the assets that it came from, with the rule's reason; kept month by month. Where no average
    was known the tier stands as it was, without either.
    """

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="ratings")
    month = models.DateField(help_text="the first day of the month")
    assets = models.DecimalField(
        max_digits=18, decimal_places=2, null=True, blank=True, help_text="average of the month before, CNY"
    )
    tier = models.TextField()
    reason = models.TextField(default="", blank=True)

    class Meta:
        db_table = "customers_rating"
        constraints = [models.UniqueConstraint(fields=["customer", "month"], name="customers_rating_one")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.month} {self.tier}"
