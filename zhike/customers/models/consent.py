from django.db import models
from django.utils.translation import gettext_lazy as _


class Consent(models.Model):
    """A yes or a no of a customer for a purpose and a channel, with the evidence. The newest of each pair counts."""

    class Purpose(models.TextChoices):
        SERVICE = "service", _("service")
        GREETING = "greeting", _("greetings")
        MARKETING = "marketing", _("marketing")
        PROFILE = "profile", _("keeping family details")

    class Channel(models.TextChoices):
        SMS = "sms", _("SMS")
        PHONE = "phone", _("phone")
        EMAIL = "email", _("e-mail")
        WECOM = "wecom", _("WeCom")
        ANY = "any", _("any channel")

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="consents")
    purpose = models.TextField(choices=Purpose)
    channel = models.TextField(choices=Channel)
    given = models.BooleanField()
    evidence = models.TextField(help_text=_("what shows it: a signed form's number, a recording, the customer's words"))
    source = models.TextField(default="contact")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "customers_consent"
        indexes = [models.Index(fields=["customer", "purpose", "channel", "-at"], name="customers_consent_newest")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.purpose} {self.channel} {self.given}"
