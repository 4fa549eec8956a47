from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.checks import Unaccepted, clean

if TYPE_CHECKING:
    from zhike.customers.models.customer import Customer
    from zhike.people.actor import Actor

# A button that was pressed twice says the same again within this time.
AT_ONCE = timedelta(minutes=1)


class NeedQuerySet(models.QuerySet["Need"]):
    def open(self) -> NeedQuerySet:
        return self.filter(state=Need.State.OPEN)

    def hear(
        self, customer: Customer, kind: str, words: str, *, actor: Actor, now: datetime, contact: int | None = None
    ) -> Need:
        """A need that the customer spoke of (R6), open from now on. Said twice at once, it was heard once."""
        if kind not in Need.Kind.values:
            raise Unaccepted(gettext("Choose the kind of need from the list."))
        said = {"customer": customer, "kind": kind, "words": clean(words), "by_id": actor.id, "contact": contact}
        again = self.open().filter(**said, opened_at__range=(now - AT_ONCE, now)).first()
        return again or self.create(**said, opened_at=now)


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

    objects = NeedQuerySet.as_manager()

    class Meta:
        db_table = "customers_need"
        indexes = [models.Index(fields=["customer", "state"], name="customers_need_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.words}"

    def close(self, state: str, why: str, now: datetime) -> None:
        """Met, declined or lapsed, once. Raises Unaccepted where it is closed already."""
        if state not in (Need.State.MET, Need.State.DECLINED, Need.State.LAPSED):
            raise Unaccepted(gettext("A need is closed as met, declined or lapsed."))
        still_open = Need.objects.filter(pk=self.pk, state=Need.State.OPEN)
        if not still_open.update(state=state, closed_at=now, closed_why=clean(why)):
            raise Unaccepted(gettext("This need was closed already."))
        self.refresh_from_db()
