from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.checks import Unaccepted

if TYPE_CHECKING:
    from zhike.customers.models.customer import Customer
    from zhike.people.actor import Actor


class ConsentQuerySet(models.QuerySet["Consent"]):
    def record(
        self,
        customer: Customer,
        purpose: str,
        channel: str,
        *,
        given: bool,
        evidence: str,
        source: str,
        actor: Actor,
        now: datetime,
    ) -> Consent:
        """Keeps a yes or a no. Raises Unaccepted without evidence: nobody can prove a consent that nothing shows."""
        if purpose not in Consent.Purpose.values or channel not in Consent.Channel.values:
            raise Unaccepted(gettext("Choose a purpose and a channel from the list."))
        if not evidence.strip():
            raise Unaccepted(gettext("Say what shows it: a form's number, a recording, the customer's own words."))
        return self.create(
            customer=customer,
            purpose=purpose,
            channel=channel,
            given=given,
            evidence=evidence.strip(),
            source=source,
            at=now,
            by_id=actor.id,
        )

    def standing(self, customer: Customer) -> list[Consent]:
        """What counts now: the newest of each purpose and channel."""
        newest = self.filter(customer=customer).order_by("purpose", "channel", "-at", "-id")
        return list(newest.distinct("purpose", "channel"))

    def allows(self, customer: Customer, purpose: str, channel: str) -> bool:
        """Whether a consent stands for the channel: the newest word about it, or about any channel."""
        newest = self.filter(customer=customer, purpose=purpose, channel__in=[channel, Consent.Channel.ANY])
        word = newest.order_by("-at", "-id").first()
        return word is not None and word.given


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

    objects = ConsentQuerySet.as_manager()

    class Meta:
        db_table = "customers_consent"
        indexes = [models.Index(fields=["customer", "purpose", "channel", "-at"], name="customers_consent_newest")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.purpose} {self.channel} {self.given}"

    def withdraw(self, *, evidence: str, source: str, actor: Actor, now: datetime) -> Consent:
        """The customer takes it back: a no of its own, from now on; the yes stays in history."""
        return Consent.objects.record(
            self.customer,
            self.purpose,
            self.channel,
            given=False,
            evidence=evidence,
            source=source,
            actor=actor,
            now=now,
        )
