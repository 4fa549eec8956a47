from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import ExpressionWrapper, F, Func, Q
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from zhike.customers.reseal import Row, Store
from zhike.customers.vault import Vault, vault
from zhike.documents import grams
from zhike.documents.formats import FORMATS, Format

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, actor: Actor) -> DocumentQuerySet:
        """Of customers in the actor's scope; of no customer: of units in it, and one's own."""
        return self.filter(Q(keeper__among=actor.sees) | Q(customer=None, by=actor.id))

    def changeable_by(self, actor: Actor) -> DocumentQuerySet:
        return self.filter(Q(keeper__among=actor.writes) | Q(customer=None, by=actor.id))

    def over(self, day: date) -> DocumentQuerySet:
        """Those that need be kept no longer on ``day``, as :attr:`Document.kept_until` has it, and are not held."""
        held = Hold.objects.filter(lifted_at=None).values("document")
        years = Greatest("years", "kind__years", "business__years")
        until = Func(
            F("counts_from"), years, template="(%(expressions)s))::date", arg_joiner=" + make_interval(years => "
        )
        return (
            self.alias(until=ExpressionWrapper(until, models.DateField())).filter(until__lte=day).exclude(pk__in=held)
        )

    def whole(self) -> DocumentQuerySet:
        """With all that a list says of each: one query."""
        return self.select_related("business", "kind", "customer", "by")


class Document(models.Model):
    """Something that is filed (档案): of a customer or of a unit, under a business and a kind, of a day; in one or more versions.

    ``keeper`` is the customer's, or the unit negated; PostgreSQL keeps it so. What is deleted leaves this row, with the hashes of its
    versions and who deleted it; PostgreSQL refuses that before ``kept_until``, and while a hold stands.
    """

    class Reading(models.TextChoices):
        """What became of reading the newest version's text."""

        WAITING = "waiting", _("text not yet read")
        READ = "read", _("text can be searched")
        NONE = "none", _("no text to read")
        FAILED = "failed", _("text could not be read")

    customer = models.ForeignKey("customers.Customer", models.PROTECT, null=True, related_name="documents")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")
    keeper = models.BigIntegerField()
    business = models.ForeignKey("documents.Label", models.PROTECT, related_name="+")
    kind = models.ForeignKey("documents.Label", models.PROTECT, related_name="+")
    title = models.TextField()
    dated = models.DateField(help_text=_("the day that the paper itself bears"))
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    version = models.IntegerField(default=1, help_text=_("the number of the newest"))
    reading = models.TextField(choices=Reading, default=Reading.WAITING)
    trouble = models.TextField(default="", blank=True, help_text=_("why the text could not be read"))
    counts_from = models.DateField(help_text=_("the day from which it is kept"))
    years = models.IntegerField(help_text=_("as was promised when it was filed"))
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    deleted_why = models.TextField(default="", blank=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        db_table = "documents_document"
        constraints = [
            models.CheckConstraint(
                condition=Q(deleted_at=None, deleted_by=None) | Q(deleted_at__isnull=False, deleted_by__isnull=False),
                name="documents_document_deleted",
            )
        ]
        indexes = [
            models.Index(fields=["keeper", "-id"], name="documents_document_keeper"),
            models.Index(fields=["customer", "-dated"], name="documents_document_of"),
            models.Index(fields=["by", "-id"], name="documents_document_by", condition=Q(customer=None)),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def kept_until(self) -> date:
        """The first day on which it may be deleted: the longest of what its kind and its business ask today, and asked when it was filed."""
        return later(self.counts_from, max(self.years, self.kind.years, self.business.years))

    def changeable(self, actor: Actor) -> bool:
        return self.keeper in actor.writes or (self.customer_id is None and self.by_id == actor.id)


def later(day: date, years: int) -> date:
    """The same day of a later year; of 29 February the 28th where there is none, as PostgreSQL reckons."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


class Version(models.Model):
    """One version of a document, as it was filed; nothing of it is ever changed."""

    document = models.ForeignKey(Document, models.PROTECT, related_name="versions", db_index=False)
    number = models.IntegerField()
    name = models.TextField(help_text=_("the file's name"))
    format = models.TextField()
    size = models.BigIntegerField(help_text=_("bytes"))
    sha256 = models.TextField()
    active = models.BooleanField(default=False, help_text=_("brings macros or scripts"))
    note = models.TextField(default="", blank=True, help_text=_("what is new"))
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "documents_version"
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="documents_version_one")]
        indexes = [models.Index(fields=["sha256"], name="documents_version_sha256")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    @property
    def is_of(self) -> Format:
        return FORMATS[self.format]


class Hold(models.Model):
    """A document is held (法律保全): nobody deletes it, whatever its date, until compliance lifts the hold."""

    document = models.ForeignKey(Document, models.PROTECT, related_name="holds", db_index=False)
    why = models.TextField()
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    lifted_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_why = models.TextField(default="", blank=True)

    class Meta:
        db_table = "documents_hold"
        constraints = [
            models.UniqueConstraint(fields=["document"], condition=Q(lifted_at=None), name="documents_hold_one")
        ]
        indexes = [models.Index(fields=["document", "-at"], name="documents_hold_of")]

    def __str__(self) -> str:
        return f"{self.document_id} {self.why}"


class Text(models.Model):
    """What a document is found by: its title, its names and what the newest version says, sealed, and the hashes of their pairs.

    ``keeper`` and ``mine`` (who filed it, where it is of no customer) say whose it is without a look at the document.
    """

    document = models.OneToOneField(Document, models.CASCADE, related_name="text")
    keeper = models.BigIntegerField()
    mine = models.BigIntegerField(null=True)
    sealed = models.TextField()
    grams = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        db_table = "documents_text"
        indexes = [
            GinIndex(fields=["grams"], name="documents_text_grams", fastupdate=True, gin_pending_list_limit=1024),
            models.Index(fields=["keeper", "-document"], name="documents_text_keeper"),
        ]

    def __str__(self) -> str:
        return str(self.document_id)

    def say(self, title: str, names: str, body: str) -> None:
        """Sets what it is found by."""
        text = JOINT.join((title, names, body[: grams.LONGEST]))
        self.sealed = vault().seal(text, place(self.document_id))
        self.grams = sorted(grams.hashed(grams.of_text(text)))

    @property
    def parts(self) -> tuple[str, str, str]:
        """Title, names, body. Raises Unopened."""
        title, names, body = vault().open(self.sealed, place(self.document_id)).split(JOINT, 2)
        return title, names, body


JOINT = "\f"


def place(document: int) -> str:
    return f"documents_text:sealed:{document}"


def _renew(keys: Vault, row: Row) -> dict[str, Any]:
    text = keys.open(row["sealed"], place(row["document_id"]))
    if keys.is_current(row["sealed"]):
        return {}
    found = sorted(grams.hashed(grams.of_text(text), keys))
    return {"sealed": keys.seal(text, place(row["document_id"])), "grams": found}


SEALED = Store("documents_text", {"sealed": "text", "grams": "bigint[]"}, _renew, ("document_id",))
