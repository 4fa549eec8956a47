from django.db import models
from django.utils.translation import gettext_lazy as _


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
    reason = models.TextField(default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "obligations_finding"
        indexes = [models.Index(fields=["staff", "at"], name="obligations_finding_staff")]

    def __str__(self) -> str:
        return f"{self.clause} {self.kind}"
