from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


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
    reason = models.TextField()
    decision = models.TextField(choices=Decision, default=Decision.OPEN)
    decided_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(default="", blank=True)

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
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
