from django.db import models


class Receipt(models.Model):
    """A receipt whose message is not known (yet): it came before the answer, or names nothing of ours. Kept until it is matched."""

    gateway = models.TextField()
    name = models.TextField(help_text="the gateway's name for what it is about")
    number_index = models.BinaryField(null=True, help_text="keyed hash of the number that it is about")
    submitted_at = models.DateTimeField(null=True, help_text="when the network took it, as the network says")
    fate = models.TextField()
    code = models.TextField(default="")
    meaning = models.JSONField(default=dict)
    at = models.DateTimeField(null=True, help_text="as the network says")
    came_at = models.DateTimeField()
    matched_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sms_receipt"
        indexes = [
            models.Index(fields=["gateway", "name"], name="sms_receipt_parked", condition=models.Q(matched_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.name} {self.fate}"
