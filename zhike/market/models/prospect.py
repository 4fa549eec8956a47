from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from zhike.conduct.bank import Bank
from zhike.customers.models import Customer, Need, Tier
from zhike.customers.models.customer import Exhausted, reveals_left
from zhike.customers.reseal import Row, Store, renewed
from zhike.customers.vault import MASKS, Vault, vault
from zhike.people.permissions import may
from zhike.people.turn import take_turn
from zhike.trail.models import note

if TYPE_CHECKING:
    from zhike.people.actor import Actor

# What is sealed, and how it is masked.
SEALED_FIELDS = {"mobile": "phone", "email": "email", "contact_name": ""}


class ProspectQuerySet(models.QuerySet["Prospect"]):
    def visible_to(self, actor: Actor) -> ProspectQuerySet:
        """Those in the actor's scope, the pools of the units in which the actor serves, and those who became a customer in it."""
        pools = RawSQL("SELECT unnest(market_pools(%s))", [actor.id])
        return self.filter(
            Q(keeper__among=actor.sees) | Q(rm=None, unit__in=pools) | Q(customer__keeper__among=actor.sees)
        )

    def held(self, id: int, actor: Actor) -> Prospect | None:
        """One whom the actor may see, kept from others until the transaction ends; None as for one that does not exist."""
        return self.visible_to(actor).whole().select_for_update(of=("self",), no_key=True).filter(pk=id).first()

    def whole(self) -> ProspectQuerySet:
        """With whom they came from and whom they became: None where that customer is out of sight, as asked for alone it would fail."""
        return self.select_related("rm", "unit", "referred_by", "customer")

    def open(self) -> ProspectQuerySet:
        """Those who are neither won nor lost."""
        return self.exclude(stage__in=[Prospect.Stage.WON, Prospect.Stage.LOST])


