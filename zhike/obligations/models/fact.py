from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Fact(models.Model):
    """Something that happened (事实): when, when it became known, by whom, what. Never changed: corrected by another.

    ``kind`` is a name that the engine knows (:mod:`zhike.conduct.facts`); ``data`` is what that kind carries.
    """

    class Grade(models.TextChoices):
        """How a time is known: observed by the system, tapped at the moment, entered later."""

        OBSERVED = "observed", _("observed")
        TAPPED = "tapped", _("tapped at the moment")
        ENTERED = "entered", _("entered later")

    kind = models.TextField()
    at = models.DateTimeField()
    known_at = models.DateTimeField()
    grade = models.TextField(choices=Grade, default=Grade.TAPPED)
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+", help_text=_("whose duty it is"))
    customer = models.ForeignKey("customers.Customer", models.CASCADE, null=True, related_name="facts")
    # "contact:12", "demand:7": what it is about, one layer up or more, so a word and not a key.
    subject = models.TextField(default="")
    data = models.JSONField(default=dict)
    corrects = models.OneToOneField("self", models.PROTECT, null=True, related_name="corrected_by")
    void = models.BooleanField(default=False, help_text=_("it did not happen: a correction without a successor"))

    class Meta:
        db_table = "obligations_fact"
        indexes = [
            models.Index(fields=["subject"], name="obligations_fact_subject"),
            models.Index(fields=["customer", "at"], name="obligations_fact_customer"),
            models.Index(fields=["staff", "at"], name="obligations_fact_refused", condition=Q(kind="request_refused")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"
