from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class Tier(models.TextChoices):
    """Lowest to highest; names, order and thresholds on screen are the bank's own settings."""

    REGULAR = "regular", _("regular")
    GOLD = "gold", _("gold")
    PLATINUM = "platinum", _("platinum")
    DIAMOND = "diamond", _("diamond")
    PRIVATE = "private", _("private banking")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, actor: Actor) -> CustomerQuerySet:
        """The customers in the actor's scope: nothing else reaches a customer's row (PostgreSQL's policies say the same)."""
        return self.filter(keeper__among=actor.sees)


class Customer(models.Model):
    """A person or a company that the bank serves (客户).

    ``profile`` holds what is known, field by field, each with its source, date and who:
    ``{"mobile": {"v": "d1:…", "src": "contact", "on": "2026-02-01", "by": 12, "contact": 99}}``.
    Sensitive values in it are sealed (:mod:`zhike.customers.vault`); earlier values are in the trail.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        COMPANY = "company", _("company")

    class Calendar(models.TextChoices):
        SOLAR = "solar", _("solar calendar")
        LUNAR = "lunar", _("lunar calendar")

    class Before(models.TextChoices):
        """Day one: what the imported book says of meetings and calls before Zhike."""

        YES = "yes", _("yes")
        NO = "no", _("no")
        UNKNOWN = "unknown", _("unknown")

    core_number = models.TextField(unique=True, null=True, blank=True, help_text=_("the core system's customer number"))
    kind = models.TextField(choices=Kind, default=Kind.PERSON)
    name = models.TextField()
    honorific = models.TextField(default="", blank=True, help_text=_("form of address (称谓)"))
    gender = models.TextField(default="", blank=True, choices=[("f", _("female")), ("m", _("male"))])
    tier = models.TextField(choices=Tier, default=Tier.REGULAR)
    tier_since = models.DateField(null=True, blank=True)
    assets = models.DecimalField(
        max_digits=18, decimal_places=2, null=True, blank=True, help_text=_("monthly average, CNY")
    )
    assets_day = models.DateField(null=True, blank=True)

    rm = models.ForeignKey("people.Staff", models.PROTECT, null=True, blank=True, related_name="+")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")
    # Who keeps this row: the RM, or the unit (negated) while there is none. One column, so one array decides who sees it.
    keeper = models.GeneratedField(
        expression=Coalesce(F("rm_id"), Value(0) - F("unit_id")), output_field=models.BigIntegerField(), db_persist=True
    )
    household = models.ForeignKey("customers.Household", models.SET_NULL, null=True, blank=True, related_name="members")

    birth_calendar = models.TextField(choices=Calendar, default="", blank=True)
    birth_year = models.SmallIntegerField(null=True, blank=True, help_text=_("in that calendar; unknown years happen"))
    birth_month = models.SmallIntegerField(null=True, blank=True)
    birth_day = models.SmallIntegerField(null=True, blank=True)
    birth_leap = models.BooleanField(default=False, help_text=_("born in a leap month"))

    deceased_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    do_not_disturb = models.BooleanField(default=False)
    complaint_open = models.BooleanField(default=False)

    met_before = models.TextField(choices=Before, default=Before.UNKNOWN)
    met_before_on = models.DateField(null=True, blank=True)
    called_before = models.TextField(choices=Before, default=Before.UNKNOWN)
    called_before_on = models.DateField(null=True, blank=True)
    last_contact_at = models.DateTimeField(null=True, blank=True, help_text=_("the last real contact, by whoever"))

    profile = models.JSONField(default=dict, blank=True)
    # What the search finds: one- and two-character grams of the name, and pinyin with its initials, every plausible reading.
    grams = ArrayField(models.TextField(), default=list)
    pinyin = ArrayField(models.TextField(), default=list)
    sort_key = models.TextField(default="")
    mobile_index = models.BinaryField(null=True)
    tail_index = models.BinaryField(null=True)
    id_index = models.BinaryField(null=True)

    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = CustomerQuerySet.as_manager()

    class Meta:
        db_table = "customers_customer"
        indexes = [
            models.Index(fields=["keeper", "sort_key"], name="customers_keeper"),  # a book in order of names
            GinIndex(fields=["grams"], name="customers_grams", fastupdate=False),
            GinIndex(fields=["pinyin"], name="customers_pinyin", fastupdate=False),
            models.Index(fields=["mobile_index"], name="customers_mobile", condition=Q(mobile_index__isnull=False)),
            models.Index(fields=["tail_index"], name="customers_tail", condition=Q(tail_index__isnull=False)),
            models.Index(fields=["id_index"], name="customers_id", condition=Q(id_index__isnull=False)),
            # the nightly sweep asks for birthdays by calendar, month and day
            models.Index(fields=["birth_calendar", "birth_month", "birth_day"], name="customers_birthday"),
        ]

    def __str__(self) -> str:
        return self.name

    def known(self, field: str) -> Any:
        """The value of a profile field as stored (sealed if sensitive), or None."""
        return (self.profile.get(field) or {}).get("v")
