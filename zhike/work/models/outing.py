from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class State(models.TextChoices):
    """Which follow which is a table: :data:`zhike.work.outing_states.TRANSITIONS`."""

    REPORTED = "reported", _("reported, not yet left")
    OUT = "out", _("out")
    BACK = "back", _("back, to be reported on")
    CLOSED = "closed", _("back and reported on")
    CANCELLED = "cancelled", _("called off")


ABROAD = (State.REPORTED, State.OUT)  # leaves, or has left, and is not back


class Result(models.TextChoices):
    """What came of a stop."""

    DONE = "done", _("done")
    PARTLY = "partly", _("done in part")
    NOT_MET = "not_met", _("nobody met")
    PUT_OFF = "put_off", _("put off")


class OutingQuerySet(models.QuerySet["Outing"]):
    def visible_to(self, actor: Actor) -> OutingQuerySet:
        """One's own, those of the staff whom one's posts let one see, and those from which one was asked for help; whom one only stands in
        for are not among them.
        """
        asked = Help.objects.filter(leader=actor.id).values("outing")
        return self.filter(Q(staff=actor.id) | Q(staff__among=actor.oversees) | Q(pk__in=asked))

    def held(self, id: int, actor: Actor) -> Outing | None:
        """One of them, kept from others until the transaction ends; None as for one that does not exist."""
        rows = self.visible_to(actor).select_related("staff", "answered_by", "back_by")
        return rows.select_for_update(of=("self",), no_key=True).filter(pk=id).first()


class Outing(models.Model):
    """Somebody goes out (外出, W7): reported before with its stops and the return, until it is signed back in and reported on.

    ``returns_at`` is the return that was said last. Where somebody is, is known by their own taps alone.
    """

    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="outings")
    state = models.TextField(choices=State, default=State.REPORTED)
    reported_at = models.DateTimeField()
    departs_at = models.DateTimeField(help_text=_("as it was reported; earlier where somebody left earlier"))
    returns_at = models.DateTimeField(help_text=_("the return that was said last"))
    note = models.TextField(default="", blank=True)

    left_at = models.DateTimeField(null=True, help_text=_("none while nobody said so"))
    extended_at = models.DateTimeField(null=True, help_text=_("when another return was said"))
    back_at = models.DateTimeField(null=True)
    back_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True, help_text=_("back, and each stop reported on"))

    # The leader's line: "please take X along"; ``not_today`` where they would rather nobody went.
    answer = models.TextField(default="", blank=True)
    not_today = models.BooleanField(default=False)
    answered_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    cancelled_at = models.DateTimeField(null=True)
    why = models.TextField(default="", blank=True, help_text=_("why it was called off"))
    version = models.IntegerField(default=1)

    objects = OutingQuerySet.as_manager()

    class Meta:
        db_table = "work_outing"
        constraints = [
            models.UniqueConstraint(fields=["staff"], condition=Q(state="out"), name="work_outing_once"),
            models.CheckConstraint(condition=Q(returns_at__gt=F("departs_at")), name="work_outing_returns_later"),
            models.CheckConstraint(
                condition=~Q(state__in=["back", "closed"]) | Q(back_at__isnull=False), name="work_outing_back_when"
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | Q(cancelled_at__isnull=False), name="work_outing_cancelled_when"
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
                name="work_outing_answered_by",
            ),
        ]
        indexes = [
            models.Index(fields=["staff", "-departs_at"], name="work_outing_of"),
            # The board, and each minute's look for who is not back.
            models.Index(fields=["returns_at"], name="work_outing_abroad", condition=Q(state__in=["reported", "out"])),
        ]

    def __str__(self) -> str:
        return f"outing {self.pk}"

    @property
    def subject(self) -> str:
        """What the ledger calls this outing."""
        return f"outing:{self.pk}"

    @property
    def abroad(self) -> bool:
        return self.state in ABROAD

    def is_overdue(self, now: datetime) -> bool:
        """Not back by the return that was said last; the moment itself is still in time."""
        return self.abroad and now > self.returns_at


class Stop(models.Model):
    """One place on the way (去处): with a customer of one's own book, or anywhere; checked in by a tap, reported on with a result."""

    outing = models.ForeignKey(Outing, models.CASCADE, related_name="stops")
    number = models.IntegerField()
    customer = models.ForeignKey("customers.Customer", models.CASCADE, null=True, related_name="+")
    place = models.TextField(default="", blank=True)
    purpose = models.TextField()
    planned_for = models.DateTimeField(null=True)
    # "contact:12", the visit it is for: a sibling's row, so a word and not a key.
    visit = models.TextField(default="", blank=True)
    reached_at = models.DateTimeField(null=True, help_text=_("checked in by a tap"))
    result = models.TextField(choices=Result, default="", blank=True)
    words = models.TextField(default="", blank=True)
    told_at = models.DateTimeField(null=True, help_text=_("when it was first reported on"))

    class Meta:
        db_table = "work_stop"
        constraints = [
            models.UniqueConstraint(fields=["outing", "number"], name="work_stop_number"),
            models.CheckConstraint(condition=~Q(customer=None, place=""), name="work_stop_somewhere"),
            models.CheckConstraint(
                condition=Q(result="", told_at=None) | Q(~Q(result=""), told_at__isnull=False), name="work_stop_told"
            ),
        ]
        indexes = [models.Index(fields=["visit"], name="work_stop_visit", condition=~Q(visit=""))]

    def __str__(self) -> str:
        return f"stop {self.outing_id}/{self.number}"


class Help(models.Model):
    """A request for help from an outing (求助): to the leader, who owes an answer by ``due``."""

    outing = models.ForeignKey(Outing, models.CASCADE, related_name="helps")
    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    leader = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    words = models.TextField()
    asked_at = models.DateTimeField()
    due = models.DateTimeField()
    answer = models.TextField(default="", blank=True)
    answered_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "work_help"
        constraints = [
            models.CheckConstraint(condition=~Q(leader=F("staff")), name="work_help_of_another"),
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None, answered_by=None)
                | Q(~Q(answer=""), answered_at__isnull=False, answered_by__isnull=False),
                name="work_help_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"help {self.pk}"

    @property
    def subject(self) -> str:
        """What the ledger calls this request."""
        return f"help:{self.pk}"
