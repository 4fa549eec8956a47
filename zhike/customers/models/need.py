from django.db import models
from django.utils.translation import gettext_lazy as _


class Need(models.Model):
    """What a customer wants (需求), open until met, declined or lapsed."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        MET = "met", _("met")
        DECLINED = "declined", _("declined")
        LAPSED = "lapsed", _("lapsed")

    class Kind(models.TextChoices):
        MATURITY = "maturity", _("maturing funds")
        DEPOSIT = "deposit", _("deposit")
        WEALTH = "wealth", _("wealth products")
        PENSION = "pension", _("pension")
        EDUCATION = "education", _("children's education")
        LOAN = "loan", _("loan")
        EXCHANGE = "exchange", _("foreign exchange")
        INSURANCE = "insurance", _("insurance")
        PAYMENT = "payment", _("payments and settlement")
        SERVICE = "service", _("service")
        OTHER = "other", _("other")

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="needs")
    kind = models.TextField(choices=Kind)
    words = models.TextField(default="", blank=True)
    state = models.TextField(choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    # The contact that it was heard in; contacts lie above customers, so it is a number here and not a key.
    contact = models.BigIntegerField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_why = models.TextField(default="", blank=True)

    class Meta:
        db_table = "customers_need"
        indexes = [models.Index(fields=["customer", "state"], name="customers_need_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.words}"