class Prospect(models.Model):
    """Somebody who might become a customer (潜在客户): who, from which occasion, what interests them, how far it has come.

    Without ``rm`` the prospect lies in the pool (公海) of ``unit``. Mobile, e-mail and the name of a company's contact person are
    sealed. The next step is an obligation of the ledger: ``step`` counts how many there have been.
    """

    class Stage(models.TextChoices):
        NEW = "new", _("not yet contacted")
        CONTACTED = "contacted", _("contacted")
        MET = "met", _("talked with in person")
        OFFER = "offer", _("offer made")
        WON = "won", _("became a customer")
        LOST = "lost", _("lost")

    class Source(models.TextChoices):
        FAIR = "fair", _("fair")
        EVENT = "event", _("event of a company or community")
        REFERRAL = "referral", _("referral by a customer")
        MEDIA = "media", _("media")
        WALK_IN = "walk_in", _("walk-in")
        VISIT = "visit", _("visit outside")
        COLLEAGUE = "colleague", _("colleague")
        OTHER = "other", _("another occasion")

    class Lost(models.TextChoices):
        NOT_INTERESTED = "not_interested", _("not interested")
        ELSEWHERE = "elsewhere", _("chose another bank")
        PRICE = "price", _("price or rate")
        UNREACHABLE = "unreachable", _("cannot be reached")
        UNFIT = "unfit", _("does not fit what the bank offers")
        TWICE = "twice", _("entered twice")
        STOPPED = "stopped", _("does not want to be contacted")
        OTHER = "other", _("another reason")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.TextField(choices=[("person", _("person")), ("company", _("company"))], default="person")
    name = models.TextField()
    employer = models.TextField(default="", blank=True, help_text=_("where a person works"))
    mobile = models.TextField(default="", blank=True)
    email = models.TextField(default="", blank=True)
    contact_name = models.TextField(default="", blank=True, help_text=_("a company's contact person"))
    mobile_index = models.BinaryField(null=True)

    source = models.TextField(choices=Source)
    source_words = models.TextField(default="", blank=True, help_text=_("which fair, which paper"))
    referred_by = models.ForeignKey("customers.Customer", models.SET_NULL, null=True, blank=True, related_name="+")
    interest = models.TextField(choices=Need.Kind, default="", blank=True)
    interest_words = models.TextField(default="", blank=True)
    tier = models.TextField(choices=Tier, default=Tier.REGULAR, help_text=_("the tier that is expected"))

    stage = models.TextField(choices=Stage, default=Stage.NEW)
    lost = models.TextField(choices=Lost, default="", blank=True)
    lost_words = models.TextField(default="", blank=True)
    do_not_contact = models.BooleanField(default=False)
    customer = models.OneToOneField(
        "customers.Customer", models.PROTECT, null=True, blank=True, related_name="prospect"
    )

    rm = models.ForeignKey("people.Staff", models.PROTECT, null=True, blank=True, related_name="prospects")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")
    keeper = models.GeneratedField(
        expression=Coalesce(F("rm_id"), Value(0) - F("unit_id")), output_field=models.BigIntegerField(), db_persist=True
    )
    since = models.DateTimeField(null=True, help_text=_("since when the RM holds them"))
    contacted_at = models.DateTimeField(null=True, help_text=_("the last contact"))
    step = models.IntegerField(default=0)
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = ProspectQuerySet.as_manager()

    class Meta:
        db_table = "market_prospect"
        constraints = [
            models.CheckConstraint(
                name="market_prospect_lost",
                condition=Q(~Q(stage="lost"), lost="") | Q(Q(stage="lost"), ~Q(lost="")),
            ),
            models.CheckConstraint(
                name="market_prospect_won",
                condition=Q(stage="won", customer__isnull=False) | Q(~Q(stage="won"), customer=None),
            ),
            models.CheckConstraint(
                name="market_prospect_held",
                condition=Q(rm=None, since=None) | Q(rm__isnull=False, since__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["keeper", "stage"], name="market_prospect_keeper"),
            models.Index(
                fields=["mobile_index"], name="market_prospect_mobile", condition=Q(mobile_index__isnull=False)
            ),
            models.Index(fields=["name"], name="market_prospect_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """What the ledger calls what is owed because of it."""
        return f"prospect:{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.stage not in {self.Stage.WON, self.Stage.LOST}

    @property
    def idle_since(self) -> datetime | None:
        """From when the days without a contact count: while somebody holds them."""
        if self.since is None:
            return None
        return max(self.since, self.contacted_at) if self.contacted_at else self.since

    def changeable_by(self, actor: Actor) -> bool:
        """Whether it is the actor's to work on: one's own, one's people's, or of a colleague whom one covers; who became a customer, while
        the customer is.
        """
        return self.keeper in actor.writes and self._in_sight(actor)

    def revealable_by(self, actor: Actor) -> bool:
        """Whether the actor may be shown a number: whoever works on them, and who works on nobody. In the pool, whoever has claimed."""
        return self.changeable_by(actor) or (not may(actor, "prospects.change") and self._in_sight(actor))

    def _in_sight(self, actor: Actor) -> bool:
        """A customer who was handed over took the number and the story's end along."""
        return self.customer_id is None or Customer.objects.visible_to(actor).filter(pk=self.customer_id).exists()

    def seal(self, field: str, value: str) -> None:
        """Keeps one of the sealed fields, already in its one written form; empty forgets it."""
        setattr(self, field, vault().seal(value, self._place(field)) if value else "")
        if field == "mobile":
            self.mobile_index = vault().index("mobile", value) if value else None

    def opened(self, field: str) -> str:
        """A sealed field in clear, for the program's own use; showing it to somebody is :meth:`reveal`."""
        sealed = getattr(self, field)
        return vault().open(sealed, self._place(field)) if sealed else ""

    def shown(self, field: str) -> str:
        """As a screen shows it: masked."""
        value = self.opened(field)
        mask = SEALED_FIELDS[field]
        return MASKS[mask](value) if mask and value else value[:1] + "*" * max(len(value) - 1, 0)

    def reveal(self, field: str, *, actor: Actor, now: datetime, bank: Bank) -> str:
        """A sealed field in clear, shown to ``actor``: counted against the day's number and kept in the trail. Raises Exhausted."""
        take_turn("reveals", actor.id)
        if reveals_left(actor, now, bank) <= 0:
            raise Exhausted(bank)
        note(
            action="reveal",
            object="market_prospect",
            now=now,
            row_id=self.pk,
            customer_id=self.customer_id,
            field=field,
        )
        return self.opened(field)

    def _place(self, field: str) -> str:
        return place(field, self.key)


def place(field: str, key: object) -> str:
    """Where a sealed value lives."""
    return f"market_prospect:{field}:{key}"


def _renew(keys: Vault, row: Row) -> dict[str, Any]:
    return dict(_changes(keys, row))


def _changes(keys: Vault, row: Row) -> Iterator[tuple[str, Any]]:
    for field in SEALED_FIELDS:
        if row[field]:
            sealed = renewed(keys, row[field], place(field, row["key"]))
            if sealed != row[field]:
                yield field, sealed
    if row["mobile"]:
        index = keys.index("mobile", keys.open(row["mobile"], place("mobile", row["key"])))
        if row["mobile_index"] is None or bytes(row["mobile_index"]) != index:
            yield "mobile_index", index


SEALED = Store("market_prospect", {**dict.fromkeys(SEALED_FIELDS, "text"), "mobile_index": "bytea"}, _renew, ("key",))
