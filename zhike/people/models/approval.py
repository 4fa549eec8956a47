from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor

# Whom requests that concern the whole bank, and no unit, are shown to.
BANK_WIDE = frozenset({"administrator", "compliance", "auditor"})
# Of these marketing decides about the texts alone.
TEXTS = "sms."


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def visible_to(self, actor: Actor) -> ApprovalQuerySet:
        """One's own, those one decided, those of units in the actor's scope; PostgreSQL's policy says the same."""
        shown = Q(asked_by=actor.id) | Q(decided_by=actor.id)
        shown |= Q(unit__in=[-keeper for keeper in actor.sees if keeper < 0])
        if actor.roles & BANK_WIDE:
            shown |= Q(unit=None)
        elif "marketing" in actor.roles:
            shown |= Q(unit=None, kind__startswith=TEXTS)
        return self.filter(shown)


class Approval(models.Model):
    """A decision that needs a second person (审批): who asked for what, who decided.

    What is carried out is what was seen: ``digest`` is over kind, subject and payload, and a decision names it.
    """

    class Decision(models.TextChoices):
        OPEN = "open", _("waiting")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    kind = models.TextField(help_text=_("the act, e.g. people.setting or customers.reassign"))
    subject = models.TextField(help_text=_("what it is about, e.g. setting:callback_tolerance"))
    payload = models.JSONField(default=dict)
    digest = models.TextField()
    unit = models.ForeignKey("people.Unit", models.PROTECT, null=True, related_name="+")
    asked_by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    # For whom, where the one who asked stood in for a colleague on leave.
    on_behalf = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    decision = models.TextField(choices=Decision, default=Decision.OPEN)
    decided_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(default="", blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        db_table = "people_approval"
        constraints = [
            models.CheckConstraint(
                name="people_approval_decided",
                condition=Q(decision="open", decided_by=None, decided_at=None)
                | Q(~Q(decision="open"), decided_by__isnull=False, decided_at__isnull=False),
            ),
            # Four eyes: nobody approves what they asked for. Withdrawing one's own request is no approval.
            models.CheckConstraint(
                name="people_approval_four_eyes",
                condition=~Q(decision__in=["approved", "refused"]) | ~Q(decided_by=F("asked_by")),
            ),
            # Nor what was asked for them while they were away.
            models.CheckConstraint(
                name="people_approval_not_for_oneself",
                condition=~Q(decision__in=["approved", "refused"]) | Q(on_behalf=None) | ~Q(decided_by=F("on_behalf")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
