from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class State(models.TextChoices):
    """Which follow which is a table: :data:`zhike.work.assignment_states.TRANSITIONS`."""

    GIVEN = "given", _("not yet taken on")
    ASKED = "asked", _("asked back")
    TAKEN_ON = "taken_on", _("taken on")
    HANDED_IN = "handed_in", _("handed in")
    SENT_BACK = "sent_back", _("sent back")
    DONE = "done", pgettext_lazy("assignment", "accepted")
    CALLED_OFF = "called_off", _("called off")


class Every(models.TextChoices):
    ONCE = "", _("once")
    WEEK = "week", _("every week")
    MONTH = "month", _("every month")


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def visible_to(self, actor: Actor) -> AssignmentQuerySet:
        """Those one was given, those one gave, those of whom one's posts let one see."""
        return self.filter(Q(staff=actor.id) | Q(by=actor.id) | Q(staff__among=actor.oversees))

    def held(self, id: int, actor: Actor) -> Assignment | None:
        """One of them, kept from others until the transaction ends; None as for one that does not exist."""
        rows = self.visible_to(actor).select_related("staff", "by").filter(pk=id)
        return rows.select_for_update(of=("self",), no_key=True).first()


class Assignment(models.Model):
    """What a leader entrusted to one person (交办, W2): what, by when, what counts as done. Given to many it is a row each, with one
    ``together``.

    What is owed because of it stands in the ledger: to take it on, then the work itself, then the leader's look at what was handed in.
    ``handed_in_at``: when what lies before the leader, or was accepted, was handed in.
    """

    together = models.UUIDField(default=uuid4, db_index=True)
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+", help_text=_("the leader"))
    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="assignments")
    what = models.TextField()
    counts_as_done = models.TextField(help_text=_("what counts as done"))
    due = models.DateTimeField()
    every = models.TextField(choices=Every, default=Every.ONCE, blank=True)
    on_day = models.SmallIntegerField(
        null=True, help_text=_("of what comes again: on which day of the month, or of the week from Monday, 0")
    )
    follows = models.OneToOneField("self", models.PROTECT, null=True, related_name="followed_by")
    state = models.TextField(choices=State, default=State.GIVEN)
    given_at = models.DateTimeField()
    handed_in_at = models.DateTimeField(null=True)
    hand_ins = models.SmallIntegerField(default=0)
    sent_back = models.SmallIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)
    # W9: how content the leader was, 1 to 5; of one person nobody is shown it before there are five.
    rating = models.SmallIntegerField(null=True)
    version = models.IntegerField(default=1)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        db_table = "work_assignment"
        constraints = [
            models.CheckConstraint(name="work_assignment_rated", condition=Q(rating=None) | Q(rating__gte=1, rating__lte=5, state="done")),
            models.CheckConstraint(name="work_assignment_closed", condition=Q(closed_at=None) ^ Q(state__in=["done", "called_off"])),
            models.CheckConstraint(
                name="work_assignment_handed_in", condition=Q(handed_in_at__isnull=False) | ~Q(state__in=["handed_in", "done"])
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["staff", "due"], name="work_assignment_of"),
            models.Index(fields=["by", "due"], name="work_assignment_by"),
            models.Index(fields=["due"], name="work_assignment_recurs", condition=~Q(every="")),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.staff_id}"

    @property
    def subject(self) -> str:
        """What it is about in the ledger."""
        return f"assignment:{self.pk}"

    @property
    def look(self) -> str:
        """What the leader owes a look at: by how often it was handed in or asked about."""
        return f"{self.subject}/look:{self.hand_ins}"

    @property
    def is_over(self) -> bool:
        return self.closed_at is not None

    def is_late(self, at: datetime) -> bool:
        """Past its time without lying before the leader; the minute of ``due`` itself still counts."""
        ended = self.handed_in_at if self.state in {State.HANDED_IN, State.DONE} else at
        return self.state != State.CALLED_OFF and (ended or at) > self.due


class Entry(models.Model):
    """What was said about an assignment: question, answer, report, what was handed in, why it was sent back."""

    class Kind(models.TextChoices):
        QUESTION = "question", _("asked back")
        ANSWER = "answer", _("answered")
        REPORT = "report", pgettext_lazy("assignment", "reported")
        HAND_IN = "hand_in", _("handed in")
        SENT_BACK = "sent_back", _("sent back")
        ACCEPTED = "accepted", pgettext_lazy("assignment", "accepted")
        CALLED_OFF = "called_off", _("called off")

    assignment = models.ForeignKey("work.Assignment", models.CASCADE, related_name="entries")
    kind = models.TextField(choices=Kind)
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.TextField(default="", blank=True)
    due = models.DateTimeField(null=True, help_text=_("the new date"))
    documents = ArrayField(models.BigIntegerField(), default=list, help_text=_("ids of documents that go with it"))

    class Meta:
        db_table = "work_entry"
        indexes = [models.Index(fields=["assignment", "at"], name="work_entry_of")]

    def __str__(self) -> str:
        return f"{self.kind} {self.assignment_id}"
