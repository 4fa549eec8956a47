from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class State(models.TextChoices):
    OPEN = "open", _("open")
    DONE = "done", _("done")
    WAIVED = "waived", _("waived")
    WITHDRAWN = "withdrawn", _("withdrawn")
    CANNOT = "cannot", _("cannot be done")
    MISSED = "missed", _("missed")


class ObligationQuerySet(models.QuerySet["Obligation"]):
    def visible_to(self, actor: Actor) -> ObligationQuerySet:
        """Those of the owners in the actor's scope, and those about customers in it, whom one covers included."""
        return self.filter(Q(owner__among=actor.oversees) | Q(customer__keeper__among=actor.sees))


class Obligation(models.Model):
    """One thing owed (应办): who owes what to whom, from when, by when, by which channel, by which clause, because of what.

    *Late* is derived: open and past ``due``.
    """

    fact = models.ForeignKey("obligations.Fact", models.PROTECT, related_name="caused")
    clause = models.TextField()
    clause_from = models.DateField(help_text=_("which version of the clause"))
    kind = models.TextField(
        help_text=_(
            "thanks, write_up, call_back, arrival, answer, apology, find_out, birthday, rhythm, promise, look_into"
        )
    )
    force = models.TextField()
    origin = models.TextField(default="code", help_text=_("whose rule: code, bank or law"))

    owner = models.ForeignKey("people.Staff", models.PROTECT, related_name="obligations")
    customer = models.ForeignKey("customers.Customer", models.CASCADE, null=True, related_name="obligations")
    subject = models.TextField(default="", help_text=_("what it is about: contact:12, demand:7"))
    tier = models.TextField(default="", help_text=_("the tier that counted"))
    # In both languages, as worded when it arose: {"zh": …, "en": …}.
    what = models.JSONField()
    why = models.JSONField()
    detail = models.JSONField(default=dict, help_text=_("what is owed: the words of a demand, the variant of a text"))

    opens = models.DateTimeField()
    due = models.DateTimeField(null=True, help_text=_("none: never missed by time alone"))
    due_counts = models.BooleanField(default=False, help_text=_("the moment of due itself is still in time"))
    target = models.DateTimeField(null=True, help_text=_("the promised minute"))
    lapses = models.BooleanField(
        default=False, help_text=_("past its window it is missed; otherwise it stays open until done")
    )
    channels = ArrayField(models.TextField(), default=list)

    state = models.TextField(choices=State, default=State.OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    # How it was done, why it was let go, what stands in the way.
    evidence = models.JSONField(default=dict)
    settling = models.ForeignKey("obligations.Fact", models.PROTECT, null=True, related_name="settled")
    approval = models.ForeignKey("people.Approval", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    # One fact, however often corrected or told, owes a thing once.
    key = models.TextField()

    objects = ObligationQuerySet.as_manager()

    class Meta:
        db_table = "obligations_obligation"
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(state="withdrawn"), name="obligations_once"),
            models.CheckConstraint(
                name="obligations_settled",
                condition=Q(state__in=["open", "cannot"]) | Q(settled_at__isnull=False),
            ),
        ]
        indexes = [
            # Today: what one owner owes, by deadline
            models.Index(fields=["owner", "due"], name="obligations_today", condition=Q(state="open")),
            models.Index(fields=["customer", "state"], name="obligations_customer"),
            models.Index(fields=["subject"], name="obligations_subject"),
            # the leader's tick: promised minutes that have passed
            models.Index(fields=["target"], name="obligations_call_backs", condition=Q(state="open", kind="call_back")),
            # how the promised minutes of a period were kept
            models.Index(fields=["owner", "target"], name="obligations_called_back", condition=Q(kind="call_back")),
            # what became of one's promises
            models.Index(
                fields=["owner", "due"], name="obligations_promises", condition=Q(kind__in=["promise", "assignment"])
            ),
            # the sweep: what lapsed
            models.Index(fields=["due"], name="obligations_lapse", condition=Q(state="open", lapses=True)),
            models.Index(
                fields=["owner", "settled_at"], name="obligations_settled_on", condition=Q(settled_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clause} {self.kind} {self.owner_id}"

    def is_late(self, at: datetime) -> bool:
        """Whether it is late at ``at``: at 24:00 the day is over, while a minute that a clock names still counts itself."""
        if self.due is None:
            return False
        return at > self.due if self.due_counts else at >= self.due
