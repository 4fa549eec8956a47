from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.conduct import clause
from zhike.conduct.guard import Verdict


class Finding(models.Model):
    """Something done against a clause (发现): 违规 for a broken must, 例外说明 for a reasoned exception to a should or try."""

    class Kind(models.TextChoices):
        BREACH = "breach", _("breach")
        EXCEPTION = "exception", _("reasoned exception")

    clause = models.TextField()
    clause_from = models.DateField()
    kind = models.TextField(choices=Kind)
    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="findings")
    customer = models.ForeignKey("customers.Customer", models.CASCADE, null=True, related_name="findings")
    subject = models.TextField(default="")
    verdict = models.TextField(help_text=_("the guard's name: surprise_visit, own_phone"))
    what = models.JSONField(default=dict, help_text=_("what was found, in both languages"))
    reason = models.TextField(default="", blank=True)
    at = models.DateTimeField(help_text=_("when it was done"))
    void = models.BooleanField(default=False, help_text=_("what it was found on was corrected"))

    class Meta:
        db_table = "obligations_finding"
        indexes = [models.Index(fields=["staff", "at"], name="obligations_finding_staff")]

    def __str__(self) -> str:
        return f"{self.clause} {self.kind}"

    @classmethod
    def record(
        cls,
        verdict: Verdict,
        *,
        staff: int,
        customer: int | None,
        subject: str,
        reason: str,
        at: datetime,
        zone: ZoneInfo,
    ) -> Finding | None:
        """Keeps a warning that somebody went past. A broken must is a breach, unless that part of it only tries (V1).

        ``at``: when it was done; what was done before the clause was in force is none, and nothing is kept.
        """
        law = clause.load()[verdict.clause]
        version = law.on(at.astimezone(zone).date())
        if version is None:
            return None
        breach = (verdict.force or law.force) == "must"
        return cls.objects.create(
            clause=verdict.clause,
            clause_from=version.from_day,
            kind=cls.Kind.BREACH if breach else cls.Kind.EXCEPTION,
            staff_id=staff,
            customer_id=customer,
            subject=subject,
            verdict=verdict.name,
            what={"zh": verdict.kept.zh, "en": verdict.kept.en},
            reason=reason,
            at=at,
        )
