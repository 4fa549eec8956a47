from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Segment(models.Model):
    """One short message of a text, as it was submitted: the journal. A row is committed before its bytes leave.

    ``connection`` and ``sequence`` say under which number it left; ``name`` is what the gateway calls it. A second ``attempt`` is a
    person's decision.
    """

    class State(models.TextChoices):
        SUBMITTING = "submitting", _("being sent")
        SUBMITTED = "submitted", _("sent")
        DELIVERED = "delivered", _("delivered")
        UNDELIVERED = "undelivered", _("not delivered")
        UNKNOWN = "unknown", _("unknown")
        EXPIRED = "expired", _("expired")
        HELD = "held", _("not taken, to be tried again")

    message = models.ForeignKey("sms.Message", models.CASCADE, related_name="segments", db_index=False)
    attempt = models.SmallIntegerField()
    number = models.SmallIntegerField()
    of = models.SmallIntegerField()
    state = models.TextField(choices=State, default=State.SUBMITTING)
    gateway = models.TextField()
    connection = models.ForeignKey(
        "sms.Connection", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    sequence = models.BigIntegerField()
    reference = models.TextField(help_text="our own name for it, told to the gateway where the protocol lets us")
    name = models.TextField(default="", help_text="the gateway's name for it")
    code = models.TextField(default="", help_text="the gateway's or the network's code")
    meaning = models.JSONField(default=dict)
    submitting_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    receipt_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(
        null=True, help_text="definitely not taken, because of too many at once: when it is tried again"
    )

    class Meta:
        db_table = "sms_segment"
        constraints = [
            models.UniqueConstraint(fields=["message", "attempt", "number"], name="sms_segment_once"),
            models.UniqueConstraint(fields=["connection", "sequence"], name="sms_segment_sequence"),
        ]
        indexes = [
            # a receipt names it so
            models.Index(fields=["gateway", "name"], name="sms_segment_name", condition=~Q(name="")),
            # what is tried again; none goes by the state, so that a receipt touches no index
            models.Index(fields=["retry_at"], name="sms_segment_held", condition=Q(retry_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.state}"
