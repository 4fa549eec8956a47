from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor

# Whose affair every note of the bank is; PostgreSQL's policy says the same. They see no customer by it.
WHOLE = frozenset({"marketing"})


def _routed(what: str, actor: Actor) -> RawSQL:
    return RawSQL(f"SELECT unnest(market_routed_{what}(%s))", [actor.id])  # noqa: S611 our own names


class NoteQuerySet(models.QuerySet["Note"]):
    def visible_to(self, actor: Actor) -> NoteQuerySet:
        """One's own, those of whom one oversees, what was sent to one or to one's department; all of them for marketing."""
        if actor.roles & WHOLE:
            return self.all()
        return self.filter(Q(by__among=actor.oversees) | Q(pk__in=_routed("notes", actor)))


class Note(models.Model):
    """What was seen of the market (市场信息, W12): a rate, a product, a competitor, a policy, what customers need; with its source.

    A customer may be named where the note is of a need and the customer is of the writer's own book: who does not see the customer
    reads no name. Papers that go with it are the unit's, never a customer's; whoever reads the note reads them.
    """

    class Kind(models.TextChoices):
        RATE = "rate", _("rate")
        PRODUCT = "product", _("product")
        COMPETITOR = "competitor", _("competitor")
        POLICY = "policy", _("policy")
        NEED = "need", _("what customers need")

    class Source(models.TextChoices):
        MEDIA = "media", _("media")
        CUSTOMER = "customer", _("a customer said so")
        COLLEAGUE = "colleague", _("a colleague said so")
        EYES = "eyes", _("seen with own eyes")

    kind = models.TextField(choices=Kind)
    text = models.TextField()
    source = models.TextField(choices=Source)
    source_words = models.TextField(default="", blank=True, help_text=_("which paper, whose counter, a link as text"))
    place = models.TextField(default="", blank=True)
    seen_on = models.DateField()
    tags = ArrayField(models.TextField(), default=list, blank=True)
    customer = models.ForeignKey("customers.Customer", models.SET_NULL, null=True, blank=True, related_name="+")
    documents = ArrayField(
        models.BigIntegerField(), default=list, blank=True, help_text=_("ids of papers of the unit that go with it")
    )
    grams = ArrayField(models.TextField(), default=list)
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = NoteQuerySet.as_manager()

    class Meta:
        db_table = "market_note"
        constraints = [
            models.CheckConstraint(name="market_note_customer", condition=Q(customer=None) | Q(kind="need")),
        ]
        indexes = [
            models.Index(fields=["by", "at"], name="market_note_by"),
            models.Index(fields=["unit", "at"], name="market_note_unit"),
            GinIndex(fields=["grams"], name="market_note_grams"),
            GinIndex(fields=["tags"], name="market_note_tags"),
            models.Index(fields=["id"], name="market_note_papers", condition=~Q(documents=[])),
        ]

    def __str__(self) -> str:
        return self.text[:40]


class BriefQuerySet(models.QuerySet["Brief"]):
    def visible_to(self, actor: Actor) -> BriefQuerySet:
        """As notes are."""
        if actor.roles & WHOLE:
            return self.all()
        return self.filter(Q(by__among=actor.oversees) | Q(pk__in=_routed("briefs", actor)))


class Brief(models.Model):
    """Several notes worked up (综述): what it comes to, what it means for customers and for the bank."""

    title = models.TextField()
    text = models.TextField()
    for_customers = models.TextField(default="", blank=True)
    for_bank = models.TextField(default="", blank=True)
    notes = models.ManyToManyField(Note, through="market.Worked", related_name="briefs")
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = BriefQuerySet.as_manager()

    class Meta:
        db_table = "market_brief"
        indexes = [models.Index(fields=["by", "at"], name="market_brief_by")]

    def __str__(self) -> str:
        return self.title


class Worked(models.Model):
    """A note that went into a brief."""

    brief = models.ForeignKey(Brief, models.CASCADE, related_name="worked")
    note = models.ForeignKey(Note, models.CASCADE, related_name="worked")

    class Meta:
        db_table = "market_worked"
        constraints = [models.UniqueConstraint(fields=["brief", "note"], name="market_worked_once")]

    def __str__(self) -> str:
        return f"{self.brief_id} {self.note_id}"


class RoutingQuerySet(models.QuerySet["Routing"]):
    def visible_to(self, actor: Actor) -> RoutingQuerySet:
        """What one sent and what was sent to one or to one's department; of whom one oversees likewise."""
        desks = RawSQL("SELECT unnest(market_desks(%s))", [actor.id])
        return self.filter(Q(by__among=actor.oversees) | Q(to__among=actor.oversees) | Q(unit__in=desks))


class Routing(models.Model):
    """A note or a brief passed to a leader or department (报送): ``to`` owes an answer, which they or whoever stands in for them
    give; others at the department's desk see it. The answer goes back to whoever sent it.
    """

    class Answer(models.TextChoices):
        READ = "read", _("read")
        USED = "used", _("used")
        NOT_USED = "not_used", _("not used")

    note = models.ForeignKey(Note, models.CASCADE, null=True, related_name="routings")
    brief = models.ForeignKey(Brief, models.CASCADE, null=True, related_name="routings")
    to = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+", help_text=_("the department"))
    words = models.TextField(default="", blank=True, help_text=_("what is asked"))
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    due = models.DateTimeField(null=True, help_text=_("by when an answer is owed; none: none is"))
    answer = models.TextField(choices=Answer, default="", blank=True)
    answer_words = models.TextField(default="", blank=True)
    answered_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    objects = RoutingQuerySet.as_manager()

    class Meta:
        db_table = "market_routing"
        constraints = [
            models.CheckConstraint(
                name="market_routing_what",
                condition=Q(note=None, brief__isnull=False) | Q(note__isnull=False, brief=None),
            ),
            models.CheckConstraint(
                name="market_routing_answered",
                condition=Q(answer="", answered_at=None, answered_by=None)
                | Q(~Q(answer=""), answered_at__isnull=False, answered_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["to", "at"], name="market_routing_to"),
            models.Index(fields=["unit", "at"], name="market_routing_unit"),
            models.Index(fields=["by", "at"], name="market_routing_by"),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def subject(self) -> str:
        """What the ledger calls what is owed because of it."""
        return f"routing:{self.pk}"

    @property
    def title(self) -> str:
        return self.brief.title if self.brief else (self.note.text[:40] if self.note else "")
