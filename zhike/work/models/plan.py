from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class Period(models.TextChoices):
    """What a plan is of."""

    DAY = "day", pgettext_lazy("plan", "day")
    WEEK = "week", pgettext_lazy("plan", "week")
    MONTH = "month", pgettext_lazy("plan", "month")

    def first(self, day: date) -> date:
        """The first day of the period in which ``day`` lies: weeks begin on Monday."""
        if self == Period.DAY:
            return day
        return day - timedelta(days=day.weekday()) if self == Period.WEEK else day.replace(day=1)

    def last(self, day: date) -> date:
        """Its last day."""
        first = self.first(day)
        if self == Period.DAY:
            return first
        return first + timedelta(days=6) if self == Period.WEEK else _next_month(first) - timedelta(days=1)

    def next(self, day: date) -> date:
        """The first day of the period after."""
        return self.last(day) + timedelta(days=1)


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


class PlanQuerySet(models.QuerySet["Plan"]):
    def visible_to(self, actor: Actor) -> PlanQuerySet:
        """One's own, and those of whom one oversees; standing in for somebody shows none of theirs."""
        return self.filter(Q(staff=actor.id) | Q(staff__among=actor.oversees))

    def held(self, id: int, actor: Actor) -> Plan | None:
        """One of them, kept from others until the transaction ends; None as for one that does not exist."""
        rows = self.visible_to(actor).select_related("staff").filter(pk=id)
        return rows.select_for_update(of=("self",), no_key=True).first()


class Plan(models.Model):
    """What somebody means to do in a day, a week or a month, in their order (计划, W1). It is there once it is fixed; a proposal is none."""

    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    period = models.TextField(choices=Period)
    first_day = models.DateField(help_text=_("the first day of the period"))
    fixed_at = models.DateTimeField(help_text=_("when it was fixed"))
    version = models.IntegerField(default=1)

    objects = PlanQuerySet.as_manager()

    class Meta:
        db_table = "work_plan"
        constraints = [models.UniqueConstraint(fields=["staff", "period", "first_day"], name="work_plan_one")]
        indexes = [models.Index(fields=["first_day", "period"], name="work_plan_on")]

    def __str__(self) -> str:
        return f"{self.period} {self.first_day} {self.staff_id}"

    @property
    def subject(self) -> str:
        """What the ledger calls this plan."""
        return subject(self.period, self.first_day, self.staff_id)

    @property
    def last_day(self) -> date:
        return Period(self.period).last(self.first_day)


def subject(period: str, first_day: date, staff: int) -> str:
    """What the ledger calls somebody's plan of a period, made or not."""
    return f"plan:{period}:{first_day.isoformat()}/staff:{staff}"


class PlanLine(models.Model):
    """One thing on a plan: a thing owed, or an appointment. What became of it is read there, and nowhere ticked again.

    ``about``: the ledger's key of what is owed, which stays when it is told anew, or ``contact:12``. A birthday is owed on its day alone;
    until then its line knows whose and when.
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="lines")
    place = models.IntegerField(help_text=_("its place in the order"))
    about = models.TextField()
    obligation = models.ForeignKey("obligations.Obligation", models.SET_NULL, null=True, related_name="+")
    customer = models.ForeignKey("customers.Customer", models.CASCADE, null=True, related_name="+")
    falls_on = models.DateField(null=True, help_text=_("the day of what is not owed yet"))
    carried = models.SmallIntegerField(default=0, help_text=_("how often it has moved on to the next plan"))
    added_at = models.DateTimeField(null=True, help_text=_("when it was added to the fixed plan"))

    class Meta:
        db_table = "work_plan_line"
        constraints = [
            models.UniqueConstraint(fields=["plan", "about"], name="work_plan_line_once"),
            models.CheckConstraint(name="work_plan_line_carried", condition=Q(carried__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.about}"

    @property
    def is_appointment(self) -> bool:
        return self.about.startswith("contact:")


class PlanComment(models.Model):
    """What the leader says about a plan, or whose it is answers (批注)."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="comments")
    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.TextField()

    class Meta:
        db_table = "work_plan_comment"
        indexes = [models.Index(fields=["plan", "at"], name="work_plan_comment_of")]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.by_id}"

    @property
    def subject(self) -> str:
        """What the ledger calls this comment, which whose plan it is reads."""
        return f"plan_comment:{self.pk}"
